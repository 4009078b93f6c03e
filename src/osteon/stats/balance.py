"""How alike two groups are, in standard deviations, before and after matching or weighting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats.inputs import flags, same_length, vector

__all__ = ["Balance", "balance_table", "share_difference", "standardized_difference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """
    One covariate in treated and untreated, before and after (one row of a Love plot).

    Means are shares for a 0/1 covariate. Both SMDs are treated minus untreated over the pooled SD *before*, so that
    they can be compared. Variance ratios are NaN for a 0/1 covariate.
    """

    name: str
    flag: bool
    treated_before: float
    untreated_before: float
    smd_before: float
    treated_after: float
    untreated_after: float
    smd_after: float
    variance_ratio_before: float
    variance_ratio_after: float


def _moments(x: NDArray[np.float64], *, weights: NDArray[np.float64], flag: bool) -> tuple[float, float]:
    """Weighted mean and variance (with equal weights: the usual n - 1; a share has p (1 - p))."""
    total = weights.sum()
    mean = float((weights * x).sum() / total)
    if flag:
        return mean, mean * (1 - mean)
    free = total - (weights**2).sum() / total
    return mean, float((weights * (x - mean) ** 2).sum() / free) if free > 0 else float("nan")


def _ratio(difference: float, *, variance: float) -> float:
    """A difference in SDs; 0 where nothing differs and nothing varies, infinite where only the groups differ."""
    if variance > 0:
        return difference / float(np.sqrt(variance))
    return 0.0 if difference == 0 else float(np.copysign(np.inf, difference))


def standardized_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    first_weights: ArrayLike | None = None,
    second_weights: ArrayLike | None = None,
) -> float:
    """
    Difference of two groups in pooled standard deviations; beyond 0.1 is usually called imbalance.

    Parameters
    ----------
    first, second : array_like, shape (n,) and (m,)
        A number, or a flag (all values 0 or 1: SD from the shares).
    first_weights, second_weights : array_like, optional
        Weights of 0 or more.

    Returns
    -------
    float
        First minus second; infinite where the groups differ and neither varies.

    Raises
    ------
    NotEnoughData
        A group of numbers has fewer than 2 values.

    Source
    ------
    Austin (2009), Statistics in Medicine 28:3083-3107.

    Examples
    --------
    >>> standardized_difference([2, 4, 6], [1, 3, 5])
    0.5
    """
    x, y = vector(first, name="first"), vector(second, name="second")
    v = _checked_weights(first_weights, n=x.size)
    w = _checked_weights(second_weights, n=y.size)
    flag = _is_flag(np.concatenate([x, y]))
    if not flag and min(np.count_nonzero(v), np.count_nonzero(w)) < 2:
        raise NotEnoughData("a group has fewer than 2 values: it has no standard deviation.")
    mean_x, var_x = _moments(x, weights=v, flag=flag)
    mean_y, var_y = _moments(y, weights=w, flag=flag)
    return _ratio(mean_x - mean_y, variance=(var_x + var_y) / 2)


def _is_flag(x: NDArray[np.float64]) -> bool:
    return bool(np.isin(x, (0.0, 1.0)).all())


def _checked_weights(weights: ArrayLike | None, *, n: int) -> NDArray[np.float64]:
    if weights is None:
        return np.ones(n)
    w = vector(weights, name="weights")
    if w.size != n:
        raise ShapeError(f"weights has {w.size} values for {n} persons.")
    if np.any(w < 0) or w.sum() == 0:
        raise InputError("weights must be 0 or more and not all 0.")
    return w


def share_difference(first_counts: ArrayLike, second_counts: ArrayLike) -> float:
    """
    How differently two groups spread over categories, as one distance in standard deviations.

    Parameters
    ----------
    first_counts, second_counts : array_like, shape (k,)
        How many of each group fall in each category.

    Returns
    -------
    float
        0 or more; for two categories the absolute standardized difference of the share. Infinite where the groups
        share no category.

    Raises
    ------
    NotEnoughData
        A group counts nobody.

    Source
    ------
    Yang & Dalton (2012), SAS Global Forum paper 335.

    Examples
    --------
    >>> round(share_difference([50, 50], [30, 70]), 3)
    0.417
    """
    a, b = vector(first_counts, name="first_counts"), vector(second_counts, name="second_counts")
    same_length(first_counts=a, second_counts=b)
    if a.sum() == 0 or b.sum() == 0:
        raise NotEnoughData("a group counts nobody.")
    used = (a + b) > 0
    p, q = a[used] / a.sum(), b[used] / b.sum()
    gap = (p - q)[1:]
    if not np.any(np.abs(gap) > 1e-15):
        return 0.0
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q))[1:, 1:] / 2
    solved, _, rank, _ = np.linalg.lstsq(covariance, gap, rcond=1e-10)
    if rank < gap.size and not np.allclose(covariance @ solved, gap, atol=1e-8):
        return float("inf")
    return float(np.sqrt(max(float(gap @ solved), 0.0)))


def balance_table(
    covariates: Mapping[str, ArrayLike], treated: ArrayLike, *, weights: ArrayLike
) -> tuple[Balance, ...]:
    """
    Means and standardized differences of every covariate before and after: the numbers of a Love plot.

    Parameters
    ----------
    covariates : mapping from name to array_like, shape (n,)
        Complete numbers or 0/1 flags.
    treated : array_like, shape (n,), 0 or 1
        Whether the person was treated.
    weights : array_like, shape (n,), >= 0
        `Matching.weights` or `PropensityWeights.values`; 0 leaves a person out after.

    Raises
    ------
    NotEnoughData
        Nobody treated, or nobody untreated, keeps a weight.

    Source
    ------
    Stuart (2010), Statistical Science 25:1-21 (same denominator before and after); Love plots after Thomas E. Love.

    Examples
    --------
    >>> row, = balance_table({"age": [60, 70, 80, 62]}, [1, 1, 0, 0], weights=[1, 0, 0, 1])
    >>> round(row.smd_before, 3), round(row.smd_after, 3)
    (-0.583, -0.194)
    """
    t = flags(treated, name="treated")
    w = _checked_weights(weights, n=t.size)
    if not w[t].any() or not w[~t].any():
        raise NotEnoughData("nobody treated, or nobody untreated, is left after matching or weighting.")
    return tuple(_row(name, vector(values, name=name), t=t, w=w) for name, values in covariates.items())


def _row(name: str, x: NDArray[np.float64], *, t: NDArray[np.bool_], w: NDArray[np.float64]) -> Balance:
    same_length(**{name: x}, treated=t)
    flag, one = _is_flag(x), np.ones(x.size)
    (m1, v1), (m0, v0) = (_moments(x[group], weights=one[group], flag=flag) for group in (t, ~t))
    (a1, u1), (a0, u0) = (_moments(x[group], weights=w[group], flag=flag) for group in (t, ~t))
    variance = (v1 + v0) / 2
    return Balance(
        name=name,
        flag=flag,
        treated_before=m1,
        untreated_before=m0,
        smd_before=_ratio(m1 - m0, variance=variance),
        treated_after=a1,
        untreated_after=a0,
        smd_after=_ratio(a1 - a0, variance=variance),
        variance_ratio_before=v1 / v0 if not flag and v0 > 0 else float("nan"),
        variance_ratio_after=u1 / u0 if not flag and u0 > 0 else float("nan"),
    )
