"""
Finished folds on disk, so that a long evaluation that broke off goes on where it stopped.

A fold is found again by a hash of everything that decides it: the rows, the outcome, the held-out rows, the
model, the options, the seed, and the program's version and the text of the rooms it runs through. Anything
else is computed anew. A damaged file counts as absent.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from osteon import __version__
from osteon.core.files import whole_file
from osteon.core.result import as_dict
from osteon.models.linear import FloatArray
from osteon.models.train import ModelSpec, TrainOptions

__all__ = ["FoldResult", "data_hash", "fold_key", "recalled", "stored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldResult:
    """What one model said about one fold's held-out rows, and how it was made."""

    risk: FloatArray
    chosen: Mapping[str, Any]
    kept: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float


def data_hash(table: pd.DataFrame, *arrays: np.ndarray[Any, Any]) -> str:
    """A SHA-256 over a table's column names, kinds, values and index, and further arrays."""
    digest = hashlib.sha256()
    for name in table.columns:
        column = table[name]
        digest.update(f"{name}|{column.dtype}|".encode())
        if isinstance(column.dtype, pd.CategoricalDtype):
            digest.update("|".join(map(str, column.cat.categories)).encode())
            digest.update(column.cat.codes.to_numpy().tobytes())
        else:
            digest.update(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())
    for array in arrays:
        digest.update(str(array.dtype).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@cache
def _program() -> str:
    """The version, and a hash of the source of the rooms that decide a fold."""
    digest = hashlib.sha256(__version__.encode())
    here = Path(__file__).resolve().parent
    for folder in (here, here.parent / "cohort", here.parent / "core"):
        for source in sorted(folder.glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


def fold_key(
    table: pd.DataFrame,
    y_true: FloatArray,
    held: np.ndarray[Any, Any],
    *,
    spec: ModelSpec,
    options: TrainOptions,
    seed: int,
) -> str:
    """The name under which a fold's result is kept."""
    said = json.dumps(
        [as_dict(spec), as_dict(replace(options, processes=1)), seed, _program()], sort_keys=True
    )
    return hashlib.sha256((said + data_hash(table, y_true, held)).encode()).hexdigest()[:32]


def stored(folder: Path, key: str, result: FoldResult) -> None:
    """Keep a finished fold."""
    about = {name: as_dict(getattr(result, name)) for name in ("chosen", "kept", "notes", "seconds")}
    with whole_file(folder / f"{key}.npz") as draft, draft.open("wb") as file:
        np.savez(file, risk=result.risk, about=np.array(json.dumps(about)))


def recalled(folder: Path, key: str) -> FoldResult | None:
    """The finished fold of that key, or None where there is none that can be read."""
    path = folder / f"{key}.npz"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            risk, about = file["risk"], json.loads(str(file["about"]))
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return FoldResult(
        risk=risk,
        chosen=about["chosen"],
        kept=tuple(about["kept"]),
        notes=tuple(about["notes"]),
        seconds=about["seconds"],
    )
