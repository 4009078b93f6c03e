"""One instance per vertebra: bodies cut by the disc planes inside the canal's corridor, posterior elements assigned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from osteon.imaging.segment.canal import CanalPath
from osteon.imaging.segment.discs import DiscPlane
from osteon.imaging.volume import Grid, LabelMap

__all__ = ["Instance", "Instances", "boxed", "separate", "with_posterior"]

Array = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]

ASIDE_MM = 36.0  # half the width of the widest lumbar body with osteophytes (width 50-60)
AHEAD_MM = 62.0  # canal's middle to the front of the deepest lumbar body with osteophytes
PROCESS_ASIDE_MM = 58.0  # tip of a transverse process
BEHIND_MM = 75.0  # tip of a spinous process
SMALLEST_ML = 1.2  # a C3 body has about 3 ml; less is no body
CONTACT_MM = 18.0
CONTACT_ML = 2.0
PIECE = 0.12  # a piece at the end of the field smaller than this share of its neighbour is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """
    One vertebra before it has a name; sizes in millimetres and millilitres on the coarse grid.

    Attributes
    ----------
    s_mm : float
        Where it lies along the canal.
    spacing_mm : float or None
        Distance of its disc planes' centres; None where one of them is not seen.
    cropped : bool
        It touches the border of the field.
    """

    centre_lps_mm: tuple[float, float, float]
    s_mm: float
    below: DiscPlane | None
    above: DiscPlane | None
    volume_ml: float
    width_mm: float
    depth_mm: float
    spacing_mm: float | None
    cropped: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances:
    """Vertebrae from the head down; value k of the label maps is ``vertebrae[k - 1]``."""

    vertebrae: tuple[Instance, ...]
    bodies: LabelMap
    whole: LabelMap
    sacrum_contact: float
    """Probability that the sacrum follows the last body."""

    @property
    def centres_lps_mm(self) -> Array:
        """Centres of the bodies, ndarray (n, 3)."""
        return np.array([v.centre_lps_mm for v in self.vertebrae], dtype=np.float64).reshape(-1, 3)


def separate(
    path: CanalPath,
    discs: tuple[DiscPlane, ...],
    grid: Grid,
    *,
    body: Map,
    sacrum: Map,
) -> Instances:
    """
    Bodies from body and sacrum probabilities on ``grid`` (canonical, about 3 mm); ``whole`` holds only bodies yet.

    Bone outside the corridor in front of the canal (femoral heads, a contrast-filled heart, implants elsewhere) is
    never a body. What lies below the last disc and is mostly sacrum is no vertebra.
    """
    voxels = np.argwhere(body > 0.5)
    places = grid.world(voxels)
    s, u, v = np.moveaxis(path.coordinates(places), -1, 0)
    column = (np.abs(u) < ASIDE_MM) & (v > 0.0) & (v < AHEAD_MM)
    voxels, places, s = voxels[column], places[column], s[column]
    label = np.zeros(grid.shape, dtype=np.uint8)
    label[tuple(voxels.T)] = 1 + _compartment(places, discs)
    kept: list[tuple[Instance, npt.NDArray[np.bool_]]] = []
    for k in range(len(discs), -1, -1):
        below, above = (discs[k - 1] if k else None), (discs[k] if k < len(discs) else None)
        mask = _main_piece(label == k + 1)
        if mask.sum() * grid.voxel_ml < SMALLEST_ML or sacrum[mask].mean() > body[mask].mean():
            continue
        kept.append((_described(mask, path, grid, below, above), mask))
    kept = _without_pieces(kept)
    bodies = np.zeros(grid.shape, dtype=np.uint8)
    for k, (_, mask) in enumerate(kept, 1):
        bodies[mask] = k
    vertebrae = tuple(instance for instance, _ in kept)
    contact = _sacrum_contact(bodies, len(vertebrae), grid, sacrum) if vertebrae else 0.0
    return Instances(
        vertebrae=vertebrae,
        bodies=LabelMap(array=bodies, affine=grid.affine),
        whole=LabelMap(array=bodies, affine=grid.affine),
        sacrum_contact=contact,
    )


def _compartment(places: Array, discs: tuple[DiscPlane, ...]) -> npt.NDArray[np.uint8]:
    """How many disc planes lie below each point."""
    count = np.zeros(len(places), dtype=np.uint8)
    for disc in discs:
        count += disc.above(places) > 0
    return count


def _main_piece(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest connected piece."""
    box = ndi.find_objects(mask.astype(np.uint8))
    if not box:
        return mask
    pieces, count = ndi.label(mask[box[0]])
    if count < 2:
        return mask
    out = np.zeros_like(mask)
    out[box[0]] = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return out


def _described(
    mask: npt.NDArray[np.bool_], path: CanalPath, grid: Grid, below: DiscPlane | None, above: DiscPlane | None
) -> Instance:
    voxels = np.argwhere(mask)
    places = grid.world(voxels)
    s, u, v = np.moveaxis(path.coordinates(places), -1, 0)
    middle = np.abs(s - np.median(s)) <= max(3.0, 0.2 * np.ptp(s))
    size = np.array(grid.shape) - 1
    # uniform filling of a solid: the range of an ellipse is four standard deviations
    width, depth = (float(4.0 * x[middle].std() if middle.sum() > 3 else 0.0) for x in (u, v))
    centre = places.mean(axis=0)
    spacing = None
    if below is not None and above is not None:
        spacing = float(np.linalg.norm(above.centre_lps_mm - below.centre_lps_mm))
    return Instance(
        centre_lps_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
        s_mm=float(np.median(s)),
        below=below,
        above=above,
        volume_ml=float(mask.sum() * grid.voxel_ml),
        width_mm=width,
        depth_mm=depth,
        spacing_mm=spacing,
        cropped=bool(((voxels == 0) | (voxels == size)).any()),
    )


def _without_pieces(
    kept: list[tuple[Instance, npt.NDArray[np.bool_]]],
) -> list[tuple[Instance, npt.NDArray[np.bool_]]]:
    """Slivers at either end left out; a larger part without its outer disc is marked as cropped where it is small."""
    while len(kept) > 1:
        for end, neighbour in ((0, 1), (-1, -2)):
            this, beside = kept[end][0], kept[neighbour][0]
            outer = this.above if end == 0 else this.below
            if outer is None and this.volume_ml < PIECE * beside.volume_ml:
                kept = kept[1:] if end == 0 else kept[:-1]
                break
        else:
            break
    for end, neighbour in ((0, 1), (-1, -2)):
        if len(kept) < 2:
            break
        this, mask = kept[end]
        outer = this.above if end == 0 else this.below
        if outer is None and this.volume_ml < 0.6 * kept[neighbour][0].volume_ml and not this.cropped:
            kept[end] = (replace(this, cropped=True, notes=(*this.notes, "partly_seen")), mask)
    return kept


def _sacrum_contact(bodies: npt.NDArray[np.uint8], last: int, grid: Grid, sacrum: Map) -> float:
    """
    Probability that the sacrum follows the last body: how much of it lies within 18 mm.

    The lumbosacral disc is 4-14 mm high and the sacral endplate has about 12 cm2, so a true neighbour gives 5 ml or
    more; from L4 the sacrum is farther than a whole L5.
    """
    mask = bodies == last
    margin = [int(np.ceil(CONTACT_MM / s)) + 1 for s in grid.spacing_mm]
    box = boxed(mask, margin)
    near = (
        (ndi.distance_transform_edt(~mask[box], sampling=grid.spacing_mm) <= CONTACT_MM)
        & ~mask[box]
        & (sacrum[box] > 0.5)
    )
    amount = float(sacrum[box][near].sum()) * grid.voxel_ml
    return amount**4 / (amount**4 + CONTACT_ML**4)


def boxed(mask: npt.NDArray[np.bool_], margin: Sequence[int]) -> tuple[slice, slice, slice]:
    """The box around ``mask`` with a margin, inside the array."""
    spans = []
    for axis, (n, more) in enumerate(zip(mask.shape, margin, strict=True)):
        places = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        spans.append(slice(max(0, int(places[0]) - more), min(n, int(places[-1]) + more + 1)))
    return spans[0], spans[1], spans[2]


def with_posterior(found: Instances, path: CanalPath, grid: Grid, posterior: Map) -> Instances:
    """
    ``found`` with posterior elements in ``whole``.

    Each element grows out of its body through the pedicle (geodesic distance inside the bone); loose pieces go to
    the vertebra whose arch lies at their height, counting that thoracic spinous processes slope down.
    """
    bodies, vertebrae = found.bodies.array, found.vertebrae
    voxels = np.argwhere((posterior > 0.5) & (bodies == 0))
    if not len(voxels) or not vertebrae:
        return found
    s, u, v = np.moveaxis(path.coordinates(grid.world(voxels)), -1, 0)
    near = (np.abs(u) < PROCESS_ASIDE_MM) & (v > -BEHIND_MM) & (v < AHEAD_MM)
    voxels, s, v = voxels[near], s[near], v[near]
    centres = np.array([x.s_mm for x in vertebrae])
    heights = np.array([x.spacing_mm or 30.0 for x in vertebrae])
    # arches leave the upper half of the body; processes of short (thoracic) segments slope by about 40 degrees
    slope = np.clip((32.0 - np.interp(s, centres[::-1], heights[::-1])) / 10.0, 0.2, 0.8)
    height = s + slope * np.maximum(-v - 8.0, 0.0)
    owner = np.abs(height[:, None] - centres[None]).argmin(axis=1)
    reach = np.abs(height - centres[owner]) < 0.9 * heights[owner]
    voxels, owner, height = voxels[reach], owner[reach], height[reach]
    if not len(voxels):
        return found
    low = np.maximum(np.minimum(voxels.min(axis=0), np.argwhere(bodies).min(axis=0)) - 1, 0)
    high = np.maximum(voxels.max(axis=0), np.argwhere(bodies).max(axis=0)) + 2
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    seeds = bodies.astype(np.int32)
    # the core of each arch, near its own height, is sure; what lies between two is settled by growth
    sure = np.abs(height - centres[owner]) < 0.25 * heights[owner]
    seeds[tuple(voxels[sure].T)] = 1 + owner[sure]
    mask = bodies > 0
    mask[tuple(voxels.T)] = True
    grown = watershed(np.zeros(seeds[box].shape, np.uint8), seeds[box], mask=mask[box])  # type: ignore[no-untyped-call]
    whole = bodies.copy()
    whole[box] = grown.astype(np.uint8)
    loose = whole[tuple(voxels.T)] == 0
    whole[tuple(voxels[loose].T)] = (1 + owner[loose]).astype(np.uint8)
    return replace(found, whole=LabelMap(array=whole, affine=grid.affine))
