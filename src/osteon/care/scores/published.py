"""
Published points and cut-offs, read from the TOML files beside this one, with their source and how sure it is.

Confidence: ``read`` (read in a public source), ``recalled_high``, ``recalled_medium``, ``recalled_low`` (from domain
knowledge). An entry is verified when ``verified_by`` and ``verified_on`` are filled; until then scores carry the note
``cut_off_unverified``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.config import read_toml
from osteon.core.errors import ConfigError, InputError, UnitError
from osteon.domain.score import Score

__all__ = ["CONFIDENCE", "Published", "flags", "number", "numbers", "point_score", "published"]

CONFIDENCE = ("read", "recalled_high", "recalled_medium", "recalled_low")
_FILES = ("points", "falls", "imported")
_ABOUT = ("source", "confidence", "verified_by", "verified_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The numbers of one tool and where they come from."""

    tool: str
    numbers: Mapping[str, Any]
    source: str
    confidence: str
    verified_by: str
    verified_on: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What every score made from these numbers must say."""
        return () if self.verified_by and self.verified_on else ("cut_off_unverified",)

    def __getitem__(self, key: str) -> Any:
        return self.numbers[key]


@cache
def _entries() -> Mapping[str, Published]:
    folder = Path(str(files("osteon.care.scores")))
    found: dict[str, Published] = {}
    for name in _FILES:
        path = folder / f"{name}.toml"
        for tool, entry in read_toml(path).items():
            lacking = [key for key in _ABOUT if key not in entry]
            if lacking or entry["confidence"] not in CONFIDENCE or not entry["source"] or tool in found:
                raise ConfigError(
                    f"{path.name}: [{tool}] is not an entry of its own with a source and a confidence.",
                    hint=f"Each needs {', '.join(_ABOUT)}; confidence is one of {', '.join(CONFIDENCE)}.",
                )
            numbers = {key: value for key, value in entry.items() if key not in _ABOUT}
            found[tool] = Published(
                tool=tool, numbers=MappingProxyType(numbers), **{key: entry[key] for key in _ABOUT}
            )
    return MappingProxyType(found)


def published(tool: str) -> Published:
    """
    The published numbers of ``tool``.

    Raises
    ------
    ConfigError
        No such tool.

    Examples
    --------
    >>> published("ost")["refer_below"]
    2
    """
    entries = _entries()
    if tool not in entries:
        raise ConfigError(f"no published numbers for {tool!r}.", hint=f"Known: {', '.join(sorted(entries))}.")
    return entries[tool]


def point_score(
    entry: Published,
    value: float | None,
    *,
    inputs: Mapping[str, float | str | None],
    band: str,
    refer: bool | None = None,
    cut_off: str = "",
    unit: str = "points",
    optional: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Score:
    """
    The score of one person; unknown when an input that is not ``optional`` is missing.

    Parameters
    ----------
    entry : Published
    value : float or None
        NaN counts as None.
    inputs : mapping
        As they were used; None or NaN = missing.
    band, refer, cut_off, unit, notes
        As in :class:`Score`, for the case that nothing mandatory is missing.
    optional : tuple of str
        Inputs the tool answers without; they are listed as missing all the same.
    """
    used = {name: None if _absent(given) else given for name, given in inputs.items()}
    missing = tuple(name for name, given in used.items() if given is None)
    known = all(name in optional for name in missing)
    return Score(
        tool=entry.tool,
        value=None if value is None or not known or np.isnan(value) else float(value),
        unit=unit,
        band=band if known else "unknown",
        refer=refer if known and band != "unknown" else None,
        cut_off=cut_off,
        used=used,
        missing=missing,
        notes=(*entry.notes, *notes),
        source=entry.source,
    )


def number(value: float | None) -> float:
    """A number, with NaN for None."""
    return float("nan") if value is None else float(value)


def numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """
    Positive measurements as floats; NaN = missing.

    Raises
    ------
    UnitError
        A value of 0 or less.
    """
    found = np.asarray(values, dtype=np.float64)
    if np.any(found <= 0):
        raise UnitError(f"{name} has a value of 0 or less.", hint="Give NaN where it is unknown.")
    return found


def flags(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """
    Yes/no answers as 1.0, 0.0 and NaN.

    Raises
    ------
    InputError
        Another value.
    """
    found = np.asarray(values, dtype=np.float64)
    if np.any(~np.isnan(found) & (found != 0) & (found != 1)):
        raise InputError(f"{name} has a value other than yes (1), no (0) or missing.")
    return found


def _absent(value: float | str | None) -> bool:
    return value is None or value == "" or (not isinstance(value, str) and bool(np.isnan(value)))
