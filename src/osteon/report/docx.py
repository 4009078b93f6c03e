"""The tables, the running text and (if wanted) the figures as a Word file that authors can cut a manuscript from."""

from __future__ import annotations

import io
import re
from typing import Any

import docx as word
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from osteon.report.spoken import (
    Run,
    Spoken,
    SpokenBullets,
    SpokenCallout,
    SpokenCell,
    SpokenFigure,
    SpokenHeading,
    SpokenParagraph,
    SpokenReferences,
    SpokenTable,
    SpokenTiles,
)
from osteon.report.theme import text_width_mm

__all__ = ["docx"]

LATIN, CHINESE = "Calibri", "Microsoft YaHei"
ALARM, QUIET = RGBColor(0xB3, 0x47, 0x00), RGBColor(0x5C, 0x5C, 0x5C)
SIDES = {
    "left": WD_ALIGN_PARAGRAPH.LEFT,
    "center": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
}
CELL_PT, PADDING_MM = 8.5, 4.2
AIR = 1.18
"""Room for a wider typeface where the machine lacks the named one."""
TEXT_MM, TURNED_MM = 170.0, 257.0
MOST_COLUMNS = 9
"""More columns than this stand on a turned page."""


def docx(spoken: Spoken, *, figures: bool = True) -> bytes:
    """The Word file; ``figures`` adds them as pictures of 300 dots an inch."""
    document = word.Document()
    _styles(document)
    _frame(document, spoken)
    document.add_paragraph(spoken.title, style="Title")
    for text in filter(None, (spoken.subtitle, " · ".join(filter(None, (*spoken.authors, spoken.date))))):
        document.add_paragraph(text)
    if spoken.summary:
        document.add_paragraph().add_run(spoken.summary).bold = spoken.sheet
    if spoken.simulated:
        _marked(document.add_paragraph(), spoken.words("report.simulated_banner"))
    turned = together = False
    for place, block in enumerate(spoken.blocks):
        if _on_turned_page(spoken.blocks[place:]) != turned:
            turned = not turned
            _turn(document)
        if isinstance(block, SpokenHeading):
            together = block.together
        count = len(document.paragraphs)
        _add(document, block, figures=figures, sheet=spoken.sheet)
        if together and not isinstance(block, SpokenCallout):  # a remark at the end of what stands together
            for paragraph in document.paragraphs[count:]:
                paragraph.paragraph_format.keep_with_next = True
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _on_turned_page(blocks: tuple[Any, ...]) -> bool:
    """Whether the first block belongs on a turned page: a wide table, or the headings right before one."""
    first = next((block for block in blocks if not isinstance(block, SpokenHeading)), None)
    return isinstance(first, SpokenTable) and (first.landscape or len(first.columns) > MOST_COLUMNS)


def _styles(document: Any) -> None:
    """One Latin and one Chinese typeface throughout; black headings."""
    for style in document.styles:
        if getattr(style, "font", None) is None or not hasattr(style.element, "get_or_add_rPr"):
            continue
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for name in ("w:ascii", "w:hAnsi", "w:cs"):
            fonts.set(qn(name), LATIN)
        fonts.set(qn("w:eastAsia"), CHINESE)
        for name in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(name), None)
        style.font.color.rgb = RGBColor(0x1A, 0x1A, 0x1A)
    document.styles["Normal"].font.size = Pt(10.5)
    paragraphs = document.styles["Normal"].element.get_or_add_pPr()
    for name in ("w:autoSpaceDE", "w:autoSpaceDN"):  # air between Chinese and Latin letters, and figures
        paragraphs.append(OxmlElement(name))
    language = document.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    language.set(qn("w:eastAsia"), "zh-CN")
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(20)


def _frame(document: Any, spoken: Spoken) -> None:
    """Header with the mark of invented data, footer with the disclaimer, the file's own language and title."""
    document.core_properties.title = spoken.title
    document.core_properties.author = ", ".join(spoken.authors)
    document.core_properties.language = spoken.words("language.tag")
    section = document.sections[0]
    if spoken.simulated:
        head = section.header.paragraphs[0]
        head.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        _marked(head, spoken.words("report.simulated_mark"))
    foot = section.footer.paragraphs[0].add_run(spoken.footer)
    foot.font.size, foot.font.color.rgb = Pt(8), QUIET


def _marked(paragraph: Any, text: str) -> None:
    run = paragraph.add_run(text)
    run.bold, run.font.color.rgb = True, ALARM


def _add(document: Any, block: Any, *, figures: bool, sheet: bool) -> None:
    match block:
        case SpokenHeading():
            made = document.add_heading(f"{block.number} {block.text}".strip(), level=block.level)
            made.paragraph_format.page_break_before = block.new_page
        case SpokenParagraph():
            run = document.add_paragraph().add_run(_plain(block.runs))
            if block.small:
                run.font.size, run.font.color.rgb = Pt(8), QUIET
        case SpokenBullets():
            for item in block.items:
                document.add_paragraph(_plain(item), style="List Bullet")
        case SpokenCallout():
            paragraph = document.add_paragraph()
            title = paragraph.add_run(block.title if sheet else f"{block.title}  ")
            title.bold = True
            if sheet:  # as a form has it: what is to be filled in on a line of its own
                title.add_break()
            paragraph.add_run(_plain(block.runs))
        case SpokenTiles():
            for tile in block.tiles:
                paragraph = document.add_paragraph(style="List Bullet")
                paragraph.add_run(f"{tile.label}  ")
                paragraph.add_run(tile.value).bold = True
                paragraph.add_run("  ".join(filter(None, ("", tile.interval, tile.detail))))
        case SpokenTable():
            _table(document, block, titled=not sheet)
        case SpokenFigure():
            if figures:
                width = min(block.drawn.width_mm, TEXT_MM)
                document.add_picture(io.BytesIO(block.drawn.png), width=Mm(width))
                _describe(document.inline_shapes[-1], block.alt)
            paragraph = document.add_paragraph()
            paragraph.add_run(block.title).bold = True
            paragraph.add_run(f"  {_plain(block.caption)}".rstrip())
        case SpokenReferences():
            for text, doi in block.items:
                document.add_paragraph(f"{text} doi:{doi}" if doi else text, style="List Number")


def _plain(runs: tuple[Run, ...]) -> str:
    return "".join(run.text for run in runs)


def _describe(shape: Any, alt: str) -> None:
    """The alternative text of a picture."""
    shape._inline.docPr.set("descr", alt)


def _table(document: Any, table: SpokenTable, *, titled: bool) -> None:
    """Title above if ``titled``, rules above and below the header and at the end, footnotes below."""
    if titled and table.title:
        title = document.add_paragraph()
        title.paragraph_format.keep_with_next = True
        title.paragraph_format.space_after = Pt(3)
        title.add_run(table.title).bold = True
    groups = table.groups()
    heads = (1 if groups else 0) + (1 if table.headed else 0)
    grid = document.add_table(rows=heads + len(table.rows), cols=len(table.columns))
    if groups:
        _spanning(grid.rows[0], groups)
    if table.headed:
        for cell, column in zip(grid.rows[heads - 1].cells, table.columns, strict=True):
            _fill(cell, column.label, side=column.align, bold=True)
    for row, line in zip(table.rows, grid.rows[heads:], strict=True):
        cells = line.cells
        if row.spans:
            _fill(cells[0].merge(cells[-1]), row.cells[0].text, side="left", bold=True)
            continue
        for cell, item, column in zip(cells, row.cells, table.columns, strict=True):
            _fill(cell, _shown(item), side=column.align, bold=item.strong)
    _rules(grid, heads)
    _widths(grid, table, page_mm=TURNED_MM if _on_turned_page((table,)) else TEXT_MM)
    for note in table.footnotes:
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(0)
        run = paragraph.add_run(_plain(note))
        run.font.size, run.font.color.rgb = Pt(8), QUIET
    document.add_paragraph()


def _widths(grid: Any, table: SpokenTable, *, page_mm: float) -> None:
    """
    Columns as wide as what they hold: numbers and words whole, texts that may be broken share what is left.
    """
    needs, leasts = [], []
    for index, column in enumerate(table.columns):
        cells = [row.cells[index] for row in table.rows if not row.spans]
        words = [word for text in (column.label, *(cell.text for cell in cells)) for word in _unbroken(text)]
        whole = max([0.0, *(_wide_mm(cell.text, bold=cell.strong) for cell in cells)])
        word = max(_wide_mm(word, bold=True) for word in words)
        breaks = column.wrap and column.align == "left"
        needs.append(max(whole, word) + PADDING_MM)
        leasts.append(min(max(word, 20.0), 40.0) + PADDING_MM if breaks and whole > 40.0 else needs[-1])
    spare, asked = page_mm - sum(leasts), sum(needs) - sum(leasts)
    share = 0.0 if asked <= 0 else min(1.0, max(spare, 0.0) / asked)
    widths = [least + share * (need - least) for need, least in zip(needs, leasts, strict=True)]
    scale = page_mm / sum(widths)
    grid.autofit = False
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = Mm(width * scale)
    for row in grid.rows:
        for cell, width in zip(row.cells, widths, strict=True):
            if cell._tc.grid_span == 1:
                cell.width = Mm(width * scale)


def _wide_mm(text: str, *, bold: bool) -> float:
    """The width of one line, with room for a wider typeface."""
    return AIR * text_width_mm(text, size_pt=CELL_PT, bold=bold)


def _unbroken(text: str) -> list[str]:
    """The parts of a text between which a line may end; Chinese may end one anywhere, four characters stay together."""
    return [
        part
        for word in text.split(" ")
        for part in re.findall(r"[\u2e80-\uffef]{1,4}|[^\u2e80-\uffef]+", word)
    ] or [""]


def _shown(cell: SpokenCell) -> str:
    return f"    {cell.text}" if cell.indent else cell.text


def _fill(cell: Any, text: str, *, side: str, bold: bool) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.alignment = SIDES[side]
    paragraph.paragraph_format.space_after = Pt(1)
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(CELL_PT)


def _spanning(row: Any, groups: tuple[tuple[str, int], ...]) -> None:
    at, cells = 0, row.cells
    for label, span in groups:
        if label:
            _fill(cells[at].merge(cells[at + span - 1]), label, side="center", bold=True)
        at += span


def _rules(grid: Any, heads: int) -> None:
    """Booktabs rules; header rows repeat on every page, rows stay whole."""
    lines = [(grid.rows[0], "top", 12), (grid.rows[-1], "bottom", 12)]
    if heads:
        lines.insert(1, (grid.rows[heads - 1], "bottom", 6))
    for row, edge, eighths in lines:
        for cell in {id(cell._tc): cell for cell in row.cells}.values():
            _rule(cell, edge, eighths)
    for index, row in enumerate(grid.rows):
        properties = row._tr.get_or_add_trPr()
        if index < heads:
            properties.append(OxmlElement("w:tblHeader"))
        properties.append(OxmlElement("w:cantSplit"))


def _rule(cell: Any, edge: str, eighths: int) -> None:
    """A line at one edge of a cell, in eighths of a point; an edge that has one keeps it."""
    properties = cell._tc.get_or_add_tcPr()
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = OxmlElement("w:tcBorders")
        properties.append(borders)
    if borders.find(qn(f"w:{edge}")) is not None:
        return
    line = OxmlElement(f"w:{edge}")
    for name, value in (("val", "single"), ("sz", str(eighths)), ("space", "0"), ("color", "1A1A1A")):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)


def _turn(document: Any) -> None:
    """A new section with the page turned the other way."""
    section = document.add_section()
    turned = section.orientation == WD_ORIENT.PORTRAIT
    section.orientation = WD_ORIENT.LANDSCAPE if turned else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = section.page_height, section.page_width
