"""How sure a call is: a probability from the distance to the threshold over its standard error, fitted on cases with truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from osteon.core.errors import NotEnoughData
from osteon.reading.spine_rules import rules

__all__ = ["call_confidence", "fit_confidence"]

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
        (loss - operating point) / standard error of the loss.
    agreement : float or None
        Dice of this body between two segmenters.
    slice_mm : float
    parameters : mapping or None
        As :func:`fit_confidence` answers; None for those of the rules.

    Examples
    --------
    >>> far, near = (call_confidence(z, agreement=None, slice_mm=1.0) for z in (5.0, 0.1))
    >>> far > 0.95 > 0.6 > near >= 0.5
    True
    """
    rule = parameters or rules("confidence")
    weights = [rule[name] for name in ("base", "margin", "agreement", "coarse")]
    logit = float(np.dot(weights, _terms(z, agreement, slice_mm, rule["cap"])))
    return float(min(1.0 / (1.0 + np.exp(-logit)), rule["most"]))


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
    right = np.array([row[3] for row in rows], dtype=float)
    if len(rows) < 50 or right.all():
        raise NotEnoughData(
            f"{len(rows)} calls, {int((1 - right).sum())} of them wrong, expected 50 and some wrong."
        )
    design = np.array([_terms(z, agreement, slice_mm, rule["cap"]) for z, agreement, slice_mm, _ in rows])
    weights = np.zeros(design.shape[1])
    penalty = ridge * np.diag([0.0, 0.0, 1.0, 1.0])
    for _ in range(60):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (right - chance) - penalty @ weights
        bend = (design * (chance * (1 - chance))[:, None]).T @ design + penalty + 1e-9 * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    names = ("base", "margin", "agreement", "coarse")
    return {**dict(zip(names, map(float, weights), strict=True)), "cap": rule["cap"], "most": rule["most"]}
