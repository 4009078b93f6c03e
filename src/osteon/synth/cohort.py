"""
Invented people aged 50 and over, with the probabilities they were drawn from.

Clinical facts depend on age, sex, ethnicity and each other; bone density on the clinical facts; fracture on both;
laboratory values only weakly on bone. Every number and its reason stands in cohort.toml. The people are SIMULATED:
nothing computed on them says anything about real patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from osteon.cohort.cohort import Cohort
from osteon.cohort.schema import schema
from osteon.cohort.tscore import OSTEOPOROSIS_T, REFERENCES, osteoporosis
from osteon.core.config import read_toml
from osteon.core.errors import NotEnoughData
from osteon.core.seeds import stream
from osteon.synth.cohort_truth import Bone, bone_integrals, expected_auc, posterior_residual

__all__ = ["VirtualCohort", "virtual_cohort"]

Floats = NDArray[np.float64]
Columns = dict[str, Floats]
_UK_UNITS_PER_US_DRINK = 14.0 / 8.0
_TURNOVER = ("vitamin_d_25oh_nmol_l", "pth_pg_ml", "ctx_ng_ml", "p1np_ug_l", "osteocalcin_ug_l")
_WOMEN_ONLY = ("early_menopause", "hormone_therapy_ever")
_NOT_COLUMNS = ("intercept", "sd", "low", "high", "low_kg", "high_kg", "typical", "spread", "bone")
_NOTES = (
    "The people are invented (SIMULATED); no figure made from them is a clinical result.",
    "The true probabilities hold for a reader who sees every predictor of the set; missing values make it harder.",
    "osteoporosis_fn_or_ls is judged by the neck alone where the spine could not be measured, as in real tables.",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VirtualCohort:
    """
    Invented people and the truth behind them.

    Attributes
    ----------
    cohort : Cohort
        ``simulated`` is true, source "virtual".
    truth : DataFrame, one row per person of the cohort, probabilities 0-1
        Columns ``task|predictors``: tasks osteoporosis (osteoporosis_fn_or_ls), osteoporosis_fn, fracture_ever;
        predictors clinical, clinical_lab, and for fracture_ever clinical_bmd, clinical_bmd_lab. The clinical facts
        of the osteoporosis tasks include the fractures. As if no predictor were missing.
    bayes_auc : mapping of the same names to the AUC no model can exceed in the long run
        From a draw of its own (200,000 people), so that it does not vary with the cohort.
    """

    cohort: Cohort
    truth: pd.DataFrame
    bayes_auc: Mapping[str, float]


def virtual_cohort(n: int, *, seed: int) -> VirtualCohort:
    """
    ``n`` invented people of 50 and over, with the true probability of each outcome.

    Parameters
    ----------
    n : int >= 1
    seed : int
        The same seed gives the same people.

    Raises
    ------
    NotEnoughData
        ``n`` is less than 1.

    Examples
    --------
    >>> made = virtual_cohort(200, seed=7)
    >>> len(made.cohort), made.cohort.simulated, bool(made.truth.notna().all().all())
    (200, True, True)
    """
    if n < 1:
        raise NotEnoughData(f"{n} invented people were asked for, at least 1 is needed.")
    people, spine_seen, truth = _drawn(n, seed)
    table = _table(people, spine_seen)
    _make_missing(table, people["age"], rng=stream(seed, "virtual", "missing"))
    cohort = Cohort(table=table, source="virtual", simulated=True, notes=_NOTES)
    return VirtualCohort(cohort=cohort, truth=pd.DataFrame(truth, index=table.index), bayes_auc=_ceilings())


@cache
def _recipe() -> Mapping[str, Any]:
    return MappingProxyType(read_toml(Path(str(files("osteon.synth"))) / "cohort.toml"))


@cache
def _ceilings() -> Mapping[str, float]:
    """The AUC of the true probabilities on a large draw, computed once."""
    large = _recipe()["bayes"]
    _, _, truth = _drawn(large["people"], large["seed"])
    return MappingProxyType({name: expected_auc(risk) for name, risk in truth.items()})


def _drawn(n: int, seed: int) -> tuple[Columns, NDArray[np.bool_], Columns]:
    """Complete people, who of them had the spine measured, and the truth."""
    people = _clinical(n, stream(seed, "virtual", "clinical"))
    neck_mean, spine_mean = (_linear(_recipe()[site], people) for site in ("t_femoral_neck", "t_lumbar"))
    bone = _bone(people, neck_mean, spine_mean)
    rng = stream(seed, "virtual", "bone")
    neck, rest = rng.standard_normal((2, n))
    spine = bone.correlation * neck + np.sqrt(1 - bone.correlation**2) * rest
    people["t_femoral_neck"] = neck_mean + _recipe()["t_femoral_neck"]["sd"] * neck
    people["t_lumbar"] = spine_mean + _recipe()["t_lumbar"]["sd"] * spine
    spine_seen = rng.random(n) < bone.spine_seen
    broken = expit(bone.fracture_logit + bone.fracture_slope * neck)
    people["fracture_ever"] = (rng.random(n) < broken) + 0.0
    standard = _laboratory(people, neck, stream(seed, "virtual", "laboratory"))
    return people, spine_seen, _truth(people, bone, broken, standard)


def _linear(block: Mapping[str, Any], people: Columns) -> Floats:
    """Intercept plus terms of one block of the recipe."""
    n = len(people["age"])
    total: Floats = np.full(n, float(block.get("intercept", 0.0)))
    for name, slope in block.items():
        if name not in _NOT_COLUMNS:
            total += slope * people[name]
    return total


def _clinical(n: int, rng: np.random.Generator) -> Columns:
    """Age, sex, body and history; also the centred terms that the recipe's blocks name."""
    recipe = _recipe()
    who = recipe["people"]
    age_years = _within(
        rng, n, mean=who["age_mean"], sd=who["age_sd"], low=who["age_low"], high=who["age_high"]
    )
    age_years = np.floor(age_years)
    female = (rng.random(n) < who["female"]) + 0.0
    age = (age_years - 65.0) / 10.0
    people: Columns = {"age_years": age_years, "age": age, "female": female, "female_age": female * age}
    groups = recipe["ethnicity"]
    drawn = rng.choice(len(groups), size=n, p=list(groups.values()))
    people["ethnicity"] = drawn.astype(np.float64)
    people |= {name: (drawn == k) + 0.0 for k, name in enumerate(groups)}
    level = rng.choice(5, size=n, p=recipe["education"]["shares"]).astype(np.float64)
    people["education"] = level - 2.0
    pay = recipe["income"]
    ratio = np.clip(
        pay["mean"] + pay["per_level"] * people["education"] + pay["sd"] * rng.standard_normal(n), 0, 5
    )
    people["income_poverty_ratio"] = _rounded(ratio, 2)
    people["income"] = people["income_poverty_ratio"] - pay["mean"]
    tall = recipe["height_cm"]
    height = np.clip(_linear(tall, people) + tall["sd"] * rng.standard_normal(n), tall["low"], tall["high"])
    people["height_cm"] = _rounded(height, 1)
    people["height"] = (people["height_cm"] - 165.0) / 10.0
    heavy = recipe["log_weight"]
    weight = 75.0 * np.exp(_linear(heavy, people) + heavy["sd"] * rng.standard_normal(n))
    people["weight_kg"] = _rounded(np.clip(weight, heavy["low_kg"], heavy["high_kg"]), 1)
    people["log_weight"] = np.log(people["weight_kg"] / 75.0)
    _history(people, rng)
    return people


def _history(people: Columns, rng: np.random.Generator) -> None:
    """Diseases, habits, family and falls, in the recipe's order."""
    recipe, n = _recipe(), len(people["age"])
    for name, block in recipe["flags"].items():
        flag = (rng.random(n) < expit(_linear(block, people))) + 0.0
        if name == "smoking_current":
            flag *= people["smoking_ever"]
        people[name] = flag * people["female"] if name in _WOMEN_ONLY else flag
    people["parent_hip_fracture"] = np.maximum(people["mother_hip_fracture"], people["father_hip_fracture"])
    drink = recipe["alcohol"]
    amount = np.exp(drink["log_mean"] + drink["log_sd"] * rng.standard_normal(n))
    drinks = _rounded(np.where(rng.random(n) < drink["drinks_none"], 0.0, np.minimum(amount, 20.0)), 2)
    people["alcohol_drinks_per_day"] = drinks
    people["alcohol_ge3_day"] = (drinks * _UK_UNITS_PER_US_DRINK >= drink["ge3_units_of_8_g"]) + 0.0
    fall = recipe["falls"]
    terms = {k: v for k, v in fall.items() if k not in {"log_mean", "spread"}}
    rate = np.exp(fall["log_mean"] + _linear(terms, people)) * rng.gamma(
        fall["spread"], 1 / fall["spread"], n
    )
    people["falls_12m_count"] = rng.poisson(rate).astype(np.float64)
    people["fall_12m"] = np.minimum(people["falls_12m_count"], 1.0)
    sit = recipe["sedentary_min_day"]
    people["sedentary_min_day"] = _rounded(
        _within(rng, n, mean=sit["mean"], sd=sit["sd"], low=0.0, high=1200.0), -1
    )


def _rounded(values: Floats, decimals: int) -> Floats:
    return np.asarray(np.round(values, decimals), dtype=np.float64)


def _within(rng: np.random.Generator, n: int, *, mean: float, sd: float, low: float, high: float) -> Floats:
    """Normal numbers, drawn again where they fall outside low..high."""
    values = mean + sd * rng.standard_normal(n)
    while (outside := (values < low) | (values >= high)).any():
        values[outside] = mean + sd * rng.standard_normal(int(outside.sum()))
    return values


def _bone(people: Columns, neck_mean: Floats, spine_mean: Floats) -> Bone:
    recipe = _recipe()
    neck_sd, spine_sd = recipe["t_femoral_neck"]["sd"], recipe["t_lumbar"]["sd"]
    bone, fracture = recipe["bone"], dict(recipe["fracture_ever"])
    per_t = fracture.pop("t_femoral_neck")
    unseen = expit(bone["spine_unmeasured_intercept"] + bone["spine_unmeasured_age"] * people["age"])
    return Bone(
        neck_cut=(OSTEOPOROSIS_T - neck_mean) / neck_sd,
        spine_cut=(OSTEOPOROSIS_T - spine_mean) / spine_sd,
        correlation=bone["neck_spine_correlation"],
        spine_seen=1.0 - unseen,
        fracture_logit=_linear(fracture, people) + per_t * neck_mean,
        fracture_slope=per_t * neck_sd,
    )


def _laboratory(people: Columns, neck: Floats, rng: np.random.Generator) -> Floats:
    """Adds the laboratory values to ``people``; their standardised residuals, shape (n, k)."""
    blocks = _recipe()["laboratory"]
    standard = np.empty((len(neck), len(blocks)))
    for k, (name, block) in enumerate(blocks.items()):
        noise = rng.standard_normal(len(neck))
        standard[:, k] = block["bone"] * neck + np.sqrt(1 - block["bone"] ** 2) * noise
        people[name] = block["typical"] * np.exp(_linear(block, people) + block["spread"] * standard[:, k])
    return standard


def _truth(people: Columns, bone: Bone, broken: Floats, standard: Floats) -> Columns:
    """The true probability of each task for each predictor set."""
    loadings = np.array([block["bone"] for block in _recipe()["laboratory"].values()])
    mean, sd = posterior_residual(standard, loadings=loadings)
    fractured = people["fracture_ever"] == 1.0
    truth: Columns = {}
    for name, known in (
        ("clinical", bone_integrals(bone)),
        ("clinical_lab", bone_integrals(bone, mean=mean, sd=sd)),
    ):
        for task, both, alone in (
            ("osteoporosis", known.either_and_fracture, known.either),
            ("osteoporosis_fn", known.neck_and_fracture, known.neck),
        ):
            given = np.where(fractured, both / known.fracture, (alone - both) / (1 - known.fracture))
            truth[f"{task}|{name}"] = np.clip(given, 0.0, 1.0)
        truth[f"fracture_ever|{name}"] = np.clip(known.fracture, 0.0, 1.0)
    # given the neck itself, laboratory values tell nothing more
    truth["fracture_ever|clinical_bmd"] = broken
    truth["fracture_ever|clinical_bmd_lab"] = broken.copy()
    return truth


def _table(people: Columns, spine_seen: NDArray[np.bool_]) -> pd.DataFrame:
    """The people in the schema's names, kinds and units."""
    recipe, fields = _recipe(), schema().fields
    n = len(people["age"])
    groups, levels = list(recipe["ethnicity"]), list(fields["education"].categories)
    columns: dict[str, Any] = {
        "participant_id": pd.array([f"V{k + 1:06d}" for k in range(n)], dtype="str"),
        "age_years": people["age_years"],
        "sex": pd.Categorical.from_codes((people["female"] == 0).astype(int), ["female", "male"]),
        "ethnicity": pd.Categorical.from_codes(people["ethnicity"].astype(int), groups),
        "education": pd.Categorical.from_codes((people["education"] + 2).astype(int), levels, ordered=True),
        "bmi_kg_m2": np.round(people["weight_kg"] / (people["height_cm"] / 100.0) ** 2, 1),
    }
    plain = (*_question_names(), "height_cm", "weight_kg", *recipe["laboratory"], "fracture_ever")
    columns |= {name: people[name].copy() for name in plain if name not in columns}
    neck, lumbar = people["t_femoral_neck"], np.where(spine_seen, people["t_lumbar"], np.nan)
    for site, t in (("femoral_neck", neck), ("lumbar", lumbar)):
        reference = REFERENCES[f"t_{site}"]
        columns[f"bmd_{site}_g_cm2"] = reference.mean_g_cm2 + reference.sd_g_cm2 * t
        columns[f"t_{site}"] = t
    columns["both_sites_measured"] = spine_seen + 0.0
    columns["osteoporosis_fn"] = osteoporosis(neck)
    columns["osteoporosis_fn_or_ls"] = osteoporosis(neck, lumbar)
    return pd.DataFrame(columns)


def _question_names() -> tuple[str, ...]:
    """The columns that a questionnaire fills."""
    more = ("parent_hip_fracture", "alcohol_drinks_per_day", "alcohol_ge3_day", "falls_12m_count", "fall_12m",
            "sedentary_min_day", "income_poverty_ratio", "education")  # fmt: skip
    return (*_recipe()["flags"], *more)


def _make_missing(table: pd.DataFrame, age: Floats, *, rng: np.random.Generator) -> None:
    """Empties cells at random given age: panels as a whole, answers one by one, joined answers together."""
    lost = _recipe()["missing"]

    def empty(names: tuple[str, ...], intercept: float) -> None:
        gone = rng.random(len(age)) < expit(intercept + lost["age"] * age)
        for name in names:
            table[name] = table[name].mask(gone)

    empty(_TURNOVER, lost["turnover_intercept"])
    empty(tuple(n for n in _recipe()["laboratory"] if n not in _TURNOVER), lost["panel_intercept"])
    empty(("income_poverty_ratio",), lost["income_intercept"])
    together = (
        ("smoking_ever", "smoking_current"), ("alcohol_drinks_per_day", "alcohol_ge3_day"),
        ("falls_12m_count", "fall_12m"), ("mother_hip_fracture", "father_hip_fracture", "parent_hip_fracture"),
    )  # fmt: skip
    joined = {name for names in together for name in names}
    alone = (n for n in _question_names() if n not in joined and n != "income_poverty_ratio")
    for names in (*together, *((name,) for name in alone)):
        empty(names, lost["question_intercept"])
