"""The parts of a plan: renal formulas, tiers from risks, scores of the fractured vertebra, dates, decisions, own guidelines."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.care.facts import FACTS, facts_of
from osteon.care.followup import months_later
from osteon.care.guideline import guideline, guidelines, read_guideline
from osteon.care.plan import all_rules, plan
from osteon.care.renal import ckd_epi_2021, cockcroft_gault
from osteon.care.tier import equivalent
from osteon.care.vcf import astlof, of_score
from osteon.care.vocabulary import code_of
from osteon.core.errors import ConfigError, InputError, UnitError
from osteon.domain.patient import Disease, Dxa, Patient, months_between
from osteon.domain.plan import TIERS, Decision

WOMAN = Patient(
    id="1", as_of=date(2026, 11, 20), sex="female", stated_age_years=72, menopausal_status="postmenopausal", weight_kg=60.0, fractures=(),
    drugs=(), creatinine_umol_l=70.0, calcium_mmol_l=2.3, albumin_g_l=40.0, vitamin_d_ng_ml=32.0, dxa=(Dxa(site="total_hip", t=-2.7),),
    diseases_complete=True,
)  # fmt: skip


# Published examples: NKF calculator (CKD-EPI 2021, creatinine in mg/dL) and the formula by hand.
@pytest.mark.parametrize(
    ("age", "mg_dl", "sex", "egfr"),
    [
        (50, 1.0, "male", 92),
        (50, 1.0, "female", 69),
        (70, 1.5, "male", 50),
        (80, 0.6, "female", 90),
        (30, 0.9, "male", 118),
    ],
)
def test_ckd_epi_2021(age, mg_dl, sex, egfr):
    assert ckd_epi_2021(age_years=age, creatinine_umol_l=88.42 * mg_dl, sex=sex) == pytest.approx(
        egfr, abs=1.0
    )


def test_cockcroft_gault_by_hand():
    assert cockcroft_gault(
        age_years=80, weight_kg=50, creatinine_umol_l=88.42, sex="female"
    ) == pytest.approx(60 * 50 * 0.85 / 72)
    assert cockcroft_gault(
        age_years=40, weight_kg=72, creatinine_umol_l=2 * 88.42, sex="male"
    ) == pytest.approx(50.0)


@given(st.floats(20, 95), st.floats(30, 120), st.floats(30, 900), st.floats(1.01, 3))
def test_renal_function_falls_with_creatinine_and_age(age, weight, creatinine, factor):
    for sex in ("female", "male"):
        person = {"age_years": age, "creatinine_umol_l": creatinine, "sex": sex}
        worse = {**person, "creatinine_umol_l": creatinine * factor}
        assert ckd_epi_2021(**worse) < ckd_epi_2021(**person)
        assert cockcroft_gault(weight_kg=weight, **worse) < cockcroft_gault(weight_kg=weight, **person)
        assert ckd_epi_2021(**{**person, "age_years": age + 1}) < ckd_epi_2021(**person)


@pytest.mark.parametrize(
    "wrong", [{"sex": "x"}, {"age_years": 12}, {"creatinine_umol_l": 0}, {"weight_kg": 0}]
)
def test_renal_refusals(wrong):
    person = {"age_years": 70, "creatinine_umol_l": 80.0, "sex": "female", "weight_kg": 60.0, **wrong}
    with pytest.raises((InputError, UnitError)):
        cockcroft_gault(**person)


@given(st.floats(0, 1), st.floats(0.1, 30))
def test_equivalents_rise_with_time_and_ten_years_are_themselves(p, years):
    assert 0 <= equivalent(p, years=years) <= equivalent(p, years=years + 1) <= 1
    assert equivalent(p, years=10) == pytest.approx(p)


def of(**changes):
    asked = {"of_type": 3, "t_score": -2.6, "collapse_ongoing": False, "vas": 5, "neurological_deficit": False, "mobile": True, "asa_class": 2,
             "dementia": False, "bmi": 24.0, "dependent": False, "anticoagulated": False}  # fmt: skip
    return of_score(**{**asked, **changes})


def test_of_score_by_hand():
    assert of().value == 6 - 1 + 1 - 1 == 5
    assert of().band == "conservative"
    assert of(mobile=False).value == 7
    assert of(collapse_ongoing=True).band == "surgery"
    assert of(t_score=-3.1).value == 6
    assert of(t_score=-3.1).band == "either"
    assert of(t_score=-3.0).value == 5
    assert of(vas=3.9).value == 3
    assert of(neurological_deficit=True).value == 7
    assert of(asa_class=4, dementia=True, bmi=18.0).value == 3  # two points away at most
    assert of(mobile=None).band == "unknown"
    assert of(mobile=None).missing == ("mobile",)
    assert of(bmi=None).value == 5
    assert of(bmi=None).missing == ("bmi",)
    with pytest.raises(InputError):
        of(of_type=6)
    with pytest.raises(InputError):
        of(vas=12)


def test_astlof_by_hand():
    usual = {"morphology": "compression", "mri": "long_t1_t2", "t_score": -2.5, "pain": "back_pain"}

    def score(**changes):
        return astlof(**{**usual, **changes})

    assert (score().value, score().band) == (4, "either")
    assert score(t_score=-2.4).value == 3
    assert score(t_score=-3.5).value == 4
    assert score(t_score=-3.6).value == 5
    assert score(morphology="normal", mri="normal", pain="none", t_score=0.0).value == 0
    assert score(morphology="burst", mri="vacuum_or_fluid", pain="sustained_or_cord", t_score=-4.0).value == 8
    assert score(pain=None).band == "unknown"
    with pytest.raises(InputError):
        score(mri="bright")


@given(st.dates(date(1990, 1, 1), date(2026, 1, 1)), st.integers(0, 4000))
def test_months_between_never_runs_back(day, later):
    ends = [date.fromordinal(day.toordinal() + later + n) for n in range(3)]
    counts = [months_between(day, end) for end in ends]
    assert all(a <= b for a, b in pairwise(counts))


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 120))
def test_months_later_is_that_many_months_later(day, months):
    found = months_later(day, months)
    assert (found.year - day.year) * 12 + found.month - day.month == months
    assert found.day <= day.day


def test_follow_up_has_dates():
    due = {
        item.code: item.params["due"]
        for item in plan(WOMAN, "aace_2020").section("followup")
        if "due" in item.params
    }
    assert due["dxa_after_start"] == "2027-11-20"
    assert due["marker_ctx"] == "2027-02-20"


def test_a_tier_says_why_and_a_plan_keeps_every_decision():
    advice = plan(WOMAN, "bhof_2022")
    assert [item.rule_id for item in advice.tier.fired] == ["bhof_2022.high.t_score"]
    first, second = advice.section("candidate")[:2]
    told = advice.decided(
        Decision(item=first.key, kind="rejected", by="Dr Li", on=date(2026, 11, 21), reason="reflux")
    )
    told = told.decided(Decision(item=second.key, kind="accepted", by="Dr Li", on=date(2026, 11, 21)))
    told = told.decided(Decision(item=first.key, kind="accepted", by="Dr Wu", on=date(2026, 11, 22)))
    assert told.version == 4
    assert told.decision(first).by == "Dr Wu"
    assert told.at_version(2).decision(first).kind == "rejected"
    assert told.items == advice.items
    with pytest.raises(InputError):
        told.decided(Decision(item="no such", kind="accepted", by="Dr Li", on=date(2026, 11, 21)))


@pytest.mark.parametrize(
    ("kind", "by", "reason"),
    [("maybe", "x", "y"), ("accepted", " ", ""), ("edited", "x", ""), ("rejected", "x", " ")],
)
def test_a_decision_has_a_name_and_a_reason(kind, by, reason):
    with pytest.raises(InputError):
        Decision(item="i", kind=kind, by=by, on=date(2026, 1, 1), reason=reason)


def test_every_item_has_a_key_of_its_own_and_every_plan_the_same_shape():
    for name in guidelines():
        items = plan(WOMAN, name).items
        assert len({item.key for item in items}) == len(items)
        assert all(item.code and item.rule_id and item.source for item in items)


def test_a_candidate_carries_dose_route_and_cautions():
    zoledronate = next(
        item for item in plan(WOMAN, "bhof_2022").section("candidate") if item.about == "zoledronate"
    )
    assert {key: zoledronate.params[key] for key in ("dose", "unit", "route", "every")} == {
        "dose": 5,
        "unit": "mg",
        "route": "iv",
        "every": "year",
    }
    assert "onj_aff" in zoledronate.params["cautions"]
    assert not zoledronate.verified


def test_jurisdiction_decides_where_labels_differ():
    past_stroke = Disease(code="stroke", date=date(2015, 1, 1))
    woman = replace(WOMAN, dxa=(Dxa(site="total_hip", t=-3.4),), diseases=(past_stroke,))
    named = {
        where: {item.about for item in plan(woman, "aace_2020", jurisdiction=where).section("candidate")}
        for where in ("us", "eu")
    }
    assert named["us"] - named["eu"] == {"romosozumab"}
    assert plan(WOMAN, "nogg_2024").jurisdiction == "uk"
    with pytest.raises(ConfigError, match="no jurisdiction"):
        plan(WOMAN, "aace_2020", jurisdiction="mars")


def test_all_facts_are_always_there():
    assert set(facts_of(WOMAN, jurisdiction="us").values) == set(FACTS)
    assert set(facts_of(Patient(id="1", as_of=date(2026, 1, 1)), jurisdiction="us").values) == set(FACTS)


def test_every_rule_of_a_tier_names_one():
    for name in guidelines():
        assert all(rule.params["tier"] in TIERS for rule in guideline(name).criteria)
    assert len(all_rules()) > 300


SITE = """
[file]
id = "ward_7"
title = "Ward 7"
version = "1"
dated = 2026-01-01
jurisdiction = "cn"
source = "the team"
confidence = "recalled_high"
verified_by = "Dr Li"
verified_on = "2026-01-01"
scope = "t_scores_apply"
mandatory = ["age_years", "sex"]

[[criterion]]
id = "high.t"
tier = "high"
when = "t_lowest <= value"
value = -2.0
unit = "SD"

[[choice]]
id = "choice.high"
tiers = ["high"]
drugs = ["zoledronate"]
"""


def test_a_site_brings_its_own_guideline(tmp_path):
    path = tmp_path / "ward_7.toml"
    path.write_text(SITE, encoding="utf-8")
    advice = plan(WOMAN, read_guideline(path))
    assert (advice.guideline, advice.tier.level, [item.about for item in advice.section("candidate")]) == (
        "ward_7",
        "high",
        ["zoledronate"],
    )
    assert advice.tier.fired[0].verified


def test_no_drug_with_a_renal_rule_is_named_without_renal_function_even_where_a_guideline_does_not_ask(
    tmp_path,
):
    path = tmp_path / "ward_7.toml"
    path.write_text(
        SITE.replace('["zoledronate"]', '["zoledronate", "denosumab", "romosozumab", "menatetrenone"]'),
        encoding="utf-8",
    )
    advice = plan(replace(WOMAN, creatinine_umol_l=None), read_guideline(path))
    assert advice.tier.level == "high"
    assert [item.about for item in advice.section("candidate")] == ["menatetrenone"]
    held = {
        item.about: item.missing
        for item in advice.section("withheld")
        if item.code == "renal_function_unknown"
    }
    assert held == dict.fromkeys(("zoledronate", "denosumab", "romosozumab"), ("creatinine",))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [('tier = "high"\nwhen', 'tier = "huge"\nwhen', "tier 'huge'"), ("t_lowest <=", "t_lowset <=", "does not exist"), ('unit = "SD"', "", "no unit"),
     ('"zoledronate"', '"aspirin"', "aspirin"), ('source = "the team"\n', "", "lacks source"), ('"cn"', '"mars"', "jurisdiction"),
     ('confidence = "recalled_high"', 'confidence = "sure"', "a confidence"), ('"age_years", "sex"', '"shoe"', "shoe")],
)  # fmt: skip
def test_a_guideline_with_a_fault_is_refused(tmp_path, old, new, said):
    path = tmp_path / "ward_7.toml"
    assert old in SITE
    path.write_text(SITE.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        read_guideline(path)


def test_no_guideline_of_that_name():
    with pytest.raises(ConfigError, match="Known: aace_2020"):
        guideline("aace")


def test_words_people_write():
    assert code_of("site", "Colles") == "forearm"
    with pytest.raises(InputError, match="Did you mean 'stroke'"):
        code_of("disease", "strok")
