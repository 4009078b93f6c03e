"""The facts a plan was made from, as they stand on its sheet: who, fractures, density, risks, drugs, blood, diseases."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.domain.patient import DrugUse, Fracture, Patient
from osteon.report.document import Column, TableBlock
from osteon.report.plan_words import drug_text, figure, joined, named, phrase
from osteon.report.value import Level, Text

__all__ = ["facts_table", "person_text"]


def person_text(patient: Patient) -> Text:
    """Sex and age in a few words."""
    sex: Text = Level("sex", patient.sex) if patient.sex else phrase("unknown")
    age = patient.age_years
    return phrase("person", sex=sex, age=phrase("unknown") if age is None else phrase("years_old", n=age))


def facts_table(patient: Patient) -> TableBlock:
    """One line for each kind of fact; what nobody asked says so."""
    rows = [
        ("person", _listed(_person(patient))),
        ("fractures", _or_none(patient.fractures, [_fracture(one) for one in patient.fractures or ()])),
        ("density", _listed(_density(patient))),
        ("risks", _listed(_risks(patient))),
        ("drugs", _or_none(patient.drugs, [_drug(one) for one in patient.drugs or ()])),
        ("blood", _listed(_blood(patient))),
        ("diseases", _listed(_diseases(patient))),
    ]
    if patient.spine is not None:
        rows.append(("spine", _listed(_spine(patient))))
    return TableBlock(
        id="table-facts", title=phrase("section.facts"), columns=(Column("", wrap=False), Column("", align="left")),
        rows=tuple((named("facts", name), text) for name, text in rows),
    )  # fmt: skip


def _listed(texts: Iterator[Text]) -> Text:
    return joined(texts, "listed") or phrase("unknown")


def _or_none(asked: tuple[object, ...] | None, texts: list[Text]) -> Text:
    if asked is None:
        return phrase("unknown")
    return joined(texts, "listed") or phrase("none_known")


def _person(patient: Patient) -> Iterator[Text]:
    yield person_text(patient)
    if patient.menopausal_status is not None:
        yield named("menopausal", patient.menopausal_status)
    if patient.weight_kg is not None:
        height = patient.height_cm
        weight = figure(patient.weight_kg)
        yield (
            phrase("facts.body", weight=weight, height=figure(height))
            if height
            else phrase("facts.weight", weight=weight)
        )


def _fracture(one: Fracture) -> Text:
    site: Text = one.level or named("site", one.site)
    text = phrase("facts.fracture", site=site, day=_day(one.date))
    return phrase("facts.trauma", fracture=text) if one.low_trauma is False else text


def _day(day: object) -> Text:
    return phrase("unknown_day") if day is None else str(day)


def _density(patient: Patient) -> Iterator[Text]:
    for one in patient.dxa:
        site = named("dxa_site", one.site)
        if one.t is not None:
            yield phrase("facts.score", t=figure(one.t, decimals=1), site=site)
        elif one.z is not None:
            yield phrase("facts.z_score", z=figure(one.z, decimals=1), site=site)
    if patient.qct_spine_mg_cm3 is not None:
        yield phrase("facts.qct", n=figure(patient.qct_spine_mg_cm3))


def _risks(patient: Patient) -> Iterator[Text]:
    frax = patient.frax
    if frax is not None:
        yield phrase(
            "facts.frax",
            mof=figure(frax.mof_pct),
            hip=figure(frax.hip_pct),
            country=frax.country_model,
            day=str(frax.date),
        )
    for one in patient.risks:
        if one.horizon_years is not None:
            yield phrase(
                "facts.risk", model=named("model", one.model), outcome=named("outcome", one.outcome),
                value=figure(round(100 * one.value, 1)), years=figure(one.horizon_years),
            )  # fmt: skip


def _drug(one: DrugUse) -> Text:
    text: Text = drug_text(one.drug)
    if one.taken_now is not None:
        text = phrase("facts.now" if one.taken_now else "facts.before", drug=text)
    if one.start is not None:
        text = phrase("facts.since", drug=text, day=str(one.start))
    return phrase("facts.last", drug=text, day=str(one.last_dose)) if one.last_dose is not None else text


def _blood(patient: Patient) -> Iterator[Text]:
    for name, value, decimals in (
        ("creatinine", patient.creatinine_umol_l, 0), ("calcium", patient.calcium_mmol_l, 2), ("albumin", patient.albumin_g_l, 0),
        ("vitamin_d", patient.vitamin_d_ng_ml, 0), ("pth", patient.pth_pg_ml, 0),
    ):  # fmt: skip
        if value is not None:
            yield phrase(f"facts.{name}", n=figure(value, decimals=decimals))


def _diseases(patient: Patient) -> Iterator[Text]:
    for one in patient.diseases:
        said = named("disease", one.code)
        if not one.present:
            yield phrase("facts.absent", disease=said)
        else:
            yield said if one.date is None else phrase("facts.disease", disease=said, day=str(one.date))
    if patient.diseases_complete:
        yield phrase("facts.no_others") if patient.diseases else phrase("none_known")
    elif patient.diseases:
        yield phrase("facts.no_others_known")


def _spine(patient: Patient) -> Iterator[Text]:
    spine = patient.spine
    if spine is None:
        return
    if spine.level is not None:
        yield spine.level
    for name, value in (("vas", spine.vas), ("of_type", spine.of_type), ("weeks", spine.weeks_of_care)):
        if value is not None:
            yield phrase(f"facts.{name}", n=figure(value))
