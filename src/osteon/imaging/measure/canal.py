"""The spinal canal behind a body: its depth from front to back and its area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.domain.anatomy import Tissue
from osteon.imaging.measure.frame import BodyFrame
from osteon.imaging.volume import LabelMap

__all__ = ["Canal", "canal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canal:
    """Depth (mm) and area (mm2) of the canal, the narrowest of the planes read behind one body."""

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
    pedicles and the lamina shows. None where no plane shows a canal.

    Parameters
    ----------
    heights_mm : tuple of float
        Where to cut, millimetres along the axis from the frame's centre.
    """
    found = []
    for height in heights_mm:
        if tissue is not None:
            hole = _plane(tissue, frame, height, lambda a: a == Tissue.CANAL) >= 0.5
        else:
            bone = _plane(vertebrae, frame, height, lambda a: a == code) >= 0.5
            hole = ndimage.binary_fill_holes(bone) & ~bone
        parts, count = ndimage.label(hole)
        if count:
            sizes = np.bincount(parts.ravel())[1:]
            largest = parts == int(np.argmax(sizes)) + 1
            area = float(sizes.max()) * 0.25
            middle = np.abs(np.nonzero(largest)[0] - np.median(np.nonzero(largest)[0])) <= 4
            depth = largest.sum(1)[np.unique(np.nonzero(largest)[0][middle])].mean() * 0.5
            if area >= 60.0:
                found.append(Canal(ap_mm=float(depth), area_mm2=area))
    return min(found, key=lambda c: c.area_mm2) if found else None


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
