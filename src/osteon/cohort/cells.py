"""
Cells to values: numbers, yes/no, categories and ids, with the row and column named whenever a cell does not fit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from osteon.cohort.schema import Field
from osteon.core.errors import SchemaError

__all__ = ["NUMBER", "categories", "flags", "folded", "identifiers", "is_missing", "numbers"]

#: What counts as a written number.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MISSING = frozenset(
    {"", "na", "n/a", "#n/a", "nan", "null", "none", ".", "-", "--", "—", "–", "/", "?", "missing", "unknown", "not done",
     "缺失", "缺", "无数据", "未测", "未查", "未做", "不详", "未知", "空"}
)  # fmt: skip
_YES = frozenset({"1", "yes", "y", "true", "t", "present", "positive", "是", "有", "阳性"})
_NO = frozenset({"0", "no", "n", "false", "f", "absent", "negative", "否", "无", "阴性", "没有"})


def is_missing(column: pd.Series) -> np.ndarray:
    """Which cells are empty or say so ("NA", "未测", "-", ...), shape (n,)."""
    gone = column.isna().to_numpy()
    if pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
        said = [isinstance(cell, str) and folded(cell) in _MISSING for cell in column]
        gone = gone | np.asarray(said, dtype=bool)
    return np.asarray(gone, dtype=bool)


def folded(cell: Any) -> str:
    """A cell as text without difference of width, case or outer blanks."""
    return unicodedata.normalize("NFKC", str(cell)).strip().casefold()


def numbers(column: pd.Series, *, where: str, name: str | None = None) -> pd.Series:
    """
    The column as float64, missing as NaN.

    Parameters
    ----------
    column : Series, indexed by the row number in the file
    where : str
        The file, for the message.
    name : str, optional
        The column's name in the message, when it is not the header.

    Raises
    ------
    SchemaError
        A cell is neither empty nor a number; row, column and text are named.
    """
    label = name or str(column.name)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        raise SchemaError(f"{where}: column {label}: dates where numbers are expected.")
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _finite(column.astype("float64"), where=where, label=label)
    gone = is_missing(column)
    values = np.full(len(column), np.nan)
    wrong: list[tuple[Any, str]] = []
    for place in np.flatnonzero(~gone):
        cell = column.iloc[place]
        text = unicodedata.normalize("NFKC", str(cell)).strip()
        if isinstance(cell, (bool, int, float, np.number)) or NUMBER.fullmatch(text):
            values[place] = float(cell if isinstance(cell, (bool, int, float, np.number)) else text)
        else:
            wrong.append((column.index[place], text))
    if wrong:
        row, text = wrong[0]
        more = f" ({len(wrong) - 1} more such cells)" if len(wrong) > 1 else ""
        hint = "Enter a limit of detection as a number, or leave it empty." if text[:1] in "<>≤≥" else ""
        raise SchemaError(
            f"{where}: row {row}, column {label}: {text[:40]!r} is not a number{more}.",
            hint=hint or "Correct the cell or leave it empty.",
        )
    return _finite(pd.Series(values, index=column.index, name=column.name), where=where, label=label)


def _finite(values: pd.Series, *, where: str, label: str) -> pd.Series:
    """The values, refused when one is infinite: too large to be read is not a measurement."""
    endless = values.index[np.isinf(values.to_numpy())]
    if len(endless):
        raise SchemaError(f"{where}: row {endless[0]}, column {label}: the number is infinite or too large.",
                          hint="Correct the cell or leave it empty.")  # fmt: skip
    return values


def flags(column: pd.Series, *, where: str, name: str | None = None) -> pd.Series:
    """
    The column as 1.0 (yes), 0.0 (no) and NaN.

    Raises
    ------
    SchemaError
        A cell is neither yes nor no, for example the code 2, whose meaning only the file's author knows.
    """
    return _translated(column, lambda text: 1.0 if text in _YES else 0.0 if text in _NO else None,
                       where=where, name=name, expected="yes/no, 1/0, 是/否 or 有/无").astype("float64")  # fmt: skip


def categories(column: pd.Series, field: Field, *, where: str, name: str | None = None) -> pd.Series:
    """
    The column as the field's categories; free text when the field lists none.

    Raises
    ------
    SchemaError
        A cell means none of the field's categories.
    """
    if not field.categories:
        values = _translated(column, lambda text: text, where=where, name=name, expected="text", raw=True)
        return values.astype("category")
    values = _translated(column, field.category, where=where, name=name, expected=", ".join(field.categories))
    ordered = field.kind == "ordinal"
    seen = [c for c in field.categories if ordered or (values == c).any()]
    return values.astype(pd.CategoricalDtype(seen, ordered=ordered))


def _translated(
    column: pd.Series,
    meaning: Callable[[str], Any],
    *,
    where: str,
    name: str | None,
    expected: str,
    raw: bool = False,
) -> pd.Series:
    """Every present cell through ``meaning``; the first without one is an error naming its row."""
    gone = is_missing(column)
    values: list[Any] = [None] * len(column)
    for place in np.flatnonzero(~gone):
        cell = column.iloc[place]
        whole = isinstance(cell, (float, np.floating)) and float(cell).is_integer()
        text = str(int(cell)) if whole or isinstance(cell, (bool, np.bool_)) else str(cell).strip()
        found = meaning(text if raw else folded(text))
        if found is None:
            raise SchemaError(
                f"{where}: row {column.index[place]}, column {name or column.name}: {text[:40]!r} has no meaning here.",
                hint=f"Expected {expected}, or an empty cell.",
            )
        values[place] = found
    return pd.Series(values, index=column.index, name=column.name, dtype=object)


def identifiers(column: pd.Series, *, where: str, name: str | None = None) -> pd.Series:
    """
    Ids as text ("17", never "17.0").

    Raises
    ------
    SchemaError
        An id is missing, or stands in two rows; both rows are named.
    """
    label = name or str(column.name)
    gone = is_missing(column)
    if gone.any():
        raise SchemaError(f"{where}: row {column.index[gone][0]}, column {label}: the id is missing.")
    numeric = pd.api.types.is_numeric_dtype(column.dtype)
    texts = [str(int(v)) if numeric and float(v).is_integer() else str(v).strip() for v in column]
    ids = pd.Series(texts, index=column.index, name=column.name, dtype="str")
    repeated = ids[ids.duplicated(keep=False)]
    if len(repeated):
        first, second = repeated.index[repeated == repeated.iloc[0]][:2]
        others = ids.duplicated().sum() - 1
        more = f" ({others} more repeated)" if others else ""
        raise SchemaError(
            f"{where}: rows {first} and {second}, column {label}: the id {repeated.iloc[0]!r} is repeated{more}.",
            hint="Keep one row per person, or link the duplicates first.",
        )
    return ids
