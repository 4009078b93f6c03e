"""How sure a call is: a probability from the distance to the threshold over its standard error, fitted on cases with truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from osteon.core.errors import NotEnoughData
from osteon.reading.spine_rules import rules

__all__ = [
    "call_confidence",
    "fit_confidence",
    "fit_type_confidence",
    "grade_confidence",
    "type_confidence",
]

Row = tuple[float, float | None, float, bool]
"""Distance to the threshold in standard errors, agreement of two segmenters, slice spacing in mm, was the call right."""


def _terms(z: float, agreement: float | None, slice_mm: float, cap: float) -> list[float]:
    return [1.0, min(abs(z), cap), (0.9 if agreement is None else agreement) - 0.9, slice_mm - 1.0]


def call_confidence(
    z: float, *, agreement: float | None, slice_mm: float, parameters: Mapping[str, float] | None = None
) -> float:
    """
    Probability that the call fractured or not is right.

    Parameters
    ----------
    z : float
        (loss - the loss from which this vertebra counts) / standard error of the loss.
    agreement : float or None
        Dice of this body between two segmenters.
    slice_mm : float
    parameters : mapping or None
        As :func:`fit_confidence` answers; None for those of the rules.

    Examples
    --------
    >>> far, near = (call_confidence(z, agreement=None, slice_mm=1.0) for z in (5.0, 0.1))
    >>> far > 0.95 > near >= 0.5
    True
    """
    rule = parameters or rules("confidence")
    weights = [rule[name] for name in ("base", "margin", "agreement", "coarse")]
    logit = float(np.dot(weights, _terms(z, agreement, slice_mm, rule["cap"])))
    return _probability(logit, rule["most"])


def _probability(logit: float, most: float) -> float:
    """Of one of two answers that is right: never less than a half, and never surer than cases with truth can show."""
    return float(np.clip(1.0 / (1.0 + np.exp(-logit)), 0.5, most))


def fit_confidence(rows: Sequence[Row], *, ridge: float = 0.1) -> dict[str, float]:
    """
    Parameters of :func:`call_confidence` from calls with known truth: logistic regression with a small ridge.

    Raises
    ------
    NotEnoughData
        Fewer than 50 calls, or all of them right.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(0, 2, 4000)
    >>> right = rng.random(4000) < 1 / (1 + np.exp(-1.5 * np.minimum(abs(z), 4)))
    >>> found = fit_confidence([(float(a), None, 1.0, bool(b)) for a, b in zip(z, right, strict=True)])
    >>> abs(found["margin"] - 1.5) < 0.15
    True
    """
    rule = rules("confidence")
    design = np.array([_terms(z, agreement, slice_mm, rule["cap"]) for z, agreement, slice_mm, _ in rows])
    names = ("base", "margin", "agreement", "coarse")
    weights = _fitted(design, [row[3] for row in rows], ridge=(3 * ridge, 3 * ridge, ridge, ridge))
    return {**dict(zip(names, weights, strict=True)), "cap": rule["cap"], "most": rule["most"]}


def type_confidence(
    margin: float,
    *,
    broken: float,
    of: Literal["type", "of"] = "type",
    parameters: Mapping[str, float] | None = None,
) -> float:
    """
    Probability that the Denis or the OF type of a vertebra rightly called fractured is right, from the rule's own margin.

    Parameters
    ----------
    margin : float
        How far the least certain sign is from where the type would turn, in units of its threshold
        (:attr:`osteon.domain.spine.Denis.margin`).
    broken : float
        Share of the evaluable vertebrae that are called fractured: whole ones are what signs are compared with.
    of : "type" for Denis, "of" for the OF type
    parameters : mapping or None
        As :func:`fit_type_confidence` answers; None for those of the rules.

    Examples
    --------
    >>> type_confidence(0.8, broken=0.1) > type_confidence(0.05, broken=0.1) > type_confidence(0.05, broken=0.9) >= 0.25
    True
    """
    rule = parameters or rules(f"{of}_confidence")
    logit = rule["base"] + rule["margin"] * _certainty(margin, rule) + rule["broken"] * broken
    return float(np.clip(1.0 / (1.0 + np.exp(-logit)), 0.25, rule["most"]))


def fit_type_confidence(
    rows: Sequence[tuple[float, float, bool]], *, of: Literal["type", "of"] = "type"
) -> dict[str, float]:
    """
    Parameters of :func:`type_confidence` from types with known truth: (margin, broken, was the type right).

    Raises
    ------
    NotEnoughData
        Fewer than 50 types, or all of them right.
    """
    rule = rules(f"{of}_confidence")
    design = np.array([[1.0, _certainty(margin, rule), broken] for margin, broken, _ in rows])
    base, slope, among = _fitted(design, [right for *_, right in rows], ridge=(0.0, 0.0, 0.0))
    shape = {name: rule[name] for name in ("cap", "power", "most")}
    return {"base": base, "margin": slope, "broken": among, **shape}


def _certainty(margin: float, rule: Mapping[str, float]) -> float:
    """What a margin counts for: no more than the cap, and the first steps away from the turn more than the later ones."""
    return float(min(margin, rule["cap"]) ** rule["power"])


def grade_confidence(loss: float, se: float, grade: int) -> float:
    """
    Probability that the grade of a fracture is right: that of the true loss lying between the bounds of the grade.

    The error of a loss is taken as normal with its standard error, which nothing was fitted to; the lowest grade has no
    lower bound, since the vertebra is taken as fractured.

    Examples
    --------
    >>> round(grade_confidence(0.325, 0.0375, 2), 3), round(grade_confidence(0.25, 0.02, 1), 3)
    (0.954, 0.5)
    """
    bounds = [-np.inf, *rules("genant")["bounds"][1:], np.inf]
    low, high = ((bound - loss) / se for bound in bounds[grade - 1 : grade + 1])
    return float(np.clip(ndtr(high) - ndtr(low), 1 / 3, rules("confidence")["most"]))


def _fitted(
    design: npt.NDArray[np.float64], answers: Sequence[bool], *, ridge: Sequence[float]
) -> tuple[float, ...]:
    """Weights of a logistic regression with a small ridge, by Newton's steps."""
    right = np.array(answers, dtype=float)
    if len(right) < 50 or right.all():
        raise NotEnoughData(
            f"{len(right)} answers, {int((1 - right).sum())} of them wrong, expected 50 and some wrong."
        )
    weights = np.zeros(design.shape[1])
    penalty = np.diag(np.asarray(ridge, dtype=float))
    for _ in range(60):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (right - chance) - penalty @ weights
        bend = (design * (chance * (1 - chance))[:, None]).T @ design + penalty + 1e-9 * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return tuple(float(w) for w in weights)
