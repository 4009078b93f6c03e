import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import InputError, NotEnoughData
from osteon.stats.competing import cumulative_incidence, grays_test
from osteon.stats.survival import kaplan_meier, log_rank
from osteon.stats.times import CompetingRisks


@pytest.fixture(scope="module")
def mgus(oracle_csv):
    with oracle_csv("mgus2.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    outcome = CompetingRisks(
        time=[float(row["etime"]) for row in rows], cause=[int(row["event"]) for row in rows]
    )
    return outcome, np.array([int(row["male"]) for row in rows])


def outcomes(smallest=2):
    """Small follow-ups with two causes and many ties."""
    pair = st.tuples(st.integers(1, 8), st.integers(0, 2))
    return st.lists(pair, min_size=smallest, max_size=40).map(
        lambda rows: CompetingRisks(time=[row[0] for row in rows], cause=[row[1] for row in rows])
    )


def test_cumulative_incidence_is_that_of_r(oracle, mgus):
    known = oracle("statistics/competing_risks")["cumulative_incidence"]
    for cause, curve in cumulative_incidence(mgus[0]).items():
        got = curve.at(known["months"])
        np.testing.assert_allclose(got.incidence, known[f"cause{cause}"], atol=1e-12)
        np.testing.assert_allclose(got.se, known[f"se_cause{cause}"], atol=1e-12)
        assert (got.low < got.incidence).all()
        assert (got.incidence < got.high).all()


@pytest.mark.parametrize("cause", [1, 2])
def test_grays_test_is_that_of_r(oracle, mgus, cause):
    known = oracle("statistics/competing_risks")["gray_test_by_male"][f"cause{cause}"]
    got = grays_test(*mgus, cause=cause)
    assert got.chi2 == pytest.approx(known["chi2"], abs=1e-9)
    assert got.p == pytest.approx(known["p"], abs=1e-9)
    assert sum(got.observed) == pytest.approx(sum(got.expected))


@given(outcomes())
def test_incidences_and_survival_sum_to_one(outcome):
    if not outcome.causes:
        return
    curves = cumulative_incidence(outcome)
    survival = kaplan_meier(outcome.any_cause()).survival
    total = survival + sum(curve.incidence for curve in curves.values())
    np.testing.assert_allclose(total, 1, atol=1e-12)
    for curve in curves.values():
        assert (np.diff(curve.incidence) >= 0).all()
        assert np.isfinite(curve.se).all()


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 2)), min_size=2, max_size=30))
def test_without_censoring_incidence_is_a_share_with_its_binomial_type_error(rows):
    time, cause = np.array(rows).T
    curve = cumulative_incidence(CompetingRisks(time=time, cause=cause)).get(1)
    if curve is None:
        return
    share = np.array([np.mean((time <= t) & (cause == 1)) for t in curve.time])
    np.testing.assert_allclose(curve.incidence, share, atol=1e-12)


@given(outcomes(smallest=6), st.integers(0, 1000))
@settings(deadline=None)
def test_names_and_order_of_groups_leave_grays_test(outcome, seed):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, outcome.n)
    try:
        plain = grays_test(outcome, group, cause=1)
    except NotEnoughData:
        return
    order = rng.permutation(outcome.n)
    shuffled = CompetingRisks(time=outcome.time[order], cause=outcome.cause[order])
    moved = grays_test(shuffled, np.array(["c", "a", "b"])[group[order]], cause=1)
    assert moved.chi2 == pytest.approx(plain.chi2, rel=1e-6, abs=1e-6)


def test_grays_test_keeps_its_size_and_with_one_cause_is_near_log_rank():
    rng = np.random.default_rng(8)
    p_values, gaps = [], []
    for _ in range(300):
        time, cause, lost = rng.exponential(size=120), rng.integers(1, 3, 120), rng.exponential(3, 120)
        group = rng.integers(0, 2, 120)
        outcome = CompetingRisks(time=np.minimum(time, lost), cause=np.where(time <= lost, cause, 0))
        p_values.append(grays_test(outcome, group, cause=1).p)
        one = CompetingRisks(time=outcome.time, cause=(outcome.cause != 0).astype(int))
        gaps.append(abs(grays_test(one, group, cause=1).p - log_rank(one.any_cause(), group).p))
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.09
    assert np.median(gaps) < 0.02


def test_beyond_follow_up_nothing_is_invented():
    curve = cumulative_incidence(CompetingRisks(time=[1, 2, 3], cause=[1, 2, 0]))[1]
    assert np.isnan(curve.at(4).incidence[0])
    assert cumulative_incidence(CompetingRisks(time=[1, 2], cause=[1, 2]))[1].at(4).incidence[0] == 0.5


def test_impossible_questions_are_refused():
    outcome = CompetingRisks(time=[1, 2, 3], cause=[1, 0, 0])
    with pytest.raises(NotEnoughData, match="No event of any cause"):
        cumulative_incidence(CompetingRisks(time=[1], cause=[0]))
    with pytest.raises(NotEnoughData, match="cause 2 never occurs"):
        grays_test(outcome, [0, 1, 1], cause=2)
    with pytest.raises(NotEnoughData, match="1 group"):
        grays_test(outcome, [1, 1, 1], cause=1)
    with pytest.raises(InputError, match="negative time"):
        cumulative_incidence(outcome)[1].at(-1)
