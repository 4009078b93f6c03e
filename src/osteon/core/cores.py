"""Work spread over the cores of the machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["side_by_side", "working_threads"]

Given = TypeVar("Given")
Made = TypeVar("Made")


def working_threads(at_most: int = 4) -> int:
    """
    OMP_NUM_THREADS where set, else the cores this process may use, no more than ``at_most``: small tasks gain nothing from more.
    """
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdigit() and int(said):
        return int(said)
    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(free, at_most)


def side_by_side(
    function: Callable[[Given], Made], items: Iterable[Given], *, threads: int | None = None
) -> Iterator[Made]:
    """
    ``map(function, items)``, in order, on several threads: for work that leaves the interpreter alone (convolution, resampling).

    What was not begun when the results are no longer wanted, or when one fails, is left undone.

    Examples
    --------
    >>> list(side_by_side(abs, [-1, 2, -3], threads=2))
    [1, 2, 3]
    """
    pool = ThreadPoolExecutor(threads or working_threads())
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)
