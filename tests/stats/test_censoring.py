import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.stats.censoring import integrated_brier, ipcw_brier, outcome_weights, time_dependent_auc
from osteon.stats.survival import kaplan_meier
from osteon.stats.times import Survival

ROWS = st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.floats(0, 1)), min_size=4, max_size=40)


def simulated(seed, n, *, lost=3.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    time, loss = rng.exponential(np.exp(-x)), rng.exponential(lost, n)
    return Survival(time=np.minimum(time, loss), event=time <= loss), x, time


def jackknife_se(statistic, follow_up, risk):
    """An error that knows nothing of influence functions: leave one person out at a time."""
    n = follow_up.n
    left = np.array(
        [statistic(follow_up.where(np.arange(n) != i), risk[np.arange(n) != i]) for i in range(n)]
    )
    return np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())


def test_brier_worked_by_hand():
    """
    Six people, horizon 5: events at 1, 3, 5; lost at 2 and 4; one free at 6.

    Uncensored share: 4/5 after the loss at 2 (five at risk), then 4/5 x 2/3 after the loss at 4 (three at risk), so the
    weights are 1, 5/4 (event at 3), 15/8 (event at 5), 15/8 (free), and they sum to 6.
    """
    follow_up = Survival(time=[1, 2, 3, 4, 5, 6], event=[1, 0, 1, 0, 1, 0])
    np.testing.assert_allclose(outcome_weights(follow_up, horizon=5), [1, 0, 5 / 4, 0, 15 / 8, 15 / 8])
    got = ipcw_brier(follow_up, [0.9, 0.5, 0.6, 0.5, 0.4, 0.2], horizon=5)
    by_hand = (0.1**2 + 1.25 * 0.4**2 + 1.875 * 0.6**2 + 1.875 * 0.2**2) / 6
    assert got.value == pytest.approx(by_hand, abs=1e-12)
    assert (got.n, got.events, got.censored) == (6, 3, 2)
    survival = 5 / 6 * 3 / 4 * 1 / 2
    assert got.null == pytest.approx(survival * (1 - survival))
    assert got.scaled == pytest.approx(1 - by_hand / got.null)


def test_auc_worked_by_hand():
    """The same people: cases weigh 1, 5/4, 15/8; the one control (risk .5) is exceeded by the first two."""
    follow_up = Survival(time=[1, 2, 3, 4, 5, 6], event=[1, 0, 1, 0, 1, 0])
    got = time_dependent_auc(follow_up, [0.9, 0.1, 0.6, 0.1, 0.4, 0.5], horizon=5)
    assert got.value == pytest.approx((1 + 1.25) / (1 + 1.25 + 1.875), abs=1e-12)
    assert (got.events, got.event_free, got.censored) == (3, 1, 2)


def test_someone_lost_exactly_at_the_horizon_is_free_then():
    follow_up = Survival(time=[1, 2, 12, 12, 12], event=[1, 1, 0, 0, 1])
    np.testing.assert_allclose(outcome_weights(follow_up, horizon=12), np.ones(5))


@given(ROWS, st.integers(1, 9))
def test_weights_give_back_everyone_and_the_kaplan_meier_risk(rows, horizon):
    time, event, _ = zip(*rows, strict=True)
    follow_up = Survival(time=time, event=event)
    try:
        weights = outcome_weights(follow_up, horizon=horizon)
    except NotEnoughData:
        return
    assert weights.sum() == pytest.approx(len(rows))
    risk = weights[follow_up.event & (follow_up.time <= horizon)].sum() / len(rows)
    assert risk == pytest.approx(1 - kaplan_meier(follow_up).at(horizon).survival[0])
    constant = ipcw_brier(follow_up, np.full(len(rows), risk), horizon=horizon)
    assert constant.value == pytest.approx(constant.null, abs=1e-12)


@given(ROWS, st.integers(1, 8))
def test_without_censoring_they_are_the_plain_brier_score_and_auc(rows, horizon):
    time, _, risk = (np.array(column) for column in zip(*rows, strict=True))
    died = time <= horizon
    assume(0 < died.sum() < died.size)
    follow_up = Survival(time=time, event=np.ones(time.size))
    error = (died - risk) ** 2
    brier = ipcw_brier(follow_up, risk, horizon=horizon)
    assert brier.value == pytest.approx(error.mean())
    assert brier.se == pytest.approx(error.std() / np.sqrt(error.size), abs=1e-12)
    gaps = risk[died][:, None] - risk[~died][None, :]
    wins = (gaps > 0) + 0.5 * (gaps == 0)
    auc = time_dependent_auc(follow_up, risk, horizon=horizon)
    assert auc.value == pytest.approx(wins.mean())
    delong = (
        wins.mean(axis=1).var() / died.sum() + wins.mean(axis=0).var() / (~died).sum()
    )  # divided by n, not n - 1
    assert auc.se == pytest.approx(np.sqrt(delong), abs=1e-12)


@given(ROWS, st.integers(1, 8), st.integers(0, 1000))
def test_order_of_rows_and_monotone_transforms_leave_the_auc(rows, horizon, seed):
    time, event, risk = (np.array(column) for column in zip(*rows, strict=True))
    follow_up = Survival(time=time, event=event)
    risk = np.round(risk, 3)
    try:
        plain = time_dependent_auc(follow_up, risk, horizon=horizon)
    except NotEnoughData:
        return
    order = np.random.default_rng(seed).permutation(len(rows))
    assert time_dependent_auc(
        follow_up.where(order), np.exp(risk[order]), horizon=horizon
    ).value == pytest.approx(plain.value)
    mirrored = time_dependent_auc(follow_up, -risk, horizon=horizon)
    assert mirrored.value == pytest.approx(1 - plain.value)
    assert mirrored.se == pytest.approx(plain.se)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("ties", [False, True])
def test_errors_agree_with_the_jackknife(seed, ties):
    follow_up, x, _ = simulated(seed, 200, lost=1.0)
    if ties:
        follow_up = Survival(time=np.ceil(follow_up.time * 8) / 8, event=follow_up.event)
    risk = 1 / (1 + np.exp(-x))
    for statistic in (ipcw_brier, time_dependent_auc):
        known = jackknife_se(lambda s, r, f=statistic: f(s, r, horizon=0.5).value, follow_up, risk)
        assert statistic(follow_up, risk, horizon=0.5).se == pytest.approx(known, rel=0.03)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000))
def test_censoring_does_not_move_them_beyond_chance(seed):
    follow_up, x, time = simulated(seed, 4000, lost=1.5)
    risk = 1 - np.exp(-0.7 * np.exp(x))
    whole = Survival(time=time, event=np.ones(time.size))
    for statistic in (ipcw_brier, time_dependent_auc):
        lost, full = (statistic(part, risk, horizon=0.7) for part in (follow_up, whole))
        assert abs(lost.value - full.value) < 4.5 * lost.se


def test_integrated_brier_is_the_trapezoid_mean():
    follow_up, x, _ = simulated(7, 100)
    times = np.array([0.2, 0.5, 1.0])
    risk = 1 - np.exp(-np.exp(x)[:, None] * times)
    got = integrated_brier(follow_up, risk, times=times)
    each = [ipcw_brier(follow_up, risk[:, j], horizon=t).value for j, t in enumerate(times)]
    np.testing.assert_allclose(got.scores, each)
    assert got.value == pytest.approx(((each[0] + each[1]) / 2 * 0.3 + (each[1] + each[2]) / 2 * 0.5) / 0.8)
    assert got.value < got.null
    assert got.scaled == pytest.approx(1 - got.value / got.null)


def test_bad_input_is_refused():
    follow_up = Survival(time=[1, 2, 3], event=[1, 0, 1])
    with pytest.raises(NotEnoughData, match="Nobody was followed to 5"):
        ipcw_brier(follow_up, [0.1, 0.2, 0.3], horizon=5)
    with pytest.raises(NotEnoughData, match=r"No event by 0\.5"):
        time_dependent_auc(follow_up, [0.1, 0.2, 0.3], horizon=0.5)
    with pytest.raises(InputError, match="1 values outside 0 to 1"):
        ipcw_brier(follow_up, [0.1, 20, 0.3], horizon=2)
    with pytest.raises(ShapeError):
        ipcw_brier(follow_up, [0.1], horizon=2)
    with pytest.raises(InputError, match="1 missing"):
        time_dependent_auc(follow_up, [0.1, np.nan, 0.3], horizon=2)
    with pytest.raises(ConfigError, match="horizon is 0"):
        outcome_weights(follow_up, horizon=0)
    with pytest.raises(ConfigError, match="rising"):
        integrated_brier(follow_up, np.full((3, 2), 0.5), times=[2, 1])
    with pytest.raises(ShapeError, match=r"expected \(3, 2\)"):
        integrated_brier(follow_up, np.full((3, 1), 0.5), times=[1, 2])
