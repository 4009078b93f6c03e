"""Decision curves: the net benefit of acting on each model, over the threshold at which one would act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from osteon.report.theme import (
    DOUBLE_MM,
    INK,
    Drawn,
    Pen,
    colour,
    drawn,
    key_panel,
    percent_axis,
    style,
)
from osteon.report.value import Text

__all__ = ["DecisionFigure", "DecisionLine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLine:
    """Net benefit of one model at each threshold, with its band where there is one."""

    label: Text
    net_benefit: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFigure:
    """Curves of models beside treating everybody and nobody; thresholds in 0-1."""

    thresholds: ArrayLike
    curves: tuple[DecisionLine, ...]
    treat_all: ArrayLike

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide."""
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=78)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        plot, key = figure.subplots(1, 2, width_ratios=(1.35, 0.65))
        every: dict[str, Any] = {"color": "#a0a0a0", "linewidth": 1.6}
        nobody: dict[str, Any] = {"color": INK, "linewidth": 0.8}
        plot.plot(self.thresholds, self.treat_all, **every)
        plot.axhline(0, **nobody)
        rows = []
        for index, curve in enumerate(self.curves):
            look = {"color": colour(index), "linestyle": style(index)}
            if curve.low is not None and curve.high is not None:
                plot.fill_between(
                    self.thresholds, curve.low, curve.high, color=colour(index), alpha=0.1, linewidth=0
                )
            plot.plot(self.thresholds, curve.net_benefit, **look)
            rows.append((look, pen.say(curve.label), ""))
        rows += [(every, pen.words("figure.treat_all"), ""), (nobody, pen.words("figure.treat_none"), "")]
        thresholds = np.asarray(self.thresholds, dtype=float)
        top = max(float(np.nanmax(np.asarray(line, dtype=float))) for line in self._lines())
        plot.set(xlim=(thresholds.min(), thresholds.max()), ylim=(-0.12 * top, 1.06 * top))
        plot.set_xlabel(pen.words("figure.threshold_percent"))
        plot.set_ylabel(pen.words("figure.net_benefit"))
        percent_axis(plot.xaxis)
        key_panel(key, rows, width_mm=52, height_mm=66, headers=(pen.words("figure.strategy"), ""))

    def _lines(self) -> list[ArrayLike]:
        return [curve.net_benefit for curve in self.curves] + [self.treat_all]
