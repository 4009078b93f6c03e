"""Before and after portraits, as blocks: the printed figures, a table's own, and a clinic in which the truth is known."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.report.document import Block, Bullets, Callout, Column, Heading, Paragraph, Row, TableBlock
from osteon.report.value import Estimate, Number, PValue, Spread, Words
from osteon.studies.before_after import BeforeAfter, Compared, Series, printed_comparisons
from osteon.studies.portraits_words import portrait_word, told
from osteon.studies.published_s0 import Recheck
from osteon.synth.portraits import ChangingClinic

__all__ = ["before_after_blocks", "clinic_blocks", "printed_blocks"]

_CANNOT = ("trend", "case_mix", "regression", "unblinded", "together")


def printed_blocks(recheck: tuple[Recheck, ...]) -> Iterator[Block]:
    """The paper's before/after figures recomputed, what they cannot show, and the rest of the recheck."""
    yield Heading("printed", portrait_word("section.printed"))
    yield Paragraph(portrait_word("periods.printed"))
    lines = printed_comparisons()
    yield _table("table-printed", portrait_word("periods.printed_title"), lines)
    for line in lines:
        if line.paired is not None:
            yield Paragraph(portrait_word("periods.paired", measure=portrait_word(f"measure.{line.measure}"),
                                          low=PValue(line.paired[0]), high=PValue(line.paired[1])))  # fmt: skip
    yield from _warning("same_patients")
    if recheck:
        yield _recheck(recheck)


def before_after_blocks(found: BeforeAfter) -> Iterator[Block]:
    """A table's own before and after."""
    yield Heading("periods", portrait_word("section.periods"))
    if found.lines:
        yield _table("table-periods", portrait_word("periods.title"), found.lines)
    if found.agreement:
        yield TableBlock(
            id="table-experts", title=portrait_word("experts.title"),
            columns=(Column(portrait_word("experts.pair")), Column(portrait_word("experts.kappa")), Column(portrait_word("experts.n"))),
            rows=tuple((portrait_word(f"experts.pair_{pair}"), Estimate(k.value, k.ci.low, k.ci.high), k.n) for pair, k in found.agreement),
            footnotes=(portrait_word("experts.note"),),
        )  # fmt: skip
    yield from _designs(found, "table-designs")
    yield (
        Bullets(tuple(portrait_word(f"periods.{code}") for code in found.skipped))
        if found.skipped
        else Paragraph(portrait_word("periods.designs_done"))
    )
    yield from _warning()


def clinic_blocks(clinic: ChangingClinic, found: BeforeAfter) -> Iterator[Block]:
    """An invented clinic: what the plain comparison says, and what was planted."""
    yield Heading("clinic", portrait_word("section.clinic"))
    yield Paragraph(portrait_word("clinic.text", effect=Number(clinic.effect_days, digits=1, signed=True),
                                  trend=Number(clinic.trend_days_a_month, digits=2, signed=True)))  # fmt: skip
    yield from _designs(found, "table-clinic", planted=clinic.effect_days)


def _designs(found: BeforeAfter, anchor: str, *, planted: float | None = None) -> Iterator[Block]:
    """The plain difference beside the designs that take something out of it."""
    rows: list[Row] = []
    plain = next((line for line in found.lines if line.measure == "healing_days"), None)
    if plain is not None:
        rows.append((portrait_word("design.plain"), _gap(plain), portrait_word("design.plain_takes")))
    if found.matched is not None:
        m = found.matched
        rows.append((portrait_word("design.matched", n=m.n_matched), Estimate(m.value, m.ci.low, m.ci.high, digits=1),
                     portrait_word("design.matched_takes")))  # fmt: skip
    if found.series is not None:
        rows.append((portrait_word("design.series", before=found.series.months_before, after=found.series.months_after),
                     _level(found.series), portrait_word("design.series_takes")))  # fmt: skip
    if planted is not None:
        rows.append((portrait_word("design.planted"), Number(planted, digits=1), ""))
    if len(rows) > 1:
        yield TableBlock(id=anchor, title=portrait_word("design.title"), rows=tuple(rows),
                         columns=(Column(portrait_word("design.design")), Column(portrait_word("design.days")),
                                  Column(portrait_word("design.takes"), align="left")))  # fmt: skip


def _level(series: Series) -> Estimate:
    return Estimate(series.level, series.level_ci.low, series.level_ci.high, digits=1)


def _gap(line: Compared) -> Estimate:
    share = not line.sd
    return Estimate(line.difference, line.ci.low, line.ci.high, digits=1, percent=share)


def _warning(*more: str) -> Iterator[Block]:
    yield Callout("warning", portrait_word("periods.warning"))
    yield Bullets(tuple(portrait_word(f"cannot.{code}") for code in (*_CANNOT, *more)))
    yield Paragraph(portrait_word("periods.offered"))


def _table(anchor: str, title: Words, lines: tuple[Compared, ...]) -> TableBlock:
    rows: list[Row] = []
    for line in lines:
        share = not line.sd
        before, after = (
            (Number(line.before, digits=1, percent=True), Number(line.after, digits=1, percent=True)) if share
            else (Spread(line.before, sd=line.sd[0], digits=1), Spread(line.after, sd=line.sd[1], digits=1))
        )  # fmt: skip
        effects = [portrait_word(f"effect.{e.name}", value=Number(e.value, digits=2)) for e in line.effects]
        robust = [_tested(line.robust.test, None if share else line.robust.statistic, line.robust.p)]
        if line.ranks is not None:
            robust.append(_tested(line.ranks.test, None, line.ranks.p))
        rows.append((portrait_word(f"measure.{line.measure}"), before, after, _gap(line),
                     _tested(line.classic.test, line.classic.statistic, line.classic.p), told(robust, "list"), told(effects, "list")))  # fmt: skip
    labels = ("measure", "before", "after", "difference", "classic", "robust", "effect")
    return TableBlock(id=anchor, title=title, rows=tuple(rows),
                      columns=tuple(Column(portrait_word(f"periods.{label}"), align="left") for label in labels),
                      footnotes=(portrait_word("periods.note", n=lines[0].n[0], m=lines[0].n[1]),))  # fmt: skip


def _tested(test: str, statistic: float | None, p: float) -> Words:
    name = Words(f"term.test.{test}")
    if statistic is None:
        return portrait_word("periods.tested_p", test=name, p=p)
    return portrait_word("periods.tested", test=name, statistic=Number(statistic, digits=2), p=p)


def _recheck(lines: tuple[Recheck, ...]) -> TableBlock:
    verdict = {"yes": "yes", "no": "no", "not computable": "unknown"}
    rows = tuple(
        (portrait_word(f"recheck.{line.figure}", group=line.group or ""), line.printed or None,
         PValue(line.recomputed) if line.figure.startswith("p_") else Number(line.recomputed, digits=line.digits),
         portrait_word(f"recheck.follows_{verdict[line.follows]}"), portrait_word(f"recheck.why_{line.why}") if line.why else "")
        for line in lines
    )  # fmt: skip
    return TableBlock(id="table-recheck", title=portrait_word("recheck.title"), rows=rows,
                      columns=tuple(Column(portrait_word(f"recheck.{c}"), align="left") for c in
                                    ("figure", "printed", "recomputed", "follows", "why")))  # fmt: skip
