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
from osteon.imaging.dicom_files import blank, starts_as_dicom
from osteon.imaging.guard.budget import BAD_EXPORT, Budget
from osteon.imaging.guard.dicom_walk import Seen, walk, walk_data_set
from osteon.imaging.guard.limits import Limits, bytes_of, told_bytes

__all__ = ["prescan"]

_BLOCK = 1 << 20
_PACKED = 1 << 16  # at a time: each member of a gzip stream copies what is left of it
_HEAD = 4096
_FRAGMENT = 10  # bytes of the smallest compressed frame, its header included
_RAW_DEFLATE, _GZIP = -zlib.MAX_WBITS, zlib.MAX_WBITS | 16
_DEFLATED = "1.2.840.10008.1.2.1.99"
_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
_TYPES = {"char": 1, "short": 2, "int": 4, "long": 8, "float": 4, "double": 8}


def prescan(*paths: Path, limits: Limits | None = None) -> None:
    """
    Refuse files, archives or folders that, together, claim or expand to more than ``limits`` allow.

    Only headers are read, and compressed data where nothing else tells its size (counted as it streams, never kept).
    What is merely damaged is left to the reader.

    Raises
    ------
    FileError
        Nothing is there; headers claim more than the limit, or more than the file holds; the compression is that of
        a bomb; an archive has names that lead outside; sequences are nested too deep; nothing follows a DICOM header.
    """
    limits = Limits() if limits is None else limits
    for path in paths:
        if not path.exists():
            raise FileError(f"{path}: no such file or folder.")
    packed = sum(map(bytes_of, paths))
    budget = Budget(limits, subject=", ".join(map(str, paths)), packed_bytes=packed)
    for path in paths:
        if path.is_dir():
            _folder(path, budget)
        elif zipfile.is_zipfile(path):
            _archive(path, budget)
        else:
            with path.open("rb") as stream:
                _member(stream, path.stat().st_size, str(path), budget, alone=True)
        budget.close()


def _folder(path: Path, budget: Budget) -> None:
    for n, each in enumerate(p for p in sorted(path.rglob("*")) if p.is_file()):
        if n >= budget.limits.files:
            raise FileError(
                f"{path}: more than {budget.limits.files} files.", hint="Name the folder of one study."
            )
        with each.open("rb") as stream:
            _member(stream, each.stat().st_size, str(each), budget, alone=False)


def _archive(path: Path, budget: Budget) -> None:
    limit = budget.limits.files
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > limit:
                raise FileError(f"{path}: {len(members)} files in the archive; the limit is {limit}.")
            for member in members:
                _inside(path, member)
            # unpacked one by one, so that all of it is never held twice
            budget.check(str(path), sum(m.file_size for m in members), path.stat().st_size, copies=1)
            for member in members:
                with archive.open(member) as stream:
                    inner = cast(BinaryIO, stream)
                    _member(inner, member.file_size, f"{path}, {member.filename}", budget, alone=False)
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


def _member(stream: BinaryIO, size: int, name: str, budget: Budget, *, alone: bool) -> None:
    """Check one file by its content, and count what its voxels take where something tells."""
    head = stream.read(_HEAD)
    if not alone and (blank(head) or not starts_as_dicom(head[:132], name)):
        return  # a folder or archive is read for its DICOM objects, nothing else in it is opened
    if head[:2] == b"\x1f\x8b":
        budget.add(name, _gzipped(stream, head, size, name, budget), size)
        return
    claim = _claim_of_header(head)
    if claim is not None:
        expanded, raw = claim
        budget.add(name, expanded, size)
        packed = b"gzip" in head or b"CompressedData = True" in head
        if raw > size and not packed and alone and _is_nifti(head):
            raise FileError(f"{name}: cut short, {told_bytes(size)} of {told_bytes(raw)}.", hint=BAD_EXPORT)
    elif head[128:132] == b"DICM" or head[:2] in (b"\x08\0", b"\x02\0"):
        _dicom(stream, size, name, budget, alone=alone)


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


def _gzipped(stream: BinaryIO, head: bytes, size: int, name: str, budget: Budget) -> float:
    """A header inside that tells the size is enough, where the trailer agrees; otherwise the expansion is counted."""
    try:
        claim = _claim_of_header(zlib.decompressobj(_GZIP).decompress(head, _HEAD))
    except (zlib.error, struct.error):
        return 0.0  # damaged: the reader will say so
    if claim is not None:
        budget.check(name, claim[0], size)
        stream.seek(-4, 2)
        if struct.unpack("<I", stream.read(4))[0] == int(claim[1]) % (1 << 32):
            return claim[0]
    return float(_expanded(stream, 0, _GZIP, budget.room(size)))


def _expanded(stream: BinaryIO, start: int, wbits: int, enough: int) -> int:
    """Bytes a compressed stream gives, counted to ``enough``."""
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


def _dicom(stream: BinaryIO, size: int, name: str, budget: Budget, *, alone: bool) -> None:
    """What the header of a DICOM file claims; a deflated one is counted as well."""
    limits, counted = budget.limits, 0
    packed = isinstance(stream, zipfile.ZipExtFile)
    seen = walk(stream, depth=limits.depth, elements=limits.elements, past_pixels=not packed)
    if seen.transfer_syntax == _DEFLATED:
        counted = _expanded(stream, seen.start, _RAW_DEFLATE, budget.room(size))
        budget.check(name, counted, size)
        with suppress(zlib.error):  # damaged: the reader will say so
            view = cast(BinaryIO, _Inflated(stream, seen.start))
            walk_data_set(view, seen, depth=limits.depth, elements=limits.elements)
    if seen.too_deep:
        raise FileError(f"{name}: sequences nested deeper than {limits.depth}.", hint=BAD_EXPORT)
    if seen.too_many:
        raise FileError(f"{name}: more than {limits.elements} elements.", hint=BAD_EXPORT)
    if not seen.elements and alone:
        raise FileError(f"{name}: cut short, nothing follows its DICOM header.", hint=BAD_EXPORT)
    plain = seen.start + counted if counted else size
    claimed = max(float(counted), _pixels(seen, plain, name, alone=alone))
    budget.add(name, claimed, size, series=seen.series)


def _pixels(seen: Seen, size: int, name: str, *, alone: bool) -> float:
    """Bytes of the array that the pixels become, by what the header claims."""
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
            f"{told_bytes(held)}.", hint=BAD_EXPORT,
        )  # fmt: skip
    array = max(raw, 4.0 * voxels) if seen.bits >= 8 or not native else raw  # bits of a segmentation stay few
    return array * max(0.0, min(1.0, held / raw)) if native and raw else array
