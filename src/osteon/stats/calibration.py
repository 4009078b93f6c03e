"""
Whether predicted risks come true: intercept, slope, smooth curve and its distance, Hosmer-Lemeshow, Brier score.

Notes used here: "n risks of exactly 0 or 1 were moved to 1e-8 from the edge for intercept and slope",
"hosmer_lemeshow undefined: ...".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit, log_expit, logit

from osteon.core.errors import NotEnoughData
from osteon.core.result import Interval
from osteon.stats.hosmer_lemeshow import HosmerLemeshow, hosmer_lemeshow, quantile_groups
from osteon.stats.inputs import level_in_range
from osteon.stats.lowess import lowess
from osteon.stats.predicted import checked_outcome, checked_risk
from osteon.stats.wald import normal_quantile, wald_interval

__all__ = [
    "Brier",
    "Calibration",
    "brier",
    "calibration",
    "smooth_observed",
]

EDGE = 1e-8
CURVE_POINTS = 101
STEPS = 200
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """
    How well predicted risks agree with what happened.

    ``intercept`` and ``slope`` of a logistic fit on the logit of the risk (ideal 0 and 1; slope below 1: risks too
    extreme); ``in_the_large`` is the intercept with slope fixed at 1 (below 0: risks too high);
    ``expected_over_observed`` the ratio of events (ideal 1); ``ici``, ``e50``, ``e90``, ``emax`` the mean, median,
    90th percentile and maximum distance between risk and smooth observed risk; ``curve_*`` that smooth curve.
    """

    intercept: float
    intercept_se: float
    intercept_ci: Interval
    slope: float
    slope_se: float
    slope_ci: Interval
    in_the_large: float
    in_the_large_se: float
    in_the_large_ci: Interval
    expected_over_observed: float
    expected_over_observed_ci: Interval
    ici: float
    e50: float
    e90: float
    emax: float
    curve_risk: Floats
    curve_observed: Floats
    hosmer_lemeshow: HosmerLemeshow | None
    n: int
    events: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Brier:
    """
    Mean squared distance between risk and outcome (0 perfect).

    ``scaled`` is 1 minus its ratio to the score of giving everybody the prevalence (1 perfect, 0 useless).
    ``value = reliability - resolution + uncertainty + within_groups``; the last term is 0 when people are grouped
    by their exact risk.
    """

    value: float
    se: float
    ci: Interval
    scaled: float
    reliability: float
    resolution: float
    uncertainty: float
    within_groups: float
    groups: int
    n: int
    events: int


def calibration(
    y_true: ArrayLike, risk: ArrayLike, *, level: float = 0.95, groups: int = 10, fitted_here: bool = False
) -> Calibration:
    """
    Whether predicted risks come true, in numbers and as a smooth curve.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risk : array_like, shape (n,), 0 to 1
        Predicted probability.
    level : float in (0, 1)
        Confidence level.
    groups : int
        Groups of the Hosmer-Lemeshow test.
    fitted_here : bool
        True when the risks were fitted on these very people (Hosmer-Lemeshow then loses two degrees of freedom).

    Returns
    -------
    Calibration
        The curve is lowess of outcome on risk (span 2/3, no robustness steps, 1 % interpolation); the distances
        use it as it is, ``curve_observed`` is cut at 0 and 1.

    Raises
    ------
    NotEnoughData
        One class only, a constant risk, or risks that separate the classes: the slope is then undefined.
    InputError
        A missing value, or a risk outside [0, 1].

    Source
    ------
    Cox (1958), Biometrika 45:562-565; Van Calster et al. (2016), J Clin Epidemiol 74:167-176;
    Austin & Steyerberg (2019), Statistics in Medicine 38:4051-4065 (ICI, E50, E90);
    Debray et al. (2017), BMJ 356:i6460 (error of the E:O ratio).

    Differs
    -------
    rms::val.prob drops risks of exactly 0 or 1; here they are moved to 1e-8 from the edge and counted in ``notes``.
    """
    outcome = checked_outcome(y_true)
    p = checked_risk(risk, n=outcome.size)
    level_in_range(level)
    inside = np.clip(p, EDGE, 1.0 - EDGE)
    moved = int(np.count_nonzero(inside != p))
    score = logit(inside)
    (intercept, slope), (intercept_se, slope_se) = _line(outcome, score)
    large, large_se = _shift(outcome, score)
    curve = lowess(p, outcome.astype(np.float64))
    gap = np.abs(np.interp(p, *curve) - p)
    grid = np.linspace(p.min(), p.max(), CURVE_POINTS)
    notes = [f"{moved} risks of exactly 0 or 1 were moved to 1e-8 from the edge for intercept and slope"]
    notes = notes if moved else []
    try:
        test = hosmer_lemeshow(outcome, p, groups=groups, fitted_here=fitted_here)
    except NotEnoughData as error:
        test = None
        notes.append(f"hosmer_lemeshow undefined: {error.message}")
    ratio, ratio_ci = _expected_over_observed(outcome, p, level)
    return Calibration(
        intercept=intercept,
        intercept_se=intercept_se,
        intercept_ci=wald_interval(intercept, intercept_se, level=level),
        slope=slope,
        slope_se=slope_se,
        slope_ci=wald_interval(slope, slope_se, level=level),
        in_the_large=large,
        in_the_large_se=large_se,
        in_the_large_ci=wald_interval(large, large_se, level=level),
        expected_over_observed=ratio,
        expected_over_observed_ci=ratio_ci,
        ici=float(gap.mean()),
        e50=float(np.quantile(gap, 0.5)),
        e90=float(np.quantile(gap, 0.9)),
        emax=float(gap.max()),
        curve_risk=grid,
        curve_observed=np.clip(np.interp(grid, *curve), 0.0, 1.0),
        hosmer_lemeshow=test,
        n=outcome.size,
        events=int(outcome.sum()),
        notes=tuple(notes),
    )


def smooth_observed(y_true: ArrayLike, risk: ArrayLike) -> Floats:
    """
    The smoothed share of people with the event at each person's own risk.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risk : array_like, shape (n,), 0 to 1
        Predicted probability.

    Returns
    -------
    ndarray, shape (n,)
        Lowess, span 2/3, no robustness steps, interpolated within 1 % of the range of the risks. Not cut at 0 and 1.

    Raises
    ------
    NotEnoughData
        One class only, or a constant risk.

    Source
    ------
    Cleveland (1979), JASA 74:829-836; R's lowess with iter = 0.
    """
    outcome = checked_outcome(y_true)
    p = checked_risk(risk, n=outcome.size)
    if np.ptp(p) == 0.0:
        raise NotEnoughData(f"everybody has the risk {p[0]:g}; calibration needs risks that differ.")
    observed: Floats = np.interp(p, *lowess(p, outcome.astype(np.float64)))
    return observed


def brier(y_true: ArrayLike, risk: ArrayLike, *, groups: int | None = 10, level: float = 0.95) -> Brier:
    """
    The mean squared error of predicted risks, and what it is made of.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risk : array_like, shape (n,), 0 to 1
        Predicted probability.
    groups : int or None
        Groups of equal size for the decomposition; None, or no more distinct risks than groups: by exact risk.
    level : float in (0, 1)
        Confidence level.

    Raises
    ------
    NotEnoughData
        One class only: the scaled score is 0/0.
    InputError
        A missing value, or a risk outside [0, 1].

    Source
    ------
    Brier (1950), Monthly Weather Review 78:1-3; Murphy (1973), J Applied Meteorology 12:595-600;
    the within-group term: Stephenson, Coelho & Jolliffe (2008), Weather and Forecasting 23:752-757.

    Examples
    --------
    >>> score = brier([0, 1, 0, 1, 1], [0.2, 0.2, 0.8, 0.8, 0.8])
    >>> round(score.value, 3), round(score.reliability - score.resolution + score.uncertainty, 3)
    (0.28, 0.28)
    """
    outcome = checked_outcome(y_true)
    p = checked_risk(risk, n=outcome.size)
    exact, by_risk = np.unique(p, return_inverse=True)
    group = by_risk if groups is None or exact.size <= groups else quantile_groups(p, groups)
    n = np.bincount(group)
    share = np.bincount(group, weights=outcome) / n
    mean_risk = np.bincount(group, weights=p) / n
    prevalence = float(outcome.mean())
    loss = (p - outcome) ** 2
    value = float(loss.mean())
    se = float(loss.std(ddof=1)) / math.sqrt(loss.size)
    ci = wald_interval(value, se, level=level)
    reliability = float((n * (mean_risk - share) ** 2).sum()) / loss.size
    resolution = float((n * (share - prevalence) ** 2).sum()) / loss.size
    uncertainty = prevalence * (1.0 - prevalence)
    return Brier(
        value=value,
        se=se,
        ci=Interval(max(ci.low, 0.0), min(ci.high, 1.0), level),
        scaled=1.0 - value / uncertainty,
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within_groups=value - (reliability - resolution + uncertainty),
        groups=n.size,
        n=loss.size,
        events=int(outcome.sum()),
    )


def _line(outcome: Bools, score: Floats) -> tuple[list[float], list[float]]:
    """Intercept and slope of a logistic fit of outcome on score, and their errors: Newton on the centred score."""
    if np.ptp(score) == 0.0:
        raise NotEnoughData("everybody has the same risk; a calibration slope needs risks that differ.")
    if _separated(outcome, score):
        raise NotEnoughData("the risks separate the classes completely; the calibration slope is infinite.")
    center, scale = float(score.mean()), float(score.std())
    design = np.column_stack([np.ones_like(score), (score - center) / scale])
    beta = np.array([float(logit(outcome.mean())), 0.0])
    best = _log_likelihood(outcome, design @ beta)
    for _ in range(STEPS):
        fitted = expit(design @ beta)
        information = design.T @ (design * (fitted * (1.0 - fitted))[:, None])
        step = np.linalg.solve(information, design.T @ (outcome - fitted))
        while (found := _log_likelihood(outcome, design @ (beta + step))) < best and np.abs(
            step
        ).max() > 1e-9:
            step = step / 2.0
        beta, best = beta + step, found
        if np.all(np.abs(step) <= 1e-9 * (1.0 + np.abs(beta))):
            back = np.array([[1.0, -center / scale], [0.0, 1.0 / scale]])
            covariance = back @ np.linalg.inv(information) @ back.T
            return (back @ beta).tolist(), np.sqrt(np.diag(covariance)).tolist()
    raise NotEnoughData("the logistic fit of outcome on risk does not converge; there are too few events.")


def _shift(outcome: Bools, score: Floats) -> tuple[float, float]:
    """The intercept of a logistic fit with slope 1, and its error: where as many events are expected as were seen."""
    reach = float(np.abs(score).max()) + 40.0
    shift = float(brentq(lambda a: float(expit(a + score).sum()) - outcome.sum(), -reach, reach, xtol=1e-13))
    fitted = expit(shift + score)
    return shift, float((fitted * (1.0 - fitted)).sum()) ** -0.5


def _log_likelihood(outcome: Bools, score: Floats) -> float:
    return float(log_expit(np.where(outcome, score, -score)).sum())


def _separated(outcome: Bools, score: Floats) -> bool:
    sick, well = score[outcome], score[~outcome]
    return bool(sick.min() >= well.max() or well.min() >= sick.max())


def _expected_over_observed(outcome: Bools, risk: Floats, level: float) -> tuple[float, Interval]:
    events = int(outcome.sum())
    ratio = float(risk.sum()) / events
    spread = math.exp(normal_quantile(level) * math.sqrt((1.0 - events / outcome.size) / events))
    return ratio, Interval(ratio / spread, ratio * spread, level)
