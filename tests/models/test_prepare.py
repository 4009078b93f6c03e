"""Completed training rows, and what counts as outside of them."""

import numpy as np
import pandas as pd
import pytest

from osteon.cohort.impute import ImputeOptions
from osteon.core.errors import NotEnoughData, SchemaError
from osteon.models.prepare import known_part, part, prepared

PREDICTORS = ("age_years", "weight_kg", "smoking_current", "sex", "alp_u_l")
IMPUTE = ImputeOptions(m=2, iterations=2)


def test_copies_are_complete_and_keep_what_was_observed(people):
    table, _, _ = people(200, 1)
    rows = prepared(table, PREDICTORS, impute=IMPUTE, seed=1)
    assert len(rows.copies) == 2
    seen = table["weight_kg"].notna()
    for copy in rows.copies:
        assert not copy.isna().any().any()
        assert copy.index.equals(table.index)
        assert np.array_equal(copy.loc[seen, "weight_kg"], table.loc[seen, "weight_kg"])


def test_ranges_are_those_of_the_observed_values(people):
    table, _, _ = people(200, 2)
    ranges = prepared(table, PREDICTORS, impute=IMPUTE, seed=1).ranges
    assert (ranges["age_years"].low, ranges["age_years"].high) == (
        table["age_years"].min(),
        table["age_years"].max(),
    )
    assert ranges["sex"].levels == ("female", "male")
    assert ranges["age_years"].outside(pd.Series([ranges["age_years"].high, 200.0, np.nan])).tolist() == [
        False, True, False,
    ]  # fmt: skip
    assert ranges["sex"].outside(pd.Series(["male", "other", None], dtype="object")).tolist() == [
        False,
        True,
        False,
    ]


def test_an_unknown_level_counts_as_missing(people):
    table, _, _ = people(200, 3)
    ranges = prepared(table, PREDICTORS, impute=IMPUTE, seed=1).ranges
    rows = known_part(pd.DataFrame({"sex": ["male", "other"]}), ["sex"], ranges)
    assert rows["sex"].isna().tolist() == [False, True]


def test_refusals(people):
    table, _, _ = people(50, 4)
    with pytest.raises(SchemaError, match="2 of 3"):
        part(table, ["age_years", "height_cm", "bmi_kg_m2"])
    with pytest.raises(NotEnoughData, match="varies"):
        prepared(table.assign(age_years=70.0), ("age_years",), impute=IMPUTE, seed=1)
    with pytest.raises(SchemaError, match="admitted"):
        prepared(
            table.assign(admitted=pd.date_range("2020", periods=50)), ("admitted",), impute=IMPUTE, seed=1
        )
