"""Foci of density and the spoke-wheel pattern of one body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.imaging.measure.frame import STEP_MM, BodyBox, depth_mm
from osteon.imaging.measure.surface import Endplates

__all__ = ["Foci", "FocusRule", "foci", "spoke_wheel"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Place = tuple[float, float, float]
_CORE_MM = 2.5
_AT_ENDPLATE_MM = 1.0  # a region that reaches the outermost of the core begins at the endplate
_HALF_THICKNESS_MM = 3.6  # a focus is thicker than a band under a broken endplate
_LAYER = 0.38  # of the height: further from its endplate no degenerative layer reaches
_REST = 0.2  # of a core, beside a focus, tells what its marrow is


@dataclass(frozen=True, slots=True, kw_only=True)
class FocusRule:
    """
    What makes a compact region a focus, Hounsfield units.

    Attributes
    ----------
    lytic_below_hu : so far below the spine's usual marrow, wherever the rest of the body lies
    lytic_least_hu, lytic_sd : so far below the body's own marrow, in units and in standard deviations of that marrow
    soft_least_hu, soft_most_hu : what replaces bone is soft tissue; emptier is fat, denser is marrow
    sclerotic_hu, sclerotic_over_hu : denser than this, and so far above the usual marrow
    sclerotic_least_hu, sclerotic_sd : or so far above the body's own marrow, in units and in standard deviations
    flat : height of what lies along an endplate as a share of its width
    """

    lytic_below_hu: float
    lytic_least_hu: float
    lytic_sd: float
    soft_least_hu: float
    soft_most_hu: float
    sclerotic_hu: float
    sclerotic_over_hu: float
    sclerotic_least_hu: float
    sclerotic_sd: float
    flat: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Foci:
    """
    The largest compact region of soft tissue in place of marrow, and the largest far above the usual density.

    Attributes
    ----------
    lytic_ml, sclerotic_ml : volume
    lytic_uvw_mm, sclerotic_uvw_mm : middle in the body's frame, None where there is none
    dome_ml : of what stands out of the marrow and begins at an endplate, as degenerative sclerosis does; no sclerotic region
    lytic_visible_hu : what is denser than this does not stand out of this body's marrow
    """

    lytic_ml: float
    sclerotic_ml: float
    lytic_visible_hu: float
    dome_ml: float = 0.0
    lytic_uvw_mm: Place | None = None
    sclerotic_uvw_mm: Place | None = None


def foci(
    box: BodyBox, plates: Endplates, *, usual_hu: float, rule: FocusRule, band_most_hu: float = 0.0
) -> Foci | None:
    """
    Compact regions of unusual density in the core of a body; None without an image or without a core.

    A region counts where a ball of 7 mm fits into it, so that veins and the dense band of a fresh fracture do not.

    Parameters
    ----------
    usual_hu : float
        The spine's usual trabecular density.
    rule : FocusRule
    band_most_hu : float
        For a body that lost height: bone pressed together lies in layers along the endplates, a focus stands out within its
        layer. What a whole layer has over the usual density does not count towards a sclerotic region, unless it is more
        than this: no pressed bone is so dense.
    """
    if box.hu is None:
        return None
    deep = depth_mm(box.inside >= 0.5) >= _CORE_MM
    if not deep.any():
        return None
    hu = ndimage.gaussian_filter(np.nan_to_num(box.hu, nan=usual_hu), [1.0 / step for step in STEP_MM])
    plain = hu
    if band_most_hu:
        over = np.clip(_layers(box, plates, hu, deep) - usual_hu, 0.0, None)
        plain = hu - np.where(over <= band_most_hu, over, 0.0)
    lytic, visible = _lytic(box, hu, deep, usual_hu, rule)
    dense = max(rule.sclerotic_hu, usual_hu + rule.sclerotic_over_hu)
    upright = []
    region = deep & (plain > dense)
    if not _along_endplate(region, box, plates, rule):
        upright.append(_compact(region, box))
    dome_ml = 0.0
    for region in [] if band_most_hu else _standing_out(hu, deep, usual_hu, rule):
        one = _compact(region, box)
        if _at_endplate(region, box, plates):
            dome_ml = one[0]
        else:
            upright.append(one)
    sclerotic = max(upright, key=lambda one: one[0], default=(0.0, None))
    return Foci(
        lytic_ml=lytic[0],
        lytic_uvw_mm=lytic[1],
        lytic_visible_hu=visible,
        dome_ml=dome_ml,
        sclerotic_ml=sclerotic[0],
        sclerotic_uvw_mm=sclerotic[1],
    )


def _lytic(
    box: BodyBox, hu: Array, deep: Mask, usual_hu: float, rule: FocusRule
) -> tuple[tuple[float, Place | None], float]:
    """
    The larger of two: what stands out of the body's own marrow, and what lies below the spine's, as a replaced body does.

    The grain of the marrow, scanner's noise and trabeculae together, says how little can stand out of it. Pressed bone is
    denser than the marrow that is left, so that the less dense of body and spine is taken.
    """
    own, grain = _marrow(hu, deep, usual_hu - rule.lytic_least_hu)
    need = max(rule.lytic_least_hu, rule.lytic_sd * grain)
    found: list[tuple[float, Place | None]] = [(0.0, None)]
    for marrow, below in ((min(own, usual_hu), need), (usual_hu, max(need, rule.lytic_below_hu))):
        if marrow - below < rule.soft_least_hu:
            continue  # only fat would be so empty
        level = _core_hu(deep & (hu < marrow - below / 2), hu)
        if level is None or not rule.soft_least_hu <= level <= min(rule.soft_most_hu, marrow - below):
            continue
        # half-way between focus and marrow lies the border, whatever the contrast and the blur
        found.append(_compact(deep & (hu < max((marrow + level) / 2, marrow - below)), box))
    return max(found, key=lambda one: one[0]), min(own, usual_hu) - need


def _standing_out(hu: Array, deep: Mask, usual_hu: float, rule: FocusRule) -> list[Mask]:
    """What is far denser than the body's own marrow, up to half-way: a small bone island stays as small as it is."""
    own = float(np.median(hu[deep]))
    grain = 1.4826 * float(np.median(own - hu[deep & (hu < own)]))
    marrow = max(own, usual_hu)
    over = max(rule.sclerotic_least_hu, rule.sclerotic_sd * grain)
    level = _core_hu(deep & (hu > marrow + over / 2), hu)
    return [] if level is None or level < marrow + over else [deep & (hu > (marrow + level) / 2)]


def _along_endplate(region: Mask, box: BodyBox, plates: Endplates, rule: FocusRule) -> bool:
    """Whether what is compact in a region is a flat layer that does not reach the middle, as degenerative sclerosis is."""
    kernel = _kernel(region)
    if kernel is None:
        return False
    ball = region & (ndimage.distance_transform_edt(~kernel, sampling=STEP_MM) <= _HALF_THICKNESS_MM)
    u, v, w = np.nonzero(ball)
    wide = np.sqrt(max(float(np.std(box.u_mm[u]) * np.std(box.v_mm[v])), 1e-9))
    low, high = plates.bottom_mm[u, v], plates.top_mm[u, v]
    with np.errstate(invalid="ignore"):
        share = (box.w_mm[w] - low) / (high - low)
    reach = min(float(np.nanquantile(share, 0.95)), 1.0 - float(np.nanquantile(share, 0.05)))
    return float(np.std(box.w_mm[w])) < rule.flat * wide and reach < _LAYER


def _at_endplate(region: Mask, box: BodyBox, plates: Endplates) -> bool:
    """
    Whether a region begins at an endplate, as degenerative sclerosis does, a dome over a worn disc or around a node.

    Such a dome is common; only what is as dense as a focus anywhere is told there.
    """
    kernel = _kernel(region)
    if kernel is None:
        return False
    ball = region & (ndimage.distance_transform_edt(~kernel, sampling=STEP_MM) <= _HALF_THICKNESS_MM)
    u, v, w = np.nonzero(ball)
    near = np.fmin(plates.top_mm[u, v] - box.w_mm[w], box.w_mm[w] - plates.bottom_mm[u, v])
    return bool(np.nanmin(near) < _CORE_MM + _AT_ENDPLATE_MM)


def _marrow(hu: Array, deep: Mask, empty_hu: float) -> tuple[float, float]:
    """Median and robust spread of a body's marrow beside what is compact and emptier than ``empty_hu``, where that leaves enough."""
    kernel = _kernel(deep & (hu < empty_hu))
    rest = deep
    if kernel is not None:
        away = ndimage.distance_transform_edt(~kernel, sampling=STEP_MM) > _HALF_THICKNESS_MM + _CORE_MM
        rest = deep & away if (deep & away).sum() > _REST * deep.sum() else deep
    own = float(np.median(hu[rest]))
    return own, 1.4826 * float(np.median(np.abs(hu[rest] - own)))


def _core_hu(region: Mask, hu: Array) -> float | None:
    """Median density in the middle of the balls that fit into a region; None where none does."""
    kernel = _kernel(region)
    return None if kernel is None else float(np.median(hu[kernel]))


def _kernel(region: Mask) -> Mask | None:
    """Middles of the balls that fit into a region."""
    kernel = depth_mm(region) >= _HALF_THICKNESS_MM
    return kernel if kernel.any() else None


def _layers(box: BodyBox, plates: Endplates, hu: Array, deep: Mask) -> Array:
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


def _compact(region: Mask, box: BodyBox) -> tuple[float, Place | None]:
    """Volume and middle of the largest part of a region that a ball fits into."""
    boxes = ndimage.find_objects(region.astype(np.uint8))
    if not boxes:
        return 0.0, None
    corner = [s.start - 1 for s in boxes[0]]
    region = np.pad(region[boxes[0]], 1)
    kernel = _kernel(region)
    if kernel is None:
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
