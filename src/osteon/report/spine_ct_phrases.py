"""What the sentences and tables of a spine CT report are made of: phrases, codes in words, dates, levels drawn together."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from osteon.domain.anatomy import may_follow
from osteon.domain.spine import Endplate, PosteriorWall, SpineReading, VertebraFinding
from osteon.report.value import Level, Number, Text, Words

__all__ = [
    "bulges",
    "coded",
    "date",
    "denis_name",
    "dotted",
    "flags_text",
    "if_intact",
    "joined",
    "levels_text",
    "lost",
    "lower_sides",
    "narrows",
    "partly_included",
    "phrase",
    "points",
    "possible_burst",
    "reasons_text",
    "share",
    "sure",
    "trusted",
    "unseen",
]


_FLAT_MM = 0.05  # a convexity that prints as 0.0 mm is no bulge


def phrase(key: str, **values: Any) -> Words:
    """A text of this report."""
    return Words(f"spine_ct.{key}", **values)


def coded(kind: str, codes: Iterable[str]) -> tuple[Text, ...]:
    """
    Codes of one kind ("spine_flag", "spine_note") in words; an unknown one is printed as it stands.

    What follows a colon is a count or a name: "ignored_labels:3".
    """
    return tuple(_in_words(kind, code) for code in codes)


def _in_words(kind: str, code: str) -> Text:
    if code.startswith("transitional_"):
        return phrase("transitional", level=code.removeprefix("transitional_").upper())
    name, _, value = code.partition(":")
    said = Level(kind, name)
    return phrase("with_value", text=said, value=value) if value else said


def flags_text(vertebra: VertebraFinding) -> tuple[Text, ...]:
    """What makes a vertebra suspicious, each with its side where it has one."""
    sides = {place.flag: place.side for place in vertebra.flag_places if place.side is not None}
    return tuple(
        phrase(f"flag_at.{sides[flag]}", flag=_in_words("spine_flag", flag)) if flag in sides else said
        for flag, said in zip(vertebra.red_flags, coded("spine_flag", vertebra.red_flags), strict=True)
    )


def reasons_text(codes: Iterable[str]) -> Text:
    """Reasons side by side."""
    said = coded("spine_reason", codes)
    return reduce(lambda first, second: phrase("listed", first=first, second=second), said) if said else ""


def date(text: str) -> str:
    """A DICOM date with its hyphens; anything else as it stands."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text


def levels_text(reading: SpineReading, levels: Iterable[str]) -> tuple[str, ...]:
    """
    Levels with neighbours drawn together: T9-T11, L2.

    The order is that of the reading, head first. Nothing is drawn together across a level that the reading does not hold.
    """
    wanted = set(levels)
    runs: list[list[str]] = []
    last = ""
    for vertebra in reading.vertebrae:
        level = vertebra.level
        if level in wanted and last in wanted and _next_to(reading, last, level):
            runs[-1].append(level)
        elif level in wanted:
            runs.append([level])
        last = level
    return tuple(
        text
        for run in runs
        for text in ([f"{run[0]}–{run[-1]}"] if len(run) > 2 else run)
    )  # fmt: skip


def _next_to(reading: SpineReading, upper: str, lower: str) -> bool:
    """Whether no level lies between two: after T11 comes L1 where the spine has no T12."""
    return may_follow(upper, lower) and ((upper, lower) != ("T11", "L1") or "absent_t12" in reading.notes)


def joined(parts: Iterable[Text]) -> Text:
    """Sentences one after the other."""
    return reduce(lambda first, second: phrase("then", first=first, second=second), parts)


def dotted(parts: Iterable[Text]) -> Text:
    """Facts side by side; empty ones are left out."""
    kept = [part for part in parts if part]
    return reduce(lambda first, second: phrase("beside", first=first, second=second), kept) if kept else ""


def share(value: float) -> Number:
    """A share in whole per cent, never below none."""
    return Number(max(value, 0.0), percent=True)


def sure(probability: float, *, percent: bool = False) -> Text | Number:
    """A confidence; none is printed as certainty."""
    if round(probability, 2) < 1.0:
        return Number(probability, percent=percent, digits=0 if percent else 2)
    return "> 99%" if percent else ">\u00a00.99"


def points(value: float) -> Number:
    """A difference of two shares in whole percentage points."""
    return Number(100 * value)


def lost(value: float) -> Number:
    """A loss with its minus sign; what is higher than expected has a plus."""
    return Number(-value, percent=True, signed=True)


def lower_sides(reading: SpineReading) -> tuple[str, ...]:
    """The levels whose heights are printed as those of their lower side, in words."""
    shown = (v.level for v in reading.vertebrae if v.one_sided and v.graded_heights_mm is not None)
    return levels_text(reading, shown)


def partly_included(reading: SpineReading) -> tuple[VertebraFinding, ...]:
    """The first and the last level where the field merely cuts them off: the edge of the scan, no finding of the spine."""
    ends = reading.vertebrae[:1] + reading.vertebrae[1:][-1:]
    inner = {"too_small", "too_few_slices", "uncertain_outline", "not_measurable"}
    return tuple(
        v for v in ends if "cropped" in v.not_evaluable and set(v.not_evaluable) <= {"cropped"} | inner
    )


def trusted(vertebra: VertebraFinding) -> bool:
    """
    Whether the whole body was outlined, so that what was measured at it may enter a sentence.

    Thick slices or cement forbid a grade, not the canal beside the body; a body that is cut off, unclear or lies across
    the slices says nothing.
    """
    return vertebra.heights_mm is not None and not {"too_few_slices", "tilted"} & set(vertebra.not_evaluable)


def bulges(wall: PosteriorWall | None) -> bool:
    """Whether an involved wall itself stands into the canal; one that is flat is involved by its narrow canal alone."""
    if wall is None or wall.convexity_mm is None:
        return False
    return wall.involved and wall.convexity_mm >= _FLAT_MM


def narrows(wall: PosteriorWall | None) -> str:
    """Key ending for a wall that is involved by a narrow canal: whether the wall itself was seen not to bulge."""
    return "narrowed_unseen" if wall is not None and wall.convexity_mm is None else "narrowed"


def possible_burst(vertebra: VertebraFinding) -> bool:
    """Whether the posterior wall of a fractured body stands into the canal, or narrows it."""
    wall = vertebra.posterior_wall
    return bool(vertebra.fractured) and wall is not None and wall.involved


def unseen(plate: Endplate) -> bool:
    """Whether the signs of a break could not be looked for: cortex and density need an image."""
    return plate.discontinuity is None and plate.band_hu is None and "depression" not in plate.signs


def if_intact(vertebra: VertebraFinding) -> Text:
    """In brackets, the compression type that holds only if the wall of a possible burst proves intact; empty if undecided."""
    denis = vertebra.denis
    if denis is None or denis.type is None:
        return ""
    if denis.scheme == "burst":
        return phrase("denis.suspected", type=phrase("denis.burst_long", type=denis.type))
    return phrase("denis.if_intact", type=phrase("denis.compression_long", type=denis.type))


def denis_name(vertebra: VertebraFinding, *, long: bool = False) -> Text:
    """The Denis type with its scheme; undecided where the rule abstains; in short with a possible burst beside it."""
    denis = vertebra.denis
    if denis is None:
        return ""
    if denis.type is None:
        name = phrase("denis.undecided")
    else:
        name = phrase(f"denis.{denis.scheme}_{'long' if long else 'short'}", type=denis.type)
    if long or denis.scheme == "burst" or not possible_burst(vertebra):
        return name
    return phrase("denis.with_burst", type=name)
