"""Whether the values of a volume can be Hounsfield units."""

from __future__ import annotations

import numpy as np

from osteon.imaging.volume import Volume

__all__ = ["in_hounsfield"]

_DOUBTS = ("rescale_missing", "not_hounsfield")
_FAT_HU = -50.0
_SHARE = 0.005  # of the voxels; noise about a zero that is air's puts fewer below fat's limit


def in_hounsfield(volume: Volume) -> bool:
    """
    Whether nothing speaks against Hounsfield units: no note of the reader, and some fat or air among the values.

    Both are in every scan of a body, and neither in the grey levels of a window or in values moved up by 1024.
    """
    if set(_DOUBTS) & set(volume.notes):
        return False
    return float(np.quantile(volume.array[::2, ::4, ::4], _SHARE)) < _FAT_HU
