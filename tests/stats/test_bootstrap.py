"""Bootstrap against scipy and the plug-in error, then laws of strata and clusters, then refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.core.progress import listening
from osteon.stats.auc import auc
from osteon.stats.bootstrap import auc_bootstrap, bootstrap, percentile_interval, resampled_rows
from osteon.stats.ranking import auc_value


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def patients():
    random = rng(5)
    y = random.random(300) < 0.3
    return y, np.round(random.normal(size=300) + y, 1)


@pytest.mark.parametrize(("method", "theirs"), [("bca", "BCa"), ("percentile", "percentile")])
def test_plain_case_is_scipys(method, theirs):
    x = rng(2).lognormal(size=60)
    ours = bootstrap(np.mean, x, rng=rng(9), n_resamples=1000, method=method)
    ref = stats.bootstrap((x,), np.mean, n_resamples=1000, method=theirs, rng=rng(9), vectorized=False)
    assert (ours.ci.low, ours.ci.high) == pytest.approx(tuple(ref.confidence_interval), rel=1e-12)
    assert ours.se == pytest.approx(ref.standard_error)
    assert ours.method == method


def test_strata_are_scipys_independent_samples():
    a, b = rng(3).normal(size=25), rng(4).exponential(size=40)

    def gap(first, second):
        return np.mean(second) - np.mean(first)

    def gap_of_rows(value, group):
        return gap(value[group == 0], value[group == 1])

    group = np.repeat([0, 1], [25, 40])
    ours = bootstrap(gap_of_rows, np.r_[a, b], group, strata=group, rng=rng(6), n_resamples=800)
    ref = stats.bootstrap((a, b), gap, n_resamples=800, method="BCa", rng=rng(6), vectorized=False)
    assert (ours.ci.low, ours.ci.high) == pytest.approx(tuple(ref.confidence_interval), rel=1e-12)


def test_mean_error_is_the_plug_in_error():
    x = rng(7).normal(size=100)
    ours = bootstrap(np.mean, x, rng=rng(), n_resamples=5000)
    assert ours.se == pytest.approx(x.std() / 10, rel=0.05)


def test_clusters_of_copies_have_the_error_of_the_originals():
    """Every patient's vertebrae are copies: the error must be that of the patients, not of the vertebrae."""
    x = rng(8).normal(size=80)
    rows, patient = np.repeat(x, 5), np.repeat(np.arange(80), 5)
    clustered = bootstrap(np.mean, rows, clusters=patient, rng=rng(), n_resamples=4000)
    naive = bootstrap(np.mean, rows, rng=rng(), n_resamples=4000)
    assert clustered.se == pytest.approx(x.std() / np.sqrt(80), rel=0.06)
    assert naive.se == pytest.approx(clustered.se / np.sqrt(5), rel=0.1)


def test_auc_bootstrap_draws_what_the_slow_one_draws(patients):
    """Same law: the fast and the generic stratified bootstrap agree within Monte Carlo error, and with DeLong."""
    y, x = patients
    fast = auc_bootstrap(y, x, rng=rng(), n_resamples=4000)
    slow = bootstrap(auc_value, y, x, strata=y, rng=rng(), n_resamples=1500)
    delong = auc(y, x)
    assert (fast.value, slow.value) == pytest.approx((delong.value, delong.value), abs=1e-15)
    assert fast.se == pytest.approx(delong.se, rel=0.05)
    assert fast.se == pytest.approx(slow.se, rel=0.08)
    assert (fast.ci.low, fast.ci.high) == pytest.approx((slow.ci.low, slow.ci.high), abs=0.012)


def test_auc_bootstrap_acceleration_is_scipys(patients):
    """The closed form of leaving one out gives scipy's BCa limits on the same distribution."""
    y, x = patients
    ours = auc_bootstrap(y, x, rng=rng(), n_resamples=1000)
    held = stats.bootstrap(
        (x[~y], x[y]), lambda a, b: 0.0, n_resamples=2, method="percentile", vectorized=False
    )
    held.bootstrap_distribution = ours.distribution

    def of_classes(well, sick):
        return auc_value(np.repeat([0, 1], [well.size, sick.size]), np.r_[well, sick])

    ref = stats.bootstrap(
        (x[~y], x[y]), of_classes, n_resamples=0, bootstrap_result=held, method="BCa", vectorized=False
    )
    assert (ours.ci.low, ours.ci.high) == pytest.approx(tuple(ref.confidence_interval), rel=1e-9)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=8, max_size=60), st.integers(0, 99))
def test_resampled_rows_keep_stratum_sizes(labels, seed):
    labels = np.array(labels)
    if np.unique(labels, return_counts=True)[1].min() < 2:
        with pytest.raises(NotEnoughData):
            resampled_rows(labels.size, rng=rng(seed), strata=labels)
        return
    rows = resampled_rows(labels.size, rng=rng(seed), strata=labels)
    assert np.array_equal(np.bincount(labels[rows]), np.bincount(labels))


@given(
    st.lists(st.integers(0, 9), min_size=5, max_size=60).filter(lambda v: len(set(v)) > 1), st.integers(0, 99)
)
def test_resampled_rows_keep_clusters_whole(labels, seed):
    labels = np.array(labels)
    rows = resampled_rows(labels.size, rng=rng(seed), clusters=labels)
    times = np.bincount(rows, minlength=labels.size)
    for cluster in np.unique(labels):
        assert np.unique(times[labels == cluster]).size == 1


def test_statistic_sees_whole_strata():
    labels = np.repeat(["a", "b"], [10, 30])
    seen = set()

    def count(group):
        seen.add(int((group == "a").sum()))
        return float(rng().random())

    bootstrap(count, labels, strata=labels, rng=rng(), n_resamples=100, method="percentile")
    assert seen == {10}


def test_same_stream_same_interval(patients):
    y, x = patients
    first, second = (auc_bootstrap(y, x, rng=rng(3), n_resamples=200) for _ in range(2))
    assert first.ci == second.ci


def test_constant_statistic_has_no_width_and_says_so():
    ours = bootstrap(lambda x: 1.0, np.arange(10), rng=rng(), n_resamples=100)
    assert (ours.ci.low, ours.ci.high, ours.se) == (1, 1, 0)
    assert ours.notes == ("bca undefined on these resamples: percentile interval",)
    perfect = auc_bootstrap([0, 0, 1, 1], [1, 2, 3, 4], rng=rng(), n_resamples=100)
    assert (perfect.ci.low, perfect.method) == (1, "percentile")


def test_maximum_falls_back_to_percentiles():
    """Hardly a resample lies above the sample's maximum: where none is below it either, BCa has no bias to correct."""
    ours = bootstrap(np.max, [1.0] * 9 + [2.0], rng=rng(), n_resamples=200)
    assert np.isfinite([ours.ci.low, ours.ci.high]).all()


def test_progress_is_told():
    seen = []
    with listening(lambda task, done, total: seen.append((task, done, total))):
        auc_bootstrap([0, 0, 1, 1], [1, 3, 2, 4], rng=rng(), n_resamples=300)
    assert seen == [("bootstrap", done, 300) for done in (100, 200, 300)]


def test_percentile_interval_of_normal_draws():
    ci = percentile_interval(rng().normal(size=200_000))
    assert (ci.low, ci.high) == pytest.approx((-1.96, 1.96), abs=0.02)


def test_refusals(patients):
    y, x = patients
    with pytest.raises(NotEnoughData, match="strata"):
        bootstrap(lambda v: np.nan if v.min() > 0 else 1.0, np.arange(5), rng=rng())
    with pytest.raises(NotEnoughData):
        bootstrap(np.mean, [1.0], rng=rng())
    with pytest.raises(NotEnoughData):
        bootstrap(np.mean, x[:6], clusters=[1] * 6, rng=rng())
    with pytest.raises(ShapeError):
        bootstrap(np.mean, [1, 2, 3], [1, 2], rng=rng())
    with pytest.raises(ShapeError):
        bootstrap(np.mean, [1, 2, 3], strata=[1, 2], rng=rng())
    with pytest.raises(InputError):
        bootstrap(np.mean, rng=rng())
    with pytest.raises(InputError, match="two strata"):
        bootstrap(np.mean, x[:4], strata=[0, 0, 1, 1], clusters=[1, 2, 2, 3], rng=rng())
    with pytest.raises(InputError, match="missing"):
        bootstrap(np.mean, x[:4], strata=[0, 0, 1, np.nan], rng=rng())
    with pytest.raises(ConfigError):
        bootstrap(np.mean, x, rng=rng(), n_resamples=10)
    with pytest.raises(ConfigError):
        auc_bootstrap(y, x, rng=rng(), method="normal")
    with pytest.raises(NotEnoughData):
        auc_bootstrap([0, 0, 1], [1, 2, 3], rng=rng())
