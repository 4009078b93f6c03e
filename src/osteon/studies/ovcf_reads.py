"""
The reads table of a site: its columns, its template, and reading it with every mistake named by row and column.

Mistakes (a call of 2, two truths for one case, a row twice) are errors. Departures from the protocol (a read of eleven
minutes, an MRI after nine days) are facts of the study: they are kept here and counted by :mod:`ovcf_protocol`.
"""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from osteon.cohort.read import read_table
from osteon.cohort.schema import schema
from osteon.core.config import read_toml
from osteon.core.errors import ConfigError, NotEnoughData, SchemaError
from osteon.domain.anatomy import LEVELS

__all__ = ["ARMS", "CONSENSUS", "NONE_TYPE", "TYPES", "ReadColumn", "Reads", "read_columns", "read_reads",
           "reads_of", "template_csv"]  # fmt: skip

ARMS = ("ct", "ct_ai")
CONSENSUS = "consensus"
TYPES = ("A", "B", "C", "D")
NONE_TYPE = "-"
_YES, _NO = {"1", "1.0", "yes", "true", "是", "有", "阳性"}, {"0", "0.0", "no", "false", "否", "无", "阴性"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadColumn:
    """One column of the reads table; ``same``: it holds one value for all rows of a "unit" or of a "case"."""

    name: str
    kind: Literal["text", "choice", "flag", "count", "number", "level"]
    headers: Mapping[str, str]
    notes: Mapping[str, str]
    example: str
    needed: bool = False
    same: Literal["unit", "case"] | None = None
    allowed: tuple[str, ...] = ()
    limits: tuple[int, int] | None = None
    codes: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reads:
    """
    A checked reads table.

    ``table``: every row that counts, index = row of the file, columns of :func:`read_columns` (absent ones all NaN)
    with ``unit`` = case, or case and vertebra; what is known of a unit or case stands in all its rows. ``training``:
    the rows left out as training.
    """

    table: pd.DataFrame
    training: pd.DataFrame
    source: str
    per_vertebra: bool

    @property
    def readers(self) -> tuple[str, ...]:
        """The readers in order of name, without the consensus."""
        return tuple(sorted(set(self.table["reader"]) - {CONSENSUS}))

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that were read."""
        return tuple(arm for arm in ARMS if (self.table["arm"] == arm).any())

    @property
    def has_consensus(self) -> bool:
        """Whether consensus rows are there."""
        return bool((self.table["reader"] == CONSENSUS).any())

    @property
    def simulated(self) -> bool:
        """Whether any reading is invented, as the table itself says."""
        return bool((self.table["simulated"] == 1).any())

    def of_cases(self, cases: Iterable[str]) -> Reads:
        """The readings of some cases only."""
        return replace(self, table=self.table[self.table["case"].isin(list(cases))])

    @property
    def truth(self) -> pd.DataFrame:
        """One row per unit: its case and what is known of it."""
        names = ["case", *(column.name for column in read_columns() if column.same)]
        return self.table.drop_duplicates("unit").set_index("unit")[names].sort_index()


@cache
def read_columns() -> tuple[ReadColumn, ...]:
    """The columns of the reads table in the order of the template."""
    with as_file(files("osteon.studies") / "ovcf_reads.toml") as path:
        entries = read_toml(path)["column"]
    return tuple(_column(entry) for entry in entries)


def _column(entry: dict[str, Any]) -> ReadColumn:
    return ReadColumn(
        name=entry["name"], kind=entry["kind"], headers={"en": entry["en"], "zh": entry["zh"]},
        notes={"en": entry["note_en"], "zh": entry["note_zh"]}, example=entry["example"],
        needed=entry.get("needed", False), same=entry.get("same"), allowed=tuple(entry.get("allowed", ())),
        limits=tuple(entry["limits"]) if "limits" in entry else None,
        codes={code: tuple(names) for code, names in entry.get("codes", {}).items()},
    )  # fmt: skip


def template_csv(lang: str) -> bytes:
    """
    The empty reads table: headers, one example row and, below it, what each column means.

    The two rows start with ``#``; they are skipped when the table is read.

    Examples
    --------
    >>> template_csv("en").decode("utf-8-sig").splitlines()[0][:20]
    'case,vertebra,reader'
    """
    if lang not in ("en", "zh"):
        raise ConfigError(f"no template in {lang!r}.", hint="Known: en, zh.")
    columns = read_columns()
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([column.headers[lang] for column in columns])
    for first, rest in (("# " + columns[0].example, [c.example for c in columns[1:]]),
                        ("# " + columns[0].notes[lang], [c.notes[lang] for c in columns[1:]])):  # fmt: skip
        writer.writerow([first, *rest])
    return stream.getvalue().encode("utf-8-sig")


def read_reads(path: Path) -> Reads:
    """
    The reads table in a file (CSV, TSV, XLSX), checked.

    Raises
    ------
    SchemaError
        A column is missing or doubled, a cell holds what it may not, a reading stands twice, or what is known of a
        case differs between rows; the message names row and column.
    NotEnoughData
        No reading is left, or one class of truth only.
    """
    return reads_of(read_table(path), source=path.name)


def reads_of(table: pd.DataFrame, *, source: str) -> Reads:
    """The checked reads of a table whose index is the row of its file."""
    named = {column.name: _found(table, column, source) for column in read_columns()}
    first = table[named["case"]].astype(str) if named["case"] else pd.Series(dtype=str)
    table = table.loc[~first.str.startswith("#")] if len(first) else table
    clean = pd.DataFrame(index=table.index)
    for column in read_columns():
        header = named[column.name]
        cells = table[header] if header else pd.Series(math.nan, index=table.index, dtype=object)
        clean[column.name] = _cells(cells, column, header or column.name, source)
    _check_codes(clean, source)
    per_vertebra = bool(clean["vertebra"].notna().any())
    clean["unit"] = clean["case"] + (" " + clean["vertebra"] if per_vertebra else "")
    _check_twice(clean, source)
    clean = _filled(clean, source)
    _check_types(clean, source)
    training = clean["training"] == 1
    left = clean.loc[~training]
    if left.empty:
        raise NotEnoughData(f"{source}: no reading is left.", hint="Training rows do not count.")
    if left.loc[:, "mri_fracture"].nunique() < 2:
        raise NotEnoughData(f"{source}: column mri fracture holds one class only.")
    return Reads(
        table=left.copy(), training=clean.loc[training].copy(), source=source, per_vertebra=per_vertebra
    )


def _folded(text: str) -> str:
    return "".join(letter for letter in str(text).casefold() if letter.isalnum())


def _found(table: pd.DataFrame, column: ReadColumn, source: str) -> str | None:
    """The header of a column, by its name, in either language or as in the patients table; case and signs are free."""
    known = {_folded(text) for text in (column.name, *column.headers.values())}
    found = [str(h) for h in table.columns if _folded(h) in known or _patient_column(str(h)) == column.name]
    if len(found) > 1:
        raise SchemaError(f"{source}: the columns {found[0]!r} and {found[1]!r} both mean {column.name}.")
    if not found and column.needed:
        raise SchemaError(
            f"{source}: no column {column.headers['en']!r}.",
            hint="osteon study run ovcf-reading --data design writes a template.",
        )
    return found[0] if found else None


def _patient_column(header: str) -> str | None:
    """The column of the patients table that a header means there."""
    found = schema().find(header)
    return found[0].name if found else None


def _cells(cells: pd.Series, column: ReadColumn, header: str, source: str) -> pd.Series:
    """The cells of one column as text or numbers; NaN where empty."""
    values = [_cell(value, column, f"{source}: row {row}, column {header}") for row, value in cells.items()]
    kind = object if column.kind in ("text", "choice", "level") else float
    return pd.Series(values, index=cells.index, dtype=kind)


def _cell(value: Any, column: ReadColumn, where: str) -> Any:
    text = "" if value is None or value != value else str(value).strip()
    if not text:
        if column.needed:
            raise SchemaError(f"{where}: empty.", hint=column.notes["en"] + ".")
        return math.nan
    if column.kind in ("text", "choice"):
        return _word(text, column, where)
    if column.kind == "level":
        return _level(text, where)
    if column.kind == "flag":
        if text.casefold() in _YES | _NO:
            return float(text.casefold() in _YES)
        raise SchemaError(f"{where}: {text!r}, expected 1 or 0.", hint=column.notes["en"] + ".")
    return _number(text, column, where)


def _word(text: str, column: ReadColumn, where: str) -> str:
    for code, names in (column.codes or {}).items():
        if text.casefold() in {code.casefold(), *(name.casefold() for name in names)}:
            return code
    if column.allowed and text not in column.allowed:
        raise SchemaError(f"{where}: {text!r}, expected one of {', '.join(column.allowed)}.")
    return text.removesuffix(".0") if column.name in ("case", "reader") else text


def _level(text: str, where: str) -> Any:
    """One vertebral level, as "L1", "l1", "Th12", "胸12" or "腰1椎体"; a dash means none."""
    if text in (NONE_TYPE, "–", "无"):
        return math.nan
    found = re.fullmatch(r"(C|TH|T|L|S|颈|胸|腰|骶)0?(\d{1,2})(椎体|椎)?", text.upper().replace(" ", ""))
    letter = {"TH": "T", "颈": "C", "胸": "T", "腰": "L", "骶": "S"}
    level = letter.get(found[1], found[1]) + found[2] if found else text
    if level not in LEVELS:
        raise SchemaError(
            f"{where}: {text!r}, expected one level such as T12 or L1.",
            hint="Give the worst fracture's level only.",
        )
    return level


def _number(text: str, column: ReadColumn, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise SchemaError(f"{where}: {text!r} is not a number.") from None
    low, high = column.limits or (0, math.inf)  # below 0 only where the column says so
    if (
        not math.isfinite(number)
        or not low <= number <= high
        or (column.kind == "count" and number != int(number))
    ):
        kind = "a whole number" if column.kind == "count" else "a number"
        limits = f"from {low} to {high}" if column.limits else "of 0 or more"
        raise SchemaError(f"{where}: {text}, expected {kind} {limits}.")
    return number


def _check_codes(table: pd.DataFrame, source: str) -> None:
    """One code is written in one way, and vertebrae are named in every row or in none: else a study counts twice."""
    for name in ("case", "reader", "vertebra"):
        codes = table[name].dropna().astype(str)
        plain = codes.map(lambda code: unicodedata.normalize("NFKC", code).casefold())
        differing = codes[codes != plain.map(codes.groupby(plain).first())]
        if len(differing):
            row = differing.index[0]
            first = codes.index[plain == plain[row]][0]
            raise SchemaError(
                f"{source}: rows {first} and {row}, column {name}: {codes[first]!r} and {codes[row]!r} differ in "
                "letter case or width only, expected one spelling.",
                hint="Write the code of a case, reader or vertebra alike in every row.",
            )
    empty = table["vertebra"].isna()
    if empty.any() and not empty.all():
        raise SchemaError(
            f"{source}: row {table.index[empty][0]}, column vertebra: empty, but row {table.index[~empty][0]} names "
            "one, expected a vertebra in every row or in none.",
            hint="Fill the rows of the consensus too, or leave the column out for one answer a case.",
        )


def _check_twice(table: pd.DataFrame, source: str) -> None:
    """One reading per unit, reader and arm."""
    keys = ["unit", "reader", "arm"]
    again = table.duplicated(keys)
    if again.any():
        row = table.index[again][0]
        unit, reader, arm = table.loc[row, keys]
        earlier = table.index[(table[keys] == table.loc[row, keys]).all(axis=1)][0]
        raise SchemaError(
            f"{source}: rows {earlier} and {row}: {unit}, reader {reader}, arm {arm} stands twice."
        )


def _filled(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """What is known of a unit or of a case, written once or in all rows, in all its rows; two values are refused."""
    table = table.copy()
    for column in (c for c in read_columns() if c.same):
        known = table[table[column.name].notna()]
        said = known.groupby(column.same)[column.name].first()
        differing = known[known[column.name] != known[column.same].map(said)]
        if len(differing):
            row, whose = differing.index[0], differing[column.same].iloc[0]
            first = known.index[known[column.same] == whose][0]
            values = " and ".join(
                f"{value:g}" if isinstance(value, float) else str(value)
                for value in known.loc[[first, row], column.name]
            )
            raise SchemaError(
                f"{source}: rows {first} and {row}, column {column.headers['en']}: {values} for {whose}, "
                "expected one value.",
                hint="Correct it, or fill it in one row only.",
            )
        table[column.name] = table[column.name].fillna(table[column.same].map(said))
    return table


def _check_types(table: pd.DataFrame, source: str) -> None:
    """A type needs a fracture."""
    for call, kind in (("mri_fracture", "mri_denis"), ("call", "denis")):
        wrong = (table[call] == 0) & table[kind].isin(TYPES)
        if wrong.any():
            raise SchemaError(f"{source}: row {table.index[wrong][0]}, column {kind.replace('_', ' ')}: a type "
                              f"without a fracture ({call.replace('_', ' ')} is 0).")  # fmt: skip
