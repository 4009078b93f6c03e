"""A closer look at each vertebra, and what it says about the coarse one: whether it is there, and whether it was cut in two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from osteon.core.errors import ShapeError
from osteon.domain.anatomy import Tissue
from osteon.imaging.segment.discs import DiscPlane
from osteon.imaging.segment.instances import Instances
from osteon.imaging.segment.paste import CloseView, View
from osteon.imaging.volume import Grid, LabelMap

__all__ = ["Look", "Refine", "cut_twice", "looked"]

Map = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
SHARED = 0.5  # two bodies apart share nothing; where half of one is the other's, they are one
SAME_MM = 0.1

Refine = Callable[[Array, LabelMap], Sequence[CloseView]]
"""
Takes the centres of the bodies (n, 3), LPS millimetres from the head down, and the coarse bodies (label k + 1 is centre
k); answers one :class:`CloseView` per centre.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """
    One vertebra as it is drawn.

    Attributes
    ----------
    view : CloseView
        The close view where it holds most of the coarse body, else the coarse one.
    confirmed : bool
        It is the close one.
    centre_lps_mm : ndarray (3,)
        Of the coarse body, where the close look was aimed.
    """

    view: CloseView
    confirmed: bool
    centre_lps_mm: Array


def looked(
    found: Instances,
    maps: Mapping[Tissue, Map],
    grid: Grid,
    refine: Refine | None,
    *,
    before: Sequence[Look] = (),
) -> tuple[Look, ...]:
    """
    One look per vertebra; those of ``before`` aimed at the same place are not taken again.

    Raises
    ------
    ShapeError
        ``refine`` did not answer one view per centre.
    """
    coarse = _coarse_views(found, maps, grid)
    centres = found.centres_lps_mm
    if refine is None:
        return tuple(
            Look(view=view, confirmed=False, centre_lps_mm=centre)
            for view, centre in zip(coarse, centres, strict=True)
        )
    known = {k: look for k, centre in enumerate(centres) for look in before if _same(look, centre)}
    asked = [k for k in range(len(centres)) if k not in known]
    names = np.zeros(len(centres) + 1, np.uint8)
    names[[k + 1 for k in asked]] = np.arange(1, len(asked) + 1)
    bodies = LabelMap(array=names[found.bodies.array], affine=grid.affine)
    close = refine(centres[asked], bodies) if asked else ()
    if len(close) != len(asked):
        raise ShapeError(f"the closer look gave {len(close)} views of {len(asked)} vertebrae.")
    for k, near in zip(asked, close, strict=True):
        places = near.grid.index(grid.world(np.argwhere(found.bodies.array == k + 1)))
        inside = ndi.map_coordinates(near.body, places.T, order=1, mode="constant")
        sure = float(np.mean(inside > 0.5)) > 0.5
        known[k] = Look(view=near if sure else coarse[k], confirmed=sure, centre_lps_mm=centres[k])
    return tuple(known[k] for k in range(len(centres)))


def _same(look: Look, centre: Array) -> bool:
    return look.confirmed and float(np.linalg.norm(look.centre_lps_mm - centre)) < SAME_MM


def cut_twice(found: Instances, looks: Sequence[Look]) -> tuple[DiscPlane, ...]:
    """
    The disc planes that go through a body: looked at closely, the pieces on both sides turn out to be the same one.

    A close look that was drawn to a neighbour's body is not taken for it: there the look did not confirm its own piece.
    """
    false = []
    pairs = pairwise(zip(found.vertebrae, looks, strict=True))
    for (upper, one), (lower, two) in pairs:
        between = lower.above
        if between is None or between is not upper.below or not (one.confirmed and two.confirmed):
            continue
        if max(_shared(one.view, two.view), _shared(two.view, one.view)) > SHARED:
            false.append(between)
    return tuple(false)


def _shared(one: CloseView, two: CloseView) -> float:
    """Share of the body of ``one`` that ``two`` calls its own."""
    mine = np.argwhere(one.body > 0.5)
    if not len(mine):
        return 0.0
    places = two.grid.index(one.grid.world(mine))
    return float(np.mean(ndi.map_coordinates(two.body, places.T, order=1, mode="constant") > 0.5))


def _coarse_views(found: Instances, maps: Mapping[Tissue, Map], grid: Grid) -> tuple[View, ...]:
    """The coarse probabilities around each vertebra, those of its neighbours set to nothing."""
    bodies, whole = found.bodies.array, found.whole.array
    both = np.minimum(maps[Tissue.BODY] + maps[Tissue.POSTERIOR], 1.0)
    views = []
    for k, box in enumerate(ndi.find_objects(whole, max_label=len(found.vertebrae)), start=1):
        z, y, x = (
            slice(max(0, s.start - 2), min(n, s.stop + 2)) for s, n in zip(box, whole.shape, strict=True)
        )
        around = (z, y, x)
        fields = []
        for labels, probability in (
            (bodies[around], maps[Tissue.BODY][around]),
            (whole[around], both[around]),
        ):
            near = ndi.binary_dilation(labels == k, np.ones((3, 3, 3), bool))
            free = near & ((labels == k) | (labels == 0))
            fields.append(np.where(free, probability, 0.0).astype(np.float32))
        affine = grid.affine.copy()
        affine[:3, 3] = grid.world([s.start for s in around])
        views.append(
            View(
                body=fields[0], vertebra=np.maximum(*fields), grid=Grid(shape=fields[0].shape, affine=affine)
            )
        )
    return tuple(views)
