"""The shape every estimate shares: a frozen dataclass, an interval, and caveats that travel with the number."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any

__all__ = ["Interval", "as_dict"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval, ``low <= high``, at confidence ``level`` in (0, 1)."""

    low: float
    high: float
    level: float = 0.95

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:.3f} to {self.high:.3f}"


def as_dict(result: Any) -> Any:
    """
    A JSON-ready copy of a result: dataclasses to dicts, arrays to lists, a number that is not finite to None.

    Examples
    --------
    >>> as_dict({"ci": Interval(0.1, float("nan"))})
    {'ci': {'low': 0.1, 'high': None, 'level': 0.95}}
    """
    if is_dataclass(result) and not isinstance(result, type):
        return {f.name: as_dict(getattr(result, f.name)) for f in fields(result)}
    if isinstance(result, dict):
        return {str(key): as_dict(value) for key, value in result.items()}
    if isinstance(result, list | tuple | set | frozenset):
        return [as_dict(item) for item in result]
    if isinstance(result, Enum):
        return as_dict(result.value)
    if isinstance(result, bool | int | str) or result is None:
        return result
    if isinstance(result, float):
        return result if -float("inf") < result < float("inf") else None
    if isinstance(result, PurePath):
        return str(result)
    if hasattr(result, "tolist"):  # numpy arrays and scalars, without importing numpy here
        return as_dict(result.tolist())
    return str(result)
