"""What a report of a spine CT says beside an earlier scan: new first, known fractures never lost, no more than is known."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from osteon.domain.spine import Genant, PosteriorWall
from osteon.reading.spine_compare import compare_readings
from osteon.report.document import Bullets, Heading, TableBlock
from osteon.report.spine_ct import spine_ct_document
from osteon.report.spine_ct_changes import change_lines, change_table
from osteon.report.spine_ct_headline import headline
from osteon.report.spine_ct_impression import impression
from osteon.report.words import words

_spec = importlib.util.spec_from_file_location("spine_fixture", Path(__file__).with_name("spine_fixture.py"))
fixture = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fixture)
reading, intact = fixture.reading, fixture.intact

CEMENTED = {"evaluable": False, "not_evaluable": ("cement",), "contents": ("cement",), "height_loss": None, "fractured": None,
            "genant": None, "denis": None, "posterior_wall": None}  # fmt: skip
GRADE = {n: Genant(grade=n, type="wedge", operating_point=0.2) for n in (1, 2, 3)}


def said(text, lang="en"):
    return words(lang).say(text)


def changed(made, level, *, lost=None, **changes):
    """The reading with one vertebra changed; ``lost`` is what its front has lost."""

    def new(v):
        loss = (
            v.height_loss
            if lost is None
            else replace(v.height_loss, anterior=lost, middle=0.0, posterior=0.0)
        )
        return replace(v, **{"height_loss": loss} | changes)

    return replace(made, vertebrae=tuple(new(v) if v.level == level else v for v in made.vertebrae))


def first_line(now, before, lang="en"):
    return said(headline(now, compare_readings(now, before)), lang)


def items(now, before, lang="en"):
    return [said(text, lang) for text in impression(now, compare_readings(now, before))]


@pytest.mark.parametrize(("lang", "line", "verdict"), [
    ("en", "Fractured on the earlier scan, treated with cement or screws since: T12.", "treated since"),
    ("zh", "既往骨折，其后已行骨水泥或内固定治疗：T12。", "已治疗"),
])  # fmt: skip
def test_a_fracture_that_was_treated_since_is_not_lost(lang, line, verdict):
    before, now = reading(), changed(reading(), "T12", **CEMENTED)
    for spine in (now, changed(intact(), "T12", **CEMENTED)):  # also where nothing is fractured now
        assert line in first_line(spine, before, lang)
        assert sum(line in item for item in items(spine, before, lang)) == 1
    row = next(
        row for row in change_table(compare_readings(now, before)).rows if words(lang).cell(row[0]) == "T12"
    )
    cells = [words(lang).cell(cell) for cell in row]
    assert cells[1].startswith(verdict)
    assert cells[2:6] == ["3 → –", "14.0 → 14.0", "17.1 → 17.1", "23.3 → 23.3"]


def test_a_known_fracture_that_cannot_be_graded_now_is_named():
    now = changed(reading(), "T12", **CEMENTED | {"contents": (), "not_evaluable": ("uncertain_outline",)})
    assert "Fractured on the earlier scan, not graded on this one: T12." in first_line(now, reading())


@pytest.mark.parametrize(("before", "now", "sentence", "item"), [
    ({"lost": 0.18, "fractured": False}, {"lost": 0.22, "fractured": True, "genant": GRADE[1]},
     "Called a fracture now and not on the earlier scan, without loss of height beyond measurement error: L2.",
     "L2 (not called on the earlier scan, no loss beyond error since): wedge"),
    ({"lost": 0.22, "fractured": True, "genant": GRADE[1]}, {"lost": 0.18, "fractured": False},
     "Called a fracture on the earlier scan and not now, without loss of height beyond measurement error: L2.", None),
    ({"lost": 0.22, "fractured": True, "genant": GRADE[1]}, {"lost": 0.23, "fractured": True, "genant": GRADE[1]},
     "Already there on the earlier scan, no change beyond measurement error: L2.", "L2 (unchanged): wedge"),
    ({"lost": 0.24, "fractured": True, "genant": GRADE[1]}, {"lost": 0.26, "fractured": True, "genant": GRADE[2]},
     "Already there on the earlier scan, no change beyond measurement error: L2.",
     "L2 (unchanged; Genant grade 1 on the earlier scan): wedge"),
    ({"lost": 0.02}, {"lost": 0.30, "fractured": True, "genant": GRADE[2]}, "New since the earlier scan: L2.", "L2 (new): wedge"),
    ({"lost": 0.21, "fractured": True, "genant": GRADE[1]}, {"lost": 0.42, "fractured": True, "genant": GRADE[3]},
     "Lower than on the earlier scan: L2.", "L2 (progressed; Genant grade 1 on the earlier scan): wedge"),
])  # fmt: skip
def test_new_or_old_is_said_as_far_as_it_is_known(before, now, sentence, item):
    then, later = changed(intact(), "L2", **before), changed(intact(), "L2", **now)
    assert sentence in first_line(later, then)
    line = first_line(later, then)
    assert (
        sum(line.count(key) for key in ("Already there", "New since", "Lower than", "Called a fracture")) == 1
    )
    assert item is None or items(later, then)[0].startswith(item)


def test_a_wall_that_bulges_since_is_told():
    flat = PosteriorWall(convexity_mm=0.2, canal_area_ratio=1.0, involved=False)
    before = changed(reading(), "T12", posterior_wall=flat)
    assert "Posterior wall involved since the earlier scan: T12." in first_line(reading(), before)
    assert any(
        item.startswith("T12 (unchanged; posterior wall involved since)") for item in items(reading(), before)
    )
    assert "involved since" not in first_line(reading(), reading())
    lines = [said(line) for line in change_lines(reading(), compare_readings(reading(), before))]
    assert lines[0].startswith(
        "T12: no change beyond error (limit 8 points); posterior wall involved since. Ha 14.0 → 14.0"
    )
    assert "T12" not in lines[1]


def test_new_fractures_stand_before_known_ones():
    before = changed(reading(), "L3", lost=0.02, fractured=False, genant=None)
    order = [item.split(":")[0] for item in items(reading(), before)[:3]]
    assert order == ["L3 (new)", "T12 (unchanged)", "L1 (unchanged)"]
    assert items(reading(), before, "zh")[0].startswith("L3 椎体楔形压缩性骨折（新发），Genant 1 级")


def test_no_change_is_said_with_what_could_be_told():
    """13.7 points more are no change where the limit is 18: the limit stands beside the verdict."""
    loss = intact().at("L2").height_loss
    before, now = (
        changed(intact(), "L2", height_loss=replace(loss, anterior=lost, se=0.0532)) for lost in (0.02, 0.157)
    )
    row = next(row for row in change_table(compare_readings(now, before)).rows if row[0] == "L2")
    assert [words("en").cell(row[k]) for k in (1, 6)] == [
        "no change beyond error (limit 18 points)",
        "2% → 16% (Ha)",
    ]
    assert words("zh").cell(row[1]) == "变化未超过误差（界限 18 个百分点）"


def test_what_changed_stands_before_the_impression_and_the_table_behind_it():
    blocks = spine_ct_document(reading(), prior=intact()).blocks
    places = {b.id: n for n, b in enumerate(blocks) if isinstance(b, Heading | TableBlock)}
    lines = next(b for b in blocks[places["comparison"] :] if isinstance(b, Bullets))
    assert (
        places["comparison"]
        < blocks.index(lines)
        < places["impression"]
        < places["table-change"]
        < places["table-heights"]
    )
    assert [said(item).split(":")[0] for item in lines.items[:3]] == ["T12", "L1", "L3"]
    assert (
        said(lines.items[3]) == "No change beyond measurement error: T9, T10, L2 and L4. Not comparable: T11."
    )


def test_of_a_spine_that_did_not_change_one_line_is_said():
    lines = list(change_lines(intact(), compare_readings(intact(), intact())))
    assert [said(line) for line in lines] == ["No change beyond measurement error: T9–L5."]
