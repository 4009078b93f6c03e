"""The schema: headers as people write them, limits as the clinical reference gives them, agreement with units.toml."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.cohort.schema import MODALITIES, kind_of, plain, schema
from osteon.cohort.units import quantities
from osteon.core.errors import SchemaError


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("25OHD (ng/mL)", "vitamin_d_25oh_nmol_l", "ng/mL"),
        ("25OHD ng/mL", "vitamin_d_25oh_nmol_l", "ng/mL"),
        ("25-(OH)D", "vitamin_d_25oh_nmol_l", None),
        ("25羟维生素D（nmol/L）", "vitamin_d_25oh_nmol_l", "nmol/L"),
        ("血钙(mmol/L)", "calcium_mmol_l", "mmol/L"),
        ("血钙【mg/dL】", "calcium_mmol_l", "mg/dL"),
        ("Calcium_mg/dL", "calcium_mmol_l", "mg/dL"),
        ("年龄", "age_years", None),
        ("年龄（岁）", "age_years", "岁"),
        ("年龄/岁", "age_years", "岁"),
        ("性别(1男2女)", "sex", None),
        ("身高 (cm)", "height_cm", "cm"),
        ("体重，单位：kg", "weight_kg", "kg"),
        ("股骨颈骨密度", "bmd_femoral_neck_g_cm2", None),
        ("股骨颈骨密度(g/cm²)", "bmd_femoral_neck_g_cm2", "g/cm2"),
        ("腰椎T值", "t_lumbar", None),
        ("既往骨折史", "fracture_prior", None),
        ("Femoral Neck T-Score", "t_femoral_neck", None),
        ("ＢＭＩ", "bmi_kg_m2", None),
        ("bmi_kg_m2", "bmi_kg_m2", None),
        ("β-CTX (pg/mL)", "ctx_ng_ml", "pg/mL"),
        ("Tb.Sp", "tb_sp_mm", None),
        ("住院号", "participant_id", None),
        ("RS2277438", "rs2277438", None),
    ],
)
def test_headers_of_hospital_sheets(header, name, unit):
    field, found = schema().find(header)
    assert (field.name, found) == (name, unit)


@pytest.mark.parametrize(
    "header", ["favourite colour", "", "备注", "weight of dog", "calcium channel blocker", "age group"]
)
def test_what_is_not_known_stays_unknown(header):
    assert schema().find(header) is None


@given(
    st.sampled_from(sorted(schema().fields)),
    st.sampled_from([str.upper, str.title, lambda s: s.replace("_", " ")]),
)
def test_every_field_is_found_by_its_name_however_written(name, dress):
    assert schema().find(dress(name))[0].name == name


def test_limits_of_the_clinical_reference():
    fields = schema().fields
    limits = {
        "calcium_mmol_l": (1.0, 5.0), "vitamin_d_25oh_nmol_l": (2, 400), "creatinine_umol_l": (15, 2000),
        "bmd_femoral_neck_g_cm2": (0.2, 2.0), "t_femoral_neck": (-8, 6),
    }  # fmt: skip
    assert {name: (fields[name].low, fields[name].high) for name in limits} == limits


def test_six_modalities_and_sixty_three_variants():
    assert len(schema().of("genetic")) == 63
    assert {"rs2277438", "rs1544410", "rs1800012"} <= set(schema().of("genetic"))
    for modality in MODALITIES:
        assert schema().of(modality), modality


def test_units_agree_with_the_conversions():
    for quantity in quantities().values():
        for name in quantity.fields:
            if name in schema().fields:
                assert schema().fields[name].unit == quantity.canonical, name


def test_every_field_is_whole():
    for field in schema().fields.values():
        assert field.modality in MODALITIES
        if field.low is not None and field.high is not None:
            assert field.low < field.high
        assert set(field.codes) <= set(field.categories)
        if field.kind == "ordinal":
            assert field.categories


def test_values_of_categories():
    sex = schema().fields["sex"]
    assert [sex.category(v) for v in ("女", "M", "Female ", "1")] == ["female", "male", "female", None]


def test_names_are_suggested():
    with pytest.raises(SchemaError, match="Did you mean age_years"):
        schema().named("age_year")
    with pytest.raises(SchemaError, match="unknown modality"):
        schema().of("dxa", "mri")


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.Series([1.0, 0.0, None], name="unheard_of"), "flag"),
        (pd.Series([1.0, 2.0], name="unheard_of"), "number"),
        (pd.Series([0.0, 1.0], name="age_years"), "number"),
        (pd.Series([True, False], name="x"), "flag"),
        (pd.Series(["a", "b"], name="x"), "category"),
        (pd.Series(pd.Categorical(["a", "b"], ordered=True), name="x"), "ordinal"),
        (pd.Series(pd.Categorical(["a", "b"]), name="x"), "category"),
        (pd.Series([None, None], name="stroke", dtype=float), "flag"),
    ],
)
def test_kind_of(column, kind):
    assert kind_of(column) == kind


def test_plain_is_idempotent():
    for text in ("Femoral_Neck  BMD", "２５（ＯＨ）Ｄ", "腰椎 T值"):
        assert plain(plain(text)) == plain(text)
