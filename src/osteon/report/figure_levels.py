"""Profile of a spine: each level's three heights against the expected ones, and its density, head above feet."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from osteon.domain.spine import SpineReading
from osteon.report.figure_spine import GRADE_COLOURS, status_of
from osteon.report.spine_ct_density import cutoffs_apply, l1_cutoffs_hu
from osteon.report.spine_ct_phrases import trusted
from osteon.report.theme import DOUBLE_MM, FAINT, GREY, INK, Drawn, Pen, drawn

__all__ = ["SPAN_MM", "LevelProfileFigure"]

#: Least length of the axis of heights, so that a millimetre of scatter does not look like a fracture.
SPAN_MM = 15.0


def _common_mm(reading: SpineReading) -> tuple[float, float]:
    """One axis for the three heights, at least :data:`SPAN_MM` long: a millimetre looks the same in every panel."""
    shown = [v.graded_heights_mm for v in reading.vertebrae if v.graded_heights_mm is not None]
    shown += [v.height_loss.reference_mm for v in reading.vertebrae if v.height_loss is not None]
    values = [height for h in shown for height in (h.anterior, h.middle, h.posterior)]
    low, high = min(values) - 1.0, max(values) + 1.0
    spare = max(SPAN_MM - (high - low), 0.0) / 2
    return low - spare, high + spare


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelProfileFigure:
    """Three panels of heights (dot: measured, bar: expected) and, with a CT, one of density, with the published cut-offs where they apply."""

    reading: SpineReading

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide and as high as its levels need."""
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=28 + 5.2 * len(self.reading.vertebrae))

    def _paint(self, figure: Figure, pen: Pen) -> None:
        levels = [v.level for v in self.reading.vertebrae]
        with_hu = any(v.hu is not None and trusted(v) for v in self.reading.vertebrae)
        panels = figure.subplots(1, 4 if with_hu else 3, sharey=True)
        for axes, site in zip(panels, ("anterior", "middle", "posterior"), strict=False):
            self._heights(axes, site, pen)
        if with_hu:
            self._density(panels[3], pen)
        panels[0].set_yticks(range(len(levels)), levels)
        panels[0].set_ylim(len(levels) - 0.4, -0.6)
        for axes in panels:
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            for row in range(len(levels)):
                axes.axhline(row, color=FAINT, linewidth=0.4, zorder=0)
        panels[0].plot([], [], "o", color=GREY, markersize=4, markeredgecolor=INK, markeredgewidth=0.4,
                       label=pen.words("spine_ct.figure.measured"))  # fmt: skip
        panels[0].plot(
            [],
            [],
            "|",
            color=INK,
            markersize=8,
            markeredgewidth=1.4,
            label=pen.words("spine_ct.figure.expected"),
        )
        figure.legend(loc="outside lower left", ncols=2, handlelength=1.0)

    def _heights(self, axes: Axes, site: str, pen: Pen) -> None:
        for row, vertebra in enumerate(self.reading.vertebrae):
            if vertebra.graded_heights_mm is None:
                continue
            height = getattr(vertebra.graded_heights_mm, site)
            if vertebra.height_loss is not None:
                expected = getattr(vertebra.height_loss.reference_mm, site)
                axes.plot([height, expected], [row, row], color=GREY, linewidth=1.0, zorder=1)
                axes.plot([expected], [row], "|", color=INK, markersize=8, markeredgewidth=1.4)
            axes.plot([height], [row], "o", color=GRADE_COLOURS[status_of(vertebra)], markersize=4.6,
                      markeredgecolor=INK, markeredgewidth=0.5, zorder=3)  # fmt: skip
        axes.set_title(pen.words(f"spine_ct.site.{site}"), pad=11)
        axes.set_xlabel(pen.words("spine_ct.figure.height_mm"))
        axes.set_xlim(*_common_mm(self.reading))
        axes.xaxis.set_major_locator(MultipleLocator(5))

    def _density(self, axes: Axes, pen: Pen) -> None:
        for row, vertebra in enumerate(self.reading.vertebrae):
            if vertebra.hu is None or not trusted(vertebra):
                continue
            counted = (
                status_of(vertebra) == "0"
            )  # a body that was not graded may be compressed, and reads too dense
            dark = INK if counted and vertebra.level == "L1" else GREY
            axes.plot([vertebra.hu.median], [row], "D", markersize=4.2, markeredgecolor=dark,
                      markerfacecolor=dark if counted else "white", markeredgewidth=0.9)  # fmt: skip
        if cutoffs_apply(self.reading):
            for cutoff, dash in zip(l1_cutoffs_hu(), ((0, (1, 1.2)), (0, (4, 2))), strict=True):
                axes.axvline(cutoff, color=INK, linewidth=0.8, linestyle=dash)
                axes.text(cutoff, -0.55, f"{cutoff:.0f}", ha="center", va="bottom", fontsize=6.2)
        axes.set_title(pen.words("spine_ct.figure.density"), pad=11)
        axes.set_xlabel(pen.words("spine_ct.figure.hu"))
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, 60.0), max(high, 190.0))
