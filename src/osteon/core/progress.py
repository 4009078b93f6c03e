"""Progress of long work: the library tells, the command line and the platform listen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["advance", "listening", "track"]

T = TypeVar("T")
Listener = Callable[[str, int, int], None]
_listener: ContextVar[Listener | None] = ContextVar("osteon_progress", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send ``(task code, done, total)`` of all work inside the block to ``listener``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def advance(task: str, done: int, total: int) -> None:
    """Tell whoever listens that ``done`` of ``total`` steps of ``task`` are finished."""
    listener = _listener.get()
    if listener is not None:
        listener(task, done, total)


def track(items: Iterable[T], *, task: str, total: int) -> Iterator[T]:
    """
    The items one by one, telling progress after each.

    Examples
    --------
    >>> seen = []
    >>> with listening(lambda task, done, total: seen.append((task, done, total))):
    ...     list(track("ab", task="letters", total=2))
    ['a', 'b']
    >>> seen
    [('letters', 0, 2), ('letters', 1, 2), ('letters', 2, 2)]
    """
    advance(task, 0, total)
    for done, item in enumerate(items, start=1):
        yield item
        advance(task, done, total)
