"""Names of the spine: vertebral levels, their codes in label maps, and the tissues a label map may hold."""

from __future__ import annotations

from enum import IntEnum

from osteon.core.errors import InputError

__all__ = ["LEVELS", "VERSE_CODE", "Tissue", "level_of_verse", "level_rank", "may_follow", "verse_of_level"]

LEVELS = (
    *(f"C{n}" for n in range(1, 8)),
    *(f"T{n}" for n in range(1, 14)),
    *(f"L{n}" for n in range(1, 7)),
    "S1",
)
"""Every level from the head down; T13 and L6 exist in a few percent of people."""

VERSE_CODE = {
    **{f"C{n}": n for n in range(1, 8)},
    **{f"T{n}": n + 7 for n in range(1, 13)},
    **{f"L{n}": n + 19 for n in range(1, 7)},
    "S1": 26,
    "T13": 28,
}
"""Codes of the VerSe challenge: C1-7 = 1-7, T1-12 = 8-19, L1-6 = 20-25, T13 = 28; the sacrum is 26."""

_LEVEL = {code: level for level, code in VERSE_CODE.items()}


class Tissue(IntEnum):
    """What one voxel of a tissue map is."""

    BACKGROUND = 0
    BODY = 1
    POSTERIOR = 2
    DISC = 3
    CANAL = 4
    SACRUM = 5
    RIB = 6
    OTHER_BONE = 7


_OPTIONAL = {("T12", "L1"), ("T11", "L1"), ("L5", "S1"), ("L4", "S1")}


def may_follow(upper: str, lower: str) -> bool:
    """
    Whether ``lower`` can lie right below ``upper``: in a row, or past a vertebra that people may lack (T12, T13, L5, L6).

    Unanchored levels are counted from below: V2 follows V3; beside a named one they tell nothing.

    Raises
    ------
    InputError
        A name is no level.

    Examples
    --------
    >>> may_follow("T12", "L1"), may_follow("T11", "L1"), may_follow("L5", "S1"), may_follow("T10", "T12"), may_follow("V3", "V2")
    (True, True, True, False, True)
    """
    if "V" in (upper[0], lower[0]):
        return upper[0] == lower[0] and int(upper[1:]) - int(lower[1:]) == 1
    return level_rank(lower) - level_rank(upper) == 1 or (upper, lower) in _OPTIONAL


def level_rank(level: str) -> int:
    """
    Place of ``level`` in :data:`LEVELS`, counted from C1 = 0 downwards.

    Raises
    ------
    InputError
        The name is no vertebral level.

    Examples
    --------
    >>> level_rank("L1") - level_rank("T12"), level_rank("T12") < level_rank("T13") < level_rank("L1")
    (2, True)
    """
    if level not in VERSE_CODE:
        raise InputError(f"{level!r} is no vertebral level.", hint="Write C1-C7, T1-T13, L1-L6 or S1.")
    return LEVELS.index(level)


def verse_of_level(level: str) -> int:
    """
    The VerSe code of a level.

    Examples
    --------
    >>> verse_of_level("T12"), verse_of_level("L5"), verse_of_level("T13")
    (19, 24, 28)
    """
    level_rank(level)
    return VERSE_CODE[level]


def level_of_verse(code: int) -> str:
    """
    The level of a VerSe code.

    Raises
    ------
    InputError
        The code stands for no vertebra (27 is the coccyx).

    Examples
    --------
    >>> level_of_verse(20)
    'L1'
    """
    if int(code) not in _LEVEL:
        raise InputError(f"{code} is no VerSe code of a vertebra.", hint="Expected 1-26 or 28.")
    return _LEVEL[int(code)]
