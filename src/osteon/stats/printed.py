"""What printed summaries imply: tests from means and counts alone, for rechecking a published table."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr
from scipy.stats import f as f_distribution

from osteon.core.errors import InputError, ShapeError
from osteon.core.result import Interval

__all__ = [
    "SummaryAnova",
    "accuracy_range",
    "anova_from_summary",
    "auc_difference_p",
    "binormal_auc",
    "hanley_mcneil_se",
    "pooled_mean_sd",
    "prevalence_from_accuracy",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryAnova:
    """One-way analysis of variance of groups known by n, mean and sd."""

    f: float
    df: tuple[int, int]
    p: float


def _summaries(n: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sizes, means, sds = (np.asarray(a, dtype=float) for a in (n, mean, sd))
    if not sizes.shape == means.shape == sds.shape or sizes.ndim != 1 or len(sizes) < 2:
        raise ShapeError("n, mean and sd must be of equal length, two groups or more.")
    if np.any(sizes < 2) or np.any(sds <= 0):
        raise InputError("each group needs n >= 2 and sd > 0.")
    return sizes, means, sds


def anova_from_summary(n: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> SummaryAnova:
    """
    One-way analysis of variance from each group's size, mean and standard deviation.

    Parameters
    ----------
    n, mean, sd : array_like, shape (k,)
        Group sizes, means and standard deviations (n - 1 in the denominator).

    Examples
    --------
    Equal means give F = 0; sizes 3, means 1 and 3, sd 1 give F = 6 with (1, 4) degrees of freedom.

    >>> result = anova_from_summary([3, 3], [1.0, 3.0], [1.0, 1.0])
    >>> round(result.f, 6), result.df
    (6.0, (1, 4))
    """
    sizes, means, sds = _summaries(n, mean, sd)
    total, groups = sizes.sum(), len(sizes)
    grand = float(sizes @ means / total)
    between = float(sizes @ (means - grand) ** 2) / (groups - 1)
    within = float((sizes - 1) @ sds**2) / (total - groups)
    df = (groups - 1, int(total - groups))
    f = float(between / within)
    return SummaryAnova(f=f, df=df, p=float(f_distribution.sf(f, *df)))


def pooled_mean_sd(n: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> tuple[float, float]:
    """
    Mean and standard deviation of all groups taken together.

    Examples
    --------
    >>> mean, sd = pooled_mean_sd([2, 2], [1.0, 3.0], [2**0.5, 2**0.5])  # 0, 2 and 2, 4
    >>> round(mean, 6), round(sd**2, 6)
    (2.0, 2.666667)
    """
    sizes, means, sds = _summaries(n, mean, sd)
    total = sizes.sum()
    grand = float(sizes @ means / total)
    squares = float((sizes - 1) @ sds**2 + sizes @ (means - grand) ** 2)
    return grand, sqrt(squares / (total - 1))


def hanley_mcneil_se(auc: float, *, events: float, nonevents: float) -> float:
    """
    Standard error of an AUC that a study of this size can reach, from the AUC and the class sizes alone.

    Source
    ------
    Hanley & McNeil (1982), Radiology 143:29-36, under exponential scores.

    Examples
    --------
    With one case in each class the AUC is a coin that lands 1 with probability AUC.

    >>> round(hanley_mcneil_se(0.8, events=1, nonevents=1), 6)
    0.4
    """
    if not 0.5 <= auc < 1 or events < 1 or nonevents < 1:
        raise InputError(
            f"expected .5 <= auc < 1 and both classes present, got {auc}, {events}, {nonevents}."
        )
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (events - 1) * (q1 - auc**2) + (nonevents - 1) * (q2 - auc**2)
    return sqrt(variance / (events * nonevents))


def auc_difference_p(first: tuple[float, float, float], second: tuple[float, float, float]) -> Interval:
    """
    The p-values that two independent AUCs, printed with 95 % limits to three decimals, can have.

    Parameters
    ----------
    first, second : (auc, low, high)
        As printed; each may be off by half a unit of its last digit.

    Returns
    -------
    Interval
        Smallest and largest two-sided p over all values that round to what is printed.
    """
    half_unit = 0.0005
    difference = abs(first[0] - second[0])
    widths = [(high - low) / 2 for _, low, high in (first, second)]
    p = []
    for sign in (-1, 1):
        gap = max(difference + sign * 2 * half_unit, 0.0)
        error = sqrt(sum((width - sign * half_unit) ** 2 for width in widths)) / 1.959963984540054
        p.append(float(2 * ndtr(-gap / error)))
    return Interval(min(p), max(p))


def accuracy_range(sensitivity: float, specificity: float) -> Interval:
    """Accuracy is a mean of the two, so at any prevalence it lies between them (level 1: certain)."""
    return Interval(min(sensitivity, specificity), max(sensitivity, specificity), 1.0)


def prevalence_from_accuracy(accuracy: float, *, sensitivity: float, specificity: float) -> float:
    """
    The prevalence at which a sensitivity and a specificity give this accuracy; outside [0, 1] = impossible.

    Examples
    --------
    >>> round(prevalence_from_accuracy(0.9, sensitivity=0.8, specificity=1.0), 6)
    0.5
    """
    if sensitivity == specificity:
        raise InputError("sensitivity equals specificity: every prevalence gives the same accuracy.")
    return (specificity - accuracy) / (specificity - sensitivity)


def binormal_auc(mean_high: float, sd_high: float, mean_low: float, sd_low: float) -> float:
    """
    AUC between two normal distributions, higher values on the first side.

    Examples
    --------
    >>> round(binormal_auc(1.0, 1.0, 0.0, 1.0), 4)
    0.7602
    """
    return float(ndtr((mean_high - mean_low) / sqrt(sd_high**2 + sd_low**2)))
