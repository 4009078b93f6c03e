"""
S1: who has osteoporosis and who fractures, from what a clinic already knows?

Design: a table of people; tasks by what it holds; nested cross-validation of several learners against OST,
bone density alone, QFracture and imported FRAX; discrimination, calibration, benefit, reclassification, subgroups.

Kept from the paper: the tasks (osteoporosis state, fracture), five folds, chained-equation imputation, the metrics
(AUC with DeLong, Brier, calibration, decision curve, NRI, IDI), the subgroups, propensity matching, SHAP, and the
published eligibility criteria (counted on the data at hand).

Not kept, and why: bone density as predictor of osteoporosis (it defines it: refused as leakage); joining NHANES, UK
Biobank and OAI into one cohort (disjoint people, no common modality, see the limits section); the 10-year horizon
(no data here follow people that long); the deep network (tables with four to forty columns do not need one).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from osteon.cohort.clean import write_log
from osteon.cohort.eligibility import Eligible, apply, criteria
from osteon.cohort.impute import ImputeOptions
from osteon.cohort.schema import kind_of
from osteon.core.config import load
from osteon.core.errors import ConfigError, NotEnoughData
from osteon.core.files import checked_folder, staged_folder, write_json
from osteon.core.progress import track
from osteon.core.provenance import Provenance, provenance
from osteon.models.learners import LEARNERS
from osteon.models.train import ModelSpec, TrainOptions
from osteon.report.save import save
from osteon.studies.published_s1 import Recheck, recheck
from osteon.studies.risk_card import model_card, write_model
from osteon.studies.risk_data import Loaded, loaded
from osteon.studies.risk_detail import (
    Alarm,
    Explained,
    MatchedCheck,
    Subgroup,
    alarms,
    explained,
    matched_check,
    subgroups,
)
from osteon.studies.risk_plan import TaskPlan, planned
from osteon.studies.risk_population import Population, population, prevalences
from osteon.studies.risk_scores import score_columns
from osteon.studies.risk_survival import SurvivalResult, survival_study
from osteon.studies.risk_task import TaskResult, TaskSettings, judged_task
from osteon.studies.risk_textbook import Textbook, textbook_model
from osteon.studies.risk_truth import BothSites, SizeCheck, TruthLine, both_sites, sample_size, truth_lines

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "Config", "Result", "Summary", "configured", "run", "run_to_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The protocol. ``repeats`` 0 = as the data ask (10 on small tables, else 1)."""

    learners: tuple[str, ...] = ("logistic", "elastic_net", "random_forest", "lightgbm")
    imputations: int = 5
    imputation_iterations: int = 5
    imputation_method: Literal["chained", "paper"] = "chained"
    folds: int = 5
    repeats: int = 0
    inner_folds: int = 3
    trials: int = 20
    thresholds: tuple[float, ...] = (0.05, 0.1, 0.2)
    decision_resamples: int = 200
    explained_rows: int = 600
    allow_leakage: bool = False
    fewest_rows: int = 100
    fewest_events: int = 20
    largest_missing_share: float = 0.5
    last_development_year: int = 2014
    virtual_people: int = 2000
    save_models: bool = False
    cycles: tuple[str, ...] = ()  # NHANES cycles to read from a folder of XPT files, e.g. ("J",)
    processes: int = 2

    def __post_init__(self) -> None:
        strange = [name for name in self.learners if name not in LEARNERS]
        if strange or not self.learners:
            raise ConfigError(f"learners: unknown {strange[:1]}.", hint=f"Known: {', '.join(LEARNERS)}.")
        if (
            self.folds < 2
            or self.imputations < 1
            or self.repeats < 0
            or not 0 < self.largest_missing_share <= 1
        ):
            raise ConfigError(
                "folds needs 2 or more, imputations 1 or more, repeats 0 or more, missing share 0-1."
            )

        if not self.thresholds or not all(0 < threshold < 1 for threshold in self.thresholds):
            raise ConfigError(f"thresholds are {list(self.thresholds)}, expected shares between 0 and 1.")
        if 0 < self.decision_resamples < 100:
            raise ConfigError(
                f"decision_resamples is {self.decision_resamples}; use 0 for no intervals, or at least 100."
            )

    def train_options(self) -> TrainOptions:
        """The protocol in the words of the models."""
        impute = ImputeOptions(
            m=self.imputations, iterations=self.imputation_iterations, method=self.imputation_method
        )
        return TrainOptions(
            impute=impute, trials=self.trials, inner_folds=self.inner_folds, processes=self.processes
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """One task with everything found out about it."""

    plan: TaskPlan
    result: TaskResult
    subgroups: tuple[Subgroup, ...]
    alarms: tuple[Alarm, ...]
    matched: MatchedCheck | None
    explained: Explained | None
    both_sites: BothSites | None
    size: SizeCheck


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """The whole study."""

    kind: str
    simulated: bool
    loaded: Loaded | None
    population: Population | None
    eligible: Eligible | None
    answers: Mapping[str, Answer]
    skipped: Mapping[str, str]
    survival: SurvivalResult | None
    textbook: Textbook | None
    truth: tuple[TruthLine, ...]
    recheck: tuple[Recheck, ...]
    config: Config
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the command line prints, and whether a part of the study could not be done."""

    lines: tuple[str, ...]
    partial: bool = False
    notes: tuple[str, ...] = field(default=())


def configured(name: str) -> Config:
    """The configuration called ``name`` ("default", "quick", "full"), or that of a TOML file."""
    if name == "default":
        return Config()
    if not name.endswith(".toml"):
        shelf = files("osteon.studies") / "configs" / f"fracture_risk.{name}.toml"
        if not shelf.is_file():
            raise ConfigError(
                f"unknown configuration {name!r}.", hint="Known: default, quick, full, or a TOML file."
            )
        with as_file(shelf) as path:
            return load(Config(), path)
    return load(Config(), Path(name))


def run(data: str, *, config: Config, seed: int, command: str = "", checkpoint: Path | None = None) -> Result:
    """Run the study on a kind of data, a file or a folder."""
    if data == "published":
        stamp = provenance(seed=seed, command=command)
        return Result(kind="published", simulated=False, loaded=None, population=None, eligible=None, answers={},
                      skipped={}, survival=None, textbook=None, truth=(), recheck=recheck(), config=config, provenance=stamp)  # fmt: skip
    source = loaded(
        data, people=config.virtual_people, seed=seed, fewest=config.fewest_rows, cycles=config.cycles
    )
    table = source.cohort.table
    answers: dict[str, Answer] = {}
    skipped: dict[str, str] = {}
    questions = [
        q for q in source.plan.questions if q.outcome in table.columns and table[q.outcome].notna().any()
    ]
    if not questions:
        outcomes = ", ".join(dict.fromkeys(q.outcome for q in source.plan.questions))
        raise NotEnoughData(f"{data}: the table holds no outcome.", hint=f"Expected one of: {outcomes}.")
    for question in track(questions, task="tasks", total=len(questions)):
        plan = planned(
            table, question, learners=config.learners, allow_leakage=config.allow_leakage,
            largest_missing_share=config.largest_missing_share,
        )  # fmt: skip
        answer = partial(_answered, source, plan, config=config, seed=seed, checkpoint=checkpoint)
        try:
            answers[question.task] = answer()
        except NotEnoughData as error:
            if len(questions) == 1:
                raise
            skipped[question.task] = str(error)
    if not answers:
        raise NotEnoughData(next(iter(skipped.values())))
    first = next(iter(answers.values()))
    shown = tuple(
        dict.fromkeys(name for a in answers.values() for s in a.plan.specs for name in s.predictors)
    )
    people = population(table, shown, outcome=first.result.outcome)
    eligible = apply(table, criteria("fracture_risk")) if source.kind not in {"glow", "estonia"} else None
    return Result(
        kind=source.kind,
        simulated=source.cohort.simulated,
        loaded=source,
        population=people.with_prevalences(prevalences(table) if source.kind.startswith("nhanes") else ()),
        eligible=eligible,
        answers=answers,
        skipped=skipped,
        survival=_survival(source, config),
        textbook=textbook_model(table) if source.kind == "glow" else None,
        truth=truth_lines(source, {name: answer.result for name, answer in answers.items()}),
        recheck=(),
        config=config,
        provenance=provenance(seed=seed, inputs=source.inputs, command=command),
    )


def _answered(
    source: Loaded, plan: TaskPlan, *, config: Config, seed: int, checkpoint: Path | None
) -> Answer:
    table, question = source.cohort.table, plan.question
    scores, absent = score_columns(table, question.outcome, allow_leakage=config.allow_leakage)
    options = config.train_options()
    settings = TaskSettings(
        folds=config.folds, repeats=config.repeats or source.plan.repeats, train=options, thresholds=config.thresholds,
        decision_resamples=config.decision_resamples, fewest_events=config.fewest_events,
    )  # fmt: skip
    result = judged_task(table, plan, scores, absent, settings=settings, seed=seed, checkpoint=checkpoint)
    primary = next(spec for spec in plan.specs if spec.name == result.primary)
    return Answer(
        plan=plan,
        result=result,
        subgroups=subgroups(table, result, primary.predictors),
        alarms=alarms(table, result),
        matched=matched_check(table, result),
        explained=explained(table, result, primary, options=options, seed=seed, rows=config.explained_rows),
        both_sites=both_sites(table, result),
        size=sample_size(result, parameters=_parameters(table, primary)),
    )


def _parameters(table: pd.DataFrame, spec: ModelSpec) -> int:
    """Coefficients of a logistic model: one a number, levels - 1 a category, knots - 1 a curved number."""
    categories = {
        name: table[name].nunique() - 1 for name in spec.predictors if kind_of(table[name]) == "category"
    }
    return sum(categories.get(name, spec.knots.get(name, 2) - 1) for name in spec.predictors)


def _survival(source: Loaded, config: Config) -> SurvivalResult | None:
    if source.kind != "estonia":
        return None
    return survival_study(
        source.cohort.table, event="death_12m", group="management", covariates=("age_years", "sex", "charlson_index", "dementia"),
        year="admission_year", last_development_year=config.last_development_year,
    )  # fmt: skip


def _write_models(result: Result, folder: Path) -> None:
    for task, answer in result.answers.items():
        if answer.explained is None or result.loaded is None:
            continue
        cohort, model = result.loaded.cohort, answer.explained.model
        card = model_card(
            model, cohort.table, answer.result, answer.subgroups, source=cohort.source, simulated=cohort.simulated,
            provenance=result.provenance,
        )  # fmt: skip
        write_model(model, card, folder / task, with_artefact=result.config.save_models)


def run_to_folder(data: str, *, config: str, seed: int, out: Path, lang: str, command: str = "") -> Summary:
    """Run the study and write its report, tables, figures and results.json into ``out``, wholly or not at all."""
    from osteon.studies.fracture_risk_page import document
    from osteon.studies.fracture_risk_results import results, summary_lines

    settings = configured(config)
    checked_folder(out)
    # Finished folds are kept beside the report, so that an interrupted long run goes on where it stopped.
    checkpoint = out.parent / f".{out.name}.folds" if config not in {"default", "quick"} else None
    result = run(data, config=settings, seed=seed, command=command, checkpoint=checkpoint)
    with staged_folder(out) as stage:
        save(document(result), stage, lang=lang)
        write_json(stage / "results.json", results(result))
        _write_models(result, stage / "models")
        if result.loaded is not None and not result.simulated:
            write_log(result.loaded.cohort.log, stage / "cleaning-log.csv")
    if checkpoint is not None:
        shutil.rmtree(checkpoint, ignore_errors=True)
    return Summary(lines=summary_lines(result, lang), partial=bool(result.skipped))
