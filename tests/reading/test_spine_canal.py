"""The canal at a level beside its sound neighbours: a canal that widens evenly is nowhere narrow."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.domain.spine import ScanFacts, SpineReading, VertebraFinding
from osteon.reading.spine_canal import canal_size
from osteon.reading.spine_rules import level_place

LEVELS = ("T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")
SCAN = ScanFacts(source="x", shape=(10, 10, 10), spacing_mm=(1.0, 1.0, 1.0))


def spine(ap, area, *, fractured=(), **changes):
    """Diameter and area by level; what is fractured speaks for nobody."""
    made = tuple(
        VertebraFinding(level=level, level_confidence=1.0, evaluable=True, centroid_lps_mm=(0.0, 0.0, -30.0 * n),
                        canal_ap_mm=ap(level), canal_area_mm2=area(level), fractured=level in fractured)
        for n, level in enumerate(LEVELS)
    )  # fmt: skip
    found = SpineReading(
        vertebrae=made, scan=SCAN, anchored=True, backend="x", backend_version="1", operating_point=0.2
    )
    return replace(found, **changes)


@given(
    start=st.floats(8, 20), slope=st.floats(-0.5, 1.5), widen=st.floats(0, 40),
    broken=st.sets(st.sampled_from(LEVELS[1:-1]), max_size=4), level=st.sampled_from(LEVELS[1:-1]),
)  # fmt: skip
def test_a_canal_that_widens_evenly_is_narrow_nowhere(start, slope, widen, broken, level):
    found = canal_size(
        spine(
            lambda k: start + slope * (level_place(k) - 10),
            lambda k: 200 + widen * (level_place(k) - 10),
            fractured=broken,
        ),
        level,
    )
    assert found.ap_change == pytest.approx(0.0, abs=1e-9)
    assert found.area_change == pytest.approx(0.0, abs=1e-9)


def test_what_a_fragment_takes_is_found_beside_a_fractured_neighbour():
    ap = dict(zip(LEVELS, (15.0, 14.7, 15.4, 13.3, 15.4, 15.8, 14.7, 17.4), strict=True))
    found = canal_size(spine(ap.get, lambda k: 250.0, fractured=("T12", "L1", "L4")), "L1")
    assert found.neighbours == (("T11", 14.7), ("L2", 15.4))
    assert found.ap_change == pytest.approx(13.3 / (14.7 + 0.7 * 2 / 3) - 1)
    assert found.area_change == 0.0


def test_at_an_end_nothing_is_expected_and_nothing_measured_is_nothing():
    plain = spine(lambda k: 15.0, lambda k: 250.0)
    assert (canal_size(plain, "T10").ap_mm, canal_size(plain, "T10").ap_change) == (15.0, None)
    assert canal_size(spine(lambda k: None, lambda k: None), "L1") is None
    assert canal_size(plain, "T3") is None
