"""Vitamin D is missing more often in the old: complete cases against chained imputation with Rubin's rules."""

import numpy as np
import pandas as pd

from osteon.cohort.impute import ImputeOptions, completed
from osteon.stats.pooling import pool

rng = np.random.default_rng(5)  # SIMULATED people
n = 800
age_years = rng.uniform(50, 85, n)
vitamin_d = 70 - 0.6 * (age_years - 65) + rng.normal(0, 15, n)
gone = rng.random(n) < 1 / (1 + np.exp(-(age_years - 68) / 8))
table = pd.DataFrame({"age_years": age_years, "vitamin_d_25oh_nmol_l": np.where(gone, np.nan, vitamin_d)})
table["weight_kg"] = rng.normal(68, 12, n)

copies = completed(table, options=ImputeOptions(m=20, iterations=5), rng=rng)
columns = [copy["vitamin_d_25oh_nmol_l"] for copy in copies]
pooled = pool([c.mean() for c in columns], [c.var(ddof=1) / n for c in columns], complete_df=n - 1)

seen = table["vitamin_d_25oh_nmol_l"].dropna()
print(f"SIMULATED people, {gone.sum()} of {n} without vitamin D (nmol/L)")
print(f"truth               {vitamin_d.mean():.1f}")
print(f"complete cases      {seen.mean():.1f} (standard error {seen.sem():.2f})")
print(f"imputed and pooled  {pooled.value:.1f} ({pooled.ci}), standard error {pooled.se:.2f}")
print(f"share of the uncertainty that the gaps cause: {pooled.fmi:.0%}")
