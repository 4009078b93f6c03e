"""Imported names beside the CT they belong to: right ones stay, ones off by a level are doubted."""

from dataclasses import replace

import pytest

from osteon.imaging.labels_io import read_labels
from osteon.imaging.read import read_volume
from osteon.imaging.segment.correct import shifted
from osteon.imaging.segment.levels import USUAL_COUNT
from osteon.reading.spine_ct import read_spine


@pytest.mark.slow
def test_names_off_by_one_level_are_doubted_and_right_ones_are_not(real_data):
    pytest.importorskip("torch")
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
