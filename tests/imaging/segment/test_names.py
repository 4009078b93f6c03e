"""Names from elsewhere: doubted where sizes or a second look contradict them, left alone where they are right."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.domain.anatomy import LEVELS, level_of_verse, level_rank, verse_of_level
from osteon.imaging.labels_io import read_labels
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.segment.levels import DEPTH_MM, USUAL_COUNT, WIDTH_MM
from osteon.imaging.segment.names import DOUBT, named_otherwise, sized
from osteon.imaging.volume import Grid, LabelMap
from osteon.synth.spine_anatomy import draw_anatomy
from osteon.synth.spine_ct import field_grid
from osteon.synth.spine_render import render_tissue

ORDER = [x for x in LEVELS if x not in ("T13", "L6", "S1")]


def ellipses(shown, called=None, size=1.0, anchored=("labels",)):
    """Bodies as elliptic cylinders of the published widths and depths of ``shown``, under the names ``called``."""
    called = called or shown
    grid = Grid.regular((24 * len(shown), 60, 80), (1.0, 1.0, 1.0))
    _, y, x = np.indices(grid.shape)
    array = np.zeros(grid.shape, np.uint8)
    for k, (level, name) in enumerate(zip(shown, called, strict=True)):
        top = grid.shape[0] - 24 * k
        half = size * WIDTH_MM[level] / 2, size * DEPTH_MM[level] / 2
        inside = np.hypot((x - 40) / half[0], (y - 30) / half[1]) < 1
        inside[: top - 20], inside[top - 2 :] = False, False
        array[inside] = verse_of_level(name)
    bodies = LabelMap(array=array, affine=grid.affine)
    levels = tuple(LevelLabel(code=verse_of_level(n), level=n, confidence=USUAL_COUNT) for n in called)
    return SpineLabels(
        vertebrae=bodies, bodies=bodies, levels=levels, anchored_by=anchored, backend="import:x", version=""
    )


def test_the_share_of_people_with_the_usual_count():
    assert abs(USUAL_COUNT - 0.96 * 0.98 * 0.98 * 0.965) < 0.005


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 19), st.integers(1, 5), st.floats(0.85, 1.15))
def test_bodies_of_usual_size_keep_their_names(first, n, size):
    names = ORDER[first : first + n]
    labels = ellipses(names, size=size)
    assert sized(labels) is labels


def test_thoracic_names_on_lumbar_bodies_are_doubted():
    labels = sized(ellipses(ORDER[17:24], ORDER[8:15]))
    assert DOUBT in labels.notes and max(x.confidence for x in labels.levels) < 0.05
    assert [x.level for x in labels.levels] == ORDER[8:15]


@pytest.mark.parametrize(
    ("fov", "first", "last"), [("T9-S1", "T9", "S1"), ("thoracic", "T1", "T12"), ("whole", "C7", "S1")]
)
@pytest.mark.parametrize("seed", [0, 2, 7])
def test_simulated_spines_and_parts_of_them_keep_their_names(seed, fov, first, last):
    anatomy = draw_anatomy(np.random.default_rng(seed), first=first, last=last, fracture_rate=0.3)
    bodies = render_tissue(anatomy, field_grid(anatomy, spacing_mm=(3.0, 3.0, 3.0), fov=fov)).bodies
    cut = {*np.unique(bodies.array[[0, -1]])}
    levels = sorted(
        (
            LevelLabel(code=int(c), level=level_of_verse(int(c)), confidence=0.8, cropped=c in cut)
            for c in np.unique(bodies.array)
            if c not in (0, 26)
        ),
        key=lambda x: level_rank(x.level),
    )
    whole = SpineLabels(
        vertebrae=bodies,
        bodies=bodies,
        levels=tuple(levels),
        anchored_by=("labels",),
        backend="x",
        version="",
    )
    for n in (3, 5, len(levels)):
        for start in range(0, len(levels) - n + 1, 4):
            part = replace(whole, levels=tuple(levels[start : start + n]))
            assert sized(part) is part


def test_a_second_look_that_counts_from_the_sacrum_may_doubt():
    names = ("T12", "L1", "L2", "L3", "L4")
    ours = ellipses(names, ("L1", "L2", "L3", "L4", "L5"))
    second = ellipses(names, anchored=("sacrum",))
    unsure = {"alternatives": (("L1", 0.03), ("L2", 0.03), ("L3", 0.03), ("L4", 0.03))}
    second = replace(second, levels=tuple(replace(x, **unsure) for x in second.levels))
    doubted = named_otherwise(ours, second)
    assert doubted.notes == (DOUBT,) and [x.confidence for x in doubted.levels] == [0.03] * 4 + [0.0]
    assert named_otherwise(ours, replace(second, anchored_by=("ribs",))) is ours
    assert named_otherwise(ours, replace(second, notes=("anchors_disagree",))) is ours
    right = ellipses(names)
    assert named_otherwise(right, second) is right
    extra = ellipses(names, ("T13", "L1", "L2", "L3", "L4"))  # one of five is another matter than all
    assert named_otherwise(extra, second) is extra


@pytest.mark.parametrize(
    "name",
    [
        "sub-verse010",
        pytest.param("sub-gl003_dir-ax", marks=pytest.mark.slow),
        pytest.param("sub-gl017", marks=pytest.mark.slow),
    ],
)
def test_published_masks_keep_their_names(real_data, name):
    labels = read_labels(real_data / f"ct/verse_masks/{name}_seg-vert_msk.nii.gz", preset="verse")
    assert sized(labels) is labels


def test_one_version_of_totalsegmentator_read_as_the_other(real_data, tmp_path):
    path = real_data / "ct/lumbar_3mm/spine_report/example_ct_report/totalseg.nii.gz"
    right = read_labels(path, preset="totalsegmentator")
    assert sized(right) is right and all(x.confidence == USUAL_COUNT for x in right.levels)
    image = nibabel.load(path)
    bare = nibabel.Nifti1Image(np.asanyarray(image.dataobj), image.affine)  # without the names inside
    nibabel.save(bare, tmp_path / "bare.nii.gz")
    wrong = sized(read_labels(tmp_path / "bare.nii.gz", preset="totalsegmentator_v1"))
    assert wrong.levels[0].level == "T2" and DOUBT in wrong.notes
    assert max(x.confidence for x in wrong.levels) < 0.05


def test_the_block_around_l3_keeps_its_names(real_data):
    path = real_data / "ct/l3_subregions/sub-ct_seg-vert_label-22_msk.nii.gz"
    labels = read_labels(path, preset="verse")
    assert sized(labels) is labels
