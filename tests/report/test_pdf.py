import re
import zlib

import pypdfium2
import pytest

from osteon.core.errors import OutputError
from osteon.report import fonts
from osteon.report.document import Callout, Column, Document, Heading, Paragraph, TableBlock
from osteon.report.pdf import pdf
from osteon.report.speech import speak

RARE = "王䶮 㛃 \U00020164 \U0002cb5a 😀"
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pages(content):
    with pypdfium2.PdfDocument(content) as document:
        texts = []
        for page in document:
            text = page.get_textpage()
            texts.append(text.get_text_range())
            text.close()
            page.close()
    return texts


def unescaped(literal):
    def byte(match):
        found = match[1]
        return bytes((int(found, 8),)) if found.isdigit() else ESCAPES.get(found, found)

    return re.sub(rb"\\([0-7]{3}|.)", byte, literal, flags=re.S)


def glyphs(content):
    """The glyph numbers of every string shown in the file; 0 is the empty box."""
    found = []
    for start in re.finditer(rb"stream\r?\n", content):
        try:
            stream = zlib.decompressobj().decompress(content[start.end() :])
        except zlib.error:
            continue
        for block in re.findall(rb"BT(.*?)\nET", stream, re.S):
            for literal in re.findall(rb"\(((?:\\.|[^\\()])*)\)", block, re.S):
                data = unescaped(literal)
                found += [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    return found


@pytest.mark.parametrize(("lang", "mark"), [("en", "SIMULATED"), ("zh", "模拟数据")])
def test_every_page_says_that_the_data_are_invented(sample_document, lang, mark):
    made = pages(pdf(speak(sample_document(simulated=True), lang)))
    assert len(made) > 1
    assert all(mark in text for text in made)
    assert not any(mark in text for text in pages(pdf(speak(sample_document(), lang))))


def test_marks_of_typst_are_printed_as_they_stand(sample_document):
    text = " ".join(" ".join(pages(pdf(speak(sample_document(), "en")))).split())
    assert "Prices in $ and 50% of {braces} stay # as _they_ *are* \\ @ <b>." in text


def test_rare_names_leave_no_empty_box(sample_document):
    made = pdf(speak(sample_document(title=f"Study {RARE}"), "zh"))
    shown = glyphs(made)
    assert len(shown) > 500
    assert 0 not in shown
    text = "".join("".join(pages(made)).split())
    for char in RARE.replace(" ", ""):
        assert char in text or f"〔U+{ord(char):04X}〕" in text


def test_without_machine_fonts_rare_characters_are_spelled_out(sample_document, monkeypatch):
    monkeypatch.setattr(fonts, "installed", lambda: ())
    fonts.fallback.cache_clear()
    made = pdf(speak(sample_document(title=f"Study {RARE}"), "en"))
    fonts.fallback.cache_clear()
    assert 0 not in glyphs(made)
    text = "".join("".join(pages(made)).split())
    assert all(f"〔U+{point}〕" in text for point in ("4DAE", "36C3", "20164", "2CB5A", "1F600"))


def test_a_character_without_a_glyph_could_not_be_set_at_all(sample_document, monkeypatch):
    monkeypatch.setattr("osteon.report.pdf._legible", lambda page: page)
    monkeypatch.setattr(fonts, "fallbacks", lambda text: ())
    with pytest.raises(OutputError, match="could not be displayed"):
        pdf(speak(sample_document(title=f"Study {RARE}"), "en"))


def test_the_same_document_gives_the_same_bytes(sample_document):
    said = speak(sample_document(), "en")
    assert pdf(said) == pdf(said)


def wide_table(columns, rows):
    return TableBlock(
        id="wide", title="Wide", columns=tuple(Column(f"Column {k}") for k in range(columns)),
        rows=tuple(tuple(f"cell {r}.{k}" for k in range(columns)) for r in range(rows)),
    )  # fmt: skip


def test_a_long_table_repeats_its_header_on_every_page():
    made = pages(pdf(speak(Document(title="t", simulated=False, blocks=(wide_table(3, 120),)), "en")))
    assert len(made) >= 3
    assert all("Column 0" in text for text in made)


def test_a_table_too_wide_for_the_page_is_turned():
    content = pdf(speak(Document(title="t", simulated=False, blocks=(wide_table(16, 5),)), "en"))
    with pypdfium2.PdfDocument(content) as document:
        sizes = [page.get_size() for page in document]
    assert any(width > height for width, height in sizes)
    assert any(width < height for width, height in sizes)


def test_a_heading_goes_with_its_turned_table():
    blocks = (Paragraph("Before."), Heading("s", "Wide things"), wide_table(16, 5))
    made = pages(pdf(speak(Document(title="t", simulated=False, blocks=blocks), "en")))
    assert ["Wide things" in text for text in made] == [
        "cell 0.15" in " ".join(text.split()) for text in made
    ]
    assert sum("Wide things" in text for text in made) == 1


def test_a_table_of_few_but_long_rows_is_broken_rather_than_lost():
    text = "A long answer that needs several lines of its narrow column. " * 12
    rows = tuple((f"row {k}", text, text) for k in range(14))
    columns = (Column("Row"), Column("First", align="left"), Column("Second", align="left"))
    table = TableBlock(id="long", title="Long", columns=columns, rows=rows)
    made = pages(pdf(speak(Document(title="t", simulated=False, blocks=(table,)), "en")))
    assert len(made) > 1
    assert all(any(f"row {k}" in text for text in made) for k in range(14))


@pytest.mark.parametrize("before", range(28, 52, 4))
def test_what_stands_together_is_on_one_page(before):
    """However far down its page it would begin; the page before it may end early."""
    document = Document(
        title="t", simulated=False, sheet=True,
        blocks=(
            *(Paragraph(f"line {n}") for n in range(before)),
            Heading("impression", "The impression", together=True),
            *(Paragraph(f"statement {n}") for n in range(6)),
            Callout("note", "the signature", "Not valid until signed"),
            Heading("next", "What comes next"), Paragraph("the end"),
        ),
    )  # fmt: skip
    made = pages(pdf(speak(document, "en")))
    holding = [n for n, text in enumerate(made) if "The impression" in text]
    assert len(holding) == 1
    assert all(f"statement {n}" in made[holding[0]] for n in range(6))
    assert "the signature" in made[holding[0]]
    assert "the end" in made[-1]
