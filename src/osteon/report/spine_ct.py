"""
The report of a spine CT, laid out as a radiologist writes it: first line, examination, findings, impression, signature.

In Chinese the two pillars are 影像所见 and 诊断意见. Suspicious findings stand ahead of every grade.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from osteon.core.provenance import Provenance
from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.reading.spine_compare import LevelChange, compare_readings
from osteon.reading.spine_flags import coarsest_mm
from osteon.reading.spine_prior import NAMES_IN_DOUBT, prior_notes
from osteon.reading.spine_rules import rules
from osteon.report.document import (
    Block,
    Bullets,
    Callout,
    Column,
    Document,
    FigureBlock,
    GroupRow,
    Heading,
    Paragraph,
    Reference,
    References,
    TableBlock,
)
from osteon.report.figure_levels import LevelProfileFigure
from osteon.report.figure_spine import CloseUpFigure, OverviewFigure, marked_place, status_of
from osteon.report.spine_ct_changes import change_lines, change_table
from osteon.report.spine_ct_density import cutoffs_apply
from osteon.report.spine_ct_evidence import evidence
from osteon.report.spine_ct_findings import finding, findings
from osteon.report.spine_ct_groups import least_sure_name
from osteon.report.spine_ct_headline import headline
from osteon.report.spine_ct_impression import impression
from osteon.report.spine_ct_phrases import (
    coded,
    date,
    dotted,
    flags_text,
    joined,
    levels_text,
    lower_sides,
    phrase,
    trusted,
)
from osteon.report.spine_ct_tables import (
    examination_table,
    heights_table,
    indicator_table,
    measurement_table,
)
from osteon.report.spine_scene import SpineScene
from osteon.report.value import Cell, Number, Text, Words

__all__ = ["MOST_CLOSE_UPS", "spine_ct_document"]

#: Close-ups in one report; the worst come first, the rest are named.
MOST_CLOSE_UPS = 6
#: Levels whose research indicators stand side by side; more of them stand in rows.
MOST_UPRIGHT = 8
#: Remarks that the table of the examination makes, or that another remark says better.
_SAID_ELSEWHERE = (
    "contrast_unknown",
    "labels_only",
    "classical_without_torch",
    "padding_set_to_air",
    "unanchored",
)
_LIMITS = ("density", "mimics", "grade_one")


def spine_ct_document(
    reading: SpineReading,
    *,
    key_images: SpineScene | None = None,
    prior: SpineReading | None = None,
    provenance: Provenance | None = None,
) -> Document:
    """
    The whole report, in no language yet; it is marked SIMULATED where ``reading.simulated``.

    A sheet for the patient's file: on its first page what is said and signed, behind it the tables and pictures.

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
        blocks += _comparison(reading, prior, changes)
    blocks += [
        *_impression(reading, changes),
        *_then_and_now(changes),
        Heading("heights", phrase("section.heights")),
        heights_table(reading),
        Heading("measurements", phrase("section.measurements")),
        measurement_table(reading),
    ]
    if key_images is not None:
        blocks += _pictures(reading, key_images)
    blocks += [*_profile(reading), *_limits(reading), *_references()]
    return Document(
        title=phrase("title"),
        subtitle=_whose(reading),
        authors=(phrase("author"),),
        simulated=reading.simulated,
        summary=headline(reading, changes),
        blocks=tuple(blocks),
        provenance=provenance,
        sheet=True,
    )


def _whose(reading: SpineReading) -> Text:
    """Name, sex, age, number and accession of the patient, and the day; said to be missing where the file holds none."""
    scan = reading.scan
    sex = phrase(f"patient.sex_{scan.sex.lower()}") if scan.sex in ("M", "F", "O") else scan.sex
    said: list[Text] = [
        phrase(f"patient.{name}", value=value)
        for name, value in (
            ("name", _name(scan.patient_name)), ("sex", sex), ("age", _age(scan.age)), ("id", scan.patient_id),
            ("accession", scan.accession), ("date", date(scan.study_date)),
        )
        if value
    ]  # fmt: skip
    return dotted(said) or phrase("patient.unknown")


def _name(text: str) -> str:
    """A DICOM person name as it is read: the ideographic writing first and in one piece, the parts without their carets."""
    alphabetic, *others = (_written(group) for group in text.split("="))
    written = next(filter(None, others), "")
    if not written or written == alphabetic:
        return alphabetic
    return f"{written} ({alphabetic})" if alphabetic else written


def _written(group: str) -> str:
    """One writing of a name: Chinese, Japanese and Korean characters stand without a space, other parts with one."""
    parts = group.replace("^", " ").split()
    eastern = all(character >= "\u2e80" for part in parts for character in part)
    return ("" if eastern else " ").join(parts)


def _age(text: str) -> Text:
    """A DICOM age ("071Y") in words; anything else as it stands."""
    number, unit = text[:-1], text[-1:].lower()
    if number.isdigit() and unit in ("y", "m", "w", "d"):
        return phrase(f"patient.age_{unit}", n=int(number))
    return text


def _ahead(reading: SpineReading) -> Iterator[Block]:
    """What must be seen before anything else."""
    flagged = [v for v in reading.vertebrae if v.red_flags]
    for vertebra in flagged:
        text = phrase("ahead.suspicious_text", level=vertebra.level, flags=flags_text(vertebra))
        yield Callout("warning", text, phrase("ahead.suspicious", level=vertebra.level))
    if "classical_without_torch" in reading.notes:
        said = joined(coded("spine_note", ("classical_without_torch",)))
        yield Callout("warning", said, phrase("ahead.classical"))
    if not reading.anchored:
        yield Callout("warning", phrase("ahead.unanchored_text"), phrase("ahead.unanchored"))
    doubts = coded("spine_note", (note for note in reading.notes if note in NAMES_IN_DOUBT))
    if not doubts and least_sure_name(reading) is not None:
        doubts = (phrase("ahead.uncertain"),)
    if doubts:
        sure = [v.level_confidence for v in reading.vertebrae]
        if "anchors_disagree" in reading.notes and sure:
            doubts = (*doubts, phrase("ahead.disagree", least=Number(min(sure), digits=2)))
        yield Callout("warning", joined(doubts), phrase("ahead.doubt"))


def _examination(reading: SpineReading) -> Iterator[Block]:
    yield Heading("examination", phrase("section.examination"))
    yield examination_table(reading)
    notes = [
        n
        for n in dict.fromkeys((*reading.scan.notes, *reading.notes))
        if n not in (*_SAID_ELSEWHERE, *NAMES_IN_DOUBT)
    ]
    if notes:
        yield Bullets(coded("spine_note", notes))


def _findings(reading: SpineReading) -> Iterator[Block]:
    yield Heading("findings", phrase("section.findings"))
    yield Bullets(tuple(findings(reading)))


def _profile(reading: SpineReading) -> Iterator[Block]:
    if any(v.heights_mm is not None for v in reading.vertebrae):
        yield FigureBlock(
            id="figure-levels", title=phrase("figure.levels_title"), figure=LevelProfileFigure(reading=reading),
            alt=phrase("figure.levels_alt"), caption=_levels_caption(reading),
        )  # fmt: skip
    indicators = indicator_table(reading)
    if indicators is not None:
        yield Heading("indicators", phrase("table.indicators"))
        yield _upright(indicators) if len(indicators.rows) <= MOST_UPRIGHT else indicators


def _upright(table: TableBlock) -> TableBlock:
    """A table of few levels and many figures turned about: a row for each figure, which fits a page that is not turned."""
    names, levels = table.columns[1:], [row for row in table.rows if not isinstance(row, GroupRow)]
    rows = tuple(
        (column.label, *(_digits(row[n], column) for row in levels)) for n, column in enumerate(names, 1)
    )
    heads = (Column(phrase("profile.indicator")), *(Column(str(row[0])) for row in levels))
    return replace(table, columns=heads, rows=rows)


def _digits(cell: Cell, column: Column) -> Cell:
    """A figure that keeps the digits of the column it stood in."""
    return (
        Number(cell, digits=column.digits) if isinstance(cell, float) and column.digits is not None else cell
    )


def _levels_caption(reading: SpineReading) -> Text:
    parts = [phrase("figure.levels_caption")]
    if sides := lower_sides(reading):
        parts.append(phrase("table.side_note", levels=sides))
    shown = [v for v in reading.vertebrae if v.hu is not None and trusted(v)]
    if shown:
        parts.append(phrase("figure.density_caption" if cutoffs_apply(reading) else "profile.density"))
        parts += (
            [phrase("figure.density_l1")]
            if any(v.level == "L1" and status_of(v) == "0" for v in shown)
            else []
        )
    if any(status_of(v) != "0" for v in shown):
        parts.append(phrase("figure.density_open"))
    return joined(parts)


def _pictures(reading: SpineReading, scene: SpineScene) -> Iterator[Block]:
    yield Heading("key-images", phrase("section.key_images"))
    yield FigureBlock(
        id="figure-spine", title=phrase("figure.spine_title"), figure=OverviewFigure(scene=scene, reading=reading),
        alt=phrase("figure.spine_alt"), caption=_spine_caption(reading, scene),
    )  # fmt: skip
    shown = [
        v
        for v in reading.vertebrae
        if status_of(v) in ("suspicious", "injury", "1", "2", "3") and v.level in scene.code
    ]
    shown.sort(key=lambda v: (not v.red_flags, -(v.genant.grade if v.genant is not None else 0)))
    for nth, vertebra in enumerate(shown[:MOST_CLOSE_UPS]):
        yield FigureBlock(
            id=f"figure-{vertebra.level.lower()}", title=phrase("figure.close_title", level=vertebra.level),
            figure=CloseUpFigure(scene=scene, vertebra=vertebra, evidence=evidence(vertebra)),
            alt=finding(vertebra), caption=_close_caption(vertebra, scene, first=nth == 0),
        )  # fmt: skip
    if len(shown) > MOST_CLOSE_UPS:
        rest = levels_text(reading, (v.level for v in shown[MOST_CLOSE_UPS:]))
        yield Paragraph(phrase("figure.not_shown", levels=rest))


def _spine_caption(reading: SpineReading, scene: SpineScene) -> Text:
    """How the spine was cut, and which of the heights beside it are those of a side."""
    caption = phrase("figure.spine_caption" if scene.volume is not None else "figure.spine_caption_labels")
    sides = lower_sides(reading)
    return joined((caption, phrase("figure.spine_side", levels=sides))) if sides else caption


def _close_caption(vertebra: VertebraFinding, scene: SpineScene, *, first: bool) -> Text:
    """What the pictures show, said once; what the ring marks; of which plane the heights are, if graded by a side."""
    parts = [phrase("figure.close_caption")] if first else []
    if marked_place(scene, vertebra) is not None:
        marked = next(place.flag for place in vertebra.flag_places if place.centre_lps_mm is not None)
        said = dict(zip(vertebra.red_flags, flags_text(vertebra), strict=True))
        parts.append(phrase("figure.close_mark", flags=said[marked]))
    parts += [phrase("figure.close_side")] if vertebra.one_sided else []
    return joined(parts) if parts else ""


def _comparison(
    reading: SpineReading, prior: SpineReading, changes: tuple[LevelChange, ...]
) -> Iterator[Block]:
    yield Heading("comparison", phrase("section.comparison"))
    when = date(prior.scan.study_date)
    yield Paragraph(phrase("comparison.intro", date=when) if when else phrase("comparison.intro_undated"))
    if doubts := coded("spine_prior", prior_notes(reading, prior)):
        yield Callout("warning", joined(doubts), phrase("comparison.doubt"))
    if changes:
        yield Bullets(tuple(change_lines(reading, changes)))


def _then_and_now(changes: tuple[LevelChange, ...] | None) -> Iterator[Block]:
    """Every level then and now, behind what is said and signed."""
    if changes:
        yield Heading("changes", phrase("table.change"))
        yield change_table(changes)


def _impression(reading: SpineReading, changes: tuple[LevelChange, ...] | None) -> Iterator[Block]:
    yield Heading("impression", phrase("section.impression"), together=True)
    for number, item in enumerate(impression(reading, changes), 1):
        yield Paragraph(phrase("impression.numbered", n=number, text=item))
    yield Callout("note", phrase("signature.lines"), phrase("signature.draft"))


def _limits(reading: SpineReading) -> Iterator[Block]:
    yield Heading("limits", phrase("section.limits"))
    looked = any("posterior_cortex_lost" in v.indicators for v in reading.vertebrae)
    names = (*_LIMITS, "posterior" if looked else "posterior_outline")
    said: list[Text] = [phrase(f"limits.{name}") for name in names]
    if any("lytic_ml" in v.indicators for v in reading.vertebrae):
        said.insert(-1, phrase("limits.foci"))
    if coarsest_mm(reading.scan) > rules("endplate")["slice_mm_above"]:
        said.insert(0, phrase("limits.thick", mm=Number(coarsest_mm(reading.scan), digits=1)))
    yield Bullets(tuple(said))


def _references() -> Iterator[Block]:
    yield Heading("references", Words("report.references"))
    yield References((
        Reference("Genant HK, Wu CY, van Kuijk C, Nevitt MC. Vertebral fracture assessment using a semiquantitative technique. "
                  "J Bone Miner Res 1993;8:1137-48.", "10.1002/jbmr.5650080915"),
        Reference("Denis F. The three column spine and its significance in the classification of acute thoracolumbar spinal "
                  "injuries. Spine 1983;8:817-31.", "10.1097/00007632-198311000-00003"),
        Reference("Schnake KJ, Blattert TR, Hahn P, et al. Classification of osteoporotic thoracolumbar spine fractures. "
                  "Global Spine J 2018;8(2 Suppl):46S-49S.", "10.1177/2192568217717972"),
        Reference("Pickhardt PJ, Pooler BD, Lauder T, et al. Opportunistic screening for osteoporosis using abdominal computed "
                  "tomography scans obtained for other indications. Ann Intern Med 2013;158:588-95.",
                  "10.7326/0003-4819-158-8-201304160-00003"),
    ))  # fmt: skip
