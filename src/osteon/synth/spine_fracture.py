"""Planted fractures: how a body of known shape loses a known share of its height, and the heights it truly has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from osteon.core.errors import InputError
from osteon.synth.spine_shapes import BodyShape, Press

__all__ = ["BodyTruth", "Fracture", "PlannedFracture", "body_truth", "broken"]

Kind = Literal["wedge", "biconcave", "crush", "burst"]
DenisLetter = Literal["A", "B", "C", "D"]
_SITES = (0.9, 0.5, 0.1)  # anterior, middle, posterior as a share of the depth, counted from the back
_BAND = 0.07
_BORDER_MM = 0.8  # columns nearer to a wall than this are no endplate: their ends are rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFracture:
    """
    A fracture to plant.

    Attributes
    ----------
    level : str
    kind : wedge (anterior), biconcave (middle), crush (all three) or burst (all three, and the posterior wall)
    loss : float, 0-0.7
        Share of the height lost at the site that loses most: the anterior of a wedge, the middle of a biconcave body.
    denis : which endplate is broken: A both, B superior, C inferior, D none (the anterior cortex buckled); None: drawn
    fresh : whether a band of denser bone marks it; None: drawn
    """

    level: str
    kind: Kind
    loss: float
    denis: DenisLetter | None = None
    fresh: bool | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or self.denis not in (None, "A", "B", "C", "D"):
            raise InputError(
                f"no fracture is a {self.kind} of type {self.denis}.",
                hint="wedge, biconcave, crush, burst; A-D.",
            )
        if not 0 < self.loss <= 0.7:
            raise InputError(f"a loss of {self.loss}, expected within 0-0.7.")
        if self.denis == "D" and self.kind != "wedge":
            raise InputError("only a wedge leaves both endplates whole (type D).")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fracture:
    """
    A planted fracture as it came out.

    Attributes
    ----------
    kind, denis : as planned; ``planned_loss`` of the worst site
    fresh : bool
    band_hu : density added in the band below a broken endplate (0 where old)
    band_mm : thickness of the band
    gap_share : share of the broken endplate's cortex that is interrupted
    depression_mm : (superior, inferior) deepest point below the endplate's best plane, less that of the intact body
    bulge_mm : of the posterior wall into the canal
    """

    kind: Kind
    denis: DenisLetter
    planned_loss: float
    fresh: bool
    band_hu: float
    band_mm: float
    gap_share: float
    depression_mm: tuple[float, float]
    bulge_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyTruth:
    """
    True measures of a body.

    Attributes
    ----------
    heights_mm : (anterior, middle, posterior)
        Distance of the endplates' outer surfaces along the mean of their normals, at 90, 50 and 10 % of the depth
        counted from the back, median over 7 % of the depth to either side and the middle third of the width, the outermost 0.8 mm left out.
    tilt_deg : forward tilt of that mean normal against the body's frame
    span_mm : y of the front and of the back of the rims, in the frame so tilted
    depression_mm : (superior, inferior) deepest point below the line through the front and the back of the endplate
    """

    heights_mm: tuple[float, float, float]
    tilt_deg: float
    span_mm: tuple[float, float]
    depression_mm: tuple[float, float]


def body_truth(shape: BodyShape) -> BodyTruth:
    """
    Heights and endplate depressions of ``shape`` from its surfaces, densely sampled.

    Examples
    --------
    >>> flat = BodyShape(half_width=20, half_depth=16, height=27, slope=0, concavity=(0, 0), back_concavity=0)
    >>> body_truth(flat).heights_mm
    (27.0, 27.0, 27.0)
    """
    third = shape.half_width / 3
    x = (np.linspace(-6, 6, 7, dtype=np.float32) * np.float32(third / 7))[:, None]
    back = float(shape.back_wall(np.asarray(third, dtype=np.float32)))
    y = np.linspace(-shape.half_depth, back, 65, dtype=np.float32)[None, :]
    top, bottom = (np.asarray(s, dtype=np.float64) for s in shape.surfaces(x, y))
    line = y[0].astype(np.float64)
    tilt = float(np.mean([np.arctan(_line(line, s.mean(axis=0))[0]) for s in (top, bottom)]))
    cos, sin = np.cos(tilt), np.sin(tilt)
    turned = [(line * cos + s * sin, s * cos - line * sin) for s in (top, bottom)]
    front = float(np.mean([along[:, 0].min() for along, _ in turned]))
    rear = float(np.mean([along[:, -1].max() for along, _ in turned]))
    share = np.concatenate([np.linspace(s - _BAND, s + _BAND, 21) for s in _SITES])
    places = rear - share * (rear - front)
    kept = shape.rim_depth(x, y) > _BORDER_MM
    gap, valid = np.empty((x.size, places.size)), np.zeros((x.size, places.size), bool)
    for i in range(x.size):
        (up_y, up_z), (low_y, low_z) = ((along[i], height[i]) for along, height in turned)
        ends = np.array([up_y[kept[i]], low_y[kept[i]]])[:, [0, -1]]
        gap[i] = np.interp(places, up_y, up_z) - np.interp(places, low_y, low_z)
        valid[i] = (places >= ends[:, 0].max()) & (places <= ends[:, 1].min())
    heights = []
    for part, ok in zip(np.split(gap, 3, axis=1), np.split(valid, 3, axis=1), strict=True):
        heights.append(round(float(np.median(part[ok] if ok.any() else part)), 4))
    return BodyTruth(
        heights_mm=(heights[0], heights[1], heights[2]), tilt_deg=float(np.degrees(tilt)), span_mm=(front, rear),
        depression_mm=(_depression(line, top, 1), _depression(line, bottom, -1)),
    )  # fmt: skip


def _line(y: npt.NDArray[np.float64], z: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Least-squares slope and height at y = 0."""
    centred = y - y.mean()
    slope = float(centred @ z / (centred @ centred))
    return slope, float(z.mean() - slope * y.mean())


def _depression(y: npt.NDArray[np.float64], surface: npt.NDArray[np.float64], up: int) -> float:
    """Deepest point of an endplate below the line through the outer eighths of its depth."""
    rim = np.r_[0 : len(y) // 8, len(y) - len(y) // 8 : len(y)]
    slope, height = _line(y[rim], surface[:, rim].mean(axis=0))
    return max(0.0, float((up * (slope * y + height - surface)).max()))


def _profile(rng: np.random.Generator, kind: Kind, denis: DenisLetter) -> Press:
    """The shape of the collapse of one endplate, to be scaled."""
    if denis == "D":
        return Press(wedge=1.0)
    if kind == "wedge":
        return Press(
            wedge=1.0, dome=rng.uniform(0.0, 0.25), hinge=rng.uniform(0.0, 0.3), power=rng.uniform(1.0, 1.7)
        )
    if kind == "biconcave":
        return Press(dome=1.0, wedge=rng.uniform(0.0, 0.2), flat=rng.uniform(0.0, 0.1))
    if kind == "crush":
        return Press(flat=1.0, wedge=rng.uniform(-0.25, 0.05), dome=rng.uniform(-0.1, 0.05))
    return Press(flat=rng.uniform(0.3, 0.6), wedge=rng.uniform(0.5, 0.8), dome=rng.uniform(0.0, 0.2))


def _pressed(shape: BodyShape, press: Press, amount: float, shares: tuple[float, float]) -> BodyShape:
    upper, lower = (
        replace(press, amount_mm=amount * share, dent_mm=press.dent_mm * (share > 0.2)) for share in shares
    )
    return replace(shape, superior=upper, inferior=lower)


def broken(rng: np.random.Generator, shape: BodyShape, plan: PlannedFracture) -> tuple[BodyShape, Fracture]:
    """
    Break an intact body as planned: the largest loss comes out as planned to a thousandth.

    Returns
    -------
    shape : the broken body
    fracture : what was planted
    """
    letters: tuple[DenisLetter, ...] = ("A", "B", "C", "D") if plan.kind == "wedge" else ("A", "B", "C")
    weights = np.array([0.2, 0.5, 0.15, 0.15][: len(letters)])
    denis = plan.denis or letters[int(rng.choice(len(letters), p=weights / weights.sum()))]
    both = rng.uniform(0.36, 0.64)
    shares = {"A": (both, 1 - both), "B": (1.0, 0.0), "C": (0.0, 1.0), "D": (both, 1 - both)}[denis]
    press = _profile(rng, plan.kind, denis)
    if denis != "D":
        dent_at = (
            rng.uniform(-0.3, 0.3),
            rng.uniform(-0.6, -0.1) if plan.kind == "wedge" else rng.uniform(-0.3, 0.2),
        )
        press = replace(press, dent_mm=rng.uniform(2.0, 4.0), dent_at=dent_at, dent_radius=rng.uniform(0.4, 0.65),
                        lateral=rng.uniform(-0.15, 0.15))  # fmt: skip
    before = body_truth(shape.intact)

    def loss(amount: float, dent: float) -> npt.NDArray[np.float64]:
        now = body_truth(_pressed(shape, replace(press, dent_mm=dent), amount, shares)).heights_mm
        out: npt.NDArray[np.float64] = 1.0 - np.array(now) / np.array(before.heights_mm)
        return out

    press, amount = _solve(loss, press, plan.kind, plan.loss, shape.height)
    bulge = rng.uniform(3.0, 6.5) if plan.kind == "burst" else 0.0
    fresh = bool(rng.random() < 0.6) if plan.fresh is None else plan.fresh
    shape = replace(
        _pressed(shape, press, amount, shares),
        kink=rng.uniform(1.5, 3.0) if denis == "D" else rng.uniform(0.0, 1.0),
        step=rng.uniform(0.5, 2.0) if fresh and plan.kind != "biconcave" else 0.0,
        bulge=bulge, bulge_at=rng.uniform(0.1, 0.5),
    )  # fmt: skip
    now = body_truth(shape)
    deeper = (now.depression_mm[0] - before.depression_mm[0], now.depression_mm[1] - before.depression_mm[1])
    return shape, Fracture(
        kind=plan.kind, denis=denis, planned_loss=plan.loss, fresh=fresh,
        band_hu=rng.uniform(70, 260) if fresh else 0.0, band_mm=rng.uniform(2.5, 6.0),
        gap_share=rng.uniform(0.3, 0.7) if fresh and denis != "D" else 0.0,
        depression_mm=deeper, bulge_mm=bulge,
    )  # fmt: skip


def _solve(
    loss: Callable[[float, float], npt.NDArray[np.float64]],
    press: Press,
    kind: Kind,
    wanted: float,
    height: float,
) -> tuple[Press, float]:
    """Amount that loses ``wanted`` at the worst site, with the deepest dent that leaves the body of its kind."""
    site = {"wedge": 0, "biconcave": 1}.get(kind)
    dent = min(press.dent_mm, 0.8 * wanted * height)
    amount = 0.0
    for _ in range(12):
        tried, amount = (0.0, _at(loss(0.0, dent), site)), wanted * height
        for _ in range(12):  # secant: the loss is all but linear in the amount
            losses = loss(amount, dent)
            here = _at(losses, site)
            if abs(here - wanted) < 2e-4:
                break
            step = amount - tried[0]
            rate = (here - tried[1]) / step if abs(step) > 1e-6 else 1 / height
            tried, amount = (
                (amount, here),
                amount + (wanted - here) / float(np.clip(rate, 0.3 / height, 3 / height)),
            )
        if amount >= 0 and _is_of(kind, losses):
            break
        dent *= 0.8
    return replace(press, dent_mm=dent), amount


def _is_of(kind: Kind, losses: npt.NDArray[np.float64]) -> bool:
    """Whether the losses are spread as the kind says."""
    most = float(losses.max())
    if kind == "crush":
        return float(losses.min()) >= 0.65 * most
    if kind == "burst":
        return float(losses[0]) >= 0.8 * most
    return float(losses[0 if kind == "wedge" else 1]) >= most - 1e-3


def _at(losses: npt.NDArray[np.float64], site: int | None) -> float:
    return float(losses.max() if site is None else losses[site])
