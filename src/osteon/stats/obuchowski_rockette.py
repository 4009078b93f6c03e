"""
Obuchowski-Rockette analysis: do arms differ for readers and cases like these, not only for these readers and cases?

The figures of merit of arms and readers are an analysis of variance with correlated errors; the correlations come from
the cases all readers share. Three questions: random readers and random cases (the usual claim), these readers and
random cases, random readers and these cases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.core.result import Interval
from osteon.stats.inputs import level_in_range

__all__ = ["ArmDifference", "ArmMean", "ArmTest", "Components", "ReaderDifference", "arm_tests", "components"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """
    Mean squares and error covariances.

    ``cov1``: same reader, other arm; ``cov2``: same arm, other reader; ``cov3``: both others. ``var_r`` and ``var_tr``
    are the variances of readers and of reader by arm, and may come out negative. NaN where one reader leaves them open.
    """

    ms_t: float
    ms_r: float
    ms_tr: float
    error: float
    cov1: float
    cov2: float
    cov3: float
    var_r: float
    var_tr: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDifference:
    """Mean of ``first`` minus mean of ``second`` over the readers; ``df`` is infinite where z is used."""

    first: str
    second: str
    difference: float
    se: float
    df: float
    ci: Interval
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmMean:
    """Mean over the readers in one arm, from the data of that arm alone."""

    arm: str
    value: float
    se: float
    df: float
    ci: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTest:
    """
    One of the three analyses: "random_readers_random_cases", "fixed_readers_random_cases", "random_readers_fixed_cases".

    ``statistic`` is F with (df1, df2), or chi-square with df1 where ``df2`` is infinite.
    """

    scope: str
    statistic: float
    df1: int
    df2: float
    p: float
    error_term: float
    differences: tuple[ArmDifference, ...]
    means: tuple[ArmMean, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderDifference:
    """One reader's own difference between two arms; tested over cases."""

    reader: str
    first: str
    second: str
    difference: float
    se: float
    ci: Interval
    p: float


def components(values: Floats, covariance: Floats) -> Components:
    """
    Mean squares and error covariances of figures of shape (arms, readers).

    Parameters
    ----------
    values : array, shape (arms, readers)
    covariance : array, shape (arms, readers, arms, readers)

    Source
    ------
    Hillis, Obuchowski, Schartz & Berbaum (2005), Statistics in Medicine 24:1579-1607.
    """
    t, r = _checked(values, covariance)
    grand, by_arm, by_reader = values.mean(), values.mean(axis=1), values.mean(axis=0)
    ms_t = float(r * ((by_arm - grand) ** 2).sum() / (t - 1)) if t > 1 else math.nan
    ms_r = float(t * ((by_reader - grand) ** 2).sum() / (r - 1)) if r > 1 else math.nan
    rest = values - by_arm[:, None] - by_reader[None, :] + grand
    ms_tr = float((rest**2).sum() / ((t - 1) * (r - 1))) if t > 1 and r > 1 else math.nan
    same_arm, same_reader = np.eye(t, dtype=bool)[:, None, :, None], np.eye(r, dtype=bool)[None, :, None, :]
    error, cov1, cov2, cov3 = (
        _mean(covariance, where)
        for where in (
            same_arm & same_reader,
            ~same_arm & same_reader,
            same_arm & ~same_reader,
            ~same_arm & ~same_reader,
        )
    )
    return Components(
        ms_t=ms_t, ms_r=ms_r, ms_tr=ms_tr, error=error, cov1=cov1, cov2=cov2, cov3=cov3,
        var_r=(ms_r - ms_tr) / t - cov1 + cov3, var_tr=ms_tr - error + cov1 + (cov2 - cov3),
    )  # fmt: skip


def _checked(values: Floats, covariance: Floats) -> tuple[int, int]:
    if values.ndim != 2 or covariance.shape != (*values.shape, *values.shape):
        raise ShapeError(f"figures {values.shape} and covariance {covariance.shape} do not belong together.")
    if not (np.isfinite(values).all() and np.isfinite(covariance).all()):
        raise InputError("a figure or a covariance is not a number.")
    return values.shape


def _mean(covariance: Floats, where: NDArray[np.bool_]) -> float:
    chosen = covariance[np.broadcast_to(where, covariance.shape)]
    return float(chosen.mean()) if chosen.size else math.nan


def arm_tests(
    values: Floats, covariance: Floats, *, arms: Sequence[str], readers: Sequence[str], level: float = 0.95
) -> tuple[tuple[ArmTest, ...], tuple[ReaderDifference, ...]]:
    """
    The analyses that the numbers of arms and readers allow, and each reader's own differences.

    Parameters
    ----------
    values : array, shape (arms, readers)
    covariance : array, shape (arms, readers, arms, readers)
    arms, readers : sequences of names
    level : float in (0, 1)

    Returns
    -------
    tuple, tuple
        With one reader only the analysis of fixed readers exists.

    Raises
    ------
    NotEnoughData
        One arm only.

    Source
    ------
    Obuchowski & Rockette (1995), Communications in Statistics - Simulation and Computation 24:285-308; degrees of
    freedom of Hillis (2007), Statistics in Medicine 26:596-619.
    """
    t, r = _checked(values, covariance)
    if t < 2:
        raise NotEnoughData("one arm: there is nothing to compare.")
    level_in_range(level)
    parts = components(values, covariance)
    tests = [_fixed_readers(values, covariance, parts, arms=arms, level=level)]
    if r > 1:
        tests.insert(0, _random_readers(values, covariance, parts, arms=arms, level=level))
        tests.append(_fixed_cases(values, parts, arms=arms, level=level))
    own = tuple(
        _own(values, covariance, reader=i, name=readers[i], pair=pair, arms=arms, level=level)
        for i in range(r) for pair in combinations(range(t), 2)
    )  # fmt: skip
    return tuple(tests), own


def _random_readers(
    values: Floats, covariance: Floats, parts: Components, *, arms: Sequence[str], level: float
) -> ArmTest:
    t, r = values.shape
    term = parts.ms_tr + max(r * (parts.cov2 - parts.cov3), 0.0)
    df = _hillis(term, parts.ms_tr, (t - 1) * (r - 1))
    means = []
    for i, arm in enumerate(arms):
        ms = float(values[i].var(ddof=1))
        inside = covariance[i, :, i, :]
        cov2 = float(inside[~np.eye(r, dtype=bool)].mean())
        both = ms + max(r * cov2, 0.0)
        means.append(
            _arm_mean(arm, float(values[i].mean()), math.sqrt(both / r), _hillis(both, ms, r - 1), level)
        )
    notes = ("few_readers",) if r < 4 else ()
    return _test("random_readers_random_cases", parts.ms_t, term, df, values=values, arms=arms,
                 means=means, level=level, notes=notes)  # fmt: skip


def _fixed_readers(
    values: Floats, covariance: Floats, parts: Components, *, arms: Sequence[str], level: float
) -> ArmTest:
    _, r = values.shape
    # cov1 to cov3 are averages of a covariance: what cannot be (a single reader) adds nothing
    term = parts.error - parts.cov1 + ((r - 1) * max(parts.cov2 - parts.cov3, 0.0) if r > 1 else 0.0)
    means = []
    for i, arm in enumerate(arms):
        inside = covariance[i, :, i, :]
        cov2 = float(inside[~np.eye(r, dtype=bool)].mean()) if r > 1 else 0.0
        variance = (float(np.trace(inside)) / r + (r - 1) * max(cov2, 0.0)) / r
        means.append(_arm_mean(arm, float(values[i].mean()), math.sqrt(max(variance, 0.0)), math.inf, level))
    return _test("fixed_readers_random_cases", parts.ms_t, max(term, 0.0), math.inf, values=values, arms=arms,
                 means=means, level=level, notes=())  # fmt: skip


def _fixed_cases(values: Floats, parts: Components, *, arms: Sequence[str], level: float) -> ArmTest:
    t, r = values.shape
    means = [
        _arm_mean(
            arm, float(values[i].mean()), float(values[i].std(ddof=1)) / math.sqrt(r), float(r - 1), level
        )
        for i, arm in enumerate(arms)
    ]
    return _test("random_readers_fixed_cases", parts.ms_t, parts.ms_tr, float((t - 1) * (r - 1)), values=values,
                 arms=arms, means=means, level=level, notes=())  # fmt: skip


def _hillis(term: float, mean_square: float, df: int) -> float:
    """Degrees of freedom of a sum of which only ``mean_square`` was estimated on ``df`` degrees of freedom."""
    return math.inf if mean_square <= 0 else term**2 / (mean_square**2 / df)


def _test(
    scope: str, ms_t: float, term: float, df2: float, *, values: Floats, arms: Sequence[str],
    means: list[ArmMean], level: float, notes: tuple[str, ...],
) -> ArmTest:  # fmt: skip
    """The test from the arms' mean square and its error term; without variation there is none."""
    t, r = values.shape
    if term > 1e-15:
        f = ms_t / term
        statistic = f if math.isfinite(df2) else (t - 1) * f
        p = _upper(f, t - 1, df2)
    else:
        statistic, p = math.nan, 1.0 if ms_t < 1e-15 else math.nan
        notes = (*notes, "no_variation")
    se = math.sqrt(2 * term / r)
    differences = []
    for i, j in combinations(range(t), 2):
        gap = float(values[i].mean() - values[j].mean())
        ci = _interval(gap, se, df2, level)
        differences.append(ArmDifference(first=arms[i], second=arms[j], difference=gap, se=se, df=df2, ci=ci,
                                         p=_two_sided(gap, se, df2)))  # fmt: skip
    return ArmTest(scope=scope, statistic=statistic, df1=t - 1, df2=df2, p=p, error_term=term,
                   differences=tuple(differences), means=tuple(means), notes=notes)  # fmt: skip


def _own(
    values: Floats, covariance: Floats, *, reader: int, name: str, pair: tuple[int, int], arms: Sequence[str],
    level: float,
) -> ReaderDifference:  # fmt: skip
    i, j = pair
    gap = float(values[i, reader] - values[j, reader])
    own = covariance[:, reader, :, reader]
    se = math.sqrt(max(float(own[i, i] + own[j, j] - 2 * own[i, j]), 0.0))
    return ReaderDifference(reader=name, first=arms[i], second=arms[j], difference=gap, se=se,
                            ci=_interval(gap, se, math.inf, level), p=_two_sided(gap, se, math.inf))  # fmt: skip


def _arm_mean(arm: str, value: float, se: float, df: float, level: float) -> ArmMean:
    ci = _interval(value, se, df, level)
    return ArmMean(
        arm=arm, value=value, se=se, df=df, ci=Interval(max(ci.low, 0.0), min(ci.high, 1.0), level)
    )


def _interval(value: float, se: float, df: float, level: float) -> Interval:
    quantile = 0.5 + level / 2
    reach = se * float(stats.t.ppf(quantile, df) if math.isfinite(df) else stats.norm.ppf(quantile))
    return Interval(value - reach, value + reach, level)


def _upper(f: float, df1: int, df2: float) -> float:
    return float(stats.f.sf(f, df1, df2) if math.isfinite(df2) else stats.chi2.sf(f * df1, df1))


def _two_sided(gap: float, se: float, df: float) -> float:
    if se <= 0:
        return 1.0 if gap == 0 else math.nan
    return _upper((gap / se) ** 2, 1, df)
