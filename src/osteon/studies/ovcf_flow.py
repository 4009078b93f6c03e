"""Which cases the main analysis uses: those of the published criteria with MRI inside the window; and the consensus."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from osteon.cohort.eligibility import Eligible, apply, criteria
from osteon.core.errors import NotEnoughData
from osteon.studies.ovcf_config import Protocol
from osteon.studies.ovcf_reads import CONSENSUS, NONE_TYPE, Reads

__all__ = ["Flow", "flow_of", "with_agreed"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flow:
    """
    From the cases of the table to those analysed.

    ``eligible`` is None where no column of the criteria is filled. ``late`` lists the remaining cases whose MRI
    lies outside the window, ``undated`` counts those whose days are not in the table (they stay).
    """

    cases: int
    eligible: Eligible | None
    late: tuple[str, ...]
    undated: int
    analysed: tuple[str, ...]

    @property
    def left_out(self) -> int:
        """Cases of the table that the main analysis does not use."""
        return self.cases - len(self.analysed)


def flow_of(reads: Reads, protocol: Protocol) -> Flow:
    """
    The published criteria on the cases, then the window to MRI, which counts days either way.

    Raises
    ------
    NotEnoughData
        No case is left, or one class of truth only.
    """
    cases = list(dict.fromkeys(reads.table["case"]))
    eligible = _eligible(reads)
    if eligible is not None:
        kept = set(eligible.table.index)
        left = [case for case in cases if case in kept]
    else:
        left = cases
    days = reads.table.drop_duplicates("case").set_index("case")["mri_days"].abs().reindex(left)
    late = tuple(days.index[days > protocol.mri_within_days])
    found = Flow(cases=len(cases), eligible=eligible, late=late, undated=int(days.isna().sum()),
                 analysed=tuple(case for case in left if case not in set(late)))  # fmt: skip
    classes = reads.of_cases(found.analysed).table["mri_fracture"].nunique()
    if classes < 2:
        raise NotEnoughData(
            f"{reads.source}: {len(found.analysed)} of {len(cases)} cases meet the criteria and the window to MRI, with "
            f"{classes} class of truth.",
            hint="Set mri_within_days in the design file, or leave out the columns of the criteria.",
        )
    return found


def _eligible(reads: Reads) -> Eligible | None:
    """The published criteria on the cases, where a column that they ask for is filled."""
    wanted = criteria("ovcf_reading")
    names = [column for criterion in wanted.criteria for column in criterion.columns]
    cases = reads.table.drop_duplicates("case").set_index("case")[names].dropna(axis=1, how="all")
    return None if cases.empty else apply(cases, wanted)


def with_agreed(reads: Reads, protocol: Protocol) -> Reads:
    """
    The readings with a consensus where all readers said the same, in a design that settles disagreements only.

    Without these rows the consensus would be judged on the hard cases alone.
    """
    if not protocol.consensus or protocol.consensus_cases == "all" or not reads.has_consensus:
        return reads
    table = reads.table
    there = set(map(tuple, table.loc[table["reader"] == CONSENSUS, ["unit", "arm"]].to_numpy()))
    rows = []
    for key, own in table[table["reader"] != CONSENSUS].groupby(["unit", "arm"], sort=False):
        typed = own["denis"].where(own["call"] == 1, NONE_TYPE)
        if (
            key not in there
            and len(own) == len(reads.readers)
            and own["call"].nunique() == 1
            and typed.nunique(dropna=False) == 1
        ):
            rows.append(_agreed(own))
    if not rows:
        return reads
    more = pd.DataFrame(rows, index=pd.RangeIndex(-len(rows), 0)).astype(table.dtypes)
    return replace(reads, table=pd.concat([table, more]))


def _agreed(own: pd.DataFrame) -> pd.Series:
    """The consensus row of readings that agree: what all say; nothing where they differ (level, grade, signs)."""
    row = own.iloc[0].copy()
    personal = ("session", "order", "washout_days", "locked", "blinded", "time_s", "rating")
    for name in own.columns.difference(["reader"]):
        if name in personal or own[name].nunique(dropna=False) > 1:
            row[name] = float("nan")
    row["reader"] = CONSENSUS
    return row
