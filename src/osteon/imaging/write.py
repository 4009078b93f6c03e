"""Volumes and label maps to NIfTI: whole or absent, back in the axes of the source where asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from osteon.core.errors import InputError
from osteon.core.files import whole_file
from osteon.imaging.nifti import lps_to_ras
from osteon.imaging.volume import LabelMap, Volume

__all__ = ["write_nifti"]

_nibabel: Any = nibabel  # its functions carry no types
_KINDS = (np.uint8, np.int16, np.uint16, np.int32)


def write_nifti(image: Volume | LabelMap, path: Path, *, axes: str = "") -> None:
    """
    Write a volume or a label map as ``.nii`` or ``.nii.gz``; reading it back gives the same values at the same places.

    Parameters
    ----------
    axes : str, optional
        Order of the stored axes, e.g. "RAS" (first axis to the right, second to the front, third to the head), so
        that a mask lies voxel on voxel on the file it was made from: ``volume.meta["axes"]``. Without it the array is
        stored as it is.

    Raises
    ------
    InputError
        Labels too large for 32 bits, a name that is no NIfTI file, or axes that are none.
    OutputError
        The file cannot be written.
    """
    path = Path(path)
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise InputError(f"{path}: expected a name that ends in .nii or .nii.gz.")
    array = image.array
    if isinstance(image, LabelMap):
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        fits = [kind for kind in _KINDS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max]
        if not fits:
            raise InputError(f"{path}: labels from {low} to {high} do not fit 32 bits.")
        array = array.astype(fits[0], copy=False)
    elif array.dtype not in (np.int16, np.float32):
        array = array.astype(np.float32)
    stored = _nibabel.Nifti1Image(array.transpose(2, 1, 0), lps_to_ras(image.affine))
    stored.header.set_xyzt_units("mm")
    if axes:
        stored = stored.as_reoriented(_turn(stored.affine, axes, path))
    stored.set_sform(stored.affine, code="scanner")
    stored.set_qform(stored.affine, code="scanner" if _orthogonal(stored.affine) else "unknown")
    with whole_file(path) as draft:
        _nibabel.save(stored, draft)


def _turn(affine: Any, axes: str, path: Path) -> Any:
    if sorted("LPI".find(a) if a in "LPI" else "RAS".find(a) for a in axes) != [0, 1, 2]:
        raise InputError(f"{path}: {axes!r} names no three axes.", hint='Write e.g. "RAS".')
    own = _nibabel.orientations.io_orientation(affine)
    return _nibabel.orientations.ornt_transform(own, _nibabel.orientations.axcodes2ornt(tuple(axes)))


def _orthogonal(affine: Any) -> bool:
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(unit.T @ unit - np.eye(3)).max() < 1e-5)
