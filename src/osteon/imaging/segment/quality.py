"""Gates on a labelled spine: what does not look like a spine is named by a code, for the report and for whoever corrects it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from osteon.domain.anatomy import level_rank, may_follow
from osteon.imaging.hounsfield import in_hounsfield
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.volume import Volume

__all__ = ["BLURRED_BORDER", "THICK_MM", "UNSURE_BORDER", "border_width", "gated"]

METAL_HU = 2500.0
METAL_SHARE = 0.01  # of a vertebra's voxels
THICK_MM = 3.0  # slices thicker than this (by more than rounding) do not carry heights
VOLUME_RATIO = (0.4, 1.7)  # against the median of the neighbours; a crushed body keeps half
SPACING_RATIO = (0.5, 1.6)
BLURRED_BORDER, UNSURE_BORDER = 0.7, 1.05
"""Voxels: a clear border is a fifth of one wide. With weights 46a67287afbb, from which the shipped ones were trained on, a height
erred on simulated scans by .3 mm below .2 and by 1 mm from .5 to .7. From there to 1.05, on the nine such vertebrae of 18 hard
development spines, it erred by 1.1 mm (at most 3.4) and the loss against neighbours as blurred by 5 points (at most 9), no call
wrong; elsewhere one loss was 21 points off. Beyond, everything may be."""


def border_width(probability: npt.NDArray[np.floating[Any]]) -> float:
    """
    How wide the border of a body is: voxels between a quarter and three quarters, over its surface.

    The surface is that of a cube of the same volume; the answer is in voxels, infinite where nothing reaches one half.

    Examples
    --------
    A ball with a border four times as wide:

    >>> r = np.sqrt(sum((np.indices((41, 41, 41)) - 20.0) ** 2))
    >>> clear, blurred = (border_width(np.clip(0.5 + (12 - r) / width, 0, 1)) for width in (3.0, 12.0))
    >>> round(blurred / clear)
    4
    """
    inside = int(np.count_nonzero(probability >= 0.5))
    unsure = int(np.count_nonzero((probability > 0.25) & (probability < 0.75)))
    return unsure / (6 * inside ** (2 / 3)) if inside else float("inf")


def gated(labels: SpineLabels, volume: Volume | None = None) -> SpineLabels:
    """
    ``labels`` with the codes of what is odd: of a vertebra at its level, of the whole in ``notes``.

    Codes of a vertebra: "volume_outlier", "spacing_outlier", "metal", "cropped". Of the whole: "gap_in_levels",
    "duplicate_level", "levels_out_of_order", "slices_thicker_than_3_mm", "slices_partly_thicker_than_3_mm".
    Applying it twice changes nothing.

    Parameters
    ----------
    volume : Volume, optional
        The CT on the same grid; without it, or where its values may not be Hounsfield units, metal is not looked for.
    """
    sizes = _measured(labels, volume if volume is not None and in_hounsfield(volume) else None)
    levels = []
    for k, label in enumerate(labels.levels):
        notes = list(label.notes)
        volume_ml, _, metal = sizes[k]
        near = [sizes[j][0] for j in _neighbours(labels, k)]
        if near and not label.cropped and not _within(volume_ml / float(np.median(near)), VOLUME_RATIO):
            notes.append("volume_outlier")
        if _odd_spacing([s[1] for s in sizes], k):
            notes.append("spacing_outlier")
        if metal > METAL_SHARE:
            notes.append("metal")
        if label.cropped:
            notes.append("cropped")
        levels.append(replace(label, notes=tuple(dict.fromkeys(notes))))
    notes = [*labels.notes, *_order(labels.levels)]
    slices = (volume or labels.bodies).spacing_mm[0]
    thickness = float((volume.meta.get("slice_thickness_mm") if volume is not None else None) or slices)
    if max(thickness, slices) > THICK_MM * 1.01:
        notes.append("slices_thicker_than_3_mm")
    elif volume is not None and max(volume.meta.get("plane_steps_mm", (0.0,))) > THICK_MM * 1.01:
        notes.append("slices_partly_thicker_than_3_mm")
    return replace(labels, levels=tuple(levels), notes=tuple(dict.fromkeys(notes)))


def _measured(labels: SpineLabels, volume: Volume | None) -> list[tuple[float, np.ndarray, float]]:
    """Volume of the body (ml), its centre (LPS mm) and the share of metal in the vertebra, per level."""
    grid = labels.bodies.grid
    most = max((x.code for x in labels.levels), default=0)
    bodies = ndi.find_objects(labels.bodies.array, max_label=most)
    wholes = ndi.find_objects(labels.vertebrae.array, max_label=most)
    out = []
    for label in labels.levels:
        box = bodies[label.code - 1]
        if box is None:
            out.append((0.0, np.full(3, np.nan), 0.0))
            continue
        mask = labels.bodies.array[box] == label.code
        centre = grid.world(np.argwhere(mask).mean(axis=0) + [s.start for s in box])
        metal = 0.0
        around = wholes[label.code - 1]
        if volume is not None and around is not None:
            metal = float(
                np.mean(volume.array[around][labels.vertebrae.array[around] == label.code] > METAL_HU)
            )
        out.append((float(mask.sum() * grid.voxel_ml), centre, metal))
    return out


def _neighbours(labels: SpineLabels, k: int) -> list[int]:
    near = [k + step for step in (-2, -1, 1, 2)]
    return [j for j in near if 0 <= j < len(labels.levels) and not labels.levels[j].cropped]


def _odd_spacing(centres: list[np.ndarray], k: int) -> bool:
    """Whether the distance to the next vertebra below is unlike the others around it."""
    steps = [float(np.linalg.norm(a - b)) for a, b in pairwise(centres)]
    if k >= len(steps) or not np.isfinite(steps).all():
        return False
    near = [steps[j] for j in (k - 2, k - 1, k + 1, k + 2) if 0 <= j < len(steps)]
    return bool(near) and not _within(steps[k] / float(np.median(near)), SPACING_RATIO)


def _within(value: float, span: tuple[float, float]) -> bool:
    return span[0] <= value <= span[1]


def _order(levels: tuple[LevelLabel, ...]) -> list[str]:
    """Codes for names that skip, repeat or run backwards; T12-L1, T11-L1 and T12-T13 are no gaps of their own."""
    names = [x.level for x in levels]
    if any(name.startswith("V") for name in names):
        return []
    found = []
    for upper, lower in pairwise(names):
        step = level_rank(lower) - level_rank(upper)
        if step == 0:
            found.append("duplicate_level")
        elif step < 0:
            found.append("levels_out_of_order")
        elif not may_follow(upper, lower):
            found.append("gap_in_levels")
    return found
