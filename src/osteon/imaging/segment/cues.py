"""What the vertebrae show of their level: ribs at the corners of their bodies, and their size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from osteon.core.errors import InputError
from osteon.imaging.segment.canal import CanalPath
from osteon.imaging.segment.instances import Instance, Instances, boxed
from osteon.imaging.segment.levels import Cues
from osteon.imaging.volume import Grid

__all__ = ["level_cues", "rib_contact"]

Map = npt.NDArray[np.float32]

REACH_MM = 15.0  # head and neck of a rib lie within this distance of the body it meets
HEAD_ML = 0.15  # this much rib there is as good as a coin toss; head and neck have about 1 ml
PIN_REACH_MM = 60.0  # a pin farther from every body than this is a slip


def level_cues(
    found: Instances,
    path: CanalPath,
    grid: Grid,
    rib: Map | None,
    pin: tuple[tuple[float, float, float], str] | None = None,
) -> tuple[Cues, ...]:
    """
    Cues of each vertebra from the head down.

    Raises
    ------
    InputError
        The pin lies on no vertebra.
    """
    pinned = None
    if pin is not None and found.vertebrae:
        distance = np.linalg.norm(found.centres_lps_mm - np.asarray(pin[0]), axis=1)
        pinned = int(distance.argmin())
        if distance[pinned] > PIN_REACH_MM:
            raise InputError(
                f"the pinned point lies {distance[pinned]:.0f} mm from the nearest vertebra found.",
                hint="Point at the middle of a vertebral body (LPS millimetres).",
            )
    cues = []
    for k, vertebra in enumerate(found.vertebrae):
        seen = None if rib is None else rib_contact(found, k, path, grid, rib)
        if vertebra.cropped and seen is not None and seen < 0.5:
            seen = None  # the rib may lie beyond the border
        cues.append(
            Cues(
                rib=seen,
                width_mm=None if vertebra.cropped else vertebra.width_mm,
                depth_mm=None if vertebra.cropped else vertebra.depth_mm,
                cropped=vertebra.cropped,
                pin=pin[1] if pin is not None and k == pinned else None,
            )
        )
    return tuple(cues)


def rib_contact(found: Instances, k: int, path: CanalPath, grid: Grid, rib: Map) -> float | None:
    """
    Probability that a rib meets body ``k``, mean of the sides in the field; None where neither side is.

    Counts rib within 15 mm of the body, from its upper two thirds to the disc above: the head of rib n lies at the
    upper corner of body n, and the lower third is left to the next rib.
    """
    vertebra = found.vertebrae[k]
    spacing = grid.spacing_mm
    mask = found.bodies.array == k + 1
    box = boxed(mask, [int(np.ceil(REACH_MM / s)) + 1 for s in spacing])
    near = ndi.distance_transform_edt(~mask[box], sampling=spacing) <= REACH_MM
    voxels = np.argwhere(near & ~mask[box])
    voxels += [s.start for s in box]
    s, u, v = np.moveaxis(path.coordinates(grid.world(voxels)), -1, 0)
    low, high = _extent(vertebra)
    _, u0, v0 = path.coordinates(np.array(vertebra.centre_lps_mm))
    place = (s > low + 0.3 * (high - low)) & (s < high + 0.25 * (high - low)) & (v < v0 + 3.0)
    sides = []
    for side in (-1.0, 1.0):
        here = place & (side * (u - u0) > 0.25 * vertebra.width_mm)
        if here.sum() * grid.voxel_ml < 2 * HEAD_ML:
            continue
        beside = rib[tuple(voxels[here].T)]
        amount = float(beside[beside > 0.35].sum()) * grid.voxel_ml
        sides.append(amount**4 / (amount**4 + HEAD_ML**4))
    return float(np.mean(sides)) if sides else None


def _extent(vertebra: Instance) -> tuple[float, float]:
    """Arc length of the discs below and above; half a usual segment where one is not seen."""
    half = 0.5 * (vertebra.spacing_mm or 30.0)
    low = vertebra.below.s_mm if vertebra.below is not None else vertebra.s_mm - half
    high = vertebra.above.s_mm if vertebra.above is not None else vertebra.s_mm + half
    return (low, high) if high > low + 5.0 else (vertebra.s_mm - half, vertebra.s_mm + half)
