"""Calibration: does a predicted 20 % happen to 20 in 100? One panel for each model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from osteon.core.errors import NotEnoughData
from osteon.report.theme import DOUBLE_MM, FAINT, GREY, INK, Drawn, Pen, colour, drawn, percent_axis, wrapped
from osteon.report.value import Estimate, Text
from osteon.stats.proportion import proportion

__all__ = ["CalibrationFigure", "CalibrationPanel", "tenths"]

COLUMNS = 3
TITLE_MM = 46.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPanel:
    """
    One model: everybody's risk and outcome, and the smooth curve through them.

    ``risk`` (n,) in 0-1, ``y_true`` (n,) 0/1; ``curve_risk`` and ``curve_observed`` (m,) in 0-1, the band optional.
    """

    label: Text
    y_true: ArrayLike
    risk: ArrayLike
    curve_risk: ArrayLike
    curve_observed: ArrayLike
    curve_low: ArrayLike | None = None
    curve_high: ArrayLike | None = None
    intercept: Estimate | None = None
    slope: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFigure:
    """Panels side by side: smooth curve, tenths of the sample with intervals, histogram of the risks below."""

    panels: tuple[CalibrationPanel, ...]
    groups: int = 10

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide, three panels in a row."""
        rows = math.ceil(len(self.panels) / COLUMNS)
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=4 + 76 * rows)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        rows = math.ceil(len(self.panels) / COLUMNS)
        grid = figure.add_gridspec(2 * rows, COLUMNS, height_ratios=(3.6, 1) * rows)
        upper = min(1.0, 1.05 * max(self._reach(panel) for panel in self.panels))
        for index, panel in enumerate(self.panels):
            row, column = divmod(index, COLUMNS)
            square = figure.add_subplot(grid[2 * row, column])
            below = figure.add_subplot(grid[2 * row + 1, column], sharex=square)
            _curve(square, panel, pen, groups=self.groups, upper=upper, shade=colour(index))
            _histogram(below, panel, upper=upper, shade=colour(index))
            below.set_xlabel(pen.words("figure.predicted_percent"))
            if column == 0:
                square.set_ylabel(pen.words("figure.observed_percent"))
                below.set_ylabel(pen.words("figure.people"))

    def _reach(self, panel: CalibrationPanel) -> float:
        risk, share, _, high = tenths(panel.y_true, panel.risk, groups=self.groups)
        return float(
            max(
                risk.max(),
                share.max(),
                np.quantile(high, 0.9),
                np.quantile(np.asarray(panel.risk, dtype=float), 0.995),
            )
        )


def tenths(
    y_true: ArrayLike, risk: ArrayLike, *, groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean risk, observed share and its Wilson limits in equal groups of ascending risk."""
    outcome, predicted = np.asarray(y_true, dtype=float), np.asarray(risk, dtype=float)
    if outcome.size < groups:
        raise NotEnoughData(f"{outcome.size} people cannot be split into {groups} groups.")
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, groups)
    shares = [proportion(int(outcome[part].sum()), part.size) for part in parts]
    return (
        np.array([predicted[part].mean() for part in parts]),
        np.array([share.value for share in shares]),
        np.array([share.ci.low for share in shares]),
        np.array([share.ci.high for share in shares]),
    )


def _curve(axes: Axes, panel: CalibrationPanel, pen: Pen, *, groups: int, upper: float, shade: str) -> None:
    axes.plot([0, upper], [0, upper], color=GREY, linewidth=0.6, linestyle=(0, (1, 2)))
    if panel.curve_low is not None and panel.curve_high is not None:
        axes.fill_between(
            panel.curve_risk, panel.curve_low, panel.curve_high, color=shade, alpha=0.15, linewidth=0
        )
    axes.plot(panel.curve_risk, panel.curve_observed, color=shade)
    risk, share, low, high = tenths(panel.y_true, panel.risk, groups=groups)
    bars = np.vstack([np.maximum(share - low, 0), np.maximum(high - share, 0)])
    axes.errorbar(risk, share, yerr=bars, fmt="o", markersize=2.6, color=INK, elinewidth=0.5, zorder=3)
    axes.set(xlim=(0, upper), ylim=(0, upper))
    axes.set_title(wrapped(pen.say(panel.label), width_mm=TITLE_MM))
    lines = [
        f"{pen.words(f'figure.{name}')} {pen.cell(value)}"
        for name, value in (("slope", panel.slope), ("intercept", panel.intercept))
        if value is not None
    ]
    place: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "bottom", "linespacing": 1.35}
    axes.text(0.99, 0.02, "\n".join(lines), fontsize=6.5, **place)
    axes.tick_params(labelbottom=False)
    percent_axis(axes.yaxis)
    percent_axis(axes.xaxis)


def _histogram(axes: Axes, panel: CalibrationPanel, *, upper: float, shade: str) -> None:
    """People with the outcome upwards, without it downwards."""
    outcome, predicted = np.asarray(panel.y_true, dtype=float), np.asarray(panel.risk, dtype=float)
    edges = np.linspace(0, upper, 41)
    with_it, _ = np.histogram(predicted[outcome == 1], edges)
    without, _ = np.histogram(predicted[outcome == 0], edges)
    axes.bar(edges[:-1], with_it, width=np.diff(edges), align="edge", color=shade, linewidth=0)
    axes.bar(edges[:-1], -without, width=np.diff(edges), align="edge", color=FAINT, linewidth=0)
    axes.axhline(0, color=INK, linewidth=0.5)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    axes.locator_params(axis="y", nbins=3)
