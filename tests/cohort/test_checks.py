import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.cohort.checks import CheckOptions, bmi_kg_m2, contradictions
from osteon.cohort.sources import nhanes
from osteon.cohort.tscore import REFERENCES, Reference

NAN = float("nan")


def found(columns, **options):
    table = pd.DataFrame(columns)
    return {(f.code, f.rows) for f in contradictions(table, options=CheckOptions(**options))}


@pytest.mark.parametrize(
    ("columns", "code", "rows"),
    [
        (
            {"t_femoral_neck": [-2.5, -2.2, NAN], "bmd_femoral_neck_g_cm2": [0.558, 0.558, 0.558]},
            "t_against_bmd",
            (1,),
        ),
        ({"t_lumbar": [-2.5, -1.0], "bmd_lumbar_g_cm2": [0.772, 0.772]}, "t_against_bmd", (1,)),
        ({"t_lowest": [-2.0, -3.0], "t_lumbar": [-2.6, -3.0], "t_total_hip": [-1.0, NAN]}, "t_lowest", (0,)),
        (
            {"osteoporosis_fn": [1, 0, 0, NAN], "t_femoral_neck": [-2.5, -2.6, -1, -3]},
            "osteoporosis_against_t",
            (1,),
        ),
        (
            {"t_lumbar": [-2.0, -2.0, 0.0], "z_lumbar": [-3.0, -0.5, -2.0], "age_years": [70, 70, 30]},
            "z_below_t",
            (0,),
        ),
        (
            {"bmd_femoral_neck_g_cm2": [0.7, 0.9], "bmd_total_hip_g_cm2": [0.8, 0.6]},
            "neck_against_total_hip",
            (1,),
        ),
        ({"bmi_kg_m2": [24.98, 29.0], "height_cm": [165, 165], "weight_kg": [68, 68]}, "bmi", (1,)),
        ({"menopause_age_years": [51, 50, NAN], "age_years": [48, 60, 40]}, "menopause_after_age", (0,)),
        ({"menopause_age_years": [29, 30, 62, 63]}, "menopause_age_unusual", (0, 3)),
        ({"menopause_age_years": [44, 45, 44], "early_menopause": [0, 0, 1]}, "early_menopause", (0,)),
        ({"sex": ["male", "female", "male"], "pregnant": [1, 1, 0]}, "male_with_female_item", (0,)),
        ({"sex": ["male", "female"], "menopause_age_years": [50, 50]}, "male_with_female_item", (0,)),
        ({"smoking_current": [1, 1], "smoking_ever": [0, 1]}, "smoking", (0,)),
        ({"fracture_hip": [1, 1], "fracture_prior": [0, 1]}, "fracture_site_without_fracture", (0,)),
        ({"falls_12m_count": [2, 0, 1], "fall_12m": [0, 0, 1]}, "falls", (0,)),
        ({"frax_hip_pct": [5.0, 2.0], "frax_mof_pct": [4.0, 9.0]}, "hip_above_major", (0,)),
        ({"death_12m": [1, 1, 0], "time_months": [13.0, 12.0, 20.0]}, "death_after_a_year", (0,)),
    ],
)
def test_each_contradiction_is_found_and_only_it(columns, code, rows):
    assert found(columns) == {(code, rows)}


def test_the_lumbar_total_lies_between_its_levels():
    levels = {
        f"bmd_l{i}_g_cm2": [0.8 + 0.05 * i, 0.8 + 0.05 * i, NAN if i == 2 else 0.9] for i in range(1, 5)
    }
    assert found({**levels, "bmd_lumbar_g_cm2": [0.93, 1.2, 1.9]}) == {("lumbar_outside_levels", (1,))}


@pytest.mark.parametrize("mother", [0.0, 1.0, NAN])
@pytest.mark.parametrize("father", [0.0, 1.0, NAN])
@pytest.mark.parametrize("parent", [0.0, 1.0, NAN])
def test_parent_is_mother_or_father(mother, father, parent):
    told = found(
        {"mother_hip_fracture": [mother], "father_hip_fracture": [father], "parent_hip_fracture": [parent]}
    )
    truth = 1.0 if 1.0 in (mother, father) else NAN if np.isnan([mother, father]).any() else 0.0
    assert bool(told) == (truth in (0.0, 1.0) and parent in (0.0, 1.0) and truth != parent)


def test_dates_come_in_order_and_not_from_the_future():
    day = pd.to_datetime
    columns = {
        "birth_date": day(["1950-05-01", "2021-01-01", "1960-01-01", None]),
        "visit_date": day(["2020-05-01", "2020-01-01", "2030-01-01", "2020-01-01"]),
        "fracture_date": day(["2019-01-01", None, None, "2021-01-01"]),
        "age_years": [70.0, -1.0, 70.0, 50.0],
    }
    assert found(columns, as_of=datetime.date(2026, 1, 1)) == {
        ("date_order", (1,)), ("date_order", (0,)), ("date_in_future", (2,)),
    }  # fmt: skip
    assert ("age_against_birth", (0,)) in found({**columns, "age_years": [66.0, -1.0, 70.0, 50.0]})


def test_another_reference_can_be_declared_or_left_out():
    columns = {"t_lumbar": [-2.5], "bmd_lumbar_g_cm2": [0.88]}
    lunar = Reference(
        site="L1-L4", population="GE Lunar USA", device="Lunar", mean_g_cm2=1.18, sd_g_cm2=0.12, source="s"
    )
    assert found(columns) == {("t_against_bmd", (0,))}
    assert found(columns, references={"t_lumbar": lunar}) == set()
    assert found(columns, references={}) == set()


def test_a_finding_reads_as_one_line():
    table = pd.DataFrame({"frax_hip_pct": [5.0] * 7, "frax_mof_pct": [4.0] * 7})
    (finding,) = contradictions(table)
    assert finding.n == 7
    assert str(finding) == ("hip_above_major (frax_hip_pct, frax_mof_pct): 7 rows [0, 1, 2, 3, 4, ...], "
                            "expected hip at or below major")  # fmt: skip


@given(st.lists(st.floats(0.35, 1.4), min_size=1, max_size=20))
def test_consistent_people_contradict_nothing(bmd):
    neck = np.asarray(bmd)
    reference = REFERENCES["t_femoral_neck"]
    t_neck = (neck - reference.mean_g_cm2) / reference.sd_g_cm2
    table = pd.DataFrame({
        "bmd_femoral_neck_g_cm2": neck, "bmd_total_hip_g_cm2": neck * 1.12, "t_femoral_neck": t_neck.round(1),
        "z_femoral_neck": t_neck + 1, "age_years": 70.0, "height_cm": 160.0, "weight_kg": 60.0,
        "bmi_kg_m2": bmi_kg_m2(height_cm=pd.Series(160.0), weight_kg=pd.Series(60.0)).round(1)[0],
    })  # fmt: skip
    assert contradictions(table) == ()
    assert contradictions(table.where(table != table)) == ()


def test_real_scans_agree_with_their_t_scores(real_data):
    table = nhanes.read(real_data / "tabular/nhanes/nhanes_2017_mar2020_age50_bone.csv.gz").table
    found = {finding.code: finding.n for finding in contradictions(table)}
    assert "t_against_bmd" not in found
    assert "bmi" not in found
    assert found["neck_against_total_hip"] < 0.005 * len(table)
    shifted = table.assign(t_femoral_neck=table["t_femoral_neck"] + 0.3)
    wrong = {finding.code: finding.n for finding in contradictions(shifted)}
    assert wrong["t_against_bmd"] == shifted["t_femoral_neck"].notna().sum()
