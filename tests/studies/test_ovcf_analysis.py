"""The analysis of a reading study: published counts come out, pairing is used, vertebrae are clustered."""

import numpy as np
import pandas as pd
import pytest

from osteon.core.config import override
from osteon.core.provenance import provenance
from osteon.report.document import Document
from osteon.studies.ovcf_analysis import analysed
from osteon.studies.ovcf_config import Config, configured
from osteon.studies.ovcf_design import planned, schedule
from osteon.studies.ovcf_page import study_blocks
from osteon.studies.ovcf_reads import reads_of
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


def test_without_readers_there_is_no_claim_about_readers():
    analysis = analysed(published_reads(), Config())
    assert analysis.mrmc == {}
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


def test_readers_in_another_order_change_nothing(virtual):
    swapped = virtual.table.drop(columns="unit").replace({"reader": {"R1": "Z1", "R2": "A2"}})
    before, after = analysed(virtual, Config()), analysed(reads_of(swapped, source="swapped"), Config())
    for endpoint, study in before.mrmc.items():
        for one, other in zip(study.tests, after.mrmc[endpoint].tests, strict=True):
            assert (one.p, one.statistic) == pytest.approx((other.p, other.statistic), rel=1e-9, nan_ok=True)


def test_vertebrae_of_a_patient_are_not_independent(virtual):
    """Every case read as three vertebrae that share its fate: three times the rows, no more information."""
    once = virtual.table.drop(columns="unit")
    thrice = pd.concat([once.assign(vertebra=level) for level in ("T12", "L1", "L2")], ignore_index=True)
    alone, many = analysed(virtual, Config()), analysed(reads_of(thrice, source="v"), Config())
    assert many.units == 3 * alone.units
    assert many.cases == alone.cases
    first, clustered = alone.accuracies[0].shares["accuracy"], many.accuracies[0].shares["accuracy"]
    assert clustered.value == pytest.approx(first.value)
    assert clustered.high - clustered.low == pytest.approx(first.high - first.low, rel=0.15)
    for endpoint, study in alone.mrmc.items():
        for one, other in zip(study.by_reader, many.mrmc[endpoint].by_reader, strict=True):
            assert other.se == pytest.approx(one.se, rel=1e-6), endpoint


def test_a_reader_missing_a_case_is_left_out_of_the_shared_analysis_only(virtual):
    row = virtual.table.index[virtual.table["reader"] == "R1"][0]
    analysis = analysed(reads_of(virtual.table.drop(columns="unit").drop(index=row), source="r"), Config())
    assert analysis.missing_pairs == 1
    assert analysis.mrmc["accuracy"].figures.n == 39
    assert {a.cells.n for a in analysis.accuracies if a.reader == "R2"} == {40}
    assert next(c for c in analysis.conformity if c.code == "both_arms").n == 1


@pytest.mark.parametrize("reads", ["published", "virtual"])
def test_every_part_of_the_page_has_its_anchor(reads, virtual):
    table = virtual if reads == "virtual" else published_reads()
    blocks = tuple(study_blocks(table, analysed(table, Config()), Config(), simulated=False))
    # pointers of the checklist lead somewhere, whatever the table holds
    assert Document(title="x", simulated=False, blocks=blocks, provenance=provenance(seed=1)).blocks


def test_the_schedule_keeps_what_it_promises():
    config = Config()
    slots = [slot for slot in schedule(config, 3) if not slot.training]
    assert schedule(config, 3) == schedule(config, 3) != schedule(config, 4)
    first = {(s.reader, s.case): s for s in slots if s.session == 1}
    second = {(s.reader, s.case): s for s in slots if s.session == 2}
    assert first.keys() == second.keys()
    assert len(first) == 2 * 220
    for key, slot in first.items():
        assert {slot.arm, second[key].arm} == {"ct", "ct_ai"}
        assert second[key].day - slot.day >= config.protocol.washout_days
    for reader in config.protocol.readers:
        assert sum(s.arm == "ct_ai" for s in first.values() if s.reader == reader) == 110
    assert [s.case for s in first.values() if s.reader == "R1"] != [
        s.case for s in first.values() if s.reader == "R2"
    ]


@pytest.mark.slow
def test_a_plan_with_more_readers_needs_fewer_cases():
    plan = planned(QUICK, 1)
    needed = [found.cases for found in plan.needed.values() if found]
    assert needed == sorted(needed, reverse=True)
    assert plan.at_size.power < 0.8  # two readers are too few for a claim about readers
