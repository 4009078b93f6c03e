"""
Sample sizes against Riley's papers and the published test values of the R package pmsampsize 1.0.3, then laws.

The package's values (numbers only) are those of its tests/testthat; its "precise risk" rows report the sample already
chosen, so for survival only the first two criteria and the answer are compared.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm

from osteon.core.errors import ConfigError
from osteon.stats.cox_snell import cox_snell_from_auc, largest_cox_snell
from osteon.stats.ranking import auc_value
from osteon.stats.samplesize import (
    binary_model_size,
    continuous_model_size,
    expected_shrinkage,
    survival_model_size,
)


def sizes(answer):
    return [criterion.n for criterion in answer.criteria]


@pytest.mark.parametrize(
    ("parameters", "r2", "prevalence", "expected", "per_parameter"),
    [
        (24, 0.288, 0.174, [623, 662, 221], 4.80),
        (24, 0.55, 0.174, [255, 532, 221], 3.86),
        (36, 0.288, 0.174, [934, 992, 221], 4.79),
        (24, 0.288, 0.25, [623, 590, 289], 6.49),
    ],
)
def test_binary_equals_pmsampsize(parameters, r2, prevalence, expected, per_parameter):
    ours = binary_model_size(parameters=parameters, prevalence=prevalence, r2_cox_snell=r2)
    assert sizes(ours) == expected
    assert ours.n == max(expected)
    assert ours.events_per_parameter == pytest.approx(per_parameter, abs=0.005)


@pytest.mark.parametrize(
    ("parameters", "r2", "rate", "expected"),
    [
        (25, 0.051, 0.065, [4286, 866]),
        (25, 0.065, 0.065, [3335, 859]),
        (50, 0.051, 0.065, [8572, 1731]),
        (25, 0.051, 0.1, [4286, 731]),
    ],
)
def test_survival_equals_pmsampsize(parameters, r2, rate, expected):
    ours = survival_model_size(
        parameters=parameters, event_rate=rate, mean_follow_up=2.07, horizon=2, r2_cox_snell=r2
    )
    assert sizes(ours)[0] == expected[0] == ours.n
    assert sizes(ours)[1] == pytest.approx(
        expected[1], abs=1
    )  # the package rounds the events of 10,000 people up


@pytest.mark.parametrize(
    ("parameters", "r2", "mean", "sd", "shrinkage", "expected", "n"),
    [
        (25, 0.2, 1.9, 0.6, 0.9, [918, 401, 259], 918),
        (25, 0.3, 1.9, 0.6, 0.9, [574, 351, 259], 574),
        (50, 0.2, 1.9, 0.6, 0.9, [1924, 801, 284], 1924),
        (25, 0.2, 10, 0.6, 0.9, [918, 401, 259], 918),
        (25, 0.2, 1.9, 2, 0.9, [918, 401, 259], 918),
        (100, 0.5, 1.9, 2, 0.9, [1264, 1001, 334], 1264),
        (30, 0.89, 3.3, 1.1, 0.84, [32, 67, 264], 264),
    ],
)
def test_continuous_equals_pmsampsize(parameters, r2, mean, sd, shrinkage, expected, n):
    ours = continuous_model_size(parameters=parameters, r2=r2, mean=mean, sd=sd, shrinkage=shrinkage)
    assert sizes(ours)[:3] == expected
    assert ours.n == n
    assert ours.events is None


def test_published_ceilings():
    # Riley et al. 2020, BMJ 368:m441: largest Cox-Snell R2 at prevalences .5, .4, .3, .2, .1, .05, .01
    published = {0.5: 0.75, 0.4: 0.74, 0.3: 0.71, 0.2: 0.63, 0.1: 0.48, 0.05: 0.33, 0.01: 0.11}
    assert {share: round(largest_cox_snell(share), 2) for share in published} == published


def test_overall_risk_closed_form():
    """BMJ paper: a prevalence of one half needs 385 people for +-.05."""
    assert sizes(binary_model_size(parameters=1, prevalence=0.5, r2_cox_snell=0.3))[2] == 385


def test_survival_risk_interval_is_just_narrow_enough():
    ours = survival_model_size(
        parameters=25, event_rate=0.065, mean_follow_up=2.07, horizon=2, r2_cox_snell=0.051
    )
    n = sizes(ours)[2]

    def widest(people):
        reach = norm.ppf(0.975) * math.sqrt(0.065 / (2.07 * people))
        low, middle, high = (1 - math.exp(-rate * 2) for rate in (0.065 - reach, 0.065, 0.065 + reach))
        return max(high - middle, middle - low)

    assert widest(n) <= 0.05 < widest(n - 1)


@pytest.mark.parametrize(("auc", "prevalence"), [(0.7, 0.1), (0.81, 0.77), (0.89, 0.174)])
def test_r2_from_auc_is_what_a_simulated_model_reaches(auc, prevalence):
    """Riley, Van Calster & Collins: normal linear predictors with that AUC; the true logistic model's likelihood."""
    rng = np.random.default_rng(7)
    y = rng.random(400_000) < prevalence
    gap = math.sqrt(2) * norm.ppf(auc)
    x = rng.normal(size=y.size) + gap * y
    assert auc_value(y, x) == pytest.approx(auc, abs=0.003)
    risk = expit(math.log(prevalence / (1 - prevalence)) + gap * x - gap**2 / 2)
    fitted = np.log(np.where(y, risk, 1 - risk)).mean()
    null = prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)
    assert cox_snell_from_auc(auc, prevalence=prevalence) == pytest.approx(
        1 - math.exp(2 * (null - fitted)), abs=0.004
    )


@settings(deadline=None)
@given(st.integers(1, 60), st.floats(0.02, 0.98), st.floats(0.05, 0.9))
def test_more_parameters_more_people(parameters, prevalence, share):
    r2 = share * largest_cox_snell(prevalence)
    few, many = (
        binary_model_size(parameters=count, prevalence=prevalence, r2_cox_snell=r2)
        for count in (parameters, parameters + 1)
    )
    assert few.n <= many.n
    assert few.n == max(sizes(few))
    shrinkage = expected_shrinkage(n=sizes(few)[0], parameters=parameters, r2_cox_snell=r2)
    assert shrinkage >= 0.9 - 1e-9
    assert shrinkage < 0.9 + 0.2 / math.sqrt(sizes(few)[0] - 0.9)


def test_a_perfect_auc_nears_the_ceiling():
    assert cox_snell_from_auc(0.9999, prevalence=0.3) == pytest.approx(largest_cox_snell(0.3), abs=0.01)
    assert cox_snell_from_auc(0.5001, prevalence=0.3) == pytest.approx(0, abs=1e-4)


def test_refusals():
    good = {"parameters": 10, "prevalence": 0.1, "r2_cox_snell": 0.1}
    for change in (
        {"parameters": 0}, {"parameters": 2.5}, {"prevalence": 0}, {"r2_cox_snell": 0.6}, {"r2_cox_snell": 0},
        {"shrinkage": 1}, {"optimism": 0}, {"margin": 1.5},
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            binary_model_size(**{**good, **change})
    survival = {"parameters": 10, "event_rate": 0.1, "mean_follow_up": 2, "horizon": 2, "r2_cox_snell": 0.1}
    for change in ({"event_rate": 0}, {"mean_follow_up": -1}, {"event_rate": 0.6}, {"horizon": math.inf}):
        with pytest.raises(ConfigError):
            survival_model_size(**{**survival, **change})
    continuous = {"parameters": 10, "r2": 0.3, "mean": 1, "sd": 1}
    for change in ({"parameters": 1}, {"r2": 1}, {"mean": 0}, {"sd": 0}, {"margin": 1}):
        with pytest.raises(ConfigError):
            continuous_model_size(**{**continuous, **change})
    for value in (0.5, 1.0):
        with pytest.raises(ConfigError):
            cox_snell_from_auc(value, prevalence=0.1)
    with pytest.raises(ConfigError, match="more people"):
        expected_shrinkage(n=3, parameters=40, r2_cox_snell=0.3)
