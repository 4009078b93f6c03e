"""
Say a document in a language: every text settled, every table and figure numbered, every figure drawn.

Numbers are printed here once; html, pdf and docx only set what was said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from osteon.report.document import (
    PROVENANCE_ID,
    Bullets,
    Callout,
    Checklist,
    Column,
    Document,
    FigureBlock,
    GroupRow,
    Heading,
    KeyFigures,
    Paragraph,
    References,
    TableBlock,
    Tile,
)
from osteon.report.spoken import (
    Run,
    Runs,
    Side,
    Spoken,
    SpokenBlock,
    SpokenBullets,
    SpokenCallout,
    SpokenCell,
    SpokenColumn,
    SpokenFigure,
    SpokenHeading,
    SpokenParagraph,
    SpokenReferences,
    SpokenRow,
    SpokenTable,
    SpokenTile,
    SpokenTiles,
)
from osteon.report.theme import Pen
from osteon.report.value import Cell, Estimate, Indented, Number, Proportion, Ref, Strong, Text, Words
from osteon.report.words import Dictionary, words

__all__ = ["checklist_table", "labels", "speak", "unlinked"]

_FOLDERS = re.compile(r"(?<![^\s'\"=])~?/(?:[^\s/'\"]+/)+(?=[^\s/])")  # of an absolute path in a command
_LINK = re.compile("\ue000([^\ue001]*)\ue001([^\ue002]*)\ue002")


def speak(document: Document, lang: str) -> Spoken:
    """Say ``document`` in ``lang`` ("en" or "zh"): texts, numbers, numbering, figures."""
    plain = words(lang)
    known = plain.with_references(labels(document, plain))
    pen = Pen(plain, simulated=document.simulated)
    speaker = _Speaker(document, known, pen)
    return Spoken(
        lang=lang,
        title=known.say(document.title),
        subtitle=known.say(document.subtitle),
        summary=known.say(document.summary),
        authors=tuple(known.say(author) for author in document.authors),
        date=document.date,
        simulated=document.simulated,
        blocks=tuple(speaker.blocks()),
        words=known,
        sheet=document.sheet,
        footer=known.say(document.footer or Words("report.disclaimer")),
    )


def labels(document: Document, dictionary: Dictionary) -> dict[str, str]:
    """How each anchor is called: "Table 1", "Figure 3", or the text of a heading."""
    labels: dict[str, str] = {}
    tables = figures = 0
    for block in document.blocks:
        match block:
            case TableBlock() | Checklist():
                tables += 1
                labels[block.id] = dictionary("report.table", n=tables)
            case FigureBlock():
                figures += 1
                labels[block.id] = dictionary("report.figure", n=figures)
            case Heading():
                labels[block.id] = dictionary.say(block.text)
    if document.provenance is not None:
        labels[PROVENANCE_ID] = dictionary("report.provenance")
    return labels


class _Speaker:
    """Says the blocks of one document in order."""

    def __init__(self, document: Document, dictionary: Dictionary, pen: Pen) -> None:
        self.document = document
        self.words = dictionary
        self.pen = pen
        self.outline = [0, 0, 0]

    def blocks(self) -> Iterator[SpokenBlock]:
        for block in self.document.blocks:
            yield self._block(block)
        if self.document.provenance is not None:
            yield self._heading(Heading(PROVENANCE_ID, Words("report.provenance")))
            yield self._small_print() if self.document.sheet else self._provenance()

    def _block(self, block: object) -> SpokenBlock:
        match block:
            case Heading():
                return self._heading(block)
            case Paragraph():
                return SpokenParagraph(self._runs(block.text))
            case Bullets():
                return SpokenBullets(tuple(map(self._runs, block.items)))
            case Callout():
                title = self.words.say(block.title) or self.words(f"report.{block.kind}")
                return SpokenCallout(block.kind, title, self._runs(block.text))
            case KeyFigures():
                return SpokenTiles(tuple(map(self._tile, block.tiles)))
            case TableBlock():
                return self._table(block)
            case Checklist():
                return self._table(checklist_table(block))
            case FigureBlock():
                return self._figure(block)
            case References():
                return SpokenReferences(tuple((item.text, item.doi) for item in block.items))
        raise TypeError(f"{type(block).__name__} is not a block of a document.")

    def _tile(self, tile: Tile) -> SpokenTile:
        value, interval = tile.value, ""
        if isinstance(value, Estimate | Proportion) and value.low is not None and value.high is not None:
            scale = 100 if isinstance(value, Proportion) or value.percent else 1
            low, high = (Number(scale * bound, digits=value.digits) for bound in (value.low, value.high))
            interval = self.words("number.interval", low=low, high=high)
            if isinstance(value, Proportion):
                value = Number(value.k / value.n if value.n else None, digits=value.digits, percent=True)
            else:
                value = Number(value.value, digits=value.digits, percent=value.percent)
        label, detail = self.words.say(tile.label), self.words.say(tile.detail)
        return SpokenTile(label, self.words.cell(value), interval, detail)

    def _heading(self, heading: Heading) -> SpokenHeading:
        level = heading.level
        self.outline[level - 1] += 1
        self.outline[level:] = [0] * (3 - level)
        numbered = level < 3 and not self.document.sheet
        number = ".".join(str(n) for n in self.outline[:level]) if numbered else ""
        return SpokenHeading(
            heading.id, level, number, self.words.say(heading.text), heading.new_page, heading.together
        )

    def _runs(self, text: Text) -> Runs:
        said, runs, end = self.words.say(text), [], 0
        for link in _LINK.finditer(said):
            runs.append(Run(said[end : link.start()]))
            runs.append(Run(link[2], target=link[1]))
            end = link.end()
        runs.append(Run(said[end:]))
        return tuple(run for run in runs if run.text)

    def _title(self, anchor: str, title: Text) -> str:
        """The title with its mark where data are invented; the number stands before it, except on a sheet."""
        if self.document.sheet and not self.document.simulated:
            return self.words.say(title)
        key = "report.simulated_title" if self.document.simulated else "report.numbered_title"
        return self.words(key, label=self.words.references[anchor], title=title)

    def _table(self, table: TableBlock) -> SpokenTable:
        columns = tuple(
            SpokenColumn(
                self.words.say(column.label), _side(column, index), self.words.say(column.group), column.wrap
            )
            for index, column in enumerate(table.columns)
        )
        return SpokenTable(
            id=table.id,
            label=self.words.references[table.id],
            title=self._title(table.id, table.title),
            columns=columns,
            rows=tuple(self._row(row, table.columns) for row in table.rows),
            footnotes=tuple(map(self._runs, table.footnotes)),
            landscape=table.landscape,
        )

    def _row(self, row: Any, columns: tuple[Column, ...]) -> SpokenRow:
        if isinstance(row, GroupRow):
            return SpokenRow((SpokenCell(self._runs(row.text), strong=True),), spans=True)
        return SpokenRow(tuple(self._cell(value, column) for value, column in zip(row, columns, strict=True)))

    def _cell(self, value: Cell, column: Column) -> SpokenCell:
        strong, indent, status = False, False, ""
        if isinstance(value, Strong):
            strong, value = True, value.value
        if isinstance(value, Indented):
            indent, value = True, value.text
        if isinstance(value, Words) and value.key.startswith("checklist."):
            status = value.key.removeprefix("checklist.")
        if isinstance(value, float) and column.digits is not None:
            value = Number(value, digits=column.digits)
        if isinstance(value, str | Words | Ref):
            return SpokenCell(self._runs(value), strong, indent, status)
        return SpokenCell((Run(self.words.cell(value)),), strong, indent, status)

    def _figure(self, block: FigureBlock) -> SpokenFigure:
        return SpokenFigure(
            id=block.id,
            label=self.words.references[block.id],
            title=self._title(block.id, block.title),
            caption=self._runs(block.caption),
            alt=self.words.say(block.alt),
            drawn=block.figure.draw(self.pen),
        )

    def _small_print(self) -> SpokenParagraph:
        """The provenance of a sheet: one paragraph, files by their names alone."""
        rows = _provenance_rows(self.document)
        said = [
            self.words("report.provenance_pair", item=item, value=_FOLDERS.sub("", self.words.cell(value)))
            for item, value in rows
            if value != Words("report.none")
        ]
        return SpokenParagraph(self._runs(self.words("report.provenance_end").join(said)), small=True)

    def _provenance(self) -> SpokenTable:
        columns = (
            Column(Words("report.provenance_item")),
            Column(Words("report.provenance_value"), align="left"),
        )
        return SpokenTable(
            id="",
            label="",
            title=self.words("report.simulated_mark") if self.document.simulated else "",
            columns=tuple(SpokenColumn(self.words.say(c.label), "left", "") for c in columns),
            rows=tuple(self._row(row, columns) for row in _provenance_rows(self.document)),
            footnotes=(),
            landscape=False,
        )


def unlinked(text: str) -> str:
    """A said text without the marks of its links."""
    return _LINK.sub(r"\2", text)


def _side(column: Column, index: int) -> Side:
    if column.align != "auto":
        return column.align
    return "left" if index == 0 else "right"


def _provenance_rows(document: Document) -> Iterator[tuple[Cell, Cell]]:
    """What the results were made with, row by row."""
    made = document.provenance
    if made is None:
        return
    yield Words("report.provenance_code"), made.code
    yield Words("report.provenance_seed"), str(made.seed) if made.seed is not None else Words("report.none")
    if made.command:
        yield Words("report.provenance_command"), made.command
    for name, digest in _sorted(made.inputs):
        yield Words("report.provenance_input", name=name), digest
    yield Words("report.provenance_python"), made.python
    for name, version in _sorted(made.packages):
        yield Words("report.provenance_package", name=name), version


def _sorted(table: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(table.items())


def checklist_table(checklist: Checklist) -> TableBlock:
    """A checklist as a table: item, what is asked, status, where the report answers, the answer."""
    columns = tuple(
        Column(Words(f"checklist.{name}"), align="left")
        for name in ("item", "ask", "status", "where", "text")
    )
    rows: list[Any] = []
    section: Text = ""
    for item in checklist.items:
        if item.section and item.section != section:
            section = item.section
            rows.append(GroupRow(section))
        where: Text = Ref(item.pointer) if item.pointer else ""
        rows.append((item.item, item.ask, Words(f"checklist.{item.status}"), where, item.text))
    return TableBlock(
        id=checklist.id,
        title=checklist.title,
        columns=columns,
        rows=tuple(rows),
        footnotes=(*checklist.footnotes, Words("checklist.explanation")),
    )
