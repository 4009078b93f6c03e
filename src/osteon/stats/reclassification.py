"""
Whether a new risk moves people the right way: net reclassification and integrated discrimination improvement.

Note used here: "standard error 0: no test".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import ConfigError
from osteon.core.result import Interval
from osteon.stats.inputs import vector
from osteon.stats.predicted import checked_outcome, checked_risk
from osteon.stats.wald import wald_interval, wald_test

__all__ = [
    "DiscriminationImprovement",
    "NetReclassification",
    "discrimination_improvement",
    "net_reclassification",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetReclassification:
    """
    Net reclassification improvement, -2 to 2, and its two halves.

    ``event_part`` is the share of people with the event who move up minus the share who move down;
    ``non_event_part`` the same for people without it, down minus up. Report the halves: the sum is not a share.
    ``event_table`` and ``non_event_table`` count people by old (row) and new (column) class, empty without cuts.
    """

    value: float
    se: float
    ci: Interval
    z: float
    p: float
    event_part: float
    event_part_se: float
    event_part_ci: Interval
    non_event_part: float
    non_event_part_se: float
    non_event_part_ci: Interval
    events_up: int
    events_down: int
    non_events_up: int
    non_events_down: int
    cuts: tuple[float, ...]
    event_table: tuple[tuple[int, ...], ...]
    non_event_table: tuple[tuple[int, ...], ...]
    n: int
    events: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscriminationImprovement:
    """
    Integrated discrimination improvement: how much further apart the mean risks of the two classes are.

    ``event_part`` is the mean rise of risk among people with the event, ``non_event_part`` the mean fall among others.
    """

    value: float
    se: float
    ci: Interval
    z: float
    p: float
    event_part: float
    non_event_part: float
    n: int
    events: int
    notes: tuple[str, ...] = ()


def net_reclassification(
    y_true: ArrayLike,
    old: ArrayLike,
    new: ArrayLike,
    *,
    cuts: Sequence[float] | None = None,
    level: float = 0.95,
) -> NetReclassification:
    """
    Whether a new risk moves people with the event up and people without it down.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    old, new : array_like, shape (n,), 0 to 1
        Risks by the two models.
    cuts : sequence of float in (0, 1), rising, optional
        Limits of the risk classes; a risk equal to a cut belongs to the higher class, as "positive when
        risk >= threshold". Without cuts any rise or fall counts (continuous NRI).
    level : float in (0, 1)
        Confidence level.

    Raises
    ------
    NotEnoughData
        One class only.
    InputError
        A missing value, or a risk outside [0, 1].
    ConfigError
        Cuts that do not rise or lie outside (0, 1).

    Source
    ------
    Pencina et al. (2008), Statistics in Medicine 27:157-172; continuous: Pencina, D'Agostino & Steyerberg (2011),
    30:11-21; errors as in Hmisc::improveProb. Large values can come from a badly calibrated model: Kerr et al. (2014),
    Epidemiology 25:114-121; read it beside the net benefit.

    Examples
    --------
    >>> truth, old, new = [1, 1, 0, 0, 0], [0.2, 0.4, 0.2, 0.4, 0.1], [0.4, 0.5, 0.1, 0.5, 0.05]
    >>> result = net_reclassification(truth, old, new, cuts=[0.3])
    >>> result.event_part, result.non_event_part
    (0.5, 0.0)
    """
    outcome = checked_outcome(y_true)
    limits = _checked_cuts(cuts)
    old_risk, new_risk = _both(old, new, outcome.size)
    before, after = (np.digitize(risk, limits) for risk in (old_risk, new_risk))
    up, down = (
        (new_risk > old_risk, new_risk < old_risk) if cuts is None else (after > before, after < before)
    )
    events = int(outcome.sum())
    counts = [int(np.count_nonzero(move & who)) for who in (outcome, ~outcome) for move in (up, down)]
    event_part, event_se = _net_share(counts[0], counts[1], events)
    non_event_part, non_event_se = _net_share(counts[3], counts[2], outcome.size - events)
    value, se = event_part + non_event_part, math.hypot(event_se, non_event_se)
    z, p = wald_test(value, se)
    classes = len(limits) + 1 if cuts is not None else 0
    return NetReclassification(
        value=value,
        se=se,
        ci=wald_interval(value, se, level=level),
        z=z,
        p=p,
        event_part=event_part,
        event_part_se=event_se,
        event_part_ci=wald_interval(event_part, event_se, level=level),
        non_event_part=non_event_part,
        non_event_part_se=non_event_se,
        non_event_part_ci=wald_interval(non_event_part, non_event_se, level=level),
        events_up=counts[0],
        events_down=counts[1],
        non_events_up=counts[2],
        non_events_down=counts[3],
        cuts=limits,
        event_table=_moves(before[outcome], after[outcome], classes),
        non_event_table=_moves(before[~outcome], after[~outcome], classes),
        n=outcome.size,
        events=events,
        notes=_no_test(z),
    )


def discrimination_improvement(
    y_true: ArrayLike, old: ArrayLike, new: ArrayLike, *, level: float = 0.95
) -> DiscriminationImprovement:
    """
    How much further a new model separates the mean risks of people with and without the event.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    old, new : array_like, shape (n,), 0 to 1
        Risks by the two models.
    level : float in (0, 1)
        Confidence level.

    Raises
    ------
    NotEnoughData
        Fewer than two people with, or without, the event.
    InputError
        A missing value, or a risk outside [0, 1].

    Source
    ------
    Pencina et al. (2008), Statistics in Medicine 27:157-172; errors as in Hmisc::improveProb.

    Examples
    --------
    >>> result = discrimination_improvement([1, 1, 0, 0], [0.5, 0.5, 0.5, 0.5], [0.75, 0.5, 0.25, 0.25])
    >>> result.value, result.event_part, result.non_event_part
    (0.375, 0.125, 0.25)
    """
    outcome = checked_outcome(y_true, least=2)
    before, after = _both(old, new, outcome.size)
    rise, fall = (after - before)[outcome], (before - after)[~outcome]
    value = float(rise.mean() + fall.mean())
    se = math.sqrt(float(rise.var(ddof=1)) / rise.size + float(fall.var(ddof=1)) / fall.size)
    z, p = wald_test(value, se)
    return DiscriminationImprovement(
        value=value,
        se=se,
        ci=wald_interval(value, se, level=level),
        z=z,
        p=p,
        event_part=float(rise.mean()),
        non_event_part=float(fall.mean()),
        n=outcome.size,
        events=rise.size,
        notes=_no_test(z),
    )


def _both(old: ArrayLike, new: ArrayLike, n: int) -> tuple[Floats, Floats]:
    return checked_risk(old, n=n, name="old risk"), checked_risk(new, n=n, name="new risk")


def _checked_cuts(cuts: Sequence[float] | None) -> tuple[float, ...]:
    if cuts is None:
        return ()
    limits = vector(cuts, name="cuts")
    if np.any(np.diff(limits) <= 0.0) or limits[0] <= 0.0 or limits[-1] >= 1.0:
        raise ConfigError(f"cuts are {list(cuts)}; they must rise and lie between 0 and 1.")
    return tuple(map(float, limits))


def _net_share(right: int, wrong: int, n: int) -> tuple[float, float]:
    """Share moved the right way minus share moved the wrong way, with its multinomial error."""
    net = (right - wrong) / n
    return net, math.sqrt(max((right + wrong) / n - net * net, 0.0) / n)


def _moves(before: NDArray[np.intp], after: NDArray[np.intp], classes: int) -> tuple[tuple[int, ...], ...]:
    if classes == 0:
        return ()
    table = np.bincount(before * classes + after, minlength=classes**2).reshape(classes, classes)
    return tuple(tuple(map(int, row)) for row in table)


def _no_test(z: float) -> tuple[str, ...]:
    return ("standard error 0: no test",) if math.isnan(z) else ()
