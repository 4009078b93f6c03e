"""The house rules, read off the syntax tree: who may import whom, what may not stand in a file."""

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "src" / "osteon"
FLOORS = [  # a room imports rooms on lower floors only, never its neighbours, never upwards
    {"core"},
    {"stats", "domain"},
    {"cohort", "imaging"},
    {"models", "care", "synth"},
    {"reading"},
    {"report"},
    {"studies"},
    {"cli"},
]
FLOOR = {room: n for n, rooms in enumerate(FLOORS) for room in rooms}
FENCES = {
    "torch": {"models"},
    "captum": {"models"},
    "lightgbm": {"models"},
    "optuna": {"models"},
    "shap": {"models"},
    "matplotlib": {"report"},
    "typst": {"report"},
    "docx": {"report"},
    "jinja2": {"report"},
    "typer": {"cli"},
    "rich": {"cli"},
    "pydicom": {"imaging", "synth", "report"},
    "highdicom": {"imaging", "synth", "report"},
    "SimpleITK": {"imaging"},
    "nibabel": {"imaging"},
    "splink": {"cohort"},
    "duckdb": {"cohort"},
    "pooch": {"cohort"},
}
FILES = sorted(HOUSE.rglob("*.py"))
NAMES = [str(path.relative_to(HOUSE)) for path in FILES]


def room_of(path):
    parts = path.relative_to(HOUSE).parts
    return parts[0] if len(parts) > 1 else None


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import; write the full address"
            assert all(alias.name != "*" for alias in node.names), f"line {node.lineno}: star import"
            yield node.module


def test_every_room_has_a_floor():
    rooms = {p.name for p in HOUSE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert rooms == set(FLOOR)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_imports_go_down_and_fences_hold(path):
    room = room_of(path)
    for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
        top, *rest = name.split(".")
        if top == "osteon" and rest and room and rest[0] in FLOOR and rest[0] != room:
            assert FLOOR[rest[0]] < FLOOR[room], f"{room} may not import {rest[0]}"
        if top in FENCES:
            assert room in FENCES[top], f"{top} belongs in {sorted(FENCES[top])}, not in {room}"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_is_read_in_a_sitting(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "say in one line what the file is for"
    assert text.count("\n") <= 500
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 75, f"{node.name} runs {length} lines"
        assert not isinstance(node, ast.Assert), f"line {node.lineno}: raise an OsteonError instead of assert"
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"}
            assert not broad, f"line {node.lineno}: name the exception"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_what_a_file_offers_is_listed_and_sorted(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    listed = [
        node.value for node in tree.body
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in node.targets)
    ]  # fmt: skip
    if path.name == "__init__.py":
        return
    assert listed, "__all__ is missing"
    names = [ast.literal_eval(item) for item in listed[0].elts]
    # ruff's order: CONSTANTS, Classes, functions
    kind = lambda n: 0 if n.isupper() else 1 if n[:1].isupper() else 2  # noqa: E731
    assert names == sorted(names, key=lambda n: (kind(n), n))
    public = {
        node.name for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }  # fmt: skip
    assert public <= set(names), f"public but not in __all__: {sorted(public - set(names))}"


def test_a_room_door_says_what_goes_in_and_out():
    for room in FLOOR:
        text = ast.get_docstring(ast.parse((HOUSE / room / "__init__.py").read_text(encoding="utf-8"))) or ""
        assert all(word in text for word in ("In:", "Out:", "Never:")), room
