"""
Recheck of the multi-dimensional fusion study: every figure it prints, recomputed from its own tables.

``follows`` is "yes" when the printed figure follows from the other printed figures within rounding, "no" when it
cannot, "not computable" when the paper prints too little to tell. Nothing here judges the study beyond arithmetic.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np

from osteon.stats.printed import (
    anova_from_summary,
    auc_difference_p,
    binormal_auc,
    hanley_mcneil_se,
    pooled_mean_sd,
    prevalence_from_accuracy,
)

__all__ = ["Follows", "Recheck", "published", "recheck"]

Follows = Literal["yes", "no", "not computable"]
Value = float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """One printed figure beside what the paper's own numbers give; ``why`` is a key of the word lists."""

    figure: str
    item: str = ""
    printed: Value
    recomputed: Value
    follows: Follows
    why: str = ""


@cache
def published() -> dict[str, Any]:
    """The printed figures as data."""
    return tomllib.loads((files("osteon.studies") / "published_s1.toml").read_text(encoding="utf-8"))


def recheck() -> tuple[Recheck, ...]:
    """All printed figures, in the order of the paper."""
    paper = published()
    parts = (_cohort, _means, _counts, _performance, _text, _intervals, _subgroups)
    return tuple(line for part in parts for line in part(paper))


def _same(printed: float, recomputed: float, half_unit: float) -> Follows:
    return "yes" if abs(printed - recomputed) <= half_unit * (1 + 1e-6) else "no"


def _p_line(figure: str, item: str, row: dict[str, Any], p: float) -> Recheck:
    if "p_below" in row:
        shown: Value = p if p > 1e-300 else "< 1e-300"  # below what a computer can hold: never zero
        return Recheck(figure=figure, item=item, printed=f"< {row['p_below']:g}", recomputed=shown,
                       follows="yes" if p < row["p_below"] else "no")  # fmt: skip
    # A printed p is accepted within a fifth of itself: the inputs are rounded.
    fits = abs(p - row["p"]) <= 0.2 * row["p"]
    return Recheck(figure=figure, item=item, printed=row["p"], recomputed=p, follows="yes" if fits else "no",
                   why="" if fits else "p_from_summaries")  # fmt: skip


def _cohort(paper: dict[str, Any]) -> Iterator[Recheck]:
    cohort, age = paper["cohort"], paper["means"]["age"]
    n, groups = cohort["n"], cohort["groups"]
    yield Recheck(figure="groups_sum", printed=n, recomputed=sum(groups), follows=_same(n, sum(groups), 0))
    mean, sd = pooled_mean_sd(groups, age["mean"], age["sd"])
    yield Recheck(figure="mean_age", printed=cohort["mean_age"], recomputed=mean,
                  follows=_same(cohort["mean_age"], mean, 0.1), why="weighted_mean")  # fmt: skip
    yield Recheck(figure="sd_age", printed=cohort["sd_age"], recomputed=sd,
                  follows=_same(cohort["sd_age"], sd, 0.1), why="pooled_sd")  # fmt: skip
    women = 100 * sum(paper["counts"]["female"]["n"]) / n
    yield Recheck(figure="female_share", printed=cohort["female_pct"], recomputed=women,
                  follows=_same(cohort["female_pct"], women, 0.05), why="sum_of_counts")  # fmt: skip
    parts = cohort["train_n"] + cohort["split_test_n"]
    yield Recheck(figure="split_sum", printed=n, recomputed=parts, follows=_same(n, parts, 0))
    yield Recheck(figure="test_size", printed=cohort["reported_test_n"], recomputed=cohort["split_test_n"],
                  follows=_same(cohort["reported_test_n"], cohort["split_test_n"], 0), why="two_test_sizes")  # fmt: skip
    yield Recheck(figure="nhanes_countries", printed=cohort["nhanes_countries"], recomputed=1, follows="no",
                  why="one_country")  # fmt: skip


def _means(paper: dict[str, Any]) -> Iterator[Recheck]:
    for name, row in paper["means"].items():
        p = anova_from_summary(paper["cohort"]["groups"], row["mean"], row["sd"]).p
        yield _p_line("mean_p", name, row, p)
    yield Recheck(figure="vitamin_d_p", printed="< 0.001", recomputed=None, follows="not computable",
                  why="median_printed_as_mean")  # fmt: skip


def _counts(paper: dict[str, Any]) -> Iterator[Recheck]:
    from scipy.stats import chi2_contingency

    groups = paper["cohort"]["groups"]
    for name, row in paper["counts"].items():
        shares = [100 * k / n for k, n in zip(row["n"], groups, strict=True)]
        fits = all(_same(p, s, 0.05) == "yes" for p, s in zip(row["pct"], shares, strict=True))
        yield Recheck(figure="percentages", item=name, printed=_list(row["pct"]), recomputed=_list(shares),
                      follows="yes" if fits else "no", why="" if fits else "counts_over_n")  # fmt: skip
        table = np.array([row["n"], np.subtract(groups, row["n"])])
        yield _p_line("count_p", name, row, float(chi2_contingency(table, correction=False).pvalue))


def _list(values: list[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in values)


def _performance(paper: dict[str, Any]) -> Iterator[Recheck]:
    prevalence = paper["cohort"]["groups"][2] / paper["cohort"]["n"]
    for name, (accuracy, sensitivity, specificity, *_rest) in paper["performance"].items():
        low, high = sorted((sensitivity, specificity))
        inside = low - 0.1 <= accuracy <= high + 0.1
        if not inside or name == "external":
            yield Recheck(figure="accuracy_between", item=name, printed=accuracy, recomputed=f"{low:.1f} - {high:.1f}",
                          follows="yes" if inside else "no", why="" if inside else "accuracy_outside")  # fmt: skip
            continue
        implied = prevalence * sensitivity + (1 - prevalence) * specificity
        share = prevalence_from_accuracy(accuracy, sensitivity=sensitivity, specificity=specificity)
        follows = _same(accuracy, implied, 0.1)
        yield Recheck(figure="accuracy_at_prevalence", item=name, printed=accuracy, recomputed=implied, follows=follows,
                      why="" if follows == "yes" else f"implies_prevalence:{100 * share:.1f}")  # fmt: skip
    same = paper["performance"]["simplified"] == paper["performance"]["dxa_clinical_btm"]
    yield Recheck(figure="simplified_row", printed=_row(paper["performance"]["simplified"]),
                  recomputed=_row(paper["performance"]["dxa_clinical_btm"]), follows="not computable",
                  why="identical_rows" if same else "")  # fmt: skip


def _row(values: list[float]) -> str:
    return " / ".join(f"{value:g}" for value in values)


def _text(paper: dict[str, Any]) -> Iterator[Recheck]:
    _, sensitivity, specificity, *_rest = paper["performance"]["all_features"]
    prevalence = paper["cohort"]["groups"][2] / paper["cohort"]["n"]
    true_positive, false_positive = prevalence * sensitivity, (1 - prevalence) * (100 - specificity)
    true_negative, false_negative = (1 - prevalence) * specificity, prevalence * (100 - sensitivity)
    ppv = 100 * true_positive / (true_positive + false_positive)
    npv = 100 * true_negative / (true_negative + false_negative)
    for figure, value in (("ppv", ppv), ("npv", npv)):
        follows = _same(paper["text"][figure], value, 0.15)
        yield Recheck(figure=figure, printed=paper["text"][figure], recomputed=value, follows=follows,
                      why="" if follows == "yes" else "at_table1_prevalence")  # fmt: skip
    table = paper["performance"]["simplified"][3:6]
    abstract = paper["text"]["simplified_abstract"]
    yield Recheck(figure="simplified_interval", printed=_row(abstract), recomputed=_row(table),
                  follows="yes" if abstract == table else "no", why="abstract_against_table")  # fmt: skip
    for name, other in (("dxa", paper["performance"]["dxa"][3:6]), ("frax", paper["text"]["frax_auc"])):
        p = auc_difference_p(tuple(paper["performance"]["all_features"][3:6]), tuple(other))
        yield Recheck(figure="delong_against", item=name, printed="< 0.05", recomputed=p.high,
                      follows="yes" if p.high < 0.05 else "no", why="upper_bound_unpaired")  # fmt: skip
    groups, neck = paper["cohort"]["groups"], paper["means"]["neck_bmd"]
    aucs = [binormal_auc(neck["mean"][g], neck["sd"][g], neck["mean"][2], neck["sd"][2]) for g in (0, 1)]
    alone = (groups[0] * aucs[0] + groups[1] * aucs[1]) / (groups[0] + groups[1])
    yield Recheck(figure="dxa_auc", printed=paper["performance"]["dxa"][3], recomputed=alone, follows="no",
                  why="dxa_defines_outcome")  # fmt: skip
    yield Recheck(figure="fracture_auc", printed=paper["text"]["fracture_auc"], recomputed=None,
                  follows="not computable", why="only_in_discussion")  # fmt: skip


def _intervals(paper: dict[str, Any]) -> Iterator[Recheck]:
    prevalence = paper["cohort"]["groups"][2] / paper["cohort"]["n"]
    sizes = dict.fromkeys(paper["performance"], paper["cohort"]["split_test_n"])
    sizes["external"] = paper["cohort"]["external_n"]
    for name, row in paper["performance"].items():
        auc, low, high = row[3:6]
        n = sizes[name]
        width = 2 * 1.96 * hanley_mcneil_se(auc, events=prevalence * n, nonevents=(1 - prevalence) * n)
        fits = 0.7 <= (high - low) / width <= 1.4
        yield Recheck(figure="interval_width", item=name, printed=round(high - low, 4), recomputed=width,
                      follows="yes" if fits else "no", why="" if fits else f"too_narrow_for:{n}")  # fmt: skip


def _subgroups(paper: dict[str, Any]) -> Iterator[Recheck]:
    n = paper["cohort"]["n"]
    for name, group in paper["subgroups"].items():
        rows = {key: row for key, row in group.items() if key != "p"}
        if all("n" in row for row in rows.values()):
            total = sum(row["n"] for row in rows.values())
            yield Recheck(
                figure="subgroup_sum", item=name, printed=n, recomputed=total, follows=_same(n, total, 0)
            )
        if len(rows) == 2:
            first, second = (tuple(row["auc"]) for row in rows.values())
            p = auc_difference_p(first, second)
            fits = p.low - 5e-4 <= group["p"] <= p.high + 5e-4
            yield Recheck(figure="subgroup_p", item=name, printed=group["p"], recomputed=f"{p.low:.3f} - {p.high:.3f}",
                          follows="yes" if fits else "no", why="" if fits else "p_from_intervals")  # fmt: skip
        else:
            yield Recheck(figure="subgroup_p", item=name, printed=group["p"], recomputed=None,
                          follows="not computable", why="anova_of_aucs")  # fmt: skip
    yield from _subgroup_oddities(paper)


def _subgroup_oddities(paper: dict[str, Any]) -> Iterator[Recheck]:
    groups, cohort = paper["subgroups"], paper["cohort"]
    women = sum(paper["counts"]["female"]["n"])
    yield Recheck(figure="women_in_table4", printed=groups["sex"]["female"]["n"], recomputed=women,
                  follows=_same(groups["sex"]["female"]["n"], women, 0), why="women_differ")  # fmt: skip
    yield Recheck(figure="subgroup_n", printed=cohort["n"], recomputed=cohort["split_test_n"], follows="no",
                  why="subgroups_use_all_rows")  # fmt: skip
    for name in ("normal", "low_bone_mass", "osteoporosis"):
        yield Recheck(figure="one_class_auc", item=name, printed=groups["bone"][name]["auc"][0], recomputed=None,
                      follows="no", why="one_class")  # fmt: skip
    auc, low, high = groups["completeness"]["deficient"]["auc"]
    yield Recheck(figure="interval_symmetry", printed=f"{low:g} - {high:g}", recomputed=f"{auc - low:.3f} / {high - auc:.3f}",
                  follows="no", why="asymmetric_interval")  # fmt: skip
    complete = min(cohort["microstructure_n"], cohort["genotyped_n"], cohort["sensor_n"])
    yield Recheck(figure="complete_rows", printed=None, recomputed=f"<= {complete}", follows="not computable",
                  why="at_most_complete")  # fmt: skip
