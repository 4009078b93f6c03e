"""The cases cover the rules: each fires in one at least and stays silent in another; and every item of the hazard list."""

import importlib.util
import re
from pathlib import Path

import pytest

from osteon.care.formulary import drugs
from osteon.care.plan import all_rules
from osteon.care.safety import hold_rules

_spec = importlib.util.spec_from_file_location("care_cases", Path(__file__).with_name("cases.py"))
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)
HAZARDS = {
    "unit slip": [
        "bad_creatinine_wrong_unit",
        "bad_creatinine_slip_other_way",
        "bad_calcium_unit",
        "bad_vitamin_d_without_unit",
    ],
    "wrong reference database": ["hazard_wrong_reference", "hazard_right_reference"],
    "T used under 50": ["man_of_38", "premenopausal_woman"],
    "excluded vertebra still in total": ["hazard_excluded_vertebra_in_total", "hazard_one_vertebra_left"],
    "device change read as gain": ["hazard_device_changed"],
    "denosumab stop": [
        "denosumab_stopped",
        "denosumab_five_weeks_overdue",
        "denosumab_stopped_then_zoledronate",
    ],
    "renal cut-off on the wrong equation": ["renal_wrong_equation", "renal_crcl_28"],
    "MI or stroke date missing for romosozumab": ["contra_romosozumab_mi_date_missing"],
    "FRAX country wrong": ["hazard_frax_country", "bad_frax_without_country"],
    "hip > MOF": ["bad_frax_hip_above_major", "risk_hip_above_major"],
    "prior-fracture date unknown": ["fracture_date_unknown"],
    "LSTV numbering error": ["hazard_transitional_vertebra"],
    "laterality swap": ["hazard_laterality_swap"],
    "metal artefact": ["hazard_metal", "hazard_ct_low_hu"],
    "CT contrast HU": ["hazard_ct_contrast"],
}


@pytest.fixture(scope="module")
def plans():
    found = {name: cases.planned(name) for name in cases.CASES}
    return {name: advice for name, advice in found.items() if not isinstance(advice, ValueError)}


@pytest.fixture(scope="module")
def spoken(plans):
    return {name: cases.rule_ids(advice) for name, advice in plans.items()}


def test_rule_ids_are_unique():
    ids = [rule.id for rule in all_rules()]
    assert len(ids) == len(set(ids)) > 300


def test_every_rule_fires_in_a_case(spoken):
    heard = set().union(*spoken.values())
    assert [rule.id for rule in all_rules() if rule.id not in heard] == []


def test_every_conditional_rule_is_silent_in_a_case(spoken):
    assert [
        rule.id
        for rule in all_rules()
        if rule.when.text != "true" and all(rule.id in ids for ids in spoken.values())
    ] == []


def test_every_contraindication_removes_in_one_case_and_not_in_another(plans):
    removed = {name: {item.rule_id for item in advice.section("removed")} for name, advice in plans.items()}
    for drug in drugs().values():
        for rule in drug.contraindications:
            out = [name for name, ids in removed.items() if rule.id in ids]
            assert 0 < len(out) < len(removed), rule.id
            assert not any(
                item.about == drug.drug
                for name in out
                for part in ("candidate", "adjunct")
                for item in plans[name].section(part)
            ), rule.id


def test_under_a_hold_nothing_is_named(plans):
    held = [advice for advice in plans.values() if advice.section("hold")]
    assert {item.rule_id for advice in held for item in advice.section("hold")} == {
        rule.id for rule in hold_rules()
    }
    assert [advice for advice in held if advice.section("candidate") or advice.section("adjunct")] == []


def test_no_drug_is_named_where_the_patient_is_not_classified(plans):
    open_ = [advice for advice in plans.values() if advice.tier.status != "classified"]
    assert len(open_) >= 10
    assert [advice for advice in open_ if advice.section("candidate") or advice.section("adjunct")] == []
    assert all(advice.section("missing") for advice in open_ if advice.tier.status == "cannot_classify")


def test_every_hazard_has_a_case():
    assert all(name in cases.CASES for names in HAZARDS.values() for name in names)


def test_the_hazards_are_those_of_the_reference(clinical_reference):
    path = clinical_reference / "clinical.md"
    listed = re.search(r"^Hazard list to test: (.*)\.$", path.read_text(encoding="utf-8"), re.MULTILINE)[1]
    listed = [re.sub(r"LSTV \(.*?\)", "LSTV", item) for item in re.split(r"; (?![^(]*\))", listed)]
    assert listed == list(HAZARDS)
