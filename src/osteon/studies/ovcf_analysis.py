"""Everything a reading study says: accuracy, pairs, types, readers as a sample, time, and what AI changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from osteon.cohort.eligibility import Eligible, apply, criteria
from osteon.core.errors import NotEnoughData
from osteon.core.result import Interval
from osteon.stats.agreement import McNemar, mcnemar
from osteon.stats.compare import paired_t_test, signed_rank
from osteon.stats.proportion import Proportion, proportion
from osteon.stats.reader_covariance import Endpoint
from osteon.stats.reader_study import ReaderStudy, reader_study
from osteon.studies.ovcf_accuracy import (
    Agreement,
    ArmAccuracy,
    DenisTable,
    PairedTest,
    accuracies,
    agreements,
    denis_tables,
    paired_tests,
    wide,
)
from osteon.studies.ovcf_config import Config
from osteon.studies.ovcf_protocol import Conformity, conforming, conformity
from osteon.studies.ovcf_reads import CONSENSUS, Reads

__all__ = ["SIGNS", "Analysis", "Changed", "ReadingTime", "Sign", "analysed"]

SIGNS = ("spoke_wheel", "paravertebral_soft_tissue", "bone_destruction", "periosteal_reaction")
ENDPOINTS: tuple[Endpoint, ...] = ("auc", "accuracy", "sensitivity", "specificity")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTime:
    """
    Seconds of one reader on the units timed in both arms: medians with quartiles, and CT with AI minus CT alone.

    ``p`` is Wilcoxon's on the pairs; None where no pair changed.
    """

    reader: str
    n: int
    ct: tuple[float, float, float]
    ct_ai: tuple[float, float, float]
    difference: float
    ci: Interval | None
    p: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """
    What a reader's calls became with AI.

    ``corrected`` wrong on CT alone and right with AI, ``spoiled`` right and then wrong. ``spoiled_by_ai`` of the
    spoiled agree with a wrong AI call; ``wrong_ai_followed`` counts the AI's wrong calls that the reader shared.
    """

    reader: str
    n: int
    right_both: int
    corrected: int
    spoiled: int
    wrong_both: int
    test: McNemar | None
    missed_found: int
    false_dropped: int
    spoiled_by_ai: int | None
    wrong_ai_followed: Proportion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How often a CT sign was seen with and without a fracture on MRI, over the readings of one arm."""

    sign: str
    arm: str
    fractured: Proportion
    other: Proportion


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """A reading study, analysed. ``missing_pairs`` units lack a reading and stay out of the multi-reader analysis."""

    cases: int
    units: int
    fractured: int
    accuracies: tuple[ArmAccuracy, ...]
    per_protocol: tuple[ArmAccuracy, ...]
    paired: tuple[PairedTest, ...]
    denis: tuple[DenisTable, ...]
    mrmc: dict[str, ReaderStudy]
    missing_pairs: int
    times: tuple[ReadingTime, ...]
    changed: tuple[Changed, ...]
    agreement: tuple[Agreement, ...]
    signs: tuple[Sign, ...]
    conformity: tuple[Conformity, ...]
    eligible: Eligible | None


def analysed(reads: Reads, config: Config) -> Analysis:
    """The whole analysis of a checked reads table."""
    keep = conforming(reads, config.protocol)
    truth = reads.truth
    mrmc, missing = _mrmc(reads, config)
    return Analysis(
        cases=int(reads.table["case"].nunique()), units=len(truth), fractured=int((truth["mri_fracture"] == 1).sum()),
        accuracies=accuracies(reads), per_protocol=_per_protocol(reads, keep), paired=paired_tests(reads),
        denis=denis_tables(reads), mrmc=mrmc, missing_pairs=missing, times=_times(reads), changed=_changed(reads),
        agreement=agreements(reads), signs=_signs(reads), conformity=conformity(reads, config.protocol),
        eligible=_eligible(reads),
    )  # fmt: skip


def _per_protocol(reads: Reads, keep: pd.Series) -> tuple[ArmAccuracy, ...]:
    """Accuracy of the readings that kept to the protocol; empty where all did or too few are left."""
    if keep.all():
        return ()
    try:
        return accuracies(reads, keep)
    except NotEnoughData:
        return ()


def _mrmc(reads: Reads, config: Config) -> tuple[dict[str, ReaderStudy], int]:
    """The multi-reader analysis of every endpoint, on the units that all readers read in both arms."""
    if len(reads.arms) < 2 or not reads.readers:
        return {}, 0
    studies: dict[str, ReaderStudy] = {}
    complete = _cube(reads, "call")
    missing = len(reads.truth) - len(complete)
    for endpoint in ENDPOINTS:
        units = _cube(reads, "rating") if endpoint == "auc" else complete
        if units.empty:
            continue
        shape = (len(units), len(reads.arms), len(reads.readers))
        truth = reads.truth.loc[units.index]
        try:
            studies[endpoint] = reader_study(
                units.to_numpy().reshape(shape).transpose(1, 2, 0), truth["mri_fracture"], arms=reads.arms,
                readers=reads.readers, endpoint=endpoint,
                method="jackknife" if reads.per_vertebra else config.covariance,
                clusters=truth["case"].to_numpy() if reads.per_vertebra else None,
            )  # fmt: skip
        except NotEnoughData:
            continue
    return studies, missing


def _cube(reads: Reads, column: str) -> pd.DataFrame:
    """Units by (arm, reader), complete rows only."""
    own = reads.table[reads.table["reader"] != CONSENSUS]
    table = own.pivot(index="unit", columns=["arm", "reader"], values=column)
    wanted = pd.MultiIndex.from_product([reads.arms, reads.readers])
    return table.reindex(columns=wanted).dropna().sort_index().astype(float)


def _times(reads: Reads) -> tuple[ReadingTime, ...]:
    found = []
    for reader in reads.readers:
        seconds = wide(reads, "time_s", reader).reindex(columns=["ct", "ct_ai"]).dropna()
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
                        difference=float((after - before).mean()), ci=ci, p=p)
        )  # fmt: skip
    return tuple(found)


def _quartiles(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return float(middle), float(low), float(high)


def _changed(reads: Reads) -> tuple[Changed, ...]:
    if len(reads.arms) < 2:
        return ()
    truth = reads.truth["mri_fracture"]
    ai = reads.table.groupby("unit")["ai_call"].first()
    found = []
    for reader in (*reads.readers, *((CONSENSUS,) if reads.has_consensus else ())):
        calls = wide(reads, "call", reader).reindex(columns=["ct", "ct_ai"]).dropna()
        true, marked = truth.loc[calls.index].to_numpy(), ai.reindex(calls.index).to_numpy()
        before, after = calls["ct"].to_numpy() == true, calls["ct_ai"].to_numpy() == true
        corrected, spoiled = ~before & after, before & ~after
        wrong_ai = np.isfinite(marked) & (marked != true)
        found.append(
            Changed(
                reader=reader, n=len(calls), right_both=int((before & after).sum()), corrected=int(corrected.sum()),
                spoiled=int(spoiled.sum()), wrong_both=int((~before & ~after).sum()),
                test=mcnemar(first_only=int(spoiled.sum()), second_only=int(corrected.sum()))
                if (corrected | spoiled).any() else None,
                missed_found=int((corrected & (true == 1)).sum()), false_dropped=int((corrected & (true == 0)).sum()),
                spoiled_by_ai=int((spoiled & wrong_ai).sum()) if np.isfinite(marked).any() else None,
                wrong_ai_followed=proportion(int((wrong_ai & ~after).sum()), int(wrong_ai.sum())) if wrong_ai.any() else None,
            )
        )  # fmt: skip
    return tuple(found)


def _signs(reads: Reads) -> tuple[Sign, ...]:
    """The coded CT signs against MRI, over all readers of an arm (the consensus where there is one)."""
    who = [CONSENSUS] if reads.has_consensus else list(reads.readers)
    found = []
    for sign in SIGNS:
        for arm in reads.arms:
            rows = reads.table[
                (reads.table["arm"] == arm) & reads.table["reader"].isin(who) & reads.table[sign].notna()
            ]
            broken = rows["mri_fracture"] == 1
            if broken.any() and (~broken).any():
                shares = [
                    proportion(int((rows.loc[part, sign] == 1).sum()), int(part.sum()))
                    for part in (broken, ~broken)
                ]
                found.append(Sign(sign=sign, arm=arm, fractured=shares[0], other=shares[1]))
    return tuple(found)


def _eligible(reads: Reads) -> Eligible | None:
    """The published criteria on the cases, where the table brings columns that can be judged."""
    wanted = criteria("ovcf_reading")
    if not any(column in reads.extra.columns for c in wanted.criteria for column in c.columns):
        return None
    return apply(reads.extra, wanted)
