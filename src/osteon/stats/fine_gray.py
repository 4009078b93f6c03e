"""
The Fine-Gray model: how covariates change the cumulative incidence of one cause while others compete.

Notes that a result may carry: ``events_per_variable_below_10``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteon.stats.hazard import HazardModel, hazard_ratios, maximum_likelihood, standardised
from osteon.stats.times import CompetingRisks, covariate_matrix, life_table

__all__ = ["FineGrayModel", "fine_gray"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FineGrayModel(HazardModel):
    """A fitted Fine-Gray model; hazard ratios are subdistribution hazard ratios, ``covariance`` is robust."""

    cause: int
    competing: int

    def incidence_at(self, covariates: Mapping[str, npt.ArrayLike], *, times: npt.ArrayLike) -> Floats:
        """Predicted cumulative incidence of the cause for each person at each time, shape (n, times)."""
        return -np.expm1(-self.cumulative_hazard_at(covariates, times=times))


def fine_gray(
    outcome: CompetingRisks, covariates: Mapping[str, npt.ArrayLike], *, cause: int, level: float = 0.95
) -> FineGrayModel:
    """
    How much each covariate raises the chance of ``cause`` over time, when other causes can come first.

    Parameters
    ----------
    outcome : CompetingRisks
        Follow-up times and the cause that ended each.
    covariates : mapping of name to array_like, shape (n,)
        Complete numeric columns, in their own units: a hazard ratio is per unit of its column.
    cause : int
        The cause modelled; those with another cause stay in the risk set, weighted for censoring.
    level : float in (0, 1)
        Confidence level of the intervals.

    Returns
    -------
    FineGrayModel
        Ties as Breslow; errors are the sandwich that allows for the estimated censoring weights.

    Raises
    ------
    NotEnoughData
        No event of ``cause``; a constant or redundant column; an infinite hazard ratio.

    Source
    ------
    Fine & Gray (1999), JASA 94:496-509; R ``cmprsk::crr``.
    """
    names, matrix = covariate_matrix(covariates, n=outcome.n)
    events = int((outcome.cause == cause).sum())
    centre, scale, standard = standardised(names, matrix, events=events)
    sets = _SubdistributionSets.of(outcome, cause=cause)
    null = _likelihood(sets, standard, np.zeros(len(names)))[0]
    fitted, value, inverse = maximum_likelihood(
        lambda coefficients: _likelihood(sets, standard, coefficients),
        names=names,
        spans=np.ptp(standard, axis=0),
    )
    influence = _influence(sets, standard, np.exp(standard @ fitted))
    covariance = (inverse @ (influence.T @ influence) @ inverse) / np.outer(scale, scale)
    hazard = sets.deaths / sets.total(np.exp(standard @ fitted))
    return FineGrayModel(
        cause=cause,
        terms=hazard_ratios(names, fitted / scale, covariance, level=level),
        covariance=covariance,
        means=centre,
        log_likelihood_null=null,
        log_likelihood=value,
        baseline_time=sets.moment,
        baseline_cumulative_hazard=np.cumsum(hazard),
        longest_follow_up=float(outcome.time.max()),
        n=outcome.n,
        events=events,
        competing=int(((outcome.cause != 0) & (outcome.cause != cause)).sum()),
        notes=("events_per_variable_below_10",) if events < 10 * len(names) else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _SubdistributionSets:
    """The distinct times of the cause, and the weight of each person at each of them, kept as running sums."""

    moment: Floats  # distinct times of the cause
    deaths: Floats  # events of the cause at each
    uncensored: Floats  # probability of being uncensored just before each
    watched: Integers  # per person, at how many moments still followed
    rows: Integers  # people with an event of the cause
    of_event: Integers  # the moment of each of them
    kept: Floats  # per person, 1 / probability uncensored just before a competing event; 0 for all others
    time: Floats
    censored: Flags

    @classmethod
    def of(cls, outcome: CompetingRisks, *, cause: int) -> _SubdistributionSets:
        censored = outcome.cause == 0
        table = life_table(outcome.time, censored, reasons=(1,))
        curve = np.cumprod(1 - table.leaving[0] / table.at_risk)
        before = np.concatenate([[1.0], curve[:-1]])
        competing = ~censored & (outcome.cause != cause)
        rows = np.flatnonzero(outcome.cause == cause)
        moment, of_event, deaths = np.unique(outcome.time[rows], return_inverse=True, return_counts=True)
        return cls(
            moment=moment,
            deaths=deaths.astype(np.float64),
            uncensored=before[np.searchsorted(table.time, moment)],
            watched=np.searchsorted(moment, outcome.time, side="right"),
            rows=rows,
            of_event=of_event,
            kept=np.where(competing, 1 / before[table.place], 0.0),
            time=outcome.time,
            censored=censored,
        )

    def total(self, values: Floats) -> Floats:
        """Per moment, the sum of ``values`` over those followed and, weighted, those lost to a competing cause."""
        size = self.moment.size + 1
        followed = np.bincount(self.watched, weights=values, minlength=size)[:0:-1].cumsum()[::-1]
        lost = np.bincount(self.watched, weights=values * self.kept, minlength=size).cumsum()[:-1]
        total: Floats = followed + self.uncensored * lost
        return total

    def exposure(self, hazard: Floats) -> Floats:
        """Per person, the sum of ``hazard`` over the moments, weighted as the person is; hazard (moments, ...)."""
        zero = np.zeros((1, *hazard.shape[1:]))
        so_far = np.concatenate([zero, np.cumsum(hazard, axis=0)])
        weighted = (hazard.T * self.uncensored).T
        to_come = np.concatenate([np.cumsum(weighted[::-1], axis=0)[::-1], zero])
        exposure: Floats = so_far[self.watched] + (to_come[self.watched].T * self.kept).T
        return exposure


def _likelihood(
    sets: _SubdistributionSets, matrix: Floats, coefficients: Floats
) -> tuple[float, Floats, Floats]:
    """The weighted log partial likelihood with its gradient and information."""
    predictor = matrix @ coefficients
    predictor = predictor - predictor.max()  # no overflow; the likelihood does not change
    weights = np.exp(predictor)
    total = sets.total(weights)
    means = _means(sets, matrix, weights)
    value = float(predictor[sets.rows].sum() - sets.deaths @ np.log(total))
    gradient = matrix[sets.rows].sum(axis=0) - sets.deaths @ means
    exposure = weights * sets.exposure(sets.deaths / total)
    return value, gradient, (matrix.T * exposure) @ matrix - (means.T * sets.deaths) @ means


def _means(sets: _SubdistributionSets, matrix: Floats, weights: Floats) -> Floats:
    """Per moment, the weighted covariate mean of the risk set, shape (moments, p)."""
    totals = np.stack([sets.total(weights * column) for column in matrix.T], axis=1)
    return totals / sets.total(weights)[:, None]


def _influence(sets: _SubdistributionSets, matrix: Floats, weights: Floats) -> Floats:
    """Each person's share in the score, with the part that comes from estimating the censoring weights, (n, p)."""
    means = _means(sets, matrix, weights)
    hazard = sets.deaths / sets.total(weights)
    score = -weights[:, None] * (
        matrix * sets.exposure(hazard)[:, None] - sets.exposure(hazard[:, None] * means)
    )
    score[sets.rows] += matrix[sets.rows] - means[sets.of_event]
    return score + _censoring_influence(sets, matrix, weights, means, hazard)


def _censoring_influence(
    sets: _SubdistributionSets, matrix: Floats, weights: Floats, means: Floats, hazard: Floats
) -> Floats:
    """The part of the influence by which each person's censoring moves the weights of others."""
    table = life_table(sets.time, sets.censored, reasons=(1,))
    # q(u): the residuals after u of those lost to a competing cause before u
    first = np.searchsorted(sets.moment, table.time, side="left")  # moments from u on
    to_come = sets.uncensored * hazard
    zero = np.zeros((1, matrix.shape[1]))
    hazard_after = np.concatenate([np.cumsum(to_come[::-1])[::-1], [0.0]])[first]
    means_after = np.concatenate([np.cumsum((to_come[:, None] * means)[::-1], axis=0)[::-1], zero])[first]
    lost = weights * sets.kept
    rows = table.time.size
    lost_before = np.concatenate(
        [[0.0], np.bincount(table.place, weights=lost, minlength=rows).cumsum()[:-1]]
    )
    sums = np.stack(
        [np.bincount(table.place, weights=lost * column, minlength=rows) for column in matrix.T], axis=1
    )
    sums_before = np.concatenate([zero, sums.cumsum(axis=0)[:-1]])
    q = (sums_before * hazard_after[:, None] - lost_before[:, None] * means_after) / table.at_risk[:, None]
    drift = np.cumsum(q * (table.leaving[0] / table.at_risk)[:, None], axis=0)
    influence: Floats = q[table.place] * sets.censored[:, None] - drift[table.place]
    return influence
