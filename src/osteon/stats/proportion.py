"""
A share of people with its interval (Wilson with or without continuity correction, Clopper-Pearson), and the interval
of the difference of two shares of the same people (Tango).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scipy.optimize import brentq
from scipy.special import betaincinv

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.core.result import Interval
from osteon.stats.inputs import level_in_range
from osteon.stats.wald import normal_quantile

__all__ = ["Method", "Proportion", "proportion", "tango_interval", "wilson_interval"]

Method = Literal["wilson", "wilson-continuity", "clopper-pearson"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """``k`` of ``n`` people: the share ``value`` (0 to 1) and its interval."""

    value: float
    ci: Interval
    k: int
    n: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.ci}), {self.k}/{self.n}"


def proportion(k: int, n: int, *, level: float = 0.95, method: Method = "wilson") -> Proportion:
    """
    The share of people who have a feature, with a confidence interval.

    Parameters
    ----------
    k : int, 0 to n
        People with the feature.
    n : int, at least 1
        People looked at.
    level : float in (0, 1)
        Confidence level.
    method : {"wilson", "wilson-continuity", "clopper-pearson"}
        Wilson is the default: right on average at any size. Clopper-Pearson is exact and never too narrow.

    Returns
    -------
    Proportion
        ``ci`` always contains ``value`` and stays inside [0, 1].

    Raises
    ------
    NotEnoughData
        ``n`` is 0.
    InputError
        A count is negative, not whole, or ``k`` is above ``n``.

    Source
    ------
    Newcombe (1998), Statistics in Medicine 17:857-872, methods 3, 4 and 5, whose Table I gives 81/263.

    Differs
    -------
    R's prop.test shrinks the correction of 1/2 near ``k = n/2``; here it is always 1/2, as in the paper.

    Examples
    --------
    >>> print(proportion(81, 263))
    0.308 (0.255 to 0.366), 81/263
    >>> print(proportion(15, 148, method="clopper-pearson").ci)
    0.058 to 0.162
    """
    k, n = _count(k, "k"), _count(n, "n")
    if n == 0:
        raise NotEnoughData("n is 0: a share of nobody is undefined.")
    if k > n:
        raise InputError(f"k is {k} and n is {n}; the people with the feature are part of n.")
    if method == "clopper-pearson":
        low, high = _clopper_pearson(k, n, level_in_range(level))
    elif method == "wilson":
        low, high = _wilson(k, n, level, 0.0)
    elif method == "wilson-continuity":
        low, high = _wilson(k, n, level, 0.5)
    else:
        raise ConfigError(
            f"method is {method!r}; it must be 'wilson', 'wilson-continuity' or 'clopper-pearson'."
        )
    return Proportion(value=k / n, ci=Interval(low, high, level), k=k, n=n)


def wilson_interval(share: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """
    Wilson's limits of a share seen in ``n`` people, where ``n`` may be an effective, not whole, number.

    Source
    ------
    Wilson (1927), Journal of the American Statistical Association 22:209-212.

    Examples
    --------
    >>> tuple(round(limit, 4) for limit in wilson_interval(81 / 263, 263))
    (0.2553, 0.3662)
    """
    if not (0 <= share <= 1 and n > 0):
        raise InputError(f"share is {share} of {n}; a share from 0 to 1 of more than nobody is needed.")
    return _wilson(share * n, n, level_in_range(level), 0.0)


def tango_interval(
    first_only: float, second_only: float, n: float, *, level: float = 0.95
) -> tuple[float, float]:
    """
    Tango's score limits of the share of the second minus that of the first of two yes/no readings of ``n`` people.

    Parameters
    ----------
    first_only, second_only : float >= 0
        People in whom only the first, or only the second, is positive.
    n : float > 0
        All people read twice. The three may be effective, not whole, numbers.
    level : float in (0, 1)

    Returns
    -------
    tuple of two floats
        Defined for every table, also where nobody differs. 0 lies outside exactly where McNemar's chi-square without
        correction rejects at ``1 - level``.

    Raises
    ------
    InputError
        A count is negative, or more people differ than were read.

    Source
    ------
    Tango (1998), Statistics in Medicine 17:891-908. The example is that of Fagerland, Lydersen & Laake (2014),
    Statistics in Medicine 33:2850-2875: 1 and 7 of 21 children, -.517 to -.026.

    Examples
    --------
    >>> tuple(round(limit, 3) for limit in tango_interval(7, 1, 21))
    (-0.517, -0.026)
    >>> tuple(round(limit, 3) for limit in tango_interval(0, 0, 41))
    (-0.086, 0.086)
    """
    if not (n > 0 and min(first_only, second_only) >= 0 and first_only + second_only <= n * (1 + 1e-12)):
        raise InputError(
            f"{first_only} and {second_only} of {n} differ; counts of 0 or more, together at most all, are needed."
        )
    z = normal_quantile(level)
    return _tango_low(first_only, second_only, n, z), -_tango_low(second_only, first_only, n, z)


def _tango_low(first_only: float, second_only: float, n: float, z: float) -> float:
    """Where the score test of a smaller difference begins to reject."""
    seen = (second_only - first_only) / n

    def rejected_by(difference: float) -> float:
        # the likeliest share of "first only" where the shares differ by this much
        b = (2 * n + first_only - second_only) * difference - first_only - second_only
        root = math.sqrt(max(b * b + 8 * n * first_only * difference * (1 - difference), 0.0))
        variance = n * ((root - b) / (2 * n) + difference * (1 - difference))
        return (n * (seen - difference)) ** 2 - z * z * variance

    # at what was seen the variance may be 0 too, and 0 is no limit: look from just below it
    below = seen - 1e-12
    return -1.0 if below <= -1.0 else float(brentq(rejected_by, -1.0, below, xtol=1e-15))


def _count(value: int, name: str) -> int:
    if value != value or value < 0 or value != int(value):
        raise InputError(f"{name} is {value}; a whole number of people, 0 or more, is needed.")
    return int(value)


def _wilson(k: float, n: float, level: float, correction: float) -> tuple[float, float]:
    z = normal_quantile(level)

    def limit(count: float, sign: float) -> float:
        share = count / n
        spread = z * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
        return (share + z * z / (2.0 * n) + sign * spread) / (1.0 + z * z / n)

    low = 0.0 if k == 0 else max(0.0, limit(max(k - correction, 0.0), -1.0))
    high = 1.0 if k == n else min(1.0, limit(min(k + correction, n), 1.0))
    return min(low, k / n), max(high, k / n)


def _clopper_pearson(k: int, n: int, level: float) -> tuple[float, float]:
    tail = (1.0 - level) / 2.0
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1.0 - tail))
    return low, high
