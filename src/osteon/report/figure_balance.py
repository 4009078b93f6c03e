"""Love plot: how far two groups differ in each variable, before and after matching or weighting."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from osteon.report.theme import BLUE, DOUBLE_MM, FAINT, GREY, VERMILLION, Drawn, Pen, drawn
from osteon.report.value import Text, Words

__all__ = ["BalanceRow", "LoveFigure"]

BEFORE, AFTER = Words("figure.before_matching"), Words("figure.after_matching")


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRow:
    """Absolute standardised mean differences of one variable."""

    label: Text
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoveFigure:
    """One line a variable, largest imbalance on top; ``limit`` marks what counts as balanced."""

    rows: tuple[BalanceRow, ...]
    limit: float = 0.1
    before_label: Text = BEFORE
    after_label: Text = AFTER

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide and as high as its rows need."""
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=26 + 4.4 * len(self.rows))

    def _paint(self, figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        rows = sorted(self.rows, key=lambda row: abs(row.before))
        places = range(len(rows))
        axes.hlines(places, 0, 1, transform=axes.get_yaxis_transform(), color=FAINT, linewidth=0.4, zorder=0)
        axes.axvline(self.limit, color=GREY, linewidth=0.6, linestyle=(0, (3, 2)))
        axes.plot(
            [abs(row.before) for row in rows], places, "o", markersize=4, markerfacecolor="white",
            markeredgecolor=VERMILLION, label=pen.say(self.before_label),
        )  # fmt: skip
        axes.plot(
            [abs(row.after) for row in rows],
            places,
            "o",
            markersize=4,
            color=BLUE,
            label=pen.say(self.after_label),
        )
        axes.set_yticks(places, [pen.say(row.label) for row in rows])
        axes.set_xlim(left=0)
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(pen.words("figure.smd"))
        figure.legend(loc="outside upper left", ncols=2, handlelength=1.0)
