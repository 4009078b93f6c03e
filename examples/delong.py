"""Does a score with weight in it rank people better than age alone? Two AUCs on the same people, DeLong's paired test."""

import numpy as np

from osteon.stats.auc import compare_aucs

rng = np.random.default_rng(7)  # SIMULATED people
n = 2_000
age_years = rng.uniform(50, 85, n)
weight_kg = rng.normal(68, 12, n)
chance = 1 / (1 + np.exp(-(-2.2 + 0.06 * (age_years - 65) - 0.07 * (weight_kg - 68))))
osteoporosis = rng.random(n) < chance

result = compare_aucs(osteoporosis, {"OST": -0.2 * (weight_kg - age_years), "age alone": age_years})
print("SIMULATED people")
for name, value in result.aucs.items():
    print(f"{name:10s} {value}")
pair = result.pairs[0]
print(f"{pair.first} minus {pair.second}: {pair.difference:.3f} ({pair.ci}), p = {pair.p:.2g}")
