"""A judged task as figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from osteon.cohort.schema import schema
from osteon.report.document import Figure, FigureBlock
from osteon.report.figure_balance import BalanceRow, LoveFigure
from osteon.report.figure_bars import Bar, BarFigure
from osteon.report.figure_calibration import CalibrationFigure, CalibrationPanel
from osteon.report.figure_decision import DecisionFigure, DecisionLine
from osteon.report.figure_dependence import DependenceFigure, DependencePanel
from osteon.report.figure_forest import ForestFigure, ForestRow
from osteon.report.figure_roc import RocFigure, RocLine
from osteon.report.figure_shap import Contribution, ShapSwarmFigure, ShapWaterfallFigure
from osteon.report.value import Cell, Estimate, Level, Number, PValue, Text, Variable, Words
from osteon.stats.auc import Auc
from osteon.studies.risk_detail import Alarm, Explained, MatchedCheck, Subgroup
from osteon.studies.risk_tables import model_name, task_name, word
from osteon.studies.risk_task import Judged, TaskResult

__all__ = [
    "alarm_figure",
    "calibration_figure",
    "decision_figure",
    "dependence_figure",
    "love_figure",
    "patient_figure",
    "roc_figure",
    "shap_figure",
    "subgroup_figure",
]


def _figure(result: TaskResult, name: str, figure: Figure, **values: object) -> FigureBlock:
    anchor = result.task.replace("_", "-")
    captioned = name in _CAPTIONED
    return FigureBlock(
        id=f"figure-{name}-{anchor}",
        title=word(f"figures.{name}", task=task_name(result.task)),
        figure=figure,
        alt=word(f"figures.{name}_alt", **values if name == "roc" else {}),
        caption=word(f"figures.{name}_caption", **values) if captioned else "",
    )


_CAPTIONED = {"calibration", "decision", "subgroups", "shap", "dependence", "patient"}


def _auc(auc: Auc) -> Estimate:
    return Estimate(auc.value, auc.ci.low, auc.ci.high)


def _shown(result: TaskResult, most: int = 8) -> list[Judged]:
    """The prespecified model, the scores, then the other models by AUC: no more curves than a reader can tell apart."""
    first = [result.judged[result.primary]]
    scores = [j for j in result.judged.values() if j.kind == "score"]
    others = sorted(
        (j for j in result.judged.values() if j.kind == "model" and j.name != result.primary),
        key=lambda j: -j.auc.value,
    )
    return [*first, *scores, *others][:most]


def roc_figure(result: TaskResult) -> FigureBlock:
    """Receiver operating characteristic curves."""
    curves = tuple(
        RocLine(
            label=model_name(j.name),
            false_positive_rate=1 - j.roc.specificity,
            true_positive_rate=j.roc.sensitivity,
            auc=_auc(j.auc),
        )
        for j in _shown(result)
    )
    return _figure(result, "roc", RocFigure(curves=curves), n=len(curves))


def calibration_figure(result: TaskResult) -> FigureBlock:
    """Calibration of the prespecified model and its strongest rivals."""
    models = [j for j in _shown(result) if j.kind == "model"][:3]
    panels = []
    for judged in models:
        held = np.isfinite(judged.probability)
        fit = judged.calibration
        panels.append(
            CalibrationPanel(
                label=model_name(judged.name), y_true=result.y_true[held], risk=judged.probability[held],
                curve_risk=fit.curve_risk, curve_observed=fit.curve_observed,
                slope=Estimate(fit.slope, fit.slope_ci.low, fit.slope_ci.high),
                intercept=Estimate(fit.in_the_large, fit.in_the_large_ci.low, fit.in_the_large_ci.high),
            )
        )  # fmt: skip
    return _figure(result, "calibration", CalibrationFigure(panels=tuple(panels)))


def decision_figure(result: TaskResult) -> FigureBlock:
    """Net benefit of the prespecified model, the scores and the strongest rivals."""
    curves = result.decision
    names = [j.name for j in _shown(result) if j.name in curves.models]
    lines = tuple(
        DecisionLine(label=model_name(name), net_benefit=curves.models[name].net_benefit,
                     low=curves.models[name].low if name == result.primary else None,
                     high=curves.models[name].high if name == result.primary else None)
        for name in names
    )  # fmt: skip
    figure = DecisionFigure(
        thresholds=curves.thresholds, curves=lines, treat_all=curves.treat_all.net_benefit
    )
    bands = word("figures.decision_bands") if curves.n_boot else ""
    return _figure(result, "decision", figure, n=curves.n, bands=bands)


def subgroup_figure(result: TaskResult, groups: tuple[Subgroup, ...]) -> FigureBlock | None:
    """Forest plot of the prespecified model's AUC by subgroup."""
    if not groups:
        return None
    overall = result.judged[result.primary].auc
    rows = [
        ForestRow(
            label=word("subgroup.all"),
            n=overall.n,
            events=overall.events,
            estimate=_auc(overall),
            overall=True,
        )
    ]
    for variable in dict.fromkeys(group.variable for group in groups):
        inside = [group for group in groups if group.variable == variable]
        p = inside[0].p_difference
        rows.append(ForestRow(label=word(f"subgroup.{variable}"), p=None if p is None else PValue(p)))
        rows += [
            ForestRow(
                label=_level(variable, g.level),
                n=g.n,
                events=g.events,
                estimate=None if g.auc is None else _auc(g.auc),
            )
            for g in inside
        ]
    figure = ForestFigure(rows=tuple(rows), axis_label=Words("term.stat.auc"), reference=overall.value)
    return _figure(result, "subgroups", figure)


def _level(variable: str, level: str) -> Text:
    return Level(variable, level) if variable in {"sex", "ethnicity"} else word(f"subgroup.{level}")


def alarm_figure(result: TaskResult, alarms: tuple[Alarm, ...]) -> FigureBlock | None:
    """Shares caught at the reference's alarm rate."""
    if not alarms:
        return None
    bars = tuple(
        Bar(label=model_name(a.name), value=a.caught.value, low=a.caught.ci.low, high=a.caught.ci.high)
        for a in alarms
        if a.reference == alarms[0].reference
    )
    return _figure(
        result, "alarm", BarFigure(bars=bars, axis_label=Words("figure.caught_percent"), percent=True)
    )


def love_figure(result: TaskResult, check: MatchedCheck | None) -> FigureBlock | None:
    """Balance before and after matching."""
    if check is None:
        return None
    rows = tuple(
        BalanceRow(label=word(f"covariate.{row.name}"), before=abs(row.smd_before), after=abs(row.smd_after))
        for row in check.balance
    )
    return _figure(result, "love", LoveFigure(rows=rows))


def shap_figure(result: TaskResult, explained: Explained | None) -> FigureBlock | None:
    """SHAP values of the prespecified model, a point a person."""
    if explained is None:
        return None
    shap = explained.shap
    figure = ShapSwarmFigure(
        labels=tuple(Variable(name) for name in shap.variables), shap=shap.values, values=_codes(explained)
    )
    return _figure(result, "shap", figure, n=len(shap.values))


def _codes(explained: Explained) -> NDArray[np.float64]:
    """Feature values as numbers: categories by the place of their level."""
    columns = []
    for name in explained.shap.variables:
        column = explained.shap.feature_values[name]
        if isinstance(column.dtype, type(column.astype("category").dtype)):
            codes = column.cat.codes.to_numpy(dtype=np.float64)
            columns.append(np.where(codes < 0, np.nan, codes))
        else:
            columns.append(column.to_numpy(dtype=np.float64))
    return np.column_stack(columns)


def patient_figure(result: TaskResult, explained: Explained | None) -> FigureBlock | None:
    """One person at high risk, explained."""
    if explained is None:
        return None
    shap = explained.shap
    total = shap.values.sum(axis=1)
    person = int(np.argsort(total)[int(0.95 * (len(total) - 1))])
    lines = tuple(
        Contribution(
            label=Variable(name),
            shap=float(shap.values[person, i]),
            value=_value(name, shap.feature_values[name].iloc[person]),
        )
        for i, name in enumerate(shap.variables)
    )
    return _figure(result, "patient", ShapWaterfallFigure(contributions=lines, base=shap.base))


def _value(name: str, value: str | float) -> Cell:
    if isinstance(value, str):
        return Level(name, value)
    if value in (0.0, 1.0) and _is_flag(name):
        return Words("report.yes" if value else "report.no")
    number = float(value)
    if not np.isfinite(number):
        return None
    whole = abs(number - round(number)) < 1e-9
    return Number(number, digits=0 if whole else 1 if abs(number) >= 10 else 2)


def _is_flag(name: str) -> bool:
    field = schema().fields.get(name)
    return field is not None and field.kind == "flag"


def dependence_figure(result: TaskResult, explained: Explained | None) -> FigureBlock | None:
    """Predicted risk along the leading variables."""
    if explained is None:
        return None
    panels = []
    for line in explained.dependence:
        levels: tuple[Text, ...] = ()
        if isinstance(line.grid[0], str):
            levels = tuple(Level(line.variable, str(level)) for level in line.grid)
        elif _is_flag(line.variable):
            levels = (Words("report.no"), Words("report.yes"))
        panels.append(
            DependencePanel(
                label=Variable(line.variable, "unit"), risk=line.risk, low=line.low, high=line.high,
                grid=None if levels else np.array(line.grid, dtype=np.float64), levels=levels,
            )
        )  # fmt: skip
    figure = DependenceFigure(panels=tuple(panels), risk_label=Words("figure.partial_risk_percent"))
    return _figure(result, "dependence", figure)
