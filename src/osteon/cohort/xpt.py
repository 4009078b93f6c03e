"""
SAS transport files, version 5 (XPT): the format NHANES is published in.

A file is a row of 80-byte records: library header, member header, one 140-byte description per variable, then the
observations back to back, numbers as IBM hexadecimal floats, the last record filled up with blanks. The number of
observations is stored nowhere, so a cut file is found by what does not fit at its end.

Source: SAS technical support document TS-140, "Record layout of a SAS data set in SAS transport (XPORT) format".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from osteon.core.errors import FileError

__all__ = ["ibm_float", "read_xpt"]

_RECORD = 80
_LIBRARY = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
_MEMBER = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!"
_NAMESTR = b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!"
_OBS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"
_MISSING_CODES = np.frombuffer(b"._ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)
_TINY = 1e-70  # 16**-65 (5.4e-79) is how careless converters write zero


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variable:
    name: str
    numeric: bool
    length: int
    start: int


def read_xpt(content: bytes, *, name: str) -> pd.DataFrame:
    """
    The table of a transport file: numbers float64 with NaN for SAS missing (``.``, ``.A`` to ``.Z``), text as text.

    Parameters
    ----------
    content : bytes
        The whole file, unpacked.
    name : str
        The file's name, for messages.

    Returns
    -------
    DataFrame
        Index ``row`` starts at 2, as in the other readers.

    Raises
    ------
    FileError
        Not a version 5 transport file, several tables in one file, or cut short.
    """
    if content.startswith(b"**COMPRESSED**"):
        raise FileError(f"{name}: a SAS CPORT file.", hint="Write it with the XPORT engine instead.")
    if content.startswith(b"HEADER RECORD*******LIBV8"):
        raise FileError(
            f"{name}: a version 8 transport file.", hint="Write it with the XPORT (version 5) engine."
        )
    if not content.startswith(_LIBRARY):
        raise FileError(f"{name}: not a SAS transport file (its first 20 bytes are {content[:20]!r}).")
    variables, start = _described(content, name=name)
    width = sum(v.length for v in variables)
    rows = _observations(content, start=start, width=width, name=name)
    columns = {v.name: _column(rows, v) for v in variables}
    return pd.DataFrame(columns, index=pd.RangeIndex(2, len(rows) + 2, name="row"))


def _described(content: bytes, *, name: str) -> tuple[list[_Variable], int]:
    """The variables and the byte where observations start."""
    member = content.find(_MEMBER)
    labels = content.find(_NAMESTR)
    if member < 0 or labels < 0:
        raise FileError(
            f"{name}: cut short inside the header ({len(content)} bytes).", hint="Fetch the file again."
        )
    try:
        size = int(content[member + 74 : member + 78])
        count = int(content[labels + 54 : labels + 58])
    except ValueError:
        raise FileError(f"{name}: cut short or damaged inside the header ({len(content)} bytes).") from None
    first = labels + _RECORD
    block = -(-size * count // _RECORD) * _RECORD
    start = first + block + _RECORD
    if len(content) < start or not content[first + block :].startswith(_OBS):
        raise FileError(
            f"{name}: cut short inside the header: {len(content)} bytes, {start} expected before the first row.",
            hint="Fetch the file again.",
        )
    return [_variable(content[first + i * size :][:size]) for i in range(count)], start


def _variable(entry: bytes) -> _Variable:
    return _Variable(
        name=entry[8:16].decode("latin-1").rstrip(),
        numeric=_integer(entry[0:2]) == 1,
        length=_integer(entry[4:6]),
        start=_integer(entry[84:88]),
    )


def _integer(field: bytes) -> int:
    return int.from_bytes(field, "big")


def _observations(content: bytes, *, start: int, width: int, name: str) -> np.ndarray:
    """Observations as bytes, shape (rows, width); refuses what a whole file cannot end with."""
    body = content[start:]
    if _MEMBER in body:
        raise FileError(f"{name}: holds several tables.", hint="Export one table per file.")
    n_rows, rest = divmod(len(body), width)
    over = len(content) % _RECORD
    if over or rest >= _RECORD or body[n_rows * width :].strip(b" "):
        whole = (
            f"{over} bytes beyond a record of {_RECORD}"
            if over
            else f"{rest} of {width} bytes of the next row"
        )
        raise FileError(
            f"{name}: cut short after row {n_rows + 1}: {len(content)} bytes, which leaves {whole}.",
            hint=f"A whole file ends with its last row and blanks up to a multiple of {_RECORD} bytes; fetch it again.",
        )
    rows = np.frombuffer(body, dtype=np.uint8, count=n_rows * width).reshape(n_rows, width)
    # rows shorter than a record: whole rows of blanks at the end are filling, not people
    filled = n_rows
    while filled and n_rows - filled < _RECORD // width and (rows[filled - 1] == 0x20).all():
        filled -= 1
    if filled == 0:
        raise FileError(f"{name}: a header but no rows.")
    return np.asarray(rows[:filled])


def _column(rows: np.ndarray, variable: _Variable) -> np.ndarray | list[str | None]:
    cells = rows[:, variable.start : variable.start + variable.length]
    if variable.numeric:
        return ibm_float(cells)
    return [bytes(cell).decode("latin-1").rstrip() or None for cell in cells]


def ibm_float(cells: np.ndarray) -> np.ndarray:
    """
    IBM hexadecimal floats (2 to 8 bytes each) as float64; SAS missing codes as NaN.

    Parameters
    ----------
    cells : uint8 array, shape (n, length)

    Returns
    -------
    float64 array, shape (n,)
        Values below 1e-70 in size are zero.

    Examples
    --------
    >>> ibm_float(np.array([[0x41, 0x10, 0, 0, 0, 0, 0, 0], [0xC2, 0x76, 0xA0, 0, 0, 0, 0, 0]], dtype=np.uint8))
    array([   1.   , -118.625])
    """
    n, length = cells.shape
    wide = np.zeros((n, 8), dtype=np.uint8)
    wide[:, :length] = cells
    missing = np.isin(wide[:, 0], _MISSING_CODES) & (wide[:, 1:] == 0).all(axis=1)
    sign = np.where(wide[:, 0] & 0x80, -1.0, 1.0)
    exponent = 4 * ((wide[:, 0] & 0x7F).astype(np.int64) - 64) - 56
    fraction = wide.copy()
    fraction[:, 0] = 0
    bits = np.ascontiguousarray(fraction).view(">u8").reshape(n)
    values = sign * np.ldexp(bits.astype(np.float64), exponent)
    values[np.abs(values) < _TINY] = 0.0
    values[missing] = np.nan
    return np.asarray(values, dtype=np.float64)
