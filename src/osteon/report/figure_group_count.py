"""Why so many groups: loss with its elbow, silhouette and gap over the number of groups, the chosen one marked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from osteon.report.theme import DOUBLE_MM, FAINT, VERMILLION, Drawn, Pen, colour, drawn
from osteon.report.value import Text

__all__ = ["CountPanel", "GroupCountFigure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountPanel:
    """One criterion: its value at each number of groups, its error where it has one, and the number it votes for."""

    label: Text
    values: ArrayLike
    errors: ArrayLike | None = None
    vote: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCountFigure:
    """Criteria side by side; ``chosen`` is marked in each, a criterion's own vote by a full point."""

    ks: tuple[int, ...]
    panels: tuple[CountPanel, ...]
    chosen: int
    axis_label: Text

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide."""
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=62)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        every = np.atleast_1d(figure.subplots(1, len(self.panels)))
        for index, (axes, panel) in enumerate(zip(every, self.panels, strict=True)):
            values = np.asarray(panel.values, dtype=float)
            axes.axvline(self.chosen, color=FAINT, linewidth=5, zorder=0)
            if panel.errors is not None:
                axes.errorbar(self.ks, values, yerr=np.asarray(panel.errors, dtype=float), color=colour(index),
                              linewidth=1.2, elinewidth=0.8, capsize=2)  # fmt: skip
            else:
                axes.plot(self.ks, values, color=colour(index), linewidth=1.2)
            axes.plot(self.ks, values, "o", color="white", markeredgecolor=colour(index), markersize=4)
            if panel.vote in self.ks:
                place = self.ks.index(panel.vote)
                axes.plot(panel.vote, values[place], "o", color=VERMILLION, markersize=6)
            axes.set_title(pen.say(panel.label))
            axes.set_xticks(self.ks)
            axes.set_xlabel(pen.say(self.axis_label))
