"""A request to a reader: what to call, on what, within which limits; and how any failure of it is told."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osteon.core.errors import FileError, OsteonError
from osteon.imaging.guard.limits import Limits, bytes_of, told_bytes
from osteon.imaging.guard.prescan import prescan

__all__ = ["AGAIN", "Request"]

AGAIN = "It is damaged or made to do harm; export it again from the scanner or PACS."


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    One call for a reader.

    ``function`` is a function that can be imported, or its address "package.module:name" so that the asking process
    need not import it; ``folder`` is the working folder of relative paths.
    """

    function: Callable[..., Any] | str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    limits: Limits
    folder: str

    @property
    def paths(self) -> list[Path]:
        """The paths among the arguments: they are scanned before they are read."""
        return [Path(arg) for arg in (*self.args, *self.kwargs.values()) if isinstance(arg, os.PathLike)]

    @property
    def subject(self) -> str:
        """What a message names: the first path, else the function."""
        if self.paths:
            return str(self.paths[0])
        return self.function if isinstance(self.function, str) else self.function.__qualname__

    @property
    def times_s(self) -> tuple[float, float]:
        """Processor and wall-clock seconds allowed."""
        return self.limits.times_s(sum(map(bytes_of, self.paths)))

    def answer(self) -> Any:
        """Scan the paths, then call the function; in the reader."""
        prescan(*self.paths, limits=self.limits)
        function = self.function
        if isinstance(function, str):
            module, _, name = function.partition(":")
            function = getattr(importlib.import_module(module), name)
        return function(*self.args, **self.kwargs)

    def told(self, error: BaseException) -> OsteonError:
        """Any error as osteon's own, naming the file."""
        if isinstance(error, OsteonError):
            return error.with_traceback(None)
        if isinstance(error, RecursionError):
            return FileError(f"{self.subject}: nested deeper than any real file.", hint=AGAIN)
        if isinstance(error, MemoryError):
            allowed = told_bytes(self.limits.memory_bytes)
            return FileError(
                f"{self.subject}: reading it takes more memory than the {allowed} allowed.",
                hint="Raise the memory limit if the file is what it should be.",
            )
        line = " ".join(str(error).split())[:200]
        return FileError(f"{self.subject}: cannot be read ({type(error).__name__}: {line}).", hint=AGAIN)
