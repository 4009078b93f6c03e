"""What stands around a body: the bone of its pedicles and of its arch, and the soft tissue before its walls."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.imaging.measure.frame import STEP_MM, BodyBox, BodyFrame
from osteon.imaging.measure.surface import Endplates, wall
from osteon.imaging.volume import LabelMap, Volume

__all__ = ["THIRDS", "arch_bone", "arch_parts", "pedicle_bone", "soft_tissue_mm"]

Array = npt.NDArray[np.float64]
THIRDS = ((-0.85, -1 / 3), (-1 / 3, 1 / 3), (1 / 3, 0.85))
"""Of the wall from side to side: right, middle, left."""
FLOOR_HU, CEILING_HU = 100.0, 700.0
"""What counts as bone, and no voxel for more than this: neither muscle nor metal speaks."""
REACH_MM = 20.0
_BEHIND_MM, _SPINOUS_MM = 12.0, 4.0


def _bone(hu: npt.NDArray[np.floating]) -> Array:
    return np.clip(np.asarray(hu, dtype=np.float64) - FLOOR_HU, 0.0, CEILING_HU)


def pedicle_bone(box: BodyBox, plates: Endplates) -> tuple[float, float] | None:
    """
    Bone behind the right and the left side of a body: mean density over 100 HU where the pedicles leave it.

    A column from endplate to endplate, 1.5 to 9 mm behind the posterior wall, from 0.3 to 1.1 half widths aside. It holds
    the pedicle wherever that lies in it, so that only a comparison with the neighbours' columns means something. None
    without an image, or where a column leaves it.
    """
    if box.hu is None:
        return None
    behind = plates.back_mm - box.v_mm
    depth = (behind >= 1.5) & (behind <= 9.0)
    low, high = float(np.nanmedian(plates.bottom_mm)), float(np.nanmedian(plates.top_mm))
    tall = (box.w_mm >= low) & (box.w_mm <= high)
    share = (box.u_mm - plates.middle_u_mm) / (plates.width_mm / 2)
    sides = []
    for sign in (-1.0, 1.0):
        aside = (sign * share >= 0.3) & (sign * share <= 1.1)
        column = box.hu[np.ix_(aside, depth, tall)]
        if column.size < 50 or not np.isfinite(column).all():
            return None
        sides.append(float(_bone(column).mean()))
    return sides[0], sides[1]


def arch_bone(image: Volume, vertebrae: LabelMap, bodies: LabelMap, code: int) -> float | None:
    """
    Bone of the posterior elements of ``code``: millilitres times density over 100 HU. None off the image's grid.

    Both a mask that shrank and a mask that stayed while its bone went lower it.
    """
    if image.array.shape != vertebrae.array.shape or not np.allclose(
        image.affine, vertebrae.affine, atol=1e-3
    ):
        return None
    own = (vertebrae.array == code) & (bodies.array != code)
    return float(_bone(image.array[own]).sum() * vertebrae.grid.voxel_ml)


def arch_parts(
    image: Volume, vertebrae: LabelMap, bodies: LabelMap, code: int, frame: BodyFrame, plates: Endplates
) -> tuple[float, float, float] | None:
    """
    Bone of the right lamina, of the spinous process and of the left lamina, as in :func:`arch_bone`.

    From 12 mm behind the wall: up to 4 mm beside the middle, and from there to a third of the body's width, where the
    transverse processes begin.
    """
    if image.array.shape != vertebrae.array.shape or not np.allclose(
        image.affine, vertebrae.affine, atol=1e-3
    ):
        return None
    own = (vertebrae.array == code) & (bodies.array != code)
    u, v, _ = frame.local(vertebrae.grid.world(np.argwhere(own))).T
    bone = _bone(image.array[own]) * vertebrae.grid.voxel_ml
    aside, behind = u - plates.middle_u_mm, plates.back_mm - v
    bone = np.where((behind > _BEHIND_MM) & (np.abs(aside) < plates.width_mm / 3), bone, 0.0)
    spinous = np.abs(aside) <= _SPINOUS_MM
    right, middle, left = (
        float(bone[part].sum()) for part in (~spinous & (aside < 0), spinous, ~spinous & (aside > 0))
    )
    return right, middle, left


def soft_tissue_mm(
    image: Volume, box: BodyBox, plates: Endplates
) -> tuple[float | None, float | None, float | None]:
    """
    Median thickness of soft tissue (-20 to 120 HU) before the right, middle and left third of the wall, up to 20 mm.

    Vessels, crura and muscle lie there too: only a difference from the neighbours means something. What lies beside the
    body, where psoas is, and behind it, in the canal, is not looked at.
    """
    front = wall(box, side="front")
    middle = float(np.nanmedian((plates.top_mm + plates.bottom_mm) / 2))
    rows = np.flatnonzero(np.abs(box.w_mm - middle) <= 8.0)[::4]
    ahead = np.arange(1.5, REACH_MM + 0.1, STEP_MM[1])
    found: list[float | None] = []
    for start, end in THIRDS:
        strips = np.flatnonzero((plates.share_u() >= start) & (plates.share_u() <= end))
        u, w = (k.ravel() for k in np.meshgrid(strips, rows, indexing="ij"))
        begin = front[u, w]
        seen = np.isfinite(begin)
        if seen.sum() < 10:
            found.append(None)
            continue
        points = np.stack(np.broadcast_arrays(
            box.u_mm[u[seen]][:, None], begin[seen][:, None] + ahead, box.w_mm[w[seen]][:, None]
        ), axis=-1)  # fmt: skip
        index = np.moveaxis(image.grid.index(box.frame.world(points)), -1, 0)
        hu = ndimage.map_coordinates(image.array, index, output=np.float32, order=1, cval=-1000.0)
        ended = np.cumsum((hu < -20.0) | (hu > 120.0), axis=-1) > 0
        found.append(float(np.median((~ended).sum(-1))) * STEP_MM[1])
    return found[0], found[1], found[2]
