"""``osteon study run ovcf-reading``: from the published page, a plan, a site's table and a simulated study to a report."""

import csv
import io
import json

import pandas as pd
import pytest

PLANTED = 'power_draws = 0\n[virtual]\ncases = 30\nai = "planted"\n'


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "ours.toml"
    path.write_text(PLANTED)
    return path


@pytest.fixture(scope="module")
def study(osteon, tmp_path_factory, config):
    """Run the study once for each kind of data and language."""
    done = {}

    def run(data, lang="en"):
        if (data, lang) not in done:
            out = tmp_path_factory.mktemp("study") / "out"
            said = osteon("study", "run", "ovcf-reading", "--data", data, "--config", config, "--seed", 7, "--out", out,
                          "--lang", lang)  # fmt: skip
            assert said.code == 0, said.stderr
            assert said.stderr == ""
            done[data, lang] = (
                out,
                said.stdout,
                json.loads((out / "results.json").read_text(encoding="utf-8")),
            )
        return done[data, lang]

    return run


def test_the_published_page_is_rechecked(study):
    out, _, results = study("published")
    accuracy = next(entry for entry in results["recheck"] if entry["printed"] == 86.91)
    assert accuracy["follows"] == "no"
    assert accuracy["recomputed"] == pytest.approx(100 * 189 / 220)
    assert {entry["follows"] for entry in results["recheck"]} == {"yes", "no", "not computable"}
    assert results["simulated"] is False
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF")
    table = (out / "tables" / "table-recheck.csv").read_text(encoding="utf-8-sig")
    assert len(list(csv.reader(io.StringIO(table)))) == len(results["recheck"]) + 1
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "86.91" in page
    assert "85.91" in page


def test_a_plan_brings_schedule_and_templates(study):
    out, said, results = study("design")
    schedule = pd.read_csv(out / "schedule.csv")
    own = schedule[(schedule["training"] == 0) & (schedule["reader"] != "consensus")]
    assert len(own) == results["n_readings"] == 880
    assert (schedule["reader"] == "consensus").sum() == results["n_consensus"] == 440
    assert (out / "reads-template.zh.csv").read_text(encoding="utf-8-sig").startswith("病例编号,")
    assert "880" in said


def test_a_simulated_study_and_its_own_table_say_the_same(study):
    out, said, results = study("virtual", "zh")
    assert results["simulated"] is True
    assert "模拟数据" in (out / "report.html").read_text(encoding="utf-8")
    assert "模拟数据" in said
    reads = out / "reads.csv"
    _, _, again = study(str(reads))
    # invented readings stay invented when their table is analysed as a site's own
    assert again["simulated"] is True
    assert again["data"] == "reads"
    for part in (
        "accuracy",
        "paired",
        "mrmc",
        "changed",
        "conformity",
        "denis",
        "denis_paired",
        "levels",
        "genant",
        "flow",
    ):
        assert again[part] == results[part], part


def test_a_table_that_does_not_call_itself_simulated_is_not(study, osteon, config, tmp_path):
    out, _, _ = study("virtual", "zh")
    table = pd.read_csv(out / "reads.csv", dtype=str, encoding="utf-8-sig").drop(columns="simulated")
    table.to_csv(tmp_path / "ours.csv", index=False)
    said = osteon(
        "study",
        "run",
        "ovcf-reading",
        "--data",
        tmp_path / "ours.csv",
        "--config",
        config,
        "--out",
        tmp_path / "out",
    )
    assert said.code == 0, said.stderr
    assert json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["simulated"] is False
    assert "SIMULATED" not in said.stdout


def test_a_mistake_in_the_table_is_one_line(study, osteon, tmp_path):
    out, _, _ = study("virtual", "zh")
    table = pd.read_csv(out / "reads.csv", dtype=str, encoding="utf-8-sig")
    table.loc[10, "call"] = "7"
    table.to_csv(tmp_path / "reads.csv", index=False)
    said = osteon("study", "run", "ovcf-reading", "--data", tmp_path / "reads.csv", "--out", tmp_path / "out")
    assert said.code == 2
    assert said.stderr.strip().count("\n") == 0
    assert "row 12, column call: '7'" in said.stderr
    assert not (tmp_path / "out").exists()
