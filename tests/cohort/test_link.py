"""The attribute rule against every pair looked at by hand; clusters; merging with its log; then refusals."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.cohort import link
from osteon.cohort.link import LinkageRule, clusters_of, linked_by_rule, merged
from osteon.core.errors import ConfigError, SchemaError, ShapeError

DAY = pd.Timedelta(days=1)


def visitors(n, seed, span_days=90):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "sex": rng.choice(["female", "male"], n),
        "age_years": np.round(rng.uniform(50, 58, n), rng.integers(0, 2)),
        "ethnicity": rng.choice(["white", "asian"], n),
        "visit_date": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, span_days, n), unit="D"),
    })  # fmt: skip
    return table.mask(rng.random(table.shape) < 0.03)


def by_hand(table, years, days, source=None):
    """All pairs, one by one."""
    pairs = []
    for i, j in itertools.combinations(range(len(table)), 2):
        a, b = table.iloc[i], table.iloc[j]
        if a.isna().any() or b.isna().any() or (source is not None and source[i] == source[j]):
            continue
        same = a["sex"] == b["sex"] and a["ethnicity"] == b["ethnicity"]
        near = abs(a["age_years"] - b["age_years"]) <= years + 1e-9
        if same and near and abs(a["visit_date"] - b["visit_date"]) <= days * DAY:
            pairs.append((i, j))
    return pairs


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    years=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    days=st.sampled_from([0.0, 7.0, 30.0]),
)
def test_rule_finds_exactly_the_pairs_that_agree(seed, years, days):
    table = visitors(40, seed)
    source = np.random.default_rng(seed).choice(["a", "b"], 40)
    rule = LinkageRule(age_tolerance_years=years, visit_tolerance_days=days)
    for who in (None, source):
        found = linked_by_rule(table, rule=rule, source=who)
        assert list(zip(found.pairs["left"], found.pairs["right"], strict=True)) == by_hand(
            table, years, days, who
        )
        assert (found.pairs["age_difference_years"].abs() <= years + 1e-9).all()
        assert (found.pairs["visit_difference_days"].abs() <= days).all()
        missing = int(table.isna().any(axis=1).sum())
        assert (f"not-compared:{missing}" in found.notes) == (missing > 0)
        assert "attributes-only" in found.notes


def test_small_portions_give_the_same_pairs(monkeypatch):
    table = visitors(300, 1)
    whole = linked_by_rule(table)
    monkeypatch.setattr(link, "AT_ONCE", 17)
    pd.testing.assert_frame_equal(linked_by_rule(table).pairs, whole.pairs)
    assert whole.n_pairs > 100


def test_published_tolerances_include_both_ends():
    table = pd.DataFrame({
        "sex": ["female"] * 4,
        "age_years": [60.0, 61.0, 60.0, 62.1],
        "ethnicity": ["asian"] * 4,
        "visit_date": pd.to_datetime(["2020-01-01", "2020-01-31", "2020-02-01", "2020-01-01"]),
    }, index=list("abcd"))  # fmt: skip
    found = linked_by_rule(table)
    assert list(zip(found.pairs["left"], found.pairs["right"], strict=True)) == [("a", "b"), ("b", "c")]
    assert found.cluster.to_dict() == {"a": 0, "b": 0, "c": 0, "d": 1}
    assert (found.n, found.n_pairs, found.n_clusters) == (4, 2, 2)
    assert found.pairs["agreed"].iloc[0] == "sex+ethnicity+age_years+visit_date"


@given(seed=st.integers(0, 999))
def test_clusters_are_the_connected_rows(seed):
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, 30, (2, 15))
    cluster = clusters_of(left, right, index=pd.RangeIndex(30))
    reach = np.eye(30, dtype=bool)
    reach[left, right] = reach[right, left] = True
    for _ in range(5):
        reach = reach @ reach
    assert ((cluster.to_numpy()[:, None] == cluster.to_numpy()) == reach).all()
    firsts = cluster.drop_duplicates()
    assert firsts.tolist() == sorted(firsts)


def test_merging_keeps_the_fullest_row_and_says_why():
    table = pd.DataFrame({
        "sex": pd.Categorical(["female", "female", "male", "female"]),
        "age_years": [60.0, 60.5, 70.0, 60.2],
        "ethnicity": ["asian"] * 4,
        "visit_date": pd.to_datetime(["2020-01-01", "2020-01-11", "2020-01-01", "2020-01-05"]),
        "bmi_kg_m2": [np.nan, 24.0, 25.0, np.nan],
        "alp_u_l": [80.0, 90.0, np.nan, np.nan],
        "pth_pg_ml": [np.nan, np.nan, np.nan, 33.0],
    }, index=list("abcd"))  # fmt: skip
    once = merged(table, linked_by_rule(table))
    assert list(once.table.index) == ["b", "c"]
    assert once.table.loc["b", "bmi_kg_m2"] == 24.0
    assert once.table.loc["b", "alp_u_l"] == 90.0
    assert once.table.loc["b", "pth_pg_ml"] == 33.0
    assert (once.table.dtypes == table.dtypes).all()
    assert {(change.code, change.row, change.after) for change in once.log} == {
        ("merged", "a", "b"),
        ("merged", "d", "b"),
    }
    assert all("sex+ethnicity+age_years+visit_date" in change.why for change in once.log)
    assert (once.n_before, once.n_after) == (4, 2)


def test_nothing_to_link_changes_nothing():
    table = visitors(30, 5, span_days=90).assign(ethnicity=[f"e{i}" for i in range(30)])
    found = linked_by_rule(table)
    assert (found.n_pairs, found.n_clusters) == (0, 30)
    once = merged(table, found)
    pd.testing.assert_frame_equal(once.table, table)
    assert once.log == ()


def test_chains_are_told():
    table = visitors(50, 2, span_days=5).assign(sex="female", ethnicity="asian", age_years=60.0).dropna()
    assert f"largest-cluster:{len(table)}" in linked_by_rule(table).notes


def test_refusals():
    table = visitors(30, 3)
    with pytest.raises(SchemaError, match="columns absent: ethnicity"):
        linked_by_rule(table.drop(columns="ethnicity"))
    with pytest.raises(SchemaError, match="'visit_date' holds no dates"):
        linked_by_rule(table.assign(visit_date="2020-01-01"))
    with pytest.raises(SchemaError, match="'age_years' holds no numbers"):
        linked_by_rule(table.assign(age_years="60"))
    with pytest.raises(SchemaError, match="labels repeat"):
        linked_by_rule(table.set_axis([0] * 30))
    with pytest.raises(ShapeError, match="source has 2 rows"):
        linked_by_rule(table, source=["a", "b"])
    with pytest.raises(ConfigError, match="more than 3 pairs"):
        linked_by_rule(visitors(100, 1), rule=LinkageRule(most_pairs=3))
    with pytest.raises(ConfigError, match="negative"):
        LinkageRule(age_tolerance_years=-1)
    with pytest.raises(ShapeError, match="does not belong"):
        merged(table.iloc[:5], linked_by_rule(table))
