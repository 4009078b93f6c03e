import csv

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from statsmodels.api import Logit, add_constant

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.stats.agreement import mcnemar
from osteon.stats.balance import balance_table
from osteon.stats.matching import match, matched_effect
from osteon.stats.propensity import propensity_score


def cohort(seed, n=200, strength=1.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    treated = (rng.random(n) < expit(strength * x[:, 0] - 1)).astype(int)
    return rng, x, treated


@pytest.fixture(scope="module")
def glow(real_data):
    with (real_data / "tabular/glow/glow_bonemed.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = [
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
    ]
    covariates = {name: np.array([float(row[name]) for row in rows]) for name in names}
    treated = np.array([int(row["BONEMED"]) * int(row["BONEMED_FU"]) for row in rows])
    return covariates, treated, np.array([int(row["FRACTURE"]) for row in rows])


def test_propensity_equals_statsmodels():
    _, x, treated = cohort(1)
    x = np.column_stack([x[:, 0] * 1000 + 5, x[:, 1] / 100])
    answer = propensity_score(treated, x)
    fit = Logit(treated, add_constant(x)).fit(disp=0, method="newton", maxiter=100)
    assert answer.score == pytest.approx(fit.predict(), abs=1e-7)
    assert [answer.intercept, *answer.coefficients] == pytest.approx(fit.params, rel=1e-5)


def test_a_doubled_column_leaves_the_score():
    _, x, treated = cohort(2)
    doubled = propensity_score(treated, np.column_stack([x, x[:, 0], np.ones(len(x))]))
    assert doubled.score == pytest.approx(propensity_score(treated, x).score, abs=1e-8)


def test_small_case_by_hand():
    treated, score = [1, 1, 1, 0, 0, 0, 0], [0.8, 0.5, 0.45, 0.79, 0.46, 0.51, 0.05]
    answer = match(treated, score)
    assert list(zip(answer.treated.tolist(), answer.control.tolist(), strict=True)) == [
        (0, 3),
        (1, 5),
        (2, 4),
    ]
    assert answer.weights.tolist() == [1, 1, 1, 1, 1, 1, 0]
    two = match(treated, score, ratio=2, caliper_sd=None)
    assert sorted(two.control.tolist()) == [3, 4, 5, 6]
    assert two.notes == ("partial:2",)
    effect = matched_effect([1, 1, 0, 0, 1, 0, 0], answer)
    assert (effect.treated_mean, effect.control_mean) == pytest.approx((2 / 3, 1 / 3))
    assert effect.se == pytest.approx(np.std([1, 1, -1], ddof=1) / 3**0.5)


def test_glow_bone_medication(glow):
    covariates, treated, fracture = glow
    score = propensity_score(treated, np.column_stack(list(covariates.values()))).score
    pairs = match(treated, score)
    assert abs(pairs.n_matched - 108) <= 5
    fractures = fracture[pairs.treated].sum(), fracture[pairs.control].sum()
    assert abs(fractures[0] - 38) <= 4
    assert abs(fractures[1] - 32) <= 6
    rows = balance_table(covariates, treated, weights=pairs.weights)
    before, after = (np.array([getattr(row, f"smd_{when}") for row in rows]) for when in ("before", "after"))
    assert np.abs(before).max() > 0.5
    assert np.abs(after).max() < 0.15
    a, b, c, d = (np.sum((treated == t) & (fracture == f)) for t, f in ((1, 1), (1, 0), (0, 1), (0, 0)))
    assert a * d / (b * c) == pytest.approx(1.79, abs=0.005)
    effect = matched_effect(fracture, pairs)
    assert 0 in effect.ci  # the crude excess is confounding by indication
    discordant = fracture[pairs.treated] - fracture[pairs.control]
    test = mcnemar(first_only=int((discordant == 1).sum()), second_only=int((discordant == -1).sum()))
    assert effect.p == pytest.approx(test.p, abs=0.03)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 9999),
    st.floats(0.05, 1),
    st.integers(1, 3),
    st.sampled_from(["descending", "ascending", "random"]),
)
def test_no_control_twice_and_every_pair_inside_the_caliper(seed, caliper_sd, ratio, order):
    rng, x, treated = cohort(seed)
    assume(5 < treated.sum() < 150)
    sex = (x[:, 1] > 0).astype(int)
    score = propensity_score(treated, x).score
    pairs = match(treated, score, caliper_sd=caliper_sd, ratio=ratio, order=order, rng=rng, exact=sex)
    assert len(set(pairs.control.tolist())) == pairs.control.size
    assert np.all(treated[pairs.treated] == 1)
    assert np.all(treated[pairs.control] == 0)
    assert np.all(sex[pairs.treated] == sex[pairs.control])
    gap = np.abs(logit(score[pairs.treated]) - logit(score[pairs.control]))
    assert np.all(gap <= pairs.caliper)
    assert gap == pytest.approx(pairs.distance)
    assert np.bincount(pairs.treated).max() <= ratio
    assert pairs.weights[treated == 0].sum() == pytest.approx(pairs.n_matched)


def test_matching_lowers_the_imbalance_of_the_cause():
    _, x, treated = cohort(3, n=2000)
    pairs = match(treated, propensity_score(treated, x).score)
    (row,) = balance_table({"cause": x[:, 0]}, treated, weights=pairs.weights)
    assert abs(row.smd_before) > 0.5
    assert abs(row.smd_after) < 0.1


def test_a_planted_effect_is_found():
    rng, x, treated = cohort(4, n=4000)
    outcome = 2.0 * treated + 3.0 * x[:, 0] + rng.normal(size=4000)
    effect = matched_effect(outcome, match(treated, propensity_score(treated, x).score, caliper_sd=0.05))
    assert effect.value == pytest.approx(2, abs=0.2)
    assert outcome[treated == 1].mean() - outcome[treated == 0].mean() > 4


def test_same_call_same_pairs():
    _, x, treated = cohort(5)
    score = propensity_score(treated, x).score
    one, two = (match(treated, score, order="random", rng=np.random.default_rng(9)) for _ in "ab")
    assert one.control.tolist() == two.control.tolist()


def test_refusals():
    with pytest.raises(NotEnoughData, match="both 0 and 1"):
        match([1, 1], [0.5, 0.5])
    with pytest.raises(InputError, match="inside"):
        match([1, 0], [1.0, 0.5])
    with pytest.raises(ConfigError, match="rng"):
        match([1, 1, 0, 0], [0.4, 0.5, 0.4, 0.5], order="random")
    with pytest.raises(ConfigError, match="caliper_sd"):
        match([1, 1, 0, 0], [0.4, 0.5, 0.4, 0.5], caliper_sd=0)
    with pytest.raises(ConfigError, match="ratio"):
        match([1, 0], [0.4, 0.5], ratio=0)
    with pytest.raises(NotEnoughData, match="caliper"):
        match([1, 1, 0, 0], [0.8, 0.9, 0.1, 0.2])
    with pytest.raises(NotEnoughData, match="decide"):
        propensity_score([0, 0, 1, 1], [[1], [2], [3], [4]])
    with pytest.raises(NotEnoughData, match="decide"):
        propensity_score([0, 1, 0, 1, 1, 1], [[0], [0], [0], [1], [1], [0]])
    with pytest.raises(InputError, match="missing"):
        propensity_score([0, 1], [[1], [np.nan]])
    with pytest.raises(ShapeError):
        propensity_score([0, 1], [1, 2])
    pairs = match([1, 1, 0, 0], [0.4, 0.5, 0.4, 0.5])
    with pytest.raises(ShapeError, match="4 persons"):
        matched_effect([1, 0], pairs)
