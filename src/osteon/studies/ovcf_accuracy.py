"""Accuracy of each reader in each arm, and the two arms compared on the same cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from osteon.domain.anatomy import LEVELS
from osteon.stats.agreement import Kappa, cross_table
from osteon.stats.clustered import ClusteredMcNemar
from osteon.stats.compare import Comparison
from osteon.studies.ovcf_levels import levels_apart
from osteon.studies.ovcf_reads import CONSENSUS, NONE_TYPE, TYPES, Reads
from osteon.studies.ovcf_shares import Share, as_two_groups, kappa_of, kappa_of_many, paired_of, share_of

__all__ = ["MEASURES", "Agreement", "ArmAccuracy", "Cells", "DenisPaired", "DenisTable", "PairedTest", "Share",
           "accuracies", "agreements", "denis_paired", "denis_tables", "paired_tests", "wide"]  # fmt: skip

MEASURES = ("accuracy", "sensitivity", "specificity", "ppv", "npv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Calls against MRI in four counts."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def n(self) -> int:
        """Units called."""
        return self.true_positive + self.false_positive + self.false_negative + self.true_negative


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAccuracy:
    """
    One reader (or the consensus, or the AI alone) in one arm against MRI.

    A share is None where no unit is below the line, kappa where the units read are of one class of truth.
    """

    reader: str
    arm: str
    cells: Cells
    shares: dict[str, Share | None]
    kappa: Kappa | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTest:
    """
    The two arms of one reader on the same units.

    ``paired`` is McNemar's test over patients (None where there is no unit), ``unpaired`` the chi-square of the
    published study, which takes the arms for two groups of people (None where it is 0/0).
    """

    reader: str
    measure: str
    ct: Share
    ct_ai: Share
    paired: ClusteredMcNemar | None
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
    of_called: Share | None
    of_fractures: Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DenisPaired:
    """
    Right types of one reader in both arms.

    ``ct``, ``ct_ai`` and ``paired`` count every MRI fracture that is typed in both arms or missed; ``called_ct``,
    ``called_ct_ai`` and ``unpaired`` are the published study's, of those called positive in each arm.
    """

    reader: str
    ct: Share
    ct_ai: Share
    paired: ClusteredMcNemar | None
    called_ct: Share | None
    called_ct_ai: Share | None
    unpaired: Comparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """
    Readers among themselves in one arm.

    ``what`` is "call", "rating" (quadratic weights), "denis", "level" (where all called) or "genant" (quadratic
    weights). ``within_one``: all of them within one step, where there are steps.
    """

    arm: str
    what: str
    readers: tuple[str, ...]
    kappa: Kappa | None
    same: Share | None
    within_one: Share | None


def wide(reads: Reads, column: str, reader: str) -> pd.DataFrame:
    """One column of one reader as a table of units by arm."""
    rows = reads.table[reads.table["reader"] == reader]
    return rows.pivot(index="unit", columns="arm", values=column)


def accuracies(reads: Reads, keep: pd.Series | None = None) -> tuple[ArmAccuracy, ...]:
    """Every reader and the consensus in every arm, then the AI alone where its calls are in the table."""
    table = reads.table if keep is None else reads.table.loc[keep]
    found = []
    for reader in _everyone(reads):
        for arm in reads.arms:
            rows = table[(table["reader"] == reader) & (table["arm"] == arm)]
            if len(rows):
                found.append(_accuracy(rows, reader, arm, rows["call"]))
    marked = table[table["ai_call"].notna()].drop_duplicates("unit")
    if len(marked):
        found.append(_accuracy(marked, "ai", "ai", marked["ai_call"]))
    return tuple(found)


def _accuracy(rows: pd.DataFrame, reader: str, arm: str, call: pd.Series) -> ArmAccuracy:
    said, true = call.to_numpy() == 1, rows["mri_fracture"].to_numpy() == 1
    cells = Cells(
        true_positive=int((said & true).sum()), false_positive=int((said & ~true).sum()),
        false_negative=int((~said & true).sum()), true_negative=int((~said & ~true).sum()),
    )  # fmt: skip
    cases = rows["case"].to_numpy()
    inside = dict(zip(MEASURES, (np.ones_like(true), true, ~true, said, ~said), strict=True))
    shares = {name: share_of((said == true)[inside[name]], cases[inside[name]]) for name in MEASURES}
    both = true.any() and not true.all()
    kappa = kappa_of(said.tolist(), true.tolist(), cases, categories=(True, False)) if both else None
    return ArmAccuracy(reader=reader, arm=arm, cells=cells, shares=shares, kappa=kappa)


def paired_tests(reads: Reads) -> tuple[PairedTest, ...]:
    """Accuracy, sensitivity and specificity of the arms on the units that a reader read in both."""
    if len(reads.arms) < 2:
        return ()
    found = []
    for reader in _everyone(reads):
        calls = wide(reads, "call", reader).reindex(columns=list(reads.arms)).dropna()
        truth = reads.truth.loc[calls.index]
        true, cases = truth["mri_fracture"].to_numpy() == 1, truth["case"].to_numpy()
        right = (calls.to_numpy() == 1) == true[:, None]
        for measure, inside in (("accuracy", true | True), ("sensitivity", true), ("specificity", ~true)):
            test = _paired(reader, measure, right[inside], cases[inside])
            if test is not None:
                found.append(test)
    return tuple(found)


def _everyone(reads: Reads) -> tuple[str, ...]:
    """The readers, then the consensus where there is one."""
    return (*reads.readers, *((CONSENSUS,) if reads.has_consensus else ()))


def _paired(reader: str, measure: str, right: np.ndarray, cases: np.ndarray) -> PairedTest | None:
    ct, ct_ai = (share_of(arm, cases) for arm in right.T)
    if ct is None or ct_ai is None:
        return None
    return PairedTest(
        reader=reader, measure=measure, ct=ct, ct_ai=ct_ai, paired=paired_of(right[:, 0], right[:, 1], cases),
        unpaired=as_two_groups(*((share.k, share.n - share.k) for share in (ct, ct_ai))),
    )  # fmt: skip


def denis_tables(reads: Reads) -> tuple[DenisTable, ...]:
    """The type table of every reader and arm, where types were given."""
    if not reads.table["mri_denis"].isin(TYPES).any():
        return ()
    return tuple(_denis_tables(reads))


def _denis_tables(reads: Reads) -> Iterator[DenisTable]:
    order = (*TYPES, NONE_TYPE)
    for reader in _everyone(reads):
        for arm in reads.arms:
            typed = _typed(reads, reader, arm)
            if not typed["theirs"].isin(TYPES).any():
                continue
            everybody = cross_table(typed["theirs"].tolist(), typed["true"].tolist(), categories=order).counts
            called = everybody.copy()
            called[-1] = 0
            positive, broken = typed[typed["theirs"] != NONE_TYPE], typed[typed["true"] != NONE_TYPE]
            yield DenisTable(
                reader=reader, arm=arm, called=called, everybody=everybody, kappa_called=_type_kappa(positive),
                kappa_all=_type_kappa(typed), of_called=_types_right(positive), of_fractures=_types_right(broken),
            )  # fmt: skip


def _typed(reads: Reads, reader: str, arm: str) -> pd.DataFrame:
    """
    Type by the reader and by MRI, one row a unit, "-" for not called and not fractured.

    A call or a fracture without a type cannot be judged and is left out.
    """
    table = reads.table
    rows = table[(table["reader"] == reader) & (table["arm"] == arm)]
    rows = rows[(rows["mri_fracture"] == 0) | rows["mri_denis"].isin(TYPES)]
    rows = rows[(rows["call"] == 0) | rows["denis"].isin(TYPES)]
    return pd.DataFrame(
        {
            "case": rows["case"],
            "theirs": rows["denis"].where(rows["call"] == 1, NONE_TYPE),
            "true": rows["mri_denis"].where(rows["mri_fracture"] == 1, NONE_TYPE),
        }
    ).set_index(rows["unit"])


def _type_kappa(typed: pd.DataFrame) -> Kappa | None:
    if typed.empty:
        return None
    return kappa_of(typed["theirs"].tolist(), typed["true"].tolist(), typed["case"].to_numpy(),
                    categories=(*TYPES, NONE_TYPE))  # fmt: skip


def _types_right(typed: pd.DataFrame) -> Share | None:
    return share_of(typed["theirs"] == typed["true"], typed["case"].to_numpy())


def denis_paired(reads: Reads) -> tuple[DenisPaired, ...]:
    """Right types of every reader in both arms on the same fractures, with the published study's test beside."""
    if len(reads.arms) < 2 or not denis_tables(reads):
        return ()
    found = []
    for reader in _everyone(reads):
        arms = [_typed(reads, reader, arm) for arm in reads.arms]
        broken = [typed[typed["true"] != NONE_TYPE] for typed in arms]
        units = broken[0].index.intersection(broken[1].index)
        right = [(typed["theirs"] == typed["true"]).loc[units].to_numpy() for typed in broken]
        cases = broken[0].loc[units, "case"].to_numpy()
        shares = [share_of(arm, cases) for arm in right]
        called = [_types_right(typed[typed["theirs"] != NONE_TYPE]) for typed in arms]
        if shares[0] is None or shares[1] is None:
            continue
        counts = [(share.k, share.n - share.k) for share in called if share is not None]
        found.append(
            DenisPaired(
                reader=reader, ct=shares[0], ct_ai=shares[1], paired=paired_of(right[0], right[1], cases), called_ct=called[0],
                called_ct_ai=called[1], unpaired=as_two_groups(*counts) if len(counts) == 2 else None,
            )
        )  # fmt: skip
    return tuple(found)


CATEGORIES: dict[str, tuple[object, ...]] = {
    "call": (0.0, 1.0), "rating": (1.0, 2.0, 3.0, 4.0, 5.0), "denis": (*TYPES, NONE_TYPE), "level": LEVELS,
    "genant": (0.0, 1.0, 2.0, 3.0),
}  # fmt: skip
"""What readers may agree on, in order."""


def agreements(reads: Reads, least: float) -> tuple[Agreement, ...]:
    """
    Readers among themselves: two by Cohen's kappa, more by Fleiss', on the units all of them read.

    Readers who called fewer than the share ``least`` of the units in an arm are left out there: they would leave the
    others their few units.
    """
    found = []
    case = reads.truth["case"]
    for arm in reads.arms:
        rows = reads.table[(reads.table["arm"] == arm) & reads.table["reader"].isin(reads.readers)]
        read = rows["reader"].value_counts()
        readers = tuple(reader for reader in reads.readers if read.get(reader, 0) / len(case) >= least)
        for what in CATEGORIES if len(readers) > 1 else ():
            said = rows[rows["reader"].isin(readers)]
            if what == "level":
                # a vertebra read by itself has its level; where no fracture was called there is none
                said = said[(said["call"] == 1) & (not reads.per_vertebra)]
            values = said[what].where(said["call"] == 1, NONE_TYPE) if what == "denis" else said[what]
            calls = said.assign(value=values).pivot(index="unit", columns="reader", values="value").dropna()
            if len(calls) >= 2 and calls.shape[1] == len(readers):
                found.append(_agreement(arm, what, calls, case.loc[calls.index].to_numpy()))
    return tuple(found)


def _agreement(arm: str, what: str, calls: pd.DataFrame, cases: np.ndarray) -> Agreement:
    categories = CATEGORIES[what]
    spread = np.array([_spread(what, row) for row in calls.to_numpy().tolist()])
    kappa: Kappa | None
    if calls.shape[1] == 2:
        first, second = (calls[name].tolist() for name in calls.columns)
        weights: Literal["none", "quadratic"] = "quadratic" if what in ("rating", "genant") else "none"
        kappa = kappa_of(first, second, cases, categories=categories, weights=weights)
    else:
        kappa = kappa_of_many(calls.to_numpy().tolist(), cases, categories=categories)
    return Agreement(arm=arm, what=what, readers=tuple(calls.columns), kappa=kappa,
                     same=share_of(spread == 0, cases),
                     within_one=share_of(spread <= 1, cases) if what in ("rating", "level", "genant") else None)  # fmt: skip


def _spread(what: str, said: list[Any]) -> int:
    """Steps between those furthest apart."""
    if what == "level":
        return max(levels_apart(a, b) for a in said for b in said)
    steps = [CATEGORIES[what].index(call) for call in said]
    return max(steps) - min(steps)
