"""One prediction question, from table to judged models: cross-validated risks, compared, calibrated, explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.core.errors import NotEnoughData
from osteon.core.seeds import stream
from osteon.models.evaluate import CrossValidated, nested_cv_many
from osteon.models.train import ModelSpec, TrainOptions
from osteon.stats.accuracy import DiagnosticAccuracy, at_threshold
from osteon.stats.auc import Auc, AucDifference, RocCurve, auc, compare_aucs, roc_curve, youden_threshold
from osteon.stats.calibration import Brier, Calibration, brier, calibration
from osteon.stats.decision import DecisionCurves, decision_curves
from osteon.stats.reclassification import (
    DiscriminationImprovement,
    NetReclassification,
    discrimination_improvement,
    net_reclassification,
)
from osteon.studies.risk_plan import Absent, TaskPlan
from osteon.studies.risk_scores import ScoreColumn

__all__ = ["Judged", "Reclassified", "TaskResult", "TaskSettings", "judged_task"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    """How a task is judged."""

    folds: int = 5
    repeats: int = 1
    train: TrainOptions = field(default_factory=TrainOptions)
    thresholds: tuple[float, ...] = (0.05, 0.1, 0.2)
    sensitivity_targets: tuple[float, ...] = (0.9,)
    decision_resamples: int = 200
    fewest_events: int = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """One model or score, on the rows that have its value; ``risk`` covers all rows of the task (NaN = none)."""

    name: str
    kind: str  # "model" or "score"
    auc: Auc
    roc: RocCurve
    calibration: Calibration
    brier: Brier
    at_youden: DiagnosticAccuracy
    youden_threshold: float
    at_thresholds: Mapping[float, DiagnosticAccuracy]
    risk: Floats
    probability: Floats
    predictors: tuple[str, ...]
    learner: str = ""
    fold_aucs: tuple[float, ...] = ()
    auc_by_repeat: tuple[float, ...] = ()
    chosen: tuple[Mapping[str, object], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclassified:
    """What a model changes against a reference."""

    new: str
    old: str
    continuous: NetReclassification
    categorical: NetReclassification
    idi: DiscriminationImprovement
    n: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskResult:
    """A question answered."""

    task: str
    outcome: str
    n: int
    events: int
    rows: pd.Index
    y_true: Flags
    judged: Mapping[str, Judged]
    absent: tuple[Absent, ...]
    primary: str
    differences: tuple[AucDifference, ...]
    reclassified: tuple[Reclassified, ...]
    decision: DecisionCurves
    horizon_years: int | None = None
    notes: tuple[str, ...] = ()


def judged_task(
    table: pd.DataFrame,
    plan: TaskPlan,
    scores: tuple[ScoreColumn, ...],
    absent: tuple[Absent, ...],
    *,
    settings: TaskSettings,
    seed: int,
    checkpoint: Path | None = None,
) -> TaskResult:
    """
    Cross-validate every planned model on the rows whose outcome is known, judge it, and set it beside the scores.

    Raises
    ------
    NotEnoughData
        The outcome has one class only, or fewer events (or non-events) than ``settings.fewest_events``.
    """
    question = plan.question
    known = table[question.outcome].notna().to_numpy()
    rows = table.loc[known]
    y_true = rows[question.outcome].to_numpy(dtype=np.float64) > 0.5
    _enough(y_true, question.outcome, settings.fewest_events)
    fits = nested_cv_many(
        rows, y_true, plan.specs, options=settings.train, folds=settings.folds, repeats=settings.repeats,
        seed=seed, checkpoint=checkpoint,
    )  # fmt: skip
    judged = {spec.name: _judged_model(y_true, spec, fits[spec.name], settings) for spec in plan.specs}
    for score in scores:
        judged[score.name] = _judged_score(y_true, score, score.risk[known], settings, seed)
    best = [name for name in judged if judged[name].kind == "model"]
    primary = plan.primary if plan.primary in judged else best[0]
    reference = [name for name in judged if judged[name].kind == "score"]
    compared = _with_probability(judged, (*best, *reference))
    return TaskResult(
        task=question.task,
        outcome=question.outcome,
        n=len(y_true),
        events=int(y_true.sum()),
        rows=rows.index,
        y_true=y_true,
        judged=judged,
        absent=(*plan.absent, *absent),
        primary=primary,
        differences=_differences(y_true, judged, primary),
        reclassified=_reclassified(y_true, judged, primary, reference),
        decision=_decision(y_true, compared, settings, seed),
        horizon_years=question.horizon_years,
    )


def _enough(y_true: Flags, outcome: str, fewest: int) -> None:
    events, others = int(y_true.sum()), int((~y_true).sum())
    if min(events, others) == 0:
        only = "events" if events else "non-events"
        raise NotEnoughData(
            f"outcome {outcome}: all {len(y_true)} rows with a known outcome are {only}, one class only.",
            hint="A risk model needs people with and without the outcome.",
        )
    if min(events, others) < fewest:
        raise NotEnoughData(
            f"outcome {outcome}: {events} events among {len(y_true)} rows, at least {fewest} of each class are needed.",
            hint="Give a larger table; fewer would only fit noise.",
        )


def _judged_model(y_true: Flags, spec: ModelSpec, fit: CrossValidated, settings: TaskSettings) -> Judged:
    return _judged(
        y_true, name=spec.name, kind="model", risk=fit.risk, probability=fit.risk, predictors=spec.predictors,
        learner=spec.learner, settings=settings, fold_aucs=tuple(fit.fold_auc), auc_by_repeat=tuple(fit.auc_by_repeat), chosen=tuple(fit.chosen), notes=fit.notes,
    )  # fmt: skip


def _judged_score(
    y_true: Flags, score: ScoreColumn, risk: Floats, settings: TaskSettings, seed: int
) -> Judged:
    """A score is judged as it stands for discrimination; for calibration and benefit it is mapped to a probability."""
    held = np.isfinite(risk)
    spec = ModelSpec(name=score.name, learner="logistic", predictors=("score",))
    one = pd.DataFrame({"score": risk[held]})
    fits = nested_cv_many(
        one, y_true[held], (spec,), options=settings.train, folds=settings.folds, repeats=1, seed=seed
    )
    probability = np.full(len(risk), np.nan)
    probability[held] = fits[score.name].risk
    return _judged(
        y_true, name=score.name, kind="score", risk=risk, probability=probability, predictors=score.inputs,
        settings=settings, notes=(*score.notes, "probability_by_cross_validated_logistic"),
    )  # fmt: skip


def _judged(
    y_true: Flags, *, name: str, kind: str, risk: Floats, probability: Floats, predictors: tuple[str, ...],
    settings: TaskSettings, learner: str = "", fold_aucs: tuple[float, ...] = (), auc_by_repeat: tuple[float, ...] = (),
    chosen: tuple[Mapping[str, object], ...] = (), notes: tuple[str, ...] = (),
) -> Judged:  # fmt: skip
    held = np.isfinite(risk)
    y, p = y_true[held], probability[held]
    youden = youden_threshold(y, p)
    return Judged(
        name=name,
        kind=kind,
        auc=auc(y, risk[held]),
        roc=roc_curve(y, risk[held]),
        calibration=calibration(y, p),
        brier=brier(y, p),
        at_youden=at_threshold(y, p, threshold=youden.threshold),
        youden_threshold=youden.threshold,
        at_thresholds={t: at_threshold(y, p, threshold=t) for t in settings.thresholds},
        risk=risk,
        probability=probability,
        predictors=predictors,
        learner=learner,
        fold_aucs=fold_aucs,
        auc_by_repeat=auc_by_repeat,
        chosen=chosen,
        notes=notes,
    )


def _differences(y_true: Flags, judged: Mapping[str, Judged], primary: str) -> tuple[AucDifference, ...]:
    """Every model and score against the primary model, on the rows that have both (paired DeLong)."""
    lines = []
    for name, other in judged.items():
        if name == primary:
            continue
        both = np.isfinite(other.risk) & np.isfinite(judged[primary].risk)
        pair = compare_aucs(y_true[both], {primary: judged[primary].risk[both], name: other.risk[both]})
        lines.append(pair.pairs[0])
    return tuple(lines)


def _reclassified(
    y_true: Flags, judged: Mapping[str, Judged], primary: str, references: list[str]
) -> tuple[Reclassified, ...]:
    """
    The primary model against each score, as probabilities on the rows that have both.

    A score whose AUC is below one half orders people the wrong way round; the mapping to probabilities would turn it
    round unasked, so nothing is reclassified against it.
    """
    lines = []
    for name in (n for n in references if judged[n].auc.value > 0.5):
        both = np.isfinite(judged[name].probability) & np.isfinite(judged[primary].probability)
        y, old, new = y_true[both], judged[name].probability[both], judged[primary].probability[both]
        share = float(y.mean())
        lines.append(
            Reclassified(
                new=primary,
                old=name,
                continuous=net_reclassification(y, old, new),
                categorical=net_reclassification(
                    y, old, new, cuts=(share / 2, share, 2 * share) if share < 0.4 else (0.25, 0.5)
                ),
                idi=discrimination_improvement(y, old, new),
                n=int(both.sum()),
            )
        )
    return tuple(lines)


def _with_probability(judged: Mapping[str, Judged], names: tuple[str, ...]) -> dict[str, Floats]:
    return {name: judged[name].probability for name in names}


def _decision(
    y_true: Flags, risks: Mapping[str, Floats], settings: TaskSettings, seed: int
) -> DecisionCurves:
    """Net benefit of all models on the rows that have every probability."""
    complete = np.all([np.isfinite(p) for p in risks.values()], axis=0)
    top = min(0.6, max(0.2, 3 * float(y_true.mean())))
    thresholds = np.linspace(0.01, top, 60)
    return decision_curves(
        y_true[complete], {name: p[complete] for name, p in risks.items()}, thresholds=thresholds,
        rng=stream(seed, "decision"), n_boot=settings.decision_resamples,
    )  # fmt: skip
