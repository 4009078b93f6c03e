"""``osteon deidentify IN OUT``: tables without names, with shifted dates; what was done is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["deidentify"]


def deidentify(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Table of patients: CSV, XLSX or Parquet.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="CSV to write.")],
    key: Annotated[
        Path,
        typer.Option(help="File with a secret of at least 16 bytes; the same key gives the same pseudonyms."),
    ],
    patient: Annotated[str, typer.Option(help="Column that names the patient.")] = "participant_id",
    text: Annotated[list[str] | None, typer.Option(help="Free-text column to keep.")] = None,
) -> None:
    """Drop or pseudonymise identifiers, shift dates per patient, cap ages above 89, print the k-anonymity."""
    from osteon.cohort.deidentify import DeidentifyOptions, describe_actions, read_key
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
