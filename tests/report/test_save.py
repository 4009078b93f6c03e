import csv
import io
import zipfile

import docx as word
import pytest
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn

from osteon.report.document import Column, Document, Heading, Paragraph, TableBlock
from osteon.report.docx import docx
from osteon.report.save import save
from osteon.report.speech import speak
from osteon.report.tables import csv_tables, table_csv
from osteon.report.theme import text_width_mm
from osteon.report.value import Estimate, PValue, Ref
from osteon.report.words import words


def rows_of(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_report_is_saved_in_all_its_forms(sample_document, tmp_path, lang):
    save(sample_document(simulated=True), tmp_path, lang)
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    figures = {
        f"figures/figure-{name}.{kind}"
        for name in ("flow", "roc", "calibration", "forest")
        for kind in ("svg", "png")
    }
    tables = {"tables/table-baseline.csv", "tables/checklist-tripod.csv"}
    assert made == {"report.html", "report.pdf", "report.docx"} | figures | tables


def test_an_estimate_becomes_numbers_in_columns_of_their_own():
    table = TableBlock(id="t", title="T", columns=(Column("Model"), Column("AUC"), Column("P")),
                       rows=(("a", Estimate(0.8123456, 0.79, 0.83), PValue(1e-9)), ("b", None, None)))  # fmt: skip
    rows = rows_of(table_csv(table, words("en"), simulated=False))
    assert rows[0] == ["Model", "AUC", "AUC, lower limit", "AUC, upper limit", "P"]
    assert rows[1] == ["a", "0.8123456", "0.79", "0.83", "1e-09"]
    assert rows[2] == ["b", "", "", "", ""]


def test_rows_below_a_spanning_row_carry_its_text(sample_document):
    rows = rows_of(dict(csv_tables(sample_document(), "en"))["table-baseline"])
    assert [row[0] for row in rows] == ["Group", "", "Sex", "Sex", "", ""]


def test_on_invented_data_every_row_says_so(sample_document):
    rows = rows_of(dict(csv_tables(sample_document(simulated=True), "en"))["table-baseline"])
    assert rows[0][-1] == "Data"
    assert {row[-1] for row in rows[1:]} == {"SIMULATED"}


def test_a_name_cannot_become_a_formula_and_links_leave_no_mark():
    table = TableBlock(
        id="t", title="T", columns=(Column("a"), Column("b")), rows=(("=1+1", Ref("t")), ("+5", "-x"))
    )
    document = Document(title="t", simulated=False, blocks=(table,))
    assert rows_of(dict(csv_tables(document, "en"))["t"])[1:] == [["'=1+1", "Table 1"], ["+5", "-x"]]


def test_the_file_begins_with_the_mark_that_excel_needs():
    table = TableBlock(id="t", title="T", columns=(Column("a"),), rows=())
    assert table_csv(table, words("zh"), simulated=False).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(("lang", "mark"), [("en", "SIMULATED"), ("zh", "模拟数据")])
def test_the_word_file_holds_tables_text_and_marks(sample_document, lang, mark):
    made = word.Document(io.BytesIO(docx(speak(sample_document(simulated=True), lang))))
    texts = [paragraph.text for paragraph in made.paragraphs]
    assert len(made.tables) == 3
    assert len(made.inline_shapes) == 4
    assert mark in made.sections[0].header.paragraphs[0].text
    titles = [text for text in texts if "Table 1" in text or "表 1　" in text]
    assert any(mark in title for title in titles)
    assert made.styles["Normal"].element.rPr.rFonts.get(qn("w:eastAsia")) == "Microsoft YaHei"
    baseline = made.tables[0]
    assert baseline.rows[0].cells[1].text == "Bone status"
    assert "350" in baseline.rows[4].cells[2].text


def test_a_heading_in_word_stands_on_the_turned_page_of_its_table():
    wide = tuple(Column(f"c{n}") for n in range(12))
    row = ("T12", "biconcave", *("14.2",) * 10)
    document = Document(
        title="t", summary="The first line.", simulated=False, sheet=True,
        blocks=(
            Heading("findings", "Findings"), Paragraph("text"),
            Heading("heights", "Heights"), TableBlock(id="one", title="", columns=wide, rows=(row,)),
            Heading("more", "More"), TableBlock(id="two", title="", columns=wide, rows=(row,)),
            Heading("end", "End"), Paragraph("text"),
        ),
    )  # fmt: skip
    made = word.Document(io.BytesIO(docx(speak(document, "en"))))
    ways = [section.orientation for section in made.sections]
    assert ways == [
        WD_ORIENT.PORTRAIT,
        WD_ORIENT.LANDSCAPE,
        WD_ORIENT.PORTRAIT,
    ]  # both tables in one turned section
    section, where = 0, {}
    for element in made.element.body.iterchildren():
        if element.tag == qn("w:p"):
            where["".join(t.text or "" for t in element.iter(qn("w:t")))] = section
        section += len(list(element.iter(qn("w:sectPr"))))
    assert [where[name] for name in ("Findings", "Heights", "More", "End")] == [0, 1, 1, 2]
    assert next(p for p in made.paragraphs if p.text == "The first line.").runs[0].bold
    language = made.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    assert language.get(qn("w:eastAsia")) == "zh-CN"


def test_columns_in_word_hold_their_words_whole():
    """What is short stays on one line; long texts share what is left of the page."""
    columns = (Column("Level"), Column("Verdict", align="left"), Column("Ha"), Column("Genant"))
    rows = (
        (
            "T12",
            "no change beyond error, limit 16 points, and a good deal more to say of it than a line holds",
            "21.5 → 21.5",
            "3, biconcave",
        ),
    )
    made = word.Document(io.BytesIO(docx(speak(
        Document(title="t", simulated=False, blocks=(TableBlock(id="t", title="", columns=columns, rows=rows),)), "en"
    ))))  # fmt: skip
    cells = made.tables[0].rows[1].cells
    for cell in (cells[0], cells[2], cells[3]):
        assert cell.width.mm > text_width_mm(cell.text, size_pt=8.5) + 3.8  # Word's own margins of a cell
    assert sum(cell.width.mm for cell in cells) == pytest.approx(170.0, abs=0.5)


def test_the_word_file_can_do_without_figures(sample_document):
    content = docx(speak(sample_document(), "en"), figures=False)
    assert not [
        name for name in zipfile.ZipFile(io.BytesIO(content)).namelist() if name.startswith("word/media")
    ]


def test_an_empty_paragraph_is_no_obstacle():
    document = Document(title="t", simulated=False, blocks=(Paragraph(""),))
    assert docx(speak(document, "en"))
