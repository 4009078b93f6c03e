"""A report with one of everything, and the setting of it in both languages."""

import numpy as np
import pytest

from osteon.core.provenance import Provenance
from osteon.report.document import (
    Bullets,
    Callout,
    Checklist,
    ChecklistItem,
    Column,
    Document,
    FigureBlock,
    GroupRow,
    Heading,
    KeyFigures,
    Paragraph,
    Reference,
    References,
    TableBlock,
    Tile,
)  # fmt: skip
from osteon.report.figure_balance import BalanceRow, LoveFigure
from osteon.report.figure_bars import Bar, BarFigure
from osteon.report.figure_calibration import CalibrationFigure, CalibrationPanel
from osteon.report.figure_decision import DecisionFigure, DecisionLine
from osteon.report.figure_dependence import DependenceFigure, DependencePanel
from osteon.report.figure_distribution import DistributionFigure, DistributionPanel
from osteon.report.figure_flow import Excluded, FlowBox, FlowFigure
from osteon.report.figure_forest import ForestFigure, ForestRow
from osteon.report.figure_heatmap import HeatmapFigure
from osteon.report.figure_radar import Profile, RadarFigure
from osteon.report.figure_roc import RocFigure, RocLine
from osteon.report.figure_shap import Contribution, ShapSwarmFigure, ShapWaterfallFigure
from osteon.report.figure_survival import SurvivalFigure, SurvivalLine
from osteon.report.value import (
    Estimate,
    Indented,
    Level,
    Number,
    Proportion,
    PValue,
    Ref,
    Spread,
    Strong,
    Variable,
    Words,
)  # fmt: skip


def bell(x):
    return np.clip(x, 0, 1)


def roc_figure():
    rate = np.linspace(0, 1, 60)
    names = ("OST", "BMD", "clinical logistic", "clinical LightGBM", "clinical + BMD logistic")
    return RocFigure(curves=tuple(
        RocLine(label=name, false_positive_rate=rate, true_positive_rate=rate ** (1 / (1.5 + k)),
                auc=Estimate(0.62 + 0.05 * k, 0.6 + 0.05 * k, 0.64 + 0.05 * k))
        for k, name in enumerate(names)))  # fmt: skip


def calibration_figure(panels=3):
    rng = np.random.default_rng(7)
    made = []
    for k in range(panels):
        risk = rng.beta(1.2, 6, 1500)
        y_true = (rng.random(1500) < bell(risk * (0.8 + 0.15 * k))).astype(float)
        grid = np.linspace(0.01, 0.5, 50)
        observed = grid * (0.8 + 0.15 * k)
        made.append(CalibrationPanel(
            label=f"Model {k + 1}", y_true=y_true, risk=risk, curve_risk=grid, curve_observed=observed,
            curve_low=observed * 0.85, curve_high=observed * 1.15, slope=Estimate(0.97, 0.88, 1.06),
            intercept=Estimate(-0.02, -0.1, 0.06)))  # fmt: skip
    return CalibrationFigure(panels=tuple(made))


def forest_figure():
    rows = [ForestRow(label="All", n=3750, events=431, estimate=Estimate(0.84, 0.82, 0.86), overall=True)]
    for group, levels in (
        ("sex", ("female", "male")),
        ("ethnicity", ("white", "black", "mexican_american", "asian")),
    ):
        rows.append(ForestRow(label=Variable(group), p=PValue(0.031)))
        rows += [ForestRow(label=Level(group, level), n=900 + 100 * k, events=90 - k,
                           estimate=Estimate(0.8 + 0.01 * k, 0.76 + 0.01 * k, 0.85 + 0.01 * k))
                 for k, level in enumerate(levels)]  # fmt: skip
    rows.append(ForestRow(label=Level("ethnicity", "other"), n=31, events=2))
    return ForestFigure(rows=tuple(rows), axis_label="AUC", reference=0.84)


def flow_figure():
    return FlowFigure(
        boxes=(
            FlowBox(text="Examined in 2017-March 2020", n=15560,
                    excluded=(Excluded(text="Younger than 50 years", n=10_300),
                              Excluded(text="No DXA of the femoral neck, or a scan that could not be read because of an implant or a movement", n=1510))),
            FlowBox(text="Eligible", n=3750, excluded=(Excluded(text="Outcome unknown", n=11),)),
            FlowBox(text="Analysed", n=3739),
        ),
        arms=(FlowBox(text="With osteoporosis", n=431), FlowBox(text="Without osteoporosis", n=3308)),
    )  # fmt: skip


def decision_figure():
    thresholds = np.linspace(0.01, 0.5, 50)
    treat_all = 0.12 - 0.88 * thresholds / (1 - thresholds)
    curves = tuple(
        DecisionLine(
            label=f"Model {k}",
            net_benefit=(line := 0.12 * (1 - thresholds) ** (4 - k)),
            low=line - 0.01,
            high=line + 0.01,
        )
        for k in range(3)
    )
    return DecisionFigure(thresholds=thresholds, curves=curves, treat_all=treat_all)


def love_figure():
    names = ("age_years", "sex", "bmi_kg_m2", "smoking_current", "glucocorticoid_ever", "diabetes")
    return LoveFigure(
        rows=tuple(
            BalanceRow(label=Variable(n), before=0.05 + 0.07 * k, after=0.01 * k) for k, n in enumerate(names)
        )
    )


def survival_figure():
    time = np.linspace(0, 60, 61)
    lines = tuple(
        SurvivalLine(
            label=name,
            time=time,
            value=np.exp(-rate * time),
            low=np.exp(-rate * time) * 0.95,
            high=np.exp(-rate * time) * 1.04,
            at_risk=(1200, 900, 700, 520, 300, 80),
        )
        for name, rate in (("Women", 0.008), ("Men", 0.014))
    )
    return SurvivalFigure(
        lines=lines,
        ticks=(0, 12, 24, 36, 48, 60),
        time_label=Variable("time_months", "unit"),
        value_label="Survival (%)",
        p=PValue(0.0002),
        test=Words("term.test.log_rank"),
    )


def swarm_figure():
    rng = np.random.default_rng(3)
    names = ("age_years", "weight_kg", "sex", "alp_u_l", "mother_hip_fracture")
    values = rng.normal(size=(800, 5))
    values[:40, 3] = np.nan
    shap = np.nan_to_num(values) * np.array([0.9, -0.6, 0.3, 0.2, 0.1]) + rng.normal(size=(800, 5)) * 0.05
    return ShapSwarmFigure(labels=tuple(map(Variable, names)), shap=shap, values=values)


def waterfall_figure():
    steps = tuple(
        Contribution(label=Variable(name), shap=s, value=v)
        for name, s, v in (
            ("age_years", 0.82, 78),
            ("weight_kg", 0.41, Number(48.2, 1)),
            ("sex", -0.2, Level("sex", "male")),
            ("alp_u_l", 0.09, 91),
        )
    )
    return ShapWaterfallFigure(contributions=steps, base=-2.1)


def dependence_figure():
    grid = np.linspace(50, 85, 30)
    panels = [
        DependencePanel(
            label=Variable(name, "unit"),
            grid=grid,
            risk=0.05 + k * 0.02 + (grid - 50) / 200,
            low=(grid - 50) / 220,
            high=0.12 + (grid - 50) / 190,
            seen=grid,
        )
        for k, name in enumerate(("age_years", "weight_kg", "alp_u_l", "bmi_kg_m2"))
    ]
    levels = tuple(Level("ethnicity", level) for level in ("white", "black", "mexican_american", "asian"))
    panels.append(DependencePanel(label=Variable("ethnicity"), levels=levels, risk=[0.1, 0.06, 0.08, 0.12]))
    return DependenceFigure(panels=tuple(panels), risk_label=Words("figure.partial_risk_percent"))


def distribution_figure():
    rng = np.random.default_rng(5)
    names = ("bmd_femoral_neck_g_cm2", "bmd_total_hip_g_cm2", "bmd_lumbar_g_cm2", "bmd_ward_g_cm2")
    panels = tuple(
        DistributionPanel(
            label=Variable(name, "unit"), values=(rng.normal(0.8, 0.1, 900), rng.normal(0.6, 0.07, 90))
        )
        for name in names
    )
    return DistributionFigure(panels=panels, groups=("Normal", "Osteoporosis"))


def bar_figure():
    bars = [
        Bar(
            label=f"Model {k}",
            value=0.2 + 0.1 * k + 0.05 * s,
            low=0.15 + 0.1 * k,
            high=0.3 + 0.1 * k,
            series=s,
            printed=Proportion(20 + 10 * k, 100),
        )
        for k in range(3)
        for s in range(2)
    ]
    return BarFigure(
        bars=tuple(bars), axis_label=Words("figure.caught_percent"), series=("Women", "Men"), percent=True
    )


def missing_figure():
    names = ("pth_pg_ml", "vitamin_d_25oh_nmol_l", "mother_hip_fracture")
    bars = tuple(
        Bar(label=Variable(name), value=0.4 - 0.1 * k, printed=Number(0.4 - 0.1 * k, 1, percent=True))
        for k, name in enumerate(names)
    )
    return BarFigure(bars=bars, axis_label=Words("figure.missing_percent"), percent=True)


def heatmap_figure():
    labels = tuple(
        Variable(n, "short") for n in ("age_years", "weight_kg", "bmi_kg_m2", "bmd_femoral_neck_g_cm2")
    )
    values = np.corrcoef(np.random.default_rng(2).normal(size=(4, 9)))
    return HeatmapFigure(rows=labels, columns=labels, values=values, scale_label="r", limit=1.0)


def radar_figure():
    axes = tuple(map(Variable, ("age_years", "bmi_kg_m2", "alp_u_l", "calcium_mmol_l", "phosphate_mmol_l")))
    profiles = (
        Profile(label="A", values=[0.8, 0.7, 0.75, 0.4, 0.9]),
        Profile(label="B", values=[0.7, 0.8, 0.6, 0.35, 0.92]),
    )
    return RadarFigure(axes=axes, profiles=profiles)


FIGURES = {
    "roc": roc_figure, "calibration": calibration_figure, "forest": forest_figure, "flow": flow_figure, "decision": decision_figure,
    "love": love_figure, "survival": survival_figure, "swarm": swarm_figure, "waterfall": waterfall_figure,
    "dependence": dependence_figure, "distribution": distribution_figure, "bars": bar_figure, "missing": missing_figure,
    "heatmap": heatmap_figure, "radar": radar_figure,
}  # fmt: skip


def baseline_table(rows=6):
    body = [
        (Strong(Variable("age_years", "unit")), Spread(63.2, sd=8.1), Spread(71.0, sd=8.8), PValue(0.0000001), 0.91),
        GroupRow(Variable("sex")),
        (Indented(Level("sex", "female")), Proportion(1500, 3308), Proportion(350, 431), PValue(0.034), 0.79),
        (Indented(Level("sex", "male")), Proportion(1808, 3308), Proportion(81, 431), None, None),
        (Variable("vitamin_d_25oh_nmol_l", "unit"), Spread(71.3, low=52.0, high=93.1), Spread(75.0, low=50.2, high=99.9), PValue(0.21), 0.05),
    ]  # fmt: skip
    body += [(Variable(f"column_{k}"), 1.234 * k, 2.5, PValue(0.5), 0.1) for k in range(rows - 5)]
    group = "Bone status"
    return TableBlock(
        id="table-baseline", title="Characteristics", rows=tuple(body),
        columns=(Column(Words("figure.group")), Column("Normal", group=group), Column("Osteoporosis", group=group),
                 Column("P"), Column("SMD", digits=2)),
        footnotes=("Mean ± SD, median [IQR] or n (%).", Words("report.people", n=3739)))  # fmt: skip


def sample(*, simulated=False, extra=(), title="Osteoporosis & fracture <risk>"):
    blocks = (
        KeyFigures((Tile("People", 3750, "50 years and older"), Tile("AUC", Estimate(0.842, 0.82, 0.861), "clinical logistic"),
                    Tile("Share", Proportion(431, 3750, 0.104, 0.126), "femoral neck"), Tile("P", PValue(0.0001)))),
        Heading("methods", "Methods"),
        Paragraph("Rows were kept as the protocol says. Prices in $ and 50% of {braces} stay # as _they_ *are* \\ @ <b>."),
        Heading("participants", "Participants", 2),
        FigureBlock(id="figure-flow", title="Flow of people", figure=flow_figure(), alt="A flow chart.", caption="Counts."),
        Bullets(("First", "Second")),
        Heading("results", "Results"),
        Paragraph(Ref("table-baseline")),
        baseline_table(),
        FigureBlock(id="figure-roc", title="ROC curves", figure=roc_figure(), alt="Five curves.", caption="All cross-validated."),
        FigureBlock(id="figure-calibration", title="Calibration", figure=calibration_figure(), alt="Three panels."),
        FigureBlock(id="figure-forest", title="Subgroups", figure=forest_figure(), alt="A forest plot."),
        *extra,
        Callout("warning", "The outcome is self-reported."),
        Callout("note", "A note with a name: 王\u4dae."),
        Checklist(id="checklist-tripod", title="TRIPOD+AI", items=(
            ChecklistItem(item="1", section="Title", ask="Name the study", status="auto", pointer="methods", text="Done."),
            ChecklistItem(item="2", section="Abstract", ask="See abstract list"))),
        Heading("references", Words("report.references")),
        References((Reference("Collins GS et al. TRIPOD+AI. BMJ 2024;385:e078378.", doi="10.1136/bmj-2023-078378"),)),
    )  # fmt: skip
    made = Provenance(osteon="0.1.0", code="0.1.0+gabc", python="3.11.7", packages={"numpy": "2.4.6"}, seed=1,
                      inputs={"people.csv": "0" * 64}, command="osteon study run fracture-risk")  # fmt: skip
    return Document(title=title, subtitle="A study", authors=("A. Author",), date="2025-11-20", simulated=simulated,
                    blocks=blocks, provenance=made, summary="What was found.")  # fmt: skip


@pytest.fixture(scope="session")
def sample_document():
    return sample


@pytest.fixture(scope="session")
def figures():
    """The figure makers by name."""
    return FIGURES
