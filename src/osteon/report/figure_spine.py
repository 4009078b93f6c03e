"""Key images of a spine: the whole in the sagittal plane, and each fracture close up, with outlines and heights."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.report.spine_scene import PIXEL_MM, WINDOW, Plane, PlaneName, Point, SpineScene, height_lines
from osteon.report.theme import DOUBLE_MM, FAINT, GREY, Drawn, Pen, drawn, text_width_mm, wrapped
from osteon.report.value import Number, Text, Words

__all__ = [
    "GRADE_COLOURS",
    "CloseUpFigure",
    "EvidenceRow",
    "OverviewFigure",
    "evidence_rows",
    "is_graded",
    "marked_place",
    "status_of",
]

#: Outline by what was called; the line style says the same to those who cannot tell the colours.
GRADE_COLOURS = {
    "0": "#56B4E9", "injury": "#CCBB44", "1": "#F0E442", "2": "#E69F00", "3": "#F4511E", "suspicious": "#E377C2", "not_evaluable": "#C8C8C8",
}  # fmt: skip
_STYLES: dict[str, Any] = {
    "0": "-", "injury": (0, (6, 1)), "1": (0, (4, 1)), "2": (0, (2, 1)), "3": "-", "suspicious": (0, (4, 1, 1, 1)), "not_evaluable": (0, (1, 1.2)),
}  # fmt: skip
_WIDTHS = {"0": 0.7, "3": 1.4}
_HEAD_MM = 8.0  # above the pictures: the head of the figures beside them, the mark of simulated data
#: The close-up pictures: plane, and its directions left, right, top, bottom.
_PLANES: tuple[tuple[PlaneName, str], ...] = (("sagittal", "APSI"), ("axial", "RLAP"), ("coronal", "RLSI"))
_SIDE_MM = 43.0  # of a close-up picture
_TEXT_MM, _TEXT_PT, _TEXT_TOP_MM, _LINE_MM = (
    45.0,
    6.5,
    5.4,
    2.65,
)  # the evidence beside them: width, type, head, line
_RING_MM = 7.0  # radius of the ring around a suspicious finding
_ROW_MM, _ROW_PT, _LABEL_MM = (
    4.4,
    7.0,
    1.6,
)  # least distance of the rows beside the spine, type, half a level's name
_SIDE_MARK = "*"  # at a level whose heights are those of its lower side
_HALO = [effects.withStroke(linewidth=1.8, foreground="black")]
_MARK: dict[str, Any] = {"color": "white", "fontsize": 7.0, "path_effects": _HALO}


def is_graded(vertebra: VertebraFinding) -> bool:
    """Whether a vertebra was graded, so that one called no fracture is known to be none."""
    return status_of(vertebra) not in ("suspicious", "not_evaluable")


def status_of(vertebra: VertebraFinding) -> str:
    """How a vertebra is coloured: its Genant grade, "suspicious", "injury" (an endplate, no deformity) or "not_evaluable"."""
    if vertebra.red_flags:
        return "suspicious"
    if not vertebra.evaluable or vertebra.genant is None:
        return "not_evaluable"
    if not vertebra.fractured and vertebra.endplate_injury:
        return "injury"
    return str(vertebra.genant.grade if vertebra.fractured else 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OverviewFigure:
    """The whole spine: the plain sagittal reformat, the same with outlines and heights, and the figures beside it."""

    scene: SpineScene
    reading: SpineReading

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide and as high as the spine needs at a common scale."""
        return drawn(
            self._paint, pen, width_mm=DOUBLE_MM, height_mm=self._height_mm() + _HEAD_MM, layout=None
        )

    def _between_names(self, shown: list[VertebraFinding]) -> float:
        """Where the marks of front and back stand, 0-1 of the height: between two level names, nearest to the middle."""
        _, _, bottom, top = self.scene.sagittal.extent_mm
        places = sorted((self.scene.centre_mm[v.level][0] - bottom) / (top - bottom) for v in shown)
        gaps = [(low + high) / 2 for low, high in pairwise(places)]
        return min(gaps, key=lambda gap: abs(gap - 0.5), default=0.5)

    def _scale(self) -> float:
        """Printed millimetres per millimetre of the patient."""
        left, right, bottom, top = self.scene.sagittal.extent_mm
        panels = 1 if self.scene.volume is None else 2
        high_mm = (
            172.0 if self.scene.volume is not None else 112.0
        )  # labels alone show no detail worth a page
        return min(high_mm / (top - bottom), 112.0 / panels / (right - left), 0.75)

    def _height_mm(self) -> float:
        _, _, bottom, top = self.scene.sagittal.extent_mm
        return self._scale() * (top - bottom)

    def _paint(self, figure: Figure, pen: Pen) -> None:
        plane = self.scene.sagittal
        left, right, _, _ = plane.extent_mm
        high, wide = self._height_mm(), self._scale() * (right - left)
        full, at = high + _HEAD_MM, 0.0
        if self.scene.volume is not None:
            _image(_panel(figure, at, 0.0, wide, high, full), plane, pen, windowed=True)
            at += wide + 2.0
        marked = _panel(figure, at, 0.0, wide, high, full)
        shown = [v for v in self.reading.vertebrae if v.level in self.scene.code]
        ruler_mm = 50 if plane.extent_mm[3] - plane.extent_mm[2] > 120 else 10
        _image(marked, plane, pen, ruler_mm=ruler_mm, ruler_right=True, sides_at=self._between_names(shown))
        for vertebra in shown:
            code = self.scene.code[vertebra.level]
            _outlined(marked, plane, code, vertebra)
            _named(marked, plane, code, vertebra, margin_mm=_LABEL_MM / self._scale())
            if vertebra.heights_mm is not None:
                _height_marks(marked, plane, code)
        at += wide
        beside = _panel(figure, at, 0.0, DOUBLE_MM - at, high, full)
        _beside(beside, shown, self.scene, pen, wide_mm=DOUBLE_MM - at, scale=self._scale())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CloseUpFigure:
    """One vertebra in three planes with its heights in millimetres, and its evidence beside."""

    scene: SpineScene
    vertebra: VertebraFinding
    evidence: tuple[tuple[Text, Any], ...]

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide and as high as its pictures or, where that is longer, its text."""
        return drawn(self._paint, pen, width_mm=DOUBLE_MM, height_mm=self._height_mm(pen) + 4.0, layout=None)

    def _height_mm(self, pen: Pen) -> float:
        return max(_SIDE_MM, _TEXT_TOP_MM + sum(row.height_mm for row in evidence_rows(self.evidence, pen)))

    def _paint(self, figure: Figure, pen: Pen) -> None:
        level, high = self.vertebra.level, self._height_mm(pen)
        full, code, at = high + 4.0, self.scene.code[level], 0.0
        spot = marked_place(self.scene, self.vertebra)
        for name, marks in _PLANES:
            plane = self.scene.around(level, plane=name, through=spot)
            axes = _panel(figure, at, high - _SIDE_MM, _SIDE_MM, _SIDE_MM, full)
            ct = self.scene.volume is not None
            _image(
                axes, plane, pen, ruler_mm=20, marks=marks, windowed=ct and name == "sagittal", sides_at=0.78
            )
            for other, number in self.scene.code.items() if name == "sagittal" else ():
                if other != level:
                    _contour(axes, plane, number, color="#9a9a9a", linewidths=0.5, linestyles="-")
            _outlined(axes, plane, code, self.vertebra)
            if name == "sagittal":
                _height_marks(axes, plane, code, self.vertebra, pen)
            elif spot is not None:
                _ring(axes, spot[2], -spot[1] if name == "axial" else spot[0])
            at += _SIDE_MM + 1.5
        text = _panel(figure, at + 1.5, 0.0, _TEXT_MM, high, full)
        text.set_axis_off()
        text.set(xlim=(0, _TEXT_MM), ylim=(0, high))
        text.text(0, high, level, fontweight="bold", fontsize=9, va="top")
        top = high - _TEXT_TOP_MM
        for row in evidence_rows(self.evidence, pen):
            text.text(0, top - 0.6, row.label, va="top", fontsize=_TEXT_PT, color=GREY, linespacing=1.15)
            text.text(
                _TEXT_MM, top - 0.6, row.value, va="top", ha="right", fontsize=_TEXT_PT, linespacing=1.15
            )
            top -= row.height_mm
            text.plot([0, _TEXT_MM], [top, top], color=FAINT, linewidth=0.4)


def marked_place(scene: SpineScene, vertebra: VertebraFinding) -> Point | None:
    """Where the first suspicious finding with a place lies, (z, y, x) millimetres of the scene."""
    places = (place.centre_lps_mm for place in vertebra.flag_places)
    found = next((place for place in places if place is not None), None)
    return None if found is None else scene.place_mm(found)


def _ring(axes: Axes, x: float, y: float) -> None:
    """Around what is suspicious; open, so that it hides nothing."""
    axes.add_patch(Circle((x, y), _RING_MM, fill=False, color=GRADE_COLOURS["suspicious"], linewidth=1.3))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """One line of the evidence beside a close-up: both texts broken into what their columns hold, and its height."""

    label: str
    value: str
    height_mm: float


def evidence_rows(evidence: tuple[tuple[Text, Any], ...], pen: Pen) -> tuple[EvidenceRow, ...]:
    """
    The evidence in words, no text wider than its column and no row lower than its texts.

    A value gets what its label leaves of the width; one that is longer goes on below.
    """
    rows = []
    for label, value in evidence:
        name = wrapped(pen.say(label), width_mm=0.5 * _TEXT_MM, size_pt=_TEXT_PT)
        named_mm = max(text_width_mm(line, size_pt=_TEXT_PT) for line in name.split("\n"))
        said = wrapped(pen.cell(value), width_mm=_TEXT_MM - named_mm - 2.5, size_pt=_TEXT_PT)
        lines = 1 + max(name.count("\n"), said.count("\n"))
        rows.append(EvidenceRow(label=name, value=said, height_mm=_LINE_MM * lines + 1.3))
    return tuple(rows)


def _panel(figure: Figure, left: float, bottom: float, width: float, height: float, full: float) -> Axes:
    """Axes without ticks at a place given in millimetres of a figure ``full`` high."""
    place = (left / DOUBLE_MM, bottom / full, width / DOUBLE_MM, height / full)
    return figure.add_axes(place, xticks=(), yticks=())


def _image(
    axes: Axes,
    plane: Plane,
    pen: Pen,
    *,
    ruler_mm: int = 0,
    ruler_right: bool = False,
    marks: str = "APSI",
    sides_at: float = 0.5,
    windowed: bool = False,
) -> None:
    """
    The grey picture, true to scale: its directions (left, right, top, bottom), a ruler in centimetres, the window.

    ``sides_at`` is the height (0-1) of the marks at the sides, where they keep clear of other texts.
    """
    axes.imshow(
        plane.grey,
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=plane.extent_mm,
        origin="lower",
        interpolation="bilinear",
    )
    left, right, bottom, top = plane.extent_mm
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_axis_off()
    edge = 0.02 * (top - bottom)
    middle, centre = bottom + sides_at * (top - bottom), (left + right) / 2
    for text, x, y, ha, va in zip(
        marks, (left + edge, right - edge, centre, centre), (middle, middle, top - edge, bottom + edge),
        ("left", "right", "center", "center"), ("center", "center", "top", "bottom"), strict=True,
    ):  # fmt: skip
        axes.text(x, y, text, ha=ha, va=va, **(_MARK | {"color": "#ffe680", "fontsize": 6.5}))
    small: dict[str, Any] = _MARK | {"fontsize": 5.6}
    if ruler_mm:
        x, y = right - edge if ruler_right else left + edge, bottom + edge
        inward = -edge if ruler_right else edge
        ticks = np.arange(0, ruler_mm + 1, 10)
        axes.plot([x, x], [y, y + ruler_mm], color="white", linewidth=0.9, path_effects=_HALO)
        axes.hlines(y + ticks, x, x + inward, color="white", linewidth=0.9, path_effects=_HALO)
        label = pen.say(Words("spine_ct.figure.millimetres", n=ruler_mm))
        axes.text(x + 1.4 * inward, y, label, ha="right" if ruler_right else "left", va="bottom", **small)
    if windowed:
        label = pen.say(
            Words("spine_ct.figure.window", width=f"{WINDOW.width_hu:.0f}", centre=f"{WINDOW.center_hu:.0f}")
        )
        axes.text(right - edge, bottom + edge, label, ha="right", va="bottom", **small)


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
    """
    The three heights as lines; with ``vertebra`` and ``pen`` the measured millimetres stand beside them.

    Lines and millimetres are mid-sagittal, as the plane is, also where the vertebra is graded by its lower side.
    """
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
        left, right, _, _ = plane.extent_mm
        wide = text_width_mm(value, size_pt=_MARK["fontsize"]) * (right - left) / _SIDE_MM + 1.0
        y = 0.15 * y0 + 0.85 * y1
        at = {  # beside the body, inside the picture
            "anterior": (max(x1 - 6.0, left + wide), y, "right"),
            "middle": (x0, y0 - 3.0, "center"),
            "posterior": (min(x1 + 6.0, right - wide), y, "left"),
        }
        axes.text(*at[site][:2], value, ha=at[site][2], va="center", **_MARK)


def _named(axes: Axes, plane: Plane, code: int, vertebra: VertebraFinding, *, margin_mm: float) -> None:
    """The level in front of its body, as far as ``margin_mm`` from the upper and lower edge also where the body is cut."""
    rows, columns = np.nonzero(plane.codes == code)
    if rows.size:
        left, _, bottom, top = plane.extent_mm
        x = left + columns.min() * PIXEL_MM - 3.0
        y = float(np.clip(bottom + rows.mean() * PIXEL_MM, bottom + margin_mm, top - margin_mm))
        weight = "bold" if status_of(vertebra) != "0" else "normal"
        axes.text(x, y, vertebra.level, ha="right", va="center", **(_MARK | {"fontweight": weight}))


def _apart(places: list[float], *, gaps: list[float], top: float) -> list[float]:
    """Places from the top down, the first no higher than ``top`` and each at least its gap below the one before."""
    made: list[float] = []
    for place, gap in zip(places, gaps, strict=True):
        made.append(min(place, made[-1] - gap if made else top))
    return made


def _beside(
    axes: Axes, shown: list[VertebraFinding], scene: SpineScene, pen: Pen, *, wide_mm: float, scale: float
) -> None:
    """
    The figures of each vertebra at its height, no two rows on each other: the three heights it is graded by, loss, grade.

    The panel is ``wide_mm`` wide as printed, ``scale`` printed millimetres are one of the patient.
    """
    _, _, bottom, top = scene.sagittal.extent_mm
    axes.set(xlim=(0, 1), ylim=(bottom, top))
    axes.set_axis_off()
    places = (0.25, 0.35, 0.45, 0.58)
    sample, call = (0.6, 0.655), 0.67
    names = ("anterior_short", "middle_short", "posterior_short", "loss_short")
    head: dict[str, Any] = {"va": "baseline", "fontsize": 6.5, "color": GREY, "transform": axes.transAxes}
    printed_mm = 1 / scale / (top - bottom)
    over = 1 + 1.5 * printed_mm
    for x, name in zip(places, names, strict=True):
        axes.text(x, over, pen.words(f"spine_ct.figure.{name}"), ha="right", **head)
    axes.text(sample[0], over, pen.words("spine_ct.figure.call"), ha="left", **head)
    if any(vertebra.one_sided for vertebra in shown):  # said in the picture, which is also saved alone
        note = f"{_SIDE_MARK} {pen.words('spine_ct.figure.lower_side')}"
        axes.text(0.065, over + 3.0 * printed_mm, note, ha="left", **head)
    ordered = sorted(shown, key=lambda v: -scene.centre_mm[v.level][0])
    heights_mm = [scene.centre_mm[v.level][0] for v in ordered]
    bold = [v.fractured or status_of(v) == "injury" for v in ordered]
    calls = [
        wrapped(
            _call(v, status_of(v), pen), width_mm=(1 - call) * wide_mm - 0.3, size_pt=_ROW_PT, bold=bool(b)
        )
        for v, b in zip(ordered, bold, strict=True)
    ]
    gaps = [(_ROW_MM + 1.3 * said.count("\n")) / scale for said in calls]
    rows = _apart(heights_mm, gaps=gaps, top=top - _LABEL_MM / scale)
    for vertebra, said, z, y, strong in zip(ordered, calls, heights_mm, rows, bold, strict=True):
        status = status_of(vertebra)
        look: dict[str, Any] = {
            "va": "center",
            "fontsize": _ROW_PT,
            "fontweight": "bold" if strong else "normal",
        }
        axes.plot([0.0, 0.05], [z, y], color=GREY, linewidth=0.5)
        mark = _SIDE_MARK if vertebra.one_sided else ""
        axes.text(0.065, y, vertebra.level + mark, ha="left", va="center", fontweight="bold")
        heights, loss = vertebra.graded_heights_mm, vertebra.height_loss
        values = [heights.anterior, heights.middle, heights.posterior] if heights else []
        cells = [Number(height, digits=1) for height in values]
        if loss is not None:
            cells.append(Number(max(loss.largest, 0.0), digits=1, percent=True))
        for x, cell in zip(places, cells, strict=False):
            axes.text(x, y, pen.cell(cell), ha="right", **look)
        axes.plot(sample, [y, y], color=GRADE_COLOURS[status], linestyle=_STYLES[status], linewidth=1.3,
                  path_effects=[effects.withStroke(linewidth=4.2, foreground="#2b2b2b"), effects.Normal()])  # fmt: skip
        axes.text(call, y, said, ha="left", linespacing=1.1, **look)


def _call(vertebra: VertebraFinding, status: str, pen: Pen) -> str:
    if status in ("suspicious", "not_evaluable", "injury"):
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
