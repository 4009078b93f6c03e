import csv
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats import contingency
from osteon.stats.contingency import chi_squared, expected_counts, fisher_exact


@pytest.fixture(scope="module")
def table(oracle_csv):
    with oracle_csv("groups120.csv").open() as file:
        counts = Counter((r["group"], r["outcome"]) for r in csv.DictReader(file))
    return np.array([[counts[group, outcome] for outcome in ("no", "yes")] for group in "ABC"])


def test_r_chi_squared(oracle, table):
    expected = oracle("statistics/groups")
    whole, plain, yates = chi_squared(table), chi_squared(table[:2]), chi_squared(table[:2], continuity=True)
    for answer, name in ((whole, "chi2_3x2"), (plain, "chi2_2x2"), (yates, "chi2_2x2_yates")):
        assert (answer.statistic, answer.p) == pytest.approx(
            (expected[name]["chi2"], expected[name]["p"]), abs=1e-9
        )
    assert whole.df == (2,)


def test_r_fisher(oracle, table):
    expected = oracle("statistics/groups")
    answer, known = fisher_exact(table[:2]), expected["fisher_2x2"]
    assert answer.p == pytest.approx(known["p"], abs=1e-9)
    assert answer.estimate == pytest.approx(known["odds_ratio"], abs=1e-4)
    assert (answer.ci.low, answer.ci.high) == pytest.approx(
        known["ci"], rel=1e-4
    )  # R's root search stops at 1e-4
    a, rows, first_column = table[0, 0], table[:2].sum(1), table[:2, 0].sum()
    for ratio, tail in ((answer.ci.high, "cdf"), (answer.ci.low, "sf")):
        law = stats.nchypergeom_fisher(rows.sum(), rows[0], first_column, ratio)
        assert getattr(law, tail)(a - (tail == "sf")) == pytest.approx(0.025, abs=1e-8)
    assert fisher_exact(table).p == pytest.approx(expected["fisher_3x2_p"], abs=1e-9)


def test_agresti_job_satisfaction():
    # Agresti (2002), p. 57: 4 x 4 table, R's fisher.test prints p = 0.7827
    job = [[1, 2, 1, 0], [3, 3, 6, 1], [10, 10, 14, 9], [6, 7, 12, 11]]
    simulated = fisher_exact(job, rng=np.random.default_rng(1))
    assert simulated.p == pytest.approx(0.7827, abs=0.012)
    assert simulated.notes == ("monte_carlo:20000",)
    with pytest.raises(InputError, match="rng"):
        fisher_exact(job)


def test_the_reading_study():
    # unpaired chi-square of the published reading study, recomputed: 6.215 (Yates 5.462)
    table = [[189, 31], [205, 15]]
    assert chi_squared(table).statistic == pytest.approx(6.215, abs=5e-4)
    assert chi_squared(table, continuity=True).statistic == pytest.approx(5.462, abs=5e-4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), min_size=2, max_size=2))
def test_enumeration_agrees_with_the_hypergeometric(table):
    counts = np.array(table)
    assume(counts.sum(0).all() and counts.sum(1).all())
    p = contingency._enumerated_p(counts, observed=contingency._log_weight(counts.astype(float)))
    assert p == pytest.approx(stats.fisher_exact(counts).pvalue, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=3, max_size=3), st.randoms())
def test_order_and_transposition_leave_both_tests(table, random):
    counts = np.array(table)
    assume(counts.sum(0).all() and counts.sum(1).all())
    rows = [0, 1, 2]
    random.shuffle(rows)
    for test in (chi_squared, fisher_exact):
        p = test(counts).p
        assert test(counts[rows]).p == pytest.approx(p, abs=1e-9)
        assert test(counts.T).p == pytest.approx(p, abs=1e-9)
        assert 0 <= p <= 1


def test_effects_and_notes():
    perfect = chi_squared([[10, 0], [0, 10]])
    assert (perfect.effect("cramers_v"), perfect.effect("phi")) == pytest.approx((1, 1))
    assert chi_squared([[0, 10], [10, 0]]).effect("phi") == pytest.approx(-1)
    assert chi_squared([[1, 9], [3, 7], [0, 0]]).notes == ("empty_dropped:1", "expected_below_5:0.50")
    assert expected_counts([[10, 20], [30, 40]]).sum() == 100


def test_refusals():
    with pytest.raises(NotEnoughData, match="one row or one column"):
        chi_squared([[3, 0], [5, 0]])
    with pytest.raises(ShapeError, match="Yates"):
        chi_squared([[1, 2], [3, 4], [5, 6]], continuity=True)
    with pytest.raises(InputError):
        fisher_exact([[1, -2], [3, 4]])
    with pytest.raises(NotEnoughData, match="nobody"):
        chi_squared([[0, 0], [0, 0]])
