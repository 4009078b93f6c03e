"""
Why a model gives the risk it gives: SHAP values, partial dependence, permutation importance.

Everything is told per variable as the clinician knows it: the columns that encode one variable (levels,
spline terms) are summed, and the m completed copies are averaged. Explanations describe the model, not the
cause of fractures.

Note codes: ``filled:COUNT`` (cells of the explained rows that were imputed), ``members_on_risk_scale`` (a
forest adds up on the risk scale, and the members' risks are averaged there).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit

from osteon.cohort.schema import kind_of
from osteon.core.errors import ConfigError, NotEnoughData
from osteon.core.seeds import stream
from osteon.models.learners import Boosted, Fitted, Forest
from osteon.models.linear import FloatArray, LinearFit, binary, logit
from osteon.models.prepare import part
from osteon.models.search import loss
from osteon.models.train import TrainedModel

__all__ = [
    "Importance",
    "PartialDependence",
    "Shap",
    "partial_dependence",
    "permutation_importance",
    "shap_values",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shap:
    """
    Each variable's share in each row's prediction.

    ``values``: (n, variables), adding up with ``base`` to the model's output on ``scale``; ``feature_values``:
    the rows as given, gaps included; ``variables``: names, in the order of the columns of ``values``.
    """

    values: FloatArray
    base: float
    feature_values: pd.DataFrame
    variables: tuple[str, ...]
    scale: Literal["log_odds", "risk"]
    notes: tuple[str, ...] = ()

    @property
    def importance(self) -> dict[str, float]:
        """The mean absolute value of each variable, largest first."""
        size = np.abs(self.values).mean(axis=0)
        order = np.argsort(-size, kind="stable")
        return {self.variables[j]: float(size[j]) for j in order}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialDependence:
    """
    The mean predicted risk if everybody had each value of one variable.

    ``grid``: values or levels (g,); ``risk``: (g,); ``low`` and ``high``: (g,), between which 95 % of the
    individual curves lie (the spread between people, not a confidence interval).
    """

    variable: str
    grid: tuple[float | str, ...]
    risk: FloatArray
    low: FloatArray
    high: FloatArray
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """How much worse the prediction gets when one variable is shuffled: the mean and its spread over shuffles."""

    metric: str
    baseline: float
    variables: tuple[str, ...]
    rise: FloatArray
    sd: FloatArray
    n: int
    events: int


def shap_values(
    model: TrainedModel,
    table: pd.DataFrame,
    *,
    background: pd.DataFrame | None = None,
    most_background: int = 50,
    seed: int = 0,
) -> Shap:
    """
    SHAP values of the rows of ``table``.

    Exact for linear models (independent columns) and for trees (as their training rows ran through them);
    by permutation over a background sample for all other learners. Forests and the permutation method take
    long (a forest about .02 s a row): pass few rows.

    Parameters
    ----------
    table : DataFrame, shape (n, columns)
    background : DataFrame, optional
        The people a patient is compared with (linear and other learners); ``table`` itself if not given.
    most_background : int
        Rows of it that the permutation method uses.

    Source
    ------
    Lundberg & Lee (2017), NeurIPS 30; Lundberg et al. (2020), Nature Machine Intelligence 2:56-67.
    """
    if not len(table):
        raise NotEnoughData("No row to explain.")
    rows = part(table, model.spec.predictors)
    xs = model.encoded(rows, model.completed(rows))
    if background is None:
        others, xs_behind = rows, xs
    else:
        others = part(background, model.spec.predictors)
        xs_behind = model.encoded(others, model.completed(others))
    picked = stream(seed, "background").permutation(len(others))[:most_background]
    m = len(model.members)
    columns, base = np.zeros(xs[0].shape), 0.0
    for member, x, behind in zip(model.members, xs, xs_behind, strict=True):
        values, start = _column_values(member, x, behind, picked=picked, seed=seed)
        columns += values / m
        base += start / m
    variables = model.variables
    of = np.array([variables.index(model.sources[column]) for column in model.columns])
    summed = np.zeros((len(rows), len(variables)))
    np.add.at(summed.T, of, columns.T)
    forest = isinstance(model.members[0], Forest)
    gaps = int(rows[list(variables)].isna().to_numpy().sum())
    return Shap(
        values=summed,
        base=base,
        feature_values=rows[list(variables)],
        variables=variables,
        scale="risk" if forest else "log_odds",
        notes=((f"filled:{gaps}",) if gaps else ()) + (("members_on_risk_scale",) if forest else ()),
    )


def _column_values(
    member: Fitted, x: FloatArray, behind: FloatArray, *, picked: Any, seed: int
) -> tuple[FloatArray, float]:
    """SHAP values per encoded column (n, p) of one member, and the base they start from."""
    if isinstance(member, LinearFit):
        mean = behind.mean(axis=0)
        return (x - mean) * member.coefficients, member.intercept + float(mean @ member.coefficients)
    if isinstance(member, Boosted):
        both = member.contributions(x)
        return both[:, :-1], float(both[0, -1])
    shap = _shap_library()
    if isinstance(member, Forest):
        explainer = shap.TreeExplainer(member.estimator)
        values = np.asarray(explainer.shap_values(x, check_additivity=False), dtype=np.float64)
        return values[:, :, 1], float(explainer.expected_value[1])

    def output(given: FloatArray) -> FloatArray:
        return logit(member.predict(given))

    explainer = shap.PermutationExplainer(
        output, shap.maskers.Independent(behind[picked], len(picked)), seed=seed
    )
    told = explainer(x, max_evals=2 * x.shape[1] + 1, silent=True)
    return np.asarray(told.values, dtype=np.float64), float(np.mean(told.base_values))


def _shap_library() -> Any:
    """The shap package, whose import warns about colour maps that osteon does not use."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=PendingDeprecationWarning, module="shap")
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="shap")
        import shap
    return shap


def _risk(model: TrainedModel, table: pd.DataFrame, copies: Sequence[pd.DataFrame]) -> FloatArray:
    """Risks of completed rows."""
    xs = model.encoded(table, copies)
    etas = [logit(member.predict(x)) for member, x in zip(model.members, xs, strict=True)]
    risk: FloatArray = expit(np.mean(etas, axis=0))
    return risk


def partial_dependence(
    model: TrainedModel, table: pd.DataFrame, *, variable: str, points: int = 20, most_rows: int = 500
) -> PartialDependence:
    """
    Mean risk over the rows of ``table`` with one variable set to each of a range of values in turn.

    Parameters
    ----------
    variable : str
        A predictor of the model.
    points : int
        Grid points between the 2nd and 98th percentile of a number; categories use their levels.
    most_rows : int
        Rows beyond that number are left out at random.

    Raises
    ------
    ConfigError
        The model does not use that variable.
    """
    if variable not in model.variables:
        raise ConfigError(
            f"{variable!r} is not used by model {model.spec.name!r}.",
            hint=f"Used: {', '.join(model.variables)}.",
        )
    rows = part(table, model.spec.predictors)
    if len(rows) > most_rows:
        rows = rows.iloc[np.sort(stream(model.seed, "dependence").permutation(len(rows))[:most_rows])]
    copies = model.completed(rows)
    grid = _grid(model, rows[variable], points)
    curves = np.array(
        [_risk(model, _with(rows, variable, v), [_with(c, variable, v) for c in copies]) for v in grid]
    )
    low, high = np.quantile(curves, [0.025, 0.975], axis=1)
    return PartialDependence(
        variable=variable, grid=grid, risk=curves.mean(axis=1), low=low, high=high, n=len(rows)
    )


def _grid(model: TrainedModel, column: pd.Series, points: int) -> tuple[float | str, ...]:
    levels = model.ranges[str(column.name)].levels
    if levels:
        return levels
    known = column.dropna().to_numpy(dtype=np.float64)
    if not len(known):
        raise NotEnoughData(f"{column.name!r} is missing in all {len(column)} rows.")
    if kind_of(column) == "flag":
        return (0.0, 1.0)  # also where all rows at hand say the same
    distinct = np.unique(known)
    if len(distinct) <= points:
        return tuple(distinct.tolist())
    low, high = np.quantile(known, [0.02, 0.98])
    return tuple(np.linspace(low, high, points).tolist())


def _with(table: pd.DataFrame, variable: str, value: float | str) -> pd.DataFrame:
    """The table with one variable set to one value in all rows."""
    changed = table.copy()
    column = table[variable]
    if isinstance(column.dtype, pd.CategoricalDtype):
        changed[variable] = pd.Categorical([value] * len(table), dtype=column.dtype)
    else:
        changed[variable] = float(value)
    return changed


def permutation_importance(
    model: TrainedModel,
    table: pd.DataFrame,
    y_true: ArrayLike,
    *,
    metric: str = "auc",
    shuffles: int = 5,
    seed: int,
) -> Importance:
    """
    The loss in AUC (or rise in log-loss) when one variable is shuffled between people.

    Give rows the model was not trained on; on training rows it measures what was memorised.

    Source
    ------
    Breiman (2001), Machine Learning 45:5-32.
    """
    rows = part(table, model.spec.predictors)
    y = binary(y_true, n=len(rows))
    copies = model.completed(rows)
    baseline = loss(y, _risk(model, rows, copies), metric=metric)
    rises = np.zeros((len(model.variables), shuffles))
    for j, variable in enumerate(model.variables):
        for s in range(shuffles):
            order = stream(seed, variable, s).permutation(len(rows))
            mixed = [_mixed(copy, variable, order) for copy in copies]
            rises[j, s] = (
                loss(y, _risk(model, _mixed(rows, variable, order), mixed), metric=metric) - baseline
            )
    return Importance(
        metric=metric,
        baseline=baseline,
        variables=model.variables,
        rise=rises.mean(axis=1),
        sd=rises.std(axis=1, ddof=1) if shuffles > 1 else np.full(len(rises), np.nan),
        n=len(y),
        events=int(y.sum()),
    )


def _mixed(table: pd.DataFrame, variable: str, order: Any) -> pd.DataFrame:
    """The table with one column's values dealt out in another order."""
    changed = table.copy()
    changed[variable] = table[variable].iloc[order].set_axis(table.index)
    return changed
