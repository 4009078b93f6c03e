"""
A plan for a patient under a guideline: tier, alerts, drugs, follow-up, non-drug care, rehabilitation, the fractured vertebra.

Advice with rule ids and sources, never an order. What is unknown is asked for; what is not verified says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from osteon.care.condition import Facts
from osteon.care.facts import facts_of
from osteon.care.followup import dated, followup, followup_rules
from osteon.care.formulary import adjuncts, drugs
from osteon.care.guideline import JURISDICTIONS, Guideline, guidelines
from osteon.care.guideline import guideline as named_guideline
from osteon.care.nondrug import nondrug, nondrug_rules
from osteon.care.recommend import recommended
from osteon.care.rehabilitation import rehabilitation, rehabilitation_rules, rehabilitation_stages
from osteon.care.rule import Rule, fired
from osteon.care.safety import alert_rules, alerts, hold_rules, holds, sequence_rules
from osteon.care.tier import equivalents, tier_of
from osteon.care.vcf import vcf, vcf_rules
from osteon.core.errors import ConfigError
from osteon.domain.patient import Patient
from osteon.domain.plan import Item, Plan, Tier

__all__ = ["all_rules", "plan"]


def plan(patient: Patient, guideline: Guideline | str, *, jurisdiction: str | None = None) -> Plan:
    """
    Advice for one patient.

    Parameters
    ----------
    patient : Patient
    guideline : Guideline or str
        A guideline, or the name of one that comes with osteon.
    jurisdiction : str, optional
        Whose product information decides: "us", "eu", "uk", "cn"; by default the guideline's.

    Raises
    ------
    ConfigError
        No such guideline or jurisdiction.

    Examples
    --------
    >>> from datetime import date
    >>> from osteon.domain.patient import Dxa
    >>> woman = Patient(id="1", as_of=date(2026, 6, 1), sex="female", stated_age_years=70, menopausal_status="postmenopausal",
    ...                 fractures=(), drugs=(), weight_kg=60, creatinine_umol_l=70.0, calcium_mmol_l=2.3, albumin_g_l=40.0,
    ...                 vitamin_d_ng_ml=32.0, dxa=(Dxa(site="total_hip", t=-2.7),), diseases_complete=True)
    >>> advice = plan(woman, "aace_2020")
    >>> advice.tier.level, [item.about for item in advice.section("candidate")]
    ('high', ['alendronate', 'risedronate', 'zoledronate', 'denosumab'])
    """
    used = named_guideline(guideline) if isinstance(guideline, str) else guideline
    where = jurisdiction or used.jurisdiction
    if where not in JURISDICTIONS:
        raise ConfigError(f"no jurisdiction {where!r}.", hint=f"One of {', '.join(JURISDICTIONS)}.")
    facts = used.world(facts_of(patient, jurisdiction=where))
    tier = tier_of(patient, facts, used)
    facts = facts.having(tier=tier.level or tier.at_least)
    standing = holds(facts)
    items = (
        *alerts(facts),
        *standing,
        *_asked(tier, used),
        *recommended(tier, used, facts, holds=standing),
        *fired(sequence_rules(), facts),
        *_renal(facts),
        *followup(facts, as_of=patient.as_of),
        *nondrug(facts),
        *rehabilitation(facts),
        *vcf(facts),
        *dated(fired(used.advice, facts), as_of=patient.as_of),
    )
    return Plan(
        patient=patient.id, as_of=patient.as_of, guideline=used.id, guideline_version=used.version, jurisdiction=where,
        tier=tier, items=_once(items), notes=patient.notes,
    )  # fmt: skip


def all_rules() -> tuple[Rule, ...]:
    """Every rule that comes with osteon, to be listed with its source and its state of verification."""
    return (
        *(rule for name in guidelines() for rule in named_guideline(name).rules),
        *equivalents(),
        *adjuncts(),
        *(rule for drug in drugs().values() for rule in drug.rules),
        *alert_rules(),
        *hold_rules(),
        *sequence_rules(),
        *followup_rules(),
        *nondrug_rules(),
        *rehabilitation_stages(),
        *rehabilitation_rules(),
        *vcf_rules(),
    )


def _asked(tier: Tier, used: Guideline) -> tuple[Item, ...]:
    """The mandatory facts that are unknown, one item each; then the criteria of a higher tier that an unknown fact leaves open."""
    mandatory = (
        Item(
            rule_id=f"{used.id}.mandatory",
            section="missing",
            code=name,
            source=used.source,
            confidence="recalled_high",
        )
        for name in tier.missing
    )
    return (
        *mandatory,
        *(replace(item, section="note", code="could_raise_the_tier") for item in tier.undecided),
    )


def _renal(facts: Facts) -> tuple[Item, ...]:
    """
    Both renal figures, and the drug cut-offs between them: Cockcroft-Gault decides, CKD-EPI is shown beside it.
    """
    crcl, egfr = facts.values["crcl_ml_min"], facts.values["egfr_ml_min"]
    if not isinstance(crcl, int | float) or not isinstance(egfr, int | float):
        return ()
    low, high = sorted((float(crcl), float(egfr)))
    between = {
        f"{rule.drug} {rule.value:g}"
        for drug in drugs().values()
        for rule in drug.contraindications
        if "crcl_ml_min" in rule.when.names
        and isinstance(rule.value, int | float)
        and low < rule.value <= high
    }
    figures = Item(
        rule_id="renal.figures", section="renal", code="renal_function",
        params={"crcl_ml_min": float(crcl), "egfr_ml_min": float(egfr), "decides": "crcl_ml_min", "unit": "mL/min"},
        source="Cockcroft and Gault 1976; Inker et al. 2021", confidence="recalled_high",
    )  # fmt: skip
    if not between:
        return (figures,)
    apart = Item(
        rule_id="renal.equations_disagree", section="renal", code="equations_on_different_sides",
        params={"cut_offs": tuple(sorted(between)), **figures.params}, source=figures.source, confidence="recalled_high",
    )  # fmt: skip
    return (figures, apart)


def _once(items: Iterable[Item]) -> tuple[Item, ...]:
    """Every item once: two rules may ask the same of one drug."""
    return tuple({item.key: item for item in items}.values())
