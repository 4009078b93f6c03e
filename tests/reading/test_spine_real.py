"""Real spines: heights beside two other tools, and no natural shape called a fracture. Evaluation only, nothing is fitted."""

import importlib.util
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from osteon.domain.anatomy import level_of_verse
from osteon.domain.spine import ScanFacts
from osteon.imaging.bodies import bodies_of
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.volume import LabelMap, Volume
from osteon.reading.spine_findings import findings

VALIDATION = Path(__file__).parents[2] / "validation"


def loaded(path, kind=LabelMap):
    image = nib.load(path)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    array = np.asarray(image.dataobj).astype(np.int16 if kind is LabelMap else np.float32)
    return kind(array=array, affine=affine).canonical()


def spine(vertebrae, bodies, *, cropped=()):
    levels = tuple(
        LevelLabel(code=c, level=level_of_verse(c), confidence=1.0, cropped=c in cropped)
        for c in bodies.present
    )
    return SpineLabels(
        vertebrae=vertebrae,
        bodies=bodies,
        levels=levels,
        anchored_by=("labels",),
        backend="import",
        version="0",
    )


def read(volume, labels):
    scan = ScanFacts(source="", shape=labels.bodies.array.shape, spacing_mm=labels.bodies.spacing_mm)
    return findings(volume, labels, scan=scan)


@pytest.fixture(scope="module")
def lumbar(real_data):
    folder = real_data / "ct" / "lumbar_3mm"
    report = folder / "spine_report" / "example_ct_report"
    codes, parts = loaded(report / "totalseg.nii.gz"), loaded(report / "totalseg_vertebrae_body.nii.gz")
    verse = np.zeros_like(codes.array)
    for theirs, ours in zip(range(26, 33), range(26, 18, -1), strict=False):
        verse[codes.array == theirs] = {26: 26, 25: 24, 24: 23, 23: 22, 22: 21, 21: 20, 20: 19}[ours]
    vertebrae = LabelMap(array=verse, affine=codes.affine)
    bodies = LabelMap(array=np.where(parts.array == 1, verse, 0).astype(np.int16), affine=codes.affine)
    return read(loaded(folder / "example_ct.nii.gz", Volume), spine(vertebrae, bodies)), report


def test_heights_on_a_3mm_ct_are_those_of_an_independent_script(lumbar):
    reading, report = lumbar
    spec = importlib.util.spec_from_file_location("reference", VALIDATION / "spine_reference_heights.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    wanted = script.reference_heights(report)
    for level in ("L1", "L2", "L3", "L4", "L5"):
        off = [
            abs(getattr(reading.at(level).heights_mm, site) - wanted[level][site]) for site in wanted[level]
        ]
        assert max(off) < 1.5, (level, off)
    cut = reading.at("T12")  # the border of the scan cuts it: a wedge of a quarter to whoever does not notice
    assert (
        cut.not_evaluable == ("cropped",) and 1 - wanted["T12"]["anterior"] / wanted["T12"]["posterior"] > 0.2
    )


def test_the_peer_s_heights_differ_by_their_voxels(lumbar):
    reading, report = lumbar
    theirs = json.loads((report / "spine_report.json").read_text())["results"]
    off = [
        getattr(reading.at(level).heights_mm, site) - theirs[f"vertebrae_{level}_height_{site}_mm"]
        for level in ("L1", "L2", "L3", "L4", "L5") for site in ("anterior", "middle", "posterior")
    ]  # fmt: skip
    assert np.abs(off).mean() < 3.0


def test_no_natural_shape_is_called_a_fracture(lumbar):
    reading, report = lumbar
    theirs = json.loads((report / "spine_report.json").read_text())["results"]
    naive = [
        level for level in ("L1", "L3", "L4", "L5") if theirs[f"vertebrae_{level}_height_difference"] > 0.20
    ]
    assert naive == ["L1", "L3", "L4", "L5"]
    assert not reading.fractured and not any(v.red_flags for v in reading.vertebrae)
    assert reading.deformity_index == 0
    assert 80 < reading.hu_l1 < 130  # the peer's median of the whole body, cortex and all: 110


def test_manual_masks_without_their_ct(real_data):
    vertebrae = loaded(real_data / "ct" / "verse_masks" / "sub-verse010_seg-vert_msk.nii.gz")
    reading = read(None, spine(vertebrae, bodies_of(vertebrae)))
    assert [v.level for v in reading.vertebrae] == ["L1", "L2", "L3", "L4", "L5"]
    assert [v.level for v in reading.fractured] == ["L1"]  # its body is a third lower than its neighbours
    for v in reading.vertebrae[1:]:
        assert 22 < v.heights_mm.posterior < 31 and abs(v.height_loss.largest) < 0.15
    assert 20 < reading.lordosis_deg < 65
