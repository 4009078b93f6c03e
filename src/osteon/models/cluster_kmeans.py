"""
K-means with all restarts run at once: the reference draws of a gap statistic ask for thousands of small fits.

The update is Lloyd's, the start k-means++; the best of the restarts is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteon.core.errors import NotEnoughData

__all__ = ["Partition", "checked_k", "kmeans"]

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partition:
    """
    Rows divided into ``k`` groups.

    Attributes
    ----------
    labels : array of int, shape (n,)
        0 to k - 1.
    loss : float
        What the method made small: squared distances (K-means), dissimilarities (PAM, k-prototypes), minus twice
        the log-likelihood (mixtures).
    bic : float or None
        Of mixtures: smaller is better.
    """

    labels: Labels
    k: int
    loss: float
    bic: float | None = None


def checked_k(k: int, n: int) -> None:
    """Refuse fewer than one group, or more groups than rows."""
    if not 1 <= k <= n:
        raise NotEnoughData(f"{k} groups of {n} rows: expected between 1 and {n} groups.")


def kmeans(
    x: Floats, k: int, *, rng: np.random.Generator, restarts: int = 10, iterations: int = 100
) -> Partition:
    """
    The division of rows into ``k`` groups with the least sum of squared distances to the group means.

    Parameters
    ----------
    x : array, shape (n, p)
        Complete, on comparable scales.
    k : int, 1 to n
    rng : Generator
    restarts, iterations : int

    Raises
    ------
    NotEnoughData
        More groups than rows.

    Source
    ------
    Lloyd (1982), IEEE Trans Inf Theory 28:129; Arthur & Vassilvitskii (2007), SODA, 1027-1035.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> kmeans(points, 2, rng=np.random.default_rng(0)).loss
    1.0
    """
    checked_k(k, len(x))
    centre = x.mean(axis=0)
    x = x - centre  # keeps the expanded squares below exact
    squares = (x * x).sum(axis=1)
    if k == 1:
        return Partition(labels=np.zeros(len(x), dtype=np.intp), k=1, loss=float(squares.sum()))
    restarts = max(restarts, 1)
    centres = _spread_starts(x, squares, k, restarts, rng)
    labels = np.full((restarts, len(x)), -1, dtype=np.intp)
    for _ in range(iterations):
        nearest = _squared(x, squares, centres).argmin(axis=2)
        if np.array_equal(nearest, labels):
            break
        labels = nearest
        members = np.equal(labels[:, None, :], np.arange(k)[None, :, None]).astype(np.float64)
        counts = members.sum(axis=2)
        means = (members @ x) / np.maximum(counts, 1.0)[:, :, None]
        centres = np.where(counts[:, :, None] > 0, means, centres)  # an empty group waits where it was
    losses = _squared(x, squares, centres).min(axis=2).sum(axis=1)
    best = int(losses.argmin())
    found = labels[best]
    loss = sum(float(((x[found == g] - x[found == g].mean(axis=0)) ** 2).sum()) for g in np.unique(found))
    return Partition(labels=found, k=k, loss=loss)


def _squared(x: Floats, squares: Floats, centres: Floats) -> Floats:
    """Squared distances, shape (restarts, n, k)."""
    restarts, k, width = centres.shape
    cross = x @ centres.reshape(restarts * k, width).T
    found = squares[:, None] - 2 * cross + (centres * centres).sum(axis=2).reshape(-1)
    return np.asarray(np.maximum(found, 0.0).reshape(len(x), restarts, k).transpose(1, 0, 2))


def _spread_starts(x: Floats, squares: Floats, k: int, restarts: int, rng: np.random.Generator) -> Floats:
    """First centres far from each other (k-means++), shape (restarts, k, p)."""
    chosen = [rng.integers(len(x), size=restarts)]
    far = np.full((restarts, len(x)), np.inf)
    for _ in range(1, k):
        latest = x[chosen[-1]][:, None, :]
        far = np.minimum(far, _squared(x, squares, latest)[:, :, 0])
        reach = far.cumsum(axis=1)
        aim = rng.random(restarts) * reach[:, -1]
        chosen.append(np.minimum((reach <= aim[:, None]).sum(axis=1), len(x) - 1))
    return np.asarray(x[np.stack(chosen, axis=1)])
