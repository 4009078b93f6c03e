"""The recheck of the reading study: beside a separate computation, and its verdicts follow the counts."""

import copy

import pytest

from osteon.report.words import words
from osteon.studies.ovcf_recheck_page import recheck_name, recheck_results, recheck_why
from osteon.studies.published_s2 import published, recheck

WRONG = {
    ("accuracy", "conventional"),  # 189/220 is 85.91, printed 86.91
    ("typing_rows", "conventional"),
    ("typing_columns", "conventional"),
    ("typing_total", "conventional"),
    ("typing_missed", "conventional"),
    ("typing_kappa", "conventional"),
    ("abstract_kappa", "conventional"),
    ("window_width", ""),
    ("scan_region", ""),
}


def verdicts(paper=None):
    return {(line.figure, line.item): line.follows for line in recheck(paper)}


def value(figure, item="", paper=None):
    (found,) = [x.recomputed for x in recheck(paper) if (x.figure, x.item) == (figure, item)]
    return found


@pytest.fixture
def paper():
    return copy.deepcopy(published())


def test_the_counts_are_those_transcribed_by_somebody_else(oracle):
    theirs, ours = oracle("ovcf_reading/published"), published()
    for name, arm in (("conventional", "conventional"), ("ai_assisted", "ai")):
        assert {k.upper(): v for k, v in ours["detection"][arm].items()} == theirs["detection"][name]
        assert ours["typing"][arm]["cells"][:4] == theirs["denis_tables"][name]


@pytest.mark.parametrize(("name", "arm"), [("conventional", "conventional"), ("ai_assisted", "ai")])
def test_figures_are_those_of_a_separate_computation(oracle, name, arm):
    known = oracle("ovcf_reading/recomputed")
    for measure in ("accuracy", "sensitivity", "specificity"):
        assert value(measure, arm) == pytest.approx(100 * known["detection"][name][measure])
    assert value("kappa", arm) == pytest.approx(known["detection"][name]["kappa"], abs=1e-12)
    denis = known["denis"][name]
    assert value("typing_total", arm) == denis["cases"]
    assert value("typing_kappa", arm) == pytest.approx(denis["kappa_5x5"], abs=1e-12)
    assert value("typing_accuracy", arm) == pytest.approx(100 * denis["accuracy_over_reader_positive"])


def test_tests_are_those_of_a_separate_computation(oracle):
    known = oracle("ovcf_reading/recomputed")["tests_unpaired"]
    for measure, variant in (("accuracy", "plain"), ("sensitivity", "plain"), ("specificity", "yates")):
        assert value("chi2", measure) == pytest.approx(known[measure][variant]["chi2"], abs=1e-9)
        assert value("chi2_p", measure) == pytest.approx(known[measure][variant]["p"], abs=1e-12)
    assert value("typing_chi2") == pytest.approx(known["denis_158_170"]["plain"]["chi2"], abs=1e-9)


def test_exactly_what_cannot_follow_is_flagged():
    assert {key for key, follows in verdicts().items() if follows == "no"} == WRONG
    assert sum(follows == "yes" for follows in verdicts().values()) >= 50


def test_the_missing_two_patients_mend_the_margins_but_not_the_kappa(paper):
    paper["typing"]["conventional"]["cells"][2][3] = 5
    changed = {key for key, follows in verdicts(paper).items() if follows != verdicts()[key]}
    assert changed == {(f"typing_{part}", "conventional") for part in ("rows", "columns", "total", "missed")}
    assert verdicts(paper)["typing_kappa", "conventional"] == "no"
    assert value("typing_kappa", "conventional", paper) == pytest.approx(0.7071, abs=5e-5)


def test_one_changed_count_flips_verdicts(paper):
    paper["detection"]["ai"]["tp"] -= 1
    paper["detection"]["ai"]["fn"] += 1
    now = verdicts(paper)
    for key in (
        ("accuracy", "ai"),
        ("sensitivity", "ai"),
        ("kappa", "ai"),
        ("chi2", "accuracy"),
        ("call_margin", "ai"),
    ):
        assert (verdicts()[key], now[key]) == ("yes", "no"), key
    assert now["specificity", "ai"] == "yes"
    assert now["accuracy", "conventional"] == "no"


def test_two_more_right_calls_would_give_the_printed_accuracy(paper):
    paper["detection"]["conventional"]["tp"] += 2
    paper["detection"]["conventional"]["fn"] -= 2
    assert value("accuracy", "conventional", paper) == pytest.approx(
        86.82, abs=0.005
    )  # 191/220: still not 86.91
    assert verdicts(paper)["accuracy", "conventional"] == "no"


def test_a_paired_test_is_bounded_not_computed():
    lines = [line for line in recheck() if line.figure == "paired_p"]
    assert [line.follows for line in lines] == ["not computable"] * 3
    assert [line.why for line in lines] == ["paired_always", "paired_always", "paired_never"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_line_can_be_said(lang):
    say = words(lang)
    names = [say.say(recheck_name(line)) for line in recheck()]
    assert len(set(names)) == len(names)
    for line in recheck():
        assert line.follows == "yes" or say.say(recheck_why(line.why)), line.figure


def test_the_lines_of_results_json():
    entries = recheck_results(recheck())
    accuracy = next(entry for entry in entries if entry["printed"] == 86.91)
    assert accuracy["follows"] == "no"
    assert accuracy["recomputed"] == pytest.approx(85.909, abs=1e-3)
    assert {entry["follows"] for entry in entries} == {"yes", "no", "not computable"}
