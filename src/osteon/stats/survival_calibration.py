"""Calibration of a predicted risk at a horizon, observed risks being read off Kaplan-Meier curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteon.core.errors import ConfigError, NotEnoughData
from osteon.core.result import Interval
from osteon.stats.censoring import probabilities
from osteon.stats.survival import kaplan_meier
from osteon.stats.times import Survival
from osteon.stats.wald import normal_quantile

__all__ = ["SurvivalCalibration", "survival_calibration"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalCalibration:
    """
    Predicted risk beside the observed (Kaplan-Meier) risk by ``horizon``, by group of rising predicted risk.

    ``expected_over_observed`` is the mean predicted over the observed risk of all, above 1 where risk is overstated.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    n: Integers
    events: Integers
    horizon: float
    expected_over_observed: float
    expected_over_observed_ci: Interval


def survival_calibration(
    survival: Survival, risk: npt.ArrayLike, *, horizon: float, groups: int = 10, level: float = 0.95
) -> SurvivalCalibration:
    """
    Whether as many have the event by a horizon as was predicted, in groups of rising predicted risk.

    Parameters
    ----------
    survival : Survival
        Follow-up times and event marks.
    risk : array_like, shape (n,), in [0, 1]
        Predicted probability of the event by ``horizon``.
    horizon : float, > 0
        Time by which the event counts, in the unit of the follow-up.
    groups : int
        Number of groups by quantiles of risk; equal risks share a group, so there can be fewer.
    level : float in (0, 1)
        Confidence level of the limits of the observed risk (log-log).

    Raises
    ------
    NotEnoughData
        Follow-up of everyone ends before the horizon with people still event-free, or nobody had the event by then.

    Notes
    -----
    A group whose own follow-up ends before the horizon has NaN for its observed risk.

    Source
    ------
    Harrell (2015), Regression Modeling Strategies, section 20.3; D'Agostino & Nam (2003).
    """
    chances = probabilities(risk, n=survival.n)
    if groups < 1:
        raise ConfigError(f"groups is {groups}, expected at least 1.")
    edges = np.unique(np.quantile(chances, np.linspace(0, 1, groups + 1)[1:-1]))
    member = np.unique(np.searchsorted(edges, chances, side="left"), return_inverse=True)[1]
    groups_of = [
        (chances[member == group], survival.where(member == group)) for group in range(int(member.max()) + 1)
    ]
    curves = [kaplan_meier(part, level=level, interval="log-log").at(horizon) for _, part in groups_of]
    events = [int((part.event & (part.time <= horizon)).sum()) for _, part in groups_of]
    ratio, ratio_ci = _expected_over_observed(survival, float(chances.mean()), horizon=horizon, level=level)
    return SurvivalCalibration(
        predicted=np.array([risks.mean() for risks, _ in groups_of]),
        observed=np.array([1 - float(curve.survival[0]) for curve in curves]),
        low=np.array([1 - float(curve.high[0]) for curve in curves]),
        high=np.array([1 - float(curve.low[0]) for curve in curves]),
        n=np.array([part.n for _, part in groups_of]),
        events=np.array(events),
        horizon=horizon,
        expected_over_observed=ratio,
        expected_over_observed_ci=ratio_ci,
    )


def _expected_over_observed(
    survival: Survival, expected: float, *, horizon: float, level: float
) -> tuple[float, Interval]:
    """Mean predicted risk over the Kaplan-Meier risk, with limits on the log scale from Greenwood's error."""
    now = kaplan_meier(survival).at(horizon)
    observed = 1 - float(now.survival[0])
    if not observed > 0:
        raise NotEnoughData(
            f"The observed risk at {horizon:g} is {'0' if observed == 0 else 'unknown'}: expected events by then and "
            f"follow-up to it (longest {survival.time.max():g})."
        )
    ratio = expected / observed
    width = normal_quantile(level) * float(now.se[0]) / observed
    return ratio, Interval(ratio * float(np.exp(-width)), ratio * float(np.exp(width)), level)
