"""Who speaks for a spine: what is broken does not, however many they are; and a spine broken as a whole is not called sound."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.domain.spine import Heights, ScanFacts
from osteon.imaging.measure.endplate import EndplateSigns
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.reading.spine_findings import _broken_by_themselves, findings
from osteon.reading.spine_genant import genant
from osteon.reading.spine_reference import height_losses
from osteon.reading.spine_rules import level_place, norm_height_over_footprint, norm_heights
from osteon.report.spine_ct_headline import headline
from osteon.report.words import words
from osteon.synth.spine_ct import PlannedFracture, phantom

LEVELS = ("T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")
SITES = ("anterior", "middle", "posterior")


def spine(levels=LEVELS, *, size=27.0, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return {
        k: Heights(**{s: size * getattr(norm_heights(k), s) * float(np.exp(rng.normal(0, noise))) for s in SITES})
        for k in levels
    }  # fmt: skip


def footprints(levels=LEVELS, *, size=27.0, stout=1.0):
    """What goes with bodies of this size; ``stout``: broader than the average person's of that height."""
    return {k: stout * size * norm_heights(k).posterior / norm_height_over_footprint(k) for k in levels}


def crushed(heights, levels, share):
    return {
        k: Heights(**{s: getattr(h, s) * (1 - share if k in levels else 1.0) for s in SITES})
        for k, h in heights.items()
    }


def losses(heights, *, broken=(), **more):
    return height_losses(heights, se_mm=dict.fromkeys(heights, 0.3), broken=frozenset(broken), **more)


@pytest.mark.parametrize("sound", [1, 2, 3, 4])
def test_the_few_whole_bodies_are_the_yardstick_where_most_are_broken(sound):
    whole = LEVELS[2 : 2 + 2 * sound : 2]
    broken = tuple(k for k in LEVELS if k not in whole)
    found = losses(crushed(spine(noise=0.01), broken, 0.32), broken=broken, footprint_mm=footprints())
    for level in LEVELS:
        near = min(abs(level_place(level) - level_place(k)) for k in whole if k != level) if sound > 1 else 0
        if found[level].reference == "neighbours" and near <= 5:
            assert found[level].largest == pytest.approx(0.32 if level in broken else 0.0, abs=0.07)
            assert set(found[level].reference_from) <= set(whole)


@pytest.mark.parametrize("share", [0.3, 0.4, 0.5])
def test_a_spine_broken_as_a_whole_is_told_by_the_size_of_its_endplates(share):
    found = losses(crushed(spine(), LEVELS, share), footprint_mm=footprints())
    for loss in found.values():
        assert (loss.reference, loss.trusted) == ("build", False)
        assert loss.largest == pytest.approx(share, abs=0.01) and genant(loss).grade >= 1
    unseen = losses(crushed(spine(), LEVELS, share))
    assert all(
        loss.trusted and abs(loss.largest) < 0.01 for loss in unseen.values()
    )  # what it is there to prevent


@pytest.mark.parametrize("stout", [0.85, 0.95, 1.05, 1.18])
def test_people_of_unusual_build_keep_their_neighbours(stout):
    found = losses(spine(noise=0.015), footprint_mm=footprints(stout=stout))
    assert all(loss.trusted and loss.reference == "neighbours" for loss in found.values())
    assert all(genant(loss).grade == 0 for loss in found.values())


def test_more_broken_endplates_without_a_loss_than_whole_ones_are_a_contradiction():
    tall = footprints(
        stout=0.8
    )  # so broad for their height before that a quarter lost looks like the average person
    heights = crushed(spine(noise=0.01), LEVELS, 0.25)
    seven = set(LEVELS) - {"T9", "L4"}
    assert all(not loss.trusted for loss in losses(heights, broken=seven, footprint_mm=tall).values())
    one = losses(
        spine(noise=0.01), broken={"L1"}, footprint_mm=tall
    )  # the early fracture of one body is none
    assert all(loss.trusted for loss in one.values()) and "L1" not in one["L2"].reference_from


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.sampled_from(LEVELS)), st.floats(0.0, 0.6), st.floats(0.5, 2.0), st.integers(0, 30), st.booleans()
)  # fmt: skip
def test_losses_are_free_of_scale_and_broken_bodies_never_speak(levels, share, scale, seed, seen):
    heights = crushed(spine(noise=0.015, seed=seed), levels, share)
    marked = levels if seen else ()
    first = losses(heights, broken=marked, footprint_mm=footprints())
    larger = {k: Heights(**{s: scale * getattr(h, s) for s in SITES}) for k, h in heights.items()}
    again = height_losses(
        larger,
        se_mm=dict.fromkeys(larger, 0.3 * scale),
        broken=frozenset(marked),
        footprint_mm={k: scale * f for k, f in footprints().items()},
    )
    for level in LEVELS:
        assert again[level].largest == pytest.approx(first[level].largest, abs=1e-6)
        assert again[level].trusted == first[level].trusted
        assert not set(first[level].reference_from) & set(marked)


def read(levels_broken, *, keep=("L1", "L2", "L3", "L4", "L5"), loss=0.32):
    """A SIMULATED lumbar spine with true labels, of which only the levels ``keep`` are labelled."""
    planned = tuple(
        PlannedFracture(level=k, kind="crush", loss=loss, denis="ABC"[n % 3], fresh=n % 2 == 0)
        for n, k in enumerate(levels_broken)
    )
    scan = phantom(8_100_041, fov="lumbar", fractures=planned, variant="")
    truth = scan.labels
    codes = {v.level: v.code for v in scan.anatomy.vertebrae}
    labels = SpineLabels(
        vertebrae=truth.vertebrae, bodies=truth.bodies, tissue=truth.tissue, backend="truth", version="0",
        levels=tuple(LevelLabel(code=codes[k], level=k, confidence=0.99, cropped=False) for k in keep), anchored_by=("sacrum",),
    )  # fmt: skip
    facts = ScanFacts(source="", shape=truth.bodies.array.shape, spacing_mm=truth.bodies.spacing_mm, kvp=120.0, contrast="none")  # fmt: skip
    return findings(scan.volume, labels, scan=facts)


@pytest.mark.parametrize("broken", [("L1", "L2", "L4", "L5"), ("L1", "L2", "L3", "L4", "L5")])
def test_a_lumbar_spine_most_of_which_is_crushed_is_never_surely_sound(broken):
    reading = read(broken)
    for v in reading.vertebrae:
        if v.level in broken:
            assert v.fractured is not False or v.confidence < 0.9
    assert any(v.level in broken and v.fractured for v in reading.vertebrae)
    assert reading.hu_l1 is None and not set(reading.hu_mean_of) & set(broken)
    assert "No vertebral fracture" not in words("en").say(headline(reading, None))


def test_a_lone_crushed_vertebra_is_not_called_sound():
    alone = read(("L3",), keep=("L3",), loss=0.42).at("L3")
    assert alone.fractured is not False and (alone.confidence is None or alone.confidence < 0.9)
    whole = read((), keep=("L3",)).at("L3")
    assert whole.fractured is False and whole.confidence < 0.9 and "reference_own_height" in whole.notes


def seen_endplates(gaps):
    """A spine whose endplates lack a cortex over these shares, two a body, and show nothing else."""
    signs = [
        EndplateSigns(depression_mm=1.0, depth_share=0.5, focality=0.5, discontinuity=gap, band_hu=0.0, tilt_deg=0.0)
        for gap in gaps
    ]  # fmt: skip
    return {
        level: SimpleNamespace(box=SimpleNamespace(voxel_mm=1.25), signs=signs[2 * n : 2 * n + 2])
        for n, level in enumerate(LEVELS)
    }


@pytest.mark.parametrize("poor", [0.0, 0.05, 0.1])
def test_a_cortex_poorly_seen_everywhere_breaks_nobody_and_hides_no_break(poor):
    """Whole endplates of a noisy scan lack up to twice what its better ones lack; a break lacks a third and more."""
    gaps = np.resize([0.5 * poor, poor, 2 * poor], 18)
    assert not _broken_by_themselves(seen_endplates(gaps))
    gaps[6] = 0.4
    assert _broken_by_themselves(seen_endplates(gaps)) == {"T12"}


def test_a_spine_all_of_whose_endplates_are_broken_is_not_taken_for_a_noisy_one():
    assert _broken_by_themselves(seen_endplates(np.resize([0.35, 0.5], 18))) == set(LEVELS)
