"""
Survival by portrait: do people of different portraits die at different rates once age and sex are accounted for?

Portraits and the Cox model are made on earlier years; what the portraits add is read off later years.

People with a hip fracture lie on a continuum: no division of them is the only one. A division is called portraits all the
same where every part comes back when people are drawn again and where the parts tell in later years, beside age and sex,
who dies; the page says that the borders are drawn and not found. Plans are for vertebral fractures: none is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from osteon.care.portrait_plan import PortraitPlan, PortraitRules
from osteon.core.result import Interval
from osteon.core.seeds import stream
from osteon.models.cluster import STABLE, Grouping, grouped
from osteon.models.cluster_assign import PortraitModel, portrait_model
from osteon.stats.concordance import Concordance, concordance
from osteon.stats.cox import CoxModel, cox
from osteon.stats.survival import KaplanMeier, LogRank, kaplan_meier, log_rank
from osteon.stats.times import Survival
from osteon.studies.portraits_config import Config
from osteon.studies.portraits_groups import Card, cards_of, letter

__all__ = ["FEATURES", "PortraitSurvival", "portrait_survival"]

Floats = NDArray[np.float64]
FEATURES = ("age_years", "sex", "charlson_index", "dementia")
_RESAMPLES = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PortraitSurvival:
    """
    Portraits of one set of features and the survival of the people in them.

    Attributes
    ----------
    grouping : Grouping
        Of the earlier years.
    letters : tuple of str; sizes, deaths : tuples of int
        Everybody, later years assigned by the model of the earlier ones.
    curves : mapping of letter to Kaplan-Meier curve
    log_rank, stratified : LogRank
        Plain, and within age decade and sex.
    adjusted_p, adjusted_chi2, adjusted_df
        Likelihood ratio of the portraits beside age and sex, earlier years.
    model : CoxModel
        Age, sex and portraits (the largest is the reference), earlier years.
    without, with_portraits : Concordance
        Later years: age and sex alone; and with portraits.
    gain, gain_ci : float, Interval
        Difference of the two, bootstrap interval.
    claimed : bool
        Whether the division is called portraits: every part stable, and survival told beside age and sex, also later.
    cards : tuple of Card
        Of everybody, without a plan; named where the division is claimed.
    assign : PortraitModel
        Puts new patients into the portraits.
    """

    name: str
    features: tuple[str, ...]
    grouping: Grouping
    letters: tuple[str, ...]
    sizes: tuple[int, ...]
    deaths: tuple[int, ...]
    summary: pd.DataFrame
    curves: Mapping[str, KaplanMeier]
    log_rank: LogRank
    stratified: LogRank
    adjusted_chi2: float
    adjusted_df: int
    adjusted_p: float
    model: CoxModel
    without: Concordance
    with_portraits: Concordance
    gain: float
    gain_ci: Interval
    labels: NDArray[np.intp]
    claimed: bool
    cards: tuple[Card, ...]
    assign: PortraitModel

    def alive(self, name: str) -> tuple[float, float, float]:
        """Share of a portrait alive twelve months after admission, with its 95% interval."""
        told = self.curves[name].at(12.0)
        return float(told.survival[0]), float(told.low[0]), float(told.high[0])

    @property
    def continuum(self) -> bool:
        """Whether the people are no separate groups, so that the borders are drawn and not found."""
        return not self.grouping.count.structure.found


def portrait_survival(
    table: pd.DataFrame,
    *,
    name: str,
    features: tuple[str, ...],
    config: Config,
    rules: PortraitRules,
    seed: int,
) -> PortraitSurvival:
    """
    Portraits of ``features`` made in the years up to ``config.last_development_year`` and their 12-month survival.

    Parameters
    ----------
    table : DataFrame with ``time_months``, ``death_12m``, ``age_years``, ``sex``, ``admission_year``
    name : str
        Code of this set of features.
    rules : PortraitRules
        The limits by which portraits are named.
    """
    early = (table["admission_year"] <= config.last_development_year).to_numpy()
    options = replace(config.cluster, rule="stability", restarts=4, seeds=min(config.cluster.seeds, 4),
                      resamples=min(config.cluster.resamples, 15), reference_draws=20)  # fmt: skip
    first = table.loc[early, list(features)].reset_index(drop=True)
    grouping = grouped(first, options=options, seed=seed)
    letters = tuple(letter(g) for g in range(grouping.k))
    ids = tuple(map(str, table.loc[early, "participant_id"]))
    model = portrait_model(first, grouping, ids=ids, names=letters)
    labels = np.empty(len(table), dtype=np.intp)
    labels[early] = grouping.labels
    data = model.coding.coded(table.loc[~early, list(features)])
    labels[~early] = model.mixture.membership(data).argmax(axis=1)
    outcome = Survival(time=table["time_months"].to_numpy(dtype=np.float64),
                       event=table["death_12m"].to_numpy(dtype=np.float64))  # fmt: skip
    named = np.array([letters[g] for g in labels])
    base, full = _covariates(table, None, letters), _covariates(table, named, letters)
    small = cox(outcome.where(early), _rows(base, early))
    large = cox(outcome.where(early), _rows(full, early))
    statistic = 2 * (large.log_likelihood - small.log_likelihood)
    later = outcome.where(~early)
    risks = [fit.log_relative_hazard(_rows(x, ~early)) for fit, x in ((small, base), (large, full))]
    without, with_portraits = (concordance(later, risk) for risk in risks)
    adjusted_p, gain_ci = float(chi2.sf(statistic, grouping.k - 1)), _gain_interval(later, risks, seed)
    claimed = min(grouping.stability.jaccard) >= STABLE and adjusted_p < 0.05 and gain_ci.low > 0
    decade = np.minimum(table["age_years"].to_numpy() // 10, 9).astype(int)
    strata = np.array([f"{d}-{s}" for d, s in zip(decade, table["sex"].astype(str), strict=True)])
    return PortraitSurvival(
        name=name, features=features, grouping=grouping, letters=letters, labels=labels,
        sizes=tuple(int((labels == g).sum()) for g in range(grouping.k)),
        deaths=tuple(int(table.loc[labels == g, "death_12m"].sum()) for g in range(grouping.k)),
        summary=table.groupby(named)[["age_years", "charlson_index", "dementia"]].mean().assign(
            male=(table["sex"] == "male").groupby(named).mean()),
        curves={a: kaplan_meier(outcome.where(named == a)) for a in letters},
        log_rank=log_rank(outcome, named), stratified=log_rank(outcome, named, strata=strata),
        adjusted_chi2=float(statistic), adjusted_df=grouping.k - 1, adjusted_p=adjusted_p,
        model=large, without=without, with_portraits=with_portraits,
        gain=with_portraits.value - without.value, gain_ci=gain_ci, claimed=claimed,
        cards=tuple(replace(card, named=claimed, plan=_no_plan(rules)) for card in cards_of(table, grouping, rules, labels=labels)),
        assign=model,
    )  # fmt: skip


def _no_plan(rules: PortraitRules) -> PortraitPlan:
    return PortraitPlan(items=(), surgical_facts=(), lacking=(), version=rules.version, sha256=rules.sha256)


def _covariates(
    table: pd.DataFrame, named: NDArray[np.str_] | None, letters: tuple[str, ...]
) -> dict[str, Floats]:
    columns: dict[str, Floats] = {
        "age_years": table["age_years"].to_numpy(dtype=np.float64),
        "male": (table["sex"] == "male").to_numpy(dtype=np.float64),
    }
    if named is not None:
        columns |= {f"portrait_{a}": (named == a).astype(np.float64) for a in letters[1:]}
    return columns


def _rows(columns: Mapping[str, Floats], which: NDArray[np.bool_]) -> dict[str, Floats]:
    return {name: column[which] for name, column in columns.items()}


def _gain_interval(outcome: Survival, risks: list[Floats], seed: int) -> Interval:
    rng = stream(seed, "portraits", "gain")
    time, event = np.asarray(outcome.time), np.asarray(outcome.event)
    gains = []
    for _ in range(_RESAMPLES):
        rows = rng.integers(len(time), size=len(time))
        drawn = Survival(time=time[rows], event=event[rows])
        without, full = (concordance(drawn, risk[rows]).value for risk in risks)
        gains.append(full - without)
    low, high = np.quantile(gains, [0.025, 0.975])
    return Interval(float(low), float(high))
