"""The report of a spine CT: its first line, its order, its words, and the folder it is saved into."""

import csv
import importlib.util
import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import docx
import pypdfium2
import pytest

from osteon.core.errors import FileError
from osteon.domain.spine import SpineReading
from osteon.report.document import Bullets, Callout, FigureBlock, Heading, Paragraph, TableBlock
from osteon.report.spine_ct import MOST_CLOSE_UPS, spine_ct_document
from osteon.report.spine_ct_text import date, headline, levels_text
from osteon.report.spine_results import read_prior, results_json
from osteon.report.spine_save import save_reading
from osteon.report.spine_scene import spine_scene
from osteon.report.words import words

_spec = importlib.util.spec_from_file_location("spine_fixture", Path(__file__).with_name("spine_fixture.py"))
fixture = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fixture)
LEVELS, finding, planted = fixture.LEVELS, fixture.finding, fixture.planted
reading, intact, suspicious, unanchored = (
    fixture.reading,
    fixture.intact,
    fixture.suspicious,
    fixture.unanchored,
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
        "Posterior wall bulges into the spinal canal at T12: consider burst fracture. Not evaluable: T11 and L5."
    )
    assert said(headline(reading(), None), "zh") == (
        "3 个椎体骨折（T12、L1和L3），最重为 T12，Genant 3 级。骨折新旧仅凭本次 CT 不能判定。"
        "T12 椎体后壁突入椎管，提示爆裂骨折可能。未能评估：T11和L5。"
    )


def test_a_sound_spine_is_said_to_be_sound():
    assert said(headline(intact(), None)) == "No vertebral fracture of Genant grade 1 or more at T9–L5."


def test_nothing_graded_is_not_called_sound():
    blind = replace(reading(), vertebrae=tuple(
        replace(v, evaluable=False, genant=None, fractured=None, not_evaluable=("cropped",)) for v in reading().vertebrae
    ))  # fmt: skip
    assert said(headline(blind, None)).startswith(
        "No vertebra could be graded. Not evaluable: T9–L5 (cut off by the field of view)."
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
    assert [text for text in spoken if "Ribs and sacrum" in text] == [
        "Ribs and sacrum name the levels differently."
    ]


def test_what_outlined_the_vertebrae_is_said():
    def method(backend):
        table = spine_ct_document(replace(reading(), backend=backend)).blocks[1]
        return said(table.rows[-1][1])

    assert "the labels given (verse)" in method("import:verse")
    assert "osteon" not in method("totalsegmentator").partition("outlined")[2]


def test_sections_stand_in_a_radiologists_order():
    volume, labels = scan()
    document = spine_ct_document(reading(), key_images=spine_scene(reading(), labels, volume), prior=intact())
    order = [block.id for block in document.blocks if isinstance(block, Heading)]
    assert order == [
        "examination",
        "findings",
        "comparison",
        "impression",
        "heights",
        "key-images",
        "measurements",
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
    assert any("At or below 110 HU" in text for text in texts(spine_ct_document(plain), "en"))
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
        "T9–L5: not evaluable (slices thicker than 3 mm)."
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


def test_neighbouring_levels_are_drawn_together():
    assert levels_text(reading(), ("T9", "T10", "T11", "L1", "L2", "L5")) == ("T9–T11", "L1", "L2", "L5")
    assert levels_text(reading(), ()) == ()


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
        "B",
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
    assert twelfth["denis"] == {"scheme": "compression", "type": "B"}
    assert made["vertebrae"][2]["heights_mm"] is None
    assert made["vertebrae"][2]["genant"] is None
    assert made["changes"][3]["change"] == "new"


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


@pytest.mark.parametrize("made", [reading, suspicious, unanchored, intact])
def test_a_reading_comes_back_from_its_results(made, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(results_json(made())), encoding="utf-8")
    back = read_prior(tmp_path)
    assert isinstance(back, SpineReading)
    assert back == made()


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
        words(lang)("spine_ct.exam.file"), "",
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
