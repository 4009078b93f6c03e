"""One small page that links several reports: self-contained, opened first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from osteon.report import fonts
from osteon.report.html import TEMPLATES
from osteon.report.value import Text
from osteon.report.words import words

__all__ = ["IndexEntry", "index_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """
    One report of the page.

    Attributes
    ----------
    title : Text
        What it is of.
    folder : str
        Its folder, as seen from the page; holds report.html and report.pdf.
    lines : tuple of Text
        What it says in short.
    simulated : bool
        Its data are invented.
    """

    title: Text
    folder: str
    lines: tuple[Text, ...] = ()
    simulated: bool = False


def index_page(entries: Sequence[IndexEntry], lang: str) -> str:
    """The page in ``lang`` ("en" or "zh"), its reports in the order given, invented data marked at each."""
    say = words(lang)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    told = [
        {
            "title": say.say(entry.title),
            "page": (Path(entry.folder) / "report.html").as_posix(),
            "pdf": (Path(entry.folder) / "report.pdf").as_posix(),
            "lines": [say.say(line) for line in entry.lines],
            "simulated": entry.simulated,
        }
        for entry in entries
    ]
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    page = environment.get_template("index.html").render(
        title=say("index.title"), entries=told, words=say, style=style
    )
    return fonts.with_faces(page)
