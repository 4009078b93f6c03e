"""Endplates, walls, densities, contents and curves with planted values."""

import numpy as np
import pytest

from osteon.core.errors import ConfigError
from osteon.domain.anatomy import Tissue
from osteon.imaging.measure.canal import canal
from osteon.imaging.measure.contents import contents
from osteon.imaging.measure.curves import between_deg, disc_height_mm, plate_plane
from osteon.imaging.measure.density import trabecular
from osteon.imaging.measure.endplate import cortical_peak_hu, endplate_signs
from osteon.imaging.measure.frame import STEP_MM, body_box, depth_mm, frame_from
from osteon.imaging.measure.indicators import FocusRule, foci, spoke_wheel
from osteon.imaging.measure.surface import endplates
from osteon.imaging.measure.surroundings import arch_bone, pedicle_bone, soft_tissue_mm
from osteon.imaging.measure.wall import anterior_kink_mm, posterior_convexity_mm, wall_density_hu
from osteon.imaging.volume import Grid, LabelMap, Volume

SPACING = (1.0, 1.0, 1.0)
TRABECULAR, CORTEX, OUTSIDE = 120.0, 450.0, 40.0


def image_of(labels, *, trabecular=TRABECULAR, cortex=CORTEX, noise=6.0, seed=0):
    """A body with a cortex a millimetre and a half thick in soft tissue, slightly blurred."""
    from scipy import ndimage

    inside = labels.array == 7
    deep = ndimage.distance_transform_edt(inside, sampling=labels.spacing_mm)
    array = np.where(inside, np.where(deep <= 1.5, cortex, trabecular), OUTSIDE).astype(np.float32)
    array = ndimage.gaussian_filter(array, 0.5) + np.random.default_rng(seed).normal(0, noise, array.shape)
    return Volume(array=array.astype(np.float32), affine=labels.affine)


def signs(shapes, body, side, image=None):
    box, plates, _ = body.measured(SPACING, image=image)
    return endplate_signs(box, plates, side=side, trabecular_hu=TRABECULAR, peak_above_hu=100.0)


@pytest.mark.parametrize("deep", [2.0, 4.0])
def test_depression_of_one_endplate_is_not_seen_in_the_other(shapes, deep):
    def top(x, s):
        return 13.5 - deep * np.maximum(1 - (x / 14) ** 2 - ((s - 0.5) / 0.35) ** 2, 0)

    body = shapes.Body(top, lambda x, s: np.full_like(s, -13.5), turn=(5, -4, 3))
    assert signs(shapes, body, "superior").depression_mm == pytest.approx(deep, abs=0.6)
    assert abs(signs(shapes, body, "inferior").depression_mm) < 0.7


def test_tilt_is_that_of_the_pressed_endplate(shapes):
    body = shapes.Body(*shapes.level(anterior=0.3), turn=(3, -4, 3))
    wanted = np.degrees(np.arctan(0.3 * 27 / 32))
    assert signs(shapes, body, "superior").tilt_deg == pytest.approx(wanted, abs=1.5)
    assert signs(shapes, body, "inferior").tilt_deg == pytest.approx(0, abs=1.5)


def test_a_gap_and_a_band_are_found_where_they_were_planted(shapes):
    body = shapes.Body(*shapes.level(), turn=(0, 0, 0))
    labels = body.voxels(SPACING)
    image = image_of(labels, noise=2.0)
    z = image.grid.world(np.indices(image.array.shape).reshape(3, -1).T)[:, 2].reshape(image.array.shape)
    x = image.grid.world(np.indices(image.array.shape).reshape(3, -1).T)[:, 0].reshape(image.array.shape)
    inside = labels.array == 7
    broken = image.array.copy()
    broken[inside & (z > 11) & (x > 0)] = TRABECULAR  # half of the upper cortex is gone
    broken[inside & (z > 6.5) & (z < 11.5)] += 90
    hurt = Volume(array=broken, affine=image.affine)
    upper, lower = (signs(shapes, body, side, hurt) for side in ("superior", "inferior"))
    assert 0.3 < signs(shapes, body, "superior", Volume(array=np.where(inside & (z > 11) & (x > 0), TRABECULAR, image.array).astype(np.float32), affine=image.affine)).discontinuity < 0.7  # fmt: skip
    assert lower.discontinuity < 0.05
    assert upper.band_hu > 60 > 25 > abs(lower.band_hu)


def test_a_band_is_a_layer_and_a_ball_below_the_endplate_is_none(shapes):
    body = shapes.Body(*shapes.level(), turn=(0, 0, 0))
    labels = body.voxels(SPACING)
    image = image_of(labels, noise=2.0)
    places = labels.grid.world(np.indices(labels.array.shape).reshape(3, -1).T).reshape(
        *labels.array.shape, 3
    )
    ball = np.linalg.norm(places - [3, -4, 7], axis=-1) < 6
    dotted = Volume(array=np.where(ball, 700, image.array).astype(np.float32), affine=image.affine)
    assert abs(signs(shapes, body, "superior", dotted).band_hu) < 15


def test_a_cortex_is_judged_by_what_this_scan_shows_of_it(shapes):
    """A thin, blurred cortex is whole where it stands out as usual, and a dense disc beside it is no cortex."""
    body = shapes.Body(*shapes.level(), turn=(0, 0, 0))
    labels = body.voxels(SPACING)
    thin = image_of(labels, cortex=220.0, noise=2.0)
    box, plates, _ = body.measured(SPACING, image=thin)
    usual = cortical_peak_hu(box, plates)
    assert TRABECULAR < usual < 230
    share = endplate_signs(
        box, plates, side="superior", trabecular_hu=TRABECULAR, peak_above_hu=0.5 * (usual - TRABECULAR)
    ).discontinuity
    assert share < 0.05 and signs(shapes, body, "superior", thin).discontinuity > 0.5
    unread = endplate_signs(box, plates, side="superior", trabecular_hu=TRABECULAR, peak_above_hu=None)
    assert unread.discontinuity is None and unread.band_hu is not None


def test_without_an_image_there_are_no_signs_that_need_one(shapes):
    found = signs(shapes, shapes.Body(*shapes.level()), "superior")
    assert found.discontinuity is None and found.band_hu is None


@pytest.mark.parametrize("bulge", [0.0, 4.0])
def test_a_bulging_posterior_wall_stands_out_by_what_was_planted(shapes, bulge):
    def wall(up):
        return bulge * np.exp(-(((up - 0.5) / 0.2) ** 2)) - 0.8 * (1 - (2 * up - 1) ** 2)

    box, plates, _ = shapes.Body(*shapes.level(), bulge=wall).measured(SPACING)
    assert posterior_convexity_mm(box, plates) == pytest.approx(max(bulge - 0.5, -0.3), abs=0.7)
    assert anterior_kink_mm(box, plates) == pytest.approx(0, abs=0.5)


def test_density_is_that_of_the_core_and_leaves_cement_out(shapes):
    body = shapes.Body(*shapes.level(), turn=(6, 3, -4))
    labels = body.voxels(SPACING)
    plain = image_of(labels)
    box, plates, _ = body.measured(SPACING, image=plain)
    found = trabecular(box, plates, calibration={"slope": 0.8, "intercept": 5.0})
    assert found.median == pytest.approx(TRABECULAR, abs=2)
    assert found.sd == pytest.approx(6, abs=4)
    assert found.vbmd_mg_cm3 == pytest.approx(0.8 * found.median + 5)
    middle = labels.grid.world(np.indices(labels.array.shape).reshape(3, -1).T)
    ball = (np.linalg.norm(middle - body.shift - [4, -6, 0], axis=1) < 6).reshape(labels.array.shape)
    filled = Volume(array=np.where(ball, 1500, plain.array).astype(np.float32), affine=plain.affine)
    box, plates, _ = body.measured(SPACING, image=filled)
    assert trabecular(box, plates).median == pytest.approx(TRABECULAR, abs=4)
    assert contents(box, labels, 7, filled) == ("cement",)
    with pytest.raises(ConfigError):
        trabecular(box, plates, calibration={"slope": 1.0})


def test_a_screw_is_no_cement(shapes):
    body = shapes.Body(*shapes.level())
    labels = body.voxels(SPACING)
    places = labels.grid.world(np.indices(labels.array.shape).reshape(3, -1).T).reshape(
        *labels.array.shape, 3
    )
    rod = (
        (np.hypot(places[..., 0] - 12, places[..., 2] - 4) < 3)
        & (places[..., 1] > -10)
        & (places[..., 1] < 30)
    )
    image = image_of(labels)
    screwed = Volume(array=np.where(rod, 2600, image.array).astype(np.float32), affine=image.affine)
    box, _, _ = body.measured(SPACING, image=screwed)
    assert contents(box, labels, 7, screwed) == ("metal", "screw")
    plain_box, _, _ = body.measured(SPACING, image=image)
    assert contents(plain_box, labels, 7, image) == ()


RULE = FocusRule(
    lytic_below_hu=60, lytic_least_hu=30, lytic_sd=2, soft_least_hu=-5, soft_most_hu=90, sclerotic_hu=400, sclerotic_over_hu=100,
    sclerotic_least_hu=150, sclerotic_sd=5, flat=0.6,
)  # fmt: skip


def ball_in(shapes, *, marrow, hu, radius_mm, noise=6.0, usual=None):
    """What is told of a ball in marrow of so many units, in a spine whose usual marrow is the same unless said."""
    body = shapes.Body(*shapes.level())
    labels = body.voxels(SPACING)
    image = image_of(labels, trabecular=marrow, noise=noise)
    places = labels.grid.world(np.indices(labels.array.shape).reshape(3, -1).T)
    away = np.linalg.norm(places - [3, -4, 0], axis=-1).reshape(labels.array.shape)
    # the ball carries the scanner's noise on, as any tissue does
    grain = np.random.default_rng(3).normal(0, noise, labels.array.shape)
    changed = np.where(away < radius_mm, hu + grain, image.array).astype(np.float32)
    box, plates, _ = body.measured(SPACING, image=Volume(array=changed, affine=image.affine))
    return foci(box, plates, usual_hu=marrow if usual is None else usual, rule=RULE)


@pytest.mark.parametrize("marrow", [70.0, 90.0, 120.0, 200.0])
def test_soft_tissue_that_stands_out_of_its_own_marrow_is_lytic(shapes, marrow):
    """Also where marrow is so poor in bone that nothing can lie sixty units below it; the planted ball has 1.44 ml."""
    found = ball_in(shapes, marrow=marrow, hu=30.0, radius_mm=7)
    assert found.lytic_ml == pytest.approx(4 / 3 * np.pi * 0.343, rel=0.35)
    assert np.abs(np.array(found.lytic_uvw_mm[2])) < 2.0


@pytest.mark.parametrize("marrow", [60.0, 100.0, 200.0])
@pytest.mark.parametrize("fat", [-20.0, -60.0, -100.0])
def test_fat_is_not_lytic(shapes, marrow, fat):
    assert ball_in(shapes, marrow=marrow, hu=fat, radius_mm=8).lytic_ml == 0.0


def test_marrow_says_what_would_stand_out_of_it(shapes):
    """Soft tissue of 50 units in marrow of 60 is not seen, and the figure says so; noise hides what quiet marrow shows."""
    poor = ball_in(shapes, marrow=60.0, hu=50.0, radius_mm=8)
    assert poor.lytic_ml == 0.0 and poor.lytic_visible_hu < 50.0
    rich = ball_in(shapes, marrow=150.0, hu=50.0, radius_mm=8)
    assert rich.lytic_ml > 1.0 and rich.lytic_visible_hu > 100.0
    assert ball_in(shapes, marrow=150.0, hu=50.0, radius_mm=8, noise=250.0).lytic_visible_hu < rich.lytic_visible_hu - 20.0  # fmt: skip


def test_a_body_replaced_as_a_whole_is_told_by_the_rest_of_the_spine(shapes):
    assert ball_in(shapes, marrow=45.0, hu=45.0, radius_mm=1, usual=170.0).lytic_ml > 3.0
    assert ball_in(shapes, marrow=130.0, hu=130.0, radius_mm=1, usual=170.0).lytic_ml == 0.0


@pytest.mark.parametrize(("radius_mm", "hu", "seen"), [(7, 300.0, True), (7, 380.0, True), (4, 900.0, False), (7, 150.0, False)])  # fmt: skip
def test_a_sclerotic_focus_stands_out_of_its_own_marrow_and_is_more_than_an_island(
    shapes, radius_mm, hu, seen
):
    """A ball of 1.44 ml below 400 units in marrow of 70 is told; an island of .27 ml is not made larger by its blur."""
    found = ball_in(shapes, marrow=70.0, hu=hu, radius_mm=radius_mm).sclerotic_ml
    volume = 4 / 3 * np.pi * radius_mm**3 / 1000
    if seen or radius_mm < 5:
        assert found == pytest.approx(volume, rel=0.35)
    else:
        assert found == 0.0
    assert (found > 0.4) is seen


@pytest.mark.parametrize("hu", [300.0, 500.0])
def test_sclerosis_along_an_endplate_is_no_focus(shapes, hu):
    """Nine millimetres of dense bone under a whole endplate, as beside a worn disc."""
    body = shapes.Body(*shapes.level())
    labels = body.voxels(SPACING)
    image = image_of(labels, trabecular=100.0)
    places = labels.grid.world(np.indices(labels.array.shape).reshape(3, -1).T).reshape(
        *labels.array.shape, 3
    )
    top = places[..., 2][labels.array == 7].max()
    layer = (labels.array == 7) & (places[..., 2] > top - 9.0)
    changed = Volume(array=np.where(layer, hu, image.array).astype(np.float32), affine=image.affine)
    box, plates, _ = body.measured(SPACING, image=changed)
    assert foci(box, plates, usual_hu=100.0, rule=RULE).sclerotic_ml == 0.0


def test_foci_are_balls_and_not_bands(shapes):
    body = shapes.Body(*shapes.level())
    labels = body.voxels(SPACING)
    image = image_of(labels)
    places = labels.grid.world(np.indices(labels.array.shape).reshape(3, -1).T).reshape(
        *labels.array.shape, 3
    )
    ball = np.linalg.norm(places - [3, -4, 0], axis=-1) < 7
    band = (labels.array == 7) & (np.abs(places[..., 2] - 8) < 2)

    def found(where, hu, most=0.0):
        changed = Volume(array=np.where(where, hu, image.array).astype(np.float32), affine=image.affine)
        box, plates, _ = body.measured(SPACING, image=changed)
        return foci(box, plates, usual_hu=TRABECULAR, rule=RULE, band_most_hu=most)

    assert found(ball, 10).lytic_ml == pytest.approx(4 / 3 * np.pi * 0.343, rel=0.35)
    assert found(ball, 700).sclerotic_ml == pytest.approx(4 / 3 * np.pi * 0.343, rel=0.35)
    assert found(band, 700).sclerotic_ml == 0.0
    # bone pressed together over half the height is a layer, not a focus; a ball stands out within it
    pressed = (labels.array == 7) & (places[..., 2] > 0)
    assert found(pressed, 420).sclerotic_ml > 5.0
    assert found(pressed, 420, most=300.0).sclerotic_ml == 0.0
    assert found(ball, 700, most=300.0).sclerotic_ml == pytest.approx(4 / 3 * np.pi * 0.343, rel=0.35)


def test_soft_tissue_ends_at_fat_and_spokes_differ_from_rings(shapes):
    body = shapes.Body(*shapes.level())
    labels = body.voxels(SPACING)
    image = image_of(labels, noise=0.0)
    places = labels.grid.world(np.indices(labels.array.shape).reshape(3, -1).T).reshape(
        *labels.array.shape, 3
    )
    fat = Volume(
        array=np.where(places[..., 1] < -21, -100, image.array).astype(np.float32), affine=image.affine
    )
    box, plates, _ = body.measured(SPACING, image=fat)
    right, middle, left = soft_tissue_mm(fat, box, plates)
    assert (
        middle == pytest.approx(4.5, abs=1.6) and min(right, left) > middle
    )  # the sides of a round wall lie further back
    assert soft_tissue_mm(image, box, plates)[1] >= 18.0  # soft as far as it looks
    assert TRABECULAR + 60 < wall_density_hu(box, plates, sides=(-0.85, 0.85)) < CORTEX
    angle, radius = np.arctan2(places[..., 1], places[..., 0]), np.hypot(places[..., 1], places[..., 0])
    region = lambda b: (b.inside > 0.9) & (np.abs(b.w_mm) < 6)  # noqa: E731
    scores = []
    for pattern in (np.cos(6 * angle), np.cos(radius)):
        box, _, _ = body.measured(SPACING, image=Volume(array=(120 + 60 * pattern).astype(np.float32), affine=image.affine))  # fmt: skip
        scores.append(spoke_wheel(box, region(box)))
    assert scores[0] > 1 > -1 > scores[1]


def test_bone_of_pedicles_and_arch_is_lost_where_it_was_taken(shapes):
    body = shapes.Body(*shapes.level(), turn=(0, 0, 0))
    labels = body.voxels(SPACING)
    image = image_of(labels, noise=0.0)
    places = labels.grid.world(np.indices(labels.array.shape).reshape(3, -1).T).reshape(
        *labels.array.shape, 3
    )
    x, y, z = np.moveaxis(places, -1, 0)
    stems = (labels.array == 0) & (np.abs(np.abs(x) - 14) < 5) & (y > 14) & (y < 30) & (np.abs(z) < 8)
    whole = Volume(array=np.where(stems, 400, image.array).astype(np.float32), affine=image.affine)
    one = Volume(array=np.where(stems & (x > 0), 50, whole.array).astype(np.float32), affine=image.affine)
    sound, broken = (pedicle_bone(*body.measured(SPACING, image=scan)[:2]) for scan in (whole, one))
    assert sound[0] == pytest.approx(sound[1], rel=0.1) and sound[0] > 50
    assert (
        broken[0] == pytest.approx(sound[0], rel=0.05) and broken[1] < 0.15 * sound[1]
    )  # the patient's left is gone
    every = LabelMap(array=np.where(stems, 7, labels.array).astype(labels.array.dtype), affine=labels.affine)
    full, half = (arch_bone(scan, every, labels, 7) for scan in (whole, one))
    assert full == pytest.approx(stems.sum() / 1000 * 300, rel=0.01) and half == pytest.approx(
        full / 2, rel=0.02
    )
    assert pedicle_bone(*body.measured(SPACING)[:2]) is None


def test_canal_from_the_tissue_map_and_from_the_ring():
    grid = Grid.regular((30, 90, 80), SPACING, (-40.0, -30.0, -15.0))
    places = grid.world(np.indices(grid.shape).reshape(3, -1).T).reshape(*grid.shape, 3)
    hole = np.hypot(places[..., 0] / 11, (places[..., 1] - 27) / 8) < 1
    ring = (np.hypot(places[..., 0] / 16, (places[..., 1] - 27) / 13) < 1) & ~hole
    body = np.hypot(places[..., 0] / 22, places[..., 1] / 16) < 1
    vertebrae = LabelMap(array=np.where((ring | body) & ~hole, 20, 0).astype(np.uint8), affine=grid.affine)
    tissue = LabelMap(array=np.where(hole, int(Tissue.CANAL), 0).astype(np.uint8), affine=grid.affine)
    frame = frame_from(np.zeros(3), np.array([0.0, 0.0, 1.0]))
    for given in (tissue, None):
        found = canal(vertebrae, 20, frame, tissue=given, heights_mm=(-4.0, 0.0, 4.0))
        assert found.area_mm2 == pytest.approx(np.pi * 88, rel=0.1)
        assert found.ap_mm == pytest.approx(15.8, abs=1.6)
    assert (
        canal(LabelMap(array=vertebrae.array * 0, affine=grid.affine), 20, frame, heights_mm=(0.0,)) is None
    )


def test_angles_and_discs_between_two_bodies(shapes):
    turn = 18.0
    lower = shapes.Body(*shapes.level(), shift=(0, 0, -16))
    upper = shapes.Body(*shapes.level(), turn=(turn, 0, 0), shift=(0, 0, 16))
    planes = []
    for body in (upper, lower):
        grid = Grid.regular((90, 76, 76), SPACING, (-38.0, -38.0, -45.0))
        points = grid.world(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1))
        labels = LabelMap(array=np.where(body.inside(points), 7, 0).astype(np.uint8), affine=grid.affine)
        frame = body.frame(labels)
        plates = endplates(body_box(labels, 7, frame))
        planes.append({side: plate_plane(frame, plates, side=side) for side in ("superior", "inferior")})
    # turning about x lifts the back: the upper body leans to the front
    assert between_deg(planes[0]["superior"], planes[1]["inferior"]) == pytest.approx(turn, abs=1.0)
    assert disc_height_mm(planes[0]["inferior"], planes[1]["superior"]) == pytest.approx(32 * np.cos(np.radians(9)) - 27 * np.cos(np.radians(9)), abs=0.8)  # fmt: skip


@pytest.mark.parametrize("where", [np.s_[0:0], np.s_[3:9, 2:8, 4:20], np.s_[0:5, 6:12, 10:24]])
def test_depth_is_the_distance_to_the_surface(where):
    from scipy import ndimage

    inside = np.zeros((12, 12, 24), bool)
    inside[where] = True
    known = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=STEP_MM)[1:-1, 1:-1, 1:-1]
    np.testing.assert_allclose(depth_mm(inside), known)
