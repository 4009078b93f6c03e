"""Python objects handed from process to process: big arrays lie once in shared memory, only pages change hands."""

from __future__ import annotations

import io
import mmap
import os
import pickle
import struct
import tempfile
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

__all__ = ["pack", "read", "unpack", "write"]

_SMALL = 4096  # bytes; smaller arrays travel inside the pickle
_ALIGNED = 64
_END = struct.Struct("<Q")
_Placed = tuple[int, str, tuple[int, ...]]


class _Pickler(pickle.Pickler):
    """Writes plain numeric arrays to ``store`` and leaves a note of where they lie."""

    def __init__(self, stream: BinaryIO, store: BinaryIO) -> None:
        super().__init__(stream, protocol=5)
        self.store = store
        self.placed: dict[int, _Placed] = {}
        self.alive: list[Any] = []  # so that no later array takes the identity of an earlier one

    def persistent_id(self, value: Any) -> _Placed | None:
        if type(value) is not np.ndarray or value.dtype.kind not in "biufc" or value.nbytes < _SMALL:
            return None
        if id(value) not in self.placed:
            start = -(-self.store.tell() // _ALIGNED) * _ALIGNED
            self.store.seek(start)
            parts = [value] if value.flags.c_contiguous else value  # a flipped view is written slice by slice
            for part in parts:
                self.store.write(np.ascontiguousarray(part).data.cast("B"))
            self.alive.append(value)
            self.placed[id(value)] = (start, value.dtype.str, value.shape)
        return self.placed[id(value)]


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: BinaryIO, memory: mmap.mmap) -> None:
        super().__init__(stream)
        self.memory = memory

    def persistent_load(self, placed: Any) -> Any:
        start, dtype, shape = placed
        flat = np.frombuffer(self.memory, dtype=dtype, count=prod(shape), offset=start)
        return flat.reshape(shape)


def write(value: Any, store: BinaryIO) -> None:
    """Write ``value`` to a seekable stream: its big arrays first, then the rest, then where the rest begins."""
    rest = io.BytesIO()
    _Pickler(rest, store).dump(value)
    start = store.tell()
    store.write(rest.getbuffer())
    store.write(_END.pack(start))


def unpack(fd: int) -> Any:
    """
    What :func:`write` wrote to the file behind ``fd``, which is closed.

    Arrays are views of its pages (writable, private): nothing is copied. It is a pickle: only for files that osteon's
    own processes wrote.
    """
    memory = mmap.mmap(fd, 0, access=mmap.ACCESS_COPY)
    os.close(fd)
    (start,) = _END.unpack(memory[-_END.size :])
    return _Unpickler(io.BytesIO(memory[start : -_END.size]), memory).load()


def pack(value: Any) -> int:
    """
    Write ``value`` into anonymous memory and return its file descriptor, for another process to :func:`unpack`.

    Examples
    --------
    >>> fd = pack({"image": np.arange(6000).reshape(2, 3, 1000)[::-1], "notes": ("flipped",)})
    >>> again = unpack(fd)
    >>> again["image"][0, 0, :3].tolist(), again["notes"]
    ([3000, 3001, 3002], ('flipped',))
    """
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("osteon")
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    with os.fdopen(os.dup(fd), "wb") as store:
        write(value, store)
    return fd


def read(path: Path) -> Any:
    """What :func:`write` wrote to a file."""
    return unpack(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)))
