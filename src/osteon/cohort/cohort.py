"""
A cohort: the table of people, where it comes from, and the record of everything done to it.

Codes of :class:`Change` used by readers: ``renamed``, ``recoded``, ``converted``, ``derived``, ``recomputed``,
``set_missing``, ``outside_limits`` (reported, not changed), ``kept_unknown``, ``absent``, ``dropped_column``,
``recalled_mapping``, ``weight_divided``, ``cycle_left_out``. Cleaning and de-identification add theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from osteon.core.errors import NotEnoughData, ShapeError

__all__ = ["Change", "Cohort", "FlowStep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing done to (or noticed in) a table: a cell when ``row`` is given, else ``n`` cells of a column."""

    code: str
    column: str = ""
    row: str = ""
    before: str = ""
    after: str = ""
    n: int = 1
    why: str = ""

    def __str__(self) -> str:
        place = self.column + (f", row {self.row}" if self.row else "")
        arrow = f": {self.before} -> {self.after}" if self.before or self.after else ""
        return f"{self.code} [{place}]{arrow} (n={self.n}){' ' + self.why if self.why else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step of the STROBE flow chart: how many rows came in, how many went on, and why the rest did not."""

    code: str
    n_before: int
    n_after: int
    reason: str = ""

    @property
    def n_excluded(self) -> int:
        """Rows left out at this step."""
        return self.n_before - self.n_after


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cohort:
    """
    People as rows, in the schema's names and units, with the log that led there.

    Attributes
    ----------
    table : DataFrame, one row per person
        Numbers and flags float64 with NaN, categories as pandas ``category``, ids as text.
    source : str
        Code of the reader: "nhanes_2017_2020", "glow500", "estonia", "table", ...
    simulated : bool
        True when the people are invented; every output made from them then says so.
    log, flow, notes
        What was changed, which rows were left out, and what a reader must know.
    """

    table: pd.DataFrame
    source: str
    simulated: bool = False
    log: tuple[Change, ...] = ()
    flow: tuple[FlowStep, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.table)

    def logged(self, changes: Iterable[Change], *, table: pd.DataFrame | None = None) -> Cohort:
        """The same cohort (with ``table`` in place of its own, when given) and ``changes`` added to the log."""
        return replace(self, table=self.table if table is None else table, log=(*self.log, *changes))

    def kept(self, keep: ArrayLike, *, code: str, reason: str = "") -> Cohort:
        """
        The rows where ``keep`` is true, with a step added to the flow.

        Raises
        ------
        ShapeError
            ``keep`` does not have one true/false value per row.
        """
        mask = np.asarray(keep)
        if mask.shape != (len(self.table),) or mask.dtype != np.bool_:
            raise ShapeError(
                f"keep has shape {mask.shape} and type {mask.dtype}.",
                hint=f"Expected one True/False for each of the {len(self.table)} rows.",
            )
        step = FlowStep(code=code, n_before=len(mask), n_after=int(mask.sum()), reason=reason)
        return replace(self, table=self.table.loc[mask].copy(), flow=(*self.flow, step))

    def at_least(self, n_rows: int) -> Cohort:
        """
        The same cohort, refused when fewer than ``n_rows`` people are left.

        Raises
        ------
        NotEnoughData
            Too few rows; the message tells the flow that led there.
        """
        if len(self.table) < n_rows:
            path = "; ".join(f"{s.code} {s.n_before} -> {s.n_after}" for s in self.flow)
            raise NotEnoughData(
                f"{self.source}: {len(self.table)} rows are left, at least {n_rows} are needed"
                f"{' (' + path + ')' if path else ''}.",
                hint="Give a larger table or wider criteria.",
            )
        return self
