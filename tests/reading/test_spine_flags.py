"""Signs of something other than osteoporosis go before any grade: each planted in turn, none seen where none is."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from osteon.domain.spine import Endplate, HeightLoss, Heights, PosteriorWall, ScanFacts
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.volume import LabelMap, Volume
from osteon.reading.spine_findings import findings
from osteon.reading.spine_genant import genant
from osteon.reading.spine_judged import _confidence, _Evidence
from osteon.synth.spine_ct import PlannedFracture, phantom

LEVEL, CODE = "L3", 22


class Spine:
    """An invented spine whose L3 can be changed place by place."""

    def __init__(self):
        self.scan = phantom(
            41, fov="lumbar", fractures=(PlannedFracture(level=LEVEL, kind="wedge", loss=0.33, denis="B", fresh=True),),
            variant="",
        )  # fmt: skip
        truth = self.scan.labels
        seen = [v for v in self.scan.anatomy.vertebrae if (truth.bodies.array == v.code).sum() > 500]
        ends = truth.bodies.array[[0, -1]]
        self.labels = SpineLabels(
            vertebrae=truth.vertebrae, bodies=truth.bodies, tissue=truth.tissue, backend="truth", version="0",
            levels=tuple(
                LevelLabel(code=v.code, level=v.level, confidence=0.99, cropped=bool((ends == v.code).any())) for v in seen
            ),
            anchored_by=("sacrum",),
        )  # fmt: skip
        self.facts = ScanFacts(
            source="", shape=truth.bodies.array.shape, spacing_mm=truth.bodies.spacing_mm, kvp=120.0, contrast="none"
        )  # fmt: skip
        self.hu = self.scan.volume.array
        self.body = self.scan.labels.bodies.array == CODE
        self.arch = (self.scan.labels.vertebrae.array == CODE) & ~self.body
        grid = self.scan.volume.grid
        self.x, self.y, self.z = np.moveaxis(
            grid.world(np.indices(self.hu.shape).reshape(3, -1).T).reshape(*self.hu.shape, 3), -1, 0
        )
        self.centre = grid.world(np.argwhere(self.body).mean(0))

    def read(self, hu, labels=None):
        volume = Volume(array=np.asarray(hu, dtype=np.float32), affine=self.scan.volume.affine)
        return findings(volume, labels or self.labels, scan=self.facts)

    def ball(self, radius):
        x, y, z = self.centre
        return self.body & ((self.x - x) ** 2 + (self.y - y) ** 2 + (self.z - z) ** 2 < radius**2)


@pytest.fixture(scope="module")
def spine():
    return Spine()


def test_an_osteoporotic_fracture_and_its_neighbours_have_none(spine):
    found = spine.read(spine.hu)
    assert [v.red_flags for v in found.vertebrae if v.evaluable] == [()] * sum(
        v.evaluable for v in found.vertebrae
    )
    assert found.at(LEVEL).genant.grade == 2


def destroyed_pedicle(spine):
    left = spine.arch & (spine.x > spine.centre[0]) & (spine.y < spine.centre[1] + 32)
    return np.where(left, 50, spine.hu)


def destroyed_arch(spine):
    return np.where(spine.arch & (spine.y > spine.centre[1] + 28), 45, spine.hu)


def dense_body(spine):
    return np.where(spine.body, 600, spine.hu)


def dense_ball(spine):
    return np.where(spine.ball(8), 700, spine.hu)


def lytic_body(spine):
    return np.where(spine.ball(8), 40, spine.hu)


def mass(spine):
    vertebrae = spine.scan.labels.vertebrae.array
    around = (ndimage.distance_transform_edt(~spine.body) < 15) & (vertebrae == 0)
    before = around & (spine.y < spine.centre[1] + 5) & (np.abs(spine.z - spine.centre[2]) < 15)
    shell = spine.body & (ndimage.distance_transform_edt(spine.body) < 3)
    return np.where(before | shell, 50, spine.hu)


@pytest.mark.parametrize(
    ("disease", "flag"),
    [
        (destroyed_pedicle, "pedicle_destruction"),
        (destroyed_arch, "posterior_element_destruction"),
        (dense_body, "diffuse_sclerosis"),
        (dense_ball, "sclerotic_focus"),
        (lytic_body, "lytic_focus"),
        (mass, "soft_tissue_mass"),
    ],
)
def test_a_planted_disease_is_suspicious_and_gets_no_grade(spine, disease, flag):
    found = spine.read(disease(spine))
    sick = found.at(LEVEL)
    assert flag in sick.red_flags
    assert sick.genant is None and sick.fractured is None and sick.denis is None
    assert "suspicious" in sick.notes
    assert [v.level for v in found.vertebrae if v.red_flags] == [LEVEL]


def local_mm(spine, place):
    """To the patient's left, backwards and upwards of the planted body's middle."""
    return np.array(place.centre_lps_mm) - spine.centre


def test_what_is_suspicious_has_a_side_and_a_place(spine):
    """The left pedicle, a focus to the right of the middle, and a mass before the left third of the wall."""
    (left,) = spine.read(destroyed_pedicle(spine)).at(LEVEL).flag_places
    gone = spine.arch & (spine.x > spine.centre[0]) & (spine.y < spine.centre[1] + 32)
    assert (left.flag, left.side) == ("pedicle_destruction", "left")
    # within a centimetre, beside and behind, of the middle of what is gone
    middle = spine.scan.volume.grid.world(np.argwhere(gone).mean(0))
    assert np.abs(np.array(left.centre_lps_mm) - middle)[:2].max() < 10.0

    x, y, z = spine.centre - (12.0, 0.0, 0.0)
    ball = spine.body & ((spine.x - x) ** 2 + (spine.y - y) ** 2 + (spine.z - z) ** 2 < 49.0)
    (focus,) = spine.read(np.where(ball, 40, spine.hu)).at(LEVEL).flag_places
    assert (focus.flag, focus.side) == ("lytic_focus", "right")
    assert np.abs(np.array(focus.centre_lps_mm) - (x, y, z)).max() < 3.0

    (middle_focus,) = spine.read(lytic_body(spine)).at(LEVEL).flag_places
    assert middle_focus.side is None

    lesion = mass(spine)
    one_side = np.where(spine.x > spine.centre[0] + 6, lesion, spine.hu)
    found = {p.flag: p for p in spine.read(one_side).at(LEVEL).flag_places}
    assert found["soft_tissue_mass"].side == "left"
    assert (
        local_mm(spine, found["soft_tissue_mass"])[0] > 6
        and local_mm(spine, found["soft_tissue_mass"])[1] < 0
    )


def test_marrow_too_poor_to_show_a_lytic_focus_says_so_where_it_cannot_be_seen(spine):
    """In rich marrow a ball of soft tissue is told; in marrow as dense as soft tissue nothing is, and each level says so."""
    marrow = spine.read(spine.hu).at("L2").hu.median
    assert marrow > 110.0
    inner = ndimage.distance_transform_edt(spine.scan.labels.bodies.array > 0) > 2.0
    poor = np.where(inner, spine.hu - (marrow - 50.0), spine.hu)
    found = spine.read(np.where(spine.ball(8), 45.0, poor))
    assert not any(v.red_flags for v in found.vertebrae)
    seen = [v for v in found.vertebrae if v.evaluable]
    assert len(seen) >= 4 and all("lytic_not_detectable" in v.notes for v in seen)
    rich = spine.read(lytic_body(spine))
    assert rich.at(LEVEL).red_flags == ("lytic_focus",)
    assert not any("lytic_not_detectable" in v.notes for v in rich.vertebrae)


def test_a_sclerotic_body_below_the_limit_of_a_focus_is_told_and_left_out_of_the_density(spine):
    """L2 at 390 units among poor marrow, then L1-L3: the usual density stays that of the others, no other level is flagged."""
    bodies = spine.scan.labels.bodies.array
    plain = spine.read(spine.hu)
    assert "L2" in plain.hu_mean_of
    inner = ndimage.distance_transform_edt(bodies > 0) > 2.0
    poor = np.where(inner, spine.hu - (plain.at("L2").hu.median - 70.0), spine.hu)
    one = spine.read(np.where(inner & (bodies == 21), poor + 320.0, poor))
    assert {v.level: v.red_flags for v in one.vertebrae if v.red_flags} == {"L2": ("diffuse_sclerosis",)}
    assert "L2" not in one.hu_mean_of and one.hu_mean < 100.0
    several = spine.read(np.where(inner & np.isin(bodies, (20, 21)), poor + 320.0, poor))
    dense = {v.level for v in several.vertebrae if "diffuse_sclerosis" in v.red_flags}
    assert dense == {"L1", "L2"} & {v.level for v in several.vertebrae if v.evaluable}
    assert several.hu_l1 is None and several.hu_mean < 100.0


def test_both_pedicles_gone_are_both_named(spine):
    gone = spine.arch & (spine.y < spine.centre[1] + 32)
    found = {p.flag: p for p in spine.read(np.where(gone, 50, spine.hu)).at(LEVEL).flag_places}
    assert found["pedicle_destruction"].side == "both"


@pytest.mark.parametrize("part", ["right", "left", "spinous"])
def test_a_lamina_or_the_spinous_process_alone_is_something_to_look_at(spine, part):
    """Planted by the vertebra's true frame; what is left of the arch is more than the whole arch's threshold."""
    v = spine.scan.anatomy.at(LEVEL)
    points = np.stack([spine.x, spine.y, spine.z], axis=-1) - v.frame.centre
    aside, behind = points @ v.frame.axes[0], points @ v.frame.axes[1] - v.shape.half_depth
    lamina = (np.abs(aside) > 2) & (np.abs(aside) < 0.3 * v.sizes.width) & (behind > 9)
    where = {
        "right": lamina & (aside < 0),
        "left": lamina & (aside > 0),
        "spinous": (np.abs(aside) < 6) & (behind > 20),
    }[part]
    found = spine.read(np.where(spine.arch & where, 50, spine.hu))
    assert [v.level for v in found.vertebrae if "arch_uneven" in v.notes] == [LEVEL]
    assert not any(v.red_flags for v in found.vertebrae)
    assert found.at(LEVEL).indicators["posterior_share"] > 0.40


def turned(spine, labels, hu, degrees):
    """Scan and labels turned about the patient's long axis; their voxels stay as they are."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    affine = about @ spine.scan.volume.affine
    vertebrae, bodies, tissue = (
        LabelMap(array=part.array, affine=affine) for part in (labels.vertebrae, labels.bodies, labels.tissue)
    )
    lying = replace(labels, vertebrae=vertebrae, bodies=bodies, tissue=tissue)
    return findings(Volume(array=np.asarray(hu, dtype=np.float32), affine=affine), lying, scan=spine.facts)


@pytest.mark.parametrize("degrees", [75, 180, 270])
def test_however_the_patient_lies_heights_and_flags_stay(spine, degrees):
    """On the side, on the belly: with a destroyed left pedicle, so that side and flag have something to lose."""
    sick = destroyed_pedicle(spine)
    lying = turned(spine, spine.labels, sick, degrees)
    for v in spine.read(sick).vertebrae:
        other = lying.at(v.level)
        assert other.evaluable is v.evaluable and other.red_flags == v.red_flags
        assert [p.side for p in other.flag_places] == [p.side for p in v.flag_places]
        if v.evaluable:
            for name in ("anterior", "middle", "posterior"):
                assert getattr(other.heights_mm, name) == pytest.approx(getattr(v.heights_mm, name), abs=0.5)


def test_posterior_elements_on_the_wrong_side_of_one_vertebra_do_not_turn_it(spine):
    """Labels of L3's arch lie in front of its body; the other vertebrae tell where its back is."""
    vertebrae = spine.scan.labels.vertebrae.array.copy()
    before = (
        (vertebrae == 0) & (np.abs(spine.x - spine.centre[0]) < 15) & (np.abs(spine.z - spine.centre[2]) < 12)
    )
    before &= (spine.y < spine.centre[1] - 22) & (spine.y > spine.centre[1] - 50)
    vertebrae[spine.arch], vertebrae[before] = 0, CODE
    labels = replace(spine.labels, vertebrae=LabelMap(array=vertebrae, affine=spine.scan.volume.affine))
    plain, wrong = spine.read(spine.hu).at(LEVEL), spine.read(spine.hu, labels).at(LEVEL)
    assert wrong.heights_mm.anterior == pytest.approx(plain.heights_mm.anterior, abs=0.5)
    assert wrong.heights_mm.posterior == pytest.approx(plain.heights_mm.posterior, abs=0.5)


def test_half_a_stout_pedicle_of_l5_gone_is_seen_beside_the_other_side(spine):
    """A focus as in the winking owl's eye: what is left of L5 is still more than a quarter of what L3 and L4 have."""
    v = spine.scan.anatomy.at("L5")
    side = (v.sizes.canal_width + v.sizes.pedicle_width) / 2
    x, y, z = v.frame.world(np.array([[-side, v.shape.half_depth + 4.0, 0.15 * v.sizes.height]]))[0]
    eye = (spine.x - x) ** 2 + (spine.y - y) ** 2 + (spine.z - z) ** 2 < 9.0**2
    found = spine.read(np.where(eye, 50, spine.hu))
    assert found.at("L5").red_flags == ("pedicle_destruction",)
    assert found.at("L5").indicators["pedicle_share"] > 0.27
    assert (
        min(v.indicators["pedicle_of_other"] for v in found.vertebrae if v.evaluable and v.level != "L5")
        > 0.8
    )
    assert [v.level for v in found.vertebrae if v.red_flags] == ["L5"]


def test_posterior_elements_that_nobody_outlined_are_missed_all_the_same(spine):
    vertebrae = spine.scan.labels.vertebrae.array.copy()
    vertebrae[spine.arch] = 0
    labels = replace(spine.labels, vertebrae=LabelMap(array=vertebrae, affine=spine.scan.volume.affine))
    assert "posterior_element_destruction" in spine.read(np.where(spine.arch, 50, spine.hu), labels).at(LEVEL).red_flags  # fmt: skip


def test_a_body_pressed_on_one_side_is_graded_by_that_side(spine):
    code = 23
    bodies, vertebrae = spine.scan.labels.bodies.array.copy(), spine.scan.labels.vertebrae.array.copy()
    body = bodies == code
    x0, _, z0 = spine.scan.volume.grid.world(np.argwhere(body).mean(0))
    tall = spine.scan.anatomy.at("L4").heights_mm[1]
    aside = np.clip((spine.x - x0 - 2) / 18, 0, 1)
    gone = body & (spine.x > x0 + 2) & (spine.z > z0 + tall / 2 - 0.55 * tall * aside - 1)
    bodies[gone], vertebrae[gone] = 0, 0
    affine = spine.scan.volume.affine
    labels = replace(spine.labels, bodies=LabelMap(array=bodies, affine=affine), vertebrae=LabelMap(array=vertebrae, affine=affine))  # fmt: skip
    found = spine.read(np.where(gone, 60, spine.hu), labels)
    pressed = found.at("L4")
    assert pressed.fractured and pressed.genant.grade >= 2 and "one_sided" in pressed.notes
    assert [v.level for v in found.vertebrae if "one_sided" in v.notes] == ["L4"]
    whole = spine.read(spine.hu).at("L4")
    assert not whole.fractured and "one_sided" not in whole.notes


def test_a_healthy_spine_is_what_its_own_neighbours_let_expect(spine):
    found = [v for v in spine.read(spine.hu).vertebrae if v.evaluable]
    shares = {
        name: [v.indicators[name] for v in found if name in v.indicators]
        for name in ("posterior_share", "pedicle_share")
    }
    shares["canal"] = [v.posterior_wall.canal_area_ratio for v in found if v.posterior_wall is not None]
    for name, values in shares.items():
        assert len(values) >= 4, name
        assert np.median(values) == pytest.approx(1.0, abs=0.1), name
    assert np.median([v.indicators["cortex_lost"] for v in found]) == pytest.approx(0.0, abs=0.1)


def test_a_call_by_its_break_is_the_less_sure_the_further_the_loss_falls_short(spine):
    found = spine.read(spine.hu)
    sound = next(v for v in found.vertebrae if v.evaluable and not v.fractured)
    at, plate = sound.height_loss, sound.superior

    def sure(largest, breaks):
        loss = replace(at, anterior=largest, middle=0.0, posterior=0.0, se=0.03, reference_from=("L2",))
        grade = genant(loss, breaks=breaks)
        seen = _Evidence(loss=loss, superior=plate, inferior=plate, wall=None, kink_mm=None, coarse=False)
        return grade.grade, _confidence(seen, grade, suspicious=None, agreement=None, slice_mm=1.0)

    far, near, barely = sure(0.22, 1), sure(0.19, 1), sure(0.175, 1)
    assert [grade for grade, _ in (far, near, barely)] == [1, 1, 1]
    assert far[1] > near[1] > barely[1]


def test_a_narrow_canal_behind_a_hollow_wall_is_no_suspicion():
    hollow = PosteriorWall(convexity_mm=-0.6, canal_area_ratio=0.6, involved=True)
    out = PosteriorWall(convexity_mm=2.5, canal_area_ratio=0.6, involved=True)
    at = Heights(anterior=27, middle=25, posterior=27)
    loss = HeightLoss(anterior=0.02, middle=0.0, posterior=0.0, reference_mm=at, reference_from=("L2",), se=0.02, self_loss=0.0)  # fmt: skip
    whole = Endplate(depression_mm=0.0, discontinuity=0.0, band_hu=0.0, tilt_deg=0.0, injured=False, signs=())

    def unexplained(wall, *, coarse=False, kink_mm=0.0):
        seen = _Evidence(loss=loss, superior=whole, inferior=whole, wall=wall, kink_mm=kink_mm, coarse=coarse)
        return seen.unexplained_bulge(genant(loss))

    assert unexplained(out) and not unexplained(hollow)
    assert not unexplained(out, coarse=True) and not unexplained(out, kink_mm=3.0)


def test_the_kyphosis_across_a_vertebra_is_the_sum_of_what_lies_within(spine):
    found = spine.read(spine.hu)
    middle = found.at("L3")
    truth = {level: spine.scan.anatomy.at(level) for level in ("L2", "L4")}
    assert middle.local_kyphosis_deg is not None
    lean = {k: np.degrees(np.arctan2(-v.frame.axes[2][1], v.frame.axes[2][2])) for k, v in truth.items()}
    assert middle.local_kyphosis_deg == pytest.approx(lean["L2"] - lean["L4"], abs=12)


def test_a_wall_in_the_canal_of_a_body_that_lost_nothing_is_no_burst(spine):
    code, truth = 23, spine.scan.labels
    x0, y0, z0 = spine.scan.volume.grid.world(np.argwhere(truth.bodies.array == code).mean(0))
    behind = y0 + (spine.y[truth.bodies.array == code].max() - y0) - 4
    bulge = ((spine.x - x0) ** 2 / 100 + (spine.y - behind) ** 2 / 49 + (spine.z - z0) ** 2 / 36 < 1) & (
        truth.tissue.array == 4
    )
    maps = [part.array.copy() for part in (truth.bodies, truth.vertebrae)]
    for part in maps:
        part[bulge] = code
    affine = spine.scan.volume.affine
    bodies, vertebrae = (LabelMap(array=part, affine=affine) for part in maps)
    found = spine.read(
        np.where(bulge, 180, spine.hu), replace(spine.labels, bodies=bodies, vertebrae=vertebrae)
    ).at("L4")
    assert (
        found.posterior_wall.involved and "convex_posterior_wall" in found.red_flags and found.genant is None
    )
