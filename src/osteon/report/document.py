"""
A report before it has a language or a format: a title and blocks, each table, figure and section with its anchor.

:mod:`osteon.report.speech` says a document in a language; html, pdf and docx set what was said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, Protocol

from osteon.core.errors import InputError
from osteon.core.provenance import Provenance
from osteon.report.value import Cell, Text

if TYPE_CHECKING:
    from osteon.report.theme import Drawn, Pen

__all__ = [
    "Block",
    "Bullets",
    "Callout",
    "Checklist",
    "ChecklistItem",
    "Column",
    "Document",
    "Figure",
    "FigureBlock",
    "GroupRow",
    "Heading",
    "KeyFigures",
    "Paragraph",
    "Reference",
    "References",
    "Row",
    "TableBlock",
    "Tile",
]

PROVENANCE_ID = "provenance"


class Figure(Protocol):
    """Anything that can draw itself with a pen, which knows the language and whether the data are invented."""

    def draw(self, pen: Pen) -> Drawn:
        """The figure as SVG and PNG."""


@dataclass(frozen=True, slots=True)
class Heading:
    """
    A section (level 1), subsection (2) or minor heading (3) with its anchor; printed on a page of its own if asked.

    ``together`` keeps what it heads, up to the next heading, on one page; it must be short.
    """

    id: str
    text: Text
    level: Literal[1, 2, 3] = 1
    new_page: bool = False
    together: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: Text


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of short statements."""

    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Callout:
    """A set-off remark the reader must not miss."""

    kind: Literal["note", "warning", "simulated"]
    text: Text
    title: Text = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline number with what it is and where it comes from."""

    label: Text
    value: Cell
    detail: Text = ""


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """Headline numbers side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column of a table.

    ``align`` "auto": the first column left, the others right. ``digits`` fixes the decimals of plain floats.
    ``group``: neighbours with the same group stand below one spanning header. ``wrap`` False keeps its texts on one line.
    A table none of whose columns has a label is set without a header.
    """

    label: Text
    align: Literal["auto", "left", "center", "right"] = "auto"
    digits: int | None = None
    group: Text = ""
    wrap: bool = True


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A row that spans the table and names the rows below it."""

    text: Text


Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBlock:
    """A numbered table. ``landscape`` gives it pages of its own, turned, in the PDF."""

    id: str
    title: Text
    columns: tuple[Column, ...]
    rows: tuple[Row | GroupRow, ...]
    footnotes: tuple[Text, ...] = ()
    landscape: bool = False

    def __post_init__(self) -> None:
        for index, row in enumerate(self.rows):
            if not isinstance(row, GroupRow) and len(row) != len(self.columns):
                raise InputError(
                    f"Table {self.id!r}, row {index}: {len(row)} cells, expected {len(self.columns)}.",
                    hint="One cell for each column; None prints a dash.",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureBlock:
    """A numbered figure; ``alt`` says in words what it shows to those who cannot see it."""

    id: str
    title: Text
    figure: Figure
    alt: Text
    caption: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """One item of a reporting checklist; ``pointer`` is the anchor where the report answers it."""

    item: str
    section: Text
    ask: Text
    status: Literal["auto", "draft", "missing"] = "missing"
    pointer: str = ""
    text: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """A reporting checklist, filled as far as software can."""

    id: str
    title: Text
    items: tuple[ChecklistItem, ...]
    footnotes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of the reference list; ``doi`` without its resolver."""

    text: str
    doi: str = ""


@dataclass(frozen=True, slots=True)
class References:
    """The reference list."""

    items: tuple[Reference, ...]


Block = (
    Heading | Paragraph | Bullets | Callout | KeyFigures | TableBlock | FigureBlock | Checklist | References
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """
    A whole report.

    With ``sheet`` it is a sheet for a patient's file rather than a paper to read: dense, nothing numbered, no contents, the
    titles of tables not printed (a heading stands before them). ``footer`` stands at the foot of every page, by default the
    disclaimer.

    Raises
    ------
    InputError
        Two blocks share an anchor, or a checklist points where the document has none.
    """

    title: Text
    subtitle: Text = ""
    authors: tuple[Text, ...] = ()
    date: str = ""
    simulated: bool
    blocks: tuple[Block, ...]
    provenance: Provenance | None = None
    summary: Text = field(default="")
    sheet: bool = False
    footer: Text = ""

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for anchor in self.anchors():
            if not _is_anchor(anchor):
                raise InputError(
                    f"Anchor {anchor!r} is not one.", hint="Use lower-case letters, digits, '-', '.' and '_'."
                )
            if anchor in seen:
                raise InputError(f"Anchor {anchor!r} is used twice.", hint="Give each block its own id.")
            seen.add(anchor)
        for item in self._pointers():
            if item not in seen:
                close = get_close_matches(item, seen, n=1)
                hint = f"Did you mean {close[0]!r}?" if close else "Point at an id of this document."
                raise InputError(f"A checklist points at {item!r}, which the document lacks.", hint=hint)

    def anchors(self) -> Iterator[str]:
        """Every anchor of the document, in order."""
        for block in self.blocks:
            if isinstance(block, Heading | TableBlock | FigureBlock | Checklist):
                yield block.id
        if self.provenance is not None:
            yield PROVENANCE_ID

    def _pointers(self) -> Iterator[str]:
        for block in self.blocks:
            if isinstance(block, Checklist):
                yield from (item.pointer for item in block.items if item.pointer)


def _is_anchor(text: str) -> bool:
    return bool(text) and all(char.isascii() and (char.isalnum() or char in "-._") for char in text)
