"""results.json and the lines the command prints: every headline number of the study under a stable name."""

from __future__ import annotations

from typing import Any

from osteon.core.result import as_dict
from osteon.report.words import words
from osteon.stats.accuracy import DiagnosticAccuracy
from osteon.studies.fracture_risk import Answer, Result
from osteon.studies.risk_plan import Absent
from osteon.studies.risk_survival import Period
from osteon.studies.risk_tables import model_name, task_name, word
from osteon.studies.risk_task import Judged

__all__ = ["recheck_name", "recheck_why", "results", "summary_lines"]


def results(result: Result) -> dict[str, Any]:
    """The content of results.json."""
    content: dict[str, Any] = {
        "study": "fracture-risk",
        "data": result.kind,
        "simulated": result.simulated,
        "provenance": as_dict(result.provenance),
        "config": as_dict(result.config),
    }
    if result.recheck:
        english = words("en")
        content["recheck"] = [
            {
                "figure": english.say(recheck_name(line.figure, line.item)),
                "printed": line.printed,
                "recomputed": line.recomputed,
                "follows": line.follows,
                "why": english.say(recheck_why(line.why)) if line.why else "",
            }
            for line in result.recheck
        ]
        return content
    if result.loaded is not None:
        cohort = result.loaded.cohort
        content["flow"] = [as_dict(step) | {"n_excluded": step.n_excluded} for step in cohort.flow]
        content["n"] = len(cohort)
        content["bayes_auc"] = dict(result.loaded.bayes_auc)
    content["prevalence"] = _prevalence(result)
    content["tasks"] = {name: _task(answer) for name, answer in result.answers.items()}
    content["skipped"] = dict(result.skipped)
    if result.survival is not None:
        content["survival"] = _survival(result)
    if result.textbook is not None:
        content["textbook"] = {
            "terms": {name: {"coefficient": b, "se": se} for name, b, se in result.textbook.terms},
            "log_likelihood": result.textbook.log_likelihood,
            "apparent_auc": result.textbook.apparent.value,
        }
    return content


def recheck_name(figure: str, item: str) -> Any:
    """The printed name of a rechecked figure."""
    return (
        word(f"recheck_figure.{figure}", item=word(f"recheck_item.{item}"))
        if item
        else word(f"recheck_figure.{figure}")
    )


def recheck_why(why: str) -> Any:
    """The printed reason of a verdict."""
    code, _, value = why.partition(":")
    return word(f"recheck_why.{code}", value=value) if value else word(f"recheck_why.{code}")


def _prevalence(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in result.population.prevalences if result.population else ():
        estimate = line.estimate
        found.setdefault(line.what, {})[line.who] = {
            "value": estimate.value, "se": estimate.se, "low": estimate.ci.low, "high": estimate.ci.high,
            "n": estimate.n, "published": line.published,
        }  # fmt: skip
    return found


def _task(answer: Answer) -> dict[str, Any]:
    outcome = answer.result
    models: dict[str, Any] = {name: _model(judged) for name, judged in outcome.judged.items()}
    models |= {absent.name: _absent(absent) for absent in outcome.absent}
    return {
        "outcome": outcome.outcome,
        "n": outcome.n,
        "events": outcome.events,
        "primary": outcome.primary,
        "models": models,
        "delong": [as_dict(pair) for pair in outcome.differences],
        "reclassification": [as_dict(line) for line in outcome.reclassified],
        "subgroups": [as_dict(line) for line in answer.subgroups],
        "alarm": [as_dict(line) for line in answer.alarms],
        "matched": None if answer.matched is None else {
            "pairs": answer.matched.pairs,
            "covariates": list(answer.matched.covariates),
            "auc": {name: _auc(value) for name, value in answer.matched.aucs.items()},
        },
        "shap": None if answer.explained is None else {
            name: float(abs(answer.explained.shap.values[:, i]).mean())
            for i, name in enumerate(answer.explained.shap.variables)
        },
    }  # fmt: skip


def _auc(value: Any) -> dict[str, Any]:
    return {
        "value": value.value,
        "low": value.ci.low,
        "high": value.ci.high,
        "n": value.n,
        "events": value.events,
    }


def _absent(absent: Absent) -> dict[str, Any]:
    if absent.reason == "leakage":
        return {"refused": "leakage", "because": [f"{leak.predictor}: {leak.why}" for leak in absent.because]}
    return {"absent": absent.reason}


def _model(judged: Judged) -> dict[str, Any]:
    calibration, score = judged.calibration, judged.brier
    return {
        "kind": judged.kind,
        "learner": judged.learner,
        "predictors": list(judged.predictors),
        "auc": _auc(judged.auc),
        "brier": {"value": score.value, "scaled": score.scaled},
        "calibration": {
            "intercept": calibration.intercept, "slope": calibration.slope, "in_the_large": calibration.in_the_large,
            "expected_over_observed": calibration.expected_over_observed, "ici": calibration.ici, "e50": calibration.e50,
            "e90": calibration.e90,
        },
        "thresholds": {f"{t:g}": _cells(at) for t, at in judged.at_thresholds.items()}
        | {"youden": {**_cells(judged.at_youden), "threshold": judged.youden_threshold}},
        "fold_auc": list(judged.fold_aucs),
        "auc_by_repeat": list(judged.auc_by_repeat),
        "tuned": [dict(chosen) for chosen in judged.chosen],
        "notes": list(judged.notes),
    }  # fmt: skip


def _cells(at: DiagnosticAccuracy) -> dict[str, Any]:
    shares = {name: getattr(at, name) for name in ("accuracy", "sensitivity", "specificity", "ppv", "npv")}
    return {
        name: None if p is None else {"value": p.value, "low": p.ci.low, "high": p.ci.high}
        for name, p in shares.items()
    }


def _survival(result: Result) -> dict[str, Any]:
    found = result.survival
    if found is None:
        return {}

    def period(part: Period) -> dict[str, Any]:
        return {
            "years": list(part.years), "n": part.n, "events": part.events, "c_index": _auc(part.concordance),
            "brier_12m": {"value": part.brier.value, "null": part.brier.null}, "auc_12m": as_dict(part.auc),
        }  # fmt: skip

    at = found.overall.at([min(found.horizon_months, float(found.overall.time[-1]))])
    return {
        "n": found.n,
        "events": found.events,
        "survival_12m": float(at.survival[0]),
        "cox": {term.name: {"hazard_ratio": term.hazard_ratio, "low": term.ci.low, "high": term.ci.high, "p": term.p}
                for term in found.model.terms},
        "proportional_hazards_p": {name: test.p for name, test in found.hazards.terms.items()},
        "log_rank_p": found.log_rank.p,
        "development": period(found.development),
        "later": period(found.later),
    }  # fmt: skip


def summary_lines(result: Result, lang: str) -> tuple[str, ...]:
    """What the command prints when it is done, a line per task and model."""
    say = words(lang)
    mark = f"[{say('report.simulated')}] " if result.simulated else ""
    if result.recheck:
        counts = {
            verdict: sum(line.follows == verdict for line in result.recheck)
            for verdict in ("yes", "no", "not computable")
        }
        text = word(
            "summary.recheck",
            total=len(result.recheck),
            yes=counts["yes"],
            no=counts["no"],
            unknown=counts["not computable"],
        )
        return (say.say(text),)
    lines = []
    for task, answer in result.answers.items():
        outcome = answer.result
        lines.append(f"{mark}{say.say(task_name(task))}: n = {outcome.n}, {outcome.events}")
        for name, judged in outcome.judged.items():
            value = judged.auc
            lines.append(
                f"{mark}  {say.say(model_name(name)):42s} AUC {value.value:.3f} ({value.ci.low:.3f}-{value.ci.high:.3f})"
            )
        for absent in outcome.absent:
            if absent.reason == "leakage":
                lines.append(
                    f"{mark}  {say.say(model_name(absent.name)):42s} {say.say(word('models.refused_short'))}"
                )
    lines += [f"{say.say(task_name(task))}: {why}" for task, why in result.skipped.items()]
    return tuple(lines)
