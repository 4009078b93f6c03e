"""How many people a prediction model needs, so that it is not overfitted: the criteria of Riley and colleagues."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import ndtri
from scipy.stats import chi2 as chi2_law
from scipy.stats import t as t_law

from osteon.core.errors import ConfigError
from osteon.stats.cox_snell import largest_cox_snell

__all__ = [
    "Criterion",
    "ModelSampleSize",
    "binary_model_size",
    "continuous_model_size",
    "expected_shrinkage",
    "survival_model_size",
]

LARGEST_N = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One demand on the sample: its ``name`` and the people it asks for."""

    name: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSampleSize:
    """
    The people, and for a yes/no or survival outcome the events, that a new model needs.

    ``criteria`` are "shrinkage", "optimism", "overall risk" (binary, survival) or "residual error" and "mean"
    (continuous); ``n`` is the largest. ``largest_r2`` is the ceiling of Cox-Snell R2 at this prevalence (1 for a
    continuous outcome).
    """

    n: int
    events: float | None
    events_per_parameter: float | None
    people_per_parameter: float
    criteria: tuple[Criterion, ...]
    r2: float
    largest_r2: float
    parameters: int


def binary_model_size(
    *,
    parameters: int,
    prevalence: float,
    r2_cox_snell: float,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
) -> ModelSampleSize:
    """
    How many people a model of a yes/no outcome needs.

    Parameters
    ----------
    parameters : int, at least 1
        Candidate coefficients, counting every spline term and every level but one of a category.
    prevalence : float in (0, 1)
        Expected share of events.
    r2_cox_snell : float in (0, largest possible)
        Expected Cox-Snell R2; ``0.15 * largest_cox_snell(prevalence)`` where nothing is known, or
        ``cox_snell_from_auc`` (both in ``osteon.stats.cox_snell``).
    shrinkage : float in (0, 1)
        Wanted uniform shrinkage factor.
    optimism : float in (0, 1)
        Wanted largest optimism of Nagelkerke's R2.
    margin : float in (0, 1)
        Wanted half-width of the 95 % interval of the overall risk.

    Raises
    ------
    ConfigError
        A setting outside its range, or an R2 that this prevalence cannot reach.

    Source
    ------
    Riley et al. (2019), Statistics in Medicine 38:1276-1296; Riley et al. (2020), BMJ 368:m441, whose pre-eclampsia
    example (30 parameters, prevalence .05, R2 .05) needs 5,249 women.

    Examples
    --------
    >>> binary_model_size(parameters=30, prevalence=0.05, r2_cox_snell=0.05).n
    5249
    """
    _check_parameters(parameters)
    ceiling = largest_cox_snell(prevalence)
    _check_fractions(shrinkage=shrinkage, optimism=optimism, margin=margin)
    precise = math.ceil((ndtri(0.975) / margin) ** 2 * prevalence * (1.0 - prevalence))
    criteria = (
        *_overfitting(parameters, r2_cox_snell, ceiling, shrinkage, optimism),
        Criterion(name="overall risk", n=precise),
    )
    return _largest(criteria, parameters, r2_cox_snell, ceiling, events_per_person=prevalence)


def survival_model_size(
    *,
    parameters: int,
    event_rate: float,
    mean_follow_up: float,
    horizon: float,
    r2_cox_snell: float,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
) -> ModelSampleSize:
    """
    How many people a model of time to an event needs.

    Parameters
    ----------
    parameters : int, at least 1
        Candidate coefficients.
    event_rate : float above 0
        Expected events per person and unit of time.
    mean_follow_up, horizon : float above 0
        Expected mean follow-up and the time of prediction, in the same unit.
    r2_cox_snell, shrinkage, optimism, margin
        As in ``binary_model_size``; ``margin`` at the horizon, with a constant rate.

    Raises
    ------
    ConfigError
        A setting outside its range, or an R2 that this rate cannot reach.

    Source
    ------
    Riley et al. (2019), Statistics in Medicine 38:1276-1296, equations 11, 12, 23; the venous thrombo-embolism
    example of the BMJ paper (30 parameters, R2 .051, rate .065, 2 years) needs 5,143 people.

    Examples
    --------
    >>> survival_model_size(
    ...     parameters=30, event_rate=0.065, mean_follow_up=2.07, horizon=2, r2_cox_snell=0.051
    ... ).n
    5143
    """
    _check_parameters(parameters)
    for name, value in {
        "event_rate": event_rate,
        "mean_follow_up": mean_follow_up,
        "horizon": horizon,
    }.items():
        if not 0.0 < value < math.inf:
            raise ConfigError(f"{name} is {value}; it must be above 0.")
    _check_fractions(shrinkage=shrinkage, optimism=optimism, margin=margin)
    per_person = event_rate * mean_follow_up
    if per_person >= 1.0:
        raise ConfigError(
            f"{per_person:g} events per person are expected; a first event happens at most once."
        )
    ceiling = -math.expm1(2.0 * per_person * (math.log(per_person) - 1.0))

    def precise(n: int) -> bool:
        reach = ndtri(0.975) * math.sqrt(event_rate / (mean_follow_up * n))
        risk = -math.expm1(-event_rate * horizon)
        upper = -math.expm1(-(event_rate + reach) * horizon)
        lower = -math.expm1(-max(event_rate - reach, 0.0) * horizon)
        return max(upper - risk, risk - lower) <= margin

    criteria = (
        *_overfitting(parameters, r2_cox_snell, ceiling, shrinkage, optimism),
        Criterion(name="overall risk", n=_smallest(precise, 1)),
    )
    return _largest(criteria, parameters, r2_cox_snell, ceiling, events_per_person=per_person)


def continuous_model_size(
    *,
    parameters: int,
    r2: float,
    mean: float,
    sd: float,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 1.1,
) -> ModelSampleSize:
    """
    How many people a model of a measured outcome (such as BMD) needs.

    Parameters
    ----------
    parameters : int, at least 2
        Candidate coefficients.
    r2 : float in (0, 1)
        Expected adjusted R2.
    mean, sd : float; mean not 0, sd above 0
        Expected mean and standard deviation of the outcome, in its unit.
    shrinkage, optimism : float in (0, 1)
        As in ``binary_model_size``; ``optimism`` of R2.
    margin : float above 1
        Wanted largest ratio between estimate and 95 % limit, of the residual standard deviation and of the mean.

    Raises
    ------
    ConfigError
        A setting outside its range.

    Source
    ------
    Riley et al. (2019), Statistics in Medicine 38:1262-1275: FEV1 with 25 parameters, R2 .2, needs 918.

    Examples
    --------
    >>> size = continuous_model_size(parameters=25, r2=0.2, mean=1.9, sd=0.6)
    >>> size.n, [criterion.n for criterion in size.criteria][:3]
    (918, [918, 401, 259])
    """
    _check_parameters(parameters, least=2)
    _check_fractions(r2=r2, shrinkage=shrinkage, optimism=optimism)
    if mean == 0.0 or not sd > 0.0 or not margin > 1.0:
        raise ConfigError(
            f"mean is {mean}, sd {sd}, margin {margin}; mean not 0, sd above 0, margin above 1 are needed."
        )
    first = parameters + 2

    def shrunk_little(n: int) -> bool:
        apparent = (r2 * (n - parameters - 1) + parameters) / (n - 1)
        return 1.0 + (parameters - 2) / (n * math.log1p(-apparent)) >= shrinkage

    def precise_spread(n: int) -> bool:
        df = n - parameters - 1
        low, high = chi2_law.ppf([0.025, 0.975], df) / df
        return math.sqrt(max(high, 1.0 / low)) <= margin

    def precise_mean(n: int) -> bool:
        reach = float(t_law.ppf(0.975, n - parameters - 1)) * sd * math.sqrt((1.0 - r2) / n)
        return 1.0 + reach / abs(mean) <= margin

    criteria = (
        Criterion(name="shrinkage", n=_smallest(shrunk_little, first)),
        Criterion(name="optimism", n=math.ceil(1.0 + parameters * (1.0 - r2) / optimism)),
        Criterion(name="residual error", n=_smallest(precise_spread, first)),
        Criterion(name="mean", n=_smallest(precise_mean, first)),
    )
    return _largest(criteria, parameters, r2, 1.0, events_per_person=None)


def expected_shrinkage(*, n: int, parameters: int, r2_cox_snell: float) -> float:
    """
    The calibration slope to expect in new patients from a model fitted on ``n`` people (1: no overfitting).

    Raises
    ------
    ConfigError
        A setting outside its range, or no more people than parameters.

    Source
    ------
    Riley et al. (2019), Statistics in Medicine 38:1276-1296, equation 11 solved for the shrinkage.

    Examples
    --------
    >>> round(expected_shrinkage(n=5249, parameters=30, r2_cox_snell=0.05), 3)
    0.9
    """
    _check_parameters(parameters)
    _check_fractions(r2_cox_snell=r2_cox_snell)
    if n <= parameters:
        raise ConfigError(f"n is {n} with {parameters} parameters; more people than parameters are needed.")
    low, high = r2_cox_snell, 1.0
    for _ in range(60):  # the people needed rise with the shrinkage asked for
        middle = (low + high) / 2.0
        low, high = (low, middle) if _people(parameters, r2_cox_snell, middle) > n else (middle, high)
    return (low + high) / 2.0


def _people(parameters: int, r2: float, shrinkage: float) -> float:
    if not r2 < shrinkage < 1.0:
        return 0.0 if shrinkage <= r2 else math.inf
    return parameters / ((shrinkage - 1.0) * math.log1p(-r2 / shrinkage))


def _overfitting(
    parameters: int, r2: float, ceiling: float, shrinkage: float, optimism: float
) -> tuple[Criterion, Criterion]:
    if not 0.0 < r2 < min(ceiling, shrinkage):
        raise ConfigError(
            f"r2_cox_snell is {r2:g}; it must lie between 0 and {min(ceiling, shrinkage):.3f} here.",
            hint="Without knowledge use 0.15 times the largest possible.",
        )
    little_optimism = r2 / (r2 + optimism * ceiling)
    return (
        Criterion(name="shrinkage", n=math.ceil(_people(parameters, r2, shrinkage))),
        Criterion(name="optimism", n=math.ceil(_people(parameters, r2, little_optimism))),
    )


def _largest(
    criteria: tuple[Criterion, ...],
    parameters: int,
    r2: float,
    ceiling: float,
    *,
    events_per_person: float | None,
) -> ModelSampleSize:
    n = max(criterion.n for criterion in criteria)
    events = None if events_per_person is None else n * events_per_person
    return ModelSampleSize(
        n=n,
        events=events,
        events_per_parameter=None if events is None else events / parameters,
        people_per_parameter=n / parameters,
        criteria=criteria,
        r2=r2,
        largest_r2=ceiling,
        parameters=parameters,
    )


def _smallest(enough: Callable[[int], bool], first: int) -> int:
    """The smallest n from ``first`` on that is enough; being enough must not be lost by more people."""
    high = first
    while not enough(high):
        if high > LARGEST_N:
            raise ConfigError(f"more than {LARGEST_N:,} people would be needed; the settings ask too much.")
        high *= 2
    low = first - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check_parameters(parameters: int, *, least: int = 1) -> None:
    if parameters != int(parameters) or parameters < least:
        raise ConfigError(f"parameters is {parameters}; a whole number, at least {least}, is needed.")


def _check_fractions(**values: float) -> None:
    for name, value in values.items():
        if not 0.0 < value < 1.0:
            raise ConfigError(f"{name} is {value}; it must lie between 0 and 1.")
