"""Laws of splits: every row tested once, classes in proportion, no group on both sides; then refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.cohort.split import grouped_folds, grouped_holdout, holdout, stratified_folds, temporal_split
from osteon.core.errors import ConfigError, NotEnoughData, SchemaError, ShapeError


def every_row_once(folds, n):
    assert np.sort(np.concatenate([fold.test for fold in folds])).tolist() == list(range(n))
    for train, test in folds:
        assert np.sort(np.concatenate([train, test])).tolist() == list(range(n))


@given(
    seed=st.integers(0, 999), k=st.integers(2, 6), counts=st.lists(st.integers(6, 40), min_size=1, max_size=4)
)
def test_stratified_folds_keep_classes_in_proportion(seed, k, counts):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    folds = stratified_folds(y, k=k, rng=rng)
    every_row_once(folds, len(y))
    for c, n in enumerate(counts):
        held = [(y[fold.test] == c).sum() for fold in folds]
        assert max(held) - min(held) <= 1
        assert sum(held) == n
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= 1


@settings(deadline=None)
@given(seed=st.integers(0, 999), k=st.integers(2, 5))
def test_no_group_is_on_both_sides(seed, k):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 40, size=200)
    y = (rng.random(40) < 0.4)[groups].astype(int)
    if min(np.bincount(y, minlength=2)) < k:
        return
    for labels in (None, y):
        folds = grouped_folds(groups, labels, k=k, rng=rng)
        every_row_once(folds, len(groups))
        for train, test in folds:
            assert not set(groups[train]) & set(groups[test])


def test_grouped_folds_balance_size_and_classes():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(600), rng.integers(1, 6, size=600))
    y = (rng.random(600) < 0.15)[groups]
    folds = grouped_folds(groups.astype(str), y, k=5, rng=rng)
    shares = [y[fold.test].mean() for fold in folds]
    assert max(shares) - min(shares) < 0.01
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) < 0.02 * len(groups)


def test_same_generator_same_folds():
    y = np.arange(100) % 3
    one = stratified_folds(y, k=5, rng=np.random.default_rng(3))
    two = stratified_folds(y, k=5, rng=np.random.default_rng(3))
    other = stratified_folds(y, k=5, rng=np.random.default_rng(4))
    assert all((a.test == b.test).all() for a, b in zip(one, two, strict=True))
    assert any(
        len(a.test) != len(b.test) or (a.test != b.test).any() for a, b in zip(one, other, strict=True)
    )


@given(seed=st.integers(0, 999), share=st.floats(0.05, 0.9))
def test_holdout_takes_the_share_of_every_class(seed, share):
    y = np.repeat([0, 1, 2], [100, 40, 20])
    split = holdout(y, share=share, rng=np.random.default_rng(seed))
    assert np.sort(np.concatenate(split)).tolist() == list(range(160))
    for c, n in enumerate([100, 40, 20]):
        assert abs((y[split.test] == c).sum() - share * n) <= 0.5 + 1e-9


def test_grouped_holdout():
    groups = np.repeat(np.arange(50), 3)
    train, test = grouped_holdout(groups, share=0.2, rng=np.random.default_rng(1))
    assert len(test) == 30
    assert not set(groups[train]) & set(groups[test])


def test_temporal_split_by_year_and_by_date():
    assert temporal_split([2013, 2015, 2014], cut=2014).train.tolist() == [0, 2]
    dates = pd.Series(pd.to_datetime(["2014-12-31", "2015-01-01"]))
    assert temporal_split(dates, cut="2014-12-31").test.tolist() == [1]


def test_refusals():
    rng = np.random.default_rng(1)
    with pytest.raises(NotEnoughData, match="1 occurs 2 time"):
        stratified_folds([0] * 10 + [1] * 2, k=5, rng=rng)
    with pytest.raises(NotEnoughData, match="'groups' occurs 2 time"):
        grouped_folds([1, 1, 2, 2], k=3, rng=rng)
    with pytest.raises(ConfigError, match="1 fold"):
        stratified_folds([0, 1], k=1, rng=rng)
    with pytest.raises(ConfigError, match=r"share is 1\.5"):
        holdout([0, 0, 1, 1], share=1.5, rng=rng)
    with pytest.raises(SchemaError, match="1 missing"):
        stratified_folds([0.0, 1.0, np.nan], k=2, rng=rng)
    with pytest.raises(SchemaError, match="1 missing"):
        grouped_folds(np.array(["a", None], dtype=object), k=2, rng=rng)
    with pytest.raises(ShapeError, match="groups has 4 rows and y has 2"):
        grouped_folds([1, 2, 3, 4], [0, 1], k=2, rng=rng)
    with pytest.raises(ShapeError):
        stratified_folds([], k=2, rng=rng)
    with pytest.raises(NotEnoughData, match="after 2010"):
        temporal_split([2013, 2014], cut=2010)
    with pytest.raises(SchemaError, match="missing"):
        temporal_split([2013.0, np.nan], cut=2013)
