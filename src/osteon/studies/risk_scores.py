"""What a model is compared with: OST, bone density alone, QFracture, imported FRAX and the like, as risk-ordered columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.care.scores.table import score_table
from osteon.cohort.leakage import leaks
from osteon.studies.risk_plan import Absent

__all__ = ["ScoreColumn", "score_columns"]

Floats = NDArray[np.float64]
_FEWEST = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreColumn:
    """A published score of every row: higher ``risk`` = more at risk, NaN where its inputs are missing."""

    name: str
    risk: Floats
    inputs: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where a score stands: a column of the table or of the computed scores, and its sign (1 = higher is riskier)."""

    column: str
    sign: int = 1
    inputs: tuple[str, ...] = ()  # of a computed score


# In the order of the report: what clinics use first, single columns last.
_SOURCES: Mapping[str, _Source] = {
    "ost": _Source(column="ost", sign=-1, inputs=("weight_kg", "age_years")),
    "femoral_neck_bmd": _Source(column="bmd_femoral_neck_g_cm2", sign=-1),
    "qfracture_osteoporotic_10y": _Source(
        column="qfracture_osteoporotic_10y_pct", inputs=("age_years", "sex", "bmi_kg_m2")
    ),
    "frax_mof": _Source(column="frax_mof_pct"),
    "frax_hip": _Source(column="frax_hip_pct"),
    "garvan_any_5y": _Source(column="garvan_any_5y_pct"),
    "frem": _Source(column="frem_pct"),
    "fracscore": _Source(column="fracscore"),
    "charlson_alone": _Source(column="charlson_index"),
    "age_alone": _Source(column="age_years"),
}


def score_columns(
    table: pd.DataFrame, outcome: str, *, allow_leakage: bool = False
) -> tuple[tuple[ScoreColumn, ...], tuple[Absent, ...]]:
    """The scores that ``table`` holds or whose inputs it holds, and those it does not, each with the reason."""
    kept: list[ScoreColumn] = []
    absent: list[Absent] = []
    computed = score_table(table, outcome=outcome)
    for name, source in _SOURCES.items():
        shelf = computed if source.inputs else table
        if source.column not in shelf.columns or shelf[source.column].notna().sum() < _FEWEST:
            lacking = next((c for c in (*source.inputs, source.column) if c not in table.columns), "")
            if source.column in shelf.columns or not lacking:
                reason = f"column_sparse:{source.inputs[0] if source.inputs else source.column}"
            else:
                reason = f"column_absent:{lacking}"
            absent.append(Absent(name=name, reason=reason))
            continue
        found = () if source.inputs else leaks(table, outcome, (source.column,))
        if found and not allow_leakage:
            absent.append(Absent(name=name, reason="leakage", because=found))
            continue
        risk = source.sign * shelf[source.column].to_numpy(dtype=np.float64)
        kept.append(ScoreColumn(name=name, risk=risk, inputs=source.inputs or (source.column,)))
    return tuple(kept), tuple(absent)
