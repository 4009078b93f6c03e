"""The spine phantom: what was planted is what is drawn, the same seed draws the same scan, and nothing knows the grader."""

import ast
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from osteon.core.errors import InputError
from osteon.domain.anatomy import Tissue
from osteon.imaging.volume import Grid
from osteon.synth import spine_ct
from osteon.synth.spine_anatomy import draw_anatomy
from osteon.synth.spine_ct import TRAINING, UNSEEN, PlannedFracture, patch, phantom
from osteon.synth.spine_fracture import body_truth
from osteon.synth.spine_render import render_tissue
from osteon.synth.spine_shapes import BodyShape, Rod

KINDS = ("wedge", "biconcave", "crush", "burst")


def _anatomy(seed=0, *, fractures=(), **options):
    return draw_anatomy(np.random.default_rng(seed), fractures=fractures, variant="", **options)


def _own_grid(vertebra, spacing=(0.15, 0.5, 0.5), half=(17, 21, 10)):
    """A fine grid whose columns run along the mean of the endplates' normals."""
    tilt = np.radians(vertebra.tilt_deg)
    left, back, up = vertebra.frame.axes
    up, back = up * np.cos(tilt) - back * np.sin(tilt), back * np.cos(tilt) + up * np.sin(tilt)
    affine = np.eye(4)
    for k, axis in enumerate((up, back, left)):
        affine[:3, k] = axis * spacing[k]
    affine[:3, 3] = vertebra.frame.centre - sum(
        h * axis for h, axis in zip(half, (up, back, left), strict=True)
    )
    return Grid(shape=tuple(int(2 * h / s) + 1 for h, s in zip(half, spacing, strict=True)), affine=affine)


def _measured(vertebra, grid, body):
    """Heights of a mask from the first and last voxel of its columns at the three sites."""
    step, (front, rear) = grid.spacing_mm, body_truth(vertebra.shape).span_mm
    _, y, x = ((np.arange(n) - (n - 1) / 2) * s for n, s in zip(body.shape, step, strict=True))
    plate = binary_erosion(body.any(axis=0), np.ones((5, 1)))  # the edges are rounded
    third = np.abs(x) <= vertebra.shape.half_width / 3
    body, plate = body[:, :, third], plate[:, third]
    tall = (body.shape[0] - np.argmax(body[::-1], axis=0) - np.argmax(body, axis=0)) * step[0]
    share = (rear - y)[:, None] / (rear - front)
    return [np.median(tall[plate & (np.abs(share - site) <= 0.07)]) for site in (0.9, 0.5, 0.1)]


def test_heights_counted_in_voxels_are_the_true_ones():
    wrong = []
    for kind in (None, *KINDS):
        plan = [PlannedFracture(level="L2", kind=kind, loss=0.3, fresh=False)] if kind else []
        anatomy = _anatomy(4, fractures=plan, implant_rate=0, focus_rate=0)
        vertebra = anatomy.at("L2")
        grid = _own_grid(vertebra)
        body = render_tissue(anatomy, grid).bodies.array == vertebra.code
        wrong.append(np.subtract(_measured(vertebra, grid, body), vertebra.heights_mm))
    # where a steep endplate ends in the band, how much of its rounded edge counts is a matter of a third of a millimetre
    assert np.abs(wrong).mean() < 0.12
    assert np.abs(wrong).max() < 0.35


def test_the_volume_of_a_plain_body_is_its_integral():
    shape = BodyShape(half_width=20, half_depth=15, height=24, slope=0, concavity=(0, 0), power=2.0, waist=0,
                      back_waist=0, back_concavity=0)  # fmt: skip
    step = 0.5
    x, y, z = (np.arange(-r, r + step, step, dtype=np.float32) for r in (22, 17, 14))
    inside = shape.depth(*np.meshgrid(x, y, z, indexing="ij")) > 0
    # front: half an ellipse of half axes 20 x 15; behind: one of 20 x 18.75 cut at 15
    cut = 15 / 18.75
    behind = 20 * 18.75 * (cut * np.sqrt(1 - cut**2) + np.arcsin(cut))
    area = np.pi * 20 * 15 / 2 + behind
    assert 0.96 < inside.sum() * step**3 / (area * 24) < 1  # its edges are rounded
    assert shape.depth(*(np.array([v], np.float32) for v in (0, 0, 11)))[0] == pytest.approx(1.0, abs=0.01)


def test_the_depth_in_a_rod_is_that_of_a_ball_on_a_stick():
    rod = Rod(
        start=np.zeros(3),
        end=np.array([0, 0, 10.0]),
        radii=(4, 4),
        end_radii=(4, 4),
        side=np.array([1.0, 0, 0]),
    )
    at = np.array([[0, 0, 5], [3, 0, 5], [0, 5, 5], [0, 0, 13], [0, 3, 14]], dtype=np.float32).T
    expected = [4, 1, -1, 1, -1]
    np.testing.assert_allclose(rod.depth(*at, 10.0), expected, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", [0.12, 0.3, 0.5])
def test_the_planned_loss_is_the_largest_and_at_its_site(kind, loss):
    for seed in range(4):
        plan = PlannedFracture(level="L1", kind=kind, loss=loss)
        vertebra = _anatomy(seed, fractures=[plan]).at("L1")
        assert max(vertebra.losses) == pytest.approx(loss, abs=0.012)
        if kind in {"wedge", "biconcave"}:
            assert vertebra.losses[{"wedge": 0, "biconcave": 1}[kind]] == pytest.approx(loss, abs=0.012)
        if kind in {"crush", "burst"}:
            assert min(vertebra.losses) > (0.6 * loss if kind == "crush" else 0)
        assert vertebra.fracture.kind == kind
        assert (vertebra.fracture.bulge_mm > 2) == (kind == "burst")


@pytest.mark.parametrize(("letter", "broken"), [("A", (1, 1)), ("B", (1, 0)), ("C", (0, 1)), ("D", (0, 0))])
def test_only_the_endplates_of_its_type_are_dented(letter, broken):
    for seed in range(5):
        plan = PlannedFracture(level="T12", kind="wedge", loss=0.35, denis=letter)
        fracture = _anatomy(seed, fractures=[plan]).at("T12").fracture
        assert fracture.denis == letter
        for depth, hit in zip(fracture.depression_mm, broken, strict=True):
            assert (depth > 0.3) == bool(hit)


def test_unbroken_bodies_are_like_those_of_people():
    spines = [_anatomy(seed) for seed in range(12)]
    ratio = {level: np.mean([s.at(level).heights_mm[0] / s.at(level).heights_mm[2] for s in spines])
             for level in ("T12", "L1", "L3", "L5")}  # fmt: skip
    assert 0.92 < ratio["T12"] < 0.97
    assert 0.93 < ratio["L1"] < 0.99
    assert 0.98 < ratio["L3"] < 1.04
    assert 1.10 < ratio["L5"] < 1.20
    assert all(v.losses == (0, 0, 0) and v.fracture is None for s in spines for v in s.vertebrae)


def test_every_vertebra_sits_on_the_one_below():
    for seed in range(10):
        spine = _anatomy(seed)
        for upper, lower in pairwise(spine.vertebrae):
            foot = lower.frame.local(upper.frame.world([0, 0, -upper.shape.height / 2]))
            top = lower.shape.height / 2
            assert 1.5 < foot[2] - top < 20
            assert np.hypot(*foot[:2]) < 12
        assert np.allclose([v.frame.axes @ v.frame.axes.T for v in spine.vertebrae], np.eye(3), atol=1e-9)


def test_labels_agree_with_each_other():
    anatomy = _anatomy(2, fractures=[PlannedFracture(level="L3", kind="burst", loss=0.4)])
    labels = render_tissue(anatomy, Grid.regular((150, 60, 60), (2.0, 2.0, 2.0), (-60.0, -50.0, -120.0)))
    tissue, vertebrae, bodies = (m.array for m in (labels.tissue, labels.vertebrae, labels.bodies))
    assert (vertebrae[bodies > 0] == bodies[bodies > 0]).all()
    assert ((bodies > 0) == (tissue == Tissue.BODY)).all()
    assert (vertebrae[tissue == Tissue.CANAL] == 0).all()
    assert set(np.unique(vertebrae[tissue == Tissue.SACRUM])) == {26}
    assert (labels.depth_mm[(tissue == Tissue.BODY) | (tissue == Tissue.POSTERIOR)] > 0).all()
    assert (labels.depth_mm[tissue == Tissue.DISC] <= 0.05).mean() > 0.99
    for code in (20, 21, 22, 23, 24):
        own = vertebrae == code
        assert 0.3 < (bodies == code).sum() / own.sum() < 0.85
    # every disc lies between its two bodies
    assert {Tissue.DISC, Tissue.CANAL, Tissue.RIB} <= set(labels.tissue.present)


def test_a_small_grid_shows_what_the_large_one_shows_there():
    anatomy = _anatomy(3, fractures=None)
    large = render_tissue(anatomy, Grid.regular((60, 60, 60), (2.0, 2.0, 2.0), (-59.0, -59.0, -59.0)))
    box = (slice(10, 40), slice(20, 50), slice(15, 45))
    small = render_tissue(anatomy, large.tissue.cropped(box).grid)
    for name in ("tissue", "vertebrae", "bodies"):
        np.testing.assert_array_equal(getattr(small, name).array, getattr(large, name).array[box])


def test_a_mirrored_shape_is_mirrored():
    shape = BodyShape(half_width=20, half_depth=15, height=25, slope=0.02, bulge=3.0, kink=1.0)
    x, y, z = np.meshgrid(*(np.linspace(-r, r, 31, dtype=np.float32) for r in (22, 18, 14)), indexing="ij")
    np.testing.assert_allclose(shape.depth(x, y, z), shape.depth(-x, y, z), atol=1e-5)


def test_the_same_seed_draws_the_same_scan():
    one, two, other = (phantom(seed, spacing_mm=(4.0, 4.0, 4.0), fov="lumbar") for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.volume.array, two.volume.array)
    np.testing.assert_array_equal(one.labels.tissue.array, two.labels.tissue.array)
    assert one.planted == two.planted
    assert one.volume.array.shape != other.volume.array.shape or not np.array_equal(
        one.volume.array, other.volume.array
    )


def test_the_image_shows_the_labels():
    scan = phantom(8, spacing_mm=(1.2, 2.0, 2.0), fov="lumbar", fractures=[])
    hu, tissue = scan.volume.array, scan.labels.tissue.array
    assert hu.dtype == np.float32
    assert np.isfinite(hu).all()
    assert hu.min() >= -1024 and hu.max() <= 3071
    deep = scan.labels.depth_mm > 4
    core = np.median(hu[deep & (tissue == Tissue.BODY)])
    assert core == pytest.approx(scan.appearance.trabecular_hu, abs=30)
    shell = np.abs(scan.labels.depth_mm - 0.7) < 0.5
    assert np.median(hu[shell & (tissue == Tissue.BODY)]) > core
    assert np.median(hu[tissue == Tissue.DISC]) == pytest.approx(scan.appearance.disc_hu, abs=25)


def test_a_thick_slice_is_the_mean_of_thin_ones():
    thin, thick = (phantom(9, spacing_mm=(z, 2.0, 2.0), fov="lumbar", fractures=[]) for z in (1.0, 5.0))
    assert thick.volume.spacing_mm[0] == pytest.approx(5.0)
    assert thick.volume.meta["slice_thickness_mm"] == 5.0
    inner = thick.volume.array[5]
    at = round(float(thin.volume.grid.index(thick.volume.grid.world([5, 0, 0]))[0]))
    mean = thin.volume.array[at - 2 : at + 3].mean(axis=0)
    bone = thin.labels.depth_mm[at] > -3
    assert np.corrcoef(inner[bone], mean[bone])[0, 1] > 0.9


@pytest.mark.parametrize("variant", ["T13", "L6", "no_T12"])
def test_another_count_of_vertebrae(variant):
    scan = phantom(3, spacing_mm=(4.0, 4.0, 4.0), variant=variant)
    levels = [v.level for v in scan.anatomy.vertebrae]
    assert ("T13" in levels, "L6" in levels, "T12" not in levels) == tuple(
        variant == v for v in ("T13", "L6", "no_T12")
    )
    assert f"variant:{variant}" in scan.planted
    lowest = [v for v in scan.anatomy.vertebrae if v.rib][-1]
    assert lowest.level == {"T13": "T13", "L6": "T12", "no_T12": "T11"}[variant]


def test_a_patch_is_small_and_at_its_place():
    anatomy = _anatomy(1)
    centre = tuple(anatomy.at("L2").frame.centre)
    image, labels = patch(anatomy, np.random.default_rng(0), centre_lps_mm=centre, shape=(24, 24, 24))
    assert image.array.shape == (24, 24, 24)
    assert labels.bodies.array[12, 12, 12] == 21
    np.testing.assert_allclose(image.grid.world([11.5, 11.5, 11.5]), centre, atol=1e-6)


def test_no_range_of_training_overlaps_one_beyond_it():
    for field in fields(TRAINING):
        for low, high in getattr(TRAINING, field.name):
            for other_low, other_high in getattr(UNSEEN, field.name):
                assert min(high, other_high) <= max(low, other_low), field.name


def test_what_cannot_be_planted_is_refused():
    with pytest.raises(InputError, match="cannot plant"):
        draw_anatomy(
            np.random.default_rng(0),
            variant="no_T12",
            fractures=[PlannedFracture(level="T12", kind="wedge", loss=0.3)],
        )
    with pytest.raises(InputError, match="loss"):
        PlannedFracture(level="L1", kind="wedge", loss=0.9)
    with pytest.raises(InputError, match="type D"):
        PlannedFracture(level="L1", kind="crush", loss=0.3, denis="D")
    with pytest.raises(InputError, match="field of view"):
        phantom(0, fov="knee")
    with pytest.raises(InputError, match="no L6"):
        _anatomy().at("L6")


def test_the_renderer_knows_neither_the_grader_nor_the_rule_of_denis():
    room = Path(spine_ct.__file__).parent
    for path in room.glob("spine_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.startswith("osteon"):
                    assert name.startswith(
                        ("osteon.core", "osteon.synth", "osteon.domain.anatomy", "osteon.imaging.volume")
                    ), path


def test_true_heights_of_a_wedge_follow_its_geometry():
    # 27 mm behind, 18 mm in front, 32 mm deep: the chord along the bisector at 10, 50 and 90 %
    shape = BodyShape(
        half_width=20, half_depth=16, height=22.5, slope=9 / 32, concavity=(0, 0), back_concavity=0
    )
    truth = body_truth(shape)
    expected = [22.5 + (0.5 - s) * 9 for s in (0.9, 0.5, 0.1)]
    np.testing.assert_allclose(truth.heights_mm, expected, rtol=0.01)
    assert truth.tilt_deg == pytest.approx(0.0, abs=1e-6)
