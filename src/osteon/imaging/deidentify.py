"""
De-identification of DICOM files: names, ids, private groups and curves go, UIDs and dates change by a key.

The Basic Application Confidentiality Profile of DICOM PS3.15 with two of its options: dates move by a number of days that
the key gives each patient, so that intervals stay; sex, age (90 at most), size and weight stay. The same key gives the
same pseudonym and the same shift to a patient's rows in a table. Objects that are words (reports, PDF, presentation states)
are left out; images that may have words burned in are written to ``flagged/``. Faces are not removed: a head scan can
still be rendered. De-identified data can still be personal data: who else holds the key decides.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from osteon.core.errors import ConfigError, FileError, OsteonError
from osteon.core.files import staged_folder, whole_file
from osteon.core.progress import track
from osteon.imaging.guarded import ReaderPool, guarded
from osteon.imaging.pseudonym import Keyed

__all__ = ["DicomOptions", "Noted", "Report", "deidentify_dicom", "describe_report", "holds_dicom"]

_ONE = "osteon.imaging.deidentify_dataset:deidentify_file"
_UNPACKED = "osteon.imaging.deidentify_dataset:unpacked"
_INCOMING = ".incoming"


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomOptions:
    """
    What may stay.

    Attributes
    ----------
    patient : str
        The patient's column in tables de-identified with the same key.
    dates : "shift" or "remove"
        Move all dates of a patient by the same number of days, or take them out.
    max_shift_days : int
    keep_characteristics : bool
        Sex, age (90 at most), size and weight stay.
    """

    patient: str = "participant_id"
    dates: Literal["shift", "remove"] = "shift"
    max_shift_days: int = 365
    keep_characteristics: bool = True

    def __post_init__(self) -> None:
        if self.dates not in ("shift", "remove"):
            raise ConfigError(f"dates = {self.dates!r}.", hint="Known: shift, remove.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A source file (or member of an archive) with codes of why it was left out or flagged; ``detail`` is the error."""

    source: str
    codes: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    What was done.

    Attributes
    ----------
    files : tuple of Path
        Written files.
    skipped : tuple of Noted
        Files left out: "not_dicom", "text_document", "identifier_left", "unreadable".
    flagged : tuple of Noted
        Files written to ``flagged/`` for a person to look at: "burned_in_annotation", "modality_with_text",
        "secondary_capture", "text_like_border", "overlay_in_pixels", "pixels_not_checked".
    patients : int
    """

    files: tuple[Path, ...]
    skipped: tuple[Noted, ...]
    flagged: tuple[Noted, ...]
    patients: int


def holds_dicom(path: Path) -> bool:
    """Whether a path is a matter for :func:`deidentify_dicom`: a folder, an archive, or a DICOM file by its content."""
    if path.is_dir():
        return True
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(132)
    workbook = path.suffix.lower() in (".xlsx", ".xlsm", ".ods")
    return head[128:] == b"DICM" or (head[:2] == b"PK" and not workbook) or head[:3] == b"\x08\0\x05"


def deidentify_dicom(
    source: Path,
    out: Path,
    *,
    key: bytes,
    options: DicomOptions | None = None,
    pool: ReaderPool | None = None,
) -> Report:
    """
    De-identify a DICOM file, or all of a folder or ZIP archive, each in a reader process of its own.

    Parameters
    ----------
    source : Path
    out : Path
        A folder for a folder or an archive (patient/series/object.dcm below it), a file for a file. It is whole or absent.
    key : bytes, 16 or more
        Secret of the data holder; it is never written anywhere.
    options : DicomOptions, optional
    pool : ReaderPool, optional

    Returns
    -------
    Report
        A bad file does not stop the others; it is listed.

    Raises
    ------
    ConfigError
        The key is too short.
    FileError
        Nothing could be de-identified.

    Source
    ------
    DICOM PS3.15 2024b, Annex E; HIPAA Safe Harbor, 45 CFR 164.514(b)(2) (ages over 89).
    """
    options = DicomOptions() if options is None else options
    keyed = Keyed(key=key, patient=options.patient, max_shift_days=options.max_shift_days)
    if not source.exists():
        raise FileError(f"{source}: no such file or folder.")
    place = source.absolute() if source.is_dir() or zipfile.is_zipfile(source) else Path.cwd()
    batch = _Batch(keyed, options, pool, place)
    if place == source.absolute():
        with staged_folder(out) as stage:
            (stage / _INCOMING).mkdir()
            for path, name in _inputs(source, stage / _INCOMING, pool):
                batch.add(path, name, stage)
            shutil.rmtree(stage / _INCOMING)
            batch.check(source)
        return batch.report(out)
    with whole_file(out) as draft:
        batch.one(source, draft)
        batch.check(source)
    return batch.report(out)


def _inputs(source: Path, incoming: Path, pool: ReaderPool | None) -> Iterator[tuple[Path, str]]:
    """(file to read, name to tell) for each file of a folder or archive; a reader unpacks, within its limits."""
    if source.is_dir():
        files = [path for path in sorted(source.rglob("*")) if path.is_file()]
        named = [(path, str(path.relative_to(source))) for path in files]
    else:
        members = guarded(_UNPACKED, source, str(incoming.absolute()), pool=pool)
        named = [(incoming / str(n), member) for n, member in enumerate(members)]
    yield from track(named, task="deidentify", total=len(named))


class _Batch:
    """Files done so far, and what was noted of them."""

    def __init__(self, keyed: Keyed, options: DicomOptions, pool: ReaderPool | None, place: Path) -> None:
        self.place = place
        self.keyed = keyed
        self.options = options
        self.pool = pool
        self.written: list[str] = []
        self.skipped: list[Noted] = []
        self.flagged: list[Noted] = []
        self.people: set[str] = set()

    def _cleaned(self, path: Path, name: str, target: Path) -> Any:
        """The object written to ``target``, or None and a note of why not."""
        try:
            done = guarded(
                _ONE, path, str(target.absolute()), keyed=self.keyed, pool=self.pool,
                folder=str((self.place / name).parent),
                shift_dates=self.options.dates == "shift", keep_characteristics=self.options.keep_characteristics,
            )  # fmt: skip
        except OsteonError as error:
            target.unlink(missing_ok=True)
            self.skipped.append(
                Noted(source=name, codes=("unreadable",), detail=error.message.replace(str(path), name))
            )
            return None
        if done.skipped:
            self.skipped.append(Noted(source=name, codes=(done.skipped,)))
            return None
        if done.flags:
            self.flagged.append(Noted(source=name, codes=done.flags))
        self.people.add(done.place[0])
        return done

    def add(self, path: Path, name: str, stage: Path) -> None:
        """De-identify one file of many into its place below ``stage``."""
        draft = stage / _INCOMING / "draft"
        done = self._cleaned(path, name, draft)
        if done is None:
            return
        person, series, uid = (re.sub(r"[^0-9A-Za-z.]", "_", part) for part in done.place)
        folder = Path("flagged" if done.flags else ".") / person / series
        (stage / folder).mkdir(parents=True, exist_ok=True)
        place, n = folder / f"{uid}.dcm", 1
        while (stage / place).exists():
            n += 1
            place = folder / f"{uid}_{n}.dcm"
        draft.replace(stage / place)
        self.written.append(str(place))

    def one(self, path: Path, draft: Path) -> None:
        """De-identify a single file."""
        if self._cleaned(path, str(path), draft) is not None:
            self.written.append("")

    def check(self, source: Path) -> None:
        """Refuse where nothing was written."""
        if self.written:
            return
        why = Counter(code for noted in self.skipped for code in noted.codes)
        told = ", ".join(f"{code} {n}" for code, n in sorted(why.items())) or "no file in it"
        detail = next((f" {noted.detail}" for noted in self.skipped if noted.detail), "")
        raise FileError(f"{source}: no DICOM image that could be de-identified ({told}).{detail}")

    def report(self, out: Path) -> Report:
        """What was done, with the places below ``out``."""
        return Report(
            files=tuple(out / name if name else out for name in self.written),
            skipped=tuple(self.skipped),
            flagged=tuple(self.flagged),
            patients=len(self.people),
        )


def describe_report(report: Report) -> tuple[str, ...]:
    """What was done, one line each: counts, then every file that was left out or flagged."""
    lines = [f"{len(report.files)} files of {report.patients} patients de-identified"]
    lines += [
        f"skipped {noted.source}: {', '.join(noted.codes)} {noted.detail}".rstrip()
        for noted in report.skipped
    ]
    lines += [f"flagged {noted.source}: {', '.join(noted.codes)}; look at it" for noted in report.flagged]
    return tuple(lines)
