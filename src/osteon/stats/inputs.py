"""Arrays checked at the door: what came, what was expected, what to do. No value is ever filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError

__all__ = [
    "count_table",
    "flags",
    "group_vectors",
    "level_in_range",
    "option",
    "same_length",
    "vector",
    "vector_with_gaps",
]


def vector(values: ArrayLike, *, name: str, least: int = 1) -> NDArray[np.float64]:
    """
    A complete float vector of at least ``least`` values.

    Raises
    ------
    ShapeError
        Not one axis.
    InputError
        Not numbers, or a value is missing or infinite.
    NotEnoughData
        Fewer than ``least`` values.
    """
    array = _numbers(values, name=name)
    if array.ndim != 1:
        raise ShapeError(f"{name} has {array.ndim} axes, expected 1.", hint="Pass one value per person.")
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise InputError(
            f"{name} has {bad} missing or infinite values of {array.size}.",
            hint="Impute them or leave those rows out first.",
        )
    if array.size < least:
        raise NotEnoughData(f"{name} has {array.size} values, at least {least} are needed.")
    return array


def vector_with_gaps(values: ArrayLike, *, name: str, n: int) -> NDArray[np.float64]:
    """
    One number for each of ``n`` people, NaN where it is missing.

    Raises
    ------
    ShapeError
        Not one value per person.
    InputError
        Not numbers, or a value is infinite.
    """
    array = _numbers(values, name=name)
    if array.shape != (n,):
        raise ShapeError(f"{name} has shape {array.shape} for {n} people.", hint="Pass one value per person.")
    if np.isinf(array).any():
        raise InputError(f"{name} holds an infinite value.", hint="Set it to NaN where it is not known.")
    return array


def _numbers(values: ArrayLike, *, name: str) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} holds something that is not a number: {error}.", hint="Pass numbers only."
        ) from error


def flags(values: ArrayLike, *, name: str, both: bool = True) -> NDArray[np.bool_]:
    """
    A complete vector of 0/1 as booleans; with ``both``, each must occur.

    Raises
    ------
    InputError
        A value other than 0 and 1.
    NotEnoughData
        Only one of the two values occurs.
    """
    array = vector(values, name=name)
    other = array[(array != 0) & (array != 1)]
    if other.size:
        raise InputError(
            f"{name} holds {other[0]:g}, expected 0 and 1 only.", hint="Code the flag as 0 and 1."
        )
    answer: NDArray[np.bool_] = array == 1
    if both and (answer.all() or not answer.any()):
        raise NotEnoughData(f"{name} is {int(answer[0])} for all {answer.size}, both 0 and 1 are needed.")
    return answer


def count_table(table: ArrayLike, *, name: str = "table", square: bool = False) -> NDArray[np.float64]:
    """
    A two-way table of counts, at least 2 x 2, without an empty total.

    Raises
    ------
    ShapeError
        Not two axes, or smaller than 2 x 2, or not square where ``square``.
    InputError
        A count is negative, fractional or missing.
    NotEnoughData
        All counts are zero.
    """
    try:
        array = np.asarray(table, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} holds something that is not a count: {error}.") from error
    if array.ndim != 2 or min(array.shape) < 2 or (square and array.shape[0] != array.shape[1]):
        wanted = "a square table" if square else "a table"
        raise ShapeError(f"{name} has shape {array.shape}, expected {wanted} of at least 2 x 2.")
    if not np.all(np.isfinite(array)) or np.any(array < 0) or np.any(array != np.round(array)):
        raise InputError(f"{name} must hold whole counts of 0 or more.", hint="Pass counts, not percentages.")
    if array.sum() == 0:
        raise NotEnoughData(f"{name} counts nobody.")
    return array


def group_vectors(groups: Mapping[str, ArrayLike], *, least: int = 1) -> dict[str, NDArray[np.float64]]:
    """Two or more named groups as complete vectors of at least ``least`` values each."""
    if len(groups) < 2:
        raise NotEnoughData(f"{len(groups)} group came, at least 2 are needed to compare.")
    return {str(name): vector(values, name=f"group {name}", least=least) for name, values in groups.items()}


def same_length(**vectors: Sequence[object] | NDArray[np.generic]) -> int:
    """The common length of named vectors; ShapeError where they differ."""
    lengths = {name: len(values) for name, values in vectors.items()}
    if len(set(lengths.values())) > 1:
        raise ShapeError(
            "lengths differ: " + ", ".join(f"{name} {length}" for name, length in lengths.items()) + ".",
            hint="Pass one value per person in each.",
        )
    return next(iter(lengths.values()))


def level_in_range(level: float) -> float:
    """The confidence level, refused outside (0, 1)."""
    if not 0 < level < 1:
        raise ConfigError(f"level is {level}, expected a confidence between 0 and 1, e.g. 0.95.")
    return level


def option(value: str, *, name: str, allowed: Sequence[str]) -> str:
    """``value`` where it is one of ``allowed``; ConfigError otherwise."""
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}, expected one of {', '.join(allowed)}.")
    return value
