"""
UK Biobank: a main data set as exported, in our names.

The data are under licence and not shipped; the field numbers are recalled, and the log of every reading says so.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from osteon.cohort.cohort import Cohort
from osteon.cohort.read import read_table
from osteon.cohort.sources.mapping import as_read, mapped, required, source_map

__all__ = ["field_number", "read"]

_HEADER = re.compile(r"^(?:f\.|p|x|n_)?(?P<field>\d+)(?:[-._]i?(?P<instance>\d+)(?:[._]a?(?P<array>\d+))?)?$")


def field_number(header: str) -> tuple[str, int] | None:
    """
    Field and instance of a header, None for other headers and for later array elements.

    Examples
    --------
    >>> field_number("f.31.0.0"), field_number("21003-2.0"), field_number("p50_i0"), field_number("eid")
    (('31', 0), ('21003', 2), ('50', 0), None)
    """
    match = _HEADER.match(header.strip().lower())
    if match is None or int(match["array"] or 0) > 0:
        return None
    return match["field"], int(match["instance"] or 0)


def read(path: Path, *, instance: int = 0) -> Cohort:
    """
    One visit of a UK Biobank table.

    Parameters
    ----------
    path : Path
    instance : int
        0 the baseline visit, 2 the first imaging visit. Fields asked once only (sex) are taken from visit 0.

    Raises
    ------
    FileError, SchemaError
        See :func:`osteon.cohort.read.read_table`; or ``eid`` is missing.
    """
    foreign = read_table(path)
    required(foreign, ["eid"], where=str(path))
    chosen: dict[str, pd.Series] = {"eid": foreign["eid"]}
    fields = {header: field_number(str(header)) for header in foreign.columns}
    for wanted in dict.fromkeys((0, instance)):
        for header, found in fields.items():
            if found is not None and found[1] == wanted and (wanted == instance or found[0] == "31"):
                chosen[found[0]] = foreign[header]
    visit = pd.DataFrame(chosen, index=foreign.index)
    table, log = mapped(visit, source_map("ukbiobank")["columns"], where=str(path))
    return as_read(
        table, source="ukbiobank", log=log, of="participants",
        notes=("Field numbers are recalled, not read in the showcase: check them before use.",),
    )  # fmt: skip
