"""Counting along a ranking of people: placements, DeLong's covariance, the corners of a ROC curve."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2 as chi2_law

from osteon.stats.predicted import checked_outcome, checked_risk

__all__ = ["area_between", "auc_value", "delong_covariance", "equality_test", "placements", "roc_corners"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def placements(outcome: Bools, risk: Floats) -> tuple[Floats, Floats]:
    """
    For each person with the event the share of the others ranked below, and for each of the others the reverse.

    Both arrays average to the AUC and their variances give its error; ties count half. One sort.

    Source
    ------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837-845;
    ranks in place of pairs: Sun & Xu (2014), IEEE Signal Processing Letters 21:1389-1393.

    Examples
    --------
    >>> sick, well = placements(np.array([False, True, True]), np.array([0.2, 0.2, 0.7]))
    >>> sick.tolist(), well.tolist()
    ([0.5, 1.0], [0.75])
    """
    value, group = np.unique(risk, return_inverse=True)
    sick = np.bincount(group[outcome], minlength=value.size)
    well = np.bincount(group[~outcome], minlength=value.size)
    well_below = np.cumsum(well) - well / 2.0
    sick_above = sick.sum() - np.cumsum(sick) + sick / 2.0
    return (well_below / well.sum())[group[outcome]], (sick_above / sick.sum())[group[~outcome]]


def auc_value(y_true: ArrayLike, risk: ArrayLike) -> float:
    """
    The area under the ROC curve alone, for use inside resampling.

    Raises
    ------
    NotEnoughData
        One class only.

    Examples
    --------
    >>> auc_value([0, 1, 1], [0.2, 0.2, 0.7])
    0.75
    """
    outcome = checked_outcome(y_true)
    sick, _ = placements(outcome, checked_risk(risk, n=outcome.size, probability=False))
    return float(sick.mean())


def delong_covariance(parts: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Covariance of the AUCs of several models from their placements, shape (models, models)."""
    shape = (len(parts), len(parts))
    sick, well = np.stack([part[0] for part in parts]), np.stack([part[1] for part in parts])
    covariance: Floats = (
        np.cov(sick).reshape(shape) / sick.shape[1] + np.cov(well).reshape(shape) / well.shape[1]
    )
    return covariance


def equality_test(values: Floats, covariance: Floats) -> tuple[float, int, float]:
    """
    Chi-square, degrees of freedom and p of "all are equal"; NaN, 0, NaN where nothing can differ.

    The degrees of freedom are the contrasts that vary independently.
    """
    contrast = np.eye(values.size)[:-1] - np.eye(values.size)[1:]
    spread = contrast @ covariance @ contrast.T
    df = int(np.linalg.matrix_rank(spread, tol=1e-14, hermitian=True)) if values.size > 1 else 0
    if df == 0:
        return math.nan, 0, math.nan
    gap = contrast @ values
    chi2 = float(gap @ np.linalg.pinv(spread, rcond=1e-12, hermitian=True) @ gap)
    return chi2, df, float(chi2_law.sf(chi2, df))


def roc_corners(outcome: Bools, risk: Floats) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """
    Every cut that changes a call, with the events at or above it and the non-events below it.

    Cuts run from -inf through the midpoints between neighbouring risks to +inf.
    """
    value, group = np.unique(risk, return_inverse=True)
    sick = np.bincount(group[outcome], minlength=value.size)
    well = np.bincount(group[~outcome], minlength=value.size)
    middle = value[:-1] / 2.0 + value[1:] / 2.0
    middle = np.where(middle > value[:-1], middle, value[1:])  # neighbours too close for a midpoint
    threshold = np.concatenate([[-np.inf], middle, [np.inf]])
    hits = sick.sum() - np.concatenate([[0], np.cumsum(sick)])
    return threshold, hits, np.concatenate([[0], np.cumsum(well)])


def area_between(along: Floats, across: Floats, low: float, high: float) -> float:
    """
    The area under a falling staircase between two abscissae; ``along`` rises from 0 to 1.

    At an end of the range that meets a vertical step, the side of the step that lies within the range counts.

    Examples
    --------
    >>> area_between(np.array([0.0, 1.0]), np.array([1.0, 0.0]), 0.5, 1.0)
    0.125
    """
    after_low = int(np.searchsorted(along, low, side="right"))
    from_high = int(np.searchsorted(along, high, side="left"))
    x = np.concatenate([[low], along[after_low:from_high], [high]])
    ends = (_reading(along, across, after_low, low), _reading(along, across, from_high, high))
    return float(np.trapezoid(np.concatenate([[ends[0]], across[after_low:from_high], [ends[1]]]), x))


def _reading(along: Floats, across: Floats, right: int, at: float) -> float:
    """The straight line between point ``right - 1`` and point ``right``, read at ``at``."""
    if along[right] == at:
        return float(across[right])
    share = (at - along[right - 1]) / (along[right] - along[right - 1])
    return float(across[right - 1] + share * (across[right] - across[right - 1]))
