"""A user's table before a study: whole columns in another unit are refused, single impossible cells cleared and logged."""

import io

import numpy as np
import openpyxl
import pytest

from osteon.cohort.schema import schema
from osteon.cohort.sources import checked
from osteon.cohort.template import template, template_header
from osteon.core.errors import UnitError

ROWS = 40


def saved(tmp_path, **columns):
    columns = {"id": range(ROWS), "age": [60 + i % 20 for i in range(ROWS)]} | columns
    lines = [",".join(columns)] + [
        ",".join(str(values[i]) for values in columns.values()) for i in range(ROWS)
    ]
    path = tmp_path / "patients.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def around(centre, spread):
    return [round(centre + spread * np.sin(i), 3) for i in range(ROWS)]


@pytest.mark.parametrize(
    ("header", "values", "words"),
    [
        ("calcium", around(9.5, 0.5), r'column calcium: .* are in mg/dL, expected mmol/L.*"calcium \(mg/dL\)"'),
        ("钙（mmol/L）", around(9.5, 0.5), r'are in mg/dL, expected mmol/L.*"钙 \(mg/dL\)"'),
        ("calcium_mmol_l", around(9.5, 0.5), "are in mg/dL"),
        ("height", around(1.62, 0.1), "column height: .* are in m, expected cm"),
        ("25OHD", around(24, 8), "column 25OHD: .* may be in ng/mL, expected nmol/L"),
        ("weight", around(140, 20), "column weight: .* may be in lb, expected kg"),
        ("weight", around(60000, 9000), "column weight: 40 of 40 values lie outside 20 to 300 kg"),
        ("calcium (mg/dL)", around(2.4, 0.1), "40 of 40 values lie outside 1 to 5 mmol/L"),
    ],
)  # fmt: skip
def test_a_whole_column_in_another_unit_is_refused(tmp_path, header, values, words):
    with pytest.raises(UnitError, match=words):
        checked.read(saved(tmp_path, **{header: values}))


@pytest.mark.parametrize(
    ("header", "values", "column", "median"),
    [
        ("calcium (mg/dL)", around(9.5, 0.5), "calcium_mmol_l", 9.5 * 0.2495),
        ("25OHD (nmol/L)", around(24, 8), "vitamin_d_25oh_nmol_l", 24),
        ("25OHD (ng/mL)", around(24, 8), "vitamin_d_25oh_nmol_l", 24 * 2.496),
        ("身高 (m)", around(1.62, 0.1), "height_cm", 162),
    ],
)
def test_a_declared_unit_is_believed(tmp_path, header, values, column, median):
    table = checked.read(saved(tmp_path, **{header: values})).table
    assert table[column].median() == pytest.approx(median, rel=0.03)


def test_a_cell_that_cannot_be_becomes_missing_and_is_logged(tmp_path):
    bmi = around(25, 3)
    bmi[7] = 250
    cohort = checked.read(saved(tmp_path, bmi=bmi))
    assert np.isnan(cohort.table["bmi_kg_m2"][7])
    (change,) = [c for c in cohort.log if c.code == "impossible"]
    assert (change.column, change.row, change.before) == ("bmi_kg_m2", "7", "250.0")
    assert not [c for c in cohort.log if c.code == "outside_limits"]


def test_an_impossible_t_score_is_no_osteoporosis(tmp_path):
    neck = around(-1, 0.5)
    neck[3], neck[4] = -25, -2.5
    table = checked.read(saved(tmp_path, **{"neck t-score": neck})).table
    assert np.isnan(table["osteoporosis_fn"][3])
    assert table["osteoporosis_fn"].sum() == 1


def test_the_filled_hospital_sheet_is_known_by_its_sheets(tmp_path):
    book = openpyxl.load_workbook(io.BytesIO(template("zh")))
    sheet = book.worksheets[0]
    at = {cell.value: cell.column for cell in sheet[1]}
    age, neck = (at[template_header(schema().fields[name], "zh")] for name in ("age_years", "t_femoral_neck"))
    for row in range(2, 32):
        sheet.cell(row=row, column=age, value=50 + row)
        sheet.cell(row=row, column=neck, value=-row / 10)
    book.save(tmp_path / "sheet.xlsx")
    table = checked.read(tmp_path / "sheet.xlsx").table
    assert len(table) == 30
    assert table["osteoporosis_fn"].sum() == 7  # rows 25 to 31


def test_rows_that_contradict_themselves_are_named_and_kept(tmp_path):
    """A T-score that its own density cannot give stands in the log with its row; the values stay."""
    rows = [f"{i},{60 + i % 20},female,0.700,{-1.3 if i else 0.9}" for i in range(30)]
    path = tmp_path / "people.csv"
    path.write_text(
        "participant_id,age_years,sex,bmd_femoral_neck_g_cm2,t_femoral_neck\n" + "\n".join(rows) + "\n"
    )
    cohort = checked.read(path)
    (odd,) = [change for change in cohort.log if change.code == "contradiction"]
    assert odd.n == 1
    assert "t_femoral_neck" in odd.column
    assert odd.row == "0"
    assert cohort.table["t_femoral_neck"][0] == 0.9
