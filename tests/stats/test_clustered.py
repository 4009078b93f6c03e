"""Units of one patient: with one unit each the plain answer, copied units change nothing, few patients stay few."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import multinomial, norm, t

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats.agreement import cohens_kappa, cross_table, fleiss_kappa, mcnemar, rating_counts
from osteon.stats.clustered import (
    clustered_fleiss_kappa,
    clustered_kappa,
    clustered_mcnemar,
    clustered_share,
)
from osteon.stats.proportion import proportion, tango_interval, wilson_interval

calls = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 6)), min_size=6, max_size=40)


def close(one, other):
    return one == pytest.approx(other, rel=1e-9, abs=1e-12, nan_ok=True)


def figures(kappa):
    return kappa.value, kappa.se, kappa.se_null, kappa.z, kappa.p, kappa.ci.low, kappa.ci.high


def rows_of(drawn):
    return (np.array(column) for column in zip(*drawn, strict=True))


@given(calls)
def test_a_share_of_one_unit_a_patient_is_wilsons(drawn):
    a, _, _ = rows_of(drawn)
    found, plain = clustered_share(a > 0, range(len(a))), proportion(int((a > 0).sum()), len(a))
    assert close((found.value, found.ci.low, found.ci.high), (plain.value, plain.ci.low, plain.ci.high))


@given(calls)
def test_mcnemar_of_one_unit_a_patient_is_mcnemars(drawn):
    a, b, _ = rows_of(drawn)
    first, second = a > 0, b > 0
    b_only, c_only = int((first & ~second).sum()), int((second & ~first).sum())
    found = clustered_mcnemar(first, second, range(len(a)))
    assert (found.first_only, found.second_only) == (b_only, c_only)
    low, high = tango_interval(b_only, c_only, len(a))
    assert found.ci.low <= low < high <= found.ci.high
    if b_only + c_only == 0:
        assert (found.chi2, found.p, found.p_exact, found.difference) == (0.0, 1.0, 1.0, 0.0)
        assert "no_pair_differs" in found.notes
        return
    plain = mcnemar(first_only=b_only, second_only=c_only)
    assert close((found.chi2, found.p, found.p_exact), (plain.chi2, plain.p, plain.p_exact))


@pytest.mark.parametrize(("n", "down", "up"), [(220, 0, 5), (41, 0, 4), (220, 1, 7), (41, 4, 0), (41, 0, 0)])
def test_the_interval_of_the_difference_holds_0_where_the_exact_test_does_not_reject(n, down, up):
    first = [1] * down + [0] * up + [1] * (n - down - up)
    second = [0] * down + [1] * up + [1] * (n - down - up)
    found = clustered_mcnemar(first, second, range(n))
    assert found.p_exact > 0.05
    assert found.ci.low <= 0 <= found.ci.high
    assert found.ci.low < found.difference < found.ci.high


def test_interval_and_exact_test_agree_with_one_unit_a_patient():
    n = 60
    for down in range(20):
        for up in range(40):
            first, second = [1] * down + [0] * (n - down), [0] * down + [1] * up + [0] * (n - down - up)
            found = clustered_mcnemar(first, second, range(n))
            assert (found.p_exact < 0.05) == (not found.ci.low <= 0 <= found.ci.high), (down, up)


@settings(max_examples=60)
@given(calls)
def test_without_few_discordant_pairs_the_interval_is_that_of_obuchowskis_statistic(drawn):
    """Tango's interval at the effective number leaves 0 out exactly where the chi-square rejects."""
    a, b, patients = rows_of(drawn)
    found = clustered_mcnemar(a > 0, b > 0, patients)
    if found.design_effect >= 1 and found.p_exact < 0.05:
        assert (found.p < 0.05) == (not found.ci.low <= 0 <= found.ci.high)


@given(calls, st.sampled_from(["none", "linear", "quadratic"]))
def test_kappa_of_one_unit_a_patient_is_cohens(drawn, weights):
    a, b, _ = rows_of(drawn)
    table = cross_table(a, b, categories=range(3)).counts
    try:
        plain = cohens_kappa(table, weights=weights)
    except NotEnoughData:
        return
    found = clustered_kappa(a, b, range(len(a)), categories=range(3), weights=weights)
    assert close(figures(found), figures(plain))


def test_fleiss_kappa_of_one_unit_a_patient_is_fleiss():
    rows = np.random.default_rng(3).integers(0, 3, (30, 4)).tolist()
    plain, found = fleiss_kappa(rating_counts(rows)), clustered_fleiss_kappa(rows, range(30))
    assert close(figures(found), figures(plain))


@settings(max_examples=60)
@given(calls, st.integers(2, 5))
def test_copying_every_unit_within_its_patient_changes_no_test_difference_or_kappa(drawn, times):
    a, b, patients = rows_of(drawn)
    again = [np.tile(column, times) for column in (a, b, patients)]
    once, many = (
        clustered_mcnemar(a > 0, b > 0, patients),
        clustered_mcnemar(again[0] > 0, again[1] > 0, again[2]),
    )
    assert close((once.chi2, once.p, once.p_exact), (many.chi2, many.p, many.p_exact))
    if once.design_effect >= 1:
        assert close((once.ci.low, once.ci.high), (many.ci.low, many.ci.high))
    try:
        kappa = clustered_kappa(a, b, patients, categories=range(3))
    except NotEnoughData:
        return
    assert close(figures(kappa), figures(clustered_kappa(*again, categories=range(3))))
    fleiss = clustered_fleiss_kappa(np.c_[a, b].tolist(), patients, categories=[0, 1, 2])
    copied = clustered_fleiss_kappa(np.c_[again[0], again[1]].tolist(), again[2], categories=[0, 1, 2])
    assert close(figures(fleiss), figures(copied))


@settings(max_examples=60)
@given(calls, st.integers(2, 5))
def test_copying_units_widens_a_share_by_its_correction_for_few_patients_alone(drawn, times):
    """Korn and Graubard's correction ends at (K - 1) / K and t of K - 1 for endlessly many copies."""
    a, _, patients = rows_of(drawn)
    once, many = (clustered_share(np.tile(a > 0, m), np.tile(patients, m)) for m in (1, times))
    if once.patients == 1 or once.value in (0, 1):
        assert close((once.ci.low, once.ci.high), (many.ci.low, many.ci.high))
    elif once.design_effect >= 1:
        assert many.ci.low <= once.ci.low + 1e-12
        assert many.ci.high >= once.ci.high - 1e-12
        most = (1 - 1 / once.n) * (norm.isf(0.025) / t.isf(0.025, once.n - 1)) ** 2
        _, high = wilson_interval(once.value, independent(once) * most)
        assert many.ci.high <= high + 1e-12


def independent(found):
    """How many independent units have an interval as wide: Wilson's half width solved for n."""
    z2, width = norm.isf(0.025) ** 2, (found.ci.high - found.ci.low) / 2
    pq = found.value * (1 - found.value)
    return brentq(
        lambda n: (z2 * (pq / n + z2 / (4 * n * n))) ** 0.5 / (1 + z2 / n) - width, 1e-9, 1e9, xtol=1e-12
    )


@given(calls)
def test_a_share_is_never_more_certain_than_independent_units(drawn):
    a, _, patients = rows_of(drawn)
    found, plain = clustered_share(a > 0, patients), proportion(int((a > 0).sum()), len(a))
    assert found.ci.low <= plain.ci.low + 1e-12
    assert found.ci.high >= plain.ci.high - 1e-12


@pytest.mark.parametrize(("patients", "right", "units"), [(40, 1, 2), (30, 5, 6)])
def test_one_unit_more_does_not_turn_the_most_cautious_interval_into_certainty(patients, right, units):
    """All patients alike, and all but one: neither shows that patients do not differ."""
    calls = np.tile([1] * right + [0] * (units - right), (patients, 1))
    other = calls.copy()
    other[0] = 1
    owner = np.repeat(range(patients), units)
    alike, nearly = (clustered_share(x.ravel(), owner).ci for x in (calls, other))
    assert (nearly.high - nearly.low) == pytest.approx(alike.high - alike.low, rel=0.05)


def test_three_against_eight_patients_with_six_vertebrae_each():
    """30 patients x 6 identical vertebrae: counted as 180 patients McNemar gives p < .001 for 18 against 48."""
    first = np.repeat([1] * 3 + [0] * 8 + [1] * 10 + [0] * 9, 6)
    second = np.repeat([0] * 3 + [1] * 8 + [1] * 10 + [0] * 9, 6)
    found = clustered_mcnemar(first, second, np.repeat(range(30), 6))
    assert found.p_exact == pytest.approx(mcnemar(first_only=3, second_only=8).p_exact)
    assert found.p_exact == pytest.approx(0.2266, abs=1e-4)
    assert mcnemar(first_only=18, second_only=48).p_exact < 0.001
    assert (found.first_only, found.second_only, found.patients_first, found.patients_second) == (
        18,
        48,
        3,
        8,
    )
    assert found.difference == pytest.approx(5 / 30)
    assert found.ci.low < 0 < found.difference < found.ci.high


def test_obuchowskis_statistic_by_hand():
    """Differences 2, 1, -1, 0, 1 of five patients: 3^2 / 7; 4 of the 16 sign patterns reach 3, 4 reach -3."""
    first = [0, 0, 0, 1, 1, 0, 0]
    second = [1, 1, 1, 0, 1, 1, 0]
    found = clustered_mcnemar(first, second, ["a", "a", "b", "c", "d", "e", "d"])
    assert found.chi2 == pytest.approx(9 / 7)
    assert found.p_exact == pytest.approx(0.5)


def test_differences_that_cancel_within_every_patient_show_nothing():
    found = clustered_mcnemar([1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 2, 2])
    assert (found.chi2, found.p_exact) == (0.0, 1.0)
    assert (found.ci.low, found.ci.high) == tango_interval(2, 2, 4)
    assert "balanced_within_patients" in found.notes


def test_patients_who_do_not_differ_are_few_patients_not_certainty():
    """Two patients, half of each one's vertebrae right: no spread between them, yet far from certain."""
    found = clustered_share([1, 0] * 6, [1] * 6 + [2] * 6)
    plain = proportion(1, 2)
    assert found.ci.low < plain.ci.low
    assert found.ci.high > plain.ci.high
    all_right = clustered_share([1] * 12, [1] * 6 + [2] * 6)
    assert all_right.ci.low == pytest.approx(proportion(2, 2).ci.low)


def test_intervals_cover_where_counting_vertebrae_does_not():
    """60 patients x 5 vertebrae that share their patient's luck (ICC about .4): 95% means about 95%."""
    rng = np.random.default_rng(8)
    inside, naive = [], []
    for _ in range(400):
        luck = rng.beta(0.8 * 1.5, 0.2 * 1.5, 60)
        right = rng.random((60, 5)) < luck[:, None]
        found = clustered_share(right.ravel(), np.repeat(range(60), 5))
        plain = proportion(int(right.sum()), 300)
        inside.append(found.ci.low <= 0.8 <= found.ci.high)
        naive.append(plain.ci.low <= 0.8 <= plain.ci.high)
    assert 0.92 <= np.mean(inside) <= 0.98
    assert np.mean(naive) < 0.85


@pytest.mark.parametrize(("patients", "units", "share", "icc"), [(10, 6, 0.9, 0.3), (15, 6, 0.9, 0.3)])
def test_few_patients_are_covered_too(patients, units, share, icc):
    """Beta-binomial patients; without the correction for few of them .90 is covered."""
    rng = np.random.default_rng(11)
    owner, spread, inside = np.repeat(range(patients), units), (1 - icc) / icc, []
    for _ in range(2000):
        right = rng.random((patients, units)) < rng.beta(share * spread, (1 - share) * spread, (patients, 1))
        found = clustered_share(right.ravel(), owner)
        inside.append(found.ci.low <= share <= found.ci.high)
    assert np.mean(inside) > 0.93


def test_mcnemar_keeps_its_level_where_counting_vertebrae_does_not():
    rng = np.random.default_rng(9)
    clustered, naive = [], []
    for _ in range(300):
        lean = rng.choice([-1, 0, 1], 40, p=[0.25, 0.5, 0.25])
        first = np.repeat(lean < 0, 5)
        second = np.repeat(lean > 0, 5)
        clustered.append(clustered_mcnemar(first, second, np.repeat(range(40), 5)).p < 0.05)
        naive.append(mcnemar(first_only=int(first.sum()), second_only=int(second.sum())).p < 0.05)
    assert np.mean(clustered) < 0.08
    assert np.mean(naive) > 0.2


def test_a_difference_nobody_showed_is_bounded_by_the_patients_not_their_units():
    found = clustered_mcnemar([1] * 246, [1] * 246, list(range(41)) * 6)
    assert (found.ci.low, found.ci.high) == tango_interval(0, 0, 41)


@pytest.mark.parametrize(
    ("n", "first_only", "second_only"), [(41, 0.02, 0.05), (41, 0.01, 0.05), (41, 0.03, 0.1)]
)
def test_the_paired_interval_covers_where_walds_does_not(n, first_only, second_only):
    """Over every table, each with its multinomial chance."""
    truth, inside, walds = second_only - first_only, 0.0, 0.0
    for down in range(n + 1):
        for up in range(n + 1 - down):
            chance = multinomial.pmf(
                [down, up, n - down - up], n, [first_only, second_only, 1 - first_only - second_only]
            )
            if chance > 1e-7:
                low, high = tango_interval(down, up, n)
                inside += chance * (low <= truth <= high)
                half = 1.96 * np.sqrt(down + up - (up - down) ** 2 / n) / n
                walds += chance * (half > 0 and abs((up - down) / n - truth) <= half)
    assert inside > 0.94
    assert walds < 0.92


def test_the_interval_of_the_difference_covers_with_ten_patients():
    """Ten patients x 6 vertebrae of a common luck, .8 right without and .9 with AI; Wald over patients covers .90."""
    rng = np.random.default_rng(10)
    inside = []
    for _ in range(400):
        luck = rng.standard_normal((10, 1))
        latent = 0.6**0.5 * luck + 0.4**0.5 * rng.standard_normal((2, 10, 6))
        first, second = latent < np.array([0.8416, 1.2816])[:, None, None]
        found = clustered_mcnemar(first.ravel(), second.ravel(), np.repeat(range(10), 6))
        inside.append(found.ci.low <= 0.1 <= found.ci.high)
    assert np.mean(inside) > 0.93


def test_what_is_refused():
    with pytest.raises(ShapeError, match="clusters has shape"):
        clustered_share([1, 0], [1])
    with pytest.raises(InputError, match="missing label"):
        clustered_share([1, 0], [1, None])
    with pytest.raises(ShapeError):
        clustered_mcnemar([1, 0], [1], [1, 2])
