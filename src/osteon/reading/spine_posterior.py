"""A posterior wall that something destroyed: its cortex gone over a patch, with soft tissue behind it or lost marrow before it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from osteon.domain.spine import FlagPlace
from osteon.imaging.measure.posterior import PosteriorLook, destroyed
from osteon.reading.spine_neighbours import expected
from osteon.reading.spine_rules import rules
from osteon.reading.spine_vertebra import Measured

__all__ = ["posterior_destruction"]

Mask = npt.NDArray[np.bool_]


def posterior_destruction(
    measured: Mapping[str, Measured], level: str, good: frozenset[str]
) -> tuple[list[FlagPlace], dict[str, float]]:
    """
    The flag of a destroyed posterior wall, and the figures behind it; none of them where it could not be looked for.

    The cortex is missing where a place on the wall has less than half of what the neighbours' cortex stands out by from soft
    tissue. A burst interrupts the wall too, by lines; a patch without cortex speaks only with soft tissue in the canal
    behind it, denser than behind the neighbours, or with less marrow before it than theirs.
    """
    rule = rules("flags")
    looks = {k: m.behind for k, m in measured.items() if m.behind is not None}
    own = looks.get(level)
    usual = expected(
        {k: _median(look, "cortex_hu") for k, look in looks.items()}, level, good, default=None, sd_floor=10.0
    )
    contrast = usual.value - rule["soft_hu"]
    if own is None or usual.n < 2 or contrast < rule["cortex_least_hu"]:
        return [], {}
    below = rule["soft_hu"] + rule["posterior_cortex_share"] * contrast
    gone = {k: destroyed(look, below_hu=below) for k, look in looks.items()}
    shares: dict[str, float | None] = {k: float(gone[k].sum() / look.away.sum()) for k, look in looks.items()}
    lost = (shares[level] or 0.0) - expected(shares, level, good, default=None, sd_floor=0.01).value
    figures = {"posterior_cortex_lost": lost}
    if lost < rule["posterior_cortex_lost"]:
        return [], figures
    here = gone[level]
    canal = float(np.median(own.canal_hu[here]))
    figures["canal_over_hu"] = canal - _usual(looks, level, good, "canal_hu")
    figures["posterior_marrow_lost_hu"] = _usual(looks, level, good, "marrow_hu") - float(
        np.median(own.marrow_hu[here])
    )
    mass = figures["canal_over_hu"] > rule["canal_over_hu"] and canal <= rule["canal_most_hu"]
    lytic = figures["posterior_marrow_lost_hu"] > rule["posterior_marrow_lost_hu"]
    return ([_place(measured[level], own, here)] if mass or lytic else []), figures


def _median(look: PosteriorLook, name: str) -> float:
    return float(np.median(getattr(look, name)[look.away]))


def _usual(looks: Mapping[str, PosteriorLook], level: str, good: frozenset[str], name: str) -> float:
    """What the neighbours show there."""
    values: dict[str, float | None] = {k: _median(look, name) for k, look in looks.items()}
    return expected(values, level, good, default=None, sd_floor=5.0).value


def _place(here: Measured, look: PosteriorLook, gone: Mask) -> FlagPlace:
    """The middle of the patch."""
    x, y, z = (float(k) for k in here.frame.world(look.uvw_mm[gone].mean(0)))
    return FlagPlace(flag="posterior_wall_destruction", centre_lps_mm=(x, y, z))
