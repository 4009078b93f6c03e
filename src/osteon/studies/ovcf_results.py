"""results.json of a reading study and the lines the command prints."""

from __future__ import annotations

from typing import Any

from osteon.core.result import as_dict
from osteon.report.value import Number
from osteon.report.words import words
from osteon.stats.agreement import Kappa
from osteon.stats.compare import Comparison
from osteon.stats.margins import kappa_band
from osteon.stats.reader_study import ReaderStudy
from osteon.studies.ovcf_accuracy import MEASURES, ArmAccuracy, PairedTest
from osteon.studies.ovcf_analysis import Analysis
from osteon.studies.ovcf_design import Plan
from osteon.studies.ovcf_mrmc import MultiReader
from osteon.studies.ovcf_page import headline, size
from osteon.studies.ovcf_reads import Reads
from osteon.studies.ovcf_tables import gap_text
from osteon.studies.ovcf_virtual import VirtualCase
from osteon.studies.ovcf_words import arm_name, ovcf_word, reader_name

__all__ = ["plan_results", "plan_summary", "study_results", "study_summary"]


def study_results(reads: Reads, analysis: Analysis, cases: tuple[VirtualCase, ...] = ()) -> dict[str, Any]:
    """The part of results.json that a reads table gives; ``cases`` adds those of a virtual study."""
    content: dict[str, Any] = {
        "n_cases": analysis.cases,
        "n_units": analysis.units,
        "n_fractured": analysis.fractured,
        "per_vertebra": reads.per_vertebra,
        "n_cases_in_table": analysis.flow.cases,
        "unit": "vertebra" if reads.per_vertebra else "case",
        "readers": list(reads.readers),
        "accuracy": [_accuracy(line) for line in analysis.accuracies],
        "per_protocol": [_accuracy(line) for line in analysis.per_protocol],
        "all_cases": [_accuracy(line) for line in analysis.all_cases],
        "paired": [_paired(test) for test in analysis.paired],
        "paired_all_cases": [_paired(test) for test in analysis.all_paired],
        "denis": [
            {"reader": t.reader, "arm": t.arm, "rows": ["A", "B", "C", "D", "-"], "called": t.called.tolist(),
             "everybody": t.everybody.tolist(), "kappa_called": _kappa(t.kappa_called), "kappa_all": _kappa(t.kappa_all),
             "right_of_called": as_dict(t.of_called), "right_of_fractures": as_dict(t.of_fractures)}
            for t in analysis.denis
        ],
        "denis_paired": [
            {"reader": t.reader, "ct": as_dict(t.ct), "ct_ai": as_dict(t.ct_ai), "mcnemar": as_dict(t.paired),
             "called_ct": as_dict(t.called_ct), "called_ct_ai": as_dict(t.called_ct_ai),
             "chi_squared": _two_groups(t.unpaired)}
            for t in analysis.denis_paired
        ],
        "levels": [
            {"reader": x.reader, "arm": x.arm, "found": as_dict(x.found), "exact": as_dict(x.exact),
             "within_one": as_dict(x.within_one), "kappa": _kappa(x.kappa)}
            for x in analysis.levels
        ],
        "genant": [
            {"reader": x.reader, "arm": x.arm, "exact": as_dict(x.exact), "within_one": as_dict(x.within_one),
             "kappa": _kappa(x.kappa)}
            for x in analysis.genant
        ],
        "mrmc": _mrmc(analysis.mrmc),
        "mrmc_left_out": as_dict(analysis.mrmc.left_out),
        "mrmc_all_cases": _mrmc(analysis.all_mrmc) if analysis.all_mrmc else {},
        "read_by_all_readers": analysis.complete,
        "times_s": as_dict(analysis.times),
        "changed": as_dict(analysis.changed),
        "agreement": [{"arm": a.arm, "what": a.what, "readers": list(a.readers), "same": as_dict(a.same), "within_one": as_dict(a.within_one), "kappa": _kappa(a.kappa)}
                      for a in analysis.agreement],
        "signs": as_dict((*analysis.signs, *analysis.mri_signs)),
        "conformity": as_dict(analysis.conformity),
    }  # fmt: skip
    content["flow"] = _flow(analysis)
    if analysis.eligible is not None:
        content["not_applicable"] = list(analysis.eligible.not_applicable)
    if cases:
        content["cases"] = as_dict(cases)
    return content


def _flow(analysis: Analysis) -> list[dict[str, Any]]:
    """The published criteria where they can be judged, then the window to MRI."""
    flow = analysis.flow
    steps = (
        []
        if flow.eligible is None
        else [as_dict(s) | {"n_excluded": s.n_excluded} for s in flow.eligible.flow]
    )
    late = {"code": "mri_window", "n_before": len(flow.analysed) + len(flow.late), "n_after": len(flow.analysed),
            "n_excluded": len(flow.late), "n_unknown": flow.undated}  # fmt: skip
    return [*steps, late]


def _paired(test: PairedTest) -> dict[str, Any]:
    return {"reader": test.reader, "measure": test.measure, "ct": test.ct.value, "ct_ai": test.ct_ai.value,
            "mcnemar": as_dict(test.paired), "chi_squared": _two_groups(test.unpaired)}  # fmt: skip


def _two_groups(test: Comparison | None) -> dict[str, Any] | None:
    return None if test is None else {"test": test.test, "statistic": test.statistic, "p": test.p}


def _accuracy(line: ArmAccuracy) -> dict[str, Any]:
    cells = line.cells
    return {
        "reader": line.reader, "arm": line.arm, "tp": cells.true_positive, "fn": cells.false_negative,
        "fp": cells.false_positive, "tn": cells.true_negative, **{name: as_dict(line.shares[name]) for name in MEASURES},
        "kappa": _kappa(line.kappa),
    }  # fmt: skip


def _kappa(kappa: Kappa | None) -> dict[str, Any] | None:
    if kappa is None:
        return None
    return {"value": kappa.value, "low": kappa.ci.low, "high": kappa.ci.high, "p": kappa.p, "n": kappa.n,
            "band": kappa_band(kappa.value), "band_landis_koch": kappa_band(kappa.value, scheme="landis_koch")}  # fmt: skip


def _mrmc(found: MultiReader) -> dict[str, Any]:
    return {
        endpoint: _endpoint(study) | {"n_missing": found.missing(endpoint)}
        for endpoint, study in found.studies.items()
    }


def _endpoint(study: ReaderStudy) -> dict[str, Any]:
    figures = study.figures
    return {
        "arms": list(study.arms), "readers": list(study.readers), "values": figures.values.tolist(), "n": figures.n,
        "covariance": figures.method, "components": as_dict(study.components), "tests": as_dict(study.tests),
        "by_reader": as_dict(study.by_reader),
    }  # fmt: skip


def study_summary(reads: Reads, analysis: Analysis, lang: str, *, simulated: bool) -> tuple[str, ...]:
    """A line per reader and arm, the comparison over readers, and what departs from the protocol."""
    say = words(lang)
    mark = f"[{say('report.simulated')}] " if simulated else ""
    lines = [mark + say.say(ovcf_word("summary.line", size=size(analysis)))]
    for a in analysis.accuracies:
        shares = [a.shares[name] for name in ("accuracy", "sensitivity", "specificity")]
        figures = "  ".join(
            say.cell(Number(share.value if share else None, digits=1, percent=True)) for share in shares
        )
        kappa = say.cell(Number(a.kappa.value if a.kappa else None, digits=3))
        lines.append(
            f"{mark}  {say.say(reader_name(a.reader)):10s} {say.say(arm_name(a.arm)):14s} {figures}  κ {kappa}"
        )
    found = headline(analysis)
    if found is not None:
        endpoint, test = found
        gap = gap_text(test)
        lines.append(
            mark
            + say.say(ovcf_word("summary.difference", endpoint=ovcf_word(f"measure.{endpoint}"), gap=gap))
        )
    else:
        lines.append(mark + say.say(ovcf_word("summary.no_result")))
    if analysis.flow.left_out:
        left = ovcf_word("summary.left_out", n=analysis.flow.left_out, of=analysis.flow.cases)
        lines.append(mark + say.say(left))
    departures = sum(line.n for line in analysis.conformity)
    if departures:
        lines.append(mark + say.say(ovcf_word("summary.departures", n=departures)))
    return tuple(lines)


def plan_results(plan: Plan) -> dict[str, Any]:
    """The part of results.json that a plan gives."""
    return {
        "n_readings": len(plan.readings), "n_consensus": len(plan.consensus),
        "n_training": sum(slot.training for slot in plan.slots), "planned_difference": plan.effect,
        "power": as_dict(plan.at_size), "power_simulated": as_dict(plan.simulated),
        "cases_needed": {str(n): as_dict(found) for n, found in plan.needed.items()},
    }  # fmt: skip


def plan_summary(plan: Plan, lang: str) -> tuple[str, ...]:
    """How many readings, and the power of the plan."""
    say = words(lang)
    lines = [say.say(ovcf_word("plan.line", n=len(plan.readings), consensus=len(plan.consensus)))]
    if plan.at_size is not None:
        power = Number(plan.at_size.power, digits=0, percent=True)
        lines.append(say.say(ovcf_word("plan.power_line", power=power, effect=Number(plan.effect, digits=2))))
    return tuple(lines)
