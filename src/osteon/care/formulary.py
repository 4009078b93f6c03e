"""The drugs of ``drugs.toml``: dose, contraindications, cautions, prerequisites, monitoring, sequence, all as rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from osteon.care.rule import Rule, read_rules
from osteon.care.vocabulary import codes
from osteon.core.config import read_toml
from osteon.core.errors import ConfigError
from osteon.domain.plan import Param

__all__ = ["PARTS", "Drug", "adjuncts", "drugs"]

_PATH = Path(__file__).with_name("drugs.toml")
PARTS = {
    "contraindication": "removed", "caution": "caution", "prerequisite": "prerequisite", "monitoring": "monitoring",
    "sequence": "sequence",
}  # fmt: skip
"""Kinds of rules of a drug, and the section of the plan each speaks in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    """
    One drug: the usual dose as parameters (dose, unit, route, every, alternatives, sites) and its rules.

    Examples
    --------
    >>> drugs()["zoledronate"].dose["dose"], [rule.value for rule in drugs()["zoledronate"].contraindications][0]
    (5, 35)
    """

    drug: str
    dose: Mapping[str, Param]
    source: str
    confidence: str
    verified: bool
    contraindications: tuple[Rule, ...]
    cautions: tuple[Rule, ...]
    prerequisites: tuple[Rule, ...]
    monitoring: tuple[Rule, ...]
    sequence: tuple[Rule, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule of the drug."""
        return (
            *self.contraindications,
            *self.cautions,
            *self.prerequisites,
            *self.monitoring,
            *self.sequence,
        )


@cache
def drugs() -> Mapping[str, Drug]:
    """
    Every drug by its code, in the order of the file.

    Raises
    ------
    ConfigError
        A drug without dose, a rule that cannot be read.
    """
    content = read_toml(_PATH)
    found = [_drug(entry, content["file"]) for entry in content["drug"]]
    if len({one.drug for one in found}) < len(found):
        raise ConfigError(f"{_PATH.name}: a drug stands twice.")
    return MappingProxyType({one.drug: one for one in found})


@cache
def adjuncts() -> tuple[Rule, ...]:
    """What goes beside the drug for bone: rules that name supplements, short pain relief, active vitamin D."""
    return read_rules(_PATH, read_toml(_PATH), "adjunct", section="adjunct", prefix="adjunct.")


def _drug(entry: dict[str, Any], defaults: dict[str, Any]) -> Drug:
    name = entry.get("drug", "")
    dose = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in entry.items()
        if key not in {"drug", "source", "confidence", "verified_by", "verified_on", *PARTS}
    }
    if name not in codes("drug") or not {"dose", "unit", "route", "every", "sites"} <= set(dose):
        raise ConfigError(
            f"{_PATH.name}: drug {name!r} needs a known name, dose, unit, route, every and sites."
        )
    about = {
        key: entry.get(key, defaults.get(key, ""))
        for key in ("source", "confidence", "verified_by", "verified_on")
    }
    rules = {
        part: read_rules(
            _PATH, {**entry, "file": about}, part, section=section, prefix=f"{name}.{part}.", drug=name
        )
        for part, section in PARTS.items()
    }
    return Drug(
        drug=name, dose=MappingProxyType(dose), source=about["source"], confidence=about["confidence"],
        verified=bool(about["verified_by"] and about["verified_on"]), contraindications=rules["contraindication"],
        cautions=rules["caution"], prerequisites=rules["prerequisite"], monitoring=rules["monitoring"], sequence=rules["sequence"],
    )  # fmt: skip
