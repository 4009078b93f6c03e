"""Heat map of a matrix, such as correlations, with its values printed where they fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from osteon.core.errors import ShapeError
from osteon.report.theme import BLUE, DOUBLE_MM, VERMILLION, Drawn, Pen, drawn
from osteon.report.value import Number, Text

__all__ = ["HeatmapFigure"]

DIVERGING = LinearSegmentedColormap.from_list("blue_white_red", [BLUE, "#ffffff", VERMILLION])
SEQUENTIAL = LinearSegmentedColormap.from_list("white_blue", ["#ffffff", BLUE])


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapFigure:
    """A matrix (rows, columns); ``diverging`` for values around 0, with ``limit`` the end of the scale."""

    rows: tuple[Text, ...]
    columns: tuple[Text, ...]
    values: ArrayLike
    scale_label: Text
    diverging: bool = True
    limit: float | None = None
    digits: int = 2

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide."""
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=34 + 5.4 * len(self.rows))

    def _paint(self, figure: Figure, pen: Pen) -> None:
        values = np.asarray(self.values, dtype=float)
        if values.shape != (len(self.rows), len(self.columns)):
            raise ShapeError(
                f"A matrix {values.shape} has not {len(self.rows)} rows and {len(self.columns)} columns."
            )
        limit = self.limit or float(np.nanmax(np.abs(values))) or 1.0
        axes = figure.subplots()
        image = axes.imshow(
            values, cmap=DIVERGING if self.diverging else SEQUENTIAL, vmin=-limit if self.diverging else 0, vmax=limit,
            aspect="auto", interpolation="nearest",
        )  # fmt: skip
        axes.set_xticks(
            range(len(self.columns)), [pen.say(label) for label in self.columns], rotation=40, ha="right"
        )
        axes.set_yticks(range(len(self.rows)), [pen.say(label) for label in self.rows])
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        if len(self.columns) <= 14:
            for (row, column), value in np.ndenumerate(values):
                dark = abs(value) > 0.65 * limit
                text = pen.cell(Number(float(value), digits=self.digits))
                axes.text(
                    column,
                    row,
                    text,
                    ha="center",
                    va="center",
                    fontsize=6.2,
                    color="white" if dark else "black",
                )
        bar = figure.colorbar(image, ax=axes, aspect=30, pad=0.015, fraction=0.03)
        bar.set_label(pen.say(self.scale_label))
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=2)
