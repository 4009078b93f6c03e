"""
Direct identifiers in a column: Chinese resident numbers, telephones, e-mail, record numbers, dates; telling headers.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import pandas as pd

from osteon.cohort.schema import plain

__all__ = ["identifier_kind", "identifier_rows", "names_an_identifier", "resident_number", "written_dates"]

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_EDGE = r"(?<![0-9A-Za-z]){}(?![0-9A-Za-z])"
_DATE = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_PATTERNS = {
    "resident_number": re.compile(_EDGE.format(rf"[1-9]\d{{5}}{_DATE}\d{{3}}[\dXx]")),
    "resident_number_15": re.compile(
        _EDGE.format(r"[1-9]\d{5}\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}")
    ),
    "mobile": re.compile(r"(?<![0-9A-Za-z.])(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?![0-9A-Za-z])"),
    "telephone": re.compile(r"(?<!\d)(?:0\d{2,3}[- ]\d{7,8}|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4})(?!\d)"),
    "email": re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"),
    "record_number": re.compile(
        r"(?:MRN|ZYH|住院号|门诊号|病历号|病案号|登记号)\s*[:：#]?\s*[A-Z]{0,3}\d{4,}", re.IGNORECASE
    ),
    "date": re.compile(
        r"(?<!\d)(?:19|20)\d\d[-/.年](?:0?[1-9]|1[0-2])[-/.月](?:0?[1-9]|[12]\d|3[01])日?(?!\d)"
    ),
}
_WHOLE_DATE = re.compile(r"((?:19|20)\d\d)([-/.年]?)(\d{1,2})(?:[-/.月]?)(\d{1,2})日?(?: 00:00:00)?")
_HEADERS = frozenset(map(plain, (
    "name", "full name", "first name", "last name", "surname", "given name", "patient name", "姓名", "患者姓名", "病人姓名", "名字",
    "address", "street", "home address", "住址", "地址", "家庭住址", "联系地址", "户籍地址", "现住址",
    "phone", "telephone", "mobile", "tel", "phone number", "电话", "手机", "手机号", "手机号码", "联系电话", "联系方式",
    "email", "e-mail", "mail", "邮箱", "电子邮箱", "微信", "微信号", "wechat", "qq",
    "id card", "id number", "identity card", "national id", "ssn", "nhs number", "passport", "身份证", "身份证号", "身份证号码",
    "证件号", "证件号码", "护照", "社保号", "医保号", "医保卡号", "insurance number",
    "mrn", "hospital number", "medical record number", "accession number", "病历号", "住院号", "门诊号", "病案号", "就诊卡号",
    "登记号", "检查号", "影像号", "contact", "next of kin", "联系人", "家属", "家属姓名", "工作单位", "单位", "employer",
)))  # fmt: skip


def names_an_identifier(header: str) -> bool:
    """
    True when a column's name alone says that it identifies people.

    Examples
    --------
    >>> names_an_identifier("患者姓名"), names_an_identifier("Phone_Number"), names_an_identifier("bmi")
    (True, True, False)
    """
    return plain(header) in _HEADERS


def resident_number(text: str) -> bool:
    """
    True for an 18-digit Chinese resident identity number whose check digit is right.

    Source
    ------
    GB 11643-1999 (ISO 7064 MOD 11-2).

    Examples
    --------
    The example printed in the standard's articles, and one with a wrong check digit:

    >>> resident_number("11010519491231002X"), resident_number("110105194912310021")
    (True, False)
    """
    if not _PATTERNS["resident_number"].fullmatch(text):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _WEIGHTS, strict=False))
    return _CHECK_DIGITS[total % 11] == text[17].upper()


def identifier_kind(value: Any) -> str | None:
    """
    What kind of identifier a cell holds, or None.

    Examples
    --------
    >>> identifier_kind("call 138 0013 8000"), identifier_kind(13800138000.0), identifier_kind("T8"), identifier_kind(61.5)
    ('mobile', 'mobile', None, None)
    """
    text = _text(value)
    if len(text) < 5:
        return None
    for kind, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            if kind != "resident_number" or resident_number(match.group()):
                return kind
    return None


def _text(value: Any) -> str:
    """A cell as text; numbers only when they are whole and long enough to be a number of somebody."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or not hasattr(value, "__float__") or pd.isna(value):
        return ""
    number = float(value)
    return str(int(value)) if number.is_integer() and 1e10 <= number < 1e19 else ""


def identifier_rows(column: pd.Series) -> dict[str, tuple[Hashable, ...]]:
    """
    Rows of a column that hold identifiers, by kind.

    Examples
    --------
    >>> identifier_rows(pd.Series(["fell at home", "tel 010-62781234", "a@b.cn"]))
    {'telephone': (1,), 'email': (2,)}
    """
    values = column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return {}
    present = values.dropna()
    kinds = {value: identifier_kind(value) for value in present.unique()}
    found: dict[str, list[Hashable]] = {}
    for row, value in present.items():
        kind = kinds[value]
        if kind is not None:
            found.setdefault(kind, []).append(row)
    return {kind: tuple(rows) for kind, rows in found.items()}


def written_dates(column: pd.Series) -> pd.Series | None:
    """
    The column as dates when every value in it is a whole date, year first, written as text or as 20200105; else None.

    Examples
    --------
    >>> written_dates(pd.Series(["2020-01-05", "2020年3月7日"])).dt.day.tolist()
    [5, 7]
    >>> written_dates(pd.Series(["2020-01-05", "unknown"])) is None
    True
    """
    present = column.dropna()
    if present.empty or pd.api.types.is_datetime64_any_dtype(column.dtype):
        return None
    texts = present.astype(object).map(_date_text)
    if texts.isna().any():
        return None
    dates = pd.to_datetime(texts.astype(str), format="%Y-%m-%d", errors="coerce")
    return None if dates.isna().any() else dates.reindex(column.index)


def _date_text(value: Any) -> str | None:
    """A cell as YYYY-MM-DD, or None when it is no whole date; numbers and unseparated text need eight digits."""
    if not isinstance(value, str):
        if isinstance(value, bool) or not hasattr(value, "__float__") or not float(value).is_integer():
            return None
        value = str(int(value))
    match = _WHOLE_DATE.fullmatch(value.strip())
    if match is None or (not match[2] and len(value.strip()) != 8):
        return None
    return f"{match[1]}-{int(match[3]):02d}-{int(match[4]):02d}"
