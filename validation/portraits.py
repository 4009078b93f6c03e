"""
Patient portraits judged where the truth is known, where there is nothing to find, and on real hip fractures.

    OSTEON_DATA=... python validation/portraits.py [--runs FOLDER] [--draws 10] [--tables 12]

Runs ``osteon study run portraits --data virtual`` and ``--data estonia`` into FOLDER (default build/validation/portraits;
runs that are there are kept), draws the published table on further seeds and looks at more tables without groups. Writes
validation/portraits.csv and .md. Each row: data, figure, value, interval, the goal, and the version of the code.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median
from typing import Any

from osteon.core.provenance import code_version
from osteon.studies.portraits import Config, run_to_folder
from osteon.studies.portraits_virtual import Table1, empty_tables, table1

HERE = Path(__file__).parent
SEED = 20260101
COLUMNS = ("data", "simulated", "figure", "value", "low", "high", "goal", "code")
Row = tuple[str, Any, Any, Any, str]


def run_of(data: str, folder: Path) -> dict[str, Any] | None:
    """results.json of a kind of data, made now where there is none; None without the real data."""
    done = folder / data / "results.json"
    if not done.exists():
        if data == "estonia" and not os.environ.get("OSTEON_DATA"):
            return None
        command = f"osteon study run portraits --data {data} --seed {SEED}"
        run_to_folder(data, config="default", seed=SEED, out=folder / data, lang="en", command=command)
    content: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    return content


def virtual_rows(found: dict[str, Any]) -> Iterator[Row]:
    """The separable patients on 20 seeds, the published table, the tables without groups, the before/after figures."""
    repeats = found["repeats"]
    ks, aris = [found["k"], *repeats["k"]], [found["adjusted_rand_index"], *repeats["adjusted_rand_index"]]
    succeeded = repeats["four_claimed"] + (found["k"] == 4 and found["verdict"] == "groups")
    yield "separable: seeds with 4 groups, all claimed", succeeded, None, None, f">= 18 of {len(ks)}"
    yield (
        "separable: seeds with ARI of 0.8 or more",
        sum(a >= 0.8 for a in aris),
        None,
        None,
        f">= 18 of {len(aris)}",
    )
    yield "separable: ARI, mean and range over seeds", mean(aris), min(aris), max(aris), ">= 0.8"
    yield "separable, default seed: k", found["k"], None, None, "4"
    yield "separable, default seed: ARI", found["adjusted_rand_index"], None, None, ">= 0.8"
    yield "separable, default seed: silhouette", found["silhouette"], None, None, ""
    yield (
        "separable, default seed: least stability (Jaccard)",
        found["stability"]["least"],
        None,
        None,
        ">= 0.75",
    )
    one = found["table1"]
    yield "table 1: Bayes-optimal ARI, mean of 200 draws", one["bayes_adjusted_rand_index"], None, None, ""
    yield (
        "table 1, default seed: published recipe, k",
        one["published_recipe"]["k"],
        None,
        None,
        "as it falls",
    )
    yield (
        "table 1, default seed: published recipe, ARI",
        one["published_recipe"]["ari"],
        None,
        None,
        "as it falls",
    )
    yield (
        f"table 1, default seed: best of ours ({one['best']}), ARI",
        one["best_adjusted_rand_index"],
        None,
        None,
        "",
    )
    yield "table 1, default seed: best of ours, share of Bayes", one["share_of_bayes"], None, None, ">= 0.85"
    nothing = found["structureless"]
    yield (
        "no structure, default seed: kinds claimed",
        sum(n["claimed"] for n in nothing),
        None,
        None,
        f"0 of {len(nothing)}",
    )
    for line in found["before_after_published"]:
        tested = line["classic"]
        yield (
            f"published before/after, {line['measure']}: {tested['test']} p",
            tested["p"],
            None,
            None,
            "p < 0.05 printed",
        )


def further_draws(draws: list[Table1]) -> Iterator[Row]:
    """The published table on other seeds."""
    shares = [t.best_ari / t.bayes for t in draws]
    recipe = [t.published.ari for t in draws]
    gower = [max(w.ari, w.ari_4) / t.bayes for t in draws for w in t.ways if w.name == "gower_pam"]
    n = len(draws)
    yield (
        f"table 1, {n} further seeds: published recipe, ARI, median and range",
        median(recipe),
        min(recipe),
        max(recipe),
        "as it falls",
    )
    yield (
        f"table 1, {n} further seeds: best of ours, share of Bayes, median and range",
        median(shares),
        min(shares),
        max(shares),
        ">= 0.85",
    )
    yield (
        f"table 1, {n} further seeds: Gower with medoids alone, share of Bayes",
        median(gower),
        min(gower),
        max(gower),
        "",
    )


def hip_rows(found: dict[str, Any]) -> Iterator[Row]:
    """Real hip fractures: both divisions and what they add to age and sex."""
    for name, each in found["survival"].items():
        what, gain = f"{name} management", each["c_index"]
        yield f"{what}: portraits", each["k"], None, None, ""
        yield f"{what}: least stability (Jaccard), 2009-2014", min(each["stability"]), None, None, ">= 0.75"
        yield (
            f"{what}: SD beyond one single group",
            each["structure_z"],
            None,
            None,
            "separate from 3: a continuum below",
        )
        yield f"{what}: log-rank p, all years, unadjusted", each["log_rank_p"], None, None, "< 0.05"
        yield (
            f"{what}: log-rank p, all years, within decade of age and sex",
            each["log_rank_stratified_p"],
            None,
            None,
            "< 0.05",
        )
        yield f"{what}: p beside age and sex (Cox), 2009-2014", each["adjusted"]["p"], None, None, "< 0.05"
        yield f"{what}: C-index, age and sex, 2015-2017", gain["age_sex"], None, None, ""
        yield f"{what}: C-index with portraits, 2015-2017", gain["with_portraits"], None, None, ""
        yield f"{what}: C-index gain, 2015-2017", gain["gain"], gain["gain_low"], gain["gain_high"], "> 0"
        for group in each["groups"]:
            alive = group["alive_12m"]
            label = f"{what}: {group['letter']} ({group['name_en']}, n {group['n']}), alive at 12 months, all years, unadjusted"
            yield label, alive["value"], alive["low"], alive["high"], ""


def line_of(data: str, simulated: bool, code: str, row: Row) -> dict[str, Any]:
    """A row as the table prints it."""
    figure, *numbers, goal = row
    shown = [float(f"{v:.4g}") if isinstance(v, float) else v for v in numbers]
    return dict(zip(COLUMNS, (data, simulated, figure, *shown, goal, code), strict=True))


def markdown(lines: list[dict[str, Any]]) -> str:
    """The table for readers."""
    text = "# Patient portraits\n\nMade by `OSTEON_DATA=... python validation/portraits.py`: `osteon study run portraits --data "
    text += f"virtual|estonia --seed {SEED}`, the published table on further seeds, and more tables without groups. Rows "
    text += "marked SIMULATED come from invented people. The best of ours is the best of six ways, picked with the truth in hand.\n\n"
    text += "| data | figure | value | goal | code |\n|---|---|---|---|---|\n"
    for line in lines:
        interval = f" ({line['low']:g} to {line['high']:g})" if line["low"] is not None else ""
        data = f"{line['data']} SIMULATED" if line["simulated"] else line["data"]
        text += (
            f"| {data} | {line['figure']} | {line['value']:g}{interval} | {line['goal']} | {line['code']} |\n"
        )
    return text


def main() -> None:
    """Write the table as CSV and Markdown; without the real data the committed one is kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, default=HERE.parent / "build" / "validation" / "portraits")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--tables", type=int, default=12)
    asked = parser.parse_args()
    virtual, hip = (run_of(data, asked.runs) for data in ("virtual", "estonia"))
    if virtual is None or hip is None:
        print("portraits: no data for estonia; the committed table is kept as it is")
        return
    config, code = Config(), code_version()
    rows = [line_of("virtual", True, virtual["provenance"]["code"], row) for row in virtual_rows(virtual)]
    draws = [table1(config, seed=SEED + i) for i in range(1, asked.draws + 1)]
    rows += [line_of("virtual", True, code, row) for row in further_draws(draws)]
    empty = [n for i in range(1, asked.tables + 1) for n in empty_tables(config, seed=SEED + i)]
    claimed = sum(n.claimed for n in empty)
    told = (
        f"no structure, {asked.tables} further seeds: tables claimed",
        claimed,
        None,
        None,
        f"0 of {len(empty)}",
    )
    rows.append(line_of("virtual", True, code, told))
    rows += [line_of("estonia", False, hip["provenance"]["code"], row) for row in hip_rows(hip)]
    with (HERE / "portraits.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    (HERE / "portraits.md").write_text(markdown(rows), encoding="utf-8")
    print(f"portraits: {len(rows)} rows")


if __name__ == "__main__":
    main()
