"""Where a red flag was seen: its side and its middle, in the patient."""

from __future__ import annotations

from typing import Literal

import numpy as np

from osteon.domain.spine import FlagPlace
from osteon.imaging.measure.surface import wall
from osteon.imaging.measure.surroundings import THIRDS
from osteon.reading.spine_vertebra import Measured

__all__ = ["at_pedicle", "at_wall", "in_body", "middle_of"]

_PEDICLE_SHARE = 0.78  # of the half width: where the middle of a pedicle leaves the body,
_PEDICLE_BEHIND_MM = 5.0  # and so far behind its wall
_SIDE_SHARE = 1 / 3  # of the half width: nearer to the middle a focus has no side


def in_body(flag: str, here: Measured, uvw_mm: tuple[float, float, float] | None) -> FlagPlace:
    """A focus in the body; it has a side where it lies in an outer third."""
    if uvw_mm is None:
        return FlagPlace(flag=flag)
    share = (uvw_mm[0] - here.plates.middle_u_mm) / (here.plates.width_mm / 2)
    side: Literal["right", "left"] = "right" if share < 0 else "left"
    return FlagPlace(
        flag=flag, side=side if abs(share) > _SIDE_SHARE else None, centre_lps_mm=_world(here, *uvw_mm)
    )


def middle_of(here: Measured) -> tuple[float, float, float]:
    """The middle of a body in its frame."""
    return here.plates.middle_u_mm, (here.plates.front_mm + here.plates.back_mm) / 2, _middle_w(here)


def at_pedicle(flag: str, here: Measured, *, least_hu: float) -> FlagPlace:
    """The pedicle with less bone; both sides where both have less than ``least_hu``."""
    if here.pedicles is None:
        return FlagPlace(flag=flag)
    side: Literal["right", "left"] = "right" if here.pedicles[0] <= here.pedicles[1] else "left"
    plates = here.plates
    u = plates.middle_u_mm + (-1 if side == "right" else 1) * _PEDICLE_SHARE * plates.width_mm / 2
    w = _middle_w(here) if here.pedicle_mm is None else here.pedicle_mm
    both = max(here.pedicles) < least_hu
    return FlagPlace(
        flag=flag,
        side="both" if both else side,
        centre_lps_mm=_world(here, u, plates.back_mm - _PEDICLE_BEHIND_MM, w),
    )


def at_wall(flag: str, here: Measured, *, third: int | None = None) -> FlagPlace:
    """The middle of the posterior wall, or of a ``third`` of the wall (right, middle, left) in front."""
    plates = here.plates
    if third is None:
        return FlagPlace(
            flag=flag, centre_lps_mm=_world(here, plates.middle_u_mm, plates.back_mm, _middle_w(here))
        )
    share = sum(THIRDS[third]) / 2
    u, w = plates.middle_u_mm + share * plates.width_mm / 2, _middle_w(here)
    column = wall(here.box, side="front")[np.abs(here.box.u_mm - u).argmin()]
    near = column[np.abs(here.box.w_mm - w) <= 8.0]
    v = float(np.nanmedian(near)) if np.isfinite(near).any() else plates.front_mm
    sides: tuple[Literal["right", "left"] | None, ...] = ("right", None, "left")
    return FlagPlace(flag=flag, side=sides[third], centre_lps_mm=_world(here, u, v, w))


def _middle_w(here: Measured) -> float:
    """Half-way between the endplates."""
    return float(np.nanmedian((here.plates.top_mm + here.plates.bottom_mm) / 2))


def _world(here: Measured, *uvw_mm: float) -> tuple[float, float, float]:
    x, y, z = (float(k) for k in here.frame.world(np.array(uvw_mm)))
    return x, y, z
