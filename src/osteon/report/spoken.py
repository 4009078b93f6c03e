"""
A document said in one language: plain texts, numbered tables, drawn figures.

This is the one form that the setters (html, pdf, docx) read, so that a number can never differ between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from osteon.report.theme import Drawn
from osteon.report.words import Dictionary

__all__ = [
    "Run",
    "Runs",
    "Side",
    "Spoken",
    "SpokenBlock",
    "SpokenBullets",
    "SpokenCallout",
    "SpokenCell",
    "SpokenColumn",
    "SpokenFigure",
    "SpokenHeading",
    "SpokenParagraph",
    "SpokenReferences",
    "SpokenRow",
    "SpokenTable",
    "SpokenTile",
    "SpokenTiles",
]

Side = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text, linked to the anchor ``target`` where that is not empty."""

    text: str
    target: str = ""


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class SpokenHeading:
    """A heading; ``number`` is its place in the outline, such as "2.1"."""

    id: str
    level: int
    number: str
    text: str
    new_page: bool = False
    together: bool = False
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True, slots=True)
class SpokenParagraph:
    """Running text; ``small`` for what stands at the foot of a sheet."""

    runs: Runs
    small: bool = False
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True, slots=True)
class SpokenBullets:
    """A list."""

    items: tuple[Runs, ...]
    kind: Literal["bullets"] = "bullets"


@dataclass(frozen=True, slots=True)
class SpokenCallout:
    """A set-off remark."""

    tone: str
    title: str
    runs: Runs
    kind: Literal["callout"] = "callout"


@dataclass(frozen=True, slots=True)
class SpokenTile:
    """A headline number; its interval is set apart, smaller."""

    label: str
    value: str
    interval: str
    detail: str


@dataclass(frozen=True, slots=True)
class SpokenTiles:
    """Headline numbers."""

    tiles: tuple[SpokenTile, ...]
    kind: Literal["tiles"] = "tiles"


@dataclass(frozen=True, slots=True)
class SpokenCell:
    """A cell; ``status`` marks the state of a checklist item."""

    runs: Runs
    strong: bool = False
    indent: bool = False
    status: str = ""

    @property
    def text(self) -> str:
        """The cell as plain text."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class SpokenColumn:
    """A column header."""

    label: str
    align: Side
    group: str
    wrap: bool = True


@dataclass(frozen=True, slots=True)
class SpokenRow:
    """A row; with ``spans`` its one cell names the rows below it."""

    cells: tuple[SpokenCell, ...]
    spans: bool = False


@dataclass(frozen=True, slots=True)
class SpokenTable:
    """A table with its number, e.g. "Table 2", and its title, marked where the data are invented."""

    id: str
    label: str
    title: str
    columns: tuple[SpokenColumn, ...]
    rows: tuple[SpokenRow, ...]
    footnotes: tuple[Runs, ...]
    landscape: bool
    kind: Literal["table"] = "table"

    @property
    def headed(self) -> bool:
        """It has a header: a column has a label."""
        return any(column.label for column in self.columns)

    def groups(self) -> tuple[tuple[str, int], ...]:
        """The spanning headers with the count of their columns; empty where the table has none."""
        if not any(column.group for column in self.columns):
            return ()
        spans: list[tuple[str, int]] = []
        for column in self.columns:
            if spans and column.group and spans[-1][0] == column.group:
                spans[-1] = (column.group, spans[-1][1] + 1)
            else:
                spans.append((column.group, 1))
        return tuple(spans)


@dataclass(frozen=True, slots=True)
class SpokenFigure:
    """A drawn figure with its number and title."""

    id: str
    label: str
    title: str
    caption: Runs
    alt: str
    drawn: Drawn
    kind: Literal["figure"] = "figure"


@dataclass(frozen=True, slots=True)
class SpokenReferences:
    """The reference list."""

    items: tuple[tuple[str, str], ...]
    kind: Literal["references"] = "references"


SpokenBlock = (
    SpokenHeading
    | SpokenParagraph
    | SpokenBullets
    | SpokenCallout
    | SpokenTiles
    | SpokenTable
    | SpokenFigure
    | SpokenReferences
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A document in one language."""

    lang: str
    title: str
    subtitle: str
    summary: str
    authors: tuple[str, ...]
    date: str
    simulated: bool
    blocks: tuple[SpokenBlock, ...]
    words: Dictionary
    sheet: bool
    footer: str

    def outline(self) -> tuple[SpokenHeading, ...]:
        """The headings, for a table of contents."""
        return tuple(block for block in self.blocks if isinstance(block, SpokenHeading))
