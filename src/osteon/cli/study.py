"""``osteon study list | run``."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from osteon.cli.screen import Language, bars

__all__ = ["app", "list_studies", "run"]

app = typer.Typer(help="The published study designs, run on your data.", no_args_is_help=True)


@app.command("list")
def list_studies(
    lang: Annotated[Language, typer.Option(help="Language of the titles.")] = Language.en,
) -> None:
    """List the studies with their question and the data they take."""
    from osteon.studies.catalogue import STUDIES

    for entry in STUDIES.values():
        typer.echo(f"{entry.name:16s} {entry.title[lang]}")
        typer.echo(f"{'':16s} {entry.question[lang]}")
        typer.echo(f"{'':16s} --data {'|'.join(entry.data)}   --config {'|'.join(entry.configs)}|FILE.toml")


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(help="The study, see `osteon study list`.")],
    data: Annotated[
        str, typer.Option(help="A kind of data the study knows, or a file, or a folder.")
    ] = "virtual",
    config: Annotated[
        str, typer.Option(help="A named configuration or a TOML file that changes it.")
    ] = "default",
    seed: Annotated[int, typer.Option(help="Seed of every random step.")] = 20260101,
    out: Annotated[Path, typer.Option(help="Folder for the report and its parts.")] = Path("osteon-report"),
    lang: Annotated[Language, typer.Option(help="Language of the report.")] = Language.en,
) -> None:
    """Run a study and write results.json, report.html, report.pdf, report.docx, tables and figures into --out."""
    from osteon.studies.catalogue import study

    entry = study(name)
    command = shlex.join(["osteon", *sys.argv[1:]])
    with bars():
        module = import_module(entry.module)
        summary = module.run_to_folder(
            data, config=config, seed=seed, out=out, lang=lang.value, command=command
        )
    for line in summary.lines:
        typer.echo(line)
    typer.echo(f"report: {out / 'report.html'}")
    if summary.partial:
        raise typer.Exit(3)
