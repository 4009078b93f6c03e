"""Decisions on plans: kept line by line, read back as they were, and refused where a careful clinician would refuse."""

import json
import tomllib
from datetime import date
from pathlib import Path

import pytest

from osteon.care.patient_entries import patient_of
from osteon.care.patient_file import read_patients
from osteon.care.plan import plan
from osteon.core.errors import FileError, InputError
from osteon.core.files import sha256
from osteon.domain.plan import Decision
from osteon.report.html import html
from osteon.report.plan_journal import JOURNAL, journal_lines, no_one_else
from osteon.report.plan_page import plan_document
from osteon.report.plan_record import changed_params, found_point, keep_plans, kept_plans, note_decision
from osteon.report.plan_save import save_decision, save_plans
from osteon.report.plan_words import EVERY, ROUTES
from osteon.report.speech import speak
from osteon.report.words import words

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
    assert [line["version"] for line in journal_lines(tmp_path)] == [2, 3, 4, 5]


def rewritten(change):
    """The journal with its lines changed."""

    def spoil(folder):
        path = folder / JOURNAL
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        path.write_text("".join(f"{line}\n" for line in change(lines)), encoding="utf-8")

    return spoil


def replaced(name, old, new):
    def spoil(folder):
        path = folder / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    return spoil


SPOILT = {
    "first line gone": rewritten(lambda lines: lines[1:]),
    "last line gone": rewritten(lambda lines: lines[:-1]),
    "all lines gone": rewritten(lambda lines: []),
    "file gone": lambda folder: (folder / JOURNAL).unlink(),
    "twice": rewritten(lambda lines: [lines[0], lines[0]]),
    "cut short": rewritten(lambda lines: [lines[0], lines[1][:20]]),
    "no line feed": lambda folder: (folder / JOURNAL).write_bytes((folder / JOURNAL).read_bytes()[:-1]),
    "not a decision": rewritten(lambda lines: [*lines, "3"]),
    "empty line": rewritten(lambda lines: [*lines, ""]),
    "no such decision": replaced(JOURNAL, '"rejected"', '"forgotten"'),
    "no such patient": replaced(JOURNAL, "P-001", "P-002"),
    "first reason changed": replaced(JOURNAL, "as discussed", "as ordered"),
    "last reason changed": replaced(JOURNAL, "too far", "too dear"),
    "plans changed": replaced("record/plans.json", '"dose": 60', '"dose": 61'),
    "plans damaged": replaced("record/plans.json", "{", "["),
    "plans without pages": replaced("record/plans.json", '"pages"', '"page"'),
    "patient changed": replaced("record/patient.toml", "P-001", "P-003"),
    "patient gone": lambda folder: (folder / "record" / "patient.toml").unlink(),
    "count gone": lambda folder: (folder / "record" / "journal.json").unlink(),
    "count damaged": replaced("record/journal.json", "2", "two"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_record_that_was_changed_is_refused(tmp_path, spoil):
    made = kept(tmp_path, example()).of("")[0]
    later = note_decision(tmp_path, made, decision(reason="as discussed"))
    note_decision(tmp_path, later, decision(kind="rejected", reason="too far"))
    kept_plans(tmp_path)
    spoil(tmp_path)
    with pytest.raises(FileError):
        kept_plans(tmp_path)


def test_plans_are_not_written_over_although_the_journal_is_gone(tmp_path):
    made = kept(tmp_path, example()).of("")
    note_decision(tmp_path, made[0], decision())
    (tmp_path / JOURNAL).unlink()
    with pytest.raises(InputError, match="holds decisions"):
        save_plans(tmp_path, [made[:2]], lang="en", inputs=(EXAMPLE,))
    (tmp_path / "record" / "journal.json").unlink()
    with pytest.raises(FileError, match="how many decisions"):
        save_plans(tmp_path, [made[:2]], lang="en", inputs=(EXAMPLE,))


def test_a_line_written_just_before_the_machine_stopped_is_kept(tmp_path):
    made = kept(tmp_path, example()).of("")[0]
    before = (tmp_path / "record" / "journal.json").read_bytes()
    note_decision(tmp_path, made, decision())
    (tmp_path / "record" / "journal.json").write_bytes(before)
    assert kept_plans(tmp_path).of("")[0].version == 2


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u0085", "\x0b", "\x1c", "\n", "\r\n"])
def test_a_reason_may_hold_any_line_end(tmp_path, mark):
    told = decision(reason=f"one{mark}two")
    note_decision(tmp_path, kept(tmp_path, example()).of("")[0], told)
    assert kept_plans(tmp_path).of("")[0].decisions == (told,)


def saved(folder):
    patient = patient_of(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")), where=EXAMPLE.name)
    save_plans(folder, [(plan(patient, "china_2022"), patient)], lang="en", inputs=(EXAMPLE,))
    return kept_plans(folder)


def test_decisions_of_two_people_who_read_the_same_version_are_both_kept(tmp_path):
    first, second = saved(tmp_path / "plan"), kept_plans(tmp_path / "plan")
    assert save_decision(first, decision()).version == 2
    with no_one_else(first.folder), pytest.raises(FileError, match="another decision"):
        save_decision(second, decision(by="Dr Wang"))
    assert save_decision(second, decision(by="Dr Wang")).version == 3
    assert [one.by for one in kept_plans(first.folder).of("")[0].decisions] == ["Dr Li", "Dr Wang"]


@pytest.mark.parametrize("content", [None, "{", "{}", '{"patients": [{}]}'])
def test_nothing_is_decided_where_results_cannot_be_printed_again(tmp_path, content):
    there = saved(tmp_path / "plan")
    path = there.folder / "results.json"
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    page = (there.folder / "report.html").read_bytes()
    with pytest.raises(FileError, match=r"results\.json"):
        save_decision(there, decision())
    assert not (there.folder / JOURNAL).exists()
    assert (there.folder / "report.html").read_bytes() == page


def test_each_patient_is_read_again_with_the_day_of_the_own_plan(tmp_path):
    table = tmp_path / "patients.csv"
    table.write_text("id,as_of,sex,age\nA,2025-05-05,female,70\nB,,female,70\n", encoding="utf-8")
    patients = read_patients(table, as_of=date(2026, 11, 20)).patients
    made = [plan(one, "china_2022") for one in patients]
    keep_plans(tmp_path, made, source=table, pages=["a", "b"], lang="en", simulated=False)
    assert [facts for _, facts in kept_plans(tmp_path).plans] == list(patients)


def test_a_plan_without_its_patient_is_refused(tmp_path):
    table = tmp_path / "patients.csv"
    table.write_text("id,as_of,sex\nA,2025-05-05,female\n", encoding="utf-8")
    with pytest.raises(FileError, match="no patient P-001"):
        keep_plans(tmp_path, [example()], source=table, pages=["a"], lang="en", simulated=False)
        kept_plans(tmp_path)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_edit_of_any_point_reaches_the_sheet(lang):
    patient = patient_of(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")), where=EXAMPLE.name)
    made = plan(patient, "china_2022")
    item = next(one for one in made.section("followup") if one.params.get("every_months") == 12)
    params = changed_params(made, item.key, ["every_months=7", "due=20270305"])
    assert params == {"every_months": 7, "due": "2027-03-05"}
    later = made.decided(decision(item=item.key, kind="edited", reason="sooner", params=params))
    page = html(speak(plan_document(later, patient), lang))
    again = {"en": "then every 7 months", "zh": "7 个月"}[lang]
    told = {"en": "(months between 7; due 2027-03-05)", "zh": "（间隔月数 7；应做日期 2027-03-05）"}[lang]
    assert again in page.replace("7个月", "7 个月")
    assert told in page
    assert page.count("2027-03-05") == 2


def test_points_are_found_as_people_name_them():
    made = example()
    assert made.item(found_point(made, "Zoledronic acid")).about == "zoledronate"
    assert found_point(made, "5") == made.items[4].key
    assert found_point(made, made.items[0].key) == made.items[0].key
    assert found_point(made, "rest") == "rest"
    for word in (
        "0",
        "²",
        "9999",
        "paracetamol",
        "romosozumab",
    ):  # romosozumab is ruled out: not a drug to consider
        with pytest.raises(InputError, match=r"no point|\d+ points"):
            found_point(made, word)


@pytest.mark.parametrize(
    "change",
    ["doze=4", "dose", "dose=four", "dose=-4", "dose=nan", "source=me", "unit=g", "route=by mouth", "every=fortnight", "due=2027-01-01"],
)  # fmt: skip
def test_an_edit_changes_only_what_is_there(change):
    made = example()
    with pytest.raises(InputError):
        changed_params(made, found_point(made, "zoledronate"), [change])


@pytest.mark.parametrize("change", ["due=soon", "due=2027-02-30", "every_months=4.5", "every_months=0"])
def test_an_edit_of_follow_up_is_a_day_or_whole_months(change):
    made = example()
    item = next(one for one in made.section("followup") if "every_months" in one.params)
    with pytest.raises(InputError, match="expected"):
        changed_params(made, item.key, [change])


def test_an_edit_names_known_routes_and_intervals_that_every_sheet_can_say():
    made = example()
    key = found_point(made, "zoledronate")
    assert changed_params(made, key, ["route=oral", "every=week"]) == {"route": "oral", "every": "week"}
    assert {one.params["route"] for one in made.section("candidate")} <= set(ROUTES)
    assert {one.params["every"] for one in made.section("candidate")} <= set(EVERY)
    for lang in ("en", "zh"):
        said = words(lang).entries
        assert {f"plan.route.{one}" for one in ROUTES} | {f"plan.every.{one}" for one in EVERY} <= set(said)


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
    assert journal_lines(tmp_path) == []
    with pytest.raises(FileError, match="osteon plan"):
        kept_plans(tmp_path / "empty")


def test_a_line_of_the_journal_can_be_read_alone(tmp_path):
    note_decision(tmp_path, kept(tmp_path, example()).of("")[0], decision())
    line = json.loads((tmp_path / JOURNAL).read_text(encoding="utf-8"))
    assert line == {"patient": "P-001", "version": 2, "on": "2026-11-20", "by": "Dr Li", "decision": "accepted", "item": "tier",
                    "changes": {}, "reason": "", "previous": sha256(tmp_path / "record" / "plans.json")}  # fmt: skip
