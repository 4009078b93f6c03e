"""Scores of a whole table: the same numbers as one by one, nothing invented, no sight of the outcome."""

import numpy as np
import pandas as pd
import pytest

from osteon.care.scores.ost import ost_points
from osteon.care.scores.qfracture.equations import qfracture
from osteon.care.scores.table import score_inputs, score_table
from osteon.cohort.schema import schema
from osteon.core.errors import SchemaError

OSTEOPOROTIC, HIP, MISSING = (
    "qfracture_osteoporotic_10y_pct",
    "qfracture_hip_10y_pct",
    "qfracture_missing_flags",
)


def people(**changes):
    columns = {
        "age_years": 70.0,
        "sex": "female",
        "ethnicity": "white",
        "height_cm": 160.0,
        "weight_kg": 60.0,
        "bmi_kg_m2": 60 / 1.6**2,
        "smoking_current": 0.0,
        "smoking_ever": 0.0,
        "alcohol_g_day": 0.0,
    }
    columns |= changes
    n = max((len(v) for v in columns.values() if isinstance(v, list)), default=1)
    table = pd.DataFrame({k: v if isinstance(v, list) else [v] * n for k, v in columns.items()})
    return table.astype({k: "category" for k in ("sex", "ethnicity") if k in table})


def risk(table, **options):
    return score_table(table, **options)[OSTEOPOROTIC].to_numpy() / 100


def one(**changes):
    return qfracture(
        **{"sex": ["female"], "age_years": 70, "bmi_kg_m2": 60 / 1.6**2, "ethnicity": 1, "smoking": 0, "alcohol": 0}
        | changes
    ).osteoporotic  # fmt: skip


def test_inputs_are_columns_of_the_schema():
    assert set(score_inputs()) <= set(schema().fields)


def test_the_same_numbers_as_one_by_one():
    table = people(age_years=[55.0, 70.0, 85.0], weight_kg=[80.0, 60.0, 45.0], bmi_kg_m2=[np.nan] * 3)
    table.index = [7, 3, 5]
    found = score_table(table)
    assert found.index.tolist() == [7, 3, 5]
    np.testing.assert_array_equal(
        found["ost"], ost_points(weight_kg=table["weight_kg"], age_years=table["age_years"])
    )
    assert found["osta"].equals(found["ost"].rename("osta"))
    expected = qfracture(
        sex=["female"] * 3, age_years=[55, 70, 85], bmi_kg_m2=np.array([80, 60, 45]) / 1.6**2, ethnicity=1,
        smoking=0, alcohol=0,
    )  # fmt: skip
    np.testing.assert_allclose(found[OSTEOPOROTIC], 100 * expected.osteoporotic)
    np.testing.assert_allclose(found[HIP], 100 * expected.hip)


@pytest.mark.parametrize(
    ("columns", "codes"),
    [
        ({"ethnicity": "black"}, {"ethnicity": 7}),
        ({"ethnicity": "mexican_american"}, {"ethnicity": 9}),
        ({"ethnicity": "asian"}, {"ethnicity": 5}),
        ({"ethnicity": "chinese"}, {"ethnicity": 8}),
        ({"ethnicity": None}, {"ethnicity": 1}),
        ({"smoking_current": 1.0}, {"smoking": 2}),
        ({"smoking_ever": 1.0}, {"smoking": 1}),
        ({"smoking_ever": np.nan}, {"smoking": 0}),
        ({"alcohol_g_day": 20.0}, {"alcohol": 2}),
        ({"alcohol_g_day": np.nan, "alcohol_drinks_per_day": 2.0}, {"alcohol": 3}),
        ({"alcohol_g_day": np.nan, "alcohol_ge3_day": 1.0}, {"alcohol": 3}),
        ({"alcohol_g_day": np.nan, "alcohol_ge3_day": 0.0}, {"alcohol": 0}),
        ({"diabetes": 1.0}, {"flags": {"diabetes_type2": 1}}),
        ({"asthma": 0.0, "copd": 1.0}, {"flags": {"asthma_or_copd": 1}}),
        ({"fracture_wrist": 1.0}, {"flags": {"fracture_prior": 1}}),
        ({"fracture_other_site": 1.0}, {}),
        ({"thyroid_disease": 1.0, "hormone_therapy_ever": 1.0}, {}),
        ({"father_hip_fracture": 1.0}, {"flags": {"parent_osteoporosis_or_hip_fracture": 1}}),
        ({"falls_12m_count": 3.0}, {"flags": {"falls": 1}}),
    ],
)
def test_columns_become_the_tools_codes(columns, codes):
    np.testing.assert_allclose(risk(people(**columns)), one(**codes), rtol=1e-12)


def test_what_is_unknown_is_counted():
    """A woman: 19 flags, smoking, alcohol. A joined flag with one part unknown and the other no is unknown."""
    assert score_table(people())[MISSING].tolist() == [19.0]
    assert score_table(people(asthma=0.0, copd=0.0))[MISSING].tolist() == [18.0]
    assert score_table(people(asthma=0.0, copd=np.nan))[MISSING].tolist() == [19.0]
    assert score_table(people(smoking_current=np.nan))[MISSING].tolist() == [20.0]


def test_no_score_without_its_mandatory_inputs():
    found = score_table(people(age_years=[25.0, np.nan, 105.0], weight_kg=[np.nan, 60.0, 60.0]))
    assert found[OSTEOPOROTIC].isna().all() and found["ost"].isna().tolist() == [True, True, False]
    assert score_table(pd.DataFrame({"calcium_mmol_l": [2.3]})).shape == (1, 0)
    only_bmi = score_table(people().drop(columns=["weight_kg", "height_cm"]))
    assert "ost" not in only_bmi and only_bmi[OSTEOPOROTIC].notna().all()


@pytest.mark.parametrize("outcome", ["fracture_ever", "fracture_prior"])
def test_a_score_never_sees_the_outcome(outcome):
    """Scores with the outcome's fractures turned round are the same, and do differ when no outcome is named."""
    table = people(
        age_years=[60.0 + n % 25 for n in range(40)], fracture_hip=[float(n % 3 == 0) for n in range(40)]
    )
    table[outcome] = table["fracture_hip"]
    turned = table.assign(**{name: 1.0 - table[name] for name in (outcome, "fracture_hip")})
    pd.testing.assert_frame_equal(score_table(table, outcome=outcome), score_table(turned, outcome=outcome))
    assert (score_table(table)[OSTEOPOROTIC] != score_table(turned)[OSTEOPOROTIC]).all()


def test_an_outcome_that_is_no_column_is_refused():
    with pytest.raises(SchemaError, match="fracture_1y"):
        score_table(people(), outcome="fracture_1y")


def test_twelve_thousand_rows_leave_the_input_alone():
    rng = np.random.default_rng(3)
    n = 12_000
    table = people(
        age_years=rng.uniform(50, 90, n).tolist(), weight_kg=rng.normal(75, 12, n).clip(35).tolist()
    )
    before = table.copy()
    found = score_table(table)
    assert len(found) == n and found.notna().all().all()
    pd.testing.assert_frame_equal(table, before)


def test_on_real_people(real_data):
    """Published: OST against femoral neck osteoporosis, women 50+: AUC about .805."""
    from osteon.cohort.sources import nhanes
    from osteon.stats.auc import auc

    path = real_data / "tabular" / "nhanes" / "nhanes_2017_mar2020_age50_bone.csv.gz"
    table = nhanes.read(path).table
    scores = score_table(table, outcome="osteoporosis_fn")
    rows = ((table["sex"] == "female") & table["osteoporosis_fn"].notna() & scores["ost"].notna()).to_numpy()
    y = table["osteoporosis_fn"].to_numpy()[rows] == 1
    assert auc(y, -scores["ost"].to_numpy()[rows]).value == pytest.approx(0.805, abs=0.02)
    assert scores[OSTEOPOROTIC].between(0.05, 90).mean() > 0.85


def women(**changes):
    facts = {
        "age_years": [60.0, 72.0, 86.0], "weight_kg": [72.0, 58.0, 52.0], "hormone_therapy_ever": 0.0,
        "mother_hip_fracture": [0.0, 1.0, 1.0], "smoking_current": [0.0, 0.0, 1.0], "arms_to_stand": [0.0, 0.0, 1.0],
        "fracture_prior": [0.0, 0.0, 1.0], "t_total_hip": [-1.5, -2.2, -3.0], "t_femoral_neck": [-1.0, -2.0, -3.0],
        "t_lumbar": [-1.0, -1.0, -3.0], "glucocorticoid_ever": [0.0, 0.0, 1.0],
    }  # fmt: skip
    return people(**{**facts, **changes})


def test_point_tools_by_hand():
    found = score_table(women())
    assert found["orai"].tolist() == [5 + 2, 9 + 9 + 2, 15 + 9 + 2]
    assert found["osiris"].tolist() == [14 - 12, 11 - 14, 10 - 17 - 2]
    assert found["abone"].tolist() == [1, 3, 3]
    assert found["sof_index"].isna().tolist() == [True, False, False]
    assert found["sof_index"].tolist()[1:] == [2 + 1, 5 + 1 + 1 + 1 + 1 + 2]
    assert found["sof_index_bmd"].tolist()[1:] == [3 + 3, 11 + 4]
    assert found["caroc_class"].tolist() == [0, 1, 2]


def test_womens_tools_say_nothing_of_men():
    found = score_table(women(sex=["male", "female", "male"]))
    for name in ("orai", "osiris", "abone", "sof_index", "sof_index_bmd"):
        assert found[name].isna().tolist()[::2] == [True, True], name
    assert found["caroc_class"].notna().all()


def test_present_hormone_therapy_is_unknown_in_those_who_ever_took_it():
    found = score_table(women(hormone_therapy_ever=[1.0, 0.0, np.nan]))
    assert found["orai"].notna().tolist() == [False, True, False]
    assert found["abone"].tolist()[0] == 0 and np.isnan(found["abone"].tolist()[2])


@pytest.mark.parametrize(
    ("outcome", "gone"),
    [
        ("osteoporosis_fn_or_ls", {"caroc_class", "sof_index_bmd"}),
        ("fracture_ever", {"osiris", "sof_index", "sof_index_bmd"}),
    ],
)
def test_scores_that_need_the_outcome_are_absent(outcome, gone):
    table = pd.concat([women()] * 10, ignore_index=True)
    table[outcome] = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0] * 5
    everything = set(score_table(table))
    assert everything - set(score_table(table, outcome=outcome)) == gone
