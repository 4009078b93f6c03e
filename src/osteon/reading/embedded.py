"""
The embedded net at work: tissue probabilities of a whole scan, and a fine look at each vertebra.

Both look along the scan's own axes (canonical order), averaging over the larger of the two voxel sizes, so that a
thin-slice scan is not sampled with its noise and a thick-slice one is not made sharper than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from osteon.core.cores import shared_out, side_by_side, working_threads
from osteon.core.errors import InputError
from osteon.domain.anatomy import Tissue
from osteon.imaging.volume import Grid, Volume
from osteon.models.spine_net import SpineNet, Stage, class_probabilities, normalised, prompt

__all__ = ["CoarseMaps", "FineMap", "coarse_grid", "fine_grid", "looked_at", "probabilities", "refine"]

FloatArray = NDArray[np.float32]
AIR_HU = -1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarseMaps:
    """
    Tissue probabilities of a scan.

    Attributes
    ----------
    probability : ndarray (8, z, y, x), float32
        Indexed by :class:`osteon.domain.anatomy.Tissue`; sums to one over the first axis.
    hu : ndarray (z, y, x), float32
        The scan on the same grid.
    grid : Grid
        3 mm along the scan's canonical axes.
    """

    probability: FloatArray
    hu: FloatArray
    grid: Grid

    def of(self, tissue: Tissue) -> FloatArray:
        """Probability (z, y, x) of one tissue."""
        of: FloatArray = self.probability[int(tissue)]
        return of

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The most probable tissue of each voxel (z, y, x)."""
        labels: NDArray[np.uint8] = self.probability.argmax(0).astype(np.uint8)
        return labels


@dataclass(frozen=True, slots=True, kw_only=True)
class FineMap:
    """
    One vertebra seen closely.

    Attributes
    ----------
    body, rest : ndarray (z, y, x), float32
        Probability that a voxel's centre lies in this vertebra's body, or in its arch and processes. The half level
        of ``body`` is the outer cortex; ``body + rest`` is the whole vertebra.
    grid : Grid
        1.25 mm along the scan's canonical axes.
    """

    body: FloatArray
    rest: FloatArray
    grid: Grid

    @property
    def vertebra(self) -> FloatArray:
        """Probability (z, y, x) of the whole vertebra."""
        return self.body + self.rest


def _weights(n_out: int, n_in: int, start: float, step: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Weights (n_out, n_in) of a triangle as wide as the larger voxel, and which outputs lie inside the input."""
    at = start + step * np.arange(n_out)
    width = max(1.0, step)
    weights = np.clip(1 - np.abs(at[:, None] - np.arange(n_in)[None]) / width, 0, None)
    inside = (at >= -0.5) & (at <= n_in - 0.5)
    total = weights.sum(1, keepdims=True)
    weights = np.where(inside[:, None] & (total > 0), weights / np.where(total > 0, total, 1), 0.0)
    return weights.astype(np.float32), inside


def looked_at(volume: Volume, grid: Grid) -> FloatArray:
    """
    ``volume`` (canonical) on a grid along its own axes, averaged where the grid is coarser; air beyond the volume.

    Raises
    ------
    InputError
        The grid's axes are not the volume's.

    Examples
    --------
    A ramp stays a ramp when it is averaged:

    >>> ramp = np.broadcast_to(np.arange(12, dtype=np.float32)[:, None, None], (12, 4, 4))
    >>> scan = Volume(array=ramp, affine=Grid.regular((12, 4, 4), (1.0, 1.0, 1.0)).affine)
    >>> looked_at(scan, Grid.regular((3, 1, 1), (3.0, 1.0, 1.0), (1.0, 1.0, 3.0)))[:, 0, 0].tolist()
    [3.0, 6.0, 9.0]
    """
    here = volume.grid.spacing_mm
    there = grid.spacing_mm
    turn = (volume.affine[:3, :3] / here).T @ (grid.affine[:3, :3] / there)
    if np.abs(turn - np.eye(3)).max() > 1e-4:
        raise InputError(
            "the grid is turned against the volume.", hint="Make both canonical, or resample first."
        )
    start = volume.grid.index(grid.world([0, 0, 0]))
    lines = [
        _weights(n, m, float(s), b / a)
        for n, m, s, a, b in zip(grid.shape, volume.array.shape, start, here, there, strict=True)
    ]
    (wz, in_z), (wy, in_y), (wx, in_x) = lines
    spans = [np.flatnonzero(w.any(0)) for w in (wz, wy, wx)]
    out = np.full(grid.shape, AIR_HU, np.float32)
    if any(len(span) == 0 for span in spans):
        return out
    (_, _), (y0, y1), (x0, x1) = [(int(span[0]), int(span[-1]) + 1) for span in spans]
    inside = in_y[:, None] & in_x[None]
    for k in np.flatnonzero(in_z):
        layers = np.flatnonzero(wz[k])
        slab = volume.array[layers[0] : layers[-1] + 1, y0:y1, x0:x1]
        flat = np.tensordot(wz[k, layers[0] : layers[-1] + 1], slab.astype(np.float32), axes=1)
        out[k] = np.where(inside, wy[:, y0:y1] @ flat @ wx[:, x0:x1].T, AIR_HU)
    return out


def _along(volume: Volume, spacing_mm: float, shape: tuple[int, int, int], corner_index: Any) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = volume.affine[:3, :3] / volume.spacing_mm * spacing_mm
    affine[:3, 3] = volume.grid.world(corner_index)
    return Grid(shape=shape, affine=affine)


def coarse_grid(volume: Volume, spacing_mm: float) -> Grid:
    """A grid of ``spacing_mm`` over the whole (canonical) volume, half a voxel inside its faces."""
    extent = np.array(volume.array.shape) * volume.spacing_mm
    shape = np.maximum(1, np.floor(extent / spacing_mm + 1e-6)).astype(int)
    corner_mm = (extent - (shape - 1) * spacing_mm) / 2
    z, y, x = (int(n) for n in shape)
    return _along(volume, spacing_mm, (z, y, x), corner_mm / volume.spacing_mm - 0.5)


def fine_grid(volume: Volume, centre_lps_mm: Sequence[float], stage: Stage) -> Grid:
    """The fine stage's window around a point, along the axes of the (canonical) volume."""
    before_mm = np.array(stage.before) * stage.spacing_mm
    corner = volume.grid.index(centre_lps_mm) - before_mm / volume.spacing_mm
    return _along(volume, stage.spacing_mm, stage.window, corner)


def _patient(hu: FloatArray, margin: int = 3) -> tuple[slice, slice, slice]:
    """The box around the largest thing denser than lung; the whole volume where there is nothing."""
    parts, count = ndimage.label(hu > -400)
    whole = (slice(None), slice(None), slice(None))
    if not count:
        return whole
    size = np.bincount(parts.ravel())
    size[0] = 0
    box = ndimage.find_objects(parts)[int(size.argmax()) - 1]
    z, y, x = (slice(max(0, s.start - margin), s.stop + margin) for s in box)
    return z, y, x


def probabilities(
    volume: Volume,
    net: SpineNet,
    *,
    bfloat16: bool = False,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> CoarseMaps:
    """
    Tissue probabilities of a whole scan at 3 mm.

    Parameters
    ----------
    volume : Volume
        CT in Hounsfield units, any spacing.
    net : SpineNet
    bfloat16 : bool
        Half precision: faster on processors made for it; probabilities move by about .01.
    threads : int, optional
        By default those of :func:`osteon.core.cores.working_threads`.
    progress : callable, optional
        Told the share that is done.

    Raises
    ------
    FileError
        The net has no coarse stage.
    """
    stage = net.stage("coarse")
    scan = volume.canonical()
    grid = coarse_grid(scan, stage.spacing_mm)
    hu = looked_at(scan, grid)
    box = _patient(hu)
    probability = np.zeros((stage.classes, *grid.shape), np.float32)
    probability[0] = 1.0
    probability[(slice(None), *box)] = class_probabilities(
        stage,
        normalised(hu[box])[None],
        outside=float(normalised(np.array(AIR_HU))),
        bfloat16=bfloat16,
        threads=threads,
        progress=progress,
    )
    return CoarseMaps(probability=probability, hu=hu, grid=grid)


def refine(
    volume: Volume,
    centres_lps_mm: Sequence[Sequence[float]],
    net: SpineNet,
    *,
    bfloat16: bool = False,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[FineMap, ...]:
    """
    A fine look at each vertebra whose body lies around one of the points.

    Parameters
    ----------
    volume : Volume
        CT in Hounsfield units, any spacing.
    centres_lps_mm : sequence of (x, y, z)
        A point well inside each vertebral body; errors up to 5 mm are what the net was trained with.
    net : SpineNet
    bfloat16, threads, progress
        As in :func:`probabilities`.

    Raises
    ------
    FileError
        The net has no fine stage.
    """
    stage = net.stage("fine")
    scan = volume.canonical()
    bump = prompt(stage)
    beside, each = shared_out(threads or working_threads(), len(centres_lps_mm))

    def look(centre: Sequence[float]) -> FineMap:
        grid = fine_grid(scan, centre, stage)
        image = np.stack([normalised(looked_at(scan, grid)), bump])
        p = class_probabilities(stage, image, bfloat16=bfloat16, threads=each)
        return FineMap(body=p[1], rest=p[2], grid=grid)

    maps = []
    for seen in side_by_side(look, centres_lps_mm, threads=beside):
        maps.append(seen)
        if progress is not None:
            progress(len(maps) / len(centres_lps_mm))
    return tuple(maps)
