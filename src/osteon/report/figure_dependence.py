"""Partial dependence: the average predicted risk as one variable moves, small pictures side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from osteon.report.theme import BLUE, DOUBLE_MM, GREY, Drawn, Pen, drawn, percent_axis
from osteon.report.value import Level, Text, Words

__all__ = ["DependenceFigure", "DependencePanel"]

COLUMNS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencePanel:
    """
    One variable: its grid, or its categories, and the average risk (0-1) at each, with the spread of values.

    ``seen``: the values in the sample, drawn as ticks at the axis; ``levels`` for categories instead of ``grid``.
    """

    label: Text
    risk: ArrayLike
    grid: ArrayLike | None = None
    levels: tuple[Text | Level, ...] = ()
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    seen: ArrayLike | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DependenceFigure:
    """Panels with one common risk axis, four in a row."""

    panels: tuple[DependencePanel, ...]
    risk_label: Text

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide."""
        rows = math.ceil(len(self.panels) / COLUMNS)
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=4 + 46 * rows)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        rows = math.ceil(len(self.panels) / COLUMNS)
        grid = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False)
        for axes, panel in zip(grid.flat, self.panels, strict=False):
            _paint_panel(axes, panel, pen)
        for axes in grid.flat[len(self.panels) :]:
            axes.set_axis_off()
        percent_axis(grid[0, 0].yaxis)
        for row in grid:
            row[0].set_ylabel(pen.say(self.risk_label))


def _paint_panel(axes: Axes, panel: DependencePanel, pen: Pen) -> None:
    axes.set_xlabel(pen.say(panel.label))
    risk = np.asarray(panel.risk, dtype=float)
    levels = panel.levels or _answers(panel.grid)
    if levels:
        places = np.arange(len(levels))
        axes.plot(places, risk, "o", color=BLUE, markersize=4)
        if panel.low is not None and panel.high is not None:
            axes.vlines(places, panel.low, panel.high, color=BLUE, linewidth=0.9)
        names = [pen.say(level) for level in levels]
        tilted = len(names) > 3 or max(map(len, names)) > 9
        axes.set_xticks(places, names, rotation=35 if tilted else 0, ha="right" if tilted else "center")
        axes.set_xlim(-0.6, len(levels) - 0.4)
        return
    grid = np.asarray(panel.grid, dtype=float)
    if panel.low is not None and panel.high is not None:
        axes.fill_between(grid, panel.low, panel.high, color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(grid, risk, color=BLUE)
    if panel.seen is not None:
        seen = np.asarray(panel.seen, dtype=float)
        marks = np.quantile(seen[np.isfinite(seen)], np.linspace(0.01, 0.99, 40))
        axes.plot(
            marks,
            np.zeros_like(marks),
            "|",
            color=GREY,
            markersize=4,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )


def _answers(grid: ArrayLike | None) -> tuple[Text, ...]:
    """No and yes where the grid is 0 and 1: a flag has nothing between."""
    flag = np.array_equal(np.asarray(grid, dtype=float), [0.0, 1.0])
    return (Words("report.no"), Words("report.yes")) if flag else ()
