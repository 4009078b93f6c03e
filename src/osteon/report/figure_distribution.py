"""Distributions of measurements in two or more groups, small pictures side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.stats import gaussian_kde

from osteon.report.theme import DOUBLE_MM, Drawn, Pen, colour, drawn, style
from osteon.report.value import Text

__all__ = ["DistributionFigure", "DistributionPanel"]

COLUMNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionPanel:
    """One measurement: the values of each group, in the order of the figure's groups; missing values are left out."""

    label: Text
    values: tuple[ArrayLike, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionFigure:
    """Density curves, each of area 1, so that small groups can be compared with large ones."""

    panels: tuple[DistributionPanel, ...]
    groups: tuple[Text, ...]

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide."""
        rows = math.ceil(len(self.panels) / COLUMNS)
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=10 + 44 * rows)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        rows = math.ceil(len(self.panels) / COLUMNS)
        grid = figure.subplots(rows, COLUMNS, squeeze=False)
        for axes, panel in zip(grid.flat, self.panels, strict=False):
            _densities(axes, panel)
            axes.set_xlabel(pen.say(panel.label))
        for axes in grid.flat[len(self.panels) :]:
            axes.set_axis_off()
        for row in grid:
            row[0].set_ylabel(pen.words("figure.density"))
        handles = grid.flat[0].get_lines()[: len(self.groups)]
        labels = [pen.say(group) for group in self.groups]
        figure.legend(handles, labels, loc="outside upper left", ncols=len(self.groups))


def _densities(axes: Axes, panel: DistributionPanel) -> None:
    groups = [np.asarray(values, dtype=float) for values in panel.values]
    groups = [values[np.isfinite(values)] for values in groups]
    pooled = np.concatenate(groups)
    low, high = np.quantile(pooled, [0.002, 0.998])
    at = np.linspace(low, high, 200)
    for index, values in enumerate(groups):
        flat = values.size < 3 or np.ptp(values) == 0
        height = np.full(at.shape, np.nan) if flat else gaussian_kde(values)(at)
        axes.plot(at, height, color=colour(index), linestyle=style(index))
        if not flat:
            axes.fill_between(at, height, color=colour(index), alpha=0.12, linewidth=0)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
