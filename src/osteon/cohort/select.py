"""
Which predictors to keep, by filters that fit no learner: redundancy, relation with the outcome, information, mRMR.

Call these inside the resampling, on training rows only: a filter that saw the test rows flatters the model.

Reason codes of a dropped column: ``constant``, ``redundant-with:<column>``, ``weak-association``,
``not-significant``, ``low-information``, ``beyond-top:<k>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from osteon.cohort.associate import (
    association,
    associations,
    binned,
    column_values,
    information,
    outcome_series,
)
from osteon.core.errors import ConfigError, NotEnoughData

__all__ = ["Dropped", "Selection", "correlated_columns", "mrmr", "mutual_information", "outcome_correlation"]

FEWEST = 10  # rows observed in both columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A column left out: why (a code), and the value that decided."""

    name: str
    reason: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """
    Columns kept and dropped.

    ``kept`` stands in the order of the table, or best first for a ranking (mRMR, information); ``scores`` holds
    the measure of every column that could be judged.
    """

    kept: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    scores: Mapping[str, float]
    n: int
    notes: tuple[str, ...] = field(default=())


def correlated_columns(
    table: pd.DataFrame,
    y: ArrayLike,
    *,
    threshold: float = 0.8,
    method: Literal["pearson", "spearman"] = "pearson",
) -> Selection:
    """
    Of two columns that say nearly the same, keep the one more strongly related to the outcome.

    Parameters
    ----------
    table : DataFrame
        Predictors; pairs are judged on the rows where both are observed.
    y : array_like, shape (n,)
        Outcome: classes, flags or numbers.
    threshold : float in (0, 1]
        Absolute association from which two columns count as redundant.
    method : {"pearson", "spearman"}
        Correlation of numbers, flags and ordered levels. A category is compared with a number by the correlation
        ratio, with a category or flag by Cramer's V.

    Returns
    -------
    Selection
        ``scores`` is the absolute association with the outcome; a dropped column's value is its association with
        the column that stays.
    """
    _fraction(threshold, "threshold")
    outcome = outcome_series(table, y, FEWEST)
    constant, names = _constants(table)
    with_y = {
        name: abs(found.value) for name, found in associations(table[names], outcome, method=method).items()
    }
    between = _pairwise(table[names], method)
    gone: dict[str, Dropped] = {}
    for value, i, j in sorted(between, key=lambda pair: (-pair[0], pair[1], pair[2])):
        a, b = names[i], names[j]
        if value < threshold or a in gone or b in gone:
            continue
        weak, strong = (a, b) if with_y[a] < with_y[b] else (b, a)
        gone[weak] = Dropped(name=weak, reason=f"redundant-with:{strong}", value=value)
    kept = tuple(name for name in names if name not in gone)
    return Selection(kept=kept, dropped=(*constant, *gone.values()), scores=with_y, n=len(table))


def outcome_correlation(
    table: pd.DataFrame,
    y: ArrayLike,
    *,
    threshold: float = 0.1,
    alpha: float = 0.05,
    method: Literal["pearson", "spearman"] = "pearson",
) -> Selection:
    """
    Keep the columns related to the outcome: |association| at least ``threshold`` and p below ``alpha``.

    Parameters
    ----------
    table : DataFrame
        Predictors.
    y : array_like, shape (n,)
        Outcome: classes, flags or numbers.
    threshold : float
        Least absolute association.
    alpha : float
        Largest p, not corrected for the number of columns.
    method : {"pearson", "spearman"}
        As in :func:`correlated_columns`.

    Returns
    -------
    Selection
        ``scores`` is the association with the outcome, with its sign where it has one.
    """
    _fraction(alpha, "alpha")
    outcome = outcome_series(table, y, FEWEST)
    constant, names = _constants(table)
    found = associations(table[names], outcome, method=method)
    dropped = list(constant)
    for name, link in found.items():
        if abs(link.value) < threshold:
            dropped.append(Dropped(name=name, reason="weak-association", value=link.value))
        elif not link.p < alpha:
            dropped.append(Dropped(name=name, reason="not-significant", value=link.p))
    gone = {entry.name for entry in dropped}
    return Selection(
        kept=tuple(name for name in names if name not in gone),
        dropped=tuple(dropped),
        scores={name: link.value for name, link in found.items()},
        n=len(table),
    )


def mutual_information(
    table: pd.DataFrame, y: ArrayLike, *, keep: int | None = None, least: float = 0.0, seed: int
) -> Selection:
    """
    Rank columns by how much they tell about the outcome, in any form of relation.

    Parameters
    ----------
    table : DataFrame
        Predictors; each is judged on its observed rows.
    y : array_like, shape (n,)
        Outcome: classes or flags, or numbers.
    keep : int, optional
        Keep the best ``keep`` columns; all above ``least`` when not given.
    least : float, nats
        Columns at or below are dropped.
    seed : int
        The estimate adds a little noise to numbers; equal seeds give equal ranks.

    Returns
    -------
    Selection
        ``kept`` best first; ``scores`` in nats.

    Source
    ------
    Kraskov, Stoegbauer & Grassberger (2004), Phys Rev E 69:066138; Ross (2014), PLoS ONE 9:e87357.
    """
    outcome = outcome_series(table, y, FEWEST)
    constant, names = _constants(table)
    scores = {name: information(table[name], outcome, seed=seed) for name in names}
    ranked = sorted(names, key=lambda name: -scores[name])
    kept = [name for name in ranked if scores[name] > least]
    dropped = [
        Dropped(name=n, reason="low-information", value=scores[n]) for n in ranked if scores[n] <= least
    ]
    if keep is not None:
        _positive(keep)
        dropped += [Dropped(name=n, reason=f"beyond-top:{keep}", value=scores[n]) for n in kept[keep:]]
        kept = kept[:keep]
    return Selection(kept=tuple(kept), dropped=(*constant, *dropped), scores=scores, n=len(table))


def mrmr(table: pd.DataFrame, y: ArrayLike, *, keep: int, scheme: Literal["FCD", "MID"] = "FCD") -> Selection:
    """
    Choose columns one by one: the most related to the outcome and the least like those already chosen.

    Parameters
    ----------
    table : DataFrame
        Predictors.
    y : array_like, shape (n,)
        Outcome: classes, flags or numbers.
    keep : int
        How many to choose.
    scheme : {"FCD", "MID"}
        Difference of F statistic and mean absolute correlation, or of mutual informations (numbers cut at the
        mean plus and minus half a standard deviation).

    Returns
    -------
    Selection
        ``kept`` in the order chosen; ``scores`` is the criterion at the moment of choice, for those left out at
        the end.

    Source
    ------
    Ding & Peng (2005), J Bioinform Comput Biol 3:185-205, tables 1 and 2 (FCD for numbers, MID for states).
    """
    _positive(keep)
    if scheme not in ("FCD", "MID"):
        raise ConfigError(f"scheme is {scheme!r}, expected 'FCD' or 'MID'.")
    outcome = outcome_series(table, y, FEWEST)
    constant, names = _constants(table)
    states = {name: binned(table[name]) for name in names}
    if scheme == "FCD":
        relevance = {
            name: link.f for name, link in associations(table[names], outcome, method="pearson").items()
        }
    else:
        target = binned(outcome)
        relevance = {name: _shared(states[name], target) for name in names}
    chosen: list[str] = []
    scores = dict(relevance)
    likeness = dict.fromkeys(names, 0.0)
    while len(chosen) < min(keep, len(names)):
        left = [name for name in names if name not in chosen]
        for name in left:
            scores[name] = relevance[name] - (likeness[name] / len(chosen) if chosen else 0.0)
        best = max(left, key=lambda name: scores[name])
        chosen.append(best)
        others = [name for name in left if name != best]
        if scheme == "FCD":
            for name, link in associations(table[others], table[best], method="pearson").items():
                likeness[name] += abs(link.value)
        else:
            for name in others:
                likeness[name] += _shared(states[name], states[best])
    dropped = [
        Dropped(name=name, reason=f"beyond-top:{keep}", value=scores[name])
        for name in names
        if name not in chosen
    ]
    return Selection(kept=tuple(chosen), dropped=(*constant, *dropped), scores=scores, n=len(table))


def _pairwise(table: pd.DataFrame, method: Literal["pearson", "spearman"]) -> list[tuple[float, int, int]]:
    """Absolute association of every pair of columns."""
    columns = [column_values(table[name]) for name in table.columns]
    return [
        (abs(association(columns[i], columns[j], method=method).value), i, j)
        for i in range(len(columns))
        for j in range(i + 1, len(columns))
    ]


def _shared(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    """Mutual information of two columns of states (-1 is missing), in nats."""
    both = (a >= 0) & (b >= 0)
    if both.sum() < FEWEST:
        return 0.0
    joint = np.zeros((int(a.max()) + 1, int(b.max()) + 1))
    np.add.at(joint, (a[both], b[both]), 1.0)
    joint /= joint.sum()
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / expected[seen])).sum())


def _constants(table: pd.DataFrame) -> tuple[tuple[Dropped, ...], list[str]]:
    """Columns with fewer than two observed values, as dropped; and the others."""
    counts = table.nunique()
    lone = tuple(
        Dropped(name=str(n), reason="constant", value=float(counts[n])) for n in table if counts[n] < 2
    )
    names = [str(name) for name in table if counts[name] >= 2]
    if not names:
        raise NotEnoughData(f"none of {table.shape[1]} column(s) varies.")
    return lone, names


def _fraction(value: float, name: str) -> None:
    """Refuse a value outside (0, 1]."""
    if not 0 < value <= 1:
        raise ConfigError(f"{name} is {value}, expected a number above 0 and at most 1.")


def _positive(keep: int) -> None:
    """Refuse to keep nothing."""
    if keep < 1:
        raise ConfigError(f"keep is {keep}, expected 1 or more.")
