"""The report of a spine CT: its first line, its order, its words, and the folder it is saved into."""

import csv
import importlib.util
import io
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import docx
import pypdfium2
import pytest

from osteon.core.errors import FileError
from osteon.domain.spine import Endplate, FlagPlace, PosteriorWall, SeriesLeftOut, SpineReading
from osteon.imaging import dicom_series
from osteon.report.document import Bullets, Callout, FigureBlock, Heading, Paragraph, TableBlock
from osteon.report.spine_ct import MOST_CLOSE_UPS, spine_ct_document
from osteon.report.spine_ct_evidence import evidence
from osteon.report.spine_ct_findings import finding as finding_of
from osteon.report.spine_ct_findings import findings
from osteon.report.spine_ct_headline import headline
from osteon.report.spine_ct_lines import exit_line, reading_lines
from osteon.report.spine_ct_phrases import date, levels_text, phrase
from osteon.report.spine_ct_tables import examination_table, heights_table
from osteon.report.spine_results import read_prior, results_json
from osteon.report.spine_save import save_reading
from osteon.report.spine_scene import spine_scene
from osteon.report.words import words

_spec = importlib.util.spec_from_file_location("spine_fixture", Path(__file__).with_name("spine_fixture.py"))
fixture = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fixture)
LEVELS, finding, planted = fixture.LEVELS, fixture.finding, fixture.planted
reading, intact, suspicious, unanchored, one_sided = (
    fixture.reading,
    fixture.intact,
    fixture.suspicious,
    fixture.unanchored,
    fixture.one_sided,
)
scan = cache(fixture.spine)


def said(text, lang="en"):
    return words(lang).say(text)


def texts(document, lang):
    """The running text of a document, no figure drawn."""
    found = [document.title, document.summary]
    for block in document.blocks:
        match block:
            case Paragraph() | Callout():
                found.append(block.text)
            case Bullets():
                found += block.items
            case TableBlock():
                found += [column.label for column in block.columns] + list(block.footnotes)
    return [said(text, lang) for text in found]


def test_the_first_line_counts_names_and_grades():
    assert said(headline(reading(), None)) == (
        "3 vertebral fractures (T12, L1 and L3), worst Genant grade 3 at T12. New or old cannot be told from this CT alone. "
        "Posterior wall bulges into the spinal canal at T12: consider burst fracture. Cement at T11 (not graded)."
    )
    assert said(headline(reading(), None), "zh") == (
        "3 个椎体骨折（T12、L1 和 L3），最重为 T12，Genant 3 级。骨折新旧仅凭本次 CT 不能判定。"
        "T12 椎体后壁突入椎管，提示爆裂骨折可能。T11 椎体骨水泥术后，未分级。"
    )


def test_a_level_that_the_edge_of_the_field_cuts_gets_no_headline():
    """L5 at the edge is told in the examination; L2 cut in the middle of the field is a finding."""
    cut = {
        "evaluable": False,
        "genant": None,
        "fractured": None,
        "height_loss": None,
        "not_evaluable": ("cropped", "too_small"),
    }
    made = changed(changed(intact(), "L5", **cut), "L2", **cut)
    assert said(headline(made, None)) == (
        "No vertebral fracture of Genant grade 1 or more at T9–L1, L3 and L4. Not evaluable: L2."
    )
    assert examined(made)["Vertebrae"].endswith("; L5 partly included")
    assert not [text for text in texts(spine_ct_document(made), "en") if re.match(r"\d\. .*L5", text)]
    thick = changed(intact(), "L5", **cut | {"not_evaluable": ("cropped", "slice_thickness_over_3mm")})
    assert said(headline(thick, None)).endswith("Not evaluable: L5.")


@pytest.mark.parametrize(("content", "english", "chinese"), [
    ("cement", "Cement at L1–L3 (not graded).", "L1–L3 椎体骨水泥术后，未分级。"),
    ("screw", "Screws at L1–L3 (not graded).", "L1–L3 椎体内固定术后，未分级。"),
])  # fmt: skip
def test_operated_levels_are_named_in_the_first_line_and_in_the_impression(content, english, chinese):
    made = intact()
    for level in ("L1", "L2", "L3"):
        made = changed(
            made,
            level,
            evaluable=False,
            not_evaluable=(content,),
            contents=(content,),
            genant=None,
            fractured=None,
        )
    for lang, line in (("en", english), ("zh", chinese)):
        spoken = texts(spine_ct_document(made), lang)
        assert spoken[1].endswith(line)
        assert sum(line in text for text in spoken) == 2
    assert "Not evaluable" not in said(headline(made, None))


def test_a_sound_spine_is_said_to_be_sound():
    assert said(headline(intact(), None)) == "No vertebral fracture of Genant grade 1 or more at T9–L5."


def test_nothing_graded_is_not_called_sound():
    blind = replace(reading(), vertebrae=tuple(
        replace(v, evaluable=False, genant=None, fractured=None, not_evaluable=("cropped",)) for v in reading().vertebrae
    ))  # fmt: skip
    assert said(headline(blind, None)).startswith(
        "No vertebra could be graded. Not evaluable: T9–L5 (body cut off by the field of view)."
    )
    empty = replace(reading(), vertebrae=())
    assert said(headline(empty, None)) == "No vertebra could be graded."
    assert texts(spine_ct_document(empty), "zh")[1] == "无可分级的椎体。"


def test_what_is_suspicious_stands_ahead_and_gets_no_grade():
    document = spine_ct_document(suspicious())
    first = document.blocks[0]
    assert isinstance(first, Callout)
    assert first.kind == "warning"
    assert said(first.title) == "Suspicious: L2"
    spoken = texts(document, "en")
    assert spoken[1].startswith("Suspicious finding at L2, not called osteoporotic. 3 vertebral fractures")
    assert any(
        text.startswith("1. L2: suspicious (posterior elements destroyed and lytic focus)") for text in spoken
    )
    assert not [text for text in spoken if text.startswith("L2:") and "Genant grade" in text]


@pytest.mark.parametrize(("lang", "side", "words_of_it"), [
    ("en", "right", "right pedicle destroyed and lytic focus"), ("zh", "left", "左侧椎弓根破坏和溶骨性病灶"),
    ("en", "both", "pedicle destroyed on both sides and lytic focus"), ("zh", "both", "双侧椎弓根破坏和溶骨性病灶"),
])  # fmt: skip
def test_the_side_of_what_is_suspicious_is_said_wherever_it_is_named(lang, side, words_of_it):
    places = (FlagPlace(flag="pedicle_destruction", side=side), FlagPlace(flag="lytic_focus"))
    made = changed(suspicious(), "L2", red_flags=("pedicle_destruction", "lytic_focus"), flag_places=places)
    spoken = texts(spine_ct_document(made), lang)
    assert (
        sum(words_of_it in text for text in spoken) == 3
    )  # ahead of all, among the findings, in the impression
    assert any(words_of_it in line for line in reading_lines(made, lang))
    assert (
        said(evidence(made.at("L2"))[3][1], lang) == words_of_it.split("和" if lang == "zh" else " and ")[0]
    )


def test_a_suspicious_fracture_is_not_counted_among_the_osteoporotic():
    made = reading()
    flagged = replace(made, vertebrae=tuple(
        replace(v, red_flags=("soft_tissue_mass",)) if v.level == "T12" else v for v in made.vertebrae
    ))  # fmt: skip
    assert "2 vertebral fractures (L1 and L3), worst Genant grade 2 at L1." in said(headline(flagged, None))


def test_unnamed_levels_are_said_to_be_unnamed():
    document = spine_ct_document(unanchored())
    assert "Levels are counted from below and not named." in said(document.summary)
    assert said(document.blocks[0].title) == "Levels not named"


def test_doubt_about_the_names_of_the_levels_stands_ahead_and_once():
    doubted = replace(reading(), notes=("anchors_disagree",))
    document = spine_ct_document(doubted)
    assert said(document.blocks[0].title) == "Check the names of the levels"
    spoken = texts(document, "en")
    told = [text for text in spoken if "ribs end at another level" in text]
    assert len(told) == 1
    assert "the confidence of the levels, 0.91 at the least, allows for the disagreement" in told[0]


def examined(made, lang="en"):
    """The table of the examination by its labels."""
    table = next(block for block in spine_ct_document(made).blocks if isinstance(block, TableBlock))
    return {said(label, lang): words(lang).cell(value) for label, value in table.rows}


def test_what_outlined_the_vertebrae_is_said():
    def method(backend):
        return examined(replace(reading(), backend=backend))["Method"]

    assert "the labels given (verse)" in method("import:verse")
    assert "osteon" not in method("totalsegmentator").partition("outlined")[2]


@pytest.mark.parametrize(
    ("lang", "named", "warned"),
    [
        ("en", "osteon without networks (version 9.9)", "red flags are unreliable"),
        ("zh", "osteon 非网络算法（版本 9.9）", "警示征象不可靠"),
    ],
)
def test_a_reading_without_networks_is_said_to_be_one(lang, named, warned):
    made = replace(reading(), backend="classical", backend_version="9.9")
    absent = replace(made, notes=(*made.notes, "classical_without_torch"))
    assert any(named in line for line in reading_lines(made, lang))
    assert not any(warned in line for line in reading_lines(made, lang))
    assert sum(warned in line for line in reading_lines(absent, lang)) == 1
    assert sum(warned in text for text in texts(spine_ct_document(absent), lang)) == 1


@pytest.mark.parametrize(
    ("lang", "cut", "none"),
    [("en", "Exit code 3: could not be evaluated: T12 and L2 (metal) and L4 (screw).", "Exit code 3: no vertebra was found."),
     ("zh", "退出码 3：未能评估：T12 和 L2（金属）和 L4（螺钉）。", "退出码 3：未发现椎体。")],
)  # fmt: skip
def test_the_last_line_says_why_the_exit_code_is_three(lang, cut, none):
    whole = intact()
    missed = replace(whole, vertebrae=tuple(
        replace(v, evaluable=False, not_evaluable=("metal",)) if v.level in ("T12", "L2") else v for v in whole.vertebrae
    ))  # fmt: skip
    assert exit_line(whole, lang) == ""
    assert exit_line(changed(missed, "L4", evaluable=False, not_evaluable=("screw",)), lang) == cut
    assert exit_line(replace(whole, vertebrae=()), lang) == none


def test_sections_stand_in_a_radiologists_order():
    volume, labels = scan()
    document = spine_ct_document(reading(), key_images=spine_scene(reading(), labels, volume), prior=intact())
    order = [block.id for block in document.blocks if isinstance(block, Heading)]
    assert order == [
        "examination",
        "findings",
        "comparison",
        "impression",
        "changes",
        "heights",
        "measurements",
        "key-images",
        "indicators",
        "limits",
        "references",
    ]
    chinese = [said(block.text, "zh") for block in document.blocks if isinstance(block, Heading)]
    assert [chinese[1], chinese[3]] == ["影像所见", "诊断意见"]


def test_the_worst_fractures_are_shown_close_up_and_the_rest_named():
    volume, labels = scan()
    many = replace(reading(), vertebrae=tuple(
        finding(replace(body, heights=(body.heights[0] * 0.7, body.heights[1], body.heights[2]))) for body in planted()
    ))  # fmt: skip
    document = spine_ct_document(many, key_images=spine_scene(many, labels, volume))
    shown = [block.id for block in document.blocks if isinstance(block, FigureBlock)]
    assert len(shown) == MOST_CLOSE_UPS + 2
    assert shown[1] == "figure-t12"
    assert any(text.startswith("Not shown close up: ") for text in texts(document, "en"))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("made", [reading, suspicious, unanchored, intact])
def test_every_code_has_words(made, lang):
    """No snake_case code is left in what is printed."""
    for text in texts(spine_ct_document(made(), prior=intact()), lang):
        assert "_" not in text.replace("__", ""), text


def test_a_hu_value_is_never_a_t_score_and_cutoffs_hold_only_where_published():
    plain = replace(intact(), scan=replace(intact().scan, contrast="none"))
    assert any("At or below 110\u00a0HU" in text for text in texts(spine_ct_document(plain), "en"))
    for other in (intact(), replace(plain, scan=replace(plain.scan, kvp=100.0))):
        spoken = texts(spine_ct_document(other), "en")
        assert not [text for text in spoken if "At or below" in text]
        assert any("are not applied here" in text for text in spoken)


def test_what_is_not_evaluable_for_the_same_reason_is_said_once():
    blind = replace(reading(), vertebrae=tuple(
        replace(v, evaluable=False, genant=None, fractured=None, not_evaluable=("slice_thickness_over_3mm",), notes=(),
                contents=())
        for v in reading().vertebrae
    ))  # fmt: skip
    spoken = texts(spine_ct_document(blind), "en")
    assert [text for text in spoken if text.startswith("T") and "not evaluable" in text] == [
        "T9–L5: not evaluable (slices more than 3 mm thick or apart)."
    ]


def test_a_level_close_to_the_threshold_is_named_with_its_loss():
    near = replace(intact(), vertebrae=tuple(
        replace(v, notes=("near_threshold",), height_loss=replace(v.height_loss, anterior=0.17)) if v.level == "L2" else v
        for v in intact().vertebrae
    ))  # fmt: skip
    line = "L2: loss of height 17%, close to the 20% from which a deformity counts."
    spoken = texts(spine_ct_document(near), "en")
    assert line in spoken
    assert f"2. {line}" in spoken


def shorter(level, loss, *, notes=()):
    """The intact spine with one level that has lost this much of its front and is called no fracture."""
    return replace(intact(), vertebrae=tuple(
        replace(v, notes=notes, height_loss=replace(v.height_loss, anterior=loss)) if v.level == level else v
        for v in intact().vertebrae
    ))  # fmt: skip


@pytest.mark.parametrize(("loss", "notes", "lines"), [
    (0.12, (), ["T9–L5: heights as expected, no fracture of Genant grade 1 or more."]),
    (0.13, (), ["T9–L1, L3–L5: heights as expected, no fracture of Genant grade 1 or more.",
                "L2: height reduced by 13%, below the 20% from which a deformity counts."]),
    (0.17, ("near_threshold",), ["T9–L1, L3–L5: heights as expected, no fracture of Genant grade 1 or more.",
                                 "L2: loss of height 17%, close to the 20% from which a deformity counts."]),
])  # fmt: skip
def test_a_level_that_lost_height_is_not_said_to_have_the_expected_one(loss, notes, lines):
    spoken = [said(text).replace(" and ", ", ") for text in findings(shorter("L2", loss, notes=notes))]
    assert spoken[: len(lines)] == lines
    assert sum("L2" in text for text in spoken) == len(lines) - 1
    chinese = [said(text, "zh") for text in findings(shorter("L2", loss, notes=notes))]
    assert ("L2 椎体高度降低 13%，低于判为变形的界值（20%）。" in chinese) == (loss == 0.13)


def test_a_blurred_outline_is_said_where_heights_are_told():
    noted = changed(reading(), "T12", notes=("blurred_outline",))
    assert "outline blurred" in said(finding_of(noted.at("T12")))
    cut = changed(noted, "T12", evaluable=False, not_evaluable=("cropped",))
    assert "outline blurred" not in said(finding_of(cut.at("T12")))


def test_metal_is_said_once_wherever_it_was_found():
    """The outline holds metal that the contents of the body do not name; where they do, the note says it no second time."""
    noted = changed(changed(reading(), "L2", notes=("metal",)), "T12", notes=("metal",))
    spoken = [said(text) for text in findings(noted)]
    assert "L2: metal within its outline." in spoken
    assert "Note: metal within its outline." in said(finding_of(noted.at("T12")))
    assert "L2 椎体：轮廓内见金属。" in [said(text, "zh") for text in findings(noted)]
    for found in ({"contents": ("metal",)}, {"not_evaluable": ("metal",), "evaluable": False}):
        line = said(finding_of(changed(noted, "T12", **found).at("T12")))
        assert line.count("metal") == 1


@pytest.mark.parametrize(("lang", "note", "label"), [
    ("en", "is a rate, how many flags of the surest kind among them were right on simulated scans", "Rate of right suspicions (simulated scans)"),
    ("zh", "最可靠的一类征象在模拟扫描中的正确率，并非该椎体的个体概率", "可疑判定正确率（模拟扫描）"),
])  # fmt: skip
def test_the_confidence_of_a_suspicion_is_said_to_be_one_rate(lang, note, label):
    for made, told in ((suspicious(), True), (reading(), False)):
        notes = [said(text, lang) for text in heights_table(made).footnotes]
        assert any(note in text for text in notes) == told
        assert (said(evidence(made.at("L2"))[-1][0], lang) == label) == told


def test_neighbouring_levels_are_drawn_together():
    assert levels_text(reading(), ("T9", "T10", "T11", "L1", "L2", "L5")) == ("T9–T11", "L1", "L2", "L5")
    assert levels_text(reading(), ()) == ()


@pytest.mark.parametrize(("levels", "notes", "expected"), [
    (("T10", "T11", "L1", "L2"), (), ("T10", "T11", "L1", "L2")),
    (("T9", "T10", "T11", "L1", "L2", "L3"), ("gap_in_levels",), ("T9–T11", "L1–L3")),
    (("T10", "T11", "L1", "L2"), ("absent_t12",), ("T10–L2",)),
    (("T10", "T11", "T12", "L2"), ("absent_t12",), ("T10–T12", "L2")),
    (("T11", "T12", "T13", "L1"), (), ("T11–L1",)),
    (("T11", "T12", "L1"), (), ("T11–L1",)),
    (("V3", "V2", "V1"), (), ("V3–V1",)),
    (("V6", "V5", "V3", "V2", "V1"), (), ("V6", "V5", "V3–V1")),
])  # fmt: skip
def test_levels_are_never_drawn_together_across_one_that_is_missing(levels, notes, expected):
    plain = reading().vertebrae[0]
    made = replace(reading(), vertebrae=tuple(replace(plain, level=level) for level in levels), notes=notes)
    assert levels_text(made, levels) == expected


def test_dates():
    assert date("20261103") == "2026-11-03"
    assert date("2026-11-03") == "2026-11-03"
    assert date("") == ""


def test_the_table_of_heights_says_what_the_reading_says():
    document = spine_ct_document(reading())
    table = next(
        block for block in document.blocks if isinstance(block, TableBlock) and block.id == "table-heights"
    )
    assert [said(row[0].value if hasattr(row[0], "value") else row[0]) for row in table.rows] == list(LEVELS)
    row = [words("en").cell(cell) for cell in table.rows[3]]
    assert row == [
        "T12",
        "3, wedge",
        "B, burst?",
        "14.0",
        "17.1",
        "23.3",
        "24.5",
        "24.5",
        "24.5",
        "43.0%",
        "–",
        "0.97",
        "0.97",
    ]


SITES = ("anterior", "middle", "posterior")


def test_of_a_one_sided_fracture_every_height_printed_is_the_expected_one_less_its_loss():
    pressed = one_sided().at("L2")
    loss = pressed.height_loss
    left = [getattr(loss.reference_mm, site) * (1 - getattr(loss, site)) for site in SITES]
    assert [getattr(pressed.graded_heights_mm, site) for site in SITES] == pytest.approx(left)
    line = said(finding_of(pressed))
    assert (
        "On the lower side, anterior height 17.3\u00a0mm (expected 26.5, −35%), middle 21.6\u00a0mm (26.5, −18%), "
        "posterior 26.4\u00a0mm (26.8, −1%)." in line
    )
    assert "lateral compression: graded by its lower side" in line
    beside = [(said(label), words("en").cell(value)) for label, value in evidence(pressed)[:3]]
    assert beside[0] == ("Anterior, lower side", "17.3 / 26.5\u00a0mm, −35%")
    row = heights_table(one_sided()).rows[LEVELS.index("L2")]
    numbers = [float(words("en").cell(cell).rstrip("%")) for cell in row[3:10]]
    assert numbers[:3] == pytest.approx(left, abs=0.05)
    assert numbers[0] == pytest.approx(numbers[3] * (1 - numbers[6] / 100), abs=0.1)
    assert reading().at("L2").graded_heights_mm == reading().at("L2").heights_mm


@pytest.mark.parametrize(("lang", "note"), [
    ("en", "L2: compressed on one side; measured and expected heights and loss are those of the lower side."),
    ("zh", "L2：侧方压缩，实测与预期高度及丢失均为较低一侧之值。"),
])  # fmt: skip
def test_only_where_a_level_is_graded_by_a_side_the_tables_and_captions_say_so(lang, note):
    volume, labels = scan()
    for made, times in ((one_sided(), 2), (reading(), 0)):
        document = spine_ct_document(made, key_images=spine_scene(made, labels, volume))
        shown = [
            said(text, lang)
            for block in document.blocks
            if isinstance(block, TableBlock)
            for text in block.footnotes
        ]
        captions = {
            block.id: said(block.caption, lang) for block in document.blocks if isinstance(block, FigureBlock)
        }
        assert shown.count(note) + (note in captions["figure-levels"]) == times
        assert ("*" in captions["figure-spine"]) == bool(times)
        assert (said(phrase("figure.close_side"), lang) in captions.get("figure-l2", "")) == bool(times)


def test_the_results_say_which_heights_the_loss_belongs_to(tmp_path):
    found = {v["level"]: v for v in results_json(one_sided())["vertebrae"]}
    pressed = found["L2"]
    assert pressed["graded_on"] == "lower_side"
    assert pressed["heights_mm"]["anterior"] == 24.9
    expected, loss = pressed["expected_mm"]["anterior"], pressed["height_loss"]
    assert pressed["heights_parasagittal_mm"]["anterior"] == pytest.approx(expected * (1 - loss))
    assert (found["L3"]["graded_on"], found["T11"]["graded_on"]) == ("mid_sagittal", None)
    (tmp_path / "results.json").write_text(json.dumps(results_json(one_sided())), encoding="utf-8")
    assert read_prior(tmp_path).at("L2").graded_heights_mm == one_sided().at("L2").graded_heights_mm


def test_the_results_use_the_public_names():
    made = results_json(reading(), prior=intact())
    assert made["spacing_mm"] == [1.5, 1.0, 1.0]
    assert made["elapsed_s"] == pytest.approx(12.5)
    assert made["simulated"] is True
    assert made["backend"] == "embedded"
    twelfth = made["vertebrae"][3]
    assert {"level", "level_confidence", "evaluable", "heights_mm", "height_loss", "genant", "denis", "hu_median", "confidence",
            "notes"} <= set(twelfth)  # fmt: skip
    assert set(twelfth["heights_mm"]) == {"anterior", "middle", "posterior"}
    assert twelfth["genant"] == {"grade": 3, "type": "wedge"}
    assert twelfth["denis"] == {"scheme": "compression", "type": "B", "confidence": None}
    assert made["vertebrae"][2]["heights_mm"] is None
    assert made["vertebrae"][2]["genant"] is None
    assert made["changes"][3]["change"] == "new"


def chosen():
    """A reading of one series of three."""
    made = reading()
    others = tuple(
        SeriesLeftOut(
            key=f"1.2.{n}", description=name, modality="CT", slices=n, spacing_mm=spacing, why_not=why
        )
        for n, name, spacing, why in (
            (90, "lung", (1.0, 0.7, 0.7), "soft_kernel"),
            (2, "", None, "not_a_localizer"),
        )
    )
    return replace(made, scan=replace(made.scan, series_choice="soft_kernel", other_series=others))


def test_the_choice_among_series_is_told():
    made = results_json(chosen())
    assert made["series_choice"] == "soft_kernel"
    assert made["other_series"][0] == {"key": "1.2.90", "description": "lung", "modality": "CT", "slices": 90,
                                       "spacing_mm": [1.0, 0.7, 0.7], "why_not": "soft_kernel"}  # fmt: skip
    told = [said(row[1]) for row in examination_table(chosen()).rows]
    assert "read out of several (it has the softer kernel); left out: 2, listed in results.json" in told
    assert len(told) == 1 + len(examination_table(reading()).rows)
    lines = reading_lines(chosen(), "en")
    assert lines[1].startswith("Series read: ")
    assert (
        lines[2]
        == "  left out: lung, 90 slices, 1 × 0.7 × 0.7\u00a0mm (its kernel is sharper or not known). Series 1.2.90"
    )
    assert lines[3].startswith("  left out: CT, 2 slices") and lines[3].endswith("Series 1.2.2")
    assert "未读取：lung" in reading_lines(chosen(), "zh")[2]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_series_left_out_is_never_described_by_what_speaks_for_the_one_read(lang):
    say = words(lang)
    for code in (*(code for code, _ in dicom_series._CRITERIA), "first_of_equals", "not_asked_for"):
        against = say(f"value.series_left_out.{code}")
        assert against != code
        if code != "not_asked_for":
            assert against != say(f"value.series_choice.{code}")


def test_an_equal_series_and_one_not_asked_for_are_said_to_be_so():
    made = chosen()
    first, second = made.scan.other_series
    others = (replace(first, why_not="first_of_equals"), replace(second, why_not="not_asked_for"))
    lines = reading_lines(replace(made, scan=replace(made.scan, other_series=others)), "en")
    assert "(an equal series, not read)" in lines[2]
    assert "(another series was asked for)" in lines[3]


def lower_at_l2():
    """L2 unfractured with 1 % lost on the first scan and 18 % on the second."""
    first = intact()
    l2 = first.at("L2")
    before, now = (
        replace(l2, height_loss=replace(l2.height_loss, anterior=loss, middle=0.0, posterior=0.0))
        for loss in (0.008, 0.18)
    )
    return tuple(
        replace(first, vertebrae=tuple(v if w.level == "L2" else w for w in first.vertebrae))
        for v in (before, now)
    )


@pytest.mark.parametrize(("lang", "line", "verdict"), [
    ("en", "Height lost since the earlier scan beyond measurement error, not called a fracture: L2.", "lower beyond error"),
    ("zh", "较既往检查高度降低且超过测量误差，但未判定为骨折：L2。", "降低超过误差"),
])  # fmt: skip
def test_height_lost_below_the_call_of_a_fracture_is_said_first_and_in_the_impression(lang, line, verdict):
    before, now = lower_at_l2()
    document = spine_ct_document(now, prior=before)
    assert line in said(document.summary, lang)
    assert sum(line in text for text in texts(document, lang)) == 2
    table = next(b for b in document.blocks if isinstance(b, TableBlock) and b.id == "table-change")
    assert any(words(lang).cell(row[1]).startswith(verdict) for row in table.rows)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_doubts_about_the_earlier_reading_stand_in_report_and_results(lang):
    stranger = intact(scan=replace(intact().scan, patient_id="X-9", study_date="20251103"))
    unknown = intact(scan=replace(intact().scan, patient_id="", study_date=""))
    for prior, codes in ((stranger, ["patient_differs"]), (unknown, ["patient_unknown", "date_unknown"])):
        document = spine_ct_document(reading(), prior=prior)
        expected = [words(lang)(f"value.spine_prior.{code}") for code in codes]
        assert any(all(e in text for e in expected) for text in texts(document, lang))
        made = results_json(reading(), prior=prior)["prior"]
        assert made["notes"] == codes
        assert made["patient_id"] == prior.scan.patient_id


@pytest.mark.parametrize("made", [reading, suspicious, unanchored, intact, chosen])
def test_a_reading_comes_back_from_its_results(made, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(results_json(made())), encoding="utf-8")
    back = read_prior(tmp_path)
    assert isinstance(back, SpineReading)
    assert back == made()


def test_the_places_of_suspicious_findings_come_back_from_the_results(tmp_path):
    place = FlagPlace(flag="lytic_focus", side="left", centre_lps_mm=(1.0, -2.5, 30.0))
    made = changed(suspicious(), "L2", flag_places=(place,))
    (tmp_path / "results.json").write_text(json.dumps(results_json(made)), encoding="utf-8")
    assert read_prior(tmp_path).at("L2").flag_places == (place,)


@pytest.mark.parametrize("content", ["", "{}", '{"reading": 3}', '{"reading": {"vertebrae": []}}', "[1]"])
def test_what_is_no_reading_is_refused(content, tmp_path):
    (tmp_path / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(FileError, match="no reading of a spine"):
        read_prior(tmp_path)
    with pytest.raises(FileError, match="cannot be read"):
        read_prior(tmp_path / "nowhere")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_reading_is_saved_in_all_its_forms(tmp_path, lang):
    volume, labels = scan()
    written = save_reading(tmp_path / "out", reading(), volume, labels, lang=lang, command="osteon read ct x")
    names = {str(path.relative_to(tmp_path / "out")) for path in written}
    assert names >= {"results.json", "report.html", "report.pdf", "segmentation.nii.gz", "bodies.nii.gz",
                     "tables/table-heights.csv", "figures/figure-spine.png", "figures/figure-t12.svg"}  # fmt: skip
    assert not {name for name in names if name.endswith(".dcm")}
    mark = words(lang)("report.simulated_mark")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert words(lang)("report.simulated_banner") in page
    with pypdfium2.PdfDocument(tmp_path / "out" / "report.pdf") as pdf:
        for sheet in pdf:
            assert mark in sheet.get_textpage().get_text_bounded()
        first = pdf[0].get_textpage().get_text_bounded()
    for key in ("section.impression", "signature.draft"):  # what is said and signed stands on one page
        assert words(lang)(f"spine_ct.{key}") in first
    word = docx.Document(tmp_path / "out" / "report.docx")
    assert [table.rows[0].cells[0].text for table in word.tables[:2]] == [
        words(lang)("spine_ct.exam.scan"), "",
    ]  # fmt: skip
    assert words(lang)("spine_ct.table.heights") not in [paragraph.text for paragraph in word.paragraphs]
    rows = list(
        csv.reader(io.StringIO((tmp_path / "out/tables/table-heights.csv").read_text(encoding="utf-8-sig")))
    )
    assert len(rows) == 1 + len(LEVELS)
    assert json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))["dicom"] is None


def test_a_label_map_without_its_ct_is_drawn_and_saved(tmp_path):
    _, labels = scan()
    bare = replace(reading(), vertebrae=tuple(replace(v, hu=None) for v in reading().vertebrae), hu_mean=None)
    written = save_reading(tmp_path / "out", bare, None, labels, lang="en")
    assert tmp_path / "out" / "figures" / "figure-spine.png" in written
    assert "no CT was given" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_no_vertebra_at_all_is_still_a_report(tmp_path):
    volume, labels = scan()
    written = save_reading(
        tmp_path / "out", replace(reading(), vertebrae=()), volume, replace(labels, levels=()), lang="zh"
    )
    assert tmp_path / "out" / "report.pdf" in written


def changed(made, level, **changes):
    """The reading with one vertebra changed."""
    return replace(made, vertebrae=tuple(
        replace(v, **changes) if v.level == level else v for v in made.vertebrae
    ))  # fmt: skip


CANAL = "12.3\u00a0mm AP (T10 15.8, L2 15.8\u00a0mm; −22%), area −22%"


def test_the_canal_stands_beside_its_sound_neighbours():
    """T11 holds cement and L1 is fractured: T10 and L2 speak for T12; at an end nobody does."""
    spoken = texts(spine_ct_document(reading()), "en")
    assert any(
        f"into the canal: consider burst fracture. Canal {CANAL}." in text
        for text in spoken
        if text.startswith("T12")
    )
    assert any(
        text.startswith("1. T12") and text.endswith(f"wall proves intact); canal {CANAL}.") for text in spoken
    )
    chinese = texts(spine_ct_document(reading()), "zh")
    assert (
        sum(
            "椎管矢状径 12.3\u00a0mm（T10 15.8，L2 15.8\u00a0mm；−22%），面积 −22%。" in text
            for text in chinese
        )
        == 2
    )
    pressed = [v for v in reading().vertebrae if v.level in ("T12", "L1")]
    alone = texts(spine_ct_document(replace(reading(), vertebrae=tuple(pressed))), "en")
    assert any("Canal 12.3\u00a0mm AP. " in text for text in alone)


@pytest.mark.parametrize("ratio", [0.77, 1.35, None])
def test_no_canal_is_called_free_beside_a_bulge(ratio):
    wall = PosteriorWall(convexity_mm=1.5, canal_area_ratio=ratio, involved=True)
    line = said(finding_of(changed(reading(), "T12", posterior_wall=wall).at("T12")))
    assert "Posterior wall bulges 1.5\u00a0mm into the canal: consider burst fracture." in line
    assert (
        "reduced" not in line.partition("Posterior wall")[2]
        and "%" not in line.partition("Posterior wall")[2]
    )


def test_a_possible_burst_stands_in_the_item_of_its_fracture_and_nowhere_else():
    items = [
        text for text in texts(spine_ct_document(reading()), "en") if text[:2] in ("1.", "2.", "3.", "4.")
    ]
    assert items[0] == (
        "1. T12: wedge compression fracture, Genant grade 3 (severe); posterior wall bulges into the spinal canal, possible "
        f"burst fracture (Denis compression type B if the posterior wall proves intact); canal {CANAL}."
    )
    assert not [item for item in items[1:] if "burst" in item]
    calm = changed(
        reading(), "T12", posterior_wall=PosteriorWall(convexity_mm=0.2, canal_area_ratio=1.0, involved=False)
    )
    assert any("No bulge of the posterior wall" in text for text in texts(spine_ct_document(calm), "en"))


CALM = PosteriorWall(convexity_mm=0.2, canal_area_ratio=1.0, involved=False)
NARROW = PosteriorWall(convexity_mm=-0.3, canal_area_ratio=0.72, involved=True)
UNSEEN = PosteriorWall(convexity_mm=None, canal_area_ratio=0.3, involved=True)


@pytest.mark.parametrize(("walls", "english", "chinese"), [
    ({"T12": CALM, "L3": None}, "No bulge of the posterior wall into the spinal canal at T12 and L1. Posterior wall and canal not assessed at L3.",
     "T12 和 L1 椎体后壁未见突入椎管。L3 椎体后壁与椎管未评估。"),
    ({"L1": None}, "bulges into the spinal canal at T12: consider burst fracture. Posterior wall and canal not assessed at L1.",
     "T12 椎体后壁突入椎管，提示爆裂骨折可能。L1 椎体后壁与椎管未评估。"),
    ({"T12": None, "L1": None, "L3": None}, "Spinal canal not assessed.", "椎管未评估。"),
    ({"T12": NARROW}, "cannot be told from this CT alone. Spinal canal narrowed at T12, the posterior wall itself not bulging: consider burst fracture.",
     "T12 椎管变窄，椎体后壁未见突入，提示爆裂骨折可能。"),
    ({"T12": UNSEEN}, "Spinal canal narrowed at T12, the posterior wall itself not followed: consider burst fracture.",
     "T12 椎管变窄，椎体后壁未能追踪，提示爆裂骨折可能。"),
])  # fmt: skip
def test_the_sentence_on_the_canal_holds_for_the_levels_it_names(walls, english, chinese):
    made = reading()
    for level, wall in walls.items():
        made = changed(made, level, posterior_wall=wall)
    assert english in said(headline(made, None))
    assert chinese in said(headline(made, None), "zh")
    if None in walls.values() and len(walls) < 3:  # not lost where another fracture may be a burst
        assert sum("not assessed at" in text for text in texts(spine_ct_document(made), "en")) == 2


@pytest.mark.parametrize(("lang", "end", "bulge"), [
    ("en", "; spinal canal narrowed, the posterior wall not bulging, possible burst fracture (Denis compression type B if", "bulges"),
    ("zh", "；椎管变窄，后壁未见突入，爆裂骨折可能（若后壁证实完整，则为 Denis 压缩性骨折 B 型）", "后壁突入"),
])  # fmt: skip
def test_a_flat_wall_beside_a_narrow_canal_is_nowhere_said_to_bulge(lang, end, bulge):
    spoken = texts(spine_ct_document(changed(reading(), "T12", posterior_wall=NARROW)), lang)
    assert any(text.startswith("1. T12") and end in text for text in spoken)
    assert not [text for text in spoken if bulge in text]


def test_a_wall_that_was_not_followed_is_nowhere_said_to_bulge_or_not_to():
    spoken = texts(spine_ct_document(changed(reading(), "T12", posterior_wall=UNSEEN)), "en")
    own = [text for text in spoken if "T12" in text and "canal" in text]
    assert any("the posterior wall not followed, possible burst fracture" in text for text in own)
    assert not [text for text in own if "bulg" in text]


@pytest.mark.parametrize("looked", [True, False])
def test_the_limits_say_whether_the_posterior_cortex_was_looked_at(looked):
    made = changed(reading(), "T12", indicators={"posterior_cortex_lost": 0.0} if looked else {})
    spoken = texts(spine_ct_document(made), "en")
    assert any("neither its cortex nor" in text for text in spoken) != looked
    assert any("where a whole patch is missing" in text for text in spoken) == looked


def test_what_the_names_rest_on_is_said():
    def named(lang="en", **changes):
        return examined(replace(reading(), **changes), lang)[words(lang)("spine_ct.exam.field")]

    assert (
        named(anchored_by=("sacrum", "ribs")) == "T9–L5, named by the sacrum and the ribs; L5 partly included"
    )
    pinned = {
        "anchored_by": ("labels", "user"),
        "provenance": ("import:verse mask.nii.gz", "user: T11 pinned as L3"),
    }
    assert named(**pinned) == "T9–L5, named by the imported mask and the user’s pin L3; L5 partly included"
    assert named("zh", **pinned) == "T9–L5，命名依据：所导入的标签和用户指定的 L3；L5 仅部分位于视野内"
    assert (
        examined(replace(reading(), **pinned))["Labels"] == "import:verse mask.nii.gz; user: T11 pinned as L3"
    )
    assert "counted from below" in examined(unanchored())["Vertebrae"]
    made = results_json(replace(reading(), **pinned))
    assert made["anchored_by"] == ["labels", "user"]
    assert made["provenance"] == list(pinned["provenance"])


def test_what_is_not_evaluable_feeds_no_statement():
    """A narrow canal, a disc and a density of bodies that are cut off or unclear are not told."""
    cut = changed(
        intact(), "T9", evaluable=False, not_evaluable=("cropped",), heights_mm=None, canal_ap_mm=9.3
    )
    spoken = texts(spine_ct_document(cut), "en")
    assert not [text for text in spoken if "9.3" in text]
    table = next(
        b for b in spine_ct_document(cut).blocks if isinstance(b, TableBlock) and b.id == "table-measurements"
    )
    rows = [[words("en").cell(cell) for cell in row] for row in table.rows]
    labels = [said(column.label) for column in table.columns]
    for name in ("above", "below", "AP, mm", "area, mm²", "HU\u00a0mean"):
        assert rows[0][labels.index(name)] == "–", name
    assert rows[1][labels.index("above")] == "–"
    assert rows[1][labels.index("below")] == "7.1"
    unclear = changed(intact(), "L1", evaluable=False, not_evaluable=("uncertain_outline",), heights_mm=None)
    assert not [text for text in texts(spine_ct_document(unclear), "en") if "density of L1" in text]
    assert [text for text in texts(spine_ct_document(intact()), "en") if "density of L1: 108" in text]


def test_the_head_names_the_patient():
    scan_facts = replace(
        reading().scan, patient_name="Zhang^San=张^三", sex="F", age="071Y", accession="A-17"
    )
    document = spine_ct_document(replace(reading(), scan=scan_facts))
    assert said(document.subtitle) == (
        "张三 (Zhang San) · female · 71 years · ID P-0042 · accession A-17 · examined 2026-11-03"
    )
    assert said(document.subtitle, "zh") == (
        "姓名 张三 (Zhang San) · 性别 女 · 年龄 71 岁 · 患者编号 P-0042 · 检查号 A-17 · 检查日期 2026-11-03"
    )
    table = examined(replace(reading(), scan=scan_facts))
    assert table["Scan"] == "Spine 1.5 B60f · 2026-11-03 · SIEMENS"
    assert list(table)[-1] == "File"
    bare = replace(reading().scan, patient_id="", study_date="", series_description="", manufacturer="")
    assert said(spine_ct_document(replace(reading(), scan=bare)).subtitle) == "Patient not stated in the file"
    assert examined(replace(reading(), scan=bare))["Scan"] == "series-3"


def test_among_the_findings_stands_what_is_seen_and_in_the_impression_its_name():
    t12, l1 = (said(finding_of(reading().at(level)), "zh") for level in ("T12", "L1"))
    assert t12.startswith("T12 椎体：楔形变，前缘高度减低约 43%，Genant 3 级（重度）。")
    assert l1.startswith("L1 椎体：双凹变形，中部高度减低约 27%，Genant 2 级（中度）。")
    assert "骨折" not in l1.partition("可信度")[0].replace(
        "压缩性骨折 B 型", ""
    )  # but for the name of the type
    assert said(finding_of(reading().at("T12"))).startswith(
        "T12: wedge deformity, anterior height reduced by 43%, Genant grade 3"
    )
    spoken = texts(spine_ct_document(reading()), "zh")
    assert any(text.startswith("2. L1 椎体双凹形压缩性骨折") for text in spoken)


def test_no_body_is_called_both_a_burst_and_a_compression_fracture():
    line = said(finding_of(reading().at("T12")))
    assert "Burst fracture suspected (Denis compression type B if the posterior wall proves intact)." in line
    assert "Denis compression type B." not in line
    assert "Denis compression type B." in said(finding_of(reading().at("L1")))
    undecided = changed(reading(), "T12", denis=replace(reading().at("T12").denis, type=None))
    assert "Burst fracture suspected." in said(finding_of(undecided.at("T12")))


@pytest.mark.parametrize(("deg", "english", "chinese"), [
    (29.0, "Kyphosis across the vertebra and both discs 29°.", "后凸 29°。"), (-41.0, "Lordosis across the vertebra and both discs 41°.", "前凸 41°。"),
])  # fmt: skip
def test_an_angle_has_the_name_of_its_sign(deg, english, chinese):
    bent = changed(reading(), "T12", local_kyphosis_deg=deg).at("T12")
    assert english in said(finding_of(bent))
    assert chinese in said(finding_of(bent), "zh")
    straight = replace(intact(), lordosis_deg=-4.0, kyphosis_deg=-3.0)
    spoken = texts(spine_ct_document(straight), "en")
    assert any("Thoracic lordosis 3°" in text and "Lumbar kyphosis 4°." in text for text in spoken)


def test_the_levels_of_a_mean_and_of_both_ends_are_named():
    spoken = texts(spine_ct_document(reading()), "en")
    assert (
        sum("Mean trabecular density of L2 and L4, unfractured: 106\u00a0HU." in text for text in spoken) == 2
    )
    assert any("canal 12.3\u00a0mm (T12) to 15.8\u00a0mm (T10)." in text for text in spoken)
    alone = texts(spine_ct_document(replace(reading(), hu_mean_of=("L2",))), "zh")
    assert any("未骨折的 L2 椎体松质骨 CT 值 106\u00a0HU。" in text for text in alone)


def test_what_a_confidence_is_of_is_said():
    line = said(finding_of(reading().at("L1")))
    assert "OF type 2 proposed (one endplate broken). Confidence: fractured 0.97" in line
    assert said(evidence(reading().at("L1"))[-1][0]) == "P(fractured)"


@pytest.mark.parametrize(("lang", "line"), [
    ("en", "T9: not evaluable (body cut off by the field of view, outline unclear on this scan, body too small)."),
    ("zh", "T9 椎体：未能评估（未完全包入视野、本次扫描中轮廓不清、椎体过小）。"),
])  # fmt: skip
def test_reasons_stand_side_by_side(lang, line):
    cut = changed(
        intact(), "T9", evaluable=False, not_evaluable=("cropped", "uncertain_outline", "too_small")
    )
    assert line in texts(spine_ct_document(cut), lang)


def test_no_confidence_is_printed_as_certainty():
    made = changed(intact(), "L2", level_confidence=0.9968, confidence=0.9955)
    row = heights_table(made).rows[LEVELS.index("L2")]
    assert [words("en").cell(cell) for cell in row[-2:]] == [">\u00a00.99", ">\u00a00.99"]
    assert any(line.startswith("L2   (level > 99%)") for line in reading_lines(made, "en"))
    assert any(line.startswith("L3   (level 97%)") for line in reading_lines(made, "en"))


def test_a_cortex_that_is_more_than_whole_has_lost_nothing():
    made = changed(reading(), "T12", indicators={"cortex_lost": -0.15, "pedicle_share": 1.11})
    table = next(
        b for b in spine_ct_document(made).blocks if isinstance(b, TableBlock) and b.id == "table-indicators"
    )
    at = [column.label for column in table.columns].index("T12")
    assert sorted(words("en").cell(row[at]) for row in table.rows) == ["0.00", "1.11", "–", "–"]
    assert "Relative: to the unfractured neighbours" in said(table.footnotes[0])


def test_research_indicators_of_few_levels_stand_side_by_side():
    """One column for each level, so that no page is turned; in rows where more levels are shown than fit beside each other."""
    few = _indicators(reading())
    assert [column.label for column in few.columns[1:]] == ["T11", "T12", "L1", "L3", "L5"]
    band = next(row for row in few.rows if row[0].code == "fresh_band_hu")
    assert [words("en").cell(cell) for cell in band[1:]] == ["8", "92", "92", "92", "8"]
    every = replace(reading(), vertebrae=tuple(
        replace(v, evaluable=False, not_evaluable=("cropped",), genant=None, fractured=None) for v in reading().vertebrae
    ))  # fmt: skip
    many = _indicators(every)
    assert [row[0] for row in many.rows] == [v.level for v in every.vertebrae]


def _indicators(read):
    """The table of research indicators in the report of a reading."""
    blocks = spine_ct_document(read).blocks
    return next(b for b in blocks if isinstance(b, TableBlock) and b.id == "table-indicators")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_of_thick_slices_the_error_of_a_height_is_told_as_it_was_validated(lang):
    thick = replace(reading(), scan=replace(reading().scan, slice_thickness_mm=3.0))
    told = [text for text in texts(spine_ct_document(thick), lang) if "0.78" in text]
    assert len(told) == 1
    validated = (
        Path(__file__).parents[2].joinpath("validation", "spine_phantoms.md").read_text(encoding="utf-8")
    )
    for kind in ("1 mm", "2 mm", "3 mm", "cubes of 3 mm"):
        mean = re.search(rf"\| {kind} \| \d+ \| height MAE, mm \| (0\.\d+)", validated)[1]
        assert f"{float(mean):.2f}" in told[0], kind
    assert not [text for text in texts(spine_ct_document(reading()), lang) if "0.78" in text]


def test_the_caption_names_l1_only_where_it_is_drawn_in_black():
    volume, labels = scan()
    for made, told in ((reading(), False), (intact(), True)):
        document = spine_ct_document(made, key_images=spine_scene(made, labels, volume))
        caption = next(
            said(b.caption) for b in document.blocks if isinstance(b, FigureBlock) and b.id == "figure-levels"
        )
        assert ("L1 in black" in caption) == told


def test_a_site_calibration_is_told_as_such_and_never_as_a_t_score():
    made = replace(intact(), vertebrae=tuple(
        replace(v, hu=replace(v.hu, vbmd_mg_cm3=0.78 * v.hu.median - 4.2)) for v in intact().vertebrae
    ))  # fmt: skip
    assert any("By the site’s calibration L1 has 79\u00a0mg/cm³ (volumetric, no T-score)." in text
               for text in texts(spine_ct_document(made), "en"))  # fmt: skip
    assert "mg/cm³" in texts(spine_ct_document(made), "zh")
    broken = changed(made, "L1", fractured=True)
    assert any(
        "T12, L2–L5 have" in text or "T12 and L2–L5 have" in text
        for text in texts(spine_ct_document(broken), "en")
    )
    assert not any("mg/cm³" in text for text in texts(spine_ct_document(intact()), "en"))


@pytest.mark.parametrize("contrast", ["given", "portal_venous"])
def test_contrast_medium_is_said_to_raise_the_density(contrast):
    made = replace(intact(), scan=replace(intact().scan, contrast=contrast), notes=("contrast_raises_hu",))
    assert "Contrast medium raises the HU of bone." in texts(spine_ct_document(made), "en")


@pytest.mark.parametrize(("hu", "english", "chinese"), [
    (108.0, "If no contrast medium was given, this is at or below 110\u00a0HU", "若未使用对比剂，则不高于 110\u00a0HU"),
    (140.0, "If no contrast medium was given, this is between", "若未使用对比剂，则介于文献界值 110\u00a0HU"),
    (180.0, "If no contrast medium was given, this is above 160\u00a0HU", "若未使用对比剂，则高于 160\u00a0HU"),
])  # fmt: skip
def test_the_cutoffs_are_hedged_where_contrast_medium_is_not_stated(hu, english, chinese):
    unsaid = replace(intact(), scan=replace(intact().scan, contrast="unknown"), hu_l1=hu)
    for lang, expected, bare in (("en", english, ". At or below"), ("zh", chinese, "HU。不高于")):
        spoken = texts(spine_ct_document(unsaid), lang)
        assert sum(expected in text for text in spoken) == 2  # among the findings and in the impression
        assert not [text for text in spoken if bare in text]
    plain = replace(unsaid, scan=replace(unsaid.scan, contrast="none"))
    assert not [text for text in texts(spine_ct_document(plain), "en") if "If no contrast" in text]


def test_of_an_l1_that_was_not_graded_no_cutoff_is_told():
    """Thick slices: the density is measured, yet nobody knows whether the body is compressed."""
    plain = replace(intact(), scan=replace(intact().scan, contrast="none"))
    blind = changed(
        plain, "L1", evaluable=False, not_evaluable=("slice_thickness_over_3mm",), genant=None, fractured=None
    )
    spoken = [text for text in texts(spine_ct_document(blind), "en") if "density of L1" in text]
    assert len(spoken) == 2
    for text in spoken:
        assert (
            "108\u00a0HU; whether L1 is compressed is not known, and a compressed body reads too dense"
            in text
        )
        assert "At or below" not in text
    assert any(
        "L1 是否压缩不明，而压缩的椎体 CT 值偏高" in text for text in texts(spine_ct_document(blind), "zh")
    )


def test_without_an_image_no_endplate_is_called_unbroken():
    plate = Endplate(
        depression_mm=0.4, discontinuity=None, band_hu=None, tilt_deg=1.0, injured=False, signs=()
    )
    blind = changed(reading(), "L3", superior=plate, inferior=plate, notes=(), denis=replace(reading().at("L3").denis, type=None))  # fmt: skip
    line = said(finding_of(blind.at("L3")))
    assert "not judged without an image" in line
    assert "intact" not in line.partition("Posterior wall")[0]
    seen = changed(blind, "L3", notes=("deformity_without_broken_endplate",))
    assert "short vertebral height" in said(finding_of(seen.at("L3")))


def test_a_value_holds_to_its_unit():
    """No ordinary space between a figure and its unit, in either language, so that no line ends between them."""
    for lang in ("en", "zh"):
        for key, text in words(lang).entries.items():
            if key.startswith("spine_ct."):
                assert not re.search(r"[}0-9] (mm|HU|kVp|ml|mg)", text), key
                assert " （" not in text, key


def test_columns_that_nobody_fills_are_left_out():
    table = next(
        b for b in spine_ct_document(intact()).blocks if isinstance(b, TableBlock) and b.id == "table-heights"
    )
    assert "Denis" not in [said(column.label) for column in table.columns]


def test_the_provenance_is_small_print_with_files_by_their_names(tmp_path):
    volume, labels = scan()
    command = "osteon read ct /hospital/archive/case.nii.gz --out '/home/some one/out' --lang en"
    save_reading(tmp_path / "out", reading(), volume, labels, lang="en", command=command)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "osteon read ct case.nii.gz" in page
    assert "/hospital" not in page
    with pypdfium2.PdfDocument(tmp_path / "out" / "report.pdf") as pdf:
        last = pdf[len(pdf) - 1].get_textpage().get_text_bounded()
    assert "How these results were made" in last
    assert len(last) > 600  # it does not stand on a page of its own


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("made", [reading, suspicious, unanchored, intact])
def test_the_terminal_has_no_codes(made, lang):
    lines = reading_lines(made(), lang)
    assert lines[0] == words(lang)("report.simulated_banner")
    assert lines[-1] == words(lang)("report.disclaimer")
    assert len(lines) == 3 + len(LEVELS)
    assert not [line for line in lines if "_" in line or "none" in line or "−0" in line or "-0" in line]


def test_the_terminal_says_what_must_not_be_missed():
    lines = reading_lines(suspicious(), "en")
    assert lines[5] == (
        "T12  (level 97%)  Genant 3, wedge · loss of height 43% · "
        "possible burst fracture (Denis compression type B if the posterior wall proves intact)"
    )
    assert lines[4] == "T11  (level 97%)  not evaluable (bone cement)"
    assert (
        "L2   (level 97%)  suspicious (posterior elements destroyed and lytic focus); not called osteoporotic"
        in lines
    )
    assert reading_lines(reading(), "zh")[5] == (
        "T12 （节段 97%）Genant 3 级，楔形 · 高度丢失 43% · 爆裂骨折可能（若后壁证实完整，则为 Denis 压缩性骨折 B 型）"
    )
    assert reading_lines(replace(reading(), simulated=False), "en")[1].startswith("T9")


def injured(level="L2", *, measured=True):
    """A broken superior endplate: no height lost that counts, or none that could be told."""
    plate = Endplate(depression_mm=1.9, discontinuity=0.4, band_hu=60.0, tilt_deg=1.0, injured=True,
                     signs=("depression", "discontinuity"), injury=2.0)  # fmt: skip
    broken = {"notes": ("endplate_injury",), "superior": plate, "confidence": 0.89}
    if not measured:
        broken |= {"evaluable": False, "fractured": None, "genant": None, "confidence": None,
                   "not_evaluable": ("no_sound_reference",)}  # fmt: skip
    return changed(intact(), level, **broken)


@pytest.mark.parametrize(("lang", "first", "item", "status"), [
    ("en", "Signs of a broken endplate without a deformity of Genant grade 1 at L2: possible acute fracture",
     "L2: signs of a broken endplate (", "endplate injury, no deformity"),
    ("zh", "L2 椎体终板损伤而高度丢失未达 Genant 1 级：急性骨折可能", "L2 椎体终板损伤征象（", "终板损伤，无变形"),
])  # fmt: skip
def test_a_broken_endplate_is_neither_a_fracture_nor_none(lang, first, item, status):
    made = injured()
    assert said(headline(made, None), lang).startswith(first)
    sound = [said(text, lang) for text in findings(made) if "Genant grade 1 or more" in said(text, "en")]
    assert all("L2" not in line for line in sound)
    spoken = texts(spine_ct_document(made), lang)
    assert any(item in line for line in spoken)
    assert any(status in line for line in reading_lines(made, lang))
    assert said(evidence(made.at("L2"))[-1][0], lang) in ("Rate of broken endplates (simulated scans)", "终板确有损伤的比例（模拟扫描）")  # fmt: skip
    told = results_json(made)
    assert told["endplate_injury_levels"] == ["L2"] and told["n_fractures"] == 0
    assert "L2" not in said(headline(intact(), None), "en").split("at")[0]


@pytest.mark.parametrize(("lang", "words_of"), [
    ("en", ("loss of height not to be told without an unfractured vertebra: probable fracture", "Not evaluable: L2.")),
    ("zh", ("高度丢失无法判定：骨折可能性大", "未能评估：L2。")),
])  # fmt: skip
def test_without_a_yardstick_a_broken_endplate_is_a_probable_fracture(lang, words_of):
    made = injured(measured=False)
    line = said(headline(made, None), lang)
    assert all(word in line for word in words_of)
    assert any("no unfractured vertebra to measure against" in text for text in reading_lines(made, "en"))


@pytest.mark.parametrize(("lang", "said_first"), [
    ("en", "Names of the levels uncertain (confidence 0.50 at the least): they may be off by one."),
    ("zh", "节段命名不确定（可信度最低 0.50），可能相差一个节段。"),
])  # fmt: skip
def test_an_uncertain_name_stands_in_the_first_line_and_carries_no_density_of_l1(lang, said_first):
    doubtful = replace(
        intact(), vertebrae=tuple(replace(v, level_confidence=0.5) for v in intact().vertebrae)
    )
    assert said(headline(doubtful, None), lang).endswith(said_first)
    assert said_first not in said(headline(intact(), None), lang)
    spoken = texts(spine_ct_document(doubtful), "en")
    assert any("Density of L1 not given" in text for text in spoken)
    assert not any("Trabecular density of L1" in text for text in spoken)
    assert any("they may all be off by one" in text for text in spoken)


def test_an_of_type_says_what_it_rests_on():
    """Beside "no bulge" and one intact endplate a type 3 or 4 would seem to contradict the sentence before it."""
    plain = reading().at("L1")
    flat = replace(plain.posterior_wall, involved=False) if plain.posterior_wall else None
    broken, whole = replace(plain.superior, injured=True), replace(plain.inferior, injured=False, signs=())
    loss = replace(plain.height_loss, anterior=0.3, middle=0.3, posterior=0.1)
    made = replace(plain, superior=broken, inferior=whole, posterior_wall=flat, height_loss=loss)
    for change, why in (
        ({}, "one endplate broken"),
        ({"inferior": replace(whole, injured=True)}, "both endplates broken"),
        ({"height_loss": replace(loss, anterior=0.55)}, "half of the height or more lost"),
        ({"height_loss": replace(loss, posterior=0.25)}, "posterior height −25%"),
        ({"superior": replace(broken, injured=False, signs=())}, "no endplate seen broken"),
    ):
        assert f"proposed ({why})" in said(finding_of(replace(made, **change)))


def test_one_sign_alone_is_told_and_not_called_intact():
    plain = reading().at("L1")
    made = replace(plain, inferior=replace(plain.inferior, injured=False, signs=("band",)))
    line = said(finding_of(made))
    assert (
        "with one sign alone (dense band), not counted as broken" in line
        and "nferior endplate intact" not in line
    )
    rows = {said(name): said(value) for name, value in evidence(made)}
    assert rows["Inferior endplate"] == "dense band, alone"


def test_a_sound_level_without_neighbours_is_not_said_to_be_as_expected():
    v = intact().at("L2")
    made = changed(intact(), "L2", height_loss=replace(v.height_loss, reference_from=()))
    spoken = [said(text) for text in findings(made)]
    assert any(text.startswith("L2: no loss of height by their own proportions") for text in spoken)
    assert not any("heights as expected" in text and "L2" in text.split(":")[0] for text in spoken)


def test_the_impression_says_why_a_loss_short_of_the_threshold_counts():
    v = reading().at("L1")
    loss = replace(v.height_loss, anterior=0.189, middle=0.189, posterior=0.0)
    made = changed(reading(), "L1", height_loss=loss, notes=("called_by_endplate", "near_threshold"))
    items = texts(spine_ct_document(made), "en")
    assert any(
        "loss of 18.9%, short of 20% within its error, counted because an endplate is broken." in t
        for t in items
    )
    assert "close to a threshold" not in said(finding_of(made.at("L1")))


def test_what_is_to_be_looked_at_stands_in_the_impression():
    made = changed(intact(), "L3", notes=("endplate_sclerosis",))
    items = [text for text in texts(spine_ct_document(made), "en") if text[1:3] == ". "]
    assert any("L3: dense area under an endplate" in text for text in items)
