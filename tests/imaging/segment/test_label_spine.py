"""From tissue maps to labels on phantoms: levels and masks are right, and stay right where the maps are not."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from osteon.core.errors import InputError, ShapeError
from osteon.domain.anatomy import Tissue
from osteon.imaging.segment import assemble
from osteon.imaging.segment.assemble import label_spine
from osteon.imaging.segment.correct import with_mask
from osteon.imaging.segment.discs import find_discs, plane_at
from osteon.imaging.segment.paste import View
from osteon.imaging.segment.quality import border_width
from osteon.imaging.volume import Grid

spec = importlib.util.spec_from_file_location("segment_phantoms", Path(__file__).with_name("conftest.py"))
helpers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(helpers)

THORACOLUMBAR = ("T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")


def named(labels):
    return [x.level for x in labels.levels]


def check(case, labels, *, least):
    assert [x for x in named(labels) if x in THORACOLUMBAR] == list(THORACOLUMBAR)
    assert set(labels.anchored_by) <= {"sacrum", "ribs"} and labels.anchored_by
    dice = helpers.dices(case.labels.bodies.array, labels.bodies.array, THORACOLUMBAR)
    assert min(dice.values()) > least, dice


@pytest.mark.parametrize("seed", [1, 2])
def test_clean_maps(phantom, seed):
    case = phantom(seed)
    labels = label_spine(case.grid, case.maps, case.coarse)
    check(case, labels, least=0.93)
    assert labels.vertebrae.grid.same_place(case.grid)
    # a body is part of its vertebra, and the tissue map says so
    bodies = labels.bodies.array
    assert (labels.vertebrae.array[bodies > 0] == bodies[bodies > 0]).all()
    assert ((labels.tissue.array == Tissue.BODY) == (bodies > 0)).all()
    whole = helpers.dices(case.labels.vertebrae.array, labels.vertebrae.array, ("L1", "L2", "L3"))
    assert min(whole.values()) > 0.85


@pytest.mark.parametrize("seed", [3, 4])
def test_noisy_maps(phantom, seed):
    case = phantom(seed)
    check(
        case,
        label_spine(case.grid, helpers.as_seen_by_a_network(case.maps, case.rng), case.coarse),
        least=0.78,
    )


def test_femoral_heads_called_body_are_left_out(phantom):
    case = phantom(1)
    bone = case.maps[Tissue.OTHER_BONE]
    case.maps[Tissue.BODY] = np.minimum(1, case.maps[Tissue.BODY] + bone)
    case.maps[Tissue.OTHER_BONE] = np.zeros_like(bone)
    check(case, label_spine(case.grid, case.maps, case.coarse), least=0.93)


def test_a_disc_the_network_missed_is_found(phantom):
    case = phantom(2)
    upper, lower = (case.coarse.index(case.anatomy.at(x).frame.centre)[0] for x in ("T12", "L1"))
    z = slice(int(lower), int(upper) + 1)
    case.maps[Tissue.BODY][z] += 0.9 * case.maps[Tissue.DISC][z]
    case.maps[Tissue.DISC][z] *= 0.1
    check(case, label_spine(case.grid, case.maps, case.coarse), least=0.85)


def test_canal_lost_over_a_segment(phantom):
    case = phantom(1)
    z = slice(case.coarse.shape[0] // 2, case.coarse.shape[0] // 2 + 8)
    case.maps[Tissue.CANAL][z] = 0
    check(case, label_spine(case.grid, case.maps, case.coarse), least=0.93)


def test_bone_alone_is_enough(phantom):
    case = phantom(2)
    for t in (Tissue.CANAL, Tissue.DISC):
        case.maps.pop(t)
    check(case, label_spine(case.grid, case.maps, case.coarse), least=0.88)


def test_a_thoracic_field_is_unanchored_until_pinned(phantom):
    case = phantom(5, "T5", "T10", below_mm=5.0, above_mm=5.0)
    free = label_spine(case.grid, case.maps, case.coarse)
    assert free.anchored_by == () and "unanchored" in free.notes and all(x[0] == "V" for x in named(free))
    middle = tuple(case.anatomy.at("T8").frame.centre)
    held = label_spine(case.grid, case.maps, case.coarse, pin=(middle, "T8"))
    assert held.anchored_by == ("user",) and named(held)[-3:] == ["T8", "T9", "T10"]
    dice = helpers.dices(case.labels.bodies.array, held.bodies.array, ("T6", "T7", "T8", "T9"))
    assert min(dice.values()) > 0.9
    with pytest.raises(InputError, match="nearest vertebra"):
        label_spine(case.grid, case.maps, case.coarse, pin=((500.0, 500.0, 0.0), "T8"))


def test_cropped_vertebrae_say_so(phantom):
    case = phantom(6, "L1", "L4", below_mm=0.0, above_mm=0.0)
    labels = label_spine(case.grid, case.maps, case.coarse)
    assert labels.levels[0].cropped and labels.levels[-1].cropped and not labels.levels[1].cropped


def test_a_closer_look_is_used_where_it_confirms(phantom):
    case = phantom(1)
    looked = []

    def refine(centres, bodies):
        looked.append((len(centres), bodies.present))
        views = []
        for k in bodies.present:
            near = (bodies.array == k).astype(np.float32)
            views.append(View(body=near, vertebra=near, grid=bodies.grid))
        views[0] = View(
            body=0 * near, vertebra=0 * near, grid=bodies.grid
        )  # sees nothing: the coarse one is kept
        return views

    labels = label_spine(case.grid, case.maps, case.coarse, refine=refine)
    assert looked == [(len(labels.levels), tuple(range(1, len(labels.levels) + 1)))]
    assert set(labels.bodies.present) == {x.code for x in labels.levels}
    with pytest.raises(ShapeError, match="views"):
        label_spine(case.grid, case.maps, case.coarse, refine=lambda centres, bodies: [])


def test_a_body_cut_by_an_invented_disc_is_made_whole_again(phantom, monkeypatch):
    case = phantom(2)

    def one_too_many(path, evidence):
        """The discs, and a plane through the middle of L3."""
        middle = float(path.coordinates(case.anatomy.at("L3").frame.centre)[0])
        return tuple(
            sorted((*find_discs(path, evidence), plane_at(path, evidence, middle)), key=lambda d: d.s_mm)
        )

    monkeypatch.setattr(assemble, "find_discs", one_too_many)
    monkeypatch.setattr(assemble, "repaired", lambda *args: None)
    cut = label_spine(case.grid, case.maps, case.coarse)
    true = {
        code: (case.labels.bodies.array == code).astype(np.float32) for code in case.labels.bodies.present
    }
    asked = []

    def refine(centres, bodies):
        """The true body nearest to each centre."""
        asked.append(len(centres))
        at = [tuple(np.rint(case.grid.index(centre)).astype(int)) for centre in centres]
        codes = [case.labels.bodies.array[place] for place in at]
        maps = [true.get(code, np.zeros(case.grid.shape, np.float32)) for code in codes]
        return [View(body=body, vertebra=body, grid=case.grid) for body in maps]

    labels = label_spine(case.grid, case.maps, case.coarse, refine=refine)
    assert len(cut.levels) == len(labels.levels) + 1, (
        "the invented disc cuts a body where nobody looks closely"
    )
    assert asked == [len(cut.levels), 1], "only the mended body is looked at again"
    check(case, labels, least=0.9)


def test_nothing_there(phantom):
    grid = Grid.regular((20, 20, 20), (3.0, 3.0, 3.0))
    labels = label_spine(grid, {Tissue.BODY: np.zeros(grid.shape, np.float32)}, grid)
    assert labels.levels == () and labels.notes == ("no_spine_found",)
    with pytest.raises(ShapeError, match="CANAL"):
        label_spine(grid, {Tissue.CANAL: np.zeros((2, 2, 2), np.float32)}, grid)


def test_moving_the_patient_moves_the_labels(phantom):
    case = phantom(2)
    there = label_spine(case.grid, case.maps, case.coarse)
    shift = np.array([31.0, -17.0, 400.0])
    grids = []
    for grid in (case.grid, case.coarse):
        affine = grid.affine.copy()
        affine[:3, 3] += shift
        grids.append(Grid(shape=grid.shape, affine=affine))
    moved = label_spine(grids[0], case.maps, grids[1])
    assert named(moved) == named(there)
    assert (moved.bodies.array != there.bodies.array).mean() < 1e-4


def test_an_unclear_outline_is_said_and_a_correction_clears_it(phantom):
    """Of three close looks one is blurred beyond use and one shows nothing: both levels say so, the third does not."""
    case = phantom(1)
    truth = case.labels.bodies.array

    def refine(centres, bodies):
        views = []
        for k, centre in enumerate(centres):
            z, y, x = np.round(case.grid.index(centre)).astype(int)
            mask = (truth == truth[z, y, x]).astype(np.float32)
            seen = ndimage.gaussian_filter(mask, 5.0 if k == 2 else 0.3)
            seen = np.minimum(1.0, seen / seen.max())
            seen = 0 * seen if k == 4 else seen
            views.append(View(body=seen, vertebra=seen, grid=case.grid))
        return views

    labels = label_spine(case.grid, case.maps, case.coarse, refine=refine)
    doubted = [k for k, x in enumerate(labels.levels) if "uncertain_outline" in x.notes]
    assert doubted == [2, 4]
    assert labels.levels[4].code not in labels.close and labels.levels[3].code in labels.close
    level = labels.levels[2]
    drawn = with_mask(
        labels, level.level, labels.vertebrae.array == level.code, labels.bodies.array == level.code
    )
    assert "uncertain_outline" not in drawn.levels[2].notes and "uncertain_outline" in drawn.levels[4].notes


def blurred(mask, width):
    """A probability whose border is about ``width`` voxels wide by the measure of the gates."""
    low, high = 0.3, 4.0
    for _ in range(12):
        sigma = (low + high) / 2
        seen = ndimage.gaussian_filter(mask, sigma)
        seen = np.minimum(1.0, seen / seen.max())
        low, high = (sigma, high) if border_width(seen) < width else (low, sigma)
    return seen


@pytest.mark.parametrize(
    ("width", "note"), [(0.3, None), (0.88, "blurred_outline"), (1.5, "uncertain_outline")]
)
def test_how_wide_the_borders_are_decides_what_is_said_of_them(phantom, width, note):
    case = phantom(1)
    truth = case.labels.bodies.array

    def refine(centres, bodies):
        at = [tuple(np.round(case.grid.index(centre)).astype(int)) for centre in centres]
        maps = [blurred((truth == truth[place]).astype(np.float32), width) for place in at]
        return [View(body=body, vertebra=body, grid=case.grid) for body in maps]

    labels = label_spine(case.grid, case.maps, case.coarse, refine=refine)
    for label in labels.levels[1:-1]:
        assert {"blurred_outline", "uncertain_outline"} & set(label.notes) == ({note} if note else set()), (
            label
        )
