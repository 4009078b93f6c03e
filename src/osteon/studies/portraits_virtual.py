"""
What invented patients say about the method: the published table, other seeds, and tables in which nothing is to be found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.care.portrait_plan import PortraitRules
from osteon.cohort.cohort import Cohort
from osteon.core.progress import track
from osteon.models.cluster import Grouping, Method, Verdict, grouped
from osteon.models.cluster_stability import adjusted_rand
from osteon.studies.portraits_config import Config
from osteon.studies.portraits_data import admission_features, prepared
from osteon.studies.portraits_groups import chosen_features, portraits_of, published_recipe
from osteon.synth.portraits import (
    STRUCTURELESS,
    VirtualPatients,
    separable_patients,
    structureless,
    table1_patients,
)

__all__ = ["Nothing", "Repeats", "Table1", "Way", "empty_tables", "planted_groups", "repeated", "table1"]

FEATURES = ("age_years", "t_lowest", "fracture_type")
#: Without treatment, then with it; the rule that needs no truth is stability.
OURS: tuple[tuple[str, Method, bool], ...] = (
    ("gower_pam", "gower_pam", False), ("kmeans", "kmeans", False), ("k_prototypes", "k_prototypes", False),
    ("latent_class", "latent_class", False), ("gower_pam_treatment", "gower_pam", True),
    ("latent_class_treatment", "latent_class", True),
)  # fmt: skip
_BAYES_DRAWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to group the published patients: its ARI with 4 groups as published, and with the k it chose itself."""

    name: str
    ari_4: float
    k: int
    ari: float
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Table1:
    """
    Groups recovered from patients drawn from the published table alone.

    ``bayes`` is the mean ARI of the best possible assignment (Bayes' rule with the true numbers) over many draws,
    ``bayes_here`` that on this draw. The first of ``ways`` is the published recipe.
    """

    bayes: float
    bayes_here: float
    ways: tuple[Way, ...]

    @property
    def published(self) -> Way:
        """The published recipe."""
        return self.ways[0]

    @property
    def best(self) -> Way:
        """The way with the highest ARI at the k it chose itself or at 4 groups."""
        return max(self.ways[1:], key=lambda way: max(way.ari, way.ari_4))

    @property
    def best_ari(self) -> float:
        """ARI of the best way."""
        return max(self.best.ari, self.best.ari_4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """The separable patients on several seeds: how often 4 portraits were claimed, and the ARI of each."""

    ks: tuple[int, ...]
    aris: tuple[float, ...]
    claimed: tuple[bool, ...]

    @property
    def succeeded(self) -> int:
        """Seeds with 4 groups, all of them claimed."""
        return sum(k == 4 and told for k, told in zip(self.ks, self.claimed, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """What was said of a table without groups."""

    kind: str
    k: int
    silhouette: float
    least_jaccard: float
    z: float
    verdict: Verdict
    named: int

    @property
    def claimed(self) -> bool:
        """Some group was named a portrait."""
        return self.named > 0


def table1(config: Config, *, seed: int) -> Table1:
    """The published table: how well its groups can be recovered at all, by the published recipe, and by others."""
    made = table1_patients(seed=seed)
    bayes = [_bayes(seed=seed + i) for i in range(_BAYES_DRAWS)]
    ways = [_way("published", published_recipe(made.table, config=config, seed=seed, features=FEATURES), made.group,
                 published_recipe(made.table, config=_given(config, 4), seed=seed, features=FEATURES))]  # fmt: skip
    for name, method, treated in OURS:
        columns = [*FEATURES, "treatment_approach"] if treated else list(FEATURES)
        options = replace(config.cluster, method=method, k=0, rule="stability" if method != "latent_class" else "votes",
                          restarts=5, reference_draws=20)  # fmt: skip
        own = grouped(made.table[columns], options=options, seed=seed)
        four = (
            own
            if own.k == 4
            else grouped(made.table[columns], options=replace(options, k=4, resamples=1), seed=seed)
        )
        ways.append(_way(name, own, made.group, four))
    return Table1(bayes=float(np.mean(bayes)), bayes_here=_bayes(seed=seed), ways=tuple(ways))


def _given(config: Config, k: int) -> Config:
    return replace(config, cluster=replace(config.cluster, k=k, resamples=1))


def _bayes(*, seed: int) -> float:
    made = table1_patients(seed=seed)
    best = made.group if made.probability is None else made.probability.argmax(axis=1)
    return adjusted_rand(best, made.group)


def _way(name: str, own: Grouping, truth: NDArray[np.intp], four: Grouping) -> Way:
    return Way(name=name, ari_4=adjusted_rand(four.labels, truth), k=own.k, ari=adjusted_rand(own.labels, truth),
               verdict=own.verdict)  # fmt: skip


def repeated(config: Config, rules: PortraitRules, *, seed: int) -> Repeats:
    """The whole way from table to portraits on further seeds of the separable patients."""
    ks, aris, claimed = [], [], []
    quick = replace(
        config, cluster=replace(config.cluster, resamples=min(config.cluster.resamples, 30), seeds=3)
    )
    for i in track(range(1, config.repeats + 1), task="seeds", total=config.repeats):
        made = separable_patients(seed=seed + i)
        table = prepared(
            Cohort(table=made.table, source="virtual", simulated=True), config, kind="virtual"
        ).table
        found = portraits_of(table, config=quick, rules=rules, seed=seed + i)
        truth = planted_groups(table, made)
        ks.append(found.grouping.k)
        aris.append(adjusted_rand(found.grouping.labels, truth))
        claimed.append(found.grouping.verdict == "groups")
    return Repeats(ks=tuple(ks), aris=tuple(aris), claimed=tuple(claimed))


def planted_groups(table: pd.DataFrame, made: VirtualPatients) -> NDArray[np.intp]:
    """The planted group of every row that is left after cleaning."""
    planted = dict(zip(made.table["participant_id"], made.group.tolist(), strict=True))
    return np.array([planted[name] for name in table["participant_id"]], dtype=np.intp)


def empty_tables(config: Config, *, seed: int) -> tuple[Nothing, ...]:
    """What is said of each kind of table without groups."""
    found = []
    for kind in STRUCTURELESS:
        table = structureless(kind, seed=seed)
        offered = admission_features(table, config)
        columns = chosen_features(table, offered, config).kept

        grouping = grouped(
            table[list(columns)], options=replace(config.cluster, seeds=2, resamples=20), seed=seed
        )
        found.append(Nothing(kind=kind, k=grouping.k, silhouette=grouping.silhouette, z=grouping.count.structure.z,
                             least_jaccard=grouping.stability.least, verdict=grouping.verdict, named=sum(grouping.stable)))  # fmt: skip
    return tuple(found)
