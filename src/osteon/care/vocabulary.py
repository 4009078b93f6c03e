"""The words a patient file may use, and our code for each; an unknown word is refused with the nearest known one."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from osteon.core.config import read_toml
from osteon.core.errors import InputError

__all__ = ["DrugName", "code_of", "codes", "drug_name"]

_PATH = Path(__file__).with_name("vocabulary.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugName:
    """A drug: its class, what it does to bone, and for glucocorticoids the mg that equal 5 mg of prednisolone."""

    drug: str
    drug_class: str
    effect: str
    mg_per_5_mg_prednisolone: float | None = None


@cache
def _vocabulary() -> Mapping[str, Any]:
    return MappingProxyType(read_toml(_PATH))


def _folded(word: str) -> str:
    return "".join(unicodedata.normalize("NFKC", word).casefold().replace("_", "").replace("-", "").split())


@cache
def _index(kind: str) -> Mapping[str, str]:
    index = {}
    for code, entry in _vocabulary()[kind].items():
        for word in (code, *(entry["names"] if kind == "drug" else entry)):
            index[_folded(word)] = code
    return MappingProxyType(index)


def codes(kind: str) -> tuple[str, ...]:
    """
    Every code of a kind: "site", "dxa_site", "drug", "disease", ...

    Examples
    --------
    >>> codes("side")
    ('left', 'right')
    """
    return tuple(_vocabulary()[kind])


def code_of(kind: str, word: str) -> str:
    """
    Our code for a word as people write it.

    Raises
    ------
    InputError
        The word is not known; the nearest known one is named.

    Examples
    --------
    >>> code_of("disease", "Heart attack"), code_of("drug", "地舒单抗"), code_of("site", "WRIST")
    ('myocardial_infarction', 'denosumab', 'forearm')
    """
    index = _index(kind)
    found = index.get(_folded(word))
    if found is not None:
        return found
    near = get_close_matches(_folded(word), index, n=1)
    hint = f"Did you mean {index[near[0]]!r}?" if near else f"Known: {', '.join(codes(kind))}."
    raise InputError(f"{word!r} is no known {kind.replace('_', ' ')}.", hint=hint)


@cache
def drug_name(code: str) -> DrugName:
    """
    What a drug is.

    Raises
    ------
    InputError
        No such drug.

    Examples
    --------
    >>> drug_name("zoledronate").effect
    'antiresorptive'
    """
    entries = _vocabulary()["drug"]
    if code not in entries:
        raise InputError(f"{code!r} is no known drug.", hint=f"Known: {', '.join(entries)}.")
    entry = entries[code]
    return DrugName(
        drug=code, drug_class=entry["drug_class"], effect=entry["effect"],
        mg_per_5_mg_prednisolone=entry.get("mg_per_5_mg_prednisolone"),
    )  # fmt: skip
