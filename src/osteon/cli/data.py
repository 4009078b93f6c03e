"""``osteon data list | fetch | check | template | link``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from osteon.cli.screen import Language, bars
from osteon.core.errors import ConfigError

__all__ = ["app", "check", "fetch", "link", "list_sets", "template"]

app = typer.Typer(help="Public data sets, the hospital sheet, duplicate records.", no_args_is_help=True)


def _root(into: Path | None) -> Path:
    if into is not None:
        return into
    root = os.environ.get("OSTEON_DATA")
    if not root:
        raise ConfigError("no folder for data sets is named.", hint="Set OSTEON_DATA or pass --into FOLDER.")
    return Path(root)


@app.command("list")
def list_sets() -> None:
    """List the public data sets: name, licence, size, whether osteon can fetch it."""
    from osteon.cohort.registry import registry

    for entry in registry().values():
        size = sum(file.bytes or 0 for file in entry.files) / 1e6
        way = "fetch" if entry.fetchable else "bring"
        typer.echo(f"{entry.name:24s} {way:6s} {size:8.1f} MB  {entry.licence}")
        typer.echo(f"{'':24s} {entry.title}")


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="The data set, see `osteon data list`.")],
    into: Annotated[Path | None, typer.Option(help="Folder to put it in; default OSTEON_DATA.")] = None,
) -> None:
    """Fetch a public data set, compare its hash, and refuse a file that is not the one the registry knows."""
    from osteon.cohort.registry import fetch as fetched

    with bars():
        paths = fetched(name, into=_root(into))
    for path in paths:
        typer.echo(str(path))


@app.command("check")
def check(
    into: Annotated[Path | None, typer.Option(help="Folder to check; default OSTEON_DATA.")] = None,
) -> None:
    """Compare the files of a data folder with the registry; exit 3 when one is changed."""
    from osteon.cohort.registry import check as checked

    states = checked(_root(into))
    for line in states:
        typer.echo(f"{line.state:10s} {line.name:24s} {line.path}")
    changed = sum(line.state == "changed" for line in states)
    present = sum(line.state in {"ok", "unverified"} for line in states)
    typer.echo(f"{present} files present, {changed} changed, {len(states) - present - changed} missing")
    if changed:
        raise typer.Exit(3)


@app.command("template")
def template(
    out: Annotated[Path, typer.Option(help="The sheet to write.")] = Path("osteon-template.xlsx"),
    lang: Annotated[Language, typer.Option(help="Language of the headers.")] = Language.en,
) -> None:
    """Write the empty hospital sheet: a column for every field, units in the header, a dictionary beside it."""
    from osteon.cohort.template import template as sheet
    from osteon.core.files import write_bytes

    write_bytes(out, sheet(lang.value))
    typer.echo(str(out))


@app.command("link")
def link(
    tables: Annotated[
        list[Path], typer.Argument(help="One table: its duplicates. Several: the people they share.")
    ],
    out: Annotated[Path, typer.Option(help="CSV of the linked pairs.")],
    rule: Annotated[
        bool,
        typer.Option("--rule", help="The fixed rule (sex, age, ethnicity, first visit) instead of names."),
    ] = False,
    threshold: Annotated[
        float, typer.Option(help="Match probability from which two records are one person.")
    ] = 0.9,
    seed: Annotated[int, typer.Option(help="Seed of the estimation.")] = 20260101,
) -> None:
    """Find duplicate records within one table, or the same people in several: by names and birth date, or by the rule."""
    from osteon.cohort.link import linked_by_rule
    from osteon.cohort.link_splink import FuzzyOptions, linked_by_identifiers
    from osteon.cohort.records import identifiers_of, patient_records
    from osteon.core.files import whole_file

    records, origin = patient_records(tables)
    source = origin if len(tables) > 1 else None
    with bars():
        if rule:
            found = linked_by_rule(records, source=source)
        else:
            found = linked_by_identifiers(
                records, identifiers=identifiers_of(records), source=source,
                options=FuzzyOptions(threshold=threshold), seed=seed,
            )  # fmt: skip
    with whole_file(out) as draft:
        found.pairs.to_csv(draft, index=False)
    several = int((found.cluster.value_counts() > 1).sum())
    typer.echo(f"{found.n} records, {found.n_pairs} pairs, {several} clusters of more than one record: {out}")
