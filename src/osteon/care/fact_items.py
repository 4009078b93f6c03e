"""The facts of one fracture, one drug or one scan, as ``any(...)`` and ``count(...)`` ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType

from osteon.care.condition import Value
from osteon.care.vocabulary import drug_name
from osteon.domain.patient import DrugUse, Dxa, Fracture, Patient, months_between

__all__ = [
    "ITEM_FACTS",
    "NOT_FRAGILITY_SITES",
    "drug_facts",
    "fracture_facts",
    "months_since",
    "months_taken",
    "rounded_t",
    "scan_facts",
]

ITEM_FACTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "fracture": ("site", "level", "months_ago", "low_trauma", "fragility", "on_treatment", "on_harmful_drug", "in_adult_life"),
        "drug": (
            "drug", "drug_class", "effect", "taken_now", "months", "doses", "weeks_since_dose", "months_since_stop", "followed_on",
            "follow_on_planned", "dose_mg_day",
        ),
        "dxa": ("dxa_site", "t", "z", "months_ago", "reference_known", "nhanes_reference", "excluded_in_total", "vertebrae_left", "artefact"),
    }
)  # fmt: skip
"""What ``any(kind, ...)`` and ``count(kind, ...)`` may ask of one fracture, drug or scan."""

NOT_FRAGILITY_SITES = frozenset({"face", "finger", "toe", "hand", "foot"})
"""Fractures of these sites are not counted as osteoporotic, whatever the trauma."""

_BONE_DRUGS = frozenset({"antiresorptive", "anabolic"})
_HARMFUL = frozenset({"harmful"})


def rounded_t(t: float) -> float:
    """
    A T-score as it is reported: one decimal, halves away from zero.

    Examples
    --------
    >>> rounded_t(-2.45), rounded_t(-2.449), rounded_t(-3.04)
    (-2.5, -2.4, -3.0)
    """
    return float(Decimal(str(t)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))


def months_since(then: date | None, as_of: date) -> float | None:
    """Months from a day to ``as_of``; None while the day is unknown."""
    return None if then is None else months_between(then, as_of)


def months_taken(one: DrugUse, as_of: date) -> float | None:
    """Months a drug was taken in all; None where its dates do not tell."""
    if one.months is not None:
        return one.months
    if one.start is None:
        return None
    end = as_of if one.taken_now else (one.stopped or one.last_dose)
    return None if end is None else max(0.0, months_between(one.start, end))


def fracture_facts(one: Fracture, patient: Patient) -> dict[str, Value]:
    """What rules may ask of a fracture."""
    countable = one.site not in NOT_FRAGILITY_SITES
    months = months_since(one.date, patient.as_of)
    adult = None
    if months is not None and patient.age_years is not None:
        adult = patient.age_years - months / 12.0 >= 40.0
    return {
        "site": one.site, "level": one.level, "months_ago": months, "low_trauma": one.low_trauma,
        "fragility": one.low_trauma if countable else False, "on_treatment": _under(one, patient, stated=one.on_treatment, effects=_BONE_DRUGS),
        "on_harmful_drug": _under(one, patient, stated=one.on_harmful_drug, effects=_HARMFUL), "in_adult_life": adult,
    }  # fmt: skip


def _under(one: Fracture, patient: Patient, *, stated: bool | None, effects: frozenset[str]) -> bool | None:
    """
    Did the fracture happen under a drug of that effect? As stated; yes when it followed the start of one still taken.

    A drug given up since leaves it open: a more recent fracture must not look safer than an older one.
    """
    if stated is not None or patient.drugs is None:
        return stated
    answers: set[bool | None] = set()
    for drug in patient.drugs:
        if drug_name(drug.drug).effect not in effects:
            continue
        if one.date is None or drug.start is None:
            answers.add(None)
        elif drug.start < one.date:
            answers.add(True if drug.taken_now else None)
    return True if True in answers else (None if None in answers else False)


def drug_facts(one: DrugUse, patient: Patient) -> dict[str, Value]:
    """What rules may ask of a drug."""
    name = drug_name(one.drug)
    ended = one.stopped or one.last_dose
    return {
        "drug": one.drug, "drug_class": name.drug_class, "effect": name.effect, "taken_now": one.taken_now,
        "months": months_taken(one, patient.as_of), "doses": one.doses, "dose_mg_day": one.dose_mg_day,
        "weeks_since_dose": None if one.last_dose is None else (patient.as_of - one.last_dose).days / 7.0,
        "months_since_stop": None if one.taken_now is not False else months_since(ended, patient.as_of),
        "followed_on": _followed(one, patient), "follow_on_planned": one.follow_on_planned,
    }  # fmt: skip


def _followed(one: DrugUse, patient: Patient) -> bool:
    """
    Was an antiresorptive begun at or after the end of this drug, or is one taken now? After denosumab only a
    bisphosphonate holds what was gained.
    """
    ended = one.stopped or one.last_dose
    for other in patient.drugs or ():
        name = drug_name(other.drug)
        holds = (
            name.drug_class.startswith("bisphosphonate")
            if one.drug == "denosumab"
            else name.effect == "antiresorptive"
        )
        if other.drug == one.drug or not holds:
            continue
        if other.taken_now or (ended is not None and other.start is not None and other.start >= ended):
            return True
    return False


def scan_facts(one: Dxa, patient: Patient) -> dict[str, Value]:
    """What rules may ask of one site of a scan."""
    reference = (one.reference or "").casefold()
    left_in = set(one.vertebrae) & set(one.excluded)
    return {
        "dxa_site": one.site, "t": None if one.t is None else rounded_t(one.t), "z": one.z,
        "months_ago": months_since(one.date, patient.as_of), "artefact": one.artefact,
        "reference_known": bool(reference), "nhanes_reference": "nhanes" in reference if reference else None,
        "excluded_in_total": bool(left_in), "vertebrae_left": len(set(one.vertebrae) - set(one.excluded)) if one.vertebrae else None,
    }  # fmt: skip
