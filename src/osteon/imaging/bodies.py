"""
Vertebral bodies out of whole vertebrae by geometry alone: what lies in front of the canal's anterior wall.

In planes across the spine the canal is the hole that body, pedicles and arch enclose. A straight line through the hole's
front edge over all planes is the posterior wall; what lies before it, less the stems of processes and ribs, is the body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.imaging.resample import label_boxes, onto_box
from osteon.imaging.volume import Grid, LabelMap

__all__ = ["bodies_of", "bodies_with_doubts"]

_STEP_MM = 1.0
_CLOSING_MM = 2  # gaps of a lamina this wide are bridged before holes are looked for
_HOLE_MM2 = 60.0
_CENTRAL_MM = 4.0  # the wall is read this near to the hole's middle, where it is no pedicle
_STEM_MM = 6  # processes are thinner than twice this across the spine, bodies are not
_LARGEST_SLOPE = 0.5
_BACK_OF_CENTRE = 1.3  # posterior wall behind the body's centre, in inscribed radii, where no hole is seen

Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Frame:
    """A grid of its own along one vertebra: planes across the spine, rows to the back, columns to the left."""

    mask: Mask
    grid: Grid

    def local_mm(self, points_lps: Array) -> Array:
        """Up, back and left of the frame's first voxel, millimetres."""
        return self.grid.index(points_lps) * _STEP_MM


def bodies_of(vertebrae: LabelMap) -> LabelMap:
    """
    The vertebral bodies of whole vertebrae, under the same labels on the same grid.

    Examples
    --------
    >>> from osteon.imaging.volume import Grid
    >>> z, y, x = np.mgrid[:30, :80, :60].astype(float)
    >>> body = (np.hypot((y - 20) / 16, (x - 30) / 22) < 1)
    >>> ring = (np.hypot(y - 48, (x - 30)) < 17) & (np.hypot(y - 46, x - 30) > 11) & (y > 30) & (z > 8) & (z < 24)
    >>> whole = LabelMap(array=(body | ring).astype(np.uint8) * 22, affine=Grid.regular((30, 80, 60), (1, 1, 1)).affine)
    >>> found = bodies_of(whole).array == 22
    >>> float(np.round(2 * (found & body).sum() / (found.sum() + body.sum()), 1))
    1.0
    """
    return bodies_with_doubts(vertebrae)[0]


def bodies_with_doubts(vertebrae: LabelMap) -> tuple[LabelMap, tuple[int, ...]]:
    """The bodies, and the labels whose canal was not seen so that the cut rests on the body's size alone."""
    boxes = label_boxes(vertebrae.array)
    centres = {k: _centre(vertebrae, k, box) for k, box in boxes.items()}
    axes = _axes(centres)
    frames = {k: _frame(vertebrae, k, box, axes[k]) for k, box in boxes.items()}
    walls = {k: _wall(frame.mask) for k, frame in frames.items()}
    out = np.zeros_like(vertebrae.array)
    for k, box in boxes.items():
        frame, wall = frames[k], walls[k]
        if wall is None:
            wall = _by_size(frame.mask)
        part = vertebrae.cropped(_slices(box))
        mine = np.argwhere(part.array == k)
        up, back, left = frame.local_mm(part.grid.world(mine)).T
        body = back < wall[0] + wall[1] * up
        footprint = _footprint(frame.mask, wall)
        row = np.clip(np.rint(back / _STEP_MM).astype(int), 0, footprint.shape[0] - 1)
        column = np.clip(np.rint(left / _STEP_MM).astype(int), 0, footprint.shape[1] - 1)
        body &= footprint[row, column]
        kept = tuple(mine[body].T)
        out[_slices(box)][kept] = k
    found = LabelMap(array=out, affine=vertebrae.affine, names=vertebrae.names)
    return found, tuple(k for k, wall in walls.items() if wall is None)


def _slices(box: tuple[slice, ...]) -> tuple[slice, slice, slice]:
    z, y, x = box
    return z, y, x


def _centre(vertebrae: LabelMap, code: int, box: tuple[slice, ...]) -> Array:
    part = vertebrae.cropped(_slices(box))
    return np.asarray(part.grid.world(np.argwhere(part.array == code).mean(axis=0)))


def _axes(centres: dict[int, Array]) -> dict[int, Array]:
    """The spine's direction at each vertebra, upwards: from its lower to its upper neighbour's centre."""
    order = sorted(centres, key=lambda k: float(centres[k][2]))
    up = np.array([0.0, 0.0, 1.0])
    axes = {}
    for n, k in enumerate(order):
        below, above = centres[order[max(n - 1, 0)]], centres[order[min(n + 1, len(order) - 1)]]
        step = above - below
        length = float(np.linalg.norm(step))
        steep = length > 0 and step[2] / length > 0.5
        axes[k] = step / length if steep else up
    return axes


def _frame(vertebrae: LabelMap, code: int, box: tuple[slice, ...], axis: Array) -> _Frame:
    left = np.array([1.0, 0.0, 0.0]) - axis * axis[0]
    left /= np.linalg.norm(left)
    back = np.cross(axis, left)
    directions = np.stack([axis, back, left], axis=1)
    corners = np.array([[s.start - 0.5, s.stop - 0.5] for s in box])
    index = np.stack(np.meshgrid(*corners, indexing="ij"), axis=-1).reshape(-1, 3)
    local = vertebrae.grid.world(index) @ directions
    low, high = local.min(axis=0) - 2 * _CLOSING_MM, local.max(axis=0) + 2 * _CLOSING_MM
    nz, ny, nx = (int(n) for n in np.ceil((high - low) / _STEP_MM) + 1)
    affine = np.eye(4)
    affine[:3, :3] = directions * _STEP_MM
    affine[:3, 3] = directions @ low
    grid = Grid(shape=(nz, ny, nx), affine=affine)
    return _Frame(mask=onto_box(vertebrae, code, box, grid) >= 0.5, grid=grid)


def _disk(radius: int) -> Mask:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(y**2 + x**2 <= (radius + 0.3) ** 2)


def _wall(mask: Mask) -> tuple[float, float] | None:
    """Posterior wall as back = a + b * up in the frame's millimetres; None where no plane encloses a canal."""
    disk = _disk(_CLOSING_MM)
    holes = np.zeros_like(mask)
    for k, plane in enumerate(mask):
        if plane.any():
            closed = ndimage.binary_closing(plane, disk)
            holes[k] = ndimage.binary_fill_holes(closed) & ~closed
    lots, count = ndimage.label(holes)
    if not count:
        return None
    canal = lots == 1 + int(np.bincount(lots.ravel())[1:].argmax())
    ups, backs = [], []
    for k, plane in enumerate(canal):
        if plane.sum() * _STEP_MM**2 < _HOLE_MM2:
            continue
        middle = np.argwhere(plane)[:, 1].mean()
        central = np.abs(np.arange(plane.shape[1]) - middle) * _STEP_MM <= _CENTRAL_MM
        front = [int(column.argmax()) for column in plane[:, central].T if column.any()]
        ups.append(k * _STEP_MM)
        backs.append((float(np.median(front)) - 0.5) * _STEP_MM)
    return _line(np.array(ups), np.array(backs)) if len(ups) >= 2 else None


def _line(up: Array, back: Array) -> tuple[float, float]:
    """A line through the wall's points; level where the points span too little for a slope."""
    if np.ptp(up) < 6.0:
        return float(np.median(back)), 0.0
    keep = np.ones(len(up), dtype=bool)
    slope = intercept = 0.0
    for _ in range(3):
        slope, intercept = np.polyfit(up[keep], back[keep], 1)
        apart = np.abs(back - intercept - slope * up)
        keep = apart <= max(1.0, 2.0 * float(np.median(apart)))
    slope = float(np.clip(slope, -_LARGEST_SLOPE, _LARGEST_SLOPE))
    return float(np.median(back[keep] - slope * up[keep])), slope


def _by_size(mask: Mask) -> tuple[float, float]:
    """The wall where no canal is seen: behind the thickest part by a share of its radius."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1, 1:-1] * _STEP_MM
    thick = np.argwhere(depth >= 0.9 * depth.max())
    return float(thick[:, 1].mean() * _STEP_MM + _BACK_OF_CENTRE * depth.max()), 0.0


def _footprint(mask: Mask, wall: tuple[float, float]) -> Mask:
    """Rows and columns that hold body in the view along the spine: thin stems of processes and ribs are opened away."""
    up = np.arange(mask.shape[0])[:, None, None] * _STEP_MM
    back = np.arange(mask.shape[1])[None, :, None] * _STEP_MM
    seen = (mask & (back < wall[0] + wall[1] * up)).any(axis=0)
    opened = ndimage.binary_opening(np.pad(seen, _STEM_MM + 1), _disk(_STEM_MM))
    lots, count = ndimage.label(opened)
    if not count:
        return np.asarray(seen)
    largest: Any = lots == 1 + int(np.bincount(lots.ravel())[1:].argmax())
    grown = ndimage.binary_dilation(largest, _disk(1))[
        _STEM_MM + 1 : -_STEM_MM - 1, _STEM_MM + 1 : -_STEM_MM - 1
    ]
    return np.asarray(grown & seen)
