"""
One entry of a patient file made a fact: numbers with units and windows, dates, yes and no, words.

Every complaint names the place and the field, says what came and what to write instead. "unknown" is None, never "no".
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from osteon.cohort.units import conversion_factor, quantities
from osteon.core.config import read_toml
from osteon.core.errors import InputError, UnitError

__all__ = ["QUANTITIES", "day", "is_unknown", "number", "quantity", "words", "yes_no"]

_SPEC = read_toml(Path(__file__).with_name("patient_file.toml"))
QUANTITIES: Mapping[str, Mapping[str, Any]] = _SPEC["quantity"]
"""Entries that need a unit: creatinine, calcium, ..."""
_WINDOW: Mapping[str, tuple[float, float]] = {
    name: (low, high) for name, (low, high) in _SPEC["window"].items()
}
_UNKNOWN = frozenset({"", "unknown", "?", "n/a", "na", "not known", "不详", "未知"})
_YES = frozenset({"yes", "y", "true", "是", "有"})
_NO = frozenset({"no", "n", "false", "none", "否", "无"})
_AMOUNT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(.*)")
_DAY = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?|年)?")


def is_unknown(value: Any) -> bool:
    """Is the entry empty, or does it say that nobody knows?"""
    return (
        value is None or (isinstance(value, str) and value.strip().casefold() in _UNKNOWN) or value != value
    )


def number(name: str, value: Any, *, where: str) -> float | None:
    """
    A number within the window of its field.

    Raises
    ------
    InputError
        No number.
    UnitError
        Outside the window.

    Examples
    --------
    >>> number("t", "-2.5", where="A-1")
    -2.5
    """
    if is_unknown(value):
        return None
    if isinstance(value, bool):
        raise InputError(f"{where}: {name} = {value}: a number is expected.")
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"{where}: {name} = {value!r} is no number.", hint="Write a number, or 'unknown'."
        ) from None
    low, high = _WINDOW.get(name, (-1e9, 1e9))
    if not low <= found <= high:
        raise UnitError(f"{where}: {name} = {found:g} is impossible.", hint=f"Expected {low:g} to {high:g}.")
    return found


def quantity(name: str, value: Any, *, where: str, unit: str | None = None) -> float | None:
    """
    A laboratory value or a measure in our unit.

    Parameters
    ----------
    name : str
        "creatinine", "calcium", ... (:data:`QUANTITIES`).
    value : number, or a text such as "88 umol/L"
    unit : str, optional
        Where it stands apart from the value.

    Raises
    ------
    UnitError
        No unit, an unknown one, or a value that cannot be in it; where another unit would fit it is named.

    Examples
    --------
    >>> round(quantity("creatinine", "1.0 mg/dL", where="A-1"), 2)
    88.42
    """
    if is_unknown(value):
        return None
    spec = QUANTITIES[name]
    match = _AMOUNT.fullmatch(str(value).strip())
    if isinstance(value, bool) or match is None:
        raise InputError(
            f"{where}: {name} = {value!r} is no amount.",
            hint=f'Write "{spec["low"]:g} {spec["unit"]}" with its unit.',
        )
    amount, written = float(match[1]), (match[2] or unit or "").strip()
    known = list(quantities()[spec["quantity"]].factors)
    if not written:
        raise UnitError(
            f"{where}: {name} = {amount:g} has no unit.",
            hint=f'Write for instance "{amount:g} {spec["unit"]}"; known: {", ".join(known)}.',
        )
    try:
        found = amount * conversion_factor(spec["quantity"], unit=written, to=spec["unit"])
    except UnitError as error:
        raise UnitError(
            f"{where}: {name} = {value!r}: {error.message}", hint=f"Known: {', '.join(known)}."
        ) from None
    if spec["low"] <= found <= spec["high"]:
        return float(round(found, 9))
    fits = [
        other
        for other in known
        if spec["low"]
        <= amount * conversion_factor(spec["quantity"], unit=other, to=spec["unit"])
        <= spec["high"]
    ]
    hint = (
        f"Is it in {' or '.join(fits)}?"
        if fits
        else f"Expected {spec['low']:g} to {spec['high']:g} {spec['unit']}."
    )
    raise UnitError(f"{where}: {name} = {amount:g} {written} is impossible.", hint=hint)


def yes_no(name: str, value: Any, *, where: str) -> bool | None:
    """
    Yes, no or unknown.

    Raises
    ------
    InputError
        Another word.

    Examples
    --------
    >>> yes_no("smoker", "no", where="A-1"), yes_no("smoker", "unknown", where="A-1")
    (False, None)
    """
    if is_unknown(value):
        return None
    word = str(value).strip().casefold()
    if word in _YES or word in {"1", "1.0"}:
        return True
    if word in _NO or word in {"0", "0.0"}:
        return False
    raise InputError(f"{where}: {name} = {value!r} is neither yes nor no.", hint="Write yes, no or unknown.")


def day(name: str, value: Any, *, where: str, early: bool = False) -> date | None:
    """
    A date; of a month or a year alone the last day, or the first where ``early`` is the careful reading.

    Raises
    ------
    InputError
        No date.

    Examples
    --------
    >>> day("date", "2024-02", where="A-1"), day("last_dose", "2024-02", where="A-1", early=True)
    (datetime.date(2024, 2, 29), datetime.date(2024, 2, 1))
    """
    if is_unknown(value):
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    match = _DAY.fullmatch(str(value).strip().removesuffix(".0"))
    try:
        if match is None:
            raise ValueError
        year = int(match[1])
        month = int(match[2]) if match[2] else (1 if early else 12)
        last = calendar.monthrange(year, month)[1] if 1 <= month <= 12 else 0
        return date(year, month, int(match[3]) if match[3] else (1 if early else last))
    except ValueError:
        raise InputError(
            f"{where}: {name} = {value!r} is no date.", hint="Write 2026-08-01, 2026-08, 2026 or unknown."
        ) from None


def words(value: Any) -> tuple[str, ...]:
    """A list, or a text with semicolons, as words; "none" as no word."""
    if is_unknown(value):
        return ()
    parts = value if isinstance(value, list | tuple) else re.split(r"[;；]", str(value))
    return tuple(
        str(part).strip() for part in parts if str(part).strip() and str(part).strip().casefold() not in _NO
    )
