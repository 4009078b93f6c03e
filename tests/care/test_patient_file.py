"""Patients from files: both forms give the same patient, and what cannot be right is refused by file and field."""

from datetime import date

import pytest

from osteon.care.patient_cells import day, quantity
from osteon.care.patient_file import read_patient, read_patients
from osteon.care.plan import plan
from osteon.core.errors import ConfigError, FileError, InputError, UnitError

TOML = """
id = "A-1"
as_of = 2026-11-20
sex = "女"
birth_date = 1954-03-02
menopausal_status = "绝经后"
country = "UK"
weight = "58 kg"
height = "155 cm"
creatinine = "0.8 mg/dL"
calcium = "9.2 mg/dL"
albumin = "40 g/L"
vitamin_d = "60 nmol/L"
drugs = "none"
diseases = ["DVT"]
no_diseases = ["stroke"]
falls_12_months = 1

[[fracture]]
site = "wrist"
date = "2025-03"
low_trauma = "yes"

[[dxa]]
site = "total_hip"
t = -2.6
reference = "NHANES III"

[[dxa]]
site = "lumbar"
t = -2.1
reference = "NHANES III"

[frax]
mof_pct = 21
hip_pct = 6
with_bmd = true
country = "UK"
date = 2026-10-01
"""
CSV = (
    "id,as_of,sex,birth_date,menopausal_status,country,weight_kg,height,creatinine,creatinine_unit,calcium,albumin,vitamin_d,drugs,diseases,"
    "no_diseases,falls_12_months,fracture_1_site,fracture_1_date,fracture_1_low_trauma,t_total_hip,t_lumbar,dxa_reference,frax_mof_pct,"
    "frax_hip_pct,frax_with_bmd,frax_country,frax_date\n"
    "A-1,2026-11-20,f,1954-03-02,postmenopausal,UK,58,155 cm,0.8,mg/dL,9.2 mg/dL,40 g/L,60 nmol/L,none,DVT,stroke,1,forearm,2025-03,yes,"
    "-2.6,-2.1,NHANES III,21,6,yes,UK,2026-10-01\n"
)


@pytest.fixture
def write(tmp_path):
    def to(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to


def test_a_row_and_a_file_give_the_same_patient(write):
    alone = read_patient(write("a.toml", TOML))
    table = read_patients(write("a.csv", CSV))
    assert table.refused == ()
    assert table.patients == (alone,)
    assert alone.age_years == 72
    assert (alone.creatinine_umol_l, round(alone.calcium_mmol_l, 3), round(alone.vitamin_d_ng_ml, 2)) == (
        70.736,
        2.295,
        24.04,
    )
    assert alone.fractures[0].date == date(2025, 3, 31)
    assert {one.code: one.present for one in alone.diseases} == {
        "venous_thromboembolism": True,
        "stroke": False,
    }
    assert alone.pregnant is None
    assert alone.frax.entered_by == "patient_file"


def test_what_is_not_said_is_unknown(write):
    patient = read_patient(write("b.toml", 'id = "1"\nas_of = 2026-01-01\n'))
    assert (patient.fractures, patient.drugs, patient.smoker, patient.pregnant, patient.spine) == (
        None,
        None,
        None,
        None,
        None,
    )
    assert not patient.diseases_complete
    advice = plan(patient, "bhof_2022")
    assert advice.tier.status == "cannot_classify"
    assert {
        "age",
        "sex",
        "creatinine",
        "weight",
        "calcium",
        "vitamin_d",
        "fractures",
        "drugs",
        "dxa_or_frax_or_qfracture",
    } <= set(advice.tier.missing)


def test_two_rows_with_one_id_are_both_refused_and_the_third_is_read(write):
    table = read_patients(write("c.csv", "id,sex,age\n7,f,70\n8,m,71\n7,f,50\n"), as_of=date(2026, 1, 1))
    assert [one.id for one in table.patients] == ["8"]
    assert [(one.row, one.patient) for one in table.refused] == [(2, "7"), (4, "7")]
    assert "c.csv: row 2: id '7' stands also in row 4" in table.refused[0].reason


def test_one_bad_row_does_not_stop_the_others(write):
    table = read_patients(
        write("d.csv", "id,sex,creatinine\n1,f,70 umol/L\n2,f,70\n3,f,0.9 umol/L\n4,?,\n"),
        as_of=date(2026, 1, 1),
    )
    assert [one.id for one in table.patients] == ["1", "4"]
    assert [one.row for one in table.refused] == [3, 4]
    assert "no unit" in table.refused[0].reason
    assert "mg/dL" in table.refused[1].reason


@pytest.mark.parametrize(
    ("header", "said"), [("id,t_score\n1,-2.5\n", "without a site"), ("name,age\nx,70\n", "no column 'id'")]
)
def test_tables_nobody_can_read(write, header, said):
    with pytest.raises(InputError, match=said):
        read_patients(write("e.csv", header), as_of=date(2026, 1, 1))


def test_an_unknown_column_is_named(write):
    table = read_patients(write("f.csv", "id,smokre\n1,yes\n"), as_of=date(2026, 1, 1))
    assert "unknown entry 'smokre'. Did you mean 'smoker'" in table.refused[0].reason


def test_a_patient_without_a_day_is_refused(write):
    path = write("g.toml", 'id = "1"\n')
    with pytest.raises(InputError, match=r"g\.toml: as_of is missing"):
        read_patient(path)
    assert read_patient(path, as_of=date(2026, 2, 3)).as_of == date(2026, 2, 3)


def test_no_file_and_no_toml(tmp_path, write):
    with pytest.raises(FileError):
        read_patient(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_patient(write("h.toml", "id = "))


BAD = {
    '[[fracture]]\ndate = "2025"\n': "fracture 1: a fracture without a site",
    '[[fracture]]\nsite = "hip"\nlevel = "L1"\n': "Only vertebrae have a level",
    '[[fracture]]\nsite = "vertebra"\nlevel = "L9"\n': "no vertebra",
    '[[drug]]\nname = "aspirn"\n': "no known drug",
    '[[drug]]\nname = "denosumab"\nstart = 2025-01-01\nlast_dose = 2024-01-01\n': "before its start",
    '[[disease]]\nname = "stroke"\npresent = true\n[[disease]]\nname = "stroke"\npresent = false\n': "present and absent",
    '[[risk]]\noutcome = "fracture_hip"\npercent = 12\n': "lacks horizon_years, model",
    '[[risk]]\noutcome = "fracture_hip"\npercent = 120\nhorizon_years = 5\nmodel = "x"\n': "percent = 120 is impossible",
    '[frax]\nmof_pct = 10\nhip_pct = 2\ncountry = "UK"\ndate = 2027-01-01\n': "future",
    "[spine]\nvas = 11\n": "vas = 11 is impossible",
    "[spine]\nof_type = 2.5\n": "no whole number",
    'smoker = "sometimes"\n': "neither yes nor no",
    'fractures = "two"\n': 'Write "none"',
    'birth_date = "yesterday"\n': "no date",
    'sex = "x"\n': "sex",
    'frax = "12 %"\n': "a table is expected",
    'dxa = "-2.5"\n': "a table is expected",
    "t_score = -2.5\n": "without a site",
}


@pytest.mark.parametrize(
    ("entry", "said"), list(BAD.items()), ids=[text.strip().splitlines()[-1][:30] for text in BAD]
)
def test_what_cannot_be_right_is_refused_by_file_and_field(write, entry, said):
    with pytest.raises(InputError) as caught:
        read_patient(write("bad.toml", f'id = "1"\nas_of = 2026-06-01\n{entry}'))
    assert said in str(caught.value)
    assert str(caught.value).startswith("bad.toml")


def test_an_incomplete_date_is_read_the_careful_way():
    assert day("date", "2025", where="x") == date(2025, 12, 31)
    assert day("last_dose", "2025", where="x", early=True) == date(2025, 1, 1)
    assert day("date", "2025年3月8日", where="x") == date(2025, 3, 8)


def test_this_months_fracture_is_not_in_the_future(write):
    path = write("i.toml", 'id = "1"\nas_of = 2026-06-10\n[[fracture]]\nsite = "hip"\ndate = "2026-06"\n')
    assert read_patient(path).fractures[0].date == date(2026, 6, 10)


@pytest.mark.parametrize("value", ["88 μmol/L", "88 µmol/L", "88umol/L"])
def test_micro_is_written_in_many_ways(value):
    assert quantity("creatinine", value, where="x") == 88.0


def test_a_quantity_that_is_no_amount():
    with pytest.raises(InputError, match="no amount"):
        quantity("creatinine", "high", where="x")
    with pytest.raises(UnitError, match="impossible"):
        quantity("weight", "900 kg", where="x")
