"""Training: the textbook model, planted truth, determinism, and honest words about each patient."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from osteon.cohort.impute import ImputeOptions
from osteon.core.config import override
from osteon.core.errors import ConfigError, NotEnoughData, SchemaError
from osteon.models.learners import LEARNERS
from osteon.models.linear import logistic_fit
from osteon.models.train import ModelSpec, TrainOptions, train

PREDICTORS = ("age_years", "weight_kg", "smoking_current", "sex", "alp_u_l")
QUICK = TrainOptions(trials=3, impute=ImputeOptions(m=3, iterations=4))


def spec(learner="logistic", **more):
    return ModelSpec(name=learner, learner=learner, predictors=PREDICTORS, **more)


def glow(real_data):
    table = pd.read_csv(real_data / "tabular/glow/glow500.csv")
    table["RATERISK3"] = (table["RATERISK"] == 3).astype(float)
    table["AGE_PRIORFRAC"] = table["AGE"] * table["PRIORFRAC"]
    table["MOMFRAC_ARMASSIST"] = table["MOMFRAC"] * table["ARMASSIST"]
    return table


def test_the_textbook_model_of_glow500_is_reproduced(real_data, oracle):
    known = oracle("glow500/textbook_model")
    table = glow(real_data)
    names = [name for name in known["coefficients"] if name != "const"]
    fit = logistic_fit(table[names].to_numpy(dtype=float), table["FRACTURE"].to_numpy(dtype=float))
    found = dict(zip(["const", *names], [fit.intercept, *fit.coefficients], strict=True))
    errors = dict(zip(["const", *names], np.sqrt(np.diag(fit.covariance)), strict=True))
    assert found == pytest.approx(known["coefficients"], abs=1e-4)
    assert errors == pytest.approx(known["standard_errors"], abs=1e-4)
    assert fit.log_likelihood == pytest.approx(known["log_likelihood"], abs=1e-4)


def test_a_trained_model_on_complete_rows_is_the_textbook_model(real_data, oracle):
    known = oracle("glow500/textbook_model")
    table = glow(real_data)
    names = tuple(name for name in known["coefficients"] if name != "const")
    model = train(
        table, table["FRACTURE"], seed=1, spec=ModelSpec(name="glow", learner="logistic", predictors=names)
    )
    predicted = model.predict(table)
    assert roc_auc_score(table["FRACTURE"], predicted.risk) == pytest.approx(known["apparent_auc"], abs=1e-4)
    assert predicted.n_missing.sum() == 0 and predicted.missing[0] == ()


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_learner_predicts_new_people_near_the_bayes_auc(people, learner):
    table, y, _ = people(1200, 1)
    new, truth, best = people(3000, 2)
    predicted = train(table, y, spec=spec(learner, knots={"age_years": 3}), options=QUICK, seed=3).predict(
        new
    )
    assert (
        roc_auc_score(truth, predicted.risk) > roc_auc_score(truth, best) - 0.06
    )  # a tenth of the cells is gone
    assert (predicted.low <= predicted.risk).all() and (predicted.risk <= predicted.high).all()


def test_equal_seeds_give_equal_predictions_and_others_differ(people):
    table, y, _ = people(500, 4)
    risks = [
        train(table, y, spec=spec("lightgbm"), options=QUICK, seed=s).predict(table).risk for s in (1, 1, 2)
    ]
    assert np.array_equal(risks[0], risks[1])
    assert not np.array_equal(risks[0], risks[2])


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_risk_of_a_patient_is_the_same_alone_in_a_table_and_in_another_order(people, learner):
    table, y, _ = people(300, 4)
    model = train(table, y, spec=spec(learner, knots={"age_years": 3}), options=QUICK, seed=1)
    new = people(40, 16, gaps=0.4)[0]
    whole = model.predict(new)
    shuffled = model.predict(new.iloc[::-1])
    assert whole.n_missing.max() > 1
    for name in ("risk", "low", "high"):
        together = getattr(whole, name)
        alone = [getattr(model.predict(new.iloc[[row]]), name)[0] for row in range(len(new))]
        assert alone == pytest.approx(together, rel=1e-9)
        assert getattr(shuffled, name)[::-1] == pytest.approx(together, rel=1e-9)


def test_the_logistic_interval_covers_the_true_risk(people):
    truth, _, best = people(400, 99, gaps=0.0)
    covered = []
    for seed in range(12):
        table, y, _ = people(600, seed, gaps=0.0)
        predicted = train(table, y, spec=spec(), options=QUICK, seed=seed).predict(truth)
        covered.append(((predicted.low <= best) & (best <= predicted.high)).mean())
    assert np.mean(covered) == pytest.approx(0.95, abs=0.04)


def test_a_gap_widens_the_interval(people):
    table, y, _ = people(1000, 5)
    model = train(table, y, spec=spec(), options=QUICK, seed=1)
    whole = people(300, 6, gaps=0.0)[0]
    holed = whole.assign(weight_kg=np.nan)
    full, gappy = model.predict(whole), model.predict(holed)
    width = [np.median(np.log(p.high / p.low)) for p in (full, gappy)]
    assert width[1] > 1.3 * width[0]
    assert set(gappy.missing) == {("weight_kg",)} and (gappy.n_missing == 1).all()


def test_a_bootstrap_adds_sampling_error_to_other_learners(people):
    table, y, _ = people(500, 7)
    plain = train(table, y, spec=spec("elastic_net"), options=QUICK, seed=1).predict(table)
    wide = train(table, y, spec=spec("elastic_net"), options=replace(QUICK, bootstrap=30), seed=1).predict(
        table
    )
    exact = train(table, y, spec=spec("logistic"), options=QUICK, seed=1).predict(table)
    assert "interval:imputation_only" in plain.notes and "interval:imputation_only" not in wide.notes
    assert np.median(wide.high - wide.low) > 2 * np.median(plain.high - plain.low)
    assert np.median(wide.high - wide.low) == pytest.approx(np.median(exact.high - exact.low), rel=0.4)


def test_what_lies_outside_the_training_range_is_named(people):
    table, y, _ = people(400, 8)
    model = train(table, y, spec=spec(), options=QUICK, seed=1)
    new = people(3, 9, gaps=0.0)[0]
    new.loc[0, "age_years"] = 120.0
    new["sex"] = new["sex"].astype("object")
    new.loc[1, "sex"] = "unknown"
    predicted = model.predict(new)
    assert predicted.out_of_range[0] == ("age_years",) and predicted.out_of_range[1] == ("sex",)
    assert np.isfinite(predicted.risk).all()


def test_a_column_empty_or_constant_in_training_is_left_out_and_named(people):
    table, y, _ = people(400, 10)
    model = train(table.assign(alp_u_l=np.nan, smoking_current=1.0), y, spec=spec(), options=QUICK, seed=1)
    assert {"uninformative:alp_u_l", "uninformative:smoking_current"} <= set(model.notes)
    assert np.isfinite(model.predict(table).risk).all()
    assert set(model.variables) == {"age_years", "weight_kg", "sex"}


def test_selection_inside_training_keeps_the_planted_variables(people):
    table, y, _ = people(2000, 11)
    model = train(table, y, spec=spec(), options=replace(QUICK, selection="lasso"), seed=1)
    assert {"age_years", "weight_kg"} <= set(model.variables)
    assert set(model.selection.kept) == set(model.variables)


def test_knots_that_coincide_become_fewer_and_say_so(people):
    table, y, _ = people(400, 12)
    table["weight_kg"] = np.where(table["weight_kg"] > 80, 2.0, 1.0) + (table["weight_kg"] > 95)
    model = train(table, y, spec=spec(knots={"weight_kg": 5}), options=QUICK, seed=1)
    assert any(note.startswith("knots:weight_kg:") for note in model.notes)


def test_native_missing_leaves_gaps_to_lightgbm(people):
    table, y, _ = people(800, 13)
    model = train(table, y, spec=spec("lightgbm"), options=replace(QUICK, native_missing=True), seed=1)
    xs = model.encoded(table, model.completed(table))
    gap = np.isnan(xs[0][:, model.columns.index("weight_kg")])
    assert np.array_equal(gap, table["weight_kg"].isna())
    assert roc_auc_score(y, model.predict(table).risk) > 0.7


def test_input_tables_stay_as_they_were(people):
    table, y, _ = people(300, 14)
    before = table.copy(deep=True)
    train(table, y, spec=spec(), options=QUICK, seed=1).predict(table)
    pd.testing.assert_frame_equal(table, before)


def test_options_come_from_a_configuration_file():
    changed = override(TrainOptions(), {"trials": 3, "impute": {"m": 2}})
    assert (changed.trials, changed.impute.m) == (3, 2)


def test_refusals(people):
    table, y, _ = people(200, 15)
    with pytest.raises(SchemaError, match="age_years"):
        train(table.drop(columns="age_years"), y, spec=spec(), seed=1)
    with pytest.raises(SchemaError, match="sex"):
        train(table.assign(sex=np.where(table["age_years"] > 65, "a", "b")), y, spec=spec(), seed=1)
    with pytest.raises(NotEnoughData, match="smaller class"):
        train(table.head(30), np.r_[np.ones(3), np.zeros(27)], spec=spec(), seed=1)
    with pytest.raises(NotEnoughData):
        train(table, np.zeros(200), spec=spec(), seed=1)
    with pytest.raises(ConfigError, match="boosting"):
        spec("boosting")
    with pytest.raises(ConfigError, match="height"):
        spec(knots={"height": 3})
    with pytest.raises(ConfigError):
        TrainOptions(tuning="accuracy")
    with pytest.raises(ConfigError):
        TrainOptions(selection="stepwise")
