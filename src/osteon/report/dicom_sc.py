"""Key image as a secondary capture, and the printed report as an encapsulated PDF: what any viewer can show."""

from __future__ import annotations

import io
from datetime import datetime

import highdicom as hd
import numpy as np
from highdicom.sc import SCImage
from matplotlib import image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from osteon import __version__
from osteon.report.dicom_source import MANUFACTURER, MODEL, DicomSource, character_set, series_name

__all__ = ["SERIES_NUMBER_PDF", "SERIES_NUMBER_SC", "encapsulated_pdf", "key_image"]

SERIES_NUMBER_SC, SERIES_NUMBER_PDF = 9103, 9104
_PATIENT_AND_STUDY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName", "SpecificCharacterSet",
)  # fmt: skip


def key_image(png: bytes, source: DicomSource, *, simulated: bool = False) -> SCImage:
    """A picture (PNG) as a colour secondary capture in the patient's study."""
    picture = image.imread(io.BytesIO(png), format="png")[..., :3]
    first = source.first
    made = SCImage(
        pixel_array=np.ascontiguousarray(np.round(255 * picture).astype(np.uint8)), photometric_interpretation="RGB",
        bits_allocated=8, coordinate_system="PATIENT", patient_orientation=("P", "F"),
        study_instance_uid=first.StudyInstanceUID, series_instance_uid=hd.UID(), series_number=SERIES_NUMBER_SC,
        sop_instance_uid=hd.UID(), instance_number=1, manufacturer=MANUFACTURER, patient_id=first.PatientID,
        patient_name=first.PatientName, patient_birth_date=first.PatientBirthDate, patient_sex=first.PatientSex,
        accession_number=first.AccessionNumber, study_id=first.StudyID, study_date=first.StudyDate,
        study_time=first.StudyTime, referring_physician_name=first.ReferringPhysicianName,
        series_description=series_name("key image, preliminary", simulated=simulated),
        specific_character_set=first.get("SpecificCharacterSet"),
    )  # fmt: skip
    made.Laterality = ""  # the spine is no paired part
    return made


def encapsulated_pdf(pdf: bytes, source: DicomSource, *, title: str, simulated: bool = False) -> Dataset:
    """The printed report as an encapsulated PDF in the patient's study."""
    now = datetime.now()
    made = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for name in _PATIENT_AND_STUDY:
        if name in source.first:
            setattr(made, name, source.first[name].value)
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
    made.BurnedInAnnotation = "YES"
    made.DocumentTitle = title
    made.ConceptNameCodeSequence = []
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocumentLength = len(pdf)
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return made
