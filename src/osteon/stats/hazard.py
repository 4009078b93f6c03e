"""What the hazard models share: hazard ratios, the likelihood's maximum, and reading a baseline hazard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, erfc

from osteon.core.errors import NotEnoughData, SchemaError
from osteon.core.result import Interval
from osteon.stats.times import covariate_matrix
from osteon.stats.wald import normal_quantile

__all__ = [
    "ChiSquare",
    "HazardRatio",
    "baseline_at",
    "chi_square",
    "hazard_ratios",
    "maximum_likelihood",
    "model_matrix",
    "standardised",
]

Floats = npt.NDArray[np.float64]
Likelihood = Callable[[Floats], tuple[float, Floats, Floats]]
_MAX_STEPS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquare:
    """A chi-square statistic with its degrees of freedom and p value."""

    chi2: float
    df: int
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardRatio:
    """One covariate of a hazard model: the log hazard ratio per unit, and the hazard ratio with its interval."""

    name: str
    coefficient: float
    se: float
    z: float
    p: float
    hazard_ratio: float
    ci: Interval


def chi_square(chi2: float, df: int) -> ChiSquare:
    """
    A chi-square statistic with its upper-tail p.

    Examples
    --------
    >>> round(chi_square(3.841459, 1).p, 6)
    0.05
    """
    return ChiSquare(chi2=chi2, df=df, p=float(chdtrc(df, chi2)))


def hazard_ratios(
    names: tuple[str, ...], coefficients: Floats, covariance: Floats, *, level: float
) -> tuple[HazardRatio, ...]:
    """Coefficients and their covariance as hazard ratios with Wald intervals."""
    quantile = normal_quantile(level)
    terms = []
    for name, value, se in zip(
        names, coefficients.tolist(), np.sqrt(np.diag(covariance)).tolist(), strict=True
    ):
        low, high = np.exp([value - quantile * se, value + quantile * se]).tolist()
        terms.append(
            HazardRatio(
                name=name, coefficient=value, se=se, z=value / se, p=float(erfc(abs(value / se) / np.sqrt(2))),
                hazard_ratio=float(np.exp(value)), ci=Interval(low, high, level),
            )
        )  # fmt: skip
    return tuple(terms)


def model_matrix(covariates: Mapping[str, npt.ArrayLike], *, names: tuple[str, ...]) -> Floats:
    """The columns a model was fitted on, picked by name and put in its order, shape (n, p)."""
    absent = [name for name in names if name not in covariates]
    if absent:
        raise SchemaError(f"covariates lack {', '.join(absent)}, expected {', '.join(names)}.")
    chosen = {name: covariates[name] for name in names}
    return covariate_matrix(chosen, n=int(np.size(chosen[names[0]])))[1]


def standardised(names: tuple[str, ...], matrix: Floats, *, events: int) -> tuple[Floats, Floats, Floats]:
    """Centre, scale and the standardised matrix; what cannot be estimated is refused by name."""
    n, p = matrix.shape
    if events == 0:
        raise NotEnoughData(f"No event among {n} people: no hazard ratio can be estimated.")
    if n <= p:
        raise NotEnoughData(f"{n} people for {p} covariates, expected more people than covariates.")
    centre = matrix.mean(axis=0)
    scale = matrix.std(axis=0)
    for name, spread, size in zip(names, scale, np.abs(matrix).max(axis=0), strict=True):
        if spread <= 1e-12 * size:
            raise NotEnoughData(
                f"covariate {name!r} is constant: no hazard ratio can be estimated.", hint="Drop it."
            )
    standard = (matrix - centre) / scale
    pivots = np.abs(np.diag(np.linalg.qr(standard, mode="r"))) / np.sqrt(n)
    if pivots.min() < 1e-7:
        raise NotEnoughData(
            f"covariate {names[int(pivots.argmin())]!r} is a combination of those before it.",
            hint="Drop one of them.",
        )
    return centre, scale, standard


def maximum_likelihood(
    likelihood: Likelihood, *, names: tuple[str, ...], spans: Floats
) -> tuple[Floats, float, Floats]:
    """
    The coefficients at the maximum, the log-likelihood there, and the inverse of the information.

    ``likelihood`` gives value, gradient and information. ``spans`` are the ranges of the columns: where a hazard
    ratio across a column's range grows without end, the column is refused by name.
    """
    coefficients = np.zeros(len(names))
    value, gradient, information = likelihood(coefficients)
    blind = np.flatnonzero(np.diag(information) < 1e-10)
    if blind.size:
        raise NotEnoughData(
            f"covariate {names[blind[0]]!r} does not vary among those at risk when events occur."
        )
    for _ in range(_MAX_STEPS):
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        settled = gradient @ step < 1e-12
        for _halving in range(30):
            trial = likelihood(coefficients + step)
            if np.isfinite(trial[0]) and trial[0] >= value - 1e-9 * (1 + abs(value)):
                break
            step = step / 2
        coefficients = coefficients + step
        value, gradient, information = trial
        if settled:
            break
    spread = np.linalg.pinv(information, hermitian=True)
    endless = (np.abs(coefficients) * spans > 12) & (np.abs(coefficients) < np.sqrt(np.diag(spread)))
    if not settled or endless.any():
        name = names[int((np.abs(coefficients) * spans).argmax())]
        raise NotEnoughData(
            f"The hazard ratio of {name!r} has no finite estimate: the column separates those with the event.",
            hint="Drop or regroup it.",
        )
    return coefficients, value, spread


def baseline_at(time: Floats, hazard: Floats, asked: Floats, *, last: float) -> Floats:
    """A cumulative hazard that steps at ``time``, read at ``asked``; beyond ``last`` it is refused."""
    if not (asked >= 0).all():
        raise NotEnoughData("times holds a missing or negative time, expected numbers >= 0.")
    if (asked > last).any():
        raise NotEnoughData(f"Time {asked.max():g} lies beyond the longest follow-up, {last:g}.")
    return np.concatenate([[0.0], hazard])[np.searchsorted(time, asked, side="right")]
