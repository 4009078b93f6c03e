"""Large-sample intervals and tests: an estimate, its standard error, and the normal curve."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from osteon.core.result import Interval
from osteon.stats.inputs import level_in_range

__all__ = ["normal_quantile", "wald_interval", "wald_test"]


def normal_quantile(level: float) -> float:
    """
    How many standard errors a two-sided interval at ``level`` reaches to each side.

    Examples
    --------
    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return float(ndtri(0.5 + level_in_range(level) / 2.0))


def wald_interval(value: float, se: float, *, level: float = 0.95) -> Interval:
    """The estimate plus and minus its standard error times the normal quantile."""
    reach = normal_quantile(level) * se
    return Interval(value - reach, value + reach, level)


def wald_test(value: float, se: float) -> tuple[float, float]:
    """
    The z value and the two-sided p of "the true value is 0".

    An error of 0 leaves nothing to test against: z 0 and p 1 for a value of exactly 0, otherwise both NaN.

    Examples
    --------
    >>> z, p = wald_test(1.959964, 1.0)
    >>> round(p, 6)
    0.05
    """
    if se > 0.0:
        z = value / se
        return z, 2.0 * float(ndtr(-abs(z)))
    return (0.0, 1.0) if value == 0.0 else (math.nan, math.nan)
