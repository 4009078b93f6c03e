"""Records of several files under common names, each row traceable."""

import pandas as pd
import pytest

from osteon.cohort.records import identifiers_of, patient_records
from osteon.core.errors import SchemaError


def saved(tmp_path, name, text, encoding="utf-8"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, encoding=encoding)
    return tmp_path / name


def test_two_languages_one_table(tmp_path):
    english = saved(
        tmp_path, "a.csv", "Full name,Date of birth,Sex,Phone,bmi\nWang Xiuying,1950-03-01,F,13800000001,24\n"
    )
    chinese = saved(
        tmp_path,
        "b.csv",
        "姓名,出生日期,性别,手机号\n王秀英,1950年3月1日,女,13800000001\n李建国,,男,\n",
        "gb18030",
    )
    records, source = patient_records([english, chinese])
    assert list(records.index) == ["a.csv:2", "b.csv:2", "b.csv:3"]
    assert source.tolist() == ["a.csv", "b.csv", "b.csv"]
    assert set(records.columns) == {"name", "birth_date", "sex", "phone"}
    assert records["sex"].tolist() == ["female", "female", "male"]
    assert records["birth_date"].tolist()[:2] == [pd.Timestamp("1950-03-01")] * 2
    assert records["phone"].tolist()[:2] == ["13800000001"] * 2
    assert records.isna().loc["b.csv:3", ["birth_date", "phone"]].all()
    assert identifiers_of(records).columns == ("name", "birth_date", "sex", "phone")


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    text = "surname,given name,dob\nSmith,Ann,1950-03-01\n"
    paths = [saved(tmp_path, f"{folder}/x.csv", text) for folder in ("a", "b")]
    records, _ = patient_records(paths)
    assert list(records.index) == [f"{path}:2" for path in paths]
    assert identifiers_of(records).names == ("surname", "given_name")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,姓名,dob\na,b,1950-01-01\n", "'姓名' is a second name"),
        ("name,dob\na,1.2.1950\n", "row 2, column dob: '1.2.1950' is not a date"),
        ("name,sex\na,x\n", "row 2, column sex: 'x' has no meaning"),
    ],
)
def test_refusals(tmp_path, text, words):
    with pytest.raises(SchemaError, match=words):
        patient_records([saved(tmp_path, "a.csv", text)])


def test_without_a_name_there_is_nothing_to_compare(tmp_path):
    records, _ = patient_records([saved(tmp_path, "a.csv", "sex,dob\nfemale,1950-01-01\n")])
    with pytest.raises(SchemaError, match="no column name is known"):
        identifiers_of(records)
