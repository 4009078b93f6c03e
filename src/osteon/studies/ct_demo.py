"""The CT of the demonstration: a SIMULATED spine with three fractures as DICOM, and the real lumbar CT where it is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from osteon.domain.spine import SpineReading
from osteon.reading.spine_ct import read_ct
from osteon.report.spine_save import save_reading
from osteon.synth.ct_series import write_ct_series
from osteon.synth.spine_ct import PlannedFracture, phantom

__all__ = ["DemoReading", "read_demo_scans"]

FRACTURES = (
    PlannedFracture(level="T12", kind="wedge", loss=0.34, denis="B", fresh=True),
    PlannedFracture(level="L1", kind="burst", loss=0.46, denis="A", fresh=True),
    PlannedFracture(level="L4", kind="biconcave", loss=0.32, denis="A", fresh=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReading:
    """What was read, where its report lies, and the reading."""

    name: str
    folder: Path
    reading: SpineReading


def read_demo_scans(out: Path, *, lang: str = "en", seed: int = 11) -> Iterator[DemoReading]:
    """
    Read the demonstration's scans into ``out``, one report each.

    Parameters
    ----------
    out : path
        Folder for the invented DICOM series ("ct-dicom") and the reports ("ct-simulated", "ct-lumbar").
    lang : "en" or "zh"
    seed : int
        Seed of the invented spine.
    """
    scan = phantom(seed, spacing_mm=(1.0, 0.8, 0.8), fov="T9-S1", fractures=FRACTURES, variant="")
    write_ct_series(scan.volume, out / "ct-dicom")
    yield _read("ct-simulated", out / "ct-dicom", out / "ct-simulated", lang)
    root = os.environ.get("OSTEON_DATA")
    real = Path(root, "ct", "lumbar_3mm", "example_ct.nii.gz") if root else None
    if real is not None and real.is_file():
        yield _read("ct-lumbar", real, out / "ct-lumbar", lang)


def _read(name: str, source: Path, folder: Path, lang: str) -> DemoReading:
    read = read_ct(source)
    save_reading(
        folder, read.reading, read.volume, read.labels, lang=lang, command=f"osteon read ct {source.name}"
    )
    return DemoReading(name=name, folder=folder, reading=read.reading)
