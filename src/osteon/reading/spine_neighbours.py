"""What a sign is expected to be, from the unfractured neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from osteon.reading.spine_rules import level_place, rules

__all__ = ["Expected", "expected"]


@dataclass(frozen=True, slots=True)
class Expected:
    """Expected value of a sign, its scatter, and how many neighbours it rests on."""

    value: float
    sd: float
    n: int


def expected(
    values: Mapping[str, float | None],
    level: str,
    good: frozenset[str],
    *,
    default: float | None,
    sd_floor: float,
) -> Expected:
    """
    Median of the nearest unfractured neighbours; ``default`` counts as half a neighbour beside them.

    Parameters
    ----------
    values : mapping of level to the sign
    level : str
        Whose expectation is asked; its own value is left out.
    good : frozenset of str
        Levels that may speak.
    default : float or None
        What to expect where nobody speaks; None for quantities that have no usual value (areas, amounts): their
        expectation is the neighbours' alone, and not a number where nobody speaks.
    sd_floor : float
        The least scatter.

    Examples
    --------
    >>> found = expected({"L1": 9.0, "L2": 2.0, "L3": 2.0}, "L1", frozenset({"L2", "L3"}), default=1.0, sd_floor=0.5)
    >>> round(found.value, 1), found.n
    (1.8, 2)
    >>> expected({"L1": 9.0, "L2": 2.0, "L3": 2.0}, "L1", frozenset({"L2", "L3"}), default=None, sd_floor=0.5).value
    2.0
    """
    rule = rules("reference")
    place = level_place(level)
    speaking = sorted(
        (abs(level_place(k) - place), v)
        for k, v in values.items()
        if k in good and k != level and v is not None
    )
    near = np.array([v for away, v in speaking if away <= rule["reach_levels"]][: rule["neighbours"]])
    if not len(near):
        return Expected(np.nan if default is None else default, 2 * sd_floor, 0)
    value = float(np.median(near))
    if default is not None:
        value = (value * len(near) + 0.5 * default) / (len(near) + 0.5)
    spread = 1.4826 * float(np.median(np.abs(near - np.median(near)))) if len(near) > 2 else 0.0
    return Expected(value, max(spread, sd_floor), len(near))
