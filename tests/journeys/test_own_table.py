"""A hospital's own table, whole or with one question it is too small for."""

import json

import pytest

pytestmark = pytest.mark.slow


def test_a_question_with_too_few_events_is_left_out_and_said_so(osteon, patients, tiny, tmp_path):
    rare = ["yes"] * 10 + ["no"] * 290
    path = patients(lambda table: table.assign(**{"Fracture ever": rare}))
    said = osteon(
        "study", "run", "fracture-risk", "--data", path, "--config", tiny, "--out", tmp_path / "out"
    )
    assert (said.code, said.stderr) == (3, "")
    assert "10 events among 300 rows, at least 20" in said.stdout
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert set(results["tasks"]) == {"osteoporosis", "osteoporosis_fn"}
    assert "10 events" in results["skipped"]["fracture_ever"]
    assert "10 events among 300 rows" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert results["simulated"] is False
    for model in ("clinical_lab_logistic", "ost"):
        assert "auc" in results["tasks"]["osteoporosis"]["models"][model]
    assert results["tasks"]["osteoporosis"]["models"]["femoral_neck_bmd"] == {
        "absent": "column_absent:bmd_femoral_neck_g_cm2"
    }


def test_a_second_run_into_the_same_folder_replaces_the_first(osteon, patients, tiny, tmp_path):
    bone = ["Femoral neck T-score", "Lumbar T-score"]
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    for n in (200, 300):
        path = patients(lambda table: table.drop(columns=bone), n=n)
        said = osteon("study", "run", "fracture-risk", "--data", path, "--config", tiny, "--out", out)
        assert (said.code, said.stderr) == (0, "")
        assert json.loads((out / "results.json").read_text(encoding="utf-8"))["n"] == n
    assert (out / "mine.txt").read_text() == "keep"
