"""
The fracture-risk study on public data, beside known and published figures.

    OSTEON_DATA=... python validation/fracture_risk_table.py [--config default]

Writes validation/fracture_risk.csv and .md. Each row: what, ours, its interval, the reference, where that comes from.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from osteon.core.provenance import code_version
from osteon.studies.fracture_risk import run_to_folder

HERE = Path(__file__).parent
SEED = 20260101
COLUMNS = (
    "data",
    "simulated",
    "figure",
    "value",
    "low",
    "high",
    "n",
    "events",
    "reference",
    "reference_source",
)

# Measured before osteon was written, by other programs, on the same public tables (5-fold cross-validation), or published.
REFERENCES = {
    ("nhanes", "prevalence osteoporosis_femoral_neck all"): (0.063, "NCHS 2017-18, femoral neck"),
    ("nhanes", "prevalence osteoporosis_femoral_neck women"): (
        0.101,
        "scripts on all 4,987 people of the cycle",
    ),
    ("nhanes", "prevalence osteoporosis_femoral_neck men"): (
        0.018,
        "scripts on all 4,987 people of the cycle",
    ),
    ("nhanes", "osteoporosis ost auc"): (0.816, "scripts, 3,723 people"),
    ("nhanes", "osteoporosis clinical_logistic auc"): (0.840, "scripts, 3,735 people"),
    ("nhanes", "fracture_ever femoral_neck_bmd auc"): (0.559, "scripts, 3,533 people"),
    ("nhanes", "fracture_ever clinical_logistic auc"): (0.658, "scripts, 4,987 people"),
    ("nhanes", "fracture_ever clinical_bmd_logistic auc"): (0.670, "scripts, 4,987 people"),
    ("glow", "fracture_1y clinical_logistic auc"): (0.675, "scripts, 10 x 5 cross-validation"),
    ("glow", "fracture_1y fracscore auc"): (0.676, "scripts"),
    ("glow", "fracture_1y age_alone auc"): (0.637, "scripts"),
    ("glow", "textbook apparent auc"): (0.729, "R glm and statsmodels"),
    ("estonia", "survival at 12 months"): (0.693, "scripts"),
    ("estonia", "cox c-index development"): (0.692, "scripts, years up to 2014"),
    ("estonia", "cox c-index later"): (0.694, "scripts, years from 2015"),
    ("published", "figures that follow"): (None, "arithmetic on the printed tables"),
}


def rows_of(data: str, found: dict[str, Any]) -> Iterator[tuple[str, Any, Any, Any, Any, Any]]:
    """(figure, value, low, high, n, events) of one results.json."""
    if "recheck" in found:
        total = len(found["recheck"])
        for verdict in ("yes", "no", "not computable"):
            name = {"yes": "figures that follow", "no": "figures that do not follow"}.get(
                verdict, "figures not computable"
            )
            yield name, sum(line["follows"] == verdict for line in found["recheck"]), None, None, total, None
        return
    for what, groups in found["prevalence"].items():
        for who, line in groups.items():
            yield f"prevalence {what} {who}", line["value"], line["low"], line["high"], line["n"], None
    for task, content in found["tasks"].items():
        for name, model in content["models"].items():
            if "auc" in model:
                auc = model["auc"]
                yield f"{task} {name} auc", auc["value"], auc["low"], auc["high"], auc["n"], auc["events"]
            elif "refused" in model:
                yield f"{task} {name} refused ({model['refused']})", None, None, None, None, None
        for pair in content["delong"]:
            if pair["second"] == "ost":
                yield (
                    f"{task} {pair['first']} minus ost, p",
                    pair["p"],
                    None,
                    None,
                    content["n"],
                    content["events"],
                )
    if "textbook" in found:
        yield "textbook apparent auc", found["textbook"]["apparent_auc"], None, None, 500, 125
        for term, line in found["textbook"]["terms"].items():
            yield f"textbook coefficient {term}", line["coefficient"], None, None, 500, 125
    if "survival" in found:
        survival = found["survival"]
        yield "survival at 12 months", survival["survival_12m"], None, None, survival["n"], survival["events"]
        for part in ("development", "later"):
            c = survival[part]["c_index"]
            yield f"cox c-index {part}", c["value"], c["low"], c["high"], c["n"], c["events"]
        for term, line in survival["cox"].items():
            yield f"cox hazard ratio {term}", line["hazard_ratio"], line["low"], line["high"], None, None
    for key, ceiling in found.get("bayes_auc", {}).items():
        yield f"bayes auc {key}", ceiling, None, None, None, None


def table(config: str) -> list[dict[str, Any]]:
    """All rows; data that are not at hand leave none."""
    lines = []
    kinds = ["published", "virtual"] + (
        ["glow", "estonia", "nhanes"] if os.environ.get("OSTEON_DATA") else []
    )
    for data in kinds:
        with tempfile.TemporaryDirectory() as folder:
            run_to_folder(
                data, config=config, seed=SEED, out=Path(folder) / "out", lang="en", command="validation"
            )
            found = json.loads((Path(folder) / "out" / "results.json").read_text(encoding="utf-8"))
        for figure, *values in rows_of(data, found):
            reference, source = REFERENCES.get((data, figure), (None, ""))
            values = [round(v, 6) if isinstance(v, float) else v for v in values]
            lines.append(
                dict(
                    zip(COLUMNS, (data, found["simulated"], figure, *values, reference, source), strict=True)
                )
            )
    return lines


def main() -> None:
    """Write the table as CSV and Markdown."""
    config = sys.argv[sys.argv.index("--config") + 1] if "--config" in sys.argv else "default"
    lines = table(config)
    if not any(line["data"] == "nhanes" for line in lines):
        print("fracture_risk: OSTEON_DATA is not set; the committed table is kept as it is")
        return
    with (HERE / "fracture_risk.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    head = f"# The fracture-risk study on public data\n\nMade by `python validation/fracture_risk_table.py --config {config}`, "
    head += f"osteon {code_version()}, seed {SEED}. Rows marked SIMULATED come from invented people.\n\n"
    body = "| data | figure | value (95% CI) | n | events | reference | source |\n|---|---|---|---|---|---|---|\n"
    for line in lines:
        interval = f" ({line['low']:.3f} to {line['high']:.3f})" if line["low"] is not None else ""
        value = "" if line["value"] is None else f"{line['value']:.4g}{interval}"
        data = f"{line['data']} SIMULATED" if line["simulated"] else line["data"]
        cells = (
            data,
            line["figure"],
            value,
            line["n"],
            line["events"],
            line["reference"],
            line["reference_source"],
        )
        body += "| " + " | ".join("" if cell is None else str(cell) for cell in cells) + " |\n"
    (HERE / "fracture_risk.md").write_text(head + body, encoding="utf-8")
    print(f"fracture_risk: {len(lines)} rows")


if __name__ == "__main__":
    main()
