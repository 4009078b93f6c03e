"""``osteon plan``: patients in, advice under a guideline out, a sheet for each."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osteon.cli.screen import Language, bars

if TYPE_CHECKING:
    from osteon.care.guideline import Guideline
    from osteon.domain.plan import Plan

__all__ = ["Jurisdiction", "plan"]


class Jurisdiction(StrEnum):
    """Whose drug labels decide where they differ."""

    us = "us"
    eu = "eu"
    uk = "uk"
    cn = "cn"


def plan(
    patients: Annotated[Path | None, typer.Argument(metavar="PATIENT.toml|PATIENTS.csv", help="One patient as TOML, or a table with one row each (CSV, TSV, XLSX).")] = None,
    guideline: Annotated[str, typer.Option(help="aace_2020, bhof_2022, nogg_2024, iof_esceo_2019, endocrine_society_2020, china_2022, or a TOML file of your own.")] = "aace_2020",
    jurisdiction: Annotated[Jurisdiction | None, typer.Option(help="Whose drug labels decide; by default the guideline's.")] = None,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of the plan where the file names none.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the sheets, results.json and tables.")] = Path("osteon-plan"),
    lang: Annotated[Language, typer.Option(help="Language of the sheets.")] = Language.en,
    rules: Annotated[bool, typer.Option("--rules", help="Print every rule of the guideline with source and state of verification; no patient needed.")] = False,
) -> None:  # fmt: skip
    """Tier, reasons, drugs, alerts and follow-up for patients: advice to a clinician, never an order."""
    from osteon.care.patient_file import PatientTable, read_patient, read_patients
    from osteon.care.plan import plan as planned
    from osteon.core.files import checked_folder
    from osteon.report.plan_save import save_plans

    used = _guideline(guideline)
    if rules:
        _print_rules(used, lang.value)
        return
    if patients is None:
        raise typer.BadParameter("name a patient file: PATIENT.toml or PATIENTS.csv")
    checked_folder(out)
    day = as_of.date() if as_of is not None else None
    if patients.suffix.casefold() == ".toml":
        read = PatientTable(patients=(read_patient(patients, as_of=day),), refused=())
    else:
        read = read_patients(patients, as_of=day)
    for row in read.refused:
        sys.stderr.write(f"osteon: {' '.join(row.reason.split())}\n")
    where = jurisdiction.value if jurisdiction is not None else None
    plans = [(planned(one, used, jurisdiction=where), one) for one in read.patients]
    with bars():
        saved = save_plans(
            out, plans, refused=[(row.row, row.patient, row.reason) for row in read.refused], lang=lang.value, inputs=(patients,),
            command=shlex.join(["osteon", *sys.argv[1:]]),
        )  # fmt: skip
    for one, _ in plans:
        typer.echo(_line(one, lang.value))
    typer.echo(f"report: {saved.report}")
    typer.echo("Advice to a clinician, not an order. Research and evaluation software, not a medical device.")
    if not saved.complete:
        raise typer.Exit(3)


def _guideline(name: str) -> Guideline:
    """A guideline that comes with osteon, or the file of a site."""
    from osteon.care.guideline import guideline, read_guideline

    return read_guideline(Path(name)) if name.endswith(".toml") else guideline(name)


def _line(one: Plan, lang: str) -> str:
    """A patient in one line: tier, drugs, alerts; or what is missing."""
    from osteon.report.plan_batch import line_text
    from osteon.report.words import words

    return words(lang).say(line_text(one))


def _print_rules(used: Guideline, lang: str) -> None:
    """The rules of the guideline, then those that go with every guideline."""
    from osteon.care.guideline import guidelines
    from osteon.care.plan import all_rules
    from osteon.report.plan_rule_list import rule_lines

    common = [rule for rule in all_rules() if rule.id.partition(".")[0] not in guidelines()]
    told = (*used.rules, *common)
    for line in rule_lines(told, lang):
        typer.echo(line)
    typer.echo(f"{len(told)} rules, {sum(not rule.verified for rule in told)} of them unverified.")
