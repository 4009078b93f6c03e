import io

import openpyxl
import pandas as pd
import pytest

from osteon.cohort.schema import schema
from osteon.cohort.sources.table import read
from osteon.cohort.template import LANGUAGES, patient_sheet, template, template_fields, template_header
from osteon.core.errors import ConfigError, FileError, SchemaError

PATIENTS = {
    "participant_id": ["0012", "0013", "0014"],
    "visit_date": pd.to_datetime(["2024-03-01", "2024-03-02", "2024-03-05"]),
    "age_years": [61.0, 72.0, None],
    "sex": ["female", "male", "female"],
    "weight_kg": [55.5, 70.0, 61.0],
    "smoking_current": [0.0, 1.0, None],
    "education": ["high_school", None, "college_graduate"],
    "bmd_femoral_neck_g_cm2": [0.702, 0.811, 0.56],
    "t_femoral_neck": [-1.3, -0.4, -2.5],
    "vitamin_d_25oh_nmol_l": [48.0, 71.0, 39.5],
    "calcium_mmol_l": [2.31, 2.4, 2.2],
}


def sheets(lang):
    return openpyxl.load_workbook(io.BytesIO(template(lang)))


def spoken(name, value, lang):
    """A value as a person writes it into the sheet."""
    if value is None or pd.isna(value):
        return None
    field = schema().fields[name]
    if field.kind == "flag":
        return {"en": {1.0: "yes", 0.0: "no"}, "zh": {1.0: "是", 0.0: "否"}}[lang][value]
    if field.kind in ("category", "ordinal") and lang == "zh":
        return next(word for word in field.codes[value] if "\u4e00" <= word[0] <= "\u9fff")
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def fill(path, lang, patients):
    book = sheets(lang)
    sheet = book.worksheets[0]
    at = {cell.value: cell.column for cell in sheet[1]}
    for name, values in patients.items():
        for row, value in enumerate(values, start=2):
            sheet.cell(
                row=row,
                column=at[template_header(schema().fields[name], lang)],
                value=spoken(name, value, lang),
            )
    book.save(path)
    return path


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_filled_in_is_read_back(lang, tmp_path):
    cohort = read(fill(tmp_path / "filled.xlsx", lang, PATIENTS))
    table = cohort.table
    assert cohort.source == "hospital"
    assert set(table.columns) == set(PATIENTS) | {"osteoporosis_fn"}
    assert table["osteoporosis_fn"].tolist() == [0.0, 0.0, 1.0]
    for name, values in PATIENTS.items():
        wanted = pd.Series(values)
        pd.testing.assert_series_equal(
            table[name].astype(wanted.dtype), wanted, check_names=False, check_dtype=False
        )
    assert table["education"].cat.ordered
    assert {c.code for c in cohort.log} == {"column_empty", "derived", "renamed"}


def test_both_languages_give_the_same_table(tmp_path):
    english, chinese = (read(fill(tmp_path / f"{lang}.xlsx", lang, PATIENTS)).table for lang in LANGUAGES)
    pd.testing.assert_frame_equal(english, chinese)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_header_means_its_field_and_every_word_of_a_list_its_category(lang):
    headers = [cell.value for cell in sheets(lang).worksheets[0][1]]
    assert headers == [template_header(field, lang) for field in template_fields()]
    assert len(set(headers)) == len(headers) > 100
    for header, field in zip(headers, template_fields(), strict=True):
        found, unit = schema().find(header)
        assert found is field
        assert unit in (None, field.unit)
    rules = {str(r.sqref): r for r in sheets(lang).worksheets[0].data_validations.dataValidation}
    for letter, field in zip(
        sheets(lang).worksheets[0].iter_cols(1, len(headers), 1, 1), template_fields(), strict=True
    ):
        if field.categories:
            words = (
                rules[f"{letter[0].column_letter}2:{letter[0].column_letter}2000"]
                .formula1.strip('"')
                .split(",")
            )
            assert [field.category(word) for word in words] == list(field.categories)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_dictionary_tells_name_unit_limits_and_values(lang):
    rows = list(sheets(lang).worksheets[1].iter_rows(min_row=2, values_only=True))
    by_name = {row[1]: row for row in rows}
    assert list(by_name) == [field.name for field in template_fields()]
    calcium = by_name["calcium_mmol_l"]
    assert calcium[3:7] == ("mmol/L", None, 1, 5)
    assert by_name["sex"][4] == {"en": "female, male", "zh": "女, 男"}[lang]
    assert by_name["smoking_current"][4] == {"en": "yes, no", "zh": "是, 否"}[lang]


def test_headers_carry_a_comment_with_limits_or_an_example():
    sheet = sheets("zh").worksheets[0]
    comments = {cell.value: cell.comment.text for cell in sheet[1]}
    assert comments["体重 (kg)"] == "合理范围: 20 - 300 kg"
    assert "2024-05-17" in comments[template_header(schema().fields["visit_date"], "zh")]


def test_a_wrong_cell_is_named_by_row_and_column(tmp_path):
    path = fill(tmp_path / "x.xlsx", "zh", {**PATIENTS, "age_years": [61.0, "about 70", 50.0]})
    with pytest.raises(SchemaError, match=r"row 3, column 年龄 \(year\): 'about 70' is not a number"):
        read(path)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_template_is_known_by_its_sheets_in_any_order_and_a_header(lang, tmp_path):
    path = fill(tmp_path / "x.xlsx", lang, PATIENTS)
    book = openpyxl.load_workbook(path)
    name = book.sheetnames[0]
    assert patient_sheet(path) == name
    book.move_sheet(book.worksheets[0], offset=1)
    book.save(path)
    assert len(read(path).table) == 3
    book[name].delete_cols(1, len(template_fields()))
    book[name].append(["something", "else"])
    book.save(path)
    assert patient_sheet(path) is None


def test_other_workbooks_are_no_template_and_an_empty_column_of_theirs_is_refused(tmp_path):
    path = tmp_path / "own.xlsx"
    pd.DataFrame({"id": [1, 2], "age": [61, 72], "weight": [None, None]}).to_excel(path, index=False)
    assert patient_sheet(path) is None
    with pytest.raises(SchemaError, match="column weight: not one value in 2 rows"):
        read(path)
    path.write_bytes(template("en")[:3000])
    assert patient_sheet(path) is None
    with pytest.raises(FileError, match="not a readable workbook"):
        read(path)


def test_an_unfilled_template_has_no_rows(tmp_path):
    path = tmp_path / "empty.xlsx"
    path.write_bytes(template("zh"))
    with pytest.raises(FileError, match="a header but no rows"):
        read(path)


def test_other_languages_are_refused():
    with pytest.raises(ConfigError, match="Known: en, zh"):
        template("fr")
