"""Corrections of a labelled spine: each answers a new version with one more line of provenance; the old one stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from osteon.core.errors import InputError, ShapeError
from osteon.domain.anatomy import LEVELS, level_rank, verse_of_level
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.volume import LabelMap

__all__ = ["deleted", "merged", "pinned", "redrawn", "renamed", "shifted", "split"]

Point = tuple[float, float, float]
Mask = npt.NDArray[np.bool_]
_USUAL = tuple(level for level in LEVELS if level not in {"T13", "L6", "S1"})
"""The names a shift walks along; T13 and L6 are given by name only."""


def shifted(labels: SpineLabels, by: int, *, who: str = "user") -> SpineLabels:
    """
    All names moved by ``by`` levels, positive towards the feet ("T12" becomes "L1" for 1).

    Raises
    ------
    InputError
        The spine is unanchored, holds T13 or L6, or a name would leave C1-L5.
    """
    names: dict[int, str] = {}
    for level in labels.levels:
        if level.level not in _USUAL:
            raise InputError(
                f"{level.level} cannot be shifted.", hint="Pin one vertebra, or rename T13 and L6 one by one."
            )
        place = _USUAL.index(level.level) + by
        if not 0 <= place < len(_USUAL):
            raise InputError(f"{level.level} shifted by {by} leaves C1-L5.", hint="Shift by less.")
        names[level.code] = _USUAL[place]
    return _named(labels, names, f"{who}: shifted by {by:+d}")


def pinned(labels: SpineLabels, point_lps_mm: Point, level: str, *, who: str = "user") -> SpineLabels:
    """
    The vertebra at a point gets ``level``; all others are counted from it along C1-L5.

    Raises
    ------
    InputError
        No vertebra lies at the point, or the count leaves C1-L5.
    """
    level_rank(level)
    code = _code_at(labels, point_lps_mm)
    order = [one.code for one in labels.levels]
    here = order.index(code)
    run = _run_through(level)
    names = {}
    for k, one in enumerate(order):
        place = run.index(level) + k - here
        if not 0 <= place < len(run):
            raise InputError(
                f"with {level} there, a vertebra would lie beyond C1-{run[-1]}.", hint="Pin another level."
            )
        names[one] = run[place]
    return _named(labels, names, f"{who}: pinned {level} at {', '.join(f'{v:.1f}' for v in point_lps_mm)}")


def renamed(labels: SpineLabels, names: Mapping[str, str], *, who: str = "user") -> SpineLabels:
    """
    Single names changed, e.g. {"L1": "T13"}; the others stay.

    Raises
    ------
    InputError
        A name that is not there, no level, or a level twice.
    """
    codes = {one.level: one.code for one in labels.levels}
    changed = {}
    for old, new in names.items():
        if old not in codes:
            raise InputError(f"no {old} here.", hint=f"There are {', '.join(codes)}.")
        level_rank(new)
        changed[codes[old]] = new
    said = ", ".join(f"{old} is {new}" for old, new in names.items())
    kept = {one.code: one.level for one in labels.levels}
    return _named(labels, {**kept, **changed}, f"{who}: {said}")


def redrawn(labels: SpineLabels, level: str, *, vertebra: Mask, body: Mask, who: str = "user") -> SpineLabels:
    """
    The masks of one vertebra replaced; voxels it gains are taken from its neighbours.

    Parameters
    ----------
    vertebra, body : ndarray of bool (z, y, x)
        On the grid of the labels; the body lies within the vertebra.

    Raises
    ------
    ShapeError
        A mask of another shape.
    InputError
        An empty body, or one that is not part of its vertebra.
    """
    one = _at(labels, level)
    for name, mask in (("vertebra", vertebra), ("body", body)):
        if mask.shape != labels.bodies.array.shape:
            raise ShapeError(f"a {name} mask of shape {mask.shape}, expected {labels.bodies.array.shape}.")
    if not body.any() or bool((body & ~vertebra).any()):
        raise InputError(
            f"{level}: the body is empty or reaches beyond its vertebra.", hint="Draw it inside."
        )
    whole = _replaced(labels.vertebrae, one.code, vertebra)
    bodies = _replaced(labels.bodies, one.code, body)
    bodies.array[vertebra & ~body & (bodies.array > 0)] = 0
    return _with_maps(labels, whole, bodies, f"{who}: redrew {level}")


def deleted(labels: SpineLabels, level: str, *, who: str = "user") -> SpineLabels:
    """One vertebra taken out; its neighbours keep their names."""
    one = _at(labels, level)
    nothing = np.zeros(labels.bodies.array.shape, bool)
    cut = _with_maps(
        labels,
        _replaced(labels.vertebrae, one.code, nothing),
        _replaced(labels.bodies, one.code, nothing),
        f"{who}: deleted {level}",
    )
    return replace(cut, levels=tuple(x for x in cut.levels if x.code != one.code))


def merged(labels: SpineLabels, level: str, into: str, *, who: str = "user") -> SpineLabels:
    """Two pieces that are one vertebra: ``level`` becomes part of ``into``."""
    one, other = _at(labels, level), _at(labels, into)
    whole, bodies = labels.vertebrae.array.copy(), labels.bodies.array.copy()
    for array in (whole, bodies):
        array[array == one.code] = other.code
    together = _with_maps(
        labels,
        replace(labels.vertebrae, array=whole),
        replace(labels.bodies, array=bodies),
        f"{who}: merged {level} into {into}",
    )
    return replace(together, levels=tuple(x for x in together.levels if x.code != one.code))


def split(
    labels: SpineLabels, level: str, *, at_lps_mm: Point, normal_lps: Point, lower: str, who: str = "user"
) -> SpineLabels:
    """
    One label that holds two vertebrae, cut by a plane; the part the normal points away from is called ``lower``.

    Raises
    ------
    InputError
        The plane leaves a side empty, or ``lower`` is there already.
    """
    one = _at(labels, level)
    if any(x.level == lower for x in labels.levels):
        raise InputError(f"{lower} is there already.", hint="Shift or rename first.")
    code = verse_of_level(lower)
    maps = []
    for source in (labels.vertebrae, labels.bodies):
        array = source.array.copy()
        where = np.argwhere(array == one.code)
        below = (source.grid.world(where) - np.asarray(at_lps_mm)) @ np.asarray(normal_lps) < 0
        if not below.any() or below.all():
            raise InputError(f"the plane does not cut {level}.", hint="Place it inside the vertebra.")
        array[tuple(where[below].T)] = code
        maps.append(replace(source, array=array))
    cut = _with_maps(labels, maps[0], maps[1], f"{who}: split {lower} off {level}")
    levels = list(cut.levels)
    levels.insert(
        levels.index(one) + 1, replace(one, code=code, level=lower, confidence=1.0, alternatives=())
    )
    return replace(cut, levels=tuple(levels))


def _run_through(level: str) -> tuple[str, ...]:
    """The usual names, with T13 or L6 in its place where that is the level asked for."""
    return tuple(x for x in LEVELS if x in _USUAL or x == level)


def _at(labels: SpineLabels, level: str) -> LevelLabel:
    for one in labels.levels:
        if one.level == level:
            return one
    raise InputError(f"no {level} here.", hint=f"There are {', '.join(x.level for x in labels.levels)}.")


def _code_at(labels: SpineLabels, point: Point) -> int:
    index = np.rint(labels.vertebrae.grid.index(point)).astype(int)
    if (index < 0).any() or (index >= labels.vertebrae.array.shape).any():
        raise InputError(f"the point {point} lies outside the scan.", hint="Give LPS millimetres.")
    code = int(labels.vertebrae.array[tuple(index)])
    if code not in {one.code for one in labels.levels}:
        raise InputError(f"no vertebra at {point}.", hint="Give a point inside one, LPS millimetres.")
    return code


def _replaced(source: LabelMap, code: int, mask: Mask) -> LabelMap:
    array = source.array.copy()
    array[array == code] = 0
    array[mask] = code
    return replace(source, array=array)


def _with_maps(labels: SpineLabels, whole: LabelMap, bodies: LabelMap, line: str) -> SpineLabels:
    return replace(labels, vertebrae=whole, bodies=bodies, provenance=(*labels.provenance, line))


def _named(labels: SpineLabels, names: Mapping[int, str], line: str) -> SpineLabels:
    """The same voxels under new names: codes follow the names, confidence is the user's."""
    if len(set(names.values())) < len(names):
        raise InputError("a level would be there twice.", hint="Rename the other one too.")
    table: npt.NDArray[Any] = np.arange(256, dtype=np.uint8)
    for code, level in names.items():
        table[code] = verse_of_level(level)
    levels = tuple(
        replace(
            one, code=verse_of_level(names[one.code]), level=names[one.code], confidence=1.0, alternatives=()
        )
        for one in labels.levels
    )
    return replace(
        labels,
        vertebrae=replace(labels.vertebrae, array=table[labels.vertebrae.array]),
        bodies=replace(labels.bodies, array=table[labels.bodies.array]),
        levels=tuple(sorted(levels, key=lambda one: level_rank(one.level))),
        anchored_by=tuple(dict.fromkeys((*labels.anchored_by, "user"))),
        provenance=(*labels.provenance, line),
    )
