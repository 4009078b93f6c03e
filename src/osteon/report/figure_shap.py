"""SHAP: which variables move the prediction, for everybody (swarm) and for one person (waterfall)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import ShapeError
from osteon.report.theme import BLUE, DOUBLE_MM, FAINT, GREY, INK, VERMILLION, Drawn, Pen, drawn
from osteon.report.value import Cell, Number, Text, Words

__all__ = ["Contribution", "ShapSwarmFigure", "ShapWaterfallFigure"]

SHAP_VALUE, LOG_ODDS = Words("figure.shap_value"), Words("figure.log_odds")
LOW_TO_HIGH = LinearSegmentedColormap.from_list("low_to_high", [BLUE, "#c9c9c9", VERMILLION])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapSwarmFigure:
    """
    One dot a person in each variable's row: its SHAP value across, its value in colour; strongest variable on top.

    ``shap`` and ``values`` (people, variables); ``labels`` (variables,). ``top`` rows are drawn.
    """

    labels: tuple[Text, ...]
    shap: ArrayLike
    values: ArrayLike
    top: int = 15
    axis_label: Text = SHAP_VALUE

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide and as high as its rows need."""
        rows = min(self.top, len(self.labels))
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=20 + 6.2 * rows)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        shap, values = np.asarray(self.shap, dtype=float), np.asarray(self.values, dtype=float)
        if shap.shape != values.shape or shap.ndim != 2 or shap.shape[1] != len(self.labels):
            raise ShapeError(
                f"SHAP values {shap.shape}, values {values.shape}, {len(self.labels)} labels: "
                "expected (people, variables) twice and a label for each variable."
            )
        order = np.argsort(-np.abs(shap).mean(axis=0), kind="stable")[: self.top]
        axes = figure.subplots()
        axes.axvline(0, color=GREY, linewidth=0.6)
        for row, column in enumerate(order):
            axes.axhline(row, color=FAINT, linewidth=0.4, zorder=0)
            _swarm(axes, shap[:, column], values[:, column], row)
        axes.set_yticks(range(len(order)), [pen.say(self.labels[column]) for column in order])
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(pen.say(self.axis_label))
        bar = figure.colorbar(
            ScalarMappable(Normalize(0, 1), LOW_TO_HIGH), ax=axes, aspect=38, pad=0.015, fraction=0.03
        )
        bar.set_ticks([0, 1], labels=[pen.words("figure.value_low"), pen.words("figure.value_high")])
        bar.set_label(pen.words("figure.value_of_variable"), labelpad=-6)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)


def _swarm(axes: Axes, shap: NDArray[np.float64], values: NDArray[np.float64], row: int) -> None:
    """Dots of one row, pushed apart where they crowd; a missing value is grey."""
    known = np.isfinite(values)
    shade = np.full(values.shape, np.nan)
    if known.any():
        low, high = np.quantile(values[known], [0.05, 0.95])
        shade[known] = np.clip((values[known] - low) / (high - low), 0, 1) if high > low else 0.5
    colours = LOW_TO_HIGH(np.nan_to_num(shade, nan=0.5))
    colours[~known] = (0.75, 0.75, 0.75, 1.0)
    axes.scatter(shap, row + _spread(shap), s=2.6, c=colours, linewidths=0, rasterized=True)


def _spread(shap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vertical offsets within ±0.38: the k-th dot of a narrow slice alternates up and down."""
    reach = float(np.ptp(shap)) or 1.0
    slices = np.floor((shap - shap.min()) / reach * 110).astype(int)
    order = np.lexsort((np.arange(shap.size), slices))
    first = np.r_[True, np.diff(slices[order]) != 0]
    start = np.maximum.accumulate(np.where(first, np.arange(shap.size), 0))
    place = np.empty(shap.size)
    place[order] = np.arange(shap.size) - start
    sign = np.where(place % 2 == 0, 1.0, -1.0)
    offset = sign * np.ceil(place / 2)
    return np.asarray(0.38 * offset / max(float(np.abs(offset).max()), 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one variable adds to one person's prediction; ``value`` is the person's value as printed."""

    label: Text
    shap: float
    value: Cell = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapWaterfallFigure:
    """From the average prediction to this person's, one variable a step; small steps are summed in the last row."""

    contributions: tuple[Contribution, ...]
    base: float
    top: int = 10
    axis_label: Text = LOG_ODDS

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide."""
        rows = min(self.top + 1, len(self.contributions))
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=24 + 5.4 * rows)

    def _steps(self) -> tuple[Contribution, ...]:
        ordered = sorted(self.contributions, key=lambda one: -abs(one.shap))
        rest = ordered[self.top :]
        if len(rest) < 2:
            return tuple(ordered)
        other = Contribution(
            label=Words("figure.other_variables", n=len(rest)), shap=sum(one.shap for one in rest)
        )
        return (*ordered[: self.top], other)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        steps, at = self._steps(), self.base
        for row, step in enumerate(steps):
            shade = VERMILLION if step.shap >= 0 else BLUE
            axes.barh(row, step.shap, left=at, height=0.62, color=shade, linewidth=0)
            tip = (max(at, at + step.shap), row)
            axes.annotate(
                pen.cell(Number(step.shap, digits=2, signed=True)), tip, xytext=(3, 0), textcoords="offset points",
                va="center", fontsize=7.0,
            )  # fmt: skip
            at += step.shap
            axes.plot([at, at], [row - 0.31, row + 1.31], color=GREY, linewidth=0.5)
        axes.axvline(self.base, color=GREY, linewidth=0.6, linestyle=(0, (3, 2)), zorder=0)
        axes.set_yticks(range(len(steps)), [_named(step, pen) for step in steps])
        axes.set_ylim(len(steps) + 0.45, -1.1)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.08)
        for place, key, value in ((-0.75, "base_value", self.base), (len(steps) - 0.05, "prediction", at)):
            text = f"{pen.words(f'figure.{key}')} {pen.cell(Number(value, digits=2))}"
            axes.annotate(
                text,
                (value, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7.0,
                color=INK,
            )
        axes.set_xlabel(pen.say(self.axis_label))


def _named(step: Contribution, pen: Pen) -> str:
    label = pen.say(step.label)
    return (
        label if step.value is None else pen.say(Words("figure.label_value", label=label, value=step.value))
    )
