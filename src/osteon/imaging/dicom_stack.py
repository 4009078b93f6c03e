"""Slices by position on their common normal: a straight, even grid, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.core.errors import FileError, NotEnoughData
from osteon.imaging.dicom_header import Slice
from osteon.imaging.dicom_pixels import AIR_HU, MAX_VOXELS, fill

__all__ = ["LARGEST_GAP_MM", "MISSING_SHARE", "TILT_LIMIT_DEG", "Stack", "depths", "normal_of", "stacked"]

TILT_LIMIT_DEG = 30.0
"""Gantries tilt no further; a steeper shear is a mistake of the header."""

LARGEST_GAP_MM = 6.0
"""No density is interpolated across more than this: a quarter of a vertebral body's height."""

MISSING_SHARE = 0.10
"""Share of missing slices above which a series is refused."""

_EVEN_SHARE, _EVEN_MM = 0.05, 0.08  # how far a slice may lie from an even grid, of a step and in mm
_STRAIGHT_MM = 0.1
_ON_SLICE = 0.01  # a plane this near to a slice, in slices, is that slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """
    An image of stacked slices.

    Attributes
    ----------
    array : ndarray (n, rows, columns), float32
    affine : ndarray (4, 4)
        Takes (slice, row, column, 1) to LPS millimetres.
    slices : tuple of Slice
        In order of the first axis of the scan; as many as the array has only where nothing was resampled along it.
    largest_step_mm : float
        Largest distance between neighbouring slices of the scan.
    plane_steps_mm : tuple of float
        How coarse the scan is at each plane of the array: the larger of the thickness of the slices it was made from and
        the gaps beside it; empty where that is the same throughout.
    """

    array: npt.NDArray[np.float32]
    affine: npt.NDArray[np.float64]
    slices: tuple[Slice, ...]
    largest_step_mm: float
    notes: tuple[str, ...]
    plane_steps_mm: tuple[float, ...] = ()


def normal_of(orientation: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """The normal of slices, turned so that its largest component points to the head, the back or the left."""
    normal = np.cross(orientation[:3], orientation[3:])
    normal /= np.linalg.norm(normal)
    return normal if normal[np.abs(normal).argmax()] > 0 else -normal


def depths(slices: tuple[Slice, ...]) -> npt.NDArray[np.float64]:
    """Position of every slice along the normal of the first, millimetres."""
    orientation = slices[0].orientation
    if orientation is None:
        raise _without_place(slices[0])
    return np.array([s.position for s in slices], dtype=np.float64) @ normal_of(orientation)


def _without_place(item: Slice) -> FileError:
    return FileError(
        f"{item.source}: {', '.join(item.missing)} missing or malformed; the slice has no place.",
        hint="Export the original series again; no spacing is guessed.",
    )


def stacked(slices: tuple[Slice, ...]) -> Stack:
    """
    The image of the slices of one geometric group.

    Raises
    ------
    FileError
        A slice lacks position, orientation or spacing; slices share a position, are missing, uneven or tilted beyond
        the limits of this module.
    NotEnoughData
        Fewer than two positions.
    """
    for item in slices:
        if item.missing:
            raise _without_place(item)
    depth = depths(slices)
    order = np.argsort(depth, kind="stable")
    slices = tuple(slices[k] for k in order)
    depth = depth[order]
    name = f"{slices[0].source} and {len(slices) - 1} more" if len(slices) > 1 else str(slices[0].source)
    if len(slices) < 2:
        raise NotEnoughData(f"{name}: one slice, a volume needs at least two.")
    steps = np.diff(depth)
    if steps.min() < 1e-3:
        twin = int(steps.argmin())
        raise FileError(
            f"{slices[twin].source} and {slices[twin + 1].source}: two different images at one position.",
            hint="The folder mixes series that its headers do not tell apart; give one of them.",
        )
    even, place, notes = _even_positions(depth, name=name)
    rows, columns = slices[0].shape
    if max(len(slices), len(even)) * rows * columns > MAX_VOXELS:
        raise FileError(f"{name}: {len(slices)} x {rows} x {columns} voxels are more than {MAX_VOXELS}.")
    array = np.empty((len(slices), rows, columns), dtype=np.float32)
    seen = fill(array, slices)
    affine, shifts = _frame(slices, depth, name=name)
    if shifts is not None:
        air = AIR_HU if slices[0].facts.get("Modality") == "CT" else 0.0
        array, affine = _straightened(array, affine, shifts, air=air)
        notes.append("resampled_gantry_tilt")
    if place is not None:
        array = _at_positions(array, place)
    affine[:3, 0] = normal_of(slices[0].orientation or ()) * round((even[-1] - even[0]) / (len(even) - 1), 6)
    return Stack(
        array=array, affine=affine, slices=slices, largest_step_mm=float(steps.max()), notes=(*notes, *seen),
        plane_steps_mm=_plane_steps(slices, depth, place),
    )  # fmt: skip


def _even_positions(
    depth: npt.NDArray[np.float64], *, name: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None, list[str]]:
    """The even grid along the normal; where the scan is uneven, also each grid point's place among the slices."""
    even = np.linspace(depth[0], depth[-1], len(depth))
    steps = np.diff(depth)
    step = float(np.median(steps))
    if np.abs(even - depth).max() <= max(_EVEN_MM, _EVEN_SHARE * step):
        return even, None, []
    largest = float(steps.max())
    counts = np.rint(steps / step)
    missing = int((counts - 1).clip(0).sum())
    whole = bool(
        counts.min() >= 1 and np.abs(steps - counts * step).max() <= max(_EVEN_MM, 2 * _EVEN_SHARE * step)
    )
    lost = whole and missing > 0 and np.count_nonzero(counts > 1) <= max(1, MISSING_SHARE * len(steps))
    if lost and (largest > LARGEST_GAP_MM or missing > max(1, MISSING_SHARE * len(depth))):
        where = depth[int(steps.argmax())]
        raise FileError(
            f"{name}: {missing} slices are missing (step {step:.3g} mm, largest gap {largest:.3g} mm at {where:.1f} mm).",
            hint="Export the whole series again.",
        )
    if largest > LARGEST_GAP_MM:
        raise FileError(
            f"{name}: slices {steps.min():.3g} to {largest:.3g} mm apart, uneven gaps up to {LARGEST_GAP_MM:g} mm are read.",
            hint="Give a series with one slice increment.",
        )
    count = round((depth[-1] - depth[0]) / step) + 1
    even = np.linspace(depth[0], depth[-1], count)
    place = np.interp(even, depth, np.arange(len(depth)))
    return even, place, [f"resampled_missing_slices:{missing}" if lost else "resampled_unequal_slices"]


def _plane_steps(
    slices: tuple[Slice, ...], depth: npt.NDArray[np.float64], place: npt.NDArray[np.float64] | None
) -> tuple[float, ...]:
    """See :attr:`Stack.plane_steps_mm`; the steps of an even scan differ by rounding alone."""
    steps = np.diff(depth)
    gaps = np.full(len(steps), np.median(steps)) if place is None else steps
    at = np.arange(len(slices), dtype=np.float64) if place is None else place
    thick = np.array([item.thickness_mm or 0.0 for item in slices])
    below, above = np.floor(at + _ON_SLICE).astype(int), np.ceil(at - _ON_SLICE).astype(int)
    beside = np.pad(gaps, 1)  # beside[k] lies below slice k, beside[k + 1] above it
    coarse = np.max([thick[below], thick[above], beside[above], beside[below + 1]], axis=0)
    if np.ptp(coarse) <= max(_EVEN_MM, 2 * _EVEN_SHARE * float(np.median(steps))):
        return ()
    return tuple(float(mm) for mm in coarse)


def _frame(
    slices: tuple[Slice, ...], depth: npt.NDArray[np.float64], *, name: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
    """
    The affine with the first slice's corner, and how far each slice lies off the normal through it.

    The shifts (n, 2) are in millimetres down a column and along a row; None where the stack is straight.
    """
    orientation, spacing = slices[0].orientation or (), slices[0].spacing_mm or ()
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    row /= np.linalg.norm(row)
    column -= row * (column @ row)
    column /= np.linalg.norm(column)
    affine = np.eye(4)
    affine[:3, 1], affine[:3, 2] = column * spacing[0], row * spacing[1]
    positions = np.array([s.position for s in slices], dtype=np.float64)
    affine[:3, 3] = positions[0]
    shifts = (positions - positions[0]) @ np.stack([column, row], axis=1)
    drift = float(np.abs(shifts).max())
    if drift <= _STRAIGHT_MM:
        return affine, None
    tilt = np.degrees(np.arctan2(np.abs(np.diff(shifts, axis=0)).max(), np.diff(depth).min()))
    if tilt > TILT_LIMIT_DEG:
        raise FileError(
            f"{name}: slices are shifted by {drift:.1f} mm against each other (tilt {tilt:.0f} degrees, at most "
            f"{TILT_LIMIT_DEG:g} are straightened).",
            hint="The headers contradict each other; export the series again.",
        )
    return affine, shifts


def _straightened(
    array: npt.NDArray[np.float32],
    affine: npt.NDArray[np.float64],
    shifts_mm: npt.NDArray[np.float64],
    *,
    air: float,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Every slice moved in its own plane onto a straight grid that holds them all; air where none has been."""
    spacing = np.linalg.norm(affine[:3, 1:3], axis=0)
    shifts = shifts_mm / spacing
    low = np.floor(shifts.min(axis=0) + 1e-6).astype(int)
    high = np.ceil(shifts.max(axis=0) - 1e-6).astype(int)
    count, rows, columns = array.shape
    shape = (count, rows + int(high[0] - low[0]), columns + int(high[1] - low[1]))
    if np.prod(shape, dtype=np.int64) > MAX_VOXELS:
        raise FileError(f"straightened slices of {shape} voxels are more than {MAX_VOXELS}.")
    straight = np.empty(shape, dtype=np.float32)
    for k in range(count):
        ndimage.affine_transform(
            array[k], np.ones(2), offset=low - shifts[k], output_shape=shape[1:], output=straight[k],
            order=1, mode="constant", cval=air,
        )  # fmt: skip
    moved = affine.copy()
    moved[:3, 3] += affine[:3, 1] * low[0] + affine[:3, 2] * low[1]
    return straight, moved


def _at_positions(array: npt.NDArray[np.float32], place: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The array between its slices, linearly, at fractional ``place``."""
    below = np.minimum(place.astype(int), len(array) - 2)
    out = np.empty((len(place), *array.shape[1:]), dtype=np.float32)
    for k, (low, at) in enumerate(zip(below, place, strict=True)):
        share = np.float32(at - low)
        np.multiply(array[low], 1 - share, out=out[k])
        out[k] += share * array[low + 1]
    return out
