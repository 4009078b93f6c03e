import pytest

from osteon.core.errors import ConfigError, InputError
from osteon.report.checklist import Filled, checklist, checklist_items
from osteon.report.document import Column, Document, Heading, Paragraph, TableBlock
from osteon.report.speech import speak
from osteon.report.spoken import SpokenHeading, SpokenTable
from osteon.report.value import Ref, Words


def document(*blocks, simulated=False):
    return Document(title="t", simulated=simulated, blocks=blocks)


def test_an_anchor_used_twice_is_refused():
    with pytest.raises(InputError, match="'a' is used twice"):
        document(Heading("a", "A"), Heading("a", "B"))


def test_an_anchor_with_a_space_is_refused():
    with pytest.raises(InputError, match="is not one"):
        document(Heading("a b", "A"))


def test_a_checklist_that_points_nowhere_is_refused():
    filled = {"4": Filled(status="auto", pointer="method")}
    with pytest.raises(InputError, match="Did you mean 'methods'"):
        document(Heading("methods", "M"), checklist("tripod_ai", filled=filled))


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(InputError, match="2 cells, expected 1"):
        TableBlock(id="t", title="t", columns=(Column("a"),), rows=(("x", "y"),))


def test_tripod_ai_has_27_items_in_52_parts_with_words_in_both_languages():
    items = [item for item, _ in checklist_items("tripod_ai")]
    assert len(items) == len(set(items)) == 52
    assert {item.rstrip("abcdefg") for item in items} == {str(n) for n in range(1, 28)}
    for lang in ("en", "zh"):
        table = speak(document(checklist("tripod_ai", filled={})), lang).blocks[0]
        assert isinstance(table, SpokenTable)
        assert sum(not row.spans for row in table.rows) == 52


def test_what_nobody_filled_stays_missing():
    made = checklist("tripod_ai", filled={"1": Filled(status="auto", text="Said.")})
    assert [item.status for item in made.items[:2]] == ["auto", "missing"]


def test_a_claim_without_pointer_or_text_is_refused():
    with pytest.raises(ConfigError, match="without pointer or text"):
        checklist("tripod_ai", filled={"1": Filled(status="auto")})


def test_an_item_the_checklist_lacks_is_refused():
    with pytest.raises(ConfigError, match="no item '28'"):
        checklist("tripod_ai", filled={"28": Filled(status="auto", text="x")})


def test_tables_figures_and_sections_are_numbered_and_can_be_pointed_at():
    table = TableBlock(id="t2", title="T", columns=(Column("a"),), rows=(("x",),))
    first = TableBlock(id="t1", title="T", columns=(Column("a"),), rows=(("x",),))
    blocks = speak(
        document(first, Heading("s", "S"), Heading("s1", "S", 2), table, Paragraph(Ref("t2"))), "zh"
    ).blocks
    assert [block.label for block in blocks if isinstance(block, SpokenTable)] == ["表 1", "表 2"]
    assert [block.number for block in blocks if isinstance(block, SpokenHeading)] == ["1", "1.1"]
    assert [(run.text, run.target) for run in blocks[-1].runs] == [("表 2", "t2")]


def test_a_reference_inside_a_sentence_splits_it_into_runs():
    table = TableBlock(id="t1", title="T", columns=(Column("a"),), rows=(("x",),))
    said = speak(document(table, Paragraph(Words("number.series", first=Ref("t1"), last="x"))), "en").blocks[
        1
    ]
    assert [(run.text, run.target) for run in said.runs] == [("Table 1", "t1"), (" and x", "")]


@pytest.mark.parametrize(("lang", "mark"), [("en", "SIMULATED"), ("zh", "模拟数据")])
def test_every_table_and_figure_on_invented_data_says_so_in_its_title(sample_document, lang, mark):
    said = speak(sample_document(simulated=True), lang)
    titles = [block.title for block in said.blocks if block.kind in ("table", "figure")]
    assert len(titles) == 7
    assert all(mark in title for title in titles)
    real = speak(sample_document(), lang)
    assert not any(mark in block.title for block in real.blocks if block.kind in ("table", "figure"))
