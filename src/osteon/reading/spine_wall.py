"""Where the posterior wall of a body would stand, were nothing driven into the canal, and how far it stands beyond."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from osteon.imaging.measure.wall import BackWall, convexity_mm
from osteon.reading.spine_neighbours import expected
from osteon.reading.spine_rules import level_place, rules
from osteon.reading.spine_vertebra import Measured

__all__ = ["bulge_mm"]

Array = npt.NDArray[np.float64]


def bulge_mm(measured: Mapping[str, Measured], level: str, *, good: frozenset[str]) -> float | None:
    """
    How far the posterior wall of a body stands beyond the line of its undisplaced wall; None where it cannot be followed.

    A fragment takes a rim along, so that the line between a body's own rims moves with it. A rim counts as displaced where
    two witnesses have it further to the front: the wall beside the middle third, and the line of the unfractured neighbours'
    posterior walls; the nearer one says where it would stand. A vertebra that slipped as a whole has the first against it, a
    deformed outline beside the pedicles the second. A witness that is alone is believed only beyond its usual error,
    and so are both where they have the whole wall displaced: where a wall stands they tell less surely than how it leans.
    """
    own = measured[level].back_wall
    if own is None:
        return None
    slack = rules("denis")["witness_mm"]
    neighbours = _neighbours_mm(measured, level, good)
    driven = []
    for rim, place in enumerate(own.rims_mm):
        beside = _beside_mm(measured, level, good, rim)
        seen = [mm for mm in (beside, neighbours and neighbours[rim]) if mm is not None]
        least = max(seen) + (slack if len(seen) == 1 else 0.0) if seen else place
        driven.append(max(place - least, 0.0))
    whole = min(driven)
    if whole <= rules("denis")["whole_wall_mm"]:
        driven = [mm - whole for mm in driven]
    lower, upper = (place - mm for place, mm in zip(own.rims_mm, driven, strict=True))
    return convexity_mm(own, (lower, upper))


def _beside_mm(measured: Mapping[str, Measured], level: str, good: frozenset[str], rim: int) -> float | None:
    """Where the wall beside the middle third has a rim, less what it usually stands further back than the middle."""

    def further(found: BackWall | None) -> float | None:
        there = None if found is None else found.beside_mm[rim]
        return None if found is None or there is None else there - found.rims_mm[rim]

    own = measured[level].back_wall
    there = None if own is None else own.beside_mm[rim]
    if there is None:
        return None
    usual = expected(
        {k: further(m.back_wall) for k, m in measured.items()}, level, good, default=0.4, sd_floor=0.5
    )
    return there - usual.value


def _neighbours_mm(
    measured: Mapping[str, Measured], level: str, good: frozenset[str]
) -> tuple[float, float] | None:
    """Where the curve through the rims of the nearest unfractured vertebra above and below has both rims; None without."""
    here, own = measured[level], measured[level].back_wall
    seen = sorted(
        (k for k in good if k != level and k in measured and measured[k].back_wall is not None),
        key=level_place,
    )
    above = [k for k in seen if level_place(k) < level_place(level)][-1:]
    below = [k for k in seen if level_place(k) > level_place(level)][:1]
    if own is None or not above or not below:
        return None
    if level_place(below[0]) - level_place(above[0]) > rules("denis")["witness_levels"]:
        return None
    rims = here.frame.local(np.concatenate([_rims(measured[k]) for k in (*above, *below)]))
    backwards, height = -rims[:, 1], rims[:, 2]
    if np.diff(np.sort(height)).min() < 3.0:
        return None  # not one above the other: no curve goes through them
    curve = np.polynomial.Polynomial.fit(height, backwards, 3)
    lower, upper = (float(curve(w)) for w in own.rim_w_mm)
    return lower, upper


def _rims(found: Measured) -> Array:
    """The rims of a posterior wall in the patient."""
    wall = found.back_wall
    pairs = [] if wall is None else zip(wall.rims_mm, wall.rim_w_mm, strict=True)
    return found.frame.world(np.array([[wall.u_mm if wall else 0.0, -rim, w] for rim, w in pairs]))
