"""ORAI: which women of 45 and over should have a bone density scan, from age, weight and oestrogen."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.care.scores.published import flags, number, numbers, point_score, published
from osteon.core.errors import OutOfScope
from osteon.domain.score import Score

__all__ = ["orai", "orai_points"]


def orai_points(
    *, age_years: ArrayLike, weight_kg: ArrayLike, oestrogen_current: ArrayLike
) -> NDArray[np.float64]:
    """
    ORAI points (0-26) of women; NaN where an input is missing or the age is under 45.

    Parameters
    ----------
    age_years, weight_kg : array_like, shape (n,)
    oestrogen_current : array_like of 0, 1 or NaN

    Raises
    ------
    UnitError, InputError
        A weight or age of 0 or less; an answer that is not 0, 1 or NaN.

    Source
    ------
    Cadarette et al. (2000), CMAJ 162:1289-1294.

    Examples
    --------
    The largest score: 75 years, under 60 kg, no oestrogen.

    >>> float(orai_points(age_years=75, weight_kg=59, oestrogen_current=0))
    26.0
    """
    entry = published("orai")
    age, weight = numbers("age_years", age_years), numbers("weight_kg", weight_kg)
    oestrogen = flags("oestrogen_current", oestrogen_current)
    points = np.select([age >= limit for limit in entry["age_from"]], entry["age_points"], 0.0)
    points = points + np.select(
        [weight < limit for limit in entry["weight_below_kg"]], entry["weight_points"], 0.0
    )
    points = points + entry["no_oestrogen_points"] * (1.0 - oestrogen)
    known = ~np.isnan(age + weight + oestrogen) & (age >= entry["youngest_age"])
    return np.where(known, points, np.nan)


def orai(*, age_years: float | None, weight_kg: float | None, oestrogen_current: bool | None) -> Score:
    """
    The ORAI of one woman; from 9 points a bone density scan is due.

    Raises
    ------
    OutOfScope
        Younger than 45.

    Examples
    --------
    >>> print(orai(age_years=66, weight_kg=72, oestrogen_current=True))
    orai 9 points: high (refer, >=9)
    """
    entry = published("orai")
    if age_years is not None and age_years < entry["youngest_age"]:
        raise OutOfScope(f"age {age_years:g}: ORAI is for women of {entry['youngest_age']} and over.")
    points = float(
        orai_points(
            age_years=number(age_years),
            weight_kg=number(weight_kg),
            oestrogen_current=number(oestrogen_current),
        )
    )
    refer = points >= entry["refer_from"]
    inputs = {"age_years": age_years, "weight_kg": weight_kg, "oestrogen_current": oestrogen_current}
    return point_score(
        entry, points, inputs=inputs, band="high" if refer else "low", refer=refer,
        cut_off=f">={entry['refer_from']}",
    )  # fmt: skip
