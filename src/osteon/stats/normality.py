"""Is a measurement spread like a bell? Decides between means and medians in a baseline table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.core.errors import InputError, NotEnoughData
from osteon.stats.compare import Comparison
from osteon.stats.inputs import vector

__all__ = ["LARGEST_SHAPIRO", "Normality", "normality", "shapiro_wilk"]

LARGEST_SHAPIRO = 5000
SKEWNESS_LIMIT, KURTOSIS_LIMIT = 2.0, 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Normality:
    """Whether values pass as normal and by which rule: ``shapiro_wilk`` or ``skewness_kurtosis``."""

    normal: bool
    rule: str
    p: float | None
    skewness: float
    excess_kurtosis: float
    n: int


def shapiro_wilk(values: ArrayLike) -> Comparison:
    """
    Does a sample depart from the normal distribution?

    Parameters
    ----------
    values : array_like, shape (n,), 3 <= n <= 5000
        One measurement.

    Raises
    ------
    NotEnoughData
        Fewer than 3 values, or all equal.
    InputError
        More than 5000 values: the p value is not calibrated there.

    Source
    ------
    Royston (1995), Applied Statistics 44:547-551.

    Examples
    --------
    >>> shapiro_wilk([1.0, 2.0, 3.0, 4.0, 5.0]).p > 0.9
    True
    """
    x = vector(values, name="values", least=3)
    if x.size > LARGEST_SHAPIRO:
        raise InputError(
            f"{x.size} values came, Shapiro-Wilk takes at most {LARGEST_SHAPIRO}.", hint="Use normality()."
        )
    if np.ptp(x) == 0:
        raise NotEnoughData("all values are equal: normality cannot be judged.")
    answer = stats.shapiro(x - np.median(x))
    return Comparison(
        test="shapiro_wilk", statistic=float(answer.statistic), p=float(answer.pvalue), n=(x.size,)
    )


def normality(values: ArrayLike, *, alpha: float = 0.05) -> Normality:
    """
    Whether values pass as normal: Shapiro-Wilk up to 5000 values, limits of skewness and kurtosis beyond.

    Parameters
    ----------
    values : array_like, shape (n,), n >= 3
        One measurement.
    alpha : float in (0, 1)
        Shapiro-Wilk p at or above which values pass.

    Returns
    -------
    Normality
        Beyond 5000 values they pass with absolute skewness <= 2 and absolute excess kurtosis <= 7.

    Raises
    ------
    NotEnoughData
        Fewer than 3 values, or all equal.

    Source
    ------
    Kim (2013), Restorative Dentistry & Endodontics 38:52-54 (limits for large samples).

    Examples
    --------
    >>> normality([1.0, 2.0, 3.0, 4.0, 50.0]).normal
    False
    """
    x = vector(values, name="values", least=3)
    if np.ptp(x) == 0:
        raise NotEnoughData("all values are equal: normality cannot be judged.")
    scaled = (x - x.mean()) / x.std()
    skewness, excess = float((scaled**3).mean()), float((scaled**4).mean() - 3)
    if x.size <= LARGEST_SHAPIRO:
        p = shapiro_wilk(x).p
        return Normality(
            normal=p >= alpha, rule="shapiro_wilk", p=p, skewness=skewness, excess_kurtosis=excess, n=x.size
        )
    normal = abs(skewness) <= SKEWNESS_LIMIT and abs(excess) <= KURTOSIS_LIMIT
    return Normality(
        normal=normal, rule="skewness_kurtosis", p=None, skewness=skewness, excess_kurtosis=excess, n=x.size
    )
