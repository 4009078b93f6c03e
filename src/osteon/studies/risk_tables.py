"""A judged task as tables: what stands in each cell, in no language."""

from __future__ import annotations

from collections.abc import Callable

from osteon.models.terms import model_terms
from osteon.report.document import Column, GroupRow, Row, TableBlock
from osteon.report.value import Cell, Estimate, Number, PValue, Strong, Text, Variable, Words
from osteon.report.value import Proportion as Share
from osteon.stats.accuracy import DiagnosticAccuracy
from osteon.stats.multiplicity import adjusted_p
from osteon.stats.proportion import Proportion
from osteon.studies.risk_detail import Alarm, Explained, MatchedCheck
from osteon.studies.risk_plan import Absent
from osteon.studies.risk_task import Judged, TaskResult

__all__ = [
    "absent_table",
    "alarm_table",
    "calibration_table",
    "discrimination_table",
    "effect_table",
    "matched_table",
    "model_name",
    "reclassification_table",
    "refusal",
    "refused_models",
    "task_name",
    "terms_table",
    "threshold_table",
    "word",
]

_QFRACTURE = "qfracture_osteoporotic_10y"
_SETS = ("clinical_bmd_lab", "clinical_treatment", "clinical_bmd", "clinical_lab", "clinical")


def word(key: str, /, **values: object) -> Words:
    """A text of this study."""
    return Words(f"fracture_risk.{key}", **values)


def task_name(task: str) -> Words:
    """The task's printed name."""
    return word(f"task.{task}")


def model_name(name: str) -> Text:
    """The printed name of a model ("clinical_logistic") or a score ("ost")."""
    for group in _SETS:
        learner = name.removeprefix(f"{group}_")
        if learner != name:
            return word("model.learned", set=word(f"set.{group}"), learner=word(f"learner.{learner}"))
    return word(f"score.{name}")


def _auc(judged: Judged) -> Estimate:
    return Estimate(judged.auc.value, judged.auc.ci.low, judged.auc.ci.high, digits=3)


def _group(result: TaskResult, line: Callable[[str, Judged], Row]) -> tuple[Row | GroupRow, ...]:
    """Models first, scores below, each under its own heading."""
    rows: list[Row | GroupRow] = []
    for kind, heading in (("model", "models.models"), ("score", "models.scores")):
        lines = [line(name, judged) for name, judged in result.judged.items() if judged.kind == kind]
        if lines:
            rows += [GroupRow(word(heading)), *lines]
    return tuple(rows)


def _printed(result: TaskResult, name: str) -> Cell:
    label = model_name(name)
    return Strong(word("models.prespecified", model=label)) if name == result.primary else label


def discrimination_table(result: TaskResult) -> TableBlock:
    """The AUC of every model and score, and its difference from the prespecified model."""
    gaps = {pair.second: pair for pair in result.differences}
    holm = (
        dict(zip(gaps, adjusted_p([pair.p for pair in gaps.values()], method="holm"), strict=True))
        if gaps
        else {}
    )

    def line(name: str, judged: Judged) -> Row:
        gap = gaps.get(name)
        # The pair is "prespecified minus other"; printed the other way round: what this row adds or lacks.
        difference = Estimate(-gap.difference, -gap.ci.high, -gap.ci.low, digits=3) if gap else None
        p = (PValue(gap.p), PValue(float(holm[name]))) if gap else (None, None)
        return (_printed(result, name), judged.auc.n, judged.auc.events, _auc(judged), difference, *p)

    labels = ("model", "n", "events", "auc", "difference", "p", "p_holm")
    return TableBlock(
        id=f"table-models-{_anchor(result.task)}",
        title=word("models.title", task=task_name(result.task)),
        columns=tuple(Column(word(f"models.{label}")) for label in labels),
        rows=_group(result, line),
        footnotes=(
            word("models.note"),
            *_by_partition(result),
            *(() if _QFRACTURE not in result.judged else (word("models.qfracture"),)),
        ),
    )


def _by_partition(result: TaskResult) -> tuple[Words, ...]:
    """How the prespecified model's AUC moves with the partition, where there were several."""
    each = result.judged[result.primary].auc_by_repeat
    if len(each) < 2:
        return ()
    mean, low, high = (Number(value, digits=3) for value in (sum(each) / len(each), min(each), max(each)))
    return (word("models.repeats", n=len(each), mean=mean, low=low, high=high),)


def calibration_table(result: TaskResult) -> TableBlock:
    """Brier score and calibration of every model and score, as cross-validated probabilities."""

    def line(name: str, judged: Judged) -> Row:
        fit = judged.calibration
        return (
            _printed(result, name),
            Number(judged.brier.value, digits=3),
            Number(judged.brier.scaled, digits=1, percent=True),
            Estimate(fit.slope, fit.slope_ci.low, fit.slope_ci.high),
            Estimate(fit.in_the_large, fit.in_the_large_ci.low, fit.in_the_large_ci.high),
            Number(fit.expected_over_observed, digits=2),
            Number(fit.ici, digits=3),
        )

    labels = ("model", "brier", "scaled_brier", "slope", "in_the_large", "eo", "ici")
    return TableBlock(
        id=f"table-calibration-{_anchor(result.task)}",
        title=word("models.calibration_title", task=task_name(result.task)),
        columns=tuple(Column(word(f"models.{label}")) for label in labels),
        rows=_group(result, line),
        footnotes=(word("models.calibration_note"),),
    )


def refusal(absent: Absent) -> Text:
    """Why a model is absent, in words."""
    if absent.reason == "leakage":
        first = absent.because[0]
        why = word("leak.line", predictor=Variable(first.predictor), why=word(f"leak.{first.why}"))
        return word("models.refused", why=why)
    code, _, column = absent.reason.partition(":")
    return word(f"models.{code}", column=Variable(column))


def refused_models(result: TaskResult) -> tuple[str, ...]:
    """Names of the models and scores that leakage forbids."""
    return tuple(absent.name for absent in result.absent if absent.reason == "leakage")


def absent_table(result: TaskResult) -> TableBlock | None:
    """The models that were not built, with the reason for each."""
    if not result.absent:
        return None
    return TableBlock(
        id=f"table-absent-{_anchor(result.task)}",
        title=word("models.absent_title", task=task_name(result.task)),
        columns=(Column(word("models.absent_model")), Column(word("models.absent_why"), align="left")),
        rows=tuple((model_name(absent.name), refusal(absent)) for absent in result.absent),
    )


def _share(value: Proportion | None) -> Cell:
    return (
        None if value is None else Estimate(value.value, value.ci.low, value.ci.high, digits=1, percent=True)
    )


def threshold_table(result: TaskResult) -> TableBlock:
    """Sensitivity, specificity and predictive values at fixed thresholds and at Youden's."""
    chosen = [result.primary, *(name for name, judged in result.judged.items() if judged.kind == "score")]

    def line(threshold: Cell, at: DiagnosticAccuracy) -> Row:
        called = Number(at.called_positive.value, digits=1, percent=True)
        return (
            threshold,
            called,
            _share(at.sensitivity),
            _share(at.specificity),
            _share(at.ppv),
            _share(at.npv),
        )

    rows: list[Row | GroupRow] = []
    for name in chosen:
        judged = result.judged[name]
        rows.append(GroupRow(model_name(name)))
        rows += [
            line(Number(100 * threshold, digits=1), at) for threshold, at in judged.at_thresholds.items()
        ]
        youden = Number(100 * judged.youden_threshold, digits=1)
        rows.append(line(word("thresholds.youden", threshold=youden), judged.at_youden))
    labels = ("threshold", "positive", "sensitivity", "specificity", "ppv", "npv")
    return TableBlock(
        id=f"table-thresholds-{_anchor(result.task)}",
        title=word("thresholds.title", task=task_name(result.task)),
        columns=tuple(Column(word(f"thresholds.{label}")) for label in labels),
        rows=tuple(rows),
        footnotes=(word("thresholds.note"),),
    )


def reclassification_table(result: TaskResult) -> TableBlock | None:
    """NRI and IDI of the prespecified model against each score."""
    if not result.reclassified:
        return None
    cuts = result.reclassified[0].categorical.cuts
    rows = tuple(
        (
            model_name(line.old),
            line.n,
            Estimate(line.continuous.value, line.continuous.ci.low, line.continuous.ci.high),
            Number(line.continuous.event_part, digits=2, signed=True),
            Number(line.continuous.non_event_part, digits=2, signed=True),
            Estimate(line.categorical.value, line.categorical.ci.low, line.categorical.ci.high),
            Estimate(line.idi.value, line.idi.ci.low, line.idi.ci.high, digits=3),
        )
        for line in result.reclassified
    )
    labels = ("reference", "n", "nri", "nri_events", "nri_nonevents", "categorical", "idi")
    return TableBlock(
        id=f"table-reclassification-{_anchor(result.task)}",
        title=word("reclassification.title", task=task_name(result.task)),
        columns=tuple(Column(word(f"reclassification.{label}")) for label in labels),
        rows=rows,
        footnotes=(word(f"reclassification.note_{'relative' if len(cuts) == 3 else 'fixed'}"),),
    )


def alarm_table(result: TaskResult, alarms: tuple[Alarm, ...]) -> TableBlock:
    """Outcomes above the density cut caught at equal alarm rates."""
    rows: list[Row | GroupRow] = []
    for reference in dict.fromkeys(alarm.reference for alarm in alarms):
        lines = [alarm for alarm in alarms if alarm.reference == reference]
        by = lines[0].caught_by_reference
        rate = Number(lines[0].alarm_rate, digits=1, percent=True)
        name = word(f"alarm.reference_{reference}")
        rows.append(GroupRow(word("alarm.heading", reference=name, rate=rate, caught=Share(by.k, by.n))))
        rows += [
            (model_name(a.name), Number(a.alarm_rate, digits=1, percent=True),
             Share(a.caught.k, a.caught.n, a.caught.ci.low, a.caught.ci.high))
            for a in lines
        ]  # fmt: skip
    return TableBlock(
        id=f"table-alarm-{_anchor(result.task)}",
        title=word("alarm.title", task=task_name(result.task)),
        columns=tuple(Column(word(f"alarm.{label}")) for label in ("model", "rate", "caught")),
        rows=tuple(rows),
        footnotes=(word("alarm.none"),),
    )


def matched_table(result: TaskResult, check: MatchedCheck) -> TableBlock:
    """AUC before and after matching."""
    rows = tuple(
        (
            model_name(name),
            Estimate(
                check.aucs_before[name].value,
                check.aucs_before[name].ci.low,
                check.aucs_before[name].ci.high,
                digits=3,
            ),
            Estimate(after.value, after.ci.low, after.ci.high, digits=3),
        )
        for name, after in check.aucs.items()
    )
    return TableBlock(
        id=f"table-matched-{_anchor(result.task)}",
        title=word("matched.title", task=task_name(result.task)),
        columns=tuple(Column(word(f"matched.{label}")) for label in ("model", "before", "after")),
        rows=rows,
    )


def effect_table(result: TaskResult, explained: Explained) -> TableBlock:
    """Mean absolute SHAP value of every variable, largest first."""
    size = abs(explained.shap.values).mean(axis=0)
    ranked = sorted(zip(explained.shap.variables, size, strict=True), key=lambda pair: -pair[1])
    return TableBlock(
        id=f"table-shap-{_anchor(result.task)}",
        title=word("explanation.table", task=task_name(result.task)),
        columns=(Column(word("explanation.variable")), Column(word("explanation.shap"))),
        rows=tuple((Variable(name), Number(float(value), digits=3)) for name, value in ranked),
    )


def terms_table(result: TaskResult, explained: Explained) -> TableBlock | None:
    """The fitted model in full: every column it sees, how that is scaled, and its coefficient."""
    terms = model_terms(explained.model)
    if terms is None:
        return None
    rows = tuple(
        (term.column, Variable(term.variable), Number(term.centre, digits=4), Number(term.scale, digits=4),
         Number(term.coefficient, digits=4), Number(term.se, digits=4))
        for term in terms.terms
    )  # fmt: skip
    labels = ("column", "variable", "centre", "scale", "coefficient", "se")
    knots = tuple(
        word("terms.knots", variable=Variable(name), knots=", ".join(f"{k:g}" for k in at))
        for name, at in terms.knots.items()
    )
    return TableBlock(
        id=f"table-terms-{_anchor(result.task)}",
        title=word("terms.title", task=task_name(result.task), model=model_name(result.primary)),
        columns=tuple(
            Column(word(f"terms.{label}"), align="left" if label == "variable" else "auto")
            for label in labels
        ),
        rows=((word("terms.intercept"), "", None, None, Number(terms.intercept, digits=4), None), *rows),
        footnotes=(word("terms.note", m=terms.copies), *((word("terms.spline"),) if knots else ()), *knots),
    )


def _anchor(task: str) -> str:
    return task.replace("_", "-")
