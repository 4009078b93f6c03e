"""Do three or more groups differ? Analysis of variance, its robust and rank forms, and equality of spread."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.core.errors import NotEnoughData
from osteon.stats.compare import Comparison, EffectSize, tie_sum
from osteon.stats.inputs import group_vectors

__all__ = ["anova", "kruskal_wallis", "levene", "welch_anova"]


def anova(groups: Mapping[str, ArrayLike]) -> Comparison:
    """
    Do two or more groups of equal spread share one mean (one-way analysis of variance)?

    Parameters
    ----------
    groups : mapping from group name to array_like, shape (n_g,)
        Values in one unit, at least one per group and more values than groups.

    Returns
    -------
    Comparison
        ``df`` between and within; effects ``eta2`` (share of variance explained) and ``omega2`` (less biased).

    Raises
    ------
    NotEnoughData
        No spread inside any group.

    Source
    ------
    Fisher (1925), Statistical Methods for Research Workers, chapter 7.

    Examples
    --------
    >>> anova({"a": [1, 2, 3], "b": [2, 3, 4], "c": [5, 6, 7]}).statistic
    13.0
    """
    vectors = group_vectors(groups)
    sizes = np.array([values.size for values in vectors.values()])
    means = np.array([values.mean() for values in vectors.values()])
    n, k = int(sizes.sum()), len(vectors)
    within = float(sum(((values - values.mean()) ** 2).sum() for values in vectors.values()))
    if n <= k or within == 0:
        raise NotEnoughData(f"{n} values in {k} groups have no spread inside the groups: F is undefined.")
    between = float((sizes * (means - (sizes * means).sum() / n) ** 2).sum())
    df = (float(k - 1), float(n - k))
    f = (between / df[0]) / (within / df[1])
    omega2 = (between - df[0] * within / df[1]) / (between + within + within / df[1])
    return Comparison(
        test="anova",
        statistic=f,
        df=df,
        p=float(stats.f.sf(f, *df)),
        effects=(
            EffectSize(name="eta2", value=between / (between + within)),
            EffectSize(name="omega2", value=omega2),
        ),
        n=tuple(int(size) for size in sizes),
    )


def welch_anova(groups: Mapping[str, ArrayLike]) -> Comparison:
    """
    Do two or more groups share one mean, without assuming equal spread?

    Parameters
    ----------
    groups : mapping from group name to array_like, shape (n_g,), n_g >= 2
        Values in one unit.

    Raises
    ------
    NotEnoughData
        A group has fewer than 2 values or no spread.

    Source
    ------
    Welch (1951), Biometrika 38:330-336; as R's ``oneway.test``.

    Examples
    --------
    >>> round(welch_anova({"a": [1, 2, 3], "b": [2, 3, 4], "c": [5, 6, 7]}).df[1], 1)
    4.0
    """
    vectors = group_vectors(groups, least=2)
    variances = np.array([values.var(ddof=1) for values in vectors.values()])
    if not np.all(variances > 0):
        flat = [name for name, variance in zip(vectors, variances, strict=True) if variance == 0]
        raise NotEnoughData(f"group {flat[0]} has no spread: Welch's weights are infinite.")
    sizes = np.array([values.size for values in vectors.values()])
    means = np.array([values.mean() for values in vectors.values()])
    weights = sizes / variances
    k, total = len(vectors), float(weights.sum())
    centre = float((weights * means).sum() / total)
    lack = float((((1 - weights / total) ** 2) / (sizes - 1)).sum())
    f = float((weights * (means - centre) ** 2).sum() / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * lack))
    df = (float(k - 1), (k**2 - 1) / (3 * lack))
    eta2 = anova(vectors).effect("eta2")
    return Comparison(
        test="welch_anova",
        statistic=f,
        df=df,
        p=float(stats.f.sf(f, *df)),
        effects=(EffectSize(name="eta2", value=eta2),),
        n=tuple(int(size) for size in sizes),
    )


def kruskal_wallis(groups: Mapping[str, ArrayLike]) -> Comparison:
    """
    Do two or more groups tend to have the same values, judged by ranks?

    Parameters
    ----------
    groups : mapping from group name to array_like, shape (n_g,)
        Numbers or ordinal codes.

    Returns
    -------
    Comparison
        ``statistic`` is H corrected for ties; effects ``eta2_h`` = (H - k + 1) / (n - k) and
        ``epsilon2`` = H / (n - 1).

    Raises
    ------
    NotEnoughData
        All values equal, or no more values than groups.

    Source
    ------
    Kruskal & Wallis (1952), Journal of the American Statistical Association 47:583-621.

    Examples
    --------
    >>> round(kruskal_wallis({"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]}).statistic, 1)
    7.2
    """
    vectors = group_vectors(groups)
    everything = np.concatenate(list(vectors.values()))
    n, k = everything.size, len(vectors)
    spread = 1 - tie_sum(everything) / (n**3 - n)
    if spread <= 0 or n <= k:
        raise NotEnoughData(f"{n} values in {k} groups cannot be ranked apart: H is undefined.")
    sizes = np.array([values.size for values in vectors.values()])
    ranks = np.split(stats.rankdata(everything), np.cumsum(sizes)[:-1])
    squares = sum(float(part.sum()) ** 2 / part.size for part in ranks)
    h = (12 / (n * (n + 1)) * squares - 3 * (n + 1)) / spread
    return Comparison(
        test="kruskal_wallis",
        statistic=float(h),
        df=(float(k - 1),),
        p=float(stats.chi2.sf(h, k - 1)),
        effects=(
            EffectSize(name="eta2_h", value=float((h - k + 1) / (n - k))),
            EffectSize(name="epsilon2", value=float(h / (n - 1))),
        ),
        n=tuple(int(size) for size in sizes),
    )


def levene(groups: Mapping[str, ArrayLike]) -> Comparison:
    """
    Do two or more groups have the same spread (distances from the group median)?

    Parameters
    ----------
    groups : mapping from group name to array_like, shape (n_g,)
        Values in one unit.

    Raises
    ------
    NotEnoughData
        All distances inside the groups are equal.

    Source
    ------
    Brown & Forsythe (1974), Journal of the American Statistical Association 69:364-367.

    Examples
    --------
    >>> levene({"a": [1, 2, 9], "b": [2, 3, 4]}).test
    'levene_median'
    """
    distances = {name: np.abs(values - np.median(values)) for name, values in group_vectors(groups).items()}
    answer = anova(distances)
    return Comparison(test="levene_median", statistic=answer.statistic, df=answer.df, p=answer.p, n=answer.n)
