"""
SIMULATED spines read and judged: 100 fresh phantoms, T9 to the sacrum, planted fractures, three in ten from unseen ranges.

    python validation/spine_phantoms.py [--cases 100] [--spacing 1.0] [--cubes] [--variants 0] [--seed N] [--rows FOLDER] [--workers 2]

Keeps the rows of every case read so far in FOLDER (default build/spine_phantoms) and goes on where it was stopped. Writes
validation/spine_phantoms.csv and .md of what is there. With another --seed nothing but the rows is written: development.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).parent
SEED = 89_000_000
"""Seeds of the trial; training and development draw from other ones."""


def rows_of_case(
    number: int, spacing: float, folder: Path, variant: str, seed: int, cubes: bool = False
) -> Path:
    """Read one case and keep its rows; ``cubes``: scanned at 1 mm and resampled to cubes of ``spacing``."""
    from dataclasses import replace

    from osteon.core.files import write_json
    from osteon.studies.spine_trial import case_rows, planned_case, read_case

    kept = folder / f"{spacing:g}mm-{'cubes-' if cubes else ''}{variant or 'usual'}-{number:03d}.json"
    if not kept.exists():
        plane = 1.0 if spacing <= 1 else 0.9
        scanned = (1.0, 1.0, 1.0) if cubes else (spacing, plane, plane)
        case = planned_case(number, seed=seed, spacing_mm=scanned, variant=variant)
        case = replace(case, cube_mm=spacing if cubes else None)
        shown, read = read_case(case)
        rows = case_rows(case, shown, read)
        about = {
            "spacing_mm": spacing,
            "cubes": cubes,
            "noise_hu": shown.appearance.noise_hu,
            "trabecular_hu": shown.appearance.trabecular_hu,
            "vessel_hu": shown.appearance.soft.vessel_hu,
            "sharpen": shown.appearance.sharpen,
            "cobb_deg": _cobb_deg(shown),
            "variant": case.variant,
            "planted": list(shown.planted),
            "backend": read.reading.backend,
            "weights": read.reading.backend_version,
            "elapsed_s": sum(read.reading.elapsed_s.values()),
        }
        write_json(kept, [{**row, **about} for row in rows])
    return kept


def _cobb_deg(shown: Any) -> float:
    """The largest angle in the coronal plane between two of the vertebrae shown."""
    leans = [math.degrees(math.atan2(v.frame.axes[2][0], v.frame.axes[2][2])) for v in shown.anatomy.shown]
    return max(leans) - min(leans)


def main() -> None:
    """Read what is missing, then write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--spacing", type=float, default=1.0, help="slice spacing in mm")
    parser.add_argument(
        "--cubes", action="store_true", help="scanned at 1 mm, resampled to cubes of --spacing"
    )
    parser.add_argument("--variants", type=int, default=0, help="cases of each other count: L6, T13, no_T12")
    parser.add_argument("--seed", type=int, default=SEED, help="another one for development")
    parser.add_argument("--rows", type=Path, default=HERE.parent / "build" / "spine_phantoms")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    options.rows.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.workers) as pool:
        wanted = [(n, "") for n in range(options.cases)]
        wanted += [(n, v) for v in ("L6", "T13", "no_T12") for n in range(options.variants)]
        jobs = [
            pool.submit(rows_of_case, n, options.spacing, options.rows, v, options.seed, options.cubes)
            for n, v in wanted
        ]
        for done, job in enumerate(jobs, start=1):
            job.result()
            print(f"{done} of {len(jobs)}", flush=True)
    if options.seed == SEED:
        write_tables(options.rows)


def _subgroups(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """What tables of CT readings are split by: dose, contrast, kernel, bone, anatomy."""
    level = rows["level"]
    return {
        "trained ranges": ~rows["unseen"],
        "unseen ranges": rows["unseen"],
        "noise below 20 HU": rows["noise_hu"] < 20,
        "noise 20 HU or more (low dose)": rows["noise_hu"] >= 20,
        "vessels below 100 HU (no contrast)": rows["vessel_hu"] < 100,
        "vessels 100 HU or more (contrast)": rows["vessel_hu"] >= 100,
        "soft kernel": rows["sharpen"] < 0.5,
        "sharp kernel": rows["sharpen"] >= 0.5,
        "trabecular bone below 100 HU": rows["trabecular_hu"] < 100,
        "trabecular bone 100 HU or more": rows["trabecular_hu"] >= 100,
        "Cobb angle below 15 degrees": rows["cobb_deg"] < 15,
        "Cobb angle 15 degrees or more": rows["cobb_deg"] >= 15,
        "T9 to T11": level.isin(["T9", "T10", "T11"]),
        "T12 and L1": level.isin(["T12", "L1"]),
        "L2 to L5": level.isin(["L2", "L3", "L4", "L5"]),
    }


def restated(rows: pd.DataFrame) -> pd.DataFrame:
    """The confidences of the types by the rules as they are now, from the margins that were kept: no image enters them."""
    from osteon.reading.spine_confidence import type_confidence

    spine = ["case", "spacing_mm", "cubes"]
    called = rows[rows["evaluable"].astype(bool)].assign(broken=lambda d: d["fractured"].eq(True))
    broken = rows[spine].merge(called.groupby(spine)["broken"].mean().reset_index(), how="left")["broken"]
    for of, name in (("type", "denis"), ("of", "of")):
        known = rows[f"{name}_confidence"].notna()
        rows.loc[known, f"{name}_confidence"] = [
            type_confidence(float(margin), broken=float(share), of=of)  # type: ignore[arg-type]
            for margin, share in zip(rows.loc[known, f"{name}_margin"], broken[known.to_numpy()], strict=True)
        ]
    return rows


def write_tables(folder: Path) -> None:
    """The figures of every spacing that was read, into spine_phantoms.csv and .md."""
    import pandas as pd

    from osteon.core.provenance import code_version
    from osteon.stats.reliability_bins import reliability_table
    from osteon.studies.spine_trial_figures import stated_confidences, trial_figures

    files = sorted(folder.glob("*mm-*.json"))
    rows = pd.DataFrame([row for f in files for row in json.loads(f.read_text(encoding="utf-8"))])
    if rows["weights"].nunique() > 1 or not rows["seed"].between(SEED, SEED + 999_999).all():
        raise SystemExit(
            f"{folder} holds rows of other weights or seeds: empty it, or name another with --rows."
        )
    rows["case"] = rows["variant"] + rows["case"].astype(str)
    rows = restated(rows)
    lines: list[dict[str, Any]] = []
    cubes = rows["cubes"].eq(True)
    usual = rows[(rows["variant"] == "") & ~cubes]
    groups = [(f"{s:g} mm", usual[usual["spacing_mm"] == s]) for s in sorted(usual["spacing_mm"].unique())]
    fine = usual[usual["spacing_mm"] == usual["spacing_mm"].min()]
    at = f"{fine['spacing_mm'].iloc[0]:g} mm"
    groups += [(f"{at}, {name}", fine[chosen]) for name, chosen in _subgroups(fine).items()]
    groups += [
        (f"cubes of {s:g} mm", rows[cubes & (rows["spacing_mm"] == s)])
        for s in sorted(rows.loc[cubes, "spacing_mm"].unique())
    ]
    groups += [
        (f"another count: {v}", rows[rows["variant"] == v]) for v in sorted(set(rows["variant"]) - {""})
    ]
    for name, part in groups:
        for figure in trial_figures(part):
            lines.append({
                "cases": name, "patients": part["case"].nunique(), "figure": figure.name, "value": round(figure.value, 4),
                "low": round(figure.ci.low, 4) if figure.ci else None, "high": round(figure.ci.high, 4) if figure.ci else None,
                "n": figure.n, "target": figure.target, "weights": part["weights"].iloc[0], "code": code_version(),
            })  # fmt: skip
    with (HERE / "spine_phantoms.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    tables = {name: reliability_table(*told) for name, told in stated_confidences(fine).items()}
    text = [
        "# SIMULATED spines read and judged", "",
        f"Made by `python validation/spine_phantoms.py` (seeds {SEED} and up). SIMULATED: no figure here is clinical performance. The reading is the software alone; the published AI arm was two radiologists with AI, another thing. Intervals draw patients as wholes. Above 2 mm no Denis type is given, so its recall there is 0. “Cubes”: scanned at 1 mm and resampled to cubes of that side, as research data are often kept. “Perfect ones”: the expected calibration error that perfectly calibrated confidences show by chance on so few cases.", "",
        "| cases | patients | figure | value (95 % CI) | n | target |", "|---|---|---|---|---|---|",
        *(f"| {line['cases']} | {line['patients']} | {line['figure']} | {line['value']:.3f}" + (f" ({line['low']:.3f} to {line['high']:.3f})" if line["low"] is not None else "") + f" | {line['n']} | {line['target']} |" for line in lines),
        "", f"## Stated confidences at {at}", "", "| of | confidence | n | mean stated | share right |", "|---|---|---|---|---|",
        *(f"| {name} | {b.low:.1f}-{b.high:.1f} | {b.n} | {b.mean_confidence:.3f} | {b.share_right:.3f} |" for name, table in tables.items() for b in table.bins), "",
        f"Weights {fine['weights'].iloc[0]}, code {code_version()}.", "",
    ]  # fmt: skip
    (HERE / "spine_phantoms.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
