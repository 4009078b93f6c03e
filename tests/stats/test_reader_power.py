"""Planning: the formula agrees with simulation, and the model draws what it promises."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multinomial, multivariate_normal, norm

from osteon.core.errors import InputError, NotEnoughData
from osteon.stats.agreement import mcnemar
from osteon.stats.auc import auc
from osteon.stats.obuchowski_rockette import Components
from osteon.stats.reader_power import (
    CALL_CUT,
    RoeMetz,
    call_shares,
    cases_needed,
    model_components,
    planned_power,
    simulated_power,
    simulated_ratings,
)
from osteon.stats.reader_study import reader_study

PILOT = Components(ms_t=math.nan, ms_r=math.nan, ms_tr=math.nan, error=8.0e-4, cov1=3.5e-4, cov2=3.4e-4, cov3=2.4e-4,
                   var_r=1.5e-3, var_tr=2e-4)  # fmt: skip


@given(st.integers(2, 30), st.integers(20, 800), st.floats(0.01, 0.15))
def test_more_readers_or_effect_never_lose_power(readers, cases, effect):
    def power(**changes):
        plan = {"effect": effect, "readers": readers, "cases": cases, "pilot_cases": 114} | changes
        return planned_power(PILOT, **plan).power

    base = power()
    assert power(readers=readers + 1) >= base - 1e-9
    assert power(effect=effect * 1.1) >= base - 1e-9


# dataset02 of RJafroc is the Van Dyke study; its tests and vignettes print these
@pytest.mark.parametrize(("readers", "cases", "power"), [(6, 111, 0.5526116), (10, 163, 0.8015625)])
def test_power_is_that_of_another_program(oracle, readers, cases, power):
    plan = planned_power(_van_dyke(oracle), effect=0.04380032, readers=readers, cases=cases, pilot_cases=114)
    assert plan.power == pytest.approx(power, abs=2e-5)


@pytest.mark.parametrize(("readers", "cases"), [(6, 251), (10, 163)])
def test_cases_needed_are_those_of_another_program(oracle, readers, cases):
    plan = cases_needed(_van_dyke(oracle), effect=0.04380032, readers=readers, pilot_cases=114)
    assert plan.cases == cases


def _van_dyke(oracle):
    return replace(PILOT, **oracle("reader_study/van_dyke")["components"])


def test_without_an_effect_the_power_is_alpha():
    assert planned_power(PILOT, effect=0.0, readers=5, cases=100, pilot_cases=100).power == pytest.approx(
        0.05
    )


def test_the_smallest_number_of_cases_is_the_smallest():
    plan = cases_needed(PILOT, effect=0.05, readers=6, pilot_cases=114)
    assert plan.power >= 0.8
    fewer = planned_power(PILOT, effect=0.05, readers=6, cases=plan.cases - 1, pilot_cases=114)
    assert fewer.power < 0.8


def test_two_readers_that_differ_cannot_be_helped_by_cases():
    assert cases_needed(replace(PILOT, var_tr=2e-3), effect=0.05, readers=2, pilot_cases=114) is None


def test_the_model_has_the_aucs_it_names():
    ratings, truth = simulated_ratings(
        RoeMetz(aucs=(0.8, 0.92)), readers=30, fractured=1500, unfractured=1500, rng=np.random.default_rng(2)
    )
    means = [np.mean([auc(truth, row).value for row in arm]) for arm in ratings]
    assert means == pytest.approx([0.8, 0.92], abs=0.03)


@pytest.mark.slow
def test_formula_and_simulation_agree():
    model, rng = RoeMetz(aucs=(0.80, 0.88)), np.random.default_rng(3)
    parts = model_components(model, fractured=60, unfractured=60, rng=rng)
    # rated 1 to 5 the arms differ a little less than their latent AUCs
    found = [reader_study(*simulated_ratings(model, readers=6, fractured=60, unfractured=60, rng=rng, scale="ordinal"),
                          arms="ab", readers="123456").figures.values.mean(axis=1) for _ in range(60)]  # fmt: skip
    effect = float(np.ptp(np.mean(found, axis=0)))
    planned = planned_power(parts, effect=effect, readers=6, cases=120, pilot_cases=120).power
    drawn = simulated_power(model, readers=6, fractured=60, unfractured=60, rng=rng, draws=300)
    assert drawn.ci.low - 0.05 < planned < drawn.ci.high + 0.05


def test_without_a_difference_few_studies_find_one():
    model = RoeMetz(aucs=(0.85, 0.85))
    found = simulated_power(
        model, readers=4, fractured=40, unfractured=40, rng=np.random.default_rng(4), draws=200
    )
    assert found.value < 0.1


@pytest.mark.parametrize(
    ("scope", "readers", "varies"),
    [("fixed_readers_random_cases", 2, "var_tr"), ("random_readers_fixed_cases", 5, "var_tc")],
)
def test_what_a_scope_holds_fixed_raises_no_false_alarm(scope, readers, varies):
    """Readers who each swing between arms (or cases that do) are no error of a claim about themselves."""
    model = RoeMetz(aucs=(0.8, 0.8), **{varies: 0.3})
    found = simulated_power(
        model,
        readers=readers,
        fractured=60,
        unfractured=60,
        rng=np.random.default_rng(5),
        scope=scope,
        draws=300,
    )
    assert found.value < 0.09


@pytest.mark.slow
def test_two_readers_of_the_default_plan_have_their_power_and_no_more_false_alarms_than_stated():
    """With readers' swings between the arms 12 % of studies rejected for want of an effect, and power was 69 %."""
    plan = {
        "readers": 2,
        "fractured": 132,
        "unfractured": 88,
        "draws": 600,
        "scope": "fixed_readers_random_cases",
    }
    power, alarms = (
        simulated_power(RoeMetz(aucs=aucs), rng=np.random.default_rng(1), **plan).value
        for aucs in ((0.90, 0.95), (0.85, 0.85))
    )
    assert power == pytest.approx(0.75, abs=0.04)
    assert alarms < 0.07


def test_power_of_a_scope_does_not_lean_on_what_it_holds_fixed():
    powers = [
        simulated_power(RoeMetz(aucs=(0.85, 0.92), var_r=0.0, var_tr=var_tr), readers=2, fractured=60, unfractured=40,
                        rng=np.random.default_rng(6), scope="fixed_readers_random_cases", draws=100).value
        for var_tr in (0.0, 0.5)
    ]  # fmt: skip
    assert powers[0] == powers[1]


def test_a_difference_the_wrong_way_is_no_power():
    """With readers this erratic a real but tiny effect is met by rejections on both sides; only one side counts."""
    model = RoeMetz(aucs=(0.80, 0.801), var_tr=0.2)
    plan = {
        "readers": 8,
        "fractured": 100,
        "unfractured": 100,
        "draws": 400,
        "scope": "random_readers_fixed_cases",
    }
    found = simulated_power(model, rng=np.random.default_rng(7), **plan)
    alike = simulated_power(replace(model, aucs=(0.8, 0.8)), rng=np.random.default_rng(7), **plan)
    assert found.value == pytest.approx(alike.value / 2, abs=0.02)
    assert found.value < 0.045


def test_call_shares_are_those_drawn():
    model = RoeMetz(aucs=(0.8, 0.92))
    calls, truth = simulated_ratings(model, readers=30, fractured=2000, unfractured=2000, scale="binary",
                                     rng=np.random.default_rng(8))  # fmt: skip
    for arm, (sensitivity, specificity) in zip(calls, call_shares(model), strict=True):
        assert arm[:, truth == 1].mean() == pytest.approx(sensitivity, abs=0.02)
        assert 1 - arm[:, truth == 0].mean() == pytest.approx(specificity, abs=0.02)


@pytest.mark.parametrize("endpoint", ["sensitivity", "accuracy", "specificity"])
def test_a_consensus_keeps_the_level_of_mcnemars_test(endpoint):
    model = RoeMetz(aucs=(0.8, 0.8), var_tr=0.3)
    found = simulated_power(model, readers=2, fractured=60, unfractured=60, rng=np.random.default_rng(9),
                            endpoint=endpoint, scope="consensus", draws=400)  # fmt: skip
    assert found.value < 0.07


def test_power_of_the_consensus_is_that_of_its_discordant_calls():
    """One reader without reader variance: P(right) of both arms from the bivariate normal, McNemar summed over them."""
    model, n = RoeMetz(aucs=(0.80, 0.92), var_r=0.0), 60
    rho = model.var_c + model.var_rc  # what a case keeps between arms
    down, up = ((mean - CALL_CUT) for mean in replace(model, var_tr=0.0).means)
    both = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([down, up])
    first_only, second_only = norm.cdf(down) - both, norm.cdf(up) - both
    power = sum(
        multinomial.pmf([b, c, n - b - c], n, [first_only, second_only, 1 - first_only - second_only])
        for b in range(n + 1)
        for c in range(b + 1, n + 1 - b)
        if mcnemar(first_only=b, second_only=c).p_exact < 0.05
    )
    found = simulated_power(model, readers=1, fractured=n, unfractured=2, rng=np.random.default_rng(10),
                            endpoint="sensitivity", scope="consensus", draws=2000)  # fmt: skip
    assert found.ci.low < power < found.ci.high


def test_what_is_refused():
    with pytest.raises(NotEnoughData):
        planned_power(PILOT, effect=0.05, readers=1, cases=100, pilot_cases=100)
    with pytest.raises(InputError, match="McNemar"):
        simulated_power(
            RoeMetz(), readers=2, fractured=9, unfractured=9, rng=np.random.default_rng(1), scope="consensus"
        )
    with pytest.raises(InputError):
        RoeMetz(var_c=0.9, var_tc=0.3)
    with pytest.raises(InputError):
        RoeMetz(aucs=(0.4,))
