"""
The reading study on invented cases: phantom CTs, the AI's reading of them, simulated readers, a reads table. SIMULATED.

The table that comes out is read and analysed like a site's own, and carries the mark of simulation with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from osteon.core.progress import track
from osteon.core.seeds import stream
from osteon.domain.spine import SpineReading
from osteon.studies.ovcf_config import Config, Protocol
from osteon.studies.ovcf_design import ai_first
from osteon.studies.ovcf_reads import ARMS, CONSENSUS, NONE_TYPE, TYPES, Reads, reads_of
from osteon.synth.readers import (
    GENANT_LOSSES,
    ReaderModel,
    SimulatedFindings,
    SimulatedReads,
    simulate_findings,
    simulate_readers,
)
from osteon.synth.spine_ct import PlannedFracture, SpinePhantom, phantom

__all__ = ["ReadCase", "VirtualCase", "read_by_osteon", "virtual_reads"]

ReadCase = Callable[[SpinePhantom], SpineReading]
DenisLetter = Literal["A", "B", "C", "D"]
LETTERS: tuple[DenisLetter, ...] = ("A", "B", "C", "D")
LEVELS = ("T11", "T12", "L1", "L2", "L3", "L4")
CHANCES = (0.08, 0.26, 0.30, 0.16, 0.12, 0.08)
"""Where fractures happen: most at the thoracolumbar junction."""
SPINE = ("T10", *LEVELS, "L5")
"""The levels a reader may arrive at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualCase:
    """A case with its truth and what the AI said; ``ai_evaluable`` False counts as not marked."""

    case: str
    fractured: bool
    level: str
    denis: str
    loss: float
    ai_call: bool
    ai_denis: str
    ai_evaluable: bool


def read_by_osteon(case: SpinePhantom) -> SpineReading:
    """The phantom's CT read as any CT is."""
    from osteon.reading.spine_ct import read_spine

    return read_spine(case.volume, source="phantom", simulated=True).reading


def virtual_reads(
    config: Config, seed: int, *, read_case: ReadCase | None = None
) -> tuple[Reads, tuple[VirtualCase, ...]]:
    """
    A reads table from nothing but a seed.

    Parameters
    ----------
    config : Config
        ``virtual.ai`` "planted" draws the AI's calls and needs no phantom.
    seed : int
    read_case : callable, optional
        Reads a phantom; by default osteon itself.
    """
    cases = (
        _planted(config, seed)
        if config.virtual.ai == "planted"
        else _read(config, seed, read_case or read_by_osteon)
    )
    settings, protocol = config.virtual, config.protocol
    truth = np.array([case.fractured for case in cases], dtype=int)
    marks = np.array([case.ai_call for case in cases], dtype=int)
    reads = simulate_readers(
        truth, marks, readers=len(protocol.readers), rng=stream(seed, "readers"), role=protocol.ai_role,
        model=ReaderModel(auc=settings.reader_auc, spread=settings.reader_spread, trust=settings.trust),
        ai_sensitivity=settings.ai_sensitivity, ai_specificity=settings.ai_specificity,
        time_limit_s=protocol.time_limit_s, types=[case.denis for case in cases], ai_types=[case.ai_denis for case in cases],
    )  # fmt: skip
    found = simulate_findings(
        [case.loss for case in cases],
        readers=len(protocol.readers),
        rng=stream(seed, "findings"),
        role=protocol.ai_role,
    )
    return reads_of(_table(cases, reads, found, config, seed), source="simulated reads"), cases


def _drawn(seed: int, i: int) -> tuple[str, DenisLetter, float]:
    """Level, type and loss of a case's fracture."""
    rng = stream(seed, "case", i)
    return str(rng.choice(LEVELS, p=CHANCES)), LETTERS[int(rng.integers(4))], float(rng.uniform(0.22, 0.5))


def _shares(config: Config) -> list[bool]:
    """Which cases are fractured: the share asked for, as near as whole cases allow."""
    n = config.virtual.cases
    return [i < round(n * config.virtual.fractured_share) for i in range(n)]


def _planted(config: Config, seed: int) -> tuple[VirtualCase, ...]:
    found = []
    for i, broken in enumerate(_shares(config)):
        level, kind, loss = _drawn(seed, i)
        rng = stream(seed, "ai", i)
        marked = bool(
            rng.random() < (config.virtual.ai_sensitivity if broken else 1 - config.virtual.ai_specificity)
        )
        theirs = kind if broken and rng.random() < 0.85 else str(rng.choice(TYPES))
        found.append(VirtualCase(case=f"V{i + 1:03d}", fractured=broken, level=level if broken else "",
                                 denis=kind if broken else NONE_TYPE, loss=loss if broken else 0.0, ai_call=marked,
                                 ai_denis=theirs if marked else NONE_TYPE, ai_evaluable=True))  # fmt: skip
    return tuple(found)


def _read(config: Config, seed: int, read_case: ReadCase) -> tuple[VirtualCase, ...]:
    found = []
    flags = _shares(config)
    for i, broken in enumerate(track(flags, task="phantoms", total=len(flags))):
        level, kind, loss = _drawn(seed, i)
        plan = (
            [PlannedFracture(level=level, kind="wedge", loss=loss, denis=kind, fresh=True)] if broken else []
        )
        spacing = (config.virtual.spacing_mm,) * 3
        scan = phantom(int(stream(seed, "phantom", i).integers(2**31)), spacing_mm=spacing, fractures=plan)
        reading = read_case(scan)
        worst = max(
            reading.fractured, key=lambda v: v.height_loss.largest if v.height_loss else 0.0, default=None
        )
        theirs = worst.denis.type if worst is not None and worst.denis is not None else None
        found.append(VirtualCase(case=f"V{i + 1:03d}", fractured=broken, level=level if broken else "",
                                 denis=kind if broken else NONE_TYPE, loss=loss if broken else 0.0,
                                 ai_call=worst is not None, ai_denis=theirs if theirs in TYPES else NONE_TYPE,
                                 ai_evaluable=any(v.evaluable for v in reading.vertebrae)))  # fmt: skip
    return tuple(found)


def _table(
    cases: tuple[VirtualCase, ...], reads: SimulatedReads, found: SimulatedFindings, config: Config, seed: int
) -> pd.DataFrame:
    """The reads as a site's table, with the order and washout of a drawn schedule, then the consensus."""
    protocol = config.protocol

    def call(arm: int, r: int, i: int) -> dict[str, object]:
        said = bool(reads.call[arm, r, i])
        return {"call": int(said), "denis": str(reads.types[arm, r, i]), "genant": int(found.grade[arm, r, i]) if said else 0,
                "level": _counted(cases[i], int(found.level_off[arm, r, i])) if said else None}  # fmt: skip

    rows = []
    shared = ai_first(len(cases), stream(seed, "virtual-halves"))
    for r, reader in enumerate(protocol.readers):
        rng = stream(seed, "virtual-order", reader)
        halves = shared if protocol.consensus else ai_first(len(cases), rng)
        for i, arm, place in _order(protocol, len(cases), rng, halves):
            rows.append(_row(cases[i], reader, arm) | place | call(arm, r, i) | {
                "blinded": 1, "training": 0, "time_s": round(float(reads.time_s[arm, r, i]), 1),
                "rating": int(reads.rating[arm, r, i]),
            })  # fmt: skip
    if protocol.consensus:
        # The surer reader prevails: what two colleagues end up with who talk it over.
        for arm in range(2):
            surest = np.abs(reads.log_odds[arm]).argmax(axis=0)
            places = [_agreed_place(protocol, (i in shared) == (arm == 1)) for i in range(len(cases))]
            alike = [(reads.types[arm, :, i] == reads.types[arm, 0, i]).all() for i in range(len(cases))]
            rows += [
                _row(case, CONSENSUS, arm) | places[i] | call(arm, int(surest[i]), i)
                for i, case in enumerate(cases)
                if protocol.consensus_cases == "all" or not alike[i]
            ]
    table = pd.DataFrame(rows)
    table.index = pd.RangeIndex(2, len(table) + 2)
    return table


def _order(
    protocol: Protocol, n: int, rng: np.random.Generator, halves: set[int]
) -> Iterator[tuple[int, int, dict[str, object]]]:
    """Case, arm and place of every reading of one reader: two arms apart, or both steps in one sitting."""
    if protocol.sequential:
        for place, i in enumerate(rng.permutation(n).tolist()):
            yield i, 0, {"session": 1, "order": place + 1, "locked": 1}
            yield i, 1, {"session": 1, "order": place + 1}
        return
    for session in (1, 2):
        for place, i in enumerate(rng.permutation(n).tolist()):
            washout = protocol.washout_days + int(rng.integers(0, 10)) if session == 2 else None
            yield (
                i,
                int((i in halves) == (session == 1)),
                {"session": session, "order": place + 1, "washout_days": washout},
            )


def _agreed_place(protocol: Protocol, first: bool) -> dict[str, object]:
    """The consensus on a case and arm follows the session in which that arm was read."""
    if protocol.sequential:
        return {"session": 1}
    return {"session": 1} if first else {"session": 2, "washout_days": protocol.washout_days}


def _counted(case: VirtualCase, off: int) -> str:
    """The level a reader arrives at; of a fracture that is not there, the most usual one."""
    return SPINE[SPINE.index(case.level or "L1") + off]


def _row(case: VirtualCase, reader: str, arm: int) -> dict[str, object]:
    broken = int(case.fractured)
    return {
        "case": case.case, "reader": reader, "arm": ARMS[arm], "ai_call": int(case.ai_call), "mri_fracture": broken,
        "mri_denis": case.denis, "mri_level": case.level or None,
        "reference_genant": int(np.searchsorted(GENANT_LOSSES, case.loss, side="right")), "mri_t1_low": broken,
        "mri_t2_high": broken, "mri_stir_high": broken, "mri_enhancement": 0, "mri_days": 3, "simulated": 1,
    }  # fmt: skip
