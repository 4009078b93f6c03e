"""Every example script runs by itself on a fresh interpreter and prints what its docs say; the heavy one is slow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAVY = {"risk_study.py"}
PROMISED = {
    "cox_and_competing_risks.py": "once death counts",
    "decision_curve.py": "net benefit per person",
    "delong.py": "OST minus age alone",
    "impute_and_pool.py": "imputed and pooled",
    "read_hospital_sheet.py": "refused:",
    "risk_study.py": "simulated: True",
}


def test_the_table_of_promises_names_every_example():
    assert sorted(PROMISED) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in HEAVY else n for n in sorted(PROMISED)]
)
def test_an_example_runs(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)] if name not in HEAVY
        else [sys.executable, str(EXAMPLES / name), str(tmp_path / "report")],
        cwd=tmp_path, capture_output=True, text=True, timeout=600, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert PROMISED[name] in done.stdout
    if name != "read_hospital_sheet.py":
        assert "simulated" in done.stdout.lower()
