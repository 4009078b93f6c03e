"""Rods of the thorax: ribs, sternum, collar bones and shoulder blades."""

from __future__ import annotations

import numpy as np

from osteon.domain.anatomy import level_rank
from osteon.synth.spine_anatomy import SpineAnatomy, Vertebra
from osteon.synth.spine_shapes import Rod
from osteon.synth.spine_skeleton import chain

__all__ = ["cage", "girdle_rods", "rib_rods"]

_X, _Y, _Z = np.eye(3)
_RIB_RANKS = [0, 1, 2, 3, 5, 8, 12]
_HALF_WIDTH = [58, 82, 100, 112, 126, 132, 124]
_HALF_DEPTH = [58, 67, 76, 83, 96, 104, 98]


def cage(anatomy: SpineAnatomy, v: Vertebra) -> tuple[float, float, float]:
    """Half width and half depth of the rib cage at a thoracic vertebra, and the y of its middle (mm)."""
    rank = level_rank(v.level) - level_rank("T1")
    scale = anatomy.size * anatomy.thorax
    half_width = float(np.interp(rank, _RIB_RANKS, _HALF_WIDTH)) * scale
    half_depth = float(np.interp(rank, _RIB_RANKS, _HALF_DEPTH)) * scale
    back = float(v.frame.centre[1]) + v.shape.half_depth + 26 * anatomy.size
    return half_width, half_depth, back - half_depth


def rib_rods(anatomy: SpineAnatomy, v: Vertebra) -> list[Rod]:
    """Both ribs of a thoracic vertebra, a joint gap away from it; a full rib runs three fifths of the way round."""
    if not v.rib:
        return []
    rng = np.random.default_rng((anatomy.seed, v.code))
    rank = level_rank(v.level) - level_rank("T1")
    half_width, half_depth, centre_y = cage(anatomy, v)
    drop = float(np.interp(rank, [0, 3, 8, 12], [45, 75, 95, 80])) * anatomy.size * rng.uniform(0.85, 1.15)
    n, a, b = v.sizes, v.shape.half_width, v.shape.half_depth
    gap, thin, tall = rng.uniform(0.8, 2.0), rng.uniform(2.8, 3.8), rng.uniform(5.0, 7.0)
    rods: list[Rod] = []
    for s in (-1.0, 1.0):
        head = v.frame.world((s * (a * 0.86 + gap + 3.5), b * 0.75, n.height * (0.38 if rank < 10 else 0.12)))
        reach = n.canal_width / 2 + n.pedicle_width + n.transverse * 0.8 + 8
        tubercle = v.frame.world((s * reach, b + n.canal_depth * 0.42 + 7, n.height * 0.2))
        start = np.arcsin(np.clip((abs(tubercle[0] - v.frame.centre[0]) + 14) / half_width, 0.2, 0.9))
        stop = start + (np.radians(rng.uniform(148, 156)) - start) * v.rib
        angles = np.linspace(start, stop, max(3, round(9 * v.rib) + 2))
        points = [head, tubercle]
        for angle in angles:
            low = tubercle[2] - 8 - drop * (np.cos(start) - np.cos(angle)) / 1.9
            points.append(
                np.array(
                    [
                        v.frame.centre[0] + s * half_width * np.sin(angle),
                        centre_y + half_depth * np.cos(angle),
                        low,
                    ]
                )
            )
        radii = [(3.6, 4.6), (3.4, 5.0), *[(tall, thin)] * (len(points) - 2)]
        rods += chain(points, radii, _Z)
    return rods


def girdle_rods(anatomy: SpineAnatomy) -> list[Rod]:
    """Sternum, collar bones, shoulder blades and the heads of the upper arms."""
    rng = np.random.default_rng((anatomy.seed, 3))
    t1, t3, t8 = (anatomy.at(name).frame.centre for name in ("T1", "T3", "T8"))
    size, wide = anatomy.size, anatomy.size * anatomy.thorax
    breast = []
    for name, down in (("T3", 20.0), ("T5", 25.0), ("T8", 30.0)):
        _, deep, middle = cage(anatomy, anatomy.at(name))
        at = anatomy.at(name).frame.centre
        breast.append(np.array([at[0], middle - deep, at[2] - down * size]))
    top = breast[0]
    out = chain(breast, [(24, 5.5), (17, 5), (15, 4.5)], _X)
    for s in (-1.0, 1.0):
        shoulder = t1 + np.array([s * 165 * wide, -5 * size, rng.uniform(-25, 20)])
        collar = [top + np.array([s * 22, -2, 6]), (top + shoulder) / 2 + np.array([0, -18, 8]), shoulder]
        out += chain(collar, [(8, 7), (5.5, 5.5), (5, 7)], _Z)
        joint = shoulder + np.array([-s * 12, 8, -32]) * size
        out += chain(
            [joint + np.array([s * 26, 0, 0]), joint + np.array([s * 27, 0, -1])], [(23 * size,) * 2] * 2, _X
        )
        spine = [t3 + np.array([s * 78 * wide, 52 * size, 0]), joint + np.array([0, 14, 22])]
        out += chain(spine, [(3.5, 6), (5, 8)], _Z)
        corner = t8 + np.array([s * 92 * wide, 48 * size, 15])
        for share in (0.0, 0.33, 0.66, 1.0):  # the blade, fanned out from the joint
            edge = (1 - share) * (t3 + np.array([s * 80 * wide, 50 * size, 10])) + share * corner
            out += chain([joint, edge], [(5, 9), (2.2, 17)], _Y)
    return out
