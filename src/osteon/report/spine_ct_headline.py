"""The first line of a spine CT report: number, levels, worst grade, new or old, canal."""

from __future__ import annotations

from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.reading.spine_compare import LevelChange
from osteon.report.spine_ct_canal import canal
from osteon.report.spine_ct_changes import known
from osteon.report.spine_ct_groups import called, grade_of, graded, least_sure_name, levels_of, suspicious
from osteon.report.spine_ct_phrases import joined, levels_text, phrase
from osteon.report.spine_ct_sentences import age, broken_endplates, missing, no_fracture, operated
from osteon.report.value import Number, Text

__all__ = ["headline"]


def headline(reading: SpineReading, changes: tuple[LevelChange, ...] | None) -> Text:
    """Number, levels, worst grade, new or old, canal; what is suspicious first. ``changes`` None: no earlier scan."""
    parts: list[Text] = []
    fractures = called(reading)
    if suspicious(reading):
        parts.append(phrase("headline.suspicious", levels=levels_of(reading, "suspicious")))
    early = list(broken_endplates(reading, ("injury", "injury_unmeasured")))
    if fractures:
        parts += [_fracture_line(reading, fractures), *age(reading, changes), canal(reading), *early]
    else:
        none = no_fracture(reading)
        parts += [*early, *([none] if none else []), *known(reading, changes or ())]
    parts += [*operated(reading), *missing(reading)] if graded(reading) else []
    if not reading.anchored:
        parts.append(phrase("headline.unanchored"))
    if (least := least_sure_name(reading)) is not None:
        parts.append(phrase("headline.uncertain", least=Number(least, digits=2)))
    return joined(parts)


def _fracture_line(reading: SpineReading, fractures: list[VertebraFinding]) -> Text:
    worst = max(grade_of(v) for v in fractures)
    return phrase(
        "headline.one" if len(fractures) == 1 else "headline.some",
        n=len(fractures),
        levels=levels_text(reading, (v.level for v in fractures)),
        grade=worst,
        worst=tuple(v.level for v in fractures if grade_of(v) == worst),
    )
