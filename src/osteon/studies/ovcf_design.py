"""Planning a reading study: who reads which case when and in which arm, and whether that will show anything."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from osteon.core.seeds import stream
from osteon.stats.reader_power import (
    PlannedPower,
    RoeMetz,
    call_shares,
    cases_needed,
    model_components,
    planned_power,
)
from osteon.studies.ovcf_config import Config, Protocol
from osteon.studies.ovcf_power import Simulated, simulated
from osteon.studies.ovcf_reads import ARMS, CONSENSUS

__all__ = ["Plan", "Slot", "ai_first", "planned", "schedule", "schedule_csv"]

PILOT_CASES, MOST_CASES = 120, 1000
READERS_SHOWN = (2, 4, 6, 8, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """
    One planned call; ``day`` counts from the reader's first, the earliest at which it may happen.

    ``step``: "unaided", "marks_from_start" (AI as first reader), "marks_on_demand" (concurrent), "marks_after_lock"
    (second: the same slot as the unaided call, once that is locked). ``if_readers_differ`` marks a consensus that is
    needed only where the readers' calls or types differ.
    """

    reader: str
    session: int
    sitting: int
    order: int
    case: str
    arm: str
    step: str
    training: bool
    if_readers_differ: bool = False
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    The schedule and its power.

    ``needed`` holds for each number of readers the cases that reach 80 % (None: no number of cases up to 1,000 does).
    ``simulated`` is empty without draws; ``calls`` holds sensitivity and specificity of each arm that it assumes.
    """

    slots: tuple[Slot, ...]
    effect: float
    base_auc: float
    at_size: PlannedPower | None
    needed: dict[int, PlannedPower | None]
    simulated: tuple[Simulated, ...]
    calls: tuple[tuple[float, float], ...]

    @property
    def readings(self) -> tuple[Slot, ...]:
        """The readers' own calls on study cases."""
        return tuple(slot for slot in self.slots if not slot.training and slot.reader != CONSENSUS)

    @property
    def consensus(self) -> tuple[Slot, ...]:
        """The calls of the consensus."""
        return tuple(slot for slot in self.slots if slot.reader == CONSENSUS)


def schedule(config: Config, seed: int) -> tuple[Slot, ...]:
    """
    Every call: training, the readers' own calls, then those of the consensus.

    AI as first or concurrent reader: each reader reads every case twice, half of the cases without AI first, the other
    half with AI first; the order is drawn anew for each reader and session. Where a consensus is planned, one draw of
    the halves holds for all readers, and after each session the readers settle the consensus in the arm just read: so
    that nobody has seen the AI's marks on a case before its consensus on CT alone, or has within the washout. Without a
    consensus the halves are drawn for each reader. The second session starts when the washout of the last call of the
    first is over. AI as second reader: each case once, both calls in one slot, the consensus when all are done; the
    marks are known by then. Training goes through both arms.

    Examples
    --------
    >>> slots = schedule(Config(), seed=1)
    >>> own = [slot for slot in slots if slot.reader != "consensus"]
    >>> len(own), len(slots) - len(own), sorted({slot.arm for slot in own if slot.session == 1})
    (920, 440, ['ct', 'ct_ai'])
    """
    protocol = config.protocol
    slots: list[Slot] = []
    shared = ai_first(protocol.cases, stream(seed, "schedule", "halves"))
    for reader in (*protocol.readers, *((CONSENSUS,) if protocol.consensus else ())):
        rng = stream(seed, "schedule", reader)
        if reader != CONSENSUS:
            slots += _training(protocol, reader)
        if protocol.sequential:
            slots += _sequential(protocol, reader, rng)
        else:
            halves = shared if protocol.consensus else ai_first(protocol.cases, rng)
            slots += _crossover(protocol, reader, rng, halves)
    return tuple(slots)


def ai_first(cases: int, rng: np.random.Generator) -> set[int]:
    """Half of the cases, those read with AI first."""
    return set(rng.permutation(cases)[: cases // 2].tolist())


_STEP = {"first": "marks_from_start", "concurrent": "marks_on_demand", "second": "marks_after_lock"}


def _code(letter: str, i: int, protocol: Protocol) -> str:
    return f"{letter}{i + 1:0{max(3, len(str(protocol.cases)))}d}"


def _slot(protocol: Protocol, reader: str, case: str, arm: str, **place: Any) -> Slot:
    step = "unaided" if arm == ARMS[0] else _STEP[protocol.ai_role]
    return Slot(reader=reader, case=case, arm=arm, step=step, **{"training": False} | place)


def _training(protocol: Protocol, reader: str) -> Iterator[Slot]:
    """Every training case in both arms, so that reading without and with marks is practised alike."""
    for i in range(protocol.training_cases):
        for arm in ARMS:
            yield _slot(protocol, reader, _code("T", i, protocol), arm, session=0, sitting=0, order=i + 1,
                        training=True, day=0)  # fmt: skip


def _crossover(protocol: Protocol, reader: str, rng: np.random.Generator, halves: set[int]) -> Iterator[Slot]:
    """Two sessions of a reader, or of the consensus, which follows the readers' own and comes before the washout."""
    sittings = math.ceil(protocol.cases / protocol.cases_per_session)
    session_days = sittings * (2 if protocol.consensus else 1)
    for session in (1, 2):
        start = 1 if session == 1 else session_days + protocol.washout_days
        for i, place in _places(protocol, rng):
            arm = ARMS[int((i in halves) == (session == 1))]
            yield _placed(protocol, reader, i, arm, session, start, place)


def _sequential(protocol: Protocol, reader: str, rng: np.random.Generator) -> Iterator[Slot]:
    for i, place in _places(protocol, rng):
        for arm in ARMS:
            yield _placed(protocol, reader, i, arm, 1, 1, place)


def _places(protocol: Protocol, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Every case once in a drawn order: case, place."""
    yield from ((i, place) for place, i in enumerate(rng.permutation(protocol.cases).tolist()))


def _placed(protocol: Protocol, reader: str, i: int, arm: str, session: int, start: int, place: int) -> Slot:
    agreed = reader == CONSENSUS
    sitting = place // protocol.cases_per_session
    later = math.ceil(protocol.cases / protocol.cases_per_session) if agreed else 0
    return _slot(
        protocol, reader, _code("C", i, protocol), arm, session=session, sitting=sitting + 1,
        order=place + 1, day=start + later + sitting,
        if_readers_differ=agreed and protocol.consensus_cases == "disagreements",
    )  # fmt: skip


def schedule_csv(slots: tuple[Slot, ...]) -> bytes:
    """The schedule as a CSV file, one row a call."""
    names = [f.name for f in fields(Slot)]
    stream_ = io.StringIO()
    writer = csv.writer(stream_, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows(
        [int(v) if isinstance(v := getattr(slot, name), bool) else v for name in names] for slot in slots
    )
    return stream_.getvalue().encode("utf-8-sig")


def planned(config: Config, seed: int) -> Plan:
    """The schedule with the power of its size, by formula and by simulation, under a latent-normal model of readers."""
    base, effect = config.virtual.reader_auc, config.planned_difference
    model = RoeMetz(aucs=(base, min(base + effect, 0.995)))
    readers, cases = len(config.protocol.readers), config.protocol.cases
    fractured = round(cases * config.virtual.fractured_share)
    share = round(PILOT_CASES * fractured / cases)
    parts = model_components(
        model, fractured=share, unfractured=PILOT_CASES - share, rng=stream(seed, "pilot")
    )
    needed = {
        n: cases_needed(parts, effect=effect, readers=n, pilot_cases=PILOT_CASES, most=MOST_CASES)
        for n in READERS_SHOWN
    }
    at_size = (
        planned_power(parts, effect=effect, readers=readers, cases=cases, pilot_cases=PILOT_CASES)
        if readers > 1
        else None
    )
    return Plan(
        slots=schedule(config, seed),
        effect=effect,
        base_auc=base,
        at_size=at_size,
        needed=needed,
        simulated=tuple(simulated(config, model, seed)) if config.power_draws else (),
        calls=call_shares(model),
    )
