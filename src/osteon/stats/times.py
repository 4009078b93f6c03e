"""
Follow-up as values: who was watched how long, and what ended it.

``Survival`` (one kind of event) and ``CompetingRisks`` (several causes) are checked once, when made, so that no
formula after them has to. Times are in any one unit that the caller keeps to; results are in the same unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from osteon.core.errors import InputError, NotEnoughData, ShapeError

__all__ = ["CompetingRisks", "LifeTable", "Survival", "covariate_matrix", "life_table"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Array = TypeVar("_Array", bound=npt.NDArray[Any])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survival:
    """
    Follow-up times with a mark whether the event was seen or the person was censored.

    Parameters
    ----------
    time : array_like, shape (n,), >= 0
        Time from entry to event or censoring.
    event : array_like, shape (n,), 0/1 or bool
        1 where the event was seen, 0 where follow-up ended without it.

    Raises
    ------
    ShapeError, InputError, NotEnoughData
        Unequal lengths; a missing, infinite or negative time; a mark other than 0 and 1; no rows.
    """

    time: Floats
    event: Flags

    def __post_init__(self) -> None:
        time = _checked_times(self.time)
        marks = _checked_marks(self.event, time.size, name="event")
        if not np.isin(marks, (0, 1)).all():
            wrong = marks[~np.isin(marks, (0, 1))][0]
            raise InputError(
                f"event holds {wrong:g}, expected only 0 (censored) and 1 (event).",
                hint="Use CompetingRisks for several causes.",
            )
        object.__setattr__(self, "time", time)
        object.__setattr__(self, "event", _frozen(marks == 1))

    @property
    def n(self) -> int:
        """Number of people."""
        return int(self.time.size)

    @property
    def events(self) -> int:
        """Number of people whose event was seen."""
        return int(self.event.sum())

    def where(self, chosen: npt.ArrayLike) -> Survival:
        """The follow-up of the ``chosen`` people: a mask or indices, repeats allowed."""
        rows = np.asarray(chosen)
        return Survival(time=self.time[rows], event=self.event[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompetingRisks:
    """
    Follow-up times with the cause that ended them, 0 for censored.

    Parameters
    ----------
    time : array_like, shape (n,), >= 0
        Time from entry to the first event of any cause, or censoring.
    cause : array_like, shape (n,), integers >= 0
        0 where censored, otherwise the number of the cause.
    """

    time: Floats
    cause: Integers

    def __post_init__(self) -> None:
        time = _checked_times(self.time)
        marks = _checked_marks(self.cause, time.size, name="cause")
        if (marks < 0).any() or (marks != np.floor(marks)).any():
            raise InputError("cause holds a number that is no cause, expected 0 (censored), 1, 2, ...")
        object.__setattr__(self, "time", time)
        object.__setattr__(self, "cause", _frozen(marks.astype(np.int64)))

    @property
    def n(self) -> int:
        """Number of people."""
        return int(self.time.size)

    @property
    def causes(self) -> tuple[int, ...]:
        """The causes seen, in order."""
        return tuple(int(cause) for cause in np.unique(self.cause) if cause != 0)

    def any_cause(self) -> Survival:
        """The same follow-up with every cause counted as the event."""
        return Survival(time=self.time, event=self.cause != 0)

    def only(self, cause: int) -> Survival:
        """The same follow-up with ``cause`` as the event and all other ends as censoring."""
        return Survival(time=self.time, event=self.cause == cause)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LifeTable:
    """Per distinct time: who is still watched, and who leaves for which reason."""

    time: Floats
    at_risk: Floats
    leaving: Floats  # (reasons, times)
    place: Integers  # the row of this table at which each person leaves


def life_table(time: Floats, reason: npt.NDArray[np.generic], *, reasons: tuple[int, ...]) -> LifeTable:
    """Count, at each distinct time, those still at risk and those leaving for each of ``reasons``."""
    moments, place = np.unique(time, return_inverse=True)
    leaving = np.stack([np.bincount(place[reason == code], minlength=moments.size) for code in reasons])
    gone = np.bincount(place, minlength=moments.size)
    at_risk = gone[::-1].cumsum()[::-1]
    return LifeTable(
        time=moments, at_risk=at_risk.astype(np.float64), leaving=leaving.astype(np.float64), place=place
    )


def covariate_matrix(covariates: Mapping[str, npt.ArrayLike], *, n: int) -> tuple[tuple[str, ...], Floats]:
    """The names and the (n, p) matrix of named columns; a missing value or a wrong length is refused by name."""
    if not covariates:
        raise NotEnoughData("No covariate came, expected at least one.")
    columns = []
    for name, values in covariates.items():
        column = np.asarray(values, dtype=np.float64)
        if column.shape != (n,):
            raise ShapeError(f"covariate {name!r} has shape {column.shape}, expected ({n},).")
        if not np.isfinite(column).all():
            missing = int((~np.isfinite(column)).sum())
            raise InputError(
                f"covariate {name!r} has {missing} missing values, expected none.", hint="Impute first."
            )
        columns.append(column)
    return tuple(covariates), np.stack(columns, axis=1)


def _checked_times(values: npt.ArrayLike) -> Floats:
    time = np.array(values, dtype=np.float64)
    if time.ndim != 1:
        raise ShapeError(f"time has {time.ndim} axes, expected 1.")
    if time.size == 0:
        raise NotEnoughData("time is empty, expected at least one person.")
    wrong = ~(np.isfinite(time) & (time >= 0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"time[{row}] is {time[row]:g}, expected a finite number >= 0 ({wrong.sum()} such rows)."
        )
    return _frozen(time)


def _checked_marks(values: npt.ArrayLike, n: int, *, name: str) -> Floats:
    marks = np.asarray(values, dtype=np.float64)
    if marks.shape != (n,):
        raise ShapeError(f"{name} has shape {marks.shape}, expected ({n},) like time.")
    if not np.isfinite(marks).all():
        raise InputError(f"{name} has {int((~np.isfinite(marks)).sum())} missing values, expected none.")
    return marks


def _frozen(values: _Array) -> _Array:
    values.flags.writeable = False
    return values
