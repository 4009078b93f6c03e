"""From the word a person types to a cleaned table of patients, its engineered columns and the features it offers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from osteon.cohort.clean import CleanOptions, clean
from osteon.cohort.cohort import Change, Cohort
from osteon.cohort.eligibility import Eligible, apply, criteria
from osteon.cohort.schema import kind_of, schema
from osteon.core.errors import FileError, NotEnoughData
from osteon.studies.portraits_config import Config
from osteon.studies.risk_data import loaded

__all__ = ["TREATMENT", "Patients", "admission_features", "engineered", "patients", "prepared"]

TREATMENT = ("treatment_approach", "days_to_treatment", "treatment_drug", "drug_dose_mg")
_T_SITES = ("t_lumbar", "t_total_hip", "t_femoral_neck")
_MODALITIES = ("clinical", "dxa", "microstructure", "turnover", "laboratory", "balance", "function")
_NO_FEATURE = frozenset({
    "management", "county", "fracture_segment", "portrait_period", "cooperative", "vertebral_fracture_imaging",
    "heart_dysfunction_severe", "liver_dysfunction_severe", "kidney_dysfunction_severe", "psychiatric_disorder",
    "fracture_pathological", "fracture_old", "admission_year", "both_sites_measured", *TREATMENT,
})  # fmt: skip
_APPROACH = {"保守": "conservative", "保守治疗": "conservative", "conservative": "conservative", "手术": "surgical",
             "手术治疗": "surgical", "surgical": "surgical", "surgery": "surgical"}  # fmt: skip
_MOST_LEVELS = 6
_TABLES = frozenset({".csv", ".tsv", ".xlsx", ".parquet", ".gz"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patients:
    """A cleaned cohort, who met the published criteria, and the files it came from."""

    kind: str
    cohort: Cohort
    eligible: Eligible | None = None
    inputs: tuple[Path, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """The rows."""
        return self.cohort.table


def patients(data: str, config: Config) -> Patients:
    """
    The patients behind "estonia", a file or a folder with one table.

    Raises
    ------
    FileError
        Nothing is there, or a folder holds several tables.
    NotEnoughData
        Too few patients are left.
    """
    from osteon.cohort.sources import checked

    if data == "estonia":
        found = loaded("estonia", people=0, seed=0, fewest=config.fewest_patients)
        return Patients(kind="estonia", cohort=found.cohort, inputs=found.inputs)
    path = Path(data)
    if not path.exists():
        raise FileError(
            f"{data}: no such file or folder, and no kind of data the study knows.",
            hint="Kinds: virtual, estonia, published. A template: osteon data template.",
        )
    if path.is_dir():
        tables = sorted(p for p in path.iterdir() if p.suffix.lower() in _TABLES)
        if len(tables) != 1:
            raise FileError(
                f"{path}: holds {len(tables)} tables, expected one.", hint="Name the file itself."
            )
        path = tables[0]
    return prepared(checked.read(path), config, kind="table", inputs=(path,))


def prepared(cohort: Cohort, config: Config, *, kind: str, inputs: tuple[Path, ...] = ()) -> Patients:
    """The cohort engineered, cleaned and judged by the published criteria (counted, and applied where they can be)."""
    table = cohort.table.copy()
    log = list(engineered(table))
    published = criteria("portraits")
    # Complete data is asked for by a share of missing values instead: hardly any hospital table is without a hole.
    asked = replace(published, criteria=tuple(c for c in published.criteria if c.id != "data_complete"))
    eligible = apply(table.reset_index(drop=True), asked)
    table = eligible.table
    options = CleanOptions(max_row_missing=config.most_row_missing, max_column_missing=config.most_column_missing,
                           declared_units=tuple(map(str, table.columns)))  # fmt: skip
    cleaned = clean(table.reset_index(drop=True), options=options)
    flow = (*cohort.flow, *eligible.flow, *cleaned.flow)
    made = replace(
        cohort, table=cleaned.table.reset_index(drop=True), log=(*cohort.log, *log, *cleaned.log), flow=flow
    )
    if len(made) < config.fewest_patients:
        raise NotEnoughData(f"{len(made)} patients are left, at least {config.fewest_patients} are needed.",
                            hint="Portraits of few patients do not come back; collect more, or lower fewest_patients.")  # fmt: skip
    return Patients(kind=kind, cohort=made, eligible=eligible, inputs=inputs)


def engineered(table: pd.DataFrame) -> Iterator[Change]:
    """Columns worked out from others where they are absent, in place; one log line each."""
    sites = [name for name in _T_SITES if name in table]
    if "t_lowest" not in table and sites:
        table["t_lowest"] = table[sites].min(axis=1)
        yield _derived(table, "t_lowest", f"lowest of {', '.join(sites)}")
    if "fractured_segments_count" not in table and "fracture_segment" in table:
        table["fractured_segments_count"] = table["fracture_segment"].map(_levels).astype("float64")
        yield _derived(table, "fractured_segments_count", "levels named in fracture_segment")
    if "treatment_approach" not in table and "management" in table:
        told = table["management"].astype("object").map(lambda v: _APPROACH.get(str(v).strip().lower()))
        if told.notna().any():
            table["treatment_approach"] = pd.Categorical(
                told, categories=list(schema().named("treatment_approach").categories)
            )
            yield _derived(table, "treatment_approach", "management")


def _derived(table: pd.DataFrame, name: str, why: str) -> Change:
    return Change(code="derived", column=name, n=int(table[name].notna().sum()), why=why)


def _levels(text: object) -> float | None:
    found = set(re.findall(r"[TLtl]\s*\d{1,2}|[胸腰]\s*\d{1,2}", str(text)))
    return float(len(found)) if found else None


def admission_features(table: pd.DataFrame, config: Config) -> tuple[str, ...]:
    """
    Columns known at admission that describe the patient and are no treatment.

    Those named in the configuration, when it names any; unknown columns are never features by themselves.
    """
    if config.features:
        for name in config.features:
            schema().named(name)
        return tuple(name for name in config.features if name in table)
    return tuple(name for name in map(str, table.columns) if _is_feature(table, name))


def _is_feature(table: pd.DataFrame, name: str) -> bool:
    known = schema().fields.get(name)
    if known is None or known.modality not in _MODALITIES or known.after_baseline or name in _NO_FEATURE:
        return False
    if known.kind not in ("number", "flag", "category", "ordinal") or table[name].nunique() < 2:
        return False
    return kind_of(table[name]) != "category" or table[name].nunique() <= _MOST_LEVELS
