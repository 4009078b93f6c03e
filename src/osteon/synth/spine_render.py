"""Labels of a spine on any grid: objects are evaluated only in the few voxels around them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from osteon.domain.anatomy import Tissue
from osteon.imaging.volume import Grid, LabelMap
from osteon.synth.spine_anatomy import SpineAnatomy, Vertebra
from osteon.synth.spine_pelvis import pelvis_rods, sacral_holes, sacrum_rods
from osteon.synth.spine_shapes import Frame, Rod, smooth_max
from osteon.synth.spine_skeleton import arch_rods, bridge_rods, canal_rods
from osteon.synth.spine_thorax import girdle_rods, rib_rods

__all__ = ["Canvas", "PhantomLabels", "render_tissue"]

Floats = npt.NDArray[np.floating[Any]]
Block = tuple[slice, slice, slice]
_OUTSIDE = np.float32(-9.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomLabels:
    """
    What every voxel of a phantom is.

    Attributes
    ----------
    tissue : LabelMap, codes of :class:`osteon.domain.anatomy.Tissue`
    vertebrae, bodies : LabelMap, VerSe codes of whole vertebrae (26 the sacrum) and of the bodies C6-L6
    depth_mm : ndarray (z, y, x), float32
        Depth below the nearest surface of a bone; negative outside, and nowhere below -9.
    """

    tissue: LabelMap
    vertebrae: LabelMap
    bodies: LabelMap
    depth_mm: Floats


class Canvas:
    """A grid to draw on, which knows the voxels near an object and their coordinates in the object's frame."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._inverse = np.linalg.inv(grid.affine)
        self.voxel_mm = float(max(grid.spacing_mm))
        self._steps = [np.arange(n, dtype=np.float64) for n in grid.shape]

    def block(
        self, low: npt.ArrayLike, high: npt.ArrayLike, frame: Frame | None = None, margin_mm: float = 1.0
    ) -> Block | None:
        """Voxels of the box from ``low`` to ``high`` (mm in ``frame``), or None where none lie on the grid."""
        ends = np.array([low, high], dtype=np.float64) + np.array([[-1], [1]]) * (margin_mm + self.voxel_mm)
        corners = ends[[[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], [0, 1, 2]]
        if frame is not None:
            corners = frame.world(corners)
        index = corners @ self._inverse[:3, :3].T + self._inverse[:3, 3]
        first = np.maximum(np.ceil(index.min(axis=0)), 0).astype(int)
        last = np.minimum(np.floor(index.max(axis=0)) + 1, self.grid.shape).astype(int)
        if (last <= first).any():
            return None
        return (
            slice(int(first[0]), int(last[0])),
            slice(int(first[1]), int(last[1])),
            slice(int(first[2]), int(last[2])),
        )

    def local(self, block: Block, frame: Frame) -> tuple[Floats, Floats, Floats]:
        """Coordinates of the block's voxels in ``frame`` (three arrays of the block's shape)."""
        matrix = frame.axes @ self.grid.affine[:3, :3]
        shift = frame.local(self.grid.affine[:3, 3])
        out = []
        for row, start in zip(matrix, shift, strict=True):
            z, y, x = (self._steps[k][block[k]] * row[k] for k in range(3))
            plane = ((z + start)[:, None] + y).astype(np.float32)
            out.append(plane[:, :, None] + x.astype(np.float32))
        return out[0], out[1], out[2]

    def world_axes(self) -> tuple[Floats, Floats, Floats]:
        """LPS x, y and z of the voxels, as arrays that broadcast to the grid's shape."""
        matrix, shift = self.grid.affine[:3, :3], self.grid.affine[:3, 3]
        out = []
        for row, start in zip(matrix, shift, strict=True):
            value = np.asarray(start).reshape(1, 1, 1)
            for k in range(3):
                if row[k] != 0:
                    line = [1, 1, 1]
                    line[k] = -1
                    value = value + (self._steps[k] * row[k]).reshape(line)
            out.append(value.astype(np.float32))
        return out[0], out[1], out[2]

    def rod(self, rod: Rod, margin_mm: float = 1.0) -> tuple[Block, Floats] | None:
        """The voxels around a rod and their depth in it; None off the grid."""
        reach = rod.reach_mm
        ends = np.stack([rod.start, rod.end])
        block = self.block(ends.min(axis=0) - reach, ends.max(axis=0) + reach, margin_mm=margin_mm)
        if block is None:
            return None
        frame, length = rod.frame()
        return block, rod.depth(*self.local(block, frame), length)


class _Scene(Canvas):
    """The label arrays being drawn."""

    def __init__(self, grid: Grid) -> None:
        super().__init__(grid)
        self.depth = np.full(grid.shape, _OUTSIDE, np.float32)
        self.tissue = np.zeros(grid.shape, np.uint8)
        self.vertebrae = np.zeros(grid.shape, np.uint8)
        self.bodies = np.zeros(grid.shape, np.uint8)

    def add(self, block: Block, depth: Floats, tissue: int, code: int = 0, blend_mm: float = 0.0) -> None:
        """Put a bone in: where it is the deepest, the voxel is its own."""
        here = self.depth[block]
        own = (depth > here) & (depth > 0)
        if own.any():
            self.tissue[block][own] = tissue
            self.vertebrae[block][own] = code
        here[...] = smooth_max(here, depth, blend_mm) if blend_mm else np.maximum(here, depth)

    def rods(self, rods: Iterable[Rod], tissue: int, code: int = 0, blend_mm: float = 0.0) -> None:
        for rod in rods:
            hit = self.rod(rod)
            if hit is not None:
                self.add(*hit, tissue, code, blend_mm)

    def carve(self, rods: Iterable[Rod], tissue: int, only: tuple[int, ...] = ()) -> None:
        """Take a hole out of the bone (of ``only`` these tissues) and label it."""
        for rod in rods:
            hit = self.rod(rod)
            if hit is None:
                continue
            block, depth = hit
            here, kind = self.depth[block], self.tissue[block]
            free = np.isin(kind, only) | (kind == 0) if only else np.ones(kind.shape, bool)
            np.copyto(here, np.minimum(here, -depth), where=free)
            hole = free & (depth > 0)
            kind[hole] = tissue
            self.vertebrae[block][hole] = 0

    def body(self, v: Vertebra) -> None:
        s = v.shape
        reach = np.array([s.half_width, s.half_depth, s.height * 0.5 + abs(s.slope) * s.half_depth * 0.5])
        spare = max(*s.lip, *s.lip_right, s.bulge, s.kink, s.step)
        block = self.block(-reach - spare, reach + spare, v.frame)
        if block is None:
            return
        depth = s.depth(*self.local(block, v.frame))
        sacral = v.level == "S1"
        inside = depth > 0
        if not sacral:
            other = (self.bodies[block] > 0) & (self.depth[block] > depth)
            inside &= ~other
            self.bodies[block][inside] = v.code
        self.tissue[block][inside] = Tissue.SACRUM if sacral else Tissue.BODY
        self.vertebrae[block][inside] = v.code
        self.depth[block] = np.maximum(self.depth[block], depth)

    def disc(self, upper: Vertebra, lower: Vertebra, bulge_mm: float) -> None:
        a = np.array([lower.shape.half_width, lower.shape.half_depth]) + bulge_mm
        h = lower.shape.height * 0.5
        block = self.block([-a[0], -a[1], 0.4 * h], [a[0], a[1], h + upper.sizes.disc * 2.2 + 6], lower.frame)
        if block is None:
            return
        x, y, z = self.local(block, lower.frame)
        xu, yu, zu = self.local(block, upper.frame)
        p = np.float32(2.4)
        share = np.abs(x / np.float32(a[0])) ** p + np.abs(y / np.float32(a[1])) ** p
        inside = (share < 1) & (self.tissue[block] == 0)
        limit = lower.shape.half_width * 0.99, lower.shape.half_depth * 0.99
        inside &= (
            z > lower.shape.surfaces(np.clip(x, -limit[0], limit[0]), np.clip(y, -limit[1], limit[1]))[0]
        )
        inside &= zu < upper.shape.surfaces(xu, yu)[1]
        self.tissue[block][inside] = Tissue.DISC


def render_tissue(anatomy: SpineAnatomy, grid: Grid) -> PhantomLabels:
    """
    Label every voxel of ``grid``; what lies off the grid costs nothing.

    A voxel belongs to the object its centre lies in. Bodies reach to the outer surface of their cortex.

    Examples
    --------
    >>> from osteon.synth.spine_anatomy import draw_anatomy
    >>> anatomy = draw_anatomy(np.random.default_rng(0), fractures=())
    >>> labels = render_tissue(anatomy, Grid.regular((20, 20, 20), (3.0, 3.0, 3.0), (-28.5, -28.5, -28.5)))
    >>> 22 in labels.bodies.present
    True
    """
    scene = _Scene(grid)
    for v in anatomy.vertebrae:
        scene.rods(rib_rods(anatomy, v), Tissue.RIB)
    scene.rods(girdle_rods(anatomy), Tissue.OTHER_BONE, blend_mm=2.0)
    scene.rods(bridge_rods(anatomy), Tissue.OTHER_BONE)
    heads: list[Rod] = []
    sockets: list[Rod] = []
    for kind, rod in pelvis_rods(anatomy):
        if kind == "bone":
            scene.rods([rod], Tissue.OTHER_BONE, blend_mm=3.0)
        else:
            (sockets if kind == "socket" else heads).append(rod)
    scene.carve(sockets, 0)
    scene.rods(heads, Tissue.OTHER_BONE)
    scene.rods(sacrum_rods(anatomy), Tissue.SACRUM, 26, blend_mm=2.5)
    for v in anatomy.vertebrae[:-1]:
        scene.rods(arch_rods(v), Tissue.POSTERIOR, v.code, blend_mm=1.5)
    canal, holes = sacral_holes(anatomy)
    carved = (Tissue.POSTERIOR, Tissue.SACRUM, Tissue.RIB)
    scene.carve(holes, 0, carved)
    scene.carve([*canal_rods(anatomy), *canal], Tissue.CANAL, (*carved, Tissue.CANAL))
    for v in anatomy.vertebrae:
        scene.body(v)
    for upper, lower, disc in zip(anatomy.vertebrae, anatomy.vertebrae[1:], anatomy.discs, strict=False):
        scene.disc(upper, lower, disc.bulge_mm)
    maps = (LabelMap(array=a, affine=grid.affine) for a in (scene.tissue, scene.vertebrae, scene.bodies))
    tissue, vertebrae, bodies = maps
    return PhantomLabels(tissue=tissue, vertebrae=vertebrae, bodies=bodies, depth_mm=scene.depth)
