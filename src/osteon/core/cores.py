"""Work spread over the cores of the machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["shared_out", "side_by_side", "working_threads"]

Given = TypeVar("Given")
Made = TypeVar("Made")
AT_ONCE = 4
"""Tasks side by side, however many threads there are: each needs memory of its own."""


def working_threads(at_most: int = AT_ONCE) -> int:
    """
    OMP_NUM_THREADS where set, else the cores this process may use, no more than ``at_most``: small tasks gain nothing from more.
    """
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdigit() and int(said):
        return int(said)
    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(free, at_most)


def shared_out(threads: int, tasks: int) -> tuple[int, int]:
    """
    How many of the tasks go side by side, and how many threads each of them has.

    Examples
    --------
    >>> shared_out(2, 12), shared_out(64, 12), shared_out(2, 1)
    ((2, 1), (4, 16), (1, 2))
    """
    beside = max(1, min(threads, tasks, AT_ONCE))
    return beside, max(1, threads // beside)


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
    pool = ThreadPoolExecutor(threads or min(working_threads(), AT_ONCE))
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)
