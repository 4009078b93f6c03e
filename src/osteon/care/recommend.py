"""
Drugs to consider: those the guideline names for the tier, less what is contraindicated, with cautions and prerequisites.

Every drug known is screened, also those the tier does not ask for, so that a reason against one is never hidden.
Nothing is named while the tier is open, while a hold stands, or while a fact that could rule the drug out is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable

from osteon.care.condition import Facts
from osteon.care.formulary import Drug, adjuncts, drugs
from osteon.care.guideline import Guideline
from osteon.care.rule import Rule, fired
from osteon.domain.plan import Item, Tier

__all__ = ["considered", "recommended"]


def considered(guideline: Guideline, facts: Facts) -> dict[str, Rule]:
    """
    The drugs the guideline names for the tier in ``facts``, in its order, then what goes beside them; each once, with the
    rule that named it.
    """
    found: dict[str, Rule] = {}
    for rule in (*guideline.choices, *adjuncts()):
        tiers, names = rule.params.get("tiers"), rule.params["drugs"]
        of_tier = tiers is None or (isinstance(tiers, tuple) and facts.values["tier"] in tiers)
        if of_tier and isinstance(names, tuple) and rule.when.holds(facts, value=rule.value).value is True:
            for name in names:
                found.setdefault(name, rule)
    return found


def recommended(tier: Tier, guideline: Guideline, facts: Facts, *, holds: Iterable[Item]) -> tuple[Item, ...]:
    """
    Everything about drugs, as items in the sections removed, withheld, candidate, adjunct, caution, prerequisite, monitoring, sequence.

    Parameters
    ----------
    tier : Tier
    guideline : Guideline
    facts : Facts
        With ``tier`` among its values.
    holds : iterable of Item
        Reasons to name no drug at all yet.
    """
    asked = considered(guideline, facts)
    held = bool(tuple(holds)) or tier.status != "classified"
    items: list[Item] = []
    named: list[Item] = []
    for drug in drugs().values():
        against = fired(drug.contraindications, facts)
        removed = [item for item in against if item.section == "removed" and not item.missing]
        items += [_marked(item, considered=drug.drug in asked) for item in removed]
        if drug.drug not in asked or removed:
            continue
        withheld = [
            *(item for item in against if item.section == "withheld"),
            *_without_renal_function(drug, facts),
        ]
        items += withheld
        if not held and not withheld:
            named += _named(drug, asked[drug.drug], facts, against, rank=list(asked).index(drug.drug) + 1)
    named.sort(
        key=lambda item: int(str(item.params["rank"])) if item.section in {"candidate", "adjunct"} else 99
    )
    return (*items, *named)


def _named(drug: Drug, rule: Rule, facts: Facts, against: tuple[Item, ...], *, rank: int) -> list[Item]:
    """A candidate with its dose, and everything to know about it."""
    prerequisites = fired(drug.prerequisites, facts)
    cautions = fired(drug.cautions, facts)
    to_confirm = [_in_section(item, "caution", to_confirm=True) for item in against]
    candidate = Item(
        rule_id=rule.id, section=rule.section, code="consider", about=drug.drug,
        params={
            **drug.dose, "rank": rank, "taken_now": _taken(drug.drug, facts), "prerequisites": tuple(item.code for item in prerequisites),
            "cautions": tuple(item.code for item in cautions), "dose_source": drug.source, "dose_confidence": drug.confidence,
        },
        source=rule.source, confidence=rule.confidence, verified=rule.verified and drug.verified,
    )  # fmt: skip
    return [
        candidate,
        *cautions,
        *to_confirm,
        *prerequisites,
        *fired(drug.monitoring, facts),
        *fired(drug.sequence, facts),
    ]


def _without_renal_function(drug: Drug, facts: Facts) -> tuple[Item, ...]:
    """No drug with a renal rule of any kind is named while renal function is unknown, whatever a guideline demands."""
    asked = {"crcl_ml_min", "egfr_ml_min"}
    unknown = sorted(name for name in asked if facts.values[name] is None)
    if not unknown or not any(asked & rule.when.names for rule in drug.rules):
        return ()
    return (
        Item(
            rule_id=f"{drug.drug}.renal_function_unknown", section="withheld", code="renal_function_unknown", about=drug.drug,
            source=drug.source, confidence=drug.confidence, verified=drug.verified,
            missing=tuple(sorted({need for name in unknown for need in facts.needs[name]})),
        ),
    )  # fmt: skip


def _taken(code: str, facts: Facts) -> bool | None:
    """Does the patient take the drug already? None while nobody asked."""
    taken = facts.items.get("drug")
    return (
        None if taken is None else any(one["drug"] == code and one["taken_now"] is not False for one in taken)
    )


def _marked(item: Item, *, considered: bool) -> Item:
    return _in_section(item, item.section, considered=considered)


def _in_section(item: Item, section: str, **params: bool) -> Item:
    return Item(
        rule_id=item.rule_id, section=section, code=item.code, about=item.about, params={**item.params, **params},
        source=item.source, confidence=item.confidence, verified=item.verified, missing=item.missing,
    )  # fmt: skip
