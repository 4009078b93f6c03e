"""DICOM segmentation: one binary segment for each vertebra, no two overlapping, every frame referring to its source image."""

from __future__ import annotations

from collections.abc import Iterable

import highdicom as hd
import numpy as np
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from osteon import __version__
from osteon.core.errors import InputError
from osteon.imaging.segment.labels import SpineLabels
from osteon.report.dicom_codes import level_code, private_scheme
from osteon.report.dicom_source import MANUFACTURER, MODEL, DicomSource, series_name

__all__ = ["SERIES_NUMBER_SEG", "spine_seg"]

SERIES_NUMBER_SEG = 9101
SAME_PLACE_MM = 0.05


def spine_seg(labels: SpineLabels, source: DicomSource, *, simulated: bool = False) -> Segmentation:
    """
    Whole vertebrae as a BINARY segmentation of the source series; segments are numbered from the head down.

    Frames lie on the grid of ``labels``. Each that lies on an image of the series refers to it; a filled-in or resampled
    plane refers to none, and all to the series. Planes without bone are left out.

    Raises
    ------
    InputError
        The label map holds no vertebra.
    """
    codes_here = labels.vertebrae.array
    seen = np.zeros(int(codes_here.max()) + 1, dtype=bool)
    seen[codes_here] = True
    present = [label for label in labels.levels if label.code < seen.size and seen[label.code]]
    if not present:
        raise InputError(
            "the label map holds no vertebra.", hint="There is nothing to write as a segmentation."
        )
    number = np.zeros(seen.size, dtype=np.uint8)
    number[[label.code for label in present]] = np.arange(1, len(present) + 1)
    algorithm = hd.AlgorithmIdentificationSequence(
        name=f"{MODEL} ({labels.backend})", version=f"{__version__}/{labels.version}", family=codes.DCM.ArtificialIntelligence
    )  # fmt: skip
    segments = [
        SegmentDescription(
            segment_number=index,
            segment_label=label.level,
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=level_code(label.level),
            algorithm_type="AUTOMATIC",
            algorithm_identification=algorithm,
            tracking_uid=hd.UID(),
            tracking_id=label.level,
        )
        for index, label in enumerate(present, 1)
    ]
    placed = hd.Volume(
        array=number[codes_here], affine=labels.vertebrae.affine, coordinate_system="PATIENT",
        frame_of_reference_uid=source.first.FrameOfReferenceUID,
    )  # fmt: skip
    made = Segmentation(
        source_images=list(source.headers), pixel_array=placed, segmentation_type="BINARY", segment_descriptions=segments,
        series_instance_uid=hd.UID(), series_number=SERIES_NUMBER_SEG, sop_instance_uid=hd.UID(), instance_number=1,
        manufacturer=MANUFACTURER, manufacturer_model_name=MODEL, software_versions=__version__, device_serial_number="0",
        content_label="VERTEBRAE", content_description="Vertebrae by level, proposal of a program",
        series_description=series_name("vertebrae", simulated=simulated),
    )  # fmt: skip
    made.CodingSchemeIdentificationSequence = private_scheme()
    _refer(made, source)
    return made


def _refer(made: Segmentation, source: DicomSource) -> None:
    """References of the frames that lie on an image; they are made elsewhere only where every frame lies on one."""
    shared = made.SharedFunctionalGroupsSequence[0]
    orientation = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    spacing = shared.PixelMeasuresSequence[0].PixelSpacing
    images = [
        header
        for header in source.headers
        if (header.get("Rows"), header.get("Columns")) == (made.Rows, made.Columns)
        and _alike(header.get("ImageOrientationPatient"), orientation, 1e-3)
        and _alike(header.get("PixelSpacing"), spacing, 1e-3)
        and header.get("ImagePositionPatient")
    ]
    if not images:
        return
    places = np.array([header.ImagePositionPatient for header in images], dtype=np.float64)
    for frame in made.PerFrameFunctionalGroupsSequence:
        if frame.get("DerivationImageSequence"):
            continue
        off = np.abs(places - np.array(frame.PlanePositionSequence[0].ImagePositionPatient)).max(axis=1)
        if off.min() <= SAME_PLACE_MM:
            frame.DerivationImageSequence = [_derivation(images[int(off.argmin())])]


def _alike(ours: Iterable[float] | None, theirs: Iterable[float], within: float) -> bool:
    return bool(ours) and bool(np.allclose(list(ours or ()), list(theirs), rtol=0.0, atol=within))


def _derivation(header: Dataset) -> Dataset:
    """That a frame is the segmentation of this image."""
    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    image.SpatialLocationsPreserved = "YES"
    image.PurposeOfReferenceCodeSequence = [
        CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
    ]
    item = Dataset()
    item.DerivationCodeSequence = [CodedConcept("113076", "DCM", "Segmentation")]
    item.SourceImageSequence = [image]
    return item
