"""The people of a study as blocks: baseline, missing values, weighted prevalence, the published criteria."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.cohort.eligibility import Eligible
from osteon.report.document import Block, Column, FigureBlock, GroupRow, Heading, Paragraph, Row, TableBlock
from osteon.report.figure_bars import Bar, BarFigure
from osteon.report.value import Cell, Estimate, Indented, Level, Number, PValue, Spread, Variable, Words
from osteon.report.value import Proportion as Share
from osteon.stats.baseline import Baseline, BaselineRow, CountSummary, NumberSummary
from osteon.studies.risk_population import Population
from osteon.studies.risk_tables import word

__all__ = ["people_blocks"]


def people_blocks(
    people: Population, eligible: Eligible | None, *, part_of_cycle: bool = False
) -> Iterator[Block]:
    """
    Baseline table, missing values, prevalence beside the national figures, criteria.

    ``part_of_cycle``: the table holds some of the survey's participants only.
    """
    if people.baseline is not None:
        yield Heading("baseline", word("section.baseline"), level=2)
        yield _baseline_table(people, people.baseline)
    yield Heading("missing", word("section.missing"), level=2)
    yield _missing(people)
    if people.prevalences:
        yield Heading("prevalence", word("section.prevalence"), level=2)
        yield _prevalence_table(people, part_of_cycle=part_of_cycle)
    if eligible is not None:
        yield Heading("criteria", word("section.criteria"), level=2)
        yield Paragraph(word("criteria.intro"))
        yield _criteria_table(eligible)
        yield Paragraph(word("criteria.kept", n=len(eligible.table), total=people.n))


def _baseline_table(people: Population, table: Baseline) -> TableBlock:
    group = word("baseline.group_bone" if people.grouped_by == "bone_status" else "baseline.group_outcome")
    heads = [
        word("baseline.column", level=word(f"level.{level}"), n=n)
        for level, n in zip(table.groups, table.n, strict=True)
    ]
    tests = tuple(dict.fromkeys(row.test for row in table.rows if row.test))
    return TableBlock(
        id="table-baseline",
        title=word("baseline.title", group=group),
        columns=(
            Column(word("baseline.variable")),
            Column(word("baseline.column", level=word("baseline.all"), n=sum(table.n))),
            *(Column(head) for head in heads),
            Column(word("baseline.p")),
            Column(word("baseline.smd")),
        ),
        rows=tuple(line for row in table.rows for line in _baseline_lines(row)),
        footnotes=(word("baseline.note", tests=tuple(Words(f"term.test.{test}") for test in tests)),),
    )


def _baseline_lines(row: BaselineRow) -> Iterator[Row | GroupRow]:
    summaries = (row.overall, *row.groups)
    tail: tuple[Cell, Cell] = (PValue(row.p) if row.p is not None else None, Number(row.smd, digits=2))
    if row.kind == "number":
        yield (
            Variable(row.name, "unit"),
            *(_number(s, row) for s in summaries if isinstance(s, NumberSummary)),
            *tail,
        )
        return
    counts = [s for s in summaries if isinstance(s, CountSummary)]
    if row.kind == "flag":
        yield (Variable(row.name), *(_count(s, len(row.levels) - 1) for s in counts), *tail)
        return
    yield (Variable(row.name), *("" for _ in counts), *tail)
    for place, level in enumerate(row.levels):
        yield (Indented(Level(row.name, level)), *(_count(s, place) for s in counts), "", "")


def _number(summary: NumberSummary, row: BaselineRow) -> Cell:
    if summary.n == 0:
        return None
    size = max(abs(summary.median), abs(summary.mean))
    digits = 2 if size < 10 else 1 if size < 100 else 0
    if row.shown == "mean_sd":
        return Spread(summary.mean, sd=summary.sd, digits=digits)
    return Spread(summary.median, low=summary.q1, high=summary.q3, digits=digits)


def _count(summary: CountSummary, place: int) -> Cell:
    return Share(summary.counts[place], summary.n)


def _missing(people: Population) -> Block:
    held = sorted(
        ((name, share) for name, share in people.missing.items() if share > 0), key=lambda pair: -pair[1]
    )
    if not held:
        return Paragraph(word("baseline.missing_none"))
    bars = tuple(
        Bar(label=Variable(name), value=share, printed=Number(share, digits=1, percent=True))
        for name, share in held[:25]
    )
    return FigureBlock(
        id="figure-missing",
        title=word("baseline.missing_title"),
        figure=BarFigure(bars=bars, axis_label=Words("figure.missing_percent"), percent=True),
        alt=word("baseline.missing_alt"),
        caption=word("baseline.missing_caption", shown=len(bars), held=len(held)),
    )


def _prevalence_table(people: Population, *, part_of_cycle: bool) -> TableBlock:
    labels = ("what", "who", "estimate", "se", "n", "published")
    return TableBlock(
        id="table-prevalence",
        title=word("prevalence.title"),
        columns=tuple(
            Column(word(f"prevalence.{x}"), align="left" if x == "who" else "auto") for x in labels
        ),
        rows=tuple(
            (
                word(f"prevalence.{line.what}"),
                word(f"prevalence.{line.who}"),
                Estimate(
                    line.estimate.value, line.estimate.ci.low, line.estimate.ci.high, digits=1, percent=True
                ),
                Number(line.estimate.se, digits=1, percent=True),
                line.estimate.n,
                Number(line.published, digits=1, percent=True),
            )
            for line in people.prevalences
        ),
        footnotes=(word("prevalence.note"), *((word("prevalence.note_prepared"),) if part_of_cycle else ())),
    )


def _criteria_table(eligible: Eligible) -> TableBlock:
    rows: list[Row] = []
    for judged in eligible.judgements:
        text = word("criteria.text", en=judged.criterion.text_en, zh=judged.criterion.text_zh)
        if not judged.applicable:
            rows.append((text, judged.n_before, None, judged.n_before, word("criteria.absent")))
            continue
        rows.append((text, judged.n_before, judged.n_excluded, judged.n_unjudged, ""))
    labels = ("criterion", "before", "excluded", "unknown", "note")
    return TableBlock(
        id="table-criteria",
        title=word("criteria.title"),
        columns=tuple(Column(word(f"criteria.{x}"), align="left" if x == "note" else "auto") for x in labels),
        rows=tuple(rows),
    )
