"""
A rule: a condition with its number, what it says when it holds, where it is published and who checked it.

Rules stand in TOML files beside the code. Each entry has ``id``, ``when`` (see :mod:`osteon.care.condition`), ``value`` and
``unit`` of its threshold, ``source``, ``confidence``, ``verified_by``, ``verified_on`` (empty = not verified); the last four
may be given once for the file under ``[file]``. Every other key becomes a parameter of the item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from osteon.care.condition import Condition, Facts, parse
from osteon.care.fact_items import ITEM_FACTS
from osteon.care.facts import FACTS
from osteon.care.scores.published import CONFIDENCE
from osteon.care.vocabulary import codes, drug_name
from osteon.core.errors import ConfigError
from osteon.domain.plan import Item, Param

__all__ = ["ABOUT", "Rule", "checked_condition", "fired", "read_rule", "read_rules"]

ABOUT = ("source", "confidence", "verified_by", "verified_on")
"""What every rule must say of itself."""

_OWN = frozenset({"id", "code", "when", "value", "unit", "drug", "section", "unknown", *ABOUT})
_UNKNOWN = ("silent", "ask", "withhold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    One rule.

    Attributes
    ----------
    id : str
        Unique among all files: "aace_2020.very_high.t_score".
    code : str
        What it says, for the word lists; by default the last part of the id.
    section : str
        Of the plan the item belongs to.
    when : Condition
    value, unit : the threshold and its unit; None and "" where the condition needs none
    drug : str
        The drug it is about; "" for none.
    unknown : "silent", "ask" or "withhold"
        What to do when a missing fact leaves it open: nothing; say so in the same section; name no drug until known.
    params : mapping
        Whatever else the entry holds.
    source, confidence, verified_by, verified_on : str
    """

    id: str
    code: str
    section: str
    when: Condition
    value: float | str | None = None
    unit: str = ""
    drug: str = ""
    unknown: str = "silent"
    params: Mapping[str, Param] = field(default_factory=dict)
    source: str
    confidence: str
    verified_by: str
    verified_on: str

    @property
    def verified(self) -> bool:
        """A person checked the rule against its source."""
        return bool(self.verified_by and self.verified_on)

    def item(self, *, section: str = "", missing: Iterable[str] = (), **params: Param) -> Item:
        """What the rule says, as an item of a plan."""
        threshold = {"value": self.value, "unit": self.unit} if self.value is not None else {}
        return Item(
            rule_id=self.id, section=section or self.section, code=self.code, about=self.drug,
            params={**threshold, **self.params, **params}, source=self.source, confidence=self.confidence,
            verified=self.verified, missing=tuple(sorted(missing)),
        )  # fmt: skip


def fired(rules: Iterable[Rule], facts: Facts) -> tuple[Item, ...]:
    """
    The items of the rules that hold, and of those that a missing fact leaves open and that ask for it.

    An open rule that withholds gives an item in the section "withheld"; one that asks, an item in its own section
    whose ``missing`` is not empty.
    """
    found = []
    for rule in rules:
        answer = rule.when.holds(facts, value=rule.value)
        if answer.value is True:
            found.append(rule.item())
        elif answer.value is None and rule.unknown != "silent":
            section = "withheld" if rule.unknown == "withhold" else rule.section
            found.append(rule.item(section=section, missing=answer.missing))
    return tuple(found)


def checked_condition(
    text: str, *, where: str, names: Iterable[str] = (), tables: Iterable[str] = ()
) -> Condition:
    """
    A condition all of whose names, diseases, drugs and tables exist.

    Raises
    ------
    ConfigError
        It cannot be read, or it names something unknown.
    """
    condition = parse(text)
    in_items = {name for kind in ITEM_FACTS.values() for name in kind}
    strangers = condition.names - set(FACTS) - in_items - set(names) - {"value"}
    drugs = {
        part for code in codes("drug") for part in (code, drug_name(code).drug_class, drug_name(code).effect)
    }
    known = {"kind": set(ITEM_FACTS), "disease": set(codes("disease")), "drug": drugs, "table": set(tables)}
    strangers |= {code for kind, code in condition.codes if code not in known[kind]}
    if strangers:
        raise ConfigError(
            f"{where}: condition {text!r} speaks of {', '.join(sorted(strangers))}, which does not exist."
        )
    return condition


def read_rule(
    entry: Mapping[str, Any],
    *,
    path: Path,
    defaults: Mapping[str, Any],
    section: str,
    prefix: str = "",
    drug: str = "",
    names: Iterable[str] = (),
    tables: Iterable[str] = (),
) -> Rule:
    """
    One rule from its TOML entry.

    Raises
    ------
    ConfigError
        It lacks an id, a source or a confidence, or its condition cannot be read.
    """
    about = {key: str(entry.get(key, defaults.get(key, ""))) for key in ABOUT}
    name = str(entry.get("id", ""))
    where = f"{path.name}: rule {prefix}{name}"
    if not name or not about["source"] or about["confidence"] not in CONFIDENCE:
        raise ConfigError(
            f"{where}: needs an id, a source and a confidence.", hint=f"One of {', '.join(CONFIDENCE)}."
        )
    unknown = entry.get("unknown", "silent")
    if unknown not in _UNKNOWN:
        raise ConfigError(f"{where}: unknown = {unknown!r}.", hint=f"One of {', '.join(_UNKNOWN)}.")
    value = entry.get("value")
    if value is not None and not entry.get("unit"):
        raise ConfigError(f"{where}: the value {value} has no unit.", hint='A bare number has the unit "1".')
    params = {
        key: tuple(given) if isinstance(given, list) else given
        for key, given in entry.items()
        if key not in _OWN
    }
    return Rule(
        id=prefix + name, code=str(entry.get("code", name.rpartition(".")[2])), section=str(entry.get("section", section)),
        when=checked_condition(str(entry.get("when", "true")), where=where, names=names, tables=tables),
        value=value, unit=str(entry.get("unit", "")), drug=drug or str(entry.get("drug", "")), unknown=unknown,
        params=MappingProxyType(params), **about,
    )  # fmt: skip


def read_rules(
    path: Path, content: Mapping[str, Any], key: str, *, section: str, prefix: str = "", **known: Any
) -> tuple[Rule, ...]:
    """
    All rules of one array of a TOML file.

    Raises
    ------
    ConfigError
        As :func:`read_rule`, or an id stands twice.
    """
    defaults = content.get("file", {})
    rules = tuple(
        read_rule(entry, path=path, defaults=defaults, section=section, prefix=prefix, **known)
        for entry in content.get(key, ())
    )
    ids = [rule.id for rule in rules]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ConfigError(f"{path.name}: {', '.join(twice)} stands twice.")
    return rules
