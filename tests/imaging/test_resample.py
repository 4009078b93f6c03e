"""Resampling keeps what is linear, what is constant, and every label's own ground."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from osteon.core.errors import InputError
from osteon.imaging.resample import coarser_grid, onto, resample, resample_labels, straightened
from osteon.imaging.volume import Grid, LabelMap, Volume

SPACING = st.tuples(*[st.floats(0.3, 4.0)] * 3)


def ramp(grid):
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    return (grid.world(index) @ np.array([0.3, -0.5, 0.8])).astype(np.float32)


@given(SPACING, SPACING, st.sampled_from([1, 3]))
@settings(max_examples=25, deadline=None)
def test_a_ramp_stays_a_ramp_inside(old, new, order):
    grid = Grid.regular((16, 12, 14), old)
    out = resample(Volume(array=ramp(grid), affine=grid.affine), new, order=order)
    reach = [2 * order * max(1, n / o) * o for n, o in zip(new, old, strict=True)]
    index = np.stack(np.meshgrid(*(np.arange(n) for n in out.array.shape), indexing="ij"), axis=-1)
    place = grid.index(out.grid.world(index)) * old
    far = ((np.array(grid.shape) - 1) * old)[None]
    inside = ((place > reach) & (place < far - reach)).all(axis=-1)
    assert np.abs(out.array - ramp(out.grid))[inside].max(initial=0) < 2e-3


@given(SPACING, st.sampled_from([0, 1, 3]), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_constant_stays_and_the_field_of_view_too(new, order, antialias):
    grid = Grid.regular((8, 9, 10), (1.0, 1.0, 1.0), (5.0, 6.0, 7.0))
    volume = Volume(array=np.full(grid.shape, -300, np.float32), affine=grid.affine)
    out = resample(volume, new, order=order, antialias=antialias)
    assert np.allclose(out.array, -300, atol=1e-3)
    middle = (np.array(out.array.shape) - 1) / 2
    assert out.grid.world(middle) == pytest.approx(grid.world((np.array(grid.shape) - 1) / 2))
    assert np.abs(np.array(out.array.shape) * new - grid.shape).max() <= max(new)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_same_spacing_is_the_identity(order):
    array = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    volume = Volume(array=array, affine=Grid.regular((5, 6, 7), (2.0, 1.0, 1.0)).affine)
    assert np.array_equal(resample(volume, (2.0, 1.0, 1.0), order=order).array, array)
    assert onto(volume, volume.grid) is volume


def test_finer_agrees_with_scipy():
    array = np.random.default_rng(1).normal(size=(6, 7, 8)).astype(np.float32)
    volume = Volume(array=array, affine=Grid.regular((6, 7, 8), (1.0, 1.0, 1.0)).affine)
    out = resample(volume, (0.5, 0.5, 0.5))
    index = np.moveaxis(
        volume.grid.index(out.grid.world(np.indices(out.array.shape).transpose(1, 2, 3, 0))), -1, 0
    )
    known = ndimage.map_coordinates(
        array, np.clip(index, 0, np.array(array.shape)[:, None, None, None] - 1), order=1
    )
    assert np.abs(out.array - known).max() < 1e-5


def test_antialiasing_keeps_a_thin_sheet():
    array = np.zeros((60, 4, 4), np.float32)
    array[30] = 1200.0
    volume = Volume(array=array, affine=Grid.regular(array.shape, (0.5, 1, 1)).affine)
    for shift in range(4):
        moved = Volume(array=np.roll(array, shift, axis=0), affine=volume.affine)
        total = resample(moved, (3.0, 1, 1)).array.sum() * 3.0
        assert total == pytest.approx(1200 * 0.5 * 16, rel=0.05)


def test_onto_another_grid():
    grid = Grid.regular((12, 12, 12), (1.5, 1.0, 1.0))
    volume = Volume(array=ramp(grid), affine=grid.affine)
    turned = np.eye(4)
    angle = 0.2
    turned[:3, :3] = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    target = Grid(
        shape=(8, 20, 20), affine=turned @ Grid.regular((8, 20, 20), (2.0, 0.7, 0.7), (-2.0, 1.0, 1.0)).affine
    )
    out = onto(volume, target, fill=-999)
    index = np.indices(target.shape).transpose(1, 2, 3, 0)
    place = grid.index(target.world(index))
    inside = ((place >= 0) & (place <= np.array(grid.shape) - 1)).all(axis=-1)
    assert inside.any()
    assert np.abs(out.array - ramp(target))[inside].max() < 1e-3
    outside = ((place < -1) | (place > np.array(grid.shape))).any(axis=-1)
    assert (out.array[outside] == -999).all()


@pytest.mark.parametrize("tilt", [-25.0, 12.0])
def test_a_sheared_volume_is_straightened(tilt):
    grid = Grid.regular((10, 12, 14), (2.0, 1.0, 1.0))
    affine = grid.affine.copy()
    affine[1, 0] = 2.0 * np.tan(np.radians(tilt))
    sheared = Grid(shape=grid.shape, affine=affine)
    out = straightened(Volume(array=ramp(sheared), affine=affine))
    assert out.notes == ("resampled_gantry_tilt",)
    assert out.spacing_mm == pytest.approx((2.0, 1.0, 1.0))
    assert out.array.shape[0] == 10
    right = np.abs(out.array - ramp(out.grid)) < 1e-3
    assert right.sum() >= 10 * 11 * 14
    assert straightened(out) is out
    affine[1, 0] = 3.0
    with pytest.raises(InputError, match="sheared by 56"):
        straightened(Volume(array=ramp(sheared), affine=affine))


def blobs(seed, shape=(20, 24, 22), count=4):
    rng = np.random.default_rng(seed)
    z, y, x = np.indices(shape)
    array = np.zeros(shape, np.uint8)
    for k in range(count):
        c = rng.uniform(4, np.array(shape) - 4)
        array[((z - c[0]) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2) < rng.uniform(3, 6) ** 2] = 20 + k
    return array


@given(st.integers(0, 1000), SPACING)
@settings(max_examples=20, deadline=None)
def test_no_label_is_invented_and_volumes_stay(seed, spacing):
    grid = Grid.regular((20, 24, 22), (1.0, 1.0, 1.0))
    labels = LabelMap(array=blobs(seed), affine=grid.affine, names={20: "L1"})
    target = coarser_grid(grid, tuple(min(s, 1.5) for s in spacing))
    out = resample_labels(labels, target)
    assert set(out.present) <= set(labels.present)
    assert out.names == labels.names
    for k in labels.present:
        before = (labels.array == k).sum() * grid.voxel_ml
        if before > 0.3:
            assert (out.array == k).sum() * target.voxel_ml == pytest.approx(before, rel=0.15)


@given(hnp.arrays(np.uint8, (4, 5, 6), elements=st.sampled_from([0, 3, 7, 200])))
def test_moved_by_whole_voxels_nothing_changes(array):
    labels = LabelMap(array=array, affine=Grid.regular((4, 5, 6), (2.0, 0.7, 0.7)).affine)
    wide = Grid.regular((8, 9, 10), (2.0, 0.7, 0.7), (-1.4, -0.7, -2.0))
    out = resample_labels(labels, wide)
    assert np.array_equal(out.array[1:5, 1:6, 2:8], array)
    assert out.array.sum(dtype=int) == array.sum(dtype=int)


def test_labels_touching_share_the_border_fairly():
    array = np.zeros((4, 4, 10), np.uint16)
    array[:, :, 1:5], array[:, :, 5:9] = 1000, 40_000
    labels = LabelMap(array=array, affine=Grid.regular(array.shape, (1.0, 1.0, 1.0)).affine)
    out = resample_labels(labels, coarser_grid(labels.grid, (0.25, 0.25, 0.25)))
    assert out.array.dtype == np.uint16
    middle = out.array[8, 8]
    assert (middle == 1000).sum() == 16
    assert (middle == 40_000).sum() == 16
    assert not (middle[4:36] == 0).any()


def test_labels_elsewhere_are_gone():
    labels = LabelMap(array=blobs(3), affine=Grid.regular((20, 24, 22), (1.0, 1.0, 1.0)).affine)
    assert resample_labels(labels, Grid.regular((5, 5, 5), (1, 1, 1), (500.0, 0, 0))).present == ()
    empty = LabelMap(array=np.zeros((3, 3, 3), np.uint8), affine=np.eye(4))
    assert resample_labels(empty, labels.grid).present == ()


def test_what_is_no_spacing_or_order():
    volume = Volume(array=np.zeros((3, 3, 3), np.float32), affine=np.eye(4))
    with pytest.raises(InputError, match="spacing"):
        resample(volume, (0.0, 1.0, 1.0))
    with pytest.raises(InputError, match="order 2"):
        resample(volume, (0.5, 0.5, 0.5), order=2)
    with pytest.raises(InputError, match="order 5"):
        onto(volume, Grid.regular((3, 3, 3), (1.0, 1.0, 2.0)), order=5)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 3.0, 3.0)])
def test_real_masks_keep_their_volumes(real_data, spacing):
    from osteon.imaging.labels_io import read_label_map

    labels = read_label_map(real_data / "ct/verse_masks/sub-verse010_seg-vert_msk.nii.gz").labels
    out = resample_labels(labels, coarser_grid(labels.grid, spacing))
    assert out.present == labels.present == (20, 21, 22, 23, 24)
    for k in labels.present:
        before = (labels.array == k).sum() * labels.grid.voxel_ml
        assert (out.array == k).sum() * out.grid.voxel_ml == pytest.approx(before, rel=0.05)
