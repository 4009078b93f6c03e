"""A CT in, a spine reading out: read safely, labelled, measured, graded; each step timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osteon.core.errors import ConfigError, FileError
from osteon.core.progress import advance
from osteon.domain.spine import ScanFacts, SpineReading
from osteon.imaging.guarded import LABEL_LIMITS, guarded, read_volume_guarded
from osteon.imaging.segment.labels import SpineLabels
from osteon.imaging.segment.names import named_otherwise, sized
from osteon.imaging.segment.quality import gated
from osteon.imaging.volume import Volume
from osteon.reading.segmenters import BACKENDS, cross_checked, second_look, segmenter, warm_up
from osteon.reading.spine_findings import ReadingOptions, findings

__all__ = ["CtOptions", "CtRead", "read_ct", "read_spine", "scan_facts"]

_LARGEST_LABEL = 65_535
_MOST_LABELS = 128  # TotalSegmentator has 117, an image of 8 bits twice as many

Pin = tuple[tuple[float, float, float], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CtOptions:
    """
    How a CT is read.

    Attributes
    ----------
    backend : str
        One of :data:`osteon.reading.segmenters.BACKENDS`.
    operating_point : float
        Loss of height from which a deformity counts, 0.20 or 0.25.
    pin : ((x, y, z), level), optional
        The user's name of the vertebra at an LPS point in millimetres.
    hu_calibration : (slope, intercept), optional
        The site's map from Hounsfield units to mg/cm3.
    series : str, optional
        Which series of a folder to read.
    cross_check : bool
        Let a second segmenter look too, and let disagreement about bodies, or about names that came from elsewhere, lower
        the confidence.
    """

    backend: str = "auto"
    operating_point: float = 0.20
    pin: Pin | None = None
    hu_calibration: tuple[float, float] | None = None
    series: str | None = None
    cross_check: bool = True

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ConfigError(
                f"{self.backend!r} is no segmenter.", hint=f"Choose one of {', '.join(BACKENDS)}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CtRead:
    """The scan (None for a label map alone), its labels and what they say."""

    volume: Volume | None
    labels: SpineLabels
    reading: SpineReading


class _Clock:
    """Seconds per step."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + time.perf_counter() - start


def read_ct(
    source: Path,
    *,
    segmentation: Path | None = None,
    labels: str | None = None,
    regions: Path | None = None,
    options: CtOptions = CtOptions(),
    check: Callable[[ScanFacts, bool], None] | None = None,
) -> CtRead:
    """
    Read the CT at ``source``.

    Parameters
    ----------
    source : path
        DICOM folder, file or zip, NIfTI, NRRD, MetaImage; with ``labels`` and no ``segmentation`` a label map alone.
    segmentation : path, optional
        A label map of the scan, or a folder of masks named after their vertebrae; used instead of a segmenter.
    labels : str, optional
        Preset or TOML file that says what the numbers of the label map mean.
    regions : path, optional
        A second map that tells body from arch and disc, by the same preset.
    options : CtOptions
    check : callable, optional
        Told what the scan says of itself and whether it was invented, before the work begins; may raise.

    Raises
    ------
    FileError
        The file is not what it claims to be, too large for the limits, damaged, or of another modality than CT; a label
        map stands for the scan.
    ConfigError
        A segmentation or regions without saying what their numbers mean.
    """
    if labels is None and (unnamed := segmentation or regions) is not None:
        raise ConfigError(
            f"{unnamed}: what do its numbers mean?",
            hint="Say --labels verse, totalsegmentator, ... or a TOML file.",
        )
    clock = _Clock()
    volume: Volume | None = None
    imported: SpineLabels | None = None
    if labels is None or (segmentation is not None and options.cross_check):
        warm_up(options.backend if labels is None else "auto")  # while another process reads the files
    with clock.step("read"):
        if labels is None or segmentation is not None:
            volume = read_volume_guarded(source, series=options.series)
            _refuse_labels(volume, source)
        if labels is not None:
            imported = _imported(segmentation or source, preset=labels, like=volume, regions=regions)
    scan = _facts(volume, imported, source=str(source))
    if check is not None:
        check(scan, _invented(volume))
    return _read(volume, imported, scan=scan, options=options, clock=clock, simulated=_invented(volume))


def _imported(path: Path, **how: Any) -> SpineLabels:
    """A label map read in a limited process; of a folder each mask in one of its own."""
    if path.is_dir():
        from osteon.imaging.labels_io import read_labels

        one = partial(guarded, "osteon.imaging.labels_io:read_label_map", limits=LABEL_LIMITS)
        return read_labels(path, read=one, **how)
    labels: SpineLabels = guarded("osteon.imaging.labels_io:read_labels", path, limits=LABEL_LIMITS, **how)
    return labels


def read_spine(
    volume: Volume,
    *,
    labels: SpineLabels | None = None,
    options: CtOptions = CtOptions(),
    source: str = "",
    simulated: bool = False,
) -> CtRead:
    """As :func:`read_ct`, of a volume that is at hand (Hounsfield units)."""
    scan = _facts(volume, labels, source=source)
    return _read(volume, labels, scan=scan, options=options, clock=_Clock(), simulated=simulated)


def _read(
    volume: Volume | None,
    labels: SpineLabels | None,
    *,
    scan: ScanFacts,
    options: CtOptions,
    clock: _Clock,
    simulated: bool,
) -> CtRead:
    if labels is None:
        if volume is None:
            raise ConfigError("neither a scan nor labels.")
        with clock.step("segment"):
            labels = segmenter(options.backend).segment(volume, pin=options.pin, progress=_told())
        if options.backend == "auto" and labels.backend == "classical":
            labels = replace(labels, notes=(*labels.notes, "classical_without_torch"))
    elif options.pin is not None:
        from osteon.imaging.segment.correct import pinned

        labels = pinned(labels, *options.pin)
    if options.cross_check and labels.levels:
        with clock.step("cross_check"):
            labels = _checked(labels, volume)
    labels = gated(labels, volume)
    with clock.step("measure"):
        reading = findings(
            volume,
            labels,
            options=ReadingOptions(
                operating_point=options.operating_point, hu_calibration=options.hu_calibration
            ),
            scan=scan,
        )
    return CtRead(
        volume=volume,
        labels=labels,
        reading=replace(reading, elapsed_s=dict(clock.spent), simulated=simulated),
    )


def _checked(labels: SpineLabels, volume: Volume | None) -> SpineLabels:
    """Own bodies beside the classical segmenter's; another maker's beside a second look, and its names, unless pinned."""
    if labels.backend == "embedded":
        return labels if volume is None else cross_checked(labels, segmenter("classical").segment(volume))
    external = labels.backend.startswith("external:")
    if not (external or labels.backend.startswith("import:")):
        return labels
    pinned = "user" in labels.anchored_by
    if not pinned:
        labels = sized(labels)
    if volume is None or (pinned and not external):
        return labels
    second = second_look(volume)
    if not pinned:
        labels = named_otherwise(labels, second)
    return cross_checked(labels, second) if external else labels


def _refuse_labels(volume: Volume, source: Path) -> None:
    """An image that says no modality and is mostly 0, with few whole values besides, is a label map and no scan."""
    array = volume.array
    if volume.meta.get("modality") or array.min() < 0 or array.max() > _LARGEST_LABEL:
        return
    held = array[array > 0]
    if not 0 < held.size < array.size / 2 or (held != np.rint(held)).any():
        return
    n = np.count_nonzero(np.bincount(held.astype(np.intp)))
    if n <= _MOST_LABELS:
        raise FileError(
            f"{source}: this looks like a label map ({n} whole numbers, the rest 0), expected a CT.",
            hint="Add --labels PRESET (verse, totalsegmentator, ...) to read a label map; give the CT itself otherwise.",
        )


def _invented(volume: Volume | None) -> bool:
    """Whether the series says of itself that it was invented."""
    if volume is None:
        return False
    return any("SIMULATED" in str(volume.meta.get(key, "")) for key in ("series_description", "patient_id"))


def _facts(volume: Volume | None, labels: SpineLabels | None, *, source: str) -> ScanFacts:
    """The facts of the scan, or all that a label map alone says."""
    if volume is not None:
        scan = scan_facts(volume, source=source)
        if scan.modality != "CT":
            raise FileError(
                f"{source}: the modality is {scan.modality}, expected CT.",
                hint="Give a CT series (--series), or a label map alone with --labels.",
            )
        return scan
    if labels is None:
        raise ConfigError("neither a scan nor labels.", hint="Give a CT, or a label map with --labels.")
    grid = labels.vertebrae.grid
    return ScanFacts(source=source, shape=grid.shape, spacing_mm=grid.spacing_mm, notes=("labels_only",))


def _told() -> Callable[[str, float], None]:
    def tell(step: str, share: float) -> None:
        advance(f"ct_{step}", round(100 * share), 100)

    return tell


def scan_facts(volume: Volume, *, source: str = "") -> ScanFacts:
    """What the reading knows of a scan, from the volume's geometry and what its file said."""
    said = volume.meta

    def text(key: str) -> str:
        return str(said.get(key) or "")

    def number(key: str) -> float | None:
        value: Any = said.get(key)
        return None if value is None else float(value)

    agent = said.get("contrast_agent")
    return ScanFacts(
        source=source,
        shape=volume.grid.shape,
        spacing_mm=volume.spacing_mm,
        modality=text("modality") or "CT",
        kvp=number("kvp"),
        kernel=text("kernel"),
        contrast="given" if agent else "unknown",
        slice_thickness_mm=number("slice_thickness_mm"),
        manufacturer=text("manufacturer"),
        series_description=text("series_description"),
        study_date=text("study_date"),
        patient_id=text("patient_id"),
        patient_name=text("patient_name"),
        sex=text("patient_sex"),
        age=text("patient_age"),
        accession=text("accession_number"),
        study_uid=text("study_uid"),
        series_uid=text("series_uid"),
        series_choice=text("series_choice"),
        other_series=tuple(said.get("other_series", ())),
        notes=volume.notes,
    )
