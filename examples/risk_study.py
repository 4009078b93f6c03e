"""The whole fracture-risk study from Python on SIMULATED people, with a small configuration of one's own."""

import json
import sys
from pathlib import Path

from osteon.studies.fracture_risk import run_to_folder

CONFIG = """
learners = ["logistic"]
imputations = 2
imputation_iterations = 2
folds = 3
trials = 1
decision_resamples = 100
explained_rows = 100
virtual_people = 800
"""

if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "risk-study-report")
    config = out.with_suffix(".toml")
    config.write_text(CONFIG, encoding="utf-8")
    summary = run_to_folder("virtual", config=str(config), seed=20260101, out=out, lang="en")
    for line in summary.lines:
        print(line)

    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    print("simulated:", results["simulated"])
    for task, answer in results["tasks"].items():
        refused = [name for name, model in answer["models"].items() if model.get("refused") == "leakage"]
        print(f"{task}: refused as leakage: {', '.join(refused) or 'none'}")
    print("open", out / "report.html")
