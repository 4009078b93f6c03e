"""`osteon --help` answers at once: nothing heavy is loaded before a verb runs."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "pandas",
    "torch",
    "sklearn",
    "scipy",
    "statsmodels",
    "lightgbm",
    "matplotlib",
    "shap",
    "optuna",
    "duckdb",
    "numpy",
    "rich.progress",
}
PROBE = "import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"


def loaded_after(code):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_osteon_loads_nothing_heavy():
    assert not HEAVY & loaded_after("import osteon")


@pytest.mark.parametrize(
    "argv", [["--help"], ["study", "--help"], ["study", "list"], ["data", "--help"], ["--version"]]
)
def test_help_loads_nothing_heavy(argv):
    code = (
        "import contextlib, io\nfrom osteon.cli.main import app\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    app({argv!r}, standalone_mode=False)\n"
    )
    loaded = loaded_after(code)
    assert "osteon.cli.main" in loaded
    assert not HEAVY & loaded
