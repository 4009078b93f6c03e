import csv
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import NotEnoughData
from osteon.stats.compare import t_test, welch_test
from osteon.stats.compare_many import anova, kruskal_wallis, levene, welch_anova
from osteon.stats.posthoc import dunn, pairwise_t, tukey


@pytest.fixture(scope="module")
def groups(oracle_csv):
    with oracle_csv("groups120.csv").open() as file:
        rows = list(csv.DictReader(file))
    return lambda name: {group: [float(r[name]) for r in rows if r["group"] == group] for group in "ABC"}


def test_r_analysis_of_variance(oracle, groups):
    expected = oracle("statistics/groups")
    for test, name in ((anova, "anova_vas"), (welch_anova, "welch_anova_vas")):
        answer, known = test(groups("vas")), expected[name]
        assert (answer.statistic, *answer.df, answer.p) == pytest.approx(
            (known["f"], *known["df"], known["p"]), abs=1e-9
        )
    spread, known = levene(groups("vas")), expected["levene_median"]
    assert (spread.statistic, spread.p) == pytest.approx((known["f"], known["p"]), abs=1e-9)


def test_r_kruskal(oracle, groups):
    answer, known = kruskal_wallis(groups("los")), oracle("statistics/groups")["kruskal_los"]
    assert (answer.statistic, answer.df[0], answer.p) == pytest.approx(
        (known["chi2"], known["df"], known["p"]), abs=1e-9
    )


def test_r_tukey(oracle, groups):
    known, answer = oracle("statistics/groups")["tukey_vas"], tukey(groups("vas"))
    for name, difference, p in zip(known["pair"], known["diff"], known["p"], strict=True):
        second, first = name.split("-")
        pair = answer.pair(first, second)
        assert (pair.first, pair.second) == (first, second)
        assert pair.difference == pytest.approx(difference, abs=1e-9)
        assert pair.p == pytest.approx(p, abs=1e-4)
        assert (0 in pair.ci) == (p > 0.05)


def test_plant_growth():
    # R's PlantGrowth: F 4.8461, p .01591; pairwise.t.test none/bonf: .194, .088, .0045; Tukey .3909, .1980, .0120
    data = {
        "ctrl": [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14],
        "trt1": [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
        "trt2": [6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26],
    }
    answer = anova(data)
    assert (answer.statistic, answer.p) == pytest.approx((4.8461, 0.01591), abs=5e-5)
    assert [pair.p for pair in pairwise_t(data, adjust="none").pairs] == pytest.approx(
        [0.1944, 0.0877, 0.0045], abs=5e-5
    )
    assert pairwise_t(data).pair("trt2", "trt1").p_adjusted == pytest.approx(0.0134, abs=5e-5)
    assert [pair.p for pair in tukey(data).pairs] == pytest.approx([0.3909, 0.1980, 0.0120], abs=5e-5)
    assert kruskal_wallis(data).statistic == pytest.approx(7.9882, abs=5e-5)
    assert levene(data).statistic == pytest.approx(1.1192, abs=5e-5)


def test_dunn_by_hand():
    # ranks 2, 5, 8; no ties: variance 9 * 10 / 12 = 7.5, error sqrt(7.5 * 2 / 3) = sqrt(5)
    answer = dunn({"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]}, adjust="none")
    assert [pair.statistic for pair in answer.pairs] == pytest.approx([3 / 5**0.5, 6 / 5**0.5, 3 / 5**0.5])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9999), st.integers(4, 12), st.integers(4, 12))
def test_with_two_groups_each_equals_its_two_group_test(seed, n, m):
    rng = np.random.default_rng(seed)
    a, b = np.round(rng.normal(size=n), 1), np.round(rng.normal(size=m) + 0.5, 1)
    both = {"a": a, "b": b}
    assert anova(both).statistic == pytest.approx(t_test(a, b).statistic ** 2)
    assert welch_anova(both).p == pytest.approx(welch_test(a, b).p, abs=1e-9)
    assert dunn(both).pairs[0].statistic ** 2 == pytest.approx(kruskal_wallis(both).statistic)
    assert pairwise_t(both).pairs[0].p == pytest.approx(t_test(a, b).p)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9999))
def test_adjusted_is_never_below_raw(seed):
    rng = np.random.default_rng(seed)
    data = {name: rng.normal(size=6) for name in "abcd"}
    for method in ("bonferroni", "holm", "bh"):
        answer = dunn(data, adjust=method)
        assert len(answer.pairs) == len(list(combinations(data, 2)))
        assert all(pair.p <= pair.p_adjusted <= 1 for pair in answer.pairs)


def test_refusals():
    with pytest.raises(NotEnoughData, match="at least 2 are needed"):
        anova({"a": [1, 2]})
    with pytest.raises(NotEnoughData, match="spread"):
        anova({"a": [1, 1], "b": [2, 2]})
    with pytest.raises(NotEnoughData, match="group a"):
        welch_anova({"a": [1, 1], "b": [2, 3]})
    with pytest.raises(NotEnoughData, match="ranked"):
        kruskal_wallis({"a": [1, 1], "b": [1, 1]})
    with pytest.raises(NotEnoughData):
        dunn({"a": [1, 1], "b": [1, 1]})
    with pytest.raises(NotEnoughData, match="spread"):
        tukey({"a": [1, 1], "b": [2, 2]})
    with pytest.raises(NotEnoughData, match="not compared"):
        dunn({"a": [1, 2], "b": [2, 3]}).pair("a", "z")
