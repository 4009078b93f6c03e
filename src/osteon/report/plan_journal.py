"""
The journal of decisions: a file to which lines are only ever added, so made that a line lost or changed is noticed.

Each line of ``decisions.jsonl`` holds the SHA-256 of the line before it, the first one that of ``record/plans.json``;
``record/journal.json`` says how many lines there are and what the SHA-256 of the last is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osteon.core.errors import FileError, OutputError
from osteon.core.files import sha256, whole_file, write_json

__all__ = ["JOURNAL", "PLANS", "RECORD", "add_line", "has_decisions", "journal_lines", "no_one_else", "start_journal"]  # fmt: skip

JOURNAL, RECORD, PLANS = "decisions.jsonl", "record", "plans.json"
_SEAL, _LOCK = "journal.json", "lock"
_RESTORE = "Restore the folder from a copy; lines are only ever added to this file."


def start_journal(folder: Path) -> None:
    """Say beside the plans of a folder that nothing was decided yet."""
    write_json(folder / RECORD / _SEAL, {"lines": 0, "last": sha256(folder / RECORD / PLANS)})


@contextmanager
def no_one_else(folder: Path) -> Iterator[None]:
    """
    Hold a folder while a decision is written into it.

    Raises
    ------
    FileError
        Somebody else is writing one.
    OutputError
        Nothing can be written there.
    """
    import fcntl  # not on every system, and only a decision needs it

    path = folder / RECORD / _LOCK
    try:
        lock = path.open("a")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written.", hint="Decide where you may write.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FileError(
                f"{folder}: another decision is being written.", hint="Try again in a moment."
            ) from error
        yield  # closing the file lets go


def has_decisions(folder: Path) -> bool:
    """
    Decisions were taken on the plans of a folder, whether or not the journal is still there.

    Raises
    ------
    FileError
        The folder holds plans, and what it says of its journal cannot be read.
    """
    return (folder / JOURNAL).exists() or ((folder / RECORD / PLANS).exists() and _sealed(folder)[0] > 0)


def journal_lines(folder: Path) -> list[dict[str, Any]]:
    """
    The lines of the journal, oldest first; none where nothing was decided yet.

    Raises
    ------
    FileError
        A line is gone, cut short or not what it was, or the plans are not.
    """
    return _read(folder)[0]


def _read(folder: Path) -> tuple[list[dict[str, Any]], str]:
    """The lines, and the SHA-256 of the last one (of the plans where there is none)."""
    path = folder / JOURNAL
    count, last = _sealed(folder)
    texts = path.read_bytes().split(b"\n") if path.is_file() else [b""]
    if texts.pop():  # every line ends with a line feed, and no other character ends one
        raise FileError(f"{path}: the last line is cut short.", hint=_RESTORE)
    hashes: list[str] = [sha256(folder / RECORD / PLANS)]
    lines: list[dict[str, Any]] = []
    for number, text in enumerate(texts, start=1):
        line = _object(text, f"{path}: line {number} is no decision.")
        if line.get("previous") != hashes[-1]:
            raise FileError(f"{path}: what came before line {number} is gone or was changed.", hint=_RESTORE)
        hashes.append(hashlib.sha256(text).hexdigest())
        lines.append(line)
    # A line more than the record knows of is no loss: the machine may have stopped just after it was written.
    if len(lines) < count:
        raise FileError(f"{path}: {len(lines)} decisions, expected {count}.", hint=_RESTORE)
    if hashes[count] != last:
        what = f"{path}: line {count}" if count else str(folder / RECORD / PLANS)
        raise FileError(f"{what} is not what it was.", hint=_RESTORE)
    return lines, hashes[-1]


def add_line(folder: Path, line: Mapping[str, Any]) -> None:
    """
    Add a line to the journal and see it on the disk; where that fails, the journal stays as it was.

    Raises
    ------
    FileError
        The journal is not what it was.
    OutputError
        It cannot be written.
    """
    lines, previous = _read(folder)
    text = json.dumps({**line, "previous": previous}, ensure_ascii=False).encode()
    seal = {"lines": len(lines) + 1, "last": hashlib.sha256(text).hexdigest()}
    with whole_file(folder / RECORD / _SEAL) as draft:
        draft.write_text(json.dumps(seal, indent=1) + "\n", encoding="utf-8")
        _append(folder / JOURNAL, text + b"\n")


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as journal:
        size = journal.tell()
        try:
            journal.write(content)
            journal.flush()
            os.fsync(journal.fileno())
        except OSError:
            os.truncate(path, size)
            raise


def _sealed(folder: Path) -> tuple[int, str]:
    """How many lines the journal has, and the SHA-256 of the last."""
    path = folder / RECORD / _SEAL
    told = f"{path}: missing or damaged; it says how many decisions there are."
    seal = _object(path.read_bytes() if path.is_file() else b"", told)
    count, last = seal.get("lines"), seal.get("last")
    if not isinstance(count, int) or count < 0 or not isinstance(last, str):
        raise FileError(told, hint=_RESTORE)
    return count, last


def _object(content: bytes, told: str) -> dict[str, Any]:
    try:
        found = json.loads(content.decode("utf-8"))
    except ValueError as error:
        raise FileError(told, hint=_RESTORE) from error
    if not isinstance(found, dict):
        raise FileError(told, hint=_RESTORE)
    return found
