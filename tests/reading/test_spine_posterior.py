"""A destroyed posterior wall: planted with a mass or lost marrow it is flagged, a burst's lines through the wall are not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from osteon.domain.spine import ScanFacts
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.volume import Volume
from osteon.reading.spine_findings import findings
from osteon.synth.spine_ct import PlannedFracture, phantom

SICK, BURST = "L3", "L1"
FLAG = "posterior_wall_destruction"


class Spine:
    """An invented lumbar spine (SIMULATED), L1 burst, the posterior wall of L3 to be destroyed."""

    def __init__(self):
        scan = phantom(
            8_100_741, fov="lumbar", variant="", fractures=(PlannedFracture(level=BURST, kind="burst", loss=0.35, denis="A", fresh=True),)
        )  # fmt: skip
        truth = scan.labels
        seen = [v for v in scan.anatomy.vertebrae if (truth.bodies.array == v.code).sum() > 500]
        ends = truth.bodies.array[[0, -1]]
        self.labels = SpineLabels(
            vertebrae=truth.vertebrae, bodies=truth.bodies, tissue=truth.tissue, backend="truth", version="0", anchored_by=("sacrum",),
            levels=tuple(LevelLabel(code=v.code, level=v.level, confidence=0.99, cropped=bool((ends == v.code).any())) for v in seen),
        )  # fmt: skip
        self.scan, self.hu, self.truth = scan, scan.volume.array, truth
        self.points = scan.volume.grid.world(np.indices(self.hu.shape).reshape(3, -1).T)

    def local(self, level):
        """Millimetres to the left, behind the rim of the wall and upwards, and whose body it is."""
        v = self.scan.anatomy.at(level)
        x, y, z = v.frame.local(self.points).T
        return *(
            k.reshape(self.hu.shape) for k in (x, y - v.shape.half_depth, z)
        ), self.truth.bodies.array == v.code

    def painted(self, where, hu, base=None):
        """HU of a place, with a soft border as the scanner draws it."""
        share = ndimage.gaussian_filter(where.astype(np.float32), 0.6)
        return np.where(
            share > 0.02,
            (1 - share) * (self.hu if base is None else base) + share * hu,
            self.hu if base is None else base,
        )

    def hole(self, radius):
        """Of wall and marrow, a ball about a place beside the middle of the wall."""
        x, y, z, body = self.local(SICK)
        return body & ((x - 3) ** 2 + (y + 1) ** 2 + (z - 2) ** 2 < radius**2)

    def mass(self, radius, deep=5.0):
        """In the canal behind it."""
        x, y, z, body = self.local(SICK)
        flat = ((x - 3) ** 2 + (z - 2) ** 2) / radius**2
        return (
            ~body
            & (self.truth.tissue.array == 4)
            & (flat < 1)
            & (y < deep * np.sqrt(np.clip(1 - flat, 0, 1)) + 1)
        )

    def cortex(self, radius):
        """The wall alone, two millimetres thick."""
        x, _, z, body = self.local(SICK)
        deep = ndimage.distance_transform_edt(body)
        return (
            self.hole(40.0)
            & (deep < 2.6)
            & ((x - 3) ** 2 + (z - 2) ** 2 < radius**2)
            & (self.local(SICK)[1] > -6)
        )

    def read(self, hu):
        facts = ScanFacts(
            source="", shape=self.hu.shape, spacing_mm=(1.0, 1.0, 1.0), kvp=120.0, contrast="none"
        )
        volume = Volume(array=np.asarray(hu, dtype=np.float32), affine=self.scan.volume.affine)
        return findings(volume, self.labels, scan=facts)


@pytest.fixture(scope="module")
def spine():
    return Spine()


def flagged(found):
    return [v.level for v in found.vertebrae if FLAG in v.red_flags]


def test_a_destroyed_wall_is_suspicious_where_it_was_planted(spine):
    hu = spine.painted(spine.hole(10.0), 55.0)
    hu = spine.painted(spine.mass(10.0), 60.0, hu)
    for scan in (hu, hu + 25.0):  # whatever the scan's densities start from
        found = spine.read(scan)
        assert flagged(found) == [SICK]
        sick = found.at(SICK)
        assert sick.genant is None and sick.fractured is None and "suspicious" in sick.notes
        (place,) = [p for p in sick.flag_places if p.flag == FLAG]
        v = spine.scan.anatomy.at(SICK)
        middle = v.frame.world((3.0, v.shape.half_depth - 1.0, 2.0))
        assert np.linalg.norm(np.array(place.centre_lps_mm) - middle) < 5.0


def test_lost_marrow_speaks_without_a_mass(spine):
    usual = spine.read(spine.hu).at(SICK).hu.median
    assert usual > 120
    assert flagged(spine.read(spine.painted(spine.hole(10.0), 50.0))) == [SICK]


def test_one_sign_alone_says_nothing(spine):
    assert flagged(spine.read(spine.painted(spine.mass(9.0), 60.0))) == []  # the cortex is whole
    plain = spine.read(spine.painted(spine.cortex(8.0), 50.0))
    assert plain.at(SICK).indicators["posterior_cortex_lost"] > 0.1 and flagged(plain) == []


def test_more_destruction_never_reads_as_less(spine):
    lost = []
    for radius in (0.0, 4.0, 6.0, 8.0, 10.0):
        hu = (
            spine.painted(spine.mass(radius), 60.0, spine.painted(spine.hole(radius), 55.0))
            if radius
            else spine.hu
        )
        lost.append(spine.read(hu).at(SICK).indicators["posterior_cortex_lost"])
    assert np.diff(lost).min() >= -0.01 and lost[-1] > 0.3 > 0.02 > lost[0]


def test_a_burst_with_its_lines_and_blood_is_no_destruction(spine):
    assert flagged(spine.read(spine.hu)) == []
    x, y, z, body = spine.local(BURST)
    near = body & (y > -8) & (ndimage.distance_transform_edt(body) < 5)
    lines = near & ((np.abs(x + 3) < 1.0) | (np.abs(z - 0.4 * x - 3) < 1.0))
    blood = (
        ~body
        & (spine.truth.tissue.array == 4)
        & (ndimage.distance_transform_edt(~body) < 3)
        & (np.abs(z) < 11)
    )
    found = spine.read(spine.painted(blood, 60.0, spine.painted(lines, 40.0)))
    assert flagged(found) == [] and found.at(BURST).posterior_wall.involved


def test_without_an_image_nothing_was_looked_for(spine):
    facts = ScanFacts(source="", shape=spine.hu.shape, spacing_mm=(1.0, 1.0, 1.0), kvp=120.0, contrast="none")
    found = findings(None, replace(spine.labels), scan=facts)
    assert all(
        "posterior_cortex_lost" not in v.indicators and FLAG not in v.red_flags for v in found.vertebrae
    )
