"""
Whether acting on a risk does more good than harm: net benefit against treating everybody or nobody.

Note used here: "n thresholds of NAME lie beyond the last follow-up of those above them: not computable".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.core.progress import track
from osteon.stats.inputs import flags, level_in_range, same_length, vector
from osteon.stats.predicted import checked_outcome, checked_risks

__all__ = ["DecisionCurve", "DecisionCurves", "decision_curves", "survival_decision_curves"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pair = tuple[Floats, Floats | None]
THRESHOLDS: Final = tuple(percent / 100 for percent in range(1, 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCurve:
    """
    Net benefit at each threshold: true positives per person, less false positives weighed by the odds.

    ``low`` and ``high`` are bootstrap percentiles (None without resampling); ``interventions_avoided`` the net number
    of people per 100 spared treatment against treating everybody (NaN at threshold 0).
    """

    net_benefit: Floats
    low: Floats | None
    high: Floats | None
    interventions_avoided: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCurves:
    """Decision curves of several models over common ``thresholds``, beside treating everybody and nobody."""

    thresholds: Floats
    models: dict[str, DecisionCurve]
    treat_all: DecisionCurve
    treat_none: DecisionCurve
    prevalence: float
    level: float
    n_boot: int
    n: int
    events: int
    notes: tuple[str, ...] = ()


def decision_curves(
    y_true: ArrayLike,
    risks: Mapping[str, ArrayLike],
    *,
    thresholds: ArrayLike = THRESHOLDS,
    prevalence: float | None = None,
    rng: np.random.Generator | None = None,
    n_boot: int = 0,
    level: float = 0.95,
) -> DecisionCurves:
    """
    Net benefit of acting when a model's risk reaches each threshold.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risks : mapping of name to array_like, shape (n,), 0 to 1
        Predicted probabilities by model.
    thresholds : array_like, 0 <= t < 1, rising
        Risks at which one would act; positive when risk >= threshold.
    prevalence : float in (0, 1), optional
        Share of events in the population, where the sample was enriched (case-control); default the sample's own.
    rng : numpy.random.Generator, needed when ``n_boot`` > 0
        Source of chance.
    n_boot : int
        Bootstrap resamples for the intervals (with ``prevalence``, drawn within each class); 0 for none.
    level : float in (0, 1)
        Confidence level.

    Raises
    ------
    NotEnoughData
        One class only, or no model.
    InputError
        A missing value, or a risk outside [0, 1].
    ConfigError
        Thresholds outside [0, 1) or not rising; resampling without ``rng``.

    Source
    ------
    Vickers & Elkin (2006), Medical Decision Making 26:565-574;
    bootstrap limits: Vickers, Cronin, Elkin & Gonen (2008), BMC Med Inform Decis Mak 8:53.

    Examples
    --------
    >>> curves = decision_curves([0, 0, 0, 1], {"model": [0.1, 0.2, 0.6, 0.9]}, thresholds=[0.0, 0.5])
    >>> curves.models["model"].net_benefit.tolist(), curves.treat_all.net_benefit.tolist()
    ([0.25, 0.0], [0.25, -0.5])
    """
    outcome = checked_outcome(y_true)
    scores = checked_risks(risks, n=outcome.size)
    cuts = _checked_thresholds(thresholds)
    draws = _checked_draws(n_boot, rng, level)
    share = _checked_prevalence(prevalence)

    def pair(risk: Floats) -> Pair:
        cells = _cells(outcome, risk, cuts)
        benefit = _net_benefit(cells[None], cuts, share)[0]
        if draws is None:
            return benefit, None
        return benefit, _net_benefit(_resampled_cells(cells, draws, n_boot, share is not None), cuts, share)

    return _assembled(
        {name: pair(risk) for name, risk in track(scores.items(), task="decision", total=len(scores))},
        pair(np.ones(outcome.size)),
        cuts,
        level=level,
        n_boot=n_boot,
        n=outcome.size,
        events=int(outcome.sum()),
        prevalence=float(outcome.mean()) if share is None else share,
    )


def survival_decision_curves(
    time: ArrayLike,
    event: ArrayLike,
    risks: Mapping[str, ArrayLike],
    *,
    horizon: float,
    thresholds: ArrayLike = THRESHOLDS,
    rng: np.random.Generator | None = None,
    n_boot: int = 0,
    level: float = 0.95,
) -> DecisionCurves:
    """
    Net benefit of acting on a risk of having the event before a horizon, when some people are followed for less.

    Parameters
    ----------
    time : array_like, shape (n,), above 0
        Follow-up of each person.
    event : array_like of 0/1, shape (n,)
        1 where follow-up ended with the event, 0 where it was censored.
    risks : mapping of name to array_like, shape (n,), 0 to 1
        Predicted probability of the event by ``horizon``.
    horizon : float, in the unit of ``time``
        When the event counts.
    thresholds, rng, n_boot, level
        As in ``decision_curves``.

    Returns
    -------
    DecisionCurves
        ``prevalence`` is the Kaplan-Meier risk at the horizon; ``events`` counts those by the horizon. A threshold
        above which nobody is followed to the horizon is NaN, and counted in ``notes``.

    Raises
    ------
    NotEnoughData
        No event by the horizon, or nobody followed that long.
    InputError
        A missing value, a time of 0 or below, or a risk outside [0, 1].

    Source
    ------
    Vickers, Cronin, Elkin & Gonen (2008), BMC Med Inform Decis Mak 8:53.
    """
    follow_up = vector(time, name="time")
    failed = flags(event, name="event", both=False)
    scores = checked_risks(risks, n=follow_up.size)
    cuts = _checked_thresholds(thresholds)
    draws = _checked_draws(n_boot, rng, level)
    same_length(time=follow_up, event=failed)
    _check_follow_up(follow_up, failed, horizon)
    followed = _followed(follow_up, failed, horizon)
    everybody = np.ones(follow_up.size)

    def benefit(risk: Floats, weight: Floats) -> Floats:
        survival, share = _survival_above(
            followed, np.searchsorted(cuts, risk, side="right"), cuts.size, weight
        )
        return share * ((1.0 - survival) - survival * cuts / (1.0 - cuts))

    def pair(risk: Floats) -> Pair:
        value = benefit(risk, everybody)
        if draws is None:
            return value, None
        return value, np.stack([benefit(risk, _weights(draws, risk.size)) for _ in range(n_boot)])

    models = {name: pair(risk) for name, risk in track(scores.items(), task="decision", total=len(scores))}
    lost = {name: int(np.isnan(value).sum()) for name, (value, _) in models.items()}
    overall, _ = _survival_above(followed, np.ones(follow_up.size, dtype=np.intp), 1, everybody)
    return _assembled(
        models,
        pair(everybody),
        cuts,
        level=level,
        n_boot=n_boot,
        n=follow_up.size,
        events=int(followed.failed.sum()),
        prevalence=1.0 - float(overall[0]),
        notes=tuple(
            f"{count} thresholds of {name} lie beyond the last follow-up of those above them: not computable"
            for name, count in lost.items()
            if count
        ),
    )


def _checked_thresholds(thresholds: ArrayLike) -> Floats:
    cuts = vector(thresholds, name="thresholds")
    if np.any(np.diff(cuts) <= 0.0) or cuts[0] < 0.0 or cuts[-1] >= 1.0:
        raise ConfigError("thresholds must rise and lie in [0, 1).", hint="Write 0.2 for 20 %.")
    return cuts


def _checked_draws(n_boot: int, rng: np.random.Generator | None, level: float) -> np.random.Generator | None:
    level_in_range(level)
    if n_boot and rng is None:
        raise ConfigError(
            f"n_boot is {n_boot} but no rng was given.", hint="Pass rng=stream(seed, 'decision')."
        )
    if n_boot < 0 or 0 < n_boot < 100:
        raise ConfigError(f"n_boot is {n_boot}; use 0 for no intervals, or at least 100.")
    return rng if n_boot else None


def _checked_prevalence(prevalence: float | None) -> float | None:
    if prevalence is not None and not 0.0 < prevalence < 1.0:
        raise ConfigError(f"prevalence is {prevalence}; it must lie between 0 and 1.")
    return prevalence


def _check_follow_up(time: Floats, event: NDArray[np.bool_], horizon: float) -> None:
    if time.min() <= 0.0:
        raise InputError(
            f"time holds {time.min():g}; follow-up must be above 0.", hint="Drop people never followed."
        )
    if not 0.0 < horizon < np.inf or not np.any(time >= horizon):
        raise NotEnoughData(
            f"nobody is followed to the horizon {horizon:g}; the longest follow-up is {time.max():g}."
        )
    if not np.any(event & (time <= horizon)):
        raise NotEnoughData(f"no event happens by the horizon {horizon:g}.")


def _cells(outcome: NDArray[np.bool_], risk: Floats, cuts: Floats) -> Ints:
    """People by class (row 0 without, 1 with the event) and by the number of thresholds their risk reaches."""
    cell = outcome * (cuts.size + 1) + np.searchsorted(cuts, risk, side="right")
    return np.bincount(cell, minlength=2 * (cuts.size + 1)).reshape(2, -1)


def _resampled_cells(cells: Ints, rng: np.random.Generator, n_boot: int, by_class: bool) -> Ints:
    """Drawing people with replacement is drawing the cells they lie in."""
    groups = list(cells) if by_class else [cells.ravel()]
    drawn = [rng.multinomial(group.sum(), group / group.sum(), size=n_boot) for group in groups]
    return np.concatenate(drawn, axis=1).reshape(n_boot, *cells.shape)


def _net_benefit(cells: Ints, cuts: Floats, prevalence: float | None) -> Floats:
    """Net benefit per resample and threshold, from cells of shape (resample, class, thresholds reached)."""
    positive = cells[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:]
    false, true = positive[:, 0], positive[:, 1]
    odds = cuts / (1.0 - cuts)
    size = cells.sum(axis=-1)
    if prevalence is None:
        true_share, false_share = (count / size.sum(axis=-1)[:, None] for count in (true, false))
    else:
        true_share, false_share = true / size[:, 1:] * prevalence, false / size[:, :1] * (1.0 - prevalence)
    benefit: Floats = true_share - false_share * odds
    return benefit


@dataclass(frozen=True, slots=True)
class _Followed:
    """Follow-up cut at the horizon: the number of each person's distinct time, who failed, who reached it."""

    moment: NDArray[np.intp]
    n_moments: int
    failed: NDArray[np.bool_]
    reached: NDArray[np.bool_]


def _followed(time: Floats, event: NDArray[np.bool_], horizon: float) -> _Followed:
    distinct, moment = np.unique(np.minimum(time, np.nextafter(horizon, np.inf)), return_inverse=True)
    return _Followed(moment, distinct.size, event & (time <= horizon), time >= horizon)


def _weights(rng: np.random.Generator, n: int) -> Floats:
    """How often each person is drawn in one resample."""
    return np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)


def _survival_above(
    followed: _Followed, bins: NDArray[np.intp], n_cuts: int, weight: Floats
) -> tuple[Floats, Floats]:
    """
    Kaplan-Meier survival at the horizon, and the share of people, above each threshold.

    ``bins`` counts the thresholds each person reaches. Survival is 1 above a threshold that nobody reaches, and NaN
    where everybody above it is censored too early.
    """
    shape = (followed.n_moments, n_cuts + 1)
    cell = followed.moment * shape[1] + bins

    def above(weights: Floats) -> Floats:
        counts = np.bincount(cell, weights=weights, minlength=shape[0] * shape[1]).reshape(shape)
        return counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]

    at_risk = above(weight)[::-1].cumsum(axis=0)[::-1]
    hazard = np.zeros_like(at_risk)
    np.divide(above(weight * followed.failed), at_risk, out=hazard, where=at_risk > 0.0)
    survival = np.prod(1.0 - hazard, axis=0)
    reached = above(weight * followed.reached).sum(axis=0)
    unknown = (at_risk[0] > 0.0) & (reached == 0.0) & (survival > 0.0)
    return np.where(unknown, np.nan, survival), at_risk[0] / weight.sum()


def _assembled(
    models: Mapping[str, Pair],
    everybody: Pair,
    cuts: Floats,
    *,
    level: float,
    n_boot: int,
    n: int,
    events: int,
    prevalence: float,
    notes: tuple[str, ...] = (),
) -> DecisionCurves:
    odds = cuts / (1.0 - cuts)
    tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]

    def curve(benefit: Floats, resampled: Floats | None) -> DecisionCurve:
        low, high = (None, None) if resampled is None else np.quantile(resampled, tails, axis=0)
        avoided = np.full(cuts.size, np.nan)
        np.divide(100.0 * (benefit - everybody[0]), odds, out=avoided, where=odds > 0.0)
        return DecisionCurve(net_benefit=benefit, low=low, high=high, interventions_avoided=avoided)

    return DecisionCurves(
        thresholds=cuts,
        models={name: curve(*pair) for name, pair in models.items()},
        treat_all=curve(*everybody),
        treat_none=curve(np.zeros(cuts.size), np.zeros((1, cuts.size)) if n_boot else None),
        prevalence=prevalence,
        level=level,
        n_boot=n_boot,
        n=n,
        events=events,
        notes=notes,
    )
