"""
Tables as CSV files: numbers as numbers, an estimate spread over columns for its value and its limits.

UTF-8 with a byte order mark, because a Chinese Excel reads a file without one in another encoding; pandas reads it
with ``encoding="utf-8-sig"``. On invented data a last column says so in every row.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import Any

from osteon.report.document import Checklist, Document, GroupRow, TableBlock
from osteon.report.speech import checklist_table, labels, unlinked
from osteon.report.value import Estimate, Indented, Number, Proportion, PValue, Spread, Strong
from osteon.report.words import Dictionary, words

__all__ = ["csv_tables", "table_csv"]


def csv_tables(document: Document, lang: str) -> Iterator[tuple[str, bytes]]:
    """The id and the file of every table and checklist of a document."""
    plain = words(lang)
    dictionary = plain.with_references(labels(document, plain))
    for block in document.blocks:
        table = checklist_table(block) if isinstance(block, Checklist) else block
        if isinstance(table, TableBlock):
            yield table.id, table_csv(table, dictionary, simulated=document.simulated)


def table_csv(table: TableBlock, dictionary: Dictionary, *, simulated: bool) -> bytes:
    """One table; rows below a spanning row carry its text in a first column of their own."""
    grouped = any(isinstance(row, GroupRow) for row in table.rows)
    parts = [_parts(table, index) for index in range(len(table.columns))]
    header = [dictionary("report.csv_group")] if grouped else []
    for column, names in zip(table.columns, parts, strict=True):
        label = dictionary.say(column.label)
        if column.group:
            label = f"{dictionary.say(column.group)}: {label}"
        header += [
            label if name == "value" else dictionary(f"report.csv_{name}", label=label) for name in names
        ]
    lines = [header + ([dictionary("report.csv_data")] if simulated else [])]
    group, steps_in = "", False
    for row in table.rows:
        if isinstance(row, GroupRow):
            group, steps_in = dictionary.say(row.text), False
            continue
        if isinstance(row[0], Indented):
            steps_in = True
        elif steps_in:
            group = ""
        line = [group] if grouped else []
        for value, names in zip(row, parts, strict=True):
            spread = _spread(value, dictionary)
            line += [spread.get(name, "") for name in names]
        lines.append(line + ([dictionary("report.simulated")] if simulated else []))
    return _encoded(lines)


def _encoded(lines: list[list[str]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerows([_plain(text) for text in line] for line in lines)
    return stream.getvalue().encode("utf-8-sig")


def _plain(text: str) -> str:
    """Text without the marks of links and unbreakable spaces; a leading formula sign cannot start a formula in a spreadsheet."""
    text = unlinked(text).replace("\u00a0", " ")
    return f"'{text}" if text.startswith(("=", "+", "@", "\t", "\r")) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parts(table: TableBlock, index: int) -> tuple[str, ...]:
    """The columns that the cells of one column need."""
    wanted = {"value"}
    for row in table.rows:
        if not isinstance(row, GroupRow):
            wanted |= set(_numbers(row[index]) or ())
    return tuple(
        name for name in ("value", "low", "high", "sd", "q1", "q3", "count", "total") if name in wanted
    )


def _spread(value: Any, dictionary: Dictionary) -> dict[str, str]:
    numbers = _numbers(value)
    if numbers is not None:
        return {name: _figure(number) for name, number in numbers.items()}
    if value is None:
        return {"value": ""}
    return {"value": dictionary.cell(value)}


def _numbers(value: Any) -> dict[str, float | None] | None:
    """The numbers inside a cell by the name of their column; None for a text."""
    match value:
        case Strong():
            return _numbers(value.value)
        case bool() | None | str() | Indented():
            return None
        case Estimate():
            limits = {} if value.low is None else {"low": value.low, "high": value.high}
            return {"value": value.value, **limits}
        case Proportion():
            share = value.k / value.n if value.n else None
            limits = {} if value.low is None else {"low": value.low, "high": value.high}
            return {"value": share, **limits, "count": value.k, "total": value.n}
        case Spread():
            if value.sd is not None:
                return {"value": value.center, "sd": value.sd}
            return {"value": value.center, "q1": value.low, "q3": value.high}
        case Number() | PValue():
            return {"value": value.value}
        case int() | float():
            return {"value": value}
    return None


def _figure(number: float | None) -> str:
    """A number with eight significant figures and a point; nothing for a missing one."""
    if number is None or not math.isfinite(number):
        return ""
    return f"{number:.8g}"
