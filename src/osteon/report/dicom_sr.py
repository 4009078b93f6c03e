"""DICOM structured report (TID 1500): one measurement group for each vertebra, tied to its segment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import highdicom as hd
from highdicom.seg import Segmentation
from highdicom.sr import (
    AlgorithmIdentification,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    ReferencedSegment,
    SourceSeriesForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from osteon import __version__
from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.report.dicom_codes import UNITS, level_code, private_code, private_scheme
from osteon.report.dicom_source import MANUFACTURER, MODEL, DicomSource, series_name

__all__ = ["SERIES_NUMBER_SR", "spine_sr"]

SERIES_NUMBER_SR = 9102
_DEVICE_UID = "2.25.329800735698586629295641978511506172918"  # of this software, whatever the machine
_PROCEDURE = Code("25045-6", "LN", "CT unspecified body region")


def spine_sr(reading: SpineReading, seg: Segmentation, source: DicomSource) -> Comprehensive3DSR:
    """
    Heights, loss, density, grade, type and confidence of each vertebra, preliminary and unverified.

    A vertebra without a segment (nothing of it in the label map) gets a group without a region.
    """
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
        imaging_measurements=[
            _group(v, segments.get(v.level), seg, source, algorithm) for v in reading.vertebrae
        ],
    )
    made = Comprehensive3DSR(
        evidence=[seg, *source.headers], content=report[0], series_instance_uid=hd.UID(), series_number=SERIES_NUMBER_SR,
        sop_instance_uid=hd.UID(), instance_number=1, manufacturer=MANUFACTURER, is_complete=True, is_final=False,
        is_verified=False, series_description=series_name("measurements, preliminary", simulated=reading.simulated),
    )  # fmt: skip
    made.CodingSchemeIdentificationSequence = private_scheme()
    return made


def _group(
    v: VertebraFinding,
    segment: Dataset | None,
    seg: Segmentation,
    source: DicomSource,
    algorithm: AlgorithmIdentification,
) -> MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations:
    shared: dict[str, Any] = {
        "finding_type": level_code(v.level),
        "finding_sites": [FindingSite(anatomic_location=level_code(v.level))],
        "algorithm_id": algorithm,
        "measurements": list(_measurements(v)),
        "qualitative_evaluations": list(_evaluations(v)),
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


def _measurements(v: VertebraFinding) -> Iterator[Measurement]:
    def number(name: Code, value: float, unit: str) -> Measurement:
        return Measurement(name=name, value=round(float(value), 4), unit=UNITS[unit])

    if v.heights_mm is not None:
        yield number(private_code("HA"), v.heights_mm.anterior, "mm")
        yield number(private_code("HM"), v.heights_mm.middle, "mm")
        yield number(private_code("HP"), v.heights_mm.posterior, "mm")
    if v.height_loss is not None:
        yield number(private_code("LOSS"), 100 * v.height_loss.largest, "percent")
    if v.hu is not None:
        yield number(codes.DCM.MedianAttenuationCoefficient, v.hu.median, "hu")
    if v.confidence is not None:
        yield number(private_code("CONFIDENCE"), v.confidence, "ratio")
    yield number(private_code("LEVELCONF"), v.level_confidence, "ratio")


def _evaluations(v: VertebraFinding) -> Iterator[QualitativeEvaluation]:
    def said(name: str, value: str) -> QualitativeEvaluation:
        return QualitativeEvaluation(name=private_code(name), value=private_code(value))

    if v.red_flags:
        yield said("CALL", "SUSPICIOUS")
        return
    if not v.evaluable or v.fractured is None:
        yield said("CALL", "NOTEVALUABLE")
        return
    yield said("CALL", "FRACTURE" if v.fractured else "NOFRACTURE")
    if v.genant is not None:
        yield said("GENANT", f"GENANT{v.genant.grade}")
        if v.genant.type != "none":
            yield said("SHAPE", v.genant.type.upper())
    if v.denis is not None and v.denis.type is not None:
        yield said("DENIS", f"{'DENIS' if v.denis.scheme == 'compression' else 'BURST'}{v.denis.type}")
