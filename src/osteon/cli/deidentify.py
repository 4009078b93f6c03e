"""``osteon deidentify IN OUT``: tables and DICOM without names, with shifted dates; what was done is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteon.cli.screen import bars

__all__ = ["deidentify"]


def deidentify(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="Table of patients (CSV, XLSX or Parquet), or DICOM: a file, a folder or a ZIP archive.",
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="CSV to write; for DICOM the folder, or the file for a file."),
    ],
    key: Annotated[
        Path,
        typer.Option(help="File with a secret of at least 16 bytes; the same key gives the same pseudonyms."),
    ],
    patient: Annotated[str, typer.Option(help="Column that names the patient.")] = "participant_id",
    text: Annotated[list[str] | None, typer.Option(help="Free-text column to keep.")] = None,
) -> None:
    """
    Drop or pseudonymise identifiers, shift dates per patient, cap ages above 89.

    Of a table the k-anonymity is printed, of DICOM every file left out or flagged (exit 3 where there are any).
    """
    from osteon.cohort.deidentify import read_key
    from osteon.imaging.deidentify import holds_dicom

    if holds_dicom(source):
        _dicom(source, target, key=read_key(key), patient=patient)
        return
    from osteon.cohort.deidentify import DeidentifyOptions, describe_actions
    from osteon.cohort.deidentify import deidentify as without_names
    from osteon.cohort.read import read_table
    from osteon.core.files import whole_file

    options = DeidentifyOptions(patient=patient, allow_text=tuple(text or ()))
    result = without_names(read_table(source), key=read_key(key), options=options)
    with whole_file(target) as draft:
        result.table.to_csv(draft, index=False)
    for line in describe_actions(result):
        typer.echo(line)
    typer.echo(str(target))


def _dicom(source: Path, target: Path, *, key: bytes, patient: str) -> None:
    from osteon.imaging.deidentify import DicomOptions, deidentify_dicom, describe_report

    with bars():
        report = deidentify_dicom(source, target, key=key, options=DicomOptions(patient=patient))
    for line in describe_report(report):
        typer.echo(line)
    typer.echo(str(target))
    if report.skipped or report.flagged:
        raise typer.Exit(3)
