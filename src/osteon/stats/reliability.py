"""Do two or more readers measure the same value? Intraclass correlation and Bland-Altman limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.core.result import Interval
from osteon.stats.inputs import level_in_range, option, same_length, vector
from osteon.stats.wald import normal_quantile

__all__ = ["BlandAltman", "IntraclassCorrelation", "bland_altman", "intraclass_correlation"]

FORMS = ("1,1", "2,1", "3,1", "1,k", "2,k", "3,k")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntraclassCorrelation:
    """Share of the variance that is between subjects; 1 means that readers agree perfectly."""

    form: str
    value: float
    ci: Interval
    f: float
    df: tuple[float, float]
    p: float
    ms_subjects: float
    ms_raters: float
    ms_error: float
    ms_within: float
    n_subjects: int
    n_raters: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"ICC({self.form}) {self.value:.3f} ({self.ci}), {self.n_subjects} subjects x {self.n_raters} raters"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlandAltman:
    """Mean difference of two methods (first minus second) and the limits that hold most differences."""

    bias: float
    bias_ci: Interval
    sd: float
    lower_limit: float
    lower_limit_ci: Interval
    upper_limit: float
    upper_limit_ci: Interval
    slope: float
    slope_p: float
    n: int
    coverage: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _MeanSquares:
    n: int
    k: int
    subjects: float
    raters: float
    error: float
    within: float


def _mean_squares(ratings: ArrayLike) -> _MeanSquares:
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise ShapeError(
            f"ratings has {table.ndim} axes, expected 2: one row per subject, one column per rater."
        )
    n, k = table.shape
    if n < 2 or k < 2:
        raise NotEnoughData(f"{n} subjects and {k} raters came, at least 2 of each are needed.")
    if not np.all(np.isfinite(table)):
        raise InputError(
            "a rating is missing or infinite.", hint="Keep the subjects that every rater measured."
        )
    centred = table - table.mean()
    subjects, raters = centred.mean(axis=1), centred.mean(axis=0)
    rest = centred - subjects[:, None] - raters[None, :]
    ss_subjects, ss_raters, ss_error = k * (subjects**2).sum(), n * (raters**2).sum(), (rest**2).sum()
    if ss_subjects + ss_raters + ss_error == 0:
        raise NotEnoughData("all ratings are equal: the intraclass correlation is 0/0.")
    return _MeanSquares(
        n=n,
        k=k,
        subjects=float(ss_subjects / (n - 1)),
        raters=float(ss_raters / (k - 1)),
        error=float(ss_error / ((n - 1) * (k - 1))),
        within=float((ss_raters + ss_error) / (n * (k - 1))),
    )


def intraclass_correlation(
    ratings: ArrayLike, *, form: Literal["1,1", "2,1", "3,1", "1,k", "2,k", "3,k"], level: float = 0.95
) -> IntraclassCorrelation:
    """
    How much of the spread of measurements lies between subjects rather than between readings of one subject.

    Parameters
    ----------
    ratings : array_like, shape (n subjects, k raters)
        Complete measurements in any one unit.
    form : "1,1", "2,1", "3,1", "1,k", "2,k", "3,k"
        1: raters differ by subject; 2: raters are a sample and absolute agreement counts; 3: these raters alone,
        consistency counts. "1": of a single rater; "k": of the mean of the k raters.
    level : float in (0, 1)
        Confidence level.

    Raises
    ------
    NotEnoughData
        Fewer than 2 subjects or raters, or all ratings equal.

    Notes
    -----
    Perfect agreement (no error at all) gives 1 with the interval 1 to 1.

    Source
    ------
    Shrout & Fleiss (1979), Psychological Bulletin 86:420-428, tables 2 to 4.

    Examples
    --------
    >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> [round(intraclass_correlation(judges, form=form).value, 2) for form in ("1,1", "2,1", "3,1")]
    [0.17, 0.29, 0.71]
    """
    option(form, name="form", allowed=FORMS)
    level_in_range(level)
    ms = _mean_squares(ratings)
    residual = ms.within if form[0] == "1" else ms.error
    df = (float(ms.n - 1), float(ms.n * (ms.k - 1) if form[0] == "1" else (ms.n - 1) * (ms.k - 1)))
    with np.errstate(divide="ignore"):
        f = float(np.divide(ms.subjects, residual))
    value = _single(ms, form=form[0])
    low, high = (
        _agreement_limits(ms, value=value, level=level)
        if form[0] == "2"
        else _ratio_limits(ms, f=f, df=df, level=level)
    )
    if form[2] == "k":
        value, low, high = (_of_mean(x, k=ms.k) for x in (value, low, high))
    return IntraclassCorrelation(
        form=form,
        value=value,
        ci=Interval(low, high, level),
        f=f,
        df=df,
        p=float(stats.f.sf(f, *df)),
        ms_subjects=ms.subjects,
        ms_raters=ms.raters,
        ms_error=ms.error,
        ms_within=ms.within,
        n_subjects=ms.n,
        n_raters=ms.k,
    )


def _single(ms: _MeanSquares, *, form: str) -> float:
    """Reliability of one rater."""
    if form == "2":
        return (ms.subjects - ms.error) / (
            ms.subjects + (ms.k - 1) * ms.error + ms.k * (ms.raters - ms.error) / ms.n
        )
    residual = ms.within if form == "1" else ms.error
    return (ms.subjects - residual) / (ms.subjects + (ms.k - 1) * residual)


def _of_mean(single: float, *, k: int) -> float:
    """Spearman-Brown: reliability of the mean of k raters."""
    below = 1 + single * (k - 1)
    return single * k / below if below > 0 else float("-inf")


def _ratio_limits(
    ms: _MeanSquares, *, f: float, df: tuple[float, float], level: float
) -> tuple[float, float]:
    """Limits of forms 1 and 3, from the F ratio."""
    if not np.isfinite(f):
        return 1.0, 1.0
    upper = 0.5 + level / 2
    low, high = f / float(stats.f.ppf(upper, *df)), f * float(stats.f.ppf(upper, df[1], df[0]))
    return (low - 1) / (low + ms.k - 1), (high - 1) / (high + ms.k - 1)


def _agreement_limits(ms: _MeanSquares, *, value: float, level: float) -> tuple[float, float]:
    """Limits of form 2, with Satterthwaite's degrees of freedom for raters plus error."""
    n, k = ms.n, ms.k
    if ms.error == 0 and ms.raters == 0:
        return 1.0, 1.0
    between, inside = k * value * ms.raters, (n * (1 + (k - 1) * value) - k * value) * ms.error
    df = (k - 1) * (n - 1) * (between + inside) ** 2 / ((n - 1) * between**2 + inside**2)
    upper = 0.5 + level / 2
    f_low, f_high = float(stats.f.ppf(upper, n - 1, df)), float(stats.f.ppf(upper, df, n - 1))
    spread = k * ms.raters + (k * n - k - n) * ms.error
    low = n * (ms.subjects - f_low * ms.error) / (f_low * spread + n * ms.subjects)
    high = n * (f_high * ms.subjects - ms.error) / (spread + n * f_high * ms.subjects)
    return low, high


def bland_altman(
    first: ArrayLike, second: ArrayLike, *, coverage: float = 0.95, level: float = 0.95
) -> BlandAltman:
    """
    How far two ways of measuring the same person differ, on average and at worst.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Paired measurements in one unit; differences are first minus second.
    coverage : float in (0, 1)
        Share of differences that the limits of agreement should hold.
    level : float in (0, 1)
        Confidence level of the intervals of bias and limits.

    Returns
    -------
    BlandAltman
        ``slope`` is the change of the difference per unit of the mean (proportional bias), with its p.
        Note ``proportional_bias`` where that p is below 0.05.

    Raises
    ------
    NotEnoughData
        Fewer than 3 pairs.

    Source
    ------
    Bland & Altman (1986), Lancet 327:307-310; error of the limits as in Bland & Altman (1999), Statistical Methods in
    Medical Research 8:135-160: var(limit) = sd^2 (1/n + z^2 / (2 (n - 1))).

    Examples
    --------
    >>> wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    >>> mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    >>> answer = bland_altman(wright, mini)
    >>> round(answer.bias, 1), round(answer.sd, 1)
    (-2.1, 38.8)
    """
    a, b = vector(first, name="first", least=3), vector(second, name="second", least=3)
    n = same_length(first=a, second=b)
    level_in_range(coverage)
    level_in_range(level)
    difference, middle = a - b, (a + b) / 2
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    z, t = normal_quantile(coverage), float(stats.t.ppf(0.5 + level / 2, n - 1))
    half_bias = t * sd / np.sqrt(n)
    half_limit = t * sd * np.sqrt(1 / n + z**2 / (2 * (n - 1)))
    lower, upper = bias - z * sd, bias + z * sd
    slope, slope_p = float("nan"), float("nan")
    if sd > 0 and middle.std() > 0:
        line = stats.linregress(middle, difference)
        slope, slope_p = float(line.slope), float(line.pvalue)
    return BlandAltman(
        bias=bias,
        bias_ci=Interval(float(bias - half_bias), float(bias + half_bias), level),
        sd=sd,
        lower_limit=lower,
        lower_limit_ci=Interval(float(lower - half_limit), float(lower + half_limit), level),
        upper_limit=upper,
        upper_limit_ci=Interval(float(upper - half_limit), float(upper + half_limit), level),
        slope=slope,
        slope_p=slope_p,
        n=n,
        coverage=coverage,
        notes=("proportional_bias",) if slope_p < 0.05 else (),
    )
