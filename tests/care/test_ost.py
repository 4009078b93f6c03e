"""OST and OSTA: hand-worked values, classes at their boundaries, direction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.care.scores.ost import ost, ost_points, osta
from osteon.core.errors import UnitError

AGES = st.floats(20, 110)
WEIGHTS = st.floats(25, 200)


@pytest.mark.parametrize(
    ("weight", "age", "points"),
    [(57, 70, -2), (60, 70, -2), (59, 70, -2), (55, 70, -3), (45, 80, -7), (70, 60, 2), (69, 60, 1), (62.6, 57.6, 1)],
)  # fmt: skip
def test_truncated_toward_zero(weight, age, points):
    assert ost_points(weight_kg=weight, age_years=age) == points


def test_never_minus_zero():
    assert not np.signbit(ost_points(weight_kg=68, age_years=70))


@pytest.mark.parametrize(("weight", "refer"), [(70, False), (69, True)])
def test_ost_refers_below_two(weight, refer):
    score = ost(weight_kg=weight, age_years=60)
    assert score.refer is refer and score.cut_off == "<2" and "cut_off_unverified" in score.notes


@pytest.mark.parametrize(
    ("points", "ost_band", "osta_band"),
    [
        (2, "low", "low"),
        (1, "moderate", "low"),
        (0, "moderate", "low"),
        (-1, "moderate", "moderate"),
        (-3, "moderate", "moderate"),
        (-4, "high", "moderate"),
        (-5, "high", "high"),
    ],
)
def test_bands_at_their_boundaries(points, ost_band, osta_band):
    weight = 70 + 5 * points
    assert ost(weight_kg=weight, age_years=70).value == points
    assert ost(weight_kg=weight, age_years=70).band == ost_band
    assert osta(weight_kg=weight, age_years=70).band == osta_band


@given(weight=WEIGHTS, age=AGES, more=st.floats(0, 50))
def test_falls_with_age_and_rises_with_weight(weight, age, more):
    here = ost_points(weight_kg=weight, age_years=age)
    assert ost_points(weight_kg=weight, age_years=age + more) <= here
    assert ost_points(weight_kg=weight + more, age_years=age) >= here


def test_missing_is_unknown_not_zero():
    score = ost(weight_kg=None, age_years=70)
    assert (score.value, score.band, score.refer, score.missing) == (None, "unknown", None, ("weight_kg",))
    assert np.isnan(ost_points(weight_kg=[np.nan], age_years=[70])).all()


@pytest.mark.parametrize("bad", [{"weight_kg": 0, "age_years": 60}, {"weight_kg": 60, "age_years": -1}])
def test_refused(bad):
    with pytest.raises(UnitError):
        ost_points(**bad)
