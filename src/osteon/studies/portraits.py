"""
S0: what kinds of patients with vertebral compression fracture are there, and how is each kind managed?

Design: a hospital table cleaned with its log, features engineered and chosen with reasons, groups by K-means with elbow,
silhouette and gap, each group described, named and given a plan; new patients are assigned; two periods are compared.

Kept from the paper: one-hot sex, min-max or z-score, correlation with recovery to choose features, K-means, elbow and
silhouette, four described groups, the management themes, match grade, recovery days, VAS, FIM and satisfaction.

Not kept, and why: treatment as a feature of the portraits that a plan uses (a plan would then advise what was done
before); naming groups without asking whether they come back or are there at all; reading a before/after difference as
the effect of portraits. The published recipe is run beside ours, and the paper's own figures are recomputed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from osteon.care.portrait_plan import PortraitRules, portrait_rules
from osteon.cohort.clean import write_log
from osteon.cohort.cohort import Cohort
from osteon.core.files import checked_folder, staged_folder, write_bytes, write_json, write_text
from osteon.core.provenance import Provenance, provenance
from osteon.models.cluster_stability import adjusted_rand
from osteon.report.save import save
from osteon.studies.before_after import BeforeAfter, before_after
from osteon.studies.portraits_config import Config, configured
from osteon.studies.portraits_data import Patients, admission_features, patients, prepared
from osteon.studies.portraits_groups import compared, portraits_of, published_recipe
from osteon.studies.portraits_result import Result
from osteon.studies.portraits_survival import FEATURES, portrait_survival
from osteon.studies.portraits_virtual import empty_tables, planted_groups, repeated, table1
from osteon.studies.published_s0 import published_groups, recheck
from osteon.synth.portraits import changing_clinic, separable_patients

__all__ = ["Config", "Result", "Summary", "configured", "run", "run_to_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the command line prints, and whether a part of the study could not be done."""

    lines: tuple[str, ...]
    partial: bool = False
    notes: tuple[str, ...] = field(default=())


def run(data: str, *, config: Config, seed: int, command: str = "") -> Result:
    """
    Run the study.

    Parameters
    ----------
    data : "virtual", "estonia", "published", or the path of a table or of a folder with one table
    config : Config
    seed : int
    command : str
        The command line, for the provenance.
    """
    rules = portrait_rules(Path(config.plan) if config.plan else None)
    stamped: Callable[..., Provenance] = lambda *inputs: provenance(seed=seed, inputs=inputs, command=command)  # noqa: E731
    if data == "published":
        return Result(
            kind="published",
            simulated=False,
            config=config,
            rules=rules,
            provenance=stamped(),
            recheck=recheck(),
        )
    if data == "virtual":
        return _virtual(config, rules, seed, stamped())
    source = patients(data, config)
    stamp = stamped(*source.inputs)
    if source.kind == "estonia":
        sets = (("without", FEATURES), ("with", (*FEATURES, "management")))
        survival = tuple(portrait_survival(source.table, name=name, features=names, config=config, rules=rules, seed=seed)
                         for name, names in sets)  # fmt: skip
        return Result(
            kind="estonia",
            simulated=False,
            config=config,
            rules=rules,
            provenance=stamp,
            patients=source,
            survival=survival,
        )
    return _studied(source, config, rules, seed, stamp)


def _virtual(config: Config, rules: PortraitRules, seed: int, stamp: Provenance) -> Result:
    made = separable_patients(seed=seed)
    source = prepared(Cohort(table=made.table, source="virtual", simulated=True), config, kind="virtual")
    truth = planted_groups(source.table, made)
    found = portraits_of(source.table, config=config, rules=rules, seed=seed, published=published_groups())
    recipe = published_recipe(source.table, config=config, seed=seed)
    clinic = changing_clinic(seed=seed)
    return Result(
        kind="virtual", simulated=True, config=config, rules=rules, provenance=stamp, recheck=recheck(), patients=source,
        found=found, ari=adjusted_rand(found.grouping.labels, truth), recipe=recipe,
        recipe_agreement=adjusted_rand(recipe.labels, found.grouping.labels),
        methods=compared(source.table, found, seed=seed, truth=truth), table1=table1(config, seed=seed),
        repeats=repeated(config, rules, seed=seed), nothing=empty_tables(config, seed=seed),
        clinic=(clinic, before_after(clinic.table, scale=config.satisfaction_scale, satisfied_from=config.satisfied_from,
                                     adjust_for=("age_years",))),
    )  # fmt: skip


def _studied(source: Patients, config: Config, rules: PortraitRules, seed: int, stamp: Provenance) -> Result:
    found = portraits_of(source.table, config=config, rules=rules, seed=seed, published=published_groups())
    recipe = published_recipe(source.table, config=config, seed=seed)
    return Result(
        kind=source.kind, simulated=source.cohort.simulated, config=config, rules=rules, provenance=stamp, recheck=recheck(),
        patients=source, found=found, recipe=recipe, methods=compared(source.table, found, seed=seed),
        recipe_agreement=adjusted_rand(recipe.labels, found.grouping.labels), periods=_periods(source, config),
    )  # fmt: skip


def _periods(source: Patients, config: Config) -> BeforeAfter | None:
    if "portrait_period" not in source.table or source.table["portrait_period"].nunique() < 2:
        return None
    return before_after(source.table, scale=config.satisfaction_scale, satisfied_from=config.satisfied_from,
                        adjust_for=admission_features(source.table, config))  # fmt: skip


def run_to_folder(data: str, *, config: str, seed: int, out: Path, lang: str, command: str = "") -> Summary:
    """Run the study and write its report, cards, tables, figures, model and results.json into ``out``, or nothing."""
    from osteon.report.pdf import pdf
    from osteon.report.speech import speak
    from osteon.studies.portraits_page import cards_document, report_document
    from osteon.studies.portraits_results import results, summary_lines
    from osteon.studies.portraits_scoring import write_portrait_models

    settings = configured(config)
    checked_folder(out)
    result = run(data, config=settings, seed=seed, command=command)
    with staged_folder(out) as stage:
        save(report_document(result, lang), stage, lang=lang)
        write_json(stage / "results.json", results(result))
        if result.found is not None or any(each.claimed for each in result.survival[:1]):
            write_bytes(stage / "cards.pdf", pdf(speak(cards_document(result, lang), lang)))
        if settings.save_model:
            write_portrait_models(result, stage / "models")
        if result.found is not None:
            write_text(stage / f"plan-rules-{result.rules.version}.toml", result.rules.text)
            if result.simulated and result.patients is not None:
                write_bytes(
                    stage / "patients.csv", result.patients.table.to_csv(index=False).encode("utf-8-sig")
                )
        if result.patients is not None and not result.simulated:
            write_log(result.patients.cohort.log, stage / "cleaning-log.csv")
    unclaimed = result.found is not None and result.found.grouping.verdict != "groups"
    unclaimed |= any(not each.claimed for each in result.survival[:1])
    return Summary(lines=summary_lines(result, lang), partial=unclaimed)
