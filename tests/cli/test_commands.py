"""Every command as typed: its help, its answer, its refusals."""

import io
import os
import subprocess
import sys

import numpy as np
import openpyxl
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from osteon import __version__
from osteon.cli.main import app
from osteon.cohort.schema import schema
from osteon.core.errors import OsteonError
from osteon.studies.fracture_risk import Summary


def commands(group, before=()):
    """Every command and group of commands, as typed."""
    yield list(before)
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*before, name))


COMMANDS = list(commands(typer.main.get_command(app)))


@pytest.fixture
def osteon(monkeypatch):
    """Run a command in this process; the message of what osteon refuses stands in ``refusal``."""
    monkeypatch.delenv("OSTEON_DATA", raising=False)

    def run(*argv):
        result = CliRunner().invoke(app, [str(word) for word in argv])
        result.refusal = str(result.exception) if isinstance(result.exception, OsteonError) else ""
        if result.exception is not None and not isinstance(result.exception, OsteonError | SystemExit):
            raise result.exception
        return result

    return run


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(osteon, command):
    said = osteon(*command, "--help")
    assert said.exit_code == 0
    assert "Usage:" in said.output


def test_the_commands_of_the_contract_are_there():
    verbs = {" ".join(command) for command in COMMANDS}
    assert {"doctor", "demo", "study list", "study run", "data list", "data fetch", "data check", "data template", "data link",
            "deidentify"} <= verbs  # fmt: skip


WORKERS = """
import sys
from multiprocessing import get_context
from osteon.cli.main import main

if __name__ == "__main__":
    sys.argv = ["osteon", "--version"]
    try:
        main()
    except SystemExit:
        with get_context("spawn").Pool(1) as pool:
            pool.map(abs, [1])
"""


def test_workers_import_nothing_from_the_working_folder(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "socket.py").write_text("open('ran', 'w').close(); raise SystemExit")
    (tmp_path / "script.py").write_text(WORKERS)
    subprocess.run([sys.executable, tmp_path / "script.py"], cwd=folder, check=True, timeout=60)
    assert not (folder / "ran").exists()


def test_version(osteon):
    assert osteon("--version").output.strip() == f"osteon {__version__}"


def test_the_module_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "osteon", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, f"osteon {__version__}", "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("study", "run", "--nope"), "osteon: No such option: --nope. See `osteon study run --help`."),
        (("nope",), "osteon: No such command 'nope'. See `osteon --help`."),
    ],
)
def test_a_mistyped_command_is_one_line(words, expected):
    done = subprocess.run([sys.executable, "-m", "osteon", *words], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (2, "", expected)


def test_doctor_says_what_is_there_and_what_is_not(osteon, monkeypatch):
    said = osteon("doctor")
    assert said.exit_code == 0
    states = {line[10:].split()[0]: line[:10].strip() for line in said.output.splitlines()}
    assert states["pandas"] == "ok"
    assert states["OSTEON_DATA"] == "optional"
    assert {"python", "torch", "chromium", "disk"} <= set(states)
    monkeypatch.setenv("OSTEON_DATA", "/nowhere")
    said = CliRunner().invoke(app, ["doctor"])
    assert said.exit_code == 2
    assert "MISSING" in said.output
    assert "/nowhere is not a folder" in said.output


def test_a_torch_that_cannot_be_loaded_is_one_line(tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("raise OSError('libtorch.so: cannot open\\nshared object')")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = os.environ | {"PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-m", "osteon", "doctor"], capture_output=True, text=True, env=env)
    lines = [line for line in done.stdout.splitlines() if " torch " in line]
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert len(lines) == 1 and lines[0].startswith("MISSING")
    assert "OSError: libtorch.so: cannot open shared object" in lines[0]
    script = """
from osteon.core.errors import DependencyMissing
from osteon.models.spine_net import COARSE, module_of
from osteon.reading.segmenters import segmenter, warm_up
warm_up()
assert segmenter("auto").name == "classical"
for use in (lambda: segmenter("embedded"), lambda: module_of(COARSE, seed=0)):
    try:
        use()
    except DependencyMissing as error:
        assert "libtorch.so" in error.message and "--backend classical" in error.hint
    else:
        raise SystemExit(1)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env)
    assert (done.returncode, done.stderr) == (0, "")


def test_doctor_names_the_segmenters_that_are_absent_and_the_variable_that_finds_them(
    osteon, monkeypatch, tmp_path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    for variable in ("OSTEON_TOTALSEGMENTATOR", "OSTEON_NNUNET", "OSTEON_SPINEPS"):
        monkeypatch.delenv(variable, raising=False)
    lines = {line[10:].split()[0]: line for line in osteon("doctor").output.splitlines()}
    for name, variable in (
        ("totalsegmentator", "OSTEON_TOTALSEGMENTATOR"),
        ("nnunet", "OSTEON_NNUNET"),
        ("spineps", "OSTEON_SPINEPS"),
    ):
        assert lines[name].startswith("optional")
        assert variable in lines[name]
    monkeypatch.setenv("OSTEON_SPINEPS", "/nowhere/spineps")
    said = CliRunner().invoke(app, ["doctor"])
    assert said.exit_code == 2
    assert "OSTEON_SPINEPS names /nowhere/spineps" in said.output


@pytest.mark.parametrize(
    ("lang", "word"), [("en", "does a model beat bone density"), ("zh", "骨质疏松与骨折风险")]
)
def test_studies_are_listed_with_their_data(osteon, lang, word):
    said = osteon("study", "list", "--lang", lang)
    assert "fracture-risk" in said.output
    assert word in said.output
    assert "nhanes|glow|estonia|virtual|published|FILE|DIR" in said.output


def test_data_list(osteon):
    said = osteon("data", "list")
    assert "nhanes_2017_2020" in said.output
    assert "public domain" in said.output
    assert "bring" in said.output


def test_data_fetch_names_what_it_knows(osteon, tmp_path):
    said = osteon("data", "fetch", "nhanes_2017_2021", "--into", tmp_path)
    assert "Did you mean 'nhanes_2017_2020'" in said.refusal
    assert list(tmp_path.iterdir()) == []


def test_data_check_needs_a_folder_and_tells_a_changed_file(osteon, tmp_path):
    assert "Set OSTEON_DATA or pass --into FOLDER" in osteon("data", "check").refusal
    said = osteon("data", "check", "--into", tmp_path)
    assert said.exit_code == 0
    assert said.output.splitlines()[-1].startswith("0 files present, 0 changed")
    place = tmp_path / "tabular" / "glow" / "glow500.csv"
    place.parent.mkdir(parents=True)
    place.write_text("not the file of the registry\n")
    said = osteon("data", "check", "--into", tmp_path)
    assert said.exit_code == 3
    assert "0 files present, 1 changed" in said.output


@pytest.mark.data
def test_data_check_of_the_real_folder(osteon, real_data):
    said = osteon("data", "check", "--into", real_data)
    assert said.exit_code == 0
    assert "0 changed" in said.output


@pytest.mark.parametrize(("lang", "header"), [("en", "Age (year)"), ("zh", "年龄 (year)")])
def test_template(osteon, tmp_path, lang, header):
    said = osteon("data", "template", "--lang", lang, "--out", tmp_path / "sheet.xlsx")
    assert said.exit_code == 0
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.xlsx"]
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "sheet.xlsx").read_bytes()))
    headers = [cell.value for cell in book.worksheets[0][1]]
    assert header.lower() in [text.lower() for text in headers]
    assert all(schema().find(text) for text in headers)


def records(n=300, doubles=40):
    """People with made-up names; the last ``doubles`` are the first ones again, some with a slip of the pen."""
    rng = np.random.default_rng(5)
    surnames = np.array(
        ["smith", "jones", "garcia", "mueller", "rossi", "novak", "kowalski", "yilmaz", "okafor", "tanaka"]
    )
    syllables = np.array(
        ["an", "be", "cor", "di", "el", "fa", "gre", "ho", "in", "jo", "ka", "lu", "ma", "no", "ri", "so"]
    )
    people = pd.DataFrame({
        "surname": rng.choice(surnames, n),
        "given_name": ["".join(rng.choice(syllables, 3)) for _ in range(n)],
        "birth_date": pd.Timestamp("1940-01-01") + pd.to_timedelta(rng.integers(0, 9000, n), unit="D"),
        "sex": rng.choice(["female", "male"], n),
    })  # fmt: skip
    again = people.head(doubles).copy()
    again.loc[::4, "given_name"] = again.loc[::4, "given_name"].str[:-1]
    people["birth_date"], again["birth_date"] = (
        x["birth_date"].dt.strftime("%Y-%m-%d") for x in (people, again)
    )
    return people, again


@pytest.mark.slow
def test_link_finds_the_same_people_in_two_tables(osteon, tmp_path):
    first, second = records()
    first.to_csv(tmp_path / "a.csv", index=False)
    second.to_csv(tmp_path / "b.csv", index=False)
    said = osteon("data", "link", tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "pairs.csv")
    assert said.exit_code == 0, said.refusal
    assert "340 records" in said.output
    assert "40 clusters of more than one" in said.output or "39 clusters" in said.output
    pairs = pd.read_csv(tmp_path / "pairs.csv")
    found = set(zip(pairs["left"], pairs["right"], strict=True))
    true = {(f"a.csv:{i}", f"b.csv:{i}") for i in range(2, 42)}  # as a spreadsheet numbers rows
    assert len(found & true) >= 38
    assert len(found - true) <= 2


@pytest.mark.slow
def test_link_finds_duplicates_within_a_chinese_table(osteon, tmp_path):
    first, second = records()
    chinese = {"surname": "姓", "given_name": "名", "birth_date": "出生日期", "sex": "性别"}
    both = pd.concat([first, second]).replace({"female": "女", "male": "男"}).rename(columns=chinese)
    (tmp_path / "a.csv").write_bytes(both.to_csv(index=False).encode("gb18030"))
    said = osteon("data", "link", tmp_path / "a.csv", "--out", tmp_path / "pairs.csv")
    assert said.exit_code == 0, said.refusal
    pairs = pd.read_csv(tmp_path / "pairs.csv")
    found = set(zip(pairs["left"], pairs["right"], strict=True))
    assert len(found & {(f"a.csv:{i}", f"a.csv:{300 + i}") for i in range(2, 42)}) >= 38


def test_link_by_rule(osteon, tmp_path):
    # the rule of the published study: sex and ethnicity equal, age within a year, first visit within 30 days
    text = "编号,性别,年龄,民族,就诊日期\n1,女,70,汉族,2020-01-01\n2,女,71,汉族,2020-01-20\n3,女,72,汉族,2020-01-20\n4,男,70,汉族,2020-01-01\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    said = osteon("data", "link", tmp_path / "a.csv", "--rule", "--out", tmp_path / "pairs.csv")
    assert said.exit_code == 0, said.refusal
    assert "4 records, 2 pairs, 1 clusters" in said.output
    assert pd.read_csv(tmp_path / "pairs.csv")["left"].tolist() == ["a.csv:2", "a.csv:3"]


def test_link_says_which_columns_it_lacks(osteon, tmp_path):
    (tmp_path / "a.csv").write_text("姓名,性别\n王秀英,女\n")
    said = osteon("data", "link", tmp_path / "a.csv", "--out", tmp_path / "pairs.csv")
    assert "no column birth_date is known" in said.refusal
    assert "--rule" in said.refusal


def test_link_of_a_missing_file(osteon, tmp_path):
    said = osteon("data", "link", tmp_path / "none.csv", "--out", tmp_path / "pairs.csv")
    assert "none.csv: no such file" in said.refusal
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def named(tmp_path):
    """A table with names and a key file."""
    table = pd.DataFrame({
        "participant_id": [f"ZY{i:05d}" for i in range(60)],
        "姓名": ["王秀英", "李建国"] * 30,
        "phone": [f"1380000{i:04d}" for i in range(60)],
        "age_years": [50 + i for i in range(60)],
        "sex": ["female", "male"] * 30,
        "visit_date": pd.date_range("2021-03-01", periods=60).strftime("%Y-%m-%d"),
        "bmd_femoral_neck_g_cm2": [0.7] * 60,
        "remark": [f"患者 {i}，电话 13800000000" for i in range(60)],
    })  # fmt: skip
    table.to_csv(tmp_path / "in.csv", index=False)
    (tmp_path / "key").write_bytes(b"a secret of many bytes")
    return tmp_path


def test_deidentify_takes_the_names_out_and_keeps_the_measurements(osteon, named):
    said = osteon("deidentify", named / "in.csv", named / "out.csv", "--key", named / "key")
    assert said.exit_code == 0, said.refusal
    text = (named / "out.csv").read_text(encoding="utf-8")
    for secret in ("王秀英", "ZY00001", "1380000", "2021-03-01"):
        assert secret not in text
    out = pd.read_csv(named / "out.csv")
    assert {"姓名", "phone", "remark"}.isdisjoint(out.columns)
    assert out["bmd_femoral_neck_g_cm2"].tolist() == [0.7] * 60
    assert out["participant_id"].nunique() == 60
    assert pd.to_numeric(out["age_years"], errors="coerce").max() <= 90
    assert "k" in said.output


def test_the_same_key_gives_the_same_table_and_another_key_another(osteon, named):
    (named / "other").write_bytes(b"another secret of many bytes")
    for out, key in (("a.csv", "key"), ("b.csv", "key"), ("c.csv", "other")):
        osteon("deidentify", named / "in.csv", named / out, "--key", named / key)
    first, second, third = ((named / f"{x}.csv").read_bytes() for x in "abc")
    assert first == second
    assert first != third


def test_deidentify_refuses_a_short_key(osteon, named):
    (named / "short").write_bytes(b"1234")
    said = osteon("deidentify", named / "in.csv", named / "out.csv", "--key", named / "short")
    assert said.refusal
    assert not (named / "out.csv").exists()


@pytest.mark.parametrize(
    "argv", [["study", "run", "fracture-risk", "--lang", "fr"], ["study", "run"], ["frobnicate"]]
)
def test_wrong_words_are_exit_2(osteon, argv):
    assert osteon(*argv).exit_code == 2


@pytest.mark.parametrize("real", [False, True])
def test_demo_runs_on_simulated_people_and_on_real_ones_where_they_are(monkeypatch, tmp_path, real):
    runs = []

    def run_to_folder(data, *, config, seed, out, lang, command):
        runs.append((data, config, lang))
        return Summary(lines=(f"{data} is done",))

    monkeypatch.setattr("osteon.studies.fracture_risk.run_to_folder", run_to_folder)
    monkeypatch.delenv("OSTEON_DATA", raising=False)
    if real:
        (tmp_path / "tabular" / "nhanes").mkdir(parents=True)
        monkeypatch.setenv("OSTEON_DATA", str(tmp_path))
    said = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "demo"), "--lang", "zh", "--no-open"])
    assert said.exit_code == 0
    assert runs == [("virtual", "quick", "zh")] + [("nhanes", "default", "zh")] * real
    assert "virtual data (SIMULATED people)" in said.output
    assert "virtual is done" in said.output
    page = (tmp_path / "demo" / "index.html").read_text(encoding="utf-8")
    linked = [name for name in ("virtual", "nhanes", "ct-simulated") if f'href="{name}/report.html"' in page]
    assert linked == ["virtual"] + ["nhanes"] * real + ["ct-simulated"]
    assert f"all reports: {tmp_path / 'demo' / 'index.html'}" in said.output
