import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from osteon.cohort.clean import CleanOptions, clean, log_table, outliers, write_log
from osteon.cohort.sources import nhanes
from osteon.core.errors import ConfigError, SchemaError

NAN = float("nan")


def lines(cleaned):
    return [(c.code, c.column, c.row, c.before, c.after) for c in cleaned.log]


def test_impossible_values_become_missing_with_one_line_for_each_cell():
    table = pd.DataFrame({"participant_id": ["p1", "p2", "p3"], "bmd_femoral_neck_g_cm2": [0.7, 2.4, 0.8],
                          "t_lumbar": [-2.0, -9.0, np.inf], "smoking_ever": [1.0, 2.0, 0.0],
                          "age_years": [60.0, 61.0, 62.0]})  # fmt: skip
    cleaned = clean(table)
    assert lines(cleaned) == [
        ("impossible", "bmd_femoral_neck_g_cm2", "p2", "2.4", ""), ("impossible", "t_lumbar", "p2", "-9.0", ""),
        ("impossible", "t_lumbar", "p3", "inf", ""), ("impossible", "smoking_ever", "p2", "2.0", ""),
    ]  # fmt: skip
    assert cleaned.table.isna().sum().sum() == 4
    assert table.isna().sum().sum() == 0


def test_a_query_names_the_cell_and_leaves_it():
    table = pd.DataFrame({"age_years": [50.0, 150.0], "sex": ["female", "x"]})
    cleaned = clean(table, options=CleanOptions(impossible="query"))
    assert sorted(lines(cleaned)) == [
        ("impossible_queried", "age_years", "1", "150.0", "150.0"), ("impossible_queried", "sex", "1", "x", "x"),
    ]  # fmt: skip
    pd.testing.assert_frame_equal(cleaned.table, table)


def test_unit_slips_are_converted_only_when_the_number_proves_them():
    table = pd.DataFrame({
        "calcium_mmol_l": [2.3, 9.6, 2.4, 2.2], "vitamin_d_25oh_nmol_l": [20.0, 25.0, 31.0, 18.0],
        "height_cm": [165.0, 160.0, 65.0, 170.0],
    })  # fmt: skip
    cleaned = clean(table)
    assert cleaned.table["calcium_mmol_l"].tolist() == [2.3, pytest.approx(9.6 * 0.2495), 2.4, 2.2]
    assert cleaned.table["vitamin_d_25oh_nmol_l"].tolist() == [20.0, 25.0, 31.0, 18.0]
    asked = {(c.column, c.row, c.n) for c in cleaned.log if c.code == "unit_slip_ask"}
    assert asked == {("height_cm", "2", 1), ("vitamin_d_25oh_nmol_l", "", 4)}
    declared = clean(table, options=CleanOptions(declared_units=("vitamin_d_25oh_nmol_l",)))
    assert [c.column for c in declared.log if c.code == "unit_slip_ask"] == ["height_cm"]


def test_a_doubtful_cell_of_a_mixed_column_is_named_not_converted():
    cleaned = clean(pd.DataFrame({"creatinine_umol_l": [80.0, 1.0, 16.0, 95.0]}))
    assert cleaned.count("unit_slip") == 1
    assert [(c.row, c.before) for c in cleaned.log if c.code == "unit_unclear"] == [("2", "16.0")]
    assert cleaned.table["creatinine_umol_l"].tolist() == [80.0, 88.42, 16.0, 95.0]


def test_categories_get_one_spelling():
    table = pd.DataFrame({
        "sex": ["F", "女", " male ", "unknown"], "ward": ["A 1", "a1 ", "A 1", "B"],
        "ethnicity": pd.Categorical(["Han", "chinese", "white", None]),
    })  # fmt: skip
    cleaned = clean(table)
    assert cleaned.table["sex"].tolist()[:3] == ["female", "female", "male"]
    assert pd.isna(cleaned.table["sex"].iloc[3])
    assert cleaned.table["ward"].tolist() == ["A 1", "A 1", "A 1", "B"]
    assert cleaned.table["ethnicity"].tolist()[:3] == ["chinese", "chinese", "white"]
    assert isinstance(cleaned.table["ethnicity"].dtype, pd.CategoricalDtype)
    assert [c.row for c in cleaned.log if c.code == "category_unknown"] == ["3"]


def test_bmi_is_compared_and_filled():
    table = pd.DataFrame(
        {"height_cm": [165.0, 165, NAN], "weight_kg": [68.0, 68, 70], "bmi_kg_m2": [29.0, NAN, NAN]}
    )
    cleaned = clean(table)
    assert [(c.code, c.row) for c in cleaned.log] == [("bmi_mismatch", "0"), ("derived_bmi", "1")]
    assert cleaned.table["bmi_kg_m2"].iloc[:2].tolist() == [29.0, pytest.approx(24.977, abs=1e-3)]
    assert np.isnan(cleaned.table["bmi_kg_m2"].iloc[2])


def test_empty_and_sparse_rows_and_columns_are_left_out_and_counted():
    table = pd.DataFrame({
        "participant_id": list("abcd"), "age_years": [60.0, NAN, 70, 80], "weight_kg": [60.0, NAN, NAN, 70],
        "height_cm": [160.0, NAN, NAN, 170], "pth_pg_ml": NAN, "note": [None, None, None, "x"],
    })  # fmt: skip
    cleaned = clean(table, options=CleanOptions(max_column_missing=0.7, max_row_missing=0.6))
    assert [(c.code, c.column, c.row) for c in cleaned.log] == [
        ("column_empty", "pth_pg_ml", ""), ("column_sparse", "note", ""), ("row_empty", "", "b"),
        ("row_sparse", "", "c"),
    ]  # fmt: skip
    assert [(s.code, s.n_before, s.n_after) for s in cleaned.flow] == [
        ("row_empty", 4, 3),
        ("row_sparse", 3, 2),
    ]
    assert cleaned.table["participant_id"].tolist() == ["a", "d"]


def test_outliers_are_flagged_and_never_altered_unless_told():
    values = np.r_[np.linspace(50, 80, 60), 200.0]
    table = pd.DataFrame({"weight_kg": values})
    cleaned = clean(table)
    assert [(c.code, c.row) for c in cleaned.log] == [("outlier", "60")]
    assert cleaned.table["weight_kg"].tolist() == values.tolist()
    removed = clean(table, options=CleanOptions(outlier_action="missing", outlier_rule="iqr"))
    assert [c.code for c in removed.log] == ["outlier_removed"]
    assert np.isnan(removed.table["weight_kg"].iloc[60])
    assert clean(table, options=CleanOptions(outlier_rule="none")).log == ()


def test_iqr_fences_are_tukeys():
    values = pd.Series([*range(1, 21), 50.0])  # quartiles 6 and 16: the outer fence is 16 + 3 x 10 = 46
    assert outliers(values, rule="iqr", limit=3.0) == (20,)
    assert outliers(values, rule="iqr", limit=3.5) == ()
    assert outliers(pd.Series([1.0] * 30 + [9.0])) == ()


numbers = st.one_of(st.just(NAN), st.floats(-5, 3000))


@settings(deadline=None, max_examples=40)
@example([(0.0, NAN, NAN, "F"), (5.0, NAN, NAN, "F")])  # the impossible 0 hid that 5.0 stands in mg/dL
@given(
    st.lists(
        st.tuples(numbers, numbers, numbers, st.sampled_from(["F", "m ", "女", None])),
        min_size=1,
        max_size=15,
    )
)
def test_the_log_undoes_the_cleaning_and_a_second_cleaning_changes_nothing(rows):
    table = pd.DataFrame(rows, columns=["calcium_mmol_l", "height_cm", "age_years", "sex"])
    table["participant_id"] = [f"p{i}" for i in range(len(table))]
    table["survey_psu"] = 1.0
    options = CleanOptions(outlier_rule="none", max_column_missing=1.0)
    cleaned = clean(table, options=options)
    again = clean(cleaned.table, options=options)
    assert not {c.code for c in again.log} & {
        "unit_slip",
        "impossible",
        "category_variant",
        "row_empty",
        "column_empty",
    }
    restored = cleaned.table.astype(object).set_index("participant_id")
    for change in reversed(cleaned.log):
        if change.code in ("unit_slip", "impossible", "category_variant") and change.row in restored.index:
            old = change.before if change.column == "sex" else float(change.before)
            restored.loc[change.row, change.column] = old
    original = table.set_index("participant_id")
    for column in set(restored.columns) - {"survey_psu"}:
        here = original.loc[restored.index, column]
        assert all(a == b or (pd.isna(a) and pd.isna(b)) for a, b in zip(restored[column], here, strict=True))


def test_the_log_is_written_as_rows(tmp_path):
    cleaned = clean(pd.DataFrame({"sex": ["女", "F"], "age_years": [61.0, 610.0]}))
    write_log(cleaned.log, tmp_path / "log.csv")
    back = pd.read_csv(tmp_path / "log.csv", keep_default_na=False, dtype=str)
    assert back["code"].tolist() == ["category_variant", "category_variant", "impossible"]
    assert back["before"].tolist() == ["女", "F", "610.0"]
    assert list(log_table([]).columns) == ["code", "column", "row", "before", "after", "n", "why"]


def test_refusals():
    with pytest.raises(SchemaError, match="'age_years' holds"):
        clean(pd.DataFrame({"age_years": ["old"]}))
    with pytest.raises(SchemaError, match="labels repeat"):
        clean(pd.DataFrame({"age_years": [1.0, 2.0]}, index=[0, 0]))
    with pytest.raises(ConfigError, match="Known: missing, query"):
        CleanOptions(impossible="drop")
    with pytest.raises(ConfigError, match="0 to 1"):
        CleanOptions(max_row_missing=30)


def test_real_people_have_no_unit_slips_and_few_outliers(real_data):
    table = nhanes.read(real_data / "tabular/nhanes/nhanes_2017_mar2020_age50_bone.csv.gz").table
    cleaned = clean(table)
    codes = {change.code for change in cleaned.log}
    assert codes <= {"impossible", "outlier"}
    assert cleaned.count("impossible") < 0.0001 * table.size
    assert cleaned.count("outlier") < 0.005 * table.size
    assert len(cleaned.table) == len(table)
    in_mg_dl = table.assign(calcium_mmol_l=table["calcium_mmol_l"] / 0.2495)
    undone = clean(in_mg_dl)
    assert undone.count("unit_slip") == table["calcium_mmol_l"].notna().sum()
    assert np.allclose(undone.table["calcium_mmol_l"], cleaned.table["calcium_mmol_l"], equal_nan=True)
