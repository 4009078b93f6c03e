import csv
import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, InputError, NotEnoughData, SchemaError, ShapeError
from osteon.stats.concordance import concordance
from osteon.stats.cox import cox, proportional_hazards
from osteon.stats.survival import kaplan_meier, log_rank
from osteon.stats.times import Survival

NAMES = ("age", "sex", "ph.ecog")


@pytest.fixture(scope="module")
def lung(oracle_csv):
    with oracle_csv("lung.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["ph.ecog"] != "NA"]
    columns = {name: np.array([float(row[name]) for row in rows]) for name in NAMES}
    return Survival(
        time=[float(row["time"]) for row in rows], event=[row["status"] == "2" for row in rows]
    ), columns


@pytest.fixture(scope="module")
def estonia(real_data):
    with gzip.open(
        real_data / "tabular/estonia_hip_fracture/hip_fracture.csv.gz", "rt", encoding="utf-8"
    ) as stream:
        rows = [row for row in csv.DictReader(stream) if float(row["time_12m"]) > 0]
    columns = {
        "age": np.array([float(row["age"]) for row in rows]),
        "male": np.array([row["sex"] == "m" for row in rows], dtype=float),
        "charlson": np.array([float(row["comorbidity"]) for row in rows]),
        "dementia": np.array([float(row["dementia"]) for row in rows]),
    }
    follow_up = Survival(
        time=[float(row["time_12m"]) for row in rows], event=[int(row["status_12m"]) for row in rows]
    )
    return follow_up, columns, np.array([int(row["year"]) for row in rows])


def simulated(seed, n=120):
    rng = np.random.default_rng(seed)
    columns = {"a": rng.normal(size=n), "b": rng.integers(0, 2, n).astype(float)}
    time = np.ceil(10 * rng.exponential(np.exp(-0.5 * columns["a"] - 0.4 * columns["b"])))
    return Survival(time=np.minimum(time, 15), event=time <= 15), columns


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_is_that_of_r(oracle, lung, ties):
    known = oracle("statistics/survival")[f"cox_{ties}"]
    model = cox(*lung, ties=ties)
    for term in model.terms:
        assert term.coefficient == pytest.approx(known["coef"][term.name], abs=1e-8)
        assert term.se == pytest.approx(known["se"][term.name], abs=1e-8)
        assert term.hazard_ratio in term.ci
    assert [model.log_likelihood_null, model.log_likelihood] == pytest.approx(known["loglik"], abs=1e-8)
    assert model.likelihood_ratio.chi2 == pytest.approx(known["lr_chi2"], abs=1e-8)
    assert model.wald.chi2 == pytest.approx(known["wald"], abs=0.005)  # printed with two decimals
    assert model.score.chi2 == pytest.approx(known["score"], abs=1e-8)
    assert (model.n, model.events) == (known["n"], known["events"])
    assert model.concordance.value == pytest.approx(known["c_index"], abs=1e-12)
    assert model.concordance.se == pytest.approx(known["c_index_se"], abs=1e-12)


def test_predicted_survival_is_that_of_r(oracle, lung):
    known = oracle("statistics/survival")["predicted_survival_age60_sex1_ecog1_at_180_365"]
    got = cox(*lung).survival_at({"age": [60], "sex": [1], "ph.ecog": [1]}, times=[180, 365])
    np.testing.assert_allclose(got, [known], atol=1e-8)


def test_proportional_hazards_test_is_that_of_r(oracle, lung):
    known = oracle("statistics/survival")["proportional_hazards_test"]
    got = proportional_hazards(cox(*lung), *lung)
    rows = {**got.terms, "GLOBAL": got.overall}
    assert list(rows) == known["rows"]
    np.testing.assert_allclose([row.chi2 for row in rows.values()], known["chi2"], atol=1e-8)
    np.testing.assert_allclose([row.p for row in rows.values()], known["p"], atol=1e-8)


def test_estonian_hip_fractures(estonia):
    follow_up, columns, year = estonia
    assert kaplan_meier(follow_up).at(11.99).survival[0] == pytest.approx(0.693, abs=0.002)
    train = year <= 2014
    model = cox(follow_up.where(train), {name: column[train] for name, column in columns.items()})
    ratios = {term.name: term.hazard_ratio for term in model.terms}
    assert ratios == pytest.approx({"age": 1.06, "male": 1.51, "charlson": 1.15, "dementia": 1.61}, abs=0.006)
    later = {name: column[~train] for name, column in columns.items()}
    assert model.concordance.value == pytest.approx(0.692, abs=0.002)
    assert concordance(follow_up.where(~train), model.log_relative_hazard(later)).value == pytest.approx(
        0.694, abs=0.002
    )


def test_score_test_of_one_binary_column_without_ties_is_the_log_rank_test():
    rng = np.random.default_rng(4)
    follow_up = Survival(time=rng.exponential(size=80), event=rng.random(80) < 0.7)
    group = rng.integers(0, 2, 80)
    assert cox(follow_up, {"group": group}).score.chi2 == pytest.approx(
        log_rank(follow_up, group).chi2, abs=1e-9
    )


@given(st.integers(0, 10_000), st.floats(0.01, 1000), st.floats(-1000, 1000))
@settings(max_examples=25, deadline=None)
def test_a_change_of_unit_rescales_the_coefficient_and_nothing_else(seed, factor, shift):
    follow_up, columns = simulated(seed)
    plain = cox(follow_up, columns)
    moved = cox(follow_up, {**columns, "a": columns["a"] * factor + shift})
    assert moved.terms[0].coefficient * factor == pytest.approx(plain.terms[0].coefficient, abs=1e-6)
    assert moved.terms[1].coefficient == pytest.approx(plain.terms[1].coefficient, abs=1e-6)
    assert moved.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-8)
    new = {**columns, "a": columns["a"] * factor + shift}
    np.testing.assert_allclose(
        moved.survival_at(new, times=[3, 9]), plain.survival_at(columns, times=[3, 9]), atol=1e-6
    )


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_without_ties_efron_is_breslow(seed):
    follow_up, columns = simulated(seed)
    rng = np.random.default_rng(seed)
    untied = Survival(time=follow_up.time + rng.random(follow_up.n) * 1e-3, event=follow_up.event)
    efron, breslow = (cox(untied, columns, ties=ties) for ties in ("efron", "breslow"))
    np.testing.assert_allclose(efron.coefficients, breslow.coefficients, atol=1e-9)


@given(st.integers(0, 1_000_000), st.integers(3, 20), st.integers(1, 3), st.booleans())
@settings(max_examples=200, deadline=None)
def test_on_very_few_people_it_answers_with_finite_numbers_or_refuses(seed, n, p, ordered):
    rng = np.random.default_rng(seed)
    columns = {
        f"x{j}": rng.normal(size=n) if j % 2 else rng.integers(0, 3, n).astype(float) for j in range(p)
    }
    time = np.exp(-5 * columns["x0"]) if ordered else rng.integers(1, 12, n)
    follow_up = Survival(time=time, event=rng.integers(0, 2, n))
    try:
        model = cox(follow_up, columns)
        proportional_hazards(model, follow_up, columns)
    except NotEnoughData:
        return
    assert all(np.isfinite(term.coefficient) and 0 < term.se < 1e6 for term in model.terms)


def test_planted_hazard_ratios_are_found():
    rng = np.random.default_rng(1)
    n = 20_000
    columns = {"a": rng.normal(size=n), "b": rng.integers(0, 2, n).astype(float)}
    time = rng.exponential(np.exp(-(0.5 * columns["a"] - 0.7 * columns["b"])))
    lost = rng.exponential(2, n)
    model = cox(Survival(time=np.minimum(time, lost), event=time <= lost), columns)
    for term, truth in zip(model.terms, (0.5, -0.7), strict=True):
        assert abs(term.coefficient - truth) < 4 * term.se < 0.1


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"flat": np.ones(120)}, "'flat' is constant"),
        ({"a": np.arange(120.0), "b": 2 * np.arange(120.0) + 1}, "'b' is a combination"),
        ({}, "No covariate"),
    ],
)
def test_columns_without_an_estimate_are_refused_by_name(columns, words):
    with pytest.raises(NotEnoughData, match=words):
        cox(simulated(1)[0], columns)


def test_a_separating_column_is_refused_by_name():
    follow_up, columns = simulated(3)
    with pytest.raises(NotEnoughData, match="'separates' has no finite estimate"):
        cox(follow_up, {**columns, "separates": follow_up.event.astype(float)})


def test_other_bad_input_is_refused():
    follow_up, columns = simulated(2)
    with pytest.raises(InputError, match="'a' has 1 missing"):
        cox(follow_up, {**columns, "a": np.where(np.arange(120) == 5, np.nan, columns["a"])})
    with pytest.raises(ShapeError, match="'b' has shape"):
        cox(follow_up, {**columns, "b": [1.0]})
    with pytest.raises(NotEnoughData, match="No event among 120"):
        cox(Survival(time=follow_up.time, event=np.zeros(120)), columns)
    with pytest.raises(ConfigError, match="ties"):
        cox(follow_up, columns, ties="exact")
    model = cox(follow_up, columns)
    with pytest.raises(SchemaError, match="lack b"):
        model.survival_at({"a": [1.0]}, times=1)
    with pytest.raises(NotEnoughData, match="beyond the longest follow-up"):
        model.survival_at({"a": [1.0], "b": [0.0]}, times=99)
