"""
How well each reader does with each arm, and how these figures vary together because everybody read the same cases.

Two ways to the covariance: leaving out one case after the other (jackknife), also by clusters of readings such as
the vertebrae of a patient, or the placements of DeLong. For shares (accuracy, sensitivity, specificity) both agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats.inputs import flags, option
from osteon.stats.ranking import placements

__all__ = ["Endpoint", "ReaderFigures", "reader_figures"]

Endpoint = Literal["auc", "accuracy", "sensitivity", "specificity"]
Method = Literal["jackknife", "delong"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderFigures:
    """
    A figure of merit for each arm and reader.

    ``values`` has shape (arms, readers); ``covariance`` (arms, readers, arms, readers); ``n`` counts the readings each
    figure rests on (all, the fractured or the unfractured), ``clusters`` the independent cases among them.
    """

    endpoint: Endpoint
    method: Method
    values: Floats
    covariance: Floats
    n: int
    clusters: int


def reader_figures(
    readings: ArrayLike,
    truth: ArrayLike,
    *,
    endpoint: Endpoint = "auc",
    method: Method = "jackknife",
    clusters: ArrayLike | None = None,
) -> ReaderFigures:
    """
    The figure of merit of every arm and reader with the covariance of all of them.

    Parameters
    ----------
    readings : array_like, shape (arms, readers, n)
        Ratings (higher = more suspicious) for the AUC; calls 0 or 1 for the shares.
    truth : array_like of 0/1, shape (n,)
    endpoint : {"auc", "accuracy", "sensitivity", "specificity"}
    method : {"jackknife", "delong"}
    clusters : array_like, shape (n,), optional
        Who belongs together; whole clusters are left out. For the jackknife only.

    Raises
    ------
    ShapeError
        ``readings`` is not arms x readers x cases.
    InputError
        A reading is missing, a call is not 0 or 1, or DeLong is asked for clusters.
    NotEnoughData
        Fewer than two cases in a class the endpoint needs.

    Source
    ------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837-845; jackknife over clusters as Obuchowski (1997),
    Biometrics 53:567-578, asks of clustered readings.

    Examples
    --------
    >>> figures = reader_figures([[[0, 1, 1, 1]], [[0, 0, 1, 1]]], [0, 0, 1, 1], endpoint="specificity")
    >>> figures.values.tolist(), figures.covariance[0, 0, 0, 0].item()
    ([[0.5], [1.0]], 0.25)
    """
    option(method, name="method", allowed=("jackknife", "delong"))
    option(endpoint, name="endpoint", allowed=("auc", "accuracy", "sensitivity", "specificity"))
    outcome = flags(truth, name="truth")
    read = np.asarray(readings, dtype=float)
    if read.ndim != 3 or read.shape[2] != outcome.size or 0 in read.shape:
        raise ShapeError(f"readings have shape {read.shape}, expected (arms, readers, {outcome.size}).")
    if not np.isfinite(read).all():
        raise InputError("a reading is missing.", hint="Keep the cases that every reader read in every arm.")
    if endpoint != "auc" and not np.isin(read, (0.0, 1.0)).all():
        raise InputError(f"{endpoint} needs calls of 0 or 1.")
    if clusters is not None and method == "delong":
        raise InputError("DeLong's covariance knows no clusters.", hint='Use method="jackknife".')
    group = np.arange(outcome.size) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    if group.shape != outcome.shape:
        raise ShapeError(f"clusters have shape {group.shape} for {outcome.size} cases.")
    flat = read.reshape(-1, outcome.size)
    if endpoint == "auc":
        values, covariance, n, k = _auc(flat, outcome, group, method=method)
    else:
        values, covariance, n, k = _share(flat, outcome, group, endpoint=endpoint)
    shape = read.shape[:2]
    return ReaderFigures(endpoint=endpoint, method=method, values=values.reshape(shape),
                         covariance=covariance.reshape(*shape, *shape), n=n, clusters=k)  # fmt: skip


def _share(
    calls: Floats, outcome: NDArray[np.bool_], group: NDArray[np.intp], *, endpoint: str
) -> tuple[Floats, Floats, int, int]:
    """Shares of right calls among those the endpoint looks at."""
    counted = {"accuracy": np.ones_like(outcome), "sensitivity": outcome, "specificity": ~outcome}[endpoint]
    right = (calls == outcome)[:, counted].astype(float)
    number, size = np.unique(group[counted], return_inverse=True)[1], int(counted.sum())
    sums = _by_cluster(right, number)
    sizes = np.bincount(number)
    _enough(sizes.size)
    left_out = (right.sum(axis=1, keepdims=True) - sums) / (size - sizes)
    return right.mean(axis=1), _jackknife(left_out), size, sizes.size


def _auc(
    ratings: Floats, outcome: NDArray[np.bool_], group: NDArray[np.intp], *, method: str
) -> tuple[Floats, Floats, int, int]:
    _enough(min(int(outcome.sum()), int((~outcome).sum())))
    parts = [placements(outcome, row) for row in ratings]
    sick, well = np.stack([part[0] for part in parts]), np.stack([part[1] for part in parts])
    values, clusters = sick.mean(axis=1), int(np.unique(group).size)
    if method == "delong":
        covariance = _covariance(sick) / sick.shape[1] + _covariance(well) / well.shape[1]
        return values, covariance, outcome.size, clusters
    n_sick, n_well = sick.shape[1], well.shape[1]
    in_sick, in_well = (
        np.bincount(group[outcome], minlength=clusters),
        np.bincount(group[~outcome], minlength=clusters),
    )
    if in_sick.max() == n_sick or in_well.max() == n_well:
        raise NotEnoughData("one cluster holds a whole class: leaving it out leaves no AUC.")
    # All pairs, less those with a left-out member; pairs inside the cluster were taken away twice.
    pairs = (n_sick * n_well * values)[:, None] - n_well * _by_cluster(sick, group[outcome], clusters)
    pairs -= n_sick * _by_cluster(well, group[~outcome], clusters)
    pairs += _pairs_inside(ratings, outcome, group, clusters)
    return values, _jackknife(pairs / ((n_sick - in_sick) * (n_well - in_well))), outcome.size, clusters


def _pairs_inside(
    ratings: Floats, outcome: NDArray[np.bool_], group: NDArray[np.intp], clusters: int
) -> Floats:
    """Pairs won within each cluster (ties half): nothing where every cluster is of one class."""
    inside = np.zeros((len(ratings), clusters))
    mixed = np.intersect1d(group[outcome], group[~outcome])
    for cluster in mixed:
        here = group == cluster
        high, low = ratings[:, here & outcome][:, :, None], ratings[:, here & ~outcome][:, None, :]
        inside[:, cluster] = ((high > low) + 0.5 * (high == low)).sum(axis=(1, 2))
    return inside


def _by_cluster(values: Floats, number: NDArray[np.intp], clusters: int = 0) -> Floats:
    """Sums of each row over the clusters of its columns."""
    return np.stack([np.bincount(number, weights=row, minlength=clusters) for row in values])


def _jackknife(left_out: Floats) -> Floats:
    """Covariance of estimates from their values with one cluster left out, shape (figures, clusters)."""
    k = left_out.shape[1]
    return np.asarray(_covariance(left_out) * (k - 1) ** 2 / k)


def _covariance(values: Floats) -> Floats:
    return np.asarray(np.cov(values)).reshape(len(values), len(values))


def _enough(cases: int) -> None:
    if cases < 2:
        raise NotEnoughData(f"{cases} case in a class the endpoint needs, at least 2 are needed.")
