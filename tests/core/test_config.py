"""A configuration says what it does not know."""

from dataclasses import dataclass, field

import pytest

from osteon.core.config import load, override
from osteon.core.errors import ConfigError, FileError


@dataclass(frozen=True)
class Inner:
    trials: int = 20
    rate: float = 0.1


@dataclass(frozen=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    names: tuple[str, ...] = ("a",)
    on: bool = True


def test_nested_values_and_kinds(tmp_path):
    (tmp_path / "c.toml").write_text('names = ["x", "y"]\n[inner]\ntrials = 5\nrate = 1\n')
    assert load(Outer(), tmp_path / "c.toml") == Outer(inner=Inner(trials=5, rate=1.0), names=("x", "y"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"inner": {"trial": 3}}, r"config.inner: unknown key 'trial'. Did you mean 'trials'\?"),
        ({"inner": {"trials": "many"}}, "config.inner.trials: 'many' is a str, expected a int"),
        ({"on": 1}, "expected a bool"),
        ({"zzz": 1}, "Known: inner, names, on"),
    ],
)
def test_refusals(changes, says):
    with pytest.raises(ConfigError, match=says):
        override(Outer(), changes)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        load(Outer(), tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = = 1")
    with pytest.raises(ConfigError, match=r"bad.toml: not valid TOML .*line 1"):
        load(Outer(), tmp_path / "bad.toml")
