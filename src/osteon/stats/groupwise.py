"""
The test that fits one variable over two or more groups, chosen by fixed rules.

Numbers
    Normal in every group (`osteon.stats.normality`; a group of fewer than 3 values, or without spread, is not)
    -> means: two groups Student's t, more ANOVA with Bonferroni pairs; where Levene's p < alpha, Welch's forms.
    Otherwise -> ranks: two groups Mann-Whitney, more Kruskal-Wallis with Dunn pairs (Bonferroni).
Ordered categories
    Ranks, as above.
Flags and categories
    Chi-square without correction where no expected count is below 5 (2 x 2), or at most a fifth are and none is
    below 1 (larger tables, Cochran's rule); otherwise Fisher's exact test. Pairs with Bonferroni.

Notes used: ``group_without_values:<name>``, ``not_tested`` (too few values or no spread), ``monte_carlo:<tables>``,
``expected_low`` (Fisher was due, the table was too large and no rng came), ``pair_not_tested:<a>|<b>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from osteon.core.errors import InputError, NotEnoughData
from osteon.stats.compare import Comparison, mann_whitney, t_test, welch_test
from osteon.stats.compare_many import anova, kruskal_wallis, levene, welch_anova
from osteon.stats.contingency import chi_squared, expected_counts, fisher_exact
from osteon.stats.normality import normality
from osteon.stats.posthoc import PostHoc, dunn, pairwise_t, post_hoc

__all__ = ["ChosenTest", "all_normal", "mean_test", "rank_test", "table_test"]

Vectors = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenTest:
    """The test over all groups and, with three or more, of every pair; None where nothing can be tested."""

    comparison: Comparison | None
    post_hoc: PostHoc | None = None
    notes: tuple[str, ...] = ()


def _used(groups: Vectors) -> tuple[dict[str, NDArray[np.float64]], tuple[str, ...]]:
    """Groups that have values, and a note of each that has none."""
    used = {name: values for name, values in groups.items() if values.size}
    return used, tuple(f"group_without_values:{name}" for name in groups if name not in used)


def all_normal(groups: Vectors, *, alpha: float = 0.05) -> bool:
    """
    Whether every group that has values passes as normal.

    Examples
    --------
    >>> import numpy as np
    >>> all_normal({"a": np.array([1.0, 2.0, 3.0, 4.0]), "b": np.array([1.0, 1.0, 1.0, 9.0])})
    False
    """
    used, _ = _used(groups)
    if not used or any(values.size < 3 or np.ptp(values) == 0 for values in used.values()):
        return False
    return all(normality(values, alpha=alpha).normal for values in used.values())


def mean_test(groups: Vectors, *, alpha: float = 0.05) -> ChosenTest:
    """
    Means compared: t test or ANOVA, in Welch's form where the groups' spreads differ.

    Examples
    --------
    >>> import numpy as np
    >>> mean_test({"a": np.array([1.0, 2.0, 3.0]), "b": np.array([2.0, 3.0, 4.0])}).comparison.test
    't'
    """
    used, notes = _used(groups)
    try:
        equal = levene(used).p >= alpha
        if len(used) == 2:
            comparison = (t_test if equal else welch_test)(*used.values())
            return ChosenTest(comparison=comparison, notes=notes)
        comparison = (anova if equal else welch_anova)(used)
        return ChosenTest(comparison=comparison, post_hoc=pairwise_t(used, pooled=equal), notes=notes)
    except NotEnoughData:
        return ChosenTest(comparison=None, notes=(*notes, "not_tested"))


def rank_test(groups: Vectors) -> ChosenTest:
    """
    Ranks compared: Mann-Whitney, or Kruskal-Wallis with Dunn's pairs.

    Examples
    --------
    >>> import numpy as np
    >>> rank_test({"a": np.array([1.0, 2.0]), "b": np.array([2.0, 3.0]), "c": np.array([4.0])}).post_hoc.test
    'dunn'
    """
    used, notes = _used(groups)
    try:
        if len(used) == 2:
            return ChosenTest(comparison=mann_whitney(*used.values()), notes=notes)
        return ChosenTest(comparison=kruskal_wallis(used), post_hoc=dunn(used), notes=notes)
    except NotEnoughData:
        return ChosenTest(comparison=None, notes=(*notes, "not_tested"))


def table_test(
    counts: Mapping[str, NDArray[np.int64]],
    *,
    kind: Literal["flag", "category"] = "category",
    rng: np.random.Generator | None = None,
) -> ChosenTest:
    """
    Counts by category compared over groups: chi-square, or Fisher's exact test where counts are small.

    Parameters
    ----------
    counts : mapping from group name to ndarray, shape (k,)
        People per category (for a flag: without, with).
    kind : "flag", "category"
        For a flag the pairs also carry the difference of shares, second minus first.
    rng : numpy Generator, optional
        For a Fisher test too large to enumerate.

    Examples
    --------
    >>> import numpy as np
    >>> table_test({"a": np.array([3, 1]), "b": np.array([1, 3])}).comparison.test
    'fisher_exact'
    """
    used = {name: row for name, row in counts.items() if row.sum()}
    notes = tuple(f"group_without_values:{name}" for name in counts if name not in used)
    try:
        if len(used) < 2:
            raise NotEnoughData("fewer than two groups count anybody.")
        comparison, more = _table_comparison(np.array(list(used.values())), rng=rng)
    except NotEnoughData:
        return ChosenTest(comparison=None, notes=(*notes, "not_tested"))
    if len(used) == 2:
        return ChosenTest(comparison=comparison, notes=(*notes, *more))
    rows: dict[tuple[str, str], tuple[float | None, float, float]] = {}
    for a, b in combinations(used, 2):
        try:
            pair, _ = _table_comparison(np.array([used[a], used[b]]), rng=rng)
        except NotEnoughData:
            more = (*more, f"pair_not_tested:{a}|{b}")
            continue
        gap = float(used[b][1] / used[b].sum() - used[a][1] / used[a].sum()) if kind == "flag" else None
        rows[a, b] = (gap, pair.statistic, pair.p)
    pairs = post_hoc(rows, test="pairwise_table", adjust="bonferroni") if rows else None
    return ChosenTest(comparison=comparison, post_hoc=pairs, notes=(*notes, *more))


def _table_comparison(
    table: NDArray[np.int64], *, rng: np.random.Generator | None
) -> tuple[Comparison, tuple[str, ...]]:
    """Chi-square or Fisher by the size of the expected counts, with what to note."""
    table = table[:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        raise NotEnoughData("only one group or one category counts anybody.")
    expected = expected_counts(table)
    small = (expected < 5).mean()
    if small == 0 or (table.size > 4 and small <= 0.2 and expected.min() >= 1):
        return chi_squared(table), ()
    try:
        exact = fisher_exact(table, rng=rng)
    except InputError as error:
        if isinstance(error, NotEnoughData):
            raise
        return chi_squared(table), ("expected_low",)
    return exact, tuple(note for note in exact.notes if note.startswith("monte_carlo"))
