"""The headers of the images that a DICOM result refers to; refused where they could not be referred to."""

from __future__ import annotations

import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from osteon.core.errors import FileError, InputError
from osteon.imaging.dicom_files import DAMAGED, Source
from osteon.imaging.volume import Volume

__all__ = ["MANUFACTURER", "MODEL", "DicomSource", "dicom_source", "series_name"]

MANUFACTURER, MODEL = "osteon", "osteon spine CT"
_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID")
#: Attributes that results copy; the standard lets them be empty, but they must be there.
_COPIED = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
           "StudyTime", "ReferringPhysicianName")  # fmt: skip


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
    return DicomSource(headers=headers)


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
