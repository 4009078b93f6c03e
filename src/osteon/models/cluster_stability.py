"""
May a group of patients be given a name? Agreement of divisions, stability under resampling, and data without groups.

A division is believed when (1) it is tighter than the divisions found in data of one single group with the same columns
and the same correlations, and (2) each group comes back when the patients are drawn again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import comb
from scipy.stats import norm, rankdata

from osteon.core.errors import NotEnoughData, ShapeError
from osteon.models.cluster_coding import Coded

__all__ = ["Stability", "adjusted_rand", "bootstrap_jaccard", "consensus", "expected_rand", "one_group"]

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]


def adjusted_rand(first: ArrayLike, second: ArrayLike) -> float:
    """
    Agreement of two divisions of the same patients, corrected for chance: 1 the same, 0 as by chance.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Group of each patient; the names of the groups do not matter.

    Raises
    ------
    ShapeError
        The two do not have one group for each patient.

    Source
    ------
    Hubert & Arabie (1985), J Classif 2:193-218, equation 5.

    Examples
    --------
    >>> adjusted_rand([0, 0, 1, 1], ["b", "b", "a", "a"]), round(adjusted_rand([0, 0, 1, 2], [0, 0, 1, 1]), 4)
    (1.0, 0.5714)
    """
    a, b = np.unique(np.asarray(first), return_inverse=True)[1], np.unique(second, return_inverse=True)[1]
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise ShapeError(f"divisions of shape {a.shape} and {b.shape}: expected one group for each patient.")
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    together = comb(table, 2).sum()
    rows, columns = comb(table.sum(axis=1), 2).sum(), comb(table.sum(axis=0), 2).sum()
    expected = rows * columns / comb(len(a), 2) if len(a) > 1 else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def expected_rand(labels: ArrayLike, truth_probability: Floats, *, rng: np.random.Generator, draws: int = 200) -> float:  # fmt: skip
    """
    Adjusted Rand index to expect when the true groups are drawn from their probabilities, shape (n, k).
    """
    reach = truth_probability.cumsum(axis=1)
    reach[:, -1] = 1.0
    found = [
        adjusted_rand(labels, (rng.random(len(reach))[:, None] > reach).sum(axis=1)) for _ in range(draws)
    ]
    return float(np.mean(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """
    How well each group comes back when the patients are drawn again.

    Attributes
    ----------
    jaccard : tuple of float
        Mean over the resamples of the best overlap (shared / joined) with a group found there; one a group.
    recovered : tuple of float
        Share of resamples with an overlap of .75 or more.
    resamples : int
    """

    jaccard: tuple[float, ...]
    recovered: tuple[float, ...]
    resamples: int

    @property
    def least(self) -> float:
        """The stability of the least stable group."""
        return min(self.jaccard)


def bootstrap_jaccard(
    labels: Labels,
    regroup: Callable[[Labels, np.random.Generator], Labels],
    *,
    rng: np.random.Generator,
    resamples: int = 50,
) -> Stability:
    """
    Stability of groups under drawing the patients with replacement.

    Parameters
    ----------
    labels : array of int, shape (n,)
    regroup : callable
        Given the rows drawn (each once) and a generator, the groups found among them. Whatever was chosen from the
        data must be chosen again inside.
    resamples : int

    Source
    ------
    Hennig (2007), Comput Stat Data Anal 52:258-271: above .75 stable, .6 to .75 a pattern, below not to be trusted.

    Differs
    -------
    A patient drawn twice counts once, so that copies are no group of their own.
    """
    n, groups = len(labels), np.unique(labels)
    found = np.full((resamples, len(groups)), np.nan)
    for b in range(resamples):
        drawn = np.unique(rng.integers(n, size=n))
        again = regroup(drawn, rng)
        was, now = labels[drawn], np.eye(int(again.max()) + 1, dtype=bool)[again]
        for g, group in enumerate(groups):
            mine = (was == group)[:, None]
            if mine.any():
                found[b, g] = ((mine & now).sum(axis=0) / (mine | now).sum(axis=0)).max()
    return Stability(
        jaccard=tuple(np.nanmean(found, axis=0).tolist()),
        recovered=tuple(np.nanmean(found >= 0.75, axis=0).tolist()),
        resamples=resamples,
    )


def consensus(divisions: list[Labels], k: int) -> tuple[Labels, float]:
    """
    One division from several runs, and how well the runs agree.

    Parameters
    ----------
    divisions : list of arrays of int, shape (n,)
        The same patients divided with different seeds.
    k : int

    Returns
    -------
    labels : array of int, shape (n,)
        Average-linkage groups of "how often were two patients together".
    agreement : float
        Mean adjusted Rand index of the runs with these labels.

    Source
    ------
    Monti et al. (2003), Machine Learning 52:91-118.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    first = divisions[0]
    agreed = [adjusted_rand(first, other) for other in divisions[1:]]
    if min(agreed, default=1.0) == 1.0:
        return first, 1.0
    n = len(first)
    if n > 3000:  # the matrix of pairs would not fit: the run that agrees best with the others
        means = [float(np.mean([adjusted_rand(a, b) for b in divisions])) for a in divisions]
        return divisions[int(np.argmax(means))], max(means)
    together = np.zeros((n, n))
    for labels in divisions:
        together += labels[:, None] == labels
    tree = linkage(squareform(1 - together / len(divisions), checks=False), method="average")
    joined = fcluster(tree, k, criterion="maxclust") - 1
    labels = np.asarray(joined, dtype=np.intp)
    return labels, float(np.mean([adjusted_rand(labels, other) for other in divisions]))


def one_group(data: Coded) -> Callable[[np.random.Generator], Coded]:
    """
    Draws patients of one single group who look like these column by column and pair by pair.

    Every column keeps exactly its values; they are dealt out anew, joined by Gaussian dependence with the correlations
    of the data. Lumps of one column and a slope through all of them stay; a pattern across columns is lost.

    Parameters
    ----------
    data : Coded, n rows
        At least 4.

    Returns
    -------
    callable
        Generator -> Coded, n invented rows.

    Source
    ------
    The reference of the gap statistic (Tibshirani, Walther & Hastie 2001) and of SigClust (Liu et al. 2008), with the
    observed margins in place of a uniform box or Gaussian margins.
    """
    n, p = data.numbers.shape
    if n < 4 or p + data.codes.shape[1] == 0:
        raise NotEnoughData(
            f"{n} rows of {p + data.codes.shape[1]} columns: a reference needs 4 rows, 1 column."
        )
    orders = [_level_order(data, j) for j in range(data.codes.shape[1])]
    places = [np.argsort(order)[data.codes[:, j]] for j, order in enumerate(orders)]
    columns = np.column_stack([data.numbers, *places])
    root, values = _gaussian_dependence(columns), np.sort(columns, axis=0)

    def draw(rng: np.random.Generator) -> Coded:
        latent = rng.standard_normal(columns.shape) @ root.T
        dealt = np.take_along_axis(values, latent.argsort(axis=0).argsort(axis=0), axis=0)
        codes = [order[dealt[:, p + j].astype(np.intp)] for j, order in enumerate(orders)]
        return Coded(
            numbers=dealt[:, :p],
            codes=np.column_stack(codes) if codes else data.codes,
            n_levels=data.n_levels,
            missing=np.zeros_like(data.missing),
        )

    return draw


def _leading(data: Coded) -> Floats:
    """The main direction of the data, by which the levels of a category are put in order."""
    matrix = data.matrix - data.matrix.mean(axis=0)
    _, _, axes = np.linalg.svd(matrix, full_matrices=False)
    return np.asarray(matrix @ axes[0])


def _level_order(data: Coded, j: int) -> Labels:
    """Levels of a category from one end of the main direction to the other."""
    along = _leading(data)
    means = [
        along[data.codes[:, j] == level].mean() if (data.codes[:, j] == level).any() else np.inf
        for level in range(data.n_levels[j])
    ]
    return np.argsort(means).astype(np.intp)


def _gaussian_dependence(columns: Floats) -> Floats:
    """A square root of the correlations of the Gaussian behind the columns (ties corrected for, made possible)."""
    n = len(columns)
    scores = norm.ppf((rankdata(columns, axis=0) - 0.5) / n)
    spread = scores.std(axis=0)
    full = norm.ppf((np.arange(1, n + 1) - 0.5) / n).std()
    scores = scores / np.where(spread > 0, spread, 1.0)
    shrink = np.where(spread > 0, spread / full, 1.0)  # ties hide part of the correlation
    correlation = (scores.T @ scores) / n / np.outer(shrink, shrink)
    correlation = np.clip(correlation, -0.98, 0.98)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 1e-6))
    return np.asarray(root / np.sqrt((root**2).sum(axis=1, keepdims=True)))
