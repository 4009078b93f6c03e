"""`osteon deidentify` on DICOM: a folder goes to the imaging room, what was left out or flagged is said."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from typer.testing import CliRunner

from osteon.cli.main import app


@pytest.fixture
def scans(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "key").write_bytes(b"a secret of many bytes")
    for n in range(2):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        scan = FileDataset("x", {}, file_meta=meta, preamble=bytes(128))
        scan.SOPClassUID, scan.SOPInstanceUID, scan.Modality = CTImageStorage, f"1.2.3.{n}", "CT"
        scan.PatientName, scan.PatientID, scan.StudyDate = "Wang^XiuYing", "ZY-0017", "20200131"
        scan.Rows = scan.Columns = 16
        scan.SamplesPerPixel, scan.PhotometricInterpretation, scan.PixelRepresentation = 1, "MONOCHROME2", 0
        scan.BitsAllocated, scan.BitsStored, scan.HighBit = 16, 16, 15
        scan.PixelData = np.arange(256, dtype=np.uint16).tobytes()
        scan.save_as(tmp_path / "in" / f"{n}.dcm", enforce_file_format=True)
    return tmp_path


def run(*argv):
    return CliRunner().invoke(app, ["deidentify", *map(str, argv)])


def test_a_folder_of_dicom(scans):
    said = run(scans / "in", scans / "out", "--key", scans / "key")
    assert said.exit_code == 0, said.exception
    assert said.output.splitlines() == ["2 files of 1 patients de-identified", str(scans / "out")]
    for path in (scans / "out").rglob("*.dcm"):
        assert b"XiuYing" not in path.read_bytes()
        assert pydicom.dcmread(path).PatientID.startswith("P")


def test_what_is_left_out_is_said_and_makes_exit_3(scans):
    (scans / "in" / "notes.txt").write_text("Wang")
    said = run(scans / "in", scans / "out", "--key", scans / "key")
    assert said.exit_code == 3
    assert "skipped notes.txt: not_dicom" in said.output


def test_one_file(scans):
    said = run(scans / "in" / "0.dcm", scans / "one.dcm", "--key", scans / "key")
    assert said.exit_code == 0, said.exception
    assert pydicom.dcmread(scans / "one.dcm").PatientIdentityRemoved == "YES"
