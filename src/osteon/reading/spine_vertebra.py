"""One vertebra measured: all that its own voxels say, before any comparison with its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from osteon.domain.spine import Hounsfield
from osteon.imaging.measure.canal import Canal, canal
from osteon.imaging.measure.contents import ContentsRule, contents
from osteon.imaging.measure.curves import PlatePlane, plate_plane
from osteon.imaging.measure.density import TrabecularRule, trabecular, trabecular_region
from osteon.imaging.measure.endplate import EndplateSigns, endplate_signs
from osteon.imaging.measure.frame import BodyBox, BodyFrame, body_box, frame_from, spacing_along
from osteon.imaging.measure.heights import BodyShape, body_shape
from osteon.imaging.measure.indicators import spoke_wheel
from osteon.imaging.measure.posterior import PosteriorLook, posterior_look
from osteon.imaging.measure.surface import Endplates, endplates, refined
from osteon.imaging.measure.surroundings import THIRDS, arch_bone, arch_parts, pedicle_bone, soft_tissue_mm
from osteon.imaging.measure.wall import BackWall, anterior_kink_mm, back_wall, convexity_mm, wall_density_hu
from osteon.imaging.resample import label_boxes
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.segment.quality import border_width
from osteon.imaging.volume import LabelMap, Volume
from osteon.reading.spine_rules import numbers, rules

__all__ = ["SIDES", "Measured", "Place", "measured", "places", "with_signs"]

Array = npt.NDArray[np.float64]
Box = tuple[slice, slice, slice]
Thirds = tuple[float | None, float | None, float | None]
SIDES: tuple[Literal["superior", "inferior"], ...] = ("superior", "inferior")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where a labelled vertebra lies.

    Attributes
    ----------
    box : part of the label map that holds the whole vertebra
    centre_lps_mm : of the body
    back : from the body's centre to that of the posterior elements; None where these are not labelled
    body_ml, posterior_ml : float
    slices : int
        How many slices of the scan the body spans.
    cropped : bool
        The labels say so, or the body touches the border of the label map.
    at_border : bool
        Any part of the vertebra touches that border: its arch may go on beyond it.
    step_mm : float or None
        Of an uneven scan, the thickest slice or widest gap that the body spans.
    """

    label: LevelLabel
    box: Box
    centre_lps_mm: Array
    back: Array | None
    body_ml: float
    posterior_ml: float
    slices: int
    cropped: bool
    at_border: bool = False
    step_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    A measured vertebra.

    Attributes
    ----------
    pedicle_mm : float or None
        Height of the pedicles along the axis, where their roots are labelled.
    spokes, kink_mm, convexity_mm : float or None
    wall_hu, soft_mm : (right, middle, left) thirds of the wall
    pedicles : bone of the (right, left) pedicle; None where it was not seen
    arch : bone of the posterior elements
    arch_parts : bone of the right lamina, the spinous process and the left lamina
        See :mod:`osteon.imaging.measure`.
    back_wall : the posterior wall, which ``convexity_mm`` measures against its own rims; None where it cannot be followed
    behind : what the image shows at it
    superior, inferior : EndplateSigns or None
        None until :func:`with_signs` has seen the whole spine.
    """

    place: Place
    frame: BodyFrame
    box: BodyBox
    plates: Endplates
    shape: BodyShape
    planes: Mapping[str, PlatePlane]
    convexity_mm: float | None
    kink_mm: float | None
    pedicle_mm: float | None
    canal: Canal | None
    hu: Hounsfield | None
    contents: tuple[str, ...] = ()
    wall_hu: Thirds = (None, None, None)
    soft_mm: Thirds = (None, None, None)
    pedicles: tuple[float, float] | None = None
    arch: float | None = None
    arch_parts: tuple[float, float, float] | None = None
    spokes: float | None = None
    back_wall: BackWall | None = None
    behind: PosteriorLook | None = None
    superior: EndplateSigns | None = None
    inferior: EndplateSigns | None = None

    @property
    def signs(self) -> tuple[EndplateSigns, ...]:
        """Of both endplates, as far as they were read."""
        return tuple(signs for signs in (self.superior, self.inferior) if signs is not None)


def places(labels: SpineLabels, volume: Volume | None = None) -> list[Place]:
    """Every labelled vertebra that has a body, from the head down; ``volume`` tells where its slices are uneven."""
    grid = labels.bodies.grid
    found = []
    boxes = _boxes(labels)
    for label in labels.levels:
        if label.code not in boxes:
            continue
        box = boxes[label.code]
        body = labels.bodies.array[box] == label.code
        rest = (labels.vertebrae.array[box] == label.code) & ~body
        if not body.any():
            continue
        corner = np.array([s.start for s in box])
        where = np.argwhere(body)
        centre = grid.world(where.mean(0) + corner)
        behind = int(rest.sum())
        back = grid.world(np.argwhere(rest).mean(0) + corner) - centre if behind > 0.1 * len(where) else None
        ends = where.min(0) + corner, where.max(0) + corner
        touches = bool((ends[0] == 0).any() or (ends[1] == np.array(grid.shape) - 1).any())
        at_border = any(s.start == 0 or s.stop == n for s, n in zip(box, grid.shape, strict=True))
        along = np.abs(grid.affine[2, :3]) / np.linalg.norm(grid.affine[:3, :3], axis=0)
        found.append(
            Place(
                label=label,
                box=box,
                centre_lps_mm=centre,
                back=back,
                body_ml=len(where) * grid.voxel_ml,
                posterior_ml=behind * grid.voxel_ml,
                slices=int(np.ptp(where[:, int(np.argmax(along))])) + 1,
                cropped=label.cropped or touches,
                at_border=at_border,
                step_mm=None if volume is None else _step_mm(volume, grid.shape, ends),
            )
        )
    return sorted(found, key=lambda p: -p.centre_lps_mm[2])


def _step_mm(
    volume: Volume, shape: tuple[int, ...], ends: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
) -> float | None:
    """The coarsest of an uneven scan from the plane before the body to that behind it; of all of it on another grid."""
    steps: tuple[float, ...] = volume.meta.get("plane_steps_mm", ())
    if steps and volume.array.shape == shape:
        axis = volume.meta["slice_axis"]
        steps = steps[max(int(ends[0][axis]) - 1, 0) : int(ends[1][axis]) + 2]
    return max(steps, default=None)


def _boxes(labels: SpineLabels) -> dict[int, Box]:
    """Bounding box of each code in the vertebra map and the body map together, one pass over each."""
    found: dict[int, Box] = {}
    for array in (labels.vertebrae.array, labels.bodies.array):
        for code, box in label_boxes(array).items():
            known = found.get(code, box)
            found[code] = (_span(known[0], box[0]), _span(known[1], box[1]), _span(known[2], box[2]))
    return found


def _span(a: slice, b: slice) -> slice:
    return slice(min(a.start, b.start), max(a.stop, b.stop))


def _axis(all_places: list[Place], at: int) -> Array:
    """Towards the head, along the centres of the neighbours."""
    upper, lower = max(at - 1, 0), min(at + 1, len(all_places) - 1)
    if upper == lower:
        return np.array([0.0, 0.0, 1.0])
    return np.asarray(all_places[upper].centre_lps_mm - all_places[lower].centre_lps_mm, dtype=np.float64)


def _back(all_places: list[Place], at: int) -> Array | None:
    """
    Which way the posterior elements of a vertebra look, at right angles to its axis.

    However the patient lies: the other vertebrae say whether its own are mislabelled, where they look more than 60 degrees
    away from what most do, or where it has none. None where no vertebra has any.
    """
    looks = [_across(one.back, _axis(all_places, k)) for k, one in enumerate(all_places)]
    own = looks[at]
    seen = [look for look in looks if look is not None]
    if own is not None and len(seen) < 3:
        return own
    if not seen:
        return None
    # the one nearest to all others: a median that turns with the patient
    usual = max(seen, key=lambda look: sum(min(float(look @ other), 0.99) for other in seen))
    return own if own is not None and own @ usual >= 0.5 else usual


def _across(back: Array | None, axis: Array) -> Array | None:
    """The part of a direction at right angles to an axis, at length 1; None where hardly any is."""
    if back is None:
        return None
    across = back - axis * (back @ axis) / (axis @ axis)
    length = float(np.linalg.norm(across))
    return np.asarray(across / length, dtype=np.float64) if length > 1.0 else None


def measured(
    all_places: list[Place],
    at: int,
    labels: SpineLabels,
    volume: Volume | None,
    *,
    calibration: Mapping[str, float] | None = None,
) -> Measured:
    """
    Measure the vertebra ``all_places[at]`` in a box of its own.

    Raises
    ------
    NotEnoughData
        Too little of its body is there.
    """
    place = all_places[at]
    code = place.label.code
    axis = _axis(all_places, at)
    back = _back(all_places, at)
    margin = 40.0
    pad = np.ceil(margin / np.array(labels.bodies.spacing_mm)).astype(int)
    wide: Box = tuple(  # type: ignore[assignment]
        slice(max(s.start - p, 0), min(s.stop + p, n))
        for s, p, n in zip(place.box, pad, labels.bodies.array.shape, strict=True)
    )
    vertebrae = labels.vertebrae.cropped(wide)
    mask: LabelMap | Volume = labels.bodies.cropped(wide)
    close = labels.close.get(code)
    seen, mark = (mask, code) if close is None else (close, None)
    frame = refined(seen, mark, frame_from(place.centre_lps_mm, axis, back))
    box = body_box(seen, mark, frame, image=volume, margin_mm=10.0)
    if close is not None:  # the errors are those of the scan's voxels, however finely it was looked at
        box = replace(box, voxel_mm=max(box.voxel_mm, spacing_along(mask.affine, frame.up)))
    if place.step_mm is not None:
        box = replace(box, voxel_mm=max(box.voxel_mm, place.step_mm))
    plates = endplates(box)
    back_line = back_wall(box, plates)
    shape = body_shape(box, plates)
    if close is not None:  # a blurred border moves more than voxels do
        shape = replace(shape, se_mm=max(shape.se_mm, 0.1 + 1.2 * border_width(close.array)))
    rule = TrabecularRule(**numbers("trabecular"))
    hu = trabecular(box, plates, rule=rule, calibration=calibration)
    tissue = None if labels.tissue is None else labels.tissue.cropped(wide)
    cuts = tuple(float(k) for k in np.linspace(-0.35, 0.35, 5) * shape.heights_mm.posterior)
    has_canal = tissue is not None and bool((tissue.array == 4).any())
    arch, parts = _arch(volume, labels, place, frame, plates)
    return Measured(
        place=place,
        frame=frame,
        box=box,
        plates=plates,
        shape=shape,
        planes={side: plate_plane(frame, plates, side=side) for side in ("superior", "inferior")},
        back_wall=back_line,
        behind=None if back_line is None else posterior_look(box, plates, back_line),
        convexity_mm=None if back_line is None else convexity_mm(back_line),
        kink_mm=anterior_kink_mm(box, plates),
        pedicle_mm=_pedicle_mm(place, labels, frame, plates),
        canal=canal(vertebrae, code, frame, tissue=tissue if has_canal else None, heights_mm=cuts),
        hu=hu,
        contents=()
        if volume is None
        else contents(box, vertebrae, code, volume, rule=ContentsRule(**numbers("contents"))),
        wall_hu=_walls(box, plates),
        soft_mm=(None, None, None) if volume is None else soft_tissue_mm(volume, box, plates),
        pedicles=pedicle_bone(box, plates),
        arch=arch,
        arch_parts=parts,
        spokes=None if hu is None else spoke_wheel(box, trabecular_region(box, plates, rule)),
    )


def _walls(box: BodyBox, plates: Endplates) -> Thirds:
    """Density of the three thirds of the wall."""
    right, middle, left = (wall_density_hu(box, plates, sides=sides) for sides in THIRDS)
    return right, middle, left


def _arch(
    volume: Volume | None, labels: SpineLabels, place: Place, frame: BodyFrame, plates: Endplates
) -> tuple[float | None, tuple[float, float, float] | None]:
    """Bone of the posterior elements, and of laminae and spinous process, where scan and labels share a grid."""
    if volume is None or volume.array.shape != labels.vertebrae.array.shape:
        return None, None
    maps = (labels.vertebrae.cropped(place.box), labels.bodies.cropped(place.box))
    near = (volume.cropped(place.box), *maps, place.label.code)
    return arch_bone(*near), arch_parts(*near, frame, plates)


def with_signs(found: Measured, *, usual_hu: float | None, cortex_hu: float | None) -> Measured:
    """
    With the signs of its endplates.

    The core they are compared with is that of the spine or the body's own, whichever is less dense: the dense band of a
    fresh fracture may fill the body's own. A cortex is what stands out as the spine's usual cortex does on this scan,
    however thin it is and however the scanner blurs it.

    Parameters
    ----------
    usual_hu, cortex_hu : float or None
        The spine's usual trabecular density, and how dense the cortex of its endplates usually looks.
    """
    cores = [hu for hu in (usual_hu, None if found.hu is None else found.hu.median) if hu is not None]
    core = min(cores) if cores and found.box.hu is not None else None
    rule = rules("endplate")
    contrast = 0.0 if usual_hu is None or cortex_hu is None else cortex_hu - usual_hu
    above = rule["cortex_share"] * contrast if contrast >= rule["cortex_least_hu"] else None
    signs = {
        side: endplate_signs(found.box, found.plates, side=side, trabecular_hu=core, peak_above_hu=above)
        for side in SIDES
    }
    return replace(found, superior=signs["superior"], inferior=signs["inferior"])


def _pedicle_mm(place: Place, labels: SpineLabels, frame: BodyFrame, plates: Endplates) -> float | None:
    """Mean height along the axis of the pedicles' roots: posterior elements within a centimetre behind the body."""
    rest = (labels.vertebrae.array[place.box] == place.label.code) & (
        labels.bodies.array[place.box] != place.label.code
    )
    corner = np.array([s.start for s in place.box])
    where = np.argwhere(rest)
    if len(where) < 20:
        return None
    u, v, w = frame.local(labels.bodies.grid.world(where + corner)).T
    aside = np.abs(u - plates.middle_u_mm) / (plates.width_mm / 2)
    near = (v < plates.back_mm + 2.0) & (v > plates.back_mm - 9.0) & (aside > 0.25) & (aside < 0.85)
    if near.sum() * labels.bodies.grid.voxel_ml < 0.2:
        return None
    return float(w[near].mean())
