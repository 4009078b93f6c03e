"""Samples of invented spines: labels fit images, the n-th sample is always the same, pieces lie where they should."""

from itertools import islice

import numpy as np
import pytest

from osteon.core.seeds import stream
from osteon.models.spine_net import COARSE, FINE
from osteon.reading.embedded import looked_at
from osteon.reading.spine_ct_samples import (
    Recipe,
    Scanned,
    _cut_coarse,
    _cut_fine,
    _in_cubes,
    _wide,
    coarse_scans,
    fine_scans,
    pooled,
)
from osteon.synth.spine_anatomy import draw_anatomy
from osteon.synth.spine_render import render_tissue

RECIPE = Recipe(start=1, size=2, samples_per_scan=2)


def numbered(seed, number):
    """Stands in for a scan: all voxels hold the number of the anatomy."""
    values = np.full((2, 2, 2), number, np.int16)
    return (Scanned(hu=values, labels=values.astype(np.uint8)),)


def plain(rng, scan):
    return scan.hu + rng.random(), scan.labels


def first(n, **options):
    return list(islice(pooled(numbered, plain, seed=4, name="toy", recipe=RECIPE, **options), n))


def test_the_nth_sample_does_not_depend_on_where_the_stream_was_taken_up():
    whole = first(12, workers=0)
    for start in (1, 5, 8):
        for (image, labels), (again, also) in zip(
            whole[start:], first(12 - start, first=start, workers=0), strict=True
        ):
            np.testing.assert_array_equal(image, again)
            np.testing.assert_array_equal(labels, also)


def test_the_pool_holds_the_newest_scans_only():
    used = [int(labels[0, 0, 0]) for _, labels in first(40, workers=0)]
    for sample, anatomy in enumerate(used):
        newest = RECIPE.start + sample // RECIPE.samples_per_scan - 1
        assert max(0, newest - RECIPE.size + 1) <= anatomy <= newest


@pytest.mark.slow
def test_a_process_beside_changes_nothing():
    def taken(workers):
        return list(
            islice(pooled(fine_scans, _cut_fine, seed=4, name="f", recipe=RECIPE, workers=workers), 3)
        )

    for (image, labels), (again, also) in zip(taken(0), taken(1), strict=True):
        np.testing.assert_array_equal(image, again)
        np.testing.assert_array_equal(labels, also)


def test_coarse_pieces_show_bone_where_the_labels_say_so():
    (scan,) = coarse_scans(1, 0)
    assert set(np.unique(scan.labels)) <= set(range(COARSE.classes))
    bone = np.isin(scan.labels, (1, 2, 5))
    assert np.median(scan.hu[bone]) > np.median(scan.hu[~bone]) + 30
    for k in range(4):
        image, labels = _cut_coarse(stream(0, "piece", k), scan)
        assert image.shape == (1, *labels.shape)
        assert image.dtype == np.float32
        assert all(side % 8 == 0 for side in labels.shape)


def test_fine_pieces_hold_the_body_under_the_bump():
    scans = fine_scans(1, 0)
    assert 3 <= len(scans) <= 4
    for k, scan in enumerate(scans):
        image, labels = _cut_fine(stream(0, "fine piece", k), scan)
        assert image.shape == (2, *labels.shape)
        assert all(side % 8 == 0 for side in labels.shape)
        assert labels.max() < FINE.classes
        assert labels[np.unravel_index(image[1].argmax(), labels.shape)] == 1


@pytest.mark.slow
@pytest.mark.parametrize("cube", [1.5, 2.0, 3.0])
def test_a_resampled_scan_shows_the_vertebra_where_it_lies(cube):
    anatomy = draw_anatomy(stream(5, "cubes"), first="T12", last="S1", fractures=[])
    vertebra = anatomy.at("L3")
    volume = _in_cubes(stream(6, "cubes"), anatomy, vertebra, cube)
    np.testing.assert_allclose(volume.spacing_mm, cube)
    target = _wide(FINE, vertebra)
    corners = volume.grid.index(target.world([[0, 0, 0], np.array(target.shape) - 1]))
    assert (corners[0] >= 0).all() and (corners[1] <= np.array(volume.array.shape) - 1).all()
    hu = looked_at(volume, target).clip(-200, 600)
    bone = np.isin(render_tissue(anatomy, target).tissue.array, (1, 2, 5)).astype(float)
    shifts = [(z, y, x) for z in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    alike = {s: np.corrcoef(np.roll(hu, s, axis=(0, 1, 2)).ravel(), bone.ravel())[0, 1] for s in shifts}
    assert max(alike, key=alike.get) == (0, 0, 0)
