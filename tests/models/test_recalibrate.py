"""Recalibration: monotone, and perfect on the rows it was fitted on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.models.linear import logistic_fit, logit
from osteon.models.recalibrate import recalibration

METHODS = ("in_the_large", "logistic", "isotonic")


def distorted(seed, n=800):
    rng = np.random.default_rng(seed)
    eta = rng.normal(-1, 1.2, n)
    return (rng.random(n) < expit(eta)).astype(float), expit(2.5 * eta + 1.0)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_a_correction_never_reverses_two_patients(method, seed):
    y, risk = distorted(seed)
    after = recalibration(y, risk, method=method).apply(np.sort(risk))
    assert (np.diff(after) >= -1e-12).all()
    assert after.min() >= 0 and after.max() <= 1


def test_logistic_recalibration_gives_intercept_zero_and_slope_one():
    y, risk = distorted(1)
    fit = recalibration(y, risk)
    again = logistic_fit(logit(fit.apply(risk))[:, None], y)
    assert again.intercept == pytest.approx(0, abs=1e-6)
    assert again.coefficients[0] == pytest.approx(1, abs=1e-6)
    assert fit.slope == pytest.approx(1 / 2.5, rel=0.2)  # the planted distortion is undone


@pytest.mark.parametrize("method", METHODS)
def test_the_mean_risk_becomes_the_observed_share(method):
    y, risk = distorted(2)
    assert recalibration(y, risk, method=method).apply(risk).mean() == pytest.approx(y.mean(), abs=1e-6)


def test_in_the_large_leaves_the_spread_alone():
    y, risk = distorted(3)
    risk = np.clip(risk, 0.001, 0.999)
    shift = logit(recalibration(y, risk, method="in_the_large").apply(risk)) - logit(risk)
    assert shift == pytest.approx(shift[0], abs=1e-6)


def test_an_inverted_score_is_flagged():
    y, risk = distorted(4)
    assert "slope_not_positive" in recalibration(y, 1 - risk).notes


def test_refusals():
    with pytest.raises(NotEnoughData):
        recalibration([1, 1], [0.2, 0.3])
    with pytest.raises(InputError, match="percent"):
        recalibration([0, 1], [2.0, 30.0])
    with pytest.raises(ConfigError):
        recalibration([0, 1], [0.2, 0.3], method="spline")
