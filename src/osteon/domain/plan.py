"""
A plan for one patient: items of advice with the rule behind each, and what a clinician decided on them.

Nothing is ever taken away: a decision adds a version, and every earlier one can be read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from osteon.core.errors import InputError

__all__ = ["DECISIONS", "SECTIONS", "TIERS", "WHOLE", "Decision", "Item", "Param", "Plan", "Tier"]

Param = float | int | str | bool | tuple[str, ...] | None

TIERS = ("low", "intermediate", "high", "very_high")
"""Fracture risk tiers from the lowest up."""

DECISIONS = ("accepted", "edited", "rejected")

WHOLE = ("tier", "rest")
"""What is decided beside single items: the tier, and everything that nobody decided apart."""

SECTIONS = (
    "tier", "alert", "hold", "missing", "candidate", "adjunct", "removed", "withheld", "caution", "prerequisite", "sequence", "renal",
    "monitoring", "followup", "nondrug", "rehabilitation", "vcf", "note",
)  # fmt: skip
"""
What an item may be: a criterion of the tier; a hard alert; a reason to name no drug yet; a fact to find out; a drug to consider; what goes beside it; a drug ruled out;
a drug not named while a fact is unknown; a warning on a candidate; what must come before the first dose; what follows,
review and holiday; renal figures; tests of a candidate; dated follow-up; non-drug advice; exercise stages; the fractured vertebra; a remark.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """
    One piece of advice.

    Attributes
    ----------
    rule_id : str
        The rule that gave it, "aace_2020.very_high.recent_fracture".
    section : str
        One of :data:`SECTIONS`.
    code : str
        What it says, as a code for the word lists.
    about : str
        The drug it speaks of; "" for none.
    params : mapping
        Numbers and codes for the text: dose, unit, date, value, ...
    source, confidence : str
        Where the rule is published, and how sure our reading is: "read", "recalled_high", "recalled_medium", ...
    verified : bool
        A person checked the rule against its source; False is shown with a note.
    missing : tuple of str
        Facts that are unknown and would decide.
    """

    rule_id: str
    section: str
    code: str
    about: str = ""
    params: Mapping[str, Param] = field(default_factory=dict)
    source: str = ""
    confidence: str = ""
    verified: bool = False
    missing: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name of this item within its plan."""
        return "|".join((self.section, self.about, self.rule_id, self.code))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """
    The fracture risk tier: by the guideline, by computed risks, and the higher of the two.

    Attributes
    ----------
    status : "classified", "cannot_classify" or "outside_scope"
    level : str or None
        The tier; None unless classified.
    at_least : str or None
        The highest tier that what is known already gives.
    by_guideline, by_risk : str or None
        What each says alone; risks are arithmetic equivalents, not a guideline.
    fired, undecided : tuple of Item
        Every criterion that holds, and every one of a higher tier that a missing fact leaves open.
    missing : tuple of str
        Mandatory facts that are unknown.
    notes : tuple of str
    """

    status: str
    level: str | None
    at_least: str | None
    by_guideline: str | None
    by_risk: str | None
    fired: tuple[Item, ...] = ()
    undecided: tuple[Item, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    What a clinician decided on one item, on the tier or on the rest (:data:`WHOLE`).

    Raises
    ------
    InputError
        Another kind of decision, nobody named, or no reason for an edit or a rejection.
    """

    item: str
    kind: str
    by: str
    on: date
    reason: str = ""
    params: Mapping[str, Param] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in DECISIONS:
            raise InputError(f"decision {self.kind!r}.", hint=f"One of {', '.join(DECISIONS)}.")
        if not self.by.strip():
            raise InputError("a decision needs the name of who made it.")
        if self.kind != "accepted" and not self.reason.strip():
            raise InputError(f"{self.kind} without a reason.", hint="Say why; it is kept.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    Advice for one patient under one guideline, with every decision taken on it.

    Examples
    --------
    >>> item = Item(rule_id="r1", section="candidate", code="consider", about="alendronate", params={"dose": 70})
    >>> tier = Tier(status="classified", level="high", at_least="high", by_guideline="high", by_risk=None)
    >>> plan = Plan(patient="1", as_of=date(2026, 1, 1), guideline="bhof_2022", guideline_version="1", jurisdiction="us",
    ...             tier=tier, items=(item,))
    >>> told = Decision(item=item.key, kind="edited", by="Dr Li", on=date(2026, 1, 2), reason="daily preferred", params={"dose": 10})
    >>> later = plan.decided(told)
    >>> later.version, later.shown(item).params["dose"], later.at_version(1) == plan
    (2, 10, True)
    """

    patient: str
    as_of: date
    guideline: str
    guideline_version: str
    jurisdiction: str
    tier: Tier
    items: tuple[Item, ...] = ()
    decisions: tuple[Decision, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """1 as computed, and one more for every decision."""
        return 1 + len(self.decisions)

    def section(self, name: str) -> tuple[Item, ...]:
        """
        The items of one section, in order.

        Raises
        ------
        InputError
            No such section.
        """
        if name not in SECTIONS:
            raise InputError(f"a plan has no section {name!r}.", hint=f"One of {', '.join(SECTIONS)}.")
        return tuple(item for item in self.items if item.section == name)

    def item(self, key: str) -> Item:
        """
        The item of that key.

        Raises
        ------
        InputError
            The plan holds no such item.
        """
        for found in self.items:
            if found.key == key:
                return found
        raise InputError(
            f"the plan of {self.patient} has no item {key!r}.", hint="Take the key from an item."
        )

    def decided(self, decision: Decision) -> Plan:
        """The next version of the plan: the same items, and one decision more."""
        if decision.item not in WHOLE:
            self.item(decision.item)
        return replace(self, decisions=(*self.decisions, decision))

    def decision(self, item: Item | str) -> Decision | None:
        """The latest decision on an item, or on a word of :data:`WHOLE`; None while there is none."""
        key = item if isinstance(item, str) else item.key
        return next((made for made in reversed(self.decisions) if made.item == key), None)

    def shown(self, item: Item) -> Item:
        """The item as the latest decision leaves it: its params with those of an edit on top."""
        made = self.decision(item)
        return (
            item
            if made is None or made.kind != "edited"
            else replace(item, params={**item.params, **made.params})
        )

    def at_version(self, version: int) -> Plan:
        """
        The plan as it stood at an earlier version.

        Raises
        ------
        InputError
            There is no such version.
        """
        if not 1 <= version <= self.version:
            raise InputError(
                f"version {version} of the plan of {self.patient}.", hint=f"There are {self.version}."
            )
        return replace(self, decisions=self.decisions[: version - 1])
