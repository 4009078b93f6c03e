"""Logistic regression against statsmodels and the penalised fit against its optimality conditions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from osteon.core.errors import NotEnoughData, ShapeError
from osteon.models.linear import binary, elastic_net_fit, logistic_fit, penalty_ceiling


def sample(seed, n=400, p=5, strength=0.6):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * rng.uniform(0.1, 20, size=p) + rng.normal(size=p) * 50
    eta = ((x - x.mean(0)) / x.std(0)) @ (rng.normal(size=p) * strength) - 0.8
    return x, (rng.random(n) < expit(eta)).astype(float)


def test_logistic_equals_statsmodels_in_coefficients_and_errors():
    import statsmodels.api as sm

    x, y = sample(1)
    ours = logistic_fit(x, y)
    theirs = sm.Logit(y, sm.add_constant(x)).fit(disp=0, method="newton", maxiter=100, tol=1e-12)
    assert np.r_[ours.intercept, ours.coefficients] == pytest.approx(theirs.params, rel=1e-6)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.bse, rel=1e-5)
    assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-9)


def test_whole_weights_count_like_repeated_rows():
    x, y = sample(2, n=120)
    weights = np.random.default_rng(0).integers(1, 4, size=120)
    weighted = logistic_fit(x, y, sample_weight=weights.astype(float))
    repeated = logistic_fit(np.repeat(x, weights, axis=0), np.repeat(y, weights))
    assert weighted.coefficients == pytest.approx(repeated.coefficients, rel=1e-6)


def test_logit_variance_is_the_delta_method():
    x, y = sample(3)
    fit = logistic_fit(x, y)
    row = np.r_[1.0, x[7]]
    assert fit.logit_variance(x)[7] == pytest.approx(row @ fit.covariance @ row)


def test_separation_gets_a_light_ridge_and_says_so():
    x = np.linspace(-1, 1, 40)[:, None]
    fit = logistic_fit(x, (x[:, 0] > 0).astype(float))
    assert any(note.startswith("ridge:") for note in fit.notes)
    assert np.isfinite(fit.coefficients).all() and fit.coefficients[0] > 0


def test_collinear_and_constant_columns_do_not_break_the_fit():
    x, y = sample(4)
    doubled = np.column_stack([x, x[:, :1], np.full(len(x), 3.0)])
    fit = logistic_fit(doubled, y)
    assert fit.predict(doubled) == pytest.approx(logistic_fit(x, y).predict(x), abs=1e-3)
    assert "constant:1" in fit.notes and fit.coefficients[-1] == 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 1.0), st.floats(-3, -0.5))
def test_elastic_net_meets_its_optimality_conditions(seed, l1_ratio, exponent):
    x, y = sample(seed, n=150, p=6)
    penalty = 10**exponent * penalty_ceiling(x, y, l1_ratio=l1_ratio)
    fit = elastic_net_fit(x, y, penalty=penalty, l1_ratio=l1_ratio)
    z = (x - x.mean(0)) / x.std(0)
    b = fit.coefficients * x.std(0)
    slope = z.T @ (y - fit.predict(x)) / len(y) - penalty * (1 - l1_ratio) * b
    assert abs((y - fit.predict(x)).mean()) < 1e-5
    live = b != 0
    assert slope[live] == pytest.approx(penalty * l1_ratio * np.sign(b[live]), abs=2e-5)
    assert (np.abs(slope[~live]) <= penalty * l1_ratio + 2e-5).all()


def test_penalty_ceiling_is_where_the_last_coefficient_vanishes():
    x, y = sample(5)
    ceiling = penalty_ceiling(x, y, l1_ratio=1.0)
    assert not elastic_net_fit(x, y, penalty=ceiling * 1.001, l1_ratio=1.0).coefficients.any()
    assert (elastic_net_fit(x, y, penalty=ceiling * 0.95, l1_ratio=1.0).coefficients != 0).sum() >= 1


def test_elastic_net_without_penalty_is_maximum_likelihood():
    x, y = sample(6)
    free = elastic_net_fit(x, y, penalty=1e-9, l1_ratio=0.5)
    assert free.coefficients == pytest.approx(logistic_fit(x, y).coefficients, rel=1e-3)


@pytest.mark.parametrize(
    ("y", "error"), [([0, 1, 2], NotEnoughData), ([0, 1, np.nan], NotEnoughData), ([1, 1], NotEnoughData)]
)
def test_an_outcome_that_is_not_two_classes_is_refused(y, error):
    with pytest.raises(error):
        binary(y)


def test_an_outcome_of_another_length_is_refused():
    with pytest.raises(ShapeError):
        binary([0, 1], n=3)
