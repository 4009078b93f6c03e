"""Any image file as a volume in the patient's axes: DICOM, NIfTI, NRRD, MetaImage."""

from __future__ import annotations

from pathlib import Path

from osteon.core.errors import FileError, InputError
from osteon.imaging.resample import straightened
from osteon.imaging.volume import Volume

__all__ = ["read_volume"]

_NIFTI = (".nii", ".nii.gz", ".hdr", ".img")
_ITK = (".nrrd", ".nhdr", ".mha", ".mhd")


def read_volume(path: Path, *, series: str | None = None) -> Volume:
    """
    The image at ``path``, canonical (z to the head, y to the back, x to the left), float32.

    Parameters
    ----------
    path : Path
        A DICOM folder, file or ZIP archive; ``.nii[.gz]``; ``.nrrd``/``.nhdr``; ``.mha``/``.mhd``.
    series : str, optional
        Key, UID, number or description of the DICOM series; the spine-suitable one when not given.

    Raises
    ------
    FileError
        Missing, damaged, of another format, or without the geometry a volume needs.
    NotEnoughData
        A DICOM series of one slice.
    """
    path = Path(path)
    name = path.name.lower()
    if not path.exists():
        raise FileError(f"{path}: no such file or folder.")
    if path.is_file() and name.endswith(_NIFTI):
        from osteon.imaging.nifti import read_nifti

        return _straight(read_nifti(path), path)
    if path.is_file() and name.endswith(_ITK):
        from osteon.imaging.itk_formats import read_itk

        return _straight(read_itk(path), path)
    from osteon.imaging.dicom import read_dicom

    return read_dicom(path, series=series)


def _straight(volume: Volume, path: Path) -> Volume:
    try:
        return straightened(volume)
    except InputError as error:
        raise FileError(f"{path}: {error.message}") from error
