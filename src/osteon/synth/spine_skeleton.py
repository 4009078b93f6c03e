"""Rods of everything but the bodies: arches and processes, canal, ribs, sternum, sacrum, pelvis, femora, implants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from osteon.domain.anatomy import level_rank
from osteon.synth.spine_anatomy import SpineAnatomy, Vertebra
from osteon.synth.spine_shapes import Rod

__all__ = [
    "arch_rods",
    "canal_rods",
    "chain",
    "pelvis_rods",
    "rib_rods",
    "sacral_holes",
    "sacrum_rods",
    "screw_rods",
]

Points = npt.NDArray[np.float64]
_X, _Y, _Z = np.eye(3)


def chain(points: npt.ArrayLike, radii: Sequence[tuple[float, float]], side: npt.ArrayLike) -> list[Rod]:
    """Rods from point to point (n, 3) with the given (side, other) radii at each."""
    at = np.asarray(points, dtype=np.float64)
    direction = np.asarray(side, dtype=np.float64)
    return [
        Rod(start=at[i], end=at[i + 1], radii=radii[i], end_radii=radii[i + 1], side=direction)
        for i in range(len(at) - 1)
    ]


def arch_rods(v: Vertebra) -> list[Rod]:
    """Pedicles, articular pillars, laminae, spinous and transverse processes of one vertebra."""
    n, b, h = v.sizes, v.shape.half_depth, v.sizes.height
    lumbar, thoracic = v.level[0] == "L", v.level[0] == "T"
    f = v.frame
    rods: list[Rod] = []

    def rod(start: tuple[float, float, float], end: tuple[float, float, float], radii: tuple[float, float],
            end_radii: tuple[float, float] | None = None, side: Points = _X) -> None:  # fmt: skip
        rods.append(
            Rod(
                start=f.world(start),
                end=f.world(end),
                radii=radii,
                end_radii=end_radii or radii,
                side=side @ f.axes,
            )
        )

    z_ped = h * (0.18 if lumbar else 0.24)
    x_ped = n.canal_width / 2 + n.pedicle_width / 2 - 0.5
    y_ped = b + n.canal_depth * 0.42
    y_lam = b + n.canal_depth + 3.0
    x_facet, thick = x_ped * (1.0 if lumbar else 0.92), 5.2 if lumbar else 4.2
    slope = np.radians(n.slope_deg)
    for s in (-1.0, 1.0):
        inward = min(x_ped, v.shape.half_width - n.pedicle_width * 0.45)
        rod(
            (s * inward, b - 5, z_ped),
            (s * x_ped, y_ped + 3, z_ped),
            (n.pedicle_width / 2, n.pedicle_height / 2),
        )
        # pillar: superior facet in front and outside, inferior facet behind and inside
        rod((s * x_ped, y_ped + 3, z_ped), (s * x_facet * 1.08, y_ped + (5 if lumbar else 4), h * 0.5 + n.disc * 0.9),
            (thick, thick * 1.15), (thick * 0.75, thick * 1.1), side=_Y)  # fmt: skip
        y_low = y_lam + (2.5 if lumbar else 1.5)
        rod((s * x_facet, y_ped + 5, z_ped), (s * x_facet * 0.72, y_low, -h * 0.5 - n.disc * 0.5),
            (thick, thick * 1.1), (thick * 0.72, thick * 1.0), side=_Y)  # fmt: skip
        # lamina
        tall = h * (0.36 if lumbar else 0.48)
        rod(
            (s * x_facet * 0.85, y_ped + 6, -h * 0.05),
            (s * 1.5, y_lam + 2, -h * 0.16),
            (2.9, tall * 0.75),
            (3.2, tall),
            side=_Y,
        )
        # transverse process
        if lumbar:
            tip = (s * (x_ped + 6 + n.transverse), y_ped + 7, z_ped + 3)
            rod((s * (x_ped + 1), y_ped + 2, z_ped), tip, (3.6, 6.0), (2.2, 4.8), side=_Y)
        else:
            reach = n.transverse * 0.8 + 5
            tip = (s * (x_ped + reach), y_ped + (9 + 0.5 * reach if thoracic else 2), z_ped + 4)
            rod((s * x_ped, y_ped + 4, z_ped), tip, (4.2, 5.0), (4.6, 4.8), side=_Y)
    # spinous process: a thin tall blade, its lower edge thickened
    root = (0.0, y_lam, -h * 0.12)
    tip = (0.0, y_lam + n.spinous * np.cos(slope), -h * 0.18 - n.spinous * np.sin(slope))
    blade = h * (0.34 if lumbar else 0.24)
    rod(root, tip, (3.4, blade), (2.6, blade * (0.95 if lumbar else 0.6)))
    low = (0.0, tip[1] - 1.0, tip[2] - blade * 0.45)
    rod((0.0, y_lam + 6, tip[2] * 0.6 - blade * 0.5), low, (3.0, 3.5), (4.0, 4.0))
    return rods


def canal_rods(anatomy: SpineAnatomy) -> list[Rod]:
    """The spinal canal from C6 to S1."""
    points, radii = [], []
    for v in anatomy.vertebrae:
        n, b = v.sizes, v.shape.half_depth
        for z in (0.45, -0.45) if v.level != "S1" else (0.45,):
            points.append(v.frame.world((0, b + n.canal_depth / 2 - 0.5, z * n.height)))
            radii.append((n.canal_width / 2, n.canal_depth / 2))
    return chain(points, radii, _X)


def rib_rods(anatomy: SpineAnatomy, v: Vertebra) -> list[Rod]:
    """Both ribs of a thoracic vertebra, a joint gap away from it; a full rib runs three fifths of the way round."""
    if not v.rib:
        return []
    rng = np.random.default_rng((anatomy.seed, v.code))
    rank = level_rank(v.level) - level_rank("T1")
    scale = anatomy.size * anatomy.thorax
    half_width = float(np.interp(rank, [0, 1, 2, 3, 5, 8, 12], [58, 82, 100, 112, 126, 132, 124])) * scale
    half_depth = float(np.interp(rank, [0, 2, 5, 8, 12], [58, 76, 96, 104, 98])) * scale
    drop = float(np.interp(rank, [0, 3, 8, 12], [45, 75, 95, 80])) * anatomy.size * rng.uniform(0.85, 1.15)
    n, a, b = v.sizes, v.shape.half_width, v.shape.half_depth
    gap, thin, tall = rng.uniform(0.8, 2.0), rng.uniform(2.8, 3.8), rng.uniform(5.0, 7.0)
    rods: list[Rod] = []
    for s in (-1.0, 1.0):
        head = v.frame.world((s * (a * 0.86 + gap + 3.5), b * 0.75, n.height * (0.38 if rank < 10 else 0.12)))
        reach = n.canal_width / 2 + n.pedicle_width + n.transverse * 0.8 + 8
        tubercle = v.frame.world((s * reach, b + n.canal_depth * 0.42 + 7, n.height * 0.2))
        back = v.frame.centre[1] + b + 26 * anatomy.size
        centre_y = back - half_depth
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


def sacrum_rods(anatomy: SpineAnatomy) -> list[Rod]:
    """Bodies S2-S5, coccyx, alae, lateral masses and crest; the body of S1 is a body of its own."""
    s1 = anatomy.at("S1")
    a, b, h = s1.shape.half_width, s1.shape.half_depth, s1.sizes.height
    rng = np.random.default_rng((anatomy.seed, 1))
    bend = rng.uniform(8, 18)
    out: list[Rod] = []
    points, radii = [np.array([0.0, b * 0.1, -h * 0.2])], [(a * 0.8, b * 0.75)]
    angle = 0.0
    for k, length in enumerate((24, 21, 18, 16, 14, 12)):
        angle += np.radians(bend if k else 6.0)
        step = np.array([0.0, np.sin(angle - 0.25), -np.cos(angle - 0.25)]) * length * anatomy.size
        points.append(points[-1] + step)
        radii.append(
            (a * (0.66, 0.52, 0.42, 0.36, 0.2, 0.12)[k], b * (0.55, 0.42, 0.34, 0.28, 0.22, 0.16)[k])
        )
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


def screw_rods(anatomy: SpineAnatomy) -> list[Rod]:
    """Pedicle screws and the two rods that join them."""
    held = [v for v in anatomy.vertebrae if v.screws]
    out: list[Rod] = []
    for s in (-1.0, 1.0):
        heads = []
        for v in held:
            n, b = v.sizes, v.shape.half_depth
            x, z = s * (n.canal_width / 2 + n.pedicle_width / 2 - 0.5), n.height * 0.2
            at = v.frame.world(
                [[x * 0.55, -b * 0.35, z], [x, b + 6, z], [x * 1.12, b + 24, z], [x * 1.12, b + 32, z]]
            )
            out += chain(at, [(2.4, 2.4), (3.0, 3.0), (3.2, 3.2), (5.5, 5.5)], _X)
            heads.append(at[-1])
        if len(heads) > 1:
            out += chain(heads, [(2.8, 2.8)] * len(heads), _X)
    return out
