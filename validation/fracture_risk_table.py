"""
The fracture-risk study on public data, beside known and published figures.

    OSTEON_DATA=... python validation/fracture_risk_table.py [--runs FOLDER] [--data KIND ...]

Runs ``osteon study run fracture-risk --data KIND`` for each kind into FOLDER/KIND (default build/validation), keeps the
runs that are there already, and writes validation/fracture_risk.csv and .md from their results.json. Each row: what,
ours, its interval, the reference and where that comes from, and the version of the code that made it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    "code",
)
KINDS = ("published", "glow", "estonia", "nhanes", "virtual")
REAL = {"glow", "estonia", "nhanes"}


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


def run_of(data: str, folder: Path) -> dict[str, Any] | None:
    """results.json of a kind of data: of the run in ``folder``, made now where there is none; None without the data."""
    done = folder / data / "results.json"
    if not done.exists():
        if data in REAL and not os.environ.get("OSTEON_DATA"):
            return None
        command = f"osteon study run fracture-risk --data {data} --seed {SEED}"
        run_to_folder(data, config="default", seed=SEED, out=folder / data, lang="en", command=command)
    content: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    return content


def lines_of(data: str, found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of one run as the table prints them."""
    for figure, *values in rows_of(data, found):
        reference, source = REFERENCES.get((data, figure), (None, ""))
        shown = [round(v, 6) if isinstance(v, float) else v for v in values]
        cells = (data, found["simulated"], figure, *shown, reference, source, found["provenance"]["code"])
        yield dict(zip(COLUMNS, cells, strict=True))


def markdown(lines: list[dict[str, Any]]) -> str:
    """The table for readers."""
    text = "# The fracture-risk study on public data\n\nMade by `python validation/fracture_risk_table.py`: default "
    text += f"configuration, seed {SEED}. Rows marked SIMULATED come from invented people. References were measured by other "
    text += "programs on the same public tables, or published.\n\n"
    text += "| data | figure | value (95% CI) | n | events | reference | source | code |\n|---|---|---|---|---|---|---|---|\n"
    for line in lines:
        interval = f" ({line['low']:.3f} to {line['high']:.3f})" if line["low"] is not None else ""
        value = "" if line["value"] is None else f"{line['value']:.4g}{interval}"
        data = f"{line['data']} SIMULATED" if line["simulated"] else line["data"]
        cells = (data, line["figure"], value, *(line[key] for key in COLUMNS[6:]))
        text += "| " + " | ".join("" if cell is None else str(cell) for cell in cells) + " |\n"
    return text


def main() -> None:
    """Write the table as CSV and Markdown; without the real data the committed one is kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, default=HERE.parent / "build" / "validation")
    parser.add_argument("--data", nargs="*", default=list(KINDS), choices=KINDS)
    asked = parser.parse_args()
    runs = {data: run_of(data, asked.runs) for data in asked.data}
    absent = [data for data, found in runs.items() if found is None]
    if absent or set(asked.data) != set(KINDS):
        missing = f"no data for {', '.join(absent)}" if absent else "not all kinds were asked for"
        print(f"fracture_risk: {missing}; the committed table is kept as it is")
        return
    lines = [line for data, found in runs.items() if found is not None for line in lines_of(data, found)]
    with (HERE / "fracture_risk.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    (HERE / "fracture_risk.md").write_text(markdown(lines), encoding="utf-8")
    print(f"fracture_risk: {len(lines)} rows")


if __name__ == "__main__":
    main()
