"""Filters on planted data: copies, noise and signal; measures against scipy and closed forms; then refusals."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from osteon.cohort.associate import associations
from osteon.cohort.select import correlated_columns, mrmr, mutual_information, outcome_correlation
from osteon.core.errors import ConfigError, NotEnoughData, SchemaError, ShapeError


@pytest.fixture(scope="module")
def planted():
    """A strong signal, its blurred copy, a second weaker signal, a U-shaped one, noise, a category, a constant."""
    rng = np.random.default_rng(3)
    n = 1200
    strong, second, bowl = rng.normal(size=(3, n))
    ward = rng.integers(0, 3, size=n)
    logit = 1.6 * strong + 0.7 * second + 1.5 * (bowl**2 - 1) + np.array([-0.8, 0.0, 0.8])[ward]
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)
    table = pd.DataFrame({
        "copy": strong + 0.25 * rng.normal(size=n),
        "strong": strong,
        "second": second,
        "bowl": bowl,
        "noise": rng.normal(size=n),
        "noise_too": rng.normal(size=n),
        "ward": np.array(["north", "south", "west"])[ward],
        "ward_code": np.array(["n", "s", "w"])[np.where(rng.random(n) < 0.03, 0, ward)],
        "same": 1.0,
    })  # fmt: skip
    return table, y


def reasons(selection):
    return {entry.name: entry.reason for entry in selection.dropped}


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_of_two_copies_the_one_nearer_the_outcome_stays(planted, method):
    table, y = planted
    found = correlated_columns(table, y, threshold=0.8, method=method)
    assert reasons(found)["copy"] == "redundant-with:strong"
    assert reasons(found)["same"] == "constant"
    assert ("ward" in found.kept) != ("ward_code" in found.kept)
    assert {"strong", "second", "bowl", "noise", "noise_too"} <= set(found.kept)
    assert {entry.name: entry.value for entry in found.dropped}["copy"] == pytest.approx(
        1 / np.sqrt(1 + 0.25**2), abs=0.01
    )


def test_relation_with_the_outcome(planted):
    table, y = planted
    found = outcome_correlation(table, y, threshold=0.1)
    assert set(found.kept) == {"copy", "strong", "second", "ward", "ward_code"}
    assert reasons(found)["bowl"] == "weak-association"
    weak = outcome_correlation(table, y, threshold=0.0)
    assert reasons(weak)["noise"] == "not-significant"


def test_information_sees_the_bowl(planted):
    table, y = planted
    found = mutual_information(table, y, keep=4, seed=1)
    assert "bowl" in found.kept
    assert found.scores["strong"] > found.scores["noise"]
    assert reasons(found)["noise"] in ("low-information", "beyond-top:4")
    assert found == mutual_information(table, y, keep=4, seed=1)
    assert mutual_information(table[["strong", "noise"]], table["strong"] * 2.0, seed=1).kept[0] == "strong"


@pytest.mark.parametrize("scheme", ["FCD", "MID"])
def test_mrmr_passes_over_the_copy(scheme):
    rng = np.random.default_rng(5)
    n = 20_000  # two clean signals, the first doubled; MID weighs them on one scale
    one, two = rng.normal(size=(2, n))
    y = (one + 0.9 * two + 0.3 * rng.normal(size=n) > 0).astype(float)
    table = pd.DataFrame(
        {"one": one, "again": one + 0.01 * rng.normal(size=n), "two": two, "noise": rng.normal(size=n)}
    )
    found = mrmr(table, y, keep=2, scheme=scheme)
    assert found.kept[0] in ("one", "again")
    if scheme == "MID":
        assert found.kept[1] == "two"
    assert "noise" not in found.kept
    assert len(found.dropped) == 2


def test_fcd_by_hand():
    # two uncorrelated columns and a copy of the first; F of each is known, the copy pays its correlation of 1
    rng = np.random.default_rng(1)
    base = rng.normal(size=(4, 60))
    q, _ = np.linalg.qr(np.column_stack([np.ones(60), base.T]))
    a, b, e = q[:, 1], q[:, 2], q[:, 3]
    y = 0.3 * a + 0.28 * b + e
    table = pd.DataFrame({"a": a, "copy": a, "b": b})
    share = {"a": 0.3**2 / (y @ y), "b": 0.28**2 / (y @ y)}
    f = {k: v / (1 - v) * 58 for k, v in share.items()}
    found = mrmr(table, y, keep=3, scheme="FCD")
    assert found.scores["a"] == pytest.approx(f["a"])
    assert f["a"] - 1 < f["b"]
    assert found.kept == ("a", "b", "copy")
    assert found.scores["copy"] == pytest.approx(f["a"] - (1 + 0) / 2)
    assert found.scores["b"] == pytest.approx(f["b"])


def test_measures_equal_scipy(planted):
    table, y = planted
    flag = pd.Series(y)
    found = associations(table, flag, method="pearson")
    r, p = scipy.stats.pearsonr(table["second"], y)
    assert (found["second"].value, found["second"].p) == pytest.approx((r, p))
    rho, p = scipy.stats.spearmanr(table["second"], table["strong"])
    ranked = associations(table[["second"]], table["strong"], method="spearman")["second"]
    assert (ranked.value, ranked.p) == pytest.approx((rho, p))
    crossed = pd.crosstab(table["ward"], y)
    assert found["ward"].value == pytest.approx(
        scipy.stats.contingency.association(crossed, correction=False)
    )
    assert found["ward"].p == pytest.approx(scipy.stats.chi2_contingency(crossed, correction=False).pvalue)
    groups = [table.loc[table["ward"] == ward, "strong"] for ward in ("north", "south", "west")]
    ratio = associations(table[["strong"]], table["ward"], method="pearson")["strong"]
    statistic, p = scipy.stats.f_oneway(*groups)
    assert (ratio.f, ratio.p) == pytest.approx((statistic, p))


@given(shift=st.floats(-100, 100), size=st.floats(0.01, 100), seed=st.integers(0, 99))
def test_units_do_not_matter(shift, size, seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(50, 4)), columns=list("abcd"))
    table["e"] = table["a"] + 0.1 * rng.normal(size=50)
    y = table["a"] + rng.normal(size=50)
    one, two = correlated_columns(table, y), correlated_columns(table * size + shift, y)
    assert one.kept == two.kept
    assert mrmr(table, y, keep=3).kept == mrmr(table * size + shift, y, keep=3).kept


def test_gaps_are_left_out_pair_by_pair(planted):
    table, y = planted
    gaps = table.mask(np.random.default_rng(1).random(table.shape) < 0.2)
    assert reasons(correlated_columns(gaps, y))["copy"] == "redundant-with:strong"
    assert "strong" in mutual_information(gaps, y, keep=4, seed=1).kept
    assert mrmr(gaps, y, keep=1, scheme="MID").kept[0] in ("strong", "copy", "bowl")


def test_refusals(planted):
    table, y = planted
    with pytest.raises(ShapeError, match="1200 rows and y has 3"):
        correlated_columns(table, [0, 1, 0])
    with pytest.raises(SchemaError, match="1 missing"):
        outcome_correlation(table, np.where(np.arange(1200) == 5, np.nan, y))
    with pytest.raises(NotEnoughData, match=r"1 value\(s\) of y"):
        mrmr(table, np.zeros(1200), keep=2)
    with pytest.raises(NotEnoughData, match="none of 1 column"):
        mrmr(table[["same"]], y, keep=1)
    with pytest.raises(ConfigError, match=r"threshold is 1\.2"):
        correlated_columns(table, y, threshold=1.2)
    with pytest.raises(ConfigError, match="keep is 0"):
        mutual_information(table, y, keep=0, seed=1)
    with pytest.raises(ConfigError, match="'MIQ'"):
        mrmr(table, y, keep=1, scheme="MIQ")
