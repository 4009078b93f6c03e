"""Radar chart: a profile over a few scales that all run from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes
from numpy.typing import ArrayLike

from osteon.report.theme import FAINT, Drawn, Pen, colour, drawn, style
from osteon.report.value import Text

__all__ = ["Profile", "RadarFigure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One group's value on each axis, 0-1."""

    label: Text
    values: ArrayLike


@dataclass(frozen=True, slots=True, kw_only=True)
class RadarFigure:
    """Closed lines over at least three axes."""

    axes: tuple[Text, ...]
    profiles: tuple[Profile, ...]

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 130 mm wide."""
        return drawn(self._paint, pen, width_mm=130, height_mm=92)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        polar = figure.subplots(subplot_kw={"projection": "polar"})
        turns = np.linspace(0, 2 * np.pi, len(self.axes), endpoint=False)
        closed = np.r_[turns, turns[0]]
        for index, profile in enumerate(self.profiles):
            values = np.asarray(profile.values, dtype=float)
            line = np.r_[values, values[0]]
            polar.plot(
                closed, line, color=colour(index), linestyle=style(index), label=pen.say(profile.label)
            )
            polar.fill(closed, line, color=colour(index), alpha=0.07, linewidth=0)
        if isinstance(polar, PolarAxes):
            polar.set_theta_offset(np.pi / 2)
            polar.set_theta_direction(-1)
        polar.set_xticks(turns, [pen.say(axis) for axis in self.axes])
        for turn, label in zip(turns, polar.get_xticklabels(), strict=True):
            side = np.sin(turn)
            label.set_horizontalalignment("center" if abs(side) < 0.1 else "left" if side > 0 else "right")
        polar.set_ylim(0, 1)
        polar.set_yticks([0.25, 0.5, 0.75, 1.0], [])
        polar.grid(color=FAINT, linewidth=0.5)
        polar.spines["polar"].set_color(FAINT)
        polar.tick_params(pad=5)
        figure.legend(loc="outside right center")
