"""An invented CT written as a hospital's scanner would: one DICOM file a slice, marked as invented throughout."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from osteon.core.errors import InputError
from osteon.core.files import staged_folder
from osteon.imaging.volume import Volume

__all__ = ["write_ct_series"]


def write_ct_series(
    volume: Volume,
    out: Path,
    *,
    patient_id: str = "SIMULATED-0001",
    patient_name: str = "SIMULATED^PHANTOM",
    study_date: date = date(2026, 1, 1),
    kvp: float = 120.0,
    kernel: str = "B60s",
    series_description: str = "SPINE 1.0 BONE (SIMULATED)",
    syntax: Literal["explicit", "jpeg2000"] = "explicit",
) -> tuple[Path, ...]:
    """
    Write ``volume`` as axial DICOM CT slices into the folder ``out``.

    Parameters
    ----------
    volume : Volume
        Hounsfield units; canonical axes (z to the head, y to the back, x to the left), not oblique.
    syntax : "explicit" (uncompressed) or "jpeg2000" (lossless)

    Returns
    -------
    tuple of Path
        From the feet up.

    Raises
    ------
    InputError
        The volume is oblique.

    Notes
    -----
    UIDs follow from patient, date and description, so that the same series is written twice alike.
    """
    scan = volume.canonical()
    step = scan.affine[:3, :3]
    if not np.allclose(step, np.fliplr(np.diag(np.diag(np.fliplr(step)))), atol=1e-6):
        raise InputError("an oblique volume.", hint="Resample it onto a regular grid first.")
    names = (patient_id, str(study_date), series_description)
    study = generate_uid(entropy_srcs=[*names[:2], "study"])
    series = generate_uid(entropy_srcs=[*names, "series"])
    frame = generate_uid(entropy_srcs=[*names[:2], "frame"])
    stored = np.clip(np.rint(scan.array + 1024.0), 0, 4095).astype(np.uint16)
    paths = []
    with staged_folder(out) as stage:
        for k in range(stored.shape[0]):
            image = _slice(scan, k, stored[k])
            image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, frame
            image.SOPInstanceUID = generate_uid(entropy_srcs=[series, str(k)])
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
            image.PatientID, image.PatientName = patient_id, patient_name
            image.StudyDate = image.SeriesDate = image.AcquisitionDate = f"{study_date:%Y%m%d}"
            image.KVP, image.ConvolutionKernel, image.SeriesDescription = kvp, kernel, series_description
            if syntax == "jpeg2000":
                image.compress(JPEG2000Lossless)
            image.save_as(stage / f"{k:04d}.dcm", enforce_file_format=True)
            paths.append(out / f"{k:04d}.dcm")
    return tuple(paths)


def _slice(scan: Volume, k: int, pixels: np.ndarray) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    dz, dy, dx = scan.spacing_mm
    image.SOPClassUID = CTImageStorage
    image.Modality, image.ImageType = "CT", ["DERIVED", "PRIMARY", "AXIAL"]
    image.Manufacturer, image.BodyPartExamined, image.PatientPosition = "osteon", "SPINE", "HFS"
    image.PatientBirthDate, image.PatientSex, image.StudyID, image.AccessionNumber = "", "", "", ""
    image.StudyTime, image.ReferringPhysicianName = "", ""
    image.SeriesNumber, image.InstanceNumber = 1, k + 1
    image.SliceThickness, image.PixelSpacing = round(dz, 6), [round(dy, 6), round(dx, 6)]
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.ImagePositionPatient = [round(float(v), 4) for v in scan.grid.world([k, 0, 0])]
    image.PositionReferenceIndicator = ""
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = pixels.shape
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = -1024, 1, "HU"
    image.WindowCenter, image.WindowWidth = 400, 1800
    image.QualityControlImage = "NO"
    image.PixelData = np.ascontiguousarray(pixels).tobytes()
    return image
