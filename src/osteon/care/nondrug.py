"""The non-drug plan: calcium, vitamin D, protein, exercise, falls, smoking, alcohol, the home; for every tier."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from osteon.care.condition import Facts
from osteon.care.rule import Rule, fired, read_rules
from osteon.core.config import read_toml
from osteon.domain.plan import Item

__all__ = ["nondrug", "nondrug_rules"]

_PATH = Path(__file__).with_name("lifestyle.toml")


@cache
def nondrug_rules() -> tuple[Rule, ...]:
    """Every piece of non-drug advice."""
    return read_rules(_PATH, read_toml(_PATH), "advice", section="nondrug", prefix="lifestyle.")


def nondrug(facts: Facts) -> tuple[Item, ...]:
    """The advice that suits this patient."""
    return fired(nondrug_rules(), facts)
