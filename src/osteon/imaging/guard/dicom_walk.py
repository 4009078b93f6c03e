"""A walk over the elements of a DICOM file that never recurses and never keeps a value: for hostile input."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["Seen", "walk", "walk_data_set"]

_UNDEFINED = 0xFFFFFFFF
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_PIXELS = frozenset(((0x7FE0, 0x0008), (0x7FE0, 0x0009), (0x7FE0, 0x0010)))
_TRANSFER_SYNTAX = (0x0002, 0x0010)
_SERIES = (0x0020, 0x000E)
_NUMBERS = {
    (0x0028, 0x0002): "samples",
    (0x0028, 0x0008): "frames",
    (0x0028, 0x0010): "rows",
    (0x0028, 0x0011): "columns",
    (0x0028, 0x0100): "bits",
}
_IMPLICIT, _BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
_EXPLICIT = "1.2.840.10008.1.2.1"
_DEFLATED = "1.2.840.10008.1.2.1.99"


@dataclass(slots=True)
class Seen:
    """What the walk met: elements outside the file meta group, the claimed shape, where pixels and data set begin."""

    transfer_syntax: str = ""
    series: str = ""
    start: int = 0
    elements: int = 0
    too_deep: bool = False
    too_many: bool = False
    pixels_at: int | None = None
    rows: int = 0
    columns: int = 0
    frames: int = 1
    samples: int = 1
    bits: int = 0


@dataclass(slots=True)
class _Level:
    """A sequence or item that is open: its end (None: at a delimiter), how its elements are written, compressed pixels."""

    end: int | None
    explicit: bool
    fragments: bool = False


def walk(stream: BinaryIO, *, depth: int, elements: int, past_pixels: bool = True) -> Seen:
    """
    Walk to the end, to the first thing that is no element, to a nesting beyond ``depth``, or past ``elements``.

    Of a deflated file only the file meta group is seen; :func:`walk_data_set` goes on with what it inflates to.

    Parameters
    ----------
    stream : a seekable binary stream of a DICOM file with or without its 128-byte preamble
    depth, elements : int
        Sequences inside one another, and elements in all, that are followed.
    past_pixels : bool
        Go on to what follows the pixels; in an archive that means to unpack them.
    """
    seen = Seen()
    stream.seek(0)
    pos = 132 if stream.read(132)[128:] == b"DICM" else 0
    pos = _meta(stream, pos, seen)
    seen.start = pos
    if seen.transfer_syntax == _DEFLATED:
        return seen
    walk_data_set(stream, seen, depth=depth, elements=elements, past_pixels=past_pixels)
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


def walk_data_set(
    stream: BinaryIO, seen: Seen, *, depth: int, elements: int, past_pixels: bool = True
) -> None:
    """Go on from ``seen.start`` and tell ``seen`` what is met."""
    order = ">" if seen.transfer_syntax == _BIG else "<"
    tag_of, long_of, short_of = (struct.Struct(order + kind).unpack_from for kind in ("HH", "I", "H"))
    levels: list[_Level] = []
    pos = seen.start
    stream.seek(pos)
    explicit = _written(stream.read(6)[4:])  # as readers do: by the first element, not by the transfer syntax
    if not seen.transfer_syntax:
        seen.transfer_syntax = _EXPLICIT if explicit else _IMPLICIT
    while True:
        while levels and levels[-1].end is not None and pos >= levels[-1].end:
            levels.pop()
        stream.seek(pos)
        head = stream.read(12)
        if len(head) < 8:
            return
        tag = tag_of(head)
        level = levels[-1] if levels else _Level(None, explicit)
        vr, length, skip = b"", long_of(head, 4)[0], 8
        if tag[0] != 0xFFFE and level.explicit and _written(head[4:6]):
            vr = head[4:6]
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
        if seen.elements > elements:
            seen.too_many = True
            return
        pixels = tag in _PIXELS
        if not levels and pixels:
            seen.pixels_at = pos
            if not past_pixels:
                return
        if not level.fragments and (tag[0] == 0xFFFE or vr == b"SQ" or length == _UNDEFINED):
            within = level.explicit and vr != b"UN"  # unknown of undefined length: implicit elements inside
            levels.append(_Level(None if length == _UNDEFINED else pos + length, within, fragments=pixels))
            if len(levels) > 2 * depth:
                seen.too_deep = True
                return
            continue
        if not levels and tag in _NUMBERS and length <= 16:
            stream.seek(pos)
            _number(seen, _NUMBERS[tag], stream.read(length), order)
        elif not levels and tag == _SERIES and length <= 64:
            stream.seek(pos)
            seen.series = stream.read(length).decode("latin-1").strip("\0 ")
        pos += length


def _written(vr: bytes) -> bool:
    """Whether two bytes are a written value representation."""
    return len(vr) == 2 and vr.isalpha() and vr.isupper()


def _number(seen: Seen, name: str, value: bytes, order: str) -> None:
    if name != "frames":
        number = struct.unpack_from(order + "H", value)[0] if len(value) >= 2 else 0
    else:
        text = value.split(b"\\")[0].strip(b" \0")
        number = int(text) if text.isdigit() else 1
    setattr(seen, name, number)
