"""
Eight ways to learn a risk from encoded columns, behind one small interface.

Every learner takes complete float columns (n, p) and an outcome of 0 and 1, and gives something that
predicts a risk in (0, 1). All are deterministic in ``seed`` and use one thread, so that folds can run
beside each other and give the same numbers on any machine of the same kind.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from osteon.core.errors import ConfigError
from osteon.models.linear import FloatArray, LinearFit, elastic_net_fit, logistic_fit

__all__ = ["LEARNERS", "Boosted", "Fitted", "Forest", "Learner", "dealt", "learner"]

Params = Mapping[str, Any]


class Fitted(Protocol):
    """What a learner gives back."""

    def predict(self, x: FloatArray) -> FloatArray:
        """The risk of each row, in (0, 1), shape (n,)."""
        ...


class _Fit(Protocol):
    def __call__(
        self, x: FloatArray, y: FloatArray, *, params: Params, seed: int, sample_weight: FloatArray | None
    ) -> Fitted: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """
    One way to learn.

    ``defaults`` is the configuration tried first; ``tuning`` replaces settings during the search only (a
    smaller forest ranks settings as well as a large one); ``splines`` says that restricted cubic spline
    columns make sense, ``missing`` that absent values may be left in, ``reference`` that one
    level of each category must be left out.
    """

    name: str
    splines: bool
    fitting: _Fit
    defaults: Params = field(default_factory=dict)
    tuning: Params = field(default_factory=dict)
    missing: bool = False
    reference: bool = False

    def fit(
        self,
        x: FloatArray,
        y: FloatArray,
        *,
        params: Params = MappingProxyType({}),
        seed: int,
        sample_weight: FloatArray | None = None,
    ) -> Fitted:
        """
        Learn from the columns ``x`` (n, p) and the outcome ``y`` (n,); ``params`` change the defaults.

        Raises
        ------
        ConfigError
            A setting this learner does not have.
        """
        unknown = sorted(set(params) - set(self.defaults))
        if unknown:
            known = ", ".join(self.defaults) or "none"
            raise ConfigError(f"{self.name}: unknown setting {unknown[0]!r}.", hint=f"Known: {known}.")
        return self.fitting(x, y, params={**self.defaults, **params}, seed=seed, sample_weight=sample_weight)


def learner(name: str) -> Learner:
    """
    The learner of that name.

    Examples
    --------
    >>> learner("boosting")
    Traceback (most recent call last):
    osteon.core.errors.ConfigError: Unknown learner 'boosting'.
    """
    if name not in LEARNERS:
        raise ConfigError(f"Unknown learner {name!r}.", hint=f"Known: {', '.join(LEARNERS)}.")
    return LEARNERS[name]


@dataclass(frozen=True, slots=True)
class Forest:
    """A fitted scikit-learn forest; the risk is the mean of its trees."""

    estimator: Any

    def predict(self, x: FloatArray) -> FloatArray:
        """The risk of each row, shape (n,)."""
        risk: FloatArray = self.estimator.predict_proba(x)[:, 1]
        return risk


@dataclass(frozen=True, slots=True)
class Boosted:
    """A fitted LightGBM booster; its raw output is the log-odds."""

    booster: Any

    def predict(self, x: FloatArray) -> FloatArray:
        """The risk of each row, shape (n,)."""
        risk: FloatArray = np.asarray(self.booster.predict(x, num_threads=1), dtype=np.float64)
        return risk

    def contributions(self, x: FloatArray) -> FloatArray:
        """Exact tree SHAP values on the log-odds, shape (n, p + 1), the base value last."""
        values: FloatArray = np.asarray(
            self.booster.predict(x, pred_contrib=True, num_threads=1), dtype=np.float64
        )
        return values


@dataclass(frozen=True, slots=True)
class _Probabilities:
    """A fitted scikit-learn classifier with its own probabilities."""

    estimator: Any

    def predict(self, x: FloatArray) -> FloatArray:
        risk: FloatArray = np.clip(self.estimator.predict_proba(x)[:, 1], 1e-6, 1 - 1e-6)
        return risk


@dataclass(frozen=True, slots=True)
class _Margin:
    """A support vector machine whose decision values pass through a fitted sigmoid."""

    estimator: Any
    sigmoid: LinearFit

    def predict(self, x: FloatArray) -> FloatArray:
        return self.sigmoid.predict(self.estimator.decision_function(x)[:, None])


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """The weighted share of events among the nearest training rows, drawn towards the overall share by one row."""

    index: Any
    y: FloatArray
    weights: FloatArray
    by_distance: bool

    def predict(self, x: FloatArray) -> FloatArray:
        distance, nearest = self.index.kneighbors(x)
        votes = self.weights[nearest]
        if self.by_distance:
            votes = votes * np.exp(-((distance / (distance[:, -1:] + 1e-12)) ** 2))
        overall = np.average(self.y, weights=self.weights)
        risk: FloatArray = ((votes * self.y[nearest]).sum(axis=1) + overall) / (votes.sum(axis=1) + 1.0)
        return risk


def _logistic(
    x: FloatArray, y: FloatArray, *, params: Params, seed: int, sample_weight: FloatArray | None
) -> Fitted:
    return logistic_fit(x, y, sample_weight=sample_weight, ridge=params["ridge"])


def _elastic_net(
    x: FloatArray, y: FloatArray, *, params: Params, seed: int, sample_weight: FloatArray | None
) -> Fitted:
    return elastic_net_fit(
        x, y, penalty=params["penalty"], l1_ratio=params["l1_ratio"], sample_weight=sample_weight
    )


def _random_forest(
    x: FloatArray, y: FloatArray, *, params: Params, seed: int, sample_weight: FloatArray | None
) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        n_estimators=params["trees"],
        min_samples_leaf=params["leaf_rows"],
        max_features=params["feature_share"],
        max_samples=params["row_share"],
        n_jobs=1,
        random_state=seed,
    )
    return Forest(forest.fit(x, y, sample_weight=sample_weight))


def _lightgbm(
    x: FloatArray, y: FloatArray, *, params: Params, seed: int, sample_weight: FloatArray | None
) -> Fitted:
    import lightgbm

    settings = {
        "objective": "binary",
        "learning_rate": params["learning_rate"],
        "num_leaves": params["leaves"],
        "min_data_in_leaf": min(params["leaf_rows"], max(1, len(y) // 10)),
        "lambda_l2": params["ridge"],
        "feature_fraction": params["feature_share"],
        "bagging_fraction": params["row_share"],
        "bagging_freq": 1,
        "max_bin": 63,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "verbose": -1,
    }
    rows = lightgbm.Dataset(x, label=y, weight=sample_weight, params={"max_bin": 63, "verbose": -1})
    return Boosted(lightgbm.train(settings, rows, num_boost_round=params["rounds"]))


def _svm(
    x: FloatArray, y: FloatArray, *, params: Params, seed: int, sample_weight: FloatArray | None
) -> Fitted:
    """Decision values of rows left out in turn carry the sigmoid, as Platt asks; the machine then takes all rows."""
    from sklearn.svm import SVC

    def machine(rows: Any) -> Any:
        weights = None if sample_weight is None else sample_weight[rows]
        width = params["width"] / x.shape[1]
        return SVC(C=params["cost"], kernel="rbf", gamma=width, cache_size=300).fit(
            x[rows], y[rows], sample_weight=weights
        )

    everyone = np.arange(len(y))
    decision = np.zeros(len(y))
    part = dealt(y, k=3, seed=seed)
    for fold in range(3):
        decision[part == fold] = machine(everyone[part != fold]).decision_function(x[part == fold])
    events = y.sum()
    soft = np.where(y == 1, (events + 1) / (events + 2), 1 / (len(y) - events + 2))
    return _Margin(machine(everyone), logistic_fit(decision[:, None], soft, sample_weight=sample_weight))


def dealt(y: FloatArray, *, k: int, seed: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A fold number for each row, each class dealt out evenly."""
    rng = np.random.default_rng(seed)
    part = np.zeros(len(y), dtype=np.int64)
    for label in (0.0, 1.0):
        rows = rng.permutation(np.flatnonzero(y == label))
        part[rows] = np.arange(len(rows)) % k
    return part


def _knn(
    x: FloatArray, y: FloatArray, *, params: Params, seed: int, sample_weight: FloatArray | None
) -> Fitted:
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=min(params["neighbours"], len(y)), n_jobs=1).fit(x)
    weights = np.ones(len(y)) if sample_weight is None else sample_weight
    return _Neighbours(index, y, weights, params["votes"] == "distance")


def _naive_bayes(
    x: FloatArray, y: FloatArray, *, params: Params, seed: int, sample_weight: FloatArray | None
) -> Fitted:
    from sklearn.naive_bayes import GaussianNB

    return _Probabilities(
        GaussianNB(var_smoothing=params["smoothing"]).fit(x, y, sample_weight=sample_weight)
    )


def _mlp(
    x: FloatArray, y: FloatArray, *, params: Params, seed: int, sample_weight: FloatArray | None
) -> Fitted:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        hidden_layer_sizes=(params["units"],) * params["layers"],
        alpha=params["decay"],
        learning_rate_init=params["learning_rate"],
        early_stopping=True,
        n_iter_no_change=10,
        validation_fraction=0.15,
        max_iter=200,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 passes are the stopping rule here
        return _Probabilities(network.fit(x, y, sample_weight=sample_weight))


def _table(*learners: Learner) -> Mapping[str, Learner]:
    return MappingProxyType({each.name: each for each in learners})


LEARNERS: Mapping[str, Learner] = _table(
    Learner(name="logistic", reference=True, splines=True, fitting=_logistic, defaults={"ridge": 0.0}),
    Learner(
        name="elastic_net", splines=True, fitting=_elastic_net,
        defaults={"penalty": 0.005, "l1_ratio": 0.5},
    ),
    Learner(
        name="random_forest", splines=False, fitting=_random_forest,
        defaults={"trees": 100, "leaf_rows": 15, "feature_share": 0.3, "row_share": 0.7}, tuning={"trees": 50},
    ),
    Learner(
        name="lightgbm", splines=False, fitting=_lightgbm, missing=True,
        defaults={"rounds": 100, "learning_rate": 0.05, "leaves": 6, "leaf_rows": 30, "ridge": 5.0,
                  "feature_share": 0.6, "row_share": 0.8},
    ),
    Learner(name="svm", splines=False, fitting=_svm, defaults={"cost": 1.0, "width": 0.2}),
    Learner(
        name="knn", splines=False, fitting=_knn,
        defaults={"neighbours": 50, "votes": "distance"},
    ),
    Learner(
        name="naive_bayes", splines=False, fitting=_naive_bayes, defaults={"smoothing": 1e-3}
    ),
    Learner(
        name="mlp", splines=False, fitting=_mlp,
        defaults={"units": 16, "layers": 1, "decay": 0.1, "learning_rate": 0.005},
    ),
)  # fmt: skip
