"""The docs hold: links lead somewhere, both languages are complete, examples in them run, made pages are fresh."""

import contextlib
import csv
import importlib.util
import io
import re
from dataclasses import fields
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
READMES = (ROOT / "README.md", ROOT / "README.zh.md")
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIMIT = 300_000


def _tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("check", ["broken_links", "missing_twins", "undescribed_commands"])
def test_the_checks_of_the_docs_find_nothing(check):
    assert getattr(_tool("check_docs"), check)() == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_schema_page_is_that_of_the_schema(lang):
    page = (ROOT / "docs" / lang / "reference" / "schema.md").read_text(encoding="utf-8")
    assert page == _tool("make_schema_page").page(lang), "run: python tools/make_schema_page.py"


@pytest.mark.parametrize("page", READMES, ids=_name)
def test_a_readme_names_the_two_commands_and_the_caveat(page):
    text = page.read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text
    assert "SIMULATED" in text
    assert "not a medical device" in text or "不是医疗器械" in text


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(code, id=f"{_name(page)}:{i}")
        for page in (*PAGES, *READMES)
        for i, code in enumerate(PYTHON.findall(page.read_text(encoding="utf-8")))
    ],
)
def test_a_python_block_runs(block):
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(block, "docs", "exec"), {})


@pytest.mark.parametrize("page", [READMES[1], *(p for p in PAGES if "zh" in p.parts)], ids=_name)
def test_no_line_breaks_inside_a_chinese_sentence(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert (
        re.findall(r"[\u4e00-\u9fff，、。；：]\n *[\u4e00-\u9fff]", text) == []
    )  # shown as a blank by browsers


def test_both_languages_show_the_same_python():
    for page in (ROOT / "docs" / "en").rglob("*.md"):
        twin = ROOT / "docs" / "zh" / page.relative_to(ROOT / "docs" / "en")
        ours, theirs = (
            [re.sub(r"#.*", "", code) for code in PYTHON.findall(p.read_text(encoding="utf-8"))]
            for p in (page, twin)
        )
        assert ours == theirs, _name(page)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_setting_of_the_study_is_described_with_its_default(lang):
    from osteon.studies.fracture_risk import Config

    page = (ROOT / "docs" / lang / "reference" / "configuration.md").read_text(encoding="utf-8")
    _told(page.split("\n## ")[1], Config())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_setting_of_the_portraits_is_described_with_its_default(lang):
    from osteon.studies.portraits_config import Config

    page = (ROOT / "docs" / lang / "reference" / "configuration.md").read_text(encoding="utf-8")
    single, _, cluster = page.split("\n## ")[2].partition("[cluster]")
    _told(single, Config(), without=("cluster",))
    _told(cluster, Config().cluster)


def _told(section, config, without=()):
    """The table of a section names every setting with its default."""
    rows = dict(re.findall(r"^\| `(\w+)` \| ?(.*?) ?\|", section, re.MULTILINE))
    names = [field.name for field in fields(config) if field.name not in without]
    assert sorted(rows) == sorted(names)
    for name in names:
        default = getattr(config, name)
        told = ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)
        assert rows[name].strip('`"').lower() == told.lower(), name


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_functions_named_among_the_statistics_exist(lang):
    page = (ROOT / "docs" / lang / "reference" / "statistics.md").read_text(encoding="utf-8")
    cells = [line.split("|")[2] for line in page.splitlines() if line.startswith("| ") and "`" in line]
    assert len(cells) > 30
    for cell in cells:
        module = ""
        for name in re.findall(r"`([\w.]+)`", cell):
            stem, function = name.rsplit(".", 1)
            module = stem or module
            source = (ROOT / "src" / "osteon" / "stats" / f"{module}.py").read_text(encoding="utf-8")
            assert re.search(rf"^def {function}\(", source, re.MULTILINE), name


@pytest.mark.parametrize(
    "picture", sorted((ROOT / "docs" / "pictures").glob("*")), ids=lambda path: path.name
)
def test_a_picture_is_a_small_png_that_a_page_shows(picture):
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < LIMIT
    assert any(f"pictures/{picture.name})" in page.read_text(encoding="utf-8") for page in (*PAGES, *READMES))


def _table_of_figures(page):
    """Rows of the README's table of measured figures: (data, task, model) -> "value (low-high)"."""
    found = {}
    for line in page.read_text(encoding="utf-8").splitlines():
        key = re.search(r"<!-- (\w+)/(\w+)/(\w+) -->", line)
        value = re.search(r"(0\.\d{3}) \((0\.\d{3})[–-](0\.\d{3})\)", line)
        if key and value:
            found[key.groups()] = value.groups()
    return found


def test_both_readmes_print_the_same_figures():
    english, chinese = map(_table_of_figures, READMES)
    assert english == chinese
    assert len(english) >= 6


def test_the_figures_are_those_of_the_validation_table():
    path = ROOT / "validation" / "fracture_risk.csv"
    with path.open(encoding="utf-8") as lines:
        known = {(row["data"], row["figure"]): row for row in csv.DictReader(lines)}
    for (data, task, model), printed in _table_of_figures(READMES[0]).items():
        row = known[data, f"{task} {model} auc"]
        assert tuple(f"{float(row[k]):.3f}" for k in ("value", "low", "high")) == printed, (data, task, model)
