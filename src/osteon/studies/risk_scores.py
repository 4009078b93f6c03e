"""What a model is compared with: OST, bone density alone, QFracture, imported FRAX and the like, as risk-ordered columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def _column(name: str, *, sign: int = 1) -> Callable[[pd.DataFrame], Floats]:
    return lambda table: sign * table[name].to_numpy(dtype=np.float64)


_DIRECT: Mapping[str, tuple[str, int]] = {
    "femoral_neck_bmd": ("bmd_femoral_neck_g_cm2", -1),
    "frax_mof": ("frax_mof_pct", 1),
    "frax_hip": ("frax_hip_pct", 1),
    "garvan_any_5y": ("garvan_any_5y_pct", 1),
    "frem": ("frem_pct", 1),
    "fracscore": ("fracscore", 1),
    "age_alone": ("age_years", 1),
    "charlson_alone": ("charlson_index", 1),
}
_TABLED: Mapping[str, tuple[str, int, tuple[str, ...]]] = {
    # score, sign that makes higher = more at risk, inputs
    "ost": ("ost", -1, ("weight_kg", "age_years")),
    "qfracture_osteoporotic_10y": ("qfracture_osteoporotic_10y_pct", 1, ("age_years", "sex", "bmi_kg_m2")),
}


def score_columns(
    table: pd.DataFrame, outcome: str, *, allow_leakage: bool = False
) -> tuple[tuple[ScoreColumn, ...], tuple[Absent, ...]]:
    """The scores that ``table`` holds or whose inputs it holds, and those it does not, each with the reason."""
    kept: list[ScoreColumn] = []
    absent: list[Absent] = []
    computed = score_table(table)
    for name, (column, sign) in _DIRECT.items():
        if column not in table.columns or table[column].notna().sum() < _FEWEST:
            absent.append(Absent(name=name, reason=f"column_absent:{column}"))
            continue
        found = leaks(table, outcome, (column,))
        if found and not allow_leakage:
            absent.append(Absent(name=name, reason="leakage", because=found))
            continue
        kept.append(ScoreColumn(name=name, risk=_column(column, sign=sign)(table), inputs=(column,)))
    for name, (column, sign, inputs) in _TABLED.items():
        if column not in computed.columns or computed[column].notna().sum() < _FEWEST:
            missing = next((c for c in inputs if c not in table.columns), column)
            absent.append(Absent(name=name, reason=f"column_absent:{missing}"))
            continue
        kept.append(ScoreColumn(name=name, risk=_column(column, sign=sign)(computed), inputs=inputs))
    return tuple(kept), tuple(absent)
