"""
Complete rows as numbers for a model: z-scores, one-hot levels, restricted cubic splines.

What is learned comes from training rows alone and is plain data.

Note codes: ``unknown-level:<column>:<level>:<n>`` (a level absent from training, all its indicators are 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from osteon.cohort.schema import kind_of
from osteon.core.errors import ConfigError, NotEnoughData, SchemaError

__all__ = ["ColumnCode", "Encoder", "fit_encoder", "knot_positions", "spline_basis"]

Floats = NDArray[np.float64]
HARRELL: Mapping[int, tuple[float, ...]] = {
    3: (0.10, 0.5, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.5, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.5, 0.6583, 0.8167, 0.975),
}


def knot_positions(x: ArrayLike, *, k: int) -> tuple[float, ...]:
    """
    Knots of a restricted cubic spline at the recommended quantiles of the observed values.

    Parameters
    ----------
    x : array_like
        Training values; missing ones are left out.
    k : int, 3 to 7
        Number of knots.

    Raises
    ------
    ConfigError
        ``k`` is outside 3 to 7.
    NotEnoughData
        Two knots coincide, because the values are too few or too often equal.

    Source
    ------
    Harrell (2015), Regression Modeling Strategies, 2nd ed., table 2.3.

    Examples
    --------
    >>> knot_positions(range(101), k=4)
    (5.0, 35.0, 65.0, 95.0)
    """
    if k not in HARRELL:
        raise ConfigError(f"{k} knots, expected 3 to 7.")
    values = np.asarray(x, dtype=float)
    values = values[~np.isnan(values)]
    knots = np.quantile(values, HARRELL[k]) if len(values) else np.zeros(k)
    if (np.diff(knots) <= 0).any():
        raise NotEnoughData(
            f"{k} knots of {len(values)} values coincide: {knots.tolist()}.",
            hint="Use fewer knots or a linear term.",
        )
    return tuple(knots.tolist())


def spline_basis(x: ArrayLike, *, knots: tuple[float, ...]) -> Floats:
    """
    Restricted cubic spline terms: the value itself and ``k - 2`` curved terms, linear beyond the outer knots.

    Parameters
    ----------
    x : array_like, shape (n,)
        Values.
    knots : tuple of float
        Ascending, at least 3.

    Returns
    -------
    array, shape (n, k - 1)
        Curved terms are divided by the squared distance of the outer knots, so all are in the units of ``x``.

    Source
    ------
    Devlin & Weeks (1986); Harrell (2015), Regression Modeling Strategies, 2nd ed., equation 2.25 (with the
    division by the squared distance that Hmisc makes its default).

    Examples
    --------
    >>> spline_basis([2.0, 6.0], knots=(0.0, 2.0, 4.0)).round(3).tolist()
    [[2.0, 0.5], [6.0, 6.0]]
    """
    values, t = np.asarray(x, dtype=float), np.asarray(knots, dtype=float)
    if len(t) < 3 or (np.diff(t) <= 0).any():
        raise ConfigError(f"knots {list(knots)}, expected at least 3 in ascending order.")
    cube = np.maximum(values[:, None] - t, 0.0) ** 3
    last, before = t[-1], t[-2]
    curved = (
        cube[:, :-2]
        - cube[:, -2:-1] * (last - t[:-2]) / (last - before)
        + cube[:, -1:] * (before - t[:-2]) / (last - before)
    ) / (last - t[0]) ** 2
    return np.column_stack([values, curved])


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCode:
    """How one column becomes numbers: levels of a category, knots of a spline, mean and deviation of each term."""

    name: str
    kind: Literal["number", "flag", "category", "ordinal"]
    levels: tuple[str, ...] = ()
    knots: tuple[float, ...] = ()
    means: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    reference: bool = False

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the encoded columns, e.g. ``sex=male`` or ``age_years'``."""
        if self.kind == "category":
            return tuple(f"{self.name}={level}" for level in self.levels[int(self.reference) :])
        return tuple(self.name + "'" * i for i in range(max(len(self.knots) - 1, 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A learned encoding of columns; ``unknown`` says what happens to a level absent from training."""

    columns: tuple[ColumnCode, ...]
    unknown: Literal["zeros", "refuse"] = "zeros"

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the tables that go in."""
        return tuple(code.name for code in self.columns)

    @property
    def terms(self) -> tuple[str, ...]:
        """The columns of the tables that come out."""
        return tuple(term for code in self.columns for term in code.terms)

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """
        The encoded rows: float64, complete, same index.

        Raises
        ------
        SchemaError
            A column is absent, a cell is missing, text stands where numbers were learned, or (``unknown="refuse"``)
            a level is new.
        """
        absent = [name for name in self.names if name not in table.columns]
        if absent:
            raise SchemaError(f"encoder: columns absent: {', '.join(absent)}.")
        holes = table[list(self.names)].isna().sum()
        if holes.any():
            found = ", ".join(f"{name} ({n})" for name, n in holes[holes > 0].items())
            raise SchemaError(f"encoder: missing values in {found}.", hint="Impute before encoding.")
        if self.unknown == "refuse" and (notes := self.notes(table)):
            raise SchemaError(f"encoder: levels absent from training: {', '.join(notes)}.")
        blocks = [_block(table[code.name], code) for code in self.columns]
        return pd.DataFrame(
            np.hstack([np.empty((len(table), 0)), *blocks]), index=table.index, columns=list(self.terms)
        )

    def notes(self, table: pd.DataFrame) -> tuple[str, ...]:
        """One code per level of ``table`` that training did not have, with its count."""
        found = []
        for code in self.columns:
            if code.kind in ("category", "ordinal") and code.levels:
                text = table[code.name].dropna().astype(str)
                counts = text[~text.isin(code.levels)].value_counts(sort=False)
                found += [f"unknown-level:{code.name}:{level}:{n}" for level, n in sorted(counts.items())]
        return tuple(found)


def fit_encoder(
    table: pd.DataFrame,
    *,
    knots: Mapping[str, int] | None = None,
    scale: bool = True,
    reference: bool = False,
    unknown: Literal["zeros", "refuse"] = "zeros",
) -> Encoder:
    """
    Learn from training rows how columns become numbers.

    Parameters
    ----------
    table : DataFrame
        Training rows. Missing cells are left out of means, deviations, levels and knots.
    knots : mapping of str to int, optional
        Columns to be bent by a restricted cubic spline, with 3 to 7 knots.
    scale : bool
        Divide numbers, scores and spline terms into z-scores (training mean and standard deviation). Flags and
        indicators stay 0/1.
    reference : bool
        Leave out the indicator of the first level of each category, for regressions without penalty.
    unknown : {"zeros", "refuse"}
        A level absent from training gets zeros in all indicators, or is refused.

    Raises
    ------
    NotEnoughData
        A column has no observed value, or its knots coincide.
    ConfigError
        ``knots`` names an absent column or one that is no number.
    """
    knots = dict(knots or {})
    absent = [name for name in knots if name not in table.columns]
    if absent:
        raise ConfigError(f"knots for columns that are absent: {', '.join(absent)}.")
    codes = [
        _fitted(table[name], k=knots.get(str(name)), scale=scale, reference=reference)
        for name in table.columns
    ]
    return Encoder(columns=tuple(codes), unknown=unknown)


def _fitted(series: pd.Series, *, k: int | None, scale: bool, reference: bool) -> ColumnCode:
    """The code of one training column."""
    name, kind, seen = str(series.name), kind_of(series), series.dropna()
    if seen.empty:
        raise NotEnoughData(
            f"column {name!r} has no observed value in {len(series)} rows.", hint="Leave it out."
        )
    if k is not None and kind != "number":
        raise ConfigError(f"knots for column {name!r}, which is a {kind}.", hint="Only numbers can be bent.")
    if kind == "category":
        return ColumnCode(name=name, kind=kind, levels=_observed_levels(seen), reference=reference)
    levels = tuple(map(str, seen.cat.categories)) if kind == "ordinal" else ()
    code = ColumnCode(
        name=name, kind=kind, levels=levels, knots=knot_positions(_floats(seen, name), k=k) if k else ()
    )
    if not scale or kind == "flag":
        return code
    raw = _raw(seen, code)
    spread = raw.std(axis=0, ddof=1) if len(raw) > 1 else np.zeros(raw.shape[1])
    scales = np.where(spread > 0, spread, 1.0)  # a constant column becomes zeros
    return ColumnCode(
        name=name,
        kind=kind,
        levels=levels,
        knots=code.knots,
        means=tuple(raw.mean(axis=0).tolist()),
        scales=tuple(scales.tolist()),
    )


def _observed_levels(seen: pd.Series) -> tuple[str, ...]:
    """Levels that occur, in the order of the category or of the alphabet."""
    text = seen.astype(str)
    present = set(text.unique())
    known = map(str, seen.cat.categories) if isinstance(seen.dtype, pd.CategoricalDtype) else sorted(present)
    return tuple(level for level in known if level in present)


def _block(series: pd.Series, code: ColumnCode) -> Floats:
    """Encoded columns of one complete column."""
    if code.kind == "category":
        levels = np.array(code.levels[int(code.reference) :], dtype=object)
        return np.asarray(series.astype(str).to_numpy(dtype=object)[:, None] == levels[None, :], dtype=float)
    raw = _raw(series, code)
    return (raw - np.array(code.means)) / np.array(code.scales) if code.means else raw


def _raw(series: pd.Series, code: ColumnCode) -> Floats:
    """Terms of a number, flag or ordered level before scaling; a new ordered level has the training mean."""
    if code.kind == "ordinal":
        score = {level: float(i) for i, level in enumerate(code.levels)}
        middle = code.means[0] if code.means else (len(code.levels) - 1) / 2
        return np.array([[score.get(level, middle)] for level in series.astype(str)]).reshape(-1, 1)
    values = _floats(series, code.name)
    return spline_basis(values, knots=code.knots) if code.knots else values[:, None]


def _floats(series: pd.Series, name: str) -> Floats:
    """A complete column as floats."""
    try:
        return np.asarray(series.astype(float).to_numpy(dtype=float))
    except (TypeError, ValueError):
        raise SchemaError(f"column {name!r} holds text, expected numbers.") from None
