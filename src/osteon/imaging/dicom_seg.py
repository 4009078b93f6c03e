"""DICOM segmentation objects as one array of segment numbers; frames left out for being empty are put back."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import as_pixel_options

from osteon.core.errors import FileError
from osteon.imaging.dicom_files import DAMAGED
from osteon.imaging.dicom_header import Slice, slices_of_frames, text_of
from osteon.imaging.dicom_pixels import MAX_VOXELS
from osteon.imaging.dicom_stack import depths, normal_of
from osteon.imaging.volume import LabelMap

__all__ = ["Segments", "read_seg", "stack_axis"]

_OVERLAP_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """
    A map of segment numbers, canonical, with what the file calls them and the frame of reference it lies in.

    ``stack_axis`` is the axis along which a file that may keep labelled planes alone was stacked; None for all others.
    """

    labels: LabelMap
    notes: tuple[str, ...] = ()
    frame_uid: str = ""
    stack_axis: int | None = None

    def with_margin(self) -> Segments:
        """With an empty plane before and behind a stack that is labelled to both ends: its scan may go on there."""
        if self.stack_axis is None:
            return self
        ends = np.moveaxis(self.labels.array, self.stack_axis, 0)[[0, -1]]
        if not ends.any(axis=(1, 2)).all():  # empty planes are kept: these are the scan's own ends
            return self
        width = [(int(k == self.stack_axis),) * 2 for k in range(3)]
        affine = self.labels.affine.copy()
        affine[:3, 3] -= affine[:3, self.stack_axis]
        labels = replace(self.labels, array=np.pad(self.labels.array, width), affine=affine)
        return replace(self, labels=labels, notes=(*self.notes, "field_unknown"))


def read_seg(path: Path) -> Segments:
    """
    A DICOM SEG (binary, fractional from one half, or label map).

    Raises
    ------
    FileError
        Damaged, tiled, without geometry, or two segments share more than 2 % of the smaller one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = pydicom.dcmread(path, force=True)
            frames = slices_of_frames(whole, path)
    except FileError:
        raise
    except DAMAGED as error:
        raise FileError(f"{path}: the DICOM object is damaged ({type(error).__name__}: {error}).") from error
    if not frames or any(frame.missing for frame in frames):
        raise FileError(
            f"{path}: frames without position, orientation or spacing.", hint="Slide tiles are not read."
        )
    if any(frame.orientation != frames[0].orientation or frame.shape != frames[0].shape for frame in frames):
        raise FileError(f"{path}: frames of different orientation.")
    affine, planes = _lattice(whole, frames, path)
    array = np.zeros((int(planes.max()) + 1, *frames[0].shape), dtype=np.uint16)
    if array.size > MAX_VOXELS:
        raise FileError(f"{path}: {array.shape} voxels are more than {MAX_VOXELS}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shared = _filled(array, whole, planes, path)
    except FileError:
        raise
    except DAMAGED as error:
        raise FileError(
            f"{path}: the segments cannot be decoded ({type(error).__name__}: {error})."
        ) from error
    labels = LabelMap(array=array, affine=affine, names=_names(whole)).canonical()
    notes = (f"overlapping_segments:{shared}",) if shared else ()
    uid = text_of(whole, "FrameOfReferenceUID")
    return Segments(labels=labels, notes=notes, frame_uid=uid, stack_axis=stack_axis(affine))


def stack_axis(affine: npt.NDArray[np.float64]) -> int:
    """The axis that the first one becomes in a canonical volume."""
    return 2 - int(np.abs(affine[:3, 0]).argmax())


def _names(whole: Dataset) -> dict[int, str]:
    names = {}
    for item in whole.get("SegmentSequence") or ():
        kind = (item.get("SegmentedPropertyTypeCodeSequence") or (Dataset(),))[0]
        label, meaning = text_of(item, "SegmentLabel"), text_of(kind, "CodeMeaning")
        names[int(item.SegmentNumber)] = label if meaning.upper() in label.upper() else f"{label} ({meaning})"
    return names


def _lattice(
    whole: Dataset, frames: tuple[Slice, ...], path: Path
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The affine of the full stack and each frame's plane in it."""
    first = frames[0]
    depth = depths(frames)
    places = np.unique(np.round(depth, 3))
    measures = (whole.get("SharedFunctionalGroupsSequence") or (Dataset(),))[0].get("PixelMeasuresSequence")
    declared = [
        abs(float(value))
        for keyword in ("SpacingBetweenSlices", "SliceThickness")
        if measures and (value := measures[0].get(keyword))
    ]
    gaps = np.diff(places)
    options = [*declared, *([float(gaps.min())] if len(gaps) else [])]
    fitting = [step for step in options if step > 1e-3 and _fits(gaps, step)]
    if not fitting:
        raise FileError(f"{path}: no slice spacing fits the positions of its frames.")
    step = fitting[0]
    if len(gaps):
        step = float((places[-1] - places[0]) / np.rint((places[-1] - places[0]) / step))
    planes = np.rint((depth - places[0]) / step).astype(np.int64)
    orientation, spacing = first.orientation or (), first.spacing_mm or ()
    affine = np.eye(4)
    affine[:3, 0] = normal_of(orientation) * step
    affine[:3, 1] = np.array(orientation[3:]) * spacing[0]
    affine[:3, 2] = np.array(orientation[:3]) * spacing[1]
    affine[:3, 3] = frames[int(depth.argmin())].position or ()
    return affine, planes


def _fits(gaps: npt.NDArray[np.float64], step: float) -> bool:
    """Every gap between planes is a whole number of steps, at least one."""
    counts = np.rint(gaps / step)
    return not len(gaps) or bool(counts.min() >= 1 and np.abs(gaps / step - counts).max() < 0.05)


def _filled(array: npt.NDArray[np.uint16], whole: Dataset, planes: npt.NDArray[np.int64], path: Path) -> int:
    """Write every frame's segment into ``array``; returns how many voxels two segments claim."""
    kind = str(whole.get("SegmentationType", "BINARY"))
    rows, columns = array.shape[1:]
    native = not whole.file_meta.TransferSyntaxUID.is_compressed
    content = bytes(whole.PixelData) if native else b""
    if not native:
        decoder = get_decoder(whole.file_meta.TransferSyntaxUID)
        options: Any = as_pixel_options(whole)
    half = int(whole.get("MaximumFractionalValue", 1) or 1) / 2
    claimed: dict[tuple[int, int], int] = {}
    sizes: dict[int, int] = {}
    for k, (plane, frame) in enumerate(zip(planes, whole.PerFrameFunctionalGroupsSequence, strict=True)):
        if native:
            values = _native(content, k, rows, columns, int(whole.BitsAllocated), path)
        else:
            values, _ = decoder.as_array(whole, index=k, raw=True, **options)
        if kind == "LABELMAP":
            np.maximum(array[plane], values.astype(np.uint16), out=array[plane])
            continue
        groups = frame.get("SegmentIdentificationSequence") or whole.SharedFunctionalGroupsSequence[0].get(
            "SegmentIdentificationSequence"
        )
        number = int(groups[0].ReferencedSegmentNumber)
        inside = values >= half if kind == "FRACTIONAL" else values > 0
        there = array[plane]
        sizes[number] = sizes.get(number, 0) + int(inside.sum())
        for other in np.unique(there[inside & (there > 0) & (there != number)]):
            pair = (int(other), number)
            claimed[pair] = claimed.get(pair, 0) + int((inside & (there == other)).sum())
        there[inside & (there == 0)] = number
    names = _names(whole)
    for (a, b), shared in claimed.items():
        if shared > _OVERLAP_SHARE * min(sizes[a], sizes[b]):
            raise FileError(
                f"{path}: segments {a} ({names.get(a, '')}) and {b} ({names.get(b, '')}) overlap in {shared} voxels.",
                hint="A label map holds one label per voxel: export the vertebrae without overlap.",
            )
    return sum(claimed.values())


def _native(content: bytes, frame: int, rows: int, columns: int, bits: int, path: Path) -> npt.NDArray[Any]:
    """One frame of uncompressed pixels; single bits run on across frames without padding."""
    count = rows * columns
    first, last = frame * count * bits, (frame + 1) * count * bits
    chunk = np.frombuffer(content[first // 8 : (last + 7) // 8], dtype=np.uint8)
    if len(chunk) * 8 < last - first // 8 * 8:
        raise FileError(f"{path}: the pixel data are cut short.")
    if bits == 1:
        start = first % 8
        return np.unpackbits(chunk, bitorder="little")[start : start + count].reshape(rows, columns)
    return chunk.view("<u2" if bits == 16 else np.uint8).reshape(rows, columns)
