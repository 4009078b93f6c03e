"""What follows from a table of which only the margins are printed: kappa, and McNemar's test over all pairings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from osteon.core.errors import InputError, ShapeError
from osteon.core.result import Interval
from osteon.stats.agreement import McNemar, mcnemar
from osteon.stats.inputs import option, vector

__all__ = ["KAPPA_BANDS", "PairedBounds", "kappa_band", "kappa_from_margins", "mcnemar_bounds", "sd_bounds"]

KAPPA_BANDS = {
    "fleiss": (("poor", -1.0), ("fair_to_good", 0.4), ("excellent", 0.75)),
    "landis_koch": (("poor", -1.0), ("slight", 0.0), ("fair", 0.2), ("moderate", 0.4), ("substantial", 0.6),
                    ("almost_perfect", 0.8)),
}  # fmt: skip
"""Lower ends of the bands; a band of Fleiss begins at its number, one of Landis and Koch just above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedBounds:
    """
    McNemar's test over every pairing that two margins allow.

    ``fewest`` and ``most`` are the tests with the fewest and the most pairs that differ; ``p_exact`` runs from the
    smallest to the largest exact p. ``first_only`` and ``second_only`` are the ranges of the two discordant counts.
    """

    first: int
    second: int
    n: int
    fewest: McNemar | None
    most: McNemar | None
    p_exact: Interval
    first_only: tuple[int, int]
    second_only: tuple[int, int]


def mcnemar_bounds(first: int, second: int, n: int) -> PairedBounds:
    """
    The p-values McNemar's test can have when only the two totals of "right" are known.

    Parameters
    ----------
    first, second : int, 0 to n
        Cases that the first and that the second test got right.
    n : int
        Cases that both tests saw.

    Returns
    -------
    PairedBounds
        A pairing in which no case differs has p = 1 and no test (None).

    Source
    ------
    The overlap of two sets of ``first`` and ``second`` among ``n`` lies between ``first + second - n`` and the
    smaller of the two (Frechet, 1935).

    Examples
    --------
    >>> bounds = mcnemar_bounds(189, 205, 220)
    >>> bounds.first_only, bounds.second_only, round(bounds.p_exact.high, 3)
    ((0, 15), (16, 31), 0.026)
    """
    if not (0 <= first <= n and 0 <= second <= n and n > 0):
        raise InputError(f"{first} and {second} of {n}: both totals must lie between 0 and n.")
    both = range(max(0, first + second - n), min(first, second) + 1)
    tests = [_test(first - k, second - k) for k in both]
    p = [1.0 if test is None else test.p_exact for test in tests]
    return PairedBounds(
        first=first, second=second, n=n, fewest=tests[-1], most=tests[0], p_exact=Interval(min(p), max(p), 1.0),
        first_only=(first - both[-1], first - both[0]), second_only=(second - both[-1], second - both[0]),
    )  # fmt: skip


def _test(first_only: int, second_only: int) -> McNemar | None:
    return mcnemar(first_only=first_only, second_only=second_only) if first_only + second_only else None


def kappa_from_margins(agreed: int, rows: Sequence[int], columns: Sequence[int]) -> float:
    """
    Cohen's kappa from the number of agreements and the two margins: the cells beside the diagonal do not matter.

    Examples
    --------
    >>> round(kappa_from_margins(189, (158, 62), (179, 41)), 3)
    0.612
    """
    first, second = vector(rows, name="rows", least=2), vector(columns, name="columns", least=2)
    if first.size != second.size or first.sum() != second.sum():
        raise ShapeError(f"margins {list(rows)} and {list(columns)} are not those of one square table.")
    n = float(first.sum())
    observed, expected = agreed / n, float(first @ second) / n**2
    if not 0 <= observed <= 1 or expected == 1:
        raise InputError(f"{agreed} agreements of {n:g} cases are impossible, or leave kappa 0/0.")
    return (observed - expected) / (1 - expected)


def kappa_band(kappa: float, *, scheme: Literal["fleiss", "landis_koch"] = "fleiss") -> str:
    """
    The verbal band of a kappa.

    Parameters
    ----------
    kappa : float in [-1, 1]
    scheme : {"fleiss", "landis_koch"}
        Fleiss: poor below .4, fair to good from .4, excellent from .75. Landis and Koch: slight to .2, fair to .4,
        moderate to .6, substantial to .8, almost perfect above.

    Source
    ------
    Fleiss (1981), Statistical Methods for Rates and Proportions, p. 218; Landis & Koch (1977), Biometrics 33:159-174.

    Examples
    --------
    >>> kappa_band(0.612), kappa_band(0.75), kappa_band(0.612, scheme="landis_koch")
    ('fair_to_good', 'excellent', 'substantial')
    """
    option(scheme, name="scheme", allowed=tuple(KAPPA_BANDS))
    if not -1 <= kappa <= 1:
        raise InputError(f"kappa is {kappa}, expected a value between -1 and 1.")
    reached = kappa.__gt__ if scheme == "landis_koch" else kappa.__ge__
    return [name for name, low in KAPPA_BANDS[scheme] if low == -1 or reached(low)][-1]


def sd_bounds(*, n: int, mean: float, low: float, high: float) -> Interval:
    """
    The standard deviations that ``n`` values with this mean can have when their smallest and largest are known.

    The least: everybody but the two extremes at one value. The most: everybody at an extreme.

    Source
    ------
    Bhatia & Davis (2000), American Mathematical Monthly 107:353-357, for the upper bound.

    Examples
    --------
    >>> bounds = sd_bounds(n=4, mean=0.0, low=-1.0, high=1.0)
    >>> round(bounds.low**2, 3), round(bounds.high**2, 3)
    (0.667, 1.333)
    """
    above, below = high - mean, mean - low
    if n < 3 or above < 0 or below < 0:
        raise InputError(f"mean {mean} of {n} values outside their range {low} to {high}.")
    least = above**2 + below**2 + (above - below) ** 2 / (n - 2)
    return Interval(float(np.sqrt(least / (n - 1))), float(np.sqrt(n * above * below / (n - 1))), 1.0)
