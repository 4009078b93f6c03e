"""
From the numbers of a portrait to a proposal of how such patients are managed: codes with sources, never an implant.

The rules stand in ``portrait_plan.toml`` (or in a team's own copy of it); this file only reads and applies them. The
proposal is for a group of patients: what one patient gets is decided by the rules for patients and by the clinician.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from osteon.core.config import read_toml
from osteon.core.errors import ConfigError

__all__ = [
    "FACTS",
    "TOPICS",
    "Naming",
    "PlanItem",
    "PortraitPlan",
    "PortraitRules",
    "portrait_plan",
    "portrait_rules",
]

TOPICS = (
    "drugs",
    "nutrition",
    "pain",
    "followup",
    "complications",
    "perioperative",
    "rehabilitation",
    "psychology",
)
FACTS = ("n", "age_mean", "t_mean", "compression_mean", "segments_mean", "vas_mean", "healing_days_mean", "female_share",
         "conservative_share", "surgical_share", "multiple_share", "burst_share", "severe_activity_share",
         "posterior_wall_share", "charlson_mean", "dementia_share")  # fmt: skip
SURGICAL_FACTS = ("levels", "height_loss", "posterior_wall", "t_score", "hounsfield")
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_CONFIDENCE = ("high", "medium", "low")
_NOT_IN_A_FILE_NAME = frozenset('<>:"/\\|?*')
_KEYS = {"version", "title", "based_on", "verified_by", "verified_on", "naming", "item", "surgery"}
_ITEM_KEYS = {
    "id", "topic", "when", "source", "confidence", "verified_by", "verified_on", "text_en", "text_zh",
    "source_zh",
}  # fmt: skip
Condition = tuple[str, str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The limits by which a portrait gets its name; T-scores and ages are means of the portrait."""

    old_from_years: float
    young_below_years: float
    very_low_t: float
    osteoporosis_t: float
    low_t: float
    type_share: float
    severe_pain_vas: float
    mild_pain_vas: float
    mainly_share: float
    many_diseases_charlson: float
    few_diseases_charlson: float
    dementia_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem:
    """
    One line of a plan.

    ``when``: the item stands when all conditions of one of these lists hold; empty: always. ``text_en`` and ``text_zh``
    are a team's own words. ``verified`` is false as long as nobody has signed the item or the file.
    """

    id: str
    topic: str
    when: tuple[tuple[Condition, ...], ...]
    source: str
    confidence: str
    verified: bool
    text_en: str = ""
    text_zh: str = ""
    source_zh: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortraitRules:
    """A version of the rules; ``sha256`` is that of the file ``text`` came from, so that an edited copy is told apart."""

    version: str
    title: str
    based_on: str
    naming: Naming
    items: tuple[PlanItem, ...]
    surgical_facts: tuple[str, ...]
    sha256: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortraitPlan:
    """The proposal for one portrait: its items in the order of the topics, and facts that conditions lacked."""

    items: tuple[PlanItem, ...]
    surgical_facts: tuple[str, ...]
    lacking: tuple[str, ...]
    version: str
    sha256: str

    @property
    def unverified(self) -> int:
        """How many items nobody has signed."""
        return sum(not item.verified for item in self.items)


def portrait_rules(path: Path | None = None) -> PortraitRules:
    """
    The rules in a file, or those shipped.

    Raises
    ------
    ConfigError
        A key, topic, fact or comparison is unknown, an id stands twice, the version is missing, cannot be part of a
        file name, or is that of the rules shipped while the file says something else.

    Examples
    --------
    >>> portrait_rules().version
    '2026-11-20'
    """
    shipped = Path(__file__).with_name("portrait_plan.toml")
    path = path or shipped
    content = read_toml(path)
    _known(content, _KEYS, where=str(path))
    if not content.get("version"):
        raise ConfigError(
            f"{path}: no version.", hint='Write version = "2026-11-20", and raise it when you edit.'
        )
    version = str(content["version"])
    if not version.isprintable() or _NOT_IN_A_FILE_NAME & set(version):
        raise ConfigError(
            f"{path}: the version {version!r} cannot be part of a file name.",
            hint='Leave out / \\ : * ? " < > | and line breaks, as in version = "2026-11-20".',
        )
    signed = bool(content.get("verified_by") and content.get("verified_on"))
    items = tuple(_item(entry, signed, where=str(path)) for entry in content.get("item", []))
    ids = [item.id for item in items]
    if len(set(ids)) < len(ids):
        raise ConfigError(f"{path}: the item {max(ids, key=ids.count)!r} stands twice.")
    facts = tuple(content.get("surgery", {}).get("facts", ()))
    _known(dict.fromkeys(facts), set(SURGICAL_FACTS), where=f"{path}: surgery.facts")
    naming = content.get("naming", {})
    limits = set(Naming.__dataclass_fields__)
    _known(naming, limits, where=f"{path}: naming")
    if missing := sorted(limits - set(naming)):
        raise ConfigError(f"{path}: naming lacks {', '.join(missing)}.")
    ours = read_toml(shipped)
    if version == ours["version"] and _unsigned(content) != _unsigned(ours):
        raise ConfigError(
            f"{path}: edited, but its version {version} is that of the rules shipped with osteon.",
            hint="Raise the version, so that every card says which rules it was printed from.",
        )
    return PortraitRules(
        version=version, title=str(content.get("title", "")), based_on=str(content.get("based_on", "")),
        naming=Naming(**{key: float(value) for key, value in naming.items()}), items=items, surgical_facts=facts,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(), text=path.read_text(encoding="utf-8"),
    )  # fmt: skip


def _unsigned(content: Mapping[str, Any]) -> dict[str, Any]:
    """Rules without the signatures, which may be added to a version as it is."""

    def bare(entry: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in entry.items() if key not in {"verified_by", "verified_on"}}

    return {**bare(content), "item": [bare(item) for item in content.get("item", [])]}


def portrait_plan(facts: Mapping[str, float | None], rules: PortraitRules) -> PortraitPlan:
    """
    The items whose conditions the portrait meets.

    Parameters
    ----------
    facts : mapping of FACTS to numbers
        None or absent: not known, and conditions on it do not hold.
    rules : PortraitRules

    Examples
    --------
    >>> plan = portrait_plan({"age_mean": 75.5, "t_mean": -3.1, "conservative_share": 0.89}, portrait_rules())
    >>> "complications.pneumonia" in {item.id for item in plan.items}, "vas_mean" in plan.lacking
    (True, True)
    """
    _known(facts, set(FACTS), where="facts of a portrait")
    asked = {fact for item in rules.items for conditions in item.when for fact, _, _ in conditions}
    chosen = [
        item
        for item in rules.items
        if not item.when or any(all(_holds(c, facts) for c in conditions) for conditions in item.when)
    ]
    return PortraitPlan(
        items=tuple(sorted(chosen, key=lambda item: TOPICS.index(item.topic))),
        surgical_facts=rules.surgical_facts,
        lacking=tuple(fact for fact in FACTS if fact in asked and facts.get(fact) is None),
        version=rules.version,
        sha256=rules.sha256,
    )


def _holds(condition: Condition, facts: Mapping[str, float | None]) -> bool:
    fact, sign, limit = condition
    value = facts.get(fact)
    return value is not None and _COMPARE[sign](value, limit)


def _item(entry: Mapping[str, Any], signed: bool, *, where: str) -> PlanItem:
    name = str(entry.get("id", ""))
    _known(entry, _ITEM_KEYS, where=f"{where}: item {name!r}")
    for key, allowed in (("topic", TOPICS), ("confidence", _CONFIDENCE)):
        if entry.get(key) not in allowed:
            raise ConfigError(
                f"{where}: item {name!r}: {key} is {entry.get(key)!r}.", hint=f"Known: {', '.join(allowed)}."
            )
    if not name or not entry.get("source"):
        raise ConfigError(f"{where}: item {name!r} needs an id and a source.")
    when = tuple(
        tuple(_condition(c, where=f"{where}: item {name!r}") for c in conditions)
        for conditions in entry.get("when", ())
    )
    return PlanItem(id=name, topic=entry["topic"], when=when, source=entry["source"], confidence=entry["confidence"],
                    verified=signed or bool(entry.get("verified_by") and entry.get("verified_on")),
                    text_en=entry.get("text_en", ""), text_zh=entry.get("text_zh", ""),
                    source_zh=entry.get("source_zh", ""))  # fmt: skip


def _condition(written: Any, *, where: str) -> Condition:
    if not isinstance(written, list) or len(written) != len(get_args(Condition)):
        raise ConfigError(f"{where}: the condition {written!r}.", hint='Write ["age_mean", ">=", 70.0].')
    fact, sign, limit = written
    _known({fact: None}, set(FACTS), where=where)
    if sign not in _COMPARE or isinstance(limit, bool) or not isinstance(limit, int | float):
        raise ConfigError(
            f"{where}: the condition {written!r}.", hint=f"Comparisons: {', '.join(_COMPARE)} and a number."
        )
    return fact, sign, float(limit)


def _known(content: Mapping[str, Any], known: set[str], *, where: str) -> None:
    for key in content:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(known))}."
            raise ConfigError(f"{where}: unknown {key!r}.", hint=hint)
