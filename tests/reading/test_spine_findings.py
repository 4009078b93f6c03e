"""A labelled spine read: planted heights, grades and types come back, and what cannot be read says why."""

from dataclasses import replace

import numpy as np
import pytest

from osteon.core.errors import FileError
from osteon.domain.spine import ScanFacts
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.segment.quality import gated
from osteon.imaging.volume import LabelMap, Volume
from osteon.reading.spine_compare import compare_readings
from osteon.reading.spine_ct import read_spine
from osteon.reading.spine_findings import ReadingOptions, findings
from osteon.synth.spine_ct import PlannedFracture, field_grid, phantom
from osteon.synth.spine_render import render_tissue

PLANTED = (
    PlannedFracture(level="L1", kind="wedge", loss=0.33, denis="B", fresh=True),
    PlannedFracture(level="L3", kind="biconcave", loss=0.30, denis="C", fresh=False),
)
BROKEN = ("L1", "L3")


def labels_of(scan, *, anchored=("sacrum",)):
    """The phantom's own labels as a segmenter would hand them over."""
    bodies = scan.labels.bodies.array
    levels = []
    for vertebra in scan.anatomy.vertebrae:
        if (bodies == vertebra.code).sum() > 500:
            z = np.flatnonzero((bodies == vertebra.code).any((1, 2)))
            cut = bool(z[0] == 0 or z[-1] == bodies.shape[0] - 1)
            levels.append(LevelLabel(code=vertebra.code, level=vertebra.level, confidence=0.99, cropped=cut))
    return SpineLabels(
        vertebrae=scan.labels.vertebrae, bodies=scan.labels.bodies, levels=tuple(levels), anchored_by=anchored,
        backend="truth", version="0", tissue=scan.labels.tissue,
    )  # fmt: skip


def facts(labels, **more):
    return ScanFacts(source="", shape=labels.bodies.array.shape, spacing_mm=labels.bodies.spacing_mm, **more)


@pytest.fixture(scope="module")
def scan():
    made = phantom(41, fov="T9-S1", fractures=PLANTED, variant="")
    assert not [
        code for code in made.planted if code.split(":")[0] in ("lytic", "sclerotic", "cement", "screws")
    ]
    return made


@pytest.fixture(scope="module")
def labels(scan):
    return labels_of(scan)


@pytest.fixture(scope="module")
def reading(scan, labels):
    return findings(scan.volume, labels, scan=facts(labels, kvp=120.0, contrast="none"))


def uneven(scan, steps):
    """The scan as read from slices this far apart, plane by plane."""
    meta = {**scan.volume.meta, "plane_steps_mm": tuple(steps), "slice_axis": 0}
    return replace(scan.volume, meta=meta)


def graded(reading):
    return [v for v in reading.vertebrae if v.evaluable]


def test_heights_are_the_planted_ones(scan, reading):
    off = []
    for v in graded(reading):
        h, true = v.heights_mm, scan.anatomy.at(v.level).heights_mm
        off += [h.anterior - true[0], h.middle - true[1], h.posterior - true[2]]
    assert len(graded(reading)) >= 7
    assert np.mean(np.abs(off)) < 0.4 and np.max(np.abs(off)) < 1.6


def test_losses_grades_and_the_index(scan, reading):
    for v in graded(reading):
        assert v.height_loss.largest == pytest.approx(max(max(scan.anatomy.at(v.level).losses), 0.0), abs=0.1)
        assert v.fractured == (v.level in BROKEN), v.level
        assert v.red_flags == ()
    assert reading.at("L1").genant.type == "wedge" and reading.at("L3").genant.type == "biconcave"
    assert reading.deformity_index == sum(v.genant.grade for v in graded(reading)) == 4
    assert [v.level for v in reading.fractured] == list(BROKEN)


def test_types_and_their_evidence(reading):
    wedge, biconcave = reading.at("L1"), reading.at("L3")
    assert wedge.denis.type == "B" and wedge.superior.injured and not wedge.inferior.injured
    assert {"tilt", "discontinuity"} <= set(wedge.superior.signs)
    assert biconcave.denis.type == "C" and "depression" in biconcave.inferior.signs
    assert wedge.denis.scheme == "compression" and wedge.of_type == 2
    assert all(v.denis is None and v.of_type is None for v in graded(reading) if not v.fractured)
    assert not any(v.posterior_wall.involved for v in graded(reading) if not v.fractured)


def test_confidences_curves_canal_and_discs(scan, reading):
    assert all(0.5 <= v.confidence <= 1 for v in graded(reading))
    assert 0 < reading.lordosis_deg < 90
    for v in graded(reading):
        assert 60 < v.canal_area_mm2 < 700 and 8 < v.canal_ap_mm < 28
        if v.disc_below_mm is not None and v.level not in BROKEN:
            assert 1.5 < v.disc_below_mm < 20


def test_density_is_read_and_is_no_t_score(scan, labels, reading):
    assert reading.hu_mean is not None and reading.hu_l1 is None  # L1 is broken
    usual = [v.hu.median for v in graded(reading) if not v.fractured]
    assert np.ptp(usual) < 60
    site = findings(
        scan.volume, labels, options=ReadingOptions(hu_calibration=(0.7, 3.0)), scan=facts(labels, kvp=100.0, kernel="Hr60h")
    )  # fmt: skip
    assert site.at("L2").hu.vbmd_mg_cm3 == pytest.approx(0.7 * site.at("L2").hu.median + 3)
    assert {"kvp_not_120", "kernel_sharp", "contrast_unknown"} <= set(site.notes)
    assert "kvp_not_120" not in reading.notes


def test_labels_alone_give_heights_and_grades_but_no_density(labels, reading):
    alone = findings(None, labels, scan=facts(labels))
    assert "no_image" in alone.notes and alone.hu_mean is None
    for v in graded(alone):
        same = reading.at(v.level)
        assert v.heights_mm == same.heights_mm
        assert (v.genant.grade, v.genant.type) == (same.genant.grade, same.genant.type)
        assert v.hu is None and v.superior.discontinuity is None and v.superior.band_hu is None


def test_the_specific_operating_point_calls_less(labels):
    strict = findings(None, labels, options=ReadingOptions(operating_point=0.25), scan=facts(labels))
    assert strict.operating_point == 0.25 and all(v.genant.grade != 1 for v in graded(strict))


def test_what_cannot_be_graded_says_why(labels):
    thick = findings(None, labels, scan=facts(labels, slice_thickness_mm=5.0))
    assert not graded(thick) and all("slice_thickness_over_3mm" in v.not_evaluable for v in thick.vertebrae)
    assert thick.deformity_index is None
    cut = replace(labels, levels=tuple(replace(k, cropped=k.level == "L4") for k in labels.levels))
    found = findings(None, cut, scan=facts(labels)).at("L4")
    assert found.not_evaluable == ("cropped",) and found.heights_mm is None and found.fractured is None
    crumb = labels.bodies.array.copy()
    where = np.argwhere(crumb == 23)
    crumb[crumb == 23] = 0
    crumb[tuple(where[:40].T)] = 23
    poor = replace(labels, bodies=LabelMap(array=crumb, affine=labels.bodies.affine))
    assert not findings(None, poor, scan=facts(labels)).at("L4").evaluable


def test_a_vertebra_is_judged_by_the_slices_that_show_it(scan, labels, reading):
    """Coarse from the middle of L2 down, fine above: the fine part keeps its grades, the rest has none."""
    array = labels.bodies.array
    middle = round(float(np.argwhere(array == scan.anatomy.at("L2").code)[:, 0].mean()))
    volume = uneven(scan, [5.0] * middle + [1.0] * (array.shape[0] - middle))
    mixed = findings(volume, labels, scan=facts(labels, kvp=120.0, contrast="none", slice_thickness_mm=1.0))
    for v in mixed.vertebrae:
        if v.level in ("L2", "L3", "L4", "L5"):
            assert v.not_evaluable == ("slice_thickness_over_3mm",) and v.genant is None
        elif (known := reading.at(v.level)).evaluable:
            assert v.genant.grade == known.genant.grade and "uneven_slices" not in v.notes
            assert v.heights_mm == known.heights_mm


def test_a_gap_at_an_endplate_forbids_the_type_and_widens_the_error(scan, labels, reading):
    array = labels.bodies.array
    top = int(np.argwhere(array == scan.anatomy.at("L1").code)[:, 0].max())
    steps = np.full(array.shape[0], 1.0)
    steps[top : top + 3] = 3.0
    found = findings(uneven(scan, steps), labels, scan=facts(labels, kvp=120.0, contrast="none")).at("L1")
    known = reading.at("L1")
    assert known.denis is not None and found.denis is None
    assert found.fractured and {"uneven_slices", "too_coarse_to_type"} <= set(found.notes)
    assert found.height_loss.se > known.height_loss.se


def test_slices_that_are_partly_thick_are_said(scan, labels):
    steps = np.full(labels.bodies.array.shape[0], 1.0)
    assert "slices_partly_thicker_than_3_mm" not in gated(labels, uneven(scan, steps)).notes
    steps[3:6] = 5.0
    assert "slices_partly_thicker_than_3_mm" in gated(labels, uneven(scan, steps)).notes


def test_a_vertebra_whose_labels_hold_no_body_is_named(labels):
    bodies = labels.bodies.array.copy()
    bodies[bodies == 22] = 0
    found = findings(
        None, replace(labels, bodies=LabelMap(array=bodies, affine=labels.bodies.affine)), scan=facts(labels)
    )
    assert found.at("L3").not_evaluable == ("no_body",)
    assert [v.level for v in found.vertebrae] == [x.level for x in labels.levels if x.level != "S1"]
    assert found.at("L2").disc_below_mm is None and found.at("L4").disc_above_mm is None


def test_thick_overlapping_slices_are_as_coarse_as_they_are_thick(scan, labels):
    found = findings(scan.volume, labels, scan=facts(labels, slice_thickness_mm=2.5))
    broken = found.at("L1")
    assert broken.fractured and broken.denis is None and "too_coarse_to_type" in broken.notes


def test_unanchored_levels_are_graded_and_said_to_be_unanchored(labels):
    names = {24: "V1", 23: "V2", 22: "V3", 21: "V4", 20: "V5"}
    kept = tuple(replace(k, level=names[k.code]) for k in labels.levels if k.code in names)
    found = findings(None, replace(labels, levels=kept, anchored_by=()), scan=facts(labels))
    assert not found.anchored and "unanchored" in found.notes
    assert {v.level for v in found.fractured} >= {"V5", "V3"}


def test_cement_is_named_and_left_out_of_grade_and_density(scan, labels, reading):
    centre = np.array(reading.at("L1").centroid_lps_mm)
    places = scan.volume.grid.world(np.indices(scan.volume.array.shape).reshape(3, -1).T)
    ball = (np.linalg.norm(places - centre, axis=1) < 6).reshape(scan.volume.array.shape)
    filled = Volume(
        array=np.where(ball, 1600, scan.volume.array).astype(np.float32), affine=scan.volume.affine
    )
    found = findings(filled, labels, scan=facts(labels)).at("L1")
    assert found.contents == ("cement",) and found.not_evaluable == ("cement",)
    assert found.hu is None and found.genant is None and found.fractured is None
    assert found.heights_mm is not None


@pytest.mark.parametrize("moved", ["by 1024", "window of 8 bits", "rescale_missing", "not_hounsfield"])
def test_values_that_may_be_no_hounsfield_units_are_not_read_as_such(scan, labels, moved):
    """Moved up by 1024 every body would be full of cement; heights and grades are those of the labels alone."""
    array = scan.volume.array
    noise = np.random.default_rng(0).normal(0, 10, array.shape)
    grey = {"by 1024": array + 1024 + noise, "window of 8 bits": np.clip((array + 150) / 2, 0, 255)}
    notes = () if moved in grey else (moved,)
    volume = replace(scan.volume, array=grey.get(moved, array).astype(np.float32), notes=notes)
    found = findings(volume, labels, scan=facts(labels, kvp=120.0, contrast="none", notes=notes))
    alone = findings(None, labels, scan=facts(labels))
    assert "hu_unverified" in found.notes and "no_image" not in found.notes
    assert found.hu_l1 is None and found.hu_mean is None
    for v, known in zip(found.vertebrae, alone.vertebrae, strict=True):
        assert (v.hu, v.contents, v.red_flags) == (None, (), ())
        assert v.genant == known.genant and v.heights_mm == known.heights_mm
    assert {"L1", "L3"} <= {v.level for v in found.fractured}


def test_another_modality_than_ct_is_refused(scan, labels):
    with pytest.raises(FileError, match=r"knee\.dcm: the modality is MR, expected CT"):
        read_spine(replace(scan.volume, meta={"modality": "MR"}), labels=labels, source="knee.dcm")


def test_a_lytic_focus_goes_before_any_grade(scan, labels, reading):
    usual = reading.at("L1").hu.median
    centre = np.array(reading.at("L1").centroid_lps_mm)
    places = scan.volume.grid.world(np.indices(scan.volume.array.shape).reshape(3, -1).T)
    ball = (np.linalg.norm(places - centre, axis=1) < 8).reshape(scan.volume.array.shape)
    hollow = Volume(
        array=np.where(ball, usual - 130, scan.volume.array).astype(np.float32), affine=scan.volume.affine
    )
    found = findings(hollow, labels, scan=facts(labels)).at("L1")
    assert "lytic_focus" in found.red_flags and "suspicious" in found.notes
    assert found.fractured is None and found.genant is None and found.denis is None
    assert found.height_loss.largest > 0.2


def test_a_spine_read_twice_has_not_changed_and_a_new_fracture_is_new(labels, reading):
    assert {c.change for c in compare_readings(reading, reading)} <= {"unchanged", "not_comparable"}
    before = phantom(41, fov="T9-S1", fractures=PLANTED[:1], variant="")
    earlier = findings(None, labels_of(before), scan=facts(labels_of(before)))
    changes = {c.level: c.change for c in compare_readings(reading, earlier)}
    assert changes["L3"] == "new"


def test_nothing_labelled_is_an_empty_reading(labels):
    empty = replace(labels, levels=())
    found = findings(None, empty, scan=facts(labels))
    assert found.vertebrae == () and found.deformity_index is None and found.lordosis_deg is None


def test_bodies_seen_closely_are_measured_closely():
    """Labels on 4 mm slices are off by a millimetre and more; the same bodies on a finer grid of their own are not."""
    made = phantom(43, spacing_mm=(4.0, 1.0, 1.0), fov="lumbar", fractures=[], variant="")
    rough = labels_of(made)
    fine = render_tissue(
        made.anatomy, field_grid(made.anatomy, spacing_mm=(1.25, 1.25, 1.25), fov="lumbar")
    ).bodies
    close = {
        x.code: Volume(array=(fine.array == x.code).astype(np.float32), affine=fine.affine)
        for x in rough.levels
    }
    away = {"mask": [], "close": []}
    for name, labels in (("mask", rough), ("close", replace(rough, close=close))):
        for found in findings(None, labels, scan=facts(labels)).vertebrae:
            if found.heights_mm is not None:
                said = found.heights_mm
                truth = made.anatomy.at(found.level).heights_mm
                away[name] += list(np.abs(np.array([said.anterior, said.middle, said.posterior]) - truth))
    assert len(away["close"]) >= len(away["mask"]) >= 12
    assert np.mean(away["close"]) < 0.4 < np.mean(away["mask"])
