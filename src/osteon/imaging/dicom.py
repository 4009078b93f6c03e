"""
DICOM images from a folder, a file or a ZIP archive: which series are there, and one of them as a volume.

Keys of ``Volume.meta`` (absent where the header says nothing): ``format`` ("dicom"), ``modality``, ``kvp``, ``kernel``,
``contrast_agent``, ``slice_thickness_mm`` (the median), ``largest_step_mm``, ``plane_steps_mm`` (along array axis
``slice_axis``, see :class:`osteon.imaging.dicom_stack.Stack`; absent where the scan is even), ``manufacturer``,
``model``, ``series_description``, ``study_description``, ``study_date``, ``study_time``, ``accession_number``,
``patient_id``, ``patient_name``, ``patient_sex``, ``patient_age``, ``patient_birth_date``, ``study_uid``,
``series_uid``, ``frame_uid``, ``sop_class_uid``, ``image_type``, ``sop_uids`` and ``files`` (one per slice of the scan
along array axis ``slice_axis``, in array order; they match the array's slices one to one unless a note says that
missing or unequal slices were resampled), ``series_choice`` (the criterion of :func:`choose_series`, or "asked_for"),
``other_series`` (a SeriesLeftOut for each other one).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from osteon.core.errors import FileError, InputError
from osteon.domain.spine import SeriesLeftOut
from osteon.imaging.dicom_files import Source, expected_at, sources_in, starts_as_dicom
from osteon.imaging.dicom_header import Slice, slices_of
from osteon.imaging.dicom_patients import by_patient
from osteon.imaging.dicom_series import Chosen, Series, choose_series, grouped
from osteon.imaging.dicom_stack import normal_of, stacked
from osteon.imaging.volume import Volume

__all__ = ["Chosen", "Series", "choose_series", "list_series", "read_dicom", "read_series"]

_META = {
    "modality": "Modality", "kernel": "ConvolutionKernel", "contrast_agent": "ContrastBolusAgent",
    "manufacturer": "Manufacturer", "model": "ManufacturerModelName", "series_description": "SeriesDescription",
    "study_description": "StudyDescription", "study_date": "StudyDate", "study_time": "StudyTime",
    "accession_number": "AccessionNumber", "patient_id": "PatientID", "patient_name": "PatientName",
    "patient_sex": "PatientSex", "patient_age": "PatientAge", "patient_birth_date": "PatientBirthDate",
    "study_uid": "StudyInstanceUID", "series_uid": "SeriesInstanceUID", "frame_uid": "FrameOfReferenceUID",
}  # fmt: skip
_NAMED = 3
_TILT_APART_DEG = 2.0


def list_series(place: Path | Iterable[Path]) -> tuple[Series, ...]:
    """
    The image series in a folder (with subfolders), a ZIP archive, a file, or a list of files.

    Files are known by content, not by suffix; objects without an image (reports, plans, directories) are left out. A
    damaged object among good ones is left out with the note "unreadable_files:n (the first names)" on every series.

    Raises
    ------
    FileError
        There is no such place, nothing in it is DICOM, or all of it is damaged.
    """
    sources = sources_in(place)
    slices: list[Slice] = []
    damaged: dict[Source, FileError] = {}
    for source in sources:
        try:
            slices.extend(slices_of(source))
        except FileError as error:
            damaged[source] = error
    if not slices:
        if damaged:
            raise next(iter(damaged.values()))
        what = (
            "no image (segmentations and reports are none)"
            if any(map(_is_dicom, sources))
            else "no DICOM object"
        )
        raise FileError(f"{place}: {what} in it.", hint=expected_at(place))
    found = grouped(slices)
    if damaged:
        note = f"unreadable_files:{len(damaged)} ({_named(damaged)})"
        found = tuple(Series(key=s.key, slices=s.slices, notes=(*s.notes, note)) for s in found)
    return found


def _named(damaged: Iterable[Source]) -> str:
    names = [Path(source.member or source.path).name for source in damaged]
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


def _is_dicom(source: Source) -> bool:
    with source.open() as stream:
        return starts_as_dicom(stream.read(132), Path(source.member or source.path).name)


def read_dicom(place: Path | Iterable[Path], *, series: str | None = None) -> Volume:
    """
    One series as a volume: the one asked for by key, UID, number or description, else :func:`choose_series`'s.

    Raises
    ------
    FileError
        See :func:`list_series` and :func:`read_series`.
    InputError
        No series, or more than one, answers to ``series``; none was asked for and there are several patients.
    """
    found = list_series(place)
    people = by_patient(item for one in found for item in one.slices)
    if series is None:
        if len(people) > 1:
            raise InputError(
                f"{place}: images of {len(people)} patients, expected one.",
                hint=f"Give the folder of one, or a series (--series): {_listed(found)}.",
            )
        chosen = choose_series(found)
        return _read(chosen.series, choice=chosen.reason, others=chosen.others)
    asked = [s for s in found if series in (s.key, s.fact("SeriesInstanceUID"))] or [
        s for s in found if series in (s.fact("SeriesNumber"), s.description)
    ]
    exact = [s for s in asked if s.key == series] or asked
    if len(exact) != 1:
        raise InputError(f"{len(exact)} series answer to {series!r}.", hint=f"There are: {_listed(found)}.")
    others = tuple((s, "not_asked_for") for s in found if s is not exact[0])
    notes = (f"several_patients:{len(people)}",) if len(people) > 1 else ()
    return _read(exact[0], choice="asked_for", others=others, notes=notes)


def _listed(found: tuple[Series, ...]) -> str:
    """What to choose from: number, description and key of each series, and whose it is."""
    several = len({s.fact("PatientID") for s in found}) > 1
    told = []
    for s in found[:12]:
        whose = f"patient {s.fact('PatientID') or 'unknown'}, " if several else ""
        number = s.fact("SeriesNumber") or "no number"
        told.append(f"{number}: {s.description or s.modality} ({whose}{len(s.slices)} slices, {s.key})")
    return "; ".join(told) + ("; ..." if len(found) > 12 else "")


def read_series(series: Series, *, choice: str = "asked_for") -> Volume:
    """
    A series as a canonical volume (z to the head, y to the back, x to the left), float32, Hounsfield units for CT.

    Sorted by position; straightened or filled within the limits of :mod:`osteon.imaging.dicom_stack`, with a note.

    Raises
    ------
    FileError
        The geometry is missing or beyond repair, or pixels cannot be decoded; the message names the file.
    NotEnoughData
        Fewer than two positions.
    """
    return _read(series, choice=choice)


def _read(
    series: Series,
    *,
    choice: str,
    others: tuple[tuple[Series, str], ...] = (),
    notes: tuple[str, ...] = (),
) -> Volume:
    stack = stacked(series.slices)
    meta: dict[str, Any] = {key: text for key, word in _META.items() if (text := series.fact(word))}
    first = stack.slices[0]
    thickness = [s.thickness_mm for s in stack.slices if s.thickness_mm]
    meta |= {
        "format": "dicom",
        "series_choice": choice,
        "other_series": tuple(_left_out(other, why) for other, why in others),
        "largest_step_mm": stack.largest_step_mm,
        "sop_class_uid": first.sop_class_uid,
        "image_type": first.image_type,
        "sop_uids": tuple(s.sop_uid for s in stack.slices),
        "files": tuple(str(s.source) for s in stack.slices),
        "slice_axis": 2 - int(np.abs(stack.affine[:3, 0]).argmax()),
    }
    if stack.plane_steps_mm:
        meta["plane_steps_mm"] = stack.plane_steps_mm
    if thickness:
        meta["slice_thickness_mm"] = float(np.median(thickness))
    if series.fact("KVP"):
        meta["kvp"] = float(series.fact("KVP"))
    if "kernel" in meta:
        meta["kernel"] = meta["kernel"].split("\\")[0]
    heard = (note for s in stack.slices for note in s.notes)
    kinds = {
        "derived_image": series.derived, "localizer": series.localizer, "not_axial": not series.axial,
        "gantry_tilt_contradicted": _straight_against_its_tilt(series) and "resampled_gantry_tilt" not in stack.notes,
    }  # fmt: skip
    doubts = (note for note, true in kinds.items() if true)
    noted = tuple(dict.fromkeys((*notes, *series.notes, *heard, *stack.notes, *doubts)))
    return Volume(array=stack.array, affine=stack.affine, meta=meta, notes=noted).canonical()


def _straight_against_its_tilt(series: Series) -> bool:
    """The header states a gantry tilt by which its slices do not lean out of the patient's long axis."""
    stated = abs(float(series.fact("GantryDetectorTilt") or 0.0))
    leans = np.degrees(np.arccos(min(1.0, abs(normal_of(series.slices[0].orientation or ())[2]))))
    return stated - float(leans) > _TILT_APART_DEG


def _left_out(series: Series, why: str) -> SeriesLeftOut:
    return SeriesLeftOut(
        key=series.key,
        description=series.description,
        modality=series.modality,
        slices=len(series.slices),
        spacing_mm=series.spacing_mm,
        why_not=why,
    )
