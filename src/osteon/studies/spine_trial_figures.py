"""The figures of the trial on SIMULATED spines: levels, overlap, heights, grades, fractures, types, confidences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from osteon.core.errors import NotEnoughData
from osteon.core.result import Interval
from osteon.stats.bootstrap import bootstrap
from osteon.stats.reliability_bins import ece_by_chance, reliability_table

__all__ = ["TrialFigure", "stated_confidences", "trial_figures"]

ENDPLATES_TO_MM = 2.0
"""Coarser slices show depressions in whole endplates: no break is told there."""
BOUNDARIES = (0.20, 0.25, 0.40)
DISEASE = "lytic|sclerotic|destruction"
"""What is planted that no osteoporosis explains; a bone island, cement and screws are none of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFigure:
    """A figure with its interval (patients drawn as wholes), on how many vertebrae or patients, and its target."""

    name: str
    value: float
    ci: Interval | None
    n: int
    target: str = ""


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose grade can be asked for: no metal, cement or focus planted there."""
    return rows[rows["planted_reason"] == ""]


def _call(rows: pd.DataFrame) -> pd.Series:
    """The call right or wrong; no call on a vertebra without a planted reason is wrong."""
    said = rows["fractured"].map({True: True, False: False}).astype("boolean")
    return ((said == rows["true_fracture"].astype("boolean")).fillna(False)).astype(bool)


def _exact_macro(rows: pd.DataFrame, within: int = 0) -> float:
    """Mean over the true grades of the share graded right, or at most ``within`` off; no grade is wrong."""
    off = (rows["grade"].astype(float) - rows["true_grade"]).abs()
    right = (off <= within).where(off.notna(), False)
    return float(right.groupby(rows["true_grade"]).mean().mean())


def _with_interval(
    name: str,
    rows: pd.DataFrame,
    statistic: Callable[[pd.DataFrame], float],
    *,
    target: str = "",
    seed: int = 0,
) -> TrialFigure:
    cases = rows["case"].to_numpy()

    def of(index: np.ndarray) -> float:
        return statistic(rows.iloc[index])

    value = of(np.arange(len(rows)))
    ci: Interval | None = None
    if rows["case"].nunique() >= 10:
        drawn = bootstrap(
            of,
            np.arange(len(rows)),
            rng=np.random.default_rng(seed),
            n_resamples=500,
            clusters=cases,
            method="percentile",
        )
        ci = drawn.ci
    return TrialFigure(name=name, value=value, ci=ci, n=len(rows), target=target)


def trial_figures(rows: pd.DataFrame) -> tuple[TrialFigure, ...]:
    """
    The figures of a trial, patients resampled as wholes for the intervals.

    Parameters
    ----------
    rows : DataFrame
        From :func:`osteon.studies.spine_trial.case_rows`, one row per true vertebra.

    Raises
    ------
    NotEnoughData
        No row.
    """
    if rows.empty:
        raise NotEnoughData("no vertebra to judge.", hint="Read at least one phantom.")
    judged = _judged(rows)
    broken, whole = judged[judged["true_fracture"]], judged[~judged["true_fracture"]]
    distance = np.min([(judged["true_loss"] - b).abs() for b in BOUNDARIES], axis=0)
    clear = judged[distance > 0.02]
    figures = [
        _with_interval("level accuracy", rows, lambda r: float((r["found_level"] == r["level"]).mean()), target=">= .98"),
        _with_interval("body Dice", rows, lambda r: float(r["dice"].mean()), target=">= .90"),
        _with_interval("height MAE, mm", judged, _height_mae, target="<= .5"),
        _with_interval("grade exact, macro over 0-3", judged, _exact_macro, target=">= .80"),
        _with_interval("grade exact, macro, 2 points off any boundary", clear, _exact_macro),
        _with_interval("grade within one", judged, _within_one, target=">= .97"),
        _with_interval("sensitivity per vertebra", broken, lambda r: float(_call(r).mean()), target=">= .93"),
        _with_interval("specificity per vertebra", whole, lambda r: float(_call(r).mean()), target=">= .93"),
        *_per_patient(judged),
        *_denis(broken),
        _with_interval("not evaluable without a planted reason", judged, lambda r: float((~r["evaluable"]).mean()), target="<= .05"),
    ]  # fmt: skip
    figures += _suspicions(rows)
    figures += _endplates(judged)
    figures += [_calibration(name, *told) for name, told in stated_confidences(rows).items()]
    return tuple(figures)


def stated_confidences(rows: pd.DataFrame) -> dict[str, tuple[pd.Series, pd.Series]]:
    """
    Of calls, grades, types and levels how sure the reading said to be, and whether it was right; kinds that it stated none of
    are left out. Grades and types are those of true fractures: their confidence is meant for a vertebra rightly called.
    """
    judged = _judged(rows)
    broken = judged[judged["true_fracture"]]
    called = judged[judged["fractured"].notna()]
    pairs = {
        "calls": (called["confidence"], _call(called)),
        "grades": (broken["grade_confidence"], broken["grade"] == broken["true_grade"]),
        "Denis types": (broken["denis_confidence"], broken["denis"] == broken["true_denis"]),
        "OF types": (broken["of_confidence"], broken["of_type"] == broken["true_of"]),
        "levels": (rows["level_confidence"], rows["found_level"] == rows["level"]),
    }
    told = {name: said.notna() for name, (said, _) in pairs.items()}
    return {
        name: (said[told[name]].astype(float), right[told[name]])
        for name, (said, right) in pairs.items()
        if told[name].any()
    }


def _calibration(name: str, said: pd.Series, right: pd.Series) -> TrialFigure:
    """The expected calibration error, beside what perfect confidences would show on so few cases."""
    return TrialFigure(
        name=f"expected calibration error of the {name}",
        value=reliability_table(said, right).ece,
        ci=None,
        n=len(said),
        target=f"<= .05; perfect ones {ece_by_chance(said):.3f}".replace(" 0.", " ."),
    )


def _suspicions(rows: pd.DataFrame) -> list[TrialFigure]:
    """Red flags beside the planted foci and destroyed pedicles, of the vertebrae that were evaluated."""
    seen = rows[rows["evaluable"].astype(bool)]
    ill, flagged = seen["planted_reason"].str.contains(DISEASE), seen["red_flags"] != ""
    parts = (
        ("planted disease called suspicious", seen[ill].assign(hit=flagged[ill])),
        ("suspicion right", seen[flagged].assign(hit=ill[flagged])),
    )
    return [_with_interval(name, part, _hits) for name, part in parts if len(part)]


def _endplates(judged: pd.DataFrame) -> list[TrialFigure]:
    """How many whole bodies are said to have a broken endplate. The trial plants no early fracture that could be told."""
    fine = judged[judged["spacing_mm"] <= ENDPLATES_TO_MM] if "spacing_mm" in judged else judged
    whole = fine[fine["true_loss"] == 0]
    part = whole.assign(hit=whole["endplate_injury"].astype(bool))
    return [_with_interval("whole body with an endplate called broken", part, _hits)] if len(part) else []


def _hits(rows: pd.DataFrame) -> float:
    return float(rows["hit"].mean())


def _within_one(rows: pd.DataFrame) -> float:
    off = (rows["grade"].astype(float) - rows["true_grade"]).abs()
    return float((off <= 1).where(off.notna(), False).mean())


def _height_mae(rows: pd.DataFrame) -> float:
    """Mean absolute error over the three heights, of the vertebrae that were measured."""
    errors = [
        (rows[f"{site}_mm"].astype(float) - rows[f"true_{site}_mm"]).abs()
        for site in ("anterior", "middle", "posterior")
    ]
    return float(pd.concat(errors).mean())


def _per_patient(judged: pd.DataFrame) -> list[TrialFigure]:
    patients = pd.DataFrame(
        {
            "case": judged.groupby("case")["case"].first(),
            "truth": judged.groupby("case")["true_fracture"].any(),
            "said": judged["fractured"].eq(True).groupby(judged["case"]).any(),
        }
    ).reset_index(drop=True)
    sick, well = patients[patients["truth"]], patients[~patients["truth"]]
    figures = []
    if len(sick):
        figures.append(
            _with_interval(
                "sensitivity per patient", sick, lambda r: float(r["said"].mean()), target=">= .93"
            )
        )
    if len(well):
        figures.append(
            _with_interval(
                "specificity per patient", well, lambda r: float((~r["said"]).mean()), target=">= .93"
            )
        )
    return figures


def _denis(broken: pd.DataFrame) -> list[TrialFigure]:
    def recall(rows: pd.DataFrame) -> float:
        return float((rows["denis"] == rows["true_denis"]).mean())

    by_type = [(letter, broken[broken["true_denis"] == letter]) for letter in "ABCD"]
    return [
        _with_interval(f"Denis {letter} recall", rows, recall, target=">= .80")
        for letter, rows in by_type
        if len(rows)
    ]
