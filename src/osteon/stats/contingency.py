"""
Are two categories related? Chi-square and Fisher's exact test on a table of counts.

Notes used: ``expected_below_5:<share>`` (share of cells), ``monte_carlo:<tables>`` (p by simulation),
``empty_dropped:<rows and columns>`` (rows or columns without anybody).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.core.result import Interval
from osteon.stats.compare import Comparison, EffectSize
from osteon.stats.inputs import count_table, level_in_range

__all__ = ["chi_squared", "expected_counts", "fisher_exact"]

MOST_STATES = 2_000_000
SIMULATED_TABLES = 20_000
SAME_LOG = 1e-7  # R counts a table as likely as the observed one within this relative error


def _filled(table: ArrayLike) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The table without empty rows and columns, and a note of how many went."""
    counts = count_table(table)
    kept = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    dropped = sum(counts.shape) - sum(kept.shape)
    if min(kept.shape) < 2:
        raise NotEnoughData("only one row or one column counts anybody: there is nothing to compare.")
    return kept, (f"empty_dropped:{dropped}",) if dropped else ()


def expected_counts(table: ArrayLike) -> NDArray[np.float64]:
    """
    Counts to be expected in each cell if rows and columns were unrelated.

    Examples
    --------
    >>> expected_counts([[10, 20], [30, 40]]).tolist()
    [[12.0, 18.0], [28.0, 42.0]]
    """
    counts = count_table(table)
    return np.asarray(np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum())


def chi_squared(table: ArrayLike, *, continuity: bool = False) -> Comparison:
    """
    Are rows and columns of a table of counts related (Pearson)?

    Parameters
    ----------
    table : array_like, shape (r, c), counts
        Empty rows and columns are dropped and noted.
    continuity : bool
        Yates's correction, 2 x 2 only.

    Returns
    -------
    Comparison
        Effects ``cramers_v`` (from the uncorrected statistic) and, for 2 x 2, ``phi`` with sign.

    Raises
    ------
    NotEnoughData
        Fewer than two rows or columns count anybody.
    ShapeError
        ``continuity`` on a larger table.

    Source
    ------
    Pearson (1900), Philosophical Magazine 50:157-175; Yates (1934), Supplement to the JRSS 1:217-235.

    Examples
    --------
    >>> round(chi_squared([[153, 26], [167, 12]]).statistic, 3)
    5.77
    """
    counts, notes = _filled(table)
    if continuity and counts.shape != (2, 2):
        raise ShapeError(
            f"the table is {counts.shape[0]} x {counts.shape[1]}, Yates's correction is for 2 x 2."
        )
    expected = expected_counts(counts)
    gap = np.abs(counts - expected)
    plain = float((gap**2 / expected).sum())
    statistic = float(((gap - min(0.5, float(gap.min()))) ** 2 / expected).sum()) if continuity else plain
    df = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    n = float(counts.sum())
    effects = [EffectSize(name="cramers_v", value=float(np.sqrt(plain / (n * (min(counts.shape) - 1)))))]
    if counts.shape == (2, 2):
        sign = np.sign(counts[0, 0] * counts[1, 1] - counts[0, 1] * counts[1, 0])
        effects.append(EffectSize(name="phi", value=float(sign * np.sqrt(plain / n))))
    low = float((expected < 5).mean())
    return Comparison(
        test="chi_squared_yates" if continuity else "chi_squared",
        statistic=statistic,
        df=(float(df),),
        p=float(stats.chi2.sf(statistic, df)),
        effects=tuple(effects),
        n=tuple(int(total) for total in counts.sum(axis=1)),
        notes=(*notes, f"expected_below_5:{low:.2f}") if low else notes,
    )


def fisher_exact(
    table: ArrayLike, *, level: float = 0.95, rng: np.random.Generator | None = None
) -> Comparison:
    """
    Are rows and columns of a small table related, judged over all tables with the same totals (Fisher)?

    Parameters
    ----------
    table : array_like, shape (r, c), counts
        Empty rows and columns are dropped and noted.
    level : float in (0, 1)
        Confidence level of the odds ratio (2 x 2).
    rng : numpy Generator, optional
        For tables too large to enumerate: p by simulation with a note.

    Returns
    -------
    Comparison
        2 x 2: ``estimate`` is the conditional maximum-likelihood odds ratio with its exact interval, as R's
        ``fisher.test``. ``statistic`` is the probability of the observed table; p sums the tables that are no
        more probable.

    Raises
    ------
    InputError
        The table is too large to enumerate and no ``rng`` came.
    NotEnoughData
        Fewer than two rows or columns count anybody.

    Source
    ------
    Fisher (1935), Journal of the Royal Statistical Society 98:39-82; Freeman & Halton (1951), Biometrika 38:141-149.

    Examples
    --------
    >>> round(fisher_exact([[3, 1], [1, 3]]).p, 4)
    0.4857
    """
    counts, notes = _filled(table)
    level_in_range(level)
    n = tuple(int(total) for total in counts.sum(axis=1))
    observed = _log_weight(counts)
    chance = float(np.exp(observed))
    v = chi_squared(counts).effect("cramers_v")
    effects = (EffectSize(name="cramers_v", value=v),)
    whole = counts.astype(np.int64)
    if counts.shape == (2, 2):
        ratio = stats.contingency.odds_ratio(whole, kind="conditional")
        limits = ratio.confidence_interval(confidence_level=level)
        return Comparison(
            test="fisher_exact",
            statistic=chance,
            p=float(stats.fisher_exact(whole).pvalue),
            estimate=float(ratio.statistic),
            estimate_of="odds_ratio",
            ci=Interval(float(limits.low), float(limits.high), level),
            effects=effects,
            n=n,
            notes=notes,
        )
    p = _enumerated_p(whole, observed=observed)
    if p is None:
        if rng is None:
            raise InputError(
                f"the {counts.shape[0]} x {counts.shape[1]} table of {int(counts.sum())} has too many companions to enumerate.",
                hint="Pass rng for a simulated p, or use chi_squared.",
            )
        p = _simulated_p(whole, observed=observed, rng=rng)
        notes = (*notes, f"monte_carlo:{SIMULATED_TABLES}")
    return Comparison(test="fisher_exact", statistic=chance, p=p, effects=effects, n=n, notes=notes)


def _log_weight(counts: NDArray[np.float64]) -> float:
    """Log probability of a table given its row and column totals."""
    margins = special.gammaln(counts.sum(axis=0) + 1).sum() + special.gammaln(counts.sum(axis=1) + 1).sum()
    return float(margins - special.gammaln(counts.sum() + 1) - special.gammaln(counts + 1).sum())


def _enumerated_p(counts: NDArray[np.int64], *, observed: float) -> float | None:
    """
    Probability of all tables no likelier than the observed one; None where they are too many.

    Fills the table cell by cell, column after column. A state is what is left of every row and of the open column,
    with the log weight so far; the last column is what remains.
    """
    if counts.shape[1] > counts.shape[0]:
        counts = counts.T
    counts = counts[:, np.argsort(counts.sum(axis=0))]
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    left, weight = rows[None, :].copy(), np.zeros(1)
    for total in columns[:-1]:
        column_left = np.full(len(left), total)
        for i in range(len(rows)):
            beyond = left[:, i + 1 :].sum(axis=1)
            least, most = np.maximum(column_left - beyond, 0), np.minimum(left[:, i], column_left)
            options = most - least + 1
            if int(options.sum()) > MOST_STATES:
                return None
            parent = np.repeat(np.arange(len(left)), options)
            first = np.cumsum(options) - options
            cell = least[parent] + np.arange(len(parent)) - first[parent]
            left, weight, column_left = (
                left[parent],
                weight[parent] - special.gammaln(cell + 1),
                column_left[parent] - cell,
            )
            left[:, i] -= cell
    weight = weight - special.gammaln(left + 1).sum(axis=1)
    margins = (
        special.gammaln(columns + 1).sum() + special.gammaln(rows + 1).sum() - special.gammaln(rows.sum() + 1)
    )
    logs = weight + margins
    return float(min(np.exp(logs[logs <= observed + SAME_LOG]).sum(), 1.0))


def _simulated_p(counts: NDArray[np.int64], *, observed: float, rng: np.random.Generator) -> float:
    """Share of random tables with the same totals that are no likelier than the observed one, itself included."""
    tables = stats.random_table(counts.sum(axis=1), counts.sum(axis=0)).rvs(
        SIMULATED_TABLES, random_state=rng
    )
    margins = special.gammaln(counts.sum(axis=0) + 1).sum() + special.gammaln(counts.sum(axis=1) + 1).sum()
    logs = margins - special.gammaln(counts.sum() + 1) - special.gammaln(tables + 1).sum(axis=(1, 2))
    return float((np.count_nonzero(logs <= observed + SAME_LOG) + 1) / (SIMULATED_TABLES + 1))
