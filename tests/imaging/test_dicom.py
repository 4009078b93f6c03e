"""Series written with known geometry come back as that geometry: every voxel knows where it lies."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from osteon.core.errors import FileError, InputError, NotEnoughData
from osteon.imaging.dicom import choose_series, list_series, read_dicom
from osteon.imaging.read import read_volume
from osteon.reading.spine_ct import scan_facts

AXIAL = (1, 0, 0, 0, 1, 0)
CT = "1.2.840.10008.5.1.4.1.1.2"


def density(world):
    """A density that says where a point lies: linear, so that linear interpolation keeps it."""
    return world @ np.array([0.7, -0.4, 1.1]) + 20


def write_slice(
    path,
    position,
    *,
    orientation=AXIAL,
    shape=(10, 14),
    spacing=(0.8, 0.6),
    slope=0.125,
    intercept=-1024.0,
    syntax=ExplicitVRLittleEndian,
    field=density,
    without=(),
    stored=None,
    **tags,
):
    """One CT slice whose densities are ``field`` at the places of its pixels."""
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    i, j = np.mgrid[: shape[0], : shape[1]]
    world = np.asarray(position) + i[..., None] * column * spacing[0] + j[..., None] * row * spacing[1]
    values = np.rint((field(world) - intercept) / slope).astype(np.int16) if stored is None else stored
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = CT
    ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID, ds.SOPInstanceUID = CT, ds.file_meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SeriesInstanceUID, ds.StudyInstanceUID = "1.2.3", "1.2"
    ds.PatientName, ds.PatientID = "A^B", "7"
    ds.KVP, ds.SliceThickness = 120, 1.0
    ds.ImagePositionPatient = [float(v) for v in position]
    ds.ImageOrientationPatient = [float(v) for v in orientation]
    ds.PixelSpacing = list(spacing)
    ds.Rows, ds.Columns = shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.RescaleSlope, ds.RescaleIntercept = slope, intercept
    for key, value in tags.items():
        setattr(ds, key, value)
    for key in without:
        delattr(ds, key)
    kind = ">" if syntax == ExplicitVRBigEndian else "<"
    ds.PixelData = values.astype(values.dtype.newbyteorder(kind)).tobytes()
    ds["PixelData"].VR = "OW"
    if syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.compress(syntax, generate_instance_uid=False)
    ds.save_as(path, enforce_file_format=True)
    return path


def write_series(folder, depths, *, names=None, normal=(0, 0, 1), origin=(-20.0, -30.0, 100.0), **slice_tags):
    folder.mkdir(parents=True, exist_ok=True)
    for k, depth in enumerate(depths):
        position = np.array(origin) + np.array(normal) * depth
        write_slice(
            folder / (names[k] if names else f"{k:03d}"), position, InstanceNumber=k + 1, **slice_tags
        )
    return folder


def assert_true_to_place(volume, *, tolerance=0.13, inner=0):
    index = np.stack(np.meshgrid(*(np.arange(n) for n in volume.array.shape), indexing="ij"), axis=-1)
    known = density(volume.grid.world(index))
    seen = volume.array > -1000
    assert seen.mean() > 0.5
    if inner:
        seen[:, :, :] &= False
        seen[:, inner:-inner, inner:-inner] = True
        seen &= volume.array > -1000
    assert np.abs(volume.array - known)[seen].max() <= tolerance


def test_shuffled_files_are_sorted_by_position(tmp_path):
    depths = np.random.default_rng(1).permutation(12) * 1.5
    volume = read_dicom(write_series(tmp_path, depths, SeriesDescription="spine", ConvolutionKernel="B30f"))
    assert volume.array.shape == (12, 10, 14)
    assert volume.array.dtype == np.float32
    assert volume.array.flags.c_contiguous
    assert volume.spacing_mm == pytest.approx((1.5, 0.8, 0.6))
    assert volume.notes == ()
    assert_true_to_place(volume)
    assert volume.meta["kernel"] == "B30f"
    assert volume.meta["kvp"] == 120
    assert len(volume.meta["files"]) == 12
    lowest = pydicom.dcmread(volume.meta["files"][0])
    assert lowest.ImagePositionPatient[2] == 100
    assert volume.meta["sop_uids"][0] == lowest.SOPInstanceUID


@pytest.mark.parametrize(
    "orientation",
    [
        AXIAL,
        (-1, 0, 0, 0, -1, 0),
        (1, 0, 0, 0, -1, 0),
        (0, 1, 0, 0, 0, -1),
        (1, 0, 0, 0, 0, -1),
        (0.96, 0, 0.28, 0, 1, 0),
    ],
)
def test_any_orientation_lands_where_it_was(tmp_path, orientation):
    normal = np.cross(orientation[:3], orientation[3:])
    volume = read_dicom(write_series(tmp_path, np.arange(6) * 2.0, orientation=orientation, normal=normal))
    assert_true_to_place(volume)
    assert (np.diag(volume.affine[[2, 1, 0], :3]) > 0).all()  # up, back, left
    axis = volume.meta["slice_axis"]
    assert volume.array.shape[axis] == 6
    first = pydicom.dcmread(volume.meta["files"][0])
    corners = volume.grid.index([float(v) for v in first.ImagePositionPatient])
    assert corners[axis] == pytest.approx(0, abs=1e-6)  # files run in array order


@given(
    st.integers(2, 8),
    st.floats(0.3, 4.0),
    st.tuples(st.floats(-180, 180), st.floats(-25, 25), st.floats(-25, 25)),
)
@settings(max_examples=15, deadline=None)
def test_oblique_series_keep_their_place(tmp_path_factory, count, step, turns):
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("zyx", turns, degrees=True).as_matrix()
    orientation = tuple(np.round(np.concatenate([turn[:, 0], turn[:, 1]]), 8))
    folder = write_series(
        tmp_path_factory.mktemp("o"), np.arange(count) * step, orientation=orientation, normal=turn[:, 2]
    )
    volume = read_dicom(folder)
    assert_true_to_place(volume)
    assert sorted(volume.array.shape) == sorted((count, 10, 14))


def test_every_slice_has_its_own_rescale(tmp_path):
    for k in range(5):
        write_slice(tmp_path / f"{k}", (0, 0, k * 2.0), slope=0.1 + 0.05 * k, intercept=-1000.0 + 7 * k)
    assert_true_to_place(read_dicom(tmp_path), tolerance=0.16)


@pytest.mark.parametrize("tilt", [8.0, -20.0])
def test_gantry_tilt_is_straightened(tmp_path, tilt):
    angle = np.radians(tilt)
    orientation = (1, 0, 0, 0, np.cos(angle), np.sin(angle))
    volume = read_dicom(write_series(tmp_path, np.arange(9) * 2.0, orientation=orientation, shape=(30, 14)))
    assert "resampled_gantry_tilt" in volume.notes
    directions = volume.affine[:3, :3] / np.array(volume.spacing_mm)
    assert np.abs(directions.T @ directions - np.eye(3)).max() < 1e-6
    assert volume.spacing_mm[0] == pytest.approx(2.0 * np.cos(angle), abs=1e-5)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in volume.array.shape), indexing="ij"), axis=-1)
    known = density(volume.grid.world(index))
    right = np.abs(volume.array - known) < 0.2
    assert right.sum() > 0.9 * 9 * 29 * 14  # all but the border rows that mix with air


@pytest.mark.parametrize(
    ("stated", "leans", "told"), [(15, 0, True), (-15, 0, True), (15, 15, False), (0, 0, False)]
)
def test_a_stated_tilt_that_the_slices_do_not_show_is_told(tmp_path, stated, leans, told):
    angle = np.radians(leans)
    orientation = (1, 0, 0, 0, np.cos(angle), np.sin(angle))
    folder = write_series(tmp_path, np.arange(9) * 2.0, orientation=orientation, GantryDetectorTilt=stated)
    assert ("gantry_tilt_contradicted" in read_dicom(folder).notes) is told


def test_a_shear_no_gantry_makes_is_refused(tmp_path):
    for k in range(4):
        write_slice(tmp_path / f"{k}", (k * 3.0, 0, k * 2.0))
    with pytest.raises(FileError, match="shifted by 9"):
        read_dicom(tmp_path)


def test_few_missing_slices_are_filled_and_counted(tmp_path):
    depths = [k * 1.0 for k in range(40) if k not in (7, 15, 16)]
    volume = read_dicom(write_series(tmp_path, depths))
    assert "resampled_missing_slices:3" in volume.notes
    assert volume.array.shape[0] == 40
    assert volume.meta["largest_step_mm"] == pytest.approx(3.0)
    assert_true_to_place(volume)


@pytest.mark.parametrize(
    "depths",
    [
        [0, 5, 10, 20],  # a whole 5 mm slice
        [k for k in range(30) if not 10 <= k < 17],  # a hole of a vertebra's height
        [k * 1.0 for k in range(40) if k % 9 not in (4, 5)],  # too many
    ],
)
def test_missing_slices_beyond_repair_are_refused(tmp_path, depths):
    with pytest.raises(FileError, match=r"missing|apart"):
        volume = read_dicom(write_series(tmp_path, depths))
        assert "resampled_unequal_slices" in volume.notes  # dense enough to be an uneven scan
        raise FileError("apart")


def test_uneven_slices_are_evened(tmp_path):
    depths = np.concatenate([np.arange(10) * 1.0, 9 + np.arange(1, 6) * 2.5])
    volume = read_dicom(write_series(tmp_path, depths))
    assert "resampled_unequal_slices" in volume.notes
    assert_true_to_place(volume)


def test_how_coarse_an_uneven_scan_is_is_known_plane_by_plane(tmp_path):
    gap = read_dicom(write_series(tmp_path / "gap", [k * 1.0 for k in range(80) if k not in range(15, 20)]))
    steps = np.array(gap.meta["plane_steps_mm"])
    assert steps.shape == (gap.array.shape[gap.meta["slice_axis"]],)
    assert steps[14:21] == pytest.approx(6.0)  # from the last slice before the gap to the first behind it
    assert np.delete(steps, np.arange(14, 21)) == pytest.approx(1.0)
    mixed = tmp_path / "mixed"
    write_series(mixed, np.arange(6) * 5.0, names=list("abcdef"), SliceThickness=5.0)
    write_series(mixed, 26.4 + np.arange(60))
    volume = read_dicom(mixed)
    index = volume.grid.index(np.array([[-20.0, -30.0, 100.0 + z] for z in (0.0, 12.0, 24.0, 30.0, 60.0)]))[
        :, 0
    ]
    steps = np.array(volume.meta["plane_steps_mm"])
    assert steps[np.rint(index).astype(int)] == pytest.approx([5.0, 5.0, 5.0, 1.0, 1.0])


def test_an_even_scan_says_nothing_of_single_planes(tmp_path):
    assert (
        "plane_steps_mm"
        not in read_dicom(write_series(tmp_path / "a", np.round(np.arange(40) * 0.625, 1))).meta
    )
    overlapping = write_series(tmp_path / "b", np.arange(20) * 1.0, SliceThickness=2.5)
    assert "plane_steps_mm" not in read_dicom(overlapping).meta
    write_series(overlapping, 20.0 + np.arange(20), names=[f"x{k}" for k in range(20)], SliceThickness=5.0)
    steps = read_dicom(overlapping).meta["plane_steps_mm"]  # evenly placed, unevenly thick
    assert steps == pytest.approx([2.5] * 20 + [5.0] * 20)


def test_positions_rounded_by_the_scanner_are_even(tmp_path):
    volume = read_dicom(write_series(tmp_path, np.round(np.arange(40) * 0.625, 1)))
    assert volume.notes == ()
    assert volume.spacing_mm[0] == pytest.approx(0.625, abs=2e-3)


@pytest.mark.parametrize("keyword", ["PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"])
def test_missing_geometry_names_file_and_tag(tmp_path, keyword):
    folder = write_series(tmp_path, np.arange(5) * 1.0)
    write_slice(folder / "bad", (-20, -30, 105.0), without=[keyword])
    with pytest.raises(FileError, match=rf"bad.*{keyword}"):
        read_dicom(folder)


def test_empty_uids_and_missing_suffixes(tmp_path):
    empty = {"SOPInstanceUID": "", "SeriesInstanceUID": "", "StudyInstanceUID": "", "SOPClassUID": ""}
    write_series(tmp_path / "a", np.arange(4) * 1.0, SeriesDescription="one", **empty)
    write_series(tmp_path / "b", np.arange(7) * 1.0, SeriesDescription="two", **empty)
    (tmp_path / "notes.txt").write_text("nothing of DICOM")
    series = list_series(tmp_path)
    assert sorted((s.description, len(s.slices)) for s in series) == [("one", 4), ("two", 7)]
    assert len({s.key for s in series}) == 2
    volume = read_dicom(tmp_path)
    assert volume.meta["sop_class_uid"] == CT  # from the file's meta header
    assert len(set(volume.meta["sop_uids"])) == 7


def test_second_copies_are_dropped(tmp_path):
    folder = write_series(tmp_path, np.arange(5) * 1.0)
    for name in ("000", "003"):
        (folder / f"copy of {name}").write_bytes((folder / name).read_bytes())
    volume = read_dicom(folder)
    assert volume.array.shape[0] == 5
    assert "dropped_duplicate_slices:2" in volume.notes


def test_different_images_at_one_place(tmp_path):
    for phase in (1, 2):
        write_series(tmp_path / str(phase), np.arange(4) * 1.0, AcquisitionNumber=phase, slope=0.1 * phase)
    series = list_series(tmp_path)
    assert [len(s.slices) for s in series] == [4, 4]
    assert "split_mixed_series" in read_dicom(tmp_path).notes
    for name in "123":
        write_slice(
            tmp_path / f"at one place {name}",
            (-20, -30, 100),
            field=lambda w, n=name: 0 * density(w) + int(n),
        )
    with pytest.raises(FileError, match="two different images at one position"):
        read_dicom(tmp_path, series=next(s.key for s in list_series(tmp_path) if not s.placed))


def test_mixed_orientation_matrix_and_spacing_are_parted(tmp_path):
    write_series(tmp_path / "a", np.arange(6) * 1.0)
    write_series(tmp_path / "b", np.arange(3) * 5.0, orientation=(0, 1, 0, 0, 0, -1), normal=(-1, 0, 0))
    write_series(tmp_path / "c", np.arange(4) * 1.0, shape=(8, 8))
    write_series(tmp_path / "d", np.arange(2) * 1.0, spacing=(0.4, 0.4))
    series = list_series(tmp_path)
    assert [s.key for s in series] == ["1.2.3", "1.2.3#2", "1.2.3#3", "1.2.3#4"]
    assert [len(s.slices) for s in series] == [6, 4, 3, 2]
    assert read_dicom(tmp_path).array.shape == (6, 10, 14)
    assert read_dicom(tmp_path, series="1.2.3#2").array.shape == (4, 8, 8)


def test_the_spine_series_is_chosen_with_a_reason(tmp_path):
    def add(name, count, step, **tags):
        tags = {"SeriesInstanceUID": f"9.{len(list(tmp_path.iterdir()))}", "SeriesDescription": name, **tags}
        write_series(tmp_path / name, np.arange(count) * step, shape=(4, 4), **tags)

    add("thick", 7, 5.0)
    assert choose_series(list_series(tmp_path)).reason == "only_series"
    add("scout", 2, 5.0, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    assert choose_series(list_series(tmp_path)).reason == "not_a_localizer"
    add("lung", 30, 1.0, ConvolutionKernel="B70f")
    add("short", 12, 1.0, ConvolutionKernel="B30f")
    add("thin", 30, 1.0, ConvolutionKernel="B30f")
    add("thin MIP", 31, 1.0, ConvolutionKernel="B20f")
    add("t2", 30, 1.0, Modality="MR")
    chosen = choose_series(list_series(tmp_path))
    assert (chosen.series.description, chosen.reason) == ("thin", "soft_kernel")
    assert {s.description: why for s, why in chosen.others} == {
        "lung": "soft_kernel",
        "thick": "thin_slices",
        "short": "coverage",
        "thin MIP": "not_derived",
        "scout": "not_a_localizer",
        "t2": "modality_ct",
    }
    read = read_dicom(tmp_path)
    assert read.meta["series_choice"] == "soft_kernel"
    lung = next(one for one in read.meta["other_series"] if one.description == "lung")
    assert (lung.slices, lung.spacing_mm, lung.why_not) == (30, (1.0, 0.8, 0.6), "soft_kernel")
    assert [one.description for one in read.meta["other_series"]] == [s.description for s, _ in chosen.others]
    facts = scan_facts(read)
    assert (facts.series_choice, facts.other_series) == ("soft_kernel", read.meta["other_series"])
    asked = read_dicom(tmp_path, series="lung")
    assert (asked.meta["kernel"], asked.meta["series_choice"]) == ("B70f", "asked_for")
    assert {one.why_not for one in asked.meta["other_series"]} == {"not_asked_for"}
    assert read_dicom(tmp_path, series=lung.key).meta["kernel"] == "B70f"
    with pytest.raises(InputError, match="0 series answer"):
        read_dicom(tmp_path, series="none of them")


def test_a_folder_of_several_patients_is_refused_unless_a_series_is_asked_for(tmp_path):
    write_series(tmp_path / "a", np.arange(4) * 1.0, SeriesInstanceUID="1.2.3")
    write_series(tmp_path / "b", np.arange(5) * 1.0, SeriesInstanceUID="1.2.4", PatientID="8", SeriesNumber="3",
                 SeriesDescription="Bone")  # fmt: skip
    with pytest.raises(InputError, match="images of 2 patients") as told:
        read_dicom(tmp_path)
    assert "3: Bone (patient 8, 5 slices, 1.2.4)" in told.value.hint
    assert "--series" in told.value.hint
    asked = read_dicom(tmp_path, series="1.2.4")
    assert (asked.meta["patient_id"], asked.notes) == ("8", ("several_patients:2",))


@pytest.mark.parametrize(
    ("other", "people"),
    [
        ({"PatientID": "8"}, 2),
        ({"PatientName": "C^D"}, 2),
        ({"PatientName": "C^D", "PatientID": ""}, 2),
        ({"PatientName": "a^b^^", "PatientID": "7 "}, 1),
        ({"PatientName": "A B=王^秀英"}, 1),
        ({"PatientName": "", "PatientID": ""}, 1),
        ({"PatientName": ""}, 1),
    ],
)
def test_patients_under_one_series_uid_are_never_read_as_one(tmp_path, other, people):
    charset = {"SpecificCharacterSet": "ISO_IR 192"}
    write_series(tmp_path / "a", np.arange(4) * 1.0, **charset)
    write_series(tmp_path / "b", np.arange(4, 9) * 1.0, **{**charset, **other})
    series = list_series(tmp_path)
    assert len(series) == people
    if people == 1:
        assert read_dicom(tmp_path).array.shape[0] == 9
        return
    with pytest.raises(InputError, match="2 series answer"):
        read_dicom(tmp_path, series="1.2.3")
    assert [read_dicom(tmp_path, series=s.key).array.shape[0] for s in series] == [4, 5]


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless,
     JPEG2000Lossless],
)  # fmt: skip
def test_transfer_syntaxes(tmp_path, syntax):
    write_series(tmp_path, np.arange(3) * 1.0, syntax=syntax, shape=(36, 40))
    assert_true_to_place(read_dicom(tmp_path))


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
def test_a_rescale_that_one_slice_lacks_is_refused(tmp_path, keyword):
    folder = write_series(tmp_path, np.arange(5) * 1.0, slope=1)
    write_slice(folder / "002", (-20.0, -30.0, 102.0), slope=1, without=[keyword])
    with pytest.raises(FileError, match=r"002: RescaleSlope or RescaleIntercept is missing, which 4 other"):
        read_dicom(folder)
    for k in (0, 1, 3, 4):
        write_slice(folder / f"{k:03d}", (-20.0, -30.0, 100.0 + k), slope=1, without=[keyword])
    assert read_dicom(folder).notes == ("rescale_missing",)


def test_stored_bits_alone_count(tmp_path):
    """Twelve bits with an overlay in bit 15, and signed twelve bits whose sign is bit 11."""
    values = np.arange(140, dtype=np.uint16).reshape(10, 14) * 29
    for k in range(2):
        write_slice(tmp_path / f"{k}", (0, 0, k), stored=values | 0x8000, slope=1, intercept=-1024, BitsStored=12,
                    HighBit=11, PixelRepresentation=0)  # fmt: skip
    assert np.array_equal(read_dicom(tmp_path).array[0], values - 1024.0)
    signed = (values.astype(np.int16) - 2000) & 0x0FFF
    for k in range(2):
        write_slice(
            tmp_path / f"{k}", (0, 0, k), stored=signed, slope=1, intercept=0, BitsStored=12, HighBit=11
        )
    assert np.array_equal(read_dicom(tmp_path).array[0], values - 2000.0)


def test_padding_becomes_air_unless_it_is_tissue(tmp_path):
    values = np.full((10, 14), 1100, np.int16)
    values[:3] = -2000
    for k in range(2):
        write_slice(tmp_path / f"{k}", (0, 0, k), stored=values, slope=1, PixelPaddingValue=-2000)
    volume = read_dicom(tmp_path)
    assert volume.notes == ("padding_set_to_air",)
    assert set(np.unique(volume.array)) == {-1024.0, 76.0}
    for k in range(2):
        write_slice(tmp_path / f"{k}", (0, 0, k), stored=values, slope=1, PixelPaddingValue=1100)
    assert read_dicom(tmp_path).notes == ("padding_value_ignored",)


@pytest.mark.parametrize(
    ("charset", "encoding", "note"),
    [("GB18030", "gb18030", ()), ("", "gb18030", ("character_set_guessed:gb18030",)),
     ("ISO_IR 192", "utf-8", ())],
)  # fmt: skip
def test_chinese_names(tmp_path, charset, encoding, note):
    name = "王^小红"
    for k in range(2):
        tags = {"SpecificCharacterSet": charset} if charset else {}
        path = write_slice(tmp_path / f"{k}", (0, 0, k), PatientName="?" * 10, **tags)
        path.write_bytes(path.read_bytes().replace(b"?" * 10, name.encode(encoding).ljust(10)))
    volume = read_dicom(tmp_path)
    assert volume.notes == note
    assert volume.meta["patient_name"] == name


def enhanced(path, positions, *, slopes):
    """An enhanced CT: one object, a functional group per frame, frames in no order."""
    ds = pydicom.dcmread(write_slice(path, (0, 0, 0)))
    frames = []
    ds.PerFrameFunctionalGroupsSequence = []
    for position, slope in zip(positions, slopes, strict=True):
        part = pydicom.dcmread(write_slice(path.with_name("part"), position, slope=slope))
        frames.append(part.PixelData)
        item, plane, value = Dataset(), Dataset(), Dataset()
        plane.ImagePositionPatient = part.ImagePositionPatient
        value.RescaleSlope, value.RescaleIntercept, value.RescaleType = slope, -1024, "HU"
        item.PlanePositionSequence, item.PixelValueTransformationSequence = [plane], [value]
        ds.PerFrameFunctionalGroupsSequence.append(item)
    shared, turn, size = Dataset(), Dataset(), Dataset()
    turn.ImageOrientationPatient = ds.ImageOrientationPatient
    size.PixelSpacing, size.SliceThickness = ds.PixelSpacing, 1
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [turn], [size]
    ds.SharedFunctionalGroupsSequence = [shared]
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope"):
        delattr(ds, keyword)
    ds.NumberOfFrames, ds.PixelData = len(frames), b"".join(frames)
    path.with_name("part").unlink()
    ds.save_as(path)
    return path


def test_enhanced_multi_frame(tmp_path):
    depths = [4.0, 0.0, 2.0, 6.0]
    path = enhanced(tmp_path / "e", [(0, 0, d) for d in depths], slopes=[0.1, 0.125, 0.15, 0.2])
    volume = read_volume(path)
    assert volume.array.shape == (4, 10, 14)
    assert volume.spacing_mm[0] == pytest.approx(2.0)
    assert_true_to_place(volume)


def test_zip_members_stay_in_memory(tmp_path):
    folder = write_series(tmp_path / "in", np.arange(3) * 1.0)
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
        for n, file in enumerate(sorted(folder.iterdir())):
            z.write(file, f"../../out/{n}")
        z.writestr("README", "no DICOM")
    before = sorted(tmp_path.rglob("*"))
    assert_true_to_place(read_volume(archive))
    assert sorted(tmp_path.rglob("*")) == before
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(FileError):
        read_volume(archive)
    locked = io.BytesIO()
    with zipfile.ZipFile(locked, "w") as z:
        z.writestr("a", b"x" * 200)
    damaged = bytearray(locked.getvalue())
    damaged[damaged.find(b"PK\1\2") + 8] |= 1
    archive.write_bytes(damaged)
    with pytest.raises(FileError, match="encrypted"):
        read_volume(archive)


def test_what_cannot_be_a_volume(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        read_volume(tmp_path / "nothing")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(FileError, match=r"no image|damaged|no DICOM"):
        read_volume(tmp_path / "text")
    folder = write_series(tmp_path / "one", [0.0])
    with pytest.raises(NotEnoughData, match="one slice"):
        read_volume(folder)
    folder = write_series(tmp_path / "cut", np.arange(4) * 1.0)
    (folder / "002").write_bytes((folder / "002").read_bytes()[:-50])
    with pytest.raises(FileError, match=r"002.*cut short"):
        read_volume(folder)
    folder = write_series(tmp_path / "flat", np.arange(3) * 1.0, RescaleSlope=0)
    with pytest.raises(FileError, match="RescaleSlope"):
        read_volume(folder)


def test_a_damaged_file_beside_good_ones_is_counted(tmp_path):
    folder = write_series(tmp_path, np.arange(4) * 1.0)
    (folder / "broken").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff" * 3)
    volume = read_dicom(folder)
    assert volume.array.shape[0] == 4
    assert volume.notes == ("unreadable_files:1 (broken)",)


@pytest.mark.parametrize("left", [0, 100, 400])
def test_copies_that_broke_off_are_counted_and_named(tmp_path, left):
    """As many bytes of the header as a copy left: none, part of the empty preamble, a header without its rows."""
    folder = write_series(tmp_path, np.arange(12) * 1.0)
    for name in ("007", "008", "009", "010", "011"):
        (folder / name).write_bytes((folder / name).read_bytes()[:left])
    (folder / ".hidden").touch()
    (folder / "readme.txt").write_text("no image")
    volume = read_dicom(folder)
    assert volume.array.shape[0] == 7
    assert volume.notes == ("unreadable_files:5 (007, 008, 009, ...)",)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in sorted(folder.glob("0*")):
            archive.write(path, path.name)
    assert read_dicom(tmp_path / "all.zip").notes == volume.notes


def test_a_folder_of_empty_files_says_so(tmp_path):
    (tmp_path / "000").touch()
    with pytest.raises(FileError, match=r"000: empty or cut short"):
        read_dicom(tmp_path)


REAL = {
    "ct/series_empty_uids/series": ((20, 512, 512), (2.0, 0.9765625, 0.9765625)),
    "ct/abdomen_5mm_dicom/CRLM-CT-1004.zip": ((41, 512, 512), (5.0, 0.796875, 0.796875)),
    "dicom/dcmqi/ct-3slice": ((3, 512, 512), (1.0, 0.810547, 0.810547)),
    "dicom/pydicom_data/eCT_Supplemental.dcm": ((2, 512, 512), (10.0, 0.388672, 0.388672)),
    "dicom/malformed/dicom2nifti_failing/gantrytilting": ((4, 521, 512), (4.851479, 0.41796875, 0.41796875)),
    "radiomics/ibsi/ibsi_1_ct_radiomics_phantom/dicom/image": ((60, 201, 204), (3.0, 0.977, 0.977)),
}


@pytest.mark.parametrize("place", REAL, ids=[Path(p).name for p in REAL])
def test_real_series(real_data, place):
    shape, spacing = REAL[place]
    volume = read_volume(real_data / place)
    assert volume.array.shape == shape
    assert volume.spacing_mm == pytest.approx(spacing, abs=1e-5)
    assert volume.array.min() >= -1024
    assert volume.meta["modality"] == "CT"


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("notavolume", "two different images"),
        ("sliceincrement", "missing"),
        ("charset", "images of 14 patients"),
    ],
)
def test_real_series_that_are_no_volume(real_data, place, why):
    root = real_data / "dicom/malformed"
    with pytest.raises((FileError, InputError, NotEnoughData), match=f"{why}|missing or malformed"):
        read_volume(root / place if place == "charset" else root / "dicom2nifti_failing" / place)


def test_the_phantom_reads_alike_from_dicom_and_nifti(real_data):
    """The IBSI CT phantom is published in both forms."""
    root = real_data / "radiomics/ibsi/ibsi_1_ct_radiomics_phantom"
    a, b = read_volume(root / "dicom/image"), read_volume(root / "nifti/image/phantom.nii.gz")
    assert np.array_equal(a.array, b.array)
    assert a.grid.same_place(b.grid)


def test_charset_names(real_data):
    series = list_series(real_data / "dicom/malformed/charset/chrGB2312.dcm")
    assert series[0].fact("PatientName") == "Zhang^XiaoDong=张^小东"
