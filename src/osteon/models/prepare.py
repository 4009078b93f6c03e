"""
Training rows made complete, and everything needed to complete other rows in the same way.

Note code: ``uninformative:COLUMN`` (absent or constant in training, left out).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.cohort.impute import ImputeOptions, Imputer, fit_imputer
from osteon.core.errors import NotEnoughData, SchemaError
from osteon.core.seeds import stream

__all__ = ["Prepared", "Range", "known_part", "part", "prepared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What training saw of one predictor: lowest and highest number, or the levels of a category."""

    low: float = np.nan
    high: float = np.nan
    levels: tuple[str, ...] = ()

    def outside(self, column: pd.Series) -> NDArray[np.bool_]:
        """Which observed values lie outside."""
        if self.levels:
            known = column.astype("object").map(lambda value: str(value) in self.levels, na_action="ignore")
            unseen: NDArray[np.bool_] = (column.notna() & (known != True)).to_numpy()  # noqa: E712
            return unseen
        value = column.to_numpy(dtype=np.float64)
        beyond: NDArray[np.bool_] = (value < self.low) | (value > self.high)
        return beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Training rows made complete, with what is needed to complete other rows in the same way."""

    predictors: tuple[str, ...]
    used: tuple[str, ...]
    ranges: Mapping[str, Range]
    imputer: Imputer
    rows: pd.DataFrame
    copies: tuple[pd.DataFrame, ...]
    notes: tuple[str, ...]


def prepared(
    table: pd.DataFrame, predictors: tuple[str, ...], *, impute: ImputeOptions, seed: int
) -> Prepared:
    """
    Imputation learned from, and applied to, training rows; shared by all models with the same predictors.

    The outcome takes no part, so that a new patient, whose outcome is unknown, is filled in the same way.

    Raises
    ------
    SchemaError
        A predictor is absent, or holds text or dates.
    NotEnoughData
        No predictor varies.
    """
    rows = part(table, predictors)
    used = tuple(name for name in predictors if rows[name].nunique(dropna=True) > 1)
    if not used:
        raise NotEnoughData(f"None of {len(predictors)} predictors varies in {len(rows)} training rows.")
    ranges = {name: _range(rows[name]) for name in used}
    rows = known_part(rows, used, ranges)
    imputer = fit_imputer(rows, options=impute, rng=stream(seed, "impute"))
    return Prepared(
        predictors=predictors,
        used=used,
        ranges=ranges,
        imputer=imputer,
        rows=rows,
        copies=imputer.transform(rows, rng=stream(seed, "complete")),
        notes=tuple(f"uninformative:{name}" for name in predictors if name not in used),
    )


def part(table: pd.DataFrame, predictors: Sequence[str]) -> pd.DataFrame:
    """The predictors' columns, refusing a table that lacks one."""
    absent = [name for name in predictors if name not in table.columns]
    if absent:
        raise SchemaError(
            f"The table lacks the predictor {absent[0]!r} ({len(absent)} of {len(predictors)} absent).",
            hint="Add the column; leave its cells empty where the value is unknown.",
        )
    return table[list(predictors)]


def known_part(table: pd.DataFrame, used: Sequence[str], ranges: Mapping[str, Range]) -> pd.DataFrame:
    """The used columns; a level that training did not see counts as missing."""
    rows = part(table, used).copy()
    for name in used:
        levels = ranges[name].levels
        if levels:
            ordered = bool(getattr(rows[name].dtype, "ordered", False))
            text = rows[name].astype("object").map(str, na_action="ignore")
            rows[name] = pd.Categorical(
                text.where(text.isin(levels)), categories=list(levels), ordered=ordered
            )
    return rows


def _range(column: pd.Series) -> Range:
    if isinstance(column.dtype, pd.CategoricalDtype):
        seen = set(column.dropna().astype(str))
        return Range(levels=tuple(str(level) for level in column.cat.categories if str(level) in seen))
    if not pd.api.types.is_numeric_dtype(column):
        raise SchemaError(f"Predictor {column.name!r} holds {column.dtype}, expected numbers or categories.")
    return Range(low=float(column.min()), high=float(column.max()))
