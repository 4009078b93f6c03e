"""How strongly two columns of a cohort table go together, whatever their kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, f, rankdata

from osteon.cohort.schema import kind_of
from osteon.core.errors import NotEnoughData, SchemaError, ShapeError

__all__ = [
    "Association",
    "ColumnValues",
    "association",
    "associations",
    "binned",
    "column_values",
    "information",
    "outcome_series",
]

Floats = NDArray[np.float64]
Method = Literal["pearson", "spearman"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """
    Association of two columns on the rows where both are observed.

    ``value`` is a correlation (with sign), a correlation ratio or Cramer's V; ``f`` the F statistic of that share
    of explained variance; ``p`` the test of none (F, or chi-square for V). Undefined ones are 0 with p 1.
    """

    measure: Literal["pearson", "spearman", "eta", "cramers_v"]
    value: float
    f: float
    p: float
    n: int


class ColumnValues(NamedTuple):
    """A column as floats (levels as codes, NaN where missing) and its kind: number, flag or category."""

    kind: str
    values: Floats


def outcome_series(table: pd.DataFrame, y: ArrayLike, fewest: int) -> pd.Series:
    """The outcome as a complete, varying column beside ``table``."""
    outcome = y if isinstance(y, pd.Series) else pd.Series(np.asarray(y))
    if len(outcome) != len(table):
        raise ShapeError(f"table has {len(table)} rows and y has {len(outcome)}.")
    outcome = outcome.set_axis(table.index)
    if outcome.isna().any():
        raise SchemaError(
            f"y has {int(outcome.isna().sum())} missing value(s).", hint="Leave those rows out."
        )
    if len(outcome) < fewest or outcome.nunique() < 2:
        raise NotEnoughData(
            f"{len(outcome)} rows with {outcome.nunique()} value(s) of y, expected {fewest} and 2."
        )
    return outcome


def associations(table: pd.DataFrame, other: pd.Series, *, method: Method) -> dict[str, Association]:
    """The association of every column of ``table`` with ``other``, by column name."""
    values = column_values(other)
    return {
        str(name): association(column_values(table[name]), values, method=method) for name in table.columns
    }


def association(a: ColumnValues, b: ColumnValues, *, method: Method) -> Association:
    """The association of two columns: correlation, correlation ratio or Cramer's V by their kinds."""
    both = ~(np.isnan(a.values) | np.isnan(b.values))
    x, y = a.values[both], b.values[both]
    kinds = {a.kind, b.kind}
    if "category" not in kinds:
        return _correlation(x, y, method)
    if "number" in kinds:
        return _ratio(x, y) if a.kind == "category" else _ratio(y, x)
    return _cramer(x, y)


def column_values(series: pd.Series) -> ColumnValues:
    """A column made ready for :func:`association`."""
    kind = kind_of(series)
    return ColumnValues("number" if kind == "ordinal" else kind, _values(series))


def _values(series: pd.Series) -> Floats:
    """Numbers as they are, levels as codes, NaN where missing."""
    if kind_of(series) in ("category", "ordinal"):
        codes = pd.Categorical(series).codes.astype(float)
        codes[codes < 0] = np.nan
        return np.asarray(codes)
    return np.asarray(series.astype(float).to_numpy(dtype=float, na_value=np.nan))


def _correlation(x: Floats, y: Floats, method: Method) -> Association:
    """Pearson's or Spearman's correlation."""
    n = len(x)
    if n < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Association(measure=method, value=0.0, f=0.0, p=1.0, n=n)
    if method == "spearman":
        x, y = rankdata(x), rankdata(y)
    x, y = x - x.mean(), y - y.mean()
    r = float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))
    statistic, p = _f_test(r * r, 1, n - 2)
    return Association(measure=method, value=r, f=statistic, p=p, n=n)


def _ratio(classes: Floats, numbers: Floats) -> Association:
    """Correlation ratio: the root of the share of a number's variance that lies between classes."""
    n = len(numbers)
    labels, codes = np.unique(classes, return_inverse=True)
    k = len(labels)
    if k < 2 or n <= k or np.ptp(numbers) == 0:
        return Association(measure="eta", value=0.0, f=0.0, p=1.0, n=n)
    counts = np.bincount(codes)
    means = np.bincount(codes, weights=numbers) / counts
    total = float(((numbers - numbers.mean()) ** 2).sum())
    share = min(float((counts * (means - numbers.mean()) ** 2).sum()) / total, 1.0)
    statistic, p = _f_test(share, k - 1, n - k)
    return Association(measure="eta", value=float(np.sqrt(share)), f=statistic, p=p, n=n)


def _cramer(x: Floats, y: Floats) -> Association:
    """Cramer's V of two columns of classes."""
    n = len(x)
    a, b = np.unique(x, return_inverse=True)[1], np.unique(y, return_inverse=True)[1]
    rows, columns = (int(codes.max()) + 1 if n else 0 for codes in (a, b))
    if min(rows, columns) < 2:
        return Association(measure="cramers_v", value=0.0, f=0.0, p=1.0, n=n)
    table = np.zeros((rows, columns))
    np.add.at(table, (a, b), 1.0)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / n
    statistic = float(((table - expected) ** 2 / expected).sum())
    share = min(statistic / (n * (min(rows, columns) - 1)), 1.0)
    free = (rows - 1) * (columns - 1)
    between = min(rows, columns) - 1
    return Association(
        measure="cramers_v",
        value=float(np.sqrt(share)),
        f=_f_test(share, between, max(n - between - 1, 1))[0],
        p=float(chi2.sf(statistic, free)),
        n=n,
    )


def _f_test(share: float, between: int, within: int) -> tuple[float, float]:
    """F statistic and p of a share of explained variance."""
    share = min(share, 1 - 1e-15)
    statistic = share / (1 - share) * within / between
    return statistic, float(f.sf(statistic, between, within))


def binned(series: pd.Series) -> NDArray[np.intp]:
    """States of a column: levels as they are, numbers cut at the mean +- half a deviation; -1 is missing."""
    values = _values(series)
    missing = np.isnan(values)
    if kind_of(series) == "number":
        mean, half = np.nanmean(values), np.nanstd(values) / 2
        values = np.where(
            missing, np.nan, np.searchsorted([mean - half, mean + half], np.where(missing, mean, values))
        )
    states = np.full(len(values), -1, dtype=np.intp)
    states[~missing] = np.unique(values[~missing], return_inverse=True)[1]
    return states


def information(series: pd.Series, outcome: pd.Series, *, seed: int) -> float:
    """Mutual information of a column with the outcome in nats, from nearest neighbours where one is a number."""
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    seen = series.notna().to_numpy()
    x, y = _values(series)[seen], _values(outcome)[seen]
    discrete = kind_of(series) != "number"
    if len(x) < 10 or np.ptp(y) == 0 or np.ptp(x) == 0:
        return 0.0
    estimate = mutual_info_regression if kind_of(outcome) == "number" else mutual_info_classif
    found = estimate(x[:, None], y, discrete_features=[discrete], random_state=seed)
    return float(found[0])
