"""Invented people: the truth is true, the people are plausible, the same seed gives the same people."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import binom, multivariate_normal

from osteon.cohort.checks import contradictions
from osteon.cohort.leakage import leaks
from osteon.cohort.schema import kind_of, schema
from osteon.core.errors import NotEnoughData
from osteon.stats.auc import auc
from osteon.synth.cohort import virtual_cohort
from osteon.synth.cohort_truth import Bone, bone_integrals, expected_auc, posterior_residual

OUTCOME = {
    "osteoporosis": "osteoporosis_fn_or_ls",
    "osteoporosis_fn": "osteoporosis_fn",
    "fracture_ever": "fracture_ever",
}


@pytest.fixture(scope="module")
def made():
    return virtual_cohort(40_000, seed=11)


# ------------------------------------------------------------------------------------------------- integrals by hand


def bone(**changes):
    given = {
        "neck_cut": np.array([-1.2]), "spine_cut": np.array([-0.9]), "correlation": 0.6, "spine_seen": np.array([1.0]),
        "fracture_logit": np.array([-1.0]), "fracture_slope": -0.7,
    }  # fmt: skip
    return Bone(**{**given, **changes})


def test_osteoporosis_is_the_bivariate_normal():
    both = multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]]).cdf([-1.2, -0.9])
    neck, spine = multivariate_normal(0, 1).cdf(-1.2), multivariate_normal(0, 1).cdf(-0.9)
    found = bone_integrals(bone())
    np.testing.assert_allclose(found.neck, neck, rtol=1e-10)
    np.testing.assert_allclose(found.either, neck + spine - both, atol=1e-6)
    half = bone_integrals(bone(spine_seen=np.array([0.5])))
    np.testing.assert_allclose(half.either, neck + (spine - both) / 2, atol=1e-6)


def test_fracture_is_the_logistic_normal_by_gauss_hermite():
    x, w = np.polynomial.hermite_e.hermegauss(80)
    for mean, sd in ((0.0, 1.0), (0.8, 0.6)):
        expected = (w * expit(-1.0 - 0.7 * (mean + sd * x))).sum() / np.sqrt(2 * np.pi)
        found = bone_integrals(bone(), mean=np.array([mean]), sd=sd)
        np.testing.assert_allclose(found.fracture, expected, rtol=1e-9)


def test_joint_probabilities_by_drawing():
    rng = np.random.default_rng(5)
    n = 2_000_000
    e = 0.3 + 0.8 * rng.standard_normal(n)
    spine = 0.6 * e + 0.8 * rng.standard_normal(n)
    broken = rng.random(n) < expit(-1.0 - 0.7 * e)
    neck, either = e <= -1.2, (e <= -1.2) | (spine <= -0.9)
    found = bone_integrals(bone(), mean=0.3, sd=0.8)
    for name, drawn in (
        ("fracture", broken), ("neck", neck), ("neck_and_fracture", neck & broken), ("either", either),
        ("either_and_fracture", either & broken),
    ):  # fmt: skip
        p = getattr(found, name)[0]
        assert abs(drawn.mean() - p) < 4 * np.sqrt(p * (1 - p) / n), name


def test_a_cut_far_out_leaves_nothing_or_everything():
    found = bone_integrals(
        bone(neck_cut=np.array([-40.0, 40.0]), spine_cut=np.array([-40.0, 40.0]),
             spine_seen=np.ones(2), fracture_logit=np.zeros(2))
    )  # fmt: skip
    np.testing.assert_allclose(found.neck, [0, 1], atol=1e-10)
    np.testing.assert_allclose(found.either, [0, 1], atol=1e-10)


def test_posterior_is_the_regression_on_the_values():
    """Drawn: the mean of e given the values, and what is left, agree with the formula."""
    rng = np.random.default_rng(2)
    loadings = np.array([0.5, -0.3, 0.0])
    e = rng.standard_normal(200_000)
    values = loadings * e[:, None] + np.sqrt(1 - loadings**2) * rng.standard_normal((len(e), 3))
    mean, sd = posterior_residual(values, loadings=loadings)
    slope = np.linalg.lstsq(values, e, rcond=None)[0]
    np.testing.assert_allclose(values[:5] @ slope, mean[:5], atol=0.02)
    assert np.std(e - mean) == pytest.approx(sd, abs=0.005)


def test_expected_auc_is_the_auc_of_drawn_outcomes():
    rng = np.random.default_rng(4)
    risk = rng.beta(1, 6, 100_000)
    found = auc((rng.random(len(risk)) < risk).astype(float), risk)
    assert abs(found.value - expected_auc(risk)) < 4 * found.se
    assert expected_auc(np.full(10, 0.3)) == 0.5


# ------------------------------------------------------------------------------------------------ the truth is true


def names():
    return [f"{task}|{known}" for task in OUTCOME for known in ("clinical", "clinical_lab")] + [
        "fracture_ever|clinical_bmd",
        "fracture_ever|clinical_bmd_lab",
    ]


@pytest.mark.parametrize("name", names())
def test_truth_is_calibrated_by_tenths(made, name):
    """Within each tenth of true probability the outcomes are as many as chance allows (p above 1e-4 in each)."""
    y = made.cohort.table[OUTCOME[name.split("|")[0]]].to_numpy()
    p = made.truth[name].to_numpy()
    for rows in np.array_split(np.argsort(p), 10):
        k, n, mean = int(y[rows].sum()), len(rows), p[rows].mean()
        assert min(binom.cdf(k, n, mean), binom.sf(k - 1, n, mean)) > 1e-4, (name, mean, k / n)


@pytest.mark.parametrize("name", names())
def test_ceiling_is_what_the_truth_reaches_here(made, name):
    y = made.cohort.table[OUTCOME[name.split("|")[0]]].to_numpy()
    found = auc(y, made.truth[name].to_numpy())
    assert abs(found.value - made.bayes_auc[name]) < 4 * found.se


def test_ceilings_are_those_of_honest_public_data(made):
    ceiling = made.bayes_auc
    assert set(ceiling) == set(made.truth.columns) == set(names())
    assert ceiling["osteoporosis|clinical"] == pytest.approx(0.84, abs=0.015)
    assert ceiling["fracture_ever|clinical_bmd"] == pytest.approx(0.70, abs=0.015)
    for task in OUTCOME:
        gain = ceiling[f"{task}|clinical_lab"] - ceiling[f"{task}|clinical"]
        assert 0 < gain < 0.015, "laboratory values are weakly informative"
    assert ceiling["fracture_ever|clinical_lab"] < ceiling["fracture_ever|clinical_bmd"]


def test_more_knowledge_changes_no_average(made):
    """The law of total probability: probabilities given more facts average to the same prevalence."""
    for task in OUTCOME:
        mean = made.truth[[c for c in made.truth if c.startswith(f"{task}|")]].mean()
        assert mean.max() - mean.min() < 0.002
    assert (made.truth["osteoporosis|clinical"] >= made.truth["osteoporosis_fn|clinical"] - 1e-12).all()
    assert made.truth.min().min() >= 0 and made.truth.max().max() <= 1


# ---------------------------------------------------------------------------------------------- the people are people


def test_prevalence_is_that_of_people_over_fifty(made):
    table = made.cohort.table
    by_sex = table.groupby("sex", observed=True)
    osteoporosis = by_sex["osteoporosis_fn_or_ls"].mean()
    assert 0.12 < osteoporosis["female"] < 0.22 and 0.02 < osteoporosis["male"] < 0.06
    assert 0.10 < table["fracture_ever"].mean() < 0.20
    ranges = {
        "glucocorticoid_ever": (0.05, 0.11), "rheumatoid_arthritis": (0.015, 0.05), "parent_hip_fracture": (0.08, 0.14),
        "smoking_current": (0.10, 0.22), "diabetes": (0.18, 0.30), "fall_12m": (0.2, 0.4), "copd": (0.08, 0.17),
    }  # fmt: skip
    for name, (low, high) in ranges.items():
        assert low < table[name].mean() < high, name
    assert table["age_years"].between(50, 89).all()
    means = by_sex[["height_cm", "weight_kg", "t_femoral_neck"]].mean()
    assert means.loc["female", "height_cm"] == pytest.approx(158.6, abs=1)
    assert means.loc["male", "weight_kg"] == pytest.approx(87.6, abs=3)
    assert means.loc["female", "t_femoral_neck"] == pytest.approx(-1.1, abs=0.15)


def test_what_belongs_together_goes_together(made):
    table = made.cohort.table
    assert 0.4 < table["t_femoral_neck"].corr(table["t_lumbar"]) < 0.75
    assert table["weight_kg"].corr(table["t_femoral_neck"]) > 0.3
    assert table["age_years"].corr(table["t_femoral_neck"]) < -0.1
    given = table.groupby("rheumatoid_arthritis")["glucocorticoid_ever"].mean()
    assert given[1.0] > 3 * given[0.0]
    assert (table.loc[table["smoking_current"] == 1, "smoking_ever"] == 1).all()
    men = table["sex"] == "male"
    assert not table.loc[men, ["early_menopause", "hormone_therapy_ever"]].fillna(0).to_numpy().any()
    bmi = table["weight_kg"] / (table["height_cm"] / 100) ** 2
    assert (bmi - table["bmi_kg_m2"]).abs().max() < 0.051


def test_labels_follow_from_the_t_scores(made):
    table = made.cohort.table
    neck, spine = table["t_femoral_neck"] <= -2.5, table["t_lumbar"] <= -2.5
    assert (table["osteoporosis_fn"] == neck).all() and (table["osteoporosis_fn_or_ls"] == neck | spine).all()
    assert (table["both_sites_measured"] == table["t_lumbar"].notna()).all()
    np.testing.assert_allclose(table["t_femoral_neck"], (table["bmd_femoral_neck_g_cm2"] - 0.858) / 0.12)


def test_missing_in_part_and_more_with_age(made):
    table = made.cohort.table
    share = table.isna().mean()
    for name in ("ctx_ng_ml", "calcium_mmol_l", "glucocorticoid_ever", "education", "income_poverty_ratio"):
        assert 0.04 < share[name] < 0.16, name
    for name in ("age_years", "sex", "weight_kg", "t_femoral_neck", *OUTCOME.values()):
        assert share[name] == 0, name
    old = table["age_years"] > 75
    assert table.loc[old, "ctx_ng_ml"].isna().mean() > table.loc[~old, "ctx_ng_ml"].isna().mean()


def test_columns_are_the_schemas(made):
    table, fields = made.cohort.table, schema().fields
    assert set(table.columns) <= set(fields)
    for name, column in table.items():
        field = fields[name]
        if field.kind in {"number", "flag"}:
            assert column.dtype == np.float64, name
            assert kind_of(column) == field.kind, name
        if field.kind in {"category", "ordinal"}:
            assert isinstance(column.dtype, pd.CategoricalDtype), name
            assert set(column.cat.categories) <= set(field.categories)
            assert column.cat.ordered == (field.kind == "ordinal")
        if field.kind == "number":
            low, high = (np.nan if bound is None else bound for bound in (field.low, field.high))
            outside = (column < low) | (column > high)
            assert outside.mean() < 1e-4, name
    assert table["participant_id"].is_unique


def test_no_contradiction_and_no_leak_among_the_clinical_facts(made):
    table = made.cohort.table.iloc[:3000]
    assert contradictions(table) == ()
    clinical = [
        n for n in table if schema().fields[n].modality in {"clinical", "laboratory"} and n != "fracture_ever"
    ]
    for outcome in OUTCOME.values():
        assert leaks(table, outcome, clinical) == ()


def test_the_same_seed_gives_the_same_people():
    first, again, other = (virtual_cohort(300, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first.cohort.table, again.cohort.table)
    pd.testing.assert_frame_equal(first.truth, again.truth)
    assert not first.cohort.table["weight_kg"].equals(other.cohort.table["weight_kg"])
    assert first.bayes_auc == other.bayes_auc, "the ceiling belongs to the generator, not to the draw"


def test_labelled_simulated(made):
    assert made.cohort.simulated and made.cohort.source == "virtual"
    assert any("SIMULATED" in note for note in made.cohort.notes)
    assert any("no predictor" in note or "every predictor" in note for note in made.cohort.notes)


def test_nobody_is_refused():
    assert len(virtual_cohort(1, seed=0).cohort) == 1
    with pytest.raises(NotEnoughData):
        virtual_cohort(0, seed=0)
