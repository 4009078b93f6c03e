"""Selection: planted variables kept, noise dropped, groups of columns treated as one."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from osteon.core.errors import ConfigError
from osteon.models.select import SELECTIONS, selected, stability


def planted(seed, n=1500, noise=8):
    rng = np.random.default_rng(seed)
    names = ["age", "bmi", *(f"noise{j}" for j in range(noise))]
    table = pd.DataFrame(rng.normal(size=(n, len(names))), columns=names)
    group = rng.integers(0, 3, size=n)
    table["site=b"], table["site=c"] = (group == 1).astype(float), (group == 2).astype(float)
    eta = 1.0 * table["age"] - 0.8 * table["bmi"] + 1.2 * table["site=c"] - 1.2
    sources = {name: name.split("=")[0] for name in table.columns}
    return table, (rng.random(n) < expit(eta)).astype(float), sources


@pytest.mark.parametrize("method", SELECTIONS)
def test_planted_variables_are_kept_and_most_noise_is_dropped(method):
    table, y, sources = planted(1)
    chosen = selected(table, y, method=method, sources=sources, seed=1)
    assert {"age", "bmi", "site"} <= set(chosen.kept)
    assert len(chosen.kept) <= 6
    assert set(chosen.kept) | {d.variable for d in chosen.dropped} == set(sources.values())
    assert all(d.reason for d in chosen.dropped)


@pytest.mark.parametrize("method", SELECTIONS)
def test_equal_seeds_choose_the_same(method):
    table, y, sources = planted(2, n=300)
    assert selected(table, y, method=method, sources=sources, seed=4) == selected(
        table, y, method=method, sources=sources, seed=4
    )


def test_noise_alone_keeps_the_strongest_and_says_so():
    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    chosen = selected(table, rng.permutation(np.repeat([0, 1], 100)), method="lasso",
                      sources={c: c for c in "abc"}, seed=1)  # fmt: skip
    assert len(chosen.kept) >= 1
    assert ("none_passed" in chosen.notes) == (len(chosen.dropped) == 2 and len(chosen.kept) == 1)


def test_multivariate_p_values_equal_statsmodels():
    import statsmodels.api as sm

    table, y, sources = planted(3, n=600, noise=2)
    chosen = selected(table, y, method="univariate_multivariate", sources=sources, seed=1)
    columns = [c for c in table.columns if sources[c] in chosen.kept]
    fit = sm.Logit(y, sm.add_constant(table[columns])).fit(disp=0, tol=1e-10)
    assert [chosen.coefficients[c] for c in columns] == pytest.approx(fit.params[columns].tolist(), rel=1e-5)


def test_constant_variables_are_dropped_by_name():
    table, y, sources = planted(4, n=300)
    table["flat"] = 1.0
    chosen = selected(table, y, method="lasso", sources={**sources, "flat": "flat"}, seed=1)
    assert ("flat", "constant") in [(d.variable, d.reason) for d in chosen.dropped]


def test_stability_counts_how_often_a_variable_was_kept():
    picks = []
    for seed in range(3):
        table, y, sources = planted(seed, n=800)
        picks.append(selected(table, y, method="lasso", sources=sources, seed=seed))
    share = stability(picks)
    assert share["age"] == 1.0
    assert list(share.values()) == sorted(share.values(), reverse=True)


def test_an_unknown_method_is_refused():
    table, y, sources = planted(6, n=100)
    with pytest.raises(ConfigError, match="lasso"):
        selected(table, y, method="stepwise", sources=sources, seed=1)
