"""
Contradictions between the columns of one person: a T-score that its BMD cannot give, a menopause after the present age.

Nothing is changed here. Each finding has a code, the rows and what was expected; a check whose columns are absent is
not made. Codes: ``t_against_bmd``, ``t_lowest``, ``osteoporosis_against_t``, ``z_below_t``, ``neck_against_total_hip``,
``lumbar_outside_levels``, ``bmi``, ``menopause_after_age``, ``menopause_age_unusual``, ``early_menopause``,
``male_with_female_item``, ``parent_hip_fracture``, ``smoking``, ``fracture_site_without_fracture``, ``falls``,
``hip_above_major``, ``death_after_a_year``, ``date_order``, ``date_in_future``, ``age_against_birth``.
"""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from osteon.cohort.tscore import OSTEOPOROSIS_T, REFERENCES, Reference, t_scores

__all__ = ["DATE_ORDER", "CheckOptions", "Finding", "bmi_kg_m2", "contradictions"]

#: Dates in the order they must come.
DATE_ORDER = (("visit_date", "fracture_date"), ("visit_date", "last_visit_date"), ("dxa_date", "fracture_date"),
              ("admission_date", "discharge_date"), ("last_visit_date", "death_date"), ("visit_date", "death_date"),
              ("fracture_date", "death_date"))  # fmt: skip
_SITES = {"t_femoral_neck": "bmd_femoral_neck_g_cm2", "t_total_hip": "bmd_total_hip_g_cm2",
          "t_lumbar": "bmd_lumbar_g_cm2"}  # fmt: skip
_LEVELS = tuple(f"bmd_l{level}_g_cm2" for level in range(1, 5))
_FEMALE = ("menopause", "early_menopause", "hormone_therapy_ever", "pregnant")
_FRACTURE_SITES = ("fracture_hip", "fracture_wrist", "fracture_spine")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """
    Tolerances of the checks.

    Attributes
    ----------
    references : mapping of T-score column to the reference its values were computed with
        A site left out is not checked: T-scores of another database are no mistake.
    t_tolerance : float
        Largest difference between a printed T-score and the one its BMD gives.
    z_tolerance : float
        How far Z may lie below T in a person of 50 or more.
    neck_hip_ratio : (low, high)
        Usual range of femoral neck BMD divided by total hip BMD.
    level_tolerance_g_cm2, bmi_tolerance_kg_m2, age_tolerance_years : float
    menopause_age_years : (low, high)
    as_of : date, optional
        The day the table was made; dates after it are in the future. Without it that check is not made.
    """

    references: Mapping[str, Reference] = field(default_factory=lambda: REFERENCES)
    t_tolerance: float = 0.2
    z_tolerance: float = 0.3
    neck_hip_ratio: tuple[float, float] = (0.6, 1.15)
    level_tolerance_g_cm2: float = 0.01
    bmi_tolerance_kg_m2: float = 0.5
    age_tolerance_years: float = 1.0
    menopause_age_years: tuple[float, float] = (30.0, 62.0)
    date_order: tuple[tuple[str, str], ...] = DATE_ORDER
    as_of: datetime.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Rows that contradict themselves: the check's code, the columns involved, the row labels, what was expected."""

    code: str
    columns: tuple[str, ...]
    rows: tuple[Hashable, ...]
    expected: str

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.rows)

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.rows[:5])) + (", ..." if self.n > 5 else "")
        return f"{self.code} ({', '.join(self.columns)}): {self.n} rows [{shown}], expected {self.expected}"


@dataclass(frozen=True, slots=True)
class _Check:
    code: str
    columns: tuple[str, ...]
    wrong: pd.Series
    expected: str


def bmi_kg_m2(*, height_cm: pd.Series, weight_kg: pd.Series) -> pd.Series:
    """
    Body mass index from height and weight.

    Examples
    --------
    >>> bmi_kg_m2(height_cm=pd.Series([165.0]), weight_kg=pd.Series([68.0])).round(2).tolist()
    [24.98]
    """
    return weight_kg / (height_cm / 100) ** 2


def contradictions(table: pd.DataFrame, *, options: CheckOptions | None = None) -> tuple[Finding, ...]:
    """
    Every contradiction between columns of the same row.

    Parameters
    ----------
    table : DataFrame in the schema's names and units
    options : CheckOptions, optional
        Tolerances and the reference of each T-score.

    Returns
    -------
    tuple of Finding
        Only checks that found something; a missing value contradicts nothing.

    Source
    ------
    WHO 1994 (T <= -2.5); ISCD 2019 positions; FRAX: hip probability is part of the major one.

    Examples
    --------
    >>> people = pd.DataFrame({"age_years": [48.0, 60.0], "menopause_age_years": [51.0, 50.0]})
    >>> print(contradictions(people)[0])
    menopause_after_age (menopause_age_years, age_years): 1 rows [0], expected menopause at or before the present age
    """
    options = CheckOptions() if options is None else options
    makers = (_dxa, _dxa_sites, _body_and_menopause, _history, _dates)
    found = []
    for maker in makers:
        for check in maker(table, options):
            wrong = check.wrong.fillna(False).astype(bool)
            if wrong.any():
                found.append(Finding(code=check.code, columns=check.columns, rows=tuple(table.index[wrong]),
                                     expected=check.expected))  # fmt: skip
    return tuple(found)


def _has(table: pd.DataFrame, *columns: str) -> bool:
    return all(column in table for column in columns)


def _dxa(table: pd.DataFrame, options: CheckOptions) -> Iterator[_Check]:
    """T against BMD, the lowest T, and the diagnosis."""
    for t, bmd in _SITES.items():
        if _has(table, t, bmd) and t in options.references:
            reference = options.references[t]
            gap = (table[t] - t_scores(table[bmd].where(table[bmd] <= 5), reference=reference)).abs()
            yield _Check("t_against_bmd", (t, bmd), gap > options.t_tolerance + 1e-9,
                         f"T within {options.t_tolerance:g} of the BMD's by {reference}")  # fmt: skip
    measured = [t for t in _SITES if t in table]
    if _has(table, "t_lowest") and measured:
        gap = table["t_lowest"] - table[measured].min(axis=1)
        yield _Check("t_lowest", ("t_lowest", *measured), gap > 0.05, "no site below the lowest T-score")
    if _has(table, "osteoporosis_fn", "t_femoral_neck"):
        said, t_neck = table["osteoporosis_fn"], table["t_femoral_neck"]
        differs = (said != (t_neck <= OSTEOPOROSIS_T)) & said.notna() & t_neck.notna()
        yield _Check("osteoporosis_against_t", ("osteoporosis_fn", "t_femoral_neck"), differs,
                     "osteoporosis exactly when T <= -2.5")  # fmt: skip


def _dxa_sites(table: pd.DataFrame, options: CheckOptions) -> Iterator[_Check]:
    """Z against T, neck against total hip, lumbar total against its levels."""
    for t in _SITES:
        z = t.replace("t_", "z_", 1)
        if _has(table, t, z, "age_years"):
            older = table["age_years"] >= 50
            yield _Check("z_below_t", (z, t), older & (table[z] < table[t] - options.z_tolerance),
                         "Z at or above T from age 50 on")  # fmt: skip
    if _has(table, "bmd_femoral_neck_g_cm2", "bmd_total_hip_g_cm2"):
        ratio = table["bmd_femoral_neck_g_cm2"] / table["bmd_total_hip_g_cm2"]
        low, high = options.neck_hip_ratio
        odd = ratio.notna() & ~ratio.between(low, high)
        yield _Check("neck_against_total_hip", ("bmd_femoral_neck_g_cm2", "bmd_total_hip_g_cm2"), odd,
                     f"neck / total hip between {low:g} and {high:g}")  # fmt: skip
    if _has(table, "bmd_lumbar_g_cm2", *_LEVELS):
        levels, slack = table[list(_LEVELS)], options.level_tolerance_g_cm2
        low, high = levels.min(axis=1) - slack, levels.max(axis=1) + slack
        total = table["bmd_lumbar_g_cm2"]
        odd = levels.notna().all(axis=1) & total.notna() & ~total.between(low, high)
        yield _Check("lumbar_outside_levels", ("bmd_lumbar_g_cm2", *_LEVELS), odd,
                     "L1-L4 total between the lowest and the highest level")  # fmt: skip


def _body_and_menopause(table: pd.DataFrame, options: CheckOptions) -> Iterator[_Check]:
    if _has(table, "height_cm", "weight_kg", "bmi_kg_m2"):
        ours = bmi_kg_m2(height_cm=table["height_cm"], weight_kg=table["weight_kg"])
        yield _Check("bmi", ("bmi_kg_m2", "height_cm", "weight_kg"),
                     (table["bmi_kg_m2"] - ours).abs() > options.bmi_tolerance_kg_m2,
                     f"BMI within {options.bmi_tolerance_kg_m2:g} of weight / height^2")  # fmt: skip
    if _has(table, "menopause_age_years"):
        at, (low, high) = table["menopause_age_years"], options.menopause_age_years
        if _has(table, "age_years"):
            yield _Check("menopause_after_age", ("menopause_age_years", "age_years"), at > table["age_years"],
                         "menopause at or before the present age")  # fmt: skip
        yield _Check("menopause_age_unusual", ("menopause_age_years",), at.notna() & ~at.between(low, high),
                     f"menopause between {low:g} and {high:g}")  # fmt: skip
        if _has(table, "early_menopause"):
            said = table["early_menopause"]
            yield _Check("early_menopause", ("early_menopause", "menopause_age_years"),
                         (said != (at < 45)) & said.notna() & at.notna(), "early exactly when before 45")  # fmt: skip
    if _has(table, "sex"):
        male = (table["sex"] == "male").fillna(False).astype(bool)
        for column in (c for c in _FEMALE if c in table):
            yield _Check(
                "male_with_female_item", ("sex", column), male & (table[column] == 1), "no for a man"
            )
        if _has(table, "menopause_age_years"):
            yield _Check("male_with_female_item", ("sex", "menopause_age_years"),
                         male & table["menopause_age_years"].notna(), "empty for a man")  # fmt: skip


def _history(table: pd.DataFrame, options: CheckOptions) -> Iterator[_Check]:
    mother, father, parent = (f"{who}_hip_fracture" for who in ("mother", "father", "parent"))
    if _has(table, mother, father, parent):
        either = (table[mother] == 1) | (table[father] == 1)
        neither = (table[mother] == 0) & (table[father] == 0)
        wrong = (either & (table[parent] == 0)) | (neither & (table[parent] == 1))
        yield _Check(
            "parent_hip_fracture", (parent, mother, father), wrong, "yes exactly when mother or father"
        )
    if _has(table, "smoking_current", "smoking_ever"):
        yield _Check("smoking", ("smoking_current", "smoking_ever"),
                     (table["smoking_current"] == 1) & (table["smoking_ever"] == 0), "a smoker has smoked")  # fmt: skip
    for site in (c for c in _FRACTURE_SITES if c in table):
        for whole in (c for c in ("fracture_prior", "fracture_ever") if c in table):
            yield _Check("fracture_site_without_fracture", (site, whole), (table[site] == 1) & (table[whole] == 0),
                         "a fracture when a site was fractured")  # fmt: skip
    if _has(table, "falls_12m_count", "fall_12m"):
        count, said = table["falls_12m_count"], table["fall_12m"]
        yield _Check("falls", ("falls_12m_count", "fall_12m"), (said != (count > 0)) & said.notna() & count.notna(),
                     "a fall exactly when the count is above 0")  # fmt: skip
    for hip, major in (("frax_hip_pct", "frax_mof_pct"), ("garvan_hip_5y_pct", "garvan_any_5y_pct")):
        if _has(table, hip, major):
            yield _Check("hip_above_major", (hip, major), table[hip] > table[major], "hip at or below major")
    if _has(table, "death_12m", "time_months"):
        yield _Check("death_after_a_year", ("death_12m", "time_months"),
                     (table["death_12m"] == 1) & (table["time_months"] > 12.1), "time up to 12 months")  # fmt: skip


def _dates(table: pd.DataFrame, options: CheckOptions) -> Iterator[_Check]:
    dates = [str(c) for c in table.columns if pd.api.types.is_datetime64_any_dtype(table[c])]
    born = [("birth_date", later) for later in dates if "birth_date" in dates and later != "birth_date"]
    for first, later in (*born, *options.date_order):
        if first in dates and later in dates:
            yield _Check("date_order", (first, later), table[later] < table[first], f"{first} before {later}")
    if options.as_of is not None:
        for column in dates:
            yield _Check("date_in_future", (column,), table[column] > pd.Timestamp(options.as_of),
                         f"not after {options.as_of}")  # fmt: skip
    if "birth_date" in dates and "visit_date" in dates and _has(table, "age_years"):
        age = (table["visit_date"] - table["birth_date"]).dt.days / 365.25
        gap = np.floor(age + 0.01) - np.floor(table["age_years"])
        yield _Check("age_against_birth", ("age_years", "birth_date", "visit_date"),
                     gap.abs() > options.age_tolerance_years, "age from birth to visit")  # fmt: skip
