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

__all__ = ["Plan", "Slot", "planned", "schedule", "schedule_csv"]

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
    Every call in the order it is to be made: training, the readers' own calls, then the consensus.

    AI as first or concurrent reader: each reader reads every case twice, half of the cases without AI first, the other
    half with AI first, drawn anew for each reader; the order is drawn anew for each session, and the second session
    starts when the washout of the last sitting of the first is over. AI as second reader: each case once, both calls
    in one slot. Training goes through both arms. The consensus, on CT alone before CT with AI, begins when the last
    reader is done.

    Examples
    --------
    >>> slots = schedule(Config(), seed=1)
    >>> own = [slot for slot in slots if slot.reader != "consensus"]
    >>> len(own), len(slots) - len(own), sorted({slot.arm for slot in own if slot.session == 1})
    (920, 440, ['ct', 'ct_ai'])
    """
    protocol = config.protocol
    slots: list[Slot] = []
    for reader in protocol.readers:
        rng = stream(seed, "schedule", reader)
        slots += _training(protocol, reader)
        read = _sequential if protocol.sequential else _crossover
        slots += read(protocol, reader, rng)
    if protocol.consensus:
        slots += _consensus(protocol, max(slot.day for slot in slots), stream(seed, "schedule", CONSENSUS))
    return tuple(slots)


_STEP = {"first": "marks_from_start", "concurrent": "marks_on_demand", "second": "marks_after_lock"}


def _codes(letter: str, n: int, protocol: Protocol) -> list[str]:
    digits = max(3, len(str(protocol.cases)))
    return [f"{letter}{i:0{digits}d}" for i in range(1, n + 1)]


def _slot(protocol: Protocol, reader: str, case: str, arm: str, **place: Any) -> Slot:
    step = "unaided" if arm == ARMS[0] else _STEP[protocol.ai_role]
    return Slot(reader=reader, case=case, arm=arm, step=step, **{"training": False} | place)


def _training(protocol: Protocol, reader: str) -> Iterator[Slot]:
    """Every training case in both arms, so that reading without and with marks is practised alike."""
    for i, case in enumerate(_codes("T", protocol.training_cases, protocol)):
        for arm in ARMS:
            yield _slot(protocol, reader, case, arm, session=0, sitting=0, order=i + 1, training=True, day=0)


def _crossover(protocol: Protocol, reader: str, rng: np.random.Generator) -> Iterator[Slot]:
    cases = _codes("C", protocol.cases, protocol)
    ai_first = set(rng.permutation(len(cases))[: len(cases) // 2].tolist())
    sittings = math.ceil(len(cases) / protocol.cases_per_session)
    for session in (1, 2):
        start = 1 if session == 1 else sittings + protocol.washout_days
        for place, i in enumerate(rng.permutation(len(cases)).tolist()):
            sitting = place // protocol.cases_per_session
            arm = ARMS[int((i in ai_first) == (session == 1))]
            yield _slot(protocol, reader, cases[i], arm, session=session, sitting=sitting + 1, order=place + 1,
                        day=start + sitting)  # fmt: skip


def _sequential(protocol: Protocol, reader: str, rng: np.random.Generator) -> Iterator[Slot]:
    cases = _codes("C", protocol.cases, protocol)
    for place, i in enumerate(rng.permutation(len(cases)).tolist()):
        sitting = place // protocol.cases_per_session
        for arm in ARMS:
            yield _slot(protocol, reader, cases[i], arm, session=1, sitting=sitting + 1, order=place + 1,
                        day=1 + sitting)  # fmt: skip


def _consensus(protocol: Protocol, last_day: int, rng: np.random.Generator) -> Iterator[Slot]:
    """CT alone for all cases, then CT with AI; both steps of a case in one slot where AI is the second reader."""
    cases = _codes("C", protocol.cases, protocol)
    sittings = math.ceil(len(cases) / protocol.cases_per_session)
    session = 2 if protocol.sequential else 3
    rounds = [ARMS] if protocol.sequential else [(arm,) for arm in ARMS]
    for later, arms in enumerate(rounds):
        for place, i in enumerate(rng.permutation(len(cases)).tolist()):
            sitting = place // protocol.cases_per_session
            for arm in arms:
                yield _slot(protocol, CONSENSUS, cases[i], arm, session=session + later, sitting=sitting + 1,
                            order=place + 1, if_readers_differ=protocol.consensus_cases == "disagreements",
                            day=last_day + 1 + later * sittings + sitting)  # fmt: skip


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
