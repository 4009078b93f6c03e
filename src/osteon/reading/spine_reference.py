"""Height loss against what this spine's unfractured vertebrae predict, and what stands in where none can be named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteon.domain.spine import HeightLoss, Heights
from osteon.reading.spine_rules import level_place, norm_height_over_footprint, norm_heights, rules

__all__ = ["height_losses"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
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
    build: float | None  # the same for the whole spine, as the size of its bodies across tells


def _predicted(spine: _Spine, target: int, good: Mask) -> tuple[Array, float, tuple[int, ...]] | None:
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


def _unfractured(spine: _Spine, broken: Mask) -> Mask:
    """
    Which vertebrae may speak for the others: fitted again until the set stands still.

    What shows by itself that it is broken never speaks. Where most of a spine is broken the few others are its pattern,
    not the many.
    """
    rule = rules("reference")
    limit = float(rule["exclude_loss"])
    whole = ~broken
    if not whole.any():
        return whole
    # fractures only take height away, so the taller vertebrae of a spine show its pattern
    usual = np.quantile(spine.ratio[whole], 0.75, axis=0)
    good = np.asarray(whole & ((spine.ratio - usual).min(axis=1) > np.log(1 - limit - 0.05)), dtype=bool)
    for _ in range(8):
        now = np.zeros_like(good)
        for i in np.flatnonzero(whole):
            found = _predicted(spine, int(i), good)
            now[i] = good[i] if found is None else bool((1 - np.exp(spine.ratio[i] - found[0])).max() < limit)
        if (now == good).all():
            break
        good = now
    return good


def height_losses(
    heights: Mapping[str, Heights],
    *,
    se_mm: Mapping[str, float],
    footprint_mm: Mapping[str, float] | None = None,
    broken: frozenset[str] = frozenset(),
) -> dict[str, HeightLoss]:
    """
    Height loss per level and site against this spine's own unfractured vertebrae.

    The heights of the nearest two to four unfractured vertebrae, each over the average of its level, predict the heights of
    the vertebra between them: a constant of this spine, a smooth departure from the average pattern, and the scatter of
    single vertebrae (generalised least squares, outliers weighted down). A natural wedge of T12 or the low back of L5 is in
    the averages and in the neighbours, so it is no loss.

    Where nobody can speak, the vertebra's own posterior height and the ratios of its level stand in, which cannot see a loss
    of the whole body; or, where that says more, the height that goes with the size of its endplates, which no fracture
    makes smaller. The same sizes tell where those that speak are too low themselves: a spine broken as a whole looks like
    its own neighbours. Then, and where others are there but none of them whole, the reference is not ``trusted``.

    Parameters
    ----------
    heights : mapping of level to Heights
    se_mm : mapping of level to float
        Standard error of one height.
    footprint_mm : mapping of level to float, optional
        Geometric mean of depth and width of each body; without it nothing is told by sizes.
    broken : frozenset of str
        Levels whose endplates show that they are broken, whatever their height.

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
    spine = _Spine(
        levels=levels,
        place=np.array([level_place(k) for k in levels]),
        ratio=np.log(measured / norms),
        noise=noise,
        build=_build(levels, footprint_mm or {}),
    )
    wedged = np.array([_self_loss(m, n) for m, n in zip(measured, norms, strict=True)])
    injured = np.isin(levels, sorted(broken))
    good = _unfractured(spine, injured | (wedged > rules("reference")["broken_self_loss"]))
    low = _too_low(spine, good) or _contradicted(spine, good, injured)
    return {
        level: _loss(spine, i, good, low, measured[i], norms[i], float(wedged[i]))
        for i, level in enumerate(levels)
    }


def _build(levels: tuple[str, ...], footprint_mm: Mapping[str, float]) -> float | None:
    """Log of this spine's heights over the average spine's, as the size of its bodies across tells; None if it does not."""
    told = [
        np.log(footprint_mm[k] * norm_height_over_footprint(k) / norm_heights(k).posterior)
        for k in levels
        if k in footprint_mm and not k.startswith("V")
    ]
    return float(np.median(told)) if told else None


def _too_low(spine: _Spine, good: Mask) -> bool:
    """Whether those that speak are all much lower than their size across tells."""
    if spine.build is None or not good.any():
        return False
    rule = rules("reference")
    below = spine.build - float(np.median(spine.ratio[good].mean(axis=1)))
    return bool(below > rule["build_doubt_sd"] * rule["build_sd"])


def _contradicted(spine: _Spine, good: Mask, injured: Mask) -> bool:
    """Whether more bodies with a broken endplate have lost nothing against those that speak than there are such."""
    kept = 0
    for i in np.flatnonzero(injured):
        found = _predicted(spine, int(i), good)
        kept += (
            found is not None
            and (1 - np.exp(spine.ratio[i] - found[0])).max() < rules("reference")["exclude_loss"]
        )
    return bool(kept > good.sum())


def _self_loss(measured: Array, norms: Array) -> float:
    """Largest loss of the front and the middle against the own posterior height."""
    own = measured[2] * norms / norms[2]
    return float((1 - measured[:2] / own[:2]).max())


def _loss(
    spine: _Spine, i: int, good: Mask, low: bool, measured: Array, norms: Array, self_loss: float
) -> HeightLoss:
    """The loss of one vertebra."""
    rule = rules("reference")
    found = None if low else _predicted(spine, i, good)
    built = None if spine.build is None else norms * np.exp(spine.build)
    build_loss = None if built is None else float((1 - measured / built).max())
    names: tuple[str, ...] = ()
    by_build = False
    if found is not None:
        reference, spread = norms * np.exp(found[0]), found[1]
        names = tuple(spine.levels[k] for k in found[2])
    elif built is not None and build_loss is not None and build_loss - rule["build_sd"] > self_loss:
        by_build, reference, spread = True, built, float(rule["build_sd"])
    else:
        reference, spread = measured[2] * norms / norms[2], float(rule["self_sd"])
    loss = 1 - measured / reference
    kept = 1 - float(loss.max())
    others = np.abs(spine.place - spine.place[i]) <= rule["reach_levels"]
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
        by_build=by_build,
        trusted=found is not None or int(others.sum()) == 1,
        build_loss=build_loss,
    )
