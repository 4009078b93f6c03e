import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from statsmodels.api import WLS, add_constant

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.stats.balance import balance_table
from osteon.stats.propensity import propensity_score
from osteon.stats.weighting import effective_sample_size, propensity_weights, weighted_difference


def cohort(seed, n=600):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, n)
    treated = (rng.random(n) < 0.25 + 0.5 * x).astype(int)
    event = (rng.random(n) < 0.1 + 0.3 * x + 0.1 * treated).astype(int)
    return x, treated, event, propensity_score(treated, x[:, None]).score


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9999), st.booleans())
def test_with_one_confounder_weighting_is_standardisation(seed, stabilised):
    x, treated, event, score = cohort(seed)
    by_stratum = [
        event[(x == s) & (treated == 1)].mean() - event[(x == s) & (treated == 0)].mean() for s in (0, 1)
    ]
    weights = propensity_weights(treated, score, stabilised=stabilised).values
    answer = weighted_difference(event, treated, weights)
    assert answer.value == pytest.approx(
        np.average(by_stratum, weights=[(x == 0).mean(), x.mean()]), abs=1e-7
    )
    treated_x = x[treated == 1]
    answer = weighted_difference(event, treated, propensity_weights(treated, score, estimand="att").values)
    assert answer.value == pytest.approx(
        np.average(by_stratum, weights=[1 - treated_x.mean(), treated_x.mean()]), abs=1e-7
    )


@pytest.mark.parametrize("estimand", ["ate", "att", "overlap"])
def test_weights_balance_the_confounder(estimand):
    x, treated, _, score = cohort(1)
    (row,) = balance_table(
        {"x": x}, treated, weights=propensity_weights(treated, score, estimand=estimand).values
    )
    assert abs(row.smd_before) > 0.5
    assert row.smd_after == pytest.approx(0, abs=1e-7)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 9999))
def test_error_is_the_sandwich_of_statsmodels(seed):
    _, treated, event, score = cohort(seed)
    weights = propensity_weights(treated, score).values
    fit = WLS(event, add_constant(treated), weights=weights).fit(cov_type="HC0")
    answer = weighted_difference(event, treated, weights)
    assert (answer.value, answer.se) == pytest.approx((fit.params[1], fit.bse[1]))


def test_robust_error_covers_the_truth():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(200):
        x = rng.normal(size=400)
        treated = (rng.random(400) < expit(x)).astype(int)
        y = treated + x + rng.normal(size=400)
        score = propensity_score(treated, x[:, None]).score
        inside += 1.0 in weighted_difference(y, treated, propensity_weights(treated, score).values).ci
    assert 184 <= inside <= 200  # taken as known, the weights make the interval a little wide


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30))
def test_effective_sample_size_lies_between_one_and_n(weights):
    assert 1 - 1e-9 <= effective_sample_size(weights) <= len(weights) * (1 + 1e-9)
    assert effective_sample_size([w * 7 for w in weights]) == pytest.approx(effective_sample_size(weights))


def test_trim_and_cap_are_counted():
    treated, score = [1, 1, 1, 0, 0, 0], [0.02, 0.5, 0.6, 0.4, 0.5, 0.97]
    trimmed = propensity_weights(treated, score, trim=0.05)
    assert trimmed.values[[0, 5]].tolist() == [0, 0]
    assert (trimmed.n_trimmed, trimmed.notes) == (2, ("trimmed:2",))
    capped = propensity_weights(treated, score, cap=0.8)
    assert capped.largest == pytest.approx(np.quantile([50, 2, 1 / 0.6, 1 / 0.6, 2, 1 / 0.03], 0.8))
    assert "capped:1" in capped.notes


def test_stabilised_weights_average_one():
    _, treated, _, score = cohort(3)
    assert propensity_weights(treated, score, stabilised=True).values.mean() == pytest.approx(1, abs=1e-6)


def test_refusals():
    with pytest.raises(ConfigError, match="trim"):
        propensity_weights([1, 0], [0.5, 0.5], trim=0.7)
    with pytest.raises(ConfigError, match="cap"):
        propensity_weights([1, 0], [0.5, 0.5], cap=0.2)
    with pytest.raises(ConfigError, match="stabilised"):
        propensity_weights([1, 0], [0.5, 0.5], estimand="att", stabilised=True)
    with pytest.raises(NotEnoughData, match="trimming"):
        propensity_weights([1, 0], [0.01, 0.5], trim=0.1)
    with pytest.raises(InputError, match="inside"):
        propensity_weights([1, 0], [0.0, 0.5])
    with pytest.raises(NotEnoughData, match="keep a weight"):
        weighted_difference([1, 0, 1], [1, 0, 0], [1, 1, 1])
    with pytest.raises(InputError):
        effective_sample_size([0, 0])
