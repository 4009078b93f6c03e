"""QFracture-2012 against the original program's numbers, its edge rules, and the laws its coefficients imply."""

import json
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.care.scores.qfracture.equations import (
    ALCOHOL,
    ETHNICITY,
    FLAGS,
    SMOKING,
    alcohol_category,
    disclaimer,
    qfracture,
    qfracture_patient,
)
from osteon.core.errors import InputError, OutOfScope, ShapeError, UnitError

FOLDER = files("osteon.care.scores.qfracture")
DATA = json.loads((FOLDER / "coefficients_2012.json").read_text(encoding="utf-8"))
OURS = {theirs: ours for ours, theirs in DATA["flags"].items()}
PLAIN = {"ethnicity": 1, "smoking": 0, "alcohol": 0}


@pytest.fixture(scope="module")
def vectors(oracle):
    return oracle("qfracture/qfracture2012_test_vectors")


def arguments(people):
    inputs = [person["input"] for person in people]
    return {
        "sex": [i["sex"] for i in inputs],
        "age_years": [i["age"] for i in inputs],
        "bmi_kg_m2": [i["weight"] / (i["height"] / 100) ** 2 for i in inputs],
        "ethnicity": [i["ethrisk"] for i in inputs],
        "smoking": [i["smoke_cat"] for i in inputs],
        "alcohol": [i["alcohol_cat6"] for i in inputs],
        "flags": {ours: [i.get(theirs, 0) for i in inputs] for theirs, ours in OURS.items()},
    }


@pytest.mark.parametrize("years", [1, 3, 5, 10])
def test_six_people_as_the_original(vectors, years):
    found = qfracture(**arguments(vectors), years=years)
    for kind in ("osteoporotic", "hip"):
        expected = [person[f"{kind}_{years}y_pct"] for person in vectors]
        np.testing.assert_allclose(100 * getattr(found, kind), expected, atol=1e-5, rtol=0)
    assert not found.n_missing.any()


def test_ten_years_as_printed_by_the_original_program(vectors):
    found = qfracture(**arguments(vectors))
    printed = np.array([person["c_program_10y"] for person in vectors])
    np.testing.assert_allclose(100 * np.column_stack([found.osteoporotic, found.hip]), printed, atol=1e-6)


def test_one_patient_is_a_row_of_many(vectors):
    many = arguments(vectors)
    rows = qfracture(**many)
    for n, person in enumerate(vectors):
        single = {k: many[k][n] for k in many if k != "flags"}
        flags = {name: bool(values[n]) for name, values in many["flags"].items()}
        osteoporotic, hip = qfracture_patient(**single, flags=flags)
        assert (osteoporotic.value, hip.value) == (rows.osteoporotic[n], rows.hip[n]), person["name"]
        assert osteoporotic.missing == () and osteoporotic.horizon_years == 10
        assert ("hip_exceeds_osteoporotic" in hip.notes) == (person["name"] == "M2")
        assert ("prior_fracture_underweighted" in hip.notes) == (person["name"] == "F2")


def test_the_data_are_the_four_equations_with_full_survival():
    assert set(DATA["equations"]) == {"osteoporotic_female", "osteoporotic_male", "hip_female", "hip_male"}
    assert (
        "ClinRisk" in DATA["_provenance"]["copyright"]
        and "LGPL-3.0-or-later" in DATA["_provenance"]["licence"]
    )
    used = set()
    for equation in DATA["equations"].values():
        survival = np.array(equation["survival"])
        assert len(survival) == 19 and survival[0] == 1 and (np.diff(survival) < 0).all()
        assert [len(equation[k]) for k in ("ethnicity", "smoking", "alcohol")] == [10, 5, 6]
        used |= set(equation["flags"])
    assert used == set(FLAGS) and (len(ETHNICITY), len(SMOKING), len(ALCOHOL)) == (9, 5, 6)


def test_licence_texts_and_disclaimer_travel_along():
    lgpl = (FOLDER / "LICENSE.LGPL-3.0").read_text(encoding="utf-8")
    gpl = (FOLDER / "LICENSE.GPL-3.0").read_text(encoding="utf-8")
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in lgpl and "GNU GENERAL PUBLIC LICENSE" in gpl
    assert "Copyright 2012 ClinRisk Ltd." in disclaimer() and "wrong treatment" in disclaimer()


def test_bmi_is_moved_to_the_bounds_and_said():
    found = qfracture(sex=["female"] * 4, age_years=70, bmi_kg_m2=[15, 20, 40, 55], **PLAIN)
    assert found.bmi_clamped.tolist() == [True, False, False, True]
    assert found.osteoporotic[0] == found.osteoporotic[1] and found.osteoporotic[2] == found.osteoporotic[3]
    osteoporotic, _ = qfracture_patient(sex="female", age_years=70, bmi_kg_m2=15)
    assert "bmi_clamped" in osteoporotic.notes and osteoporotic.out_of_range == ("bmi_kg_m2",)


def test_age_is_completed_years_and_refused_outside_30_to_100():
    found = qfracture(sex=["male"] * 5, age_years=[29.9, 30, 66.9, 100.9, 101], bmi_kg_m2=25, **PLAIN)
    assert found.age_refused.tolist() == [True, False, False, False, True]
    assert np.isnan(found.hip).tolist() == [True, False, False, False, True]
    assert found.hip[2] == qfracture(sex=["male"], age_years=66, bmi_kg_m2=25, **PLAIN).hip[0]
    for age in (29.9, 101):
        with pytest.raises(OutOfScope, match="30-100"):
            qfracture_patient(sex="male", age_years=age, bmi_kg_m2=25)


def test_missing_flags_count_as_no_and_are_counted():
    """A woman's equations ask for 19 flags, a man's for 18; smoking and alcohol are counted too."""
    silent = qfracture(sex=["female", "male"], age_years=70, bmi_kg_m2=25)
    told = qfracture(
        sex=["female", "male"], age_years=70, bmi_kg_m2=25, flags=dict.fromkeys(FLAGS, 0), **PLAIN
    )
    np.testing.assert_array_equal(silent.osteoporotic, told.osteoporotic)
    assert silent.n_missing.tolist() == [21, 20] and told.n_missing.tolist() == [0, 0]
    partly = qfracture(sex=["female"], age_years=70, bmi_kg_m2=25, flags={"falls": [np.nan]}, **PLAIN)
    assert partly.n_missing.tolist() == [19]
    osteoporotic, _ = qfracture_patient(sex="female", age_years=70, bmi_kg_m2=25)
    assert "missing_counted_as_no" in osteoporotic.notes and "care_home" not in osteoporotic.missing


def test_unknown_sex_age_or_bmi_has_no_score():
    found = qfracture(sex=["female", None, "male"], age_years=[np.nan, 70, 70], bmi_kg_m2=[25, 25, np.nan])
    assert np.isnan(found.osteoporotic).all() and np.isnan(found.hip).all()


@given(
    sex=st.sampled_from(["female", "male"]),
    age=st.integers(30, 100),
    bmi=st.floats(15, 50),
    flag=st.sampled_from(FLAGS),
    years=st.integers(1, 17),
)
def test_a_risk_factor_never_lowers_the_risk_and_time_never_does(sex, age, bmi, flag, years):
    """Hormone therapy alone has negative coefficients."""
    without = qfracture(sex=[sex], age_years=age, bmi_kg_m2=bmi, years=years, **PLAIN)
    having = qfracture(sex=[sex], age_years=age, bmi_kg_m2=bmi, years=years, flags={flag: 1}, **PLAIN)
    longer = qfracture(sex=[sex], age_years=age, bmi_kg_m2=bmi, years=years + 1, **PLAIN)
    for kind in ("osteoporotic", "hip"):
        before, after = getattr(without, kind)[0], getattr(having, kind)[0]
        assert 0 <= before <= 1
        assert after <= before if flag == "hormone_therapy" else after >= before
        assert getattr(longer, kind)[0] >= before
        if flag in DATA["equations"][f"{kind}_{sex}"]["flags"] and 1e-9 < before < 0.99:
            assert after != before


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"years": 0}, InputError),
        ({"years": 19}, InputError),
        ({"ethnicity": 0}, InputError),
        ({"smoking": 5}, InputError),
        ({"alcohol": 1.5}, InputError),
        ({"flags": {"fall": 1}}, InputError),
        ({"flags": {"falls": 2}}, InputError),
        ({"bmi_kg_m2": 0}, UnitError),
        ({"age_years": [60, 70, 80]}, ShapeError),
    ],
)
def test_refused(change, error):
    with pytest.raises(error):
        qfracture(**{"sex": ["female", "male"], "age_years": 70, "bmi_kg_m2": 25, **change})


def test_patient_without_sex_and_negative_alcohol_refused():
    with pytest.raises(InputError, match="needs all three"):
        qfracture_patient(sex="", age_years=70, bmi_kg_m2=25)
    with pytest.raises(UnitError):
        alcohol_category([-1])
