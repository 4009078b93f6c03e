"""
Honest performance: every figure comes from rows that no step of the training has seen.

Nested cross-validation (imputation, encoding, choice of variables and tuning inside each outer training
set), hold-out and temporal tests, and Harrell's optimism-corrected apparent performance. Outer folds run side
by side; results depend on the seed alone, never on the number of processes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits

from osteon.cohort.split import grouped_folds, stratified_folds, temporal_split
from osteon.core.errors import ConfigError, NotEnoughData
from osteon.core.progress import advance
from osteon.core.seeds import stream
from osteon.models.checkpoint import FoldResult, fold_key, recalled, stored
from osteon.models.linear import FloatArray, binary, logit
from osteon.models.prepare import part, prepared
from osteon.models.search import loss
from osteon.models.train import ModelSpec, TrainedModel, TrainOptions, fitted_model, train

__all__ = [
    "CrossValidated",
    "HeldOut",
    "Optimism",
    "holdout",
    "nested_cv",
    "nested_cv_many",
    "optimism",
    "temporal",
]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidated:
    """
    Out-of-fold predictions.

    ``risk``: (n,), the mean over repeats on the log-odds scale; ``risks``: (repeats, n); ``fold``: (n,) of the
    first repeat; ``folds``: (repeats, n); ``fold_auc``, ``chosen`` (settings), ``kept`` (variables), ``seconds``:
    one entry per repeat and fold, in order; ``auc_by_repeat``: the AUC over all rows of each repeat.
    """

    name: str
    risk: FloatArray
    risks: FloatArray
    fold: IntArray
    folds: IntArray
    fold_auc: tuple[float, ...]
    auc_by_repeat: tuple[float, ...]
    chosen: tuple[Mapping[str, Any], ...]
    kept: tuple[tuple[str, ...], ...]
    seconds: tuple[float, ...]
    n: int
    events: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Predictions for rows set aside: their positions ``index``, ``risk``, and the model trained on the others."""

    index: IntArray
    risk: FloatArray
    model: TrainedModel
    n_train: int
    n: int
    events: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimism:
    """Apparent AUC, the mean optimism over bootstrap resamples, and their difference."""

    apparent: float
    optimism: float
    corrected: float
    n: int
    events: int
    n_resamples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """One outer fold of one set of predictors: the rows to learn from, those held out, and the models to make."""

    rows: pd.DataFrame
    y: FloatArray
    held: IntArray
    repeat: int
    fold: int
    specs: tuple[ModelSpec, ...]
    options: TrainOptions
    seed: int
    checkpoint: Path | None


def nested_cv(
    table: pd.DataFrame,
    y_true: ArrayLike,
    *,
    spec: ModelSpec,
    options: TrainOptions | None = None,
    folds: int = 5,
    repeats: int = 1,
    groups: ArrayLike | None = None,
    seed: int,
    checkpoint: Path | None = None,
) -> CrossValidated:
    """Nested cross-validation of one model; see :func:`nested_cv_many`."""
    return nested_cv_many(
        table, y_true, [spec], options=options, folds=folds, repeats=repeats, groups=groups, seed=seed,
        checkpoint=checkpoint,
    )[spec.name]  # fmt: skip


def nested_cv_many(
    table: pd.DataFrame,
    y_true: ArrayLike,
    specs: Sequence[ModelSpec],
    *,
    options: TrainOptions | None = None,
    folds: int = 5,
    repeats: int = 1,
    groups: ArrayLike | None = None,
    seed: int,
    checkpoint: Path | None = None,
) -> dict[str, CrossValidated]:
    """
    Out-of-fold risks of several models on the same folds, so that they can be compared row by row.

    Models with the same predictors share each fold's completed copies.

    Parameters
    ----------
    table : DataFrame, shape (n, columns)
    y_true : array_like of 0 and 1, shape (n,)
    specs : sequence of ModelSpec
    options : TrainOptions, optional
    folds, repeats : int
        Outer folds, and how often they are drawn anew.
    groups : array_like, shape (n,), optional
        Rows of one group (a patient, a site) stay together.
    seed : int
        Decides folds and models; a model alone gets the figures it gets among others.
    checkpoint : Path, optional
        Folder that keeps each finished model and fold; a broken-off run goes on from there.

    Raises
    ------
    NotEnoughData
        One class only, or too few events in a fold's training rows.
    ConfigError
        Two models of one name.
    """
    options = options or TrainOptions()
    y = binary(y_true, n=len(table))
    names = [spec.name for spec in specs]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"Models need names of their own, got {names}.")
    drawn = [_folds(y, groups, k=folds, seed=seed, repeat=repeat) for repeat in range(repeats)]
    units = [
        _Unit(
            rows=part(table, predictors), y=y, held=held, repeat=repeat, fold=fold,
            specs=tuple(spec for spec in specs if spec.predictors == predictors), options=options,
            seed=int(stream(seed, "fold", repeat, fold).integers(2**31)), checkpoint=checkpoint,
        )
        for repeat, parts in enumerate(drawn)
        for fold, held in enumerate(parts)
        for predictors in dict.fromkeys(spec.predictors for spec in specs)
    ]  # fmt: skip
    results: dict[tuple[str, int, int], FoldResult] = {}
    advance("cross_validation", 0, len(units))
    for done, (unit, found) in enumerate(_finished(units, options.processes), start=1):
        for spec, result in zip(unit.specs, found, strict=True):
            results[spec.name, unit.repeat, unit.fold] = result
        advance("cross_validation", done, len(units))
    return {name: _gathered(name, y, drawn, results) for name in names}


def _folds(y: FloatArray, groups: ArrayLike | None, *, k: int, seed: int, repeat: int) -> list[IntArray]:
    rng = stream(seed, "outer", repeat)
    parts = stratified_folds(y, k=k, rng=rng) if groups is None else grouped_folds(groups, y, k=k, rng=rng)
    return [np.asarray(split.test, dtype=np.int64) for split in parts]


def _finished(units: Sequence[_Unit], processes: int) -> Iterator[tuple[_Unit, tuple[FoldResult, ...]]]:
    """Units as they end, here or in worker processes."""
    if processes == 1 or len(units) == 1:
        for unit in units:
            yield unit, _fold_results(unit)
        return
    from joblib import Parallel, delayed

    work = Parallel(n_jobs=processes, return_as="generator_unordered", batch_size=1)
    for place, found in work(delayed(_placed)(place, unit) for place, unit in enumerate(units)):
        yield units[place], found


def _placed(place: int, unit: _Unit) -> tuple[int, tuple[FoldResult, ...]]:
    return place, _fold_results(unit)


def _fold_results(unit: _Unit) -> tuple[FoldResult, ...]:
    """Every model of the unit, fitted without the held-out rows; finished ones are recalled."""
    keys = [
        fold_key(unit.rows, unit.y, unit.held, spec=spec, options=unit.options, seed=unit.seed)
        if unit.checkpoint
        else ""
        for spec in unit.specs
    ]
    kept = [recalled(unit.checkpoint, key) if unit.checkpoint else None for key in keys]
    if all(found is not None for found in kept):
        return tuple(found for found in kept if found is not None)
    with threadpool_limits(1):  # one thread a process: no crowding, and sums in one order on any machine
        return _made(unit, keys, kept)


def _made(unit: _Unit, keys: Sequence[str], kept: Sequence[FoldResult | None]) -> tuple[FoldResult, ...]:
    """The models of the unit in order, those of ``kept`` as they are."""
    inside = np.setdiff1d(np.arange(len(unit.y)), unit.held)
    learned = prepared(
        unit.rows.iloc[inside], unit.specs[0].predictors, impute=unit.options.impute, seed=unit.seed
    )
    held = unit.rows.iloc[unit.held]
    copies: tuple[pd.DataFrame, ...] | None = None
    results = []
    for spec, key, found in zip(unit.specs, keys, kept, strict=True):
        if found is None:
            start = time.perf_counter()
            model = fitted_model(learned, unit.y[inside], spec=spec, options=unit.options, seed=unit.seed)
            copies = model.completed(held) if copies is None else copies
            found = FoldResult(
                risk=model.predict(held, copies=copies).risk,
                chosen=dict(model.tuning.params),
                kept=model.variables,
                notes=model.notes,
                seconds=time.perf_counter() - start,
            )
            if unit.checkpoint:
                stored(unit.checkpoint, key, found)
        results.append(found)
    return tuple(results)


def _gathered(
    name: str,
    y: FloatArray,
    drawn: Sequence[Sequence[IntArray]],
    results: Mapping[tuple[str, int, int], FoldResult],
) -> CrossValidated:
    """One model's folds put together in the order of the rows."""
    risks = np.full((len(drawn), len(y)), np.nan)
    folds = np.zeros((len(drawn), len(y)), dtype=np.int64)
    each: list[FoldResult] = []
    aucs: list[float] = []
    for repeat, parts in enumerate(drawn):
        for fold, held in enumerate(parts):
            result = results[name, repeat, fold]
            risks[repeat, held], folds[repeat, held] = result.risk, fold
            one_class = y[held].min() == y[held].max()
            aucs.append(np.nan if one_class else 1 - loss(y[held], result.risk, metric="auc"))
            each.append(result)
    return CrossValidated(
        name=name,
        risk=risks[0] if len(risks) == 1 else expit(logit(risks).mean(axis=0)),
        risks=risks,
        fold=folds[0],
        folds=folds,
        fold_auc=tuple(aucs),
        auc_by_repeat=tuple(1 - loss(y, risk, metric="auc") for risk in risks),
        chosen=tuple(result.chosen for result in each),
        kept=tuple(result.kept for result in each),
        seconds=tuple(result.seconds for result in each),
        n=len(y),
        events=int(y.sum()),
        notes=tuple(dict.fromkeys(note for result in each for note in result.notes)),
    )


def holdout(
    table: pd.DataFrame,
    y_true: ArrayLike,
    *,
    spec: ModelSpec,
    test: ArrayLike,
    options: TrainOptions | None = None,
    seed: int,
) -> HeldOut:
    """
    Train on the rows outside ``test`` and predict those inside.

    Parameters
    ----------
    test : array_like of bool (n,), or of row positions
    """
    given = np.asarray(test)
    index = np.flatnonzero(given) if given.dtype == bool else np.unique(given.astype(np.int64))
    inside = np.setdiff1d(np.arange(len(table)), index)
    if not len(index) or not len(inside):
        raise NotEnoughData(f"{len(inside)} rows to learn from and {len(index)} to test on; both are needed.")
    y = binary(y_true, n=len(table))
    model = train(table.iloc[inside], y[inside], spec=spec, options=options, seed=seed)
    predicted = model.predict(table.iloc[index])
    return HeldOut(
        index=index,
        risk=predicted.risk,
        model=model,
        n_train=len(inside),
        n=len(index),
        events=int(y[index].sum()),
        notes=predicted.notes,
    )


def temporal(
    table: pd.DataFrame,
    y_true: ArrayLike,
    *,
    spec: ModelSpec,
    order: ArrayLike,
    cut: Any,
    options: TrainOptions | None = None,
    seed: int,
) -> HeldOut:
    """Train on rows whose ``order`` (year, date) is at most ``cut`` and predict the later ones."""
    return holdout(
        table,
        y_true,
        spec=spec,
        test=temporal_split(order, cut=cut).test,
        options=options,
        seed=seed,
    )


def optimism(
    table: pd.DataFrame,
    y_true: ArrayLike,
    *,
    spec: ModelSpec,
    options: TrainOptions | None = None,
    n_resamples: int = 100,
    seed: int,
) -> Optimism:
    """
    Harrell's optimism-corrected AUC: how much better a model looks on its own rows than on the others.

    Every resample repeats the whole training, choice of variables and tuning included.

    Source
    ------
    Harrell, Lee & Mark (1996), Statistics in Medicine 15:361-387.
    """
    y = binary(y_true, n=len(table))

    def auc_on(model: TrainedModel, rows: pd.DataFrame, truth: FloatArray) -> float:
        return 1 - loss(truth, model.predict(rows).risk, metric="auc")

    apparent = auc_on(train(table, y, spec=spec, options=options, seed=seed), table, y)
    gaps = []
    for b in range(n_resamples):
        rng = stream(seed, "optimism", b)
        drawn = np.concatenate(
            [rng.choice(held, size=len(held)) for held in map(np.flatnonzero, (y == 0, y == 1))]
        )
        model = train(
            table.iloc[drawn].reset_index(drop=True), y[drawn], spec=spec, options=options, seed=seed + b
        )
        gaps.append(auc_on(model, table.iloc[drawn], y[drawn]) - auc_on(model, table, y))
        advance("optimism", b + 1, n_resamples)
    gap = float(np.mean(gaps))
    return Optimism(
        apparent=apparent,
        optimism=gap,
        corrected=apparent - gap,
        n=len(y),
        events=int(y.sum()),
        n_resamples=n_resamples,
    )
