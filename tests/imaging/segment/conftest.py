"""Phantoms as tissue probabilities, and what a network makes of them."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage as ndi

from osteon.domain.anatomy import Tissue
from osteon.imaging.volume import Grid
from osteon.synth.spine_anatomy import draw_anatomy
from osteon.synth.spine_render import render_tissue


def field_of(anatomy, first, last, *, below_mm=25.0, above_mm=25.0, half_mm=80.0):
    """An even-sized 1.5 mm grid around the levels from ``first`` to ``last``."""
    low = anatomy.at(last).frame.centre[2] - below_mm
    high = anatomy.at(first).frame.centre[2] + above_mm
    middles = np.array([v.frame.centre for v in anatomy.vertebrae if low < v.frame.centre[2] < high])
    near, far = middles.min(axis=0), middles.max(axis=0)
    spans = (high - low, far[1] - near[1] + 130.0, far[0] - near[0] + 2 * half_mm)
    shape = tuple(2 * int(np.ceil(x / 3.0)) for x in spans)
    return Grid.regular(shape, (1.5, 1.5, 1.5), (near[0] - half_mm, near[1] - 55.0, low))


def maps_of(tissue):
    """Tissue shares per 3 mm voxel."""
    n = [x // 2 for x in tissue.shape]
    return {
        t: (tissue == t).reshape(n[0], 2, n[1], 2, n[2], 2).mean(axis=(1, 3, 5)).astype(np.float32)
        for t in Tissue
    }


def as_seen_by_a_network(maps, rng, *, noise=0.8, blur=0.7):
    """Blurred, with correlated noise on the logits."""
    logits = np.stack([
        np.log(ndi.gaussian_filter(maps[t], blur) + 0.02)
        + 2.8 * noise * ndi.gaussian_filter(rng.normal(size=maps[t].shape), 1.5)
        for t in Tissue
    ])  # fmt: skip
    p = np.exp(logits - logits.max(axis=0))
    return {t: x.astype(np.float32) for t, x in zip(Tissue, p / p.sum(axis=0), strict=True)}


@pytest.fixture(scope="session")
def phantom():
    """phantom(seed, first, last, variant="") -> anatomy, grid, labels, maps and the maps' grid; drawn once each."""
    drawn = {}

    def one(seed, first="T10", last="S1", variant="", **around):
        key = (seed, first, last, variant, *sorted(around.items()))
        if key not in drawn:
            rng = np.random.default_rng(seed)
            anatomy = draw_anatomy(rng, first=first, last=last, variant=variant, implant_rate=0.0)
            grid = field_of(anatomy, first, last, **around)
            labels = render_tissue(anatomy, grid)
            coarse = Grid.regular(
                tuple(n // 2 for n in grid.shape), (3.0,) * 3, tuple(grid.world([0.5, 0.5, 0.5]))
            )
            drawn[key] = SimpleNamespace(
                anatomy=anatomy, grid=grid, labels=labels, coarse=coarse, tissue=labels.tissue.array, rng=rng
            )
        got = drawn[key]
        return SimpleNamespace(**vars(got), maps=maps_of(got.tissue))

    return one


def dices(truth, found, names):
    """Dice of the body of each true level with the label of that name."""
    from osteon.domain.anatomy import verse_of_level

    out = {}
    for level in names:
        a, b = truth == verse_of_level(level), found == verse_of_level(level)
        out[level] = 2 * (a & b).sum() / (a.sum() + b.sum())
    return out
