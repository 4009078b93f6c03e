"""Retropulsed fragments: as deep as they were planted, never shallower for being deeper, and not told of sound bodies."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from osteon.domain.anatomy import Tissue
from osteon.domain.spine import ScanFacts
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.volume import LabelMap
from osteon.reading.spine_findings import findings
from osteon.synth.spine_ct import PlannedFracture, field_grid, phantom
from osteon.synth.spine_render import render_tissue

LEVEL = "L2"
DEPTHS = (0.0, 2.0, 5.0, 8.0, 11.0, 14.0)
SHAPES = {  # how much of its depth a fragment has at a height between the endplates, 0 below and 1 above
    "off the upper rim": lambda up: 1.0 * (up > 0.45),
    "off the lower rim": lambda up: 1.0 * (up < 0.5),
    "between the rims": lambda up: np.exp(-(((up - 0.55) / 0.25) ** 2)),
    "slanting": lambda up: 1 / (1 + np.exp(-(up - 0.4) / 0.06)),
}


class Spine:
    """An invented lumbar spine (SIMULATED) whose L2 lost a quarter, and from whose back a fragment can be driven."""

    def __init__(self):
        self.anatomy = phantom(
            8_100_321, fov="lumbar", spacing_mm=(4.0, 4.0, 4.0), variant="",
            fractures=(PlannedFracture(level=LEVEL, kind="wedge", loss=0.26, denis="B", fresh=False),),
        ).anatomy  # fmt: skip
        grid = field_grid(self.anatomy, spacing_mm=(1.0, 1.0, 1.0), fov="lumbar")
        self.labels = render_tissue(self.anatomy, grid)
        self.grid = grid
        vertebra = self.anatomy.at(LEVEL)
        self.code, shape = vertebra.code, vertebra.shape
        points = grid.world(np.indices(grid.shape).reshape(3, -1).T)
        x, y, z = vertebra.frame.local(points).T
        flat = np.zeros_like(x, dtype=np.float32)
        edge = np.full_like(flat, shape.half_depth - 2.0)
        top, bottom = shape.surfaces(flat, edge)
        self.up = ((z - bottom) / (top - bottom)).reshape(grid.shape)
        self.aside = np.abs(x).reshape(grid.shape)
        # behind the line of the rims, where nothing is displaced
        rims = shape.intact.back_wall(flat[:1])[0]
        self.behind = (y - rims).reshape(grid.shape)
        self.half_width = shape.half_width

    def driven(self, depth, form, *, width=0.48, canal=True):
        """Labels with a fragment so deep; the canal gives way to it, and is there or not labelled at all."""
        there = (self.up > 0.02) & (self.up < 0.98) & (self.aside < width * self.half_width)
        there &= (self.behind > -6.0) & (self.behind < depth * form(self.up)) & (depth > 0)
        maps = []
        for part, value in ((self.labels.bodies, self.code), (self.labels.vertebrae, self.code), (self.labels.tissue, int(Tissue.BODY))):  # fmt: skip
            array = part.array.copy()
            array[there] = value
            maps.append(array)
        if not canal:
            maps[2][maps[2] == Tissue.CANAL] = 0
        return self.named(*maps)

    def named(self, bodies, vertebrae, tissue, affine=None):
        affine = self.grid.affine if affine is None else affine
        seen = [v for v in self.anatomy.vertebrae if (bodies == v.code).sum() > 500]
        ends = bodies[[0, -1]]
        return SpineLabels(
            vertebrae=LabelMap(array=vertebrae, affine=affine), bodies=LabelMap(array=bodies, affine=affine),
            tissue=LabelMap(array=tissue, affine=affine), backend="truth", version="0", anchored_by=("sacrum",),
            levels=tuple(LevelLabel(code=v.code, level=v.level, confidence=0.99, cropped=bool((ends == v.code).any())) for v in seen),
        )  # fmt: skip

    def read(self, labels):
        facts = ScanFacts(
            source="", shape=self.grid.shape, spacing_mm=(1.0, 1.0, 1.0), kvp=120.0, contrast="none"
        )
        return findings(None, labels, scan=facts)


@pytest.fixture(scope="module")
def spine():
    return Spine()


@pytest.fixture(scope="module")
def by_depth(spine):
    """Readings of every form at every depth."""
    return {
        name: [spine.read(spine.driven(d, form)).at(LEVEL) for d in DEPTHS] for name, form in SHAPES.items()
    }


@pytest.mark.parametrize("form", SHAPES)
def test_a_fragment_is_as_deep_as_it_was_planted(by_depth, form):
    for depth, found in zip(DEPTHS[1:], by_depth[form][1:], strict=True):
        assert found.posterior_wall.convexity_mm == pytest.approx(depth, abs=1.0), depth
        assert found.posterior_wall.involved, depth


@pytest.mark.parametrize("form", SHAPES)
def test_a_deeper_fragment_never_reads_as_a_shallower_one(by_depth, form):
    walls = [found.posterior_wall for found in by_depth[form]]
    assert all(wall.canal_area_ratio is not None for wall in walls)
    assert np.diff([wall.convexity_mm for wall in walls]).min() > 0
    assert np.diff([wall.canal_area_ratio for wall in walls]).max() <= 0
    assert np.diff([found.canal_area_mm2 for found in by_depth[form]]).max() <= 0
    assert np.diff([found.canal_ap_mm for found in by_depth[form]]).max() <= 0
    involved = [wall.involved for wall in walls]
    assert involved == sorted(involved) and not involved[0]
    assert walls[-1].canal_area_ratio < 0.6


def test_a_closed_canal_is_measured_and_one_without_a_label_is_not(spine):
    form = SHAPES["off the upper rim"]
    closed = spine.read(spine.driven(30.0, form, width=0.9)).at(LEVEL)
    assert (closed.canal_area_mm2, closed.canal_ap_mm) == (0.0, 0.0)
    assert closed.posterior_wall.canal_area_ratio == 0.0 and closed.posterior_wall.involved
    labels = spine.driven(0.0, form)
    tissue = labels.tissue.array.copy()
    near = (spine.up > -0.8) & (spine.up < 1.8) & (tissue == Tissue.CANAL)
    tissue[near] = 0  # behind this one body nobody outlined a canal
    gap = spine.read(replace(labels, tissue=LabelMap(array=tissue, affine=spine.grid.affine))).at(LEVEL)
    assert gap.canal_area_mm2 is None and gap.posterior_wall.canal_area_ratio is None
    assert not gap.posterior_wall.involved


def test_turning_and_moving_the_patient_changes_nothing(spine):
    labels = spine.driven(8.0, SHAPES["off the upper rim"])
    still = spine.read(labels).at(LEVEL).posterior_wall
    assert still.involved
    for turn, shift in (((8.0, 0.0, 0.0), (0.0, 0.0, 0.0)), ((-6.0, 5.0, 7.0), (3.3, -12.4, 40.7))):
        affine = np.eye(4)
        affine[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
        affine[:3, 3] = shift
        maps = (labels.bodies.array, labels.vertebrae.array, labels.tissue.array)
        moved = spine.read(spine.named(*maps, affine=affine @ spine.grid.affine)).at(LEVEL).posterior_wall
        assert moved.involved
        assert moved.convexity_mm == pytest.approx(still.convexity_mm, abs=0.5)
        assert moved.canal_area_ratio == pytest.approx(still.canal_area_ratio, abs=0.08)


def test_sound_neighbours_and_a_wedge_without_a_fragment_are_not_involved(spine, by_depth):
    for depth in (0.0, 14.0):
        found = spine.read(spine.driven(depth, SHAPES["off the upper rim"]))
        others = [v for v in found.vertebrae if v.posterior_wall is not None and v.level != LEVEL]
        assert len(others) >= 3 and not any(v.posterior_wall.involved for v in others)
    plain = by_depth["off the upper rim"][0]
    assert plain.genant.grade > 0 and not plain.posterior_wall.involved
