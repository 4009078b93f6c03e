"""What is found inside a vertebra: the marks of a fresh fracture, foci, cement, and metal."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from osteon.synth.spine_anatomy import SpineAnatomy, Vertebra
from osteon.synth.spine_pelvis import pelvis_rods
from osteon.synth.spine_render import Canvas, PhantomLabels
from osteon.synth.spine_skeleton import screw_rods

__all__ = ["metal_share", "paint_foci", "paint_fracture"]

Floats = npt.NDArray[np.floating[Any]]


def paint_fracture(
    image: Floats,
    labels: PhantomLabels,
    canvas: Canvas,
    v: Vertebra,
    *,
    plain_hu: float,
    cortex_mm: float,
    rng: np.random.Generator,
) -> None:
    """
    Draw the veins that leave every body at its back, and the band and the broken cortex of a fresh fracture.

    Parameters
    ----------
    image : array, changed in place
    plain_hu, cortex_mm : trabecular density and cortex around the marks
    """
    s, f = v.shape, v.fracture
    phase, waves = rng.uniform(0, 6.3, 2), rng.uniform(0.25, 0.45, 2)
    reach = np.array([s.half_width, s.half_depth, s.height * 0.6])
    block = canvas.block(-reach, reach, v.frame)
    if block is None or v.level == "S1":
        return
    body = labels.bodies.array[block] == v.code
    if not body.any():
        return
    here = image[block]
    x, y, z = canvas.local(block, v.frame)
    vein = (np.abs(x) < 4) & (y > 0.35 * s.half_depth) & (np.abs(z) < 2.5) & body
    here[vein] *= np.float32(0.6)
    if f is None or not f.fresh:
        return
    top, bottom = s.surfaces(x, y)
    for plate, letters in ((top - z, "AB"), (z - bottom, "AC")):
        if f.denis not in letters:
            continue
        band = np.exp(-(((plate - np.float32(2 + f.band_mm / 2)) / np.float32(f.band_mm * 0.6)) ** 2))
        here += np.where(body, band * np.float32(f.band_hu), 0)
        wave = np.sin(x * waves[0] + phase[0]) + np.sin(y * waves[1] + phase[1])
        cut = np.quantile(wave, 1 - f.gap_share)
        gap = (wave > cut) & body & (plate < cortex_mm + 0.6)
        here[gap] = np.minimum(here[gap], plain_hu + 40)
    if f.denis == "D":
        line = np.exp(-((z / 2.0) ** 2)) * np.clip(-y / s.half_depth + 0.3, 0, 1)
        here += np.where(body, line * np.float32(f.band_hu * 0.7), 0)


def paint_foci(image: Floats, labels: PhantomLabels, canvas: Canvas, v: Vertebra) -> None:
    """Draw the foci of a vertebra; a "destruction" takes cortex and what lies beside it along, all others stay in the bone."""
    for focus in v.foci:
        radius = np.full(3, focus.radius_mm * 1.3)
        at = np.array(focus.at)
        block = canvas.block(at - radius, at + radius, v.frame)
        if block is None:
            continue
        x, y, z = canvas.local(block, v.frame)
        r = np.sqrt((x - at[0]) ** 2 + (y - at[1]) ** 2 + (z - at[2]) ** 2)
        if focus.kind in {"cement", "destruction"}:  # ragged
            r = r + 0.25 * focus.radius_mm * np.sin(x * 1.3) * np.sin(y * 1.1 + z)
        share = np.clip((np.float32(focus.radius_mm) - r) / np.float32(canvas.voxel_mm) + 0.5, 0, 1)
        if focus.kind == "destruction":
            share = share * (labels.tissue.array[block] != 4)
        else:
            share = share * (labels.vertebrae.array[block] == v.code)
        here = image[block]
        here += (share * (focus.hu - here)).astype(np.float32)


def metal_share(anatomy: SpineAnatomy, canvas: Canvas) -> Floats | None:
    """The share of every voxel that is metal; None where there is none."""
    rods = [*screw_rods(anatomy), *(rod for kind, rod in pelvis_rods(anatomy) if kind == "metal")]
    found: Floats | None = None
    for rod in rods:
        hit = canvas.rod(rod)
        if hit is None:
            continue
        if found is None:
            found = np.zeros(canvas.grid.shape, np.float32)
        share = np.clip(hit[1] / np.float32(canvas.voxel_mm) + 0.5, 0, 1)
        found[hit[0]] = np.maximum(found[hit[0]], share)
    return found
