"""Red flags that go before any grade, reasons for giving none, and caveats of the scan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields

import numpy as np
import numpy.typing as npt

from osteon.domain.spine import FlagPlace, ScanFacts
from osteon.imaging.kernel import kernel_class
from osteon.imaging.measure.endplate import cortical_peak_hu
from osteon.imaging.measure.indicators import FocusRule, foci
from osteon.imaging.measure.surroundings import THIRDS
from osteon.reading.spine_flag_places import at_pedicle, at_wall, in_body, middle_of
from osteon.reading.spine_neighbours import expected
from osteon.reading.spine_posterior import posterior_destruction
from osteon.reading.spine_rules import rules
from osteon.reading.spine_vertebra import Measured, Place

__all__ = [
    "bone_remarks",
    "coarsest_mm",
    "dense_bodies",
    "density_notes",
    "reasons_not_evaluable",
    "red_flags",
    "usual_cortex",
    "usual_density",
]


def reasons_not_evaluable(place: Place, scan: ScanFacts) -> tuple[str, ...]:
    """Codes of why a vertebra is not graded, from its place and the scan alone; empty where it may be measured."""
    rule = rules("evaluable")
    found = []
    if coarsest_mm(scan, place.step_mm) > rule["slice_mm_above"]:
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


def coarsest_mm(scan: ScanFacts, step_mm: float | None = None) -> float:
    """
    The largest of voxel size and slice thickness: overlapping slices show no more than thick ones.

    ``step_mm``: of a body in an uneven scan, the thickest slice and widest gap it spans, in place of the scan's thickness.
    """
    return max(scan.slice_thickness_mm or 0.0 if step_mm is None else step_mm, *scan.spacing_mm)


def usual_density(measured: Mapping[str, Measured]) -> float | None:
    """The spine's usual trabecular density: median over the levels, Hounsfield units."""
    values = _ordinary(measured)
    return float(np.median(values)) if len(values) else None


def _ordinary(measured: Mapping[str, Measured]) -> npt.NDArray[np.float64]:
    """
    The densities most levels agree on: of those within a margin of each other the most, the less dense where two are as many.

    What is denser than any marrow does not vote while two levels are not, so that several sclerotic bodies do not become usual.
    """
    rule = rules("flags")
    values = np.array([m.hu.median for m in measured.values() if m.hu is not None and not m.contents])
    marrow = values[values <= rule["marrow_most_hu"]]
    values = np.sort(marrow if len(marrow) >= 2 else values)
    if not len(values):
        return values
    near = np.abs(values[:, None] - values) <= rule["diffuse_over_hu"]
    return np.asarray(values[near[int(near.sum(1).argmax())]])


def dense_bodies(measured: Mapping[str, Measured], good: frozenset[str]) -> frozenset[str]:
    """
    Levels whose marrow is far denser than the rest of the spine's: beyond a margin and beyond the scatter between levels.

    Bone pressed together is denser too; of a body that lost height only what no pressed bone has counts.
    """
    rule = rules("flags")
    found = []
    for level, here in measured.items():
        others = _ordinary({k: m for k, m in measured.items() if k != level})
        if here.hu is None or here.contents or len(others) < 2:
            continue
        usual = float(np.median(others))
        scatter = 1.4826 * float(np.median(np.abs(others - usual)))
        least = rule["diffuse_over_hu"] if level in good else rule["band_most_hu"]
        if here.hu.median - usual > max(least, rule["diffuse_sd"] * scatter):
            found.append(level)
    return frozenset(found)


def usual_cortex(measured: Mapping[str, Measured]) -> float | None:
    """How dense the cortex of the spine's endplates usually looks on this scan, Hounsfield units."""
    values = [cortical_peak_hu(m.box, m.plates) for m in measured.values() if not m.contents]
    seen = [value for value in values if value is not None]
    return float(np.median(seen)) if seen else None


def red_flags(
    measured: Mapping[str, Measured], level: str, *, good: frozenset[str]
) -> tuple[tuple[FlagPlace, ...], dict[str, float]]:
    """
    Signs that a vertebra may be diseased by something other than osteoporosis, where they are, and the figures behind them.

    Each figure is compared with the unfractured neighbours. Codes: lytic_focus, sclerotic_focus, diffuse_sclerosis,
    convex_posterior_wall (with a focus), pedicle_destruction, posterior_element_destruction, posterior_wall_destruction,
    soft_tissue_mass (where the cortex behind it is
    broken).
    """
    found, figures = _foci(measured, level, good)
    for more, seen in (
        _destruction(measured, level, good),
        _mass(measured, level, good),
        posterior_destruction(measured, level, good),
    ):
        found += more
        figures |= seen
    convexity = measured[level].convexity_mm
    if found and convexity is not None and convexity > rules("flags")["convexity_mm"]:
        found.append(at_wall("convex_posterior_wall", measured[level]))
    return tuple(found), figures


def _foci(
    measured: Mapping[str, Measured], level: str, good: frozenset[str]
) -> tuple[list[FlagPlace], dict[str, float]]:
    """Lytic and sclerotic foci of the body."""
    rule = rules("flags")
    here = measured[level]
    usual = usual_density({k: m for k, m in measured.items() if k != level}) or (
        here.hu.median if here.hu else None
    )
    if usual is None or here.contents:
        return [], {}
    spots = foci(
        here.box,
        here.plates,
        usual_hu=usual,
        rule=FocusRule(**{part.name: rule[part.name] for part in fields(FocusRule)}),
        band_most_hu=0.0 if level in good else rule["band_most_hu"],
    )
    if spots is None:
        return [], {}
    found = []
    diffuse = level in dense_bodies(measured, good)
    if diffuse:
        found.append(in_body("diffuse_sclerosis", here, middle_of(here)))
    if spots.lytic_ml >= rule["lytic_ml"]:
        found.append(in_body("lytic_focus", here, spots.lytic_uvw_mm))
    if not diffuse and spots.sclerotic_ml >= rule["sclerotic_ml"]:
        found.append(in_body("sclerotic_focus", here, spots.sclerotic_uvw_mm))
    return found, {
        "lytic_ml": spots.lytic_ml,
        "lytic_visible_hu": spots.lytic_visible_hu,
        "sclerotic_ml": spots.sclerotic_ml,
        "endplate_sclerosis_ml": spots.dome_ml,
    }


def bone_remarks(indicators: Mapping[str, float]) -> Iterator[str]:
    """Codes of what a reader should know of a vertebra's bone: what could not be seen in it, and what is no flag."""
    rule = rules("flags")
    if indicators.get("lytic_visible_hu", np.inf) < rule["soft_hu"]:
        yield "lytic_not_detectable"
    if indicators.get("endplate_sclerosis_ml", 0.0) >= rule["sclerotic_ml"]:
        yield "endplate_sclerosis"
    if any(indicators.get(name, 1.0) < rule[name] for name in _ARCH_PARTS):
        yield "arch_uneven"


def _destruction(
    measured: Mapping[str, Measured], level: str, good: frozenset[str]
) -> tuple[list[FlagPlace], dict[str, float]]:
    """A pedicle with much less bone than the other one or than the neighbours', or posterior elements with much less."""
    rule = rules("flags")
    here = measured[level]
    found: list[FlagPlace] = []
    figures: dict[str, float] = {}
    means = {k: None if m.pedicles is None else sum(m.pedicles) / 2 for k, m in measured.items()}
    usual = expected(means, level, good, default=None, sd_floor=1.0)
    if here.pedicles is not None and usual.n >= 2 and usual.value > 0:
        figures["pedicle_share"] = min(here.pedicles) / usual.value
    # the other side is the nearer witness: L5's pedicles are stouter than those above, so that half of one is as much as theirs
    if here.pedicles is not None and max(here.pedicles) >= rule["pedicle_least_hu"]:
        figures["pedicle_of_other"] = min(here.pedicles) / max(here.pedicles)
    if any(name in figures and figures[name] < rule[name] for name in ("pedicle_share", "pedicle_of_other")):
        least = rule["pedicle_share"] * usual.value if "pedicle_share" in figures else 0.0
        found.append(at_pedicle("pedicle_destruction", here, least_hu=least))
    whole = {k: m for k, m in measured.items() if not (m.place.cropped or m.place.at_border)}
    sizes: dict[str, float | None] = {k: m.place.posterior_ml for k, m in whole.items()}
    shares = []
    for amounts in (sizes, {k: m.arch for k, m in whole.items()}):
        arch = expected(amounts, level, good, default=None, sd_floor=1.0)
        own = amounts.get(level)
        if arch.n >= 2 and own is not None and arch.value > 0:
            shares.append(own / arch.value)
    if shares:
        figures["posterior_share"] = min(shares)
    figures |= _arch_parts(measured, level, good)
    if figures.get("posterior_share", 1.0) < rule["posterior_share"]:
        found.append(FlagPlace(flag="posterior_element_destruction"))
    return found, figures


_ARCH_PARTS = ("lamina_of_other", "spinous_share")


def _arch_parts(measured: Mapping[str, Measured], level: str, good: frozenset[str]) -> dict[str, float]:
    """
    One lamina's bone against the other's, and the spinous process against the neighbours'.

    People's arches are uneven: little bone in one part is something to look at (:func:`bone_remarks`) and no flag.

    A field that cuts the arch cuts one side more than the other: nothing is told there. The spinous process of the lowest
    lumbar vertebra is small, and in spina bifida occulta absent: its bone is compared with nobody's.
    """
    rule = rules("flags")
    whole = {
        k: m.arch_parts
        for k, m in measured.items()
        if m.arch_parts is not None and not (m.place.cropped or m.place.at_border or m.contents)
    }
    if level not in whole:
        return {}
    right, middle, left = whole[level]
    figures: dict[str, float] = {}
    if max(right, left) >= rule["lamina_least"]:
        figures["lamina_of_other"] = min(right, left) / max(right, left)
    usual = expected({k: parts[1] for k, parts in whole.items()}, level, good, default=None, sd_floor=1.0)
    if level not in ("L5", "L6") and usual.n >= 2 and usual.value >= rule["lamina_least"]:
        figures["spinous_share"] = middle / usual.value
    return figures


def _mass(
    measured: Mapping[str, Measured], level: str, good: frozenset[str]
) -> tuple[list[FlagPlace], dict[str, float]]:
    """Soft tissue thicker than the neighbours' before a third of the wall that has lost its cortex."""
    rule = rules("flags")
    thirds = []
    for third in range(len(THIRDS)):
        lost = _cortex_lost(measured, level, good, third)
        soft = _beyond({k: m.soft_mm[third] for k, m in measured.items()}, level, good, floor=1.0)
        if lost is not None and soft is not None:
            thirds.append((min(lost / rule["cortex_lost"], soft / rule["soft_tissue_mm"]), lost, soft, third))
    if not thirds:
        return [], {}
    worst, lost, soft, third = max(thirds)
    found = [at_wall("soft_tissue_mass", measured[level], third=third)] if worst > 1.0 else []
    return found, {"cortex_lost": lost, "soft_tissue_mm": soft}


def _cortex_lost(
    measured: Mapping[str, Measured], level: str, good: frozenset[str], third: int
) -> float | None:
    """Share of the cortex's contrast to soft tissue that a third of the wall lacks; None where walls show too little of it."""
    rule = rules("flags")
    own = measured[level].wall_hu[third]
    usual = expected(
        {k: m.wall_hu[third] for k, m in measured.items()}, level, good, default=None, sd_floor=10.0
    )
    if own is None or usual.n < 2:
        return None
    contrast = usual.value - rule["soft_hu"]
    if contrast < rule["cortex_least_hu"]:
        return None
    return float(1.0 - (own - rule["soft_hu"]) / contrast)


def _beyond(
    values: Mapping[str, float | None], level: str, good: frozenset[str], *, floor: float
) -> float | None:
    """A figure less what the neighbours show; None where it was not measured or nobody speaks."""
    own = values[level]
    usual = expected(values, level, good, default=None, sd_floor=floor)
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
    if kernel_class(scan.kernel) == "sharp":
        found.append("kernel_sharp")
    return tuple(found)
