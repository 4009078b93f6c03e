"""The study on the real public data: published figures reproduced, and no figure better than it can be."""

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def on(studied, real_data):
    return lambda kind: studied(kind, env={"OSTEON_DATA": str(real_data)})


@pytest.fixture(scope="module")
def nhanes(on):
    return on("nhanes")


def auc(results, task, model):
    return results["tasks"][task]["models"][model]["auc"]["value"]


def test_glow_gives_the_textbook_model(on):
    run = on("glow")
    assert (run.code, run.results["simulated"], run.results["n"]) == (0, False, 500)
    # Hosmer, Lemeshow and Sturdivant 2013, Table 4.16: the model of fracture within one year
    printed = {
        "age_years": 0.057, "height_cm": -0.047, "fracture_prior": 4.612, "mother_hip_fracture": 1.247,
        "arms_to_stand": 0.644, "self_rated_greater": 0.469, "age_x_fracture_prior": -0.055, "mother_x_arms": -1.281,
    }  # fmt: skip
    terms = run.results["textbook"]["terms"]
    assert {name: round(terms[name]["coefficient"], 3) for name in printed} == printed
    task = run.results["tasks"]["fracture_1y"]
    assert (task["n"], task["events"]) == (500, 125)
    assert 0.64 < auc(run.results, "fracture_1y", "clinical_logistic") < 0.72
    assert len(task["models"]["clinical_logistic"]["auc_by_repeat"]) == 10


def test_estonia_keeps_its_concordance_in_later_years(on):
    results = on("estonia").results
    survival = results["survival"]
    assert (survival["n"], survival["events"]) == (11481, 3522)
    assert survival["survival_12m"] == pytest.approx(0.693, abs=0.002)
    assert survival["later"]["years"][0] > survival["development"]["years"][1]
    assert survival["later"]["c_index"]["value"] == pytest.approx(0.69, abs=0.01)
    assert survival["cox"]["age_years"]["low"] > 1
    assert "absent" in results["tasks"]["death_12m"]["models"]["femoral_neck_bmd"]


def test_nhanes_prevalence_stands_beside_the_published(nhanes):
    found = nhanes.results["prevalence"]["osteoporosis_femoral_neck"]
    # NCHS: about 6 % of all, 9-10 % of women, 2 % of men aged 50 and over at the femoral neck
    assert found["all"]["value"] == pytest.approx(0.06, abs=0.01)
    assert found["women"]["value"] == pytest.approx(0.095, abs=0.015)
    assert found["men"]["value"] == pytest.approx(0.02, abs=0.007)
    assert all(0 < line["se"] < 0.03 for line in found.values())


def test_nhanes_osteoporosis(nhanes):
    assert nhanes.results["simulated"] is False
    assert "SIMULATED" not in nhanes.html()
    assert nhanes.results["n"] == 3750
    assert 0.78 < auc(nhanes.results, "osteoporosis", "ost") < 0.84
    assert 0.82 < auc(nhanes.results, "osteoporosis", "clinical_logistic") < 0.87
    models = nhanes.results["tasks"]["osteoporosis"]["models"]
    for name in ("femoral_neck_bmd", "clinical_bmd_logistic"):
        assert models[name]["refused"] == "leakage"
    (against_ost,) = [x for x in nhanes.results["tasks"]["osteoporosis"]["delong"] if x["second"] == "ost"]
    assert against_ost["first"] == "clinical_logistic"
    assert against_ost["difference"] > 0
    # Below .05 in the default setting; three folds alone leave it to the partition.
    assert against_ost["p"] < 0.2


def test_nhanes_fracture_is_no_better_than_it_can_be(nhanes):
    for name in ("clinical_logistic", "clinical_bmd_logistic"):
        assert 0.60 < auc(nhanes.results, "fracture_ever", name) < 0.70
    assert auc(nhanes.results, "fracture_ever", "femoral_neck_bmd") < auc(
        nhanes.results, "fracture_ever", "clinical_bmd_logistic"
    )
    assert 'id="limits"' in nhanes.html()
