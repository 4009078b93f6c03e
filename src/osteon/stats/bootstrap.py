"""
How much an estimate would vary with other patients: bootstrap intervals, by stratum and by cluster.

Note used here: "bca undefined on these resamples: percentile interval".
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.core.progress import advance
from osteon.core.result import Interval
from osteon.stats.inputs import level_in_range, option
from osteon.stats.predicted import checked_outcome, checked_risk
from osteon.stats.ranking import placements

__all__ = ["Bootstrap", "Method", "auc_bootstrap", "bootstrap", "percentile_interval", "resampled_rows"]

Method = Literal["bca", "percentile"]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """An estimate, its bootstrap error and interval, and the ``distribution`` they come from."""

    value: float
    se: float
    ci: Interval
    method: str
    n_resamples: int
    n: int
    distribution: Floats
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.ci})"


def bootstrap(
    statistic: Callable[..., float],
    *arrays: ArrayLike,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    strata: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    method: Method = "bca",
    level: float = 0.95,
) -> Bootstrap:
    """
    A confidence interval for any number computed from rows of patients, by drawing patients again and again.

    Parameters
    ----------
    statistic : callable
        Takes the resampled arrays in the order given, returns one number.
    *arrays : array_like, first axis n
        Columns (or tables) of the same people; rows are drawn together.
    rng : numpy.random.Generator
        Source of chance.
    n_resamples : int, at least 100
        How often to draw.
    strata : array_like, shape (n,), optional
        Groups whose sizes are kept in every resample, such as the outcome.
    clusters : array_like, shape (n,), optional
        Who belongs together (vertebrae of one patient): whole clusters are drawn. With ``strata``, a cluster
        must lie in one stratum.
    method : {"bca", "percentile"}
        Bias-corrected and accelerated, or plain percentiles.
    level : float in (0, 1)
        Confidence level.

    Returns
    -------
    Bootstrap
        BCa falls back to percentiles, and says so, where it is undefined (all resamples on one side).

    Raises
    ------
    NotEnoughData
        Fewer than two rows or clusters; or the statistic is not a number on some resample, such as an AUC on one
        class: draw by ``strata``.
    ShapeError
        Arrays of different lengths.

    Notes
    -----
    BCa asks for the statistic once more per row (or cluster); for a slow statistic on many rows take percentiles.

    Source
    ------
    Efron (1987), JASA 82:171-185, as in scipy.stats.bootstrap, whose several-sample form gives the strata.

    Examples
    --------
    >>> law = np.array([576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594])
    >>> gpa = np.array([339, 330, 281, 303, 344, 307, 300, 343, 336, 313, 312, 274, 276, 288, 296])
    >>> fit = bootstrap(lambda x, y: np.corrcoef(x, y)[0, 1], law, gpa, rng=np.random.default_rng(1))
    >>> round(fit.value, 3), bool(0.2 < fit.ci.low < 0.45), bool(0.9 < fit.ci.high < 0.97)
    (0.776, True, True)
    """
    _check_settings(n_resamples, method, level)
    columns = _columns(arrays)
    n = int(columns[0].shape[0])
    samples, rows_of = _samples(n, strata, clusters)
    drawn = 0

    def on_rows(*units: Rows) -> float:
        nonlocal drawn
        rows = rows_of(np.concatenate(units))
        number = float(statistic(*(column[rows] for column in columns)))
        if not np.isfinite(number):
            raise NotEnoughData(
                "the statistic is not a number on one of the resamples.",
                hint="Draw by strata (the outcome), or use a statistic defined on every resample.",
            )
        drawn += 1
        if drawn % 100 == 0:
            advance("bootstrap", min(drawn, n_resamples), n_resamples)
        return number

    value = on_rows(*samples)
    settings: dict[str, Any] = {
        "data": samples, "statistic": on_rows, "vectorized": False, "confidence_level": level,
        "batch": max(1, 1_000_000 // n), "rng": rng,
    }  # fmt: skip
    plain = stats.bootstrap(**settings, n_resamples=n_resamples, method="percentile")
    distribution = np.asarray(plain.bootstrap_distribution, dtype=np.float64)

    def bca() -> tuple[float, float]:
        again = stats.bootstrap(**settings, n_resamples=0, bootstrap_result=plain, method="BCa")
        return float(again.confidence_interval.low), float(again.confidence_interval.high)

    return _result(value, distribution, n, level, bca if method == "bca" else None)


def auc_bootstrap(
    y_true: ArrayLike,
    risk: ArrayLike,
    *,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    method: Method = "bca",
    level: float = 0.95,
) -> Bootstrap:
    """
    The bootstrap interval of an AUC, drawing people with and without the event separately.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risk : array_like, shape (n,)
        Any score, higher for more likely.
    rng : numpy.random.Generator
        Source of chance.
    n_resamples : int, at least 100
        How often to draw.
    method : {"bca", "percentile"}
        Bias-corrected and accelerated, or plain percentiles.
    level : float in (0, 1)
        Confidence level.

    Raises
    ------
    NotEnoughData
        Fewer than two people with, or without, the event.

    Notes
    -----
    People are sorted once; a resample is then only a count of how often each was drawn, so that 2,000 resamples of
    10,000 people take a fraction of a second. The acceleration needs no refits: leaving one person out moves the
    AUC by a closed form.

    Source
    ------
    Efron (1987), JASA 82:171-185; the two-sample acceleration is scipy.stats.bootstrap's.

    Examples
    --------
    >>> truth = np.repeat([0, 1], 50)
    >>> fit = auc_bootstrap(truth, np.arange(100) % 70, rng=np.random.default_rng(1), n_resamples=500)
    >>> fit.value, fit.n_resamples
    (0.58, 500)
    """
    _check_settings(n_resamples, method, level)
    outcome = checked_outcome(y_true, least=2)
    score = checked_risk(risk, n=outcome.size, probability=False)
    aucs = _auc_distribution(outcome, score, rng, n_resamples)
    value, distribution = (
        float(aucs[0]),
        aucs[1:],
    )  # one formula for both, so that ties between them are exact

    def bca() -> tuple[float, float]:
        return _bca_limits(distribution, value, placements(outcome, score), level)

    return _result(value, distribution, outcome.size, level, bca if method == "bca" else None)


def percentile_interval(distribution: ArrayLike, *, level: float = 0.95) -> Interval:
    """
    The middle ``level`` of a bootstrap distribution.

    Examples
    --------
    >>> percentile_interval(range(101), level=0.5)
    Interval(low=25.0, high=75.0, level=0.5)
    """
    tail = (1.0 - level_in_range(level)) / 2.0
    low, high = np.quantile(np.asarray(distribution, dtype=np.float64), [tail, 1.0 - tail])
    return Interval(float(low), float(high), level)


def resampled_rows(
    n: int,
    *,
    rng: np.random.Generator,
    strata: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
) -> Rows:
    """
    The row numbers of one bootstrap resample, for work too long to hand over as a statistic (refitting a model).

    Parameters
    ----------
    n : int
        Rows to draw from.
    rng : numpy.random.Generator
        Source of chance.
    strata, clusters : array_like, shape (n,), optional
        As in ``bootstrap``.

    Examples
    --------
    >>> rows = resampled_rows(6, rng=np.random.default_rng(0), strata=[0, 0, 0, 0, 1, 1])
    >>> int((rows >= 4).sum())
    2
    """
    samples, rows_of = _samples(n, strata, clusters)
    return rows_of(np.concatenate([rng.choice(units, size=units.size) for units in samples]))


def _check_settings(n_resamples: int, method: str, level: float) -> None:
    level_in_range(level)
    if n_resamples < 100:
        raise ConfigError(f"n_resamples is {n_resamples}; an interval needs at least 100.")
    option(method, name="method", allowed=("bca", "percentile"))


def _columns(arrays: tuple[ArrayLike, ...]) -> list[NDArray[Any]]:
    if not arrays:
        raise InputError("no array was given; pass the columns that the statistic takes.")
    columns = [np.asarray(array) for array in arrays]
    lengths = {column.shape[:1] for column in columns}
    if len(lengths) > 1 or () in lengths:
        raise ShapeError(
            f"the arrays have lengths {[column.shape[:1] for column in columns]}; all must agree."
        )
    return columns


def _samples(
    n: int, strata: ArrayLike | None, clusters: ArrayLike | None
) -> tuple[tuple[Rows, ...], Callable[[Rows], Rows]]:
    """Units to draw, one array per stratum, and the rows that drawn units stand for."""
    stratum = _codes(strata, n, "strata")
    if clusters is None:
        unit_stratum, rows_of = stratum, _same
    else:
        cluster = _codes(clusters, n, "clusters")
        order = np.argsort(cluster, kind="stable")
        members = np.split(order, np.cumsum(np.bincount(cluster))[:-1])
        unit_stratum = stratum[[rows[0] for rows in members]]
        if np.any(unit_stratum[cluster] != stratum):
            raise InputError("a cluster lies in two strata; strata must be a property of the whole cluster.")

        def rows_of(units: Rows) -> Rows:
            return np.concatenate([members[unit] for unit in units])

    samples = tuple(np.flatnonzero(unit_stratum == code) for code in np.unique(unit_stratum))
    smallest = min((sample.size for sample in samples), default=0)
    if smallest < 2:
        raise NotEnoughData(
            f"a stratum holds {smallest} row(s) or cluster(s) to draw from; at least 2 are needed.",
            hint="Merge small strata.",
        )
    return samples, rows_of


def _same(units: Rows) -> Rows:
    return units


def _codes(labels: ArrayLike | None, n: int, name: str) -> Rows:
    if labels is None:
        return np.zeros(n, dtype=np.intp)
    values = np.asarray(labels)
    if values.shape != (n,):
        raise ShapeError(f"{name} has shape {values.shape}; one label for each of the {n} rows is needed.")
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise InputError(f"{name} holds missing labels; every row needs one.")
    codes: Rows = np.unique(values, return_inverse=True)[1]
    return codes


def _result(
    value: float, distribution: Floats, n: int, level: float, bca: Callable[[], tuple[float, float]] | None
) -> Bootstrap:
    ci, method = percentile_interval(distribution, level=level), "percentile"
    if bca is not None and np.ptp(distribution) > 0.0:
        with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            low, high = bca()
        if np.isfinite(low) and np.isfinite(high):
            ci, method = Interval(low, high, level), "bca"
    fell_back = bca is not None and method == "percentile"
    return Bootstrap(
        value=value,
        se=float(distribution.std(ddof=1)),
        ci=ci,
        method=method,
        n_resamples=distribution.size,
        n=n,
        distribution=distribution,
        notes=("bca undefined on these resamples: percentile interval",) if fell_back else (),
    )


def _auc_distribution(
    outcome: NDArray[np.bool_], risk: Floats, rng: np.random.Generator, n_resamples: int
) -> Floats:
    """The AUC itself, then those of resamples: people are points on a scale, a resample is a count per point."""
    value, group = np.unique(risk, return_inverse=True)
    sick, well = group[outcome], group[~outcome]

    def from_counts(sick_points: Rows, well_points: Rows) -> float:
        drawn_sick = np.bincount(sick_points, minlength=value.size)
        drawn_well = np.bincount(well_points, minlength=value.size)
        twice_below = 2 * np.cumsum(drawn_well) - drawn_well
        return float(drawn_sick @ twice_below) / (2.0 * sick.size * well.size)

    aucs = np.empty(n_resamples + 1)
    aucs[0] = from_counts(sick, well)
    for i in range(n_resamples):
        aucs[i + 1] = from_counts(
            sick[rng.integers(0, sick.size, sick.size)], well[rng.integers(0, well.size, well.size)]
        )
        if (i + 1) % 100 == 0:
            advance("bootstrap", i + 1, n_resamples)
    return aucs


def _bca_limits(
    distribution: Floats, value: float, parts: tuple[Floats, ...], level: float
) -> tuple[float, float]:
    """BCa limits of a statistic that is the mean of each of ``parts`` (one per independently drawn sample)."""
    below = np.count_nonzero(distribution < value) + np.count_nonzero(distribution == value) / 2.0
    shift = stats.norm.ppf(below / distribution.size)
    moves = [part - part.mean() for part in parts]  # leaving one out moves the mean by -move / (size - 1)
    cubes = sum(float((move**3).sum()) / move.size**3 for move in moves)
    squares = sum(float((move**2).sum()) / move.size**2 for move in moves)
    acceleration = cubes / squares**1.5 / 6.0 if squares > 0.0 else np.nan
    tails = stats.norm.ppf([(1.0 - level) / 2.0, (1.0 + level) / 2.0]) + shift
    low, high = stats.norm.cdf(shift + tails / (1.0 - acceleration * tails))
    if not (np.isfinite(low) and np.isfinite(high)):
        return np.nan, np.nan
    limits = np.quantile(distribution, [low, high])
    return float(limits[0]), float(limits[1])
