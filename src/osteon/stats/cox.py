"""
Cox regression: hazard ratios, the baseline hazard and predicted survival, and the test of proportional hazards.

Notes that a result may carry: ``events_per_variable_below_10``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from osteon.core.errors import ConfigError, NotEnoughData, ShapeError
from osteon.stats.concordance import Concordance, concordance
from osteon.stats.hazard import (
    ChiSquare,
    HazardModel,
    chi_square,
    hazard_ratios,
    inverse_information,
    maximum_likelihood,
    model_matrix,
    standardised,
)
from osteon.stats.survival import kaplan_meier
from osteon.stats.times import Survival, covariate_matrix

__all__ = ["CoxModel", "ProportionalHazards", "cox", "proportional_hazards"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoxModel(HazardModel):
    """A fitted Cox model; the three tests ask whether all coefficients are 0."""

    likelihood_ratio: ChiSquare
    wald: ChiSquare
    score: ChiSquare
    concordance: Concordance
    ties: Ties

    def survival_at(self, covariates: Mapping[str, npt.ArrayLike], *, times: npt.ArrayLike) -> Floats:
        """Predicted event-free share of each person at each time, shape (n, times)."""
        return np.exp(-self.cumulative_hazard_at(covariates, times=times))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionalHazards:
    """The test that each hazard ratio stays the same over time, by covariate and for all together."""

    terms: Mapping[str, ChiSquare]
    overall: ChiSquare


def cox(
    survival: Survival, covariates: Mapping[str, npt.ArrayLike], *, ties: Ties = "efron", level: float = 0.95
) -> CoxModel:
    """
    How much each covariate multiplies the rate of the event, the others held equal.

    Parameters
    ----------
    survival : Survival
        Follow-up times and event marks.
    covariates : mapping of name to array_like, shape (n,)
        Complete numeric columns, in their own units: a hazard ratio is per unit of its column.
    ties : {"efron", "breslow"}
        How events at the same time share their risk set.
    level : float in (0, 1)
        Confidence level of the intervals.

    Raises
    ------
    NotEnoughData
        No event; a constant or redundant column; an infinite hazard ratio (a column that separates the events).

    Source
    ------
    Cox (1972), JRSS B 34:187-220; Efron (1977), JASA 72:557-565.

    Examples
    --------
    Freireich's trial of 6-mercaptopurine: the placebo arm relapses at 4.82 times the rate (Efron).

    >>> drug = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    >>> seen = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    >>> placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    >>> follow_up = Survival(time=drug + placebo, event=seen + [1] * 21)
    >>> model = cox(follow_up, {"placebo": [0] * 21 + [1] * 21})
    >>> round(model.terms[0].hazard_ratio, 2), round(model.terms[0].se, 3)
    (4.82, 0.412)
    """
    names, matrix = covariate_matrix(covariates, n=survival.n)
    centre, scale, standard = standardised(names, matrix, events=survival.events)
    sets = _RiskSets.of(survival, ties=ties)
    null, gradient, information = _likelihood(sets, standard, np.zeros(df := len(names)))
    fitted, likelihood, covariance = maximum_likelihood(
        lambda coefficients: _likelihood(sets, standard, coefficients),
        names=names,
        spans=np.ptp(standard, axis=0),
    )
    in_units = covariance / np.outer(scale, scale)
    score = float(gradient @ inverse_information(information, names=names) @ gradient)
    wald = float(fitted @ np.linalg.solve(covariance, fitted))
    return CoxModel(
        terms=hazard_ratios(names, fitted / scale, in_units, level=level),
        covariance=in_units,
        means=centre,
        log_likelihood_null=null,
        log_likelihood=likelihood,
        likelihood_ratio=chi_square(2 * (likelihood - null), df),
        wald=chi_square(wald, df),
        score=chi_square(score, df),
        concordance=concordance(survival, standard @ fitted, level=level),
        baseline_time=sets.moment,
        baseline_cumulative_hazard=np.cumsum(_baseline_steps(sets, standard @ fitted)),
        longest_follow_up=float(survival.time.max()),
        ties=ties,
        n=survival.n,
        events=survival.events,
        notes=("events_per_variable_below_10",) if survival.events < 10 * df else (),
    )


def proportional_hazards(
    model: CoxModel, survival: Survival, covariates: Mapping[str, npt.ArrayLike]
) -> ProportionalHazards:
    """
    Whether the hazard ratios of ``model`` drift as follow-up goes on: a small p says that they do.

    Time enters as one minus the Kaplan-Meier curve. ``survival`` and ``covariates`` are those of the fit.

    Source
    ------
    Grambsch & Therneau (1994), Biometrika 81:515-526, as a score test (R survival 3, cox.zph).
    """
    matrix = model_matrix(covariates, names=model.names)
    if matrix.shape[0] != survival.n:
        raise ShapeError(
            f"covariates have {matrix.shape[0]} rows, survival {survival.n}; expected those of the fit."
        )
    _, scale, standard = standardised(model.names, matrix, events=survival.events)
    sets = _RiskSets.of(survival, ties=model.ties)
    weights = np.exp(standard @ (model.coefficients * scale))
    clock = _event_clock(survival)[sets.of_event]
    clock = clock - clock.mean()
    means = _event_means(sets, standard, weights)
    drift = clock @ (standard[sets.event_rows] - means)
    plain, cross, square = (_information(sets, standard, weights, means, clock**power) for power in (0, 1, 2))
    spread = square - cross @ inverse_information(plain, names=model.names) @ cross
    if np.linalg.eigvalsh(spread)[0] <= 1e-10 * np.linalg.eigvalsh(square)[-1]:
        raise NotEnoughData(f"{sets.moment.size} event times are too few to test proportional hazards.")
    overall = float(drift @ np.linalg.solve(spread, drift))
    single = drift**2 / np.diag(spread)
    return ProportionalHazards(
        terms={name: chi_square(float(chi2), 1) for name, chi2 in zip(model.names, single, strict=True)},
        overall=chi_square(overall, len(model.names)),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _RiskSets:
    """The distinct event times, who is at risk at each, and (Efron) the share of tied events already gone."""

    moment: Floats  # distinct event times
    watched: Integers  # per person, at how many of them still at risk
    event_rows: Integers  # the people with an event
    of_event: Integers  # the moment of each of them
    gone: Floats  # per event, the share of its tied events that has left

    @classmethod
    def of(cls, survival: Survival, *, ties: Ties) -> _RiskSets:
        if ties not in ("efron", "breslow"):
            raise ConfigError(f"ties is {ties!r}, expected 'efron' or 'breslow'.")
        rows = np.flatnonzero(survival.event)
        rows = rows[np.argsort(survival.time[rows], kind="stable")]
        moment, first, of_event, deaths = np.unique(
            survival.time[rows], return_index=True, return_inverse=True, return_counts=True
        )
        gone = (
            (np.arange(rows.size) - first[of_event]) / deaths[of_event]
            if ties == "efron"
            else np.zeros(rows.size)
        )
        watched = np.searchsorted(moment, survival.time, side="right")
        return cls(moment=moment, watched=watched, event_rows=rows, of_event=of_event, gone=gone)

    def total(self, values: Floats) -> Floats:
        """Per event, the sum of ``values`` over its risk set less the share of the tied events already gone."""
        size = self.moment.size
        at_risk = np.bincount(self.watched, weights=values, minlength=size + 1)[:0:-1].cumsum()[::-1]
        tied = np.bincount(self.of_event, weights=values[self.event_rows], minlength=size)
        total: Floats = at_risk[self.of_event] - self.gone * tied[self.of_event]
        return total

    def per_moment(self, values: Floats) -> Floats:
        """Per event time, the sum of the events' ``values``."""
        return np.bincount(self.of_event, weights=values, minlength=self.moment.size).astype(np.float64)


def _likelihood(sets: _RiskSets, matrix: Floats, coefficients: Floats) -> tuple[float, Floats, Floats]:
    """The log partial likelihood with its gradient and information."""
    predictor = matrix @ coefficients
    predictor = predictor - predictor.max()  # no overflow; the likelihood does not change
    weights = np.exp(predictor)
    means = _event_means(sets, matrix, weights)
    value = float((predictor[sets.event_rows] - np.log(sets.total(weights))).sum())
    gradient = (matrix[sets.event_rows] - means).sum(axis=0)
    return value, gradient, _information(sets, matrix, weights, means, np.ones(means.shape[0]))


def _event_means(sets: _RiskSets, matrix: Floats, weights: Floats) -> Floats:
    """Per event, the weighted covariate mean of its risk set, shape (events, p)."""
    totals = np.stack([sets.total(weights * column) for column in matrix.T], axis=1)
    return totals / sets.total(weights)[:, None]


def _information(
    sets: _RiskSets, matrix: Floats, weights: Floats, means: Floats, event_weight: Floats
) -> Floats:
    """The sum over events of ``event_weight`` times the covariate covariance in the event's risk set, (p, p)."""
    share = event_weight / sets.total(weights)
    hazard = np.concatenate([[0.0], np.cumsum(sets.per_moment(share))])[sets.watched]
    hazard[sets.event_rows] -= sets.per_moment(share * sets.gone)[sets.of_event]
    information: Floats = (matrix.T * (weights * hazard)) @ matrix - (means.T * event_weight) @ means
    return information


def _baseline_steps(sets: _RiskSets, predictor: Floats) -> Floats:
    """The hazard of a person at the covariate means at each event time."""
    return sets.per_moment(1 / sets.total(np.exp(predictor)))


def _event_clock(survival: Survival) -> Floats:
    """One minus the Kaplan-Meier curve just before each distinct event time."""
    curve = kaplan_meier(survival)
    before = np.concatenate([[1.0], curve.survival[:-1]])
    return 1 - before[curve.events > 0]
