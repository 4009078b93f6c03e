"""Disc planes along the straightened canal: dynamic programming with a spacing that adapts from disc to disc."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from osteon.imaging.segment.canal import CanalPath, straightened
from osteon.imaging.volume import Grid

__all__ = ["DiscPlane", "Evidence", "clear_discs", "disc_evidence", "find_discs", "plane_at"]

Array = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]

LEFT_MM = np.arange(-15.0, 15.1, 3.0)
FORWARD_MM = np.arange(
    9.0, 51.1, 3.0
)  # posterior wall about 9 mm ahead of the canal's middle; lumbar depth 35
TILTS_DEG = np.arange(-40.0, 40.1, 4.0)
LATERAL_TILTS_DEG = np.arange(-20.0, 20.1, 4.0)
HALF_BODY_MM = (7.0, 11.0)  # half the height of a thoracic and of a lumbar body
SPACINGS_MM = np.arange(9, 56)  # from a collapsed thoracic segment to a tall lumbar one
SPACING_OF_DEPTH = (
    0.93  # disc to disc over depth of the body: C5 1.1, T5 .84, T12 .9, L3 1.0 (Panjabi 1991, 1992)
)
CLEAR = 0.45  # gain of a disc that nobody would overlook
APART_MM = 9
PASSED = 0.5  # a gap that passes over a clear disc costs this share of what the disc would gain
THRESHOLD = 0.35  # evidence below this share of the clearest discs' speaks against a disc
CHANGE = (
    0.14  # log change of the spacing between neighbours that is usual (growth 3-6 %, variation, disc wear)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscPlane:
    """
    A plane between two vertebral bodies.

    Attributes
    ----------
    s_mm : float
        Where its centre lies along the canal.
    centre_lps_mm, normal_lps : ndarray (3,)
        Middle of the disc, and the unit normal towards the head.
    score : float, 0-1
        How well disc and bodies are told apart there.
    tilt_deg, lateral_tilt_deg : float
        Angle to the canal's own plane: front up, left side up.
    """

    s_mm: float
    centre_lps_mm: Array
    normal_lps: Array
    score: float
    tilt_deg: float
    lateral_tilt_deg: float

    def above(self, points_lps_mm: npt.ArrayLike) -> Array:
        """Signed distance of points (..., 3) to the plane, positive towards the head, millimetres."""
        return np.asarray((np.asarray(points_lps_mm) - self.centre_lps_mm) @ self.normal_lps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    What speaks for a disc at each millimetre of the canal.

    Attributes
    ----------
    body, disc : ndarray (n, left, forward)
        Straightened probabilities.
    weight : ndarray (n, left, forward)
        Where the column of bodies runs, 0-1.
    score : ndarray (n,)
        Evidence at the best tilt: disc in the plane, body above and below it, none in it; about 2 at a perfect disc.
    tilt_deg : ndarray (n,)
        The best tilt.
    filled : ndarray (n,)
        Mean body probability of the column.
    middle_mm, depth_mm : ndarray (n,)
        Middle of the column ahead of the canal, and its depth.
    """

    body: Map
    disc: Map
    weight: Map
    score: Array
    tilt_deg: Array
    filled: Array
    middle_mm: Array
    depth_mm: Array


def disc_evidence(path: CanalPath, grid: Grid, body: Map, disc: Map) -> Evidence:
    """Evidence for discs along ``path`` from body and disc probabilities on ``grid``."""
    b = straightened(body, grid, path, LEFT_MM, FORWARD_MM)
    d = straightened(disc, grid, path, LEFT_MM, FORWARD_MM)
    column = ndi.uniform_filter1d(np.minimum(b + d, 1.0), 45, axis=0, mode="nearest")
    weight = column / np.maximum(column.max(axis=(1, 2), keepdims=True), 0.2)
    weight = np.where(weight > 0.4, weight, 0.0).astype(np.float32) + np.float32(1e-4)
    profile = weight.sum(axis=1)
    middle = ndi.gaussian_filter1d((profile @ FORWARD_MM) / profile.sum(axis=1), 10.0)
    depth = ndi.gaussian_filter1d(
        (profile > 0.4 * profile.max(axis=1, keepdims=True)).sum(axis=1) * 3.0, 10.0
    )
    w = profile / profile.sum(axis=1, keepdims=True)
    b_mid, d_mid = ((m * weight).sum(axis=1) / weight.sum(axis=1) for m in (b, d))
    score, tilt = np.full(len(b), -np.inf), np.zeros(len(b))
    rows = np.arange(len(b))
    for degrees in TILTS_DEG:
        s = rows[:, None] + (FORWARD_MM[None] - middle[:, None]) * np.tan(np.radians(degrees))
        where = np.stack([s, np.broadcast_to(np.arange(len(FORWARD_MM)), s.shape)])
        bodies, discs = (
            (ndi.map_coordinates(m, where, order=1, mode="nearest") * w).sum(axis=1) for m in (b_mid, d_mid)
        )
        value = _contrast(bodies, discs) - 0.002 * abs(degrees)
        better = value > score
        score[better], tilt[better] = value[better], degrees
    return Evidence(
        body=b,
        disc=d,
        weight=weight,
        score=score,
        tilt_deg=tilt,
        filled=(b_mid * w).sum(axis=1),
        middle_mm=middle,
        depth_mm=depth,
    )


def _contrast(bodies: Array, discs: Array) -> Array:
    """Disc in a plane, body half a body above and below, none in it; the better of a thoracic and a lumbar height."""
    around = [
        0.5 * (ndi.shift(bodies, h, order=1, mode="nearest") + ndi.shift(bodies, -h, order=1, mode="nearest"))
        for h in HALF_BODY_MM
    ]
    return np.asarray(discs + np.maximum(*around) - bodies)


def find_discs(path: CanalPath, evidence: Evidence) -> tuple[DiscPlane, ...]:
    """
    The discs from below to the head.

    The chain of positions that gains most: each disc its evidence, each gap the body between its discs, less what the
    gap's change from its neighbour and its ratio to the depth of the bodies cost. Both costs are capped, so that a
    collapsed vertebra costs less than a disc left out. Clear discs left out cost something too, beyond the ends of the
    chain and inside a gap: the chain neither stops before a collapsed vertebra nor takes it for a part of the next.
    """
    scale = float(
        np.clip(np.percentile(evidence.score, 95), 0.3, 1.5)
    )  # thin discs are faint on thick slices
    gain = np.clip(evidence.score / scale - THRESHOLD, -0.6, 0.65)
    chosen = _chain(gain, evidence.filled, evidence.depth_mm)
    return tuple(plane_at(path, evidence, float(s)) for s in chosen)


def _chain(gain: Array, filled: Array, depth_mm: Array) -> list[int]:
    """Positions (millimetres along the canal) of the best chain of discs; empty where nothing gains."""
    n, spacings = len(gain), SPACINGS_MM
    change = np.minimum(0.5 * (np.log(spacings[:, None] / spacings[None]) / CHANGE) ** 2, 0.8)
    amount = np.concatenate([[0.0], np.cumsum(filled)])
    total = np.full((n, len(spacings)), -np.inf)
    first = np.zeros((n, len(spacings)), dtype=bool)
    came = np.zeros((n, len(spacings)), dtype=np.intp)
    left_below, left_above = _left_out(gain)
    start_at = gain - left_below
    for i in range(n):
        for k, h in enumerate(spacings):
            below = i - int(h)
            if below < 0:
                break
            a, z = below + int(h) // 4, i - int(h) // 4 + 1
            between = min(0.0, (amount[z] - amount[a]) / (z - a) - 0.5)
            expected = SPACING_OF_DEPTH * 0.5 * (depth_mm[below] + depth_mm[i])
            odd = min(0.5 * (np.log(h / expected) / 0.28) ** 2, 1.0)
            passed = max(0.0, left_below[i] - left_below[min(below + 2 * APART_MM - 1, i)])
            chains = total[below] - change[k]
            best = int(np.argmax(chains))
            first[i, k] = start_at[below] >= chains[best]
            came[i, k] = best
            cost = 0.5 * odd + PASSED * passed
            total[i, k] = max(start_at[below], chains[best]) + gain[i] + between - cost
    if not np.isfinite(total).any() or total.max() <= 0:
        return [int(np.argmax(gain))] if gain.max() > THRESHOLD else []
    whole = total - left_above[:, None]
    i, k = (int(x) for x in np.unravel_index(int(np.argmax(whole)), whole.shape))
    chosen = [i]
    while True:
        below, start, best = i - int(spacings[k]), bool(first[i, k]), int(came[i, k])
        chosen.append(below)
        if start:
            return chosen[::-1]
        i, k = below, best


def clear_discs(gain: Array) -> npt.NDArray[np.intp]:
    """
    Where nobody would overlook a disc: peaks of at least :data:`CLEAR`, the clearer one where two lie within :data:`APART_MM`.

    As :func:`scipy.signal.find_peaks`, whose import alone takes longer than all discs of a spine.
    """
    beside = np.pad(gain, 1, constant_values=-1.0)
    peaks = np.flatnonzero((gain >= CLEAR) & (gain > beside[:-2]) & (gain >= beside[2:]))
    kept = np.zeros(len(gain), dtype=bool)
    for peak in peaks[np.argsort(-gain[peaks], kind="stable")]:
        kept[peak] = not kept[max(peak - APART_MM + 1, 0) : peak + APART_MM].any()
    return np.flatnonzero(kept)


def _left_out(gain: Array) -> tuple[Array, Array]:
    """What the clear discs below and above each position, and not it itself, gain together."""
    at = np.zeros(len(gain))
    clear = clear_discs(gain)
    at[clear] = gain[clear]
    total, reach = np.cumsum(at), APART_MM - 1
    below = np.concatenate([np.zeros(reach), total])[: len(gain)]
    above = total[-1] - np.concatenate([total, np.full(reach, total[-1])])[reach:]
    return below, above


def plane_at(path: CanalPath, evidence: Evidence, s_mm: float) -> DiscPlane:
    """The disc plane near ``s_mm``: first its lateral tilt, then tilt and place are refined on the evidence."""
    i = int(np.clip(round(s_mm), 0, len(evidence.score) - 1))
    start = float(evidence.tilt_deg[i])
    _, _, side = max((*_best_shift(evidence, i, start, q, abs(q)), q) for q in LATERAL_TILTS_DEG.tolist())
    tilts = [start + q for q in (-8.0, -4.0, -2.0, 0.0, 2.0, 4.0, 8.0)]
    score, shift, tilt = max((*_best_shift(evidence, i, q, side, abs(q - start)), q) for q in tilts)
    s = i + shift
    point, tangent, lateral, forward = path.at(s)
    normal = tangent - np.tan(np.radians(tilt)) * forward - np.tan(np.radians(side)) * lateral
    return DiscPlane(
        s_mm=s,
        centre_lps_mm=point + evidence.middle_mm[i] * forward,
        normal_lps=normal / np.linalg.norm(normal),
        score=float(np.clip(score / 1.5, 0.0, 1.0)),
        tilt_deg=tilt,
        lateral_tilt_deg=side,
    )


def _best_shift(evidence: Evidence, i: int, tilt: float, side: float, turned: float) -> tuple[float, float]:
    """Best evidence of a plane with these tilts within 5 mm of row ``i``, and its shift."""
    weight = evidence.weight[i]
    left, front = np.meshgrid(np.arange(len(LEFT_MM)), np.arange(len(FORWARD_MM)), indexing="ij")
    plane = (FORWARD_MM[front] - evidence.middle_mm[i]) * np.tan(np.radians(tilt))
    plane = plane + LEFT_MM[left] * np.tan(np.radians(side))
    reach = np.arange(-16.0, 17.0)
    rows = i + reach[:, None, None] + plane
    where = np.stack([rows, np.broadcast_to(left, rows.shape), np.broadcast_to(front, rows.shape)])
    bodies, discs = (
        (ndi.map_coordinates(m, where, order=1, mode="nearest") * weight).sum(axis=(1, 2)) / weight.sum()
        for m in (evidence.body, evidence.disc)
    )
    at = np.arange(11, 22)  # shifts of -5 to 5 mm
    around = np.maximum(*(0.5 * (bodies[at + int(h)] + bodies[at - int(h)]) for h in HALF_BODY_MM))
    value = discs[at] + around - bodies[at] - 0.005 * np.abs(reach[at]) - 0.002 * turned
    best = int(value.argmax())
    return float(value[best]), float(reach[at[best]])
