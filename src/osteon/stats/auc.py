"""
How well a risk ranks people: ROC curve, area under it with DeLong's error, paired tests, partial area.

Higher risk must mean "more likely to have the event"; a score is never turned round to look better.
Notes used here: "interval clipped to [0, 1]", "DeLong error 0: classes fully separated, or one risk for all",
"n thresholds tie for the best Youden index: the lowest is given".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import ConfigError
from osteon.core.result import Interval
from osteon.stats.inputs import level_in_range, option
from osteon.stats.predicted import checked_outcome, checked_risk, checked_risks
from osteon.stats.ranking import area_between, delong_covariance, equality_test, placements, roc_corners
from osteon.stats.wald import wald_interval, wald_test

__all__ = [
    "Auc",
    "AucComparison",
    "AucDifference",
    "PartialAuc",
    "RocCurve",
    "YoudenThreshold",
    "auc",
    "compare_aucs",
    "partial_auc",
    "roc_curve",
    "youden_threshold",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RocCurve:
    """
    Sensitivity and specificity at every cut that changes them, from "everybody positive" to "nobody".

    ``threshold`` runs from -inf through the midpoints between neighbouring risks to +inf;
    a person is positive when risk >= threshold.
    """

    threshold: Floats
    sensitivity: Floats
    specificity: Floats
    n: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Auc:
    """The chance that a random person with the event has a higher risk than one without (ties count half)."""

    value: float
    se: float
    ci: Interval
    n: int
    events: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"AUC {self.value:.3f} ({self.ci}), {self.events} events of {self.n}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AucDifference:
    """AUC of ``first`` minus AUC of ``second`` on the same people, with the paired DeLong test."""

    first: str
    second: str
    difference: float
    se: float
    ci: Interval
    z: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AucComparison:
    """
    AUCs of several models on the same people.

    ``covariance`` is in the order of ``aucs``; ``chi2``, ``df``, ``p`` test that all AUCs are equal
    (NaN for a single model).
    """

    aucs: dict[str, Auc]
    covariance: Floats
    pairs: tuple[AucDifference, ...]
    chi2: float
    df: int
    p: float
    n: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class YoudenThreshold:
    """The cut with the largest sensitivity + specificity - 1 (chosen on these data, so optimistic on them)."""

    threshold: float
    sensitivity: float
    specificity: float
    youden: float
    n: int
    events: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialAuc:
    """
    The area under the ROC curve where ``focus`` lies between ``low`` and ``high``.

    ``value`` is the raw area (at most ``high - low``); ``corrected`` is McClish's, .5 for chance and 1 at best.
    """

    value: float
    corrected: float
    low: float
    high: float
    focus: str
    n: int
    events: int


def auc(y_true: ArrayLike, risk: ArrayLike, *, level: float = 0.95) -> Auc:
    """
    How well a risk separates people with the event from people without, with DeLong's interval.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risk : array_like, shape (n,)
        Any score, higher for more likely; only its order matters.
    level : float in (0, 1)
        Confidence level.

    Returns
    -------
    Auc
        The interval is cut at 0 and 1, and says so in ``notes``.

    Raises
    ------
    NotEnoughData
        Fewer than two people with, or without, the event: the error is 0/0.
    InputError
        A missing risk, or an outcome other than 0 and 1.

    Source
    ------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837-845; ranks as in Sun & Xu (2014), IEEE SPL 21:1389-1393.

    Examples
    --------
    >>> print(auc([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.6, 0.5, 0.7, 0.9]))
    AUC 0.889 (0.581 to 1.000), 3 events of 6
    """
    return compare_aucs(y_true, {"risk": risk}, level=level).aucs["risk"]


def compare_aucs(y_true: ArrayLike, risks: Mapping[str, ArrayLike], *, level: float = 0.95) -> AucComparison:
    """
    AUCs of several models on the same people, and whether they differ.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risks : mapping of name to array_like, shape (n,)
        One score per model, all for the same people in the same order.
    level : float in (0, 1)
        Confidence level.

    Returns
    -------
    AucComparison
        One paired DeLong test per pair, in the order given; p values are not adjusted for multiplicity.

    Raises
    ------
    NotEnoughData
        No model, or fewer than two people with, or without, the event.

    Source
    ------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837-845.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> both = compare_aucs(truth, {"old": [1, 2, 3, 6, 4, 5, 7, 8], "new": [1, 2, 3, 4, 5, 6, 7, 8]})
    >>> pair = both.pairs[0]
    >>> round(pair.difference, 3), round(pair.z, 3)
    (-0.125, -0.866)
    """
    level_in_range(level)
    outcome = checked_outcome(y_true, least=2)
    scores = checked_risks(risks, n=outcome.size, probability=False)
    parts = [placements(outcome, risk) for risk in scores.values()]
    values = np.array([sick.mean() for sick, _ in parts])
    covariance = delong_covariance(parts)
    events = int(outcome.sum())
    aucs = {
        name: _auc(float(values[i]), float(covariance[i, i]), outcome.size, events, level)
        for i, name in enumerate(scores)
    }
    pairs = tuple(
        _difference(first, second, one[0] - other[0], one[1] - other[1], level)
        for (first, one), (second, other) in combinations(zip(scores, parts, strict=True), 2)
    )
    chi2, df, p = equality_test(values, covariance)
    return AucComparison(
        aucs=aucs,
        covariance=covariance,
        pairs=pairs,
        chi2=chi2,
        df=df,
        p=p,
        n=outcome.size,
        events=events,
    )


def roc_curve(y_true: ArrayLike, risk: ArrayLike) -> RocCurve:
    """
    Sensitivity and specificity at every possible cut of a risk.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risk : array_like, shape (n,)
        Any score, higher for more likely.

    Raises
    ------
    NotEnoughData
        One class only.

    Source
    ------
    Thresholds as in Robin et al. (2011), BMC Bioinformatics 12:77 (pROC): midpoints between neighbouring values.

    Examples
    --------
    >>> curve = roc_curve([0, 1, 1], [1.0, 2.0, 3.0])
    >>> curve.threshold.tolist(), curve.sensitivity.tolist(), curve.specificity.tolist()
    ([-inf, 1.5, 2.5, inf], [1.0, 1.0, 0.5, 0.0], [0.0, 1.0, 1.0, 1.0])
    """
    outcome = checked_outcome(y_true)
    threshold, hits, rejections = roc_corners(outcome, checked_risk(risk, n=outcome.size, probability=False))
    events = int(outcome.sum())
    return RocCurve(
        threshold=threshold,
        sensitivity=hits / events,
        specificity=rejections / (outcome.size - events),
        n=outcome.size,
        events=events,
    )


def youden_threshold(y_true: ArrayLike, risk: ArrayLike) -> YoudenThreshold:
    """
    The cut of a risk at which sensitivity plus specificity is largest.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risk : array_like, shape (n,)
        Any score, higher for more likely.

    Raises
    ------
    NotEnoughData
        One class only.

    Source
    ------
    Youden (1950), Cancer 3:32-35; thresholds and the choice among ties as in pROC.

    Examples
    --------
    >>> best = youden_threshold([0, 0, 1, 0, 1, 1], [1, 2, 3, 4, 5, 6])
    >>> best.threshold, best.notes
    (2.5, ('2 thresholds tie for the best Youden index: the lowest is given',))
    """
    outcome = checked_outcome(y_true)
    threshold, hits, rejections = roc_corners(outcome, checked_risk(risk, n=outcome.size, probability=False))
    events = int(outcome.sum())
    others = outcome.size - events
    gain = hits * others + rejections * events  # whole numbers, so that ties are ties
    best = np.flatnonzero(gain == gain.max())
    sensitivity, specificity = float(hits[best[0]] / events), float(rejections[best[0]] / others)
    tie = f"{best.size} thresholds tie for the best Youden index: the lowest is given"
    return YoudenThreshold(
        threshold=float(threshold[best[0]]),
        sensitivity=sensitivity,
        specificity=specificity,
        youden=sensitivity + specificity - 1.0,
        n=outcome.size,
        events=events,
        notes=(tie,) if best.size > 1 else (),
    )


def partial_auc(
    y_true: ArrayLike,
    risk: ArrayLike,
    *,
    low: float,
    high: float = 1.0,
    focus: Literal["sensitivity", "specificity"] = "specificity",
) -> PartialAuc:
    """
    The area under the part of the ROC curve that matters, such as specificity .8 to 1.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risk : array_like, shape (n,)
        Any score, higher for more likely.
    low, high : float, 0 <= low < high <= 1
        The range of ``focus``.
    focus : {"sensitivity", "specificity"}
        Which of the two is limited.

    Raises
    ------
    ConfigError
        An impossible range or focus.

    Source
    ------
    McClish (1989), Medical Decision Making 9:190-195; interpolation as in pROC.

    Examples
    --------
    >>> partial_auc([0, 0, 1, 1], [1, 2, 3, 4], low=0.5).value
    0.5
    """
    if not 0.0 <= low < high <= 1.0:
        raise ConfigError(f"low is {low} and high is {high}; 0 <= low < high <= 1 is needed.")
    option(focus, name="focus", allowed=("sensitivity", "specificity"))
    curve = roc_curve(y_true, risk)
    along, across = curve.specificity, curve.sensitivity
    if focus == "sensitivity":
        along, across = across[::-1], along[::-1]
    area = area_between(along, across, low, high)
    width = high - low
    chance = width * (2.0 - low - high) / 2.0
    return PartialAuc(
        value=area,
        corrected=(1.0 + (area - chance) / (width - chance)) / 2.0,
        low=low,
        high=high,
        focus=focus,
        n=curve.n,
        events=curve.events,
    )


def _auc(value: float, variance: float, n: int, events: int, level: float) -> Auc:
    se = math.sqrt(max(variance, 0.0))
    plain = wald_interval(value, se, level=level)
    notes = ["DeLong error 0: classes fully separated, or one risk for all"] if se == 0.0 else []
    notes += ["interval clipped to [0, 1]"] if plain.low < 0.0 or plain.high > 1.0 else []
    ci = Interval(max(plain.low, 0.0), min(plain.high, 1.0), level)
    return Auc(value=value, se=se, ci=ci, n=n, events=events, notes=tuple(notes))


def _difference(first: str, second: str, sick: Floats, well: Floats, level: float) -> AucDifference:
    """From the differences of placements, so that two risks of the same order differ by exactly 0."""
    difference = float(sick.mean())
    se = math.sqrt(float(sick.var(ddof=1)) / sick.size + float(well.var(ddof=1)) / well.size)
    z, p = wald_test(difference, se)
    ci = wald_interval(difference, se, level=level)
    return AucDifference(
        first=first,
        second=second,
        difference=difference,
        se=se,
        ci=Interval(max(ci.low, -1.0), min(ci.high, 1.0), level),
        z=z,
        p=p,
    )
