"""``osteon decide``: what a clinician decided on a plan, kept line by line; the sheet is printed again."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from osteon.domain.plan import Item, Plan

__all__ = ["Choice", "decide"]

_FIRST = ("hold", "alert", "candidate")


class Choice(StrEnum):
    """What may be decided."""

    accept = "accept"
    edit = "edit"
    reject = "reject"


_KINDS = {Choice.accept: "accepted", Choice.edit: "edited", Choice.reject: "rejected"}


def decide(
    folder: Annotated[Path, typer.Argument(help="Folder written by `osteon plan`.")],
    choice: Annotated[Choice | None, typer.Argument(help="accept, edit or reject; without it the points are listed.")] = None,
    point: Annotated[str, typer.Argument(help="A drug to consider, the number of a point in the list, tier, or rest (all that nobody decided apart).")] = "",
    by: Annotated[str, typer.Option(help="Who decided.")] = "",
    reason: Annotated[str, typer.Option(help="Why; an edit or a rejection needs it.")] = "",
    change: Annotated[list[str] | None, typer.Option(help="With edit: a value as it shall be, such as dose=4; may be repeated.")] = None,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of the decision; today where not given.")] = None,
    patient: Annotated[str, typer.Option(help="Id of the patient, where the folder holds several.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="List every point, not only alerts and drugs.")] = False,
) -> None:  # fmt: skip
    """Accept, edit or reject a point of a plan. Every decision is kept in decisions.jsonl; the sheet shows the latest."""
    from osteon.domain.plan import Decision
    from osteon.report.plan_record import changed_params, found_point, kept_plans
    from osteon.report.plan_save import save_decision

    kept = kept_plans(folder)
    plan, _, page = kept.of(patient)
    if choice is None:
        _list(plan, kept.lang, everything)
        return
    if not point:
        raise typer.BadParameter("say what is decided on: a drug, a number from the list, tier, or rest")
    if change and choice is not Choice.edit:
        raise typer.BadParameter("--change goes with edit")
    key = found_point(plan, point)
    today = datetime.now().astimezone().date()
    day = on.date() if on is not None else today
    if day > today:
        raise typer.BadParameter(f"--on {day} lies in the future")
    made = Decision(item=key, kind=_KINDS[choice], by=by, on=day, reason=reason,
                    params=changed_params(plan, key, change or ()))  # fmt: skip
    later = save_decision(kept, made, patient=plan.patient)
    typer.echo(
        f"{plan.patient}: {_KINDS[choice]} by {made.by} on {made.on}; version {later.version} of the plan."
    )
    typer.echo(f"kept in {folder / 'decisions.jsonl'}; printed again: {folder / page}.html")


def _list(plan: Plan, lang: str, everything: bool) -> None:
    """The points of a plan with their numbers and what was decided."""
    from osteon.report.plan_tables import point_text
    from osteon.report.words import words

    say = words(lang).say
    typer.echo(f"{plan.patient}, version {plan.version}, {plan.guideline}")
    typer.echo(f"{'tier':>5}  {plan.tier.level or plan.tier.status}{_state(plan, 'tier')}")
    shown = [
        (number, item)
        for number, item in enumerate(plan.items, start=1)
        if everything or item.section in _FIRST or plan.decision(item) is not None
    ]
    for number, item in shown:
        typer.echo(f"{number:>5}  {item.section}: {say(point_text(item))}{_state(plan, item)}")
    typer.echo(f"{'rest':>5}  everything else{_state(plan, 'rest')}")
    if len(shown) < len(plan.items):
        typer.echo(f"{len(plan.items) - len(shown)} more points with --all.")


def _state(plan: Plan, point: Item | str) -> str:
    made = plan.decision(point)
    if made is None:
        return ""
    changes = " ".join(f"{name}={value}" for name, value in made.params.items())
    return f"  [{' '.join(filter(None, (made.kind, changes, 'by', made.by, str(made.on))))}{f': {made.reason}' if made.reason else ''}]"
