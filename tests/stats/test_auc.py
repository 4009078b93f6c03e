"""AUC, DeLong, Youden and partial area against R pROC, then laws, then refusals."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.stats.auc import auc, compare_aucs, partial_auc, roc_curve, youden_threshold
from osteon.stats.ranking import auc_value

MARKERS = ("s100b", "ndka", "wfns", "age")


@st.composite
def scored(draw, least=2):
    """An outcome with at least ``least`` of each class, and two scores with ties."""
    n = draw(st.integers(2 * least, 40))
    y = draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda v: least <= sum(v) <= n - least))
    score = st.lists(st.integers(-8, 8), min_size=n, max_size=n)
    return np.array(y), np.array(draw(score), dtype=float), np.array(draw(score), dtype=float)


def pairwise_auc(y, x):
    """Textbook: the share of pairs in the right order."""
    gap = x[y][:, None] - x[~y][None, :]
    return ((gap > 0) + 0.5 * (gap == 0)).mean()


@pytest.fixture(scope="module")
def asah(oracle_csv):
    with oracle_csv("asah.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    y = np.array([row["outcome"] == "Poor" for row in rows])
    return y, {name: np.array([float(row[name]) for row in rows]) for name in MARKERS}


@pytest.mark.parametrize("name", MARKERS)
def test_delong_interval_equals_proc(asah, oracle, name):
    y, markers = asah
    ours, theirs = auc(y, markers[name]), oracle("statistics/delong")[name]
    assert ours.value == pytest.approx(theirs["auc"], abs=1e-9)
    assert (ours.ci.low, ours.ci.high) == pytest.approx((theirs["ci_low"], theirs["ci_high"]), abs=1e-9)
    assert ours.se**2 == pytest.approx(theirs["variance"], abs=1e-9)
    assert (ours.n, ours.events, ours.notes) == (113, 41, ())


@pytest.mark.parametrize("name", MARKERS)
def test_youden_equals_proc(asah, oracle, name):
    y, markers = asah
    ours, theirs = youden_threshold(y, markers[name]), oracle("statistics/delong")[name]["youden"]
    for field, value in theirs.items():
        assert getattr(ours, field) == pytest.approx(value, abs=1e-9)


def test_paired_tests_equal_proc(asah, oracle):
    y, markers = asah
    theirs = oracle("statistics/delong")
    ours = compare_aucs(y, markers)
    found = {f"{pair.first}_vs_{pair.second}": pair for pair in ours.pairs}
    assert len(found) == 6
    for name, test in theirs["paired"].items():
        assert (found[name].z, found[name].p) == pytest.approx((test["z"], test["p"]), abs=1e-9)
    assert ours.covariance[0, 1] == pytest.approx(theirs["covariance_s100b_ndka"], abs=1e-9)


def test_partial_auc_equals_proc(asah, oracle):
    y, markers = asah
    ours = partial_auc(y, markers["s100b"], low=0.8, high=1.0)
    assert ours.value == pytest.approx(
        oracle("statistics/delong")["partial_auc_spec_1_to_0.8_s100b"], abs=1e-9
    )


def test_global_test_of_two_models_is_the_paired_test(asah):
    y, markers = asah
    ours = compare_aucs(y, {name: markers[name] for name in ("s100b", "wfns")})
    assert (ours.chi2, ours.df) == (pytest.approx(ours.pairs[0].z ** 2), 1)
    assert ours.p == pytest.approx(ours.pairs[0].p)


def test_global_test_ignores_the_order_of_models(asah):
    y, markers = asah
    back = compare_aucs(y, dict(reversed(markers.items())))
    assert compare_aucs(y, markers).chi2 == pytest.approx(back.chi2)


@given(scored())
def test_auc_is_the_share_of_ordered_pairs(data):
    y, x, other = data
    ours = compare_aucs(y, {"x": x, "other": other})
    assert ours.aucs["x"].value == pytest.approx(pairwise_auc(y, x))
    assert auc_value(y, x) == pytest.approx(pairwise_auc(y, x))
    curve = roc_curve(y, x)
    area = np.trapezoid(curve.sensitivity[::-1], 1 - curve.specificity[::-1])
    assert area == pytest.approx(pairwise_auc(y, x))


@given(scored())
def test_monotone_transform_leaves_auc_and_error(data):
    y, x, _ = data
    ours, moved = auc(y, x), auc(y, np.exp(x / 3) - 5)
    assert (ours.value, ours.se, ours.ci) == (moved.value, moved.se, moved.ci)


@given(scored())
def test_reversed_risk_and_swapped_outcome(data):
    y, x, _ = data
    ours = auc(y, x)
    assert auc(y, 1 - x).value == pytest.approx(1 - ours.value)
    assert auc(~y, x).value == pytest.approx(1 - ours.value)
    assert auc(~y, -x).se == pytest.approx(ours.se, abs=1e-12)


@given(scored())
def test_interval_stays_inside_and_contains(data):
    y, x, _ = data
    ours = auc(y, x)
    assert 0 <= ours.ci.low <= ours.value <= ours.ci.high <= 1
    touches = ours.se > 0 and (ours.ci.low == 0 or ours.ci.high == 1)
    assert ("interval clipped to [0, 1]" in ours.notes) >= touches


@given(scored())
def test_paired_difference_is_antisymmetric(data):
    y, x, other = data
    one = compare_aucs(y, {"a": x, "b": other}).pairs[0]
    two = compare_aucs(y, {"b": other, "a": x}).pairs[0]
    assert one.difference == pytest.approx(-two.difference)
    assert one.se == pytest.approx(two.se)


@given(scored())
def test_youden_is_the_best_of_all_cuts(data):
    y, x, _ = data
    curve, best = roc_curve(y, x), youden_threshold(y, x)
    assert best.youden == pytest.approx((curve.sensitivity + curve.specificity - 1).max())
    called = x >= best.threshold
    assert best.sensitivity == called[y].mean()
    assert best.specificity == (~called)[~y].mean()


@given(scored(least=1), st.floats(0.05, 0.95), st.sampled_from(["sensitivity", "specificity"]))
def test_partial_areas_add_up(data, middle, focus):
    y, x, _ = data
    parts = [partial_auc(y, x, low=low, high=high, focus=focus) for low, high in ((0, middle), (middle, 1))]
    assert sum(part.value for part in parts) == pytest.approx(auc_value(y, x))


def test_partial_auc_of_chance_and_perfection():
    y = np.array([0, 0, 1, 1])
    assert partial_auc(y, [1, 1, 1, 1], low=0.8).corrected == pytest.approx(0.5)
    assert partial_auc(y, [1, 2, 3, 4], low=0.8).corrected == pytest.approx(1.0)


def test_identical_models_do_not_differ():
    y, x = [0, 1, 0, 1, 1], np.array([1.0, 2, 3, 4, 5])
    both = compare_aucs(y, {"a": x, "b": x**3})
    pair = both.pairs[0]
    assert (pair.difference, pair.se, pair.z, pair.p) == (0, 0, 0, 1)
    assert both.df == 0


def test_separated_and_constant_risks_say_so():
    y = [0, 0, 1, 1]
    for risk, value in (([1, 2, 3, 4], 1.0), ([7, 7, 7, 7], 0.5)):
        ours = auc(y, risk)
        assert (ours.value, ours.se, ours.ci.low, ours.ci.high) == (value, 0, value, value)
        assert any(note.startswith("DeLong error 0") for note in ours.notes)


def test_thresholds_between_neighbouring_floats_still_separate():
    low = 0.1
    high = np.nextafter(low, 1)
    best = youden_threshold([0, 1], [low, high])
    assert low < best.threshold <= high
    assert best.youden == 1


def test_integers_booleans_and_floats_are_one_outcome():
    x = [0.1, 0.4, 0.3, 0.9]
    answers = {
        auc(np.array([0, 1, 0, 1], dtype=kind), x).value for kind in (int, bool, float, "int8", object)
    }
    assert answers == {1.0}


@pytest.mark.parametrize(
    ("y", "x", "error"),
    [
        ([1, 1, 1], [1, 2, 3], NotEnoughData),
        ([0, 1, 0], [1, 2, 3], NotEnoughData),  # one event has no variance
        ([], [], NotEnoughData),
        ([0, 1, 2, 1], [1, 2, 3, 4], InputError),
        ([0, 1, np.nan, 1], [1, 2, 3, 4], InputError),
        ([0, 1, 0, 1], [1, 2, np.nan, 4], InputError),
        ([0, 1, 0, 1], [1, 2, np.inf, 4], InputError),
        ([0, 1, 0, 1], ["a", "b", "c", "d"], InputError),
        ([0, 1, 0, 1], [1, 2, 3], ShapeError),
        ([[0, 1, 0, 1]], [1, 2, 3, 4], ShapeError),
    ],
)
def test_refusals(y, x, error):
    with pytest.raises(error):
        auc(y, x)


def test_refused_settings():
    y, x = [0, 1, 0, 1], [1, 2, 3, 4]
    with pytest.raises(NotEnoughData):
        compare_aucs(y, {})
    with pytest.raises(ConfigError):
        auc(y, x, level=0)
    with pytest.raises(ConfigError):
        partial_auc(y, x, low=0.9, high=0.8)
    with pytest.raises(ConfigError):
        partial_auc(y, x, low=0.8, focus="accuracy")
