"""Corrections are new versions: the old one is untouched, provenance grows by a line, inverse operations undo."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import InputError, ShapeError
from osteon.domain.anatomy import Tissue, verse_of_level
from osteon.imaging.segment.correct import deleted, merged, pinned, renamed, shifted, split, with_mask
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.segment.quality import gated
from osteon.imaging.volume import Grid, LabelMap, Volume

NAMES = ("T11", "T12", "L1", "L2")


def spine(names=NAMES, codes=None, heights=None, anchored=("sacrum",)):
    """Blocks from the head down, 3 mm apart; the body is the front half of the vertebra."""
    codes = codes or [verse_of_level(name) for name in names]
    heights = heights or [10] * len(names)
    grid = Grid.regular((sum(heights) + 3 * len(names), 20, 10), (1.0, 1.0, 1.0))
    whole = np.zeros(grid.shape, np.uint8)
    z = grid.shape[0]
    for code, height in zip(codes, heights, strict=True):
        whole[z - height : z] = code
        z -= height + 3
    bodies = whole.copy()
    bodies[:, 10:] = 0
    tissue = np.where(bodies > 0, Tissue.BODY, np.where(whole > 0, Tissue.POSTERIOR, 0)).astype(np.uint8)
    levels = tuple(
        LevelLabel(code=c, level=n, confidence=0.7, alternatives=(("L3", 0.2),))
        for c, n in zip(codes, names, strict=True)
    )
    return SpineLabels(
        vertebrae=LabelMap(array=whole, affine=grid.affine), bodies=LabelMap(array=bodies, affine=grid.affine),
        tissue=LabelMap(array=tissue, affine=grid.affine), levels=levels, anchored_by=anchored, backend="test",
        version="1", provenance=("made",),
    )  # fmt: skip


def named(labels):
    return [x.level for x in labels.levels]


@given(st.integers(-6, 3))
def test_a_shift_is_undone_by_its_inverse(n):
    before = spine()
    kept = before.bodies.array.copy()
    back = shifted(shifted(before, n), -n)
    np.testing.assert_array_equal(back.bodies.array, kept)
    np.testing.assert_array_equal(before.bodies.array, kept)
    assert named(back) == list(NAMES) and len(back.provenance) == 3 and back.provenance[0] == "made"


def test_a_shift_moves_codes_and_names_together():
    after = shifted(spine(), 1, by="Dr. Li")
    assert named(after) == ["T12", "L1", "L2", "L3"] and after.vertebrae.present == (19, 20, 21, 22)
    assert after.provenance[-1] == "Dr. Li: levels shifted by +1" and after.anchored_by == ("sacrum", "user")
    assert all(x.confidence == 1.0 and not x.alternatives for x in after.levels)
    with pytest.raises(InputError, match="C1 to S1"):
        shifted(spine(), 20)
    with pytest.raises(InputError, match="Pin"):
        shifted(spine(("V2", "V1"), codes=[102, 101]), 1)


def test_a_pin_names_an_unanchored_spine():
    lost = spine(("V4", "V3", "V2", "V1"), codes=[104, 103, 102, 101], anchored=())
    after = pinned(lost, (5.0, 5.0, 20.0), "L4")  # the second block from below
    assert named(after) == ["L2", "L3", "L4", "L5"] and after.anchored_by == ("user",)
    assert after.bodies.present == (21, 22, 23, 24) and 104 in lost.bodies.present
    assert named(pinned(lost, (5.0, 5.0, 20.0), "T13")) == ["T11", "T12", "T13", "L1"]
    with pytest.raises(InputError, match="do not fit"):
        pinned(lost, (5.0, 5.0, 20.0), "C1")
    with pytest.raises(InputError, match="nearest"):
        pinned(lost, (5.0, 5.0, 900.0), "L4")


def at(labels, level):
    code = next(x.code for x in labels.levels if x.level == level)
    return tuple(labels.bodies.grid.world(np.argwhere(labels.bodies.array == code).mean(0)))


@pytest.mark.parametrize("names", [
    ("L1", "L2", "L4", "L5"), ("T12", "T13", "L1", "L2"), ("L3", "L4", "L5", "L6"), ("T10", "T11", "L1", "L2"),
])  # fmt: skip
def test_a_pin_that_says_what_is_there_renames_nothing(names):
    before = spine(names)
    for level in names:
        after = pinned(before, at(before, level), level)
        assert named(after) == list(names)
        np.testing.assert_array_equal(after.bodies.array, before.bodies.array)
        assert "user" in after.anchored_by


def test_a_pin_moves_gaps_and_extra_levels_along():
    gap = spine(("L1", "L2", "L4", "L5"))
    assert named(pinned(gap, at(gap, "L4"), "L3")) == ["T12", "L1", "L3", "L4"]
    assert "gap_in_levels" in gated(pinned(gap, at(gap, "L4"), "L3")).notes
    extra = spine(("T12", "T13", "L1", "L2"))
    moved = pinned(extra, at(extra, "L1"), "T13")
    assert named(moved) == ["T11", "T12", "T13", "L1"]
    assert named(pinned(moved, at(moved, "T13"), "L1")) == list(named(extra))
    usual = spine(("T11", "T12", "L1", "L2"))
    assert named(pinned(usual, at(usual, "L1"), "T13")) == ["T11", "T12", "T13", "L1"]


def test_names_beyond_an_odd_distance_are_no_surer_than_a_coin():
    five = spine(("V6", "V5", "V4", "V3", "V2", "V1"), codes=[106, 105, 104, 103, 102, 101], anchored=())
    missed = deleted(five, "V3")  # a vertebra that was not found: two and three remain on its sides
    after = pinned(missed, at(missed, "V1"), "L5")
    assert named(after) == ["L1", "L2", "L3", "L4", "L5"] and "pin_past_odd_spacing" in after.notes
    assert [x.confidence for x in after.levels] == [0.5, 0.5, 0.5, 1.0, 1.0]
    known = spine(("T12", "L1", "L2", "L3", "L4", "L5"))
    left_out = deleted(known, "L3")  # the name is left out too: nothing is odd but the gap
    after = pinned(left_out, at(left_out, "L5"), "L5")
    assert "pin_past_odd_spacing" not in after.notes and {x.confidence for x in after.levels} == {1.0}


def test_renaming_single_levels():
    assert named(renamed(spine(), {"L1": "T13", "L2": "L1"})) == ["T11", "T12", "T13", "L1"]
    with pytest.raises(InputError, match="share a name"):
        renamed(spine(), {"L1": "L2"})
    with pytest.raises(InputError, match="not among"):
        renamed(spine(), {"L5": "L4"})


def test_a_mask_redrawn_takes_from_its_neighbour():
    before = spine()
    whole = before.vertebrae.array == 20
    low = int(np.flatnonzero(whole.any(axis=(1, 2)))[-1])
    whole[low + 1 : low + 5] = True  # the gap of 3 and a slice of T12
    body = whole.copy()
    body[:, 10:] = False
    after = with_mask(before, "L1", whole, body)
    np.testing.assert_array_equal(after.vertebrae.array == 20, whole)
    np.testing.assert_array_equal(after.bodies.array == 20, body)
    assert (after.vertebrae.array == 19).sum() == (before.vertebrae.array == 19).sum() - 200
    assert ((after.tissue.array == Tissue.BODY) == (after.bodies.array > 0)).all()
    with pytest.raises(ShapeError):
        with_mask(before, "L1", whole[1:], body[1:])
    with pytest.raises(InputError, match="empty"):
        with_mask(before, "L1", whole, body & False)


@pytest.mark.parametrize("share", [1.0, 0.95])
def test_a_mask_that_leaves_a_neighbour_no_body_is_refused(share):
    before = spine()
    rows = np.flatnonzero((before.vertebrae.array == 21).any(axis=(1, 2)))
    whole, body = before.vertebrae.array == 20, before.bodies.array == 20
    taken = before.bodies.array == 21
    taken[rows[0], :, int(10 * share) :] = False  # a thread of it stays
    whole |= taken
    body |= taken
    with pytest.raises(InputError, match="covers the body of L2"):
        with_mask(before, "L1", whole, body)


def test_names_run_from_the_head_down():
    for names in ({"L1": "L2", "L2": "L1"}, {"L1": "C3"}, {"T11": "L5"}):
        with pytest.raises(InputError, match="would lie below"):
            renamed(spine(), names)
    for new in ("C1", "L3"):  # above L1, and below the L2 that follows it
        with pytest.raises(InputError, match="would lie below"):
            split(spine(), "L1", (0, 0, 18.0), (0, 0, 1), new)
    lost = spine(("V4", "V3", "V2", "V1"), codes=[104, 103, 102, 101], anchored=())
    one = renamed(lost, {"V2": "L4"})
    assert named(one) == ["V4", "V3", "L4", "V1"]
    assert named(pinned(one, at(one, "L4"), "L4")) == ["L2", "L3", "L4", "L5"]


def test_split_and_merge_undo_each_other():
    before = deleted(spine(), "L2")
    assert named(before) == ["T11", "T12", "L1"] and 21 not in before.vertebrae.present
    cut = split(before, "L1", (0, 0, 18.0), (0, 0, 1), "L2")
    assert named(cut) == ["T11", "T12", "L1", "L2"]
    assert 0 < (cut.bodies.array == 21).sum() < (before.bodies.array == 20).sum()
    whole = merged(cut, "L1", "L2")
    np.testing.assert_array_equal(whole.bodies.array, before.bodies.array)
    np.testing.assert_array_equal(whole.vertebrae.array, before.vertebrae.array)
    with pytest.raises(InputError, match="does not cut"):
        split(before, "L1", (0, 0, 500.0), (0, 0, 1), "L2")
    with pytest.raises(InputError, match="taken"):
        split(before, "L1", (0, 0, 18.0), (0, 0, 1), "T12")
    with pytest.raises(InputError, match="next to"):
        merged(before, "T11", "L1")


def test_gates_name_what_is_odd_and_change_nothing_twice():
    assert all(not x.notes for x in gated(spine()).levels)
    two = gated(spine(("T11", "T12", "L1", "L2", "L3"), heights=[10, 10, 23, 10, 10]))
    assert [x.level for x in two.levels if "volume_outlier" in x.notes] == ["L1"]
    assert gated(two) == two
    odd = spine(("T11", "L1", "L3", "L4"))
    assert gated(odd).notes == ("gap_in_levels",)  # T11 - L1 may be a spine without T12
    array = np.full(odd.bodies.array.shape, -100.0, np.float32)
    array[odd.vertebrae.array == verse_of_level("L3")] = 3000.0
    thick = Volume(array=array, affine=odd.bodies.affine, meta={"slice_thickness_mm": 5.0})
    found = gated(odd, thick)
    assert [x.level for x in found.levels if "metal" in x.notes] == ["L3"]
    assert "slices_thicker_than_3_mm" in found.notes
    found = gated(odd, replace(thick, notes=("rescale_missing",)))  # 3000 of what?
    assert not [x.level for x in found.levels if "metal" in x.notes]


def closely(labels):
    """The labels with a close look at each body."""
    looks = {
        x.code: Volume(array=(labels.bodies.array == x.code).astype(np.float32), affine=labels.bodies.affine)
        for x in labels.levels
    }
    return replace(labels, close=looks)


def test_a_close_look_follows_the_names_and_leaves_with_its_mask():
    before = closely(spine())
    moved = shifted(before, 1)
    assert sorted(moved.close) == [x.code for x in moved.levels]
    for old, new in zip(before.levels, moved.levels, strict=True):
        assert moved.close[new.code] is before.close[old.code]
    l1 = verse_of_level("L1")
    whole, body = before.vertebrae.array == l1, before.bodies.array == l1
    body[:, :2] = False
    drawn = with_mask(before, "L1", whole, body)
    assert l1 not in drawn.close and len(drawn.close) == len(NAMES) - 1
    doubtful = replace(
        before,
        levels=tuple(
            replace(x, notes=("uncertain_outline",)) if x.level == "L1" else x for x in before.levels
        ),
    )
    one = merged(doubtful, "T12", "L1")
    assert one.levels[1].notes == ("uncertain_outline",) and one.levels[1].code not in one.close
    middle = tuple(doubtful.bodies.grid.world(np.argwhere(doubtful.bodies.array == l1).mean(0)))
    two = split(deleted(doubtful, "L2"), "L1", middle, (0.0, 0.0, 1.0), "L3")
    assert [x.notes for x in two.levels if x.level in ("L1", "L3")] == [("uncertain_outline",)] * 2
    assert set(deleted(before, "L1").close) == set(before.close) - {l1}
