"""Beyond one number for all: subgroups, matched people, equal alarm rates, and what a model listens to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.core.errors import NotEnoughData
from osteon.core.seeds import stream
from osteon.models.explain import PartialDependence, Shap, partial_dependence, shap_values
from osteon.models.train import ModelSpec, TrainedModel, TrainOptions, train
from osteon.stats.auc import Auc, auc
from osteon.stats.balance import Balance, balance_table
from osteon.stats.matching import Matching, match
from osteon.stats.propensity import propensity_score
from osteon.stats.proportion import Proportion, proportion
from osteon.studies.risk_task import TaskResult

__all__ = [
    "Alarm",
    "Explained",
    "MatchedCheck",
    "Subgroup",
    "alarms",
    "explained",
    "matched_check",
    "subgroups",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_SMALLEST_CLASS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroup:
    """Discrimination among some of the people; ``auc`` is None where a class is too small."""

    variable: str
    level: str
    n: int
    events: int
    auc: Auc | None
    p_difference: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Among people above the density cut who fracture: the share a model catches at the density's own alarm rate."""

    name: str
    reference: str
    alarm_rate: float
    caught: Proportion
    caught_by_reference: Proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedCheck:
    """The same comparison among people matched on age, sex and body mass index."""

    pairs: int
    covariates: tuple[str, ...]
    balance: tuple[Balance, ...]
    aucs: Mapping[str, Auc]
    aucs_before: Mapping[str, Auc]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explained:
    """A model trained on all rows and what moves it."""

    model: TrainedModel
    shap: Shap
    dependence: tuple[PartialDependence, ...]


def _labels(table: pd.DataFrame) -> dict[str, pd.Series]:
    """The prespecified subgroups a table allows: sex, age at 65, bone status, ethnicity, completeness."""
    groups: dict[str, pd.Series] = {}
    for name in ("sex", "ethnicity"):
        if name in table.columns:
            groups[name] = table[name].astype("object")
    if "age_years" in table.columns:
        age = table["age_years"]
        groups["age_group"] = pd.Series(np.where(age < 65, "below_65", "from_65"), table.index).where(
            age.notna()
        )
    if "t_femoral_neck" in table.columns:
        t = table["t_femoral_neck"]
        status = np.select([t <= -2.5, t < -1.0], ["osteoporosis", "low_bone_mass"], "normal")
        groups["bone_status"] = pd.Series(status, table.index).where(t.notna())
    return groups


def subgroups(table: pd.DataFrame, result: TaskResult, predictors: tuple[str, ...]) -> tuple[Subgroup, ...]:
    """
    The primary model's AUC in each prespecified subgroup of the task's rows.

    ``p_difference`` compares the levels of one variable as independent AUCs (chi-square with k - 1 df).
    """
    rows = table.loc[result.rows]
    groups = _labels(rows)
    held = rows[list(predictors)].notna().mean(axis=1)
    complete = np.select([held == 1.0, held >= 0.8], ["complete", "partial"], "deficient")
    groups["completeness"] = pd.Series(complete, rows.index)
    risk = result.judged[result.primary].risk
    found: list[Subgroup] = []
    for variable, labels in groups.items():
        if variable == "bone_status" and result.task.startswith("osteoporosis"):
            continue  # one class each: no AUC exists inside them
        levels = [level for level in _ordered(variable, labels) if (labels == level).sum() >= 2]
        if len(levels) < 2:
            continue  # everybody: the line of all people again
        lines = []
        for level in levels:
            inside = (labels == level).to_numpy()
            y, r = result.y_true[inside], risk[inside]
            enough = min(int(y.sum()), int((~y).sum())) >= _SMALLEST_CLASS
            lines.append(
                Subgroup(variable=variable, level=str(level), n=int(inside.sum()), events=int(y.sum()),
                         auc=auc(y, r) if enough else None)
            )  # fmt: skip
        p = _equality([line.auc for line in lines if line.auc is not None])
        found += [
            Subgroup(variable=s.variable, level=s.level, n=s.n, events=s.events, auc=s.auc, p_difference=p)
            for s in lines
        ]
    return tuple(found)


def _ordered(variable: str, labels: pd.Series) -> list[str]:
    fixed = {
        "bone_status": ["normal", "low_bone_mass", "osteoporosis"],
        "completeness": ["complete", "partial", "deficient"],
        "age_group": ["below_65", "from_65"],
    }
    present = list(labels.dropna().unique())
    return [level for level in fixed.get(variable, sorted(present, key=str)) if level in present]


def _equality(aucs: list[Auc]) -> float | None:
    if len(aucs) < 2:
        return None
    from scipy.stats import chi2

    weight = np.array([1 / a.se**2 for a in aucs])
    value = np.array([a.value for a in aucs])
    statistic = float(weight @ (value - weight @ value / weight.sum()) ** 2)
    return float(chi2.sf(statistic, len(aucs) - 1))


def alarms(table: pd.DataFrame, result: TaskResult) -> tuple[Alarm, ...]:
    """
    Each model against bone density (and imported FRAX): of those with T > -2.5 who have the outcome, who is caught?

    Each model raises as many alarms over all people as the reference does: femoral neck T <= -2.5, or
    FRAX major fracture >= 20 %. Alarms at random would catch the alarm rate.
    """
    rows = table.loc[result.rows]
    if "t_femoral_neck" not in rows.columns or result.task.startswith("osteoporosis"):
        return ()
    t = rows["t_femoral_neck"].to_numpy(dtype=np.float64)
    references = {"femoral_neck_bmd": np.where(np.isnan(t), np.nan, t <= -2.5)}
    if "frax_mof_pct" in rows.columns and rows["frax_mof_pct"].notna().sum() >= 50:
        frax = rows["frax_mof_pct"].to_numpy(dtype=np.float64)
        references["frax_mof"] = np.where(np.isnan(frax), np.nan, frax >= 20.0)
    lines = []
    for reference, alarm in references.items():
        for name, judged in result.judged.items():
            if name == reference:
                continue
            both = np.isfinite(alarm) & np.isfinite(judged.risk) & np.isfinite(t)
            rate = float(alarm[both].mean())
            sought = both & result.y_true & (t > -2.5)
            if not 0 < rate < 1 or sought.sum() < _SMALLEST_CLASS:
                continue
            caught = _caught(judged.risk[both], sought[both], rate)
            by_reference = int((alarm[sought] > 0.5).sum())
            lines.append(
                Alarm(name=name, reference=reference, alarm_rate=rate, caught=proportion(caught, int(sought.sum())),
                      caught_by_reference=proportion(by_reference, int(sought.sum())))
            )  # fmt: skip
    return tuple(lines)


def _caught(risk: Floats, sought: Flags, rate: float) -> int:
    """
    How many of ``sought`` are among the share ``rate`` of highest risk.

    Scores of few values (OST, age) tie at the cut: alarms left over go to the tied at random, so that their expected
    number is counted, rounded; without this a score of few values would raise fewer alarms than its rivals.
    """
    cut = np.quantile(risk, 1 - rate)
    above, tied = risk > cut, risk == cut
    left_over = max(rate * len(risk) - above.sum(), 0.0) / max(tied.sum(), 1)
    return round(float((above & sought).sum() + min(left_over, 1.0) * (tied & sought).sum()))


def matched_check(table: pd.DataFrame, result: TaskResult) -> MatchedCheck | None:
    """
    Pairs with and without the outcome, matched 1:1 on its propensity given age, sex and body mass index.

    What a model still separates there is not these columns. None where the columns or the pairs are too few.
    """
    rows = table.loc[result.rows]
    columns = [name for name in ("age_years", "sex", "bmi_kg_m2") if name in rows.columns]
    if len(columns) < 2:
        return None
    numbers = pd.DataFrame(
        {
            n: (rows[n] == "female").astype(float).where(rows[n].notna()) if n == "sex" else rows[n]
            for n in columns
        }
    )
    numbers = numbers.loc[:, numbers.nunique() > 1]
    usable = numbers.notna().all(axis=1).to_numpy()
    for judged in result.judged.values():
        if judged.kind == "model":
            usable = usable & np.isfinite(judged.risk)
    covariates = {name: numbers.loc[usable, name].to_numpy(dtype=np.float64) for name in numbers.columns}
    treated = result.y_true[usable]
    try:
        score = propensity_score(treated, np.column_stack(list(covariates.values()))).score
        matching: Matching = match(treated, score, caliper_sd=0.2)
    except NotEnoughData:
        return None
    if matching.n_matched < 2 * _SMALLEST_CLASS:
        return None
    paired = np.concatenate([matching.treated, matching.control])
    names = [name for name, judged in result.judged.items() if judged.kind == "model"]
    risks = {name: result.judged[name].risk[usable] for name in names}
    return MatchedCheck(
        pairs=matching.n_matched,
        covariates=tuple(covariates),
        balance=tuple(balance_table(covariates, treated, weights=matching.weights)),
        aucs={name: auc(treated[paired], risks[name][paired]) for name in names},
        aucs_before={name: auc(treated, risks[name]) for name in names},
    )


def explained(
    table: pd.DataFrame,
    result: TaskResult,
    spec: ModelSpec,
    *,
    options: TrainOptions,
    seed: int,
    rows: int = 800,
) -> Explained:
    """The model trained on all rows of the task, its SHAP values on a random part of them, its leading dependences."""
    people = table.loc[result.rows]
    model = train(people, result.y_true, spec=spec, options=options, seed=seed)
    chosen = stream(seed, "explained", spec.name).permutation(len(people))[:rows]
    part = people.iloc[np.sort(chosen)]
    shap = shap_values(model, part, seed=seed)
    leading = sorted(
        shap.variables, key=lambda v: -float(np.abs(shap.values[:, shap.variables.index(v)]).mean())
    )
    dependence = tuple(partial_dependence(model, part, variable=name) for name in leading[:6])
    return Explained(model=model, shap=shap, dependence=dependence)
