"""NIfTI, NRRD, MetaImage and windows: values and places survive the way out and back."""

import gzip
from itertools import permutations, product

import nibabel
import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import FileError, InputError
from osteon.imaging.read import read_volume
from osteon.imaging.volume import Grid, LabelMap, Volume
from osteon.imaging.window import WINDOWS, Window, windowed
from osteon.imaging.write import write_nifti

AXES = ["".join(a) for order in permutations(("RL", "AP", "SI")) for a in product(*order)]


def ramp(grid):
    """An array that says where each voxel lies."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    return (grid.world(index) @ np.array([1.0, 10.0, 100.0])).astype(np.float32)


@pytest.mark.parametrize("axes", AXES)
def test_nifti_in_any_axes_comes_back_whole(tmp_path, axes):
    grid = Grid.regular((3, 4, 5), (3.0, 1.5, 0.75), (-7.0, 12.0, 40.0))
    volume = Volume(array=ramp(grid), affine=grid.affine)
    path = tmp_path / "v.nii.gz"
    write_nifti(volume, path, axes=axes)
    assert "".join(nibabel.aff2axcodes(nibabel.load(path).affine)) == axes
    back = read_volume(path)
    assert back.meta["axes"] == axes
    assert np.array_equal(back.array, volume.array)
    assert back.grid.same_place(grid, tolerance_mm=1e-5)


@given(st.tuples(*[st.floats(-20, 20)] * 3), st.tuples(*[st.floats(0.2, 5)] * 3))
@settings(max_examples=25, deadline=None)
def test_oblique_nifti_keeps_its_place(tmp_path_factory, turns, spacing):
    from scipy.spatial.transform import Rotation

    grid = Grid.regular((2, 3, 4), spacing)
    affine = grid.affine.copy()
    affine[:3, :3] = Rotation.from_euler("xyz", turns, degrees=True).as_matrix() @ affine[:3, :3]
    volume = Volume(array=np.arange(24, dtype=np.int16).reshape(2, 3, 4), affine=affine)
    path = tmp_path_factory.mktemp("n") / "v.nii"
    write_nifti(volume, path)
    back = read_volume(path)
    assert np.array_equal(back.array, volume.array)
    assert back.grid.same_place(volume.grid, tolerance_mm=1e-4)


@pytest.mark.parametrize(
    ("top", "kind"), [(200, np.uint8), (300, np.int16), (40_000, np.uint16), (70_000, np.int32)]
)
def test_labels_are_stored_in_the_smallest_kind(tmp_path, top, kind):
    labels = LabelMap(array=np.full((2, 2, 2), top, np.int64), affine=np.eye(4))
    write_nifti(labels, tmp_path / "l.nii.gz")
    stored = nibabel.load(tmp_path / "l.nii.gz")
    assert stored.get_data_dtype() == kind
    assert int(np.asanyarray(stored.dataobj).max()) == top


def test_writing_refuses_what_is_no_nifti(tmp_path):
    volume = Volume(array=np.zeros((2, 2, 2), np.float32), affine=np.eye(4))
    with pytest.raises(InputError, match=r"\.nii"):
        write_nifti(volume, tmp_path / "v.mha")
    with pytest.raises(InputError, match="names no three axes"):
        write_nifti(volume, tmp_path / "v.nii", axes="RAR")
    assert list(tmp_path.iterdir()) == []


def image(array, affine=None, **header):
    made = nibabel.Nifti1Image(array, np.diag([2.0, 2, 2, 1]) if affine is None else affine)
    for key, value in header.items():
        made.header[key] = value
    return made


def test_units_scaling_and_holes(tmp_path):
    path = tmp_path / "v.nii.gz"
    metres = image(np.ones((2, 3, 4), np.int16), np.diag([0.002, 0.002, 0.003, 1]))
    metres.header.set_xyzt_units("meter")
    nibabel.save(metres, path)
    assert read_volume(path).spacing_mm == pytest.approx((3, 2, 2))
    scaled = image(np.full((2, 3, 4), 7, np.int16))
    scaled.header.set_slope_inter(0.25, 1)
    nibabel.save(scaled, path)
    assert np.allclose(read_volume(path).array, 2.75)
    holes = np.ones((2, 3, 4), np.float32)
    holes[0, 0, :3] = np.nan, np.inf, -5
    nibabel.save(image(holes), path)
    back = read_volume(path)
    assert back.notes == ("non_finite_set_to_lowest:2",)
    assert (back.array == -5).sum() == 3
    nibabel.save(image(np.full((2, 3, 4), np.nan, np.float32)), path)
    with pytest.raises(FileError, match="not one finite"):
        read_volume(path)


def test_qform_alone_and_disagreement(tmp_path):
    path = tmp_path / "v.nii"
    only = image(np.ones((2, 3, 4), np.int16))
    only.set_sform(None, code=0)
    only.set_qform(np.diag([1.0, 1, 4, 1]), code=1)
    nibabel.save(only, path)
    assert read_volume(path).spacing_mm == pytest.approx((4, 1, 1))
    both = image(np.ones((2, 3, 4), np.int16))
    both.set_sform(np.diag([2.0, 2, 2, 1]), code=1)
    both.set_qform(np.diag([2.0, 2, 3, 1]), code=1)
    nibabel.save(both, path)
    assert read_volume(path).notes == ("sform_and_qform_differ",)
    assert read_volume(path).spacing_mm == pytest.approx((2, 2, 2))
    neither = image(np.ones((2, 3, 4), np.int16))
    neither.set_sform(None, code=0)
    neither.set_qform(None, code=0)
    nibabel.save(neither, path)
    with pytest.raises(FileError, match="neither sform nor qform"):
        read_volume(path)


def test_analyze_files_do_not_say_how_they_lie(tmp_path):
    nibabel.save(nibabel.AnalyzeImage(np.ones((2, 3, 4), np.int16), np.eye(4)), tmp_path / "v.hdr")
    with pytest.raises(FileError, match=r"v\.hdr: neither sform nor qform"):
        read_volume(tmp_path / "v.hdr")


def test_nifti_that_is_no_volume(tmp_path):
    path = tmp_path / "v.nii.gz"
    nibabel.save(image(np.ones((2, 3, 4, 5), np.int16)), path)
    with pytest.raises(FileError, match="three dimensions"):
        read_volume(path)
    nibabel.save(image(np.ones((2, 3, 4, 1), np.int16)), path)
    assert read_volume(path).array.shape == (4, 3, 2)
    colour = np.zeros((2, 3, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(image(colour), path)
    with pytest.raises(FileError, match="expected numbers"):
        read_volume(path)
    nibabel.save(image(np.random.default_rng(0).normal(size=(20, 30, 40)).astype(np.float32)), path)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(FileError, match="cut short"):
        read_volume(path)
    path.write_bytes(gzip.compress(b"no header"))
    with pytest.raises(FileError, match="no readable NIfTI header"):
        read_volume(path)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".mhd", ".nhdr"])
def test_itk_formats(tmp_path, suffix):
    angle = np.radians(10)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    made = SimpleITK.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    made.SetSpacing((0.5, 0.75, 2.0))
    made.SetOrigin((-3.0, 8.0, 100.0))
    made.SetDirection(turn.ravel().tolist())
    SimpleITK.WriteImage(made, str(tmp_path / f"v{suffix}"))
    volume = read_volume(tmp_path / f"v{suffix}")
    assert volume.array.dtype == np.float32
    assert np.array_equal(volume.array, np.arange(60).reshape(3, 4, 5))
    assert volume.spacing_mm == pytest.approx((2.0, 0.75, 0.5))
    assert volume.grid.world([2, 3, 4]) == pytest.approx(
        np.array(made.TransformIndexToPhysicalPoint((4, 3, 2)))
    )


def test_itk_formats_that_are_no_volume(tmp_path):
    SimpleITK.WriteImage(SimpleITK.Image([4, 4], SimpleITK.sitkInt16), str(tmp_path / "flat.mha"))
    with pytest.raises(FileError, match="2 dimensions"):
        read_volume(tmp_path / "flat.mha")
    (tmp_path / "no.nrrd").write_bytes(
        b"NRRD0004\ntype: short\ndimension: 3\nsizes: 1 1 1\nencoding: raw\n\n\0\0"
    )
    with pytest.raises(FileError, match=r"no\.nrrd: .*space directions and an anatomical space .* missing"):
        read_volume(tmp_path / "no.nrrd")
    (tmp_path / "cut.nrrd").write_bytes(
        b"NRRD0004\ntype: short\ndimension: 3\nsizes: 9 9 9\nspace: left-posterior-superior\n"
        b"space directions: (1,0,0) (0,1,0) (0,0,1)\nendian: little\nencoding: raw\n\n\0\0"
    )
    with pytest.raises(FileError, match="cut short"):
        read_volume(tmp_path / "cut.nrrd")


@pytest.mark.parametrize(
    ("suffix", "field", "other"),
    [
        (".nrrd", b"space: left-posterior-superior", b"space dimension: 3"),
        (".nrrd", b"space: left-posterior-superior", b"space: scanner-xyz"),
        (".nhdr", b"space: left-posterior-superior", b"space: 3D-right-handed"),
        (".mha", b"TransformMatrix = 1 0 0 0 1 0 0 0 1", b"Comment = none"),
        (".mhd", b"TransformMatrix = 1 0 0 0 1 0 0 0 1", b"Comment = none"),
    ],
)
def test_itk_formats_that_do_not_say_how_they_lie_in_the_patient(tmp_path, suffix, field, other):
    path = tmp_path / f"v{suffix}"
    made = SimpleITK.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    made.SetSpacing((0.5, 0.75, 2.0))
    SimpleITK.WriteImage(made, str(path))
    whole = path.read_bytes()
    assert read_volume(path).array.shape == (3, 4, 5)
    assert whole.count(field) == 1
    path.write_bytes(whole.replace(field, other))
    with pytest.raises(
        FileError, match=rf"v{suffix}: .*{field.split()[0].decode().strip(':')}.* missing"
    ) as told:
        read_volume(path)
    assert "orientation" in told.value.hint


@pytest.mark.parametrize(
    ("space", "turned"), [("right-anterior-superior", (-1, -1, 1)), ("LAS", (1, -1, 1)), ("LPS", (1, 1, 1))]
)
def test_each_named_space_of_a_nrrd_is_turned_to_the_patient(tmp_path, space, turned):
    header = (
        f"NRRD0004\ntype: uint8\ndimension: 3\nspace: {space}\nsizes: 2 2 2\nspace directions: (1,0,0) (0,2,0) (0,0,3)\n"
        "space origin: (10,20,30)\nencoding: raw\n\n"
    )
    (tmp_path / "v.nrrd").write_bytes(header.encode() + bytes([1, 0, 0, 0, 0, 0, 0, 2]))
    volume = read_volume(tmp_path / "v.nrrd")
    for value, place in ((1, (10, 20, 30)), (2, (11, 22, 33))):
        at = volume.grid.world(np.argwhere(volume.array == value)[0])
        assert at == pytest.approx(np.array(place) * turned)


def test_real_nifti_goes_out_as_it_came(real_data, tmp_path):
    source = real_data / "ct/lumbar_3mm/example_ct.nii.gz"
    volume = read_volume(source)
    write_nifti(volume, tmp_path / "ct.nii.gz", axes=volume.meta["axes"])
    a, b = nibabel.load(source), nibabel.load(tmp_path / "ct.nii.gz")
    assert np.array_equal(np.asanyarray(a.dataobj), np.asanyarray(b.dataobj))
    assert np.array_equal(a.affine, b.affine)


@pytest.mark.parametrize("name", ["23x38x3/nrrd/label.nrrd", "liver_spine_seg.nrrd", "spine_seg_label5.nrrd"])
def test_real_nrrd(real_data, name):
    volume = read_volume(real_data / "dicom/dcmqi" / name)
    assert volume.array.shape[0] == 3
    assert volume.meta["format"] == "nrrd"


@given(st.sampled_from(sorted(WINDOWS)), st.floats(-3000, 4000), st.floats(0, 500))
def test_windows_rise_and_reach_both_ends(name, hu, more):
    low, high = windowed(np.array([hu, hu + more]), name)
    assert low <= high
    window = WINDOWS[name]
    assert windowed(np.array([window.center_hu - window.width_hu]), window)[0] == 0
    assert windowed(np.array([window.center_hu + window.width_hu]), window)[0] == 255


def test_windows_follow_dicom():
    """PS3.3 C.11.2.1.2.1: centre 2048, width 4096 maps 0-4095 onto the full range."""
    grey = windowed(np.arange(4096), Window(center_hu=2048, width_hu=4096))
    assert np.abs(grey - np.arange(4096) * 255 / 4095).max() <= 0.5
    with pytest.raises(InputError, match="no window"):
        windowed(np.zeros(1), "bones")
    with pytest.raises(InputError, match="wide"):
        Window(center_hu=0, width_hu=0)
