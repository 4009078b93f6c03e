"""Which segmenter reads where torch is there, broken or absent."""

import pytest

from osteon.imaging.read import read_volume
from osteon.reading import segmenters
from osteon.reading.spine_ct import CtOptions, read_spine


@pytest.mark.parametrize("fault", ["not installed", "installed but not usable (OSError: x)"])
def test_without_a_usable_torch_the_reading_says_who_looked(real_data, monkeypatch, fault):
    monkeypatch.setattr(segmenters, "torch_fault", lambda: fault)
    volume = read_volume(real_data / "ct/l3_subregions/sub-ct_label-22_ct.nii.gz")
    read = read_spine(volume)
    assert read.labels.backend == "classical" and "classical_without_torch" in read.reading.notes
    asked = read_spine(volume, options=CtOptions(backend="classical"))
    assert "classical_without_torch" not in asked.reading.notes
