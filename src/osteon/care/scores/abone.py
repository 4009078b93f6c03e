"""ABONE: age, body size, no oestrogen; three yes/no questions for postmenopausal women."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.care.scores.published import flags, number, numbers, point_score, published
from osteon.domain.score import Score

__all__ = ["abone", "abone_points"]


def abone_points(
    *, age_years: ArrayLike, weight_kg: ArrayLike, oestrogen_6_months_ever: ArrayLike
) -> NDArray[np.float64]:
    """
    ABONE points (0-3) of women; NaN where an input is missing.

    Parameters
    ----------
    age_years, weight_kg : array_like, shape (n,)
    oestrogen_6_months_ever : array_like of 0, 1 or NaN
        Oestrogen or oral contraceptives for six months or more, ever.

    Raises
    ------
    UnitError, InputError
        A weight or age of 0 or less; an answer that is not 0, 1 or NaN.

    Source
    ------
    Weinstein & Ullery (2000), American Journal of Obstetrics and Gynecology 183:547-549.

    Examples
    --------
    >>> abone_points(age_years=[66, 65], weight_kg=[63.4, 63.5], oestrogen_6_months_ever=[0, 1]).tolist()
    [3.0, 0.0]
    """
    entry = published("abone")
    age, weight = numbers("age_years", age_years), numbers("weight_kg", weight_kg)
    oestrogen = flags("oestrogen_6_months_ever", oestrogen_6_months_ever)
    points = (age > entry["age_above"]) + (1.0 - oestrogen) + (weight < entry["weight_below_kg"])
    return np.where(np.isnan(age + weight), np.nan, points)


def abone(*, age_years: float | None, weight_kg: float | None, oestrogen_6_months_ever: bool | None) -> Score:
    """
    The ABONE of one woman; from 2 points a bone density scan is due.

    Examples
    --------
    >>> print(abone(age_years=66, weight_kg=70, oestrogen_6_months_ever=False))
    abone 2 points: high (refer, >=2)
    """
    entry = published("abone")
    inputs = {
        "age_years": age_years,
        "weight_kg": weight_kg,
        "oestrogen_6_months_ever": oestrogen_6_months_ever,
    }
    points = float(abone_points(**{name: number(value) for name, value in inputs.items()}))
    refer = points >= entry["refer_from"]
    return point_score(
        entry, points, inputs=inputs, band="high" if refer else "low", refer=refer,
        cut_off=f">={entry['refer_from']}",
    )  # fmt: skip
