"""Label maps of other tools: planted vertebrae come back by level, and the published masks of real people too."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from osteon.core.errors import ConfigError, FileError
from osteon.domain.anatomy import VERSE_CODE, Tissue, level_of_verse
from osteon.imaging.bodies import bodies_of
from osteon.imaging.dicom_rtstruct import coverage
from osteon.imaging.label_presets import PRESETS, level_in, load_preset
from osteon.imaging.labels_io import read_label_map, read_labels
from osteon.imaging.read import read_volume
from osteon.imaging.resample import resample_labels
from osteon.imaging.segment.correct import pinned
from osteon.imaging.segment.levels import USUAL_COUNT
from osteon.imaging.volume import Grid, LabelMap, Volume
from osteon.imaging.write import write_nifti

SPACING = (1.5, 1.0, 1.0)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def planted(levels=("T12", "L1", "L2"), *, spacing=SPACING, lean=0.0, process=True):
    """Simple vertebrae from the head down: elliptic bodies, a canal, an arch, processes. Whole and body masks."""
    shape = tuple(int(n / s) for n, s in zip((36 * len(levels), 90, 90), spacing, strict=True))
    grid = Grid.regular(shape, spacing)
    z, y, x = np.moveaxis(grid.world(np.indices(shape).transpose(1, 2, 3, 0)), -1, 0)[::-1]
    y = y - lean * (z - z.mean())
    whole, bodies = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for k, level in enumerate(reversed(levels)):
        up = z - (18 + 36 * k)
        body = (np.hypot((y - 30) / 16, (x - 45) / 22) < 1) & (np.abs(up) < 13) & (y < 44)
        ring = (np.hypot((y - 53) / 15, (x - 45) / 17) < 1) & (np.abs(up - 3) < 8)
        bone = ring & (y >= 42)
        if process:
            bone |= (np.abs(y - 50) < 3.5) & (np.abs(x - 45) < 38) & (np.abs(up - 4) < 4)
            bone |= (np.abs(x - 45) < 3) & (y > 66) & (y < 86) & (np.abs(up + 2) < 8)
        bone &= np.hypot((y - 53) / 9, (x - 45) / 11) > 1
        whole[body | (bone & (y > 43))] = VERSE_CODE[level]
        bodies[body] = VERSE_CODE[level]
    return LabelMap(array=whole, affine=grid.affine), LabelMap(array=bodies, affine=grid.affine)


def recoded(labels, preset):
    back = {level: value for value, level in load_preset(preset).levels.items()}
    array = np.zeros(labels.array.shape, np.int32)
    for level, code in VERSE_CODE.items():
        if level in back:
            array[labels.array == code] = back[level]
    return LabelMap(array=array, affine=labels.affine)


@pytest.mark.parametrize("spacing", [(1.0, 0.7, 0.7), (1.5, 1.0, 1.0), (3.0, 3.0, 3.0)])
@pytest.mark.parametrize("lean", [0.0, 0.25])
def test_bodies_are_cut_from_whole_vertebrae(spacing, lean):
    whole, known = planted(spacing=spacing, lean=lean)
    found = bodies_of(whole)
    for code in known.present:
        assert dice(found.array == code, known.array == code) > (0.93 if spacing[0] == 3 else 0.96)
    assert not ((found.array > 0) & (found.array != whole.array)).any()


def test_bodies_without_a_closed_canal_are_cut_by_size_and_say_so(tmp_path):
    whole, known = planted()
    cut = whole.array.copy()
    cut[:, 50:, 45:] = 0  # half the arches are gone
    write_nifti(LabelMap(array=cut, affine=whole.affine), tmp_path / "v.nii.gz")
    labels = read_labels(tmp_path / "v.nii.gz", preset="verse")
    assert all("body_split_by_size" in level.notes for level in labels.levels)
    assert dice(labels.bodies.array > 0, known.array > 0) > 0.85


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_gives_the_same_spine(tmp_path, preset):
    whole, bodies = planted()
    source = bodies if load_preset(preset).content == "bodies" else whole
    write_nifti(recoded(source, preset), tmp_path / "v.nii.gz", axes="RAS")
    labels = read_labels(tmp_path / "v.nii.gz", preset=preset)
    assert np.array_equal(labels.vertebrae.array, source.array)
    assert [level.level for level in labels.levels] == ["T12", "L1", "L2"]
    assert [level.code for level in labels.levels] == [19, 20, 21]
    assert all(level.confidence == USUAL_COUNT and level.notes[0] == "imported" for level in labels.levels)
    assert labels.anchored_by == ("labels",)
    assert labels.backend == f"import:{preset}"
    assert set(np.unique(labels.tissue.array)) <= {0, Tissue.BODY, Tissue.POSTERIOR}
    assert dice(labels.bodies.array > 0, bodies.array > 0) > 0.95


def test_presets_know_every_level_once():
    for name in PRESETS:
        preset = load_preset(name)
        assert len(set(preset.levels.values())) == len(preset.levels) >= 24
        assert not set(preset.levels) & preset.ignored


def test_tissues_parts_and_regions(tmp_path):
    whole, bodies = planted()
    array = whole.array.astype(np.int16)
    array[:, 50:56, 42:48] = np.where(array[:, 50:56, 42:48] == 0, 101, array[:, 50:56, 42:48])
    plate = (bodies.array == 20) & (np.roll(bodies.array, 1, axis=0) != 20)
    array[plate] = 220
    write_nifti(LabelMap(array=array, affine=whole.affine), tmp_path / "vert.nii.gz")
    regions = np.where(bodies.array > 0, 49, np.where(whole.array > 0, 41, 0))
    write_nifti(LabelMap(array=regions, affine=whole.affine), tmp_path / "sub.nii.gz")
    labels = read_labels(tmp_path / "vert.nii.gz", preset="spineps", regions=tmp_path / "sub.nii.gz")
    assert np.array_equal(labels.vertebrae.array, whole.array)  # the endplate is part of its vertebra
    assert np.array_equal(labels.bodies.array, bodies.array)
    assert (labels.tissue.array == Tissue.DISC).sum() == (array == 101).sum() > 0
    assert "levels_only_if_veridah_ran" in labels.notes


def masks(folder, array, affine, names):
    folder.mkdir()
    for code, name in names.items():
        write_nifti(
            LabelMap(array=(array == code).astype(np.uint8), affine=affine), folder / f"{name}.nii.gz"
        )


def test_a_folder_of_masks_is_the_map_of_its_names(tmp_path):
    whole, _ = planted()
    codes = [int(c) for c in np.unique(whole.array) if c]
    folder = tmp_path / "segmentations"
    masks(folder, whole.array, whole.affine, {c: f"vertebrae_{level_of_verse(c)}" for c in codes})
    masks(tmp_path / "more", whole.array, whole.affine, {99: "liver"})
    (tmp_path / "more/liver.nii.gz").rename(folder / "liver.nii.gz")
    for preset in (
        "totalsegmentator",
        "totalsegmentator_v1",
        "names",
    ):  # the numbers of a table do not matter
        labels = read_labels(folder, preset=preset)
        assert np.array_equal(labels.vertebrae.array, whole.array)
        assert [x.level for x in labels.levels] == [level_of_verse(c) for c in codes]
        assert labels.backend == f"import:{preset}" and len(labels.version) == 12
    masks(tmp_path / "sacra", whole.array, whole.affine, {codes[-1]: "sacrum", codes[0]: "vertebrae_T12"})
    assert (read_labels(tmp_path / "sacra", preset="names").tissue.array == Tissue.SACRUM).any()


def test_folders_that_are_no_masks_of_vertebrae(tmp_path):
    whole, _ = planted()
    codes = [int(c) for c in np.unique(whole.array) if c]
    masks(tmp_path / "organs", whole.array, whole.affine, {codes[0]: "liver"})
    with pytest.raises(FileError, match="named after a vertebra"):
        read_labels(tmp_path / "organs", preset="totalsegmentator")
    masks(tmp_path / "whole", whole.array, whole.affine, {codes[0]: "vertebrae_L1"})
    write_nifti(whole, tmp_path / "whole/vertebrae_L2.nii.gz")
    with pytest.raises(FileError, match="a mask of one structure"):
        read_labels(tmp_path / "whole", preset="totalsegmentator")
    masks(tmp_path / "grids", whole.array, whole.affine, {codes[0]: "vertebrae_L1"})
    masks(tmp_path / "other", whole.array[1:], whole.affine, {codes[1]: "vertebrae_L2"})
    (tmp_path / "other/vertebrae_L2.nii.gz").rename(tmp_path / "grids/vertebrae_L2.nii.gz")
    with pytest.raises(FileError, match="another grid"):
        read_labels(tmp_path / "grids", preset="totalsegmentator")


def test_one_label_for_all_bodies_is_refused(tmp_path):
    _, bodies = planted()
    assert len(np.unique(bodies.array)) > 2
    write_nifti(replace(bodies, array=(bodies.array > 0).astype(np.uint8)), tmp_path / "b.nii.gz")
    with pytest.raises(FileError, match=r"C1 holds \d bodies.*") as told:
        read_labels(tmp_path / "b.nii.gz", preset="totalsegmentator_bodies")
    assert "--regions" in told.value.hint


def test_a_body_in_two_halves_is_one(tmp_path):
    _, bodies = planted()
    rows = np.flatnonzero((bodies.array == 20).any(axis=(1, 2)))
    array = bodies.array.copy()
    array[int(rows.mean())][array[int(rows.mean())] == 20] = 0  # split through the middle
    write_nifti(replace(bodies, array=array), tmp_path / "b.nii.gz")
    own = tmp_path / "own.toml"
    own.write_text('content = "bodies"\n[levels]\n19 = "T12"\n20 = "L1"\n21 = "L2"\n22 = "L3"\n')
    assert "L1" in [x.level for x in read_labels(tmp_path / "b.nii.gz", preset=own).levels]


def test_own_table(tmp_path):
    whole, _ = planted()
    write_nifti(LabelMap(array=np.where(whole.array == 20, 7, 0), affine=whole.affine), tmp_path / "v.nii.gz")
    own = tmp_path / "own.toml"
    own.write_text('ignored = ["50-60"]\n[levels]\n7 = "L1"\n[tissue]\n8 = "DISC"\n')
    labels = read_labels(tmp_path / "v.nii.gz", preset=str(own))
    assert [(level.level, level.code) for level in labels.levels] == [("L1", 20)]
    assert labels.backend == "import:own"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[levels]\n7 = "L9"', "no level"),
        ('[levels]\n"a" = "L1"', "no label value"),
        ('[tissue]\n7 = "FAT"', "no tissue"),
        ('[levels]\n7 = "L1"\n"5-9" = "L2"', "given twice"),
        ('[levels]\n7 = "L1"\n[tissue]\n7 = "DISC"', "more than one table"),
        ('[level]\n7 = "L1"', "unknown key"),
        ('levels = "L1"', "expected a table"),
        ('content = "arches"', "content"),
        ('[names]\n"x" = "y"', "neither level nor tissue"),
        ("[levels", "not valid TOML"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(tmp_path, text, why):
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(ConfigError, match=why):
        load_preset(tmp_path / "own.toml")
    with pytest.raises(ConfigError, match="Did you mean 'verse'"):
        load_preset("vers")


def test_maps_that_contradict_their_preset(tmp_path):
    whole, _ = planted()
    path = tmp_path / "v.nii.gz"

    def write(array):
        write_nifti(LabelMap(array=array.astype(np.int32), affine=whole.affine), path)

    write(np.where(whole.array > 0, whole.array + 70, 0))
    with pytest.raises(FileError, match="unknown to the preset verse: 89, 90, 91"):
        read_labels(path, preset="verse")
    write(whole.array[::-1])
    with pytest.raises(FileError, match="wrong order"):
        read_labels(path, preset="verse")
    (tmp_path / "two.toml").write_text('[levels]\n19 = "L1"\n20 = "L1"\n21 = "L2"\n')
    write(whole.array)
    with pytest.raises(FileError, match="all mean L1"):
        read_labels(path, preset=tmp_path / "two.toml")
    write(np.where(whole.array == 20, 25, 0))
    with pytest.raises(FileError, match="no vertebra"):
        read_labels(path, preset="totalsegmentator")
    write_nifti(Volume(array=whole.array * 1.5, affine=whole.affine), path)
    with pytest.raises(FileError, match="fractions"):
        read_labels(path, preset="verse")
    write_nifti(Volume(array=whole.array - 1000.0, affine=whole.affine), path)
    with pytest.raises(FileError, match="Is it the image itself"):
        read_labels(path, preset="verse")


def test_on_the_image_grid(tmp_path):
    whole, _ = planted()
    path = tmp_path / "v.nii.gz"
    write_nifti(whole, path)
    same = Volume(array=np.zeros(whole.array.shape, np.float32), affine=whole.affine)
    assert "labels_resampled" not in read_labels(path, preset="verse", like=same).notes
    fine = Grid.regular((120, 100, 100), (0.75, 0.9, 0.9), (0.0, 0.0, 0.0))
    labels = read_labels(
        path, preset="verse", like=Volume(array=np.zeros(fine.shape, np.float32), affine=fine.affine)
    )
    assert labels.vertebrae.grid.same_place(fine)
    assert "labels_resampled" in labels.notes
    assert labels.levels[0].cropped  # the image ends inside T12
    far = Grid.regular((9, 9, 9), (1.0, 1.0, 1.0), (900.0, 0.0, 0.0))
    with pytest.raises(FileError, match="no label lies inside"):
        read_labels(
            path, preset="verse", like=Volume(array=np.zeros(far.shape, np.float32), affine=far.affine)
        )


@given(st.sampled_from([level for level in VERSE_CODE if level != "S1"]))
def test_names_of_levels(level):
    for form in ("vertebrae_{}", "{}", "{} vertebra", "Vertebra {} (corrected)", "{}_body"):
        assert level_in(form.format(level)) == level
    for form in ("disc_{}", "rib {}", "{} endplate", "{} and C2 T1", "no{}", "{}9"):
        assert level_in(form.format(level)) is None


def ct_slices(grid):
    """Source images for a segmentation, and the grid they lie on."""
    made = []
    for k in range(grid.shape[0]):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2", "1.3", "1.4"
        ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "1", "A^B", "", ""
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "", "", "", ""
        ds.ReferringPhysicianName, ds.Modality, ds.InstanceNumber, ds.SeriesNumber = "", "CT", k + 1, 1
        ds.ImagePositionPatient = grid.world([k, 0, 0]).tolist()
        ds.ImageOrientationPatient, ds.PixelSpacing = [1, 0, 0, 0, 1, 0], list(grid.spacing_mm[1:])
        ds.SliceThickness, ds.Rows, ds.Columns = grid.spacing_mm[0], *grid.shape[1:]
        made.append(ds)
    return made


def write_seg(path, labels, *, kind="BINARY", overlap=False, keep=False):
    import highdicom as hd
    from pydicom.sr.codedict import codes

    def described(number, name):
        return hd.seg.SegmentDescription(
            segment_number=number, segment_label=name, segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=codes.SCT.Vertebra, algorithm_type="MANUAL",
        )  # fmt: skip

    names = {code: level for level, code in VERSE_CODE.items()}
    present = labels.present
    masks = np.stack([labels.array == code for code in present], axis=-1).astype(np.uint8)
    if overlap:
        masks[..., 1] |= masks[..., 0]
    if kind == "LABELMAP":
        masks = np.argmax(np.concatenate([np.zeros_like(masks[..., :1]), masks], axis=-1), axis=-1).astype(
            np.uint8
        )
    seg = hd.seg.Segmentation(
        source_images=ct_slices(labels.grid), pixel_array=masks, segmentation_type=kind,
        segment_descriptions=[described(n, names[c]) for n, c in enumerate(present, 1)],
        series_instance_uid="1.5", series_number=2, sop_instance_uid=generate_uid(), instance_number=1,
        manufacturer="m", manufacturer_model_name="m", software_versions="1", device_serial_number="1",
        omit_empty_frames=not keep,
    )  # fmt: skip
    seg.save_as(path)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_dicom_seg(tmp_path, kind):
    whole, _ = planted(spacing=(3.0, 2.2, 2.2))  # 40 x 40 pixels and empty slices between
    gap = whole.array.copy()
    gap[:2] = 0
    whole = LabelMap(array=gap, affine=whole.affine)
    write_seg(tmp_path / "s.dcm", whole, kind=kind)
    like = Volume(array=np.zeros(gap.shape, np.float32), affine=whole.affine, meta={"frame_uid": "1.4"})
    labels = read_labels(tmp_path / "s.dcm", preset="names", like=like)
    assert np.array_equal(labels.vertebrae.array, gap)
    assert [level.level for level in labels.levels] == ["T12", "L1", "L2"]
    assert "frame_of_reference_differs" not in labels.notes
    other = Volume(array=like.array, affine=like.affine, meta={"frame_uid": "9.9"})
    assert "frame_of_reference_differs" in read_labels(tmp_path / "s.dcm", preset="names", like=other).notes


def test_overlapping_segments_are_refused(tmp_path):
    whole, _ = planted(spacing=(3.0, 2.2, 2.2))
    write_seg(tmp_path / "s.dcm", whole, overlap=True)
    with pytest.raises(FileError, match=r"segments 1 \(T12.*and 2 .*overlap"):
        read_labels(tmp_path / "s.dcm", preset="names")


def write_rtstruct(path, structures):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.Modality, ds.FrameOfReferenceUID = "RTSTRUCT", "1.4"
    ds.StructureSetROISequence, ds.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(structures.items(), 1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        drawn.ReferencedROINumber, drawn.ContourSequence = number, []
        for points in contours:
            item = Dataset()
            item.ContourGeometricType, item.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
            item.ContourData = [f"{v:.4f}" for v in np.ravel(points)]
            drawn.ContourSequence.append(item)
        ds.StructureSetROISequence.append(roi)
        ds.ROIContourSequence.append(drawn)
    ds.save_as(path, enforce_file_format=True)


def circle(radius, z, centre=(30.0, 25.0)):
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    return np.stack(
        [centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle), np.full(90, z)], axis=1
    )


def test_rtstruct_fills_rings_to_their_area(tmp_path):
    planes = np.arange(5) * 2.0 + 10
    rings = [circle(r, z) for z in planes for r in (15.0, 6.0)]
    write_rtstruct(tmp_path / "r.dcm", {"L1": rings, "L2": [circle(10, z) for z in planes - 10], "Body": []})
    grid = Grid.regular((20, 70, 80), (2.0, 0.9, 0.9))
    like = Volume(array=np.zeros(grid.shape, np.float32), affine=grid.affine)
    labels = read_labels(tmp_path / "r.dcm", preset="names", like=like)
    ring = (labels.vertebrae.array == 20).sum() * grid.voxel_ml * 1000
    assert ring == pytest.approx(np.pi * (15**2 - 6**2) * 10, rel=0.01)
    assert (labels.vertebrae.array == 21).sum() * grid.voxel_ml * 1000 == pytest.approx(
        np.pi * 100 * 10, rel=0.01
    )
    alone = read_labels(tmp_path / "r.dcm", preset="names")
    assert alone.vertebrae.spacing_mm == pytest.approx((2.0, 0.5, 0.5))


def test_labelled_planes_alone_are_no_border_of_the_scan(tmp_path):
    """A structure set has planes where something is drawn; its first and last vertebra are not cut by that."""
    drawn = {
        name: [circle(15.0, z) for z in np.arange(13) * 2.0 + low]
        for name, low in (("L1", 70), ("L2", 36), ("L3", 0))
    }
    write_rtstruct(tmp_path / "r.dcm", drawn)
    alone = read_labels(tmp_path / "r.dcm", preset="names")
    assert [(x.level, x.cropped) for x in alone.levels] == [("L1", False), ("L2", False), ("L3", False)]
    assert "field_unknown" in alone.notes
    centre = alone.bodies.grid.world(np.argwhere(alone.vertebrae.array == VERSE_CODE["L3"]).mean(axis=0))
    assert centre == pytest.approx([30.0, 25.0, 12.0], abs=0.3)
    grid = Grid.regular((60, 70, 80), (2.0, 0.9, 0.9))  # the image does go on above, and ends with L3
    like = Volume(array=np.zeros(grid.shape, np.float32), affine=grid.affine)
    seen = read_labels(tmp_path / "r.dcm", preset="names", like=like)
    assert [x.cropped for x in seen.levels] == [False, False, True]
    assert "field_unknown" not in seen.notes


@pytest.mark.parametrize("kept", [False, True])
def test_a_segmentation_that_keeps_its_empty_planes_knows_where_the_scan_ends(tmp_path, kept):
    whole, _ = planted(spacing=(3.0, 2.2, 2.2))
    used = np.flatnonzero(whole.array.any(axis=(1, 2)))
    array = whole.array[used[0] : None if kept else used[-1] + 1]
    assert not kept or not array[-1].any()
    path = tmp_path / "s.dcm"
    write_seg(
        path, LabelMap(array=np.ascontiguousarray(array), affine=whole.affine), kind="LABELMAP", keep=kept
    )
    read = read_labels(path, preset="names")
    assert ("field_unknown" in read.notes) is not kept
    assert [x.cropped for x in read.levels] == [False, False, kept]


def test_rtstruct_that_cannot_be_filled(tmp_path):
    path = tmp_path / "r.dcm"
    write_rtstruct(path, {"L1": [circle(9, z) for z in (0.0, 2.0)], "L2": [circle(8, z) for z in (0.0, 2.0)]})
    with pytest.raises(FileError, match=r"structure 2 .*overlaps"):
        read_label_map(path)
    tilted = circle(9, 0.0)
    tilted[:, 2] = tilted[:, 0]
    write_rtstruct(path, {"L1": [tilted]})
    with pytest.raises(FileError, match="across the slices"):
        read_label_map(path)
    write_rtstruct(path, {"L1": []})
    with pytest.raises(FileError, match="no closed contour"):
        read_label_map(path)


@given(st.tuples(*[st.floats(3, 6)] * 2), st.tuples(*[st.floats(8, 14)] * 2))
def test_coverage_of_a_rectangle_is_its_area(low, high):
    corners = np.array([[low[0], low[1]], [low[0], high[1]], [high[0], high[1]], [high[0], low[1]]])
    area = coverage([corners], (20, 20)).sum()
    edge = 2 * (high[0] - low[0] + high[1] - low[1])
    assert abs(area - (high[0] - low[0]) * (high[1] - low[1])) <= edge / 5 + 0.1


# real masks, for evaluation only


def test_bodies_of_a_real_l3(real_data):
    """Against the sub-region mask of the same CT (corpus and its border, 49 and 50)."""
    root = real_data / "ct/l3_subregions"
    whole = read_label_map(root / "sub-ct_seg-vert_label-22_msk.nii.gz").labels
    parts = read_label_map(root / "sub-ct_seg-subreg_label-22_msk.nii.gz").labels
    known = np.isin(parts.array, (49, 50))
    found = bodies_of(whole).array
    assert dice(found == 22, known & (whole.array == 22)) > 0.97
    assert dice(found > 0, known & (whole.array > 0)) > 0.97


def test_bodies_at_3_mm_beside_another_models(real_data):
    root = real_data / "ct/lumbar_3mm/spine_report/example_ct_report"
    labels = read_labels(root / "totalseg.nii.gz", preset="totalsegmentator")
    other = read_labels(root / "totalseg.nii.gz", preset="totalsegmentator",
                        regions=root / "totalseg_vertebrae_body.nii.gz")  # fmt: skip
    assert [level.level for level in labels.levels] == ["T11", "T12", "L1", "L2", "L3", "L4", "L5"]
    assert [level.level for level in labels.levels if level.cropped] == ["T11", "T12"]
    for code in range(19, 25):
        assert dice(labels.bodies.array == code, other.bodies.array == code) > 0.92
    assert (labels.tissue.array == Tissue.SACRUM).any()


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("sub-verse010", ("L1", "L5")),
        pytest.param("sub-gl003_dir-ax", ("C1", "T5"), marks=pytest.mark.slow),
        pytest.param("sub-gl017", ("C1", "T4"), marks=pytest.mark.slow),
    ],
)
def test_published_masks_without_their_ct(real_data, name, levels):
    labels = read_labels(real_data / f"ct/verse_masks/{name}_seg-vert_msk.nii.gz", preset="verse")
    found = [level.level for level in labels.levels]
    assert (found[0], found[-1]) == levels
    for level in labels.levels[2:]:  # below the axis
        share = (labels.bodies.array == level.code).sum() / (labels.vertebrae.array == level.code).sum()
        assert 0.3 < share < 0.8


def test_names_in_a_file_guard_against_the_wrong_preset(real_data):
    path = real_data / "ct/lumbar_3mm/spine_report/example_ct_report/totalseg.nii.gz"
    with pytest.raises(
        FileError, match="label 27 is T8 by the preset totalsegmentator_v1 but the file calls it"
    ):
        read_labels(path, preset="totalsegmentator_v1")
    assert len(read_labels(path, preset="names").levels) == 7


def test_structure_set_of_the_ibsi_phantom(real_data):
    """The tumour is published as contours and as a voxel mask."""
    root = real_data / "radiomics/ibsi/ibsi_1_ct_radiomics_phantom"
    image = read_volume(root / "dicom/image")
    drawn = read_label_map(root / "dicom/mask/DCM_RS_00060.dcm", like=image.grid).labels
    mask = read_label_map(root / "nifti/mask/mask.nii.gz").labels
    assert dice(resample_labels(drawn, image.grid).array > 0, mask.array > 0) > 0.999


def test_real_segmentation_objects(real_data):
    seg = read_label_map(real_data / "dicom/dcmqi/liver.dcm").labels
    nrrd = read_label_map(real_data / "dicom/dcmqi/liver_seg.nrrd").labels
    assert np.array_equal(seg.array, nrrd.array)
    assert seg.grid.same_place(nrrd.grid, tolerance_mm=1e-3)
    for name in ("binary", "true_fractional", "binary_fractional"):
        labels = read_label_map(real_data / f"dicom/highdicom/seg_image_ct_{name}.dcm").labels
        assert int((labels.array == 1).sum()) == 638
    with pytest.raises(FileError, match="overlap"):
        read_label_map(real_data / "dicom/dcmqi/partial_overlaps.dcm")
    with pytest.raises(FileError, match="frames without position"):
        read_label_map(real_data / "dicom/highdicom/seg_image_sm_dots.dcm")
    with pytest.raises(FileError, match="no label map"):
        read_label_map(real_data / "dicom/pydicom_test_files/CT_small.dcm")
    assert pydicom.__version__


def test_masks_of_an_unnamed_reading_come_back_unnamed(tmp_path):
    """Their own convention: 101 is V1, the lowest vertebra, whatever it is."""
    whole, bodies = planted(("T12", "L1", "L2"))
    table = np.arange(256)
    table[[VERSE_CODE["T12"], VERSE_CODE["L1"], VERSE_CODE["L2"]]] = 103, 102, 101
    counted = replace(whole, array=table[whole.array].astype(np.uint8))
    write_nifti(counted, tmp_path / "segmentation.nii.gz")
    labels = read_labels(tmp_path / "segmentation.nii.gz", preset="verse")
    assert [(x.level, x.code, x.confidence) for x in labels.levels] == [
        ("V3", 103, 0.0),
        ("V2", 102, 0.0),
        ("V1", 101, 0.0),
    ]
    assert labels.anchored_by == ()
    assert (labels.vertebrae.array == counted.array).all()
    named = pinned(
        labels, tuple(bodies.grid.world(np.argwhere(bodies.array == VERSE_CODE["L1"]).mean(axis=0))), "L1"
    )
    assert [x.level for x in named.levels] == ["T12", "L1", "L2"]
    mixed = replace(
        counted, array=np.where(counted.array == 102, VERSE_CODE["L1"], counted.array).astype(np.uint8)
    )
    write_nifti(mixed, tmp_path / "mixed.nii.gz")
    with pytest.raises(FileError, match="some labels name a level, others"):
        read_labels(tmp_path / "mixed.nii.gz", preset="verse")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('unnamed = ["20"]\n[levels]\n20 = "L1"', "more than one table"),
        ('unnamed = ["101-300"]', "200 values, expected at most 99"),
    ],
)
def test_a_preset_counts_no_label_that_it_names_and_not_endlessly(tmp_path, text, told):
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(ConfigError, match=told):
        load_preset(tmp_path / "own.toml")
