import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.cohort.anonymity import k_anonymity
from osteon.cohort.deidentify import DeidentifyOptions, deidentify, describe_actions, read_key
from osteon.core.errors import ConfigError, FileError, NotEnoughData, SchemaError

KEY = b"a secret of the hospital, 32 by."
DAY = pd.to_datetime


def hospital():
    return pd.DataFrame({
        "participant_id": ["ZY001", "ZY002", "ZY001", "ZY003"],
        "姓名": ["王芳", "李雷", "王芳", "韩梅"],
        "remark": ["电话 13800138000", "", "stable", None],
        "history": ["fell in the kitchen while reaching for a pan on the upper shelf", "none", "none", "none"],
        "sex": ["female", "male", "female", "female"],
        "age_years": [92.0, 61.0, 92.0, 89.0],
        "birth_date": DAY(["1928-02-01", "1959-03-05", "1928-02-01", "1931-06-01"]),
        "visit_date": DAY(["2020-05-01", "2020-06-01", "2020-11-01", "2020-07-01"]),
        "fracture_date": DAY(["2020-06-15", None, "2020-12-24", None]),
        "邮编": ["100084", "710061", "100084", None],
        "bmd_total_hip_g_cm2": [0.7, 0.9, 0.71, 0.8],
        "physician_id": ["D7", "D8", "D7", "D7"],
    }, index=["王芳", "李雷", "王芳 2", "韩梅"])  # fmt: skip


def test_nothing_that_names_a_person_and_no_key_is_left():
    result = deidentify(hospital(), key=KEY)
    assert list(result.table.columns) == ["participant_id", "sex", "age_years", "birth_date", "visit_date",
                                          "fracture_date", "邮编", "bmd_total_hip_g_cm2", "physician_id"]  # fmt: skip
    printed = result.table.to_csv() + "\n".join(describe_actions(result)) + repr(result)
    for secret in (
        "ZY001",
        "ZY002",
        "王芳",
        "李雷",
        "13800138000",
        "kitchen",
        "D7",
        "D8",
        "100084",
        KEY.decode(),
        KEY.hex(),
    ):
        assert secret not in printed
    assert {a.code for a in result.actions} == {
        "dropped_identifier", "dropped_detected", "dropped_free_text", "pseudonym", "date_shift", "age_capped",
        "birth_hidden", "postcode_cut",
    }  # fmt: skip
    detected = next(a for a in result.actions if a.code == "dropped_detected")
    assert (detected.column, detected.detail) == ("remark", "mobile in 1 cells")


def test_pseudonyms_are_stable_for_one_key_and_differ_for_another():
    one, two = deidentify(hospital(), key=KEY).table, deidentify(hospital().iloc[::-1], key=KEY).table
    other = deidentify(hospital(), key=KEY + b"!").table
    assert one["participant_id"].tolist() == two["participant_id"].tolist()[::-1]
    assert one["participant_id"].nunique() == 3
    assert one["participant_id"][0] == one["participant_id"][2]
    assert not set(one["participant_id"]) & set(other["participant_id"])
    assert one["physician_id"][0] != one["participant_id"][0]


def test_a_number_is_one_person_in_all_its_forms():
    forms = [deidentify(pd.DataFrame({"participant_id": values}), key=KEY).table["participant_id"][0]
             for values in ([17], [17.0], ["17"])]  # fmt: skip
    assert len(set(forms)) == 1


def test_dates_move_together_and_keep_order_and_gaps():
    before, after = hospital().reset_index(drop=True), deidentify(hospital(), key=KEY).table
    shift = after["visit_date"] - before["visit_date"]
    assert shift[0] == shift[2]
    assert (shift.dt.days != 0).all() and (shift.dt.days.abs() <= 365).all()
    pd.testing.assert_series_equal(after["fracture_date"] - after["visit_date"],
                                   before["fracture_date"] - before["visit_date"])  # fmt: skip
    assert len(set(shift.dt.days)) > 1


def test_dates_written_as_text_or_numbers_are_shifted_and_dates_in_text_are_dropped():
    table = pd.DataFrame({"participant_id": ["a"], "手术日期": ["2020年1月5日"], "seen": [20200110], "visit_date": ["2020/1/7"],
                          "story": ["since 2020-01-02"]})  # fmt: skip
    result = deidentify(table, key=KEY, options=DeidentifyOptions(allow_text=("story",))).table
    assert list(result.columns) == ["participant_id", "手术日期", "seen", "visit_date"]
    assert (result["seen"] - result["手术日期"])[0] == pd.Timedelta(days=5)
    assert result["手术日期"][0] != pd.Timestamp(2020, 1, 5)


def test_every_shift_is_used_and_none_is_zero():
    people = pd.DataFrame({"participant_id": range(400), "visit_date": DAY("2020-01-01")})
    moved = deidentify(people, key=KEY, options=DeidentifyOptions(max_shift_days=2)).table["visit_date"]
    assert set((moved - DAY("2020-01-01")).dt.days) == {-2, -1, 1, 2}


def test_ages_above_89_are_capped_and_births_that_tell_them_are_hidden():
    result = deidentify(hospital(), key=KEY).table
    assert result["age_years"].tolist() == [90.0, 61.0, 90.0, 89.0]
    assert result["birth_date"].isna().tolist() == [True, False, True, False]
    years = pd.DataFrame({"participant_id": ["a", "b", "c"], "birth_year": [1920.0, 1960, 1950],
                          "age_years": [100.0, 60.0, np.nan]})  # fmt: skip
    hidden = deidentify(years, key=KEY).table
    assert hidden["birth_year"].isna().tolist() == [True, False, True]


def test_age_from_birth_and_visit_hides_an_old_birth_even_if_the_age_says_less():
    table = hospital().assign(age_years=60.0)
    assert deidentify(table, key=KEY).table["birth_date"].isna().tolist() == [True, False, True, False]


def test_text_can_be_allowed_unless_it_holds_identifiers():
    options = DeidentifyOptions(allow_text=("history", "remark"))
    columns = list(deidentify(hospital(), key=KEY, options=options).table.columns)
    assert "history" in columns
    assert "remark" not in columns
    with pytest.raises(SchemaError, match=r"'remark' holds identifiers \(mobile in 1 cells\)"):
        deidentify(hospital(), key=KEY, options=DeidentifyOptions(on_detected="refuse"))


def test_postcodes_keep_three_characters():
    result = deidentify(hospital(), key=KEY).table["邮编"]
    assert result.tolist()[:3] == ["100", "710", "100"]
    assert pd.isna(result[3])
    numeric = deidentify(
        pd.DataFrame({"zip": [100084.0]}), key=KEY, options=DeidentifyOptions(postcode_keep=2)
    )
    assert numeric.table["zip"].tolist() == ["10"]


def test_k_anonymity_by_hand():
    table = pd.DataFrame({"sex": ["f", "f", "m", "m", "m", None], "age": [60, 60, 70, 70, 71, 60]})
    result = k_anonymity(table, ["sex", "age"], smallest=2)
    assert (result.k, result.n_unique, result.n_groups, result.n_rows) == (1, 2, 4, 6)
    assert [size for _, size in result.smallest] == [1, 1]
    assert k_anonymity(table, ["age"]).k == 1
    assert k_anonymity(table.iloc[:4], ["sex"]).k == 2
    assert deidentify(hospital(), key=KEY).k_anonymity.quasi_identifiers == ("age_years", "sex")


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), min_size=1, max_size=40))
def test_more_quasi_identifiers_never_hide_better(rows):
    table = pd.DataFrame(rows, columns=["one", "two"])
    assert k_anonymity(table, ["one", "two"]).k <= k_anonymity(table, ["one"]).k
    twice = pd.concat([table, table])
    assert k_anonymity(twice, ["one", "two"]).k == 2 * k_anonymity(table, ["one", "two"]).k


def test_refusals(tmp_path):
    with pytest.raises(ConfigError, match="5 bytes, expected 16"):
        deidentify(hospital(), key=b"short")
    with pytest.raises(SchemaError, match="cannot be shifted"):
        deidentify(hospital().drop(columns="participant_id"), key=KEY)
    with pytest.raises(SchemaError, match="expected dates"):
        deidentify(pd.DataFrame({"participant_id": ["a"], "visit_date": ["5.1.2020"]}), key=KEY)
    with pytest.raises(SchemaError, match="no column 'nme'"):
        deidentify(hospital(), key=KEY, options=DeidentifyOptions(drop=("nme",)))
    with pytest.raises(ConfigError, match="Known: drop, refuse"):
        DeidentifyOptions(on_detected="keep")
    with pytest.raises(NotEnoughData):
        k_anonymity(pd.DataFrame({"a": []}), ["a"])
    with pytest.raises(SchemaError, match="none given"):
        k_anonymity(pd.DataFrame({"a": [1]}), [])
    with pytest.raises(FileError, match="openssl"):
        read_key(tmp_path / "key.txt")
    (tmp_path / "key.txt").write_bytes(KEY + b"\n")
    assert read_key(tmp_path / "key.txt") == KEY


def test_headers_in_chinese_are_known_by_what_they_mean():
    """A birth date of 92 years is hidden whatever the header's language, and the headers stay as they came."""
    people = pd.DataFrame({
        "患者编号": ["甲1", "乙2", "丙3"],
        "出生日期": pd.to_datetime(["1931-02-03", "1960-05-06", "1950-07-08"]),
        "就诊日期": pd.to_datetime(["2023-03-04", "2023-03-05", "2023-03-06"]),
        "年龄": [92.0, 62.0, 72.0],
        "性别": ["女", "男", "女"],
    })  # fmt: skip
    ours = people.set_axis(["participant_id", "birth_date", "visit_date", "age_years", "sex"], axis=1)
    safe, known = deidentify(people, key=KEY), deidentify(ours, key=KEY)
    assert list(safe.table.columns) == list(people.columns)
    assert safe.table.set_axis(list(known.table.columns), axis=1).equals(known.table)
    assert pd.isna(safe.table["出生日期"][0])
    assert safe.table["年龄"][0] == 90.0
    assert safe.k_anonymity == known.k_anonymity
    assert "甲1" not in set(safe.table["患者编号"])
