"""Vertebral bodies of known shape, cut into voxels anyhow."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from osteon.imaging.measure.frame import body_box, frame_from
from osteon.imaging.measure.heights import body_shape
from osteon.imaging.measure.surface import endplates, refined
from osteon.imaging.volume import Grid, LabelMap

WIDTH, DEPTH, HEIGHT = 44.0, 32.0, 27.0


class Body:
    """
    A body 44 mm wide and 32 deep whose endplates are functions of (left, share of the depth 0 back - 1 front).

    ``turn`` rotates it in the patient, ``shift`` moves it; ``voxels(spacing)`` cuts it into labels (7).
    """

    def __init__(self, top, bottom, *, turn=(0.0, 0.0, 0.0), shift=(0.0, 0.0, 0.0), bulge=lambda up: 0.0):
        self.top, self.bottom, self.bulge = top, bottom, bulge
        self.turn = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
        self.shift = np.asarray(shift, dtype=float)

    def inside(self, points):
        x, back, up = np.moveaxis((points - self.shift) @ self.turn, -1, 0)
        share = 0.5 - back / DEPTH
        top, bottom = self.top(x, share), self.bottom(x, share)
        height = np.clip((up - bottom) / np.maximum(top - bottom, 1e-6), 0, 1)
        wall = DEPTH / 2 + self.bulge(height) * (np.abs(x) < 12)
        oval = np.abs(x / (WIDTH / 2)) ** 2.6 + np.abs(np.minimum(back, 0) / (DEPTH / 2)) ** 2.6 < 1
        return oval & (back < wall) & (up > bottom) & (up < top)

    def voxels(self, spacing):
        shape = tuple(int(np.ceil(76 / s)) for s in spacing)
        grid = Grid.regular(shape, spacing, (-38.0, -38.0, -38.0))
        points = grid.world(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1))
        return LabelMap(array=np.where(self.inside(points), 7, 0).astype(np.uint8), affine=grid.affine)

    def frame(self, labels, off=(0.0, 0.0, 0.0)):
        centre = labels.grid.world(np.argwhere(labels.array)).mean(0)
        return frame_from(centre, self.turn[:, 2] + off, self.turn[:, 1])

    def measured(self, spacing, *, image=None, off=(0.06, -0.08, 0.0)):
        labels = self.voxels(spacing)
        frame = refined(labels, 7, self.frame(labels, off))
        box = body_box(labels, 7, frame, image=image)
        plates = endplates(box)
        return box, plates, body_shape(box, plates)


def heights(shape):
    return np.array([shape.heights_mm.anterior, shape.heights_mm.middle, shape.heights_mm.posterior])


def level(*, anterior=0.0, middle=None, posterior=0.0):
    """Endplates of a body 27 mm high that lost shares of it: straight from back to front, and a hollow in the middle."""

    def top(x, share):
        line = posterior + (anterior - posterior) * share
        deeper = 0.0 if middle is None else middle - (anterior + posterior) / 2
        hollow = deeper * (1 - (2 * share - 1) ** 2)
        return HEIGHT / 2 - HEIGHT * (line + hollow)

    return top, lambda x, share: np.full_like(share, -HEIGHT / 2)


def wedge_heights(anterior):
    """Closed form: heights of a straight wedge along the mean normal of its endplates, the shorter one drawn on level."""
    corners = np.array(
        [[0, -HEIGHT / 2], [DEPTH, -HEIGHT / 2], [0, HEIGHT / 2], [DEPTH, HEIGHT * (0.5 - anterior)]]
    )
    lean = np.arctan(-HEIGHT * anterior / DEPTH) / 2
    turned = corners @ np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])
    grid = np.linspace(turned[:, 0].min(), turned[:, 0].max(), 2001)
    tall = np.interp(grid, *turned[2:].T) - np.interp(grid, *turned[:2].T)
    share = np.linspace(0, 1, 2001)
    return np.array([np.median(tall[np.abs(share - at) <= 0.07]) for at in (0.9, 0.5, 0.1)])


@pytest.fixture
def shapes():
    """The names above, for tests."""

    class Shapes:
        pass

    Shapes.Body, Shapes.level, Shapes.heights, Shapes.wedge_heights = Body, staticmethod(level), staticmethod(heights), staticmethod(wedge_heights)  # fmt: skip
    return Shapes
