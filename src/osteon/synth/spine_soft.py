"""Everything around the bones of a phantom: skin, fat, muscles, lungs, organs, vessels, bowel, arms and the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from osteon.domain.anatomy import level_rank
from osteon.synth.spine_anatomy import SpineAnatomy
from osteon.synth.spine_pelvis import sacrum_rods
from osteon.synth.spine_ranges import Ranges, draw
from osteon.synth.spine_render import Canvas
from osteon.synth.spine_shapes import Rod
from osteon.synth.spine_skeleton import chain
from osteon.synth.spine_thorax import cage

__all__ = ["SoftLook", "soft_tissue"]

Floats = npt.NDArray[np.floating[Any]]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftLook:
    """Densities (HU) and sizes (mm) of soft tissue in one scan."""

    muscle_hu: float
    fat_hu: float
    vessel_hu: float
    organ_hu: float
    waist: float
    belly_mm: float
    wall_mm: float
    fat_mm: float
    back_fat_mm: float
    arms: str
    calcified: bool
    oral_contrast: bool
    table: bool

    @classmethod
    def drawn(cls, rng: np.random.Generator, ranges: Ranges) -> SoftLook:
        """Draw one scan's soft tissue."""
        phase = str(rng.choice(["none", "arterial", "venous"], p=[0.45, 0.2, 0.35]))
        added = (
            0.0 if phase == "none" else draw(rng, ranges.vessel_hu) * (1.0 if phase == "arterial" else 0.5)
        )
        return cls(
            muscle_hu=draw(rng, ranges.muscle_hu), fat_hu=draw(rng, ranges.fat_hu), vessel_hu=rng.uniform(30, 50) + added,
            organ_hu=rng.uniform(35, 65) + 0.2 * added, waist=rng.uniform(0.85, 1.2), belly_mm=rng.uniform(55, 150),
            wall_mm=rng.uniform(9, 20),
            fat_mm=rng.uniform(6, 32), back_fat_mm=rng.uniform(5, 40),
            arms=str(rng.choice(["none", "down", "up"], p=[0.5, 0.2, 0.3])), calcified=bool(rng.random() < 0.4),
            oral_contrast=bool(rng.random() < 0.25), table=bool(rng.random() < 0.8),
        )  # fmt: skip


def soft_tissue(anatomy: SpineAnatomy, canvas: Canvas, look: SoftLook, rng: np.random.Generator) -> Floats:
    """
    Hounsfield units of the body without its bones.

    Parameters
    ----------
    canvas : the grid, whatever part of the body it shows
    rng : draws the organs; the same for the same person and scan
    """
    return _Body(anatomy, canvas, look, rng).painted()


class _Body:
    def __init__(
        self, anatomy: SpineAnatomy, canvas: Canvas, look: SoftLook, rng: np.random.Generator
    ) -> None:
        self.anatomy, self.canvas, self.look, self.rng = anatomy, canvas, look, rng
        self.grain = np.random.default_rng(int(rng.integers(2**31)))
        self.image = np.full(canvas.grid.shape, -1000.0, np.float32)
        self.x, self.y, self.z = canvas.world_axes()
        centres = np.array([v.frame.centre for v in anatomy.vertebrae])[::-1]
        self.line_z, self.line = centres[:, 2], centres
        back = np.array(
            [
                v.frame.centre[1] + v.shape.half_depth + v.sizes.canal_depth + v.sizes.spinous * 0.9
                for v in anatomy.vertebrae
            ]
        )[::-1]
        smooth = np.convolve(np.pad(back, 2, mode="edge"), np.ones(5) / 5, mode="valid")
        self.skin_back = np.maximum(back, smooth) + look.back_fat_mm

    def at(self, z: float) -> Points:
        """The spine's point at a height."""
        return np.array([np.interp(z, self.line_z, self.line[:, k]) for k in range(3)])

    def level(self, name: str) -> Points:
        """The centre of a body; of its lower neighbour where this spine lacks it (no T12)."""
        wanted = level_rank(name)
        return next(v for v in self.anatomy.vertebrae if level_rank(v.level) >= wanted).frame.centre

    def oval(
        self, cx: Floats | float, cy: Floats | float, rx: Floats | float, ry: Floats | float, p: float
    ) -> Floats:
        across = np.abs((self.x - cx) / rx).astype(np.float32) ** np.float32(p)
        out: Floats = across + np.abs((self.y - cy) / ry).astype(np.float32) ** np.float32(p)
        return out

    def ball(
        self, centre: npt.ArrayLike, radii: npt.ArrayLike, hu: float, tilt: float = 0.0, soft: float = 0.0
    ) -> None:
        """An ellipsoid, turned about the patient's back-front axis by ``tilt`` radians."""
        c, r = np.asarray(centre, dtype=np.float64), np.asarray(radii, dtype=np.float64)
        s = np.array([np.sin(tilt), 0.0, np.cos(tilt)]) * max(r[2] - min(r[0], r[1]), 0.1)
        self.rod(
            Rod(
                start=c - s, end=c + s, radii=(r[0], r[1]), end_radii=(r[0], r[1]), side=np.array([1.0, 0, 0])
            ),
            hu,
            soft,
        )

    def rod(self, rod: Rod, hu: float, rough: float = 0.0) -> None:
        hit = self.canvas.rod(rod, margin_mm=0.0)
        if hit is None:
            return
        block, depth = hit
        here = self.image[block]
        share = np.clip(depth / np.float32(self.canvas.voxel_mm) + np.float32(0.5), 0, 1)
        value: Floats = np.asarray(hu, dtype=np.float32)
        if rough:
            value = value + self.grain.normal(0, rough, depth.shape).astype(np.float32)
        here += share * (value - here)

    def rods(self, rods: list[Rod], hu: float, rough: float = 0.0) -> None:
        for rod in rods:
            self.rod(rod, hu, rough)

    def painted(self) -> Floats:
        self._envelope()
        self._organs()
        self._bowel()
        self._muscles()
        self._vessels()
        self._outside()
        return self.image

    def _profiles(self) -> dict[str, Floats]:
        """Half width, front and back of the trunk (below its fat) and of its cavity, for every slice."""
        look, anatomy, size = self.look, self.anatomy, self.anatomy.size
        low, s1_y = float(self.line_z[0]), float(self.line[0, 1])
        l3 = anatomy.at("L3")
        belly = float(l3.frame.centre[1]) - l3.shape.half_depth - look.belly_mm * size
        wall, back = look.wall_mm, look.back_fat_mm
        seat = max(s1_y + 90 * size, 12 + max(float(rod.end[1]) for rod in sacrum_rods(anatomy)))
        # rows: z, half width, front, back of the trunk; half width, front, back of the cavity
        rows = [
            (
                low - 160,
                168 * size,
                s1_y - 95 * size,
                seat - 15,
                45 * size,
                s1_y - 60 * size,
                s1_y + 30 * size,
            ),
            (
                low - 60,
                172 * size,
                s1_y - 102 * size,
                seat,
                62 * size,
                s1_y - 85 * size,
                s1_y + 35 * size,
            ),
            (low + 10, 158 * size, belly + 5, 0.0, 112 * size, belly + 5 + wall, s1_y - 5),
        ]
        wide = 0.0
        for v in anatomy.vertebrae[::-1]:
            z, y = float(v.frame.centre[2]), float(v.frame.centre[1])
            if v.level in {"L2", "L3"}:
                half = (118 * size * anatomy.thorax + 14) * look.waist
                rows.append((z, half, belly, 0.0, half - wall, belly + wall, y + 18))
            elif v.rib and v.level != "T12":
                wide, deep, middle = cage(anatomy, v)
                shoulder = max(0.0, 5 - (level_rank(v.level) - level_rank("T1"))) * 14 * anatomy.thorax
                rows.append(
                    (
                        z,
                        wide + 16 + shoulder,
                        middle - deep - 14,
                        0.0,
                        wide - 5,
                        middle - deep + 5,
                        middle + deep - 5,
                    )
                )
        top = self.at(float(self.line_z[-1]))
        rows.append(
            (
                float(top[2]) + 10,
                62 * size,
                top[1] - 75 * size,
                0.0,
                25 * size,
                top[1] - 60 * size,
                top[1] - 10,
            )
        )
        table = np.array(rows).T
        table = table[:, np.argsort(table[0])]
        names = ("half", "front", "back", "cavity_half", "cavity_front", "cavity_back")
        out = {
            name: np.interp(self.z, table[0], row).astype(np.float32)
            for name, row in zip(names, table[1:], strict=True)
        }
        spine_back = np.interp(self.z, self.line_z, self.skin_back).astype(np.float32) - np.float32(back)
        out["back"] = np.maximum(spine_back, np.where(self.z < low, out["back"], -1e4))
        return out

    def _envelope(self) -> None:
        look, rng = self.look, self.rng
        p = self._profiles()
        cut, back = np.float32(look.fat_mm), np.float32(look.back_fat_mm)

        def ring(half: Floats, front: Floats, rear: Floats, power: float) -> Floats:
            return self.oval(0.0, (front + rear) / 2, half, (rear - front) / 2, power)

        self.image[ring(p["half"] + cut, p["front"] - cut, p["back"] + back, 2.4) < 1] = rng.uniform(20, 60)
        self.image[ring(p["half"] + cut - 2, p["front"] - cut + 2, p["back"] + back - 2, 2.4) < 1] = (
            look.fat_hu
        )
        self.image[ring(p["half"], p["front"], p["back"], 2.4) < 1] = look.muscle_hu
        cavity = ring(p["cavity_half"], p["cavity_front"], p["cavity_back"], 2.2) < 1
        self.image[cavity] = look.fat_hu + rng.uniform(-5, 15)
        self.dome = float(self.level("T11")[2] + rng.uniform(-25, 40))
        self._chest(cavity, p)

    def _chest(self, cavity: npt.NDArray[np.bool_], p: dict[str, Floats]) -> None:
        """Lungs above two domes and beside the mediastinum."""
        rng, dome, top = self.rng, self.dome, float(self.line_z[-1])
        spine_x = np.interp(self.z, self.line_z, self.line[:, 0]).astype(np.float32)
        middle, half = (p["cavity_front"] + p["cavity_back"]) / 2, (p["cavity_back"] - p["cavity_front"]) / 2
        along = (self.y - middle) / half
        apart = (np.abs(self.x - spine_x) - np.float32(75)) / np.float32(60)
        falls = np.minimum(70 * along * along + 45 * apart * apart, 85).astype(np.float32)
        wide = np.interp(self.z, [dome - 20, dome + 60, top - 60, top], [50, 42, 30, 26]).astype(np.float32)
        beside = np.abs(self.x - spine_x) > wide * np.clip(1.3 - 0.7 * along, 0.55, 1.4).astype(np.float32)
        self.image[cavity & (self.z > dome - falls)] = rng.uniform(-60, 45)
        self.image[cavity & beside & (self.z > dome - falls)] = rng.uniform(-900, -780)

    def _organs(self) -> None:
        rng, look, size = self.rng, self.look, self.anatomy.size
        t12, l2 = self.level("T12"), self.level("L2")
        hu = look.organ_hu

        def near(height: float, left: float, front: float) -> Points:
            return self.at(height) + np.array([left, -front, 0.0]) * size

        top = self.dome
        width = self.anatomy.thorax * size * 120
        self.ball(
            near(top - 45, -0.55 * width / size, 45),
            np.array([0.42 * width, 68 * size, 82 * size]),
            hu + rng.uniform(0, 20),
            0.3,
        )
        self.ball(
            near(top - 25, 0.62 * width / size, 0), np.array([28, 36, 52]) * size, hu + rng.uniform(-5, 15)
        )
        stomach = near(top - 35, rng.uniform(35, 70), 60)
        self.ball(stomach, np.array([34, 34, 50]) * size, rng.uniform(10, 60), rng.uniform(-0.5, 0.5))
        if rng.random() < 0.7:
            self.ball(stomach + np.array([0, -16, 8]), np.array([22, 14, 30]) * size, -980)
        for s in (-1.0, 1.0):
            at = near(float(l2[2]) + rng.uniform(-15, 25), s * rng.uniform(54, 68), rng.uniform(-12, 8))
            self.ball(at, np.array([27, 24, 55]) * size, hu + rng.uniform(-5, 60), s * -0.2)
            self.ball(
                at + np.array([-s * 9, -4, 0]),
                np.array([12, 10, 24]) * size,
                rng.choice([look.fat_hu, 20.0, hu]),
                s * -0.2,
            )
        heart = near(float(self.level("T8")[2]) - 10, 28, 75)
        self.ball(heart, np.array([52, 42, 58]) * size, rng.uniform(30, 55), -0.5)
        self.ball(heart + np.array([8, 4, -4]), np.array([26, 22, 34]) * size, look.vessel_hu, -0.5)
        trachea = [
            near(z, 0, f) for z, f in ((float(self.level("T1")[2]), 38), (float(self.level("T4")[2]), 42))
        ]
        self.rods(chain(trachea, [(8, 8)] * 2, [1, 0, 0]), -980)
        for s in (-1.0, 1.0):
            self.rods(
                chain(
                    [trachea[1], trachea[1] + [s * 35, 5, -30], trachea[1] + [s * 60, 12, -60]],
                    [(6.5, 6.5), (5, 5), (3, 3)],
                    [1, 0, 0],
                ),
                -960,
            )
        for _ in range(24):  # vessels of the lungs
            s = float(rng.choice([-1, 1]))
            start = near(float(t12[2]) + rng.uniform(40, 200), s * 40, 30)
            end = start + np.array([s * rng.uniform(20, 70), rng.uniform(-50, 60), rng.uniform(-60, 40)])
            self.rods(chain([start, end], [(2.5, 2.5), (1.0, 1.0)], [1, 0, 0]), rng.uniform(-100, 60))
        bladder = self.anatomy.at("S1").frame.centre + np.array([0, -75, -95]) * size
        self.ball(
            bladder,
            np.array([rng.uniform(25, 50), rng.uniform(22, 40), rng.uniform(20, 42)]) * size,
            rng.uniform(-2, 25),
        )

    def _bowel(self) -> None:
        rng, look = self.rng, self.look
        low, high = float(self.line_z[0]) - 60, self.dome - 60
        front = float(self.level("L3")[1]) - (look.belly_mm + 15) * self.anatomy.size
        rear = float(self.level("L3")[1]) + 18.0
        width = 110 * self.anatomy.size * self.anatomy.thorax * look.waist
        for _ in range(int(rng.integers(25, 55))):
            at = np.array(
                [
                    rng.uniform(-0.75, 0.75) * width,
                    rng.uniform(front + 15, max(front + 16, rear - 62)),
                    rng.uniform(low, high),
                ]
            )
            end = at + rng.normal(0, 22, 3)
            r = rng.uniform(8, 17)
            self.rods(chain([at, end], [(r, r)] * 2, [1, 0, 0]), rng.uniform(15, 70))
            inside = rng.random()
            if inside < 0.3:
                self.rods(chain(np.array([at, end]) - [0, 3, 0], [(r * 0.75, r * 0.6)] * 2, [1, 0, 0]), -950)
            elif inside < 0.5:
                self.rods(chain([at, end], [(r * 0.8, r * 0.8)] * 2, [1, 0, 0]), rng.uniform(-350, -50), 200)
            elif inside < 0.7 and look.oral_contrast:
                self.rods(chain([at, end], [(r * 0.8, r * 0.8)] * 2, [1, 0, 0]), rng.uniform(150, 700))
        for s in (-1.0, 1.0):  # colon on both flanks
            points = [
                np.array([s * 0.82 * width + rng.normal(0, 6), rear - rng.uniform(40, 80), z])
                for z in np.linspace(low + 40, high, 6)
            ]
            r = rng.uniform(14, 24)
            self.rods(chain(points, [(r, r)] * 6, [1, 0, 0]), rng.uniform(10, 60))
            self.rods(
                chain(points, [(r * 0.8, r * 0.75)] * 6, [1, 0, 0]),
                rng.uniform(-950, -100),
                rng.uniform(0, 200),
            )

    def _muscles(self) -> None:
        rng, look, anatomy = self.rng, self.look, self.anatomy
        hu = look.muscle_hu
        for s in (-1.0, 1.0):
            points, radii = [], []
            for k, name in enumerate(("L1", "L2", "L3", "L4", "L5", "S1")):
                v = anatomy.at(name)
                r = float(np.interp(k, [0, 1, 3, 5], [7, 12, 19, 21])) * anatomy.size * rng.uniform(0.9, 1.1)
                points.append(
                    v.frame.world((s * (v.shape.half_width + r * 0.75 + 2 + 2.5 * k), 2 - 3.0 * k, 0))
                )
                radii.append((r * 0.85, r))
            points.append(points[-1] + np.array([s * 22, -35, -70]))
            radii.append((18, 18))
            self.rods(chain(points, radii, [1, 0, 0]), hu)
            gluteus = anatomy.at("S1").frame.centre + np.array([s * 95, 35, -70]) * anatomy.size
            self.ball(gluteus, np.array([42, 38, 62]) * anatomy.size, hu - 5, s * 0.3)
            thigh = anatomy.at("S1").frame.centre + np.array([s * 95, -10, -180]) * anatomy.size
            self.ball(thigh, np.array([62, 62, 95]) * anatomy.size, hu)
        # fat between the muscles of the back, more of it below and in the old
        for _ in range(int(rng.integers(4, 26))):
            k = int(rng.integers(2, len(anatomy.vertebrae)))
            v = anatomy.vertebrae[k]
            at = v.frame.world(
                (rng.uniform(-45, 45), v.shape.half_depth + rng.uniform(28, 55), rng.uniform(-15, 15))
            )
            end = at + np.array([rng.normal(0, 5), rng.normal(0, 10), rng.normal(0, 25)])
            self.rods(
                chain([at, end], [(rng.uniform(1, 4), rng.uniform(1, 4))] * 2, [1, 0.2, 0]),
                look.fat_hu + rng.uniform(0, 60),
            )

    def _vessels(self) -> None:
        rng, look, anatomy = self.rng, self.look, self.anatomy
        aorta_r = rng.uniform(8.5, 13.5) * (rng.uniform(1.2, 2.0) if rng.random() < 0.05 else 1.0)
        tortuous = rng.normal(0, 4, len(anatomy.vertebrae))
        points, cava = [], []
        for k, v in enumerate(anatomy.vertebrae):
            if v.level in {"L5", "L6", "S1"} or k < 6:
                continue
            a, b = v.shape.half_width, v.shape.half_depth
            shift = float(np.interp(k, [6, 14, 18], [0.9, 0.55, 0.1]))
            points.append(
                v.frame.world((shift * a + tortuous[k], -b - aorta_r * 0.95 - 2 + 0.5 * shift * b, 0))
            )
            if k > 12:
                cava.append(v.frame.world((-0.75 * a, -b - 9 + tortuous[k] * 0.3, 0)))
        self.rods(
            chain(cava, [(rng.uniform(8, 13), rng.uniform(6, 11))] * len(cava), [1, 0, 0]),
            look.vessel_hu * rng.uniform(0.7, 1.0),
        )
        self.rods(chain(points, [(aorta_r, aorta_r)] * len(points), [1, 0, 0]), look.vessel_hu)
        arch = [
            points[0],
            points[0] + [-4, -6, 25],
            points[0] + [-20, -32, 42],
            points[0] + [-42, -58, 25],
            points[0] + [-44, -60, -30],
        ]
        self.rods(chain(arch, [(aorta_r, aorta_r)] * 5, [1, 0, 0]), look.vessel_hu)
        for s in (-1.0, 1.0):
            end = points[-1] + np.array([s * 55, 5, -95])
            self.rods(
                chain(
                    [points[-1], points[-1] + [s * 14, 2, -30], end], [(7, 7), (5.5, 5.5), (5, 5)], [1, 0, 0]
                ),
                look.vessel_hu,
            )
        if look.calcified:
            for _ in range(int(rng.integers(3, 25))):
                k = int(rng.integers(0, len(points)))
                angle = rng.uniform(0, 2 * np.pi)
                at = points[k] + [aorta_r * np.cos(angle), aorta_r * np.sin(angle), rng.uniform(-12, 12)]
                self.rods(
                    chain(
                        np.linspace(at, at + np.array([0, 0, rng.uniform(1, 8)]), 2),
                        [(1.2, 1.2)] * 2,
                        [1, 0, 0],
                    ),
                    rng.uniform(300, 1000),
                )

    def _outside(self) -> None:
        rng, look, anatomy = self.rng, self.look, self.anatomy
        if look.arms != "none":
            low = float(self.line_z[0]) - 80 if look.arms == "down" else float(self.line_z[-1]) - 40
            for s in (-1.0, 1.0):
                x = s * (150 * anatomy.size * anatomy.thorax + look.fat_mm + rng.uniform(45, 65))
                ends = np.array([[x, rng.uniform(-60, 20), low], [x * 0.98, rng.uniform(-40, 20), low + 420]])
                self.rods(chain(ends, [(38, 36)] * 2, [1, 0, 0]), look.fat_hu)
                self.rods(chain(ends, [(33, 31)] * 2, [1, 0, 0]), look.muscle_hu)
                self.rods(chain(ends, [(10, 10)] * 2, [1, 0, 0]), rng.uniform(700, 1300))
                self.rods(chain(ends, [(5, 5)] * 2, [1, 0, 0]), rng.uniform(-60, 60))
        if look.table:
            y = float(self.skin_back.max()) + rng.uniform(3, 20)
            curve = rng.uniform(0, 0.0006)
            surface = (self.y - y + np.float32(curve) * self.x**2).astype(np.float32) + 0 * self.z
            self.image[(surface > 0) & (surface < 4) & (np.abs(self.x) < 230)] = rng.uniform(-350, 150)
            self.image[(surface > 4) & (surface < 30) & (np.abs(self.x) < 230)] = rng.uniform(-990, -850)
