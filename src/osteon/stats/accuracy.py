"""How often a yes/no call is right: sensitivity, specificity, predictive values, F1 and likelihood ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from osteon.core.errors import NotEnoughData
from osteon.core.result import Interval
from osteon.stats.inputs import vector
from osteon.stats.predicted import checked_outcome, checked_risk
from osteon.stats.proportion import Proportion, proportion
from osteon.stats.wald import normal_quantile

__all__ = ["DiagnosticAccuracy", "Measure", "at_threshold", "diagnostic_accuracy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number that is not a share of people (a ratio, an index), with its interval."""

    value: float
    ci: Interval

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.ci})"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticAccuracy:
    """
    Every usual measure of one two-by-two table.

    A measure whose denominator is empty is None and ``notes`` says why: ``ppv`` when nobody was called positive,
    ``npv`` when nobody was called negative, ``lr_positive`` without false positives (infinite) and
    ``lr_negative`` without true negatives.
    """

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    accuracy: Proportion
    sensitivity: Proportion
    specificity: Proportion
    ppv: Proportion | None
    npv: Proportion | None
    prevalence: Proportion
    called_positive: Proportion
    f1: Measure
    youden: Measure
    lr_positive: Measure | None
    lr_negative: Measure | None
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """People in the table."""
        return self.accuracy.n


def diagnostic_accuracy(
    *,
    true_positive: int,
    false_positive: int,
    false_negative: int,
    true_negative: int,
    level: float = 0.95,
) -> DiagnosticAccuracy:
    """
    How good a yes/no test is, from the four counts against the truth.

    Parameters
    ----------
    true_positive, false_positive, false_negative, true_negative : int, 0 or more
        People by call and truth: a false negative has the disease and was called healthy.
    level : float in (0, 1)
        Confidence level of every interval.

    Returns
    -------
    DiagnosticAccuracy
        Shares carry Wilson intervals. F1 = 2J/(1+J) carries the Wilson interval of J = TP/(TP+FP+FN) sent through
        the same function; Youden's index the square-and-add interval; likelihood ratios the log interval.

    Raises
    ------
    NotEnoughData
        Nobody has the disease, or everybody has it: sensitivity or specificity is 0/0.
    InputError
        A count is negative or not whole.

    Source
    ------
    Altman & Bland (1994), BMJ 308:1552 and 309:102; Simel, Samsa & Matchar (1991), J Clin Epidemiol 44:763-770;
    Newcombe (1998), Statistics in Medicine 17:873-890; Hand, Christen & Kirielle (2021), Machine Learning 110:451-456.

    Examples
    --------
    Altman & Bland's liver scans: sensitivity .90, specificity .63, predictive values .88 and .67.

    >>> scan = diagnostic_accuracy(true_positive=231, false_positive=32, false_negative=27, true_negative=54)
    >>> [round(part.value, 2) for part in (scan.sensitivity, scan.specificity, scan.ppv, scan.npv)]
    [0.9, 0.63, 0.88, 0.67]
    """
    diseased, healthy = true_positive + false_negative, false_positive + true_negative
    if diseased <= 0 or healthy <= 0:
        raise NotEnoughData(
            f"{diseased} people with and {healthy} without the disease; at least one of each is needed."
        )
    positive, negative = true_positive + false_positive, false_negative + true_negative
    n = diseased + healthy
    sensitivity = proportion(true_positive, diseased, level=level)
    specificity = proportion(true_negative, healthy, level=level)
    rules = {
        "ppv undefined: nobody was called positive": positive == 0,
        "npv undefined: nobody was called negative": negative == 0,
        "lr_positive infinite: no false positives": false_positive == 0,
        "lr_negative undefined: no true negatives": true_negative == 0,
    }
    return DiagnosticAccuracy(
        true_positive=int(true_positive),
        false_positive=int(false_positive),
        false_negative=int(false_negative),
        true_negative=int(true_negative),
        accuracy=proportion(true_positive + true_negative, n, level=level),
        sensitivity=sensitivity,
        specificity=specificity,
        ppv=proportion(true_positive, positive, level=level) if positive else None,
        npv=proportion(true_negative, negative, level=level) if negative else None,
        prevalence=proportion(diseased, n, level=level),
        called_positive=proportion(positive, n, level=level),
        f1=_f1(proportion(true_positive, n - true_negative, level=level)),
        youden=_youden(sensitivity, specificity),
        lr_positive=_likelihood_ratio(true_positive, diseased, false_positive, healthy, level),
        lr_negative=_likelihood_ratio(false_negative, diseased, true_negative, healthy, level),
        notes=tuple(note for note, applies in rules.items() if applies),
    )


def at_threshold(
    y_true: ArrayLike, risk: ArrayLike, *, threshold: float, level: float = 0.95
) -> DiagnosticAccuracy:
    """
    How good the rule "positive when risk >= threshold" is.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        The truth.
    risk : array_like, shape (n,)
        Any score; higher means more likely. It need not be a probability.
    threshold : float
        The lowest score that counts as positive.
    level : float in (0, 1)
        Confidence level.

    Raises
    ------
    NotEnoughData
        Only one class in ``y_true``.
    InputError
        A missing value, or an outcome other than 0 and 1.

    Examples
    --------
    >>> at_threshold([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8], threshold=0.4).false_positive
    1
    """
    outcome = checked_outcome(y_true)
    cut = float(vector([threshold], name="threshold")[0])
    called = checked_risk(risk, n=outcome.size, probability=False) >= cut
    return diagnostic_accuracy(
        true_positive=int(np.count_nonzero(called & outcome)),
        false_positive=int(np.count_nonzero(called & ~outcome)),
        false_negative=int(np.count_nonzero(~called & outcome)),
        true_negative=int(np.count_nonzero(~called & ~outcome)),
        level=level,
    )


def _f1(jaccard: Proportion) -> Measure:
    def f1(share: float) -> float:
        return 2.0 * share / (1.0 + share)

    return Measure(
        value=f1(jaccard.value),
        ci=Interval(f1(jaccard.ci.low), f1(jaccard.ci.high), jaccard.ci.level),
    )


def _youden(sensitivity: Proportion, specificity: Proportion) -> Measure:
    value = sensitivity.value + specificity.value - 1.0
    below = math.hypot(sensitivity.value - sensitivity.ci.low, specificity.value - specificity.ci.low)
    above = math.hypot(sensitivity.ci.high - sensitivity.value, specificity.ci.high - specificity.value)
    return Measure(
        value=value, ci=Interval(max(value - below, -1.0), min(value + above, 1.0), sensitivity.ci.level)
    )


def _likelihood_ratio(k_sick: int, sick: int, k_well: int, well: int, level: float) -> Measure | None:
    if k_well == 0:
        return None
    value = (k_sick / sick) / (k_well / well)
    if k_sick == 0:  # the log method has no error here: the upper limit comes from the share's own interval
        high = proportion(0, sick, level=level).ci.high / (k_well / well)
        return Measure(value=0.0, ci=Interval(0.0, high, level))
    spread = math.exp(normal_quantile(level) * math.sqrt(1 / k_sick - 1 / sick + 1 / k_well - 1 / well))
    return Measure(value=value, ci=Interval(value / spread, value * spread, level))
