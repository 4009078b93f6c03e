"""The tables of a patient's plan: why this tier, what is missing, drugs, follow-up, rehabilitation, the decision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from osteon.domain.patient import Patient
from osteon.domain.plan import TIERS, Decision, Item, Param, Plan
from osteon.report.document import Column, GroupRow, Row, TableBlock
from osteon.report.plan_rules import Sources, marked
from osteon.report.plan_words import (
    amount,
    dose_text,
    drug_text,
    fact_text,
    figure,
    how_text,
    item_text,
    joined,
    named,
    phrase,
)
from osteon.report.value import Cell, Strong, Text

__all__ = [
    "decision_table",
    "drug_table",
    "followup_table",
    "missing_table",
    "nondrug_table",
    "not_named_table",
    "point_text",
    "reason_table",
    "replaced_decisions",
    "shared_advice",
    "stage_table",
]

_WATCH, _AFTER = ("prerequisite", "caution"), ("monitoring", "sequence")
_NONDRUG = {
    "nutrition": ("calcium_total", "vitamin_d", "vitamin_d_target", "protein", "protein_with_kidney_disease_ask", "sunlight"),
    "exercise": ("resistance_and_balance_training", "weight_bearing", "avoid_loaded_flexion"),
    "falls": ("falls_review", "falls_programme", "home_hazards", "vision_check", "deprescribe_sedatives"),
}  # fmt: skip


def _columns(*names: str, keep: int = 0) -> tuple[Column, ...]:
    """Left-aligned columns; the first ``keep`` of them hold their texts on one line. A name of "" has no label."""
    return tuple(
        Column(phrase(f"column.{name}") if name else "", align="left", wrap=index >= keep)
        for index, name in enumerate(names)
    )


def _table(
    name: str, columns: tuple[Column, ...], rows: Iterable[Row | GroupRow], *footnotes: Text
) -> TableBlock:
    return TableBlock(
        id=f"table-{name}",
        title=phrase(f"section.{name}"),
        columns=columns,
        rows=tuple(rows),
        footnotes=footnotes,
    )


def reason_table(plan: Plan, sources: Sources) -> TableBlock:
    """
    The criteria that give the tier by the guideline and by computed risk, then those a missing fact leaves open.

    Criteria of lower tiers that hold as well are named below the table.
    """
    tier = plan.tier
    decisive = [item for item in tier.fired if item.params["tier"] in (tier.by_guideline, tier.by_risk)]
    rows: list[Row | GroupRow] = [_reason(item, sources) for item in _by_tier(decisive)]
    if tier.undecided:
        rows.append(GroupRow(phrase("table.open_criteria")))
        rows += [_reason(item, sources) for item in _by_tier(tier.undecided)]
    notes = [named("tier_note", note) for note in tier.notes]
    lower = [item for item in tier.fired if item not in decisive]
    if lower:
        rules = joined(
            (phrase("rule_marked", text=item.rule_id, mark=sources.mark(item)) for item in lower),
            "drugs_listed",
        )
        notes.append(phrase("table.lower_tiers", rules=rules))
    return _table("tier", _columns("criterion", "gives", "rule"), rows, *notes)


def _by_tier(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda item: -TIERS.index(str(item.params["tier"])))


def _reason(item: Item, sources: Sources) -> Row:
    rule = phrase("rule_marked", text=item.rule_id, mark=sources.mark(item))
    return item_text(item), named("tier", str(item.params["tier"])), rule


def missing_table(plan: Plan) -> TableBlock:
    """What must be found out before the patient can be classified, and where it comes from."""
    return _table(
        "missing",
        _columns("fact", "how", keep=1),
        ((fact_text(name), how_text(name)) for name in plan.tier.missing),
    )


def drug_table(plan: Plan, patient: Patient, sources: Sources) -> TableBlock:
    """
    The candidates in the order of the guideline, each with its dose and what is its own alone; then what goes beside them.

    A drug the patient takes already says so.
    """
    shared = {item.key for items in _shared(plan).values() for item in items}
    taken = {one.drug for one in patient.drugs or () if one.taken_now}

    def row(item: Item) -> Row:
        own = (
            [one for one in _about_drugs(plan, part) if one.about == item.about and one.key not in shared]
            for part in (_WATCH, _AFTER)
        )
        name = (
            phrase("facts.now", drug=drug_text(item.about)) if item.about in taken else drug_text(item.about)
        )
        name = phrase("rule_marked", text=name, mark=sources.mark(item))
        return Strong(name), _dose(plan, item, sources), *(marked(items, sources) for items in own)

    rows: list[Row | GroupRow] = [row(item) for item in plan.section("candidate")]
    beside = [row(item) for item in plan.section("adjunct")]
    if beside:
        rows += [GroupRow(phrase("table.beside")), *beside]
    return _table("drugs", _columns("drug", "dose", "watch", "after", keep=1), rows)


def _about_drugs(plan: Plan, sections: Iterable[str]) -> Iterator[Item]:
    """Advice on drugs to consider; what the safety rules say of drugs already taken stands in a section of its own."""
    for name in sections:
        yield from (item for item in plan.section(name) if not item.rule_id.startswith("safety."))


def _dose(plan: Plan, item: Item, sources: Sources) -> Text:
    made = plan.decision(item)
    dose = dose_text(plan.shown(item).params)
    if made is not None and made.kind != "accepted":
        dose = phrase(made.kind, text=dose, by=made.by, reason=made.reason)
    if item.section == "candidate":
        sites = tuple(named("site_proven", site) for site in _sites(item.params))
        dose = joined((dose, phrase("site_proven.line", sites=sites)))
    return phrase("with_rule", text=dose, mark=sources.mark_of_dose(item))


def _sites(params: Mapping[str, object]) -> tuple[str, ...]:
    sites = params.get("sites", ())
    return tuple(map(str, sites)) if isinstance(sites, tuple) else ()


def _shared(plan: Plan) -> dict[tuple[str, str, str], list[Item]]:
    """Routine advice that several drugs share word for word; a caution only where it holds for every candidate."""
    groups: dict[tuple[str, str, str], list[Item]] = {}
    candidates = {item.about for item in plan.section("candidate")}
    for item in _about_drugs(plan, (*_WATCH, *_AFTER)):
        if item.about in candidates:
            groups.setdefault((item.section, item.code, str(sorted(item.params.items()))), []).append(item)
    least = {"caution": max(2, len(candidates))}
    return {key: items for key, items in groups.items() if len(items) >= least.get(key[0], 2)}


def shared_advice(plan: Plan, sources: Sources) -> tuple[Text, ...]:
    """The shared advice, each once with the drugs it is about."""
    candidates = {item.about for item in plan.section("candidate")}
    told = []
    for items in _shared(plan).values():
        drugs = tuple(dict.fromkeys(item.about for item in items))
        who: Text = (
            phrase("table.all_drugs")
            if set(drugs) >= candidates
            else joined(map(drug_text, drugs), "drugs_listed")
        )
        told.append(phrase("with_drugs", text=item_text(items[0]), drugs=who, mark=sources.mark(items[0])))
    return tuple(told)


def not_named_table(plan: Plan, sources: Sources) -> TableBlock | None:
    """Drugs the tier would ask for but that are ruled out or wait for a fact; the other contraindicated ones in a footnote."""
    rows: list[Row | GroupRow] = []
    elsewhere = dict.fromkeys(
        item.about for item in plan.section("removed") if not item.params.get("considered")
    )
    for section, state in (("removed", "ruled_out"), ("withheld", "withheld")):
        by_drug: dict[str, list[Item]] = {}
        for item in plan.section(section):
            if item.about not in elsewhere:
                by_drug.setdefault(item.about, []).append(item)
        rows += [
            (drug_text(drug), phrase(f"table.{state}"), marked(items, sources))
            for drug, items in by_drug.items()
        ]
    notes = []
    for drug in elsewhere:
        items = [item for item in plan.section("removed") if item.about == drug]
        notes.append(phrase("labelled_reason", label=drug_text(drug), text=marked(items, sources)))
    if not rows and not notes:
        return None
    footnotes = (phrase("table.considered_elsewhere", drugs=joined(notes, "listed")),) if notes else ()
    return _table("not_named", _columns("drug", "state", "reason", keep=2), rows, *footnotes)


def followup_table(plan: Plan, sources: Sources) -> TableBlock:
    """What falls due and when, earliest first; what falls due together on one line."""
    together: dict[Text, list[Item]] = {}
    for item in sorted(plan.section("followup"), key=lambda item: str(item.params.get("due", ""))):
        together.setdefault(_when(item, plan.as_of), []).append(item)
    rows = ((when, marked(items, sources)) for when, items in together.items())
    return _table("followup", _columns("when", "what", keep=1), rows)


def _when(item: Item, as_of: date) -> Text:
    due, until = str(item.params.get("due", "")), str(item.params.get("until", ""))
    when: Text = phrase("date_range", first=due, last=until) if due and until else due
    if due in {"", as_of.isoformat()}:
        when = phrase("due.now")
    months = item.params.get("every_months")
    if isinstance(months, int):
        when = phrase(
            "listed", first=when, second=phrase("again", every=amount({"value": months, "unit": "months"}))
        )
    return when


def nondrug_table(plan: Plan, sources: Sources) -> TableBlock:
    """Non-drug advice under four headings, so that it can be read out."""
    group = {code: name for name, codes in _NONDRUG.items() for code in codes}
    found: dict[str, list[Item]] = {name: [] for name in (*_NONDRUG, "habits")}
    for item in plan.section("nondrug"):
        found[group.get(item.code, "habits")].append(item)
    rows = ((named("nondrug_group", name), marked(items, sources)) for name, items in found.items() if items)
    return _table("nondrug", _columns("", "", keep=1), rows)


def stage_table(stages: Iterable[Item], sources: Sources) -> TableBlock:
    """The stages of rehabilitation; the weeks are usual, the criterion decides."""

    def row(item: Item) -> Row:
        weeks = f"{item.params['from_week']}–{item.params['to_week']}"
        exercises = item.params["exercises"]
        told = (
            joined((named("list", str(one)) for one in exercises), "drugs_listed")
            if isinstance(exercises, tuple)
            else ""
        )
        return marked((item,), sources), weeks, told, named("list", str(item.params["go_on_when"]))

    return _table(
        "rehabilitation", _columns("stage", "weeks", "exercises", "go_on", keep=2), map(row, stages)
    )


def decision_table(plan: Plan) -> TableBlock:
    """Boxes for the clinician, or what was decided already."""
    rows = [(text, *_boxes(made)) for text, made in _points(plan)]
    columns = tuple(
        replace(column, wrap=index in (0, 4))
        for index, column in enumerate(_columns("item", "accept", "edit", "reject", "why"))
    )
    return _table("decision", columns, rows)


def _points(plan: Plan) -> Iterator[tuple[Text, Decision | None]]:
    tier = plan.tier.level or plan.tier.status
    yield phrase("decision.tier", tier=named("tier", tier)), plan.decision("tier")
    drugs = plan.section("candidate")
    others = (item for item in plan.items if item.section != "candidate" and plan.decision(item) is not None)
    for item in (*drugs, *others):
        yield point_text(item), plan.decision(item)
    if drugs:
        yield phrase("decision.other_drug"), None
    yield phrase("decision.rest"), plan.decision("rest")


def _boxes(made: Decision | None) -> tuple[Cell, ...]:
    kinds = ("accepted", "edited", "rejected")
    boxes = tuple(
        phrase("decision.ticked" if made is not None and made.kind == kind else "decision.box")
        for kind in kinds
    )
    return (*boxes, phrase("decision.blank") if made is None else _told(made))


def _told(made: Decision) -> Text:
    kind: Text = named("decision", made.kind)
    if made.params:
        changes = joined((_change(name, value) for name, value in made.params.items()), "listed")
        kind = phrase("decision.with_changes", kind=kind, changes=changes)
    key = "made_with_reason" if made.reason else "made"
    return phrase(f"decision.{key}", kind=kind, by=made.by, on=made.on.isoformat(), reason=made.reason)


def _change(name: str, value: Param) -> Text:
    """A value as a clinician set it, with its name."""
    told = (
        named(name, str(value))
        if name in {"route", "every"}
        else figure(value)
        if isinstance(value, int | float)
        else str(value)
    )
    return phrase("labelled_short", label=named("change", name), text=told)


def replaced_decisions(plan: Plan) -> tuple[Text, ...]:
    """Decisions that a later one on the same point took the place of, oldest first."""
    points = {"tier": phrase("column.tier"), "rest": phrase("decision.rest")} | {
        item.key: point_text(item) for item in plan.items
    }
    return tuple(
        phrase("decision.earlier", item=points[made.item], told=_told(made))
        for made in plan.decisions
        if plan.decision(made.item) is not made
    )


def point_text(item: Item) -> Text:
    """What is decided on: a drug to consider by its name, other advice with the drug it is about."""
    if item.section == "candidate":
        return drug_text(item.about)
    return (
        phrase("labelled", label=drug_text(item.about), text=item_text(item))
        if item.about
        else item_text(item)
    )
