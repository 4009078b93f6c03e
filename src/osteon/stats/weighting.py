"""
Persons weighted by the inverse of their chance of the treatment they got, so that treated and untreated compare.

Notes used: ``trimmed:<persons left out>``, ``capped:<weights cut>``, ``extreme_weights`` (one weight above 10 times
the mean of its group).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.core.result import Interval
from osteon.stats.inputs import flags, level_in_range, option, same_length, vector
from osteon.stats.propensity import score_logit
from osteon.stats.wald import wald_interval

__all__ = [
    "PropensityWeights",
    "WeightedDifference",
    "effective_sample_size",
    "propensity_weights",
    "weighted_difference",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PropensityWeights:
    """Weights (n,), 0 for a trimmed person, and how many equally weighted persons they are worth."""

    values: NDArray[np.float64]
    estimand: str
    effective_treated: float
    effective_untreated: float
    largest: float
    n_trimmed: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedDifference:
    """Weighted mean (or risk) of treated minus untreated, with a robust error."""

    value: float
    se: float
    ci: Interval
    p: float
    treated_mean: float
    untreated_mean: float
    n: int
    notes: tuple[str, ...] = ()


def effective_sample_size(weights: ArrayLike) -> float:
    """
    How many equally weighted persons carry as much information as these (Kish).

    Parameters
    ----------
    weights : array_like, shape (n,), >= 0, not all 0

    Source
    ------
    Kish (1965), Survey Sampling.

    Examples
    --------
    >>> effective_sample_size([1, 1, 1, 1]), effective_sample_size([1, 0, 0, 0])
    (4.0, 1.0)
    """
    w = vector(weights, name="weights")
    if np.any(w < 0) or w.sum() == 0:
        raise InputError("weights must be 0 or more and not all 0.")
    return float(w.sum() ** 2 / (w**2).sum())


def propensity_weights(
    treated: ArrayLike,
    score: ArrayLike,
    *,
    estimand: Literal["ate", "att", "overlap"] = "ate",
    stabilised: bool = False,
    trim: float | None = None,
    cap: float | None = None,
) -> PropensityWeights:
    """
    Weights that make treated and untreated alike in everything the propensity score saw.

    Parameters
    ----------
    treated : array_like, shape (n,), 0 or 1
        Whether the person was treated.
    score : array_like, shape (n,), in (0, 1)
        Propensity score e.
    estimand : "ate", "att", "overlap"
        Effect in everybody (1/e, 1/(1-e)); in the treated (1, e/(1-e)); where both occur (1-e, e).
    stabilised : bool
        Multiply by the overall chance of the treatment received ("ate" only).
    trim : float in (0, 0.5), optional
        Leave out persons with a score below ``trim`` or above 1 - ``trim``.
    cap : float in (0.5, 1), optional
        Cut weights at this quantile of the weights above 0.

    Raises
    ------
    ConfigError
        ``trim`` or ``cap`` out of range, or ``stabilised`` with another estimand.
    NotEnoughData
        Trimming leaves no treated or no untreated person.

    Source
    ------
    Robins, Hernan & Brumback (2000), Epidemiology 11:550-560; Crump et al. (2009), Biometrika 96:187-199 (trimming);
    Li, Morgan & Zaslavsky (2018), JASA 113:390-400 (overlap).

    Examples
    --------
    >>> propensity_weights([1, 0, 0], [0.5, 0.5, 0.2]).values.tolist()
    [2.0, 2.0, 1.25]
    """
    t = flags(treated, name="treated")
    e = special.expit(score_logit(score, n=t.size))
    option(estimand, name="estimand", allowed=("ate", "att", "overlap"))
    if trim is not None and not 0 < trim < 0.5:
        raise ConfigError(f"trim is {trim}, expected a score between 0 and 0.5.")
    if cap is not None and not 0.5 < cap < 1:
        raise ConfigError(f"cap is {cap}, expected a quantile between 0.5 and 1.")
    if stabilised and estimand != "ate":
        raise ConfigError(f"stabilised goes with estimand 'ate', not {estimand!r}.")
    forms = {
        "ate": np.where(t, 1 / e, 1 / (1 - e)),
        "att": np.where(t, 1.0, e / (1 - e)),
        "overlap": np.where(t, 1 - e, e),
    }
    w = forms[estimand]
    kept = np.ones(t.size, dtype=bool) if trim is None else (e >= trim) & (e <= 1 - trim)
    if not kept[t].any() or not kept[~t].any():
        raise NotEnoughData(
            "trimming leaves no treated or no untreated person.", hint="Choose a smaller trim."
        )
    if stabilised:
        share = float(t[kept].mean())
        w = w * np.where(t, share, 1 - share)
    w = np.where(kept, w, 0.0)
    limit = float(np.quantile(w[kept], cap)) if cap is not None else float("inf")
    n_capped, n_trimmed = int((w > limit).sum()), int((~kept).sum())
    w = np.minimum(w, limit)
    notes = [f"{name}:{count}" for name, count in (("trimmed", n_trimmed), ("capped", n_capped)) if count]
    if any(w[group & kept].max() > 10 * w[group & kept].mean() for group in (t, ~t)):
        notes.append("extreme_weights")
    return PropensityWeights(
        values=w,
        estimand=estimand,
        effective_treated=effective_sample_size(w[t]),
        effective_untreated=effective_sample_size(w[~t]),
        largest=float(w.max()),
        n_trimmed=n_trimmed,
        notes=tuple(notes),
    )


def weighted_difference(
    outcome: ArrayLike, treated: ArrayLike, weights: ArrayLike, *, level: float = 0.95
) -> WeightedDifference:
    """
    The weighted difference of treated and untreated: a risk difference for a 0/1 outcome.

    Parameters
    ----------
    outcome : array_like, shape (n,)
        A number or a 0/1 event.
    treated : array_like, shape (n,), 0 or 1
        Whether the person was treated.
    weights : array_like, shape (n,), >= 0
        `PropensityWeights.values`, or any other.
    level : float in (0, 1)
        Confidence level (normal).

    Returns
    -------
    WeightedDifference
        The error is the sandwich (HC0) of a weighted regression on treatment, weights taken as known: for "ate"
        weights from an estimated score it is a little too large, never too small in large samples.

    Raises
    ------
    NotEnoughData
        Fewer than 2 treated or untreated persons keep a weight.

    Source
    ------
    Lunceford & Davidian (2004), Statistics in Medicine 23:2937-2960; Robins, Hernan & Brumback (2000).

    Examples
    --------
    >>> weighted_difference([1, 0, 1, 0], [1, 1, 0, 0], [3, 1, 1, 1]).value
    0.25
    """
    y, w = vector(outcome, name="outcome"), vector(weights, name="weights")
    t = flags(treated, name="treated")
    same_length(outcome=y, treated=t, weights=w)
    level_in_range(level)
    if np.any(w < 0):
        raise InputError("weights must be 0 or more.")
    means, variance = [], 0.0
    for name, group in (("treated", t), ("untreated", ~t)):
        if np.count_nonzero(w[group]) < 2:
            raise NotEnoughData(f"fewer than 2 {name} persons keep a weight.")
        mean = float((w[group] * y[group]).sum() / w[group].sum())
        variance += float((w[group] ** 2 * (y[group] - mean) ** 2).sum() / w[group].sum() ** 2)
        means.append(mean)
    value, se = means[0] - means[1], float(np.sqrt(variance))
    return WeightedDifference(
        value=value,
        se=se,
        ci=wald_interval(value, se, level=level),
        p=float(2 * stats.norm.sf(abs(value) / se)) if se > 0 else float(value == 0),
        treated_mean=means[0],
        untreated_mean=means[1],
        n=int(np.count_nonzero(w)),
    )
