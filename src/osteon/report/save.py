"""Write a report in all its forms into a folder."""

from __future__ import annotations

from pathlib import Path

from osteon.core.files import write_bytes, write_text
from osteon.report.document import Document
from osteon.report.docx import docx
from osteon.report.html import html
from osteon.report.pdf import pdf
from osteon.report.speech import speak
from osteon.report.spoken import SpokenFigure
from osteon.report.tables import csv_tables

__all__ = ["save"]


def save(document: Document, out: Path, lang: str) -> None:
    """
    Write ``report.html``, ``report.pdf``, ``report.docx``, ``tables/*.csv`` and ``figures/*.{svg,png}`` into ``out``.

    Each file is written wholly or not at all; call it inside :func:`osteon.core.files.staged_folder` so that the
    same holds for the folder.
    """
    spoken = speak(document, lang)
    write_text(out / "report.html", html(spoken))
    write_bytes(out / "report.pdf", pdf(spoken))
    write_bytes(out / "report.docx", docx(spoken))
    for name, content in csv_tables(document, lang):
        write_bytes(out / "tables" / f"{name}.csv", content)
    for block in spoken.blocks:
        if isinstance(block, SpokenFigure):
            write_bytes(out / "figures" / f"{block.id}.svg", block.drawn.svg)
            write_bytes(out / "figures" / f"{block.id}.png", block.drawn.png)
