"""
Which questions a table can answer: tasks, the predictors each model may see, and why a model is absent.

A predictor set is a tuple of schema columns; a table is asked which of them it holds. Reasons for an absent model are
codes: ``column_absent:NAME``, ``column_sparse:NAME`` (constant, or known in too few people), ``leakage``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from osteon.cohort.leakage import Leak, leaks
from osteon.models.train import ModelSpec

__all__ = ["PLANS", "Absent", "Plan", "Question", "TaskPlan", "planned", "predictor_sets"]

_DEMOGRAPHIC = (
    "age_years",
    "sex",
    "ethnicity",
    "height_cm",
    "weight_kg",
    "education",
    "income_poverty_ratio",
)
_HABITS = (
    "smoking_current",
    "smoking_ever",
    "alcohol_ge3_day",
    "sedentary_min_day",
    "falls_12m_count",
    "fall_12m",
)
_DISEASES = (
    "rheumatoid_arthritis", "arthritis", "heart_failure", "coronary_disease", "heart_attack", "stroke", "liver_disease",
    "thyroid_disease", "copd", "asthma", "cancer", "hypertension", "diabetes", "kidney_disease", "parkinson", "dementia",
)  # fmt: skip
_BONE_HISTORY = (
    "glucocorticoid_ever", "parent_hip_fracture", "early_menopause", "menopause_age_years",
    "arms_to_stand", "hormone_therapy_ever", "bone_medication", "height_loss_cm",
)  # fmt: skip
_LABORATORY = (
    "calcium_mmol_l", "phosphate_mmol_l", "albumin_g_l", "alp_u_l", "creatinine_umol_l", "glucose_mmol_l",
    "uric_acid_umol_l", "iron_umol_l", "folate_nmol_l", "vitamin_d_25oh_nmol_l", "pth_pg_ml",
    "ctx_ng_ml", "p1np_ug_l", "osteocalcin_ug_l", "bone_alp_ug_l", "trap5b_u_l",
)  # fmt: skip
_CLINICAL = (*_DEMOGRAPHIC, *_HABITS, *_DISEASES, *_BONE_HISTORY)
_BMD = ("bmd_femoral_neck_g_cm2", "bmd_lumbar_evaluable_g_cm2", "bmd_lumbar_g_cm2")
_CURVED = {"age_years": 4, "weight_kg": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One outcome and the columns that may speak to it, by predictor set."""

    task: str
    outcome: str
    sets: Mapping[str, tuple[str, ...]]
    primary: str = "clinical"
    horizon_years: int | None = None
    curved: Mapping[str, int] = field(default_factory=lambda: _CURVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The questions of one kind of data."""

    questions: tuple[Question, ...]
    repeats: int = 1
    notes: tuple[str, ...] = ()


def _sets(clinical: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {
        "clinical": clinical,
        "clinical_bmd": (*clinical, *_BMD),
        "clinical_lab": (*clinical, *_LABORATORY),
        "clinical_bmd_lab": (*clinical, *_BMD, *_LABORATORY),
    }


_KNOWN_BONE = ("fracture_ever", "fracture_prior", "fracture_other_site")
_OSTEOPOROSIS = tuple(
    Question(task=task, outcome=outcome, sets=_sets((*_CLINICAL, *_KNOWN_BONE)))
    for task, outcome in (("osteoporosis", "osteoporosis_fn_or_ls"), ("osteoporosis_fn", "osteoporosis_fn"))
)
_FRACTURE_EVER = Question(task="fracture_ever", outcome="fracture_ever", sets=_sets(_CLINICAL))
_GLOW = (
    "age_years", "height_cm", "weight_kg", "fracture_prior", "early_menopause", "mother_hip_fracture", "arms_to_stand",
    "smoking_ever", "self_rated_fracture_risk", "smoking_current",
)  # fmt: skip

PLANS: Mapping[str, Plan] = {
    # Two partitions: with 150 to 220 events one partition alone moves the AUC of a model by .02.
    "nhanes": Plan(questions=(*_OSTEOPOROSIS, _FRACTURE_EVER), repeats=2, notes=("fracture_before_scan",)),
    "virtual": Plan(questions=(*_OSTEOPOROSIS, _FRACTURE_EVER)),
    "glow": Plan(
        questions=(
            Question(
                task="fracture_1y",
                outcome="fracture_1y",
                sets={"clinical": _GLOW},
                horizon_years=1,
                curved={},
            ),
        ),
        repeats=10,
        notes=("glow_oversampled",),
    ),
    "estonia": Plan(
        questions=(
            Question(
                task="death_12m",
                outcome="death_12m",
                sets={
                    "clinical": ("age_years", "sex", "charlson_index", "dementia"),
                    "clinical_treatment": ("age_years", "sex", "charlson_index", "dementia", "management"),
                },
                horizon_years=1,
            ),
        ),
        notes=("management_is_indication",),
    ),
    "table": Plan(
        questions=(
            *_OSTEOPOROSIS,
            _FRACTURE_EVER,
            Question(
                task="fracture_incident",
                outcome="fracture_incident",
                sets=_sets((*_CLINICAL, *_KNOWN_BONE, "charlson_index")),
            ),
            Question(
                task="fracture_1y",
                outcome="fracture_1y",
                sets=_sets((*_CLINICAL, *_KNOWN_BONE)),
                horizon_years=1,
            ),
            Question(
                task="death_12m",
                outcome="death_12m",
                sets=_sets((*_CLINICAL, "charlson_index")),
                horizon_years=1,
            ),
        )
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A model that was not built, and why."""

    name: str
    reason: str
    because: tuple[Leak, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlan:
    """What will be run for one question on one table."""

    question: Question
    specs: tuple[ModelSpec, ...]
    absent: tuple[Absent, ...] = ()
    primary: str = ""
    dropped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def predictor_sets(
    table: pd.DataFrame, question: Question, *, largest_missing_share: float = 1.0
) -> dict[str, tuple[str, ...]]:
    """The columns of each predictor set that vary in the table and are known in enough of the rows with an outcome."""
    rows = table.loc[table[question.outcome].notna()]
    live = {
        name
        for name in rows.columns
        if rows[name].isna().mean() <= largest_missing_share and rows[name].nunique(dropna=True) > 1
    }
    sets: dict[str, tuple[str, ...]] = {}
    for name, columns in question.sets.items():
        held = tuple(column for column in columns if column in live)
        if not held or held in sets.values():
            continue  # adds nothing to a set already there
        sets[name] = held
    return sets


def _lacking(table: pd.DataFrame, question: Question, name: str, held: Mapping[str, tuple[str, ...]]) -> str:
    """Why a set is not built: the first of the columns that the table cannot give and a set already there lacks too."""
    columns = question.sets[name]
    live = {column for found in held.values() for column in found}.intersection(columns)
    twin = next((other for other, found in held.items() if set(found) == live), None)
    added = [column for column in columns if twin is None or column not in question.sets[twin]]
    present = next((column for column in added if column in table.columns), None)
    if present is not None:
        return f"column_sparse:{present}"
    return f"column_absent:{(added or list(columns))[0]}"


def planned(
    table: pd.DataFrame,
    question: Question,
    *,
    learners: tuple[str, ...],
    allow_leakage: bool = False,
    largest_missing_share: float = 1.0,
) -> TaskPlan:
    """
    The models that ``table`` allows for ``question``; those whose predictors define the outcome are refused.

    Every learner gets the clinical set; the richer sets get logistic regression and gradient boosting alone,
    which answers "does it add anything" without multiplying the comparisons.
    """
    specs: list[ModelSpec] = []
    absent: list[Absent] = []
    held = predictor_sets(table, question, largest_missing_share=largest_missing_share)
    for name in question.sets:
        chosen = (
            learners
            if name == question.primary
            else tuple(x for x in learners if x in {"logistic", "lightgbm"})
        )
        if name not in held:
            reason = _lacking(table, question, name, held)
            absent += [Absent(name=f"{name}_{x}", reason=reason) for x in chosen]
            continue
        found = leaks(table, question.outcome, held[name])
        if found and not allow_leakage:
            absent += [Absent(name=f"{name}_{x}", reason="leakage", because=found) for x in chosen]
            continue
        knots = {c: k for c, k in question.curved.items() if c in held[name]}
        specs += [
            ModelSpec(
                name=f"{name}_{x}", learner=x, predictors=held[name], knots=knots if x == "logistic" else {}
            )
            for x in chosen
        ]
    primary = f"{question.primary}_{learners[0]}"
    return TaskPlan(question=question, specs=tuple(specs), absent=tuple(absent), primary=primary)
