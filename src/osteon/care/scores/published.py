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

from osteon.core.config import read_toml
from osteon.core.errors import ConfigError

__all__ = ["CONFIDENCE", "Published", "published"]

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
