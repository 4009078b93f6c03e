"""Survival by portrait as blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.report.document import Block, Callout, Column, FigureBlock, Heading, Paragraph, TableBlock
from osteon.report.figure_survival import SurvivalFigure, SurvivalLine
from osteon.report.value import Estimate, Number, PValue, Words
from osteon.report.value import Proportion as Share
from osteon.stats.survival import KaplanMeier
from osteon.studies.portraits_survival import PortraitSurvival
from osteon.studies.portraits_words import portrait_word

__all__ = ["survival_blocks"]

_TICKS = (0.0, 3.0, 6.0, 9.0, 12.0)


def survival_blocks(found: tuple[PortraitSurvival, ...]) -> Iterator[Block]:
    """Each set of features: who the groups are, how they survive, what they add to age and sex."""
    for each in found:
        yield from _one(each)


def _one(found: PortraitSurvival) -> Iterator[Block]:
    name, group = found.name, found.grouping
    yield Heading(f"survival-{name}", portrait_word(f"survival.section_{name}"))
    yield Paragraph(portrait_word(
        "survival.text", k=group.k, n=sum(found.sizes), least=Number(group.stability.least, digits=2), p=found.log_rank.p,
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
    for g, a in enumerate(found.letters):
        means, term = found.summary.loc[a], hazards.get(f"portrait_{a}")
        rows.append((
            portrait_word("survival.group", letter=a), found.sizes[g], Number(means["age_years"], digits=1),
            Number(means["male"], digits=0, percent=True), Number(means["charlson_index"], digits=1),
            Number(means["dementia"], digits=0, percent=True), Number(group.stability.jaccard[g], digits=2),
            Share(found.deaths[g], found.sizes[g]),
            portrait_word("survival.reference") if term is None else Estimate(term.hazard_ratio, term.ci.low, term.ci.high),
            None if term is None else PValue(term.p),
        ))  # fmt: skip
    labels = ("letter", "n", "age", "male", "charlson", "dementia", "jaccard", "deaths", "hr", "p")
    yield TableBlock(id=f"table-survival-{name}", title=portrait_word(f"survival.table_{name}"), rows=tuple(rows),
                     columns=tuple(Column(portrait_word(f"survival.{label}")) for label in labels),
                     footnotes=(portrait_word("survival.note"),))  # fmt: skip
    yield FigureBlock(
        id=f"figure-survival-{name}", title=portrait_word(f"survival.figure_{name}"), alt=portrait_word("survival.alt"),
        figure=SurvivalFigure(
            lines=tuple(_line(a, curve) for a, curve in found.curves.items()), ticks=_TICKS, from_zero=False,
            time_label=portrait_word("survival.months"), value_label=portrait_word("survival.alive"),
            p=PValue(found.log_rank.p), test=Words("term.test.log_rank"),
        ),
    )  # fmt: skip


def _line(name: str, curve: KaplanMeier) -> SurvivalLine:
    at_risk = tuple(
        int(curve.at_risk[curve.time >= tick][0]) if (curve.time >= tick).any() else 0 for tick in _TICKS
    )
    return SurvivalLine(
        label=portrait_word("survival.group", letter=name), time=np.concatenate([[0.0], curve.time]),
        value=np.concatenate([[1.0], curve.survival]), low=np.concatenate([[1.0], curve.low]),
        high=np.concatenate([[1.0], curve.high]), at_risk=at_risk,
    )  # fmt: skip
