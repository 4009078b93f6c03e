"""2,000 bootstrap resamples of an AUC on 10,000 people, beside scikit-learn called in a loop and scipy.stats.bootstrap."""

from __future__ import annotations

import time

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score

from osteon.stats.bootstrap import auc_bootstrap, bootstrap
from osteon.stats.ranking import auc_value

PEOPLE, RESAMPLES, GOAL_S, SAMPLE = 10_000, 2_000, 5.0, 50


def loop_seconds(y: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> float:
    """Drawing rows and calling roc_auc_score, measured on a few resamples and scaled up."""
    start = time.perf_counter()
    for _ in range(SAMPLE):
        rows = rng.integers(0, y.size, y.size)
        roc_auc_score(y[rows], x[rows])
    return (time.perf_counter() - start) * RESAMPLES / SAMPLE


def scipy_seconds(y: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> float:
    """scipy's percentile bootstrap of roc_auc_score, scaled up; its BCa would add one call per person."""
    start = time.perf_counter()
    stats.bootstrap(
        (y, x), roc_auc_score, paired=True, vectorized=False, n_resamples=SAMPLE, method="percentile", rng=rng
    )
    return (time.perf_counter() - start) * RESAMPLES / SAMPLE


def main() -> None:
    """Print seconds, goal and ratios, and the intervals side by side."""
    rng = np.random.default_rng(1)
    y = rng.random(PEOPLE) < 0.1
    x = y + rng.normal(size=PEOPLE)
    start = time.perf_counter()
    ours = auc_bootstrap(y, x, rng=rng, n_resamples=RESAMPLES)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    general = bootstrap(auc_value, y, x, strata=y, rng=rng, n_resamples=RESAMPLES, method="percentile")
    general_seconds = time.perf_counter() - start
    looped, scipys = loop_seconds(y, x, rng), scipy_seconds(y, x, rng)

    print(f"AUC bootstrap, {PEOPLE:,} people, {RESAMPLES:,} resamples")
    print(f"{'work':<52}{'seconds':>9}{'goal':>7}{'ratio':>9}")
    print(f"{'osteon auc_bootstrap (stratified, BCa)':<52}{seconds:>9.2f}{'< 5':>7}{1:>9.1f}")
    print(
        f"{'osteon bootstrap, any statistic (percentile)':<52}{general_seconds:>9.2f}{'':>7}{general_seconds / seconds:>9.1f}"
    )
    print(f"{f'roc_auc_score in a loop (from {SAMPLE})':<52}{looped:>9.2f}{'':>7}{looped / seconds:>9.1f}")
    print(
        f"{f'scipy.stats.bootstrap, percentile (from {SAMPLE})':<52}{scipys:>9.2f}{'':>7}{scipys / seconds:>9.1f}"
    )
    print(f"auc_bootstrap {ours}; bootstrap {general}; goal {'met' if seconds < GOAL_S else 'MISSED'}")


if __name__ == "__main__":
    main()
