"""From labels to Hounsfield units: bone with cortex and texture, fractures, foci and metal, then the scanner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from osteon.domain.anatomy import Tissue
from osteon.imaging.volume import Volume
from osteon.synth.spine_anatomy import SpineAnatomy
from osteon.synth.spine_marks import metal_share, paint_foci, paint_fracture
from osteon.synth.spine_ranges import Ranges, draw
from osteon.synth.spine_render import Canvas, PhantomLabels
from osteon.synth.spine_skeleton import chain
from osteon.synth.spine_soft import SoftLook, soft_tissue

__all__ = ["Appearance", "draw_appearance", "render_ct"]

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """
    How one scan of one person looks.

    Attributes
    ----------
    trabecular_hu, cortex_hu, cortex_mm : of vertebral bodies
    arch_factor, rib_factor, hip_factor : trabecular density elsewhere, as a factor
    level_sd_hu : spread of the trabecular density between levels
    texture_hu, texture_mm : standard deviation and grain of the trabecular pattern
    disc_hu, csf_hu, cord_hu : of disc, dural sac and cord
    noise_hu, blur_mm, sharpen : of the scanner
    bias_hu : slow drift over the field
    soft : everything around the bones
    """

    trabecular_hu: float
    cortex_hu: float
    cortex_mm: float
    arch_factor: float
    rib_factor: float
    hip_factor: float
    level_sd_hu: float
    texture_hu: float
    texture_mm: float
    disc_hu: float
    csf_hu: float
    cord_hu: float
    noise_hu: float
    blur_mm: float
    sharpen: float
    bias_hu: float
    soft: SoftLook


def draw_appearance(rng: np.random.Generator, *, ranges: Ranges) -> Appearance:
    """Draw the look of one scan; thin cortex goes with low density, as in osteoporosis, more often than not."""
    trabecular = draw(rng, ranges.trabecular_hu)
    return Appearance(
        trabecular_hu=trabecular, cortex_hu=trabecular + draw(rng, ranges.cortex_hu), cortex_mm=draw(rng, ranges.cortex_mm),
        arch_factor=rng.uniform(1.0, 2.2), rib_factor=rng.uniform(0.6, 1.4), hip_factor=rng.uniform(0.7, 1.6),
        level_sd_hu=rng.uniform(3, 15), texture_hu=draw(rng, ranges.texture_hu), texture_mm=rng.uniform(0.4, 1.2),
        disc_hu=rng.uniform(50, 120), csf_hu=rng.uniform(-5, 25), cord_hu=rng.uniform(25, 55),
        noise_hu=draw(rng, ranges.noise_hu), blur_mm=draw(rng, ranges.blur_mm),
        sharpen=draw(rng, ranges.sharpen) * bool(rng.random() < 0.4), bias_hu=rng.uniform(0, 10),
        soft=SoftLook.drawn(rng, ranges),
    )  # fmt: skip


def render_ct(
    labels: PhantomLabels,
    anatomy: SpineAnatomy,
    rng: np.random.Generator,
    *,
    appearance: Appearance | None = None,
) -> Volume:
    """
    A CT of a labelled phantom on the grid of its labels, Hounsfield units, float32.

    Cortex thinner than a voxel is averaged with what lies beside it, as a scanner does. For slices thicker than about a
    millimetre render thin ones and average them (:func:`osteon.synth.spine_ct.phantom` does).

    Parameters
    ----------
    labels : PhantomLabels of the same anatomy, on any grid
    appearance : Appearance, optional
        Drawn from the anatomy's ranges where None.
    """
    look = appearance or draw_appearance(rng, ranges=anatomy.ranges)
    canvas = Canvas(labels.tissue.grid)
    image = soft_tissue(anatomy, canvas, look.soft, rng)
    _canal_and_discs(image, labels, anatomy, canvas, look, rng)
    _bone(image, labels, anatomy, look, rng)
    for v in anatomy.vertebrae:
        paint_fracture(
            image, labels, canvas, v, plain_hu=look.trabecular_hu, cortex_mm=look.cortex_mm, rng=rng
        )
        paint_foci(image, labels, canvas, v)
    metal = metal_share(anatomy, canvas)
    if metal is not None:
        image += metal * (3000 - image)
    image = _scanned(image, canvas, look, rng, metal)
    return Volume(array=image, affine=labels.tissue.affine, meta={"modality": "CT", "simulated": True})


def _canal_and_discs(
    image: Floats,
    labels: PhantomLabels,
    anatomy: SpineAnatomy,
    canvas: Canvas,
    look: Appearance,
    rng: np.random.Generator,
) -> None:
    tissue = labels.tissue.array
    image[tissue == Tissue.DISC] = look.disc_hu
    canal = tissue == Tissue.CANAL
    image[canal] = look.csf_hu + rng.uniform(0, 12)
    points = np.array(
        [v.frame.world((0, v.shape.half_depth + v.sizes.canal_depth * 0.5, 0)) for v in anatomy.vertebrae]
    )
    upper = sum(v.level[0] != "L" for v in anatomy.vertebrae[:-1]) + 1
    cord = chain(points[:upper], [(5.0, 4.0)] * upper, [1, 0, 0])
    sac = chain(points[upper - 1 :], [(7.5, 6.0)] * (len(points) - upper + 1), [1, 0, 0])
    fat = rng.random() < 0.6
    if fat:
        image[canal] = look.soft.fat_hu * rng.uniform(0.2, 0.8)
    for rods, hu in (
        (sac, look.csf_hu + 8),
        (chain(points[:upper], [(7.5, 6.2)] * upper, [1, 0, 0]), look.csf_hu),
        (cord, look.cord_hu),
    ):
        for rod in rods:
            hit = canvas.rod(rod)
            if hit is not None:
                image[hit[0]][(hit[1] > 0) & canal[hit[0]]] = hu
    for v, disc in zip(anatomy.vertebrae, anatomy.discs, strict=False):
        if disc.gas:
            s = v.shape
            at = v.frame.world(
                (
                    rng.uniform(-0.3, 0.3) * s.half_width,
                    rng.uniform(-0.4, 0.3) * s.half_depth,
                    -s.height / 2 - disc.height_mm / 2,
                )
            )
            for rod in chain(
                [at, at + v.frame.axes[0] * rng.uniform(4, 14)], [(5.0, 1.2)] * 2, v.frame.axes[1]
            ):
                hit = canvas.rod(rod)
                if hit is not None:
                    image[hit[0]][(hit[1] > 0) & (tissue[hit[0]] == Tissue.DISC)] = rng.uniform(-700, -200)


def _bone(
    image: Floats, labels: PhantomLabels, anatomy: SpineAnatomy, look: Appearance, rng: np.random.Generator
) -> None:
    voxel = np.float32(np.mean(labels.tissue.spacing_mm))
    near = np.flatnonzero(labels.depth_mm.ravel() > -0.5 * voxel)
    depth = labels.depth_mm.ravel()[near]
    kind = _nearest_kind(labels.tissue.array, near)
    level = rng.normal(0, look.level_sd_hu, 32).astype(np.float32)[labels.vertebrae.array.ravel()[near] % 32]
    t, c, w = look.trabecular_hu, look.cortex_hu, look.cortex_mm
    table = np.array([  # trabecular HU, cortical HU, cortex mm
        (t, c, w), (t, c, w), (t * look.arch_factor, c * 1.15, w * 1.7), (t, c, w), (t, c, w),
        (t * rng.uniform(0.7, 1.2), c, w), (t * look.rib_factor, c * 1.1, w * 1.3), (t * look.hip_factor, c * 1.2, w * 1.8),
    ], np.float32)[kind]  # fmt: skip
    patchy = rng.uniform(0.75, 1.25)
    whole = np.clip(depth / voxel + np.float32(0.5), 0, 1)
    core = np.clip((depth - table[:, 2] * patchy) / voxel + np.float32(0.5), 0, 1)
    grain = gaussian_filter(
        rng.standard_normal(image.shape, dtype=np.float32),
        look.texture_mm / np.array(labels.tissue.spacing_mm),
        truncate=2.5,
    )
    grain = grain.ravel()[near] / max(float(grain.std()), 1e-6)
    spread = look.texture_hu * np.minimum(1.0, 1.2 / float(voxel))
    inner = table[:, 0] + level + grain * np.float32(spread)
    values = image.ravel()
    values[near] = values[near] * (1 - whole) + table[:, 1] * (whole - core) + inner * core


def _nearest_kind(tissue: npt.NDArray[np.uint8], near: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Bone tissue at the voxels, borrowed from a neighbour where a voxel's centre lies just outside."""
    bone = np.where(np.isin(tissue, (1, 2, 5, 6, 7)), tissue, 0)
    flat = bone.ravel()
    kind = flat[near].astype(np.intp)
    steps = [s // tissue.itemsize for s in np.ascontiguousarray(tissue).strides]
    for step in (*steps, *(-s for s in steps)):
        bare = kind == 0
        if not bare.any():
            break
        kind[bare] = flat[np.clip(near[bare] + step, 0, flat.size - 1)]
    return kind


def _scanned(
    image: Floats, canvas: Canvas, look: Appearance, rng: np.random.Generator, metal: Floats | None
) -> Floats:
    """Kernel, noise with the kernel's grain, streaks of metal, a slow drift, and the scanner's range."""
    spacing = np.array(canvas.grid.spacing_mm)
    if metal is not None:
        image = image + _streaks(metal, rng)
    sigma = look.blur_mm / spacing
    image = gaussian_filter(image, np.minimum(sigma, 1.5), truncate=2.5)
    if look.sharpen:
        image += np.float32(look.sharpen) * (image - gaussian_filter(image, 1.0 / spacing, truncate=2.0))
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    grain = sigma * (0.25 if look.sharpen else 0.7)
    if grain.max() > 0.2:
        noise = gaussian_filter(noise, grain, truncate=2.5)
        noise *= np.float32(1 / max(float(noise.std()), 1e-6))
    image += noise * np.float32(look.noise_hu)
    x, y, _ = canvas.world_axes()
    turn = rng.uniform(0, 2 * np.pi)
    image += np.float32(look.bias_hu) * np.sin(
        (x * np.cos(turn) + y * np.sin(turn)).astype(np.float32) * np.float32(0.012)
    )
    return np.clip(image, -1024, 3071, out=image)


def _streaks(metal: Floats, rng: np.random.Generator) -> Floats:
    """Bright and dark rays in the slices that hold metal."""
    out = np.zeros_like(metal)
    for k in np.flatnonzero(metal.max(axis=(1, 2)) > 0.3):
        row, column = (float(c.mean()) for c in np.nonzero(metal[k] > 0.3))
        y, x = np.ogrid[: metal.shape[1], : metal.shape[2]]
        angle, far = np.arctan2(y - row, x - column), np.hypot(y - row, x - column)
        wave = sum(rng.normal() * np.sin(n * angle + rng.uniform(0, 6.3)) for n in (2, 4, 6, 10, 16))
        out[k] = np.asarray(wave * 90 * np.exp(-far / 25), dtype=np.float32)
    return out
