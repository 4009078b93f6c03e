"""Height loss against what this spine's unfractured neighbours predict, and the grade of Genant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from osteon.domain.spine import Genant, HeightLoss, Heights
from osteon.reading.spine_rules import level_place, norm_heights, rules

__all__ = ["deformity_index", "genant", "height_losses", "worse_side"]

Array = npt.NDArray[np.float64]
Shape = Literal["none", "wedge", "biconcave", "crush"]
SITES = ("anterior", "middle", "posterior")


def _row(heights: Heights) -> list[float]:
    return [heights.anterior, heights.middle, heights.posterior]


@dataclass(frozen=True, slots=True)
class _Spine:
    """Heights of a spine as logarithms over the average spine's."""

    levels: tuple[str, ...]
    place: Array
    ratio: Array  # (levels, sites)
    noise: Array  # (levels,) standard error of one log height from the measurement


def _predicted(
    spine: _Spine, target: int, good: npt.NDArray[np.bool_]
) -> tuple[Array, float, tuple[int, ...]] | None:
    """Log ratio expected at ``target`` per site, its standard error, and the vertebrae it rests on."""
    rule = rules("reference")
    away = np.abs(spine.place - spine.place[target])
    usable = [
        int(i)
        for i in np.argsort(away, kind="stable")
        if good[i] and i != target and away[i] <= rule["reach_levels"]
    ]
    chosen = usable[: rule["neighbours"]]
    if not chosen:
        return None
    near = spine.place[chosen]
    smooth = rule["trend_sd"] ** 2 * np.exp(-np.abs(near[:, None] - near) / rule["trend_levels"])
    towards = rule["trend_sd"] ** 2 * np.exp(-np.abs(near - spine.place[target]) / rule["trend_levels"])
    expected = np.zeros(len(SITES))
    variance = 0.0
    for site in range(len(SITES)):
        extra = np.ones(len(chosen))
        values = spine.ratio[chosen, site]
        for _ in range(3):  # one vertebra off its own spine's pattern must not carry the others with it
            own = (rule["level_sd"] ** 2 + spine.noise[chosen] ** 2) * extra
            inverse = np.linalg.inv(smooth + np.diag(own))
            ones = np.ones(len(chosen))
            mean = float(ones @ inverse @ values / (ones @ inverse @ ones))
            fitted = mean + smooth @ inverse @ (values - mean)
            off = np.abs(values - fitted) / np.sqrt(own / extra)
            extra = np.maximum(off / rule["huber"], 1.0) ** 2
        expected[site] = mean + towards @ inverse @ (values - mean)
        rest = 1.0 - ones @ inverse @ towards
        left = rule["trend_sd"] ** 2 - towards @ inverse @ towards + rest**2 / (ones @ inverse @ ones)
        variance = max(variance, float(left))
    return expected, float(np.sqrt(max(variance, 0.0) + rule["level_sd"] ** 2)), tuple(sorted(chosen))


def _unfractured(spine: _Spine) -> npt.NDArray[np.bool_]:
    """Which vertebrae may speak for the others: fitted again until the set stands still."""
    limit = float(rules("reference")["exclude_loss"])
    # fractures only take height away, so the taller vertebrae of a spine show its pattern
    usual = np.quantile(spine.ratio, 0.75, axis=0)
    good = np.asarray((spine.ratio - usual).min(axis=1) > np.log(1 - limit - 0.05), dtype=bool)
    for _ in range(8):
        now = np.zeros_like(good)
        for i in range(len(good)):
            found = _predicted(spine, i, good)
            now[i] = good[i] if found is None else bool((1 - np.exp(spine.ratio[i] - found[0])).max() < limit)
        if (now == good).all():
            break
        good = now
    return good


def height_losses(heights: Mapping[str, Heights], *, se_mm: Mapping[str, float]) -> dict[str, HeightLoss]:
    """
    Height loss per level and site against this spine's own unfractured vertebrae.

    The heights of the nearest two to four unfractured vertebrae, each over the average of its level, predict the heights of
    the vertebra between them: a constant of this spine, a smooth departure from the average pattern, and the scatter of
    single vertebrae (generalised least squares, outliers weighted down). A natural wedge of T12 or the low back of L5 is in
    the averages and in the neighbours, so it is no loss. Without an unfractured neighbour the vertebra's own posterior
    height and the ratios of its level stand in, and a loss of the whole body cannot be seen.

    Parameters
    ----------
    heights : mapping of level to Heights
    se_mm : mapping of level to float
        Standard error of one height.

    Examples
    --------
    >>> spine = {level: Heights(**{k: 27 * getattr(norm_heights(level), k) for k in SITES}) for level in ("T11", "T12", "L1", "L2")}
    >>> spine["L1"] = Heights(anterior=0.7 * spine["L1"].anterior, middle=spine["L1"].middle, posterior=spine["L1"].posterior)
    >>> loss = height_losses(spine, se_mm=dict.fromkeys(spine, 0.3))
    >>> round(loss["L1"].anterior, 3), round(abs(loss["L2"].largest), 3), loss["L1"].reference_from
    (0.3, 0.0, ('T11', 'T12', 'L2'))
    """
    if not heights:
        return {}
    levels = tuple(sorted(heights, key=level_place))
    measured = np.array([_row(heights[level]) for level in levels])
    norms = np.array([_row(norm_heights(level)) for level in levels])
    noise = np.array([se_mm[level] for level in levels]) / measured.mean(axis=1)
    spine = _Spine(levels, np.array([level_place(k) for k in levels]), np.log(measured / norms), noise)
    good = _unfractured(spine)
    return {level: _loss(spine, i, good, measured[i], norms[i]) for i, level in enumerate(levels)}


def _loss(spine: _Spine, i: int, good: npt.NDArray[np.bool_], measured: Array, norms: Array) -> HeightLoss:
    """The loss of one vertebra."""
    own = measured[2] * norms / norms[2]
    self_loss = float((1 - measured[:2] / own[:2]).max())
    found = _predicted(spine, i, good)
    names: tuple[str, ...] = ()
    if found is None:
        reference, spread = own, float(rules("reference")["self_sd"])
    else:
        reference, spread = norms * np.exp(found[0]), found[1]
        names = tuple(spine.levels[k] for k in found[2])
    loss = 1 - measured / reference
    kept = 1 - float(loss.max())
    return HeightLoss(
        anterior=float(loss[0]),
        middle=float(loss[1]),
        posterior=float(loss[2]),
        reference_mm=Heights(
            anterior=float(reference[0]), middle=float(reference[1]), posterior=float(reference[2])
        ),
        reference_from=names,
        se=float(kept * np.sqrt(spread**2 + spine.noise[i] ** 2)),
        self_loss=self_loss,
    )


def worse_side(middle: HeightLoss, side: HeightLoss, *, lean_deg: float) -> bool:
    """
    Whether a body is pressed on one side only, so that the middle hides the loss and its lower side is graded.

    Parameters
    ----------
    middle, side : HeightLoss
        Mid-sagittal, and of the lower parasagittal strip against the neighbours' lower ones.
    lean_deg : float
        Lateral angle between the endplates less the neighbours': a scoliosis leans them all.
    """
    rule = rules("one_sided")
    return bool(
        side.largest >= rule["loss"]
        and side.largest - middle.largest >= rule["over_middle"]
        and abs(lean_deg) >= rule["lean_deg"]
    )


def genant(loss: HeightLoss, *, operating_point: float = 0.20, breaks: int = 0) -> Genant:
    """
    Grade and type of a height loss.

    Parameters
    ----------
    loss : HeightLoss
    operating_point : float
    breaks : int
        What is broken by its form: an endplate or a buckled anterior wall, a posterior wall in the canal. A loss short of
        the operating point by less than so many standard errors counts as reaching it, where neighbours say what was
        lost; an uncertain loss is allowed no more than a fixed amount, so that not knowing never makes a fracture.

    Examples
    --------
    >>> at = Heights(anterior=27, middle=25, posterior=27)
    >>> seen = HeightLoss(anterior=0.3, middle=0.1, posterior=0.0, reference_mm=at, reference_from=(), se=0.02, self_loss=0.3)
    >>> genant(seen).grade, genant(seen).type
    (2, 'wedge')
    >>> near = HeightLoss(anterior=0.19, middle=0.1, posterior=0.0, reference_mm=at, reference_from=("L2",), se=0.02, self_loss=0.2)
    >>> genant(near).grade, genant(near, breaks=1).grade
    (0, 1)
    """
    rule = rules("genant")
    largest = loss.largest
    allowed = min(breaks * loss.se, rule["allowed_short"]) if loss.reference_from else 0.0
    threshold = operating_point - allowed
    counts = largest >= threshold
    grade = (
        int(np.searchsorted(rule["bounds"], max(largest, rule["bounds"][0]), side="right")) if counts else 0
    )
    shape: Shape = "none"
    if grade:
        if loss.posterior >= rule["crush_share"] * largest:
            shape = "crush"
        else:
            shape = "wedge" if loss.anterior >= loss.middle else "biconcave"
    return Genant(grade=grade, type=shape, operating_point=operating_point, threshold=threshold)


def deformity_index(grades: list[int]) -> int | None:
    """Spinal deformity index: the sum of the grades; None where nothing was graded."""
    return sum(grades) if grades else None
