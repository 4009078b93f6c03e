"""
Who enters a study: published criteria as data, applied in order, with a STROBE count for each.

A criterion that a table cannot answer (its column is absent) is listed as not applicable; a row that it cannot answer
(the value is missing) is kept, dropped or listed as the criterion says. Nothing passes in silence.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from osteon.cohort.cohort import FlowStep
from osteon.cohort.schema import schema
from osteon.core.config import read_toml
from osteon.core.errors import ConfigError, SchemaError

__all__ = ["Criteria", "Criterion", "Eligible", "Judgement", "apply", "criteria", "published_criteria"]

_FOLDER = Path(__file__).with_name("criteria")
Kind = Literal["include", "exclude"]
OnMissing = Literal["keep", "drop", "list"]
Match = Literal["all", "any"]
_REQUIRED = ("id", "kind", "columns", "rule", "text_en", "text_zh", "source", "on_missing")
_RULES = ("min", "max", "above", "below", "equals", "in", "true", "false", "not_missing",
          "max_missing_fraction", "missing_fraction_above", "min_months", "max_months")  # fmt: skip
_FRACTIONS = ("max_missing_fraction", "missing_fraction_above")
_MONTHS = ("min_months", "max_months")
_DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """
    One published criterion.

    Attributes
    ----------
    kind : "include" or "exclude"
        Rows that meet an "include" rule stay; rows that meet an "exclude" rule go.
    columns : tuple of str
        Columns the rule looks at; ("*",) = every column but keys, survey design and outcomes.
    match : "all" or "any"
        Whether all columns must meet the rule, or one of them.
    rule : mapping
        min, max (inclusive), above, below (strict), equals, in, true, false, not_missing, max_missing_fraction,
        missing_fraction_above, or min_months/max_months between two date columns (from, to).
    on_missing : "keep", "drop" or "list"
        What happens to a row the rule cannot answer; "list" keeps it and names it.
    """

    id: str
    kind: Kind
    columns: tuple[str, ...]
    rule: Mapping[str, Any]
    text_en: str
    text_zh: str
    source: str
    on_missing: OnMissing
    match: Match = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """The criteria of a study in the order they are applied."""

    name: str
    source: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    What one criterion did.

    Attributes
    ----------
    applicable : bool
        False when the table lacks the columns: nobody was judged and nobody was left out.
    n_excluded, n_unjudged : int
        Rows left out, and rows the rule could not answer (kept or dropped as ``on_missing`` says).
    excluded, listed : row labels left out, and labels kept although they could not be judged (``on_missing`` "list")
    absent : columns the table lacks
    """

    criterion: Criterion
    applicable: bool
    n_before: int
    n_excluded: int = 0
    n_unjudged: int = 0
    excluded: tuple[Hashable, ...] = ()
    listed: tuple[Hashable, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The flow chart's reason in one line."""
        if not self.applicable:
            return f"not applicable: column absent ({', '.join(self.absent)})"
        missing = {"keep": "kept", "drop": "left out", "list": "kept and listed"}[self.criterion.on_missing]
        unjudged = f"; {self.n_unjudged} could not be judged ({missing})" if self.n_unjudged else ""
        absent = f"; column absent: {', '.join(self.absent)}" if self.absent else ""
        return f"{self.criterion.kind}: {self.criterion.text_en}{unjudged}{absent}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Eligible:
    """The rows that met the criteria, with one flow step and one judgement for each criterion, in order."""

    table: pd.DataFrame
    flow: tuple[FlowStep, ...]
    judgements: tuple[Judgement, ...]

    @property
    def not_applicable(self) -> tuple[str, ...]:
        """Ids of the criteria this table could not answer at all."""
        return tuple(judged.criterion.id for judged in self.judgements if not judged.applicable)


def published_criteria() -> tuple[str, ...]:
    """
    Names of the criteria shipped with osteon.

    Examples
    --------
    >>> published_criteria()
    ('fracture_risk', 'ovcf_reading', 'portraits')
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def criteria(source: str | Path) -> Criteria:
    """
    Criteria by their published name, or from a TOML file of the same form.

    Raises
    ------
    ConfigError
        The name is unknown, or the file has an unknown key, rule or value.

    Examples
    --------
    >>> [c.id for c in criteria("fracture_risk").criteria][:3]
    ['age_40', 'dxa_complete', 'follow_up_6_months']
    """
    if isinstance(source, str) and not source.endswith(".toml"):
        _known(source.replace("-", "_"), published_criteria(), where="criteria")
        source = _FOLDER / f"{source.replace('-', '_')}.toml"
    path = Path(source)
    content = read_toml(path)
    where = path.name
    for key in content:
        _known(key, ("name", "source", "criterion"), where=where)
    found = tuple(_criterion(entry, where=where) for entry in content.get("criterion", ()))
    ids = [criterion.id for criterion in found]
    for repeated in {name for name in ids if ids.count(name) > 1}:
        raise ConfigError(f"{where}: criterion {repeated!r} stands twice.", hint="Give each its own id.")
    if not found:
        raise ConfigError(f"{where}: no criterion.", hint="Add [[criterion]] tables.")
    return Criteria(name=content.get("name", path.stem), source=content.get("source", ""), criteria=found)


def _known(key: str, known: Sequence[str], *, where: str) -> None:
    if key not in known:
        close = get_close_matches(key, known, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
        raise ConfigError(f"{where}: unknown key {key!r}.", hint=hint)


def _criterion(entry: Mapping[str, Any], *, where: str) -> Criterion:
    for key in entry:
        _known(key, (*_REQUIRED, "match"), where=where)
    where = f"{where}: criterion {entry.get('id', '?')!r}"
    for key in _REQUIRED:
        if key not in entry:
            raise ConfigError(f"{where}: {key!r} is missing.", hint=f"Required: {', '.join(_REQUIRED)}.")
    _known(entry["kind"], get_args(Kind), where=f"{where}.kind")
    _known(entry["on_missing"], get_args(OnMissing), where=f"{where}.on_missing")
    _known(entry.get("match", "all"), get_args(Match), where=f"{where}.match")
    rule, columns = dict(entry["rule"]), tuple(entry["columns"])
    for name in rule:
        _known(name, _RULES, where=f"{where}.rule")
    _check_rule(rule, columns, where=where)
    return Criterion(**{**entry, "columns": columns, "rule": rule})


def _check_rule(rule: Mapping[str, Any], columns: tuple[str, ...], *, where: str) -> None:
    numeric = {"min", "max", "above", "below", *_FRACTIONS, *_MONTHS}
    for name, value in rule.items():
        if name in numeric and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ConfigError(f"{where}: {name} = {value!r}, expected a number.")
        if name in ("true", "false", "not_missing") and value is not True:
            raise ConfigError(
                f"{where}: {name} = {value!r}, expected true.", hint="Use the opposite kind instead."
            )
        if name == "in" and not isinstance(value, list):
            raise ConfigError(f"{where}: in = {value!r}, expected a list.")
    if not rule or not columns:
        raise ConfigError(f"{where}: a criterion needs at least one rule and one column.")
    special = {
        **dict.fromkeys(_FRACTIONS, "fraction"),
        **dict.fromkeys(_MONTHS, "months"),
        "not_missing": "presence",
    }
    groups = {special.get(name, "value") for name in rule}
    if len(groups) > 1:
        raise ConfigError(f"{where}: {', '.join(rule)} cannot stand in one rule.", hint="Write two criteria.")
    if "months" in groups and len(columns) != 2:
        raise ConfigError(f"{where}: months are counted between two date columns, {len(columns)} given.")
    if "*" in columns and "fraction" not in groups:
        raise ConfigError(f"{where}: '*' goes with a missing fraction only.")


def apply(table: pd.DataFrame, criteria: Criteria) -> Eligible:
    """
    The rows that meet every criterion, counted step by step.

    Parameters
    ----------
    table : DataFrame, one row per person, index labels unique
    criteria : Criteria
        Applied in their order: the order changes the counts of the steps, never the final set.

    Raises
    ------
    SchemaError
        A column holds another kind of value than its rule needs, or row labels repeat.

    Source
    ------
    STROBE statement (von Elm et al. 2007), item 13.

    Examples
    --------
    >>> people = pd.DataFrame({"age_years": [35.0, 52.0, 61.0], "cancer": [0.0, 1.0, 0.0]})
    >>> eligible = apply(people, criteria("fracture_risk"))
    >>> [(step.code, step.n_before, step.n_after) for step in eligible.flow if step.n_excluded]
    [('age_40', 3, 2), ('malignancy', 2, 1)]
    >>> eligible.not_applicable[:2]
    ('dxa_complete', 'follow_up_6_months')
    """
    if not table.index.is_unique:
        raise SchemaError("row labels repeat.", hint="Use reset_index, or remove duplicates first.")
    flow, judgements = [], []
    for criterion in criteria.criteria:
        judged, stays = _judged(table, criterion)
        after = table.loc[stays]
        flow.append(
            FlowStep(code=criterion.id, n_before=len(table), n_after=len(after), reason=judged.reason)
        )
        judgements.append(judged)
        table = after
    return Eligible(table=table.copy(), flow=tuple(flow), judgements=tuple(judgements))


def _judged(table: pd.DataFrame, criterion: Criterion) -> tuple[Judgement, pd.Series]:
    """What a criterion did, and which rows stay."""
    columns = _measured(table) if "*" in criterion.columns else criterion.columns
    absent = tuple(column for column in columns if column not in table)
    present = [column for column in columns if column in table]
    partly = criterion.match == "any" or bool(set(criterion.rule) & set(_FRACTIONS))
    if not present or (absent and not partly):
        judged = Judgement(
            criterion=criterion, applicable=False, n_before=len(table), absent=absent or columns
        )
        return judged, pd.Series(True, index=table.index)
    met = _met(table[present], criterion)
    if absent and criterion.match == "any" and not set(criterion.rule) & set(_FRACTIONS):
        met = met.where(met == 1.0)  # an absent column might have met the rule: "no" becomes "cannot tell"
    unjudged = met.isna()
    stays = (met == 1.0) if criterion.kind == "include" else (met == 0.0)
    stays = stays | (unjudged & (criterion.on_missing != "drop"))
    listed = tuple(table.index[unjudged]) if criterion.on_missing == "list" else ()
    judged = Judgement(criterion=criterion, applicable=True, n_before=len(table), n_excluded=int((~stays).sum()),
                       n_unjudged=int(unjudged.sum()), excluded=tuple(table.index[~stays]), listed=listed,
                       absent=absent)  # fmt: skip
    return judged, stays


def _measured(table: pd.DataFrame) -> tuple[str, ...]:
    """The columns that carry measurements: no key, no survey design, no outcome."""
    fields = schema().fields
    known = {name: fields[name].modality for name in map(str, table.columns) if name in fields}
    return tuple(
        str(name) for name in table.columns if known.get(str(name)) not in ("key", "design", "outcome")
    )


def _met(part: pd.DataFrame, criterion: Criterion) -> pd.Series:
    """1.0 where the rule is met, 0.0 where not, NaN where a missing value leaves it open."""
    rule = criterion.rule
    if set(rule) & set(_FRACTIONS):
        share = part.isna().mean(axis=1)
        tests = {"max_missing_fraction": share.le, "missing_fraction_above": share.gt}
        return (
            pd.concat([tests[name](limit) for name, limit in rule.items()], axis=1).all(axis=1).astype(float)
        )
    if set(rule) & set(_MONTHS):
        span = _dates(part, criterion.columns[1]) - _dates(part, criterion.columns[0])
        months = span.dt.total_seconds() / (86400 * _DAYS_PER_MONTH)
        tests = {"min_months": months.ge, "max_months": months.le}
        answer = pd.concat([tests[name](limit) for name, limit in rule.items()], axis=1).all(axis=1)
        return answer.astype(float).where(months.notna())
    if "not_missing" in rule:
        answers = [part[column].notna().astype(float) for column in part]
    else:
        answers = [_value_met(part[column], rule) for column in part]
    together = np.minimum if criterion.match == "all" else np.maximum
    decisive = 0.0 if criterion.match == "all" else 1.0
    joined: pd.Series = reduce(together, answers)  # NaN wherever one answer is NaN
    settled = reduce(np.logical_or, [answer == decisive for answer in answers])
    return joined.mask(settled, decisive)


def _value_met(column: pd.Series, rule: Mapping[str, Any]) -> pd.Series:
    """One column against min, max, above, below, equals, in, true, false (all of those given)."""
    answer = pd.Series(True, index=column.index)
    for name, wanted in rule.items():
        if name in ("equals", "in"):
            choices = wanted if isinstance(wanted, list) else [wanted]
            answer &= column.isin(choices)
            continue
        numbers = _numbers(column, name)
        tests = {"min": numbers.ge, "max": numbers.le, "above": numbers.gt, "below": numbers.lt,
                 "true": lambda _, n=numbers: n == 1.0, "false": lambda _, n=numbers: n == 0.0}  # fmt: skip
        answer &= tests[name](wanted)
    return answer.astype(float).where(column.notna())


def _numbers(column: pd.Series, rule: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    bad = numbers.isna() & column.notna()
    if rule in ("true", "false"):
        bad |= ~(numbers.isin([0.0, 1.0]) | column.isna())
    if bad.any():
        row = column.index[bad][0]
        value = column.loc[row]
        shown = repr(value) if isinstance(value, str) else str(value)
        kind = "0 or 1" if rule in ("true", "false") else "a number"
        raise SchemaError(f"column {column.name!r}, row {row!r}: {shown}, expected {kind} ({rule}).")
    return numbers


def _dates(part: pd.DataFrame, column: str) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(part[column]):
        raise SchemaError(
            f"column {column!r} holds {part[column].dtype}, expected dates.", hint="Read dates first."
        )
    return part[column]
