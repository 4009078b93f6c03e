"""Cheap refusals before an upload is read: what its headers claim and what its compression would expand to."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from contextlib import suppress
from math import prod
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from osteon.core.errors import FileError
from osteon.imaging.guard.dicom_walk import Seen, walk, walk_data_set
from osteon.imaging.guard.limits import Limits, told_bytes

__all__ = ["prescan"]

_AGAIN = "Export it again from the scanner or PACS."
_BLOCK = 1 << 20
_PACKED = 1 << 16  # at a time: each member of a gzip stream copies what is left of it
_HEAD = 4096
_FRAGMENT = 10  # bytes of the smallest compressed frame, its header included
_RAW_DEFLATE, _GZIP = -zlib.MAX_WBITS, zlib.MAX_WBITS | 16
_DEFLATED = "1.2.840.10008.1.2.1.99"
_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
_TYPES = {"char": 1, "short": 2, "int": 4, "long": 8, "float": 4, "double": 8}


def prescan(path: Path, *, limits: Limits | None = None) -> None:
    """
    Refuse a file, an archive or a folder that claims or expands to more than ``limits`` allow.

    Only headers are read, and compressed data where nothing else tells its size (counted as it streams, never kept).
    What is merely damaged is left to the reader.

    Raises
    ------
    FileError
        Nothing is there; a header claims more than the limit, or more than the file holds; the compression is that of
        a bomb; an archive has names that lead outside; sequences are nested too deep; nothing follows a DICOM header.
    """
    limits = Limits() if limits is None else limits
    if not path.exists():
        raise FileError(f"{path}: no such file or folder.")
    if path.is_dir():
        _folder(path, limits)
        return
    if zipfile.is_zipfile(path):
        _archive(path, limits)
        return
    with path.open("rb") as stream:
        _member(stream, path.stat().st_size, str(path), limits, alone=True)


def _expands(name: str, expanded: float, packed: int, limits: Limits) -> None:
    """Refuse an expansion beyond the limit, or one that no image reaches."""
    if expanded > limits.memory_bytes:
        raise FileError(
            f"{name}: claims {told_bytes(expanded)} of voxels from {told_bytes(packed)}; the limit is "
            f"{told_bytes(limits.memory_bytes)}.", hint="Check its header, or raise the memory limit.",
        )  # fmt: skip
    if expanded > limits.sparse_bytes and expanded > limits.expansion * packed:
        raise FileError(
            f"{name}: {told_bytes(packed)} would expand to {told_bytes(expanded)} or more, as a decompression bomb does; "
            f"images reach {limits.expansion:g} to 1 at most.", hint=_AGAIN,
        )  # fmt: skip


def _folder(path: Path, limits: Limits) -> None:
    expanded = packed = 0.0
    for n, each in enumerate(p for p in sorted(path.rglob("*")) if p.is_file()):
        if n >= limits.files:
            raise FileError(f"{path}: more than {limits.files} files.", hint="Name the folder of one study.")
        size = each.stat().st_size
        with each.open("rb") as stream:
            expanded += _member(stream, size, str(each), limits, alone=False)
        packed += size
    if expanded > limits.sparse_bytes and expanded > limits.expansion * packed:
        _expands(str(path), expanded, int(packed), limits)


def _archive(path: Path, limits: Limits) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > limits.files:
                raise FileError(f"{path}: {len(members)} files in the archive; the limit is {limits.files}.")
            for member in members:
                _inside(path, member)
            total = sum(member.file_size for member in members)
            _expands(str(path), total, path.stat().st_size, limits)
            for member in members:
                name = f"{path}, {member.filename}"
                with archive.open(member) as stream:
                    head = stream.read(_HEAD)
                if head[:2] == b"\x1f\x8b" or _DEFLATED.encode() in head:  # compressed once more inside
                    with archive.open(member) as inner:
                        _member(inner, member.file_size, name, limits, alone=False)  # type: ignore[arg-type]
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, struct.error, zlib.error) as error:
        raise FileError(f"{path}: not a whole zip archive ({error}).", hint="Pack it again.") from error


def _inside(path: Path, member: zipfile.ZipInfo) -> None:
    """Refuse a member that would be written outside the folder it is unpacked to, or that is locked."""
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or ".." in PurePosixPath(name).parts or re.match(r"[A-Za-z]:", name):
        raise FileError(
            f"{path}: holds {member.filename[:80]!r}, a name that leads outside.", hint="Pack it again."
        )
    if member.flag_bits & 1:
        raise FileError(
            f"{path}: {member.filename[:80]!r} is locked with a password.", hint="Unpack it first."
        )


def _member(stream: BinaryIO, size: int, name: str, limits: Limits, *, alone: bool) -> float:
    """Check one file by its content; returns the bytes its voxels take, 0 where nothing tells."""
    head = stream.read(_HEAD)
    if head[:2] == b"\x1f\x8b":
        return _gzipped(stream, head, size, name, limits)
    claim = _claim_of_header(head)
    if claim is not None:
        expanded, raw = claim
        _expands(name, expanded, size, limits)
        if (
            raw > size
            and b"gzip" not in head
            and b"CompressedData = True" not in head
            and alone
            and _is_nifti(head)
        ):
            raise FileError(f"{name}: cut short, {told_bytes(size)} of {told_bytes(raw)}.", hint=_AGAIN)
        return expanded
    if head[128:132] == b"DICM" or head[:2] in (b"\x08\0", b"\x02\0"):
        return _dicom(stream, size, name, limits, alone=alone)
    return 0.0


def _is_nifti(head: bytes) -> bool:
    return head[344:347] in (b"n+1", b"ni1") or head[4:7] in (b"n+2", b"ni2")


def _claim_of_header(head: bytes) -> tuple[float, float] | None:
    """(bytes of the voxels in memory, bytes of the file) by a NIfTI, NRRD or MetaImage header."""
    if _is_nifti(head):
        return _claim_of_nifti(head)
    if head.startswith(b"NRRD0"):
        sizes, kind = rb"^sizes:\s*([\d ]+)", rb"^type:\s*(?:u?n?signed )?(\w+)"
    elif b"DimSize" in head and b"ElementType" in head:
        sizes, kind = rb"^DimSize\s*=\s*([\d ]+)", rb"^ElementType\s*=\s*MET_U?(\w+)"
    else:
        return None
    shape, voxel = re.search(sizes, head, re.MULTILINE), re.search(kind, head, re.MULTILINE)
    if shape is None:
        return None
    each = 4 if voxel is None else _TYPES.get(voxel[1].decode("latin-1").lower().removeprefix("u"), 4)
    voxels = float(prod(map(int, shape[1].split())))
    return voxels * max(4, each), voxels * each


def _claim_of_nifti(head: bytes) -> tuple[float, float] | None:
    second = head[4:6] == b"n+" or head[4:6] == b"ni"
    for order in "<>":
        if struct.unpack_from(f"{order}i", head)[0] in (348, 540):
            dims = (
                struct.unpack_from(f"{order}8q", head, 16)
                if second
                else struct.unpack_from(f"{order}8h", head, 40)
            )
            bits = struct.unpack_from(f"{order}h", head, 14 if second else 72)[0]
            offset = (
                struct.unpack_from(f"{order}q", head, 168)[0]
                if second
                else struct.unpack_from(f"{order}f", head, 108)[0]
            )
            voxels = float(prod(max(1, n) for n in dims[1 : 1 + max(0, min(7, dims[0]))]))
            one_file = head[344:347] == b"n+1" or head[4:7] == b"n+2"
            return voxels * max(4, bits / 8), voxels * bits / 8 + (
                offset if one_file else 0
            ) if one_file else 0.0
    return None


def _gzipped(stream: BinaryIO, head: bytes, size: int, name: str, limits: Limits) -> float:
    """A header inside that tells the size is enough, where the trailer agrees; otherwise the expansion is counted."""
    try:
        claim = _claim_of_header(zlib.decompressobj(_GZIP).decompress(head, _HEAD))
    except (zlib.error, struct.error):
        return 0.0  # damaged: the reader will say so
    if claim is not None:
        _expands(name, claim[0], size, limits)
        stream.seek(-4, 2)
        if struct.unpack("<I", stream.read(4))[0] == int(claim[1]) % (1 << 32):
            return claim[0]
    counted = _expanded(stream, 0, _GZIP, size, limits)
    _expands(name, counted, size, limits)
    return float(counted)


def _expanded(stream: BinaryIO, start: int, wbits: int, size: int, limits: Limits) -> int:
    """Bytes a compressed stream gives, counted no further than is needed to refuse it."""
    enough = min(limits.memory_bytes, max(limits.sparse_bytes, int(limits.expansion * size))) + 1
    stream.seek(start)
    machine, total = zlib.decompressobj(wbits), 0
    try:
        while total < enough and (block := stream.read(_PACKED)):
            while block and total < enough:
                if machine.eof:  # what follows is another member, or padding: its tail is never consumed
                    if wbits != _GZIP:
                        return total
                    machine = zlib.decompressobj(wbits)
                total += len(machine.decompress(block, _BLOCK))
                block = machine.unused_data if machine.eof else machine.unconsumed_tail
    except zlib.error:
        return total
    return total


class _Inflated:
    """A forward view of a raw deflate stream, for the walk: it may go back a few bytes, not more."""

    def __init__(self, stream: BinaryIO, start: int) -> None:
        stream.seek(start)
        self._stream = stream
        self._machine = zlib.decompressobj(_RAW_DEFLATE)
        self._buffer, self._at, self._pos = (
            b"",
            start,
            start,
        )  # the buffer begins at _at; positions as in the file

    def seek(self, pos: int) -> int:
        self._pos = pos
        return pos

    def read(self, size: int) -> bytes:
        while self._at + len(self._buffer) < self._pos + size:
            if self._machine.eof:  # padding may follow
                break
            packed = self._machine.unconsumed_tail or self._stream.read(_HEAD)
            more = self._machine.decompress(packed, _BLOCK) if packed else b""
            if not more and not packed:
                break
            kept = self._buffer[max(0, min(self._pos - self._at, len(self._buffer) - 16)) :]
            self._at += len(self._buffer) - len(kept)
            self._buffer = kept + more
        start = self._pos - self._at
        return self._buffer[start : start + size] if start >= 0 else b""


def _dicom(stream: BinaryIO, size: int, name: str, limits: Limits, *, alone: bool) -> float:
    """What the header of a DICOM file claims; a deflated one is counted as well."""
    seen = walk(stream, depth=limits.depth, elements=limits.elements)
    counted = 0
    if seen.transfer_syntax == _DEFLATED:
        counted = _expanded(stream, seen.start, _RAW_DEFLATE, size, limits)
        _expands(name, counted, size, limits)
        with suppress(zlib.error):  # damaged: the reader will say so
            view = cast(BinaryIO, _Inflated(stream, seen.start))
            walk_data_set(view, seen, depth=limits.depth, elements=limits.elements)
    if seen.too_deep:
        raise FileError(f"{name}: sequences nested deeper than {limits.depth}.", hint=_AGAIN)
    if seen.too_many:
        raise FileError(f"{name}: more than {limits.elements} elements.", hint=_AGAIN)
    if not seen.elements and alone:
        raise FileError(f"{name}: cut short, nothing follows its DICOM header.", hint=_AGAIN)
    plain = seen.start + counted if counted else size
    return max(float(counted), _pixels(seen, plain, name, limits, alone=alone))


def _pixels(seen: Seen, size: int, name: str, limits: Limits, *, alone: bool) -> float:
    """Bytes of pixels that the header claims."""
    if seen.pixels_at is None:
        return 0.0
    voxels = seen.rows * seen.columns * max(1, seen.frames) * max(1, seen.samples)
    raw = voxels * seen.bits / 8
    native = seen.transfer_syntax in _NATIVE or seen.transfer_syntax == _DEFLATED
    held = size - seen.pixels_at
    # a slice cut short leaves the other series of a folder readable; frames out of nothing cost time without end
    invented = seen.frames > 1 and (raw > 2 * held if native else seen.frames > held / _FRAGMENT)
    if invented or (native and alone and raw > held):
        raise FileError(
            f"{name}: cut short, it claims {told_bytes(raw)} of pixels ({seen.frames} frames) and holds "
            f"{told_bytes(held)}.", hint=_AGAIN,
        )  # fmt: skip
    _expands(name, raw if native else max(raw, 4.0 * voxels), size, limits)
    return raw
