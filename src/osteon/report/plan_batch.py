"""The list of many plans: who is in which tier, who could not be classified and why, which rows could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from osteon.core.provenance import Provenance
from osteon.domain.plan import Item, Plan
from osteon.report.document import Block, Column, Document, Heading, Row, TableBlock
from osteon.report.plan_page import summary_text
from osteon.report.plan_words import drug_text, fact_text, item_text, joined, named, phrase
from osteon.report.value import Text

__all__ = ["batch_document", "items_table", "line_text", "patients_table", "refused_table"]


def batch_document(
    plans: Sequence[Plan],
    *,
    pages: Sequence[str],
    refused: Sequence[tuple[int, str, str]],
    simulated: bool,
    provenance: Provenance | None,
) -> Document:
    """
    The list, in no language yet: alerts to act on and open classifications stand before the rest.

    Parameters
    ----------
    plans, pages : sequences of equal length
        Each plan and the name of its sheet without its ending.
    refused : sequence of (row, patient id, reason)
    simulated : bool
    provenance : Provenance or None
    """
    blocks: list[Block] = []
    open_ = [one for one in plans if one.tier.status != "classified"]
    if any(_stops(one) for one in plans):
        blocks += [Heading("alerts", phrase("batch.alerts")), _alerts(plans)]
    if open_:
        blocks += [Heading("open", phrase("batch.open")), _open(open_)]
    if refused:
        blocks += [Heading("refused", phrase("batch.refused")), refused_table(refused)]
    blocks += [Heading("list", phrase("batch.list")), patients_table(plans, pages)]
    first = plans[0]
    counts = {"classified": len(plans) - len(open_), "open": len(open_), "refused": len(refused)}
    return Document(
        title=phrase("batch.title"),
        subtitle=phrase("batch.subtitle", n=len(plans), guideline=named("guideline", first.guideline)),
        date=max(one.as_of for one in plans).isoformat(), simulated=simulated, summary=phrase("batch.summary", **counts),
        blocks=tuple(blocks), provenance=provenance, sheet=True, footer=phrase("footer"),
    )  # fmt: skip


def _stops(one: Plan) -> tuple[Item, ...]:
    return tuple(
        item for item in one.section("alert") if item.params.get("severity") == "stop" and not item.missing
    )


def _missing(one: Plan) -> Text:
    """The facts that keep a patient from being classified; "" for none."""
    return joined((fact_text(name) for name in one.tier.missing), "drugs_listed")


def line_text(one: Plan) -> Text:
    """A plan in one line: the tier with its drugs, or what is missing; how many alerts must be acted on."""
    facts, stops = _missing(one), len(_stops(one))
    drugs = joined((drug_text(item.about) for item in one.section("candidate")), "drugs_listed")
    line: Text = phrase("labelled", label=one.patient, text=summary_text(one))
    for extra in (drugs, facts):
        line = phrase("summary.more", first=line, second=extra) if extra else line
    return phrase("summary.stops", first=line, n=stops) if stops else line


def _columns(*names: str, keep: int = 1) -> tuple[Column, ...]:
    return tuple(
        Column(phrase(f"column.{name}"), align="left", wrap=index >= keep) for index, name in enumerate(names)
    )


def _alerts(plans: Sequence[Plan]) -> TableBlock:
    rows = tuple((one.patient, item_text(item)) for one in plans for item in _stops(one))
    return TableBlock(
        id="table-alerts", title=phrase("batch.alerts"), columns=_columns("patient", "what"), rows=rows
    )


def _open(plans: Sequence[Plan]) -> TableBlock:
    rows = tuple((one.patient, named("tier", one.tier.status), _missing(one)) for one in plans)
    columns = _columns("patient", "state", "missing", keep=2)
    return TableBlock(id="table-open", title=phrase("batch.open"), columns=columns, rows=rows)


def patients_table(plans: Sequence[Plan], pages: Sequence[str]) -> TableBlock:
    """One row for each patient: tier, both readings, drugs to consider, where the sheet stands."""

    def row(one: Plan, page: str) -> Row:
        tier = one.tier
        told = [
            named("tier", level) if level else None
            for level in (tier.level or tier.status, tier.by_guideline, tier.by_risk)
        ]
        drugs = joined((drug_text(item.about) for item in one.section("candidate")), "drugs_listed")
        return (one.patient, *told, drugs or summary_text(one), f"{page}.html")

    columns = _columns("patient", "tier", "by_guideline", "by_risk", "drugs", "page", keep=4)
    rows = tuple(row(one, page) for one, page in zip(plans, pages, strict=True))
    return TableBlock(id="table-patients", title=phrase("batch.list"), columns=columns, rows=rows)


def refused_table(refused: Sequence[tuple[int, str, str]]) -> TableBlock:
    """The rows that could not be read, with what to correct; the reason is the reader's own."""
    rows = tuple((str(row), patient, reason) for row, patient, reason in refused)
    return TableBlock(
        id="table-refused",
        title=phrase("batch.refused"),
        columns=_columns("row", "patient", "problem", keep=2),
        rows=rows,
    )


def items_table(plans: Sequence[Plan]) -> TableBlock:
    """Every item of every plan in words, with its rule, source and whether a person checked it."""
    columns = _columns("patient", "section", "about", "text", "rule", "source", "confidence", "verified")
    return TableBlock(id="table-items", title=phrase("batch.list"), columns=columns, rows=tuple(_rows(plans)))


def _rows(plans: Sequence[Plan]) -> Iterator[Row]:
    for one in plans:
        for item in (*one.tier.fired, *one.tier.undecided, *one.items):
            about: Text = drug_text(item.about) if item.about else ""
            confidence = named("confidence", item.confidence)
            yield (
                one.patient,
                named("section_name", item.section),
                about,
                item_text(item),
                item.rule_id,
                item.source,
                confidence,
                item.verified,
            )
