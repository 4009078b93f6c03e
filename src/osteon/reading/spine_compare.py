"""Two readings of one spine, level by level: what is new, what progressed, and what lies within measurement error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from osteon.domain.spine import Heights, SpineReading, VertebraFinding
from osteon.reading.spine_rules import rules

__all__ = ["Change", "LevelChange", "compare_readings"]

Change = Literal[
    "new", "progressed", "treated", "lower", "unchanged", "within_error", "regained", "not_comparable"
]
Site = Literal["anterior", "middle", "posterior"]

#: What is found in a vertebra after an operation on it.
_TREATMENT = ("cement", "screw")
_SITES: tuple[Site, ...] = ("anterior", "middle", "posterior")


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """
    One level then and now.

    Attributes
    ----------
    change : str
        "new": fractured now, not then. "progressed": fractured both times and lower. "treated": fractured then, cement or
        a screw in it now. "lower": lower beyond measurement error, but not called a fracture. "unchanged": the same call,
        the difference within measurement error. "within_error": another call, not lower beyond measurement error.
        "regained": taller than before (treated, or measured otherwise). "not_comparable": missing, suspicious or not
        evaluable on one of the scans, or graded by one side on one of them and by the middle on the other.
    fractured_before, fractured_now : bool or None
        The call on each scan.
    grade_before, grade_now : int or None
        Genant grade on each scan.
    wall_new : bool
        The posterior wall stands into the canal now, and was seen not to on the earlier scan.
    heights_before_mm, heights_now_mm : Heights or None
        In one plane on both scans: of the lower side where both are graded by it, else mid-sagittal.
    site : str or None
        Where the loss has grown most, or shrunk most where that is the change.
    loss_before, loss_now : float or None
        Loss of height there, as a fraction of the expected height.
    error : float or None
        Smallest difference of loss that counts as a change.
    """

    level: str
    change: Change
    fractured_before: bool | None = None
    fractured_now: bool | None = None
    grade_before: int | None = None
    grade_now: int | None = None
    wall_new: bool = False
    heights_before_mm: Heights | None = None
    heights_now_mm: Heights | None = None
    site: Site | None = None
    loss_before: float | None = None
    loss_now: float | None = None
    error: float | None = None


def compare_readings(now: SpineReading, prior: SpineReading) -> tuple[LevelChange, ...]:
    """
    Every level of ``now`` against the same level of ``prior``; nothing where either spine is not anchored.

    The loss is compared at all three sites. A difference counts where it exceeds the root of the summed squared standard
    errors of both losses times the rules' ``sigma``, which allows for three comparisons a level (Bonferroni), and the least
    change of the rules ("compare").
    """
    if not (now.anchored and prior.anchored):
        return ()
    return tuple(_compared(vertebra, prior.at(vertebra.level)) for vertebra in now.vertebrae)


def _compared(now: VertebraFinding, before: VertebraFinding | None) -> LevelChange:
    if before is None:
        return LevelChange(level=now.level, change="not_comparable", fractured_now=now.fractured)
    change, site, error = _change(now, before)
    losses = (before.height_loss, now.height_loss)
    lost = [None if site is None or loss is None else float(getattr(loss, site)) for loss in losses]
    heights = _in_one_plane(now, before)
    return LevelChange(
        level=now.level, change=change, fractured_before=before.fractured, fractured_now=now.fractured,
        grade_before=_grade(before), grade_now=_grade(now), wall_new=_wall_new(now, before),
        heights_before_mm=heights[0], heights_now_mm=heights[1],
        site=site, loss_before=lost[0], loss_now=lost[1], error=error,
    )  # fmt: skip


def _change(now: VertebraFinding, before: VertebraFinding) -> tuple[Change, Site | None, float | None]:
    """What changed, where the loss has changed most, or is largest where it has not, and the least change that counts."""
    operated = set(now.contents) - set(before.contents)
    if before.fractured and operated & set(_TREATMENT):
        return "treated", None, None
    losses = now.height_loss, before.height_loss
    if losses[0] is None or losses[1] is None or not (_graded(now) and _graded(before)):
        return "not_comparable", None, None
    if now.one_sided != before.one_sided:  # the losses are of different places
        return "not_comparable", None, None
    grown = {site: float(getattr(losses[0], site) - getattr(losses[1], site)) for site in _SITES}
    lower = max(_SITES, key=lambda site: grown[site])
    higher = min(_SITES, key=lambda site: grown[site])
    rule = rules("compare")
    error = max(rule["sigma"] * math.hypot(losses[0].se, losses[1].se), rule["least_loss"])
    if grown[lower] > error:
        worse: Change = "progressed" if before.fractured else "new"
        return worse if now.fractured else "lower", lower, error
    if grown[higher] < -error and (before.fractured or not now.fractured):
        return "regained", higher, error
    if now.fractured != before.fractured:
        return "within_error", lower, error
    return "unchanged", max(_SITES, key=lambda site: float(getattr(losses[0], site))), error


def _graded(v: VertebraFinding) -> bool:
    return v.evaluable and not v.red_flags and v.fractured is not None


def _grade(v: VertebraFinding) -> int | None:
    return None if v.genant is None or v.fractured is None else v.genant.grade


def _wall_new(now: VertebraFinding, before: VertebraFinding) -> bool:
    walls = now.posterior_wall, before.posterior_wall
    return walls[0] is not None and walls[1] is not None and walls[0].involved and not walls[1].involved


def _in_one_plane(now: VertebraFinding, before: VertebraFinding) -> tuple[Heights | None, Heights | None]:
    """Heights then and now; of the lower side where both are graded by it."""
    if now.one_sided and before.one_sided:
        return before.heights_parasagittal_mm, now.heights_parasagittal_mm
    return before.heights_mm, now.heights_mm
