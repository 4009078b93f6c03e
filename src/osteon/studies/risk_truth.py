"""What the honest reader asks next: the ceiling of a model, the people with one site only, the size of the sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from osteon.stats.auc import Auc, auc
from osteon.stats.cox_snell import cox_snell_from_auc
from osteon.stats.samplesize import binary_model_size
from osteon.studies.risk_data import Loaded
from osteon.studies.risk_task import TaskResult

__all__ = ["BothSites", "SizeCheck", "TruthLine", "both_sites", "sample_size", "truth_lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthLine:
    """The best model of a predictor set beside the model that knows the truth."""

    task: str
    predictors: str
    bayes_here: float
    bayes_large: float
    best: str
    auc: Auc


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSites:
    """The prespecified model among people with neck and spine measured."""

    one_site: int
    both_sites: int
    auc: Auc


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeCheck:
    """The people there are beside the people a model of this size needs."""

    task: str
    n: int
    events: int
    parameters: int
    needed: int
    auc: float


def truth_lines(source: Loaded, results: Mapping[str, TaskResult]) -> tuple[TruthLine, ...]:
    """For invented people: the AUC of the true probability on the same rows, per task and predictor set."""
    lines = []
    for key, ceiling in source.bayes_auc.items():
        task, _, predictors = key.partition("|")
        if task not in results or source.truth is None:
            continue
        result = results[task]
        rivals = {
            n: j
            for n, j in result.judged.items()
            if j.kind == "model" and n.removeprefix(f"{predictors}_") == j.learner
        }
        if not rivals:
            continue
        best = max(rivals, key=lambda name: rivals[name].auc.value)
        truth = source.truth.loc[result.rows, key].to_numpy(dtype=np.float64)
        here = auc(result.y_true, truth).value
        lines.append(
            TruthLine(
                task=task,
                predictors=predictors,
                bayes_here=here,
                bayes_large=ceiling,
                best=best,
                auc=rivals[best].auc,
            )
        )
    return tuple(lines)


def both_sites(table: pd.DataFrame, result: TaskResult) -> BothSites | None:
    """The prespecified model's AUC where no unmeasured site was taken for healthy."""
    if result.outcome != "osteoporosis_fn_or_ls" or "both_sites_measured" not in table.columns:
        return None
    both = (table.loc[result.rows, "both_sites_measured"] == 1.0).to_numpy()
    if both.all() or min(result.y_true[both].sum(), (~result.y_true[both]).sum()) < 10:
        return None
    risk = result.judged[result.primary].risk
    return BothSites(
        one_site=int((~both).sum()), both_sites=int(both.sum()), auc=auc(result.y_true[both], risk[both])
    )


def sample_size(result: TaskResult, *, parameters: int) -> SizeCheck:
    """Riley's criteria at the observed prevalence and the AUC that was reached."""
    prevalence, reached = result.events / result.n, result.judged[result.primary].auc.value
    anticipated = min(max(reached, 0.55), 0.95)
    r2 = cox_snell_from_auc(anticipated, prevalence=prevalence)
    needed = binary_model_size(parameters=parameters, prevalence=prevalence, r2_cox_snell=r2).n
    return SizeCheck(
        task=result.task,
        n=result.n,
        events=result.events,
        parameters=parameters,
        needed=needed,
        auc=anticipated,
    )
