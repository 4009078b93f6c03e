"""The same image on another grid, and label maps that keep their labels whole on the way."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.core.errors import InputError
from osteon.imaging.volume import Grid, LabelMap, Volume

__all__ = ["coarser_grid", "label_boxes", "onto", "onto_box", "resample", "resample_labels", "straightened"]

Order = Literal[0, 1, 3]
_MANY = 100_000
_SQUARE_DEG = 0.2  # a header's decimals bend axes by less
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
        Towards coarser voxels the linear interpolant is averaged over the new voxel, so that a thin cortex fades
        instead of flickering; along axes that get finer it is plain interpolation.

    Returns
    -------
    Volume
        float32; beyond the outermost voxel centres the border value continues.

    Examples
    --------
    >>> grid = Grid.regular((8, 8, 8), (1.0, 1.0, 1.0))
    >>> fine = Volume(array=np.full((8, 8, 8), 7, np.float32), affine=grid.affine)
    >>> coarse = resample(fine, (2.0, 2.0, 4.0))
    >>> coarse.array.shape, round(float(coarse.array.min()), 3), coarse.grid.affine[:3, 3].tolist()
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
        size, count = array.shape[axis], grid.shape[axis]
        centres = np.clip((size - 1) / 2 + (np.arange(count) - (count - 1) / 2) * ratio, 0, size - 1)
        weights = _weights(size, centres, ratio, order=order, antialias=antialias)
        array = _along(array, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32), axis)
    return Volume(array=np.ascontiguousarray(array), affine=grid.affine, meta=volume.meta, notes=volume.notes)


def _weights(
    size: int, centres: npt.NDArray[np.float64], ratio: float, *, order: int, antialias: bool
) -> npt.NDArray[np.float64]:
    """
    Row k says what each of ``size`` voxels adds to a new voxel at index ``centres[k]``, ``ratio`` old voxels wide.

    Coarser voxels average the linear interpolant over a box that grows from nothing at ratio 1 to the whole new voxel
    at ratio 2; like plain linear interpolation this keeps a ramp a ramp.
    """
    t = np.arange(size)[None, :] - centres[:, None]
    box = min(ratio, 2 * (ratio - 1)) if antialias else 0.0
    if order == 0:
        return np.asarray(t == t[np.arange(len(t)), np.abs(t).argmin(axis=1)][:, None], dtype=np.float64)
    if box > 1e-6:
        return np.asarray((_ramp(t + box / 2) - _ramp(t - box / 2)) / box)
    t = np.abs(t)
    if order == 1:
        return np.asarray(np.clip(1 - t, 0, None))
    if order == 3:
        near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
        return np.asarray(np.where(t < 1, near, np.where(t < 2, far, 0.0)))
    raise InputError(f"interpolation of order {order}, expected 0, 1 or 3.")


def _ramp(u: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The integral of the linear kernel 1 - |t| up to ``u``."""
    u = np.clip(u, -1, 1)
    return np.asarray(np.where(u < 0, (1 + u) ** 2 / 2, 1 - (1 - u) ** 2 / 2))


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
        band = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
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
    matrix, offset, straight = _step(volume, grid, (0, 0, 0))
    array = np.asarray(volume.array, dtype=np.float32)
    array = _warped(array, matrix, offset, grid.shape, straight=straight, order=order, fill=fill)
    return Volume(array=array, affine=grid.affine, meta=volume.meta, notes=volume.notes)


def _step(
    source: Volume | LabelMap, grid: Grid, start: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], bool]:
    """Matrix and offset from indices of ``grid``, counted from ``start``, to those of ``source``; whether axes align."""
    step = np.linalg.inv(source.affine) @ grid.affine
    matrix = np.where(np.abs(step[:3, :3]) < 1e-9, 0.0, step[:3, :3])
    offset = step[:3, 3] + matrix @ np.array(start)
    offset = np.where(np.abs(offset - np.rint(offset)) < 1e-7, np.rint(offset), offset)
    return matrix, offset, np.count_nonzero(matrix - np.diag(np.diag(matrix))) == 0


def _warped(
    array: npt.NDArray[np.float32],
    matrix: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
    shape: tuple[int, ...],
    *,
    straight: bool,
    order: int,
    fill: float,
) -> npt.NDArray[np.float32]:
    values: npt.NDArray[np.float32] = ndimage.affine_transform(
        array, np.diag(matrix) if straight else matrix, offset=offset, output_shape=shape, order=order,
        mode="constant", cval=fill, output=np.float32,
    )  # fmt: skip
    return values


def straightened(volume: Volume, *, limit_deg: float = 30.0) -> Volume:
    """
    A volume whose axes do not meet at right angles (a tilted gantry, converted as it was) on a straight grid.

    Planes keep their rows and columns and are moved in themselves; the note is "resampled_gantry_tilt". Straight volumes
    come back as they are.

    Raises
    ------
    InputError
        The axes are sheared by more than ``limit_deg``.
    """
    unit = volume.affine[:3, :3] / np.array(volume.spacing_mm)
    shear = float(np.degrees(np.arcsin(np.abs(unit.T @ unit - np.eye(3)).max().clip(0, 1))))
    if shear < _SQUARE_DEG:
        return volume
    if shear > limit_deg:
        raise InputError(f"axes sheared by {shear:.0f} degrees, at most {limit_deg:g} are straightened.")
    back = unit[:, 1]
    left = unit[:, 2] - back * (back @ unit[:, 2])
    left /= np.linalg.norm(left)
    up = np.cross(left, back)
    up *= np.sign(up @ unit[:, 0])
    turn = np.stack([up, back, left], axis=1)
    spacing = np.array(volume.spacing_mm) * [abs(up @ unit[:, 0]), 1.0, abs(left @ unit[:, 2])]
    ends = np.array(list(product(*((0, n - 1) for n in volume.array.shape))), dtype=np.float64)
    corners = volume.grid.world(ends) @ turn
    low = corners.min(axis=0)
    nz, ny, nx = (int(n) for n in np.ceil(np.round((corners.max(axis=0) - low) / spacing, 6)) + 1)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * spacing, turn @ low
    even = onto(volume, Grid(shape=(nz, ny, nx), affine=affine), fill=float(volume.array.min()))
    return replace(even, notes=(*volume.notes, "resampled_gantry_tilt"))


def resample_labels(labels: LabelMap, grid: Grid) -> LabelMap:
    """
    A label map on another grid: each voxel takes the label (or nothing) that weighs most there by linear interpolation,
    averaged over the voxel where that is the coarser one.

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
    values = np.asarray(part.array == code, dtype=np.float32)
    where = target or tuple(slice(0, n) for n in grid.shape)
    shape = tuple(s.stop - s.start for s in where)
    matrix, offset, straight = _step(part, grid, tuple(s.start for s in where))
    if not straight:
        return _warped(values, matrix, offset, shape, straight=False, order=1, fill=0.0)
    for axis, count in enumerate(shape):
        ratio = abs(float(matrix[axis, axis]))
        centres = offset[axis] + np.arange(count) * matrix[axis, axis]
        weights = _weights(values.shape[axis], centres, ratio, order=1, antialias=True)
        values = _along(values, weights.astype(np.float32), axis)
    return values


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
