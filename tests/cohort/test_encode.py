"""Encoding: the spline against its printed formula and its laws, z-scores and one-hot."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.cohort.encode import fit_encoder, knot_positions, spline_basis
from osteon.core.errors import ConfigError, NotEnoughData, SchemaError

TABLE = pd.DataFrame(
    {
        "age_years": [50.0, 60.0, 70.0, 80.0],
        "smoking_current": [0.0, 1.0, 1.0, 0.0],
        "sex": pd.Categorical(["female", "male", "male", "female"]),
        "self_rated_fracture_risk": pd.Categorical(
            ["less", "same", "greater", "same"], categories=["less", "same", "greater"], ordered=True
        ),
    }
)


@pytest.mark.parametrize(
    ("k", "quantiles"),
    [
        (3, [10, 50, 90]),
        (4, [5, 35, 65, 95]),
        (5, [5, 27.5, 50, 72.5, 95]),
        (6, [5, 23, 41, 59, 77, 95]),
        (7, [2.5, 18.33, 34.17, 50, 65.83, 81.67, 97.5]),
    ],
)
def test_knots_stand_at_the_printed_quantiles(k, quantiles):
    assert knot_positions(np.arange(101.0), k=k) == pytest.approx(quantiles)


def test_spline_by_hand():
    # knots 0, 1, 3 at x = 2: (2^3 - 1^3 * 3/2 + 0) / 3^2 = 6.5/9; at x = 4: (64 - 27*3/2 + 1*1/2)/9 = 24/9
    basis = spline_basis([2.0, 4.0, -1.0], knots=(0.0, 1.0, 3.0))
    assert basis == pytest.approx(np.array([[2.0, 6.5 / 9], [4.0, 24 / 9], [-1.0, 0.0]]))


@given(
    knots=st.lists(st.integers(-50, 50), min_size=3, max_size=7, unique=True).map(
        lambda t: tuple(map(float, sorted(t)))
    ),
    far=st.floats(1, 100),
)
def test_spline_is_linear_beyond_the_outer_knots_and_smooth_within(knots, far):
    for x in (knots[0] - far + np.array([-2.0, -1.0, 0.0]), knots[-1] + far + np.array([0.0, 1.0, 2.0])):
        basis = spline_basis(x, knots=knots)
        size = 1 + np.abs(basis).max()
        assert basis[2] - basis[1] == pytest.approx(basis[1] - basis[0], abs=1e-7 * size)
    for knot in knots:
        h = 1e-4
        below, at, above = spline_basis([knot - h, knot, knot + h], knots=knots)
        assert above - 2 * at + below == pytest.approx(np.zeros(len(at)), abs=10 * h * h)


def test_z_scores_one_hot_and_scores():
    encoder = fit_encoder(TABLE)
    out = encoder.transform(TABLE)
    assert list(out.columns) == [
        "age_years",
        "smoking_current",
        "sex=female",
        "sex=male",
        "self_rated_fracture_risk",
    ]
    assert all(dtype.kind == "f" for dtype in out.dtypes)
    assert out["age_years"].mean() == pytest.approx(0)
    assert out["age_years"].std() == pytest.approx(1)
    assert out[["sex=female", "sex=male"]].to_numpy().tolist() == [[1, 0], [0, 1], [0, 1], [1, 0]]
    assert out["smoking_current"].tolist() == [0, 1, 1, 0]
    raw = fit_encoder(TABLE, scale=False).transform(TABLE)
    assert raw["self_rated_fracture_risk"].tolist() == [0, 1, 2, 1]
    assert raw["age_years"].tolist() == [50, 60, 70, 80]
    assert list(fit_encoder(TABLE, reference=True).transform(TABLE).columns)[2] == "sex=male"


def test_training_rows_alone_decide():
    encoder = fit_encoder(TABLE)
    new = TABLE.assign(age_years=[90.0, 90.0, 90.0, 90.0])
    wanted = (90 - 65) / np.std([50, 60, 70, 80], ddof=1)
    assert encoder.transform(new)["age_years"].tolist() == pytest.approx([wanted] * 4)


def test_spline_columns_are_named_and_scaled():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"age_years": rng.uniform(50, 90, 200)})
    encoder = fit_encoder(table, knots={"age_years": 4})
    out = encoder.transform(table)
    assert list(out.columns) == ["age_years", "age_years'", "age_years''"]
    assert out.std().to_numpy() == pytest.approx(np.ones(3))
    raw = fit_encoder(table, knots={"age_years": 4}, scale=False).transform(table)
    assert raw.to_numpy() == pytest.approx(
        spline_basis(table["age_years"], knots=knot_positions(table["age_years"], k=4))
    )


def test_unknown_levels_are_counted_or_refused():
    new = TABLE.assign(sex=["female", "other", "other", "male"])
    encoder = fit_encoder(TABLE)
    assert encoder.transform(new).loc[1, ["sex=female", "sex=male"]].tolist() == [0, 0]
    assert encoder.notes(new) == ("unknown-level:sex:other:2",)
    assert encoder.notes(TABLE) == ()
    with pytest.raises(SchemaError, match="unknown-level:sex:other:2"):
        fit_encoder(TABLE, unknown="refuse").transform(new)


def test_gaps_in_training_are_left_out_and_constants_become_zero():
    table = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": [5.0, 5.0, 5.0]})
    out = fit_encoder(table).transform(pd.DataFrame({"a": [2.0], "b": [5.0]}))
    assert out.to_numpy().tolist() == [[0.0, 0.0]]


def test_refusals():
    with pytest.raises(SchemaError, match=r"missing values in age_years \(1\)"):
        fit_encoder(TABLE).transform(TABLE.assign(age_years=[np.nan, 1.0, 2.0, 3.0]))
    with pytest.raises(SchemaError, match="columns absent: sex"):
        fit_encoder(TABLE).transform(TABLE.drop(columns="sex"))
    with pytest.raises(SchemaError, match="'age_years' holds text"):
        fit_encoder(TABLE).transform(TABLE.assign(age_years="old"))
    with pytest.raises(NotEnoughData, match="'a' has no observed value"):
        fit_encoder(pd.DataFrame({"a": [np.nan, np.nan]}))
    with pytest.raises(NotEnoughData, match="coincide"):
        fit_encoder(pd.DataFrame({"a": [1.0] * 50 + [2.0]}), knots={"a": 3})
    with pytest.raises(ConfigError, match="8 knots"):
        knot_positions([1, 2, 3], k=8)
    with pytest.raises(ConfigError, match="'sex', which is a category"):
        fit_encoder(TABLE, knots={"sex": 3})
    with pytest.raises(ConfigError, match="absent: bmi"):
        fit_encoder(TABLE, knots={"bmi": 3})
    with pytest.raises(ConfigError, match="ascending"):
        spline_basis([1.0], knots=(1.0, 3.0, 2.0))
