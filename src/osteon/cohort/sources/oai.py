"""
Osteoarthritis Initiative (OAI): a baseline table in our names.

The data are distributed by the NIMH Data Archive; most variable names are recalled, and the log of every reading says so.
"""

from __future__ import annotations

import re
from pathlib import Path

from osteon.cohort.cohort import Cohort
from osteon.cohort.read import read_table
from osteon.cohort.sources.mapping import as_read, mapped, required, source_map

__all__ = ["read"]


def read(path: Path) -> Cohort:
    """
    A baseline OAI table; answers written "1: Yes" are read by their number, ".A: Not Expected" as missing.

    Raises
    ------
    FileError, SchemaError
        See :func:`osteon.cohort.read.read_table`; or the ``ID`` column is missing.
    """
    foreign = read_table(path)
    required(foreign, ["ID"], where=str(path))
    labelled = foreign.map(_code)
    table, log = mapped(labelled, source_map("oai")["columns"], where=str(path))
    return as_read(
        table, source="oai", log=log, of="participants",
        notes=("Most variable names are recalled, not read: check them before use.",),
    )  # fmt: skip


def _code(cell: object) -> object:
    """The number in front of a labelled answer."""
    if not isinstance(cell, str):
        return cell
    match = re.match(r"^\s*(\.[A-Z]?|-?\d+(?:\.\d+)?)\s*:", cell)
    if match is None:
        return cell
    return None if match[1].startswith(".") else match[1]
