"""The plan: who reads what when, a consensus that has not seen the marks, and readers who make up for cases."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.config import override
from osteon.studies.ovcf_config import Config, configured
from osteon.studies.ovcf_design import planned, schedule, schedule_csv

QUICK = configured("planted")


def test_the_schedule_keeps_what_it_promises():
    config = Config()
    slots = [slot for slot in schedule(config, 3) if not slot.training and slot.reader != "consensus"]
    assert schedule(config, 3) == schedule(config, 3) != schedule(config, 4)
    first = {(s.reader, s.case): s for s in slots if s.session == 1}
    second = {(s.reader, s.case): s for s in slots if s.session == 2}
    assert first.keys() == second.keys()
    assert len(first) == 2 * 220
    for key, slot in first.items():
        assert {slot.arm, second[key].arm} == {"ct", "ct_ai"}
        assert second[key].day - slot.day >= config.protocol.washout_days
    for reader in config.protocol.readers:
        assert sum(s.arm == "ct_ai" for s in first.values() if s.reader == reader) == 110
    assert [s.case for s in first.values() if s.reader == "R1"] != [
        s.case for s in first.values() if s.reader == "R2"
    ]


def test_first_and_concurrent_differ_from_second_in_the_schedule():
    plans = {
        role: schedule(override(Config(), {"protocol": {"ai_role": role}}), 3)
        for role in ("first", "concurrent", "second")
    }
    assert len({schedule_csv(slots) for slots in plans.values()}) == 3
    for role, step in (
        ("first", "marks_from_start"),
        ("concurrent", "marks_on_demand"),
        ("second", "marks_after_lock"),
    ):
        assert {s.step for s in plans[role]} == {"unaided", step}
        assert {s.arm for s in plans[role] if s.step == step} == {"ct_ai"}
    own = [s for s in plans["second"] if not s.training and s.reader != "consensus"]
    for unaided, aided in zip(own[::2], own[1::2], strict=True):  # one slot, two steps, in this order
        assert (unaided.step, aided.step) == ("unaided", "marks_after_lock")
        assert (unaided.case, unaided.day, unaided.order, unaided.session) == (
            aided.case,
            aided.day,
            aided.order,
            aided.session,
        )
    assert len(own) == 2 * 2 * 220
    assert max(s.day for s in own) < 28  # no washout


PROTOCOLS = st.fixed_dictionaries({
    "cases": st.integers(4, 60), "cases_per_session": st.integers(1, 25), "washout_days": st.integers(0, 40),
    "readers": st.sampled_from([["R1"], ["R1", "R2"], ["A", "B", "C"]]), "training_cases": st.just(0),
    "consensus_cases": st.sampled_from(["all", "disagreements"]), "ai_role": st.sampled_from(["first", "concurrent"]),
})  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(PROTOCOLS, st.integers(0, 99))
def test_nobody_knows_the_marks_when_a_consensus_on_ct_alone_is_settled(protocol, seed):
    """No one has seen them on that case, or a washout lies between; the same holds the other way round."""
    config = override(Config(), {"protocol": protocol})
    slots = schedule(config, seed)
    seen = {}
    for slot in slots:
        seen.setdefault((slot.case, slot.arm), []).append(slot.day)
    for slot in (s for s in slots if s.reader == "consensus"):
        other = "ct" if slot.arm == "ct_ai" else "ct_ai"
        earlier = [day for day in seen[slot.case, other] if day <= slot.day]
        assert all(slot.day - day >= config.protocol.washout_days for day in earlier)
        own = [s.day for s in slots if (s.case, s.arm) == (slot.case, slot.arm) and s.reader != "consensus"]
        assert len(own) == len(config.protocol.readers)
        assert max(own) < slot.day  # the readers' own calls are made before they talk


@settings(max_examples=20, deadline=None)
@given(PROTOCOLS)
def test_a_consensus_goes_with_one_draw_of_halves_for_all_readers(protocol):
    def first_with_ai(slots):
        readers = {s.reader for s in slots if s.reader != "consensus"}
        return {
            frozenset(s.case for s in slots if (s.reader, s.session, s.arm) == (r, 1, "ct_ai"))
            for r in readers
        }

    halves = first_with_ai(schedule(override(Config(), {"protocol": protocol}), 1))
    assert [len(half) for half in halves] == [protocol["cases"] // 2]


def test_without_a_consensus_each_reader_has_halves_of_his_own():
    slots = schedule(override(Config(), {"protocol": {"consensus": False}}), 3)
    assert {s.reader for s in slots} == {"R1", "R2"}
    one, other = (
        {s.case for s in slots if (s.reader, s.session, s.arm) == (r, 1, "ct_ai")} for r in ("R1", "R2")
    )
    assert one != other


@pytest.mark.parametrize("role", ["first", "second"])
def test_training_and_consensus_go_through_both_arms(role):
    config = override(Config(), {"protocol": {"ai_role": role}})
    slots = schedule(config, 3)
    training = {(s.reader, s.case, s.arm) for s in slots if s.training}
    assert len(training) == 2 * 10 * 2
    agreed = [s for s in slots if s.reader == "consensus"]
    assert {(s.case, s.arm) for s in agreed} == {
        (s.case, s.arm) for s in slots if not s.training and s.reader == "R1"
    }
    assert not any(s.if_readers_differ for s in agreed)
    some = schedule(override(config, {"protocol": {"consensus_cases": "disagreements"}}), 3)
    assert all(s.if_readers_differ for s in some if s.reader == "consensus")


@pytest.mark.slow
def test_a_plan_with_more_readers_needs_fewer_cases():
    plan = planned(QUICK, 1)
    needed = [found.cases for found in plan.needed.values() if found]
    assert needed == sorted(needed, reverse=True)
    assert plan.at_size.power < 0.8  # two readers are too few for a claim about readers
