"""Everything that ``osteon plan`` leaves in its folder: a sheet for each patient, results.json, tables, a list of all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osteon.core.errors import FileError, InputError
from osteon.core.files import staged_folder, write_bytes, write_json, write_text
from osteon.core.progress import track
from osteon.core.provenance import Provenance, provenance
from osteon.core.result import as_dict
from osteon.domain.patient import Patient
from osteon.domain.plan import Decision, Item, Plan
from osteon.report.document import Document
from osteon.report.html import html
from osteon.report.pdf import pdf
from osteon.report.plan_batch import batch_document, items_table, patients_table, refused_table
from osteon.report.plan_journal import has_decisions, no_one_else
from osteon.report.plan_page import plan_document
from osteon.report.plan_record import KeptPlans, keep_plans, kept_plans, note_decision
from osteon.report.speech import speak
from osteon.report.tables import table_csv
from osteon.report.words import words

__all__ = ["Saved", "page_names", "save_decision", "save_plans"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was written: how many were classified, who was not, which rows could not be read, and the first page to open."""

    classified: int
    unclassified: tuple[str, ...]
    refused: tuple[str, ...]
    report: Path

    @property
    def complete(self) -> bool:
        """Everybody was classified."""
        return not self.unclassified and not self.refused


def save_plans(
    out: Path,
    plans: Sequence[tuple[Plan, Patient]],
    *,
    refused: Sequence[tuple[int, str, str]] = (),
    lang: str,
    simulated: bool = False,
    inputs: tuple[Path, ...] = (),
    command: str = "",
) -> Saved:
    """
    Write the plans into ``out``: all files appear together or none does.

    One patient: ``report.html`` and ``report.pdf`` are the sheet. Several: they list everybody, and the sheets stand in
    ``patients/``. Beside them ``results.json`` (codes, rule ids, sources) and ``tables/*.csv`` (the same in words).

    Parameters
    ----------
    plans : sequence of (Plan, Patient)
        All under one guideline.
    refused : sequence of (row, patient id, reason)
        Rows of a table that are no patient; they are listed.
    lang : "en" or "zh"
    simulated : bool
        The patients are invented.
    inputs : tuple of Path
        The patient file; a copy is kept with the plans, so that decisions can be taken on them.

    Raises
    ------
    InputError
        Nobody to plan for, plans of several guidelines, or a folder with decisions on other plans.
    FileError
        A folder with plans that no longer says whether there are decisions on them.
    """
    if has_decisions(out):
        raise InputError(f"{out} holds decisions on the plans in it.", hint="They are kept: choose another --out.")  # fmt: skip
    if not plans:
        raise InputError("no patient to plan for.", hint="Correct the rows named above.")
    if len({(one.guideline, one.jurisdiction) for one, _ in plans}) > 1:
        raise InputError(
            "plans of several guidelines do not go into one folder.", hint="Write one folder each."
        )
    made = provenance(seed=None, inputs=inputs, command=command)
    single = len(plans) == 1 and not refused
    pages = ["report"] if single else page_names([one.patient for one, _ in plans])
    with staged_folder(out) as stage:
        for (one, patient), page in track(zip(plans, pages, strict=True), task="plans", total=len(plans)):
            _write_page(plan_document(one, patient, simulated=simulated), stage / page, lang)
        if not single:
            listed = batch_document(
                [one for one, _ in plans], pages=pages, refused=refused, simulated=simulated, provenance=made
            )
            _write_page(listed, stage / "report", lang)
        tables = [patients_table([one for one, _ in plans], pages), items_table([one for one, _ in plans])]
        tables += [refused_table(refused)] if refused else []
        for table in tables:
            name = table.id.removeprefix("table-")
            write_bytes(stage / "tables" / f"{name}.csv", table_csv(table, words(lang), simulated=simulated))
        write_json(stage / "results.json", _results(plans, pages, refused, simulated, made))
        if inputs:
            keep_plans(
                stage,
                [one for one, _ in plans],
                source=inputs[0],
                pages=pages,
                lang=lang,
                simulated=simulated,
            )
    return Saved(
        classified=sum(one.tier.status == "classified" for one, _ in plans),
        unclassified=tuple(one.patient for one, _ in plans if one.tier.status != "classified"),
        refused=tuple(reason for _, _, reason in refused),
        report=out / "report.html",
    )


def save_decision(kept: KeptPlans, decision: Decision, *, patient: str = "") -> Plan:
    """
    Add a decision to the journal of a folder and print the patient's sheet and results.json again.

    Parameters
    ----------
    kept : KeptPlans
        As read at any time before; decisions that others took since then are kept.
    decision : Decision
    patient : str
        Id; may be left out where the folder holds one patient.

    Returns
    -------
    Plan
        With the decision.

    Raises
    ------
    InputError
        No such patient, or the decision speaks of something that is not in the plan.
    FileError
        Something of the folder is missing or not what it was, or somebody else writes a decision just now.
    """
    with no_one_else(kept.folder), staged_folder(kept.folder) as stage:
        now = kept_plans(kept.folder)
        plan, facts, page = now.of(patient)
        later = plan.decided(decision)
        _write_page(plan_document(later, facts, simulated=now.simulated), stage / page, now.lang)
        plans = {one.patient: one for one, _ in now.plans} | {later.patient: later}
        write_json(stage / "results.json", _results_again(kept.folder / "results.json", plans))
        # Last: nothing is in the journal unless all else could be made.
        note_decision(kept.folder, plan, decision)
    return later


def _results_again(path: Path, plans: Mapping[str, Plan]) -> dict[str, Any]:
    """results.json with the decisions as they are now."""
    try:
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for entry in results["patients"]:
            entry |= _decided(plans[entry["patient"]])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(
            f"{path}: missing or damaged.", hint="Restore it from a copy; nothing was decided."
        ) from error
    return results


def _write_page(document: Document, path: Path, lang: str) -> None:
    spoken = speak(document, lang)
    write_text(path.with_name(f"{path.name}.html"), html(spoken))
    write_bytes(path.with_name(f"{path.name}.pdf"), pdf(spoken))


def page_names(ids: Sequence[str]) -> list[str]:
    """
    A file name for each patient: the id with what file systems refuse replaced, a number behind a name already taken.

    Examples
    --------
    >>> page_names(["P-1", "P/1", "P_1", "王 01", ".."])
    ['patients/P-1', 'patients/P_1', 'patients/P_1-2', 'patients/王_01', 'patients/_']
    """
    names: list[str] = []
    taken: set[str] = set()
    for one in ids:
        base = re.sub(r"[^\w.-]|^\.+", "_", one)[:80]
        name, number = base, 1
        while name.casefold() in taken:  # some file systems do not tell case apart
            number += 1
            name = f"{base}-{number}"
        taken.add(name.casefold())
        names.append(f"patients/{name}")
    return names


def _results(
    plans: Sequence[tuple[Plan, Patient]],
    pages: Sequence[str],
    refused: Sequence[tuple[int, str, str]],
    simulated: bool,
    made: Provenance,
) -> dict[str, Any]:
    first = plans[0][0]
    rules = {item.rule_id: item.verified for one, _ in plans for item in _rules(one)}
    return {
        "simulated": simulated,
        "guideline": first.guideline,
        "guideline_version": first.guideline_version,
        "jurisdiction": first.jurisdiction,
        "advice_not_an_order": True,
        "n": len(plans),
        "classified": sum(one.tier.status == "classified" for one, _ in plans),
        "unclassified": [
            {"patient": one.patient, "status": one.tier.status, "missing": list(one.tier.missing)}
            for one, _ in plans if one.tier.status != "classified"
        ],
        "refused": [{"row": row, "patient": patient, "reason": reason} for row, patient, reason in refused],
        "rules": {"n": len(rules), "unverified": sum(not verified for verified in rules.values())},
        "patients": [_patient(one, page) for (one, _), page in zip(plans, pages, strict=True)],
        "provenance": as_dict(made),
    }  # fmt: skip


def _rules(one: Plan) -> Iterator[Item]:
    yield from (*one.tier.fired, *one.tier.undecided, *one.items)


def _patient(one: Plan, page: str) -> dict[str, Any]:
    tier = one.tier
    return {
        "patient": one.patient,
        "as_of": one.as_of.isoformat(),
        "page": f"{page}.html",
        "status": tier.status,
        "tier": tier.level,
        "at_least": tier.at_least,
        "by_guideline": tier.by_guideline,
        "by_risk": tier.by_risk,
        "missing": list(tier.missing),
        "notes": [*tier.notes, *one.notes],
        "reasons": [_item(item) for item in tier.fired],
        "undecided": [_item(item) for item in tier.undecided],
        "alerts": [_item(item) for item in one.section("alert")],
        "drugs": [item.about for item in one.section("candidate")],
        "plan": [_item(item) for item in one.items if item.section != "alert"],
        **_decided(one),
    }


def _decided(one: Plan) -> dict[str, Any]:
    """The version of a plan and what was decided, oldest first."""
    return {
        "version": one.version,
        "decisions": [
            {"version": number, "on": made.on.isoformat(), "by": made.by, "decision": made.kind, "item": made.item,
             "changes": as_dict(dict(made.params)), "reason": made.reason}
            for number, made in enumerate(one.decisions, start=2)
        ],
    }  # fmt: skip


def _item(item: Item) -> dict[str, Any]:
    return {
        "rule_id": item.rule_id, "section": item.section, "code": item.code, "about": item.about, "params": as_dict(dict(item.params)),
        "missing": list(item.missing), "source": item.source, "confidence": item.confidence, "verified": item.verified,
    }  # fmt: skip
