"""How wide the spinal canal is at a level beside the nearest sound levels above and below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.reading.spine_rules import level_place, rules

__all__ = ["CanalSize", "canal_size"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CanalSize:
    """
    The canal at one level.

    Attributes
    ----------
    ap_mm : float
        Sagittal diameter.
    neighbours : ((level, mm), (level, mm)) or None
        Sagittal diameter at the nearest sound levels above and below; None where one of them is missing.
    ap_change, area_change : float or None
        Diameter and area less those expected, as a fraction of them (-0.12 = 12 % less). Expected is what lies on the line
        between the neighbours, as the canal widens along the spine.
    """

    ap_mm: float
    neighbours: tuple[tuple[str, float], tuple[str, float]] | None = None
    ap_change: float | None = None
    area_change: float | None = None


def canal_size(reading: SpineReading, level: str) -> CanalSize | None:
    """The canal at ``level``; None where it was not measured. What the posterior wall is judged by is another figure."""
    here = reading.at(level)
    if here is None or here.canal_ap_mm is None:
        return None
    sound = [v for v in reading.vertebrae if v.evaluable and v.fractured is False and not v.red_flags]
    beside = _neighbours(here, [v for v in sound if v.canal_ap_mm is not None])
    if beside is None:
        return CanalSize(ap_mm=here.canal_ap_mm)
    above, below = ((v.level, float(v.canal_ap_mm or 0.0)) for v in beside)
    return CanalSize(
        ap_mm=here.canal_ap_mm,
        neighbours=(above, below),
        ap_change=_change(here, beside, lambda v: v.canal_ap_mm),
        area_change=_change(here, beside, lambda v: v.canal_area_mm2),
    )


def _neighbours(
    here: VertebraFinding, sound: list[VertebraFinding]
) -> tuple[VertebraFinding, VertebraFinding] | None:
    """The nearest above and below, no further away than any neighbour may be."""
    place, reach = level_place(here.level), rules("reference")["reach_levels"]
    near = [v for v in sound if 0 < abs(level_place(v.level) - place) <= reach]
    above = max(
        (v for v in near if level_place(v.level) < place), key=lambda v: level_place(v.level), default=None
    )
    below = min(
        (v for v in near if level_place(v.level) > place), key=lambda v: level_place(v.level), default=None
    )
    return None if above is None or below is None else (above, below)


def _change(
    here: VertebraFinding,
    beside: tuple[VertebraFinding, VertebraFinding],
    figure: Callable[[VertebraFinding], float | None],
) -> float | None:
    own, values = figure(here), [figure(v) for v in beside]
    if own is None or None in values:
        return None
    places = [level_place(v.level) for v in beside]
    expected = float(np.interp(level_place(here.level), places, np.array(values, dtype=np.float64)))
    return own / expected - 1.0 if expected > 0 else None
