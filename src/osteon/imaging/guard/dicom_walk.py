"""A walk over the elements of a DICOM file that never recurses and never keeps a value: for hostile input."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["Seen", "walk"]

_UNDEFINED = 0xFFFFFFFF
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_PIXELS = frozenset(((0x7FE0, 0x0008), (0x7FE0, 0x0009), (0x7FE0, 0x0010)))
_TRANSFER_SYNTAX = (0x0002, 0x0010)
_NUMBERS = {
    (0x0028, 0x0002): "samples",
    (0x0028, 0x0008): "frames",
    (0x0028, 0x0010): "rows",
    (0x0028, 0x0011): "columns",
    (0x0028, 0x0100): "bits",
}
_IMPLICIT, _BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"


@dataclass(slots=True)
class Seen:
    """What the walk met: elements outside the file meta group, the claimed shape, where pixels and data set begin."""

    transfer_syntax: str = ""
    start: int = 0
    elements: int = 0
    too_deep: bool = False
    pixels_at: int | None = None
    rows: int = 0
    columns: int = 0
    frames: int = 1
    samples: int = 1
    bits: int = 0


@dataclass(slots=True)
class _Level:
    """A sequence or item that is open: where it ends (None: at its delimiter) and how its elements are written."""

    end: int | None
    explicit: bool


def walk(stream: BinaryIO, *, depth: int) -> Seen:
    """
    Walk to the pixels, to the first thing that is no element, or to a nesting beyond ``depth``.

    Parameters
    ----------
    stream : a seekable binary stream of a DICOM file with or without its 128-byte preamble
    depth : int
        Sequences inside one another that are followed.
    """
    seen = Seen()
    stream.seek(0)
    pos = 132 if stream.read(132)[128:] == b"DICM" else 0
    pos = _meta(stream, pos, seen)
    seen.start = pos
    if seen.transfer_syntax == _DEFLATED:
        return seen
    stream.seek(pos)
    head = stream.read(6)
    explicit = (
        head[4:6].isalpha() and head[4:6].isupper()
        if not seen.transfer_syntax
        else seen.transfer_syntax != _IMPLICIT
    )
    _data_set(stream, pos, ">" if seen.transfer_syntax == _BIG else "<", explicit, depth, seen)
    if not seen.transfer_syntax:
        seen.transfer_syntax = "1.2.840.10008.1.2.1" if explicit else _IMPLICIT
    return seen


def _meta(stream: BinaryIO, pos: int, seen: Seen) -> int:
    """Read the file meta group, always explicit little endian; returns where the data set begins."""
    while True:
        stream.seek(pos)
        head = stream.read(12)
        if len(head) < 8 or head[:2] != b"\x02\0" or not head[4:6].isalpha():
            return pos
        if head[4:6] in _LONG:
            length, skip = (struct.unpack_from("<I", head, 8)[0], 12) if len(head) == 12 else (0, 8)
        else:
            length, skip = struct.unpack_from("<H", head, 6)[0], 8
        if struct.unpack_from("<HH", head) == _TRANSFER_SYNTAX:
            stream.seek(pos + skip)
            seen.transfer_syntax = stream.read(min(length, 64)).decode("latin-1").strip("\0 ")
        pos += skip + length


def _data_set(stream: BinaryIO, pos: int, order: str, explicit: bool, depth: int, seen: Seen) -> None:
    tag_of, long_of, short_of = (struct.Struct(order + kind).unpack_from for kind in ("HH", "I", "H"))
    levels: list[_Level] = []
    while True:
        while levels and levels[-1].end is not None and pos >= levels[-1].end:
            levels.pop()
        stream.seek(pos)
        head = stream.read(12)
        if len(head) < 8:
            return
        tag = tag_of(head)
        written_vr = levels[-1].explicit if levels else explicit
        vr, length, skip = b"", long_of(head, 4)[0], 8
        if tag[0] != 0xFFFE and written_vr:
            vr = head[4:6]
            if not (vr.isalpha() and vr.isupper()):
                return
            if vr in _LONG:
                if len(head) < 12:
                    return
                length, skip = long_of(head, 8)[0], 12
            else:
                length = short_of(head, 6)[0]
        pos += skip
        if tag[0] == 0xFFFE and tag[1] != 0xE000:  # the end of an item or a sequence
            if levels:
                levels.pop()
            continue
        seen.elements += 1
        if not levels and tag in _PIXELS:
            seen.pixels_at = pos
            return
        if tag[0] == 0xFFFE or vr == b"SQ" or length == _UNDEFINED:
            within = written_vr and vr != b"UN"  # unknown VR of undefined length holds implicit elements
            levels.append(_Level(None if length == _UNDEFINED else pos + length, within))
            if len(levels) > 2 * depth:
                seen.too_deep = True
                return
            continue
        if not levels and tag in _NUMBERS and length <= 16:
            value = stream.seek(pos) and stream.read(length)
            _number(seen, _NUMBERS[tag], value or b"", order)
        pos += length


def _number(seen: Seen, name: str, value: bytes, order: str) -> None:
    if name != "frames":
        number = struct.unpack_from(order + "H", value)[0] if len(value) >= 2 else 0
    else:
        text = value.split(b"\\")[0].strip(b" \0")
        number = int(text) if text.isdigit() else 1
    setattr(seen, name, number)
