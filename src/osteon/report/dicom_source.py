"""The headers of the images that a DICOM result refers to; refused where they could not be referred to."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset

from osteon.core.errors import FileError, InputError
from osteon.imaging.dicom_files import DAMAGED, Source
from osteon.imaging.dicom_header import text_of
from osteon.imaging.volume import Volume

__all__ = ["MANUFACTURER", "MODEL", "DicomSource", "character_set", "dicom_source", "series_name"]

MANUFACTURER, MODEL = "osteon", "osteon spine CT"
_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID")
#: Attributes that results copy; the standard lets them be empty, but they must be there.
_COPIED = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
           "StudyTime", "ReferringPhysicianName")  # fmt: skip
_TEXT = ("PN", "LO", "SH", "ST", "LT", "UC", "UT")
_UNICODE = "ISO_IR 192"
_GUESSES = {_UNICODE: "utf-8", "GB18030": "gb18030"}
_PAIRS = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xf7][\xa1-\xfe])+")  # Chinese in GB 18030


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DicomSource:
    """Headers without pixels, one for each object of the series, in array order."""

    headers: tuple[Dataset, ...]

    @property
    def first(self) -> Dataset:
        """The header that patient and study are taken from."""
        return self.headers[0]


def dicom_source(volume: Volume) -> DicomSource:
    """
    The source of a volume that came from DICOM.

    Raises
    ------
    InputError
        It came from elsewhere, or its objects carry no unique identifiers: a result that invented them would refer to
        images that do not exist.
    FileError
        The files have gone since they were read.
    """
    if volume.meta.get("format") != "dicom":
        raise InputError("the scan is no DICOM series.", hint="DICOM results need a DICOM source.")
    places = tuple(dict.fromkeys(volume.meta.get("files", ())))
    with ExitStack() as held:
        archives: dict[str, zipfile.ZipFile] = {}
        headers = tuple(_header(place, archives, held) for place in places)
    if not headers:
        raise InputError("the scan names no source files.", hint="Read it again from its folder.")
    for header in headers:
        missing = [name for name in _NEEDED if not str(header.get(name, "") or "")]
        if missing:
            raise InputError(
                f"the source images have no {', '.join(missing)}, so that nothing can refer to them.",
                hint="Use the NIfTI masks, or send the original series.",
            )
        for name in _COPIED:
            if name not in header:
                setattr(header, name, "")
    _settle_text(headers[0])
    return DicomSource(headers=headers)


def character_set(declared: str | None, texts: Iterable[str]) -> str | None:
    """
    The character set that holds ``texts``: the source's own where it can, else Unicode; None where ASCII does.

    Examples
    --------
    >>> [character_set(own, ["张^三丰"]) for own in ("GB18030", "ISO_IR 100", None)], character_set(None, ["SMITH"])
    (['GB18030', 'ISO_IR 192', 'ISO_IR 192'], None)
    """
    written = "".join(texts)
    if not declared or declared == "ISO_IR 6":
        return None if written.isascii() else _UNICODE
    codec = None if declared.startswith("ISO 2022") else python_encoding.get(declared)
    try:
        written.encode(codec or "ascii")
    except (UnicodeEncodeError, LookupError):
        return _UNICODE
    return declared if codec else _UNICODE


def _settle_text(header: Dataset) -> None:
    """
    The texts of ``header`` decoded, and a character set declared that writes them as they were meant.

    Results copy names from here; what a scanner wrote without declaring it would otherwise arrive as other letters.
    """
    declared = header.get("SpecificCharacterSet") or None
    if declared is not None and not isinstance(declared, str):
        declared = _UNICODE  # code extensions, which not every writer masters
    guessed = _guessed(_raw_texts(header)) if declared in (None, "ISO_IR 6") else None
    texts = []
    for raw in _elements(header):
        if guessed is not None and isinstance(raw, RawDataElement):
            text = (raw.value or b"").decode(_GUESSES[guessed]).strip("\0 ")
        else:
            text = text_of(header, keyword_for_tag(raw.tag))
        if "\\" not in text:
            header[raw.tag].value = text
        texts.append(text)
    fits = character_set(guessed or declared, texts)
    if fits is not None:
        header.SpecificCharacterSet = fits
    elif "SpecificCharacterSet" in header:
        del header.SpecificCharacterSet


def _elements(header: Dataset) -> list[DataElement | RawDataElement]:
    """The elements of the standard that hold text, as read; an implicit transfer syntax does not say which do."""
    found = map(header.get_item, header.keys())
    return [raw for raw in found if dictionary_has_tag(raw.tag) and dictionary_VR(raw.tag) in _TEXT]


def _raw_texts(header: Dataset) -> Iterator[bytes]:
    for raw in _elements(header):
        if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes) and not raw.value.isascii():
            yield raw.value


def _guessed(raw: Iterable[bytes]) -> str | None:
    """What bytes without a declared character set are, all of them together: UTF-8 or Chinese pairs."""
    found = list(raw)
    if not found:
        return None
    for name, codec in _GUESSES.items():
        try:
            if all(part.decode(codec) for part in found) and (
                name == _UNICODE or all(map(_PAIRS.fullmatch, found))
            ):
                return name
        except UnicodeDecodeError:
            continue
    return None


def series_name(what: str, *, simulated: bool) -> str:
    """
    The description of a result's series; that it comes from an invented scan goes first.

    Examples
    --------
    >>> series_name("vertebrae", simulated=True)
    'SIMULATED osteon: vertebrae'
    """
    return f"SIMULATED osteon: {what}" if simulated else f"osteon: {what}"


def _header(place: str, archives: dict[str, zipfile.ZipFile], held: ExitStack) -> Dataset:
    path, _, member = place.partition("!")
    try:
        if member and path not in archives:
            archives[path] = held.enter_context(zipfile.ZipFile(path))
        with Source(Path(path), member, archives.get(path)).open() as stream:
            return pydicom.dcmread(stream, force=True, stop_before_pixels=True)
    except DAMAGED as error:
        raise FileError(
            f"{place}: cannot be read again ({error}).", hint="Keep the scan in its place while it is read."
        ) from error
