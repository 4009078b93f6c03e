"""
What a cell or a sentence may hold beside plain text: numbers that know how they are printed, and words by key.

Nothing here belongs to a language; :mod:`osteon.report.words` says each of them in English or Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

__all__ = [
    "Cell",
    "Estimate",
    "Indented",
    "Level",
    "Number",
    "PValue",
    "Proportion",
    "Ref",
    "Spread",
    "Strong",
    "Text",
    "Variable",
    "Words",
]


class Words:
    """
    A text by its key in the word lists, with the values of its placeholders.

    Examples
    --------
    >>> Words("report.people", n=3750)
    Words('report.people', n=3750)
    """

    __slots__ = ("key", "values")

    def __init__(self, key: str, /, **values: Any) -> None:
        self.key = key
        self.values: Mapping[str, Any] = MappingProxyType(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Words) and (self.key, dict(self.values)) == (other.key, dict(other.values))

    def __hash__(self) -> int:
        return hash((self.key, tuple(sorted(self.values))))

    def __repr__(self) -> str:
        values = "".join(f", {name}={value!r}" for name, value in self.values.items())
        return f"Words({self.key!r}{values})"


@dataclass(frozen=True, slots=True)
class Variable:
    """
    A column by its name; printed as its label, or as the name itself where the word lists do not know it.

    ``form``: "label" (femoral neck BMD), "short" (FN BMD), "unit" (label with its unit, g/cm²).
    """

    name: str
    form: Literal["label", "short", "unit"] = "label"


@dataclass(frozen=True, slots=True)
class Level:
    """A category of a column, e.g. ``Level("sex", "female")``; an unknown one is printed as it stands."""

    variable: str
    code: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A pointer to a table, figure or section of the same document; printed as "Table 2" and linked."""

    id: str


Text = str | Words | Variable | Level | Ref


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval: 0.82 (0.79 to 0.85). ``percent`` prints fractions as percentages."""

    value: float
    low: float | None = None
    high: float | None = None
    digits: int = 2
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A number with a fixed count of decimals, thousands separated."""

    value: float | None
    digits: int = 0
    percent: bool = False
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Proportion:
    """``k`` of ``n``: 123 (45.6%), or with an interval (fractions) 45.6% (39.7 to 51.6), 123/270."""

    k: int
    n: int
    low: float | None = None
    high: float | None = None
    digits: int = 1


@dataclass(frozen=True, slots=True)
class PValue:
    """A p-value; below .001 it is printed as such."""

    value: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean with standard deviation (``sd``), or median with quartiles (``low``, ``high``)."""

    center: float
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    digits: int = 1


@dataclass(frozen=True, slots=True)
class Indented:
    """A row label one step in, such as a category below its variable."""

    text: Text


@dataclass(frozen=True, slots=True)
class Strong:
    """A cell in bold."""

    value: Any


Cell = Text | int | float | bool | None | Estimate | Number | Proportion | PValue | Spread | Indented | Strong
