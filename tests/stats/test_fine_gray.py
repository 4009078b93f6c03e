import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import NotEnoughData
from osteon.stats.competing import cumulative_incidence
from osteon.stats.cox import cox
from osteon.stats.fine_gray import fine_gray
from osteon.stats.times import CompetingRisks

NAMES = ("age", "male", "mspike")


@pytest.fixture(scope="module")
def mgus(oracle_csv):
    with oracle_csv("mgus2.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    outcome = CompetingRisks(
        time=[float(row["etime"]) for row in rows], cause=[int(row["event"]) for row in rows]
    )
    return outcome, {name: np.array([float(row[name]) for row in rows]) for name in NAMES}


def simulated(seed, n=150, beta=0.8):
    """Fine and Gray's own design: cause 1 has a proportional subdistribution hazard of exp(beta x)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    chance = 1 - (1 - 0.5) ** np.exp(beta * x)
    first = rng.random(n) < chance
    within = 1 - rng.random(n) * chance
    time = np.where(first, -np.log(1 - (1 - within ** np.exp(-beta * x)) / 0.5), rng.exponential(size=n))
    lost = rng.exponential(2.5, n)
    cause = np.where(time <= lost, np.where(first, 1, 2), 0)
    return CompetingRisks(time=np.minimum(time, lost), cause=cause), {"x": x}


@pytest.mark.parametrize("cause", [1, 2])
def test_fine_gray_is_that_of_r(oracle, mgus, cause):
    known = oracle("statistics/competing_risks")[f"fine_gray_cause{cause}"]
    model = fine_gray(*mgus, cause=cause)
    assert {term.name: term.coefficient for term in model.terms} == pytest.approx(known["coef"], abs=1e-8)
    assert [term.se for term in model.terms] == pytest.approx(known["se"], abs=1e-9)
    if "loglik" in known:
        assert model.log_likelihood == pytest.approx(known["loglik"], abs=1e-8)
    assert model.events + model.competing == (mgus[0].cause != 0).sum()


def test_predicted_incidence_is_that_of_r(oracle, mgus):
    known = oracle("statistics/competing_risks")["predicted_incidence_age70_male_mspike1.5"]
    model = fine_gray(*mgus, cause=1)
    got = model.incidence_at({"age": [70], "male": [1], "mspike": [1.5]}, times=known["months"])
    np.testing.assert_allclose(got, [known["value"]], atol=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_with_one_cause_it_is_the_cox_model(seed):
    outcome, columns = simulated(seed)
    one = CompetingRisks(time=np.ceil(outcome.time * 9), cause=(outcome.cause == 1).astype(int))
    ours, theirs = fine_gray(one, columns, cause=1), cox(one.only(1), columns, ties="breslow")
    assert ours.terms[0].coefficient == pytest.approx(theirs.terms[0].coefficient, abs=1e-8)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(
        1 - ours.incidence_at(columns, times=[1, 3]), theirs.survival_at(columns, times=[1, 3]), atol=1e-8
    )


def test_without_censoring_the_others_stay_in_the_risk_set_for_ever():
    outcome, columns = simulated(5)
    whole = CompetingRisks(time=outcome.time, cause=np.maximum(outcome.cause, 1))
    end = whole.time.max() + 1
    staying = CompetingRisks(
        time=np.where(whole.cause == 1, whole.time, end), cause=(whole.cause == 1).astype(int)
    )
    ours, theirs = fine_gray(whole, columns, cause=1), cox(staying.only(1), columns, ties="breslow")
    assert ours.terms[0].coefficient == pytest.approx(theirs.terms[0].coefficient, abs=1e-8)


@pytest.mark.slow
def test_planted_coefficient_is_found_with_its_error():
    fits = [fine_gray(*simulated(seed, n=300), cause=1).terms[0] for seed in range(200)]
    values = np.array([fit.coefficient for fit in fits])
    assert abs(values.mean() - 0.8) < 4 * values.std() / np.sqrt(200)
    assert np.mean([fit.se for fit in fits]) == pytest.approx(values.std(), rel=0.15)
    assert 0.9 < np.mean([abs(fit.coefficient - 0.8) < 1.96 * fit.se for fit in fits]) < 0.99


def test_mean_prediction_is_near_the_observed_incidence(mgus):
    outcome, columns = mgus
    predicted = fine_gray(outcome, columns, cause=1).incidence_at(columns, times=[60, 120, 240]).mean(axis=0)
    observed = cumulative_incidence(outcome)[1].at([60, 120, 240]).incidence
    np.testing.assert_allclose(predicted, observed, atol=0.005)


def test_impossible_questions_are_refused(mgus):
    outcome, columns = mgus
    with pytest.raises(NotEnoughData, match="No event"):
        fine_gray(outcome, columns, cause=3)
    with pytest.raises(NotEnoughData, match="'flat' is constant"):
        fine_gray(outcome, {"flat": np.ones(outcome.n)}, cause=1)
    with pytest.raises(NotEnoughData, match="'separates' has no finite estimate"):
        fine_gray(outcome, {"separates": outcome.cause == 1}, cause=1)
    with pytest.raises(NotEnoughData, match="beyond the longest follow-up"):
        fine_gray(outcome, columns, cause=1).incidence_at({name: [1] for name in NAMES}, times=9999)
