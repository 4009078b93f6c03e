"""Did the readings keep to the protocol? Every departure by its code, with how many rows and which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from osteon.studies.ovcf_config import Protocol
from osteon.studies.ovcf_reads import ARMS, CONSENSUS, TYPES, Reads

__all__ = ["Conformity", "conforming", "conformity"]

SHOWN_ROWS = 12
BALANCE = 0.1
"""How far the share of cases read with AI in a reader's first session may lie from one half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformity:
    """
    One demand of the protocol.

    ``n`` of the ``of`` readings (or cases) that could be judged depart from it; ``of`` 0 = the table does not say.
    ``unknown`` more should have been judged and could not. ``rows`` are the first rows of the file that depart.
    ``split``: reader, cases read with AI in the first session, cases of that session.
    """

    code: str
    n: int
    of: int
    unknown: int = 0
    rows: tuple[int, ...] = ()
    split: tuple[tuple[str, int, int], ...] = ()


def conformity(reads: Reads, protocol: Protocol) -> tuple[Conformity, ...]:
    """
    Every demand of the protocol with what departs from it.

    Codes: ``time_limit``, ``mri_window``, ``blinded``, ``both_arms``, ``order_known``, then those of the design:
    ``washout``, ``order_differs``, ``arms_alternate`` (two arms apart) or ``same_sitting``, ``locked`` (AI as second
    reader); ``type_given``, ``mri_signs``, ``mri_enhancement``, ``consensus``, ``consensus_washout``.
    """
    return tuple(_all(reads, protocol))


def _all(reads: Reads, protocol: Protocol) -> Iterator[Conformity]:
    table = reads.table
    own = table[table["reader"] != CONSENSUS]
    truth = table.drop_duplicates("case")
    everywhere = pd.Series(True, index=own.index)
    yield _rows("time_limit", own, own["time_s"] > protocol.time_limit_s, own["time_s"].notna())
    yield _rows(
        "mri_window", truth, truth["mri_days"].abs() > protocol.mri_within_days, truth["mri_days"].notna()
    )
    yield _rows("blinded", own, own["blinded"] == 0, own["blinded"].notna())
    pairs = own.groupby(["unit", "reader"])["arm"].nunique()
    yield Conformity(code="both_arms", n=int((pairs < 2).sum()), of=len(pairs))
    yield _rows("order_known", own, own["order"].isna(), everywhere)
    yield from _sequential(own) if protocol.sequential else _apart(own, protocol)
    called = own[own["call"] == 1]
    yield _rows("type_given", called, ~called["denis"].isin(TYPES), everywhere.loc[called.index])
    yield from _signs(table)
    agreed = table[table["reader"] == CONSENSUS]
    if protocol.consensus:
        units = table[["unit", "arm"]].drop_duplicates()
        yield Conformity(code="consensus", n=len(units) - len(agreed), of=len(units))
    if len(agreed) and not protocol.sequential:
        # rows that stand for what all readers said were no sitting of the consensus: they are not of the file
        yield _washout("consensus_washout", agreed[agreed.index >= 0], protocol)


def _signs(table: pd.DataFrame) -> Iterator[Conformity]:
    """
    Every MRI fracture rests on a sign of oedema; whether soft tissue enhanced was looked at.

    The published standard names enhancement beside the oedema signs; without contrast it cannot be judged, which is
    counted and does not make the fracture doubtful.
    """
    positive = table.drop_duplicates("unit")
    positive = positive[positive["mri_fracture"] == 1]
    signs = positive[["mri_t1_low", "mri_t2_high", "mri_stir_high"]]
    yield _rows("mri_signs", positive, (signs == 0).all(axis=1), signs.notna().all(axis=1))
    missing = positive["mri_enhancement"].isna()
    asked = pd.Series(bool(table["mri_enhancement"].notna().any()), index=positive.index)
    yield _rows("mri_enhancement", positive, missing, asked)


def _rows(code: str, table: pd.DataFrame, departs: pd.Series, judged: pd.Series) -> Conformity:
    rows, of = table.index[departs & judged], int(judged.sum())
    shown = tuple(int(row) for row in rows[:SHOWN_ROWS])
    return Conformity(code=code, n=len(rows), of=of, unknown=len(table) - of, rows=shown)


def _apart(own: pd.DataFrame, protocol: Protocol) -> Iterator[Conformity]:
    """Two arms with a washout: long enough, in another order, and each arm first for half of the cases."""
    yield _washout("washout", own, protocol)
    same = []
    for _, rows in own[own["order"].notna()].groupby("reader"):
        both = rows.pivot_table(index="unit", columns="arm", values="order").dropna()
        if both.shape[1] == 2 and len(both) > 2:
            ranks = both.rank().to_numpy()
            same.append(float(np.corrcoef(ranks.T)[0, 1]) > 0.9)
    yield Conformity(code="order_differs", n=sum(same), of=len(same))
    split = []
    for reader, rows in own[own["session"].notna()].groupby("reader"):
        first = rows.loc[rows["session"] == rows["session"].min(), "arm"] == ARMS[1]
        split.append((str(reader), int(first.sum()), len(first)))
    uneven = [abs(k - n / 2) > max(BALANCE * n, 0.5) for _, k, n in split]
    yield Conformity(code="arms_alternate", n=sum(uneven), of=len(split), split=tuple(split))


def _washout(code: str, table: pd.DataFrame, protocol: Protocol) -> Conformity:
    """The second readings of a case; one whose interval is not in the table cannot be judged."""
    days = table["washout_days"]
    found = _rows(code, table, days < protocol.washout_days, days.notna())
    twice = table.groupby(["unit", "reader"])["washout_days"].agg(["size", "count"])
    return replace(found, unknown=int(((twice["size"] > 1) & (twice["count"] == 0)).sum()))


def _sequential(own: pd.DataFrame) -> Iterator[Conformity]:
    """AI as second reader: both calls at the same place of the same session, the first locked before the marks."""
    place = own.pivot(index=["unit", "reader"], columns="arm", values=["session", "order"])
    place = place.reindex(columns=pd.MultiIndex.from_product([["session", "order"], ARMS])).dropna()
    gaps = (place.xs(ARMS[0], axis=1, level=1) != place.xs(ARMS[1], axis=1, level=1)).any(axis=1)
    yield Conformity(code="same_sitting", n=int(gaps.sum()), of=len(place))
    unaided = own[own["arm"] == ARMS[0]]
    yield _rows("locked", unaided, unaided["locked"] == 0, unaided["locked"].notna())


def conforming(reads: Reads, protocol: Protocol) -> pd.Series:
    """
    True for the readings that keep to limit, blinding and washout, as far as the table says.

    The consensus has no limit, and cannot be blind to the readers who settle it.

    AI as second reader has no washout; there a call that was not locked before the marks were shown departs, and so
    does the call with AI that followed it.
    """
    table = reads.table
    departs = ((table["time_s"] > protocol.time_limit_s) | (table["blinded"] == 0)) & (
        table["reader"] != CONSENSUS
    )
    if not protocol.sequential:
        return ~(departs | (table["washout_days"] < protocol.washout_days))
    loose = table[table["locked"] == 0].groupby(["unit", "reader"]).size().index
    return ~(departs | pd.MultiIndex.from_frame(table[["unit", "reader"]]).isin(loose))
