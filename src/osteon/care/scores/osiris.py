"""
OSIRIS: osteoporosis in women from weight, age, hormone therapy and an earlier low-impact fracture.

Publications disagree on its classes, so the caller names them: "sedrani" (low > 1, high < -3) or "cliot" (low > 3,
high < 1). The referral cut (below 1) is the same.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.care.scores.published import flags, number, numbers, point_score, published
from osteon.core.errors import ConfigError
from osteon.domain.score import Score

__all__ = ["osiris", "osiris_points"]


def osiris_points(
    *,
    age_years: ArrayLike,
    weight_kg: ArrayLike,
    hormone_therapy_current: ArrayLike,
    fracture_low_impact: ArrayLike,
) -> NDArray[np.float64]:
    """
    OSIRIS points of women, lower = more at risk; NaN where an input is missing.

    Parameters
    ----------
    age_years, weight_kg : array_like, shape (n,)
        A fifth of each is truncated toward zero on its own.
    hormone_therapy_current, fracture_low_impact : array_like of 0, 1 or NaN

    Raises
    ------
    UnitError, InputError
        A weight or age of 0 or less; an answer that is not 0, 1 or NaN.

    Source
    ------
    Sedrani et al. (2002), Gynecological Endocrinology 16:245-250.

    Examples
    --------
    A woman of 70 years and 57 kg with a fracture: 11 - 14 - 2.

    >>> float(osiris_points(age_years=70, weight_kg=57, hormone_therapy_current=0, fracture_low_impact=1))
    -5.0
    """
    entry = published("osiris")
    fifth = (np.trunc(np.round(numbers(name, values) / entry["divisor"], 9))
             for name, values in (("weight_kg", weight_kg), ("age_years", age_years)))  # fmt: skip
    points: NDArray[np.float64] = next(fifth) - next(fifth)
    points = points + entry["hormone_points"] * flags("hormone_therapy_current", hormone_therapy_current)
    points += entry["fracture_points"] * flags("fracture_low_impact", fracture_low_impact) + 0.0
    return points


def osiris(
    *,
    age_years: float | None,
    weight_kg: float | None,
    hormone_therapy_current: bool | None,
    fracture_low_impact: bool | None,
    bands: Literal["sedrani", "cliot"] = "sedrani",
) -> Score:
    """
    The OSIRIS of one woman; below 1 a bone density scan is due.

    Raises
    ------
    ConfigError
        Unknown ``bands``.

    Examples
    --------
    >>> print(osiris(age_years=60, weight_kg=70, hormone_therapy_current=False, fracture_low_impact=False))
    osiris 2 points: low (no referral, <1)
    """
    if bands not in {"sedrani", "cliot"}:
        raise ConfigError(f"bands={bands!r}.", hint="OSIRIS classes are 'sedrani' or 'cliot'.")
    entry, classes = published("osiris"), published(f"osiris_bands_{bands}")
    points = float(
        osiris_points(
            age_years=number(age_years), weight_kg=number(weight_kg),
            hormone_therapy_current=number(hormone_therapy_current), fracture_low_impact=number(fracture_low_impact),
        )
    )  # fmt: skip
    if points > classes["low_above"]:
        band = "low"
    else:
        band = "high" if points < classes["high_below"] else "moderate"
    inputs = {
        "age_years": age_years, "weight_kg": weight_kg, "hormone_therapy_current": hormone_therapy_current,
        "fracture_low_impact": fracture_low_impact,
    }  # fmt: skip
    return point_score(
        entry, points, inputs=inputs, band=band, refer=points < entry["refer_below"],
        cut_off=f"<{entry['refer_below']}", notes=(f"bands:{bands}",),
    )  # fmt: skip
