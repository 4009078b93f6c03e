"""NRI and IDI against R Hmisc, then laws, then refusals."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.stats.reclassification import discrimination_improvement, net_reclassification


@pytest.fixture(scope="module")
def nri(oracle_csv):
    with oracle_csv("nri.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return tuple(np.array([float(row[name]) for row in rows]) for name in ("y", "p1", "p2"))


@st.composite
def two_models(draw):
    n = draw(st.integers(4, 40))
    y = draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda v: 2 <= sum(v) <= n - 2))
    risk = st.lists(st.integers(0, 100), min_size=n, max_size=n)
    return np.array(y), np.array(draw(risk)) / 100, np.array(draw(risk)) / 100


def test_continuous_nri_equals_hmisc(nri, oracle):
    ours, theirs = net_reclassification(*nri), oracle("statistics/reclassification")
    assert (ours.value, ours.se, ours.z) == pytest.approx(
        (theirs["continuous_nri"], theirs["se_nri"], theirs["z_nri"]), abs=1e-9
    )
    assert (ours.event_part, ours.non_event_part) == pytest.approx(
        (theirs["nri_events"], theirs["nri_nonevents"]), abs=1e-9
    )
    assert (ours.event_part_se, ours.non_event_part_se) == pytest.approx(
        (theirs["se_nri_events"], theirs["se_nri_nonevents"]), abs=1e-9
    )


def test_categorical_nri_equals_r(nri, oracle):
    ours = net_reclassification(*nri, cuts=[0.2, 0.5])
    assert ours.value == pytest.approx(
        oracle("statistics/reclassification")["categorical_nri_cuts_0.2_0.5"], abs=1e-9
    )
    assert sum(map(sum, ours.event_table)) == ours.events == 41
    assert sum(map(sum, ours.non_event_table)) == ours.n - ours.events


def test_idi_equals_hmisc(nri, oracle):
    ours, theirs = discrimination_improvement(*nri), oracle("statistics/reclassification")
    assert (ours.value, ours.se, ours.z) == pytest.approx(
        (theirs["idi"], theirs["se_idi"], theirs["z_idi"]), abs=1e-9
    )
    assert (ours.event_part, ours.non_event_part) == pytest.approx(
        (theirs["improvement_sensitivity"], theirs["improvement_specificity"]), abs=1e-9
    )


def test_framingham_example():
    """Pencina 2008, table II: HDL in Framingham, 183 events (22 up, 7... net .121), cut at 6 and 20 %: NRI .121."""
    # published cells: events by old row, new column; non-events likewise
    events, others = [[39, 15, 0], [4, 87, 14], [0, 3, 21]], [[1959, 142, 0], [148, 703, 31], [1, 25, 74]]
    classes = (0.03, 0.1, 0.3)
    y, old, new = [], [], []
    for truth, table in ((1, events), (0, others)):
        for i, row in enumerate(table):
            for j, count in enumerate(row):
                y += [truth] * count
                old += [classes[i]] * count
                new += [classes[j]] * count
    ours = net_reclassification(y, old, new, cuts=[0.06, 0.2])
    assert ours.events == 183
    assert ours.event_part == pytest.approx(22 / 183)
    assert ours.value == pytest.approx(0.121, abs=5e-4)
    assert ours.event_table == tuple(map(tuple, events))


@given(two_models(), st.sampled_from([None, (0.2, 0.5), (0.5,)]))
def test_swapping_models_changes_the_sign(data, cuts):
    y, old, new = data
    there, back = net_reclassification(y, old, new, cuts=cuts), net_reclassification(y, new, old, cuts=cuts)
    assert there.value == pytest.approx(-back.value)
    assert there.se == pytest.approx(back.se)
    idi = discrimination_improvement(y, old, new).value
    assert idi == pytest.approx(-discrimination_improvement(y, new, old).value)


@given(two_models())
def test_parts_and_interval(data):
    y, old, new = data
    ours = net_reclassification(y, old, new)
    assert ours.event_part == pytest.approx(np.sign(new - old)[y].mean())
    assert ours.non_event_part == pytest.approx(np.sign(old - new)[~y].mean())
    assert -2 <= ours.value <= 2
    assert ours.ci.low <= ours.value <= ours.ci.high
    assert ours.event_table == ()


@given(two_models())
def test_idi_is_the_gain_in_the_discrimination_slope(data):
    y, old, new = data
    slopes = [risk[y].mean() - risk[~y].mean() for risk in (old, new)]
    assert discrimination_improvement(y, old, new).value == pytest.approx(slopes[1] - slopes[0], abs=1e-12)


@given(two_models())
def test_one_cut_is_the_change_of_sensitivity_and_specificity(data):
    y, old, new = data
    ours = net_reclassification(y, old, new, cuts=[0.3])
    assert ours.event_part == pytest.approx((new >= 0.3)[y].mean() - (old >= 0.3)[y].mean())
    assert ours.non_event_part == pytest.approx((new < 0.3)[~y].mean() - (old < 0.3)[~y].mean())


def test_risk_on_a_cut_belongs_above_it():
    ours = net_reclassification([1, 1, 0, 0], [0.19, 0.1, 0.1, 0.1], [0.2, 0.1, 0.1, 0.1], cuts=[0.2])
    assert (ours.events_up, ours.event_table) == (1, ((1, 1), (0, 0)))


def test_same_model_twice():
    y, risk = [1, 0, 1, 0], [0.1, 0.2, 0.3, 0.4]
    ours = net_reclassification(y, risk, risk)
    assert (ours.value, ours.se, ours.z, ours.p, ours.notes) == (0, 0, 0, 1, ())


def test_everybody_moves_the_right_way():
    ours = net_reclassification([1, 1, 0, 0], [0.5] * 4, [0.9, 0.8, 0.1, 0.2])
    assert (ours.value, ours.se, ours.notes) == (2, 0, ("standard error 0: no test",))
    assert np.isnan(ours.p)


def test_refusals():
    y, old, new = [1, 0, 1, 0], [0.1, 0.2, 0.3, 0.4], [0.2, 0.2, 0.3, 0.1]
    for cuts in ([0.5, 0.2], [0.0, 0.5], [0.5, 1.0], [20]):
        with pytest.raises(ConfigError):
            net_reclassification(y, old, new, cuts=cuts)
    with pytest.raises(NotEnoughData):
        net_reclassification(y, old, new, cuts=[])
    with pytest.raises(NotEnoughData):
        net_reclassification([1, 1, 1, 1], old, new)
    with pytest.raises(NotEnoughData):
        discrimination_improvement([1, 0, 0, 0], old, new)
    with pytest.raises(InputError, match="new risk"):
        net_reclassification(y, old, [0.2, 0.2, 0.3, 1.1])
    with pytest.raises(InputError):
        discrimination_improvement(y, old[:3], new)
    with pytest.raises(InputError):
        discrimination_improvement(y, old, [0.2, np.nan, 0.3, 0.1])
