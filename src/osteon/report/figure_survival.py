"""Kaplan-Meier curves, or cumulative incidence, with bands and the number at risk below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from numpy.typing import ArrayLike

from osteon.report.theme import DOUBLE_MM, GREY, Drawn, Pen, colour, drawn, percent_axis, style
from osteon.report.value import PValue, Text, Words

__all__ = ["SurvivalFigure", "SurvivalLine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalLine:
    """
    One group's step curve in 0-1, with its band and the people still at risk at each of the figure's ticks.

    ``time`` and ``value`` (m,) start at time 0.
    """

    label: Text
    time: ArrayLike
    value: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    at_risk: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalFigure:
    """Step curves over time; ``ticks`` are the times of the axis and of the table below."""

    lines: tuple[SurvivalLine, ...]
    ticks: tuple[float, ...]
    time_label: Text
    value_label: Text
    p: PValue | None = None
    test: Text = ""
    from_zero: bool = True

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide."""
        below = 8 + 4.2 * len(self.lines) if self._has_table() else 0
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=78 + below)

    def _has_table(self) -> bool:
        return any(line.at_risk for line in self.lines)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        if self._has_table():
            plot, table = figure.subplots(2, 1, sharex=True, height_ratios=(70, 6 + 4.2 * len(self.lines)))
            self._at_risk(table, pen)
        else:
            plot = figure.subplots()
        for index, line in enumerate(self.lines):
            if line.low is not None and line.high is not None:
                plot.fill_between(
                    line.time, line.low, line.high, step="post", color=colour(index), alpha=0.13, linewidth=0
                )
            plot.step(
                line.time,
                line.value,
                where="post",
                color=colour(index),
                linestyle=style(index),
                label=pen.say(line.label),
            )
        self._frame(plot, pen)

    def _frame(self, plot: Axes, pen: Pen) -> None:
        plot.set_xlim(min(self.ticks), max(self.ticks))
        plot.set_xticks(self.ticks)
        plot.tick_params(labelbottom=True)
        falling = all(np.asarray(line.value, dtype=float)[-1] < 0.5 for line in self.lines)
        if self.from_zero:
            plot.set_ylim(0, 1.02 if not falling or self._starts_at_one() else None)
        percent_axis(plot.yaxis)
        plot.set_xlabel(pen.say(self.time_label))
        plot.set_ylabel(pen.say(self.value_label))
        legend = plot.legend(loc=self._corner(falling))
        if self.p is not None:
            note = pen.say(Words("figure.test_p", test=self.test, p=self.p))
            legend.set_title(note, prop=FontProperties(size=7.0))
            legend.set_alignment("left")

    def _corner(self, falling: bool) -> Literal["upper right", "lower left", "upper left"]:
        """Where the curves leave room."""
        if not self._starts_at_one():
            return "upper left"
        return "upper right" if falling else "lower left"

    def _starts_at_one(self) -> bool:
        return bool(np.asarray(self.lines[0].value, dtype=float)[0] > 0.5)

    def _at_risk(self, table: Axes, pen: Pen) -> None:
        table.set_ylim(len(self.lines) - 0.5, -0.9)
        for side in table.spines.values():
            side.set_visible(False)
        table.tick_params(length=0, labelbottom=False)
        table.tick_params(axis="y", pad=13)
        table.set_yticks(range(len(self.lines)), [pen.say(line.label) for line in self.lines])
        table.set_title(pen.words("figure.at_risk"), pad=1)
        for index, line in enumerate(self.lines):
            for time, count in zip(self.ticks, line.at_risk, strict=False):
                table.text(
                    time, index, pen.cell(count), ha="center", va="center", fontsize=7.0, clip_on=False
                )
        for label, index in zip(table.get_yticklabels(), range(len(self.lines)), strict=True):
            label.set_color(colour(index) if len(self.lines) > 1 else GREY)
