"""Bad input through the real command line: exit 2, one clear line, and nothing half-written."""

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "xpt_writer", Path(__file__).parents[1] / "cohort" / "xpt_writer.py"
)
xpt_writer = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(xpt_writer)


@pytest.fixture
def refused(osteon, tmp_path):
    """Run the study on ``data``, demand a clean refusal and give its one line back."""

    def run(data, *argv, study="fracture-risk", out=None, **options):
        place = tmp_path / "reports"
        place.mkdir()
        out = place / "report" if out is None else out
        said = osteon("study", "run", study, "--data", data, "--out", out, *argv, **options)
        assert said.code == 2, said.stderr
        assert said.stdout == ""
        lines = said.stderr.splitlines()
        assert len(lines) == 1, said.stderr
        assert lines[0].startswith("osteon: ")
        assert "Traceback" not in said.stderr
        assert list(place.iterdir()) == [], "something half-written was left"
        return lines[0]

    return run


def changed(column, row, value):
    """Put ``value`` into one cell; ``row`` as a spreadsheet numbers it."""

    def damage(table):
        table[column] = table[column].astype(object)
        table.loc[row - 2, column] = value
        return table

    return damage


def test_a_missing_file(refused):
    line = refused("/nowhere/patients.csv")
    assert "/nowhere/patients.csv: no such file or folder" in line
    assert "nhanes, glow, estonia, virtual, published" in line


def test_a_missing_folder_member(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds 0 tables, expected one" in refused(tmp_path / "empty")


def test_a_wrong_delimiter(refused, patients):
    line = refused(patients(sep="|"))
    assert "patients.csv" in line
    assert "'|'" in line
    assert "commas, semicolons or tabs" in line


@pytest.mark.parametrize(
    ("column", "change", "words"),
    [
        ("Calcium (mmol/L)", lambda x: (x / 0.2495).round(1), ["column Calcium:", "are in mg/dL", '"Calcium (mg/dL)"']),
        ("Height (cm)", lambda x: x / 100, ["column Height:", "are in m, expected cm", '"Height (m)"']),
        ("25OHD (nmol/L)", lambda x: (x / 2.496).round(1), ["column 25OHD:", "may be in ng/mL", '"25OHD (nmol/L)"']),
        ("Weight (kg)", lambda x: x * 1000, ["column Weight:", "300 of 300 values lie outside 20 to 300 kg"]),
    ],
    ids=["calcium", "height", "vitamin-d", "weight"],
)  # fmt: skip
def test_a_column_in_another_unit(refused, patients, column, change, words):
    bare = column.split(" (")[0]
    line = refused(
        patients(lambda table: table.assign(**{column: change(table[column])}).rename(columns={column: bare}))
    )
    for word in ["patients.csv", *words]:
        assert word in line


def test_text_in_a_number_column(refused, patients):
    line = refused(patients(changed("Weight (kg)", 17, "sixty")))
    assert "patients.csv: row 17, column Weight (kg): 'sixty' is not a number" in line
    assert "Correct the cell or leave it empty" in line


def test_a_code_nobody_can_know(refused, patients):
    line = refused(patients(changed("Smoker", 5, "2")))
    assert "row 5, column Smoker: '2' has no meaning here. Expected yes/no" in line


def test_duplicate_ids(refused, patients):
    line = refused(patients(changed("ID", 9, "Z0000")))
    assert "rows 2 and 9, column ID: the id 'Z0000' is repeated" in line
    assert "link the duplicates" in line


def test_an_empty_column(refused, patients):
    line = refused(patients(lambda table: table.assign(**{"Weight (kg)": ""})))
    assert "column Weight (kg): not one value in 300 rows" in line
    assert "Fill the column or remove it" in line


def test_one_class_only(refused, patients):
    bone = ["Femoral neck T-score", "Lumbar T-score"]
    line = refused(patients(lambda table: table.drop(columns=bone).assign(**{"Fracture ever": "no"})))
    assert "fracture_ever: all 300 rows with a known outcome are non-events, one class only" in line


def test_no_outcome_at_all(refused, patients):
    gone = ["Femoral neck T-score", "Lumbar T-score", "Fracture ever"]
    line = refused(patients(lambda table: table.drop(columns=gone)))
    assert "the table holds no outcome" in line
    assert "fracture_ever" in line


def test_twelve_rows(refused, patients):
    line = refused(patients(n=12))
    assert "12 rows are left, at least 100 are needed" in line


def test_a_transport_file_cut_in_half(refused, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    people = {"SEQN": [float(i) for i in range(1, 201)]}
    xpt_writer.write_xpt(folder / "P_DEMO.XPT", people | {"RIDAGEYR": [60.0] * 200, "RIAGENDR": [2.0] * 200})
    whole = xpt_writer.write_xpt(folder / "P_DXXFEM.XPT", people | {"DXXNKBMD": [0.7] * 200})
    (folder / "P_DXXFEM.XPT").write_bytes(whole[: len(whole) // 2])
    line = refused(folder)
    assert "P_DXXFEM.XPT" in line
    assert "cut short" in line


# The forms of the report are of these sizes, so each limit stops another of them: page, PDF, Word, tables.
@pytest.mark.parametrize("bytes_left", [10, 20_000, 35_000, 60_000])
def test_a_full_disk(refused, bytes_left):
    line = refused("published", largest_file=bytes_left)
    assert "cannot be written" in line
    assert "Nothing was left half-written" in line


def test_a_report_where_a_file_stands(refused, tmp_path):
    (tmp_path / "taken").write_text("mine")
    line = refused("published", out=tmp_path / "taken")
    assert "taken: is a file, expected a folder" in line
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_file_in_the_way_is_told_before_the_work(refused, patients, tmp_path):
    (tmp_path / "taken").write_text("mine")
    line = refused(patients(sep="|"), out=tmp_path / "taken")
    assert "is a file, expected a folder" in line


def test_an_unknown_study(refused):
    assert "unknown study 'fracture-risks'. Did you mean 'fracture-risk'?" in refused(
        "virtual", study="fracture-risks"
    )


def test_an_unknown_kind_of_data(refused):
    assert "nhanse: no such file or folder, and no kind of data the study knows" in refused("nhanse")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foldes = 3\n", "unknown key 'foldes'. Did you mean 'folds'?"),
        ('folds = "three"\n', "folds: 'three' is a str, expected a int"),
        ('learners = ["logistik"]\n', "learners: unknown"),
        ("folds = 3\nfolds = 4\n", "not valid TOML"),
        ("folds = 1\n", "folds needs 2 or more"),
    ],
)
def test_an_unfit_configuration(refused, tmp_path, text, words):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    line = refused("virtual", "--config", path)
    assert "mine.toml" in line
    assert words in line


def test_an_unknown_configuration(refused):
    assert "unknown configuration 'fast'. Known: default, quick, full" in refused(
        "virtual", "--config", "fast"
    )


@pytest.mark.parametrize("kind", ["nhanes", "glow", "estonia"])
def test_public_data_that_are_not_there(refused, kind):
    line = refused(kind)
    assert "OSTEON_DATA is not set" in line
    assert "osteon data fetch" in line


def test_a_data_folder_without_the_set(refused, tmp_path):
    line = refused("nhanes", env={"OSTEON_DATA": str(tmp_path)})
    assert "is not there" in line
    assert "osteon data fetch nhanes_2017_2020" in line


@pytest.mark.slow
def test_chinese_names_in_gb18030_are_read(osteon, patients, tiny, tmp_path):
    path = patients(chinese=True, encoding="gb18030")
    said = osteon(
        "study",
        "run",
        "fracture-risk",
        "--data",
        path,
        "--config",
        tiny,
        "--out",
        tmp_path / "out",
        "--lang",
        "zh",
    )
    assert (said.code, said.stderr) == (0, "")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "王秀英" not in page
    assert "年龄" in (tmp_path / "out" / "cleaning-log.csv").read_text(encoding="utf-8-sig")
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []
