"""Proportions against R's prop.test and binom.test, then laws, then refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.stats.proportion import proportion

METHODS = {"wilson": "wilson", "wilson_continuity": "wilson-continuity", "clopper_pearson": "clopper-pearson"}
counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize("key", METHODS)
def test_intervals_equal_r(oracle, key):
    for row in oracle("statistics/proportions")["intervals"]:
        ours = proportion(row["k"], row["n"], method=METHODS[key])
        assert (ours.ci.low, ours.ci.high) == pytest.approx(row[key], abs=1e-9), row
        assert ours.value == row["k"] / row["n"]


def test_newcombe_table_of_zero_events():
    # Newcombe 1998, Table I, 0/20 and 1/29, methods 3, 4 and 5, four decimals
    assert proportion(0, 20).ci.high == pytest.approx(0.1611, abs=5e-5)
    assert proportion(0, 20, method="wilson-continuity").ci.high == pytest.approx(0.2005, abs=5e-5)
    assert proportion(0, 20, method="clopper-pearson").ci.high == pytest.approx(0.1684, abs=5e-5)
    assert proportion(1, 29).ci.low == pytest.approx(0.0061, abs=5e-5)
    assert proportion(1, 29).ci.high == pytest.approx(0.1718, abs=5e-5)


def test_continuity_correction_is_whole_at_one_half():
    """At k = n/2 R switches the correction off; Newcombe's formula does not."""
    assert proportion(10, 20, method="wilson-continuity").ci.low < proportion(10, 20).ci.low


@given(counts, st.sampled_from(list(METHODS.values())), st.floats(0.5, 0.999))
def test_interval_contains_the_share_and_mirrors(kn, method, level):
    k, n = kn
    ours, mirror = (
        proportion(k, n, method=method, level=level),
        proportion(n - k, n, method=method, level=level),
    )
    assert 0 <= ours.ci.low <= ours.value <= ours.ci.high <= 1
    assert ours.ci.low == pytest.approx(1 - mirror.ci.high, abs=1e-9)


@given(counts, st.floats(0.5, 0.999))
def test_exact_limits_are_where_the_binomial_tails_reach_the_error(kn, level):
    k, n = kn
    ci = proportion(k, n, method="clopper-pearson", level=level).ci
    if k > 0:
        assert binom.sf(k - 1, n, ci.low) == pytest.approx((1 - level) / 2, rel=1e-6)
    if k < n:
        assert binom.cdf(k, n, ci.high) == pytest.approx((1 - level) / 2, rel=1e-6)


@given(counts, st.floats(0.5, 0.999))
def test_wilson_limits_are_where_the_score_test_stops_rejecting(kn, level):
    k, n = kn
    ci, z = proportion(k, n, level=level).ci, norm.ppf((1 + level) / 2)
    for limit in {ci.low, ci.high} - {0.0, 1.0}:
        assert abs(k / n - limit) / (limit * (1 - limit) / n) ** 0.5 == pytest.approx(z, rel=1e-6)


def test_refusals():
    with pytest.raises(NotEnoughData, match="nobody"):
        proportion(0, 0)
    for k, n in ((3, 2), (-1, 2), (1.5, 2), (float("nan"), 2)):
        with pytest.raises(InputError):
            proportion(k, n)
    with pytest.raises(ConfigError):
        proportion(1, 2, method="wald")
    for method in METHODS.values():
        with pytest.raises(ConfigError):
            proportion(1, 2, level=95, method=method)
