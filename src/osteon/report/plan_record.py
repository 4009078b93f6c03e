"""
Plans kept as they were computed, and every decision taken on them: a journal to which lines are only ever added.

``record/plans.json`` holds the plans and ``record/`` a copy of the patient file; ``decisions.jsonl`` one line for each
decision: who, when, what, why, and which version of the plan it made. A sheet printed again shows the latest decisions.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from osteon.care.patient_file import read_patient, read_patients
from osteon.care.vocabulary import code_of
from osteon.core.errors import FileError, InputError
from osteon.core.files import write_json
from osteon.core.result import as_dict
from osteon.domain.patient import Patient
from osteon.domain.plan import WHOLE, Decision, Item, Param, Plan, Tier

__all__ = ["JOURNAL", "KeptPlans", "changed_params", "decision_lines", "found_point", "keep_plans", "kept_plans", "note_decision"]  # fmt: skip

JOURNAL = "decisions.jsonl"
_RECORD = "record"
_CHANGEABLE = ("dose", "dose_to", "unit", "route", "every", "due", "until", "months", "every_months", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlans:
    """The plans of a folder with their decisions, in the order of the patient file; ``pages`` without their ending."""

    folder: Path
    plans: tuple[tuple[Plan, Patient], ...]
    pages: tuple[str, ...]
    lang: str
    simulated: bool

    def of(self, patient: str) -> tuple[Plan, Patient, str]:
        """
        Plan, patient and page of one id; "" where there is only one patient.

        Raises
        ------
        InputError
            No such patient, or several and none is named.
        """
        ids = [plan.patient for plan, _ in self.plans]
        if not patient and len(ids) > 1:
            raise InputError(
                f"{self.folder} holds {len(ids)} patients.",
                hint=f"Name one with --patient: {', '.join(ids[:5])}{' ...' if len(ids) > 5 else ''}.",
            )
        if patient and patient not in ids:
            close = get_close_matches(patient, ids, n=1)
            raise InputError(f"{self.folder} has no patient {patient!r}.",
                             hint=f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(ids[:5])}.")  # fmt: skip
        at = ids.index(patient) if patient else 0
        return (*self.plans[at], self.pages[at])


def keep_plans(
    folder: Path, plans: Sequence[Plan], *, source: Path, pages: Sequence[str], lang: str, simulated: bool
) -> None:
    """Write the plans as computed and the patient file as it came."""
    record = folder / _RECORD
    record.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, record / source.name)
    write_json(record / "plans.json", {
        "patients": source.name, "lang": lang, "simulated": simulated, "pages": list(pages),
        "plans": [as_dict(replace(plan, decisions=())) for plan in plans],
    })  # fmt: skip


def kept_plans(folder: Path) -> KeptPlans:
    """
    The plans of a folder with every decision taken on them.

    Raises
    ------
    FileError
        The folder holds no plans, or a line of the journal is missing or not what it was.
    """
    path = folder / _RECORD / "plans.json"
    if not path.is_file():
        raise FileError(
            f"{folder}: holds no plans.", hint="Name the folder that `osteon plan` wrote (--out)."
        )
    kept = json.loads(path.read_text(encoding="utf-8"))
    plans = {entry["patient"]: _plan(entry) for entry in kept["plans"]}
    for entry in decision_lines(folder):
        plan = plans.get(entry["patient"])
        if plan is None or entry["version"] != plan.version + 1:
            raise FileError(
                f"{folder / JOURNAL}: version {entry['version']} of {entry['patient']} does not follow.",
                hint="Lines are only ever added to this file; restore it from a copy.",
            )
        plans[plan.patient] = plan.decided(_decision(entry))
    patients = _patients(folder / _RECORD / kept["patients"], plans)
    return KeptPlans(folder=folder, plans=tuple((plan, patients[name]) for name, plan in plans.items()),
                     pages=tuple(kept["pages"]), lang=kept["lang"], simulated=kept["simulated"])  # fmt: skip


def note_decision(folder: Path, plan: Plan, decision: Decision) -> Plan:
    """
    Add one line to the journal; the next version of the plan.

    Raises
    ------
    InputError
        The decision speaks of what is not in the plan, or was taken before the plan was made.
    """
    if decision.on < plan.as_of:
        raise InputError(
            f"a decision of {decision.on} on a plan of {plan.as_of}.", hint="Correct the day (--on)."
        )
    later = plan.decided(decision)
    line = {
        "patient": plan.patient, "version": later.version, "on": decision.on.isoformat(), "by": decision.by, "decision": decision.kind,
        "item": decision.item, "changes": as_dict(dict(decision.params)), "reason": decision.reason,
    }  # fmt: skip
    with (folder / JOURNAL).open("a", encoding="utf-8") as journal:
        journal.write(json.dumps(line, ensure_ascii=False) + "\n")
    return later


def decision_lines(folder: Path) -> list[dict[str, Any]]:
    """
    The lines of the journal, oldest first; none where nothing was decided yet.

    Raises
    ------
    FileError
        A line is no decision.
    """
    path = folder / JOURNAL
    if not path.is_file():
        return []
    found = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            line = json.loads(text)
            _decision(line), line["patient"], line["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise FileError(
                f"{path}: line {number} is no decision.", hint="Restore it from a copy."
            ) from error
        found.append(line)
    return found


def found_point(plan: Plan, word: str) -> str:
    """
    What a person means: "tier", "rest", the number of an item (from 1), a drug to consider, a rule id, or a key.

    Raises
    ------
    InputError
        Nothing of that name, or several items.
    """
    if word in WHOLE:
        return word
    if word.isdigit():
        if not 1 <= int(word) <= len(plan.items):
            raise InputError(f"the plan of {plan.patient} has no point {word}.", hint=f"There are {len(plan.items)}.")  # fmt: skip
        return plan.items[int(word) - 1].key
    try:
        drug = code_of("drug", word)
    except InputError:
        drug = ""
    named = [item for item in plan.section("candidate") if item.about == drug]
    found = named or [i for i in plan.items if word in {i.rule_id, i.key}]
    if len(found) == 1:
        return found[0].key
    drugs = ", ".join(i.about for i in plan.section("candidate"))
    raise InputError(
        f"the plan of {plan.patient} has {len(found) or 'no'} points called {word!r}.",
        hint=f"Give a number from the list (osteon decide FOLDER --all), tier, rest{f', or {drugs}' if drugs else ''}.",
    )


def changed_params(plan: Plan, key: str, changes: Sequence[str]) -> dict[str, Param]:
    """
    ``name=value`` texts as params of an item, each of the kind it has now.

    Raises
    ------
    InputError
        The item has no such value, or the text is not of its kind.
    """
    now: Mapping[str, Param] = {} if key in WHOLE else plan.item(key).params
    own = {name: now[name] for name in _CHANGEABLE if isinstance(now.get(name), int | float | str)}
    made: dict[str, Param] = {}
    for change in changes:
        name, equals, text = (part.strip() for part in change.partition("="))
        if not equals or name not in own:
            raise InputError(f"{change!r} changes nothing of this point.",
                             hint=f"Write one of {', '.join(own)} as name=value." if own else "It has no values; say it in --reason.")  # fmt: skip
        made[name] = _like(own[name], text, change)
    return made


def _like(now: Param, text: str, change: str) -> Param:
    if isinstance(now, str):
        return text
    try:
        number = float(text)
    except ValueError as error:
        raise InputError(f"{change!r}: expected a number.") from error
    if not 0 < number < float("inf"):
        raise InputError(f"{change!r}: expected a number above 0.")
    return int(number) if number.is_integer() else number


def _decision(line: Mapping[str, Any]) -> Decision:
    return Decision(item=line["item"], kind=line["decision"], by=line["by"], on=date.fromisoformat(line["on"]),
                    reason=line["reason"], params=_params(line["changes"]))  # fmt: skip


def _params(entry: Mapping[str, Any]) -> dict[str, Param]:
    def tupled(value: Any) -> Any:
        return tuple(map(tupled, value)) if isinstance(value, list) else value

    return {name: tupled(value) for name, value in entry.items()}


def _item(entry: Mapping[str, Any]) -> Item:
    return Item(**{**entry, "params": _params(entry["params"]), "missing": tuple(entry["missing"])})


def _plan(entry: Mapping[str, Any]) -> Plan:
    tier = entry["tier"]
    told = {name: tuple(map(_item, tier[name])) for name in ("fired", "undecided")}
    lists = {name: tuple(tier[name]) for name in ("missing", "notes")}
    return Plan(**{
        **entry, "as_of": date.fromisoformat(entry["as_of"]), "tier": Tier(**{**tier, **told, **lists}),
        "items": tuple(map(_item, entry["items"])), "decisions": (), "notes": tuple(entry["notes"]),
    })  # fmt: skip


def _patients(path: Path, plans: Mapping[str, Plan]) -> dict[str, Patient]:
    """The facts the plans were made from, read again from the kept copy."""
    day = next(iter(plans.values())).as_of
    if path.suffix.casefold() == ".toml":
        one = read_patient(path, as_of=day)
        return {one.id: one}
    return {one.id: one for one in read_patients(path, as_of=day).patients}
