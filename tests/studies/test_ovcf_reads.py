"""The reads table: what is a mistake is named by row and column, what departs from the protocol is counted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.core.config import override
from osteon.core.errors import NotEnoughData, SchemaError
from osteon.report.document import Bullets
from osteon.report.words import words
from osteon.studies.ovcf_analysis import analysed
from osteon.studies.ovcf_config import Config, configured
from osteon.studies.ovcf_page import study_blocks
from osteon.studies.ovcf_protocol import conformity
from osteon.studies.ovcf_reads import read_columns, read_reads, reads_of, template_csv
from osteon.studies.ovcf_virtual import virtual_reads

CONFIG = override(configured("planted"), {"virtual": {"cases": 40}})
HEADERS = {lang: {c.name: c.headers[lang] for c in read_columns()} for lang in ("en", "zh")}


@pytest.fixture(scope="module")
def table():
    reads, _ = virtual_reads(CONFIG, 5)
    return reads.table.drop(columns="unit").dropna(axis=1, how="all")


def judged(table):
    return reads_of(table, source="reads.csv")


def spoiled(table, row, column, value):
    changed = table.astype(object).copy()
    changed.loc[row, column] = value
    return changed


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("call", 2, "row 7, column call: '2', expected 1 or 0"),
        ("call", None, "row 7, column call: empty"),
        ("arm", "mr", "row 7, column arm: 'mr', expected one of ct, ct_ai"),
        ("rating", 6, "row 7, column rating: 6, expected a whole number from 1 to 5"),
        ("rating", 2.5, "row 7, column rating: 2.5, expected a whole number"),
        ("time_s", "long", "row 7, column time_s: 'long' is not a number"),
        ("time_s", -3, "row 7, column time_s: -3"),
        ("time_s", "inf", "row 7, column time_s: inf, expected a number"),
        ("order", "inf", "row 7, column order: inf, expected a whole number"),
        ("level", "L1, L2", "row 7, column level: 'L1, L2', expected one level such as T12 or L1"),
        ("mri_days", 4000, "row 7, column mri_days: 4000, expected a number from -3650 to 3650"),
        ("denis", "E", "row 7, column denis: 'E', expected one of A, B, C, D, -"),
    ],
)
def test_a_wrong_cell_is_named(table, column, value, said):
    with pytest.raises(SchemaError, match=said):
        judged(spoiled(table, 7, column, value))


def test_a_reading_that_stands_twice_is_named(table):
    doubled = pd.concat([table, table.loc[[7]].rename(index={7: 999})])
    with pytest.raises(SchemaError, match=r"rows 7 and 999: .* stands twice"):
        judged(doubled)


def test_a_case_with_two_truths_is_named(table):
    with pytest.raises(
        SchemaError, match=r"rows \d+ and \d+, column mri days: [35] and [35] for V\d+, expected one value"
    ):
        judged(spoiled(table, 7, "mri_days", 5))


def test_a_type_without_a_fracture_is_named(table):
    row = table.index[(table["call"] == 0)][0]
    with pytest.raises(SchemaError, match=f"row {row}, column denis: a type without a fracture"):
        judged(spoiled(table, row, "denis", "B"))


@pytest.mark.parametrize(
    ("column", "reader", "how", "said"),
    [
        ("case", "R2", str.lower, "column case: '[Vv][0-9]+' and '[Vv][0-9]+'"),
        ("reader", "R1", lambda code: "Ｒ１", "column reader: '[RＲ][1１]' and '[RＲ][1１]'"),
    ],
)
def test_a_code_is_written_in_one_way(table, column, reader, how, said):
    other = (table["reader"] == reader) & (table["arm"] == "ct_ai")
    mixed = table.assign(**{column: table[column].where(~other, table[column].map(how))})
    with pytest.raises(SchemaError, match=rf"rows \d+ and \d+, {said} differ in letter case or width only"):
        judged(mixed)


def test_vertebrae_are_named_in_every_row_or_in_none(table):
    with pytest.raises(SchemaError, match=r"row \d+, column vertebra: empty, but row \d+ names one"):
        judged(table.assign(vertebra=np.where(table["reader"] == "consensus", None, "L1")))
    assert judged(table.assign(vertebra="L1")).per_vertebra


def test_what_the_table_must_have(table):
    with pytest.raises(SchemaError, match="no column 'mri fracture'"):
        judged(table.drop(columns="mri_fracture"))
    with pytest.raises(SchemaError, match="both mean reader"):
        judged(table.assign(阅片者="R1"))
    with pytest.raises(NotEnoughData, match="one class"):
        judged(table[table["mri_fracture"] == 1])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_filled_template_is_read_in_either_language(table, tmp_path, lang):
    path = tmp_path / "reads.csv"
    header, _, _ = template_csv(lang).decode("utf-8-sig").splitlines()[:3]
    filled = table.rename(columns=HEADERS[lang])
    if lang == "zh":
        filled = filled.replace({"consensus": "协商", "ct": "常规CT", "ct_ai": "人工智能CT"})
        filled["判断"] = filled["判断"].map({1.0: "是", 0.0: "否"})
    filled = filled.reindex(columns=header.split(","))
    notes = template_csv(lang).decode("utf-8-sig").split("\r\n", 1)[1]
    path.write_bytes((f"{header}\r\n" + notes + filled.to_csv(index=False, header=False)).encode("utf-8-sig"))
    reads = read_reads(path)
    assert len(reads.table) == len(table)
    assert reads.readers == ("R1", "R2")
    assert reads.has_consensus
    assert (reads.table["call"].to_numpy() == table["call"].to_numpy()).all()


def test_training_cases_do_not_count(table):
    trained = table.assign(training=np.where(table["case"] == "V001", 1, 0))
    reads = judged(trained)
    assert "V001" not in set(reads.table["case"])
    assert len(reads.training) == (table["case"] == "V001").sum()


def departures(table, config=CONFIG):
    return {line.code: line for line in conformity(judged(table), config.protocol)}


def test_a_conforming_study_has_no_departure(table):
    assert {code: line.n for code, line in departures(table).items() if line.n} == {}


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("time_s", 601, "time_limit"),
        ("blinded", 0, "blinded"),
        ("washout_days", 3, "washout"),
        ("order", None, "order_known"),
    ],
)
def test_a_departure_is_counted_with_its_row(table, column, value, code):
    row = table.index[(table["washout_days"].notna()) & (table["reader"] == "R1")][0]
    found = departures(spoiled(table, row, column, value))[code]
    assert (found.n, found.rows) == (1, (row,))


def test_a_late_mri_counts_once_a_case(table):
    late = table.assign(mri_days=np.where(table["case"] == "V003", 9, table["mri_days"]))
    assert departures(late)["mri_window"].n == 1


def test_an_mri_before_ct_counts_its_days_like_one_after(table):
    early = table.assign(
        mri_days=np.where(table["case"] == "V003", -9, np.where(table["case"] == "V004", -7, 0))
    )
    assert judged(early).table["mri_days"].min() == -9
    assert departures(early)["mri_window"].n == 1


def test_enhancement_is_asked_of_every_mri_fracture(table):
    assert departures(table.drop(columns="mri_enhancement"))["mri_enhancement"].of == 0
    empty = table.assign(mri_enhancement=np.where(table["case"] == "V002", np.nan, table["mri_enhancement"]))
    found = departures(empty)["mri_enhancement"]
    assert found.n == 1
    assert found.of == table.loc[table["mri_fracture"] == 1, "case"].nunique()


@pytest.mark.parametrize("written", ["L1", "l1", " L01", "腰1", "腰 1 椎体"])
def test_a_level_is_read_as_it_is_written(table, written):
    row = table.index[(table["call"] == 1)][0]
    assert judged(spoiled(table, row, "level", written)).table.loc[row, "level"] == "L1"


def test_everybody_without_ai_first_in_the_same_order_is_noticed(table):
    own = table["reader"] != "consensus"
    fixed = table.assign(
        session=np.where(table["arm"] == "ct", 1, 2), order=table["case"].str[1:].astype(int)
    )
    found = departures(fixed.where(own, table))
    assert found["arms_alternate"].n == 2
    assert found["order_differs"].n == 2


@pytest.mark.parametrize(
    ("with_ai", "departs"), [(1, 2), (15, 2), (16, 0), (20, 0), (24, 0), (25, 2), (39, 2)]
)
def test_the_first_session_holds_each_arm_for_half_of_the_cases(table, with_ai, departs):
    """16 to 24 of 40 is 40 to 60 %; one case of 40 in the other arm is no balance."""
    ai_first = table["case"] <= f"V{with_ai:03d}"
    own = table["reader"] != "consensus"
    session = np.where((table["arm"] == "ct_ai") == ai_first, 1, 2)
    found = departures(table.assign(session=np.where(own, session, table["session"])))["arms_alternate"]
    assert (found.n, found.of) == (departs, 2)
    assert found.split == (("R1", with_ai, 40), ("R2", with_ai, 40))


def test_a_second_reading_without_its_interval_is_counted_as_not_judged(table):
    second = table.index[table["washout_days"].notna() & (table["reader"] == "R1")][0]
    reads = judged(table.assign(washout_days=table["washout_days"].where(table.index == second)))
    analysis = analysed(reads, CONFIG)
    found = next(c for c in analysis.conformity if c.code == "washout")
    assert (found.n, found.of, found.unknown) == (0, 1, 79)
    for lang, known in (("en", "For 79 of 80 second readings"), ("zh", "80 次第二次阅片中有 79 次")):
        say = words(lang)
        assert any(known in say.say(item) for block in study_blocks(reads, analysis, CONFIG, simulated=True)
                   if isinstance(block, Bullets) for item in block.items)  # fmt: skip


def test_the_consensus_is_neither_timed_nor_blind(table):
    agreed = table["reader"] == "consensus"
    open_table = table.assign(blinded=np.where(agreed, 0, 1), time_s=np.where(agreed, 1800, table["time_s"]))
    assert analysed(judged(open_table), CONFIG).per_protocol == ()


def test_a_consensus_without_a_washout_departs_and_one_without_days_limits_the_study(table):
    """Row by row: 40 second rounds, one of them after three days, one without its days."""
    second = table.index[(table["reader"] == "consensus") & table["washout_days"].notna()]
    assert len(second) == 40
    days = table["washout_days"].mask(table.index == second[0], 3).mask(table.index == second[1])
    reads = judged(table.assign(washout_days=days))
    analysis = analysed(reads, CONFIG)
    found = next(c for c in analysis.conformity if c.code == "consensus_washout")
    assert (found.n, found.of, found.unknown, found.rows) == (1, 39, 1, (second[0],))
    keys = [
        i.key
        for b in study_blocks(reads, analysis, CONFIG, simulated=True)
        if isinstance(b, Bullets)
        for i in b.items
    ]
    assert "ovcf_reading.limits.consensus_memory" in keys
    clean = judged(table)
    blocks = study_blocks(clean, analysed(clean, CONFIG), CONFIG, simulated=True)
    assert "ovcf_reading.limits.consensus_memory" not in [
        i.key for b in blocks if isinstance(b, Bullets) for i in b.items
    ]


def test_readings_outside_the_protocol_are_analysed_apart(table):
    row = table.index[table["reader"] == "R1"][0]
    analysis = analysed(judged(spoiled(table, row, "time_s", 700)), Config())
    count = {a.arm: a.cells.n for a in analysis.per_protocol if a.reader == "R1"}
    assert sorted(count.values()) == [39, 40]


def test_eligibility_is_counted_where_the_table_can_answer(table):
    old = table.assign(age_years=60, t_lowest=np.where(table["case"] == "V002", -2.5, -3.0))
    analysis = analysed(judged(old), CONFIG)
    flow = {step.code: step.n_excluded for step in analysis.eligible.flow}
    assert flow["t_score"] == 1  # strictly below -2.5
    assert flow["age_18"] == 0
    assert "trauma_and_pain" in analysis.eligible.not_applicable


def test_the_default_design_file_is_the_default():
    assert configured("default") == Config()
    assert (Path(read_reads.__code__.co_filename).parent / "configs" / "ovcf_reading.default.toml").exists()
