"""
Who was studied: every variable by group, with the test that fits it, as numbers (the layout is the report's).

Which test is used when: `osteon.stats.groupwise`. Missing values are left out variable by variable and counted.
Row notes: those of `osteon.stats.groupwise`, and ``all_missing``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import ConfigError, InputError, NotEnoughData, SchemaError, ShapeError
from osteon.stats.balance import share_difference, standardized_difference
from osteon.stats.groupwise import ChosenTest, all_normal, mean_test, rank_test, table_test
from osteon.stats.inputs import option, vector_with_gaps
from osteon.stats.posthoc import PostHoc

__all__ = ["Baseline", "BaselineRow", "Column", "CountSummary", "NumberSummary", "baseline"]

Kind = Literal["number", "flag", "category", "ordinal"]
Shown = Literal["mean_sd", "median_iqr", "count"]


@dataclass(frozen=True, slots=True)
class Column:
    """
    One variable of n people.

    ``values``: numbers (NaN missing), flags (0, 1, NaN) or labels (None or NaN missing). ``levels``: order of the
    categories, needed for "ordinal"; default the labels that occur, sorted. ``shown``: mean and SD, or median and
    quartiles (with the matching test), whatever normality says.
    """

    values: ArrayLike | Sequence[Any]
    kind: Kind
    levels: tuple[str, ...] | None = None
    shown: Literal["mean_sd", "median_iqr"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSummary:
    """A measurement in one group; NaN where it has too few values."""

    n: int
    missing: int
    mean: float
    sd: float
    median: float
    q1: float
    q3: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSummary:
    """Categories in one group: ``counts`` and their ``shares`` of ``n``, in the row's order of levels."""

    n: int
    missing: int
    counts: tuple[int, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRow:
    """
    One variable over the groups.

    ``shown`` says which summary to print. ``smd`` is the largest absolute standardized difference of any two groups
    (infinite where two groups share no value of a flag or category), None where there is none.
    """

    name: str
    kind: Kind
    shown: Shown
    levels: tuple[str, ...]
    overall: NumberSummary | CountSummary
    groups: tuple[NumberSummary | CountSummary, ...]
    test: str | None
    statistic: float | None
    p: float | None
    smd: float | None
    post_hoc: PostHoc | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Rows in the order of the columns; ``n`` people in each of ``groups``."""

    groups: tuple[str, ...]
    n: tuple[int, ...]
    rows: tuple[BaselineRow, ...]
    alpha: float
    notes: tuple[str, ...] = ()

    def row(self, name: str) -> BaselineRow:
        """The row of that variable; SchemaError where there is none."""
        for row in self.rows:
            if row.name == name:
                return row
        raise SchemaError(f"the baseline table has no row {name!r}.")


def baseline(
    columns: Mapping[str, Column],
    group: Sequence[Any] | ArrayLike,
    *,
    order: Sequence[str] | None = None,
    alpha: float = 0.05,
    rng: np.random.Generator | None = None,
) -> Baseline:
    """
    The baseline table of a study: every variable summarised and compared over two or more groups.

    Parameters
    ----------
    columns : mapping from name to Column, each of n people
        The variables, in the order wanted.
    group : sequence of n labels
        Which group each person belongs to; none may be missing.
    order : sequence of str, optional
        Order of the groups; default sorted labels.
    alpha : float in (0, 1)
        Level of the normality and Levene tests that choose the main test.
    rng : numpy Generator, optional
        For Fisher tests too large to enumerate (otherwise chi-square, noted ``expected_low``).

    Raises
    ------
    NotEnoughData
        Fewer than two groups.
    InputError
        A group label is missing or not in ``order``; a flag holds something else than 0 and 1; a label is not
        among ``levels``.
    ShapeError
        A column is not as long as ``group``.

    Source
    ------
    Vandenbroucke et al. (2007), STROBE explanation and elaboration, PLoS Medicine 4:e297, item 14.

    Examples
    --------
    >>> table = baseline({"age": Column([61, 64, 70, 72, 75, 79], "number")}, ["a", "a", "a", "b", "b", "b"])
    >>> table.groups, table.row("age").test, round(table.row("age").groups[0].mean, 1)
    (('a', 'b'), 't', 65.0)
    """
    if not 0 < alpha < 1:
        raise ConfigError(f"alpha is {alpha}, expected a level between 0 and 1.")
    labels = _labels(group, name="group")
    if any(label is None for label in labels):
        raise InputError("a person has no group label.", hint="Leave those people out first.")
    names = tuple(order) if order is not None else tuple(sorted({str(label) for label in labels}))
    strange = {str(label) for label in labels} - set(names)
    if strange:
        raise InputError(f"group holds {sorted(strange)[0]!r}, expected one of {list(names)}.")
    if len(set(names)) < 2:
        raise NotEnoughData(f"{len(set(names))} group came, a baseline table compares at least 2.")
    member = {name: np.array([label == name for label in labels], dtype=bool) for name in names}
    rows = tuple(_row(name, column, member=member, alpha=alpha, rng=rng) for name, column in columns.items())
    return Baseline(
        groups=names, n=tuple(int(mask.sum()) for mask in member.values()), rows=rows, alpha=alpha
    )


def _labels(values: Sequence[Any] | ArrayLike, *, name: str) -> list[str | None]:
    """Labels as text; None where missing."""
    array = np.asarray(values, dtype=object)
    if array.ndim != 1:
        raise ShapeError(f"{name} has {array.ndim} axes, expected 1.")
    return [None if value is None or bool(value != value) else str(value) for value in array]


def _row(
    name: str,
    column: Column,
    *,
    member: Mapping[str, NDArray[np.bool_]],
    alpha: float,
    rng: np.random.Generator | None,
) -> BaselineRow:
    option(column.kind, name=f"kind of {name}", allowed=("number", "flag", "category", "ordinal"))
    n = next(iter(member.values())).size
    if column.kind == "number":
        return _number_row(
            name,
            column,
            numbers=vector_with_gaps(column.values, name=f"column {name}", n=n),
            member=member,
            alpha=alpha,
        )
    codes, levels = _codes(name, column, n=n)
    return _count_row(name, column, codes=codes, levels=levels, member=member, rng=rng)


def _codes(name: str, column: Column, *, n: int) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Position of each person's category among the levels, NaN where missing."""
    if column.kind == "flag":
        flags = vector_with_gaps(column.values, name=f"column {name}", n=n)
        other = flags[np.isfinite(flags) & (flags != 0) & (flags != 1)]
        if other.size:
            raise InputError(f"column {name} holds {other[0]:g}, expected a flag of 0, 1 or missing.")
        return flags, ("0", "1")
    labels = _labels(column.values, name=f"column {name}")
    if len(labels) != n:
        raise ShapeError(f"column {name} has {len(labels)} values for {n} people.")
    if column.kind == "ordinal" and column.levels is None:
        raise ConfigError(
            f"column {name} is ordinal and has no levels.", hint="Pass levels from lowest to highest."
        )
    levels = column.levels or tuple(sorted({label for label in labels if label is not None}))
    place = {level: float(i) for i, level in enumerate(levels)}
    for label in labels:
        if label is not None and label not in place:
            raise InputError(f"column {name} holds {label!r}, expected one of {list(levels)}.")
    return np.array([np.nan if label is None else place[label] for label in labels]), levels


def _number_row(
    name: str,
    column: Column,
    *,
    numbers: NDArray[np.float64],
    member: Mapping[str, NDArray[np.bool_]],
    alpha: float,
) -> BaselineRow:
    split = {group: numbers[mask & np.isfinite(numbers)] for group, mask in member.items()}
    shown = column.shown or ("mean_sd" if all_normal(split, alpha=alpha) else "median_iqr")
    chosen = mean_test(split, alpha=alpha) if shown == "mean_sd" else rank_test(split)
    distances = [
        abs(standardized_difference(split[a], split[b]))
        for a, b in combinations(split, 2)
        if min(split[a].size, split[b].size) >= 2
    ]
    return _finished(
        name=name,
        column=column,
        shown=shown,
        levels=(),
        overall=_number_summary(numbers),
        groups=tuple(_number_summary(numbers[mask]) for mask in member.values()),
        chosen=chosen,
        distances=distances,
    )


def _count_row(
    name: str,
    column: Column,
    *,
    codes: NDArray[np.float64],
    levels: tuple[str, ...],
    member: Mapping[str, NDArray[np.bool_]],
    rng: np.random.Generator | None,
) -> BaselineRow:
    groups = {group: _count_summary(codes[mask], k=len(levels)) for group, mask in member.items()}
    counts = {group: np.array(summary.counts, dtype=np.int64) for group, summary in groups.items()}
    if column.kind == "ordinal":
        chosen = rank_test({group: codes[mask & np.isfinite(codes)] for group, mask in member.items()})
    else:
        chosen = table_test(counts, kind="flag" if column.kind == "flag" else "category", rng=rng)
    filled = [row for row in counts.values() if row.sum()]
    return _finished(
        name=name,
        column=column,
        shown="count",
        levels=levels,
        overall=_count_summary(codes, k=len(levels)),
        groups=tuple(groups.values()),
        chosen=chosen,
        distances=[share_difference(a, b) for a, b in combinations(filled, 2)],
    )


def _finished(
    *,
    name: str,
    column: Column,
    shown: Shown,
    levels: tuple[str, ...],
    overall: NumberSummary | CountSummary,
    groups: tuple[NumberSummary | CountSummary, ...],
    chosen: ChosenTest,
    distances: list[float],
) -> BaselineRow:
    test = chosen.comparison
    return BaselineRow(
        name=name,
        kind=column.kind,
        shown=shown,
        levels=levels,
        overall=overall,
        groups=groups,
        test=test.test if test else None,
        statistic=test.statistic if test else None,
        p=test.p if test else None,
        smd=max(distances) if distances else None,
        post_hoc=chosen.post_hoc,
        notes=chosen.notes if overall.n else ("all_missing",),
    )


def _number_summary(numbers: NDArray[np.float64]) -> NumberSummary:
    x = numbers[np.isfinite(numbers)]
    q1, median, q3 = np.quantile(x, (0.25, 0.5, 0.75)).tolist() if x.size else (float("nan"),) * 3
    return NumberSummary(
        n=int(x.size),
        missing=int(numbers.size - x.size),
        mean=float(x.mean()) if x.size else float("nan"),
        sd=float(x.std(ddof=1)) if x.size > 1 else float("nan"),
        median=median,
        q1=q1,
        q3=q3,
        low=float(x.min()) if x.size else float("nan"),
        high=float(x.max()) if x.size else float("nan"),
    )


def _count_summary(codes: NDArray[np.float64], *, k: int) -> CountSummary:
    known = codes[np.isfinite(codes)].astype(np.intp)
    counts = np.bincount(known, minlength=k)
    shares = counts / known.size if known.size else np.full(k, np.nan)
    return CountSummary(
        n=int(known.size),
        missing=int(codes.size - known.size),
        counts=tuple(counts.tolist()),
        shares=tuple(shares.tolist()),
    )
