"""Who trains and who tests: folds and splits as row numbers, with classes in proportion and nobody on both sides."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import ConfigError, NotEnoughData, SchemaError, ShapeError

__all__ = ["Split", "grouped_folds", "grouped_holdout", "holdout", "stratified_folds", "temporal_split"]

Rows = NDArray[np.intp]


class Split(NamedTuple):
    """Row numbers (ascending) of the training and of the test part."""

    train: Rows
    test: Rows


def stratified_folds(y: ArrayLike, *, k: int, rng: np.random.Generator) -> tuple[Split, ...]:
    """
    ``k`` folds in which every class has its share: each row is tested once.

    Parameters
    ----------
    y : array_like, shape (n,)
        Classes; no missing values.
    k : int
        Folds, at least 2.
    rng : Generator
        Source of the shuffle.

    Raises
    ------
    NotEnoughData
        A class has fewer than ``k`` members.

    Examples
    --------
    >>> folds = stratified_folds([0, 0, 0, 0, 1, 1], k=2, rng=np.random.default_rng(1))
    >>> [(len(fold.train), len(fold.test)) for fold in folds]
    [(3, 3), (3, 3)]
    """
    codes, labels, counts = _classes(y)
    _enough(k, labels, counts)
    fold = np.empty(len(codes), dtype=np.intp)
    dealt = 0
    for c in range(len(labels)):
        members = rng.permutation(np.flatnonzero(codes == c))
        fold[members] = (dealt + np.arange(len(members))) % k
        dealt += len(members)
    return _splits(fold, k)


def grouped_folds(
    groups: ArrayLike, y: ArrayLike | None = None, *, k: int, rng: np.random.Generator
) -> tuple[Split, ...]:
    """
    ``k`` folds that keep each group (a patient's vertebrae, sides or visits) together.

    Parameters
    ----------
    groups : array_like, shape (n,)
        Group of each row; no missing values.
    y : array_like, shape (n,), optional
        Classes to be kept in proportion as far as the groups allow.
    k : int
        Folds, at least 2.
    rng : Generator
        Source of the shuffle.

    Raises
    ------
    NotEnoughData
        There are fewer than ``k`` groups, or a class has fewer than ``k`` members.

    Notes
    -----
    The largest groups are dealt first, each to the fold that its classes fill least.
    """
    members, names, sizes = _classes(groups, what="groups")
    if y is None:
        codes, labels, counts = (
            np.zeros(len(members), dtype=np.intp),
            np.array(["rows"]),
            np.array([len(members)]),
        )
    else:
        codes, labels, counts = _classes(y)
        if len(codes) != len(members):
            raise ShapeError(f"groups has {len(members)} rows and y has {len(codes)}.")
        _enough(k, labels, counts)
    _enough(k, np.array(["groups"]), np.array([len(names)]))
    held = np.zeros((len(names), len(labels)))
    np.add.at(held, (members, codes), 1.0)
    order = rng.permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled, fold = np.zeros((k, len(labels))), np.empty(len(names), dtype=np.intp)
    for g in order:
        cost = filled @ (held[g] / counts**2)
        lowest = np.flatnonzero(cost <= cost.min() + 1e-12)
        fold[g] = lowest[np.argmin(filled[lowest].sum(axis=1))]
        filled[fold[g]] += held[g]
    return _splits(fold[members], k)


def holdout(y: ArrayLike, *, share: float = 0.2, rng: np.random.Generator) -> Split:
    """
    One split with ``share`` of every class in the test part.

    Raises
    ------
    NotEnoughData
        A class would be absent from one part.

    Examples
    --------
    >>> split = holdout([0] * 80 + [1] * 20, share=0.2, rng=np.random.default_rng(1))
    >>> int((split.test < 80).sum()), int((split.test >= 80).sum())
    (16, 4)
    """
    _sharing(share)
    codes, labels, counts = _classes(y)
    _enough(2, labels, counts)
    chosen = np.zeros(len(codes), dtype=bool)
    for c, n in enumerate(counts):
        wanted = min(max(round(share * int(n)), 1), int(n) - 1)
        chosen[rng.permutation(np.flatnonzero(codes == c))[:wanted]] = True
    return Split(np.flatnonzero(~chosen), np.flatnonzero(chosen))


def grouped_holdout(groups: ArrayLike, *, share: float = 0.2, rng: np.random.Generator) -> Split:
    """One split with about ``share`` of the groups in the test part, no group on both sides."""
    _sharing(share)
    members, names, _ = _classes(groups, what="groups")
    _enough(2, np.array(["groups"]), np.array([len(names)]))
    wanted = min(max(round(share * len(names)), 1), len(names) - 1)
    chosen = np.isin(members, rng.permutation(len(names))[:wanted])
    return Split(np.flatnonzero(~chosen), np.flatnonzero(chosen))


def temporal_split(order: ArrayLike, *, cut: Any) -> Split:
    """
    Earlier rows train, later rows test: training up to and including ``cut``.

    Parameters
    ----------
    order : array_like, shape (n,)
        Year or date of each row; no missing values.
    cut : number or date
        The last value that trains.

    Raises
    ------
    NotEnoughData
        One part is empty.

    Examples
    --------
    >>> temporal_split([2013, 2014, 2015, 2014], cut=2014).test.tolist()
    [2]
    """
    values = np.asarray(order)
    if values.dtype.kind == "M":
        cut = np.datetime64(cut)
    _complete(values, "order")
    early = np.asarray(values <= cut, dtype=bool)
    if early.all() or not early.any():
        side = "at or before" if early.all() else "after"
        raise NotEnoughData(f"all {len(values)} rows lie {side} {cut}.", hint="Choose another cut.")
    return Split(np.flatnonzero(early), np.flatnonzero(~early))


def _classes(y: ArrayLike, *, what: str = "y") -> tuple[Rows, NDArray[Any], NDArray[Any]]:
    """Codes of the classes, their labels and their sizes."""
    values = np.asarray(y)
    if values.ndim != 1 or not len(values):
        raise ShapeError(f"{what} has shape {values.shape}, expected one value per row.")
    _complete(values, what)
    if values.dtype == object:
        values = values.astype(str)
    labels, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    return codes.astype(np.intp), labels, counts


def _complete(values: NDArray[Any], what: str) -> None:
    """Refuse a missing value."""
    missing = int(np.count_nonzero(values != values)) if values.dtype.kind in "fMmc" else 0
    if values.dtype == object:
        missing = sum(1 for value in values if value is None or value != value)
    if missing:
        raise SchemaError(
            f"{what} has {missing} missing value(s).", hint="Leave those rows out before splitting."
        )


def _enough(k: int, labels: NDArray[Any], counts: NDArray[Any]) -> None:
    """Refuse fewer than two folds, or a class with fewer members than folds."""
    if k < 2:
        raise ConfigError(f"{k} fold(s), expected at least 2.")
    for label, n in zip(labels.tolist(), counts.tolist(), strict=True):
        if n < k:
            raise NotEnoughData(
                f"{label!r} occurs {n} time(s), {k} parts need at least {k}.", hint="Use fewer folds."
            )


def _sharing(share: float) -> None:
    """Refuse a share outside (0, 1)."""
    if not 0 < share < 1:
        raise ConfigError(f"share is {share}, expected a fraction between 0 and 1.")


def _splits(fold: Rows, k: int) -> tuple[Split, ...]:
    """Folds as pairs of row numbers."""
    return tuple(Split(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k))
