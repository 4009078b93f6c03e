"""The methods of a study written from its configuration, and what of the reporting checklist software can fill."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.report.checklist import Filled
from osteon.report.document import Block, Bullets, Paragraph
from osteon.report.value import Number, Text, Variable, Words
from osteon.studies.fracture_risk import Answer, Result
from osteon.studies.risk_survival import SurvivalResult
from osteon.studies.risk_tables import task_name, word

__all__ = ["filled_items", "methods_blocks"]


def methods_blocks(result: Result) -> Iterator[Block]:
    """What was done, true to this run: each clause stands only where its step took place."""
    config = result.config
    repeats = config.repeats or (result.loaded.plan.repeats if result.loaded else 1)
    tuned = config.trials >= 2 and any(name != "logistic" for name in config.learners)
    compared = any(answer.result.reclassified for answer in result.answers.values())
    yield Paragraph(
        word(
            "methods.text",
            data=word(f"data.{result.kind}"),
            sparse=Number(config.largest_missing_share, digits=0, percent=True),
            imputation=_imputation(result),
            curves=_curves(result),
            learners=tuple(word(f"learner.{name}") for name in config.learners),
            richer=_richer(result),
            folds=config.folds,
            repeats=word("methods.once") if repeats == 1 else word("methods.times", n=repeats),
            tuning=word("methods.tuned", inner=config.inner_folds, trials=config.trials)
            if tuned
            else word("methods.untuned"),
            averaged=word("methods.averaged", n=repeats) if repeats > 1 else "",
            bootstrap=word("methods.bootstrap", n=config.decision_resamples)
            if config.decision_resamples
            else "",
            reclassification=word("methods.reclassification") if compared else "",
            version=result.provenance.osteon,
            seed=str(result.provenance.seed),
        )
    )
    yield Bullets(tuple(line for answer in result.answers.values() for line in _predictors(answer)))
    if result.survival is not None:
        yield Paragraph(_survival(result.survival))
    for size in (answer.size for answer in result.answers.values()):
        yield Paragraph(
            word(
                "methods.riley",
                n=size.n,
                events=size.events,
                parameters=size.parameters,
                needed=size.needed,
                auc=Number(size.auc, digits=2),
                verdict=word("methods.enough" if size.n >= size.needed else "methods.short"),
            )
        )


def _imputation(result: Result) -> Words:
    if not any(share > 0 for share in (result.population.missing if result.population else {}).values()):
        return word("methods.no_missing")
    config = result.config
    key = "imputation_paper" if config.imputation_method == "paper" else "imputation"
    return word(f"methods.{key}", m=config.imputations, iterations=config.imputation_iterations)


def _curves(result: Result) -> Text:
    names = dict.fromkeys(
        name for answer in result.answers.values() for spec in answer.plan.specs for name in spec.knots
    )
    return word("methods.curves", names=tuple(Variable(name) for name in names)) if names else ""


def _richer(result: Result) -> Text:
    """The learners of the richer predictor sets, where there are such sets and they get fewer learners."""
    config = result.config
    learners = dict.fromkeys(
        spec.learner
        for answer in result.answers.values()
        for spec in answer.plan.specs
        if spec.name != f"{answer.plan.question.primary}_{spec.learner}"
    )
    if not learners or len(learners) == len(config.learners):
        return ""
    return word("methods.richer", learners=tuple(word(f"learner.{name}") for name in learners))


def _predictors(answer: Answer) -> Iterator[Words]:
    """The candidate predictors of each set that was built; of a richer set those that it adds."""
    primary = answer.plan.question.primary
    sets = {spec.name.removesuffix(f"_{spec.learner}"): spec.predictors for spec in answer.plan.specs}
    task = task_name(answer.result.task)
    for name, columns in sets.items():
        added = tuple(Variable(column) for column in columns if column not in sets.get(primary, ()))
        if name == primary or primary not in sets:
            yield word(
                "methods.predictors", task=task, set=word(f"set.{name}"), names=tuple(map(Variable, columns))
            )
        else:
            yield word("methods.predictors_added", task=task, set=word(f"set.{name}"), names=added)


def _survival(found: SurvivalResult) -> Words:
    def years(span: tuple[int, int]) -> str:
        return f"{span[0]}–{span[1]}"

    columns = ("sex" if term.name == "male" else term.name for term in found.model.terms)
    return word(
        "methods.survival",
        covariates=tuple(Variable(name) for name in columns),
        train_years=years(found.development.years),
        test_years=years(found.later.years),
    )


def filled_items(result: Result) -> dict[str, Filled]:
    """
    What software can answer of TRIPOD+AI, each with the anchor where the report does; the rest is the authors'.

    "auto" only where the report answers the whole item from the run; where a reason or a judgement of people is asked
    as well, "draft". Items about clusters, reasons of the context, ethics and funding stay missing.
    """
    first = next(iter(result.answers)).replace("_", "-")
    answer = next(iter(result.answers.values()))
    auto = {
        "6b": "flow", "8a": f"task-{first}", "9a": "methods", "10": "methods", "11": "methods", "12a": "methods",
        "12b": "methods", "12c": "methods", "12e": "methods", "12g": "methods", "20a": "figure-flow",
        "20b": "table-baseline" if result.population and result.population.baseline else "missing",
        "21": f"table-models-{first}", "23a": f"table-models-{first}",
    }  # fmt: skip
    draft = {
        "1": "summary", "2": "summary", "4": "summary", "5a": "people", "5b": "people", "7": "flow", "9b": "methods",
        "13": "methods", "14": f"subgroups-{first}" if answer.subgroups else f"discrimination-{first}",
        "15": f"table-thresholds-{first}", "18e": "provenance", "18f": "provenance", "25": "summary", "26": "limits",
        "27a": "methods",
    }  # fmt: skip
    if _written_out(answer):
        auto["22"] = f"table-terms-{first}"
    if result.kind == "table":
        for item in ("6b", "8a"):  # only the owner of a table knows whom it took and how the outcome was told
            draft[item] = auto.pop(item)
    if result.survival is not None:
        draft |= {"16": "table-temporal", "20c": "table-temporal"}
    return {item: Filled(status="auto", pointer=anchor) for item, anchor in auto.items()} | {
        item: Filled(status="draft", pointer=anchor) for item, anchor in draft.items()
    }


def _written_out(answer: Answer) -> bool:
    """Whether the prespecified model stands in the report in full: a linear one does."""
    from osteon.studies.risk_tables import terms_table

    return answer.explained is not None and terms_table(answer.result, answer.explained) is not None
