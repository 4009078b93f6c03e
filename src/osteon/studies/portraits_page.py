"""The report of the portraits study: which blocks stand in which order."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.report.document import (
    Block,
    Bullets,
    Callout,
    Column,
    Document,
    FigureBlock,
    Heading,
    KeyFigures,
    Paragraph,
    Reference,
    References,
    Row,
    TableBlock,
    Tile,
)
from osteon.report.figure_group_count import CountPanel, GroupCountFigure
from osteon.report.value import Number, PValue, Text, Variable
from osteon.studies.before_after_page import before_after_blocks, clinic_blocks, printed_blocks
from osteon.studies.portraits_cards import beside_table, card_blocks, heat_figure, radar_figure, sources_table
from osteon.studies.portraits_groups import Compared, Portraits
from osteon.studies.portraits_result import Result
from osteon.studies.portraits_survival_page import survival_blocks, survival_card_blocks, survival_summary
from osteon.studies.portraits_virtual import Nothing, Repeats, Table1
from osteon.studies.portraits_words import (
    cleaning_text,
    group_name,
    number_cell,
    portrait_name,
    portrait_word,
)

__all__ = ["cards_document", "report_document"]

_DROPPED = {"constant": "constant", "redundant-with": "redundant_with", "weak-association": "weak_association",
            "not-significant": "not_significant"}  # fmt: skip
PAPER = Reference("Zheng XL, Zhang YN, Li HY. Research on user portrait and management direction construction of vertebral "
                  "compression fracture based on machine learning. 2026.", "10.12208/j.jacn.20260189")  # fmt: skip


def report_document(result: Result, lang: str) -> Document:
    """The report as a document."""
    return _document(result, f"title.{result.kind}", tuple(_report(result, lang)))


def cards_document(result: Result, lang: str) -> Document:
    """The cards alone, to be printed for a meeting."""
    return Document(title=portrait_word("title.cards"), subtitle=portrait_word("subtitle"), simulated=result.simulated,
                    blocks=tuple(_card_pages(result, lang)), sheet=True)  # fmt: skip


def _document(result: Result, title: str, blocks: tuple[Block, ...]) -> Document:
    return Document(title=portrait_word(title), subtitle=portrait_word("subtitle"), authors=(portrait_word("author"),),
                    simulated=result.simulated, blocks=blocks, provenance=result.provenance)  # fmt: skip


def _report(result: Result, lang: str) -> Iterator[Block]:
    """The whole report."""
    if result.kind == "published":
        yield from printed_blocks(result.recheck)
        yield from _references()
        return
    yield Heading("summary", portrait_word("section.summary"))
    yield from _summary(result)
    if result.survival:
        yield from survival_blocks(result.survival)
        if all(each.claimed for each in result.survival):
            yield Paragraph(portrait_word("survival.new_patient"))
    if result.found is not None and result.patients is not None:
        yield from _groups(result, result.found, lang)
    if result.table1 is not None:
        yield from _table1(result.table1)
    if result.repeats is not None and result.repeats.ks:
        yield _repeats(result.repeats)
    if result.nothing:
        yield from _nothing(result.nothing)
    if result.periods is not None:
        yield from before_after_blocks(result.periods)
    if result.clinic is not None:
        yield from clinic_blocks(*result.clinic)
    if result.kind != "estonia":
        yield from printed_blocks(result.recheck)
    yield Heading("limits", portrait_word("section.limits"))
    yield Bullets(tuple(portrait_word(f"limits.{code}") for code in _limits(result)))
    yield from _references()


def _card_pages(result: Result, lang: str) -> Iterator[Block]:
    """The cards alone, to be printed for a meeting."""
    if result.survival:
        yield from survival_summary(result.survival[0])
        yield from survival_card_blocks(result.survival[0], level=1)
    if result.found is None or result.patients is None:
        return
    found, table = result.found, result.patients.table
    yield Paragraph(portrait_word("cards.how"))
    yield Heading("groups", portrait_word("cards.overview"))
    yield beside_table(table, found, with_published=False)
    radar = radar_figure(table, found)
    if radar is not None:
        yield radar
    for card in found.cards:
        yield from card_blocks(card, found, lang, sheet=True)


def _limits(result: Result) -> Iterator[str]:
    if result.simulated:
        yield "simulated"
    yield from ("groups", "membership", "plan") if result.kind != "estonia" else ("groups", "estonia")
    yield "software"


def _summary(result: Result) -> Iterator[Block]:
    found = result.found
    if found is None:
        yield from survival_summary(result.survival[0])
        return
    group = found.grouping
    tiles = [
        Tile(portrait_word("tile.patients"), len(found.ids)),
        Tile(portrait_word("tile.k"), group.k, portrait_word(f"rule.{group.count.rule}")),
        Tile(portrait_word("tile.silhouette"), Number(group.silhouette, digits=2)),
        Tile(
            portrait_word("tile.stability"),
            Number(group.stability.least, digits=2),
            portrait_word("tile.stability_of"),
        ),
    ]
    if result.ari is not None:
        tiles.append(
            Tile(portrait_word("tile.ari"), Number(result.ari, digits=3), portrait_word("tile.ari_of"))
        )
    yield KeyFigures(tuple(tiles))
    verdict = group.verdict
    yield Callout("note" if verdict == "groups" else "warning",
                  portrait_word(f"verdict.{verdict}", k=group.k, z=Number(group.count.structure.z, digits=1),
                                least=Number(group.stability.least, digits=2)))  # fmt: skip
    if verdict == "groups":
        yield Bullets(tuple(
            portrait_word("summary.line", letter=c.letter, name=portrait_name(c.name), n=c.n,
                          share=Number(c.n / len(found.ids), digits=0, percent=True)) for c in found.cards
        ))  # fmt: skip


def _groups(result: Result, found: Portraits, lang: str) -> Iterator[Block]:
    table = result.patients.table if result.patients is not None else None
    if table is None:
        return
    yield Heading("cards", portrait_word("section.cards"))
    yield beside_table(table, found, with_published=True)
    radar = radar_figure(table, found)
    if radar is not None:
        yield radar
    yield heat_figure(found)
    for card in found.cards:
        yield from card_blocks(card, found, lang)
    sources = sources_table(found, lang)
    if sources is not None:
        yield Heading("plan-sources", portrait_word("section.plan_sources"), level=2, new_page=True)
        yield sources
    yield Heading("data", portrait_word("section.data"), new_page=sources is None)
    yield _cleaning(result)
    yield _selection(found)
    yield Heading("number", portrait_word("section.number"))
    yield Paragraph(_why_k(found))
    yield _count_figure(found)
    yield _stability(found)
    yield _structure(found)
    yield _methods(result.methods, found)
    if result.recipe is not None:
        yield Paragraph(portrait_word("recipe.text", k=result.recipe.k, ari=Number(result.recipe_agreement, digits=2),
                                      verdict=portrait_word(f"verdict_short.{result.recipe.verdict}")))  # fmt: skip


def _cleaning(result: Result) -> TableBlock:
    """What was done to the table, counted by code; every cell stands in cleaning-log.csv."""
    cohort = result.patients.cohort if result.patients is not None else None
    counts: dict[str, int] = {}
    for change in cohort.log if cohort is not None else ():
        counts[change.code] = counts.get(change.code, 0) + (change.n if not change.row else 1)
    flow = cohort.flow if cohort is not None else ()
    rows: list[Row] = [
        (portrait_word("clean.flow", step=cleaning_text(step.code)), step.n_before, step.n_after)
        for step in flow
    ]
    rows += [
        (portrait_word("clean.code", code=cleaning_text(code)), n, None) for code, n in sorted(counts.items())
    ]
    rows = rows or [(portrait_word("clean.nothing"), None, None)]
    return TableBlock(id="table-cleaning", title=portrait_word("clean.title"), rows=tuple(rows),
                      columns=tuple(Column(portrait_word(f"clean.{c}")) for c in ("step", "before", "after")),
                      footnotes=(portrait_word("clean.note"),))  # fmt: skip


def _selection(found: Portraits) -> TableBlock:
    chosen = found.selection
    rows = [
        (Variable(n), number_cell(chosen.scores.get(n), digits=2), portrait_word("select.kept"))
        for n in chosen.kept
    ]
    for gone in chosen.dropped:
        code, _, other = gone.reason.partition(":")
        why = portrait_word(
            f"select.{_DROPPED[code]}", other=Variable(other), value=Number(gone.value, digits=2)
        )
        rows.append((Variable(gone.name), number_cell(chosen.scores.get(gone.name), digits=2), why))
    notes = tuple(portrait_word(f"select.{note}") for note in chosen.notes)
    return TableBlock(id="table-selection", title=portrait_word("select.title"), rows=tuple(rows),
                      columns=(Column(portrait_word("select.feature")), Column(portrait_word("select.score")),
                               Column(portrait_word("select.why"), align="left")),
                      footnotes=(*notes, portrait_word("select.note")))  # fmt: skip


def _vote(value: int | None) -> Text:
    return portrait_word("vote.none") if value is None else str(value)


def _why_k(found: Portraits) -> Text:
    count = found.grouping.count
    return portrait_word("why_k.text", k=count.k, rule=portrait_word(f"rule.{count.rule}"),
                         **{name: _vote(count.votes.get(name)) for name in ("elbow", "silhouette", "gap")})  # fmt: skip


def _count_figure(found: Portraits) -> FigureBlock:
    count = found.grouping.count
    panels = (
        CountPanel(label=portrait_word("count.loss"), values=count.losses, vote=count.votes.get("elbow")),
        CountPanel(
            label=portrait_word("count.silhouette"),
            values=count.silhouettes,
            vote=count.votes.get("silhouette"),
        ),
        CountPanel(
            label=portrait_word("count.gap"),
            values=count.gaps,
            errors=count.gap_errors,
            vote=count.votes.get("gap"),
        ),
    )
    return FigureBlock(id="figure-count", title=portrait_word("count.title"), alt=portrait_word("count.alt"),
                       caption=portrait_word("count.caption", k=count.k),
                       figure=GroupCountFigure(ks=count.ks, panels=panels, chosen=count.k,
                                               axis_label=portrait_word("count.axis")))  # fmt: skip


def _stability(found: Portraits) -> TableBlock:
    group = found.grouping
    rows = tuple(
        (group_name(c), c.n, Number(c.jaccard, digits=2),
         Number(group.stability.recovered[c.index], digits=0, percent=True),
         Number(float(group.silhouettes[c.rows].mean()), digits=2),
         portrait_word("stable.yes" if c.jaccard >= 0.75 else "stable.pattern" if c.jaccard >= 0.6 else "stable.no"))
        for c in found.cards
    )  # fmt: skip
    return TableBlock(id="table-stability", title=portrait_word("stable.title", n=group.stability.resamples), rows=rows,
                      columns=tuple(Column(portrait_word(f"stable.{c}")) for c in
                                    ("group", "n", "jaccard", "recovered", "silhouette", "verdict")),
                      footnotes=(portrait_word("stable.note", agreement=Number(group.agreement, digits=2)),))  # fmt: skip


def _structure(found: Portraits) -> Paragraph:
    s = found.grouping.count.structure
    return Paragraph(portrait_word("structure.text", observed=Number(s.observed, digits=2), draws=s.draws,
                                   expected=Number(s.expected, digits=2), z=Number(s.z, digits=1), p=PValue(s.p)))  # fmt: skip


def _methods(methods: tuple[Compared, ...], found: Portraits) -> TableBlock:
    truth = any(m.truth is not None for m in methods)
    labels = ("method", "silhouette", "agreement", *(("truth",) if truth else ()))
    rows = tuple(
        (portrait_word(f"method.{m.method}"), number_cell(m.silhouette, digits=2), Number(m.agreement, digits=2),
         *((number_cell(m.truth, digits=3),) if truth else ())) for m in methods
    )  # fmt: skip
    return TableBlock(id="table-methods", title=portrait_word("methods.title", k=found.grouping.k), rows=rows,
                      columns=tuple(Column(portrait_word(f"methods.{label}")) for label in labels),
                      footnotes=(portrait_word("methods.note"),))  # fmt: skip


def _table1(found: Table1) -> Iterator[Block]:
    yield Heading("table1", portrait_word("section.table1"))
    yield Paragraph(portrait_word("table1.text", bayes=Number(found.bayes, digits=3), here=Number(found.bayes_here, digits=3),
                                  k=found.published.k, ari=Number(found.published.ari, digits=3),
                                  best=portrait_word(f"way.{found.best.name}"), best_ari=Number(found.best_ari, digits=3),
                                  share=Number(found.best_ari / found.bayes, digits=0, percent=True)))  # fmt: skip
    rows = tuple(
        (portrait_word(f"way.{w.name}"), w.k, Number(w.ari, digits=3), Number(w.ari_4, digits=3),
         portrait_word(f"verdict_short.{w.verdict}")) for w in found.ways
    )  # fmt: skip
    yield TableBlock(id="table-table1", title=portrait_word("table1.title"), rows=rows,
                     columns=tuple(Column(portrait_word(f"table1.{c}")) for c in ("way", "k", "ari", "ari_4", "verdict")),
                     footnotes=(portrait_word("table1.note"),))  # fmt: skip


def _repeats(found: Repeats) -> Paragraph:
    return Paragraph(portrait_word("repeats.text", n=len(found.ks), k=found.succeeded,
                                   low=Number(min(found.aris), digits=3),
                                   mean=Number(sum(found.aris) / len(found.aris), digits=3)))  # fmt: skip


def _nothing(found: tuple[Nothing, ...]) -> Iterator[Block]:
    yield Heading("nothing", portrait_word("section.nothing"))
    yield Paragraph(portrait_word("nothing.text", n=len(found), claimed=sum(n.claimed for n in found)))
    rows = tuple(
        (portrait_word(f"kind.{n.kind}"), n.k, Number(n.silhouette, digits=2), Number(n.least_jaccard, digits=2),
         Number(n.z, digits=1), portrait_word(f"verdict_short.{n.verdict}")) for n in found
    )  # fmt: skip
    yield TableBlock(id="table-nothing", title=portrait_word("nothing.title"), rows=rows,
                     columns=tuple(Column(portrait_word(f"nothing.{c}")) for c in
                                   ("kind", "k", "silhouette", "jaccard", "z", "verdict")))  # fmt: skip


def _references() -> Iterator[Block]:
    yield Heading("references", portrait_word("section.references"))
    yield References((
        PAPER,
        Reference("Rousseeuw PJ. Silhouettes: a graphical aid to the interpretation and validation of cluster analysis. "
                  "J Comput Appl Math 1987;20:53-65.", "10.1016/0377-0427(87)90125-7"),
        Reference("Tibshirani R, Walther G, Hastie T. Estimating the number of clusters in a data set via the gap statistic. "
                  "J R Stat Soc B 2001;63:411-423.", "10.1111/1467-9868.00293"),
        Reference("Satopaa V, et al. Finding a \"kneedle\" in a haystack. ICDCS workshops 2011:166-171.", "10.1109/ICDCSW.2011.20"),
        Reference("Hennig C. Cluster-wise assessment of cluster stability. Comput Stat Data Anal 2007;52:258-271.",
                  "10.1016/j.csda.2006.11.025"),
        Reference("Hubert L, Arabie P. Comparing partitions. J Classif 1985;2:193-218.", "10.1007/BF01908075"),
        Reference("Bernal JL, Cummins S, Gasparrini A. Interrupted time series regression for the evaluation of public health "
                  "interventions. Int J Epidemiol 2017;46:348-355.", "10.1093/ije/dyw098"),
    ))  # fmt: skip
