"""
A user's table made fit for a study: units proved or refused, impossible cells cleared, bone status from what is left.

The reader :mod:`osteon.cohort.sources.table` changes no value; a study must not run on an age of 610 or on calcium in
mg/dL under a header that does not say so. Whole columns are refused, because only the table's author knows their unit;
single cells become missing and are logged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from osteon.cohort.checks import contradictions
from osteon.cohort.clean import CleanOptions, clean
from osteon.cohort.cohort import Change, Cohort
from osteon.cohort.schema import Field, schema
from osteon.cohort.sources import table as any_table
from osteon.cohort.units import unit_slip
from osteon.core.errors import UnitError

__all__ = ["checked", "read"]

_LARGEST_SHARE_OUTSIDE = 0.5  # beyond it a column is in another unit, or is another quantity


def read(path: Path, *, min_rows: int = 1) -> Cohort:
    """
    The table, or the filled hospital sheet, in a file, ready for a study.

    Raises
    ------
    FileError, SchemaError, NotEnoughData
        See :func:`osteon.cohort.sources.table.read`.
    UnitError
        See :func:`checked`.
    """
    return checked(any_table.read(path), where=str(path)).at_least(min_rows)


def checked(cohort: Cohort, *, where: str) -> Cohort:
    """
    The cohort without values that cannot be; each is named in the log.

    Raises
    ------
    UnitError
        A whole column is, or may be, in another unit than its header says; the message names the unit suspected and
        how to declare it.
    """
    headers = {change.column: change.before for change in cohort.log if change.code == "renamed"}
    for field in _numbers(cohort.table):
        _one_unit(cohort.table[field.name], field, header=headers.get(field.name, field.name), where=where)
    ours = {change.column for change in cohort.log if change.code == "derived"} & any_table.BONE_STATUS
    declared = tuple(field.name for field in _numbers(cohort.table))  # whole columns are settled above
    cleaned = clean(
        cohort.table.drop(columns=list(ours)),
        options=CleanOptions(declared_units=declared, max_column_missing=1.0),
    )
    table = cleaned.table.reset_index(drop=True)
    log = [change for change in cohort.log if change.code != "outside_limits" and change.column not in ours]
    log += [change for change in cleaned.log if change.code != "outlier"]  # far from the rest is not wrong
    log += any_table.add_bone_status(table)
    log += _contradictions(table)
    return replace(cohort, table=table, log=tuple(log), flow=(*cohort.flow, *cleaned.flow))


def _contradictions(table: pd.DataFrame) -> Iterator[Change]:
    """What the rows say against themselves (a T-score against its density, menopause after age); named, not changed."""
    for finding in contradictions(table):
        rows = ", ".join(map(str, finding.rows[:20])) + (", ..." if finding.n > 20 else "")
        yield Change(code="contradiction", column=" ".join(finding.columns), row=rows, n=finding.n,
                     why=f"{finding.code}: expected {finding.expected}")  # fmt: skip


def _numbers(table: pd.DataFrame) -> Iterator[Field]:
    for name in map(str, table.columns):
        field = schema().fields.get(name)
        if field is not None and field.kind == "number":
            yield field


def _one_unit(values: pd.Series, field: Field, *, header: str, where: str) -> None:
    """Refuse a column whose values say another unit than its header, or that lie mostly outside what is possible."""
    found = schema().find(header)
    declared = header == field.name or (found is not None and found[1] is not None)
    slip = unit_slip(values, field.name, unit_declared=declared)
    present = values.dropna()
    low = float("-inf") if field.low is None else field.low
    high = float("inf") if field.high is None else field.high
    outside = int((~present.between(low, high)).sum())
    mostly_outside = outside > _LARGEST_SHARE_OUTSIDE * len(present)
    if slip is not None and slip.scope == "column" and (slip.action == "convert" or not mostly_outside):
        verb = "are in" if slip.action == "convert" else "may be in"
        bare = re.split(r"[(（\[【]", header)[0].strip()
        raise UnitError(
            f"{where}: column {header}: the values (median {slip.median:g}) {verb} {slip.unit}, expected {slip.to}.",
            hint=f'Write the unit into the header: "{bare} ({slip.unit})" or "{bare} ({slip.to})".',
        )
    if mostly_outside:
        raise UnitError(
            f"{where}: column {header}: {outside} of {len(present)} values lie outside {low:g} to {high:g} {field.unit}"
            f" (median {present.median():g}).",
            hint="Is it in another unit, or another quantity? Write its unit into the header, or rename the column.",
        )
