"""A plan never looks safer when the kidneys fail, a contraindication is added or a fracture becomes more recent."""

from dataclasses import replace
from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from osteon.care.formulary import drugs
from osteon.care.guideline import guidelines
from osteon.care.plan import plan
from osteon.care.vocabulary import codes, drug_name
from osteon.domain.patient import Disease, DrugUse, Dxa, Fracture, Frax, Patient
from osteon.domain.plan import TIERS

AS_OF = date(2026, 11, 20)
AGAINST = sorted(
    {
        code
        for drug in drugs().values()
        for rule in drug.contraindications
        for kind, code in rule.when.codes
        if kind == "disease"
    }
)
BONE_DRUGS = [
    code for code in codes("drug") if drug_name(code).effect in {"antiresorptive", "anabolic", "harmful"}
]
past = st.integers(0, 4000).map(lambda days: AS_OF - timedelta(days=days))
maybe = lambda strategy: st.none() | strategy  # noqa: E731
yes_no = st.sampled_from([True, False, None])
fractures = st.builds(
    Fracture, site=st.sampled_from(["hip", "vertebra", "forearm", "toe"]), date=past, low_trauma=yes_no, on_treatment=yes_no,
    on_harmful_drug=yes_no,
)  # fmt: skip
taken = st.builds(
    DrugUse, drug=st.sampled_from(BONE_DRUGS), taken_now=yes_no, start=maybe(past), last_dose=maybe(past), doses=maybe(st.integers(0, 14)),
    dose_mg_day=maybe(st.floats(1, 40)),
)  # fmt: skip
frax = st.builds(
    lambda mof, share, bmd: Frax(mof_pct=mof, hip_pct=mof * share, with_bmd=bmd, country_model="UK", version="4", date=AS_OF, entered_by="x"),
    st.floats(1, 60), st.floats(0, 0.5), yes_no,
)  # fmt: skip
patients = st.builds(
    Patient, id=st.just("1"), as_of=st.just(AS_OF), sex=st.sampled_from(["female", "male"]), stated_age_years=st.integers(40, 95),
    menopausal_status=st.sampled_from(["postmenopausal", "perimenopausal", "premenopausal"]), weight_kg=maybe(st.floats(38, 110)),
    creatinine_umol_l=st.floats(40, 400), calcium_mmol_l=st.sampled_from([2.0, 2.3, 2.3, 2.8]), albumin_g_l=st.just(40.0),
    vitamin_d_ng_ml=st.sampled_from([8.0, 32.0]), fractures=st.lists(fractures, max_size=3).map(tuple), frax=maybe(frax),
    drugs=maybe(st.lists(taken, max_size=2, unique_by=lambda one: one.drug).map(tuple)), diseases_complete=st.booleans(),
    dxa=st.lists(st.builds(Dxa, site=st.sampled_from(["lumbar", "total_hip"]), t=st.floats(-4, 0.5)), max_size=2).map(tuple),
    falls_12_months=maybe(st.integers(0, 3)), pregnant=yes_no, can_sit_upright_30_min=yes_no,
)  # fmt: skip
where = st.tuples(st.sampled_from(guidelines()), st.sampled_from(["us", "eu", "uk", "cn"]))


def rank(advice):
    return -1 if advice.tier.at_least is None else TIERS.index(advice.tier.at_least)


def said(advice, section):
    return {item.rule_id for item in advice.section(section)}


def not_safer(before, after, *, fewer_drugs):
    assert rank(after) >= rank(before)
    assert said(after, "removed") >= said(before, "removed")
    assert said(after, "alert") >= said(before, "alert")
    assert len(said(after, "hold")) >= len(said(before, "hold"))
    assert not (before.tier.status != "classified" and after.section("candidate"))
    if fewer_drugs:
        assert {item.about for item in after.section("candidate")} <= {
            item.about for item in before.section("candidate")
        }


@settings(max_examples=80, deadline=None)
@given(patients, where, st.floats(1.0, 4.0))
def test_failing_kidneys(patient, where, factor):
    guideline, jurisdiction = where
    worse = replace(patient, creatinine_umol_l=patient.creatinine_umol_l * factor)
    not_safer(
        plan(patient, guideline, jurisdiction=jurisdiction),
        plan(worse, guideline, jurisdiction=jurisdiction),
        fewer_drugs=True,
    )


@settings(max_examples=80, deadline=None)
@given(patients, where, st.sampled_from(AGAINST), maybe(past))
def test_a_disease_against_a_drug(patient, where, code, when):
    guideline, jurisdiction = where
    worse = replace(patient, diseases=(*patient.diseases, Disease(code=code, date=when)))
    not_safer(
        plan(patient, guideline, jurisdiction=jurisdiction),
        plan(worse, guideline, jurisdiction=jurisdiction),
        fewer_drugs=True,
    )


@settings(max_examples=40, deadline=None)
@given(patients, where, st.sampled_from([{"pregnant": True}, {"can_sit_upright_30_min": False}]))
def test_a_state_against_a_drug(patient, where, change):
    guideline, jurisdiction = where
    worse = replace(patient, **change)
    not_safer(
        plan(patient, guideline, jurisdiction=jurisdiction),
        plan(worse, guideline, jurisdiction=jurisdiction),
        fewer_drugs=True,
    )


@settings(max_examples=80, deadline=None)
@given(patients.filter(lambda one: one.fractures), where, st.floats(0, 1))
def test_a_more_recent_fracture(patient, where, share):
    guideline, jurisdiction = where
    first, *others = patient.fractures
    later = first.date + timedelta(days=int(share * (AS_OF - first.date).days))
    worse = replace(patient, fractures=(replace(first, date=later), *others))
    not_safer(
        plan(patient, guideline, jurisdiction=jurisdiction),
        plan(worse, guideline, jurisdiction=jurisdiction),
        fewer_drugs=False,
    )


@pytest.mark.parametrize("name", guidelines())
def test_the_law_would_notice(name):
    """A younger fracture does raise a tier, and a failing kidney does remove a drug: the properties are not empty."""
    woman = Patient(
        id="1", as_of=AS_OF, sex="female", stated_age_years=70, menopausal_status="postmenopausal", weight_kg=60.0, creatinine_umol_l=70.0,
        calcium_mmol_l=2.3, albumin_g_l=40.0, vitamin_d_ng_ml=30.0, fractures=(), drugs=(), diseases_complete=True,
        dxa=(Dxa(site="total_hip", t=-2.7),),
    )  # fmt: skip
    worse = plan(replace(woman, creatinine_umol_l=150.0), name)
    assert said(worse, "removed") > said(plan(woman, name), "removed")
