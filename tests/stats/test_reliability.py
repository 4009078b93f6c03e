import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.stats.reliability import bland_altman, intraclass_correlation

JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
FORMS = ["1,1", "2,1", "3,1", "1,k", "2,k", "3,k"]


@pytest.fixture(scope="module")
def heights(oracle_csv):
    with oracle_csv("heights30.csv").open() as file:
        return np.array([[float(row[f"r{j}"]) for j in (1, 2, 3)] for row in csv.DictReader(file)])


def test_r_heights(oracle, heights):
    expected = oracle("statistics/agreement")["heights"]
    two, three = (intraclass_correlation(heights, form=form) for form in ("2,1", "3,1"))
    assert two.value == pytest.approx(expected["icc_2_1"], abs=1e-9)
    assert three.value == pytest.approx(expected["icc_3_1"], abs=1e-9)
    for name in ("ms_subjects", "ms_raters", "ms_error"):
        assert getattr(two, name) == pytest.approx(expected[name], abs=1e-9)
    pair = bland_altman(heights[:, 0], heights[:, 1])
    assert (pair.bias, pair.sd) == pytest.approx(
        (expected["bland_altman_r1_r2"]["bias"], expected["bland_altman_r1_r2"]["sd"]), abs=1e-9
    )


def test_shrout_fleiss_1979():
    values = [intraclass_correlation(JUDGES, form=form).value for form in FORMS]
    assert values == pytest.approx([0.17, 0.29, 0.71, 0.44, 0.62, 0.91], abs=5e-3)


def test_intervals_printed_by_psych():
    printed = [
        (-0.133, 0.723),
        (0.019, 0.761),
        (0.342, 0.946),
        (-0.884, 0.912),
        (0.071, 0.927),
        (0.676, 0.986),
    ]
    for form, limits in zip(FORMS, printed, strict=True):
        ci = intraclass_correlation(JUDGES, form=form).ci
        assert (ci.low, ci.high) == pytest.approx(limits, abs=6e-3)


def test_bland_altman_1986():
    wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    answer = bland_altman(wright, mini)
    assert (answer.bias, answer.sd) == pytest.approx((-2.1, 38.8), abs=0.05)
    assert (answer.bias_ci.low, answer.bias_ci.high) == pytest.approx((-22.0, 17.8), abs=0.06)
    # the paper takes 2 sd (-79.7, 75.5) and sqrt(3/n) as the error of a limit: lower limit -114.3 to -45.1
    assert (answer.lower_limit, answer.upper_limit) == pytest.approx((-79.7, 75.5), abs=1.7)
    assert (answer.lower_limit_ci.low, answer.lower_limit_ci.high) == pytest.approx((-114.3, -45.1), abs=3)
    assert (answer.upper_limit_ci.low, answer.upper_limit_ci.high) == pytest.approx((40.9, 110.1), abs=3)


def test_bland_altman_1999_blood_pressure():
    shape = np.random.default_rng(1).normal(size=85)
    shape = (shape - shape.mean()) / shape.std(ddof=1)
    answer = bland_altman(shape * 19.61 - 16.29, np.zeros(85))
    assert (answer.lower_limit, answer.upper_limit) == pytest.approx((-54.7, 22.1), abs=0.06)
    assert (answer.lower_limit_ci.low, answer.lower_limit_ci.high) == pytest.approx((-61.9, -47.5), abs=0.15)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 50), st.floats(-100, 100), st.sampled_from(FORMS))
def test_shift_scale_and_order_of_raters_leave_icc(seed, scale, shift, form):
    rng = np.random.default_rng(seed)
    ratings = rng.normal(size=(12, 1)) + rng.normal(size=(12, 3))
    answer = intraclass_correlation(ratings, form=form)
    again = intraclass_correlation(ratings[:, ::-1] * scale + shift, form=form)
    assert again.value == pytest.approx(answer.value, abs=1e-6)
    assert (again.ci.low, again.ci.high) == pytest.approx((answer.ci.low, answer.ci.high), abs=1e-5)
    assert answer.value in answer.ci


def test_a_constant_reader_offset_hurts_agreement_but_not_consistency():
    base = np.random.default_rng(2).normal(size=40)
    ratings = np.column_stack([base, base + 3])
    assert intraclass_correlation(ratings, form="3,1").value == pytest.approx(1)
    assert intraclass_correlation(ratings, form="2,1").value < 0.4


def test_perfect_agreement_is_one():
    base = np.arange(5.0)
    for form in FORMS:
        answer = intraclass_correlation(np.column_stack([base, base]), form=form)
        assert (answer.value, answer.ci.low, answer.p) == (1, 1, 0)


def test_swapped_methods_mirror_the_limits():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=30), rng.normal(size=30)
    one, other = bland_altman(a, b), bland_altman(b, a)
    assert (one.bias, one.lower_limit) == pytest.approx((-other.bias, -other.upper_limit))


def test_proportional_bias_is_noted():
    base = np.linspace(10, 40, 30)
    assert bland_altman(base * 1.2, base).notes == ("proportional_bias",)


def test_refusals():
    with pytest.raises(NotEnoughData, match="at least 2"):
        intraclass_correlation([[1, 2]], form="2,1")
    with pytest.raises(NotEnoughData, match="equal"):
        intraclass_correlation([[1, 1], [1, 1]], form="2,1")
    with pytest.raises(InputError, match="missing"):
        intraclass_correlation([[1, np.nan], [1, 2]], form="2,1")
    with pytest.raises(ShapeError):
        intraclass_correlation([1, 2, 3], form="2,1")
    with pytest.raises(ConfigError, match="form"):
        intraclass_correlation(JUDGES, form="4,1")
    with pytest.raises(NotEnoughData):
        bland_altman([1, 2], [1, 2])
    with pytest.raises(ShapeError):
        bland_altman([1, 2, 3], [1, 2, 3, 4])
