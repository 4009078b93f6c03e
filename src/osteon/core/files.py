"""Files that are either whole or absent: written under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osteon.core.errors import OutputError
from osteon.core.result import as_dict

__all__ = [
    "checked_folder",
    "sha256",
    "staged_folder",
    "whole_file",
    "write_bytes",
    "write_json",
    "write_text",
]

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would exceed the allowed size",
    errno.EACCES: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a file of that name is in the way",
}


@contextmanager
def _refusals(target: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into one clear line."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REASONS:
            raise
        reason = _REASONS[error.errno]
        raise OutputError(
            f"{target}: cannot be written, {reason}.",
            hint="Nothing was left half-written; choose another place.",
        ) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path to write to; it becomes ``path`` when the block ends well and vanishes when it does not."""
    with _refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            draft = folder / path.name
            yield draft
            draft.replace(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def checked_folder(out: Path) -> Path:
    """
    ``out`` itself, before long work: a report will find room there.

    Raises
    ------
    OutputError
        A file stands in the way, or the nearest folder that exists may not be written to.
    """
    there = next(place for place in (out.absolute(), *out.absolute().parents) if place.exists())
    if not there.is_dir():
        raise OutputError(f"{there}: is a file, expected a folder.", hint="Choose another --out.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"{out}: cannot be written, permission denied.", hint="Choose another --out.")
    return out


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """
    A temporary folder whose files move into ``out`` when the block ends well; otherwise ``out`` stays as it was.

    Files already in ``out`` under other names are kept; those under the same name are replaced.
    """
    with _refusals(out):
        checked_folder(out).parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            yield stage
            for source in sorted(stage.rglob("*")):
                target = out / source.relative_to(stage)
                if source.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    source.replace(target)
            out.mkdir(exist_ok=True)
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, wholly or not at all."""
    with whole_file(path) as draft:
        draft.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write ``content`` to ``path`` as UTF-8, wholly or not at all."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write any result as indented JSON (see :func:`osteon.core.result.as_dict`), wholly or not at all."""
    write_text(path, json.dumps(as_dict(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(*paths: Path) -> str:
    """The SHA-256 of a file's bytes, or of several files' one after the other, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
