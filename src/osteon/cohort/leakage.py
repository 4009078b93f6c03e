"""
The leakage guard: predictors that are, define, follow or copy the outcome, by what is known and by what is found.

Reason codes, strongest first:

* ``defines_outcome``    the outcome is made from it, or it was told because of it (leakage.toml)
* ``after_outcome``      it is known only after the index date (schema or leakage.toml)
* ``identifier``         it names people, or numbers rows
* ``copy_of``            it repeats the outcome, up to recoding, or the BMD behind a T-score that defines it
* ``reproduces_outcome`` one threshold, or each of its values, tells the outcome of (nearly) everyone
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from osteon.cohort.schema import schema
from osteon.core.config import read_toml
from osteon.core.errors import LeakageError, SchemaError

__all__ = ["AUC_LIMIT", "Leak", "copies", "guard", "leaks"]

#: A single predictor at or above this AUC is the outcome in disguise: no honest one comes near.
AUC_LIMIT = 0.999
_SETTLED = 0.95  # share of both classes, each counted alike, that one rule gets right
_MIN_ROWS = 10
_MIN_CLASS = 5  # below, chance alone separates
_MIN_CLASS_RULE = 10  # an interval or a lookup fits small classes too easily


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A predictor that must not be used, why (a reason code), and the evidence."""

    predictor: str
    why: str
    evidence: str = ""

    def __str__(self) -> str:
        return f"{self.predictor} ({self.why}{': ' + self.evidence if self.evidence else ''})"


@cache
def _ties() -> Mapping[str, Any]:
    return read_toml(Path(str(files("osteon.cohort"))) / "leakage.toml")


def leaks(table: pd.DataFrame, outcome: str, predictors: Iterable[str]) -> tuple[Leak, ...]:
    """
    Predictors that give the outcome away, one reason each.

    Parameters
    ----------
    table : DataFrame, one row per person
    outcome : str
        A column of ``table``; rows where it is missing are not used.
    predictors : iterable of str
        Columns of ``table``.

    Raises
    ------
    SchemaError
        The outcome or a predictor is no column of the table.

    Examples
    --------
    >>> people = pd.DataFrame({"t_femoral_neck": [-3.0, -2.6, -1.0, 0.0], "age_years": [70.0, 61.0, 66.0, 72.0]})
    >>> people["osteoporosis_fn"] = (people["t_femoral_neck"] <= -2.5).astype(float)
    >>> [(leak.predictor, leak.why) for leak in leaks(people, "osteoporosis_fn", ["age_years", "t_femoral_neck"])]
    [('t_femoral_neck', 'defines_outcome')]
    """
    names = list(dict.fromkeys(predictors))
    lacking = [name for name in (outcome, *names) if name not in table.columns]
    if lacking:
        raise SchemaError(
            f"the table has no column {lacking[0]!r}.", hint=f"It has {', '.join(map(str, table.columns))}."
        )
    found = (_leak(table, outcome, name) for name in names)
    return tuple(leak for leak in found if leak is not None)


def guard(
    table: pd.DataFrame, outcome: str, predictors: Iterable[str], *, allow_leakage: bool = False
) -> tuple[Leak, ...]:
    """
    The leaks among the predictors; refused unless the caller says that leakage is wanted.

    Raises
    ------
    LeakageError
        There is one and ``allow_leakage`` is false; all are listed.
    """
    found = leaks(table, outcome, predictors)
    if found and not allow_leakage:
        raise LeakageError(
            f"{outcome} would be predicted from itself: {'; '.join(map(str, found))}.",
            hint="Leave these out, or set allow_leakage to show what leakage does.",
        )
    return found


def _leak(table: pd.DataFrame, outcome: str, name: str) -> Leak | None:
    """The strongest reason against one predictor."""
    if name == outcome:
        return Leak(predictor=name, why="copy_of", evidence=outcome)
    tie = _ties()["outcome"].get(outcome, {})
    if _matches(name, tie.get("defines", ())):
        return Leak(predictor=name, why="defines_outcome")
    field = schema().fields.get(name)
    if _matches(name, tie.get("after", ())) or (field and field.after_baseline):
        return Leak(predictor=name, why="after_outcome")
    if field is None and _by_name(name, tie.get("defines", ())):
        return Leak(
            predictor=name, why="defines_outcome", evidence=f"header means {_by_name(name, tie['defines'])}"
        )
    if field is not None and (field.kind == "id" or field.modality == "key"):
        return Leak(predictor=name, why="identifier")
    both = table[[name, outcome]].dropna()
    return _found(both[name], both[outcome], known=field is not None)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(name.startswith(p[:-1]) if p.endswith("*") else name == p for p in patterns)


def _by_name(header: str, patterns: Sequence[str]) -> str:
    """The defining column that a foreign header means ("股骨颈T值"), or nothing."""
    found = schema().find(header)
    return found[0].name if found is not None and _matches(found[0].name, patterns) else ""


def _found(predictor: pd.Series, outcome: pd.Series, *, known: bool) -> Leak | None:
    """What the numbers alone say, on rows where both are known."""
    name, target = str(predictor.name), str(outcome.name)
    x = _as_numbers(predictor)
    if not known and _numbers_rows(predictor, x):
        return Leak(predictor=name, why="identifier", evidence="one value per row")
    if len(predictor) < _MIN_ROWS:
        return None
    levels = pd.unique(outcome)
    if len(levels) == 2:
        y = (outcome == max(levels)).to_numpy()
        if min(y.sum(), (~y).sum()) < _MIN_CLASS:
            return None
        return _reproduces_classes(name, target, x, y, predictor)
    if pd.api.types.is_numeric_dtype(outcome.dtype) and x is not None and len(levels) > 2:
        return _reproduces_number(name, target, x, outcome.to_numpy(dtype=float))
    return None


def _as_numbers(column: pd.Series) -> NDArray[np.float64] | None:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return np.asarray(column, dtype=np.float64)
    return None


def _numbers_rows(predictor: pd.Series, x: NDArray[np.float64] | None) -> bool:
    """A column unknown to the schema that names each row: text or whole numbers, never twice the same."""
    n = len(predictor)
    if n < _MIN_ROWS or predictor.nunique() < n:
        return False
    if x is None:
        return True
    steps = np.diff(x)
    whole = bool((x == np.round(x)).all())
    return whole and bool((steps > 0).all() or (steps < 0).all() or (x.max() - x.min() == n - 1))


def _reproduces_classes(
    name: str, target: str, x: NDArray[np.float64] | None, y: NDArray[np.bool_], predictor: pd.Series
) -> Leak | None:
    """Recoded copy, perfect ranking, one interval, or a lookup of few values."""
    values = pd.factorize(predictor)[0]
    n_values = values.max() + 1
    per_value = np.vstack(
        [np.bincount(values[~y], minlength=n_values), np.bincount(values[y], minlength=n_values)]
    )
    if n_values == 2 and per_value.min(axis=0).sum() == 0:
        return Leak(predictor=name, why="copy_of", evidence=target)
    if x is not None:
        auc = _auc(x, y)
        if max(auc, 1 - auc) >= AUC_LIMIT:
            return Leak(predictor=name, why="reproduces_outcome", evidence=f"AUC {max(auc, 1 - auc):.4f}")
    if min(y.sum(), (~y).sum()) < _MIN_CLASS_RULE:
        return None
    settled = _settled_by_interval(x, y) if x is not None else 0.0
    if n_values <= max(2, len(y) // 20):  # few values, each seen often: a lookup table
        shares = per_value / per_value.sum(axis=1, keepdims=True)
        settled = max(settled, 1 - float(shares.min(axis=0).sum()) / 2)
    if settled >= _SETTLED:
        return Leak(
            predictor=name, why="reproduces_outcome", evidence=f"settles {settled:.1%} of both classes"
        )
    return None


def _auc(x: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """The share of pairs (case, non-case) that the case wins, ties half."""
    ranks = rankdata(x)
    cases, others = int(y.sum()), int((~y).sum())
    return float((ranks[y].sum() - cases * (cases + 1) / 2) / (cases * others))


def _settled_by_interval(x: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """Balanced accuracy of the best rule "inside an interval" or "outside": a threshold is the simplest."""
    levels, place = np.unique(x, return_inverse=True)
    cases = np.bincount(place, weights=y, minlength=len(levels)) / y.sum()
    others = np.bincount(place, weights=~y, minlength=len(levels)) / (~y).sum()
    run = np.concatenate([[0.0], np.cumsum(cases - others)])
    inside = float(np.max(run - np.minimum.accumulate(run)))
    outside = float(np.max(np.maximum.accumulate(run) - run))
    return 0.5 + max(inside, outside) / 2


def _reproduces_number(name: str, target: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> Leak | None:
    """A straight line, or any monotone function without a step back."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    straight = abs(float(np.corrcoef(x, y)[0, 1])) >= 1 - 1e-9
    rank = abs(float(np.corrcoef(rankdata(x), rankdata(y))[0, 1]))
    if straight:
        return Leak(predictor=name, why="copy_of", evidence=target)
    if rank >= AUC_LIMIT:
        return Leak(predictor=name, why="reproduces_outcome", evidence=f"rank correlation {rank:.4f}")
    return None


def copies(table: pd.DataFrame, predictors: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """
    Pairs of predictors that are one measurement: a BMD and its T-score, or two columns on a straight line.

    Parameters
    ----------
    table : DataFrame
    predictors : sequence of columns

    Examples
    --------
    >>> people = pd.DataFrame({"height_cm": [160.0, 171.5, 158.2], "height_m": [1.60, 1.715, 1.582]})
    >>> copies(people, ["height_cm", "height_m"])
    (('height_cm', 'height_m'),)
    """
    known = [set(group) for group in _ties()["same"].values()]
    columns = {name: _as_numbers(table[name]) for name in predictors}
    found = []
    for i, first in enumerate(predictors):
        for second in predictors[i + 1 :]:
            a, b = columns[first], columns[second]
            if any({first, second} <= group for group in known):
                found.append((first, second))
            elif a is not None and b is not None:
                both = ~(np.isnan(a) | np.isnan(b))
                if both.sum() > 2 and _one_line(a[both], b[both]):
                    found.append((first, second))
            elif table[first].equals(table[second]):
                found.append((first, second))
    return tuple(found)


def _one_line(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return False
    return abs(float(np.corrcoef(a, b)[0, 1])) >= 1 - 1e-12
