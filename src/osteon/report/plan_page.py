"""
A patient's plan as a sheet for the file: what to do first, the tier and why, drugs, follow-up, the rest, a decision to sign.

Two pages of A4. Every statement carries the number of its source, and a dagger where nobody has checked the rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from osteon.core.provenance import Provenance
from osteon.domain.patient import Patient
from osteon.domain.plan import Item, Plan
from osteon.report.document import (
    Block,
    Bullets,
    Callout,
    Document,
    Heading,
    KeyFigures,
    Paragraph,
    Tile,
)
from osteon.report.plan_facts import facts_table, person_text
from osteon.report.plan_rules import Sources, marked, sources_of, sources_table
from osteon.report.plan_tables import (
    decision_table,
    drug_table,
    followup_table,
    missing_table,
    nondrug_table,
    not_named_table,
    reason_table,
    replaced_decisions,
    shared_advice,
    stage_table,
)
from osteon.report.plan_words import figure, named, phrase
from osteon.report.value import Text

__all__ = ["plan_document", "summary_text"]

_FIRST_SAID = ("stop_and_call", "wait_for_surgeon")


def plan_document(
    plan: Plan, patient: Patient, *, simulated: bool = False, provenance: Provenance | None = None
) -> Document:
    """
    The sheet of one patient, in no language yet.

    Parameters
    ----------
    plan : Plan
    patient : Patient
        The facts the plan was made from; they stand on the sheet so that a slip in one shows.
    simulated : bool
        The patient is invented.
    provenance : Provenance or None
        Printed at the end where given.
    """
    # An edit stands wherever its item is printed.
    plan = replace(plan, items=tuple(map(plan.shown, plan.items)))
    sources = sources_of(plan)
    blocks: list[Block] = [
        *_first(plan, sources),
        *_tier(plan, sources),
        *_drugs(plan, patient, sources),
        *_rest(plan, sources),
    ]
    blocks += [Heading("facts", phrase("section.facts")), facts_table(patient)]
    blocks += [
        Heading("decision", phrase("section.decision")),
        decision_table(plan),
        *((Bullets(replaced),) if (replaced := replaced_decisions(plan)) else ()),
        Paragraph(phrase("decision.signature")),
    ]
    blocks += [Heading("sources", phrase("section.sources")), sources_table(sources)]
    return Document(
        title=phrase("title", patient=plan.patient),
        subtitle=phrase(
            "subtitle", person=person_text(patient), day=plan.as_of.isoformat(), guideline=named("guideline", plan.guideline),
            jurisdiction=named("jurisdiction", plan.jurisdiction),
        ),
        simulated=simulated, summary=summary_text(plan), blocks=tuple(blocks), provenance=provenance, sheet=True,
        footer=phrase("footer"),
    )  # fmt: skip


def summary_text(plan: Plan) -> Text:
    """The plan in one sentence."""
    tier = plan.tier
    if tier.status == "outside_scope":
        return phrase("summary.outside_scope")
    if tier.status == "cannot_classify" or tier.level is None:
        many = "cannot_classify_one" if len(tier.missing) == 1 else "cannot_classify"
        text: Text = phrase(f"summary.{many}", n=len(tier.missing))
        least = tier.at_least
        return (
            phrase("summary.then", first=text, second=phrase("summary.at_least", tier=named("tier", least)))
            if least
            else text
        )
    return phrase("summary.classified", tier=named("tier_risk", tier.level), drugs=_drugs_named(plan))


def _drugs_named(plan: Plan) -> Text:
    n = len(plan.section("candidate"))
    if n:
        return phrase("summary.one_candidate") if n == 1 else phrase("summary.candidates", n=n)
    if plan.section("hold"):
        return phrase("summary.held")
    asked = [item for item in plan.items if item.section == "withheld" or item.params.get("considered")]
    return phrase("summary.no_candidates" if asked else "summary.low")


def _checked(sources: Sources) -> Paragraph:
    n = len(sources.rules)
    return Paragraph(
        phrase("unverified", n=n, unverified=sources.unverified)
        if sources.unverified
        else phrase("verified", n=n)
    )


def _first(plan: Plan, sources: Sources) -> Iterator[Block]:
    """What was decided, holds and alerts to act on, each set apart; what to look at, to ask and to check, one note each."""
    if plan.decisions:
        last, n = plan.decisions[-1], len(plan.decisions)
        told = phrase("decision.version_one" if n == 1 else "decision.version", version=plan.version, n=n,
                      day=plan.as_of.isoformat(), on=last.on.isoformat(), by=last.by)  # fmt: skip
        yield Callout("note", told, phrase("section.decision"))
    for item in plan.section("hold"):
        yield Callout("warning", marked((item,), sources), phrase("severity.hold"))
    by_severity: dict[str, list[Item]] = {"stop": [], "warn": [], "ask": [], "data": []}
    for item in plan.section("alert"):
        by_severity["ask" if item.missing else str(item.params.get("severity", "stop"))].append(item)
    for item in by_severity["stop"]:
        yield Callout("warning", marked((item,), sources), phrase("severity.stop"))
    for name in ("warn", "ask", "data"):
        if by_severity[name]:
            yield Callout("note", marked(by_severity[name], sources), phrase(f"severity.{name}"))


def _tier(plan: Plan, sources: Sources) -> Iterator[Block]:
    tier = plan.tier
    if tier.missing:
        yield Heading("missing", phrase("section.missing"))
        yield missing_table(plan)
    renal = next((item for item in plan.section("renal") if item.code == "renal_function"), None)
    by_risk = named("tier", tier.by_risk) if tier.by_risk else phrase("tile.not_judged")
    by_guideline = named("tier", tier.by_guideline) if tier.by_guideline else phrase("tile.open")
    crcl = egfr = None
    if renal is not None:
        crcl, egfr = (
            figure(float(str(renal.params[name])), decimals=0) for name in ("crcl_ml_min", "egfr_ml_min")
        )
    yield KeyFigures((
        Tile(phrase("tile.tier"), named("tier", tier.level or tier.status), phrase("tile.higher")),
        Tile(phrase("tile.guideline"), by_guideline, named("guideline", plan.guideline)),
        Tile(phrase("tile.risk"), by_risk, phrase("tile.arithmetic")),
        Tile(phrase("tile.crcl"), crcl, phrase("tile.crcl_detail", egfr=egfr)),
    ))  # fmt: skip
    yield _checked(sources)
    if tier.fired or tier.undecided:
        yield Heading("tier", phrase("section.tier"))
        yield reason_table(plan, sources)


def _drugs(plan: Plan, patient: Patient, sources: Sources) -> Iterator[Block]:
    if plan.section("candidate") or plan.section("adjunct"):
        yield Heading("drugs", phrase("section.drugs"))
        yield drug_table(plan, patient, sources)
        shared = shared_advice(plan, sources)
        if shared:
            yield Paragraph(phrase("table.shared"))
            yield Bullets(shared)
    apart = [item for item in plan.section("renal") if item.code != "renal_function"]
    if apart:
        yield Callout("note", marked(apart, sources), phrase("severity.warn"))
    not_named = not_named_table(plan, sources)
    if not_named is not None:
        yield Heading("not-named", phrase("section.not_named"))
        yield not_named


def _rest(plan: Plan, sources: Sources) -> Iterator[Block]:
    drugs = {item.about for name in ("candidate", "adjunct") for item in plan.section(name)}
    running = [
        item
        for item in plan.section("sequence")
        if item.about not in drugs or item.rule_id.startswith("safety.")
    ]
    for name, items in (("sequence", running), ("vcf", plan.section("vcf"))):
        if items:
            yield Heading(name, phrase(f"section.{name}"))
            yield Bullets(tuple(marked((item,), sources) for item in items))
    exercise = plan.section("rehabilitation")
    if exercise:
        stages = [item for item in exercise if "stage" in item.params]
        yield Heading("rehabilitation", phrase("section.rehabilitation"))
        if stages:
            yield stage_table(stages, sources)
        told = [item for item in exercise if item not in stages]
        first = [item for item in told if item.code in _FIRST_SAID]
        yield Bullets(
            (
                *(marked((item,), sources) for item in first),
                marked((item for item in told if item not in first), sources),
            )
        )
    if plan.section("followup"):
        yield Heading("followup", phrase("section.followup"))
        yield followup_table(plan, sources)
    if plan.section("nondrug"):
        yield Heading("nondrug", phrase("section.nondrug"))
        yield nondrug_table(plan, sources)
    if plan.section("note"):
        yield Bullets(tuple(marked((item,), sources) for item in plan.section("note")))
