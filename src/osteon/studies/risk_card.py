"""The card of the model a study recommends: what it saw, how it did, where it must not be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from osteon.cohort.schema import kind_of, schema
from osteon.core.provenance import Provenance
from osteon.models.card import Metric, ModelCard, Predictor, write_card
from osteon.models.checkpoint import data_hash
from osteon.models.registry import save_model
from osteon.models.train import TrainedModel
from osteon.stats.auc import Auc
from osteon.studies.risk_detail import Subgroup
from osteon.studies.risk_task import TaskResult

__all__ = ["model_card", "write_model"]

_METHOD = "nested cross-validation, pooled held-out risks"


def model_card(
    model: TrainedModel,
    table: pd.DataFrame,
    result: TaskResult,
    groups: tuple[Subgroup, ...],
    *,
    source: str,
    simulated: bool,
    provenance: Provenance,
) -> ModelCard:
    """The card of ``model``, trained on all rows of the task; its metrics are those of cross-validation."""
    judged = result.judged[result.primary]
    rows = table.loc[result.rows]
    fit = judged.calibration
    return ModelCard(
        name=f"{result.task}/{result.primary}",
        version=provenance.osteon,
        task=result.outcome,
        learner=model.spec.learner,
        source=source,
        n=model.n,
        events=model.events,
        simulated=simulated,
        predictors=tuple(_predictor(name, rows[name]) for name in model.used),
        preprocessing=(
            f"chained-equation imputation, m = {model.options.impute.m}, method {model.options.impute.method}",
            "z-scores and one-hot levels; restricted cubic splines of " + (", ".join(model.spec.knots) or "nothing"),
        ),
        metrics=(_metric("auc", judged.auc), Metric(name="brier", value=judged.brier.value, n=judged.auc.n, method=_METHOD)),
        calibration=(
            Metric(name="slope", value=fit.slope, low=fit.slope_ci.low, high=fit.slope_ci.high, method=_METHOD),
            Metric(name="in_the_large", value=fit.in_the_large, low=fit.in_the_large_ci.low,
                   high=fit.in_the_large_ci.high, method=_METHOD),
            Metric(name="ici", value=fit.ici, method=_METHOD),
        ),
        subgroups=tuple(_metric("auc", g.auc, group=f"{g.variable}={g.level}") for g in groups if g.auc is not None),
        seed=model.seed,
        code=provenance.code,
        data_sha256=data_hash(rows[list(model.used)], result.y_true),
        notes=model.notes,
    )  # fmt: skip


def write_model(model: TrainedModel, card: ModelCard, folder: Path, *, with_artefact: bool) -> None:
    """
    The card into ``folder``, with the fitted model beside it when asked.

    The artefact holds observed values of the training people (donors of the imputation): share it as you would
    share the table.
    """
    if with_artefact:
        save_model(model, folder, card=card)
    else:
        write_card(card, folder / "card.toml")


def _metric(name: str, value: Auc, *, group: str = "all") -> Metric:
    return Metric(name=name, value=value.value, low=value.ci.low, high=value.ci.high, group=group, n=value.n,
                  events=value.events, method=_METHOD)  # fmt: skip


def _predictor(name: str, column: pd.Series) -> Predictor:
    kind = kind_of(column)
    known = schema().fields.get(name)
    unit = known.unit if known else ""
    if kind in {"category", "ordinal"}:
        return Predictor(
            name=name, kind=kind, unit=unit, levels=tuple(str(level) for level in column.cat.categories)
        )
    values = column.to_numpy(dtype=np.float64)
    return Predictor(
        name=name, kind=kind, unit=unit, low=float(np.nanmin(values)), high=float(np.nanmax(values))
    )
