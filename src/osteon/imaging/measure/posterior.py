"""What an image shows at the posterior wall: its cortex, the marrow before it and what lies behind it in the canal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.imaging.measure.frame import STEP_MM, BodyBox
from osteon.imaging.measure.surface import Endplates, wall
from osteon.imaging.measure.wall import BackWall

__all__ = ["PosteriorLook", "destroyed", "posterior_look"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_ASIDE = 0.5  # of the half width: what of the wall faces the canal
_HEIGHT = (0.12, 0.88)  # between the endplates, whose own cortex ends here
_VEIN_MM = (
    6.0,
    4.5,
)  # half width and height of the middle, where the basivertebral vein leaves a gap in every body
_CORTEX_MM = 2.0  # the cortex lies so near to the outline
_CANAL_MM = (2.0, 5.0)  # behind the wall: past its blur, before the cord
_MARROW_MM = (3.0, 9.0)  # in front of the wall
_LEAST = 60  # places on the wall
_HALF_LINE_MM = 2.4  # a gap narrower than twice this is the line of a fracture


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorLook:
    """
    Hounsfield units at the posterior wall of one body, each (places to the left, places upwards), NaN where not seen.

    Attributes
    ----------
    cortex_hu : the densest within 2 mm of the outline
    canal_hu, marrow_hu : means 2 to 5 mm behind the wall and 3 to 9 mm in front of it
    away : which places lie away from the basivertebral foramen and are seen
    uvw_mm : of each place, in the body's frame
    """

    cortex_hu: Array
    canal_hu: Array
    marrow_hu: Array
    away: Mask
    uvw_mm: Array


def posterior_look(box: BodyBox, plates: Endplates, found: BackWall) -> PosteriorLook | None:
    """Read the image around a posterior wall; None without an image, or where too little of it is seen."""
    if box.hu is None:
        return None
    low, high = found.span_mm
    rows = (box.w_mm >= low + _HEIGHT[0] * (high - low)) & (box.w_mm <= low + _HEIGHT[1] * (high - low))
    strips = np.abs(plates.share_u()) <= _ASIDE
    back = wall(box, side="back")[strips][:, rows]
    hu = np.swapaxes(box.hu, 1, 2)[strips][:, rows]
    behind = back[..., None] - box.v_mm
    near = (
        np.abs(behind) <= _CORTEX_MM,
        (behind >= _CANAL_MM[0]) & (behind <= _CANAL_MM[1]),
        (behind <= -_MARROW_MM[0]) & (behind >= -_MARROW_MM[1]),
    )
    seen = np.isfinite(back)
    for chosen in near:
        seen &= chosen.any(-1) & np.isfinite(np.where(chosen, hu, 0.0)).all(-1)
    u, w = np.broadcast_arrays(box.u_mm[strips][:, None], box.w_mm[rows])
    vein = (np.abs(u - found.u_mm) <= _VEIN_MM[0]) & (np.abs(w - (low + high) / 2) <= _VEIN_MM[1])
    if (seen & ~vein).sum() < _LEAST:
        return None
    canal, marrow = (np.where(k, hu, 0.0).sum(-1) / np.maximum(k.sum(-1), 1) for k in near[1:])
    return PosteriorLook(
        cortex_hu=np.where(seen, np.where(near[0], hu, -np.inf).max(-1), np.nan),
        canal_hu=np.where(seen, canal, np.nan),
        marrow_hu=np.where(seen, marrow, np.nan),
        away=seen & ~vein,
        uvw_mm=np.stack([u, back, w], axis=-1),
    )


def destroyed(look: PosteriorLook, *, below_hu: float) -> Mask:
    """
    Where the cortex of a posterior wall is missing over a patch, away from the basivertebral foramen.

    Parameters
    ----------
    below_hu : float
        A place whose densest point is less dense lacks its cortex. A line through the wall, as a fracture leaves, is no patch.
    """
    gone = np.pad(np.nan_to_num(look.cortex_hu, nan=np.inf) < below_hu, 8, mode="edge")
    step = (STEP_MM[0], STEP_MM[2])
    core = ndimage.distance_transform_edt(gone, sampling=step) > _HALF_LINE_MM
    if not core.any():
        return np.zeros_like(look.away)
    patch = gone & (ndimage.distance_transform_edt(~core, sampling=step) <= _HALF_LINE_MM)
    found: Mask = patch[8:-8, 8:-8] & look.away
    return found
