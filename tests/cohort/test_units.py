import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.cohort.schema import schema
from osteon.cohort.units import (
    calcium_corrected_mg_dl,
    calcium_corrected_mmol_l,
    conversion_factor,
    convert,
    quantities,
    quantity_of,
    unit_slip,
)
from osteon.core.errors import ConfigError, UnitError


@pytest.mark.parametrize(
    ("quantity", "unit", "to", "value", "expected"),
    [  # clinical conversion tables; molar masses
        ("vitamin_d_25oh", "ng/mL", "nmol/L", 30, 74.88),
        ("calcium", "mg/dL", "mmol/L", 10, 2.495),
        ("phosphate", "mg/dL", "mmol/L", 3.5, 1.130),
        ("creatinine", "mg/dL", "umol/L", 1.0, 88.42),
        ("pth", "pg/mL", "pmol/L", 65, 6.89),
        ("albumin", "g/dL", "g/L", 4.2, 42),
        ("glucose", "mg/dL", "mmol/L", 126, 6.993),
        ("length", "inch", "cm", 65, 165.1),
        ("length", "mm", "cm", 1651, 165.1),
        ("weight", "lb", "kg", 125, 56.70),
        ("weight", "斤", "kg", 120, 60),
        ("areal_bmd", "mg/cm2", "g/cm2", 858, 0.858),
        ("ctx", "pg/mL", "ng/mL", 573, 0.573),
        ("osteocalcin", "ug/L", "nmol/L", 20, 3.42),
        ("vitamin_d_dose", "IU", "ug", 800, 20),
        ("volumetric_bmd", "mg HA/cmm", "mg/cm3", 0.3, 300),
        ("follow_up_time", "year", "month", 1.5, 18),
    ],
)
def test_known_answers(quantity, unit, to, value, expected):
    assert convert([value], quantity=quantity, unit=unit, to=to)[0] == pytest.approx(expected, rel=2e-3)


def test_factors_agree_with_molar_masses():
    for name, grams_per_mol in {"calcium": 40.078, "phosphate": 30.974, "creatinine": 113.12, "glucose": 180.16,
                                "uric_acid": 168.11}.items():  # fmt: skip
        canonical = quantities()[name].canonical
        per_mol = {"mmol/L": 1e3, "umol/L": 1e6}[canonical]
        assert conversion_factor(name, unit="mg/dL", to=canonical) == pytest.approx(
            0.01 / grams_per_mol * per_mol, rel=2e-3
        )


@given(st.sampled_from(sorted(quantities())), st.floats(1e-3, 1e5), st.data())
def test_there_and_back_again(name, value, data):
    units = sorted(quantities()[name].factors)
    unit, to = data.draw(st.sampled_from(units)), data.draw(st.sampled_from(units))
    there = convert([value], quantity=name, unit=unit, to=to)
    assert convert(there, quantity=name, unit=to, to=unit)[0] == pytest.approx(value)


def test_missing_stays_missing_and_micro_signs_are_one():
    assert np.isnan(convert([np.nan], quantity="calcium", unit="mg/dL", to="mmol/L")[0])
    factors = {
        conversion_factor("iron", unit=unit, to="umol/L") for unit in ("ug/dL", "µg/dL", "μg/dL", "UG / DL")
    }
    assert factors == {0.1791}


def test_every_unit_has_a_source():
    for quantity in quantities().values():
        assert all(quantity.sources[unit] for unit in quantity.factors)
        assert all(factor > 0 for factor in quantity.factors.values())


def test_the_schema_and_the_units_agree():
    fields = schema().fields
    for quantity in quantities().values():
        for name in quantity.fields:
            if name in fields and fields[name].unit:
                assert fields[name].unit == quantity.canonical, name


def test_a_column_belongs_to_one_quantity():
    fields = [field for quantity in quantities().values() for field in quantity.fields]
    assert len(fields) == len(set(fields))
    assert quantity_of("calcium_mmol_l").name == "calcium"
    assert quantity_of("sex") is None


@pytest.mark.parametrize(
    ("field", "values", "unit"),
    [
        ("calcium_mmol_l", [9.6, 9.1, 10.2, np.nan], "mg/dL"),
        ("creatinine_umol_l", [0.8, 1.1, 2.4], "mg/dL"),
        ("phosphate_mmol_l", [3.5, 4.1, 3.1, 1.8], "mg/dL"),
        ("albumin_g_l", [4.2, 3.9], "g/dL"),
        ("glucose_mmol_l", [98.0, 126.0], "mg/dL"),
        ("height_cm", [1.65, 1.58], "m"),
        ("height_cm", [1650.0, 1580.0], "mm"),
        ("height_cm", [65.0, 62.0], "inch"),
        ("bmd_femoral_neck_g_cm2", [858.0, 702.0], "mg/cm2"),
        ("ctx_ng_ml", [350.0, 573.0], "pg/mL"),
    ],
)
def test_whole_columns_in_another_unit(field, values, unit):
    slip = unit_slip(pd.Series(values), field)
    assert (slip.unit, slip.scope, slip.action) == (unit, "column", "convert")
    assert len(slip.rows) == pd.Series(values).notna().sum()


def test_a_phosphate_row_that_fits_both_units_follows_its_column():
    assert len(unit_slip(pd.Series([3.5, 4.1, 3.2, 1.8]), "phosphate_mmol_l").rows) == 4


def test_mixed_columns_are_listed_by_row():
    values = pd.Series([2.3, 9.4, 2.4, 2.2], index=["a", "b", "c", "d"])
    slip = unit_slip(values, "calcium_mmol_l")
    assert (slip.scope, slip.action, slip.rows, slip.unclear) == ("rows", "convert", ("b",), ())
    mostly = unit_slip(pd.Series([80.0, 1.0, 0.9, 1.2]), "creatinine_umol_l")
    assert (mostly.scope, mostly.rows) == ("rows", (1, 2, 3))


def test_a_sick_patient_is_no_slip():
    assert unit_slip(pd.Series([1.1, 1.0, 2.3, 3.1]), "phosphate_mmol_l") is None  # renal failure
    assert unit_slip(pd.Series([5.5, 6.1, 50.0]), "glucose_mmol_l") is None  # hyperosmolar state
    assert (
        unit_slip(pd.Series([2.1, 2.3, 1.9, 2.2]), "phosphate_mmol_l").action == "ask"
    )  # a small dialysis unit
    mixed = unit_slip(pd.Series([80.0, 1.0, 16.0, 95.0]), "creatinine_umol_l")
    assert (mixed.rows, mixed.unclear) == ((1,), (2,))


def test_one_short_height_may_be_a_typing_error():
    slip = unit_slip(pd.Series([165.0, 65.0, 158.0]), "height_cm")
    assert (slip.unit, slip.scope, slip.action, slip.rows) == ("inch", "rows", "ask", (1,))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("vitamin_d_25oh_nmol_l", [28.0, 31.0]),
        ("pth_pg_ml", [4.1, 6.0]),
        ("weight_kg", [150.0, 170.0, 132.0]),
    ],
)
def test_ambiguous_columns_ask_unless_the_unit_was_declared(field, values):
    assert unit_slip(pd.Series(values), field).action == "ask"
    assert unit_slip(pd.Series(values), field, unit_declared=True) is None


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("calcium_mmol_l", [2.3, 2.5]),
        ("creatinine_umol_l", [55.0, 700.0]),
        ("vitamin_d_25oh_nmol_l", [72.0, 81.0]),
        ("height_cm", [150.0, 172.0]),
        ("calcium_mmol_l", [np.nan, np.nan]),
        ("age_years", [1.0, 2.0]),
    ],
)
def test_right_columns_are_left_alone(field, values):
    assert unit_slip(pd.Series(values), field) is None


@given(st.lists(st.floats(1.3, 3.9), min_size=1, max_size=30))
def test_a_slip_is_found_and_undone(calcium):
    slipped = pd.Series(convert(calcium, quantity="calcium", unit="mmol/L", to="mg/dL"))
    slip = unit_slip(slipped, "calcium_mmol_l")
    assert np.allclose(slipped.loc[list(slip.rows)] * slip.factor, calcium)
    assert unit_slip(pd.Series(calcium), "calcium_mmol_l") is None


def test_both_forms_of_corrected_calcium_agree():
    si = calcium_corrected_mmol_l([2.10], albumin_g_l=[30])
    us = calcium_corrected_mg_dl([2.10 / 0.2495], albumin_g_dl=[3.0])
    assert us * 0.2495 == pytest.approx(si, abs=0.005)  # 0.8 mg/dL is 0.1996 mmol/L, rounded to 0.2
    assert calcium_corrected_mmol_l([2.4], albumin_g_l=[40])[0] == 2.4


def test_refusals():
    with pytest.raises(UnitError, match="Known units: mmol/L, mg/dL"):
        convert([1], quantity="calcium", unit="g/L", to="mmol/L")
    with pytest.raises(ConfigError, match="Did you mean 'calcium'"):
        convert([1], quantity="calcum", unit="mg/dL", to="mmol/L")
    with pytest.raises(UnitError, match="not possible in mmol/L"):
        calcium_corrected_mmol_l([9.6], albumin_g_l=[40])
    with pytest.raises(UnitError, match="not possible in g/L"):
        calcium_corrected_mmol_l([2.4], albumin_g_l=[4.0])
