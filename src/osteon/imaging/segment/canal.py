"""The spinal canal: a path through a volume, with a frame that moves along it and an honest end at either side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from scipy.spatial import cKDTree

from osteon.core.errors import NotEnoughData, ShapeError
from osteon.imaging.volume import Grid

__all__ = ["CanalPath", "canal_path", "enclosure", "straightened"]

Array = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]

SEEN = 0.35  # confidence from which the canal counts as seen
BRIDGE_MM = 35.0  # a stretch that is not seen, one lumbar segment at most, is bridged
TUBE = 0.3  # probability that belongs to the tube: what is not connected to its largest piece is no canal
BEYOND_MM = 45.0  # a vertebra may lie this far beyond the last canal seen: the arch of L5 ends above its disc
SHORTEST_MM = 25.0  # less canal than one vertebra is none


@dataclass(frozen=True, slots=True, kw_only=True)
class CanalPath:
    """
    The canal's centre line from below to the head, one point per millimetre, with a right-handed moving frame.

    Attributes
    ----------
    points_lps_mm : ndarray (n, 3)
    tangent, lateral, forward : ndarray (n, 3)
        Unit vectors to the head, to the patient's left and to the front.
    confidence : ndarray (n,), 0-1
        How well the canal was seen there; 0 where the line is only prolonged.
    open_below, open_above : bool
        The canal leaves the field of view there; False where it just is no longer seen.
    """

    points_lps_mm: Array
    tangent: Array
    lateral: Array
    forward: Array
    confidence: Array
    open_below: bool
    open_above: bool

    @property
    def length_mm(self) -> float:
        """Length of the line."""
        return float(len(self.points_lps_mm) - 1)

    def coordinates(self, points_lps_mm: npt.ArrayLike) -> Array:
        """Arc length, left and forward (mm) of points (..., 3) in the frame of the nearest place on the line."""
        points = np.asarray(points_lps_mm, dtype=np.float64)
        nearest = cKDTree(self.points_lps_mm).query(points)[1]
        offset = points - self.points_lps_mm[nearest]
        axes = (self.tangent[nearest], self.lateral[nearest], self.forward[nearest])
        s, u, v = (np.einsum("...k,...k->...", offset, axis) for axis in axes)
        return np.stack([nearest + s, u, v], axis=-1)

    def at(self, s_mm: float) -> tuple[Array, Array, Array, Array]:
        """Point, tangent, lateral and forward at arc length ``s_mm``, held at the ends."""
        i = int(np.clip(round(s_mm), 0, len(self.points_lps_mm) - 1))
        return self.points_lps_mm[i], self.tangent[i], self.lateral[i], self.forward[i]


def enclosure(bone: npt.NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> Map:
    """
    How much each voxel looks like the inside of a bony ring with a vertebral body ahead of it, 0-1.

    Sixteen rays in the slice look for bone 5 to 20 mm away (the canal is 15 to 25 mm wide); the voxel itself and its
    surroundings must be free of bone, and bone must lie 12 to 40 mm in front.

    Parameters
    ----------
    bone : ndarray (z, y, x), bool
        On a grid with y to the back.
    """
    rows, columns = spacing_mm[1], spacing_mm[2]
    hits = np.zeros(bone.shape, np.float32)
    for angle in 2 * np.pi * np.arange(16) / 16:
        hit = np.zeros(bone.shape, bool)
        for r in np.arange(5.0, 20.0, min(rows, columns)):
            hit |= np.roll(
                bone, (round(r * np.cos(angle) / rows), round(r * np.sin(angle) / columns)), (1, 2)
            )
        hits += hit
    free = 1.0 - ndi.uniform_filter(
        bone.astype(np.float32), (1, max(1, round(9 / rows)), max(1, round(9 / columns)))
    )
    near, far = round(12 / rows), round(40 / rows)
    mass = np.cumsum(
        ndi.uniform_filter1d(bone.astype(np.float32), max(1, round(21 / columns)), axis=2), axis=1
    )
    ahead = np.zeros(bone.shape, np.float32)
    ahead[:, far:] = (mass[:, far - near : -near or None] - mass[:, :-far]) / (far - near)
    score = np.clip(hits / 16 - 0.4, 0, None) / 0.6 * free * np.minimum(1.0, ahead / 0.5)
    return np.where(bone, 0.0, score).astype(np.float32)


def canal_path(probability: Map, grid: Grid) -> CanalPath:
    """
    The canal's centre line through ``probability``.

    Viterbi over the slices finds the column with the most canal in it (at most two voxels aside per slice), the line
    is drawn to the local centre of mass and smoothed, and it ends where the canal is no longer seen.

    Parameters
    ----------
    probability : ndarray (z, y, x), 0-1
        Canal probability, or :func:`enclosure`, on the canonical ``grid``.

    Raises
    ------
    NotEnoughData
        Less than 25 mm of canal is seen.
    """
    if probability.shape != grid.shape:
        raise ShapeError(f"probabilities of shape {probability.shape} on a grid of shape {grid.shape}.")
    spacing = grid.spacing_mm
    probability = _one_tube(probability, spacing)
    smooth = ndi.gaussian_filter(probability.astype(np.float32), [3.0 / s for s in spacing])
    columns = _viterbi(np.log((smooth + 0.03) / 0.3), spacing)
    centred = _centred(probability, columns, spacing)
    rows = np.arange(len(columns))
    seen = np.array(
        [smooth[z, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].max() for z, (y, x) in enumerate(columns)]
    )
    seen = np.minimum(1.0, ndi.gaussian_filter1d(seen, 4.0 / spacing[0]) / 0.7)
    first, last = _longest(seen > SEEN, round(BRIDGE_MM / spacing[0]))
    if (last - first) * spacing[0] < SHORTEST_MM:
        raise NotEnoughData(
            f"{max(0.0, (last - first) * spacing[0]):.0f} mm of spinal canal are seen.",
            hint="Give a CT that shows at least two vertebrae.",
        )
    line = np.column_stack([rows, centred])[first : last + 1]
    weight = np.maximum(seen[first : last + 1], 0.02)
    line[:, 1:] = _smoothed(line[:, 1:], weight, 6.0 / spacing[0])
    edge = round(6.0 / spacing[0])
    return _framed(
        grid, line, seen[first : last + 1], open_below=first <= edge, open_above=last >= len(rows) - 1 - edge
    )


def _one_tube(probability: Map, spacing: tuple[float, float, float]) -> Map:
    """The piece with the most canal in it, gaps along the body bridged: a canal beside a hip is none."""
    reach = (2 * round(BRIDGE_MM / 2 / spacing[0]) + 1, 3, 3)
    pieces, count = ndi.label(ndi.maximum_filter(probability, reach) > TUBE)
    if count < 2:
        return probability
    mass = np.bincount(pieces.ravel(), weights=probability.ravel())
    mass[0] = 0.0
    return np.where((pieces == int(mass.argmax())) | (pieces == 0), probability, 0.0).astype(np.float32)


def _viterbi(gain: Map, spacing: tuple[float, float, float]) -> npt.NDArray[np.intp]:
    """The column (y, x) per slice that gains most, moving at most two voxels per slice."""
    reach = 2
    steps = [(dy, dx) for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)]
    cost = [0.25 * ((dy * spacing[1]) ** 2 + (dx * spacing[2]) ** 2) / (3.0 * spacing[0]) for dy, dx in steps]
    ny, nx = gain.shape[1:]
    total, moves = gain[0].copy(), []
    for layer in gain[1:]:
        framed = np.pad(total, reach, constant_values=-1e9)
        best, move = np.full((ny, nx), -np.inf, np.float32), np.zeros((ny, nx), np.int8)
        for k, (dy, dx) in enumerate(steps):
            value = framed[reach - dy : reach - dy + ny, reach - dx : reach - dx + nx] - cost[k]
            better = value > best
            best[better], move[better] = value[better], k
        moves.append(move)
        total = best + layer
    y, x = np.unravel_index(int(np.argmax(total)), total.shape)
    path = [(int(y), int(x))]
    for move in reversed(moves):
        dy, dx = steps[move[path[-1]]]
        path.append((path[-1][0] - dy, path[-1][1] - dx))
    return np.array(path[::-1], dtype=np.intp)


def _centred(probability: Map, columns: npt.NDArray[np.intp], spacing: tuple[float, float, float]) -> Array:
    """Each point drawn to the centre of mass of the canal within 10 mm."""
    reach = [max(1, round(10.0 / s)) for s in spacing[1:]]
    out = columns.astype(np.float64)
    for z, (y, x) in enumerate(columns):
        y0, x0 = max(0, y - reach[0]), max(0, x - reach[1])
        patch = probability[z, y0 : y + reach[0] + 1, x0 : x + reach[1] + 1].astype(np.float64)
        if (mass := patch.sum()) > 1.0:
            out[z] = (
                y0 + (patch.sum(1) @ np.arange(patch.shape[0])) / mass,
                x0 + (patch.sum(0) @ np.arange(patch.shape[1])) / mass,
            )
    return out


def _smoothed(line: Array, weight: Array, sigma: float) -> Array:
    """Gaussian smoothing along the line; places that are badly seen count less, and the ends keep their slope."""
    reach = min(len(line) - 1, int(4 * sigma) + 1)
    framed = np.pad(line, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    w = np.pad(weight, reach, mode="reflect")[:, None]
    values = ndi.gaussian_filter1d(framed * w, sigma, axis=0) / ndi.gaussian_filter1d(w, sigma, axis=0)
    return np.asarray(values[reach:-reach], dtype=np.float64)


def _longest(seen: npt.NDArray[np.bool_], bridge: int) -> tuple[int, int]:
    """First and last index of the longest stretch that is seen, gaps up to ``bridge`` bridged."""
    places = np.flatnonzero(seen)
    if not len(places):
        return 0, 0
    runs = np.split(places, np.flatnonzero(np.diff(places) > bridge + 1) + 1)
    longest = max(runs, key=len)
    return int(longest[0]), int(longest[-1])


def _framed(grid: Grid, line: Array, seen: Array, *, open_below: bool, open_above: bool) -> CanalPath:
    """The line resampled to millimetres, prolonged straight on inside the field, with its frame."""
    points = grid.world(line)
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    s = np.arange(0.0, arc[-1] + 1e-9, 1.0)
    curve = np.stack([np.interp(s, arc, points[:, k]) for k in range(3)], axis=1)
    confidence = np.interp(s, arc, seen)
    size = np.array(grid.shape)
    for end in (0, -1):
        nearby = curve[:40] if end == 0 else curve[:-41:-1]
        direction = nearby[: len(nearby) // 3].mean(axis=0) - nearby[-(len(nearby) // 3) :].mean(axis=0)
        direction /= np.linalg.norm(direction)
        more = curve[end] + np.arange(1.0, BEYOND_MM + 1.0)[:, None] * direction
        index = grid.index(more)
        inside = ((index > -1) & (index < size)).all(axis=1)
        more = more[: int(np.argmin(inside)) if not inside.all() else len(more)]
        curve = np.concatenate([more[::-1], curve] if end == 0 else [curve, more])
        nothing = np.zeros(len(more))
        confidence = np.concatenate([nothing, confidence] if end == 0 else [confidence, nothing])
    tangent = np.gradient(_smoothed(curve, np.ones(len(curve)), min(8.0, len(curve) / 8)), axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    left = grid.affine[:3, 2] / np.linalg.norm(grid.affine[:3, 2])
    lateral = left - tangent * (tangent @ left)[:, None]
    lateral /= np.linalg.norm(lateral, axis=1, keepdims=True)
    return CanalPath(
        points_lps_mm=curve,
        tangent=tangent,
        lateral=lateral,
        forward=np.cross(lateral, tangent),
        confidence=confidence,
        open_below=open_below,
        open_above=open_above,
    )


def straightened(array: Map, grid: Grid, path: CanalPath, left_mm: Array, forward_mm: Array) -> Map:
    """
    ``array`` along the canal: ndarray (n, len(left_mm), len(forward_mm)), zero outside the field.

    Row i is the plane through point i of the path, spanned by its lateral and forward directions.
    """
    points = (
        path.points_lps_mm[:, None, None]
        + left_mm[None, :, None, None] * path.lateral[:, None, None]
        + forward_mm[None, None, :, None] * path.forward[:, None, None]
    )
    where = np.moveaxis(grid.index(points), -1, 0)
    return np.asarray(ndi.map_coordinates(array, where, order=1, mode="constant", cval=0.0), dtype=np.float32)
