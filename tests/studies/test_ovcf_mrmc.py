"""The analysis over all readers: a reader with few cases is named and left out, and every count is said."""

import numpy as np
import pandas as pd
import pytest

from osteon.core.config import override
from osteon.core.errors import ConfigError
from osteon.report.document import Bullets, GroupRow, Paragraph, TableBlock
from osteon.report.value import Estimate, Number
from osteon.report.words import words
from osteon.studies.ovcf_analysis import analysed
from osteon.studies.ovcf_config import Config, configured
from osteon.studies.ovcf_page import headline, study_blocks
from osteon.studies.ovcf_reads import reads_of
from osteon.studies.ovcf_results import study_results, study_summary
from osteon.studies.ovcf_tables import mrmc_readers_table, mrmc_table
from osteon.studies.ovcf_virtual import virtual_reads

QUICK = override(configured("planted"), {"virtual": {"cases": 60}})
SAYS_ALL = {"en": "all read by each reader in each arm", "zh": "每名医师每组均已全部阅片"}


@pytest.fixture(scope="module")
def table():
    return virtual_reads(QUICK, 5)[0].table.drop(columns="unit")


@pytest.fixture(scope="module")
def whole(table):
    return analysed(reads_of(table, source="r"), Config())


def figures(found):
    return {
        endpoint: (study.readers, study.figures.n, [(t.scope, t.p) for t in study.tests])
        for endpoint, study in found.studies.items()
    }


def with_third(table, cases):
    """A third reader who says on these cases what the first says."""
    third = table[(table["reader"] == "R1") & table["case"].isin(cases)].assign(reader="R3")
    return reads_of(pd.concat([table, third], ignore_index=True), source="r")


def said(reads, analysis, lang="en"):
    """Every sentence of the page and of the terminal."""
    say = words(lang)
    texts = list(study_summary(reads, analysis, lang, simulated=True))
    for block in study_blocks(reads, analysis, Config(), simulated=True):
        texts += [say.say(block.text)] if isinstance(block, Paragraph) else []
        texts += [say.say(item) for item in block.items] if isinstance(block, Bullets) else []
        texts += [say.say(note) for note in block.footnotes] if isinstance(block, TableBlock) else []
    return "\n".join(texts)


def test_a_reader_of_six_cases_takes_no_case_from_the_others(table, whole):
    reads = with_third(table, ["V001", "V002", "V003", "V058", "V059", "V060"])
    analysis = analysed(reads, Config())
    assert figures(analysis.mrmc) == figures(whole.mrmc)
    assert [(x.reader, x.what, x.n, x.of) for x in analysis.mrmc.left_out] == [
        ("R3", "rating", 6, 60),
        ("R3", "call", 6, 60),
    ]
    assert {a.cells.n for a in analysis.accuracies if a.reader == "R3"} == {6}  # his own row stays
    assert analysis.agreement == whole.agreement
    text = said(reads, analysis)
    assert "R3 read 6 of 60 in both arms" in text
    assert "AUC of the ratings over 2 readers and 60 of 60 cases" in text


def test_the_least_share_is_a_setting(table):
    reads = with_third(table, [f"V{i:03d}" for i in range(1, 55)])
    assert analysed(reads, Config()).mrmc.studies["accuracy"].readers == (
        "R1",
        "R2",
        "R3",
    )  # 54 of 60 are 90 %
    assert analysed(reads, Config()).mrmc.missing("accuracy") == 6
    strict = analysed(reads, override(Config(), {"least_share": 0.95}))
    assert strict.mrmc.studies["accuracy"].readers == ("R1", "R2")
    with pytest.raises(ConfigError, match=r"least_share is 1\.5"):
        override(Config(), {"least_share": 1.5})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_read_by_each_reader_is_said_only_where_it_is_so(table, whole, lang):
    assert SAYS_ALL[lang] in said(reads_of(table, source="r"), whole, lang)
    row = table.index[table["reader"] == "R1"][0]
    reads = reads_of(table.drop(index=row), source="r")
    assert SAYS_ALL[lang] not in said(reads, analysed(reads, Config()), lang)


def test_missing_ratings_are_counted_for_the_auc_alone(table):
    negative = sorted(table.loc[table["mri_fracture"] == 0, "case"].unique())
    gone = table["case"].isin(negative[:4]) & (table["reader"] == "R1") & (table["arm"] == "ct")
    reads = reads_of(table.assign(rating=table["rating"].mask(gone)), source="r")
    analysis = analysed(reads, Config())
    assert {e: analysis.mrmc.missing(e) for e in analysis.mrmc.studies} == {
        "auc": 4, "accuracy": 0, "sensitivity": 0, "specificity": 0,
    }  # fmt: skip
    assert study_results(reads, analysis)["mrmc"]["auc"]["n_missing"] == 4
    text = said(reads, analysis)
    assert "56 of 60 cases" in text
    assert "AUC of the ratings: 4 left out for want of a reading" in text


def test_a_reader_without_most_ratings_leaves_the_headline_to_the_calls(table):
    """18 of 24 negatives unrated by R1: an AUC of two readers does not exist, one of R2 alone does not lead."""
    negative = sorted(table.loc[table["mri_fracture"] == 0, "case"].unique())
    gone = table["case"].isin(negative[:18]) & (table["reader"] == "R1") & (table["arm"] == "ct")
    analysis = analysed(reads_of(table.assign(rating=table["rating"].mask(gone)), source="r"), Config())
    assert analysis.mrmc.studies["auc"].readers == ("R2",)
    assert headline(analysis)[0] == "accuracy"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_where_nobody_can_be_counted_the_page_says_why(table, lang):
    reads = reads_of(table[(table["arm"] == "ct") | ~table["reader"].isin(["R1", "R2"])], source="r")
    analysis = analysed(reads, Config())
    assert analysis.mrmc.studies == {}
    text = said(reads, analysis, lang)
    assert {"en": "There is no analysis over all readers", "zh": "没有全部医师合并的分析"}[lang] in text
    assert {"en": "R2 read 0 of 60", "zh": "R2 在两组中都阅片的只有 60 个中的 0 个"}[lang] in text
    assert {"en": "There is no comparison over all readers.", "zh": "没有全部医师合并的比较。"}[lang] in text


def test_a_reader_of_one_class_has_dashes_and_refuses_nothing(table):
    analysis = analysed(with_third(table, ["V001", "V002", "V003"]), Config())
    for line in (a for a in analysis.accuracies if a.reader == "R3"):
        assert (line.shares["sensitivity"].n, line.shares["specificity"], line.kappa) == (3, None, None)


def test_ratings_of_nobody_leave_nobody_out(table):
    analysis = analysed(reads_of(table.assign(rating=np.nan), source="r"), Config())
    assert analysis.mrmc.left_out == ()
    assert set(analysis.mrmc.studies) == {"accuracy", "sensitivity", "specificity"}


@pytest.mark.parametrize(("lang", "known"), [("en", "no error can be estimated"), ("zh", "无法估计误差")])
def test_readers_who_are_always_right_prove_no_equality(table, lang, known):
    """No reading is wrong: the difference stands without interval and p, in lead, terminal and table."""
    right = table.assign(
        call=table["mri_fracture"],
        denis=table["mri_denis"],
        rating=np.where(table["mri_fracture"] == 1, 5, 1),
    )
    reads = reads_of(right, source="r")
    analysis = analysed(reads, Config())
    lead, *_ = (
        b.text for b in study_blocks(reads, analysis, Config(), simulated=True) if isinstance(b, Paragraph)
    )
    lines = study_summary(reads, analysis, lang, simulated=True)
    for text in (words(lang).say(lead), next(line for line in lines if "AUC" in line)):
        assert known in text
        assert "0.000 (0.000" not in text
        assert ".99" not in text
    for block in (mrmc_table(analysis.mrmc), mrmc_readers_table(analysis.mrmc)):
        for row in (r for r in block.rows if not isinstance(r, GroupRow)):
            assert row[-1] is None
            assert not any(isinstance(cell, Estimate) for cell in row)
            assert not any(
                isinstance(c, Number) and c.value == 0 and np.signbit(c.value) for c in row
            )  # no -0


LATE = ("V001", "V002", "V003", "V004", "V040", "V041", "V042")


def test_the_analysis_of_every_case_is_that_of_a_study_without_criteria(table):
    late = table.assign(mri_days=np.where(table["case"].isin(LATE), 9, 3), age_years=60,
                        t_lowest=np.where(table["case"] == "V050", -1.0, -3.0))  # fmt: skip
    analysis = analysed(reads_of(late, source="r"), Config())
    lenient = override(Config(), {"protocol": {"mri_within_days": 3000.0}})
    free = analysed(reads_of(late.drop(columns=["age_years", "t_lowest"]), source="r"), lenient)
    assert figures(analysis.all_mrmc) == figures(free.mrmc)
    assert analysis.all_mrmc.studies["accuracy"].figures.n == analysis.flow.cases == 60
    assert analysis.mrmc.studies["accuracy"].figures.n == analysis.cases == 52
    assert free.all_mrmc is None


def test_a_late_case_changes_the_analysis_of_every_case_only(table):
    late = table.assign(mri_days=np.where(table["case"].isin(LATE), 9, 3))
    wrong = late.assign(call=late["call"].mask(late["case"] == "V040", 1).mask(late["case"] == "V001", 0)).assign(
        denis=late["denis"].mask(late["case"].isin(["V001", "V040"]), np.nan))  # fmt: skip
    assert (wrong["call"] != late["call"]).any()
    one, other = (analysed(reads_of(t, source="r"), Config()) for t in (late, wrong))
    assert figures(one.mrmc) == figures(other.mrmc)
    assert figures(one.all_mrmc)["accuracy"] != figures(other.all_mrmc)["accuracy"]


def test_the_page_and_the_results_hold_both_analyses_where_cases_are_left_out(table, whole):
    reads = reads_of(table.assign(mri_days=np.where(table["case"].isin(LATE), 9, 3)), source="r")
    analysis = analysed(reads, Config())
    ids = [b.id for b in study_blocks(reads, analysis, Config(), simulated=True) if isinstance(b, TableBlock)]
    assert ids[ids.index("table-mrmc"):][:4] == ["table-mrmc", "table-mrmc-all", "table-mrmc-readers",
                                                 "table-mrmc-readers-all"]  # fmt: skip
    assert study_results(reads, analysis)["mrmc_all_cases"]["auc"]["n"] == 60
    assert study_results(reads_of(table, source="r"), whole)["mrmc_all_cases"] == {}
    assert whole.all_mrmc is None


def test_missing_readings_of_left_out_cases_count_in_the_analysis_of_every_case(table):
    row = table.index[(table["case"] == "V001") & (table["reader"] == "R1")][0]
    late = table.assign(mri_days=np.where(table["case"].isin(LATE), 9, 3)).drop(index=row)
    analysis = analysed(reads_of(late, source="r"), Config())
    assert (analysis.mrmc.missing("accuracy"), analysis.all_mrmc.missing("accuracy")) == (0, 1)


def test_an_endpoint_with_one_case_of_its_class_is_named(table):
    few = table[(table["mri_fracture"] == 1) | (table["case"] == "V060")]
    reads = reads_of(few, source="r")
    analysis = analysed(reads, Config())
    assert analysis.mrmc.undefined == ("auc", "specificity")
    assert set(analysis.mrmc.studies) == {"accuracy", "sensitivity"}
    assert "Specificity: too few of a class for an error; not analysed." in said(reads, analysis)
