"""Tuning: the default is tried first, the search is seeded, and a better setting is found where there is one."""

import numpy as np
import pytest
from scipy.special import expit

from osteon.core.errors import ConfigError
from osteon.models.learners import LEARNERS, dealt, learner
from osteon.models.search import SPACES, loss, tuned


def table(n=400, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 30))
    return x, (rng.random(n) < expit(x[:, 0] - 1)).astype(float)


def folds_of(y, k=3):
    part = dealt(y, k=k, seed=0)
    return [(np.flatnonzero(part != f), np.flatnonzero(part == f)) for f in range(k)]


def test_spaces_hold_the_defaults_of_every_learner():
    assert set(SPACES) == set(LEARNERS)
    for name, space in SPACES.items():
        for setting in space:
            default = LEARNERS[name].defaults[setting.name]
            assert default in setting.choices if setting.choices else setting.low <= default <= setting.high


def test_tuning_never_ends_worse_than_the_default():
    x, y = table()
    found = tuned(learner("elastic_net"), x, y, folds=folds_of(y), trials=12, seed=1)
    assert found.loss <= found.default_loss
    assert found.loss < found.default_loss - 0.002  # 29 noise columns ask for a stronger penalty


@pytest.mark.parametrize("name", ["elastic_net", "knn", "lightgbm"])
def test_equal_seeds_choose_equal_settings(name):
    x, y = table(200)
    first, second = (tuned(learner(name), x, y, folds=folds_of(y), trials=4, seed=2) for _ in range(2))
    assert first == second


def test_nothing_to_tune_means_no_trial():
    x, y = table(100)
    assert tuned(learner("logistic"), x, y, folds=folds_of(y), trials=20, seed=1).trials == 0
    assert tuned(learner("knn"), x, y, folds=folds_of(y), trials=1, seed=1).params == learner("knn").defaults


def test_losses_of_a_perfect_and_a_useless_risk():
    y = np.array([0.0, 0.0, 1.0, 1.0])
    assert loss(y, y, metric="auc") == 0 and loss(y, y, metric="log_loss") < 1e-5
    assert loss(y, np.full(4, 0.3), metric="auc") == pytest.approx(0.5)
    with pytest.raises(ConfigError):
        loss(y, y, metric="accuracy")
