"""ORAI, OSIRIS, SCORE, ABONE, SOF FRACTURE Index: printed points, cut-offs at their boundaries, laws, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.care.scores import published as points_file
from osteon.care.scores.abone import abone, abone_points
from osteon.care.scores.orai import orai, orai_points
from osteon.care.scores.osiris import osiris, osiris_points
from osteon.care.scores.published import CONFIDENCE, flags, published
from osteon.care.scores.score import score, score_points
from osteon.care.scores.sof_index import sof_hip_risk_5y, sof_index, sof_points
from osteon.core.errors import ConfigError, InputError, OutOfScope, UnitError

AGES = st.floats(45, 100)
WEIGHTS = st.floats(30, 150)
NO_SOF = dict.fromkeys(("fracture_after_50", "mother_hip_fracture", "smoking_current", "arms_to_stand"), 0)
NO_SCORE = dict.fromkeys(
    ("black", "rheumatoid_arthritis", "fracture_hip", "fracture_wrist", "fracture_rib"), 0
)


# ------------------------------------------------------------------------------------------------------------ ORAI


@pytest.mark.parametrize(
    ("age", "weight", "oestrogen", "points"),
    [
        (75, 59.9, 0, 26),
        (75, 60, 0, 20),
        (74.9, 69.9, 0, 14),
        (65, 70, 1, 9),
        (64.9, 70, 1, 5),
        (55, 70, 0, 7),
        (54.9, 70, 0, 2),
        (45, 80, 1, 0),
        (54, 59, 1, 9),
    ],
)
def test_orai_points(age, weight, oestrogen, points):
    assert orai_points(age_years=age, weight_kg=weight, oestrogen_current=oestrogen) == points


@pytest.mark.parametrize(("age", "weight", "refer"), [(65, 70, True), (64, 69, False), (54, 59, True)])
def test_orai_refers_from_nine(age, weight, refer):
    """9, 8 and 9 points."""
    assert orai(age_years=age, weight_kg=weight, oestrogen_current=True).refer is refer


def test_orai_is_for_45_and_over():
    assert np.isnan(orai_points(age_years=44, weight_kg=60, oestrogen_current=0))
    with pytest.raises(OutOfScope):
        orai(age_years=44, weight_kg=60, oestrogen_current=False)


@given(age=AGES, weight=WEIGHTS, older=st.floats(0, 30), lighter=st.floats(0, 20))
def test_orai_rises_with_age_and_with_less_weight(age, weight, older, lighter):
    here = orai_points(age_years=age, weight_kg=weight, oestrogen_current=1)
    assert 0 <= here <= 24
    there = orai_points(age_years=age + older, weight_kg=weight - lighter, oestrogen_current=1)
    assert there >= here
    assert orai_points(age_years=age, weight_kg=weight, oestrogen_current=0) == here + 2


# ---------------------------------------------------------------------------------------------------------- OSIRIS


@pytest.mark.parametrize(
    ("weight", "age", "hormone", "fracture", "points"),
    [(70, 60, 0, 0, 2), (69, 60, 0, 0, 1), (70, 64, 0, 0, 2), (59, 79, 0, 1, -6), (59, 79, 1, 1, -4), (59, 79, 1, 0, -2)],
)  # fmt: skip
def test_osiris_truncates_weight_and_age_apart(weight, age, hormone, fracture, points):
    found = osiris_points(
        age_years=age, weight_kg=weight, hormone_therapy_current=hormone, fracture_low_impact=fracture
    )
    assert found == points


@pytest.mark.parametrize(
    ("points", "sedrani", "cliot", "refer"),
    [
        (4, "low", "low", False),
        (3, "low", "moderate", False),
        (1, "moderate", "moderate", False),
        (0, "moderate", "high", True),
        (-3, "moderate", "high", True),
        (-4, "high", "high", True),
    ],
)
def test_osiris_bands_of_both_publications(points, sedrani, cliot, refer):
    person = {
        "age_years": 60,
        "weight_kg": 60 + 5 * points,
        "hormone_therapy_current": False,
        "fracture_low_impact": False,
    }
    for bands, band in (("sedrani", sedrani), ("cliot", cliot)):
        found = osiris(**person, bands=bands)
        assert (found.value, found.band, found.refer) == (points, band, refer)
        assert f"bands:{bands}" in found.notes
    with pytest.raises(ConfigError):
        osiris(**person, bands="other")


# ----------------------------------------------------------------------------------------------------------- SCORE


@pytest.mark.parametrize(
    ("change", "points"),
    [
        ({}, 5 + 18 + 1 - 15),
        ({"black": 1}, 18 + 1 - 15),
        ({"rheumatoid_arthritis": 1}, 13),
        ({"fracture_hip": 1, "fracture_wrist": 1, "fracture_rib": 1}, 9 + 12),
        ({"oestrogen_ever": 1}, 8),
        ({"age_years": 69.9}, 9),
        ({"age_years": 70}, 12),
        ({"weight_kg": 72.5}, 9),
        ({"weight_kg": 72.6}, 8),
    ],
)
def test_score_points(change, points):
    """68.5 kg are 151.0 lb (15 tens); 72.6 kg are 160.06 lb (16 tens)."""
    person = {"age_years": 62, "weight_kg": 68.5, "oestrogen_ever": 0, **NO_SCORE}
    assert score_points(**{**person, **change}) == points


@pytest.mark.parametrize(("weight", "value", "refer"), [(69, 6, True), (73, 5, False)])
def test_score_refers_from_six(weight, value, refer):
    found = score(age_years=51, weight_kg=weight, oestrogen_ever=False, **dict.fromkeys(NO_SCORE, False))
    assert (found.value, found.refer, found.tool) == (value, refer, "score")


# ----------------------------------------------------------------------------------------------------------- ABONE


@pytest.mark.parametrize(
    ("age", "weight", "oestrogen", "points", "refer"),
    [(65, 63.5, True, 0, False), (66, 63.5, True, 1, False), (66, 63.4, True, 2, True), (66, 63.4, False, 3, True)],
)  # fmt: skip
def test_abone(age, weight, oestrogen, points, refer):
    found = abone(age_years=age, weight_kg=weight, oestrogen_6_months_ever=oestrogen)
    assert (found.value, found.refer) == (points, refer)
    assert np.isnan(abone_points(age_years=np.nan, weight_kg=60, oestrogen_6_months_ever=0))


# ------------------------------------------------------------------------------------------------------------- SOF


@pytest.mark.parametrize(("age", "points"), [(65, 1), (70, 2), (75, 3), (80, 4), (85, 5), (99, 5), (69.9, 1)])
def test_sof_age_points(age, points):
    assert sof_points(age_years=age, weight_kg=70, **NO_SOF) == points


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({"fracture_after_50": 1}, 1),
        ({"mother_hip_fracture": 1}, 1),
        ({"smoking_current": 1}, 1),
        ({"arms_to_stand": 1}, 2),
        ({"weight_kg": 57}, 1),
        ({"weight_kg": 57.1}, 0),
    ],
)
def test_sof_factor_points(change, more):
    assert sof_points(**{"age_years": 65, "weight_kg": 70, **NO_SOF, **change}) == 1 + more


@pytest.mark.parametrize(
    ("t", "points"), [(0, 0), (-1.0, 0), (-1.01, 2), (-2.0, 2), (-2.01, 3), (-2.5, 3), (-2.51, 4)]
)
def test_sof_t_points_at_their_boundaries(t, points):
    assert sof_points(age_years=65, weight_kg=70, t_total_hip=t, **NO_SOF) == 1 + points


def test_sof_largest_scores():
    yes = dict.fromkeys(NO_SOF, 1)
    assert sof_points(age_years=90, weight_kg=50, **yes) == published("sof_index")["largest_without_bmd"]
    with_bmd = sof_points(age_years=90, weight_kg=50, t_total_hip=-4, **yes)
    assert with_bmd == published("sof_index")["largest_with_bmd"]


@pytest.mark.parametrize(
    ("points", "percent"),
    [(1, 0.4), (2, 0.4), (3, 0.9), (4, 0.9), (5, 1.9), (6, 3.9), (7, 3.9), (8, 8.7), (13, 8.7)],
)
def test_sof_printed_risks(points, percent):
    risk = sof_hip_risk_5y(points)
    assert risk.value == pytest.approx(percent / 100) and risk.horizon_years == 5


@pytest.mark.parametrize("points", [0, 14, 15])
def test_sof_risk_is_not_carried_beyond_the_printed_rows(points):
    with pytest.raises(InputError, match="1 to 13"):
        sof_hip_risk_5y(points)


def test_sof_bands():
    person = {"age_years": 85, "weight_kg": 50, **dict.fromkeys(NO_SOF, True)}
    assert sof_index(**person).band == "without_bmd"
    assert sof_index(**person, t_total_hip=-1.5).band == "8_13_points"
    assert sof_index(**person, t_total_hip=-3).band == "beyond_printed_points"
    with pytest.raises(OutOfScope):
        sof_index(**{**person, "age_years": 64})
    unsure = sof_index(**{**person, "arms_to_stand": None}, t_total_hip=-3)
    assert (unsure.value, unsure.band, unsure.missing) == (None, "unknown", ("arms_to_stand",))


@given(
    age=st.floats(65, 100),
    weight=WEIGHTS,
    t=st.floats(-5, 3),
    lower=st.floats(0, 3),
    known=st.lists(st.integers(0, 1), min_size=4, max_size=4),
    turned=st.integers(0, 3),
)
def test_sof_never_falls_with_more_risk(age, weight, t, lower, known, turned):
    facts = dict(zip(NO_SOF, known, strict=True))
    more = {**facts, list(NO_SOF)[turned]: 1}
    here = sof_points(age_years=age, weight_kg=weight, t_total_hip=t, **facts)
    assert 1 <= here <= 15
    assert sof_points(age_years=age, weight_kg=weight, t_total_hip=t - lower, **more) >= here


# ----------------------------------------------------------------------------------------------------- common rules


@pytest.mark.parametrize(
    ("tool", "inputs"),
    [
        (orai, {"age_years": 70, "weight_kg": 60, "oestrogen_current": False}),
        (osiris, {"age_years": 70, "weight_kg": 60, "hormone_therapy_current": False, "fracture_low_impact": True}),
        (score, {"age_years": 70, "weight_kg": 60, "oestrogen_ever": False, **dict.fromkeys(NO_SCORE, False)}),
        (abone, {"age_years": 70, "weight_kg": 60, "oestrogen_6_months_ever": False}),
        (sof_index, {"age_years": 70, "weight_kg": 60, **dict.fromkeys(NO_SOF, False)}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_a_missing_input_is_unknown_not_no(tool, inputs):
    assert tool(**inputs).value is not None
    for name in inputs:
        found = tool(**{**inputs, name: None})
        assert (found.value, found.band, found.refer, found.missing) == (None, "unknown", None, (name,))


def test_answers_and_units_are_checked():
    with pytest.raises(InputError):
        flags("x", [0, 2])
    for name in ("age_years", "weight_kg"):
        with pytest.raises(UnitError):
            orai_points(**{"age_years": 60, "weight_kg": 60, "oestrogen_current": 0, name: 0})


def test_every_entry_has_a_source_and_says_whether_it_is_verified():
    for tool, entry in points_file._entries().items():
        assert entry.source and entry.confidence in CONFIDENCE, tool
        assert ("cut_off_unverified" in entry.notes) == (not (entry.verified_by and entry.verified_on))
    with pytest.raises(ConfigError, match="Known"):
        published("frax_imitation")
