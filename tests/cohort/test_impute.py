"""Imputation against R's mice and against a real table with its complete twin; then laws; then refusals."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.cohort.impute import ImputeOptions, completed, fit_imputer
from osteon.core.errors import ConfigError, NotEnoughData, SchemaError
from osteon.stats.pooling import pool_terms

TERMS = ["age", "female", "bmi", "tscore", "smoker"]


def logistic(table, terms, outcome):
    x = sm.add_constant(table[terms].astype(float))
    fit = sm.Logit(table[outcome], x).fit(disp=0)
    return fit.params.to_numpy(), fit.bse.to_numpy()


def pooled(copies, terms, outcome):
    """Rubin's rules: estimates and total errors."""
    fits = [logistic(copy, terms, outcome) for copy in copies]
    found = pool_terms([fit[0] for fit in fits], [fit[1] ** 2 for fit in fits])
    return np.array([term.value for term in found]), np.array([term.se for term in found])


@pytest.fixture(scope="module")
def holes(oracle_csv):
    return pd.read_csv(oracle_csv("mar500_missing.csv"))


@pytest.mark.parametrize("how", ["completed", "transform", "paper"])
def test_pooled_model_is_that_of_mice(oracle, holes, how):
    known = oracle("statistics/imputation")
    wanted, error = np.array(known["pooled_m200"]["estimate"]), np.array(known["pooled_m200"]["se"])
    options = ImputeOptions(m=100, method="paper" if how == "paper" else "chained")
    if how == "completed":
        copies = completed(holes, options=options, rng=np.random.default_rng(5))
    else:
        imputer = fit_imputer(holes, options=options, rng=np.random.default_rng(5))
        copies = imputer.transform(holes, rng=np.random.default_rng(6))
    estimate, se = pooled(copies, TERMS, "fracture")
    assert (np.abs(estimate - wanted) < 0.25 * error).all()
    assert (np.abs(se / error - 1) < 0.10).all()
    complete = np.array(known["complete_cases"]["estimate"])
    assert (np.abs(estimate - wanted) < np.abs(complete - wanted)).all()


def shifted_back(holes, full, columns):
    """The published table lost its gaps: values moved left. Put each back where the complete twin has it."""
    table = np.full((len(full), len(columns)), np.nan)
    for i in range(len(full)):
        left, true = holes.loc[i, columns].dropna().to_numpy(float), full.loc[i, columns].to_numpy(float)
        fits = [
            c
            for c in itertools.combinations(range(len(columns)), len(left))
            if np.allclose(true[list(c)], left)
        ]
        place = list(fits[np.random.default_rng(i).integers(len(fits))])
        table[i, place] = true[place]
    return pd.DataFrame(table, columns=columns)


def test_glow_with_gaps_comes_near_its_complete_twin(real_data):
    full = pd.read_csv(real_data / "tabular/glow/glow_mis_comp.csv")
    holes = pd.read_csv(real_data / "tabular/glow/glow_mis_wmissing.csv")
    terms = ["AGE", "WEIGHT", "HEIGHT", "MOMFRAC", "RATERISK", "PRIORFRAC"]
    gaps = shifted_back(holes, full, terms).assign(FRACTURE=full["FRACTURE"].astype(float))
    gaps["RATERISK"] = pd.Categorical(gaps["RATERISK"], categories=[1.0, 2.0, 3.0], ordered=True)
    truth, error = logistic(full, terms, "FRACTURE")
    alone, _ = logistic(gaps.dropna(), terms, "FRACTURE")
    estimate, _ = pooled(
        completed(gaps, options=ImputeOptions(m=30), rng=np.random.default_rng(1)), terms, "FRACTURE"
    )
    assert len(gaps.dropna()) == 128
    assert (np.abs(estimate - truth) < error).all()
    assert np.sum(((estimate - truth) / error) ** 2) < 0.5 * np.sum(((alone - truth) / error) ** 2)


def people(n, seed, gaps=0.2):
    """A table with every kind of column, all of them related."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=n)
    table = pd.DataFrame({
        "age_years": 65 + 8 * latent + 3 * rng.normal(size=n),
        "bmi_kg_m2": np.round(26 - latent + 3 * rng.normal(size=n), 1),
        "smoking_current": (latent + rng.normal(size=n) > 0.8).astype(float),
        "ward": pd.Categorical(np.array(["north", "south", "west"])[np.clip(np.round(latent + 1), 0, 2).astype(int)]),
        "health": pd.Categorical(
            np.array(["poor", "fair", "good"])[np.clip(np.round(rng.normal(size=n) - latent + 1), 0, 2).astype(int)],
            categories=["poor", "fair", "good"],
            ordered=True,
        ),
        "place": 1.0,
    })  # fmt: skip
    return table.mask(rng.random(table.shape) < gaps) if gaps else table


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), gaps=st.floats(0.01, 0.6), method=st.sampled_from(["chained", "paper"]))
def test_observed_cells_stay_and_matched_values_were_observed(seed, gaps, method):
    train, new = people(60, seed, gaps), people(25, seed + 1, gaps)
    options = ImputeOptions(m=2, iterations=2, method=method)
    imputer = fit_imputer(train, options=options, rng=np.random.default_rng(seed))
    for table in (train, new):
        for copy in imputer.transform(table, rng=np.random.default_rng(seed)):
            assert not copy.isna().any().any()
            assert copy.index.equals(table.index)
            assert list(copy.columns) == list(table.columns)
            assert (copy.dtypes == table.dtypes).all()
            assert ((copy == table) | table.isna()).all().all()
            for name in table.columns:
                filled = copy.loc[table[name].isna(), name]
                if method == "chained" or name not in ("age_years", "bmi_kg_m2"):
                    assert set(filled) <= set(train[name].dropna())


def test_complete_rows_come_back_unchanged():
    imputer = fit_imputer(people(80, 1), rng=np.random.default_rng(1))
    table = people(30, 2, gaps=0).set_index(pd.Index(range(100, 130)))
    for copy in imputer.transform(table, rng=np.random.default_rng(1)):
        pd.testing.assert_frame_equal(copy, table)


def test_same_generator_same_copies_and_more_chains_keep_the_first():
    table = people(80, 3)
    few = fit_imputer(table, options=ImputeOptions(m=2, iterations=3), rng=np.random.default_rng(9))
    more = fit_imputer(table, options=ImputeOptions(m=4, iterations=3), rng=np.random.default_rng(9))
    first = few.transform(table, rng=np.random.default_rng(4))
    for a, b in zip(first, more.transform(table, rng=np.random.default_rng(4)), strict=False):
        pd.testing.assert_frame_equal(a, b)
    assert not first[0].equals(first[1])
    kept = pickle.loads(pickle.dumps(few))
    pd.testing.assert_frame_equal(kept.transform(table, rng=np.random.default_rng(4))[1], first[1])


def test_new_rows_change_nothing_that_was_learned():
    train, new = people(80, 4), people(500, 5)
    imputer = fit_imputer(train, rng=np.random.default_rng(2))
    before = imputer.transform(train, rng=np.random.default_rng(3))
    imputer.transform(new, rng=np.random.default_rng(8))
    for a, b in zip(before, imputer.transform(train, rng=np.random.default_rng(3)), strict=True):
        pd.testing.assert_frame_equal(a, b)


def test_a_column_complete_in_training_may_be_missing_later_and_so_may_all():
    train = people(100, 6, gaps=0)
    imputer = fit_imputer(train, options=ImputeOptions(m=300), rng=np.random.default_rng(1))
    blank = people(4, 7, gaps=0).mask(np.ones((4, train.shape[1]), dtype=bool))
    copies = imputer.transform(blank, rng=np.random.default_rng(1))
    assert all((copy == copy.iloc[0]).all().all() and (copy["place"] == 1.0).all() for copy in copies)
    ages = np.array([copy["age_years"].iloc[0] for copy in copies])
    assert abs(ages.mean() - train["age_years"].mean()) < 2  # four standard errors
    assert ages.std() == pytest.approx(train["age_years"].std(), rel=0.2)
    assert "constant:place" in imputer.notes


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 60),
    gaps=st.floats(0.05, 0.9),
    method=st.sampled_from(["chained", "paper"]),
)
def test_a_row_is_filled_alike_alone_in_a_table_and_in_another_order(seed, n, gaps, method):
    options = ImputeOptions(m=2, iterations=2, method=method)
    imputer = fit_imputer(people(90, seed, 0.2), options=options, rng=np.random.default_rng(seed))
    table = people(n, seed + 1, gaps)
    whole = imputer.transform(table, rng=np.random.default_rng(3))
    alone = imputer.transform(table.tail(1), rng=np.random.default_rng(3))
    order = np.random.default_rng(seed).permutation(n)
    shuffled = imputer.transform(table.iloc[order, ::-1], rng=np.random.default_rng(3))
    for together, one, mixed in zip(whole, alone, shuffled, strict=True):
        pd.testing.assert_frame_equal(together.tail(1), one, check_exact=True)
        pd.testing.assert_frame_equal(together.iloc[order, ::-1], mixed, check_exact=True)


def test_another_seed_or_another_value_in_the_row_gives_other_draws():
    imputer = fit_imputer(people(300, 1), options=ImputeOptions(m=1), rng=np.random.default_rng(1))
    table = people(200, 2, gaps=0).assign(bmi_kg_m2=np.nan)
    first, other = (imputer.transform(table, rng=np.random.default_rng(seed))[0] for seed in (1, 2))
    moved = imputer.transform(table.assign(age_years=table["age_years"] + 1e-9), rng=np.random.default_rng(1))
    for copy in (other, moved[0]):
        assert np.mean(copy["bmi_kg_m2"] == first["bmi_kg_m2"]) < 0.35  # one of five donors


def test_planted_relations_are_recovered_in_new_rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1500)
    ward = np.array(["a", "b", "c"])[np.searchsorted([-0.5, 0.5], x)]
    table = pd.DataFrame({"x": x, "y": 2 * x + rng.normal(size=1500), "flag": (x > 0) * 1.0, "ward": ward})
    imputer = fit_imputer(table.iloc[:1000], options=ImputeOptions(m=3), rng=np.random.default_rng(1))
    new = table.iloc[1000:].reset_index(drop=True)
    gone = new.assign(y=np.nan, ward=None, flag=np.nan)
    for copy in imputer.transform(gone, rng=np.random.default_rng(2)):
        slope, _ = np.polyfit(copy["x"], copy["y"], 1)
        assert slope == pytest.approx(2, abs=0.25)
        assert (copy["y"] - 2 * copy["x"]).std() == pytest.approx(1, abs=0.15)
        assert (copy["ward"] == new["ward"]).mean() > 0.9
        assert (copy["flag"] == new["flag"]).mean() > 0.9


def test_a_flag_that_a_number_separates_stays_finite():
    x = np.linspace(-1, 1, 80)
    table = pd.DataFrame({"x": x, "flag": (x > 0) * 1.0})
    table.loc[::5, "flag"] = np.nan
    imputer = fit_imputer(table, rng=np.random.default_rng(1))
    assert all(np.isfinite(chain[1].coefficients).all() for chain in imputer.chains)
    share = np.mean(
        [(c["flag"] == (x > 0)).mean() for c in imputer.transform(table, rng=np.random.default_rng(1))]
    )
    assert share > 0.95


def test_copies_of_a_column_do_not_disturb_the_rest():
    whole = people(300, 8, gaps=0)
    whole["t"] = (whole["age_years"] - 60) / 8
    table = whole.mask(np.random.default_rng(8).random(whole.shape) < 0.2)
    copies = completed(table, rng=np.random.default_rng(1))
    known = table["t"].notna() & table["age_years"].isna()
    for copy in copies:
        assert np.abs(copy["age_years"] - (60 + 8 * copy["t"]))[known].median() < 0.5
        assert copy["bmi_kg_m2"].between(10, 45).all()


def test_levels_that_training_did_not_have_are_kept():
    train, new = people(100, 9), people(20, 10, gaps=0)
    new["ward"] = new["ward"].cat.add_categories("east")
    new.loc[0, "ward"], new.loc[1, "ward"] = "east", np.nan
    copy = fit_imputer(train, rng=np.random.default_rng(1)).transform(new, rng=np.random.default_rng(1))[0]
    assert copy.loc[0, "ward"] == "east"
    assert copy.loc[1, "ward"] in ("north", "south", "west")


def test_no_warning_with_more_columns_than_rows():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(15, 30))).rename(columns=lambda i: f"x{i}")
    table["flag"] = (rng.random(15) < 0.3) * 1.0
    table = table.mask(rng.random(table.shape) < 0.1)
    copies = completed(table, options=ImputeOptions(m=2, iterations=3), rng=rng)
    assert not any(copy.isna().any().any() for copy in copies)


@pytest.mark.parametrize(
    ("table", "error", "words"),
    [
        (
            pd.DataFrame({"a": [1.0, 2.0], "gone": [np.nan, np.nan]}),
            NotEnoughData,
            "'gone' has no observed value",
        ),
        (pd.DataFrame({"a": [1.0]}), NotEnoughData, "1 row"),
        (pd.DataFrame({"seen": pd.to_datetime(["2020-01-01", "2021-01-01"])}), SchemaError, "dates"),
        (pd.DataFrame({"id": [f"p{i}" for i in range(60)]}), SchemaError, "60 levels"),
        (pd.DataFrame({"a": [1.0, np.inf, 2.0]}), SchemaError, "infinite"),
        (pd.DataFrame([[1.0, 2.0], [2.0, 3.0]], columns=["a", "a"]), SchemaError, "twice"),
        (pd.DataFrame([[1.0, 2.0], [2.0, 3.0]]), SchemaError, "are no text"),
    ],
)
def test_refusals(table, error, words):
    with pytest.raises(error, match=words):
        fit_imputer(table, rng=np.random.default_rng(1))


def test_refuses_other_columns_and_bad_options():
    imputer = fit_imputer(people(50, 1), rng=np.random.default_rng(1))
    with pytest.raises(SchemaError, match=r"absent \['ward'\], unknown \['hospital'\]"):
        imputer.transform(people(5, 1).rename(columns={"ward": "hospital"}), rng=np.random.default_rng(1))
    with pytest.raises(SchemaError, match="'age_years' holds text"):
        imputer.transform(people(5, 1).assign(age_years="old"), rng=np.random.default_rng(1))
    with pytest.raises(ConfigError, match="m is 0"):
        ImputeOptions(m=0)
    with pytest.raises(ConfigError, match="method is 'mean'"):
        ImputeOptions(method="mean")
    with pytest.raises(ConfigError, match="ordinal is 'score'"):
        ImputeOptions(ordinal="score")
