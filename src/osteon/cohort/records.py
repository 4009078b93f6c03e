"""
Patient records for linkage: names, birth dates and visits of several tables under common names, each row traceable.

Only what linkage compares is recognised (headers in English or Chinese); other columns are left out. A row is labelled
by its file and its number there ("clinic.csv:17"), so that a found pair can be looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from osteon.cohort.cells import categories, is_missing, numbers
from osteon.cohort.link_splink import Identifiers
from osteon.cohort.read import read_table
from osteon.cohort.schema import plain, schema
from osteon.cohort.sources.table import dates
from osteon.core.errors import SchemaError

__all__ = ["identifiers_of", "patient_records"]

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "surname": ("surname", "last name", "family name", "姓", "姓氏"),
    "given_name": ("given name", "first name", "forename", "名", "名字"),
    "name": ("name", "full name", "patient name", "姓名", "患者姓名", "病人姓名"),
    "postcode": ("postcode", "postal code", "zip", "zip code", "邮编", "邮政编码"),
    "phone": ("phone", "phone number", "telephone", "mobile", "电话", "手机", "手机号", "联系电话"),
}
_MEANING = {plain(header): name for name, headers in _HEADERS.items() for header in headers}
_COMPARED = ("sex", "ethnicity", "age_years", "birth_date", "visit_date")


def patient_records(paths: Sequence[Path]) -> tuple[pd.DataFrame, pd.Series]:
    """
    The records of all tables under each other, and the file each row came from.

    Raises
    ------
    FileError, SchemaError
        A file cannot be read, a cell is no date, number or category, or two columns of a file mean the same.
    """
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    parts = [_records(path, label) for path, label in zip(paths, names, strict=True)]
    records = pd.concat(parts)
    source = pd.Series(
        [label for label, part in zip(names, parts, strict=True) for _ in range(len(part))],
        index=records.index,
    )
    return records, source


def identifiers_of(records: pd.DataFrame) -> Identifiers:
    """
    The identifying columns that the records have.

    Raises
    ------
    SchemaError
        There is no name, or no birth date, to compare.
    """
    held = set(records.columns)
    names = ("surname", "given_name") if {"surname", "given_name"} <= held else ("name",)
    lacking = [name for name in (*names, "birth_date") if name not in held]
    if lacking:
        raise SchemaError(
            f"linkage by identifiers: no column {', '.join(lacking)} is known.",
            hint="Needed: name (or surname and given name) and birth date; or use the fixed rule (--rule).",
        )
    optional = {name: name if name in held else "" for name in ("sex", "postcode", "phone")}
    return Identifiers(names=names, birth_date="birth_date", **optional)


def _records(path: Path, label: str) -> pd.DataFrame:
    foreign = read_table(path)
    out: dict[str, pd.Series] = {}
    for header in map(str, foreign.columns):
        found = schema().find(header)
        name = _MEANING.get(plain(header)) or (found[0].name if found else "")
        if name not in _COMPARED and name not in _HEADERS:
            continue
        if name in out:
            raise SchemaError(f"{path}: the column {header!r} is a second {name}.", hint="Keep one.")
        out[name] = _compared(foreign[header], name, where=str(path))
    records = pd.DataFrame(out, index=foreign.index)
    records.index = pd.Index([f"{label}:{row}" for row in foreign.index], name="row")
    return records


def _compared(column: pd.Series, name: str, *, where: str) -> pd.Series:
    if name.endswith("_date"):
        return dates(column, where=where)
    if name == "age_years":
        return numbers(column, where=where)
    if name in _COMPARED:
        return categories(column, schema().fields[name], where=where).astype(object)
    texts = [_written(cell) for cell in column.astype(object).mask(is_missing(column), None)]
    return pd.Series(texts, index=column.index, dtype=object)


def _written(cell: Any) -> str | None:
    """A cell as it was typed: a telephone number read as 13800000001.0 beside empty cells is 13800000001."""
    if cell is None or cell != cell:
        return None
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
