"""One DICOM object without what names its patient; runs in a reader's process."""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pydicom
from pydicom.config import IGNORE, settings
from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from osteon.core.errors import FileError
from osteon.imaging.burned_in import looks_written
from osteon.imaging.deidentify_profile import profile
from osteon.imaging.dicom_files import DAMAGED
from osteon.imaging.pseudonym import Keyed

__all__ = ["Cleaned", "deidentify_file", "unpacked"]

_TEXT = frozenset(("AE", "AS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))
_DATES, _TIMES = frozenset(("DA", "DT")), frozenset(("TM",))
_BYTES = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_PIXELS = 0x7FE00010
_ANY_PIXELS = frozenset((0x7FE00008, 0x7FE00009, _PIXELS))
_INVENTED = "SIMULATED"
"""The word by which invented scans are told from real ones."""
_METHOD = ("113100", "Basic Application Confidentiality Profile")
_DATES_OPTION = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
_PATIENT_OPTION = ("113108", "Retain Patient Characteristics Option")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """
    What became of one object.

    Attributes
    ----------
    skipped : str
        Why nothing was written: "not_dicom", "text_document", "identifier_left", or "" where it was.
    flags : tuple of str
        Why a person should look: "burned_in_annotation", "modality_with_text", "secondary_capture", "text_like_border",
        "overlay_in_pixels", "pixels_not_checked".
    place : tuple of str
        Pseudonym of the patient, new UIDs of series and object.
    """

    skipped: str = ""
    flags: tuple[str, ...] = ()
    place: tuple[str, str, str] = ("", "", "")


def deidentify_file(
    source: Path,
    target: str,
    *,
    keyed: Keyed,
    folder: str,
    shift_dates: bool = True,
    keep_characteristics: bool = True,
) -> Cleaned:
    """
    Read one DICOM file and write it to ``target`` without what names its patient.

    ``folder``, where the file lies, stands for the patient of a header that names neither patient nor study nor series.

    Raises
    ------
    FileError
        The file is damaged beyond parsing.
    """
    settings.reading_validation_mode = settings.writing_validation_mode = IGNORE
    content = source.read_bytes()
    if content[128:132] != b"DICM" and content[:2] not in (b"\x08\0", b"\0\x08"):
        return Cleaned(skipped="not_dicom")
    data = pydicom.dcmread(source, force=True)
    known = profile()
    meta = data.file_meta if "file_meta" in data.__dict__ else FileMetaDataset()
    sop_class = str(data.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID") or "")
    if known.refuses(sop_class):
        return Cleaned(skipped="text_document")
    if not sop_class:
        raise FileError(f"{source}: no SOP class, so not a whole DICOM object.")
    if "Image Storage" in pydicom.uid.UID(sop_class).name and not _ANY_PIXELS & set(map(int, data.keys())):
        raise FileError(f"{source}: cut short, an image without pixels.")
    flags = _flags(data, sop_class)
    person = _person(data, folder)
    invented = _invented(data)
    secrets = _secrets(data) - {_INVENTED} if invented else _secrets(data)
    uid = str(
        data.get("SOPInstanceUID")
        or meta.get("MediaStorageSOPInstanceUID")
        or hashlib.sha256(content).hexdigest()
    )
    cleaning = _Cleaning(
        keyed, person, secrets, shift_dates=shift_dates, keep_characteristics=keep_characteristics
    )
    syntax = _transfer_syntax(data)
    cleaning.data_set(data)
    _signed(data, keyed, person, shift_dates, keep_characteristics)
    if invented:  # names nobody, and no reader may take the scan for a real one
        data.SeriesDescription = _INVENTED
    data.SOPClassUID = sop_class  # also where only the file meta group had it
    data.SOPInstanceUID = keyed.uid(uid)
    data.preamble = b"\0" * 128
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.save_as(target, enforce_file_format=True)
    if _left(Path(target).read_bytes(), data, secrets):
        Path(target).unlink()
        return Cleaned(skipped="identifier_left", flags=flags)
    series = str(data.get("SeriesInstanceUID") or "series")
    return Cleaned(flags=flags, place=(keyed.name(person), series, str(data.SOPInstanceUID)))


def unpacked(archive: Path, folder: str) -> tuple[str, ...]:
    """
    Unpack the members of a ZIP archive to the files "0", "1", ... of a folder; returns the members' names in that order.

    Raises
    ------
    FileError
        A member is damaged or packed in a way that cannot be read.
    """
    names: list[str] = []
    with zipfile.ZipFile(archive) as packed:
        for member in (entry for entry in packed.infolist() if not entry.is_dir()):
            try:
                with packed.open(member) as stream, (Path(folder) / str(len(names))).open("wb") as plain:
                    shutil.copyfileobj(stream, plain)
            except DAMAGED as error:
                raise FileError(f"{archive}!{member.filename}: cannot be unpacked ({error}).") from error
            names.append(member.filename)
    return tuple(names)


def _transfer_syntax(data: Dataset) -> str:
    written = data.file_meta.get("TransferSyntaxUID") if "file_meta" in data.__dict__ else None
    if written:
        return str(written)
    implicit, little = data.original_encoding
    if implicit:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRLittleEndian if little else ExplicitVRBigEndian)


def _person(data: Dataset, folder: str) -> str:
    """
    Who the dates and the pseudonym follow: the patient's id, else the name, else the study, the series, the folder.

    Never the object: slices of one series are one person's, and move by the same number of days.
    """
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID"):
        value = str(data.get(keyword) or "").strip()
        if value:
            return value
    return f"folder:{folder}"


def _elements(data: Dataset) -> Iterator[DataElement]:
    for element in data:
        yield element
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _elements(item)


def _strings(element: DataElement) -> list[str]:
    value = element.value
    many = value if isinstance(value, list | tuple) or element.VM > 1 else [value]
    return [str(one).strip() for one in many if one is not None and str(one).strip()]


def _invented(data: Dataset) -> bool:
    """Whether the scan says of itself that it was invented."""
    return any(_INVENTED in str(data.get(keyword) or "") for keyword in ("SeriesDescription", "PatientID"))


def _secrets(data: Dataset) -> frozenset[str]:
    """Words that name somebody: the parts of every person's name, ids and addresses; too short ones are no evidence."""
    words: set[str] = set()
    for element in _elements(data):
        if element.VR == "PN" or int(element.tag) in profile().secrets:
            for text in _strings(element):
                words.add(text)
                if element.VR == "PN":
                    words.update(part.strip() for part in (*text.split("="), *re.split(r"[\^= ]", text)))
                    words.update(run for name in text.split("=") for run in _run_together(name))
    return frozenset(word for word in words if len(word) >= (3 if word.isascii() else 2))


def _run_together(name: str) -> Iterator[str]:
    """Neighbouring parts of a name without what parts them, family name first or last."""
    parts = [part for part in re.split(r"[\^ ]", name) if part]
    for order in (parts, [*parts[1:], *parts[:1]]):
        for first, last in combinations(range(len(order)), 2):
            yield "".join(order[first : last + 1])


def _flags(data: Dataset, sop_class: str) -> tuple[str, ...]:
    """Why words may be burned into the pixels."""
    known = profile()
    flags = []
    if str(data.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        flags.append("burned_in_annotation")
    if sop_class.startswith(known.flagged[:1]) or "SECONDARY" in [
        str(x) for x in data.get("ConversionType") or ()
    ]:
        flags.append("secondary_capture")
    elif sop_class.startswith(known.flagged) or str(data.get("Modality", "")) in known.flagged_modalities:
        flags.append("modality_with_text")
    if any(
        element.tag.group & 0xFF00 == 0x6000 and element.tag.element == 0x0102 and element.value
        for element in data
    ):
        flags.append("overlay_in_pixels")
    if _PIXELS in data and not sop_class.startswith(known.passed):
        try:
            frames = data.pixel_array
        except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError, KeyError):
            return (*flags, "pixels_not_checked")
        several = int(data.get("NumberOfFrames") or 1) > 1
        looked = [frames[n] for n in {0, len(frames) // 2, len(frames) - 1}] if several else [frames]
        if any(looks_written(frame) for frame in looked):
            flags.append("text_like_border")
    return tuple(flags)


class _Cleaning:
    """The profile applied to a data set and everything nested in it."""

    def __init__(
        self,
        keyed: Keyed,
        person: str,
        secrets: frozenset[str],
        *,
        shift_dates: bool,
        keep_characteristics: bool,
    ) -> None:
        known = profile()
        self.keyed = keyed
        self.person = person
        self.shift_dates = shift_dates
        self.keep = known.keep | (known.characteristics if keep_characteristics else frozenset())
        token = [
            re.escape(s) if not s.isascii() else rf"(?<![0-9A-Za-z]){re.escape(s)}(?![0-9A-Za-z])"
            for s in secrets
        ]
        self.named = re.compile("|".join(sorted(token, key=len, reverse=True)) or r"(?!)", re.IGNORECASE)

    def data_set(self, data: Dataset) -> None:
        """Clean in place."""
        for tag in list(data.keys()):
            group = tag.group
            if (
                group % 2
                or group & 0xFF00 in (0x5000, 0x6000)
                or group <= 2
                or tag.element == 0
                or not dictionary_has_tag(tag)
            ):
                del data[tag]
                continue
            element = data[tag]
            self._element(data, element)

    def _element(self, data: Dataset, element: DataElement) -> None:
        tag, vr, known = int(element.tag), element.VR, profile()
        if tag in self.keep:
            if vr == "AS":
                element.value = _capped(str(element.value or ""))
            elif vr in _TEXT:
                self._unnamed(element)
            return
        if vr in _DATES and self.shift_dates and tag not in known.dates_gone:
            element.value = [self.keyed.date(text, self.person) for text in _strings(element)] or None
            return
        if vr in _TIMES and self.shift_dates and tag not in known.dates_gone:
            return
        action = known.actions.get(tag, known.by_vr.get(vr, "Z" if vr in _DATES else "K"))
        if action == "X":
            del data[element.tag]
        elif action == "Z":
            element.value = Sequence() if vr == "SQ" else None
        elif action == "D":
            self._dummy(element)
        elif vr == "SQ":
            for item in element.value or ():
                self.data_set(item)
        elif vr == "UI":
            element.value = [self._uid(text) for text in _strings(element)] or None
        elif vr in _TEXT:
            self._unnamed(element)

    def _uid(self, uid: str) -> str:
        """Instances get another UID; what the standard itself defines stays."""
        return uid if uid.startswith("1.2.840.10008.") else self.keyed.uid(uid)

    def _unnamed(self, element: DataElement) -> None:
        """Empty a value that repeats a name or an id."""
        if any(self.named.search(text) for text in _strings(element)):
            element.value = None

    def _dummy(self, element: DataElement) -> None:
        vr = element.VR
        if vr == "SQ":
            element.value = Sequence()
        elif vr in _BYTES:
            element.value = b"\0\0"
        elif vr == "UI":
            element.value = [self._uid(text) for text in _strings(element)] or None
        elif vr in _DATES:
            element.value = "19000101"
        elif vr in _TIMES:
            element.value = "000000"
        elif vr in ("DS", "IS"):
            element.value = "0"
        elif vr == "AS":
            element.value = "000Y"
        elif vr in _TEXT or vr == "CS":
            element.value = "REMOVED"
        else:
            element.value = 0


def _capped(age: str) -> str:
    """Ages above 89 become 90, as in tables."""
    return "090Y" if age.endswith("Y") and age[:-1].isdigit() and int(age[:-1]) > 89 else age


def _signed(data: Dataset, keyed: Keyed, person: str, shift_dates: bool, keep_characteristics: bool) -> None:
    """Say who it is by pseudonym, and how it was de-identified."""
    data.PatientName = data.PatientID = keyed.name(person)
    data.PatientIdentityRemoved = "YES"
    used = [_METHOD] + [_DATES_OPTION] * shift_dates + [_PATIENT_OPTION] * keep_characteristics
    data.DeidentificationMethod = [f"osteon, {profile().edition} E.1", *(f"DCM {code}" for code, _ in used)]
    data.DeidentificationMethodCodeSequence = Sequence([_code(*one) for one in used])
    data.LongitudinalTemporalInformationModified = "MODIFIED" if shift_dates else "REMOVED"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _left(content: bytes, data: Dataset, secrets: frozenset[str]) -> bool:
    """Whether a name or id of some length still stands anywhere in the bytes of the file, pixels included."""
    pixels: Any = data[_PIXELS].value if _PIXELS in data else b""
    at = content.find(pixels) if pixels else -1
    head = content if at < 0 else content[:at] + content[at + len(pixels) :]
    ours = f"{data.DeidentificationMethod} {data.DeidentificationMethodCodeSequence}"
    for secret in (word for word in secrets if word not in ours):
        for encoding in ("utf-8", "gb18030", "latin-1"):
            try:
                raw = secret.encode(encoding)
            except UnicodeEncodeError:
                continue
            if (len(raw) >= (6 if secret.isascii() else 4) and raw in head) or (
                len(raw) >= 8 and raw in pixels
            ):
                return True
    return False
