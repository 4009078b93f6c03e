"""Portraits saved for `osteon score`, and new patients through them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from osteon.core.result import as_dict
from osteon.models.card import LIMITS, Metric, ModelCard, Predictor
from osteon.models.cluster import Grouping
from osteon.models.cluster_assign import PortraitModel
from osteon.models.registry import save_model
from osteon.report.words import LANGUAGES, words
from osteon.studies.portraits_groups import Card
from osteon.studies.portraits_result import Result
from osteon.studies.portraits_words import portrait_name

__all__ = ["portrait_scores", "write_portrait_models"]


def write_portrait_models(result: Result, folder: Path) -> None:
    """
    The portraits and their model cards below ``folder``: ``portrait``, and ``portrait-with-management`` where there is one.

    Nothing where no portrait was claimed, so that nobody is put into a group that is not.
    """
    found = result.found
    if found is not None and found.grouping.verdict == "groups":
        _write(found.model, found.grouping, found.cards, result, folder / "portrait")
    for each in result.survival:
        if each.claimed:
            name = "portrait" if each.name == "without" else "portrait-with-management"
            _write(each.assign, each.grouping, each.cards, result, folder / name)


def _write(
    model: PortraitModel, grouping: Grouping, cards: tuple[Card, ...], result: Result, folder: Path
) -> None:
    n = len(grouping.labels)
    numbers = tuple(
        Predictor(
            name=c.name, kind="ordinal" if c.levels else "number", low=c.low, high=c.high, levels=c.levels
        )
        for c in model.coding.numbers
    )
    categories = tuple(
        Predictor(name=c.name, kind="category", levels=c.levels) for c in model.coding.categories
    )
    stability = tuple(
        Metric(name="bootstrap_jaccard", value=card.jaccard, group=card.letter, n=card.n) for card in cards
    )
    card = ModelCard(
        name="portraits", version="1", task="portrait", learner=f"portraits_{grouping.options.method}",
        source=result.patients.cohort.source if result.patients is not None else "", n=n, events=0,
        simulated=result.simulated, predictors=(*numbers, *categories),
        metrics=(Metric(name="silhouette", value=grouping.silhouette, n=n), *stability),
        settings={"k": grouping.k, "plan_version": result.rules.version},
        intended_use="Research: to which portrait a new patient is nearest.",
        limits=(*LIMITS, "Holds coded rows and ids of the patients it was made from: keep it as you keep their records."),
        seed=result.provenance.seed or 0, code=as_dict(result.provenance).get("code", "") or "",
        notes=tuple(f"{c.letter}: {' '.join(c.name)}" for c in cards),
    )  # fmt: skip
    save_model(model, folder, card=card)


def portrait_scores(
    model: PortraitModel, card: ModelCard, table: pd.DataFrame, ids: list[str]
) -> pd.DataFrame:
    """One row a patient: the portrait, its probability and those of the others, nearest cases, gaps, range."""
    found = model.assign(table)
    codes = dict(note.split(": ", 1) for note in card.notes)
    names = {
        lang: [words(lang).say(portrait_name(tuple(codes.get(a, "").split()))) for a in model.names]
        for lang in LANGUAGES
    }
    shares = {f"probability_{name}": found.membership[:, g].round(4) for g, name in enumerate(model.names)}
    return pd.DataFrame({
        "participant_id": ids,
        "portrait": [model.names[g] for g in found.portrait],
        **{f"name_{lang}": [each[g] for g in found.portrait] for lang, each in names.items()},
        "probability": found.membership.max(axis=1).round(4),
        **shares,
        "nearest_cases": [" ".join(row) for row in found.nearest],
        "nearest_distance": found.distance[:, 0].round(4),
        "unlike_any_case": found.unlike_any,
        "n_missing": [len(row) for row in found.missing],
        "missing": [" ".join(row) for row in found.missing],
        "out_of_range": [" ".join(row) for row in found.out_of_range],
    })  # fmt: skip
