"""Discs between bodies and the curves of the spine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteon.imaging.measure.frame import BodyFrame, unit
from osteon.imaging.measure.surface import Endplates

__all__ = ["PlatePlane", "between_deg", "disc_height_mm", "plate_plane"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatePlane:
    """An endplate as a plane: a point in its middle (LPS mm) and its normal towards the head."""

    point_lps_mm: Array
    normal: Array


def plate_plane(frame: BodyFrame, plates: Endplates, *, side: str) -> PlatePlane:
    """The plane through the central third of the ``"superior"`` or ``"inferior"`` endplate."""
    slope_u, slope_v, level = plates.planes[0 if side == "superior" else 1]
    u, v = plates.middle_u_mm, (plates.back_mm + plates.front_mm) / 2
    normal = frame.up - slope_u * frame.left - slope_v * frame.front
    point = frame.world(np.array([u, v, level + slope_u * u + slope_v * v]))
    return PlatePlane(point_lps_mm=point, normal=unit(normal))


def disc_height_mm(lower_of_above: PlatePlane, upper_of_below: PlatePlane) -> float:
    """
    Distance of two endplates in the middle of the disc, along their mean normal.

    Examples
    --------
    >>> up = np.array([0.0, 0.0, 1.0])
    >>> above, below = (PlatePlane(point_lps_mm=np.array([0.0, 0.0, z]), normal=up) for z in (9.0, 0.0))
    >>> disc_height_mm(above, below)
    9.0
    """
    axis = unit(lower_of_above.normal + upper_of_below.normal)
    return float((lower_of_above.point_lps_mm - upper_of_below.point_lps_mm) @ axis)


def between_deg(upper: PlatePlane, lower: PlatePlane) -> float:
    """
    Angle between two endplates in the patient's sagittal plane; positive where they converge to the front (kyphosis).

    Examples
    --------
    >>> flat = PlatePlane(point_lps_mm=np.zeros(3), normal=np.array([0.0, 0.0, 1.0]))
    >>> forward = PlatePlane(point_lps_mm=np.zeros(3), normal=np.array([0.0, -0.5, np.sqrt(0.75)]))
    >>> round(between_deg(forward, flat), 6), round(between_deg(flat, forward), 6)
    (30.0, -30.0)
    """
    leans = [float(np.degrees(np.arctan2(-plane.normal[1], plane.normal[2]))) for plane in (upper, lower)]
    return leans[0] - leans[1]
