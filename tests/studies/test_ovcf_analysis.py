"""The analysis of a reading study: published counts come out, pairing is used, vertebrae are clustered."""

import numpy as np
import pandas as pd
import pytest

from osteon.core.config import override
from osteon.core.errors import NotEnoughData
from osteon.core.provenance import provenance
from osteon.report.document import Bullets, Checklist, Document, GroupRow, Paragraph, TableBlock
from osteon.report.value import Estimate, Words
from osteon.report.words import words
from osteon.studies.ovcf_analysis import analysed
from osteon.studies.ovcf_config import Config, configured
from osteon.studies.ovcf_page import study_blocks
from osteon.studies.ovcf_reads import reads_of
from osteon.studies.ovcf_results import study_results
from osteon.studies.ovcf_virtual import virtual_reads
from osteon.studies.published_s2 import published

QUICK = override(configured("planted"), {"virtual": {"cases": 40}})


def published_reads():
    """A table of consensus readings with the published counts; the pairing is invented (as many alike as possible)."""
    rows = []
    for arm, name in (("ct", "conventional"), ("ct_ai", "ai")):
        counts = published()["detection"][name]
        cells = np.array(published()["typing"][name]["cells"])
        if name == "conventional":
            cells[2, 3] = 5  # the two patients the printed table lacks
        types = [(row, column) for row in range(4) for column in range(5) for _ in range(cells[row, column])]
        seen = [t for t in types if t[1] < 4] + [(4, 4)] * 0
        by_type = {k: [t[0] for t in seen if t[1] == k] for k in range(4)}
        case = 0
        for kind, n in enumerate(published()["cohort"]["denis"]):
            for i in range(n):
                case += 1
                called = i < len(by_type[kind])
                rows.append(
                    (
                        f"P{case:03d}",
                        "consensus",
                        arm,
                        int(called),
                        "ABCD"[by_type[kind][i]] if called else "-",
                        1,
                        "ABCD"[kind],
                    )
                )
        for i in range(counts["fp"] + counts["tn"]):
            wrong = i < counts["fp"]
            rows.append((f"N{i:03d}", "consensus", arm, int(wrong), "D" if wrong else "-", 0, "-"))
    names = ["case", "reader", "arm", "call", "denis", "mri_fracture", "mri_denis"]
    return reads_of(pd.DataFrame(rows, columns=names), source="published")


def test_the_published_counts_give_the_published_figures(oracle):
    known = oracle("ovcf_reading/recomputed")
    analysis = analysed(published_reads(), Config())
    for line, name in zip(analysis.accuracies, ("conventional", "ai_assisted"), strict=True):
        for measure in ("accuracy", "sensitivity", "specificity", "ppv", "npv"):
            assert line.shares[measure].value == pytest.approx(known["detection"][name][measure]), measure
        assert line.kappa.value == pytest.approx(known["detection"][name]["kappa"])
    tests = {t.measure: t for t in analysis.paired}
    assert tests["accuracy"].unpaired.statistic == pytest.approx(
        known["tests_unpaired"]["accuracy"]["plain"]["chi2"]
    )
    assert tests["specificity"].unpaired.statistic == pytest.approx(
        known["tests_unpaired"]["specificity"]["yates"]["chi2"]
    )
    assert tests["accuracy"].paired.p_exact < 0.026  # within the bounds over all pairings
    ai = next(t for t in analysis.denis if t.arm == "ct_ai")
    assert ai.kappa_called.value == pytest.approx(known["denis"]["ai_assisted"]["kappa_5x5"])
    assert ai.of_called.value == pytest.approx(151 / 170)
    assert ai.of_fractures.value == pytest.approx(
        known["denis"]["ai_assisted"]["accuracy_over_all_fractures"]
    )


def test_the_published_comparison_of_types_is_there_beside_the_paired_one():
    analysis = analysed(published_reads(), Config())
    (test,) = analysis.denis_paired
    assert test.unpaired.statistic == pytest.approx(7.173, abs=0.0006)  # as printed, of those called positive
    assert test.unpaired.p == pytest.approx(0.007, abs=0.0005)
    assert (test.called_ct.k, test.called_ct.n, test.called_ct_ai.k, test.called_ct_ai.n) == (
        123,
        158,
        151,
        170,
    )
    assert (test.ct.k, test.ct_ai.k, test.ct.n) == (123, 151, 179)  # every fracture, missed ones typed wrong
    assert test.paired.second_only - test.paired.first_only == 151 - 123
    assert test.paired.p_exact < 0.001


def test_without_readers_there_is_no_claim_about_readers():
    analysis = analysed(published_reads(), Config())
    assert analysis.mrmc.studies == {}
    assert analysis.agreement == ()


@pytest.fixture(scope="module")
def virtual():
    return virtual_reads(QUICK, 11)[0]


def test_what_ai_changed_adds_up(virtual):
    analysis = analysed(virtual, Config())
    for c in analysis.changed:
        assert c.right_both + c.corrected + c.spoiled + c.wrong_both == c.n == 40
        assert c.missed_found + c.false_dropped == c.corrected
        paired = next(t for t in analysis.paired if (t.reader, t.measure) == (c.reader, "accuracy"))
        assert paired.ct_ai.k - paired.ct.k == c.corrected - c.spoiled


def test_an_error_made_without_ai_is_no_automation_bias():
    """AI wrong in six cases; wrong both times in three, turned wrong in one, right both times in two: 1 of 3, 4 of 6."""
    before, after = [0, 0, 0, 1, 1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1, 0, 1]
    rows = [
        (f"C{i}", "R1", arm, call if i < 8 else 1 - call, int(i < 8), int(i >= 6 and i < 8))
        for arm, calls in (("ct", before), ("ct_ai", after))
        for i, call in enumerate(calls)
    ]
    table = pd.DataFrame(rows, columns=["case", "reader", "arm", "call", "mri_fracture", "ai_call"])
    (change,) = analysed(reads_of(table, source="r"), Config()).changed
    assert (change.automation_bias.k, change.automation_bias.n) == (1, 3)
    assert (change.wrong_with_wrong_ai.k, change.wrong_with_wrong_ai.n) == (4, 6)


def test_readers_in_another_order_change_nothing(virtual):
    swapped = virtual.table.drop(columns="unit").replace({"reader": {"R1": "Z1", "R2": "A2"}})
    before, after = analysed(virtual, Config()), analysed(reads_of(swapped, source="swapped"), Config())
    for endpoint, study in before.mrmc.studies.items():
        for one, other in zip(study.tests, after.mrmc.studies[endpoint].tests, strict=True):
            assert (one.p, one.statistic) == pytest.approx((other.p, other.statistic), rel=1e-9, nan_ok=True)


def test_vertebrae_of_a_patient_are_not_independent(virtual):
    """Every case read as three vertebrae that share its fate: three times the rows, no more information."""
    once = virtual.table.drop(columns="unit")
    thrice = pd.concat([once.assign(vertebra=level) for level in ("T12", "L1", "L2")], ignore_index=True)
    alone, many = analysed(virtual, Config()), analysed(reads_of(thrice, source="v"), Config())
    assert many.units == 3 * alone.units
    assert many.cases == alone.cases
    share, copied = alone.accuracies[0].shares["accuracy"], many.accuracies[0].shares["accuracy"]
    assert copied.value == pytest.approx(share.value)
    # a little wider: the correction for few patients who bring several units
    assert copied.low <= share.low < share.high <= copied.high < share.high + 0.01
    first, clustered = alone.paired[0].paired.ci, many.paired[0].paired.ci
    assert (clustered.low, clustered.high) == pytest.approx((first.low, first.high))
    for endpoint, study in alone.mrmc.studies.items():
        for one, other in zip(study.by_reader, many.mrmc.studies[endpoint].by_reader, strict=True):
            assert other.se == pytest.approx(one.se, rel=1e-6), endpoint


def copied(reads, levels=("T12", "L1", "L2")):
    once = reads.table.drop(columns="unit")
    return reads_of(
        pd.concat([once.assign(vertebra=level) for level in levels], ignore_index=True), source="v"
    )


def test_copied_vertebrae_leave_every_p_and_interval(virtual):
    """
    Three vertebrae a patient that share their fate say what one says: tests, kappa, shares, what AI changed.

    Of a share the value: its interval is corrected for few patients where they bring several vertebrae.
    """

    def kappa(k):
        return None if k is None else (k.value, k.ci.low, k.ci.high, k.p)

    def shares(*found):
        return [None if s is None else s.value for s in found]

    def figures(analysis):
        yield from (kappa(a.kappa) for a in analysis.accuracies)
        for t in (*analysis.paired, *analysis.denis_paired):
            yield shares(t.ct, t.ct_ai)
            yield (
                None
                if t.paired is None
                else (t.paired.chi2, t.paired.p_exact, t.paired.ci.low, t.paired.ci.high)
            )
        for d in analysis.denis:
            yield kappa(d.kappa_called)
            yield kappa(d.kappa_all)
            yield shares(d.of_called, d.of_fractures)
        for a in analysis.agreement:
            if a.what != "level":
                yield kappa(a.kappa)
                yield shares(a.same)
        for c in analysis.changed:
            yield shares(c.automation_bias, c.wrong_with_wrong_ai)
        yield from ((t.n, t.p, t.ci.low, t.ci.high) for t in analysis.times)
        yield from (shares(s.fractured, s.other) for s in analysis.mri_signs)

    once, thrice = (
        list(figures(analysed(virtual, Config()))),
        list(figures(analysed(copied(virtual), Config()))),
    )
    assert len(once) == len(thrice) > 40
    for one, other in zip(once, thrice, strict=True):
        assert np.array(one, dtype=float) == pytest.approx(np.array(other, dtype=float), nan_ok=True)


def test_three_against_eight_patients_is_no_finding_however_many_vertebrae():
    """30 patients x 6 identical vertebrae, right on CT alone only in 3, with AI only in 8: p .23, not .0003."""
    rows = []
    for i in range(30):
        truth = i % 2
        for arm, right in (("ct", not 3 <= i < 11), ("ct_ai", i >= 3)):
            rows += [
                (f"P{i:02d}", f"L{v}", "R1", arm, truth if right else 1 - truth, truth) for v in range(1, 7)
            ]
    table = pd.DataFrame(rows, columns=["case", "vertebra", "reader", "arm", "call", "mri_fracture"])
    analysis = analysed(reads_of(table, source="r"), Config())
    test = next(t for t in analysis.paired if t.measure == "accuracy").paired
    assert (test.patients_first, test.patients_second, test.first_only, test.second_only) == (3, 8, 18, 48)
    assert test.p_exact == pytest.approx(0.2266, abs=1e-4)
    assert analysis.changed[0].test.p_exact == test.p_exact


def test_tables_say_which_unit_and_which_method(virtual):
    for table, unit in ((virtual, "case"), (copied(virtual), "vertebra")):
        blocks = {b.id: b for b in study_blocks(table, analysed(table, Config()), Config(), simulated=True)
                  if isinstance(b, TableBlock)}  # fmt: skip
        notes = {id: [note.key for note in block.footnotes] for id, block in blocks.items()}
        for id in ("table-paired", "table-changed", "table-denis-paired"):
            assert f"ovcf_reading.paired.by_{unit}" in notes[id], id
        for id in ("table-kappa", "table-agreement", "table-denis"):
            assert f"ovcf_reading.kappa.by_{unit}" in notes[id], id


def test_readers_who_differ_by_nothing_leave_no_number_that_fills_a_page(virtual):
    """Both readers gain the same: no interval between equal limits, no degrees of freedom of sixty digits."""
    own = virtual.table[virtual.table["reader"] == "R1"].drop(columns="unit")
    again = pd.concat([own, own.assign(reader="R2")], ignore_index=True)
    reads = reads_of(again, source="r")
    table = next(b for b in study_blocks(reads, analysed(reads, Config()), Config(), simulated=True)
                 if isinstance(b, TableBlock) and b.id == "table-mrmc")  # fmt: skip
    cells = [cell for row in table.rows if not isinstance(row, GroupRow) for cell in row]
    assert all(len(cell) < 12 for cell in cells if isinstance(cell, str))
    assert all(cell.high > cell.low for cell in cells if isinstance(cell, Estimate))


def with_columns(reads, **columns):
    return reads_of(reads.table.drop(columns="unit").assign(**columns), source="r")


def test_levels_are_judged_against_mri_and_between_readers(virtual):
    analysis = analysed(virtual, Config())
    line = next(x for x in analysis.levels if (x.reader, x.arm) == ("R1", "ct"))
    rows = virtual.table[(virtual.table["reader"] == "R1") & (virtual.table["arm"] == "ct")]
    hits = rows[(rows["call"] == 1) & (rows["mri_fracture"] == 1)]
    assert (line.exact.k, line.exact.n) == ((hits["level"] == hits["mri_level"]).sum(), len(hits))
    assert line.found.k == line.exact.k
    assert line.found.n == (rows["mri_fracture"] == 1).sum()
    assert line.within_one.k >= line.exact.k
    between = next(a for a in analysis.agreement if (a.arm, a.what) == ("ct", "level"))
    assert between.within_one.k >= between.same.k
    assert between.kappa is not None
    truth = virtual.table["mri_level"].where(virtual.table["call"] == 1)
    right = analysed(with_columns(virtual, level=truth), Config())
    assert {x.exact.value for x in right.levels} == {1.0}


def test_a_level_one_off_is_near_and_never_found(virtual):
    below = {"T11": "T12", "T12": "L1", "L1": "L2", "L2": "L3", "L3": "L4", "L4": "L5"}
    off = virtual.table["mri_level"].map(below).where(virtual.table["call"] == 1)
    for line in analysed(with_columns(virtual, level=off), Config()).levels:
        assert (line.found.value, line.exact.value, line.within_one.value) == (0.0, 0.0, 1.0)


def test_genant_grades_are_judged_against_the_reference_and_between_readers(virtual):
    shifted = (virtual.table["reference_genant"] + 1).clip(upper=3)
    analysis = analysed(with_columns(virtual, genant=shifted), Config())
    for line in analysis.genant:
        assert line.exact.value < 1
        assert line.within_one.value == 1
        assert 0 < line.kappa.value < 1
        assert line.kappa.weights == "quadratic"
    between = next(a for a in analysis.agreement if (a.arm, a.what) == ("ct_ai", "genant"))
    assert between.same.value == between.within_one.value == 1  # both readers shifted alike


def test_only_eligible_cases_with_mri_in_time_are_in_the_main_analysis(virtual):
    case = virtual.table["case"]
    days = (
        virtual.table["mri_days"]
        .where(~case.isin(["V003", "V004"]), 9)
        .where(case != "V005", -9)
        .where(case != "V006", -6)
    )
    table = virtual.table.drop(columns="unit").assign(
        mri_days=days, age_years=60, t_lowest=np.where(case.isin(["V001", "V003"]), -1.0, -3.0)
    )
    reads = reads_of(table, source="r")
    analysis = analysed(reads, Config())
    assert (analysis.flow.cases, analysis.cases, analysis.flow.left_out) == (40, 36, 4)
    assert set(analysis.flow.late) == {"V004", "V005"}  # V003 has gone before; six days before CT is inside
    assert {a.cells.n for a in analysis.accuracies} == {36}
    assert {a.cells.n for a in analysis.all_cases} == {40}
    assert len(analysis.all_paired) == len(analysis.paired) > 0
    assert analysis.mrmc.studies["accuracy"].figures.n == 36
    flow = {
        step["code"]: (step["n_before"], step["n_after"]) for step in study_results(reads, analysis)["flow"]
    }
    assert flow["t_score"] == (40, 38)
    assert flow["mri_window"] == (38, 36)
    ids = [b.id for b in study_blocks(reads, analysis, Config(), simulated=True) if isinstance(b, TableBlock)]
    assert {"table-flow", "table-all-cases", "table-paired-all"} <= set(ids)
    assert next(c for c in analysis.conformity if c.code == "mri_window").n == 3  # of the whole table


def test_where_no_case_is_left_out_there_is_no_second_analysis(virtual):
    analysis = analysed(virtual, Config())
    assert (analysis.flow.left_out, analysis.all_cases, analysis.all_paired) == (0, (), ())


def test_a_table_without_a_case_in_time_is_refused(virtual):
    with pytest.raises(NotEnoughData, match="0 of 40 cases meet the criteria and the window"):
        analysed(with_columns(virtual, mri_days=30), Config())


def test_a_reader_missing_a_case_is_left_out_of_the_shared_analysis_only(virtual):
    row = virtual.table.index[virtual.table["reader"] == "R1"][0]
    analysis = analysed(reads_of(virtual.table.drop(columns="unit").drop(index=row), source="r"), Config())
    assert analysis.mrmc.missing("accuracy") == 1
    assert analysis.mrmc.studies["accuracy"].figures.n == 39
    assert {a.cells.n for a in analysis.accuracies if a.reader == "R2"} == {40}
    assert next(c for c in analysis.conformity if c.code == "both_arms").n == 1


@pytest.mark.parametrize("reads", ["published", "virtual"])
def test_every_part_of_the_page_has_its_anchor(reads, virtual):
    table = virtual if reads == "virtual" else published_reads()
    blocks = tuple(study_blocks(table, analysed(table, Config()), Config(), simulated=False))
    # pointers of the checklist lead somewhere, whatever the table holds
    assert Document(title="x", simulated=False, blocks=blocks, provenance=provenance(seed=1)).blocks


def test_a_consensus_on_disagreements_only_is_completed_by_what_all_said():
    config = override(QUICK, {"protocol": {"consensus_cases": "disagreements"}})
    reads, _ = virtual_reads(config, 11)
    everything, _ = virtual_reads(QUICK, 11)
    written = (reads.table["reader"] == "consensus").sum()
    assert 0 < written < 80
    some, full = analysed(reads, config), analysed(everything, QUICK)
    for one, other in zip(some.accuracies, full.accuracies, strict=True):
        assert one.cells == other.cells, one.reader
    assert next(c for c in some.conformity if c.code == "consensus").n == 0
    # without the rule it would be judged on the cases readers differ on, and the page says so
    partial = analysed(reads, QUICK)
    assert all(a.cells.n < 40 for a in partial.accuracies if a.reader == "consensus")
    said = [item.key for block in study_blocks(reads, partial, QUICK, simulated=True) if isinstance(block, Bullets)
            for item in block.items]  # fmt: skip
    assert "ovcf_reading.limits.consensus_partial" in said


def test_ai_as_second_reader_has_no_washout_to_depart_from():
    config = override(QUICK, {"protocol": {"ai_role": "second"}})
    reads, _ = virtual_reads(config, 11)
    assert reads.table["washout_days"].isna().all()
    given = with_columns(reads, washout_days=0)
    found = {c.code: c for c in analysed(given, config).conformity}
    assert not {"washout", "order_differs", "arms_alternate"} & set(found)
    assert (found["same_sitting"].n, found["same_sitting"].of, found["locked"].n) == (0, 80, 0)
    assert analysed(given, config).per_protocol == ()
    row = reads.table.index[(reads.table["reader"] == "R1") & (reads.table["arm"] == "ct")][0]
    loose = reads.table["locked"].where(reads.table.index != row, 0)
    judged = analysed(with_columns(reads, locked=loose), config)
    assert next(c for c in judged.conformity if c.code == "locked").rows == (row,)
    assert {a.cells.n for a in judged.per_protocol if a.reader == "R1"} == {39}  # both calls of that case
    apart = reads.table["order"].where(reads.table.index != row, 999)
    assert (
        next(
            c
            for c in analysed(with_columns(reads, order=apart), config).conformity
            if c.code == "same_sitting"
        ).n
        == 1
    )


@pytest.mark.parametrize(
    ("role", "said", "unsaid"), [("second", "sequential", "apart"), ("first", "apart", "sequential")]
)
def test_the_text_says_how_the_arms_were_read(role, said, unsaid):
    config = override(QUICK, {"protocol": {"ai_role": role}})
    reads, _ = virtual_reads(config, 11)
    english = words("en")
    text = " ".join(english.say(b.text) for b in study_blocks(reads, analysed(reads, config), config, simulated=True)
                    if isinstance(b, Paragraph))  # fmt: skip
    assert (english.say(Words("ovcf_reading.methods.sequential")) in text) == (said == "sequential")
    assert ("days apart" in text) == (said == "apart")


def test_times_at_the_limit_are_said_to_be_censored(virtual):
    rows = virtual.table.index[virtual.table["reader"] == "R1"][:3]
    times = (virtual.table["time_s"].clip(upper=500).mask(virtual.table.index == rows[0], 599.9)
             .mask(virtual.table.index.isin(rows[1:]), 600))  # fmt: skip
    for table, n in (
        (with_columns(virtual, time_s=times), 2),
        (with_columns(virtual, time_s=times.clip(upper=500)), 0),
    ):
        analysis = analysed(table, Config())
        assert [t.at_limit for t in analysis.times] == [n, 0]
        block = next(b for b in study_blocks(table, analysis, Config(), simulated=True)
                     if isinstance(b, TableBlock) and b.id == "table-times")  # fmt: skip
        assert any(note.key.endswith("times.at_limit") for note in block.footnotes) == bool(n)


def test_the_checklist_points_to_nothing_for_what_no_table_holds(virtual):
    (stard,) = (b for b in study_blocks(virtual, analysed(virtual, Config()), Config(), simulated=True)
                if isinstance(b, Checklist))  # fmt: skip
    status = {item.item: item.status for item in stard.items}
    assert {status["15"], status["20"]} == {
        "missing"
    }  # indeterminate readings, characteristics of the patients
    assert status["19"] == "auto"
