"""The sheet of a patient: everything a plan says stands on it, in both languages, on few pages."""

import csv
import io
import json
import re
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pypdfium2
import pytest

from osteon.care.patient_entries import patient_of
from osteon.care.plan import plan
from osteon.core.errors import InputError
from osteon.domain.plan import Decision
from osteon.report.html import html
from osteon.report.pdf import pdf
from osteon.report.plan_page import plan_document
from osteon.report.plan_save import save_plans
from osteon.report.plan_words import drug_text, fact_text, item_text
from osteon.report.speech import speak
from osteon.report.words import words

CASES = Path(__file__).parents[1] / "care" / "cases"
EXAMPLE = Path(__file__).parents[2] / "examples" / "patient.toml"


def read(name):
    content = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))
    patient = patient_of(content["patient"], where=name)
    return plan(patient, content["guideline"], jurisdiction=content.get("jurisdiction")), patient


def example(guideline="china_2022"):
    patient = patient_of(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")), where=EXAMPLE.name)
    return plan(patient, guideline), patient


def good_cases():
    return [path.stem for path in sorted(CASES.glob("*.toml")) if not path.stem.startswith("bad_")]


def texts(document, lang="en"):
    """Everything on the sheet, tables cell by cell."""
    page = html(speak(document, lang))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("</style>")[2]))


def test_every_case_has_a_sheet_that_says_every_item_without_a_code():
    for name in good_cases():
        made, patient = read(name)
        for lang in ("en", "zh"):
            dictionary = words(lang)
            page = texts(plan_document(made, patient), lang).replace("&#39;", "'").replace("&gt;", ">")
            for item in made.items:
                if item.section in {"missing", "candidate", "adjunct", "renal"}:
                    continue
                assert dictionary.say(item_text(item)) in page, (name, item.rule_id)
            for item in (*made.tier.fired, *made.tier.undecided):
                assert item.rule_id in page, (name, item.rule_id)
            for item in (*made.section("candidate"), *made.section("removed")):
                assert dictionary.say(drug_text(item.about)) in page
            for fact in made.tier.missing:
                assert dictionary.say(fact_text(fact)) in page, (name, fact)


def test_a_plan_fills_two_pages_and_its_sources_at_most_a_third():
    for made, patient in (example(), read("denosumab_five_weeks_overdue"), read("missing_creatinine")):
        file = pypdfium2.PdfDocument(pdf(speak(plan_document(made, patient), "en")))
        decided = next(
            n
            for n in range(len(file))
            if "Decision of the clinician" in file[n].get_textpage().get_text_range()
        )
        pages = len(file)
        file.close()
        assert pages <= 3
        assert decided <= 1


def test_every_unchecked_rule_is_marked_and_a_checked_one_is_not():
    made, patient = example()
    page = texts(plan_document(made, patient))
    assert "†" in page
    assert "have not been checked against their source" in page
    checked = replace(
        made, items=tuple(replace(item, verified=True) for item in made.items),
        tier=replace(made.tier, fired=tuple(replace(item, verified=True) for item in made.tier.fired), undecided=()),
    )  # fmt: skip
    page = texts(plan_document(checked, patient))
    assert "†" not in page
    assert "were checked against their source" in page


def test_who_cannot_be_classified_is_told_what_to_find_out_and_no_drug():
    made, patient = read("missing_creatinine")
    page = texts(plan_document(made, patient))
    assert "Cannot classify yet" in page
    assert "serum creatinine" in page
    assert "Drugs to consider" not in page


def test_an_alert_to_act_on_stands_before_the_tier():
    page = texts(plan_document(*read("denosumab_five_weeks_overdue")))
    assert page.index("more than four weeks overdue") < page.index("By guideline")


def test_a_decision_is_kept_on_the_sheet():
    made, patient = example()
    drug = made.section("candidate")[0]
    told = Decision(
        item=drug.key,
        kind="rejected",
        by="Dr Li",
        on=date(2026, 11, 21),
        reason="patient declines injections",
    )
    page = texts(plan_document(made.decided(told), patient))
    assert "rejected by Dr Li, 2026-11-21: patient declines injections" in page
    assert "■" in page


def test_the_sheet_says_what_it_is():
    for lang, said in (
        ("en", "Advice to a clinician, not an order"),
        ("zh", "供临床医生参考的建议，不是医嘱"),
    ):
        assert said in texts(plan_document(*example()), lang)
    page = texts(plan_document(*example(), simulated=True))
    assert "Simulated data" in page


def test_saving_many(tmp_path):
    plans = [read("missing_creatinine"), read("denosumab_five_weeks_overdue")]
    plans = [
        (replace(one, patient=f"P/{n}"), replace(patient, id=f"P/{n}"))
        for n, (one, patient) in enumerate(plans)
    ]
    plans = [(replace(one, guideline="aace_2020", jurisdiction="us"), patient) for one, patient in plans]
    saved = save_plans(tmp_path / "out", plans, refused=[(4, "P9", "p.csv: row 4: no.")], lang="zh")
    assert (saved.classified, saved.unclassified, saved.complete) == (1, ("P/0",), False)
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert results["unclassified"] == [
        {"patient": "P/0", "status": "cannot_classify", "missing": ["creatinine"]}
    ]
    assert results["refused"][0]["row"] == 4
    first, second = results["patients"]
    assert (first["tier"], first["drugs"]) == (None, [])
    assert second["alerts"][0]["code"] == "denosumab_late_rebound_risk"
    assert all(rule["rule_id"] and rule["source"] and rule["verified"] is False for rule in second["reasons"])
    for name in ("report.html", "report.pdf", first["page"], "patients/P_1.pdf", "tables/refused.csv"):
        assert (tmp_path / "out" / name).stat().st_size > 40
    rows = list(
        csv.reader(io.StringIO((tmp_path / "out" / "tables" / "items.csv").read_text(encoding="utf-8-sig")))
    )
    assert {row[0] for row in rows[1:]} == {"P/0", "P/1"}


def test_saving_nobody_is_refused(tmp_path):
    with pytest.raises(InputError, match="no patient"):
        save_plans(tmp_path / "out", [], lang="en")
    assert not (tmp_path / "out").exists()


@pytest.mark.chromium
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_sheet_opens_in_a_browser_without_a_sideways_scroll(chromium, tmp_path, lang):
    page_file = tmp_path / "sheet.html"
    page_file.write_text(html(speak(plan_document(*example()), lang)), encoding="utf-8")
    for width in (390, 1200):
        page = chromium.new_page(viewport={"width": width, "height": 900})
        problems = []
        page.on("console", lambda message, found=problems: found.append(message.text))
        page.goto(page_file.as_uri())
        assert problems == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("h2").count() >= 6
        assert page.locator("nav.contents").count() == 0
        page.close()
