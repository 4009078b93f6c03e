"""
The engine of every source: a TOML table of our columns, and where each comes from in a foreign table.

An entry::

    calcium_mmol_l = {from = ["LBXSCA"], unit = "mg/dL", missing = [777], evidence = "read"}

``from``      foreign names, the first present wins; case does not matter
``unit``      unit of the foreign numbers, when it is not ours
``missing``   special codes of this variable alone (refused, don't know) that become missing
``yes``/``no``  foreign codes of a flag
``codes``     foreign code -> our category
``valid``     {column = .., equals = [..]}: other rows of this variable become missing (invalid scans)
``file``      the foreign file that holds it (NHANES)
``evidence``  "read" in a codebook, or "recalled ..." from memory: then the log says so
``note``      for people
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from osteon.cohort.cells import identifiers, numbers
from osteon.cohort.cohort import Change, Cohort, FlowStep
from osteon.cohort.schema import Field, schema
from osteon.cohort.units import convert, quantity_of
from osteon.core.config import read_toml
from osteon.core.errors import ConfigError, SchemaError

__all__ = ["as_read", "in_schema_order", "mapped", "outside_limits", "renumbered", "required", "source_map"]

_KEYS = frozenset({"from", "unit", "missing", "yes", "no", "codes", "valid", "file", "evidence", "note"})


def source_map(name: str) -> dict[str, Any]:
    """The TOML table ``sources/<name>.toml``."""
    return read_toml(Path(str(files("osteon.cohort.sources"))) / f"{name}.toml")


def mapped(
    raw: pd.DataFrame, columns: Mapping[str, Mapping[str, Any]], *, where: str
) -> tuple[pd.DataFrame, tuple[Change, ...]]:
    """
    A foreign table in our names, units and codes, with the log of what was done.

    Parameters
    ----------
    raw : DataFrame, indexed by row number in the file
    columns : mapping of our column to its entry (see the module's head)
    where : str
        The file or source, for messages.

    Returns
    -------
    (table, log)
        Foreign columns without an entry are left out; entries whose variable is absent are logged ``absent``.

    Raises
    ------
    SchemaError
        A cell is no number, or a code has no meaning; row, column and value are named.
    ConfigError
        The map itself is wrong.
    """
    present = {str(name).upper(): name for name in raw.columns}
    out: dict[str, pd.Series] = {}
    log: list[Change] = []
    for target, entry in columns.items():
        unknown = set(entry) - _KEYS
        if unknown:
            raise ConfigError(
                f"map of {target}: unknown key {sorted(unknown)[0]!r}.", hint=f"Known: {sorted(_KEYS)}."
            )
        wanted = [entry["from"]] if isinstance(entry["from"], str) else list(entry["from"])
        found = next((present[name.upper()] for name in wanted if name.upper() in present), None)
        if found is None:
            log.append(Change(code="absent", column=target, before=" or ".join(wanted), n=len(raw)))
            continue
        out[target], changes = _column(raw, found, schema().named(target), entry, where=where)
        log += changes
    return pd.DataFrame(out, index=raw.index), tuple(log)


def _column(
    raw: pd.DataFrame, name: str, field: Field, entry: Mapping[str, Any], *, where: str
) -> tuple[pd.Series, list[Change]]:
    log = [Change(code="renamed", column=field.name, before=str(name), after=field.name, n=len(raw))]
    evidence = entry.get("evidence", "read")
    if not evidence.startswith("read"):
        log.append(
            Change(code="recalled_mapping", column=field.name, before=str(name), n=len(raw), why=evidence)
        )
    if field.kind == "id":
        return identifiers(raw[name], where=where, name=str(name)), log
    if "codes" in entry:
        values, changes = _recoded(raw[name], entry, field, where=where)
        return values, log + changes
    values = numbers(raw[name], where=where, name=str(name))
    values, changes = _without_special(values, entry, field)
    log += changes
    if "valid" in entry:
        values, changes = _only_valid(values, raw, entry["valid"], field, where=where)
        log += changes
    if "yes" in entry:
        return _flag(values, entry, field, name=str(name), where=where), log
    if "unit" in entry:
        quantity = quantity_of(field.name)
        if quantity is None:
            raise ConfigError(
                f"map of {field.name}: a unit is given but {field.name} has none in units.toml."
            )
        converted = convert(values, quantity=quantity.name, unit=entry["unit"], to=quantity.canonical)
        log.append(Change(code="converted", column=field.name, before=entry["unit"], after=quantity.canonical,
                          n=int(values.notna().sum())))  # fmt: skip
        values = pd.Series(converted, index=values.index)
    return values, log


def _without_special(
    values: pd.Series, entry: Mapping[str, Any], field: Field
) -> tuple[pd.Series, list[Change]]:
    """Values without the variable's own codes for refused and don't know."""
    special = values.isin([float(code) for code in entry.get("missing", ())])
    if not special.any():
        return values, []
    shown = ", ".join(f"{code:g}" for code in sorted(values[special].unique()))
    change = Change(
        code="set_missing", column=field.name, before=shown, n=int(special.sum()), why="special code"
    )
    return values.mask(special), [change]


def _only_valid(
    values: pd.Series, raw: pd.DataFrame, rule: Mapping[str, Any], field: Field, *, where: str
) -> tuple[pd.Series, list[Change]]:
    present = {str(name).upper(): name for name in raw.columns}
    name = present.get(rule["column"].upper())
    if name is None:
        return values, [Change(code="absent", column=field.name, before=rule["column"], n=len(raw),
                               why="validity code not in the file, all values kept")]  # fmt: skip
    good = numbers(raw[name], where=where).isin([float(v) for v in rule["equals"]])
    bad = values.notna() & ~good
    change = Change(
        code="set_missing", column=field.name, n=int(bad.sum()), why=f"{rule['column']} says invalid"
    )
    return values.where(good), [change] if bad.any() else []


def _flag(values: pd.Series, entry: Mapping[str, Any], field: Field, *, name: str, where: str) -> pd.Series:
    yes, no = ([float(v) for v in entry.get(key, ())] for key in ("yes", "no"))
    odd = values.notna() & ~values.isin([*yes, *no])
    if odd.any():
        raise SchemaError(
            f"{where}: row {values.index[odd][0]}, column {name}: the code {values[odd].iloc[0]:g} has no meaning for "
            f"{field.name}.",
            hint=f"Yes is {yes}, no is {no}, missing is {list(entry.get('missing', ()))}.",
        )
    return values.isin(yes).astype("float64").where(values.notna())


def _recoded(
    column: pd.Series, entry: Mapping[str, Any], field: Field, *, where: str
) -> tuple[pd.Series, list[Change]]:
    codes = {str(code): category for code, category in entry["codes"].items()}
    for category in codes.values():
        if field.categories and category not in field.categories:
            raise ConfigError(f"map of {field.name}: {category!r} is none of its categories.")
    keys = column.map(_code_text)
    special = keys.isin([str(code) for code in entry.get("missing", ())])
    keys = keys.mask(special, None)
    odd = keys.notna() & ~keys.isin(codes)
    if odd.any():
        raise SchemaError(
            f"{where}: row {column.index[odd][0]}, column {column.name}: the code {keys[odd].iloc[0]!r} has no meaning "
            f"for {field.name}.",
            hint=f"Known codes: {', '.join(codes)}.",
        )
    log = [Change(code="recoded", column=field.name, before=", ".join(codes), after=", ".join(codes.values()),
                  n=int(keys.notna().sum()))]  # fmt: skip
    if special.any():
        log.append(Change(code="set_missing", column=field.name, before=", ".join(sorted(set(column.map(_code_text)[special]))),
                          n=int(special.sum()), why="special code"))  # fmt: skip
    order = [c for c in field.categories if c in codes.values()] or sorted(set(codes.values()))
    dtype = pd.CategoricalDtype(order, ordered=field.kind == "ordinal")
    return keys.map(codes).astype(dtype), log


def _code_text(cell: Any) -> str | None:
    """A code as TOML keys are written: "1" for 1.0, None for missing."""
    if cell is None or cell is pd.NA or (isinstance(cell, (float, np.floating)) and np.isnan(cell)):
        return None
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    return str(cell).strip() or None


def in_schema_order(table: pd.DataFrame) -> pd.DataFrame:
    """Known columns in the schema's order, unknown ones after them as they came."""
    known = [name for name in schema().fields if name in table.columns]
    return table[[*known, *(name for name in table.columns if name not in schema().fields)]]


def renumbered(table: pd.DataFrame) -> pd.DataFrame:
    """The table in the schema's order with rows numbered from 0: row numbers of the file have done their service."""
    return in_schema_order(table).reset_index(drop=True)


def outside_limits(table: pd.DataFrame) -> tuple[Change, ...]:
    """One log entry for each numeric column with values outside its plausible limits; nothing is changed."""
    log = []
    for name in table.columns:
        field = schema().fields.get(str(name))
        if field is None or not pd.api.types.is_float_dtype(table[name].dtype):
            continue
        low = -np.inf if field.low is None else field.low
        high = np.inf if field.high is None else field.high
        values = table[name]
        odd = values[values.notna() & ~values.between(low, high)]
        if len(odd):
            log.append(Change(code="outside_limits", column=str(name), before=f"{odd.min():g} to {odd.max():g}",
                              after=f"{low:g} to {high:g}", n=len(odd), why="queried, not changed"))  # fmt: skip
    return tuple(log)


def as_read(
    table: pd.DataFrame, *, source: str, log: Iterable[Change], of: str, notes: tuple[str, ...] = ()
) -> Cohort:
    """The cohort a file holds: rows renumbered, implausible values logged, ``of`` ("women") counted in its flow."""
    table = renumbered(table)
    step = FlowStep(code="read", n_before=len(table), n_after=len(table), reason=f"{of} in the file")
    return Cohort(table=table, source=source, log=(*log, *outside_limits(table)), flow=(step,), notes=notes)


def required(table: pd.DataFrame, names: Sequence[str], *, where: str) -> None:
    """Refuse a table that lacks one of these columns."""
    lacking = [name for name in names if name not in table.columns]
    if lacking:
        raise SchemaError(
            f"{where}: the column {lacking[0]} is missing{f' (and {len(lacking) - 1} more)' if lacking[1:] else ''}.",
            hint=f"Needed: {', '.join(names)}.",
        )
