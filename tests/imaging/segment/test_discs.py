"""Discs of a straight column of known spacings, one vertebra collapsed."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from osteon.imaging.segment.canal import canal_path
from osteon.imaging.segment.discs import APART_MM, CLEAR, clear_discs, disc_evidence, find_discs
from osteon.imaging.volume import Grid

STEP_MM = 3.0
DISC_MM = 7.0


def column(spacings_mm):
    """Maps (body, disc, canal) of a straight spine, first spacing lowest, and where its discs lie above the floor."""
    discs = 30.0 + np.concatenate([[0.0], np.cumsum(spacings_mm)])
    grid = Grid.regular((int(discs[-1] / STEP_MM) + 10, 36, 30), (STEP_MM,) * 3, (-45.0, -60.0, 0.0))
    z, y, x = np.moveaxis(
        grid.world(np.indices(grid.shape).reshape(3, -1).T).reshape(*grid.shape, 3)[..., ::-1], -1, 0
    )
    canal = (np.hypot(x, y - 0.0) < 8.0).astype(np.float32)
    inside = np.hypot(x / 22.0, (y + 29.0) / 18.0) < 1.0
    gap = np.abs(z[..., None] - discs).min(axis=-1) < DISC_MM / 2
    return grid, (inside & ~gap).astype(np.float32), (inside & gap).astype(np.float32), canal, discs


@pytest.mark.parametrize("collapsed", range(1, 7))
@pytest.mark.parametrize("kept", [1.0, 0.6])
def test_every_disc_is_found_beside_a_collapsed_vertebra(collapsed, kept):
    spacings = np.array([33.0, 36.0, 37.0, 37.0, 35.0, 33.0, 30.0, 28.0])
    spacings[collapsed] *= kept
    spacings[0] *= 0.8
    grid, body, disc, canal, truth = column(spacings)
    path = canal_path(canal, grid)
    found = find_discs(path, disc_evidence(path, grid, body, disc))
    heights = np.array([plane.centre_lps_mm[2] for plane in found])
    assert len(heights) == len(truth)
    assert np.abs(heights - truth).max() < 6.0


def test_the_clear_discs_are_the_peaks_that_scipy_finds():
    rng = np.random.default_rng(0)
    for _ in range(200):
        gain = gaussian_filter1d(rng.normal(0, 3, rng.integers(30, 500)), rng.uniform(0.5, 6)) * rng.uniform(
            0.5, 4
        )
        known, _ = find_peaks(np.pad(gain, 1, constant_values=-1.0), height=CLEAR, distance=APART_MM)
        np.testing.assert_array_equal(clear_discs(gain), known - 1)
