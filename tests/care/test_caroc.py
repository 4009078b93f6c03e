"""CAROC 2010: the printed rows, the modifiers, the floor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.care.scores.caroc import BANDS, caroc, caroc_class
from osteon.core.errors import InputError, OutOfScope

# printed: age, women low above, women high below, men low above, men high below
ROWS = [
    (50, -2.5, -3.8, -2.5, -3.9), (55, -2.5, -3.8, -2.5, -3.9), (60, -2.3, -3.7, -2.5, -3.7), (65, -1.9, -3.5, -2.4, -3.7),
    (70, -1.7, -3.2, -2.3, -3.7), (75, -1.2, -2.9, -2.3, -3.8), (80, -0.5, -2.6, -2.1, -3.8), (85, 0.1, -2.2, -2.0, -3.8),
]  # fmt: skip
SEXES = st.sampled_from(["female", "male"])
AGES = st.floats(50, 100)
T = st.floats(-6, 3)
MODIFIERS = (
    "fragility_fracture",
    "glucocorticoid_3_months",
    "hip_or_vertebral_fracture",
    "several_fragility_fractures",
)
ANSWERS = st.fixed_dictionaries({name: st.booleans() for name in MODIFIERS})


def band(**facts):
    return caroc(**{"sex": "female", "age_years": 65, "t_femoral_neck": -1.0, **facts}).band


@pytest.mark.parametrize(("age", "f_low", "f_high", "m_low", "m_high"), ROWS)
def test_printed_rows(age, f_low, f_high, m_low, m_high):
    for sex, low, high in (("female", f_low, f_high), ("male", m_low, m_high)):
        for t, expected in (
            (low + 0.01, "low"),
            (low, "moderate"),
            (high, "moderate"),
            (high - 0.01, "high"),
        ):
            assert band(sex=sex, age_years=age, t_femoral_neck=t) == expected, (sex, t)


def test_straight_between_the_rows_and_flat_above_85():
    """At 62.5 years a woman's first cut lies half way between -2.3 and -1.9."""
    assert band(age_years=62.5, t_femoral_neck=-2.1) == "moderate"
    assert band(age_years=62.5, t_femoral_neck=-2.09) == "low"
    assert band(age_years=97, t_femoral_neck=0.1) == "moderate"
    assert band(age_years=97, t_femoral_neck=0.11) == "low"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "low"),
        ({"fragility_fracture": True}, "moderate"),
        ({"glucocorticoid_3_months": True}, "moderate"),
        ({"fragility_fracture": True, "glucocorticoid_3_months": True}, "high"),
        ({"hip_or_vertebral_fracture": True}, "high"),
        ({"several_fragility_fractures": True}, "high"),
        ({"t_lumbar": -2.5}, "moderate"),
        ({"t_total_hip": -2.5}, "moderate"),
        ({"t_lumbar": -2.49, "t_total_hip": -2.4}, "low"),
        ({"t_femoral_neck": -2.0, "fragility_fracture": True}, "high"),
        ({"t_femoral_neck": -4.0, "glucocorticoid_3_months": True}, "high"),
        ({"t_lumbar": -3.0, "fragility_fracture": True}, "moderate"),
    ],
)
def test_modifiers(facts, expected):
    assert band(**facts) == expected


@given(sex=SEXES, age=AGES, t=T, lumbar=st.floats(-6, -2.5), facts=ANSWERS)
def test_never_low_with_a_lumbar_t_of_minus_2_5(sex, age, t, lumbar, facts):
    found = caroc(sex=sex, age_years=age, t_femoral_neck=t, t_lumbar=lumbar, **facts)
    assert found.band in BANDS[1:]


@given(sex=SEXES, age=AGES, t=T, lower=st.floats(0, 3), facts=ANSWERS, turned=st.sampled_from(MODIFIERS))
def test_more_risk_never_lowers_the_class(sex, age, t, lower, facts, turned):
    here = caroc_class(sex=[sex], age_years=age, t_femoral_neck=t, **facts)[0]
    more = caroc_class(sex=[sex], age_years=age, t_femoral_neck=t - lower, **{**facts, turned: True})[0]
    assert more >= here


@given(age=AGES, older=st.floats(0, 20), t=T)
def test_a_womans_class_never_falls_with_age(age, older, t):
    here, later = caroc_class(sex=["female"] * 2, age_years=[age, age + older], t_femoral_neck=t)
    assert later >= here


def test_what_is_not_told_counts_as_no_and_is_listed():
    silent = caroc(sex="male", age_years=70, t_femoral_neck=-2.0)
    assert set(silent.missing) == {*MODIFIERS, "t_lumbar", "t_total_hip"} and silent.band == "low"
    assert "missing_counted_as_no" in silent.notes
    told = caroc(
        sex="male", age_years=70, t_femoral_neck=-2.0, t_lumbar=-1, t_total_hip=-1, **dict.fromkeys(MODIFIERS, False)
    )  # fmt: skip
    assert told.missing == () and "missing_counted_as_no" not in told.notes and told.band == "low"


def test_refused_and_unknown():
    assert caroc(sex="female", age_years=70, t_femoral_neck=None).band == "unknown"
    with pytest.raises(OutOfScope):
        caroc(sex="female", age_years=49, t_femoral_neck=-1)
    with pytest.raises(InputError):
        caroc(sex="other", age_years=60, t_femoral_neck=-1)
    rows = caroc_class(sex=["female", None, "male"], age_years=[49, 60, 60], t_femoral_neck=[-1, -1, np.nan])
    assert np.isnan(rows).all()
