"""Forest plot: one estimate with its interval for each subgroup, and how many people it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from osteon.report.theme import BLUE, DOUBLE_MM, GREY, INK, Drawn, Pen, drawn
from osteon.report.value import Estimate, PValue, Text, Words

__all__ = ["ForestFigure", "ForestRow"]

ROW_MM, HEAD_MM, FOOT_MM = 4.7, 10.0, 11.0
LABEL, PEOPLE, EVENTS, PLOT, FIGURE = 0.005, 0.405, 0.475, (0.50, 0.775), 0.995


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """A subgroup; without an estimate the row is the heading of those below it."""

    label: Text
    n: int | None = None
    events: int | None = None
    estimate: Estimate | None = None
    p: PValue | None = None
    overall: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestFigure:
    """
    Estimates below each other with a vertical reference.

    ``axis_label`` names the estimate (AUC, hazard ratio); ``log`` for ratios; ``reference`` the line of no
    difference, or the overall estimate. A row's ``p`` (interaction) is printed in its heading row.
    """

    rows: tuple[ForestRow, ...]
    axis_label: Text
    reference: float | None = None
    log: bool = False

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide and as high as its rows need."""
        height = HEAD_MM + ROW_MM * len(self.rows) + FOOT_MM
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=height, layout=None)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        height_mm = HEAD_MM + ROW_MM * len(self.rows) + FOOT_MM
        axes = figure.add_axes(
            (PLOT[0], FOOT_MM / height_mm, PLOT[1] - PLOT[0], ROW_MM * len(self.rows) / height_mm)
        )
        axes.set_ylim(len(self.rows) - 0.5, -0.5)
        axes.spines["left"].set_visible(False)
        axes.yaxis.set_visible(False)
        if self.log:
            axes.set_xscale("log")
        self._texts(figure, pen, height_mm)
        if self.reference is not None:
            axes.axvline(self.reference, color=GREY, linewidth=0.6, linestyle=(0, (3, 2)), zorder=0)
        for index, row in enumerate(self.rows):
            if row.estimate is not None:
                _mark(axes, row, index)
        axes.margins(x=0.06)
        if not self.log:
            axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        if self.log:
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.xaxis.set_minor_formatter(lambda value, _: "")
        axes.set_xlabel(pen.say(self.axis_label), labelpad=2)

    def _texts(self, figure: Figure, pen: Pen, height_mm: float) -> None:
        """The columns left and right of the plot."""
        head = 1 - (HEAD_MM - 3.2) / height_mm
        for x, key, side in (
            (LABEL, "subgroup", "left"),
            (PEOPLE, "n", "right"),
            (EVENTS, "events", "right"),
        ):
            figure.text(x, head, pen.words(f"figure.{key}"), fontweight="bold", ha=side, va="center")
        label = pen.say(Words("figure.with_interval", label=self.axis_label))
        figure.text(FIGURE, head, label, fontweight="bold", ha="right", va="center")
        rule = 1 - (HEAD_MM - 0.4) / height_mm
        figure.add_artist(_rule(rule))
        for index, row in enumerate(self.rows):
            y = 1 - (HEAD_MM + ROW_MM * (index + 0.5)) / height_mm
            heading = row.estimate is None and row.n is None
            inset = 0.0 if heading or row.overall else 0.014
            weight = "bold" if heading or row.overall else "normal"
            figure.text(LABEL + inset, y, pen.say(row.label), va="center", fontweight=weight)
            for x, count in ((PEOPLE, row.n), (EVENTS, row.events)):
                if count is not None:
                    figure.text(x, y, pen.cell(count), va="center", ha="right")
            if row.estimate is not None:
                figure.text(FIGURE, y, pen.cell(row.estimate), va="center", ha="right", fontweight=weight)
            elif not heading:
                figure.text(FIGURE, y, pen.words("figure.too_few"), va="center", ha="right", color=GREY)
            if row.p is not None:
                text = pen.words("figure.interaction", p=row.p)
                figure.text(FIGURE, y, text, va="center", ha="right", color=GREY)


def _rule(y: float) -> Line2D:
    return Line2D([0.005, 0.995], [y, y], color=INK, linewidth=0.6)


def _mark(axes: Axes, row: ForestRow, index: int) -> None:
    """The interval as a line, the estimate as a square, the overall one as a diamond."""
    estimate = row.estimate
    if estimate is None:
        return
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [index, index], color=INK, linewidth=0.8)
    marker, size = ("D", 4.4) if row.overall else ("s", 3.6)
    axes.plot([estimate.value], [index], marker, color=BLUE, markersize=size)
