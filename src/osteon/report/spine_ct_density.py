"""What a spine CT report says of density: Hounsfield units beside published cut-offs, the site's own calibration. Never a T-score."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.domain.spine import SpineReading
from osteon.reading.spine_rules import rules
from osteon.report.figure_spine import is_graded
from osteon.report.spine_ct_groups import least_sure_name
from osteon.report.spine_ct_phrases import levels_text, phrase, trusted
from osteon.report.value import Number, Text

__all__ = ["cutoffs_apply", "density", "density_short", "l1_cutoffs_hu", "l1_hu"]

_CORE = ("T12", "L1", "L2", "L3", "L4", "L5")


def l1_cutoffs_hu() -> tuple[float, float]:
    """
    The cut-offs published for L1 at 120 kVp without contrast medium: more than 90 % specific, and 90 % sensitive.

    Source: Pickhardt 2013, Ann Intern Med 158:588.

    Examples
    --------
    >>> l1_cutoffs_hu()
    (110.0, 160.0)
    """
    rule = rules("density")
    return rule["l1_low_hu"], rule["l1_sensitive_hu"]


def cutoffs_apply(reading: SpineReading) -> bool:
    """Whether L1 may be held against the cut-offs: surely named, graded, whole, at 120 kVp, no contrast medium known of."""
    first = reading.at("L1")
    named = first is not None and is_graded(first) and least_sure_name(reading) is None
    if l1_hu(reading) is None or not named:
        return False
    return reading.scan.kvp == 120 and reading.scan.contrast in ("none", "unknown")


def l1_hu(reading: SpineReading) -> float | None:
    """Density of L1, where its whole body was outlined."""
    first = reading.at("L1")
    return None if first is not None and not trusted(first) else reading.hu_l1


def density(reading: SpineReading) -> Iterator[Text]:
    """Trabecular density in Hounsfield units beside what was published, in mg/cm³ where the site calibrated."""
    yield from _first_lumbar(reading)
    if l1_hu(reading) is not None and least_sure_name(reading) is not None:
        yield phrase("density.l1_uncertain")
    yield from _mean(reading)
    yield from _calibrated(reading)


def density_short(reading: SpineReading) -> tuple[Text, ...]:
    """What the impression says: L1 with its cut-offs, else the mean; in mg/cm³ too where the site calibrated."""
    first = tuple(_first_lumbar(reading))
    if not first:
        first = tuple(_mean(reading))
    return (*first, *_calibrated(reading))


def _mean(reading: SpineReading) -> Iterator[Text]:
    """The mean with the levels that it is made of."""
    if reading.hu_mean is None or not reading.hu_mean_of:
        return
    key = "density.one" if len(reading.hu_mean_of) == 1 else "density.mean"
    yield phrase(key, levels=levels_text(reading, reading.hu_mean_of), hu=Number(reading.hu_mean))


def _first_lumbar(reading: SpineReading) -> Iterator[Text]:
    """L1 beside the cut-offs; without them where nobody knows whether the body is compressed."""
    hu, first = l1_hu(reading), reading.at("L1")
    if hu is None or (first is not None and least_sure_name(reading) is not None):
        return
    if first is None or not is_graded(first):
        yield phrase("density.l1_not_graded", hu=Number(hu))
        return
    low, high = l1_cutoffs_hu()
    band = "low" if hu <= low else "between" if hu <= high else "high"
    cutoffs = {"low": Number(low), "high": Number(high)}
    yield phrase("density.l1", hu=Number(hu))
    if not cutoffs_apply(reading):
        yield phrase("density.no_band", **cutoffs)
    elif reading.scan.contrast == "none":
        yield phrase(f"density.{band}", **cutoffs)
    else:  # the file does not say whether contrast medium was given
        yield phrase(f"density.{band}_if_plain", **cutoffs)


def _calibrated(reading: SpineReading) -> Iterator[Text]:
    """The site's own mg/cm³ of L1, or of the unfractured lumbar levels where L1 says nothing."""
    known = {
        v.level: v.hu.vbmd_mg_cm3
        for v in reading.vertebrae
        if v.level in _CORE
        and v.hu is not None
        and v.hu.vbmd_mg_cm3 is not None
        and trusted(v)
        and not v.fractured
        and not v.red_flags
    }
    if "L1" in known:
        yield phrase("density.vbmd_l1", mg=Number(known["L1"]))
    elif len(known) == 1:
        ((level, value),) = known.items()
        yield phrase("density.vbmd_one", level=level, mg=Number(value))
    elif known:
        low, high = (Number(value) for value in (min(known.values()), max(known.values())))
        yield phrase("density.vbmd_range", levels=levels_text(reading, known), low=low, high=high)
