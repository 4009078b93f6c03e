"""Accuracy of each reader in each arm, and the two arms compared on the same cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from osteon.core.errors import NotEnoughData
from osteon.stats.accuracy import DiagnosticAccuracy, diagnostic_accuracy
from osteon.stats.agreement import (
    Kappa,
    McNemar,
    cohens_kappa,
    cross_table,
    fleiss_kappa,
    mcnemar,
    rating_counts,
)
from osteon.stats.compare import Comparison
from osteon.stats.contingency import chi_squared, expected_counts
from osteon.stats.proportion import Proportion, proportion
from osteon.stats.survey import survey_design, survey_proportion
from osteon.studies.ovcf_reads import CONSENSUS, NONE_TYPE, TYPES, Reads

__all__ = ["MEASURES", "Agreement", "ArmAccuracy", "DenisTable", "PairedTest", "Share", "accuracies", "agreements",
           "denis_tables", "paired_tests", "wide"]  # fmt: skip

MEASURES = ("accuracy", "sensitivity", "specificity", "ppv", "npv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """``k`` of ``n`` with an interval that knows which readings belong to one patient."""

    value: float
    low: float
    high: float
    k: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAccuracy:
    """One reader (or the consensus, or the AI alone) in one arm against MRI."""

    reader: str
    arm: str
    cells: DiagnosticAccuracy
    shares: dict[str, Share | None]
    kappa: Kappa | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTest:
    """
    The two arms of one reader on the same units.

    ``paired`` is McNemar's test (None where no unit differs), ``unpaired`` the chi-square of the published study,
    which takes the arms for two groups of people (None where it is 0/0).
    """

    reader: str
    measure: str
    ct: Proportion
    ct_ai: Proportion
    paired: McNemar | None
    unpaired: Comparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DenisTable:
    """
    Types of one reader in one arm: rows the reader's A, B, C, D, none; columns those of MRI.

    ``called`` holds the units called positive, as published (last row empty), with kappa and right types among them;
    ``kappa_all`` and ``of_fractures`` count the missed fractures too.
    """

    reader: str
    arm: str
    called: np.ndarray
    everybody: np.ndarray
    kappa_called: Kappa | None
    kappa_all: Kappa | None
    of_called: Proportion | None
    of_fractures: Proportion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Readers among themselves in one arm: ``what`` is "call", "rating" (quadratic weights) or "denis"."""

    arm: str
    what: str
    kappa: Kappa | None
    same: Proportion


def wide(reads: Reads, column: str, reader: str) -> pd.DataFrame:
    """One column of one reader as a table of units by arm."""
    rows = reads.table[reads.table["reader"] == reader]
    return rows.pivot(index="unit", columns="arm", values=column)


def accuracies(reads: Reads, keep: pd.Series | None = None) -> tuple[ArmAccuracy, ...]:
    """Every reader and the consensus in every arm, then the AI alone where its calls are in the table."""
    table = reads.table if keep is None else reads.table.loc[keep]
    found = []
    for reader in (*reads.readers, *((CONSENSUS,) if reads.has_consensus else ())):
        for arm in reads.arms:
            rows = table[(table["reader"] == reader) & (table["arm"] == arm)]
            if len(rows):
                found.append(_accuracy(rows, reader, arm, rows["call"], per_vertebra=reads.per_vertebra))
    marked = table[table["ai_call"].notna()].drop_duplicates("unit")
    if len(marked):
        found.append(_accuracy(marked, "ai", "ai", marked["ai_call"], per_vertebra=reads.per_vertebra))
    return tuple(found)


def _accuracy(
    rows: pd.DataFrame, reader: str, arm: str, call: pd.Series, *, per_vertebra: bool
) -> ArmAccuracy:
    said, true = call.to_numpy() == 1, rows["mri_fracture"].to_numpy() == 1
    if not true.any() or true.all():
        raise NotEnoughData(f"reader {reader}, arm {arm}: the cases read are of one class only.")
    cells = diagnostic_accuracy(
        true_positive=int((said & true).sum()), false_positive=int((said & ~true).sum()),
        false_negative=int((~said & true).sum()), true_negative=int((~said & ~true).sum()),
    )  # fmt: skip
    inside = {
        "accuracy": np.ones_like(true),
        "sensitivity": true,
        "specificity": ~true,
        "ppv": said,
        "npv": ~said,
    }
    shares = {}
    for name in MEASURES:
        share = getattr(cells, name)
        shares[name] = None if share is None else _share(
            share, said == true, inside[name], rows["case"].to_numpy() if per_vertebra else None
        )  # fmt: skip
    counts = [[cells.true_positive, cells.false_positive], [cells.false_negative, cells.true_negative]]
    return ArmAccuracy(reader=reader, arm=arm, cells=cells, shares=shares, kappa=_kappa(counts))


def _share(share: Proportion, right: np.ndarray, inside: np.ndarray, cases: np.ndarray | None) -> Share:
    """Wilson's interval; over patients (Taylor-linearised) where one patient brings several vertebrae."""
    ci = share.ci
    if cases is not None and np.unique(cases[inside]).size > 1:
        design = survey_design(np.ones(right.size), psu=cases)
        ci = survey_proportion(right.astype(float), design, domain=inside).ci
    return Share(value=share.value, low=ci.low, high=ci.high, k=share.k, n=share.n)


def _kappa(counts: Any, **options: Any) -> Kappa | None:
    """Cohen's kappa, None where it is 0/0."""
    try:
        return cohens_kappa(counts, **options)
    except NotEnoughData:
        return None


def paired_tests(reads: Reads) -> tuple[PairedTest, ...]:
    """Accuracy, sensitivity and specificity of the arms on the units that a reader read in both."""
    if len(reads.arms) < 2:
        return ()
    truth = reads.truth["mri_fracture"]
    found = []
    for reader in (*reads.readers, *((CONSENSUS,) if reads.has_consensus else ())):
        calls = wide(reads, "call", reader).reindex(columns=list(reads.arms)).dropna()
        true = truth.loc[calls.index].to_numpy() == 1
        right = (calls.to_numpy() == 1) == true[:, None]
        for measure, inside in (("accuracy", true | True), ("sensitivity", true), ("specificity", ~true)):
            if inside.any():
                found.append(_paired(reader, measure, right[inside]))
    return tuple(found)


def _paired(reader: str, measure: str, right: np.ndarray) -> PairedTest:
    first, second = right.T
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    rows = [(int(arm.sum()), int((~arm).sum())) for arm in (first, second)]
    try:
        unpaired = chi_squared(rows, continuity=bool((expected_counts(rows) < 5).any()))
    except NotEnoughData:
        unpaired = None
    return PairedTest(
        reader=reader, measure=measure, ct=proportion(rows[0][0], len(right)), ct_ai=proportion(rows[1][0], len(right)),
        paired=mcnemar(first_only=only_first, second_only=only_second) if only_first + only_second else None,
        unpaired=unpaired,
    )  # fmt: skip


def denis_tables(reads: Reads) -> tuple[DenisTable, ...]:
    """The type table of every reader and arm, where types were given."""
    if not reads.table["mri_denis"].isin(TYPES).any():
        return ()
    return tuple(_denis_tables(reads))


def _denis_tables(reads: Reads) -> Iterator[DenisTable]:
    table = reads.table
    order = (*TYPES, NONE_TYPE)
    for reader in (*reads.readers, *((CONSENSUS,) if reads.has_consensus else ())):
        for arm in reads.arms:
            rows = table[(table["reader"] == reader) & (table["arm"] == arm)]
            typed = rows[(rows["mri_fracture"] == 0) | rows["mri_denis"].isin(TYPES)]
            typed = typed[(typed["call"] == 0) | typed["denis"].isin(TYPES)]
            if not typed["denis"].isin(TYPES).any():
                continue
            theirs = typed["denis"].where(typed["call"] == 1, NONE_TYPE).tolist()
            true = typed["mri_denis"].where(typed["mri_fracture"] == 1, NONE_TYPE).tolist()
            everybody = cross_table(theirs, true, categories=order).counts
            called = everybody.copy()
            called[-1] = 0
            right, fractures = int(np.trace(called)), int(everybody[:, :4].sum())
            yield DenisTable(
                reader=reader, arm=arm, called=called, everybody=everybody, kappa_called=_kappa(called),
                kappa_all=_kappa(everybody),
                of_called=proportion(right, int(called.sum())) if called.sum() else None,
                of_fractures=proportion(right, fractures) if fractures else None,
            )  # fmt: skip


def agreements(reads: Reads) -> tuple[Agreement, ...]:
    """Readers among themselves: two by Cohen's kappa, more by Fleiss', on the units all of them read."""
    if len(reads.readers) < 2:
        return ()
    found = []
    for arm in reads.arms:
        for what in ("call", "rating", "denis"):
            rows = reads.table[(reads.table["arm"] == arm) & reads.table["reader"].isin(reads.readers)]
            values = rows[what].where(rows["call"] == 1, NONE_TYPE) if what == "denis" else rows[what]
            calls = rows.assign(value=values).pivot(index="unit", columns="reader", values="value").dropna()
            if len(calls) >= 2 and calls.shape[1] == len(reads.readers):
                found.append(_agreement(arm, what, calls))
    return tuple(found)


def _agreement(arm: str, what: str, calls: pd.DataFrame) -> Agreement:
    same = int((calls.nunique(axis=1) == 1).sum())
    categories = {"call": (0.0, 1.0), "rating": (1.0, 2.0, 3.0, 4.0, 5.0), "denis": (*TYPES, NONE_TYPE)}[what]
    kappa: Kappa | None
    if calls.shape[1] == 2:
        first, second = (calls[name].tolist() for name in calls.columns)
        table = cross_table(first, second, categories=categories).counts
        kappa = _kappa(table, weights="quadratic" if what == "rating" else "none")
    else:
        try:
            kappa = fleiss_kappa(rating_counts(calls.to_numpy().tolist(), categories=categories))
        except NotEnoughData:
            kappa = None
    return Agreement(arm=arm, what=what, kappa=kappa, same=proportion(same, len(calls)))
