"""The plan of a reading study as a report: the design, the schedule in numbers, and its power."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from osteon.report.document import (
    Block,
    Callout,
    Column,
    GroupRow,
    Heading,
    KeyFigures,
    Paragraph,
    Row,
    TableBlock,
    Tile,
)
from osteon.report.value import Number, Text
from osteon.stats.reader_power import CONSENSUS
from osteon.studies.ovcf_config import Config, Protocol
from osteon.studies.ovcf_design import Plan
from osteon.studies.ovcf_page import limits_of, references
from osteon.studies.ovcf_reads import read_columns
from osteon.studies.ovcf_words import ovcf_word, reader_name, share_cell

__all__ = ["plan_blocks"]


def plan_blocks(plan: Plan, config: Config, lang: str) -> Iterator[Block]:
    """Design, schedule, power, and the columns of the reads table."""
    protocol = config.protocol
    yield Heading("summary", ovcf_word("section.summary"))
    readings = plan.readings
    calls = 1 if protocol.sequential else 2
    yield KeyFigures((
        Tile(ovcf_word("plan.tile_readings"), len(readings),
             ovcf_word("plan.tile_training", n=len(plan.slots) - len(readings) - len(plan.consensus),
                       consensus=len(plan.consensus))),
        Tile(ovcf_word("summary.tile_readers"), len(protocol.readers)),
        Tile(ovcf_word("plan.tile_days"), max(slot.day for slot in plan.slots)),
        Tile(ovcf_word("plan.tile_hours"), Number(protocol.cases * calls * protocol.time_limit_s / 3600, digits=0),
             ovcf_word(f"plan.tile_hours_{'once' if protocol.sequential else 'twice'}")),
    ))  # fmt: skip
    yield Heading("design", ovcf_word("section.design"))
    yield Paragraph(ovcf_word("plan.design", readers=tuple(protocol.readers), cases=protocol.cases,
                           training=protocol.training_cases, role=ovcf_word(f"role.{protocol.ai_role}"),
                           sitting=protocol.cases_per_session, consensus=_consensus(protocol),
                           way=ovcf_word(f"plan.{'sequential' if protocol.sequential else 'crossover'}",
                                         drawn=ovcf_word(f"plan.drawn_{'once' if protocol.consensus else 'each'}"),
                                         sitting=protocol.cases_per_session, washout=protocol.washout_days),
                           **limits_of(config)))  # fmt: skip
    yield _counts(plan)
    yield Heading("power", ovcf_word("section.power"))
    yield Paragraph(
        ovcf_word("plan.power", effect=Number(plan.effect, digits=2), base=Number(plan.base_auc, digits=2))
    )
    yield _needed(plan)
    yield _at_size(plan, config)
    if protocol.sequential:
        yield Callout("note", ovcf_word("limits.sequential"))
        if protocol.consensus:
            yield Callout("warning", ovcf_word("limits.consensus_marked"))
    if len(protocol.readers) < 4:
        yield Callout("warning", ovcf_word("limits.few_readers", n=len(protocol.readers)))
    yield Heading("table", ovcf_word("section.table"))
    yield Paragraph(ovcf_word("plan.table"))
    yield _columns(lang)
    yield Heading("references", ovcf_word("section.references"))
    yield references()


def _consensus(protocol: Protocol) -> Text:
    if not protocol.consensus:
        return ovcf_word("plan.consensus_none")
    when = ovcf_word(f"plan.consensus_{'sequential' if protocol.sequential else 'crossover'}")
    return ovcf_word(f"plan.consensus_{protocol.consensus_cases}", when=when)


def _counts(plan: Plan) -> TableBlock:
    """Calls by reader, session and arm: half of each session with AI, or both steps in one slot; so the consensus."""
    count = Counter((slot.reader, slot.session, slot.arm) for slot in plan.slots if not slot.training)
    readers = dict.fromkeys(slot.reader for slot in plan.slots)
    own = sorted({(slot.session, slot.arm) for slot in plan.readings})
    columns = (Column(ovcf_word("mrmc.reader")),
               *(Column(ovcf_word(f"arm.{arm}"), group=ovcf_word("plan.session", n=session)) for session, arm in own))  # fmt: skip
    rows = tuple((reader_name(reader), *(count[reader, *key] or None for key in own)) for reader in readers)
    return TableBlock(id="table-schedule", title=ovcf_word("plan.schedule_title"), columns=columns, rows=rows,
                      footnotes=(ovcf_word("plan.schedule_note"),))  # fmt: skip


def _needed(plan: Plan) -> TableBlock:
    def cases(n: int) -> Text | int:
        found = plan.needed[n]
        return ovcf_word("plan.not_reached") if found is None else found.cases

    return TableBlock(id="table-needed", title=ovcf_word("plan.needed_title"),
                      columns=(Column(ovcf_word("plan.readers")), Column(ovcf_word("plan.cases"))),
                      rows=tuple((str(n), cases(n)) for n in plan.needed), footnotes=(ovcf_word("plan.needed_note"),))  # fmt: skip


def _at_size(plan: Plan, config: Config) -> TableBlock:
    """The power of each endpoint, by formula where there is one, and beside a simulated power its false alarms."""
    rows: list[Row | GroupRow] = [GroupRow(ovcf_word("measure.auc"))]
    if plan.at_size is not None:
        rows.append((ovcf_word("plan.by_formula"), Number(plan.at_size.power, digits=1, percent=True), None))
    last = "auc"
    for line in plan.simulated:
        if line.endpoint != last:
            rows.append(GroupRow(ovcf_word(f"measure.{line.endpoint}")))
        last = line.endpoint
        rows.append(
            (
                ovcf_word(f"plan.simulated_{line.scope}"),
                share_cell(line.power),
                share_cell(line.without_effect),
            )
        )
    title = ovcf_word("plan.at_size_title", readers=len(config.protocol.readers), cases=config.protocol.cases)
    (alone, specificity), (with_ai, _) = plan.calls
    calls = {"alone": alone, "with_ai": with_ai, "specificity": specificity}
    notes = (
        "at_size_note",
        *(("consensus_note",) if any(line.scope == CONSENSUS for line in plan.simulated) else ()),
    )
    return TableBlock(
        id="table-power", title=title, columns=tuple(Column(ovcf_word(f"plan.{name}")) for name in ("way", "power_label", "false_alarms")),
        rows=tuple(rows), footnotes=(
            *(ovcf_word(f"plan.{note}") for note in notes),
            ovcf_word("plan.calls_note", **{name: Number(share, digits=0, percent=True) for name, share in calls.items()}),
        ),
    )  # fmt: skip


def _columns(lang: str) -> TableBlock:
    rows = tuple(
        (c.headers[lang], c.notes[lang], ovcf_word("plan.yes") if c.needed else "") for c in read_columns()
    )
    return TableBlock(id="table-columns", title=ovcf_word("plan.columns_title"),
                      columns=(Column(ovcf_word("plan.column")), Column(ovcf_word("plan.meaning"), align="left"),
                               Column(ovcf_word("plan.needed"), align="left")), rows=rows)  # fmt: skip
