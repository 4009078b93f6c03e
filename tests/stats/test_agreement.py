import csv

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa as peer_kappa

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.stats.agreement import cohens_kappa, cross_table, fleiss_kappa, mcnemar, rating_counts

SAS = [[0, 4, 1], [0, 8, 0], [0, 1, 5]]
# Fleiss 1971, table 1: 30 patients, 6 psychiatrists, 5 diagnoses
DIAGNOSES = [
    "444444",
    "222555",
    "233335",
    "555555",
    "222444",
    "113333",
    "333355",
    "113334",
    "114444",
    "555555",
    "144444",
    "124444",
    "222333",
    "144444",
    "224445",
    "333335",
    "111455",
    "111112",
    "224444",
    "133555",
    "555555",
    "244444",
    "224555",
    "114444",
    "144445",
    "222224",
    "111155",
    "224444",
    "133333",
    "555555",
]
tables = st.integers(2, 5).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 30), min_size=k, max_size=k), min_size=k, max_size=k)
)


@pytest.fixture(scope="module")
def readers(oracle_csv):
    with oracle_csv("readers80.csv").open() as file:
        return {
            name: [int(row[name]) for row in rows] for rows in [list(csv.DictReader(file))] for name in "abc"
        }


def known(answer, expected):
    assert answer.value == pytest.approx(expected["unweighted"][1], abs=1e-9)
    assert (answer.ci.low, answer.ci.high) == pytest.approx(
        (expected["unweighted"][0], expected["unweighted"][2]), abs=1e-9
    )
    assert answer.se**2 == pytest.approx(expected["var_unweighted"], abs=1e-9)


def test_psych_table(oracle):
    expected = oracle("statistics/agreement")["table3x3"]
    known(cohens_kappa(expected["table"]), expected)
    assert cohens_kappa(expected["table"], weights="quadratic").value == pytest.approx(
        expected["quadratic_estimate"], abs=1e-9
    )


@pytest.mark.parametrize("pair", ["a_b", "a_c", "b_c"])
def test_psych_readers(oracle, readers, pair):
    expected = oracle("statistics/agreement")["readers"][pair]
    table = cross_table(readers[pair[0]], readers[pair[2]]).counts
    known(cohens_kappa(table), expected)
    assert cohens_kappa(table, weights="quadratic").value == pytest.approx(
        expected["quadratic_estimate"], abs=1e-9
    )


def test_fleiss_arithmetic(oracle, readers):
    counts = rating_counts(list(zip(*(readers[name] for name in "abc"), strict=True)))
    expected = oracle("statistics/agreement")["readers"]["fleiss_kappa"]
    assert fleiss_kappa(counts).value == pytest.approx(expected, abs=1e-9)


def test_sas_printout():
    plain, linear = cohens_kappa(SAS), cohens_kappa(SAS, weights="linear")
    assert (plain.value, plain.se, plain.ci.low, plain.ci.high) == pytest.approx(
        (0.4842, 0.1380, 0.2137, 0.7547), abs=6e-5
    )
    assert (plain.se_null, plain.z, plain.p) == pytest.approx((0.1484, 3.2626, 0.0011), abs=6e-5)
    assert (linear.value, linear.se, linear.ci.low, linear.ci.high) == pytest.approx(
        (0.4701, 0.1457, 0.1845, 0.7558), abs=6e-5
    )
    assert (linear.se_null, linear.z, linear.p) == pytest.approx((0.1426, 3.2971, 0.0010), abs=6e-5)


def test_fleiss_1971():
    answer = fleiss_kappa(rating_counts([list(row) for row in DIAGNOSES]))
    assert answer.value == pytest.approx(0.4302445, abs=1e-7)
    assert answer.z == pytest.approx(17.65183, abs=1e-5)  # irr::kappam.fleiss
    assert (answer.n, answer.readers) == (30, 6)


def test_fleiss_error_is_near_the_jackknife():
    counts = rating_counts([list(row) for row in DIAGNOSES])
    left = np.array([fleiss_kappa(np.delete(counts, i, axis=0)).value for i in range(30)])
    jackknife = np.sqrt(29 / 30 * ((left - left.mean()) ** 2).sum())
    assert fleiss_kappa(counts).se == pytest.approx(jackknife, rel=0.05)


def test_mcnemar_r(oracle):
    for row in oracle("statistics/proportions")["mcnemar"]:
        answer = mcnemar(first_only=row["b"], second_only=row["c"])
        assert answer.chi2 == pytest.approx(row["chi2"], abs=1e-9)
        assert answer.p == pytest.approx(row["p"], abs=1e-9)
        assert answer.p_continuity == pytest.approx(row["p_continuity"], abs=1e-9)
        assert answer.p_exact == pytest.approx(row["p_exact"], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(tables, st.sampled_from(["none", "linear", "quadratic"]), st.randoms())
def test_swapped_readers_and_relabelled_categories_leave_kappa(table, weights, random):
    table = np.array(table)
    assume(((table.sum(0) > 0) | (table.sum(1) > 0)).sum() > 1)
    answer = cohens_kappa(table, weights=weights)
    order = list(range(len(table)))
    random.shuffle(order) if weights == "none" else order.reverse()
    for other in (table.T, table[np.ix_(order, order)]):
        again = cohens_kappa(other, weights=weights)
        assert again.value == pytest.approx(answer.value, abs=1e-9)
        assert again.se == pytest.approx(answer.se, abs=1e-7)
    assert -1 - 1e-9 <= answer.value <= 1 + 1e-9


@settings(max_examples=40, deadline=None)
@given(tables)
def test_quadratic_weights_equal_statsmodels(table):
    table = np.array(table) + 1
    peer = peer_kappa(table.astype(float), wt="quadratic")
    answer = cohens_kappa(table, weights="quadratic")
    assert (answer.value, answer.se, answer.se_null) == pytest.approx(
        (peer.kappa, peer.std_kappa, peer.std_kappa0), abs=1e-8
    )


def test_two_by_two_weights_are_no_weights():
    one, other = cohens_kappa([[30, 4], [5, 11]]), cohens_kappa([[30, 4], [5, 11]], weights="quadratic")
    assert (one.value, one.se) == pytest.approx((other.value, other.se))


def test_refusals():
    with pytest.raises(NotEnoughData, match="0/0"):
        cohens_kappa([[9, 0], [0, 0]])
    with pytest.raises(ShapeError):
        cohens_kappa([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(InputError, match="counts"):
        cohens_kappa([[0.5, 1], [2, 3]])
    with pytest.raises(ConfigError, match="weights"):
        cohens_kappa(SAS, weights="cubic")
    with pytest.raises(InputError, match="same number"):
        fleiss_kappa([[2, 1], [1, 1]])
    with pytest.raises(NotEnoughData, match="one reader"):
        fleiss_kappa([[1, 0], [0, 1]])
    with pytest.raises(NotEnoughData, match="no pair differs"):
        mcnemar(first_only=0, second_only=0)
    with pytest.raises(InputError):
        mcnemar(first_only=-1, second_only=3)
    with pytest.raises(InputError, match="missing"):
        cross_table([1, None], [1, 1])
    with pytest.raises(ShapeError):
        cross_table([1, 2], [1])
    with pytest.raises(InputError, match="'D'"):
        cross_table(["A", "D"], ["A", "A"], categories=["A", "B"])
