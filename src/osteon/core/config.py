"""Read a frozen dataclass from TOML, refusing any key it does not know and any value of another kind."""

from __future__ import annotations

import tomllib
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from osteon.core.errors import ConfigError, FileError

__all__ = ["load", "override", "read_toml"]

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

C = TypeVar("C", bound="DataclassInstance")


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file; an unreadable one is a clear error naming the file and the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(f"{path}: no such file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML ({error}).") from None


def load(default: C, path: Path) -> C:
    """The dataclass ``default`` with the values that the TOML file at ``path`` changes."""
    return override(default, read_toml(path), where=str(path))


def override(default: C, changes: dict[str, Any], *, where: str = "config") -> C:
    """
    The dataclass ``default`` with ``changes`` applied, nested tables to nested dataclasses.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Training:
    ...     epochs: int = 100
    ...     learning_rate: float = 1e-3
    >>> override(Training(), {"epochs": 5})
    Training(epochs=5, learning_rate=0.001)
    >>> override(Training(), {"epoch": 5})
    Traceback (most recent call last):
    osteon.core.errors.ConfigError: config: unknown key 'epoch'. Did you mean 'epochs'?
    """
    known = {f.name: getattr(default, f.name) for f in fields(default)}
    changed = {}
    for key, value in changes.items():
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
            raise ConfigError(f"{where}: unknown key {key!r}.", hint=hint)
        changed[key] = _fitting(known[key], value, where=f"{where}.{key}")
    try:
        return replace(default, **changed)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}", hint=error.hint) from None


def _fitting(old: Any, new: Any, *, where: str) -> Any:
    """``new`` in the kind of ``old``: numbers stay numbers, lists become tuples, tables become dataclasses."""
    if is_dataclass(old) and not isinstance(old, type) and isinstance(new, dict):
        return override(old, new, where=where)
    if isinstance(old, tuple) and isinstance(new, list):
        return tuple(new)
    if isinstance(old, float) and isinstance(new, int) and not isinstance(new, bool):
        return float(new)
    if old is not None and type(old) is not type(new):
        raise ConfigError(f"{where}: {new!r} is a {type(new).__name__}, expected a {type(old).__name__}.")
    return new
