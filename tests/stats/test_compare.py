import csv

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.stats.compare import (
    hedges_correction,
    mann_whitney,
    paired_t_test,
    signed_rank,
    t_test,
    welch_test,
)

samples = st.lists(st.integers(-40, 40).map(lambda tenth: tenth / 10), min_size=3, max_size=25)


@pytest.fixture(scope="module")
def groups(oracle_csv):
    with oracle_csv("groups120.csv").open() as file:
        rows = list(csv.DictReader(file))
    return lambda name, group=None: np.array([float(r[name]) for r in rows if group in (None, r["group"])])


def test_r_t_tests(oracle, groups):
    expected = oracle("statistics/groups")
    a, b = groups("vas", "A"), groups("vas", "B")
    welch, student = welch_test(a, b), t_test(a, b)
    for answer, known in ((welch, expected["welch_t_vas_A_B"]), (student, expected["student_t_vas_A_B"])):
        assert (answer.statistic, answer.df[0], answer.p) == pytest.approx(
            (known["t"], known["df"], known["p"]), abs=1e-9
        )
    assert (welch.ci.low, welch.ci.high) == pytest.approx(expected["welch_t_vas_A_B"]["ci"], abs=1e-9)


def test_r_paired(oracle, groups):
    expected = oracle("statistics/groups")
    paired, known = paired_t_test(groups("vas"), groups("after")), expected["paired_t_vas_after"]
    assert (paired.statistic, paired.estimate) == pytest.approx((known["t"], known["mean"]), abs=1e-9)
    assert paired.p == pytest.approx(known["p"], rel=1e-9)
    assert (paired.ci.low, paired.ci.high) == pytest.approx(known["ci"], abs=1e-9)
    ranked, known = signed_rank(groups("vas"), groups("after")), expected["signed_rank_vas_after"]
    assert ranked.statistic == known["v"]
    assert ranked.p == pytest.approx(known["p"], rel=1e-9)
    assert ranked.notes == ("zero_differences:1",)


def test_r_mann_whitney(oracle, groups):
    known = oracle("statistics/groups")["mann_whitney_los_A_B"]
    answer = mann_whitney(groups("los", "A"), groups("los", "B"))
    assert (answer.statistic, answer.p) == pytest.approx((known["w"], known["p"]), abs=1e-9)


def test_student_sleep():
    # Student's sleep data: R prints t -1.8608, df 17.776, p .07939 (Welch) and paired t -4.0621, p .002833
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    welch, paired = welch_test(first, second), paired_t_test(first, second)
    assert (welch.statistic, welch.df[0], welch.p) == pytest.approx((-1.8608, 17.776, 0.07939), abs=5e-4)
    assert (paired.statistic, paired.p) == pytest.approx((-4.0621, 0.002833), abs=5e-5)


def test_decimal_ties_on_request(groups):
    tenths = signed_rank(np.round(groups("vas") * 10), np.round(groups("after") * 10))
    assert signed_rank(groups("vas"), groups("after"), digits=10).statistic == tenths.statistic


def test_effect_sizes_by_hand():
    answer = t_test([2, 4, 6], [1, 3, 5])
    assert answer.effect("cohens_d") == pytest.approx(0.5)
    assert answer.effect("hedges_g") == pytest.approx(0.5 * hedges_correction(4))
    assert hedges_correction(4) == pytest.approx(1 - 3 / (4 * 4 - 1), abs=3e-3)
    assert mann_whitney([3, 4], [1, 2]).effect("rank_biserial") == 1
    assert signed_rank([5, 1, 1], [1, 2, 3]).effect("rank_biserial") == pytest.approx(0)
    with pytest.raises(ConfigError, match="cohens_d"):
        answer.effect("eta2")


@settings(max_examples=60, deadline=None)
@given(samples, samples, st.sampled_from([t_test, welch_test, mann_whitney]))
def test_swapping_groups_leaves_p_and_turns_the_effect(first, second, test):
    assume(np.ptp(first) > 0 and np.ptp(second) > 0)
    one, other = test(first, second), test(second, first)
    assert one.p == pytest.approx(other.p, abs=1e-9)
    assert one.effects[0].value == pytest.approx(-other.effects[0].value, abs=1e-9)
    assert 0 <= one.p <= 1


@settings(max_examples=60, deadline=None)
@given(samples, samples)
def test_monotone_transform_leaves_mann_whitney(first, second):
    assume(np.ptp([*first, *second]) > 0)
    one, other = mann_whitney(first, second), mann_whitney(np.exp(first), np.exp(second))
    assert (one.statistic, one.p) == pytest.approx((other.statistic, other.p))
    peer = stats.mannwhitneyu(first, second, method="asymptotic")
    assert one.p == pytest.approx(peer.pvalue, abs=1e-9)


def test_exact_mann_whitney_by_counting():
    assert mann_whitney([1, 2, 3], [4, 5, 6], method="exact").p == pytest.approx(2 / 20)


def test_refusals():
    with pytest.raises(NotEnoughData, match="at least 2"):
        t_test([1], [2, 3])
    with pytest.raises(NotEnoughData, match="spread"):
        welch_test([1, 1], [1, 1])
    with pytest.raises(NotEnoughData, match="spread"):
        t_test([1, 1], [2, 2])
    with pytest.raises(NotEnoughData, match="spread"):
        mann_whitney([1, 1], [1, 1])
    with pytest.raises(InputError, match="tied"):
        mann_whitney([1, 2], [2, 3], method="exact")
    with pytest.raises(NotEnoughData, match="no pair"):
        signed_rank([1, 2], [1, 2])
    with pytest.raises(InputError, match="missing"):
        t_test([1, np.nan], [1, 2])
    with pytest.raises(InputError, match="number"):
        t_test(["a", "b"], [1, 2])
    with pytest.raises(ShapeError):
        paired_t_test([1, 2, 3], [1, 2])
    with pytest.raises(ConfigError, match="level"):
        t_test([1, 2], [1, 3], level=95)
