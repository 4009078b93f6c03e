"""The recheck of the published study: what cannot follow is flagged, what follows is not."""

import pytest

from osteon.report.words import words
from osteon.studies.fracture_risk_results import recheck_name, recheck_why
from osteon.studies.published_s1 import published, recheck

LINES = {(line.figure, line.item): line for line in recheck()}


@pytest.mark.parametrize(
    ("figure", "item"),
    [
        ("mean_p", "age"),  # 64.1, 64.8, 65.2 with n of thousands cannot give p = .157
        ("mean_p", "bmi"),
        ("test_size", ""),  # 2,572 against 2,346
        ("accuracy_between", "external"),  # 81.2 outside 85.3 to 89.7
        ("simplified_interval", ""),
        ("interval_width", "external"),  # 380 people
        ("women_in_table4", ""),
        ("one_class_auc", "osteoporosis"),
        ("mean_age", ""),
        ("interval_symmetry", ""),
    ],
)
def test_what_does_not_follow_is_flagged(figure, item):
    assert LINES[figure, item].follows == "no"


@pytest.mark.parametrize(
    ("figure", "item"),
    [
        ("groups_sum", ""),
        ("split_sum", ""),
        ("percentages", "prior_fracture"),
        ("count_p", "prior_fracture"),
        ("mean_p", "neck_bmd"),
        ("delong_against", "frax"),
        ("subgroup_sum", "ethnicity"),
        ("interval_width", "all_features"),
    ],
)
def test_what_follows_is_not_accused(figure, item):
    assert LINES[figure, item].follows == "yes"


def test_every_printed_table_is_covered_and_every_line_is_unique():
    lines = recheck()
    assert len({(line.figure, line.item) for line in lines}) == len(lines)
    items = {line.item for line in lines}
    for part in ("means", "counts", "performance"):
        assert set(published()[part]) <= items, part
    assert set(published()["subgroups"]) <= items
    assert {line.follows for line in lines} == {"yes", "no", "not computable"}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_line_can_be_said(lang):
    say = words(lang)
    for line in recheck():
        assert say.say(recheck_name(line.figure, line.item))
        if line.why:
            assert say.say(recheck_why(line.why))
        if line.follows == "no":
            assert line.why, f"{line.figure} {line.item}: a verdict of no needs its reason"
