"""The profile of de-identification, read from ``deidentify_profile.toml``: what to do with which attribute."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Profile", "profile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    Actions by attribute, and what is kept, gone, refused or flagged.

    Attributes
    ----------
    actions : mapping of int to str
        By tag (group * 65536 + element): "X" remove, "Z" empty, "D" dummy, "U" replace UIDs.
    by_vr : mapping of str to str
        The same for attributes that ``actions`` does not list, by value representation.
    keep, characteristics, dates_gone, secrets : frozenset of int
        Tags kept whatever the actions say; kept for research where asked for; dates never kept; attributes whose words
        may not appear in the result.
    refused, passed, flagged : tuple of str
        Starts of SOP class UIDs: refused, exempt from that, and flagged for a look.
    flagged_modalities : frozenset of str
    """

    edition: str
    actions: Mapping[int, str]
    by_vr: Mapping[str, str]
    keep: frozenset[int]
    characteristics: frozenset[int]
    dates_gone: frozenset[int]
    secrets: frozenset[int]
    refused: tuple[str, ...]
    passed: tuple[str, ...]
    flagged: tuple[str, ...]
    flagged_modalities: frozenset[str]

    def refuses(self, sop_class: str) -> bool:
        """Whether objects of this class are words rather than images."""
        return sop_class.startswith(self.refused) and not sop_class.startswith(self.passed)


def _tag(text: str) -> int:
    group, _, element = text.partition(",")
    return int(group, 16) << 16 | int(element, 16)


@cache
def profile() -> Profile:
    """
    The Basic Application Confidentiality Profile.

    Source
    ------
    DICOM PS3.15 2024b, Table E.1-1.

    Examples
    --------
    >>> known = profile()
    >>> known.actions[0x00100010], known.actions[0x0020000D], len(known.actions) > 600
    ('Z', 'U', True)
    """
    table = tomllib.loads(
        files("osteon.imaging").joinpath("deidentify_profile.toml").read_text(encoding="utf-8")
    )
    keep, classes = table["keep"], table["classes"]
    return Profile(
        edition=table["edition"],
        # of alternatives the last: whatever the type of the attribute in an object, it may be there
        actions={_tag(tag): action.rstrip("*").split("/")[-1] for tag, action in table["actions"].items()},
        by_vr=table["by_vr"],
        keep=frozenset(map(_tag, keep["always"])),
        characteristics=frozenset(map(_tag, keep["characteristics"])),
        dates_gone=frozenset(map(_tag, table["dates"]["gone"])),
        secrets=frozenset(map(_tag, table["secrets"]["attributes"])),
        refused=tuple(classes["refused"]),
        passed=tuple(classes["passed"]),
        flagged=tuple(classes["flagged"]),
        flagged_modalities=frozenset(classes["flagged_modalities"]),
    )
