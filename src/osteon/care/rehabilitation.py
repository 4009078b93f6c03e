"""Rehabilitation after a vertebral fracture: stages from early bed exercise to graded loading, and what to prevent."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from osteon.care.condition import Facts
from osteon.care.rule import Rule, fired, read_rules
from osteon.core.config import read_toml
from osteon.domain.plan import Item

__all__ = ["rehabilitation", "rehabilitation_rules", "rehabilitation_stages"]

_PATH = Path(__file__).with_name("rehabilitation.toml")


@cache
def rehabilitation_stages() -> tuple[Rule, ...]:
    """
    The stages, first to last; each names its exercises and when to go on.

    Examples
    --------
    >>> [rule.code for rule in rehabilitation_stages()][::4]
    ['bed_exercise', 'graded_loading']
    """
    return read_rules(
        _PATH, read_toml(_PATH), "stage", section="rehabilitation", prefix="rehabilitation.stage."
    )


@cache
def rehabilitation_rules() -> tuple[Rule, ...]:
    """Complications to prevent and signs to heed."""
    return read_rules(_PATH, read_toml(_PATH), "advice", section="rehabilitation", prefix="rehabilitation.")


def rehabilitation(facts: Facts) -> tuple[Item, ...]:
    """All stages and the advice that suits; nothing for a patient without a vertebral fracture to recover from."""
    if not facts.values["vertebral_fracture_case"]:
        return ()
    return fired((*rehabilitation_stages(), *rehabilitation_rules()), facts)
