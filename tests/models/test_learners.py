"""All learners: risks, determinism, and the Bayes AUC of planted truth."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from osteon.core.errors import ConfigError
from osteon.models.learners import LEARNERS, dealt, learner


def planted(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    eta = x[:, :3] @ [0.9, -0.7, 0.5] - 1.2
    return x, (rng.random(n) < expit(eta)).astype(float), expit(eta)


@pytest.mark.parametrize("name", LEARNERS)
def test_each_learner_comes_near_the_bayes_auc_and_stays_calibrated(name):
    x, y, _ = planted(1500, 1)
    new, truth, best = planted(4000, 2)
    risk = learner(name).fit(x, y, seed=3).predict(new)
    assert risk.shape == (4000,) and (risk >= 0).all() and (risk <= 1).all()
    assert roc_auc_score(truth, risk) > roc_auc_score(truth, best) - 0.03
    assert risk.mean() == pytest.approx(truth.mean(), abs=0.04)


@pytest.mark.parametrize("name", LEARNERS)
def test_equal_seeds_give_equal_risks(name):
    x, y, _ = planted(400, 4)
    first, second = (learner(name).fit(x, y, seed=5).predict(x) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", LEARNERS)
def test_weights_move_the_overall_risk(name):
    x, y, _ = planted(600, 6)
    plain = learner(name).fit(x, y, seed=1).predict(x).mean()
    heavy = learner(name).fit(x, y, seed=1, sample_weight=np.where(y == 1, 3.0, 1.0)).predict(x).mean()
    assert heavy > plain + 0.05


def test_lightgbm_takes_missing_values():
    x, y, _ = planted(500, 7)
    gaps = np.where(np.random.default_rng(0).random(x.shape) < 0.3, np.nan, x)
    assert np.isfinite(learner("lightgbm").fit(gaps, y, seed=1).predict(gaps)).all()
    assert [name for name, each in LEARNERS.items() if each.missing] == ["lightgbm"]


def test_dealt_folds_are_even_in_each_class():
    y = np.r_[np.ones(31), np.zeros(90)]
    part = dealt(y, k=3, seed=1)
    counts = [[(part[y == label] == fold).sum() for fold in range(3)] for label in (0, 1)]
    assert all(max(c) - min(c) <= 1 for c in counts)


def test_an_unknown_setting_is_refused_by_name():
    x, y, _ = planted(100, 8)
    with pytest.raises(ConfigError, match="depth"):
        learner("random_forest").fit(x, y, params={"depth": 3}, seed=1)
