"""Imported scores are checked, never computed; the two published corrections of FRAX."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.care.scores.imported import (
    discordance_adjusted,
    frem,
    garvan,
    imported_frax,
    steroid_adjusted,
)
from osteon.core.errors import InputError, OutOfScope

FRAX = {
    "frax_mof_pct": 15.0, "frax_hip_pct": 4.0, "with_bmd": True, "country_model": "UK", "tool_version": "4.4",
    "date": date(2026, 1, 10), "entered_by": "nurse", "today": date(2026, 3, 1),
}  # fmt: skip


def test_frax_as_entered():
    found = imported_frax(**FRAX)
    assert (found.major.value, found.hip.value, found.major.horizon_years) == (0.15, 0.04, 10)
    assert found.notes == () and found.major.model == "frax" and found.country_model == "UK"


@pytest.mark.parametrize(
    "change",
    [
        {"frax_mof_pct": 101.0},
        {"frax_mof_pct": -1.0},
        {"frax_hip_pct": float("nan")},
        {"frax_hip_pct": 15.1},
        {"country_model": " "},
        {"entered_by": ""},
        {"date": date(2026, 3, 2)},
    ],
)
def test_frax_refused(change):
    with pytest.raises(InputError):
        imported_frax(**{**FRAX, **change})


@pytest.mark.parametrize(
    ("made", "old"),
    [
        (date(2025, 3, 1), False),
        (date(2025, 2, 28), True),
        (date(2025, 3, 2), False),
        (date(2020, 5, 5), True),
        (date(2026, 3, 1), False),
    ],
)
def test_frax_older_than_twelve_months_is_noted(made, old):
    assert ("older_than_12_months" in imported_frax(**{**FRAX, "date": made}).notes) is old


def test_frax_circumstances_are_noted():
    found = imported_frax(
        **{**FRAX, "with_bmd": False}, age_years=93, tbs_adjusted=True, frax_plus_adjusted="falls"
    )
    assert set(found.notes) == {"without_bmd", "age_computed_at_bound", "tbs_adjusted", "frax_plus:falls"}
    assert found.major.notes == found.notes
    for age in (40, 90):
        assert imported_frax(**FRAX, age_years=age).notes == ()


def test_discordance_example_of_nogg():
    found = discordance_adjusted(frax_mof_pct=15, t_femoral_neck=-1.0, t_lumbar=-3.5)
    assert found.frax_mof_pct == pytest.approx(18.75) and found.frax_hip_pct is None
    same = discordance_adjusted(frax_mof_pct=15, t_femoral_neck=-2.0, t_lumbar=-2.0)
    assert same.frax_mof_pct == 15
    assert discordance_adjusted(
        frax_mof_pct=15, t_femoral_neck=-2, t_lumbar=-1
    ).frax_mof_pct == pytest.approx(13.5)


@pytest.mark.parametrize(
    ("dose", "mof", "hip"),
    [(1, 16, 3.25), (2.49, 16, 3.25), (2.5, 20, 5), (7.49, 20, 5), (7.5, 23, 6), (40, 23, 6)],
)
def test_steroid_dose(dose, mof, hip):
    found = steroid_adjusted(frax_mof_pct=20, frax_hip_pct=5, prednisolone_mg_day=dose)
    assert (found.frax_mof_pct, found.frax_hip_pct) == (pytest.approx(mof), pytest.approx(hip))
    assert "cut_off_unverified" in found.notes


def test_a_correction_never_exceeds_100_percent_and_says_so():
    found = steroid_adjusted(frax_mof_pct=90, frax_hip_pct=88, prednisolone_mg_day=10)
    assert (found.frax_mof_pct, found.frax_hip_pct) == (100, 100) and found.notes.count("capped_at_100") == 1
    above = steroid_adjusted(frax_mof_pct=50, frax_hip_pct=49, prednisolone_mg_day=10)
    assert "hip_exceeds_major" in above.notes


@given(mof=st.floats(0, 100), neck=st.floats(-6, 3), spine=st.floats(-6, 3), lower=st.floats(0, 2))
def test_a_worse_spine_never_lowers_the_probability(mof, neck, spine, lower):
    here = discordance_adjusted(frax_mof_pct=mof, t_femoral_neck=neck, t_lumbar=spine).frax_mof_pct
    worse = discordance_adjusted(frax_mof_pct=mof, t_femoral_neck=neck, t_lumbar=spine - lower).frax_mof_pct
    assert 0 <= here <= worse + 1e-9 <= 100 + 1e-9


@pytest.mark.parametrize(
    "refused",
    [
        lambda: discordance_adjusted(frax_mof_pct=15, t_femoral_neck=-25, t_lumbar=-1),
        lambda: discordance_adjusted(frax_mof_pct=150, t_femoral_neck=-2, t_lumbar=-1),
        lambda: steroid_adjusted(frax_mof_pct=15, frax_hip_pct=3, prednisolone_mg_day=0),
        lambda: garvan(garvan_any_5y_pct=101),
        lambda: garvan(garvan_any_5y_pct=5, garvan_hip_5y_pct=6),
        lambda: frem(frem_mof_pct=-1, frem_hip_pct=0, age_years=70),
    ],
)
def test_refused(refused):
    with pytest.raises(InputError):
        refused()


@pytest.mark.parametrize(("percent", "band"), [(9.9, "low"), (10, "high"), (None, "unknown")])
def test_garvan(percent, band):
    assert garvan(garvan_any_5y_pct=percent).band == band


@pytest.mark.parametrize(
    ("mof", "hip", "band"),
    [
        (1.9, 0.29, "low"),
        (2.0, 0.1, "high"),
        (1.0, 0.3, "high"),
        (1.0, None, "unknown"),
        (None, 0.3, "high"),
        (None, None, "unknown"),
    ],
)
def test_frem(mof, hip, band):
    found = frem(frem_mof_pct=mof, frem_hip_pct=hip, age_years=60)
    assert found.band == band and found.value == mof


def test_frem_is_for_45_and_over():
    with pytest.raises(OutOfScope):
        frem(frem_mof_pct=1, frem_hip_pct=0.1, age_years=44)
