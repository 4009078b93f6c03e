"""Stored pixel values of slices, decoded whatever the transfer syntax, and their rescale to Hounsfield units."""

from __future__ import annotations

import warnings
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import as_pixel_options
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from osteon.core.errors import FileError
from osteon.core.progress import advance
from osteon.imaging.dicom_files import DAMAGED
from osteon.imaging.dicom_header import Slice

__all__ = ["AIR_HU", "MAX_VOXELS", "fill", "stored_values"]

AIR_HU = -1024.0
"""What stands where the scanner saw nothing."""

MAX_VOXELS = 1 << 29
"""Largest array read: 2 GiB of float32, about 2000 slices of 512 x 512."""

_AIR_BELOW = -900.0
_NATIVE = {8: "u1", 16: "u2", 32: "u4"}


def fill(target: npt.NDArray[np.float32], slices: tuple[Slice, ...]) -> tuple[str, ...]:
    """
    Read ``slices`` into ``target`` (n, rows, columns), rescaled each by its own slope and intercept.

    Padding becomes air. Slices without a modality are judged as CT. Returns the codes of what was noticed.

    Raises
    ------
    FileError
        Pixels are missing, cut short, coloured or cannot be decoded, or some slices of a CT state their rescale and
        others do not; the message names the file.
    """
    _check_rescale(slices)
    notes: dict[str, None] = {}
    place = {id(item): k for k, item in enumerate(slices)}
    by_source = sorted(slices, key=lambda item: (str(item.source), item.frame or 0))
    done = 0
    for _, frames in groupby(by_source, key=attrgetter("source")):
        whole: Dataset | None = None
        for item in frames:
            _check(item)
            values = _plain(item)
            if values is None:
                whole = _opened(item) if whole is None else whole
                values = _decoded(item, whole)
            for note in _rescaled(item, values, target[place[id(item)]]):
                notes[note] = None
            done += 1
            advance("read_slices", done, len(slices))
    return tuple(notes)


def _ct(item: Slice) -> bool:
    return item.facts.get("Modality", "CT") == "CT"


def _rescale_stated(item: Slice) -> bool:
    return item.slope is not None and item.intercept is not None


def _check_rescale(slices: tuple[Slice, ...]) -> None:
    without = [item for item in slices if _ct(item) and not _rescale_stated(item)]
    if 0 < len(without) < len(slices):
        raise FileError(
            f"{without[0].source}: RescaleSlope or RescaleIntercept is missing, which {len(slices) - len(without)} other "
            f"slices of the series state ({len(without)} such slices).",
            hint="Copy these files again from the archive; their values would be off by some 1000 Hounsfield units.",
        )


def stored_values(item: Slice) -> npt.NDArray[Any]:
    """The values of one slice as the file stores them, (rows, columns)."""
    _check(item)
    values = _plain(item)
    return _decoded(item, _opened(item)) if values is None else values


def _check(item: Slice) -> None:
    if item.samples != 1:
        raise FileError(
            f"{item.source}: a colour image ({item.samples} samples per pixel), expected grey values."
        )
    allocated, stored, high = item.bits
    if not 0 < stored <= allocated or not stored - 1 <= high < allocated:
        raise FileError(f"{item.source}: {stored} bits stored, high bit {high}, in {allocated} allocated.")


def _plain(item: Slice) -> npt.NDArray[Any] | None:
    """The values of an uncompressed single-frame object straight from its bytes; None where that cannot be."""
    allocated, _, _ = item.bits
    if item.offset < 0 or allocated not in _NATIVE:
        return None
    count = item.shape[0] * item.shape[1]
    with item.source.open() as stream:
        stream.seek(item.offset)
        head = stream.read(8 if item.implicit else 12)
        if head[:4] != b"\xe0\x7f\x10\x00" or len(head) < 8 or head[-4:] == b"\xff\xff\xff\xff":
            return None
        content = stream.read(count * allocated // 8)
    if len(content) < count * allocated // 8:
        raise _cut_short(item)
    values = np.frombuffer(content, dtype=f"<{_NATIVE[allocated]}").reshape(item.shape)
    return _significant(item, values)


def _cut_short(item: Slice) -> FileError:
    return FileError(
        f"{item.source}: the pixel data are missing or cut short.",
        hint="Copy the file again from the archive.",
    )


def _significant(item: Slice, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The stored bits alone, signed where the header says so; overlays in the spare bits are dropped."""
    allocated, stored, high = item.bits
    if item.signed:
        values = values.view(values.dtype.str.replace("u", "i"))
    if stored == allocated:
        return values
    shifted: npt.NDArray[Any] = np.right_shift(
        np.left_shift(values, allocated - 1 - high), allocated - stored
    )
    return shifted


def _opened(item: Slice) -> Dataset:
    try:
        with warnings.catch_warnings(), item.source.open() as stream:
            warnings.simplefilter("ignore")
            whole = pydicom.dcmread(stream, force=True)
            if not getattr(whole.file_meta, "TransferSyntaxUID", None):
                implicit, little = whole.original_encoding
                plain = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
                whole.file_meta.TransferSyntaxUID = plain if little else ExplicitVRBigEndian
            return whole
    except DAMAGED as error:
        raise FileError(f"{item.source}: damaged ({type(error).__name__}: {error}).") from error


def _decoded(item: Slice, whole: Dataset) -> npt.NDArray[Any]:
    if "PixelData" not in whole:
        raise _cut_short(item)
    rows, columns = item.shape
    if rows * columns > MAX_VOXELS:
        raise FileError(f"{item.source}: a slice of {rows} x {columns} pixels is more than is read.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decoder = get_decoder(whole.file_meta.TransferSyntaxUID)
            options: Any = as_pixel_options(whole)
            values, _ = decoder.as_array(whole, index=item.frame or 0, raw=True, validate=True, **options)
    except DAMAGED as error:
        raise FileError(
            f"{item.source}: the pixels cannot be decoded ({type(error).__name__}: {str(error)[:300]})."
        ) from error
    if values.shape != item.shape:
        raise FileError(f"{item.source}: {values.shape} pixels decoded, the header says {item.shape}.")
    if whole.file_meta.TransferSyntaxUID.is_compressed:
        return values
    return _significant(item, values)


def _rescaled(item: Slice, values: npt.NDArray[Any], out: npt.NDArray[np.float32]) -> list[str]:
    notes = []
    ct = _ct(item)
    if ct and not _rescale_stated(item):
        notes.append("rescale_missing")
    if ct and item.facts.get("RescaleType", "HU").upper() not in ("HU", "US", ""):
        notes.append("not_hounsfield")
    slope = 1.0 if item.slope is None else item.slope
    intercept = 0.0 if item.intercept is None else item.intercept
    if slope == 0:
        raise FileError(f"{item.source}: RescaleSlope is 0.")
    np.multiply(values, np.float32(slope), out=out, casting="unsafe")
    out += np.float32(intercept)
    if item.padding is not None and ct:
        low, high = item.padding
        if max(slope * low, slope * high) + intercept <= _AIR_BELOW:
            outside = (values >= low) & (values <= high)
            if outside.any():
                out[outside] = AIR_HU
                notes.append("padding_set_to_air")
        else:
            notes.append("padding_value_ignored")  # it lies among the densities of tissue
    return notes
