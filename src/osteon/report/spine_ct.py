"""
The report of a spine CT, laid out as a radiologist writes it: first line, examination, findings, impression, signature.

In Chinese the two pillars are 影像所见 and 诊断意见. Suspicious findings stand ahead of every grade.
"""

from __future__ import annotations

from collections.abc import Iterator

from osteon.core.provenance import Provenance
from osteon.domain.spine import SpineReading
from osteon.reading.spine_compare import LevelChange, compare_readings
from osteon.report.document import (
    Block,
    Bullets,
    Callout,
    Document,
    FigureBlock,
    Heading,
    KeyFigures,
    Paragraph,
    Reference,
    References,
    Tile,
)
from osteon.report.figure_levels import LevelProfileFigure
from osteon.report.figure_spine import CloseUpFigure, OverviewFigure, status_of
from osteon.report.spine_ct_tables import (
    change_table,
    examination_table,
    heights_table,
    indicator_table,
    measurement_table,
)
from osteon.report.spine_ct_text import (
    alignment,
    coded,
    date,
    density,
    evidence,
    finding,
    headline,
    impression,
    levels_text,
    phrase,
    sound_levels,
    told,
)
from osteon.report.spine_scene import SpineScene
from osteon.report.value import Number, Text, Words

__all__ = ["MOST_CLOSE_UPS", "spine_ct_document"]

#: Close-ups in one report; the worst come first, the rest are named.
MOST_CLOSE_UPS = 6
_ALWAYS = ("software", "density", "mimics", "grade_one", "age")


def spine_ct_document(
    reading: SpineReading,
    *,
    key_images: SpineScene | None = None,
    prior: SpineReading | None = None,
    provenance: Provenance | None = None,
) -> Document:
    """
    The whole report, in no language yet; it is marked SIMULATED where ``reading.simulated``.

    Parameters
    ----------
    key_images : SpineScene or None
        Where the key images are cut from; without it the report has tables and charts alone.
    prior : SpineReading or None
        An earlier reading of the same patient to compare with, level by level.
    """
    changes = compare_readings(reading, prior) if prior is not None else None
    blocks: list[Block] = [*_ahead(reading), *_examination(reading), *_findings(reading)]
    if changes is not None and prior is not None:
        blocks += _comparison(prior, changes)
    blocks += [
        *_impression(reading, changes),
        Heading("heights", phrase("section.heights")),
        heights_table(reading),
    ]
    if key_images is not None:
        blocks += _pictures(reading, key_images)
    blocks += [*_further(reading), *_limits(reading), *_references()]
    return Document(
        title=phrase("title"),
        subtitle=phrase("subtitle", source=reading.scan.source) if reading.scan.source else "",
        authors=(phrase("author"),),
        date=date(reading.scan.study_date),
        simulated=reading.simulated,
        summary=headline(reading, changes),
        blocks=tuple(blocks),
        provenance=provenance,
    )


def _ahead(reading: SpineReading) -> Iterator[Block]:
    """What must be seen first: suspicion, the headline figures, and that nobody has signed."""
    flagged = [v for v in reading.vertebrae if v.red_flags]
    for vertebra in flagged:
        text = phrase(
            "ahead.suspicious_text", level=vertebra.level, flags=coded("spine_flag", vertebra.red_flags)
        )
        yield Callout("warning", text, phrase("ahead.suspicious", level=vertebra.level))
    if not reading.anchored:
        yield Callout("warning", phrase("ahead.unanchored_text"), phrase("ahead.unanchored"))
    graded = [v for v in reading.vertebrae if status_of(v) not in ("suspicious", "not_evaluable")]
    called = [v for v in graded if v.fractured]
    worst = max((v.genant.grade for v in called if v.genant is not None), default=0)
    hu = reading.hu_l1 if reading.hu_l1 is not None else reading.hu_mean
    yield KeyFigures((
        Tile(phrase("tile.fractures"), len(called) if graded else None, phrase("tile.of", n=len(graded))),
        Tile(phrase("tile.worst"), worst if graded else None, phrase("tile.index", n=reading.deformity_index)),
        Tile(phrase("tile.missing"), len(reading.vertebrae) - len(graded), phrase("tile.seen", n=len(reading.vertebrae))),
        Tile(phrase("tile.hu"), Number(hu), phrase("tile.hu_l1" if reading.hu_l1 is not None else "tile.hu_mean")),
    ))  # fmt: skip
    yield Callout("note", phrase("ahead.draft_text"), phrase("ahead.draft"))


def _examination(reading: SpineReading) -> Iterator[Block]:
    yield Heading("examination", phrase("section.examination"))
    yield examination_table(reading)
    notes = tuple(dict.fromkeys((*reading.scan.notes, *reading.notes)))
    if notes:
        yield Bullets(coded("spine_note", notes))


def _findings(reading: SpineReading) -> Iterator[Block]:
    yield Heading("findings", phrase("section.findings"))
    yield Bullets(tuple(_lines(reading)))


def _further(reading: SpineReading) -> Iterator[Block]:
    yield Heading("measurements", phrase("section.measurements"))
    if any(v.heights_mm is not None for v in reading.vertebrae):
        yield FigureBlock(
            id="figure-levels", title=phrase("figure.levels_title"), figure=LevelProfileFigure(reading=reading),
            alt=phrase("figure.levels_alt"), caption=phrase("figure.levels_caption"),
        )  # fmt: skip
    yield measurement_table(reading)
    indicators = indicator_table(reading)
    if indicators is not None:
        yield indicators


def _lines(reading: SpineReading) -> Iterator[Text]:
    """The findings: suspicion, fractures, what is not evaluable, the sound levels together, curves, density."""
    for statuses in (("suspicious",), ("1", "2", "3"), ("not_evaluable",)):
        yield from (finding(v) for v in reading.vertebrae if status_of(v) in statuses)
    sound = sound_levels(reading)
    if sound:
        yield phrase("finding.sound", levels=levels_text(reading, sound))
        yield from _remarks(reading, sound)
    yield from alignment(reading)
    yield from density(reading)


def _remarks(reading: SpineReading, sound: list[str]) -> Iterator[Text]:
    """What was noted at sound levels, each remark once with its levels."""
    where: dict[str, list[str]] = {}
    for vertebra in reading.vertebrae:
        for note in told(vertebra.notes) if vertebra.level in sound else ():
            where.setdefault(note, []).append(vertebra.level)
    for note, levels in where.items():
        yield phrase(
            "finding.remark", levels=levels_text(reading, levels), notes=coded("spine_note", (note,))
        )


def _pictures(reading: SpineReading, scene: SpineScene) -> Iterator[Block]:
    yield Heading("key-images", phrase("section.key_images"))
    yield FigureBlock(
        id="figure-spine", title=phrase("figure.spine_title"), figure=OverviewFigure(scene=scene, reading=reading),
        alt=phrase("figure.spine_alt"),
        caption=phrase("figure.spine_caption" if scene.volume is not None else "figure.spine_caption_labels"),
    )  # fmt: skip
    shown = [
        v
        for v in reading.vertebrae
        if status_of(v) in ("suspicious", "1", "2", "3") and v.level in scene.code
    ]
    shown.sort(key=lambda v: (not v.red_flags, -(v.genant.grade if v.genant is not None else 0)))
    for vertebra in shown[:MOST_CLOSE_UPS]:
        yield FigureBlock(
            id=f"figure-{vertebra.level.lower()}", title=phrase("figure.close_title", level=vertebra.level),
            figure=CloseUpFigure(scene=scene, vertebra=vertebra, evidence=evidence(vertebra)),
            alt=finding(vertebra), caption=phrase("figure.close_caption"),
        )  # fmt: skip
    if len(shown) > MOST_CLOSE_UPS:
        rest = levels_text(reading, (v.level for v in shown[MOST_CLOSE_UPS:]))
        yield Paragraph(phrase("figure.not_shown", levels=rest))


def _comparison(prior: SpineReading, changes: tuple[LevelChange, ...]) -> Iterator[Block]:
    yield Heading("comparison", phrase("section.comparison"))
    when = date(prior.scan.study_date)
    yield Paragraph(phrase("comparison.intro", date=when) if when else phrase("comparison.intro_undated"))
    if changes:
        yield change_table(changes)
    else:
        yield Paragraph(phrase("comparison.not_comparable"))


def _impression(reading: SpineReading, changes: tuple[LevelChange, ...] | None) -> Iterator[Block]:
    yield Heading("impression", phrase("section.impression"))
    for number, item in enumerate(impression(reading, changes), 1):
        yield Paragraph(phrase("impression.numbered", n=number, text=item))
    yield Callout("note", phrase("signature.lines"), phrase("signature.draft"))


def _limits(reading: SpineReading) -> Iterator[Block]:
    yield Heading("limits", phrase("section.limits"))
    items: list[Text] = [phrase("limits.simulated")] if reading.simulated else []
    items += [phrase(f"limits.{name}") for name in _ALWAYS]
    yield Bullets(tuple(items))


def _references() -> Iterator[Block]:
    yield Heading("references", Words("report.references"))
    yield References((
        Reference("Genant HK, Wu CY, van Kuijk C, Nevitt MC. Vertebral fracture assessment using a semiquantitative technique. "
                  "J Bone Miner Res 1993;8:1137-48.", "10.1002/jbmr.5650080915"),
        Reference("Denis F. The three column spine and its significance in the classification of acute thoracolumbar spinal "
                  "injuries. Spine 1983;8:817-31.", "10.1097/00007632-198311000-00003"),
        Reference("Pickhardt PJ, Pooler BD, Lauder T, et al. Opportunistic screening for osteoporosis using abdominal computed "
                  "tomography scans obtained for other indications. Ann Intern Med 2013;158:588-95.",
                  "10.7326/0003-4819-158-8-201304160-00003"),
    ))  # fmt: skip
