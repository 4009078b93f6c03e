"""
The single step of chained imputation: one column given all others, with parameters drawn from their posterior.

A step is fitted on the rows where the column was observed and then draws the missing cells of any rows. Rows
are design rows: an intercept, then standardised columns; ``predictors`` says which of them a step may use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from osteon.cohort.impute_draws import Draws

__all__ = [
    "ClassStep",
    "ConstantStep",
    "DonorStep",
    "NormalStep",
    "class_step",
    "linear_step",
    "predicted",
    "solved",
    "spread",
    "with_pseudo_rows",
]

Floats = NDArray[np.float64]
SETTLED = 0.1  # twice the gain in log-likelihood below which a Newton step is the last one
MOST_STEPS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantStep:
    """A column with one observed value: every missing cell gets it."""

    value: float

    def start(self, n: int, rng: Draws) -> Floats:
        """First fill of ``n`` missing cells."""
        return np.full(n, self.value)

    def draw(self, rows: Floats, rng: Draws) -> Floats:
        """The missing cells of ``rows``."""
        return np.full(len(rows), self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class DonorStep:
    """Predictive mean matching: each missing cell gets the value of one of the nearest ``donors`` people."""

    coefficients: Floats  # drawn, over all design columns
    predictions: Floats  # of the donors by the estimated coefficients, ascending
    values: Floats  # of the donors, in the order of predictions
    donors: int

    def start(self, n: int, rng: Draws) -> Floats:
        """First fill of ``n`` missing cells: random observed values."""
        return self.values[rng.integers(len(self.values), size=n)]

    def draw(self, rows: Floats, rng: Draws) -> Floats:
        """The missing cells of ``rows``: a random one of the donors whose prediction is nearest."""
        wanted, known = predicted(rows, self.coefficients), self.predictions
        first, last = np.searchsorted(known, wanted, "left"), np.searchsorted(known, wanted, "right")
        place = first + np.floor(rng.random(len(wanted)) * (last - first + 1)).astype(np.intp)
        k = min(self.donors, len(known))
        window = place[:, None] + np.arange(-k, k)
        distance = np.abs(known[np.clip(window, 0, len(known) - 1)] - wanted[:, None])
        distance[(window < 0) | (window >= len(known))] = np.inf
        nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
        line = np.arange(len(wanted))
        return np.asarray(self.values[window[line, nearest[line, rng.integers(k, size=len(wanted))]]])


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalStep:
    """Linear regression: each missing cell gets its prediction plus a normal error."""

    coefficients: Floats
    sigma: float
    center: float
    scale: float

    def start(self, n: int, rng: Draws) -> Floats:
        """First fill of ``n`` missing cells: normal values with the observed mean and deviation."""
        return np.asarray(self.center + self.scale * rng.standard_normal(n))

    def draw(self, rows: Floats, rng: Draws) -> Floats:
        """The missing cells of ``rows``."""
        z = predicted(rows, self.coefficients) + self.sigma * rng.standard_normal(len(rows))
        return np.asarray(self.center + self.scale * z)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassStep:
    """Logistic regression of two or more classes: each missing cell gets a class by its probabilities."""

    coefficients: Floats  # (design columns, classes - 1); the first class is the reference
    classes: Floats
    shares: Floats

    def start(self, n: int, rng: Draws) -> Floats:
        """First fill of ``n`` missing cells: classes by their observed shares."""
        return self.classes[_drawn_class(np.tile(self.shares, (n, 1)), rng)]

    def draw(self, rows: Floats, rng: Draws) -> Floats:
        """The missing cells of ``rows``."""
        return self.classes[_drawn_class(_probabilities(predicted(rows, self.coefficients))[0], rng)]


def linear_step(
    rows: Floats,
    gram: Floats,
    *,
    values: Floats,
    predictors: NDArray[np.intp],
    center: float,
    scale: float,
    donors: int,
    ridge: float,
    rng: np.random.Generator,
) -> DonorStep | NormalStep:
    """
    A number given the others: coefficients and error drawn from the posterior of a linear regression.

    Parameters
    ----------
    rows : array, shape (n, q)
        Design rows where the number was observed.
    gram : array, shape (q + 1, q + 1)
        Cross-products of those rows with the standardised number as the last column.
    values : array, shape (n,)
        The number as observed.
    predictors : array of int
        Design columns that may be used.
    center, scale : float
        What standardised the number.
    donors : int
        Size of the donor pool; 0 draws normal values instead of matching.
    ridge : float
        Share of the diagonal that is added to it, against collinear columns.

    Source
    ------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys, p. 167; Little (1988), J Bus Econ Stat 6:287;
    matching of drawn predictions to estimated ones (type 1) as in van Buuren (2018), section 3.4.2.
    """
    a = gram[np.ix_(predictors, predictors)].copy()
    a[np.diag_indices_from(a)] *= 1 + ridge
    a[np.diag_indices_from(a)] += 1e-9 * len(rows)
    b = gram[predictors, -1]
    lower = np.asarray(np.linalg.cholesky(a), dtype=np.float64)
    estimated = solved(lower, b)
    residuals = float(
        gram[-1, -1] - 2 * estimated @ b + estimated @ gram[np.ix_(predictors, predictors)] @ estimated
    )
    free = max(len(rows) - len(predictors), 1)
    sigma = float(np.sqrt(max(residuals, 0.0) / rng.chisquare(free)))
    noise = solve_triangular(lower, rng.standard_normal(len(b)), lower=True, trans=1, check_finite=False)
    drawn = spread(estimated + sigma * noise, predictors, len(gram) - 1)
    if not donors:
        return NormalStep(coefficients=drawn, sigma=sigma, center=center, scale=scale)
    predictions = rows @ spread(estimated, predictors, len(gram) - 1)
    shuffled = rng.permutation(len(values))  # equal predictions in random order
    order = shuffled[np.argsort(predictions[shuffled], kind="stable")]
    return DonorStep(coefficients=drawn, predictions=predictions[order], values=values[order], donors=donors)


def class_step(
    rows: Floats,
    *,
    values: Floats,
    predictors: NDArray[np.intp],
    ridge: float,
    start: Floats | None,
    rng: np.random.Generator,
) -> tuple[ClassStep, Floats]:
    """
    A class given the others: coefficients drawn from the normal posterior of a logistic regression.

    A few weighted pseudo-rows keep the estimate finite where a predictor separates the classes.

    Parameters
    ----------
    rows : array, shape (n, q)
        Design rows where the class was observed.
    values : array, shape (n,)
        The class codes.
    predictors : array of int
        Design columns that may be used; the first is the intercept.
    start : array, shape (len(predictors), classes - 1), or None
        Coefficients to begin with.

    Returns
    -------
    tuple of ClassStep and array
        The step with drawn coefficients, and the estimated ones as a start for the next time.

    Source
    ------
    White, Daniel & Royston (2010), Comput Stat Data Anal 54:2267 (pseudo-rows at the mean and half a standard
    deviation beside it, of total weight number of predictors + 1).
    """
    classes, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    k = len(classes)
    x = rows if len(predictors) == rows.shape[1] else rows[:, predictors]
    x, codes, weight = with_pseudo_rows(x, codes, k)
    hot = np.zeros((len(x), k - 1))
    inside = codes > 0
    hot[np.flatnonzero(inside), codes[inside] - 1] = 1.0
    estimated, lower = _newton(x, hot, weight, start=start, ridge=ridge)
    noise = solve_triangular(
        lower, rng.standard_normal(estimated.size), lower=True, trans=1, check_finite=False
    )
    drawn = estimated + noise.reshape(estimated.shape, order="F")
    full = np.zeros((rows.shape[1], k - 1))
    full[predictors] = drawn
    return ClassStep(coefficients=full, classes=classes, shares=counts / counts.sum()), estimated


def with_pseudo_rows(x: Floats, codes: NDArray[Any], k: int) -> tuple[Floats, NDArray[Any], Floats]:
    """The rows with the weighted pseudo-rows below them: each predictor at +- half a deviation, each class."""
    p = x.shape[1] - 1
    if p == 0:
        return x, codes, np.ones(len(x))
    pseudo = np.zeros((2 * p, p + 1))
    pseudo[:, 0] = 1.0
    pseudo[np.arange(p), np.arange(1, p + 1)] = 0.5
    pseudo[np.arange(p, 2 * p), np.arange(1, p + 1)] = -0.5
    added = 2 * p * k
    weight = np.concatenate([np.ones(len(x)), np.full(added, (p + 1) / added)])
    return (
        np.vstack([x, np.tile(pseudo, (k, 1))]),
        np.concatenate([codes, np.repeat(np.arange(k), 2 * p)]),
        weight,
    )


def _newton(
    x: Floats, hot: Floats, weight: Floats, *, start: Floats | None, ridge: float
) -> tuple[Floats, Floats]:
    """Coefficients of a (multinomial) logistic regression and the Cholesky factor of their information."""
    shape = (x.shape[1], hot.shape[1])
    warm = start is not None and start.shape == shape
    b = start if start is not None and warm else np.zeros(shape)
    p, fit = _fitted(x, hot, weight, b)
    for _ in range(MOST_STEPS):
        slope = (x.T @ (weight[:, None] * (hot - p))).ravel(order="F")
        lower = np.asarray(np.linalg.cholesky(_information(x, p, weight, ridge)), dtype=np.float64)
        step = solved(lower, slope)
        gain = float(slope @ step)
        if warm and gain > 4 * slope.size:  # a start gone stale; near separation it would lead astray
            b, warm = np.zeros(shape), False
            p, fit = _fitted(x, hot, weight, b)
            continue
        warm, size = False, 1.0
        while True:
            nearer = b + size * step.reshape(shape, order="F")
            new_p, new_fit = _fitted(x, hot, weight, nearer)
            if new_fit >= fit - 1e-9 * abs(fit) or size < 1e-4:
                break
            size /= 2
        b, p, fit = nearer, new_p, new_fit
        if gain < SETTLED:
            break
    return b, lower


def _fitted(x: Floats, hot: Floats, weight: Floats, b: Floats) -> tuple[Floats, float]:
    """Probabilities of all classes but the first, and the log-likelihood."""
    linear = x @ b
    p, log_total = _probabilities(linear)
    return p[:, 1:], float(weight @ ((hot * linear).sum(axis=1) - log_total))


def _information(x: Floats, p: Floats, weight: Floats, ridge: float) -> Floats:
    """Information matrix, class by class, with the ridge on its diagonal."""
    q, k = x.shape[1], p.shape[1]
    info = np.empty((q * k, q * k))
    for i in range(k):
        for j in range(i + 1):
            w = weight * p[:, i] * ((1.0 - p[:, i]) if i == j else p[:, j])
            half = x * np.sqrt(w)[:, None]
            block = (half.T @ half) * (1.0 if i == j else -1.0)
            info[i * q : (i + 1) * q, j * q : (j + 1) * q] = block
            info[j * q : (j + 1) * q, i * q : (i + 1) * q] = block
    info[np.diag_indices_from(info)] *= 1 + ridge
    info[np.diag_indices_from(info)] += 1e-9 * len(x)
    return info


def _probabilities(linear: Floats) -> tuple[Floats, Floats]:
    """Probabilities of all classes (the first is the reference) and the log of their common denominator."""
    top = np.maximum(linear.max(axis=1), 0.0)
    raised = np.exp(np.column_stack([np.zeros(len(linear)), linear]) - top[:, None])
    total = raised.sum(axis=1)
    return raised / total[:, None], np.log(total) + top


def _drawn_class(p: Floats, rng: Draws) -> NDArray[np.intp]:
    """One class index per row by its probabilities."""
    bounds = np.cumsum(p, axis=1)[:, :-1]
    return np.asarray((rng.random(len(p))[:, None] > bounds).sum(axis=1))


def predicted(rows: Floats, coefficients: Floats) -> Floats:
    """``rows @ coefficients`` with each row added up by itself; a matrix product adds in an order set by its neighbours."""
    if coefficients.ndim == 1:
        return np.asarray(np.einsum("ij,j->i", rows, coefficients))
    return np.asarray(np.einsum("ij,kj->ik", rows, np.ascontiguousarray(coefficients.T)))


def solved(lower: Floats, b: Floats) -> Floats:
    """Solution of ``lower @ lower.T @ x = b``."""
    half = solve_triangular(lower, b, lower=True, check_finite=False)
    return np.asarray(solve_triangular(lower, half, lower=True, trans=1, check_finite=False))


def spread(coefficients: Floats, predictors: NDArray[np.intp], width: int) -> Floats:
    """Coefficients over all design columns, zero where a column is no predictor."""
    full = np.zeros(width)
    full[predictors] = coefficients
    return full
