"""The sentences of a spine CT report: its first line, the findings by level, the impression."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteon.domain.spine import Endplate, PosteriorWall, SpineReading, VertebraFinding
from osteon.reading.spine_canal import canal_size
from osteon.reading.spine_compare import LevelChange
from osteon.reading.spine_rules import rules
from osteon.report.figure_spine import status_of
from osteon.report.spine_ct_changes import known, new_first, remark, since
from osteon.report.spine_ct_density import density, density_short
from osteon.report.spine_ct_phrases import (
    bulges,
    coded,
    denis_name,
    flags_text,
    if_intact,
    joined,
    levels_text,
    lost,
    narrows,
    partly_included,
    phrase,
    possible_burst,
    reasons_text,
    share,
    sure,
    trusted,
    unseen,
)
from osteon.report.value import Number, Text

__all__ = ["canal", "finding", "findings", "headline", "impression"]

_SAID_ELSEWHERE = ("suspicious", "possible_burst", "imported", "cropped", "uncertain_outline")
#: Notes that are also contents or reasons, and said as such where the reading found them itself.
_ALSO_FOUND = ("metal",)


def _told(vertebra: VertebraFinding) -> tuple[str, ...]:
    """The notes of a vertebra that its findings do not say anyway."""
    left_out = {*vertebra.contents, *vertebra.not_evaluable} & set(_ALSO_FOUND)
    if status_of(vertebra) == "injury":
        left_out.add("endplate_injury")
    if not vertebra.evaluable:
        left_out.add("blurred_outline")  # it is about heights, and none are told
    return tuple(note for note in vertebra.notes if note not in _SAID_ELSEWHERE and note not in left_out)


def _suspicious(reading: SpineReading) -> list[VertebraFinding]:
    return [v for v in reading.vertebrae if v.red_flags]


def _called(reading: SpineReading) -> list[VertebraFinding]:
    """The fractures that carry a grade: what is suspicious goes before them, under its own name."""
    return [v for v in reading.fractured if not v.red_flags and v.genant is not None]


def _injured(reading: SpineReading) -> list[VertebraFinding]:
    """A broken endplate and no deformity that counts, or none that could be told."""
    return [v for v in reading.vertebrae if v.endplate_injury and not v.red_flags]


def _grade(vertebra: VertebraFinding) -> int:
    return vertebra.genant.grade if vertebra.genant is not None else 0


def _levels_of(reading: SpineReading, *statuses: str) -> tuple[str, ...]:
    """The levels of these statuses, in words."""
    return levels_text(reading, (v.level for v in reading.vertebrae if status_of(v) in statuses))


def headline(reading: SpineReading, changes: tuple[LevelChange, ...] | None) -> Text:
    """Number, levels, worst grade, new or old, canal; what is suspicious first. ``changes`` None: no earlier scan."""
    parts: list[Text] = []
    fractures = _called(reading)
    if _suspicious(reading):
        parts.append(phrase("headline.suspicious", levels=_levels_of(reading, "suspicious")))
    early = list(_broken_endplates(reading, ("injury", "injury_unmeasured")))
    if fractures:
        parts += [_fracture_line(reading, fractures), *_age(reading, changes), canal(reading), *early]
    else:
        none = _no_fracture(reading)
        parts += [*early, *([none] if none else []), *known(reading, changes or ())]
    parts += [*_operated(reading), *_missing(reading)] if _graded(reading) else []
    if not reading.anchored:
        parts.append(phrase("headline.unanchored"))
    return joined(parts)


def _broken_endplates(reading: SpineReading, kinds: tuple[str, ...]) -> Iterator[Text]:
    """Levels with a broken endplate: without a deformity, and where nobody can say whether height was lost."""
    for kind in kinds:
        found = (v.level for v in _injured(reading) if v.evaluable is (kind == "injury"))
        if levels := levels_text(reading, found):
            yield phrase(f"headline.{kind}", levels=levels)


def _operated(reading: SpineReading) -> Iterator[Text]:
    """Levels with something foreign in them, which are not graded: each by what it holds."""
    for content in ("cement", "screw", "metal"):
        held = (v.level for v in reading.vertebrae if content in v.contents and not v.red_flags)
        if levels := levels_text(reading, held):
            yield phrase(f"headline.{content}", levels=levels)


def _missing(reading: SpineReading) -> Iterator[Text]:
    """Levels that should have been graded and could not; one that only the edge of the field cuts is no such level."""
    edge = {v.level for v in partly_included(reading)}
    missing = (
        v.level
        for v in reading.vertebrae
        if status_of(v) == "not_evaluable" and not v.contents and v.level not in edge
    )
    if levels := levels_text(reading, missing):
        yield phrase("headline.missing", levels=levels)


def _graded(reading: SpineReading) -> tuple[str, ...]:
    return _levels_of(reading, "0", "1", "2", "3", "injury")


def _no_fracture(reading: SpineReading) -> Text:
    """No fracture at the levels graded; why, where none was."""
    if sound := _levels_of(reading, "0"):
        return phrase("headline.none", levels=sound)
    if _graded(reading):
        return ""
    reasons = tuple(dict.fromkeys(reason for v in reading.vertebrae for reason in v.not_evaluable))
    if not reasons:
        return phrase("headline.nothing")
    missing = _levels_of(reading, "not_evaluable")
    return phrase("headline.nothing_why", levels=missing, reasons=reasons_text(reasons))


def _fracture_line(reading: SpineReading, fractures: list[VertebraFinding]) -> Text:
    worst = max(_grade(v) for v in fractures)
    return phrase(
        "headline.one" if len(fractures) == 1 else "headline.some",
        n=len(fractures),
        levels=levels_text(reading, (v.level for v in fractures)),
        grade=worst,
        worst=tuple(v.level for v in fractures if _grade(v) == worst),
    )


def _age(reading: SpineReading, changes: tuple[LevelChange, ...] | None) -> tuple[Text, ...]:
    if changes is None:
        return (phrase("age.unknown"),)
    if not changes:
        return (phrase("age.not_comparable"),)
    return tuple(since(reading, changes))


def canal(reading: SpineReading) -> Text:
    """Whether a fractured body reaches into the canal or narrows it, and at which of them nobody could see."""
    fractures = _called(reading)
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
    return joined((*parts, *_walls_unseen(reading)))


def _size(reading: SpineReading, vertebra: VertebraFinding) -> Text:
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


def _walls_unseen(reading: SpineReading) -> Iterator[Text]:
    """The fractured levels whose posterior wall could not be followed: nothing said of the others holds for them."""
    unseen_at = levels_text(reading, (v.level for v in _called(reading) if v.posterior_wall is None))
    if unseen_at:
        yield phrase("canal.not_assessed_at", levels=unseen_at)


def findings(reading: SpineReading) -> Iterator[Text]:
    """Suspicion, fractures, what is not evaluable, the sound levels together, curves, canal, density."""
    for statuses in (("suspicious",), ("1", "2", "3"), ("injury",)):
        yield from (finding(v, reading) for v in reading.vertebrae if status_of(v) in statuses)
    alike: dict[object, list[VertebraFinding]] = {}
    for vertebra in reading.vertebrae:
        if status_of(vertebra) == "not_evaluable":
            key = (vertebra.not_evaluable, vertebra.contents, _told(vertebra))
            alike.setdefault(key, []).append(vertebra)
    for group in alike.values():
        yield phrase(
            "finding.line", level=levels_text(reading, (v.level for v in group)), text=_text(group[0])
        )
    if sound := levels_text(reading, (v.level for v in reading.vertebrae if _as_expected(v))):
        yield phrase("finding.sound", levels=sound)
    yield from _reduced(reading)
    yield from _borderline(reading)
    yield from _remarks(reading)
    yield from _alignment(reading)
    if lines := tuple(density(reading)):
        yield joined(lines)


def _near(vertebra: VertebraFinding) -> bool:
    """Not called, with a loss that its error does not tell from the operating point."""
    return (
        status_of(vertebra) == "0" and "near_threshold" in vertebra.notes and vertebra.height_loss is not None
    )


def _lost_some(vertebra: VertebraFinding) -> bool:
    """Not called, with a loss from which a vertebra no longer speaks for what its neighbours should be."""
    loss = vertebra.height_loss
    lost_some = loss is not None and loss.largest >= rules("reference")["exclude_loss"]
    return status_of(vertebra) == "0" and lost_some


def _as_expected(vertebra: VertebraFinding) -> bool:
    """Not called, and not one of those whose loss has a sentence of its own."""
    return status_of(vertebra) == "0" and not _near(vertebra) and not _lost_some(vertebra)


def _reduced(reading: SpineReading) -> Iterator[Text]:
    """Levels not called that have lost height, and are clearly short of the operating point."""
    shown = [v for v in reading.vertebrae if _lost_some(v) and not _near(v)]
    yield from (_loss_beside_the_point(reading, v, "finding.reduced") for v in shown)


def _borderline(reading: SpineReading) -> Iterator[Text]:
    """Levels not called whose loss comes close to the operating point."""
    shown = [v for v in reading.vertebrae if _near(v)]
    yield from (_loss_beside_the_point(reading, v, "finding.borderline") for v in shown)


def _loss_beside_the_point(reading: SpineReading, vertebra: VertebraFinding, key: str) -> Text:
    """The loss of one level beside the operating point."""
    loss = vertebra.height_loss.largest if vertebra.height_loss is not None else 0.0
    point = Number(reading.operating_point, percent=True)
    return phrase(key, level=vertebra.level, loss=share(loss), point=point)


def _remarks(reading: SpineReading) -> Iterator[Text]:
    """What else was noted at sound levels, each remark once with its levels."""
    where: dict[str, list[str]] = {}
    for vertebra in reading.vertebrae:
        for note in _told(vertebra) if status_of(vertebra) == "0" else ():
            if note != "near_threshold":
                where.setdefault(note, []).append(vertebra.level)
    for note, levels in where.items():
        yield phrase(
            "finding.remark", levels=levels_text(reading, levels), notes=coded("spine_note", (note,))
        )


def finding(vertebra: VertebraFinding, reading: SpineReading | None = None) -> Text:
    """All that is said of one vertebra that is not simply sound; with its ``reading`` the canal beside its neighbours."""
    return phrase("finding.line", level=vertebra.level, text=_text(vertebra, reading))


def _text(vertebra: VertebraFinding, reading: SpineReading | None = None) -> Text:
    parts: list[Text] = []
    if vertebra.red_flags:
        parts.append(phrase("finding.suspicious", flags=flags_text(vertebra)))
    if set(vertebra.contents) - set(vertebra.not_evaluable):
        parts.append(phrase("finding.contents", contents=coded("spine_content", vertebra.contents)))
    if not vertebra.evaluable:
        parts.append(phrase("finding.not_evaluable", reasons=reasons_text(vertebra.not_evaluable)))
    called = vertebra.evaluable and not vertebra.red_flags and vertebra.fractured
    injured = status_of(vertebra) == "injury"
    if called and vertebra.genant is not None:
        parts.append(phrase("finding.graded", **_form(vertebra), **_grading(vertebra)))
    if injured:
        parts.append(phrase("finding.injury"))
    if vertebra.evaluable:
        parts += _heights(vertebra)
    if called or injured:
        parts += _evidence_of_type(vertebra, "" if reading is None else _size(reading, vertebra))
    if notes := _told(vertebra):
        parts.append(phrase("finding.notes", notes=coded("spine_note", notes)))
    return joined(parts) if parts else phrase("status.0")


def _grading(vertebra: VertebraFinding) -> dict[str, Any]:
    """Shape, grade and its name, for a sentence."""
    grade = _grade(vertebra)
    shape = phrase(f"shape.{vertebra.genant.type}" if vertebra.genant is not None else "shape.none")
    return {"shape": shape, "grade": grade, "severity": phrase(f"severity.{grade}")}


def _form(vertebra: VertebraFinding) -> dict[str, Text]:
    """Among the findings a fracture is what is seen: a deformity, and where most height is lost; the name comes after."""
    loss = vertebra.height_loss
    form = phrase(f"form.{vertebra.genant.type}" if vertebra.genant is not None else "form.none")
    if loss is None:
        return {"form": form}
    site = max(("anterior", "middle", "posterior"), key=lambda name: float(getattr(loss, name)))
    return {
        "form": phrase("form.with_loss", form=form, lost=phrase(f"reduced.{site}", loss=share(loss.largest)))
    }


def _heights(vertebra: VertebraFinding) -> Iterator[Text]:
    heights, loss = vertebra.graded_heights_mm, vertebra.height_loss
    if heights is None:
        return
    numbers = {site: Number(getattr(heights, site), digits=1) for site in ("anterior", "middle", "posterior")}
    if loss is None:
        yield phrase("finding.heights", **numbers)
        return
    expected = {f"expected_{site}": Number(getattr(loss.reference_mm, site), digits=1) for site in numbers}
    gone = {f"lost_{site}": lost(getattr(loss, site)) for site in numbers}
    key = "finding.side_heights_lost" if vertebra.one_sided else "finding.heights_lost"
    yield phrase(key, **numbers, **expected, **gone)


def _evidence_of_type(vertebra: VertebraFinding, size: Text) -> Iterator[Text]:
    plates = {
        name: p
        for name, p in (("superior", vertebra.superior), ("inferior", vertebra.inferior))
        if p is not None
    }
    if plates and all(unseen(plate) and not plate.injured for plate in plates.values()):
        yield phrase("finding.endplates_not_judged")
    elif len(plates) == 2 and not any(plate.injured for plate in plates.values()):
        yield phrase("finding.endplates_intact")
    else:
        yield from (_endplate(name, plate) for name, plate in plates.items())
    if vertebra.posterior_wall is not None:
        yield _wall(vertebra.posterior_wall)
    if size:
        yield phrase("canal.sentence", size=size)
    if vertebra.local_kyphosis_deg is not None:
        yield _curve("local", vertebra.local_kyphosis_deg)
    if vertebra.genant is not None and vertebra.genant.confidence is not None:
        yield phrase("finding.grade_confidence", value=sure(vertebra.genant.confidence))
    if vertebra.denis is not None:
        if possible_burst(vertebra):
            yield phrase("finding.denis_burst", type=if_intact(vertebra))
        else:
            yield phrase("finding.denis", type=denis_name(vertebra, long=True))
        if vertebra.denis.confidence is not None:
            yield phrase("finding.type_confidence", value=sure(vertebra.denis.confidence))
    if vertebra.of_type is not None:
        yield phrase("finding.of_type", type=vertebra.of_type)
    if vertebra.of_confidence is not None:
        yield phrase("finding.of_confidence", value=sure(vertebra.of_confidence))
    if vertebra.confidence is not None:
        key = "finding.confidence" if vertebra.fractured else "finding.injury_confidence"
        yield phrase(key, value=sure(vertebra.confidence))


def _wall(wall: PosteriorWall) -> Text:
    """How far the posterior wall stands into the canal; of a flat one, that the canal behind it is narrow."""
    if not wall.involved:
        return phrase("finding.wall_intact")
    if wall.convexity_mm is not None and (bulges(wall) or wall.canal_area_ratio is None):
        return phrase("finding.wall_bulges", mm=Number(wall.convexity_mm, digits=1))
    return phrase(f"finding.wall_{narrows(wall)}", share=share(wall.canal_area_ratio or 0.0))


def _endplate(name: str, plate: Endplate) -> Text:
    side = phrase(f"endplate.{name}")
    if not plate.injured:
        return phrase(
            "finding.endplate_not_judged" if unseen(plate) else "finding.endplate_intact", side=side
        )
    signs = coded("spine_sign", (sign for sign in plate.signs if sign != "depression"))
    if "depression" not in plate.signs:
        return phrase("finding.endplate_broken", side=side, signs=signs)
    depth = Number(plate.depression_mm, digits=1)
    key = "finding.endplate_injured" if signs else "finding.endplate_depressed"
    return phrase(key, side=side, mm=depth, signs=signs)


def _alignment(reading: SpineReading) -> Iterator[Text]:
    """Curves and deformity index in one line, the canal where it is narrowest in another."""
    curves: list[Text] = []
    if reading.kyphosis_deg is not None:
        curves.append(_curve("thoracic", reading.kyphosis_deg))
    if reading.lordosis_deg is not None:
        place = "lumbar_l5" if "lordosis_to_l5" in reading.notes else "lumbar"
        curves.append(_curve(place, -reading.lordosis_deg))
    if reading.deformity_index is not None and _graded(reading):
        curves.append(phrase("alignment.index", n=reading.deformity_index))
    if curves:
        yield joined(curves)
    widths = [(v.canal_ap_mm, v.level) for v in reading.vertebrae if v.canal_ap_mm is not None and trusted(v)]
    if widths:
        (low, narrow), (high, wide) = min(widths), max(widths)
        ends = {"low": Number(low, digits=1), "narrow": narrow, "high": Number(high, digits=1), "wide": wide}
        yield phrase("alignment.canal", **ends)


def _curve(place: str, kyphosis_deg: float) -> Text:
    """An angle by its name: a kyphosis, or a lordosis where it is negative."""
    kind = "kyphosis" if kyphosis_deg >= 0 else "lordosis"
    return phrase(f"curve.{place}_{kind}", deg=Number(abs(kyphosis_deg)))


def impression(reading: SpineReading, changes: tuple[LevelChange, ...] | None) -> Iterator[Text]:
    """The numbered statements of the impression; new fractures before known ones."""
    for vertebra in _suspicious(reading):
        yield phrase("impression.suspicious", level=vertebra.level, flags=flags_text(vertebra))
    fractures = sorted(_called(reading), key=lambda v: new_first(changes or (), v.level))
    for vertebra in fractures:
        size = _size(reading, vertebra) if possible_burst(vertebra) else ""
        yield _fracture(vertebra, remark(changes or (), vertebra.level), size)
    yield from (_injury(v) for v in _injured(reading) if v.evaluable)
    yield from _broken_endplates(reading, ("injury_unmeasured",))
    if fractures:
        age = () if changes else _age(reading, changes)  # of each fracture in its own item
        mri = (phrase("age.mri"),) if changes is None else ()
        burst = any(possible_burst(v) for v in fractures)  # said in the items of those fractures
        walls = tuple(_walls_unseen(reading)) if burst else (canal(reading),)
        if said := (*age, *mri, *walls):
            yield joined(said)
    elif none := _no_fracture(reading):
        yield none
    yield from known(reading, changes or ())
    yield from _borderline(reading)
    if operated := tuple(_operated(reading)):
        yield joined((*operated, phrase("impression.no_density")))
    if lines := density_short(reading):
        yield joined(lines)
    yield from _missing(reading) if _graded(reading) else ()


def _injury(vertebra: VertebraFinding) -> Text:
    """A broken endplate without a deformity, in one item."""
    loss = vertebra.height_loss.largest if vertebra.height_loss is not None else 0.0
    return phrase("impression.injury", level=vertebra.level, loss=share(max(loss, 0.0)))


def _fracture(vertebra: VertebraFinding, change: Text, size: Text) -> Text:
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
    return phrase("impression.fracture", **said, **_grading(vertebra))
