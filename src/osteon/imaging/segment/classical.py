"""Vertebrae without a network: rays find the canal, planes of low density the discs, a threshold the bone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.filters import threshold_multiotsu

from osteon import __version__
from osteon.core.errors import NotEnoughData
from osteon.domain.anatomy import Tissue
from osteon.imaging.resample import resample
from osteon.imaging.segment.assemble import label_spine
from osteon.imaging.segment.canal import CanalPath, canal_path, enclosure, straightened
from osteon.imaging.segment.discs import DiscPlane, disc_evidence, find_discs
from osteon.imaging.segment.labels import SpineLabels
from osteon.imaging.volume import Grid, Volume

__all__ = ["ClassicalSegmenter", "tissue_evidence"]

Map = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]

COARSE_MM = 3.0
CORTEX_HU = 150.0  # arches and endplates at 3 mm; muscle and blood without contrast stay below 80
ASIDE_MM = np.arange(38.0, 50.0, 4.0)
CANAL_MM = 9.0  # half the width of the canal
TRUST = (
    0.8  # geometry confuses ribs with processes and alae with osteophytes: its level posteriors are held back
)


class ClassicalSegmenter:
    """
    The fallback without torch, and an independent second opinion on what the network finds.

    Attributes
    ----------
    name : str
        "classical".
    """

    name = "classical"

    def segment(
        self,
        volume: Volume,
        *,
        pin: tuple[tuple[float, float, float], str] | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> SpineLabels:
        """
        Label the vertebrae of ``volume`` (Hounsfield units, any spacing); see :class:`SpineSegmenter`.

        Raises
        ------
        InputError
            The pin lies on no vertebra.
        """
        scan = volume.canonical()
        spacing = scan.spacing_mm
        coarse = scan
        if min(spacing) < 0.8 * COARSE_MM:
            z, y, x = (max(COARSE_MM, s) for s in spacing)
            coarse = resample(scan, (z, y, x))
        maps = tissue_evidence(coarse.array.astype(np.float32), coarse.grid)
        labels = label_spine(
            volume.grid, maps, coarse.grid, pin=pin, progress=progress, backend=self.name, version=__version__
        )
        if "user" in labels.anchored_by:
            return labels
        return replace(
            labels,
            levels=tuple(replace(x, confidence=round(TRUST * x.confidence, 4)) for x in labels.levels),
        )


def tissue_evidence(hu: Map, grid: Grid) -> dict[Tissue, Map]:
    """
    Tissue maps (z, y, x), 0-1, that density and geometry suggest; empty maps where no canal is seen.

    Parameters
    ----------
    hu : ndarray (z, y, x), float32
        On a canonical ``grid`` of about 3 mm.
    """
    known = (Tissue.BODY, Tissue.POSTERIOR, Tissue.DISC, Tissue.CANAL, Tissue.SACRUM, Tissue.RIB)
    maps = {t: np.zeros(grid.shape, np.float32) for t in known}
    smooth = ndi.gaussian_filter(hu, [1.2 / s for s in grid.spacing_mm])
    try:
        path = canal_path(_canal_score(smooth, grid), grid)
    except NotEnoughData:
        return maps
    voxels = np.argwhere(smooth > -30)
    low, high = (f(grid.index(path.points_lps_mm), axis=0) for f in (np.min, np.max))
    reach = 95.0 / np.array(grid.spacing_mm)
    near = ((voxels > low - reach) & (voxels < high + reach)).all(axis=1)
    voxels = voxels[near]
    s, u, v = np.moveaxis(path.coordinates(grid.world(voxels)), -1, 0)
    value = smooth[tuple(voxels.T)]
    row = np.clip(np.rint(s).astype(int), 0, len(path.points_lps_mm) - 1)
    bone_hu = _bone_threshold(smooth, grid, path)
    sacral = _sacral(smooth, grid, path)
    width, depth = _size(smooth, grid, path, bone_hu)
    column = (np.abs(u / width[row]) ** 2.5 + np.abs((v - CANAL_MM - depth[row]) / depth[row]) ** 2.5) < 1.0
    front = column & ~sacral[row]
    maps[Tissue.BODY][tuple(voxels[front].T)] = 1.0 / (
        1.0 + np.exp(-(value[front] - bone_hu[row][front]) / 18.0)
    )
    slabs = _slabs(smooth, grid, path, maps[Tissue.BODY])
    disc = np.zeros(len(voxels), bool)
    for plane, low_mm, high_mm in slabs:
        height = plane.above(grid.world(voxels))
        disc |= (height > low_mm) & (height < high_mm) & (np.abs(s - plane.s_mm) < 60.0)
    # between discs all that is denser than muscle is body: marrow of old bone is hardly denser than a disc
    filled = 1.0 / (1.0 + np.exp(-(value - _soft_threshold(smooth, grid, path)[row]) / 12.0))
    maps[Tissue.BODY][tuple(voxels[front].T)] = np.where(disc, 0.0, filled)[front]
    inside = front & disc & (value > 20.0)
    maps[Tissue.DISC][tuple(voxels[inside].T)] = 1.0
    back = (
        ~column & (value > CORTEX_HU) & (np.abs(u) < 42.0) & (v < CANAL_MM + 0.6 * depth[row]) & (v > -65.0)
    )
    maps[Tissue.POSTERIOR][tuple(voxels[back & ~sacral[row]].T)] = 1.0
    sacrum = (np.abs(u) < 55.0) & (v < 45.0) & (v > -40.0) & sacral[row] & (value > 90.0)
    maps[Tissue.SACRUM][tuple(voxels[sacrum].T)] = 1.0
    canal = (u**2 + v**2 < CANAL_MM**2) & (value < CORTEX_HU) & (path.confidence[row] > 0.0)
    maps[Tissue.CANAL][tuple(voxels[canal].T)] = 1.0
    rib = _ribs(voxels, value, u, v, sacral[row], grid)
    maps[Tissue.RIB][rib] = 1.0
    maps[Tissue.POSTERIOR][rib] = 0.0
    body = ndi.grey_opening(maps[Tissue.BODY], size=(1, 3, 3))  # vessels and ribs that touch come off
    maps[Tissue.BODY] = np.where(maps[Tissue.CANAL] > 0.5, 0.0, body).astype(np.float32)
    return maps


def _slabs(smooth: Map, grid: Grid, path: CanalPath, body: Map) -> list[tuple[DiscPlane, float, float]]:
    """
    Disc planes and how far the disc reaches below and above each (mm).

    Along the normal an endplate is the densest place within 11 mm of the disc; the border lies half way up to it.
    """
    evidence = disc_evidence(path, grid, body, np.zeros_like(body))
    offsets = np.arange(-11.0, 11.5, 0.5)
    left, front = np.meshgrid(np.arange(-12.0, 13.0, 3.0), np.arange(-9.0, 10.0, 3.0), indexing="ij")
    slabs = []
    for plane in find_discs(path, evidence):
        _, _, lateral, forward = path.at(plane.s_mm)
        aside = lateral - plane.normal_lps * (lateral @ plane.normal_lps)
        ahead = np.cross(aside, plane.normal_lps)
        ahead *= np.sign(ahead @ forward)
        patch = plane.centre_lps_mm + left[..., None] * aside + front[..., None] * ahead
        points = patch[None] + offsets[:, None, None, None] * plane.normal_lps
        where = np.moveaxis(grid.index(points), -1, 0)
        profile = ndi.map_coordinates(smooth, where, order=1, mode="nearest").mean(axis=(1, 2))
        middle = len(offsets) // 2
        lowest = middle - 6 + int(np.argmin(profile[middle - 6 : middle + 7]))
        reach = []
        for side in (profile[lowest::-1], profile[lowest:]):
            half = 0.5 * (side[0] + side.max())
            reach.append(0.5 * float(np.argmax(side >= half)))
        shift = offsets[lowest]
        slabs.append((plane, float(shift - max(reach[0], 1.0)), float(shift + max(reach[1], 1.0))))
    return slabs


def _soft_threshold(smooth: Map, grid: Grid, path: CanalPath) -> Array:
    """Half way between what lies beside the column (muscle, 40-50 mm aside) and what lies in it, by place."""
    inside = straightened(smooth, grid, path, np.arange(-9.0, 10.0, 3.0), np.arange(16.0, 31.0, 3.0))
    beside = [straightened(smooth, grid, path, q, np.arange(0.0, 16.0, 4.0)) for q in (ASIDE_MM, -ASIDE_MM)]
    muscle = np.clip(np.median(np.concatenate(beside, axis=1), axis=(1, 2)), 0.0, 70.0)
    core = ndi.median_filter(np.median(inside, axis=(1, 2)), 41, mode="nearest")
    cut = np.clip(0.5 * (muscle + core), 40.0, 160.0)
    return np.asarray(ndi.gaussian_filter1d(cut, 15.0, mode="nearest"))


def _canal_score(smooth: Map, grid: Grid) -> Map:
    """Enclosure, held to the back half of the patient and to the middle."""
    score = enclosure(smooth > CORTEX_HU - 20.0, grid.spacing_mm)
    soft = (smooth > -60.0) & (smooth < 120.0)
    patient = ndi.binary_opening(smooth > -300.0)
    pieces, count = ndi.label(patient)
    if count > 1:
        patient = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    y, x = np.arange(grid.shape[1])[:, None], np.arange(grid.shape[2])[None]
    out = np.zeros_like(score)
    for z, slab in enumerate(patient):
        if not slab.any():
            continue
        rows, columns = np.flatnonzero(slab.any(axis=1)), np.flatnonzero(slab.any(axis=0))
        depth = (rows[-1] - y) / max(1, np.ptp(rows))  # 0 at the back
        middle = (x - 0.5 * (columns[0] + columns[-1])) * grid.spacing_mm[2]
        prior = np.exp(-0.5 * (middle / 50.0) ** 2) * ((depth > 0.06) & (depth < 0.6))
        out[z] = score[z] * prior * soft[z]
    return np.asarray(np.minimum(1.0, 1.6 * out), dtype=np.float32)


def _bone_threshold(smooth: Map, grid: Grid, path: CanalPath) -> Array:
    """
    Density between disc and trabecular bone by place, from the column of bodies within 60 mm.

    Three classes lie there: disc and muscle, trabecular bone, endplates; it is the first two that have to be told apart.
    """
    samples = straightened(smooth, grid, path, np.arange(-12.0, 13.0, 4.0), np.arange(14.0, 33.0, 3.0))
    seen = np.flatnonzero(path.confidence > 0.0)
    out = np.empty(len(samples))
    centres = np.arange(0, len(samples), 20)
    cut = []
    for i in centres:
        middle = int(np.clip(i, seen[0] + 60, max(seen[0] + 60, seen[-1] - 60)))
        part = np.clip(samples[middle - 60 : middle + 60], 0.0, 400.0).ravel()
        split = 100.0
        if len(np.unique(part)) > 16:
            split = float(threshold_multiotsu(part, classes=3, nbins=128)[0])  # type: ignore[no-untyped-call]
        cut.append(float(np.clip(split, 60.0, 180.0)))
    out[:] = np.interp(np.arange(len(samples)), centres, cut)
    return np.asarray(ndi.gaussian_filter1d(out, 15.0, mode="nearest"))


def _sacral(smooth: Map, grid: Grid, path: CanalPath) -> npt.NDArray[np.bool_]:
    """
    Rows of the path that are sacrum: bone on both sides where the alae are, and all below.

    Beside a lumbar body, 28-44 mm aside and level with its back half, there is muscle; beside the sacrum, bone.
    """
    aside = np.arange(28.0, 45.0, 4.0)
    left, right = (
        straightened(smooth, grid, path, q, np.arange(0.0, 22.0, 3.0)) > 90.0 for q in (aside, -aside)
    )
    share = np.minimum(left.mean(axis=(1, 2)), right.mean(axis=(1, 2)))
    found = ndi.uniform_filter1d(share, 12) > 0.45
    rows = np.arange(len(found))
    low = rows[found & (rows < 0.5 * len(rows))]
    # ribs and transverse processes fill a row here and there; the alae fill 25 mm without a gap
    runs = np.split(low, np.flatnonzero(np.diff(low) > 4) + 1) if len(low) else []
    tops = [int(run[-1]) for run in runs if len(run) >= 18]
    return rows <= (max(tops) if tops else -1)


def _size(smooth: Map, grid: Grid, path: CanalPath, bone_hu: Array) -> tuple[Array, Array]:
    """Half width and half depth (mm) of the column of bodies by place: how far bone reaches from its middle."""
    aside, ahead = np.arange(-36.0, 37.0, 3.0), np.arange(9.0, 61.0, 3.0)
    bone = straightened(smooth, grid, path, aside, ahead) > bone_hu[:, None, None] - 15.0
    share = ndi.uniform_filter1d(bone.astype(np.float32), 50, axis=0, mode="nearest")
    across = share[:, :, 2:7].mean(axis=2)
    along = share[:, np.abs(aside) < 8.0].mean(axis=1)
    width = (across > 0.5 * across.max(axis=1, keepdims=True)).sum(axis=1) * 1.5
    depth = np.argmax(
        np.pad(along < 0.4 * along.max(axis=1, keepdims=True), ((0, 0), (0, 1)), constant_values=True), 1
    )
    smoothed = [
        ndi.gaussian_filter1d(x.astype(np.float64), 15.0, mode="nearest") for x in (width, depth * 1.5)
    ]
    return np.clip(smoothed[0] + 2.0, 12.0, 30.0), np.clip(smoothed[1] + 1.0, 9.0, 22.0)


def _ribs(
    voxels: npt.NDArray[np.intp], value: Map, u: Array, v: Array, sacral: npt.NDArray[np.bool_], grid: Grid
) -> tuple[npt.NDArray[np.intp], ...]:
    """Voxels of bone pieces beside the spine that run from near it to 60 mm aside; processes end before."""
    bone = (value > CORTEX_HU) & (np.abs(u) > 24.0) & (v < 30.0) & ~sacral
    mask = np.zeros(grid.shape, bool)
    mask[tuple(voxels[bone].T)] = True
    pieces, count = ndi.label(mask, np.ones((3, 3, 3)))
    piece = pieces[tuple(voxels.T)]
    far = np.zeros(count + 1, bool)
    close = np.zeros(count + 1, bool)
    far[piece[np.abs(u) > 62.0]] = True
    close[piece[(np.abs(u) < 36.0) & (v > -25.0)]] = True
    keep = far & close
    keep[0] = False
    return tuple(voxels[keep[piece]].T)
