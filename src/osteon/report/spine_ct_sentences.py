"""The sentences that the first line, the findings and the impression of a spine CT report share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.reading.spine_compare import LevelChange
from osteon.report.figure_spine import status_of
from osteon.report.spine_ct_changes import since
from osteon.report.spine_ct_groups import grade_of, graded, injured, levels_of, near
from osteon.report.spine_ct_phrases import levels_text, partly_included, phrase, reasons_text, share
from osteon.report.value import Number, Text

__all__ = [
    "age",
    "broken_endplates",
    "grading",
    "loss_beside_the_point",
    "missing",
    "near_the_point",
    "no_fracture",
    "operated",
]


def broken_endplates(reading: SpineReading, kinds: tuple[str, ...]) -> Iterator[Text]:
    """Levels with a broken endplate: without a deformity, and where nobody can say whether height was lost."""
    for kind in kinds:
        found = (v.level for v in injured(reading) if v.evaluable is (kind == "injury"))
        if levels := levels_text(reading, found):
            yield phrase(f"headline.{kind}", levels=levels)


def operated(reading: SpineReading) -> Iterator[Text]:
    """Levels with something foreign in them, which are not graded: each by what it holds."""
    for content in ("cement", "screw", "metal"):
        held = (v.level for v in reading.vertebrae if content in v.contents and not v.red_flags)
        if levels := levels_text(reading, held):
            yield phrase(f"headline.{content}", levels=levels)


def missing(reading: SpineReading) -> Iterator[Text]:
    """Levels that should have been graded and could not; one that only the edge of the field cuts is no such level."""
    edge = {v.level for v in partly_included(reading)}
    found = (
        v.level
        for v in reading.vertebrae
        if status_of(v) == "not_evaluable" and not v.contents and v.level not in edge
    )
    if levels := levels_text(reading, found):
        yield phrase("headline.missing", levels=levels)


def no_fracture(reading: SpineReading) -> Text:
    """No fracture at the levels graded; why, where none was."""
    if sound := levels_of(reading, "0"):
        return phrase("headline.none", levels=sound)
    if graded(reading):
        return ""
    reasons = tuple(dict.fromkeys(reason for v in reading.vertebrae for reason in v.not_evaluable))
    if not reasons:
        return phrase("headline.nothing")
    unread = levels_of(reading, "not_evaluable")
    return phrase("headline.nothing_why", levels=unread, reasons=reasons_text(reasons))


def age(reading: SpineReading, changes: tuple[LevelChange, ...] | None) -> tuple[Text, ...]:
    """New or old against the earlier scan; that nobody can say without one. ``changes`` None: no earlier scan."""
    if changes is None:
        return (phrase("age.unknown"),)
    if not changes:
        return (phrase("age.not_comparable"),)
    return tuple(since(reading, changes))


def near_the_point(reading: SpineReading) -> Iterator[Text]:
    """Levels not called whose loss comes close to the operating point."""
    shown = [v for v in reading.vertebrae if near(v)]
    yield from (loss_beside_the_point(reading, v, "finding.borderline") for v in shown)


def loss_beside_the_point(reading: SpineReading, vertebra: VertebraFinding, key: str) -> Text:
    """The loss of one level beside the operating point."""
    loss = vertebra.height_loss.largest if vertebra.height_loss is not None else 0.0
    point = Number(reading.operating_point, percent=True)
    return phrase(key, level=vertebra.level, loss=share(loss), point=point)


def grading(vertebra: VertebraFinding) -> dict[str, Any]:
    """Shape, grade and its name, for a sentence."""
    grade = grade_of(vertebra)
    shape = phrase(f"shape.{vertebra.genant.type}" if vertebra.genant is not None else "shape.none")
    return {"shape": shape, "grade": grade, "severity": phrase(f"severity.{grade}")}
