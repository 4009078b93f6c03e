"""Whether the values of a volume can be Hounsfield units."""

from __future__ import annotations

from osteon.imaging.volume import Volume

__all__ = ["in_hounsfield"]

_DOUBTS = ("rescale_missing", "not_hounsfield")


def in_hounsfield(volume: Volume) -> bool:
    """
    Whether nothing speaks against Hounsfield units: a note of the reader, or no value below that of water.

    Fat and air lie below it in every scan of a body; grey levels of a window and values moved up by 1024 do not.
    """
    return not set(_DOUBTS) & set(volume.notes) and float(volume.array.min()) < 0.0
