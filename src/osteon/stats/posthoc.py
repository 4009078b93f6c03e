"""Which of several groups differ? Pairwise tests after analysis of variance, Kruskal-Wallis or a table of counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.core.errors import NotEnoughData
from osteon.core.result import Interval
from osteon.stats.compare import tie_sum, welch_test
from osteon.stats.inputs import group_vectors, level_in_range
from osteon.stats.multiplicity import adjusted_p

__all__ = ["Adjust", "Pair", "PostHoc", "dunn", "pairwise_t", "post_hoc", "tukey"]

Adjust = Literal["holm", "bonferroni", "bh", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two groups compared; ``difference`` is second minus first (means, or mean ranks for Dunn)."""

    first: str
    second: str
    difference: float | None
    ci: Interval | None = None
    statistic: float
    p: float
    p_adjusted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PostHoc:
    """All pairs of groups, in the order of the groups."""

    test: str
    adjust: str
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()

    def pair(self, first: str, second: str) -> Pair:
        """The pair of these two groups in either order; NotEnoughData where it was not compared."""
        for pair in self.pairs:
            if {pair.first, pair.second} == {first, second}:
                return pair
        raise NotEnoughData(f"groups {first!r} and {second!r} were not compared.")


def post_hoc(
    rows: Mapping[tuple[str, str], tuple[float | None, float, float]], *, test: str, adjust: Adjust
) -> PostHoc:
    """Pairs with adjusted p from (first, second) -> (difference, statistic, p)."""
    corrected = adjusted_p([p for _, _, p in rows.values()], method=adjust)
    pairs = tuple(
        Pair(first=first, second=second, difference=difference, statistic=statistic, p=p, p_adjusted=float(q))
        for ((first, second), (difference, statistic, p)), q in zip(rows.items(), corrected, strict=True)
    )
    return PostHoc(test=test, adjust=adjust, pairs=pairs)


def pairwise_t(
    groups: Mapping[str, ArrayLike], *, pooled: bool = True, adjust: Adjust = "bonferroni"
) -> PostHoc:
    """
    Every pair of group means compared by a t test, corrected for the number of pairs.

    Parameters
    ----------
    groups : mapping from group name to array_like, shape (n_g,)
        Values in one unit.
    pooled : bool
        One SD pooled over all groups (as R's ``pairwise.t.test``); otherwise Welch's test for each pair.
    adjust : "bonferroni", "holm", "bh", "none"
        Correction of the p values.

    Raises
    ------
    NotEnoughData
        No spread inside the groups.

    Examples
    --------
    >>> answer = pairwise_t({"a": [1, 2, 3], "b": [2, 3, 4], "c": [5, 6, 7]})
    >>> round(answer.pair("a", "c").p_adjusted, 4)
    0.0081
    """
    vectors = group_vectors(groups, least=1 if pooled else 2)
    rows: dict[tuple[str, str], tuple[float | None, float, float]] = {}
    if not pooled:
        for a, b in combinations(vectors, 2):
            answer = welch_test(vectors[b], vectors[a])
            rows[a, b] = (answer.estimate, answer.statistic, answer.p)
        return post_hoc(rows, test="pairwise_welch", adjust=adjust)
    variance, df = _within(vectors)
    for a, b in combinations(vectors, 2):
        difference = float(vectors[b].mean() - vectors[a].mean())
        t = difference / float(np.sqrt(variance * (1 / vectors[a].size + 1 / vectors[b].size)))
        rows[a, b] = (difference, t, float(2 * stats.t.sf(abs(t), df)))
    return post_hoc(rows, test="pairwise_t", adjust=adjust)


def _within(vectors: Mapping[str, np.typing.NDArray[np.float64]]) -> tuple[float, int]:
    """Pooled variance inside groups and its degrees of freedom."""
    df = sum(values.size for values in vectors.values()) - len(vectors)
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in vectors.values())
    if df < 1 or squares == 0:
        raise NotEnoughData("the groups have no spread inside: no pair can be tested.")
    return squares / df, df


def dunn(groups: Mapping[str, ArrayLike], *, adjust: Adjust = "bonferroni") -> PostHoc:
    """
    Every pair of groups compared on the ranks of the Kruskal-Wallis test, ties corrected.

    Parameters
    ----------
    groups : mapping from group name to array_like, shape (n_g,)
        Numbers or ordinal codes.
    adjust : "bonferroni", "holm", "bh", "none"
        Correction of the p values.

    Raises
    ------
    NotEnoughData
        All values equal.

    Source
    ------
    Dunn (1964), Technometrics 6:241-252.

    Examples
    --------
    >>> round(dunn({"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]}).pair("a", "c").statistic, 3)
    2.683
    """
    vectors = group_vectors(groups)
    everything = np.concatenate(list(vectors.values()))
    n = everything.size
    variance = n * (n + 1) / 12 - tie_sum(everything) / (12 * max(n - 1, 1))
    if variance <= 0:
        raise NotEnoughData("all values are equal: ranks cannot be compared.")
    ranks = stats.rankdata(everything)
    ends = np.cumsum([values.size for values in vectors.values()])
    mean_rank = {
        name: float(part.mean()) for name, part in zip(vectors, np.split(ranks, ends[:-1]), strict=True)
    }
    rows: dict[tuple[str, str], tuple[float | None, float, float]] = {}
    for a, b in combinations(vectors, 2):
        difference = mean_rank[b] - mean_rank[a]
        z = difference / float(np.sqrt(variance * (1 / vectors[a].size + 1 / vectors[b].size)))
        rows[a, b] = (difference, z, float(2 * stats.norm.sf(abs(z))))
    return post_hoc(rows, test="dunn", adjust=adjust)


def tukey(groups: Mapping[str, ArrayLike], *, level: float = 0.95) -> PostHoc:
    """
    Every pair of group means compared with the studentised range (Tukey-Kramer).

    Parameters
    ----------
    groups : mapping from group name to array_like, shape (n_g,)
        Values in one unit, equal spread assumed.
    level : float in (0, 1)
        Simultaneous confidence of all intervals.

    Returns
    -------
    PostHoc
        ``p`` and ``p_adjusted`` are the same: the range already allows for all pairs.

    Raises
    ------
    NotEnoughData
        No spread inside the groups.

    Source
    ------
    Kramer (1956), Biometrics 12:307-310; as R's ``TukeyHSD``.

    Examples
    --------
    >>> tukey({"a": [1, 2, 3], "b": [2, 3, 4], "c": [5, 6, 7]}).pair("a", "b").difference
    1.0
    """
    vectors = group_vectors(groups)
    level_in_range(level)
    variance, df = _within(vectors)
    k = len(vectors)
    width = float(stats.studentized_range.ppf(level, k, df))
    pairs = []
    for a, b in combinations(vectors, 2):
        difference = float(vectors[b].mean() - vectors[a].mean())
        se = float(np.sqrt(variance / 2 * (1 / vectors[a].size + 1 / vectors[b].size)))
        p = float(stats.studentized_range.sf(abs(difference) / se, k, df))
        ci = Interval(difference - width * se, difference + width * se, level)
        pairs.append(
            Pair(
                first=a, second=b, difference=difference, ci=ci, statistic=difference / se, p=p, p_adjusted=p
            )
        )
    return PostHoc(test="tukey", adjust="studentized_range", pairs=tuple(pairs))
