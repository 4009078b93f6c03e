"""Hard alerts, and holds under which no drug is named; all of them rules of ``safety.toml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from osteon.care.condition import Facts
from osteon.care.rule import Rule, fired
from osteon.care.rule import read_rules as _read
from osteon.core.config import read_toml
from osteon.domain.plan import Item

__all__ = ["alert_rules", "alerts", "hold_rules", "holds", "sequence_rules"]

_PATH = Path(__file__).with_name("safety.toml")


@cache
def alert_rules() -> tuple[Rule, ...]:
    """Every alert there is."""
    return _read(_PATH, read_toml(_PATH), "alert", section="alert", prefix="safety.alert.")


@cache
def hold_rules() -> tuple[Rule, ...]:
    """Every reason to name no drug yet."""
    return _read(_PATH, read_toml(_PATH), "hold", section="hold", prefix="safety.hold.")


def alerts(facts: Facts) -> tuple[Item, ...]:
    """The alerts that fire; one whose ``missing`` is not empty cannot be ruled out."""
    return fired(alert_rules(), facts)


def holds(facts: Facts) -> tuple[Item, ...]:
    """The holds that stand."""
    return fired(hold_rules(), facts)


@cache
def sequence_rules() -> tuple[Rule, ...]:
    """Holiday, switching and waiting for drugs already taken."""
    return _read(_PATH, read_toml(_PATH), "sequence", section="sequence", prefix="safety.sequence.")
