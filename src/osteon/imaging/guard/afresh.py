"""A reader for systems without fork or limits: one process per request, started afresh, that answers into a file."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from osteon.imaging.guard import handover
from osteon.imaging.guard.request import Request

__all__ = ["main"]


class _Written(AbstractContextManager["_Written"]):
    """Writes what the block made, or the error it ended with, to a file."""

    def __init__(self, path: Path, request: Request) -> None:
        self.path = path
        self.request = request
        self.value: Any = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[True]:
        with self.path.open("wb") as stream:
            handover.write((self.value, None if error is None else self.request.told(error)), stream)
        return True


def main() -> None:
    """Answer the request in the file named first into the file named second."""
    asked, answer = map(Path, sys.argv[1:])
    request: Request = handover.read(asked)
    with _Written(answer, request) as written:
        os.chdir(request.folder)
        written.value = request.answer()


if __name__ == "__main__":
    main()
