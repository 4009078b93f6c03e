"""
The Hosmer-Lemeshow test of predicted risks.

Note used here: "n groups merged: tied risks".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2 as chi2_law

from osteon.core.errors import ConfigError, NotEnoughData
from osteon.stats.predicted import checked_outcome, checked_risk

__all__ = ["HosmerLemeshow", "hosmer_lemeshow", "quantile_groups"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HosmerLemeshow:
    """Observed against expected events in ``groups`` of rising risk; a small ``p`` speaks against the risks."""

    chi2: float
    df: int
    p: float
    groups: int
    group_n: tuple[int, ...]
    group_observed: tuple[float, ...]
    group_expected: tuple[float, ...]
    notes: tuple[str, ...] = ()


def hosmer_lemeshow(
    y_true: ArrayLike, risk: ArrayLike, *, groups: int = 10, fitted_here: bool = False
) -> HosmerLemeshow:
    """
    Observed against expected events in groups of rising risk.

    Parameters
    ----------
    y_true : array_like of 0/1, shape (n,)
        Who had the event.
    risk : array_like, shape (n,), 0 to 1
        Predicted probability.
    groups : int, at least 3
        Groups of equal size; groups that ties make equal are merged, and ``notes`` says so.
    fitted_here : bool
        True when the risks were fitted on these people: groups - 2 degrees of freedom, otherwise groups.

    Raises
    ------
    NotEnoughData
        One class only; fewer than three groups remain; a group in which the risks leave no doubt (all 0 or all 1).

    Source
    ------
    Hosmer & Lemeshow (1980), Communications in Statistics A9:1043-1069;
    degrees of freedom on new data: Hosmer, Lemeshow & Sturdivant (2013), Applied Logistic Regression, 5.2.2.
    """
    outcome = checked_outcome(y_true)
    p = checked_risk(risk, n=outcome.size)
    if groups < 3:
        raise ConfigError(f"groups is {groups}; the test needs at least 3.")
    group = quantile_groups(p, groups)
    n = np.bincount(group)
    kept = n.size
    if kept < 3:
        raise NotEnoughData(f"tied risks leave {kept} groups; at least 3 are needed.")
    observed = np.bincount(group, weights=outcome)
    expected = np.bincount(group, weights=p)
    spread = expected * (1.0 - expected / n)
    if np.any(spread <= 0.0):
        raise NotEnoughData("a group holds only risks of 0, or only of 1.")
    chi2 = float(((observed - expected) ** 2 / spread).sum())
    df = kept - 2 if fitted_here else kept
    return HosmerLemeshow(
        chi2=chi2,
        df=df,
        p=float(chi2_law.sf(chi2, df)),
        groups=kept,
        group_n=tuple(int(count) for count in n),
        group_observed=tuple(float(count) for count in observed),
        group_expected=tuple(float(count) for count in expected),
        notes=(f"{groups - kept} groups merged: tied risks",) if kept < groups else (),
    )


def quantile_groups(risk: NDArray[np.float64], groups: int) -> NDArray[np.intp]:
    """
    The group of each person, 0 upwards, by quantiles of risk closed on the right; ties may leave fewer groups.

    Examples
    --------
    >>> quantile_groups(np.array([0.1, 0.2, 0.3, 0.4]), 2).tolist()
    [0, 0, 1, 1]
    """
    edges = np.unique(np.quantile(risk, np.linspace(0.0, 1.0, groups + 1)))[1:-1]
    codes: NDArray[np.intp] = np.unique(np.searchsorted(edges, risk, side="left"), return_inverse=True)[1]
    return codes
