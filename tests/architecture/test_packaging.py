"""Every file that the code reads at run time, and every licence text, travels in the wheel."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "osteon"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def data_files():
    """What lies beside the code, apart from what Python and the system leave there."""
    for path in HOUSE.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".py", ".pyc"}:
            yield path


def test_every_data_file_is_package_data():
    patterns = [
        pattern.removeprefix("**/") for pattern in PROJECT["tool"]["setuptools"]["package-data"]["osteon"]
    ]
    left_out = [
        str(path.relative_to(HOUSE))
        for path in data_files()
        if not any(fnmatch(path.name, pattern) for pattern in patterns)
    ]
    assert left_out == []


def test_every_folder_of_data_lies_in_a_package_or_below_one():
    for path in data_files():
        room = HOUSE / path.relative_to(HOUSE).parts[0]
        assert path.parent == HOUSE or (room / "__init__.py").exists(), path


def test_every_licence_text_is_named():
    named = {path for pattern in PROJECT["project"]["license-files"] for path in ROOT.glob(pattern)}
    texts = {
        path
        for path in data_files()
        if path.name.startswith("LICENSE") or path.name in {"OFL.txt", "DISCLAIMER.txt"}
    }
    assert texts | {ROOT / "LICENSE"} == named
