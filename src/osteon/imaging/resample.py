"""The same image on another grid, and label maps that keep their labels whole on the way."""

from __future__ import annotations

from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.core.errors import InputError
from osteon.imaging.volume import Grid, LabelMap, Volume

__all__ = ["coarser_grid", "label_boxes", "onto", "onto_box", "resample", "resample_labels"]

Order = Literal[0, 1, 3]
_MANY = 100_000
_BLOCK = 48  # outputs per matrix product: the band of inputs they need stays narrow


def coarser_grid(grid: Grid, spacing_mm: tuple[float, float, float]) -> Grid:
    """The grid of another spacing that fills the same field of view, voxel edge on voxel edge."""
    if min(spacing_mm) <= 0 or not np.isfinite(spacing_mm).all():
        raise InputError(f"a spacing of {spacing_mm} mm, expected three positive numbers (z, y, x).")
    shape, affine = [], grid.affine.copy()
    shift = np.zeros(3)
    for axis, (size, old, new) in enumerate(zip(grid.shape, grid.spacing_mm, spacing_mm, strict=True)):
        shape.append(max(1, round(size * old / new)))
        affine[:3, axis] *= new / old
        shift[axis] = (size - 1) / 2 - (shape[-1] - 1) / 2 * new / old  # both centres coincide
    affine[:3, 3] = grid.world(shift)
    return Grid(shape=(shape[0], shape[1], shape[2]), affine=affine)


def resample(
    volume: Volume, spacing_mm: tuple[float, float, float], *, order: Order = 1, antialias: bool = True
) -> Volume:
    """
    The volume at another spacing over the same field of view.

    Parameters
    ----------
    spacing_mm : (z, y, x)
    order : 0, 1 or 3
        Nearest voxel, linear, cubic (Keys 1981, a = -0.5).
    antialias : bool
        Towards coarser voxels the kernel is widened to the new voxel, so that a thin cortex fades instead of
        flickering; along axes that get finer it is plain interpolation.

    Returns
    -------
    Volume
        float32; beyond the outermost voxel centres the border value continues.

    Examples
    --------
    >>> grid = Grid.regular((8, 8, 8), (1.0, 1.0, 1.0))
    >>> fine = Volume(array=np.full((8, 8, 8), 7, np.float32), affine=grid.affine)
    >>> coarse = resample(fine, (2.0, 2.0, 4.0))
    >>> coarse.array.shape, float(coarse.array.min()), coarse.grid.affine[:3, 3].tolist()
    ((4, 4, 2), 7.0, [1.5, 0.5, 0.5])
    """
    grid = coarser_grid(volume.grid, spacing_mm)
    array: npt.NDArray[np.float32] = np.asarray(volume.array, dtype=np.float32)
    axes = sorted(
        range(3), key=lambda k: grid.shape[k] / volume.array.shape[k]
    )  # the greatest reduction first
    for axis in axes:
        if grid.shape[axis] == array.shape[axis] and np.isclose(
            grid.spacing_mm[axis], volume.spacing_mm[axis]
        ):
            continue
        ratio = grid.spacing_mm[axis] / volume.spacing_mm[axis]
        weights = _weights(array.shape[axis], grid.shape[axis], ratio, order=order, antialias=antialias)
        array = _along(array, weights, axis)
    return Volume(array=np.ascontiguousarray(array), affine=grid.affine, meta=volume.meta, notes=volume.notes)


def _weights(size: int, count: int, ratio: float, *, order: int, antialias: bool) -> npt.NDArray[np.float32]:
    """Row k says what each of ``size`` voxels adds to the k-th of ``count``, whose centres lie ``ratio`` apart."""
    centres = (size - 1) / 2 + (np.arange(count) - (count - 1) / 2) * ratio
    if order == 0:
        weights = np.zeros((count, size), dtype=np.float32)
        weights[np.arange(count), np.clip(np.rint(centres).astype(int), 0, size - 1)] = 1.0
        return weights
    width = max(1.0, ratio) if antialias else 1.0
    centres = np.clip(centres, 0, size - 1)
    t = np.abs(np.arange(size)[None, :] - centres[:, None]) / width
    if order == 1:
        weights = np.clip(1 - t, 0, None)
    elif order == 3:
        near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
        weights = np.where(t < 1, near, np.where(t < 2, far, 0.0))
    else:
        raise InputError(f"interpolation of order {order}, expected 0, 1 or 3.")
    total: npt.NDArray[np.float64] = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / total, dtype=np.float32)


def _along(
    array: npt.NDArray[np.float32], weights: npt.NDArray[np.float32], axis: int
) -> npt.NDArray[np.float32]:
    """``weights`` applied along one axis, in blocks of outputs with the band of inputs they draw on."""
    shape = list(array.shape)
    shape[axis] = len(weights)
    out = np.empty(shape, dtype=np.float32)
    for start in range(0, len(weights), _BLOCK):
        rows = weights[start : start + _BLOCK]
        used = np.flatnonzero(rows.any(axis=0))
        band = slice(int(used[0]), int(used[-1]) + 1)
        part = rows[:, band]
        target: list[slice] = [slice(None)] * 3
        target[axis] = slice(start, start + len(rows))
        if axis == 2:
            out[tuple(target)] = array[:, :, band] @ part.T
        elif axis == 1:
            out[tuple(target)] = part @ array[:, band, :]
        else:
            flat = np.ascontiguousarray(array[band]).reshape(part.shape[1], -1)
            out[tuple(target)] = (part @ flat).reshape(len(rows), *array.shape[1:])
    return out


def onto(volume: Volume, grid: Grid, *, order: Order = 1, fill: float = -1024.0) -> Volume:
    """
    The volume at the voxels of another grid, wherever that lies; ``fill`` (air) where the volume does not reach.

    Plain interpolation: to go to much coarser voxels, :func:`resample` first.
    """
    if order not in (0, 1, 3):
        raise InputError(f"interpolation of order {order}, expected 0, 1 or 3.")
    if grid.same_place(volume.grid, tolerance_mm=1e-6):
        return volume
    array = _interpolated(volume, grid, (slice(0, n) for n in grid.shape), order=order, fill=fill)
    return Volume(array=array, affine=grid.affine, meta=volume.meta, notes=volume.notes)


def _interpolated(
    source: Volume | LabelMap, grid: Grid, box: Any, *, order: int, fill: float
) -> npt.NDArray[np.float32]:
    """Values of ``source`` at the voxels of ``grid`` inside ``box``."""
    step = np.linalg.inv(source.affine) @ grid.affine
    matrix = np.where(np.abs(step[:3, :3]) < 1e-9, 0.0, step[:3, :3])
    ends = [(s.start, s.stop) for s in box]
    offset = step[:3, 3] + matrix @ np.array([start for start, _ in ends])
    offset = np.where(np.abs(offset - np.rint(offset)) < 1e-7, np.rint(offset), offset)
    shape = tuple(stop - start for start, stop in ends)
    straight = np.count_nonzero(matrix - np.diag(np.diag(matrix))) == 0
    values: npt.NDArray[np.float32] = ndimage.affine_transform(
        np.asarray(source.array, dtype=np.float32),
        np.diag(matrix) if straight else matrix,
        offset=offset, output_shape=shape, order=order, mode="constant", cval=fill, output=np.float32,
    )  # fmt: skip
    return values


def resample_labels(labels: LabelMap, grid: Grid) -> LabelMap:
    """
    A label map on another grid: each voxel takes the label (or nothing) that weighs most in a linear interpolation.

    No label appears that is not there, borders move by less than half a voxel, and only the boxes around labels are
    looked at, so that a few vertebrae in a large scan cost little.

    Examples
    --------
    >>> array = np.zeros((4, 4, 4), np.uint8); array[:, :, :2] = 3; array[:, :, 2:] = 9
    >>> fine = resample_labels(LabelMap(array=array, affine=np.eye(4)[[2, 1, 0, 3]]), Grid.regular((8, 8, 8), (.5, .5, .5)))
    >>> fine.present
    (3, 9)
    """
    if grid.same_place(labels.grid, tolerance_mm=1e-6):
        return labels
    boxes = label_boxes(labels.array)
    target = {k: _target_box(labels, box, grid) for k, box in boxes.items()}
    out = np.zeros(grid.shape, dtype=labels.array.dtype)
    inside = {k: box for k, box in target.items() if all(s.stop > s.start for s in box)}
    if not inside:
        return LabelMap(array=out, affine=grid.affine, names=labels.names)
    low = [min(box[a].start for box in inside.values()) for a in range(3)]
    high = [max(box[a].stop for box in inside.values()) for a in range(3)]
    best = np.zeros([h - n for n, h in zip(low, high, strict=True)], dtype=np.float32)
    total = np.zeros_like(best)
    winner = np.zeros(best.shape, dtype=labels.array.dtype)
    for code, box in inside.items():
        weight = onto_box(labels, code, boxes[code], grid, box)
        here = tuple(slice(s.start - n, s.stop - n) for s, n in zip(box, low, strict=True))
        total[here] += weight
        better = weight > best[here]
        best[here][better] = weight[better]
        winner[here][better] = code
    winner[best < 1 - total] = 0
    out[tuple(slice(n, h) for n, h in zip(low, high, strict=True))] = winner
    return LabelMap(array=out, affine=grid.affine, names=labels.names)


def onto_box(
    labels: LabelMap,
    code: int,
    box: tuple[slice, ...],
    grid: Grid,
    target: tuple[slice, slice, slice] | None = None,
) -> npt.NDArray[np.float32]:
    """How much of ``code`` (0-1), which lies inside ``box``, is at each voxel of ``grid`` (inside ``target``)."""
    part = labels.cropped(_padded(box, labels.array.shape))
    mask = LabelMap(array=(part.array == code).astype(np.uint8), affine=part.affine)
    where = target or tuple(slice(0, n) for n in grid.shape)
    return _interpolated(mask, grid, where, order=1, fill=0.0)


def label_boxes(array: npt.NDArray[Any]) -> dict[int, tuple[slice, ...]]:
    """The box around every label that occurs, in one pass over the array."""
    top = int(array.max(initial=0))
    if top <= _MANY:
        boxes = ndimage.find_objects(array, top)
        return {k: box for k, box in enumerate(boxes, start=1) if box is not None}
    codes = [int(k) for k in np.unique(array) if k > 0]
    boxes = ndimage.find_objects(np.searchsorted([0, *codes], array))
    return dict(zip(codes, boxes, strict=True))


def _padded(box: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    z, y, x = (slice(max(0, s.start - 1), min(n, s.stop + 1)) for s, n in zip(box, shape, strict=True))
    return z, y, x


def _target_box(labels: LabelMap, box: tuple[slice, ...], grid: Grid) -> tuple[slice, slice, slice]:
    """The voxels of ``grid`` that a label's box can reach."""
    corners = np.array(list(product(*((s.start - 1, s.stop) for s in box))), dtype=np.float64)
    index = grid.index(labels.grid.world(corners))
    low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, grid.shape)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, 0, grid.shape)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return z, y, x
