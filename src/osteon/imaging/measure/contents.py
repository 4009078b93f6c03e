"""What does not belong in a vertebra: cement, screws and other metal, by density and shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.imaging.measure.frame import BodyBox, BodyFrame, depth_mm
from osteon.imaging.volume import LabelMap, Volume

__all__ = ["ContentsRule", "contents"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentsRule:
    """
    Densities and sizes.

    Attributes
    ----------
    cement_hu, cement_ml, cement_peak_hu : a dense island deep in the body at least this large, its densest twentieth so dense
    metal_hu, metal_ml : anything this dense
    screw_hu, screw_ml, screw_length_mm, screw_elongation : a body denser than most bone, its densest tenth metal, this large
        and long, and so much longer than wide
    core_mm : how deep below the body's surface cement is looked for
    """

    cement_hu: float = 800.0
    cement_ml: float = 0.4
    cement_peak_hu: float = 1050.0
    metal_hu: float = 2200.0
    metal_ml: float = 0.1
    screw_hu: float = 1500.0
    screw_ml: float = 0.3
    screw_length_mm: float = 22.0
    screw_elongation: float = 2.5
    core_mm: float = 3.0


def contents(
    box: BodyBox, vertebrae: LabelMap, code: int, image: Volume, *, rule: ContentsRule | None = None
) -> tuple[str, ...]:
    """
    Codes of the foreign bodies of one vertebra: "cement", "screw", "metal".

    A screw is a long straight dense body that runs from the body into the arch; cement is a dense island in the body's
    core that does not.
    """
    rule = rule or ContentsRule()
    if box.hu is None:
        return ()
    hu = np.nan_to_num(box.hu, nan=-1000.0)
    if not (hu > rule.cement_hu).any():
        return ()
    found = []
    long, metal_ml = False, 0.0
    if (hu > rule.screw_hu).any():
        long, metal_ml = _long_and_metal(box.frame, vertebrae, code, image, rule)
    if long:
        found.append("screw")
    if metal_ml >= rule.metal_ml:
        found.append("metal")
    deep = depth_mm(box.inside >= 0.5) >= rule.core_mm
    islands, _ = ndimage.label((hu > rule.cement_hu) & deep)
    sizes = np.bincount(islands.ravel())[1:] * box.sample_ml
    large = [k + 1 for k in np.flatnonzero(sizes >= rule.cement_ml)]
    # an island this dense may be a sclerotic focus; only cement goes on to densities that no bone reaches
    if not long and any(np.percentile(hu[islands == k], 95) >= rule.cement_peak_hu for k in large):
        found.append("cement")
    return tuple(sorted(found))


def _long_and_metal(
    frame: BodyFrame, vertebrae: LabelMap, code: int, image: Volume, rule: ContentsRule
) -> tuple[bool, float]:
    """Whether a long straight dense body crosses the vertebra, and how much metal there is in it (ml)."""
    corners = np.array([[i, j, k] for i in (-45, 45) for j in (-60, 30) for k in (-25, 25)], dtype=np.float64)
    index = image.grid.index(frame.world(corners))
    low = np.maximum(np.floor(index.min(0)).astype(int), 0)
    high = np.minimum(np.ceil(index.max(0)).astype(int) + 1, image.array.shape)
    if (high <= low).any():
        return False, 0.0
    part = image.cropped((slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])))
    own = _codes_on(vertebrae, part) == code
    metal_ml = float((own & (part.array > rule.metal_hu)).sum()) * part.grid.voxel_ml
    # only what stands in this vertebra: rods join the screws of several
    labelled, count = ndimage.label((part.array > rule.screw_hu) & own)
    for label in range(1, count + 1):
        places = np.argwhere(labelled == label)
        if len(places) * part.grid.voxel_ml < rule.screw_ml:
            continue
        if np.percentile(part.array[tuple(places.T)], 90) < rule.metal_hu:
            continue  # the cortex of an arch, drawn up by a sharp kernel
        world = part.grid.world(places)
        spread = np.linalg.eigvalsh(np.cov(world.T))[::-1]
        length = float(np.sqrt(12.0 * spread[0]))
        crosses = np.ptp(frame.local(world)[:, 1]) >= 0.7 * rule.screw_length_mm
        if (
            length >= rule.screw_length_mm
            and crosses
            and length >= rule.screw_elongation * float(np.sqrt(12 * spread[1]))
        ):
            return True, metal_ml
    return False, metal_ml


def _codes_on(labels: LabelMap, part: Volume) -> npt.NDArray[np.int64]:
    """Labels at the voxels of ``part``, nearest; both may lie on different grids."""
    index = labels.grid.index(part.grid.world(np.indices(part.array.shape).reshape(3, -1).T))
    nearest = np.rint(index).astype(int)
    inside = ((nearest >= 0) & (nearest < labels.array.shape)).all(1)
    found = np.zeros(len(nearest), dtype=np.int64)
    found[inside] = labels.array[tuple(nearest[inside].T)]
    return found.reshape(part.array.shape)
