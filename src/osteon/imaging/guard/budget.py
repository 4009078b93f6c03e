"""What the files of one request claim and expand to, added up: together they stay within the limits or none is decoded."""

from __future__ import annotations

from osteon.core.errors import FileError
from osteon.imaging.guard.limits import Limits, told_bytes

__all__ = ["BAD_EXPORT", "Budget"]

BAD_EXPORT = "Export it again from the scanner or PACS."
_COPIES = 2  # the array that is read, and the one in which it is handed over
_RAISE = "Check the headers, or raise the memory limit."


class Budget:
    """
    The claims of a request so far.

    Parameters
    ----------
    limits : Limits
    subject : str
        What a message on the sum names.
    packed_bytes : int
        Size of all the request's files.
    """

    def __init__(self, limits: Limits, *, subject: str, packed_bytes: int) -> None:
        self.limits = limits
        self._subject = subject
        self._packed = packed_bytes
        self._expanded = 0.0
        self._read = 0.0  # by the paths that are closed
        self._series: dict[str, float] = {}

    def _allowed(self, packed: int) -> float:
        return max(float(self.limits.sparse_bytes), self.limits.expansion * packed)

    def room(self, packed: int) -> int:
        """How far the expansion of a file of ``packed`` bytes has to be counted before it is refused."""
        left = min(self._allowed(packed), self._allowed(self._packed) - self._expanded)
        return int(min(self.limits.memory_bytes, left)) + 1

    def check(self, name: str, expanded: float, packed: int, *, copies: int = _COPIES) -> None:
        """
        Refuse one file, or an archive, that claims more than the limit or expands as no image does.

        Raises
        ------
        FileError
        """
        if copies * expanded > self.limits.memory_bytes:
            raise FileError(
                f"{name}: claims {told_bytes(expanded)} of voxels from {told_bytes(packed)}; the limit is "
                f"{told_bytes(self.limits.memory_bytes / copies)}.", hint=_RAISE,
            )  # fmt: skip
        if expanded > self._allowed(packed):
            raise self._bomb(name, expanded, packed)

    def add(self, name: str, expanded: float, packed: int, *, series: str = "") -> None:
        """
        Count one file that becomes an array of ``expanded`` bytes together with the others of its series.

        Raises
        ------
        FileError
            It, or all so far, is more than the limits allow.
        """
        if not expanded:
            return
        self.check(name, expanded, packed)
        self._expanded += expanded
        self._series[series] = self._series.get(series, 0.0) + expanded
        if self._expanded > self._allowed(self._packed):
            raise self._bomb(self._subject, self._expanded, self._packed)

    def close(self) -> None:
        """
        All files of a path are counted: one series of it will be read, the smallest at the least.

        Raises
        ------
        FileError
            Even that takes more memory than the limit.
        """
        self._read += min(self._series.values(), default=0.0)
        self._series.clear()
        if _COPIES * self._read > self.limits.memory_bytes:
            raise FileError(
                f"{self._subject}: its files claim {told_bytes(self._read)} of voxels together; the limit is "
                f"{told_bytes(self.limits.memory_bytes / _COPIES)}.", hint=_RAISE,
            )  # fmt: skip

    def _bomb(self, name: str, expanded: float, packed: int) -> FileError:
        return FileError(
            f"{name}: {told_bytes(packed)} would expand to {told_bytes(expanded)} or more, as a decompression bomb does; "
            f"images reach {self.limits.expansion:g} to 1 at most.", hint=BAD_EXPORT,
        )  # fmt: skip
