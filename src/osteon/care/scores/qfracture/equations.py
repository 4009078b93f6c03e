"""
The QFracture-2012 risk equations: osteoporotic and hip fracture within 1 to 18 years, from facts known without a scan.

SPDX-License-Identifier: LGPL-3.0-or-later. Coefficients copyright 2012 ClinRisk Ltd.

Codes of notes: ``bmi_clamped`` (outside 20-40, the bound was used), ``hip_exceeds_osteoporotic`` (the equations were
fitted apart; both numbers stand), ``missing_counted_as_no``, ``prior_fracture_underweighted`` (an earlier fracture
raises the female osteoporotic hazard by 8 % only: never lower a patient's tier on this score),
``ignores_death`` (an incidence without competing mortality: not comparable with a FRAX probability).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import InputError, OutOfScope, ShapeError, UnitError
from osteon.domain.risk import Risk

__all__ = [
    "ALCOHOL",
    "ETHNICITY",
    "FLAGS",
    "SMOKING",
    "QFractureRisks",
    "alcohol_category",
    "disclaimer",
    "qfracture",
    "qfracture_patient",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Meaning of the codes. Ethnicity 1 also stands for "not recorded".
ETHNICITY: Mapping[int, str] = MappingProxyType(
    {1: "white", 2: "indian", 3: "pakistani", 4: "bangladeshi", 5: "other_asian", 6: "black_caribbean",
     7: "black_african", 8: "chinese", 9: "other"}
)  # fmt: skip
SMOKING: Mapping[int, str] = MappingProxyType(
    {0: "never", 1: "former", 2: "under_10_a_day", 3: "10_to_19_a_day", 4: "20_or_more_a_day"}
)
#: UK units (8 g of ethanol) a day.
ALCOHOL: Mapping[int, str] = MappingProxyType(
    {0: "none", 1: "under_1", 2: "1_to_2", 3: "3_to_6", 4: "7_to_9", 5: "over_9"}
)
#: Yes/no inputs. Drugs mean two or more prescriptions in the last six months; ``fracture_prior`` is an earlier
#: fracture of wrist, hip, spine or shoulder; ``endocrine`` thyrotoxicosis, hyperparathyroidism or Cushing's.
FLAGS: tuple[str, ...] = (
    "antidepressant", "asthma_or_copd", "cancer", "cardiovascular_disease", "care_home", "corticosteroids", "dementia",
    "diabetes_type1", "diabetes_type2", "endocrine", "epilepsy", "falls", "fracture_prior", "hormone_therapy",
    "kidney_disease", "liver_disease", "malabsorption", "parent_osteoporosis_or_hip_fracture", "parkinson",
    "rheumatoid_or_lupus",
)  # fmt: skip
_FOLDER = "osteon.care.scores.qfracture"


@cache
def _published() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(
        (files(_FOLDER) / "coefficients_2012.json").read_text(encoding="utf-8")
    )
    return data


@cache
def disclaimer() -> str:
    """The text that must stand beside every QFracture score."""
    return (files(_FOLDER) / "DISCLAIMER.txt").read_text(encoding="utf-8").strip()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QFractureRisks:
    """
    Risks of n people, as fractions; NaN where age, sex or BMI is missing or the age is outside 30-100.

    Attributes
    ----------
    osteoporotic, hip : array, shape (n,), 0-1
        Fracture of hip, wrist, shoulder or spine; of the hip; within ``years``.
    bmi_used : array, shape (n,), kg/m2
        BMI after moving it to the bounds 20-40.
    bmi_clamped, age_refused : array of bool, shape (n,)
    n_missing : array of int, shape (n,)
        Yes/no inputs of that sex's equations, smoking and alcohol that are unknown and counted as none.
    """

    osteoporotic: Floats
    hip: Floats
    years: int
    bmi_used: Floats
    bmi_clamped: Bools
    age_refused: Bools
    n_missing: NDArray[np.int64]
    notes: tuple[str, ...] = ("ignores_death",)


def qfracture(
    *,
    sex: ArrayLike,
    age_years: ArrayLike,
    bmi_kg_m2: ArrayLike,
    ethnicity: ArrayLike = np.nan,
    smoking: ArrayLike = np.nan,
    alcohol: ArrayLike = np.nan,
    flags: Mapping[str, ArrayLike] | None = None,
    years: int = 10,
) -> QFractureRisks:
    """
    The chance that each person breaks a bone within ``years``, by QFracture-2012.

    Parameters
    ----------
    sex : array_like of "female" / "male", shape (n,)
        Anything else counts as unknown.
    age_years : array_like, shape (n,), years
        Completed years are used (66.9 counts as 66), as in the original.
    bmi_kg_m2 : array_like, shape (n,), kg/m2
    ethnicity, smoking, alcohol : array_like, shape (n,) or one value
        Codes of :data:`ETHNICITY`, :data:`SMOKING`, :data:`ALCOHOL`; NaN = not recorded (1, 0, 0).
    flags : mapping of name in :data:`FLAGS` to array_like of 0, 1 or NaN
        Those left out or NaN count as 0 and are counted in ``n_missing``.
    years : int, 1-18

    Raises
    ------
    InputError
        Unknown flag, code outside its range, years outside 1-18.
    ShapeError
        Inputs of different length.

    Source
    ------
    Hippisley-Cox & Coupland (2012), BMJ 344:e3427; coefficients of the published program.

    Examples
    --------
    A woman of 65, 165 cm and 68 kg, without risk factors (the original program prints 4.551261 and 1.187594):

    >>> risks = qfracture(sex=["female"], age_years=[65], bmi_kg_m2=[68 / 1.65**2], ethnicity=1, smoking=0, alcohol=0)
    >>> print(f"{100 * risks.osteoporotic[0]:.6f} {100 * risks.hip[0]:.6f}")
    4.551261 1.187594
    """
    if years not in range(1, 19):
        raise InputError(f"years={years}: QFracture-2012 answers for 1 to 18 whole years.")
    who = np.atleast_1d(np.asarray(sex, dtype=object))
    n = len(who)
    age = _column("age_years", age_years, n)
    bmi = _column("bmi_kg_m2", bmi_kg_m2, n)
    if np.any(bmi <= 0):
        raise UnitError(
            "bmi_kg_m2 has a value of 0 or less.", hint="Give kg/m2, and NaN where it is unknown."
        )
    codes = {
        "ethnicity": _codes("ethnicity", ethnicity, n, ETHNICITY),
        "smoking": _codes("smoking", smoking, n, SMOKING),
        "alcohol": _codes("alcohol", alcohol, n, ALCOHOL),
    }
    known = {name: _flag(name, value, n) for name, value in (flags or {}).items()}
    age_whole = np.floor(age)
    age_refused = (age_whole < 30) | (age_whole > 100)
    bmi_used = np.clip(bmi, 20.0, 40.0)
    usable = np.isfinite(age) & np.isfinite(bmi) & ~age_refused
    risks = {kind: np.full(n, np.nan) for kind in ("osteoporotic", "hip")}
    missing = np.isnan(codes["smoking"]).astype(np.int64) + np.isnan(codes["alcohol"])
    for one in ("female", "male"):
        rows = np.flatnonzero(who == one)
        missing[rows] += _n_missing(one, known, rows)
        rows = rows[usable[rows]]
        for kind, risk in risks.items():
            equation = _published()["equations"][f"{kind}_{one}"]
            risk[rows] = _risk(equation, age_whole, bmi_used, codes, known, rows=rows, years=years)
    return QFractureRisks(
        osteoporotic=risks["osteoporotic"], hip=risks["hip"], years=years, bmi_used=bmi_used,
        bmi_clamped=np.isfinite(bmi) & (bmi != bmi_used), age_refused=age_refused, n_missing=missing,
    )  # fmt: skip


def qfracture_patient(
    *,
    sex: str,
    age_years: float,
    bmi_kg_m2: float,
    ethnicity: int | None = None,
    smoking: int | None = None,
    alcohol: int | None = None,
    flags: Mapping[str, bool | None] | None = None,
    years: int = 10,
) -> tuple[Risk, Risk]:
    """
    The osteoporotic and the hip fracture risk of one patient, with what was missing or out of range.

    Raises
    ------
    OutOfScope
        Age outside 30-100: above the upper age guidelines take the patient as high risk without a score.
    InputError
        Sex, age or BMI missing, or a value :func:`qfracture` refuses.

    Examples
    --------
    >>> osteoporotic, hip = qfracture_patient(sex="male", age_years=80, bmi_kg_m2=71 / 1.72**2, flags={
    ...     "falls": True, "parkinson": True, "diabetes_type1": True, "care_home": True})
    >>> print(f"{osteoporotic.value:.6f} {hip.value:.6f}", "hip_exceeds_osteoporotic" in hip.notes)
    0.479246 0.802477 True
    """
    if sex not in {"female", "male"} or not np.isfinite([age_years, bmi_kg_m2]).all():
        raise InputError(
            f"sex={sex!r}, age_years={age_years}, bmi_kg_m2={bmi_kg_m2}: QFracture needs all three.",
            hint='Sex is "female" or "male".',
        )
    given = {name: np.nan if value is None else float(value) for name, value in (flags or {}).items()}
    coded = {name: np.nan if value is None else float(value)
             for name, value in (("ethnicity", ethnicity), ("smoking", smoking), ("alcohol", alcohol))}  # fmt: skip
    found = qfracture(sex=[sex], age_years=age_years, bmi_kg_m2=bmi_kg_m2, flags=given, years=years, **coded)
    if found.age_refused[0]:
        raise OutOfScope(f"age {age_years:g} is outside QFracture's 30-100 years.", hint="Judge without it.")
    asked = [name for name in FLAGS if name in _needed(sex)]
    missing = tuple(name for name in asked if np.isnan(given.get(name, np.nan)))
    missing += tuple(name for name, value in coded.items() if np.isnan(value))
    notes = ["ignores_death"]
    notes += ["bmi_clamped"] if found.bmi_clamped[0] else []
    notes += ["missing_counted_as_no"] if missing else []
    notes += ["hip_exceeds_osteoporotic"] if found.hip[0] > found.osteoporotic[0] else []
    notes += ["prior_fracture_underweighted"] if given.get("fracture_prior") == 1.0 else []
    osteoporotic, hip = (
        Risk(
            outcome=outcome, value=float(value), horizon_years=years, model="qfracture_2012", missing=missing,
            out_of_range=("bmi_kg_m2",) if found.bmi_clamped[0] else (), notes=tuple(notes),
        )
        for outcome, value in (("fracture_osteoporotic", found.osteoporotic[0]), ("fracture_hip", found.hip[0]))
    )  # fmt: skip
    return osteoporotic, hip


def alcohol_category(uk_units_per_day: ArrayLike) -> Floats:
    """
    QFracture's alcohol code of a daily intake in UK units (8 g of ethanol); NaN stays NaN.

    The printed classes are whole units: 2.9 still counts as "1 to 2", 9.5 as "over 9".

    Raises
    ------
    UnitError
        A negative intake.

    Examples
    --------
    >>> alcohol_category([0, 0.4, 1, 2.9, 3, 7, 9, 9.5]).tolist()
    [0.0, 1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 5.0]
    """
    units = np.asarray(uk_units_per_day, dtype=np.float64)
    if np.any(units < 0):
        raise UnitError("uk_units_per_day has a negative value.")
    category = (units > 0) + 0.0 + (units >= 1) + (units >= 3) + (units >= 7) + (units > 9)
    return np.where(np.isnan(units), np.nan, category)


def _risk(
    equation: Mapping[str, Any], age: Floats, bmi: Floats, codes: Mapping[str, Floats], known: Mapping[str, Floats],
    *, rows: NDArray[np.intp], years: int,
) -> Floats:  # fmt: skip
    """One published equation on the rows of its sex."""
    tenth = {"age": age[rows] / 10.0, "bmi": bmi[rows] / 10.0}
    a = np.zeros(len(rows))
    for name, absent in (("ethnicity", 1), ("smoking", 0), ("alcohol", 0)):
        code = codes[name][rows]
        a += np.asarray(equation[name])[np.where(np.isnan(code), absent, code).astype(np.intp)]
    for term in equation["terms"]:
        x = tenth[term["of"]]
        a += term["coefficient"] * (x ** term["power"] * np.log(x) ** term["log"] - term["centre"])
    for name, coefficient in equation["flags"].items():
        if name in known:
            a += coefficient * np.nan_to_num(known[name][rows], nan=0.0)
    risk: Floats = 1.0 - equation["survival"][years] ** np.exp(a)
    return risk


def _needed(sex: str) -> frozenset[str]:
    """The yes/no inputs that either equation of a sex asks for."""
    equations = _published()["equations"]
    return frozenset(equations[f"osteoporotic_{sex}"]["flags"]) | frozenset(equations[f"hip_{sex}"]["flags"])


def _n_missing(sex: str, known: Mapping[str, Floats], rows: NDArray[np.intp]) -> NDArray[np.int64]:
    count = np.zeros(len(rows), dtype=np.int64)
    for name in _needed(sex):
        count += np.isnan(known[name][rows]) if name in known else 1
    return count


def _column(name: str, values: ArrayLike, n: int) -> Floats:
    column = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if column.shape not in {(1,), (n,)}:
        raise ShapeError(f"{name} has shape {column.shape}, sex has {n} values.", hint="Give one per person.")
    return np.broadcast_to(column, (n,))


def _codes(name: str, values: ArrayLike, n: int, allowed: Mapping[int, str]) -> Floats:
    column = _column(name, values, n)
    wrong = column[~np.isnan(column) & ~np.isin(column, list(allowed))]
    if wrong.size:
        raise InputError(
            f"{name} has the code {wrong[0]:g}.",
            hint=f"Codes: {', '.join(f'{k} {v}' for k, v in allowed.items())}.",
        )
    return column


def _flag(name: str, values: ArrayLike, n: int) -> Floats:
    if name not in FLAGS:
        raise InputError(f"{name!r} is no input of QFracture.", hint=f"Flags: {', '.join(FLAGS)}.")
    column = _column(name, values, n)
    if np.any(~np.isnan(column) & (column != 0) & (column != 1)):
        raise InputError(f"{name} has a value other than 0, 1 or missing.")
    return column
