"""Heights, angles and volumes of bodies whose shape is known in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import NotEnoughData
from osteon.imaging.measure import surface
from osteon.imaging.measure.frame import body_box, frame_from, robust_plane, tilted
from osteon.imaging.measure.surface import endplates
from osteon.imaging.volume import Grid, LabelMap, Volume

TOLERANCE_MM = {(0.5, 0.5, 0.5): 0.25, (1.0, 1.0, 1.0): 0.45, (1.5, 1.5, 1.5): 0.8, (3.0, 3.0, 3.0): 1.7}


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.5, 1.5, 1.5), (3.0, 3.0, 3.0)])
@pytest.mark.parametrize("loss", [0.0, 0.15, 0.35])
def test_heights_of_a_tilted_wedge(shapes, spacing, loss):
    body = shapes.Body(*shapes.level(anterior=loss), turn=(9, -6, 5), shift=(0.3, -0.4, 0.2))
    found = shapes.heights(body.measured(spacing)[2])
    assert np.abs(found - shapes.wedge_heights(loss)).max() < TOLERANCE_MM[spacing]


@pytest.mark.parametrize(
    "spacing", [(1.0, 1.0, 1.0), pytest.param((0.5, 0.5, 0.5), marks=pytest.mark.slow), (1.5, 1.5, 1.5)]
)
def test_heights_of_biconcave_and_crushed_bodies(shapes, spacing):
    biconcave = shapes.Body(*shapes.level(middle=0.25), turn=(4, 3, -7), shift=(0.2, 0.1, 0.4))
    crushed = shapes.Body(*shapes.level(anterior=0.3, middle=0.3, posterior=0.3), turn=(-5, 8, 3))
    hollow = 27 * (1 - 0.25 * (1 - (2 * 0.9 - 1) ** 2))
    found = shapes.heights(biconcave.measured(spacing)[2])
    assert np.abs(found - [hollow, 27 * 0.75, hollow]).max() < TOLERANCE_MM[spacing] + 0.15
    assert np.abs(shapes.heights(crushed.measured(spacing)[2]) - 27 * 0.7).max() < TOLERANCE_MM[spacing]


def test_heights_are_not_quantised_to_voxels(shapes):
    wanted = np.linspace(24.0, 25.5, 7)
    found = []
    for tall in wanted:
        ends = (
            lambda x, s, tall=tall: np.full_like(s, tall / 2),
            lambda x, s, tall=tall: np.full_like(s, -tall / 2),
        )
        found.append(shapes.heights(shapes.Body(*ends, turn=(7, 5, 0)).measured((1.5, 1.5, 1.5))[2]).mean())
    assert np.abs(np.array(found) - wanted).max() < 0.25
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.9, 0.9), (1.0, 1.2, 0.8)])
def test_a_rigid_motion_or_another_grid_changes_nothing(shapes, spacing):
    still = shapes.heights(
        shapes.Body(*shapes.level(anterior=0.2)).measured((0.8, 0.8, 0.8), off=(0, 0, 0))[2]
    )
    moved = shapes.Body(*shapes.level(anterior=0.2), turn=(14, -11, 8), shift=(1.3, -2.2, 0.7)).measured(
        spacing
    )[2]
    assert np.abs(shapes.heights(moved) - still).max() < 0.6


def test_a_mirrored_body_has_the_same_heights_and_the_opposite_side_wedge(shapes):
    _, bottom = shapes.level()

    def top(sign):
        return lambda x, s: 13.5 + sign * 0.08 * x

    one, other = (
        shapes.Body(top(sign), bottom).measured((1.0, 1.0, 1.0), off=(0, 0, 0))[2] for sign in (1, -1)
    )
    assert np.abs(shapes.heights(one) - shapes.heights(other)).max() < 0.25
    assert one.lateral_wedge_deg == pytest.approx(np.degrees(np.arctan(0.08)), abs=0.7)
    assert other.lateral_wedge_deg == pytest.approx(-one.lateral_wedge_deg, abs=0.6)


@pytest.mark.parametrize("loss", [-0.15, 0.1, 0.3])
def test_wedge_angle_and_volume(shapes, loss):
    _, plates, shape = shapes.Body(*shapes.level(anterior=loss), turn=(6, 4, 0)).measured((1.0, 1.0, 1.0))
    assert shape.wedge_deg == pytest.approx(np.degrees(np.arctan(27 * loss / 32)), abs=0.8)
    assert plates.depth_mm == pytest.approx(32, abs=1.2)
    assert plates.width_mm == pytest.approx(44, abs=2.5)


def test_volume_is_that_of_the_voxels(shapes):
    body = shapes.Body(*shapes.level(), turn=(6, 4, 0))
    labels = body.voxels((1.0, 1.0, 1.0))
    assert body.measured((1.0, 1.0, 1.0))[2].volume_ml == pytest.approx(
        (labels.array > 0).sum() / 1000, rel=0.01
    )


def test_a_probability_map_says_more_than_its_voxels(shapes):
    """Partial volumes place an untilted endplate inside a voxel, where a label map can only round."""
    grid = Grid.regular((50, 60, 70), (1.0, 1.0, 1.0), (-35.0, -30.0, -25.0))
    z, y, x = np.meshgrid(*(np.arange(n) - n / 2 for n in grid.shape), indexing="ij")
    oval = (np.abs(x / 22) ** 2.6 + np.abs(y / 16) ** 2.6 < 1).astype(np.float32)
    share = np.clip(12.3 + 0.5 - np.abs(z), 0, 1) * oval
    probability = Volume(array=share.astype(np.float32), affine=grid.affine)
    plates = endplates(
        body_box(probability, None, frame_from(grid.world([25, 30, 35]), np.array([0, 0, 1.0])))
    )
    assert plates.depth_mm == pytest.approx(32, abs=1.5)
    assert np.nanmedian(plates.top_mm - plates.bottom_mm) == pytest.approx(24.6, abs=0.2)


def test_a_spur_in_front_does_not_move_the_front(shapes):
    """An osteophyte of one rim, 6 mm long: the other endplate says where the body ends."""
    plain = shapes.Body(*shapes.level())
    labels = plain.voxels((1.0, 1.0, 1.0))
    points = labels.grid.world(np.indices(labels.array.shape).reshape(3, -1).T)
    spur = (
        (np.abs(points[:, 0]) < 10)
        & (points[:, 1] < -14)
        & (points[:, 1] > -22)
        & (np.abs(points[:, 2] - 11) < 2)
    )
    beaked = LabelMap(array=np.where(spur.reshape(labels.array.shape), 7, labels.array), affine=labels.affine)
    found = [endplates(body_box(m, 7, plain.frame(labels))).front_mm for m in (labels, beaked)]
    assert found[1] - found[0] < 2.6


@settings(max_examples=15, deadline=None)
@given(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4), st.integers(0, 30))
def test_a_plane_is_found_behind_gross_outliers(a, b, seed):
    rng = np.random.default_rng(seed)
    u, v = rng.uniform(-15, 15, (2, 300))
    w = 3 + a * u + b * v + rng.normal(0, 0.1, 300)
    w[:60] += rng.uniform(5, 20, 60)
    assert robust_plane(u, v, w) == pytest.approx((a, b, 3), abs=0.05)


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.floats(-0.4, 0.4)] * 2), st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_frames_stay_right_angled_and_face_forward(lean, slope_u, slope_v):
    frame = tilted(frame_from(np.zeros(3), np.array([*lean, 1.0])), slope_u, slope_v)
    assert np.allclose(frame.directions @ frame.directions.T, np.eye(3), atol=1e-12)
    assert frame.front[1] < 0 < frame.left[0]
    point = np.array([3.0, -2.0, 5.0])
    assert np.allclose(frame.local(frame.world(point)), point)


def test_what_is_no_body_is_refused():
    empty = LabelMap(
        array=np.zeros((20, 20, 20), np.uint8), affine=Grid.regular((20, 20, 20), (1, 1, 1)).affine
    )
    with pytest.raises(NotEnoughData):
        body_box(empty, 3, frame_from(np.array([10.0, 10.0, 10.0]), np.array([0, 0, 1.0])))
    far = frame_from(np.array([500.0, 0.0, 0.0]), np.array([0, 0, 1.0]))
    with pytest.raises(NotEnoughData):
        body_box(empty, 3, far)
    with pytest.raises(NotEnoughData):
        robust_plane(*np.zeros((3, 4)))


def test_strips_without_a_border_are_refused_without_a_warning(shapes, monkeypatch):
    whole = surface._border

    def half(*args, **kwargs):
        border = whole(*args, **kwargs)
        border[::2] = np.inf
        return border

    monkeypatch.setattr(surface, "_border", half)
    body = shapes.Body(*shapes.level())
    labels = body.voxels((1.0, 1.0, 1.0))
    with pytest.raises(NotEnoughData):
        endplates(body_box(labels, 7, body.frame(labels)))


@pytest.mark.parametrize("box", [(30, 2, 30), (30, 30, 2)])
def test_a_splinter_is_no_body(box):
    """Neither a shell a few millimetres deep nor one a few millimetres wide has endplates."""
    grid = Grid.regular((40, 40, 40), (1, 1, 1))
    array = np.zeros(grid.shape, np.uint8)
    array[tuple(slice(20 - n // 2, 20 + n // 2) for n in box)] = 5
    labels = LabelMap(array=array, affine=grid.affine)
    frame = frame_from(np.array([19.5, 19.5, 19.5]), np.array([0, 0, 1.0]))
    with pytest.raises(NotEnoughData, match="mm"):
        endplates(body_box(labels, 5, frame))
