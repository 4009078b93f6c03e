"""Proportions against R's prop.test and binom.test, then laws, then refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.stats.proportion import proportion, tango_interval

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


paired = counts.flatmap(lambda kn: st.tuples(st.integers(0, kn[0]), st.just(kn[0]), st.just(kn[1]))).map(
    lambda x: (x[0], x[1] - x[0], x[2])
)


@pytest.mark.parametrize(
    ("counts", "level", "printed"),
    [
        # Fagerland, Lydersen & Laake (2014): airways of 21 children before and after stem cell transplantation
        ((7, 1, 21), 0.95, (-0.517, -0.026)),
        # R's PropCIs, scoreci.mp(25, 28, 618) at 90 %
        ((25, 28, 618), 0.90, (-0.0148, 0.0247)),
    ],
)
def test_tangos_interval_as_published(counts, level, printed):
    digits = len(str(printed[1]).split(".")[1])
    assert tuple(round(limit, digits) for limit in tango_interval(*counts, level=level)) == printed


def _score(first_only, second_only, n, difference):
    """The score statistic with its nuisance share found by trying every value, in ever finer steps."""
    low, high = max(0.0, -difference), (1 - difference) / 2
    for _ in range(12):
        share = np.linspace(low, high, 201)
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = [np.where(k > 0, k * np.log(p), 0.0) for k, p in (
                (first_only, share), (second_only, share + difference),
                (n - first_only - second_only, 1 - 2 * share - difference))]  # fmt: skip
        best = int(np.argmax(np.nan_to_num(sum(parts), nan=-np.inf)))
        low, high = share[max(best - 1, 0)], share[min(best + 1, 200)]
    variance = n * (2 * share[best] + difference - difference**2)
    return (second_only - first_only - n * difference) / np.sqrt(variance)


@given(paired, st.sampled_from([0.8, 0.95, 0.99]))
def test_tangos_limits_are_where_the_score_test_stops_rejecting(counts, level):
    z = norm.isf((1 - level) / 2)
    low, high = tango_interval(*counts, level=level)
    assert low == -1 or _score(*counts, low) == pytest.approx(z, rel=1e-4)
    assert high == 1 or _score(*counts, high) == pytest.approx(-z, rel=1e-4)


@given(paired)
def test_tangos_interval_holds_the_difference_and_mirrors(counts):
    down, up, n = counts
    low, high = tango_interval(down, up, n)
    assert -1 <= low <= (up - down) / n <= high <= 1
    assert low < high
    assert (-high, -low) == pytest.approx(tango_interval(up, down, n), abs=1e-12)


@given(paired)
def test_tangos_interval_leaves_0_out_where_mcnemars_chi_square_rejects(counts):
    down, up, n = counts
    low, high = tango_interval(down, up, n)
    if down + up:
        assert (not low <= 0 <= high) == ((up - down) ** 2 / (down + up) > norm.isf(0.025) ** 2)


@given(st.integers(1, 10**6))
def test_tangos_interval_of_nobody_who_differs_has_a_closed_form(n):
    z = norm.isf(0.025)
    assert tango_interval(0, 0, n)[1] == pytest.approx(z**2 / (n + z**2), rel=1e-6)


def test_what_tangos_interval_refuses():
    for counts in ((-1, 2, 5), (3, 3, 5), (0, 0, 0)):
        with pytest.raises(InputError, match="differ"):
            tango_interval(*counts)
