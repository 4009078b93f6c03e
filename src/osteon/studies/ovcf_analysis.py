"""Everything a reading study says: accuracy, pairs, types, readers as a sample, time, and what AI changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from osteon.cohort.eligibility import Eligible
from osteon.core.errors import NotEnoughData
from osteon.core.result import Interval
from osteon.stats.clustered import ClusteredMcNemar
from osteon.stats.compare import paired_t_test, signed_rank
from osteon.studies.ovcf_accuracy import (
    Agreement,
    ArmAccuracy,
    DenisPaired,
    DenisTable,
    PairedTest,
    accuracies,
    agreements,
    denis_paired,
    denis_tables,
    paired_tests,
    wide,
)
from osteon.studies.ovcf_config import Config
from osteon.studies.ovcf_flow import Flow, flow_of, with_agreed
from osteon.studies.ovcf_levels import GenantAgreement, LevelAgreement, genant_agreements, level_agreements
from osteon.studies.ovcf_mrmc import MultiReader, multi_reader
from osteon.studies.ovcf_protocol import Conformity, conforming, conformity
from osteon.studies.ovcf_reads import CONSENSUS, Reads
from osteon.studies.ovcf_shares import Share, paired_of, share_of

__all__ = ["SIGNS", "Analysis", "Changed", "ReadingTime", "Sign", "analysed"]

SIGNS = ("spoke_wheel", "paravertebral_soft_tissue", "bone_destruction", "periosteal_reaction")
MRI_SIGNS = ("mri_t1_low", "mri_t2_high", "mri_stir_high", "mri_enhancement")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTime:
    """
    Seconds of one reader on the cases timed in both arms: medians with quartiles, and CT with AI minus CT alone.

    ``p`` is Wilcoxon's on the pairs; None where no pair changed. ``at_limit``: times of both arms at the protocol's
    limit or beyond; a reading that was cut off there is censored, and counts with the time written.
    """

    reader: str
    n: int
    ct: tuple[float, float, float]
    ct_ai: tuple[float, float, float]
    difference: float
    ci: Interval | None
    p: float | None
    at_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """
    What a reader's calls became with AI.

    ``corrected`` wrong on CT alone and right with AI, ``spoiled`` right and then wrong. Where the AI was wrong:
    ``automation_bias`` is the share turned wrong of those right on CT alone; ``wrong_with_wrong_ai`` the share wrong
    with AI of them all, which holds errors made without AI too. None without such a case.
    """

    reader: str
    n: int
    right_both: int
    corrected: int
    spoiled: int
    wrong_both: int
    test: ClusteredMcNemar | None
    missed_found: int
    false_dropped: int
    automation_bias: Share | None
    wrong_with_wrong_ai: Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How often a sign was seen with and without a fracture on MRI: on CT over the readings of an arm, or on MRI."""

    sign: str
    arm: str
    fractured: Share
    other: Share


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """
    A reading study, analysed.

    Everything is of the cases in ``flow.analysed`` but ``conformity`` (the whole table) and ``all_cases``,
    ``all_paired``, ``all_mrmc`` (the sensitivity analysis on every case; empty or None where none was left out).
    ``complete``: every reader read every unit in every arm.
    """

    cases: int
    units: int
    fractured: int
    per_vertebra: bool
    complete: bool
    flow: Flow
    accuracies: tuple[ArmAccuracy, ...]
    per_protocol: tuple[ArmAccuracy, ...]
    all_cases: tuple[ArmAccuracy, ...]
    paired: tuple[PairedTest, ...]
    all_paired: tuple[PairedTest, ...]
    denis: tuple[DenisTable, ...]
    denis_paired: tuple[DenisPaired, ...]
    levels: tuple[LevelAgreement, ...]
    genant: tuple[GenantAgreement, ...]
    mrmc: MultiReader
    all_mrmc: MultiReader | None
    times: tuple[ReadingTime, ...]
    changed: tuple[Changed, ...]
    agreement: tuple[Agreement, ...]
    signs: tuple[Sign, ...]
    mri_signs: tuple[Sign, ...]
    conformity: tuple[Conformity, ...]

    @property
    def eligible(self) -> Eligible | None:
        """The published criteria on the cases of the table."""
        return self.flow.eligible


def analysed(reads: Reads, config: Config) -> Analysis:
    """The whole analysis of a checked reads table: eligible cases with MRI in time, then every case once more."""
    everybody = with_agreed(reads, config.protocol)
    flow = flow_of(everybody, config.protocol)
    main = everybody.of_cases(flow.analysed) if flow.left_out else everybody
    truth = main.truth
    return Analysis(
        cases=len(flow.analysed), units=len(truth), fractured=int((truth["mri_fracture"] == 1).sum()),
        per_vertebra=main.per_vertebra, complete=_complete(main), flow=flow, accuracies=accuracies(main),
        per_protocol=_per_protocol(main, conforming(main, config.protocol)),
        all_cases=accuracies(everybody) if flow.left_out else (), paired=paired_tests(main),
        all_paired=paired_tests(everybody) if flow.left_out else (), denis=denis_tables(main),
        denis_paired=denis_paired(main), levels=level_agreements(main), genant=genant_agreements(main),
        mrmc=multi_reader(main, config), all_mrmc=multi_reader(everybody, config) if flow.left_out else None,
        times=_times(main, config.protocol.time_limit_s), changed=_changed(main),
        agreement=agreements(main, config.least_share),
        signs=_signs(main), mri_signs=_mri_signs(main), conformity=conformity(everybody, config.protocol),
    )  # fmt: skip


def _complete(reads: Reads) -> bool:
    own = reads.table[reads.table["reader"] != CONSENSUS]
    return len(own) == len(reads.truth) * len(reads.arms) * len(reads.readers)


def _per_protocol(reads: Reads, keep: pd.Series) -> tuple[ArmAccuracy, ...]:
    """Accuracy of the readings that kept to the protocol; empty where all did."""
    return () if keep.all() else accuracies(reads, keep)


def _times(reads: Reads, limit: float) -> tuple[ReadingTime, ...]:
    found = []
    for reader in reads.readers:
        seconds = _seconds(reads, reader)
        if len(seconds) < 2:
            continue
        before, after = (seconds[arm].to_numpy() for arm in ("ct", "ct_ai"))
        try:
            test = paired_t_test(after, before)
            ci, p = test.ci, signed_rank(after, before).p
        except NotEnoughData:
            ci, p = None, None
        found.append(
            ReadingTime(reader=reader, n=len(seconds), ct=_quartiles(before), ct_ai=_quartiles(after),
                        difference=float((after - before).mean()), ci=ci, p=p,
                        at_limit=_at_limit(reads, reader, seconds.index, limit))
        )  # fmt: skip
    return tuple(found)


def _seconds(reads: Reads, reader: str) -> pd.DataFrame:
    """
    One time for each case and arm, cases timed in both.

    Vertebrae of a case that all hold the same time were read in that time; other times are theirs and add up.
    """
    rows = reads.table[(reads.table["reader"] == reader) & reads.table["arm"].isin(["ct", "ct_ai"])]
    times = rows.groupby(["case", "arm"])["time_s"].agg(["nunique", "first", "sum", "count", "size"])
    value = times["first"].where(times["nunique"] <= 1, times["sum"]).where(times["count"] == times["size"])
    return value.unstack("arm").reindex(columns=["ct", "ct_ai"]).dropna()


def _at_limit(reads: Reads, reader: str, cases: pd.Index, limit: float) -> int:
    """Cases and arms with a reading at the limit or beyond."""
    rows = reads.table[(reads.table["reader"] == reader) & reads.table["case"].isin(cases)]
    return int((rows.groupby(["case", "arm"])["time_s"].max() >= limit).sum())


def _quartiles(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return float(middle), float(low), float(high)


def _changed(reads: Reads) -> tuple[Changed, ...]:
    if len(reads.arms) < 2:
        return ()
    return tuple(
        _change(reader, wide(reads, "call", reader).reindex(columns=["ct", "ct_ai"]).dropna(), reads.truth)
        for reader in (*reads.readers, *((CONSENSUS,) if reads.has_consensus else ()))
    )


def _change(reader: str, calls: pd.DataFrame, truth: pd.DataFrame) -> Changed:
    true, marked = (truth.loc[calls.index, name].to_numpy() for name in ("mri_fracture", "ai_call"))
    cases = truth.loc[calls.index, "case"].to_numpy()
    before, after = calls["ct"].to_numpy() == true, calls["ct_ai"].to_numpy() == true
    corrected, spoiled = ~before & after, before & ~after
    wrong_ai = np.isfinite(marked) & (marked != true)
    return Changed(
        reader=reader, n=len(calls), right_both=int((before & after).sum()), corrected=int(corrected.sum()),
        spoiled=int(spoiled.sum()), wrong_both=int((~before & ~after).sum()), test=paired_of(before, after, cases),
        missed_found=int((corrected & (true == 1)).sum()), false_dropped=int((corrected & (true == 0)).sum()),
        automation_bias=share_of(~after[wrong_ai & before], cases[wrong_ai & before]),
        wrong_with_wrong_ai=share_of(~after[wrong_ai], cases[wrong_ai]),
    )  # fmt: skip


def _signs(reads: Reads) -> tuple[Sign, ...]:
    """The coded CT signs against MRI, over all readers of an arm (the consensus where there is one)."""
    who = [CONSENSUS] if reads.has_consensus else list(reads.readers)
    table = reads.table[reads.table["reader"].isin(who)]
    if reads.has_consensus and not table[list(SIGNS)].notna().any(axis=None):
        table = reads.table[reads.table["reader"] != CONSENSUS]  # the consensus was about the call alone
    found = (_sign(table[table["arm"] == arm], sign, arm) for sign in SIGNS for arm in reads.arms)
    return tuple(sign for sign in found if sign is not None)


def _mri_signs(reads: Reads) -> tuple[Sign, ...]:
    """The signs behind the truth, one row a unit."""
    units = reads.table.drop_duplicates("unit")
    return tuple(s for s in (_sign(units, sign, "mri") for sign in MRI_SIGNS) if s is not None)


def _sign(rows: pd.DataFrame, sign: str, arm: str) -> Sign | None:
    """With and without a fracture; readings of one case are one patient's, whoever read it."""
    rows = rows[rows[sign].notna()]
    broken = rows["mri_fracture"] == 1
    shares = [
        share_of(rows.loc[part, sign] == 1, rows.loc[part, "case"].to_numpy()) for part in (broken, ~broken)
    ]
    if shares[0] is None or shares[1] is None:
        return None
    return Sign(sign=sign, arm=arm, fractured=shares[0], other=shares[1])
