"""The findings of a spine CT report, level by level, and what holds for the spine as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.domain.spine import Endplate, PosteriorWall, SpineReading, VertebraFinding
from osteon.reading.spine_rules import rules
from osteon.report.figure_spine import status_of
from osteon.report.spine_ct_canal import size_text
from osteon.report.spine_ct_density import density
from osteon.report.spine_ct_groups import as_expected, graded, lost_some, near, told, without_neighbours
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
    phrase,
    possible_burst,
    reasons_text,
    share,
    sure,
    trusted,
    unseen,
)
from osteon.report.spine_ct_sentences import grading, loss_beside_the_point, near_the_point
from osteon.report.value import Number, Text

__all__ = ["finding", "findings"]


def findings(reading: SpineReading) -> Iterator[Text]:
    """Suspicion, fractures, what is not evaluable, the sound levels together, curves, canal, density."""
    for statuses in (("suspicious",), ("1", "2", "3"), ("injury",)):
        yield from (finding(v, reading) for v in reading.vertebrae if status_of(v) in statuses)
    alike: dict[object, list[VertebraFinding]] = {}
    for vertebra in reading.vertebrae:
        if status_of(vertebra) == "not_evaluable":
            key = (vertebra.not_evaluable, vertebra.contents, told(vertebra))
            alike.setdefault(key, []).append(vertebra)
    for group in alike.values():
        yield phrase(
            "finding.line", level=levels_text(reading, (v.level for v in group)), text=_text(group[0])
        )
    if sound := levels_text(reading, (v.level for v in reading.vertebrae if as_expected(v))):
        yield phrase("finding.sound", levels=sound)
    yield from _reduced(reading)
    if alone := levels_text(reading, (v.level for v in reading.vertebrae if without_neighbours(v))):
        yield phrase("finding.sound_alone", levels=alone)
    yield from near_the_point(reading)
    yield from _remarks(reading)
    yield from _alignment(reading)
    if lines := tuple(density(reading)):
        yield joined(lines)


def _reduced(reading: SpineReading) -> Iterator[Text]:
    """Levels not called that have lost height, and are clearly short of the operating point."""
    shown = [v for v in reading.vertebrae if lost_some(v) and not near(v)]
    yield from (loss_beside_the_point(reading, v, "finding.reduced") for v in shown)


def _remarks(reading: SpineReading) -> Iterator[Text]:
    """What else was noted at sound levels, each remark once with its levels."""
    where: dict[str, list[str]] = {}
    for vertebra in reading.vertebrae:
        for note in told(vertebra) if status_of(vertebra) == "0" else ():
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
        parts.append(phrase("finding.graded", **_form(vertebra), **grading(vertebra)))
    if injured:
        parts.append(phrase("finding.injury"))
    if vertebra.evaluable:
        parts += _heights(vertebra)
    if called or injured:
        parts += _evidence_of_type(vertebra, "" if reading is None else size_text(reading, vertebra))
    if notes := told(vertebra):
        parts.append(phrase("finding.notes", notes=coded("spine_note", notes)))
    return joined(parts) if parts else phrase("status.0")


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
    elif len(plates) == 2 and not any(plate.injured or plate.signs for plate in plates.values()):
        yield phrase("finding.endplates_intact")
    else:
        yield from (_endplate(name, plate) for name, plate in plates.items())
    if vertebra.posterior_wall is not None:
        yield _wall(vertebra.posterior_wall)
    if size:
        yield phrase("canal.sentence", size=size)
    if vertebra.local_kyphosis_deg is not None:
        yield _curve("local", vertebra.local_kyphosis_deg)
    if vertebra.denis is not None:
        if possible_burst(vertebra):
            yield phrase("finding.denis_burst", type=if_intact(vertebra))
        else:
            yield phrase("finding.denis", type=denis_name(vertebra, long=True))
    if vertebra.of_type is not None:
        yield phrase("finding.of_type", type=vertebra.of_type, why=_why_of(vertebra))
    if parts := tuple(_confidences(vertebra)):
        yield phrase("finding.confidence", parts=parts)


def _why_of(vertebra: VertebraFinding) -> Text:
    """What the OF type rests on: the other two classifications ask for other signs."""
    loss, wall, rule = vertebra.height_loss, vertebra.posterior_wall, rules("of")
    broken = sum(p is not None and p.injured for p in (vertebra.superior, vertebra.inferior))
    if broken == 2:
        return phrase("of.both")
    if loss is not None and loss.largest >= rule["collapse_loss"]:
        return phrase("of.collapse")
    if wall is not None and wall.involved:
        return phrase("of.wall")
    if loss is not None and loss.posterior > rule["posterior_share"]:
        return phrase("of.posterior", loss=lost(loss.posterior))
    return phrase("of.one" if broken else "of.neither")


def _confidences(vertebra: VertebraFinding) -> Iterator[Text]:
    """How sure each answer is, in the order in which they are given."""
    genant, denis = vertebra.genant, vertebra.denis
    stated = {
        "fractured" if vertebra.fractured else "injury": vertebra.confidence,
        "grade": None if genant is None else genant.confidence,
        "denis": None if denis is None else denis.confidence,
        "of": vertebra.of_confidence,
    }
    for name, value in stated.items():
        if value is not None:
            yield phrase(f"sure.{name}", value=sure(value))


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
        if plate.signs:
            return phrase("finding.endplate_one_sign", side=side, signs=coded("spine_sign", plate.signs))
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
    if reading.deformity_index is not None and graded(reading):
        curves.append(phrase("alignment.index", n=reading.deformity_index))
    if curves:
        yield joined(curves)
    inside = reading.vertebrae[1:]  # the field may cut the canal of the uppermost
    widths = [(v.canal_ap_mm, v.level) for v in inside if v.canal_ap_mm is not None and trusted(v)]
    if widths:
        (low, narrow), (high, wide) = min(widths), max(widths)
        ends = {"low": Number(low, digits=1), "narrow": narrow, "high": Number(high, digits=1), "wide": wide}
        yield phrase("alignment.canal", **ends)


def _curve(place: str, kyphosis_deg: float) -> Text:
    """An angle by its name: a kyphosis, or a lordosis where it is negative."""
    kind = "kyphosis" if kyphosis_deg >= 0 else "lordosis"
    return phrase(f"curve.{place}_{kind}", deg=Number(abs(kyphosis_deg)))
