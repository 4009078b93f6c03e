"""A volume and a label map: an array in (z, y, x) order and the affine that places it in the patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from osteon.core.errors import InputError, ShapeError

__all__ = ["Grid", "LabelMap", "Volume"]

FloatArray = npt.NDArray[np.floating[Any]]


def _checked_affine(affine: npt.ArrayLike) -> npt.NDArray[np.float64]:
    matrix = np.asarray(affine, dtype=np.float64)
    if matrix.shape != (4, 4):
        raise ShapeError(f"affine of shape {matrix.shape}, expected (4, 4).")
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
        raise InputError("the affine is not finite or flattens the volume.", hint="Give it a real spacing.")
    return matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """
    Where voxels lie.

    Attributes
    ----------
    shape : (nz, ny, nx)
    affine : ndarray (4, 4), float64
        Takes a voxel index (z, y, x, 1) to LPS millimetres (x to the patient's left, y to the back, z to the head).
    """

    shape: tuple[int, int, int]
    affine: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ShapeError(f"a volume of shape {self.shape}, expected three axes (z, y, x).")
        object.__setattr__(self, "affine", _checked_affine(self.affine))

    @classmethod
    def regular(
        cls,
        shape: tuple[int, int, int],
        spacing_mm: tuple[float, float, float],
        origin_lps_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> Self:
        """A grid along the patient's axes: z towards the head, y to the back, x to the left."""
        affine = np.eye(4)
        for axis, step in enumerate(spacing_mm):
            affine[:3, axis] = 0.0
            affine[2 - axis, axis] = step
        affine[:3, 3] = origin_lps_mm
        return cls(shape=shape, affine=affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along z, y and x."""
        z, y, x = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(z), float(y), float(x)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def world(self, index: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """LPS millimetres of voxel indices (..., 3) in (z, y, x) order."""
        return np.asarray(index, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def index(self, points_lps_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fractional voxel indices (..., 3) in (z, y, x) order of LPS millimetres."""
        inverse = np.linalg.inv(self.affine).astype(np.float64)
        points = np.asarray(points_lps_mm, dtype=np.float64)
        return points @ inverse[:3, :3].T + inverse[:3, 3]

    def same_place(self, other: Grid, *, tolerance_mm: float = 0.01) -> bool:
        """Whether both grids have the same voxels at the same places, to ``tolerance_mm`` at the far corner."""
        if self.shape != other.shape:
            return False
        corners = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)]) * self.shape
        return bool(np.abs(self.world(corners) - other.world(corners)).max() <= tolerance_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """An array on a grid."""

    array: npt.NDArray[Any]
    affine: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.array.ndim != 3:
            raise ShapeError(f"an array with {self.array.ndim} axes, expected three (z, y, x).")
        object.__setattr__(self, "affine", _checked_affine(self.affine))

    @property
    def grid(self) -> Grid:
        """The grid the array lies on."""
        return Grid(shape=self.array.shape, affine=self.affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along z, y and x."""
        return self.grid.spacing_mm

    def cropped(self, box: tuple[slice, slice, slice]) -> Self:
        """The part inside ``box`` (slices with step 1 over z, y, x), at its place."""
        start = [s.indices(n)[0] for s, n in zip(box, self.array.shape, strict=True)]
        affine = self.affine.copy()
        affine[:3, 3] = self.grid.world(start)
        return replace(self, array=self.array[box], affine=affine)

    def canonical(self) -> Self:
        """
        The same voxels with z rising to the head, y to the back and x to the left, as nearly as axes allow.

        Only a permutation and flips of a view: no value is interpolated and none is copied.
        """
        directions = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        order: list[int] = []
        for world_axis in (2, 1, 0):
            free = [k for k in range(3) if k not in order]
            order.append(max(free, key=lambda k: abs(directions[world_axis, k])))
        array = self.array.transpose(order)
        affine = self.affine[:, [*order, 3]].copy()
        flips = [slice(None)] * 3
        for axis, world_axis in enumerate((2, 1, 0)):
            if affine[world_axis, axis] < 0:
                flips[axis] = slice(None, None, -1)
                affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
                affine[:3, axis] *= -1
        return replace(self, array=array[tuple(flips)], affine=affine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(_Placed):
    """
    An image: Hounsfield units for CT, signal for MR.

    Attributes
    ----------
    array : ndarray (z, y, x), float32 or int16
    affine : ndarray (4, 4)
        Takes (z, y, x, 1) to LPS millimetres; see :class:`Grid`.
    meta : mapping
        What the source said (see :mod:`osteon.imaging.dicom`); empty for formats that say nothing.
    notes : tuple of str
        Codes of what was done or doubted on the way in ("resampled_unequal_slices").

    Examples
    --------
    >>> v = Volume(array=np.zeros((4, 5, 6), np.float32), affine=Grid.regular((4, 5, 6), (3.0, 1.0, 1.0)).affine)
    >>> v.spacing_mm, v.grid.world([1, 0, 2]).tolist()
    ((3.0, 1.0, 1.0), [2.0, 0.0, 3.0])
    """

    meta: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMap(_Placed):
    """
    Whole numbers per voxel, 0 for nothing; ``names`` says what each stands for, where the source does.
    """

    names: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _Placed.__post_init__(self)
        if not np.issubdtype(self.array.dtype, np.integer):
            raise InputError(f"labels of type {self.array.dtype}, expected whole numbers.")

    @property
    def present(self) -> tuple[int, ...]:
        """The labels that occur, 0 left out."""
        return tuple(int(k) for k in np.unique(self.array) if k)
