"""Would acting on a model do more good than treating everybody or nobody? Net benefit with bootstrap intervals."""

import numpy as np

from osteon.stats.calibration import calibration
from osteon.stats.decision import decision_curves

rng = np.random.default_rng(11)  # SIMULATED people
n = 3_000
log_odds = rng.normal(-2.0, 1.0, n)
risk = 1 / (1 + np.exp(-log_odds))
fracture = rng.random(n) < risk
too_high = 1 / (1 + np.exp(-(log_odds + 0.9)))  # ranks people just as well, but every risk is too high

thresholds = (0.05, 0.10, 0.20, 0.30)
curves = decision_curves(
    fracture, {"honest": risk, "too high": too_high}, thresholds=thresholds, rng=rng, n_boot=300
)
print("SIMULATED people; net benefit per person (95 % interval)")
for i, threshold in enumerate(thresholds):
    parts = [
        f"{name} {c.net_benefit[i]:.4f} ({c.low[i]:.4f} to {c.high[i]:.4f})"
        for name, c in curves.models.items()
    ]
    print(
        f"act from {threshold:.0%}: "
        + ", ".join(parts)
        + f", everybody {curves.treat_all.net_benefit[i]:.4f}"
    )
for name, given in (("honest", risk), ("too high", too_high)):
    found = calibration(fracture, given)
    print(f"{name}: expected / observed {found.expected_over_observed:.2f}, slope {found.slope:.2f}")
