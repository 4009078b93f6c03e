"""A model written out in full predicts what the model predicts."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from osteon.cohort.encode import spline_basis
from osteon.cohort.impute import ImputeOptions
from osteon.models.terms import model_terms
from osteon.models.train import ModelSpec, TrainOptions, train


@pytest.fixture
def people():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({
        "age_years": rng.uniform(50, 90, 400),
        "weight_kg": rng.normal(70, 12, 400),
        "sex": pd.Categorical(rng.choice(["female", "male"], 400)),
    })  # fmt: skip
    eta = (
        0.08 * (table["age_years"] - 70) - 0.03 * (table["weight_kg"] - 70) + 0.7 * (table["sex"] == "female")
    )
    return table, rng.random(400) < expit(eta)


def test_the_printed_model_reproduces_the_predictions(people):
    table, y = people
    spec = ModelSpec(name="m", learner="logistic", predictors=tuple(table.columns), knots={"age_years": 4})
    model = train(table, y, spec=spec, options=TrainOptions(impute=ImputeOptions(m=2)), seed=1)
    written = model_terms(model)
    basis = spline_basis(table["age_years"], knots=written.knots["age_years"])
    columns = dict(zip(("age_years", "age_years'", "age_years''"), basis.T, strict=True))
    columns["weight_kg"] = table["weight_kg"]
    columns |= {f"sex={level}": (table["sex"] == level).to_numpy(float) for level in ("female", "male")}
    eta = written.intercept + sum(
        t.coefficient * (np.asarray(columns[t.column]) - t.centre) / t.scale for t in written.terms
    )
    assert expit(eta) == pytest.approx(model.predict(table).risk, abs=1e-6)
    assert all(t.se > 0 for t in written.terms)


def test_a_forest_has_no_coefficients(people):
    table, y = people
    spec = ModelSpec(name="m", learner="lightgbm", predictors=tuple(table.columns))
    model = train(table, y, spec=spec, options=TrainOptions(impute=ImputeOptions(m=2), trials=0), seed=1)
    assert model_terms(model) is None
