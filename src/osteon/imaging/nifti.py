"""NIfTI images and label maps: the stored array, and the affine turned from RAS to LPS and from (x, y, z) to (z, y, x)."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from osteon.core.errors import FileError
from osteon.imaging.volume import Volume

__all__ = ["MAX_VOXELS", "finite", "lps_to_ras", "placed_array", "read_nifti"]

_nibabel: Any = nibabel  # its functions carry no types
MAX_VOXELS = 1 << 29
"""Largest array read: 2 GiB of float32."""

_DAMAGED = (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, TypeError, ArithmeticError, KeyError,
            zlib.error, struct.error, gzip.BadGzipFile)  # fmt: skip
_MM_PER_UNIT = {"meter": 1000.0, "micron": 0.001}
_AGREE_MM = 0.5


def read_nifti(path: Path) -> Volume:
    """
    The image in a NIfTI file, canonical, float32. Whole numbers up to 16 bits keep their exact value.

    Raises
    ------
    FileError
        Damaged, of two or four dimensions, coloured, or neither qform nor sform says how it lies in the patient.
    """
    array, affine, notes = placed_array(path)
    axes = "".join(_nibabel.aff2axcodes(lps_to_ras(affine)))
    meta = {"format": "nifti", "files": (str(path),), "axes": axes}
    volume = Volume(array=array, affine=affine, meta=meta).canonical()
    values, holes = finite(np.ascontiguousarray(volume.array, dtype=np.float32), path=path)
    return Volume(array=values, affine=volume.affine, meta=volume.meta, notes=notes + holes)


def finite(array: npt.NDArray[np.float32], *, path: Path) -> tuple[npt.NDArray[np.float32], tuple[str, ...]]:
    """
    The array with its infinite and undefined values set to its lowest, and the note that says how many there were.

    Raises
    ------
    FileError
        No value is finite.
    """
    if np.isfinite(array.min()) and np.isfinite(array.max()):  # both see a NaN
        return array, ()
    good = np.isfinite(array)
    if not good.any():
        raise FileError(f"{path}: not one finite value.")
    array[~good] = array[good].min()
    return array, (f"non_finite_set_to_lowest:{int(array.size - np.count_nonzero(good))}",)


def placed_array(path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64], tuple[str, ...]]:
    """
    The stored array (z, y, x), rescaled where the header says so, its LPS affine, and notes.

    Raises
    ------
    FileError
        See :func:`read_nifti`.
    """
    try:
        image = _nibabel.load(path)
        header = image.header
        shape = tuple(int(n) for n in image.shape)
    except _DAMAGED as error:
        raise FileError(f"{path}: no readable NIfTI header ({error}).") from error
    if len(shape) < 3 or any(n != 1 for n in shape[3:]) or min(shape) < 1:
        raise FileError(
            f"{path}: an array of shape {shape}, expected three dimensions.",
            hint="Split a time or channel series first." if len(shape) > 3 else "",
        )
    if header.get_data_dtype().kind not in "iuf":
        raise FileError(f"{path}: values of type {header.get_data_dtype()}, expected numbers.")
    if int(np.prod(shape, dtype=np.float64)) > MAX_VOXELS:
        raise FileError(f"{path}: {shape} voxels are more than {MAX_VOXELS}.")
    affine, notes = _affine(image, path)
    try:
        array = np.asanyarray(image.dataobj)
    except _DAMAGED as error:
        raise FileError(f"{path}: damaged or cut short ({error}).") from error
    array = array.reshape(shape[:3], order="F").transpose(2, 1, 0)
    return array, affine, notes


def _affine(image: Any, path: Path) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    header = image.header
    known = [key for key in ("sform_code", "qform_code") if key in header]  # Analyze 7.5 has neither
    codes = [int(header[key]) for key in known]
    if not any(codes):
        raise FileError(
            f"{path}: neither sform nor qform says how the image lies in the patient.",
            hint="Convert it again from its source, to NIfTI with orientation.",
        )
    notes: tuple[str, ...] = ()
    try:
        ras = np.array(image.affine, dtype=np.float64)
        if all(codes):
            corner = np.array([*image.shape[:3], 1.0])
            apart = np.abs(
                (image.get_sform() - image.get_qform()) @ np.stack([corner, [0, 0, 0, 1.0]], axis=1)
            )
            notes = ("sform_and_qform_differ",) if apart.max() > _AGREE_MM else ()
        unit = header.get_xyzt_units()[0]
    except _DAMAGED as error:
        raise FileError(f"{path}: the orientation in the header is damaged ({error}).") from error
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ ras
    affine[:3] *= _MM_PER_UNIT.get(unit, 1.0)
    affine = affine[:, [2, 1, 0, 3]]
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise FileError(f"{path}: the orientation in the header is not finite or flattens the image.")
    return affine, notes


def lps_to_ras(affine: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The NIfTI affine (x, y, z to RAS) of one that takes (z, y, x) to LPS."""
    return np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine[:, [2, 1, 0, 3]], dtype=np.float64)
