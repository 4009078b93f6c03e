"""The leakage guard: what is known to define an outcome, what is found to reproduce it, and what is honest."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.cohort.leakage import copies, guard, leaks
from osteon.cohort.schema import schema
from osteon.core.config import read_toml
from osteon.core.errors import LeakageError, SchemaError


def people(n=400, seed=3, prevalence=0.2):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < prevalence).astype(float)
    return pd.DataFrame({"fracture_ever": y}), rng


def reason(table, name, outcome="fracture_ever"):
    found = leaks(table, outcome, [name])
    return found[0].why if found else None


def auc_of(x, y):
    return float((x[y == 1][:, None] > x[y == 0][None, :]).mean())


@given(seed=st.integers(0, 10_000), strength=st.floats(0, 1.8), prevalence=st.floats(0.05, 0.5))
@settings(max_examples=60, deadline=None)
def test_an_honest_noisy_predictor_is_not_accused(seed, strength, prevalence):
    table, rng = people(seed=seed, prevalence=prevalence)
    y = table["fracture_ever"].to_numpy()
    table["age_years"] = 65 + 9 * (rng.normal(size=len(y)) + strength * y)
    table["stroke"] = (rng.random(len(y)) < 0.1 + 0.4 * y).astype(float)
    table["county"] = pd.Categorical(rng.choice(["harju", "tartu", "valga"], len(y)))
    if auc_of(table["age_years"].to_numpy(), y) < 0.95:
        assert leaks(table, "fracture_ever", ["age_years", "stroke", "county"]) == ()


@given(seed=st.integers(0, 10_000), slope=st.floats(0.01, 100), sign=st.sampled_from([-1, 1]))
@settings(max_examples=40, deadline=None)
def test_a_monotone_transform_of_the_outcome_is_accused(seed, slope, sign):
    table, rng = people(seed=seed)
    y = table["fracture_ever"].to_numpy()
    table["score"] = np.arctan(sign * slope * y)
    assert reason(table, "score") == "copy_of"
    table["fuzzy"] = np.exp(sign * (y + 0.4 * rng.random(len(y))))
    assert reason(table, "fuzzy") == "reproduces_outcome"


def test_an_interval_of_a_number_is_found_though_its_auc_is_a_half():
    table, rng = people()
    y = table["fracture_ever"].to_numpy()
    side = rng.choice([-1, 1], len(y))
    table["balance_x"] = np.where(y == 1, rng.normal(0, 0.2, len(y)), side * (2 + rng.random(len(y))))
    assert 0.4 < auc_of(table["balance_x"].to_numpy(), y) < 0.6
    assert reason(table, "balance_x") == "reproduces_outcome"


def test_a_lookup_of_few_categories_is_found():
    table, rng = people()
    y = table["fracture_ever"].to_numpy()
    table["ward"] = pd.Categorical(
        np.where(y == 1, rng.choice(["a", "b"], len(y)), rng.choice(["c", "d"], len(y)))
    )
    assert reason(table, "ward") == "reproduces_outcome"


def test_nearly_everyone_is_enough_but_a_rare_outcome_is_not_settled_by_no():
    table, rng = people(n=2000, prevalence=0.1)
    y = table["fracture_ever"].to_numpy()
    flipped = rng.random(len(y)) < 0.02
    table["told"] = np.where(flipped, 1 - y, y)
    assert reason(table, "told") == "reproduces_outcome"
    table["constant_no"] = 0.0
    assert reason(table, "constant_no") is None


def test_row_numbers_and_names_are_identifiers():
    table, _ = people()
    table["row"] = np.arange(len(table), dtype=float)
    table["name"] = [f"person {i}" for i in range(len(table))]
    assert reason(table, "row") == "identifier"
    assert reason(table, "name") == "identifier"
    assert reason(table.assign(participant_id="x"), "participant_id") == "identifier"


def test_after_the_index_date():
    table, rng = people()
    table = table.rename(columns={"fracture_ever": "death_12m"})
    for name in ("time_months", "acute_stay_days", "postacute_category"):
        table[name] = rng.random(len(table))
    found = {leak.predictor: leak.why for leak in leaks(table, "death_12m", table.columns.drop("death_12m"))}
    assert found == {
        "time_months": "defines_outcome",
        "acute_stay_days": "after_outcome",
        "postacute_category": "after_outcome",
    }


@pytest.mark.parametrize(
    ("outcome", "predictor"),
    [
        ("osteoporosis_fn", "t_femoral_neck"),
        ("osteoporosis_fn", "bmd_femoral_neck_g_cm2"),
        ("osteoporosis_fn_or_ls", "t_lumbar"),
        ("osteoporosis_fn_or_ls", "bmd_l3_g_cm2"),
        ("osteoporosis_fn_or_ls", "osteoporosis_told"),
        ("osteoporosis_fn_or_ls", "z_lumbar"),
        ("osteoporosis_fn_or_ls", "frax_hip_pct"),
        ("osteoporosis_fn_or_ls", "股骨颈T值"),
        ("fracture_ever", "fracture_wrist"),
    ],
)
def test_definitions(outcome, predictor):
    table = pd.DataFrame({outcome: [0.0, 1.0, 0.0], predictor: [1.0, 2.0, 3.0]})
    assert reason(table, predictor, outcome) == "defines_outcome"


def test_not_a_tie():
    table = pd.DataFrame(
        {"osteoporosis_fn": [0.0, 1.0], "bmd_lumbar_g_cm2": [1.0, 0.7], "age_years": [60.0, 70.0]}
    )
    assert leaks(table, "osteoporosis_fn", ["bmd_lumbar_g_cm2", "age_years"]) == ()


def test_every_name_in_the_table_of_ties_is_in_the_schema():
    from importlib.resources import files
    from pathlib import Path

    ties = read_toml(Path(str(files("osteon.cohort") / "leakage.toml")))
    names = list(ties["outcome"]) + [n for group in ties["same"].values() for n in group]
    for entry in ties["outcome"].values():
        names += entry.get("defines", []) + entry.get("after", [])
    for name in names:
        assert any(f.startswith(name[:-1]) if name.endswith("*") else f == name for f in schema().fields), (
            name
        )


def test_guard_refuses_and_lists_all():
    table = pd.DataFrame(
        {"osteoporosis_fn": [0.0, 1.0], "t_femoral_neck": [0.0, -3.0], "osteoporosis_told": [0.0, 1.0]}
    )
    with pytest.raises(LeakageError, match=r"t_femoral_neck \(defines_outcome\); osteoporosis_told"):
        guard(table, "osteoporosis_fn", ["t_femoral_neck", "osteoporosis_told"])
    assert len(guard(table, "osteoporosis_fn", ["t_femoral_neck"], allow_leakage=True)) == 1
    assert guard(table, "osteoporosis_fn", []) == ()


def test_unknown_columns_are_refused():
    with pytest.raises(SchemaError, match="no column 'nothing'"):
        leaks(pd.DataFrame({"fracture_ever": [0.0]}), "fracture_ever", ["nothing"])


def test_copies():
    rng = np.random.default_rng(1)
    bmd = rng.normal(0.8, 0.1, 50)
    table = pd.DataFrame(
        {"a": bmd, "b": 2 - 3 * bmd, "c": bmd + rng.normal(0, 1e-3, 50), "d": ["x"] * 50, "e": ["x"] * 50}
    )
    assert copies(table, ["a", "b", "c", "d", "e"]) == (("a", "b"), ("d", "e"))


def test_a_number_predicted_from_its_own_line():
    rng = np.random.default_rng(2)
    bmd = rng.normal(0.8, 0.1, 80)
    table = pd.DataFrame(
        {
            "bmd_trochanter_g_cm2": bmd,
            "mine": 10 * bmd - 3,
            "rank": np.exp(bmd),
            "age_years": rng.normal(70, 9, 80),
        }
    )
    found = {
        leak.predictor: leak.why
        for leak in leaks(table, "bmd_trochanter_g_cm2", ["mine", "rank", "age_years"])
    }
    assert found == {"mine": "copy_of", "rank": "reproduces_outcome"}
