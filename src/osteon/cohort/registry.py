"""
Public data sets: where they live, their hash, licence and citation; fetching and checking them.

The list is data (``registry.toml``). A file whose bytes were never seen has no hash: the first fetch writes it to the
lock file of the data folder, and from then on a changed file is refused like any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import unquote

from osteon.core.config import read_toml
from osteon.core.errors import ConfigError, FileError
from osteon.core.files import sha256, whole_file, write_json
from osteon.core.progress import advance

__all__ = ["LOCK", "DataFile", "DataSet", "FileState", "LocalCopy", "check", "data_set", "fetch", "registry"]

#: File in the data folder that remembers the hash of files first seen there.
LOCK = "osteon-data.lock.json"
_PATH = Path(__file__).with_name("registry.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCopy:
    """Another copy that serves the same purpose (compressed or converted), relative to the data folder."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """
    One file of a data set.

    Attributes
    ----------
    address : str
        "" when the file cannot be fetched (it is derived from others).
    path : str
        Where it is put, relative to the data folder.
    sha256, bytes
        Of what the address serves; "" and 0 when never seen.
    """

    address: str
    path: str
    sha256: str
    bytes: int
    local: tuple[LocalCopy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A public data set with its licence and citation."""

    name: str
    title: str
    licence: str
    redistributable: bool
    citation: str
    notes: str
    files: tuple[DataFile, ...]

    @property
    def fetchable(self) -> bool:
        """True when at least one file has an address."""
        return any(file.address for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """
    One file of a data set as it is in the data folder.

    Attributes
    ----------
    state : "ok", "missing", "changed" or "unverified"
        "unverified": the file is there, but no hash is known for it.
    """

    name: str
    path: str
    state: Literal["ok", "missing", "changed", "unverified"]


@cache
def registry() -> Mapping[str, DataSet]:
    """
    Every known data set by name.

    Examples
    --------
    >>> registry()["estonia_hip_fracture"].licence
    'ODC-By 1.0'
    """
    return MappingProxyType({name: _data_set(name, entry) for name, entry in read_toml(_PATH).items()})


def _data_set(name: str, entry: Mapping[str, Any]) -> DataSet:
    facts = dict(entry)
    files = tuple(
        DataFile(**{**file, "local": tuple(LocalCopy(**copy) for copy in file.get("local", ()))})
        for file in facts.pop("file")
    )
    return DataSet(name=name, files=files, **facts)


def data_set(name: str) -> DataSet:
    """
    The data set called ``name``.

    Raises
    ------
    ConfigError
        Unknown name; the nearest one is suggested.

    Examples
    --------
    >>> data_set("glo")
    Traceback (most recent call last):
    osteon.core.errors.ConfigError: unknown data set 'glo'. Did you mean 'glow'?
    """
    known = registry()
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
        raise ConfigError(f"unknown data set {name!r}.", hint=hint)
    return known[name]


def fetch(name: str, *, into: Path, base_url: str | None = None) -> tuple[Path, ...]:
    """
    Download a data set's files, checking each hash; files already there and unchanged are not fetched again.

    Parameters
    ----------
    name : str
        A name of :func:`registry`.
    into : Path
        The data folder.
    base_url : str, optional
        A mirror that serves the same file names, in place of the public addresses.

    Returns
    -------
    tuple of Path
        The files in the data folder.

    Raises
    ------
    ConfigError
        Unknown name.
    FileError
        Nothing to fetch, the address does not answer, or the bytes are not the expected ones; then nothing is left
        behind under the file's name.
    """
    found = data_set(name)
    wanted = [file for file in found.files if file.address]
    if not wanted:
        raise FileError(f"{name}: has no address to fetch from.", hint=found.notes)
    locked = _locked(into)
    paths = []
    for done, file in enumerate(wanted):
        advance(f"fetch {name}", done, len(wanted))
        paths.append(_fetched(file, into=into, base_url=base_url, locked=locked))
    advance(f"fetch {name}", len(wanted), len(wanted))
    return tuple(paths)


def _fetched(file: DataFile, *, into: Path, base_url: str | None, locked: dict[str, str]) -> Path:
    target, expected = into / file.path, file.sha256 or locked.get(file.path, "")
    if target.exists() and expected:
        if sha256(target) == expected:
            return target
        raise FileError(
            f"{target}: changed since it was fetched (expected sha256 {expected}, got {sha256(target)}).",
            hint="Delete it and fetch again.",
        )
    address = file.address
    if base_url is not None:
        address = f"{base_url.rstrip('/')}/{address.rsplit('/', 1)[-1]}"
    with whole_file(target) as draft:
        _download(address, draft)
        got = sha256(draft)
        if expected and got != expected:
            raise FileError(
                f"{address}: not the expected file (expected sha256 {expected}, got {got}, "
                f"{draft.stat().st_size} bytes).",
                hint="The publisher changed it or the transfer was altered; it was not kept.",
            )
    if not expected:
        locked[file.path] = got
        write_json(into / LOCK, locked)
    return target


def _download(address: str, draft: Path) -> None:
    """The bytes at an address into a file; a network failure is one clear line, a full disk stays itself."""
    from pooch import HTTPDownloader

    try:
        HTTPDownloader(chunk_size=1 << 16, timeout=60)(address, str(draft), None)
    except OSError as error:  # requests' errors are OSErrors without an error number
        if error.errno is not None:
            raise
        raise FileError(
            f"{unquote(address)}: could not be fetched ({type(error).__name__}: {error}).",
            hint="Check the connection, or put the file in the data folder by hand.",
        ) from None


def _locked(root: Path) -> dict[str, str]:
    path = root / LOCK
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FileError(
            f"{path}: damaged ({error}).", hint="Delete it; the next fetch writes a new one."
        ) from None
    return {str(key): str(value) for key, value in content.items()}


def check(root: Path, *, names: tuple[str, ...] | None = None) -> tuple[FileState, ...]:
    """
    Every file of the registry as it is below a data folder.

    Parameters
    ----------
    root : Path
        The data folder (OSTEON_DATA).
    names : tuple of str, optional
        Data sets to check; all when not given.

    Returns
    -------
    tuple of FileState
        "ok" when the file, or a known local copy of it, is there unchanged.

    Raises
    ------
    FileError
        ``root`` is no folder.
    """
    if not root.is_dir():
        raise FileError(f"{root}: no such folder.", hint="Set OSTEON_DATA, or fetch a data set first.")
    locked = _locked(root)
    chosen = registry().values() if names is None else [data_set(name) for name in names]
    return tuple(
        _state(found.name, file, root=root, locked=locked) for found in chosen for file in found.files
    )


def _state(name: str, file: DataFile, *, root: Path, locked: Mapping[str, str]) -> FileState:
    candidates = [
        (file.path, file.sha256 or locked.get(file.path, "")),
        *((c.path, c.sha256) for c in file.local),
    ]
    for path, expected in candidates:
        if (root / path).is_file():
            if not expected:
                return FileState(name=name, path=path, state="unverified")
            return FileState(
                name=name, path=path, state="ok" if sha256(root / path) == expected else "changed"
            )
    return FileState(name=name, path=file.path, state="missing")
