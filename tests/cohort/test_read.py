"""Files as they come: encodings, delimiters, workbooks; and each kind of damage with one clear line."""

import contextlib
import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from osteon.cohort.read import read_table
from osteon.cohort.schema import schema
from osteon.cohort.sources import table as user_table
from osteon.core.errors import FileError, NotEnoughData, OsteonError, SchemaError, UnitError

CHINESE = "患者编号,性别,年龄,血钙(mmol/L),既往骨折史\n007,女,71,2.31,是\n008,男,66,2.4,无\n"


def saved(tmp_path, text, name="patients.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "gbk"])
def test_encodings_are_found(tmp_path, encoding):
    table = read_table(saved(tmp_path, CHINESE, encoding=encoding))
    assert list(table.columns) == ["患者编号", "性别", "年龄", "血钙(mmol/L)", "既往骨折史"]
    assert table["性别"].tolist() == ["女", "男"]
    assert table["患者编号"].tolist() == ["007", "008"]
    assert table["年龄"].tolist() == [71, 66]


def test_rare_names_in_gb18030(tmp_path):
    table = read_table(saved(tmp_path, "编号,姓名\n1,𬍤璟\n2,㛃\n", encoding="gb18030"))
    assert table["姓名"].tolist() == ["𬍤璟", "㛃"]


def test_latin_1_is_not_taken_for_chinese(tmp_path):
    with pytest.raises(FileError, match=r"row 2 is not text in utf-8.*Save the file as UTF-8"):
        read_table(saved(tmp_path, "id,name\n1,Müller\n2,Jürgen\n", encoding="latin-1"))


@pytest.mark.parametrize(("mark", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")])
def test_delimiters_are_found(tmp_path, mark, name):
    table = read_table(saved(tmp_path, f"id{mark}age{mark}bmi\n1{mark}70{mark}24.5\n"))
    assert table.shape == (1, 3)
    assert table.attrs["delimiter"] == name


def test_decimal_commas_of_semicolon_files(tmp_path):
    table = read_table(saved(tmp_path, "id;bmi;note\n1;24,5;a,b\n2;31,25;c\n"))
    assert table["bmi"].tolist() == [24.5, 31.25]
    assert table["note"].tolist() == ["a,b", "c"]


def test_gzip_parquet_and_quoted_cells(tmp_path):
    path = tmp_path / "p.csv.gz"
    path.write_bytes(gzip.compress(b'id,note\n1,"a, b"\n'))
    assert read_table(path)["note"].tolist() == ["a, b"]
    frame = pd.DataFrame({"id": ["a", "b"], "bmi": [20.5, np.nan]})
    frame.to_parquet(tmp_path / "p.parquet")
    table = read_table(tmp_path / "p.parquet")
    assert table["bmi"].tolist()[0] == 20.5
    assert list(table.index) == [2, 3]


def workbook(tmp_path, *rows, title="data"):
    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.create_sheet("empty")
    path = tmp_path / "p.xlsx"
    book.save(path)
    return path


def test_workbook(tmp_path):
    path = workbook(tmp_path, ["编号", "年龄", None], [1, 70, None], [None, None, None], [2, "未测", None])
    table = read_table(path)
    assert list(table.columns) == ["编号", "年龄"]
    assert list(table.index) == [2, 4]
    assert table["年龄"].tolist()[0] == 70
    assert np.isnan(table["年龄"].tolist()[1])
    with pytest.raises(FileError, match=r"p\.xlsx: no sheet 'x'\. It holds data, empty"):
        read_table(path, sheet="x")
    with pytest.raises(FileError, match="the sheet is empty"):
        read_table(path, sheet="empty")


def test_blank_or_merged_header_is_refused(tmp_path):
    with pytest.raises(SchemaError, match="column 2 has no header"):
        read_table(workbook(tmp_path, ["编号", None, "年龄"], [1, 70, 3]))


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", FileError, "the file is empty"),
        ("id,age\n", FileError, "a header but no rows"),
        ("id|age|sex\n1|70|f\n", FileError, r"one column only.*'id\|age\|sex'.*delimited by '\|'"),
        ("id,age,Age\n1,2,3\n", SchemaError, "'Age' stands over columns 2 and 3"),
        ("id,age\n1,2,3\n", SchemaError, "row 2 has 3 cells, the header has 2"),
        ("id,age,bmi\n1,2,3\n2,5\n", SchemaError, "row 3 has 2 cells, the header has 3"),
    ],
)
def test_damaged_text_files(tmp_path, text, error, words):
    with pytest.raises(error, match=words) as caught:
        read_table(saved(tmp_path, text))
    assert "patients.csv" in str(caught.value)


def test_damaged_other_files(tmp_path):
    with pytest.raises(FileError, match=r"nothing\.csv: no such file"):
        read_table(tmp_path / "nothing.csv")
    with pytest.raises(FileError, match="not a readable workbook"):
        read_table(saved(tmp_path, "id,age", name="p.xlsx"))
    with pytest.raises(FileError, match="not a readable Parquet"):
        read_table(saved(tmp_path, "id,age", name="p.parquet"))
    with pytest.raises(FileError, match=r"Save it as \.xlsx"):
        read_table(saved(tmp_path, "id,age", name="p.xls"))
    with pytest.raises(FileError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(FileError, match="gzip stream is damaged or cut short"):
        read_table(saved(tmp_path, gzip.compress(b"id,age\n" * 999)[:-20], name="p.csv.gz"))
    with pytest.raises(FileError, match=r"';' gives one column only\. Comma would give 2"):
        read_table(saved(tmp_path, "id,age\n1,2\n"), delimiter=";")


# ------------------------------------------------------------------------------------- a user's table


def test_chinese_table_in_our_names(tmp_path):
    cohort = user_table.read(saved(tmp_path, CHINESE, encoding="gb18030"))
    table = cohort.table
    assert table["participant_id"].tolist() == ["007", "008"]
    assert table["sex"].tolist() == ["female", "male"]
    assert table["fracture_prior"].tolist() == [1.0, 0.0]
    assert table["calcium_mmol_l"].tolist() == [2.31, 2.4]
    assert {c.code for c in cohort.log} == {"renamed"}


def test_units_are_converted_and_unknown_columns_kept(tmp_path):
    text = "id,25OHD (ng/mL),Ca (mg/dL),height (m),shoe size,mood\n1,20,9.6,1.60,38,good\n2,30,9.1,1.75,44,\n"
    cohort = user_table.read(saved(tmp_path, text))
    table = cohort.table
    assert table["vitamin_d_25oh_nmol_l"].tolist() == pytest.approx([49.92, 74.88])
    assert table["calcium_mmol_l"].tolist() == pytest.approx([9.6 * 0.2495, 9.1 * 0.2495])
    assert table["height_cm"].tolist() == pytest.approx([160, 175])
    assert table["shoe size"].tolist() == [38.0, 44.0]
    assert [c.column for c in cohort.log if c.code == "kept_unknown"] == ["shoe size", "mood"]
    assert sum(c.code == "converted" for c in cohort.log) == 3


def test_units_told_by_the_caller(tmp_path):
    path = saved(tmp_path, "id,25OHD\n1,20\n2,31\n")
    assert user_table.read(path, units={"25OHD": "ng/mL"}).table["vitamin_d_25oh_nmol_l"].tolist()[
        0
    ] == pytest.approx(49.92)
    assert user_table.read(path).table["vitamin_d_25oh_nmol_l"].tolist()[0] == 20


def test_values_outside_the_limits_are_reported_not_changed(tmp_path):
    cohort = user_table.read(saved(tmp_path, "id,bmi\n1,24\n2,240\n"))
    assert cohort.table["bmi_kg_m2"].tolist() == [24, 240]
    (change,) = [c for c in cohort.log if c.code == "outside_limits"]
    assert (change.column, change.n) == ("bmi_kg_m2", 1)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("id,bmi_kg_m2\n" + "".join(f"{i},24\n" for i in range(15)) + "15,abc\n", SchemaError,
         r"patients\.csv: row 17, column bmi_kg_m2: 'abc' is not a number"),
        ("id,25OHD (nmol/L)\n1,<4\n2,50\n", SchemaError, "'<4' is not a number.*limit of detection"),
        ("id,age\n7,60\n8,61\n7,62\n", SchemaError, "rows 2 and 4, column id: the id '7' is repeated"),
        ("id,age\n1,60\n,61\n", SchemaError, "row 3, column id: the id is missing"),
        ("id,age,bmi\n1,60,\n2,61,NA\n", SchemaError, "column bmi: not one value in 2 rows"),
        ("id,sex\n1,1\n2,2\n", SchemaError, "row 2, column sex: '1' has no meaning here. Expected female, male"),
        ("id,stroke\n1,2\n2,1\n", SchemaError, "row 2, column stroke: '2' has no meaning here"),
        ("id,bmi\n1,24\n2,1e999\n", SchemaError, "row 3, column bmi: the number is infinite or too large"),
        ("id,Ca (stone)\n1,2\n2,1\n", UnitError, "unknown unit 'stone'"),
        ("id,age,年龄\n1,2,3\n", SchemaError, "the columns 'age' and '年龄' both mean age_years"),
        ("id,visit date\n1,3.4.2020\n", SchemaError, "row 2, column visit date: '3.4.2020' is not a date"),
    ],
)  # fmt: skip
def test_bad_cells_are_named(tmp_path, text, error, words):
    with pytest.raises(error, match=words):
        user_table.read(saved(tmp_path, text))


def test_too_few_rows(tmp_path):
    with pytest.raises(NotEnoughData, match="2 rows are left, at least 100 are needed"):
        user_table.read(saved(tmp_path, "id,age\n1,60\n2,61\n"), min_rows=100)


def test_dates_year_first(tmp_path):
    text = "id,就诊日期\n1,2023年5月17日\n2,2023-05-18\n3,20230519\n4,\n"
    dates = user_table.read(saved(tmp_path, text)).table["visit_date"]
    assert dates.dt.day.tolist()[:3] == [17, 18, 19]
    assert pd.isna(dates[3])


def test_osteoporosis_from_printed_t_scores_never_from_bmd_alone(tmp_path):
    text = "id,股骨颈T值,腰椎T值\n1,-2.5,-1\n2,-1,\n3,-2.4,-2.6\n"
    table = user_table.read(saved(tmp_path, text)).table
    assert table["osteoporosis_fn"].tolist() == [1.0, 0.0, 0.0]
    assert table["osteoporosis_fn_or_ls"].tolist() == [1.0, 0.0, 1.0]
    assert table["both_sites_measured"].tolist() == [1.0, 0.0, 1.0]
    bmd_only = user_table.read(saved(tmp_path, "id,股骨颈骨密度\n1,0.5\n2,0.9\n")).table
    assert "osteoporosis_fn" not in bmd_only


def test_our_own_table_is_read_unchanged(tmp_path):
    names = ["participant_id", *schema().of("laboratory"), "sex", "stroke"]
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({n: rng.uniform(1, 2, 20).round(3) for n in names})
    frame["participant_id"] = [f"p{i}" for i in range(20)]
    frame["sex"] = pd.Categorical(rng.choice(["female", "male"], 20), categories=["female", "male"])
    frame["stroke"] = rng.integers(0, 2, 20).astype(float)
    path = tmp_path / "own.csv"
    frame.to_csv(path, index=False)
    again = user_table.read(path).table
    pd.testing.assert_frame_equal(again[frame.columns], frame, check_dtype=False)


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    frame = pd.DataFrame({"id": range(9), "note": list("abcdefghi")})
    (folder / "p.csv").write_bytes(CHINESE.encode("gb18030"))
    frame.to_excel(folder / "p.xlsx", index=False)
    frame.to_parquet(folder / "p.parquet")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@given(st.sampled_from(["p.csv", "p.xlsx", "p.parquet"]), st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_read_or_refused_never_a_crash(whole_files, tmp_path_factory, name, seed):
    rng = np.random.default_rng(seed)
    content = bytearray(whole_files[name])
    for place in rng.integers(0, len(content), rng.integers(1, 6)):
        content[place] = rng.integers(0, 256)
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(content[: rng.integers(1, len(content) + 1)])
    with contextlib.suppress(OsteonError):
        read_table(path)
