"""
Invented patients with vertebral compression fracture whose groups are known: SIMULATED, for testing what finds them.

(a) the published table alone; (b) four groups that can be told apart; (c) tables without any group; and a clinic
before and after a change, with the effect planted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp

from osteon.cohort.schema import schema
from osteon.core.config import read_toml
from osteon.core.errors import ConfigError
from osteon.core.seeds import stream

__all__ = ["STRUCTURELESS", "ChangingClinic", "VirtualPatients", "changing_clinic", "separable_patients", "structureless", "table1_patients"]  # fmt: skip

Floats = NDArray[np.float64]
_WHOLE = ("age_years", "fractured_segments_count", "vas_baseline", "vas_followup", "days_to_treatment", "healing_days",
          "vertebral_hu", "fim_followup", "compression_ratio_pct")  # fmt: skip
_NOT_COLUMNS = ("n", "conservative")
_SATISFACTION = ("dissatisfied", "satisfied", "very_satisfied")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VirtualPatients:
    """
    Invented patients and the groups they were drawn from.

    Attributes
    ----------
    table : DataFrame in the schema's names
    group : array of int, shape (n,)
        Planted group, 0 the first of the published table.
    probability : array, shape (n, groups), or None
        True probability of each group given age, T-score, fracture type and treatment (the published table only).
    """

    table: pd.DataFrame
    group: NDArray[np.intp]
    probability: Floats | None = None


@cache
def _recipe() -> Mapping[str, Any]:
    return MappingProxyType(read_toml(Path(str(files("osteon.synth"))) / "portraits.toml"))


def table1_patients(*, seed: int) -> VirtualPatients:
    """
    100 patients drawn from the published table of groups alone: age, T-score, fracture type, treatment.

    Examples
    --------
    >>> made = table1_patients(seed=1)
    >>> np.bincount(made.group).tolist()
    [27, 32, 23, 18]
    """
    groups = _recipe()["table1"]["group"]
    rng = stream(seed, "portraits", "table1")
    group = np.repeat(np.arange(len(groups)), [g["n"] for g in groups])
    table = pd.DataFrame({
        "participant_id": [f"A{i:03d}" for i in range(1, len(group) + 1)],
        **{name: np.round([rng.normal(*groups[g][name]) for g in group], 1) for name in ("age_years", "t_lowest")},
        "fracture_type": _category("fracture_type", [groups[g]["fracture_type"] for g in group]),
        "treatment_approach": _treatment(np.array([groups[g]["conservative"] for g in group]), rng),
    })  # fmt: skip
    order = rng.permutation(len(group))
    table = table.iloc[order].reset_index(drop=True)
    table["participant_id"] = [f"A{i:03d}" for i in range(1, len(table) + 1)]
    return VirtualPatients(table=table, group=group[order], probability=_posterior(table, groups))


def _posterior(table: pd.DataFrame, groups: list[dict[str, Any]]) -> Floats:
    """Bayes' rule with the recipe's own numbers."""
    log = np.zeros((len(table), len(groups)))
    conservative = (table["treatment_approach"] == "conservative").to_numpy()
    for g, group in enumerate(groups):
        log[:, g] = np.log(group["n"])
        for name in ("age_years", "t_lowest"):
            mean, sd = group[name]
            log[:, g] += -0.5 * ((table[name].to_numpy() - mean) / sd) ** 2 - np.log(sd)
        log[:, g] += np.where(conservative, np.log(group["conservative"]), np.log(1 - group["conservative"]))
        log[:, g] += np.where(table["fracture_type"] == group["fracture_type"], 0.0, -np.inf)
    return np.asarray(np.exp(log - logsumexp(log, axis=1, keepdims=True)))


def separable_patients(*, seed: int) -> VirtualPatients:
    """
    100 patients of four groups that can be told apart, with all the columns of the hospital template for portraits.

    Examples
    --------
    >>> made = separable_patients(seed=1)
    >>> len(made.table), bool(made.table["compression_ratio_pct"].between(0, 100).sum() > 90)
    (100, True)
    """
    recipe = _recipe()["separable"]
    rng = stream(seed, "portraits", "separable")
    rows, group = [], []
    for g, block in enumerate(recipe["group"]):
        for _ in range(block["n"]):
            rows.append(_patient(block, rng))
            group.append(g)
    order = rng.permutation(len(rows))
    drawn = pd.DataFrame(rows).iloc[order].reset_index(drop=True)
    chosen = np.array(group)[order]
    shares = np.array([recipe["group"][g]["conservative"] for g in chosen])
    table = pd.DataFrame({"participant_id": [f"B{i:03d}" for i in range(1, len(drawn) + 1)]})
    table["sex"] = _category("sex", np.where(rng.random(len(drawn)) < recipe["female"], "female", "male"))
    for name in drawn:
        field = schema().named(str(name))
        table[name] = (
            _category(str(name), drawn[name]) if field.categories else _numbers(str(name), drawn[name])
        )
    table["treatment_approach"] = _treatment(shares, rng)
    surgical = (table["treatment_approach"] == "surgical").to_numpy()
    drug = rng.choice(["alendronate", "zoledronate", "denosumab", "teriparatide"], size=len(table))
    table["treatment_drug"] = pd.Categorical(drug)
    doses = {"alendronate": 70.0, "zoledronate": 5.0, "denosumab": 60.0, "teriparatide": 0.02}
    table["drug_dose_mg"] = [doses[name] for name in drug]
    table["fim_baseline"] = np.round(table["fim_followup"] - rng.normal(30, 6, len(table)))
    table["satisfaction"] = pd.Categorical(np.array(_SATISFACTION)[_level(rng, len(table), surgical)])
    table["vertebral_fracture_imaging"] = 1.0
    for name in recipe["noise"]:
        table[name] = _noise(name, len(table), rng)
    _make_holes(table, recipe["missing"], rng)
    return VirtualPatients(table=table, group=chosen)


def _patient(block: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, what in block.items():
        if name in _NOT_COLUMNS:
            continue
        if isinstance(what, Mapping):
            row[name] = str(rng.choice(list(what), p=list(what.values())))
        elif isinstance(what, list):
            row[name] = rng.normal(*what)
        else:
            row[name] = float(rng.random() < what)
    return row


def _numbers(name: str, values: pd.Series) -> Floats:
    """Plausible values with the decimals a chart has."""
    field = schema().named(name)
    digits = 0 if name in _WHOLE else 1
    return np.asarray(np.round(values.clip(field.low, field.high).to_numpy(dtype=np.float64), digits))


def _category(name: str, values: Any) -> pd.Categorical:
    field = schema().named(name)
    return pd.Categorical(list(values), categories=list(field.categories), ordered=field.kind == "ordinal")


def _treatment(conservative: Floats, rng: np.random.Generator) -> pd.Categorical:
    drawn = np.where(rng.random(len(conservative)) < conservative, "conservative", "surgical")
    return _category("treatment_approach", drawn)


def _level(rng: np.random.Generator, n: int, surgical: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.clip(rng.integers(0, 3, size=n) + surgical, 0, 2)


def _noise(name: str, n: int, rng: np.random.Generator) -> Floats:
    """A laboratory value that knows nothing of the group."""
    middle = {"calcium_mmol_l": (2.3, 0.1, 2), "haemoglobin_g_l": (130, 12, 0), "crp_mg_l": (6, 2, 1),
              "uric_acid_umol_l": (320, 60, 0)}  # fmt: skip
    mean, sd, digits = middle[name]
    return np.asarray(np.round(np.maximum(rng.normal(mean, sd, n), 0.1), int(digits)))


def _make_holes(table: pd.DataFrame, share: float, rng: np.random.Generator) -> None:
    for name in table:
        if name not in ("participant_id", "age_years", "sex", "vertebral_fracture_imaging"):
            table.loc[rng.random(len(table)) < share, name] = None


def _uniform(n: int, rng: np.random.Generator) -> Floats:
    return rng.random((n, 6))


def _normal(n: int, rng: np.random.Generator) -> Floats:
    return rng.standard_normal((n, 6))


def _correlated(n: int, rng: np.random.Generator) -> Floats:
    return rng.standard_normal((n, 6)) @ rng.standard_normal((6, 6))


def _gradient(n: int, rng: np.random.Generator) -> Floats:
    """One line from mild to severe: everybody lies on it, nowhere a gap."""
    return np.asarray(2 * rng.standard_normal((n, 1)) * np.ones(6) + 0.6 * rng.standard_normal((n, 6)))


def _skewed(n: int, rng: np.random.Generator) -> Floats:
    return np.exp(0.8 * rng.standard_normal((n, 6)))


def _heavy(n: int, rng: np.random.Generator) -> Floats:
    return rng.standard_t(3, size=(n, 6))


_NUMERIC: Mapping[str, Callable[[int, np.random.Generator], Floats]] = {
    "uniform": _uniform, "normal": _normal, "correlated": _correlated, "gradient": _gradient, "skewed": _skewed,
    "heavy_tails": _heavy,
}  # fmt: skip
#: Kinds of tables without groups.
STRUCTURELESS = (*_NUMERIC, "categories", "mixed", "shuffled")
_COLUMNS = ("age_years", "t_lowest", "compression_ratio_pct", "vertebral_hu", "vas_baseline", "healing_days")


def structureless(kind: str, *, seed: int, n: int = 100) -> pd.DataFrame:
    """
    A table in which there is no group to be found.

    Parameters
    ----------
    kind : one of STRUCTURELESS
        Independent uniform, normal, skewed or heavy-tailed numbers; correlated normal numbers; one gradient of
        severity; independent categories; normal numbers with independent categories; the columns of
        :func:`separable_patients`, each shuffled by itself (100 rows).
    seed : int
    n : int
        Rows.
    """
    if kind not in STRUCTURELESS:
        raise ConfigError(f"kind = {kind!r}.", hint=f"Known: {', '.join(STRUCTURELESS)}.")
    rng = stream(seed, "portraits", "structureless", kind)
    if kind == "shuffled":
        table = separable_patients(seed=seed).table
        return pd.DataFrame({
            name: table[name].array.take(rng.permutation(len(table))) if name != "participant_id" else table[name]
            for name in table
        })  # fmt: skip
    ids = [f"C{i:03d}" for i in range(1, n + 1)]
    made: dict[str, Any] = {"participant_id": ids}
    if kind != "categories":
        values = _NUMERIC.get(kind, _normal)(n, rng)
        made |= dict(zip(_COLUMNS, values.T, strict=True))
    if kind in ("categories", "mixed"):
        for name, shares in (("sex", (0.6, 0.4)), ("fracture_type", (0.5, 0.3, 0.2)),
                             ("fracture_line", (0.5, 0.3, 0.2)), ("activity_limitation", (0.3, 0.4, 0.3))):  # fmt: skip
            levels = schema().named(name).categories[-len(shares) :]
            made[name] = _category(name, rng.choice(levels, size=n, p=shares))
    return pd.DataFrame(made)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChangingClinic:
    """Patients of a clinic before and after a change, and what the change really did."""

    table: pd.DataFrame
    effect_days: float
    trend_days_a_month: float


def changing_clinic(*, seed: int) -> ChangingClinic:
    """
    Recovery over two years with a change after the first: a trend, a shift in case mix and a planted effect.

    Columns ``participant_id, month (0-based), portrait_period, age_years, healing_days``.
    """
    recipe = _recipe()["before_after"]
    rng = stream(seed, "portraits", "clinic")
    months, each = int(recipe["months"]), int(recipe["patients_a_month"])
    month = np.repeat(np.arange(2 * months), each)
    after = month >= months
    age = rng.normal(np.where(after, recipe["age_after"], recipe["age_before"]), recipe["age_sd"])
    days = (
        recipe["healing_days"]
        + recipe["trend_days_a_month"] * month
        + recipe["effect_days"] * after
        + recipe["day_per_year_of_age"] * (age - recipe["age_before"])
        + rng.normal(0, recipe["sd_days"], len(month))
    )
    table = pd.DataFrame({
        "participant_id": [f"D{i:03d}" for i in range(1, len(month) + 1)], "month": month.astype(float),
        "portrait_period": _category("portrait_period", np.where(after, "after", "before")),
        "age_years": np.round(age), "healing_days": np.round(np.maximum(days, 5.0)),
    })  # fmt: skip
    return ChangingClinic(table=table, effect_days=float(recipe["effect_days"]),
                          trend_days_a_month=float(recipe["trend_days_a_month"]))  # fmt: skip
