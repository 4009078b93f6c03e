"""
The step of chained imputation for an ordered column: proportional odds, with parameters drawn from their posterior.

The odds of standing at or below a level are ``exp(threshold - x @ coefficients)``: one threshold per border between
levels, one set of coefficients for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.special import expit, log_expit, logit

from osteon.cohort.impute_draws import Draws
from osteon.cohort.impute_steps import MOST_STEPS, SETTLED, predicted, solved, spread, with_pseudo_rows

__all__ = ["OrderedFit", "OrderedStep", "ordered_fit", "ordered_step"]

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]
SMALLEST = 2.0**-20  # share of a Newton step below which halving it has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedStep:
    """Proportional odds: each missing cell gets a level by its probabilities."""

    coefficients: Floats  # drawn, over all design columns
    thresholds: Floats  # drawn, ascending, one fewer than levels
    levels: Floats
    shares: Floats

    def start(self, n: int, rng: Draws) -> Floats:
        """First fill of ``n`` missing cells: levels by their observed shares."""
        return np.asarray(self.levels[np.searchsorted(np.cumsum(self.shares)[:-1], rng.random(n))])

    def draw(self, rows: Floats, rng: Draws) -> Floats:
        """The missing cells of ``rows``."""
        below = expit(self.thresholds - predicted(rows, self.coefficients)[:, None])
        return np.asarray(self.levels[(rng.random(len(rows))[:, None] > below).sum(axis=1)])


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedFit:
    """
    A proportional-odds regression: thresholds (levels - 1,), coefficients (p,), and their joint precision.

    ``lower`` is the Cholesky factor of the information of thresholds and coefficients, in that order.
    """

    thresholds: Floats
    coefficients: Floats
    lower: Floats

    @property
    def parameters(self) -> Floats:
        """Thresholds, then coefficients."""
        return np.concatenate([self.thresholds, self.coefficients])


def ordered_step(
    rows: Floats,
    *,
    values: Floats,
    predictors: Whole,
    ridge: float,
    start: Floats | None,
    rng: np.random.Generator,
) -> tuple[OrderedStep, Floats] | None:
    """
    An ordered level given the others: thresholds and coefficients drawn from their normal posterior.

    A few weighted pseudo-rows, each level at its observed share, keep the estimate finite where a predictor separates
    the levels. Thresholds are drawn as the first one and the logarithms of the gaps above it, so they stay in order.

    Parameters
    ----------
    rows : array, shape (n, q)
        Design rows where the level was observed.
    values : array, shape (n,)
        The level codes; two or more differ.
    predictors : array of int
        Design columns that may be used; the first is the intercept.
    ridge : float
        Share of the diagonal that is added to it, against collinear columns.
    start : array or None
        Parameters to begin with.

    Returns
    -------
    tuple of OrderedStep and array, or None
        The step with drawn parameters, and the estimated ones as a start for the next time; None where no estimate
        was found.

    Source
    ------
    McCullagh (1980), J R Stat Soc B 42:109; pseudo-rows by observed shares as in Clogg et al. (1991), J Am Stat
    Assoc 86:68, placed as in White, Daniel & Royston (2010), Comput Stat Data Anal 54:2267.
    """
    levels, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    shares = counts / counts.sum()
    x = rows if len(predictors) == rows.shape[1] else rows[:, predictors]
    x, codes, weight = with_pseudo_rows(x, codes, len(levels))
    added = slice(len(rows), None)
    weight[added] *= len(levels) * shares[codes[added]]
    fit = ordered_fit(x[:, 1:], codes, weight=weight, ridge=ridge, start=start, settled=SETTLED)
    if fit is None:
        return None
    noise = solve_triangular(
        fit.lower, rng.standard_normal(len(fit.lower)), lower=True, trans=1, check_finite=False
    )
    border = noise[: len(fit.thresholds)]
    gaps = np.diff(fit.thresholds)
    gaps = gaps * np.exp(np.diff(border) / gaps)
    step = OrderedStep(
        coefficients=spread(fit.coefficients + noise[len(border) :], predictors[1:], rows.shape[1]),
        thresholds=np.cumsum(np.concatenate([fit.thresholds[:1] + border[:1], gaps])),
        levels=levels,
        shares=shares,
    )
    return step, fit.parameters


def ordered_fit(
    x: ArrayLike,
    codes: ArrayLike,
    *,
    weight: Floats | None = None,
    ridge: float = 0.0,
    start: Floats | None = None,
    settled: float = 1e-12,
) -> OrderedFit | None:
    """
    A proportional-odds regression by Newton steps, halved until the likelihood grows.

    Parameters
    ----------
    x : array_like, shape (n, p)
        Predictors without an intercept; p may be 0.
    codes : array_like of int, shape (n,)
        Levels 0, 1, ...; each occurs.
    weight : array, shape (n,), optional
    ridge : float
        Share of the information's diagonal that is added to it.
    start : array, shape (levels - 1 + p,), optional
        Thresholds and coefficients to begin with; passed over when they do not fit.
    settled : float
        Twice the gain in log-likelihood below which a step is the last one.

    Returns
    -------
    OrderedFit or None
        None where steps do not settle: levels separated by a predictor, or columns that add up to each other.
    """
    predictors, level = np.asarray(x, dtype=np.float64), np.asarray(codes, dtype=np.intp)
    work = _Likelihood(predictors, level, np.ones(len(level)) if weight is None else weight)
    cold = work.cold_start()
    warm = start is not None and len(start) == len(cold) and work.value(start) > work.value(cold)
    b = start if start is not None and warm else cold
    for _ in range(MOST_STEPS):
        slope, information = work.derivatives(b)
        information[np.diag_indices_from(information)] *= 1 + ridge
        try:
            lower = np.asarray(np.linalg.cholesky(information), dtype=np.float64)
        except np.linalg.LinAlgError:
            return None
        step = solved(lower, slope)
        gain, value, size = float(slope @ step), work.value(b), 1.0
        while not work.value(b + size * step) >= value - 1e-9 * abs(value):
            size /= 2
            if size < SMALLEST:
                return None
        b = b + size * step
        if gain < settled:
            k = len(cold) - predictors.shape[1]
            return OrderedFit(thresholds=b[:k], coefficients=b[k:], lower=lower)
    return None


class _Likelihood:
    """
    The log-likelihood of thresholds and coefficients and its derivatives.

    With F logistic, a the border above and b the one below, log(F(a) - F(b)) = log F(a) + log F(-b) +
    log(1 - exp(b - a)); the last term depends on the level alone.
    """

    def __init__(self, x: Floats, codes: Whole, weight: Floats) -> None:
        self.x, self.codes, self.weight = x, codes, weight
        self.masses = np.bincount(codes, weights=weight)
        self.k = len(self.masses) - 1
        borders = np.arange(self.k)
        self.is_upper = (codes[:, None] == borders).astype(float)
        self.is_lower = (codes[:, None] == borders + 1).astype(float)

    def cold_start(self) -> Floats:
        """Thresholds that give the levels their shares; coefficients 0."""
        below = np.cumsum(self.masses)[:-1] / self.masses.sum()
        return np.concatenate([logit(below), np.zeros(self.x.shape[1])])

    def borders(self, b: Floats) -> tuple[Floats, Floats]:
        """The borders above and below each row's level, less the linear predictor."""
        ends = np.concatenate([[-np.inf], b[: self.k], [np.inf]])
        eta = self.x @ b[self.k :]
        return ends[self.codes + 1] - eta, ends[self.codes] - eta

    def value(self, b: Floats) -> float:
        """Log-likelihood; minus infinity where thresholds are not in order."""
        gaps = np.diff(b[: self.k])
        if not (np.isfinite(b).all() and (gaps > 0).all()):
            return -np.inf
        above, below = self.borders(b)
        inner = self.masses[1:-1] @ np.log(-np.expm1(-gaps))
        return float(self.weight @ (log_expit(above) + log_expit(-below)) + inner)

    def derivatives(self, b: Floats) -> tuple[Floats, Floats]:
        """Slope and observed information over thresholds, then coefficients."""
        above, below = self.borders(b)
        up, down = expit(-above), expit(below)  # zero at the outer ends
        gaps = np.diff(b[: self.k])
        room = -np.expm1(-gaps)
        pull = self.masses[1:-1] * np.exp(-gaps) / room
        slope = np.concatenate([
            (self.weight * up) @ self.is_upper - (self.weight * down) @ self.is_lower
            + np.concatenate([[0.0], pull]) - np.concatenate([pull, [0.0]]),
            (self.weight * (down - up)) @ self.x,
        ])  # fmt: skip
        at_upper, at_lower = self.weight * up * (1 - up), self.weight * down * (1 - down)
        mass = at_upper[:, None] * self.is_upper + at_lower[:, None] * self.is_lower
        tie = pull / room
        corner = np.diag(mass.sum(axis=0))
        lesser, greater = np.arange(self.k - 1), np.arange(1, self.k)
        corner[lesser, lesser] += tie
        corner[greater, greater] += tie
        corner[lesser, greater] -= tie
        corner[greater, lesser] -= tie
        side = -(mass.T @ self.x)
        half = self.x * np.sqrt(at_upper + at_lower)[:, None]
        return slope, np.block([[corner, side], [side.T, half.T @ half]])
