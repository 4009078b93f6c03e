"""Columns of a cohort table as numbers for imputation, their standardised design, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.cohort.schema import kind_of
from osteon.core.errors import NotEnoughData, SchemaError

__all__ = ["Column", "columns_of", "design", "numbers", "redundant", "written"]

Floats = NDArray[np.float64]
MOST_LEVELS = 50
COPY = 0.995  # |correlation| from which two columns count as copies of each other


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """
    One column: its kind, its levels, and where its standardised form stands in the design.

    ``center`` and ``scale`` standardise numbers, flags and ordered levels; ``centers`` and ``scales`` the
    indicators of the levels of a category beyond the first.
    """

    name: str
    kind: str  # number, flag, ordinal, category, constant
    levels: tuple[Any, ...] = ()
    center: float = 0.0
    scale: float = 1.0
    centers: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    first: int = 0

    @property
    def width(self) -> int:
        """Design columns."""
        if self.kind == "constant":
            return 0
        return len(self.centers) if self.kind == "category" else 1

    @property
    def place(self) -> slice:
        """Where they stand."""
        return slice(self.first, self.first + self.width)

    def block(self, values: Floats) -> Floats:
        """Design columns of ``values``; a level that was not learned (-1) stands at the mean."""
        if self.kind != "category":
            return np.asarray((values - self.center) / self.scale)[:, None]
        hot = values[:, None] == np.arange(1, len(self.levels))
        block = (hot - np.array(self.centers)) / np.array(self.scales)
        block[values < 0] = 0.0
        return np.asarray(block)


def columns_of(table: pd.DataFrame) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """The columns of training rows, and a note for each that is constant."""
    if not table.columns.is_unique:
        raise SchemaError("imputation: a column name occurs twice.", hint="Rename or drop one of them.")
    if strange := [name for name in table.columns if not isinstance(name, str)]:
        raise SchemaError(f"imputation: column names {strange} are no text.", hint="Name the columns.")
    found, notes, first = [], [], 1
    for name in table.columns:
        column = _column(table[name], first)
        first += column.width
        found.append(column)
        if column.kind == "constant":
            notes.append(f"constant:{column.name}")
    return tuple(found), tuple(notes)


def _column(series: pd.Series, first: int) -> Column:
    """One training column."""
    name, kind = str(series.name), _kind(series)
    seen = series.dropna()
    if seen.empty:
        raise NotEnoughData(
            f"column {name!r} has no observed value in {len(series)} rows.",
            hint="Leave it out or collect it.",
        )
    levels = _levels(seen, kind)
    codes = _numbers(series, kind, levels)
    codes = codes[~np.isnan(codes)]
    if np.ptp(codes) == 0:
        return Column(name=name, kind="constant", levels=levels, center=float(codes[0]), first=first)
    if kind != "category":
        return Column(
            name=name,
            kind=kind,
            levels=levels,
            center=float(codes.mean()),
            scale=float(codes.std()),
            first=first,
        )
    hot = codes[:, None] == np.arange(1, len(levels))
    return Column(
        name=name,
        kind=kind,
        levels=levels,
        centers=tuple(hot.mean(axis=0).tolist()),
        scales=tuple(hot.std(axis=0).tolist()),
        first=first,
    )


def _kind(series: pd.Series) -> str:
    """number, flag, ordinal or category; dates and identifiers are refused."""
    if pd.api.types.is_datetime64_any_dtype(series.dtype) or pd.api.types.is_timedelta64_dtype(series.dtype):
        raise SchemaError(
            f"column {series.name!r} holds dates.", hint="Turn it into a number (days, years) or drop it."
        )
    return kind_of(series)


def _levels(seen: pd.Series, kind: str) -> tuple[Any, ...]:
    """Levels of a category (only those observed) or of an ordinal column (all, so that scores keep their distance)."""
    if kind not in ("category", "ordinal"):
        return ()
    if isinstance(seen.dtype, pd.CategoricalDtype):
        present = set(seen.unique())
        levels = [level for level in seen.cat.categories if kind == "ordinal" or level in present]
    else:
        levels = sorted(seen.unique(), key=str)
    if len(levels) > MOST_LEVELS:
        raise SchemaError(
            f"column {seen.name!r} has {len(levels)} levels, expected at most {MOST_LEVELS}.",
            hint="An identifier or free text cannot be imputed: drop it.",
        )
    return tuple(levels)


def _numbers(series: pd.Series, kind: str, levels: tuple[Any, ...]) -> Floats:
    """A column as floats: NaN is missing, -1 a level that was not learned."""
    if levels:
        known = pd.Index(levels, dtype=object)
        if isinstance(series.dtype, pd.CategoricalDtype):
            place = known.get_indexer(series.cat.categories.astype(object))
            codes = np.append(place, -1)[series.cat.codes.to_numpy()].astype(float)
        else:
            codes = known.get_indexer(series.astype(object)).astype(float)
        codes[series.isna().to_numpy()] = np.nan
        return np.asarray(codes)
    try:
        values = series.astype(float).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise SchemaError(f"column {series.name!r} holds text, expected numbers ({kind}).") from None
    if np.isinf(values).any():
        raise SchemaError(f"column {series.name!r} holds an infinite value.", hint="Set it to missing.")
    return np.asarray(values)


def numbers(table: pd.DataFrame, columns: tuple[Column, ...]) -> Floats:
    """The table as floats, one column each: levels as codes (-1 where not learned), NaN where missing."""
    return np.column_stack([_numbers(table[c.name], c.kind, c.levels) for c in columns])


def design(values: Floats, columns: tuple[Column, ...]) -> Floats:
    """Design rows of complete ``values``: an intercept and the standardised columns."""
    rows = np.ones((len(values), 1 + sum(column.width for column in columns)))
    for j, column in enumerate(columns):
        if column.width:
            rows[:, column.place] = column.block(values[:, j])
    return rows


def redundant(values: Floats, columns: tuple[Column, ...]) -> dict[int, int]:
    """Columns that nearly copy an earlier one, each with the one it copies (both observed in 10 rows or more)."""
    plain = [j for j, column in enumerate(columns) if column.kind in ("number", "flag", "ordinal")]
    seen = ~np.isnan(values[:, plain])
    z = np.where(
        seen, (values[:, plain] - [columns[j].center for j in plain]) / [columns[j].scale for j in plain], 0.0
    )
    s = seen.astype(float)
    n = np.maximum(s.T @ s, 1.0)
    mean = (z.T @ s) / n  # of column i over the rows where j is seen too
    spread = np.maximum((z * z).T @ s / n - mean**2, 0.0)
    shared = (z.T @ z) / n - mean * mean.T
    scale = np.sqrt(spread * spread.T)
    r = np.divide(np.abs(shared), scale, out=np.zeros_like(shared), where=scale > 0)
    twins: dict[int, int] = {}
    for i, j in zip(*np.nonzero(np.triu((r >= COPY) & (n >= 10), 1)), strict=True):
        if plain[i] not in twins:
            twins.setdefault(plain[j], plain[i])
    return twins


def written(
    table: pd.DataFrame, columns: tuple[Column, ...], filled: Floats, missing: NDArray[np.bool_]
) -> pd.DataFrame:
    """A copy of ``table`` whose missing cells hold ``filled``; complete columns stay as they are."""
    copy = table.copy()
    for j, column in enumerate(columns):
        holes = missing[:, j]
        if not holes.any():
            continue
        series = table[column.name]
        if not column.levels:
            copy[column.name] = np.where(
                holes, filled[:, j], series.astype(float).to_numpy(float, na_value=np.nan)
            )
            continue
        drawn = np.array(column.levels, dtype=object)[np.where(holes, filled[:, j], 0).astype(int)]
        values = pd.Series(np.where(holes, drawn, series.astype(object).to_numpy()), index=table.index)
        if isinstance(series.dtype, pd.CategoricalDtype):
            known = list(series.cat.categories)
            if not set(column.levels) <= set(known):
                known = [*column.levels, *(level for level in known if level not in column.levels)]
            values = values.astype(pd.CategoricalDtype(known, ordered=series.dtype.ordered))
        else:
            values = values.astype(series.dtype)
        copy[column.name] = values
    return copy
