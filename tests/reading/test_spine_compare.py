"""Two readings of one spine: what counts as a change, and what does not."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.domain.spine import Genant, HeightLoss, Heights, ScanFacts, SpineReading, VertebraFinding
from osteon.reading.spine_compare import compare_readings
from osteon.reading.spine_rules import rules

SCAN = ScanFacts(source="x", shape=(10, 10, 10), spacing_mm=(1.0, 1.0, 1.0))


def vertebra(loss, *, se=0.01, level="L1", **changes):
    """A vertebra that has lost this share of its anterior height."""
    heights = Heights(anterior=25 * (1 - loss), middle=25.0, posterior=25.0)
    return replace(VertebraFinding(
        level=level, level_confidence=0.99, evaluable=True, centroid_lps_mm=(0.0, 0.0, 0.0), heights_mm=heights,
        height_loss=HeightLoss(anterior=loss, middle=0.0, posterior=0.0, se=se, self_loss=loss, reference_from=("L2",),
                               reference_mm=Heights(anterior=25.0, middle=25.0, posterior=25.0)),
        fractured=loss >= 0.2, genant=Genant(grade=int(loss >= 0.2), type="wedge" if loss >= 0.2 else "none", operating_point=0.2),
    ), **changes)  # fmt: skip


def spine(*vertebrae, anchored=True):
    return SpineReading(
        vertebrae=vertebrae,
        scan=SCAN,
        anchored=anchored,
        backend="x",
        backend_version="1",
        operating_point=0.2,
    )


def change(now, before):
    return compare_readings(spine(now), spine(before))[0].change


@pytest.mark.parametrize(("before", "now", "verdict"), [
    (0.02, 0.30, "new"), (0.25, 0.45, "progressed"), (0.30, 0.32, "unchanged"), (0.02, 0.05, "unchanged"),
    (0.19, 0.21, "within_error"), (0.21, 0.19, "within_error"), (0.45, 0.25, "regained"), (0.02, 0.15, "lower"),
    (0.15, 0.02, "regained"), (0.10, 0.15, "unchanged"),
])  # fmt: skip
def test_what_counts_as_a_change(before, now, verdict):
    assert change(vertebra(now), vertebra(before)) == verdict


def test_a_difference_below_the_measurement_error_is_none():
    assert change(vertebra(0.32, se=0.08), vertebra(0.12, se=0.08)) == "within_error"
    assert change(vertebra(0.32, se=0.02), vertebra(0.12, se=0.02)) == "new"


def test_the_error_is_the_larger_of_both_rules():
    rule = rules("compare")
    small, large = (
        compare_readings(spine(vertebra(0.3, se=se)), spine(vertebra(0.1, se=se)))[0].error
        for se in (0.001, 0.1)
    )
    assert small == rule["least_loss"]
    assert large == pytest.approx(rule["sigma"] * math.hypot(0.1, 0.1))


@pytest.mark.parametrize("other", [
    {"evaluable": False, "height_loss": None, "fractured": None}, {"red_flags": ("lytic_focus",), "fractured": None},
    {"level": "L2"},
])  # fmt: skip
def test_what_cannot_be_compared_is_not(other):
    assert change(vertebra(0.3), vertebra(0.1, **other)) == "not_comparable"


@pytest.mark.parametrize(("now", "before", "verdict"), [
    (("one_sided",), (), "not_comparable"), ((), ("one_sided",), "not_comparable"), (("one_sided",), ("one_sided",), "new"),
])  # fmt: skip
def test_losses_of_a_side_and_of_the_middle_are_not_compared(now, before, verdict):
    sides = {"heights_parasagittal_mm": Heights(anterior=16.0, middle=23.0, posterior=25.0)}
    assert change(vertebra(0.36, notes=now, **sides), vertebra(0.05, notes=before, **sides)) == verdict


def test_a_loss_that_grew_beyond_the_error_is_never_unchanged():
    before, now = vertebra(0.008, se=0.041), vertebra(0.18, se=0.041)
    found = compare_readings(spine(now), spine(before))[0]
    assert found.error == pytest.approx(0.1136, abs=1e-3)
    assert (found.change, now.fractured) == ("lower", False)


def test_unnamed_levels_are_not_compared():
    one = spine(vertebra(0.3))
    assert compare_readings(one, spine(vertebra(0.1), anchored=False)) == ()
    assert compare_readings(replace(one, anchored=False), one) == ()


@given(loss=st.floats(-0.1, 0.8), se=st.floats(0.001, 0.2))
def test_a_reading_has_not_changed_since_itself(loss, se):
    assert change(vertebra(loss, se=se), vertebra(loss, se=se)) == "unchanged"


@given(a=st.floats(0, 0.8), b=st.floats(0, 0.8), se=st.floats(0.001, 0.2))
def test_nothing_is_both_new_and_old(a, b, se):
    forth, back = (
        change(vertebra(a, se=se), vertebra(b, se=se)),
        change(vertebra(b, se=se), vertebra(a, se=se)),
    )
    assert not {forth, back} <= {"new", "progressed", "lower"}
    assert "regained" not in {forth, back} or {forth, back} & {"new", "progressed", "lower"}
