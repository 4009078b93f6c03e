"""
Confidences of the CT reading fitted on SIMULATED development spines, none of them in the trial.

    python validation/spine_confidence.py

Reads the spines that are not yet in build/spine_development (60 at 1 mm, 40 at 3 mm) and prints the parameters of [confidence] and
[type_confidence] for reading/spine_rules.toml.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
from spine_phantoms import rows_of_case

from osteon.core.errors import NotEnoughData
from osteon.reading.spine_confidence import fit_confidence, fit_type_confidence

DEVELOPMENT = ((58_000_000, 60, 1.0), (59_000_000, 40, 3.0))
"""First seed, spines, slice spacing in mm."""
FOLDER = Path(__file__).parent.parent / "build" / "spine_development"


def main() -> None:
    """Read what is missing and fit both."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as pool:
        files = [
            file
            for seed, cases, spacing in DEVELOPMENT
            for file in pool.map(
                partial(rows_of_case, spacing=spacing, folder=FOLDER, variant="", seed=seed), range(cases)
            )
        ]
    rows = pd.DataFrame([row for f in files for row in json.loads(f.read_text(encoding="utf-8"))])
    rows = rows[rows["planted_reason"] == ""]
    calls = rows[rows["loss"].notna() & rows["fractured"].notna()]
    z = (calls["loss"] - calls["threshold"]) / calls["loss_se"]
    right = calls["fractured"].astype(bool) == calls["true_fracture"]
    agreement = [None if pd.isna(a) else float(a) for a in calls["agreement"]]
    fitted = fit_confidence(list(zip(z, agreement, calls["spacing_mm"], right, strict=True)))
    print(
        "[confidence]",
        {k: round(v, 3) for k, v in fitted.items()},
        f"n = {len(calls)}, wrong = {int((~right).sum())}",
    )
    typed = rows[rows["denis_margin"].notna() & rows["true_denis"].notna() & rows["denis"].notna()]
    hit = typed["denis"] == typed["true_denis"]
    told = f"n = {len(typed)}, wrong = {int((~hit).sum())}"
    try:
        fitted = fit_type_confidence(list(zip(typed["denis_margin"], hit, strict=True)))
        print("[type_confidence]", {k: round(v, 3) for k, v in fitted.items()}, told)
    except NotEnoughData as error:
        print("[type_confidence] not to be fitted:", error, told)


if __name__ == "__main__":
    main()
