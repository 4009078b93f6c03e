"""Did the readings keep to the protocol? Every departure by its code, with how many rows and which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from osteon.studies.ovcf_config import Protocol
from osteon.studies.ovcf_reads import CONSENSUS, TYPES, Reads

__all__ = ["Conformity", "conforming", "conformity"]

SHOWN_ROWS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformity:
    """
    One demand of the protocol.

    ``n`` of the ``of`` readings (or cases) that could be judged depart from it; ``of`` 0 = the table does not say.
    ``rows`` are the first rows of the file that do.
    """

    code: str
    n: int
    of: int
    rows: tuple[int, ...] = ()


def conformity(reads: Reads, protocol: Protocol) -> tuple[Conformity, ...]:
    """
    Every demand of the protocol with what departs from it.

    Codes: ``time_limit``, ``mri_window``, ``blinded``, ``washout``, ``both_arms``, ``order_known``, ``order_differs``,
    ``arms_alternate``, ``type_given``, ``mri_signs``, ``consensus``.
    """
    return tuple(_all(reads, protocol))


def _all(reads: Reads, protocol: Protocol) -> Iterator[Conformity]:
    table = reads.table
    own = table[table["reader"] != CONSENSUS]
    truth = table.drop_duplicates("case")
    yield _rows("time_limit", own, own["time_s"] > protocol.time_limit_s, own["time_s"].notna())
    yield _rows("mri_window", truth, truth["mri_days"] > protocol.mri_within_days, truth["mri_days"].notna())
    yield _rows("blinded", own, own["blinded"] == 0, own["blinded"].notna())
    yield _rows("washout", own, own["washout_days"] < protocol.washout_days, own["washout_days"].notna())
    pairs = own.groupby(["unit", "reader"])["arm"].nunique()
    yield Conformity(code="both_arms", n=int((pairs < 2).sum()), of=len(pairs))
    yield from _order(own)
    called = own[own["call"] == 1]
    yield _rows("type_given", called, ~called["denis"].isin(TYPES), pd.Series(True, index=called.index))
    positive = table.drop_duplicates("unit")
    positive = positive[positive["mri_fracture"] == 1]
    signs = positive[["mri_t1_low", "mri_t2_high", "mri_stir_high"]]
    yield _rows("mri_signs", positive, (signs == 0).all(axis=1), signs.notna().all(axis=1))
    if protocol.consensus:
        agreed = table[table["reader"] == CONSENSUS]
        units = table[["unit", "arm"]].drop_duplicates()
        yield Conformity(code="consensus", n=len(units) - len(agreed), of=len(units))


def _rows(code: str, table: pd.DataFrame, departs: pd.Series, judged: pd.Series) -> Conformity:
    rows = table.index[departs & judged]
    return Conformity(
        code=code, n=len(rows), of=int(judged.sum()), rows=tuple(int(row) for row in rows[:SHOWN_ROWS])
    )


def _order(own: pd.DataFrame) -> Iterator[Conformity]:
    """Random order: known for all, different in the two arms, and not one arm first for everybody."""
    known = own["order"].notna()
    yield _rows("order_known", own, ~known, pd.Series(True, index=own.index))
    seen = own[known]
    same, readers = [], list(seen.groupby("reader"))
    for _, rows in readers:
        wide = rows.pivot_table(index="unit", columns="arm", values="order")
        both = wide.dropna()
        if both.shape[1] == 2 and len(both) > 2:
            ranks = both.rank().to_numpy()
            same.append(float(np.corrcoef(ranks.T)[0, 1]) > 0.9)
    yield Conformity(code="order_differs", n=sum(same), of=len(same))
    sessions = own[own["session"].notna()]
    first = [
        rows.loc[rows["session"] == rows["session"].min(), "arm"].nunique() < 2
        for _, rows in sessions.groupby("reader")
    ]
    yield Conformity(code="arms_alternate", n=sum(first), of=len(first))


def conforming(reads: Reads, protocol: Protocol) -> pd.Series:
    """True for the readings that keep to limit, blinding, washout and the window to MRI, as far as the table says."""
    table = reads.table
    return ~(
        (table["time_s"] > protocol.time_limit_s)
        | (table["blinded"] == 0)
        | (table["washout_days"] < protocol.washout_days)
        | (table["mri_days"] > protocol.mri_within_days)
    )
