"""Shapes the phantom is built of, each with its depth below the surface in millimetres (negative outside)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BodyShape", "Frame", "Press", "Rod", "smooth_max", "smooth_min"]

Floats = npt.NDArray[np.floating[Any]]
Points = npt.NDArray[np.float64]


def smooth_max(a: Floats, b: Floats, width_mm: float) -> Floats:
    """
    The larger of two depths, the corner between them filled over ``width_mm``.

    Examples
    --------
    >>> float(smooth_max(np.float32(3.0), np.float32(-3.0), 1.0)), float(smooth_max(np.float32(1.0), np.float32(1.0), 2.0))
    (3.0, 1.5)
    """
    overlap = np.maximum(np.float32(width_mm) - np.abs(a - b), np.float32(0.0))
    return np.maximum(a, b) + overlap * overlap * np.float32(0.25 / width_mm)


def smooth_min(a: Floats, b: Floats, width_mm: float) -> Floats:
    """
    The smaller of two depths, the edge between them rounded over ``width_mm``.

    Examples
    --------
    >>> float(smooth_min(np.float32(1.0), np.float32(1.0), 2.0))
    0.5
    """
    return -smooth_max(-a, -b, width_mm)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """Where a vertebra stands: ``centre`` in LPS mm; rows of ``axes`` are its left, its back and its cranial direction."""

    centre: Points
    axes: Points

    def world(self, local: Any) -> Points:
        """LPS millimetres of points (..., 3) given as (left, back, up) in the frame."""
        out: Points = np.asarray(local, dtype=np.float64) @ self.axes + self.centre
        return out

    def local(self, world: Any) -> Points:
        """(left, back, up) in the frame of points (..., 3) in LPS millimetres."""
        out: Points = (np.asarray(world, dtype=np.float64) - self.centre) @ self.axes.T
        return out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rod:
    """
    A rounded, tapering, flattened rod: what processes, ribs, vessels and screws are made of.

    Attributes
    ----------
    start, end : ndarray (3,), LPS mm
    radii : (side, other) at the start; ``end_radii`` at the end
    side : ndarray (3,), the direction of the first radius; made orthogonal to the rod
    """

    start: Points
    end: Points
    radii: tuple[float, float]
    end_radii: tuple[float, float]
    side: Points

    @property
    def reach_mm(self) -> float:
        """The largest radius."""
        return max(*self.radii, *self.end_radii)

    def frame(self) -> tuple[Frame, float]:
        """The rod's frame (side, other, along), centred at its start, and its length."""
        along = self.end - self.start
        length = float(np.linalg.norm(along))
        along = along / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])
        side = self.side - along * float(self.side @ along)
        if float(np.linalg.norm(side)) < 1e-3:
            side = np.cross(along, [0.3, 0.9, 0.1])
        side = side / np.linalg.norm(side)
        return Frame(centre=self.start, axes=np.stack([side, np.cross(along, side), along])), length

    def depth(self, side: Floats, other: Floats, along: Floats, length: float) -> Floats:
        """Depth (mm) at coordinates in :meth:`frame`; exact to first order at the surface."""
        one = np.float32(1.0)
        inside = np.clip(along, np.float32(0.0), np.float32(length))
        beyond = along - inside
        if self.radii == self.end_radii:
            inv_s: Floats = np.asarray(1 / self.radii[0], dtype=np.float32)
            inv_o: Floats = np.asarray(1 / self.radii[1], dtype=np.float32)
        else:
            share = inside * np.float32(1.0 / max(length, 1e-6))
            inv_s = one / (np.float32(self.radii[0]) + share * np.float32(self.end_radii[0] - self.radii[0]))
            inv_o = one / (np.float32(self.radii[1]) + share * np.float32(self.end_radii[1] - self.radii[1]))
        inv_t = np.maximum(inv_s, inv_o)
        a, b, c = side * inv_s, other * inv_o, beyond * inv_t
        tiny = np.float32(1e-8)  # keeps the axis itself inside
        f = np.sqrt(a * a + b * b + c * c + tiny)
        a, b, c = a * inv_s, b * inv_o, c * inv_t
        out: Floats = (one - f) * f / np.sqrt(a * a + b * b + c * c + tiny * inv_t * inv_t)
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """
    How one endplate was pressed in: ``amount_mm`` times a profile, and a local dent.

    The profile is ``flat + wedge * q**power + dome``, q running from the hinge to the anterior rim; the three weights
    need not add up to one.
    """

    amount_mm: float = 0.0
    flat: float = 0.0
    wedge: float = 0.0
    dome: float = 0.0
    hinge: float = 0.0
    power: float = 1.0
    lateral: float = 0.0
    dent_mm: float = 0.0
    dent_at: tuple[float, float] = (0.0, -0.3)
    dent_radius: float = 0.45

    def down(self, x: Floats, y: Floats) -> Floats:
        """Millimetres pressed in at (x, y), both in units of the half width and half depth."""
        q = np.clip((-y + np.float32(1.0 - 2 * self.hinge)) * np.float32(0.5 / (1 - self.hinge)), 0, 1.2)
        profile = np.float32(self.flat) + np.float32(self.wedge) * (
            q if self.power == 1.0 else q ** np.float32(self.power)
        )
        if self.dome:
            profile = profile + np.float32(self.dome) * np.maximum(np.float32(1.0) - x * x - y * y, 0)
        out = np.float32(self.amount_mm) * profile * (np.float32(1.0) + np.float32(self.lateral) * x)
        if self.dent_mm:
            r2 = (x - np.float32(self.dent_at[0])) ** 2 + (y - np.float32(self.dent_at[1])) ** 2
            hole = np.maximum(np.float32(1.0) - r2 * np.float32(1 / self.dent_radius**2), 0)
            out = out + np.float32(self.dent_mm) * hole * (np.float32(2.0) - hole)
        return np.asarray(out, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyShape:
    """
    A vertebral body in its own frame (x left, y back, z up; the origin midway between the rims).

    Attributes
    ----------
    half_width, half_depth : of the rim
    height : between the rims at y = 0; it grows by ``slope`` per millimetre towards the back and ``lateral`` to the left
    concavity : depth of the (superior, inferior) endplate below its rim
    power : 2 is an ellipse, more is squarer
    back_concavity : how far the posterior wall is drawn in at its middle
    waist, back_waist : how far the walls are drawn in at mid height
    taper : how far front and sides are drawn in at the inferior endplate
    lip : height of osteophytes at the (superior, inferior) rim, left of the middle third; ``lip_right`` of the other side
    kink, step : bulge of the anterior wall at mid height; forward shift of its upper half
    bulge : how far the posterior wall stands into the canal at ``bulge_at`` of the half height
    nodes : Schmorl's nodes as (endplate +1 or -1, x, y, radius mm, depth mm)
    """

    half_width: float
    half_depth: float
    height: float
    slope: float
    lateral: float = 0.0
    concavity: tuple[float, float] = (1.5, 2.0)
    power: float = 2.3
    back_concavity: float = 1.0
    waist: float = 2.5
    back_waist: float = 0.8
    taper: float = 0.0
    lip: tuple[float, float] = (0.0, 0.0)
    lip_right: tuple[float, float] = (0.0, 0.0)
    kink: float = 0.0
    step: float = 0.0
    bulge: float = 0.0
    bulge_at: float = 0.3
    superior: Press = Press()
    inferior: Press = Press()
    nodes: tuple[tuple[int, float, float, float, float], ...] = ()

    @property
    def intact(self) -> BodyShape:
        """The same body before it broke."""
        return replace(self, superior=Press(), inferior=Press(), kink=0.0, step=0.0, bulge=0.0)

    def back_wall(self, x: Floats) -> Floats:
        """The y of the posterior wall at the rim."""
        share = np.minimum(np.abs(x) * np.float32(1 / (0.6 * self.half_width)), 1)
        return np.asarray(
            self.half_depth - np.float32(self.back_concavity) * (1 - share * share), dtype=np.float32
        )

    def _rim(self, x: Floats, y: Floats) -> Floats:
        return np.float32(self.height / 2) + np.float32(self.slope / 2) * y + np.float32(self.lateral / 2) * x

    def _cup(self, xn: Floats, yn: Floats) -> Floats:
        back = yn - np.float32(0.08)  # the endplate is deepest a little behind its middle
        return np.maximum(np.float32(1.0) - (xn * xn + back * back) * np.float32(1 / 0.81), 0)

    def surfaces(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Heights z of the superior and the inferior endplate above (x, y)."""
        xn, yn = x * np.float32(1 / self.half_width), y * np.float32(1 / self.half_depth)
        rim, cup = self._rim(x, y), self._cup(xn, yn)
        top = rim - np.float32(self.concavity[0]) * cup
        bottom = np.float32(self.concavity[1]) * cup - rim
        if self.superior.amount_mm or self.superior.dent_mm:
            top = top - self.superior.down(xn, yn)
        if self.inferior.amount_mm or self.inferior.dent_mm:
            bottom = bottom + self.inferior.down(xn, yn)
        for plate, node_x, node_y, radius, deep in self.nodes:
            r2 = (x - np.float32(node_x)) ** 2 + (y - np.float32(node_y)) ** 2
            hole = np.float32(deep) * np.maximum(np.float32(1.0) - r2 * np.float32(1 / radius**2), 0)
            if plate > 0:
                top = top - hole
            else:
                bottom = bottom + hole
        return top, bottom

    def rim_depth(self, x: Floats, y: Floats) -> Floats:
        """Distance (mm) of (x, y) from the outline of the rim, osteophytes and bulges left out."""
        shrunk = np.where(y > 0, y * np.float32(0.8), y)
        xa, ya = np.abs(x) * np.float32(1 / self.half_width), np.abs(shrunk) * np.float32(1 / self.half_depth)
        p = np.float32(self.power)
        f = (xa**p + ya**p + np.float32(1e-6)) ** np.float32(1 / self.power)
        return np.minimum((1 / f - 1) * np.hypot(x, y), self.back_wall(x) - y)

    def wall_depth(self, x: Floats, y: Floats, up: Floats, half: Floats) -> Floats:
        """Depth below the side walls; ``up`` is -1 at the inferior and 1 at the superior endplate, ``half`` in mm."""
        one = np.float32(1.0)
        shrunk = np.where(y > 0, y * np.float32(0.8), y)  # the oval goes on behind the wall that cuts it
        xa, ya = np.abs(x) * np.float32(1 / self.half_width), np.abs(shrunk) * np.float32(1 / self.half_depth)
        p = np.float32(self.power)
        f = (xa**p + ya**p + np.float32(1e-6)) ** np.float32(1 / self.power)
        tiny = np.float32((self.half_depth * 1e-6 ** (1 / self.power)) ** 2)  # keeps the axis itself inside
        oval = (one / f - one) * np.sqrt(x * x + y * y + tiny)
        drawn_in = np.maximum(one - up * up, 0)
        oval = oval - np.float32(self.waist) * drawn_in
        if self.taper:
            oval = oval - np.float32(self.taper / 2) * (one - up)
        if max(*self.lip, *self.lip_right) > 0:
            side = np.clip(np.abs(x) * np.float32(3 / self.half_width) - one, 0, 1) * (
                y < 0.3 * self.half_depth
            )
            near = np.exp(-(((np.abs(up) - one) * half * np.float32(0.4)) ** 2)) * side
            left = np.where(up > 0, np.float32(self.lip[0]), np.float32(self.lip[1]))
            right = np.where(up > 0, np.float32(self.lip_right[0]), np.float32(self.lip_right[1]))
            oval = oval + near * np.where(x > 0, left, right)
        if self.kink or self.step:
            front = np.clip(y * np.float32(-1.3 / self.half_depth), 0, 1)
            oval = oval + front * np.float32(self.kink) * np.exp(-((up * np.float32(3.0)) ** 2))
            oval = oval + front * np.float32(self.step) * (up > 0.25) * np.maximum(one - np.abs(up), 0)
        back = self.back_wall(x) - y - np.float32(self.back_waist) * drawn_in
        if self.bulge:
            at = np.exp(
                -((x * np.float32(2.2 / self.half_width)) ** 2) - ((up - np.float32(self.bulge_at)) * 2) ** 2
            )
            back = back + np.float32(self.bulge) * at
        return smooth_min(oval, np.asarray(back, dtype=np.float32), 2.5)

    def depth(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Depth (mm) below the surface of the body at (x, y, z)."""
        top, bottom = self.surfaces(x, y)
        half = np.maximum((top - bottom) * np.float32(0.5), np.float32(0.5))
        up = np.clip((z - (top + bottom) * np.float32(0.5)) / half, -1.6, 1.6)
        return smooth_min(self.wall_depth(x, y, up, half), np.minimum(top - z, z - bottom), 1.0)
