"""Whether words may be burned into the pixels: what the header says, and strokes that look like writing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["looks_written"]

_CONTRAST = 0.35  # of the frame's range
_STROKE_PX = 5  # widest stroke
_WINDOW_PX = 96  # a word or two
_STROKES = 6  # in a row of a window
_ROWS = 5  # of a line of writing that have them
_BORDER = 0.25  # of the height and width


def looks_written(frame: npt.NDArray[Any]) -> bool:
    """
    Whether the border of a frame holds something like a line of writing.

    Writing is many thin, strongly contrasted strokes side by side over several rows in succession. Anatomy, noise and
    table edges rarely are; it is a suspicion for a person to check, and its absence proves nothing.

    Parameters
    ----------
    frame : ndarray (rows, columns) or (rows, columns, colours)

    Examples
    --------
    >>> comb = np.zeros((128, 128))
    >>> looks_written(comb)
    False
    >>> comb[4:14, 8:56:5] = 1
    >>> looks_written(comb)
    True
    """
    grey = np.asarray(frame, dtype=np.float32)
    if grey.ndim == 3:
        grey = grey.max(axis=2)
    if grey.ndim != 2 or min(grey.shape) < 16:
        return False
    span = float(grey.max() - grey.min())
    if not span > 0:
        return False
    strokes = _strokes(grey, _CONTRAST * span) | _strokes(-grey, _CONTRAST * span)
    rows, columns = grey.shape
    near = np.zeros(grey.shape, dtype=bool)
    top, left = max(8, int(_BORDER * rows)), max(8, int(_BORDER * columns))
    near[:top], near[-top:], near[:, :left], near[:, -left:] = True, True, True, True
    return _lines(strokes & near)


def _strokes(grey: npt.NDArray[np.float32], contrast: float) -> npt.NDArray[np.bool_]:
    """First pixels of runs at most ``_STROKE_PX`` wide that stand out from both sides."""
    step = np.diff(grey, axis=1)
    up = np.zeros(grey.shape, dtype=bool)
    up[:, 1:] = step > contrast
    down = np.zeros_like(up)
    down[:, 1:] = step < -contrast
    ends = np.zeros_like(up)
    for width in range(1, _STROKE_PX + 1):
        ends[:, :-width] |= down[:, width:]
    return up & ends


def _lines(strokes: npt.NDArray[np.bool_]) -> bool:
    counted = np.cumsum(np.pad(strokes, ((0, 0), (1, 0))), axis=1)
    window = min(_WINDOW_PX, strokes.shape[1])
    full = counted[:, window:] - counted[:, :-window] >= _STROKES
    run = np.cumsum(np.pad(full, ((1, 0), (0, 0))), axis=0)
    return bool((run[_ROWS:] - run[:-_ROWS] == _ROWS).any())
