"""The report as pages: A4, numbered, every table with its header on every page, set by typst in the bundled typeface."""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typst

from osteon.core.errors import OutputError
from osteon.report import fonts
from osteon.report.spoken import Spoken, SpokenFigure, SpokenTable
from osteon.report.theme import text_width_mm

__all__ = ["pdf"]

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
PORTRAIT_MM, LANDSCAPE_MM = 170.0, 257.0
HEIGHT_MM, WHOLE_SHARE = 250.0, 0.72
SIZES_PT = (8.2, 7.6, 7.0, 6.5)
GUTTER_MM = 2.8
_BEFORE_INTERVAL = re.compile(r" (?=[(\[])|(?=[（［])")


def pdf(spoken: Spoken) -> bytes:
    """
    The PDF file; the same document gives the same bytes.

    Raises
    ------
    OutputError
        typst refused the page; the message is its own.
    """
    page = _legible(_page(spoken))
    extra = fonts.fallbacks("".join(_strings(page)))
    page["fonts"] = [fonts.FAMILY, *dict.fromkeys(font.family for font in extra)]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "report.typ").write_bytes(TEMPLATE.read_bytes())
        (root / "data.json").write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")
        for block in spoken.blocks:
            if isinstance(block, SpokenFigure):
                (root / f"{block.id}.svg").write_bytes(block.drawn.svg)
        try:
            made: Any = typst.compile(
                root / "report.typ", root=root, font_paths=_faces(extra), format="pdf", pdf_standards="ua-1"
            )
        except typst.TypstError as error:
            raise OutputError(
                f"The PDF could not be set: {error.message}", hint=" ".join(error.hints)
            ) from error
    return bytes(made)


def _faces(extra: tuple[fonts.SystemFont, ...]) -> typst.Fonts:
    """The bundled typeface and the named files of the machine, nothing else."""
    paths = [str(fonts.FOLDER), *(str(font.path.parent) for font in extra)]
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=list(dict.fromkeys(paths))
    )


def _page(spoken: Spoken) -> dict[str, Any]:
    """Everything the template prints, as plain strings and numbers."""
    words = spoken.words
    turn = "\ue010"
    return {
        "title": spoken.title,
        "subtitle": spoken.subtitle,
        "summary": spoken.summary,
        "authors": list(spoken.authors),
        "byline": " · ".join(filter(None, (*spoken.authors, spoken.date))),
        "lang": spoken.lang,
        "region": "CN" if spoken.lang == "zh" else "GB",
        "simulated": spoken.simulated,
        "simulated_mark": words("report.simulated_mark"),
        "simulated_banner": words("report.simulated_banner"),
        "sheet": spoken.sheet,
        "disclaimer": spoken.footer,
        "page_of": words("report.page_of", page=turn, pages=turn).split(turn),
        "blocks": _together(_with_headings([_block(block) for block in spoken.blocks])),
    }


def _with_headings(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Headings right before a turned table go onto its page, in its ``lead``."""
    made: list[dict[str, Any]] = []
    for block in blocks:
        if block["kind"] == "table":
            block["lead"] = []
            while block["landscape"] and made and made[-1]["kind"] == "heading":
                block["lead"].insert(0, made.pop() | {"new_page": False})
        made.append(block)
    return made


def _together(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A heading that keeps what follows on its page, and all it heads, as one block."""
    made: list[dict[str, Any]] = []
    for block in blocks:
        heading = block["kind"] == "heading"
        if heading and block["together"]:
            made.append({"kind": "together", "blocks": [block]})
        elif not heading and made and made[-1]["kind"] == "together":
            made[-1]["blocks"].append(block)
        else:
            made.append(block)
    return made


def _block(block: Any) -> dict[str, Any]:
    if isinstance(block, SpokenFigure):
        return {
            "kind": block.kind,
            "id": block.id,
            "title": block.title,
            "caption": [asdict(run) for run in block.caption],
            "alt": block.alt,
            "file": f"{block.id}.svg",
            "width_mm": block.drawn.width_mm,
        }
    made: dict[str, Any] = asdict(block)
    if isinstance(block, SpokenTable):
        made |= _measures(block)
        for row in made["rows"] if made["folded"] else ():
            for cell, column in zip(row["cells"], block.columns, strict=False):
                if column.align != "left" and not row["spans"]:
                    cell["runs"] = [run | {"text": _folded(run["text"])} for run in cell["runs"]]
        made["columns"] = [column | {"head": _head(column["label"])} for column in made["columns"]]
        made["groups"] = [list(group) for group in block.groups()]
        made["headed"] = block.headed
    return made


def _measures(table: SpokenTable) -> dict[str, Any]:
    """
    Type size, column widths (millimetres, or a share of the rest) and whether the page is turned.

    Number columns get the width they need and some air. The size falls in steps until they fit beside readable
    text columns; then intervals move below their estimates; a table that still does not fit is turned.
    """
    for whole in (True, False):
        made = _fitted(table, whole=whole)
        if made is not None:
            return made | {"landscape": False}
    made = _fitted(table, whole=True, page_mm=LANDSCAPE_MM) or _fitted(
        table, whole=False, page_mm=LANDSCAPE_MM, anyhow=True
    )
    return (made or {}) | {"landscape": True}


def _fitted(
    table: SpokenTable, *, whole: bool, page_mm: float = PORTRAIT_MM, anyhow: bool = False
) -> dict[str, Any] | None:
    """
    The largest size and the widths at which the table fits the page, or None.

    ``whole`` keeps each number cell on one line; otherwise its interval may stand below it. ``anyhow`` squeezes.
    """
    if table.landscape and page_mm == PORTRAIT_MM:
        return None
    needs = [_need_mm(table, index, whole=whole) for index in range(len(table.columns))]
    flows = [
        column.align == "left" and column.wrap and need > 16
        for column, need in zip(table.columns, needs, strict=True)
    ]
    spread = not any(flows)  # numbers alone: the spare width goes to all columns alike, not to the first
    narrowest = (42.0 if whole else 36.0) if sum(flows) <= 1 else 30.0
    least = sum((min(need, narrowest) if flow else need) for need, flow in zip(needs, flows, strict=True))
    gutters = GUTTER_MM * len(needs)

    size = next((size for size in SIZES_PT if least * size / SIZES_PT[0] + gutters <= page_mm), None)
    if size is None and not anyhow:
        return None
    size = size or SIZES_PT[-1]
    scale = size / SIZES_PT[0]
    spare = page_mm - gutters - scale * sum(needs)
    air = min(8.0, max(0.0, 0.5 * spare / len(needs)))
    squeeze = min(1.0, page_mm / (least * scale + gutters))
    widths = [
        ("fr", need * scale + GUTTER_MM)
        if spread
        else ("fr", math.sqrt(need))
        if flow
        else ("mm", (need * scale + GUTTER_MM + air) * squeeze)
        for need, flow in zip(needs, flows, strict=True)
    ]
    height_mm = _height_mm(table, widths, size=size, page_mm=page_mm)
    return {
        "size": size,
        "widths": widths,
        "folded": not whole,
        "whole": height_mm < WHOLE_SHARE * (HEIGHT_MM if page_mm == PORTRAIT_MM else PORTRAIT_MM),
    }


def _height_mm(table: SpokenTable, widths: list[tuple[str, float]], *, size: float, page_mm: float) -> float:
    """How high the rows will stand, lines counted by the width of their texts."""
    shares = sum(width for unit, width in widths if unit == "fr")
    rest = page_mm - sum(width for unit, width in widths if unit == "mm")
    columns_mm = [width if unit == "mm" else rest * width / shares for unit, width in widths]
    line_mm, gap_mm = 0.42 * size, 0.33 * size
    height = 0.0
    for row in table.rows:
        lines = 1
        for cell, column_mm in zip(row.cells, columns_mm, strict=False):
            if not row.spans:
                room = max(column_mm - GUTTER_MM, 1.0)
                lines = max(lines, math.ceil(1.08 * text_width_mm(cell.text, size_pt=size) / room))
        height += lines * line_mm + gap_mm
    return height


def _need_mm(table: SpokenTable, index: int, *, whole: bool) -> float:
    """The width of the widest cell of a column at the largest size, a long header counted by its longest word."""
    column = table.columns[index]
    head = max(_head(column.label), key=lambda part: text_width_mm(part, size_pt=SIZES_PT[0], bold=True))
    grouped = [n for n, other in enumerate(table.columns) if other.group and other.group == column.group]
    over = text_width_mm(column.group, size_pt=SIZES_PT[0], bold=True) if grouped else 0.0
    shared = over / len(grouped) - GUTTER_MM * (1 - 1 / len(grouped)) if grouped else 0.0
    cells = [row.cells[index].text for row in table.rows if not row.spans]
    if not whole and column.align != "left":
        cells = [part for cell in cells for part in _BEFORE_INTERVAL.split(cell)]
    bold = text_width_mm(head, size_pt=SIZES_PT[0], bold=True)
    return max([bold, shared, *(text_width_mm(cell, size_pt=SIZES_PT[0]) for cell in cells)])


def _head(label: str) -> list[str]:
    """The parts of a header between which a line may end: words, and what stands before a Chinese bracket."""
    return re.split(r" |(?=（)", label)  # an unbreakable space holds


def _folded(text: str) -> str:
    """A number cell with its interval on a line of its own."""
    return "\n".join(_BEFORE_INTERVAL.split(text, maxsplit=1))


def _legible(page: Any) -> Any:
    """The same structure with every string printable."""
    if isinstance(page, str):
        return fonts.printable(page)
    if isinstance(page, Mapping):
        return {key: _legible(value) for key, value in page.items()}
    if isinstance(page, list | tuple):
        return [_legible(item) for item in page]
    return page


def _strings(page: Any) -> Iterator[str]:
    if isinstance(page, str):
        yield page
    elif isinstance(page, Mapping):
        for value in page.values():
            yield from _strings(value)
    elif isinstance(page, list | tuple):
        for item in page:
            yield from _strings(item)
