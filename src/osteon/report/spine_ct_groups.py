"""Which vertebrae a spine CT report speaks of, and as what: suspicious, fractured, injured, near the operating point."""

from __future__ import annotations

from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.reading.spine_rules import rules
from osteon.report.figure_spine import status_of
from osteon.report.spine_ct_phrases import levels_text

__all__ = [
    "as_expected",
    "called",
    "grade_of",
    "graded",
    "injured",
    "least_sure_name",
    "levels_of",
    "lost_some",
    "near",
    "suspicious",
    "told",
    "without_neighbours",
]

NAME_SURE = 0.8
"""Below this a name of a level is said to be uncertain wherever it matters."""
_SAID_ELSEWHERE = ("suspicious", "possible_burst", "imported", "cropped", "uncertain_outline")
#: Notes that are also contents or reasons, and said as such where the reading found them itself.
_ALSO_FOUND = ("metal",)


def told(vertebra: VertebraFinding) -> tuple[str, ...]:
    """The notes of a vertebra that its findings do not say anyway."""
    left_out = {*vertebra.contents, *vertebra.not_evaluable} & set(_ALSO_FOUND)
    if status_of(vertebra) == "injury":
        left_out.add("endplate_injury")
    if {"called_by_endplate", "called_by_wall"} & set(vertebra.notes):
        left_out.add("near_threshold")  # they say so, and what followed
    if not vertebra.evaluable:
        left_out.add("blurred_outline")  # it is about heights, and none are told
    return tuple(note for note in vertebra.notes if note not in _SAID_ELSEWHERE and note not in left_out)


def suspicious(reading: SpineReading) -> list[VertebraFinding]:
    """Those with a red flag, whatever their shape."""
    return [v for v in reading.vertebrae if v.red_flags]


def called(reading: SpineReading) -> list[VertebraFinding]:
    """The fractures that carry a grade: what is suspicious goes before them, under its own name."""
    return [v for v in reading.fractured if not v.red_flags and v.genant is not None]


def injured(reading: SpineReading) -> list[VertebraFinding]:
    """A broken endplate and no deformity that counts, or none that could be told."""
    return [v for v in reading.vertebrae if v.endplate_injury and not v.red_flags]


def grade_of(vertebra: VertebraFinding) -> int:
    """The Genant grade, 0 where none was given."""
    return vertebra.genant.grade if vertebra.genant is not None else 0


def levels_of(reading: SpineReading, *statuses: str) -> tuple[str, ...]:
    """The levels of these statuses, in words."""
    return levels_text(reading, (v.level for v in reading.vertebrae if status_of(v) in statuses))


def graded(reading: SpineReading) -> tuple[str, ...]:
    """The levels that could be judged and carry no red flag, in words."""
    return levels_of(reading, "0", "1", "2", "3", "injury")


def near(vertebra: VertebraFinding) -> bool:
    """Not called, with a loss that its error does not tell from the operating point."""
    return (
        status_of(vertebra) == "0" and "near_threshold" in vertebra.notes and vertebra.height_loss is not None
    )


def lost_some(vertebra: VertebraFinding) -> bool:
    """Not called, with a loss from which a vertebra no longer speaks for what its neighbours should be."""
    loss = vertebra.height_loss
    short = loss is not None and loss.largest >= rules("reference")["exclude_loss"]
    return status_of(vertebra) == "0" and short


def as_expected(vertebra: VertebraFinding) -> bool:
    """Not called, by its neighbours, and not one of those whose loss has a sentence of its own."""
    sound = status_of(vertebra) == "0" and not near(vertebra) and not lost_some(vertebra)
    return sound and not without_neighbours(vertebra)


def without_neighbours(vertebra: VertebraFinding) -> bool:
    """Not called, and no unfractured neighbour to say what its heights should be."""
    loss = vertebra.height_loss
    alone = loss is not None and loss.reference != "neighbours"
    return status_of(vertebra) == "0" and alone and not near(vertebra) and not lost_some(vertebra)


def least_sure_name(reading: SpineReading) -> float | None:
    """The lowest confidence among the names of the levels, where that is too low to go unsaid; None where it is not."""
    stated = [v.level_confidence for v in reading.vertebrae] if reading.anchored else []
    return min(stated) if stated and min(stated) < NAME_SURE else None
