"""From tissue probabilities to a labelled spine: canal, discs, instances, levels, then each vertebra on the input's grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from osteon.core.errors import NotEnoughData, ShapeError
from osteon.domain.anatomy import Tissue
from osteon.imaging.segment.canal import CanalPath, canal_path, enclosure
from osteon.imaging.segment.cues import level_cues
from osteon.imaging.segment.discs import DiscPlane, disc_evidence, find_discs
from osteon.imaging.segment.instances import Instances, separate, with_posterior
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.segment.levels import assign_levels
from osteon.imaging.segment.looks import Refine, cut_twice, looked
from osteon.imaging.segment.paste import Box, paste_tissue, paste_vertebrae
from osteon.imaging.segment.quality import BLURRED_BORDER, THICK_MM, UNSURE_BORDER, border_width, gated
from osteon.imaging.segment.repair import repaired
from osteon.imaging.volume import Grid, LabelMap, Volume

__all__ = ["Refine", "label_spine"]

Map = npt.NDArray[np.float32]
Pin = tuple[tuple[float, float, float], str]
Progress = Callable[[str, float], None]
MENDS = 4
RIBS_ALONE = 0.75  # confidence of a level at most, where only ribs name it
RIBS_ALONE_THICK = 0.5  # the same in slices thicker than 3 mm
SMALL = 0.65  # share of its neighbour below which a body at the border is cut


def label_spine(
    volume_grid: Grid,
    maps: Mapping[Tissue, Map],
    maps_grid: Grid,
    *,
    refine: Refine | None = None,
    pin: Pin | None = None,
    progress: Progress | None = None,
    backend: str = "embedded",
    version: str = "",
) -> SpineLabels:
    """
    A labelled spine on the input's grid from tissue probabilities on a coarse one.

    Parameters
    ----------
    volume_grid : Grid
        The input's grid; the label maps come on it.
    maps : mapping of Tissue to ndarray (z, y, x), 0-1
        Probabilities; ``BODY`` is needed, the others help. A tissue that is not in the mapping is not known, which is
        not the same as one that is nowhere.
    maps_grid : Grid
        The canonical grid of the maps, about 3 mm.
    refine : callable, optional
        A closer look at each vertebra (:data:`Refine`); without it the coarse probabilities are interpolated.
    pin : ((x, y, z), level), optional
        The user's name of the vertebra at an LPS point; all others shift with it.
    progress : callable, optional
        Told a step ("canal", "discs", "instances", "refine", "paste") and the share done.

    Returns
    -------
    SpineLabels
        Without vertebrae and with the note "no_spine_found" where no spine is seen.

    Raises
    ------
    ShapeError
        A map does not fit its grid.
    InputError
        The pin lies on no vertebra or cannot be met.
    """
    for tissue, array in maps.items():
        if array.shape != maps_grid.shape:
            raise ShapeError(f"the map of {tissue.name} has shape {array.shape}, its grid {maps_grid.shape}.")
    tell = progress or (lambda step, share: None)
    nothing = np.zeros(maps_grid.shape, np.float32)
    known = {t: np.asarray(maps.get(t, nothing), np.float32) for t in Tissue}
    provenance = (f"{backend} {version}".strip(), *(() if pin is None else (f"user: pinned as {pin[1]}",)))
    try:
        tell("canal", 0.0)
        path = _path(known, maps_grid)
    except NotEnoughData:
        return _empty(volume_grid, backend, version, provenance)
    tell("discs", 0.2)
    found, discs = _instances(path, known, maps_grid)
    if not found.vertebrae:
        return _empty(volume_grid, backend, version, provenance)
    found = with_posterior(found, path, maps_grid, known[Tissue.POSTERIOR])
    tell("instances", 0.4)
    tell("refine", 0.5)
    looks = looked(found, known, maps_grid, refine)
    if false := cut_twice(found, looks):
        discs = tuple(d for d in discs if not any(d is other for other in false))
        found = separate(path, discs, maps_grid, body=known[Tissue.BODY], sacrum=known[Tissue.SACRUM])
        found = with_posterior(found, path, maps_grid, known[Tissue.POSTERIOR])
        looks = looked(found, known, maps_grid, refine, before=looks)
    cues = level_cues(found, path, maps_grid, known[Tissue.RIB] if Tissue.RIB in maps else None, pin)
    levels = assign_levels(cues, sacrum=found.sacrum_contact)
    tell("paste", 0.8)
    codes = [label.code for label in levels.labels]
    vertebrae, bodies = paste_vertebrae(volume_grid, [look.view for look in looks], codes)
    tissues = paste_tissue(volume_grid, known, maps_grid, _column(path, maps_grid), vertebrae, bodies)
    names = {label.code: label.level for label in levels.labels}
    close = {
        code: Volume(array=look.view.body, affine=look.view.grid.affine)
        for code, look in zip(codes, looks, strict=True)
        if look.confirmed
    }
    named = (
        _cropped(levels.labels, bodies)
        if refine is None
        else _doubted(_cropped(levels.labels, bodies), close)
    )
    tell("paste", 1.0)
    labels = SpineLabels(
        vertebrae=LabelMap(array=vertebrae, affine=volume_grid.affine, names=names),
        bodies=LabelMap(array=bodies, affine=volume_grid.affine, names=names),
        tissue=LabelMap(
            array=tissues, affine=volume_grid.affine, names={int(t): t.name.lower() for t in Tissue}
        ),
        levels=_no_surer(named, levels.anchored_by, volume_grid, pin),
        close=close,
        anchored_by=levels.anchored_by,
        backend=backend,
        version=version,
        provenance=provenance,
        notes=levels.notes,
    )
    return gated(labels)


def _cropped(levels: tuple[LevelLabel, ...], bodies: npt.NDArray[np.uint8]) -> tuple[LevelLabel, ...]:
    """
    Labels that know on the input's own voxels whether their body is cut.

    A body may touch the border of the coarse maps and yet lie whole in the scan; one that is much smaller than its
    neighbour is cut however that looks.
    """
    boxes = ndi.find_objects(bodies, max_label=max((x.code for x in levels), default=1))
    sizes = np.bincount(bodies.ravel(), minlength=256)
    answer = []
    for k, label in enumerate(levels):
        box = boxes[label.code - 1]
        if not label.cropped or box is None:
            answer.append(label)
            continue
        touches = any(s.start == 0 or s.stop == n for s, n in zip(box, bodies.shape, strict=True))
        near = [sizes[levels[j].code] for j in (k - 1, k + 1) if 0 <= j < len(levels)]
        small = bool(near) and sizes[label.code] < SMALL * max(near)
        answer.append(replace(label, cropped=touches or small))
    return tuple(answer)


def _doubted(levels: tuple[LevelLabel, ...], close: Mapping[int, Volume]) -> tuple[LevelLabel, ...]:
    """
    Labels with a note where the close look did not confirm the body, or saw no clear border of it.

    Where half of the spine is unclear, what stands out of it is luck.
    """
    widths = [
        border_width(close[label.code].array) if label.code in close else float("inf") for label in levels
    ]
    lost = float(np.median(widths or [0.0])) > UNSURE_BORDER

    def noted(label: LevelLabel, width: float) -> LevelLabel:
        if lost or width > UNSURE_BORDER:
            return replace(label, notes=(*label.notes, "uncertain_outline"))
        return replace(label, notes=(*label.notes, "blurred_outline")) if width > BLURRED_BORDER else label

    return tuple(noted(label, width) for label, width in zip(levels, widths, strict=True))


def _no_surer(
    levels: tuple[LevelLabel, ...], anchored_by: tuple[str, ...], grid: Grid, pin: Pin | None
) -> tuple[LevelLabel, ...]:
    """
    Labels no surer of their names than the scan allows.

    Ribs alone cannot tell a missing twelfth rib or a lumbar one, and thick slices hide the heads of the lowest ribs.
    """
    if pin is not None or "sacrum" in anchored_by:
        return levels
    most = RIBS_ALONE if grid.spacing_mm[0] <= THICK_MM * 1.01 else RIBS_ALONE_THICK
    return tuple(replace(label, confidence=min(label.confidence, most)) for label in levels)


def _path(maps: Mapping[Tissue, Map], grid: Grid) -> CanalPath:
    """The canal by its own probability; by the ring of bone around it where that shows none."""
    try:
        return canal_path(maps[Tissue.CANAL], grid)
    except NotEnoughData:
        bone = maps[Tissue.BODY] + maps[Tissue.POSTERIOR] + maps[Tissue.DISC] > 0.5
        return canal_path(enclosure(bone, grid.spacing_mm), grid)


def _instances(
    path: CanalPath, maps: Mapping[Tissue, Map], grid: Grid
) -> tuple[Instances, tuple[DiscPlane, ...]]:
    """Vertebrae between discs, and the discs; one left out or taken twice is mended, one at a time."""
    column = np.minimum(maps[Tissue.BODY] + maps[Tissue.SACRUM], 1.0)  # the last disc lies on the sacrum
    evidence = disc_evidence(path, grid, column, maps[Tissue.DISC])
    discs = find_discs(path, evidence)
    for _ in range(MENDS):
        found = separate(path, discs, grid, body=maps[Tissue.BODY], sacrum=maps[Tissue.SACRUM])
        better = repaired(path, evidence, discs, found)
        if better is None:
            break
        discs = better
    return found, discs


def _column(path: CanalPath, grid: Grid) -> Box:
    """The box of ``grid`` with all that lies within 75 mm of the canal."""
    index = grid.index(path.points_lps_mm)
    reach = np.array([75.0 / s for s in grid.spacing_mm])
    low = np.maximum(index.min(axis=0) - reach, 0).astype(int)
    high = np.minimum(index.max(axis=0) + reach + 2, grid.shape).astype(int)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return z, y, x


def _empty(grid: Grid, backend: str, version: str, provenance: tuple[str, ...]) -> SpineLabels:
    nothing = LabelMap(array=np.zeros(grid.shape, np.uint8), affine=grid.affine)
    return SpineLabels(
        vertebrae=nothing,
        bodies=nothing,
        levels=(),
        anchored_by=(),
        backend=backend,
        version=version,
        provenance=provenance,
        notes=("no_spine_found",),
    )
