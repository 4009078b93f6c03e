"""
How many groups: elbow (kneedle), silhouette and gap, each of which votes; and whether there are groups at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteon.core.errors import ConfigError, NotEnoughData
from osteon.models.cluster_kmeans import Labels

__all__ = ["GroupCount", "Structure", "counted", "gap_choice", "kneedle", "silhouette", "silhouettes"]

Floats = NDArray[np.float64]


def silhouettes(between: Floats, labels: Labels) -> Floats:
    """
    How much nearer each row is to its own group than to the next one: -1 to 1, shape (n,).

    Parameters
    ----------
    between : array, shape (n, n)
        Distances.
    labels : array of int, shape (n,)

    Source
    ------
    Rousseeuw (1987), J Comput Appl Math 20:53-65. A group of one row has 0.

    Examples
    --------
    >>> places = np.array([[0.0], [1.0], [10.0]])
    >>> silhouettes(abs(places - places.T), np.array([0, 0, 1])).round(4).tolist()
    [0.9, 0.8889, 0.0]
    """
    groups, own = np.unique(labels, return_inverse=True)
    if len(groups) < 2:
        raise NotEnoughData(f"{len(groups)} group: a silhouette compares at least two.")
    member = np.equal(own[:, None], np.arange(len(groups))).astype(np.float64)
    size = member.sum(axis=0)
    sums = between @ member
    rows = np.arange(len(own))
    alone = size[own] == 1
    inside = sums[rows, own] / np.maximum(size[own] - 1, 1)
    means = sums / size
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    largest = np.maximum(inside, outside)
    found = np.where(largest > 0, (outside - inside) / np.where(largest > 0, largest, 1.0), 0.0)
    return np.asarray(np.where(alone, 0.0, found))


def silhouette(between: Floats, labels: Labels) -> float:
    """The mean silhouette; -1 where everyone is in one group."""
    return float(silhouettes(between, labels).mean()) if len(np.unique(labels)) > 1 else -1.0


def kneedle(ks: Sequence[int], losses: Sequence[float], *, sensitivity: float = 1.0) -> int | None:
    """
    The elbow of a falling curve: where it turns from steep to flat.

    Parameters
    ----------
    ks : sequence of int
        Ascending.
    losses : sequence of float
        One for each k.
    sensitivity : float
        How far the curve must flatten before a bend counts (1 in the paper).

    Returns
    -------
    int or None
        None when the curve has no bend.

    Source
    ------
    Satopaa et al. (2011), ICDCS workshops, 166-171.

    Examples
    --------
    >>> kneedle([1, 2, 3, 4, 5, 6], [100, 60, 30, 10, 8, 6])
    4
    >>> kneedle([1, 2, 3, 4], [40, 30, 20, 10]) is None
    True
    """
    x, y = np.asarray(ks, dtype=float), np.asarray(losses, dtype=float)
    if len(x) != len(y) or len(x) < 3 or not np.ptp(y) > 0:
        return None
    x = (x - x[0]) / (x[-1] - x[0])
    rise = 1 - (y - y.min()) / np.ptp(y)  # falling and convex becomes rising and concave
    above = rise - x
    step = sensitivity * float(np.mean(np.diff(x)))
    peak: int | None = None
    for i in range(1, len(x)):
        is_peak = above[i] > above[i - 1] and (i + 1 == len(x) or above[i] >= above[i + 1])
        if is_peak and i + 1 < len(x):
            peak = i
        elif peak is not None and above[i] < above[peak] - step:
            return int(ks[peak])
    return None


def gap_choice(gaps: Sequence[float], errors: Sequence[float], ks: Sequence[int]) -> int:
    """
    The smallest k whose gap is not beaten by that of k + 1 by more than its error.

    Source
    ------
    Tibshirani, Walther & Hastie (2001), J R Stat Soc B 63:411-423, step 3.

    Examples
    --------
    >>> gap_choice([0.1, 0.3, 0.9, 0.85], [0.05, 0.05, 0.05, 0.05], [1, 2, 3, 4])
    3
    """
    for i in range(len(ks) - 1):
        if gaps[i] >= gaps[i + 1] - errors[i + 1]:
            return int(ks[i])
    return int(ks[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """
    The silhouette against that of one single group with the same columns.

    Attributes
    ----------
    observed, expected : float
        Mean silhouette at the chosen k; mean of the best silhouettes (over all k) of the reference draws.
    z : float
        Standard deviations of the reference between the two.
    p : float
        Share of reference draws as high, the data counted as one.
    draws : int
    """

    observed: float
    expected: float
    z: float
    p: float
    draws: int

    @property
    def found(self) -> bool:
        """Groups are there: beyond 3 standard deviations, and hardly any reference draw as high."""
        return self.z >= 3.0 and self.p <= 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCount:
    """
    The number of groups, and what each criterion said.

    Attributes
    ----------
    k : int
        Chosen: named by two of elbow, silhouette and gap; else by the gap where it sees groups; else by the silhouette.
        ``rule`` says which ("agreed", "gap", "silhouette", "bic", "stability", "given").
    votes : dict
        ``elbow``, ``silhouette``, ``gap`` (and ``bic`` of mixtures), None where there is none.
    ks, losses, silhouettes, gaps, gap_errors : tuples
        The curves from k = 1 (its silhouette is NaN).
    """

    k: int
    rule: str
    votes: dict[str, int | None]
    ks: tuple[int, ...]
    losses: tuple[float, ...]
    silhouettes: tuple[float, ...]
    gaps: tuple[float, ...]
    gap_errors: tuple[float, ...]
    structure: Structure


def counted(
    losses: Sequence[float],
    widths: Sequence[float],
    reference_losses: Floats,
    reference_widths: Floats,
    *,
    bics: Sequence[float] = (),
    k: int = 0,
    voters: Sequence[str] = ("elbow", "silhouette", "gap"),
) -> GroupCount:
    """
    Choose the number of groups from the curves of the data and of reference draws of one single group.

    Parameters
    ----------
    losses : sequence of float, for k = 1, 2, ...
    widths : sequence of float
        Mean silhouettes; that of k = 1 is not looked at.
    reference_losses, reference_widths : arrays, shape (draws, number of ks)
    bics : sequence of float, optional
        Of mixtures: the smallest decides.
    k : int
        Given beforehand; 0 lets the criteria vote.
    voters : sequence of str
        Whose votes count; the published study looked at elbow and silhouette.
    """
    ks = tuple(range(1, len(losses) + 1))
    if len(ks) < 3 or k > len(ks):
        raise ConfigError(f"groups from 1 to {len(ks)} were tried, k = {k}.", hint="Try at least 3.")
    tiny = float(np.finfo(float).tiny)
    reference = np.log(np.maximum(reference_losses, tiny))
    gaps = reference.mean(axis=0) - np.log(np.maximum(np.asarray(losses, dtype=float), tiny))
    errors = reference.std(axis=0) * np.sqrt(1 + 1 / len(reference))
    votes: dict[str, int | None] = {
        "elbow": kneedle(ks, losses),
        "silhouette": int(np.nanargmax(np.asarray(widths[1:], dtype=float))) + 2,
        "gap": gap_choice(gaps.tolist(), errors.tolist(), ks),
    }
    if bics:
        votes["bic"] = int(np.argmin(bics)) + 1
    chosen, rule = (k, "given") if k else _voted(votes, voters)
    best = np.nanmax(reference_widths[:, 1:], axis=1)
    observed = float(widths[chosen - 1]) if chosen > 1 else float(np.nanmax(np.asarray(widths[1:])))
    structure = Structure(
        observed=observed, expected=float(best.mean()), draws=len(best),
        z=float((observed - best.mean()) / max(float(best.std(ddof=1)), 1e-9)),
        p=float((1 + (best >= observed).sum()) / (1 + len(best))),
    )  # fmt: skip
    return GroupCount(k=chosen, rule=rule, votes=votes, ks=ks, losses=tuple(map(float, losses)),
                      silhouettes=(float("nan"), *map(float, widths[1:])), gaps=tuple(gaps.tolist()),
                      gap_errors=tuple(errors.tolist()), structure=structure)  # fmt: skip


def _voted(votes: dict[str, int | None], voters: Sequence[str]) -> tuple[int, str]:
    """
    The number two voters agree on; else that of the gap, which alone could have said one; else of the silhouette.

    Elbow and silhouette look for the coarsest contrast; the gap asks whether one more group is more than a single group
    would give. Of a mixture the BIC alone decides.
    """
    if (by_bic := votes.get("bic")) is not None:
        return by_bic, "bic"
    said = [votes[name] for name in voters]
    for k in said:
        if k is not None and said.count(k) >= 2:
            return k, "agreed"
    gap = votes["gap"] if "gap" in voters else None
    return (gap, "gap") if gap is not None and gap > 1 else (votes["silhouette"] or 1, "silhouette")
