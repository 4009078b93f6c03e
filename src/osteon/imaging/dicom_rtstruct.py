"""RT structure sets: closed contours in planes, filled at sub-pixel precision."""

from __future__ import annotations

import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset

from osteon.core.errors import FileError
from osteon.imaging.dicom_files import DAMAGED
from osteon.imaging.dicom_header import text_of
from osteon.imaging.dicom_pixels import MAX_VOXELS
from osteon.imaging.dicom_seg import Segments, stack_axis
from osteon.imaging.volume import Grid, LabelMap

__all__ = ["coverage", "read_rtstruct"]

_LINES = 5  # lines across each pixel row; along a line the cover is exact
_OWN_PIXEL_MM = 0.5
_OVERLAP_SHARE = 0.02
_FLAT_MM = 0.05

Points = npt.NDArray[np.float64]


def read_rtstruct(path: Path, *, like: Grid | None = None) -> Segments:
    """
    The contours of a structure set as a label map, ROI number by ROI number.

    A pixel belongs to the structure that covers at least half of it; inner contours of one plane are holes. The planes
    are those of the contours; rows and columns those of ``like``, or 0.5 mm where no image is given.

    Raises
    ------
    FileError
        Damaged, no closed contours in axial planes, uneven planes, or two structures that share more than 2 % of the
        smaller one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = pydicom.dcmread(path, force=True)
            names = {
                int(roi.ROINumber): text_of(roi, "ROIName")
                for roi in whole.get("StructureSetROISequence") or ()
            }
            contours = _contours(whole)
            frame_uid = _frame_uid(whole)
    except DAMAGED as error:
        raise FileError(f"{path}: the structure set is damaged ({type(error).__name__}: {error}).") from error
    if not contours:
        raise FileError(f"{path}: no closed contour in it.")
    grid = _grid(contours, like, path)
    array = np.zeros(grid.shape, dtype=np.uint16)
    shared = _filled(array, grid, contours, names, path)
    notes = (f"overlapping_segments:{shared}",) if shared else ()
    labels = LabelMap(array=array, affine=grid.affine, names=names).canonical()
    return Segments(labels=labels, notes=notes, frame_uid=frame_uid, stack_axis=stack_axis(grid.affine))


def _contours(whole: Dataset) -> dict[int, list[Points]]:
    """LPS points (n, 3) of the closed contours of every structure."""
    found: dict[int, list[Points]] = defaultdict(list)
    for roi in whole.get("ROIContourSequence") or ():
        for contour in roi.get("ContourSequence") or ():
            kind = str(contour.get("ContourGeometricType", ""))
            data = np.array([float(v) for v in contour.get("ContourData") or ()], dtype=np.float64)
            if (
                kind.startswith("CLOSED")
                and len(data) >= 9
                and len(data) % 3 == 0
                and np.isfinite(data).all()
            ):
                found[int(roi.ReferencedROINumber)].append(data.reshape(-1, 3))
    return dict(found)


def _frame_uid(whole: Dataset) -> str:
    frames = whole.get("ReferencedFrameOfReferenceSequence") or ()
    return text_of(whole, "FrameOfReferenceUID") or (
        text_of(frames[0], "FrameOfReferenceUID") if frames else ""
    )


def _grid(contours: dict[int, list[Points]], like: Grid | None, path: Path) -> Grid:
    """Planes of the contours with the rows and columns of the image, around all contours."""
    every = [points for lot in contours.values() for points in lot]
    frame = Grid.regular((1, 1, 1), (1.0, _OWN_PIXEL_MM, _OWN_PIXEL_MM)) if like is None else like
    index = [frame.index(points) for points in every]
    flat = max(float(np.ptp(points[:, 0])) for points in index) * frame.spacing_mm[0]
    if flat > _FLAT_MM:
        raise FileError(
            f"{path}: contours lie across the slices ({flat:.2f} mm off a plane).",
            hint="Only contours drawn in the slices of the image, or in axial planes, are filled.",
        )
    depth = np.unique(np.round([points[:, 0].mean() for points in index], 3))
    gaps = np.diff(depth)
    if len(gaps):
        step = float(gaps.min())
        counts = np.rint(gaps / step)
        if np.abs(gaps / step - counts).max() > 0.1:
            raise FileError(
                f"{path}: contour planes {gaps.min():.3g} to {gaps.max():.3g} slices apart, expected even."
            )
        step = float((depth[-1] - depth[0]) / counts.sum())
        planes = int(counts.sum()) + 1
    elif like is None:
        raise FileError(f"{path}: contours in one plane only.", hint="Give the image they were drawn on.")
    else:
        step, planes = 1.0, 1
    low = np.floor(np.min([points[:, 1:].min(axis=0) for points in index], axis=0)).astype(int) - 1
    high = np.ceil(np.max([points[:, 1:].max(axis=0) for points in index], axis=0)).astype(int) + 1
    shape = (planes, int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1)
    if np.prod(shape, dtype=np.float64) > MAX_VOXELS:
        raise FileError(f"{path}: {shape} voxels are more than {MAX_VOXELS}.")
    affine = frame.affine.copy()
    affine[:3, 0] *= step
    affine[:3, 3] = frame.world(np.array([depth[0], low[0], low[1]], dtype=np.float64))
    return Grid(shape=shape, affine=affine)


def _filled(
    array: npt.NDArray[np.uint16],
    grid: Grid,
    contours: dict[int, list[Points]],
    names: dict[int, str],
    path: Path,
) -> int:
    total = 0
    for number, lot in sorted(contours.items()):
        planes: dict[int, list[Points]] = defaultdict(list)
        for points in lot:
            index = grid.index(points)
            planes[round(float(index[:, 0].mean()))].append(index[:, 1:])
        mine, taken = 0, 0
        for plane, polygons in planes.items():
            inside = coverage(polygons, (grid.shape[1], grid.shape[2])) >= 0.5
            taken += int((inside & (array[plane] > 0)).sum())
            mine += int(inside.sum())
            array[plane][inside & (array[plane] == 0)] = number
        if taken > _OVERLAP_SHARE * mine:
            raise FileError(
                f"{path}: structure {number} ({names.get(number, '')}) overlaps others in {taken} of {mine} voxels.",
                hint="Leave out structures that contain others.",
            )
        total += taken
    return total


def coverage(polygons: list[Points], shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """
    The share of each pixel that an even-odd fill of polygons (row, column; pixel centres at whole numbers) covers.

    Examples
    --------
    >>> square = np.array([[0.5, 0.5], [0.5, 2.5], [2.5, 2.5], [2.5, 0.5]])
    >>> coverage([square], (4, 4))[1].round(2).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    starts = np.concatenate(polygons)
    ends = np.concatenate([np.roll(points, -1, axis=0) for points in polygons])
    out = np.zeros(shape, dtype=np.float32)
    first = max(0, int(np.floor(starts[:, 0].min())))
    last = min(shape[0] - 1, int(np.ceil(starts[:, 0].max())))
    right_edges = np.arange(shape[1]) + 0.5
    for row in range(first, last + 1):
        for line in row + (np.arange(_LINES) + 0.5) / _LINES - 0.5:
            crossed = (starts[:, 0] <= line) != (ends[:, 0] <= line)
            (r0, c0), (r1, c1) = starts[crossed].T, ends[crossed].T
            columns = np.sort(c0 + (line - r0) / (r1 - r0) * (c1 - c0))
            for sign, entered in zip(np.tile([1, -1], len(columns) // 2), columns, strict=True):
                out[row] += sign * np.clip(right_edges - entered, 0.0, 1.0)
    out /= _LINES
    return out
