"""
What the spine nets learn from: scans of invented spines, sampled exactly as a real scan is when it is read.

An anatomy is drawn, scanned with a random field of view and slice thickness, and looked at through the same
resampling as in :mod:`osteon.reading.embedded`; its labels are drawn on the net's own grid, exact at every voxel's
centre. Scans are made in a process beside the training and kept in a pool; each is used several times, cut, mirrored
and changed in density anew. The n-th sample depends on the seed and n alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from osteon.core.seeds import stream
from osteon.imaging.resample import resample
from osteon.imaging.volume import Grid, Volume
from osteon.models.spine_net import COARSE, FINE, Stage, normalised, prompt
from osteon.reading.embedded import AIR_HU, coarse_grid, looked_at
from osteon.synth.spine_anatomy import SpineAnatomy, Vertebra, draw_anatomy
from osteon.synth.spine_appearance import render_ct
from osteon.synth.spine_ranges import TRAINING, Ranges, ends
from osteon.synth.spine_render import render_tissue

__all__ = [
    "Recipe",
    "Sample",
    "Scanned",
    "coarse_samples",
    "coarse_scan",
    "coarse_scans",
    "fine_samples",
    "fine_scan",
    "fine_scans",
    "pooled",
]

Sample = tuple[NDArray[np.float32], NDArray[np.uint8]]
PART = (48, 64, 56)  # of the fine window
_PARTS = tuple(zip(FINE.window, FINE.before, PART, strict=True))
MARGIN = 6  # voxels of a fine scan beyond the window, for a point that is not the centre
EXTREME = ends(TRAINING, 0.2)
"""Everything at an end of its range at once: rare among plain draws, and what is read worst."""
EXTREME_SHARE = {"coarse": 0.4, "fine": 0.5}  # of the spines a stage sees
CUBES = {0.0: 0.65, 1.5: 0.11, 2.0: 0.08, 3.0: 0.16}
"""Side (mm) of the voxels of a resampled scan and how often; 0 where the scan is as it left the scanner."""
FIELDS = {  # first and last level in the field, and how often
    ("T9", "S1"): 0.30,
    ("T12", "S1"): 0.22,
    ("L1", "S1"): 0.10,
    ("T1", "L2"): 0.14,
    ("T5", "L3"): 0.10,
    ("T1", "S1"): 0.08,
    ("L3", "pelvis"): 0.06,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """Hounsfield units (z, y, x) and labels on the same grid, as small numbers so that many fit into memory."""

    hu: NDArray[np.int16]
    labels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a pool is kept: scans at the start and at most, and how many samples are taken per new scan."""

    start: int
    size: int
    samples_per_scan: int


def pooled(
    scans: Callable[[int, int], tuple[Scanned, ...]],
    cut: Callable[[np.random.Generator, Scanned], Sample],
    *,
    seed: int,
    name: str,
    recipe: Recipe,
    first: int = 0,
    workers: int = 1,
) -> Iterator[Sample]:
    """
    Endless samples from the ``first``-th on, the same whatever the number of workers and however often it was broken off.

    Parameters
    ----------
    scans : callable
        ``scans(seed, number)`` gives the scans of one anatomy; called in other processes where ``workers`` > 0.
    cut : callable
        One sample of one scan.
    """
    context = get_context("spawn")
    executor = ProcessPoolExecutor(workers, mp_context=context) if workers else None
    waiting: deque[Future[tuple[Scanned, ...]]] = deque()
    pool: deque[tuple[Scanned, ...]] = deque(maxlen=recipe.size)

    def due(sample: int) -> int:
        return recipe.start + sample // recipe.samples_per_scan

    made = asked = max(0, due(first) - recipe.size)
    try:
        number = first
        while True:
            while made < due(number):
                if executor is None:
                    pool.append(scans(seed, made))
                else:
                    ahead = max(due(number), made + 2 * workers + 1)
                    waiting.extend(executor.submit(scans, seed, k) for k in range(asked, ahead))
                    asked = max(asked, ahead)
                    pool.append(waiting.popleft().result())
                made += 1
            rng = stream(seed, name, "sample", number)
            scan = pool[int(rng.integers(len(pool)))]
            yield cut(rng, scan[int(rng.integers(len(scan)))])
            number += 1
    finally:
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)


def _altered(rng: np.random.Generator, hu: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Density scale and offset, a bend of the bone's range, blur, edges drawn up and noise: what scanners differ in."""
    out = hu.astype(np.float32)
    way = rng.random()
    if way < 0.45:
        soft = ndimage.gaussian_filter(out, rng.uniform(0.2, 0.7, 3), truncate=2.5)
        out = soft if way < 0.3 else out + rng.uniform(0.2, 1.0) * (out - soft)
    bone = np.maximum(out, 0) / 1000
    out = np.where(out > 0, 1000 * bone ** rng.uniform(0.8, 1.25), out)
    out = out * rng.uniform(0.9, 1.12) + rng.normal(0, 10)
    if rng.random() < 0.4:
        noise = rng.normal(0, rng.uniform(2, 25), out.shape).astype(np.float32)
        out = out + (ndimage.gaussian_filter(noise, 0.6) * 2 if rng.random() < 0.5 else noise)
    return normalised(out)


def _ranges(rng: np.random.Generator, stage: str) -> Ranges:
    return EXTREME if rng.random() < EXTREME_SHARE[stage] else TRAINING


# ---- coarse -------------------------------------------------------------------------------------


def _field(
    rng: np.random.Generator, anatomy: SpineAnatomy
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper corner (LPS mm) of a field of view: which levels, how wide, how well centred."""
    names = list(FIELDS)
    first, last = names[int(rng.choice(len(names), p=list(FIELDS.values())))]
    have = {v.level: v.frame.centre for v in anatomy.vertebrae}
    top = have.get(first, have["L1"])[2] + rng.uniform(-5, 45)
    bottom = have["S1"][2] - rng.uniform(130, 230) if last == "pelvis" else have[last][2] - rng.uniform(0, 60)
    seen = np.array([c for c in have.values() if bottom <= c[2] <= top])
    middle = seen.mean(0) if len(seen) else have["S1"]
    if rng.random() < 0.35:  # reconstructed around the spine
        half = rng.uniform([70, 75], [110, 105])
        shift = rng.normal(0, 12, 2)
    else:  # the whole patient, who does not lie in the middle
        half = rng.uniform([150, 130], [215, 200])
        shift = rng.normal(0, 15, 2) + np.array([0, -60])
    low = np.array([*(middle[:2] + shift - half), bottom])
    return low, np.array([*(middle[:2] + shift + half), top])


def coarse_scan(rng: np.random.Generator, **drawn: Any) -> tuple[Volume, SpineAnatomy]:
    """A scan of an invented spine; ``drawn`` goes to :func:`osteon.synth.spine_anatomy.draw_anatomy`."""
    anatomy = draw_anatomy(rng, **{"first": "T1", "last": "S1", "fracture_rate": 0.2, **drawn})
    low, high = _field(rng, anatomy)
    across = float(rng.choice([1.5, 2.0, 3.0]))
    thick = float(rng.choice([1.5, 2.0, 3.0, 5.0], p=[0.3, 0.25, 0.25, 0.2]))
    return _scanned(rng, anatomy, low, high, (thick, across, across), 3.0), anatomy


def coarse_scans(seed: int, number: int) -> tuple[Scanned, ...]:
    """The scan of one invented spine as the coarse stage sees it."""
    rng = stream(seed, "coarse", "scan", number)
    volume, anatomy = coarse_scan(rng, ranges=_ranges(rng, "coarse"))
    target = coarse_grid(volume, COARSE.spacing_mm)
    return (_kept(looked_at(volume, target), render_tissue(anatomy, target).tissue.array),)


def _grid_over(
    low: NDArray[np.float64], high: NDArray[np.float64], spacing_mm: tuple[float, float, float]
) -> Grid:
    shape = np.maximum(4, np.round((high - low)[::-1] / spacing_mm)).astype(int)
    z, y, x = (int(n) for n in shape)
    return Grid.regular((z, y, x), spacing_mm, (float(low[0]), float(low[1]), float(low[2])))


def _scanned(
    rng: np.random.Generator,
    anatomy: SpineAnatomy,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    spacing_mm: tuple[float, float, float],
    thickest_mm: float,
) -> Volume:
    """A scan of a box (LPS mm); slices above ``thickest_mm`` are the mean of thinner ones."""
    thick = _grid_over(low, high, spacing_mm)
    parts = int(np.ceil(spacing_mm[0] / thickest_mm - 1e-6))
    thin = _grid_over(low, high, (spacing_mm[0] / parts, *spacing_mm[1:]))
    volume: Volume = render_ct(render_tissue(anatomy, thin), anatomy, rng)
    if parts == 1:
        return volume
    return Volume(array=looked_at(volume, thick), affine=thick.affine)


def _kept(hu: NDArray[Any], labels: NDArray[Any]) -> Scanned:
    return Scanned(hu=np.clip(hu, -1024, 3071).astype(np.int16), labels=labels.astype(np.uint8))


def _cut_coarse(rng: np.random.Generator, scan: Scanned) -> Sample:
    """A random piece, mostly around the spine, of a side the net will be read with."""
    side = rng.choice([40, 48, 48, 56, 64], 3)
    spine = np.argwhere((scan.labels[::2, ::2, ::2] > 0) & (scan.labels[::2, ::2, ::2] < 6)) * 2
    if len(spine) and rng.random() < 0.75:
        middle = spine[rng.integers(len(spine))] + rng.integers(-14, 15, 3)
        corner = middle - side // 2
    else:
        corner = np.array(
            [rng.integers(-8, max(n - s, 0) + 9) for n, s in zip(scan.hu.shape, side, strict=True)]
        )
    hu, labels = _piece(scan, corner, side)
    if rng.random() < 0.5:
        hu, labels = hu[:, :, ::-1], labels[:, :, ::-1]
    return _altered(rng, hu)[None], np.ascontiguousarray(labels)


def _piece(scan: Scanned, corner: NDArray[Any], side: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A box of a scan; air beyond it."""
    shape = tuple(int(n) for n in side)
    hu, labels = np.full(shape, AIR_HU, np.int16), np.zeros(shape, np.uint8)
    low = [max(0, int(c)) for c in corner]
    high = [min(n, int(c) + s) for n, c, s in zip(scan.hu.shape, corner, shape, strict=True)]
    if all(a < b for a, b in zip(low, high, strict=True)):
        here = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        there = tuple(slice(a - int(c), b - int(c)) for a, b, c in zip(low, high, corner, strict=True))
        hu[there], labels[there] = scan.hu[here], scan.labels[here]
    return hu, labels


def coarse_samples(seed: int, *, first: int = 0, workers: int = 1) -> Iterator[Sample]:
    """Samples of the coarse stage: (1, z, y, x) image and tissue labels."""
    recipe = Recipe(start=6, size=48, samples_per_scan=16)
    return pooled(
        coarse_scans, _cut_coarse, seed=seed, name="coarse", recipe=recipe, first=first, workers=workers
    )


# ---- fine ---------------------------------------------------------------------------------------


def _wide(stage: Stage, anatomy: Vertebra) -> Grid:
    """The fine window around a body with a margin on every side."""
    shape = tuple(n + 2 * MARGIN for n in stage.window)
    corner = np.array(anatomy.frame.centre) - (np.array(stage.before)[::-1] + MARGIN) * stage.spacing_mm
    return Grid.regular(shape, (stage.spacing_mm,) * 3, tuple(float(c) for c in corner))  # type: ignore[arg-type]


def fine_scan(rng: np.random.Generator, anatomy: SpineAnatomy, vertebra: Vertebra) -> Volume:
    """A scan of the surroundings of one vertebra, as it left the scanner or resampled to coarser cubes."""
    cube = float(rng.choice(list(CUBES), p=list(CUBES.values())))
    if cube:
        return _in_cubes(rng, anatomy, vertebra, cube)
    across = float(rng.uniform(0.7, 1.0))
    thick = float(rng.choice([0.7, 1.0, 1.25, 2.0, 3.0, 5.0], p=[0.25, 0.25, 0.2, 0.12, 0.12, 0.06]))
    target = _wide(FINE, vertebra)
    low = target.world([0, 0, 0]) - thick * rng.random(3)
    high = target.world(np.array(target.shape) - 1) + thick
    return _scanned(rng, anatomy, low, high, (thick, across, across), 1.25)


def _in_cubes(rng: np.random.Generator, anatomy: SpineAnatomy, vertebra: Vertebra, cube_mm: float) -> Volume:
    """Cubic voxels, averaged from finer ones or interpolated between them: research data are kept either way."""
    target = _wide(FINE, vertebra)
    low = target.world([0, 0, 0]) - cube_mm * (1 + rng.random(3))
    high = target.world(np.array(target.shape) - 1) + 2 * cube_mm
    fine = _scanned(rng, anatomy, low, high, (1.0, 1.0, 1.0), 1.25)
    return resample(fine, (cube_mm,) * 3, antialias=bool(rng.random() < 0.5))


def fine_scans(seed: int, number: int) -> tuple[Scanned, ...]:
    """Scans around some vertebrae of one invented spine as the fine stage sees them."""
    rng = stream(seed, "fine", "scan", number)
    anatomy = draw_anatomy(rng, ranges=_ranges(rng, "fine"), first="T1", last="S1", fracture_rate=0.35)
    bodies = [v for v in anatomy.vertebrae if v.level != "S1" and not v.level.startswith("C")]
    broken = [v for v in bodies if v.fracture is not None]
    chosen = [bodies[int(k)] for k in rng.choice(len(bodies), 2, replace=False)]
    chosen += [broken[int(k)] for k in rng.choice(len(broken), min(2, len(broken)), replace=False)]
    return tuple(_close_look(rng, anatomy, v) for v in chosen)


def _close_look(rng: np.random.Generator, anatomy: SpineAnatomy, vertebra: Vertebra) -> Scanned:
    target = _wide(FINE, vertebra)
    truth = render_tissue(anatomy, target)
    labels = np.where(truth.vertebrae.array == vertebra.code, 2, 0)
    labels[truth.bodies.array == vertebra.code] = 1
    return _kept(looked_at(fine_scan(rng, anatomy, vertebra), target), labels)


def _cut_fine(rng: np.random.Generator, scan: Scanned) -> Sample:
    """The window around a point near the centre of the body, mirrored half of the time, and a part of it."""
    body = ndimage.center_of_mass(scan.labels == 1)
    off = np.clip(rng.normal(0, [1.6, 2.0, 2.0]), -4, 4)
    centre = np.round(np.array(body) + off).astype(int)
    hu, labels = _piece(scan, centre - np.array(FINE.before), np.array(FINE.window))
    bump = prompt(FINE)
    if rng.random() < 0.12:  # the field ends near the vertebra
        end = int(FINE.before[0] + rng.choice([-1, 1]) * rng.integers(4, 24))
        gone = slice(0, end) if end < FINE.before[0] else slice(end, None)
        hu[gone], labels[gone] = AIR_HU, 0
    if rng.random() < 0.5:  # the bump is not quite in the middle of the window: mirror all three
        hu, labels, bump = hu[:, :, ::-1], labels[:, :, ::-1], bump[:, :, ::-1]
    if rng.random() < 0.85:  # a part of the window costs less and shows the same borders
        low = [rng.integers(max(0, b - p + 10), min(n - p, b - 10) + 1) for n, b, p in _PARTS]
        part = tuple(slice(int(a), int(a) + p) for a, (_, _, p) in zip(low, _PARTS, strict=True))
        hu, labels, bump = hu[part], labels[part], bump[part]
    return np.stack([_altered(rng, hu), bump]), np.ascontiguousarray(labels)


def fine_samples(seed: int, *, first: int = 0, workers: int = 1) -> Iterator[Sample]:
    """Samples of the fine stage: (2, z, y, x) image and bump, labels background, body, rest."""
    recipe = Recipe(start=6, size=60, samples_per_scan=16)
    return pooled(fine_scans, _cut_fine, seed=seed, name="fine", recipe=recipe, first=first, workers=workers)
