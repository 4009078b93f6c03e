"""
Groups of patients described by numbers and categories: Gower's distance with medoids, and k-prototypes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from osteon.core.errors import NotEnoughData
from osteon.models.cluster_coding import Coded
from osteon.models.cluster_kmeans import Partition, checked_k, kmeans

__all__ = ["MOST_MEDOID_ROWS", "distances", "gower", "k_prototypes", "pam"]

Floats = NDArray[np.float64]

#: Medoids need every pair of rows; beyond this many the matrix no longer fits a clinic's computer.
MOST_MEDOID_ROWS = 3000


def distances(x: Floats, other: Floats | None = None) -> Floats:
    """Euclidean distances between the rows of ``x`` and those of ``other`` (or of ``x``), shape (n, m)."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(x, x if other is None else other))


def gower(first: Coded, second: Coded | None = None, *, width: Floats | None = None) -> Floats:
    """
    Gower's distance: the mean over features of |difference| / range for numbers and 0 or 1 for categories.

    Parameters
    ----------
    first, second : Coded
        ``second`` defaults to ``first``. Cells that were missing do not count.
    width : array, shape (p,), optional
        Range of each number; that of ``first`` when not given.

    Returns
    -------
    array, shape (n, m), 0 to 1
        NaN where two rows share no observed feature.

    Source
    ------
    Gower (1971), Biometrics 27:857-871.
    """
    second = first if second is None else second
    p = first.numbers.shape[1]
    spans = np.ptp(first.numbers, axis=0) if width is None else width
    total, seen = np.zeros((len(first), len(second))), np.zeros((len(first), len(second)))
    for j in range(p + first.codes.shape[1]):
        if j < p:
            apart = np.abs(first.numbers[:, [j]] - second.numbers[:, j]) / (spans[j] if spans[j] > 0 else 1.0)
        else:
            apart = np.not_equal(first.codes[:, [j - p]], second.codes[:, j - p]).astype(np.float64)
        both = ~(first.missing[:, [j]] | second.missing[:, j])
        total += np.where(both, np.minimum(apart, 1.0), 0.0)
        seen += both
    return np.where(seen > 0, total / np.maximum(seen, 1.0), np.nan)


def pam(between: Floats, k: int) -> Partition:
    """
    The ``k`` rows (medoids) from which the others are nearest in sum, and who belongs to which.

    Parameters
    ----------
    between : array, shape (n, n)
        Dissimilarities, symmetric, 0 on the diagonal.
    k : int, 1 to n

    Raises
    ------
    NotEnoughData
        More groups than rows, or more rows than the method can hold.

    Source
    ------
    Kaufman & Rousseeuw (1990), Finding Groups in Data, chapter 2; swaps as in Schubert & Rousseeuw (2019).

    Examples
    --------
    >>> places = np.array([[0.0], [1.0], [2.0], [20.0], [21.0]])
    >>> pam(abs(places - places.T), 2).labels.tolist()
    [0, 0, 0, 1, 1]
    """
    checked_k(k, len(between))
    if len(between) > MOST_MEDOID_ROWS:
        raise NotEnoughData(f"{len(between)} rows: medoids are found for at most {MOST_MEDOID_ROWS}.",
                            hint="Use K-means or a mixture.")  # fmt: skip
    medoids = _built(between, k)
    while k > 1:
        near = between[:, medoids]
        order = np.argsort(near, axis=1)
        rows = np.arange(len(between))
        first, second = near[rows, order[:, 0]], near[rows, order[:, 1]]
        gain = np.minimum(between, first[:, None]) - first[:, None]
        loss = np.minimum(between, second[:, None]) - first[:, None] - gain
        belongs = np.equal(order[:, 0][:, None], np.arange(k)).astype(np.float64)
        change = gain.sum(axis=0) + belongs.T @ loss  # (medoid that goes, row that comes)
        gone, comes = np.unravel_index(int(change.argmin()), change.shape)
        if change[gone, comes] >= -1e-12:
            break
        medoids[int(gone)] = int(comes)
    medoids = sorted(medoids)
    near = between[:, medoids]
    return Partition(labels=near.argmin(axis=1), k=k, loss=float(near.min(axis=1).sum()))


def _built(between: Floats, k: int) -> list[int]:
    """Medoids one by one, each the row that lowers the sum most."""
    medoids = [int(between.sum(axis=0).argmin())]
    nearest = between[:, medoids[0]]
    while len(medoids) < k:
        sums = np.minimum(between, nearest[:, None]).sum(axis=0)
        sums[medoids] = np.inf
        medoids.append(int(sums.argmin()))
        nearest = np.minimum(nearest, between[:, medoids[-1]])
    return medoids


def k_prototypes(
    data: Coded, k: int, *, rng: np.random.Generator, gamma: float = 0.5, restarts: int = 10
) -> Partition:
    """
    K-means for numbers and categories: means for the one, commonest levels for the other.

    Parameters
    ----------
    data : Coded
        z-scored numbers.
    gamma : float
        What a category that differs costs, in squared standard deviations.

    Source
    ------
    Huang (1998), Data Mining and Knowledge Discovery 2:283-304; gamma of half a standard deviation as there.
    """
    checked_k(k, len(data))
    best: Partition | None = None
    for _ in range(max(restarts, 1)):
        labels = kmeans(data.matrix, k, rng=rng, restarts=1, iterations=1).labels
        for _ in range(100):
            cost = _prototype_cost(data, labels, k, gamma)
            moved = cost.argmin(axis=1)
            if np.array_equal(moved, labels):
                break
            labels = moved
        loss = float(_prototype_cost(data, labels, k, gamma)[np.arange(len(data)), labels].sum())
        if best is None or loss < best.loss:
            best = Partition(labels=labels, k=k, loss=loss)
    if best is None:
        raise NotEnoughData("no restart was run.")
    return best


def _prototype_cost(data: Coded, labels: NDArray[np.intp], k: int, gamma: float) -> Floats:
    """Cost of every row in every group; an empty group costs nothing less than infinity."""
    cost = np.full((len(data), k), np.inf)
    for group in np.unique(labels):
        inside = labels == group
        apart = ((data.numbers - data.numbers[inside].mean(axis=0)) ** 2).sum(axis=1)
        for j, count in enumerate(data.n_levels):
            usual = np.bincount(data.codes[inside, j], minlength=count).argmax()
            apart = apart + gamma * (data.codes[:, j] != usual)
        cost[:, group] = apart
    return cost
