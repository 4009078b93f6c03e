"""
A table as the numbers and level codes that grouping methods need; learned on some rows, applied to any.

Numbers are min-max or z-scaled, ordered levels become scores first; categories and flags become codes and one-hot
indicators (sex as published: male [1, 0], female [0, 1]). Holes are filled with the median or the commonest level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.cohort.schema import kind_of
from osteon.core.errors import NotEnoughData, SchemaError

__all__ = ["Coded", "Coding", "LevelCode", "NumberCode", "Scale", "fit_coding"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Scale = Literal["zscore", "minmax"]

#: Order of the indicators where the published study fixes it.
PUBLISHED_ORDER = {"sex": ("male", "female")}
_FLAG = ("no", "yes")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberCode:
    """A number or an ordered level: what is taken off, what it is divided by, its median and the range seen."""

    name: str
    shift: float
    scale: float
    median: float
    low: float
    high: float
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCode:
    """A category or a flag: its levels in order, and the commonest."""

    name: str
    levels: tuple[str, ...]
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coded:
    """
    Rows as a method sees them.

    Attributes
    ----------
    numbers : array, shape (n, p)
        Scaled; complete.
    codes : array of int, shape (n, q)
        Level of each category; complete.
    n_levels : tuple of int, length q
    missing : array of bool, shape (n, p + q)
        Cells that were filled.
    """

    numbers: Floats
    codes: Codes
    n_levels: tuple[int, ...]
    missing: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def matrix(self) -> Floats:
        """Numbers and one-hot indicators side by side, shape (n, p + sum of levels)."""
        shown = [
            np.equal(self.codes[:, [j]], np.arange(count)).astype(np.float64)
            for j, count in enumerate(self.n_levels)
        ]
        return np.hstack([self.numbers, *shown])

    def rows(self, which: Codes) -> Coded:
        """Some rows, in the order asked for, repeats allowed."""
        return Coded(numbers=self.numbers[which], codes=self.codes[which], n_levels=self.n_levels,
                     missing=self.missing[which])  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """A learned coding of columns."""

    numbers: tuple[NumberCode, ...]
    categories: tuple[LevelCode, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that go in: numbers first, categories after."""
        return (*(code.name for code in self.numbers), *(code.name for code in self.categories))

    def coded(self, table: pd.DataFrame) -> Coded:
        """
        The rows of ``table``; an absent column counts as missing throughout.

        A level that training did not have counts as missing too.
        """
        numbers = np.column_stack([np.empty((len(table), 0)), *(_number(table, c) for c in self.numbers)])
        codes = np.column_stack([np.empty((len(table), 0)), *(_level(table, c) for c in self.categories)])
        missing = np.isnan(np.hstack([numbers, codes]))
        for j, number in enumerate(self.numbers):
            filled = np.where(np.isnan(numbers[:, j]), number.median, numbers[:, j])
            numbers[:, j] = (filled - number.shift) / number.scale
        for j, level in enumerate(self.categories):
            codes[:, j] = np.where(np.isnan(codes[:, j]), level.mode, codes[:, j])
        return Coded(numbers=numbers, codes=codes.astype(np.intp), missing=missing,
                     n_levels=tuple(len(c.levels) for c in self.categories))  # fmt: skip

    def outside(self, table: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
        """For each row, the numbers that lie outside the range of training."""
        found: list[list[str]] = [[] for _ in range(len(table))]
        for code in self.numbers:
            values = _number(table, code)
            for row in np.flatnonzero((values < code.low) | (values > code.high)):
                found[row].append(code.name)
        return tuple(map(tuple, found))


def fit_coding(table: pd.DataFrame, *, scale: Scale = "zscore") -> Coding:
    """
    Learn the coding of every column of ``table``.

    Parameters
    ----------
    table : DataFrame in the schema's names
    scale : "zscore" or "minmax"
        A constant number becomes 0 in either.

    Raises
    ------
    NotEnoughData
        A column has no observed value.

    Examples
    --------
    >>> people = pd.DataFrame({"age_years": [42.0, 61.0, 80.0], "sex": ["male", "female", "female"]})
    >>> fit_coding(people, scale="minmax").coded(people).matrix.tolist()
    [[0.0, 1.0, 0.0], [0.5, 0.0, 1.0], [1.0, 0.0, 1.0]]
    """
    numbers, categories = [], []
    for name in map(str, table.columns):
        kind, seen = kind_of(table[name]), table[name].dropna()
        if seen.empty:
            raise NotEnoughData(f"column {name!r} has no observed value.", hint="Leave it out.")
        if kind in ("number", "ordinal"):
            levels = tuple(map(str, seen.cat.categories)) if kind == "ordinal" else ()
            numbers.append(_fitted_number(name, _scores(seen, levels), levels, scale))
        else:
            levels = _levels(table[name], kind)
            counts = np.bincount(_positions(seen, levels, kind).astype(int), minlength=len(levels))
            categories.append(LevelCode(name=name, levels=levels, mode=int(counts.argmax())))
    return Coding(numbers=tuple(numbers), categories=tuple(categories))


def _fitted_number(name: str, values: Floats, levels: tuple[str, ...], scale: Scale) -> NumberCode:
    low, high = float(values.min()), float(values.max())
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    shift, width = (float(values.mean()), spread) if scale == "zscore" else (low, high - low)
    return NumberCode(name=name, shift=shift, scale=width if width > 0 else 1.0, median=float(np.median(values)),
                      low=low, high=high, levels=levels)  # fmt: skip


def _levels(column: pd.Series, kind: str) -> tuple[str, ...]:
    name = str(column.name)
    if kind == "flag":
        return _FLAG
    if name in PUBLISHED_ORDER:
        return PUBLISHED_ORDER[name]
    present = set(column.dropna().astype(str))
    known = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else sorted(present)
    return tuple(level for level in map(str, known) if level in present)


def _scores(seen: pd.Series, levels: tuple[str, ...]) -> Floats:
    if levels:
        return _positions(seen, levels, "ordinal")
    try:
        return np.asarray(seen.to_numpy(dtype=np.float64))
    except (TypeError, ValueError):
        raise SchemaError(f"column {seen.name!r} holds text, expected numbers.") from None


def _positions(column: pd.Series, levels: tuple[str, ...], kind: str) -> Floats:
    """The place of each value among the levels; NaN for missing and for levels unknown."""
    if kind == "flag":
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
        return np.where(np.isin(values, (0.0, 1.0)), values, np.nan)
    place = {level: float(i) for i, level in enumerate(levels)}
    return np.array([np.nan if pd.isna(value) else place.get(str(value), np.nan) for value in column])


def _number(table: pd.DataFrame, code: NumberCode) -> Floats:
    if code.name not in table.columns:
        return np.full(len(table), np.nan)
    column = table[code.name]
    if code.levels:
        return _positions(column, code.levels, "ordinal")
    return np.asarray(pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64))


def _level(table: pd.DataFrame, code: LevelCode) -> Floats:
    if code.name not in table.columns:
        return np.full(len(table), np.nan)
    return _positions(table[code.name], code.levels, "flag" if code.levels == _FLAG else "category")
