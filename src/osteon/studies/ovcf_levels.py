"""Did the readers find the right vertebra, and did they grade it as the reference does?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from osteon.domain.anatomy import LEVELS, level_rank
from osteon.stats.agreement import Kappa
from osteon.studies.ovcf_reads import CONSENSUS, Reads
from osteon.studies.ovcf_shares import Share, kappa_of, share_of

__all__ = ["GenantAgreement", "LevelAgreement", "genant_agreements", "level_agreements", "levels_apart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelAgreement:
    """
    Levels of one reader in one arm against MRI.

    ``found``: fractures on MRI called at their own level, of all of them (a missed fracture counts as not found).
    ``exact``, ``within_one``, ``kappa``: of the fractures called with a level.
    """

    reader: str
    arm: str
    found: Share | None
    exact: Share | None
    within_one: Share | None
    kappa: Kappa | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenantAgreement:
    """Genant grades of one reader in one arm against the reference; kappa with quadratic weights."""

    reader: str
    arm: str
    exact: Share | None
    within_one: Share | None
    kappa: Kappa | None


def levels_apart(first: str, second: str) -> int:
    """
    How many vertebrae lie from one level to the other; T13 and L6, which few people have, count only where named.

    Examples
    --------
    >>> levels_apart("T12", "L1"), levels_apart("L2", "T12"), levels_apart("T13", "L1"), levels_apart("L5", "S1")
    (1, 2, 1, 1)
    """
    low, high = sorted((level_rank(first), level_rank(second)))
    return high - low - sum(low < level_rank(extra) < high for extra in ("T13", "L6"))


def _each(reads: Reads) -> list[tuple[str, str, pd.DataFrame]]:
    """Reader, arm and their rows."""
    who = (*reads.readers, *((CONSENSUS,) if reads.has_consensus else ()))
    table = reads.table
    return [
        (reader, arm, table[(table["reader"] == reader) & (table["arm"] == arm)])
        for reader in who
        for arm in reads.arms
    ]


def level_agreements(reads: Reads) -> tuple[LevelAgreement, ...]:
    """Every reader and arm where levels and those of MRI are given; none where vertebrae are read one by one."""
    if reads.per_vertebra:
        return ()
    found = []
    for reader, arm, rows in _each(reads):
        broken = rows[(rows["mri_fracture"] == 1) & rows["mri_level"].notna()]
        called = broken[(broken["call"] == 1) & broken["level"].notna()]
        judged = broken[(broken["call"] == 0) | broken["level"].notna()]
        if called.empty:
            continue
        gap = np.array(
            [levels_apart(*pair) for pair in zip(called["level"], called["mri_level"], strict=True)]
        )
        cases = called["case"].to_numpy()
        right = (judged["call"] == 1) & (judged["level"] == judged["mri_level"])
        found.append(
            LevelAgreement(
                reader=reader, arm=arm, found=share_of(right, judged["case"].to_numpy()), exact=share_of(gap == 0, cases),
                within_one=share_of(gap <= 1, cases),
                kappa=kappa_of(called["level"].tolist(), called["mri_level"].tolist(), cases, categories=LEVELS),
            )
        )  # fmt: skip
    return tuple(found)


def genant_agreements(reads: Reads) -> tuple[GenantAgreement, ...]:
    """Every reader and arm where grades and reference grades are given."""
    found = []
    for reader, arm, rows in _each(reads):
        graded = rows[rows["genant"].notna() & rows["reference_genant"].notna()]
        if graded.empty:
            continue
        gap = (graded["genant"] - graded["reference_genant"]).abs().to_numpy()
        cases = graded["case"].to_numpy()
        kappa = kappa_of(graded["genant"].tolist(), graded["reference_genant"].tolist(), cases,
                         categories=(0.0, 1.0, 2.0, 3.0), weights="quadratic")  # fmt: skip
        found.append(GenantAgreement(reader=reader, arm=arm, exact=share_of(gap == 0, cases),
                                     within_one=share_of(gap <= 1, cases), kappa=kappa))  # fmt: skip
    return tuple(found)
