"""The spinal canal behind a body: its depth from front to back and its area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.domain.anatomy import Tissue
from osteon.imaging.measure.frame import BodyFrame
from osteon.imaging.volume import LabelMap

__all__ = ["Canal", "canal"]

Mask = npt.NDArray[np.bool_]


WIDE_MM2 = 60.0
"""What is this wide is a canal; what is smaller may be one that is all but closed, or a gap in the labels."""
BESIDES_MM = (9.0, 18.0)
"""How far beyond the planes read, upwards and downwards, a canal is looked for that tells where it runs."""
FILLED = 0.6
"""Share of the canal's usual section, less what is left of it, that bone must fill where it is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canal:
    """Depth (mm) and area (mm2) of the canal, the narrowest of the planes read behind one body; 0 where it is closed."""

    ap_mm: float
    area_mm2: float


def canal(
    vertebrae: LabelMap,
    code: int,
    frame: BodyFrame,
    *,
    tissue: LabelMap | None = None,
    heights_mm: tuple[float, ...],
) -> Canal | None:
    """
    Read the canal on planes across the body's axis.

    From the tissue map where it holds a canal; else as the hole in the ring of bone, which only a plane through both
    pedicles and the lamina shows. Where less than 60 mm2 of it are left, or nothing, it is closed if bone of this vertebra
    lies where the canal runs on the nearest planes that show it; else it could not be followed there. None where no plane
    shows a canal.

    Parameters
    ----------
    heights_mm : tuple of float
        Where to cut, millimetres along the axis from the frame's centre.
    """
    low, high = min(heights_mm), max(heights_mm)
    beside = [low - away for away in BESIDES_MM] + [high + away for away in BESIDES_MM]
    planes = {w: _section(vertebrae, code, frame, tissue, w) for w in (*heights_mm, *beside)}
    wide = {w: hole for w, (hole, _) in planes.items() if _area(hole) >= WIDE_MM2}
    found = []
    for height in heights_mm:
        hole, bone = planes[height]
        if height in wide:
            found.append(_canal(hole, hole))
        elif (left := _closed(hole, bone, height, wide)) is not None:
            found.append(_canal(left, wide[_nearest(height, wide)]))
    return min(found, key=lambda c: c.area_mm2) if found else None


def _section(
    vertebrae: LabelMap, code: int, frame: BodyFrame, tissue: LabelMap | None, height: float
) -> tuple[Mask, Mask]:
    """The largest part of the canal on a plane, and the bone of the vertebra."""
    bone = _plane(vertebrae, frame, height, lambda a: a == code) >= 0.5
    if tissue is not None:
        hole = _plane(tissue, frame, height, lambda a: a == Tissue.CANAL) >= 0.5
    else:
        hole = ndimage.binary_fill_holes(bone) & ~bone
    parts, count = ndimage.label(hole)
    if count > 1:
        hole = parts == int(np.argmax(np.bincount(parts.ravel())[1:])) + 1
    return hole, bone


def _area(hole: Mask) -> float:
    return float(hole.sum()) * 0.25


def _nearest(height: float, wide: Mapping[float, Mask]) -> float:
    return min(wide, key=lambda w: abs(w - height))


def _closed(hole: Mask, bone: Mask, height: float, wide: Mapping[float, Mask]) -> Mask | None:
    """What is left of a canal that bone closes; None where nobody can say that it is closed."""
    sides = [[w for w in wide if w < height], [w for w in wide if w > height]]
    if not all(sides):
        return None
    usual = wide[max(sides[0])] & wide[min(sides[1])]
    left: Mask = hole & ndimage.binary_dilation(usual, iterations=4)
    gone = usual & ~left
    if _area(usual) < WIDE_MM2 / 2 or (bone & gone).sum() < FILLED * gone.sum():
        return None
    return left


def _canal(hole: Mask, usual: Mask) -> Canal:
    """Depth in the middle of where the canal runs, and area."""
    across = np.nonzero(usual)[0]
    middle = np.unique(across[np.abs(across - np.median(across)) <= 4])
    return Canal(ap_mm=float(hole.sum(1)[middle].mean() * 0.5), area_mm2=_area(hole))


def _plane(labels: LabelMap, frame: BodyFrame, height: float, chosen: Any) -> npt.NDArray[np.float32]:
    """Share of the chosen labels on a plane 50 mm wide, from 10 mm before the centre to 60 mm behind, each half a millimetre."""
    u, v = np.arange(-25.0, 25.1, 0.5), np.arange(-60.0, 10.1, 0.5)
    points = np.stack(np.broadcast_arrays(u[:, None], v, np.float64(height)), axis=-1)
    index = labels.grid.index(frame.world(points))
    low = np.maximum(np.floor(index.reshape(-1, 3).min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(index.reshape(-1, 3).max(0)).astype(int) + 2, labels.array.shape)
    if (high <= low).any():
        return np.zeros(points.shape[:2], dtype=np.float32)
    part = labels.array[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    field = chosen(part).astype(np.float32)
    return np.asarray(
        ndimage.map_coordinates(field, np.moveaxis(index - low, -1, 0), order=1, mode="constant"),
        dtype=np.float32,
    )
