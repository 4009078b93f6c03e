"""Invented patients: they are those of the published table, their probabilities are right, and the empty tables are empty."""

import numpy as np
import pytest

from osteon.cohort.schema import schema
from osteon.core.errors import ConfigError
from osteon.models.cluster_stability import adjusted_rand, expected_rand
from osteon.studies.published_s0 import published_groups
from osteon.synth.portraits import (
    STRUCTURELESS,
    _recipe,
    changing_clinic,
    separable_patients,
    structureless,
    table1_patients,
)


def test_the_generator_is_the_published_table():
    paper = published_groups()
    for group, printed in zip(_recipe()["table1"]["group"], paper.itertuples(), strict=True):
        assert (group["n"], *group["age_years"], *group["t_lowest"]) == (
            printed.n, printed.age_years, printed.age_sd, printed.t_lowest, printed.t_sd)  # fmt: skip
        assert group["fracture_type"] == printed.fracture_type
        assert group["conservative"] == pytest.approx(printed.conservative, abs=1e-3)


def test_many_draws_have_the_published_means():
    ages = [
        made.table.loc[made.group == 0, "age_years"].mean()
        for made in (table1_patients(seed=s) for s in range(40))
    ]
    assert np.mean(ages) == pytest.approx(75.45, abs=0.7)


def test_probabilities_are_calibrated_and_bayes_rule_is_the_ceiling():
    right, claimed, best, expected = [], [], [], []
    for seed in range(40):
        made = table1_patients(seed=seed)
        assert made.probability.sum(axis=1) == pytest.approx(np.ones(100))
        chosen = made.probability.argmax(axis=1)
        right.append((chosen == made.group).mean())
        claimed.append(made.probability.max(axis=1).mean())
        best.append(adjusted_rand(chosen, made.group))
        if seed < 5:
            expected.append(
                expected_rand(chosen, made.probability, rng=np.random.default_rng(seed), draws=30)
            )
    assert np.mean(right) == pytest.approx(np.mean(claimed), abs=0.01)
    assert 0.86 < np.mean(best) < 0.94
    assert np.mean(expected) == pytest.approx(np.mean(best), abs=0.05)


def test_the_separable_patients_fit_the_schema():
    made = separable_patients(seed=3)
    assert np.bincount(made.group).tolist() == [27, 32, 23, 18]
    for name in made.table:
        field = schema().named(str(name))
        if field.kind == "number":
            assert made.table[name].dropna().between(field.low, field.high).all(), name


@pytest.mark.parametrize("kind", STRUCTURELESS)
def test_an_empty_table_has_a_hundred_rows(kind):
    assert len(structureless(kind, seed=1)) == 100


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="shuffled"):
        structureless("nothing", seed=1)


def test_the_clinic_changes_as_planted():
    gaps = []
    for seed in range(10):
        table = changing_clinic(seed=seed).table
        slope = np.polyfit(table["month"], table["healing_days"], 1)[0]
        gaps.append(slope)
    assert np.mean(gaps) < changing_clinic(seed=0).trend_days_a_month
