"""
How good a risk at a horizon is when some people were lost before it: Brier score and AUC under censoring.

Those lost are stood in for by those like them in follow-up who stayed: each known outcome counts as one over the
probability of not having been censored by then (inverse probability of censoring weights, IPCW), which assumes that
censoring does not depend on the risk. Events go before censorings at the same time, so someone censored exactly at the
horizon is known to be event-free then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.core.result import Interval
from osteon.stats.survival import kaplan_meier
from osteon.stats.times import LifeTable, Survival, life_table
from osteon.stats.wald import normal_quantile

__all__ = [
    "CensoredBrier",
    "IntegratedBrier",
    "TimeDependentAuc",
    "integrated_brier",
    "ipcw_brier",
    "outcome_weights",
    "probabilities",
    "time_dependent_auc",
]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class CensoredBrier:
    """
    Mean squared error of the risk of an event by ``horizon``; 0 is perfect.

    ``null`` is the error of giving everyone the Kaplan-Meier risk, ``scaled`` is 1 - value / null.
    """

    value: float
    se: float
    ci: Interval
    null: float
    scaled: float
    horizon: float
    n: int
    events: int
    censored: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntegratedBrier:
    """The Brier score averaged over time, with the score at each of ``times``."""

    value: float
    null: float
    scaled: float
    times: Floats
    scores: Floats
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeDependentAuc:
    """Probability that someone with the event by ``horizon`` had a higher risk than someone free of it then."""

    value: float
    se: float
    ci: Interval
    horizon: float
    n: int
    events: int
    event_free: int
    censored: int


def ipcw_brier(
    survival: Survival, risk: npt.ArrayLike, *, horizon: float, level: float = 0.95
) -> CensoredBrier:
    """
    The mean squared error of predicted risks of an event by a horizon, some people being lost before it.

    Parameters
    ----------
    survival : Survival
        Follow-up times and event marks.
    risk : array_like, shape (n,), in [0, 1]
        Predicted probability of the event by ``horizon``.
    horizon : float, > 0
        Time by which the event counts, in the unit of the follow-up.
    level : float in (0, 1)
        Confidence level of the interval.

    Raises
    ------
    NotEnoughData
        Nobody was followed to the horizon without the event.

    Notes
    -----
    The error follows from influence functions and includes the estimation of the weights.

    Source
    ------
    Graf et al. (1999), Statistics in Medicine 18:2529-2545.

    Examples
    --------
    Four people; the second is lost at 2, so the others stand for it: (0.04 + 1.5 * 0.25 + 1.5 * 0.01) / 4.

    >>> follow_up = Survival(time=[1, 2, 3, 9], event=[1, 0, 1, 0])
    >>> round(ipcw_brier(follow_up, [0.8, 0.5, 0.5, 0.1], horizon=5).value, 4)
    0.1075
    """
    chances = probabilities(risk, n=survival.n)
    weights = outcome_weights(survival, horizon=horizon)
    died = _died(survival, horizon)
    parts = weights * (died - chances) ** 2 / survival.n
    value = float(parts.sum())
    influence = parts - value / survival.n + _weight_influence(survival, parts, horizon=horizon)
    null = _null_brier(survival, horizon=horizon)
    se = float(np.sqrt((influence**2).sum()))
    half = normal_quantile(level) * se
    return CensoredBrier(
        value=value,
        se=se,
        ci=Interval(max(value - half, 0.0), value + half, level),
        null=null,
        scaled=1 - value / null if null > 0 else float("nan"),
        horizon=horizon,
        n=survival.n,
        events=int(died.sum()),
        censored=int((weights == 0).sum()),
    )


def integrated_brier(survival: Survival, risk: npt.ArrayLike, *, times: npt.ArrayLike) -> IntegratedBrier:
    """
    The Brier score under censoring, averaged over the span of ``times`` by the trapezoid rule.

    Parameters
    ----------
    survival : Survival
        Follow-up times and event marks.
    risk : array_like, shape (n, times), in [0, 1]
        Predicted probability of the event by each of ``times``.
    times : array_like, shape (times,), rising
        At least two times.
    """
    asked = np.asarray(times, dtype=np.float64)
    chances = np.asarray(risk, dtype=np.float64)
    if asked.ndim != 1 or asked.size < 2 or not (np.diff(asked) > 0).all():
        raise ConfigError("times must be at least two rising numbers.")
    if chances.shape != (survival.n, asked.size):
        raise ShapeError(f"risk has shape {chances.shape}, expected ({survival.n}, {asked.size}).")
    scores = [ipcw_brier(survival, chances[:, j], horizon=float(t)) for j, t in enumerate(asked)]
    values = np.array([score.value for score in scores])
    span = asked[-1] - asked[0]
    value = float(np.trapezoid(values, asked) / span)
    null = float(np.trapezoid([score.null for score in scores], asked) / span)
    scaled = 1 - value / null if null > 0 else float("nan")
    return IntegratedBrier(value=value, null=null, scaled=scaled, times=asked, scores=values, n=survival.n)


def time_dependent_auc(
    survival: Survival, risk: npt.ArrayLike, *, horizon: float, level: float = 0.95
) -> TimeDependentAuc:
    """
    How well a score separates those with the event by a horizon from those still free of it (cumulative/dynamic).

    Parameters
    ----------
    survival : Survival
        Follow-up times and event marks.
    risk : array_like, shape (n,)
        Any score that is higher for those expected to have the event; only its order counts.
    horizon : float, > 0
        Time by which the event counts, in the unit of the follow-up.
    level : float in (0, 1)
        Confidence level of the interval.

    Raises
    ------
    NotEnoughData
        Nobody with the event by the horizon, or nobody followed to it without.

    Notes
    -----
    The error follows from influence functions and includes the estimation of the weights.

    Source
    ------
    Uno et al. (2007), JASA 102:527-537; Blanche, Dartigues & Jacqmin-Gadda (2013), Statistics in Medicine 32:5381.

    Examples
    --------
    >>> follow_up = Survival(time=[1, 2, 3, 9, 9], event=[1, 0, 1, 0, 0])
    >>> round(time_dependent_auc(follow_up, [0.9, 0.5, 0.3, 0.1, 0.4], horizon=5).value, 4)
    0.7143
    """
    score = np.asarray(risk, dtype=np.float64)
    if score.shape != (survival.n,):
        raise ShapeError(f"risk has shape {score.shape}, expected ({survival.n},).")
    if np.isnan(score).any():
        raise InputError(f"risk has {int(np.isnan(score).sum())} missing values, expected none.")
    weights = outcome_weights(survival, horizon=horizon)
    died = _died(survival, horizon)
    free = _free(survival, horizon)
    if not died.any():
        raise NotEnoughData(f"No event by {horizon:g} among {survival.n} people: the AUC is undefined.")
    case_share = np.where(died, weights, 0.0) / weights[died].sum()
    over = _share_below(score, score[free], np.ones(int(free.sum())))  # controls that each score exceeds
    under = 1 - _share_below(score, score[died], weights[died])  # cases that exceed each score
    value = float(case_share @ over)
    parts = case_share * (over - value)  # of the cases, sums to 0
    influence = parts + np.where(free, (under - value) / free.sum(), 0.0)
    influence = influence + _weight_influence(survival, parts, horizon=horizon)
    se = float(np.sqrt((influence**2).sum()))
    half = normal_quantile(level) * se
    return TimeDependentAuc(
        value=value,
        se=se,
        ci=Interval(max(value - half, 0.0), min(value + half, 1.0), level),
        horizon=horizon,
        n=survival.n,
        events=int(died.sum()),
        event_free=int(free.sum()),
        censored=int((weights == 0).sum()),
    )


def outcome_weights(survival: Survival, *, horizon: float) -> Floats:
    """
    How many people each known outcome at ``horizon`` stands for; 0 for those lost before it. They sum to n.

    Raises
    ------
    NotEnoughData
        Nobody was followed to the horizon event-free, so that what happens after the last follow-up is unknown.
    """
    if not 0 < horizon < np.inf:
        raise ConfigError(f"horizon is {horizon:g}, expected a time > 0.")
    known = _died(survival, horizon) | _free(survival, horizon)
    if not _free(survival, horizon).any():
        raise NotEnoughData(
            f"Nobody was followed to {horizon:g} without the event (longest follow-up {survival.time.max():g}).",
            hint="Choose an earlier horizon.",
        )
    table, _, hazard = _censoring_hazard(survival)
    before = np.concatenate([[1.0], np.cumprod(1 - hazard)])  # share uncensored before each time
    moment = np.searchsorted(table.time, np.minimum(survival.time, horizon), side="left")
    weights: Floats = np.divide(1.0, before[moment], out=np.zeros(survival.n), where=known)
    return weights


def _died(survival: Survival, horizon: float) -> Flags:
    """Who is known to have had the event by ``horizon``."""
    return survival.event & (survival.time <= horizon)


def _free(survival: Survival, horizon: float) -> Flags:
    """Who is known to be free of the event at ``horizon``."""
    free: Flags = (survival.time > horizon) | ((survival.time == horizon) & ~survival.event)
    return free


def _censoring_hazard(survival: Survival) -> tuple[LifeTable, Floats, Floats]:
    """The life table, and at each of its times those exposed to censoring and the share of them censored."""
    table = life_table(survival.time, survival.event, reasons=(1, 0))
    events, censored = table.leaving
    exposed = table.at_risk - events
    return table, exposed, np.divide(censored, exposed, out=np.zeros_like(exposed), where=exposed > 0)


def _weight_influence(survival: Survival, parts: Floats, *, horizon: float) -> Floats:
    """
    What each person's censoring, through the estimated weights, adds to the influence on ``parts.sum()``.

    ``parts`` are weighted shares; each weight was read just before the person's own time, or the horizon if earlier.
    """
    table, exposed, hazard = _censoring_hazard(survival)
    at_moment = np.bincount(table.place, weights=parts, minlength=table.time.size)
    moved = np.where(table.time < horizon, at_moment[::-1].cumsum()[::-1] - at_moment, 0.0)
    rate = np.divide(moved, exposed, out=np.zeros_like(moved), where=exposed > 0)
    drift = np.concatenate([[0.0], np.cumsum(rate * hazard)])
    seen = table.place + np.where(
        survival.event, 0, 1
    )  # an event is not exposed to the censorings at its time
    influence: Floats = np.where(survival.event, 0.0, rate[table.place]) - drift[seen]
    return influence


def _null_brier(survival: Survival, *, horizon: float) -> float:
    """The Brier score of the Kaplan-Meier risk: it is S(1 - S), as the weighted outcomes average to 1 - S."""
    free = float(kaplan_meier(survival).at(horizon).survival[0])
    return free * (1 - free)


def _share_below(asked: Floats, among: Floats, weights: Floats) -> Floats:
    """Per asked value, the weighted share of ``among`` below it, equal values counting one half."""
    order = np.argsort(among, kind="stable")
    running = np.concatenate([[0.0], np.cumsum(weights[order])])
    low = np.searchsorted(among[order], asked, side="left")
    high = np.searchsorted(among[order], asked, side="right")
    share: Floats = (running[low] + running[high]) / (2 * running[-1])
    return share


def probabilities(risk: npt.ArrayLike, *, n: int) -> Floats:
    """Predicted risks as an array of n numbers in [0, 1]; anything else is refused."""
    chances = np.asarray(risk, dtype=np.float64)
    if chances.shape != (n,):
        raise ShapeError(f"risk has shape {chances.shape}, expected ({n},).")
    if not ((chances >= 0) & (chances <= 1)).all():
        wrong = int((~((chances >= 0) & (chances <= 1))).sum())
        raise InputError(
            f"risk has {wrong} values outside 0 to 1, expected probabilities.", hint="Not percent."
        )
    return chances
