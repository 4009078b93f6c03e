"""Rods of a vertebra beside its body: arch and processes, the canal, and screws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from osteon.synth.spine_anatomy import SpineAnatomy, Vertebra
from osteon.synth.spine_shapes import Rod

__all__ = ["arch_rods", "bridge_rods", "canal_rods", "chain", "screw_rods"]

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


def bridge_rods(anatomy: SpineAnatomy) -> list[Rod]:
    """Osteophytes that bridge a disc in front and at one side."""
    out: list[Rod] = []
    for upper, lower, disc in zip(anatomy.vertebrae, anatomy.vertebrae[1:], anatomy.discs, strict=False):
        if not disc.bridged:
            continue
        turn = np.random.default_rng((anatomy.seed, upper.code, 4)).uniform(-1.2, 1.2)
        a, b, h = (np.array(n) for n in zip(*((v.shape.half_width, v.shape.half_depth, v.shape.height / 2)
                                              for v in (upper, lower)), strict=True))  # fmt: skip
        x, y = np.sin(turn) * a, -np.cos(turn) * b
        start = upper.frame.world([x[0] * 0.95, y[0] * 0.95, -h[0] + 4])
        end = lower.frame.world([x[1] * 0.95, y[1] * 0.95, h[1] - 4])
        knee = (
            upper.frame.world([x[0] * 1.12, y[0] * 1.12, -h[0]])
            + lower.frame.world([x[1] * 1.12, y[1] * 1.12, h[1]])
        ) / 2
        out += chain([start, knee, end], [(3.0, 5.0), (2.4, 4.5), (3.0, 5.0)], _X)
    return out


def canal_rods(anatomy: SpineAnatomy) -> list[Rod]:
    """The spinal canal from C6 to S1."""
    points, radii = [], []
    for v in anatomy.vertebrae:
        n, b = v.sizes, v.shape.half_depth
        for z in (0.45, -0.45) if v.level != "S1" else (0.45,):
            points.append(v.frame.world((0, b + n.canal_depth / 2 - 0.5, z * n.height)))
            radii.append((n.canal_width / 2, n.canal_depth / 2))
    return chain(points, radii, _X)


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
