"""
Patient groups from a coded table: one method, several seeds, a number of groups with its reasons, a verdict.

A group is claimed only where the data have structure beyond that of one single group, and the group comes back when
patients are drawn again; otherwise the verdict says which of the two failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.core.errors import ConfigError, NotEnoughData
from osteon.core.seeds import stream
from osteon.models.cluster_coding import Coded, Scale, fit_coding
from osteon.models.cluster_count import GroupCount, counted, silhouette, silhouettes
from osteon.models.cluster_kmeans import Labels, Partition, kmeans
from osteon.models.cluster_mixed import distances, gower, k_prototypes, pam
from osteon.models.cluster_mixture import mixture
from osteon.models.cluster_stability import Stability, bootstrap_jaccard, consensus, one_group

__all__ = ["METHODS", "STABLE", "ClusterOptions", "Grouping", "Method", "Verdict", "grouped", "partition"]

Floats = NDArray[np.float64]
Method = Literal["kmeans", "gower_pam", "k_prototypes", "gaussian_mixture", "latent_class"]
Rule = Literal["votes", "published", "stability"]
Verdict = Literal["groups", "segments", "unstable", "no_structure"]
METHODS: tuple[Method, ...] = get_args(Method)
STABLE = 0.75  # mean Jaccard from which a group is stable (Hennig 2007)
_MANY_ROWS = 2000  # beyond so many rows the number of groups and the silhouette are judged on a sample


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """
    How groups are looked for.

    Attributes
    ----------
    method : one of METHODS
    scale : "zscore" or "minmax"
    most_groups : int
        Numbers from 1 to this are tried.
    k : int
        0: the rule decides.
    rule : "votes", "published" or "stability"
        Elbow, silhouette and gap vote (mixtures: BIC decides); elbow and silhouette alone; or the finest division of
        the first run of numbers at which every group is stable.
    restarts, seeds, resamples, reference_draws : int
        Restarts of one run, runs joined to a consensus, resamples for the stability, draws of one single group.
    """

    method: Method = "kmeans"
    scale: Scale = "zscore"
    most_groups: int = 8
    k: int = 0
    rule: Rule = "votes"
    restarts: int = 10
    seeds: int = 10
    resamples: int = 50
    reference_draws: int = 40

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"method = {self.method!r}.", hint=f"Known: {', '.join(METHODS)}.")
        if self.scale not in get_args(Scale):
            raise ConfigError(f"scale = {self.scale!r}.", hint="Known: zscore, minmax.")
        if self.rule not in get_args(Rule):
            raise ConfigError(f"rule = {self.rule!r}.", hint=f"Known: {', '.join(get_args(Rule))}.")
        if self.most_groups < 3 or not 0 <= self.k <= self.most_groups:
            raise ConfigError(f"most_groups = {self.most_groups}, k = {self.k}: at least 3, and k within.")
        if min(self.restarts, self.seeds, self.resamples) < 1 or self.reference_draws < 20:
            raise ConfigError("restarts, seeds and resamples must be 1 or more, reference_draws 20 or more.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grouping:
    """
    The groups found, with what speaks for and against them.

    Attributes
    ----------
    labels : array of int, shape (n,)
        0 to k - 1, the largest group first.
    silhouettes : array, shape (n,)
        NaN for rows outside the sample on which they were judged.
    agreement : float
        Mean adjusted Rand index of the runs with the consensus.
    verdict : "groups", "segments", "unstable" or "no_structure"
        Groups are there and stable; a stable division of what is one group; groups of which some are not stable; nothing.
    stable : tuple of bool
        Which groups may be named: stable ones, two at the least, and only where the data have structure.
    """

    options: ClusterOptions
    columns: tuple[str, ...]
    labels: Labels
    silhouettes: Floats
    count: GroupCount
    stability: Stability
    agreement: float

    @property
    def k(self) -> int:
        """The number of groups."""
        return self.count.k

    @property
    def silhouette(self) -> float:
        """The mean silhouette."""
        return float(np.nanmean(self.silhouettes))

    @property
    def stable(self) -> tuple[bool, ...]:
        """Which groups may be named: none where fewer than two come back, for one group and a rest are no division."""
        kept = tuple(self.count.structure.found and value >= STABLE for value in self.stability.jaccard)
        return kept if sum(kept) > 1 else (False,) * len(kept)

    @property
    def verdict(self) -> Verdict:
        """Whether groups are claimed, and if not, why."""
        stable = self.k > 1 and min(self.stability.jaccard) >= STABLE
        if self.count.structure.found and self.k > 1:
            return "groups" if stable else "unstable"
        return "segments" if stable else "no_structure"


def partition(
    data: Coded, k: int, *, method: Method, rng: np.random.Generator, restarts: int = 10
) -> Partition:
    """One division of coded rows into ``k`` groups by a method."""
    match method:
        case "kmeans":
            return kmeans(data.matrix, k, rng=rng, restarts=restarts)
        case "gower_pam":
            return pam(gower(data), k)
        case "k_prototypes":
            return k_prototypes(data, k, rng=rng, restarts=restarts)
        case "gaussian_mixture":
            return mixture(_numbers_only(data), k, rng=rng, restarts=restarts)[0]
        case "latent_class":
            return mixture(data, k, rng=rng, restarts=restarts)[0]


def _numbers_only(data: Coded) -> Coded:
    if data.numbers.shape[1] == 0:
        raise NotEnoughData(
            "a Gaussian mixture needs at least one number.", hint="Use latent_class for categories."
        )
    return replace(
        data, codes=data.codes[:, :0], n_levels=(), missing=data.missing[:, : data.numbers.shape[1]]
    )


def grouped(
    table: pd.DataFrame,
    *,
    options: ClusterOptions,
    seed: int,
    reselect: Callable[[Labels], tuple[str, ...]] | None = None,
) -> Grouping:
    """
    The groups of a table, their number, stability and verdict.

    Parameters
    ----------
    table : DataFrame
        The features, in the schema's names; holes are filled with the median or commonest level.
    options : ClusterOptions
    seed : int
        Equal seeds give equal groups.
    reselect : callable, optional
        Given row positions, the features chosen on those rows alone: choosing is then repeated inside every resample.

    Raises
    ------
    NotEnoughData
        Fewer than 5 rows for each of the groups to be tried.
    """
    fewest = 5 * options.most_groups
    if len(table) < fewest:
        raise NotEnoughData(f"{len(table)} patients, at least {fewest} are needed for up to {options.most_groups} groups.",
                            hint="Lower most_groups, or collect more patients.")  # fmt: skip
    names = tuple(map(str, table.columns)) if reselect is None else reselect(np.arange(len(table)))
    data = fit_coding(table[list(names)], scale=options.scale).coded(table)

    def regroup(k: int, rows: Labels, rng: np.random.Generator) -> Labels:
        chosen = names if reselect is None else reselect(rows)
        part = table.iloc[rows][list(chosen)]
        part = part[[name for name in part if part[name].notna().any()]]
        again = fit_coding(part, scale=options.scale).coded(part)
        return partition(again, k, method=options.method, rng=rng, restarts=options.restarts).labels

    count = _count(data, options, seed)
    if options.rule == "stability" and not options.k:
        finest = _finest_stable(data, options, regroup, seed)
        votes = count.votes | {"stability": finest}
        count = replace(_count(data, replace(options, k=finest), seed), rule="stability", votes=votes)
    runs = [
        partition(data, count.k, method=options.method, rng=stream(seed, "cluster", "run", i), restarts=options.restarts).labels
        for i in range(options.seeds if options.method != "gower_pam" else 1)
    ]  # fmt: skip
    agreed, agreement = consensus(runs, count.k)
    labels = _largest_first(agreed)
    stability = bootstrap_jaccard(
        labels,
        partial(regroup, count.k),
        rng=stream(seed, "cluster", "bootstrap"),
        resamples=options.resamples,
    )
    some = _sample(len(data), seed)
    widths = np.full(len(data), np.nan)
    widths[some] = silhouettes(_between(data.rows(some), options.method), labels[some])
    return Grouping(options=options, columns=names, labels=labels, silhouettes=widths,
                    count=count, stability=stability, agreement=agreement)  # fmt: skip


def _finest_stable(
    data: Coded,
    options: ClusterOptions,
    regroup: Callable[[int, Labels, np.random.Generator], Labels],
    seed: int,
) -> int:
    """The most groups of the first run of numbers at which every group is stable; 2 where there is none."""
    finest = 0
    for k in range(2, options.most_groups + 1):
        rng = stream(seed, "cluster", "finest", k)
        labels = partition(data, k, method=options.method, rng=rng, restarts=options.restarts).labels
        if (
            bootstrap_jaccard(labels, partial(regroup, k), rng=rng, resamples=options.resamples).least
            >= STABLE
        ):
            finest = k
        elif finest:
            break
    return finest or 2


def _largest_first(labels: Labels) -> Labels:
    """Groups numbered by size, ties by the first patient in them."""
    groups, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    place = np.empty(int(groups.max()) + 1, dtype=np.intp)
    place[groups[order]] = np.arange(len(groups))
    return np.asarray(place[labels])


def _between(data: Coded, method: Method) -> Floats:
    return gower(data) if method == "gower_pam" else distances(data.matrix)


def _curves(
    data: Coded, options: ClusterOptions, rng: np.random.Generator, restarts: int
) -> tuple[list[float], list[float], list[float]]:
    """Loss, mean silhouette and (mixtures) BIC for k = 1, 2, ..."""
    between = _between(data, options.method)
    losses, widths, bics = [], [], []
    for k in range(1, options.most_groups + 1):
        if options.method == "gower_pam":
            found = pam(between, k)
        else:
            found = partition(data, k, method=options.method, rng=rng, restarts=restarts)
        losses.append(found.loss)
        widths.append(silhouette(between, found.labels))
        if found.bic is not None:
            bics.append(found.bic)
    return losses, widths, bics


def _sample(n: int, seed: int) -> Labels:
    """All rows, or a sample of them when they are many."""
    if n <= _MANY_ROWS:
        return np.arange(n)
    return np.sort(stream(seed, "cluster", "sample").choice(n, _MANY_ROWS, replace=False))


def _count(data: Coded, options: ClusterOptions, seed: int) -> GroupCount:
    data = data.rows(_sample(len(data), seed))
    losses, widths, bics = _curves(data, options, stream(seed, "cluster", "count"), options.restarts)
    draw = one_group(data)
    restarts = max(options.restarts // 2, 1) if not bics else 2
    reference = []
    for i in range(options.reference_draws):
        rng = stream(seed, "cluster", "reference", i)
        reference.append(_curves(draw(rng), options, rng, restarts)[:2])
    if (
        bics
    ):  # likelihoods may be negative: the gap compares exp(loss / n), the geometric mean of the densities
        losses = np.exp((np.asarray(losses) - losses[0]) / (2 * len(data))).tolist()
        reference = [
            (np.exp((np.asarray(each) - each[0]) / (2 * len(data))).tolist(), width)
            for each, width in reference
        ]
    drawn_losses, drawn_widths = (np.array([each[i] for each in reference]) for i in range(2))
    voters = ("elbow", "silhouette") if options.rule == "published" else ("elbow", "silhouette", "gap")
    return counted(losses, widths, drawn_losses, drawn_widths, bics=bics, k=options.k, voters=voters)
