"""
Confidences of the CT reading fitted on SIMULATED development spines, none of them in the trial.

    python validation/spine_confidence.py [--workers 2]

Reads the spines that are not yet in build/spine_development and prints the parameters of [confidence], [type_confidence],
[of_confidence] and [flag_confidence] for reading/spine_rules.toml. Beside the spines of the trial's plan there are spines
broken in most bodies, spines with endplates broken before they lose height, and spines with much disease.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from osteon.core.errors import NotEnoughData
from osteon.core.files import write_json
from osteon.reading.spine_confidence import fit_confidence, fit_type_confidence
from osteon.studies.spine_trial import LEVELS, TrialCase, case_rows, planned_case, read_case
from osteon.synth.spine_fracture import PlannedFracture

FOLDER = Path(__file__).parent.parent / "build" / "spine_development"
FIELD = ("T9", *LEVELS)
SETS = {"usual": 120, "coarse": 40, "most_broken": 12, "broken_alike": 12, "early": 32, "diseased": 24}
"""Spines of each set."""
DISEASE = "lytic|sclerotic|destruction"


def planned(name: str, number: int) -> TrialCase:
    """Spine ``number`` of a set."""
    if name == "usual":
        return planned_case(number, seed=58_000_000)
    if name == "coarse":
        return planned_case(number, seed=59_000_000, spacing_mm=(3.0, 0.9, 0.9))
    plan, seed = {
        "most_broken": (_most_broken, 83_000_000),
        "broken_alike": (_broken_alike, 81_500_000),
        "early": (_early, 82_000_000),
        "diseased": (_one_broken, 81_900_000),
    }[name]
    return TrialCase(
        number=number,
        seed=seed + number,
        unseen=number % 3 == 0,
        variant="",
        fractures=tuple(plan(np.random.default_rng([seed, number]), number)),
        spacing_mm=(1.0, 1.0, 1.0),
    )


def _most_broken(rng: np.random.Generator, number: int) -> Sequence[PlannedFracture]:
    """Four to nine of the nine bodies, as it comes."""
    made = []
    for level in [str(k) for k in rng.permutation(FIELD)][: 4 + number % 6]:
        denis = "ABCD"[int(rng.integers(4))]
        kind = "wedge" if denis == "D" else str(rng.choice(["wedge", "biconcave", "crush", "burst"]))
        loss, fresh = float(rng.uniform(0.22, 0.5)), bool(rng.random() < 0.5)
        made.append(PlannedFracture(level=level, kind=kind, loss=loss, denis=denis, fresh=fresh))  # type: ignore[arg-type]
    return made


def _broken_alike(rng: np.random.Generator, number: int) -> Sequence[PlannedFracture]:
    """Six to nine bodies that have lost about as much, most of them as a whole: their own neighbours say nothing is lost."""
    levels = [str(k) for k in rng.permutation(FIELD)][: 6 + number % 4]
    usual, made = float(rng.uniform(0.24, 0.42)), []
    for level in levels:
        kind = str(rng.choice(["crush", "crush", "burst", "biconcave"]))
        loss = float(np.clip(usual + rng.normal(0, 0.02), 0.22, 0.6))
        denis, fresh = str(rng.choice(list("ABC"))), bool(rng.random() < 0.5)
        made.append(PlannedFracture(level=level, kind=kind, loss=loss, denis=denis, fresh=fresh))  # type: ignore[arg-type]
    return made


def _early(rng: np.random.Generator, number: int) -> Sequence[PlannedFracture]:
    """An endplate broken before much height is lost, and a small deformity with whole endplates."""
    levels = [str(k) for k in rng.permutation(LEVELS)]
    kind, loss, denis = str(rng.choice(["wedge", "biconcave"])), float(rng.uniform(0.04, 0.17)), str(rng.choice(list("ABC")))  # fmt: skip
    first = PlannedFracture(level=levels[0], kind=kind, loss=loss, denis=denis, fresh=bool(number % 4))  # type: ignore[arg-type]
    return first, PlannedFracture(level=levels[1], kind="wedge", loss=float(rng.uniform(0.05, 0.17)), denis="D", fresh=False)  # fmt: skip


def _one_broken(rng: np.random.Generator, number: int) -> Sequence[PlannedFracture]:
    """One fracture; what is diseased comes with the anatomy."""
    level, kind = str(rng.choice(LEVELS)), str(rng.choice(["wedge", "biconcave", "burst"]))
    loss, denis = float(rng.uniform(0.22, 0.5)), str(rng.choice(list("ABC")))
    return (PlannedFracture(level=level, kind=kind, loss=loss, denis=denis, fresh=True),)  # type: ignore[arg-type]


def rows_of(name: str, number: int) -> Path:
    """Read one spine and keep its rows."""
    kept = FOLDER / f"{name}-{number:03d}.json"
    if kept.exists():
        return kept
    import osteon.synth.spine_ct as drawing

    usual = drawing.draw_anatomy
    if name == "diseased":  # one body in six, and none of them operated
        drawing.draw_anatomy = functools.partial(usual, focus_rate=0.17, implant_rate=0.0)  # type: ignore[assignment]
    try:
        case = planned(name, number)
        shown, read = read_case(case)
    finally:
        drawing.draw_anatomy = usual
    write_json(kept, with_place(name, case.spacing_mm[0], case_rows(case, shown, read)))
    return kept


def with_place(name: str, spacing_mm: float, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the set and the slice spacing they come from."""
    return [{**row, "set": name, "spacing_mm": spacing_mm} for row in rows]


def main() -> None:
    """Read what is missing and fit all four."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--workers", type=int, default=2)
    workers = parser.parse_args().workers
    FOLDER.mkdir(parents=True, exist_ok=True)
    jobs = [(name, number) for name, spines in SETS.items() for number in range(spines)]
    with ProcessPoolExecutor(workers) as pool:
        files = list(pool.map(rows_of, *zip(*jobs, strict=True)))
    rows = pd.DataFrame([row for f in files for row in json.loads(f.read_text(encoding="utf-8"))])
    rows = with_broken(rows)
    print_flags(rows[rows["evaluable"].astype(bool)])
    rows = rows[rows["planted_reason"] == ""]
    print_calls(rows)
    print_types(rows)


def with_broken(rows: pd.DataFrame) -> pd.DataFrame:
    """With the share of each spine's evaluable vertebrae that are called fractured."""
    called = rows[rows["evaluable"].astype(bool)].assign(broken=lambda d: d["fractured"].eq(True))
    return rows.join(called.groupby(["set", "case"])["broken"].mean(), on=["set", "case"])


def print_calls(rows: pd.DataFrame) -> None:
    """[confidence]: of calls against unfractured neighbours; broken endplates without a deformity are counted apart."""
    injured = rows["endplate_injury"].astype(bool) & rows["evaluable"].astype(bool)
    calls = rows[rows["fractured"].notna() & rows["by_neighbours"].eq(True) & ~injured]
    z = (calls["loss"] - calls["threshold"]) / calls["loss_se"]
    right = calls["fractured"].astype(bool) == calls["true_fracture"]
    agreement = [None if pd.isna(a) else float(a) for a in calls["agreement"]]
    fitted = fit_confidence(list(zip(z, agreement, calls["spacing_mm"], right, strict=True)))
    told = f"n = {len(calls)}, wrong = {int((~right).sum())}"
    print("[confidence]", {k: round(v, 3) for k, v in fitted.items()}, told)
    alone = rows[rows["fractured"].notna() & rows["by_neighbours"].eq(False)]
    hit = alone["fractured"].astype(bool) == alone["true_fracture"]
    for name, part in (("fracture", alone["fractured"].eq(True)), ("none", alone["fractured"].eq(False))):
        print(
            f"  without a sound neighbour, called {name}: right {int(hit[part].sum())} of {int(part.sum())}"
        )
    early = (
        rows["true_broken_endplate"]
        & ~rows["true_fracture"]
        & rows["evaluable"].astype(bool)
        & (rows["spacing_mm"] <= 2)
    )
    fresh = rows[early & rows["set"].eq("early") & (rows["case"] % 4 != 0)]
    told = fresh["endplate_injury"].astype(bool) | fresh["fractured"].eq(True)
    print(f"  fresh broken endplates with a loss below .17: {int(told.sum())} of {len(fresh)} told")
    called = rows[injured & rows["fractured"].eq(False)]
    print(
        f"  injury: {int(called['true_broken_endplate'].sum())} of {len(called)} had a planted broken endplate"
    )


def print_types(rows: pd.DataFrame) -> None:
    """[type_confidence] and [of_confidence]; and whether grades are right as often as is said, to which nothing was fitted."""
    for name, truth, of in (("denis", "true_denis", "type"), ("of_type", "true_of", "of")):
        margin = f"{name.removesuffix('_type')}_margin"
        typed = rows[rows[margin].notna() & rows[truth].notna() & rows[name].notna()]
        hit = typed[name] == typed[truth]
        told = f"n = {len(typed)}, wrong = {int((~hit).sum())}"
        try:
            fitted = fit_type_confidence(list(zip(typed[margin], typed["broken"], hit, strict=True)), of=of)
            print(f"[{of}_confidence]", {k: round(v, 3) for k, v in fitted.items()}, told)
        except NotEnoughData as error:
            print(f"[{of}_confidence] not to be fitted:", error, told)
    graded = rows[rows["grade_confidence"].notna() & rows["true_fracture"]]
    right = (graded["grade"] == graded["true_grade"]).mean()
    print(
        f"  grade: stated {graded['grade_confidence'].mean():.3f}, right {right:.3f} of {len(graded)} fractures"
    )


def print_flags(rows: pd.DataFrame) -> None:
    """[flag_confidence]: of each code how many were right, (right + 1) / (flags + 2)."""
    ill = rows["planted_reason"].str.contains(DISEASE)
    flagged = rows["red_flags"] != ""
    print(f"{int((flagged & ill).sum())} of {int(ill.sum())} diseased vertebrae flagged, {int((flagged & ~ill).sum())} of {int((~ill).sum())} others")  # fmt: skip
    codes = rows["red_flags"].str.split(",")
    for code in sorted({c for found in codes for c in found if c}):
        alone = codes.apply(
            lambda found, code=code: code in found and (code != "convex_posterior_wall" or len(found) == 1)
        )
        n, right = int(alone.sum()), int((alone & ill).sum())
        print(f"[flag_confidence] {code} = {(right + 1) / (n + 2):.2f}  # {right} of {n}")


if __name__ == "__main__":
    main()
