"""
Rows that may be the same person: the deterministic rule on attributes, and what linkage of either kind gives.

Agreement of attributes is no proof of identity. De-identified public cohorts (NHANES, UK Biobank, OAI) recruit
different people: among them this rule finds people who look alike, so nothing here runs unless it is called, and
nothing is removed unless :func:`merged` is called with the linkage in hand. Use it on hospital tables.

Note codes: ``attributes-only`` (no name or number was compared), ``not-compared:<n>`` (a rule field is missing),
``largest-cluster:<n>`` (from 4 rows on: links chain; look before merging).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from osteon.cohort.cohort import Change
from osteon.core.errors import ConfigError, SchemaError, ShapeError

__all__ = [
    "Linkage",
    "LinkageRule",
    "Merged",
    "clusters_of",
    "linkage",
    "linked_by_rule",
    "merged",
    "source_codes",
]

Rows = NDArray[np.intp]
AT_ONCE = 4_000_000  # candidate pairs held in memory at a time
LARGE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkageRule:
    """
    When two rows count as one person: equal in ``exact``, and close in age and first visit.

    Source
    ------
    The published fusion study, section 1.1: sex, age +- 1 year, ethnicity, first visit +- 30 days.
    """

    exact: tuple[str, ...] = ("sex", "ethnicity")
    age: str = "age_years"
    age_tolerance_years: float = 1.0
    visit: str = "visit_date"
    visit_tolerance_days: float = 30.0
    most_pairs: int = 20_000_000

    def __post_init__(self) -> None:
        if self.age_tolerance_years < 0 or self.visit_tolerance_days < 0:
            raise ConfigError("a tolerance is negative, expected 0 or more.")

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns the rule looks at."""
        return (*self.exact, self.age, self.visit)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Linkage:
    """
    Pairs of rows that were linked, and who belongs together.

    Attributes
    ----------
    pairs : DataFrame
        One row per pair: ``left`` and ``right`` (index labels of the table) and why: differences and the fields
        that agreed, or ``match_weight`` (log2 Bayes factor) and ``match_probability``.
    cluster : Series of int
        Cluster of every row of the table, same index; 0, 1, ... in order of first appearance.
    n, n_pairs, n_clusters : int
        Rows, pairs, and clusters (a row alone is a cluster too).
    """

    pairs: pd.DataFrame
    cluster: pd.Series
    n: int
    n_pairs: int
    n_clusters: int
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Merged:
    """One row per cluster, and a log entry for every row that was merged into another, with the reason."""

    table: pd.DataFrame
    log: tuple[Change, ...]
    n_before: int
    n_after: int


def linked_by_rule(
    table: pd.DataFrame, *, rule: LinkageRule | None = None, source: ArrayLike | None = None
) -> Linkage:
    """
    Pairs of rows that agree in sex and ethnicity, within a year of age and 30 days of first visit.

    Parameters
    ----------
    table : DataFrame
        One row per person and source; index labels must be unique. Rows with a missing rule field are not compared.
    rule : LinkageRule, optional
        Columns and tolerances (both ends included).
    source : array_like, shape (n,), optional
        Data source of each row. When given, only rows of different sources are compared.

    Returns
    -------
    Linkage
        ``pairs`` has ``age_difference_years``, ``visit_difference_days`` (right minus left) and ``agreed``.

    Raises
    ------
    SchemaError
        A rule column is absent or of the wrong kind, or index labels repeat.
    ConfigError
        More than ``rule.most_pairs`` pairs agree: the attributes do not identify people in so large a table.
    """
    rule = rule or LinkageRule()
    _checked(table, rule)
    known = np.flatnonzero(table[list(rule.columns)].notna().all(axis=1).to_numpy())
    age = table[rule.age].to_numpy(dtype=float, na_value=np.nan)[known]
    day = (table[rule.visit] - pd.Timestamp("1970-01-01")).dt.total_seconds().to_numpy(dtype=float)[
        known
    ] / 86_400
    origin = None if source is None else source_codes(source, len(table))[known]
    left, right = _close_pairs(_exact_codes(table.iloc[known], rule.exact), age, day, origin, rule)
    pairs = pd.DataFrame(
        {
            "left": table.index[known[left]],
            "right": table.index[known[right]],
            "age_difference_years": age[right] - age[left],
            "visit_difference_days": day[right] - day[left],
            "agreed": "+".join(rule.columns),
        }
    )
    cluster = clusters_of(known[left], known[right], index=table.index)
    notes = ["attributes-only"]
    if len(known) < len(table):
        notes.append(f"not-compared:{len(table) - len(known)}")
    return linkage(pairs, cluster, notes=notes)


def linkage(pairs: pd.DataFrame, cluster: pd.Series, *, notes: list[str]) -> Linkage:
    """A linkage with its counts, and a note when links chain into a large cluster."""
    sizes = cluster.value_counts()
    if len(sizes) and sizes.iloc[0] >= LARGE:
        notes = [*notes, f"largest-cluster:{sizes.iloc[0]}"]
    return Linkage(
        pairs=pairs,
        cluster=cluster,
        n=len(cluster),
        n_pairs=len(pairs),
        n_clusters=len(sizes),
        notes=tuple(notes),
    )


def clusters_of(left: Rows, right: Rows, *, index: pd.Index) -> pd.Series:
    """
    Who belongs together when links are followed from row to row.

    Parameters
    ----------
    left, right : array of int
        Row numbers of each linked pair.
    index : Index
        Labels of all rows.

    Examples
    --------
    >>> clusters_of(np.array([0, 3]), np.array([3, 1]), index=pd.Index(list("abcd"))).tolist()
    [0, 0, 1, 0]
    """
    n = len(index)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n, n))
    _, labels = connected_components(graph, directed=False)
    _, first, code = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.intp)
    order[np.argsort(first)] = np.arange(len(first))
    return pd.Series(order[code] if n else labels, index=index, name="cluster")


def merged(table: pd.DataFrame, found: Linkage) -> Merged:
    """
    One row per cluster: the most complete row stays, its gaps are filled from the others of its cluster.

    Parameters
    ----------
    table : DataFrame
        The table that was linked.
    found : Linkage
        What :func:`linked_by_rule` or the probabilistic linkage gave.

    Returns
    -------
    Merged
        Rows in the order of ``table``; where rows of a cluster disagree the row that stays wins. ``log`` names
        every merged row, the row it went into, and the pair that linked it.
    """
    if not found.cluster.index.equals(table.index):
        raise ShapeError(
            f"linkage of {len(found.cluster)} rows does not belong to this table of {len(table)} rows."
        )
    cluster = found.cluster.to_numpy()
    several = (
        np.flatnonzero(np.bincount(cluster)[cluster] > 1) if len(cluster) else np.array([], dtype=np.intp)
    )
    group = table.iloc[several]
    by_fullness = group.iloc[np.argsort(-group.notna().sum(axis=1).to_numpy(), kind="stable")]
    keys = found.cluster.loc[by_fullness.index]
    stays = keys[~keys.duplicated()]
    filled = by_fullness.groupby(keys.to_numpy(), sort=False).first()
    kept = table.copy()
    if len(stays):
        rows = filled.loc[stays.to_numpy()].set_axis(stays.index)
        for name in table.columns:
            kept.loc[stays.index, name] = rows[name].astype(table[name].dtype)
    gone = keys.index.difference(stays.index, sort=False)
    into = pd.Series(stays.index, index=stays.to_numpy())
    why = _reasons(found.pairs)
    log = tuple(
        Change(code="merged", row=str(label), after=str(into[keys[label]]), why=why.get(label, "linked"))
        for label in gone
    )
    kept = kept.drop(index=gone)
    return Merged(table=kept, log=log, n_before=len(table), n_after=len(kept))


def _reasons(pairs: pd.DataFrame) -> dict[object, str]:
    """For every row in a pair, the strongest pair that linked it, in words for the log."""
    if "match_weight" in pairs:
        pairs = pairs.sort_values("match_weight", kind="stable")
        told = (
            "weight "
            + pairs["match_weight"].round(2).astype(str)
            + ", p "
            + pairs["match_probability"].round(4).astype(str)
        )
    else:
        told = pairs["agreed"].astype(str)
    words = {}
    for left, right, why in zip(pairs["left"], pairs["right"], told, strict=True):
        words[left] = f"{left} = {right}: {why}"
        words[right] = f"{left} = {right}: {why}"
    return words


def _close_pairs(
    exact: Rows, age: NDArray[np.float64], day: NDArray[np.float64], origin: Rows | None, rule: LinkageRule
) -> tuple[Rows, Rows]:
    """Row numbers of all pairs that agree: sorted by block, age bin and day, so that only neighbours are looked at."""
    n = len(exact)
    if n < 2:
        return np.array([], dtype=np.intp), np.array([], dtype=np.intp)
    tolerance, width = rule.visit_tolerance_days, max(rule.age_tolerance_years * (1 + 1e-6), 1e-6)
    bins = np.unique(np.floor((age - age.min()) / width), return_inverse=True)[1]
    span = float(np.ptp(day)) + 2 * tolerance + 2
    key = (exact * (int(bins.max()) + 2) + bins) * span + (day - day.min())
    order = np.argsort(key, kind="stable")
    key, near = key[order], tolerance + 1e-3
    own = np.arange(1, n + 1), np.searchsorted(key, key + near, "right")
    older = np.searchsorted(key, key + span - near, "left"), np.searchsorted(key, key + span + near, "right")
    lefts, rights, total = [], [], 0
    for first, stop in (own, older):
        for i, j in _windows(first, stop):
            a, b = order[i], order[j]
            close = (exact[a] == exact[b]) & (np.abs(age[a] - age[b]) <= rule.age_tolerance_years + 1e-9)
            close &= np.abs(day[a] - day[b]) <= tolerance + 1e-9
            if origin is not None:
                close &= origin[a] != origin[b]
            lefts.append(np.minimum(a, b)[close])
            rights.append(np.maximum(a, b)[close])
            total += int(close.sum())
            if total > rule.most_pairs:
                raise ConfigError(
                    f"more than {rule.most_pairs} pairs agree in {'+'.join(rule.columns)} among {n} rows.",
                    hint="These attributes do not tell people apart here; link by names and birth dates instead.",
                )
    left, right = np.concatenate(lefts), np.concatenate(rights)
    sort = np.lexsort((right, left))
    return left[sort], right[sort]


def _windows(first: Rows, stop: Rows) -> Iterator[tuple[Rows, Rows]]:
    """Pairs of a sorted position and each position of its window, a few million at a time."""
    count = np.maximum(stop - first, 0)
    steps = np.arange(0, int(count.sum()) + AT_ONCE, AT_ONCE)
    edges = np.unique(np.append(np.searchsorted(np.cumsum(count), steps, "left"), len(count)))
    for a, b in pairwise(np.unique(np.append(0, edges)).tolist()):
        inside = count[a:b]
        i = np.repeat(np.arange(a, b), inside)
        start = np.repeat(first[a:b] - np.concatenate([[0], np.cumsum(inside)[:-1]]), inside)
        yield i, start + np.arange(len(i))


def _exact_codes(table: pd.DataFrame, columns: tuple[str, ...]) -> Rows:
    """One number per combination of the columns that must be equal."""
    if not columns:
        return np.zeros(len(table), dtype=np.intp)
    return np.asarray(table.groupby(list(columns), observed=True, sort=False).ngroup(), dtype=np.intp)


def source_codes(source: ArrayLike, n: int) -> Rows:
    """Sources as numbers."""
    codes = pd.factorize(np.asarray(source))[0]
    if len(codes) != n:
        raise ShapeError(f"source has {len(codes)} rows, the table {n}.")
    return np.asarray(codes, dtype=np.intp)


def _checked(table: pd.DataFrame, rule: LinkageRule) -> None:
    """Refuse absent columns, text ages, visits that are no dates and repeated labels."""
    absent = [name for name in rule.columns if name not in table.columns]
    if absent:
        raise SchemaError(
            f"linkage: columns absent: {', '.join(absent)}.", hint="Name the columns in the rule."
        )
    if not pd.api.types.is_numeric_dtype(table[rule.age].dtype):
        raise SchemaError(f"linkage: column {rule.age!r} holds no numbers.")
    if not pd.api.types.is_datetime64_any_dtype(table[rule.visit].dtype):
        raise SchemaError(f"linkage: column {rule.visit!r} holds no dates.", hint="Read it as a date first.")
    if not table.index.is_unique:
        raise SchemaError("linkage: index labels repeat.", hint="Reset the index.")
