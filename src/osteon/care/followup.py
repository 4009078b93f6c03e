"""Follow-up by tier: markers, density, visits, each with the day it falls due."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from osteon.care.condition import Facts
from osteon.care.rule import Rule, fired, read_rules
from osteon.core.config import read_toml
from osteon.domain.plan import Item

__all__ = ["dated", "followup", "followup_rules", "months_later"]

_PATH = Path(__file__).with_name("followup.toml")


def months_later(day: date, months: int) -> date:
    """
    The same day some months on, or the last day of a shorter month.

    Examples
    --------
    >>> months_later(date(2025, 11, 30), 3)
    datetime.date(2026, 2, 28)
    """
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


@cache
def followup_rules() -> tuple[Rule, ...]:
    """Every default of the follow-up."""
    return read_rules(_PATH, read_toml(_PATH), "visit", section="followup", prefix="followup.")


def followup(facts: Facts, *, as_of: date) -> tuple[Item, ...]:
    """What to check and when, earliest first."""
    found = dated(fired(followup_rules(), facts), as_of=as_of)
    return tuple(sorted(found, key=lambda item: str(item.params.get("due", ""))))


def dated(items: Iterable[Item], *, as_of: date) -> tuple[Item, ...]:
    """Items with ``due`` (and ``until``) as ISO dates, from their months or weeks after ``as_of``."""
    found = []
    for item in items:
        params = dict(item.params)
        if isinstance(weeks := params.get("after_weeks"), int):
            params["due"] = (as_of + timedelta(weeks=weeks)).isoformat()
        if isinstance(months := params.get("after_months"), int):
            params["due"] = months_later(as_of, months).isoformat()
        if isinstance(months := params.get("until_months"), int):
            params["until"] = months_later(as_of, months).isoformat()
        found.append(replace(item, params=params))
    return tuple(found)
