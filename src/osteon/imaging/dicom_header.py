"""One DICOM object's header, boiled down to the slices it holds and the facts of its series."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID

from osteon.core.errors import FileError
from osteon.imaging.dicom_files import DAMAGED, Source, blank
from osteon.imaging.dicom_text import reading_of

__all__ = ["Slice", "slices_of", "slices_of_frames", "text_of"]

_TEXT = ("Modality", "Manufacturer", "ManufacturerModelName", "SeriesDescription", "StudyDescription", "ProtocolName",
         "ConvolutionKernel", "ContrastBolusAgent", "ContrastBolusRoute", "StudyDate", "StudyTime", "SeriesDate",
         "SeriesTime", "AcquisitionDate", "AcquisitionTime", "AccessionNumber", "StudyID", "SeriesNumber",
         "AcquisitionNumber", "TemporalPositionIdentifier", "TriggerTime", "EchoTime", "EchoNumbers", "ContentTime",
         "DiffusionBValue", "BodyPartExamined", "PatientName", "PatientID", "PatientSex", "PatientAge",
         "PatientBirthDate", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "RescaleType",
         "PatientPosition", "BurnedInAnnotation")  # fmt: skip
_NUMBERS = ("KVP", "SliceThickness", "GantryDetectorTilt")
_READ = (*_TEXT, *_NUMBERS, "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "Rows", "Columns",
         "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "NumberOfFrames",
         "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence",
         "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "PhotometricInterpretation",
         "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")  # fmt: skip
_FRAME_MACROS = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "SliceThickness": "PixelMeasuresSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "RescaleType": "PixelValueTransformationSequence",
    "ConvolutionKernel": "CTReconstructionSequence",
    "KVP": "CTXRayDetailsSequence",
}
_NO_IMAGE = (
    "SEG",
    "RTDOSE",
    "RTSTRUCT",
    "RTPLAN",
    "SR",
    "PR",
    "KO",
    "RWV",
    "ANN",
)  # have rows, but are no picture
_ESCAPES = re.compile("\x1b[\x20-\x2f]+[\x30-\x7e]")  # shifts of ISO 2022 that pydicom leaves in Chinese text


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """
    One plane of an image: where it lies, how its stored values become signal, and where its pixels are found.

    Attributes
    ----------
    frame : int or None
        Index in a multi-frame object.
    position : tuple of 3 floats or None
        LPS millimetres of the first pixel's centre; None where the header does not say.
    orientation : tuple of 6 floats or None
        Directions along a row and down a column.
    spacing_mm : tuple of 2 floats or None
        Between rows, between columns.
    slope, intercept : float or None
        Rescale to the modality's unit; None where the header does not say.
    padding : tuple of 2 ints or None
        Smallest and largest stored value that means "no data here".
    offset : int
        Where the pixel element starts, for single-frame uncompressed little-endian objects; otherwise -1.
    facts : mapping of str to str
        Text of the series-level attributes, by keyword; empty ones are left out.
    """

    source: Source
    frame: int | None
    shape: tuple[int, int]
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing_mm: tuple[float, ...] | None
    thickness_mm: float | None
    slope: float | None
    intercept: float | None
    padding: tuple[int, int] | None
    bits: tuple[int, int, int]
    signed: bool
    samples: int
    implicit: bool
    offset: int
    sop_uid: str
    sop_class_uid: str
    image_type: tuple[str, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Keywords of the attributes without which the slice cannot be placed."""
        needed = {
            "ImagePositionPatient": self.position,
            "ImageOrientationPatient": self.orientation,
            "PixelSpacing": self.spacing_mm,
        }
        return tuple(keyword for keyword, value in needed.items() if value is None)


def slices_of(source: Source) -> tuple[Slice, ...]:
    """
    The slices of one object; none where it holds no image (a report, a plan, a directory).

    Raises
    ------
    FileError
        The header is damaged, empty or cut short.
    """
    try:
        with warnings.catch_warnings(), source.open() as stream:
            warnings.simplefilter("ignore")  # odd values are judged below, one by one
            if blank(stream.read(132)):
                raise _cut_short(source)
            stream.seek(0)
            header = pydicom.dcmread(stream, force=True, stop_before_pixels=True, specific_tags=list(_READ))
            implicit, little = header.original_encoding
            syntax = str(getattr(header.file_meta, "TransferSyntaxUID", "") or "")
            plain = syntax in ("", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1") and bool(little)
            offset = stream.tell() if plain else -1
            return _slices(header, source, implicit=bool(implicit), offset=offset)
    except FileError:
        raise
    except DAMAGED as error:
        raise FileError(
            f"{source}: the DICOM header is damaged ({type(error).__name__}: {error})."
        ) from error


def _cut_short(source: Source) -> FileError:
    return FileError(f"{source}: empty or cut short.", hint="Copy the file again from the archive.")


def slices_of_frames(whole: Dataset, path: Path) -> tuple[Slice, ...]:
    """The frames of an opened multi-frame object that is no picture (a segmentation), as slices."""
    return _slices(whole, Source(path), implicit=False, offset=-1, picture=False)


def _slices(
    header: Dataset, source: Source, *, implicit: bool, offset: int, picture: bool = True
) -> tuple[Slice, ...]:
    rows, columns = _whole(header, "Rows"), _whole(header, "Columns")
    meta = header.file_meta
    kinds = _uid(header, "SOPClassUID"), _uid(meta, "MediaStorageSOPClassUID")  # either may be cut
    nameless = not any(kinds) and header.preamble is not None
    if not (rows and columns) and (nameless or any("Image Storage" in UID(kind).name for kind in kinds)):
        raise _cut_short(source)
    if not rows or not columns or (picture and text_of(header, "Modality") in _NO_IMAGE):
        return ()
    notes: list[str] = []
    facts = {keyword: text for keyword in _TEXT if (text := text_of(header, keyword, notes=notes))}
    facts |= {keyword: str(value[0]) for keyword in _NUMBERS if (value := _floats(header, keyword, 1))}
    if "ModalityLUTSequence" in header:
        notes.append("modality_lut_ignored")
    allocated = _whole(header, "BitsAllocated") or 16
    stored = _whole(header, "BitsStored") or allocated
    common: dict[str, Any] = {
        "source": source,
        "shape": (rows, columns),
        "bits": (allocated, stored, _whole(header, "HighBit", stored - 1)),
        "signed": _whole(header, "PixelRepresentation") == 1,
        "samples": _whole(header, "SamplesPerPixel") or 1,
        "padding": _padding(header, stored),
        "implicit": implicit,
        "sop_uid": _uid(header, "SOPInstanceUID") or _uid(meta, "MediaStorageSOPInstanceUID"),
        "sop_class_uid": kinds[0] or kinds[1],
        "image_type": tuple(text_of(header, "ImageType").upper().split("\\")),
        "notes": tuple(dict.fromkeys(notes)),
    }
    frames = _whole(header, "NumberOfFrames") or 1
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or ()
    if frames == 1 and not per_frame:
        return (Slice(frame=None, offset=offset, facts=facts, **common, **_place((header,), {})),)
    if per_frame and len(per_frame) < frames:
        raise FileError(f"{source}: {frames} frames but positions for {len(per_frame)}.")
    shared = (header.get("SharedFunctionalGroupsSequence") or (Dataset(),))[0]
    found = []
    for k in range(frames):
        levels = (per_frame[k], shared, header) if per_frame else (header,)
        found.append(Slice(frame=k, offset=-1, **common, **_place(levels, facts)))
    return tuple(found)


def _place(levels: tuple[Dataset, ...], facts: dict[str, str]) -> dict[str, Any]:
    """Geometry and rescale of one frame, from its own functional groups, the shared ones or the object itself."""

    def numbers(keyword: str, count: int) -> tuple[float, ...] | None:
        for level in levels:
            macro = level.get(_FRAME_MACROS[keyword])
            if (value := _floats(macro[0] if macro else level, keyword, count)) is not None:
                return value
        return None

    def one(keyword: str) -> float | None:
        value = numbers(keyword, 1)
        return None if value is None else value[0]

    orientation = numbers("ImageOrientationPatient", 6)
    spacing = numbers("PixelSpacing", 2)
    place: dict[str, Any] = {
        "position": numbers("ImagePositionPatient", 3),
        "orientation": orientation if orientation is not None and _orthogonal(orientation) else None,
        "spacing_mm": spacing if spacing is not None and min(spacing) > 0 else None,
        "thickness_mm": one("SliceThickness"),
        "slope": one("RescaleSlope"),
        "intercept": one("RescaleIntercept"),
    }
    if len(levels) > 1:  # facts that an enhanced object keeps in its functional groups
        facts = dict(facts)
        for keyword in ("ConvolutionKernel", "RescaleType", "KVP"):
            for level in levels:
                macro = level.get(_FRAME_MACROS[keyword])
                if macro and (text := text_of(macro[0], keyword)):
                    facts.setdefault(keyword, text)
        place["facts"] = facts
    elif facts:
        place["facts"] = facts
    return place


def _orthogonal(orientation: tuple[float, ...]) -> bool:
    """Two unit vectors at a right angle, to what a header's decimals allow."""
    row, column = orientation[:3], orientation[3:]
    lengths = [sum(v * v for v in vector) for vector in (row, column)]
    return (
        all(abs(n - 1) < 0.02 for n in lengths)
        and abs(sum(a * b for a, b in zip(row, column, strict=True))) < 0.01
    )


def _padding(header: Dataset, stored: int) -> tuple[int, int] | None:
    """The range of padding values, in the signedness of the pixels whatever way the header wrote it."""
    ends = [_whole(header, key, None) for key in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    signed = _whole(header, "PixelRepresentation") == 1
    known = []
    for end in ends:
        if end is None:
            continue
        if signed and end >= 1 << (stored - 1):
            end -= 1 << max(stored, end.bit_length())
        elif not signed and end < 0:
            end += 1 << 16
        known.append(end)
    return (min(known), max(known)) if known and ends[0] is not None else None


def _floats(level: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """``count`` finite numbers, or None where the attribute is absent, empty or no such thing."""
    try:
        value = level.get(keyword)
        if value is None or value == "":
            return None
        items = tuple(float(v) for v in (value if not isinstance(value, str | int | float) else (value,)))
    except DAMAGED:
        return None
    return items[:count] if len(items) >= count and all(abs(v) < 1e9 for v in items) else None


def _whole(level: Dataset, keyword: str, default: Any = 0) -> Any:
    try:
        value = level.get(keyword)
        return default if value is None or value == "" else int(value)
    except DAMAGED:
        return default


def _uid(level: Dataset, keyword: str) -> str:
    return str(level.get(keyword, "") or "").strip("\0 ")


def text_of(level: Dataset, keyword: str, *, notes: list[str] | None = None) -> str:
    """
    An attribute as text, several values joined by a backslash.

    Chinese scanners write GB 18030 without declaring it, or under another name: ``notes`` is told where another
    character set than the declared one was read (see :mod:`osteon.imaging.dicom_text`).
    """
    raw = level.get_item(keyword) if keyword in level else None
    if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes) and not raw.value.isascii():
        declared = level.get("SpecificCharacterSet") or ()
        names = (declared,) if isinstance(declared, str) else declared
        if found := reading_of(raw.value, (str(name or "").strip() for name in names)):
            if notes is not None:
                notes.append(found[1])
            return found[0]
    try:
        value = level.get(keyword)
    except DAMAGED:
        return ""
    if value is None:
        return ""
    several = not isinstance(value, str) and hasattr(value, "__iter__") and keyword != "PatientName"
    text = "\\".join(str(v) for v in value) if several else str(value)
    return _ESCAPES.sub("", text).strip("\0 ")
