"""The sentences of a spine CT report on the spinal canal behind the fractured bodies."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.reading.spine_canal import canal_size
from osteon.report.spine_ct_groups import called
from osteon.report.spine_ct_phrases import bulges, joined, levels_text, narrows, phrase, possible_burst
from osteon.report.value import Number, Text

__all__ = ["canal", "size_text", "walls_unseen"]


def canal(reading: SpineReading) -> Text:
    """Whether a fractured body reaches into the canal or narrows it, and at which of them nobody could see."""
    fractures = called(reading)
    seen = [v for v in fractures if v.posterior_wall is not None]
    if not seen:
        return phrase("canal.not_assessed")
    bulging = levels_text(reading, (v.level for v in seen if bulges(v.posterior_wall)))
    flat = [v for v in seen if possible_burst(v) and not bulges(v.posterior_wall)]
    parts: list[Text] = []
    if bulging:
        parts.append(phrase("canal.involved", levels=bulging))
    for key in ("narrowed", "narrowed_unseen"):
        if levels := levels_text(reading, (v.level for v in flat if narrows(v.posterior_wall) == key)):
            parts.append(phrase(f"canal.{key}", levels=levels))
    if not parts and len(seen) == len(fractures):
        parts.append(phrase("canal.free"))
    elif not parts:
        parts.append(phrase("canal.free_at", levels=levels_text(reading, (v.level for v in seen))))
    return joined((*parts, *walls_unseen(reading)))


def size_text(reading: SpineReading, vertebra: VertebraFinding) -> Text:
    """The sagittal diameter of the canal beside that of the nearest sound levels, and the area; empty if not measured."""
    size = canal_size(reading, vertebra.level)
    if size is None:
        return ""
    ap = Number(size.ap_mm, digits=1)
    if size.neighbours is None:
        return phrase("canal.size", ap=ap)
    (above, above_mm), (below, below_mm) = size.neighbours
    beside = {
        "above": above,
        "above_mm": Number(above_mm, digits=1),
        "below": below,
        "below_mm": Number(below_mm, digits=1),
    }
    change, area = (Number(value, percent=True, signed=True) for value in (size.ap_change, size.area_change))
    return phrase("canal.size_beside", ap=ap, change=change, area=area, **beside)


def walls_unseen(reading: SpineReading) -> Iterator[Text]:
    """The fractured levels whose posterior wall could not be followed: nothing said of the others holds for them."""
    unseen_at = levels_text(reading, (v.level for v in called(reading) if v.posterior_wall is None))
    if unseen_at:
        yield phrase("canal.not_assessed_at", levels=unseen_at)
