"""Cox-Snell's R2 of a yes/no outcome: its ceiling, and what an AUC says about it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, ndtri

from osteon.core.errors import ConfigError

__all__ = ["cox_snell_from_auc", "largest_cox_snell"]


def largest_cox_snell(prevalence: float) -> float:
    """
    The highest Cox-Snell R2 that a yes/no outcome of this prevalence allows.

    Raises
    ------
    ConfigError
        A prevalence outside (0, 1).

    Source
    ------
    Riley et al. (2020), BMJ 368:m441, table: .33 at a prevalence of .05, .75 at .5.

    Examples
    --------
    >>> round(largest_cox_snell(0.05), 2), round(largest_cox_snell(0.5), 2)
    (0.33, 0.75)
    """
    return -math.expm1(2.0 * _null_log_likelihood(prevalence))


def cox_snell_from_auc(auc: float, *, prevalence: float) -> float:
    """
    The Cox-Snell R2 of a well calibrated model with this AUC, for use where only an AUC was published.

    Parameters
    ----------
    auc : float in (0.5, 1)
        Published area under the ROC curve.
    prevalence : float in (0, 1)
        Share of events.

    Raises
    ------
    ConfigError
        A value outside its range.

    Source
    ------
    Riley, Van Calster & Collins (2021), Statistics in Medicine 40:859-864.

    Differs
    -------
    The paper simulates normal linear predictors of the two classes; here the same expectation is integrated.

    Examples
    --------
    >>> round(cox_snell_from_auc(0.89, prevalence=0.174), 2)
    0.29
    """
    null = _null_log_likelihood(prevalence)
    if not 0.5 < auc < 1.0:
        raise ConfigError(f"auc is {auc}; it must lie between 0.5 and 1.")
    distance = math.sqrt(2.0) * float(ndtri(auc))
    node, weight = np.polynomial.hermite_e.hermegauss(200)
    weight = weight / weight.sum()
    base = math.log(prevalence / (1.0 - prevalence))

    def score(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return base + distance * x - distance**2 / 2.0

    fitted = prevalence * float(weight @ log_expit(score(node + distance)))
    fitted += (1.0 - prevalence) * float(weight @ log_expit(-score(node)))
    return -math.expm1(2.0 * (null - fitted))


def _null_log_likelihood(prevalence: float) -> float:
    """Log-likelihood per person of giving everybody the prevalence."""
    if not 0.0 < prevalence < 1.0:
        raise ConfigError(f"prevalence is {prevalence}; it must lie between 0 and 1.")
    return prevalence * math.log(prevalence) + (1.0 - prevalence) * math.log1p(-prevalence)
