"""
The search for good settings: a seeded tree-structured Parzen estimator over small spaces.

The default configuration is always tried first, so that a short search can only improve on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteon.core.errors import ConfigError
from osteon.models.learners import Learner
from osteon.models.linear import FloatArray

__all__ = ["METRICS", "SPACES", "Setting", "Tuned", "loss", "tuned"]

Rows = NDArray[np.intp]
METRICS = ("log_loss", "auc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting's range: ``low`` to ``high`` (on the log scale where ``log``), or one of ``choices``."""

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()

    def suggested(self, trial: Any) -> Any:
        """The value that an optuna trial asks to try."""
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        if self.whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """The settings with the smallest inner loss, beside the loss of the defaults; ``loss`` is NaN if none was tried."""

    params: Mapping[str, Any]
    loss: float
    default_loss: float
    trials: int


SPACES: Mapping[str, tuple[Setting, ...]] = MappingProxyType({
    "logistic": (),
    "elastic_net": (
        Setting(name="penalty", low=3e-4, high=0.1, log=True),
        Setting(name="l1_ratio", low=0.05, high=1.0),
    ),
    "random_forest": (
        Setting(name="leaf_rows", low=5, high=60, log=True, whole=True),
        Setting(name="feature_share", low=0.1, high=0.7),
        Setting(name="row_share", low=0.4, high=0.9),
    ),
    "lightgbm": (
        Setting(name="rounds", low=30, high=200, log=True, whole=True),
        Setting(name="learning_rate", low=0.02, high=0.12, log=True),
        Setting(name="leaves", low=2, high=16, log=True, whole=True),
        Setting(name="leaf_rows", low=10, high=80, log=True, whole=True),
        Setting(name="ridge", low=0.1, high=50.0, log=True),
        Setting(name="feature_share", low=0.3, high=1.0),
        Setting(name="row_share", low=0.5, high=1.0),
    ),
    "svm": (
        Setting(name="cost", low=0.05, high=20.0, log=True),
        Setting(name="width", low=0.02, high=2.0, log=True),
    ),
    "knn": (
        Setting(name="neighbours", low=10, high=200, log=True, whole=True),
        Setting(name="votes", choices=("equal", "distance")),
    ),
    "naive_bayes": (Setting(name="smoothing", low=1e-6, high=1.0, log=True),),
    "mlp": (
        Setting(name="units", low=4, high=48, log=True, whole=True),
        Setting(name="layers", low=1, high=2, whole=True),
        Setting(name="decay", low=1e-3, high=10.0, log=True),
        Setting(name="learning_rate", low=1e-3, high=0.02, log=True),
    ),
})  # fmt: skip


def loss(y_true: FloatArray, risk: FloatArray, *, metric: str) -> float:
    """
    The mean negative log-likelihood, or one minus the area under the ROC curve.

    Raises
    ------
    ConfigError
        Another metric than ``log_loss`` and ``auc``.

    Examples
    --------
    >>> round(loss(np.array([0.0, 1.0]), np.array([0.5, 0.5]), metric="log_loss"), 6)
    0.693147
    """
    if metric == "log_loss":
        p = np.clip(risk, 1e-6, 1 - 1e-6)
        return float(-np.mean(y_true * np.log(p) + (1 - y_true) * np.log(1 - p)))
    if metric == "auc":
        from sklearn.metrics import roc_auc_score

        return 1.0 - float(roc_auc_score(y_true, risk))
    raise ConfigError(f"Unknown tuning metric {metric!r}.", hint=f"Known: {', '.join(METRICS)}.")


def tuned(
    learner: Learner,
    x: FloatArray,
    y: FloatArray,
    *,
    folds: Sequence[tuple[Rows, Rows]],
    trials: int,
    metric: str = "log_loss",
    seed: int,
) -> Tuned:
    """
    The settings that predict best in inner cross-validation.

    Parameters
    ----------
    x : array, shape (n, p)
    y : array of 0 and 1, shape (n,)
    folds : sequence of (training rows, validation rows)
    trials : int
        Configurations tried, the default one among them; with one or none the defaults are taken unseen.
    """
    space = SPACES[learner.name]
    if not space or trials < 2:
        return Tuned(params=dict(learner.defaults), loss=np.nan, default_loss=np.nan, trials=0)
    import optuna

    def objective(trial: Any) -> float:
        params = {setting.name: setting.suggested(trial) for setting in space} | dict(learner.tuning)
        scores = []
        for inner, held in folds:
            fitted = learner.fit(x[inner], y[inner], params=params, seed=seed)
            scores.append(loss(y[held], fitted.predict(x[held]), metric=metric))
        return float(np.mean(scores))

    loud = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=8))
        study.enqueue_trial({setting.name: learner.defaults[setting.name] for setting in space})
        study.optimize(objective, n_trials=trials)
    finally:
        optuna.logging.set_verbosity(loud)
    params = {**learner.defaults, **study.best_params}
    return Tuned(
        params=params,
        loss=study.best_value,
        default_loss=float(study.get_trials(deepcopy=False)[0].value or 0.0),
        trials=trials,
    )
