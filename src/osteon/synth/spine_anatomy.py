"""A random spine with known truth: levels, frames, shapes, heights and planted fractures; no image and no grade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from osteon.core.errors import InputError
from osteon.domain.anatomy import LEVELS, level_rank, verse_of_level
from osteon.synth.spine_fracture import Fracture, PlannedFracture, body_truth, broken
from osteon.synth.spine_norms import LevelNorm, level_norm
from osteon.synth.spine_ranges import TRAINING, Ranges, draw
from osteon.synth.spine_shapes import BodyShape, Frame

__all__ = ["Disc", "Focus", "SpineAnatomy", "Vertebra", "draw_anatomy"]

_VARIANTS = ("T13", "L6", "no_T12")


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """A round change of density inside a body: ``kind`` "lytic", "sclerotic", "destruction" (of a pedicle), "island" or "cement"; local mm."""

    kind: str
    at: tuple[float, float, float]
    radius_mm: float
    hu: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vertebra:
    """
    One vertebra.

    Attributes
    ----------
    level, code : name and VerSe code
    frame : of the body; the origin lies midway between the rims of the unbroken body
    shape, sizes : of the body; of everything else, scaled to this person
    heights_mm, intact_heights_mm : (anterior, middle, posterior), true, after and before it broke
    losses : 1 - height / intact height per site
    tilt_deg : forward tilt of the mean endplate normal against ``frame``
    fracture : None where unbroken
    foci : changes of density
    screws : whether pedicle screws stand in it
    rib : length of its ribs as a share of a full one; 0 for none
    """

    level: str
    code: int
    frame: Frame
    shape: BodyShape
    sizes: LevelNorm
    heights_mm: tuple[float, float, float]
    intact_heights_mm: tuple[float, float, float]
    losses: tuple[float, float, float]
    tilt_deg: float
    fracture: Fracture | None
    foci: tuple[Focus, ...]
    screws: bool
    rib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Disc:
    """The disc below a vertebra: height between the rims (mm), bulge beyond them, and whether it holds gas."""

    below: str
    height_mm: float
    bulge_mm: float
    gas: bool
    bridged: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpineAnatomy:
    """
    A spine from C6 to the sacrum and the body around it; LPS millimetres, the origin in the middle of L3.

    Attributes
    ----------
    vertebrae : from the head down, S1 last
    discs : one below each vertebra but the last
    first, last : the levels a scan of it is meant to show
    variant : "" or "T13", "L6", "no_T12"
    size, thorax : factors of the body's size and of the thorax' width
    pelvis_pitch_deg : tilt of the pelvis
    seed : of everything that is drawn later from the same person (pelvis, ribs)
    """

    vertebrae: tuple[Vertebra, ...]
    discs: tuple[Disc, ...]
    first: str
    last: str
    variant: str
    size: float
    thorax: float
    pelvis_pitch_deg: float
    seed: int
    hip_prosthesis: bool
    ranges: Ranges

    def at(self, level: str) -> Vertebra:
        """
        The vertebra of that name.

        Raises
        ------
        InputError
            The spine has no such level.
        """
        for vertebra in self.vertebrae:
            if vertebra.level == level:
                return vertebra
        raise InputError(f"this spine has no {level}.", hint="T13, L6 and T12 depend on its variant.")

    @property
    def shown(self) -> tuple[Vertebra, ...]:
        """The vertebrae from ``first`` to ``last``."""
        low, high = level_rank(self.first), level_rank(self.last)
        return tuple(v for v in self.vertebrae if low <= level_rank(v.level) <= high)


def draw_anatomy(
    rng: np.random.Generator,
    *,
    ranges: Ranges = TRAINING,
    first: str = "T9",
    last: str = "S1",
    fractures: Sequence[PlannedFracture] | None = None,
    fracture_rate: float = 0.15,
    variant_rate: float = 0.06,
    implant_rate: float = 0.06,
    focus_rate: float = 0.03,
    variant: str | None = None,
) -> SpineAnatomy:
    """
    Draw a spine.

    Parameters
    ----------
    ranges : Ranges
    first, last : str
        The levels a scan is meant to show; the spine itself always runs from C6 to S1.
    fractures : sequence of PlannedFracture, optional
        Planted exactly; None draws them with ``fracture_rate`` per level from T4 down.
    variant_rate : float
        Share of spines with T13, L6 or without T12.
    implant_rate, focus_rate : float
        Share of spines with screws or cement; share of vertebrae with a lytic or sclerotic focus.
    variant : str, optional
        "" for twelve and five, "T13", "L6" or "no_T12"; None draws it.

    Raises
    ------
    InputError
        A fracture is planned at a level this spine has not got, or above T1.
    """
    person = _Person.drawn(rng, ranges)
    if variant is None:
        variant = str(rng.choice(_VARIANTS)) if rng.random() < variant_rate else ""
    names = [name for name in LEVELS[5:] if name not in {"T13", "L6"} - {variant} and f"no_{name}" != variant]
    plans = _plans(rng, names, fractures, fracture_rate)
    implant = str(rng.choice(["screws", "cement"])) if rng.random() < implant_rate else ""
    implanted = set(_run(rng, names)) if implant else set()
    degenerate = rng.beta(1.2, 1.8)
    parts: list[Vertebra] = []
    discs: list[Disc] = []
    for name in names:
        shape, sizes = _shape(rng, name, person, degenerate)
        fracture = None
        intact = body_truth(shape)
        if name in plans:
            shape, fracture = broken(rng, shape, plans[name])
        now = body_truth(shape) if fracture else intact
        losses = [1 - h / i for h, i in zip(now.heights_mm, intact.heights_mm, strict=True)]
        parts.append(Vertebra(
            level=name, code=verse_of_level(name), frame=Frame(centre=np.zeros(3), axes=np.eye(3)),
            shape=shape, sizes=sizes, heights_mm=now.heights_mm, intact_heights_mm=intact.heights_mm,
            losses=(losses[0], losses[1], losses[2]), tilt_deg=now.tilt_deg, fracture=fracture,
            foci=_foci(rng, shape, sizes, focus_rate, cement=implant == "cement" and name in implanted),
            screws=implant == "screws" and name in implanted, rib=_rib(rng, name, variant),
        ))  # fmt: skip
        thin = rng.uniform(0.35, 0.7) if rng.random() < 0.3 * degenerate else rng.uniform(0.9, 1.1)
        discs.append(Disc(
            below=name, height_mm=max(2.4, sizes.disc * person.disc * thin), bulge_mm=rng.uniform(-1.0, 1.5),
            gas=bool(rng.random() < 0.12 * degenerate), bridged=bool(rng.random() < 0.08 * degenerate),
        ))  # fmt: skip
    discs.pop()
    return SpineAnatomy(
        vertebrae=_stacked(rng, parts, discs, person), discs=tuple(discs), first=first, last=last, variant=variant,
        size=person.size, thorax=rng.uniform(0.85, 1.12), pelvis_pitch_deg=float(rng.normal(0, 6)),
        seed=int(rng.integers(2**31)), hip_prosthesis=bool(rng.random() < 0.08), ranges=ranges,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """Factors that hold for the whole spine."""

    size: float
    height: float
    depth: float
    disc: float
    arch: float
    lordosis: float
    kyphosis: float
    cobb: float
    concavity: float
    waist: float
    power: float
    osteophyte: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, r: Ranges) -> _Person:
        return cls(
            size=draw(rng, r.size), height=draw(rng, r.height), depth=draw(rng, r.depth), disc=draw(rng, r.disc),
            arch=draw(rng, r.arch), lordosis=draw(rng, r.lordosis), kyphosis=draw(rng, r.kyphosis),
            cobb=draw(rng, r.cobb_deg) * float(rng.choice([-1, 1])), concavity=draw(rng, r.concavity_mm),
            waist=draw(rng, r.waist_mm), power=draw(rng, r.power), osteophyte=draw(rng, r.osteophyte_mm),
        )  # fmt: skip


def _plans(
    rng: np.random.Generator, names: list[str], given: Sequence[PlannedFracture] | None, rate: float
) -> dict[str, PlannedFracture]:
    if given is not None:
        plans = {p.level: p for p in given}
        missing = sorted(set(plans) - {n for n in names if n[0] in "TL"})
        if missing:
            raise InputError(
                f"cannot plant a fracture at {', '.join(missing)}.", hint="Name levels T1-L5 of this spine."
            )
        return plans
    plans = {}
    for name in names:
        if name[0] in "TL" and level_rank(name) >= level_rank("T4") and rng.random() < rate:
            kind = str(rng.choice(["wedge", "biconcave", "crush", "burst"], p=[0.45, 0.25, 0.15, 0.15]))
            plans[name] = PlannedFracture(level=name, kind=kind, loss=rng.uniform(0.1, 0.6))  # type: ignore[arg-type]
    return plans


def _run(rng: np.random.Generator, names: list[str]) -> list[str]:
    """A few neighbouring levels from T9 down."""
    low = names.index("T9")
    start = int(rng.integers(low, len(names) - 2))
    return [n for n in names[start : start + int(rng.integers(1, 5))] if n != "S1"]


def _rib(rng: np.random.Generator, name: str, variant: str) -> float:
    if name[0] != "T":
        return 0.0
    lowest = {"T13": "T13", "no_T12": "T11"}.get(variant, "T12")
    if name == lowest:
        return float(rng.uniform(0.12, 0.4))
    return float(rng.uniform(0.5, 0.7)) if level_rank(name) == level_rank(lowest) - 1 else 1.0


def _shape(
    rng: np.random.Generator, name: str, person: _Person, degenerate: float
) -> tuple[BodyShape, LevelNorm]:
    n = level_norm(name)
    tall = person.size * person.height * float(rng.normal(1.0, 0.015))
    back, front = n.height * tall, n.height * n.anterior_ratio * tall * float(rng.normal(1.0, 0.012))
    half_width = n.width / 2 * person.size * float(rng.normal(1.0, 0.015))
    half_depth = n.depth / 2 * person.size * person.depth * float(rng.normal(1.0, 0.015))
    cup = person.concavity * n.height / 26.0
    cups = (0.3, cup) if name == "S1" else (cup * rng.uniform(0.75, 1.1), cup * rng.uniform(0.95, 1.3))
    back, front = (
        back + 0.33 * sum(cups),
        front + 0.04 * sum(cups),
    )  # the rims; the ratios are of the concave plates
    spur = [
        person.osteophyte * float(rng.uniform(0.3, 1.0)) * bool(rng.random() < 0.6 * degenerate)
        for _ in range(4)
    ]
    nodes = []
    if name[0] in "TL" and rng.random() < 0.06:
        nodes.append((int(rng.choice([-1, 1])), rng.uniform(-0.3, 0.3) * half_width + 0.4 * half_width,
                      rng.uniform(-0.3, 0.3) * half_depth, rng.uniform(3.0, 5.0), rng.uniform(2.0, 4.5)))  # fmt: skip
    shape = BodyShape(
        half_width=half_width, half_depth=half_depth, height=(back + front) / 2,
        slope=(back - front) / (1.6 * half_depth), lateral=float(rng.normal(0, 0.008)),
        concavity=cups,
        power=person.power, back_concavity=rng.uniform(0.3, 2.0) * n.depth / 34.0,
        waist=person.waist * n.width / 44.0, back_waist=rng.uniform(0.2, 1.2),
        taper=5.0 * person.size if name == "S1" else 0.0, lip=(spur[0], spur[1]), lip_right=(spur[2], spur[3]), nodes=tuple(nodes),
    )  # fmt: skip
    s, a = person.size, person.size * person.arch * float(rng.normal(1.0, 0.02))
    sizes = LevelNorm(
        height=back, anterior_ratio=n.anterior_ratio, middle_ratio=n.middle_ratio,
        width=2 * half_width, depth=2 * half_depth,
        canal_width=n.canal_width * s, canal_depth=n.canal_depth * s * 0.92,
        pedicle_width=n.pedicle_width * s, pedicle_height=n.pedicle_height * s,
        transverse=n.transverse * a * rng.uniform(0.85, 1.15), spinous=n.spinous * a * rng.uniform(0.9, 1.1),
        slope_deg=n.slope_deg * rng.uniform(0.8, 1.2), disc=n.disc * s, tilt_deg=_tilt(name, n, person),
    )  # fmt: skip
    return shape, sizes


def _tilt(name: str, norm: LevelNorm, person: _Person) -> float:
    junction = level_norm("T12").tilt_deg
    factor = person.lordosis if name[0] in "LS" else person.kyphosis
    return junction + (norm.tilt_deg - junction) * factor


def _foci(
    rng: np.random.Generator, shape: BodyShape, sizes: LevelNorm, rate: float, *, cement: bool
) -> tuple[Focus, ...]:
    out = []

    def place(kind: str, radius: float, hu: float) -> None:
        at = rng.uniform(-0.5, 0.5, 3) * [shape.half_width, shape.half_depth, shape.height / 2]
        out.append(Focus(kind=kind, at=(float(at[0]), float(at[1]), float(at[2])), radius_mm=radius, hu=hu))

    if cement:
        for _ in range(int(rng.integers(2, 6))):
            place("cement", rng.uniform(3.5, 8.0), rng.uniform(900, 2200))
    if rng.random() < rate:
        lytic = rng.random() < 0.5
        place(
            "lytic" if lytic else "sclerotic",
            rng.uniform(5.0, 10.0),
            rng.uniform(10, 60) if lytic else rng.uniform(450, 900),
        )
    if rng.random() < 0.5 * rate:
        side = float(rng.choice([-1.0, 1.0])) * (sizes.canal_width + sizes.pedicle_width) / 2
        at = (side, shape.half_depth + 4.0, 0.15 * sizes.height)
        out.append(Focus(kind="destruction", at=at, radius_mm=rng.uniform(7, 12), hu=rng.uniform(30, 70)))
    if rng.random() < 0.05:
        place("island", rng.uniform(1.5, 4.0), rng.uniform(600, 1100))
    return tuple(out)


def _rotation(forward: float, leftward: float, axial: float) -> npt.NDArray[np.float64]:
    """Rows: left, back and up of a vertebra leaning forward and to the left and turned about its axis (radians)."""
    cf, sf, cl, sl, ca, sa = (
        np.cos(forward),
        np.sin(forward),
        np.cos(leftward),
        np.sin(leftward),
        np.cos(axial),
        np.sin(axial),
    )
    lean = np.array([[1, 0, 0], [0, cf, -sf], [0, sf, cf]])
    side = np.array([[cl, 0, sl], [0, 1, 0], [-sl, 0, cl]])
    turn = np.array([[ca, -sa, 0], [sa, ca, 0], [0, 0, 1]])
    out: npt.NDArray[np.float64] = (side @ lean @ turn).T
    return out


def _plane(shape: BodyShape, upper: bool) -> tuple[float, float]:
    """Height above the origin and forward lean (radians) of an endplate's least-squares plane."""
    y = np.linspace(-0.9, 0.9, 41, dtype=np.float32) * np.float32(shape.half_depth)
    rimmed = replace(shape, concavity=(0.0, 0.0), nodes=())
    slope, at = np.polyfit(y, rimmed.surfaces(np.zeros_like(y), y)[0 if upper else 1], 1)
    return float(at), float(np.arctan(slope))


def _stacked(
    rng: np.random.Generator, parts: list[Vertebra], discs: list[Disc], person: _Person
) -> tuple[Vertebra, ...]:
    """Put the vertebrae on top of each other from the sacrum up; discs bend no further than their height allows."""
    phase, wave = rng.uniform(0, 2 * np.pi), rng.uniform(9, 16)
    side = np.radians(person.cobb / 2) * np.sin(np.arange(len(parts)) / wave * 2 * np.pi + phase)
    turn = -rng.uniform(0.3, 1.0) * side + np.radians(rng.normal(0, 3))
    side = side + np.radians(rng.normal(0, 2))
    placed = list(parts)
    forward = np.radians(parts[-1].sizes.tilt_deg)
    axes = _rotation(forward, side[-1], turn[-1])
    placed[-1] = replace(parts[-1], frame=Frame(centre=np.zeros(3), axes=axes))
    hunch = 0.0  # radians by which fractures so far bend the spine above them
    for i in range(len(parts) - 2, -1, -1):
        low, part, disc = placed[i + 1], parts[i], discs[i].height_mm
        top, top_lean = _plane(low.shape, True)
        bottom, bottom_lean = _plane(part.shape, False)
        wedge = _plane(part.shape, True)[1] - bottom_lean - 2 * _plane(part.shape.intact, True)[1]
        wanted = np.radians(part.sizes.tilt_deg + rng.normal(0, 1.0)) + hunch + 0.3 * wedge
        hunch += 0.6 * wedge
        limit = np.arctan(max(disc - 1.6, 0.2) / part.shape.half_depth)
        opening = np.clip(forward + top_lean - wanted - bottom_lean, -limit, limit)
        forward = forward + top_lean - bottom_lean - opening
        limit = np.arctan(max(disc - 1.6, 0.2) / part.shape.half_width)
        side[i] = side[i + 1] + np.clip(side[i] - side[i + 1], -limit, limit)
        axes = _rotation(forward, side[i], turn[i])
        middle = low.frame.axes[2] + axes[2]
        foot = low.frame.world([0, 0, top]) + middle / np.linalg.norm(middle) * disc
        placed[i] = replace(part, frame=Frame(centre=foot - axes[2] * bottom, axes=axes))
    origin = next(p.frame.centre for p in placed if p.level == "L3")
    return tuple(replace(p, frame=Frame(centre=p.frame.centre - origin, axes=p.frame.axes)) for p in placed)
