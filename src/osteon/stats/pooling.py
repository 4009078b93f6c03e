"""
Results of several imputed copies of one data set, pooled into one (Rubin's rules).

Notes used: ``imputations_agree`` (no spread between imputations).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.core.result import Interval
from osteon.stats.inputs import level_in_range, same_length, vector

__all__ = ["Pooled", "pool", "pool_probability", "pool_terms", "pooled_risk"]

NO_SPREAD = 1e-14  # share of variance that is rounding, not disagreement of the imputations


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """
    One estimate from ``m`` imputations.

    ``within`` and ``between`` are variances (on the logit scale after `pool_probability`); ``riv`` is the relative
    increase of variance through missing data, ``lambda_`` the share of variance due to it, ``fmi`` the same
    allowing for finite m.
    """

    value: float
    se: float
    ci: Interval
    df: float
    p: float
    within: float
    between: float
    riv: float
    lambda_: float
    fmi: float
    m: int
    notes: tuple[str, ...] = ()


def pool(
    estimates: ArrayLike, variances: ArrayLike, *, complete_df: float | None = None, level: float = 0.95
) -> Pooled:
    """
    One estimate with honest uncertainty from the same analysis of m imputed data sets.

    Parameters
    ----------
    estimates : array_like, shape (m,), m >= 2
        The estimate in each imputed copy, on a scale where it is roughly normal (log odds, mean, logit).
    variances : array_like, shape (m,)
        Its squared standard error in each copy.
    complete_df : float, optional
        Degrees of freedom had nothing been missing (n - number of coefficients); Barnard & Rubin's small-sample
        correction. Default: unlimited.
    level : float in (0, 1)
        Confidence level.

    Returns
    -------
    Pooled
        ``p`` tests the value 0.

    Raises
    ------
    NotEnoughData
        Fewer than 2 imputations, or no variance at all.
    InputError
        A negative variance.

    Source
    ------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys; Barnard & Rubin (1999), Biometrika 86:948-955.

    Examples
    --------
    >>> answer = pool([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    >>> answer.value, round(answer.se, 4)
    (2.0, 1.5275)
    """
    q, u = vector(estimates, name="estimates", least=2), vector(variances, name="variances", least=2)
    m = same_length(estimates=q, variances=u)
    level_in_range(level)
    if np.any(u < 0):
        raise InputError(
            f"variances hold {u.min():g}, expected 0 or more.", hint="Pass squared standard errors."
        )
    value, within, between = float(q.mean()), float(u.mean()), float(q.var(ddof=1))
    total = within + (1 + 1 / m) * between
    if total <= 0:
        raise NotEnoughData("neither the estimates nor their errors vary: nothing can be pooled.")
    share = (1 + 1 / m) * between / total
    riv = (1 + 1 / m) * between / within if within > 0 else float("inf")
    df = _degrees_of_freedom(m, share=share, complete_df=complete_df)
    se = float(np.sqrt(total))
    law = stats.t(df) if np.isfinite(df) else stats.norm()
    half = float(law.ppf(0.5 + level / 2)) * se
    shrink = 2 / (df + 3) if np.isfinite(df) else 0.0
    return Pooled(
        value=value,
        se=se,
        ci=Interval(value - half, value + half, level),
        df=df,
        p=float(2 * law.sf(abs(value) / se)),
        within=within,
        between=between,
        riv=riv,
        lambda_=share,
        fmi=(riv + shrink) / (riv + 1) if np.isfinite(riv) else 1.0,
        m=m,
        notes=("imputations_agree",) if share <= NO_SPREAD else (),
    )


def _degrees_of_freedom(m: int, *, share: float, complete_df: float | None) -> float:
    """Rubin's df, or Barnard and Rubin's where the complete-data df is known."""
    old = (m - 1) / share**2 if share > NO_SPREAD else float("inf")
    if complete_df is None or not np.isfinite(complete_df):
        return old
    if complete_df <= 0:
        raise InputError(f"complete_df is {complete_df}, expected more than 0 (rows minus coefficients).")
    observed = (complete_df + 1) / (complete_df + 3) * complete_df * (1 - share)
    if not np.isfinite(old) or observed == 0:
        return float(observed)
    return float(old * observed / (old + observed))


def pool_terms(
    estimates: ArrayLike, variances: ArrayLike, *, complete_df: float | None = None, level: float = 0.95
) -> tuple[Pooled, ...]:
    """
    Every coefficient of a model pooled over imputations, one at a time.

    Parameters
    ----------
    estimates, variances : array_like, shape (m imputations, k terms)
        As in `pool`.
    complete_df, level
        As in `pool`.

    Examples
    --------
    >>> [term.value for term in pool_terms([[1, 5], [3, 5]], [[1, 1], [1, 1]])]
    [2.0, 5.0]
    """
    q, u = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if q.ndim != 2 or q.shape != u.shape:
        raise ShapeError(f"estimates {q.shape} and variances {u.shape} must both be (imputations, terms).")
    return tuple(pool(q[:, j], u[:, j], complete_df=complete_df, level=level) for j in range(q.shape[1]))


def pool_probability(
    probabilities: ArrayLike, variances: ArrayLike, *, complete_df: float | None = None, level: float = 0.95
) -> Pooled:
    """
    A proportion, AUC or other value between 0 and 1 pooled on the logit scale, so that its interval stays inside.

    Parameters
    ----------
    probabilities : array_like, shape (m,), in (0, 1)
        The value in each imputed copy.
    variances : array_like, shape (m,)
        Its squared standard error, on the probability scale.
    complete_df, level
        As in `pool`.

    Returns
    -------
    Pooled
        ``value``, ``ci`` and ``se`` on the probability scale; ``p`` tests the value 0.5; ``within`` and
        ``between`` on the logit scale.

    Raises
    ------
    InputError
        A value of 0 or 1, whose logit is infinite.

    Source
    ------
    Marshall, Altman, Holder & Royston (2009), BMC Medical Research Methodology 9:57.

    Examples
    --------
    >>> round(pool_probability([0.7, 0.8], [0.001, 0.001]).value, 3)
    0.753
    """
    p, u = vector(probabilities, name="probabilities", least=2), vector(variances, name="variances", least=2)
    same_length(probabilities=p, variances=u)
    if np.any((p <= 0) | (p >= 1)):
        raise InputError(f"probabilities hold {p[(p <= 0) | (p >= 1)][0]:g}, expected values inside (0, 1).")
    scale = p * (1 - p)
    answer = pool(special.logit(p), u / scale**2, complete_df=complete_df, level=level)
    value = float(special.expit(answer.value))
    return Pooled(
        value=value,
        se=answer.se * value * (1 - value),
        ci=Interval(float(special.expit(answer.ci.low)), float(special.expit(answer.ci.high)), level),
        df=answer.df,
        p=answer.p,
        within=answer.within,
        between=answer.between,
        riv=answer.riv,
        lambda_=answer.lambda_,
        fmi=answer.fmi,
        m=answer.m,
        notes=answer.notes,
    )


def pooled_risk(risks: ArrayLike) -> NDArray[np.float64]:
    """
    Each person's risk pooled over imputations: the mean of the logits, back on the probability scale.

    Parameters
    ----------
    risks : array_like, shape (m imputations, n persons), in [0, 1]
        Predicted risks.

    Returns
    -------
    ndarray, shape (n,)
        A certain risk (0 or 1) in any imputation stays certain.

    Raises
    ------
    InputError
        A risk outside [0, 1] or missing, or one person with both 0 and 1.

    Source
    ------
    Wood, Royston & White (2015), Biometrical Journal 57:614-632.

    Examples
    --------
    >>> pooled_risk([[0.2, 0.5], [0.2, 0.9]]).round(3).tolist()
    [0.2, 0.75]
    """
    p = np.asarray(risks, dtype=np.float64)
    if p.ndim != 2 or not p.size:
        raise ShapeError(f"risks has shape {p.shape}, expected (imputations, persons).")
    if not np.all((p >= 0) & (p <= 1)):
        raise InputError("risks hold a value that is missing or outside 0 to 1.")
    if np.any((p == 0).any(axis=0) & (p == 1).any(axis=0)):
        raise InputError(
            "one person has risk 0 in one imputation and 1 in another: their logits have no mean."
        )
    return np.asarray(special.expit(special.logit(p).mean(axis=0)))
