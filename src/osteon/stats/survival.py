"""
Survival without a model: the Kaplan-Meier curve with its median and restricted mean, and the log-rank test.

Notes that a result may carry: ``median_not_reached``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.core.result import Interval
from osteon.stats.times import LifeTable, Survival, life_table
from osteon.stats.wald import normal_quantile

__all__ = [
    "KaplanMeier",
    "LogRank",
    "RestrictedMean",
    "SurvivalAt",
    "group_chi_square",
    "group_labels",
    "kaplan_meier",
    "log_rank",
]

Floats = npt.NDArray[np.float64]
IntervalKind = Literal["log", "log-log", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalAt:
    """A survival curve read at chosen times; all fields have shape (times,)."""

    time: Floats
    survival: Floats
    se: Floats
    low: Floats
    high: Floats
    at_risk: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMean:
    """Mean event-free time within the first ``until`` units of follow-up."""

    value: float
    se: float
    ci: Interval
    until: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KaplanMeier:
    """
    A Kaplan-Meier curve: arrays have one entry per distinct follow-up time, survival just after it.

    ``at_risk`` counts those watched just before the time. ``median`` is NaN where the curve stays above one half.
    Where the curve reaches 0 its error and limits are NaN.
    """

    time: Floats
    survival: Floats
    se: Floats
    low: Floats
    high: Floats
    at_risk: Floats
    events: Floats
    censored: Floats
    level: float
    median: float
    median_ci: Interval
    n: int
    n_events: int
    notes: tuple[str, ...] = ()

    def at(self, times: npt.ArrayLike) -> SurvivalAt:
        """The curve at ``times``: NaN beyond the longest follow-up, unless everybody had the event by then."""
        asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
        if not (asked >= 0).all():
            raise InputError("times holds a missing or negative time, expected numbers >= 0.")
        row = np.searchsorted(self.time, asked, side="right")
        beyond = (asked > self.time[-1]) & (self.survival[-1] > 0)

        def read(curve: Floats, start: float) -> Floats:
            values: Floats = np.concatenate([[start], curve])[row]
            return np.where(beyond, np.nan, values)

        at_risk = np.concatenate([self.at_risk, [0.0]])[np.searchsorted(self.time, asked, side="left")]
        return SurvivalAt(
            time=asked, survival=read(self.survival, 1.0), se=read(self.se, 0.0), low=read(self.low, 1.0),
            high=read(self.high, 1.0), at_risk=at_risk,
        )  # fmt: skip

    def restricted_mean(self, until: float) -> RestrictedMean:
        """
        The area under the curve up to ``until``, with its standard error.

        Raises
        ------
        NotEnoughData
            Follow-up ends before ``until`` with people still event-free.

        Source
        ------
        Klein & Moeschberger (2003), Survival Analysis, section 4.5.
        """
        if until <= 0:
            raise ConfigError(f"until is {until:g}, expected a time > 0.")
        if until > self.time[-1] and self.survival[-1] > 0:
            raise NotEnoughData(
                f"The restricted mean to {until:g} is undefined: follow-up ends at {self.time[-1]:g}.",
                hint="Choose an earlier time.",
            )
        inside = self.time < until
        edges = np.concatenate([[0.0], self.time[inside], [until]])
        steps = np.diff(edges) * np.concatenate([[1.0], self.survival[inside]])
        later = steps[::-1].cumsum()[::-1][1:]  # area from each time to `until`
        survivors = self.at_risk[inside] * (self.at_risk - self.events)[inside]
        jumps = np.divide(self.events[inside], survivors, out=np.zeros_like(later), where=survivors > 0)
        value, se = float(steps.sum()), float(np.sqrt((later**2 * jumps).sum()))
        half = normal_quantile(self.level) * se
        return RestrictedMean(
            value=value, se=se, ci=Interval(value - half, value + half, self.level), until=until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRank:
    """The log-rank test that all groups share one survival curve; one entry per group in the tuples."""

    chi2: float
    df: int
    p: float
    groups: tuple[str, ...]
    n: tuple[int, ...]
    observed: tuple[float, ...]
    expected: tuple[float, ...]


def kaplan_meier(survival: Survival, *, level: float = 0.95, interval: IntervalKind = "log") -> KaplanMeier:
    """
    The share of people still free of the event over time, allowing for those lost to follow-up.

    Parameters
    ----------
    survival : Survival
        Follow-up times and event marks.
    level : float in (0, 1)
        Confidence level of the pointwise limits.
    interval : {"log", "log-log", "plain"}
        Scale on which the limits are symmetric.

    Returns
    -------
    KaplanMeier
        ``se`` is Greenwood's. The median follows the limits: its interval ends where they cross one half.

    Source
    ------
    Kaplan & Meier (1958), JASA 53:457-481; Brookmeyer & Crowley (1982), Biometrics 38:29-41.

    Examples
    --------
    Freireich's 6-mercaptopurine arm: survival at 10 weeks .753, median remission 23 weeks.

    >>> weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    >>> event = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    >>> curve = kaplan_meier(Survival(time=weeks, event=event))
    >>> round(float(curve.at(10).survival[0]), 3), curve.median
    (0.753, 23.0)
    """
    table = life_table(survival.time, survival.event, reasons=(1, 0))
    events, censored = table.leaving
    curve, variance = _product_limit(table, events)
    low, high = _limits(curve, variance, level=level, interval=interval)
    median = _crossing(table.time, curve)
    median_ci = Interval(_crossing(table.time, low), _crossing(table.time, high), level)
    with np.errstate(invalid="ignore"):
        se = curve * np.sqrt(variance)
    return KaplanMeier(
        time=table.time, survival=curve, se=se, low=low, high=high, at_risk=table.at_risk, events=events,
        censored=censored, level=level, median=median, median_ci=median_ci, n=survival.n,
        n_events=survival.events, notes=("median_not_reached",) if np.isnan(median) else (),
    )  # fmt: skip


def log_rank(survival: Survival, group: npt.ArrayLike, *, strata: npt.ArrayLike | None = None) -> LogRank:
    """
    Whether the survival curves of two or more groups differ.

    Parameters
    ----------
    survival : Survival
        Follow-up times and event marks.
    group : array_like, shape (n,)
        Group labels.
    strata : array_like, shape (n,), optional
        Labels within which groups are compared; differences are summed over strata.

    Raises
    ------
    NotEnoughData
        Fewer than two groups, or no comparison possible (no event with two groups at risk).

    Source
    ------
    Mantel (1966); Kalbfleisch & Prentice (2002), section 1.5.
    """
    labels, member = group_labels(group, survival.n)
    if len(labels) < 2:
        raise NotEnoughData(f"The log-rank test has {len(labels)} group, expected at least 2.")
    layers, layer = (
        group_labels(strata, survival.n, name="strata") if strata is not None else (("all",), None)
    )
    k = len(labels)
    observed, expected, covariance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for stratum in range(len(layers)):
        rows = slice(None) if layer is None else layer == stratum
        for total, part in zip(
            (observed, expected, covariance),
            _log_rank_sums(survival.time[rows], survival.event[rows], member[rows], k),
            strict=True,
        ):
            total += part
    chi2 = group_chi_square(observed - expected, covariance)
    return LogRank(
        chi2=chi2, df=k - 1, p=float(chdtrc(k - 1, chi2)), groups=labels,
        n=tuple(int(count) for count in np.bincount(member, minlength=k)),
        observed=tuple(observed.tolist()), expected=tuple(expected.tolist()),
    )  # fmt: skip


def _product_limit(table: LifeTable, events: Floats) -> tuple[Floats, Floats]:
    """The product-limit curve and Greenwood's sum, infinite where the curve is 0."""
    staying = table.at_risk - events
    curve: Floats = np.cumprod(staying / table.at_risk).astype(np.float64, copy=False)
    jumps = np.full(events.size, np.inf)
    np.divide(events, table.at_risk * staying, out=jumps, where=staying > 0)
    greenwood: Floats = np.cumsum(jumps)
    return curve, greenwood


def _limits(
    curve: Floats, variance: Floats, *, level: float, interval: IntervalKind
) -> tuple[Floats, Floats]:
    """Pointwise limits, within 0 to 1; NaN where the curve is 0."""
    half = normal_quantile(level) * np.sqrt(variance)
    low, high = np.full(curve.size, np.nan), np.full(curve.size, np.nan)
    some = curve > 0
    inside = some & (curve < 1)
    low[some & ~inside] = high[some & ~inside] = 1.0
    value, width = curve[inside], half[inside]
    if interval == "log":
        low[inside], high[inside] = value * np.exp(-width), np.minimum(value * np.exp(width), 1.0)
    elif interval == "log-log":
        scaled = width / np.log(value)  # negative
        low[inside], high[inside] = value ** np.exp(-scaled), value ** np.exp(scaled)
    elif interval == "plain":
        low[inside], high[inside] = np.maximum(value * (1 - width), 0.0), np.minimum(value * (1 + width), 1.0)
    else:
        raise ConfigError(f"interval is {interval!r}, expected 'log', 'log-log' or 'plain'.")
    return low, high


def _crossing(time: Floats, curve: Floats) -> float:
    """The first time a falling curve is at most one half; the middle of the step where it lies on one half."""
    below = np.flatnonzero(curve < 0.5 - 1e-12)
    level = np.flatnonzero(np.abs(curve - 0.5) <= 1e-12)
    if level.size:
        return float((time[level[0]] + (time[below[0]] if below.size else time[level[-1]])) / 2)
    return float(time[below[0]]) if below.size else float("nan")


def _log_rank_sums(
    time: Floats, event: npt.NDArray[np.bool_], member: npt.NDArray[np.int64], k: int
) -> tuple[Floats, Floats, Floats]:
    """Observed and expected events by group and the covariance of their difference, in one stratum."""
    table = life_table(time, event, reasons=(1,))
    deaths, at_risk = table.leaving[0], table.at_risk
    gone = np.stack([np.bincount(table.place[member == g], minlength=deaths.size) for g in range(k)])
    share = gone[:, ::-1].cumsum(axis=1)[:, ::-1] / at_risk
    observed = np.bincount(member[event], minlength=k).astype(np.float64)
    spread = np.divide(deaths * (at_risk - deaths), at_risk - 1, out=np.zeros_like(deaths), where=at_risk > 1)
    covariance = np.diag(share @ spread) - (share * spread) @ share.T
    return observed, share @ deaths, covariance


def group_chi_square(difference: Floats, covariance: Floats) -> float:
    """Observed minus expected of k groups, which sum to 0, as one chi-square with k - 1 degrees of freedom."""
    k = difference.size
    if int(np.linalg.matrix_rank(covariance, rtol=1e-10, hermitian=True)) < k - 1:
        raise NotEnoughData(
            "The comparison is undefined: a group is never at risk together with another's event.",
            hint="Leave it out, or join it to another.",
        )
    chi2: float = float(difference[:-1] @ np.linalg.solve(covariance[:-1, :-1], difference[:-1]))
    return chi2


def group_labels(
    group: npt.ArrayLike, n: int, *, name: str = "group"
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The distinct labels as text, and the place of each person's label among them."""
    column = np.asarray(group)
    if column.shape != (n,):
        raise ShapeError(f"{name} has shape {column.shape}, expected ({n},).")
    missing = sum(label is None or label != label for label in column.tolist())
    if missing:
        raise InputError(f"{name} has {missing} missing labels, expected none.")
    labels, place = np.unique(column, return_inverse=True)
    return tuple(str(label) for label in labels), place
