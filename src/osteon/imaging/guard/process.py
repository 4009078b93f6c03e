"""
The process that readers are forked from: libraries are loaded once, each request is answered in a child of its own.

It talks to :class:`osteon.imaging.guarded.ReaderPool`, which starts it. A child sets its limits, reads, hands its answer
over and ends; this process only waits for its children, ends those out of time and tells how they ended. It keeps
resources and crashes in bounds; it is no sandbox against code that takes over a decoder.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import select
import signal
import socket
import sys
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn

from osteon.imaging.guard.handover import pack, unpack
from osteon.imaging.guard.request import Request
from osteon.imaging.guard.wire import ANSWER, ASK, ENDED

__all__ = ["main"]

# what a read would import: loaded here once, absent ones left out
_WARM = (
    "osteon.imaging.read",
    "osteon.imaging.dicom",
    "osteon.imaging.nifti",
    "osteon.imaging.itk_formats",
    "osteon.imaging.labels_io",
    "osteon.imaging.deidentify_dataset",
    "pydicom.pixels.decoders",
    "openjpeg",
    "jpeg_ls",
    "gdcm",
)
_KIB = 1024


@dataclass(slots=True, kw_only=True)
class _Reader:
    """A child at work."""

    pid: int
    pidfd: int
    reply: socket.socket
    deadline: float
    overdue: bool = False


class _Answered(AbstractContextManager["_Answered"]):
    """Sends what the block made, or the error it ended with, to whoever asked; no error gets past it."""

    def __init__(self, reply: socket.socket, request: Request) -> None:
        self.reply = reply
        self.request = request
        self.value: Any = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[True]:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_AS, unlimited)  # handing over needs a little room, too
        answer = pack((self.value, None if error is None else self.request.told(error)))
        used = resource.getrusage(resource.RUSAGE_SELF)
        header = ANSWER.pack(b"A", used.ru_utime + used.ru_stime, used.ru_maxrss * _KIB)
        socket.send_fds(self.reply, [header], [answer])
        return True


def _limit(request: Request) -> None:
    """Bound this process: address space beyond what its libraries take, processor time, no core dump."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    room = pages * resource.getpagesize() + request.limits.memory_bytes
    seconds = max(1, round(request.times_s[0]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))


def _answer(reply: socket.socket, packed: int) -> NoReturn:
    """The whole life of a child."""
    try:
        silent = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):  # decoders write to stderr what the answer says in words
            os.dup2(silent, fd)
        request: Request = unpack(packed)
        with _Answered(reply, request) as answered:
            os.chdir(request.folder)
            _limit(request)
            answered.value = request.answer()
    finally:
        os._exit(0)


def _start(asked: bytes, fds: list[int], readers: dict[int, _Reader], control: socket.socket) -> _Reader:
    reply = socket.socket(fileno=fds[0])
    pid = os.fork()
    if pid == 0:
        control.close()
        for other in readers.values():
            other.reply.close()
            os.close(other.pidfd)
        _answer(reply, fds[1])
    os.close(fds[1])
    (wall_s,) = ASK.unpack(asked)
    return _Reader(pid=pid, pidfd=os.pidfd_open(pid), reply=reply, deadline=time.monotonic() + wall_s)


def _end(reader: _Reader) -> None:
    """Collect a child that ended, and tell how to whoever still listens."""
    _, status, used = os.wait4(reader.pid, 0)
    spent = used.ru_utime + used.ru_stime
    with suppress(OSError):  # nobody listens any more: the answer was enough
        reader.reply.send(ENDED.pack(b"E", spent, used.ru_maxrss * _KIB, status, reader.overdue))
    reader.reply.close()
    os.close(reader.pidfd)


def _kill(reader: _Reader) -> None:
    with suppress(ProcessLookupError):
        os.kill(reader.pid, signal.SIGKILL)


def _ready(control: socket.socket, readers: dict[int, _Reader]) -> list[int]:
    """Wait for a request, the end of a reader, an asker that went away, or the next deadline."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    for pidfd, reader in readers.items():
        poll.register(pidfd, select.POLLIN)
        poll.register(reader.reply, 0)
    due = [reader.deadline for reader in readers.values() if not reader.overdue]
    wait_ms = max(0, int((min(due) - time.monotonic()) * 1000) + 1) if due else None
    return [fd for fd, _ in poll.poll(wait_ms)]


def _serve(control: socket.socket) -> None:
    readers: dict[int, _Reader] = {}
    while True:
        for fd in _ready(control, readers):
            if fd == control.fileno():
                asked, fds, _, _ = socket.recv_fds(control, ASK.size, 2)
                if not asked:  # the pool is gone
                    for reader in readers.values():
                        _kill(reader)
                    return
                started = _start(asked, fds, readers, control)
                readers[started.pidfd] = started
            elif fd in readers:
                _end(readers.pop(fd))
            else:
                for reader in (r for r in readers.values() if r.reply.fileno() == fd):
                    _kill(reader)
        for reader in readers.values():
            if not reader.overdue and reader.deadline <= time.monotonic():
                reader.overdue = True
                _kill(reader)


def main() -> None:
    """Load the libraries, then serve the socket whose descriptor is the only argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the pool decides
    for name in _WARM:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # children share these pages
    with socket.socket(fileno=int(sys.argv[1])) as control:
        _serve(control)


if __name__ == "__main__":
    main()
