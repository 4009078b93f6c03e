"""
Random numbers that belong to a row: the same for a patient alone, in a table, and in a table in another order.

A generator hands out numbers in the order of the rows, so what one patient gets depends on who stands before her.
Here a row's own observed values are hashed to 64 bits, and the hash is mixed with a seed and with counters of
chain, round and column. Rows with the same observed values therefore get the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

__all__ = ["Draws", "RowDraws", "mixed", "row_keys"]

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: neighbouring counters land far apart
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Draws(Protocol):
    """What a step of the imputation asks of a source of random numbers; a numpy Generator is one."""

    def random(self, size: int, /) -> Floats:
        """Uniform between 0 and 1."""
        ...

    def standard_normal(self, size: int, /) -> Floats:
        """Normal with mean 0 and deviation 1."""
        ...

    def integers(self, low: int, /, *, size: int) -> NDArray[np.int64]:
        """Whole numbers from 0 to below ``low``."""
        ...


@dataclass(slots=True, kw_only=True)
class RowDraws:
    """One number per row and call, determined by the row's key and the count of calls before."""

    keys: Keys
    calls: int = 0

    def random(self, size: int, /) -> Floats:
        """Uniform, strictly between 0 and 1."""
        bits = mixed(self.keys, self.calls) >> np.uint64(12)
        self.calls += 1
        return np.asarray((bits.astype(np.float64) + 0.5) * 2.0**-52)

    def standard_normal(self, size: int, /) -> Floats:
        """Normal with mean 0 and deviation 1."""
        return np.asarray(ndtri(self.random(size)))

    def integers(self, low: int, /, *, size: int) -> NDArray[np.int64]:
        """Whole numbers from 0 to below ``low``."""
        return (low * self.random(size)).astype(np.int64)


def mixed(keys: Keys, number: int) -> Keys:
    """
    The ``number``-th value of a splitmix64 generator that stands at each key.

    Parameters
    ----------
    keys : uint64 array
    number : int
        0 or more.

    Source
    ------
    Steele, Lea & Flood (2014), OOPSLA, Fast splittable pseudorandom number generators; the constants are those
    of Vigna's splitmix64.c, whose first values from the state 1234567 the example shows.

    Examples
    --------
    >>> state = np.array([1234567], dtype=np.uint64)
    >>> [int(mixed(state, number)[0]) for number in range(2)]
    [6457827717110365317, 3203168211198807973]
    """
    z = keys + np.uint64((int(_STEP) * (number + 1)) % 2**64)
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return np.asarray(z ^ (z >> np.uint64(31)))


def row_keys(values: Floats, *, seed: int) -> Keys:
    """
    A 64-bit key of each row's values, missing ones included, in the order of the columns.

    Parameters
    ----------
    values : array, shape (n, columns)
        NaN where missing.
    seed : int
        0 to 2**64 - 1; another seed gives other keys.

    Returns
    -------
    uint64 array, shape (n,)
    """
    plain = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, one zero
    places = _STEP * np.arange(1, values.shape[1] + 1, dtype=np.uint64)
    hashed = mixed(np.ascontiguousarray(plain).view(np.uint64) + places, 0)
    total: Keys = hashed.sum(axis=1, dtype=np.uint64)
    return mixed(total ^ np.uint64(seed), 0)
