"""Do confidences mean what they say? Binned confidence beside the share that was right, and their mean distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from osteon.core.errors import InputError, NotEnoughData, ShapeError

__all__ = ["ReliabilityBin", "ReliabilityTable", "ece_by_chance", "reliability_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Cases with a confidence in (low, high]: how many, their mean confidence, the share that was right."""

    low: float
    high: float
    n: int
    mean_confidence: float
    share_right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityTable:
    """The bins that hold cases, and the expected calibration error: their mean distance weighted by their cases."""

    bins: tuple[ReliabilityBin, ...]
    ece: float
    n: int


def reliability_table(confidence: ArrayLike, right: ArrayLike, *, bins: int = 10) -> ReliabilityTable:
    """
    Compare how sure a reader said to be with how often it was right.

    Parameters
    ----------
    confidence : array-like (n,), 0-1
        Stated probability of being right.
    right : array-like (n,) of bool
        Whether it was.
    bins : int
        Bins of equal width over 0-1.

    Returns
    -------
    ReliabilityTable

    Raises
    ------
    InputError
        A confidence outside 0-1.
    NotEnoughData
        No case at all.

    Notes
    -----
    Source: Naeini, Cooper, Hauskrecht 2015 (expected calibration error).

    Examples
    --------
    >>> reliability_table([0.9, 0.9, 0.9, 0.9, 0.1], [True, True, True, False, False]).ece  # (4 x .15 + .1) / 5
    0.14
    """
    p, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=bool)
    if p.shape != hit.shape or p.ndim != 1:
        raise ShapeError(
            f"confidences of shape {p.shape} and outcomes of shape {hit.shape}; expected two equal columns."
        )
    if p.size == 0:
        raise NotEnoughData("no case to compare.", hint="Give at least one.")
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError("a confidence outside 0-1.", hint="Divide per cent by 100; drop missing ones.")
    place = _bin_of(p, bins)
    rows = []
    for k in np.unique(place):
        inside = place == k
        rows.append(
            ReliabilityBin(
                low=k / bins,
                high=(k + 1) / bins,
                n=int(inside.sum()),
                mean_confidence=float(p[inside].mean()),
                share_right=float(hit[inside].mean()),
            )
        )
    ece = sum(row.n * abs(row.mean_confidence - row.share_right) for row in rows) / p.size
    return ReliabilityTable(bins=tuple(rows), ece=round(float(ece), 12), n=int(p.size))


def ece_by_chance(confidence: ArrayLike, *, bins: int = 10) -> float:
    """
    The expected calibration error that perfectly calibrated confidences show on average, for so few cases.

    A confidence of .8 in ten cases is right in eight of them only on average. Each case is right with its own probability,
    so the number right in a bin is Poisson-binomial, and its mean distance from the sum of the confidences is exact.

    Parameters
    ----------
    confidence : array-like (n,), 0-1
    bins : int

    Examples
    --------
    >>> ece_by_chance([0.5]), ece_by_chance([0.5] * 2), ece_by_chance([1.0, 0.0])
    (0.5, 0.25, 0.0)
    """
    p = np.asarray(confidence, dtype=np.float64)
    place = _bin_of(p, bins)
    away = 0.0
    for k in np.unique(place):
        chances = np.ones(1)
        for one in p[place == k]:
            chances = np.convolve(chances, (1.0 - one, one))
        away += float(chances @ np.abs(np.arange(len(chances)) - p[place == k].sum()))
    return round(away / p.size, 12)


def _bin_of(p: npt.NDArray[np.float64], bins: int) -> npt.NDArray[np.intp]:
    return np.clip(np.ceil(p * bins).astype(np.intp) - 1, 0, bins - 1)
