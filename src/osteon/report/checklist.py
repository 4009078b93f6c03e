"""Reporting checklists: the items of a guideline, filled as far as software can, each pointing into the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from osteon.core.config import read_toml
from osteon.core.errors import ConfigError
from osteon.report.document import Checklist, ChecklistItem
from osteon.report.value import Text, Words

__all__ = ["CHECKLISTS", "Filled", "checklist", "checklist_items"]

FOLDER = Path(__file__).parent / "checklists"
CHECKLISTS = ("stard_ai", "tripod_ai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """
    What a study can say to one item.

    ``status`` "auto": written from the run; "draft": to be checked by the authors. ``pointer``: the anchor in the
    report; an item without one and without a text stays "missing".
    """

    status: Literal["auto", "draft"]
    pointer: str = ""
    text: Text = ""


def checklist_items(name: str) -> tuple[tuple[str, str], ...]:
    """
    The items of a checklist with their sections, in order.

    Examples
    --------
    >>> items = checklist_items("tripod_ai")
    >>> len(items), items[0]
    (52, ('1', 'title'))
    """
    if name not in CHECKLISTS:
        raise ConfigError(f"No checklist {name!r}.", hint=f"Known: {', '.join(CHECKLISTS)}.")
    sections = read_toml(FOLDER / f"{name}.toml")["section"]
    return tuple((item, section["id"]) for section in sections for item in section["items"])


def checklist(name: str, *, filled: Mapping[str, Filled], id: str = "") -> Checklist:
    """
    The checklist as a block of a report.

    Raises
    ------
    ConfigError
        ``filled`` names an item that the checklist lacks, or claims one with neither pointer nor text.
    """
    items = checklist_items(name)
    known = [item for item, _ in items]
    for item, answer in filled.items():
        if item not in known:
            close = get_close_matches(item, known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Items run from {known[0]} to {known[-1]}."
            raise ConfigError(f"{name} has no item {item!r}.", hint=hint)
        if not answer.pointer and not answer.text:
            raise ConfigError(
                f"{name} {item}: filled without pointer or text.", hint="Leave it out: it is missing."
            )
    return Checklist(
        id=id or f"checklist-{name.replace('_', '-')}",
        title=Words(f"{name}.title"),
        items=tuple(_item(name, item, section, filled.get(item)) for item, section in items),
    )


def _item(name: str, item: str, section: str, answer: Filled | None) -> ChecklistItem:
    return ChecklistItem(
        item=item,
        section=Words(f"{name}.section.{section}"),
        ask=Words(f"{name}.item.{item}"),
        status=answer.status if answer else "missing",
        pointer=answer.pointer if answer else "",
        text=answer.text if answer else "",
    )
