"""Survival after hip fracture as blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.report.document import Block, Column, FigureBlock, Heading, Paragraph, Row, TableBlock
from osteon.report.figure_calibration import CalibrationFigure, CalibrationPanel
from osteon.report.figure_survival import SurvivalFigure, SurvivalLine
from osteon.report.value import Estimate, Level, Number, PValue, Words
from osteon.stats.calibration import calibration
from osteon.stats.survival import KaplanMeier
from osteon.studies.risk_survival import Period, SurvivalResult
from osteon.studies.risk_tables import word

__all__ = ["survival_blocks"]

_TICKS = (0.0, 3.0, 6.0, 9.0, 12.0)


def survival_blocks(found: SurvivalResult) -> Iterator[Block]:
    """Curves by management, the Cox model of earlier years, its validation in later years."""
    yield Heading("survival", word("section.survival"))
    last = float(found.overall.time[-1])
    at = found.overall.at([min(found.horizon_months, last)])
    share = Estimate(float(at.survival[0]), float(at.low[0]), float(at.high[0]), digits=1, percent=True)
    yield Paragraph(word("survival.text", n=found.n, events=found.events, survival=share))
    group = word("survival.group_management")
    yield FigureBlock(
        id="figure-survival",
        title=word("figures.km", group=group),
        figure=SurvivalFigure(
            lines=tuple(_line(name, curve) for name, curve in found.groups.items()),
            ticks=_TICKS,
            time_label=word("survival.months"),
            value_label=word("survival.alive"),
            p=PValue(found.log_rank.p),
            test=Words("term.test.log_rank"),
        ),
        alt=word("figures.km_alt"),
        caption=word("figures.km_caption", p=found.log_rank.p),
    )
    yield _cox_table(found)
    yield _validation_table(found)
    yield _calibration(found.later)


def _line(name: str, curve: KaplanMeier) -> SurvivalLine:
    time = np.concatenate([[0.0], curve.time])
    at_risk = tuple(
        int((curve.at_risk[curve.time >= tick])[0]) if (curve.time >= tick).any() else 0 for tick in _TICKS
    )
    return SurvivalLine(
        label=Level("management", name), time=time, value=np.concatenate([[1.0], curve.survival]),
        low=np.concatenate([[1.0], curve.low]), high=np.concatenate([[1.0], curve.high]), at_risk=at_risk,
    )  # fmt: skip


def _years(period: Period) -> str:
    return f"{period.years[0]}–{period.years[1]}"


def _cox_table(found: SurvivalResult) -> TableBlock:
    rows = tuple(
        (word(f"covariate.{term.name}"), Estimate(term.hazard_ratio, term.ci.low, term.ci.high), PValue(term.p),
         PValue(found.hazards.terms[term.name].p))
        for term in found.model.terms
    )  # fmt: skip
    return TableBlock(
        id="table-cox",
        title=word("survival.cox_title", train_years=_years(found.development)),
        columns=tuple(Column(word(f"survival.{x}")) for x in ("term", "hr", "p", "ph")),
        rows=rows,
        footnotes=(word("survival.note"),),
    )


def _validation_table(found: SurvivalResult) -> TableBlock:
    def row(label: str, part: Period) -> Row:
        c, area = part.concordance, part.auc
        return (
            word(f"survival.{label}", years=_years(part)), part.n, part.events,
            Estimate(c.value, c.ci.low, c.ci.high, digits=3), Estimate(area.value, area.ci.low, area.ci.high, digits=3),
            Number(part.brier.value, digits=3), Number(part.calibration.expected_over_observed, digits=2),
        )  # fmt: skip

    labels = ("period", "n", "events", "c", "tdauc", "brier", "eo")
    return TableBlock(
        id="table-temporal",
        title=word("survival.validation_title"),
        columns=tuple(Column(word(f"survival.{x}")) for x in labels),
        rows=(row("development", found.development), row("later", found.later)),
    )


def _calibration(period: Period) -> FigureBlock:
    """Follow-up was complete to the horizon, so deaths by then are a plain yes or no."""
    fit = calibration(period.event, period.risk)
    panel = CalibrationPanel(
        label=word("survival.later", years=_years(period)), y_true=period.event, risk=period.risk, curve_risk=fit.curve_risk,
        curve_observed=fit.curve_observed, slope=Estimate(fit.slope, fit.slope_ci.low, fit.slope_ci.high),
        intercept=Estimate(fit.in_the_large, fit.in_the_large_ci.low, fit.in_the_large_ci.high),
    )  # fmt: skip
    return FigureBlock(
        id="figure-survival-calibration",
        title=word("figures.survival_calibration"),
        figure=CalibrationFigure(panels=(panel,)),
        alt=word("figures.calibration_alt"),
        caption=word("figures.calibration_caption"),
    )
