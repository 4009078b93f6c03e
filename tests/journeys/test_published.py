"""``--data published``: the arithmetic of the printed study, in both languages."""

import csv
import io

import pytest

VERDICTS = {"yes", "no", "not computable"}


@pytest.fixture(scope="module", params=["en", "zh"])
def run(request, studied):
    return studied("published", lang=request.param)


def line(results, *words):
    (found,) = [x for x in results["recheck"] if all(word in x["figure"] for word in words)]
    return found


def test_every_figure_has_a_verdict(run):
    assert run.code == 0
    assert run.results["simulated"] is False
    assert len(run.results["recheck"]) > 60
    for entry in run.results["recheck"]:
        assert set(entry) == {"figure", "printed", "recomputed", "follows", "why"}
        assert entry["follows"] in VERDICTS
        assert entry["recomputed"] is not None or entry["why"], entry["figure"]
    assert len({entry["figure"] for entry in run.results["recheck"]}) == len(run.results["recheck"])


def test_what_does_not_follow_is_flagged(run):
    # ages 64.2 +- 9.8, 64.7 +- 9.6, 65.2 +- 9.5 in groups of thousands cannot have p = .157: one-way ANOVA gives 4e-6
    age = line(run.results, "Table 1, age: p across")
    assert (age["printed"], age["follows"]) == (0.157, "no")
    assert age["recomputed"] < 1e-4
    # 20 % of 12,856 are 2,572; the results speak of 2,346
    size = line(run.results, "Size of the test set")
    assert (size["printed"], size["recomputed"], size["follows"]) == (2346, 2572, "no")
    # accuracy is a mean of sensitivity and specificity, so 81.2 cannot go with 85.3 and 89.7
    external = line(run.results, "independent test set", "accuracy")
    assert (external["printed"], external["recomputed"], external["follows"]) == (81.2, "85.3 - 89.7", "no")
    # the test-set subgroups of Table 4 sum to the whole cohort
    assert line(run.results, "people behind the test-set AUCs")["follows"] == "no"


def test_what_follows_is_said_to_follow(run):
    assert line(run.results, "Cohort size = sum of the three groups")["follows"] == "yes"
    assert line(run.results, "Table 1, prior fracture: p across")["follows"] == "yes"


def test_the_report_is_there_in_all_forms(run):
    assert {p.name for p in run.out.iterdir()} == {
        "report.html",
        "report.pdf",
        "report.docx",
        "results.json",
        "tables",
    }
    assert (run.out / "report.pdf").read_bytes().startswith(b"%PDF")
    table = (run.out / "tables" / "table-recheck.csv").read_text(encoding="utf-8-sig")
    rows = [row for row in csv.reader(io.StringIO(table)) if len(row) > 1]
    assert len(rows) == len(run.results["recheck"]) + 1
    assert "SIMULATED" not in run.html()
    assert "模拟数据" not in run.html()


def test_both_languages_say_the_same(studied):
    english, chinese = studied("published", lang="en").results, studied("published", lang="zh").results
    assert english["recheck"] == chinese["recheck"]
