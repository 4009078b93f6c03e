"""Oracles and their input tables; those that are not ours to ship are read beside OSTEON_DATA."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from osteon.stats.times import CompetingRisks, Survival

ORACLES = Path(__file__).resolve().parents[2] / "tests" / "oracles"


class InputAbsent(Exception):
    """A table that is not ours to ship is not there."""


@cache
def table(name: str) -> dict[str, np.ndarray]:
    """The columns of an input table as text."""
    root = Path(os.environ["OSTEON_DATA"]) if "OSTEON_DATA" in os.environ else None
    places = [ORACLES / "statistics" / "data" / name]
    if root is not None:
        places += [root.parent / "oracles" / "statistics" / "data" / name, root / name]
    for place in places:
        if place.exists():
            with place.open(encoding="utf-8", newline="") as stream:
                rows = list(csv.DictReader(stream))
            return {key: np.array([row[key] for row in rows]) for key in rows[0]}
    raise InputAbsent(name)


@cache
def oracle(name: str) -> Any:
    """The content of an oracle file."""
    return json.loads((ORACLES / f"{name}.json").read_text(encoding="utf-8"))


def numbers(name: str, column: str) -> np.ndarray:
    """One column as numbers, NA as NaN."""
    text = table(name)[column]
    return np.where(text == "NA", "nan", text).astype(float)


def asah() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    markers = {marker: numbers("asah.csv", marker) for marker in ("s100b", "ndka", "wfns", "age")}
    return table("asah.csv")["outcome"] == "Poor", markers


def nri() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    p1, p2 = numbers("nri.csv", "p1"), numbers("nri.csv", "p2")
    shifted = 1 / (1 + np.exp(-(0.3 + 1.4 * np.log(p2 / (1 - p2)))))
    return numbers("nri.csv", "y"), {"p1": p1, "p2": p2, "miscalibrated": shifted}


def lung(*needed: str) -> tuple[Survival, dict[str, np.ndarray]]:
    columns = {name: numbers("lung.csv", name) for name in needed}
    whole = np.all([np.isfinite(column) for column in columns.values()], axis=0)
    follow_up = Survival(
        time=numbers("lung.csv", "time")[whole], event=numbers("lung.csv", "status")[whole] == 2
    )
    return follow_up, {name: column[whole] for name, column in columns.items()}


def mgus(*needed: str) -> tuple[CompetingRisks, dict[str, np.ndarray]]:
    outcome = CompetingRisks(time=numbers("mgus2.csv", "etime"), cause=numbers("mgus2.csv", "event"))
    return outcome, {name: numbers("mgus2.csv", name) for name in needed}


def groups(column: str) -> dict[str, np.ndarray]:
    values, label = numbers("groups120.csv", column), table("groups120.csv")["group"]
    return {name: values[label == name] for name in "ABC"}


def outcome_counts() -> np.ndarray:
    columns = table("groups120.csv")
    counts = Counter(zip(columns["group"].tolist(), columns["outcome"].tolist(), strict=True))
    return np.array([[counts[group, outcome] for outcome in ("no", "yes")] for group in "ABC"])
