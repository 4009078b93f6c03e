"""What a terminal shows: a progress bar on stderr, tables on stdout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from osteon.core.progress import listening

__all__ = ["Language", "bars"]


class Language(StrEnum):
    """The languages osteon writes."""

    en = "en"
    zh = "zh"


@contextmanager
def bars() -> Iterator[None]:
    """Draw a bar for every long task inside the block; silent where stderr is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        known = {}

        def tell(task: str, done: int, total: int) -> None:
            if task not in known:
                known[task] = progress.add_task(task, total=total)
            progress.update(known[task], completed=done, total=total)

        with listening(tell):
            yield
