import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.stats.survival import kaplan_meier, log_rank
from osteon.stats.times import CompetingRisks, Survival


@pytest.fixture(scope="module")
def lung(oracle_csv):
    with oracle_csv("lung.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    sex = np.array([int(row["sex"]) for row in rows])
    return Survival(
        time=[float(row["time"]) for row in rows], event=[row["status"] == "2" for row in rows]
    ), sex


def people(smallest=2):
    """Small follow-ups with many ties."""
    pair = st.tuples(st.integers(1, 8), st.booleans())
    return st.lists(pair, min_size=smallest, max_size=40).map(
        lambda rows: Survival(time=[row[0] for row in rows], event=[row[1] for row in rows])
    )


def test_kaplan_meier_is_that_of_r(oracle, lung):
    known = oracle("statistics/survival")
    follow_up, _ = lung
    expected = known["kaplan_meier"]
    got = kaplan_meier(follow_up).at(expected["time"])
    for ours, theirs in (
        ("survival",) * 2,
        ("se",) * 2,
        ("low", "ci_low_log"),
        ("high", "ci_high_log"),
        ("at_risk",) * 2,
    ):
        np.testing.assert_allclose(getattr(got, ours), expected[theirs], atol=1e-9)
    log_log = kaplan_meier(follow_up, interval="log-log").at([180, 365])
    np.testing.assert_allclose(log_log.low, known["km_ci_loglog_at_180_365"]["low"], atol=1e-9)
    np.testing.assert_allclose(log_log.high, known["km_ci_loglog_at_180_365"]["high"], atol=1e-9)


def test_median_and_restricted_mean_are_those_of_r(oracle, lung):
    known = oracle("statistics/survival")
    follow_up, sex = lung
    curves = [kaplan_meier(follow_up.where(sex == label)) for label in (1, 2)]
    assert [curve.median for curve in curves] == known["median_by_sex"]
    assert [curve.median_ci.low for curve in curves] == known["median_ci_by_sex"]["low"]
    assert [curve.median_ci.high for curve in curves] == known["median_ci_by_sex"]["high"]
    assert kaplan_meier(follow_up).restricted_mean(730).value == pytest.approx(
        known["restricted_mean_730"], abs=1e-9
    )


def test_log_rank_is_that_of_r(oracle, lung):
    known = oracle("statistics/survival")["logrank_sex"]
    got = log_rank(*lung)
    assert got.chi2 == pytest.approx(known["chi2"], abs=1e-9)
    assert got.p == pytest.approx(known["p"], abs=1e-9)
    np.testing.assert_allclose(got.observed, known["observed"])
    np.testing.assert_allclose(got.expected, known["expected"], atol=1e-9)
    assert got.n == (138, 90)


def test_log_rank_of_three_groups_is_that_of_statsmodels(lung):
    from statsmodels.duration.survfunc import survdiff

    follow_up, sex = lung
    group = np.arange(follow_up.n) % 3
    chi2, p = survdiff(follow_up.time, follow_up.event, group)
    assert log_rank(follow_up, group).chi2 == pytest.approx(chi2, abs=1e-9)
    assert log_rank(follow_up, group).p == pytest.approx(p, abs=1e-9)
    chi2, _ = survdiff(follow_up.time, follow_up.event, group, strata=sex)
    assert log_rank(follow_up, group, strata=sex).chi2 == pytest.approx(chi2, abs=1e-9)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 10))
def test_without_censoring_the_curve_is_one_minus_the_distribution_function(times, asked):
    curve = kaplan_meier(Survival(time=times, event=[1] * len(times)))
    share = np.mean(np.array(times) > asked)
    assert curve.at(asked).survival[0] == pytest.approx(share, abs=1e-12)
    if share > 0:
        assert curve.at(asked).se[0] == pytest.approx(np.sqrt(share * (1 - share) / len(times)), abs=1e-12)
    mean = curve.restricted_mean(asked)
    capped = np.minimum(times, asked)
    assert mean.value == pytest.approx(capped.mean(), abs=1e-12)
    assert mean.se == pytest.approx(capped.std() / np.sqrt(len(times)), abs=1e-9)


@given(people())
def test_curve_falls_and_limits_hold_it(follow_up):
    curve = kaplan_meier(follow_up)
    assert (np.diff(curve.survival) <= 1e-15).all()
    defined = curve.survival > 0
    assert (curve.low[defined] <= curve.survival[defined] + 1e-12).all()
    assert (curve.high[defined] >= curve.survival[defined] - 1e-12).all()
    assert curve.n_events == curve.events.sum()


@given(people(smallest=4), st.randoms(use_true_random=False))
def test_swapping_groups_or_order_leaves_log_rank(follow_up, random):
    group = np.array([random.random() < 0.5 for _ in range(follow_up.n)])
    try:
        plain = log_rank(follow_up, group)
    except NotEnoughData:
        return
    order = np.array(random.sample(range(follow_up.n), follow_up.n))
    swapped = log_rank(follow_up.where(order), ~group[order])
    assert swapped.chi2 == pytest.approx(plain.chi2, abs=1e-9)
    assert swapped.observed == plain.observed[::-1]
    assert sum(plain.observed) == pytest.approx(sum(plain.expected))
    assert log_rank(follow_up, group, strata=np.ones(follow_up.n)).chi2 == plain.chi2


def test_beyond_follow_up_nothing_is_invented():
    open_end = kaplan_meier(Survival(time=[1, 2, 3], event=[1, 0, 0]))
    assert np.isnan(open_end.at(4).survival[0])
    assert np.isnan(open_end.median)
    assert open_end.notes == ("median_not_reached",)
    with pytest.raises(NotEnoughData, match="follow-up ends at 3"):
        open_end.restricted_mean(4)
    all_dead = kaplan_meier(Survival(time=[1, 2, 3], event=[1, 1, 1]))
    assert all_dead.at(4).survival[0] == 0
    assert all_dead.restricted_mean(9).value == pytest.approx(2)


def test_median_on_a_flat_step_is_its_middle():
    assert kaplan_meier(Survival(time=[1, 2, 4, 5], event=[1, 1, 1, 1])).median == 3


@pytest.mark.parametrize(
    ("time", "event", "error", "words"),
    [
        ([1, -2], [0, 1], InputError, r"time\[1\] is -2"),
        ([1, np.nan], [0, 1], InputError, r"time\[1\] is nan"),
        ([1, 2], [0, 2], InputError, "event holds 2"),
        ([1, 2], [0], ShapeError, r"expected \(2,\)"),
        ([1, 2], [0, np.nan], InputError, "1 missing"),
        ([], [], NotEnoughData, "empty"),
        ([[1]], [1], ShapeError, "2 axes"),
    ],
)
def test_bad_follow_up_is_refused(time, event, error, words):
    with pytest.raises(error, match=words):
        Survival(time=time, event=event)


def test_bad_causes_are_refused():
    with pytest.raises(InputError, match="no cause"):
        CompetingRisks(time=[1, 2], cause=[0, 1.5])


def test_follow_up_cannot_be_changed_and_leaves_its_source_alone():
    source = np.array([1.0, 2.0])
    follow_up = Survival(time=source, event=[1, 0])
    source[0] = 9
    assert follow_up.time[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        follow_up.time[0] = 5


def test_impossible_comparisons_are_refused():
    follow_up = Survival(time=[1, 2, 3, 4], event=[1, 1, 0, 0])
    with pytest.raises(NotEnoughData, match="1 group"):
        log_rank(follow_up, [1, 1, 1, 1])
    with pytest.raises(NotEnoughData, match="undefined"):
        log_rank(Survival(time=[1, 2], event=[0, 0]), ["a", "b"])
    with pytest.raises(ShapeError):
        log_rank(follow_up, [1, 2])
    with pytest.raises(InputError, match="1 missing label"):
        log_rank(follow_up, np.array(["a", "b", None, "a"], dtype=object))
    with pytest.raises(ConfigError, match="level"):
        kaplan_meier(follow_up, level=95)
    with pytest.raises(ConfigError, match="interval"):
        kaplan_meier(follow_up, interval="arcsine")
