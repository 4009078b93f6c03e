"""No planted name is left in any byte, UIDs and intervals hold together, pixels stay; what may show words is flagged."""

import zipfile
from datetime import date

import numpy as np
import pandas as pd
import pydicom
import pytest
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import (
    CTImageStorage,
    EncapsulatedPDFStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from osteon.cohort.deidentify import deidentify as deidentify_table
from osteon.core.errors import ConfigError, FileError
from osteon.imaging.burned_in import looks_written
from osteon.imaging.deidentify import DicomOptions, deidentify_dicom, describe_report, holds_dicom
from osteon.imaging.deidentify_profile import profile
from osteon.imaging.guarded import ReaderPool
from osteon.imaging.read import read_volume

KEY = b"a secret of many bytes"
NAMES = {"A": "Wang^XiuYing=王^秀英", "B": "Zhang^Wei=张^伟岸"}
PLANTED = (
    "XiuYing",
    "王^秀英",
    "秀英",
    "伟岸",
    "张^伟岸",
    "ZY-0017-A",
    "ZY-0017-B",
    "朝阳医院",
    "Chaoyang",
    "13800001234",
    "ACC9981",
)
rng = np.random.default_rng(3)
ANATOMY = (rng.normal(0, 20, (3, 64, 64)) + 800 * (np.hypot(*np.mgrid[-32:32, -32:32]) < 20)).astype(np.int16)


@pytest.fixture(scope="module")
def pool():
    with ReaderPool() as readers:
        yield readers


def base(who="A", *, study="20200131", sop=CTImageStorage, uid="1.2.826.0.1.77.1"):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop, uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.SourceApplicationEntityTitle = "CHAOYANG_CT"
    scan = FileDataset("x", {}, file_meta=meta, preamble=b"WangXiuYing".ljust(128))
    scan.SpecificCharacterSet = "GB18030"
    scan.SOPClassUID, scan.SOPInstanceUID, scan.Modality = sop, uid, "CT"
    scan.StudyInstanceUID, scan.SeriesInstanceUID = (
        f"1.2.826.0.1.77.{ord(who)}.{study}",
        f"1.2.826.0.1.78.{ord(who)}.{study}",
    )
    scan.FrameOfReferenceUID = "1.2.826.0.1.79"
    scan.PatientName, scan.PatientID = NAMES[who], f"ZY-0017-{who}"
    scan.PatientBirthDate, scan.PatientAge, scan.PatientSex = "19250102", "095Y", "F"
    scan.StudyDate = scan.SeriesDate = scan.ContentDate = study
    scan.StudyTime, scan.AcquisitionDateTime = "101500", f"{study}101530.25+0800"
    scan.AccessionNumber, scan.InstitutionName, scan.PatientTelephoneNumbers = (
        "ACC9981",
        "朝阳医院 Chaoyang",
        "13800001234",
    )
    scan.ReferringPhysicianName, scan.StudyDescription = "李^建国", "王秀英 lumbar"
    scan.Manufacturer, scan.ConvolutionKernel = "ACME", "B70f"
    scan.WindowCenterWidthExplanation = (
        f"for {NAMES[who].split('^')[1].split('=')[0]}"  # an attribute that the profile keeps
    )
    scan.ImageComments, scan.PatientComments = "patient 秀英", "tel 13800001234"
    private = scan.private_block(0x0009, "ACME CT", create=True)
    private.add_new(1, "LO", "XiuYing")
    scan.add_new(0x50000010, "US", 1)
    scan.add_new(0x60004000, "LT", "王秀英")
    request = Dataset()
    request.RequestedProcedureDescription, request.RequestingPhysician = "CT of 秀英", "李^建国"
    inner = Dataset()
    inner.ReferencedSOPClassUID, inner.ReferencedSOPInstanceUID = sop, "1.2.826.0.1.77.1"
    inner.PersonName, inner.TextValue = NAMES[who], "by 秀英"
    inner.private_block(0x0011, "ACME", create=True).add_new(1, "LO", "XiuYing")
    holder = Dataset()
    holder.DerivationCodeSequence, holder.SourceImageSequence = Sequence([inner]), Sequence([inner])
    scan.RequestAttributesSequence, scan.DerivationImageSequence = Sequence([request]), Sequence([holder])
    scan.SourceImageSequence = Sequence([inner])
    return scan


def with_pixels(scan, pixels, z=0.0):
    scan.Rows, scan.Columns = pixels.shape
    scan.SamplesPerPixel, scan.PhotometricInterpretation, scan.PixelRepresentation = 1, "MONOCHROME2", 1
    scan.BitsAllocated, scan.BitsStored, scan.HighBit = 16, 16, 15
    scan.PixelSpacing, scan.ImageOrientationPatient = [0.5, 0.5], [1, 0, 0, 0, 1, 0]
    scan.ImagePositionPatient, scan.SliceThickness = [0, 0, z], 1.0
    scan.RescaleSlope, scan.RescaleIntercept = 1, -24
    scan.PixelData = pixels.tobytes()
    return scan


@pytest.fixture
def study(tmp_path):
    """Two patients, two visits of A, three slices each."""
    folder = tmp_path / "王秀英"
    for who, day in (("A", "20200131"), ("A", "20210301"), ("B", "20200131")):
        for n in range(3):
            place = folder / f"{who}{day}"
            place.mkdir(parents=True, exist_ok=True)
            uid = f"1.2.826.0.1.77.{ord(who)}.{day}.{n + 1}"
            with_pixels(base(who, study=day, uid=uid), ANATOMY[n], float(n)).save_as(place / f"{n}.dcm")
    return folder


def read_all(report):
    return [pydicom.dcmread(path) for path in sorted(report.files)]


def bytes_of(report):
    return b"".join(path.read_bytes() for path in report.files)


def test_no_name_is_left_in_any_byte_and_pixels_stay(study, tmp_path, pool):
    report = deidentify_dicom(study, tmp_path / "out", key=KEY, pool=pool)
    assert (len(report.files), report.patients, report.skipped, report.flagged) == (9, 2, (), ())
    content = bytes_of(report) + "".join(map(str, report.files)).replace(str(tmp_path), "").encode()
    for word in (*PLANTED, "李", "建国", "CHAOYANG", "王"):
        for encoding in ("utf-8", "gb18030"):
            assert word.encode(encoding) not in content, word
    for scan in read_all(report):
        assert not any(tag.group % 2 or tag.group in (0x5000, 0x6000) for tag in scan.keys())  # noqa: SIM118
        assert (scan.PatientIdentityRemoved, scan.LongitudinalTemporalInformationModified) == (
            "YES",
            "MODIFIED",
        )
        assert [item.CodeValue for item in scan.DeidentificationMethodCodeSequence] == [
            "113100",
            "113107",
            "113108",
        ]
        assert (scan.PatientSex, scan.PatientAge, scan.PatientBirthDate) == ("F", "090Y", "")
        assert (scan.Manufacturer, scan.ConvolutionKernel, scan.StudyTime) == ("ACME", "B70f", "101500")
        assert scan.file_meta.MediaStorageSOPInstanceUID == scan.SOPInstanceUID
        assert "SourceApplicationEntityTitle" not in scan.file_meta
        assert scan.preamble == b"\0" * 128
    before = read_volume(study / "B20200131")
    (after,) = [read_volume(p) for p in {path.parent for path in report.files if pydicom.dcmread(path).StudyDate != ""}
                if np.array_equal(read_volume(p).array, before.array) and len(list(p.iterdir())) == 3][:1]  # fmt: skip
    assert np.array_equal(after.affine, before.affine)


@pytest.mark.parametrize("written", ["ZHANGSANFENG", "for SanFeng", "zhangsan 3", "SanFengZhang", "张三丰"])
def test_a_name_written_in_one_word_goes_too(tmp_path, pool, written):
    scan = with_pixels(base(), ANATOMY[0])
    scan.PatientName, scan.FilterType = "Zhang^San Feng=张^三^丰", written
    (tmp_path / "in").mkdir()
    scan.save_as(tmp_path / "in" / "0.dcm")
    (cleaned,) = read_all(deidentify_dicom(tmp_path / "in", tmp_path / "out", key=KEY, pool=pool))
    assert not cleaned.get("FilterType")
    scan.FilterType = "BODYSANDFENG"  # another word
    scan.save_as(tmp_path / "in" / "0.dcm")
    (cleaned,) = read_all(deidentify_dicom(tmp_path / "in", tmp_path / "again", key=KEY, pool=pool))
    assert cleaned.FilterType == "BODYSANDFENG"


def test_an_invented_scan_stays_marked_and_no_other_scan_becomes_so(tmp_path, pool):
    (tmp_path / "in").mkdir()
    for number, (name, patient, description) in enumerate((
        ("SIMULATED^PHANTOM", "SIMULATED-0001", "SPINE (SIMULATED)"), ("Wang^SIMULATED", "ZY-0017-B", "SPINE 1.0"),
    )):  # fmt: skip
        scan = with_pixels(base(uid=f"1.2.826.0.1.77.{number}"), ANATOMY[0])
        scan.PatientName, scan.PatientID, scan.SeriesDescription = name, patient, description
        scan.save_as(tmp_path / "in" / f"{number}.dcm")
    cleaned = read_all(deidentify_dicom(tmp_path / "in", tmp_path / "out", key=KEY, pool=pool))
    assert sorted(str(one.get("SeriesDescription", "")) for one in cleaned) == ["", "SIMULATED"]
    assert not any("0001" in str(one.PatientID) or "PHANTOM" in str(one.PatientName) for one in cleaned)


def test_uids_hold_together_and_intervals_stay(study, tmp_path, pool):
    scans = read_all(deidentify_dicom(study, tmp_path / "out", key=KEY, pool=pool))
    by_person = {}
    for scan in scans:
        by_person.setdefault(scan.PatientID, []).append(scan)
    assert sorted(map(len, by_person.values())) == [3, 6]
    assert (
        len({scan.StudyInstanceUID for scan in scans}) == len({scan.SeriesInstanceUID for scan in scans}) == 3
    )
    assert len({scan.FrameOfReferenceUID for scan in scans}) == 1
    assert len({scan.SOPInstanceUID for scan in scans}) == 9
    for scan in scans:
        assert all(str(scan[k].value).startswith("2.25.") for k in ("StudyInstanceUID", "SOPInstanceUID"))
        nested = scan.DerivationImageSequence[0].SourceImageSequence[0]
        assert nested.ReferencedSOPInstanceUID == scan.SourceImageSequence[0].ReferencedSOPInstanceUID
        assert nested.ReferencedSOPClassUID == CTImageStorage
        assert scan.StudyDate == scan.SeriesDate == scan.ContentDate == scan.AcquisitionDateTime[:8]
        assert scan.AcquisitionDateTime[8:] == "101530.25+0800"
        assert scan.StudyDate not in ("20200131", "20210301")
    (six,) = [visits for visits in by_person.values() if len(visits) == 6]
    days = sorted({date.fromisoformat(scan.StudyDate) for scan in six})
    assert (days[1] - days[0]).days == (date(2021, 3, 1) - date(2020, 1, 31)).days


def test_the_same_key_gives_the_same_bytes_and_the_pseudonyms_of_tables(study, tmp_path, pool):
    first, again = (deidentify_dicom(study, tmp_path / name, key=KEY, pool=pool) for name in "ab")
    other = deidentify_dicom(study, tmp_path / "c", key=b"another secret of many bytes", pool=pool)
    assert bytes_of(first) == bytes_of(again)
    assert {p.parts[-3] for p in first.files}.isdisjoint(p.parts[-3] for p in other.files)
    people = pd.DataFrame({"participant_id": ["ZY-0017-A"], "visit_date": pd.to_datetime(["2020-01-31"])})
    row = deidentify_table(people, key=KEY).table.iloc[0]
    scans = [scan for scan in read_all(first) if scan.PatientID == row["participant_id"]]
    assert len(scans) == 6
    assert f"{row['visit_date']:%Y%m%d}" in {scan.StudyDate for scan in scans}


def test_every_action_of_the_profile_is_done(tmp_path, pool):
    """Each attribute of the table, at the top and nested, with a planted value of its own."""
    kinds = {"LO", "SH", "LT", "ST", "UT", "UC", "PN", "AE", "UI", "UR"}
    scan = with_pixels(base(), ANATOMY[0])
    nested, plants = Dataset(), {}
    for tag in profile().actions:
        if not pydicom.datadict.dictionary_has_tag(tag) or tag >> 16 < 8:
            continue
        vr = pydicom.datadict.dictionary_VR(tag)
        if vr in kinds and tag != 0x00080018:
            for data in (scan, nested):
                plants[len(plants), tag] = value = (
                    f"1.9.{len(plants)}.77" if vr == "UI" else f"PLNT{len(plants):04d}"
                )
                data.add_new(tag, vr, value)
    scan.SourceImageSequence[0].PurposeOfReferenceCodeSequence = Sequence([nested])
    (tmp_path / "a.dcm").parent.mkdir(exist_ok=True)
    scan.save_as(tmp_path / "a.dcm")
    assert len(plants) > 500
    report = deidentify_dicom(tmp_path / "a.dcm", tmp_path / "b.dcm", key=KEY, pool=pool)
    assert report.files == (tmp_path / "b.dcm",)
    content = (tmp_path / "b.dcm").read_bytes()
    assert b"PLNT" not in content
    assert b"1.9." not in content
    out = pydicom.dcmread(tmp_path / "b.dcm")
    for data in (out, out.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0]):
        for _, tag in plants:
            action = profile().actions[tag]
            if tag in (0x00100010, 0x00100020, 0x00120063):
                continue
            assert (tag in data) == (action != "X"), Tag(tag)
            if action == "Z":
                assert data[tag].value in ("", None), Tag(tag)
            elif action == "U":
                assert data[tag].value.startswith("2.25."), Tag(tag)
            elif action == "D":
                assert data[tag].value == "REMOVED" or str(data[tag].value).startswith("2.25."), Tag(tag)


def test_a_batch_goes_on_past_bad_files_and_leaves_out_words(study, tmp_path, pool):
    good = next(study.rglob("*.dcm"))
    (study / "cut.dcm").write_bytes(good.read_bytes()[:300])
    (study / "notes.txt").write_text("王秀英")
    for name, sop in (("sr", EnhancedSRStorage), ("pdf", EncapsulatedPDFStorage)):
        base(sop=sop).save_as(study / f"{name}.dcm")
    report = deidentify_dicom(study, tmp_path / "out", key=KEY, pool=pool)
    assert {noted.source: noted.codes for noted in report.skipped} == {
        "cut.dcm": ("unreadable",), "notes.txt": ("not_dicom",), "sr.dcm": ("text_document",), "pdf.dcm": ("text_document",),
    }  # fmt: skip
    assert len(report.files) == 9
    assert not list((tmp_path / "out").rglob(".*"))
    lines = describe_report(report)
    assert lines[0] == "9 files of 2 patients de-identified"
    assert any(line.startswith("skipped cut.dcm: unreadable cut.dcm: cut short") for line in lines)


def written(shape=(256, 256), size=12):
    picture = Image.fromarray(np.zeros(shape, np.uint8))
    ImageDraw.Draw(picture).text(
        (8, 8), "WANG XIUYING 1925-01-02\nChaoyang Hospital", fill=255, font_size=size
    )
    return np.asarray(picture).astype(np.int16)


def test_suspicion_of_burned_in_words_is_flagged_and_set_apart(tmp_path, pool):
    folder = tmp_path / "in"
    folder.mkdir()
    spoken = with_pixels(base(uid="1.2.1"), ANATOMY[0])
    spoken.BurnedInAnnotation = "YES"
    spoken.save_as(folder / "a.dcm")
    with_pixels(base(uid="1.2.2", sop=SecondaryCaptureImageStorage), ANATOMY[0]).save_as(folder / "b.dcm")
    sound = with_pixels(base(uid="1.2.3", sop=UltrasoundImageStorage), ANATOMY[0])
    sound.Modality = "US"
    sound.save_as(folder / "c.dcm")
    with_pixels(base(uid="1.2.4"), written()).save_as(folder / "d.dcm")
    squeezed = with_pixels(base(uid="1.2.5"), ANATOMY[0])
    squeezed.compress(RLELossless)
    squeezed.PixelData = squeezed.PixelData[:-200]
    squeezed.save_as(folder / "e.dcm")
    with_pixels(base(uid="1.2.6"), ANATOMY[0]).save_as(folder / "f.dcm")
    report = deidentify_dicom(folder, tmp_path / "out", key=KEY, pool=pool)
    assert {noted.source: noted.codes for noted in report.flagged} == {
        "a.dcm": ("burned_in_annotation",), "b.dcm": ("secondary_capture",), "c.dcm": ("modality_with_text",),
        "d.dcm": ("text_like_border",), "e.dcm": ("pixels_not_checked",),
    }  # fmt: skip
    apart = [path.relative_to(tmp_path / "out").parts[0] == "flagged" for path in report.files]
    assert apart == [True] * 5 + [False]


@pytest.mark.parametrize("size", [9, 12, 18, 28])
def test_writing_of_every_size_looks_written(size):
    noisy = written((512, 512), size) * 8 + np.random.default_rng(0).normal(0, 60, (512, 512))
    assert looks_written(noisy)
    assert looks_written(-noisy)


def test_what_is_no_writing():
    noise = np.random.default_rng(1).normal(0, 1, (512, 512))
    stripes = np.zeros((256, 256))
    stripes[::40] = 1  # table edges
    stripes[:, ::100] = 1
    for frame in (noise, stripes, ANATOMY[0], np.zeros((64, 64)), np.zeros((4, 4))):
        assert not looks_written(frame)


def test_without_a_trace_of_a_name_in_pixels_nor_dates_if_so_asked(tmp_path, pool):
    hidden = ANATOMY[0].tobytes()
    scan = with_pixels(base(), ANATOMY[0])
    scan.PixelData = b"Wang^XiuYing" + hidden[12:]
    scan.save_as(tmp_path / "a.dcm")
    with pytest.raises(FileError, match=r"identifier_left 1"):
        deidentify_dicom(tmp_path / "a.dcm", tmp_path / "b.dcm", key=KEY, pool=pool)
    assert not (tmp_path / "b.dcm").exists()
    with_pixels(base(), ANATOMY[0]).save_as(tmp_path / "a.dcm")
    options = DicomOptions(dates="remove", keep_characteristics=False)
    deidentify_dicom(tmp_path / "a.dcm", tmp_path / "b.dcm", key=KEY, options=options, pool=pool)
    scan = pydicom.dcmread(tmp_path / "b.dcm")
    assert (scan.StudyDate, scan.LongitudinalTemporalInformationModified) == ("", "REMOVED")
    assert "2020" not in str(scan.get("AcquisitionDateTime", ""))
    assert "PatientAge" not in scan
    assert "PatientWeight" not in scan


def test_an_archive_and_a_file_without_preamble(study, tmp_path, pool):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in study.rglob("*.dcm"):
            archive.write(path, str(path.relative_to(tmp_path)))
    assert len(deidentify_dicom(tmp_path / "a.zip", tmp_path / "out", key=KEY, pool=pool).files) == 9
    bare = with_pixels(base(), ANATOMY[0])
    bare.file_meta, bare.preamble = FileMetaDataset(), None
    bare.save_as(tmp_path / "bare", implicit_vr=True, little_endian=True, enforce_file_format=False)
    deidentify_dicom(tmp_path / "bare", tmp_path / "whole.dcm", key=KEY, pool=pool)
    whole = pydicom.dcmread(tmp_path / "whole.dcm")
    assert whole.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert np.array_equal(whole.pixel_array, ANATOMY[0])


def test_empty_uids_are_made_up_for_from_the_file_meta_group(tmp_path, pool):
    scan = with_pixels(base(uid="1.2.826.5"), ANATOMY[0])
    scan.PatientName = "Test^Patient"  # words of our own texts are no leak
    scan.save_as(tmp_path / "full.dcm")
    scan.SOPClassUID = scan.SOPInstanceUID = scan.StudyInstanceUID = scan.SeriesInstanceUID = ""
    scan.save_as(tmp_path / "empty.dcm", enforce_file_format=False)
    made = []
    for name in ("full", "empty"):
        deidentify_dicom(tmp_path / f"{name}.dcm", tmp_path / f"{name}.out", key=KEY, pool=pool)
        made.append(pydicom.dcmread(tmp_path / f"{name}.out"))
    assert made[0].SOPInstanceUID == made[1].SOPInstanceUID == made[1].file_meta.MediaStorageSOPInstanceUID
    assert made[1].SOPClassUID == CTImageStorage
    assert made[1].StudyInstanceUID == ""


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "empty",
    [("PatientID", "PatientName"), ("PatientID", "PatientName", "StudyInstanceUID"),
     ("PatientID", "PatientName", "StudyInstanceUID", "SOPInstanceUID"),
     ("PatientID", "PatientName", "StudyInstanceUID", "SOPInstanceUID", "SeriesInstanceUID")],
    ids=len,
)  # fmt: skip
def test_slices_that_name_nobody_stay_together_and_apart_from_others(tmp_path, pool, empty, packed):
    source = tmp_path / "in"
    for who in "AB":
        (source / who).mkdir(parents=True)
        for n in range(3):
            scan = with_pixels(base(who, uid=f"1.2.826.{ord(who)}.{n}"), ANATOMY[n], z=n)
            for keyword in empty:
                setattr(scan, keyword, "")
            scan.save_as(source / who / f"{n}.dcm", enforce_file_format=False)
    if packed:
        with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
            for path in source.rglob("*.dcm"):
                archive.write(path, path.relative_to(source))
        source = tmp_path / "in.zip"
    report = deidentify_dicom(source, tmp_path / "out", key=KEY, pool=pool)
    assert (report.patients, len(report.files)) == (2, 6)
    dates = {}
    for scan in read_all(report):
        dates.setdefault(scan.PatientID, []).append(scan.StudyDate)
    assert [len(own) for own in dates.values()] == [3, 3]
    assert all(len(set(own)) == 1 for own in dates.values())


def test_refusals(tmp_path, study):
    with pytest.raises(ConfigError, match="16 or more"):
        deidentify_dicom(study, tmp_path / "out", key=b"short")
    with pytest.raises(FileError, match="no such file"):
        deidentify_dicom(tmp_path / "none", tmp_path / "out", key=KEY)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no DICOM image that could be de-identified"):
        deidentify_dicom(tmp_path / "empty", tmp_path / "out", key=KEY)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="Known: shift, remove"):
        DicomOptions(dates="drop")


def test_an_archive_is_unpacked_within_the_limits_of_a_reader(tmp_path, pool):
    with zipfile.ZipFile(tmp_path / "zeros.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.dcm", bytes(300 << 20))
    with pytest.raises(FileError, match="decompression bomb"):
        deidentify_dicom(tmp_path / "zeros.zip", tmp_path / "out", key=KEY, pool=pool)
    with zipfile.ZipFile(tmp_path / "cut.zip", "w") as archive:
        archive.writestr("a.dcm", b"some words")
    damaged = (tmp_path / "cut.zip").read_bytes().replace(b"some words", b"other word")
    (tmp_path / "cut.zip").write_bytes(damaged)
    with pytest.raises(FileError, match=r"cut\.zip"):
        deidentify_dicom(tmp_path / "cut.zip", tmp_path / "out", key=KEY, pool=pool)
    assert not (tmp_path / "out").exists()


def test_what_goes_to_the_tables_and_what_does_not(study, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n")
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04")
    kinds = {name: holds_dicom(tmp_path / name) for name in ("a.csv", "a.xlsx", "a.zip", "none")}
    assert kinds == {"a.csv": False, "a.xlsx": False, "a.zip": True, "none": False}
    assert holds_dicom(study)
    assert holds_dicom(next(study.rglob("*.dcm")))


@pytest.mark.data
@pytest.mark.filterwarnings("ignore")  # the names are written in every which way
def test_real_files_keep_their_pixels_and_lose_their_names(real_data, tmp_path, pool):
    report = deidentify_dicom(
        real_data / "dicom" / "malformed" / "charset", tmp_path / "out", key=KEY, pool=pool
    )
    assert len(report.files) + len(report.skipped) == 14
    for scan in read_all(report):
        assert str(scan.PatientName) == scan.PatientID
    original = real_data / "dicom" / "pydicom_test_files" / "CT_small.dcm"
    deidentify_dicom(original, tmp_path / "ct.dcm", key=KEY, pool=pool)
    before, after = pydicom.dcmread(original), pydicom.dcmread(tmp_path / "ct.dcm")
    assert np.array_equal(before.pixel_array, after.pixel_array)
    assert after.StudyDate != before.StudyDate
    series = real_data / "dicom" / "malformed" / "dicom2nifti_failing" / "sliceincrement"
    made = deidentify_dicom(series, tmp_path / "series", key=KEY, pool=pool)
    assert sorted(s.pixel_array.tobytes() for s in read_all(made)) == sorted(
        pydicom.dcmread(p).pixel_array.tobytes() for p in series.rglob("*") if p.is_file()
    )
