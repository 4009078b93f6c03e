"""Proportional odds against statsmodels' OrderedModel; then laws; then what imputation with it recovers."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.miscmodels.ordinal_model import OrderedModel

import osteon.cohort.impute_ordinal as ordinal
from osteon.cohort.impute import ImputeOptions, completed, fit_imputer
from osteon.cohort.impute_ordinal import ordered_fit, ordered_step

LEVELS = ["none", "mild", "moderate", "severe"]
SLOPES = np.array([1.0, -0.7, 0.0])
BORDERS = np.array([-0.5, 1.0, 2.5])


def people(n, seed, slopes=SLOPES, borders=BORDERS):
    """Predictors and the level codes that proportional odds give them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(slopes)))
    return x, np.searchsorted(borders, x @ slopes + rng.logistic(size=n))


def beside(x, codes):
    """Thresholds, coefficients and standard errors of the coefficients by statsmodels."""
    model = OrderedModel(codes, x, distr="logit")
    fit = model.fit(method="bfgs", gtol=1e-7, maxiter=500, disp=0)
    thresholds = model.transform_threshold_params(fit.params)[1:-1]
    return thresholds, fit.params[: x.shape[1]], fit.bse[: x.shape[1]]


def errors(fit):
    return np.sqrt(np.diag(np.linalg.inv(fit.lower @ fit.lower.T)))


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_is_that_of_statsmodels(seed):
    x, codes = people(400, seed)
    thresholds, slopes, se = beside(x, codes)
    fit = ordered_fit(x, codes)
    assert fit.thresholds == pytest.approx(thresholds, abs=1e-4)
    assert fit.coefficients == pytest.approx(slopes, abs=1e-4)
    assert errors(fit)[3:] == pytest.approx(se, abs=1e-4)


def test_self_rated_risk_of_glow_is_that_of_statsmodels(real_data):
    table = pd.read_csv(real_data / "tabular/glow/glow500.csv")
    x = table[["AGE", "WEIGHT", "PRIORFRAC", "MOMFRAC", "SMOKE"]].to_numpy(float)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    codes = table["RATERISK"].to_numpy() - 1
    thresholds, slopes, se = beside(x, codes)
    fit = ordered_fit(x, codes)
    assert fit.parameters == pytest.approx([*thresholds, *slopes], abs=1e-4)
    assert errors(fit)[2:] == pytest.approx(se, abs=1e-4)


def test_weights_count_people():
    x, codes = people(150, 5)
    times = np.random.default_rng(5).integers(1, 4, size=150)
    one = ordered_fit(x, codes, weight=times.astype(float))
    other = ordered_fit(np.repeat(x, times, axis=0), np.repeat(codes, times))
    assert one.parameters == pytest.approx(other.parameters, abs=1e-8)
    assert errors(one) == pytest.approx(errors(other), abs=1e-8)


def test_two_levels_are_a_logistic_regression_and_no_predictor_gives_the_shares():
    x, codes = people(300, 6, borders=np.array([0.3]))
    known = sm.Logit(codes, sm.add_constant(x)).fit(disp=0)
    fit = ordered_fit(x, codes)
    assert [-fit.thresholds[0], *fit.coefficients] == pytest.approx(known.params, abs=1e-6)
    assert errors(fit) == pytest.approx(known.bse, abs=1e-6)
    _, codes = people(300, 7)
    alone = ordered_fit(np.empty((300, 0)), codes)
    assert 1 / (1 + np.exp(-alone.thresholds)) == pytest.approx(
        np.cumsum(np.bincount(codes) / 300)[:-1], abs=1e-9
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.2, 5))
def test_levels_backwards_and_predictors_rescaled(seed, scale):
    x, codes = people(200, seed)
    codes = np.unique(codes, return_inverse=True)[1]
    fit = ordered_fit(x, codes)
    backwards = ordered_fit(x, codes.max() - codes)
    assert backwards.coefficients == pytest.approx(-fit.coefficients, abs=1e-6)
    assert backwards.thresholds == pytest.approx(-fit.thresholds[::-1], abs=1e-6)
    assert ordered_fit(scale * x, codes).coefficients * scale == pytest.approx(fit.coefficients, abs=1e-6)
    anywhere = ordered_fit(x, codes, start=np.random.default_rng(seed).normal(size=len(fit.parameters)))
    assert anywhere.parameters == pytest.approx(fit.parameters, abs=1e-6)


def test_drawn_parameters_have_the_error_of_the_fit():
    x, codes = people(600, 8)
    rows, fit = np.column_stack([np.ones(600), x]), ordered_fit(x, codes)
    rng = np.random.default_rng(1)
    steps = [
        ordered_step(
            rows, values=codes.astype(float), predictors=np.arange(4), ridge=1e-5, start=None, rng=rng
        )[0]
        for _ in range(1500)
    ]
    drawn = np.array([[*step.thresholds, *step.coefficients[1:]] for step in steps])
    assert all((np.diff(step.thresholds) > 0).all() and step.coefficients[0] == 0 for step in steps)
    assert drawn.std(axis=0) == pytest.approx(errors(fit), rel=0.1)
    assert (np.abs(drawn.mean(axis=0) - fit.parameters) < 0.25 * errors(fit)).all()


def test_a_separating_predictor_has_no_fit_of_its_own_but_a_step():
    x = np.linspace(-1, 1, 60)[:, None]
    codes = np.searchsorted([-0.3, 0.4], x[:, 0])
    assert ordered_fit(x, codes) is None
    assert ordered_fit(np.hstack([x, x]), codes % 2) is None  # columns that add up to each other
    rows = np.column_stack([np.ones(60), x / x.std()])
    found = ordered_step(
        rows, values=codes.astype(float), predictors=np.arange(2), ridge=1e-5, start=None, rng=np.random.default_rng(1)
    )  # fmt: skip
    again = found[0].draw(rows, np.random.default_rng(2))
    assert np.mean(again == codes) > 0.85


def mar(n, seed):
    """A table whose ordered column is missing more often where its strongest predictor is high."""
    x, codes = people(n, seed)
    table = pd.DataFrame(x, columns=["a", "b", "c"])
    table["pain"] = pd.Categorical.from_codes(codes, LEVELS, ordered=True)
    gone = np.random.default_rng(seed + 1).random(n) < 1 / (1 + np.exp(-1.5 * x[:, 0]))
    return table, table.assign(pain=table["pain"].mask(gone))


@pytest.mark.parametrize("how", ["completed", "transform"])
def test_planted_shares_and_slopes_are_recovered_when_missing_at_random(how):
    whole, holes = mar(3000, 3)
    options = ImputeOptions(m=10, iterations=5)
    if how == "completed":
        copies = completed(holes, options=options, rng=np.random.default_rng(1))
    else:
        imputer = fit_imputer(holes, options=options, rng=np.random.default_rng(1))
        copies = imputer.transform(holes, rng=np.random.default_rng(2))
    true, alone = (table["pain"].value_counts(normalize=True)[LEVELS].to_numpy() for table in (whole, holes))
    found = np.mean([copy["pain"].value_counts(normalize=True)[LEVELS] for copy in copies], axis=0)
    assert np.abs(alone - true).max() > 0.05
    assert found == pytest.approx(true, abs=0.02)
    fits = [ordered_fit(copy[["a", "b", "c"]], copy["pain"].cat.codes).parameters for copy in copies]
    assert np.mean(fits, axis=0) == pytest.approx([*BORDERS, *SLOPES], abs=0.2)


@pytest.mark.parametrize(("n", "rare", "columns"), [(400, 16, 10), (1000, 20, 10), (1000, 40, 25)])
def test_a_rare_level_keeps_its_share(n, rare, columns):
    """Pseudo-rows with equal shares would raise it by a third."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame(rng.normal(size=(n, columns))).rename(columns=lambda i: f"x{i}")
    codes = np.where(np.arange(n) < rare, 3, np.arange(n) % 3)
    table["stage"] = pd.Categorical.from_codes(codes, LEVELS, ordered=True)
    gone = rng.random(n) < 0.3
    holes = table.assign(stage=table["stage"].mask(gone))
    seen = (holes["stage"] == "severe").sum() / holes["stage"].notna().sum()
    imputer = fit_imputer(holes, options=ImputeOptions(m=40, iterations=1), rng=np.random.default_rng(1))
    copies = imputer.transform(holes, rng=np.random.default_rng(1))
    found = np.mean([(copy.loc[gone, "stage"] == "severe").mean() for copy in copies])
    assert found == pytest.approx(seen, rel=0.25)


def test_only_levels_that_training_held_occur():
    whole, holes = mar(200, 9)
    few = holes.assign(pain=holes["pain"].mask(holes["pain"] == "moderate"))
    for how in ("proportional_odds", "pmm"):
        options = ImputeOptions(m=3, iterations=2, ordinal=how)
        imputer = fit_imputer(few, options=options, rng=np.random.default_rng(1))
        blank = whole.assign(pain=whole["pain"].mask(np.ones(200, dtype=bool)))
        for copy in imputer.transform(blank, rng=np.random.default_rng(1)):
            assert set(copy["pain"]) == {"none", "mild", "severe"}
            assert copy["pain"].cat.categories.tolist() == LEVELS and copy["pain"].cat.ordered


def test_matching_is_a_choice_and_the_way_out(monkeypatch):
    _, holes = mar(150, 10)
    chosen = ImputeOptions(m=2, iterations=2, ordinal="pmm")
    matched = fit_imputer(holes, options=chosen, rng=np.random.default_rng(1))
    assert "ordinal-matched:pain" not in matched.notes
    monkeypatch.setattr(ordinal, "MOST_STEPS", 0)
    fallen = fit_imputer(holes, options=ImputeOptions(m=2, iterations=2), rng=np.random.default_rng(1))
    assert fallen.notes == ("ordinal-matched:pain",)
    for a, b in zip(
        *(i.transform(holes, rng=np.random.default_rng(2)) for i in (matched, fallen)), strict=True
    ):
        pd.testing.assert_frame_equal(a, b)
