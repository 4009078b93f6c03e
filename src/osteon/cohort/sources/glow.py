"""
GLOW500: 500 women of the Global Longitudinal Study of Osteoporosis in Women, fracture within one year.

Source: Hosmer, Lemeshow & Sturdivant (2013), Applied Logistic Regression, 3rd edition. Fractures are oversampled:
25 % is no population rate.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from osteon.cohort.cells import numbers
from osteon.cohort.cohort import Cohort
from osteon.cohort.read import read_table
from osteon.cohort.sources.mapping import as_read, mapped, required, source_map
from osteon.core.errors import SchemaError

__all__ = ["read"]


def read(path: Path) -> Cohort:
    """
    GLOW500, GLOW_BONEMED or a GLOW_MIS table in our names, separated by tabs as published or by commas.

    ``sex`` is female for all; ``site_id`` and ``physician_id`` are kept for grouped splits.

    Raises
    ------
    FileError, SchemaError
        See :func:`osteon.cohort.read.read_table`; a needed column is missing; or rows are shifted to the left, as in
        a comma-separated copy of GLOW_MIS_WMISSING where a missing value swallowed its cell so that weights stand
        under age. The file as published, separated by tabs, keeps its blank cells and is read.
    """
    foreign = read_table(path)
    required(foreign, ["SUB_ID", "AGE", "FRACTURE"], where=str(path))
    _refuse_shifted_rows(foreign, where=str(path))
    table, log = mapped(foreign, source_map("glow")["columns"], where=str(path))
    table["sex"] = pd.Categorical(["female"] * len(table), categories=["female"])
    for name, own in (("SITE_ID", "site_id"), ("PHY_ID", "physician_id")):
        if name in foreign.columns:
            table[own] = foreign[name].map(str).astype("str")
    return as_read(
        table, source=path.name.split(".")[0].lower(), log=log, of="women",
        notes=("Fractures are oversampled (25 %): absolute risks do not hold in the population.",),
    )  # fmt: skip


def _refuse_shifted_rows(foreign: pd.DataFrame, *, where: str) -> None:
    """A blank last cell together with a code its column cannot have: the row has slipped to the left."""
    blank = foreign[foreign.columns[-1]].isna()
    for name, allowed in (("MOMFRAC", (0, 1)), ("RATERISK", (1, 2, 3))):
        if name in foreign.columns:
            values = numbers(foreign[name], where=where)
            odd = blank & values.notna() & ~values.isin(allowed)
            if odd.any():
                raise SchemaError(
                    f"{where}: row {foreign.index[odd][0]}, column {name}: {values[odd].iloc[0]:g} is none of {allowed} "
                    f"and the last cell is blank ({int(odd.sum())} such rows): values have slipped one column to the left.",
                    hint="Export the table again with an empty cell for each missing value.",
                )
