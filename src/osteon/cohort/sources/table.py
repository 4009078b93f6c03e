"""
Any table a user has: columns recognised by their headers in English or Chinese, units converted, the rest kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.cohort.cells import categories, flags, identifiers, is_missing, numbers
from osteon.cohort.cohort import Change, Cohort
from osteon.cohort.read import read_table
from osteon.cohort.schema import Field, plain, schema
from osteon.cohort.sources.mapping import as_read
from osteon.cohort.tscore import osteoporosis
from osteon.cohort.units import convert, quantity_of
from osteon.core.errors import SchemaError

__all__ = ["BONE_STATUS", "add_bone_status", "dates", "read", "recognised"]

#: Columns added from the table's T-scores.
BONE_STATUS = frozenset({"osteoporosis_fn", "osteoporosis_fn_or_ls", "both_sites_measured"})


def read(
    path: Path,
    *,
    sheet: str | None = None,
    units: Mapping[str, str] | None = None,
    min_rows: int = 1,
    leave_out_empty: bool = False,
) -> Cohort:
    """
    A user's table as a cohort; a filled hospital template is one, with its empty columns left out (``column_empty``).

    Parameters
    ----------
    path : Path
        Any file :func:`osteon.cohort.read.read_table` reads.
    sheet : str, optional
        Sheet of a workbook.
    units : mapping of column to unit, optional
        Units the headers do not tell, by our name or by the header: ``{"25OHD": "ng/mL"}``.
    min_rows : int
        Refuse a table with fewer people.
    leave_out_empty : bool
        Leave out (and log) columns without any value instead of refusing them: for a few patients to be scored.

    Returns
    -------
    Cohort
        Known columns in our names and units; unknown columns as they came, listed in the log (``kept_unknown``).
        ``participant_id`` is the row number when no id column is there (logged). Osteoporosis is derived from the
        table's T-scores where it is not a column itself; never from BMD alone, whose scanner is unknown.

    Raises
    ------
    FileError, SchemaError, UnitError, NotEnoughData
        With file, row and column: unreadable file, text in a number column, repeated ids, two columns for one
        quantity, a column without any value, an unknown unit, too few rows.
    """
    hospital = _hospital_sheet(path) if sheet is None else None
    foreign = read_table(path, sheet=hospital or sheet)
    gaps_allowed = hospital is not None or leave_out_empty
    empty = [column for column in foreign if gaps_allowed and is_missing(foreign[column]).all()]
    table, log = recognised(foreign.drop(columns=empty), where=str(path), units=units or {})
    log = [*(Change(code="column_empty", column=str(name), n=0, why="not filled in") for name in empty), *log]
    if "participant_id" not in table.columns:
        table["participant_id"] = pd.Series(
            [str(row) for row in foreign.index], index=foreign.index, dtype="str"
        )
        log.append(
            Change(code="derived", column="participant_id", n=len(table), why="no id column: row numbers")
        )
    log += add_bone_status(table)
    source = "hospital" if hospital else "table"
    return as_read(table, source=source, log=log, of="rows").at_least(min_rows)


def _hospital_sheet(path: Path) -> str | None:
    """The sheet of patients when the file is a filled hospital template."""
    if path.suffix.lower() != ".xlsx":
        return None
    from osteon.cohort.template import patient_sheet  # loads openpyxl

    return patient_sheet(path)


def add_bone_status(table: pd.DataFrame) -> list[Change]:
    """Osteoporosis from the T-scores the scanner printed, added where the table does not say it itself."""
    neck, lumbar = table.get("t_femoral_neck"), table.get("t_lumbar")
    added: dict[str, NDArray[np.float64]] = {}
    if neck is not None:
        added["osteoporosis_fn"] = osteoporosis(neck)
    if neck is not None and lumbar is not None:
        added["osteoporosis_fn_or_ls"] = osteoporosis(neck, lumbar)
        added["both_sites_measured"] = np.where(neck.notna() & lumbar.notna(), 1.0, 0.0)
    log = []
    for name in [name for name in added if name not in table.columns]:
        table[name] = added[name]
        log.append(
            Change(code="derived", column=name, n=int(table[name].notna().sum()), why="T-scores of the table")
        )
    return log


def recognised(
    foreign: pd.DataFrame, *, where: str, units: Mapping[str, str]
) -> tuple[pd.DataFrame, list[Change]]:
    """
    A foreign table with its known columns in our names, units and codes.

    Raises
    ------
    SchemaError, UnitError
        See :func:`read`.
    """
    told = {plain(name): unit for name, unit in units.items()}
    out: dict[str, pd.Series] = {}
    origin: dict[str, str] = {}
    log: list[Change] = []
    for header in foreign.columns:
        found = schema().find(str(header))
        if found is None:
            out[str(header)] = _kept(foreign[header])
            log.append(Change(code="kept_unknown", column=str(header), n=len(foreign)))
            continue
        field, unit = found
        if field.name in origin:
            raise SchemaError(
                f"{where}: the columns {origin[field.name]!r} and {header!r} both mean {field.name}.",
                hint="Keep one, or give the other a name of its own.",
            )
        origin[field.name] = str(header)
        if is_missing(foreign[header]).all():
            raise SchemaError(f"{where}: column {header}: not one value in {len(foreign)} rows.",
                              hint="Fill the column or remove it.")  # fmt: skip
        out[field.name] = _values(foreign[header], field, where=where)
        if str(header) != field.name:
            log.append(
                Change(
                    code="renamed", column=field.name, before=str(header), after=field.name, n=len(foreign)
                )
            )
        unit = told.get(plain(field.name)) or told.get(plain(str(header))) or unit
        if unit is not None and field.kind == "number":
            out[field.name], changes = _converted(out[field.name], field, unit)
            log += changes
    clash = [name for name in out if name in origin and name in foreign.columns and origin[name] != name]
    if clash:
        raise SchemaError(
            f"{where}: {origin[clash[0]]!r} means {clash[0]}, which is there as well.", hint="Keep one."
        )
    return pd.DataFrame(out, index=foreign.index), log


def _kept(column: pd.Series) -> pd.Series:
    """An unknown column: numbers as float64, all else as text categories."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype("float64")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    gone = is_missing(column)
    return column.astype(str).mask(gone, None).astype("category")


def _values(column: pd.Series, field: Field, *, where: str) -> pd.Series:
    name = str(column.name)
    if field.kind == "flag":
        return flags(column, where=where, name=name)
    if field.kind in ("category", "ordinal"):
        return categories(column, field, where=where, name=name)
    if field.kind == "id":
        if field.name == "participant_id":
            return identifiers(column, where=where, name=name)
        return column.astype(str).mask(is_missing(column), None).astype("category")
    if field.kind == "date":
        return dates(column, where=where)
    return numbers(column, where=where, name=name)


def dates(column: pd.Series, *, where: str) -> pd.Series:
    """Dates written year first (2023-05-17, 2023/5/17, 20230517, 2023年5月17日); others are ambiguous and refused."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    gone = is_missing(column)
    texts = column.astype(str).str.strip().str.replace(r"\.0$", "", regex=True)
    texts = texts.str.replace(r"[年月/.]", "-", regex=True).str.replace("日", "", regex=False)
    texts = texts.str.replace(r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3", regex=True).str.replace(
        " .*$", "", regex=True
    )
    parsed = pd.to_datetime(texts.mask(gone), format="%Y-%m-%d", errors="coerce")
    wrong = parsed.isna() & ~gone
    if wrong.any():
        row = column.index[wrong][0]
        raise SchemaError(f"{where}: row {row}, column {column.name}: {str(column[row])[:40]!r} is not a date.",
                          hint="Write year-month-day, for example 2023-05-17.")  # fmt: skip
    return parsed


def _converted(values: pd.Series, field: Field, unit: str) -> tuple[pd.Series, list[Change]]:
    quantity = quantity_of(field.name)
    if quantity is None:
        if not field.unit or plain(unit) == plain(field.unit):
            return values, []
        raise SchemaError(
            f"column {field.name}: the unit {unit!r} cannot be converted.", hint=f"Give it in {field.unit}."
        )
    result = convert(values, quantity=quantity.name, unit=unit, to=quantity.canonical)
    if plain(unit) == plain(quantity.canonical):
        return values, []
    change = Change(code="converted", column=field.name, before=unit, after=quantity.canonical,
                    n=int(values.notna().sum()))  # fmt: skip
    return pd.Series(result, index=values.index, name=field.name), [change]
