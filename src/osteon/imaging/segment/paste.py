"""Vertebrae onto the grid of the input: each is interpolated inside its own box, so that the whole grid is never filled twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from osteon.domain.anatomy import Tissue
from osteon.imaging.volume import Grid

__all__ = ["CloseView", "View", "interpolated", "paste_tissue", "paste_vertebrae"]

Map = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]
Box = tuple[slice, slice, slice]

SMOOTH = (Tissue.DISC, Tissue.CANAL, Tissue.SACRUM)
SLAB = 10


class CloseView(Protocol):
    """One vertebra seen closely: probabilities (z, y, x) of its body and of all of it on a grid of its own."""

    @property
    def body(self) -> Map:
        """Probability that a voxel lies in this vertebra's body."""
        ...

    @property
    def vertebra(self) -> Map:
        """Probability that a voxel lies in this vertebra."""
        ...

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A plain :class:`CloseView`."""

    body: Map
    vertebra: Map
    grid: Grid


def paste_vertebrae(grid: Grid, views: Sequence[CloseView], codes: Sequence[int]) -> tuple[Labels, Labels]:
    """
    Label maps (whole vertebrae, bodies) on ``grid``; where two vertebrae claim a voxel, the likelier one has it.

    The border is the half level of the probability, interpolated between voxels.
    """
    vertebrae, bodies = np.zeros(grid.shape, np.uint8), np.zeros(grid.shape, np.uint8)
    claimed = np.zeros(grid.shape, np.uint8)
    for view, code in zip(views, codes, strict=True):
        box = _box_of(grid, view.grid)
        if box is None:
            continue
        whole = interpolated(view.vertebra, view.grid, grid, box)
        body = interpolated(view.body, view.grid, grid, box)
        level = (np.minimum(whole, 1.0) * 254.0).astype(np.uint8)
        mine = (level >= 127) & (level > claimed[box])
        claimed[box][mine] = level[mine]
        vertebrae[box][mine] = code
        bodies[box][mine] = np.where(body[mine] >= 0.5, code, 0)
    return vertebrae, bodies


def paste_tissue(
    grid: Grid, maps: Mapping[Tissue, Map], maps_grid: Grid, column: Box, vertebrae: Labels, bodies: Labels
) -> Labels:
    """
    Tissue codes on ``grid``: the nearest voxel of the maps; canal, discs and sacrum inside ``column`` (a box of
    ``maps_grid``) with an interpolated border.

    Bodies and posterior elements are those of the vertebrae; what the maps call so elsewhere is left out.
    """
    tissues = [t for t in Tissue if t in maps and t != Tissue.BACKGROUND]
    stack = np.stack([maps[t] for t in tissues])
    background = np.maximum(0.0, 1.0 - stack.sum(axis=0))
    coarse = np.array([0, *tissues], np.uint8)[
        np.where(stack.max(axis=0) > background, stack.argmax(axis=0) + 1, 0)
    ]
    coarse[(coarse == Tissue.BODY) | (coarse == Tissue.POSTERIOR)] = Tissue.BACKGROUND
    out = _nearest(coarse, maps_grid, grid)
    for k, t in enumerate(tissues):
        if t in SMOOTH and maps[t].any():
            others = np.maximum(
                np.delete(stack[(slice(None), *column)], k, axis=0).max(axis=0), background[column]
            )
            part = Grid(shape=_shape(column), affine=_moved(maps_grid, column))
            _paste_lead(out, grid, maps[t][column] - others, part, t)
    labelled = vertebrae > 0
    out[labelled] = np.where(bodies[labelled] > 0, Tissue.BODY, Tissue.POSTERIOR)
    return out


def _paste_lead(out: Labels, grid: Grid, lead: Map, source: Grid, tissue: Tissue) -> None:
    """Write ``tissue`` where its lead over all others is positive, slab by slab so that boxes follow the curve."""
    for start in range(0, lead.shape[0] - 1, SLAB):
        z = slice(start, min(start + SLAB + 1, lead.shape[0]))
        places = np.argwhere(lead[z] > -0.9)
        if not len(places):
            continue
        low, high = np.maximum(places.min(axis=0) - 1, 0), places.max(axis=0) + 2
        sub = (z, slice(int(low[1]), int(high[1])), slice(int(low[2]), int(high[2])))
        part = Grid(shape=lead[sub].shape, affine=_moved(source, sub))
        box = _box_of(grid, part)
        if box is None:
            continue
        inside = interpolated(lead[sub], part, grid, box) > 0
        block = out[box]
        block[(block == tissue) & ~inside] = Tissue.BACKGROUND
        block[inside] = tissue


def interpolated(array: Map, source: Grid, target: Grid, box: Box) -> Map:
    """``array`` on the voxels of ``target`` inside ``box``, linear, the border's value held beyond it."""
    step = np.linalg.inv(source.affine) @ target.affine
    start = source.index(target.world([s.start for s in box]))
    shape = _shape(box)
    if np.abs(step[:3, :3] - np.diag(np.diag(step[:3, :3]))).max() < 1e-6:
        out = array
        for axis in (2, 1, 0):  # the slowest axis last: its rows are copied whole
            out = _along(out, start[axis] + step[axis, axis] * np.arange(shape[axis]), axis)
        return out
    return np.asarray(
        ndi.affine_transform(array, step[:3, :3], offset=start, output_shape=shape, order=1, mode="nearest"),
        dtype=np.float32,
    )


def _along(array: Map, where: npt.NDArray[np.float64], axis: int) -> Map:
    """Linear interpolation along one axis."""
    n = array.shape[axis]
    where = np.clip(where, 0.0, n - 1.0)
    low = np.minimum(where.astype(np.intp), max(0, n - 2))
    share = (where - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
    first = np.take(array, low, axis=axis)
    second = np.take(array, np.minimum(low + 1, n - 1), axis=axis)
    second -= first
    second *= share
    second += first
    return np.asarray(second, dtype=np.float32)


def _nearest(array: Labels, source: Grid, target: Grid) -> Labels:
    """The nearest voxel of ``array`` for each voxel of ``target``; 0 beyond the field."""
    step = np.linalg.inv(source.affine) @ target.affine
    if np.abs(step[:3, :3] - np.diag(np.diag(step[:3, :3]))).max() < 1e-6:
        out = array
        for axis in range(3):
            where = np.rint(step[axis, 3] + step[axis, axis] * np.arange(target.shape[axis])).astype(np.intp)
            out = np.take(out, np.clip(where, 0, array.shape[axis] - 1), axis=axis)
        return out
    return np.asarray(
        ndi.affine_transform(array, step[:3, :3], offset=step[:3, 3], output_shape=target.shape, order=0),
        np.uint8,
    )


def _box_of(grid: Grid, part: Grid) -> Box | None:
    """The box of ``grid`` that covers the voxels of ``part``; None where they do not meet."""
    corners = (
        np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)]) * np.array(part.shape) - 0.5
    )
    index = grid.index(part.world(corners))
    low = np.maximum(np.ceil(index.min(axis=0) - 1e-6), 0).astype(int)
    high = np.minimum(np.floor(index.max(axis=0) + 1e-6) + 1, grid.shape).astype(int)
    if (high <= low).any():
        return None
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return z, y, x


def _shape(box: Box) -> tuple[int, int, int]:
    z, y, x = (s.stop - s.start for s in box)
    return z, y, x


def _moved(grid: Grid, box: Box) -> npt.NDArray[np.float64]:
    affine = grid.affine.copy()
    affine[:3, 3] = grid.world([s.start for s in box])
    return affine
