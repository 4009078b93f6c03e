"""The numbered statements of a spine CT report's impression."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.reading.spine_compare import LevelChange
from osteon.report.spine_ct_canal import canal, size_text, walls_unseen
from osteon.report.spine_ct_changes import known, new_first, remark
from osteon.report.spine_ct_density import density_short
from osteon.report.spine_ct_groups import called, graded, injured, suspicious
from osteon.report.spine_ct_phrases import (
    bulges,
    coded,
    denis_name,
    flags_text,
    if_intact,
    joined,
    levels_text,
    narrows,
    phrase,
    possible_burst,
    share,
)
from osteon.report.spine_ct_sentences import (
    age,
    broken_endplates,
    grading,
    missing,
    near_the_point,
    no_fracture,
    operated,
)
from osteon.report.value import Number, Text

__all__ = ["impression"]


def impression(reading: SpineReading, changes: tuple[LevelChange, ...] | None) -> Iterator[Text]:
    """The numbered statements of the impression; new fractures before known ones."""
    for vertebra in suspicious(reading):
        yield phrase("impression.suspicious", level=vertebra.level, flags=flags_text(vertebra))
    fractures = sorted(called(reading), key=lambda v: new_first(changes or (), v.level))
    for vertebra in fractures:
        size = size_text(reading, vertebra) if possible_burst(vertebra) else ""
        yield _fracture(vertebra, reading, remark(changes or (), vertebra.level), size)
    yield from (_injury(v) for v in injured(reading) if v.evaluable)
    yield from broken_endplates(reading, ("injury_unmeasured",))
    if fractures:
        old = () if changes else age(reading, changes)  # of each fracture in its own item
        mri = (phrase("age.mri"),) if changes is None else ()
        burst = any(possible_burst(v) for v in fractures)  # said in the items of those fractures
        walls = tuple(walls_unseen(reading)) if burst else (canal(reading),)
        if said := (*old, *mri, *walls):
            yield joined(said)
    elif none := no_fracture(reading):
        yield none
    if "reference_unreliable" in reading.notes:
        yield joined(coded("spine_note", ("reference_unreliable",)))
    yield from known(reading, changes or ())
    yield from near_the_point(reading)
    yield from _to_look_at(reading)
    if foreign := tuple(operated(reading)):
        yield joined((*foreign, phrase("impression.no_density")))
    if lines := density_short(reading):
        yield joined(lines)
    yield from missing(reading) if graded(reading) else ()


def _injury(vertebra: VertebraFinding) -> Text:
    """A broken endplate without a deformity, in one item."""
    loss = vertebra.height_loss.largest if vertebra.height_loss is not None else 0.0
    plates = (vertebra.superior, vertebra.inferior)
    signs = dict.fromkeys(sign for p in plates if p is not None and p.injured for sign in p.signs)
    said = {"level": vertebra.level, "signs": coded("spine_sign", signs), "loss": share(max(loss, 0.0))}
    return phrase("impression.injury", **said)


def _to_look_at(reading: SpineReading) -> Iterator[Text]:
    """What is no finding of the software, and nothing to pass over."""
    for note in ("endplate_sclerosis", "arch_uneven"):
        if levels := levels_text(reading, (v.level for v in reading.vertebrae if note in v.notes)):
            yield phrase("impression.look", levels=levels, notes=coded("spine_note", (note,)))


def _borderline(vertebra: VertebraFinding, reading: SpineReading) -> Text:
    """Of a loss short of the operating point why it counts; else nothing."""
    why = {"called_by_endplate": "endplate", "called_by_wall": "front"}
    named = [name for note, name in why.items() if note in vertebra.notes]
    if not named or vertebra.height_loss is None:
        return ""
    loss = Number(vertebra.height_loss.largest, percent=True, digits=1)
    point = Number(reading.operating_point, percent=True)
    return phrase("impression.borderline", loss=loss, point=point, why=phrase(f"impression.{named[0]}"))


def _fracture(vertebra: VertebraFinding, reading: SpineReading, change: Text, size: Text) -> Text:
    """One fracture in one item: shape, new or known, grade, Denis type, a possible burst with the ``size`` of the canal."""
    typed: Text = ""
    burst: Text = ""
    if possible_burst(vertebra):
        wall = vertebra.posterior_wall
        key = "impression.burst" if bulges(wall) else f"impression.burst_{narrows(wall)}"
        burst = phrase(key, denis=if_intact(vertebra))
        burst = phrase("impression.burst_canal", burst=burst, size=size) if size else burst
    elif vertebra.denis:
        typed = phrase("impression.denis", denis=denis_name(vertebra, long=True))
    said = {"level": vertebra.level, "change": change, "denis": typed, "burst": burst}
    said["borderline"] = _borderline(vertebra, reading)
    return phrase("impression.fracture", **said, **grading(vertebra))
