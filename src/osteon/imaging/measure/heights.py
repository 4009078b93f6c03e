"""Six-point heights of a vertebral body, its wedge angles and its volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteon.core.errors import NotEnoughData
from osteon.domain.spine import Heights
from osteon.imaging.measure.frame import BodyBox
from osteon.imaging.measure.surface import Endplates

__all__ = ["BodyShape", "body_shape", "heights_at"]

Array = npt.NDArray[np.float64]

DEPTHS = {"posterior": 0.10, "middle": 0.50, "anterior": 0.90}
BAND = 0.07
RIM_COLUMNS = 1
"""The outermost columns show the rounding of the rim, not the endplate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyShape:
    """
    What is measured of one body.

    Attributes
    ----------
    heights_mm : Heights
        Mid-sagittal: the central third from side to side.
    parasagittal_mm : Heights
        The lower of the two strips half-way between the middle and the sides.
    wedge_deg : float
        Angle between the endplates in the sagittal plane; positive where the front is lower (kyphotic).
    lateral_wedge_deg : float
        The same in the coronal plane; positive where the right side is lower.
    depth_mm, width_mm : float
    volume_ml : float
    se_mm : float
        Standard error of one height from the voxels and from the scatter of the columns.
    """

    heights_mm: Heights
    parasagittal_mm: Heights
    wedge_deg: float
    lateral_wedge_deg: float
    depth_mm: float
    width_mm: float
    volume_ml: float
    se_mm: float


def _midmean(values: Array) -> float:
    """Mean of the middle half: as deaf to outliers as the median, yet not stuck to the steps of voxels."""
    ordered = np.sort(values)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def heights_at(plates: Endplates, *, share_from: float, share_to: float) -> Heights:
    """
    Heights at 10, 50 and 90 % of the depth, over strips between two places from side to side (-1 right, 1 left).

    Heights run along the mean normal of the two endplates, whichever way the frame stands. Where one endplate reaches
    further than the other, as in a wedge, the shorter one goes on at the height of its border.

    Raises
    ------
    NotEnoughData
        Fewer than three strips, or no bone at one of the places.
    """
    strips = np.flatnonzero((plates.share_u() >= share_from) & (plates.share_u() <= share_to))
    (_, top_slope, _), (_, bottom_slope, _) = plates.planes
    lean = (np.arctan(top_slope) + np.arctan(bottom_slope)) / 2
    turned = [_turned(plates, int(strip), float(lean)) for strip in strips]
    profiles = [profile for profile in turned if profile is not None]
    if len(profiles) < 3:
        raise NotEnoughData(f"{len(profiles)} sagittal strips through the body, expected at least 3.")
    back = float(np.median([min(top[0][0], bottom[0][0]) for top, bottom in profiles]))
    front = float(np.median([max(top[0][-1], bottom[0][-1]) for top, bottom in profiles]))
    grid = np.linspace(back, front, 121)
    tall = np.array([np.interp(grid, *top) - np.interp(grid, *bottom) for top, bottom in profiles])
    share = (grid - back) / (front - back)
    return Heights(
        **{name: _midmean(tall[:, np.abs(share - at) <= BAND].ravel()) for name, at in DEPTHS.items()}
    )


def _turned(
    plates: Endplates, strip: int, lean: float
) -> tuple[tuple[Array, Array], tuple[Array, Array]] | None:
    """Profiles (place, height) of the top and of the bottom of a sagittal strip, turned by ``lean`` radians."""
    cos, sin = np.cos(lean), np.sin(lean)
    profiles = []
    for surface in (plates.top_mm[strip], plates.bottom_mm[strip]):
        seen = np.isfinite(surface)
        if seen.sum() < 8 + 2 * RIM_COLUMNS:
            return None
        v, w = _to_the_rim(plates.v_mm[seen], surface[seen])
        profiles.append((np.maximum.accumulate(v * cos + w * sin), w * cos - v * sin))
    return profiles[0], profiles[1]


def _to_the_rim(v: Array, w: Array) -> tuple[Array, Array]:
    """A profile whose outermost columns are drawn on as it ran over the three millimetres before them."""
    inner = slice(RIM_COLUMNS, len(v) - RIM_COLUMNS)
    here, tall = v[inner], w[inner]
    # half of its slope: rims flatten
    slopes = [(tall[at + 3] - tall[at]) / (here[at + 3] - here[at]) for at in (0, -4)]
    rise = [float(np.clip(0.5 * slope, -0.5, 0.5)) for slope in slopes]
    ends = v[0] - 0.5, v[-1] + 0.5
    first, last = tall[0] + rise[0] * (ends[0] - here[0]), tall[-1] + rise[1] * (ends[1] - here[-1])
    return np.r_[ends[0], here, ends[1]], np.r_[first, tall, last]


def body_shape(box: BodyBox, plates: Endplates) -> BodyShape:
    """
    Heights, angles and volume of a body.

    Raises
    ------
    NotEnoughData
        The body has holes where a height is taken.
    """
    (_, top_v, _), (_, bottom_v, _) = plates.planes
    top_u, bottom_u = plates.side_slopes
    middle = heights_at(plates, share_from=-1 / 3, share_to=1 / 3)
    sides = [heights_at(plates, share_from=a, share_to=b) for a, b in ((-2 / 3, -1 / 3), (1 / 3, 2 / 3))]
    return BodyShape(
        heights_mm=middle,
        parasagittal_mm=min(sides, key=lambda h: h.anterior + h.middle + h.posterior),
        wedge_deg=float(np.degrees(np.arctan(bottom_v) - np.arctan(top_v))),
        lateral_wedge_deg=float(np.degrees(np.arctan(top_u) - np.arctan(bottom_u))),
        depth_mm=plates.depth_mm,
        width_mm=plates.width_mm,
        volume_ml=float(box.inside.sum()) * box.sample_ml,
        se_mm=0.15 * box.voxel_mm + 0.1,
    )
