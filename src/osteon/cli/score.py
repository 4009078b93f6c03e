"""``osteon score``: a saved model and new patients."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["score"]


def score(
    patients: Annotated[Path, typer.Argument(help="Table of patients: CSV, XLSX, Parquet.")],
    model: Annotated[
        Path, typer.Option(help="Folder of a saved model (written by a study with save_models = true).")
    ],
    out: Annotated[Path, typer.Option(help="Folder for scores.csv and results.json.")],
) -> None:
    """Risk or portrait of new patients, how sure, what was missing, and what lay outside the training range."""
    from osteon.studies.scoring import score_to_folder

    done = score_to_folder(patients, model=model, out=out, command=shlex.join(["osteon", *sys.argv[1:]]))
    if done.card.simulated:
        typer.echo("SIMULATED: this model was trained on invented people.")
    typer.echo(f"{done.n} people scored by {done.card.name}; {done.with_gaps} with missing values, "
               f"{done.out_of_range} outside the training range: {out / 'scores.csv'}")  # fmt: skip
    typer.echo("Research and evaluation software, not a medical device.")
