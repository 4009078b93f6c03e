"""All readers together: who read enough to count, on which units, and the multi-reader analysis of each endpoint."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from osteon.core.errors import NotEnoughData
from osteon.stats.reader_covariance import Endpoint
from osteon.stats.reader_study import ReaderStudy, reader_study
from osteon.studies.ovcf_config import Config
from osteon.studies.ovcf_reads import CONSENSUS, Reads

__all__ = ["ENDPOINTS", "LeftOut", "MultiReader", "multi_reader"]

ENDPOINTS: tuple[Endpoint, ...] = ("auc", "accuracy", "sensitivity", "specificity")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A reader with too few units read in both arms: ``n`` ``of`` all; ``what`` is "call" or "rating"."""

    reader: str
    what: str
    n: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MultiReader:
    """
    The multi-reader analysis of each endpoint.

    ``of``: the units of each endpoint's class of truth; those that every reader counted has read in both arms are used
    (``figures.n``). ``undefined``: endpoints with too few units of a class for an error.
    """

    studies: dict[Endpoint, ReaderStudy]
    of: dict[Endpoint, int]
    left_out: tuple[LeftOut, ...]
    undefined: tuple[Endpoint, ...]

    def missing(self, endpoint: Endpoint) -> int:
        """Units of the endpoint that lack a reading of a reader counted."""
        return self.of[endpoint] - self.studies[endpoint].figures.n


def multi_reader(reads: Reads, config: Config) -> MultiReader:
    """
    The multi-reader analysis of every endpoint.

    Readers who read fewer than ``config.least_share`` of the units in both arms are left out: only units that all
    readers counted have read can be used, so that a reader of six cases would leave six.
    """
    studies: dict[Endpoint, ReaderStudy] = {}
    undefined: list[Endpoint] = []
    cubes, left_out = {}, []
    for what in ("rating", "call") if len(reads.arms) > 1 else ():
        cubes[what], short = _cube(reads, what, config.least_share)
        left_out += short
    for endpoint in ENDPOINTS:
        cube = cubes.get("rating" if endpoint == "auc" else "call", pd.DataFrame())
        if cube.empty:
            continue
        try:
            studies[endpoint] = _study(reads, cube, endpoint, config)
        except NotEnoughData:
            undefined.append(endpoint)
    truth = reads.truth["mri_fracture"]
    classes = {"sensitivity": truth == 1, "specificity": truth == 0}
    of = {endpoint: int(classes.get(endpoint, truth.notna()).sum()) for endpoint in studies}
    return MultiReader(studies=studies, of=of, left_out=tuple(left_out), undefined=tuple(undefined))


def _study(reads: Reads, cube: pd.DataFrame, endpoint: Endpoint, config: Config) -> ReaderStudy:
    readers = tuple(dict.fromkeys(cube.columns.get_level_values("reader")))
    truth = reads.truth.loc[cube.index]
    return reader_study(
        cube.to_numpy().reshape(len(cube), len(reads.arms), len(readers)).transpose(1, 2, 0), truth["mri_fracture"],
        arms=reads.arms, readers=readers, endpoint=endpoint,
        method="jackknife" if reads.per_vertebra else config.covariance,
        clusters=truth["case"].to_numpy() if reads.per_vertebra else None,
    )  # fmt: skip


def _cube(reads: Reads, what: str, least: float) -> tuple[pd.DataFrame, list[LeftOut]]:
    """Units by (arm, reader), complete rows of the readers who read enough of them; and who did not."""
    own = reads.table[reads.table["reader"] != CONSENSUS]
    wanted = pd.MultiIndex.from_product([reads.arms, reads.readers], names=["arm", "reader"])
    table = own.pivot(index="unit", columns=["arm", "reader"], values=what).reindex(columns=wanted)
    units = len(reads.truth)
    read = {
        name: int(table.xs(name, axis=1, level="reader").notna().all(axis=1).sum()) for name in reads.readers
    }
    short = [name for name, n in read.items() if n / units < least]
    # where nobody rates, nobody is left out
    named = [
        LeftOut(reader=name, what=what, n=read[name], of=units)
        for name in short
        if table.notna().any(axis=None)
    ]
    return table.drop(columns=short, level="reader").dropna().sort_index().astype(float), named
