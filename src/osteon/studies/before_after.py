"""
Did management change after portraits were introduced? Tests of a before/after comparison, and designs that say more.

A difference between two periods without a control is confounded with everything else that changed; the interrupted time
series takes out the trend that was there before, matching takes out differences in case mix that were measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats as st

from osteon.core.errors import NotEnoughData
from osteon.core.result import Interval
from osteon.models.cluster_coding import fit_coding
from osteon.stats.agreement import Kappa, cohens_kappa, fleiss_kappa, mcnemar, rating_counts
from osteon.stats.compare import Comparison, EffectSize, hedges_correction, mann_whitney, t_test, welch_test
from osteon.stats.contingency import chi_squared, fisher_exact
from osteon.stats.matching import TreatedEffect, match, matched_effect
from osteon.stats.propensity import propensity_score
from osteon.studies.published_s0 import published

__all__ = ["BeforeAfter", "Compared", "Series", "before_after", "interrupted_series", "matched_periods", "printed_comparisons"]  # fmt: skip

Floats = NDArray[np.float64]
MEASURES = ("healing_days", "vas_followup", "fim_followup")
EXPERTS = ("treatment_match_expert_1", "treatment_match_expert_2", "treatment_match_expert_3")
_PAIRS = {(0, 1): "1_2", (0, 2): "1_3", (1, 2): "2_3"}
FEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """
    One measure in two periods.

    Attributes
    ----------
    measure : code or column
    before, after : float
        Means, or shares 0-1.
    sd : tuple of float
        Of means; () for shares.
    difference : float
        After minus before; ``ci`` its 95 % interval.
    classic, robust : Comparison
        Student's t and Welch's, or chi-squared and Fisher's exact test.
    ranks : Comparison or None
        Mann-Whitney, from rows only.
    effects : tuple of EffectSize
    paired : tuple of two floats, or None
        Range of McNemar's p should the same patients stand on both sides (shares that were printed only).
    """

    measure: str
    n: tuple[int, int]
    before: float
    after: float
    sd: tuple[float, ...] = ()
    difference: float
    ci: Interval
    classic: Comparison
    robust: Comparison
    ranks: Comparison | None = None
    effects: tuple[EffectSize, ...] = ()
    paired: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """
    An interrupted time series by segmented regression.

    Attributes
    ----------
    level, level_ci : float, Interval
        Change of the level at the interruption, beyond the trend before it.
    trend_before : float
        Per month.
    trend_change, trend_change_ci : float, Interval
    p_level : float
    months_before, months_after, n : int
    naive : float
        The plain difference of the two periods, for comparison.
    """

    level: float
    level_ci: Interval
    p_level: float
    trend_before: float
    trend_change: float
    trend_change_ci: Interval
    months_before: int
    months_after: int
    n: int
    naive: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BeforeAfter:
    """Everything a table tells about two periods; ``skipped`` says what could not be done, by code."""

    lines: tuple[Compared, ...]
    agreement: tuple[tuple[str, Kappa], ...]
    series: Series | None
    matched: TreatedEffect | None
    skipped: tuple[str, ...]


def printed_comparisons() -> tuple[Compared, ...]:
    """
    The published before/after figures with statistic, p and effect size: 32 to 60 %, 45.2 to 33.1 days, 62 to 93 %.

    Examples
    --------
    >>> match, days, satisfied = printed_comparisons()
    >>> round(match.classic.statistic, 2), round(days.classic.statistic, 2), round(satisfied.classic.statistic, 2)
    (15.78, -11.48, 27.56)
    """
    paper = published()["before_after"]
    n = int(paper["n"])
    days = _from_moments("healing_days", (n, n), (paper["days_before_mean"], paper["days_after_mean"]),
                         (paper["days_before_sd"], paper["days_after_sd"]))  # fmt: skip
    match_line, satisfied = (
        _shares(name, (round(n * paper[f"{key}_before_pct"] / 100), round(n * paper[f"{key}_after_pct"] / 100)), (n, n),
                same_patients=True)
        for name, key in (("match_high", "match"), ("satisfied", "satisfied"))
    )  # fmt: skip
    return match_line, days, satisfied


def _from_moments(
    measure: str, n: tuple[int, int], mean: tuple[float, float], sd: tuple[float, float]
) -> Compared:
    """Student and Welch tests from printed means and SDs."""
    found = []
    for test, equal in (("t", True), ("welch", False)):
        each = st.ttest_ind_from_stats(mean[1], sd[1], n[1], mean[0], sd[0], n[0], equal_var=equal)
        found.append((test, float(each.statistic), float(each.pvalue)))
    variances = [s**2 / m for s, m in zip(sd, n, strict=True)]
    df_welch = sum(variances) ** 2 / sum(v**2 / (m - 1) for v, m in zip(variances, n, strict=True))
    df = float(sum(n) - 2)
    pooled = np.sqrt(((n[0] - 1) * sd[0] ** 2 + (n[1] - 1) * sd[1] ** 2) / df)
    gap, se = mean[1] - mean[0], float(np.sqrt(sum(variances)))
    half = float(st.t.ppf(0.975, df_welch)) * se
    d = gap / float(pooled)
    tests = [Comparison(test=name, statistic=t, df=(each,), p=p, n=n)
             for (name, t, p), each in zip(found, (df, df_welch), strict=True)]  # fmt: skip
    return Compared(measure=measure, n=n, before=mean[0], after=mean[1], sd=sd, difference=gap,
                    ci=Interval(gap - half, gap + half), classic=tests[0], robust=tests[1],
                    effects=(EffectSize(name="cohens_d", value=d), EffectSize(name="hedges_g", value=d * hedges_correction(df))))  # fmt: skip


def _shares(measure: str, k: tuple[int, int], n: tuple[int, int], *, same_patients: bool = False) -> Compared:
    """Chi-squared and Fisher's exact test of two shares, with Newcombe's interval of the difference."""
    table = [[k[1], n[1] - k[1]], [k[0], n[0] - k[0]]]
    p = [k[i] / n[i] for i in range(2)]
    gap = p[1] - p[0]
    bounds = [st.binomtest(k[i], n[i]).proportion_ci(method="wilson") for i in range(2)]
    low = gap - float(np.hypot(p[1] - bounds[1].low, bounds[0].high - p[0]))
    high = gap + float(np.hypot(bounds[1].high - p[1], p[0] - bounds[0].low))
    classic = chi_squared(table)
    h = 2 * (np.arcsin(np.sqrt(p[1])) - np.arcsin(np.sqrt(p[0])))
    half = 0.5 if 0 in (*table[0], *table[1]) else 0.0  # Haldane's, only where a cell is empty
    odds = (k[1] + half) * (n[0] - k[0] + half) / ((n[1] - k[1] + half) * (k[0] + half))
    paired = None
    if same_patients:
        both = (max(0, k[0] + k[1] - n[0]), min(k))
        values = sorted(mcnemar(first_only=k[1] - b, second_only=k[0] - b).p for b in both)
        paired = (float(values[0]), float(values[1]))
    return Compared(measure=measure, n=n, before=p[0], after=p[1], difference=gap, ci=Interval(low, high), classic=classic,
                    robust=fisher_exact(table), paired=paired,
                    effects=(EffectSize(name="phi", value=classic.effect("phi")), EffectSize(name="cohens_h", value=float(h)),
                             EffectSize(name="odds_ratio", value=float(odds))))  # fmt: skip


def before_after(
    table: pd.DataFrame, *, scale: tuple[str, ...], satisfied_from: str, adjust_for: tuple[str, ...] = ()
) -> BeforeAfter:
    """
    Every measure of a table with ``portrait_period``, the experts' agreement, and the two better designs where they fit.

    Parameters
    ----------
    table : DataFrame
        ``portrait_period`` "before" or "after"; a ``month`` column or ``visit_date`` allows the time series.
    scale, satisfied_from
        Answers about satisfaction from worst to best, and the first that counts as satisfied.
    adjust_for : tuple of str
        Columns known at admission for the matching.
    """
    known = table[table["portrait_period"].notna()].reset_index(drop=True)
    after = (known["portrait_period"] == "after").to_numpy()
    if after.sum() < FEWEST or (~after).sum() < FEWEST:
        raise NotEnoughData(
            f"{int((~after).sum())} patients before and {int(after.sum())} after: at least {FEWEST} each."
        )
    skipped: list[str] = []
    lines = [*_number_lines(known, after), *_answer_lines(known, after, scale, satisfied_from)]
    series, matched = None, None
    if "healing_days" in known:
        try:
            series = interrupted_series(known, adjust_for=adjust_for)
        except NotEnoughData:
            skipped.append("series_needs_months")
        try:
            matched = matched_periods(known, after, adjust_for)
        except NotEnoughData:
            skipped.append("matching_needs_features")
    return BeforeAfter(
        lines=tuple(lines),
        agreement=_agreement(known),
        series=series,
        matched=matched,
        skipped=tuple(skipped),
    )


def _number_lines(table: pd.DataFrame, after: NDArray[np.bool_]) -> Iterator[Compared]:
    for name in MEASURES:
        if name not in table:
            continue
        now, was = (table.loc[rows, name].dropna().to_numpy(dtype=np.float64) for rows in (after, ~after))
        if min(len(now), len(was)) < FEWEST or np.ptp(np.concatenate([now, was])) == 0:
            continue
        classic, robust = t_test(now, was), welch_test(now, was)
        yield Compared(
            measure=name, n=(len(was), len(now)), before=float(was.mean()), after=float(now.mean()),
            sd=(float(was.std(ddof=1)), float(now.std(ddof=1))), difference=float(now.mean() - was.mean()),
            ci=robust.ci or Interval(float("nan"), float("nan")), classic=classic, robust=robust,
            ranks=mann_whitney(now, was), effects=(EffectSize(name="hedges_g", value=classic.effect("hedges_g")),),
        )  # fmt: skip


def _answer_lines(
    table: pd.DataFrame, after: NDArray[np.bool_], scale: tuple[str, ...], satisfied_from: str
) -> Iterator[Compared]:
    good = set(scale[scale.index(satisfied_from) :])
    for name, column, yes in (
        ("satisfied", "satisfaction", good),
        ("match_high", "treatment_match", {"high"}),
    ):
        if column not in table:
            continue
        answer = table[column].astype(object)
        known = answer.notna().to_numpy()
        hit = answer.isin(yes).to_numpy() & known
        n = (int((known & ~after).sum()), int((known & after).sum()))
        k = (int((hit & ~after).sum()), int((hit & after).sum()))
        if min(n) >= FEWEST and 0 < sum(k) < sum(n):
            yield _shares(name, k, n)


def _agreement(table: pd.DataFrame) -> tuple[tuple[str, Kappa], ...]:
    """Weighted kappa of each pair of experts, and Fleiss' kappa of all."""
    experts = [name for name in EXPERTS if name in table]
    rated = table[experts].dropna() if experts else table.iloc[:0]
    if len(experts) < 2 or len(rated) < FEWEST:
        return ()
    codes = [rated[name].cat.codes.to_numpy() for name in experts]
    if any(len(np.unique(each)) < 2 for each in codes):
        return ()
    found = [
        (_PAIRS[EXPERTS.index(experts[i]), EXPERTS.index(experts[j])], cohens_kappa(_crossed(codes[i], codes[j]), weights="quadratic"))
        for i in range(len(experts)) for j in range(i + 1, len(experts))
    ]  # fmt: skip
    if len(experts) > 2:
        found.append(("all", fleiss_kappa(rating_counts(np.column_stack(codes).tolist()))))
    return tuple(found)


def _crossed(first: NDArray[np.int8], second: NDArray[np.int8]) -> NDArray[np.intp]:
    """Counts of low, middle and high by two experts."""
    table = np.zeros((3, 3), dtype=np.intp)
    np.add.at(table, (first, second), 1)
    return table


def interrupted_series(
    table: pd.DataFrame, *, outcome: str = "healing_days", adjust_for: tuple[str, ...] = ()
) -> Series:
    """
    Level and trend of monthly means before and after the change (segmented regression, Newey-West errors).

    Parameters
    ----------
    table : DataFrame
        ``portrait_period``, the outcome, and ``month`` or ``visit_date``.
    outcome : str
    adjust_for : tuple of str
        Columns known at admission whose part is taken out first: a change of case mix at the interruption is a change
        of level that no series can tell from an effect.

    Raises
    ------
    NotEnoughData
        Fewer than 6 months with patients on either side, or no dates.

    Source
    ------
    Bernal, Cummins & Gasparrini (2017), Int J Epidemiol 46:348-355; Newey & West (1987), Econometrica 55:703-708.
    """
    month = _months(table)
    known = month.notna() & table[outcome].notna()
    after = (table.loc[known, "portrait_period"] == "after").to_numpy()
    time, y = month[known].to_numpy(dtype=np.float64), table.loc[known, outcome].to_numpy(dtype=np.float64)
    rows = pd.DataFrame(
        {"t": time, "after": after, "y": y - _case_mix(table.loc[known], y, time, after, adjust_for)}
    )
    means = rows.groupby(["t", "after"], as_index=False)["y"].mean()
    side = means["after"].to_numpy(dtype=bool)
    if side.sum() < 6 or (~side).sum() < 6:
        raise NotEnoughData(f"{int((~side).sum())} months before and {int(side.sum())} after: at least 6 each.",
                            hint="Give visit_date for every patient.")  # fmt: skip
    t = means["t"].to_numpy(dtype=np.float64)
    start = t[side].min()
    design = np.column_stack([np.ones(len(t)), t - start, side, side * (t - start)]).astype(np.float64)
    fit, covariance = _newey_west(design, means["y"].to_numpy(dtype=np.float64), lags=1)
    se, df = np.sqrt(np.diag(covariance)), len(t) - 4
    q = float(st.t.ppf(0.975, df))
    return Series(
        level=float(fit[2]), level_ci=Interval(float(fit[2] - q * se[2]), float(fit[2] + q * se[2])),
        p_level=float(2 * st.t.sf(abs(fit[2]) / se[2], df)), trend_before=float(fit[1]), trend_change=float(fit[3]),
        trend_change_ci=Interval(float(fit[3] - q * se[3]), float(fit[3] + q * se[3])),
        months_before=int((~side).sum()), months_after=int(side.sum()), n=len(y),
        naive=float(y[after].mean() - y[~after].mean()),
    )  # fmt: skip


def _case_mix(
    table: pd.DataFrame, y: Floats, time: Floats, after: NDArray[np.bool_], names: tuple[str, ...]
) -> Floats:
    """The part of the outcome that features known at admission explain beside time and period, centred."""
    used = [name for name in names if name in table and table[name].nunique() > 1]
    if not used:
        return np.zeros(len(y))
    matrix = fit_coding(table[used]).coded(table).matrix
    matrix = matrix - matrix.mean(axis=0)
    design = np.column_stack([np.ones(len(y)), time, after, after * time, matrix]).astype(np.float64)
    return np.asarray(matrix @ np.linalg.lstsq(design, y, rcond=None)[0][4:])


def _months(table: pd.DataFrame) -> pd.Series:
    if "month" in table:
        return table["month"]
    if "visit_date" in table:
        date = pd.to_datetime(table["visit_date"], errors="coerce")
        return date.dt.year * 12.0 + date.dt.month
    raise NotEnoughData("no visit_date: the months are not known.")


def _newey_west(x: Floats, y: Floats, *, lags: int) -> tuple[Floats, Floats]:
    """Least squares with errors that allow neighbours in time to be alike."""
    bread = np.linalg.pinv(x.T @ x)
    fit = bread @ x.T @ y
    score = x * (y - x @ fit)[:, None]
    meat = score.T @ score
    for lag in range(1, lags + 1):
        shared = score[lag:].T @ score[:-lag]
        meat += (1 - lag / (lags + 1)) * (shared + shared.T)
    n, p = x.shape
    return fit, bread @ meat @ bread * n / (n - p)


def matched_periods(
    table: pd.DataFrame,
    after: NDArray[np.bool_],
    adjust_for: tuple[str, ...],
    *,
    outcome: str = "healing_days",
) -> TreatedEffect:
    """
    The difference between patients after and before who were alike at admission (propensity score, caliper 0.2 SD).

    Raises
    ------
    NotEnoughData
        No feature to adjust for, or nobody found a partner.
    """
    names = [name for name in adjust_for if name in table and table[name].nunique() > 1]
    if not names:
        raise NotEnoughData("no feature known at admission to match by.")
    known = table[outcome].notna().to_numpy()
    part = table.loc[known, names]
    matrix = fit_coding(part).coded(part).matrix
    matrix = matrix[:, matrix.std(axis=0) > 0]
    score = propensity_score(after[known].astype(float), matrix).score
    pairs = match(after[known].astype(float), score)
    return matched_effect(table.loc[known, outcome].to_numpy(dtype=np.float64), pairs)
