"""
Do two or more readers call the same cases the same? Kappa for categories, McNemar for paired yes/no.

Measurements on a scale (ICC, Bland-Altman) are in `osteon.stats.reliability`; several units a patient (vertebrae) in
`osteon.stats.clustered`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteon.core.errors import InputError, NotEnoughData
from osteon.core.result import Interval
from osteon.stats.inputs import count_table, level_in_range, option, same_length
from osteon.stats.wald import normal_quantile

__all__ = [
    "CrossTable",
    "Kappa",
    "McNemar",
    "agreement_weights",
    "cohens_kappa",
    "cross_table",
    "fleiss_cases",
    "fleiss_kappa",
    "mcnemar",
    "rating_counts",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """
    Agreement beyond chance: 1 perfect, 0 what chance gives, negative less than chance.

    ``se`` is the large-sample error around the estimate, ``se_null`` the error if kappa were 0, which ``z`` and
    ``p`` use.
    """

    value: float
    ci: Interval
    se: float
    se_null: float
    z: float
    p: float
    observed_agreement: float
    expected_agreement: float
    weights: str
    n: int
    readers: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"kappa {self.value:.3f} ({self.ci}), n={self.n}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossTable:
    """``counts[i, j]``: cases that reader A called ``categories[i]`` and reader B ``categories[j]``."""

    categories: tuple[Any, ...]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """Paired yes/no readings compared on the pairs that differ."""

    chi2: float
    p: float
    chi2_continuity: float
    p_continuity: float
    p_exact: float
    first_only: int
    second_only: int
    n_discordant: int
    notes: tuple[str, ...] = ()


def cross_table(
    reader_a: Sequence[Any], reader_b: Sequence[Any], *, categories: Sequence[Any] | None = None
) -> CrossTable:
    """
    The square table of two readers' calls, one case per position.

    Parameters
    ----------
    reader_a, reader_b : sequences of n calls
        Any labels that compare equal; missing calls must be left out by the caller.
    categories : sequence, optional
        Their order (matters for weighted kappa). Default: sorted labels that occur.

    Raises
    ------
    InputError
        A call is missing, or not among ``categories``.

    Examples
    --------
    >>> cross_table([1, 1, 2], [1, 2, 2]).counts.tolist()
    [[1, 1], [0, 1]]
    """
    first, second = np.asarray(reader_a).tolist(), np.asarray(reader_b).tolist()
    same_length(reader_a=first, reader_b=second)
    if any(call is None or call != call for call in (*first, *second)):
        raise InputError("a reader's call is missing.", hint="Leave out cases that one reader did not call.")
    order = tuple(categories) if categories is not None else tuple(sorted(set(first) | set(second)))
    place = {category: i for i, category in enumerate(order)}
    counts = np.zeros((len(order), len(order)), dtype=np.int64)
    for a, b in zip(first, second, strict=True):
        if a not in place or b not in place:
            raise InputError(
                f"a reader called {a if a not in place else b!r}, expected one of {list(order)}."
            )
        counts[place[a], place[b]] += 1
    return CrossTable(categories=order, counts=counts)


def agreement_weights(k: int, *, weights: str) -> NDArray[np.float64]:
    """Share of credit for calling ``i`` against ``j``: 1 on the diagonal, falling with distance."""
    if weights == "none":
        return np.eye(k)
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1)
    return np.asarray(1.0 - (distance if weights == "linear" else distance**2))


def cohens_kappa(
    table: ArrayLike, *, weights: Literal["none", "linear", "quadratic"] = "none", level: float = 0.95
) -> Kappa:
    """
    Cohen's kappa of two readers, plain or weighted, from a square table of counts.

    Parameters
    ----------
    table : array_like, shape (k, k), counts
        Cell ``[i, j]`` counts cases that reader A called ``i`` and reader B called ``j``.
    weights : "none", "linear", "quadratic"
        Partial credit for near misses of ordered categories.
    level : float in (0, 1)
        Confidence level of the interval.

    Returns
    -------
    Kappa
        The interval is symmetric, from the large-sample error, and cut at -1 and 1.

    Raises
    ------
    NotEnoughData
        Both readers used one and the same category: kappa is 0/0.

    Source
    ------
    Fleiss, Cohen & Everitt (1969), Psychological Bulletin 72:323-327.

    Examples
    --------
    >>> print(cohens_kappa([[0, 4, 1], [0, 8, 0], [0, 1, 5]]))
    kappa 0.484 (0.214 to 0.755), n=19
    """
    counts = count_table(table, square=True)
    option(weights, name="weights", allowed=("none", "linear", "quadratic"))
    level_in_range(level)
    n = counts.sum()
    p = counts / n
    row, column = p.sum(axis=1), p.sum(axis=0)
    credit = agreement_weights(len(p), weights=weights)
    observed, expected = float((credit * p).sum()), float((credit * np.outer(row, column)).sum())
    if 1 - expected < 1e-12:
        raise NotEnoughData(
            "both readers used one and the same category: kappa is 0/0.", hint="Report the raw agreement."
        )
    value = (observed - expected) / (1 - expected)
    mean_credit = np.add.outer(credit @ column, row @ credit)
    spread = float((p * (credit - mean_credit * (1 - value)) ** 2).sum())
    variance = (spread - (value - expected * (1 - value)) ** 2) / (n * (1 - expected) ** 2)
    null = (float((np.outer(row, column) * (credit - mean_credit) ** 2).sum()) - expected**2) / (
        n * (1 - expected) ** 2
    )
    return _kappa(
        (observed, expected), variances=(variance, null), weights=weights, n=int(n), readers=2, level=level
    )


def _kappa(
    agreement: tuple[float, float],
    *,
    variances: tuple[float, float],
    weights: str,
    n: int,
    readers: int,
    level: float,
) -> Kappa:
    """The result from (observed, expected) agreement and the variances (around the estimate, under kappa = 0)."""
    observed, expected = agreement
    value = (observed - expected) / (1 - expected)
    se, se_null = (float(np.sqrt(max(variance, 0.0))) for variance in variances)
    half = normal_quantile(level) * se
    z = value / se_null if se_null > 0 else float("nan")
    return Kappa(
        value=float(value),
        ci=Interval(max(float(value) - half, -1.0), min(float(value) + half, 1.0), level),
        se=se,
        se_null=se_null,
        z=float(z),
        p=float(2 * stats.norm.sf(abs(z))),
        observed_agreement=observed,
        expected_agreement=expected,
        weights=weights,
        n=n,
        readers=readers,
    )


def rating_counts(
    ratings: Sequence[Sequence[Any]], *, categories: Sequence[Any] | None = None
) -> NDArray[np.int64]:
    """
    How many readers put each case in each category, from one row of calls per case.

    Examples
    --------
    >>> rating_counts([["A", "A", "B"], ["B", "B", "B"]]).tolist()
    [[2, 1], [0, 3]]
    """
    rows = np.asarray(ratings).tolist()
    order = list(categories) if categories is not None else sorted({call for row in rows for call in row})
    strange = [call for row in rows for call in row if call not in order]
    if strange:
        raise InputError(f"a reader called {strange[0]!r}, expected one of {order}.")
    return np.array([[row.count(category) for category in order] for row in rows], dtype=np.int64)


def fleiss_kappa(counts: ArrayLike, *, level: float = 0.95) -> Kappa:
    """
    Agreement of many readers on unordered categories.

    Parameters
    ----------
    counts : array_like, shape (n cases, k categories)
        How many readers put case ``i`` in category ``j``; every row sums to the same number of readers.
    level : float in (0, 1)
        Confidence level.

    Raises
    ------
    InputError
        Cases were read by different numbers of readers.
    NotEnoughData
        One reader, one case, or one category used throughout.

    Notes
    -----
    ``se_null`` is the error under no agreement (Fleiss, Nee & Landis); the interval uses Gwet's large-sample
    error around the estimate over cases.

    Source
    ------
    Fleiss (1971), Psychological Bulletin 76:378-382; Fleiss, Nee & Landis (1979), 86:974-977; Gwet (2021),
    Educational and Psychological Measurement 81:781-790.

    Examples
    --------
    >>> fleiss_kappa([[2, 0], [0, 2], [1, 1], [2, 0]]).readers
    2
    """
    table = count_table(counts, name="counts")
    level_in_range(level)
    totals = table.sum(axis=1)
    if np.any(totals != totals[0]):
        raise InputError(
            f"cases were read by {int(totals.min())} to {int(totals.max())} readers, expected the same number.",
            hint="Keep the cases that every reader called.",
        )
    n, m = table.shape[0], float(totals[0])
    if m < 2:
        raise NotEnoughData("each case has one reader, at least 2 are needed.")
    share = table.sum(axis=0) / (n * m)
    expected = float((share**2).sum())
    if 1 - expected < 1e-12:
        raise NotEnoughData("every reader used one and the same category: kappa is 0/0.")
    observed = float(_pairs_alike(table).mean())
    value = (observed - expected) / (1 - expected)
    each = fleiss_cases(table)
    variance = float(((each - value) ** 2).sum() / (n * (n - 1)))
    pq = float((share * (1 - share)).sum())
    skew = float((share * (1 - share) * (1 - 2 * share)).sum())
    null = 2 * (pq**2 - skew) / (n * m * (m - 1) * pq**2)
    return _kappa(
        (observed, expected), variances=(variance, null), weights="none", n=n, readers=int(m), level=level
    )


def _pairs_alike(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the pairs of readers that agree, case by case."""
    m = table.sum(axis=1)
    return np.asarray(((table**2).sum(axis=1) - m) / (m * (m - 1)))


def fleiss_cases(counts: ArrayLike) -> NDArray[np.float64]:
    """
    What each case contributes to Fleiss' kappa (linearised): their mean is kappa, their spread its error.

    Source
    ------
    Gwet (2021), Educational and Psychological Measurement 81:781-790.

    Examples
    --------
    >>> counts = [[2, 0], [0, 2], [1, 1], [2, 0]]
    >>> bool(abs(fleiss_cases(counts).mean() - fleiss_kappa(counts).value) < 1e-12)
    True
    """
    table = count_table(counts, name="counts")
    n, m = table.shape[0], table.sum(axis=1)[0]
    share = table.sum(axis=0) / (n * m)
    expected = float((share**2).sum())
    agreement = _pairs_alike(table)
    value = (float(agreement.mean()) - expected) / (1 - expected)
    each = (agreement - expected) / (1 - expected)
    return np.asarray(each - 2 * (1 - value) * (table @ share / m - expected) / (1 - expected))


def mcnemar(*, first_only: int, second_only: int) -> McNemar:
    """
    Is one of two paired yes/no tests positive (or right) more often, judged on the pairs that differ?

    Parameters
    ----------
    first_only, second_only : int >= 0
        Pairs in which only the first, or only the second, is positive.

    Raises
    ------
    NotEnoughData
        No pair differs: the statistic is 0/0.

    Source
    ------
    McNemar (1947), Psychometrika 12:153-157; the exact p is the two-sided binomial with probability 1/2.

    Examples
    --------
    >>> round(mcnemar(first_only=5, second_only=12).p_exact, 4)
    0.1435
    """
    for name, count in (("first_only", first_only), ("second_only", second_only)):
        if count < 0 or count != int(count):
            raise InputError(f"{name} is {count}, expected a whole count of 0 or more.")
    b, c = int(first_only), int(second_only)
    if b + c == 0:
        raise NotEnoughData(
            "no pair differs: McNemar's statistic is 0/0.", hint="Report the identical counts instead."
        )
    chi2 = (b - c) ** 2 / (b + c)
    continuity = max(abs(b - c) - 1, 0) ** 2 / (b + c)
    return McNemar(
        chi2=chi2,
        p=float(stats.chi2.sf(chi2, 1)),
        chi2_continuity=continuity,
        p_continuity=float(stats.chi2.sf(continuity, 1)),
        p_exact=float(stats.binomtest(b, b + c, 0.5).pvalue),
        first_only=b,
        second_only=c,
        n_discordant=b + c,
        notes=("few_discordant",) if b + c < 25 else (),
    )
