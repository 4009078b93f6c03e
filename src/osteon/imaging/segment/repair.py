"""A disc that was left out or taken twice: bodies are held against their neighbours, and the chain of discs is mended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from osteon.imaging.segment.canal import CanalPath
from osteon.imaging.segment.discs import DiscPlane, Evidence, plane_at
from osteon.imaging.segment.instances import Instance, Instances

__all__ = ["expected_of_neighbours", "repaired"]

# Neighbouring bodies differ by some 5 % in volume and spacing, a crushed one keeps half of both; two in one are twice.
TWICE_VOLUME, TWICE_SPACING = 1.6, 1.5
HALF_VOLUME, HALF_SPACING = 1.3, 1.3  # two halves together
FAINT = 0.5  # a disc this much fainter than the others may be none


def expected_of_neighbours(
    vertebrae: Sequence[Instance],
    k: int,
    size: Callable[[Instance], float | None],
    *,
    leave_out: int | None = None,
) -> float | None:
    """What the two nearest whole vertebrae on either side let one expect of vertebra ``k``; None without any."""
    near = [
        value
        for step in (-2, -1, 1, 2)
        if 0 <= (j := k + step) < len(vertebrae) and j != leave_out and not vertebrae[j].cropped
        if (value := size(vertebrae[j])) is not None
    ]
    return float(np.median(near)) if near else None


def repaired(
    path: CanalPath, evidence: Evidence, discs: tuple[DiscPlane, ...], found: Instances
) -> tuple[DiscPlane, ...] | None:
    """The discs with one added or one taken away; None where nothing is to mend."""
    split = _to_split(path, evidence, found)
    if split is not None:
        return tuple(sorted((*discs, split), key=lambda d: d.s_mm))
    false = _to_drop(found)
    return None if false is None else tuple(d for d in discs if d is not false)


def _to_split(path: CanalPath, evidence: Evidence, found: Instances) -> DiscPlane | None:
    """The disc inside a body with the volume and the height of two (T12 with L1: 77 ml)."""
    for k, v in enumerate(found.vertebrae):
        volume = expected_of_neighbours(found.vertebrae, k, lambda x: x.volume_ml)
        spacing = expected_of_neighbours(found.vertebrae, k, lambda x: x.spacing_mm)
        if volume is None or spacing is None or v.below is None or v.above is None:
            continue
        if v.volume_ml < TWICE_VOLUME * volume or (v.spacing_mm or 0.0) < TWICE_SPACING * spacing:
            continue
        low, high = v.below.s_mm, v.above.s_mm
        inner = np.arange(round(low + 0.35 * (high - low)), round(low + 0.65 * (high - low)) + 1)
        inner = inner[(inner >= 0) & (inner < len(evidence.score))]
        if len(inner):
            return plane_at(path, evidence, float(inner[int(np.argmax(evidence.score[inner]))]))
    return None


def _to_drop(found: Instances) -> DiscPlane | None:
    """The faint disc between two pieces that are one vertebra together."""
    usual = np.median([v.above.score for v in found.vertebrae if v.above is not None] or [0.0])
    for k in range(1, len(found.vertebrae)):
        upper, lower = found.vertebrae[k - 1], found.vertebrae[k]
        between = lower.above
        if between is None or between is not upper.below or between.score > FAINT * usual:
            continue
        if upper.spacing_mm is None or lower.spacing_mm is None:
            continue
        volume = expected_of_neighbours(found.vertebrae, k, lambda x: x.volume_ml, leave_out=k - 1)
        spacing = expected_of_neighbours(found.vertebrae, k, lambda x: x.spacing_mm, leave_out=k - 1)
        if volume is None or spacing is None:
            continue
        if (
            upper.volume_ml + lower.volume_ml < HALF_VOLUME * volume
            and upper.spacing_mm + lower.spacing_mm < HALF_SPACING * spacing
        ):
            return between
    return None
