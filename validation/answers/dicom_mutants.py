"""DICOM files spoilt in the ways files are spoilt, by accident or on purpose, from a numbered seed."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import generate_uid

LARGEST = 300_000  # bytes of a file that is worth spoiling thousands of times
VRS = [
    vr.encode()
    for vr in [
        "AE",
        "AS",
        "AT",
        "CS",
        "DA",
        "DS",
        "DT",
        "FD",
        "FL",
        "IS",
        "LO",
        "LT",
        "OB",
        "OW",
        "PN",
        "SH",
        "SL",
        "SQ",
        "SS",
        "ST",
        "TM",
        "UI",
        "UL",
        "UN",
        "US",
        "UT",
    ]
]
ELEMENT = re.compile(rb"(?s)[\x00-\x7f]\x00..(" + b"|".join(VRS) + rb")")
LONG = {b"OB", b"OW", b"SQ", b"UN", b"UT"}
SYNTAXES = [b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.5",
            b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.70", b"1.2.840.10008.1.2.4.80",
            b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.91", b"1.2.840.10008.1.2.4.201"]  # fmt: skip
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A good file to spoil, and the good neighbour that makes it a series (so that its pixels are decoded)."""

    name: str
    content: bytes
    neighbour: bytes | None = None


def seeds(folder: Path) -> list[Seed]:
    """Every DICOM file below ``folder``: single images as a series of two slices, all others as they are."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size <= LARGEST):
        content = path.read_bytes()
        if content[128:132] != b"DICM" and content[:2] not in (b"\x08\0", b"\x02\0"):
            continue
        name = str(path.relative_to(folder))
        pair = _two_slices(content)
        if pair is None:
            found.append(Seed(name=name, content=content))
        else:  # a slice alone would be refused before its pixels are decoded
            found.append(Seed(name=name, content=pair[0], neighbour=pair[1]))
    return found


def _two_slices(content: bytes) -> tuple[bytes, bytes] | None:
    slices = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in (0, 1):
            try:
                scan = pydicom.dcmread(io.BytesIO(content), force=True)
                if "PixelData" not in scan or int(scan.get("NumberOfFrames") or 1) > 1:
                    return None
                scan.Modality, scan.PixelSpacing, scan.SliceThickness = "CT", [1, 1], 5
                scan.ImageOrientationPatient, scan.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 5 * n]
                scan.SOPInstanceUID = generate_uid(entropy_srcs=[str(n), str(len(content))])
                buffer = io.BytesIO()
                scan.save_as(buffer)
            except Exception:  # noqa: BLE001 - a file that pydicom cannot write again is spoilt as it is
                return None
            slices.append(buffer.getvalue())
    return slices[0], slices[1]


def _flipped(content: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(int(rng.integers(1, 20))):
        content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    return content


def _header_flipped(content: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(int(rng.integers(1, 20))):
        content[int(rng.integers(min(len(content), 2000)))] = int(rng.integers(256))
    return content


def _cut(content: bytearray, rng: np.random.Generator) -> bytearray:
    return content[: int(rng.integers(len(content)))]


def _somewhere(content: bytearray, rng: np.random.Generator) -> re.Match[bytes] | None:
    """A place that looks like the header of an element with a written VR."""
    places = list(ELEMENT.finditer(bytes(content[: 64 * 1024])))
    return places[int(rng.integers(len(places)))] if places else None


def _length_changed(content: bytearray, rng: np.random.Generator) -> bytearray:
    place = _somewhere(content, rng)
    if place is None:
        return _header_flipped(content, rng)
    value = int(
        rng.choice([0, 1, 3, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF, int(rng.integers(1 << 32))])
    )
    if place[1] in LONG:
        struct.pack_into("<I", content, min(place.end() + 2, len(content) - 4), value)
    else:
        struct.pack_into("<H", content, min(place.end(), len(content) - 2), value & 0xFFFF)
    return content


def _vr_swapped(content: bytearray, rng: np.random.Generator) -> bytearray:
    place = _somewhere(content, rng)
    if place is None:
        return _header_flipped(content, rng)
    content[place.start(1) : place.end(1)] = VRS[int(rng.integers(len(VRS)))]
    return content


def _nested(content: bytearray, rng: np.random.Generator) -> bytearray:
    place = _somewhere(content, rng)
    at = place.start() if place else min(len(content), 400)
    n = int(rng.choice([3, 30, 300, 5000]))
    if rng.random() < 0.5:  # ends by delimiters, or never
        content[at:at] = (b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff") * n
        return content
    inside = b""
    for _ in range(min(n, 300)):  # ends by lengths
        item = b"\xfe\xff\0\xe0" + struct.pack("<I", len(inside)) + inside
        inside = b"\x08\0\x40\x11SQ\0\0" + struct.pack("<I", len(item)) + item
    content[at:at] = inside
    return content


def _after_meta(content: bytearray) -> int:
    place = re.search(rb"\x08\0[\x00-\x20]\0", bytes(content[132:4096]))
    return 132 + place.start() if place else min(len(content), 132)


def _syntax(content: bytearray, uid: bytes) -> bytearray:
    place = re.search(rb"\x02\0\x10\0UI(..)", bytes(content[:2000]), re.DOTALL)
    if place is not None:
        length = struct.unpack("<H", place[1])[0]
        uid += b"\0" * (len(uid) % 2)
        content[place.start() + 6 : place.end() + length] = struct.pack("<H", len(uid)) + uid
    return content


def _another_syntax(content: bytearray, rng: np.random.Generator) -> bytearray:
    return _syntax(content, SYNTAXES[int(rng.integers(len(SYNTAXES)))])


def _deflate_bomb(content: bytearray, rng: np.random.Generator) -> bytearray:
    at = _after_meta(content)
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(content[at:])) + packer.flush(zlib.Z_FULL_FLUSH)
    mib = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    content[at:] = packed + mib * int(rng.choice([1, 10, 100, 1000])) + packer.flush()
    return _syntax(content, b"1.2.840.10008.1.2.1.99")


def _false_claim(content: bytearray, rng: np.random.Generator) -> bytearray:
    sizes = [0, 1, 4096, 20000, 65535]
    for tag in (b"\x28\0\x10\0", b"\x28\0\x11\0"):
        place = re.search(re.escape(tag) + rb"US\x02\0", bytes(content))
        if place is not None:
            struct.pack_into("<H", content, min(place.end(), len(content) - 2), int(rng.choice(sizes)))
            frames = b"\x28\0\x08\0IS\x06\0" + str(int(rng.choice([0, 1, 1000, 99999]))).encode().ljust(6)
            if tag[2] == 0x10 and b"\x28\0\x08\0IS" not in content:
                content[place.start() : place.start()] = frames
    return content


def _spliced(content: bytearray, rng: np.random.Generator) -> bytearray:
    a, b = sorted(int(n) for n in rng.integers(len(content), size=2))
    to = int(rng.integers(len(content)))
    what = content[a : min(b, a + 20_000)]
    if rng.random() < 0.5:
        del content[a:b]
    content[to:to] = what
    return content


KINDS: dict[str, Callable[[bytearray, np.random.Generator], bytearray]] = {
    "bits flipped": _flipped,
    "header bytes replaced": _header_flipped,
    "cut short": _cut,
    "length changed": _length_changed,
    "VR swapped": _vr_swapped,
    "sequences nested": _nested,
    "deflate bomb": _deflate_bomb,
    "false claim of size": _false_claim,
    "spliced": _spliced,
    "another transfer syntax": _another_syntax,
}


def write_mutant(known: list[Seed], number: int, folder: Path) -> tuple[str, str, Path]:
    """
    Write mutant ``number`` into ``folder``; returns its kind, the name of its seed and the path to read.

    The kind goes round with the number; everything else follows from the number as the seed of the generator.
    """
    rng = np.random.default_rng([20261120, number])
    kind = list(KINDS)[number % len(KINDS)]
    seed = known[int(rng.integers(len(known)))]
    content = bytes(KINDS[kind](bytearray(seed.content), rng))
    path = folder / f"{number}.dcm"
    if seed.neighbour is None:
        path.write_bytes(content)
        return kind, seed.name, path
    path = folder / str(number)
    path.mkdir()
    (path / "a.dcm").write_bytes(content)
    (path / "b.dcm").write_bytes(seed.neighbour)
    return kind, f"{seed.name} as a series", path
