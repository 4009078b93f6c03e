"""
Cleaning of a table in the schema's names: one log line for each cell and row that was changed or is in doubt.

Codes of the log. Changed: ``category_variant``, ``category_unknown``, ``unit_slip``, ``impossible``, ``derived_bmi``,
``row_empty``, ``row_sparse``, ``column_empty``, ``column_sparse``, ``outlier_removed``. Only named:
``impossible_queried``, ``unit_slip_ask``, ``unit_unclear``, ``bmi_mismatch``, ``outlier``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from osteon.cohort.checks import bmi_kg_m2
from osteon.cohort.cohort import Change, FlowStep
from osteon.cohort.schema import Field, plain, schema
from osteon.cohort.units import unit_slip
from osteon.core.errors import ConfigError, SchemaError
from osteon.core.files import write_bytes

__all__ = ["CleanOptions", "Cleaned", "clean", "log_table", "outliers", "write_log"]

_MAD_TO_SD = 1.4826  # makes the median absolute deviation of a normal sample its standard deviation

_PASSES = 5
_CHANGED = frozenset({"unit_slip", "impossible"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanOptions:
    """
    How strictly to clean.

    Attributes
    ----------
    impossible : "missing" or "query"
        A value outside the schema's limits becomes missing, or stays and is named.
    declared_units : tuple of str
        Columns whose unit came with the data: an ambiguous median is then no slip.
    max_column_missing, max_row_missing : float, 0 to 1
        A column, or a row, with a larger share of missing values is left out.
    outlier_rule : "robust_z", "iqr" or "none"
    outlier_action : "flag" or "missing"
    robust_z, iqr_fences : float
        Limits: distance from the median in robust SDs, or fences in multiples of the interquartile range.
    min_values : int
        Columns with fewer values have no outliers.
    bmi_tolerance_kg_m2 : float
    """

    impossible: Literal["missing", "query"] = "missing"
    declared_units: tuple[str, ...] = ()
    max_column_missing: float = 0.95
    max_row_missing: float = 1.0
    outlier_rule: Literal["robust_z", "iqr", "none"] = "robust_z"
    outlier_action: Literal["flag", "missing"] = "flag"
    robust_z: float = 5.0
    iqr_fences: float = 3.0
    min_values: int = 20
    bmi_tolerance_kg_m2: float = 0.5

    def __post_init__(self) -> None:
        allowed = {"impossible": ("missing", "query"), "outlier_rule": ("robust_z", "iqr", "none"),
                   "outlier_action": ("flag", "missing")}  # fmt: skip
        for name, choices in allowed.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name} = {getattr(self, name)!r}.", hint=f"Known: {', '.join(choices)}.")
        for name in ("max_column_missing", "max_row_missing"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} = {getattr(self, name)}, expected 0 to 1.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cleaned:
    """The cleaned table, its log (one line per cell or row), and the flow of rows left out."""

    table: pd.DataFrame
    log: tuple[Change, ...]
    flow: tuple[FlowStep, ...]

    def count(self, code: str) -> int:
        """How many cells, rows or columns the log names under a code."""
        return sum(change.code == code for change in self.log)


def clean(table: pd.DataFrame, *, options: CleanOptions | None = None) -> Cleaned:
    """
    The table without impossible values, slipped units, empty rows and columns; everything done is in the log.

    Parameters
    ----------
    table : DataFrame in the schema's names; row labels unique
    options : CleanOptions, optional

    Returns
    -------
    Cleaned
        Cleaning it again changes nothing more (unless outliers are made missing, which can uncover new ones).

    Raises
    ------
    SchemaError
        Row labels repeat, or a number column of the schema holds text.

    Examples
    --------
    >>> people = pd.DataFrame({"participant_id": ["a", "b"], "calcium_mmol_l": [9.6, 9.2], "age_years": [61.0, 610.0]})
    >>> cleaned = clean(people)
    >>> for change in cleaned.log:
    ...     print(change.code, change.column, change.row, change.before, "->", change.after)
    unit_slip calcium_mmol_l a 9.6 -> 2.3952
    unit_slip calcium_mmol_l b 9.2 -> 2.2954
    impossible age_years b 610.0 ->
    """
    options = CleanOptions() if options is None else options
    if not table.index.is_unique:
        raise SchemaError("row labels repeat.", hint="Use reset_index, or link duplicates first.")
    table = table.copy()
    ids = _row_ids(table)
    log = [*_categories(table, ids, options), *_measured(table, ids, options), *_bmi(table, ids, options)]
    table, flow, changes = _without_empty(table, ids, options)
    log += changes
    log += _outliers(table, ids, options)
    return Cleaned(table=table, log=tuple(log), flow=flow)


def _measured(table: pd.DataFrame, ids: pd.Series, options: CleanOptions) -> list[Change]:
    """
    Units and impossible cells, in turn until neither changes anything.

    A cell that cannot be moves the median by which a unit is judged, so each may bring out the other.
    """
    log: list[Change] = []
    queries: dict[tuple[str, str, str], Change] = {}
    for _ in range(_PASSES):
        found = [*_slips(table, ids, options), *_impossible(table, ids, options)]
        changes = [change for change in found if change.code in _CHANGED]
        log += changes
        queries |= {(c.code, c.column, c.row): c for c in found if c.code not in _CHANGED}
        if not changes:
            break
    return [*log, *queries.values()]


def _row_ids(table: pd.DataFrame) -> pd.Series:
    """What names a row in the log: the participant, else the row's label."""
    labels = table.index.to_series().astype(str)
    if "participant_id" not in table:
        return labels
    return table["participant_id"].astype(object).where(table["participant_id"].notna(), labels).astype(str)


def _cells(
    code: str, column: str, ids: pd.Series, before: pd.Series, after: pd.Series | None, *, why: str
) -> list[Change]:
    """One change for each row of ``before``; ``after`` None means missing."""
    new = ["" if after is None else _shown(after.loc[row]) for row in before.index]
    return [
        Change(code=code, column=column, row=ids.loc[row], before=_shown(old), after=text, why=why)
        for (row, old), text in zip(before.items(), new, strict=True)
    ]


def _shown(value: Any) -> str:
    """A cell as text that reads back to the same value; "" for missing."""
    if pd.isna(value):
        return ""
    return repr(float(value)) if isinstance(value, int | float | np.number) else str(value)


def _is_text(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype) or not (
        pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype)
    )


def _categories(table: pd.DataFrame, ids: pd.Series, options: CleanOptions) -> list[Change]:
    """One spelling for each category; what means none of a known column's categories is impossible."""
    log: list[Change] = []
    for name in map(str, table.columns):
        field, column = schema().fields.get(name), table[name]
        if not _is_text(column) or (field is not None and field.kind not in ("category", "ordinal")):
            continue
        if isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered:
            continue
        texts = column.dropna().astype(str)
        spelled = _one_spelling(texts, field)
        unknown = spelled.isna()
        keep = spelled.where(~unknown, texts) if options.impossible == "query" else spelled
        changed = (keep != texts) & ~unknown
        log += _cells("category_variant", name, ids, texts[changed], keep[changed], why="one spelling")
        code = "category_unknown" if options.impossible == "missing" else "impossible_queried"
        after = None if options.impossible == "missing" else texts
        expected = ", ".join(field.categories) if field is not None else ""
        log += _cells(code, name, ids, texts[unknown], after, why=f"expected {expected}")
        if (keep != texts).any():
            table[name] = _as_before(keep.reindex(table.index), table[name], field)
    return log


def _as_before(values: pd.Series, column: pd.Series, field: Field | None) -> pd.Series:
    """The new texts in the old column's kind, categories in the schema's order."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return values.astype(column.dtype)
    seen = set(values.dropna())
    order = [c for c in (field.categories if field is not None else ()) if c in seen] or sorted(seen)
    return values.astype(pd.CategoricalDtype(order))


def _one_spelling(texts: pd.Series, field: Field | None) -> pd.Series:
    """Each text as the schema's category, or as the commonest spelling that differs by case and blanks only."""
    if field is not None and field.categories:
        meant = {text: field.category(text) for text in texts.unique()}
    else:
        counts = texts.str.strip().value_counts()
        common: dict[str, str] = {}
        for text in counts.index:
            common.setdefault(plain(text), text)
        meant = {text: common[plain(text)] for text in texts.unique()}
    return texts.map(meant).astype(object)


def _numbers(table: pd.DataFrame) -> Iterable[tuple[str, Field]]:
    """Number and flag columns of the schema; text in one is refused."""
    for name in map(str, table.columns):
        field = schema().fields.get(name)
        if field is None or field.kind not in ("number", "flag"):
            continue
        if _is_text(table[name]):
            raise SchemaError(
                f"column {name!r} holds {table[name].dtype}, expected numbers.",
                hint="Read it with osteon.cohort.read first.",
            )
        table[name] = table[name].astype("float64")
        yield name, field


def _slips(table: pd.DataFrame, ids: pd.Series, options: CleanOptions) -> list[Change]:
    log: list[Change] = []
    for name, _ in _numbers(table):
        slip = unit_slip(table[name], name, unit_declared=name in options.declared_units)
        if slip is None:
            continue
        rows = list(slip.rows)
        before, why = table.loc[rows, name], f"{slip.unit} -> {slip.to}"
        if slip.action == "convert":
            table.loc[rows, name] = before * slip.factor
            log += _cells("unit_slip", name, ids, before, table.loc[rows, name], why=why)
        elif slip.scope == "column":
            log.append(Change(code="unit_slip_ask", column=name, n=len(rows), why=str(slip)))
        else:
            log += _cells("unit_slip_ask", name, ids, before, before, why=why)
        unclear = table.loc[list(slip.unclear), name]
        log += _cells("unit_unclear", name, ids, unclear, unclear, why=f"{slip.unit} or {slip.to}")
    return log


def _impossible(table: pd.DataFrame, ids: pd.Series, options: CleanOptions) -> list[Change]:
    log: list[Change] = []
    for name, field in _numbers(table):
        column = table[name]
        low, high = (
            (-np.inf if field.low is None else field.low),
            (np.inf if field.high is None else field.high),
        )
        if field.kind == "flag":
            wrong, expected = column.notna() & ~column.isin([0.0, 1.0]), "0 or 1"
        else:
            wrong = column.notna() & (~column.between(low, high) | np.isinf(column))
            expected = f"{low:g} to {high:g} {field.unit}".strip()
        if not wrong.any():
            continue
        before = column[wrong]
        if options.impossible == "query":
            log += _cells("impossible_queried", name, ids, before, before, why=f"expected {expected}")
        else:
            log += _cells("impossible", name, ids, before, None, why=f"expected {expected}")
            table.loc[wrong, name] = np.nan
    return log


def _bmi(table: pd.DataFrame, ids: pd.Series, options: CleanOptions) -> list[Change]:
    """BMI compared with weight and height, and filled in where only it is missing."""
    if not {"height_cm", "weight_kg", "bmi_kg_m2"} <= set(table.columns):
        return []
    ours = bmi_kg_m2(height_cm=table["height_cm"], weight_kg=table["weight_kg"])
    given = table["bmi_kg_m2"]
    apart = (given - ours).abs() > options.bmi_tolerance_kg_m2
    log = _cells("bmi_mismatch", "bmi_kg_m2", ids, given[apart], given[apart],
                 why="weight / height^2 differs")  # fmt: skip
    field = schema().fields["bmi_kg_m2"]
    fill = given.isna() & ours.between(field.low, field.high)
    log += _cells("derived_bmi", "bmi_kg_m2", ids, given[fill], ours[fill], why="weight / height^2")
    table.loc[fill, "bmi_kg_m2"] = ours[fill]
    return log


def _without_empty(
    table: pd.DataFrame, ids: pd.Series, options: CleanOptions
) -> tuple[pd.DataFrame, tuple[FlowStep, ...], list[Change]]:
    """The table without rows and columns that hold nothing, or too little."""
    log: list[Change] = []
    for name, share in table.isna().mean().items():
        if len(table) and share > min(options.max_column_missing, 1 - 1e-12):
            code = "column_empty" if share == 1 else "column_sparse"
            log.append(Change(code=code, column=str(name), n=int(table[name].notna().sum()),
                              why=f"{share:.1%} missing"))  # fmt: skip
            table = table.drop(columns=name)
    fields = schema().fields
    held = [
        c for c in table.columns if str(c) not in fields or fields[str(c)].modality not in ("key", "design")
    ]
    n_before, share = len(table), table[held].isna().mean(axis=1)
    flow = []
    sparse = (share > options.max_row_missing) & (share < 1)
    steps = (
        ("row_empty", share == 1, "no measurement at all"),
        ("row_sparse", sparse, f"more than {options.max_row_missing:.0%} missing"),
    )
    for code, gone, reason in steps:
        log += [
            Change(code=code, row=ids.loc[row], why=f"{share.loc[row]:.1%} missing")
            for row in share.index[gone]
        ]
        n_after = n_before - int(gone.sum())
        flow.append(FlowStep(code=code, n_before=n_before, n_after=n_after, reason=reason))
        n_before = flow[-1].n_after
    return table[(share < 1) & ~sparse].copy(), tuple(flow), log


def outliers(
    values: pd.Series,
    *,
    rule: Literal["robust_z", "iqr"] = "robust_z",
    limit: float = 5.0,
    min_values: int = 20,
) -> tuple[Hashable, ...]:
    """
    Labels of values far from the rest.

    Parameters
    ----------
    values : Series of float, NaN = missing
    rule : "robust_z" (distance from the median in robust SDs of that side) or "iqr" (fences beyond the quartiles)
    limit : float
        Robust SDs, or multiples of the interquartile range.
    min_values : int
        Fewer values, or values without spread, have no outliers.

    Source
    ------
    Iglewicz & Hoaglin 1993 (robust z, here with a median absolute deviation for each side); Tukey 1977 (fences).

    Examples
    --------
    >>> outliers(pd.Series([*range(40), 400.0]))
    (40,)
    """
    present = values.dropna()
    if len(present) < min_values:
        return ()
    if rule == "iqr":
        lower, upper = present.quantile(0.25), present.quantile(0.75)
        spread = upper - lower
        far = ((present < lower - limit * spread) | (present > upper + limit * spread)) & (spread > 0)
    else:
        below, above = present.median() - present, present - present.median()
        far = _beyond(below, limit) | _beyond(above, limit)
    return tuple(present.index[far])


def _beyond(distance: pd.Series, limit: float) -> pd.Series:
    """Values on one side of the median that lie beyond ``limit`` robust SDs of that side, so skewness is no outlier."""
    spread = _MAD_TO_SD * distance[distance >= 0].median()
    return (distance > limit * spread) & (spread > 0)


def _outliers(table: pd.DataFrame, ids: pd.Series, options: CleanOptions) -> list[Change]:
    if options.outlier_rule == "none":
        return []
    limit = options.robust_z if options.outlier_rule == "robust_z" else options.iqr_fences
    log: list[Change] = []
    for name, field in _numbers(table):
        if field.kind != "number" or field.modality in ("key", "design", "outcome", "genetic"):
            continue
        rows = list(
            outliers(table[name], rule=options.outlier_rule, limit=limit, min_values=options.min_values)
        )
        before, why = table.loc[rows, name], f"{options.outlier_rule} beyond {limit:g}"
        if options.outlier_action == "flag":
            log += _cells("outlier", name, ids, before, before, why=why)
        else:
            log += _cells("outlier_removed", name, ids, before, None, why=why)
            table.loc[rows, name] = np.nan
    return log


def log_table(log: Iterable[Change]) -> pd.DataFrame:
    """The log as a table with the columns code, column, row, before, after, n, why."""
    return pd.DataFrame([asdict(change) for change in log], columns=["code", "column", "row", "before", "after", "n", "why"])  # fmt: skip


def write_log(log: Iterable[Change], path: Path) -> None:
    """Write the log as CSV (UTF-8 with a mark, so that spreadsheets read Chinese), wholly or not at all."""
    write_bytes(path, log_table(log).to_csv(index=False, lineterminator="\n").encode("utf-8-sig"))
