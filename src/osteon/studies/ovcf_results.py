"""results.json of a reading study and the lines the command prints."""

from __future__ import annotations

from typing import Any

from osteon.core.result import as_dict
from osteon.report.value import Estimate, Number
from osteon.report.words import words
from osteon.stats.agreement import Kappa
from osteon.stats.margins import kappa_band
from osteon.stats.reader_study import ReaderStudy
from osteon.studies.ovcf_accuracy import MEASURES, ArmAccuracy
from osteon.studies.ovcf_analysis import Analysis
from osteon.studies.ovcf_design import Plan
from osteon.studies.ovcf_page import headline
from osteon.studies.ovcf_reads import Reads
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
        "readers": list(reads.readers),
        "accuracy": [_accuracy(line) for line in analysis.accuracies],
        "per_protocol": [_accuracy(line) for line in analysis.per_protocol],
        "paired": [
            {"reader": t.reader, "measure": t.measure, "ct": t.ct.value, "ct_ai": t.ct_ai.value,
             "mcnemar": as_dict(t.paired), "chi_squared": None if t.unpaired is None else
             {"test": t.unpaired.test, "statistic": t.unpaired.statistic, "p": t.unpaired.p}}
            for t in analysis.paired
        ],
        "denis": [
            {"reader": t.reader, "arm": t.arm, "rows": ["A", "B", "C", "D", "-"], "called": t.called.tolist(),
             "everybody": t.everybody.tolist(), "kappa_called": _kappa(t.kappa_called), "kappa_all": _kappa(t.kappa_all),
             "right_of_called": as_dict(t.of_called), "right_of_fractures": as_dict(t.of_fractures)}
            for t in analysis.denis
        ],
        "mrmc": {name: _mrmc(study) for name, study in analysis.mrmc.items()},
        "units_without_all_readings": analysis.missing_pairs,
        "times_s": as_dict(analysis.times),
        "changed": as_dict(analysis.changed),
        "agreement": [{"arm": a.arm, "what": a.what, "same": as_dict(a.same), "kappa": _kappa(a.kappa)}
                      for a in analysis.agreement],
        "signs": as_dict(analysis.signs),
        "conformity": as_dict(analysis.conformity),
    }  # fmt: skip
    if analysis.eligible is not None:
        content["flow"] = [as_dict(step) | {"n_excluded": step.n_excluded} for step in analysis.eligible.flow]
        content["not_applicable"] = list(analysis.eligible.not_applicable)
    if cases:
        content["cases"] = as_dict(cases)
    return content


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


def _mrmc(study: ReaderStudy) -> dict[str, Any]:
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
    lines = [f"{mark}{say.say(ovcf_word('summary.line', n=analysis.units, fractured=analysis.fractured))}"]
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
        endpoint, test, gap = found
        shown = Estimate(-gap.difference, -gap.ci.high, -gap.ci.low, digits=3)
        lines.append(mark + say.say(ovcf_word("summary.difference", endpoint=ovcf_word(f"measure.{endpoint}"), difference=shown,
                                           p=test.p, scope=ovcf_word(f"scope_short.{test.scope}"))))  # fmt: skip
    departures = sum(line.n for line in analysis.conformity)
    if departures:
        lines.append(mark + say.say(ovcf_word("summary.departures", n=departures)))
    return tuple(lines)


def plan_results(plan: Plan) -> dict[str, Any]:
    """The part of results.json that a plan gives."""
    return {
        "n_readings": sum(not slot.training for slot in plan.slots), "planned_difference": plan.effect,
        "power": as_dict(plan.at_size), "power_simulated": as_dict(plan.simulated),
        "cases_needed": {str(n): as_dict(found) for n, found in plan.needed.items()},
    }  # fmt: skip


def plan_summary(plan: Plan, lang: str) -> tuple[str, ...]:
    """How many readings, and the power of the plan."""
    say = words(lang)
    lines = [say.say(ovcf_word("plan.line", n=sum(not slot.training for slot in plan.slots)))]
    if plan.at_size is not None:
        power = Number(plan.at_size.power, digits=0, percent=True)
        lines.append(say.say(ovcf_word("plan.power_line", power=power, effect=Number(plan.effect, digits=2))))
    return tuple(lines)
