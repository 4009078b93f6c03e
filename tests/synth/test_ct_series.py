"""An invented CT as DICOM comes back as it was, compressed or not, and says throughout that it was invented."""

import numpy as np
import pydicom
import pytest

from osteon.core.errors import InputError
from osteon.imaging.read import read_volume
from osteon.imaging.volume import Grid, Volume
from osteon.synth.ct_series import write_ct_series


@pytest.fixture
def scan():
    rng = np.random.default_rng(0)
    grid = Grid.regular((7, 48, 40), (2.5, 0.8, 0.8), (-8.0, -30.0, 415.0))
    return Volume(array=rng.integers(-1000, 1500, grid.shape).astype(np.float32), affine=grid.affine)


@pytest.mark.parametrize("syntax", ["explicit", "jpeg2000"])
def test_round_trip(scan, tmp_path, syntax):
    write_ct_series(scan, tmp_path / "ct", syntax=syntax)
    back = read_volume(tmp_path / "ct")
    assert back.grid.same_place(scan.grid)
    np.testing.assert_array_equal(back.array, scan.array)
    assert back.meta["kvp"] == 120


def test_every_file_says_simulated_and_is_written_twice_alike(scan, tmp_path):
    first = write_ct_series(scan, tmp_path / "a")
    second = write_ct_series(scan, tmp_path / "b")
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
        said = pydicom.dcmread(one)
        assert "SIMULATED" in said.SeriesDescription
        assert str(said.PatientName).startswith("SIMULATED")


def test_oblique_is_refused(scan, tmp_path):
    turned = scan.affine.copy()
    turned[:3, :3] = turned[:3, :3] @ np.array([[1, 0.1, 0], [-0.1, 1, 0], [0, 0, 1.0]])
    with pytest.raises(InputError, match="oblique"):
        write_ct_series(Volume(array=scan.array, affine=turned), tmp_path / "ct")
