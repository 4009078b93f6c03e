"""
Portraits of a table: features chosen with reasons, groups with a verdict, each group in numbers, name, plan and likeness.

Outcomes steer which features are looked at, inside every resample; they are no part of the distance. Treatment is a
feature of the published recipe only: the portraits that a plan uses are made without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.care.portrait_plan import Naming, PortraitPlan, PortraitRules, portrait_plan
from osteon.cohort.schema import kind_of
from osteon.cohort.select import Selection, correlated_columns, outcome_correlation
from osteon.core.errors import NotEnoughData
from osteon.core.seeds import stream
from osteon.models.cluster import METHODS, Grouping, Method, grouped, partition
from osteon.models.cluster_assign import PortraitModel, portrait_model
from osteon.models.cluster_coding import fit_coding
from osteon.models.cluster_count import silhouette
from osteon.models.cluster_mixed import MOST_MEDOID_ROWS, distances
from osteon.models.cluster_stability import adjusted_rand
from osteon.stats.balance import share_difference, standardized_difference
from osteon.studies.portraits_config import Config
from osteon.studies.portraits_data import TREATMENT, admission_features

__all__ = ["Card", "Compared", "Marker", "Portraits", "cards_of", "chosen_features", "compared", "facts_of", "letter", "name_codes",
           "portraits_of", "published_recipe"]  # fmt: skip

Labels = NDArray[np.intp]
_FACT_OF_NUMBER = {"age_mean": "age_years", "t_mean": "t_lowest", "compression_mean": "compression_ratio_pct",
                   "segments_mean": "fractured_segments_count", "vas_mean": "vas_baseline",
                   "healing_days_mean": "healing_days", "charlson_mean": "charlson_index"}  # fmt: skip
_FACT_OF_SHARE = {"female_share": ("sex", "female"), "conservative_share": ("treatment_approach", "conservative"),
                  "surgical_share": ("treatment_approach", "surgical"), "multiple_share": ("fracture_type", "multiple"),
                  "burst_share": ("fracture_type", "burst"), "severe_activity_share": ("activity_limitation", "severe"),
                  "posterior_wall_share": ("posterior_wall_involved", 1.0), "dementia_share": ("dementia", 1.0)}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """
    What tells a group from the rest: standardised difference of a column (or of one level of it).

    ``here`` and ``there`` are means, or shares 0-1 of a flag or level, in the group and in all others.
    """

    column: str
    level: str
    difference: float
    here: float
    there: float
    share: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Card:
    """One group in numbers; ``name`` is a row of codes, ``published`` the nearest published group (1-based) or None."""

    index: int
    n: int
    facts: Mapping[str, float | None]
    markers: tuple[Marker, ...]
    name: tuple[str, ...]
    plan: PortraitPlan
    jaccard: float
    named: bool
    published: int | None
    rows: Labels

    @property
    def letter(self) -> str:
        """A, B, C, ..."""
        return letter(self.index)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Portraits:
    """The groups of a table with everything found out about them."""

    features: tuple[str, ...]
    selection: Selection
    grouping: Grouping
    cards: tuple[Card, ...]
    model: PortraitModel
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Another method on the same features: its silhouette and its agreement with the portraits and with the truth."""

    method: Method
    k: int
    silhouette: float
    agreement: float
    truth: float | None


def letter(index: int) -> str:
    """A for the first group."""
    return chr(ord("A") + index)


def chosen_features(table: pd.DataFrame, offered: tuple[str, ...], config: Config) -> Selection:
    """
    The features kept of those offered, and why the others were not.

    Of two that say the same the one nearer to the outcome stays; then, where ``config.steer``, those related to it.
    Without an outcome the main direction of the features stands in for it, and nothing is steered.
    """
    outcome = table[config.outcome] if config.steer and config.outcome in table else None
    if outcome is None or outcome.notna().sum() < 20 or outcome.nunique() < 2:
        matrix = fit_coding(table[list(offered)]).coded(table).matrix
        centred = matrix - matrix.mean(axis=0)
        target = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
        found = correlated_columns(table[list(offered)], target, threshold=config.redundant_from)
        return replace(found, notes=("no_outcome",))
    known = table.loc[outcome.notna()]
    y = known[config.outcome].to_numpy(dtype=np.float64)
    part = known[list(offered)]
    apart = correlated_columns(part, y, threshold=config.redundant_from)
    near = outcome_correlation(
        part[list(apart.kept)], y, threshold=config.least_association, alpha=config.alpha
    )
    if len(near.kept) < 2:
        return replace(apart, notes=("steering_found_nothing",))
    return Selection(
        kept=near.kept, dropped=(*apart.dropped, *near.dropped), scores=near.scores, n=len(known)
    )


def portraits_of(table: pd.DataFrame, *, config: Config, rules: PortraitRules, seed: int, published: pd.DataFrame | None = None,
                 offered: tuple[str, ...] = ()) -> Portraits:  # fmt: skip
    """
    The portraits of a cleaned table.

    Parameters
    ----------
    table : DataFrame in the schema's names, row labels 0 to n - 1
    config : Config
    rules : PortraitRules
    seed : int
    published : DataFrame, optional
        The published groups (``age_years``, ``t_lowest``, ``fracture_type``), to find the nearest to each.
    offered : tuple of str
        Features; those known at admission when empty.

    Raises
    ------
    NotEnoughData
        Fewer than two features, or too few patients.
    """
    offered = offered or admission_features(table, config)
    if len(offered) < 2:
        raise NotEnoughData(f"{len(offered)} feature(s) of the portraits are in the table: {', '.join(offered)}.",
                            hint="Fill the hospital template (osteon data template) or name features in the configuration.")  # fmt: skip
    selection = chosen_features(table, offered, config)

    def reselect(rows: Labels) -> tuple[str, ...]:
        part = table.iloc[rows]
        varying = tuple(name for name in offered if part[name].nunique() > 1)
        return chosen_features(part, varying, config).kept

    grouping = grouped(table, options=config.cluster, seed=seed, reselect=reselect)
    ids = (
        tuple(map(str, table["participant_id"]))
        if "participant_id" in table
        else tuple(map(str, table.index))
    )
    model = portrait_model(table, grouping, ids=ids, names=tuple(letter(g) for g in range(grouping.k)))
    cards = cards_of(table, grouping, rules, published=published)
    return Portraits(
        features=grouping.columns, selection=selection, grouping=grouping, cards=cards, model=model, ids=ids
    )


def published_recipe(
    table: pd.DataFrame, *, config: Config, seed: int, features: tuple[str, ...] = ()
) -> Grouping:
    """The published way: min-max, one-hot, treatment among the features, K-means, elbow and silhouette."""
    names = features or admission_features(table, config)
    treatment = tuple(n for n in TREATMENT if n in table and table[n].nunique() > 1 and n not in names)
    options = replace(config.cluster, method="kmeans", scale="minmax", rule="published")
    return grouped(table[[*names, *treatment]], options=options, seed=seed)


def compared(
    table: pd.DataFrame, found: Portraits, *, seed: int, truth: Labels | None = None
) -> tuple[Compared, ...]:
    """Every method with the number of groups of the portraits, on their features."""
    data = fit_coding(table[list(found.features)]).coded(table)
    between = distances(data.matrix) if len(data) <= MOST_MEDOID_ROWS else None
    made = []
    for method in METHODS:
        if (method == "gower_pam" and between is None) or (
            method == "gaussian_mixture" and not data.numbers.shape[1]
        ):
            continue
        labels = partition(data, found.grouping.k, method=method, rng=stream(seed, "compared", method)).labels
        made.append(Compared(
            method=method, k=len(np.unique(labels)), agreement=adjusted_rand(labels, found.grouping.labels),
            silhouette=silhouette(between, labels) if between is not None else float("nan"),
            truth=None if truth is None else adjusted_rand(labels, truth),
        ))  # fmt: skip
    return tuple(made)


def cards_of(
    table: pd.DataFrame, grouping: Grouping, rules: PortraitRules, *, labels: Labels | None = None,
    published: pd.DataFrame | None = None,
) -> tuple[Card, ...]:  # fmt: skip
    """The card of every group; ``labels`` are those of ``table`` where it holds other rows than the groups were made of."""
    labels = grouping.labels if labels is None else labels
    facts = [facts_of(table.iloc[labels == g]) for g in range(grouping.k)]
    nearest = _nearest_published(table, grouping, published) if published is not None else [None] * grouping.k
    shown = [*grouping.columns, *(n for n in (*TREATMENT[:2], "healing_days") if n in table)]
    return tuple(
        Card(
            index=g, n=int((labels == g).sum()), facts=facts[g], name=name_codes(facts[g], rules.naming),
            markers=_markers(table, tuple(dict.fromkeys(shown)), labels == g),
            plan=portrait_plan(facts[g], rules), jaccard=grouping.stability.jaccard[g], named=grouping.stable[g],
            published=nearest[g], rows=np.flatnonzero(labels == g),
        )
        for g in range(grouping.k)
    )  # fmt: skip


def facts_of(group: pd.DataFrame) -> dict[str, float | None]:
    """The numbers of a group that names and plans go by; None where a column is absent or empty."""
    found: dict[str, float | None] = {"n": float(len(group))}
    for fact, column in _FACT_OF_NUMBER.items():
        known = group[column].dropna() if column in group else []
        found[fact] = float(np.mean(np.asarray(known, dtype=np.float64))) if len(known) else None
    for fact, (column, level) in _FACT_OF_SHARE.items():
        known = group[column].dropna() if column in group else []
        found[fact] = float(np.mean([value == level for value in known])) if len(known) else None
    return found


def name_codes(facts: Mapping[str, float | None], naming: Naming) -> tuple[str, ...]:
    """
    The name of a group as codes: age, bone, fracture, pain, people; what is unknown is left out.

    Examples
    --------
    >>> from osteon.care.portrait_plan import portrait_rules
    >>> name_codes({"age_mean": 75.4, "t_mean": -3.1, "multiple_share": 0.9}, portrait_rules().naming)
    ('age_old', 'bone_very_low', 'type_multiple')
    """
    codes = []
    if (age := facts.get("age_mean")) is not None:
        codes.append("age_old" if age >= naming.old_from_years else "age_young" if age < naming.young_below_years else "age_middle")  # fmt: skip
    if (t := facts.get("t_mean")) is not None:
        bands = (
            ("bone_very_low", naming.very_low_t),
            ("bone_osteoporosis", naming.osteoporosis_t),
            ("bone_low", naming.low_t),
        )
        codes.append(next((code for code, limit in bands if t <= limit), "bone_normal"))
    multiple, burst = facts.get("multiple_share"), facts.get("burst_share")
    if multiple is not None and burst is not None:
        shares = {"type_multiple": multiple, "type_burst": burst, "type_single": 1 - multiple - burst}
        code = max(shares, key=lambda each: shares[each])
        codes.append(code if shares[code] >= naming.type_share else "type_mixed")
    elif multiple is not None and multiple >= naming.type_share:
        codes.append("type_multiple")
    if (vas := facts.get("vas_mean")) is not None:
        if vas >= naming.severe_pain_vas:
            codes.append("pain_severe")
        elif vas < naming.mild_pain_vas:
            codes.append("pain_mild")
    return (*codes, *_name_of_people(facts, naming))


def _name_of_people(facts: Mapping[str, float | None], naming: Naming) -> Iterator[str]:
    """Sex where nearly all are of one, other diseases, dementia."""
    women, diseases, dementia = (facts.get(f) for f in ("female_share", "charlson_mean", "dementia_share"))
    if women is not None and not 1 - naming.mainly_share < women < naming.mainly_share:
        yield "sex_women" if women >= naming.mainly_share else "sex_men"
    if diseases is not None and diseases >= naming.many_diseases_charlson:
        yield "diseases_many"
    elif diseases is not None and diseases < naming.few_diseases_charlson:
        yield "diseases_few"
    if dementia is not None and dementia >= naming.dementia_share:
        yield "dementia"


def _markers(table: pd.DataFrame, columns: tuple[str, ...], inside: NDArray[np.bool_]) -> tuple[Marker, ...]:
    """Every column by how far the group stands from all other patients, farthest first."""
    found = []
    for name in columns:
        kind = kind_of(table[name])
        mine, rest = table.loc[inside, name].dropna(), table.loc[~inside, name].dropna()
        if len(mine) < 2 or len(rest) < 2:
            continue
        if kind == "category":
            found += _level_markers(name, mine.astype(str), rest.astype(str))
            continue
        if kind == "ordinal":
            mine, rest = mine.cat.codes, rest.cat.codes
        found.append(Marker(column=name, level="", difference=standardized_difference(mine, rest), share=kind == "flag",
                            here=float(mine.mean()), there=float(rest.mean())))  # fmt: skip
    capped = [replace(m, difference=float(np.clip(m.difference, -9.9, 9.9))) for m in found]
    return tuple(sorted(capped, key=lambda marker: -abs(marker.difference)))


def _level_markers(name: str, mine: pd.Series, rest: pd.Series) -> list[Marker]:
    """The level of a category by which the group differs most."""
    best: Marker | None = None
    for level in sorted(set(mine) | set(rest)):
        here, there = (mine == level).astype(float), (rest == level).astype(float)
        if here.nunique() < 2 and there.nunique() < 2 and here.iloc[0] == there.iloc[0]:
            continue
        size = share_difference([here.sum(), len(here) - here.sum()], [there.sum(), len(there) - there.sum()])
        signed = float(np.copysign(size, here.mean() - there.mean()))
        if best is None or (signed > 0, abs(signed)) > (best.difference > 0, abs(best.difference)):
            best = Marker(column=name, level=level, difference=signed, share=True, here=float(here.mean()),
                          there=float(there.mean()))  # fmt: skip
    return [best] if best is not None else []


def _nearest_published(table: pd.DataFrame, grouping: Grouping, published: pd.DataFrame) -> list[int | None]:
    """The published group each portrait is most like; each once when there are as many of both."""
    from scipy.optimize import linear_sum_assignment

    cost = np.zeros((grouping.k, len(published)))
    for g in range(grouping.k):
        part = table.iloc[grouping.labels == g]
        for column in ("age_years", "t_lowest"):
            if column in table:
                spread = float(table[column].std(ddof=1)) or 1.0
                cost[g] += (
                    (part[column].mean() - published[column].to_numpy(dtype=np.float64)) / spread
                ) ** 2
        if "fracture_type" in table:
            shares = part["fracture_type"].astype(object).value_counts(normalize=True)
            cost[g] += [2 * (1 - float(shares.get(kind, 0.0))) for kind in published["fracture_type"]]
    if grouping.k == len(published):
        rows, columns = linear_sum_assignment(cost)
        pairs = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        return [pairs[g] + 1 for g in range(grouping.k)]
    return [int(cost[g].argmin()) + 1 for g in range(grouping.k)]
