"""
OST and OSTA: osteoporosis from age and weight alone.

One number, ``trunc((weight - age) / 5)`` truncated toward zero, with two sets of classes. Notes:
``cut_off_unverified``, ``cut_off_for_women_50_64`` (OST's referral cut was set there).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.care.scores.published import Published, number, numbers, point_score, published
from osteon.domain.score import Score

__all__ = ["ost", "ost_points", "osta"]

Floats = NDArray[np.float64]


def ost_points(*, weight_kg: ArrayLike, age_years: ArrayLike) -> Floats:
    """
    The osteoporosis self-assessment number of each person; lower means more at risk, NaN where an input is missing.

    Parameters
    ----------
    weight_kg, age_years : array_like, shape (n,)

    Raises
    ------
    UnitError
        A weight or an age of 0 or less.

    Source
    ------
    Koh et al. (2001), Osteoporosis International 12:699-705.

    Examples
    --------
    A woman of 70 years and 57 kg: 0.2 x (57 - 70) = -2.6, truncated toward zero.

    >>> ost_points(weight_kg=[57.0, 66.0], age_years=[70.0, 55.0]).tolist()
    [-2.0, 2.0]
    """
    weight, age = numbers("weight_kg", weight_kg), numbers("age_years", age_years)
    # nine decimals first, so that 62.6 kg at 57.6 years is 1 and not 0.9999999
    points: Floats = np.trunc(np.round((weight - age) / published("ost")["divisor"], 9)) + 0.0
    return points


def ost(*, weight_kg: float | None, age_years: float | None) -> Score:
    """
    The OST of one person; below 2 a bone density scan is due (women 50-64).

    Examples
    --------
    >>> print(ost(weight_kg=57, age_years=70))
    ost -2 points: moderate (refer, <2)
    """
    entry = published("ost")
    below = entry["refer_below"]
    return _score(entry, weight_kg, age_years, refer_below=below, notes=("cut_off_for_women_50_64",))


def osta(*, weight_kg: float | None, age_years: float | None) -> Score:
    """
    The OSTA of one person, in the classes for Asian women: low above -1, high below -4.

    Examples
    --------
    >>> print(osta(weight_kg=45, age_years=70))
    osta -5 points: high (refer, <0)
    """
    entry = published("osta")
    return _score(entry, weight_kg, age_years, refer_below=entry["low_above"] + 1)


def _score(
    entry: Published,
    weight_kg: float | None,
    age_years: float | None,
    *,
    refer_below: int,
    notes: tuple[str, ...] = (),
) -> Score:
    points = float(ost_points(weight_kg=number(weight_kg), age_years=number(age_years)))
    if points > entry["low_above"]:
        band = "low"
    else:
        band = "high" if points < entry["high_below"] else "moderate"
    return point_score(
        entry, points, inputs={"weight_kg": weight_kg, "age_years": age_years}, band=band,
        refer=points < refer_below, cut_off=f"<{refer_below}", notes=notes,
    )  # fmt: skip
