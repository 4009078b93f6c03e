"""A minimal writer of SAS transport files, version 5, to make files as the codebooks describe them."""

import struct

import numpy as np

RECORD = 80


def ibm(value):
    """A float as eight bytes of IBM hexadecimal floating point; NaN as the SAS missing value."""
    if value is None or value != value:
        return b"." + bytes(7)
    if value == 0:
        return bytes(8)
    mantissa, exponent = np.frexp(abs(float(value)))  # value = mantissa * 2**exponent, mantissa in [.5, 1)
    shift = -int(exponent) % 4
    power = (int(exponent) + shift) // 4
    bits = int(np.ldexp(mantissa, 56 - shift))
    return bytes([(0x80 if value < 0 else 0) | (power + 64)]) + bits.to_bytes(7, "big")


def padded(block):
    return block + b" " * (-len(block) % RECORD)


def record(text):
    return padded(text.encode("ascii"))


def namestr(number, name, numeric, length, start):
    entry = struct.pack(">hhhh", 1 if numeric else 2, 0, length, number)
    entry += name.encode().ljust(8) + b"".ljust(40) + b"".ljust(8)
    entry += struct.pack(">hhh", 0, 0, 0) + bytes(2) + b"".ljust(8) + struct.pack(">hh", 0, 0)
    entry += struct.pack(">l", start) + bytes(52)
    assert len(entry) == 140
    return entry


def write_xpt(path, columns, *, member="TABLE"):
    """Write ``columns`` (name -> list of floats or strings) to ``path`` and give the bytes back."""
    stamp = "01JAN20:00:00:00"
    entries, start = b"", 0
    plan = []
    for number, (name, values) in enumerate(columns.items(), start=1):
        text = any(isinstance(v, str) for v in values)
        length = max(len(v) for v in values if v) if text else 8
        entries += namestr(number, name, not text, length, start)
        plan.append((values, text, length))
        start += length
    rows = b"".join(
        (str(values[i] or "").ljust(length).encode() if text else ibm(values[i]))
        for i in range(len(plan[0][0]))
        for values, text, length in plan
    )
    content = b"".join(
        [
            record("HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!" + "0" * 30),
            record("SAS     SAS     SASLIB  9.4     TEST" + " " * 28 + stamp),
            record(stamp),
            record("HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!" + "0" * 17 + "1600000000140"),
            record("HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!" + "0" * 30),
            record(f"SAS     {member:<8}SASDATA 9.4     TEST" + " " * 28 + stamp),
            record(stamp),
            record(f"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000{len(columns):04d}" + "0" * 20),
            padded(entries),
            record("HEADER RECORD*******OBS     HEADER RECORD!!!!!!!" + "0" * 30),
            padded(rows),
        ]
    )
    path.write_bytes(content)
    return content
