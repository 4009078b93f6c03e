import numpy as np
import pytest

from osteon.core.errors import ConfigError, NotEnoughData
from osteon.stats.survival_calibration import survival_calibration
from osteon.stats.times import Survival


def simulated(seed, n=5000):
    rng = np.random.default_rng(seed)
    rate = np.exp(rng.normal(size=n))
    time, lost = rng.exponential(1 / rate), rng.exponential(2, n)
    return Survival(time=np.minimum(time, lost), event=time <= lost), 1 - np.exp(-0.5 * rate)


def test_without_censoring_it_is_the_share_of_events_by_tenth_of_risk():
    risk = np.arange(1, 101) / 101
    time = np.where(np.arange(100) % 3 == 0, 1.0, 3.0)
    got = survival_calibration(Survival(time=time, event=np.ones(100)), risk, horizon=2)
    assert got.n.tolist() == [10] * 10
    for group in range(10):
        rows = slice(10 * group, 10 * group + 10)
        assert got.predicted[group] == pytest.approx(risk[rows].mean())
        assert got.observed[group] == pytest.approx((time[rows] <= 2).mean())
        assert got.events[group] == (time[rows] <= 2).sum()
    assert got.expected_over_observed == pytest.approx(risk.mean() / (time <= 2).mean())


def test_the_true_risk_is_calibrated_and_a_doubled_one_is_not():
    follow_up, risk = simulated(3)
    got = survival_calibration(follow_up, risk, horizon=0.5)
    assert ((got.low <= got.predicted) & (got.predicted <= got.high)).sum() >= 8
    assert 1 in got.expected_over_observed_ci
    doubled = survival_calibration(follow_up, np.minimum(2 * risk, 1), horizon=0.5)
    assert doubled.expected_over_observed_ci.low > 1.5


def test_equal_risks_share_a_group():
    follow_up, _ = simulated(4, n=200)
    risk = np.where(np.arange(200) < 60, 0.2, 0.6)
    got = survival_calibration(follow_up, risk, horizon=0.5)
    assert got.n.tolist() == [60, 140]
    assert got.predicted == pytest.approx([0.2, 0.6])


def test_impossible_questions_are_refused():
    follow_up = Survival(time=[1, 2, 3], event=[0, 0, 1])
    with pytest.raises(NotEnoughData, match="is 0"):
        survival_calibration(follow_up, [0.1, 0.2, 0.3], horizon=1)
    with pytest.raises(NotEnoughData, match="is unknown"):
        survival_calibration(Survival(time=[1, 2, 3], event=[1, 0, 0]), [0.1, 0.2, 0.3], horizon=9)
    with pytest.raises(ConfigError, match="groups"):
        survival_calibration(follow_up, [0.1, 0.2, 0.3], horizon=1, groups=0)
