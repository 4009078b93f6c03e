"""A patient from the entries of a file, as nested plain mappings: what a TOML file holds, and what a row is made into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from typing import Any

from osteon.care.patient_cells import QUANTITIES, day, is_unknown, number, quantity, words, yes_no
from osteon.care.scores.imported import imported_frax
from osteon.care.vocabulary import code_of
from osteon.core.errors import InputError
from osteon.domain.anatomy import LEVELS
from osteon.domain.patient import Disease, DrugUse, Dxa, Fracture, Frax, Patient, Spine
from osteon.domain.risk import Risk

__all__ = ["patient_of"]

Reader = Callable[..., Any]


def _code(kind: str) -> Reader:
    def read(name: str, value: Any, *, where: str) -> str | None:
        if is_unknown(value):
            return None
        try:
            return code_of(kind, str(value))
        except InputError as error:
            raise InputError(f"{where}: {name} = {error.message}", hint=error.hint) from None

    return read


def _text(name: str, value: Any, *, where: str) -> str | None:
    return None if is_unknown(value) else str(value).strip()


def _whole(name: str, value: Any, *, where: str) -> int | None:
    found = number(name, value, where=where)
    if found is not None and found != int(found):
        raise InputError(f"{where}: {name} = {value!r} is no whole number.")
    return None if found is None else int(found)


def _early(name: str, value: Any, *, where: str) -> date | None:
    return day(name, value, where=where, early=True)


def _levels(name: str, value: Any, *, where: str) -> tuple[str, ...]:
    found: list[str] = []
    for word in words(value):
        ends = [part.strip().upper() for part in word.split("-")]
        if len(ends) > 2 or any(end not in LEVELS for end in ends):
            raise InputError(
                f"{where}: {name} = {word!r} is no vertebra.", hint="Write L1-L4, or a list of levels."
            )
        found += LEVELS[LEVELS.index(ends[0]) : LEVELS.index(ends[-1]) + 1]
    return tuple(found)


def _level(name: str, value: Any, *, where: str) -> str | None:
    found = _levels(name, value, where=where)
    if len(found) > 1:
        raise InputError(
            f"{where}: {name} = {value!r}: one vertebra is expected.",
            hint="Write one entry for each fracture.",
        )
    return found[0] if found else None


_FRACTURE: Mapping[str, Reader] = {
    "site": _code("site"), "date": day, "low_trauma": yes_no, "level": _level, "on_treatment": yes_no, "on_harmful_drug": yes_no,
}  # fmt: skip
_DXA: Mapping[str, Reader] = {
    "site": _code("dxa_site"), "t": number, "z": number, "bmd_g_cm2": number, "date": day, "reference": _text, "device": _text,
    "vertebrae": _levels, "excluded": _levels, "side": _code("side"), "artefact": yes_no,
}  # fmt: skip
_DRUG: Mapping[str, Reader] = {
    "name": _code("drug"), "taken_now": yes_no, "start": _early, "last_dose": _early, "stopped": _early, "months": number,
    "doses": _whole, "dose_mg_day": number, "follow_on_planned": yes_no,
}  # fmt: skip
_DISEASE: Mapping[str, Reader] = {"name": _code("disease"), "present": yes_no, "date": day}
_FRAX: Mapping[str, Reader] = {
    "mof_pct": number, "hip_pct": number, "with_bmd": yes_no, "country": _text, "version": _text, "date": day, "entered_by": _text,
}  # fmt: skip
_RISK: Mapping[str, Reader] = {"outcome": _text, "percent": number, "horizon_years": number, "model": _text}
_SPINE: Mapping[str, Reader] = {
    "level": _level, "vas": number, "weeks_of_care": number, "mobile": yes_no, "of_type": _whole, "collapse_ongoing": yes_no,
    "neurological_deficit": yes_no, "neurological_compression": yes_no, "posterior_wall_unstable": yes_no, "asa_class": _whole,
    "dependent": yes_no, "oedema": yes_no, "healed": yes_no, "pain_at_level": yes_no, "cleft": yes_no, "height_loss_pct": number,
    "kyphosis_deg": number, "posterior_wall_share": number, "morphology": _code("morphology"), "mri": _code("mri"), "pain": _code("pain"),
    "l1_hu": number, "ct_contrast": yes_no, "ct_kvp": number, "metal_artefact": yes_no, "transitional_vertebra": yes_no,
    "counted_down_from_c2": yes_no,
}  # fmt: skip
_PLAIN: Mapping[str, Reader] = {
    "sex": _code("sex"), "birth_date": day, "menopausal_status": _code("menopausal_status"), "menopause_age_years": number,
    "country": _text, "qct_spine_mg_cm3": number, "pregnant": yes_no, "falls_12_months": _whole, "injurious_fall": yes_no,
    "high_fall_risk": yes_no, "smoker": yes_no, "alcohol_g_day": number, "dental_work_planned": yes_no, "dental_check_done": yes_no,
    "thigh_or_groin_pain": yes_no, "can_sit_upright_30_min": yes_no, "home_hazards_checked": yes_no,
}  # fmt: skip
_LISTS: Mapping[str, Mapping[str, Reader]] = {
    "fracture": _FRACTURE, "dxa": _DXA, "drug": _DRUG, "disease": _DISEASE, "risk": _RISK,
}  # fmt: skip
_TABLES: Mapping[str, Mapping[str, Reader]] = {"frax": _FRAX, "spine": _SPINE}
_OTHERS = (
    "id",
    "as_of",
    "age",
    "fractures",
    "drugs",
    "diseases",
    "no_diseases",
    "no_other_diseases",
    "notes",
)
_WITH_UNIT = {spec["field"]: name for name, spec in QUANTITIES.items()}


def patient_of(entries: Mapping[str, Any], *, where: str, as_of: date | None = None) -> Patient:
    """
    The patient that the entries of a file describe.

    Parameters
    ----------
    entries : mapping
        As in a TOML file.
    where : str
        File (and row), for complaints.
    as_of : date, optional
        The day of the plan, where the entries do not say.

    Raises
    ------
    InputError
        An unknown entry or word, a missing id or day, a contradiction; the message names the place and the field.
    UnitError
        A value without unit, in an unknown one, or impossible in it.
    """
    _known_keys(
        entries,
        (
            *_PLAIN,
            *QUANTITIES,
            *_WITH_UNIT,
            *_LISTS,
            *_TABLES,
            *_OTHERS,
            *(f"{name}_unit" for name in QUANTITIES),
        ),
        where=where,
    )
    name = _text("id", entries.get("id"), where=where)
    if not name:
        raise InputError(f"{where}: the patient has no id.", hint='Write id = "...".')
    today = day("as_of", entries.get("as_of"), where=where) or as_of
    if today is None:
        raise InputError(
            f"{where}: as_of is missing: of which day are these facts?", hint="Write as_of = 2026-01-31."
        )
    plain = {key: read(key, entries.get(key), where=where) for key, read in _PLAIN.items()}
    try:
        return Patient(
            id=name, as_of=today, stated_age_years=_age(entries, plain["birth_date"], today, where=where), **plain,
            **_quantities(entries, where=where), fractures=_fractures(entries, today, where=where), dxa=_scans(entries, where=where),
            drugs=_drugs(entries, where=where), diseases=_diseases(entries, today, where=where),
            diseases_complete=bool(yes_no("no_other_diseases", entries.get("no_other_diseases"), where=where)),
            frax=_frax(entries, today, where=where), risks=_risks(entries, where=where), spine=_spine(entries, where=where),
            notes=words(entries.get("notes")),
        )  # fmt: skip
    except InputError as error:
        if error.message.startswith(where):
            raise
        raise type(error)(f"{where}: {error.message}", hint=error.hint) from None


def _known_keys(entries: Mapping[str, Any], known: tuple[str, ...], *, where: str) -> None:
    for key in entries:
        if key in known:
            continue
        if key in {"t", "t_score", "T", "z", "z_score"}:
            raise InputError(
                f"{where}: {key}: a score without a site says nothing.",
                hint='Write [[dxa]] with site = "total_hip" and t = ...',
            )
        close = get_close_matches(key, known, n=1)
        raise InputError(
            f"{where}: unknown entry {key!r}.",
            hint=f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}.",
        )


def _rows(entries: Mapping[str, Any], key: str, *, where: str) -> list[tuple[str, dict[str, Any]]]:
    """The entries of one kind, read field by field, each with its place."""
    given = entries.get(key, [])
    given = given if isinstance(given, list) else [given]
    found = []
    for number_, one in enumerate(given, start=1):
        place = f"{where}: {key} {number_}"
        if not isinstance(one, Mapping):
            raise InputError(
                f"{place} = {one!r}: a table is expected.", hint=f"Write [[{key}]] and its fields below."
            )
        _known_keys(one, tuple(_LISTS[key]), where=place)
        found.append(
            (place, {name: read(name, one.get(name), where=place) for name, read in _LISTS[key].items()})
        )
    return found


def _age(entries: Mapping[str, Any], birth: date | None, today: date, *, where: str) -> int | None:
    stated = _whole("age", entries.get("age"), where=where)
    if birth is not None and stated is not None:
        years = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
        if abs(years - stated) > 1:
            raise InputError(
                f"{where}: age = {stated}, but by birth_date it is {years}.", hint="Correct one of them."
            )
    return stated


def _quantities(entries: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, spec in QUANTITIES.items():
        value, unit = entries.get(name), entries.get(f"{name}_unit")
        if is_unknown(value) and not is_unknown(entries.get(spec["field"])):
            value, unit = entries[spec["field"]], spec["unit"]
        found[spec["field"]] = quantity(
            name, value, where=where, unit=None if is_unknown(unit) else str(unit)
        )
    return found


def _none_or_listed(entries: Mapping[str, Any], plural: str, *, where: str) -> bool:
    """Does the file say anything of this kind? ``fractures = "none"`` says there are none."""
    singular = plural.removesuffix("s")
    said = entries.get(plural)
    if said is not None and not is_unknown(said) and words(said):
        raise InputError(
            f"{where}: {plural} = {said!r}.", hint=f'Write "none", "unknown", or one [[{singular}]] for each.'
        )
    if entries.get(singular) and said is not None and not is_unknown(said):
        raise InputError(
            f"{where}: {plural} = {said!r}, and yet some are listed.", hint="Drop one of the two."
        )
    return bool(entries.get(singular)) or (said is not None and not is_unknown(said))


def _fractures(entries: Mapping[str, Any], today: date, *, where: str) -> tuple[Fracture, ...] | None:
    if not _none_or_listed(entries, "fractures", where=where):
        return None
    found = []
    for place, row in _rows(entries, "fracture", where=where):
        if row["site"] is None:
            raise InputError(f"{place}: a fracture without a site.", hint='Write site = "hip", or "other".')
        if row["level"] is not None and row["site"] != "vertebra":
            raise InputError(
                f"{place}: level {row['level']} of a fracture of the {row['site']}.",
                hint="Only vertebrae have a level.",
            )
        found.append(Fracture(**_not_past(row, "date", entry=_raw(entries, "fracture", place), today=today)))
    return tuple(found)


def _raw(entries: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    given = entries[key] if isinstance(entries[key], list) else [entries[key]]
    found: Mapping[str, Any] = given[int(place.rpartition(" ")[2]) - 1]
    return found


def _not_past(row: dict[str, Any], name: str, *, entry: Mapping[str, Any], today: date) -> dict[str, Any]:
    """Of a month or a year that is not over, the latest possible day is today."""
    first = day(name, entry.get(name), where="", early=True)
    return (
        {**row, name: today}
        if row[name] is not None and row[name] > today and first is not None and first <= today
        else row
    )


def _scans(entries: Mapping[str, Any], *, where: str) -> tuple[Dxa, ...]:
    found = []
    for place, row in _rows(entries, "dxa", where=where):
        if row["site"] is None:
            raise InputError(
                f"{place}: a score without a site says nothing.",
                hint='Write site = "total_hip", "femoral_neck" or "lumbar".',
            )
        found.append(Dxa(**row))
    return tuple(found)


def _drugs(entries: Mapping[str, Any], *, where: str) -> tuple[DrugUse, ...] | None:
    if not _none_or_listed(entries, "drugs", where=where):
        return None
    found = []
    for place, row in _rows(entries, "drug", where=where):
        name = row.pop("name")
        if name is None:
            raise InputError(f"{place}: a drug without a name.", hint='Write name = "denosumab".')
        if row["taken_now"] and row["stopped"] is not None:
            raise InputError(
                f"{place}: {name} is taken now and was stopped on {row['stopped']}.",
                hint="Drop one of the two.",
            )
        if row["taken_now"] is None and row["stopped"] is not None:
            row["taken_now"] = False
        ends = [row[key] for key in ("last_dose", "stopped") if row[key] is not None]
        if row["start"] is not None and ends and max(ends) < row["start"]:
            raise InputError(f"{place}: {name} ended on {max(ends)}, before its start on {row['start']}.")
        found.append(DrugUse(drug=name, **row))
    return tuple(found)


def _diseases(entries: Mapping[str, Any], today: date, *, where: str) -> tuple[Disease, ...]:
    read = _code("disease")
    found: dict[str, bool] = {}
    for key, present in (("diseases", True), ("no_diseases", False)):
        for word in words(entries.get(key)):
            code = read(key, word, where=where)
            if found.get(code, present) is not present:
                raise InputError(
                    f"{where}: {code} stands under diseases and under no_diseases.", hint="Drop one."
                )
            found[code] = present
    listed = {code: Disease(code=code, present=present) for code, present in found.items()}
    for place, row in _rows(entries, "disease", where=where):
        row = _not_past(row, "date", entry=_raw(entries, "disease", place), today=today)
        code = row.pop("name")
        if code is None:
            raise InputError(f"{place}: a disease without a name.")
        present = row.pop("present")
        one = Disease(code=code, present=present is not False, date=row["date"])
        other = listed.get(code)
        if other is not None and other.present is not one.present:
            raise InputError(f"{place}: {code} is said to be present and absent.", hint="Drop one.")
        # of two events the later one counts
        if other is None or other.date is None or (one.date is not None and one.date > other.date):
            listed[code] = one
    return tuple(listed.values())


def _table(entries: Mapping[str, Any], key: str, *, where: str) -> dict[str, Any] | None:
    given = entries.get(key)
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise InputError(
            f"{where}: {key} = {given!r}: a table is expected.", hint=f"Write [{key}] and its fields below."
        )
    place = f"{where}: {key}"
    _known_keys(given, tuple(_TABLES[key]), where=place)
    return {name: read(name, given.get(name), where=place) for name, read in _TABLES[key].items()}


def _frax(entries: Mapping[str, Any], today: date, *, where: str) -> Frax | None:
    row = _table(entries, "frax", where=where)
    if row is None:
        return None
    lacking = [name for name in ("mof_pct", "hip_pct", "country", "date") if row[name] is None]
    if lacking:
        raise InputError(
            f"{where}: frax lacks {', '.join(lacking)}.",
            hint="Copy them from the calculator's page, or leave FRAX out.",
        )
    if row["date"] > today:
        row["date"] = day("date", entries["frax"]["date"], where=where, early=True)
    version, by = row["version"] or "", row["entered_by"] or "patient_file"
    try:
        imported_frax(
            frax_mof_pct=row["mof_pct"], frax_hip_pct=row["hip_pct"], with_bmd=bool(row["with_bmd"]), country_model=row["country"],
            tool_version=version, date=row["date"], entered_by=by, today=today,
        )  # fmt: skip
    except InputError as error:
        raise InputError(f"{where}: frax: {error.message}", hint=error.hint) from None
    return Frax(
        mof_pct=row["mof_pct"], hip_pct=row["hip_pct"], with_bmd=row["with_bmd"], country_model=row["country"], version=version,
        date=row["date"], entered_by=by,
    )  # fmt: skip


def _risks(entries: Mapping[str, Any], *, where: str) -> tuple[Risk, ...]:
    found = []
    for place, row in _rows(entries, "risk", where=where):
        lacking = [name for name, value in row.items() if value is None]
        if lacking:
            raise InputError(
                f"{place}: lacks {', '.join(lacking)}.",
                hint="A risk needs outcome, percent, horizon_years and model.",
            )
        found.append(
            Risk(
                outcome=row["outcome"],
                value=row["percent"] / 100.0,
                horizon_years=row["horizon_years"],
                model=row["model"],
            )
        )
    return tuple(found)


def _spine(entries: Mapping[str, Any], *, where: str) -> Spine | None:
    row = _table(entries, "spine", where=where)
    return None if row is None else replace(Spine(), **row)
