"""Key images of a spine: the whole in the sagittal plane, and each fracture close up, with outlines and heights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.report.spine_scene import PIXEL_MM, Plane, SpineScene, height_lines
from osteon.report.theme import DOUBLE_MM, FAINT, GREY, INK, Drawn, Pen, drawn
from osteon.report.value import Number, Text, Words

__all__ = ["GRADE_COLOURS", "CloseUpFigure", "OverviewFigure", "status_of"]

#: Outline by what was called; the line style says the same to those who cannot tell the colours.
GRADE_COLOURS = {
    "0": "#56B4E9", "1": "#F0E442", "2": "#E69F00", "3": "#F4511E", "suspicious": "#E377C2", "not_evaluable": "#C8C8C8",
}  # fmt: skip
_STYLES: dict[str, Any] = {
    "0": "-", "1": (0, (4, 1)), "2": (0, (2, 1)), "3": "-", "suspicious": (0, (4, 1, 1, 1)), "not_evaluable": (0, (1, 1.2)),
}  # fmt: skip
_WIDTHS = {"0": 0.7, "3": 1.5}
_HALO = [effects.withStroke(linewidth=1.8, foreground="black")]
_MARK: dict[str, Any] = {"color": "white", "fontsize": 7.0, "path_effects": _HALO}


def status_of(vertebra: VertebraFinding) -> str:
    """How a vertebra is coloured: its Genant grade, "suspicious" or "not_evaluable"."""
    if vertebra.red_flags:
        return "suspicious"
    if not vertebra.evaluable or vertebra.genant is None:
        return "not_evaluable"
    return str(vertebra.genant.grade if vertebra.fractured else 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OverviewFigure:
    """The whole spine: the plain sagittal reformat, the same with outlines and heights, and the figures beside it."""

    scene: SpineScene
    reading: SpineReading

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide and as high as the spine needs at a common scale."""
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=self._height_mm() + 17.0, layout=None)

    def _scale(self) -> float:
        """Printed millimetres per millimetre of the patient."""
        left, right, bottom, top = self.scene.sagittal.extent_mm
        panels = 1 if self.scene.volume is None else 2
        return min(172.0 / (top - bottom), 112.0 / panels / (right - left), 0.75)

    def _height_mm(self) -> float:
        _, _, bottom, top = self.scene.sagittal.extent_mm
        return self._scale() * (top - bottom)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        plane = self.scene.sagittal
        left, right, _, _ = plane.extent_mm
        high, wide = self._height_mm(), self._scale() * (right - left)
        full, floor, at = high + 17.0, 11.0, 0.0
        if self.scene.volume is not None:
            _image(_panel(figure, at, floor, wide, high, full), plane, pen)
            at += wide + 2.0
        marked = _panel(figure, at, floor, wide, high, full)
        _image(marked, plane, pen, scale_bar=True)
        shown = [v for v in self.reading.vertebrae if v.level in self.scene.code]
        for vertebra in shown:
            _outlined(marked, plane, self.scene.code[vertebra.level], vertebra)
            if vertebra.heights_mm is not None:
                _height_marks(marked, plane, self.scene.code[vertebra.level])
        at += wide
        beside = _panel(figure, at, floor, DOUBLE_MM - at, high, full)
        _beside(beside, shown, self.scene, pen)
        _key(figure, [status_of(v) for v in shown], pen)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CloseUpFigure:
    """One vertebra in the sagittal and the coronal plane with its heights in millimetres, and its evidence beside."""

    scene: SpineScene
    vertebra: VertebraFinding
    evidence: tuple[tuple[Text, Any], ...]

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide."""
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=62.0, layout=None)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        level = self.vertebra.level
        code, side = self.scene.code[level], 58.0
        sagittal = self.scene.around(level, plane="sagittal")
        axes = _panel(figure, 0.0, 0.0, side, side, 62.0)
        _image(axes, sagittal, pen, scale_bar=True, bar_mm=20)
        for other, number in self.scene.code.items():
            if other != level and (sagittal.codes == number).any():
                _contour(axes, sagittal, number, color="#9a9a9a", linewidths=0.6, linestyles="-")
        _outlined(axes, sagittal, code, self.vertebra)
        _height_marks(axes, sagittal, code, self.vertebra, pen)
        coronal = self.scene.around(level, plane="coronal")
        axes = _panel(figure, side + 2.0, 0.0, side, side, 62.0)
        _image(axes, coronal, pen, marks=("R", "L"))
        _outlined(axes, coronal, code, self.vertebra)
        text = _panel(figure, 2 * side + 5.0, 0.0, DOUBLE_MM - 2 * side - 5.0, side, 62.0)
        text.set_axis_off()
        text.set(xlim=(0, 1), ylim=(0, 1))
        text.text(0, 0.985, level, fontweight="bold", fontsize=9, va="top")
        step = min(0.088, 0.88 / max(len(self.evidence), 1))
        for row, (label, value) in enumerate(self.evidence):
            y = 0.86 - row * step
            text.text(0, y, pen.say(label), va="center", fontsize=6.8, color=GREY)
            text.text(1, y, pen.cell(value), va="center", ha="right", fontsize=6.8)
            text.plot([0, 1], [y - step / 2] * 2, color=FAINT, linewidth=0.4)


def _panel(figure: Figure, left: float, bottom: float, width: float, height: float, full: float) -> Axes:
    """Axes at a place given in millimetres of a figure ``full`` high."""
    return figure.add_axes((left / DOUBLE_MM, bottom / full, width / DOUBLE_MM, height / full))


def _image(
    axes: Axes,
    plane: Plane,
    pen: Pen,
    *,
    scale_bar: bool = False,
    bar_mm: int = 50,
    marks: tuple[str, str] = ("A", "P"),
) -> None:
    """The grey picture, true to scale, with the four directions and, if wanted, a bar of known length."""
    axes.imshow(
        plane.grey, cmap="gray", vmin=0, vmax=1, extent=plane.extent_mm, origin="lower", interpolation="none"
    )
    axes.set_axis_off()
    left, right, bottom, top = plane.extent_mm
    edge = 0.02 * (top - bottom)
    middle, centre = (bottom + top) / 2, (left + right) / 2
    for x, y, text, ha, va in (
        (left + edge, middle, marks[0], "left", "center"), (right - edge, middle, marks[1], "right", "center"),
        (centre, top - edge, "S", "center", "top"), (centre, bottom + edge, "I", "center", "bottom"),
    ):  # fmt: skip
        axes.text(x, y, text, ha=ha, va=va, **(_MARK | {"color": "#ffe680", "fontsize": 6.5}))
    if scale_bar:
        x, y = left + 2 * edge, bottom + 1.6 * edge
        axes.plot([x, x + bar_mm], [y, y], color="white", linewidth=1.4, path_effects=_HALO)
        label = pen.say(Words("spine_ct.figure.millimetres", n=bar_mm))
        axes.text(x, y + 0.6 * edge, label, ha="left", va="bottom", **(_MARK | {"fontsize": 6.0}))


def _contour(axes: Axes, plane: Plane, code: int, **look: Any) -> None:
    """The outline of one body, drawn on the pixels around it alone."""
    rows, columns = np.nonzero(plane.codes == code)
    if rows.size < 12:
        return
    r0, r1 = max(rows.min() - 6, 0), rows.max() + 7
    c0, c1 = max(columns.min() - 6, 0), columns.max() + 7
    part = Plane(grey=plane.grey, codes=plane.codes[r0:r1, c0:c1], extent_mm=plane.extent_mm).mask(code)
    left, _, bottom, _ = plane.extent_mm
    x = left + (c0 + np.arange(part.shape[1]) + 0.5) * PIXEL_MM
    y = bottom + (r0 + np.arange(part.shape[0]) + 0.5) * PIXEL_MM
    axes.contour(x, y, part, levels=[0.5], **({"colors": look.pop("color")} | look))


def _outlined(axes: Axes, plane: Plane, code: int, vertebra: VertebraFinding) -> None:
    status = status_of(vertebra)
    _contour(
        axes,
        plane,
        code,
        color=GRADE_COLOURS[status],
        linewidths=_WIDTHS.get(status, 1.2),
        linestyles=[_STYLES[status]],
    )


def _height_marks(
    axes: Axes, plane: Plane, code: int, vertebra: VertebraFinding | None = None, pen: Pen | None = None
) -> None:
    """The three heights as lines; with ``vertebra`` and ``pen`` the measured millimetres stand beside them."""
    for line, site in zip(height_lines(plane, code), ("anterior", "middle", "posterior"), strict=False):
        (x0, y0), (x1, y1) = line.lower, line.upper
        axes.plot(
            [x0, x1],
            [y0, y1],
            color="white",
            linewidth=0.5 if pen is None else 0.9,
            path_effects=None if pen is None else _HALO,
        )
        if pen is None or vertebra is None or vertebra.heights_mm is None:
            continue
        value = pen.cell(Number(getattr(vertebra.heights_mm, site), digits=1))
        at = {"anterior": (x0 - 5.0, y0 - 3.0, "right"), "middle": ((x0 + x1) / 2 + 1.0, (y0 + y1) / 2, "left"),
              "posterior": (x0 + 4.0, y0 - 3.0, "left")}[site]  # fmt: skip
        axes.text(at[0], at[1], value, ha=at[2], va="center", **_MARK)


def _beside(axes: Axes, shown: list[VertebraFinding], scene: SpineScene, pen: Pen) -> None:
    """The figures of each vertebra at its height: anterior, middle, posterior, loss, grade."""
    _, _, bottom, top = scene.sagittal.extent_mm
    axes.set(xlim=(0, 1), ylim=(bottom, top))
    axes.set_axis_off()
    places = (0.24, 0.36, 0.48, 0.62, 0.79)
    names = ("anterior_short", "middle_short", "posterior_short", "loss_short")
    head: dict[str, Any] = {"va": "baseline", "fontsize": 6.5, "color": GREY, "transform": axes.transAxes}
    for x, name in zip(places, names, strict=False):
        axes.text(x, 1.012, pen.words(f"spine_ct.figure.{name}"), ha="right", **head)
    axes.text(places[4] - 0.13, 1.012, pen.words("spine_ct.figure.call"), ha="left", **head)
    for vertebra in shown:
        z = scene.centre_mm[vertebra.level][0]
        status = status_of(vertebra)
        look: dict[str, Any] = {
            "va": "center",
            "fontsize": 7.0,
            "fontweight": "bold" if vertebra.fractured else "normal",
        }
        axes.plot([0.0, 0.025], [z, z], color=GREY, linewidth=0.5)
        axes.text(0.04, z, vertebra.level, ha="left", va="center", fontweight="bold")
        heights, loss = vertebra.heights_mm, vertebra.height_loss
        values = (
            [Number(h, digits=1) for h in (heights.anterior, heights.middle, heights.posterior)]
            if heights
            else []
        )
        if loss is not None:
            values.append(Number(max(loss.largest, 0.0), digits=1, percent=True))
        for x, value in zip(places, values, strict=False):
            axes.text(x, z, pen.cell(value), ha="right", **look)
        axes.plot(
            [places[4] - 0.13],
            [z],
            "s",
            color=GRADE_COLOURS[status],
            markeredgecolor=INK,
            markeredgewidth=0.4,
            markersize=4,
        )
        axes.text(places[4] - 0.09, z, _call(vertebra, status, pen), ha="left", **look)


def _call(vertebra: VertebraFinding, status: str, pen: Pen) -> str:
    if status in ("suspicious", "not_evaluable"):
        return pen.words(f"spine_ct.status.{status}")
    if vertebra.fractured and vertebra.genant is not None:
        return pen.say(
            Words(
                "spine_ct.genant_short",
                grade=vertebra.genant.grade,
                type=Words(f"spine_ct.type.{vertebra.genant.type}"),
            )
        )
    return pen.words("spine_ct.status.0")


def _key(figure: Figure, present: list[str], pen: Pen) -> None:
    """What the outlines mean, below the pictures."""
    lines = [
        Line2D([], [], color=colour, linestyle=_STYLES[status], linewidth=max(_WIDTHS.get(status, 1.2), 1.2),
               label=pen.words(f"spine_ct.status.{status}"))
        for status, colour in GRADE_COLOURS.items() if status in present
    ]  # fmt: skip
    legend = figure.legend(handles=lines, loc="lower left", ncols=len(lines), bbox_to_anchor=(0.0, 0.0), borderpad=0.5,
                           handlelength=2.4, columnspacing=1.4, frameon=True, facecolor="#2b2b2b", edgecolor="none",
                           labelcolor="white", fontsize=6.5)  # fmt: skip
    legend.set_in_layout(False)
