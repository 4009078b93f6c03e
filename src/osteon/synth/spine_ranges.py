"""How widely phantoms vary: the ranges of training, and ranges beyond them for testing on unseen anatomy."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

__all__ = ["TRAINING", "UNSEEN", "Ranges", "Span", "draw", "ends"]

Span = tuple[tuple[float, float], ...]
"""Intervals a value is drawn from, each as likely as it is long."""


def draw(rng: np.random.Generator, span: Span) -> float:
    """
    A number uniform over the intervals of ``span``.

    Examples
    --------
    >>> draw(np.random.default_rng(0), ((2.0, 2.0),))
    2.0
    """
    lengths = np.array([high - low for low, high in span])
    share = lengths / lengths.sum() if lengths.sum() > 0 else np.full(len(span), 1 / len(span))
    low, high = span[int(rng.choice(len(span), p=share))]
    return float(rng.uniform(low, high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """
    Ranges of shape and of appearance. Factors multiply the averages of :mod:`osteon.synth.spine_norms`.

    Attributes
    ----------
    size, height, depth, disc, arch : factors of all lengths, body height, body depth, discs, posterior elements
    lordosis, kyphosis : factors of the average curvature below and above T12
    cobb_deg : scoliosis
    concavity_mm, waist_mm, power : of the bodies
    osteophyte_mm : of an affected rim
    trabecular_hu, cortex_hu, cortex_mm : bone; cortex above the trabecular density
    texture_hu : standard deviation of the trabecular pattern
    muscle_hu, fat_hu : soft tissue
    vessel_hu : contrast-filled vessels above blood
    noise_hu, blur_mm, sharpen : of the scanner; noise before the kernel, Gaussian sigma, weight of unsharp masking
    """

    size: Span = ((0.88, 1.14),)
    height: Span = ((0.92, 1.10),)
    depth: Span = ((0.94, 1.10),)
    disc: Span = ((0.70, 1.20),)
    arch: Span = ((0.85, 1.18),)
    lordosis: Span = ((0.55, 1.35),)
    kyphosis: Span = ((0.55, 1.45),)
    cobb_deg: Span = ((0.0, 18.0),)
    concavity_mm: Span = ((0.8, 2.6),)
    waist_mm: Span = ((1.2, 3.6),)
    power: Span = ((2.1, 2.7),)
    osteophyte_mm: Span = ((1.0, 4.5),)
    trabecular_hu: Span = ((20.0, 280.0),)
    cortex_hu: Span = ((150.0, 700.0),)
    cortex_mm: Span = ((0.45, 1.8),)
    texture_hu: Span = ((6.0, 45.0),)
    muscle_hu: Span = ((20.0, 75.0),)
    fat_hu: Span = ((-120.0, -75.0),)
    vessel_hu: Span = ((0.0, 320.0),)
    noise_hu: Span = ((4.0, 42.0),)
    blur_mm: Span = ((0.35, 1.1),)
    sharpen: Span = ((0.0, 1.0),)


def ends(ranges: Ranges, share: float) -> Ranges:
    """
    The lowest and the highest ``share`` of each range, still within it.

    Examples
    --------
    >>> ends(Ranges(), 0.1).trabecular_hu
    ((20.0, 46.0), (254.0, 280.0))
    """

    def outer(span: Span) -> Span:
        low, high = span[0][0], span[-1][1]
        reach = share * (high - low)
        return (low, low + reach), (high - reach, high)

    return Ranges(**{field.name: outer(getattr(ranges, field.name)) for field in fields(ranges)})


TRAINING = Ranges()
"""What the networks see."""

UNSEEN = Ranges(
    size=((0.82, 0.88), (1.14, 1.20)),
    height=((0.88, 0.92), (1.10, 1.15)),
    depth=((0.90, 0.94), (1.10, 1.15)),
    disc=((0.62, 0.70), (1.20, 1.35)),
    arch=((0.78, 0.85), (1.18, 1.25)),
    lordosis=((0.35, 0.55), (1.35, 1.55)),
    kyphosis=((0.35, 0.55), (1.45, 1.70)),
    cobb_deg=((18.0, 28.0),),
    concavity_mm=((0.4, 0.8), (2.6, 3.2)),
    waist_mm=((0.6, 1.2), (3.6, 4.4)),
    power=((2.0, 2.1), (2.7, 3.0)),
    osteophyte_mm=((4.5, 6.5),),
    trabecular_hu=((8.0, 20.0), (280.0, 330.0)),
    cortex_hu=((110.0, 150.0), (700.0, 850.0)),
    cortex_mm=((0.38, 0.45), (1.8, 2.2)),
    texture_hu=((3.0, 6.0), (45.0, 55.0)),
    muscle_hu=((5.0, 20.0), (75.0, 85.0)),
    fat_hu=((-130.0, -120.0), (-75.0, -65.0)),
    vessel_hu=((320.0, 420.0),),
    noise_hu=((2.0, 4.0), (42.0, 55.0)),
    blur_mm=((0.25, 0.35), (1.1, 1.35)),
    sharpen=((1.0, 1.4),),
)
"""Ranges that touch those of training nowhere but at their ends."""
