"""
Choosing predictors with a learner, to be run inside the resampling.

Works on encoded columns; a variable with several columns (levels, splines) is kept or dropped as a whole.
Choosing on all rows and then cross-validating is the commonest way to find signal in noise: give the name to
``TrainOptions.selection`` instead, so that every training set chooses for itself.

Reason codes of dropped variables: ``univariate_p:VALUE``, ``multivariate_p:VALUE``, ``coefficient_zero``,
``importance:VALUE``, ``constant``. Note code: ``none_passed`` (nothing passed; the strongest one is kept).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from osteon.core.errors import ConfigError
from osteon.core.seeds import stream
from osteon.models.learners import LEARNERS, dealt
from osteon.models.linear import FloatArray, LinearFit, binary, elastic_net_fit, logistic_fit, penalty_ceiling
from osteon.models.search import loss

__all__ = ["SELECTIONS", "Dropped", "Selected", "selected", "stability"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A variable left out and why (a reason code)."""

    variable: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """
    The chosen variables.

    ``coefficients`` are log-odds per column's unit for regressions and the loss added by shuffling for forests,
    by column or variable.
    """

    method: str
    kept: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    coefficients: Mapping[str, float]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Groups:
    """Encoded columns, and which of them belong to which variable."""

    x: FloatArray
    y: FloatArray
    columns: tuple[str, ...]
    of: Mapping[str, tuple[int, ...]]

    def part(self, variables: Sequence[str]) -> FloatArray:
        picked: FloatArray = self.x[:, [j for name in variables for j in self.of[name]]]
        return picked


def selected(
    encoded: pd.DataFrame, y_true: ArrayLike, *, method: str, sources: Mapping[str, str], seed: int
) -> Selected:
    """
    The variables that ``method`` keeps.

    Parameters
    ----------
    encoded : DataFrame, shape (n, p)
        Complete, scaled columns of training rows.
    y_true : array_like of 0 and 1, shape (n,)
    method : str
        One of ``SELECTIONS``: ``univariate_multivariate``, ``lasso``, ``elastic_net``, ``random_forest``.
    sources : mapping
        For each column the variable it encodes.
    seed : int
        For the folds and the forest.

    Raises
    ------
    ConfigError
        Another method.
    """
    if method not in SELECTIONS:
        raise ConfigError(f"Unknown selection {method!r}.", hint=f"Known: {', '.join(SELECTIONS)}.")
    y = binary(y_true, n=len(encoded))
    of: dict[str, tuple[int, ...]] = {}
    constant: list[str] = []
    x = encoded.to_numpy(dtype=np.float64)
    for j, column in enumerate(encoded.columns):
        of[sources[column]] = (*of.get(sources[column], ()), j)
    for variable, places in list(of.items()):
        if (x[:, places].std(axis=0) < 1e-10).all():
            constant.append(variable)
            del of[variable]
    groups = _Groups(x, y, tuple(map(str, encoded.columns)), of)
    chosen = SELECTIONS[method](groups, seed)
    dropped = (*(Dropped(variable=v, reason="constant") for v in constant), *chosen.dropped)
    return Selected(
        method=method, kept=chosen.kept, dropped=dropped, coefficients=chosen.coefficients, notes=chosen.notes
    )


def stability(selections: Sequence[Selected]) -> dict[str, float]:
    """
    How often each variable was kept over several selections (folds), as a share from 0 to 1, commonest first.

    Examples
    --------
    >>> one = Selected(method="lasso", kept=("age",), dropped=(), coefficients={})
    >>> two = Selected(method="lasso", kept=("age", "bmi"), dropped=(), coefficients={})
    >>> stability([one, two])
    {'age': 1.0, 'bmi': 0.5}
    """
    names = {d.variable for s in selections for d in s.dropped} | {v for s in selections for v in s.kept}
    share = {name: sum(name in s.kept for s in selections) / len(selections) for name in names}
    return dict(sorted(share.items(), key=lambda item: (-item[1], item[0])))


def _outcome(groups: _Groups, strength: Mapping[str, float], reasons: Mapping[str, str]) -> Selected:
    """Kept = every variable without a reason to go; where none is left, the strongest."""
    kept = tuple(v for v in groups.of if v not in reasons)
    notes: tuple[str, ...] = ()
    if not kept:
        kept, notes = (max(groups.of, key=lambda v: strength[v]),), ("none_passed",)
    fit = logistic_fit(groups.part(kept), groups.y)
    names = [groups.columns[j] for v in kept for j in groups.of[v]]
    return Selected(
        method="",
        kept=kept,
        dropped=tuple(Dropped(variable=v, reason=r) for v, r in reasons.items() if v not in kept),
        coefficients=dict(zip(names, fit.coefficients.tolist(), strict=True)),
        notes=notes + fit.notes,
    )


def _univariate_multivariate(
    groups: _Groups, seed: int, *, p_univariate: float = 0.10, p_multivariate: float = 0.05
) -> Selected:
    """Likelihood-ratio tests one variable at a time, then backward elimination among those that passed."""
    empty = logistic_fit(groups.x[:, :0], groups.y).log_likelihood
    p_alone = {
        v: float(
            chi2.sf(2 * (logistic_fit(groups.part([v]), groups.y).log_likelihood - empty), len(groups.of[v]))
        )
        for v in groups.of
    }
    reasons = {v: f"univariate_p:{p:.3g}" for v, p in p_alone.items() if p >= p_univariate}
    left = [v for v in groups.of if v not in reasons]
    while left:
        full = logistic_fit(groups.part(left), groups.y).log_likelihood
        p_each = {}
        for v in left:
            without = logistic_fit(groups.part([u for u in left if u != v]), groups.y).log_likelihood
            p_each[v] = float(chi2.sf(max(0.0, 2 * (full - without)), len(groups.of[v])))
        worst = max(p_each, key=lambda v: p_each[v])
        if p_each[worst] < p_multivariate:
            break
        reasons[worst] = f"multivariate_p:{p_each[worst]:.3g}"
        left.remove(worst)
    return _outcome(groups, {v: -p for v, p in p_alone.items()}, reasons)


def _penalised(groups: _Groups, seed: int, *, l1_ratio: float, k: int = 5, steps: int = 20) -> Selected:
    """Elastic net at the strongest penalty within one standard error of the best in cross-validation."""
    x, y = groups.x, groups.y
    ceiling = penalty_ceiling(x, y, l1_ratio=l1_ratio)
    penalties = ceiling * np.logspace(0, -2.5, steps)
    part = dealt(y, k=k, seed=seed)
    losses = np.zeros((steps, k))
    for f in range(k):
        fit: LinearFit | None = None
        for i, penalty in enumerate(penalties):
            fit = elastic_net_fit(
                x[part != f], y[part != f], penalty=float(penalty), l1_ratio=l1_ratio, start=fit
            )
            losses[i, f] = loss(y[part == f], fit.predict(x[part == f]), metric="log_loss")
    mean = losses.mean(axis=1)
    best = int(mean.argmin())
    within = mean <= mean[best] + losses[best].std(ddof=1) / np.sqrt(k)
    final = elastic_net_fit(x, y, penalty=float(penalties[int(within.argmax())]), l1_ratio=l1_ratio)
    size = {v: float(np.abs(final.coefficients[list(places)]).max()) for v, places in groups.of.items()}
    outcome = _outcome(groups, _alone(groups), {v: "coefficient_zero" for v, s in size.items() if s == 0.0})
    names = [groups.columns[j] for v in outcome.kept for j in groups.of[v]]
    shrunk = {name: float(final.coefficients[groups.columns.index(name)]) for name in names}
    return Selected(
        method="", kept=outcome.kept, dropped=outcome.dropped, coefficients=shrunk, notes=outcome.notes
    )


def _alone(groups: _Groups) -> dict[str, float]:
    """The log-likelihood of each variable by itself."""
    return {v: logistic_fit(groups.part([v]), groups.y).log_likelihood for v in groups.of}


def _lasso(groups: _Groups, seed: int) -> Selected:
    return _penalised(groups, seed, l1_ratio=1.0)


def _elastic_net(groups: _Groups, seed: int) -> Selected:
    return _penalised(groups, seed, l1_ratio=0.5)


def _random_forest(groups: _Groups, seed: int, *, k: int = 3, shuffles: int = 5) -> Selected:
    """Shuffling a variable in held-out rows must raise the loss, on average by more than its standard error."""
    x, y = groups.x, groups.y
    part = dealt(y, k=k, seed=seed)
    rng = stream(seed, "shuffle")
    rises: dict[str, list[float]] = {v: [] for v in groups.of}
    for fold in range(k):
        forest = LEARNERS["random_forest"].fit(x[part != fold], y[part != fold], seed=seed)
        held, truth = x[part == fold], y[part == fold]
        before = loss(truth, forest.predict(held), metric="log_loss")
        for variable, places in groups.of.items():
            mixed = np.tile(held, (shuffles, 1))  # all shuffles of a variable in one call
            order = np.concatenate([rng.permutation(len(held)) for _ in range(shuffles)])
            mixed[:, places] = held[order][:, places]
            for risk in np.split(forest.predict(mixed), shuffles):
                rises[variable].append(loss(truth, risk, metric="log_loss") - before)
    rise = {v: float(np.mean(r)) for v, r in rises.items()}
    error = {v: float(np.std(r, ddof=1) / np.sqrt(len(r))) for v, r in rises.items()}
    weak = {v: f"importance:{rise[v]:.3g}" for v in groups.of if rise[v] <= 2 * error[v]}
    outcome = _outcome(groups, rise, weak)
    return Selected(
        method="",
        kept=outcome.kept,
        dropped=outcome.dropped,
        coefficients={v: rise[v] for v in outcome.kept},
        notes=outcome.notes,
    )


SELECTIONS: Mapping[str, Callable[[_Groups, int], Selected]] = MappingProxyType({
    "univariate_multivariate": _univariate_multivariate,
    "lasso": _lasso,
    "elastic_net": _elastic_net,
    "random_forest": _random_forest,
})  # fmt: skip
