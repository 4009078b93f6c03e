"""
Tables from files: CSV, TSV, XLSX, Parquet and SAS XPT, plain or gzipped, with encoding and delimiter found.

Rows are numbered as the file shows them: the header is row 1, the first person row 2. Every complaint names the
file, the row and the column. Nothing is guessed beyond the encoding and the delimiter, which are kept in
``table.attrs``.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from osteon.cohort.cells import NUMBER, folded, is_missing
from osteon.cohort.xpt import read_xpt
from osteon.core.errors import FileError, SchemaError

__all__ = ["DAMAGED_WORKBOOK", "check_headers", "read_bytes", "read_table"]

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_FOUR_BYTES = re.compile(rb"[\x81-\xfe][0-9][\x81-\xfe][0-9]")  # rare characters of GB18030
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
#: What openpyxl, the zip archive or its XML raise on a damaged workbook.
DAMAGED_WORKBOOK = (zipfile.BadZipFile, zlib.error, LookupError, EOFError, ValueError, TypeError, AttributeError,
                     SyntaxError, NotImplementedError)  # fmt: skip
_ID_LIKE = re.compile(r"[+-]?0\d+|[+-]?\d{16,}")


def read_table(
    path: Path, *, sheet: str | None = None, delimiter: str | None = None, encoding: str | None = None
) -> pd.DataFrame:
    """
    The table in a file, headers and cells as written; a column holding numbers alone is numeric.

    Parameters
    ----------
    path : Path
        ``.csv .tsv .txt .xlsx .xlsm .parquet .xpt``, each also with ``.gz``.
    sheet : str, optional
        Sheet of a workbook; the first when not given.
    delimiter, encoding : str, optional
        Overrule what would be found.

    Returns
    -------
    DataFrame
        Index ``row``: the row number in the file (first data row is 2).

    Raises
    ------
    FileError
        Missing, empty, cut short, of another format, of an unknown encoding, or one column only.
    SchemaError
        Blank or repeated headers, or a row longer or shorter than the header.
    """
    path = Path(path)
    content = read_bytes(path)
    name = path.name.removesuffix(".gz") if path.name.lower().endswith(".gz") else path.name
    kind = Path(name).suffix.lower()
    if kind in (".csv", ".tsv", ".txt", ".dat"):
        return _delimited(content, path=path, delimiter=delimiter, encoding=encoding)
    if kind in (".xlsx", ".xlsm"):
        return _workbook(content, path=path, sheet=sheet)
    if kind == ".parquet":
        return _parquet(content, path=path)
    if kind == ".xpt":
        return read_xpt(content, name=str(path))
    hint = "Save it as .xlsx or .csv." if kind in (".xls", ".et", ".ods", ".numbers") else ""
    raise FileError(f"{path}: files of type {kind or 'without an ending'!r} are not read.",
                    hint=hint or "Read are .csv, .tsv, .txt, .xlsx, .parquet and .xpt, also with .gz.")  # fmt: skip


def read_bytes(path: Path) -> bytes:
    """
    The bytes of a file, unpacked when its name ends in ``.gz``.

    Raises
    ------
    FileError
        The file is missing, a folder, empty, or its gzip stream is cut short.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileError(f"{path}: no such file.", hint="Check the path.") from None
    except IsADirectoryError:
        raise FileError(f"{path}: is a folder, expected a file.") from None
    except PermissionError:
        raise FileError(f"{path}: may not be read (permission denied).") from None
    if path.suffix.lower() == ".gz" and content:
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FileError(
                f"{path}: the gzip stream is damaged or cut short ({error}; {len(content)} bytes are there).",
                hint="Fetch the file again.",
            ) from None
    if not content.strip():
        raise FileError(f"{path}: the file is empty.")
    return content


def _decoded(content: bytes, *, path: Path, encoding: str | None) -> tuple[str, str]:
    """Text and the encoding it was in: as told, by byte-order mark, UTF-8, UTF-16 without mark, GB18030."""
    if encoding is not None:
        tried = [encoding]
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        tried = ["utf-16"]
    elif b"\x00" in content[:4096]:
        tried = ["utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"]
    else:
        tried = ["utf-8-sig"] if _lonely_high_bytes(content) else ["utf-8-sig", "gb18030"]
    for name in tried:
        try:
            return content.decode(name), name
        except LookupError:
            raise FileError(f"{path}: unknown encoding {name!r}.") from None
        except UnicodeDecodeError as error:
            where = content.count(b"\n", 0, error.start) + 1
    raise FileError(
        f"{path}: row {where} is not text in {' or '.join(tried)}.",
        hint="Save the file as UTF-8 and try again.",
    )


def _lonely_high_bytes(content: bytes) -> bool:
    """True when bytes above 127 mostly stand alone, as in Latin-1 names; Chinese text has them in pairs."""
    rest = _FOUR_BYTES.sub(b"", content[: 1 << 20])
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", rest)]
    return sum(run == 1 for run in runs) > sum(run // 2 for run in runs)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _delimiter(text: str, *, path: Path, told: str | None) -> str:
    """The delimiter that cuts the header into most columns; one column only is refused, saying what was found."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    widths = {mark: len(next(csv.reader([header], delimiter=mark))) for mark in _DELIMITERS}
    best = max(widths, key=lambda mark: widths[mark])
    if told is not None:
        width = len(next(csv.reader([header], delimiter=told)))
        if width > 1:
            return told
        hint = f"{_DELIMITERS[best].capitalize()} would give {widths[best]}." if widths[best] > 1 else ""
        raise FileError(f"{path}: the delimiter {told!r} gives one column only.", hint=hint)
    if widths[best] > 1:
        return best
    odd = next((mark for mark in "|:~^" if mark in header), None) or (" " if " " in header.strip() else None)
    seems = f" It seems to be delimited by {odd!r}." if odd else ""
    raise FileError(
        f"{path}: one column only: no comma, semicolon or tab in the header {header.strip()[:80]!r}.{seems}",
        hint="Save the table with commas, semicolons or tabs between the columns.",
    )


def _delimited(content: bytes, *, path: Path, delimiter: str | None, encoding: str | None) -> pd.DataFrame:
    text, found = _decoded(content, path=path, encoding=encoding)
    mark = _delimiter(text, path=path, told=delimiter)
    try:
        rows = list(enumerate(_rows(text, mark), start=1))
    except csv.Error as error:
        raise FileError(f"{path}: not a delimited table ({error}).") from None
    rows = [(number, row) for number, row in rows if any(cell.strip() for cell in row)]
    table = _framed(rows, path=path)
    if mark == ";":
        for column in table:
            table[column] = _decimal_points(table[column])
    table = table.apply(_typed)
    table.attrs = {"encoding": found.removesuffix("-sig"), "delimiter": _DELIMITERS.get(mark, mark)}
    return table


def _framed(rows: Sequence[tuple[int, Sequence[Any]]], *, path: Path) -> pd.DataFrame:
    """Rows under the first one as header; a last cell that is blank in every row is cut off."""
    header = [unicodedata.normalize("NFC", _text(cell)).strip() for cell in rows[0][1]]
    while header and not header[-1] and all(_blank(row[len(header) - 1 :]) for _, row in rows[1:]):
        header.pop()
    width = len(header)
    body = []
    for number, row in rows[1:]:
        if len(row) < width or not _blank(row[width:]):
            raise SchemaError(
                f"{path}: row {number} has {len(row)} cells, the header has {width}.",
                hint="A delimiter inside a cell must stand in quotes.",
            )
        body.append(list(row[:width]))
    check_headers(header, path=path)
    if not body:
        raise FileError(f"{path}: a header but no rows.")
    index = pd.Index([number for number, _ in rows[1:]], name="row")
    return pd.DataFrame(body, columns=header, index=index, dtype=object)


def _blank(cells: Iterable[Any]) -> bool:
    return all(_text(cell).strip() == "" for cell in cells)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


def check_headers(header: Sequence[str], *, path: Path) -> None:
    """Refuse blank and repeated headers (two that differ only in case or width count as repeated)."""
    seen: dict[str, int] = {}
    for place, name in enumerate(header, start=1):
        if not name:
            raise SchemaError(
                f"{path}: column {place} has no header.", hint="Give every column one header cell."
            )
        key = unicodedata.normalize("NFKC", name).casefold()
        if key in seen:
            raise SchemaError(
                f"{path}: the header {name!r} stands over columns {seen[key]} and {place}.",
                hint="Rename or remove one of them.",
            )
        seen[key] = place


def _workbook(content: bytes, *, path: Path, sheet: str | None) -> pd.DataFrame:
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="openpyxl", category=UserWarning)
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            if sheet is not None and sheet not in book.sheetnames:
                raise FileError(
                    f"{path}: no sheet {sheet!r}.", hint=f"It holds {', '.join(book.sheetnames)}."
                )
            page = book[sheet] if sheet is not None else book.worksheets[0]
            rows = [(n, list(row)) for n, row in enumerate(page.iter_rows(values_only=True), start=1)]
            book.close()
    except FileError:
        raise
    except DAMAGED_WORKBOOK as error:
        raise FileError(
            f"{path}: not a readable workbook ({error}).", hint="Save it again as .xlsx."
        ) from None
    rows = [(number, row) for number, row in rows if not _blank(row)]
    if not rows:
        raise FileError(f"{path}: the sheet is empty.")
    width = max(len(row) for _, row in rows)
    table = _framed([(number, [*row, *[None] * (width - len(row))]) for number, row in rows], path=path)
    table = table.apply(_typed)
    table.attrs = {"sheet": page.title}
    return table


def _parquet(content: bytes, *, path: Path) -> pd.DataFrame:
    import pyarrow
    import pyarrow.parquet

    try:
        table: pd.DataFrame = pyarrow.parquet.read_table(pyarrow.BufferReader(content)).to_pandas()
    except (pyarrow.ArrowException, OSError, ValueError, LookupError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileError(f"{path}: not a readable Parquet file ({reason}).") from None
    if table.empty:
        raise FileError(f"{path}: a header but no rows.")
    table = table.reset_index(drop=True)
    table.columns = [str(column) for column in table.columns]
    check_headers(list(table.columns), path=path)
    table.index = pd.RangeIndex(2, len(table) + 2, name="row")
    return table


def _decimal_points(column: pd.Series) -> pd.Series:
    """1,5 as 1.5 when every number of the column that is not whole is written so (semicolon files)."""
    cells = [folded(cell) for cell in column[~is_missing(column)]]
    commas = [bool(_DECIMAL_COMMA.fullmatch(cell)) for cell in cells]
    fits = all(comma or re.fullmatch(r"[+-]?\d+", cell) for cell, comma in zip(cells, commas, strict=True))
    if any(commas) and fits:
        return column.map(lambda cell: cell.replace(",", ".") if isinstance(cell, str) else cell)
    return column


def _plain_numbers(cells: list[Any]) -> np.ndarray | None:
    """The short way for a column of nothing but written numbers and empty cells; None when it is anything else."""
    try:
        values = np.array([float(cell) if cell else np.nan for cell in cells])
        odd = any(len(cell) > 15 or cell[:1] in "0+-" for cell in cells)
    except (ValueError, TypeError):
        return None
    blank = np.array([not cell for cell in cells])
    if blank.all() or not np.isfinite(values[~blank]).all() or "_" in "".join(cells):
        return None
    if odd and any(_ID_LIKE.fullmatch(cell) for cell in cells):
        return None
    whole = not blank.any() and bool((np.abs(values) < 2**53).all() and (values % 1 == 0).all())
    return values.astype(np.int64) if whole else values


def _typed(column: pd.Series) -> pd.Series:
    """A column of numbers as numbers (unless leading zeros or 16 digits say id), else text with None for missing."""
    values = _plain_numbers(column.tolist())
    if values is not None:
        return pd.Series(values, index=column.index, name=column.name)
    gone = is_missing(column)
    present = column[~gone]
    if len(present) == 0:
        return pd.Series(np.nan, index=column.index, name=column.name)
    if all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in present):
        return pd.to_numeric(column.mask(gone))
    if not all(isinstance(cell, str) for cell in present):
        return column.mask(gone, None)
    cells = [unicodedata.normalize("NFKC", cell).strip() for cell in present]
    if all(NUMBER.fullmatch(cell) for cell in cells) and not any(_ID_LIKE.fullmatch(cell) for cell in cells):
        values = pd.Series(np.nan, index=column.index, name=column.name)
        values[~gone] = [float(cell) for cell in cells]
        whole = not gone.any() and bool((values.abs() < 2**53).all() and (values % 1 == 0).all())
        return values.astype("int64") if whole else values
    return pd.Series(
        np.where(gone, None, column.map(_text).str.strip()), index=column.index, name=column.name
    )
