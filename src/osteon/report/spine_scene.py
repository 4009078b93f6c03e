"""
The pictures behind the key images: sagittal and coronal reformats that follow the spine, an axial cut, the bodies' outlines.

The planes bend sideways with the line of the vertebral bodies and never stretch: a millimetre in the picture is one
along the patient's axes. Without a CT the label map itself is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.core.errors import InputError
from osteon.domain.spine import SpineReading
from osteon.imaging.resample import label_boxes
from osteon.imaging.segment.labels import SpineLabels
from osteon.imaging.volume import Volume
from osteon.imaging.window import WINDOWS, windowed

__all__ = [
    "PIXEL_MM",
    "WINDOW",
    "HeightLine",
    "Plane",
    "PlaneName",
    "Point",
    "SpineScene",
    "height_lines",
    "spine_scene",
]

Array = npt.NDArray[Any]
Point = tuple[float, float, float]
PlaneName = Literal["sagittal", "coronal", "axial"]
PIXEL_MM = 0.5
WINDOW = WINDOWS["spine"]
SLAB_MM = (-1.0, 0.0, 1.0)
SITES = (0.1, 0.5, 0.9)  # anterior, middle, posterior share of the depth, as in the measurement
BAND = 0.07
ABOVE_MM, FRONT_MM, BEHIND_MM = 32.0, 42.0, 78.0
CANAL_MM = 9.0  # an axial cut is centred this far behind the middle of the body
SMOOTH_VOXELS = 0.7  # takes the steps of coarse voxels off an outline


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plane:
    """
    One reformat.

    Attributes
    ----------
    grey : ndarray (rows, columns), 0-1
        Bone window of the spine; or the label map in shades where there is no CT. Row 0 lies at the feet.
    codes : ndarray (rows, columns)
        Code of the vertebral body at each pixel, 0 for none.
    extent_mm : (left, right, bottom, top)
        Along the patient's axes: back (sagittal) or left to the right, head or, in an axial cut, front to the top.
    """

    grey: Array
    codes: Array
    extent_mm: tuple[float, float, float, float]

    def mask(self, code: int) -> Array:
        """One body with soft edges, 0-1: its outline is the contour at 0.5."""
        return np.asarray(ndimage.gaussian_filter((self.codes == code).astype(np.float32), 1.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightLine:
    """Where a height is drawn: its lower and upper end (across, up), millimetres in the plane."""

    lower: tuple[float, float]
    upper: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpineScene:
    """A volume, its labels and the line of the bodies, ready to be cut; ``code`` by level, ``centre_mm`` (z, y, x)."""

    volume: Volume | None
    labels: SpineLabels
    code: Mapping[str, int]
    centre_mm: Mapping[str, tuple[float, float, float]]
    sagittal: Plane

    def around(
        self, level: str, *, plane: PlaneName, reach_mm: float = 32.0, through: Point | None = None
    ) -> Plane:
        """
        The reformat of ``reach_mm`` on each side of one body; an axial one is centred on its back, to show the canal.

        An axial or a coronal one may run ``through`` another place than the middle of the body.
        """
        z, y, x = self.centre_mm[level]
        across = y if plane == "sagittal" else x
        up = -(y + CANAL_MM) if plane == "axial" else z
        box = (across - reach_mm, across + reach_mm, up - reach_mm, up + reach_mm)
        line = np.array([[z, y, x]]) if plane == "axial" else _line(self.centre_mm)
        if through is not None and plane == "axial":
            line = np.array([[through[0], y, x]])
        if through is not None and plane == "coronal":
            line[:, 1] += through[1] - np.interp(through[0], line[:, 0], line[:, 1])
        return _cut(self.volume, self.labels, line, box, plane)

    def place_mm(self, lps_mm: tuple[float, float, float]) -> Point:
        """A place in the patient as (z, y, x) millimetres of the scene."""
        grid = self.labels.bodies.grid
        z, y, x = (float(k) for k in grid.index(lps_mm) * np.array(grid.spacing_mm))
        return z, y, x


def spine_scene(reading: SpineReading, labels: SpineLabels, volume: Volume | None = None) -> SpineScene:
    """
    The scene of a reading; ``volume`` and ``labels`` share a canonical grid (z up, y back, x left).

    Vertebrae that the label map does not hold are left out.

    Raises
    ------
    InputError
        It holds none of them.
    """
    grid = labels.bodies.grid
    steps = np.array(grid.spacing_mm)
    known = {label.level: label.code for label in labels.levels}
    seen = [v for v in reading.vertebrae if v.level in known]
    centre = {v.level: tuple(float(c) for c in grid.index(v.centroid_lps_mm) * steps) for v in seen}
    if not centre:
        raise InputError(
            "none of the vertebrae read is in the label map.", hint="Give the labels of this reading."
        )
    code = {level: known[level] for level in centre}
    z, y, _ = (np.array([c[k] for c in centre.values()]) for k in range(3))
    size = (np.array(grid.shape) - 1) * steps
    box = (
        max(y.min() - FRONT_MM, 0.0), min(y.max() + BEHIND_MM, size[1]),
        max(z.min() - ABOVE_MM, 0.0), min(z.max() + ABOVE_MM, size[0]),
    )  # fmt: skip
    placed: Any = centre
    plane = _cut(volume, labels, _line(placed), box, "sagittal")
    return SpineScene(volume=volume, labels=labels, code=code, centre_mm=placed, sagittal=plane)


def _line(centres: Mapping[str, tuple[float, float, float]]) -> Array:
    """The line of the bodies as rows (z, y, x) in millimetres, from the feet up."""
    line = np.array(list(centres.values()))
    return line[np.argsort(line[:, 0])]


def _cut(
    volume: Volume | None,
    labels: SpineLabels,
    line: Array,
    box: tuple[float, float, float, float],
    plane: str,
) -> Plane:
    """Sample the box (left, right, bottom, top) of the bent plane on a square raster; "up" is -y in an axial cut."""
    left, right, bottom, top = box
    steps = labels.bodies.spacing_mm
    up = np.arange(bottom, top, PIXEL_MM)[:, None]
    across = np.arange(left, right, PIXEL_MM)[None, :]
    held = {"axial": 0, "coronal": 1, "sagittal": 2}[plane]
    bent = np.interp(up[:, 0], line[:, 0], line[:, held])[:, None]

    def places(shift_mm: float) -> Array:
        other = bent + shift_mm
        zyx = {
            "axial": (other, -up, across),
            "coronal": (up, other, across),
            "sagittal": (up, across, other),
        }[plane]
        shape = (up.size, across.size)
        return np.array([np.broadcast_to(at, shape) / step for at, step in zip(zyx, steps, strict=True)])

    flat = places(0.0)
    codes = _bodies(labels, flat)
    if volume is None:
        whole = ndimage.map_coordinates(labels.vertebrae.array, flat, order=0)
        grey = np.where(codes > 0, 0.72, np.where(whole > 0, 0.42, 0.06))
    else:
        cuts = [
            ndimage.map_coordinates(volume.array, places(shift), order=1, cval=-1000.0) for shift in SLAB_MM
        ]
        grey = windowed(np.mean(cuts, axis=0), WINDOW) / 255.0
    drawn = (left, left + across.size * PIXEL_MM, bottom, bottom + up.size * PIXEL_MM)
    return Plane(grey=grey, codes=codes, extent_mm=drawn)


def _bodies(labels: SpineLabels, places: Array) -> Array:
    """The body at each place (3, rows, columns), its border between the voxels rather than along their edges."""
    array, steps = labels.bodies.array, np.array(labels.bodies.spacing_mm)
    sigma = SMOOTH_VOXELS * steps.max() / steps  # as wide along fine axes as along the coarse one
    margin = np.ceil(3 * sigma).astype(int)
    codes = np.zeros(places.shape[1:], dtype=array.dtype)
    best = np.full(places.shape[1:], 0.5)
    low, high = places.min(axis=(1, 2)), places.max(axis=(1, 2))
    for code, where in label_boxes(array).items():
        start = np.array([max(s.start - m, 0) for s, m in zip(where, margin, strict=True)])
        stop = np.array([s.stop + m for s, m in zip(where, margin, strict=True)])
        if (stop < low).any() or (start > high).any():
            continue
        box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        soft = ndimage.gaussian_filter((array[box] == code).astype(np.float32), sigma)
        share = ndimage.map_coordinates(soft, places - start[:, None, None], order=1)
        inside = share > best
        codes[inside], best[inside] = code, share[inside]
    return codes


def height_lines(plane: Plane, code: int) -> tuple[HeightLine, ...]:
    """
    Anterior, middle and posterior height of one body in a sagittal plane, along the mean normal of its endplates.

    They show where a height runs; the figures beside them are the measured ones. Empty where the plane misses the body.
    """
    rows, columns = np.nonzero(plane.codes == code)
    if rows.size < 40:
        return ()
    points = np.c_[columns, rows] * PIXEL_MM
    centre = points.mean(axis=0)
    turn = 0.0
    for _ in range(3):
        along, up = _turned(points - centre, turn)
        low, high = np.percentile(along, [1, 99])
        bins = np.linspace(low + 0.2 * (high - low), high - 0.2 * (high - low), 9)
        ends = np.array([(x, *_ends(along, up, x, 0.06 * (high - low))) for x in bins])
        ends = ends[np.isfinite(ends).all(axis=1)]
        if len(ends) < 4:
            return ()
        turn += float(np.arctan(np.mean([np.polyfit(ends[:, 0], ends[:, k], 1)[0] for k in (1, 2)])))
    along, up = _turned(points - centre, turn)
    low, high = np.percentile(along, [1, 99])
    corner = np.array([plane.extent_mm[0], plane.extent_mm[2]])
    lines = []
    for share in SITES:
        x = low + share * (high - low)
        lower, upper = _ends(along, up, x, BAND * (high - low))
        if np.isfinite(lower + upper):
            (x0, x1), (y0, y1) = (
                _turned(np.array([[x, lower], [x, upper]]), -turn) + (centre + corner)[:, None]
            )
            lines.append(HeightLine(lower=(float(x0), float(y0)), upper=(float(x1), float(y1))))
    return tuple(lines)


def _turned(points: Array, turn: float) -> Array:
    """Coordinates (along, up) of points (n, 2) in axes turned by ``turn``."""
    cos, sin = np.cos(turn), np.sin(turn)
    return np.array([points[:, 0] * cos + points[:, 1] * sin, points[:, 1] * cos - points[:, 0] * sin])


def _ends(along: Array, up: Array, place: float, band: float) -> tuple[float, float]:
    """Lower and upper border of the points within ``band`` of ``place``: the mean over thin columns of their extremes."""
    near = np.abs(along - place) <= max(band, PIXEL_MM)
    if near.sum() < 4:
        return float("nan"), float("nan")
    columns = np.round(along[near] / PIXEL_MM).astype(int)
    heights = up[near]
    spans = [(heights[columns == c].min(), heights[columns == c].max()) for c in np.unique(columns)]
    lower, upper = np.median(spans, axis=0)
    return float(lower) - PIXEL_MM / 2, float(upper) + PIXEL_MM / 2
