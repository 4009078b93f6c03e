"""Decisions on plans: kept line by line, read back as they were, and refused where a careful clinician would refuse."""

import json
import tomllib
from datetime import date
from pathlib import Path

import pytest

from osteon.care.patient_entries import patient_of
from osteon.care.plan import plan
from osteon.core.errors import FileError, InputError
from osteon.domain.plan import Decision
from osteon.report.plan_record import (
    JOURNAL,
    changed_params,
    decision_lines,
    found_point,
    keep_plans,
    kept_plans,
    note_decision,
)

CASES = Path(__file__).parents[1] / "care" / "cases"
EXAMPLE = Path(__file__).parents[2] / "examples" / "patient.toml"


def example():
    patient = patient_of(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")), where=EXAMPLE.name)
    return plan(patient, "china_2022")


def kept(folder, made):
    keep_plans(folder, [made], source=EXAMPLE, pages=["report"], lang="en", simulated=False)
    return kept_plans(folder)


def decision(**values):
    return Decision(**{"item": "tier", "kind": "accepted", "by": "Dr Li", "on": date(2026, 11, 20)} | values)


def test_plans_of_all_cases_are_read_back_as_they_were(tmp_path):
    read = 0
    for path in sorted(CASES.glob("*.toml")):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        if path.stem.startswith("bad_"):
            continue
        patient = patient_of(content["patient"], where=path.name)
        made = plan(patient, content["guideline"], jurisdiction=content.get("jurisdiction"))
        facts = tmp_path / "one.csv"
        facts.write_text(f"id,as_of,sex\n{patient.id},{patient.as_of},female\n", encoding="utf-8")
        keep_plans(tmp_path, [made], source=facts, pages=["report"], lang="zh", simulated=True)
        assert kept_plans(tmp_path).plans[0][0] == made, path.stem
        read += 1
    assert read > 150


def test_every_version_can_be_read_back(tmp_path):
    made = example()
    drug = found_point(made, "地舒单抗")
    told = (
        decision(),
        decision(item=drug, kind="rejected", reason="far from the hospital"),
        decision(
            item=found_point(made, "zoledronic acid"), kind="edited", reason="light", params={"dose": 4}
        ),
        decision(item=drug, by="Dr Wang"),
    )
    kept(tmp_path, made)
    for one in told:
        note_decision(tmp_path, kept_plans(tmp_path).of("")[0], one)
    later = kept_plans(tmp_path).of("P-001")[0]
    assert later.decisions == told
    assert later.at_version(1) == made
    assert later.decision(drug).by == "Dr Wang"
    assert [line["version"] for line in decision_lines(tmp_path)] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[0]],
        lambda lines: [lines[0], lines[1][:20]],
        lambda lines: [line.replace('"rejected"', '"forgotten"') for line in lines],
        lambda lines: [line.replace("P-001", "P-002") for line in lines],
    ],
    ids=["first line gone", "twice", "cut short", "no such decision", "no such patient"],
)
def test_a_journal_that_was_changed_is_refused(tmp_path, spoil):
    made = kept(tmp_path, example()).of("")[0]
    later = note_decision(tmp_path, made, decision())
    note_decision(tmp_path, later, decision(kind="rejected", reason="no"))
    path = tmp_path / JOURNAL
    path.write_text("\n".join(spoil(path.read_text(encoding="utf-8").splitlines())) + "\n", encoding="utf-8")
    with pytest.raises(FileError, match="decisions"):
        kept_plans(tmp_path)


def test_points_are_found_as_people_name_them():
    made = example()
    assert made.item(found_point(made, "Zoledronic acid")).about == "zoledronate"
    assert found_point(made, "5") == made.items[4].key
    assert found_point(made, made.items[0].key) == made.items[0].key
    assert found_point(made, "rest") == "rest"
    for word in (
        "0",
        "9999",
        "paracetamol",
        "romosozumab",
    ):  # romosozumab is ruled out: not a drug to consider
        with pytest.raises(InputError, match=r"no point|\d+ points"):
            found_point(made, word)


@pytest.mark.parametrize("change", ["doze=4", "dose", "dose=four", "dose=-4", "dose=nan", "source=me"])
def test_an_edit_changes_only_what_is_there(change):
    made = example()
    with pytest.raises(InputError):
        changed_params(made, found_point(made, "zoledronate"), [change])


def test_a_decision_needs_a_name_a_reason_and_a_plan_before_it(tmp_path):
    made = kept(tmp_path, example()).of("")[0]
    with pytest.raises(InputError, match="rejected without a reason"):
        decision(kind="rejected")
    with pytest.raises(InputError, match="the name"):
        decision(by=" ")
    with pytest.raises(InputError, match="2025"):
        note_decision(tmp_path, made, decision(on=date(2025, 1, 1)))
    with pytest.raises(InputError, match="no item"):
        note_decision(tmp_path, made, decision(item="another"))
    assert decision_lines(tmp_path) == []
    with pytest.raises(FileError, match="osteon plan"):
        kept_plans(tmp_path / "empty")


def test_a_line_of_the_journal_can_be_read_alone(tmp_path):
    note_decision(tmp_path, kept(tmp_path, example()).of("")[0], decision())
    line = json.loads((tmp_path / JOURNAL).read_text(encoding="utf-8"))
    assert line == {"patient": "P-001", "version": 2, "on": "2026-11-20", "by": "Dr Li", "decision": "accepted", "item": "tier",
                    "changes": {}, "reason": ""}  # fmt: skip
