"""DeLong on 100,000 people and five models, beside scikit-learn's bare AUC, the textbook pair count and R's pROC."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from osteon.stats.auc import compare_aucs

PEOPLE, MODELS, GOAL_S = 100_000, 5, 1.0
PROC = """
suppressMessages(library(pROC)); d <- read.csv(commandArgs(TRUE)[1]); s <- proc.time()[["elapsed"]]
r <- lapply(d[-1], function(x) roc(d$y, x, quiet = TRUE, direction = "<")); invisible(lapply(r, ci.auc))
for (p in combn(length(r), 2, simplify = FALSE)) roc.test(r[[p[1]]], r[[p[2]]], method = "delong")
cat(proc.time()[["elapsed"]] - s)
"""


def fastest(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of several runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def textbook(y: np.ndarray, scores: np.ndarray, *, chunk: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """AUCs and their DeLong covariance from every pair of people, in pieces that fit into memory."""
    parts = []
    for score in scores:
        sick, well = score[y], score[~y]
        below, above = np.empty(sick.size), np.zeros(well.size)
        for start in range(0, sick.size, chunk):
            gap = sick[start : start + chunk, None] - well[None, :]
            order = (gap > 0) + 0.5 * (gap == 0)
            below[start : start + chunk] = order.mean(axis=1)
            above += order.sum(axis=0)
        parts.append((below, above / sick.size))
    sick_cov, well_cov = (np.cov(np.stack([part[i] for part in parts])) for i in (0, 1))
    return np.array([below.mean() for below, _ in parts]), sick_cov / y.sum() + well_cov / (~y).sum()


def proc_seconds(y: np.ndarray, scores: np.ndarray) -> float | None:
    """Seconds pROC itself reports for the same intervals and tests; None without R and pROC."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "scores.csv"
        header = ",".join(["y", *(f"m{i}" for i in range(len(scores)))])
        np.savetxt(table, np.column_stack([y, *scores]), delimiter=",", header=header, comments="")
        done = subprocess.run(
            ["Rscript", "-e", PROC, str(table)], capture_output=True, text=True, check=False
        )
    return float(done.stdout) if done.returncode == 0 else None


def main() -> None:
    """Print seconds, goal and ratios; check that the answers are equal."""
    rng = np.random.default_rng(1)
    y = rng.random(PEOPLE) < 0.1
    scores = np.stack([y * (0.4 + 0.2 * i) + rng.normal(size=PEOPLE) for i in range(MODELS)])
    named = {f"m{i}": score for i, score in enumerate(scores)}
    few = slice(0, PEOPLE // 5)  # the textbook count grows with the square: a fifth of the people, times 25
    ours = fastest(lambda: compare_aucs(y, named), 5)
    bare = fastest(lambda: [roc_auc_score(y, score) for score in scores], 5)
    pairs = fastest(lambda: textbook(y[few], scores[:, few]), 1) * 25
    proc = proc_seconds(y, scores)

    answer = compare_aucs(y[few], {name: score[few] for name, score in named.items()})
    values, covariance = textbook(y[few], scores[:, few])
    worst = max(np.abs(np.array([found.value for found in answer.aucs.values()]) - values).max(),
                np.abs(answer.covariance - covariance).max())  # fmt: skip

    print(
        f"DeLong, {PEOPLE:,} people x {MODELS} models: intervals and all {MODELS * (MODELS - 1) // 2} paired tests"
    )
    print(f"{'work':<52}{'seconds':>9}{'goal':>7}{'ratio':>9}")
    print(f"{'osteon compare_aucs':<52}{ours:>9.3f}{'< 1':>7}{1:>9.1f}")
    print(f"{'scikit-learn roc_auc_score (AUC only, no error)':<52}{bare:>9.3f}{'':>7}{bare / ours:>9.1f}")
    print(f"{'textbook pair count (from a fifth of the people)':<52}{pairs:>9.1f}{'':>7}{pairs / ours:>9.0f}")
    if proc is None:
        print("R pROC: not run (no Rscript with pROC on the PATH)")
    else:
        print(f"{'R pROC':<52}{proc:>9.3f}{'':>7}{proc / ours:>9.1f}")
    print(
        f"largest difference from the textbook count: {worst:.1e}; goal {'met' if ours < GOAL_S else 'MISSED'}"
    )


if __name__ == "__main__":
    main()
