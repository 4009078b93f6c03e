"""Everything the rules can say has words in both languages, and the words say what the rules hold."""

import re
import tomllib
from dataclasses import replace
from datetime import date

import pytest

from osteon.care.fact_items import ITEM_FACTS
from osteon.care.facts import FACTS, facts_of
from osteon.care.formulary import drugs
from osteon.care.guideline import JURISDICTIONS, guideline, guidelines
from osteon.care.plan import all_rules
from osteon.care.scores.published import CONFIDENCE
from osteon.care.vocabulary import codes
from osteon.domain.patient import Patient
from osteon.domain.plan import DECISIONS, SECTIONS, TIERS
from osteon.report.plan_rule_list import rule_lines
from osteon.report.plan_words import (
    amount,
    dose_text,
    fact_text,
    figure,
    has_words,
    how_text,
    item_text,
    known,
)
from osteon.report.words import FOLDER, words

RULES = all_rules()


def said(text, lang="en"):
    return words(lang).say(text)


def sections(rule):
    """The items a rule can become: itself, a drug not named yet, a contraindication to be ruled out."""
    if "drugs" in rule.params:
        return
    yield rule.item(section="tier") if "tier" in rule.params else rule.item()
    if rule.section == "removed":
        yield rule.item(section="withheld", missing=("creatinine",))
        yield rule.item(section="caution", to_confirm=True)


SAYABLE = [item for rule in RULES if "outcome" not in rule.params for item in sections(rule)]


def test_every_rule_has_words():
    assert {item.rule_id for item in SAYABLE if not has_words(item)} == set()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_code_is_left_in_what_a_rule_says(lang):
    told = {item.rule_id: said(item_text(item), lang) for item in SAYABLE}
    assert {rule: text for rule, text in told.items() if "_" in text or "{" in text} == {}


NUMBER_LEFT_OUT = {  # these speak of what follows from the number
    "denosumab_due_soon", "denosumab_late_rebound_risk", "romosozumab_after_mi_or_stroke", "markers_flag_ckd_or_steroid",
    "calcium_and_vitamin_d_after_correction", "stop_smoking", "protein_with_kidney_disease_ask", "prior_fragility_fracture",
    "vertebral_imaging", "bone_protection_with_steroid",
}  # fmt: skip


def test_the_number_of_a_rule_stands_in_its_words():
    for item in SAYABLE:
        value = item.params.get("value")
        if isinstance(value, int | float) and item.code not in NUMBER_LEFT_OUT:
            text = said(item_text(item))
            assert any(figure(value, decimals=digits) in text for digits in (None, 1, 2)), (
                item.rule_id,
                text,
            )


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("drug", list(drugs()))
def test_every_dose_is_told_with_its_number_and_unit(drug, lang):
    dose = drugs()[drug].dose
    text = said(dose_text(dose), lang)
    assert figure(dose["dose"]) in text
    assert dose["unit"].replace("ug", "µg") in text
    assert "_" not in text


def test_doses_read_like_a_prescription():
    assert said(dose_text(drugs()["alendronate"].dose)) == "70 mg orally, weekly (or 10 mg orally, daily)"
    assert (
        said(dose_text(drugs()["zoledronate"].dose), "zh") == "5 mg，静脉滴注，每年 1 次，输注不少于 15 分钟"
    )
    assert said(dose_text(drugs()["romosozumab"].dose)).startswith(
        "210 mg SC, monthly, as 2 injections of 105 mg, 12 doses"
    )


def names():
    for kind, key in (
        ("drug", "drug"),
        ("site", "site"),
        ("dxa_site", "dxa_site"),
        ("disease", "disease"),
        ("menopausal_status", "menopausal"),
    ):
        yield from ((key, code) for code in codes(kind))
    yield from (("tier", code) for code in (*TIERS, "cannot_classify", "outside_scope"))
    yield from (("tier_risk", code) for code in TIERS)
    yield from (("section_name", code) for code in SECTIONS)
    yield from (("decision", code) for code in DECISIONS)
    yield from (("guideline", code) for code in guidelines())
    yield from (("jurisdiction", code) for code in JURISDICTIONS)
    yield from (("confidence", code) for code in CONFIDENCE)
    yield from (("fact", code) for code in FACTS)
    yield from ((f"fact_of.{kind}", code) for kind, facts in ITEM_FACTS.items() for code in facts)
    units = {rule.unit for rule in RULES if rule.unit and not rule.unit.startswith("x ")}
    yield from (("unit", unit) for unit in units)


def test_every_name_has_words():
    assert [f"{kind}.{code}" for kind, code in names() if not known(f"{kind}.{code}")] == []


def missing_names():
    """Everything the rules and the guidelines may ask for, as the plan names it."""
    nobody = Patient(id="1", as_of=date(2026, 1, 1))
    facts = facts_of(nobody, jurisdiction="us")
    yield from {name for names in facts.needs.values() for name in names}
    for name in guidelines():
        yield from guideline(name).decisive
    yield from (f"disease.{code}" for code in codes("disease"))
    yield from (f"disease.{code}.date" for code in codes("disease"))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_missing_fact_has_a_name_and_a_way_to_get_it(lang):
    for name in missing_names():
        text, how = said(fact_text(name), lang), said(how_text(name), lang)
        assert "_" not in text and "." not in text, name
        assert how


def test_chinese_sets_a_space_between_latin_units_and_words_and_none_between_words():
    texts = [said(item_text(item), "zh") for item in SAYABLE]
    texts += [said(dose_text(drug.dose), "zh") for drug in drugs().values()]
    assert [
        text
        for text in texts
        if re.search(r"[\u4e00-\u9fff] [\u4e00-\u9fff]|[A-Za-z][\u4e00-\u9fff]|[\u4e00-\u9fff][A-Za-z]", text)
    ] == []


def test_amounts():
    assert said(amount({"value": -3, "unit": "SD"})) == "−3.0"
    assert said(amount({"value": 2.1, "unit": "mmol/L"})) == "2.10 mmol/L"
    assert said(amount({"value": 5, "to_value": 10, "unit": "years"}), "zh") == "5～10 年"
    assert (
        said(amount({"value": 1.2, "unit": "x intervention threshold"}))
        == "1.2 × the guideline's threshold for this age"
    )
    assert said(amount({})) == "the guideline's threshold for this age"


def test_a_rule_of_a_site_without_words_is_told_by_its_code():
    item = RULES[0].item(section="note")
    assert said(item_text(replace(item, code="own_rule", rule_id="own.own_rule"))) == "own rule"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_list_of_rules_names_each_with_source_and_state(lang):
    lines = list(rule_lines(RULES, lang))
    assert len(lines) == 4 * len(RULES)
    state = {"en": "UNVERIFIED", "zh": "未核实"}[lang]
    for head, rule in zip(lines[::4], RULES, strict=True):
        assert head.startswith(f"{rule.id}  [")
        assert (state in head) is not rule.verified
    assert [line for line in lines[1::4] if "_" in line] == []


def test_word_files_hold_no_threshold_of_their_own():
    # numbers in the words are scales, definitions and common sense; a threshold comes from the rules through {amount}
    text = tomllib.loads((FOLDER / "plan.en.toml").read_text(encoding="utf-8"))["plan"]
    doubtful = [f"{kind}.{code}" for kind in ("criterion", "contraindication", "prerequisite", "monitoring")
                for code, entry in text[kind].items() if isinstance(entry, str) and re.search(r"\b\d{2,}\b(?!OHD)", entry)]  # fmt: skip
    assert doubtful == []
