"""``osteon demo``: the first thing a newcomer runs."""

from __future__ import annotations

import os
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from osteon.cli.screen import Language, bars

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the reports.")] = Path("osteon-demo"),
    lang: Annotated[Language, typer.Option(help="Language of the reports.")] = Language.en,
    show: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page that links the reports in the browser.")
    ] = True,
) -> None:
    """Read a SIMULATED spine CT and run the risk study on SIMULATED people; on real data too where OSTEON_DATA has it."""
    from osteon.cli.read import say
    from osteon.core.files import write_text
    from osteon.report.index_page import IndexEntry, index_page
    from osteon.report.spine_ct_headline import headline
    from osteon.report.value import Words
    from osteon.studies.ct_demo import read_demo_scans
    from osteon.studies.fracture_risk import run_to_folder

    runs = [("virtual", "quick")]
    root = os.environ.get("OSTEON_DATA")
    if root and (Path(root) / "tabular" / "nhanes").is_dir():
        runs.append(("nhanes", "default"))
    entries = []
    for kind, config in runs:
        typer.echo(f"fracture-risk on {kind} data" + (" (SIMULATED people)" if kind == "virtual" else ""))
        with bars():
            summary = run_to_folder(
                kind, config=config, seed=20260101, out=out / kind, lang=lang.value, command="osteon demo"
            )
        for line in summary.lines:
            typer.echo("  " + line)
        typer.echo(f"  report: {out / kind / 'report.html'}")
        title = Words("index.study", data=Words(f"index.study_{kind}"))
        entries.append(IndexEntry(title=title, folder=kind, simulated=kind == "virtual"))
    with bars():
        for scan in read_demo_scans(out, lang=lang.value):
            typer.echo(f"spine CT, {scan.name}" + (" (SIMULATED)" if scan.reading.simulated else ""))
            say(scan.reading, lang=lang.value, report=scan.folder / "report.html")
            title = Words(f"index.{scan.name}")
            said = (headline(scan.reading, None),)
            entries.append(
                IndexEntry(title=title, folder=scan.name, lines=said, simulated=scan.reading.simulated)
            )
    page = out / "index.html"
    write_text(page, index_page(entries, lang.value))
    typer.echo(f"all reports: {page}")
    if show and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.name == "nt"):
        webbrowser.open(page.resolve().as_uri())
