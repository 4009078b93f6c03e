"""The frame of one vertebral body: which way it faces, and the body resampled to stand upright in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.core.errors import NotEnoughData
from osteon.imaging.volume import LabelMap, Volume

__all__ = [
    "BodyBox",
    "BodyFrame",
    "body_box",
    "depth_mm",
    "frame_from",
    "quantile_seen",
    "robust_plane",
    "spacing_along",
    "tilted",
    "unit",
]

Array = npt.NDArray[np.float64]
STEP_MM = (1.0, 1.0, 0.5)
"""Distance of samples to the left, to the front and upwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFrame:
    """
    Where a body lies and which way it faces.

    Attributes
    ----------
    centre_lps_mm : ndarray (3,)
    left, front, up : ndarray (3,)
        Unit vectors in LPS, right-angled to each other: u runs to the patient's left, v to the front, w to the head.
    """

    centre_lps_mm: Array
    left: Array
    front: Array
    up: Array

    @property
    def directions(self) -> Array:
        """Rows left, front, up."""
        return np.stack([self.left, self.front, self.up])

    def local(self, points_lps_mm: Array) -> Array:
        """(u, v, w) millimetres of LPS points (..., 3)."""
        return (np.asarray(points_lps_mm) - self.centre_lps_mm) @ self.directions.T

    def world(self, points_uvw_mm: Array) -> Array:
        """LPS millimetres of (u, v, w) points (..., 3)."""
        return np.asarray(points_uvw_mm) @ self.directions + self.centre_lps_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyBox:
    """
    A body upright in its frame.

    Attributes
    ----------
    frame : BodyFrame
    u_mm, v_mm, w_mm : ndarray
        Places of the samples to the left, to the front and upwards.
    inside : ndarray (nu, nv, nw), 0-1
        Share of bone of this body; 0.5 is its surface.
    hu : ndarray (nu, nv, nw) or None
        Hounsfield units, NaN outside the image.
    voxel_mm : float
        Size of the source's voxels along ``up``: nothing here is sharper.
    """

    frame: BodyFrame
    u_mm: Array
    v_mm: Array
    w_mm: Array
    inside: Array
    hu: Array | None
    voxel_mm: float

    @property
    def sample_ml(self) -> float:
        """Volume that one sample stands for."""
        return STEP_MM[0] * STEP_MM[1] * STEP_MM[2] / 1000.0


def depth_mm(inside: npt.NDArray[np.bool_]) -> Array:
    """How deep each sample of a box lies under the surface of what is ``inside``; 0 outside."""
    deep = np.zeros(inside.shape)
    for part in ndimage.find_objects(inside.astype(np.uint8)):  # one or none
        here = np.pad(inside[part], 1)
        deep[part] = ndimage.distance_transform_edt(here, sampling=STEP_MM)[1:-1, 1:-1, 1:-1]
    return deep


def unit(vector: Array) -> Array:
    """The vector at length 1."""
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float64)


def frame_from(centre_lps_mm: Array, up: Array, back: Array | None = None) -> BodyFrame:
    """
    A frame standing on ``up``, turned so that its back looks along ``back``, or its side along the patient's x.

    Parameters
    ----------
    centre_lps_mm : array (3,)
    up : array (3,)
        Towards the head, any length.
    back : array (3,) or None
        From the body to the spinous process; says how far the vertebra is turned about its axis.

    Examples
    --------
    >>> frame_from(np.zeros(3), np.array([0.0, 0.0, 2.0])).front.tolist()
    [0.0, -1.0, 0.0]
    """
    axis = unit(np.asarray(up, dtype=np.float64))
    side = np.array([1.0, 0.0, 0.0]) if back is None else np.cross(np.asarray(back, dtype=np.float64), axis)
    left = unit(side - axis * (side @ axis))
    return BodyFrame(
        centre_lps_mm=np.asarray(centre_lps_mm, dtype=np.float64),
        left=left,
        front=np.cross(left, axis) + 0.0,
        up=axis,
    )


def spacing_along(affine: Array, direction: Array) -> float:
    """Size of a voxel along a direction in the patient."""
    steps = affine[:3, :3]
    return float(1.0 / np.linalg.norm(np.linalg.inv(steps) @ direction))


def body_box(
    bodies: LabelMap | Volume,
    code: int | None,
    frame: BodyFrame,
    *,
    image: Volume | None = None,
    margin_mm: float = 8.0,
    half_mm: tuple[float, float, float] = (45.0, 35.0, 30.0),
) -> BodyBox:
    """
    Resample one body, and the image around it, to stand upright in ``frame``.

    Only the voxels near the body are touched, so the cost does not depend on the size of the scan.

    Parameters
    ----------
    bodies : LabelMap or Volume
        Labels, smoothed here by 0.6 voxel so that the 0.5 crossing does not follow the voxels' steps; or a map of
        probabilities (``code`` None), taken as it is.
    code : int or None
        Which label.
    frame : BodyFrame
    image : Volume or None
        Hounsfield units on any grid.
    margin_mm : float
        How far beyond the body samples reach.
    half_mm : tuple of float
        Largest reach from the centre to the left, to the front and upwards.

    Raises
    ------
    NotEnoughData
        The label does not occur near the frame.
    """
    corners = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) * np.array(half_mm)
    grid = bodies.grid
    index = grid.index(frame.world(corners))
    low = np.maximum(np.floor(index.min(0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(index.max(0)).astype(int) + 3, bodies.array.shape)
    if (high <= low).any():
        raise NotEnoughData("the body lies outside its label map.")
    part = bodies.cropped((slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])))
    filled = part.array == code if code is not None else part.array >= 0.5
    places = np.argwhere(filled)
    if len(places) < 20:
        raise NotEnoughData(f"{len(places)} voxels of label {code}, expected a vertebral body.")
    local = frame.local(part.grid.world(places))
    reach = [np.maximum(np.abs(local).max(0)[axis], 1.0) for axis in range(3)]
    axes = []
    for axis, step in enumerate(STEP_MM):
        half = np.ceil((min(float(reach[axis]), half_mm[axis]) + margin_mm) / step) * step
        axes.append(np.arange(-half, half + step / 2, step))
    field = part.array.astype(np.float32) if code is None else filled.astype(np.float32)
    if code is not None:
        field = ndimage.gaussian_filter(
            field, [0.6 * min(1.0, 1.0 / mm) for mm in part.spacing_mm], mode="nearest"
        )
    return BodyBox(
        frame=frame,
        u_mm=axes[0],
        v_mm=axes[1],
        w_mm=axes[2],
        inside=_sampled(field, part.affine, frame, axes, outside=0.0),
        hu=None if image is None else _image_part(image, frame, axes),
        voxel_mm=spacing_along(part.affine, frame.up),
    )


def _sampled(
    array: npt.NDArray[Any], affine: Array, frame: BodyFrame, axes: list[Array], *, outside: float
) -> Array:
    """``array`` at the evenly spaced places of a box, linear between voxels."""
    inverse = np.linalg.inv(affine)[:3]
    apart = np.array([axis[1] - axis[0] for axis in axes])
    first = frame.world(np.array([axis[0] for axis in axes]))
    found = ndimage.affine_transform(
        array,
        inverse[:, :3] @ (frame.directions * apart[:, None]).T,
        inverse[:, :3] @ first + inverse[:, 3],
        output_shape=tuple(len(axis) for axis in axes),
        output=np.float32,
        order=1,
        mode="constant",
        cval=outside,
    )
    return np.asarray(found, dtype=np.float64)


def _image_part(image: Volume, frame: BodyFrame, axes: list[Array]) -> Array:
    """Hounsfield units at the places of a box; NaN outside the image."""
    corners = np.array(
        [[a, b, c] for a in axes[0][[0, -1]] for b in axes[1][[0, -1]] for c in axes[2][[0, -1]]]
    )
    index = image.grid.index(frame.world(corners))
    low = np.maximum(np.floor(index.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(index.max(0)).astype(int) + 2, image.array.shape)
    shape = tuple(len(axis) for axis in axes)
    if (high <= low).any():
        return np.full(shape, np.nan)
    part = image.cropped((slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])))
    return _sampled(part.array.astype(np.float32), part.affine, frame, axes, outside=np.nan)


def robust_plane(u_mm: Array, v_mm: Array, w_mm: Array, *, rounds: int = 8) -> tuple[float, float, float]:
    """
    Fit w = c + a u + b v by least squares that forgets outliers (Tukey weights at 4.7 median absolute deviations).

    Returns
    -------
    (a, b, c)

    Raises
    ------
    NotEnoughData
        Fewer than six points.

    Examples
    --------
    >>> u, v = (k.ravel() for k in np.meshgrid(np.arange(9.0), np.arange(9.0)))
    >>> w = 3 + 0.1 * u - 0.2 * v
    >>> w[:9] += 20
    >>> [round(k, 6) for k in robust_plane(u, v, w)]
    [0.1, -0.2, 3.0]
    """
    if len(w_mm) < 6:
        raise NotEnoughData(f"a plane through {len(w_mm)} points, expected at least 6.")
    design = np.stack([u_mm, v_mm, np.ones_like(u_mm)], axis=1)
    weight = np.ones_like(w_mm)
    fit: Array = np.zeros(3)
    for turn in range(rounds):
        weighted = design.T * weight
        fit = np.asarray(np.linalg.lstsq(weighted @ design, weighted @ w_mm, rcond=None)[0], dtype=np.float64)
        away = np.abs(w_mm - design @ fit)
        scale = max(
            float(np.median(away)) * 1.4826, 0.4
        )  # never so fine that it locks onto one step of the voxels
        if turn < 3:  # first the forgiving weights, so that a tenth of gross outliers cannot hold the plane
            weight = 1.0 / np.maximum(away / scale, 1.0)
        else:
            weight = np.clip(1.0 - (away / (4.685 * scale)) ** 2, 0.0, None) ** 2
    return float(fit[0]), float(fit[1]), float(fit[2])


def tilted(frame: BodyFrame, slope_u: float, slope_v: float) -> BodyFrame:
    """The frame whose ``up`` is the normal of the plane w = slope_u u + slope_v v of this one; its turn is kept."""
    up = unit(frame.up - slope_u * frame.left - slope_v * frame.front)
    return frame_from(frame.centre_lps_mm, up, back=-frame.front)


def quantile_seen(values: Array, share: float, *, axis: int) -> Array:
    """
    Quantile of a table along ``axis`` over what is there; NaN where nothing is.

    numpy's own warns there, and bodies are measured side by side in threads, where a warning cannot be silenced.

    Examples
    --------
    >>> quantile_seen(np.array([[1.0, np.nan], [3.0, np.nan]]), 0.5, axis=0)
    array([ 2., nan])
    """
    columns = np.moveaxis(values, axis, 0)
    found = np.full(columns.shape[1:], np.nan)
    some = np.isfinite(columns).any(axis=0)
    if some.any():
        found[some] = np.nanquantile(columns[:, some], share, axis=0)
    return found
