"""Slices to series by identity, content and geometry, and the choice of the series that shows a spine best."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from osteon.core.errors import FileError, NotEnoughData
from osteon.imaging.dicom_header import Slice
from osteon.imaging.dicom_patients import by_patient
from osteon.imaging.dicom_pixels import stored_values
from osteon.imaging.dicom_stack import LARGEST_GAP_MM, depths, normal_of
from osteon.imaging.kernel import kernel_class

__all__ = ["Chosen", "Series", "choose_series", "grouped"]

_IDENTITY = ("StudyInstanceUID", "FrameOfReferenceUID", "SeriesNumber", "SeriesDescription", "Modality", "SeriesTime",
             "ConvolutionKernel", "ProtocolName", "PatientID", "PatientName")  # fmt: skip
_PHASES = ("AcquisitionNumber", "TemporalPositionIdentifier", "ConvolutionKernel", "EchoTime", "EchoNumbers",
           "DiffusionBValue", "TriggerTime", "AcquisitionTime", "ContentTime")  # fmt: skip
_NOT_A_SCAN = ("LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW", "DOSE", "SCREEN SAVE", "SCREENSAVE", "SMARTPREP", "BOLUS",
               "MONITORING")  # fmt: skip
_DERIVED = ("MIP", "MINIP", "VRT", "3D", "PROJECTION IMAGE", "VOLREN", "COLOR", "PERFUSION", "SUBTRACTION", "MPR", "REFORMATTED",
            "CURVED")  # fmt: skip
_SAME_PLACE_MM = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """
    Slices of one scan with one orientation, matrix and pixel spacing.

    Attributes
    ----------
    key : str
        SeriesInstanceUID, or "content:" and a hash of what the headers share where it is empty; "#2" for the second
        geometric group under one UID, "#patient2" for the second patient.
    slices : tuple of Slice
        In order of position where all have one.
    notes : tuple of str
        What was noticed while sorting ("dropped_duplicate_slices:3").
    """

    key: str
    slices: tuple[Slice, ...]
    notes: tuple[str, ...] = ()

    def fact(self, keyword: str) -> str:
        """The text of a series-level attribute, "" where no slice has one."""
        return next((s.facts[keyword] for s in self.slices if keyword in s.facts), "")

    @property
    def modality(self) -> str:
        """Modality code, "" where unknown."""
        return self.fact("Modality")

    @property
    def description(self) -> str:
        """Series description."""
        return self.fact("SeriesDescription")

    @property
    def placed(self) -> bool:
        """Every slice says where it lies, no two lie at one place, and there are at least two."""
        if len(self.slices) < 2 or any(s.missing for s in self.slices):
            return False
        return bool(np.diff(np.sort(depths(self.slices))).min() > _SAME_PLACE_MM)

    @property
    def coverage_mm(self) -> float:
        """Distance between the first and the last slice; 0 where unknown."""
        return float(np.ptp(depths(self.slices))) if self.placed else 0.0

    @property
    def step_mm(self) -> float:
        """Median distance between slices; infinite where unknown."""
        return float(np.median(np.diff(np.sort(depths(self.slices))))) if self.placed else float("inf")

    @property
    def spacing_mm(self) -> tuple[float, float, float] | None:
        """Between slices, rows and columns; None where unknown."""
        pixels = self.slices[0].spacing_mm
        return (self.step_mm, *pixels[:2]) if self.placed and pixels is not None else None  # type: ignore[return-value]

    @property
    def axial(self) -> bool:
        """The slices are stacked along the body, within 45 degrees."""
        first = self.slices[0].orientation
        return first is not None and abs(normal_of(first)[2]) > 0.7

    @property
    def localizer(self) -> bool:
        """A scout, bolus tracking or dose page by its image type or description."""
        return self._says(_NOT_A_SCAN)

    @property
    def derived(self) -> bool:
        """A projection, reformat or map by its image type or description."""
        return self._says(_DERIVED) or self.slices[0].samples > 1

    def _says(self, words: tuple[str, ...]) -> bool:
        image_type = " ".join(self.slices[0].image_type).replace("_", " ")
        text = f"{image_type} {self.description.upper().replace('_', ' ')}"
        return any(re.search(rf"\b{re.escape(word)}", text) for word in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """
    The series to read.

    Attributes
    ----------
    reason : str
        "only_series", or the first criterion of :func:`choose_series` that told it from the next best.
    others : tuple of (Series, str)
        The rest, best first, each with the criterion that speaks against it.
    """

    series: Series
    reason: str
    others: tuple[tuple[Series, str], ...]


def grouped(slices: Iterable[Slice]) -> tuple[Series, ...]:
    """
    Slices to series: by SeriesInstanceUID, or by what the headers share where it is empty; then by geometry.

    Exact copies are dropped with a note. Different images at one position are told apart by acquisition, phase, echo
    or time where these differ; where nothing does, reading the series is refused later. Two patients under one UID are
    two series.
    """
    by_name: dict[str, list[Slice]] = {}
    for item in slices:
        by_name.setdefault(_identity(item), []).append(item)
    found: list[Series] = []
    for name, members in by_name.items():
        people = by_patient(members)
        for n, own in enumerate(people, start=1):
            found.extend(_series(own, name if len(people) == 1 else f"{name}#patient{n}"))
    return tuple(found)


def _series(members: list[Slice], name: str) -> Iterator[Series]:
    """The series of the slices that one patient has under one name, the largest first."""
    parts: list[tuple[tuple[Slice, ...], tuple[str, ...]]] = []
    for group in _geometric_groups(members):
        kept, notes = _without_copies(group)
        parts.extend((phase, notes) for phase in _phases(kept))
    parts.sort(key=lambda part: -len(part[0]))
    split = ("split_mixed_series",) if len(parts) > 1 else ()
    for n, (part, notes) in enumerate(parts):
        key = name if n == 0 else f"{name}#{n + 1}"
        yield Series(key=key, slices=_in_order(part), notes=notes + split)


def _identity(item: Slice) -> str:
    if uid := item.facts.get("SeriesInstanceUID", ""):
        return uid
    text = "\n".join(item.facts.get(keyword, "") for keyword in _IDENTITY)
    return "content:" + hashlib.sha256(text.encode()).hexdigest()[:12]


def _alike(a: Slice, b: Slice) -> bool:
    if (
        a.shape != b.shape
        or a.samples != b.samples
        or ("LOCALIZER" in a.image_type) != ("LOCALIZER" in b.image_type)
    ):
        return False
    if a.orientation is None or b.orientation is None or a.spacing_mm is None or b.spacing_mm is None:
        return a.orientation == b.orientation and a.spacing_mm == b.spacing_mm
    turned = max(abs(p - q) for p, q in zip(a.orientation, b.orientation, strict=True))
    scaled = max(abs(p / q - 1) for p, q in zip(a.spacing_mm, b.spacing_mm, strict=True))
    return turned < 2e-3 and scaled < 1e-3


def _geometric_groups(members: list[Slice]) -> list[list[Slice]]:
    """
    Members with one orientation, matrix and spacing each.

    A slice without a place stays with the largest group of its matrix, so that a damaged slice stops the reading of
    its series instead of passing for a gap.
    """
    groups: list[list[Slice]] = []
    for item in members:
        home = next((group for group in groups if _alike(group[0], item)), None)
        if home is None:
            groups.append([item])
        else:
            home.append(item)
    whole = [group for group in groups if not group[0].missing]
    for group in [group for group in groups if group[0].missing]:
        homes = [other for other in whole if other[0].shape == group[0].shape]
        if homes and len(group) < len(max(homes, key=len)):
            max(homes, key=len).extend(group)
            groups.remove(group)
    return groups


def _clashing(group: Iterable[Slice]) -> list[list[Slice]]:
    """Members that share a position, in lots of two and more."""
    lots: dict[tuple[int, ...] | None, list[Slice]] = {}
    for item in group:
        spot = None if item.position is None else tuple(round(v / _SAME_PLACE_MM) for v in item.position)
        lots.setdefault(spot, []).append(item)
    return [lot for spot, lot in lots.items() if spot is not None and len(lot) > 1]


def _digest(item: Slice) -> bytes | int:
    """A name for the pixels; of its own where they cannot be decoded (reading the series says why)."""
    try:
        return hashlib.sha256(np.ascontiguousarray(stored_values(item)).tobytes()).digest()
    except FileError:
        return id(item)


def _without_copies(group: list[Slice]) -> tuple[list[Slice], tuple[str, ...]]:
    """The group without second copies of one image; pixels are compared only where positions coincide."""
    dropped: set[int] = set()
    for lot in _clashing(group):
        seen: set[tuple[Any, ...]] = set()
        for item in lot:
            content = (_digest(item), item.slope, item.intercept)
            if content in seen:
                dropped.add(id(item))
            seen.add(content)
    kept = [item for item in group if id(item) not in dropped]
    return kept, ((f"dropped_duplicate_slices:{len(dropped)}",) if dropped else ())


def _phases(group: list[Slice]) -> list[tuple[Slice, ...]]:
    """One part per acquisition, phase or echo where several images lie at one position; else the group as it is."""
    if _clashing(group):
        for keyword in _PHASES:
            parts: dict[str, list[Slice]] = {}
            for item in group:
                parts.setdefault(item.facts.get(keyword, ""), []).append(item)
            if 1 < len(parts) < len(group) and not any(_clashing(part) for part in parts.values()):
                return [tuple(part) for part in parts.values()]
    return [tuple(group)]


def _in_order(part: tuple[Slice, ...]) -> tuple[Slice, ...]:
    if any(item.missing for item in part):
        return part
    return tuple(part[k] for k in np.argsort(depths(part), kind="stable"))


def _bucket(step_mm: float) -> int:
    """Fine enough for endplates, for heights, for levels, for nothing."""
    return sum(step_mm > edge for edge in (1.55, 3.05, LARGEST_GAP_MM))


_CRITERIA: tuple[tuple[str, Callable[[Series, float], Any]], ...] = (
    ("has_geometry", lambda s, _: not s.placed),
    ("modality_ct", lambda s, _: s.modality != "CT"),
    ("not_a_localizer", lambda s, _: s.localizer),
    ("not_derived", lambda s, _: s.derived),
    ("axial", lambda s, _: not s.axial),
    ("coverage", lambda s, longest: s.coverage_mm < 0.8 * longest),
    ("thin_slices", lambda s, _: _bucket(s.step_mm)),
    (
        "soft_kernel",
        lambda s, _: ("soft", "unknown", "sharp").index(kernel_class(s.fact("ConvolutionKernel"))),
    ),
    ("no_contrast", lambda s, _: bool(s.fact("ContrastBolusAgent"))),
    ("more_slices", lambda s, _: -len(s.slices)),
)


def choose_series(series: Iterable[Series]) -> Chosen:
    """
    The series to read a spine from.

    In this order: it has a geometry; is CT; no localizer, bolus tracking or dose page; no projection or reformat;
    axial; covers at least 80 % of the longest such scan; has thin slices (<= 1.5, <= 3, <= 6 mm); a soft kernel (a sharp
    one overshoots at the cortex and shifts the density of bone); no contrast agent; most slices.

    Raises
    ------
    NotEnoughData
        There is no series.
    """
    every = list(series)
    if not every:
        raise NotEnoughData(
            "no image series was found.", hint="Give a folder or ZIP archive of DICOM images."
        )
    scans = [
        s for s in every if s.placed and s.modality == "CT" and s.axial and not s.localizer and not s.derived
    ]
    longest = max((s.coverage_mm for s in scans or every), default=0.0)
    ranked = sorted(every, key=lambda s: (*(rank(s, longest) for _, rank in _CRITERIA), s.key))

    def against(better: Series, worse: Series) -> str:
        differing = (code for code, rank in _CRITERIA if rank(better, longest) != rank(worse, longest))
        return next(differing, "first_of_equals")

    best, *rest = ranked
    reason = against(best, rest[0]) if rest else "only_series"
    return Chosen(series=best, reason=reason, others=tuple((s, against(best, s)) for s in rest))
