"""Where the bytes of DICOM objects lie: a file, a folder, a ZIP archive read in memory. Nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from osteon.core.errors import FileError

__all__ = ["DAMAGED", "MAX_UNPACKED_BYTES", "Source", "blank", "expected_at", "sources_in", "starts_as_dicom"]

MAX_UNPACKED_BYTES = 8 << 30
"""What the members of one archive may add up to."""

#: What pydicom and its decoders raise on a malformed object.
DAMAGED = (ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, RecursionError,
           RuntimeError, SyntaxError, TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error)  # fmt: skip

_OTHER_IMAGES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".zip")
_BARE_STARTS = (b"\x02\x00", b"\x08\x00", b"\x00\x08", b"\x00\x02")  # group 2 or 8, either byte order


@dataclass(frozen=True, slots=True)
class Source:
    """One object: a file of its own, or a member of an archive that stays open as long as its sources live."""

    path: Path
    member: str = ""
    archive: zipfile.ZipFile | None = field(default=None, compare=False, repr=False)

    def open(self) -> BinaryIO:
        """
        The bytes, from the start.

        Raises
        ------
        FileError
            The member is damaged or the file has gone.
        """
        try:
            if self.archive is None:
                return self.path.open("rb")
            return io.BytesIO(self.archive.read(self.member))
        except (
            OSError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise FileError(f"{self}: cannot be read ({error}).") from error

    def __str__(self) -> str:
        return f"{self.path}!{self.member}" if self.member else str(self.path)


def sources_in(place: Path | Iterable[Path]) -> tuple[Source, ...]:
    """
    Every file that may be a DICOM object in a folder (with its subfolders), an archive, or a list of files.

    A file counts by its content, never by its suffix; one that is empty, or holds zeros where its header should be, may
    have been an image before a copy broke off, and counts too unless it is hidden.

    Raises
    ------
    FileError
        There is no such place, or the archive is damaged, encrypted or larger than :data:`MAX_UNPACKED_BYTES`.
    """
    if not isinstance(place, Path | str):
        return tuple(
            Source(Path(path)) for path in place if starts_as_dicom(_start(Path(path)), Path(path).name)
        )
    place = Path(place)
    if place.is_dir():
        files = sorted(path for path in place.rglob("*") if path.is_file())
        return tuple(Source(path) for path in files if starts_as_dicom(_start(path), path.name))
    if not place.exists():
        raise FileError(f"{place}: no such file or folder.")
    if zipfile.is_zipfile(place):
        return _members(place)
    if _start(place).startswith(b"PK\x03\x04"):
        raise FileError(
            f"{place}: the ZIP archive is damaged or cut short.", hint="Copy or download it again."
        )
    return (Source(place),)


def expected_at(place: Path | Iterable[Path]) -> str:
    """What to give instead of a place without DICOM images: the images of other formats in it, or what there may be."""
    if isinstance(place, Path | str) and Path(place).is_dir():
        files = sorted(
            p for p in Path(place).rglob("*") if p.is_file() and p.name.lower().endswith(_OTHER_IMAGES)
        )
        if files:
            more = f" (or one of {len(files) - 1} more)" if len(files) > 1 else ""
            return f"Give the file itself: {files[0]}{more}."
    return "Expected DICOM (a folder, ZIP or file), NIfTI (.nii, .nii.gz), NRRD (.nrrd) or MetaImage (.mha, .mhd)."


def starts_as_dicom(start: bytes, name: str) -> bool:
    """Whether a file of this name with these first 132 bytes may be, or may have been, a DICOM object."""
    broken_off = blank(start) and not name.startswith(".")
    return start[128:] == b"DICM" or start.startswith(_BARE_STARTS) or broken_off


def blank(start: bytes) -> bool:
    """Nothing, or zeros alone, where the first 132 bytes of an object should be: a copy that broke off."""
    return not start.strip(b"\0")


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(132)
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}).") from error


def _members(path: Path) -> tuple[Source, ...]:
    """The members of an archive; their declared sizes bound what :meth:`Source.open` can unpack."""
    try:
        archive = zipfile.ZipFile(path)
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except DAMAGED as error:
        raise FileError(f"{path}: the ZIP archive is damaged ({error}).") from error
    if any(entry.flag_bits & 1 for entry in entries):
        raise FileError(f"{path}: the archive is encrypted.", hint="Unpack it and give the folder.")
    if (total := sum(entry.file_size for entry in entries)) > MAX_UNPACKED_BYTES:
        raise FileError(
            f"{path}: unpacks to {total / 2**30:.1f} GiB, at most {MAX_UNPACKED_BYTES >> 30} are read.",
            hint="Unpack it and give the folder.",
        )
    found = []
    for entry in sorted(entries, key=lambda entry: entry.filename):
        try:
            with archive.open(entry) as stream:
                start = stream.read(132)
        except DAMAGED as error:
            raise FileError(f"{path}!{entry.filename}: cannot be unpacked ({error}).") from error
        if starts_as_dicom(start, Path(entry.filename).name):
            found.append(Source(path, entry.filename, archive))
    return tuple(found)
