"""Competing risks without a model: the cumulative incidence of each cause, and Gray's test between groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from osteon.core.errors import InputError, NotEnoughData
from osteon.stats.survival import group_chi_square, group_labels
from osteon.stats.times import CompetingRisks, life_table
from osteon.stats.wald import normal_quantile

__all__ = ["CumulativeIncidence", "GraysTest", "IncidenceAt", "cumulative_incidence", "grays_test"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IncidenceAt:
    """A cumulative incidence curve read at chosen times; all fields have shape (times,)."""

    time: Floats
    incidence: Floats
    se: Floats
    low: Floats
    high: Floats
    at_risk: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CumulativeIncidence:
    """The share of people in whom ``cause`` came first, by each distinct follow-up time."""

    cause: int
    time: Floats
    incidence: Floats
    se: Floats
    low: Floats
    high: Floats
    at_risk: Floats
    level: float
    n: int
    n_events: int
    exhausted: bool

    def at(self, times: npt.ArrayLike) -> IncidenceAt:
        """The curve at ``times``: NaN beyond the longest follow-up, unless nobody was left by then."""
        asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
        if not (asked >= 0).all():
            raise InputError("times holds a missing or negative time, expected numbers >= 0.")
        row = np.searchsorted(self.time, asked, side="right")
        beyond = (asked > self.time[-1]) & (not self.exhausted)

        def read(curve: Floats) -> Floats:
            return np.where(beyond, np.nan, np.concatenate([[0.0], curve])[row])

        at_risk = np.concatenate([self.at_risk, [0.0]])[np.searchsorted(self.time, asked, side="left")]
        return IncidenceAt(
            time=asked,
            incidence=read(self.incidence),
            se=read(self.se),
            low=read(self.low),
            high=read(self.high),
            at_risk=at_risk,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GraysTest:
    """Gray's test that all groups share one cumulative incidence of ``cause``."""

    cause: int
    chi2: float
    df: int
    p: float
    groups: tuple[str, ...]
    n: tuple[int, ...]
    observed: tuple[int, ...]
    expected: tuple[float, ...]


def cumulative_incidence(outcome: CompetingRisks, *, level: float = 0.95) -> dict[int, CumulativeIncidence]:
    """
    For each cause, the share of people who had it first, the other causes being real and not censoring.

    Parameters
    ----------
    outcome : CompetingRisks
        Follow-up times and the cause that ended each.
    level : float in (0, 1)
        Confidence level of the pointwise limits, symmetric on the log(-log) scale.

    Returns
    -------
    dict of int to CumulativeIncidence
        One curve per cause seen. With the survival from any cause they sum to 1.

    Raises
    ------
    NotEnoughData
        No event of any cause.

    Source
    ------
    Aalen & Johansen (1978); error as in Gray (1988), R ``cmprsk::cuminc``.
    """
    if not outcome.causes:
        raise NotEnoughData(f"No event of any cause among {outcome.n} people.")
    table = life_table(outcome.time, outcome.cause, reasons=outcome.causes)
    at_risk, total = table.at_risk, table.leaving.sum(axis=0)
    after = np.cumprod((at_risk - total) / at_risk)
    before = np.concatenate([[1.0], after[:-1]])
    curves = {}
    for row, cause in enumerate(outcome.causes):
        events = table.leaving[row]
        incidence = np.cumsum(before * events / at_risk)
        variance = _incidence_variance(incidence, before, after, at_risk, events, total - events)
        se = np.sqrt(variance)
        low, high = _log_log_limits(incidence, se, level=level)
        curves[cause] = CumulativeIncidence(
            cause=cause, time=table.time, incidence=incidence, se=se, low=low, high=high, at_risk=at_risk,
            level=level, n=outcome.n, n_events=int(events.sum()), exhausted=bool(after[-1] == 0),
        )  # fmt: skip
    return curves


def grays_test(outcome: CompetingRisks, group: npt.ArrayLike, *, cause: int) -> GraysTest:
    """
    Whether the cumulative incidence of ``cause`` differs between groups.

    Parameters
    ----------
    outcome : CompetingRisks
        Follow-up times and the cause that ended each.
    group : array_like, shape (n,)
        Group labels.
    cause : int
        The cause compared; all others compete with it.

    Raises
    ------
    NotEnoughData
        Fewer than two groups, no event of ``cause``, or a group never at risk together with another's event.

    Source
    ------
    Gray (1988), Annals of Statistics 16:1141-1154, with rho = 0.
    """
    labels, member = group_labels(group, outcome.n)
    if len(labels) < 2:
        raise NotEnoughData(f"Gray's test has {len(labels)} group, expected at least 2.")
    if cause not in outcome.causes:
        raise NotEnoughData(f"cause {cause} never occurs, expected one of {outcome.causes}.")
    sums = _GraySums.of(outcome, member, k=len(labels), cause=cause)
    chi2 = group_chi_square(sums.observed - sums.expected, sums.covariance())
    df = len(labels) - 1
    return GraysTest(
        cause=cause, chi2=chi2, df=df, p=float(chdtrc(df, chi2)), groups=labels,
        n=tuple(np.bincount(member, minlength=len(labels)).tolist()),
        observed=tuple(sums.observed.astype(int).tolist()), expected=tuple(sums.expected.tolist()),
    )  # fmt: skip


def _incidence_variance(
    incidence: Floats, before: Floats, after: Floats, at_risk: Floats, events: Floats, others: Floats
) -> Floats:
    """
    The variance of a cumulative incidence at each time.

    It is the sum over earlier times s of t1(s) (1 - d)^2 + t2(s) d^2, where d = (F(t) - F(s)) / S(s) and t1, t2 are
    the binomial-type variances of the two kinds of jump at s; expanded so that three running sums are enough.
    """
    inverse = _ratio(np.ones_like(after), after)
    finite = np.maximum(at_risk - 1, 1)

    def jump(count: Floats) -> Floats:
        return before**2 * count * np.where(at_risk > 1, (at_risk - count) / finite, 1.0) / at_risk**2

    first, second = jump(events), jump(others) * (after > 0)
    own, other = 1 + incidence * inverse, incidence * inverse
    constant = np.cumsum(first * own**2 + second * other**2)
    linear = np.cumsum((first * own + second * other) * inverse)
    square = np.cumsum((first + second) * inverse**2)
    variance: Floats = np.maximum(constant - 2 * incidence * linear + incidence**2 * square, 0.0)
    return variance


def _log_log_limits(incidence: Floats, se: Floats, *, level: float) -> tuple[Floats, Floats]:
    """Limits within 0 to 1; 0 to 0 before the first event, NaN where the incidence is 1."""
    quantile = normal_quantile(level)
    inside = (incidence > 0) & (incidence < 1)
    low = np.where(incidence > 0, np.nan, 0.0)
    high = low.copy()
    value = incidence[inside]
    width = np.maximum(
        quantile * se[inside] / (value * np.log(value)), -700.0
    )  # negative; exp(700) still fits
    low[inside], high[inside] = value ** np.exp(-width), value ** np.exp(width)
    return low, high


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """``top`` over ``bottom``, 0 where ``bottom`` is not positive."""
    top, bottom = np.broadcast_arrays(top, bottom)
    return np.divide(top, bottom, out=np.zeros(top.shape), where=bottom > 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _GraySums:
    """Gray's score by group, and the parts of its variance over (times, groups)."""

    observed: Floats
    expected: Floats
    weight: Floats  # a: (times, groups, groups), how an event in group k moves the score of group i
    running: Floats  # c: the same, accumulated over time
    drag: Floats  # t4: (times, groups), (1 - pooled incidence) / survival of the group
    own: Floats  # t3 of the cause: (times, groups)
    other: Floats  # t3 of the competing causes

    @classmethod
    def of(cls, outcome: CompetingRisks, member: npt.NDArray[np.int64], *, k: int, cause: int) -> _GraySums:
        kind = np.where(outcome.cause == 0, 0, np.where(outcome.cause == cause, 1, 2))
        table = life_table(outcome.time, kind + 3 * member, reasons=tuple(range(3 * k)))
        censored, events, others = (table.leaving[code::3].T for code in range(3))  # each (times, groups)
        at_risk = (censored + events + others)[::-1].cumsum(axis=0)[::-1]
        after = np.cumprod(1 - _ratio(events + others, at_risk), axis=0).astype(np.float64)
        before = np.vstack([np.ones(k), after[:-1]])
        incidence = np.cumsum(_ratio(before * events, at_risk), axis=0)
        risk = _ratio(at_risk, before)  # h
        pool, deaths = risk.sum(axis=1, keepdims=True), events.sum(axis=1, keepdims=True)
        pooled = np.cumsum(deaths / pool, axis=0)
        free_before = 1 - np.concatenate([np.zeros((1, 1)), pooled[:-1]])
        subrisk = risk * (1 - np.vstack([np.zeros(k), incidence[:-1]]))
        expected = (subrisk * deaths / subrisk.sum(axis=1, keepdims=True)).sum(axis=0)
        weight = risk[:, :, None] * (np.eye(k) - (risk / pool)[:, None, :])
        running = np.cumsum(weight * _ratio(deaths, pool * free_before)[:, :, None], axis=0)
        own_ties = 1 - _ratio(np.maximum(deaths - 1, 0), pool * before - 1)
        other_ties = 1 - _ratio(np.maximum(others - 1, 0), at_risk - 1)
        return cls(
            observed=events.sum(axis=0),
            expected=expected,
            weight=weight,
            running=running,
            drag=_ratio(1 - pooled, after),
            own=_ratio(own_ties * before * deaths, pool * at_risk),
            other=_ratio(other_ties * before**2 * others, at_risk**2) * (after > 0),
        )

    def covariance(self) -> Floats:
        """The covariance of the score, (groups, groups)."""
        to_come = self.running[-1][None] - self.running
        lag = np.where(self.drag > 0, 1 - self.drag, 1.0)[:, None, :]
        by_own = self.weight + lag * to_come
        by_other = self.drag[:, None, :] * to_come
        first: Floats = np.einsum("tik,tjk,tk->ij", by_own, by_own, self.own)
        second: Floats = np.einsum("tik,tjk,tk->ij", by_other, by_other, self.other)
        return first + second
