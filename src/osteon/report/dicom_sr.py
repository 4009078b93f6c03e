"""DICOM structured report (TID 1500): a measurement group for each vertebra, tied to its segment, and the impression."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import highdicom as hd
from highdicom.seg import Segmentation
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    ContainerContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    LanguageOfContentItemAndDescendants,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    ReferencedSegment,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from osteon import __version__
from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.reading.spine_canal import CanalSize, canal_size
from osteon.reading.spine_compare import LevelChange, compare_readings
from osteon.reading.spine_prior import prior_notes
from osteon.report.dicom_codes import (
    UNITS,
    finding_code,
    level_code,
    private_code,
    private_scheme,
    reading_code,
)
from osteon.report.dicom_source import MANUFACTURER, MODEL, DicomSource, character_set, series_name
from osteon.report.spine_ct_impression import impression
from osteon.report.spine_ct_phrases import bulges, coded, date, phrase, trusted
from osteon.report.words import words

__all__ = ["SERIES_NUMBER_SR", "spine_sr"]

SERIES_NUMBER_SR = 9102
_DEVICE_UID = "2.25.329800735698586629295641978511506172918"  # of this software, whatever the machine
_PROCEDURE = Code("25045-6", "LN", "CT unspecified body region")
_LANGUAGES = {
    "en": Code("en-US", "RFC5646", "English (United States)"),
    "zh": Code("zh-CN", "RFC5646", "Chinese (China)"),
}
_SIDES = {
    "right": Code("24028007", "SCT", "Right"),
    "left": Code("7771000", "SCT", "Left"),
    "both": Code("51440002", "SCT", "Right and left"),
}
_SITES = {"anterior": "A", "middle": "M", "posterior": "P"}


def spine_sr(
    reading: SpineReading,
    seg: Segmentation,
    source: DicomSource,
    *,
    lang: str = "en",
    prior: SpineReading | None = None,
) -> Comprehensive3DSR:
    """
    All that was measured and called of each vertebra, and the impression in words; preliminary and unverified.

    A vertebra without a segment (nothing of it in the label map) gets a group without a region. ``lang`` is the language
    of the words; codes carry their English meaning. ``prior`` adds the change of each level since an earlier reading.
    """
    changes = None if prior is None else compare_readings(reading, prior)
    changed = {change.level: change for change in changes or ()}
    observer = ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=_DEVICE_UID, name=MODEL, manufacturer_name=MANUFACTURER, model_name=MODEL, serial_number=__version__
        ),
    )  # fmt: skip
    algorithm = AlgorithmIdentification(
        name=f"{MODEL} ({reading.backend})", version=f"{__version__}/{reading.backend_version}"
    )
    segments = {str(s.SegmentLabel): s for s in seg.SegmentSequence}
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=_PROCEDURE,
        title=codes.DCM.ImagingMeasurementReport,
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(
            CodedConcept.from_code(_LANGUAGES[lang])
        ),
        imaging_measurements=[
            _group(
                v,
                changed.get(v.level),
                canal_size(reading, v.level),
                segments.get(v.level),
                seg,
                source,
                algorithm,
            )
            for v in reading.vertebrae
        ],
    )
    say = words(lang).say
    statements = [say(text) for text in impression(reading, changes)]
    remarks = [words(lang)("report.simulated_banner")] if reading.simulated else []
    if prior is not None:
        when = date(prior.scan.study_date)
        remarks += [say(phrase("comparison.intro", date=when))] if when else []
        remarks += [say(text) for text in coded("spine_prior", prior_notes(reading, prior))]
    report[0].ContentSequence.append(_impressions(statements, remarks))
    made = Comprehensive3DSR(
        evidence=[seg, *source.headers], content=report[0], series_instance_uid=hd.UID(), series_number=SERIES_NUMBER_SR,
        sop_instance_uid=hd.UID(), instance_number=1, manufacturer=MANUFACTURER, is_complete=True, is_final=False,
        is_verified=False, series_description=series_name("measurements, preliminary", simulated=reading.simulated),
        specific_character_set=character_set(
            source.first.get("SpecificCharacterSet"), (*_names(source.first), *statements, *remarks)
        ),
    )  # fmt: skip
    for name in (
        "PatientName",
        "ReferringPhysicianName",
    ):  # a shared name keeps the bytes it was first written in
        made.add_new(name, "PN", str(source.first.get(name, "")))
    made.CodingSchemeIdentificationSequence = private_scheme()
    return made


def _names(header: Dataset) -> Iterator[str]:
    """What the report copies from the source in letters."""
    for name in ("PatientName", "PatientID", "ReferringPhysicianName", "StudyID", "AccessionNumber"):
        yield str(header.get(name, ""))


def _impressions(statements: list[str], remarks: list[str]) -> ContainerContentItem:
    """The impression as the report words it, and what the comparison with an earlier scan rests on."""
    made = ContainerContentItem(name=codes.DCM.Impressions, relationship_type="CONTAINS")
    made.ContentSequence = ContentSequence(
        [
            TextContentItem(name=name, value=text, relationship_type="CONTAINS")
            for name, texts in ((codes.DCM.Impression, statements), (codes.DCM.Comment, remarks))
            for text in texts
        ]
    )
    return made


def _group(
    v: VertebraFinding,
    change: LevelChange | None,
    canal: CanalSize | None,
    segment: Dataset | None,
    seg: Segmentation,
    source: DicomSource,
    algorithm: AlgorithmIdentification,
) -> MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations:
    called = v.fractured and not v.red_flags
    shared: dict[str, Any] = {
        "finding_type": finding_code("fracture") if called else level_code(v.level),
        "finding_sites": [FindingSite(anatomic_location=level_code(v.level))],
        "algorithm_id": algorithm,
        "measurements": [*_measurements(v), *(_canal(canal) if trusted(v) else ()), *_losses(v, change)],
        "qualitative_evaluations": [*_evaluations(v), *_change(change)],
    }
    if segment is None:
        tracking = TrackingIdentifier(identifier=v.level, uid=hd.UID())
        return MeasurementsAndQualitativeEvaluations(tracking_identifier=tracking, **shared)
    region = ReferencedSegment(
        sop_class_uid=seg.SOPClassUID, sop_instance_uid=seg.SOPInstanceUID, segment_number=segment.SegmentNumber,
        source_series=SourceSeriesForSegmentation(referenced_series_instance_uid=source.first.SeriesInstanceUID),
    )  # fmt: skip
    tracking = TrackingIdentifier(identifier=v.level, uid=segment.TrackingUID)
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking, referenced_segment=region, **shared
    )  # fmt: skip


def _number(name: Code, value: float, unit: str) -> Measurement:
    return Measurement(name=name, value=round(float(value), 4), unit=UNITS[unit])


def _measurements(v: VertebraFinding) -> Iterator[Measurement]:
    if v.graded_heights_mm is not None:  # those that the losses belong to; their plane stands beside them
        for site, letter in _SITES.items():
            yield _number(private_code(f"H{letter}"), getattr(v.graded_heights_mm, site), "mm")
    if v.hu is not None:
        yield _number(codes.DCM.MedianAttenuationCoefficient, v.hu.median, "hu")
    if v.posterior_wall is not None:
        if v.posterior_wall.convexity_mm is not None:
            yield _number(private_code("WALLBULGE"), v.posterior_wall.convexity_mm, "mm")
        if v.posterior_wall.canal_area_ratio is not None:
            yield _number(private_code("CANALRATIO"), v.posterior_wall.canal_area_ratio, "ratio")
    if trusted(v):
        for name, value, unit in (
            ("WEDGEANGLE", v.wedge_deg, "deg"),
            ("LOCALKYPHOSIS", v.local_kyphosis_deg, "deg"),
        ):
            if value is not None:
                yield _number(private_code(name), value, unit)
    if v.confidence is not None:
        rate = "ENDPLATERATE" if v.endplate_injury and not v.fractured else "CONFIDENCE"
        yield _number(private_code("SUSPICIONRATE" if v.red_flags else rate), v.confidence, "ratio")
    for name, value in (
        ("GRADECONF", v.genant.confidence if v.genant is not None else None),
        ("DENISCONF", v.denis.confidence if v.denis is not None and not v.red_flags else None),
        ("OFCONF", v.of_confidence),
    ):
        if value is not None:
            yield _number(private_code(name), value, "ratio")
    yield _number(private_code("LEVELCONF"), v.level_confidence, "ratio")


def _canal(canal: CanalSize | None) -> Iterator[Measurement]:
    """The sagittal diameter, and diameter and area beside what the nearest sound levels let expect."""
    if canal is None:
        return
    yield _number(private_code("CANALAP"), canal.ap_mm, "mm")
    for name, share in (("CANALAPCHANGE", canal.ap_change), ("CANALAREACHANGE", canal.area_change)):
        if share is not None:
            yield _number(private_code(name), 100 * share, "percent")


def _losses(v: VertebraFinding, change: LevelChange | None) -> Iterator[Measurement]:
    """Expected heights and what is lost of them, now and on the earlier scan."""
    loss = v.height_loss
    if loss is not None:
        yield _number(private_code("LOSS"), 100 * loss.largest, "percent")
        yield _number(private_code("LOSSSE"), 100 * loss.se, "percent")
        for site, letter in _SITES.items():
            yield _number(private_code(f"EXPH{letter}"), getattr(loss.reference_mm, site), "mm")
            yield _number(private_code(f"LOSS{letter}"), 100 * getattr(loss, site), "percent")
    if change is not None:
        values = {"LOSSBEFORE": change.loss_before, "LOSSNOW": change.loss_now, "LOSSERROR": change.error}
        for name, value in values.items():
            if value is not None:
                yield _number(private_code(name), 100 * value, "percent")


def _said(name: str, value: Code) -> QualitativeEvaluation:
    return QualitativeEvaluation(name=private_code(name), value=value)


def _evaluations(v: VertebraFinding) -> Iterator[QualitativeEvaluation]:
    for content in v.contents:
        yield _said("CONTENT", reading_code("content", content))
    if v.one_sided:
        yield _said("HEIGHTPLANE", private_code("LOWERSIDE"))
    if v.red_flags:
        yield _said("CALL", private_code("SUSPICIOUS"))
        sides = {place.flag: place.side for place in v.flag_places if place.side is not None}
        for flag in v.red_flags:
            yield _said("FLAG", reading_code("flag", flag))
            if flag in sides:
                yield _said("FLAGSIDE", _SIDES[sides[flag]])
        return
    if not v.evaluable or v.fractured is None:
        yield _said("CALL", private_code("NOTEVALUABLE"))
        for reason in v.not_evaluable:
            yield _said("REASON", reading_code("reason", reason))
        return
    if v.endplate_injury:
        yield _said("CALL", private_code("ENDPLATEINJURY"))
    else:
        yield _said("CALL", private_code("FRACTURE" if v.fractured else "NOFRACTURE"))
    if v.height_loss is not None:
        for level in v.height_loss.reference_from:
            yield _said("HEIGHTREF", level_code(level))
        if not v.height_loss.reference_from:
            yield _said("HEIGHTREF", private_code("BUILD" if v.height_loss.by_build else "OWNHEIGHT"))
    yield from _types(v)


def _types(v: VertebraFinding) -> Iterator[QualitativeEvaluation]:
    """Grade, shape and types of an evaluable vertebra."""
    if v.genant is not None:
        yield _said("GENANT", private_code(f"GENANT{v.genant.grade}"))
        if v.genant.type != "none":
            yield _said("SHAPE", private_code(v.genant.type.upper()))
    if v.denis is not None and v.denis.type is not None:
        scheme = "DENIS" if v.denis.scheme == "compression" else "BURST"
        yield _said("DENIS", private_code(f"{scheme}{v.denis.type}"))
    if v.of_type is not None:
        yield _said("OF", private_code(f"OF{v.of_type}"))
    if v.posterior_wall is not None:
        unseen = v.posterior_wall.convexity_mm is None
        narrowed = "CANALNARROWED" if unseen else "WALLNARROWS" if v.posterior_wall.involved else "WALLINTACT"
        yield _said("WALL", private_code("WALLINVOLVED" if bulges(v.posterior_wall) else narrowed))


def _change(change: LevelChange | None) -> Iterator[QualitativeEvaluation]:
    if change is not None:
        yield _said("CHANGE", reading_code("change", change.change))
