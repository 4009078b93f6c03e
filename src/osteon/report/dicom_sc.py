"""Key images as secondary captures, and the printed report as an encapsulated PDF: what any viewer can show."""

from __future__ import annotations

import io
from datetime import datetime

import highdicom as hd
import numpy as np
from highdicom.sc import SCImage
from matplotlib import image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from osteon import __version__
from osteon.domain.spine import VertebraFinding
from osteon.report.dicom_source import MANUFACTURER, MODEL, DicomSource, character_set, series_name

__all__ = ["SERIES_NUMBER_PDF", "SERIES_NUMBER_SC", "encapsulated_pdf", "key_image"]

SERIES_NUMBER_SC, SERIES_NUMBER_PDF = 9103, 9104
CLOSE_UP_REACH_MM = 32.0
_PATIENT_AND_STUDY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName", "SpecificCharacterSet",
)  # fmt: skip


def key_image(
    png: bytes,
    source: DicomSource,
    *,
    simulated: bool = False,
    series: hd.UID | None = None,
    number: int = 1,
    vertebra: VertebraFinding | None = None,
) -> SCImage:
    """
    A picture (PNG) as a colour secondary capture in the patient's study.

    Parameters
    ----------
    series : UID or None
        The series that the pictures of one reading share; by default a new one.
    number : int
        Place of the picture in its series.
    vertebra : VertebraFinding or None
        Whose close-up it is: it refers to the images around it. Without one the picture refers to the whole scan.
    """
    picture = image.imread(io.BytesIO(png), format="png")[..., :3]
    first = source.first
    made = SCImage(
        pixel_array=np.ascontiguousarray(np.round(255 * picture).astype(np.uint8)), photometric_interpretation="RGB",
        bits_allocated=8, coordinate_system="PATIENT", patient_orientation=("P", "F"),
        study_instance_uid=first.StudyInstanceUID, series_instance_uid=series or hd.UID(), series_number=SERIES_NUMBER_SC,
        sop_instance_uid=hd.UID(), instance_number=number, manufacturer=MANUFACTURER, patient_id=first.PatientID,
        patient_name=first.PatientName, patient_birth_date=first.PatientBirthDate, patient_sex=first.PatientSex,
        accession_number=first.AccessionNumber, study_id=first.StudyID, study_date=first.StudyDate,
        study_time=first.StudyTime, referring_physician_name=first.ReferringPhysicianName,
        series_description=series_name("key images, preliminary", simulated=simulated),
        specific_character_set=first.get("SpecificCharacterSet"),
    )  # fmt: skip
    made.BodyPartExamined = "SPINE"  # no paired part: no laterality
    made.PatientOrientation = []  # several planes in one picture
    made.BurnedInAnnotation = "NO"  # levels and heights are in the pixels, neither the patient nor a date
    made.ImageComments = vertebra.level if vertebra is not None else "overview"
    shown = source.headers if vertebra is None else _around(source, vertebra.centroid_lps_mm)
    made.SourceImageSequence = [_reference(header, purpose=True) for header in shown]
    referenced = Dataset()
    referenced.SeriesInstanceUID = first.SeriesInstanceUID
    referenced.ReferencedInstanceSequence = [_reference(header) for header in shown]
    made.ReferencedSeriesSequence = [referenced]
    return made


def _around(source: DicomSource, centre_mm: tuple[float, float, float]) -> tuple[Dataset, ...]:
    """The images that a close-up is cut from: those within its reach along their normal; all where none says its place."""
    near = []
    for header in source.headers:
        place, along = header.get("ImagePositionPatient"), header.get("ImageOrientationPatient")
        if place and along:
            row, column = np.array(along, dtype=np.float64).reshape(2, 3)
            distance = np.cross(row, column) @ (np.array(place, dtype=np.float64) - centre_mm)
            if abs(distance) <= CLOSE_UP_REACH_MM:
                near.append(header)
    return tuple(near) or source.headers


def _reference(header: Dataset, *, purpose: bool = False) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    if purpose:
        item.PurposeOfReferenceCodeSequence = [
            hd.sr.CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
        ]
    return item


def encapsulated_pdf(pdf: bytes, source: DicomSource, *, title: str, simulated: bool = False) -> Dataset:
    """The printed report as an encapsulated PDF in the patient's study."""
    now = datetime.now()
    made = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for name in _PATIENT_AND_STUDY:
        if name in source.first:
            element = source.first[name]
            setattr(made, name, str(element.value) if element.VR == "PN" else element.value)
    said = (title, *(str(made[name].value) for name in _PATIENT_AND_STUDY if name in made))
    if (fits := character_set(source.first.get("SpecificCharacterSet"), said)) is not None:
        made.SpecificCharacterSet = fits
    made.SOPClassUID, made.SOPInstanceUID = EncapsulatedPDFStorage, hd.UID()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.Modality, made.ConversionType = "DOC", "WSD"
    made.SeriesInstanceUID, made.SeriesNumber, made.InstanceNumber = hd.UID(), SERIES_NUMBER_PDF, 1
    made.SeriesDescription = series_name("report, preliminary", simulated=simulated)
    made.Manufacturer, made.ManufacturerModelName, made.SoftwareVersions = MANUFACTURER, MODEL, __version__
    made.ContentDate, made.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    made.AcquisitionDateTime = ""
    made.BurnedInAnnotation = "YES"  # the pages name the patient and the day
    made.DocumentTitle = title
    made.ConceptNameCodeSequence = []
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocumentLength = len(pdf)
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return made
