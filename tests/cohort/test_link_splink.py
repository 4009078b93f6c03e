"""Probabilistic linkage on planted duplicates, latin and Chinese; one seed one answer; one setting every backend."""

import sys

import numpy as np
import pandas as pd
import pytest

from osteon.cohort.link import merged
from osteon.cohort.link_splink import (
    FuzzyOptions,
    Identifiers,
    comparable,
    linkage_settings,
    linked_by_identifiers,
    plain_name,
)
from osteon.core.errors import ConfigError, DependencyMissing, NotEnoughData, SchemaError

SURNAMES = list("王李张刘陈杨黄赵周吴徐孙马胡朱郭何罗高林")
GIVEN = list("伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉兰红建国文辉力")


def patients(n, seed, latin=False):
    """``n`` people and a second record of a quarter of them with one error each; and who is who."""
    rng = np.random.default_rng(seed)
    if latin:
        letters = list("abcdefghiklmnoprstuvw")
        word = lambda: "".join(rng.choice(letters, rng.integers(5, 9))).capitalize()  # noqa: E731
        pool = [word() for _ in range(n // 4)]
        names = [f"{rng.choice(pool)} {rng.choice(pool)}" for _ in range(n)]
    else:
        names = [rng.choice(SURNAMES) + "".join(rng.choice(GIVEN, rng.integers(1, 3))) for _ in range(n)]
    table = pd.DataFrame({
        "name": names,
        "birth_date": pd.Timestamp("1935-01-01") + pd.to_timedelta(rng.integers(0, 11_000, n), unit="D"),
        "sex": rng.choice(["female", "male"], n),
        "phone": [f"138{k:08d}" for k in rng.integers(0, 10**8, n)],
    })  # fmt: skip
    again = table.iloc[: n // 4].copy()
    for i in range(len(again)):
        row = again.index[i]
        if i % 4 == 0:
            again.loc[row, "name"] = again.loc[row, "name"][:-1] + ("q" if latin else "芸")
        elif i % 4 == 1:
            again.loc[row, "birth_date"] = again.loc[row, "birth_date"].replace(day=11)
        elif i % 4 == 2:
            again.loc[row, "phone"] = None
    order = rng.permutation(n + len(again))
    who = np.concatenate([np.arange(n), np.arange(len(again))])[order]
    return pd.concat([table, again], ignore_index=True).iloc[order].reset_index(drop=True), who


WHO = Identifiers(names=("name",), phone="phone")
OPTIONS = FuzzyOptions(threads=1)


@pytest.mark.slow
@pytest.mark.parametrize("latin", [True, False])
def test_planted_duplicates_are_found(latin):
    table, who = patients(1200, 7, latin=latin)
    found = linked_by_identifiers(table, identifiers=WHO, options=OPTIONS, seed=1)
    same = who[found.pairs["left"]] == who[found.pairs["right"]]
    assert same.mean() > 0.98
    assert same.sum() / 300 > 0.95
    assert (found.pairs["match_probability"] >= 0.9).all()
    assert found.pairs["agreed"].str.contains("sex").mean() > 0.95
    once = merged(table, found)
    assert len(once.log) == once.n_before - once.n_after
    assert abs(once.n_after - 1200) < 20
    assert all(" = " in change.why and "weight" in change.why for change in once.log)


@pytest.mark.slow
def test_same_seed_same_answer_and_sources_are_respected():
    table, _ = patients(600, 3)
    one = linked_by_identifiers(table, identifiers=WHO, options=OPTIONS, seed=1)
    two = linked_by_identifiers(table, identifiers=WHO, options=OPTIONS, seed=1)
    pd.testing.assert_frame_equal(one.pairs, two.pairs)
    pd.testing.assert_series_equal(one.cluster, two.cluster)
    source = np.arange(len(table)) % 2
    between = linked_by_identifiers(table, identifiers=WHO, options=OPTIONS, source=source, seed=1)
    assert 0 < between.n_pairs < one.n_pairs
    assert (source[between.pairs["left"]] != source[between.pairs["right"]]).all()


def test_settings_are_the_same_for_every_backend():
    settings = linkage_settings(
        Identifiers(names=("surname", "given_name"), postcode="postcode", phone="phone")
    )
    duck, spark = (settings.create_settings_dict(name) for name in ("duckdb", "spark"))

    def shape(written):
        return [
            (c["output_column_name"], [level["label_for_charts"] for level in c["comparison_levels"]])
            for c in written["comparisons"]
        ]

    assert shape(duck) == shape(spark)
    assert [name for name, _ in shape(duck)] == [
        "surname",
        "given_name",
        "birth_date",
        "sex",
        "postcode",
        "phone",
    ]
    rules = [len(written["blocking_rules_to_generate_predictions"]) for written in (duck, spark)]
    assert rules == [7, 7]


def test_spark_is_asked_for_by_setting(monkeypatch):
    table, _ = patients(100, 1)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.delitem(sys.modules, "splink.internals.spark.database_api", raising=False)
    with pytest.raises(DependencyMissing, match="pip install pyspark"):
        linked_by_identifiers(table, identifiers=WHO, options=FuzzyOptions(backend="spark"), seed=1)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("ＷＡＮＧ Wei", "wangwei"),
        ("Müller", "muller"),
        ("王\u3000小明 ", "王小明"),
        ("D'Ångelo-Río", "dangelorio"),
        ("--", ""),
    ],
)
def test_names_are_made_plain(name, plain):
    assert plain_name(name) == plain


def test_empty_cells_are_missing():
    table = pd.DataFrame(
        {"name": ["A", " ", None], "birth_date": ["1950-01-01", None, "1950-01-01 00:00"], "sex": ["f"] * 3}
    )
    plain = comparable(table, Identifiers(names=("name",)))
    assert plain["name"].tolist()[0] == "a"
    assert plain["name"].isna().tolist() == [False, True, True]
    assert plain["birth_date"].tolist()[2] == "1950-01-01"


def test_refusals():
    table, _ = patients(100, 1)
    with pytest.raises(SchemaError, match="columns absent: surname, given_name"):
        linked_by_identifiers(table, seed=1)
    with pytest.raises(ConfigError, match="a name and two more"):
        linked_by_identifiers(table, identifiers=Identifiers(names=("name",), sex=""), seed=1)
    with pytest.raises(NotEnoughData, match="20 rows"):
        linked_by_identifiers(table.iloc[:20], identifiers=WHO, seed=1)
    with pytest.raises(SchemaError, match="labels repeat"):
        linked_by_identifiers(table.set_axis([0] * len(table)), identifiers=WHO, seed=1)
    with pytest.raises(ConfigError, match=r"threshold is 1\.5"):
        FuzzyOptions(threshold=1.5)
    with pytest.raises(ConfigError, match="'oracle'"):
        FuzzyOptions(backend="oracle")


def test_nothing_to_learn_from_is_refused():
    n = 60
    table = pd.DataFrame({
        "name": [chr(0x4E00 + 3 * i) + chr(0x5E00 + 7 * i) for i in range(n)],
        "birth_date": pd.Timestamp("1950-01-01") + pd.to_timedelta(np.arange(n) * 97, unit="D"),
        "sex": ["female", "male"] * (n // 2),
    })  # fmt: skip
    with pytest.raises(NotEnoughData, match="nothing to learn from"):
        linked_by_identifiers(table, identifiers=Identifiers(names=("name",)), options=OPTIONS, seed=1)
