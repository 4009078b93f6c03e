"""Journeys: a plan and what was decided on it; portraits, a new patient put into one, and the team's own rules."""

import json
from pathlib import Path

import pandas as pd
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "patient.toml"


@pytest.fixture(scope="module")
def portraits(osteon, tmp_path_factory):
    """Portraits of 100 SIMULATED patients."""
    out = tmp_path_factory.mktemp("portraits") / "out"
    (out.parent / "few.toml").write_text(
        "repeats = 0\n[cluster]\nresamples = 20\nseeds = 3\n", encoding="utf-8"
    )
    done = osteon(
        "study", "run", "portraits", "--data", "virtual", "--config", out.parent / "few.toml", "--out", out
    )
    assert done.code == 0, done.stderr
    assert "4 groups, portraits claimed" in done.stdout
    return out


def test_a_new_patient_is_put_into_a_portrait_with_its_probability_and_the_nearest_cases(
    osteon, portraits, tmp_path
):
    results = json.loads((portraits / "results.json").read_text(encoding="utf-8"))
    known = pd.read_csv(portraits / "patients.csv")
    oldest = known.sort_values("age_years").tail(1).drop(columns=["healing_days", "treatment_approach"])
    new = oldest.assign(participant_id="NEW-1", compression_ratio_pct=None)
    new.to_csv(tmp_path / "new.csv", index=False)
    done = osteon(
        "score",
        tmp_path / "new.csv",
        "--model",
        portraits / "models" / "portrait",
        "--out",
        tmp_path / "scored",
    )
    assert done.code == 0, done.stderr
    assert "SIMULATED" in done.stdout
    (row,) = pd.read_csv(tmp_path / "scored" / "scores.csv").to_dict("records")
    assert row["portrait"] == results["memberships"][oldest["participant_id"].item()]
    group = next(g for g in results["groups"] if g["letter"] == row["portrait"])
    assert (row["name_en"], row["name_zh"]) == (group["name_en"], group["name_zh"])
    assert row["probability"] > 0.5
    assert sum(row[f"probability_{g['letter']}"] for g in results["groups"]) == pytest.approx(1, abs=0.001)
    assert row["nearest_cases"].split()[0] == oldest["participant_id"].item()
    assert row["missing"] == "compression_ratio_pct"


def test_a_team_edits_the_rules_beside_its_cards(osteon, portraits, tmp_path):
    (rules,) = portraits.glob("plan-rules-*.toml")
    ours = rules.read_text(encoding="utf-8").replace(
        'id = "pain.stepwise"', 'id = "pain.stepwise"\ntext_en = "Ask our pain nurse"'
    )
    (tmp_path / "ours.toml").write_text(ours, encoding="utf-8")
    (tmp_path / "config.toml").write_text(
        f'repeats = 0\nplan = "{tmp_path / "ours.toml"}"\n[cluster]\nresamples = 20\nseeds = 3\n',
        encoding="utf-8",
    )
    run = (
        "study",
        "run",
        "portraits",
        "--data",
        portraits / "patients.csv",
        "--config",
        tmp_path / "config.toml",
        "--out",
    )
    done = osteon(*run, tmp_path / "out")
    assert done.code == 2
    assert "Raise the version" in done.stderr
    assert not (tmp_path / "out").exists()
    (tmp_path / "ours.toml").write_text(
        ours.replace('version = "2026-11-20"', 'version = "ours-1"'), encoding="utf-8"
    )
    done = osteon(*run, tmp_path / "out")
    assert done.code == 0, done.stderr
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Ask our pain nurse" in page
    assert "Rules version ours-1" in page
    assert (tmp_path / "out" / "plan-rules-ours-1.toml").is_file()


def test_what_a_clinician_decides_is_kept_and_printed(osteon, tmp_path):
    out = tmp_path / "plan"
    assert osteon("plan", EXAMPLE, "--guideline", "china_2022", "--out", out).code == 0
    listed = osteon("decide", out)
    assert "candidate: denosumab" in listed.stdout
    unsaid = osteon("decide", out, "reject", "denosumab", "--by", "Dr Li")
    assert (unsaid.code, unsaid.stderr.count("\n")) == (2, 1)
    assert "without a reason" in unsaid.stderr
    assert not (out / "decisions.jsonl").exists()
    for words in (
        ("accept", "tier", "--by", "Dr Li"),
        ("reject", "denosumab", "--by", "Dr Li", "--reason", "cannot come twice a year"),
        ("edit", "zoledronic acid", "--change", "dose=4", "--by", "Dr Li", "--reason", "frail"),
        ("accept", "denosumab", "--by", "Dr Wang"),
    ):
        done = osteon("decide", out, *words, "--on", "2026-11-20")
        assert done.code == 0, done.stderr
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Version 5" in page
    assert "4 mg IV, once a year" in page
    assert "accepted by Dr Wang, 2026-11-20" in page
    assert "Replaced: denosumab, rejected by Dr Li, 2026-11-20: cannot come twice a year" in page
    lines = [json.loads(line) for line in (out / "decisions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["version"], line["by"], line["decision"]) for line in lines] == [
        (2, "Dr Li", "accepted"), (3, "Dr Li", "rejected"), (4, "Dr Li", "edited"), (5, "Dr Wang", "accepted"),
    ]  # fmt: skip
    patient = json.loads((out / "results.json").read_text(encoding="utf-8"))["patients"][0]
    assert (patient["version"], len(patient["decisions"])) == (5, 4)
    again = osteon("plan", EXAMPLE, "--guideline", "china_2022", "--out", out)
    assert again.code == 2
    assert "holds decisions" in again.stderr
    assert osteon("decide", out, "accept", "rest", "--by", "Dr Li", "--on", "2999-01-01").code == 2
