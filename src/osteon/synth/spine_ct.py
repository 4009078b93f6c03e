"""A procedural CT of a spine with known truth: anatomy, labels and image from one seed. SIMULATED."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from osteon.core.errors import InputError
from osteon.domain.anatomy import level_rank
from osteon.imaging.volume import Grid, Volume
from osteon.synth.spine_anatomy import SpineAnatomy, draw_anatomy
from osteon.synth.spine_appearance import Appearance, draw_appearance, render_ct
from osteon.synth.spine_fracture import PlannedFracture
from osteon.synth.spine_ranges import TRAINING, UNSEEN, Ranges
from osteon.synth.spine_render import PhantomLabels, render_tissue

__all__ = [
    "FIELDS",
    "TRAINING",
    "UNSEEN",
    "PlannedFracture",
    "SpinePhantom",
    "field_grid",
    "patch",
    "phantom",
]

FIELDS = {
    "T9-S1": ("T9", "S1", 45.0, 100.0),
    "lumbar": ("L1", "S1", 45.0, 100.0),
    "thoracic": ("T1", "T12", 45.0, 100.0),
    "whole": ("C7", "S1", 150.0, 340.0),
    "abdomen": ("T11", "S1", 120.0, 340.0),
    "torso": ("T9", "S1", 130.0, 340.0),
}
"""Named fields of view: first and last level, millimetres in front of the spine's middle, and width."""
_BELOW_MM = {"torso": 120.0}  # how far beyond its last level a field reaches: down to the hips


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinePhantom:
    """
    A simulated scan with its truth.

    Attributes
    ----------
    volume : Volume, HU
    labels : PhantomLabels on the volume's grid
    anatomy : SpineAnatomy
    appearance : Appearance
    planted : tuple of str
        Codes of what was planted beside the fractures ("screws:L3", "lytic:T11", "variant:L6", "gas:L4").
    """

    volume: Volume
    labels: PhantomLabels
    anatomy: SpineAnatomy
    appearance: Appearance
    planted: tuple[str, ...]


def field_grid(anatomy: SpineAnatomy, *, spacing_mm: tuple[float, float, float], fov: str = "T9-S1") -> Grid:
    """
    The grid of a named field of view around a spine.

    Raises
    ------
    InputError
        The field has no such name.
    """
    if fov not in FIELDS:
        raise InputError(f"no field of view is called {fov!r}.", hint=f"One of {', '.join(FIELDS)}.")
    first, last, front, width = FIELDS[fov]
    low_rank, high_rank = level_rank(first), level_rank(last)
    inside = [v for v in anatomy.vertebrae if low_rank <= level_rank(v.level) <= high_rank]
    centres = np.array([v.frame.centre for v in inside])
    upper, lower = inside[0], inside[-1]
    z = (
        lower.frame.centre[2] - lower.shape.height * (1.6 if last == "S1" else 0.9) - _BELOW_MM.get(fov, 0.0),
        upper.frame.centre[2] + upper.shape.height * 0.9,
    )
    y = centres[:, 1].min() - front * anatomy.size, centres[:, 1].max() + 85 * anatomy.size
    x = centres[:, 0].mean() - width * anatomy.size * 0.8, centres[:, 0].mean() + width * anatomy.size * 0.8
    low = np.array([z[0], y[0], x[0]])
    shape = np.ceil((np.array([z[1], y[1], x[1]]) - low) / spacing_mm).astype(int)
    return Grid.regular(
        (int(shape[0]), int(shape[1]), int(shape[2])),
        spacing_mm,
        (float(low[2]), float(low[1]), float(low[0])),
    )


def phantom(
    seed: int,
    *,
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ranges: Ranges = TRAINING,
    fov: str = "T9-S1",
    fractures: Sequence[PlannedFracture] | None = None,
    fracture_rate: float = 0.15,
    slice_thickness_mm: float | None = None,
    variant: str | None = None,
    grid: Grid | None = None,
) -> SpinePhantom:
    """
    A simulated CT: the same seed and arguments give the same scan.

    Parameters
    ----------
    spacing_mm : (z, y, x)
    fov : a name in :data:`FIELDS`
    fractures : planted exactly, where given; else drawn with ``fracture_rate`` per vertebra
    slice_thickness_mm : float, optional
        How much of z a slice averages; the spacing in z where None.
    grid : Grid, optional
        In place of ``spacing_mm`` and ``fov``.

    Examples
    --------
    >>> one = phantom(7, spacing_mm=(3.0, 3.0, 3.0), fractures=[PlannedFracture(level="L1", kind="wedge", loss=0.3)])
    >>> round(one.anatomy.at("L1").losses[0], 2)
    0.3
    """
    rng = np.random.default_rng(seed)
    first, last = FIELDS.get(fov, ("T9", "S1"))[:2]
    anatomy = draw_anatomy(
        rng,
        ranges=ranges,
        first=first,
        last=last,
        fractures=fractures,
        fracture_rate=fracture_rate,
        variant=variant,
    )
    look = draw_appearance(rng, ranges=ranges)
    grid = grid or field_grid(anatomy, spacing_mm=spacing_mm, fov=fov)
    labels = render_tissue(anatomy, grid)
    volume = _thick(labels, anatomy, rng, look, slice_thickness_mm)
    return SpinePhantom(
        volume=volume, labels=labels, anatomy=anatomy, appearance=look, planted=_planted(anatomy)
    )


def _thick(
    labels: PhantomLabels,
    anatomy: SpineAnatomy,
    rng: np.random.Generator,
    look: Appearance,
    thickness_mm: float | None,
) -> Volume:
    """Render directly, or where slices are thick as the mean of thinner ones."""
    grid = labels.tissue.grid
    thick = thickness_mm or grid.spacing_mm[0]
    if thick <= 1.25 and thick <= 1.5 * grid.spacing_mm[0]:
        return render_ct(labels, anatomy, rng, appearance=look)
    each = int(np.ceil(grid.spacing_mm[0] / 1.0))
    sub = Grid(shape=(grid.shape[0] * each, *grid.shape[1:]), affine=_divided(grid.affine, each))
    # averaging lowers the noise: put in what makes it come out as drawn
    wide = max(1, round(thick / (grid.spacing_mm[0] / each)))
    louder = replace(look, noise_hu=look.noise_hu * float(np.sqrt(wide)) * 0.7)
    fine = render_ct(render_tissue(anatomy, sub), anatomy, rng, appearance=louder)
    kernel = np.full(wide, 1 / wide, np.float32)
    middle = (np.arange(grid.shape[0]) + 0.5) * each - 0.5
    total = np.zeros(grid.shape, np.float32)
    for k, weight in enumerate(kernel):
        index = np.clip(np.round(middle + k - (wide - 1) / 2 + 1e-6).astype(int), 0, sub.shape[0] - 1)
        total += weight * fine.array[index]
    meta = {**fine.meta, "slice_thickness_mm": float(thick)}
    return Volume(array=total, affine=grid.affine, meta=meta)


def _divided(affine: npt.NDArray[np.float64], parts: int) -> npt.NDArray[np.float64]:
    out = affine.copy()
    out[:3, 0] /= parts
    out[:3, 3] -= out[:3, 0] * (parts - 1) / 2
    return out


def _planted(anatomy: SpineAnatomy) -> tuple[str, ...]:
    codes = [f"variant:{anatomy.variant}"] if anatomy.variant else []
    for v in anatomy.vertebrae:
        codes += [f"{kind}:{v.level}" for kind in dict.fromkeys(f.kind for f in v.foci)]
        codes += [f"screws:{v.level}"] if v.screws else []
        codes += [f"node:{v.level}"] if v.shape.nodes else []
    codes += [f"gas:{d.below}" for d in anatomy.discs if d.gas]
    if anatomy.hip_prosthesis:
        codes.append("hip_prosthesis")
    return tuple(codes)


def patch(
    anatomy: SpineAnatomy,
    rng: np.random.Generator,
    *,
    centre_lps_mm: tuple[float, float, float],
    shape: tuple[int, int, int] = (64, 64, 64),
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    appearance: Appearance | None = None,
) -> tuple[Volume, PhantomLabels]:
    """A small part of a phantom, labels and image, at the cost of that part alone."""
    half = [(n - 1) / 2 * s for n, s in zip(shape, spacing_mm, strict=True)]
    low = (centre_lps_mm[0] - half[2], centre_lps_mm[1] - half[1], centre_lps_mm[2] - half[0])
    labels = render_tissue(anatomy, Grid.regular(shape, spacing_mm, low))
    return render_ct(labels, anatomy, rng, appearance=appearance), labels
