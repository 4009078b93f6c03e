"""Planted fractures: how a body of known shape loses a known share of its height, and the heights it truly has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from osteon.core.errors import InputError
from osteon.synth.spine_shapes import BodyShape, Press

__all__ = ["BodyTruth", "Fracture", "PlannedFracture", "body_truth", "broken"]

Kind = Literal["wedge", "biconcave", "crush", "burst"]
DenisLetter = Literal["A", "B", "C", "D"]
_SITES = (0.9, 0.5, 0.1)  # anterior, middle, posterior as a share of the depth, counted from the back
_BAND = 0.07
_SITE_OF_KIND = {"wedge": 0, "biconcave": 1, "crush": None, "burst": None}


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
        if self.kind not in _SITE_OF_KIND or self.denis not in (None, "A", "B", "C", "D"):
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
        counted from the back, median over 7 % of the depth to either side and the middle third of the width.
    tilt_deg : forward tilt of that mean normal against the body's frame
    depression_mm : (superior, inferior) deepest point below the least-squares plane of the endplate's rim
    """

    heights_mm: tuple[float, float, float]
    tilt_deg: float
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
    x = np.linspace(-third, third, 7, dtype=np.float32)[:, None]
    back = float(shape.back_wall(np.asarray(third, dtype=np.float32)))
    y = np.linspace(-shape.half_depth, back, 81, dtype=np.float32)[None, :]
    top, bottom = (np.asarray(s, dtype=np.float64) for s in shape.surfaces(x, y))
    lean = [np.polyfit(y[0], s.mean(axis=0), 1)[0] for s in (top, bottom)]
    tilt = float(np.mean(np.arctan(lean)))
    cos, sin = np.cos(tilt), np.sin(tilt)
    turned = [(y * cos + s * sin, s * cos - y * sin) for s in (top, bottom)]
    ends = np.array([[t[0][:, 0].min(), t[0][:, -1].max()] for t in turned])
    front, rear = float(ends[:, 0].min()), float(ends[:, 1].max())
    grid = np.linspace(front, rear, 301)
    gap = np.array([
        np.interp(grid, up[0], up[1]) - np.interp(grid, low[0], low[1])
        for up, low in zip(zip(*turned[0], strict=True), zip(*turned[1], strict=True), strict=True)
    ])  # fmt: skip
    share = (rear - grid) / (rear - front)
    heights = tuple(round(float(np.median(gap[:, np.abs(share - s) <= _BAND])), 4) for s in _SITES)
    rim_deep = (_depression(y[0], top, 1), _depression(y[0], bottom, -1))
    return BodyTruth(
        heights_mm=(heights[0], heights[1], heights[2]),
        tilt_deg=float(np.degrees(tilt)),
        depression_mm=rim_deep,
    )


def _depression(y: npt.NDArray[np.float32], surface: npt.NDArray[np.float64], up: int) -> float:
    """Deepest point of an endplate below the line through the outer eighths of its depth."""
    rim = np.r_[0 : len(y) // 8, len(y) - len(y) // 8 : len(y)]
    line = np.polyfit(y[rim], surface[:, rim].mean(axis=0), 1)
    return max(0.0, float((up * (np.polyval(line, y) - surface)).max()))


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
    site = _SITE_OF_KIND[plan.kind]
    before = body_truth(shape.intact)

    def loss(amount: float, dent: float) -> npt.NDArray[np.float64]:
        now = body_truth(_pressed(shape, replace(press, dent_mm=dent), amount, shares)).heights_mm
        out: npt.NDArray[np.float64] = 1.0 - np.array(now) / np.array(before.heights_mm)
        return out

    press, amount = _solve(loss, press, site, plan.loss, shape.height)
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
    site: int | None,
    wanted: float,
    height: float,
) -> tuple[Press, float]:
    """Amount that loses ``wanted`` at ``site`` (None: at the worst), with a dent no deeper than leaves that the worst."""
    dent = min(press.dent_mm, 0.8 * wanted * height)
    amount = 0.0
    for _ in range(7):
        tried, amount = (0.0, _at(loss(0.0, dent), site)), wanted * height
        for _ in range(12):  # secant: the loss is all but linear in the amount
            here = _at(loss(amount, dent), site)
            if abs(here - wanted) < 1e-4:
                break
            step = amount - tried[0]
            rate = (here - tried[1]) / step if abs(step) > 1e-6 else 1 / height
            tried, amount = (
                (amount, here),
                amount + (wanted - here) / float(np.clip(rate, 0.3 / height, 3 / height)),
            )
        if amount >= 0 and loss(amount, dent).max() <= wanted + 1e-3:
            break
        dent *= 0.65
    return replace(press, dent_mm=dent), amount


def _at(losses: npt.NDArray[np.float64], site: int | None) -> float:
    return float(losses.max() if site is None else losses[site])
