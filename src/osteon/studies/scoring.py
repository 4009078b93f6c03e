"""New patients through a saved model: risk or portrait, interval, what was missing, what lay outside the training range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from osteon.cohort.cohort import Cohort
from osteon.cohort.sources import table as tables
from osteon.cohort.sources.checked import checked
from osteon.core.errors import FileError, SchemaError
from osteon.core.files import staged_folder, write_json
from osteon.core.provenance import provenance
from osteon.core.result import as_dict
from osteon.models.card import ModelCard
from osteon.models.cluster_assign import PortraitModel
from osteon.models.registry import load_model
from osteon.studies.portraits_data import engineered
from osteon.studies.portraits_scoring import portrait_scores

__all__ = ["Scored", "score_to_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """How many were scored, how many of them with gaps or out of range."""

    n: int
    with_gaps: int
    out_of_range: int
    card: ModelCard


def score_to_folder(patients: Path, *, model: Path, out: Path, command: str = "") -> Scored:
    """
    Score every row of ``patients`` with the model in folder ``model``; writes scores.csv and results.json.

    Raises
    ------
    FileError
        The folder holds a card without its fitted model, or a file is missing or changed.
    """
    if not (model / "card.toml").is_file():
        raise FileError(
            f"{model}: holds no model card.", hint="Name a folder that a study wrote with save_models = true."
        )
    found = load_model(model)
    cohort = checked(tables.read(patients, leave_out_empty=True), where=str(patients))
    if isinstance(found.model, PortraitModel):
        return _portraits(cohort, found.model, found.card, patients=patients, out=out, command=command)
    table = _with_gaps(cohort.table, found.model.used)
    prediction = found.model.predict(table)
    ids = cohort.table["participant_id"] if "participant_id" in cohort.table.columns else cohort.table.index
    scores = pd.DataFrame({
        "participant_id": list(ids),
        "model": found.card.name,
        "outcome": found.card.task,
        "risk": prediction.risk,
        "low": prediction.low,
        "high": prediction.high,
        "n_missing": prediction.n_missing,
        "missing": [" ".join(names) for names in prediction.missing],
        "out_of_range": [" ".join(names) for names in prediction.out_of_range],
        "simulated": found.card.simulated,
    })  # fmt: skip
    summary = Scored(
        n=len(scores),
        with_gaps=_held(prediction.missing),
        out_of_range=_held(prediction.out_of_range),
        card=found.card,
    )
    with staged_folder(out) as stage:
        scores.to_csv(stage / "scores.csv", index=False)
        write_json(
            stage / "results.json",
            {
                "scored": {
                    "n": summary.n,
                    "with_gaps": summary.with_gaps,
                    "out_of_range": summary.out_of_range,
                },
                "simulated": found.card.simulated,
                "model": as_dict(found.card),
                "notes": [*prediction.notes, *(str(change) for change in cohort.log)],
                "provenance": as_dict(provenance(seed=found.card.seed, inputs=(patients,), command=command)),
            },
        )
    return summary


def _portraits(
    cohort: Cohort, model: PortraitModel, card: ModelCard, *, patients: Path, out: Path, command: str
) -> Scored:
    """The portrait of every row, written like risks are."""
    table = cohort.table.copy()
    log = (*cohort.log, *engineered(table))
    table = _with_gaps(table, model.used)
    ids = cohort.table["participant_id"] if "participant_id" in cohort.table.columns else cohort.table.index
    scores = portrait_scores(model, card, table, list(map(str, ids))).assign(simulated=card.simulated)
    gaps, outside = int((scores["n_missing"] > 0).sum()), int((scores["out_of_range"] != "").sum())
    with staged_folder(out) as stage:
        scores.to_csv(stage / "scores.csv", index=False)
        write_json(stage / "results.json", {
            "scored": {"n": len(scores), "with_gaps": gaps, "out_of_range": outside,
                       "unlike_any_case": int(scores["unlike_any_case"].sum())},
            "simulated": card.simulated, "model": as_dict(card), "notes": [str(change) for change in log],
            "provenance": as_dict(provenance(seed=card.seed, inputs=(patients,), command=command)),
        })  # fmt: skip
    return Scored(n=len(scores), with_gaps=gaps, out_of_range=outside, card=card)


def _with_gaps(table: pd.DataFrame, predictors: tuple[str, ...]) -> pd.DataFrame:
    """The table with absent predictors as empty columns, so that they are filled in and listed as missing."""
    absent = [name for name in predictors if name not in table.columns]
    if len(absent) > len(predictors) / 2:
        raise SchemaError(
            f"the table lacks {len(absent)} of the model's {len(predictors)} predictors ({', '.join(absent[:5])}, ...).",
            hint="At least half of them are needed; the rest is filled in and named in the scores.",
        )
    return table.assign(**dict.fromkeys(absent, np.nan))


def _held(names: Sequence[tuple[str, ...]]) -> int:
    return sum(bool(each) for each in names)
