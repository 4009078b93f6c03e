"""Shares, paired tests and kappa of a reading study, always with the patient as the unit of chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import NotEnoughData
from osteon.stats.agreement import Kappa
from osteon.stats.clustered import (
    ClusteredMcNemar,
    clustered_fleiss_kappa,
    clustered_kappa,
    clustered_mcnemar,
    clustered_share,
)
from osteon.stats.compare import Comparison
from osteon.stats.contingency import chi_squared, expected_counts

__all__ = ["Share", "as_two_groups", "kappa_of", "kappa_of_many", "paired_of", "share_of"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """``k`` of ``n`` units of ``patients`` patients with an interval that knows which units belong to one patient."""

    value: float
    low: float
    high: float
    k: int
    n: int
    patients: int


def share_of(right: ArrayLike, cases: ArrayLike) -> Share | None:
    """The share of True with its interval; None where there is no unit."""
    flags = np.asarray(right, dtype=float)
    if not flags.size:
        return None
    found = clustered_share(flags, cases)
    return Share(value=found.value, low=found.ci.low, high=found.ci.high, k=found.k, n=found.n,
                 patients=found.patients)  # fmt: skip


def paired_of(first: Flags, second: Flags, cases: ArrayLike) -> ClusteredMcNemar | None:
    """McNemar's test over patients; None where there is no unit."""
    return clustered_mcnemar(first.astype(float), second.astype(float), cases) if first.size else None


def as_two_groups(*arms: tuple[int, int]) -> Comparison | None:
    """
    The published study's chi-square of two arms, each (right, wrong), taken for two groups of people.

    Yates' correction where a count below 5 is expected; None where it is 0/0.
    """
    try:
        return chi_squared(arms, continuity=bool((expected_counts(arms) < 5).any()))
    except NotEnoughData:
        return None


def kappa_of(
    first: Sequence[Any],
    second: Sequence[Any],
    cases: ArrayLike,
    *,
    categories: Sequence[Any],
    weights: Literal["none", "linear", "quadratic"] = "none",
) -> Kappa | None:
    """Cohen's kappa over patients, None where it is 0/0."""
    try:
        return clustered_kappa(first, second, cases, categories=categories, weights=weights)
    except NotEnoughData:
        return None


def kappa_of_many(ratings: list[list[Any]], cases: ArrayLike, *, categories: Sequence[Any]) -> Kappa | None:
    """Fleiss' kappa over patients, None where it is 0/0."""
    try:
        return clustered_fleiss_kappa(ratings, cases, categories=categories)
    except NotEnoughData:
        return None
