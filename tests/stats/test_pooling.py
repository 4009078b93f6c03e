import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats.pooling import pool, pool_probability, pool_terms, pooled_risk


def test_r_mice(oracle):
    everything = oracle("statistics/imputation")
    df = everything["pooled_m20"]["complete_data_df"]
    known = everything["pooled_m20"]
    terms = pool_terms(known["each_estimate"], np.square(known["each_se"]), complete_df=df)
    for j, term in enumerate(terms):
        assert term.value == pytest.approx(known["estimate"][j], abs=1e-9)
        assert term.se == pytest.approx(known["se"][j], abs=1e-9)
        assert term.df == pytest.approx(known["df"][j], abs=1e-8)
        for name in ("fmi", "riv", "within", "between"):
            assert getattr(term, name) == pytest.approx(known[name][j], abs=1e-9)


def test_rubin_by_hand():
    # W = 1, B = 1, T = 1 + 4/3; df = 2 (1 + 3/4)^2
    answer = pool([1, 2, 3], [1, 1, 1])
    assert (answer.se**2, answer.df, answer.riv) == pytest.approx((7 / 3, 6.125, 4 / 3))


@given(st.floats(-50, 50), st.floats(0.01, 10), st.integers(2, 30), st.integers(10, 500))
def test_identical_imputations_add_no_variance(value, variance, m, df):
    answer = pool([value] * m, [variance] * m, complete_df=df)
    assert answer.between == pytest.approx(0, abs=1e-20)
    assert answer.se**2 == pytest.approx(variance)
    assert answer.df == pytest.approx((df + 1) / (df + 3) * df)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=10), st.floats(0.1, 4), st.integers(10, 500))
def test_missing_data_never_gains_precision(estimates, variance, df):
    answer = pool(estimates, [variance] * len(estimates), complete_df=df)
    assert answer.se**2 >= variance * (1 - 1e-12)
    assert answer.df <= df
    assert 0 <= answer.fmi <= 1
    assert 0 <= answer.lambda_ <= 1


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=8))
def test_probabilities_stay_inside_and_mirror(values):
    variances = [0.002] * len(values)
    answer, mirror = pool_probability(values, variances), pool_probability([1 - v for v in values], variances)
    assert 0 <= answer.ci.low <= answer.value <= answer.ci.high <= 1
    assert answer.value == pytest.approx(1 - mirror.value)
    assert answer.ci.low == pytest.approx(1 - mirror.ci.high)
    risk = pooled_risk([[v] for v in values])
    assert risk[0] == pytest.approx(answer.value)


def test_certain_risks_stay_certain():
    assert pooled_risk([[0, 1, 0.5], [0.3, 0.6, 0.5]]).tolist() == [0, 1, 0.5]


def test_refusals():
    with pytest.raises(NotEnoughData, match="at least 2"):
        pool([1], [1])
    with pytest.raises(InputError, match="0 or more"):
        pool([1, 2], [1, -1])
    with pytest.raises(NotEnoughData, match="vary"):
        pool([1, 1], [0, 0])
    with pytest.raises(InputError, match="complete_df"):
        pool([1, 2], [1, 1], complete_df=0)
    with pytest.raises(InputError, match="inside"):
        pool_probability([1, 0.5], [0.1, 0.1])
    with pytest.raises(InputError, match="0 in one"):
        pooled_risk([[0], [1]])
    with pytest.raises(InputError, match="outside"):
        pooled_risk([[0.2], [1.1]])
    with pytest.raises(ShapeError):
        pool_terms([[1, 2]], [[1]])
