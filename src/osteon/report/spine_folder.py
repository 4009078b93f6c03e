"""The folder of a reading: what osteon wrote there, and whether another reading may take its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osteon.core.errors import OutputError
from osteon.core.files import sha256
from osteon.domain.spine import ScanFacts

__all__ = ["check_folder", "checksums", "own_files"]

_PATTERNS = ("results.json", "report.html", "report.pdf", "report.docx", "report.dcm", "report-pdf.dcm", "bodies.nii.gz",
             "segmentation.nii.gz", "segmentation.dcm", "key-image*.dcm", "tables/*.csv", "figures/*.svg", "figures/*.png")  # fmt: skip
_REPLACE = "Choose another --out, or add --overwrite to replace it."


def check_folder(out: Path, scan: ScanFacts) -> None:
    """
    Refuse a folder whose reading would be lost: one of another scan, or one with a file that was edited since.

    Scans are one where their series UIDs are, else where the checksum of the one file is, else where the path is.

    Raises
    ------
    OutputError
        See above; also where the folder holds results of another kind, or a report without its results.
    """
    own = own_files(out)
    if not own:
        return
    kept = _kept(out)
    if kept.get("study") != "ovcf-reading":
        raise OutputError(
            f"{out}: holds {own[0].relative_to(out)}, which is of no reading that is known.", hint=_REPLACE
        )
    if not _same(kept, scan):
        raise OutputError(f"{out}: holds the reading of another scan ({kept.get('source')}).", hint=_REPLACE)
    written = kept.get("files")
    if not isinstance(written, dict):
        raise OutputError(f"{out}: whether its report was edited is not known.", hint=_REPLACE)
    for path in own:
        name = path.relative_to(out).as_posix()
        if name in written and sha256(path) != written[name]:
            raise OutputError(
                f"{path}: was edited since osteon wrote it.",
                hint="Choose another --out, or add --overwrite to lose what was edited.",
            )


def own_files(out: Path) -> tuple[Path, ...]:
    """The files in ``out`` that osteon wrote, by its results.json, or by their names where that does not list them."""
    found = sorted(path for pattern in _PATTERNS for path in out.glob(pattern) if path.is_file())
    written = _kept(out).get("files")
    if not isinstance(written, dict):
        return tuple(found)
    listed = {"results.json", *written}
    return tuple(path for path in found if path.relative_to(out).as_posix() in listed)


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below ``folder``, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def _kept(out: Path) -> Mapping[str, Any]:
    """The results.json of ``out``; empty where there is none that can be read."""
    try:
        kept = json.loads((out / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _same(kept: Mapping[str, Any], scan: ScanFacts) -> bool:
    """Whether the reading that was kept is of ``scan``."""
    facts = (kept.get("reading") or {}).get("scan") or {}
    if facts.get("series_uid") and scan.series_uid:
        return bool(facts["series_uid"] == scan.series_uid)
    source = Path(scan.source)
    inputs = (kept.get("versions") or {}).get("inputs") or {}
    if inputs and source.is_file():
        return sha256(source) in inputs.values()
    return Path(str(kept.get("source", ""))).resolve() == source.resolve()
