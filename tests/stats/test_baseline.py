import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, InputError, NotEnoughData, SchemaError, ShapeError
from osteon.core.result import as_dict
from osteon.stats.balance import standardized_difference
from osteon.stats.baseline import Column, baseline
from osteon.stats.compare import welch_test
from osteon.stats.groupwise import table_test


@pytest.fixture(scope="module")
def rows(oracle_csv):
    with oracle_csv("groups120.csv").open() as file:
        return list(csv.DictReader(file))


def column(rows, name, kind, **options):
    values = [row[name] for row in rows]
    return Column([float(v) for v in values] if kind == "number" else values, kind, **options)


def test_r_groups(oracle, rows):
    known = oracle("statistics/groups")
    columns = {
        "vas": column(rows, "vas", "number", shown="mean_sd"),
        "los": column(rows, "los", "number"),
        "outcome": column(rows, "outcome", "category"),
        "yes": Column([float(row["outcome"] == "yes") for row in rows], "flag"),
    }
    table = baseline(columns, [row["group"] for row in rows])
    assert (table.groups, sum(table.n)) == (("A", "B", "C"), 120)
    for name, test, expected in (
        ("vas", "anova", known["anova_vas"]["p"]),
        ("los", "kruskal_wallis", known["kruskal_los"]["p"]),
        ("outcome", "chi_squared", known["chi2_3x2"]["p"]),
        ("yes", "chi_squared", known["chi2_3x2"]["p"]),
    ):
        row = table.row(name)
        assert (row.test, row.p) == (test, pytest.approx(expected, abs=1e-9))
        assert [len(pair.first) for pair in row.post_hoc.pairs] == [1, 1, 1]
    assert table.row("los").shown == "median_iqr"
    assert table.row("los").post_hoc.test == "dunn"
    assert table.row("outcome").groups[0].counts == (30, 10)
    assert table.row("outcome").smd == pytest.approx(table.row("yes").smd)
    assert json.loads(json.dumps(as_dict(table)))["rows"][0]["test"] == "anova"


def test_two_groups_choose_by_spread():
    rng = np.random.default_rng(1)
    narrow, wide = rng.normal(0, 1, 60), rng.normal(1, 6, 60)
    table = baseline({"x": Column([*narrow, *wide], "number")}, ["n"] * 60 + ["w"] * 60)
    row = table.row("x")
    assert (row.test, row.shown) == ("welch", "mean_sd")
    assert row.p == pytest.approx(welch_test(narrow, wide).p)
    assert row.smd == pytest.approx(abs(standardized_difference(narrow, wide)))
    assert row.post_hoc is None


def test_missing_is_dropped_and_counted():
    values = [1.0, np.nan, 3.0, 4.0, np.nan, np.nan, 7.0, 9.0]
    labels = ["x", None, "y", "x", "y", float("nan"), "x", "y"]
    group = list("aaaabbbb")
    table = baseline({"v": Column(values, "number"), "c": Column(labels, "category")}, group)
    v, c = table.row("v"), table.row("c")
    assert [(s.n, s.missing) for s in v.groups] == [(3, 1), (2, 2)]
    assert (v.overall.n, v.overall.missing) == (5, 3)
    assert v.groups[0].median == 3
    assert [(s.counts, s.missing) for s in c.groups] == [((2, 1), 1), ((1, 2), 1)]
    assert c.test == "fisher_exact"


def test_a_group_without_values_and_a_column_without_values():
    group = list("aaabbbccc")
    values = [1.0, 2, 3, 2, 3, 5, np.nan, np.nan, np.nan]
    table = baseline({"v": Column(values, "number"), "none": Column([np.nan] * 9, "number")}, group)
    assert table.row("v").notes == ("group_without_values:c",)
    assert table.row("v").p is not None
    none = table.row("none")
    assert (none.p, none.test, none.smd, none.notes) == (None, None, None, ("all_missing",))
    nobody = {
        "f": Column([np.nan] * 9, "flag"),
        "c": Column([None] * 9, "category"),
        "o": Column([None] * 9, "ordinal", ("l", "h")),
    }
    for row in baseline(nobody, group).rows:
        assert (row.p, row.smd, row.notes, row.overall.missing) == (None, None, ("all_missing",), 9)
    constant = baseline({"v": Column([1.0] * 9, "number"), "f": Column([1] * 9, "flag")}, group)
    assert constant.row("v").notes == ("not_tested",)
    assert constant.row("f").notes == ("not_tested",)
    assert constant.row("f").smd == 0


def test_ordinal_uses_ranks_in_the_order_of_levels():
    labels = ["less", "same", "same", "greater", "greater", "same"] * 4
    group = ["low", "low", "low", "high", "high", "high"] * 4
    one = baseline({"r": Column(labels, "ordinal", ("less", "same", "greater"))}, group).row("r")
    assert one.test == "mann_whitney"
    assert one.levels == ("less", "same", "greater")
    assert one.overall.counts == (4, 12, 8)
    with pytest.raises(ConfigError, match="levels"):
        baseline({"r": Column(labels, "ordinal")}, group)


def test_small_and_large_tables():
    rng = np.random.default_rng(2)
    group, big = rng.integers(0, 4, 400), rng.choice(list("abcdefgh"), 400, p=[0.93, *[0.01] * 7])
    plain = baseline({"c": Column(big, "category")}, group).row("c")
    assert (plain.test, "expected_low" in plain.notes) == ("chi_squared", True)
    simulated = baseline({"c": Column(big, "category")}, group, rng=rng).row("c")
    assert (simulated.test, simulated.notes[0]) == ("fisher_exact", "monte_carlo:20000")
    chosen = table_test({"a": np.array([5, 0]), "b": np.array([4, 0]), "c": np.array([2, 3])}, kind="flag")
    assert chosen.notes == ("pair_not_tested:a|b",)
    assert chosen.post_hoc.pair("a", "c").difference == pytest.approx(0.6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9999), st.integers(2, 4))
def test_names_of_groups_do_not_change_p(seed, k):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(k), 15)
    columns = {
        "x": Column(rng.gamma(2, size=15 * k), "number"),
        "f": Column(rng.integers(0, 2, 15 * k), "flag"),
    }
    one, other = baseline(columns, group), baseline(columns, [f"g{9 - g}" for g in group])
    for a, b in zip(one.rows, other.rows, strict=True):
        assert (a.test, a.shown) == (b.test, b.shown)
        assert (a.p, a.smd) == (pytest.approx(b.p), pytest.approx(b.smd))
        assert [s.n for s in a.groups] == [s.n for s in reversed(b.groups)]


def test_order_of_groups():
    columns = {"x": Column([1.0, 2, 3, 4], "number")}
    table = baseline(columns, ["case", "case", "control", "control"], order=("control", "case"))
    assert table.groups == ("control", "case")
    assert table.row("x").groups[0].mean == 3.5


def test_refusals():
    columns = {"x": Column([1.0, 2.0], "number")}
    with pytest.raises(NotEnoughData, match="at least 2"):
        baseline(columns, ["a", "a"])
    with pytest.raises(InputError, match="no group label"):
        baseline(columns, ["a", None])
    with pytest.raises(InputError, match="'b'"):
        baseline(columns, ["a", "b"], order=("a", "c"))
    with pytest.raises(ShapeError, match="3 people"):
        baseline(columns, ["a", "b", "b"])
    with pytest.raises(InputError, match="flag"):
        baseline({"f": Column([0, 2], "flag")}, ["a", "b"])
    with pytest.raises(InputError, match="number"):
        baseline({"x": Column(["1", "old"], "number")}, ["a", "b"])
    with pytest.raises(InputError, match="'z'"):
        baseline({"c": Column(["y", "z"], "category", ("x", "y"))}, ["a", "b"])
    with pytest.raises(ConfigError, match="kind"):
        baseline({"c": Column([1, 2], "text")}, ["a", "b"])
    with pytest.raises(SchemaError, match="no row"):
        baseline(columns, ["a", "b"]).row("y")
