"""Every text of the word lists is asked for somewhere, by its key or by a pattern such as f"models.{label}"."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

from osteon.report.words import LANGUAGES, words

HOUSE = Path(__file__).parents[2] / "src" / "osteon"
SPEAKERS = ("report", "studies", "cli")  # the rooms that make words
FROM_DATA = (  # built from codes of the data, of two experts, of printed p values, from sources and first parts of rule ids
    "plan.source.",
    "plan.rule_group.",
    "value.management.",
    "portraits.select.",
    "portraits.experts.pair_",
    "portraits.recheck.p_",
)


def constants(tree):
    """The strings of a file; "code:" in front of a value counts as the code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.removesuffix(":")


def patterns(tree):
    """F-strings that look like keys, as regular expressions with a group for each value."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
            fixed = "".join(part for part in parts if part)
            if "." in fixed and re.fullmatch(r"[a-z0-9_.]+", fixed):
                yield "".join("(.+)" if part is None else re.escape(part) for part in parts)


def named(data):
    """Keys and texts of a TOML table: codes that the code takes from data."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from named(value)
    elif isinstance(data, list):
        for value in data:
            yield from named(value)
    elif isinstance(data, str):
        yield data


CODE = {path: ast.parse(path.read_text(encoding="utf-8")) for path in HOUSE.rglob("*.py")}
DATA = [path for path in HOUSE.rglob("*.toml") if path.parent.name != "words"]
SAID = {text for tree in CODE.values() for text in constants(tree)} | {
    text for path in DATA for text in named(tomllib.loads(path.read_text(encoding="utf-8")))
}
FIELDS = {
    node.target.id for tree in CODE.values() for node in ast.walk(tree)
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
}  # fmt: skip
PATTERNS = {
    re.compile(pattern)
    for path, tree in CODE.items()
    if path.relative_to(HOUSE).parts[0] in SPEAKERS
    for pattern in patterns(tree)
}
TEMPLATES = "".join(path.read_text(encoding="utf-8") for path in (HOUSE / "report" / "templates").iterdir())


@cache
def used(key):
    if key in SAID or key in FIELDS or f'"{key}"' in TEMPLATES:
        return True
    found = (pattern.fullmatch(key) for pattern in PATTERNS)
    return any(match and all(map(used, match.groups())) for match in found)


def test_every_text_is_asked_for():
    unused = [key for key in words("en").entries if not used(key)]
    # the categories of these columns come from the data, not from the schema
    assert [key for key in unused if not key.startswith(FROM_DATA)] == []


def asked_keys():
    """The keys written out in calls such as word("summary.lead") and Words("report.yes")."""
    for path, tree in CODE.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name, key = ast.unparse(node.func).rpartition(".")[2], node.args[0].value
                if name == "word":
                    yield f"{path.relative_to(HOUSE)}:{node.lineno}", f"fracture_risk.{key}"
                elif name == "ovcf_word":
                    yield f"{path.relative_to(HOUSE)}:{node.lineno}", f"ovcf_reading.{key}"
                elif name == "Words" or (name == "words" and key not in LANGUAGES):
                    yield f"{path.relative_to(HOUSE)}:{node.lineno}", key


def test_every_text_asked_for_is_there():
    asked = list(asked_keys())
    assert len(asked) > 100
    assert [(place, key) for place, key in asked if key not in words("en").entries] == []


def test_a_text_nobody_asks_for_is_found():
    assert used("report.table")
    assert not used("report.no_such_text")
    assert not used("fracture_risk.learner.no_such_learner")
