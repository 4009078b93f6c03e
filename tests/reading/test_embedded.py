"""Looking at a scan through the nets' grids: geometry and sampling hold whatever the scan's voxels are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import InputError
from osteon.domain.anatomy import Tissue
from osteon.imaging.volume import Grid, Volume
from osteon.models.spine_net import COARSE, FINE, SpineNet, module_of
from osteon.reading.embedded import AIR_HU, coarse_grid, fine_grid, looked_at, probabilities, refine

SPACING = st.floats(0.5, 5.0)


def scan(shape, spacing, origin=(0.0, 0.0, 0.0), values=None):
    grid = Grid.regular(shape, spacing, origin)
    array = np.zeros(shape, np.float32) if values is None else values(grid).astype(np.float32)
    return Volume(array=array, affine=grid.affine)


def ramp(grid):
    return grid.world(np.moveaxis(np.indices(grid.shape), 0, -1)) @ [1.0, -2.0, 3.0]


@given(SPACING, SPACING, SPACING, st.floats(0.7, 4.0))
@settings(max_examples=25, deadline=None)
def test_a_ramp_stays_a_ramp_away_from_the_border(dz, dy, dx, step):
    """Averaging with a symmetric weight leaves linear functions alone, to within a tenth of the smaller voxel."""
    volume = scan((24, 20, 22), (dz, dy, dx), (5.0, -7.0, 11.0), ramp)
    grid = coarse_grid(volume, step)
    index = np.moveaxis(np.indices(grid.shape), 0, -1)
    seen = looked_at(volume, grid)
    voxel = volume.grid.index(grid.world(index))
    margin = 1 + np.maximum(1, step / np.array([dz, dy, dx]))
    inner = ((voxel >= margin) & (voxel <= np.array(volume.array.shape) - 1 - margin)).all(-1)
    slack = 0.15 * (3 * dz + 2 * dy + dx)
    assert np.abs(seen - ramp(grid))[inner].max(initial=0) <= slack


def test_finer_sampling_is_linear_interpolation_and_the_same_grid_changes_nothing():
    volume = scan((9, 8, 7), (2.0, 2.0, 2.0), values=lambda g: np.random.default_rng(0).normal(size=g.shape))
    np.testing.assert_array_equal(looked_at(volume, volume.grid), volume.array)
    half = Grid.regular((17, 1, 1), (1.0, 2.0, 2.0))
    expected = np.interp(np.arange(17), np.arange(9) * 2, volume.array[:, 0, 0])
    np.testing.assert_allclose(looked_at(volume, half)[:, 0, 0], expected, atol=1e-5)


def test_beyond_the_scan_is_air_and_a_turned_grid_is_refused():
    volume = scan((5, 5, 5), (1.0, 1.0, 1.0))
    seen = looked_at(volume, Grid.regular((9, 9, 9), (1.0, 1.0, 1.0), (-2.0, -2.0, -2.0)))
    assert (seen[2:7, 2:7, 2:7] == 0).all()
    assert (seen[:2] == AIR_HU).all()
    assert (seen[:, :, 7:] == AIR_HU).all()
    assert (looked_at(volume, Grid.regular((2, 2, 2), (1.0, 1.0, 1.0), (90.0, 0.0, 0.0))) == AIR_HU).all()
    flipped = Grid.regular((5, 5, 5), (1.0, 1.0, 1.0)).affine @ np.diag([1.0, 1.0, -1.0, 1.0])
    with pytest.raises(InputError, match="turned"):
        looked_at(volume, Grid(shape=(5, 5, 5), affine=flipped))


def test_grids_lie_where_they_should():
    volume = scan((40, 60, 50), (2.0, 0.9, 1.1), (-20.0, 30.0, 400.0))
    grid = coarse_grid(volume, 3.0)
    assert grid.spacing_mm == pytest.approx((3.0, 3.0, 3.0))
    middle = (np.array(volume.array.shape) - 1) / 2
    np.testing.assert_allclose(
        grid.world((np.array(grid.shape) - 1) / 2), volume.grid.world(middle), atol=1e-9
    )
    point = np.array([3.0, 55.0, 437.0])
    np.testing.assert_allclose(fine_grid(volume, point, FINE).world(FINE.before), point, atol=1e-9)


@pytest.fixture(scope="module")
def undecided():
    """A net that gives every class the same probability."""
    stages = {}
    for stage in (replace(COARSE, widths=(4, 8), window=(16, 16, 16)), replace(FINE, widths=(4, 8))):
        weights = {name: value.numpy() * 0 for name, value in module_of(stage).state_dict().items()}
        stages[stage.name] = replace(stage, weights=weights)
    return SpineNet(stages=stages)


def test_probabilities_cover_the_scan_and_air_is_background(undecided):
    volume = scan((30, 70, 60), (2.0, 1.0, 1.0))
    volume.array[:, :20] = -1000
    maps = probabilities(volume, undecided, threads=1)
    assert maps.probability.shape == (8, *maps.grid.shape) == (8, 20, 23, 20)
    np.testing.assert_allclose(maps.probability.sum(0), 1, atol=1e-5)
    assert (maps.of(Tissue.BACKGROUND)[:, :3] == 1).all()
    np.testing.assert_allclose(maps.of(Tissue.DISC)[:, 8:], 1 / 8)
    assert (maps.labels == 0).all()


def test_a_scan_lying_any_way_is_looked_at_the_same(undecided):
    volume = scan(
        (30, 40, 50), (2.0, 1.5, 1.0), values=lambda g: np.random.default_rng(1).normal(size=g.shape) * 100
    )
    turned = Volume(
        array=volume.array.transpose(2, 0, 1)[::-1],
        affine=volume.affine[:, [2, 0, 1, 3]] @ np.diag([-1.0, 1, 1, 1]),
    )
    turned.affine[:3, 3] = volume.grid.world([0, 0, 49])
    one, other = (refine(v, [(20.0, 30.0, 30.0)], undecided, threads=1)[0] for v in (volume, turned))
    assert one.grid.same_place(other.grid)
    np.testing.assert_allclose(one.vertebra, other.vertebra, atol=1e-5)
    np.testing.assert_allclose(one.vertebra, 2 / 3, atol=1e-5)
    maps = [probabilities(v, undecided, threads=1) for v in (volume, turned)]
    np.testing.assert_allclose(maps[0].hu, maps[1].hu, atol=1e-3)
