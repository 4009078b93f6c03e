"""Net benefit against R's arithmetic, the survival version against closed forms, then laws, then refusals."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.stats.decision import decision_curves, survival_decision_curves


@st.composite
def forecasts(draw):
    n = draw(st.integers(4, 50))
    y = draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda v: 0 < sum(v) < n))
    risk = draw(st.lists(st.integers(0, 20), min_size=n, max_size=n))
    return np.array(y), np.array(risk) / 20


def textbook(y, risk, t):
    return np.mean((risk >= t) & y) - np.mean((risk >= t) & ~y) * t / (1 - t)


def test_net_benefit_equals_r(oracle, oracle_csv):
    with oracle_csv("nri.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    y, p1, p2 = (np.array([float(row[name]) for row in rows]) for name in ("y", "p1", "p2"))
    theirs = oracle("statistics/calibration")["decision_curve"]
    ours = decision_curves(y, {"p1": p1, "p2": p2}, thresholds=theirs["threshold"])
    assert ours.models["p1"].net_benefit == pytest.approx(theirs["p1"], abs=1e-9)
    assert ours.models["p2"].net_benefit == pytest.approx(theirs["p2"], abs=1e-9)
    assert ours.treat_all.net_benefit == pytest.approx(theirs["treat_all"], abs=1e-9)
    assert not ours.treat_none.net_benefit.any()


@given(forecasts())
def test_every_threshold_is_the_textbook_sum(data):
    y, risk = data
    ours = decision_curves(y, {"m": risk}, thresholds=np.arange(19) / 20)
    assert ours.models["m"].net_benefit == pytest.approx([textbook(y, risk, t) for t in np.arange(19) / 20])
    assert ours.models["m"].net_benefit[0] == pytest.approx(y.mean())  # threshold 0: everybody, no harm
    assert ours.treat_all.net_benefit == pytest.approx(
        [textbook(y, np.ones(y.size), t) for t in np.arange(19) / 20]
    )


@given(forecasts())
def test_avoided_interventions_are_those_of_vickers(data):
    """Net reduction per 100 = (true negatives - false negatives * (1-t)/t) / n * 100."""
    y, risk = data
    t = 0.25
    ours = decision_curves(y, {"m": risk}, thresholds=[t]).models["m"].interventions_avoided[0]
    spared, missed = np.mean((risk < t) & ~y), np.mean((risk < t) & y)
    assert ours == pytest.approx(100 * (spared - missed * (1 - t) / t))


@given(forecasts())
def test_stated_prevalence_equal_to_the_samples_changes_nothing(data):
    y, risk = data
    plain, stated = (decision_curves(y, {"m": risk}, prevalence=share) for share in (None, float(y.mean())))
    assert stated.models["m"].net_benefit == pytest.approx(plain.models["m"].net_benefit)


@settings(max_examples=30, deadline=None)
@given(forecasts(), st.sampled_from([None, 0.1]))
def test_intervals_hold_the_curve_on_average(data, prevalence):
    y, risk = data
    ours = decision_curves(
        y,
        {"m": risk},
        thresholds=[0.1, 0.5],
        prevalence=prevalence,
        rng=np.random.default_rng(1),
        n_boot=400,
        level=0.99,
    )
    curve = ours.models["m"]
    assert (curve.low <= curve.net_benefit + 1e-12).all()
    assert (curve.net_benefit <= curve.high + 1e-12).all()


def test_bootstrap_error_is_the_binomial_error():
    """Treat-all at threshold t is linear in the prevalence, so its interval is known."""
    y = np.repeat([0, 1], [700, 300])
    ours = decision_curves(
        y, {"m": y * 0.5}, thresholds=[0.2], rng=np.random.default_rng(3), n_boot=4000
    ).treat_all
    reach = 1.96 * np.sqrt(0.3 * 0.7 / 1000) * (1 + 0.25)
    assert ours.high - ours.low == pytest.approx([2 * reach], rel=0.06)


@settings(deadline=None)
@given(forecasts(), st.integers(0, 99))
def test_survival_curve_without_censoring_is_the_binary_curve(data, seed):
    y, risk = data
    rng = np.random.default_rng(seed)
    time = np.where(y, rng.uniform(0.1, 5, y.size), rng.uniform(5.1, 9, y.size))
    time[0] = max(time[0], 0.1)
    cuts = np.arange(19) / 20
    binary = decision_curves(y, {"m": risk}, thresholds=cuts)
    survival = survival_decision_curves(time, np.ones(y.size), {"m": risk}, horizon=5, thresholds=cuts)
    assert survival.models["m"].net_benefit == pytest.approx(binary.models["m"].net_benefit)
    assert survival.treat_all.net_benefit == pytest.approx(binary.treat_all.net_benefit)
    assert survival.prevalence == pytest.approx(binary.prevalence)
    assert survival.events == binary.events


def test_survival_prevalence_is_rs_kaplan_meier(oracle, oracle_csv):
    with oracle_csv("lung.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    time = np.array([float(row["time"]) for row in rows])
    event = np.array([row["status"] == "2" for row in rows])
    theirs = oracle("statistics/survival")["kaplan_meier"]
    risk = {"m": np.linspace(0, 1, time.size)}
    for when, survival in zip(theirs["time"], theirs["survival"], strict=True):
        ours = survival_decision_curves(time, event, risk, horizon=when, thresholds=[0.0, 0.5])
        assert ours.prevalence == pytest.approx(1 - survival, abs=1e-9)
        assert ours.treat_all.net_benefit == pytest.approx([1 - survival, 1 - 2 * survival], abs=1e-9)
        assert ours.models["m"].net_benefit[0] == pytest.approx(1 - survival, abs=1e-9)


def test_survival_closed_form_with_censoring():
    """Above .5: times 1 (event), 2 (censored), 3 (event), 6: S(5) = 3/4 * 1/2; share 4/6."""
    ours = survival_decision_curves(
        [1, 2, 3, 6, 4, 7],
        [1, 0, 1, 0, 1, 0],
        {"m": [0.6, 0.7, 0.8, 0.9, 0.1, 0.2]},
        horizon=5,
        thresholds=[0.5],
    )
    assert ours.models["m"].net_benefit == pytest.approx([4 / 6 * (5 / 8) - 4 / 6 * (3 / 8)])


def test_too_short_follow_up_is_told_not_guessed():
    time, event = [1, 2, 6, 7], [1, 0, 0, 0]
    ours = survival_decision_curves(
        time, event, {"m": [0.9, 0.8, 0.2, 0.1]}, horizon=5, thresholds=[0.1, 0.5, 0.95]
    )
    benefit = ours.models["m"].net_benefit
    assert np.isnan(benefit).tolist() == [False, True, False]
    assert benefit[2] == 0
    assert ours.notes == (
        "1 thresholds of m lie beyond the last follow-up of those above them: not computable",
    )


def test_survival_intervals():
    rng = np.random.default_rng(5)
    risk = rng.beta(2, 5, 400)
    time = rng.exponential(5 / -np.log1p(-risk))
    censor = rng.uniform(2, 12, 400)
    ours = survival_decision_curves(
        np.minimum(time, censor), time <= censor, {"m": risk}, horizon=5, thresholds=[0.1, 0.2, 0.3],
        rng=rng, n_boot=200,
    )  # fmt: skip
    curve = ours.models["m"]
    assert (curve.low < curve.net_benefit).all()
    assert (curve.net_benefit < curve.high).all()
    assert ours.prevalence == pytest.approx(risk.mean(), abs=0.08)


def test_refusals():
    y, risk = [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]
    for cuts in ([0.5, 0.2], [0.5, 1.0], [-0.1, 0.2], [20, 30]):
        with pytest.raises(ConfigError):
            decision_curves(y, {"m": risk}, thresholds=cuts)
    with pytest.raises(ConfigError, match="rng"):
        decision_curves(y, {"m": risk}, n_boot=200)
    with pytest.raises(ConfigError):
        decision_curves(y, {"m": risk}, n_boot=5, rng=np.random.default_rng(1))
    with pytest.raises(ConfigError):
        decision_curves(y, {"m": risk}, prevalence=1.0)
    with pytest.raises(NotEnoughData):
        decision_curves(y, {})
    with pytest.raises(NotEnoughData):
        decision_curves([1, 1, 1, 1], {"m": risk})
    with pytest.raises(InputError):
        decision_curves(y, {"m": [1, 2, 3, 4]})
    with pytest.raises(NotEnoughData, match="followed"):
        survival_decision_curves([1, 2, 3, 4], y, {"m": risk}, horizon=9)
    with pytest.raises(NotEnoughData, match="no event"):
        survival_decision_curves([1, 2, 3, 4], y, {"m": risk}, horizon=1)
    with pytest.raises(InputError, match="above 0"):
        survival_decision_curves([0, 2, 3, 4], y, {"m": risk}, horizon=2)
    with pytest.raises(InputError):
        survival_decision_curves([1, 2, 3, 4], [0, 1, 2, 0], {"m": risk}, horizon=2)
    with pytest.raises(InputError):
        survival_decision_curves([1, 2, 3, 4], [0, 1, 1], {"m": risk}, horizon=2)
