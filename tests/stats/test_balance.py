import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats.balance import balance_table, share_difference, standardized_difference


def test_by_hand():
    assert standardized_difference([2, 4, 6], [1, 3, 5]) == 0.5
    # shares 3/4 and 1/4: (.5) / sqrt(.1875)
    assert standardized_difference([1, 1, 1, 0], [0, 0, 0, 1]) == pytest.approx(0.5 / 0.1875**0.5)
    assert share_difference([3, 1], [1, 3]) == pytest.approx(0.5 / 0.1875**0.5)
    assert standardized_difference([1, 1], [0, 0]) == np.inf
    assert share_difference([5, 0], [0, 5]) == np.inf
    assert share_difference([4, 2, 0], [2, 1, 0]) == 0


def test_three_categories_by_matrix():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.5, 0.3])
    s = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    expected = np.sqrt((p - q)[:2] @ np.linalg.inv(s[:2, :2]) @ (p - q)[:2])
    assert share_difference([50, 30, 20], [20, 50, 30]) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=3, max_size=5), st.randoms())
def test_order_of_categories_and_of_groups_leaves_the_distance(counts, random):
    other = list(counts)
    random.shuffle(other)
    order = list(range(len(counts)))
    random.shuffle(order)
    distance = share_difference(counts, other)
    assert share_difference(other, counts) == pytest.approx(distance, abs=1e-7)
    assert share_difference([counts[i] for i in order], [other[i] for i in order]) == pytest.approx(
        distance, abs=1e-7
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 9999))
def test_whole_weights_are_repeated_rows(seed):
    rng = np.random.default_rng(seed)
    treated, x = np.repeat([1, 0], 15), rng.integers(0, 2, 30)
    weights = rng.integers(1, 4, 30)
    (row,) = balance_table({"flag": x}, treated, weights=weights)
    repeated = np.repeat(np.arange(30), weights)
    for side, group in ((row.treated_after, treated == 1), (row.untreated_after, treated == 0)):
        assert side == pytest.approx(x[repeated][group[repeated]].mean())


def test_equal_weights_change_nothing():
    rng = np.random.default_rng(6)
    treated = rng.integers(0, 2, 50)
    row, flag = balance_table(
        {"x": rng.normal(size=50), "f": rng.integers(0, 2, 50)}, treated, weights=np.full(50, 3.0)
    )
    assert row.smd_before == pytest.approx(row.smd_after)
    assert row.variance_ratio_before == pytest.approx(row.variance_ratio_after)
    assert (row.flag, flag.flag) == (False, True)


def test_refusals():
    with pytest.raises(NotEnoughData, match="standard deviation"):
        standardized_difference([2], [3, 4])
    with pytest.raises(ShapeError):
        standardized_difference([2, 3], [3, 4], first_weights=[1])
    with pytest.raises(InputError, match="weights"):
        standardized_difference([2, 3], [3, 4], first_weights=[-1, 1])
    with pytest.raises(NotEnoughData, match="left"):
        balance_table({"x": [1, 2, 3]}, [1, 0, 0], weights=[0, 1, 1])
    with pytest.raises(NotEnoughData):
        share_difference([0, 0], [1, 2])
