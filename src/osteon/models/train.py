"""
From a table with gaps to a model that gives a risk, its interval, and what it had to guess.

Order of work on the training rows: impute (m copies, the outcome left out so that a new patient can be
filled in the same way), encode, choose variables, tune by inner cross-validation, fit one learner on each
copy. A prediction is the mean of the m on the log-odds scale.

The first three steps see all training rows, also those that the inner folds hold out while tuning. They do
not see the outcome (choosing variables does), so the inner losses rank settings almost as a refit would, at a
third of the cost; the rows of the outer test fold are never seen by any step, so reported figures stay honest.

What the interval covers: the uncertainty of the estimated risk, not the spread of outcomes. For ``logistic``
that of the coefficients and of imputation, pooled by Rubin's rules; for other learners that of imputation, and
of the training sample too when ``TrainOptions.bootstrap`` is above 0.

Note codes: ``interval:imputation_only``, ``events_per_column:VALUE`` (below 10), ``knots:COLUMN:NUMBER`` (ties
left room for so few; 0 is a straight line), and those of :mod:`osteon.models.prepare`,
:mod:`osteon.models.linear` and :mod:`osteon.models.select`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from scipy.stats import norm

from osteon.cohort.encode import Encoder, fit_encoder, knot_positions
from osteon.cohort.impute import ImputeOptions, Imputer
from osteon.cohort.split import stratified_folds
from osteon.core.errors import ConfigError, NotEnoughData
from osteon.core.seeds import stream
from osteon.models.learners import Fitted, learner
from osteon.models.linear import FloatArray, LinearFit, binary, logit
from osteon.models.prepare import Prepared, Range, known_part, part, prepared
from osteon.models.search import METRICS, Tuned, tuned
from osteon.models.select import SELECTIONS, Selected, selected

__all__ = [
    "ModelSpec",
    "Prediction",
    "TrainOptions",
    "TrainedModel",
    "fitted_model",
    "train",
]

FEWEST_EVENTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """What to learn from: a name, a learner, its predictors, and spline knots (count) of curved ones."""

    name: str
    learner: str
    predictors: tuple[str, ...]
    knots: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        learner(self.learner)
        if not self.predictors or len(set(self.predictors)) < len(self.predictors):
            raise ConfigError(f"Model {self.name!r}: predictors are empty or named twice.")
        strange = sorted(set(self.knots) - set(self.predictors))
        if strange:
            raise ConfigError(f"Model {self.name!r}: knots for {strange[0]!r}, which is no predictor.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """
    How to learn.

    ``trials`` configurations are tried over ``inner_folds`` folds by ``tuning`` ("log_loss" or "auc");
    ``selection`` names a method of :mod:`osteon.models.select` or is None; ``bootstrap`` refits that many
    resamples to widen the interval by sampling error; ``native_missing`` leaves gaps open for learners
    that take them; ``processes`` work side by side in cross-validation and never change a number.
    """

    impute: ImputeOptions = field(default_factory=ImputeOptions)
    trials: int = 20
    inner_folds: int = 3
    tuning: str = "log_loss"
    selection: str | None = None
    bootstrap: int = 0
    level: float = 0.95
    native_missing: bool = False
    processes: int = 2

    def __post_init__(self) -> None:
        if self.tuning not in METRICS:
            raise ConfigError(f"Unknown tuning metric {self.tuning!r}.", hint=f"Known: {', '.join(METRICS)}.")
        if self.selection is not None and self.selection not in SELECTIONS:
            raise ConfigError(
                f"Unknown selection {self.selection!r}.", hint=f"Known: {', '.join(SELECTIONS)}."
            )
        if self.inner_folds < 2 or self.trials < 0 or self.bootstrap < 0 or self.processes < 1:
            raise ConfigError(
                "inner_folds needs 2 or more, processes 1 or more, trials and bootstrap 0 or more."
            )
        if not 0 < self.level < 1:
            raise ConfigError(f"level is {self.level}, expected a share between 0 and 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """
    Risks of patients.

    ``risk``, ``low``, ``high``: arrays (n,) in (0, 1); ``missing`` and ``out_of_range``: for each patient the
    predictors that were absent, or outside what training saw; ``n_missing``: their number, array (n,).
    """

    risk: FloatArray
    low: FloatArray
    high: FloatArray
    n_missing: NDArray[np.int64]
    missing: tuple[tuple[str, ...], ...]
    out_of_range: tuple[tuple[str, ...], ...]
    level: float = 0.95
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A fitted model; ``members`` are the fits on the m copies, ``resampled`` those on bootstrap resamples."""

    spec: ModelSpec
    options: TrainOptions
    seed: int
    used: tuple[str, ...]
    ranges: Mapping[str, Range]
    imputer: Imputer
    encoder: Encoder
    columns: tuple[str, ...]
    sources: Mapping[str, str]
    members: tuple[Fitted, ...]
    resampled: tuple[Fitted, ...]
    tuning: Tuned
    selection: Selected | None
    n: int
    events: int
    notes: tuple[str, ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The predictors that the fitted members really use."""
        live = {self.sources[column] for column in self.columns}
        return tuple(name for name in self.used if name in live)

    def completed(self, table: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
        """The m complete copies of the rows; equal rows are filled alike in any table."""
        rows = known_part(table, self.used, self.ranges)
        return self.imputer.transform(rows, rng=stream(self.seed, "complete"))

    def encoded(self, table: pd.DataFrame, copies: Sequence[pd.DataFrame]) -> tuple[FloatArray, ...]:
        """The columns (n, p) that each member sees."""
        return _encoded(self.encoder, self.columns, self.sources, table, copies, open_gaps=self.open_gaps)

    @property
    def open_gaps(self) -> bool:
        """Whether missing values are left to the learner."""
        return self.options.native_missing and learner(self.spec.learner).missing

    def predict(self, table: pd.DataFrame, *, copies: Sequence[pd.DataFrame] | None = None) -> Prediction:
        """
        The risk of each row with its interval, and what was missing or outside the training range.

        Parameters
        ----------
        table : DataFrame, shape (n, columns)
            Must hold every predictor; values may be missing. A gap is filled by the patient's own values and
            the model's seed, so the risk is the same alone, in a table and in another order of rows.
        copies : sequence of DataFrame, optional
            The completed rows, where they exist already.

        Raises
        ------
        SchemaError
            A predictor's column is absent.
        """
        rows = part(table, self.spec.predictors)
        filled = self.completed(rows) if copies is None else copies
        columns = self.encoded(rows, filled)
        etas = np.array([logit(member.predict(x)) for member, x in zip(self.members, columns, strict=True)])
        eta = etas.mean(axis=0)
        variance, notes = self._variance(etas, columns)
        half = norm.ppf(0.5 + self.options.level / 2) * np.sqrt(variance)
        missing = rows.isna().to_numpy()
        beyond = np.column_stack([
            self.ranges[name].outside(rows[name]) if name in self.ranges else np.zeros(len(rows), dtype=bool)
            for name in self.spec.predictors
        ])  # fmt: skip
        return Prediction(
            risk=expit(eta),
            low=expit(eta - half),
            high=expit(eta + half),
            n_missing=missing.sum(axis=1),
            missing=_named(missing, self.spec.predictors),
            out_of_range=_named(beyond, self.spec.predictors),
            level=self.options.level,
            notes=self.notes + notes,
        )

    def _variance(
        self, etas: FloatArray, columns: Sequence[FloatArray]
    ) -> tuple[FloatArray, tuple[str, ...]]:
        """The variance of the mean log-odds, and a note where part of it is unknown."""
        m = len(etas)
        between = etas.var(axis=0, ddof=1) if m > 1 else np.zeros(etas.shape[1])
        if self.resampled:
            spread = np.array([logit(fit.predict(columns[b % m])) for b, fit in enumerate(self.resampled)])
            return spread.var(axis=0, ddof=1) + between / m, ()
        within = np.zeros(etas.shape[1])
        known = 0
        for member, x in zip(self.members, columns, strict=True):
            if isinstance(member, LinearFit) and member.covariance is not None:
                within += member.logit_variance(x) / m
                known += 1
        return within + (1 + 1 / m) * between, () if known == m else ("interval:imputation_only",)


def train(
    table: pd.DataFrame, y_true: ArrayLike, *, spec: ModelSpec, options: TrainOptions | None = None, seed: int
) -> TrainedModel:
    """
    A model of the outcome given the predictors, learned from all rows of the table.

    Parameters
    ----------
    table : DataFrame, shape (n, columns)
        Cohort rows; other columns than ``spec.predictors`` are not looked at.
    y_true : array_like of 0 and 1, shape (n,)
    spec : ModelSpec
    options : TrainOptions, optional
    seed : int
        Equal inputs and seeds give equal models.

    Raises
    ------
    SchemaError
        A predictor's column is absent.
    NotEnoughData
        One class only, fewer than 10 events or non-events, or no predictor that varies.
    """
    options = options or TrainOptions()
    return fitted_model(
        prepared(table, spec.predictors, impute=options.impute, seed=seed),
        y_true,
        spec=spec,
        options=options,
        seed=seed,
    )


def fitted_model(
    rows: Prepared, y_true: ArrayLike, *, spec: ModelSpec, options: TrainOptions, seed: int
) -> TrainedModel:
    """The model that ``spec`` describes, learned from completed rows."""
    y = binary(y_true, n=len(rows.rows))
    fewest = int(min(y.sum(), len(y) - y.sum()))
    if fewest < FEWEST_EVENTS:
        raise NotEnoughData(
            f"Model {spec.name!r}: {fewest} rows in the smaller class, expected at least {FEWEST_EVENTS}.",
            hint="Use more rows, or a published score instead of a new model.",
        )
    way = learner(spec.learner)
    complete = pd.concat(rows.copies, ignore_index=True)
    knots, notes = _possible_knots(complete, spec.knots if way.splines else {})
    encoder = fit_encoder(complete, knots=knots, reference=way.reference or options.selection is not None)
    first = encoder.transform(rows.copies[0])
    sources = {term: code.name for code in encoder.columns for term in code.terms}
    choice: Selected | None = None
    columns = tuple(map(str, first.columns))
    if options.selection is not None:
        choice = selected(first, y, method=options.selection, sources=sources, seed=_whole(seed, "select"))
        columns = tuple(column for column in columns if sources[column] in choice.kept)
    gaps = options.native_missing and way.missing
    xs = _encoded(encoder, columns, sources, rows.rows, rows.copies, open_gaps=gaps)
    inner = stratified_folds(y, k=options.inner_folds, rng=stream(seed, "inner"))
    search = tuned(
        way, xs[0], y, folds=inner, trials=options.trials, metric=options.tuning,
        seed=_whole(seed, "tune"),
    )  # fmt: skip
    fit = _whole(seed, "fit")
    members = tuple(way.fit(x, y, params=search.params, seed=fit + k) for k, x in enumerate(xs))
    per_column = fewest / len(columns)
    return TrainedModel(
        spec=spec,
        options=options,
        seed=seed,
        used=rows.used,
        ranges=rows.ranges,
        imputer=rows.imputer,
        encoder=encoder,
        columns=columns,
        sources=sources,
        members=members,
        resampled=_resampled(xs, y, spec=spec, search=search, options=options, seed=seed),
        tuning=search,
        selection=choice,
        n=len(y),
        events=int(y.sum()),
        notes=(
            *rows.notes,
            *notes,
            *((f"events_per_column:{per_column:.0f}",) if per_column < 10 else ()),
            *(choice.notes if choice else ()),
            *dict.fromkeys(note for member in members for note in getattr(member, "notes", ())),
        ),
    )


def _encoded(
    encoder: Encoder,
    columns: tuple[str, ...],
    sources: Mapping[str, str],
    table: pd.DataFrame,
    copies: Sequence[pd.DataFrame],
    *,
    open_gaps: bool,
) -> tuple[FloatArray, ...]:
    """Float columns of each copy; with ``open_gaps`` cells of missing variables are NaN again."""
    xs = [encoder.transform(copy)[list(columns)].to_numpy(dtype=np.float64) for copy in copies]
    if open_gaps:
        gap = np.column_stack([table[sources[column]].isna().to_numpy() for column in columns])
        xs = [np.where(gap, np.nan, x) for x in xs]
    return tuple(xs)


def _resampled(
    xs: Sequence[FloatArray],
    y: FloatArray,
    *,
    spec: ModelSpec,
    search: Tuned,
    options: TrainOptions,
    seed: int,
) -> tuple[Fitted, ...]:
    """Fits on bootstrap resamples of the copies in turn, each class resampled within itself."""
    fits = []
    for b in range(options.bootstrap):
        rng = stream(seed, "bootstrap", b)
        rows = np.concatenate(
            [rng.choice(held, size=len(held)) for held in map(np.flatnonzero, (y == 0, y == 1))]
        )
        x = xs[b % len(xs)][rows]
        fits.append(learner(spec.learner).fit(x, y[rows], params=search.params, seed=b))
    return tuple(fits)


def _possible_knots(table: pd.DataFrame, wanted: Mapping[str, int]) -> tuple[dict[str, int], tuple[str, ...]]:
    """As many knots as the values allow (often equal values make knots coincide), and a note for each reduction."""
    possible: dict[str, int] = {}
    for name, k in wanted.items():
        for fewer in range(k, 2, -1) if name in table.columns else ():
            try:
                knot_positions(table[name], k=fewer)
            except NotEnoughData:
                continue
            possible[name] = fewer
            break
    reduced = {name: possible.get(name, 0) for name, k in wanted.items() if possible.get(name, 0) < k}
    return possible, tuple(f"knots:{name}:{k}" for name, k in reduced.items() if name in table.columns)


def _named(flags: NDArray[np.bool_], names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """For each row the names whose flag is set."""
    found: list[tuple[str, ...]] = [()] * len(flags)
    for row in np.flatnonzero(flags.any(axis=1)):
        found[row] = tuple(names[int(j)] for j in np.flatnonzero(flags[row]))
    return tuple(found)


def _whole(seed: int, *names: str | int) -> int:
    """A whole-number seed for libraries that want one."""
    return int(stream(seed, *names).integers(2**31 - 1000))
