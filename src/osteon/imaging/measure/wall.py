"""The walls of a body: whether the posterior one stands into the canal and the anterior one is buckled."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from osteon.imaging.measure.frame import BodyBox
from osteon.imaging.measure.surface import Endplates, wall

__all__ = ["anterior_kink_mm", "posterior_convexity_mm", "wall_density_hu"]

Array = npt.NDArray[np.float64]


def _profile(box: BodyBox, plates: Endplates, side: str) -> tuple[Array, Array] | None:
    """Median wall of the central third as (share of the height 0-1, outward place in mm); None where too low."""
    central = np.abs(plates.share_u()) <= 1 / 3
    near = plates.share_v() < 0.25 if side == "back" else plates.share_v() > 0.75
    ends = plates.bottom_mm[central][:, near], plates.top_mm[central][:, near]
    if not (np.isfinite(ends[0]).any() and np.isfinite(ends[1]).any()):
        return None
    low, high = float(np.nanmedian(ends[0])), float(np.nanmedian(ends[1]))
    rows = (box.w_mm >= low + 0.02 * (high - low)) & (box.w_mm <= high - 0.02 * (high - low))
    if high - low < 6.0 or rows.sum() < 8:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a row without a wall
        place = np.nanmedian(wall(box, side=side)[central][:, rows], axis=0)
    seen = np.isfinite(place)
    if seen.sum() < 8:
        return None
    outward = -place[seen] if side == "back" else place[seen]
    return (box.w_mm[rows][seen] - low) / (high - low), outward


def _chord(share: Array, outward: Array) -> Array:
    """The straight line between the two rims of a wall."""
    lower, upper = share <= 0.12, share >= 0.88
    if not lower.any() or not upper.any():
        return np.full_like(outward, np.nan)
    start, end = float(np.median(outward[lower])), float(np.median(outward[upper]))
    return start + (end - start) * share


def posterior_convexity_mm(box: BodyBox, plates: Endplates) -> float | None:
    """
    How far the posterior wall stands into the canal beyond the line between its rims; negative where it is hollow.

    A healthy wall is hollow. None where the wall cannot be followed.
    """
    found = _profile(box, plates, "back")
    if found is None:
        return None
    share, outward = found
    inner = (share > 0.2) & (share < 0.8)
    beyond = (outward - _chord(share, outward))[inner]
    return float(np.percentile(beyond, 95)) if inner.any() and np.isfinite(beyond).all() else None


def anterior_kink_mm(box: BodyBox, plates: Endplates) -> float | None:
    """
    How far the anterior wall stands out in its middle beyond the line between its rims; negative where it is hollow.

    A healthy wall is hollow; a buckled or stepped cortex bulges.
    """
    found = _profile(box, plates, "front")
    if found is None:
        return None
    share, outward = found
    middle = (share > 0.25) & (share < 0.75)
    beyond = (outward - _chord(share, outward))[middle]
    return float(np.percentile(beyond, 95)) if middle.any() and np.isfinite(beyond).all() else None


def wall_density_hu(box: BodyBox, plates: Endplates, *, sides: tuple[float, float]) -> float | None:
    """
    How dense the anterior and lateral wall looks between two places from side to side (-1 right, 1 left).

    Median over its middle height of the densest place within 2.5 mm of the surface: the cortex, as far as the scan shows
    it. None without an image.
    """
    if box.hu is None:
        return None
    middle = float(np.nanmedian((plates.top_mm + plates.bottom_mm) / 2))
    half = 0.3 * float(np.nanmedian(plates.top_mm - plates.bottom_mm))
    rows = np.abs(box.w_mm - middle) <= half
    front = wall(box, side="front")[:, rows]
    hu = np.swapaxes(box.hu, 1, 2)[:, rows]
    near = np.abs(box.v_mm - front[..., None]) <= 2.5
    peak = np.where(near, hu, -np.inf).max(-1)
    strips = (plates.share_u() >= sides[0]) & (plates.share_u() <= sides[1])
    seen = np.isfinite(front) & np.isfinite(peak) & strips[:, None]
    return float(np.median(peak[seen])) if seen.sum() >= 20 else None
