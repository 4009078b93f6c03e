"""
Multiple imputation by chained equations, fitted on training rows and applied to any rows.

Every column is modelled given all others: numbers by predictive mean matching, flags and categories by
(multinomial) logistic regression, ordered levels by proportional odds, each with parameters drawn from their
posterior. The imputer keeps the last parameters of each chain and fills new rows by a few sweeps with them, so that
new rows never change what was learned. What a new row is filled with depends on its own observed values and the seed
alone, not on the rows beside it. Matrices are small, so linear algebra runs on one thread: many threads only wait for
each other, and would add up sums in another order. When a model will be fitted to the completed rows, the outcome
must be a column too.

Note codes: ``constant:<column>`` (one observed value), ``few-observed:<column>:<n>`` (fewer than 20 observed),
``ordinal-matched:<column>`` (proportional odds could not be fitted, so that its levels were matched by their scores).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from osteon.cohort.impute_columns import Column, columns_of, design, numbers, redundant, written
from osteon.cohort.impute_draws import Keys, RowDraws, mixed, row_keys
from osteon.cohort.impute_ordinal import OrderedStep, ordered_step
from osteon.cohort.impute_steps import ClassStep, ConstantStep, DonorStep, NormalStep, class_step, linear_step
from osteon.core.errors import ConfigError, NotEnoughData, SchemaError
from osteon.core.progress import advance

__all__ = ["ImputeOptions", "Imputer", "completed", "fit_imputer"]

Floats = NDArray[np.float64]
Step = ConstantStep | DonorStep | NormalStep | ClassStep | OrderedStep
FEW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImputeOptions:
    """
    How missing values are filled.

    Parameters
    ----------
    m : int
        Completed copies (chains).
    iterations : int
        Rounds over all columns while fitting.
    donors : int
        Size of the donor pool in predictive mean matching.
    method : {"chained", "paper"}
        ``"paper"`` draws numbers from a linear regression with normal error (they may leave the observed
        range) and ordered levels from a multinomial logistic regression.
    ordinal : {"proportional_odds", "pmm"}
        Ordered levels under ``"chained"``: proportional odds, or predictive mean matching of the scores 0, 1, 2, ...
    sweeps : int
        Rounds over the missing cells of new rows.
    ridge : float
        Share of the diagonal of the normal equations that is added to it, against collinear columns.
    """

    m: int = 5
    iterations: int = 10
    donors: int = 5
    method: Literal["chained", "paper"] = "chained"
    ordinal: Literal["proportional_odds", "pmm"] = "proportional_odds"
    sweeps: int = 5
    ridge: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("m", "iterations", "donors", "sweeps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected 1 or more.")
        if self.method not in ("chained", "paper"):
            raise ConfigError(f"method is {self.method!r}, expected 'chained' or 'paper'.")
        if self.ordinal not in ("proportional_odds", "pmm"):
            raise ConfigError(f"ordinal is {self.ordinal!r}, expected 'proportional_odds' or 'pmm'.")
        if self.ridge < 0:
            raise ConfigError(f"ridge is {self.ridge}, expected 0 or more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imputer:
    """
    Learned imputation: the columns and, per chain, the drawn step of each column (in the columns' order).

    ``order`` tells which column is filled first (the one least often missing in training).
    """

    columns: tuple[Column, ...]
    order: tuple[int, ...]
    chains: tuple[tuple[Step, ...], ...]
    sweeps: int
    notes: tuple[str, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """The columns the imputer knows, in order."""
        return tuple(column.name for column in self.columns)

    def transform(self, table: pd.DataFrame, *, rng: np.random.Generator) -> tuple[pd.DataFrame, ...]:
        """
        Complete copies of ``table``, one per chain; observed cells stay as they are.

        A row is filled in the same way alone, in any table and in any order of rows. So rows with the same observed
        values are filled alike within a copy (the copies differ): right for scoring patients one by one; to analyse
        a table of few distinct rows take :func:`completed`, where every row has draws of its own.

        Parameters
        ----------
        table : DataFrame
            Rows with all the columns the imputer was fitted on, in any order.
        rng : Generator
            Gives the seed of the draws, one number whatever the table; equal states give equal copies.

        Returns
        -------
        tuple of DataFrame
            Same index and columns as ``table``.

        Raises
        ------
        SchemaError
            A column is absent, unknown to the imputer, or holds text where numbers were learned.
        """
        absent = [name for name in self.names if name not in table.columns]
        unknown = [str(name) for name in table.columns if name not in self.names]
        if absent or unknown:
            raise SchemaError(
                f"imputer: columns absent {absent}, unknown {unknown}.",
                hint="Pass exactly the columns it was fitted on; fill absent ones with missing values.",
            )
        values = numbers(table, self.columns)
        missing = np.isnan(values)
        keys = row_keys(values, seed=int(rng.integers(2**64, dtype=np.uint64)))
        filled = (
            self._swept(values, missing, steps, mixed(keys, chain)) for chain, steps in enumerate(self.chains)
        )
        return tuple(written(table, self.columns, copy, missing) for copy in filled)

    def _swept(
        self, values: Floats, missing: NDArray[np.bool_], steps: tuple[Step, ...], keys: Keys
    ) -> Floats:
        """``values`` with missing cells drawn by learned steps; a row with one missing cell needs one sweep."""
        filled, columns = values.copy(), self.columns
        holes = [j for j in self.order if missing[:, j].any()]
        for j in holes:
            rows = np.flatnonzero(missing[:, j])
            filled[rows, j] = steps[j].start(len(rows), RowDraws(keys=mixed(keys[rows], j)))
        rows_design = design(filled, columns)
        several = missing.sum(axis=1) > 1
        for sweep in range(self.sweeps):
            for j in holes:
                rows = np.flatnonzero(missing[:, j] & several if sweep else missing[:, j])
                if len(rows):
                    draws = RowDraws(keys=mixed(keys[rows], (sweep + 1) * len(columns) + j))
                    filled[rows, j] = steps[j].draw(rows_design[rows], draws)
                    if columns[j].width:
                        rows_design[rows, columns[j].place] = columns[j].block(filled[rows, j])
        return filled


def fit_imputer(
    table: pd.DataFrame, *, options: ImputeOptions | None = None, rng: np.random.Generator
) -> Imputer:
    """
    Learn from training rows how to fill missing values.

    Parameters
    ----------
    table : DataFrame
        Training rows: numbers, flags (0/1), categories; no identifiers or dates. Columns without missing values
        are learned too, so that new rows may lack them.
    options : ImputeOptions, optional
        ``ImputeOptions()`` when not given.
    rng : Generator
        Source of the draws.

    Returns
    -------
    Imputer
        To be applied with :meth:`Imputer.transform`. It holds observed values of the training rows (the donor
        pools), column by column.

    Raises
    ------
    NotEnoughData
        A column has no observed value at all, or there are fewer than two rows.

    Source
    ------
    van Buuren & Groothuis-Oudshoorn (2011), mice, J Stat Softw 45(3).
    """
    with threadpool_limits(1):
        return _chained(table, options or ImputeOptions(), rng)[0]


def completed(
    table: pd.DataFrame, *, options: ImputeOptions | None = None, rng: np.random.Generator
) -> tuple[pd.DataFrame, ...]:
    """
    Complete copies of one table for an analysis of that table itself, to be pooled by Rubin's rules.

    The outcome of the analysis must be among the columns. For prediction use :func:`fit_imputer`.
    """
    with threadpool_limits(1):
        return _chained(table, options or ImputeOptions(), rng)[1]


def _chained(
    table: pd.DataFrame, options: ImputeOptions, rng: np.random.Generator
) -> tuple[Imputer, tuple[pd.DataFrame, ...]]:
    """The imputer and the training rows as its chains completed them."""
    if len(table) < 2:
        raise NotEnoughData(f"imputation: {len(table)} row(s), expected at least 2.")
    columns, notes = columns_of(table)
    values = numbers(table, columns)
    missing = np.isnan(values)
    counts = (~missing).sum(axis=0)
    notes += tuple(f"few-observed:{c.name}:{n}" for c, n in zip(columns, counts, strict=True) if n < FEW)
    predictors = _predictors(columns, redundant(values, columns))
    starts: dict[int, Floats] = {}
    chains, copies = [], []
    matched: set[str] = set()
    for chain, stream in enumerate(rng.spawn(options.m)):
        work = _Work(values, missing, columns, predictors, options, stream, starts)
        chains.append(work.run())
        matched |= work.matched
        copies.append(written(table, columns, work.values, missing))
        advance("impute", chain + 1, options.m)
    notes += tuple(f"ordinal-matched:{name}" for name in sorted(matched))
    order = np.argsort(-counts, kind="stable").tolist()
    imputer = Imputer(
        columns=columns, order=tuple(order), chains=tuple(chains), sweeps=options.sweeps, notes=notes
    )
    return imputer, tuple(copies)


class _Work:
    """One chain while it is fitted: the filled values, their design, and the design's cross-products."""

    def __init__(
        self,
        values: Floats,
        missing: NDArray[np.bool_],
        columns: tuple[Column, ...],
        predictors: Mapping[int, NDArray[np.intp]],
        options: ImputeOptions,
        rng: np.random.Generator,
        starts: dict[int, Floats],
    ) -> None:
        self.values, self.missing, self.columns, self.predictors = values.copy(), missing, columns, predictors
        self.options, self.rng, self.starts = options, rng, starts
        self.matched: set[str] = set()  # ordered columns whose regression failed
        self.observed = [np.flatnonzero(~missing[:, j]) for j in range(len(columns))]
        self.absent = [np.flatnonzero(missing[:, j]) for j in range(len(columns))]
        for j, rows in enumerate(self.absent):
            if len(rows):
                self.values[rows, j] = rng.choice(values[self.observed[j], j], size=len(rows))
        self.rows = design(self.values, columns)
        self.gram = self.rows.T @ self.rows

    def run(self) -> tuple[Step, ...]:
        """All iterations; then one draw for the columns that were complete."""
        order = sorted(
            (j for j in range(len(self.columns)) if len(self.absent[j])), key=lambda j: len(self.absent[j])
        )
        steps: dict[int, Step] = {}
        for _ in range(self.options.iterations):
            for j in order:
                steps[j] = self.step(j)
                self.fill(j, steps[j])
        for j in range(len(self.columns)):
            if j not in steps:
                steps[j] = self.step(j)
        return tuple(steps[j] for j in range(len(self.columns)))

    def fill(self, j: int, step: Step) -> None:
        """Draw the missing cells of column ``j`` and bring the design up to date."""
        rows, column = self.absent[j], self.columns[j]
        self.values[rows, j] = step.draw(self.rows[rows], self.rng)
        if column.width:
            place = column.place
            self.rows[rows, place] = column.block(self.values[rows, j])
            self.gram[:, place] = self.rows.T @ self.rows[:, place]
            self.gram[place, :] = self.gram[:, place].T

    def step(self, j: int) -> Step:
        """The step of column ``j`` with newly drawn parameters."""
        column, seen, options = self.columns[j], self.observed[j], self.options
        known = self.values[seen, j]
        if column.kind == "constant":
            return ConstantStep(value=float(known[0]))
        rows = self.rows[seen] if len(self.absent[j]) else self.rows
        start, chosen = self.starts.get(j), self.predictors[j]
        if column.kind in ("flag", "category") or (column.kind == "ordinal" and options.method == "paper"):
            step, self.starts[j] = class_step(
                rows, values=known, predictors=chosen, ridge=options.ridge, start=start, rng=self.rng
            )
            return step
        if column.kind == "ordinal" and options.ordinal == "proportional_odds":
            found = ordered_step(
                rows, values=known, predictors=chosen, ridge=options.ridge, start=start, rng=self.rng
            )
            if found is not None:
                self.starts[j] = found[1]
                return found[0]
            self.matched.add(column.name)
        target = (known - column.center) / column.scale
        return linear_step(
            rows,
            self.gram_of_observed(j, target),
            values=known,
            predictors=chosen,
            center=column.center,
            scale=column.scale,
            donors=options.donors if options.method == "chained" else 0,
            ridge=options.ridge,
            rng=self.rng,
        )

    def gram_of_observed(self, j: int, target: Floats) -> Floats:
        """Cross-products of the rows where column ``j`` is observed, the standardised column itself last."""
        seen, gone = self.observed[j], self.absent[j]
        if len(gone) <= len(seen):  # the fewer rows, the cheaper
            lost = self.rows[gone]
            gram = self.gram - lost.T @ lost
        else:
            kept = self.rows[seen]
            gram = kept.T @ kept
        own = gram[:, self.columns[j].place]
        return np.block([[gram, own], [own.T, np.array([[target @ target]])]])


def _predictors(columns: tuple[Column, ...], twins: Mapping[int, int]) -> dict[int, NDArray[np.intp]]:
    """Design columns that each column's step may use: all but its own, and of near copies only the first."""
    chosen = {}
    for j in range(len(columns)):
        used = [np.array([0])]
        for k, column in enumerate(columns):
            if k != j and (k not in twins or twins[k] == j):
                used.append(np.arange(column.place.start, column.place.stop))
        chosen[j] = np.concatenate(used).astype(np.intp)
    return chosen
