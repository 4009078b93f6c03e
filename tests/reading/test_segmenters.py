"""Which segmenter reads where torch is there, broken or absent."""

from dataclasses import replace

import pytest

from osteon.imaging.labels_io import read_labels
from osteon.imaging.read import read_volume
from osteon.reading import segmenters, spine_ct
from osteon.reading.spine_ct import CtOptions, read_spine


@pytest.mark.parametrize("fault", ["not installed", "installed but not usable (OSError: x)"])
def test_without_a_usable_torch_the_reading_says_who_looked(real_data, monkeypatch, fault):
    monkeypatch.setattr(segmenters, "torch_fault", lambda: fault)
    volume = read_volume(real_data / "ct/l3_subregions/sub-ct_label-22_ct.nii.gz")
    read = read_spine(volume)
    assert read.labels.backend == "classical" and "classical_without_torch" in read.reading.notes
    asked = read_spine(volume, options=CtOptions(backend="classical"))
    assert "classical_without_torch" not in asked.reading.notes


def test_who_is_looked_at_a_second_time(real_data, monkeypatch):
    root = real_data / "ct/l3_subregions"
    volume = read_volume(root / "sub-ct_label-22_ct.nii.gz")
    imported = read_labels(root / "sub-ct_seg-vert_label-22_msk.nii.gz", preset="verse", like=volume)
    looked = []

    def again(scan):
        looked.append(scan)
        return imported

    monkeypatch.setattr(spine_ct, "second_look", again)
    external = replace(imported, backend="external:totalsegmentator")
    assert [x.agreement for x in read_spine(volume, labels=external).labels.levels] == [1.0] * 3
    assert [x.agreement for x in read_spine(volume, labels=imported).labels.levels] == [None] * 3
    assert len(looked) == 2
    read_spine(volume, labels=replace(imported, anchored_by=("labels", "user")))  # a person named them
    read_spine(volume, labels=external, options=CtOptions(cross_check=False))
    assert len(looked) == 2
