"""
Do two groups, or one group measured twice, differ? The t tests and their rank counterparts.

More than two groups: `osteon.stats.compare_many`; counts: `osteon.stats.contingency`. Every test returns one
`Comparison`. Notes used: ``zero_differences:<k>`` (pairs without change, dropped by the signed-rank test).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.core.result import Interval
from osteon.stats.inputs import level_in_range, option, same_length, vector

__all__ = [
    "Comparison",
    "EffectSize",
    "hedges_correction",
    "mann_whitney",
    "paired_t_test",
    "signed_rank",
    "t_test",
    "tie_sum",
    "welch_test",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectSize:
    """A difference without units, by its name (``cohens_d``, ``hedges_g``, ``rank_biserial``, ``eta2``, ...)."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    One test of a difference.

    ``difference`` and ``ci`` are first minus second (or an odds ratio where ``estimate_of`` says so) and None
    where the test has no such estimate.
    """

    test: str
    statistic: float
    df: tuple[float, ...] = ()
    p: float
    estimate: float | None = None
    estimate_of: str = ""
    ci: Interval | None = None
    effects: tuple[EffectSize, ...] = ()
    n: tuple[int, ...]
    notes: tuple[str, ...] = ()

    def effect(self, name: str) -> float:
        """The effect size of that name; ConfigError where the test has none."""
        for effect in self.effects:
            if effect.name == name:
                return effect.value
        have = ", ".join(effect.name for effect in self.effects) or "none"
        raise ConfigError(f"test {self.test} has no effect size {name!r}, it has {have}.")


def hedges_correction(df: float) -> float:
    """
    The factor that frees Cohen's d of its small-sample excess.

    Source
    ------
    Hedges (1981), Journal of Educational Statistics 6:107-128.

    Examples
    --------
    >>> round(hedges_correction(10), 3)
    0.923
    """
    return float(np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def tie_sum(values: NDArray[np.float64]) -> float:
    """Sum of t^3 - t over groups of t tied values."""
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    return float((counts**3 - counts).sum())


def _refuse_constant(se: float, *, what: str) -> None:
    if not se > 0:
        raise NotEnoughData(
            f"{what} has no spread: the statistic is 0/0.", hint="Report the values instead of a test."
        )


def _mean_difference(
    x: NDArray[np.float64], y: NDArray[np.float64], *, test: str, se: float, df: float, level: float
) -> Comparison:
    _refuse_constant(se, what="both groups")
    difference = float(x.mean() - y.mean())
    pooled_df = x.size + y.size - 2
    sd = float(np.sqrt((x.var(ddof=1) * (x.size - 1) + y.var(ddof=1) * (y.size - 1)) / pooled_df))
    half = float(stats.t.ppf(0.5 + level_in_range(level) / 2, df)) * se
    return Comparison(
        test=test,
        statistic=difference / se,
        df=(float(df),),
        p=float(2 * stats.t.sf(abs(difference / se), df)),
        estimate=difference,
        estimate_of="mean_difference",
        ci=Interval(difference - half, difference + half, level),
        effects=(
            EffectSize(name="cohens_d", value=difference / sd),
            EffectSize(name="hedges_g", value=difference / sd * hedges_correction(pooled_df)),
        ),
        n=(x.size, y.size),
    )


def t_test(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Comparison:
    """
    Do two groups of equal spread have the same mean (Student)?

    Parameters
    ----------
    first, second : array_like, shape (n,) and (m,), at least 2 values each
        In one unit.
    level : float in (0, 1)
        Confidence level of the mean difference.

    Raises
    ------
    NotEnoughData
        A group has fewer than 2 values, or no value differs.

    Source
    ------
    Student (1908), Biometrika 6:1-25; Cohen's d with the pooled SD, Hedges' g with the exact correction.

    Examples
    --------
    >>> round(t_test([1, 2, 3, 4], [3, 4, 5, 6]).p, 4)
    0.071
    """
    x, y = vector(first, name="first", least=2), vector(second, name="second", least=2)
    df = x.size + y.size - 2
    variance = (x.var(ddof=1) * (x.size - 1) + y.var(ddof=1) * (y.size - 1)) / df
    se = float(np.sqrt(variance * (1 / x.size + 1 / y.size)))
    return _mean_difference(x, y, test="t", se=se, df=df, level=level)


def welch_test(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Comparison:
    """
    Do two groups have the same mean, without assuming equal spread (Welch)?

    Parameters and errors as `t_test`.

    Source
    ------
    Welch (1947), Biometrika 34:28-35.

    Examples
    --------
    >>> round(welch_test([1, 2, 3, 4], [3, 4, 5, 6]).df[0], 3)
    6.0
    """
    x, y = vector(first, name="first", least=2), vector(second, name="second", least=2)
    a, b = float(x.var(ddof=1)) / x.size, float(y.var(ddof=1)) / y.size
    _refuse_constant(a + b, what="both groups")
    df = (a + b) ** 2 / (a**2 / (x.size - 1) + b**2 / (y.size - 1))
    return _mean_difference(x, y, test="welch", se=float(np.sqrt(a + b)), df=df, level=level)


def paired_t_test(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Comparison:
    """
    Did the mean of the same people change between two measurements?

    Parameters
    ----------
    first, second : array_like, shape (n,), n >= 2
        Paired by position, one unit; the difference is first minus second.
    level : float in (0, 1)
        Confidence level of the mean difference.

    Raises
    ------
    NotEnoughData
        Fewer than 2 pairs, or all differences equal.

    Examples
    --------
    >>> paired_t_test([5, 7, 9], [4, 5, 8]).estimate_of
    'mean_difference'
    """
    x, y = vector(first, name="first", least=2), vector(second, name="second", least=2)
    n = same_length(first=x, second=y)
    change = x - y
    mean, sd = float(change.mean()), float(change.std(ddof=1))
    _refuse_constant(sd, what="the difference")
    se = sd / np.sqrt(n)
    half = float(stats.t.ppf(0.5 + level_in_range(level) / 2, n - 1)) * se
    return Comparison(
        test="paired_t",
        statistic=float(mean / se),
        df=(float(n - 1),),
        p=float(2 * stats.t.sf(abs(mean / se), n - 1)),
        estimate=mean,
        estimate_of="mean_difference",
        ci=Interval(float(mean - half), float(mean + half), level),
        effects=(EffectSize(name="cohens_dz", value=mean / sd),),
        n=(n,),
    )


def _two_sided(statistic: float, *, mean: float, variance: float) -> float:
    """Two-sided normal p with R's continuity correction of one half towards the mean."""
    gap = max(abs(statistic - mean) - 0.5, 0.0)
    return float(min(2 * stats.norm.sf(gap / np.sqrt(variance)), 1.0))


def mann_whitney(
    first: ArrayLike, second: ArrayLike, *, method: Literal["normal", "exact"] = "normal"
) -> Comparison:
    """
    Does a value drawn from the first group tend to exceed one from the second (Wilcoxon rank sum)?

    Parameters
    ----------
    first, second : array_like, shape (n,) and (m,)
        Numbers or ordinal codes.
    method : "normal", "exact"
        Normal approximation with tie and continuity correction, or the exact distribution (no ties).

    Returns
    -------
    Comparison
        ``statistic`` is R's W: pairs in which first exceeds second, ties one half.
        ``rank_biserial`` is 2 W / (n m) - 1.

    Raises
    ------
    NotEnoughData
        All values equal.
    InputError
        Ties with ``method="exact"``.

    Source
    ------
    Mann & Whitney (1947), Annals of Mathematical Statistics 18:50-60; as R's ``wilcox.test(exact = FALSE)``.

    Examples
    --------
    >>> mann_whitney([4, 5, 6], [1, 2, 3]).statistic
    9.0
    """
    x, y = vector(first, name="first"), vector(second, name="second")
    option(method, name="method", allowed=("normal", "exact"))
    both = np.concatenate([x, y])
    n, m, total, ties = x.size, y.size, both.size, tie_sum(both)
    w = float(stats.rankdata(both)[:n].sum() - n * (n + 1) / 2)
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1))) if total > 1 else 0.0
    _refuse_constant(variance, what="the whole of both groups")
    if method == "exact":
        if ties:
            raise InputError(
                "values are tied, the exact distribution needs none.", hint="Use method='normal'."
            )
        p = float(stats.mannwhitneyu(x, y, method="exact").pvalue)
    else:
        p = _two_sided(w, mean=n * m / 2, variance=variance)
    effect = EffectSize(name="rank_biserial", value=2 * w / (n * m) - 1)
    return Comparison(test="mann_whitney", statistic=w, p=p, effects=(effect,), n=(n, m))


def signed_rank(first: ArrayLike, second: ArrayLike, *, digits: int | None = None) -> Comparison:
    """
    Did the same people tend to change between two measurements (Wilcoxon signed rank)?

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Paired by position. Pairs without change are dropped and counted in the notes.
    digits : int, optional
        Rank differences rounded to so many significant digits, so that 6.3 - 5.9 ties with 5.1 - 4.7 although
        binary floats differ in the last bit (R's ``digits.rank``). Default: rank them as they are, as R does.

    Returns
    -------
    Comparison
        ``statistic`` is R's V, the rank sum of positive first minus second; normal approximation with tie and
        continuity correction. ``rank_biserial`` is (V+ - V-) / (V+ + V-).

    Raises
    ------
    NotEnoughData
        No pair changed.

    Source
    ------
    Wilcoxon (1945), Biometrics Bulletin 1:80-83; as R's ``wilcox.test(paired = TRUE, exact = FALSE)``.

    Examples
    --------
    >>> signed_rank([5, 7, 9], [4, 5, 6]).statistic
    6.0
    """
    x, y = vector(first, name="first"), vector(second, name="second")
    pairs = same_length(first=x, second=y)
    change = x - y
    change = change[change != 0]
    n = change.size
    if n == 0:
        raise NotEnoughData("no pair changed: the statistic is 0/0.", hint="Report that all pairs are equal.")
    size = np.abs(change)
    if digits is not None:
        size = np.array([float(f"{value:.{digits}g}") for value in size])
    ranks = stats.rankdata(size)
    v, total = float(ranks[change > 0].sum()), n * (n + 1) / 2
    variance = n * (n + 1) * (2 * n + 1) / 24 - tie_sum(size) / 48
    return Comparison(
        test="signed_rank",
        statistic=v,
        p=_two_sided(v, mean=total / 2, variance=variance),
        effects=(EffectSize(name="rank_biserial", value=(2 * v - total) / total),),
        n=(pairs,),
        notes=(f"zero_differences:{pairs - n}",) if n < pairs else (),
    )
