"""The numbers of spine_rules.toml, read once, and the norms of a level."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from osteon.core.errors import ConfigError
from osteon.domain.anatomy import LEVELS, level_rank
from osteon.domain.spine import Heights

__all__ = ["level_place", "norm_height_over_footprint", "norm_heights", "numbers", "rules"]


@cache
def _all() -> dict[str, Any]:
    return tomllib.loads((files("osteon.reading") / "spine_rules.toml").read_text(encoding="utf-8"))


def rules(section: str) -> Mapping[str, Any]:
    """
    One section of the rules.

    Raises
    ------
    ConfigError
        There is no such section.

    Examples
    --------
    >>> rules("genant")["bounds"]
    [0.2, 0.25, 0.4]
    """
    if section not in _all():
        raise ConfigError(
            f"no rules on {section!r}.", hint=f"One of {', '.join(k for k in _all() if k != 'dated')}."
        )
    found: Mapping[str, Any] = _all()[section]
    return found


def numbers(section: str) -> dict[str, float]:
    """The numbers of a section without its source, as keyword arguments for the rule of a measure."""
    return {name: float(value) for name, value in rules(section).items() if isinstance(value, int | float)}


def level_place(level: str) -> float:
    """
    Where a level stands on a scale of one per vertebra: T12 is 12, L1 13; T13 lies half-way. V<n> counts from below: 18 - n.

    Examples
    --------
    >>> level_place("T12"), level_place("T13"), level_place("L1"), level_place("V1")
    (12.0, 12.5, 13.0, 17.0)
    """
    if level.startswith("V"):
        return 18.0 - int(level[1:])
    rank = level_rank(level)
    if level == "T13":
        return 12.5
    if rank > LEVELS.index("T13"):
        return float(rank - LEVELS.index("L1") + 13)
    return float(rank - LEVELS.index("T1") + 1)


def norm_heights(level: str) -> Heights:
    """
    Average heights of a level relative to the posterior height of L1; unanchored levels are taken as midway lumbar.

    Examples
    --------
    >>> norm_heights("L5").posterior < norm_heights("L5").anterior
    True
    """
    norm = rules("norm")
    place = level_place(level)
    places = np.arange(1.0, 1.0 + len(norm["levels"]))
    posterior, ratio, middle = (
        float(np.interp(place, places, norm[key]))
        for key in ("posterior", "anterior_over_posterior", "middle_over_mean")
    )
    if level.startswith(
        "V"
    ):  # nobody knows which these are: a gentle growth downwards, and no shape of their own
        posterior, ratio = float(1.04 ** -abs(place - 14.0)) if place < 14 else 1.0, 0.97
    return Heights(
        anterior=posterior * ratio, middle=middle * posterior * (1 + ratio) / 2, posterior=posterior
    )


def norm_height_over_footprint(level: str) -> float:
    """
    Average posterior height of a named level over the geometric mean of its depth and width.

    Examples
    --------
    >>> 0.6 < norm_height_over_footprint("L5") < norm_height_over_footprint("T12") < 0.75
    True
    """
    norm = rules("norm")
    places = np.arange(1.0, 1.0 + len(norm["levels"]))
    footprint = np.array(norm["footprint_mm"])
    share = np.array(norm["posterior"]) * footprint[norm["levels"].index("L1")] / footprint
    return float(norm["height_over_footprint"] * np.interp(level_place(level), places, share))
