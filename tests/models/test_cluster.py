"""Groups of patients: laws of the methods, known answers, planted groups found, and nothing found where nothing is."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_samples

from osteon.core.errors import ConfigError, NotEnoughData, ShapeError
from osteon.models.cluster import METHODS, ClusterOptions, grouped, partition
from osteon.models.cluster_assign import portrait_model
from osteon.models.cluster_coding import fit_coding
from osteon.models.cluster_count import counted, gap_choice, kneedle, silhouettes
from osteon.models.cluster_kmeans import kmeans
from osteon.models.cluster_mixed import distances, gower, pam
from osteon.models.cluster_mixture import described, mixture
from osteon.models.cluster_stability import (
    adjusted_rand,
    bootstrap_jaccard,
    consensus,
    expected_rand,
    one_group,
)

LIGHT = ClusterOptions(seeds=2, resamples=10, reference_draws=20, restarts=5)


def rng(seed=0):
    return np.random.default_rng(seed)


def blobs(k=3, n=25, apart=8.0, seed=0):
    """``k`` round groups of ``n``, and a category that goes with them."""
    r = rng(seed)
    truth = np.repeat(np.arange(k), n)
    centres = apart * np.array([[0, 0, 0], [1, 0, 1], [0, 1, 1], [1, 1, 0]], dtype=float)[:k]
    x = centres[truth] + r.standard_normal((k * n, 3))
    table = pd.DataFrame(x, columns=["age_years", "t_lowest", "vas_baseline"])
    table["fracture_line"] = pd.Categorical(
        np.array(["transverse", "oblique", "vertical", "comminuted"])[truth]
    )
    return table, truth


def test_sex_is_coded_as_published_and_numbers_are_scaled():
    table = pd.DataFrame({"sex": ["male", "female"], "age_years": [42.0, 80.0]})
    assert fit_coding(table, scale="minmax").coded(table).matrix.tolist() == [[0, 1, 0], [1, 0, 1]]
    z = fit_coding(table).coded(table).numbers[:, 0]
    assert z.mean() == pytest.approx(0)
    assert z.std(ddof=1) == pytest.approx(1)


def test_holes_take_the_median_and_the_commonest_level_and_are_remembered():
    table = pd.DataFrame({"age_years": [50.0, None, 60.0, 90.0], "sex": ["male", "female", "female", None]})
    coded = fit_coding(table, scale="minmax").coded(table)
    assert coded.numbers[1, 0] == pytest.approx(0.25)
    assert coded.codes[3, 0] == 1
    assert coded.missing.tolist() == [[False, False], [True, False], [False, False], [False, True]]


def test_a_new_level_and_an_absent_column_count_as_missing():
    known = pd.DataFrame(
        {"age_years": [50.0, 60.0], "fracture_line": pd.Categorical(["oblique", "vertical"])}
    )
    coded = fit_coding(known).coded(pd.DataFrame({"fracture_line": ["comminuted"]}))
    assert coded.missing.tolist() == [[True, True]]


@pytest.mark.parametrize("k", [2, 3, 5])
def test_kmeans_is_as_good_as_that_of_scikit_learn(k):
    x = rng(k).standard_normal((80, 4))
    ours = kmeans(x, k, rng=rng(), restarts=30)
    theirs = KMeans(k, n_init=30, random_state=0).fit(x)
    assert ours.loss == pytest.approx(theirs.inertia_, rel=0.01)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(-50, 50), st.permutations(range(30)))
def test_kmeans_does_not_care_where_the_origin_is_or_who_comes_first(seed, shift, order):
    table, _ = blobs(3, 10, seed=seed)
    x = table.iloc[:, :3].to_numpy()
    first = kmeans(x, 3, rng=rng()).labels
    moved = kmeans(x[list(order)] + shift, 3, rng=rng(1)).labels
    assert adjusted_rand(first[list(order)], moved) == 1.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=3, max_size=40), st.integers(0, 99))
def test_the_adjusted_rand_index(labels, seed):
    other = rng(seed).integers(0, 3, len(labels))
    assert adjusted_rand(labels, other) == pytest.approx(adjusted_rand_score(labels, other))
    assert adjusted_rand(labels, other) == pytest.approx(adjusted_rand(other, labels))
    assert adjusted_rand(labels, [3 - each for each in labels]) == 1.0


def test_the_adjusted_rand_index_refuses_unequal_lengths():
    with pytest.raises(ShapeError):
        adjusted_rand([0, 1], [0, 1, 1])


def test_silhouettes_are_those_of_scikit_learn():
    x, labels = rng(2).standard_normal((40, 3)), rng(3).integers(0, 4, 40)
    between = distances(x)
    assert silhouettes(between, labels) == pytest.approx(
        silhouette_samples(between, labels, metric="precomputed")
    )


def test_gower_by_hand():
    table = pd.DataFrame({"age_years": [40.0, 80.0, 60.0], "sex": ["male", "female", "male"]})
    between = gower(fit_coding(table).coded(table))
    assert between[0].tolist() == pytest.approx([0.0, 1.0, 0.25])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_gower_is_a_symmetric_share(seed):
    table, _ = blobs(2, 8, seed=seed)
    table.loc[0, "age_years"] = None
    between = gower(fit_coding(table).coded(table))
    assert np.allclose(between, between.T)
    assert np.allclose(np.diag(between), 0)
    assert ((between >= 0) & (between <= 1)).all()


def test_medoids_are_no_worse_than_every_pair_tried():
    x = rng(5).standard_normal((14, 2))
    between = distances(x)
    best = min(np.minimum(between[:, i], between[:, j]).sum() for i in range(14) for j in range(i))
    assert pam(between, 2).loss == pytest.approx(best, rel=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_what_lies_far_apart(method):
    table, truth = blobs(3)
    data = fit_coding(table).coded(table)
    assert adjusted_rand(partition(data, 3, method=method, rng=rng()).labels, truth) > 0.95


def test_a_mixture_knows_its_shares_and_its_bic_counts_the_groups():
    table, truth = blobs(3, apart=5.0)
    data = fit_coding(table).coded(table)
    bics = [mixture(data, k, rng=rng(), restarts=3)[0].bic for k in range(1, 6)]
    assert int(np.argmin(bics)) + 1 == 3
    made = described(data, np.eye(3)[truth])
    assert made.weights == pytest.approx([1 / 3] * 3)
    assert made.membership(data).sum(axis=1) == pytest.approx(np.ones(len(table)))


def test_more_groups_than_patients_are_refused():
    with pytest.raises(NotEnoughData):
        kmeans(np.zeros((3, 1)), 4, rng=rng())


def test_the_elbow_and_the_gap():
    assert kneedle([1, 2, 3, 4, 5, 6], [200, 90, 40, 33, 28, 24]) == 3
    assert kneedle([1, 2, 3, 4, 5], [50, 40, 30, 20, 10]) is None
    assert gap_choice([0.2, 0.1, 0.0], [0.05] * 3, [1, 2, 3]) == 1


def test_two_voices_decide_else_the_gap_else_the_silhouette():
    reference = np.tile([100.0, 80, 65, 55, 50], (20, 1)) + rng().random((20, 5))
    widths = np.full((20, 5), 0.2) + rng(1).normal(0, 0.01, (20, 5))
    found = counted([100, 60, 20, 17, 15], [-1, 0.4, 0.7, 0.6, 0.5], reference, widths)
    assert (found.k, found.rule) == (3, "agreed")
    assert found.structure.found
    tied = counted(
        [100, 60, 20, 17, 15], [-1, 0.4, 0.5, 0.6, 0.7], reference, widths, voters=("elbow", "silhouette")
    )
    assert (tied.k, tied.rule) == (5, "silhouette")
    torn = counted([100, 62, 24, 3, 2.9], [-1, 0.9, 0.5, 0.6, 0.7], reference, widths)
    assert torn.votes == {"elbow": 3, "silhouette": 2, "gap": 4}
    assert (torn.k, torn.rule) == (4, "gap")


def test_one_group_keeps_every_column_and_every_correlation():
    table, _ = blobs(3)
    data = fit_coding(table).coded(table)
    drawn = one_group(data)(rng())
    assert np.allclose(np.sort(drawn.numbers, axis=0), np.sort(data.numbers, axis=0))
    assert np.array_equal(np.sort(drawn.codes, axis=0), np.sort(data.codes, axis=0))
    x = rng(1).multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 400)
    wide = fit_coding(pd.DataFrame(x, columns=["age_years", "t_lowest"]))
    again = one_group(wide.coded(pd.DataFrame(x, columns=["age_years", "t_lowest"])))(rng(2))
    assert np.corrcoef(again.numbers.T)[0, 1] == pytest.approx(0.8, abs=0.06)


def test_a_division_that_always_returns_is_stable_and_a_random_one_is_not():
    labels = np.repeat([0, 1], 40)
    sure = bootstrap_jaccard(labels, lambda rows, _: labels[rows], rng=rng(), resamples=10)
    assert sure.jaccard == (1.0, 1.0)
    loose = bootstrap_jaccard(labels, lambda rows, r: r.integers(0, 2, len(rows)), rng=rng(), resamples=10)
    assert loose.least < 0.5


def test_the_consensus_of_equal_runs_is_that_run():
    labels = np.array([0, 0, 1, 1, 2, 2])
    assert consensus([labels, 2 - labels], 3)[1] == 1.0
    joined, agreement = consensus([labels, labels, np.array([0, 1, 1, 1, 2, 2])], 3)
    assert adjusted_rand(joined, labels) == 1.0
    assert agreement < 1.0


def test_expected_agreement_with_a_truth_that_is_known_for_sure():
    labels = np.array([0, 0, 1, 1, 1])
    assert expected_rand(labels, np.eye(2)[labels], rng=rng(), draws=5) == 1.0


def test_planted_groups_are_claimed_and_new_patients_find_their_group():
    table, truth = blobs(4, apart=6.0)
    found = grouped(table, options=LIGHT, seed=3)
    assert (found.k, found.verdict) == (4, "groups")
    assert adjusted_rand(found.labels, truth) == 1.0
    model = portrait_model(table, found, ids=[f"P{i}" for i in range(len(table))], names=list("ABCD"))
    told = model.assign(table)
    assert np.array_equal(told.portrait, found.labels)
    assert [row[0] for row in told.nearest] == list(model.ids)
    stranger = model.assign(
        pd.DataFrame({"age_years": [60.0], "t_lowest": [60.0], "fracture_line": ["oblique"]})
    )
    assert stranger.unlike_any.all()
    assert stranger.missing == (("vas_baseline",),)
    assert "age_years" in stranger.out_of_range[0]


def test_equal_seeds_give_equal_groups():
    table, _ = blobs(3, apart=3.0)
    first, second = (grouped(table, options=LIGHT, seed=5) for _ in range(2))
    assert np.array_equal(first.labels, second.labels)
    assert first.stability == second.stability


def test_the_finest_stable_division():
    table, truth = blobs(3, 60)
    found = grouped(
        table,
        options=ClusterOptions(rule="stability", seeds=2, resamples=30, reference_draws=20, restarts=5),
        seed=1,
    )
    assert (found.k, found.count.rule) == (3, "stability")
    assert adjusted_rand(found.labels, truth) == 1.0


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="kmeans"):
        ClusterOptions(method="k-means")
    with pytest.raises(ConfigError):
        ClusterOptions(k=9)
    with pytest.raises(NotEnoughData):
        grouped(blobs(2, 5)[0], options=LIGHT, seed=1)
