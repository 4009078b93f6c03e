"""Foci of density and the spoke-wheel pattern of one body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.imaging.measure.frame import STEP_MM, BodyBox, depth_mm
from osteon.imaging.measure.surface import Endplates

__all__ = ["Foci", "foci", "spoke_wheel"]

Array = npt.NDArray[np.float64]
FAT_HU = -30.0
"""Emptier than this is fatty marrow, not a lesion."""
_CORE_MM = 2.5
_HALF_THICKNESS_MM = 3.6  # a focus is thicker than a band under a broken endplate


@dataclass(frozen=True, slots=True, kw_only=True)
class Foci:
    """
    The largest compact region far below and far above the usual trabecular density: its volume (ml), and its middle (u, v, w)
    in the body's frame, None where there is none.
    """

    lytic_ml: float
    sclerotic_ml: float
    lytic_uvw_mm: tuple[float, float, float] | None = None
    sclerotic_uvw_mm: tuple[float, float, float] | None = None


def foci(
    box: BodyBox,
    plates: Endplates,
    *,
    usual_hu: float,
    lytic_below_hu: float,
    sclerotic_hu: float,
    band_most_hu: float = 0.0,
) -> Foci | None:
    """
    Compact regions of unusual density in the core of a body; None without an image.

    A region counts where a ball of 7 mm fits into it, so that veins and the dense band of a fresh fracture do not.

    Parameters
    ----------
    usual_hu : float
        The spine's usual trabecular density.
    lytic_below_hu, sclerotic_hu : float
        A lytic region lies so far below the usual density, a sclerotic one is denser than this.
    band_most_hu : float
        For a body that lost height: bone pressed together lies in layers along the endplates, a focus stands out within its
        layer. What a whole layer has over the usual density does not count towards a sclerotic region, unless it is more
        than this: no pressed bone is so dense.
    """
    if box.hu is None:
        return None
    deep = depth_mm(box.inside >= 0.5) >= _CORE_MM
    hu = ndimage.gaussian_filter(np.nan_to_num(box.hu, nan=usual_hu), [1.0 / step for step in STEP_MM])
    plain = hu
    if band_most_hu:
        over = np.clip(_layers(box, plates, hu, deep) - usual_hu, 0.0, None)
        plain = hu - np.where(over <= band_most_hu, over, 0.0)
    lytic = _compact(deep & (hu < usual_hu - lytic_below_hu) & (hu > FAT_HU), box)
    sclerotic = _compact(deep & (plain > sclerotic_hu), box)
    return Foci(
        lytic_ml=lytic[0], lytic_uvw_mm=lytic[1], sclerotic_ml=sclerotic[0], sclerotic_uvw_mm=sclerotic[1]
    )


def _layers(box: BodyBox, plates: Endplates, hu: Array, deep: npt.NDArray[np.bool_]) -> Array:
    """For each sample the median density of the layer it lies in; layers run from endplate to endplate."""
    tall = plates.top_mm - plates.bottom_mm
    with np.errstate(invalid="ignore"):
        share = (box.w_mm - plates.bottom_mm[..., None]) / tall[..., None]
    count = max(int(np.nanmedian(tall)), 1)
    layer = np.clip(np.nan_to_num(share * count), 0, count - 1).astype(int)
    middle = [
        np.median(hu[chosen]) if chosen.any() else -np.inf
        for chosen in (deep & (layer == k) for k in range(count))
    ]
    return np.asarray(np.asarray(middle, dtype=np.float64)[layer], dtype=np.float64)


def _compact(region: npt.NDArray[np.bool_], box: BodyBox) -> tuple[float, tuple[float, float, float] | None]:
    """Volume and middle of the largest part of a region that a ball fits into."""
    boxes = ndimage.find_objects(region.astype(np.uint8))
    if not boxes:
        return 0.0, None
    corner = [s.start - 1 for s in boxes[0]]
    region = np.pad(region[boxes[0]], 1)
    kernel = depth_mm(region) >= _HALF_THICKNESS_MM
    if not kernel.any():
        return 0.0, None
    whole = region & (ndimage.distance_transform_edt(~kernel, sampling=STEP_MM) <= _HALF_THICKNESS_MM)
    parts, _ = ndimage.label(whole)
    sizes = np.bincount(parts.ravel())[1:]
    where = ndimage.center_of_mass(parts == 1 + int(sizes.argmax()))
    u, v, w = (
        float(np.interp(at + first, np.arange(axis.size), axis))
        for at, first, axis in zip(where, corner, (box.u_mm, box.v_mm, box.w_mm), strict=True)
    )
    return float(sizes.max()) * box.sample_ml, (u, v, w)


def spoke_wheel(box: BodyBox, region: npt.NDArray[np.bool_]) -> float | None:
    """
    Spoke-wheel density: how much more the trabecular density varies around the axis than along the radius (log ratio).

    Read in the middle of the height, in 24 sectors and 6 rings of the trabecular ``region``. Positive: spokes; negative:
    rings. None without an image or where the region is too small.
    """
    if box.hu is None:
        return None
    flat = np.where(region & np.isfinite(box.hu), box.hu, 0.0).sum(-1) / np.maximum(region.sum(-1), 1)
    seen = region.any(-1)
    if seen.sum() < 150:
        return None
    u, v = np.nonzero(seen)
    x, y = box.u_mm[u] - box.u_mm[u].mean(), box.v_mm[v] - box.v_mm[v].mean()
    values, angle = flat[u, v], np.arctan2(y / max(np.ptp(y), 1.0), x / max(np.ptp(x), 1.0))
    radius = np.hypot(x / max(np.ptp(x), 1.0), y / max(np.ptp(y), 1.0))
    outer = radius > 0.12
    around = _spread(values[outer], np.floor((angle[outer] + np.pi) / (2 * np.pi) * 24).astype(int))
    along = _spread(values[outer], np.floor((radius[outer] - 0.12) / 0.07).astype(int))
    return float(np.log(max(around, 1.0) / max(along, 1.0)))


def _spread(values: Array, group: npt.NDArray[np.int64]) -> float:
    """Variance between groups beyond what the scatter within them explains."""
    names = [g for g in np.unique(group) if (group == g).sum() >= 4]
    if len(names) < 3:
        return 1.0
    means = np.array([values[group == g].mean() for g in names])
    within = np.mean([values[group == g].var() / (group == g).sum() for g in names])
    return float(max(means.var() - within, 0.0))
