"""Cross-validation: no leak, shared folds, resumption, and the known level of GLOW500."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from osteon.cohort.impute import ImputeOptions
from osteon.core.errors import ConfigError, NotEnoughData
from osteon.core.progress import listening
from osteon.models import evaluate
from osteon.models.evaluate import holdout, nested_cv, nested_cv_many, optimism, temporal
from osteon.models.select import selected
from osteon.models.train import ModelSpec, TrainOptions

PREDICTORS = ("age_years", "weight_kg", "smoking_current", "sex", "alp_u_l")
QUICK = TrainOptions(trials=3, impute=ImputeOptions(m=2, iterations=3), processes=1)


def spec(learner="logistic", predictors=PREDICTORS, name=None, **more):
    return ModelSpec(name=name or learner, learner=learner, predictors=predictors, **more)


def test_cross_validated_auc_agrees_with_planted_truth(people):
    table, y, best = people(1500, 1, gaps=0.0)
    result = nested_cv(table, y, spec=spec(), options=QUICK, seed=1)
    error = np.sqrt(0.25 / y.sum() / 3)
    assert result.auc_by_repeat[0] == pytest.approx(roc_auc_score(y, best), abs=2 * error)
    assert result.n == 1500 and result.events == y.sum() and len(result.fold_auc) == 5
    assert np.isfinite(result.risk).all() and set(result.fold) == set(range(5))


@pytest.mark.parametrize(
    "selection",
    [
        "univariate_multivariate",
        pytest.param("lasso", marks=pytest.mark.slow),
        pytest.param("random_forest", marks=pytest.mark.slow),
    ],
)
def test_noise_stays_noise_with_everything_inside_the_folds(selection):
    """The same choice of variables made once on all rows finds signal where there is none."""
    rng = np.random.default_rng(7)
    names = tuple(f"x{j}" for j in range(60))
    options = replace(QUICK, impute=ImputeOptions(m=1, iterations=1))
    inside, leaking = [], []
    for seed in range(3):
        table = pd.DataFrame(rng.normal(size=(200, 60)), columns=list(names)).mask(
            rng.random((200, 60)) < 0.02
        )
        y = rng.permutation(np.repeat([0.0, 1.0], 100))
        chosen = selected(
            table.fillna(0.0), y, method=selection, sources={x: x for x in names}, seed=seed
        ).kept
        leaking.append(nested_cv(table, y, spec=spec(predictors=chosen), options=options, seed=seed))
        honest = replace(options, selection=selection)
        inside.append(nested_cv(table, y, spec=spec(predictors=names), options=honest, seed=seed))
    honest_auc, leaking_auc = (np.mean([each.auc_by_repeat for each in found]) for found in (inside, leaking))
    assert 0.40 < honest_auc < 0.54
    assert leaking_auc > honest_auc + 0.07


def test_noise_stays_noise_under_tuning():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.normal(size=(300, 6)), columns=list("abcdef")).mask(rng.random((300, 6)) < 0.1)
    aucs = []
    for seed in range(4):
        y = rng.permutation(np.repeat([0.0, 1.0], 150))
        one = spec("lightgbm", predictors=tuple("abcdef"))
        aucs += nested_cv(
            table, y, spec=one, options=replace(QUICK, trials=8), folds=3, seed=seed
        ).auc_by_repeat
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("learner", ["logistic", "lightgbm", "knn"])
def test_held_out_rows_never_change_what_is_learned(people, learner):
    table, y, _ = people(300, 2)
    test = np.arange(200, 300)
    other = table.copy()
    other.loc[test, "age_years"] = 30.0
    other.loc[test, "weight_kg"] = np.nan
    flipped = y.copy()
    flipped[test] = 1 - flipped[test]
    probe = people(50, 3)[0]
    options = replace(QUICK, selection="lasso")
    first = holdout(table, y, spec=spec(learner), test=test, options=options, seed=1)
    second = holdout(other, flipped, spec=spec(learner), test=test, options=options, seed=1)
    assert np.array_equal(first.model.predict(probe).risk, second.model.predict(probe).risk)
    assert first.model.encoder == second.model.encoder and first.model.tuning == second.model.tuning
    assert (first.n_train, first.n) == (200, 100)


def test_a_model_alone_gets_the_figures_it_gets_among_others(people):
    table, y, _ = people(300, 4)
    specs = [spec("logistic"), spec("elastic_net"), spec("logistic", predictors=PREDICTORS[:2], name="short")]
    together = nested_cv_many(table, y, specs, options=QUICK, folds=3, seed=5)
    for each in specs:
        alone = nested_cv(table, y, spec=each, options=QUICK, folds=3, seed=5)
        assert np.array_equal(alone.risk, together[each.name].risk)
        assert np.array_equal(alone.fold, together["short"].fold)


@pytest.mark.slow
def test_two_processes_give_the_figures_of_one(people):
    table, y, _ = people(300, 5)
    one, two = (
        nested_cv(table, y, spec=spec("lightgbm"), options=replace(QUICK, processes=p), folds=3, seed=1)
        for p in (1, 2)
    )
    assert np.array_equal(one.risk, two.risk)


def test_repeats_draw_new_folds_and_are_averaged(people):
    table, y, _ = people(300, 6)
    result = nested_cv(table, y, spec=spec(), options=QUICK, folds=3, repeats=2, seed=1)
    assert not np.array_equal(result.folds[0], result.folds[1])
    assert len(result.auc_by_repeat) == 2 and len(result.fold_auc) == 6
    assert (
        (result.risk >= result.risks.min(axis=0) - 1e-12) & (result.risk <= result.risks.max(axis=0) + 1e-12)
    ).all()


def test_rows_of_a_group_stay_together(people):
    table, y, _ = people(300, 7)
    groups = np.arange(300) // 3
    result = nested_cv(table, y, spec=spec(), options=QUICK, folds=3, groups=groups, seed=1)
    assert all(len(set(result.fold[groups == g])) == 1 for g in range(100))


def test_a_broken_off_run_goes_on_where_it_stopped(people, tmp_path, monkeypatch):
    table, y, _ = people(200, 8)
    first = nested_cv(table, y, spec=spec(), options=QUICK, folds=3, seed=1, checkpoint=tmp_path)
    files = sorted(tmp_path.glob("*.npz"))
    assert len(files) == 3
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:100])  # cut in half
    fitted = []
    really = evaluate.fitted_model
    monkeypatch.setattr(evaluate, "fitted_model", lambda *a, **k: fitted.append(1) or really(*a, **k))
    again = nested_cv(table, y, spec=spec(), options=QUICK, folds=3, seed=1, checkpoint=tmp_path)
    assert len(fitted) == 2
    assert np.array_equal(again.risk, first.risk) and again.chosen == first.chosen
    nested_cv(table, y, spec=spec(), options=QUICK, folds=3, seed=2, checkpoint=tmp_path)
    nested_cv(table, 1 - y, spec=spec(), options=QUICK, folds=3, seed=1, checkpoint=tmp_path)
    assert len(fitted) == 8  # another seed or outcome is another run


def test_progress_is_told(people):
    table, y, _ = people(200, 9)
    seen = []
    with listening(lambda task, done, total: seen.append((task, done, total))):
        nested_cv(table, y, spec=spec(), options=QUICK, folds=3, seed=1)
    assert [each for each in seen if each[0] == "cross_validation"][-1] == ("cross_validation", 3, 3)


def test_temporal_evaluation_learns_from_the_past(people):
    table, y, _ = people(400, 10)
    year = np.repeat([2012, 2014, 2015, 2016], 100)
    result = temporal(table, y, spec=spec(), order=year, cut=2014, options=QUICK, seed=1)
    assert result.index.tolist() == list(range(200, 400))
    assert roc_auc_score(y[result.index], result.risk) > 0.65


def test_optimism_is_positive_and_correction_is_honest(people):
    rng = np.random.default_rng(1)
    names = tuple(f"x{j}" for j in range(15))
    table = pd.DataFrame(rng.normal(size=(150, 15)), columns=list(names))
    y = rng.permutation(np.repeat([0.0, 1.0], 75))
    options = replace(QUICK, impute=ImputeOptions(m=1, iterations=1))
    result = optimism(table, y, spec=spec(predictors=names), options=options, n_resamples=20, seed=1)
    assert result.apparent > 0.65  # noise, learned by heart
    assert abs(result.corrected - 0.5) < abs(result.apparent - 0.5) / 2


@pytest.mark.slow
def test_glow500_reaches_its_known_level(real_data):
    table = pd.read_csv(real_data / "tabular/glow/glow500.csv")
    for name in ("RATERISK",):
        table[name] = pd.Categorical(table[name].astype(str))
    names = (
        "PRIORFRAC",
        "AGE",
        "WEIGHT",
        "HEIGHT",
        "BMI",
        "PREMENO",
        "MOMFRAC",
        "ARMASSIST",
        "SMOKE",
        "RATERISK",
    )
    result = nested_cv(
        table, table["FRACTURE"], spec=spec(predictors=names), folds=5, repeats=10, seed=1,
        options=replace(QUICK, impute=ImputeOptions(m=1, iterations=1)),
    )  # fmt: skip
    assert np.mean(result.auc_by_repeat) == pytest.approx(0.675, abs=0.012)
    assert np.mean(result.auc_by_repeat) >= 0.67


def test_refusals(people):
    table, y, _ = people(100, 11)
    with pytest.raises(ConfigError, match="names"):
        nested_cv_many(table, y, [spec(), spec()], options=QUICK, seed=1)
    with pytest.raises(NotEnoughData):
        nested_cv(table, np.ones(100), spec=spec(), options=QUICK, seed=1)
    with pytest.raises(NotEnoughData):
        holdout(table, y, spec=spec(), test=np.zeros(100, dtype=bool), options=QUICK, seed=1)
