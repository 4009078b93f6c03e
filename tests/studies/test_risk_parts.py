"""The parts of a risk study on small invented tables: plans, subgroups, equal alarms, matching, textbook, cards, scores."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from osteon.cohort.impute import ImputeOptions
from osteon.core.errors import ConfigError, FileError, NotEnoughData, SchemaError
from osteon.models.card import read_card
from osteon.models.train import TrainOptions
from osteon.report.words import words
from osteon.studies.fracture_risk import Config, configured, run
from osteon.studies.fracture_risk_page import document
from osteon.studies.risk_detail import _caught, alarms, matched_check, subgroups
from osteon.studies.risk_methods import filled_items, methods_blocks
from osteon.studies.risk_plan import Question, planned, predictor_sets
from osteon.studies.risk_population import bone_status
from osteon.studies.risk_scores import score_columns
from osteon.studies.risk_task import TaskSettings, judged_task
from osteon.studies.risk_textbook import KNOWN, textbook_model
from osteon.studies.scoring import score_to_folder


@pytest.fixture(scope="module")
def people():
    """600 people whose fracture depends on age and on density; density depends on age."""
    rng = np.random.default_rng(11)
    n = 600
    age = rng.uniform(50, 90, n)
    neck = 0.95 - 0.004 * (age - 50) + rng.normal(0, 0.1, n)
    weight = rng.normal(72, 12, n)
    table = pd.DataFrame({
        "participant_id": [str(i) for i in range(n)],
        "age_years": age,
        "sex": pd.Categorical(rng.choice(["female", "male"], n), categories=["female", "male"]),
        "height_cm": rng.normal(165, 8, n),
        "weight_kg": weight,
        "bmi_kg_m2": weight / 1.65**2,
        "smoking_current": (rng.random(n) < 0.2).astype(float),
        "bmd_femoral_neck_g_cm2": neck,
        "t_femoral_neck": (neck - 0.858) / 0.12,
    })  # fmt: skip
    table["osteoporosis_fn"] = (table["t_femoral_neck"] <= -2.5).astype(float)
    table["fracture_ever"] = (rng.random(n) < expit(-3 + 0.05 * (age - 60) - 4 * (neck - 0.85))).astype(float)
    table.loc[:9, "weight_kg"] = np.nan
    return table


CLINICAL = ("age_years", "sex", "height_cm", "weight_kg", "smoking_current", "not_in_the_table")
FRACTURE = Question(
    task="fracture_ever",
    outcome="fracture_ever",
    sets={
        "clinical": CLINICAL,
        "clinical_bmd": (*CLINICAL, "bmd_femoral_neck_g_cm2"),
        "clinical_lab": (*CLINICAL, "ctx_ng_ml"),
    },
    curved={},
)
FAST = TaskSettings(
    folds=3,
    train=TrainOptions(impute=ImputeOptions(m=2, iterations=2), trials=1, processes=1),
    decision_resamples=100,
)


@pytest.fixture(scope="module")
def answered(people):
    plan = planned(people, FRACTURE, learners=("logistic",))
    scores, absent = score_columns(people, "fracture_ever")
    return plan, judged_task(people, plan, scores, absent, settings=FAST, seed=1)


def test_a_set_that_adds_nothing_is_named_absent(people):
    assert set(predictor_sets(people, FRACTURE)) == {"clinical", "clinical_bmd"}
    plan = planned(people, FRACTURE, learners=("logistic", "knn"))
    assert [spec.name for spec in plan.specs] == [
        "clinical_logistic",
        "clinical_knn",
        "clinical_bmd_logistic",
    ]
    assert [(a.name, a.reason) for a in plan.absent] == [("clinical_lab_logistic", "column_absent:ctx_ng_ml")]


def test_density_is_refused_for_the_osteoporosis_it_defines(people):
    question = Question(task="osteoporosis_fn", outcome="osteoporosis_fn", sets=FRACTURE.sets, curved={})
    plan = planned(people, question, learners=("logistic",))
    refused = {a.name: a for a in plan.absent if a.reason == "leakage"}
    assert set(refused) == {"clinical_bmd_logistic"}
    assert [leak.predictor for leak in refused["clinical_bmd_logistic"].because] == ["bmd_femoral_neck_g_cm2"]
    _, absent = score_columns(people, "osteoporosis_fn")
    assert any(a.name == "femoral_neck_bmd" and a.reason == "leakage" for a in absent)
    told = planned(people, question, learners=("logistic",), allow_leakage=True)
    assert "clinical_bmd_logistic" in [spec.name for spec in told.specs]


def test_a_column_with_too_many_gaps_is_left_out(people):
    gappy = people.assign(height_cm=people["height_cm"].where(np.arange(len(people)) < 200))
    assert "height_cm" not in predictor_sets(gappy, FRACTURE, largest_missing_share=0.5)["clinical"]
    assert "height_cm" in predictor_sets(gappy, FRACTURE, largest_missing_share=0.7)["clinical"]


def test_models_and_scores_stand_side_by_side(answered):
    _, result = answered
    assert {"clinical_logistic", "clinical_bmd_logistic", "ost", "femoral_neck_bmd", "age_alone"} <= set(
        result.judged
    )
    assert result.judged["ost"].auc.n == len(result.y_true) - 10  # ten weights are missing
    assert result.judged["clinical_logistic"].auc.n == len(result.y_true)
    assert {pair.second for pair in result.differences} == set(result.judged) - {result.primary}
    assert result.decision.n == len(result.y_true) - 10


def test_too_few_of_a_class_is_refused(people):
    plan = planned(people, FRACTURE, learners=("logistic",))
    with pytest.raises(NotEnoughData, match="one class only"):
        judged_task(people.assign(fracture_ever=1.0), plan, (), (), settings=FAST, seed=1)
    rare = people.assign(fracture_ever=(np.arange(len(people)) < 12).astype(float))
    with pytest.raises(NotEnoughData, match="12 events among 600 rows, at least 20"):
        judged_task(rare, plan, (), (), settings=FAST, seed=1)


def test_subgroups_count_everybody_once(people, answered):
    plan, result = answered
    groups = subgroups(people, result, plan.specs[0].predictors)
    for variable in ("sex", "age_group", "bone_status", "completeness"):
        inside = [g for g in groups if g.variable == variable]
        assert sum(g.n for g in inside) == len(people)
        assert sum(g.events for g in inside) == result.events
    small = [g for g in groups if min(g.events, g.n - g.events) < 10]
    assert all(g.auc is None for g in small)


def test_equal_alarms_mean_equal_alarms(people, answered):
    _, result = answered
    for alarm in alarms(people, result):
        risk = result.judged[alarm.name].risk
        held = np.isfinite(risk)
        cut = np.quantile(risk[held], 1 - alarm.alarm_rate)
        assert np.mean(risk[held] > cut) <= alarm.alarm_rate + 1e-9
        assert alarm.caught_by_reference.k == 0  # the reference alarms at T <= -2.5 only


def test_tied_scores_raise_as_many_alarms_as_their_rivals():
    """Of 100 people 30 share the top value; 10 alarms fall on 10 of them, so a third of those sought there is caught."""
    risk = np.repeat([1.0, 2.0, 3.0], [40, 30, 30])
    sought = np.zeros(100, dtype=bool)
    sought[[0, *range(70, 91)]] = True  # 21 of the 30, and one far below
    assert _caught(risk, sought, 0.1) == 7
    distinct = np.arange(100.0)
    assert _caught(distinct, sought, 0.1) == 1  # rows 90 to 99 alarm; of those only row 90 is sought


def test_a_column_known_in_too_few_people_is_not_called_absent(people):
    sparse = people.assign(ctx_ng_ml=np.where(np.arange(len(people)) < 30, 0.4, np.nan))
    plan = planned(sparse, FRACTURE, learners=("logistic",), largest_missing_share=0.5)
    assert [a.reason for a in plan.absent] == ["column_sparse:ctx_ng_ml"]
    _, absent = score_columns(sparse.assign(frax_mof_pct=np.nan), "fracture_ever")
    assert "column_sparse:frax_mof_pct" in {a.reason for a in absent}


def test_bone_status_and_the_outcome_agree(people):
    """A total hip below the cut makes nobody osteoporotic in the baseline table when the outcome looks at neck and spine."""
    status = bone_status(people.assign(t_total_hip=-3.0))
    assert ((status == "osteoporosis") == (people["osteoporosis_fn"] == 1.0)).all()


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_study_whose_first_model_is_no_formula_still_has_its_report(tmp_path, lang):
    """Boosting has no table of terms, so the checklist must not point at one; nor may the text claim what was not done."""
    (tmp_path / "boost.toml").write_text(
        'learners = ["lightgbm"]\nimputations = 1\nimputation_iterations = 2\nimputation_method = "paper"\n'
        "folds = 2\ntrials = 1\nrepeats = 2\ndecision_resamples = 0\nexplained_rows = 50\nvirtual_people = 700\n",
        encoding="utf-8",
    )
    result = run("virtual", config=configured(str(tmp_path / "boost.toml")), seed=3)
    page = document(result)
    assert "table-terms-osteoporosis" not in page.anchors()
    items = filled_items(result)
    assert "22" not in items
    assert all(item.pointer in page.anchors() for item in items.values() if item.pointer != "provenance")
    text = " ".join(words(lang).say(block.text) for block in methods_blocks(result) if hasattr(block, "text"))
    for untrue in {
        "en": ("spline", "predictive mean", "Parzen", "bootstrap"),
        "zh": ("样条", "均值匹配", "Parzen", "自助法"),
    }[lang]:
        assert untrue not in text


def test_matching_takes_age_out_of_the_comparison(people, answered):
    _, result = answered
    check = matched_check(people, result)
    age = next(row for row in check.balance if row.name == "age_years")
    assert abs(age.smd_after) < 0.1 < abs(age.smd_before)
    assert check.aucs["clinical_logistic"].value < check.aucs_before["clinical_logistic"].value


def test_textbook_model_on_the_real_rows(real_data, oracle):
    from osteon.cohort.sources import glow

    known = oracle("glow500/textbook_model")
    fitted = textbook_model(glow.read(real_data / "tabular" / "glow" / "glow500.csv").table)
    assert fitted.log_likelihood == pytest.approx(known["log_likelihood"], abs=1e-4)
    assert fitted.apparent.value == pytest.approx(known["apparent_auc"], abs=1e-4)
    for (name, coefficient, se), theirs, error in zip(
        fitted.terms, known["coefficients"].values(), known["standard_errors"].values(), strict=True
    ):
        assert (coefficient, se) == pytest.approx((theirs, error), abs=1e-4), name
        assert KNOWN[name] == pytest.approx((theirs, error), abs=1e-6), name


def test_configurations_are_found_and_unknown_ones_refused(tmp_path):
    assert configured("default") == Config()
    assert configured("full").imputations > configured("quick").imputations
    with pytest.raises(ConfigError, match="Known: default, quick, full"):
        configured("fast")
    (tmp_path / "mine.toml").write_text("fold = 3")
    with pytest.raises(ConfigError, match="Did you mean 'folds'"):
        configured(str(tmp_path / "mine.toml"))
    for late in ("decision_resamples = 50", "thresholds = [5.0, 10.0]"):  # seen before any work is done
        (tmp_path / "mine.toml").write_text(late)
        with pytest.raises(ConfigError, match=late.split()[0]):
            configured(str(tmp_path / "mine.toml"))
    (tmp_path / "mine.toml").write_text('learners = ["logistic", "oracle"]')
    with pytest.raises(ConfigError, match="oracle"):
        configured(str(tmp_path / "mine.toml"))


@pytest.mark.slow
def test_a_saved_model_scores_new_patients(people, tmp_path):
    from osteon.studies.fracture_risk import run_to_folder

    table = people.drop(columns=["t_femoral_neck", "osteoporosis_fn"])
    table.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "mine.toml").write_text(
        'learners = ["logistic"]\nfolds = 2\nimputations = 2\ntrials = 0\ndecision_resamples = 0\nsave_models = true\n'
    )
    run_to_folder(
        str(tmp_path / "people.csv"),
        config=str(tmp_path / "mine.toml"),
        seed=3,
        out=tmp_path / "out",
        lang="en",
    )
    folder = tmp_path / "out" / "models" / "fracture_ever"
    card = read_card(folder / "card.toml")
    assert (card.n, card.task, card.simulated) == (600, "fracture_ever", False)
    new = (
        table.head(4)
        .drop(columns=["fracture_ever", "smoking_current"])
        .assign(age_years=[55.0, 60.0, 99.0, 70.0])
    )
    new.to_csv(tmp_path / "new.csv", index=False)
    done = score_to_folder(tmp_path / "new.csv", model=folder, out=tmp_path / "scored")
    assert (done.n, done.with_gaps, done.out_of_range) == (4, 4, 1)
    scores = pd.read_csv(tmp_path / "scored" / "scores.csv")
    assert list(scores["participant_id"]) == [0, 1, 2, 3]
    assert ((scores["low"] <= scores["risk"]) & (scores["risk"] <= scores["high"])).all()
    unknown = {"smoking_current", "weight_kg"}  # absent, and empty for all four
    assert unknown <= set(scores["missing"][0].split())
    assert "age_years" in scores["out_of_range"][2]
    assert json.loads((tmp_path / "scored" / "results.json").read_text())["scored"]["n"] == 4
    with pytest.raises(SchemaError, match="predictors"):
        new[["participant_id", "height_cm"]].to_csv(tmp_path / "poor.csv", index=False)
        score_to_folder(tmp_path / "poor.csv", model=folder, out=tmp_path / "poor")
    with pytest.raises(FileError, match="no model card"):
        score_to_folder(tmp_path / "new.csv", model=tmp_path, out=tmp_path / "none")
