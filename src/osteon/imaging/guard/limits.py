"""How much memory, time and expansion reading one upload may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from osteon.core.errors import ConfigError

__all__ = ["Limits", "bytes_of", "told_bytes"]

_MIB = 1 << 20
_MANY = 200_000  # files looked at when a folder's size is added up


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    What reading one file or folder may take; the defaults let a 512 x 512 x 1000 CT through.

    Attributes
    ----------
    memory_bytes : int
        Address space of the reader beyond its libraries. What the files of a request claim is counted twice against
        it: once as it is read (4 bytes a voxel), once as it is handed over.
    cpu_s, wall_s : float
        Processor and wall-clock seconds for a small input.
    s_per_mib : float
        Seconds added to both for each MiB of input; four times what JPEG 2000 takes.
    sparse_bytes : int
        Bytes of array allowed whatever the compression: an empty label map compresses as well as a bomb does.
    expansion : float
        Bytes of array for each byte of all files where they are more than ``sparse_bytes``; CT compressed without loss
        reaches about 8, with loss 30; constants reach 128 in run lengths and 2064 in deflate.
    files : int
        Files in a folder or an archive.
    depth : int
        DICOM sequences inside one another.
    elements : int
        DICOM elements of one file, those in sequences included; 1000 frames have about 100,000.
    """

    memory_bytes: int = 4096 * _MIB
    cpu_s: float = 10.0
    wall_s: float = 60.0
    s_per_mib: float = 2.0
    sparse_bytes: int = 256 * _MIB
    expansion: float = 40.0
    files: int = 20_000
    depth: int = 64
    elements: int = 500_000

    def __post_init__(self) -> None:
        if min(getattr(self, name) for name in self.__slots__) <= 0:
            raise ConfigError("a limit is 0 or less.", hint="Leave the limit out to get its default.")

    def times_s(self, size_bytes: int) -> tuple[float, float]:
        """
        Processor and wall-clock seconds for an input of ``size_bytes``.

        Examples
        --------
        >>> Limits(cpu_s=10, wall_s=30, s_per_mib=2).times_s(5 * 2**20)
        (20.0, 40.0)
        """
        more = self.s_per_mib * size_bytes / _MIB
        return self.cpu_s + more, self.wall_s + more


def bytes_of(path: Path) -> int:
    """Size of a file, or of all files below a folder; 0 where nothing is."""
    if path.is_file():
        return path.stat().st_size
    if not path.is_dir():
        return 0
    total = 0
    for n, each in enumerate(path.rglob("*")):
        if n >= _MANY:
            break
        if each.is_file():
            total += each.stat().st_size
    return total


def told_bytes(n: float) -> str:
    """
    A size in words.

    Examples
    --------
    >>> told_bytes(510_000), told_bytes(8.6e12)
    ('510 kB', '8600 GB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= size:
            return f"{n / size:.3g} {unit}" if n < 1000 * size else f"{n / size:.0f} {unit}"
    return f"{n:.0f} bytes"
