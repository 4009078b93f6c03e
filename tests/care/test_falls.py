"""Falls and function tests at their cut-offs; the World Falls algorithm; what one answer makes of it."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.care.scores.fall_risk import FallFacts, fall_risk_score, world_falls
from osteon.care.scores.falls import (
    five_chair_stands,
    four_stage_balance,
    gait_speed,
    grip_strength,
    single_leg_stance,
    steadi,
    thirty_second_chair_stands,
    timed_up_and_go,
)
from osteon.core.errors import InputError, OutOfScope, UnitError

MILD = {"injury": False, "lay_on_floor": False, "lost_consciousness": False, "frailty": False}
ORDER = ("low", "intermediate", "high")


def cuts(score):
    return {note.removeprefix("cut:") for note in score.notes if note.startswith("cut:")}


@pytest.mark.parametrize(
    ("seconds", "crossed"),
    [
        (11.9, set()),
        (12, {"steadi"}),
        (13.5, {"steadi", "community"}),
        (15, {"steadi", "community"}),
        (15.1, {"steadi", "community", "world_falls"}),
    ],
)
def test_timed_up_and_go(seconds, crossed):
    found = timed_up_and_go(seconds)
    assert cuts(found) == crossed and found.refer is bool(crossed) and found.unit == "s"


@pytest.mark.parametrize(
    ("age", "sex", "norm"),
    [
        (60, "male", 14), (64, "female", 12), (65, "male", 12), (69, "female", 11), (70, "male", 12), (74, "female", 10),
        (75, "male", 11), (79, "female", 10), (80, "male", 10), (84, "female", 9), (85, "male", 8), (89, "female", 8),
        (90, "male", 7), (94.9, "female", 4),
    ],
)  # fmt: skip
def test_thirty_second_chair_stand_norms(age, sex, norm):
    assert thirty_second_chair_stands(norm, age_years=age, sex=sex).refer is False
    assert thirty_second_chair_stands(norm - 1, age_years=age, sex=sex).refer is True


def test_chair_stand_with_arms_counts_as_none():
    found = thirty_second_chair_stands(20, age_years=70, sex="female", arms_used=True)
    assert found.value == 0 and found.refer is True and "arms_used_counts_as_0" in found.notes


@pytest.mark.parametrize("bad", [{"age_years": 59}, {"age_years": 95}])
def test_chair_stand_without_norm_is_refused(bad):
    with pytest.raises(OutOfScope):
        thirty_second_chair_stands(10, **{"age_years": 70, "sex": "male", **bad})


@pytest.mark.parametrize(
    ("score", "crossed"),
    [
        (five_chair_stands(11.9), set()),
        (five_chair_stands(12), {"awgs"}),
        (five_chair_stands(15), {"awgs"}),
        (five_chair_stands(15.1), {"awgs", "ewgsop2"}),
        (four_stage_balance(10), set()),
        (four_stage_balance(9.9), {"steadi"}),
        (single_leg_stance(5), set()),
        (single_leg_stance(4.9), {"injury"}),
        (gait_speed(1.0), set()),
        (gait_speed(0.81), {"awgs"}),
        (gait_speed(0.8), {"awgs", "world_falls"}),
        (grip_strength(28, sex="male"), set()),
        (grip_strength(27, sex="male"), {"awgs"}),
        (grip_strength(26.9, sex="male"), {"awgs", "ewgsop2"}),
        (grip_strength(18, sex="female"), set()),
        (grip_strength(16, sex="female"), {"awgs"}),
        (grip_strength(15.9, sex="female"), {"awgs", "ewgsop2"}),
    ],
)
def test_cut_offs_at_their_boundaries(score, crossed):
    assert cuts(score) == crossed and score.refer is bool(crossed)
    assert score.band == ("abnormal" if crossed else "normal")


def test_single_leg_stance_names_the_mortality_marker():
    assert "below_mortality_marker" in single_leg_stance(9.9).notes
    assert "below_mortality_marker" not in single_leg_stance(10).notes


@pytest.mark.parametrize(
    ("answers", "band"),
    [
        ({}, "unknown"),
        ({"unsteady": False, "worries": False}, "unknown"),
        ({"unsteady": False, "worries": False, "fell_12m": False}, "normal"),
        ({"worries": True}, "abnormal"),
        ({"stay_independent": 3}, "normal"),
        ({"stay_independent": 4}, "abnormal"),
        ({"stay_independent": 3, "fell_12m": True}, "abnormal"),
    ],
)
def test_steadi(answers, band):
    assert steadi(**answers).band == band


@pytest.mark.parametrize(
    "test",
    [
        timed_up_and_go(None), five_chair_stands(None), four_stage_balance(None), single_leg_stance(None), gait_speed(None),
        grip_strength(None, sex="male"), grip_strength(20, sex=None), thirty_second_chair_stands(None, age_years=70, sex="male"),
        thirty_second_chair_stands(8, age_years=None, sex="male"),
    ],
)  # fmt: skip
def test_not_made_is_unknown(test):
    assert (test.value, test.band, test.refer) == (None, "unknown", None) and len(test.missing) == 1


@pytest.mark.parametrize(
    ("facts", "band"),
    [
        ({"falls_12m": 0}, "low"),
        ({"falls_12m": 1, **MILD}, "unknown"),
        ({"falls_12m": 1, **MILD, "tug_s": 15}, "low"),
        ({"falls_12m": 1, **MILD, "tug_s": 15.1}, "intermediate"),
        ({"falls_12m": 1, **MILD, "gait_speed_m_s": 0.81}, "low"),
        ({"falls_12m": 1, **MILD, "gait_speed_m_s": 0.8}, "intermediate"),
        ({"falls_12m": 1, **MILD, "injury": True}, "high"),
        ({"falls_12m": 1, **MILD, "lay_on_floor": True}, "high"),
        ({"falls_12m": 1, **MILD, "lost_consciousness": True}, "high"),
        ({"falls_12m": 1, "frailty": True}, "high"),
        ({"falls_12m": 2}, "high"),
        ({"falls_12m": 1, "tug_s": 10}, "unknown"),
        ({}, "unknown"),
        ({"tug_s": 20}, "unknown"),
    ],
)
def test_world_falls_algorithm(facts, band):
    assert world_falls(FallFacts(**facts)).band == band


@pytest.mark.parametrize(
    ("facts", "band", "fired"),
    [
        ({}, "unknown", set()),
        ({"falls_12m": 0}, "low", set()),
        ({"falls_12m": 0, "gait_speed_m_s": 0.9, "chair_stand_5_s": 13}, "low", set()),
        ({"falls_12m": 0, "gait_speed_m_s": 0.8}, "intermediate", {"gait_speed"}),
        ({"falls_12m": 0, "tug_s": 12, "chair_stand_5_s": 16}, "intermediate", {"tug", "chair_stand_5"}),
        ({"single_leg_stance_s": 3}, "intermediate", {"single_leg_stance"}),
        ({"falls_12m": 0, "worries": True}, "intermediate", {"steadi"}),
        ({"falls_12m": 0, "tandem_stance_s": 4}, "intermediate", {"balance_4_stage"}),
        ({"falls_12m": 0, "chair_stand_30s_count": 5, "age_years": 70, "sex": "male"}, "intermediate", {"chair_stand_30s"}),
        ({"falls_12m": 0, "chair_stand_30s_count": 5, "age_years": 55, "sex": "male"}, "low", set()),
        ({"falls_12m": 1}, "intermediate", {"falls_12m"}),
        ({"falls_12m": 3, "tug_s": 9}, "high", {"falls_12m"}),
    ],
)  # fmt: skip
def test_one_answer_from_what_is_there(facts, band, fired):
    found = fall_risk_score(FallFacts(**facts))
    names = {note.removeprefix("fired:") for note in found.notes if note.startswith("fired:")}
    assert (found.band, names, found.tool) == (band, fired, "fall_risk")
    assert found.refer is (None if band == "unknown" else band != "low")
    known = {name for name, value in facts.items() if value is not None}
    assert set(found.missing) == {f.name for f in dataclasses.fields(FallFacts)} - known


def test_a_rule_of_this_library_is_marked_as_one():
    raised = fall_risk_score(FallFacts(falls_12m=0, tug_s=14))
    assert "house_rule:test_raises_to_intermediate" in raised.notes
    plain = fall_risk_score(FallFacts(falls_12m=2))
    assert not [note for note in plain.notes if note.startswith("house_rule")]


@given(
    n_falls=st.integers(0, 3),
    tug=st.floats(5, 30),
    speed=st.floats(0.2, 2),
    slower=st.floats(0, 10),
    frail=st.booleans(),
)
def test_worse_never_lowers_the_answer(n_falls, tug, speed, slower, frail):
    here = FallFacts(falls_12m=n_falls, tug_s=tug, gait_speed_m_s=speed, **{**MILD, "frailty": frail})
    worse = dataclasses.replace(here, falls_12m=n_falls + 1, tug_s=tug + slower, frailty=True)
    for answer in (world_falls, fall_risk_score):
        assert ORDER.index(answer(worse).band) >= ORDER.index(answer(here).band)


@pytest.mark.parametrize(
    "facts", [{"falls_12m": -1}, {"falls_12m": 0, "injury": True}, {"falls_12m": 0, "lay_on_floor": True}]
)
def test_contradictory_facts_are_refused(facts):
    with pytest.raises(InputError):
        FallFacts(**facts)


def test_impossible_values_are_refused():
    for refused in (lambda: timed_up_and_go(0), lambda: gait_speed(-1), lambda: five_chair_stands(0)):
        with pytest.raises(UnitError):
            refused()
    for refused in (
        lambda: single_leg_stance(-1), lambda: grip_strength(20, sex="x"), lambda: steadi(stay_independent=15),
        lambda: thirty_second_chair_stands(-1, age_years=70, sex="male"), lambda: thirty_second_chair_stands(5, age_years=70, sex="x"),
    ):  # fmt: skip
        with pytest.raises(InputError):
            refused()
