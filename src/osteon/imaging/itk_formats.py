"""NRRD and MetaImage through SimpleITK, whose world is LPS already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK

from osteon.core.errors import FileError
from osteon.imaging.nifti import MAX_VOXELS, finite
from osteon.imaging.volume import Volume

__all__ = ["placed_array", "read_itk"]

_itk: Any = SimpleITK  # its functions carry no types
_SPACES = ("left-posterior-superior", "right-anterior-superior", "left-anterior-superior",
           "lps", "ras", "las")  # fmt: skip
_NRRD = (("space directions",),)
_META = (("ElementSpacing", "ElementSize"), ("TransformMatrix", "Orientation", "Rotation"))
_NEEDED = {".nrrd": _NRRD, ".nhdr": _NRRD, ".mha": _META, ".mhd": _META}  # one field of each lot


def read_itk(path: Path) -> Volume:
    """
    The image in a NRRD (``.nrrd``, ``.nhdr``) or MetaImage (``.mha``, ``.mhd``) file, canonical, float32.

    Raises
    ------
    FileError
        Damaged, not three-dimensional, of several channels, or without spacing and orientation in the patient.
    """
    array, affine, notes, _ = placed_array(path)
    meta = {"format": "nrrd" if path.suffix.lower() in (".nrrd", ".nhdr") else "mha", "files": (str(path),)}
    volume = Volume(array=array, affine=affine, meta=meta).canonical()
    values, holes = finite(np.ascontiguousarray(volume.array, dtype=np.float32), path=path)
    return Volume(array=values, affine=volume.affine, meta=meta, notes=notes + holes)


def placed_array(
    path: Path,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64], tuple[str, ...], dict[str, str]]:
    """
    The stored array (z, y, x), its LPS affine, notes, and the header's own keys.

    Raises
    ------
    FileError
        See :func:`read_itk`.
    """
    suffix = path.suffix.lower()
    try:
        with path.open("rb") as stream:
            start = stream.read(1 << 16)
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}).") from error
    _check_placed(_fields(start, suffix), path)
    try:
        reader = _itk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        size, channels = reader.GetSize(), reader.GetNumberOfComponents()
        if len(size) != 3 or channels != 1:
            raise FileError(f"{path}: {len(size)} dimensions, {channels} channels, expected three and one.")
        if int(np.prod(size, dtype=np.float64)) > MAX_VOXELS:
            raise FileError(f"{path}: {size} voxels are more than {MAX_VOXELS}.")
        image = reader.Execute()
        keys = {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise FileError(f"{path}: damaged or cut short ({reason}).") from error
    direction = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = direction[:, ::-1], image.GetOrigin()
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise FileError(f"{path}: the orientation in the header is not finite or flattens the image.")
    array = _itk.GetArrayFromImage(image)
    if array.dtype.kind not in "iuf":
        raise FileError(f"{path}: values of type {array.dtype}, expected numbers.")
    return array, affine, (), keys


def _fields(start: bytes, suffix: str) -> dict[str, str]:
    """The fields of a text header, up to the blank line of a NRRD or the last field of a MetaImage."""
    mark, end = (":", "") if suffix in (".nrrd", ".nhdr") else ("=", "ElementDataFile")
    found: dict[str, str] = {}
    for line in start.decode("latin-1").splitlines():
        name, _, value = line.partition(mark)
        if name.strip() == end:
            break
        found[name.strip()] = value.strip()
    return found


def _check_placed(fields: dict[str, str], path: Path) -> None:
    """Raise unless the header says how the voxels lie in the patient: both readers would make up a direction."""
    missing = [lot[0] for lot in _NEEDED[path.suffix.lower()] if not any(fields.get(name) for name in lot)]
    space = fields.get("space", "")
    if path.suffix.lower() in (".nrrd", ".nhdr") and space.lower() not in _SPACES:
        missing.append(f"an anatomical space ({', '.join(_SPACES[:3])}; not {space or 'none'})")
    if missing:
        raise FileError(
            f"{path}: the header does not say how the image lies in the patient: {' and '.join(missing)} missing.",
            hint="Write it again from its source with its orientation, as NIfTI, NRRD or MetaImage.",
        )
