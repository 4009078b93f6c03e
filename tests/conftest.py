"""Where tests find known answers and real data. What OSTEON_REQUIRE names must be there; the rest is skipped by name."""

import json
import os
import shutil
from pathlib import Path

import pytest

ORACLES = Path(__file__).parent / "oracles"
REQUIRED = set(filter(None, os.environ.get("OSTEON_REQUIRE", "").split(",")))


def absent(what, why):
    """Skip, or fail where ``what`` is required."""
    if what in REQUIRED:
        pytest.fail(f"{what} is required (OSTEON_REQUIRE) but {why}")
    pytest.skip(f"needs {what}: {why}")


def pytest_collection_modifyitems(items):
    """What a test asks for marks it: ``-m "not data"`` leaves out all that needs the real data sets."""
    for item in items:
        for fixture, mark in (("real_data", pytest.mark.data), ("chromium", pytest.mark.chromium)):
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


@pytest.fixture(scope="session")
def oracle():
    """The JSON of a known answer by its name below tests/oracles, e.g. oracle("statistics/delong")."""
    return lambda name: json.loads((ORACLES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def oracle_csv():
    """The path of an oracle's input table: ours, or (GPL inputs) beside the real data."""

    def path(name):
        ours = ORACLES / "statistics" / "data" / name
        if ours.exists():
            return ours
        root = os.environ.get("OSTEON_DATA")
        if not root:
            absent("data", f"OSTEON_DATA is not set, {name} is not shipped")
        theirs = Path(root).parent / "oracles" / "statistics" / "data" / name
        if not theirs.exists():
            absent("data", f"{name} is not beside OSTEON_DATA")
        return theirs

    return path


@pytest.fixture(scope="session")
def real_data():
    """The folder of real data sets, $OSTEON_DATA."""
    root = os.environ.get("OSTEON_DATA")
    if not root or not Path(root).is_dir():
        absent("data", "OSTEON_DATA names no folder")
    return Path(root)


@pytest.fixture(scope="session")
def chromium():
    """A browser page factory on the system's Chromium."""
    binary = next(
        (
            found
            for name in ("chromium", "chromium-browser", "google-chrome")
            if (found := shutil.which(name))
        ),
        None,
    )
    if binary is None:
        absent("chromium", "no chromium on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync"]  # fmt: skip
        browser = play.chromium.launch(executable_path=binary, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def clinical_reference(real_data):
    """The folder of clinical reference texts and tables beside the real data."""
    folder = real_data.parent / "reference"
    if not (folder / "clinical.md").is_file():
        absent("data", f"{folder} holds no clinical.md")
    return folder


@pytest.fixture(scope="session")
def dciodvfy():
    """The DICOM validator of Debian's dicom3tools."""
    program = shutil.which("dciodvfy")
    if program is None:
        absent("dciodvfy", "dicom3tools is not installed")
    return program
