"""The walls of a body: whether the posterior one stands into the canal and the anterior one is buckled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteon.imaging.measure.frame import BodyBox, quantile_seen
from osteon.imaging.measure.surface import BESIDE, Endplates, wall

__all__ = [
    "BackWall",
    "anterior_kink_mm",
    "back_wall",
    "convexity_mm",
    "posterior_convexity_mm",
    "wall_density_hu",
]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackWall:
    """
    The posterior wall of one body, in its frame; outward is backwards, millimetres.

    Attributes
    ----------
    share, outward_mm : ndarray
        Place of each row between the endplates (0 below, 1 above), and the median wall of the central third there.
    span_mm : (w, w)
        Height along the axis of share 0 and 1.
    u_mm : float
        The middle from side to side.
    rims_mm : (lower, upper)
        Where the central third of the wall stands at its rims.
    beside_mm : (lower, upper), each None where not seen
        Where it stands at the same heights beside the middle third, before the pedicles.
    """

    share: Array
    outward_mm: Array
    span_mm: tuple[float, float]
    u_mm: float
    rims_mm: tuple[float, float]
    beside_mm: tuple[float | None, float | None]

    @property
    def rim_w_mm(self) -> tuple[float, float]:
        """Heights along the axis of the two rims."""
        low, high = self.span_mm
        return low + _RIM / 2 * (high - low), high - _RIM / 2 * (high - low)


_RIM = 0.12
"""Share of the height that is a rim."""


def _rows(box: BodyBox, plates: Endplates, side: str) -> tuple[npt.NDArray[np.bool_], float, float] | None:
    """The rows of a wall between its endplates, and where these lie along the axis; None where too low."""
    central = np.abs(plates.share_u()) <= 1 / 3
    near = plates.share_v() < 0.25 if side == "back" else plates.share_v() > 0.75
    ends = plates.bottom_mm[central][:, near], plates.top_mm[central][:, near]
    if not (np.isfinite(ends[0]).any() and np.isfinite(ends[1]).any()):
        return None
    low, high = float(np.nanmedian(ends[0])), float(np.nanmedian(ends[1]))
    rows = (box.w_mm >= low + 0.02 * (high - low)) & (box.w_mm <= high - 0.02 * (high - low))
    return None if high - low < 6.0 or rows.sum() < 8 else (rows, low, high)


def _median(values: Array) -> Array:
    """Median over the strips of a wall; NaN where no strip has one."""
    return quantile_seen(values, 0.5, axis=0)


def _profile(box: BodyBox, plates: Endplates, side: str) -> tuple[Array, Array] | None:
    """Median wall of the central third as (share of the height 0-1, outward place in mm); None where too low."""
    found = _rows(box, plates, side)
    if found is None:
        return None
    rows, low, high = found
    place = _median(wall(box, side=side)[np.abs(plates.share_u()) <= 1 / 3][:, rows])
    seen = np.isfinite(place)
    if seen.sum() < 8:
        return None
    outward = -place[seen] if side == "back" else place[seen]
    return (box.w_mm[rows][seen] - low) / (high - low), outward


def _chord(share: Array, outward: Array) -> Array:
    """The straight line between the two rims of a wall."""
    lower, upper = share <= _RIM, share >= 1 - _RIM
    if not lower.any() or not upper.any():
        return np.full_like(outward, np.nan)
    start, end = float(np.median(outward[lower])), float(np.median(outward[upper]))
    return start + (end - start) * share


def back_wall(box: BodyBox, plates: Endplates) -> BackWall | None:
    """The posterior wall with its rims, in the middle and beside it; None where it cannot be followed."""
    found, profile = _rows(box, plates, "back"), _profile(box, plates, "back")
    if found is None or profile is None:
        return None
    share, outward = profile
    ends = share <= _RIM, share >= 1 - _RIM
    if not all(end.any() for end in ends):
        return None
    rows, low, high = found
    aside = np.abs(plates.share_u())
    strips = (aside >= BESIDE[0]) & (aside <= BESIDE[1])
    flank = -_median(wall(box, side="back")[strips][:, rows])
    at = (box.w_mm[rows] - low) / (high - low)
    beside = []
    for end in (at <= _RIM, at >= 1 - _RIM):
        there = flank[end][np.isfinite(flank[end])]
        beside.append(float(np.median(there)) if there.size else None)
    return BackWall(
        share=share, outward_mm=outward, span_mm=(low, high), u_mm=plates.middle_u_mm,
        rims_mm=(float(np.median(outward[ends[0]])), float(np.median(outward[ends[1]]))),
        beside_mm=(beside[0], beside[1]),
    )  # fmt: skip


def convexity_mm(found: BackWall, line_mm: tuple[float, float] | None = None) -> float | None:
    """
    How far the posterior wall stands into the canal beyond a line; negative where it is hollow, as a healthy wall is.

    Parameters
    ----------
    line_mm : (lower, upper), outward
        Where the wall's rims would stand, were nothing displaced; None takes the rims as they are. A rim that was driven
        out of this line stands out as well.
    """
    lower, upper = found.rims_mm if line_mm is None else line_mm
    inner = (found.share > 0.2) & (found.share < 0.8)
    beyond = (found.outward_mm - lower - (upper - lower) * found.share)[inner]
    if not inner.any() or not np.isfinite(beyond).all():
        return None
    driven = [rim - place for rim, place in zip(found.rims_mm, (lower, upper), strict=True) if rim > place]
    return float(max([np.percentile(beyond, 95), *driven]))


def posterior_convexity_mm(box: BodyBox, plates: Endplates) -> float | None:
    """
    How far the posterior wall stands into the canal beyond the line between its own rims; negative where it is hollow.

    None where the wall cannot be followed.
    """
    found = back_wall(box, plates)
    return None if found is None else convexity_mm(found)


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
