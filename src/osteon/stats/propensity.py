"""The chance of being treated given what was known before: the score that matching and weighting use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats.inputs import flags, same_length, vector

__all__ = ["Propensity", "propensity_score", "score_logit"]

MOST_STEPS = 50
LARGEST_LOGIT = 18.0  # a chance within 1.5e-8 of 0 or 1: separation, not a score


@dataclass(frozen=True, slots=True, kw_only=True)
class Propensity:
    """
    A fitted propensity score: ``score`` (n,) in (0, 1) and the logistic coefficients behind it.

    ``intercept`` and ``coefficients`` belong to the covariates in their own units; a constant covariate has 0.
    """

    score: NDArray[np.float64]
    intercept: float
    coefficients: NDArray[np.float64]
    n: int
    n_treated: int
    notes: tuple[str, ...] = ()


def propensity_score(treated: ArrayLike, covariates: ArrayLike) -> Propensity:
    """
    The estimated chance of treatment for each person, from a logistic regression on the covariates.

    Parameters
    ----------
    treated : array_like, shape (n,), 0 or 1
        Whether the person was treated.
    covariates : array_like, shape (n, p)
        Complete numbers known before treatment; categories as 0/1 columns.

    Raises
    ------
    NotEnoughData
        Only one treatment occurs, or the covariates decide some persons' treatment completely.
    InputError
        A covariate is missing or infinite.

    Source
    ------
    Rosenbaum & Rubin (1983), Biometrika 70:41-55.

    Examples
    --------
    >>> propensity_score([0, 1, 0, 1, 1, 0], [[0], [0], [0], [1], [1], [1]]).score.round(3).tolist()
    [0.333, 0.333, 0.333, 0.667, 0.667, 0.667]
    """
    t = flags(treated, name="treated").astype(np.float64)
    x = np.asarray(covariates, dtype=np.float64)
    if x.ndim != 2:
        raise ShapeError(
            f"covariates has {x.ndim} axes, expected 2: one row per person, one column per covariate."
        )
    n = same_length(treated=t, covariates=x)
    if not np.all(np.isfinite(x)):
        raise InputError("a covariate is missing or infinite.", hint="Impute first, or leave those rows out.")
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    design = np.column_stack([np.ones(n), (x - centre) / scale])
    beta = _logistic(design, t)
    coefficients = beta[1:] / scale
    return Propensity(
        score=np.asarray(special.expit(design @ beta)),
        intercept=float(beta[0] - (coefficients * centre).sum()),
        coefficients=coefficients,
        n=n,
        n_treated=int(t.sum()),
    )


def _logistic(design: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maximum-likelihood coefficients by Newton steps; collinear columns share their effect (least norm)."""
    beta: NDArray[np.float64] = np.zeros(design.shape[1])
    for _ in range(MOST_STEPS):
        p = special.expit(design @ beta)
        information = (design * (p * (1 - p))[:, None]).T @ design
        step = np.linalg.lstsq(information, design.T @ (y - p), rcond=1e-10)[0]
        beta = beta + step
        if np.abs(design @ beta).max() > LARGEST_LOGIT:
            break
        if np.abs(step).max() < 1e-10:
            return beta
    raise NotEnoughData(
        "the covariates decide the treatment of some persons completely: they have nobody to compare with.",
        hint="Leave out the covariate, or the persons, whose treatment it decides.",
    )


def score_logit(score: ArrayLike, *, n: int | None = None) -> NDArray[np.float64]:
    """
    Logit of propensity scores, refused at 0 and 1.

    Examples
    --------
    >>> score_logit([0.5]).tolist()
    [0.0]
    """
    p = vector(score, name="score")
    if n is not None and p.size != n:
        raise ShapeError(f"score has {p.size} values for {n} persons.")
    if np.any((p <= 0) | (p >= 1)):
        raise InputError(f"score holds {p[(p <= 0) | (p >= 1)][0]:g}, expected chances inside (0, 1).")
    return np.asarray(special.logit(p))
