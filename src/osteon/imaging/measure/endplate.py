"""Signs of injury at one endplate: depression, discontinuity, a denser band below it, and its tilt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from osteon.imaging.measure.frame import BodyBox, robust_plane
from osteon.imaging.measure.surface import Endplates

__all__ = ["EndplateSigns", "cortical_peak_hu", "endplate_signs"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Side = Literal["superior", "inferior"]
NEAR_MM = 1.5
"""How far from the surface the cortex is looked for; further in, a dense band would pass for it."""
BAND_MM = (2.0, 6.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndplateSigns:
    """
    What one endplate shows, before any comparison with its neighbours.

    Attributes
    ----------
    depression_mm : float
        Deepest point (98th percentile) below the plane through the rim.
    depth_share : float
        Where that is, 0 at the posterior wall, 1 at the anterior.
    focality : float, 0-1
        Share of the columns deeper than half of it; small for a Schmorl node.
    discontinuity : float or None
        Share of columns without a cortical peak within 1.5 mm of the surface; None without an image, or where even whole
        endplates show too little cortex to miss it.
    band_hu : float or None
        Density 2-6 mm inside (not deeper than a third of the height), median over the columns, less that of the core; None
        without an image.
    tilt_deg : float
        Sagittal angle between the endplate and the normal of the upright frame (its walls); positive where its front is
        pressed towards the body.
    """

    depression_mm: float
    depth_share: float
    focality: float
    discontinuity: float | None
    band_hu: float | None
    tilt_deg: float


def endplate_signs(
    box: BodyBox,
    plates: Endplates,
    *,
    side: Side,
    trabecular_hu: float | None,
    peak_above_hu: float | None,
) -> EndplateSigns:
    """
    Read one endplate.

    Parameters
    ----------
    side : "superior" or "inferior"
    trabecular_hu : float or None
        Density of the core; None leaves the signs that need an image out.
    peak_above_hu : float or None
        A cortex reaches this much over the core; None leaves the discontinuity out.
    """
    surface = _outward(plates, side)
    share_u, share_v = np.broadcast_arrays(plates.share_u()[:, None], plates.share_v())
    radius = np.sqrt(share_u**2 + (2 * share_v - 1) ** 2)
    seen = np.isfinite(surface) & (radius < 0.98) & (np.abs(share_u) <= 2 / 3)
    rim, inner = seen & (radius >= 0.78), seen & (radius < 0.78)
    u, v = np.broadcast_arrays(plates.u_mm[:, None], plates.v_mm)
    slope_u, slope_v, level = robust_plane(u[rim], v[rim], surface[rim])
    below = level + slope_u * u[inner] + slope_v * v[inner] - surface[inner]
    deepest = float(np.percentile(below, 98))
    central = seen & (np.abs(share_u) <= 1 / 3)
    tilt = robust_plane(u[central], v[central], surface[central])[1]
    return EndplateSigns(
        depression_mm=deepest,
        depth_share=float(share_v[inner][np.argmax(below)]),
        focality=float(np.mean(below > deepest / 2)) if deepest > 0 else 1.0,
        discontinuity=_discontinuity(box, plates, side, trabecular_hu, peak_above_hu),
        band_hu=_band(box, plates, side, trabecular_hu),
        tilt_deg=float(np.degrees(-np.arctan(tilt))),
    )


def cortical_peak_hu(box: BodyBox, plates: Endplates) -> float | None:
    """How dense the cortex of both endplates looks on this scan (median over the columns); None without an image."""
    peaks = [_peaks(box, plates, side) for side in ("superior", "inferior")]
    seen = np.concatenate([peak for peak in peaks if peak is not None] or [np.zeros(0)])
    return float(np.median(seen)) if len(seen) >= 30 else None


def _outward(plates: Endplates, side: str) -> Array:
    """Height of an endplate's columns, counted outwards."""
    return plates.top_mm if side == "superior" else -plates.bottom_mm


def _columns(plates: Endplates, side: str) -> Mask:
    """The columns of an endplate that lie clear of its rim."""
    share_u, share_v = np.broadcast_arrays(plates.share_u()[:, None], plates.share_v())
    inner = (np.sqrt(share_u**2 + (2 * share_v - 1) ** 2) < 0.8) & (np.abs(share_u) <= 2 / 3)
    return np.asarray(inner & np.isfinite(_outward(plates, side)), dtype=bool)


def _profiles(box: BodyBox, plates: Endplates, side: str) -> tuple[Array, Array]:
    """Densities of those columns (n, nw), and how far outside the surface each sample lies."""
    hu = box.hu if box.hu is not None else np.full_like(box.inside, np.nan)
    columns = _columns(plates, side)
    along = box.w_mm if side == "superior" else -box.w_mm
    return hu[columns], along - _outward(plates, side)[columns][:, None]


def _peaks(box: BodyBox, plates: Endplates, side: str) -> Array | None:
    """The densest place near the surface, per column."""
    if box.hu is None:
        return None
    hu, outside = _profiles(box, plates, side)
    peak = np.where((np.abs(outside) <= NEAR_MM) & np.isfinite(hu), hu, -np.inf).max(-1, initial=-np.inf)
    return np.asarray(peak[np.isfinite(peak)], dtype=np.float64)


def _discontinuity(
    box: BodyBox, plates: Endplates, side: str, core: float | None, above: float | None
) -> float | None:
    """Share of columns without a cortical peak."""
    peak = _peaks(box, plates, side)
    if peak is None or core is None or above is None or len(peak) < 30:
        return None
    return float(np.mean(peak < core + above))


def _band(box: BodyBox, plates: Endplates, side: str, core: float | None) -> float | None:
    """
    Density of the band inside less that of the core.

    The median over the columns, so that a focus is no band; not deeper than a third of the height, where a collapsed body
    shows the other endplate's band.
    """
    if box.hu is None or core is None or not np.isfinite(core):
        return None
    hu, outside = _profiles(box, plates, side)
    third = (plates.top_mm - plates.bottom_mm)[_columns(plates, side)] / 3
    within = (outside <= -BAND_MM[0]) & (-outside <= np.fmin(third, BAND_MM[1])[:, None]) & np.isfinite(hu)
    counted = within.sum(-1)
    enough = counted >= 2
    if enough.sum() < 30:
        return None
    return float(np.median(np.where(within, hu, 0.0).sum(-1)[enough] / counted[enough])) - core
