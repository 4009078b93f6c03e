"""Survival by portrait as blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from osteon.report.document import (
    Block,
    Bullets,
    Callout,
    Column,
    FigureBlock,
    Heading,
    KeyFigures,
    Paragraph,
    TableBlock,
    Tile,
)
from osteon.report.figure_survival import SurvivalFigure, SurvivalLine
from osteon.report.value import Estimate, Number, PValue, Words
from osteon.report.value import Proportion as Share
from osteon.stats.survival import KaplanMeier
from osteon.studies.portraits_groups import Card
from osteon.studies.portraits_survival import PortraitSurvival
from osteon.studies.portraits_words import (
    card_title,
    group_name,
    marker_text,
    portrait_name,
    portrait_word,
    told_people,
)

__all__ = ["survival_blocks", "survival_card_blocks", "survival_summary"]

_TICKS = (0.0, 3.0, 6.0, 9.0, 12.0)


def survival_summary(found: PortraitSurvival) -> Iterator[Block]:
    """What was found, in figures and in sentences; ``found`` is the division without management."""
    group = found.grouping
    yield Paragraph(portrait_word("summary.estonia"))
    yield KeyFigures((
        Tile(portrait_word("tile.people"), sum(found.sizes)),
        Tile(portrait_word("tile.portraits" if found.claimed else "tile.k"), group.k, portrait_word(f"rule.{group.count.rule}")),
        Tile(portrait_word("tile.stability"), Number(group.stability.least, digits=2), portrait_word("tile.stability_of")),
        Tile(portrait_word("tile.gain"), Number(found.gain, digits=3, signed=True), portrait_word(
            "tile.gain_of", without=Number(found.without.value, digits=3), full=Number(found.with_portraits.value, digits=3))),
    ))  # fmt: skip
    yield Callout("note" if found.claimed else "warning", portrait_word(f"survival.{_claim(found)}"))
    if found.claimed:
        yield Bullets(tuple(
            portrait_word("survival.line", letter=card.letter, name=portrait_name(card.name), n=size, alive=_alive(found, card))
            for card, size in zip(found.cards, found.sizes, strict=True)
        ))  # fmt: skip


def _claim(found: PortraitSurvival) -> str:
    if not found.claimed:
        return "claim_none"
    return "claim_continuum" if found.continuum else "claim_groups"


def _alive(found: PortraitSurvival, card: Card) -> Estimate:
    return Estimate(*found.alive(card.letter), digits=0, percent=True)


def survival_card_blocks(found: PortraitSurvival, *, level: Literal[1, 2] = 2) -> Iterator[Block]:
    """A card for each portrait: who they are, what tells them apart, how many are alive after twelve months."""
    hazards = {term.name: term for term in found.model.terms}
    total = sum(found.sizes)
    for card in found.cards:
        f, term = card.facts, hazards.get(f"portrait_{card.letter}")
        yield Heading(f"card-{found.name}-{card.letter.lower()}", card_title(card), level=level)
        ratio = (
            portrait_word("survival.reference")
            if term is None
            else Estimate(term.hazard_ratio, term.ci.low, term.ci.high)
        )
        yield KeyFigures((
            Tile(portrait_word("tile.people"), card.n, portrait_word("tile.of", n=total)),
            Tile(portrait_word("tile.age"), Number(f["age_mean"], digits=0)),
            Tile(portrait_word("tile.charlson"), Number(f["charlson_mean"], digits=1)),
            Tile(portrait_word("tile.dementia"), Number(f["dementia_share"], digits=0, percent=True)),
            Tile(portrait_word("tile.alive"), _alive(found, card)),
            Tile(portrait_word("tile.hazard"), ratio, portrait_word("tile.hazard_of")),
        ))  # fmt: skip
        yield Paragraph(told_people(card, total))
        yield Paragraph(portrait_word("card.differs"))
        yield Bullets(tuple(marker_text(m) for m in card.markers if abs(m.difference) >= 0.2))
        yield Paragraph(
            portrait_word("card.stable", letter=card.letter, jaccard=Number(card.jaccard, digits=2))
        )


def survival_blocks(found: tuple[PortraitSurvival, ...]) -> Iterator[Block]:
    """Each set of features: who the groups are, how they survive, what they add to age and sex; cards where claimed."""
    for each in found:
        yield from _one(each)
        if each.claimed:
            yield from survival_card_blocks(each)


def _one(found: PortraitSurvival) -> Iterator[Block]:
    name, group = found.name, found.grouping
    yield Heading(f"survival-{name}", portrait_word(f"survival.section_{name}"))
    yield Paragraph(portrait_word(
        "survival.text" if found.claimed else "survival.text_none", k=group.k, n=sum(found.sizes), least=Number(group.stability.least, digits=2), p=found.log_rank.p,
        stratified=found.stratified.p, adjusted=found.adjusted_p, chi2=Number(found.adjusted_chi2, digits=1), df=found.adjusted_df,
        without=Number(found.without.value, digits=3), full=Number(found.with_portraits.value, digits=3),
        gain=Estimate(found.gain, found.gain_ci.low, found.gain_ci.high, digits=3),
    ))  # fmt: skip
    yield Callout(
        "note",
        portrait_word(f"survival.verdict_{group.verdict}", z=Number(group.count.structure.z, digits=1)),
    )
    hazards = {term.name: term for term in found.model.terms}
    rows = []
    for g, (a, card) in enumerate(zip(found.letters, found.cards, strict=True)):
        means, term = found.summary.loc[a], hazards.get(f"portrait_{a}")
        rows.append((
            group_name(card), found.sizes[g], Number(means["age_years"], digits=1),
            Number(means["male"], digits=0, percent=True), Number(means["charlson_index"], digits=1),
            Number(means["dementia"], digits=0, percent=True), Number(group.stability.jaccard[g], digits=2),
            Share(found.deaths[g], found.sizes[g]),
            portrait_word("survival.reference") if term is None else Estimate(term.hazard_ratio, term.ci.low, term.ci.high),
            None if term is None else PValue(term.p),
        ))  # fmt: skip
    if not found.claimed:
        yield Callout("warning", portrait_word("survival.claim_none"))
    labels = ("letter", "n", "age", "male", "charlson", "dementia", "jaccard", "deaths", "hr", "p")
    yield TableBlock(id=f"table-survival-{name}", title=portrait_word(f"survival.table_{name}"), rows=tuple(rows),
                     columns=tuple(Column(portrait_word(f"survival.{label}")) for label in labels),
                     footnotes=(portrait_word("survival.note"),))  # fmt: skip
    yield FigureBlock(
        id=f"figure-survival-{name}", title=portrait_word(f"survival.figure_{name}"), alt=portrait_word("survival.alt"),
        figure=SurvivalFigure(
            lines=tuple(_line(group_name(card), found.curves[card.letter]) for card in found.cards), ticks=_TICKS, from_zero=False,
            time_label=portrait_word("survival.months"), value_label=portrait_word("survival.alive"),
            p=PValue(found.log_rank.p), test=Words("term.test.log_rank"),
        ),
    )  # fmt: skip


def _line(label: Words, curve: KaplanMeier) -> SurvivalLine:
    at_risk = tuple(
        int(curve.at_risk[curve.time >= tick][0]) if (curve.time >= tick).any() else 0 for tick in _TICKS
    )
    return SurvivalLine(
        label=label, time=np.concatenate([[0.0], curve.time]),
        value=np.concatenate([[1.0], curve.survival]), low=np.concatenate([[1.0], curve.low]),
        high=np.concatenate([[1.0], curve.high]), at_risk=at_risk,
    )  # fmt: skip
