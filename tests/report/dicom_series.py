"""A volume as a folder of CT images, as a scanner would have written it."""

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def write_series(volume, folder, *, step=1, empty_uids=False):
    """One file a slice (head first where ``step`` is -1); the paths in the order of the array."""
    folder.mkdir(parents=True, exist_ok=True)
    study, series, frame = (
        generate_uid(entropy_srcs=["osteon", name]) for name in ("study", "series", "frame")
    )
    z, y, x = volume.spacing_mm
    paths = []
    for k, plane in enumerate(volume.array):
        made = FileDataset(None, {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.file_meta.MediaStorageSOPClassUID = CTImageStorage
        made.SOPClassUID = CTImageStorage
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid(
            entropy_srcs=["osteon", str(k)]
        )
        made.StudyInstanceUID, made.SeriesInstanceUID, made.FrameOfReferenceUID = study, series, frame
        if empty_uids:
            made.StudyInstanceUID = made.SeriesInstanceUID = made.SOPInstanceUID = ""
        made.Modality, made.PatientID, made.PatientName, made.StudyID = "CT", "P-0042", "Test^Patient", "7"
        made.StudyDate, made.StudyTime, made.AccessionNumber, made.Manufacturer = (
            "20261103",
            "101500",
            "A1",
            "SIEMENS",
        )
        made.SeriesDescription, made.SeriesNumber, made.InstanceNumber = "Spine 1.5 B60f", 3, k + 1
        made.KVP, made.ConvolutionKernel, made.SliceThickness = 120, "B60f", z
        made.ImagePositionPatient = [round(float(c), 4) for c in volume.grid.world([k, 0, 0])]
        made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        made.PixelSpacing, made.Rows, made.Columns = [y, x], *plane.shape
        made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
        made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 16, 15, 1
        made.RescaleSlope, made.RescaleIntercept, made.ImageType = 1, 0, ["ORIGINAL", "PRIMARY", "AXIAL"]
        made.PixelData = np.round(plane).astype("<i2").tobytes()
        name = k if step == 1 else len(volume.array) - k
        paths.append(folder / f"{name:04d}.dcm")
        made.save_as(paths[-1], enforce_file_format=True)
    return paths
