"""The rules behind a plan: a number for each source, a mark for each rule nobody has checked, and the list of both."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from osteon.domain.plan import Item, Plan
from osteon.report.document import Column, TableBlock
from osteon.report.plan_words import item_text, joined, known, named, phrase
from osteon.report.value import Text

__all__ = ["Sources", "marked", "source_text", "sources_of", "sources_table"]

_NO_RULES = ("missing",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Every rule of a plan with its source; ``numbers`` counts the sources in the order they are first met."""

    items: tuple[Item, ...]
    numbers: dict[str, int]

    @property
    def rules(self) -> dict[str, Item]:
        """One item for each rule."""
        return {item.rule_id: item for item in self.items}

    @property
    def unverified(self) -> int:
        """How many rules nobody has checked against their source."""
        return sum(not item.verified for item in self.rules.values())

    def mark(self, item: Item) -> Text:
        """The number of an item's source, with a dagger where its rule is not checked."""
        return phrase("mark" if item.verified else "mark_unverified", n=self.numbers[item.source])

    def mark_of_dose(self, item: Item) -> Text:
        """The number of the source of a drug's dose."""
        number = self.numbers[str(item.params["dose_source"])]
        return phrase("mark" if item.verified else "mark_unverified", n=number)


def sources_of(plan: Plan) -> Sources:
    """The sources behind a plan, in the order of its page."""
    told = [item for item in plan.items if item.section not in _NO_RULES]
    items = (*plan.tier.fired, *plan.tier.undecided, *told)
    numbers: dict[str, int] = {}
    for item in items:
        for source in (item.source, item.params.get("dose_source")):
            if source:
                numbers.setdefault(str(source), len(numbers) + 1)
    return Sources(items=items, numbers=numbers)


def marked(items: Iterable[Item], sources: Sources) -> Text:
    """What some items say, those of one source together before its number."""
    groups: list[tuple[Text, list[Item]]] = []
    for item in items:
        mark = sources.mark(item)
        if groups and groups[-1][0] == mark:
            groups[-1][1].append(item)
        else:
            groups.append((mark, [item]))
    return joined(
        phrase("with_rule", text=joined(map(item_text, found)), mark=mark) for mark, found in groups
    )


def source_text(source: str) -> Text:
    """Where a rule comes from; a publication stands as it is in every language."""
    key = "source." + re.sub(r"[^a-z0-9]+", "_", source.casefold()).strip("_")
    return phrase(key) if known(key) else source


def sources_table(sources: Sources) -> TableBlock:
    """Each source with its rules, how they were read and whether a person checked them."""
    rows = []
    for source, number in sources.numbers.items():
        items = [item for item in sources.rules.values() if item.source == source]
        told = (
            phrase("with_drugs_plain", text=source_text(source), drugs=joined(_groups(items), "drugs_listed"))
            if items
            else source_text(source)
        )
        rows.append((str(number), told, _state(items)))
    columns = (
        Column("", align="left"),
        Column(phrase("column.source"), align="left"),
        Column(phrase("column.state"), align="left"),
    )
    return TableBlock(
        id="table-sources", title=phrase("section.sources"), columns=columns, rows=tuple(rows), footnotes=(phrase("table.rule_ids"),),
    )  # fmt: skip


def _state(items: list[Item]) -> Text:
    """Checked or not, and how the rules were read."""
    checked = phrase(
        "table.verified_rule" if items and all(item.verified for item in items) else "table.unverified_rule"
    )
    read = joined(
        (named("confidence", one) for one in sorted({item.confidence for item in items if item.confidence})),
        "slashed",
    )
    return phrase("drugs_listed", first=checked, second=read) if read else checked


def _groups(items: Iterable[Item]) -> Iterator[Text]:
    """The first parts of rule ids, which name a guideline, a drug or a topic, with the number of their rules."""
    counts = Counter(item.rule_id.partition(".")[0] for item in items)
    for first, n in counts.items():
        name = next(
            (
                phrase(f"{kind}.{first}")
                for kind in ("guideline", "drug", "rule_group")
                if known(f"{kind}.{first}")
            ),
            first,
        )
        yield phrase("times", text=name, n=n) if n > 1 else name
