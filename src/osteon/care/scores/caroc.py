"""
CAROC 2010: the Canadian 10-year class of major osteoporotic fracture (low under 10 %, moderate, high over 20 %).

The basal class comes from sex, age and the femoral neck T-score (white women of NHANES III for both sexes), with the
cut T-scores of the printed rows (50, 55, ... 85 years) joined by straight lines and the row of 85 kept above. Then the
modifiers. Both ends of "moderate" belong to it: low is above the first cut, high below the second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.care.scores.published import Published, flags, number, numbers, point_score, published
from osteon.core.errors import InputError, OutOfScope
from osteon.domain.score import Score

__all__ = ["BANDS", "caroc", "caroc_class"]

Floats = NDArray[np.float64]

#: The classes in order: 0, 1, 2 of :func:`caroc_class`.
BANDS: tuple[str, ...] = ("low", "moderate", "high")


def caroc_class(
    *,
    sex: ArrayLike,
    age_years: ArrayLike,
    t_femoral_neck: ArrayLike,
    fragility_fracture: ArrayLike = np.nan,
    glucocorticoid_3_months: ArrayLike = np.nan,
    hip_or_vertebral_fracture: ArrayLike = np.nan,
    several_fragility_fractures: ArrayLike = np.nan,
    t_lumbar: ArrayLike = np.nan,
    t_total_hip: ArrayLike = np.nan,
) -> Floats:
    """
    The CAROC class of each person: 0 low, 1 moderate, 2 high; NaN under 50 years or without the femoral neck T-score.

    Parameters
    ----------
    sex : array_like of "female" / "male", shape (n,)
    age_years, t_femoral_neck : array_like, shape (n,)
    fragility_fracture : array_like of 0, 1 or NaN
        After 40; raises the class by one.
    glucocorticoid_3_months : array_like of 0, 1 or NaN
        Three months or more of systemic steroids; raises by one. With a fragility fracture: high.
    hip_or_vertebral_fracture, several_fragility_fractures : array_like of 0, 1 or NaN
        Either: high.
    t_lumbar, t_total_hip : array_like
        At -2.5 or below the class is never low.
        A modifier that is NaN counts as no.

    Raises
    ------
    UnitError, InputError
        An age of 0 or less; an answer that is not 0, 1 or NaN.

    Source
    ------
    Papaioannou et al. (2010), CMAJ 182:1864-1873, table of T-scores.

    Examples
    --------
    A woman of 65: low above -1.9, high below -3.5.

    >>> caroc_class(sex=["female"] * 3, age_years=65, t_femoral_neck=[-1.8, -1.9, -3.6]).tolist()
    [0.0, 1.0, 2.0]
    """
    entry = published("caroc_2010")
    who = np.atleast_1d(np.asarray(sex, dtype=object))
    age = numbers("age_years", age_years)
    neck = np.asarray(t_femoral_neck, dtype=np.float64)
    low_above, high_below = (_cut(entry, who, age, end) for end in ("low_above", "high_below"))
    basal = np.where(neck > low_above, 0.0, np.where(neck < high_below, 2.0, 1.0))
    fracture = flags("fragility_fracture", fragility_fracture) == 1
    steroid = flags("glucocorticoid_3_months", glucocorticoid_3_months) == 1
    found = np.minimum(basal + fracture + steroid, 2.0)
    major = flags("hip_or_vertebral_fracture", hip_or_vertebral_fracture) == 1
    several = flags("several_fragility_fractures", several_fragility_fractures) == 1
    found = np.where((fracture & steroid) | major | several, 2.0, found)
    low_bone = np.fmin(np.asarray(t_lumbar, dtype=np.float64), np.asarray(t_total_hip, dtype=np.float64))
    found = np.where(low_bone <= entry["never_low_at_t"], np.maximum(found, 1.0), found)
    known = np.isin(who, ["female", "male"]) & (age >= entry["age"][0]) & ~np.isnan(neck)
    return np.where(known, found, np.nan)


def caroc(
    *,
    sex: str,
    age_years: float,
    t_femoral_neck: float | None,
    fragility_fracture: bool | None = None,
    glucocorticoid_3_months: bool | None = None,
    hip_or_vertebral_fracture: bool | None = None,
    several_fragility_fractures: bool | None = None,
    t_lumbar: float | None = None,
    t_total_hip: float | None = None,
) -> Score:
    """
    The CAROC class of one person; modifiers that are not given count as no, are listed, and noted.

    Raises
    ------
    OutOfScope
        Younger than 50.
    InputError
        Sex is neither "female" nor "male".

    Examples
    --------
    >>> print(caroc(sex="female", age_years=70, t_femoral_neck=-2.0, fragility_fracture=True))
    caroc_2010: high
    """
    entry = published("caroc_2010")
    if sex not in {"female", "male"}:
        raise InputError(f"sex={sex!r}: CAROC has tables for 'female' and 'male'.")
    if age_years < entry["age"][0]:
        raise OutOfScope(f"age {age_years:g}: CAROC 2010 is for people of {entry['age'][0]} and over.")
    modifiers = {
        "fragility_fracture": fragility_fracture,
        "glucocorticoid_3_months": glucocorticoid_3_months,
        "hip_or_vertebral_fracture": hip_or_vertebral_fracture,
        "several_fragility_fractures": several_fragility_fractures,
        "t_lumbar": t_lumbar,
        "t_total_hip": t_total_hip,
    }
    measured = {"age_years": age_years, "t_femoral_neck": t_femoral_neck}
    given = {name: number(value) for name, value in (measured | modifiers).items()}
    found = float(caroc_class(sex=[sex], **given)[0])
    silent = any(value is None for value in modifiers.values())
    return point_score(
        entry, None, inputs={"sex": sex, **measured, **modifiers}, unit="",
        band="unknown" if np.isnan(found) else BANDS[int(found)], optional=tuple(modifiers),
        notes=("missing_counted_as_no",) if silent else (),
    )  # fmt: skip


def _cut(entry: Published, who: NDArray[np.object_], age: Floats, end: str) -> Floats:
    """The cut T-score at each person's age and sex; rounded, so that a row's own value is met exactly."""
    female, male = (np.interp(age, entry["age"], entry[f"{one}_{end}"]) for one in ("female", "male"))
    return np.asarray(np.round(np.where(who == "male", male, female), 9), dtype=np.float64)
