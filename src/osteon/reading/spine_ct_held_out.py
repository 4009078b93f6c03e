"""How well a spine net reads invented scans it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteon.core.seeds import stream
from osteon.domain.anatomy import Tissue
from osteon.models.spine_net import SpineNet
from osteon.reading.embedded import probabilities, refine
from osteon.reading.spine_ct_samples import coarse_scan, fine_scan
from osteon.synth.spine_anatomy import SpineAnatomy, Vertebra, draw_anatomy
from osteon.synth.spine_ranges import TRAINING, Ranges
from osteon.synth.spine_render import render_tissue

__all__ = ["CoarseDice", "FineDice", "coarse_held_out", "fine_held_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarseDice:
    """Dice per tissue over all voxels of ``n`` whole scans."""

    dice: dict[str, float]
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FineDice:
    """
    Agreement of ``n`` vertebrae at the half level.

    Attributes
    ----------
    body, vertebra : mean Dice
    worst_body : lowest Dice of a body
    volume_bias : mean of (read / true volume of the body) - 1
    """

    body: float
    vertebra: float
    worst_body: float
    volume_bias: float
    n: int


def coarse_held_out(
    net: SpineNet, *, n: int = 6, seed: int = 0, ranges: Ranges = TRAINING, bfloat16: bool = False
) -> CoarseDice:
    """
    Read ``n`` whole scans drawn from streams that training never uses.

    ``ranges`` may be those outside training (:data:`osteon.synth.spine_ranges.UNSEEN`).
    """
    both, either = np.zeros(len(Tissue)), np.zeros(len(Tissue))
    for k in range(n):
        volume, anatomy = coarse_scan(stream(seed, "held out", "coarse", k), ranges=ranges)
        maps = probabilities(volume, net, bfloat16=bfloat16)
        truth = render_tissue(anatomy, maps.grid).tissue.array
        said = maps.labels
        for tissue in Tissue:
            a, b = said == tissue, truth == tissue
            both[tissue] += 2 * np.count_nonzero(a & b)
            either[tissue] += np.count_nonzero(a) + np.count_nonzero(b)
    dice = {t.name.lower(): float(both[t] / either[t]) for t in Tissue if either[t]}
    return CoarseDice(dice=dice, n=n)


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    size = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
    return 2 * int(np.count_nonzero(a & b)) / size if size else 1.0


def _vertebra(rng: np.random.Generator, ranges: Ranges) -> tuple[Vertebra, SpineAnatomy]:
    """Any thoracic or lumbar vertebra of an invented spine."""
    anatomy = draw_anatomy(rng, ranges=ranges, first="T1", last="S1", fracture_rate=0.35)
    bodies = [v for v in anatomy.vertebrae if v.level != "S1" and not v.level.startswith("C")]
    return bodies[int(rng.integers(len(bodies)))], anatomy


def fine_held_out(
    net: SpineNet,
    *,
    n: int = 16,
    seed: int = 0,
    ranges: Ranges = TRAINING,
    off_mm: float = 2.5,
    bfloat16: bool = False,
) -> FineDice:
    """Look at ``n`` vertebrae of as many held-out spines, each centre off by ``off_mm`` (standard deviation per axis)."""
    body, whole, bias = [], [], []
    for k in range(n):
        rng = stream(seed, "held out", "fine", k)
        vertebra, anatomy = _vertebra(rng, ranges)
        centre = vertebra.frame.centre + np.clip(rng.normal(0, off_mm, 3), -6, 6)
        seen = refine(fine_scan(rng, anatomy, vertebra), [tuple(centre)], net, bfloat16=bfloat16)[0]
        truth = render_tissue(anatomy, seen.grid)
        true_body = truth.bodies.array == vertebra.code
        body.append(_dice(seen.body > 0.5, true_body))
        whole.append(_dice(seen.vertebra > 0.5, truth.vertebrae.array == vertebra.code))
        bias.append(int(np.count_nonzero(seen.body > 0.5)) / int(np.count_nonzero(true_body)) - 1)
    return FineDice(
        body=float(np.mean(body)),
        vertebra=float(np.mean(whole)),
        worst_body=float(np.min(body)),
        volume_bias=float(np.mean(bias)),
        n=n,
    )
