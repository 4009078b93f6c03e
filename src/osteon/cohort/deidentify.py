"""
De-identification of a table: what names a person is dropped or replaced by a keyed pseudonym, dates move per patient.

Codes of actions: ``dropped_identifier``, ``dropped_detected``, ``dropped_free_text``, ``pseudonym``, ``date_shift``,
``age_capped``, ``birth_hidden``, ``postcode_cut``. Dates written as text or as 20200105 are read and shifted too;
dates inside longer text count as identifiers. De-identified data can still be personal data: who else holds the
key, and how small the groups are (k-anonymity), decide.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from osteon.cohort.anonymity import KAnonymity, k_anonymity
from osteon.cohort.identifiers import identifier_rows, names_an_identifier, written_dates
from osteon.cohort.schema import plain, schema
from osteon.core.errors import ConfigError, FileError, SchemaError

__all__ = [
    "Action",
    "Deidentified",
    "DeidentifyOptions",
    "deidentify",
    "describe_actions",
    "read_key",
]

_KEY_BYTES = 16
_OLDEST = 89.0
_POSTCODES = frozenset(
    map(plain, ("postcode", "postal code", "zip", "zip code", "zipcode", "邮编", "邮政编码"))
)
_AGES = frozenset(map(plain, ("age", "年龄", "age_years", "age at death", "age at fracture", "age at visit")))
_BIRTH_YEARS = frozenset(map(plain, ("birth year", "year of birth", "yob", "出生年", "出生年份")))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidentifyOptions:
    """
    What to do with which column.

    Attributes
    ----------
    patient : str
        Column that names the patient: pseudonyms and date offsets follow it.
    pseudonymise : tuple of str
        Further columns replaced by keyed pseudonyms; columns the schema calls ids always are.
    drop : tuple of str
        Further columns to drop.
    allow_text : tuple of str
        Free-text columns to keep after they were searched for identifiers.
    on_detected : "drop" or "refuse"
        What happens when a column turns out to hold identifiers.
    max_shift_days : int
        Each patient's dates move by the same 1 to ``max_shift_days`` days, back or forth.
    postcode_keep : int
        Leading characters of a postcode that stay.
    quasi_identifiers : tuple of str
        Columns that together might single a person out; those present are used for k-anonymity.
    smallest_groups : int
        How many of the smallest groups are reported.
    """

    patient: str = "participant_id"
    pseudonymise: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    allow_text: tuple[str, ...] = ()
    on_detected: Literal["drop", "refuse"] = "drop"
    max_shift_days: int = 365
    postcode_keep: int = 3
    quasi_identifiers: tuple[str, ...] = ("age_years", "sex", "ethnicity", "county")
    smallest_groups: int = 5

    def __post_init__(self) -> None:
        if self.on_detected not in ("drop", "refuse"):
            raise ConfigError(f"on_detected = {self.on_detected!r}.", hint="Known: drop, refuse.")
        if self.max_shift_days < 1 or self.postcode_keep < 0 or self.smallest_groups < 0:
            raise ConfigError(
                "max_shift_days must be 1 or more; postcode_keep and smallest_groups 0 or more."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing done: its code, the column, how many cells it touched, and a detail without any cell's content."""

    code: str
    column: str
    n: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deidentified:
    """The de-identified table, what was done to it, and its k-anonymity (None when no quasi-identifier is there)."""

    table: pd.DataFrame
    actions: tuple[Action, ...]
    k_anonymity: KAnonymity | None


def read_key(path: Path) -> bytes:
    """
    The secret key kept in a file (blanks at the ends removed).

    Raises
    ------
    FileError
        The file is missing.
    ConfigError
        The key is shorter than 16 bytes.
    """
    try:
        return _checked(path.read_bytes().strip())
    except FileNotFoundError:
        raise FileError(
            f"{path}: no such key file.", hint="Make one: openssl rand -hex 32 > key.txt; keep it secret."
        ) from None


def _checked(key: bytes) -> bytes:
    if len(key) < _KEY_BYTES:
        raise ConfigError(f"the key has {len(key)} bytes, expected {_KEY_BYTES} or more.",
                          hint="Make one: openssl rand -hex 32; keep it secret.")  # fmt: skip
    return key


def deidentify(table: pd.DataFrame, *, key: bytes, options: DeidentifyOptions | None = None) -> Deidentified:
    """
    The table without what names its people: the same key gives the same pseudonyms and shifts, no other key does.

    Parameters
    ----------
    table : DataFrame, one row per person or visit
    key : bytes, 16 or more
        Secret of the data holder; it is never written anywhere.
    options : DeidentifyOptions, optional

    Returns
    -------
    Deidentified
        Rows are numbered anew from 0.

    Raises
    ------
    ConfigError
        The key is too short.
    SchemaError
        Dates without a patient column or with a patient missing; or identifiers found and ``on_detected`` "refuse".

    Source
    ------
    HIPAA Safe Harbor, 45 CFR 164.514(b)(2) (ages over 89, three digits of a postcode); Sweeney 2002 (k-anonymity).

    Examples
    --------
    >>> people = pd.DataFrame({"participant_id": ["A7", "B9"], "姓名": ["王芳", "李雷"], "age_years": [93.0, 61.0]})
    >>> safe = deidentify(people, key=b"0123456789abcdef")
    >>> list(safe.table.columns), safe.table["age_years"].tolist()
    (['participant_id', 'age_years'], [90.0, 61.0])
    """
    options = DeidentifyOptions() if options is None else options
    key = _checked(key)
    _check_columns(table, options)
    ours = _our_names(table, options)
    theirs = {name: header for header, name in ours.items()}
    safe = _deidentified(table.rename(columns=ours), key, options)
    actions = tuple(
        replace(action, column=theirs.get(action.column, action.column)) for action in safe.actions
    )
    return replace(safe, table=safe.table.rename(columns=theirs), actions=actions)


def _our_names(table: pd.DataFrame, options: DeidentifyOptions) -> dict[str, str]:
    """Headers in any language that mean a column the rules know by our name, such as 出生日期."""
    rules = {options.patient, "birth_date", "visit_date", *options.quasi_identifiers} - set(table.columns)
    ours: dict[str, str] = {}
    for header in table.columns:
        found = schema().find(str(header))
        if found is not None and found[0].name in rules and found[0].name not in ours.values():
            ours[header] = found[0].name
    return ours


def _deidentified(table: pd.DataFrame, key: bytes, options: DeidentifyOptions) -> Deidentified:
    """The rules, one after the other, on a table whose key columns have our names."""
    table = _with_dates(table, options)
    out, actions = _without_identifiers(table.copy(), options)
    old = _older_than_89(table)
    actions += _ages_capped(out)
    actions += _births_hidden(out, old)
    actions += _dates_shifted(out, table, key, options)
    actions += _postcodes_cut(out, options)
    actions += _pseudonyms(out, key, options)
    out = out.reset_index(drop=True)
    quasi = [column for column in options.quasi_identifiers if column in out]
    hidden = k_anonymity(out, quasi, smallest=options.smallest_groups) if quasi and len(out) else None
    return Deidentified(table=out, actions=tuple(actions), k_anonymity=hidden)


def _check_columns(table: pd.DataFrame, options: DeidentifyOptions) -> None:
    named = (*options.pseudonymise, *options.drop, *options.allow_text)
    for column in (column for column in named if column not in table):
        raise SchemaError(f"no column {column!r}.", hint=f"Columns: {', '.join(map(str, table.columns))}.")


def _kind(column: str) -> str:
    field = schema().fields.get(column)
    return "" if field is None else field.kind


def _is_id(column: str, options: DeidentifyOptions) -> bool:
    return column == options.patient or column in options.pseudonymise or _kind(column) == "id"


def _with_dates(table: pd.DataFrame, options: DeidentifyOptions) -> pd.DataFrame:
    """The table with columns that hold whole dates as text or numbers read as dates, so that they are shifted."""
    read = {c: written_dates(table[c]) for c in table.columns if not _is_id(str(c), options)}
    return table.assign(**{str(column): dates for column, dates in read.items() if dates is not None})


def _without_identifiers(
    table: pd.DataFrame, options: DeidentifyOptions
) -> tuple[pd.DataFrame, list[Action]]:
    """The table without columns that name people by their header, by their content, or as free text."""
    actions: list[Action] = []
    for column in list(table.columns):
        name = str(column)
        if _is_id(name, options):
            continue
        values = table[column]
        n = int(values.notna().sum())
        found = identifier_rows(values)
        if name in options.drop or (names_an_identifier(name) and name not in options.allow_text):
            action = Action(code="dropped_identifier", column=name, n=n)
        elif found:
            told = ", ".join(f"{kind} in {len(rows)} cells" for kind, rows in found.items())
            if options.on_detected == "refuse":
                raise SchemaError(
                    f"column {name!r} holds identifiers ({told}).", hint="Drop it, or clean it first."
                )
            action = Action(code="dropped_detected", column=name, n=n, detail=told)
        elif name not in options.allow_text and _is_free_text(values, name):
            action = Action(
                code="dropped_free_text", column=name, n=n, detail="name it in allow_text to keep it"
            )
        else:
            continue
        actions.append(action)
        table = table.drop(columns=column)
    return table, actions


def _is_free_text(values: pd.Series, name: str) -> bool:
    """Text that is no known category and too long or too varied to be a code."""
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return False
    if _kind(name) in ("category", "ordinal", "flag") or plain(name) in _POSTCODES:
        return False
    texts = values.dropna().astype(str)
    if texts.empty:
        return False
    n_kinds = texts.nunique()
    return bool(n_kinds > 50 or texts.str.len().max() > 40 or (len(texts) >= 10 and n_kinds > len(texts) / 2))


def _keyed(key: bytes, purpose: str, value: Any) -> bytes:
    """A number in any of its forms (17, 17.0, "17") is one person."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return hmac.new(key, f"{purpose}\x1f{value}".encode(), hashlib.sha256).digest()


def _mapped(values: pd.Series, make: Callable[[Any], Any]) -> pd.Series:
    """Each distinct value through ``make`` once; missing stays missing."""
    made = {value: make(value) for value in values.dropna().unique()}
    return pd.Series(
        [None if pd.isna(value) else made[value] for value in values], index=values.index, dtype=object
    )


def _pseudonym(key: bytes, column: str, value: Any) -> str:
    return "P" + _keyed(key, f"id:{column}", value).hex()[:16]


def _pseudonyms(table: pd.DataFrame, key: bytes, options: DeidentifyOptions) -> list[Action]:
    actions = []
    for column in [str(c) for c in table.columns if _is_id(str(c), options)]:
        made = _mapped(table[column], partial(_pseudonym, key, column))
        table[column] = made.astype("str").where(table[column].notna())
        actions.append(Action(code="pseudonym", column=column, n=int(made.notna().sum()),
                              detail="HMAC-SHA256, first 16 digits"))  # fmt: skip
    return actions


def _date_columns(table: pd.DataFrame) -> list[str]:
    found = []
    for column in table.columns:
        if pd.api.types.is_datetime64_any_dtype(table[column].dtype):
            found.append(str(column))
        elif _kind(str(column)) == "date":
            raise SchemaError(
                f"column {column!r} holds {table[column].dtype}, expected dates.", hint="Read dates first."
            )
    return found


def _dates_shifted(
    out: pd.DataFrame, table: pd.DataFrame, key: bytes, options: DeidentifyOptions
) -> list[Action]:
    columns = _date_columns(out)
    if not columns:
        return []
    if options.patient not in table or table[options.patient].isna().any():
        raise SchemaError(
            f"dates ({', '.join(columns)}) cannot be shifted: the patient column {options.patient!r} is absent or "
            "has missing values.", hint="Name the patient column, or drop the dates.",
        )  # fmt: skip
    span = options.max_shift_days

    def offset(patient: Any) -> int:
        number = int.from_bytes(_keyed(key, "date", patient)[:8], "big") % (2 * span)
        return number - span if number < span else number - span + 1  # -span..-1, 1..span

    days = pd.to_timedelta(_mapped(table[options.patient], offset).astype("int64"), unit="D")
    actions = []
    for column in columns:
        out[column] = out[column] + days
        actions.append(Action(code="date_shift", column=column, n=int(out[column].notna().sum()),
                              detail=f"same 1 to {span} days per patient; order and gaps kept"))  # fmt: skip
    return actions


def _older_than_89(table: pd.DataFrame) -> pd.Series:
    """True above 89, also where the age is unknown: then nothing shows that the birth may be told."""
    known = pd.Series(np.nan, index=table.index)
    for column in table.columns:
        if plain(str(column)) in _AGES:
            known = known.combine_first(pd.to_numeric(table[column], errors="coerce"))
    if {"birth_date", "visit_date"} <= set(table.columns):
        years = (table["visit_date"] - table["birth_date"]).dt.days / 365.25
        known = pd.concat([known, years], axis=1).max(axis=1)
    return ~(known < _OLDEST + 1)


def _ages_capped(table: pd.DataFrame) -> list[Action]:
    actions = []
    for column in table.columns:
        if plain(str(column)) in _AGES and pd.api.types.is_numeric_dtype(table[column].dtype):
            above = table[column] >= _OLDEST + 1
            if above.any():
                table[column] = table[column].mask(above, _OLDEST + 1)
                actions.append(Action(code="age_capped", column=str(column), n=int(above.sum()),
                                      detail="above 89 written as 90 (90+)"))  # fmt: skip
    return actions


def _births_hidden(table: pd.DataFrame, old: pd.Series) -> list[Action]:
    """Birth dates and years of people above 89, or of unknown age, become missing."""
    actions = []
    for column in table.columns:
        if str(column) == "birth_date" or plain(str(column)) in _BIRTH_YEARS:
            hidden = old & table[column].notna()
            table[column] = table[column].mask(old)
            actions.append(Action(code="birth_hidden", column=str(column), n=int(hidden.sum()),
                                  detail="above 89 or of unknown age"))  # fmt: skip
    return actions


def _postcodes_cut(table: pd.DataFrame, options: DeidentifyOptions) -> list[Action]:
    actions = []
    for column in table.columns:
        if plain(str(column)) in _POSTCODES:
            table[column] = _mapped(table[column], lambda value: _postcode(value)[: options.postcode_keep])
            actions.append(Action(code="postcode_cut", column=str(column), n=int(table[column].notna().sum()),
                                  detail=f"first {options.postcode_keep} characters kept"))  # fmt: skip
    return actions


def _postcode(value: Any) -> str:
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value) if whole else value).strip()


def describe_actions(result: Deidentified) -> tuple[str, ...]:
    """What was done, one line each, without any cell's content."""
    lines = [
        f"{a.code} {a.column}: {a.n} cells{f' ({a.detail})' if a.detail else ''}" for a in result.actions
    ]
    if result.k_anonymity is not None:
        lines.append(str(result.k_anonymity))
    return tuple(lines)
