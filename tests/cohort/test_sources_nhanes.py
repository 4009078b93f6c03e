"""NHANES: the prepared table and the raw files against published figures, and files made to the codebooks."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.cohort.cells import numbers
from osteon.cohort.read import read_table
from osteon.cohort.sources import nhanes
from osteon.cohort.sources.nhanes_rules import bone_status, frax
from osteon.core.errors import ConfigError, FileError, SchemaError

_spec = importlib.util.spec_from_file_location("xpt_writer", Path(__file__).with_name("xpt_writer.py"))
xpt_writer = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(xpt_writer)
nan = float("nan")


# ------------------------------------------------------------------------------------- the prepared table


@pytest.fixture(scope="module")
def cohort(real_data):
    return nhanes.prepared(real_data / "tabular/nhanes/nhanes_2017_mar2020_age50_bone.csv.gz")


def weighted(table, column, rows):
    known = rows & table[column].notna()
    return float(np.average(table.loc[known, column], weights=table.loc[known, "survey_weight"]))


def test_counts_and_published_prevalence(cohort):
    table = cohort.table
    assert len(table) == 3750
    everyone, women, men = (table["sex"].isin(k) for k in (["female", "male"], ["female"], ["male"]))
    # NCHS: 6.3 % of all at the neck; 10.1 (SE 1.0) women, 1.8 (SE .4) men in the whole cycle
    assert weighted(table, "osteoporosis_fn", everyone) == pytest.approx(0.060, abs=0.01)
    assert weighted(table, "osteoporosis_fn", women) == pytest.approx(0.101, abs=0.02)
    assert weighted(table, "osteoporosis_fn", men) == pytest.approx(0.018, abs=0.008)
    assert weighted(table, "osteoporosis_fn_or_evaluable_ls", everyone) == pytest.approx(0.103, abs=0.01)
    known = table["osteoporosis_fn_or_ls"].notna().sum()
    assert known == 2798
    assert table["fracture_ever"].notna().all()


def test_units_and_codes(cohort, real_data):
    table = cohort.table
    raw = pd.read_csv(real_data / "tabular/nhanes/nhanes_2017_mar2020_age50_bone.csv.gz")
    np.testing.assert_allclose(table["calcium_mmol_l"], raw["LBXSCA"] * 0.2495)
    np.testing.assert_allclose(table["creatinine_umol_l"], raw["LBXSCR"] * 88.42)
    assert (table["sex"] == raw["RIAGENDR"].map({1: "male", 2: "female"})).all()
    assert next(iter(table["education"].cat.categories)) == "below_grade_9"
    assert table["education"].isna().sum() == 8
    both = raw["current_smoker"].notna() & table["smoking_current"].notna()
    assert (table["smoking_current"][both] == raw["current_smoker"][both]).all()
    assert both.sum() == 3747
    both = raw["alc_ge3_per_day"].notna() & table["alcohol_ge3_day"].notna()
    assert (table["alcohol_ge3_day"][both] == raw["alc_ge3_per_day"][both]).all()
    assert table["alcohol_drinks_per_day"].max() <= 15
    assert table["participant_id"].is_unique


def test_a_neck_at_the_cut_is_osteoporosis(cohort):
    at_cut = cohort.table["bmd_femoral_neck_g_cm2"] == 0.558
    assert at_cut.sum() == 2
    assert (cohort.table.loc[at_cut, "osteoporosis_fn"] == 1).all()
    (noted,) = [c for c in cohort.log if c.code == "recomputed" and c.column == "osteoporosis_fn_or_ls"]
    assert noted.n == 3


def test_t_scores_agree_with_the_file(cohort):
    assert {c.n for c in cohort.log if c.code == "recomputed" and c.column.startswith("t_")} == {0}


# ------------------------------------------------------------------------------------- the raw files


def test_raw_files_of_2017_2020_agree_with_the_prepared_table(cohort, real_data):
    raw = nhanes.raw(real_data / "tabular/nhanes/raw_xpt", cycles=["P"], min_age_years=0)
    assert len(raw) == 15560
    own = raw.table.set_index("participant_id").loc[cohort.table["participant_id"]].reset_index()
    for name in ("age_years", "survey_weight", "survey_psu", "survey_stratum", "height_cm", "calcium_mmol_l",
                 "smoking_current", "alcohol_ge3_day"):  # fmt: skip
        np.testing.assert_allclose(own[name], cohort.table[name], rtol=1e-6, err_msg=name)
    assert (own["sex"] == cohort.table["sex"].to_numpy()).all()
    assert (own["ethnicity"] == cohort.table["ethnicity"].to_numpy()).all()
    lost = [c for c in raw.log if c.code == "absent" and c.before.startswith("DXXFEM")]
    assert "bmd_femoral_neck_g_cm2" in lost[0].column


def test_cycles_are_not_pooled_unasked(real_data):
    folder = real_data / "tabular/nhanes/raw_xpt"
    with pytest.raises(ConfigError, match="holds the cycles D, E, F, H, J, P"):
        nhanes.raw(folder)
    with pytest.raises(ConfigError, match="J and P overlap"):
        nhanes.raw(folder, cycles=["J", "P"])
    with pytest.raises(ConfigError, match="no cycle K"):
        nhanes.raw(folder, cycles=["K"])
    one, two = (nhanes.raw(folder, cycles=["D"]), nhanes.raw(folder, cycles=["D", "E"]))
    n = len(one)
    np.testing.assert_allclose(two.table["survey_weight"][:n], one.table["survey_weight"] / 2)
    assert sum(c.code == "weight_divided" for c in two.log) == 2
    assert two.table["survey_cycle"].value_counts().to_dict()["2005-2006"] == n


def test_osq_2017_2018_against_its_codebook(real_data):
    # OSQ_J codebook: hip 77 yes, 2 don't know; other fractures 763 yes, 11 don't know
    raw = nhanes.raw(real_data / "tabular/nhanes/raw_xpt", cycles=["J"])
    assert raw.table["fracture_hip"].sum() == 77
    assert raw.table["fracture_other_site"].sum() == 763
    assert raw.table["osteoporosis_told"].sum() == 396
    assert raw.table["glucocorticoid_ever"].sum() == 238
    told = [c for c in raw.log if c.code == "set_missing" and c.column == "fracture_hip"]
    assert (told[0].before, told[0].n) == ("9", 2)


def folder_of_six(tmp_path, **changed):
    """Six people of an invented 2017-2018, in files made to the codebooks."""
    ids = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    files = {
        "DEMO_J": {"SEQN": ids, "RIDAGEYR": [80.0, 65.0, 70.0, 55.0, 61.0, 30.0], "RIAGENDR": [2.0, 1.0, 2.0, 1.0, 2.0, 1.0],
                   "RIDRETH3": [3.0, 6.0, 1.0, 4.0, 7.0, 2.0], "RIDRETH1": [3.0, 5.0, 1.0, 4.0, 5.0, 2.0],
                   "WTMEC2YR": [9.0] * 6, "WTINT2YR": [9.0] * 6, "SDMVPSU": [1.0] * 6, "SDMVSTRA": [134.0] * 6},
        "DXXFEM_J": {"SEQN": ids[:5], "DXXFMBCC": [0.0, 0.0, 1.0, 0.0, None],
                     "DXXNKBMD": [0.558, 0.858, 0.4, 0.978, None], "DXXOFBMD": [0.7, 0.942, 0.5, 1.0, None]},
        "DXXSPN_J": {"SEQN": ids[:5], "DXXOSBCC": [0.0, 1.0, 0.0, 1.0, None],
                     **{f"DXXL{i}BCC": [0.0, 0.0 if i < 3 else 6.0, 0.0, 0.0 if i < 2 else 6.0, None] for i in (1, 2, 3, 4)},
                     "DXXOSBMD": [1.047, 1.0, 0.772, 1.0, None],
                     **{f"DXXL{i}BMD": [1.0, 0.5 * i, 0.772, 1.0, None] for i in (1, 2, 3, 4)},
                     **{f"DXXL{i}BMC": [10.0, 5.0 * i * i, 7.72, 10.0, None] for i in (1, 2, 3, 4)},
                     **{f"DXXL{i}A": [10.0, 10.0 * i, 10.0, 10.0, None] for i in (1, 2, 3, 4)}},
        "OSQ_J": {"SEQN": ids[:5], "OSQ010A": [1.0, 2.0, 2.0, 9.0, 2.0], "OSQ010B": [2.0, 2.0, 1.0, 2.0, 2.0],
                  "OSQ010C": [2.0, 2.0, 7.0, 2.0, 2.0], "OSQ170": [2.0, 1.0, 9.0, 2.0, 9.0], "OSQ200": [2.0, 2.0, 9.0, 1.0, 2.0]},
        "DXXFRX_J": {"SEQN": ids[:5], "DXXPRVFX": [1.0, 2.0, 2.0, None, 2.0], "DXXFRAX1": [5.0, 5.0, 5.0, 5.0, None],
                     "DXXFRAX2": [20.0] * 5, "DXXFRAX3": [None, 1.0, 1.0, 1.0, None], "DXXFRAX4": [None, 8.0, 8.0, 8.0, 8.0]},
        "DXXVFA_J": {"SEQN": ids[:5], "DXXVFAST": [1.0, 1.0, 2.0, 3.0, None]},
        "SMQ_J": {"SEQN": ids, "SMQ020": [1.0, 2.0, 1.0, 9.0, 1.0, 2.0], "SMQ040": [1.0, None, 3.0, None, 2.0, None]},
        "MCQ_J": {"SEQN": ids, "MCQ160A": [1.0, 2.0, 1.0, 1.0, 9.0, 2.0], "MCQ195": [2.0, None, 1.0, 9.0, None, None]},
    }  # fmt: skip
    for name, columns in (files | changed).items():
        if columns is not None:
            xpt_writer.write_xpt(tmp_path / f"{name}.XPT", columns)
    return tmp_path


def test_files_made_to_the_codebooks(tmp_path):
    cohort = nhanes.raw(folder_of_six(tmp_path))
    table = cohort.table.set_index("participant_id")
    assert [(s.code, s.n_before, s.n_after) for s in cohort.flow] == [("read", 6, 6), ("age", 6, 5)]

    def column(name):
        return table[name].tolist()

    assert column("ethnicity") == ["white", "asian", "mexican_american", "black", "other"]
    np.testing.assert_equal(column("t_femoral_neck"), [-2.5, 0.0, nan, 1.0, nan])  # the third scan is invalid
    np.testing.assert_equal(column("osteoporosis_fn"), [1.0, 0.0, nan, 0.0, nan])
    np.testing.assert_equal(column("t_lumbar"), [0.0, nan, -2.5, nan, nan])
    np.testing.assert_equal(column("osteoporosis_fn_or_ls"), [1.0, 0.0, 1.0, 0.0, nan])
    np.testing.assert_equal(column("both_sites_measured"), [1.0, 0.0, 0.0, 0.0, 0.0])
    # sum(BMC)/sum(area) of the valid: L1 5/10 and L2 20/20 -> 25/30; the mean of BMDs would be .75
    np.testing.assert_allclose(column("bmd_lumbar_evaluable_g_cm2"), [1.0, 25 / 30, 0.772, nan, nan])
    np.testing.assert_equal(column("fracture_ever"), [1.0, 0.0, 1.0, nan, 0.0])  # "don't know" is not a no
    np.testing.assert_equal(column("parent_hip_fracture"), [0.0, 1.0, nan, 1.0, 0.0])
    np.testing.assert_equal(column("vertebral_fracture_vfa"), [0.0, 0.0, 1.0, nan, nan])
    np.testing.assert_equal(column("smoking_current"), [1.0, 0.0, 0.0, nan, 1.0])
    np.testing.assert_equal(column("rheumatoid_arthritis"), [1.0, 0.0, 0.0, nan, nan])
    # DXXPRVFX: 1 -> FRAX1/2; 2 -> FRAX3/4; 2 with a fracture on VFA -> FRAX1/2; missing -> none
    np.testing.assert_equal(column("frax_hip_pct"), [5.0, 1.0, 5.0, nan, nan])
    np.testing.assert_equal(column("frax_mof_pct"), [20.0, 8.0, 20.0, nan, 8.0])


def test_what_an_absent_file_costs_is_logged(tmp_path):
    cohort = nhanes.raw(folder_of_six(tmp_path, OSQ_J=None, DXXFRX_J=None))
    lost = {c.before.split()[0]: c.column for c in cohort.log if c.code == "absent"}
    assert "fracture_hip" in lost["OSQ"]
    assert lost["DXXFRX"] == "frax_hip_pct, frax_mof_pct"
    assert "fracture_ever" not in cohort.table
    assert "frax_hip_pct" not in cohort.table


def test_refusals_of_folders(tmp_path):
    with pytest.raises(FileError, match="no DEMO file"):
        nhanes.raw(tmp_path)
    with pytest.raises(FileError, match="no such folder"):
        nhanes.raw(tmp_path / "nowhere")
    folder = folder_of_six(tmp_path, SMQ_J={"SEQN": [1.0, 1.0], "SMQ020": [1.0, 2.0], "SMQ040": [1.0, 3.0]})
    with pytest.raises(SchemaError, match=r"SMQ_J\.XPT: row 3: SEQN 1 is repeated"):
        nhanes.raw(folder)
    (folder / "P_DEMO.XPT").write_bytes((folder / "DEMO_J.XPT").read_bytes())
    (folder / "P_DXXFEM.XPT").write_bytes((folder / "DXXFEM_J.XPT").read_bytes())
    with pytest.raises(ConfigError, match="holds the cycles J, P"):
        nhanes.raw(folder)


def test_the_only_cycle_with_hip_scans_is_read_and_the_other_named(tmp_path):
    folder = folder_of_six(tmp_path)
    (folder / "DEMO_H.XPT").write_bytes((folder / "DEMO_J.XPT").read_bytes())
    cohort = nhanes.raw(folder)
    assert cohort.source == "nhanes_raw_2017_2018"
    assert [(c.before, c.after) for c in cohort.log if c.code == "cycle_left_out"] == [("H", "J")]


def test_a_file_cut_in_half_is_named(tmp_path):
    folder = folder_of_six(tmp_path)
    whole = (folder / "DXXFEM_J.XPT").read_bytes()
    (folder / "DXXFEM_J.XPT").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match=r"DXXFEM_J\.XPT: cut short"):
        nhanes.raw(folder)


def test_special_codes_are_per_variable(tmp_path):
    # 7 and 9 are refusals of a yes/no, 77 kg is a weight
    folder = folder_of_six(
        tmp_path, BMX_J={"SEQN": [1.0, 2.0], "BMXWT": [77.0, 99.0], "BMXHT": [160.0, 177.7]}
    )
    assert nhanes.raw(folder).table["weight_kg"].tolist()[:2] == [77.0, 99.0]
    folder = folder_of_six(tmp_path, OSQ_J={"SEQN": [1.0], "OSQ010A": [3.0]})
    with pytest.raises(SchemaError, match="OSQ010A: the code 3 has no meaning for fracture_hip"):
        nhanes.raw(folder)


def test_rules_without_their_columns_give_nothing():
    empty = pd.DataFrame({"SEQN": [1.0]})
    assert frax(empty).empty
    assert bone_status(empty, empty)[0].empty


def test_prepared_table_without_its_columns_is_refused(tmp_path):
    path = tmp_path / "n.csv"
    path.write_text("SEQN,RIDAGEYR\n1,60\n")
    with pytest.raises(SchemaError, match="the column RIAGENDR is missing"):
        nhanes.prepared(path)


def test_numbers_of_the_raw_survive(real_data):
    raw = read_table(real_data / "tabular/nhanes/raw_xpt/P_DEMO.XPT.gz")
    assert len(raw) == 15560
    assert numbers(raw["RIDAGEYR"], where="x").between(0, 80).all()
