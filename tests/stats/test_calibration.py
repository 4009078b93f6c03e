"""Calibration, Hosmer-Lemeshow and Brier against R (glm, lowess, rms), then laws, then refusals."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.stats.calibration import brier, calibration, smooth_observed
from osteon.stats.hosmer_lemeshow import hosmer_lemeshow, quantile_groups

MODELS = ("p1", "p2", "miscalibrated")


@pytest.fixture(scope="module")
def nri(oracle_csv):
    with oracle_csv("nri.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([float(row[name]) for row in rows]) for name in ("y", "p1", "p2")}
    return {**columns, "miscalibrated": expit(0.3 + 1.4 * logit(columns["p2"]))}


@st.composite
def forecasts(draw):
    """An outcome with both classes and a few tied risks."""
    n = draw(st.integers(6, 60))
    y = draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda v: 0 < sum(v) < n))
    risk = draw(st.lists(st.sampled_from(np.linspace(0.05, 0.95, 10)), min_size=n, max_size=n))
    return np.array(y), np.array(risk)


@pytest.mark.parametrize("model", MODELS)
def test_line_equals_r_glm(nri, oracle, model):
    ours, theirs = calibration(nri["y"], nri[model]), oracle("statistics/calibration")[model]
    assert (ours.intercept, ours.slope) == pytest.approx((theirs["intercept"], theirs["slope"]), abs=1e-6)
    assert (ours.intercept_se, ours.slope_se) == pytest.approx(theirs["se"], abs=1e-6)
    assert ours.in_the_large == pytest.approx(theirs["in_the_large"], abs=1e-6)
    assert ours.expected_over_observed == pytest.approx(theirs["expected_over_observed"], abs=1e-9)
    # glm reports the error of the iteration before its last: R is 5.5e-6 off the closed form on p2
    assert ours.in_the_large_se == pytest.approx(theirs["in_the_large_se"], abs=1e-5)
    moved = expit(ours.in_the_large + logit(nri[model]))
    assert ours.in_the_large_se == pytest.approx((moved * (1 - moved)).sum() ** -0.5, abs=1e-12)


@pytest.mark.parametrize("model", ["p1", "p2"])
def test_distances_equal_r_lowess(nri, oracle, model):
    ours, theirs = calibration(nri["y"], nri[model]), oracle("statistics/calibration")[model]
    for name in ("ici", "e50", "e90", "emax"):
        assert getattr(ours, name) == pytest.approx(theirs[name], abs=1e-7), name


@pytest.mark.parametrize("model", ["p2", "miscalibrated"])
def test_rms_val_prob(nri, oracle, model):
    ours, theirs = calibration(nri["y"], nri[model]), oracle("statistics/calibration")["rms_val_prob"][model]
    found = (ours.intercept, ours.slope, ours.emax, ours.e90, ours.ici, brier(nri["y"], nri[model]).value)
    wanted = [theirs[name] for name in ("Intercept", "Slope", "Emax", "E90", "Eavg", "Brier")]
    assert found == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_hosmer_lemeshow_equals_r(nri, oracle, model):
    ours, theirs = hosmer_lemeshow(nri["y"], nri[model], fitted_here=True), oracle("statistics/calibration")
    wanted = theirs["hosmer_lemeshow"][model]
    assert (ours.chi2, ours.df, ours.p) == pytest.approx(
        (wanted["chi2"], wanted["df"], wanted["p"]), abs=1e-9
    )
    assert ours.groups == len(ours.group_n) == wanted["groups"]
    assert sum(ours.group_observed) == nri["y"].sum()
    assert calibration(nri["y"], nri[model]).hosmer_lemeshow.df == 10  # new patients: no degree is lost


def test_brier_equals_r(nri, oracle):
    for model in MODELS:
        wanted = oracle("statistics/calibration")[model]["brier"]
        assert brier(nri["y"], nri[model]).value == pytest.approx(wanted, abs=1e-9)


def test_murphy_closed_form():
    """Two forecasts .25 and .75, four people each, one and three events: reliable, resolution 1/16."""
    ours = brier([0, 0, 0, 1, 1, 1, 1, 0], [0.25] * 4 + [0.75] * 4)
    assert (ours.reliability, ours.resolution, ours.uncertainty) == pytest.approx((0, 1 / 16, 1 / 4))
    assert (ours.value, ours.scaled, ours.within_groups) == pytest.approx((3 / 16, 1 / 4, 0))


def test_planted_slope_and_intercept_are_recovered():
    rng = np.random.default_rng(4)
    truth = expit(rng.normal(-1, 1.2, 40_000))
    y = rng.random(truth.size) < truth
    ours = calibration(y, expit((logit(truth) - 0.4) / 0.8))  # logit(truth) = .4 + .8 logit(stated)
    assert 0.4 in ours.intercept_ci
    assert 0.8 in ours.slope_ci
    assert ours.slope_se < 0.02


def test_curve_follows_a_planted_distortion():
    rng = np.random.default_rng(4)
    risk = rng.uniform(0.05, 0.95, 50_000)
    y = rng.random(risk.size) < risk**2
    ours = calibration(y, risk)
    middle = slice(10, -10)
    assert ours.curve_observed[middle] == pytest.approx(ours.curve_risk[middle] ** 2, abs=0.06)
    assert ours.ici == pytest.approx((risk - risk**2).mean(), abs=0.03)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_own_maximum_likelihood_fit_has_slope_one(seed):
    """A logistic model on its own data: refit the line once, and the second line is 0 and 1."""
    rng = np.random.default_rng(seed)
    risk = rng.uniform(0.05, 0.95, 80)
    y = rng.random(80) < risk
    first = calibration(y, risk)
    second = calibration(y, expit(first.intercept + first.slope * logit(risk)))
    assert (second.intercept, second.slope) == pytest.approx((0, 1), abs=1e-6)
    assert second.in_the_large == pytest.approx(0, abs=1e-6)
    assert second.expected_over_observed == pytest.approx(1, abs=1e-6)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["zeros and ones", "near the edges", "nearly one value"]))
def test_hard_risks_still_satisfy_the_score_equations(seed, kind):
    """At the maximum the residuals sum to 0, plain and weighed by the logit; a tree gives such risks."""
    rng = np.random.default_rng(seed)
    y = rng.random(60) < 0.4
    risk = {
        "zeros and ones": rng.choice([0.0, 1.0], 60),
        "near the edges": rng.beta(0.1, 0.1, 60),
        "nearly one value": 0.3 + 1e-6 * rng.random(60),
    }[kind]
    try:
        ours = calibration(y, risk)
    except NotEnoughData as error:
        assert "separate" in error.message or "non-events" in error.message
        return
    score = logit(np.clip(risk, 1e-8, 1 - 1e-8))
    rest = y - expit(ours.intercept + ours.slope * score)
    assert rest.sum() == pytest.approx(0, abs=1e-6)
    assert rest @ score == pytest.approx(0, abs=1e-5)
    assert expit(ours.in_the_large + score).sum() == pytest.approx(y.sum(), abs=1e-9)


def test_line_equals_statsmodels():
    rng = np.random.default_rng(8)
    risk = rng.beta(1, 6, 500)
    y = rng.random(500) < risk**0.8
    theirs = GLM(y.astype(float), np.column_stack([np.ones(500), logit(risk)]), family=Binomial()).fit(
        tol=1e-12
    )
    ours = calibration(y, risk)
    assert (ours.intercept, ours.slope) == pytest.approx(tuple(theirs.params), abs=1e-9)
    assert (ours.intercept_se, ours.slope_se) == pytest.approx(tuple(theirs.bse), rel=1e-6)


@given(forecasts())
def test_decomposition_adds_up_and_is_exact_by_risk(data):
    y, risk = data
    for groups in (None, 3, 10):
        ours = brier(y, risk, groups=groups)
        total = ours.reliability - ours.resolution + ours.uncertainty + ours.within_groups
        assert total == pytest.approx(ours.value)
        assert ours.ci.low <= ours.value <= ours.ci.high
        assert ours.scaled == pytest.approx(1 - ours.value / (y.mean() * (1 - y.mean())))
    assert brier(y, risk, groups=None).within_groups == pytest.approx(0, abs=1e-12)


@given(forecasts())
def test_tied_risks_give_a_finite_curve_or_a_refusal(data):
    y, risk = data
    if np.unique(risk).size == 1:
        with pytest.raises(NotEnoughData):
            smooth_observed(y, risk)
        return
    smooth = smooth_observed(y, risk)
    assert np.isfinite(smooth).all()
    for value in np.unique(risk):
        assert np.unique(smooth[risk == value]).size == 1


@given(forecasts(), st.permutations(range(6)))
def test_order_of_people_does_not_matter(data, head):
    y, risk = data
    order = np.r_[np.array(head), np.arange(6, y.size)]
    assert brier(y[order], risk[order]).value == pytest.approx(brier(y, risk).value)
    assert np.array_equal(quantile_groups(risk[order], 5), quantile_groups(risk, 5)[order])


def test_score_with_three_values():
    """Most of the sample on one value: the smooth risk there is the share of events."""
    risk = np.repeat([0.1, 0.2, 0.6], [400, 30, 20])
    y = np.zeros(450)
    y[:40] = y[400:406] = y[430:442] = 1
    ours = calibration(y, risk)
    assert np.isfinite([ours.ici, ours.emax]).all()
    assert smooth_observed(y, risk)[0] == pytest.approx(0.1)
    assert ours.hosmer_lemeshow is None
    assert ours.notes == ("hosmer_lemeshow undefined: tied risks leave 2 groups; at least 3 are needed.",)


def test_risks_of_zero_and_one_are_moved_and_counted():
    rng = np.random.default_rng(2)
    risk = rng.uniform(0.1, 0.9, 200)
    y = rng.random(200) < risk
    risk[:3], risk[3], y[:5] = 0.0, 1.0, [False, False, False, True, True]
    ours = calibration(y, risk)
    assert (
        ours.notes[0] == "4 risks of exactly 0 or 1 were moved to 1e-8 from the edge for intercept and slope"
    )
    assert 0 < ours.slope < 1
    assert ours.expected_over_observed == pytest.approx(risk.sum() / y.sum())


def test_merged_groups_are_told():
    risk = np.tile([0.1, 0.2, 0.3, 0.4], 25)
    y = np.tile([0, 0, 1, 0, 1], 20)
    ours = hosmer_lemeshow(y, risk)
    assert (ours.groups, ours.notes) == (
        3,
        ("7 groups merged: tied risks",),
    )  # R's cut() joins the lowest two


def test_refusals():
    y = np.array([0, 1, 0, 1, 0, 1])
    risk = np.array([0.2, 0.4, 0.5, 0.1, 0.7, 0.6])
    for bad, error in (([0.2, 1.2, 0.5, 0.1, 0.7, 0.6], InputError), ([np.nan, *risk[1:]], InputError),
                       (risk[:3], ShapeError), (np.full(6, 0.3), NotEnoughData)):  # fmt: skip
        with pytest.raises(error):
            calibration(y, bad)
    with pytest.raises(NotEnoughData, match="separate"):
        calibration([0, 0, 0, 1, 1, 1], np.sort(risk))
    with pytest.raises(NotEnoughData):
        brier(np.zeros(6), risk)
    with pytest.raises(InputError):
        brier(y, risk * 100)
    with pytest.raises(ConfigError):
        hosmer_lemeshow(y, risk, groups=2)
    with pytest.raises(NotEnoughData, match="leave 2 groups"):
        hosmer_lemeshow(y, [0.1, 0.2, 0.1, 0.2, 0.1, 0.2])
    with pytest.raises(NotEnoughData, match="only risks of 0"):
        hosmer_lemeshow(y, [0.0, 0.0, 0.3, 0.4, 0.5, 0.6], groups=3)
    with pytest.raises(ConfigError):
        calibration(y, risk, level=2)
