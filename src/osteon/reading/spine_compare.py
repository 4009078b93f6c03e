"""Two readings of one spine, level by level: what is new, what progressed, and what lies within measurement error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.reading.spine_rules import rules

__all__ = ["Change", "LevelChange", "compare_readings"]

Change = Literal["new", "progressed", "lower", "unchanged", "within_error", "regained", "not_comparable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """
    One level then and now.

    Attributes
    ----------
    change : str
        "new": fractured now, not then. "progressed": fractured both times and lower. "lower": lower beyond measurement
        error, but not called a fracture. "unchanged": the same call, the difference within measurement error.
        "within_error": another call, the difference within measurement error. "regained": taller than before (treated, or
        measured otherwise). "not_comparable": missing, suspicious or not evaluable on one of the scans, or graded by one
        side on one of them and by the middle on the other.
    loss_before, loss_now : float or None
        Loss of height at the site that has lost most now, as a fraction of the expected height.
    error : float or None
        Smallest difference of loss that counts as a change.
    """

    level: str
    change: Change
    loss_before: float | None = None
    loss_now: float | None = None
    error: float | None = None


def compare_readings(now: SpineReading, prior: SpineReading) -> tuple[LevelChange, ...]:
    """
    Every level of ``now`` against the same level of ``prior``; nothing where either spine is not anchored.

    A difference counts where it exceeds 1.96 times the root of the summed squared standard errors of both losses, and the
    least change of the rules ("compare").
    """
    if not (now.anchored and prior.anchored):
        return ()
    return tuple(_compared(vertebra, prior.at(vertebra.level)) for vertebra in now.vertebrae)


def _compared(now: VertebraFinding, before: VertebraFinding | None) -> LevelChange:
    if before is None or not now.evaluable or not before.evaluable or now.red_flags or before.red_flags:
        return LevelChange(level=now.level, change="not_comparable")
    if now.height_loss is None or before.height_loss is None or None in (now.fractured, before.fractured):
        return LevelChange(level=now.level, change="not_comparable")
    if now.one_sided != before.one_sided:  # the losses are of different places
        return LevelChange(level=now.level, change="not_comparable")
    site = max(("anterior", "middle", "posterior"), key=lambda name: float(getattr(now.height_loss, name)))
    loss_now, loss_before = (float(getattr(v.height_loss, site)) for v in (now, before))
    rule = rules("compare")
    error = max(rule["sigma"] * math.hypot(now.height_loss.se, before.height_loss.se), rule["least_loss"])
    change: Change
    if loss_now - loss_before > error:
        change = ("progressed" if before.fractured else "new") if now.fractured else "lower"
    elif loss_before - loss_now > error:
        change = "regained"
    else:
        change = "unchanged" if now.fractured == before.fractured else "within_error"
    return LevelChange(
        level=now.level, change=change, loss_before=loss_before, loss_now=loss_now, error=error
    )
