"""A linear model written out in full, so that anyone can predict with it: scaling, knots, coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from osteon.models.linear import LinearFit
from osteon.models.train import TrainedModel
from osteon.stats.pooling import pool

__all__ = ["ModelTerms", "Term", "model_terms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One encoded column: the model sees ``(value - centre) / scale`` and multiplies it by ``coefficient``."""

    column: str
    variable: str
    centre: float
    scale: float
    coefficient: float
    se: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTerms:
    """log-odds = intercept + sum of coefficient x scaled column; ``knots`` of curved variables in their own units."""

    terms: tuple[Term, ...]
    intercept: float
    knots: Mapping[str, tuple[float, ...]]
    copies: int


def model_terms(model: TrainedModel) -> ModelTerms | None:
    """
    The coefficients of a logistic or elastic-net model, pooled over imputations by Rubin's rules; None for others.

    Standard errors are NaN for penalised fits, which have none.
    """
    fits = [fit for fit in model.members if isinstance(fit, LinearFit)]
    if len(fits) != len(model.members):
        return None
    scaling: dict[str, tuple[float, float]] = {}
    knots: dict[str, tuple[float, ...]] = {}
    for code in model.encoder.columns:
        scaled = code.kind != "category" and bool(code.scales)
        for i, name in enumerate(code.terms):
            scaling[name] = (code.means[i], code.scales[i]) if scaled else (0.0, 1.0)
        if code.knots:
            knots[code.name] = code.knots
    terms = []
    for i, column in enumerate(model.columns):
        estimates = [float(fit.coefficients[i]) for fit in fits]
        variances = [float(fit.covariance[i + 1, i + 1]) for fit in fits if fit.covariance is not None]
        if len(variances) == len(fits) and len(fits) > 1:
            pooled = pool(estimates, variances)
            value, se = pooled.value, pooled.se
        else:
            value = float(np.mean(estimates))
            se = float(np.sqrt(variances[0])) if len(variances) == 1 else np.nan
        centre, scale = scaling[column]
        terms.append(
            Term(
                column=column,
                variable=model.sources[column],
                centre=centre,
                scale=scale,
                coefficient=value,
                se=se,
            )
        )
    intercept = float(np.mean([fit.intercept for fit in fits]))
    return ModelTerms(terms=tuple(terms), intercept=intercept, knots=knots, copies=len(fits))
