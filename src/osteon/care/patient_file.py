"""
Patients from files that people write: one TOML file for a patient, in plain words, or a table with one row for each.

A row is made into the same entries as a TOML file: ``fracture_1_site`` is ``site`` of the first ``[[fracture]]``,
``frax_mof_pct`` is ``mof_pct`` of ``[frax]``, ``t_total_hip`` is ``t`` of a ``[[dxa]]`` at the total hip.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from osteon.care.patient_cells import is_unknown
from osteon.care.patient_entries import patient_of
from osteon.care.vocabulary import codes
from osteon.cohort.read import check_headers, read_bytes, read_table
from osteon.core.config import read_toml
from osteon.core.errors import InputError
from osteon.domain.patient import Patient

__all__ = ["PatientTable", "Refusal", "read_patient", "read_patients"]

_NUMBERED = re.compile(r"(fracture|drug|disease|risk)_(\d+)_(\w+)")
_OF_TABLE = re.compile(r"(frax|spine)_(\w+)")
_SCORE = re.compile(rf"(t|z|bmd)_({'|'.join(codes('dxa_site'))})(?:_g_cm2)?")
_OF_SCAN = re.compile(r"dxa_(date|reference|device|side|vertebrae|excluded|artefact)")
_LUMBAR_ONLY = frozenset({"vertebrae", "excluded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A row that is no patient yet: where it stands and what to correct."""

    row: int
    patient: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientTable:
    """The patients of a table, and the rows refused."""

    patients: tuple[Patient, ...]
    refused: tuple[Refusal, ...]


def read_patient(path: Path, *, as_of: date | None = None) -> Patient:
    """
    The patient of a TOML file.

    Parameters
    ----------
    path : Path
    as_of : date, optional
        The day of the plan, where the file does not say ``as_of``.

    Raises
    ------
    FileError
        No such file.
    InputError
        Something in it a careful clinician would not accept; the message names the file and the field.
    """
    return patient_of(read_toml(path), where=path.name, as_of=as_of)


def read_patients(path: Path, *, as_of: date | None = None) -> PatientTable:
    """
    The patients of a table (CSV, TSV, XLSX), one row each; a row with a fault is refused alone.

    Two rows with one id are both refused: nobody can tell which is the patient.

    Raises
    ------
    FileError
        The file cannot be read.
    InputError
        There is no column ``id``, or a column nobody knows.
    """
    header, rows = _rows(path)
    if "id" not in header:
        raise InputError(f"{path.name}: no column 'id'.", hint="Every patient needs an id.")
    for column in header:
        if column in {"t", "t_score", "z", "z_score", "T"}:
            raise InputError(
                f"{path.name}: column {column!r}: a score without a site.",
                hint="Name it t_total_hip, t_femoral_neck or t_lumbar.",
            )
    ids = [_id(entry) for _, entry in rows]
    patients, refused = [], []
    for (row, entry), name in zip(rows, ids, strict=True):
        where = f"{path.name}: row {row}"
        try:
            if name and ids.count(name) > 1:
                others = ", ".join(
                    str(other)
                    for (other, _), one in zip(rows, ids, strict=True)
                    if one == name and other != row
                )
                raise InputError(
                    f"{where}: id {name!r} stands also in row {others}.",
                    hint="Give each patient an id of their own.",
                )
            patients.append(patient_of(_entries(entry), where=where, as_of=as_of))
        except InputError as error:
            refused.append(Refusal(row=row, patient=name, reason=str(error)))
    return PatientTable(patients=tuple(patients), refused=tuple(refused))


def _rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, Any]]]]:
    """
    Header and numbered rows. Delimited text is read here and not as a cohort table, where "none" means that a value is
    missing: of a patient's fractures it says that there are none. In a workbook write "no".
    """
    if path.suffix.lower() not in {".csv", ".tsv", ".txt"}:
        table = read_table(path)
        return list(table.columns), [
            (int(str(row)), {str(key): value for key, value in entry.items()})
            for row, entry in table.iterrows()
        ]
    content = read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    first = text.partition("\n")[0]
    lines = list(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count)))
    header = [cell.strip() for cell in lines[0]]
    check_headers(header, path=path)
    found = []
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) > len(header):
            raise InputError(
                f"{path.name}: row {number} has {len(cells)} cells, the header {len(header)}.",
                hint="Quote a cell that holds the delimiter.",
            )
        if any(cell.strip() for cell in cells):
            found.append((number, dict(zip(header, cells, strict=False))))
    return header, found


def _id(entry: Mapping[str, Any]) -> str:
    value = entry.get("id")
    if is_unknown(value):
        return ""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value).strip()


def _entries(row: Mapping[str, Any]) -> dict[str, Any]:
    """A flat row as nested entries; empty cells are left out."""
    plain: dict[str, Any] = {"id": _id(row)}
    lists: dict[str, dict[str, dict[str, Any]]] = {}
    scan: dict[str, Any] = {}
    for column, value in row.items():
        cell = value.item() if hasattr(value, "item") else value
        if column == "id" or is_unknown(cell):
            continue
        if match := _NUMBERED.fullmatch(column):
            lists.setdefault(match[1], {}).setdefault(match[2], {})[match[3]] = cell
        elif match := _SCORE.fullmatch(column):
            name = "bmd_g_cm2" if match[1] == "bmd" else match[1]
            lists.setdefault("dxa", {}).setdefault(match[2], {"site": match[2]})[name] = cell
        elif match := _OF_SCAN.fullmatch(column):
            scan[match[1]] = cell
        elif match := _OF_TABLE.fullmatch(column):
            plain.setdefault(match[1], {})[match[2]] = cell
        else:
            plain[column] = cell
    for site, one in lists.get("dxa", {}).items():
        one.update(
            {name: cell for name, cell in scan.items() if name not in _LUMBAR_ONLY or site == "lumbar"}
        )
    return {**plain, **{kind: list(numbered.values()) for kind, numbered in lists.items()}}
