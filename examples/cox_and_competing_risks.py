"""Hip fracture in old age competes with death: what a Cox model says, and what changes once death is no censoring."""

import numpy as np

from osteon.stats.competing import cumulative_incidence
from osteon.stats.cox import cox
from osteon.stats.fine_gray import fine_gray
from osteon.stats.survival import kaplan_meier
from osteon.stats.times import CompetingRisks

rng = np.random.default_rng(3)  # SIMULATED people
n = 1_500
age_years = rng.uniform(65, 95, n)
bmd_loss_sd = rng.normal(0, 1, n)
fracture_years = rng.exponential(1 / (0.02 * np.exp(0.5 * bmd_loss_sd)))
death_years = rng.exponential(1 / (0.05 * np.exp(0.09 * (age_years - 80))))
time_years = np.minimum(np.minimum(fracture_years, death_years), 10.0)
cause = np.where(time_years == fracture_years, 1, np.where(time_years == death_years, 2, 0))

people = CompetingRisks(time=time_years, cause=cause)
fracture = people.only(1)  # every other end of watching counts as censoring
naive = 1 - kaplan_meier(fracture).at([9.9]).survival[0]
real = cumulative_incidence(people)[1].at([9.9]).incidence[0]
print(
    f"SIMULATED people. Fracture within 9.9 years: {naive:.1%} by Kaplan-Meier, {real:.1%} once death counts"
)

covariates = {"age_years": age_years, "bmd_loss_sd": bmd_loss_sd}
cause_specific = cox(fracture, covariates).terms
subdistribution = fine_gray(people, covariates, cause=1).terms
print("hazard ratio (Cox)              subdistribution hazard ratio (Fine-Gray)")
for a, b in zip(cause_specific, subdistribution, strict=True):
    print(f"{a.name:12s} {a.hazard_ratio:.3f} ({a.ci})   {b.hazard_ratio:.3f} ({b.ci})")
