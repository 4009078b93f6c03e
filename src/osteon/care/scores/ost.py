"""
OST and OSTA: osteoporosis from age and weight alone.

One number, ``trunc((weight - age) / 5)`` truncated toward zero, with two sets of classes. Notes:
``cut_off_unverified``, ``cut_off_for_women_50_64`` (OST's referral cut was set there).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.care.scores.published import Published, published
from osteon.core.errors import UnitError
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
    weight = np.asarray(weight_kg, dtype=np.float64)
    age = np.asarray(age_years, dtype=np.float64)
    for name, values in (("weight_kg", weight), ("age_years", age)):
        if np.any(values <= 0):
            raise UnitError(f"{name} has a value of 0 or less.", hint="Give NaN where it is unknown.")
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
    points = _points(weight_kg, age_years)
    return _score(
        entry, points, weight_kg, age_years,
        refer=None if points is None else points < entry["refer_below"], cut_off=f"<{entry['refer_below']}",
        notes=("cut_off_for_women_50_64",),
    )  # fmt: skip


def osta(*, weight_kg: float | None, age_years: float | None) -> Score:
    """
    The OSTA of one person, in the classes for Asian women: low above -1, high below -4.

    Examples
    --------
    >>> print(osta(weight_kg=45, age_years=70))
    osta -5 points: high (refer, <=-1)
    """
    entry = published("osta")
    points = _points(weight_kg, age_years)
    return _score(
        entry, points, weight_kg, age_years,
        refer=None if points is None else points <= entry["low_above"], cut_off=f"<={entry['low_above']}",
    )  # fmt: skip


def _points(weight_kg: float | None, age_years: float | None) -> float | None:
    points = ost_points(
        weight_kg=np.nan if weight_kg is None else weight_kg,
        age_years=np.nan if age_years is None else age_years,
    )
    return None if np.isnan(points) else float(points)


def _score(
    entry: Published, points: float | None, weight_kg: float | None, age_years: float | None, *,
    refer: bool | None, cut_off: str, notes: tuple[str, ...] = (),
) -> Score:  # fmt: skip
    used = {"weight_kg": weight_kg, "age_years": age_years}
    if points is None:
        band = "unknown"
    elif points > entry["low_above"]:
        band = "low"
    else:
        band = "high" if points < entry["high_below"] else "moderate"
    missing = tuple(name for name, value in used.items() if value is None or np.isnan(value))
    return Score(
        tool=entry.tool, value=points, unit="points", band=band, refer=refer, cut_off=cut_off,
        used=used, missing=missing, notes=(*entry.notes, *notes), source=entry.source,
    )  # fmt: skip
