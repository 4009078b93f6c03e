"""
What a survey sample says about its whole population: weighted estimates with errors that know the design.

Errors are Taylor-linearised between primary sampling units (PSU) within strata, PSUs taken as drawn with replacement,
as NHANES analyses do. A domain (subpopulation) keeps the whole design. Notes used: ``missing:<rows>`` (rows of the
domain without a value), ``lonely_psu:<strata>`` (strata with one PSU, centred at the grand mean),
``few_events:<k>`` (fewer than 10 with, or without, the condition).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.core.result import Interval
from osteon.stats.inputs import level_in_range, option, vector, vector_with_gaps

__all__ = [
    "SurveyDesign",
    "SurveyEstimate",
    "survey_design",
    "survey_mean",
    "survey_proportion",
    "survey_ratio",
    "survey_total",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyDesign:
    """Weight, stratum number and PSU number of every sampled person; PSU numbers are unique over strata."""

    weights: NDArray[np.float64]
    stratum: NDArray[np.intp]
    psu: NDArray[np.intp]
    n_strata: int
    n_psu: int
    lonely: Literal["refuse", "adjust"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyEstimate:
    """
    A population figure with its design-based error.

    ``df``: PSUs minus strata among those with somebody in the domain. ``design_effect``: variance over that of a
    simple random sample of the same size (NaN for totals and ratios). ``population``: sum of weights used.
    """

    value: float
    se: float
    ci: Interval
    df: int
    design_effect: float
    n: int
    population: float
    notes: tuple[str, ...] = ()


def survey_design(
    weights: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    psu: ArrayLike | None = None,
    lonely: Literal["refuse", "adjust"] = "refuse",
) -> SurveyDesign:
    """
    The sampling design of a survey, one entry per sampled person.

    Parameters
    ----------
    weights : array_like, shape (n,), >= 0
        How many people of the population each person stands for (e.g. WTMECPRP).
    strata : array_like, shape (n,), optional
        Stratum labels (SDMVSTRA); default one stratum.
    psu : array_like, shape (n,), optional
        PSU labels (SDMVPSU), which may repeat from stratum to stratum; default every person a PSU.
    lonely : "refuse", "adjust"
        A stratum with a single PSU: refuse, or centre it at the mean of all PSU totals.

    Raises
    ------
    InputError
        A weight is negative or missing, or a label is missing.
    ShapeError
        Lengths differ.
    NotEnoughData
        All weights are 0.

    Notes
    -----
    Pass everybody sampled and choose people with ``domain=``: leaving rows out would lose PSUs.

    Source
    ------
    NHANES Analytic Guidelines 2011-2014 and 2015-2016, section on variance estimation.

    Examples
    --------
    >>> design = survey_design([1, 1, 2, 2], strata=["a", "a", "b", "b"], psu=[1, 2, 1, 2])
    >>> design.n_strata, design.n_psu
    (2, 4)
    """
    w = vector(weights, name="weights")
    option(lonely, name="lonely", allowed=("refuse", "adjust"))
    if np.any(w < 0):
        raise InputError(f"weights hold {w.min():g}, expected 0 or more.")
    if not w.any():
        raise NotEnoughData("all weights are 0: nobody stands for the population.")
    stratum = (
        np.zeros(w.size, dtype=np.intp) if strata is None else _numbered(strata, name="strata", n=w.size)
    )
    inside = np.arange(w.size) if psu is None else _numbered(psu, name="psu", n=w.size)
    unit = np.unique(stratum * (int(inside.max()) + 1) + inside, return_inverse=True)[1]
    return SurveyDesign(
        weights=w,
        stratum=stratum,
        psu=unit,
        n_strata=int(stratum.max()) + 1,
        n_psu=int(unit.max()) + 1,
        lonely=lonely,
    )


def _numbered(labels: ArrayLike, *, name: str, n: int) -> NDArray[np.intp]:
    """Labels as 0, 1, 2, ... in sorted order."""
    array = np.asarray(labels)
    if array.shape != (n,):
        raise ShapeError(f"{name} has shape {array.shape} for {n} weights.")
    if any(label is None or label != label for label in array.tolist()):
        raise InputError(
            f"{name} has a missing label.", hint="Leave out people without a place in the design."
        )
    numbers: NDArray[np.intp] = np.unique(array, return_inverse=True)[1]
    return numbers


def _domain(
    design: SurveyDesign, *columns: NDArray[np.float64], domain: ArrayLike | None
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Who counts: inside the domain, with a weight and every value; and a note of how many lack a value."""
    inside = np.ones(design.weights.size, dtype=bool)
    if domain is not None:
        array = np.asarray(domain)
        if array.dtype != np.bool_ or array.shape != inside.shape:
            raise ShapeError(f"domain must hold one boolean for each of {inside.size} people.")
        inside = array.copy()
    inside &= design.weights > 0
    complete = np.all([np.isfinite(column) for column in columns], axis=0)
    missing = int((inside & ~complete).sum())
    inside &= complete
    if inside.sum() < 2:
        raise NotEnoughData(
            f"{int(inside.sum())} people with a value are in the domain, at least 2 are needed."
        )
    return inside, (f"missing:{missing}",) if missing else ()


def _linearised(
    influence: NDArray[np.float64], *, design: SurveyDesign, inside: NDArray[np.bool_]
) -> tuple[float, int, tuple[str, ...]]:
    """Variance of the sum of weighted influences, degrees of freedom, and a note of lonely PSUs."""
    totals = np.bincount(design.psu, weights=influence, minlength=design.n_psu)
    home = np.zeros(design.n_psu, dtype=np.intp)
    home[design.psu] = design.stratum
    size = np.bincount(home, minlength=design.n_strata)
    mean = np.bincount(home, weights=totals, minlength=design.n_strata) / size
    lonely = size == 1
    if lonely.any():
        if design.lonely == "refuse":
            raise NotEnoughData(
                f"{int(lonely.sum())} strata have a single PSU: their variance is undefined.",
                hint="Join strata, or use lonely='adjust'.",
            )
        mean = np.where(lonely, totals.mean(), mean)
    scale = np.where(lonely, 1.0, size / np.maximum(size - 1, 1))
    variance = float((scale[home] * (totals - mean[home]) ** 2).sum())
    df = np.unique(design.psu[inside]).size - np.unique(design.stratum[inside]).size
    return variance, int(df), (f"lonely_psu:{int(lonely.sum())}",) if lonely.any() else ()


def _quantile(df: int, *, level: float) -> float:
    """Two-sided t quantile of the design."""
    if df < 1:
        raise NotEnoughData(
            "the domain lies in as many strata as PSUs: no degree of freedom is left for an error."
        )
    return float(stats.t.ppf(0.5 + level_in_range(level) / 2, df))


def survey_mean(
    values: ArrayLike, design: SurveyDesign, *, domain: ArrayLike | None = None, level: float = 0.95
) -> SurveyEstimate:
    """
    The mean of a measurement in the population, or in one part of it.

    Parameters
    ----------
    values : array_like, shape (n,)
        One unit; NaN where missing (left out and noted).
    design : SurveyDesign
        Of all n people sampled.
    domain : array_like of bool, shape (n,), optional
        Who belongs to the subpopulation.
    level : float in (0, 1)
        Confidence level, by Student's t with the design's degrees of freedom.

    Raises
    ------
    NotEnoughData
        Fewer than 2 people in the domain, no degree of freedom, or a lonely PSU that ``design`` refuses.

    Source
    ------
    Woodruff (1971), Journal of the American Statistical Association 66:411-414; Korn & Graubard (1999), Analysis of
    Health Surveys.

    Examples
    --------
    >>> survey_mean([1, 2, 3, 6], survey_design([1, 1, 1, 1])).value
    3.0
    """
    y = vector_with_gaps(values, name="values", n=design.weights.size)
    inside, notes = _domain(design, y, domain=domain)
    w, y = np.where(inside, design.weights, 0.0), np.where(inside, y, 0.0)
    total = float(w.sum())
    mean = float((w * y).sum() / total)
    variance, df, more = _linearised(w * (y - mean) / total, design=design, inside=inside)
    simple = float((w * (y - mean) ** 2).sum() / total) / (int(inside.sum()) - 1)
    found = (variance, df, (*notes, *more))
    answer = _estimate(mean, found, design=design, inside=inside, level=level)
    return replace(answer, design_effect=variance / simple if simple > 0 else float("nan"))


def survey_proportion(
    flag: ArrayLike, design: SurveyDesign, *, domain: ArrayLike | None = None, level: float = 0.95
) -> SurveyEstimate:
    """
    The share of the population, or of one part of it, with a condition (prevalence).

    Parameters
    ----------
    flag : array_like, shape (n,), 0, 1 or NaN
        Whether a person has the condition; NaN where unknown (left out and noted).
    design, domain, level
        As in `survey_mean`; the interval is symmetric in the logit, so that it stays between 0 and 1.

    Raises
    ------
    InputError
        A value other than 0 and 1.
    NotEnoughData
        As in `survey_mean`.

    Notes
    -----
    Where nobody or everybody has the condition the design gives no error: the interval is then Clopper and
    Pearson's on the number of people, noted ``no_events`` or ``all_events``.

    Source
    ------
    Korn & Graubard (1999); the logit interval is that of R's ``svyciprop(method = "logit")``.

    Examples
    --------
    >>> print(survey_proportion([1, 0, 0, 1, 0, 0], survey_design([1] * 6)).ci)
    0.042 to 0.851
    """
    y = vector_with_gaps(flag, name="flag", n=design.weights.size)
    other = y[np.isfinite(y) & (y != 0) & (y != 1)]
    if other.size:
        raise InputError(f"flag holds {other[0]:g}, expected 0, 1 or missing.")
    answer = survey_mean(y, design, domain=domain, level=level)
    inside, _ = _domain(design, y, domain=domain)
    k = int(y[inside].sum())
    rare = min(k, answer.n - k)
    notes = answer.notes
    if rare == 0:
        alpha = (1 - level) / 2
        low = 0.0 if k == 0 else float(alpha ** (1 / answer.n))
        high = 1.0 if k else float(1 - alpha ** (1 / answer.n))
        ci, notes = Interval(low, high, level), (*notes, "all_events" if k else "no_events")
    else:
        half = _quantile(answer.df, level=level) * answer.se / (answer.value * (1 - answer.value))
        centre = float(special.logit(answer.value))
        ci = Interval(float(special.expit(centre - half)), float(special.expit(centre + half)), level)
        notes = (*notes, f"few_events:{rare}") if rare < 10 else notes
    return replace(answer, ci=ci, notes=notes)


def survey_total(
    values: ArrayLike, design: SurveyDesign, *, domain: ArrayLike | None = None, level: float = 0.95
) -> SurveyEstimate:
    """
    The sum of a measurement over the population: with 0/1 values, how many people have the condition.

    Parameters and errors as `survey_mean`.

    Examples
    --------
    >>> survey_total([1, 0, 1, 1], survey_design([100, 100, 200, 200])).value
    500.0
    """
    y = vector_with_gaps(values, name="values", n=design.weights.size)
    inside, notes = _domain(design, y, domain=domain)
    influence = np.where(inside, design.weights * np.where(inside, y, 0.0), 0.0)
    variance, df, more = _linearised(influence, design=design, inside=inside)
    found = (variance, df, (*notes, *more))
    return _estimate(float(influence.sum()), found, design=design, inside=inside, level=level)


def survey_ratio(
    numerator: ArrayLike,
    denominator: ArrayLike,
    design: SurveyDesign,
    *,
    domain: ArrayLike | None = None,
    level: float = 0.95,
) -> SurveyEstimate:
    """
    The ratio of two population totals, such as fractures per person-year.

    Parameters
    ----------
    numerator, denominator : array_like, shape (n,)
        NaN where missing (left out and noted).
    design, domain, level
        As in `survey_mean`.

    Raises
    ------
    NotEnoughData
        The denominator's total is 0, or as in `survey_mean`.

    Examples
    --------
    >>> survey_ratio([1, 2, 3], [2, 4, 6], survey_design([1, 1, 1])).value
    0.5
    """
    size = design.weights.size
    y, x = (
        vector_with_gaps(numerator, name="numerator", n=size),
        vector_with_gaps(denominator, name="denominator", n=size),
    )
    inside, notes = _domain(design, y, x, domain=domain)
    w = np.where(inside, design.weights, 0.0)
    y, x = np.where(inside, y, 0.0), np.where(inside, x, 0.0)
    total = float((w * x).sum())
    if total == 0:
        raise NotEnoughData("the denominator's total is 0: the ratio is undefined.")
    ratio = float((w * y).sum()) / total
    variance, df, more = _linearised(w * (y - ratio * x) / total, design=design, inside=inside)
    found = (variance, df, (*notes, *more))
    return _estimate(ratio, found, design=design, inside=inside, level=level)


def _estimate(
    value: float,
    found: tuple[float, int, tuple[str, ...]],
    *,
    design: SurveyDesign,
    inside: NDArray[np.bool_],
    level: float,
) -> SurveyEstimate:
    """The estimate with its t interval from (variance, degrees of freedom, notes)."""
    variance, df, notes = found
    se = float(np.sqrt(variance))
    half = _quantile(df, level=level) * se
    return SurveyEstimate(
        value=value,
        se=se,
        ci=Interval(value - half, value + half, level),
        df=df,
        design_effect=float("nan"),
        n=int(inside.sum()),
        population=float(design.weights[inside].sum()),
        notes=notes,
    )
