"""The report of the fracture-risk study: which blocks stand in which order."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.care.scores.qfracture.equations import disclaimer
from osteon.report.checklist import checklist
from osteon.report.document import (
    Block,
    Bullets,
    Callout,
    Column,
    Document,
    FigureBlock,
    Heading,
    KeyFigures,
    Paragraph,
    Reference,
    References,
    TableBlock,
    Tile,
)
from osteon.report.figure_flow import Excluded, FlowBox, FlowFigure
from osteon.report.value import Estimate, Number, Text, Words
from osteon.stats.auc import Auc
from osteon.studies.fracture_risk import Answer, Result
from osteon.studies.fracture_risk_results import recheck_name, recheck_why
from osteon.studies.risk_figures import (
    alarm_figure,
    calibration_figure,
    decision_figure,
    dependence_figure,
    love_figure,
    patient_figure,
    roc_figure,
    shap_figure,
    subgroup_figure,
)
from osteon.studies.risk_methods import filled_items, methods_blocks
from osteon.studies.risk_people import people_blocks
from osteon.studies.risk_population import Prevalence
from osteon.studies.risk_survival_page import survival_blocks
from osteon.studies.risk_tables import (
    absent_table,
    alarm_table,
    calibration_table,
    discrimination_table,
    effect_table,
    matched_table,
    model_name,
    reclassification_table,
    refused_models,
    task_name,
    terms_table,
    threshold_table,
    word,
)

__all__ = ["document"]


def document(result: Result) -> Document:
    """The whole report, in no language yet."""
    blocks = tuple(_published(result)) if result.recheck else tuple(_study(result))
    return Document(
        title=word("title", data=word(f"data.{result.kind}")),
        subtitle=word("subtitle_published" if result.recheck else "subtitle"),
        authors=(word("author"),),
        simulated=result.simulated,
        blocks=blocks,
        provenance=result.provenance,
    )


def _published(result: Result) -> Iterator[Block]:
    counts = {
        verdict: sum(line.follows == verdict for line in result.recheck)
        for verdict in ("yes", "no", "not computable")
    }
    detail = word("summary.tile_recheck_detail")
    yield Heading("summary", word("section.summary"))
    yield KeyFigures(
        (
            Tile(word("summary.tile_figures"), len(result.recheck), detail),
            Tile(word("summary.tile_follows"), counts["yes"]),
            Tile(word("summary.tile_not"), counts["no"]),
            Tile(word("summary.tile_unknown"), counts["not computable"]),
        )
    )
    yield Paragraph(word("summary.recheck", total=len(result.recheck), yes=counts["yes"], no=counts["no"],
                         unknown=counts["not computable"]))  # fmt: skip
    yield Heading("recheck", word("section.recheck"))
    verdicts = {"yes": "yes", "no": "no", "not computable": "unknown"}
    labels = ("figure", "printed", "recomputed", "follows", "why")
    yield TableBlock(
        id="table-recheck",
        title=word("recheck.title"),
        columns=tuple(Column(word(f"recheck.{x}"), align="left") for x in labels),
        rows=tuple(
            (recheck_name(line.figure, line.item), line.printed, line.recomputed, word(f"recheck.{verdicts[line.follows]}"),
             recheck_why(line.why) if line.why else "")
            for line in result.recheck
        ),
        landscape=True,
    )  # fmt: skip
    yield from _references("s1")


def _study(result: Result) -> Iterator[Block]:
    yield Heading("summary", word("section.summary"))
    yield from _summary(result)
    yield Heading("people", word("section.people"))
    yield Paragraph(word(f"about.{result.kind}"))
    yield from _flow(result)
    if result.population is not None:
        yield from people_blocks(result.population, result.eligible, part_of_cycle=result.kind == "nhanes")
    for answer in result.answers.values():
        yield from _task(answer)
    yield from _truth(result)
    yield from _textbook(result)
    if result.survival is not None:
        yield from survival_blocks(result.survival)
    yield Heading("limits", word("section.limits"))
    yield Bullets(tuple(_limits(result)))
    if any("qfracture_osteoporotic_10y" in answer.result.judged for answer in result.answers.values()):
        yield Callout("note", disclaimer(), word("score.qfracture_osteoporotic_10y"))
    yield Heading("methods", word("section.methods"))
    yield from methods_blocks(result)
    yield Heading("checklist", word("section.checklist"))
    yield checklist("tripod_ai", filled=filled_items(result))
    yield from _references(
        "s1",
        "tripod",
        "delong",
        "vickers",
        "riley",
        "qfracture"
        if any("qfracture_osteoporotic_10y" in answer.result.judged for answer in result.answers.values())
        else "",
        "nchs" if result.population and result.population.prevalences else "",
    )


def _summary(result: Result) -> Iterator[Block]:
    first = next(iter(result.answers.values()))
    outcome = first.result
    primary = outcome.judged[outcome.primary]
    tiles = [
        Tile(word("summary.tile_people"), outcome.n),
        Tile(word("summary.tile_events"), outcome.events, task_name(outcome.task)),
        Tile(word("summary.tile_auc"), _estimate(primary.auc), model_name(outcome.primary)),
    ]
    reference = next((judged for judged in outcome.judged.values() if judged.kind == "score"), None)
    if reference is not None:
        tiles.append(
            Tile(word("summary.tile_reference", score=model_name(reference.name)), _estimate(reference.auc))
        )
    prevalence = {line.who: line for line in _prevalence_lines(result)}
    if "all" in prevalence:
        line = prevalence["all"].estimate
        tiles.append(Tile(word("summary.tile_prevalence"), Number(line.value, digits=1, percent=True),
                          word("summary.tile_prevalence_detail", se=Number(line.se, digits=1, percent=True))))  # fmt: skip
    if result.survival is not None:
        c = result.survival.later.concordance
        tiles.append(Tile(word("summary.tile_c"), Estimate(c.value, c.ci.low, c.ci.high, digits=3)))
    yield KeyFigures(tuple(tiles))
    for answer in result.answers.values():
        yield Paragraph(_lead(answer))
        yield Bullets(tuple(_against(answer)))
    if len(prevalence) == 3:
        shares = {
            who: Number(line.estimate.value, digits=1, percent=True) for who, line in prevalence.items()
        }
        yield Paragraph(word("summary.prevalence", **shares))
    odd = [
        change
        for change in (result.loaded.cohort.log if result.loaded else ())
        if change.code == "contradiction"
    ]
    if odd:
        yield Callout(
            "warning", word("flow.contradictions", n=sum(change.n for change in odd), checks=len(odd))
        )
    for task, why in result.skipped.items():
        yield Callout("warning", why, task_name(task))


def _prevalence_lines(result: Result) -> list[Prevalence]:
    lines = result.population.prevalences if result.population else ()
    return [line for line in lines if line.what == "osteoporosis_femoral_neck"]


def _estimate(auc: Auc) -> Estimate:
    return Estimate(auc.value, auc.ci.low, auc.ci.high, digits=3)


def _lead(answer: Answer) -> Words:
    outcome = answer.result
    primary = outcome.judged[outcome.primary]
    fit = primary.calibration
    return word("summary.lead", n=outcome.n, events=outcome.events, task=task_name(outcome.task),
                model=model_name(outcome.primary), auc=_estimate(primary.auc),
                slope=Estimate(fit.slope, fit.slope_ci.low, fit.slope_ci.high),
                size=word("summary.size_enough" if answer.size.n >= answer.size.needed else "summary.size_short"))  # fmt: skip


def _against(answer: Answer) -> Iterator[Text]:
    outcome = answer.result
    for pair in outcome.differences:
        other = outcome.judged[pair.second]
        if other.kind != "score":
            continue
        gap = Estimate(pair.difference, pair.ci.low, pair.ci.high, digits=3)
        yield word("summary.against", score=model_name(other.name), auc=_estimate(other.auc), n=other.auc.n,
                   difference=gap, p=pair.p)  # fmt: skip
    refused = refused_models(outcome)
    if refused:
        yield word("summary.refused", models=tuple(model_name(name) for name in refused))


def _flow(result: Result) -> Iterator[Block]:
    if result.loaded is None:
        return
    cohort = result.loaded.cohort
    yield Heading("flow", word("section.flow"), level=2)
    start = cohort.flow[0].n_before if cohort.flow else len(cohort)
    excluded = tuple(
        Excluded(text=word(f"flow_step.{step.code}"), n=step.n_excluded)
        for step in cohort.flow
        if step.n_excluded
    )
    boxes = (
        FlowBox(text=word("flow.read", source=word(f"data.{result.kind}")), n=start, excluded=excluded),
        FlowBox(text=word("flow.final"), n=len(cohort)),
    )
    arms = tuple(
        FlowBox(
            text=word("flow.task_arm", task=task_name(task), events=answer.result.events), n=answer.result.n
        )
        for task, answer in result.answers.items()
    )
    yield FigureBlock(id="figure-flow", title=word("section.flow"), figure=FlowFigure(boxes=boxes, arms=arms),
                      alt=word("flow.alt"))  # fmt: skip


def _task(answer: Answer) -> Iterator[Block]:
    outcome = answer.result
    anchor = outcome.task.replace("_", "-")
    yield Heading(f"task-{anchor}", word(f"section.task_{outcome.task}"))
    yield Paragraph(word(f"outcome.{outcome.task}"))
    yield Paragraph(_lead(answer))
    parts: tuple[tuple[str, tuple[Block | None, ...]], ...] = (
        ("discrimination", (roc_figure(outcome), discrimination_table(outcome), absent_table(outcome))),
        ("calibration", (calibration_figure(outcome), calibration_table(outcome))),
        ("benefit", (decision_figure(outcome),)),
        ("reclassification", (reclassification_table(outcome),)),
        ("thresholds", (threshold_table(outcome),)),
        ("alarm", _alarm(answer)),
        ("subgroups", (subgroup_figure(outcome, answer.subgroups),)),
        ("matched", _matched(answer)),
        ("explanation", _explanation(answer)),
    )
    for name, blocks in parts:
        held = [block for block in blocks if block is not None]
        if held:
            yield Heading(f"{name}-{anchor}", word(f"section.{name}"), level=2)
            yield from held


def _alarm(answer: Answer) -> tuple[Block | None, ...]:
    if not answer.alarms:
        return ()
    figure = alarm_figure(answer.result, answer.alarms)
    return (Paragraph(word("alarm.intro")), figure, alarm_table(answer.result, answer.alarms))


def _matched(answer: Answer) -> tuple[Block | None, ...]:
    check = answer.matched
    if check is None:
        return ()
    names = tuple(word(f"covariate.{name}") for name in check.covariates)
    figure = love_figure(answer.result, check)
    return (
        Paragraph(word("matched.intro", pairs=check.pairs, covariates=names)),
        figure,
        matched_table(answer.result, check),
    )


def _explanation(answer: Answer) -> tuple[Block | None, ...]:
    outcome, found = answer.result, answer.explained
    figures = (shap_figure(outcome, found), dependence_figure(outcome, found), patient_figure(outcome, found))
    if found is None:
        return ()
    return (*figures, effect_table(outcome, found), terms_table(outcome, found))


def _truth(result: Result) -> Iterator[Block]:
    if not result.truth:
        return
    yield Heading("truth", word("section.truth"))
    rows = []
    for line in result.truth:
        rows.append((task_name(line.task), word(f"set.{line.predictors}"), Number(line.bayes_here, digits=3),
                     Number(line.bayes_large, digits=3), model_name(line.best), _estimate(line.auc)))  # fmt: skip
    labels = ("task", "predictors", "bayes", "bayes_population", "best", "auc")
    yield TableBlock(id="table-truth", title=word("truth.title"), columns=tuple(Column(word(f"truth.{x}")) for x in labels),
                     rows=tuple(rows), footnotes=(word("truth.note"),))  # fmt: skip


def _textbook(result: Result) -> Iterator[Block]:
    if result.textbook is None:
        return
    from osteon.studies.risk_textbook import KNOWN

    book = result.textbook
    yield Heading("textbook", word("section.textbook"))
    yield TableBlock(
        id="table-textbook",
        title=word("textbook.title"),
        columns=tuple(Column(word(f"textbook.{x}")) for x in ("term", "coefficient", "se", "printed")),
        rows=tuple(
            (
                word(f"textbook_term.{name}"),
                Number(value, digits=4),
                Number(error, digits=4),
                Number(KNOWN[name][0], digits=4),
            )
            for name, value, error in book.terms
        ),
        footnotes=(word("textbook.note"),),
    )
    yield Paragraph(
        word(
            "textbook.summary",
            ll=Number(book.log_likelihood, digits=3),
            auc=Number(book.apparent.value, digits=3),
        )
    )


def _limits(result: Result) -> Iterator[Text]:
    notes = set(result.loaded.plan.notes if result.loaded else ())
    if result.simulated:
        yield word("limits.simulated")
    if "fracture_ever" in result.answers and not result.simulated:
        notes.add("fracture_before_scan")
    for note in ("fracture_before_scan", "glow_oversampled", "management_is_indication"):
        if note in notes:
            yield word(f"limits.{note}")
    if "fracture_ever" in result.answers and result.kind == "nhanes":
        judged = result.answers["fracture_ever"].result.judged.values()
        reached = [each.auc.value for each in judged if each.kind == "model"]
        yield word(
            "limits.why_not_more", low=Number(min(reached), digits=2), high=Number(max(reached), digits=2)
        )
    for answer in result.answers.values():
        inside = [g.auc.value for g in answer.subgroups if g.variable == "ethnicity" and g.auc is not None]
        overall = answer.result.judged[answer.result.primary].auc.value
        if len(inside) > 1 and sorted(inside)[len(inside) // 2] < overall:
            yield word("limits.ethnicity", task=task_name(answer.result.task), overall=Number(overall, digits=2),
                       low=Number(min(inside), digits=2), high=Number(max(inside), digits=2))  # fmt: skip
    if any(task.startswith("osteoporosis") for task in result.answers):
        yield word("limits.leakage_osteoporosis")
    for answer in result.answers.values():
        if (sites := answer.both_sites) is not None:
            yield word(
                "limits.missing_site", n=sites.one_site, both=sites.both_sites, auc=_estimate(sites.auc)
            )
    if result.kind.startswith("nhanes"):
        yield word("limits.weights")
        yield word("limits.top_coded")
    yield word("limits.internal")


def _references(*names: str) -> Iterator[Block]:
    known = {
        "s1": Reference(
            "Wang CY, Meng C. Research on multi-dimensional feature fusion model for osteoporosis risk assessment based on "
            "deep learning. Prog Biochem Biophys 2026.", "10.3724/j.pibb.2025.0374",
        ),
        "tripod": Reference(
            "Collins GS, et al. TRIPOD+AI statement: updated guidance for reporting clinical prediction models that use "
            "regression or machine learning methods. BMJ 2024;385:e078378.", "10.1136/bmj-2023-078378",
        ),
        "delong": Reference(
            "DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more correlated receiver operating "
            "characteristic curves. Biometrics 1988;44:837-845.", "10.2307/2531595",
        ),
        "vickers": Reference(
            "Vickers AJ, Elkin EB. Decision curve analysis. Med Decis Making 2006;26:565-574.", "10.1177/0272989X06295361",
        ),
        "riley": Reference(
            "Riley RD, et al. Calculating the sample size required for developing a clinical prediction model. "
            "BMJ 2020;368:m441.", "10.1136/bmj.m441",
        ),
        "qfracture": Reference(
            "Hippisley-Cox J, Coupland C. Derivation and validation of updated QFracture algorithm to predict risk of "
            "osteoporotic fracture in primary care in the United Kingdom. BMJ 2012;344:e3427.", "10.1136/bmj.e3427",
        ),
        "nchs": Reference("Sarafrazi N, et al. Osteoporosis or low bone mass in older adults: United States, 2017-2018. "
                          "NCHS Data Brief 405, 2021."),
    }  # fmt: skip
    yield Heading("references", word("section.references"))
    yield References(tuple(known[name] for name in names if name))
