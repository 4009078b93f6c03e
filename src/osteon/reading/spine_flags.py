"""Red flags that go before any grade, reasons for giving none, and caveats of the scan."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from osteon.domain.spine import ScanFacts
from osteon.imaging.measure.endplate import cortical_peak_hu
from osteon.imaging.measure.indicators import Foci, foci
from osteon.reading.spine_neighbours import expected
from osteon.reading.spine_rules import rules
from osteon.reading.spine_vertebra import Measured, Place

__all__ = ["density_notes", "reasons_not_evaluable", "red_flags", "usual_cortex", "usual_density"]


def reasons_not_evaluable(place: Place, scan: ScanFacts) -> tuple[str, ...]:
    """Codes of why a vertebra is not graded, from its place and the scan alone; empty where it may be measured."""
    rule = rules("evaluable")
    found = []
    thick = max(scan.slice_thickness_mm or 0.0, max(scan.spacing_mm))
    if thick > rule["slice_mm_above"]:
        found.append("slice_thickness_over_3mm")
    if place.cropped:
        found.append("cropped")
    if "uncertain_outline" in place.label.notes:
        found.append("uncertain_outline")
    if place.slices < rule["slices_below"]:
        found.append("too_few_slices")
    if place.body_ml < rule["body_ml_below"]:
        found.append("too_small")
    return tuple(found)


def usual_density(measured: Mapping[str, Measured]) -> float | None:
    """The spine's usual trabecular density: median over the levels, Hounsfield units."""
    values = [m.hu.median for m in measured.values() if m.hu is not None and not m.contents]
    return float(np.median(values)) if values else None


def usual_cortex(measured: Mapping[str, Measured]) -> float | None:
    """How dense the cortex of the spine's endplates usually looks on this scan, Hounsfield units."""
    values = [cortical_peak_hu(m.box, m.plates) for m in measured.values() if not m.contents]
    seen = [value for value in values if value is not None]
    return float(np.median(seen)) if seen else None


def red_flags(
    measured: Mapping[str, Measured], level: str, *, good: frozenset[str]
) -> tuple[tuple[str, ...], dict[str, float]]:
    """
    Signs that a vertebra may be diseased by something other than osteoporosis, and the figures behind them.

    Each figure is compared with the unfractured neighbours. Codes: lytic_focus, sclerotic_focus, convex_posterior_wall
    (with a focus), pedicle_destruction, posterior_element_destruction, soft_tissue_mass (with a broken cortex).
    """
    rule = rules("flags")
    here = measured[level]
    found: list[str] = []
    figures: dict[str, float] = {}
    usual = usual_density({k: m for k, m in measured.items() if k != level}) or (
        here.hu.median if here.hu else None
    )
    spots: Foci | None = None
    if usual is not None and not here.contents:
        spots = foci(
            here.box,
            here.plates,
            usual_hu=usual,
            lytic_below_hu=rule["lytic_below_hu"],
            sclerotic_hu=max(rule["sclerotic_hu"], usual + rule["sclerotic_over_hu"]),
            band_most_hu=0.0 if level in good else rule["band_most_hu"],
        )
    if spots is not None:
        figures |= {"lytic_ml": spots.lytic_ml, "sclerotic_ml": spots.sclerotic_ml}
        found += ["lytic_focus"] if spots.lytic_ml >= rule["lytic_ml"] else []
        found += ["sclerotic_focus"] if spots.sclerotic_ml >= rule["sclerotic_ml"] else []
    if found and here.convexity_mm is not None and here.convexity_mm > rule["convexity_mm"]:
        found.append("convex_posterior_wall")
    gap = _beyond(measured, level, good, lambda m: m.gap_share, floor=0.02)
    soft = _beyond(measured, level, good, lambda m: m.soft_mm, floor=1.0)
    if gap is not None:
        figures["cortical_gap"] = gap
    if soft is not None:
        figures["soft_tissue_mm"] = soft
    if gap is not None and soft is not None and gap > rule["gap_share"] and soft > rule["soft_tissue_mm"]:
        found.append("soft_tissue_mass")
    sizes = {k: m.place.posterior_ml or None for k, m in measured.items() if not m.place.cropped}
    arch = expected(sizes, level, good, default=0.0, sd_floor=1.0)
    if (
        arch.n >= 2
        and sizes.get(level) is not None
        and here.place.posterior_ml < rule["posterior_share"] * arch.value
    ):
        figures["posterior_share"] = here.place.posterior_ml / arch.value
        found.append("posterior_element_destruction")
    return tuple(found), figures


def _beyond(
    measured: Mapping[str, Measured],
    level: str,
    good: frozenset[str],
    value: Callable[[Measured], float | None],
    *,
    floor: float,
) -> float | None:
    """A figure less what the neighbours show; None where it was not measured or nobody speaks."""
    own = value(measured[level])
    usual = expected({k: value(m) for k, m in measured.items()}, level, good, default=0.0, sd_floor=floor)
    return None if own is None or usual.n < 2 else float(own - usual.value)


def density_notes(scan: ScanFacts) -> tuple[str, ...]:
    """Codes of what moves the Hounsfield units of this scan away from those the published cut-offs were made with."""
    rule = rules("density")
    found = []
    if scan.kvp is None:
        found.append("kvp_unknown")
    elif abs(scan.kvp - rule["kvp"]) > rule["kvp_tolerance"]:
        found.append("kvp_not_120")
    if scan.contrast in ("arterial", "portal_venous", "given"):
        found.append("contrast_raises_hu")
    elif scan.contrast == "unknown":
        found.append("contrast_unknown")
    sharp = scan.kernel.upper()
    if any(
        mark in sharp
        for mark in ("BONE", "SHARP", "B60", "B70", "B80", "BR59", "BR64", "YC", "YD", "FC30", "FC35")
    ):
        found.append("kernel_sharp")
    return tuple(found)
