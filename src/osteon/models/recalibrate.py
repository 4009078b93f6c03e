"""
Recalibration: fit a monotone correction on held-out risks, apply it to new ones.

Three strengths: ``in_the_large`` moves the average only (few events), ``logistic`` moves average and spread
(Platt), ``isotonic`` any monotone shape (many events). Never fit it on the rows the model was trained on.

Note codes: ``slope_not_positive`` (higher predicted risk goes with fewer events; the correction would invert
the ranking), ``few_events:N`` (isotonic on fewer than 100 events is unstable).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit

from osteon.core.errors import ConfigError, InputError
from osteon.models.linear import FloatArray, binary, logistic_fit, logit

__all__ = ["Method", "Recalibration", "recalibration"]

Method = Literal["in_the_large", "logistic", "isotonic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibration:
    """A fitted correction; ``intercept`` and ``slope`` act on the log-odds, ``steps`` are (risk, corrected) pairs."""

    method: Method
    intercept: float
    slope: float
    steps: tuple[tuple[float, float], ...]
    n: int
    events: int
    notes: tuple[str, ...] = ()

    def apply(self, risk: ArrayLike) -> FloatArray:
        """The corrected risks, in [0, 1], shape of ``risk``."""
        given = _risks(risk)
        if self.method == "isotonic":
            at, to = np.array(self.steps).T
            stepped: FloatArray = np.interp(given, at, to)
            return stepped
        corrected: FloatArray = expit(self.intercept + self.slope * logit(given))
        return corrected


def recalibration(y_true: ArrayLike, risk: ArrayLike, *, method: Method = "logistic") -> Recalibration:
    """
    The correction that makes predicted risks agree with what happened, learned on held-out rows.

    Parameters
    ----------
    y_true : array_like of 0 and 1, shape (n,)
    risk : array_like in [0, 1], shape (n,)
        Predictions for rows the model has not seen.
    method : "in_the_large", "logistic" or "isotonic"

    Raises
    ------
    NotEnoughData
        One class only.
    ConfigError
        Another method.

    Source
    ------
    Steyerberg (2019), Clinical Prediction Models, 2nd ed., chapter 20; Platt (1999).

    Examples
    --------
    Twenty events among 100 people, all given 10 %: the average is moved to 20 %.

    >>> y = np.repeat([1, 0], [20, 80])
    >>> fix = recalibration(y, np.full(100, 0.1), method="in_the_large")
    >>> round(float(fix.apply([0.1])[0]), 6)
    0.2
    """
    given = _risks(risk)
    y = binary(y_true, n=len(given))
    eta = logit(given)
    intercept, slope = 0.0, 1.0
    steps: tuple[tuple[float, float], ...] = ()
    notes: tuple[str, ...] = ()
    if method == "in_the_large":
        intercept = float(brentq(lambda a: expit(a + eta).sum() - y.sum(), -30.0, 30.0, xtol=1e-12))
    elif method == "logistic":
        fit = logistic_fit(eta[:, None], y)
        intercept, slope = fit.intercept, float(fit.coefficients[0])
        notes = ("slope_not_positive",) if slope <= 0 else ()
    elif method == "isotonic":
        steps = _isotonic_steps(given, y)
        notes = (f"few_events:{int(y.sum())}",) if y.sum() < 100 else ()
    else:
        raise ConfigError(
            f"Unknown recalibration {method!r}.", hint="Known: in_the_large, logistic, isotonic."
        )
    return Recalibration(
        method=method,
        intercept=intercept,
        slope=slope,
        steps=steps,
        n=len(y),
        events=int(y.sum()),
        notes=notes,
    )


def _isotonic_steps(risk: FloatArray, y: FloatArray) -> tuple[tuple[float, float], ...]:
    from sklearn.isotonic import IsotonicRegression

    fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(risk, y)
    return tuple(zip(fit.X_thresholds_.tolist(), fit.y_thresholds_.tolist(), strict=True))


def _risks(risk: ArrayLike) -> FloatArray:
    given = np.asarray(risk, dtype=np.float64)
    if not ((given >= 0) & (given <= 1)).all():
        raise InputError("A risk lies outside 0 to 1 or is missing.", hint="Give probabilities, not percent.")
    return given
