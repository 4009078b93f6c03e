"""
Shares, McNemar's test and kappa where one patient brings several units (vertebrae, sides, visits).

Units of a patient resemble each other; counted as if they were patients, they make every interval too narrow and
every p too small. With one unit a patient each function here gives what its plain counterpart gives. Copying every
unit within its patient changes no test and no kappa; it changes no interval of a difference unless units resemble each
other less within a patient than between patients; and it widens that of a share a little, by its correction for few
patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteon.core.errors import InputError, ShapeError
from osteon.core.result import Interval
from osteon.stats.agreement import (
    Kappa,
    agreement_weights,
    cohens_kappa,
    cross_table,
    fleiss_cases,
    fleiss_kappa,
    rating_counts,
)
from osteon.stats.inputs import flags, level_in_range, same_length
from osteon.stats.proportion import tango_interval, wilson_interval
from osteon.stats.wald import normal_quantile

__all__ = ["ClusteredMcNemar", "ClusteredShare", "clustered_fleiss_kappa", "clustered_kappa", "clustered_mcnemar",
           "clustered_share"]  # fmt: skip

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredShare:
    """
    ``k`` of ``n`` units of ``patients`` patients.

    ``design_effect`` is the variance over that of ``n`` independent units, below 1 where units resemble each other less
    within a patient than between patients.
    """

    value: float
    ci: Interval
    k: int
    n: int
    patients: int
    design_effect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredMcNemar:
    """
    Two yes/no readings of the same units, compared with the patient as the unit of chance.

    ``difference`` is the share of second minus that of first, ``design_effect`` its variance over that of independent
    units were there no difference. ``first_only``, ``second_only`` count units, ``patients_first``,
    ``patients_second`` the patients in whom the first (second) is positive more often. Notes: ``few_discordant`` (fewer
    than 25 patients that tell), ``no_pair_differs``, ``balanced_within_patients`` (every patient's differences cancel).
    """

    chi2: float
    p: float
    p_exact: float
    difference: float
    ci: Interval
    design_effect: float
    first_only: int
    second_only: int
    patients_first: int
    patients_second: int
    units: int
    patients: int
    notes: tuple[str, ...] = ()


def clustered_share(positive: ArrayLike, clusters: ArrayLike, *, level: float = 0.95) -> ClusteredShare:
    """
    A share of units with Wilson's interval at the number of independent units that would be as certain.

    Parameters
    ----------
    positive : array_like of 0/1, shape (n,)
    clusters : array_like, shape (n,)
        The patient of each unit.
    level : float in (0, 1)

    Returns
    -------
    ClusteredShare
        The interval takes the design effect as 1 or more, and ``n / design_effect`` times (t of n - 1 / t of K - 1)^2
        units of K patients, since few patients tell the design effect badly. Where it cannot be told (no unit or every
        unit positive, or one patient), it is that of units which always agree within a patient.

    Raises
    ------
    NotEnoughData
        No unit.

    Source
    ------
    Korn & Graubard (1998), Survey Methodology 24:193-201, with Wilson's (1927, JASA 22:209-212) interval as by Dean &
    Pagano (2015), Journal of Survey Statistics and Methodology 3:484-503; effective number of units after Rao & Scott
    (1992), Biometrics 48:577-585.

    Differs
    -------
    A design effect below 1 counts as 1 before the correction for few patients, not after it: a few patients who happen to
    be alike are no proof that patients are.

    Examples
    --------
    81 of 263 patients with one unit each (Newcombe 1998), then each unit three times over.

    >>> once = clustered_share([1] * 81 + [0] * 182, range(263))
    >>> thrice = clustered_share(([1] * 81 + [0] * 182) * 3, list(range(263)) * 3)
    >>> print(once.ci, "|", thrice.ci)
    0.255 to 0.366 | 0.255 to 0.366
    """
    level_in_range(level)
    yes = flags(positive, name="positive", both=False)
    codes, size = _patients(clusters, n=yes.size)
    share = float(yes.mean())
    n, patients = yes.size, size.size
    if patients == 1 or share in (0.0, 1.0):
        effect, few_patients = _most_cautious(size), 1.0
    else:
        between = float((np.bincount(codes, yes - share) ** 2).sum()) * patients / (patients - 1)
        effect = between / (n * share * (1 - share)) * (n - 1) / n
        few_patients = float(np.divide(*stats.t.isf((1 - level) / 2, (n - 1, patients - 1)))) ** 2
    low, high = wilson_interval(share, n / max(effect, 1.0) * few_patients, level=level)
    return ClusteredShare(value=share, ci=Interval(low, high, level), k=int(yes.sum()), n=n,
                          patients=patients, design_effect=effect)  # fmt: skip


def clustered_mcnemar(
    first: ArrayLike, second: ArrayLike, clusters: ArrayLike, *, level: float = 0.95
) -> ClusteredMcNemar:
    """
    Is one of two readings of the same units positive (or right) more often, when patients bring several units?

    Parameters
    ----------
    first, second : array_like of 0/1, shape (n,)
    clusters : array_like, shape (n,)
        The patient of each unit.
    level : float in (0, 1)

    Returns
    -------
    ClusteredMcNemar
        ``chi2`` is Obuchowski's statistic without its factor for few patients, (sum d)^2 / sum d^2 over each patient's
        difference d. ``p_exact`` exchanges the two readings of whole patients in every possible way. With one unit a
        patient they are McNemar's chi-square and exact binomial p. ``ci`` is Tango's score interval at the number of
        independent units that would be as certain, never more than there are; it holds 0 wherever ``p_exact`` does
        not reject. Where no unit differs, p is 1 and ``ci`` says what difference may have been missed by chance, units
        taken to agree within a patient.

    Raises
    ------
    ShapeError
        Lengths differ.

    Source
    ------
    Obuchowski (1998), Statistics in Medicine 17:1495-1507, in the notation of Yang, Sun & Hardin (2010), Biometrical
    Journal 52:638-652; Tango (1998), Statistics in Medicine 17:891-908; effective number of units after Rao & Scott
    (1992), Biometrics 48:577-585.

    Differs
    -------
    Obuchowski's factor (K - 1) / K of K patients is left out, so that one unit a patient gives McNemar's statistic;
    Yang, Sun and Hardin's own statistic averages this variance with the one about the observed difference. The exact
    p is the exchange (sign-flip) test of the same differences. With few discordant pairs it exceeds the p of the
    chi-square, which Tango's interval belongs to; the interval is then drawn out to 0.

    Examples
    --------
    Five patients for the first and twelve for the second, six vertebrae each: McNemar's p for 5 against 12.

    >>> first = ([1] * 5 + [0] * 12) * 6
    >>> test = clustered_mcnemar(first, 1 - np.array(first), list(range(17)) * 6)
    >>> round(test.p_exact, 4), test.first_only, test.patients_first
    (0.1435, 30, 5)
    """
    level_in_range(level)
    one, other = (flags(v, name=name, both=False) for v, name in ((first, "first"), (second, "second")))
    n = same_length(first=one, second=other)
    codes, size = _patients(clusters, n=n)
    gap = other.astype(np.int64) - one.astype(np.int64)
    moves = np.rint(np.bincount(codes, gap)).astype(np.int64)
    squares, discordant = float((moves**2).sum()), int(np.count_nonzero(gap))
    chi2, p_exact = float(moves.sum()) ** 2 / squares if squares else 0.0, _exchanged(moves)
    effect = squares / discordant if discordant else _most_cautious(size)
    scale = 1 / max(effect, 1.0)
    down, up = int((gap < 0).sum()), int((gap > 0).sum())
    low, high = tango_interval(down * scale, up * scale, n * scale, level=level)
    if p_exact >= 1 - level:
        low, high = min(low, 0.0), max(high, 0.0)
    notes = ("few_discordant",) if np.count_nonzero(moves) < 25 else ()
    if not squares:
        notes = (*notes, "balanced_within_patients" if discordant else "no_pair_differs")
    return ClusteredMcNemar(
        chi2=chi2, p=float(stats.chi2.sf(chi2, 1)), p_exact=p_exact, difference=(up - down) / n,
        ci=Interval(low, high, level), design_effect=effect, first_only=down, second_only=up,
        patients_first=int((moves < 0).sum()), patients_second=int((moves > 0).sum()), units=n, patients=size.size,
        notes=notes,
    )  # fmt: skip


def _exchanged(moves: NDArray[np.int64]) -> float:
    """Share of all sign patterns of the patients' differences whose sum is at least as far from 0."""
    sizes = np.abs(moves[moves != 0])
    reach = int(sizes.sum())
    chance = np.zeros(2 * reach + 1)
    chance[reach] = 1.0
    for size in sizes.tolist():
        chance = 0.5 * (np.roll(chance, size) + np.roll(chance, -size))
    far = np.abs(np.arange(-reach, reach + 1)) >= abs(int(moves.sum()))
    return float(min(chance[far].sum(), 1.0))


def clustered_kappa(
    reader_a: Sequence[Any],
    reader_b: Sequence[Any],
    clusters: ArrayLike,
    *,
    categories: Sequence[Any] | None = None,
    weights: Literal["none", "linear", "quadratic"] = "none",
    level: float = 0.95,
) -> Kappa:
    """
    Cohen's kappa of two readers on units of which a patient brings several.

    Parameters
    ----------
    reader_a, reader_b : sequences of n calls
    clusters : array_like, shape (n,)
        The patient of each unit.
    categories, weights, level
        As in `osteon.stats.agreement.cross_table` and `cohens_kappa`.

    Returns
    -------
    Kappa
        The value is that of the units; the error comes from the patients' sums of the linearised statistic (delta
        method). The error under kappa = 0 is widened by the same design effect. ``n`` counts units; note
        ``patients:<K>``.

    Raises
    ------
    NotEnoughData
        Both readers used one and the same category.

    Source
    ------
    Yang & Zhou (2014), Statistics in Medicine 33:2612-2633; Fleiss, Cohen & Everitt (1969), Psychological Bulletin
    72:323-327 for one unit a patient.

    Examples
    --------
    >>> a, b = [1, 1, 1, 2, 2, 2, 3, 3], [1, 1, 2, 2, 2, 3, 3, 3]
    >>> once, twice = clustered_kappa(a, b, range(8)), clustered_kappa(a * 2, b * 2, [*range(8), *range(8)])
    >>> print(once, "|", twice)
    kappa 0.628 (0.188 to 1.000), n=8 | kappa 0.628 (0.188 to 1.000), n=16
    """
    table = cross_table(reader_a, reader_b, categories=categories)
    plain = cohens_kappa(table.counts, weights=weights, level=level)
    codes, size = _patients(clusters, n=plain.n)
    place = {category: i for i, category in enumerate(table.categories)}
    rows, columns = (
        np.array([place[call] for call in np.asarray(calls).tolist()]) for calls in (reader_a, reader_b)
    )
    p = table.counts / plain.n
    credit = agreement_weights(len(p), weights=weights)
    chance = np.add.outer(credit @ p.sum(axis=0), p.sum(axis=1) @ credit)
    each = (credit - chance * (1 - plain.value))[rows, columns] / (1 - plain.expected_agreement)
    return _clustered(plain, each, codes, size, level)


def clustered_fleiss_kappa(
    ratings: Sequence[Sequence[Any]],
    clusters: ArrayLike,
    *,
    categories: Sequence[Any] | None = None,
    level: float = 0.95,
) -> Kappa:
    """
    Fleiss' kappa of many readers on units of which a patient brings several.

    Parameters
    ----------
    ratings : one row of calls per unit, one call per reader
    clusters : array_like, shape (n,)
        The patient of each unit.
    categories, level
        As in `osteon.stats.agreement.rating_counts` and `fleiss_kappa`.

    Returns
    -------
    Kappa
        As `clustered_kappa`, from Gwet's error over cases summed within patients.

    Source
    ------
    Gwet (2021), Educational and Psychological Measurement 81:781-790, with the patient as the case.

    Examples
    --------
    >>> rows = [["A", "A"], ["B", "B"], ["A", "B"], ["A", "A"]]
    >>> clustered_fleiss_kappa(rows, range(4)).ci == fleiss_kappa(rating_counts(rows)).ci
    True
    """
    counts = rating_counts(ratings, categories=categories)
    plain = fleiss_kappa(counts, level=level)
    codes, size = _patients(clusters, n=plain.n)
    # Gwet divides by n - 1 cases; here the cases are the patients
    by_patient = replace(
        plain, se=plain.se * float(np.sqrt((plain.n - 1) / plain.n * size.size / max(size.size - 1, 1)))
    )
    return _clustered(by_patient, fleiss_cases(counts), codes, size, level)


def _clustered(plain: Kappa, each: Floats, codes: Codes, size: Floats, level: float) -> Kappa:
    """``plain`` with its errors scaled by the design effect of its linearised units ``each``."""
    deviation = each - each.mean()
    sums = np.bincount(codes, deviation)
    effect = _design_effect(float((sums**2).sum()), float((deviation**2).sum()), size)
    se, se_null = plain.se * float(np.sqrt(effect)), plain.se_null * float(np.sqrt(effect))
    half = normal_quantile(level) * se
    z = plain.value / se_null if se_null > 0 else float("nan")
    return replace(
        plain, se=se, se_null=se_null, z=z, p=float(2 * stats.norm.sf(abs(z))),
        ci=Interval(max(plain.value - half, -1.0), min(plain.value + half, 1.0), level),
        notes=(*plain.notes, f"patients:{size.size}"),
    )  # fmt: skip


def _design_effect(clustered: float, independent: float, size: Floats) -> float:
    """
    Variance over patients to variance over units; that of units which always agree where either is 0.

    A variance of 0 between patients is no certainty: it is what a handful of patients may show by chance.
    """
    if min(clustered, independent) <= 1e-12 * size.sum():
        return _most_cautious(size)
    return clustered / independent


def _most_cautious(size: Floats) -> float:
    """The design effect of units that always agree within a patient."""
    return float((size**2).sum() / size.sum())


def _patients(clusters: ArrayLike, *, n: int) -> tuple[Codes, Floats]:
    """The patient of each unit as a number, and each patient's number of units."""
    labels = np.asarray(clusters)
    if labels.shape != (n,):
        raise ShapeError(
            f"clusters has shape {labels.shape} for {n} units.", hint="Pass one patient per unit."
        )
    if any(label is None or label != label for label in labels.tolist()):
        raise InputError("clusters has a missing label.", hint="Give every unit its patient.")
    codes: Codes = np.unique(labels, return_inverse=True)[1]
    return codes, np.bincount(codes).astype(np.float64)
