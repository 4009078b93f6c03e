"""Receiver operating characteristic curves of several models in one square."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from osteon.report.theme import DOUBLE_MM, GREY, Drawn, Pen, colour, drawn, key_panel, percent_axis, style
from osteon.report.value import Estimate, Text, Words

__all__ = ["RocFigure", "RocLine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RocLine:
    """One curve: false and true positive rates in 0-1, and the area below with its interval."""

    label: Text
    false_positive_rate: ArrayLike
    true_positive_rate: ArrayLike
    auc: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class RocFigure:
    """Curves beside a key that prints each area under the curve."""

    curves: tuple[RocLine, ...]

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide."""
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=88)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        square, key = figure.subplots(1, 2, width_ratios=(1.0, 0.98))
        square.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, linestyle=(0, (1, 2)))
        rows = []
        for index, curve in enumerate(self.curves):
            look = {"color": colour(index), "linestyle": style(index)}
            square.plot(curve.false_positive_rate, curve.true_positive_rate, **look)
            rows.append((look, pen.say(curve.label), pen.cell(curve.auc)))
        square.set(xlim=(-0.005, 1), ylim=(0, 1.005), aspect="equal")
        square.set_xlabel(pen.words("figure.false_positive_percent"))
        square.set_ylabel(pen.words("figure.sensitivity_percent"))
        for axis in (square.xaxis, square.yaxis):
            percent_axis(axis)
        headers = (pen.words("figure.model"), pen.say(Words("figure.auc_interval")))
        key_panel(key, rows, width_mm=76, height_mm=75, headers=headers)
