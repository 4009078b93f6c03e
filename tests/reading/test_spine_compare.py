"""Two readings of one spine: what counts as a change, and what does not."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from osteon.domain.spine import (
    Genant,
    HeightLoss,
    Heights,
    PosteriorWall,
    ScanFacts,
    SpineReading,
    VertebraFinding,
)
from osteon.reading.spine_compare import compare_readings
from osteon.reading.spine_rules import rules

SCAN = ScanFacts(source="x", shape=(10, 10, 10), spacing_mm=(1.0, 1.0, 1.0))


def vertebra(loss, *, middle=0.0, posterior=0.0, se=0.01, level="L1", **changes):
    """A vertebra that has lost these shares of its heights; called from a fifth."""
    lost = {"anterior": loss, "middle": middle, "posterior": posterior}
    heights = Heights(**{site: 25 * (1 - share) for site, share in lost.items()})
    called = max(lost.values()) >= 0.2
    return replace(VertebraFinding(
        level=level, level_confidence=0.99, evaluable=True, centroid_lps_mm=(0.0, 0.0, 0.0), heights_mm=heights,
        height_loss=HeightLoss(**lost, se=se, self_loss=loss, reference_from=("L2",),
                               reference_mm=Heights(anterior=25.0, middle=25.0, posterior=25.0)),
        fractured=called, genant=Genant(grade=int(called), type="wedge" if called else "none", operating_point=0.2),
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


def test_a_loss_is_compared_at_every_site():
    """Biconcave both times, and the front has given way since: the site that has lost most now has not changed."""
    found = compare_readings(spine(vertebra(0.29, middle=0.31)), spine(vertebra(0.06, middle=0.33)))[0]
    assert (found.change, found.site) == ("progressed", "anterior")
    assert (found.loss_before, found.loss_now) == (0.06, 0.29)
    assert (found.heights_before_mm.anterior, found.heights_now_mm.anterior) == pytest.approx((23.5, 17.75))


@given(losses=st.lists(st.floats(0, 0.7), min_size=6, max_size=6))
def test_the_verdict_does_not_hang_on_which_site_moved(losses):
    sites = ("loss", "middle", "posterior")
    turns = (sites, sites[1:] + sites[:1], sites[2:] + sites[:2])
    now, before = (
        [vertebra(**dict(zip(turn, part, strict=True))) for turn in turns]
        for part in (losses[:3], losses[3:])
    )
    assert len({change(a, b) for a, b in zip(now, before, strict=True)}) == 1


def test_the_limit_holds_for_the_three_sites_together():
    """Bonferroni: an unchanged level seems changed at any of its sites, in either direction, in no more than 5 %."""
    assert rules("compare")["sigma"] == pytest.approx(norm.isf(0.05 / 6), abs=0.005)


CEMENTED = {"evaluable": False, "not_evaluable": ("cement",), "contents": ("cement",), "height_loss": None, "fractured": None,
            "genant": None}  # fmt: skip


@pytest.mark.parametrize(("before", "found", "verdict"), [
    (vertebra(0.3), CEMENTED, "treated"), (vertebra(0.3), CEMENTED | {"contents": ("screw",)}, "treated"),
    (vertebra(0.3), CEMENTED | {"contents": ("metal",)}, "not_comparable"), (vertebra(0.1), CEMENTED, "not_comparable"),
    (vertebra(0.3, **CEMENTED), CEMENTED, "not_comparable"),
])  # fmt: skip
def test_a_known_fracture_that_holds_cement_now_was_treated(before, found, verdict):
    made = compare_readings(spine(vertebra(0.2, **found)), spine(before))[0]
    assert made.change == verdict
    assert made.fractured_before == before.fractured
    assert made.heights_now_mm.anterior == 20.0  # measured, though not graded


def test_a_change_of_grade_and_a_new_bulge_are_told_beside_the_verdict():
    graver = {"genant": Genant(grade=2, type="wedge", operating_point=0.2)}
    flat, out = (PosteriorWall(convexity_mm=mm, canal_area_ratio=1.0, involved=mm > 1) for mm in (0.0, 3.0))
    now, before = vertebra(0.26, posterior_wall=out, **graver), vertebra(0.24, posterior_wall=flat)
    found = compare_readings(spine(now), spine(before))[0]
    assert (found.change, found.grade_before, found.grade_now, found.wall_new) == ("unchanged", 1, 2, True)
    assert not compare_readings(spine(now), spine(now))[0].wall_new
    assert not compare_readings(spine(now), spine(replace(before, posterior_wall=None)))[0].wall_new


@pytest.mark.parametrize(("now", "before", "verdict"), [
    (("one_sided",), (), "not_comparable"), ((), ("one_sided",), "not_comparable"), (("one_sided",), ("one_sided",), "new"),
])  # fmt: skip
def test_losses_of_a_side_and_of_the_middle_are_not_compared(now, before, verdict):
    sides = {"heights_parasagittal_mm": Heights(anterior=16.0, middle=23.0, posterior=25.0)}
    assert change(vertebra(0.36, notes=now, **sides), vertebra(0.05, notes=before, **sides)) == verdict


def test_a_loss_that_grew_beyond_the_error_is_never_unchanged():
    before, now = vertebra(0.008, se=0.041), vertebra(0.18, se=0.041)
    found = compare_readings(spine(now), spine(before))[0]
    assert found.error == pytest.approx(2.39 * 0.041 * math.sqrt(2), abs=1e-3)
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
