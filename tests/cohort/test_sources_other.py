"""GLOW, Estonia, UK Biobank and OAI: counts of the published descriptions, and maps on small tables."""

import pytest

from osteon.cohort.leakage import leaks
from osteon.cohort.schema import schema
from osteon.cohort.sources import estonia, glow, oai, ukbiobank
from osteon.cohort.sources.mapping import mapped, source_map
from osteon.core.errors import ConfigError, SchemaError


def saved(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_glow500(real_data):
    cohort = glow.read(real_data / "tabular/glow/glow500.csv")
    table = cohort.table
    # Hosmer, Lemeshow & Sturdivant (2013): 500 women 55 and over, 125 fractures
    assert (len(table), table["fracture_1y"].sum(), table["age_years"].min()) == (500, 125, 55)
    assert list(table["self_rated_fracture_risk"].cat.categories) == ["less", "same", "greater"]
    assert table["self_rated_fracture_risk"].cat.ordered
    assert set(table["sex"]) == {"female"}


def test_glow_bonemed(real_data):
    table = glow.read(real_data / "tabular/glow/glow_bonemed.csv").table
    # treated = on bone medication at baseline and at follow-up: 118 women
    assert (table["bone_medication"] * table["bone_medication_followup"]).sum() == 118
    assert [leak.why for leak in leaks(table, "fracture_1y", ["bone_medication_followup"])] == [
        "after_outcome"
    ]
    assert (
        leaks(table, "fracture_1y", ["fracture_prior", "age_years", "fracscore", "self_rated_fracture_risk"])
        == ()
    )


def test_glow_with_shifted_rows_is_refused(real_data):
    assert len(glow.read(real_data / "tabular/glow/glow_mis_comp.csv")) == 500
    with pytest.raises(SchemaError, match="slipped one column to the left"):
        glow.read(real_data / "tabular/glow/glow_mis_wmissing.csv")


def test_estonia(real_data):
    cohort = estonia.read(real_data / "tabular/estonia_hip_fracture/hip_fracture.csv.gz")
    assert [(s.code, s.n_before, s.n_after) for s in cohort.flow] == [
        ("read", 11494, 11494),
        ("time_zero", 11494, 11481),
    ]
    table = cohort.table
    assert 1 - table["death_12m"].mean() == pytest.approx(0.693, abs=0.002)
    # twelve-month death by management, over all 11,494: conservative 61.9 %, total arthroplasty 7.0 %
    deaths = table.groupby("management", observed=True)["death_12m"].mean()
    assert deaths["conservative"] == pytest.approx(0.619, abs=0.005)
    assert deaths["total_hip_arthroplasty"] == pytest.approx(0.070, abs=0.005)
    honest = ["age_years", "sex", "charlson_index", "dementia", "admission_year", "county", "management"]
    assert leaks(table, "death_12m", honest) == ()
    future = [name for name in table if name.startswith(("acute_", "postacute_"))]
    assert len(future) == 12
    assert len(leaks(table, "death_12m", [*future, "time_months"])) == 13


def test_ukbiobank(tmp_path):
    text = (
        "eid,31-0.0,21003-0.0,21003-2.0,21000-0.0,50-0.0,20116-0.0,30890-0.0,21002-0.1\n"
        "1000012,0,55,64,1001,160.5,2,48.2,99\n1000027,1,61,70,5,171,-3,,99\n"
    )
    cohort = ukbiobank.read(saved(tmp_path, text))
    table = cohort.table
    assert table["sex"].tolist() == ["female", "male"]
    assert table["ethnicity"].tolist() == ["white", "chinese"]
    assert table["age_years"].tolist() == [55, 61]
    assert table["smoking_current"].tolist()[0] == 1
    assert table["smoking_current"].isna().tolist() == [False, True]
    assert "weight_kg" not in table  # a repeated measurement of the visit is not its first
    assert "bmd_femoral_neck_g_cm2" not in table
    flagged = {c.column for c in cohort.log if c.code == "recalled_mapping"}
    assert {"sex", "ethnicity", "age_years"} <= flagged
    second = ukbiobank.read(saved(tmp_path, text), instance=2).table
    assert second["age_years"].tolist() == [64, 70]
    assert second["sex"].tolist() == ["female", "male"]


def test_ukbiobank_other_codes_are_refused(tmp_path):
    with pytest.raises(SchemaError, match="row 2, column 31: the code '2' has no meaning for sex"):
        ukbiobank.read(saved(tmp_path, "eid,31-0.0\n1,2\n"))


def test_oai(tmp_path):
    text = "ID,V00AGE,P02SEX,P01HEIGHT,P01BMI,V00DIAB\n9000099,59,1: Male,1755,25.1,0: No\n9000296,69,2: Female,1601.5,29,.M: Missing\n"
    cohort = oai.read(saved(tmp_path, text))
    table = cohort.table
    assert table["sex"].tolist() == ["male", "female"]
    assert table["height_cm"].tolist() == pytest.approx([175.5, 160.15])
    assert table["diabetes"].isna().tolist() == [False, True]
    flagged = {c.column for c in cohort.log if c.code == "recalled_mapping"}
    assert "height_cm" in flagged
    assert "age_years" not in flagged


@pytest.mark.parametrize("name", ["nhanes", "glow", "estonia", "ukbiobank", "oai"])
def test_every_map_names_known_columns_and_categories(name):
    plan = source_map(name)
    for section in ("columns", "prepared", "raw"):
        for target, entry in plan.get(section, {}).items():
            field = schema().named(target)
            assert set(entry.get("codes", {}).values()) <= set(field.categories), target
            assert ("yes" in entry) == (field.kind == "flag"), target


def test_a_wrong_map_is_refused():
    from pandas import DataFrame

    raw = DataFrame({"A": [1.0, 2.0]})
    with pytest.raises(ConfigError, match="unknown key 'form'"):
        mapped(raw, {"age_years": {"from": "A", "form": "B"}}, where="x")
    with pytest.raises(ConfigError, match="none of its categories"):
        mapped(raw, {"sex": {"from": "A", "codes": {"1": "woman"}}}, where="x")
    with pytest.raises(SchemaError, match="unknown column 'agee'"):
        mapped(raw, {"agee": {"from": "A"}}, where="x")
