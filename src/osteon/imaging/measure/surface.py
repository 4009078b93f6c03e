"""Endplates as height fields: where the top and the bottom of a body lie over columns a millimetre apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteon.core.errors import NotEnoughData
from osteon.imaging.measure.frame import (
    BodyBox,
    BodyFrame,
    body_box,
    quantile_seen,
    robust_plane,
    tilted,
    unit,
)
from osteon.imaging.volume import LabelMap, Volume

__all__ = ["BESIDE", "Endplates", "endplates", "refined", "wall"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endplates:
    """
    The two endplates of a body in its frame.

    Attributes
    ----------
    u_mm, v_mm : ndarray (nu,), (nv,)
        Places of the columns to the left and to the front.
    top_mm, bottom_mm : ndarray (nu, nv)
        Height of the surfaces along the axis, millimetres from the frame's centre; NaN where no body is.
    left_mm, right_mm, back_mm, front_mm : float
        Extent of the body: side to side, and front to back in the central third.
    """

    u_mm: Array
    v_mm: Array
    top_mm: Array
    bottom_mm: Array
    left_mm: float
    right_mm: float
    back_mm: float
    front_mm: float

    @property
    def depth_mm(self) -> float:
        """From the back to the front in the central third."""
        return self.front_mm - self.back_mm

    @property
    def width_mm(self) -> float:
        """From side to side."""
        return self.left_mm - self.right_mm

    @property
    def middle_u_mm(self) -> float:
        """Middle between the sides."""
        return (self.left_mm + self.right_mm) / 2

    def share_u(self) -> Array:
        """Place of each column between the sides: -1 right, 0 middle, 1 left."""
        return np.asarray((self.u_mm - self.middle_u_mm) / (self.width_mm / 2), dtype=np.float64)

    def share_v(self) -> Array:
        """Depth of each column: 0 at the posterior wall, 1 at the anterior."""
        return np.asarray((self.v_mm - self.back_mm) / self.depth_mm, dtype=np.float64)

    @property
    def planes(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Robust planes (slope to the left, slope to the front, height) of the top and of the bottom, central third."""
        return self._planes(half_u=1 / 3, half_v=0.46)

    @property
    def side_slopes(self) -> tuple[float, float]:
        """Slope to the left of the top and of the bottom, over three quarters of the width and half of the depth."""
        top, bottom = self._planes(half_u=0.75, half_v=0.25)
        return top[0], bottom[0]

    def _planes(
        self, *, half_u: float, half_v: float
    ) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        chosen = (np.abs(self.share_u()) <= half_u)[:, None] & (np.abs(self.share_v() - 0.5) <= half_v)
        u, v = np.broadcast_arrays(self.u_mm[:, None], self.v_mm)
        fits = []
        for surface in (self.top_mm, self.bottom_mm):
            seen = chosen & np.isfinite(surface)
            fits.append(robust_plane(u[seen], v[seen], surface[seen]))
        return fits[0], fits[1]


def _outermost(field: Array, axis_mm: Array) -> Array:
    """Place of the last crossing of 0.5 along the last axis, linear between samples; NaN where never reached."""
    filled = field >= 0.5
    last = field.shape[-1] - 1 - np.argmax(filled[..., ::-1], axis=-1)
    beyond = np.minimum(last + 1, field.shape[-1] - 1)
    here = np.take_along_axis(field, last[..., None], -1)[..., 0]
    there = np.take_along_axis(field, beyond[..., None], -1)[..., 0]
    share = np.where(beyond > last, (here - 0.5) / np.maximum(here - there, 1e-9), 0.0)
    place = axis_mm[last] + np.clip(share, 0.0, 1.0) * (axis_mm[1] - axis_mm[0])
    return np.asarray(np.where(filled.any(-1), place, np.nan), dtype=np.float64)


def wall(box: BodyBox, *, side: str) -> Array:
    """
    Place of the ``"front"`` or ``"back"`` wall as v (nu, nw) in millimetres; NaN where the body is absent.
    """
    field = np.swapaxes(box.inside, 1, 2)
    if side == "front":
        return _outermost(field, box.v_mm)
    return -_outermost(field[..., ::-1], -box.v_mm[::-1])


def endplates(box: BodyBox) -> Endplates:
    """
    The endplates of a body, sub-voxel: the outermost half-way crossing of every column.

    Raises
    ------
    NotEnoughData
        The body is too thin or too small to have endplates.
    """
    top = _outermost(box.inside, box.w_mm)
    bottom = -_outermost(box.inside[..., ::-1], -box.w_mm[::-1])
    tall = top - bottom
    if np.isfinite(tall).sum() < 60:
        raise NotEnoughData(f"a body over {np.isfinite(tall).sum()} mm2, expected at least 60.")
    # a column far lower than usual is an osteophyte, the slope of a wall or the root of a pedicle
    usual = np.nan_to_num(tall) >= np.nanmedian(tall) / 3
    step = float(box.u_mm[1] - box.u_mm[0])
    places = box.u_mm[np.nonzero(usual)[0]]
    right, left = np.percentile(places, [2, 98]) + np.array([-step / 2, step / 2])
    central = np.abs(box.u_mm - (left + right) / 2) <= (left - right) / 6
    if usual[central].sum() < 20:
        raise NotEnoughData("the central third of the body is nearly empty.")
    trimmed = np.where(usual, top, np.nan), np.where(usual, bottom, np.nan)
    ends = {}
    for forwards in (False, True):
        borders = [_border(box, surface, forwards=forwards) for surface in (top, -bottom)]
        if not all(np.isfinite(border[central]).any() for border in borders):
            raise NotEnoughData("the central third of the body has no border.")
        with np.errstate(
            invalid="ignore"
        ):  # a strip without a border is infinite; between two such is no number
            usual_ends = [float(np.nanpercentile(border[central], 75)) for border in borders]
        # a spur of one endplate reaches far beyond the other: the body ends near the shorter one
        ends[forwards] = min(max(usual_ends), min(usual_ends) + SPUR_MM)
        if not forwards:
            ends[forwards] = min(ends[forwards], _before_fragment(box, tall, (left, right)))
        for surface, border in zip(trimmed, borders, strict=True):
            sign = 1.0 if forwards else -1.0
            surface[sign * box.v_mm > np.fmin(border, ends[forwards])[:, None]] = np.nan
    if not (left - right >= LEAST_MM and ends[True] + ends[False] >= LEAST_MM):
        raise NotEnoughData(
            f"a body {left - right:.0f} mm wide and {ends[True] + ends[False]:.0f} mm deep, expected {LEAST_MM:.0f} each."
        )
    return Endplates(
        u_mm=box.u_mm,
        v_mm=box.v_mm,
        top_mm=trimmed[0],
        bottom_mm=trimmed[1],
        left_mm=float(left),
        right_mm=float(right),
        back_mm=-ends[False],
        front_mm=ends[True],
    )


def _before_fragment(box: BodyBox, tall: Array, sides: tuple[float, float]) -> float:
    """
    How far back a body reaches without what was driven out of it (millimetres backwards); infinite where nothing was.

    A fragment in the canal is lower than the body it came from, or stands between the pedicles with the body's wall to its
    right and left: the body ends where its height falls off, and not far behind its wall beside the middle. A spur is shorter.
    """
    v, tall = -box.v_mm[::-1], np.nan_to_num(tall[:, ::-1])
    aside = np.abs(box.u_mm - sum(sides) / 2) / ((sides[0] - sides[1]) / 2)
    rear = v > np.median(v[(tall > 0).any(0)])
    usual = quantile_seen(np.where((tall > 0) & rear, tall, np.nan), 0.75, axis=1)
    whole = rear & (tall >= FRAGMENT_SHARE * usual[:, None])
    ends = np.where(whole, v + (v[1] - v[0]) / 2, -np.inf).max(1)
    middle, beside = _strips(aside)
    reach = float(np.percentile(np.where(tall[middle] > 0, v, -np.inf).max(1), 75))
    flank = float(np.percentile(ends[beside], 75)) + SPUR_MM if beside.any() else np.inf
    end = min(float(np.percentile(ends[middle], 75)), flank)
    return end if reach > end + SPUR_MM + 1.0 else np.inf


def _strips(aside: Array) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Sagittal strips of the middle third, and those beside it where the posterior wall still faces the canal."""
    return aside <= 1 / 3, (aside >= BESIDE[0]) & (aside <= BESIDE[1])


BESIDE = (0.5, 0.7)
"""Shares of the half width between which the wall is the body's own on either side of a fragment."""
FRAGMENT_SHARE = 0.8
STEEP = 1.5
"""Millimetres per millimetre; where a surface falls off faster towards the border, the endplate has ended."""
SPUR_MM = 2.0
LEAST_MM = 5.0
"""What is shallower or narrower is a splinter of a mask, not a vertebral body."""


def _border(box: BodyBox, surface: Array, *, forwards: bool) -> Array:
    """
    Where an endplate ends in each sagittal strip, to the front or to the back (millimetres in that direction).

    A column counts where a millimetre of it is bone, so that the rims count; and only up to where the surface falls off, so
    that a wall bulging between the rims, or the wall under a spur, does not count.
    """
    turn = slice(None) if forwards else slice(None, None, -1)
    v = box.v_mm if forwards else -box.v_mm[::-1]
    border = _outermost(np.partition(box.inside[:, turn], -2, axis=-1)[..., -2], v)
    field = surface[:, turn]
    step = v[1] - v[0]
    drop = -np.diff(field, axis=1, append=np.nan) / step
    start = float(np.nanmedian(np.where(np.isfinite(field), v, np.nan)))
    steep = (drop > STEEP) & (v > (start + border[:, None]) / 2)
    first = np.where(steep.any(1), v[steep.argmax(1)] + step / 2, np.inf)
    return np.asarray(np.fmin(first, border), dtype=np.float64)


def refined(bodies: LabelMap | Volume, code: int | None, frame: BodyFrame, *, rounds: int = 2) -> BodyFrame:
    """
    Stand the frame upright: on the mean normal of both endplates, ``rounds`` times, then along the walls.

    The planes are fitted robustly over the central third from side to side. A wedge tilts one endplate and with it the mean
    normal while the walls stay as they were, and only along the walls does each column meet both endplates. One wall alone
    may be deformed, by a burst or by spurs: the sagittal lean is the middle one of posterior wall, anterior wall and normal.
    """
    for _ in range(rounds):
        found = endplates(body_box(bodies, code, frame, margin_mm=3.0))
        (top_u, top_v, _), (bottom_u, bottom_v, _) = found.planes
        normal = unit(np.array([-top_u, -top_v, 1.0])) + unit(np.array([-bottom_u, -bottom_v, 1.0]))
        frame = tilted(frame, -normal[0] / normal[2], -normal[1] / normal[2])
    box = body_box(bodies, code, frame, margin_mm=3.0)
    plates = endplates(box)
    leans = (_lean(box, plates, side="back"), _lean(box, plates, side="front"), 0.0)
    return tilted(frame, 0.0, -float(np.clip(np.median(leans), -0.36, 0.36)))  # at most 20 degrees


def _lean(box: BodyBox, plates: Endplates, *, side: str) -> float:
    """
    How far a wall leans to the front per millimetre upwards; 0 where it is too low to tell.

    A robust line through the wall of the central third, over the middle four fifths of its height.
    """
    central = np.abs(plates.share_u()) <= 1 / 3
    depth = plates.share_v() if side == "back" else 1.0 - plates.share_v()
    near = (depth > 0.05) & (depth < 0.3)
    ends = [surface[central][:, near] for surface in (plates.bottom_mm, plates.top_mm)]
    if not all(np.isfinite(end).any() for end in ends):
        return 0.0
    low, high = (float(np.nanmedian(end)) for end in ends)
    if high - low < 8.0:
        return 0.0
    rows = np.abs(box.w_mm - (low + high) / 2) <= 0.4 * (high - low)
    u, w = np.broadcast_arrays(box.u_mm[central][:, None], box.w_mm[rows])
    v = wall(box, side=side)[central][:, rows]
    seen = np.isfinite(v)
    return robust_plane(u[seen], w[seen], v[seen])[1] if seen.sum() >= 6 else 0.0
