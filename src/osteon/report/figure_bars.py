"""Horizontal bars: shares missing, importance of variables, events caught at the same alarm rate."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from osteon.report.theme import DOUBLE_MM, INK, Drawn, Pen, colour, drawn, percent_axis
from osteon.report.value import Cell, Text

__all__ = ["Bar", "BarFigure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, its interval, and what is printed at its end; ``series`` counts from 0 within a group of bars."""

    label: Text
    value: float
    low: float | None = None
    high: float | None = None
    printed: Cell = None
    series: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BarFigure:
    """
    Bars from top to bottom in the order given; bars with the same label stand together, one for each series.

    ``percent`` prints the axis of fractions as percentages.
    """

    bars: tuple[Bar, ...]
    axis_label: Text
    series: tuple[Text, ...] = ()
    percent: bool = False

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide and as high as its bars need."""
        height = 17 + (5 if self.series else 0) + 4.6 * len(self.bars) + 1.5 * len(self._labels())
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=height)

    def _labels(self) -> tuple[Text, ...]:
        return tuple(dict.fromkeys(bar.label for bar in self.bars))

    def _paint(self, figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        count = max(bar.series for bar in self.bars) + 1
        thick = 0.78 / count
        labels = self._labels()
        seen: set[int] = set()
        for bar in self.bars:
            place = labels.index(bar.label) + (bar.series - (count - 1) / 2) * thick
            name = (
                pen.say(self.series[bar.series])
                if bar.series < len(self.series) and bar.series not in seen
                else None
            )
            seen.add(bar.series)
            axes.barh(
                place, bar.value, height=0.86 * thick, color=colour(bar.series), linewidth=0, label=name
            )
            _end(axes, bar, place, pen)
        axes.set_yticks(range(len(labels)), [pen.say(label) for label in labels])
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.axvline(0, color=INK, linewidth=0.6)
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.1)
        axes.set_xlabel(pen.say(self.axis_label))
        if self.percent:
            percent_axis(axes.xaxis)
        if self.series:
            figure.legend(loc="outside upper left", ncols=len(self.series), handlelength=1.0)


def _end(axes: Axes, bar: Bar, place: float, pen: Pen) -> None:
    """The interval as a line, the printed figure beyond it."""
    reach = bar.value
    if bar.low is not None and bar.high is not None:
        axes.plot([bar.low, bar.high], [place, place], color=INK, linewidth=0.8)
        reach = max(bar.high, bar.value)
    if bar.printed is not None:
        axes.annotate(
            pen.cell(bar.printed),
            (max(reach, 0), place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.0,
        )
