"""``--data published``: the arithmetic of the printed study, in both languages."""

import csv
import io

import pytest

VERDICTS = {"yes", "no", "not computable"}


@pytest.fixture(scope="module", params=["en", "zh"])
def run(request, studied):
    return studied("published", lang=request.param)


def line(results, **known):
    """The one rechecked figure with these values."""
    (found,) = [x for x in results["recheck"] if all(x[name] == value for name, value in known.items())]
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
    age = line(run.results, printed=0.157)
    assert "age" in age["figure"]
    assert age["follows"] == "no"
    assert age["recomputed"] < 1e-4
    # 20 % of 12,856 are 2,572; the results speak of 2,346
    assert line(run.results, printed=2346)["recomputed"] == 2572
    assert line(run.results, printed=2346)["follows"] == "no"
    # accuracy is a mean of sensitivity and specificity, so 81.2 cannot go with 85.3 and 89.7
    assert line(run.results, printed=81.2, recomputed="85.3 - 89.7")["follows"] == "no"
    # the test-set subgroups of Table 4 sum to the whole cohort
    assert line(run.results, printed=12856, recomputed=2572)["follows"] == "no"


def test_what_follows_is_said_to_follow(run):
    groups = [x for x in run.results["recheck"] if (x["printed"], x["recomputed"]) == (12856, 12856)]
    assert groups
    assert {x["follows"] for x in groups} == {"yes"}
    assert line(run.results, printed="7.1 / 15.8 / 29.6")["follows"] == "yes"


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
