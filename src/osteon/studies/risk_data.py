"""From the word a person types (nhanes, glow, virtual, a file, a folder) to a cohort and the questions it can answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from osteon.cohort.cohort import Cohort
from osteon.core.errors import FileError
from osteon.studies.risk_plan import PLANS, Plan

__all__ = ["Loaded", "loaded"]

# Where OSTEON_DATA may hold each kind, the prepared table first, and the set of the registry that brings it.
_SHELF: Mapping[str, tuple[str, ...]] = {
    "nhanes": ("tabular/nhanes/nhanes_2017_mar2020_age50_bone.csv.gz", "tabular/nhanes/raw_xpt"),
    "glow": ("tabular/glow/glow500.csv", "tabular/glow/GLOW500.txt"),
    "estonia": (
        "tabular/estonia_hip_fracture/hip_fracture.csv.gz",
        "tabular/estonia_hip_fracture/hip_fracture.csv",
    ),
}
_SETS = {"nhanes": "nhanes_2017_2020", "glow": "glow", "estonia": "estonia_hip_fracture"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """A cohort with its questions; ``truth`` and ``bayes_auc`` are known for invented people only."""

    kind: str
    cohort: Cohort
    plan: Plan
    inputs: tuple[Path, ...] = ()
    truth: pd.DataFrame | None = None
    bayes_auc: Mapping[str, float] = field(default_factory=dict)


def loaded(data: str, *, people: int, seed: int, fewest: int, cycles: tuple[str, ...] = ()) -> Loaded:
    """
    The cohort behind ``data``.

    Raises
    ------
    FileError
        Nothing is there; the message names the command that fetches it.
    NotEnoughData
        Fewer than ``fewest`` people.
    """
    if data == "virtual":
        from osteon.synth.cohort import virtual_cohort

        made = virtual_cohort(people, seed=seed)
        return Loaded(kind="virtual", cohort=made.cohort.at_least(fewest), plan=PLANS["virtual"], truth=made.truth,
                      bayes_auc=made.bayes_auc)  # fmt: skip
    if data in _SHELF:
        return _known(data, fewest)
    path = Path(data)
    if not path.exists():
        raise FileError(
            f"{data}: no such file or folder, and no kind of data the study knows.",
            hint="Kinds: nhanes, glow, estonia, virtual, published.",
        )
    return _given(path, fewest, cycles)


def _known(data: str, fewest: int) -> Loaded:
    from osteon.cohort.sources import estonia, glow, nhanes

    root = os.environ.get("OSTEON_DATA")
    fetch = f"Run `osteon data fetch {_SETS[data]} --into FOLDER` and set OSTEON_DATA to that folder."
    if not root:
        raise FileError(f"{data}: OSTEON_DATA is not set, so the data are nowhere to be found.", hint=fetch)
    path = next((p for p in (Path(root) / place for place in _SHELF[data]) if p.exists()), None)
    if path is None:
        raise FileError(f"{data}: {Path(root) / _SHELF[data][0]} is not there.", hint=fetch)
    if data == "nhanes":
        cohort = nhanes.read(path, cycles=("P",) if path.is_dir() else None)
    else:
        cohort = (glow if data == "glow" else estonia).read(path)
    inputs = tuple(sorted(path.iterdir())) if path.is_dir() else (path,)
    return Loaded(kind=data, cohort=cohort.at_least(fewest), plan=PLANS[data], inputs=inputs)


def _given(path: Path, fewest: int, cycles: tuple[str, ...]) -> Loaded:
    from osteon.cohort.sources import checked, nhanes

    if path.is_dir():
        transport = [p for p in path.iterdir() if p.name.upper().endswith((".XPT", ".XPT.GZ"))]
        if transport:
            cohort = nhanes.raw(path, cycles=cycles or None).at_least(fewest)
            return Loaded(
                kind="nhanes_raw", cohort=cohort, plan=PLANS["nhanes"], inputs=tuple(sorted(transport))
            )
        tables = [
            p for p in path.iterdir() if p.suffix.lower() in {".csv", ".tsv", ".xlsx", ".parquet", ".gz"}
        ]
        if len(tables) != 1:
            raise FileError(
                f"{path}: holds {len(tables)} tables, expected one (CSV, XLSX, Parquet) or NHANES XPT files.",
                hint="Name the file itself.",
            )
        path = tables[0]
    return Loaded(
        kind="table", cohort=checked.read(path, min_rows=fewest), plan=PLANS["table"], inputs=(path,)
    )
