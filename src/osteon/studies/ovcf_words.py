"""The words of the reading study, and how its readers, arms and measures are called."""

from __future__ import annotations

from osteon.report.value import Words

__all__ = ["phrase"]


def phrase(key: str, /, **values: object) -> Words:
    """A text of this study."""
    return Words(f"ovcf_reading.{key}", **values)
