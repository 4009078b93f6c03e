"""``osteon read ct`` as a user runs it: an invented DICOM study, a label map alone, real scans, and files that are none."""

import json
import zipfile
from dataclasses import replace
from datetime import date

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner

from osteon import __version__
from osteon.cli.main import app
from osteon.core.errors import FileError, InputError, OsteonError, OutputError
from osteon.core.files import sha256
from osteon.domain.anatomy import verse_of_level
from osteon.domain.spine import ScanFacts, SpineReading
from osteon.imaging.read import read_volume
from osteon.imaging.volume import LabelMap
from osteon.imaging.write import write_nifti
from osteon.reading import segmenters
from osteon.reading.spine_ct import CtOptions, read_spine
from osteon.report.spine_results import results_json
from osteon.synth.ct_series import write_ct_series
from osteon.synth.spine_ct import PlannedFracture, phantom

LUMBAR = ("T12", "L1", "L2", "L3", "L4", "L5")


def read(*words):
    said = CliRunner().invoke(app, ["read", "ct", *map(str, words)])
    if said.exception is not None and not isinstance(said.exception, SystemExit | OsteonError):
        raise said.exception
    return said


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    """A wedge of L1 and an old dent of L3, as DICOM, read once."""
    folder = tmp_path_factory.mktemp("ct")
    scan = phantom(
        11, spacing_mm=(1.25, 1.0, 1.0), fov="T9-S1", variant="",
        fractures=[
            PlannedFracture(level="L1", kind="wedge", loss=0.35, denis="B", fresh=True),
            PlannedFracture(level="L3", kind="biconcave", loss=0.30, denis="A", fresh=True),
        ],
    )  # fmt: skip
    write_ct_series(scan.volume, folder / "study")
    said = read(folder / "study", "--out", folder / "out", "--lang", "zh")
    return scan, folder, said


@pytest.mark.slow
def test_a_study_becomes_a_report(invented):
    scan, folder, said = invented
    assert said.exit_code in (0, 3), said.output
    out = folder / "out"
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["simulated"] is True
    assert results["spacing_mm"] == pytest.approx([1.25, 1.0, 1.0])
    assert results["backend"] == "embedded"
    assert results["elapsed_s"] > 0
    found = {v["level"]: v for v in results["vertebrae"]}
    assert {v.level for v in scan.anatomy.shown} - {"S1", "T9"} <= set(found)
    for level, v in found.items():
        assert set(v) >= {"level", "level_confidence", "evaluable", "heights_mm", "height_loss", "genant", "denis", "hu_median", "confidence", "notes"}  # fmt: skip
        if v["evaluable"] and level != "T9":
            truth = scan.anatomy.at(level).heights_mm
            measured = [v["heights_mm"][site] for site in ("anterior", "middle", "posterior")]
            assert np.abs(np.subtract(measured, truth)).max() < 2.5, level
    assert found["L1"]["genant"]["grade"] >= 2
    assert found["L3"]["genant"]["grade"] >= 1
    assert found["T12"]["genant"]["grade"] == 0
    html = (out / "report.html").read_text(encoding="utf-8")
    assert "影像所见" in html
    assert "诊断意见" in html
    assert "SIMULATED" in html
    for name in ("report.pdf", "segmentation.nii.gz", "bodies.nii.gz", "segmentation.dcm", "report.dcm"):
        assert (out / name).stat().st_size > 1000, name


@pytest.mark.slow
def test_the_masks_lie_on_the_scan(invented):
    scan, folder, _ = invented
    bodies = read_volume(folder / "out" / "bodies.nii.gz")
    assert bodies.grid.same_place(scan.volume.grid)
    truth = scan.labels.bodies.array
    for level in ("T12", "L2", "L4"):
        code = scan.anatomy.at(level).code
        ours, theirs = bodies.array == code, truth == code
        assert 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()) > 0.88, level


@pytest.mark.slow
def test_an_earlier_reading_is_compared(invented, tmp_path):
    scan, folder, _ = invented
    same = read(folder / "study", "--prior", folder / "out", "--out", tmp_path / "same")
    assert isinstance(same.exception, InputError)
    assert not (tmp_path / "same").exists()
    write_ct_series(scan.volume, tmp_path / "later", study_date=date(2026, 6, 1))
    said = read(tmp_path / "later", "--prior", folder / "out", "--out", tmp_path / "again")
    assert said.exit_code in (0, 3)
    results = json.loads((tmp_path / "again" / "results.json").read_text(encoding="utf-8"))
    assert (results["prior"]["study_date"], results["prior"]["notes"]) == ("20260101", [])
    html = (tmp_path / "again" / "report.html").read_text(encoding="utf-8")
    assert "nchanged" in html


def test_a_label_map_alone_has_heights_and_no_density(tmp_path):
    scan = phantom(12, spacing_mm=(2.0, 1.5, 1.5), fov="lumbar", variant="", fractures=[])
    write_nifti(scan.labels.vertebrae, tmp_path / "mask.nii.gz")
    said = read(tmp_path / "mask.nii.gz", "--labels", "verse", "--out", tmp_path / "out")
    assert said.exit_code in (0, 3), said.output
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    found = {v["level"]: v for v in results["vertebrae"]}
    assert found["L3"]["hu_median"] is None
    truth = scan.anatomy.at("L3").heights_mm
    assert found["L3"]["heights_mm"]["posterior"] == pytest.approx(truth[2], abs=1.5)


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    """Two label maps: of the lumbar spine, and of the same with T12 left out."""
    folder = tmp_path_factory.mktemp("masks")
    whole = phantom(12, spacing_mm=(3.0, 2.0, 2.0), fov="lumbar", variant="", fractures=[]).labels.vertebrae
    short = replace(whole, array=np.where(whole.array == verse_of_level("T12"), 0, whole.array))
    for name, labels in (("a", whole), ("b", short)):
        (folder / name).mkdir()
        write_nifti(labels, folder / name / "mask.nii.gz")
    return folder


def test_a_folder_keeps_the_reading_of_one_scan(masks, tmp_path, monkeypatch):
    out = tmp_path / "out"
    words = ("mask.nii.gz", "--labels", "verse", "--out", out)
    monkeypatch.chdir(masks / "a")
    assert read(*words).exit_code in (0, 3)
    (out / "mine.txt").write_text("mine")
    stale = out / "key-image-L9.dcm"
    stale.write_text("of a level that is gone")
    kept = json.loads((out / "results.json").read_text(encoding="utf-8"))
    kept["files"][stale.name] = sha256(stale)
    (out / "results.json").write_text(json.dumps(kept), encoding="utf-8")
    assert read(*words).exit_code in (0, 3)  # the same scan again
    assert not stale.exists()
    before = (out / "results.json").read_bytes()
    monkeypatch.chdir(masks / "b")  # another file under the same relative path
    refused = read(*words)
    assert isinstance(refused.exception, OutputError)
    assert "another scan" in str(refused.exception)
    assert "--overwrite" in str(refused.exception)
    assert (out / "results.json").read_bytes() == before
    assert read(*words, "--overwrite").exit_code in (0, 3)
    assert (out / "mine.txt").exists()
    assert (out / "results.json").read_bytes() != before
    assert not (out / "figures" / "figure-t12.png").exists()


def test_exit_code_three_says_why(masks, tmp_path):
    said = read(masks / "a" / "mask.nii.gz", "--labels", "verse", "--out", tmp_path)
    cut = [
        v["level"]
        for v in json.loads((tmp_path / "results.json").read_text())["vertebrae"]
        if not v["evaluable"]
    ]
    assert said.exit_code == (3 if cut else 0)
    last = said.output.splitlines()[-1]
    assert last.startswith("Exit code 3: ") is bool(cut)


def test_an_edited_report_is_not_replaced_without_a_word(masks, tmp_path):
    words = (masks / "a" / "mask.nii.gz", "--labels", "verse", "--out", tmp_path)
    read(*words)
    report = tmp_path / "report.docx"
    report.write_bytes(report.read_bytes() + b"signed")
    refused = read(*words)
    assert isinstance(refused.exception, OutputError)
    assert "report.docx: was edited" in str(refused.exception)
    assert report.read_bytes().endswith(b"signed")
    assert read(*words, "--overwrite").exit_code in (0, 3)
    assert not report.read_bytes().endswith(b"signed")


def test_a_report_without_its_results_is_kept_too(masks, tmp_path):
    (tmp_path / "report.docx").write_text("somebody's")
    refused = read(masks / "a" / "mask.nii.gz", "--labels", "verse", "--out", tmp_path)
    assert isinstance(refused.exception, OutputError)
    assert "report.docx" in str(refused.exception)


def test_another_patients_reading_is_refused_before_the_work_begins(tmp_path):
    scan = phantom(12, spacing_mm=(3.0, 2.0, 2.0), fov="lumbar", variant="", fractures=[])
    write_ct_series(scan.volume, tmp_path / "study", patient_id="SIMULATED-2", study_date=date(2026, 6, 1))
    facts = ScanFacts(
        source="x",
        shape=(9, 9, 9),
        spacing_mm=(1.0, 1.0, 1.0),
        patient_id="SIMULATED-1",
        study_date="20250101",
    )
    earlier = SpineReading(vertebrae=(), scan=facts, anchored=True, backend="x", backend_version="1", operating_point=0.2,
                           simulated=True)  # fmt: skip
    (tmp_path / "prior").mkdir()
    (tmp_path / "prior" / "results.json").write_text(json.dumps(results_json(earlier)), encoding="utf-8")
    options = ["--prior", tmp_path / "prior", "--out", tmp_path / "out", "--backend", "classical"]
    refused = read(tmp_path / "study", *options)
    assert isinstance(refused.exception, InputError)
    assert "'SIMULATED-2'" in str(refused.exception)
    assert "'SIMULATED-1'" in str(refused.exception)
    assert not (tmp_path / "out").exists()
    said = read(tmp_path / "study", *options, "--prior-unchecked")
    assert "two scans carry different patient IDs" in said.output


@pytest.mark.parametrize("kind", ["levels", "one_value", "many_tissues"])
def test_a_label_map_is_not_read_as_a_ct(masks, tmp_path, kind):
    labels = LabelMap(array=read_volume(masks / "a" / "mask.nii.gz").array.astype(np.uint8), affine=np.eye(4))
    array = labels.array
    if kind == "one_value":
        array = (array > 0).astype(np.uint8)
    elif kind == "many_tissues":
        array = np.where(array > 0, np.arange(array.size).reshape(array.shape) % 117 + 1, 0).astype(np.uint8)
    write_nifti(replace(labels, array=array), tmp_path / "seg.nii.gz")
    said = read(tmp_path / "seg.nii.gz", "--backend", "classical", "--out", tmp_path / "out")
    assert isinstance(said.exception, FileError)
    assert "seg.nii.gz: this looks like a label map" in str(said.exception)
    assert "--labels" in str(said.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["signed", "fractions", "eight_bits", "empty"])
def test_an_image_that_is_mostly_zero_is_no_label_map(tmp_path, kind):
    body = np.zeros((12, 40, 40), dtype=np.float32)
    values = np.arange(12 * 20 * 20).reshape(12, 20, 20)
    shades = {
        "signed": values % 50 - 20,
        "fractions": values % 50 / 3,
        "eight_bits": values % 256,
        "empty": values * 0,
    }
    body[:, :20, :20] = shades[kind]
    nibabel.save(nibabel.Nifti1Image(body, np.diag([2.0, 2.0, 3.0, 1.0])), tmp_path / "image.nii.gz")
    said = read(tmp_path / "image.nii.gz", "--backend", "classical", "--out", tmp_path / "out")
    assert said.exit_code == 3, said.output


@pytest.mark.parametrize(("fault", "told"), [("not installed", True), (None, False)])
def test_without_torch_the_reading_says_that_it_is_classical(tmp_path, monkeypatch, fault, told):
    monkeypatch.setattr(segmenters, "torch_fault", lambda: fault)
    scan = phantom(12, spacing_mm=(3.0, 2.0, 2.0), fov="lumbar", variant="", fractures=[])
    read_as = "auto" if fault else "classical"
    made = read_spine(scan.volume, options=CtOptions(backend=read_as)).reading
    assert (made.backend, made.backend_version) == ("classical", __version__)
    assert ("classical_without_torch" in made.notes) is told


def test_help_lists_the_exit_codes():
    text = " ".join(read("--help").output.split())
    assert "Exit codes: 0 every vertebra was evaluated; 2 refused" in text


@pytest.mark.parametrize(
    "words",
    [
        ["--operating-point", "30"],
        ["--pin", "L3"],
        ["--hu-calibration", "1"],
        ["--hu-calibration=-1,0"],
        ["--hu-calibration=nan,0"],
    ],
)
def test_bad_options_are_one_line(tmp_path, words):
    assert read(tmp_path, *words).exit_code == 2


def test_what_is_no_scan_is_one_line_and_nothing_is_written(tmp_path):
    (tmp_path / "notes.txt").write_text("no scan")
    for name in ("notes.txt", "missing.nii.gz"):
        said = read(tmp_path / name, "--out", tmp_path / "out")
        assert isinstance(said.exception, OsteonError)
        assert name in str(said.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda at: (at / "README.md").write_text("# none"), ("README.md: no DICOM object", "NIfTI", "NRRD", ".mha")),
        (lambda at: nibabel.save(nibabel.Nifti1Image(np.ones((9, 9, 9)), np.eye(4)), at / "ct.nii.gz"), ("Give the file itself", "ct.nii.gz")),
        (lambda at: (at / "study.zip").write_bytes(b"PK\x03\x04" + bytes(99)), ("Give the file itself", "study.zip")),
    ],
    ids=["text", "nifti", "zip"],
)  # fmt: skip
def test_what_holds_no_dicom_says_what_to_give(tmp_path, make, told):
    make(tmp_path)
    given = tmp_path / "README.md" if "README" in told[0] else tmp_path
    refused = read(given, "--out", tmp_path / "out")
    assert isinstance(refused.exception, FileError)
    assert all(word in str(refused.exception) for word in told), str(refused.exception)


def test_a_zip_that_was_cut_short_is_said_to_be_damaged(tmp_path):
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.writestr("a.dcm", bytes(5000))
    (tmp_path / "cut.zip").write_bytes((tmp_path / "whole.zip").read_bytes()[:3000])
    refused = read(tmp_path / "cut.zip", "--out", tmp_path / "out")
    assert "the ZIP archive is damaged or cut short" in str(refused.exception)


@pytest.mark.parametrize(
    ("lang", "told"),
    [("en", "No spine found in this scan (12 slices)."), ("zh", "本检查（12 层）中未发现脊柱。")],
)
def test_a_scan_without_a_spine_is_one_sentence(tmp_path, lang, told):
    air = np.full((40, 40, 12), -1000, dtype=np.int16)
    nibabel.save(nibabel.Nifti1Image(air, np.diag([2.0, 2.0, 3.0, 1.0])), tmp_path / "air.nii.gz")
    said = read(tmp_path / "air.nii.gz", "--backend", "classical", "--lang", lang, "--out", tmp_path / "out")
    assert said.exit_code == 3
    assert told in said.output.splitlines()


@pytest.fixture(scope="module")
def lumbar(real_data, tmp_path_factory):
    folder = real_data / "ct" / "lumbar_3mm"
    out = tmp_path_factory.mktemp("lumbar")
    said = read(folder / "example_ct.nii.gz", "--out", out)
    assert said.exit_code in (0, 3), said.output
    return folder, out, json.loads((out / "results.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_real_lumbar_ct_is_named_and_outlined(lumbar):
    folder, out, results = lumbar
    assert [v["level"] for v in results["vertebrae"]][-6:] == list(LUMBAR)
    report = folder / "spine_report" / "example_ct_report"
    theirs, named = (
        read_volume(report / name).array for name in ("totalseg_vertebrae_body.nii.gz", "totalseg.nii.gz")
    )
    ours = read_volume(out / "bodies.nii.gz").array
    dice = []
    for value, code in zip(range(32, 26, -1), range(19, 25), strict=True):
        a, b = ours == code, (theirs == 1) & (named == value)
        dice.append(2 * (a & b).sum() / (a.sum() + b.sum()))
    assert np.mean(dice) >= 0.85, np.round(dice, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["abdomen_5mm_dicom/CRLM-CT-1004.zip", "series_empty_uids/series"])
def test_other_real_scans_are_read_in_part_or_refused_with_reasons(real_data, tmp_path, name):
    said = read(real_data / "ct" / name, "--out", tmp_path)
    assert said.exit_code in (0, 3), said.output
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["simulated"] is False
    for v in results["vertebrae"]:
        assert v["evaluable"] or v["not_evaluable"]
