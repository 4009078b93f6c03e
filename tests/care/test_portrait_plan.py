"""Plans by portrait: every rule can fire and is worded in both languages, no implant is named, edits are checked."""

import re

import pytest

from osteon.care import portrait_plan as module
from osteon.care.portrait_plan import FACTS, portrait_plan, portrait_rules
from osteon.core.errors import ConfigError
from osteon.report.words import words

RULES = portrait_rules()
OLD = {"age_mean": 75.5, "t_mean": -3.1, "conservative_share": 0.89, "surgical_share": 0.11, "multiple_share": 0.9,
       "severe_activity_share": 0.8, "vas_mean": 6.0, "healing_days_mean": 58.0, "burst_share": 0.0}  # fmt: skip
YOUNG = {"age_mean": 49.7, "t_mean": -1.2, "conservative_share": 0.17, "surgical_share": 0.83, "multiple_share": 0.0,
         "severe_activity_share": 0.0, "vas_mean": 7.0, "healing_days_mean": 31.0, "burst_share": 0.0}  # fmt: skip


def ids(facts):
    return {item.id for item in portrait_plan(facts, RULES).items}


def test_the_two_groups_the_paper_speaks_of_get_what_it_says():
    assert {"nutrition.protein_energy", "drugs.adherence", "followup.dense", "complications.vte", "complications.pneumonia",
            "complications.pressure_sore", "rehabilitation.stage_1_bed", "psychology.screen"} <= ids(OLD)  # fmt: skip
    assert {"perioperative.pathway", "rehabilitation.stage_1_early", "rehabilitation.muscle_atrophy"} <= ids(
        YOUNG
    )
    assert "perioperative.pathway" not in ids(OLD)
    assert "followup.dense" not in ids(YOUNG)


@pytest.mark.parametrize("item", RULES.items, ids=lambda item: item.id)
def test_every_item_can_stand_in_a_plan_and_is_worded(item):
    reach = {">=": 0.001, ">": 0.001, "<=": -0.001, "<": -0.001}
    for conditions in item.when or ((),):
        facts = {fact: limit + reach[sign] for fact, sign, limit in conditions}
        assert item.id in ids(facts)
        for fact in facts:
            assert item.id not in ids({f: v for f, v in facts.items() if f != fact}) or len(item.when) > 1
    for lang in ("en", "zh"):
        assert words(lang)(f"portrait_plan.{item.id}")
    assert item.source
    assert item.source_zh
    assert not item.verified


def test_no_implant_cement_volume_or_dose_of_a_drug_is_ever_proposed():
    said = " ".join(words("en").entries[f"portrait_plan.{i.id}"] for i in RULES.items).lower()
    assert not re.search(
        r"screw|cage|stent|balloon|\bml\b|alendron|zoledron|denosumab|teriparatide|romosozumab", said
    )


def test_what_a_plan_lacked_is_listed():
    plan = portrait_plan({"age_mean": 75.0, "t_mean": None}, RULES)
    assert {"t_mean", "vas_mean"} <= set(plan.lacking)
    assert set(plan.lacking) <= set(FACTS)
    assert plan.unverified == len(plan.items)


def _edited(tmp_path, old, new):
    text = (
        tmp_path / "plan.toml",
        module.Path(module.__file__).with_suffix(".toml").read_text(encoding="utf-8"),
    )
    assert old in text[1]
    text[0].write_text(text[1].replace(old, new, 1), encoding="utf-8")
    return text[0]


def test_a_team_may_edit_and_sign(tmp_path):
    path = _edited(
        tmp_path, 'verified_by = ""\nverified_on = ""', 'verified_by = "Dr Li"\nverified_on = "2026-11-20"'
    )
    signed = portrait_rules(path)
    assert all(item.verified for item in signed.items)
    assert signed.sha256 != RULES.sha256
    assert portrait_plan(OLD, signed).unverified == 0


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('topic = "nutrition"', 'topic = "food"', "topic"),
        ('["age_mean", ">=", 65.0]', '["age_maen", ">=", 65.0]', "Did you mean 'age_mean'"),
        ('["age_mean", ">=", 65.0]', '["age_mean", "=>", 65.0]', "Comparisons"),
        ('version = "2026-11-20"', 'version = ""', "version"),
        ('id = "pain.stepwise"', 'id = "pain.review_severe"', "twice"),
        ('facts = ["levels"', 'facts = ["implant"', "implant"),
        ("old_from_years = 70.0\n", "", "naming lacks"),
        ('confidence = "medium"', 'confidence = "sure"', "confidence"),
    ],
)
def test_a_slip_in_an_edit_is_named(tmp_path, old, new, says):
    with pytest.raises(ConfigError, match=says):
        portrait_rules(_edited(tmp_path, old, new))


def test_an_edit_needs_a_version_of_its_own(tmp_path):
    path = _edited(tmp_path, 'id = "pain.stepwise"', 'id = "pain.stepwise"\ntext_en = "Ask our pain nurse"')
    with pytest.raises(ConfigError, match="Raise the version"):
        portrait_rules(path)
    path.write_text(
        path.read_text(encoding="utf-8").replace('version = "2026-11-20"', 'version = "ours-1"'),
        encoding="utf-8",
    )
    assert portrait_rules(path).version == "ours-1"
    assert portrait_rules(path).text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("version", ["2026/11", "../x", r"a\\b", "C:x", r"a\nb", "a*"])
def test_a_version_that_is_no_part_of_a_file_name_is_refused(tmp_path, version):
    with pytest.raises(ConfigError, match="file name"):
        portrait_rules(_edited(tmp_path, 'version = "2026-11-20"', f'version = "{version}"'))


def test_a_version_may_be_in_any_script(tmp_path):
    assert portrait_rules(_edited(tmp_path, "2026-11-20", "骨科 2026.11")).version == "骨科 2026.11"
