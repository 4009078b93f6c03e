"""Imported names beside the CT they belong to: right ones stay, ones off by a level are doubted."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest

from osteon.core.errors import ConfigError
from osteon.imaging.labels_io import read_label_map, read_labels
from osteon.imaging.read import read_volume
from osteon.imaging.segment.correct import shifted
from osteon.imaging.segment.levels import USUAL_COUNT
from osteon.reading.spine_ct import read_ct, read_spine


@pytest.mark.slow
def test_names_off_by_one_level_are_doubted_and_right_ones_are_not(real_data):
    root = real_data / "ct/lumbar_3mm"
    volume = read_volume(root / "example_ct.nii.gz")
    path = root / "spine_report/example_ct_report/totalseg.nii.gz"
    right = read_labels(path, preset="totalsegmentator", like=volume)
    read = read_spine(volume, labels=right)
    assert "names_do_not_fit" not in read.reading.notes
    assert {v.level_confidence for v in read.reading.vertebrae} == {USUAL_COUNT}
    off = shifted(right, -1)
    read = read_spine(volume, labels=replace(off, anchored_by=right.anchored_by))
    assert "names_do_not_fit" in read.reading.notes
    lumbar = [v.level_confidence for v in read.reading.vertebrae if v.level.startswith("L")]
    assert max(lumbar) < 0.2
    read = read_spine(volume, labels=off)  # a person shifted them
    assert "names_do_not_fit" not in read.reading.notes and read.labels.levels[0].confidence == 1.0


def test_a_folder_of_masks_and_a_map_of_regions_are_read_like_the_one_map(real_data, tmp_path):
    root = real_data / "ct/lumbar_3mm/spine_report/example_ct_report"
    image = nibabel.load(root / "totalseg.nii.gz")
    array = np.asanyarray(image.dataobj)
    for value, name in {29: "L3", 30: "L2", 31: "L1"}.items():
        mask = nibabel.Nifti1Image((array == value).astype(np.uint8), image.affine)
        nibabel.save(mask, tmp_path / f"vertebrae_{name}.nii.gz")
    folder = read_ct(tmp_path, labels="totalsegmentator").labels
    parts = root / "totalseg_vertebrae_body.nii.gz"
    whole = read_ct(root / "totalseg.nii.gz", labels="totalsegmentator").labels
    cut = read_ct(root / "totalseg.nii.gz", labels="totalsegmentator", regions=parts).labels
    assert [x.level for x in folder.levels] == ["L1", "L2", "L3"]
    for code in (20, 21, 22):
        assert np.array_equal(folder.vertebrae.array == code, whole.vertebrae.array == code)
    body = read_label_map(parts).labels.array == 1
    assert np.array_equal(cut.bodies.array > 0, body & (whole.vertebrae.array > 0))
    with pytest.raises(ConfigError, match="what do its numbers mean"):
        read_ct(root / "totalseg.nii.gz", regions=parts)
