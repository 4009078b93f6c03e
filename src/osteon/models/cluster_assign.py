"""
A new patient and the known portraits: how probable each is, who the nearest known cases are, and whether anyone is near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.core.errors import ShapeError
from osteon.models.cluster import Grouping
from osteon.models.cluster_coding import Coded, Coding, fit_coding
from osteon.models.cluster_mixed import gower
from osteon.models.cluster_mixture import Mixture, described

__all__ = ["Assigned", "PortraitModel", "portrait_model"]

Floats = NDArray[np.float64]
_FAR = 0.99  # a new patient farther from the nearest case than this share of the known cases is like none of them


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assigned:
    """
    Portraits of new patients, one row each.

    Attributes
    ----------
    portrait : array of int, shape (n,)
        The most probable one.
    membership : array, shape (n, k)
        Probability of each; features count as independent within a portrait, so the figures tend to be too sure.
    nearest : tuple of tuples
        Ids of the nearest known cases, nearest first.
    distance : array, shape (n, nearest)
        Their Gower distance, 0 (the same) to 1.
    unlike_any : array of bool
        Farther from the nearest case than 99 % of the known cases are from theirs.
    missing, out_of_range : tuple of tuples of column names
    """

    portrait: NDArray[np.intp]
    membership: Floats
    nearest: tuple[tuple[str, ...], ...]
    distance: Floats
    unlike_any: NDArray[np.bool_]
    missing: tuple[tuple[str, ...], ...]
    out_of_range: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PortraitModel:
    """Portraits as found in known cases, ready for new patients; ``ids`` name the known cases."""

    coding: Coding
    mixture: Mixture
    cases: Coded
    ids: tuple[str, ...]
    labels: NDArray[np.intp]
    names: tuple[str, ...]
    farthest: float

    @property
    def used(self) -> tuple[str, ...]:
        """The columns a new patient should have."""
        return self.coding.names

    def assign(self, table: pd.DataFrame, *, nearest: int = 5) -> Assigned:
        """The portrait of each row of ``table``; absent columns and holes do not count."""
        data = self.coding.coded(table)
        width = np.ptp(self.cases.numbers, axis=0)
        apart = np.nan_to_num(gower(data, self.cases, width=width), nan=1.0)
        order = np.argsort(apart, axis=1, kind="stable")[:, :nearest]
        membership = self.mixture.membership(data)
        columns = np.array(self.coding.names, dtype=object)
        return Assigned(
            portrait=membership.argmax(axis=1),
            membership=membership,
            nearest=tuple(tuple(self.ids[i] for i in row) for row in order),
            distance=np.take_along_axis(apart, order, axis=1),
            unlike_any=apart.min(axis=1) > self.farthest,
            missing=tuple(tuple(columns[row]) for row in data.missing),
            out_of_range=self.coding.outside(table),
        )


def portrait_model(
    table: pd.DataFrame, grouping: Grouping, *, ids: Sequence[str], names: Sequence[str]
) -> PortraitModel:
    """
    What is needed to recognise the portraits of ``grouping`` in new patients.

    Parameters
    ----------
    table : DataFrame
        The known cases, in the order of the grouping.
    grouping : Grouping
    ids : sequence of str
        Names of the known cases.
    names : sequence of str
        Codes of the portraits, one a group.

    Raises
    ------
    ShapeError
        Ids or names do not match the cases or the groups.
    """
    if len(ids) != len(grouping.labels) or len(table) != len(ids) or len(names) != grouping.k:
        raise ShapeError(
            f"{len(table)} cases, {len(ids)} ids and {len(names)} names for {grouping.k} groups."
        )
    coding = fit_coding(table[list(grouping.columns)], scale="zscore")
    cases = coding.coded(table)
    between = np.nan_to_num(gower(cases), nan=1.0) if len(cases) <= 3000 else np.ones((1, 1))
    np.fill_diagonal(between, np.inf)
    farthest = float(np.quantile(between.min(axis=1), _FAR)) if len(between) > 1 else 1.0
    return PortraitModel(coding=coding, mixture=described(cases, np.eye(grouping.k)[grouping.labels]), cases=cases,
                         ids=tuple(map(str, ids)), labels=grouping.labels, names=tuple(names), farthest=farthest)  # fmt: skip
