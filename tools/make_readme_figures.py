"""
Put the AUCs of validation/fracture_risk.csv into the table of both READMEs (its rows carry <!-- data/task/model -->).

    python tools/make_readme_figures.py    (after `make validation`; the sentences below the table stay yours to check)
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"(<!-- (\w+)/(\w+)/(\w+) -->.*\| )0\.\d{3} \(0\.\d{3}–0\.\d{3}\) \|$", re.MULTILINE)


def main() -> None:
    """Rewrite the figures in place."""
    with (ROOT / "validation" / "fracture_risk.csv").open(encoding="utf-8") as lines:
        known = {(row["data"], row["figure"]): row for row in csv.DictReader(lines)}

    def fresh(found: re.Match[str]) -> str:
        data, task, model = found.group(2, 3, 4)
        row = known[data, f"{task} {model} auc"]
        value, low, high = (f"{float(row[key]):.3f}" for key in ("value", "low", "high"))
        return f"{found[1]}{value} ({low}–{high}) |"

    for name in ("README.md", "README.zh.md"):
        page = ROOT / name
        text, count = ROW.subn(fresh, page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
        print(f"{name}: {count} figures")


if __name__ == "__main__":
    main()
