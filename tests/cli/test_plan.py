"""``osteon plan`` as typed: one patient, a table, the rules, and each bad input answered as a careful clinician would."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from osteon.cli.main import app
from osteon.core.errors import OsteonError

EXAMPLE = Path(__file__).parents[2] / "examples" / "patient.toml"
COLUMNS = (
    "id,as_of,sex,age,menopausal_status,weight,height,creatinine,calcium,albumin,vitamin_d,fractures,drugs,no_other_diseases,"
    "t_total_hip,can_sit_upright_30_min,pregnant"
)
WOMAN = "{id},2026-11-20,woman,72,postmenopausal,60 kg,158 cm,{creatinine},2.30 mmol/L,40 g/L,32 ng/mL,none,none,yes,{t},yes,"


@pytest.fixture
def osteon():
    def run(*argv):
        result = CliRunner().invoke(app, ["plan", *map(str, argv)])
        if result.exception is not None and not isinstance(result.exception, OsteonError | SystemExit):
            raise result.exception
        result.refusal = str(result.exception) if isinstance(result.exception, OsteonError) else ""
        return result

    return run


def edited(tmp_path, *changes, extra=""):
    """The example with some lines changed."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "patient.toml"
    path.write_text(text + extra, encoding="utf-8")
    return path


def table(tmp_path, *rows):
    path = tmp_path / "patients.csv"
    path.write_text("\n".join((COLUMNS, *rows)) + "\n", encoding="utf-8")
    return path


def woman(**values):
    return WOMAN.format(**{"id": "P1", "creatinine": "70 umol/L", "t": "-2.7", **values})


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "Very high fracture risk: 3 drugs"), ("zh", "骨折极高风险：3 种药物可考虑")]
)
def test_one_patient(osteon, tmp_path, lang, said):
    done = osteon(EXAMPLE, "--guideline", "china_2022", "--lang", lang, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert said in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "record",
        "report.html",
        "report.pdf",
        "results.json",
        "tables",
    }
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert results["patients"][0]["tier"] == "very_high"
    assert results["provenance"]["inputs"]["patient.toml"]


def test_a_table_with_a_bad_row_and_an_open_one_goes_on_and_ends_with_three(osteon, tmp_path):
    rows = (
        woman(),
        woman(id="P2", creatinine="0.8 umol/L"),
        woman(id="P3", creatinine=""),
        woman(id="P4", t="-0.4"),
    )
    done = osteon(table(tmp_path, *rows), "--out", tmp_path / "out")
    assert done.exit_code == 3
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines[:3]] == ["P1", "P3", "P4"]
    assert lines[1].endswith("[serum creatinine]")
    assert "row 3" in done.stderr
    assert "creatinine" in done.stderr
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert [one["missing"] for one in results["unclassified"]] == [["creatinine"]]
    assert [one["patient"] for one in results["refused"]] == ["P2"]
    assert results["patients"][1]["drugs"] == []
    assert (tmp_path / "out" / "patients" / "P4.pdf").is_file()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ([('"66 umol/L"', '"66 stones"')], "creatinine"),
        ([('"66 umol/L"', '"0.75 umol/L"')], "creatinine"),
        ([('"66 umol/L"', '66')], "creatinine"),
        ([('site = "lumbar"', '# site = "lumbar"')], "site"),
        ([("hip_pct = 8.0", "hip_pct = 28.0")], "hip"),
        ([("date = 2026-09-03", "date = 2027-09-03")], "2027-09-03"),
        ([('name = "stroke"', 'name = "strok"')], "stroke"),
        ([("as_of = 2026-11-20", "# as_of")], "as_of"),
    ],
    ids=["unknown unit", "creatinine in another unit", "no unit", "T without a site", "FRAX hip above major", "future", "typing error", "no day"],
)  # fmt: skip
def test_bad_input_is_one_line_with_file_and_field(osteon, tmp_path, changes, named):
    done = osteon(edited(tmp_path, *changes), "--out", tmp_path / "out")
    assert done.exit_code == 1  # the runner's code for an error that main() turns into one line and 2
    assert "patient.toml" in done.refusal
    assert named in done.refusal
    assert not (tmp_path / "out").exists()


def test_the_day_can_be_given_on_the_command_line(osteon, tmp_path):
    path = edited(tmp_path, ("as_of = 2026-11-20", "# as_of"))
    done = osteon(path, "--as-of", "2026-11-20", "--out", tmp_path / "out")
    assert done.exit_code == 0


def test_a_man_of_38_is_judged_by_z_score_and_gets_no_drug(osteon, tmp_path):
    man = "P1,2026-11-20,man,38,,75 kg,178 cm,70 umol/L,2.30 mmol/L,40 g/L,32 ng/mL,none,none,yes,-2.7,yes,"
    done = osteon(table(tmp_path, man), "--out", tmp_path / "out")
    assert done.exit_code == 3
    assert "Outside the scope" in done.stdout
    result = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["patients"][0]
    assert result["drugs"] == []
    assert "t_score_not_valid_at_this_age" in {alert["code"] for alert in result["alerts"]}


def test_pregnancy_names_no_drug(osteon, tmp_path):
    done = osteon(
        table(tmp_path, woman().replace("72,postmenopausal", "41,premenopausal") + "yes"),
        "--out",
        tmp_path / "out",
    )
    assert done.exit_code == 3
    assert (
        json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["patients"][0]["drugs"]
        == []
    )
    assert "Pregnant" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("said", ["taken_now = true\n", ""])
def test_denosumab_five_weeks_overdue_is_an_alert_to_act_on(osteon, tmp_path, said):
    """Also where nobody says whether it is still given: then it is late or was stopped."""
    drug = f'\n[[drug]]\nname = "denosumab"\n{said}start = 2024-05-20\nlast_dose = 2026-04-17\n'
    path = edited(tmp_path, ('drugs = "none"  ', "#"), extra=drug)
    done = osteon(path, "--out", tmp_path / "out")
    assert "Act first: 1" in done.stdout


def test_two_patients_with_one_id_are_both_refused(osteon, tmp_path):
    done = osteon(table(tmp_path, woman(), woman(), woman(id="P2")), "--out", tmp_path / "out")
    assert done.exit_code == 3
    assert done.stderr.count("'P1'") == 2
    alone = osteon(table(tmp_path, woman(), woman()), "--out", tmp_path / "none")
    assert "no patient" in alone.refusal
    assert not (tmp_path / "none").exists()


def test_the_rules_are_listed_without_a_patient(osteon):
    done = osteon("--rules", "--guideline", "nogg_2024")
    assert done.exit_code == 0
    assert "nogg_2024.very_high.frax_mof  [UNVERIFIED" in done.stdout
    assert "aace_2020." not in done.stdout
    assert "zoledronate.contraindication.renal" in done.stdout


def test_a_site_brings_its_own_guideline(osteon, tmp_path):
    shipped = Path(__file__).parents[2] / "src" / "osteon" / "care" / "guidelines" / "china_2022.toml"
    own = tmp_path / "own.toml"
    own.write_text(
        shipped.read_text(encoding="utf-8").replace('id = "china_2022"', 'id = "own"', 1), encoding="utf-8"
    )
    done = osteon(EXAMPLE, "--guideline", own, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert "own.very_high.recent_fracture" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_what_is_not_there_is_named(osteon, tmp_path):
    assert "no guideline 'aace'" in osteon(EXAMPLE, "--guideline", "aace", "--out", tmp_path / "out").refusal
    assert "nobody.toml" in osteon(tmp_path / "nobody.toml", "--out", tmp_path / "out").refusal
    assert osteon().exit_code == 2
