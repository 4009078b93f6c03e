"""Codes of the DICOM results, from spine_codes.toml: SNOMED CT where there is one, else the private scheme 99OSTEON."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from osteon.core.config import read_toml
from osteon.domain.anatomy import level_rank

__all__ = ["UNITS", "finding_code", "level_code", "private_code", "private_scheme", "reading_code"]

#: UCUM units by the name used here.
UNITS = {
    "mm": Code("mm", "UCUM", "millimeter"),
    "hu": Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
    "percent": Code("%", "UCUM", "percent"),
    "ratio": Code("1", "UCUM", "no units"),
    "ml": Code("ml", "UCUM", "milliliter"),
    "deg": Code("deg", "UCUM", "degree"),
}


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return read_toml(Path(__file__).parent / "spine_codes.toml")


def level_code(level: str) -> Code:
    """
    The code of a vertebra: SNOMED CT for C1-L5, the private scheme for T13, L6, S1 and unnamed levels.

    Examples
    --------
    >>> level_code("T12").value, level_code("L1").value, level_code("V3").scheme_designator
    ('23215003', '66794005', '99OSTEON')
    """
    table = _table()
    if level in table["levels"]:
        value, meaning = table["levels"][level]
        return Code(value, "SCT", meaning)
    if not level.startswith("V"):
        level_rank(level)
    meaning = f"{level} vertebra" if not level.startswith("V") else f"Vertebra {level[1:]} counted from below"
    return Code(f"VERTEBRA{level}", table["scheme"]["private"], meaning)


def finding_code(name: str) -> Code:
    """The SNOMED CT code of a finding ("fracture")."""
    value, meaning = _table()["finding"][name]
    return Code(value, "SCT", meaning)


def private_code(name: str) -> Code:
    """A code of the private scheme."""
    table = _table()
    return Code(name, table["scheme"]["private"], table["private"][name])


def reading_code(kind: str, name: str) -> Code:
    """
    The code of what a reading says by a name of its own ("reason", "flag", "content", "change").

    A name that has no code yet is not lost: it stands as the meaning of the kind's code for others.

    Examples
    --------
    >>> reading_code("reason", "cropped").value, reading_code("reason", "brand_new").meaning
    ('CROPPED', 'brand_new')
    """
    table = _table()
    value, meaning = table[kind].get(name, (f"{kind.upper()}OTHER", name[:64]))
    return Code(value, table["scheme"]["private"], meaning)


def private_scheme() -> list[Dataset]:
    """What an object that uses private codes says of their scheme."""
    item = Dataset()
    item.CodingSchemeDesignator = _table()["scheme"]["private"]
    item.CodingSchemeName = _table()["scheme"]["private_name"]
    item.CodingSchemeResponsibleOrganization = "osteon"
    return [item]
