"""The words of the portraits study: names and paragraphs of groups, written from their numbers."""

from __future__ import annotations

from functools import reduce

from osteon.care.portrait_plan import PlanItem
from osteon.cohort.schema import schema
from osteon.report.value import Cell, Level, Number, Text, Variable, Words
from osteon.report.words import words
from osteon.studies.portraits_groups import Card, Marker

__all__ = ["card_paragraph", "card_title", "cleaning_text", "group_name", "item_text", "marker_text", "number_cell", "portrait_name", "portrait_word", "told", "told_people"]  # fmt: skip


def portrait_word(key: str, /, **values: object) -> Words:
    """A text of this study."""
    return Words(f"portraits.{key}", **values)


def told(parts: list[Words], how: str) -> Text:
    """Texts one after the other, joined as the language does ("name" with commas, "sentence" with blanks)."""
    if not parts:
        return ""
    return reduce(lambda a, b: portrait_word(f"join.{how}", a=a, b=b), parts)


def portrait_name(codes: tuple[str, ...]) -> Text:
    """The name of a group from its codes."""
    return told([portrait_word(f"name.{code}") for code in codes], "name") or portrait_word("name.unnamed")


def card_title(card: Card) -> Words:
    """Portrait A: the name; a group that may not be named is only a group."""
    key = "card.title" if card.named else "card.title_unnamed"
    return portrait_word(key, letter=card.letter, name=portrait_name(card.name))


def cleaning_text(code: str) -> Text:
    """What a step of the cleaning did; a site's own criterion as it stands."""
    key = f"done.{code}"
    return portrait_word(key) if f"portraits.{key}" in words("en").entries else code.replace("_", " ")


def group_name(card: Card) -> Words:
    """Portrait A; Group A where it may not be named."""
    return portrait_word("survival.group" if card.named else "group", letter=card.letter)


def number_cell(value: float | None, *, digits: int = 1, percent: bool = False) -> Cell:
    """A number, or nothing."""
    return None if value is None else Number(value, digits=digits, percent=percent)


def marker_text(marker: Marker) -> Words:
    """One line of what distinguishes a group, with both numbers."""
    digits = 0 if marker.share else 1
    here, there = (
        Number(value, digits=digits, percent=marker.share) for value in (marker.here, marker.there)
    )
    size = Number(marker.difference, digits=1, signed=True)
    if marker.level:
        return portrait_word("marker.level", column=Variable(marker.column), level=Level(marker.column, marker.level),
                             here=here, there=there, size=size)  # fmt: skip
    side = "higher" if marker.difference > 0 else "lower"
    field = schema().fields.get(marker.column)
    if field is not None and field.kind == "ordinal":
        return portrait_word(f"marker.ordinal_{side}", column=Variable(marker.column), size=size)
    return portrait_word(
        f"marker.{side}", column=Variable(marker.column, "unit"), here=here, there=there, size=size
    )


def card_paragraph(card: Card, total: int) -> Text:
    """The group in sentences; what the table lacks is left out."""
    f = card.facts
    parts = [
        portrait_word(
            "say.size", letter=card.letter, n=card.n, share=Number(card.n / total, digits=0, percent=True)
        )
    ]
    for key, fact, digits, percent in (
        ("age", "age_mean", 0, False), ("women", "female_share", 0, True), ("t", "t_mean", 1, False),
        ("segments", "segments_mean", 1, False), ("multiple", "multiple_share", 0, True), ("burst", "burst_share", 0, True),
        ("compression", "compression_mean", 0, False), ("pain", "vas_mean", 1, False),
        ("severe", "severe_activity_share", 0, True), ("surgical", "surgical_share", 0, True),
        ("healing", "healing_days_mean", 0, False),
    ):  # fmt: skip
        value = f.get(fact)
        if value is not None and not (
            fact in ("multiple_share", "burst_share", "severe_activity_share") and value < 0.1
        ):
            parts.append(portrait_word(f"say.{key}", value=Number(value, digits=digits, percent=percent)))
    return told(parts, "sentence")


def told_people(card: Card, total: int) -> Text:
    """A portrait of people with a hip fracture in sentences."""
    f = card.facts
    parts = [
        portrait_word(
            "say.size", letter=card.letter, n=card.n, share=Number(card.n / total, digits=0, percent=True)
        )
    ]
    for key, fact, digits, percent in (
        ("age", "age_mean", 0, False), ("women", "female_share", 0, True), ("charlson", "charlson_mean", 1, False),
        ("dementia", "dementia_share", 0, True),
    ):  # fmt: skip
        value = f.get(fact)
        if value is not None:
            parts.append(portrait_word(f"say.{key}", value=Number(value, digits=digits, percent=percent)))
    return told(parts, "sentence")


def item_text(item: PlanItem, lang: str) -> Text:
    """What to do, in a team's own words where it gave any."""
    own = item.text_zh if lang == "zh" else item.text_en
    return own or Words(f"portrait_plan.{item.id}")
