"""Programs of another make: absent, found, run, cached, failing; stand-ins on PATH write what the real tools write."""

import os
import stat
import sys

import nibabel
import numpy as np
import pytest

from osteon.core.errors import ConfigError, DependencyMissing, FileError
from osteon.imaging.labels_io import read_labels
from osteon.imaging.segment.external import TOOLS, ExternalSegmenter, found
from osteon.imaging.volume import Grid, LabelMap, Volume
from osteon.imaging.write import write_nifti

#: TotalSegmentator answers --version; the others stop there as their argument parsers do.
PROGRAM = """#!/bin/sh
if [ "$1" = "--version" ]; then {version}; fi
echo run >> {folder}/runs
{body}
"""
WRITES = {
    "totalsegmentator": 'cp {truth} "$4"',
    "nnunet": '[ -f "$2/case_0000.nii.gz" ] && cp {truth} "$4/case.nii.gz"',
    # derivatives stand beside the scan, and only one that is named as a CT has any
    "spineps": """case "$3" in *_ct.nii.gz) ;; *) exit 0;; esac
made="$(dirname "$3")/derivatives_seg"; mkdir -p "$made/output_raw_ct"
cp {truth} "$made/sub-case_mod-ct_seg-vert_msk.nii.gz"; cp {truth} "$made/output_raw_ct/sub-case_mod-ct_seg-vert-raw_msk.nii.gz"
cp {region} "$made/sub-case_mod-ct_seg-spine_msk.nii.gz"
""",
}
NUMBERS = {"totalsegmentator": (22, 23), "nnunet": (22, 23), "spineps": (22, 23)}  # L3 and L4
TABLE = '<LabelTable><Label Key="22"><![CDATA[vertebrae_L3]]></Label><Label Key="23"><![CDATA[vertebrae_L4]]></Label></LabelTable>'


def spine(numbers):
    """A scan with L3 above L4 and the labels a tool would give them."""
    grid = Grid.regular((40, 60, 30), (1.0, 1.0, 1.0))
    labels = np.zeros(grid.shape, np.uint8)
    labels[2:17, 5:50, 5:25] = numbers[1]
    labels[20:35, 5:50, 5:25] = numbers[0]
    volume = Volume(array=np.where(labels > 0, 300, 30).astype(np.float32), affine=grid.affine)
    return volume, LabelMap(array=labels, affine=grid.affine)


def written(tool, folder):
    """What the tool writes of that spine, as files: its labels, and for SPINEPS its regions."""
    _, labels = spine(NUMBERS[tool])
    array = labels.array.copy()
    if tool == "spineps":
        array[17:20, 5:50, 5:25] = 122  # the disc below L3
        array[20:22, 5:50, 5:25] = 222  # its lower endplate
        array[33:35, 5:50, 5:25] = 222
        array[0:2, 5:50, 5:25] = 26
    path = folder / "truth.nii.gz"
    write_nifti(LabelMap(array=array, affine=labels.affine), path)
    if tool == "totalsegmentator":
        image = nibabel.load(path)
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, TABLE.encode()))
        nibabel.save(image, folder / "named.nii.gz")
        path = folder / "named.nii.gz"
    region = LabelMap(array=np.where(array > 0, 49, 0).astype(np.uint8), affine=labels.affine)
    write_nifti(region, folder / "region.nii.gz")
    return {"truth": path, "region": folder / "region.nii.gz"}


@pytest.fixture
def install(tmp_path, monkeypatch):
    monkeypatch.setenv("OSTEON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OSTEON_NNUNET_DATASET", "Dataset601")

    def write(tool, body=None, *, version="exit 2", name="bin"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        program = folder / TOOLS[tool].command
        files = written(tool, tmp_path)
        body = body or WRITES[tool].format(**files)
        program.write_text(PROGRAM.format(folder=tmp_path, body=body, version=version))
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv(TOOLS[tool].variable, str(program))
        return program

    return write


def environment(program, package, version):
    """The program as a console script of an environment in which the package has that version."""
    folder = program.parent
    site = folder / "site"
    (site / f"{package}-{version}.dist-info").mkdir(parents=True)
    said = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    (site / f"{package}-{version}.dist-info" / "METADATA").write_text(said)
    python = folder / "python3.11"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


def runs(folder):
    return (folder / "runs").read_text().split()


def test_absent_programs_are_named(monkeypatch):
    monkeypatch.setenv("OSTEON_TOTALSEGMENTATOR", "/nowhere/TotalSegmentator")
    with pytest.raises(DependencyMissing, match="OSTEON_TOTALSEGMENTATOR"):
        ExternalSegmenter("totalsegmentator").segment(spine((22, 23))[0])
    with pytest.raises(ConfigError, match="no external segmenter"):
        ExternalSegmenter("other").segment(spine((22, 23))[0])


@pytest.mark.parametrize("tool", list(TOOLS))
def test_labels_come_back_as_the_tool_means_them_and_are_kept(install, tool, tmp_path):
    install(tool, version='echo "2.18.0"; exit 0')
    volume, truth = spine(NUMBERS[tool])
    assert found()[tool] == "2.18.0"
    for _ in range(2):
        labels = ExternalSegmenter(tool).segment(volume)
        assert [one.level for one in labels.levels] == ["L3", "L4"]
        assert labels.backend == f"external:{tool}"
        assert labels.version == "2.18.0"
        np.testing.assert_array_equal(labels.vertebrae.array > 0, truth.array > 0)
    assert runs(tmp_path) == ["run"]  # the second answer came from the cache


def test_totalsegmentators_task_holds_bodies_and_nothing_is_cut_from_them(install):
    install("totalsegmentator")
    labels = ExternalSegmenter("totalsegmentator").segment(spine((22, 23))[0])
    np.testing.assert_array_equal(labels.bodies.array, labels.vertebrae.array)
    assert "bodies_by_geometry" not in labels.notes


@pytest.mark.data
def test_a_real_file_of_that_task_is_read_by_the_preset_the_backend_uses(real_data):
    path = real_data / "ct/lumbar_3mm/spine_report/test_result/totalseg_vertebrae_pp_refined.nii.gz"
    labels = read_labels(path, preset=TOOLS["totalsegmentator"].preset)
    assert [one.level for one in labels.levels] == ["T12", "L1", "L2", "L3", "L4", "L5"]


def test_discs_and_endplates_of_spineps_are_no_vertebrae(install):
    install("spineps")
    labels = ExternalSegmenter("spineps").segment(spine((22, 23))[0])
    l3 = next(one.code for one in labels.levels if one.level == "L3")
    assert (labels.vertebrae.array[21:34, 10, 10] == l3).all()  # its endplates belong to it
    assert (labels.vertebrae.array[17:20] == 0).all()  # its disc does not
    assert "levels_only_if_veridah_ran" in labels.notes


@pytest.mark.parametrize("first", ["#!{python}", "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''"])
@pytest.mark.parametrize("tool", ["nnunet", "spineps"])
def test_a_version_is_asked_of_the_tools_own_environment(install, tool, first):
    program = install(tool)
    python = environment(program, TOOLS[tool].package, "2.8.1")
    program.write_text(f"{first.format(python=python)}\nimport sys\nsys.exit(2)\n")
    assert found()[tool] == "2.8.1"


def test_a_version_is_asked_of_an_interpreter_beside_a_program_that_names_none(install):
    program = install("spineps")
    python = environment(program, "spineps", "2.1.3")
    python.rename(python.with_name("python"))
    assert found()["spineps"] == "2.1.3"


def test_programs_that_do_not_say_their_version_are_told_apart_by_their_file(install, tmp_path):
    volume = spine((22, 23))[0]
    program = install("nnunet")
    assert found()["nnunet"] == "unknown"
    for _ in range(2):
        assert ExternalSegmenter("nnunet").segment(volume).version == "unknown"
    assert len(runs(tmp_path)) == 1
    os.utime(program, ns=(1, 1))  # installed anew
    ExternalSegmenter("nnunet").segment(volume)
    assert len(runs(tmp_path)) == 2
    install("nnunet", name="other")
    ExternalSegmenter("nnunet").segment(volume)
    assert len(runs(tmp_path)) == 3


def test_other_networks_of_a_tool_are_another_result(install, tmp_path, monkeypatch):
    volume = spine((22, 23))[0]
    install("spineps")
    for models in ("a", "b", "b"):
        monkeypatch.setenv("SPINEPS_SEGMENTOR_MODELS", models)
        ExternalSegmenter("spineps").segment(volume)
    assert len(runs(tmp_path)) == 2


def test_a_failing_program_is_one_clear_error(install):
    install("totalsegmentator", 'echo "CUDA out of memory" >&2; exit 3')
    with pytest.raises(FileError, match=r"ended with 3.*CUDA out of memory"):
        ExternalSegmenter("totalsegmentator").segment(spine((22, 23))[0])


def test_a_program_runs_in_a_folder_of_its_own(install, tmp_path, monkeypatch):
    body = WRITES["totalsegmentator"].format(**written("totalsegmentator", tmp_path))
    program = install("totalsegmentator", f"pwd > {tmp_path}/where\n{body}")
    monkeypatch.chdir(program.parent)
    monkeypatch.setenv("OSTEON_TOTALSEGMENTATOR", f"./{program.name}")
    ExternalSegmenter("totalsegmentator").segment(spine((22, 23))[0])
    assert (tmp_path / "where").read_text(encoding="utf-8").strip() != str(program.parent)
