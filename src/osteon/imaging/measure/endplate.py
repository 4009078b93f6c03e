"""Signs of injury at one endplate: depression, discontinuity, a denser band below it, and its tilt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from osteon.imaging.measure.frame import BodyBox, robust_plane
from osteon.imaging.measure.surface import Endplates

__all__ = ["EndplateSigns", "endplate_signs"]

Array = npt.NDArray[np.float64]


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
        Share of columns without a cortical peak within 2 mm of the surface; None without an image.
    band_hu : float or None
        Mean density 2-6 mm inside less that of the core; None without an image.
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
    side: Literal["superior", "inferior"],
    trabecular_hu: float | None,
    peak_above_hu: float,
) -> EndplateSigns:
    """
    Read one endplate.

    Parameters
    ----------
    side : "superior" or "inferior"
    trabecular_hu : float or None
        Density of the core; None leaves the signs that need an image out.
    peak_above_hu : float
        A cortex reaches this much over the core.
    """
    up = 1.0 if side == "superior" else -1.0
    surface = up * (plates.top_mm if side == "superior" else plates.bottom_mm)
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
    gap, band = _density_signs(box, surface, seen & (radius < 0.8), up, trabecular_hu, peak_above_hu)
    return EndplateSigns(
        depression_mm=deepest,
        depth_share=float(share_v[inner][np.argmax(below)]),
        focality=float(np.mean(below > deepest / 2)) if deepest > 0 else 1.0,
        discontinuity=gap,
        band_hu=band,
        tilt_deg=float(np.degrees(-np.arctan(tilt))),
    )


def _density_signs(
    box: BodyBox, surface: Array, columns: npt.NDArray[np.bool_], up: float, core: float | None, above: float
) -> tuple[float | None, float | None]:
    """Share of ``columns`` without a cortical peak, and the density of the band inside less that of the core."""
    if box.hu is None or core is None or not np.isfinite(core):
        return None, None
    outward = up * box.w_mm - surface[..., None]  # 0 at the surface, negative inside
    chosen = columns[..., None] & np.isfinite(box.hu)
    near = chosen & (np.abs(outward) <= 2.0)
    peak = np.where(near, box.hu, -np.inf).max(-1)[columns]
    peak = peak[np.isfinite(peak)]
    band = box.hu[chosen & (outward <= -2.0) & (outward >= -6.0)]
    if len(peak) < 30 or len(band) < 100:
        return None, None
    return float(np.mean(peak < core + above)), float(band.mean()) - core
