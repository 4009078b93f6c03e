"""Rods of the sacrum with its canal and foramina, of the hip bones, and of the femora."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from osteon.synth.spine_anatomy import SpineAnatomy
from osteon.synth.spine_shapes import Rod
from osteon.synth.spine_skeleton import chain

__all__ = ["pelvis_rods", "sacral_holes", "sacrum_rods"]

Points = npt.NDArray[np.float64]
_X, _Y, _Z = np.eye(3)


def sacrum_rods(anatomy: SpineAnatomy) -> list[Rod]:
    """Bodies S2-S5, coccyx, alae, lateral masses and crest; the body of S1 is a body of its own."""
    s1 = anatomy.at("S1")
    a, b, h = s1.shape.half_width, s1.shape.half_depth, s1.sizes.height
    rng = np.random.default_rng((anatomy.seed, 1))
    bend = rng.uniform(8, 18)
    out: list[Rod] = []
    points, radii = [np.array([0.0, b * 0.12, -h * 0.15])], [(a * 0.85, b * 0.84)]
    angle = 0.0
    for k, length in enumerate((24, 21, 18, 16, 14, 12)):
        angle += np.radians(bend if k else 6.0)
        step = np.array([0.0, np.sin(angle - 0.25), -np.cos(angle - 0.25)]) * length * anatomy.size
        points.append(points[-1] + step)
        radii.append((a * (0.68, 0.54, 0.44, 0.36, 0.2, 0.12)[k], b * (0.6, 0.45, 0.36, 0.29, 0.22, 0.16)[k]))
    path = np.array(points)
    out += chain(s1.frame.world(path), radii, s1.frame.axes[0])
    for s in (-1.0, 1.0):
        wing = np.array([s * a * 1.75, b * 0.55, -h * 0.35])
        out += chain(
            s1.frame.world([[s * a * 0.55, b * 0.1, -h * 0.15], wing]),
            [(h * 0.5, b * 0.62), (h * 0.62, b * 0.5)],
            s1.frame.axes[2],
        )
        edge = [
            wing,
            wing + np.array([-s * a * 0.18, b * 0.45, -h * 0.9]),
            path[3] + [s * a * 0.72, 2, 4],
            path[4] + [s * a * 0.3, 0, 4],
        ]
        out += chain(s1.frame.world(edge), [(11, 13), (11, 12), (8, 8), (5, 5)], s1.frame.axes[0])
        # superior facet of S1 and the roof of the sacral canal
        facet = [[s * a * 0.72, b + 6, -h * 0.1], [s * a * 0.78, b + 9, h * 0.5 + 5]]
        out += chain(s1.frame.world(facet), [(6, 5), (5, 4)], s1.frame.axes[0])
        roof = path[:4] + [[s * a * 0.5, b + 13 - 2.5 * k, 2] for k in range(4)]
        out += chain(s1.frame.world(roof), [(7, 3.5), (7, 3.5), (6, 3.5), (5, 3)], s1.frame.axes[0])
    crest = path[:4] + [[0, b + 19 - 3.5 * k, 0] for k in range(4)]
    out += chain(s1.frame.world(crest), [(4, 7), (4, 7), (3.5, 6), (3, 4)], s1.frame.axes[0])
    return out


def sacral_holes(anatomy: SpineAnatomy) -> tuple[list[Rod], list[Rod]]:
    """The sacral canal, and four pairs of foramina from front to back."""
    s1 = anatomy.at("S1")
    b, h, n = s1.shape.half_depth, s1.sizes.height, s1.sizes
    f = s1.frame
    path = np.array(
        [
            [0, b + n.canal_depth / 2 - 0.5, 0.45 * h],
            [0, b + 6, -h * 0.4],
            [0, b + 8, -h * 1.2],
            [0, b + 11, -h * 2.1],
        ]
    )
    canal = chain(
        f.world(path), [(n.canal_width / 2, n.canal_depth / 2), (12, 6.5), (9, 5), (6, 3.5)], f.axes[0]
    )
    holes = []
    for k in range(4):
        x, z = s1.shape.half_width * (0.74, 0.64, 0.55, 0.46)[k], -h * (0.62 + 0.78 * k)
        for s in (-1.0, 1.0):
            start, end = (
                np.array([s * (x + 3), -b * 0.3 + 6 * k, z]),
                np.array([s * (x - 2), b + 16 + 4 * k, z - 4]),
            )
            r = (4.8, 4.4, 3.8, 3.2)[k] * anatomy.size
            holes += chain(f.world([start, end]), [(r, r * 1.3), (r * 0.7, r)], f.axes[0])
    return canal, holes


def pelvis_rods(anatomy: SpineAnatomy) -> Iterator[tuple[str, Rod]]:
    """Rods of the hip bones and femora, named "bone", "socket" (carved out), "head" or "metal"."""
    s1 = anatomy.at("S1")
    rng = np.random.default_rng((anatomy.seed, 2))
    pitch = np.radians(anatomy.pelvis_pitch_deg)
    turn = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    origin = s1.frame.world([0, 0, s1.sizes.height / 2])
    size = anatomy.size * rng.uniform(0.95, 1.06)
    head = rng.uniform(21, 26) * anatomy.size
    metal_side = int(rng.choice([-1, 1])) if anatomy.hip_prosthesis else 0

    def world(points: Any, s: float) -> Points:
        out: Points = (np.asarray(points, dtype=np.float64) * [s, 1, 1]) @ turn.T * size + origin
        return out

    crest = [[46, 62, -38], [60, 52, -6], [88, 30, 18], [112, 2, 24], [125, -26, 12], [122, -54, -18]]
    base = [[58, 38, -62], [66, 26, -66], [76, 8, -70], [84, -8, -74], [88, -20, -74], [92, -32, -70]]
    hip = [88.0, -20.0, -92.0]
    for s in (-1.0, 1.0):
        parts = chain(world(crest, s), [(7, 7), (8, 7), (6, 6), (6.5, 6.5), (7, 7), (7, 8)], _Z)
        blade = world(crest, s), world(base, s)
        for i in range(6):
            along = blade[0][min(i + 1, 5)] - blade[0][max(i - 1, 0)]
            normal = np.cross(along, blade[0][i] - blade[1][i])
            parts += chain([blade[1][i], blade[0][i]], [(6.5, 15), (3.6, 20)], normal)
        parts += chain(world([[57, 26, -22], [58, 36, -50]], s), [(7, 15), (7, 15)], _X)
        parts += chain(
            world([[82, -42, -88], [50, -60, -98], [8, -74, -112], [9, -68, -135]], s),
            [(8, 9), (6, 7), (7, 10), (6, 9)],
            _Z,
        )
        parts += chain(world([[78, 0, -100], [68, 8, -128], [58, -4, -148], [32, -40, -146], [9, -66, -136]], s),
                       [(12, 13), (11, 12), (13, 12), (6, 7), (6, 8)], _Z)  # fmt: skip
        yield from (("bone", part) for part in parts)
        ball = world([hip, [*hip[:2], hip[2] - 0.1]], s)
        yield from (
            ("bone", r) for r in chain(ball + np.array([-s * 3, 0, 2]), [(head + 7, head + 7)] * 2, _X)
        )
        yield from (
            ("socket", r)
            for r in chain([ball[0], ball[0] + [s * 40, -3, -18]], [(head + 2.6,) * 2, (head + 16,) * 2], _X)
        )
        kind = "metal" if s == metal_side else "head"
        yield from ((kind, r) for r in chain(ball, [(head, head)] * 2, _X))
        neck = world([hip, [126, -14, -112]], s)
        yield from ((kind, r) for r in chain(neck, [(head * 0.62, head * 0.7), (15, 18)], _Y))
        shaft = world([[124, -12, -108], [126, -12, -128], [122, -14, -160], [116, -18, -290]], s)
        yield from (("bone", r) for r in chain(shaft, [(16, 18), (17, 19), (15, 15), (14, 14)], _Y))
        trochanter = world([[136, -2, -96], [134, -4, -116]], s)
        yield from (("bone", r) for r in chain(trochanter, [(12, 14), (15, 17)], _Y))
        if s == metal_side:
            stem = world([[126, -14, -112], [122, -14, -190]], s)
            yield from (("metal", r) for r in chain(stem, [(9, 9), (5, 5)], _Y))
