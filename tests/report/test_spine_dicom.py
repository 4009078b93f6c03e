"""DICOM objects of a spine reading, read back and compared with what was read."""

import importlib.util
import io
import json
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pypdfium2
import pytest
from highdicom.sr import Comprehensive3DSR
from matplotlib import image
from pydicom.sr.codedict import codes

from osteon.core.config import read_toml
from osteon.core.errors import FileError, InputError
from osteon.domain.anatomy import LEVELS as ALL_LEVELS
from osteon.domain.spine import FlagPlace
from osteon.imaging.read import read_volume
from osteon.imaging.volume import LabelMap
from osteon.reading.spine_compare import compare_readings
from osteon.report import dicom_codes
from osteon.report.dicom_codes import level_code, private_code, reading_code
from osteon.report.dicom_sc import encapsulated_pdf, key_image
from osteon.report.dicom_seg import spine_seg
from osteon.report.dicom_source import character_set, dicom_source
from osteon.report.dicom_sr import spine_sr
from osteon.report.spine_ct_impression import impression
from osteon.report.spine_save import save_reading
from osteon.report.words import words
from osteon.synth.ct_series import write_ct_series


def beside(name):
    """A module in this folder."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fixture = beside("spine_fixture")


def series_of(volume, folder, *, empty_uids=False):
    """The volume as a DICOM folder, read back."""
    for path in write_ct_series(volume, folder, patient_id="P-0042"):
        if empty_uids:
            header = pydicom.dcmread(path)
            header.StudyInstanceUID = header.SeriesInstanceUID = header.SOPInstanceUID = ""
            header.save_as(path)
    return read_volume(folder)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """The scan as a DICOM folder read back, its labels, and the reading saved beside it."""
    folder = tmp_path_factory.mktemp("scan")
    volume, labels = fixture.spine(spacing=(3.0, 1.5, 1.5))
    read = series_of(volume, folder / "series")
    save_reading(folder / "out", fixture.reading(), read, labels, lang="en", command="osteon read ct series")
    return folder, read, labels


@pytest.fixture(scope="module")
def chinese(tmp_path_factory):
    """A scan with Chinese names read in Chinese, beside an earlier reading, with a suspicious vertebra."""
    folder = tmp_path_factory.mktemp("chinese")
    volume, labels = fixture.spine(spacing=(6.0, 3.0, 3.0))
    for path in write_ct_series(volume, folder / "series"):
        renamed(path, "GB18030", CHINESE)
    read = read_volume(folder / "series")
    save_reading(folder / "out", fixture.suspicious(), read, labels, lang="zh", prior=fixture.intact())
    return folder, read, labels


def test_every_segment_read_back_is_the_vertebra_that_was_written(scanned):
    folder, _, labels = scanned
    seg = hd.seg.segread(folder / "out" / "segmentation.dcm")
    assert seg.SegmentationType == "BINARY"
    assert seg.SegmentsOverlap == "NO"
    number = {label.code: index for index, label in enumerate(labels.levels, 1)}
    expected = np.vectorize(lambda code: number.get(code, 0))(labels.vertebrae.array)
    target = hd.Volume(array=expected, affine=labels.vertebrae.affine, coordinate_system="PATIENT",
                       frame_of_reference_uid=seg.FrameOfReferenceUID)  # fmt: skip
    back = seg.get_volume(combine_segments=True).match_geometry(target)
    np.testing.assert_array_equal(back.array, expected)


def test_segments_carry_standard_level_codes_and_refer_to_their_images(scanned):
    folder, read, labels = scanned
    seg = hd.seg.segread(folder / "out" / "segmentation.dcm")
    first = pydicom.dcmread(read.meta["files"][0], stop_before_pixels=True)
    assert [s.SegmentLabel for s in seg.SegmentSequence] == [label.level for label in labels.levels]
    kinds = [s.SegmentedPropertyTypeCodeSequence[0].CodeValue for s in seg.SegmentSequence]
    assert kinds[3:5] == ["23215003", "66794005"]
    assert (seg.PatientID, seg.StudyInstanceUID) == (first.PatientID, first.StudyInstanceUID)
    assert seg.FrameOfReferenceUID == first.FrameOfReferenceUID
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == first.SeriesInstanceUID
    positions = {str(uid): k for k, uid in enumerate(read.meta["sop_uids"])}
    for frame in seg.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        z = float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        assert z == pytest.approx(read.grid.world([positions[source], 0, 0])[2], abs=0.01)


def test_empty_planes_are_left_out(scanned):
    folder, _, labels = scanned
    seg = hd.seg.segread(folder / "out" / "segmentation.dcm")
    filled = sum(np.unique(plane[plane > 0]).size for plane in labels.vertebrae.array)
    assert seg.NumberOfFrames == filled


def groups_of(folder):
    report = hd.sr.srread(folder / "out" / "report.dcm")
    assert isinstance(report, Comprehensive3DSR)
    assert (report.CompletionFlag, report.VerificationFlag, report.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    return report.content.get_volumetric_roi_measurement_groups()


def read_back(report):
    """The content of a report after a round through its bytes."""
    stream = io.BytesIO()
    report.save_as(stream, enforce_file_format=True)
    stream.seek(0)
    return hd.sr.srread(stream).content


def value_of(group, name):
    found = [m.value for m in group.get_measurements() if m.name == name]
    return found[0] if found else None


def test_the_structured_report_says_what_was_measured(scanned):
    folder, _, _ = scanned
    groups = groups_of(folder)
    made = fixture.reading()
    assert [group.tracking_identifier for group in groups] == [v.level for v in made.vertebrae]
    for group, v in zip(groups, made.vertebrae, strict=True):
        fracture = hd.sr.CodedConcept("46866001", "SCT", "Fracture of vertebral column")
        assert group.finding_type == (fracture if v.fractured else level_code(v.level))
        assert group.finding_sites[0].value == level_code(v.level)
        assert value_of(group, private_code("LEVELCONF")) == pytest.approx(v.level_confidence)
        said = {e.name.value: e.value.value for e in group.get_qualitative_evaluations()}
        if not v.evaluable:
            reason = {"T11": "CEMENT", "L5": "CROPPED"}[v.level]
            content = {"CONTENT": "CEMENT"} if v.contents else {}
            assert said == {"CALL": "NOTEVALUABLE", "REASON": reason, **content}
            assert value_of(group, private_code("HA")) is None
            continue
        assert value_of(group, private_code("HA")) == pytest.approx(v.heights_mm.anterior, abs=1e-4)
        assert value_of(group, private_code("HM")) == pytest.approx(v.heights_mm.middle, abs=1e-4)
        assert value_of(group, private_code("HP")) == pytest.approx(v.heights_mm.posterior, abs=1e-4)
        assert value_of(group, private_code("LOSS")) == pytest.approx(100 * v.height_loss.largest, abs=1e-4)
        assert said["CALL"] == ("FRACTURE" if v.fractured else "NOFRACTURE")
        assert said["GENANT"] == f"GENANT{v.genant.grade}"
        assert said.get("DENIS") == ("DENISB" if v.denis else None)
        assert said.get("OF") == (f"OF{v.of_type}" if v.of_type else None)
        assert said["WALL"] == ("WALLINVOLVED" if v.level == "T12" else "WALLINTACT")
        for name, value, share in (
            ("EXPHA", v.height_loss.reference_mm.anterior, 1), ("EXPHM", v.height_loss.reference_mm.middle, 1),
            ("EXPHP", v.height_loss.reference_mm.posterior, 1), ("LOSSA", v.height_loss.anterior, 100),
            ("LOSSM", v.height_loss.middle, 100), ("LOSSP", v.height_loss.posterior, 100), ("LOSSSE", v.height_loss.se, 100),
            ("WALLBULGE", v.posterior_wall.convexity_mm, 1), ("CANALRATIO", v.posterior_wall.canal_area_ratio, 1),
            ("CANALAP", v.canal_ap_mm, 1), ("WEDGEANGLE", v.wedge_deg, 1), ("LOCALKYPHOSIS", 12.5, 1),
            *((("CANALAPCHANGE", 12.3 / 15.8 - 1, 100),) if v.level == "T12" else ()),
        ):  # fmt: skip
            assert value_of(group, private_code(name)) == pytest.approx(share * value, abs=1e-3), name
        evaluations = group.get_qualitative_evaluations()
        rests_on = [e.value for e in evaluations if e.name == private_code("HEIGHTREF")]
        assert rests_on == [level_code(level) for level in v.height_loss.reference_from]
        median = value_of(group, codes.DCM.MedianAttenuationCoefficient)
        assert median == (pytest.approx(v.hu.median, abs=1e-4) if v.hu else None)


def test_each_group_refers_to_its_segment(scanned):
    folder, _, _ = scanned
    seg = hd.seg.segread(folder / "out" / "segmentation.dcm")
    for number, group in enumerate(groups_of(folder), 1):
        assert str(group.reference_type.meaning) == "Referenced Segment"
        referenced = group.referenced_segment[0].ReferencedSOPSequence[0]
        assert referenced.ReferencedSOPInstanceUID == seg.SOPInstanceUID
        assert referenced.ReferencedSegmentNumber == number


def test_a_suspicious_vertebra_carries_no_grade(scanned):
    _, read, labels = scanned
    source = dicom_source(read)
    report = spine_sr(fixture.suspicious(), spine_seg(labels, source), source)
    group = read_back(report).get_volumetric_roi_measurement_groups()[5]
    assert [(e.name.value, e.value.value) for e in group.get_qualitative_evaluations()] == [
        ("CALL", "SUSPICIOUS"), ("FLAG", "ARCHDESTROYED"), ("FLAG", "LYTIC"),
    ]  # fmt: skip
    assert group.finding_type == level_code("L2")
    assert value_of(group, private_code("CONFIDENCE")) is None  # a rate of all suspicions is none of this one
    assert value_of(group, private_code("SUSPICIONRATE")) == pytest.approx(0.97)


@pytest.mark.parametrize(("side", "code"), [("right", "24028007"), ("left", "7771000"), ("both", "51440002")])
def test_the_side_of_what_is_suspicious_stands_after_it(scanned, side, code):
    _, read, labels = scanned
    source, made = dicom_source(read), fixture.suspicious()
    places = (FlagPlace(flag="pedicle_destruction", side=side), FlagPlace(flag="lytic_focus"))
    marked = tuple(
        replace(v, red_flags=("pedicle_destruction", "lytic_focus"), flag_places=places)
        if v.level == "L2"
        else v
        for v in made.vertebrae
    )
    report = spine_sr(replace(made, vertebrae=marked), spine_seg(labels, source), source)
    group = read_back(report).get_volumetric_roi_measurement_groups()[5]
    assert [(e.name.value, e.value.value) for e in group.get_qualitative_evaluations()] == [
        ("CALL", "SUSPICIOUS"), ("FLAG", "PEDDESTROYED"), ("FLAGSIDE", code), ("FLAG", "LYTIC"),
    ]  # fmt: skip


def test_the_heights_of_a_one_sided_fracture_belong_to_its_loss(scanned):
    _, read, labels = scanned
    source = dicom_source(read)
    report = spine_sr(fixture.one_sided(), spine_seg(labels, source), source)
    groups = read_back(report).get_volumetric_roi_measurement_groups()
    group = groups[fixture.LEVELS.index("L2")]
    for letter in "AMP":
        height, expected, loss = (
            value_of(group, private_code(f"{k}{letter}")) for k in ("H", "EXPH", "LOSS")
        )
        assert height == pytest.approx(expected * (1 - loss / 100), abs=1e-3)
    planes = [
        [e.value.value for e in g.get_qualitative_evaluations() if e.name.value == "HEIGHTPLANE"]
        for g in groups
    ]
    assert planes == [["LOWERSIDE"] if level == "L2" else [] for level in fixture.LEVELS]


@pytest.mark.parametrize(("convexity_mm", "code"), [(-0.2, "WALLNARROWS"), (None, "CANALNARROWED")])
def test_a_flat_or_unseen_wall_beside_a_narrow_canal_has_a_code_of_its_own(scanned, convexity_mm, code):
    _, read, labels = scanned
    source = dicom_source(read)
    made = fixture.reading()
    narrow = replace(made.at("T12").posterior_wall, convexity_mm=convexity_mm)
    made = replace(made, vertebrae=tuple(
        replace(v, posterior_wall=narrow) if v.level == "T12" else v for v in made.vertebrae
    ))  # fmt: skip
    group = read_back(
        spine_sr(made, spine_seg(labels, source), source)
    ).get_volumetric_roi_measurement_groups()[3]
    said = {e.name.value: e.value.value for e in group.get_qualitative_evaluations()}
    assert said["WALL"] == code
    assert bool([m for m in group.get_measurements() if m.name.value == "WALLBULGE"]) == (
        convexity_mm is not None
    )


def test_a_vertebra_judged_by_its_own_height_says_so(scanned):
    _, read, labels = scanned
    made = fixture.reading()
    own = replace(made.vertebrae[0], height_loss=replace(made.vertebrae[0].height_loss, reference_from=()))
    source = dicom_source(read)
    report = spine_sr(replace(made, vertebrae=(own, *made.vertebrae[1:])), spine_seg(labels, source), source)
    group = read_back(report).get_volumetric_roi_measurement_groups()[0]
    said = {e.name.value: e.value.value for e in group.get_qualitative_evaluations()}
    assert said["HEIGHTREF"] == "OWNHEIGHT"


def impressions(report):
    """Language of the report, and the texts of its impression by their name."""
    stream = io.BytesIO()
    report.save_as(stream, enforce_file_format=True)
    stream.seek(0)
    items = pydicom.dcmread(stream).ContentSequence
    named = {item.ConceptNameCodeSequence[0].CodeValue: item for item in items}
    texts = named["121072"].ContentSequence
    language = named["121049"].ConceptCodeSequence[0].CodeValue
    return language, [(t.ConceptNameCodeSequence[0].CodeMeaning, t.TextValue) for t in texts]


@pytest.mark.parametrize(("lang", "code"), [("en", "en-US"), ("zh", "zh-CN")])
def test_the_impression_stands_in_the_language_of_the_report(scanned, lang, code):
    _, read, labels = scanned
    source = dicom_source(read)
    made = fixture.reading()
    prior = fixture.intact(scan=replace(made.scan, patient_id="", study_date="20250101"))
    language, texts = impressions(spine_sr(made, spine_seg(labels, source), source, lang=lang, prior=prior))
    assert language == code
    expected = [words(lang).say(text) for text in impression(made, compare_readings(made, prior))]
    assert [text for name, text in texts if name == "Impression"] == expected
    comments = [text for name, text in texts if name == "Comment"]
    assert comments == [
        words(lang)("report.simulated_banner"),
        words(lang)("spine_ct.comparison.intro", date="2025-01-01"),
        words(lang)("value.spine_prior.patient_unknown"),
    ]


def test_changes_since_the_earlier_scan_stand_beside_each_level(scanned):
    _, read, labels = scanned
    source = dicom_source(read)
    now, prior = fixture.reading(), fixture.intact()
    report = spine_sr(now, spine_seg(labels, source), source, prior=prior)
    groups = read_back(report).get_volumetric_roi_measurement_groups()
    codes_of = {
        "new": "CHANGENEW",
        "unchanged": "CHANGENONE",
        "within_error": "CHANGEERROR",
        "not_comparable": "CHANGEUNKNOWN",
    }
    for group, change in zip(groups, compare_readings(now, prior), strict=True):
        said = {e.name.value: e.value.value for e in group.get_qualitative_evaluations()}
        assert said["CHANGE"] == codes_of[change.change]
        if change.loss_before is not None:
            assert value_of(group, private_code("LOSSBEFORE")) == pytest.approx(
                100 * change.loss_before, abs=1e-3
            )
            assert value_of(group, private_code("LOSSNOW")) == pytest.approx(100 * change.loss_now, abs=1e-3)


@pytest.mark.parametrize("kind", ["flag", "reason", "content", "change"])
def test_all_that_a_reading_can_say_has_a_code_and_every_code_fits(kind):
    spoken = {key.split(".")[2] for key in words("en").entries if key.startswith(f"value.spine_{kind}.")}
    table = read_toml(Path(dicom_codes.__file__).with_name("spine_codes.toml"))
    assert set(table[kind]) == spoken
    for value, meaning in [*table[kind].values(), *table["private"].items()]:
        assert len(value) <= 16, value
        assert len(meaning) <= 64, meaning
    assert reading_code(kind, "unheard_of").meaning == "unheard_of"


def test_unnamed_levels_get_codes_of_their_own(scanned):
    _, read, labels = scanned
    made = fixture.unanchored()
    renamed = tuple(
        replace(label, level=v.level) for label, v in zip(labels.levels, made.vertebrae, strict=True)
    )
    source = dicom_source(read)
    seg = spine_seg(replace(labels, levels=renamed), source)
    assert seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator == "99OSTEON"
    assert len(read_back(spine_sr(made, seg, source)).get_volumetric_roi_measurement_groups()) == 9


def test_a_vertebra_without_a_segment_keeps_its_measurements(scanned):
    _, read, labels = scanned
    source = dicom_source(read)
    seg = spine_seg(replace(labels, levels=labels.levels[:-1]), source)
    report = spine_sr(fixture.reading(), seg, source)
    assert len(read_back(report).get_volumetric_roi_measurement_groups()) == 8
    assert len(read_back(report).get_image_measurement_groups()) == 1


def test_a_chinese_scan_keeps_its_names_in_all_that_is_saved(chinese):
    made = sorted((chinese[0] / "out").glob("*.dcm"))
    assert len(made) >= 4
    for path in made:
        said = pydicom.dcmread(path)
        assert (said.PatientName, said.PatientID, said.ReferringPhysicianName) == CHINESE, path.name
        assert said.SpecificCharacterSet == "GB18030", path.name


def test_key_image_and_pdf_can_be_shown_by_any_viewer(scanned):
    folder, read, _ = scanned
    picture = pydicom.dcmread(folder / "out" / "key-image.dcm")
    assert picture.PhotometricInterpretation == "RGB"
    assert picture.pixel_array.shape[2] == 3
    assert picture.pixel_array.std() > 20
    document = pydicom.dcmread(folder / "out" / "report-pdf.dcm")
    pdf = document.EncapsulatedDocument[: document.EncapsulatedDocumentLength]
    assert pdf == (folder / "out" / "report.pdf").read_bytes()
    with pypdfium2.PdfDocument(pdf) as pages:
        assert len(pages) > 2
    for made in (picture, document):
        assert (made.PatientID, made.StudyInstanceUID) == ("P-0042", read.meta["study_uid"])


CLOSE_UPS = ("T12", "L1", "L3")


def test_every_close_up_is_a_capture_in_the_series_of_the_overview(scanned):
    folder, read, _ = scanned
    names = ["key-image.dcm", *(f"key-image-{level}.dcm" for level in CLOSE_UPS)]
    made = [pydicom.dcmread(folder / "out" / name) for name in names]
    assert len({d.SeriesInstanceUID for d in made}) == 1
    assert [d.InstanceNumber for d in made] == [1, 2, 3, 4]
    assert [d.ImageComments for d in made] == ["overview", *CLOSE_UPS]
    for picture in made:
        assert (picture.BurnedInAnnotation, picture.PatientOrientation) == ("NO", "")
        assert (picture.BodyPartExamined, "Laterality" in picture) == ("SPINE", False)
        assert picture.SeriesDescription.startswith("SIMULATED")
        assert picture.ReferencedSeriesSequence[0].SeriesInstanceUID == read.meta["series_uid"]
    sources = [[s.ReferencedSOPInstanceUID for s in d.SourceImageSequence] for d in made]
    assert set(sources[0]) == set(read.meta["sop_uids"])
    at = {str(uid): read.grid.world([k, 0, 0])[2] for k, uid in enumerate(read.meta["sop_uids"])}
    for level, uids in zip(CLOSE_UPS, sources[1:], strict=True):
        z = fixture.reading().at(level).centroid_lps_mm[2]
        assert {str(uid) for uid in uids} == {uid for uid, place in at.items() if abs(place - z) <= 32.0}


def test_only_the_pages_name_the_patient_and_the_day(scanned):
    folder, read, _ = scanned
    first = pydicom.dcmread(read.meta["files"][0])
    out = folder / "out"
    day = f"{first.StudyDate[:4]}-{first.StudyDate[4:6]}-{first.StudyDate[6:]}" if first.StudyDate else ""
    assert "<!-- L1 -->" in (out / "figures" / "figure-spine.svg").read_text(
        encoding="utf-8"
    )  # texts can be looked for
    for picture in (out / "figures").glob("*.svg"):
        drawn = picture.read_text(encoding="utf-8")
        assert not any(said in drawn for said in (first.PatientID, str(first.PatientName), day) if said)
    with pypdfium2.PdfDocument((out / "report.pdf").read_bytes()) as pages:
        assert first.PatientID in pages[0].get_textpage().get_text_bounded()
    assert pydicom.dcmread(out / "report-pdf.dcm").BurnedInAnnotation == "YES"


@pytest.mark.parametrize(("scan", "title"), [
    ("scanned", "SIMULATED DATA · Spine CT: vertebral fracture report"), ("chinese", "模拟数据 · 脊柱 CT 椎体骨折检查报告"),
])  # fmt: skip
def test_the_pdf_is_marked_as_invented_and_titled_in_its_language(request, scan, title):
    made = pydicom.dcmread(request.getfixturevalue(scan)[0] / "out" / "report-pdf.dcm")
    assert made.DocumentTitle == title
    assert made.SeriesDescription.startswith("SIMULATED")


def test_with_a_missing_slice_the_other_frames_refer_to_their_images(tmp_path):
    volume, labels = fixture.spine(spacing=(3.0, 3.0, 3.0))
    paths = write_ct_series(volume, tmp_path)
    missing = float(pydicom.dcmread(paths[50]).ImagePositionPatient[2])
    whole = spine_seg(labels, dicom_source(read_volume(tmp_path)))
    paths[50].unlink()
    read = read_volume(tmp_path)
    assert "resampled_missing_slices:1" in read.notes
    seg = spine_seg(labels, dicom_source(read))
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == read.meta["series_uid"]
    place = {h.SOPInstanceUID: float(h.ImagePositionPatient[2]) for h in dicom_source(read).headers}
    lone = 0
    for frame, complete in zip(
        seg.PerFrameFunctionalGroupsSequence, whole.PerFrameFunctionalGroupsSequence, strict=True
    ):
        z = float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        if abs(z - missing) < 0.01:
            lone += 1
            assert not frame.get("DerivationImageSequence")
            continue
        assert frame.DerivationImageSequence == complete.DerivationImageSequence
        origin = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert place[origin.ReferencedSOPInstanceUID] == pytest.approx(z, abs=0.01)
    assert lone > 0


def test_a_resampled_grid_refers_to_no_image_that_it_does_not_lie_on(tmp_path):
    volume, labels = fixture.spine(spacing=(3.0, 3.0, 3.0))
    write_ct_series(volume, tmp_path)
    source = dicom_source(read_volume(tmp_path))
    moved = labels.vertebrae.affine.copy()
    moved[:3, 3] += (0.0, 0.0, 1.5)  # between the images
    seg = spine_seg(replace(labels, vertebrae=replace(labels.vertebrae, affine=moved)), source)
    assert not any(frame.get("DerivationImageSequence") for frame in seg.PerFrameFunctionalGroupsSequence)


def test_results_name_the_objects(scanned):
    folder, _, _ = scanned
    written = json.loads((folder / "out" / "results.json").read_text(encoding="utf-8"))["dicom"]["written"]
    pictures = sorted(["key-image.dcm", *(f"key-image-{level}.dcm" for level in CLOSE_UPS)])
    assert written == [*pictures, "report-pdf.dcm", "report.dcm", "segmentation.dcm"]


def test_no_uid_is_used_twice(scanned):
    folder, _, _ = scanned
    made = [pydicom.dcmread(path) for path in sorted((folder / "out").glob("*.dcm"))]
    uids = [d.SOPInstanceUID for d in made] + list({d.SeriesInstanceUID for d in made})
    assert len(set(uids)) == len(uids) == 7 + 4  # the pictures share a series


def test_images_without_identifiers_get_no_objects_and_the_results_say_why(tmp_path):
    volume, labels = fixture.spine(spacing=(6.0, 3.0, 3.0))
    read = series_of(volume, tmp_path / "series", empty_uids=True)
    with pytest.raises(InputError, match="no StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID"):
        dicom_source(read)
    save_reading(tmp_path / "out", fixture.intact(), read, labels, lang="en")
    assert not list((tmp_path / "out").glob("*.dcm"))
    said = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["dicom"]
    assert said["written"] == []
    assert "so that nothing can refer to them" in said["why_not"]


def test_a_series_in_an_archive_is_read_again_from_it(tmp_path):
    volume, labels = fixture.spine(spacing=(6.0, 3.0, 3.0))
    paths = write_ct_series(volume, tmp_path / "series")
    with zipfile.ZipFile(tmp_path / "series.zip", "w") as archive:
        for path in paths:
            archive.write(path, path.name)
    read = read_volume(tmp_path / "series.zip")
    seg = spine_seg(labels, dicom_source(read))
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == read.meta["series_uid"]


def test_files_that_have_gone_and_other_formats_are_refused(scanned, tmp_path):
    _, read, labels = scanned
    gone = replace(read, meta={**read.meta, "files": (str(tmp_path / "gone.dcm"),)})
    with pytest.raises(FileError, match=r"gone\.dcm"):
        dicom_source(gone)
    with pytest.raises(InputError, match="no DICOM series"):
        dicom_source(replace(read, meta={"format": "nifti"}))
    empty = LabelMap(array=np.zeros_like(labels.vertebrae.array), affine=labels.vertebrae.affine)
    with pytest.raises(InputError, match="no vertebra"):
        spine_seg(replace(labels, vertebrae=empty), dicom_source(read))


CHINESE = ("张^三丰", "住院0012345", "李^医生")


def renamed(path, charset, names, *, declared=True):
    """The slice with these names in this character set; undeclared as old Chinese scanners leave it."""
    header = pydicom.dcmread(path)
    header.SpecificCharacterSet = charset
    header.PatientName, header.PatientID, header.ReferringPhysicianName = names
    header.save_as(path)
    if not declared:
        content = path.read_bytes()
        start = content.index(b"\x08\x00\x05\x00CS")
        length = int.from_bytes(content[start + 6 : start + 8], "little")
        path.write_bytes(content[:start] + content[start + 8 + length :])


@pytest.mark.parametrize(("charset", "names", "declared", "written"), [
    ("GB18030", CHINESE, True, "GB18030"), ("GB18030", CHINESE, False, "GB18030"), ("ISO_IR 192", CHINESE, True, "ISO_IR 192"),
    (["", "ISO 2022 IR 149"], ("KIM^HEEJOONG=金^喜中", "0012345", "이^의사"), True, "ISO_IR 192"),
    ("ISO_IR 100", ("Müller^Jürgen", "0012345", "Ärztin^Eva"), True, "ISO_IR 100"),
])  # fmt: skip
def test_names_arrive_in_every_object_as_they_were_written(tmp_path, charset, names, declared, written):
    volume, labels = fixture.spine(spacing=(12.0, 6.0, 6.0))
    for path in write_ct_series(volume, tmp_path):
        renamed(path, charset, names, declared=declared)
    source, dot = dicom_source(read_volume(tmp_path)), io.BytesIO()
    image.imsave(dot, np.zeros((4, 4, 3)), format="png")
    seg = spine_seg(labels, source)
    made = {
        "seg": seg,
        "sr": spine_sr(fixture.intact(), seg, source, lang="zh"),
        "sc": key_image(dot.getvalue(), source),
        "pdf": encapsulated_pdf(b"%PDF", source, title="脊柱 CT"),
    }
    for name, thing in made.items():
        thing.save_as(tmp_path / f"{name}.dcm", enforce_file_format=True)
    for name in made:
        said = pydicom.dcmread(tmp_path / f"{name}.dcm")
        assert (said.PatientName, said.PatientID, said.ReferringPhysicianName) == names, name
        chinese_text = written == "ISO_IR 100" and name in ("sr", "pdf")
        assert said.SpecificCharacterSet == ("ISO_IR 192" if chinese_text else written), name


def test_shifts_of_a_code_extension_are_no_part_of_a_name(tmp_path):
    volume, _ = fixture.spine(spacing=(6.0, 3.0, 3.0))
    shifted = b"ZHANG^SANFENG=\x1b$)A\xd5\xc5^\x1b$)A\xc8\xfd\xb7\xe1"
    for path in write_ct_series(volume, tmp_path):
        renamed(path, ["", "ISO 2022 IR 58"], ("Q" * len(shifted), "1", ""))
        path.write_bytes(path.read_bytes().replace(b"Q" * len(shifted), shifted))
    first = dicom_source(read_volume(tmp_path)).first
    assert (first.PatientName, first.SpecificCharacterSet) == ("ZHANG^SANFENG=张^三丰", "ISO_IR 192")


def test_a_character_set_is_kept_only_where_it_can_write_what_is_said():
    assert character_set("ISO_IR 100", ["Müller"]) == "ISO_IR 100"
    assert character_set("ISO_IR 100", ["Müller", "张"]) == "ISO_IR 192"
    assert character_set("no such set", ["A"]) == "ISO_IR 192"
    assert character_set("ISO 2022 GBK", ["张"]) == "ISO_IR 192"


@pytest.mark.data
def test_a_real_series_with_empty_identifiers_is_refused(real_data):
    read = read_volume(real_data / "ct" / "series_empty_uids" / "series")
    with pytest.raises(InputError, match="nothing can refer to them"):
        dicom_source(read)


def test_every_level_has_a_code_of_its_own():
    made = [level_code(level).value for level in (*ALL_LEVELS, "V1", "V12")]
    assert len(set(made)) == len(made)
    for level in ("C1", "T1", "T9", "L5"):  # the standard's own dictionary agrees
        assert level_code(level) == getattr(codes.SCT, f"{level}Vertebra")


def test_an_odd_pdf_is_padded(scanned):
    _, read, _ = scanned
    made = encapsulated_pdf(b"%PDF-odd", dicom_source(read), title="t")
    assert made.EncapsulatedDocumentLength == 8
    made = encapsulated_pdf(b"%PDF-even", dicom_source(read), title="t")
    assert (made.EncapsulatedDocumentLength, len(made.EncapsulatedDocument)) == (9, 10)


@pytest.mark.parametrize(
    "name", ["segmentation.dcm", "report.dcm", "key-image.dcm", "key-image-L1.dcm", "report-pdf.dcm"]
)
@pytest.mark.parametrize("scan", ["scanned", "chinese"])
def test_dciodvfy_finds_no_error(request, scan, name, dciodvfy):
    folder = request.getfixturevalue(scan)[0]
    said = subprocess.run([dciodvfy, str(folder / "out" / name)], capture_output=True, text=True, check=False)
    errors = [line for line in said.stderr.splitlines() if line.startswith("Error") or "Laterality" in line]
    assert errors == []


def test_a_broken_endplate_is_coded_as_itself(scanned, tmp_path):
    _, read, labels = scanned
    made = fixture.intact()
    plate = replace(made.at("L2").superior, injured=True, signs=("discontinuity",), injury=2.0)
    made = replace(made, vertebrae=tuple(
        replace(v, notes=("endplate_injury",), superior=plate, confidence=0.89) if v.level == "L2" else v
        for v in made.vertebrae
    ))  # fmt: skip
    save_reading(tmp_path / "out", made, read, labels, lang="en", command="osteon read ct series")
    report = hd.sr.srread(tmp_path / "out" / "report.dcm")
    groups = [
        *report.content.get_volumetric_roi_measurement_groups(),
        *report.content.get_image_measurement_groups(),
    ]
    calls = [e.value.value for g in groups for e in g.get_qualitative_evaluations() if e.name == private_code("CALL")]  # fmt: skip
    assert calls.count("ENDPLATEINJURY") == 1 and "FRACTURE" not in calls
    rates = [value_of(group, private_code("ENDPLATERATE")) for group in groups]
    assert [rate for rate in rates if rate is not None] == [pytest.approx(0.89)]
