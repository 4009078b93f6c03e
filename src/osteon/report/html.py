"""The report as one HTML file: styles and figures inside, nothing fetched, readable offline, on a phone, on paper."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path

import jinja2

from osteon.report import fonts
from osteon.report.spoken import Spoken

__all__ = ["html"]

TEMPLATES = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    return environment


def _data_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")


def html(spoken: Spoken) -> str:
    """The whole page."""
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    template = _environment().get_template("report.html")
    return fonts.with_faces(template.render(spoken=spoken, words=spoken.words, style=style))
