"""An outcome and the risks predicted for it, checked: both classes present, one risk per person, nothing missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats.inputs import flags, vector

__all__ = ["checked_outcome", "checked_risk", "checked_risks"]


def checked_outcome(y_true: ArrayLike, *, least: int = 1) -> NDArray[np.bool_]:
    """
    A 0/1 outcome, as booleans, in which both classes occur at least ``least`` times.

    Raises
    ------
    NotEnoughData
        Fewer than ``least`` people with, or without, the outcome.
    InputError
        A value that is missing, or neither 0 nor 1.
    """
    outcome = flags(y_true, name="y_true", both=False)
    events = int(outcome.sum())
    if min(events, outcome.size - events) < least:
        raise NotEnoughData(
            f"y_true holds {events} events and {outcome.size - events} non-events; "
            f"at least {least} of each are needed."
        )
    return outcome


def checked_risk(
    risk: ArrayLike, *, n: int, name: str = "risk", probability: bool = True
) -> NDArray[np.float64]:
    """
    One number for each of ``n`` people; between 0 and 1 where a ``probability`` is meant.

    Raises
    ------
    ShapeError
        Not one value per person.
    InputError
        A missing value, or a probability outside [0, 1].
    """
    numbers = vector(risk, name=name)
    if numbers.size != n:
        raise ShapeError(f"{name} has {numbers.size} values where {n} are needed, one per person.")
    if probability and (numbers.min() < 0.0 or numbers.max() > 1.0):
        first = int(np.flatnonzero((numbers < 0.0) | (numbers > 1.0))[0])
        raise InputError(
            f"{name} holds {numbers[first]:g} at position {first}; a probability lies between 0 and 1.",
            hint="Divide percentages by 100, or calibrate the score first.",
        )
    return numbers


def checked_risks(
    risks: Mapping[str, ArrayLike], *, n: int, probability: bool = True
) -> dict[str, NDArray[np.float64]]:
    """
    Several models' risks of the same people, by name.

    Raises
    ------
    NotEnoughData
        No model.
    """
    if not risks:
        raise NotEnoughData("risks names no model; give at least one, as {'name': risk}.")
    return {
        name: checked_risk(risk, n=n, name=f"risk of {name}", probability=probability)
        for name, risk in risks.items()
    }
