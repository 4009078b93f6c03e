"""Trabecular density of a vertebral body in Hounsfield units. Never a T-score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.core.errors import ConfigError
from osteon.domain.spine import Hounsfield
from osteon.imaging.measure.frame import BodyBox
from osteon.imaging.measure.surface import Endplates

__all__ = ["TrabecularRule", "trabecular", "trabecular_region"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrabecularRule:
    """
    Where the trabecular density is read: an ellipse in the middle of the body.

    Attributes
    ----------
    depth_share, width_share : of the body's depth and width that the ellipse spans
    height_share : middle part of the height
    front_share : only this share of the depth, counted from the front (the basivertebral plexus lies behind)
    dense_hu, dense_sd : denser than this, or than the median by so many standard deviations, is sclerosis or cement
    """

    depth_share: float = 0.70
    width_share: float = 0.60
    height_share: float = 0.50
    front_share: float = 2 / 3
    dense_hu: float = 400.0
    dense_sd: float = 2.5


def trabecular_region(box: BodyBox, plates: Endplates, rule: TrabecularRule) -> npt.NDArray[np.bool_]:
    """The samples of ``box`` (nu, nv, nw) whose density is read."""
    share_u, share_v = plates.share_u()[:, None], plates.share_v()[None, :]
    oval = (share_u / rule.width_share) ** 2 + ((2 * share_v - 1) / rule.depth_share) ** 2 <= 1.0
    oval &= share_v >= 1.0 - rule.front_share
    middle = (plates.top_mm + plates.bottom_mm)[..., None] / 2
    half = (plates.top_mm - plates.bottom_mm)[..., None] / 2
    with np.errstate(invalid="ignore"):
        inner = np.abs(box.w_mm - middle) <= rule.height_share * half
    deep = ndimage.binary_erosion(box.inside >= 0.5, iterations=2)
    return np.asarray(oval[..., None] & inner & deep, dtype=bool)


def trabecular(
    box: BodyBox,
    plates: Endplates,
    *,
    rule: TrabecularRule | None = None,
    calibration: Mapping[str, float] | None = None,
) -> Hounsfield | None:
    """
    Trabecular density of the body, cement and sclerosis left out; None without an image or with too little bone.

    Parameters
    ----------
    calibration : mapping or None
        ``slope`` and ``intercept`` of this site's scanner: volumetric density = slope HU + intercept, mg/cm3.

    Raises
    ------
    ConfigError
        The calibration lacks a number.
    """
    if calibration is not None and not {"slope", "intercept"} <= set(calibration):
        raise ConfigError(f"a calibration with {sorted(calibration)}, expected slope and intercept.")
    if box.hu is None:
        return None
    rule = rule or TrabecularRule()
    values = box.hu[trabecular_region(box, plates, rule) & np.isfinite(box.hu)]
    if len(values) * box.sample_ml < 0.3:
        return None
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    kept = values[values <= min(middle + max(rule.dense_sd * spread, 50.0), max(rule.dense_hu, middle + 1.0))]
    median = float(np.median(kept))
    return Hounsfield(
        median=median,
        mean=float(kept.mean()),
        sd=float(kept.std()),
        volume_ml=len(kept) * box.sample_ml,
        vbmd_mg_cm3=None if calibration is None else calibration["slope"] * median + calibration["intercept"],
    )
