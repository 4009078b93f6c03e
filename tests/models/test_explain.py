"""Explanations: additive, told per variable, and pointing at what was planted."""

import numpy as np
import pandas as pd
import pytest

from osteon.cohort.impute import ImputeOptions
from osteon.core.errors import ConfigError, NotEnoughData
from osteon.models.explain import partial_dependence, permutation_importance, shap_values
from osteon.models.linear import logit
from osteon.models.train import ModelSpec, TrainOptions, train

PREDICTORS = ("age_years", "weight_kg", "smoking_current", "sex", "alp_u_l")
QUICK = TrainOptions(trials=2, impute=ImputeOptions(m=2, iterations=3))


@pytest.fixture(scope="module")
def fitted(people):
    table, y, _ = people(900, 1)

    def model(learner):
        spec = ModelSpec(name=learner, learner=learner, predictors=PREDICTORS, knots={"age_years": 3})
        return train(table, y, spec=spec, options=QUICK, seed=1)

    return model, table, y


@pytest.mark.parametrize("learner", ["logistic", "elastic_net", "lightgbm"])
def test_values_and_base_add_up_to_the_log_odds(fitted, learner):
    make, table, _ = fitted
    model = make(learner)
    told = shap_values(model, table.head(200))
    eta = logit(model.predict(table.head(200)).risk)
    assert told.scale == "log_odds"
    assert told.values.sum(axis=1) + told.base == pytest.approx(eta, abs=1e-6)


def test_a_forest_adds_up_to_the_mean_risk_of_its_members(fitted):
    make, table, _ = fitted
    model, rows = make("random_forest"), table.head(40)
    told = shap_values(model, rows)
    xs = model.encoded(rows, model.completed(rows))
    mean = np.mean([member.predict(x) for member, x in zip(model.members, xs, strict=True)], axis=0)
    assert told.scale == "risk"
    assert told.values.sum(axis=1) + told.base == pytest.approx(mean, abs=1e-6)


def test_other_learners_add_up_too(fitted):
    make, table, _ = fitted
    model, rows = make("naive_bayes"), table.head(8)
    told = shap_values(model, rows, background=table, most_background=15, seed=1)
    assert told.values.sum(axis=1) + told.base == pytest.approx(logit(model.predict(rows).risk), abs=1e-6)


@pytest.mark.parametrize("learner", ["logistic", "lightgbm"])
def test_planted_variables_matter_and_noise_does_not(fitted, learner):
    make, table, _ = fitted
    told = shap_values(make(learner), table)
    order = list(told.importance)
    assert set(told.variables) == set(PREDICTORS)  # levels and spline terms are summed
    assert set(order[:2]) == {"age_years", "weight_kg"}
    assert told.importance["alp_u_l"] < 0.35 * told.importance["age_years"]
    age = told.values[:, told.variables.index("age_years")]
    assert np.corrcoef(age, table["age_years"])[0, 1] > 0.8
    assert any(note.startswith("filled:") for note in told.notes)


def test_partial_dependence_of_a_logistic_model_follows_its_coefficient(people):
    table, y, _ = people(600, 2, gaps=0.0)
    spec = ModelSpec(name="one", learner="logistic", predictors=("age_years", "sex"))
    model = train(table, y, spec=spec, options=QUICK, seed=1)
    curve = partial_dependence(model, table, variable="age_years", points=9)
    assert (np.diff(curve.risk) > 0).all()
    assert (curve.low <= curve.risk).all() and (curve.risk <= curve.high).all()
    by_sex = partial_dependence(model, table, variable="sex")
    assert by_sex.grid == ("female", "male") and by_sex.risk[0] > by_sex.risk[1]
    everyone = pd.concat([table.assign(age_years=curve.grid[4])])
    assert curve.n == 500
    assert curve.risk[4] == pytest.approx(model.predict(everyone).risk.mean(), abs=0.02)


def test_a_flag_is_asked_both_ways_even_where_all_rows_say_no(people):
    table, y, _ = people(600, 2, gaps=0.0)
    model = train(table, y, spec=ModelSpec(name="one", learner="logistic", predictors=("age_years", "smoking_current")),
                  options=QUICK, seed=1)  # fmt: skip
    curve = partial_dependence(model, table[table["smoking_current"] == 0], variable="smoking_current")
    assert curve.grid == (0.0, 1.0)
    assert curve.risk[1] > curve.risk[0]


def test_shuffling_a_planted_variable_costs_auc_and_noise_costs_none(fitted, people):
    make, _, _ = fitted
    new, truth, _ = people(1500, 3)
    found = permutation_importance(make("logistic"), new, truth, seed=1)
    rise = dict(zip(found.variables, found.rise, strict=True))
    assert rise["age_years"] > 0.03 and rise["weight_kg"] > 0.03
    assert abs(rise["alp_u_l"]) < 0.01
    assert found.n == 1500


def test_refusals(fitted):
    make, table, _ = fitted
    model = make("logistic")
    with pytest.raises(ConfigError, match="age_years"):
        partial_dependence(model, table, variable="height_cm")
    with pytest.raises(NotEnoughData):
        shap_values(model, table.head(0))
