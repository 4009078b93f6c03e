"""
SOF FRACTURE Index: hip fracture within 5 years in women of 65 and over, with or without bone density.

Bands are the published rows of points ("8_13_points"); without bone density the paper's row risks do not apply and the
band is "without_bmd". Note ``beyond_printed_points``: more points than the printed table has rows for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.care.scores.published import flags, number, numbers, point_score, published
from osteon.core.errors import InputError, OutOfScope
from osteon.domain.risk import Risk
from osteon.domain.score import Score

__all__ = ["sof_hip_risk_5y", "sof_index", "sof_points"]


def sof_points(
    *,
    age_years: ArrayLike,
    weight_kg: ArrayLike,
    fracture_after_50: ArrayLike,
    mother_hip_fracture: ArrayLike,
    smoking_current: ArrayLike,
    arms_to_stand: ArrayLike,
    t_total_hip: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """
    Points of the SOF FRACTURE Index; NaN where an input is missing or the age is under 65.

    Parameters
    ----------
    age_years, weight_kg : array_like, shape (n,)
    fracture_after_50, mother_hip_fracture, smoking_current, arms_to_stand : array_like of 0, 1 or NaN
    t_total_hip : array_like, optional
        Left out: the version without bone density (0-11 points); else 0-15, NaN where the T-score is missing.

    Raises
    ------
    UnitError, InputError
        A weight or age of 0 or less; an answer that is not 0, 1 or NaN.

    Source
    ------
    Black et al. (2001), Osteoporosis International 12:519-528, table of points.

    Examples
    --------
    Everything present at 85 years with T -2.6: the largest score.

    >>> yes = dict.fromkeys(("fracture_after_50", "mother_hip_fracture", "smoking_current", "arms_to_stand"), 1)
    >>> float(sof_points(age_years=85, weight_kg=57, t_total_hip=-2.6, **yes))
    15.0
    """
    entry = published("sof_index")
    age, weight = numbers("age_years", age_years), numbers("weight_kg", weight_kg)
    points = np.select([age >= limit for limit in entry["age_from"]], entry["age_points"], np.nan)
    light = np.where(np.isnan(weight), np.nan, (weight <= entry["weight_at_most_kg"]) + 0.0)
    points = points + entry["weight_points"] * light
    for name, values, worth in (
        ("fracture_after_50", fracture_after_50, entry["fracture_points"]),
        ("mother_hip_fracture", mother_hip_fracture, entry["maternal_hip_points"]),
        ("smoking_current", smoking_current, entry["smoker_points"]),
        ("arms_to_stand", arms_to_stand, entry["arms_points"]),
    ):
        points = points + worth * flags(name, values)
    if t_total_hip is not None:
        points = points + _t_points(np.asarray(t_total_hip, dtype=np.float64))
    return np.asarray(points, dtype=np.float64)


def sof_index(
    *,
    age_years: float | None,
    weight_kg: float | None,
    fracture_after_50: bool | None,
    mother_hip_fracture: bool | None,
    smoking_current: bool | None,
    arms_to_stand: bool | None,
    t_total_hip: float | None = None,
) -> Score:
    """
    The SOF FRACTURE Index of one woman; the paper gives risks by points and no referral cut.

    Raises
    ------
    OutOfScope
        Younger than 65.

    Examples
    --------
    >>> no = dict.fromkeys(("fracture_after_50", "mother_hip_fracture", "smoking_current", "arms_to_stand"), False)
    >>> print(sof_index(age_years=72, weight_kg=60, t_total_hip=-2.2, **no))
    sof_index 5 points: 5_5_points
    """
    entry = published("sof_index")
    if age_years is not None and age_years < entry["youngest_age"]:
        raise OutOfScope(
            f"age {age_years:g}: the SOF index is for women of {entry['youngest_age']} and over."
        )
    inputs: dict[str, float | None] = {
        "age_years": age_years, "weight_kg": weight_kg, "fracture_after_50": fracture_after_50,
        "mother_hip_fracture": mother_hip_fracture, "smoking_current": smoking_current, "arms_to_stand": arms_to_stand,
    }  # fmt: skip
    with_bmd: dict[str, float | None] = {} if t_total_hip is None else {"t_total_hip": t_total_hip}
    points = float(sof_points(**{name: number(value) for name, value in (inputs | with_bmd).items()}))
    row = _row(points) if with_bmd else None
    band = (
        f"{row[0]:g}_{row[1]:g}_points" if row else ("beyond_printed_points" if with_bmd else "without_bmd")
    )
    return point_score(entry, points, inputs=inputs | with_bmd, band=band)


def sof_hip_risk_5y(points: float) -> Risk:
    """
    The printed 5-year risk of hip fracture of a score that includes bone density.

    Raises
    ------
    InputError
        Points outside the printed rows (1-13).

    Examples
    --------
    >>> print(sof_hip_risk_5y(6))
    fracture_hip 3.9 % in 5 years (sof_index)
    """
    row = _row(points)
    if row is None:
        raise InputError(f"{points:g} points: the paper prints risks for 1 to 13 points with bone density.")
    notes = published("sof_index").notes
    return Risk(outcome="fracture_hip", value=row[2] / 100, horizon_years=5, model="sof_index", notes=notes)


def _row(points: float) -> tuple[float, float, float] | None:
    rows = published("sof_index")["hip_5y_pct"]
    return next(((low, high, risk) for low, high, risk in rows if low <= points <= high), None)


def _t_points(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 from -1 upwards, then below -1, below -2, below -2.5."""
    entry = published("sof_index")
    bands = entry["t_bands"]
    chosen = [t < entry["t_below"], *((t < above) & (t >= to) for above, to, _ in bands)]
    points = np.select(chosen, [entry["t_below_points"], *(worth for *_, worth in bands)], 0.0)
    return np.where(np.isnan(t), np.nan, points)
