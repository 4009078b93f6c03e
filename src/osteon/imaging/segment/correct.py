"""Corrections of a labelled spine: each gives a new version with one line of provenance, the old one stays as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from osteon.core.errors import InputError, ShapeError
from osteon.domain.anatomy import LEVELS, Tissue, level_rank, may_follow, verse_of_level
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.segment.quality import gated
from osteon.imaging.volume import LabelMap

__all__ = ["deleted", "merged", "pinned", "renamed", "shifted", "split", "with_mask"]

OUTLINE_DOUBTS = ("uncertain_outline", "blurred_outline")

Point = tuple[float, float, float]
PIN_REACH_MM = 60.0
REMNANT = 0.1  # share of a body below which what is left is no body
PAST_ODD, COIN = "pin_past_odd_spacing", 0.5
USUAL = tuple(level for level in LEVELS if level not in ("T13", "L6"))


def shifted(labels: SpineLabels, n: int, *, by: str = "user") -> SpineLabels:
    """
    Every level ``n`` places further down (up where negative), along the usual twenty-four and the sacrum.

    Raises
    ------
    InputError
        The spine is unanchored, holds T13 or L6, or would leave the range C1-S1.

    Examples
    --------
    ``shifted(labels, 1)`` makes L1 of T12; ``shifted(shifted(labels, 1), -1)`` gives the names back.
    """
    names = {}
    for label in labels.levels:
        if label.level not in USUAL:
            raise InputError(
                f"{label.level} has no usual neighbours to shift to.", hint="Pin one level instead."
            )
        place = USUAL.index(label.level) + n
        if not 0 <= place < len(USUAL):
            raise InputError(f"{label.level} cannot be shifted by {n}.", hint="Levels run from C1 to S1.")
        names[label.code] = USUAL[place]
    return _named(labels, names, f"{by}: levels shifted by {n:+d}")


def pinned(labels: SpineLabels, point_lps_mm: Point, level: str, *, by: str = "user") -> SpineLabels:
    """
    The vertebra nearest to a point (LPS mm) gets ``level``, and all others the names that follow from it.

    Names there are move along together: a level left out stays left out, T13 and L6 stay, and a pin that says what is
    there renames nothing. Unanchored vertebrae ("V<n>") next to each other are taken as neighbours. Beyond an odd
    distance between two that follow each other by name (note "pin_past_odd_spacing") the names are no surer than a coin.

    Raises
    ------
    InputError
        No such level, no vertebra within 60 mm of the point, or too many vertebrae around it.
    """
    level_rank(level)
    if not labels.levels:
        raise InputError("there is no vertebra to pin.")
    centres = np.array([_centre(labels, label.code) for label in labels.levels])
    distance = np.linalg.norm(centres - np.asarray(point_lps_mm), axis=1)
    k = int(np.nanargmin(distance))
    if distance[k] > PIN_REACH_MM:
        raise InputError(
            f"the point lies {distance[k]:.0f} mm from the nearest vertebra.", hint="Point at its body."
        )
    here = labels.levels[k].level
    present = {label.level for label in labels.levels}
    before = [x for x in LEVELS if x in USUAL or x in present]
    order = [x for x in LEVELS if x in before or x == level]
    counted = any(label.level.startswith("V") for label in labels.levels)
    places = [
        order.index(level) + (i - k if counted else before.index(label.level) - before.index(here))
        for i, label in enumerate(labels.levels)
    ]
    if places[0] < 0 or places[-1] >= len(order):
        raise InputError(
            f"{len(labels.levels)} vertebrae do not fit around {level} at place {k + 1} from the head.",
            hint="Name another level, or delete what is no vertebra first.",
        )
    names = {label.code: order[place] for label, place in zip(labels.levels, places, strict=True)}
    after = _named(labels, names, f"{by}: {here} pinned as {level}")
    return _doubted_past(after, k)


def _doubted_past(labels: SpineLabels, k: int) -> SpineLabels:
    """Labels less sure of what lies past an odd distance from vertebra ``k``: one may have been missed there."""
    odd = [
        i
        for i, (upper, lower) in enumerate(pairwise(gated(labels).levels))
        if "spacing_outlier" in upper.notes and may_follow(upper.level, lower.level)
    ]
    if not odd:
        return labels
    levels = tuple(
        replace(x, confidence=min(x.confidence, COIN)) if any(k <= b < i or i <= b < k for b in odd) else x
        for i, x in enumerate(labels.levels)
    )
    return replace(labels, levels=levels, notes=(*_without(labels.notes, PAST_ODD), PAST_ODD))


def renamed(labels: SpineLabels, names: Mapping[str, str], *, by: str = "user") -> SpineLabels:
    """
    Levels renamed one by one (``{"T12": "T13"}``); the others keep their names.

    Raises
    ------
    InputError
        A level is not there, two vertebrae would share a name, or the names would not run from the head down.
    """
    known = {label.level: label for label in labels.levels}
    for old in names:
        if old not in known:
            raise InputError(f"{old} is not among the labels ({', '.join(known)}).")
    what = ", ".join(f"{old} -> {new}" for old, new in names.items())
    return _named(labels, {known[old].code: new for old, new in names.items()}, f"{by}: renamed {what}")


def with_mask(
    labels: SpineLabels,
    level: str,
    vertebra: npt.NDArray[np.bool_],
    body: npt.NDArray[np.bool_],
    *,
    by: str = "user",
) -> SpineLabels:
    """
    One vertebra's masks replaced by those drawn, boolean arrays (z, y, x) on the labels' grid.

    Raises
    ------
    ShapeError
        A mask lies on another grid.
    InputError
        No such level, an empty body, or one that leaves a neighbour without its own.
    """
    code = _label(labels, level).code
    for name, mask in (("vertebra", vertebra), ("body", body)):
        if mask.shape != labels.bodies.array.shape:
            raise ShapeError(
                f"the {name} mask has shape {mask.shape}, the labels {labels.bodies.array.shape}."
            )
    if not body.any():
        raise InputError(f"the body drawn for {level} is empty.", hint="Delete the vertebra instead.")
    whole, bodies = labels.vertebrae.array.copy(), labels.bodies.array.copy()
    for array, mask in ((whole, vertebra | body), (bodies, body)):
        array[array == code] = 0
        array[mask] = code
    bodies[(whole != bodies) & (bodies > 0)] = 0  # what was drawn over a neighbour is no longer its body
    left, had = (np.bincount(m.ravel(), minlength=256) for m in (bodies, labels.bodies.array))
    if lost := [x.level for x in labels.levels if left[x.code] < REMNANT * had[x.code] and x.code != code]:
        raise InputError(
            f"the mask drawn for {level} covers the body of {', '.join(lost)}.",
            hint=f"Delete {lost[0]}, or merge the two, if it is no vertebra of its own; else draw up to its border.",
        )
    drawn = tuple(
        replace(x, notes=_without(x.notes, *OUTLINE_DOUBTS)) if x.code == code else x for x in labels.levels
    )
    return _changed(labels, whole, bodies, drawn, f"{by}: mask of {level} replaced")


def deleted(labels: SpineLabels, level: str, *, by: str = "user") -> SpineLabels:
    """
    The labels without one vertebra (a false find); the others keep their names.

    Raises
    ------
    InputError
        No such level.
    """
    gone = _label(labels, level)
    whole, bodies = (np.where(m.array == gone.code, 0, m.array) for m in (labels.vertebrae, labels.bodies))
    left = tuple(x for x in labels.levels if x is not gone)
    return _changed(labels, whole, bodies, left, f"{by}: {level} deleted")


def merged(labels: SpineLabels, kept: str, other: str, *, by: str = "user") -> SpineLabels:
    """
    Two pieces made one vertebra, named ``kept``; the other names stay (shift or pin afterwards).

    Raises
    ------
    InputError
        No such level, or the two are not next to each other.
    """
    a, b = _label(labels, kept), _label(labels, other)
    if abs(labels.levels.index(a) - labels.levels.index(b)) != 1:
        raise InputError(f"{kept} and {other} are not next to each other.")
    whole, bodies = (np.where(m.array == b.code, a.code, m.array) for m in (labels.vertebrae, labels.bodies))
    doubt = tuple(x for x in b.notes if x in OUTLINE_DOUBTS and x not in a.notes)
    one = replace(a, notes=(*_without(a.notes, "volume_outlier"), *doubt))
    left = tuple(one if x is a else x for x in labels.levels if x is not b)
    return _changed(labels, whole, bodies, left, f"{by}: {other} merged into {kept}")


def split(
    labels: SpineLabels,
    level: str,
    point_lps_mm: Point,
    normal_lps: Point,
    new_level: str,
    *,
    by: str = "user",
) -> SpineLabels:
    """
    One instance cut in two by a plane; the part below it becomes ``new_level``.

    Parameters
    ----------
    point_lps_mm, normal_lps
        A point on the plane, and its normal towards the head.

    Raises
    ------
    InputError
        No such level, the new name is taken or does not fit below, or the plane misses the body.
    """
    old = _label(labels, level)
    if any(x.level == new_level for x in labels.levels):
        raise InputError(f"{new_level} is taken.", hint="Shift or rename first.")
    new = replace(
        old,
        code=verse_of_level(new_level),
        level=new_level,
        alternatives=(),
        confidence=1.0,
        notes=tuple(x for x in old.notes if x in OUTLINE_DOUBTS),
    )
    arrays = []
    for labelled in (labels.vertebrae, labels.bodies):
        array = labelled.array.copy()
        box = ndi.find_objects(array, max_label=old.code)[old.code - 1]
        if box is not None:
            voxels = np.argwhere(array[box] == old.code) + [s.start for s in box]
            side = (labelled.grid.world(voxels) - np.asarray(point_lps_mm)) @ np.asarray(normal_lps)
            array[tuple(voxels[side < 0].T)] = new.code
        arrays.append(array)
    if not ((arrays[1] == old.code).any() and (arrays[1] == new.code).any()):
        raise InputError(f"the plane does not cut the body of {level}.")
    k = labels.levels.index(old)
    upper = replace(old, notes=_without(old.notes, "volume_outlier"))
    levels = (*labels.levels[:k], upper, new, *labels.levels[k + 1 :])
    _check_order(levels)
    return _changed(labels, arrays[0], arrays[1], levels, f"{by}: {new_level} split from {level}")


def _label(labels: SpineLabels, level: str) -> LevelLabel:
    for label in labels.levels:
        if label.level == level:
            return label
    there = ", ".join(x.level for x in labels.levels)
    raise InputError(f"{level} is not among the labels ({there}).")


def _without(notes: tuple[str, ...], *codes: str) -> tuple[str, ...]:
    return tuple(x for x in notes if x not in codes)


def _check_order(levels: Sequence[LevelLabel]) -> None:
    names = [x.level for x in levels if not x.level.startswith("V")]
    for upper, lower in pairwise(names):
        if level_rank(upper) >= level_rank(lower):
            raise InputError(
                f"{lower} would lie below {upper}: {', '.join(names)}.",
                hint="Names run from the head down; name all that are concerned at once.",
            )


def _centre(labels: SpineLabels, code: int) -> npt.NDArray[np.float64]:
    box = ndi.find_objects(labels.bodies.array, max_label=code)[code - 1]
    if box is None:
        return np.full(3, np.nan)
    voxels = np.argwhere(labels.bodies.array[box] == code) + [s.start for s in box]
    return labels.bodies.grid.world(voxels.mean(axis=0))


def _named(labels: SpineLabels, names: Mapping[int, str], line: str) -> SpineLabels:
    """New names by old code. A person said so: the confidence of what was named is one."""
    levels = []
    most = max(int(labels.vertebrae.array.max(initial=0)), *(x.code for x in labels.levels), 0)
    table = np.arange(most + 1)
    for label in labels.levels:
        level = names.get(label.code)
        if level is None:
            levels.append(label)
            continue
        new = verse_of_level(level)
        table[label.code] = new
        levels.append(replace(label, code=new, level=level, confidence=1.0, alternatives=()))
    taken = [x.level for x in levels]
    if len(set(taken)) < len(taken):
        raise InputError(f"two vertebrae would share a name: {', '.join(taken)}.")
    _check_order(levels)
    kind = labels.vertebrae.array.dtype
    whole, bodies = (table.astype(kind)[m.array] for m in (labels.vertebrae, labels.bodies))
    anchored = labels.anchored_by if "user" in labels.anchored_by else (*labels.anchored_by, "user")
    notes = _without(_without(labels.notes, "unanchored"), "anchors_disagree")
    return replace(
        _changed(labels, whole, bodies, tuple(levels), line),
        close={int(table[code]): seen for code, seen in labels.close.items()},
        anchored_by=anchored,
        notes=notes,
    )


def _changed(
    labels: SpineLabels,
    whole: npt.NDArray[np.generic],
    bodies: npt.NDArray[np.generic],
    levels: tuple[LevelLabel, ...],
    line: str,
) -> SpineLabels:
    """A new version; its tissue map follows the masks, and only untouched bodies keep their close look."""
    known = labels.bodies.array
    names = {x.code: x.level for x in levels}
    return replace(
        labels,
        vertebrae=LabelMap(array=whole, affine=labels.vertebrae.affine, names=names),
        bodies=LabelMap(array=bodies, affine=labels.bodies.affine, names=names),
        tissue=_tissue(labels, whole, bodies),
        levels=levels,
        close={
            code: seen
            for code, seen in labels.close.items()
            if np.array_equal(bodies == code, known == code) and (bodies == code).any()
        },
        provenance=(*labels.provenance, line),
    )


def _tissue(
    labels: SpineLabels, whole: npt.NDArray[np.generic], bodies: npt.NDArray[np.generic]
) -> LabelMap | None:
    if labels.tissue is None:
        return None
    array = labels.tissue.array.copy()
    array[(whole == 0) & (labels.vertebrae.array > 0)] = Tissue.BACKGROUND
    array[whole != 0] = Tissue.POSTERIOR
    array[bodies != 0] = Tissue.BODY
    return replace(labels.tissue, array=array)
