"""The textbook's model of one-year fracture in GLOW500, refitted: a known answer on real rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from osteon.models.linear import logistic_fit
from osteon.stats.auc import Auc, auc

__all__ = ["KNOWN", "Textbook", "textbook_model"]

# Hosmer, Lemeshow & Sturdivant (2013), Applied Logistic Regression, 3rd ed.; coefficient and error as fitted in R and statsmodels.
KNOWN = {
    "const": (1.717243, 3.321757),
    "age_years": (0.05731, 0.016503),
    "height_cm": (-0.046736, 0.01833),
    "fracture_prior": (4.612292, 1.880194),
    "mother_hip_fracture": (1.246641, 0.392962),
    "arms_to_stand": (0.644164, 0.251934),
    "self_rated_greater": (0.468969, 0.240781),
    "age_x_fracture_prior": (-0.055274, 0.025932),
    "mother_x_arms": (-1.28054, 0.622995),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Textbook:
    """Terms with coefficient and standard error, in the order of :data:`KNOWN`."""

    terms: tuple[tuple[str, float, float], ...]
    log_likelihood: float
    apparent: Auc


def textbook_model(table: pd.DataFrame) -> Textbook:
    """Maximum-likelihood fit of the textbook's nine terms to all complete rows."""
    columns = {name: table[name].to_numpy(dtype=np.float64) for name in list(KNOWN)[1:6]}
    columns["self_rated_greater"] = (
        table["self_rated_fracture_risk"].astype("object") == "greater"
    ).to_numpy(float)
    columns["age_x_fracture_prior"] = columns["age_years"] * columns["fracture_prior"]
    columns["mother_x_arms"] = columns["mother_hip_fracture"] * columns["arms_to_stand"]
    x = np.column_stack([columns[name] for name in list(KNOWN)[1:]])
    y = table["fracture_1y"].to_numpy(dtype=np.float64)
    complete = np.isfinite(x).all(axis=1) & np.isfinite(y)
    fit = logistic_fit(x[complete], y[complete])
    errors = np.sqrt(np.diag(fit.covariance)) if fit.covariance is not None else np.full(len(KNOWN), np.nan)
    values = [fit.intercept, *fit.coefficients]
    terms = tuple((name, float(v), float(e)) for name, v, e in zip(KNOWN, values, errors, strict=True))
    return Textbook(
        terms=terms,
        log_likelihood=fit.log_likelihood,
        apparent=auc(y[complete] > 0.5, fit.predict(x[complete])),
    )
