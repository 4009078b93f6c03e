"""Sizes of unfractured vertebrae by level: bodies, canal, pedicles, processes, discs and ribs of an average adult."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteon.core.errors import InputError

__all__ = ["LevelNorm", "level_norm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelNorm:
    """
    Average sizes of one level, millimetres and degrees.

    Attributes
    ----------
    height : posterior height of the body; ``anterior_ratio`` and ``middle_ratio`` are of it
    width, depth : of the upper endplate
    canal_width, canal_depth : of the bony canal
    pedicle_width, pedicle_height : at the isthmus
    transverse, spinous : length beyond the pedicle and behind the lamina; ``slope_deg`` is how far the latter droops
    disc : height of the disc below
    tilt_deg : forward lean of the body's axis for a lordosis and kyphosis of average size
    """

    height: float
    anterior_ratio: float
    middle_ratio: float
    width: float
    depth: float
    canal_width: float
    canal_depth: float
    pedicle_width: float
    pedicle_height: float
    transverse: float
    spinous: float
    slope_deg: float
    disc: float
    tilt_deg: float


_COLUMNS = tuple(LevelNorm.__dataclass_fields__)
# Body, canal and pedicle: Panjabi 1991, 1992 (means of twelve spines), heights enlarged by an eighth for a mixed adult
# population on CT. Ratios: about .93-.97 at T11-L1, 1 at L2-L3, above 1 at L5. The rest is typical anatomy.
_TABLE = {
    #       Hp   Ha/Hp Hm/Hp  wid   dep   cw    cd    pw    ph   tp   sp  slope disc tilt
    "C5": (13.0, 0.98, 0.94, 19.0, 16.0, 24.0, 14.5, 5.5, 7.0, 14.0, 15.0, 20.0, 5.5, 4.0),
    "C6": (13.2, 0.98, 0.94, 21.0, 16.5, 24.5, 14.7, 6.0, 7.5, 14.0, 19.0, 25.0, 5.5, 10.0),
    "C7": (14.5, 0.98, 0.95, 23.0, 17.0, 24.0, 15.0, 6.6, 8.0, 16.0, 26.0, 30.0, 5.0, 17.0),
    "T1": (16.0, 0.97, 0.96, 26.0, 18.5, 21.8, 16.4, 8.2, 9.6, 20.0, 28.0, 32.0, 4.5, 24.0),
    "T2": (17.4, 0.97, 0.96, 26.0, 19.6, 19.5, 15.9, 7.6, 11.0, 18.0, 29.0, 40.0, 4.0, 24.0),
    "T3": (17.8, 0.97, 0.96, 25.5, 22.0, 18.0, 15.8, 6.4, 11.6, 17.0, 30.0, 45.0, 3.8, 21.0),
    "T4": (18.2, 0.96, 0.95, 25.5, 23.3, 17.0, 16.2, 5.2, 11.4, 17.0, 32.0, 50.0, 3.8, 17.0),
    "T5": (18.6, 0.96, 0.95, 26.0, 24.3, 17.0, 16.2, 5.0, 11.6, 17.0, 34.0, 56.0, 4.0, 13.0),
    "T6": (19.4, 0.96, 0.95, 27.0, 26.0, 17.3, 16.1, 5.3, 12.0, 17.0, 35.0, 60.0, 4.3, 8.0),
    "T7": (20.2, 0.95, 0.95, 28.5, 27.4, 17.3, 15.7, 5.6, 12.2, 17.0, 36.0, 60.0, 4.6, 4.0),
    "T8": (20.8, 0.95, 0.95, 30.0, 27.9, 17.7, 15.9, 6.0, 12.6, 17.0, 35.0, 56.0, 4.8, 0.0),
    "T9": (21.6, 0.96, 0.95, 31.0, 29.3, 17.9, 15.7, 6.4, 13.8, 16.0, 33.0, 48.0, 5.0, -4.0),
    "T10": (22.6, 0.96, 0.95, 32.5, 30.5, 18.2, 15.5, 7.2, 14.7, 14.0, 30.0, 38.0, 5.4, -7.0),
    "T11": (23.9, 0.94, 0.94, 35.0, 31.5, 19.4, 16.2, 8.6, 16.5, 10.0, 27.0, 28.0, 6.0, -9.0),
    "T12": (25.4, 0.94, 0.94, 38.5, 32.5, 22.0, 17.8, 8.8, 16.5, 9.0, 26.0, 20.0, 6.8, -11.0),
    "L1": (26.7, 0.96, 0.94, 41.0, 33.5, 23.5, 18.4, 8.7, 16.0, 22.0, 28.0, 15.0, 8.0, -12.0),
    "L2": (27.4, 0.99, 0.94, 43.0, 34.3, 23.8, 18.0, 8.8, 15.2, 27.0, 29.0, 13.0, 9.2, -9.0),
    "L3": (27.5, 1.01, 0.94, 45.0, 35.0, 24.3, 17.5, 10.2, 14.6, 31.0, 30.0, 12.0, 10.2, -2.0),
    "L4": (26.9, 1.05, 0.96, 47.5, 35.4, 25.4, 18.2, 13.0, 15.0, 26.0, 28.0, 12.0, 10.8, 9.0),
    "L5": (24.6, 1.16, 1.03, 49.5, 34.9, 27.0, 18.8, 16.0, 15.5, 24.0, 21.0, 14.0, 10.0, 24.0),
    "S1": (27.0, 1.12, 1.02, 50.0, 33.0, 28.0, 17.0, 16.0, 14.0, 24.0, 12.0, 20.0, 10.0, 41.0),
}


def level_norm(level: str) -> LevelNorm:
    """
    Average sizes of ``level``; T13 lies between T12 and L1, L6 is like L5.

    Raises
    ------
    InputError
        The level lies above C5.

    Examples
    --------
    >>> level_norm("L5").anterior_ratio
    1.16
    >>> level_norm("T12").width < level_norm("T13").width < level_norm("L1").width
    True
    """
    if level == "T13":
        values = tuple(np.mean([_TABLE["T12"], _TABLE["L1"]], axis=0).tolist())
    elif level == "L6":
        values = _TABLE["L5"]
    elif level in _TABLE:
        values = _TABLE[level]
    else:
        raise InputError(f"no average sizes of {level}.", hint="The phantom begins at C5.")
    return LevelNorm(**dict(zip(_COLUMNS, values, strict=True)))
