"""
All tools at once on a cohort table: one column per score, NaN where a tool cannot answer.

How columns become inputs where the tool asks for something slightly different:

* QFracture ethnicity: white 1, indian 2, pakistani 3, bangladeshi 4, asian 5, black 7 (of the tool's two Black groups
  the one with the higher osteoporotic risk, so that doubt lowers nothing), chinese 8, all others 9, unknown 1.
* smoking without amounts: current = light (2, the lowest class of smokers), former 1, never 0.
* alcohol: grams / 8, else US drinks x 14 / 8, in UK units a day; with "3 or more a day" alone, yes = class 3.
* diabetes counts as type 2; glucocorticoids ever count as corticosteroids (the tool means two prescriptions in six
  months); parental hip fracture as the family history; asthma or COPD, and heart attack, coronary disease or stroke,
  are joined. "Thyroid disease" and "hormone therapy ever" are not what the tool asks for and stay unused.
* ORAI and OSIRIS ask for present hormone therapy: "ever: no" answers that, "ever: yes" leaves it unknown. "After 50" and
  "low impact" of a fracture are not in a table: any known fracture of hip, wrist or spine (or "prior fracture") counts.
  Women's tools answer for women alone. SCORE (rib fractures) and the falls tools are for one person at a time.
* CAROC takes glucocorticoids ever as three months of them; its class is 0 low, 1 moderate, 2 high.
* a joined flag is 1 when one part is 1, 0 when all parts in the table are 0, else unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.care.scores.abone import abone_points
from osteon.care.scores.caroc import caroc_class
from osteon.care.scores.orai import orai_points
from osteon.care.scores.osiris import osiris_points
from osteon.care.scores.ost import ost_points
from osteon.care.scores.qfracture.equations import alcohol_category, qfracture
from osteon.care.scores.sof_index import sof_points
from osteon.cohort.leakage import leaks
from osteon.core.errors import SchemaError

__all__ = ["score_inputs", "score_table"]

Floats = NDArray[np.float64]

_ETHNICITY = {
    "white": 1.0, "indian": 2.0, "pakistani": 3.0, "bangladeshi": 4.0, "asian": 5.0, "black": 7.0, "chinese": 8.0,
    "mexican_american": 9.0, "other_hispanic": 9.0, "mixed": 9.0, "other": 9.0,
}  # fmt: skip
_US_DRINK_G, _UK_UNIT_G = 14.0, 8.0
_FRACTURES = ("fracture_prior", "fracture_ever", "fracture_hip", "fracture_wrist", "fracture_spine")
_QFRACTURE_FLAGS = {
    "asthma_or_copd": ("asthma", "copd"),
    "cancer": ("cancer",),
    "cardiovascular_disease": ("heart_attack", "coronary_disease", "stroke"),
    "corticosteroids": ("glucocorticoid_ever",),
    "dementia": ("dementia",),
    "diabetes_type2": ("diabetes",),
    "falls": ("fall_12m", "falls_12m_count"),
    "fracture_prior": _FRACTURES,
    "kidney_disease": ("kidney_disease",),
    "liver_disease": ("liver_disease",),
    "parent_osteoporosis_or_hip_fracture": ("parent_hip_fracture", "mother_hip_fracture", "father_hip_fracture"),
    "parkinson": ("parkinson",),
    "rheumatoid_or_lupus": ("rheumatoid_arthritis",),
}  # fmt: skip


class _Rows:
    """The columns of a table that a score may use, as arrays; an absent one is all missing."""

    def __init__(self, table: pd.DataFrame, left_out: frozenset[str]) -> None:
        self._table, self._left_out = table, left_out

    def has(self, *names: str) -> bool:
        return all(name in self._table.columns and name not in self._left_out for name in names)

    def has_any(self, names: Iterable[str]) -> bool:
        return any(self.has(name) for name in names)

    def number(self, name: str) -> Floats:
        if not self.has(name):
            return np.full(len(self._table), np.nan)
        return np.array(self._table[name], dtype=np.float64)

    def text(self, name: str) -> NDArray[np.object_]:
        if not self.has(name):
            return np.full(len(self._table), None, dtype=object)
        return np.array(self._table[name].astype(object), dtype=object)

    def any_of(self, names: Iterable[str]) -> Floats:
        """1 where one is positive, 0 where all that the table has are 0, else NaN."""
        held = [self.number(name) for name in names if self.has(name)]
        if not held:
            return np.full(len(self._table), np.nan)
        parts = np.vstack(held)
        return np.where((parts > 0).any(axis=0), 1.0, np.where(np.isnan(parts).any(axis=0), np.nan, 0.0))


def score_table(table: pd.DataFrame, *, outcome: str | None = None) -> pd.DataFrame:
    """
    Every published score whose inputs the table holds, for every person.

    Parameters
    ----------
    table : DataFrame, one row per person, columns as in the schema
    outcome : str, optional
        A column of ``table`` that the scores will be judged against: inputs that are, define or follow it are treated
        as unknown, so that no score sees the answer.

    Returns
    -------
    DataFrame
        The same index. NaN where a mandatory input is missing or the age is outside the tool's range. Columns, each
        only when the table holds its mandatory inputs: ``ost``, ``osta`` (lower = more at risk),
        ``qfracture_osteoporotic_10y_pct``, ``qfracture_hip_10y_pct``, ``qfracture_missing_flags``; ``orai``, ``osiris``
        (lower = more at risk), ``abone``, ``sof_index``, ``sof_index_bmd`` (women); ``caroc_class`` (0-2).

    Raises
    ------
    SchemaError
        ``outcome`` is no column of the table.

    Examples
    --------
    >>> people = pd.DataFrame({"age_years": [65.0, 25.0], "sex": ["female", "female"], "weight_kg": [68.0, 60.0],
    ...                        "bmi_kg_m2": [68 / 1.65**2, 22.0]})
    >>> print(score_table(people)[["ost", "qfracture_osteoporotic_10y_pct"]].round(4).to_string(index=False))
     ost  qfracture_osteoporotic_10y_pct
     0.0                          4.5513
     7.0                             NaN
    """
    inputs = [name for name in score_inputs() if name in table.columns]
    if outcome is not None and outcome not in table.columns:
        raise SchemaError(f"the table has no column {outcome!r}.", hint="Name the outcome as in the table.")
    hidden = leaks(table, outcome, inputs) if outcome is not None else ()
    rows = _Rows(table, frozenset(leak.predictor for leak in hidden))
    columns: dict[str, Floats] = {}
    for tool in _TOOLS:
        columns |= tool(rows)
    return pd.DataFrame(columns, index=table.index)


def score_inputs() -> tuple[str, ...]:
    """The columns that some score reads."""
    flags = (name for parts in _QFRACTURE_FLAGS.values() for name in parts)
    return tuple(dict.fromkeys((*_PLAIN, *flags)))


_PLAIN = (
    "age_years", "sex", "ethnicity", "height_cm", "weight_kg", "bmi_kg_m2", "smoking_current", "smoking_ever",
    "alcohol_g_day", "alcohol_drinks_per_day", "alcohol_ge3_day", "hormone_therapy_ever", "mother_hip_fracture",
    "arms_to_stand", "t_femoral_neck", "t_total_hip", "t_lumbar",
)  # fmt: skip


def _ost(rows: _Rows) -> dict[str, Floats]:
    if not rows.has("weight_kg", "age_years"):
        return {}
    points = ost_points(weight_kg=rows.number("weight_kg"), age_years=rows.number("age_years"))
    return {"ost": points, "osta": points.copy()}


def _qfracture(rows: _Rows) -> dict[str, Floats]:
    if not (rows.has("age_years", "sex") and (rows.has("bmi_kg_m2") or rows.has("height_cm", "weight_kg"))):
        return {}
    made = rows.number("weight_kg") / (rows.number("height_cm") / 100.0) ** 2
    bmi = rows.number("bmi_kg_m2")
    found = qfracture(
        sex=rows.text("sex"),
        age_years=rows.number("age_years"),
        bmi_kg_m2=np.where(np.isnan(bmi), made, bmi),
        ethnicity=np.array([_ETHNICITY.get(value, np.nan) for value in rows.text("ethnicity")], dtype=np.float64),
        smoking=_smoking(rows),
        alcohol=_alcohol(rows),
        flags={name: rows.any_of(parts) for name, parts in _QFRACTURE_FLAGS.items()},
    )  # fmt: skip
    return {
        "qfracture_osteoporotic_10y_pct": 100.0 * found.osteoporotic,
        "qfracture_hip_10y_pct": 100.0 * found.hip,
        "qfracture_missing_flags": found.n_missing.astype(np.float64),
    }


def _smoking(rows: _Rows) -> Floats:
    current, ever = rows.number("smoking_current"), rows.number("smoking_ever")
    stopped = np.where(ever == 1.0, 1.0, np.where((ever == 0.0) & (current == 0.0), 0.0, np.nan))
    return np.where(current == 1.0, 2.0, np.where(current == 0.0, stopped, np.nan))


def _alcohol(rows: _Rows) -> Floats:
    grams = rows.number("alcohol_g_day")
    grams = np.where(np.isnan(grams), rows.number("alcohol_drinks_per_day") * _US_DRINK_G, grams)
    coarse = np.where(rows.number("alcohol_ge3_day") == 1.0, 3.0, np.nan)
    category = alcohol_category(grams / _UK_UNIT_G)
    return np.where(np.isnan(category), coarse, category)


def _women(rows: _Rows, points: Floats) -> Floats:
    return np.where(rows.text("sex") == "female", points, np.nan)


def _women_of_menopause(rows: _Rows) -> dict[str, Floats]:
    if not rows.has("sex", "age_years", "weight_kg", "hormone_therapy_ever"):
        return {}
    body = {"age_years": rows.number("age_years"), "weight_kg": rows.number("weight_kg")}
    ever = rows.number("hormone_therapy_ever")
    current = np.where(ever == 0.0, 0.0, np.nan)
    found = {
        "orai": _women(rows, orai_points(**body, oestrogen_current=current)),
        "abone": _women(rows, abone_points(**body, oestrogen_6_months_ever=ever)),
    }
    if rows.has_any(_FRACTURES):
        broken = rows.any_of(_FRACTURES)
        found["osiris"] = _women(
            rows, osiris_points(**body, hormone_therapy_current=current, fracture_low_impact=broken)
        )
    return found


def _sof(rows: _Rows) -> dict[str, Floats]:
    asked = ("mother_hip_fracture", "smoking_current", "arms_to_stand")
    if not (rows.has("sex", "age_years", "weight_kg", *asked) and rows.has_any(_FRACTURES)):
        return {}
    facts = {name: rows.number(name) for name in ("age_years", "weight_kg", *asked)}
    facts["fracture_after_50"] = rows.any_of(_FRACTURES)
    found = {"sof_index": _women(rows, sof_points(**facts))}
    if rows.has("t_total_hip"):
        found["sof_index_bmd"] = _women(rows, sof_points(**facts, t_total_hip=rows.number("t_total_hip")))
    return found


def _caroc(rows: _Rows) -> dict[str, Floats]:
    if not rows.has("sex", "age_years", "t_femoral_neck"):
        return {}
    found = caroc_class(
        sex=rows.text("sex"), age_years=rows.number("age_years"), t_femoral_neck=rows.number("t_femoral_neck"),
        fragility_fracture=rows.any_of(_FRACTURES), glucocorticoid_3_months=rows.number("glucocorticoid_ever"),
        hip_or_vertebral_fracture=rows.any_of(("fracture_hip", "fracture_spine")),
        t_lumbar=rows.number("t_lumbar"), t_total_hip=rows.number("t_total_hip"),
    )  # fmt: skip
    return {"caroc_class": found}


_TOOLS: tuple[Callable[[_Rows], dict[str, Floats]], ...] = (
    _ost,
    _qfracture,
    _women_of_menopause,
    _sof,
    _caroc,
)
