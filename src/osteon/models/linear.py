"""
Logistic regression by maximum likelihood, and with an elastic-net penalty.

Columns are centred and scaled inside the fit and the coefficients handed back in the caller's units, so
that convergence does not depend on units. Where the likelihood has no finite maximum (separation) or no
unique one (collinear columns), a light ridge is added and the fit says so in its notes.

Note codes: ``ridge:VALUE`` (a ridge of that strength was needed), ``constant:N`` (N columns do not vary).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from osteon.core.errors import NotEnoughData, ShapeError

__all__ = [
    "LinearFit",
    "binary",
    "elastic_net_fit",
    "log_likelihood",
    "logistic_fit",
    "logit",
    "penalty_ceiling",
]

FloatArray = NDArray[np.float64]
_RIDGES = (0.0, 0.01, 1.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearFit:
    """A fitted logistic model: ``logit risk = intercept + x @ coefficients``."""

    intercept: float
    coefficients: FloatArray
    covariance: FloatArray | None
    log_likelihood: float
    n: int
    events: int
    notes: tuple[str, ...] = ()

    def logit(self, x: FloatArray) -> FloatArray:
        """The log-odds of each row, shape (n,)."""
        eta: FloatArray = self.intercept + x @ self.coefficients
        return eta

    def predict(self, x: FloatArray) -> FloatArray:
        """The risk of each row, in (0, 1), shape (n,)."""
        risk: FloatArray = expit(self.logit(x))
        return risk

    def logit_variance(self, x: FloatArray) -> FloatArray:
        """The variance of each row's log-odds from the uncertainty of the coefficients, shape (n,)."""
        if self.covariance is None:
            return np.zeros(len(x))
        design = np.column_stack([np.ones(len(x)), x])
        variance: FloatArray = np.einsum("ij,jk,ik->i", design, self.covariance, design)
        return np.maximum(variance, 0.0)


def logit(risk: FloatArray, *, margin: float = 1e-6) -> FloatArray:
    """The log-odds of a risk, kept ``margin`` away from 0 and 1."""
    p = np.clip(risk, margin, 1.0 - margin)
    eta: FloatArray = np.log(p / (1.0 - p))
    return eta


def log_likelihood(y: FloatArray, eta: FloatArray, weights: FloatArray | None = None) -> float:
    """The Bernoulli log-likelihood of log-odds ``eta``."""
    terms = y * eta - np.logaddexp(0.0, eta)
    return float(terms.sum() if weights is None else (weights * terms).sum())


def binary(y_true: object, *, n: int | None = None) -> FloatArray:
    """
    The outcome as floats 0 and 1.

    Raises
    ------
    ShapeError
        Not one value per row.
    NotEnoughData
        A missing or other value than 0 and 1, or a single class.
    """
    y = np.asarray(y_true, dtype=np.float64)
    if y.ndim != 1 or (n is not None and len(y) != n):
        raise ShapeError(f"The outcome has shape {y.shape}, expected one value for each of {n} rows.")
    if not np.isin(y, (0.0, 1.0)).all():
        raise NotEnoughData(
            "The outcome holds values other than 0 and 1.", hint="Drop rows with an unknown outcome first."
        )
    if y.min(initial=1.0) == y.max(initial=0.0):
        raise NotEnoughData(f"The outcome is {y[0]:.0f} in all {len(y)} rows; both classes are needed.")
    return y


def _standardised(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:
    """The varying columns centred and scaled, with their means, scales and the mask of varying columns."""
    mean, scale = x.mean(axis=0), x.std(axis=0)
    varies = scale > 1e-10 * np.maximum(1.0, np.abs(mean))
    return (x[:, varies] - mean[varies]) / scale[varies], mean, scale, varies


def logistic_fit(
    x: FloatArray, y: FloatArray, *, sample_weight: FloatArray | None = None, ridge: float = 0.0
) -> LinearFit:
    """
    Logistic regression by maximum likelihood (Newton steps), with a light ridge where that does not exist.

    Parameters
    ----------
    x : array, shape (n, p)
    y : array of 0 and 1, shape (n,)
    sample_weight : array, shape (n,), optional
        Replication weights.
    ridge : float, >= 0
        Penalty ``ridge / 2 * sum(beta ** 2)`` on coefficients per standard deviation.

    Source
    ------
    Hosmer, Lemeshow & Sturdivant (2013), Applied Logistic Regression, 3rd ed., chapter 2.

    Examples
    --------
    The odds ratio of a two-by-two table (10 of 30 against 20 of 30) is its cross ratio, 4:

    >>> x = np.repeat([[0.0], [1.0]], 30, axis=0)
    >>> y = np.r_[np.ones(10), np.zeros(20), np.ones(20), np.zeros(10)]
    >>> round(float(np.exp(logistic_fit(x, y).coefficients[0])), 6)
    4.0
    """
    z, mean, scale, varies = _standardised(x)
    weights = np.ones(len(y)) if sample_weight is None else sample_weight
    design = np.column_stack([np.ones(len(y)), z])
    for strength in (ridge, *(step for step in _RIDGES if step > ridge)):
        found = _newton(design, y, weights, strength)
        if found is not None:
            break
    else:
        raise NotEnoughData(f"Logistic regression of {x.shape[1]} columns on {len(y)} rows did not converge.")
    beta, information = found
    notes: tuple[str, ...] = (f"ridge:{strength:g}",) if strength > ridge else ()
    if not varies.all():
        notes += (f"constant:{int((~varies).sum())}",)
    back = np.zeros((x.shape[1] + 1, design.shape[1]))  # from standardised to the caller's columns
    back[0, 0] = 1.0
    back[0, 1:] = -mean[varies] / scale[varies]
    back[1:][varies, 1:] = np.diag(1.0 / scale[varies])
    full = back @ beta
    return LinearFit(
        intercept=float(full[0]),
        coefficients=full[1:],
        covariance=back @ np.linalg.inv(information) @ back.T,
        log_likelihood=log_likelihood(y, design @ beta, weights),
        n=len(y),
        events=int(y.sum()),
        notes=notes,
    )


def _newton(
    design: FloatArray, y: FloatArray, weights: FloatArray, ridge: float
) -> tuple[FloatArray, FloatArray] | None:
    """Coefficients and information matrix; None where the maximum is not finite or not unique."""
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    rate = np.clip(np.average(y, weights=weights), 1e-6, 1 - 1e-6)
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(rate / (1 - rate))
    value = log_likelihood(y, design @ beta, weights)
    for _ in range(40):
        p = expit(design @ beta)
        gradient = design.T @ (weights * (y - p)) - penalty * beta
        information = (design.T * (weights * p * (1 - p))) @ design + np.diag(penalty)
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, gradient)
        if gradient @ step < 1e-12 * (1 + abs(value)):
            beyond = np.abs(beta[1:]).max(initial=0.0) > 25  # odds ratio above e25 per standard deviation
            return None if beyond else (beta + step, information)
        for _ in range(30):
            trial = beta + step
            eta = design @ trial
            new = log_likelihood(y, eta, weights) - 0.5 * float(penalty @ trial**2)
            if new >= value - 1e-12 * abs(value):
                break
            step = step / 2
        beta, value = trial, new
    return None


def penalty_ceiling(x: FloatArray, y: FloatArray, *, l1_ratio: float) -> float:
    """The smallest penalty at which every coefficient of the elastic net is zero."""
    z = _standardised(x)[0]
    gradient = np.abs(z.T @ (y - y.mean())) / len(y)
    return float(gradient.max(initial=0.0) / max(l1_ratio, 1e-3))


def elastic_net_fit(
    x: FloatArray,
    y: FloatArray,
    *,
    penalty: float,
    l1_ratio: float,
    sample_weight: FloatArray | None = None,
    start: LinearFit | None = None,
) -> LinearFit:
    """
    Logistic regression with the elastic-net penalty on standardised columns.

    Minimises ``-loglik / n + penalty * (l1_ratio * |b| + (1 - l1_ratio) / 2 * b ** 2)``; the lasso is
    ``l1_ratio = 1``. Coefficients come back in the caller's units; there is no covariance. ``start`` is a fit
    of the same rows at a near penalty, which saves time and changes nothing else.

    Source
    ------
    Friedman, Hastie & Tibshirani (2010), Journal of Statistical Software 33(1).
    """
    z, mean, scale, varies = _standardised(x)
    weights = np.ones(len(y)) if sample_weight is None else sample_weight
    weights = weights / weights.sum()
    design = np.column_stack([np.ones(len(y)), z])
    rate = float(np.clip(weights @ y, 1e-6, 1 - 1e-6))
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(rate / (1 - rate))
    if start is not None:
        beta = np.r_[start.intercept + mean @ start.coefficients, (start.coefficients * scale)[varies]]
    lasso, ridge = penalty * l1_ratio, penalty * (1 - l1_ratio)

    def loss(b: FloatArray) -> float:
        size = lasso * np.abs(b[1:]).sum() + 0.5 * ridge * (b[1:] ** 2).sum()
        return float(size) - log_likelihood(y, design @ b, weights)

    value, near = loss(beta), 1e-3
    for _ in range(100):
        p = expit(design @ beta)
        curvature = weights * np.maximum(p * (1 - p), 1e-6)
        gram = (design.T * curvature) @ design
        target = gram @ beta + design.T @ (weights * (y - p))
        step = _coordinate_descent(gram, target, beta, lasso=lasso, ridge=ridge, near=near) - beta
        while (new := loss(beta + step)) > value + 1e-12 and np.abs(step).max() > 1e-9:
            step = step / 2
        beta, value, moved = beta + step, new, float(np.abs(step).max())
        if moved < 1e-6:
            break
        near = min(near, max(1e-7, 0.01 * moved))
    coefficients = np.zeros(x.shape[1])
    coefficients[varies] = beta[1:] / scale[varies]
    return LinearFit(
        intercept=float(beta[0] - coefficients @ mean),
        coefficients=coefficients,
        covariance=None,
        log_likelihood=log_likelihood(y, design @ beta, sample_weight),
        n=len(y),
        events=int(y.sum()),
        notes=() if varies.all() else (f"constant:{int((~varies).sum())}",),
    )


def _coordinate_descent(
    gram: FloatArray, target: FloatArray, start: FloatArray, *, lasso: float, ridge: float, near: float
) -> FloatArray:
    """The minimiser of ``b'Gb/2 - t'b`` plus the penalty, the first coefficient left free, to within ``near``."""
    beta: list[float] = start.tolist()
    residual = target - gram @ start
    diagonal: list[float] = np.diag(gram).tolist()
    rows = list(gram)
    everything = range(len(beta))
    live: range | list[int] = everything
    for sweep in range(500):
        moved = 0.0
        for j in live:
            old = beta[j]
            pull = residual.item(j) + diagonal[j] * old
            if j == 0:
                new = pull / diagonal[0]
            elif abs(pull) <= lasso:
                new = 0.0
            else:
                new = (pull - lasso if pull > 0 else pull + lasso) / (diagonal[j] + ridge)
            if new != old:
                residual -= rows[j] * (new - old)
                beta[j] = new
                moved = max(moved, abs(new - old))
        if moved < near:
            if live is everything:
                break
            live = everything
        else:
            live = [0, *(j for j in everything[1:] if beta[j] != 0.0)]
            if sweep % 5 == 4:  # nearly collinear columns creep; their common solution is a linear system
                at = _solved(gram, target, np.array(beta), live, lasso=lasso, ridge=ridge)
                residual = target - gram @ at
                beta = at.tolist()
    return np.array(beta)


def _solved(
    gram: FloatArray, target: FloatArray, beta: FloatArray, live: list[int], *, lasso: float, ridge: float
) -> FloatArray:
    """The exact minimiser over the ``live`` coefficients if their signs stay as they are, else ``beta`` itself."""
    signs = np.sign(beta[live])
    signs[0] = 0.0
    system = gram[np.ix_(live, live)] + np.diag(np.where(np.arange(len(live)) > 0, ridge, 0.0))
    if np.linalg.cond(system) > 1e12:
        return beta
    solution = np.linalg.solve(system, target[live] - lasso * signs)
    if (np.sign(solution[1:]) != signs[1:]).any():
        return beta
    exact = beta.copy()
    exact[live] = solution
    return exact
