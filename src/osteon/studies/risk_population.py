"""Who the people are: the baseline table by bone status, what is missing, and the survey-weighted prevalence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from osteon.cohort.schema import kind_of
from osteon.stats.baseline import Baseline, Column, baseline
from osteon.stats.survey import SurveyEstimate, survey_design, survey_proportion

__all__ = ["NCHS", "Population", "Prevalence", "bone_status", "population", "prevalences"]

# National Center for Health Statistics, Data Brief 405 (2017-18): age-adjusted, femoral neck or lumbar spine; in its text
# osteoporosis at the femoral neck alone. Low bone mass at the neck alone is not published there.
NCHS: Mapping[str, Mapping[str, float]] = {
    "osteoporosis_femoral_neck": {"all": 0.063},
    "osteoporosis_fn_or_evaluable_ls": {"all": 0.126, "women": 0.196, "men": 0.044},
    "low_bone_mass_fn_or_evaluable_ls": {"all": 0.431, "women": 0.515, "men": 0.335},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prevalence:
    """One weighted share with its Taylor error, beside the national figure where there is one."""

    what: str
    who: str
    estimate: SurveyEstimate
    published: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The people of the study."""

    n: int
    baseline: Baseline | None
    grouped_by: str
    missing: Mapping[str, float]
    prevalences: tuple[Prevalence, ...] = ()

    def with_prevalences(self, found: tuple[Prevalence, ...]) -> Population:
        """The same people with their weighted prevalences."""
        return replace(self, prevalences=found)


def bone_status(table: pd.DataFrame) -> pd.Series:
    """Normal, low bone mass or osteoporosis by the lower measured T-score of neck and spine; NaN where none is known."""
    scores = [name for name in ("t_femoral_neck", "t_lumbar") if name in table.columns]
    lowest = table[scores].min(axis=1) if scores else pd.Series(np.nan, table.index)
    status = np.select([lowest <= -2.5, lowest < -1.0], ["osteoporosis", "low_bone_mass"], "normal")
    return pd.Series(status, table.index, dtype="object").where(lowest.notna())


def population(table: pd.DataFrame, columns: tuple[str, ...], *, outcome: str) -> Population:
    """The baseline table by bone status (by the outcome where no density was measured), and the share missing."""
    status = bone_status(table)
    order: tuple[str, ...] = ("normal", "low_bone_mass", "osteoporosis")
    grouped_by = "bone_status"
    if status.notna().sum() < 0.5 * len(table) or status.nunique() < 2:
        grouped_by = outcome
        status = table[outcome].map({0.0: "no", 1.0: "yes"}).astype("object")
        order = ("no", "yes")
    known = status.notna().to_numpy()
    held = tuple(name for name in columns if name in table.columns and table.loc[known, name].notna().any())
    described = {name: _described(table.loc[known, name]) for name in held}
    levels = tuple(level for level in order if (status == level).any())
    result = baseline(described, status[known].to_numpy(dtype=str), order=levels) if len(levels) > 1 else None
    missing = {name: float(table[name].isna().mean()) for name in columns if name in table.columns}
    return Population(n=len(table), baseline=result, grouped_by=grouped_by, missing=missing)


def _described(column: pd.Series) -> Column:
    kind = kind_of(column)
    if kind == "number":
        return Column(column.to_numpy(dtype=np.float64), "number")
    if kind == "flag":
        return Column(column.to_numpy(dtype=np.float64), "flag")
    levels = tuple(str(level) for level in column.cat.categories)
    return Column(column.astype("object").where(column.notna(), None).to_numpy(), kind, levels)


def prevalences(table: pd.DataFrame) -> tuple[Prevalence, ...]:
    """
    Survey-weighted prevalence of osteoporosis and low bone mass, all, women and men, where the design is known.

    Femoral neck: everybody with a valid neck. Neck or spine: both sites measured, since people with one
    site counted as healthy would make the prevalence too low.
    """
    design = ("survey_weight", "survey_stratum", "survey_psu")
    if any(name not in table.columns for name in design) or "t_femoral_neck" not in table.columns:
        return ()
    neck = table["t_femoral_neck"]
    outcomes = {
        "osteoporosis_femoral_neck": (neck <= -2.5).where(neck.notna()),
        "low_bone_mass": ((neck > -2.5) & (neck < -1.0)).where(neck.notna()),
    }
    if "osteoporosis_fn_or_evaluable_ls" in table.columns:
        either = outcomes["osteoporosis_fn_or_evaluable_ls"] = table["osteoporosis_fn_or_evaluable_ls"]
        if "t_lumbar_evaluable" in table.columns:
            low = table[["t_femoral_neck", "t_lumbar_evaluable"]].min(axis=1) < -1.0
            outcomes["low_bone_mass_fn_or_evaluable_ls"] = (low & (either == 0.0)).where(either.notna())
    women = (table["sex"] == "female").to_numpy()
    who = {"all": np.ones(len(table), bool), "women": women, "men": ~women}
    weighted = (table["survey_weight"] > 0).to_numpy()
    sampling = survey_design(
        table.loc[weighted, "survey_weight"].to_numpy(dtype=np.float64),
        strata=table.loc[weighted, "survey_stratum"].to_numpy(),
        psu=table.loc[weighted, "survey_psu"].to_numpy(),
    )
    lines = []
    for what, values in outcomes.items():
        flag = values.to_numpy(dtype=np.float64)[weighted]
        for group, inside in who.items():
            estimate = survey_proportion(flag, sampling, domain=np.isfinite(flag) & inside[weighted])
            lines.append(
                Prevalence(what=what, who=group, estimate=estimate, published=NCHS.get(what, {}).get(group))
            )
    return tuple(lines)
