"""Planning a reading study: who reads which case when and in which arm, and whether that will show anything."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, fields

from osteon.core.seeds import stream
from osteon.stats.proportion import Proportion
from osteon.stats.reader_power import (
    PlannedPower,
    RoeMetz,
    cases_needed,
    model_components,
    planned_power,
    simulated_power,
)
from osteon.studies.ovcf_config import Config
from osteon.studies.ovcf_reads import ARMS

__all__ = ["Plan", "Slot", "planned", "schedule", "schedule_csv"]

PILOT_CASES, MOST_CASES = 120, 1000
READERS_SHOWN = (2, 4, 6, 8, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One planned reading; ``day`` counts from the reader's first, the earliest at which it may happen."""

    reader: str
    session: int
    sitting: int
    order: int
    case: str
    arm: str
    training: bool
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    The schedule and its power.

    ``needed`` holds for each number of readers the cases that reach 80 % (None: no number of cases up to 1,000 does).
    ``simulated`` is the share of drawn studies that found the difference, by scope; empty without draws.
    """

    slots: tuple[Slot, ...]
    effect: float
    base_auc: float
    at_size: PlannedPower | None
    needed: dict[int, PlannedPower | None]
    simulated: dict[str, Proportion]


def schedule(config: Config, seed: int) -> tuple[Slot, ...]:
    """
    Every reading in the order it is to be done.

    Each reader reads every case twice: half of the cases without AI first, the other half with AI first, drawn anew for
    each reader; the order is drawn anew for each session, and the second session starts when the washout of the last
    sitting of the first is over.

    Examples
    --------
    >>> slots = schedule(Config(), seed=1)
    >>> len(slots), sorted({slot.arm for slot in slots if slot.session == 1})
    (900, ['ct', 'ct_ai'])
    """
    protocol = config.protocol
    wide = max(3, len(str(protocol.cases)))
    cases = [f"C{i:0{wide}d}" for i in range(1, protocol.cases + 1)]
    slots = []
    for reader in protocol.readers:
        rng = stream(seed, "schedule", reader)
        for i in range(protocol.training_cases):
            slots.append(Slot(reader=reader, session=0, sitting=0, order=i + 1, case=f"T{i + 1:0{wide}d}",
                              arm=ARMS[1], training=True, day=0))  # fmt: skip
        ai_first = set(rng.permutation(len(cases))[: len(cases) // 2].tolist())
        sittings = math.ceil(len(cases) / protocol.cases_per_session)
        for session in (1, 2):
            start = 1 if session == 1 else sittings + protocol.washout_days
            for place, i in enumerate(rng.permutation(len(cases)).tolist()):
                sitting = place // protocol.cases_per_session
                slots.append(Slot(reader=reader, session=session, sitting=sitting + 1, order=place + 1, case=cases[i],
                                  arm=ARMS[int((i in ai_first) == (session == 1))], training=False,
                                  day=start + sitting))  # fmt: skip
    return tuple(slots)


def schedule_csv(slots: tuple[Slot, ...]) -> bytes:
    """The schedule as a CSV file, one row a reading."""
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
    simulated = {}
    if config.power_draws:
        scopes = ["fixed_readers_random_cases", *(["random_readers_random_cases"] if readers > 1 else [])]
        for scope in scopes:
            simulated[scope] = simulated_power(
                model, readers=readers, fractured=fractured, unfractured=cases - fractured,
                rng=stream(seed, "power", scope), scope=scope, draws=config.power_draws,
            )  # fmt: skip
    return Plan(
        slots=schedule(config, seed),
        effect=effect,
        base_auc=base,
        at_size=at_size,
        needed=needed,
        simulated=simulated,
    )
