"""
Mixtures of groups: numbers Gaussian, categories by their shares, independent within a group.

With numbers alone it is a Gaussian mixture, with categories alone latent class analysis, with both the mixed model.
The same model, fitted to groups that another method made, says how probable each group is for a new patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from osteon.models.cluster_coding import Coded
from osteon.models.cluster_kmeans import Partition, checked_k, kmeans

__all__ = ["Mixture", "described", "mixture"]

Floats = NDArray[np.float64]
_LEAST_VARIANCE = 0.02  # of z-scored numbers: no group shrinks onto one patient
_PSEUDO_COUNT = 0.5  # a level never seen in a group stays possible (Jeffreys)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mixture:
    """
    Groups as distributions.

    Attributes
    ----------
    weights : array, shape (k,)
    means : array, shape (k, p)
        Of the scaled numbers.
    variances : array, shape (p,)
        Within the groups, the same in all of them (the default of latent profile analysis).
    shares : tuple of arrays, each (k, levels)
        Share of each level in each group, one array a category.
    """

    weights: Floats
    means: Floats
    variances: Floats
    shares: tuple[Floats, ...]

    @property
    def k(self) -> int:
        """How many groups."""
        return len(self.weights)

    @property
    def free(self) -> int:
        """How many free numbers the model has."""
        categories = sum(self.k * (share.shape[1] - 1) for share in self.shares)
        return int(self.k - 1 + self.means.size + len(self.variances) + categories)

    def log_density(self, data: Coded) -> Floats:
        """Log of weight times density of every row in every group, shape (n, k); missing cells do not count."""
        p = data.numbers.shape[1]
        found = np.tile(np.log(self.weights), (len(data), 1))
        for j in range(p):
            term = -0.5 * (
                np.log(2 * np.pi * self.variances[j])
                + (data.numbers[:, [j]] - self.means[:, j]) ** 2 / self.variances[j]
            )
            found += np.where(data.missing[:, [j]], 0.0, term)
        for j, share in enumerate(self.shares):
            term = np.log(share).T[data.codes[:, j]]
            found += np.where(data.missing[:, [p + j]], 0.0, term)
        return found

    def membership(self, data: Coded) -> Floats:
        """How probable each group is for each row, shape (n, k), rows summing to 1."""
        log_density = self.log_density(data)
        return np.asarray(np.exp(log_density - logsumexp(log_density, axis=1, keepdims=True)))


def described(data: Coded, belongs: Floats) -> Mixture:
    """
    The mixture in which each row belongs to each group with the weights given.

    Parameters
    ----------
    data : Coded
    belongs : array, shape (n, k)
        Rows sum to 1; zeros and ones for groups made by another method.
    """
    seen = ~data.missing
    p = data.numbers.shape[1]
    size = np.maximum(belongs.sum(axis=0), 1e-9)
    weight = belongs.T @ seen[:, :p].astype(np.float64)
    weight = np.maximum(weight, 1e-9)
    values = np.where(seen[:, :p], data.numbers, 0.0)
    means = (belongs.T @ values) / weight
    squares = (belongs.T @ (values**2)) / weight
    within = (weight * np.maximum(squares - means**2, 0.0)).sum(axis=0) / weight.sum(axis=0)
    variances = np.maximum(within, _LEAST_VARIANCE)
    shares = []
    for j, count in enumerate(data.n_levels):
        indicator = np.equal(data.codes[:, [j]], np.arange(count)) & seen[:, [p + j]]
        counts = belongs.T @ indicator.astype(np.float64) + _PSEUDO_COUNT / count
        shares.append(counts / counts.sum(axis=1, keepdims=True))
    return Mixture(weights=size / size.sum(), means=means, variances=variances, shares=tuple(shares))


def mixture(
    data: Coded, k: int, *, rng: np.random.Generator, restarts: int = 10, iterations: int = 200
) -> tuple[Partition, Mixture]:
    """
    The most likely mixture of ``k`` groups (EM from several starts), with its BIC.

    Parameters
    ----------
    data : Coded
        z-scored numbers.
    k : int

    Returns
    -------
    Partition
        ``loss`` is minus twice the log-likelihood; ``bic`` adds log(n) for each free number.
    Mixture

    Source
    ------
    Vermunt & Magidson (2002), Latent class cluster analysis; Schwarz (1978), Ann Stat 6:461-464.
    """
    checked_k(k, len(data))
    best: tuple[float, Mixture] | None = None
    for _ in range(max(restarts, 1) if k > 1 else 1):
        start = kmeans(data.matrix, k, rng=rng, restarts=1, iterations=2).labels
        belongs = np.eye(k)[start]
        before = -np.inf
        for _ in range(iterations):
            model = described(data, belongs)
            log_density = model.log_density(data)
            total = logsumexp(log_density, axis=1)
            belongs = np.exp(log_density - total[:, None])
            likelihood = float(total.sum())
            if likelihood - before < 1e-5 * len(data):
                break
            before = likelihood
        if best is None or likelihood > best[0]:
            best = (likelihood, model)
    likelihood, model = best if best is not None else (-np.inf, described(data, np.ones((len(data), 1))))
    labels = model.membership(data).argmax(axis=1)
    bic = -2 * likelihood + model.free * float(np.log(len(data)))
    return Partition(labels=labels, k=k, loss=-2 * likelihood, bic=bic), model
