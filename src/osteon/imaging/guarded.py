"""
Uploads are read in limited child processes: a bomb, a crash or a hang becomes one clear error that names the file.

On Linux each request is answered in a process of its own, forked from one that has the libraries loaded, under limits of
address space, processor time and wall-clock time. Elsewhere a fresh process is started per request with the wall-clock
limit alone, and a volume read that way carries the note ``reader_memory_not_limited``.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

from osteon.core.errors import ConfigError, FileError, OsteonError
from osteon.imaging.guard import handover
from osteon.imaging.guard.launch import command, environment
from osteon.imaging.guard.limits import Limits
from osteon.imaging.guard.request import AGAIN, Request
from osteon.imaging.guard.wire import ANSWER, ASK, ENDED
from osteon.imaging.volume import Volume

__all__ = ["LABEL_LIMITS", "Limits", "ReaderPool", "Reply", "guarded", "read_volume_guarded"]

LABEL_LIMITS = Limits(sparse_bytes=768 << 20, expansion=200.0, cpu_s=20.0)
"""For label maps: a 512 x 512 x 700 one is mostly zeros and packs as tightly as a bomb."""

_PREFORK = sys.platform == "linux" and hasattr(os, "pidfd_open")
_PATIENCE_S = 300.0  # beyond a reader's own limit: on a busy machine its libraries may still be loading
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    What became of one request.

    Attributes
    ----------
    value : object
        What the function returned, None where it failed.
    error : OsteonError or None
    fate : str
        "answered", "refused" (the reader said why), "crashed", "cpu_limit", "wall_limit", "killed" (as a rule by the
        system, out of memory) or "lost" (the process of the readers went away).
    cpu_s, peak_bytes : float, int
        Processor seconds and most resident memory of the reader, its libraries included; 0 where unknown.
    """

    value: Any = None
    error: OsteonError | None = None
    fate: str = "answered"
    cpu_s: float = 0.0
    peak_bytes: int = 0


class ReaderPool:
    """
    Readers in processes of their own; each is used once, so none that was killed or misled is used again.

    Parameters
    ----------
    workers : int
        Readers at work at the same time; further requests wait. Threads may share a pool.
    prefork : bool, optional
        Fork readers from a process with the libraries loaded and limit them; by default where the system can.

    Attributes
    ----------
    fates : Counter
        How many requests ended how, see :class:`Reply`.

    Examples
    --------
    >>> with ReaderPool() as pool:
    ...     pool.call("builtins:sum", [1, 2, 3])
    ...     pool.ask("os:abort").error.message
    6
    'os:abort: the reader crashed on it (SIGABRT).'
    """

    def __init__(self, workers: int = 2, *, prefork: bool = _PREFORK) -> None:
        if workers < 1:
            raise ConfigError(f"workers = {workers}, expected 1 or more.")
        self.fates: Counter[str] = Counter()
        self._prefork = prefork
        self._free = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all readers; a later request starts them anew."""
        with self._lock:
            self._stop()

    def call(
        self, function: Callable[..., Any] | str, *args: Any, limits: Limits | None = None, **kwargs: Any
    ) -> Any:
        """
        ``function(*args, **kwargs)`` in a limited process; paths among ``args`` are scanned first.

        Parameters
        ----------
        function : callable or str
            A function that can be imported, or its address "package.module:name".
        limits : Limits, optional

        Raises
        ------
        OsteonError
            What the function raised, or a FileError for anything else that ended the reader.
        """
        reply = self.ask(function, *args, limits=limits, **kwargs)
        if reply.error is not None:
            raise reply.error
        return reply.value

    def ask(
        self, function: Callable[..., Any] | str, *args: Any, limits: Limits | None = None, **kwargs: Any
    ) -> Reply:
        """As :meth:`call`, with error, fate and cost as a :class:`Reply` instead of raising."""
        limits = Limits() if limits is None else limits
        request = Request(function=function, args=args, kwargs=kwargs, limits=limits, folder=str(Path.cwd()))
        with self._free:
            reply = self._asked(request) if self._prefork else _asked_afresh(request)
        with self._lock:
            self.fates[reply.fate] += 1
        return reply

    def _asked(self, request: Request) -> Reply:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        packed = handover.pack(request)
        wall_s = request.times_s[1]
        with ours:
            try:
                with theirs:
                    self._send(ASK.pack(wall_s), [theirs.fileno(), packed])
            finally:
                os.close(packed)
            ours.settimeout(wall_s + _PATIENCE_S)
            try:
                message, fds, _, _ = socket.recv_fds(ours, ENDED.size, 1)
            except (TimeoutError, ConnectionResetError):
                message, fds = b"", []
        if message[:1] == b"A":
            _, cpu_s, peak = ANSWER.unpack(message)
            value, error = handover.unpack(fds[0])
            return Reply(
                value=value,
                error=error,
                fate="refused" if error else "answered",
                cpu_s=cpu_s,
                peak_bytes=peak,
            )
        if message[:1] == b"E":
            return _ended(request, *ENDED.unpack(message)[1:])
        self.close()
        error = FileError(f"{request.subject}: the process of the readers went away.", hint="Try again.")
        return Reply(error=error, fate="lost")

    def _send(self, message: bytes, fds: list[int]) -> None:
        """Send to the process of the readers, starting it where it does not run (any more)."""
        with self._lock:
            for last in (False, True):
                if self._control is None:
                    self._control = self._started()
                try:
                    socket.send_fds(self._control, [message], fds)
                    return
                except OSError:
                    if last:
                        raise
                    self._stop()

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            alone = environment() | dict.fromkeys(_THREADS, "1")  # a process with threads must not fork
            self._process = subprocess.Popen(
                command("osteon.imaging.guard.process", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=alone,
            )
        return ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(timeout=2.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


def _ended(request: Request, cpu_s: float, peak: int, status: int, overdue: bool) -> Reply:
    """The reply where a reader ended without an answer."""
    cpu_limit_s, wall_limit_s = request.times_s
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if overdue:
        fate, why = "wall_limit", f"not read within {wall_limit_s:.0f} s"
    elif number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_s >= cpu_limit_s):
        fate, why = "cpu_limit", f"reading it takes more than {cpu_limit_s:.0f} s of processor time"
    elif number == signal.SIGKILL:
        fate, why = "killed", "the reader was killed, as a rule by the system when memory runs out"
    else:
        name = signal.Signals(number).name if number else "no answer"
        fate, why = "crashed", f"the reader crashed on it ({name})"
    error = FileError(f"{request.subject}: {why}.", hint=AGAIN)
    return Reply(error=error, fate=fate, cpu_s=cpu_s, peak_bytes=peak)


def _asked_afresh(request: Request) -> Reply:
    """Without fork: a process for this request alone, limited in wall-clock time only."""
    wall_s = request.times_s[1]
    with tempfile.TemporaryDirectory(prefix="osteon-") as folder:
        asked, answer = Path(folder) / "request", Path(folder) / "answer"
        with asked.open("wb") as stream:
            handover.write(request, stream)
        reader = command("osteon.imaging.guard.afresh", str(asked), str(answer))
        try:
            done = subprocess.run(reader, timeout=wall_s, check=False, capture_output=True, env=environment())
        except subprocess.TimeoutExpired:
            error = FileError(f"{request.subject}: not read within {wall_s:.0f} s.", hint=AGAIN)
            return Reply(error=error, fate="wall_limit")
        if done.returncode or not answer.exists():
            error = FileError(f"{request.subject}: the reader crashed on it ({done.returncode}).", hint=AGAIN)
            return Reply(error=error, fate="crashed")
        value, told = handover.read(answer)
    if isinstance(value, Volume):
        value = replace(value, notes=(*value.notes, "reader_memory_not_limited"))
    return Reply(value=value, error=told, fate="refused" if told else "answered")


@cache
def _shared_pool() -> ReaderPool:
    pool = ReaderPool()
    atexit.register(pool.close)
    return pool


def guarded(
    function: Callable[..., Any] | str,
    *args: Any,
    limits: Limits | None = None,
    pool: ReaderPool | None = None,
    **kwargs: Any,
) -> Any:
    """
    ``function(*args, **kwargs)`` in a limited process, see :meth:`ReaderPool.call`; paths in ``args`` are scanned first.

    Examples
    --------
    >>> guarded("math:hypot", 3.0, 4.0)
    5.0
    """
    return (pool or _shared_pool()).call(function, *args, limits=limits, **kwargs)


def read_volume_guarded(
    path: Path | str,
    *,
    series: str | None = None,
    limits: Limits | None = None,
    pool: ReaderPool | None = None,
) -> Volume:
    """
    A volume read in a limited process: DICOM folder, file or zip, NIfTI, NRRD, MetaImage.

    Parameters
    ----------
    path : path
    series : str, optional
        Which series of several, see :func:`osteon.imaging.read.read_volume`.
    limits : Limits, optional
    pool : ReaderPool, optional
        By default one that the whole program shares.

    Raises
    ------
    OsteonError
        What the reader refused; a FileError naming the file for a bomb, a crash or a hang.
    """
    volume: Volume = guarded(
        "osteon.imaging.read:read_volume", Path(path), series=series, limits=limits, pool=pool
    )
    return volume
