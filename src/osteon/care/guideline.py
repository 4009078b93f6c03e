"""
Guidelines as dated data: criteria of each tier, drugs to consider, advice, what must be known first.

A site may hand in a file of its own in the same form; every rule carries its source and who verified it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from osteon.care.condition import Condition, Facts
from osteon.care.facts import FACTS
from osteon.care.rule import Rule, checked_condition, read_rules
from osteon.care.vocabulary import codes
from osteon.core.config import read_toml
from osteon.core.errors import ConfigError
from osteon.domain.plan import SECTIONS, TIERS

__all__ = ["JURISDICTIONS", "Guideline", "guideline", "guidelines", "read_guideline"]

_FOLDER = Path(__file__).with_name("guidelines")
JURISDICTIONS = ("us", "eu", "uk", "cn")
"""Whose product information decides where they differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guideline:
    """
    One guideline.

    Attributes
    ----------
    id, title, version, dated, source : str
    jurisdiction : str
        The one used where none is asked for.
    scope : Condition
        Whom it speaks of.
    mandatory : tuple of str
        Facts that must be known before anything is classified; "a|b" = one of them.
    decisive : tuple of str
        Facts that must be known where a higher tier hangs on them.
    definitions, tables : mapping
        Names for conditions, functions of age.
    criteria, choices, advice : tuple of Rule
        Tiers; drugs to consider in a tier; what else the guideline says.
    """

    id: str
    title: str
    version: str
    dated: str
    source: str
    jurisdiction: str
    scope: Condition
    mandatory: tuple[str, ...]
    decisive: tuple[str, ...]
    definitions: Mapping[str, Condition]
    tables: Mapping[str, Callable[[float], float]]
    table_values: Mapping[str, Mapping[str, Any]]
    criteria: tuple[Rule, ...]
    choices: tuple[Rule, ...]
    advice: tuple[Rule, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule of the guideline."""
        return (*self.criteria, *self.choices, *self.advice)

    def world(self, facts: Facts) -> Facts:
        """The facts with this guideline's own names and tables."""
        return replace(facts, definitions=self.definitions, tables=self.tables)


def guidelines() -> tuple[str, ...]:
    """
    Names of the guidelines that come with osteon.

    Examples
    --------
    >>> "nogg_2024" in guidelines()
    True
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def guideline(name: str) -> Guideline:
    """
    A guideline by its name.

    Raises
    ------
    ConfigError
        There is none of that name.

    Examples
    --------
    >>> aace = guideline("aace_2020")
    >>> next(rule.value for rule in aace.criteria if rule.id == "aace_2020.very_high.t_score")
    -3.0
    >>> round(guideline("nogg_2024").tables["intervention"](67), 2), guideline("iof_esceo_2019").tables["intervention"](67)
    (17.6, 13.4)
    """
    if name not in guidelines():
        raise ConfigError(f"no guideline {name!r}.", hint=f"Known: {', '.join(guidelines())}.")
    return read_guideline(_FOLDER / f"{name}.toml")


def read_guideline(path: Path) -> Guideline:
    """
    A guideline from a file, wholly checked.

    Raises
    ------
    ConfigError
        A rule without source, an unknown fact, drug, tier or section, a table that is not in order.
    """
    content = read_toml(path)
    about = content.get("file", {})
    lacking = [
        key
        for key in ("id", "title", "version", "dated", "jurisdiction", "source", "scope", "mandatory")
        if key not in about
    ]
    if lacking:
        raise ConfigError(f"{path.name}: [file] lacks {', '.join(lacking)}.")
    if about["jurisdiction"] not in JURISDICTIONS:
        raise ConfigError(
            f"{path.name}: jurisdiction {about['jurisdiction']!r}.",
            hint=f"One of {', '.join(JURISDICTIONS)}.",
        )
    strangers = (
        {fact for group in about["mandatory"] for fact in group.split("|")}
        - set(FACTS)
        - {"fractures", "drugs"}
    )
    if strangers:
        raise ConfigError(f"{path.name}: mandatory facts {', '.join(sorted(strangers))} do not exist.")
    names = tuple(content.get("define", {}))
    tables = {
        name: _table(entry, where=f"{path.name}: table {name}")
        for name, entry in content.get("table", {}).items()
    }
    known: dict[str, Any] = {"names": names, "tables": tuple(tables), "prefix": f"{about['id']}."}
    found = Guideline(
        id=about["id"], title=about["title"], version=str(about["version"]), dated=str(about["dated"]), source=about["source"],
        jurisdiction=about["jurisdiction"], mandatory=tuple(about["mandatory"]), decisive=tuple(about.get("decisive", ())),
        scope=checked_condition(about["scope"], where=f"{path.name}: scope", names=names),
        definitions=MappingProxyType({
            name: checked_condition(text, where=f"{path.name}: {name}", names=names, tables=tables)
            for name, text in content.get("define", {}).items()
        }),
        tables=MappingProxyType(tables), table_values=MappingProxyType(content.get("table", {})),
        criteria=read_rules(path, content, "criterion", section="note", **known),
        choices=read_rules(path, content, "choice", section="candidate", **known),
        advice=read_rules(path, content, "advice", section="note", **known),
    )  # fmt: skip
    _checked(found, path)
    return found


def _checked(found: Guideline, path: Path) -> None:
    for rule in found.criteria:
        if rule.params.get("tier") not in TIERS:
            raise ConfigError(
                f"{path.name}: {rule.id}: tier {rule.params.get('tier')!r}.",
                hint=f"One of {', '.join(TIERS)}.",
            )
    for rule in found.choices:
        tiers, drugs = rule.params.get("tiers", ()), rule.params.get("drugs", ())
        strangers = set(tiers if isinstance(tiers, tuple) else ()) - set(TIERS)
        strangers |= set(drugs if isinstance(drugs, tuple) else ()) - set(codes("drug"))
        if strangers or not tiers or not drugs:
            raise ConfigError(
                f"{path.name}: {rule.id}: needs tiers and drugs; unknown: {', '.join(sorted(strangers)) or 'none'}."
            )
    sections = {rule.section for rule in found.advice} - set(SECTIONS)
    if sections:
        raise ConfigError(f"{path.name}: no section {', '.join(sorted(sections))}.")
    ids = [rule.id for rule in found.rules]
    if len(set(ids)) < len(ids):
        raise ConfigError(f"{path.name}: a rule id stands twice.")


def _table(entry: Mapping[str, Any], *, where: str) -> Callable[[float], float]:
    """A threshold by age: steps (each value until the next age) or straight lines between ages; constant outside."""
    ages, values = (
        [float(age) for age in entry.get("age", ())],
        [float(value) for value in entry.get("value", ())],
    )
    if (
        not ages
        or len(ages) != len(values)
        or ages != sorted(set(ages))
        or entry.get("between") not in {"step", "linear"}
    ):
        raise ConfigError(f"{where}: needs rising ages, as many values, and between = 'step' or 'linear'.")
    steps = entry["between"] == "step"

    def threshold(age: float) -> float:
        after = bisect_right(ages, age)
        if after == 0:
            return values[0]
        if steps or after == len(ages):
            return values[after - 1]
        share = (age - ages[after - 1]) / (ages[after] - ages[after - 1])
        return values[after - 1] + share * (values[after] - values[after - 1])

    return threshold
