"""
NHANES: the prepared table of 2017-March 2020, or a folder of the XPT files as published.

Source: US Centers for Disease Control and Prevention, National Center for Health Statistics, National Health and
Nutrition Examination Survey; public domain, for statistical use only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from osteon.cohort.cells import numbers
from osteon.cohort.cohort import Change, Cohort, FlowStep
from osteon.cohort.read import read_table
from osteon.cohort.sources.mapping import (
    as_read,
    mapped,
    outside_limits,
    renumbered,
    required,
    source_map,
)
from osteon.cohort.sources.nhanes_rules import bone_status, frax, lifestyle
from osteon.core.errors import ConfigError, FileError, SchemaError

__all__ = ["prepared", "raw", "read"]

_FILE = re.compile(r"^(?P<p>P_)?(?P<name>[A-Z][A-Z0-9]*(?:_U)?)(?:_(?P<cycle>[A-L]))?\.XPT(\.GZ)?$")
_PREPARED_NOTES = (
    "fracture_ever is self-reported and precedes the scan: an association, never a prediction.",
    "osteoporosis_fn_or_ls is judged by whichever site was measured; for prevalence use osteoporosis_fn_or_evaluable_ls.",
    "Age is top-coded at 80 years.",
)


def read(path: Path, *, cycles: Sequence[str] | None = None) -> Cohort:
    """The prepared table when ``path`` is a file, the raw XPT files when it is a folder."""
    return raw(path, cycles=cycles) if path.is_dir() else prepared(path)


def prepared(path: Path) -> Cohort:
    """
    The analysis table of NHANES 2017-March 2020, age 50 and over, in our names and units.

    T-scores are recomputed from BMD with the declared references; where the file's own differ, the log says so.

    Raises
    ------
    FileError, SchemaError
        See :func:`osteon.cohort.read.read_table`; or a column the study cannot do without is missing.
    """
    foreign = read_table(path)
    plan = source_map("nhanes")
    entries = plan["columns"] | plan["prepared"]
    required(foreign, ["SEQN", "RIDAGEYR", "RIAGENDR", "bmd_femur_neck"], where=str(path))
    table, log = mapped(foreign, entries, where=str(path))
    coded = _coded(foreign, ["SMQ020", "SMQ040", "ALQ111", "ALQ121", "ALQ130"], where=str(path))
    habits = lifestyle(coded)
    bones, more = bone_status(table, coded)
    checks = _against_file(foreign, bones, where=str(path))
    return as_read(
        pd.concat([table, habits, bones], axis=1), source="nhanes_2017_2020", of="people",
        log=(*log, *_derivations(habits), *more, *checks), notes=_PREPARED_NOTES,
    )  # fmt: skip


def _coded(foreign: pd.DataFrame, names: Sequence[str], *, where: str) -> pd.DataFrame:
    return pd.DataFrame({name: numbers(foreign[name], where=where) for name in names if name in foreign.columns},
                        index=foreign.index)  # fmt: skip


def _derivations(columns: pd.DataFrame) -> list[Change]:
    return [Change(code="derived", column=str(name), n=int(columns[name].notna().sum())) for name in columns]


def _against_file(foreign: pd.DataFrame, bones: pd.DataFrame, *, where: str) -> list[Change]:
    """The file's own T-scores and diagnosis beside ours."""
    theirs = {"t_fn": "t_femoral_neck", "t_tf": "t_total_hip", "t_ls": "t_lumbar",
              "osteoporosis_fn_or_ls": "osteoporosis_fn_or_ls"}  # fmt: skip
    log = []
    for name, ours in theirs.items():
        if name not in foreign.columns or ours not in bones.columns:
            continue
        file, own = numbers(foreign[name], where=where), bones[ours]
        differs = ((file - own).abs() > 1e-6) | (file.isna() != own.isna())
        log.append(Change(code="recomputed", column=ours, before=f"{name} of the file", n=int(differs.sum()),
                          why="cells that differ from the file; a BMD exactly at the cut counts as T -2.5"))  # fmt: skip
    return log


def raw(folder: Path, *, cycles: Sequence[str] | None = None, min_age_years: float = 50) -> Cohort:
    """
    People of one NHANES cycle (or several, when named) from a folder of XPT files joined on SEQN.

    Parameters
    ----------
    folder : Path
        Holds DEMO and any of BMX, DXXFEM, DXXSPN, OSQ, MCQ, BIOPRO, SMQ, ALQ, DIQ, ..., with a cycle letter
        (``DEMO_J.XPT``) or the prefix of 2017-March 2020 (``P_DEMO.XPT``), also gzipped.
    cycles : sequence of letters, optional
        "J" for 2017-18, "P" for 2017-March 2020, ... When not given, the only cycle, or the only one with hip scans
        (DXXFEM), is read. Those named are pooled, their weights scaled by years.
    min_age_years : float
        Younger people are left out (a step of the flow).

    Raises
    ------
    FileError
        No DEMO file, the same file twice, or one cut short.
    ConfigError
        Several cycles and none named; or "J" together with "P", which contains it.
    """
    found = _xpt_files(folder)
    chosen = _chosen_cycles(found, cycles, folder=folder)
    plan = source_map("nhanes")
    years = {cycle: float(plan["years"][cycle]) for cycle in chosen}
    parts, log = [], []
    if len(found) > len(chosen):
        left = ", ".join(sorted(set(found) - set(chosen)))
        log.append(
            Change(code="cycle_left_out", before=left, after=", ".join(chosen), n=len(found) - len(chosen))
        )
    for cycle in chosen:
        part, changes = _cycle(found[cycle], plan, label=plan["labels"][cycle], folder=folder)
        share = years[cycle] / sum(years.values())
        if len(chosen) > 1:
            weights = [name for name in ("survey_weight", "survey_interview_weight") if name in part]
            part[weights] = part[weights] * share
            changes.append(Change(code="weight_divided", column="survey_weight", after=f"{share:.4f}", n=len(part),
                                  why=f"{plan['labels'][cycle]}: {years[cycle]:g} of {sum(years.values()):g} years"))  # fmt: skip
        parts.append(part)
        log += changes
    table = _stacked(parts)
    old_enough = (table["age_years"] >= min_age_years).to_numpy()
    label = "_".join(
        str(plan["labels"][cycle]).replace("-", "_").replace(" ", "_") for cycle in chosen
    ).lower()
    cohort = Cohort(
        table=table, source=f"nhanes_raw_{label}", log=tuple(log),
        flow=(FlowStep(code="read", n_before=len(table), n_after=len(table), reason="people in DEMO"),),
        notes=_PREPARED_NOTES[:2] + (("Several cycles are pooled; DXA software differs between them.",) if parts[1:] else ()),
    ).kept(old_enough, code="age", reason=f"age {min_age_years:g} years and over")  # fmt: skip
    kept = renumbered(cohort.table)
    return cohort.logged(outside_limits(kept), table=kept)


def _xpt_files(folder: Path) -> dict[str, dict[str, Path]]:
    """Files by cycle letter and name."""
    if not folder.is_dir():
        raise FileError(f"{folder}: no such folder.", hint="Give the folder that holds the XPT files.")
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        match = _FILE.match(path.name.upper())
        if match is None:
            continue
        cycle = "P" if match["p"] else match["cycle"] or "A"
        files = found.setdefault(cycle, {})
        if match["name"] in files:
            raise FileError(
                f"{path}: the same table is there as {files[match['name']].name}.", hint="Keep one."
            )
        files[match["name"]] = path
    return found


def _chosen_cycles(
    found: Mapping[str, Mapping[str, Path]], cycles: Sequence[str] | None, *, folder: Path
) -> tuple[str, ...]:
    usable = sorted(cycle for cycle, files in found.items() if "DEMO" in files)
    if not usable:
        raise FileError(
            f"{folder}: no DEMO file.", hint="NHANES needs DEMO_<cycle>.XPT or P_DEMO.XPT beside the rest."
        )
    if cycles is None:
        with_scans = [cycle for cycle in usable if "DXXFEM" in found[cycle]]
        if len(with_scans) == 1:
            return (with_scans[0],)
        if len(usable) > 1:
            raise ConfigError(
                f"{folder}: holds the cycles {', '.join(usable)}.",
                hint="Name those to use (cycles), or give a folder with one; cycles are never pooled unasked.",
            )
        return (usable[0],)
    chosen = tuple(dict.fromkeys(cycle.upper() for cycle in cycles))
    lacking = [cycle for cycle in chosen if cycle not in usable]
    if lacking or not chosen:
        raise ConfigError(
            f"{folder}: no cycle {', '.join(lacking) or '(none named)'}.", hint=f"There: {', '.join(usable)}."
        )
    if {"J", "P"} <= set(chosen):
        raise ConfigError(
            "the cycles J and P overlap: 2017-18 is part of 2017-March 2020.", hint="Use one of them."
        )
    return chosen


def _cycle(
    files: Mapping[str, Path], plan: Mapping[str, Any], *, label: str, folder: Path
) -> tuple[pd.DataFrame, list[Change]]:
    """One cycle's files joined on SEQN and translated."""
    entries = plan["columns"] | plan["raw"]
    wanted = _wanted(entries, plan["beside"])
    where = f"{folder} {label}"
    joined = _keyed(files["DEMO"])
    log = []
    for name, variables in wanted.items():
        if name not in files:
            cost = [
                target
                for target, entry in entries.items()
                if name in _file_names(entry) and not set(_file_names(entry)) & set(files)
            ]
            cost += plan["beside"].get(name, {}).get("gives", [])
            log.append(
                Change(
                    code="absent",
                    column=", ".join(cost),
                    before=f"{name} ({label})",
                    n=len(joined),
                    why="file not in the folder",
                )
            )
            continue
        if name != "DEMO":
            part = _keyed(files[name])
            part = part[[c for c in part.columns if c in variables and c not in joined.columns]]
            joined = joined.join(part)
    joined = joined.reset_index()
    there = {t: e for t, e in entries.items() if set(_file_names(e)) & set(files)}
    table, changes = mapped(joined, there, where=where)
    sites = ["fracture_hip", "fracture_wrist", "fracture_spine"]
    if set(sites) <= set(table.columns):
        table["fracture_ever"] = _any_of(table, sites)
    if {"mother_hip_fracture", "father_hip_fracture"} <= set(table.columns):
        table["parent_hip_fracture"] = table[["mother_hip_fracture", "father_hip_fracture"]].max(axis=1)
    habits = lifestyle(joined)
    bones, more = bone_status(table, joined)
    scores = frax(joined, vertebral_fracture=table.get("vertebral_fracture_vfa"))
    table = pd.concat([table, habits, bones, scores], axis=1)
    table["survey_cycle"] = label
    return table, [*log, *changes, *_derivations(habits), *more, *_derivations(scores)]


def _file_names(entry: Mapping[str, Any]) -> list[str]:
    names = entry["file"]
    return [names] if isinstance(names, str) else list(names)


def _wanted(
    entries: Mapping[str, Mapping[str, Any]], beside: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[str, set[str]]:
    """Variables to take from each file."""
    wanted: dict[str, set[str]] = {}
    for entry in entries.values():
        sources = [entry["from"]] if isinstance(entry["from"], str) else entry["from"]
        for name in _file_names(entry):
            wanted.setdefault(name, set()).update(sources)
            if "valid" in entry:
                wanted[name].add(entry["valid"]["column"])
    for name, rule in beside.items():
        wanted.setdefault(name, set()).update(rule["variables"])
    return wanted


def _keyed(path: Path) -> pd.DataFrame:
    """A component file indexed by SEQN, one row per person, names in capitals."""
    part = read_table(path)
    part.columns = [str(name).upper() for name in part.columns]
    required(part, ["SEQN"], where=str(path))
    repeated = part["SEQN"].duplicated()
    if repeated.any():
        raise SchemaError(f"{path}: row {part.index[repeated][0]}: SEQN {part['SEQN'][repeated].iloc[0]:g} is repeated.",
                          hint="Expected one row per person.")  # fmt: skip
    return part.set_index("SEQN")


def _any_of(table: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """1 when any is 1, 0 when all are 0, else missing: an unanswered question is not a no."""
    part = table[list(names)]
    return pd.Series(
        np.where((part == 1).any(axis=1), 1.0, np.where((part == 0).all(axis=1), 0.0, np.nan)),
        index=table.index,
    )


def _stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Cycles under each other, categories united."""
    names = list(dict.fromkeys(name for part in parts for name in part.columns))
    out: dict[str, pd.Series] = {}
    for name in names:
        columns = [part[name] if name in part else pd.Series(np.nan, index=part.index) for part in parts]
        kinds = [c.dtype for c in columns if isinstance(c.dtype, pd.CategoricalDtype)]
        stacked = pd.concat([c.astype(object) if kinds else c for c in columns], ignore_index=True)
        if kinds:
            order = max((list(kind.categories) for kind in kinds), key=len)
            stacked = stacked.astype(pd.CategoricalDtype(order, ordered=kinds[0].ordered))
        out[str(name)] = stacked
    table = pd.DataFrame(out)
    table["survey_cycle"] = table["survey_cycle"].astype("category")
    return table
