"""Harrell's concordance: how often the person with the higher risk has the event first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.core.result import Interval
from osteon.stats.times import Survival
from osteon.stats.wald import normal_quantile

__all__ = ["Concordance", "concordance", "risk_ranks"]

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concordance:
    """Harrell's C with its infinitesimal-jackknife error and the pairs of people it was counted from."""

    value: float
    se: float
    ci: Interval
    concordant: int
    discordant: int
    tied_risk: int
    n: int
    events: int
    notes: tuple[str, ...] = ()


def concordance(survival: Survival, risk: npt.ArrayLike, *, level: float = 0.95) -> Concordance:
    """
    Among pairs in which it is known who had the event first, the share where that person had the higher risk.

    Parameters
    ----------
    survival : Survival
        Follow-up times and event marks.
    risk : array_like, shape (n,)
        Any score that is higher for those expected to have the event sooner; only its order counts.
    level : float in (0, 1)
        Confidence level of the interval.

    Returns
    -------
    Concordance
        A pair with equal risk counts one half. Someone censored at the time of another's event outlived it.

    Raises
    ------
    NotEnoughData
        No pair can be compared.

    Source
    ------
    Harrell et al. (1982), JAMA 247:2543-2546; error as in Therneau & Watson (2015), R survival ``concordance``.

    Examples
    --------
    >>> concordance(Survival(time=[2, 4, 5, 7], event=[1, 1, 0, 1]), [0.9, 0.3, 0.5, 0.1]).value
    0.8
    """
    rank = risk_ranks(risk, n=survival.n)
    time, event = survival.time, survival.event
    everyone = np.lexsort((~event, time))
    cases = everyone[event[everyone]]
    outlived = np.searchsorted(
        time[cases], time, side="left"
    )  # events strictly before each person's own time
    outlived = np.where(event, outlived, np.searchsorted(time[cases], time, side="right"))
    below, equal = _below_and_equal(rank[cases], outlived, rank)
    as_later = outlived - below - equal + 0.5 * equal

    first_later = np.searchsorted(time[everyone], time[cases], side="left") + _events_at(time[cases])
    below, equal = _below_and_equal(rank[everyone], first_later, rank[cases])
    in_order = np.sort(rank)
    all_below = np.searchsorted(in_order, rank[cases], side="left")
    all_equal = np.searchsorted(in_order, rank[cases], side="right") - all_below
    concordant, tied = all_below - below, all_equal - equal
    pairs = survival.n - first_later
    n_pairs = int(pairs.sum())
    if n_pairs == 0:
        raise NotEnoughData(f"No two people can be compared ({survival.events} events among {survival.n}).")

    value = float((concordant + 0.5 * tied).sum() / n_pairs)
    agreeing, comparable = as_later, outlived.astype(np.float64)
    agreeing[cases] += concordant + 0.5 * tied
    comparable[cases] += pairs
    se = float(np.sqrt((((agreeing - value * comparable) / n_pairs) ** 2).sum()))
    half = normal_quantile(level) * se
    n_concordant, n_tied = int(concordant.sum()), int(tied.sum())
    return Concordance(
        value=value, se=se, ci=Interval(max(value - half, 0.0), min(value + half, 1.0), level),
        concordant=n_concordant, discordant=n_pairs - n_concordant - n_tied, tied_risk=n_tied, n=survival.n,
        events=survival.events,
    )  # fmt: skip


def risk_ranks(risk: npt.ArrayLike, *, n: int) -> Integers:
    """The place of each risk among the distinct risks, from 0; a missing risk or a wrong length is refused."""
    values = np.asarray(risk, dtype=np.float64)
    if values.shape != (n,):
        raise ShapeError(f"risk has shape {values.shape}, expected ({n},).")
    if np.isnan(values).any():
        raise InputError(f"risk has {int(np.isnan(values).sum())} missing values, expected none.")
    ranks: Integers = np.unique(values, return_inverse=True)[1]
    return ranks


def _events_at(time: npt.NDArray[np.float64]) -> Integers:
    """For each event, the number of events at its time; ``time`` is sorted."""
    return np.searchsorted(time, time, side="right") - np.searchsorted(time, time, side="left")


def _below_and_equal(rank: Integers, prefix: Integers, bound: Integers) -> tuple[Integers, Integers]:
    """Per query, how many of the first ``prefix`` entries of ``rank`` are below, and equal to, ``bound``."""
    below = _below(rank, prefix, bound)
    return below, _below(rank, prefix, bound + 1) - below


def _below(rank: Integers, prefix: Integers, bound: Integers) -> Integers:
    """Per query, how many of the first ``prefix`` entries are below ``bound``: a wavelet walk, O((n + q) log n)."""
    count = np.zeros(prefix.size, dtype=np.int64)
    low, high = np.zeros_like(count), prefix.astype(np.int64)
    for bit in reversed(range(int(max(rank.max(initial=0), bound.max(initial=0))).bit_length())):
        one = (rank >> bit) & 1
        zeros = np.concatenate([[0], np.cumsum(1 - one)])
        upper = (bound >> bit) & 1 == 1
        zeros_low, zeros_high = zeros[low], zeros[high]
        count += np.where(upper, zeros_high - zeros_low, 0)
        low = np.where(upper, zeros[-1] + low - zeros_low, zeros_low)
        high = np.where(upper, zeros[-1] + high - zeros_high, zeros_high)
        rank = np.concatenate([rank[one == 0], rank[one == 1]])
    return count
