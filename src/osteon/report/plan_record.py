"""
Plans kept as they were computed, with the patients they were made for and every decision taken on them.

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
from osteon.core.files import sha256, write_json
from osteon.core.result import as_dict
from osteon.domain.patient import Patient
from osteon.domain.plan import WHOLE, Decision, Item, Param, Plan, Tier
from osteon.report.plan_journal import JOURNAL, PLANS, RECORD, add_line, journal_lines, start_journal
from osteon.report.plan_words import EVERY, ROUTES

__all__ = ["KeptPlans", "changed_params", "found_point", "keep_plans", "kept_plans", "note_decision"]

_CHANGEABLE = ("dose", "dose_to", "route", "every", "due", "until", "months", "every_months", "value")
_CODES = {"route": ROUTES, "every": EVERY}


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
    record = folder / RECORD
    record.mkdir(parents=True, exist_ok=True)
    copy = record / source.name
    shutil.copyfile(source, copy)
    write_json(record / PLANS, {
        "patients": source.name, "patients_sha256": sha256(copy), "lang": lang, "simulated": simulated, "pages": list(pages),
        "plans": [as_dict(replace(plan, decisions=())) for plan in plans],
    })  # fmt: skip
    start_journal(folder)


def kept_plans(folder: Path) -> KeptPlans:
    """
    The plans of a folder with every decision taken on them.

    Raises
    ------
    FileError
        The folder holds no plans; or a line of the journal, the plans or the patient file are gone or not what they were.
    """
    path = folder / RECORD / PLANS
    if not path.is_file():
        raise FileError(
            f"{folder}: holds no plans.", hint="Name the folder that `osteon plan` wrote (--out)."
        )
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        plans = {entry["patient"]: _plan(entry) for entry in kept["plans"]}
        source, digest, pages = (
            folder / RECORD / kept["patients"],
            kept["patients_sha256"],
            tuple(kept["pages"]),
        )
        lang, simulated = kept["lang"], kept["simulated"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path}: damaged.", hint="Restore it from a copy.") from error
    for entry in journal_lines(folder):
        plan = _decided(plans, entry, folder / JOURNAL)
        plans[plan.patient] = plan
    if not source.is_file() or sha256(source) != digest:
        raise FileError(f"{source}: missing, or not the file the plans were made from.", hint="Restore it from a copy.")  # fmt: skip
    patients = _patients(source, plans)
    return KeptPlans(folder=folder, plans=tuple((plan, patients[name]) for name, plan in plans.items()),
                     pages=pages, lang=lang, simulated=simulated)  # fmt: skip


def note_decision(folder: Path, plan: Plan, decision: Decision) -> Plan:
    """
    Add one line to the journal; the next version of the plan.

    Raises
    ------
    InputError
        The decision speaks of what is not in the plan, or was taken before the plan was made.
    FileError
        The journal is not what it was.
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
    add_line(folder, line)
    return later


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
    if word.isdecimal():
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
    own = {name: now[name] for name in _CHANGEABLE if _changeable(now.get(name))}
    made: dict[str, Param] = {}
    for change in changes:
        name, equals, text = (part.strip() for part in change.partition("="))
        if not equals or name not in own:
            raise InputError(f"{change!r} changes nothing of this point.",
                             hint=f"Write one of {', '.join(own)} as name=value." if own else "It has no values; say it in --reason.")  # fmt: skip
        made[name] = _value(name, own[name], text)
    return made


def _changeable(now: Param) -> bool:
    return isinstance(now, int | float | str) and not isinstance(now, bool)


def _value(name: str, now: Param, text: str) -> Param:
    """The text as a value of that name: a day, a known code, a number or, where there are several now, numbers."""
    if name in _CODES:
        if text not in _CODES[name]:
            raise InputError(f"{name} {text!r}.", hint=f"One of {', '.join(_CODES[name])}.")
        return text
    if name in {"due", "until"}:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as error:
            raise InputError(f"{name} {text!r}: expected a day such as 2026-11-20.") from error
    whole = name in {"months", "every_months"}
    if isinstance(now, str):
        return ", ".join(str(_number(name, part, whole=whole)) for part in text.split(","))
    return _number(name, text, whole=whole)


def _number(name: str, text: str, *, whole: bool) -> float | int:
    try:
        number = float(text)
    except ValueError as error:
        raise InputError(f"{name} {text.strip()!r}: expected a number.") from error
    if not 0 < number < float("inf") or (whole and not number.is_integer()):
        raise InputError(f"{name} {text.strip()!r}: expected a {'whole ' if whole else ''}number above 0.")
    return int(number) if number.is_integer() else number


def _decided(plans: Mapping[str, Plan], line: Mapping[str, Any], path: Path) -> Plan:
    """The plan a line of the journal speaks of, with its decision."""
    try:
        plan, version, made = plans[line["patient"]], line["version"], _decision(line)
        later = plan.decided(made)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path}: holds what is no decision on these plans.", hint="Restore it from a copy.") from error  # fmt: skip
    if version != later.version:
        raise FileError(f"{path}: version {version} of {plan.patient} does not follow.", hint="Restore it from a copy.")  # fmt: skip
    return later


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
    """
    The facts the plans were made from, read again from the kept copy.

    A row that names no day is read with the day of its plan, which need not be the day of the others.
    """
    found: dict[str, Patient] = {}
    for name, plan in plans.items():
        if name in found:
            continue
        if path.suffix.casefold() == ".toml":
            there: Sequence[Patient] = (read_patient(path, as_of=plan.as_of),)
        else:
            there = read_patients(path, as_of=plan.as_of).patients
        found |= {one.id: one for one in there if one.id in plans and one.as_of == plans[one.id].as_of}
        if name not in found:
            raise FileError(f"{path}: has no patient {name} as of {plan.as_of}.", hint="Restore it from a copy.")  # fmt: skip
    return found
