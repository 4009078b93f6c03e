"""Invented people whose true risk is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

PREDICTORS = ("age_years", "weight_kg", "smoking_current", "sex", "alp_u_l")


@pytest.fixture(scope="session")
def people():
    """people(n, seed) -> (table with gaps, outcome, true risk); alkaline phosphatase is noise."""

    def drawn(n, seed, *, gaps=0.1):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame({
            "age_years": rng.normal(65, 9, n),
            "weight_kg": rng.normal(72, 14, n),
            "smoking_current": (rng.random(n) < 0.3).astype(float),
            "sex": pd.Categorical(rng.choice(["female", "male"], n)),
            "alp_u_l": rng.lognormal(4.2, 0.3, n),
        })  # fmt: skip
        eta = (
            0.08 * (table["age_years"] - 65) - 0.05 * (table["weight_kg"] - 72) + 0.5 * table["smoking_current"]
            + 0.9 * (table["sex"] == "female") - 1.6
        ).to_numpy(dtype=float)  # fmt: skip
        y = (rng.random(n) < expit(eta)).astype(float)
        for column in ("weight_kg", "smoking_current", "sex", "alp_u_l"):
            table.loc[rng.random(n) < gaps, column] = np.nan
        return table, y, expit(eta)

    return drawn
