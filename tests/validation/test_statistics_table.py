"""The committed table of statistics is what the code gives today, and nothing an oracle knows is left out of it."""

import csv
import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "validation"


@pytest.fixture(scope="module")
def table():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("statistics_table")


@pytest.fixture(scope="module")
def today(table):
    return list(table.rows())


@pytest.fixture(scope="module")
def committed():
    with (FOLDER / "statistics.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_number_agrees_with_its_oracle(table, today):
    assert [row.cells() for row in today if row.agrees == "NO"] == []
    assert sum(row.agrees == "yes" for row in today) > 150


def test_committed_table_is_complete_and_that_of_today(table, today, committed):
    assert {row["agrees"] for row in committed} == {"yes"}
    then = {(row["statistic"], row["oracle"]): row for row in committed}
    assert len(then) == len(committed)
    for row in today:
        if row.agrees == table.ABSENT:
            continue
        now = dict(zip(table.COLUMNS, row.cells(), strict=True))
        was = then.pop((row.statistic, row.oracle))
        assert {key: was[key] for key in ("input", "expected", "tolerance", "agrees")} == {
            key: now[key] for key in ("input", "expected", "tolerance", "agrees")
        }
    absent = {row.statistic for row in today if row.agrees == table.ABSENT}
    assert {statistic for statistic, _ in then} <= absent


def test_header_counts_what_the_rows_say(committed):
    text = (FOLDER / "statistics.md").read_text(encoding="utf-8")
    assert f"**{len(committed)} of {len(committed)} numbers agree**" in text
    assert text.count("| yes |") == len(committed)


def test_nothing_an_oracle_knows_is_left_out(table, today):
    absent = {row.oracle.split(", ")[-1] for row in today if row.agrees == table.ABSENT}
    left_out = [path for path in table.uncovered() if not any(path.startswith(part) for part in absent)]
    assert left_out == []


@pytest.mark.parametrize("file", ["van_dyke", "recomputed", "textbook_model", "clustered"])
def test_an_oracle_without_its_check_is_noticed(table, file):
    checks = tuple(check for check in table.CHECKS if file not in check.oracle)
    assert len(checks) < len(table.CHECKS)
    assert any(path.startswith(f"{file} ") for path in table.uncovered(checks))


def test_a_wrong_number_is_called_wrong(table):
    known = table.oracle("statistics/proportions")["mcnemar"]
    wrong = [{"chi2": case["chi2"] + 1e-6, "p": case["p"]} for case in known]
    check = table.Check(
        statistic="wrong", package="-", oracle="proportions:mcnemar", data="-", answer=lambda: wrong
    )
    assert [row.agrees for row in table.rows((check,))] == ["NO", "yes"] * len(known)


def test_an_absent_input_is_said_and_not_counted(table, tmp_path):
    def without_input():
        raise table.InputAbsent("lung.csv")

    check = table.Check(
        statistic="x", package="-", oracle="survival:kaplan_meier", data="lung.csv", answer=without_input
    )
    rows = list(table.rows((check,)))
    assert [row.agrees for row in rows] == ["input not available"]
    table.write(rows, tmp_path)
    assert "**0 of 0 numbers agree**" in (tmp_path / "statistics.md").read_text()
    assert "1 checks without their input" in (tmp_path / "statistics.md").read_text()
