"""Portrait cards: one group on a page or two, for a meeting of those who look after such patients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd

from osteon.care.portrait_plan import TOPICS, PortraitPlan
from osteon.cohort.schema import kind_of
from osteon.report.document import (
    Block,
    Bullets,
    Callout,
    Column,
    FigureBlock,
    GroupRow,
    Heading,
    KeyFigures,
    Paragraph,
    Row,
    TableBlock,
    Tile,
)
from osteon.report.figure_heatmap import HeatmapFigure
from osteon.report.figure_radar import Profile, RadarFigure
from osteon.report.value import Cell, Number, Spread, Strong, Variable, Words
from osteon.studies.portraits_groups import Card, Portraits
from osteon.studies.portraits_words import (
    card_paragraph,
    card_title,
    group_name,
    item_text,
    marker_text,
    number_cell,
    portrait_name,
    portrait_word,
    told,
)
from osteon.studies.published_s0 import published_groups

__all__ = ["beside_table", "card_blocks", "heat_figure", "plan_note", "radar_figure", "sources_table"]

_MARKERS = 5


def beside_table(table: pd.DataFrame, found: Portraits, *, with_published: bool) -> TableBlock:
    """The published table of groups with our groups in its columns, each beside the published one it is most like."""
    paper = published_groups()
    rows: list[Row | GroupRow] = []
    for card in found.cards:
        rows.append((Strong(card_title(card)), card.n, *_measured(table.iloc[card.rows]), *_shares(card)))
        if with_published and card.published is not None:
            group = paper.iloc[card.published - 1]
            rows.append((
                portrait_word("beside.published", n=card.published), int(group["n"]),
                Spread(group["age_years"], sd=group["age_sd"], digits=2), Spread(group["t_lowest"], sd=group["t_sd"], digits=1),
                portrait_word(f"type.{group['fracture_type']}"), Number(group["conservative"], digits=1, percent=True),
                Number(1 - group["conservative"], digits=1, percent=True),
            ))  # fmt: skip
    labels = ("group", "n", "age", "t", "type", "conservative", "surgical")
    return TableBlock(
        id="table-groups", title=portrait_word("beside.title"), rows=tuple(rows),
        columns=tuple(Column(portrait_word(f"beside.{label}")) for label in labels),
        footnotes=(portrait_word("beside.note"),) if with_published else (),
    )  # fmt: skip


def _measured(group: pd.DataFrame) -> tuple[Cell, Cell]:
    cells: list[Cell] = []
    for name, digits in (("age_years", 2), ("t_lowest", 1)):
        known = group[name].dropna() if name in group else []
        cells.append(
            Spread(float(np.mean(known)), sd=float(np.std(known, ddof=1)), digits=digits)
            if len(known) > 1
            else None
        )
    return cells[0], cells[1]


def _shares(card: Card) -> tuple[Cell, ...]:
    multiple, burst = card.facts.get("multiple_share"), card.facts.get("burst_share")
    kind: Cell = None
    if multiple is not None and burst is not None:
        shares = {"multiple": multiple, "burst": burst, "single": 1 - multiple - burst}
        most = max(shares, key=lambda each: shares[each])
        kind = portrait_word("beside.type_share", type=portrait_word(f"type.{most}"),
                             share=Number(shares[most], digits=0, percent=True))  # fmt: skip
    return (
        kind,
        *(
            number_cell(card.facts.get(f), digits=1, percent=True)
            for f in ("conservative_share", "surgical_share")
        ),
    )


def card_blocks(card: Card, found: Portraits, lang: str, *, sheet: bool = False) -> Iterator[Block]:
    """
    One card: name, numbers, paragraph, what distinguishes it, what to do, what a surgeon asks for.

    It fits one page: sources stand in a table of their own. On a ``sheet`` there is a line to sign.
    """
    level: Literal[1, 2] = 1 if sheet else 2
    anchor = card.letter.lower()
    yield Heading(f"card-{anchor}", card_title(card), level=level, new_page=True)
    if not card.named:
        yield Callout("warning", portrait_word("card.not_named"))
    yield KeyFigures(_tiles(card, len(found.ids)))
    yield Paragraph(card_paragraph(card, len(found.ids)))
    yield Paragraph(portrait_word("card.differs"))
    yield Bullets(tuple(marker_text(m) for m in card.markers[:_MARKERS] if abs(m.difference) >= 0.2))
    yield Paragraph(_stable(card))
    if not card.named:
        return
    yield _plan_table(card, lang)
    facts = [portrait_word(f"surgery.{code}") for code in card.plan.surgical_facts]
    if facts and (card.facts.get("surgical_share") or 0) > 0:
        yield Paragraph(portrait_word("card.surgery", facts=told(facts, "list")))
    if sheet:
        yield Paragraph(portrait_word("card.signature"))


def _tiles(card: Card, total: int) -> tuple[Tile, ...]:
    f = card.facts
    tiles = [Tile(portrait_word("tile.n"), card.n, portrait_word("tile.of", n=total))]
    for key, fact, digits, percent in (
        ("age", "age_mean", 0, False), ("t", "t_mean", 1, False), ("pain", "vas_mean", 1, False),
        ("surgical", "surgical_share", 0, True), ("healing", "healing_days_mean", 0, False),
    ):  # fmt: skip
        if f.get(fact) is not None:
            tiles.append(
                Tile(portrait_word(f"tile.{key}"), number_cell(f[fact], digits=digits, percent=percent))
            )
    return tuple(tiles)


def _stable(card: Card) -> Words:
    return portrait_word("card.stable", letter=card.letter, jaccard=Number(card.jaccard, digits=2))


def _plan_table(card: Card, lang: str) -> TableBlock:
    """The plan as a list for a meeting: topic, what to do, how sure."""
    rows: list[Row] = []
    topic = ""
    for item in card.plan.items:
        first = item.topic != topic
        topic = item.topic
        told_topic: Cell = Strong(portrait_word(f"topic.{topic}")) if first else ""
        rows.append((told_topic, item_text(item, lang), portrait_word(f"confidence.{item.confidence}")))
    columns = (Column(portrait_word("plan.topic"), align="left", wrap=False), Column(portrait_word("plan.what"), align="left"),
               Column(portrait_word("plan.confidence"), align="left", wrap=False))  # fmt: skip
    return TableBlock(
        id=f"table-plan-{card.letter.lower()}", title=portrait_word("plan.title", letter=card.letter, name=portrait_name(card.name)),
        columns=columns, rows=tuple(rows), footnotes=(portrait_word("plan.sources_in_report"), plan_note(card.plan)),
    )  # fmt: skip


def sources_table(found: Portraits, lang: str) -> TableBlock | None:
    """Every item of the plans once, with its source and whether somebody signed it; None where no plan was made."""
    items = {item.id: item for card in found.cards if card.named for item in card.plan.items}
    if not items:
        return None
    rows = tuple(
        (item_text(item, lang), (lang == "zh" and item.source_zh) or item.source,
         portrait_word("plan.signed" if item.verified else "plan.unsigned"))
        for item in sorted(items.values(), key=lambda each: TOPICS.index(each.topic))
    )  # fmt: skip
    columns = (Column(portrait_word("plan.what"), align="left"), Column(portrait_word("plan.source"), align="left"),
               Column(portrait_word("plan.state"), align="left", wrap=False))  # fmt: skip
    return TableBlock(
        id="table-plan-sources", title=portrait_word("plan.sources"), columns=columns, rows=rows
    )


def plan_note(plan: PortraitPlan) -> Words:
    """Which version of the rules made the plan, and how many of its items nobody has signed."""
    key = "plan.note_unverified" if plan.unverified else "plan.note"
    return portrait_word(
        key, version=plan.version, sha=plan.sha256[:12], n=plan.unverified, total=len(plan.items)
    )


def radar_figure(table: pd.DataFrame, found: Portraits) -> FigureBlock | None:
    """Where each group stands among all patients, feature by feature."""
    names = [n for n in found.features if kind_of(table[n]) in ("number", "ordinal")][:8]
    if len(names) < 3:
        return None
    ranks = {}
    for name in names:
        values = (
            table[name].cat.codes.where(table[name].notna())
            if kind_of(table[name]) == "ordinal"
            else table[name]
        )
        ranks[name] = values.rank(pct=True)
    profiles = tuple(
        Profile(
            label=group_name(card),
            values=[float(ranks[n].iloc[card.rows].mean()) for n in names],
        )
        for card in found.cards
    )
    return FigureBlock(id="figure-radar", title=portrait_word("radar.title"), alt=portrait_word("radar.alt"),
                       caption=portrait_word("radar.caption"),
                       figure=RadarFigure(axes=tuple(Variable(n, "short") for n in names), profiles=profiles))  # fmt: skip


def heat_figure(found: Portraits) -> FigureBlock:
    """Standardised differences of every group from all others."""
    columns = list(dict.fromkeys(m.column for card in found.cards for m in card.markers))
    values = np.full((len(found.cards), len(columns)), np.nan)
    for card in found.cards:
        for marker in card.markers:
            values[card.index, columns.index(marker.column)] = marker.difference
    return FigureBlock(
        id="figure-heat", title=portrait_word("heat.title"), alt=portrait_word("heat.alt"), caption=portrait_word("heat.caption"),
        figure=HeatmapFigure(rows=tuple(group_name(c) for c in found.cards),
                             columns=tuple(Variable(n, "short") for n in columns), values=np.nan_to_num(values),
                             scale_label=portrait_word("heat.scale"), limit=3.0, digits=1),
    )  # fmt: skip
