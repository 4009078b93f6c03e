import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.cohort.eligibility import Criteria, Criterion, apply, criteria, published_criteria
from osteon.cohort.sources import nhanes
from osteon.core.errors import ConfigError, FileError, SchemaError

NAN = float("nan")


def made(rule, *, columns=("x",), kind="include", on_missing="keep", match="all", code="one"):
    return Criterion(id=code, kind=kind, columns=tuple(columns), rule=rule, text_en="t", text_zh="文", source="s",
                     on_missing=on_missing, match=match)  # fmt: skip


def kept(table, *items):
    return list(apply(table, Criteria(name="n", source="s", criteria=items)).table.index)


PEOPLE = pd.DataFrame({
    "age_years": [39.9, 40, 70, 66, 55, 61, 48],
    "bmd_lumbar_g_cm2": [1, 0.9, NAN, 0.8, 0.8, 0.9, 1.1],
    "bmd_femoral_neck_g_cm2": [0.8, 0.7, 0.6, 0.6, 0.7, 0.7, 0.7],
    "bmd_total_hip_g_cm2": [0.9, 0.8, 0.7, 0.7, 0.8, 0.8, 0.8],
    "follow_up_months": [12, 6, 12, 5.9, 12, 12, NAN],
    "secondary_osteoporosis": [0, 0, 0, 0, 1, 0, 0],
    "cancer": [0, 0, 0, 0, 0, 1, 0],
    "bone_drug_months": [0, 3, 0, 0, 0, 0, 0],
}, index=list("abcdefg"))  # fmt: skip


def test_the_published_criteria_of_the_risk_study_count_every_exclusion():
    eligible = apply(PEOPLE, criteria("fracture-risk"))
    assert list(eligible.table.index) == ["b", "g"]
    steps = {step.code: (step.n_before, step.n_after) for step in eligible.flow}
    assert steps == {
        "age_40": (7, 6), "dxa_complete": (6, 5), "follow_up_6_months": (5, 4), "secondary_osteoporosis": (4, 3),
        "malignancy": (3, 2), "bone_drugs_3_months": (2, 2), "missing_30_percent": (2, 2),
    }  # fmt: skip
    follow_up = eligible.judgements[2]
    assert follow_up.listed == ("g",)
    assert follow_up.excluded == ("d",)
    assert "1 could not be judged (kept and listed)" in follow_up.reason


def test_more_than_30_percent_missing_goes_and_exactly_30_stays():
    table = pd.DataFrame(np.zeros((2, 10)), columns=[f"c{i}" for i in range(10)])
    table.iloc[0, :3] = NAN
    table.iloc[1, :4] = NAN
    table["participant_id"] = [None, None]
    table["death_12m"] = NAN
    assert kept(table, *[c for c in criteria("fracture_risk").criteria if c.id == "missing_30_percent"]) == [
        0
    ]


def test_an_absent_column_is_listed_and_never_passed_in_silence():
    eligible = apply(PEOPLE.drop(columns=["cancer", "bmd_total_hip_g_cm2"]), criteria("fracture_risk"))
    assert eligible.not_applicable == ("dxa_complete", "malignancy")
    reasons = {step.code: step.reason for step in eligible.flow}
    assert reasons["malignancy"] == "not applicable: column absent (cancer)"
    assert all(
        step.n_before == step.n_after for step in eligible.flow if step.code in eligible.not_applicable
    )


def test_portraits_and_reading_have_all_their_published_criteria():
    kinds = {name: [c.kind for c in criteria(name).criteria] for name in published_criteria()}
    assert {name: (k.count("include"), k.count("exclude")) for name, k in kinds.items()} == {
        "fracture_risk": (3, 4), "portraits": (2, 3), "ovcf_reading": (4, 5),
    }  # fmt: skip
    for name in published_criteria():
        for criterion in criteria(name).criteria:
            assert criterion.text_en.isascii()
            assert any("\u4e00" <= letter <= "\u9fff" for letter in criterion.text_zh)
            assert criterion.source.startswith("section 1.1")


def test_reading_takes_t_strictly_below_minus_two_and_a_half():
    table = pd.DataFrame({"t_lowest": [-2.6, -2.5, NAN]})
    assert kept(table, criteria("ovcf_reading").criteria[0]) == [0]


def test_any_and_all_follow_three_valued_logic():
    table = pd.DataFrame({"a": [1, 0, NAN, NAN, 0], "b": [NAN, NAN, 1, NAN, 0]})
    yes = {"true": True}
    assert kept(table, made(yes, columns="ab", match="any", on_missing="drop")) == [0, 2]
    assert kept(table, made(yes, columns="ab", match="any", kind="exclude")) == [1, 3, 4]
    assert kept(table, made(yes, columns="ab", match="all", on_missing="drop")) == []
    assert kept(table, made(yes, columns="ab", match="all")) == [0, 2, 3]


def test_any_over_a_partly_absent_group_cannot_clear_anybody():
    one = apply(pd.DataFrame({"a": [1.0, 0.0]}), Criteria(name="n", source="s", criteria=(
        made({"true": True}, columns="ab", match="any", kind="exclude", on_missing="list"),)))  # fmt: skip
    assert list(one.table.index) == [1]
    assert one.judgements[0].listed == (1,)
    assert one.judgements[0].absent == ("b",)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [({"min": 2}, [1, 2]), ({"max": 2}, [0, 1]), ({"above": 2}, [2]), ({"below": 2}, [0]), ({"min": 2, "below": 3}, [1]),
     ({"equals": 3}, [2]), ({"in": [1, 3]}, [0, 2]), ({"not_missing": True}, [0, 1, 2])],
)  # fmt: skip
def test_rules(rule, expected):
    assert kept(pd.DataFrame({"x": [1.0, 2.0, 3.0, NAN]}), made(rule, on_missing="drop")) == expected


def test_categories_and_dates():
    table = pd.DataFrame({
        "sex": pd.Categorical(["female", "male", None]),
        "first": pd.to_datetime(["2020-01-01", "2020-01-01", "2020-01-01"]),
        "last": pd.to_datetime(["2020-07-05", "2020-03-01", None]),
    })  # fmt: skip
    assert kept(table, made({"equals": "female"}, columns=["sex"], on_missing="drop")) == [0]
    months = made({"min_months": 6}, columns=["first", "last"], on_missing="list")
    assert kept(table, months) == [0, 2]


values = st.sampled_from([0.0, 1.0, NAN])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(values, values, st.floats(30, 90)), min_size=1, max_size=25), st.randoms())
def test_order_changes_counts_but_not_the_final_set_and_counts_add_up(rows, random):
    table = pd.DataFrame(rows, columns=["a", "b", "age_years"], dtype=float)
    items = [
        made({"true": True}, columns="a", kind="exclude", on_missing="list", code="1"),
        made({"false": True}, columns="b", on_missing="drop", code="2"),
        made({"min": 50}, columns=["age_years"], code="3"),
        made({"max_missing_fraction": 0.4}, columns=["*"], code="4"),
    ]
    first = apply(table, Criteria(name="n", source="s", criteria=tuple(items)))
    random.shuffle(items)
    second = apply(table, Criteria(name="n", source="s", criteria=tuple(items)))
    assert list(first.table.index) == list(second.table.index)
    for result in (first, second):
        assert sum(step.n_excluded for step in result.flow) == len(table) - len(result.table)
        assert all(a.n_after == b.n_before for a, b in zip(result.flow, result.flow[1:], strict=False))
        assert [j.n_excluded for j in result.judgements] == [s.n_excluded for s in result.flow]


ENTRY = """
[[criterion]]
id = "a"
kind = "include"
columns = ["age_years"]
rule = {rule}
on_missing = "keep"
text_en = "t"
text_zh = "t"
source = "s"
{more}
"""


@pytest.mark.parametrize(
    ("rule", "more", "message"),
    [
        ("{ mim = 4 }", "", "Did you mean 'min'"),
        ("{ min = 4 }", "onmissing = 3", "Did you mean 'on_missing'"),
        ("{ min = '4' }", "", "expected a number"),
        ("{ true = false }", "", "opposite kind"),
        ("{ in = 4 }", "", "expected a list"),
        ("{ }", "", "at least one rule"),
        ("{ min = 1, max_missing_fraction = 0.3 }", "", "two criteria"),
        ("{ not_missing = true, min = 1 }", "", "two criteria"),
        ("{ min_months = 1 }", "", "two date columns"),
        ("{ min = 1 }", 'match = "some"', "unknown key 'some'"),
    ],
)
def test_unknown_keys_and_rules_are_refused(tmp_path, rule, more, message):
    path = tmp_path / "mine.toml"
    path.write_text(ENTRY.format(rule=rule, more=more), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        criteria(path)


def test_refusals(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'fracture_risk'"):
        criteria("fracture_risc")
    with pytest.raises(FileError, match="no such file"):
        criteria(tmp_path / "none.toml")
    twice = tmp_path / "twice.toml"
    twice.write_text(ENTRY.format(rule="{ min = 1 }", more="") * 2, encoding="utf-8")
    with pytest.raises(ConfigError, match="stands twice"):
        criteria(twice)
    with pytest.raises(SchemaError, match="row 0: 'old', expected a number"):
        kept(pd.DataFrame({"x": ["old"]}), made({"min": 4}))
    with pytest.raises(SchemaError, match=r"2\.0, expected 0 or 1"):
        kept(pd.DataFrame({"x": [2.0]}), made({"true": True}))
    with pytest.raises(SchemaError, match="expected dates"):
        kept(pd.DataFrame({"x": [2.0], "y": [2.0]}), made({"min_months": 4}, columns="xy"))
    with pytest.raises(SchemaError, match="labels repeat"):
        kept(pd.DataFrame({"x": [2.0, 1.0]}, index=[0, 0]), made({"min": 4}))


def test_the_published_criteria_on_real_people(real_data):
    table = nhanes.read(real_data / "tabular/nhanes/nhanes_2017_mar2020_age50_bone.csv.gz").table
    eligible = apply(table, criteria("fracture_risk"))
    complete = (
        table[["bmd_lumbar_g_cm2", "bmd_femoral_neck_g_cm2", "bmd_total_hip_g_cm2"]].notna().all(axis=1)
    )
    steps = {step.code: step for step in eligible.flow}
    assert steps["dxa_complete"].n_after == int(complete.sum())
    assert steps["malignancy"].n_after == int((complete & ~(table["cancer"] == 1)).sum())
    assert set(eligible.not_applicable) >= {"follow_up_6_months", "bone_drugs_3_months"}
