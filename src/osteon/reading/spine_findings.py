"""From labelled vertebrae to findings: heights, losses, grades, types, densities and flags, each with its confidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from osteon.core.cores import side_by_side
from osteon.core.errors import ConfigError, NotEnoughData
from osteon.domain.anatomy import may_follow
from osteon.domain.spine import HeightLoss, Hounsfield, ScanFacts, SpineReading, VertebraFinding
from osteon.imaging.hounsfield import in_hounsfield
from osteon.imaging.measure.curves import between_deg, disc_height_mm
from osteon.imaging.measure.endplate import EndplateSigns
from osteon.imaging.segment.labels import SpineLabels
from osteon.imaging.volume import Volume
from osteon.reading.spine_flags import (
    bone_remarks,
    coarsest_mm,
    dense_bodies,
    density_notes,
    reasons_not_evaluable,
    usual_cortex,
    usual_density,
)
from osteon.reading.spine_genant import deformity_index, worse_side
from osteon.reading.spine_judged import judged, with_type_confidences
from osteon.reading.spine_neighbours import expected
from osteon.reading.spine_reference import height_losses
from osteon.reading.spine_rules import level_place, rules
from osteon.reading.spine_vertebra import Measured, Place, measured, places, with_signs

__all__ = ["ReadingOptions", "findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """
    How findings are made.

    Attributes
    ----------
    operating_point : float
        Loss of height from which a deformity counts, 0.20 or 0.25.
    hu_calibration : (slope, intercept) or None
        The site's map from Hounsfield units to mg/cm3.
    """

    operating_point: float = 0.20
    hu_calibration: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.operating_point not in rules("genant")["operating_points"]:
            raise ConfigError(f"an operating point of {self.operating_point}.", hint="Choose 0.20 or 0.25.")


def findings(
    volume: Volume | None,
    labels: SpineLabels,
    *,
    options: ReadingOptions = ReadingOptions(),
    scan: ScanFacts,
) -> SpineReading:
    """
    Read a labelled spine.

    Parameters
    ----------
    volume : Volume or None
        Hounsfield units; None, or values that may be none, reads heights and grades off the labels alone, and no density.
    labels : SpineLabels
    options : ReadingOptions
    scan : ScanFacts

    Returns
    -------
    SpineReading
        One finding per labelled vertebra from the head down, the sacrum left out; a vertebra that cannot be graded is a
        finding too, with its reasons.
    """
    everything = places(labels, volume)
    image = volume if volume is not None and in_hounsfield(volume) else None
    calibration = None
    if options.hu_calibration is not None:
        calibration = dict(zip(("slope", "intercept"), options.hu_calibration, strict=True))

    def attempt(at: int) -> Measured | None:
        try:
            return measured(everything, at, labels, image, calibration=calibration)
        except NotEnoughData:
            return None

    seen: dict[str, Measured] = {}
    reasons: dict[str, tuple[str, ...]] = {}
    for place, found in zip(everything, side_by_side(attempt, range(len(everything))), strict=True):
        level = place.label.level
        why = reasons_not_evaluable(place, scan)
        if level.startswith("C"):
            why = (*why, "cervical")
        if found is None:
            reasons[level] = (*why, "not_measurable")
            continue
        seen[level] = found
        why = (*why, *found.contents)
        if _axis_off_deg(found) > rules("evaluable")["axis_deg_above"]:
            why = (*why, "tilted")
        reasons[level] = why
    sound = {k: m for k, m in seen.items() if not reasons[k] and k != "S1"}
    usual, cortex = usual_density(sound), usual_cortex(sound)
    sound = {k: with_signs(m, usual_hu=usual, cortex_hu=cortex) for k, m in sound.items()}
    broken = _broken_by_themselves(sound)
    losses, one_sided = _losses(sound, broken)
    good = _whole(losses) - broken
    made = [
        _finding(place, seen, reasons, losses, one_sided, sound, good, options, scan)
        for place in everything
        if place.label.level != "S1"
    ]
    made = with_type_confidences(made)
    made = [replace(v, notes=(*v.notes, *bone_remarks(v.indicators))) for v in made]
    whole = {k: m for k, m in seen.items() if not _cut(reasons[k])}
    made = _with_neighbours(made, whole, [place.label.level for place in everything])
    told = ("no_image",) if volume is None else ("hu_unverified",) if image is None else density_notes(scan)
    return _reading(
        _in_order([*made, *_bodiless(labels, everything)]), whole, good, labels, options, scan, told
    )


def _bodiless(labels: SpineLabels, everything: list[Place]) -> Iterator[VertebraFinding]:
    """Findings of vertebrae whose labels hold posterior elements and no body."""
    drawn = {place.label.code for place in everything}
    for label in labels.levels:
        where = np.argwhere(labels.vertebrae.array == label.code) if label.code not in drawn else ()
        if len(where) and label.level != "S1":
            x, y, z = (float(k) for k in labels.vertebrae.grid.world(np.mean(where, axis=0)))
            yield VertebraFinding(
                level=label.level,
                level_confidence=label.confidence,
                evaluable=False,
                not_evaluable=("no_body",),
                centroid_lps_mm=(x, y, z),
                notes=tuple(note for note in label.notes if note != "no_body"),
            )


def _in_order(made: list[VertebraFinding]) -> list[VertebraFinding]:
    """From the head down."""
    return sorted(made, key=lambda v: -v.centroid_lps_mm[2])


def _broken_by_themselves(sound: Mapping[str, Measured]) -> frozenset[str]:
    """
    The bodies whose endplates show a break that needs no neighbour to be seen: they are nobody's reference.

    In noise or through thin bone even whole endplates lack a cortex here and there: what the better ones of this spine lack
    is no break, and twice that is what its poorest whole ones lack.
    """
    rule, endplate = rules("reference"), rules("endplate")
    seen = {k: m for k, m in sound.items() if m.box.voxel_mm <= endplate["slice_mm_above"]}
    gaps = [s.discontinuity for m in seen.values() for s in m.signs if s.discontinuity is not None]
    usual = min(float(np.quantile(gaps, 0.25)), rule["usual_discontinuity"]) if gaps else 0.0
    gap = rule["broken_discontinuity"] + 2 * usual

    def broken(signs: EndplateSigns) -> bool:
        deep = signs.depression_mm > rule["broken_depression_mm"] and signs.focality >= endplate["node_share"]
        return bool(deep or (signs.discontinuity or 0.0) > gap)

    return frozenset(k for k, m in seen.items() if any(broken(signs) for signs in m.signs))


def _whole(losses: Mapping[str, HeightLoss]) -> frozenset[str]:
    """The vertebrae that have lost too little to be left out of the reference."""
    return frozenset(k for k, loss in losses.items() if loss.largest < rules("reference")["exclude_loss"])


def _losses(
    sound: Mapping[str, Measured], broken: frozenset[str]
) -> tuple[dict[str, HeightLoss], frozenset[str]]:
    """The loss each vertebra is graded by, mid-sagittal or of its worse side, and the vertebrae where it is the side."""
    known: dict[str, Any] = {
        "se_mm": {k: m.shape.se_mm for k, m in sound.items()},
        "footprint_mm": {k: math.sqrt(m.plates.depth_mm * m.plates.width_mm) for k, m in sound.items()},
        "broken": broken,
    }
    losses = height_losses({k: m.shape.heights_mm for k, m in sound.items()}, **known)
    sides = height_losses({k: m.shape.parasagittal_mm for k, m in sound.items()}, **known)
    good = _whole(sides) - broken
    leans = {k: m.shape.lateral_wedge_deg for k, m in sound.items()}
    worse = frozenset(
        k for k, lean in leans.items()
        if worse_side(
            losses[k], sides[k], lean_deg=lean - expected(leans, k, good, default=0.0, sd_floor=2.0).value
        )
    )  # fmt: skip
    return {k: sides[k] if k in worse else loss for k, loss in losses.items()}, worse


def _axis_off_deg(found: Measured) -> float:
    """Angle between the body's axis and the patient's long axis."""
    return float(np.degrees(np.arccos(np.clip(found.frame.up[2], -1.0, 1.0))))


def _finding(
    place: Place,
    seen: Mapping[str, Measured],
    reasons: Mapping[str, tuple[str, ...]],
    losses: Mapping[str, HeightLoss],
    one_sided: frozenset[str],
    sound: Mapping[str, Measured],
    good: frozenset[str],
    options: ReadingOptions,
    scan: ScanFacts,
) -> VertebraFinding:
    """One vertebra."""
    label = place.label
    level = label.level
    x, y, z = (float(k) for k in place.centre_lps_mm)
    plain = VertebraFinding(
        level=level,
        level_confidence=label.confidence,
        evaluable=False,
        not_evaluable=reasons[level],
        centroid_lps_mm=(x, y, z),
        notes=label.notes,
    )
    if level not in seen:
        return plain
    here = seen[level]
    plain = _described(plain, here, hu=_density(here, reasons[level]))
    if level not in sound:
        return plain
    if place.step_mm is not None and place.step_mm > 1.1 * max(
        scan.slice_thickness_mm or 0.0, *scan.spacing_mm
    ):
        plain = replace(plain, notes=(*plain.notes, "uneven_slices"))
    if level in one_sided:
        plain = replace(plain, notes=(*plain.notes, "one_sided"))
    return judged(
        plain,
        sound,
        losses[level],
        good=good,
        agreement=label.agreement,
        operating_point=options.operating_point,
        slice_mm=coarsest_mm(scan, place.step_mm),
    )


def _density(here: Measured, reasons: tuple[str, ...]) -> Hounsfield | None:
    """Density, unless the body holds something foreign or is not whole."""
    foreign = {"cement", "screw", "metal", "cropped", "too_small", "too_few_slices"}
    return None if foreign & set(reasons) else here.hu


def _cut(reasons: tuple[str, ...]) -> bool:
    """Whether a body is not seen whole, or not clearly: nothing is measured between its ends."""
    return bool({"cropped", "not_measurable", "too_small", "uncertain_outline"} & set(reasons))


def _described(plain: VertebraFinding, here: Measured, *, hu: Hounsfield | None) -> VertebraFinding:
    """With what was measured, before any judgement."""
    cut = _cut(plain.not_evaluable)
    return replace(
        plain,
        heights_mm=None if cut else here.shape.heights_mm,
        heights_parasagittal_mm=None if cut else here.shape.parasagittal_mm,
        wedge_deg=None if cut else here.shape.wedge_deg,
        lateral_wedge_deg=None if cut else here.shape.lateral_wedge_deg,
        volume_ml=None if cut else here.shape.volume_ml,
        canal_ap_mm=here.canal.ap_mm if here.canal else None,
        canal_area_mm2=here.canal.area_mm2 if here.canal else None,
        hu=hu,
        contents=here.contents,
    )


def _with_neighbours(
    made: list[VertebraFinding], seen: Mapping[str, Measured], order: Sequence[str]
) -> list[VertebraFinding]:
    """
    Disc heights between neighbouring levels, and the angle across a vertebra and both its discs.

    Neighbours follow each other in ``order``, all labelled levels from the head down, and by their names.
    """
    below: dict[str, float] = {}
    above: dict[str, float] = {}
    next_up: dict[str, str] = {}
    next_down: dict[str, str] = {}
    for upper, lower in pairwise(order):
        if not {upper, lower} <= seen.keys() or "C" in (upper[0], lower[0]) or not may_follow(upper, lower):
            continue
        next_up[lower], next_down[upper] = upper, lower
        height = disc_height_mm(seen[upper].planes["inferior"], seen[lower].planes["superior"])
        if 0.5 <= height <= 25.0:
            below[upper], above[lower] = height, height
    kyphosis = {
        level: between_deg(seen[next_up[level]].planes["superior"], seen[next_down[level]].planes["inferior"])
        for level in next_up.keys() & next_down.keys() - {"S1"}
        if next_down[level] != "S1"
    }
    return [
        replace(
            v,
            disc_above_mm=above.get(v.level),
            disc_below_mm=below.get(v.level),
            local_kyphosis_deg=kyphosis.get(v.level),
        )
        for v in made
    ]


def _reading(
    made: list[VertebraFinding],
    whole: Mapping[str, Measured],
    good: frozenset[str],
    labels: SpineLabels,
    options: ReadingOptions,
    scan: ScanFacts,
    told: tuple[str, ...],
) -> SpineReading:
    """What holds for the whole spine; ``whole`` are the vertebrae seen from end to end, ``told`` codes about the image."""
    graded = [v.genant.grade for v in made if v.evaluable and v.genant is not None]
    # also where nothing is graded, as in thick slices, a sclerotic body says nothing of the bone's density
    bodies = {k: m for k, m in whole.items() if k != "S1"}
    dense = dense_bodies(bodies, frozenset(bodies))
    sound = {
        v.level: v.hu.median
        for v in made
        if v.hu is not None
        and v.level in whole
        and v.level not in dense
        and not (
            v.red_flags or v.fractured or "tilted" in v.not_evaluable or _unmeasured(v) or v.endplate_injury
        )
    }
    core = {
        level: hu
        for level, hu in sound.items()
        if level in ("T12", "L1", "L2", "L3", "L4", "L5") and level in good
    }
    notes = list(scan.notes) + [note for note in labels.notes if note not in scan.notes]
    notes += told
    notes += ["reference_unreliable"] if any(_unmeasured(v) for v in made) else []
    notes += [] if labels.anchored_by else ["unanchored"]
    notes += ["levels_pinned"] if "user" in labels.anchored_by else []
    lordosis, to_l5 = _lordosis(whole)
    notes += ["lordosis_to_l5"] if to_l5 else []
    return SpineReading(
        vertebrae=tuple(made),
        scan=scan,
        anchored=bool(labels.anchored_by),
        backend=labels.backend,
        backend_version=labels.version,
        operating_point=options.operating_point,
        deformity_index=deformity_index(graded),
        lordosis_deg=lordosis,
        kyphosis_deg=_kyphosis(whole),
        hu_l1=sound.get("L1"),
        hu_mean=float(np.mean(list(core.values()))) if core else None,
        hu_mean_of=tuple(core),
        notes=tuple(dict.fromkeys(notes)),
        anchored_by=labels.anchored_by,
        provenance=labels.provenance,
    )


def _unmeasured(v: VertebraFinding) -> bool:
    """Whether no sound neighbour says what this vertebra should measure though others are there: it may be pressed as a whole."""
    return v.height_loss is not None and not v.height_loss.trusted


def _lordosis(usable: Mapping[str, Measured]) -> tuple[float | None, bool]:
    """Angle from the superior endplate of L1 to that of S1, or to the inferior one of L5, and whether it ends at L5."""
    if "L1" not in usable or not {"S1", "L5"} & set(usable):
        return None, False
    to_l5 = "S1" not in usable
    end = usable["L5"].planes["inferior"] if to_l5 else usable["S1"].planes["superior"]
    return -between_deg(usable["L1"].planes["superior"], end), to_l5


def _kyphosis(usable: Mapping[str, Measured]) -> float | None:
    """Angle over T4-T12, or what of it is seen; at least four vertebrae."""
    inside = sorted((k for k in usable if k[0] == "T" and 4 <= level_place(k) <= 12), key=level_place)
    if len(inside) < 4:
        return None
    return between_deg(usable[inside[0]].planes["superior"], usable[inside[-1]].planes["inferior"])
