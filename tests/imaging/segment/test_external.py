"""Programs of another make: absent, found, run, cached, failing; a stand-in program on PATH writes real label maps."""

import stat

import numpy as np
import pytest

from osteon.core.errors import ConfigError, DependencyMissing, FileError
from osteon.imaging.segment.external import ExternalSegmenter, found
from osteon.imaging.volume import Grid, LabelMap, Volume
from osteon.imaging.write import write_nifti

PROGRAM = """#!/bin/sh
if [ "$1" = "--version" ]; then echo "version 2.18.0"; exit 0; fi
echo run >> {folder}/runs
{body}
"""


@pytest.fixture
def scan():
    grid = Grid.regular((40, 60, 30), (1.0, 1.0, 1.0))
    labels = np.zeros(grid.shape, np.uint8)
    labels[2:17, 5:50, 5:25] = 28  # L4
    labels[20:35, 5:50, 5:25] = 29  # L3
    volume = Volume(array=np.where(labels > 0, 300, 30).astype(np.float32), affine=grid.affine)
    return volume, LabelMap(array=labels, affine=grid.affine)


@pytest.fixture
def install(tmp_path, monkeypatch):
    monkeypatch.setenv("OSTEON_CACHE", str(tmp_path / "cache"))

    def write(body):
        program = tmp_path / "TotalSegmentator"
        program.write_text(PROGRAM.format(folder=tmp_path, body=body))
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("OSTEON_TOTALSEGMENTATOR", str(program))
        return tmp_path

    return write


def test_absent_programs_are_named(monkeypatch, scan):
    monkeypatch.setenv("OSTEON_TOTALSEGMENTATOR", "/nowhere/TotalSegmentator")
    with pytest.raises(DependencyMissing, match="OSTEON_TOTALSEGMENTATOR"):
        ExternalSegmenter("totalsegmentator").segment(scan[0])
    with pytest.raises(ConfigError, match="no external segmenter"):
        ExternalSegmenter("other").segment(scan[0])


def test_labels_come_back_and_are_kept(install, scan, tmp_path):
    volume, truth = scan
    write_nifti(truth, tmp_path / "truth.nii.gz")
    folder = install(f'cp {tmp_path}/truth.nii.gz "$4"')
    assert found()["totalsegmentator"] == "version 2.18.0"
    for _ in range(2):
        labels = ExternalSegmenter("totalsegmentator").segment(volume)
        assert [one.level for one in labels.levels] == ["L3", "L4"]
        assert labels.backend == "external:totalsegmentator"
        assert labels.version == "version 2.18.0"
        np.testing.assert_array_equal(labels.vertebrae.array > 0, truth.array > 0)
    assert (folder / "runs").read_text().split() == ["run"]  # the second answer came from the cache


def test_a_failing_program_is_one_clear_error(install, scan):
    install('echo "CUDA out of memory" >&2; exit 3')
    with pytest.raises(FileError, match=r"ended with 3.*CUDA out of memory"):
        ExternalSegmenter("totalsegmentator").segment(scan[0])


def test_a_program_runs_in_a_folder_of_its_own(install, scan, tmp_path, monkeypatch):
    volume, truth = scan
    write_nifti(truth, tmp_path / "truth.nii.gz")
    install(f'pwd > {tmp_path}/where; cp {tmp_path}/truth.nii.gz "$4"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSTEON_TOTALSEGMENTATOR", "./TotalSegmentator")
    ExternalSegmenter("totalsegmentator").segment(volume)
    assert (tmp_path / "where").read_text(encoding="utf-8").strip() != str(tmp_path)
