"""
Treated persons paired with untreated ones of nearly the same propensity score, and the effect in the pairs.

Notes used: ``unmatched:<treated without a partner>``, ``partial:<treated with fewer partners than asked>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteon.core.errors import ConfigError, NotEnoughData, ShapeError
from osteon.core.result import Interval
from osteon.stats.inputs import flags, level_in_range, option, vector
from osteon.stats.propensity import score_logit

__all__ = ["Matching", "TreatedEffect", "match", "matched_effect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """
    Pairs by row number: ``treated[i]`` with ``control[i]``, ``distance[i]`` apart in logits of the score.

    With more than one control per treated person that person's row number repeats. ``weights`` (n,) is 1 for
    matched treated, 1 / (partners) for each matched control, 0 for the rest.
    """

    treated: NDArray[np.intp]
    control: NDArray[np.intp]
    distance: NDArray[np.float64]
    weights: NDArray[np.float64]
    caliper: float | None
    ratio: int
    n_treated: int
    n_control: int
    n_matched: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatedEffect:
    """Average effect of treatment in the treated who found a partner (treated minus control)."""

    value: float
    se: float
    ci: Interval
    p: float
    treated_mean: float
    control_mean: float
    n_matched: int
    notes: tuple[str, ...] = ()


def match(
    treated: ArrayLike,
    score: ArrayLike,
    *,
    caliper_sd: float | None = 0.2,
    ratio: int = 1,
    order: Literal["descending", "ascending", "random"] = "descending",
    rng: np.random.Generator | None = None,
    exact: ArrayLike | None = None,
) -> Matching:
    """
    Pair each treated person with the nearest untreated one, each used once, within a caliper.

    Parameters
    ----------
    treated : array_like, shape (n,), 0 or 1
        Whether the person was treated.
    score : array_like, shape (n,), in (0, 1)
        Propensity score.
    caliper_sd : float > 0 or None
        Largest distance in standard deviations of the logit score (pooled over both groups); None: no limit.
    ratio : int >= 1
        Controls per treated person. Everybody gets a first partner before anybody gets a second.
    order : "descending", "ascending", "random"
        Who chooses first, by score; "random" needs ``rng``. Ties go to the lower row number.
    rng : numpy Generator, optional
        For ``order="random"``.
    exact : array_like, shape (n,), optional
        Labels that partners must share (e.g. sex).

    Raises
    ------
    NotEnoughData
        Only one treatment occurs, or no pair lies within the caliper.
    ConfigError
        An option out of range.

    Source
    ------
    Austin (2011), Pharmaceutical Statistics 10:150-161 (0.2 SD of the logit).

    Examples
    --------
    >>> answer = match([1, 1, 0, 0, 0], [0.6, 0.4, 0.39, 0.1, 0.58], caliper_sd=0.5)
    >>> list(zip(answer.treated.tolist(), answer.control.tolist()))
    [(0, 4), (1, 2)]
    """
    t = flags(treated, name="treated")
    logit = score_logit(score, n=t.size)
    option(order, name="order", allowed=("descending", "ascending", "random"))
    if ratio < 1:
        raise ConfigError(f"ratio is {ratio}, expected at least 1 control per treated person.")
    labels = np.asarray(exact) if exact is not None else np.zeros(t.size, dtype=np.intp)
    if labels.shape != t.shape:
        raise ShapeError(f"exact has shape {labels.shape} for {t.size} persons.")
    caliper = None if caliper_sd is None else _caliper(logit, t=t, caliper_sd=caliper_sd)
    queue = _queue(np.flatnonzero(t), logit=logit, order=order, rng=rng)
    pairs = _greedy(queue, np.flatnonzero(~t), logit=logit, labels=labels, ratio=ratio, caliper=caliper)
    if not pairs:
        raise NotEnoughData(
            "no untreated person lies within the caliper of any treated one.", hint="Widen caliper_sd."
        )
    first, second = (np.array(side, dtype=np.intp) for side in zip(*pairs, strict=True))
    partners = np.bincount(first, minlength=t.size)
    weights = (partners > 0).astype(np.float64)
    weights[second] = 1 / partners[first]
    matched, alone = int((partners > 0).sum()), int((t & (partners == 0)).sum())
    partial = int(((partners > 0) & (partners < ratio)).sum())
    return Matching(
        treated=first,
        control=second,
        distance=np.abs(logit[first] - logit[second]),
        weights=weights,
        caliper=caliper,
        ratio=ratio,
        n_treated=int(t.sum()),
        n_control=int((~t).sum()),
        n_matched=matched,
        notes=tuple(
            f"{name}:{count}" for name, count in (("unmatched", alone), ("partial", partial)) if count
        ),
    )


def _caliper(logit: NDArray[np.float64], *, t: NDArray[np.bool_], caliper_sd: float) -> float:
    if not caliper_sd > 0:
        raise ConfigError(
            f"caliper_sd is {caliper_sd}, expected more than 0 standard deviations.",
            hint="Use None for no limit.",
        )
    if min(t.sum(), (~t).sum()) < 2:
        raise NotEnoughData(
            "a caliper in standard deviations needs at least 2 treated and 2 untreated persons."
        )
    return float(caliper_sd * np.sqrt((logit[t].var(ddof=1) + logit[~t].var(ddof=1)) / 2))


def _queue(
    rows: NDArray[np.intp], *, logit: NDArray[np.float64], order: str, rng: np.random.Generator | None
) -> NDArray[np.intp]:
    """Treated rows in the order in which they choose."""
    if order == "random":
        if rng is None:
            raise ConfigError("order is 'random' and no rng came.", hint="Pass rng, or order='descending'.")
        return rng.permutation(rows)
    key = -logit[rows] if order == "descending" else logit[rows]
    return rows[np.argsort(key, kind="stable")]


def _greedy(
    queue: NDArray[np.intp],
    controls: NDArray[np.intp],
    *,
    logit: NDArray[np.float64],
    labels: NDArray[Any],
    ratio: int,
    caliper: float | None,
) -> list[tuple[int, int]]:
    """(treated, control) rows, sorted by treated row; every control at most once."""
    free: dict[Any, NDArray[np.intp]] = {
        label: controls[labels[controls] == label] for label in set(labels.tolist())
    }
    open_: dict[Any, NDArray[np.bool_]] = {
        label: np.ones(rows.size, dtype=bool) for label, rows in free.items()
    }
    pairs: list[tuple[int, int]] = []
    for _ in range(ratio):
        for row in queue.tolist():
            label = labels[row].item() if hasattr(labels[row], "item") else labels[row]
            rows, is_open = free[label], open_[label]
            if not is_open.any():
                continue
            distance = np.where(is_open, np.abs(logit[rows] - logit[row]), np.inf)
            nearest = int(distance.argmin())
            if caliper is None or distance[nearest] <= caliper:
                is_open[nearest] = False
                pairs.append((row, int(rows[nearest])))
    return sorted(pairs)


def matched_effect(outcome: ArrayLike, matching: Matching, *, level: float = 0.95) -> TreatedEffect:
    """
    The difference in outcome inside the matched pairs: a risk difference for a 0/1 outcome.

    Parameters
    ----------
    outcome : array_like, shape (n,)
        For every row that was offered to `match`.
    matching : Matching
        The pairs.
    level : float in (0, 1)
        Confidence level, by the paired t distribution over treated persons.

    Raises
    ------
    NotEnoughData
        Fewer than 2 treated persons matched.
    ShapeError
        ``outcome`` is not as long as the matching.

    Source
    ------
    Austin (2011), Multivariate Behavioral Research 46:399-424 (paired analysis of matched samples).

    Examples
    --------
    >>> pairs = match([1, 1, 1, 0, 0, 0], [0.3, 0.5, 0.7, 0.31, 0.5, 0.69])
    >>> round(matched_effect([1, 1, 0, 0, 1, 0], pairs).value, 3)
    0.333
    """
    y = vector(outcome, name="outcome")
    level_in_range(level)
    if y.size != matching.weights.size:
        raise ShapeError(
            f"outcome has {y.size} values, the matching was made on {matching.weights.size} persons."
        )
    rows, place = np.unique(matching.treated, return_inverse=True)
    if rows.size < 2:
        raise NotEnoughData(f"{rows.size} treated person is matched, at least 2 are needed for an error.")
    partner = np.bincount(place, weights=y[matching.control]) / np.bincount(place)
    gap = y[rows] - partner
    value, se = float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(rows.size))
    half = float(stats.t.ppf(0.5 + level / 2, rows.size - 1)) * se
    p = float(2 * stats.t.sf(abs(value) / se, rows.size - 1)) if se > 0 else float(value == 0)
    return TreatedEffect(
        value=value,
        se=se,
        ci=Interval(value - half, value + half, level),
        p=p,
        treated_mean=float(y[rows].mean()),
        control_mean=float(partner.mean()),
        n_matched=int(rows.size),
        notes=matching.notes,
    )
