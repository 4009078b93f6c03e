"""Corrections: new versions, provenance kept, the old version untouched, inverse operations undo each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import InputError, ShapeError
from osteon.domain.anatomy import verse_of_level
from osteon.imaging.segment.correct import deleted, merged, pinned, redrawn, renamed, shifted, split
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.volume import Grid, LabelMap

NAMES = ("T11", "T12", "L1", "L2")


def spine(names=NAMES, codes=None, anchored=("sacrum",)):
    """Blocks of ten slices from the head down, 3 mm apart; the body is the front half of the vertebra."""
    codes = codes or [verse_of_level(name) for name in names]
    grid = Grid.regular((13 * len(names), 20, 10), (1.0, 1.0, 1.0))
    whole = np.zeros(grid.shape, np.uint8)
    for k, code in enumerate(reversed(codes)):
        whole[13 * k : 13 * k + 10] = code
    bodies = whole.copy()
    bodies[:, 10:] = 0
    levels = tuple(LevelLabel(code=c, level=n, confidence=0.7, alternatives=(("L3", 0.2),)) for c, n in zip(codes, names, strict=True))  # fmt: skip
    return SpineLabels(
        vertebrae=LabelMap(array=whole, affine=grid.affine), bodies=LabelMap(array=bodies, affine=grid.affine),
        levels=levels, anchored_by=anchored, backend="test", version="1", provenance=("made",),
    )  # fmt: skip


def names_of(labels):
    return [one.level for one in labels.levels]


@given(st.integers(-6, 3))
def test_a_shift_is_undone_by_its_inverse_and_leaves_the_original(by):
    before = spine()
    kept = before.bodies.array.copy()
    back = shifted(shifted(before, by), -by)
    np.testing.assert_array_equal(back.bodies.array, kept)
    np.testing.assert_array_equal(before.bodies.array, kept)
    assert names_of(back) == list(NAMES)
    assert back.provenance == ("made", f"user: shifted by {by:+d}", f"user: shifted by {-by:+d}")


def test_a_shift_moves_codes_and_names_together():
    after = shifted(spine(), 1)
    assert names_of(after) == ["T12", "L1", "L2", "L3"]
    assert set(after.vertebrae.present) == {19, 20, 21, 22}
    assert all(one.confidence == 1.0 and not one.alternatives for one in after.levels)
    with pytest.raises(InputError, match="leaves C1-L5"):
        shifted(spine(), 4)


def test_a_pin_names_an_unanchored_spine():
    lost = spine(("V4", "V3", "V2", "V1"), codes=[104, 103, 102, 101], anchored=())
    after = pinned(lost, (5.0, 5.0, 17.0), "L4")  # the second block from below
    assert names_of(after) == ["L2", "L3", "L4", "L5"]
    assert after.anchored_by == ("user",)
    assert set(after.bodies.present) == {21, 22, 23, 24}
    assert pinned(lost, (5.0, 5.0, 17.0), "T13").levels[2].level == "T13"
    with pytest.raises(InputError, match="no vertebra"):
        pinned(lost, (5.0, 5.0, 11.5), "L4")
    with pytest.raises(InputError, match="outside"):
        pinned(lost, (5.0, 5.0, 900.0), "L4")


def test_renaming_single_levels():
    after = renamed(spine(), {"L1": "T13", "L2": "L1"})
    assert names_of(after) == ["T11", "T12", "T13", "L1"]
    with pytest.raises(InputError, match="twice"):
        renamed(spine(), {"L1": "L2"})
    with pytest.raises(InputError, match="no L5"):
        renamed(spine(), {"L5": "L4"})


def test_a_mask_redrawn_takes_from_its_neighbour():
    before = spine()
    whole = before.vertebrae.array == 20
    whole[23:26] = True  # the gap and one slice of T12
    whole[26] = True
    body = whole.copy()
    body[:, 10:] = False
    after = redrawn(before, "L1", vertebra=whole, body=body)
    np.testing.assert_array_equal(after.vertebrae.array == 20, whole)
    np.testing.assert_array_equal(after.bodies.array == 20, body)
    assert (after.vertebrae.array == 19).sum() == (before.vertebrae.array == 19).sum() - 200
    with pytest.raises(ShapeError):
        redrawn(before, "L1", vertebra=whole[1:], body=body[1:])
    with pytest.raises(InputError, match="beyond"):
        redrawn(before, "L1", vertebra=body, body=whole)


def test_split_and_merge_undo_each_other():
    before = deleted(spine(), "L2")
    assert names_of(before) == ["T11", "T12", "L1"]
    cut = split(before, "L1", at_lps_mm=(0, 0, 18.0), normal_lps=(0, 0, 1), lower="L2")
    assert names_of(cut) == ["T11", "T12", "L1", "L2"]
    assert 0 < (cut.bodies.array == 21).sum() < (before.bodies.array == 20).sum()
    whole = merged(cut, "L2", into="L1")
    np.testing.assert_array_equal(whole.bodies.array, before.bodies.array)
    with pytest.raises(InputError, match="does not cut"):
        split(before, "L1", at_lps_mm=(0, 0, 500.0), normal_lps=(0, 0, 1), lower="L2")
    with pytest.raises(InputError, match="already"):
        split(before, "L1", at_lps_mm=(0, 0, 18.0), normal_lps=(0, 0, 1), lower="T12")
