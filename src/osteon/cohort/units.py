"""
Units of a column: conversion by declared factors, and columns that arrived in another unit than their name says.

The factors, their sources and the slip rules are data: ``units.toml``. A slip is "convert" when the number alone
proves the unit (calcium 9.6 can only be mg/dL) and "ask" when it cannot (25-OH vitamin D 28 may be ng/mL or nmol/L).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from osteon.cohort.schema import schema
from osteon.core.config import read_toml
from osteon.core.errors import ConfigError, UnitError

__all__ = ["Quantity", "UnitSlip", "calcium_corrected_mg_dl", "calcium_corrected_mmol_l", "conversion_factor",
           "convert", "quantities", "quantity_of", "unit_slip"]  # fmt: skip

_PATH = Path(__file__).with_name("units.toml")
_SPELLING = str.maketrans({"²": "2", "³": "3", "μ": "u", "µ": "u", "^": None, " ": None, "·": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A measured quantity: its unit in our tables, the columns that hold it, and factors into that unit."""

    name: str
    canonical: str
    fields: tuple[str, ...]
    factors: Mapping[str, float]
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSlip:
    """
    A column, or some of its rows, in another unit than the column's name says.

    Attributes
    ----------
    scope : "column" or "rows"
        The whole column, or only the rows listed.
    action : "convert" or "ask"
        "convert" when the values prove the unit; "ask" when they cannot, so that a person decides.
    rows : labels of the rows that slipped (every row with a value when ``scope`` is "column")
    unclear : labels of the other rows of a mixed column whose values do not tell their unit; never converted
    median : float
        Median of the column as it came.
    """

    field: str
    unit: str
    to: str
    factor: float
    scope: Literal["column", "rows"]
    action: Literal["convert", "ask"]
    rows: tuple[Hashable, ...]
    unclear: tuple[Hashable, ...]
    median: float

    def __str__(self) -> str:
        verb = "is" if self.action == "convert" else "may be"
        place = "whole column" if self.scope == "column" else f"{len(self.rows)} rows"
        return f"{self.field}: {place} {verb} in {self.unit}, expected {self.to} (median {self.median:g})"


@dataclass(frozen=True, slots=True)
class _SlipRule:
    unit: str
    usual: tuple[float, float]
    action: Literal["convert", "ask"]
    rows: Literal["convert", "ask"]
    median_below: float
    median_above: float


@cache
def quantities() -> Mapping[str, Quantity]:
    """Every quantity whose units are known, by name."""
    found = {}
    for name, entry in read_toml(_PATH)["quantity"].items():
        factors, sources = {entry["canonical"]: 1.0}, {entry["canonical"]: "canonical"}
        for row in entry["units"]:
            for spelling in (row["unit"], *row.get("aliases", ())):
                factors[spelling], sources[spelling] = float(row["factor"]), row["source"]
        found[name] = Quantity(name=name, canonical=entry["canonical"], fields=tuple(entry["fields"]),
                               factors=MappingProxyType(factors), sources=MappingProxyType(sources))  # fmt: skip
    return MappingProxyType(found)


@cache
def _by_field() -> Mapping[str, Quantity]:
    return {field: quantity for quantity in quantities().values() for field in quantity.fields}


@cache
def _slip_rules() -> Mapping[str, tuple[_SlipRule, ...]]:
    rules: dict[str, list[_SlipRule]] = {}
    for row in read_toml(_PATH)["slip"]:
        rule = _SlipRule(row["unit"], tuple(row["usual"]), row["action"], row.get("rows", "ask"),
                         row.get("median_below", -np.inf), row.get("median_above", np.inf))  # fmt: skip
        for field in row["fields"]:
            rules.setdefault(field, []).append(rule)
    return {field: tuple(found) for field, found in rules.items()}


def quantity_of(field: str) -> Quantity | None:
    """The quantity that a schema column measures, or None for columns without units of their own."""
    return _by_field().get(field)


def _plain(unit: str) -> str:
    """One spelling for "µg/L", "ug / L" and "UG/L"."""
    return unit.strip().translate(_SPELLING).lower().replace("mcg", "ug")


def _named(quantity: str) -> Quantity:
    known = quantities()
    if quantity not in known:
        close = get_close_matches(quantity, known, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(known))}."
        raise ConfigError(f"unknown quantity {quantity!r}.", hint=hint)
    return known[quantity]


def _factor(quantity: Quantity, unit: str) -> float:
    """
    The factor of a unit as written; a spelling that differs only by case is accepted when it can mean one unit.

    >>> _factor(quantities()["calcium"], "MG/DL")
    0.2495
    """
    if unit in quantity.factors:
        return quantity.factors[unit]
    same = {factor for known, factor in quantity.factors.items() if _plain(known) == _plain(unit)}
    if len(same) != 1:
        raise UnitError(
            f"{quantity.name}: unknown unit {unit!r}.", hint=f"Known units: {', '.join(quantity.factors)}."
        )
    return same.pop()


def conversion_factor(quantity: str, *, unit: str, to: str) -> float:
    """
    The number that turns a value in ``unit`` into ``to``.

    Raises
    ------
    ConfigError
        The quantity is unknown.
    UnitError
        A unit is unknown for this quantity; the known ones are named.

    Examples
    --------
    >>> conversion_factor("vitamin_d_25oh", unit="ng/mL", to="nmol/L")
    2.496
    """
    named = _named(quantity)
    return _factor(named, unit) / _factor(named, to)


def convert(values: ArrayLike, *, quantity: str, unit: str, to: str) -> NDArray[np.float64]:
    """
    Values of one quantity in another unit.

    Parameters
    ----------
    values : array_like of float, NaN = missing
    quantity : str
        Name in ``units.toml``, e.g. "calcium".
    unit, to : str
        Unit of the values and the unit wanted.

    Raises
    ------
    UnitError
        A unit is unknown for this quantity; the known ones are named.

    Source
    ------
    The factor and source of each unit stand in ``units.toml``.

    Examples
    --------
    A 25-OH vitamin D of 20 ng/mL, the threshold of deficiency, is 50 nmol/L:

    >>> convert([20.0], quantity="vitamin_d_25oh", unit="ng/mL", to="nmol/L").round(1).tolist()
    [49.9]
    >>> convert([1.0], quantity="calcium", unit="stone", to="mmol/L")
    Traceback (most recent call last):
    osteon.core.errors.UnitError: calcium: unknown unit 'stone'. Known units: mmol/L, mg/dL.
    """
    return np.asarray(values, dtype=np.float64) * conversion_factor(quantity, unit=unit, to=to)


def unit_slip(values: pd.Series, field: str, *, unit_declared: bool = False) -> UnitSlip | None:
    """
    A column that is, wholly or in some rows, in another unit than its name says.

    Parameters
    ----------
    values : Series of float, NaN = missing
    field : str
        The schema's name of the column.
    unit_declared : bool
        The unit came with the data (a header, a dictionary): then a merely suspicious median is no slip.

    Returns
    -------
    UnitSlip or None
        None when the column has no slip rule or looks right.

    Source
    ------
    Ranges in ``units.toml``; calcium above 5 and creatinine below 15 cannot be SI, 25-OH vitamin D below 60 can be both.

    Examples
    --------
    >>> slip = unit_slip(pd.Series([9.6, 9.1, 10.2]), "calcium_mmol_l")
    >>> slip.unit, slip.scope, slip.action
    ('mg/dL', 'column', 'convert')
    >>> unit_slip(pd.Series([28.0, 31.0]), "vitamin_d_25oh_nmol_l").action
    'ask'
    """
    rules = _slip_rules().get(field, ())
    present = values.dropna().astype(float)
    if not rules or present.empty:
        return None
    found = [
        slip
        for rule in rules
        if (slip := _slip_by_rule(present, field, rule, unit_declared=unit_declared)) is not None
    ]
    return max(found, key=lambda slip: len(slip.rows), default=None)


def _slip_by_rule(present: pd.Series, field: str, rule: _SlipRule, *, unit_declared: bool) -> UnitSlip | None:
    quantity = _by_field()[field]
    factor = _factor(quantity, rule.unit)
    low, high = rule.usual
    median = float(present.median())
    facts: dict[str, Any] = {
        "field": field, "unit": rule.unit, "to": quantity.canonical, "factor": factor, "median": median
    }  # fmt: skip
    if rule.action == "ask":
        suspect = (median < rule.median_below or median > rule.median_above) and not unit_declared
        everyone = tuple(present.index)
        return UnitSlip(**facts, scope="column", action="ask", rows=everyone, unclear=()) if suspect else None
    right = present.between(low, high)
    other = (present * factor).between(low, high)
    slipped = other & ~right
    if not (right & ~other).any() and slipped.mean() > 0.5:
        sure = rule.median_below == -np.inf or median < rule.median_below
        sure = sure and (rule.median_above == np.inf or median > rule.median_above)
        if unit_declared and not sure:
            return None
        return UnitSlip(**facts, scope="column", action="convert" if sure else "ask", rows=tuple(present.index),
                        unclear=())  # fmt: skip
    proven = slipped & ~present.between(*_limits(field))
    if not proven.any():
        return None
    return UnitSlip(**facts, scope="rows", action=rule.rows, rows=tuple(present.index[proven]),
                    unclear=tuple(present.index[(right == other) | (slipped & ~proven)]))  # fmt: skip


def _limits(field: str) -> tuple[float, float]:
    """The schema's plausible limits: a single value inside them may be a sick patient, never proof of another unit."""
    known = schema().fields.get(field)
    low, high = (None, None) if known is None else (known.low, known.high)
    return (-np.inf if low is None else low), (np.inf if high is None else high)


def calcium_corrected_mmol_l(calcium_mmol_l: ArrayLike, *, albumin_g_l: ArrayLike) -> NDArray[np.float64]:
    """
    Serum calcium corrected for albumin, mmol/L: total calcium + 0.02 x (40 - albumin).

    Parameters
    ----------
    calcium_mmol_l : array_like, 1.0 to 5.0 mmol/L
    albumin_g_l : array_like, 10 to 70 g/L

    Raises
    ------
    UnitError
        A value cannot be in its unit.

    Source
    ------
    Payne et al. 1973, BMJ 4:643-646, in SI units.

    Examples
    --------
    >>> calcium_corrected_mmol_l([2.10], albumin_g_l=[30]).round(2).tolist()
    [2.3]
    """
    calcium = _within(calcium_mmol_l, "calcium", "mmol/L", 0.5, 5.0)
    return calcium + 0.02 * (40.0 - _within(albumin_g_l, "albumin", "g/L", 8.0, 80.0))


def calcium_corrected_mg_dl(calcium_mg_dl: ArrayLike, *, albumin_g_dl: ArrayLike) -> NDArray[np.float64]:
    """
    Serum calcium corrected for albumin, mg/dL: total calcium + 0.8 x (4 - albumin).

    Parameters
    ----------
    calcium_mg_dl : array_like, 2 to 20 mg/dL
    albumin_g_dl : array_like, 0.8 to 8 g/dL

    Raises
    ------
    UnitError
        A value cannot be in its unit.

    Source
    ------
    Payne et al. 1973, BMJ 4:643-646.

    Examples
    --------
    >>> calcium_corrected_mg_dl([8.4], albumin_g_dl=[3.0]).round(2).tolist()
    [9.2]
    """
    calcium = _within(calcium_mg_dl, "calcium", "mg/dL", 2.0, 20.0)
    return calcium + 0.8 * (4.0 - _within(albumin_g_dl, "albumin", "g/dL", 0.8, 8.0))


def _within(values: ArrayLike, name: str, unit: str, low: float, high: float) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    outside = array[(array < low) | (array > high)]
    if outside.size:
        raise UnitError(
            f"{name}: {outside.flat[0]:g} is not possible in {unit} ({low:g} to {high:g}).",
            hint="Convert it first (osteon.cohort.units.convert).",
        )
    return array
