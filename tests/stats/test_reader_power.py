"""Planning: the formula agrees with simulation, and the model draws what it promises."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import InputError, NotEnoughData
from osteon.stats.auc import auc
from osteon.stats.obuchowski_rockette import Components
from osteon.stats.reader_power import (
    RoeMetz,
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


def test_what_is_refused():
    with pytest.raises(NotEnoughData):
        planned_power(PILOT, effect=0.05, readers=1, cases=100, pilot_cases=100)
    with pytest.raises(InputError):
        RoeMetz(var_c=0.9, var_tc=0.3)
    with pytest.raises(InputError):
        RoeMetz(aucs=(0.4,))
