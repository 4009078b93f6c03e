"""Time to event: curves by group, a Cox model of earlier years, and how it holds in later years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteon.stats.censoring import CensoredBrier, TimeDependentAuc, ipcw_brier, time_dependent_auc
from osteon.stats.concordance import Concordance, concordance
from osteon.stats.cox import CoxModel, ProportionalHazards, cox, proportional_hazards
from osteon.stats.survival import KaplanMeier, LogRank, kaplan_meier, log_rank
from osteon.stats.survival_calibration import SurvivalCalibration, survival_calibration
from osteon.stats.times import Survival

__all__ = ["Period", "SurvivalResult", "survival_study"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Period:
    """The Cox model judged on the people of some years."""

    years: tuple[int, int]
    n: int
    events: int
    concordance: Concordance
    brier: CensoredBrier
    auc: TimeDependentAuc
    calibration: SurvivalCalibration
    risk: Floats
    event: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalResult:
    """A time-to-event analysis with temporal validation."""

    n: int
    events: int
    overall: KaplanMeier
    groups: Mapping[str, KaplanMeier]
    group_sizes: Mapping[str, int]
    log_rank: LogRank
    model: CoxModel
    hazards: ProportionalHazards
    development: Period
    later: Period
    horizon_months: float


def survival_study(
    table: pd.DataFrame,
    *,
    event: str,
    group: str,
    covariates: tuple[str, ...],
    year: str,
    last_development_year: int,
    horizon_months: float = 12.0,
) -> SurvivalResult:
    """
    Kaplan-Meier by ``group``, a Cox model of the years up to ``last_development_year``, judged in the years after.

    The later years take no part in any choice. Rows with a missing covariate are left out of the Cox model.
    """
    outcome = Survival(
        time=table["time_months"].to_numpy(dtype=np.float64), event=table[event].to_numpy(dtype=np.float64)
    )
    labels = table[group].astype("object")
    known = labels.notna().to_numpy()
    sizes = labels.value_counts()
    numbers = _numbers(table, covariates)
    complete = np.all([np.isfinite(column) for column in numbers.values()], axis=0)
    early = complete & (table[year] <= last_development_year).to_numpy()
    late = complete & (table[year] > last_development_year).to_numpy()
    training = {name: column[early] for name, column in numbers.items()}
    model = cox(outcome.where(early), training)
    years = table[year].to_numpy(dtype=int)

    def judged(rows: NDArray[np.bool_]) -> Period:
        part = outcome.where(rows)
        inputs = {name: column[rows] for name, column in numbers.items()}
        # Follow-up ends at the horizon; read the curve just at the last observed time.
        at = min(horizon_months, model.longest_follow_up)
        risk = 1.0 - model.survival_at(inputs, times=[at])[:, 0]
        return Period(
            years=(int(years[rows].min()), int(years[rows].max())), n=part.n, events=part.events,
            concordance=concordance(part, model.log_relative_hazard(inputs)),
            brier=ipcw_brier(part, risk, horizon=at), auc=time_dependent_auc(part, risk, horizon=at),
            calibration=survival_calibration(part, risk, horizon=at), risk=risk, event=np.asarray(part.event),
        )  # fmt: skip

    return SurvivalResult(
        n=outcome.n,
        events=outcome.events,
        overall=kaplan_meier(outcome),
        groups={
            str(level): kaplan_meier(outcome.where((labels == level).to_numpy())) for level in sizes.index
        },
        group_sizes={str(level): int(n) for level, n in sizes.items()},
        log_rank=log_rank(outcome.where(known), labels[known].to_numpy(dtype=str)),
        model=model,
        hazards=proportional_hazards(model, outcome.where(early), training),
        development=judged(early),
        later=judged(late),
        horizon_months=horizon_months,
    )


def _numbers(table: pd.DataFrame, covariates: tuple[str, ...]) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    for name in covariates:
        if name == "sex":
            male = (table[name].astype("object") == "male").astype(float).where(table[name].notna())
            columns["male"] = male.to_numpy(dtype=np.float64)
        else:
            columns[name] = table[name].to_numpy(dtype=np.float64)
    return columns
