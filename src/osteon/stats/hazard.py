"""What the hazard models share: hazard ratios, the likelihood's maximum, and what a fitted model predicts."""

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
    "HazardModel",
    "HazardRatio",
    "chi_square",
    "hazard_ratios",
    "inverse_information",
    "maximum_likelihood",
    "model_matrix",
    "standardised",
]

Floats = npt.NDArray[np.float64]
Likelihood = Callable[[Floats], tuple[float, Floats, Floats]]
_MAX_STEPS = 60
_LONGEST_STEP = 8.0  # in logs of the hazard ratio across a column's range
_FARTHEST = 50.0  # the same: no hazard ratio is that large


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HazardModel:
    """
    What every fitted hazard model holds. The baseline is a person at the covariate ``means``.

    ``log_likelihood_null`` is that of no covariates.
    """

    terms: tuple[HazardRatio, ...]
    covariance: Floats
    means: Floats
    log_likelihood_null: float
    log_likelihood: float
    baseline_time: Floats
    baseline_cumulative_hazard: Floats
    longest_follow_up: float
    n: int
    events: int
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates, in the order of the model."""
        return tuple(term.name for term in self.terms)

    @property
    def coefficients(self) -> Floats:
        """The log hazard ratios, in the order of the model."""
        return np.array([term.coefficient for term in self.terms])

    def log_relative_hazard(self, covariates: Mapping[str, npt.ArrayLike]) -> Floats:
        """The log hazard of each person relative to one at the covariate means, shape (n,)."""
        return (model_matrix(covariates, names=self.names) - self.means) @ self.coefficients

    def cumulative_hazard_at(
        self, covariates: Mapping[str, npt.ArrayLike], *, times: npt.ArrayLike
    ) -> Floats:
        """
        Predicted cumulative hazard of each person at each time, shape (n, times).

        Raises
        ------
        NotEnoughData
            A time lies beyond the longest follow-up of the people the model was fitted on.
        """
        asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
        if not (asked >= 0).all():
            raise NotEnoughData("times holds a missing or negative time, expected numbers >= 0.")
        if (asked > self.longest_follow_up).any():
            raise NotEnoughData(
                f"Time {asked.max():g} lies beyond the longest follow-up, {self.longest_follow_up:g}."
            )
        steps = np.concatenate([[0.0], self.baseline_cumulative_hazard])
        baseline = steps[np.searchsorted(self.baseline_time, asked, side="right")]
        hazard: Floats = np.exp(self.log_relative_hazard(covariates))[:, None] * baseline[None, :]
        return hazard


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
        if not se > 0:
            raise NotEnoughData(f"The error of {name!r} is 0: too few events to tell chance from effect.")
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
    inverse = inverse_information(information, names=names)
    for _ in range(_MAX_STEPS):
        step = inverse @ gradient
        settled = bool(gradient @ step < 1e-12)
        step = step / max(1.0, float((np.abs(step) * spans).max()) / _LONGEST_STEP)
        with np.errstate(
            divide="ignore", invalid="ignore", over="ignore"
        ):  # what is not finite is stepped back from
            trial = likelihood(coefficients + step)
            while not _at_least(trial, value) and np.abs(step).max() > 1e-12:
                step = step / 2
                trial = likelihood(coefficients + step)
        coefficients = coefficients + step
        value, gradient, information = trial
        reach = np.abs(coefficients) * spans
        if reach.max() > _FARTHEST or not _informs(information):
            settled = False
            break
        inverse = inverse_information(information, names=names)
        if settled:
            break
    endless = (reach > 12) & (np.abs(coefficients) < np.sqrt(np.diag(inverse)))
    if not settled or endless.any():
        raise NotEnoughData(
            f"The hazard ratio of {names[int(reach.argmax())]!r} has no finite estimate: the column separates those "
            "with the event.",
            hint="Drop or regroup it.",
        )
    return coefficients, value, inverse


def inverse_information(information: Floats, *, names: tuple[str, ...]) -> Floats:
    """The inverse of an information matrix; where it has none, the least informed column is refused by name."""
    if not _informs(information):
        name = names[int(np.abs(np.linalg.eigh(information)[1][:, 0]).argmax())]
        raise NotEnoughData(
            f"covariate {name!r} carries no information of its own among those at risk when events occur.",
            hint="Drop it, or a column that says the same.",
        )
    inverse: Floats = np.asarray(np.linalg.inv(information), dtype=np.float64)
    return inverse


def _informs(information: Floats) -> bool:
    """Whether an information matrix is far enough from singular to be inverted."""
    values = np.linalg.eigvalsh(information)
    return bool(values[0] > 1e-10 * max(float(values[-1]), 1.0))


def _at_least(trial: tuple[float, Floats, Floats], value: float) -> bool:
    """Whether a trial is finite throughout and not below ``value`` but for rounding."""
    finite = np.isfinite(trial[0]) and np.isfinite(trial[1]).all() and np.isfinite(trial[2]).all()
    return bool(finite and trial[0] >= value - 1e-9 * (1 + abs(value)))
